"""Derivatives of activations by their name or a letter, in cases, and names as code spells them."""

import numpy as np
import pytest

import tinygrad_bp as bp

SLOPE = 0.2


def network(activation=lambda z: bp.leaky_relu(z, slope=SLOPE), weight="lam"):
    rng = np.random.default_rng(0)

    def leaf(name, *shape, **of):
        return bp.tensor(rng.normal(size=shape), **of).named(name)

    X, Y = leaf("X", 7, 4), leaf("Y", 7, 3)
    W1 = leaf("W1", 4, 5, requires_grad=True)
    W2 = leaf("W2", 5, 3, requires_grad=True)
    penalty = bp.tensor(0.3).named(weight) / 2 * bp.square_sum(W2)
    A1 = activation((X @ W1).named("Z1")).named("A1")
    return (bp.square_sum((A1 @ W2).named("P") - Y) / 7 + penalty).named("L")


def grade(tmp_path, text, loss=None, required=()):
    path = tmp_path / "homework.md"
    path.write_text(text, "utf-8")
    return bp.grade(path, loss or network(), required=required)


def verdicts(tmp_path, text, loss=None):
    return [side.verdict for side in grade(tmp_path, text, loss).written]


ENTRYWISE = {
    "leaky_relu": lambda z: bp.leaky_relu(z, slope=SLOPE),
    "elu": lambda z: bp.elu(z, alpha=0.7),
    "log_sigmoid": bp.log_sigmoid,
    "softplus": bp.softplus,
    "silu": bp.silu,
    "relu": bp.relu,
    "tanh": bp.tanh,
}


def spellings(name):
    camel = "".join(part.capitalize() for part in name.split("_"))
    yield from (f"{word}'(Z1)" for word in ("f", "g", "sigma", name, name.upper(), camel))
    yield from (f"{name}′(Z1)", f"{name.replace('_', '')}'(Z1)", f"{name}_prime(Z1)")


@pytest.mark.parametrize("name", ENTRYWISE)
def test_a_derivative_of_an_activation_is_read_by_any_spelling(tmp_path, name):
    loss = network(ENTRYWISE[name])
    for written in spellings(name):
        assert verdicts(tmp_path, f"dZ1 = dA1 * {written}", loss) == ["right"], written
        slips = [f"-dA1 * {written}", f"2 dA1 * {written}", f"dA1 @ {written}"]
        if not name.endswith("relu"):  # whose output has the sign of its input
            slips.append(f"dA1 * {written.replace('Z1', 'A1')}")
        for slip in slips:
            assert "right" not in verdicts(tmp_path, f"dZ1 = {slip}", loss), slip


@pytest.mark.parametrize(
    "word",
    [r"\mathrm{LeakyReLU}", r"\text{Leaky ReLU}", r"\operatorname{leaky\_relu}", r"\varphi", "f"],
)
def test_so_it_is_in_latex(tmp_path, word):
    left, above = (rf"\frac{{\partial L}}{{\partial {x}_1}}" for x in "ZA")
    text = rf"$${left} = {above} \odot {word}'(Z_1)$$"
    assert verdicts(tmp_path, text) == ["right"]
    assert "right" not in verdicts(tmp_path, text.replace("= ", "= 2 "))


def test_a_function_with_two_settings_is_not_read(tmp_path):
    def twice(z):
        return bp.leaky_relu(bp.leaky_relu(z, slope=0.1).named("B1"), slope=0.3)

    assert verdicts(tmp_path, "dA1 = dP W2^T\n\ndB1 = dA1 * leaky_relu'(B1)", network(twice)) == [
        "right",
        "not read",
    ]


