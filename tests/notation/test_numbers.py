"""Numbers, arrays, lists and strangers' texts: short, alike, and safe to show."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notation.latex_check import check
from tinygrad_bp.notation.numbers import (
    ROOM,
    alike,
    fits,
    fraction,
    in_line,
    in_node,
    listed,
    number,
    number_latex,
    percent,
    printable,
    rows,
    scientific,
    written_array,
    written_shape,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1 / 3, "0.3333"), (-0.0, "0"), (1e-20, "1e-20"), (12345678, "12345678"), (True, "True"),
     (np.float32(0.1), "0.1"), (math.inf, "inf"), (math.nan, "nan")],
)  # fmt: skip
def test_a_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("0.25", "0.25"),
        ("1e-05", r"1 \cdot 10^{-5}"),
        ("-inf", r"-\infty"),
        ("nan", r"\mathrm{nan}"),
    ],
)
def test_a_number_in_latex(text: str, tex: str) -> None:
    assert number_latex(text) == tex


@given(st.lists(st.floats(-1e3, 1e3, allow_nan=False), min_size=2, max_size=6))
def test_entries_have_as_many_decimals_and_are_near(entries: list[float]) -> None:
    array = np.array(entries)
    texts = alike(array)
    plain = [text for text in texts if "e" not in text]
    if np.abs(array).max() >= 1e-3:
        assert len({len(text.partition(".")[2]) for text in plain}) <= 1
    for text, entry in zip(texts, entries, strict=True):
        assert float(text) == pytest.approx(entry, rel=0.5, abs=1e-3 * np.abs(array).max())
        assert not text.startswith("-0") or float(text)


def test_a_share_of_a_whole() -> None:
    assert [percent(share) for share in (0.473, 2e-6, 123.4)] == ["47.3%", "0.0002%", "12340%"]


def test_a_fraction_where_a_decimal_would_be_long() -> None:
    assert (fraction(1 / 3), fraction(0.5)) == ((1, 3), (1, 2))
    assert fraction(0.25) is fraction(2**0.5) is None


def test_digits_and_powers_of_ten() -> None:
    found = [scientific(value) for value in (2.0, 0.01, 1e-05, 2.5e30)]
    assert found == [("2", None), ("0.01", None), ("1", -5), ("2.5", 30)]


def test_rows_and_their_summaries() -> None:
    assert rows(np.array([[1.0, 2.0], [3.0, -0.5]])) == [["1.0", "2.0"], ["3.0", "-0.5"]]
    assert alike(np.array([1.0, -0.25, 12.3456])) == ["1.00", "-0.25", "12.35"]
    assert alike(np.array([1.0, 1e-9])) == ["1", "1e-09"]
    assert in_node(np.array([[1.0, 0.51234]])) == "[[1, 0.512]]"
    assert in_line(np.zeros((0, 3))) == "[]"
    assert in_line(np.eye(2)) == "[[1, 0], [0, 1]]"
    assert in_line(np.arange(100.0)) == "⟨100⟩ from 0 to 99: 0, 1, 2, 3, …"
    assert in_node(np.arange(100.0)) == "min 0, max 99"
    assert in_node(np.zeros((0,))) == "empty"


@pytest.mark.parametrize("place", ROOM)
def test_what_there_is_room_for(place: str) -> None:
    room = ROOM[place]
    assert fits(np.zeros(min(room.entries, room.axis)), place)
    assert not fits(np.zeros(room.axis + 1), place)


@pytest.mark.parametrize(
    "array",
    [np.array(-2.0), np.array([1.0, np.inf]), np.eye(3), np.zeros((2, 2, 2)), np.zeros((9, 9)),
     np.zeros((0, 2)), np.array([[True, False]]), np.array([1e-30, 1.0])],
)  # fmt: skip
def test_arrays_in_latex(array: np.ndarray) -> None:
    check(written_array(array).latex)


def test_arrays_in_an_equation() -> None:
    matrix = written_array(np.array([[1.0], [-0.5]]))
    assert matrix == (r"\begin{bmatrix} 1.0 \\ -0.5 \end{bmatrix}", "[[ 1.0],\n [-0.5]]")
    assert written_array(np.linspace(0, 1, 100)).text == "(100 numbers from 0 to 1)"


def test_a_shape() -> None:
    assert written_shape((5, 4)) == ("(5, 4)", "(5, 4)")
    assert written_shape(np.zeros(3).shape).text == "(3,)"
    assert written_shape(()) == (r"\text{(number)}", "(number)")


def test_a_list_in_words() -> None:
    assert listed([]) == ""
    assert listed("aa") == "a"
    assert listed("abc", last="or") == "a, b or c"
    assert listed(map(str, range(20))) == "0, 1, 2, 3, 4 and 15 more"


@given(st.text(max_size=30) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Mn"])))
def test_what_is_printable_can_be_shown_and_saved(text: str) -> None:
    shown = printable(text, most=40)
    assert shown.isprintable()
    assert len(shown) <= 40
    assert shown.encode("utf-8") == shown.encode("utf-8", "replace")


def test_what_does_nothing_stays() -> None:
    assert printable("ŷ = σ(z₁) – 数 🎲") == "ŷ = σ(z₁) – 数 🎲"
