"""Names are data: whatever they hold, they are valid, unique, and safe in every notation."""

import ast
import keyword
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_bp as bp
from tinygrad_bp.notation.formula import Formula
from tinygrad_bp.notation.names import Names, identifier
from tinygrad_bp.notation.symbols import latex_symbol, text_symbol
from tinygrad_bp.record import recorded_tensors

from .latex_check import check

HOSTILE = [
    '__import__("os")', "<script>alert(1)</script>", "a b", "class", "W₁", "W1", "", "x" * 10_000,
    "z1", "z1", "dz1", "z1_2", "np", "el", "ef", "\x1b[31m", "a\nb", "\\", "}", "{", "$x$", "%",
    "^", "a^b", "_", "__", "'", '"', "`", "#&~", r"\input{/etc/passwd}", "ﬁ", "fi", "数", "🎲",
    "\u202ex", "None", "x;y", "1", "²", "σ", "sigma", "a_hat_hat", "loss_bar", "W_in_2", "_x",
    "\ud800",
]  # fmt: skip


def tensors_named(given_names: list[str | None]) -> list[bp.Tensor]:
    return [bp.Tensor(1.0, name=name) for name in given_names]


def valid(given_names: list[str | None]) -> Names:
    tensors = tensors_named(given_names)
    names = Names(tensors, reserved=["helper"])
    words = [f(t) for t in tensors for f in (names.identifier, names.gradient)]
    assert len(set(words)) == len(words)
    for word in words:
        assert word.isidentifier()
        assert not keyword.iskeyword(word)
        assert unicodedata.normalize("NFKC", word) == word
        assert word not in ("np", "helper")
        ast.parse(f"{word} = 1")
        assert len(word) < 60
    assert len({names.latex(t) for t in tensors}) == len(tensors)
    assert len({names.text(t) for t in tensors}) == len(tensors)
    for t in tensors:
        check(names.gradient_latex(t))
        check(rf"{{{names.latex(t)}}}^{{\top}}")
        assert names.text(t).replace("\u0302", "").isprintable()
        assert len(names.text(t)) < 60
        assert "<script" not in names.latex(t)
    return names


def test_hostile_names() -> None:
    first, again = valid([*HOSTILE, None, None]), valid([*HOSTILE, None, None])
    assert [first.identifier(t) for t in first.tensors] == [
        again.identifier(t) for t in again.tensors
    ]


@settings(max_examples=100)
@given(st.lists(st.none() | st.text(max_size=8) | st.sampled_from(HOSTILE), min_size=1, max_size=5))
def test_any_names(given_names: list[str | None]) -> None:
    valid(given_names)


def test_names_without_trouble_are_kept() -> None:
    tensors = tensors_named(["dz1", "z1", "lambda", None, "np"])
    names = Names(tensors, reserved=["c1"])
    assert [names.identifier(t) for t in tensors] == ["dz1", "z1", "lambda_", "c2", "np_2"]
    assert names.gradient(tensors[1]) == "dz1_2"


def test_an_identifier_is_like_the_name() -> None:
    found = [identifier(name) for name in ["W₁", "a b", "class", "2x", "<script>", ""]]
    assert found == ["W1", "a_b", "class_", "v2x", "script", "v"]


def test_short_names_count_in_recording_order() -> None:
    w, x = bp.Tensor(1.0, requires_grad=True), bp.Tensor(2.0)
    v1 = bp.Tensor(3.0, name="v1")
    out = (w * x) + v1
    tensors = recorded_tensors(out)
    names = Names(tensors)
    assert [names.identifier(t) for t in tensors] == ["p1", "c1", "v1", "v2", "v3"]
    assert names.latex(out) == "v_3"


