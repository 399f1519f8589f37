"""Pictures of a training run with matplotlib: curves over the steps, histograms of entries.

What is drawn are lists of numbers that the training loop itself keeps. A picture is a figure of
matplotlib that no window and no global state knows: save it with ``figure.savefig("run.svg")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import errors
from .engine import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["curves", "gradient_norms", "histograms"]

#: Paper, ink and rules, for light and dark; then the hues of the curves, after Okabe and Ito.
LIGHT = "#fdfcfa", "#1f2328", "#dcdad5", ("#0067a8", "#b23c00", "#007a5e", "#a3508a", "#8a6d00")
DARK = "#15181c", "#e6e7e9", "#3a424b", ("#7cc4f7", "#ffa47a", "#58d0a8", "#e3a4cf", "#e8cf6a")

WIDTH, HEIGHT = 4.8, 3.0  # of one panel, in inches


def curves(
    panels: Mapping[str, Mapping[str, Sequence[float]] | Sequence[float]],
    log: Iterable[str] = (),
    step: str = "epoch",
    dark: bool = False,
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
    dark
        Draw in light colours on a dark ground.

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
    figure, axes = sheet(list(panels), 1, dark)
    paper, _, _, hues = DARK if dark else LIGHT
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        named = lines if isinstance(lines, Mapping) else {"": lines}
        for i, (name, numbers) in enumerate(named.items()):
            style = ("-", "--", ":", "-.")[i // len(hues) % 4]
            marker = "." if len(numbers) < 20 else ""
            steps = range(1, len(numbers) + 1)
            ax.plot(steps, numbers, style, marker=marker, color=hues[i % len(hues)], label=name)
        if title in logarithmic:
            ax.set_yscale("log")
        ax.set_xlabel(step)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if any(named):
            ax.legend(facecolor=paper, edgecolor="none", fontsize="small", labelcolor="linecolor")
    return figure


def histograms(
    parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]],
    dark: bool = False,
) -> Figure:
    """Draw histograms of the entries of parameters and, below, of their gradients.

    Parameters
    ----------
    parameters
        Leaves by name, such as ``model.named_parameters()``.
    dark
        Draw in light colours on a dark ground.

    Returns
    -------
    matplotlib.figure.Figure
        A column for each parameter. Where there is no gradient, or an entry is infinite or NaN, the
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
    named = by_name(parameters)
    figure, axes = sheet([*named, *(f"gradient of {name}" for name in named)], 2, dark)
    arrays = [p.data for p in named.values()] + [p.grad for p in named.values()]
    _, ink, _, hues = DARK if dark else LIGHT
    for i, (ax, array) in enumerate(zip(axes, arrays, strict=True)):
        finite = np.array([]) if array is None else array[np.isfinite(array)]
        ax.hist(finite, bins=min(5 + finite.size // 10, 40), color=hues[i // len(named)])
        note = "no gradient" if array is None else ""
        if array is not None and finite.size < array.size:
            note = f"{array.size - finite.size} entries are infinite or NaN"
        if not finite.size:
            ax.set(xticks=[], yticks=[])
        ax.text(0.5, 0.9, note, transform=ax.transAxes, ha="center", color=ink, fontsize="small")
    return figure


def gradient_norms(
    parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]],
) -> dict[str, float]:
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


def by_name(
    parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]],
) -> dict[str, Tensor]:
    try:
        return dict(parameters)
    except (TypeError, ValueError):
        raise errors.no_names() from None


def sheet(titles: list[str], rows: int, dark: bool) -> tuple[Figure, list[Any]]:
    """Return a figure with so many rows of panels, and the panels, which have their titles."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise errors.matplotlib_missing() from error
    if not titles:
        raise errors.nothing_to_plot()
    columns = len(titles) // rows
    paper, ink, rule, _ = DARK if dark else LIGHT
    figure = Figure((WIDTH * columns, HEIGHT * rows), facecolor=paper, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title.replace("$", r"\$"), color=ink, fontsize="medium", loc="left")
        ax.set_facecolor(paper)
        ax.tick_params(colors=ink, labelsize="small")
        ax.xaxis.label.set_color(ink)
        ax.grid(color=rule, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[:].set_visible(False)
    return figure, axes


def __dir__() -> list[str]:
    return __all__
