"""What the tensors of a recorded computation are called: in code, in LaTeX and in plain text.

A tensor has the name that it was given; one without gets a short one in recording order. Names are
data: whatever they hold, in code they are valid identifiers, and in LaTeX they are escaped.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from ..engine import Primitive, Tensor
from ..table import TABLE
from .numbers import LONGEST_NAME
from .symbols import SUPERSCRIPTS, latex_symbol, text_symbol

#: What nothing may be called in code, where `source` writes ``loss_and_gradients``; ruff takes l, O
#: and I for numbers.
RESERVED = {"np", "loss_and_gradients", "l", "O", "I", *dir(builtins), *keyword.kwlist}


class Names:
    r"""Names for tensors, unique among them and among the names of their gradients.

    A tensor that has a name keeps it, as far as it is a valid identifier. Others are v1, v2, ...
    where they were computed, p1, p2, ... where they are parameters, and c1, c2, ... where they are
    constants, in recording order, or have the letter that their operation calls them by, such as Y
    for labels. An unnamed loss is L where that is free; it is the last tensor,
    if none is given. Reserved identifiers are taken by no tensor and no gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> z1, again, lam = (bp.tensor(1.0, name=name) for name in ["z1", "z1", "lambda"])
    >>> names = Names([z1, again, lam], latex={"lambda": r"\ell"})
    >>> names.identifier(z1), names.identifier(again), names.identifier(lam), names.gradient(z1)
    ('z1', 'z1_2', 'lambda_', 'dz1')
    >>> print(names.latex(z1), names.latex(again), names.latex(lam), names.text(again))
    z_1 z_1^{(2)} \ell z₁⁽²⁾
    >>> print(names.gradient_text(z1), names.gradient_latex(z1))
    ∂λ/∂z₁ \frac{\partial \ell}{\partial z_1}
    """

    def __init__(
        self,
        tensors: Iterable[Tensor],
        reserved: Iterable[str] = (),
        loss: Tensor | None = None,
        latex: Mapping[str, str] | None = None,
    ) -> None:
        self.tensors = list(tensors)
        self.loss = self.tensors[-1] if loss is None else loss
        self._identifiers: dict[int, str] = {}
        taken = RESERVED | set(reserved)
        used: dict[str, int] = {}  # how many names began alike, so that a thousand take no longer
        given = [t for t in self.tensors if t.name is not None]
        unnamed = [t for t in self.tensors if t.name is None]
        for t in given:
            self._identifiers[t.id] = fresh(identifier(t.name or ""), taken, used)
        letters = {  # of arrays that an operation has a letter for, such as the labels of a loss
            x.id: t.primitive.letters.get(operand, "")
            for t in self.tensors
            if t.primitive is not None and t.primitive.letters
            for x, operand in zip(t.inputs, t.primitive.operand_names, strict=False)
            if x is not None and x.primitive is None and not x.requires_grad
        }
        counts = {"v": 0, "p": 0, "c": 0}
        for t in unnamed:
            kind = "v" if t.primitive is not None else "p" if t.requires_grad else "c"
            name = "L" if t is loss else letters.get(t.id, "")
            while not name or name in taken:
                counts[kind] += 1
                name = f"{kind}{counts[kind]}"
            taken.add(name)
            self._identifiers[t.id] = name
        self._gradients = {
            t.id: fresh(f"d{self._identifiers[t.id]}", taken, used) for t in self.tensors
        }
        self._shown = [(t.id, t.name or "") for t in given]
        self._shown += [(t.id, self._identifiers[t.id]) for t in unnamed]
        self._text = distinguished(
            {key: text_symbol(name) for key, name in self._shown},
            lambda n: f"({n})".translate(SUPERSCRIPTS),
        )
        self._given_latex = latex or {}  # used as it is

    @cached_property
    def _latex(self) -> Mapping[int, str]:
        given = self._given_latex
        return distinguished(
            {key: given.get(name) or latex_symbol(name) for key, name in self._shown},
            "^{{({})}}".format,
        )

    def identifier(self, t: Tensor) -> str:
        return self._identifiers[t.id]

    def gradient(self, t: Tensor) -> str:
        return self._gradients[t.id]

    def latex(self, t: Tensor) -> str:
        return self._latex[t.id]

    def text(self, t: Tensor) -> str:
        return self._text[t.id]

    def gradient_latex(self, t: Tensor) -> str:
        return rf"\frac{{\partial {self.latex(self.loss)}}}{{\partial {self.latex(t)}}}"

    def gradient_text(self, t: Tensor) -> str:
        return f"∂{self.text(self.loss)}/∂{self.text(t)}"

    @cached_property
    def latex_symbols(self) -> Mapping[str, str]:
        return self._symbols(self._latex, self.gradient_latex)

    @cached_property
    def text_symbols(self) -> Mapping[str, str]:
        return self._symbols(self._text, self.gradient_text)

    def _symbols(
        self, symbols: Mapping[int, str], gradient: Callable[[Tensor], str]
    ) -> Mapping[str, str]:
        found = {name: symbols[key] for key, name in self._identifiers.items()}
        found |= {self._gradients[t.id]: gradient(t) for t in self.tensors}
        return found | self._functions()

    def _functions(self) -> dict[str, str]:
        # a function keeps its name where a tensor has its symbol, such as σ
        taken = set(self._text.values())
        rows = {*TABLE.values(), *(t.primitive for t in self.tensors)}
        return {
            f"{row.__name__}()": row.__name__
            for row in rows
            if isinstance(row, Primitive) and isinstance(row.notation, tuple)
            and row.notation[0] in taken and row.notation[0] != row.__name__
        }  # fmt: skip


def identifier(name: str) -> str:
    def letters(run: re.Match[str]) -> str:  # Greek ones are kept
        return "".join(
            c if f"v{c}".isidentifier() and unicodedata.normalize("NFKC", c) == c else "_"
            for c in run[0]
        )

    # Python reads identifiers in this normal form, so in it they are compared
    name = unicodedata.normalize("NFKC", name[: 10 * LONGEST_NAME])
    word = re.sub(r"[^0-9A-Za-z_]+", letters, name)
    word = re.sub(r"__+", "_", word).strip("_")[:LONGEST_NAME].strip("_") or "v"
    if not word.isidentifier():
        word = f"v{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def fresh(base: str, taken: set[str], used: dict[str, int] | None = None) -> str:
    used = {} if used is None else used
    name, n = base, used.get(base, 1)
    while name in taken:
        n += 1
        name = f"{base}_{n}"
    used[base] = n
    taken.add(name)
    return name


def distinguished(symbols: Mapping[int, str], mark: Callable[[int], str]) -> dict[int, str]:
    found, seen = {}, dict[str, int]()
    for key, symbol in symbols.items():
        unique, n = symbol, seen.get(symbol, 0) + 1
        while n > 1 and (unique := symbol + mark(n)) in seen:
            n += 1
        seen[symbol] = n
        seen.setdefault(unique, 1)
        found[key] = unique
    return found
