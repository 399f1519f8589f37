"""What a document itself says that δ is: it need be no gradient, and no convention counts then."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.written import judged
from tinygrad_bp.written.document import Document

FORWARD = r"""
$$I_j = \sum_i w_{ji} x_i$$

$$O_j = f(I_j)$$

$$I_k = \sum_j w_{kj} O_j$$

$$y_k = f(I_k)$$

"""


@pytest.fixture(scope="module")
def loss():
    rng = np.random.default_rng(0)
    x = bp.tensor(rng.normal(size=(6, 1)), name="x")
    W1 = bp.tensor(rng.normal(size=(5, 6)), requires_grad=True, name="W1")
    W2 = bp.tensor(rng.normal(size=(3, 5)), requires_grad=True, name="W2")
    d = bp.tensor(rng.normal(size=(3, 1)), name="d")
    I1 = W1 @ x
    O1 = bp.sigmoid(I1)
    I2 = W2 @ O1
    y = bp.sigmoid(I2)
    L = 0.5 * bp.sum((d - y) ** 2)
    bp.name_tensors(locals())
    return L


NAMES = {"I_j": "I1", "O_j": "O1", "I_k": "I2", "y_k": "y", "O_i": "x"}

WEIGHT = r"\frac{\partial L}{\partial w_{kj}}"
BELOW = r"\frac{\partial L}{\partial O_j}"

#: What is right if δ_k is dL/dI_k, and so wrong in all that follows.
BY_CONVENTION = [rf"{WEIGHT} = \delta_k O_j", rf"{BELOW} = \sum_k \delta_k w_{{kj}}"]

#: What δ_k is, and by it each of what is right, and of what is wrong.
INSIDE = {
    "a sign": (
        r"\delta_k = (d_k - y_k) f'(I_k)",
        [rf"{WEIGHT} = -\delta_k O_j", rf"{BELOW} = -\sum_k \delta_k w_{{kj}}"],
        BY_CONVENTION,
    ),
    "a factor": (
        r"\delta_k = 2 (y_k - d_k) f'(I_k)",
        [
            rf"{WEIGHT} = \frac{{1}}{{2}} \delta_k O_j",
            rf"{BELOW} = \frac{{1}}{{2}} \sum_k \delta_k w_{{kj}}",
        ],
        BY_CONVENTION,
    ),
    "a number for the mean": (
        r"\delta_k = \frac{1}{3} (y_k - d_k) f'(I_k)",
        [rf"{WEIGHT} = 3 \delta_k O_j", rf"{BELOW} = 3 \sum_k \delta_k w_{{kj}}"],
        BY_CONVENTION,
    ),
    "no derivative of f": (
        r"\delta_k = y_k - d_k",
        [rf"{WEIGHT} = \delta_k f'(I_k) O_j", rf"{BELOW} = \sum_k \delta_k f'(I_k) w_{{kj}}"],
        BY_CONVENTION,
    ),
}


def verdicts(tmp_path, loss, document, names=NAMES):
    path = tmp_path / "homework.md"
    path.write_text(document, "utf-8")
    report = bp.grade(path, loss, names=names, required=())
    return {f"{side.left} = {side.source}": side.verdict for side in report.written}


@pytest.mark.parametrize("where", ["before", "after", "in prose"])
@pytest.mark.parametrize("kind", INSIDE)
def test_what_a_document_says_counts_in_all_its_lines(tmp_path, loss, kind, where):
    definition, right, wrong = INSIDE[kind]
    lines = [f"$${line}$$\n" for line in (*right, *wrong)]
    said = f"Here ${definition}$ is the error.\n" if where == "in prose" else f"$${definition}$$\n"
    lines = [*lines, said] if where == "after" else [said, *lines]
    found = verdicts(tmp_path, loss, FORWARD + "\n".join(lines))
    assert found[definition] == ("defined" if kind == "a sign" else "not compared")
    for line in right:
        assert found[line] == "right", line
    for line in wrong:
        assert found[line] not in ("right", "defined"), line


def test_a_gradient_stays_one(tmp_path, loss):
    lines = [r"\delta_k = (y_k - d_k) f'(I_k)", *INSIDE["a sign"][2]]
    found = verdicts(tmp_path, loss, FORWARD + "\n\n".join(f"$${line}$$" for line in lines))
    assert {found[line] for line in lines} == {"right"}


@pytest.mark.parametrize(
    "other", [r"\delta_k = y_k - d_k", r"\delta_k = \frac{\partial L}{\partial I_k}"]
)
def test_what_is_defined_in_two_ways_is_not_compared(tmp_path, loss, other):
    definition, right, wrong = INSIDE["a sign"]
    lines = [definition, *right, other, *wrong]
    found = verdicts(tmp_path, loss, FORWARD + "\n\n".join(f"$${line}$$" for line in lines))
    assert {found[line] for line in (*right, *wrong)} == {"not compared"}


def test_what_rests_on_a_definition_has_its_sign(tmp_path, loss):
    lines = [
        r"\frac{\partial L}{\partial w_{ji}} = \delta_j x_i",
        r"\frac{\partial L}{\partial w_{ji}} = -\delta_j x_i",
        INSIDE["a sign"][0],
        r"\delta_j = f'(I_j) \sum_k \delta_k w_{kj}",
    ]
    found = verdicts(tmp_path, loss, FORWARD + "\n\n".join(f"$${line}$$" for line in lines))
    assert found[lines[0]] not in ("right", "defined")
    assert found[lines[3]] == "defined"


@pytest.mark.parametrize("delta", [r"\delta_2", r"\delta^{(2)}", r"\delta^{(L)}", r"\delta"])
@pytest.mark.parametrize("is_before", [True, False])
def test_a_whole_delta_with_a_sign_makes_nothing_right(tmp_path, loss, delta, is_before):
    definition = rf"{delta} = (d - y) \odot f'(I_2)"
    wrong = rf"\frac{{\partial L}}{{\partial W_2}} = {delta} O_1^T"
    lines = [definition, wrong] if is_before else [wrong, definition]
    found = verdicts(tmp_path, loss, "\n\n".join(f"$${line}$$" for line in lines), {})
    assert found[wrong] not in ("right", "defined")
    right = rf"\frac{{\partial L}}{{\partial W_2}} = -{delta} O_1^T"
    lines = [definition, right]
    found = verdicts(tmp_path, loss, "\n\n".join(f"$${line}$$" for line in lines), {})
    assert found[right] == "right"


MATRICES = r"""
$$\frac{\partial L}{\partial W_2}
= \begin{bmatrix} 1 \\ 2 \end{bmatrix} \begin{bmatrix} 1 \\ 2 \\ 3 \end{bmatrix} \odot y O_1$$
"""


def test_a_matrix_of_numbers_is_no_scale(tmp_path, loss):
    (verdict,) = verdicts(tmp_path, loss, MATRICES, {}).values()
    assert verdict not in ("right", "wrong")


def test_an_unexpected_error_costs_one_line(tmp_path, loss, monkeypatch):
    of_line = Document.of_line

    def fails_at_y(self, line):
        if getattr(line.left.tree, "base", "") == "y":
            raise ZeroDivisionError("a fault of the reader")
        return of_line(self, line)

    monkeypatch.setattr(Document, "of_line", fails_at_y)
    document = "$$y = f(I_2)$$\n\n$$I_2 = W_2 O_1$$\n"
    with pytest.raises(ZeroDivisionError):  # as in every test
        verdicts(tmp_path, loss, document, {})
    monkeypatch.setattr(judged, "UNEXPECTED", (Exception,))
    found = verdicts(tmp_path, loss, document, {})
    assert list(found.values()) == ["not read", "right"]
