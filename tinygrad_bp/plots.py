"""Pictures of a training run with matplotlib: curves over the steps, histograms of entries.

What is drawn are lists of numbers that the training loop itself keeps. A picture is a figure of
matplotlib that no window and no global state knows: save it with ``figure.savefig("run.svg")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import errors
from .engine import Tensor
from .keywords import answer_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Parameters by name.
Named: TypeAlias = Mapping[str, Tensor] | Iterable[tuple[str, Tensor]]

__all__ = ["curves", "gradient_norms", "histograms"]

PAPER, INK, RULE = "#fdfcfa", "#1f2328", "#dcdad5"
HUES = "#0067a8", "#b23c00", "#007a5e", "#a3508a", "#8a6d00"  # after Okabe and Ito

WIDTH, HEIGHT = 4.8, 3.0  # of one panel, in inches


def curves(
    panels: Mapping[str, Mapping[str, Sequence[float]] | Sequence[float]],
    log: Iterable[str] = (),
    step: str = "epoch",
) -> Figure:
    """Draw how numbers changed in training, such as the loss, the accuracy or gradient norms.

    Parameters
    ----------
    panels
        For each panel its title, and the numbers of one curve, or a dict of several by name.
    log
        The titles of the panels whose numbers are drawn on a logarithmic scale.
    step
        What is counted from 1 on the horizontal axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError
        If ``panels`` is no dict.
    ValueError
        If there is no panel, or ``log`` has a title that no panel has.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> figure = bp.plots.curves(
    ...     {"loss": {"training": [2.3, 0.9, 0.4], "held out": [2.2, 1.0, 0.6]},
    ...      "accuracy": [0.4, 0.8, 0.9]}, log=["loss"])  # doctest: +SKIP
    >>> figure.savefig("run.svg")  # doctest: +SKIP
    """
    if not isinstance(panels, Mapping):
        raise errors.no_panels(panels)
    logarithmic = set(log)
    if not logarithmic <= set(panels):
        raise errors.no_such_panel(sorted(logarithmic - set(panels)))
    figure, axes = sheet(list(panels), len(panels))
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        named = lines if isinstance(lines, Mapping) else {"": lines}
        for i, (name, numbers) in enumerate(named.items()):
            style = ("-", "--", ":", "-.")[i // len(HUES) % 4]
            marker = "." if len(numbers) < 20 else ""
            steps = range(1, len(numbers) + 1)
            ax.plot(steps, numbers, style, marker=marker, color=HUES[i % len(HUES)], label=name)
        if title in logarithmic:
            ax.set_yscale("log")
        ax.set_xlabel(step)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if any(named):
            ax.legend(facecolor=PAPER, edgecolor="none", fontsize="small", labelcolor="linecolor")
    return figure


def histograms(parameters: Named) -> Figure:
    """Draw histograms of the entries of parameters and, beside them, of their gradients.

    Parameters
    ----------
    parameters
        Leaves by name, such as ``model.named_parameters()``.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each parameter. Where there is no gradient, or an entry is infinite or NaN, the
        panel says so.

    Raises
    ------
    TypeError
        If the parameters have no names.
    ValueError
        If there is no parameter.
    ImportError
        Without matplotlib.
    """
    panels: dict[str, np.ndarray | None] = {}
    for name, p in by_name(parameters).items():
        panels |= {name: p.data, f"gradient of {name}": p.grad}
    figure, axes = sheet(list(panels), 2)
    for i, (ax, array) in enumerate(zip(axes, panels.values(), strict=True)):
        finite = np.array([]) if array is None else array[np.isfinite(array)]
        ax.hist(finite, bins=min(5 + finite.size // 10, 40), color=HUES[i % 2])
        note = "no gradient" if array is None else ""
        if array is not None and finite.size < array.size:
            note = f"{array.size - finite.size} entries are infinite or NaN"
        if not finite.size:
            ax.set(xticks=[], yticks=[])
        ax.text(0.5, 0.9, note, transform=ax.transAxes, ha="center", color=INK, fontsize="small")
    return figure


def gradient_norms(parameters: Named) -> dict[str, float]:
    """Return the norm of each parameter's gradient, by name; 0 if there is no gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> bp.plots.gradient_norms({"w": w})
    {'w': 5.0}
    """
    gradients = {name: p.grad for name, p in by_name(parameters).items()}
    return {n: 0.0 if g is None else float(np.linalg.norm(g)) for n, g in gradients.items()}


def by_name(parameters: Named) -> dict[str, Tensor]:
    try:
        return dict(parameters)
    except (TypeError, ValueError):
        raise errors.no_names() from None


def sheet(titles: list[str], columns: int) -> tuple[Figure, list[Any]]:
    """Return a figure with so many columns of panels, and the panels, which have their titles."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise errors.matplotlib_missing() from error
    if not titles:
        raise errors.nothing_to_plot()
    rows = len(titles) // columns
    figure = Figure((WIDTH * columns, HEIGHT * rows), facecolor=PAPER, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title.replace("$", r"\$"), color=INK, fontsize="medium", loc="left")
        ax.set_facecolor(PAPER)
        ax.tick_params(colors=INK, labelsize="small")
        ax.xaxis.label.set_color(INK)
        ax.grid(color=RULE, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[:].set_visible(False)
    return figure, axes


answer_in(globals())


def __dir__() -> list[str]:
    return __all__
