"""Plots of training show the numbers that they are given, and open no window."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install matplotlib")
from matplotlib.colors import to_rgb
from matplotlib.text import Text

LOSS = {"training": [2.0, 1.0, 0.5], "held out": [2.1, 1.5, 1.4]}


def parameters() -> dict[str, bp.Tensor]:
    rng = np.random.default_rng(0)
    named = {
        name: bp.tensor(rng.normal(size=size), requires_grad=True)
        for name, size in (("W_1$", (20, 30)), ("b", (3,)), ("unused", (4,)), ("torn", (5,)))
    }
    named["W_1$"].grad = rng.normal(size=(20, 30))
    named["b"].grad = np.zeros(3)
    named["torn"].grad = np.array([1.0, np.nan, np.inf, 0.0, 2.0])
    return named


def contrast(a: Any, b: Any) -> float:
    """Return the contrast of two colours as WCAG 2.1 defines it."""

    def luminance(colour: Any) -> float:
        c = np.array(to_rgb(colour))
        return float(
            np.dot(
                [0.2126, 0.7152, 0.0722],
                np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4),
            )
        )

    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def test_curves_are_those_of_the_numbers(tmp_path: Path) -> None:
    figure = bp.plots.curves({"loss": LOSS, "accuracy": [0.5, 0.75, 1.0]}, ["loss"])
    loss, accuracy = figure.axes
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["loss", "accuracy"]
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "linear"]
    assert {line.get_label(): line.get_ydata().tolist() for line in loss.lines} == LOSS
    assert [text.get_text() for text in loss.get_legend().get_texts()] == list(LOSS)
    (line,) = accuracy.lines
    assert line.get_xydata().tolist() == [[1, 0.5], [2, 0.75], [3, 1.0]]
    assert accuracy.get_legend() is None
    for name in ("run.svg", "run.png"):
        figure.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5_000


def test_histograms_count_every_finite_entry() -> None:
    named = parameters()
    figure = bp.plots.histograms(named.items())
    counts = [sum(bar.get_height() for bar in ax.patches) for ax in figure.axes]
    assert counts == [600, 600, 3, 3, 4, 0, 5, 3]
    notes = [[text.get_text() for text in ax.texts if text.get_text()] for ax in figure.axes]
    assert notes == [[]] * 5 + [["no gradient"], [], ["2 entries are infinite or NaN"]]
    assert figure.axes[1].get_title(loc="left") == r"gradient of W_1\$"
    figure.savefig(BytesIO())


def test_what_is_drawn_stands_out_from_the_paper() -> None:
    many = {str(i): [float(i), 1.0] for i in range(12)}
    figure = bp.plots.curves({"loss": many})
    (ax,) = figure.axes
    paper = ax.get_facecolor()
    for line in ax.lines:
        assert contrast(line.get_color(), paper) > 4
    figure.savefig(BytesIO())
    everything = ax.findobj(Text)
    assert set(ax.get_legend().get_texts()) <= set(everything)
    texts = [text for text in everything if text.get_text()]
    assert len(texts) > 20  # the numbers at the axes too
    for text in texts:
        assert contrast(text.get_color(), paper) > 4
    styles = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(styles) == len(many)
    assert contrast("#aaa", "#fff") < 4  # the negative control


def test_a_title_is_no_formula() -> None:
    figure = bp.plots.curves({r"cost in $ or \frac$": [1.0]})
    figure.savefig(BytesIO())


def test_gradient_norms_are_by_name() -> None:
    named = parameters()
    norms = bp.plots.gradient_norms(named)
    assert list(norms) == list(named)
    assert norms["W_1$"] == pytest.approx(np.sqrt((named["W_1$"].grad ** 2).sum()))
    assert (norms["b"], norms["unused"]) == (0.0, 0.0)
    assert np.isnan(norms["torn"])


def test_nothing_to_plot_is_said() -> None:
    for call in (lambda: bp.plots.curves({}), lambda: bp.plots.histograms({})):
        with pytest.raises(ValueError, match="there is nothing to plot"):
            call()
    with pytest.raises(TypeError, match=r"curves takes a dict, .*, not \[1, 2\]"):
        bp.plots.curves([1, 2])
    for call in (bp.plots.histograms, bp.plots.gradient_norms):
        for nameless in (list(parameters().values()), 3):
            with pytest.raises(TypeError, match=r"by name: give model.named_parameters\(\)"):
                call(nameless)
    with pytest.raises(ValueError, match=r"log names panels that are not there: \['los'\]"):
        bp.plots.curves({"loss": [1.0]}, log=["los"])


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout


def test_matplotlib_is_imported_for_the_first_picture_and_pyplot_never() -> None:
    program = (
        "import sys, tinygrad_bp as bp; bp.plots; before = 'matplotlib' in sys.modules\n"
        "bp.plots.curves({'loss': [1.0]})\n"
        "print(before, 'matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    assert run(program) == "False True False\n"


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import tinygrad_bp as bp\n"
        "try: bp.plots.curves({'loss': [1.0]})\n"
        "except ImportError as error: print(error)"
    )
    assert run(program) == "Plots need matplotlib: pip install matplotlib\n"
