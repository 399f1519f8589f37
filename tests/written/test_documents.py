"""Where mathematics stands in a document, what belongs together in it, and what damage does."""

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_bp as bp
from tests.test_random_programs import SEARCH, Program, programs
from tinygrad_bp.table import TABLE
from tinygrad_bp.worked_problem.network import network
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.written.extract import LONGEST_DOCUMENT
from tinygrad_bp.written.names import Spelling, key_of, spellings
from tinygrad_bp.written.read import DEEPEST, MOST_LINES, read
from tinygrad_bp.written.tree import Letter, Name, Refusal, WrittenLine

from .test_reading import corpus, reading


def found(source: str, suffix: str) -> list[tuple[int, str]]:
    return [(line.where.line, reading(line)) for line in read(source, suffix)]


def refusals(lines: list[WrittenLine]) -> list[str]:
    sides = [side for line in lines for side in (line.left, *line.rights)]
    return [side.tree.reason for side in sides if isinstance(side.tree, Refusal)]


# ---- where mathematics stands ----

MARKDOWN = r"""# Homework, by hand

The forward pass is $z = W x$, and \(a = \sigma(z)\). It costs \$5 = a lot.

$$
\frac{\partial L}{\partial a}
  = a - y
$$

```math
dz = da \odot a (1 - a)
```

```{math}
:label: outer

dW = dz x^T
```

```bash
export W=1
```

<!-- $b = c$ -->
- \[ dx = W^T dz \]
- GitLab writes $`db = dz`$
1. ∂L/∂v = ∂L/∂z wᵀ
"""


def test_markdown() -> None:
    assert found(MARKDOWN, ".md") == [
        (3, "z = W x"),
        (3, "a = σ(z)"),
        (6, "∂L/∂a = a − y"),
        (11, "dz = da ⊙ a (1 − a)"),
        (17, "dW = dz xᵀ"),
        (25, "dx = Wᵀ dz"),
        (26, "db = dz"),
        (27, "∂L/∂v = ∂L/∂z wᵀ"),
    ]


LATEX = r"""\documentclass{article}
\newcommand{\x}{$a = b$}
\begin{document}
Plain lines, as dz = a - y, are not mathematics here. % $p = q$
\begin{align*}
  \delta &= a - y \label{eq:delta} \\[4pt]  % the output
  dW &= \delta x^T & db &= \delta
\end{align*}
\begin{verbatim}
$z = 1$
\end{verbatim}
\begin{equation} dx = W^\top \delta \tag{3} \end{equation}
\end{document}
"""


def test_latex() -> None:
    assert found(LATEX, ".tex") == [
        (6, "δ = a − y"),
        (7, "dW = δ xᵀ"),
        (7, "db = δ"),
        (12, "dx = Wᵀ δ"),
    ]


TEXT = """Backpropagation, for my network
1) z1 = W1 x + b1      # forward
   a1 = sigmoid(z1)
and the gradients in order are = as follows
  dL/dz1 = dL/da1 * a1 * (1 - a1)    (3, 1)
         = dL/da1 * (a1 - a1^2)
c = [[ 1, 2],
     [ 3, 4]]
if i != j:
  da_i/dz_j = -a_i a_j
"""


def test_plain_text() -> None:
    assert found(TEXT, ".txt") == [
        (2, "z_1 = W_1 x + b_1"),
        (3, "a_1 = sigmoid(z_1)"),
        (5, "∂L/∂z_1 = ∂L/∂a_1 * a_1 * (1 − a_1)"),
        (6, "∂L/∂z_1 = ∂L/∂a_1 * (a_1 − a_1^2)"),
        (7, "c = [[1, 2], [3, 4]]"),
        (10, "∂a_i/∂z_j = −a_i a_j"),
    ]
    *_, before, line = read(TEXT, ".txt")
    assert before.scope is None
    assert line.scope
    assert line.scope[0].letters == ("i", "j")


def test_a_notebook() -> None:
    cells = [
        {"cell_type": "code", "source": ["dz = a - y"]},
        {"cell_type": "markdown", "source": ["So\n", "$dz = a - y$"]},
        {"cell_type": "markdown", "source": "$$dW = dz x^T$$"},
    ]
    lines = read(json.dumps({"cells": cells}), ".ipynb")
    assert [(line.where.cell, line.where.line) for line in lines] == [(2, 2), (3, 1)]
    for damaged in ("", "[]", '{"cells": 3}', '{"cells": [{"cell_type": "markdown"}]}', "[" * 9999):
        with pytest.raises(ValueError, match="no notebook"):
            read(damaged, ".ipynb")