@pytest.mark.parametrize(
    ("name", "tex", "plain"),
    [
        ("z1", "z_1", "z₁"), ("z12", "z_{12}", "z₁₂"), ("W_1", "W_1", "W₁"), ("W₁", "W_1", "W₁"),
        ("y_hat", r"\hat{y}", "ŷ"), ("y_hat_2", r"\hat{y}_2", "ŷ₂"), ("x_bar", r"\bar{x}", "x̄"),
        ("sigma", r"\sigma", "σ"), ("theta2", r"\theta_2", "θ₂"), ("σ", r"\sigma", "σ"),
        ("Omega_i", r"\Omega_i", "Ω_i"), ("lambda_", r"\lambda", "λ"),
        ("logits", r"\mathrm{logits}", "logits"), ("layer2", r"\mathrm{layer}_2", "layer₂"),
        ("W_in", r"W_{\mathrm{in}}", "W_in"), ("w_alpha", r"w_{\alpha}", "w_α"),
        ("a_1_2", "a_{1,2}", "a₁,₂"), ("loss_hat", r"\widehat{\mathrm{loss}}", "loss_hat"),
        ("a b", r"\mathrm{a\ b}", "a b"), ("50%", r"\mathrm{50\%}", "50%"),
        ("a\x00b", r"\mathrm{a\backslash x00b}", r"a\x00b"), ("", r"\mathrm{?}", "?"),
    ],
)  # fmt: skip
def test_a_symbol(name: str, tex: str, plain: str) -> None:
    assert latex_symbol(name) == tex
    assert text_symbol(name) == plain
    check(tex)


def test_symbols_of_the_users() -> None:
    z1, loss = tensors_named(["z1", "L"])
    names = Names([z1, loss], latex={"z1": r"\zeta"})
    assert names.latex(z1) == r"\zeta"
    assert names.gradient_latex(z1) == r"\frac{\partial L}{\partial \zeta}"
    assert names.gradient_text(z1) == "∂L/∂z₁"
    assert names.latex_symbols["dz1"] == r"\frac{\partial L}{\partial \zeta}"
    assert names.text_symbols == {"z1": "z₁", "L": "L", "dz1": "∂L/∂z₁", "dL": "∂L/∂L"}


def test_ten_thousand_tensors_of_one_name() -> None:
    tensors = tensors_named(["z"] * 10_000)
    names = Names(tensors)
    assert len({names.identifier(t) for t in tensors}) == 10_000
    assert names.latex(tensors[-1]) == "z^{(10000)}"


def test_a_tensor_called_sigma_leaves_the_function_its_name() -> None:
    sigma, loss = tensors_named(["sigma", "L"])
    names = Names([sigma, loss])
    assert names.text_symbols["sigmoid()"] == "sigmoid"
    assert "sigmoid()" not in Names([loss]).latex_symbols


def test_every_name_can_be_shown_and_saved() -> None:
    for name in [
        "\x1b[31mred",
        "a\u202eb",
        "\u2066a\u2069",
        "x\ud800",
        "\x07",
        "a\u200db",
        "\u2028",
    ]:
        for shown in (text_symbol(name), latex_symbol(name)):
            assert shown.isprintable()
            assert shown.encode("utf-8")


def test_two_tensors_of_one_accented_name() -> None:
    tensors = tensors_named(["y_hat", "y_hat", "y_hat_2", "y_hat"])
    names = Names(tensors)
    shown = [names.latex(t) for t in tensors]
    assert shown == [r"\hat{y}", r"\hat{y}^{(2)}", r"\hat{y}_2", r"\hat{y}^{(3)}"]
    for t in tensors:
        power = ast.BinOp(ast.Name(names.identifier(t)), ast.Pow(), ast.Constant(2.0))
        check(Formula(power, names).latex)
        check(Formula(ast.Attribute(ast.Name(names.identifier(t)), "mT"), names).latex)


def test_other_latex_for_the_same_names() -> None:
    z1, loss = tensors_named(["z1", "L"])
    names = Names([z1, loss])
    again = Names([z1, loss], latex={"z1": r"\zeta"})
    assert (names.latex(z1), again.latex(z1)) == ("z_1", r"\zeta")
    assert again.latex_symbols["dz1"] == r"\frac{\partial L}{\partial \zeta}"
    assert names.latex_symbols["dz1"] == r"\frac{\partial L}{\partial z_1}"
    assert again.identifier(z1) == names.identifier(z1)


def test_an_unnamed_loss_is_called_l_where_that_is_free() -> None:
    loss = bp.tensor(1.0) * 2.0
    assert Names([loss], loss=loss).text(loss) == "L"
    assert Names([bp.tensor(1.0, name="L"), loss], loss=loss).text(loss) == "v₁"