CASES = [
    "$f'(z) = {}$ if $z > 0$ and ${}$ otherwise.",
    "$f'(z) = {}$ if $z > 0$ and {} otherwise.",
    "$f'(z) = {}$ for $z > 0$ and $f'(z) = {}$ otherwise.",
    "$f'(z) = {}$ when $z > 0$,\nand ${}$ when $z \\le 0$.",
    r"$$f'(z) = {} \text{{ if }} z > 0 \text{{ and }} {} \text{{ otherwise}}$$",
    r"$$f'(z) = \begin{{cases}} {} & z > 0 \\ {} & z \le 0 \end{{cases}}$$",
    "```\nf'(z) = {} if z > 0 and {} otherwise\n```",
    "```\nf'(z) = {} if z > 0 else {}\n```",
    "```\nf'(z) = np.where(z > 0, {}, {})\n```",
]


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize(("name", "slope"), [("leaky_relu", SLOPE), ("relu", 0)])
def test_a_derivative_in_cases_is_judged_as_a_whole(tmp_path, text, name, slope):
    loss = network(ENTRYWISE[name])
    assert verdicts(tmp_path, text.format(1, slope), loss) == ["right"]
    for slip in ((1, 0.5), (2, slope), (slope, 1), (-1, slope)):
        assert verdicts(tmp_path, text.format(*slip), loss) == ["wrong"], slip


def test_a_number_that_holds_for_some_is_not_wrong(tmp_path):
    for text in ("Here $f'(z) = 1$, as z is positive.", f"Elsewhere $f'(z) = {SLOPE}$."):
        assert verdicts(tmp_path, text) == ["not compared"]
    assert verdicts(tmp_path, "Here $f'(z) = 1$.", network(bp.tanh)) == ["wrong"]


def test_a_comparison_is_shown_as_it_is_written(tmp_path):
    report = grade(tmp_path, "where $z > 0$ holds, and $dP = 2/m (P - Y)$")
    assert [side.text for side in report.written] == ["z > 0", "dP = 2/m (P - Y)"]
    assert "z = 0" not in str(report) + report.to_html()


PENALTY = (
    "$$\\frac{\\partial L}{\\partial W_2} = A_1^T \\frac{\\partial L}{\\partial P} + NUMBER W_2$$"
)


@pytest.mark.parametrize("weight", ["lam", "lambda_", "lmbda", "lambd", "reg"])
def test_a_greek_letter_is_the_input_that_code_spells(tmp_path, weight):
    loss = network(weight=weight)
    text = PENALTY.replace("NUMBER", r"\lambda")
    assert verdicts(tmp_path, text, loss) == ["right"]
    for slip in (r"2 \lambda", r"-\lambda", r"\lambda^2", r"\mu", r"\alpha"):
        assert "right" not in verdicts(tmp_path, PENALTY.replace("NUMBER", slip), loss)


def test_letters_that_are_an_input_are_no_product(tmp_path):
    assert verdicts(tmp_path, PENALTY.replace("NUMBER", "lam")) == ["right"]
    for slip in ("2 lam", "-lam", "lma", "la"):
        assert "right" not in verdicts(tmp_path, PENALTY.replace("NUMBER", slip))


def test_a_line_that_is_not_read_and_not_asked_for_does_not_count(tmp_path):
    text = "dP = 2/m (P - Y)\n\ndA1 = dP W2^T\n\ndZ1 = dA1 * (Z1 mod 2)\n\ndW1 = X^T dZ1\n"
    report = grade(tmp_path, text, required=["P", "A1", "W1"])
    assert [side.verdict for side in report.written] == ["right", "right", "not read", "right"]
    assert report.score == 1
    assert "Z1" not in [line.name for line in report.counted]
    assert not report.passed  # as dW1 rests on it
    assert not grade(tmp_path, text, required=["Z1"]).passed


def test_a_loss_of_two_arguments_is_the_step_that_it_is(tmp_path):
    rng = np.random.default_rng(1)
    W = bp.tensor(rng.normal(size=(4, 5)), requires_grad=True).named("W_1")
    X, Y = bp.tensor(rng.normal(size=(3, 4))).named("X"), bp.tensor(np.eye(5)[:3]).named("Y")
    loss = bp.cross_entropy((X @ W).named("z_2"), Y).named("L")
    found = grade(tmp_path, bp.derive(loss).markdown, loss).written
    assert {side.verdict for side in found} == {"right", "defined"}
    for call in ("cross_entropy(Y, z_2)", "cross_entropy(z_2, z_2)", "-cross_entropy(z_2, Y)"):
        assert verdicts(tmp_path, f"```\nL = {call}\n```", loss) in (
            ["not read"],
            ["other network"],
        )