# ---- what belongs together ----


def test_a_row_that_begins_with_a_relation_goes_on() -> None:
    first, second = read(r"$$\delta = a - y$$ and so $$= -(y - a)$$", ".md")
    assert (first.continues, second.continues) == (False, True)
    assert second.left == first.left
    assert second.text == "-(y - a)"


def test_a_condition_before_a_line_holds_until_the_next() -> None:
    source = r"""If $i \neq j$, $$\frac{\partial a_i}{\partial z_j} = -a_i a_j$$ and, if $i = j$,
    $$\frac{\partial a_i}{\partial z_j} = a_i (1 - a_i)$$
    $$dz = \begin{cases} 1 & i = j \\ 0 & i \neq j \end{cases}$$
    $$h = z$$"""
    relations = [line.scope and line.scope[0].relation for line in read(source, ".md")]
    assert relations == ["≠", "=", "=", None]


def test_an_exponent_may_be_missing() -> None:
    (line,) = read("$$a = (b)^{}$$", ".md")
    assert refusals([line]) == ["nothing stands above a bracket"]


def test_the_source_of_a_line_is_kept() -> None:
    line, other = read(r"$$\left(a\right)_i = \left[ b \right] c, \quad d = e$$", ".md")
    assert line.text == r"\left(a\right)_i = \left[ b \right] c"
    assert [side.text for side in line.rights] == [r"\left[ b \right] c"]
    assert (other.left.text, other.latex) == ("d", True)


def test_brackets_that_do_not_close_refuse_the_whole_piece() -> None:
    (line,) = read(r"$$\boxed{\frac{a}{b} = c$$", ".md")
    assert refusals([line])


# ---- names ----


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("z3", ("z", "", "", 3)),
        ("y_hat", ("y", "hat", "", None)),
        ("y_hat3", ("y", "hat", "", 3)),
        ("W_xh", ("W", "", "xh", None)),
        ("a_out_2", ("a", "", "out", 2)),
    ],
)
def test_names_of_the_network_are_taken_apart(name: str, expected: tuple[object, ...]) -> None:
    key = key_of(name)
    assert (key.base, key.accent, key.word, key.layer) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("z^3", {(3, (), 1), (None, (), 3)}),
        ("z_3", {(3, (), 1), (None, (3,), 1)}),
        ("z^{[3]}", {(3, (), 1), (None, (3,), 1)}),
        ("z^{(3)}", {(3, (), 1)}),
        ("z^{(i)}", {(Letter("i"), (), 1), (None, (), 1)}),
        ("a_1^3", {(3, (1,), 1), (1, (), 3), (None, (1,), 3)}),
        ("z_{3,j}", {(3, (Letter("j"),), 1), (None, (3, Letter("j")), 1),
                     (Letter("j"), (3,), 1)}),
        ("a^{l-1}_k", {(Letter("l", -1), (Letter("k"),), 1)}),
    ],
)  # fmt: skip
def test_spellings(source: str, expected: set[tuple[object, ...]]) -> None:
    (line,) = read(f"${source} = 1$", ".md")
    assert isinstance(line.left.tree, Name)
    choices: list[Spelling] = spellings(line.left.tree)
    assert {(s.key.layer, s.entries, s.power) for s in choices} == expected


# ---- what derive writes ----


def worked() -> bp.Tensor:
    problem = random_problem(seed=1)
    given = {name: bp.tensor(array, requires_grad=name in ("W1", "W2", "W3"), name=name)
             for name, array in vars(problem).items()}  # fmt: skip
    return network(**given)["L"]


def with_a_batch() -> bp.Tensor:
    rng = np.random.default_rng(0)
    x, y = bp.tensor(rng.normal(size=(4, 3)), name="x"), np.eye(2)[[0, 1, 1, 0]]
    sizes = {"W1": (3, 5), "b1": (5,), "W2": (5, 2), "b2": (2,)}
    p = {n: bp.tensor(rng.normal(size=s), requires_grad=True, name=n) for n, s in sizes.items()}
    hidden = bp.tanh((x @ p["W1"] + p["b1"]).named("z1")).named("hidden")
    return bp.cross_entropy((hidden @ p["W2"] + p["b2"]).named("z2"), y).named("L")


