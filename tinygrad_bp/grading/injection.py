"""An injection: what a mistake in the backward pass did to one, as data, and how it is shown."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from .page import in_notebook

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

#: Each verdict, with its mark, its colour on a console, and its colour on a page: Okabe and Ito's.
VERDICTS = {
    "unchanged": ("✓", "green", "#00734F"),
    "wrong": ("✗", "red", "#B33F00"),
    "wrong shape": ("▫", "yellow", "#8A6100"),
    "not computable": ("?", "magenta", "#8A3C6E"),
}


@dataclass(frozen=True)
class Effect:
    """What became of one gradient.

    Parameters
    ----------
    name
        The quantity whose gradient it is.
    verdict
        ``unchanged``, ``wrong``, ``wrong shape``, or ``not computable``: what arrived further up
        no longer fitted a rule.
    shape
        Of the broken gradient; None where there is none.
    right_shape
        Of the quantity.
    error
        How far off the worst entry is, relative to the largest; None where there is nothing to
        compare, or it is not finite.
    """

    name: str
    verdict: str
    shape: tuple[int, ...] | None
    right_shape: tuple[int, ...]
    error: float | None = None

    def said(self) -> str:
        """Say how far off it is."""
        if self.verdict == "wrong shape":
            return f"{self.shape} for {self.right_shape}"
        if self.verdict == "not computable":
            return "the shapes no longer fit"
        if self.verdict == "unchanged":
            return ""
        return "not finite" if self.error is None else f"{self.error:.1%} off"


@dataclass(frozen=True)
class Descent:
    """Whether the loss would still fall: measured along the broken gradient, and the right one.

    Parameters
    ----------
    parameters
        The leaves that a step changes.
    slope, right_slope
        How the loss changes for a step of length 1 against the broken gradient, and the right one,
        as a derivative: negative where it falls.
    rate
        Of gradient descent: so small that the right gradient lowers the loss by a few percent a
        step.
    losses, right_losses
        Before the first step of gradient descent, and after each.
    """

    parameters: tuple[str, ...]
    slope: float
    right_slope: float
    rate: float
    losses: tuple[float, ...]
    right_losses: tuple[float, ...]

    @property
    def falls(self) -> bool:
        """Whether a small enough step against the broken gradient lowers the loss."""
        return self.slope < -1e-9 * abs(self.right_slope)

    def said(self) -> list[str]:
        """Say it in two sentences."""
        falls = "still falls" if self.falls else "does not fall"
        steps = len(self.right_losses) - 1
        first, *_, last = self.right_losses
        broken = self.losses[-1]
        to = f"{broken:.4g}" if isfinite(broken) else "where it cannot be computed any more"
        return [
            f"The loss {falls} along the broken gradient: the slope is {self.slope:.4g}, "
            f"and {self.right_slope:.4g} along the right one.",
            f"{steps} steps of gradient descent take it from {first:.4g} to {to}, "
            f"and with the right gradient to {last:.4g}.",
        ]


@dataclass(frozen=True)
class Injection:
    """A backward pass with a mistake in it, beside the right one. Made by `inject`.

    It prints as text, on a rich console as a table, and in a notebook as HTML.

    Parameters
    ----------
    mistake
        Its name.
    sentence
        What the mistake is.
    places
        The quantities to whose gradient it was made; empty for a fault of the sweep itself.
    effects
        What became of each gradient, from the loss back.
    descent
        Whether the loss would still fall; None where no step can be taken.
    note
        Why nothing changes, or why no step can be taken.
    """

    mistake: str
    sentence: str
    places: tuple[str, ...]
    effects: tuple[Effect, ...]
    descent: Descent | None
    note: str = ""

    @property
    def broken(self) -> tuple[str, ...]:
        """The quantities whose gradient is no longer right."""
        return tuple(e.name for e in self.effects if e.verdict != "unchanged")

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The quantities whose gradient stays right."""
        return tuple(e.name for e in self.effects if e.verdict == "unchanged")

    @property
    def falls(self) -> bool | None:
        """Whether the loss still falls along the broken gradient; None if there is no step."""
        return None if self.descent is None else self.descent.falls

    @property
    def reaches_parameters(self) -> bool:
        """Whether the gradient of a parameter breaks."""
        return self.descent is None or not set(self.descent.parameters).isdisjoint(self.broken)

    def __getitem__(self, name: str) -> Effect:
        """Return what became of the gradient of a quantity."""
        for effect in self.effects:
            if effect.name == name:
                return effect
        raise KeyError(f"there is no gradient {name!r}; there are {[e.name for e in self.effects]}")

    def title(self) -> str:
        """Say what was planted, and where."""
        if not self.places:
            return f"{self.mistake}, throughout the sweep"
        return f"{self.mistake}, made in {', '.join(f'dL/d{name}' for name in self.places)}"

    def notes(self) -> list[str]:
        """Return what is said below the gradients."""
        notes = [self.note] if self.note else []
        if self.descent is not None and self.reaches_parameters:
            notes += self.descent.said()
        elif self.descent is not None and self.broken:
            names = ", ".join(f"dL/d{name}" for name in self.descent.parameters)
            notes += [f"No gradient of a parameter breaks, and so neither does descent: {names}."]
        return notes

    def outcome(self) -> str:
        """Say in a few words what becomes of the loss."""
        if not self.broken:
            return "nothing changes"
        if self.descent is None:
            return "no step can be taken"
        if not self.reaches_parameters:
            return "no parameter breaks"
        return "still falls" if self.falls else "does not fall"

    def __str__(self) -> str:
        width = max((len(effect.name) for effect in self.effects), default=0) + 4
        rows = [self.title(), self.sentence]
        for effect in self.effects:
            mark, _, _ = VERDICTS[effect.verdict]
            name = f"dL/d{effect.name}".ljust(width)
            rows.append(f"{mark} {name} {effect.verdict:<14} {effect.said()}".rstrip())
        return "\n".join([*rows, *self.notes()])

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        yield Text(self.title(), style="bold")
        yield Text(self.sentence)
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in ("", "gradient", "shape", "now", "by how much"):
            table.add_column(column, overflow="fold")
        for effect in self.effects:
            mark, colour, _ = VERDICTS[effect.verdict]
            shape = str(effect.right_shape)
            cells = (mark, f"dL/d{effect.name}", shape, effect.verdict, effect.said())
            table.add_row(*map(Text, cells, (colour, "", "", colour, "")))
        yield table
        for note in self.notes():
            yield Text(note)

    def _repr_html_(self) -> str:
        table = in_notebook(
            ("now", "gradient", "shape", "by how much"),
            [
                (
                    f"{VERDICTS[effect.verdict][0]} {effect.verdict}",
                    f"dL/d{html.escape(effect.name)}",
                    str(effect.right_shape),
                    effect.said(),
                )
                for effect in self.effects
            ],
            [VERDICTS[effect.verdict][2] for effect in self.effects],
        )
        notes = "".join(f"<p>{html.escape(note)}</p>\n" for note in self.notes())
        return (
            f"<div>\n<p><strong>{html.escape(self.title())}</strong><br>"
            f"{html.escape(self.sentence)}</p>\n{table}{notes}</div>\n"
        )