def in_layers() -> bp.Tensor:
    rng = np.random.default_rng(0)
    layers = (bp.nn.Linear(3, 4, rng=rng), bp.relu, bp.nn.LayerNorm(4), bp.nn.Linear(4, 2, rng=rng))
    model = bp.nn.Sequential(*layers)
    return bp.nn.mse_loss(model(rng.normal(size=(5, 3))), rng.normal(size=(5, 2)))


@pytest.mark.parametrize("form", ["matrix", "index"])
@pytest.mark.parametrize("loss", [worked, with_a_batch, in_layers])
def test_all_that_derive_writes_of_a_network_is_read(loss, form) -> None:  # type: ignore[no-untyped-def]
    derivation = bp.derive(loss(), form=form)
    documents = {".md": derivation.markdown, ".tex": derivation.latex, ".txt": derivation.text}
    lines = {suffix: read(text, suffix) for suffix, text in documents.items()}
    assert not [refusal for some in lines.values() for refusal in refusals(some)]
    sides = {sum(len(line.rights) for line in some) for some in lines.values()}
    assert len(sides) == 1, "each of the three says as much"
    assert sides.pop() > 10


#: What is not read of it: parts of arrays, products over an axis, and inverses of matrices.
NOT_READ = {"a slice", "a product over an index", "dots, for what is not written",
            "a root that is no square root", "a remainder", "something is missing at its end",
            r"\lfloor is not known", r"\lceil is not known", r"\bmod is not known",
            "an inverse: a power of a number, or of a matrix?"}  # fmt: skip


def test_what_derive_writes_of_random_programs_is_read_or_refused_for_a_known_reason() -> None:
    def one(program: Program) -> None:
        loss = program.run(TABLE, lambda a: bp.tensor(a, requires_grad=True), np.asarray)
        derivation = bp.derive(loss)
        for suffix, text in ((".md", derivation.markdown), (".txt", derivation.text)):
            reasons = {r for r in refusals(read(text, suffix)) if not r.endswith(" of nothing")}
            assert reasons <= NOT_READ

    settings(SEARCH, max_examples=25)(given(programs())(one))()


# ---- damage ----


@cache
def whole() -> list[str]:
    golden = [f"$${source}$$" for source, _, _ in corpus("golden_latex")]
    text = [source for source, _, _ in corpus("golden_text")]
    return [MARKDOWN, LATEX, TEXT, "\n".join(golden), "\n".join(text)]


BITS = [*"{}[]()$&\\_^'|=+-.,;:\n1d~`", r"\begin{cases}", r"\end{cases}", r"\frac", r"\boxed{",
        r"\left", r"\text{", r"\partial", r"\underbrace", r"\hat", r"\\", "∂", "²", "ŷ", "\u0302",
        "```", "Σ[", "{x if ", "<!--"]  # fmt: skip


@settings(SEARCH, max_examples=150)
@given(st.data())
def test_a_damaged_document_is_read_without_an_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(whole()))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 20))
        text = text[:start] + data.draw(st.sampled_from(["", *BITS])) + text[end:]
    for line in read(text, data.draw(st.sampled_from([".md", ".tex", ".txt"]))):
        assert line.rights
        assert line.where.line >= 1


@given(st.lists(st.sampled_from([*"ab1 =", *BITS])).map("".join))
def test_no_text_is_an_error(text: str) -> None:
    read(text, ".md")
    read(f"$$a = {text}$$", ".md")


def test_what_is_too_much_is_said() -> None:
    with pytest.raises(ValueError, match="at most 200000 are read"):
        read("x" * (LONGEST_DOCUMENT + 1), ".md")
    with pytest.raises(ValueError, match="more than 2000 equations"):
        read("$$" + r"a=b\\" * (MOST_LINES + 1) + "$$", ".md")
    for deep in ("(" * 2 * DEEPEST, r"\sqrt{" * 2 * DEEPEST, r"\boxed{" * 5000):
        assert refusals(read(f"$$a = {deep}$$", ".md"))
    assert "at most 2000" in refusals(read("$a = " + "x " * 2001 + "$", ".md"))[0]
    deep = r"\sqrt" * 1900
    assert refusals(read(f"$a = {deep} x$", ".md")) == ["its brackets are nested too deeply"]
