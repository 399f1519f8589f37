"""Make the parts of docs/grading.md that are computed: what is between its markers.

    python docs/make/grading_page.py [FILE]

They are the source derivation, graded; what each mistake does in the worked problem; and the
catalogue of mistakes. A test compares the page with what this script would write.
"""

import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tinygrad_bp import grade
from tinygrad_bp.grading.inject import inject, possible_mistakes
from tinygrad_bp.mistakes.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "grading.md"
SOURCE = Path("examples", "handwritten_derivation.py")

MADE = re.compile(
    r"(<!-- made by docs/make/grading_page\.py: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL
)


def page(text: str) -> str:
    """Return the text of the page with its computed parts made anew."""

    def made(part: re.Match[str]) -> str:
        lines = "\n".join(PARTS[part[2]]())
        return f"{part[1]}\n{lines}\n\n{part[3]}"

    return MADE.sub(made, text)


def source_graded() -> Iterator[str]:
    """Grade every reading of the source derivation."""
    for i, reading in enumerate(runpy.run_path(str(ROOT / SOURCE))["READINGS"]):
        if i:
            yield ""
        yield f"**`{reading.__name__}`**: {first_line(reading)}"
        yield ""
        yield f"```sh\ntinygrad-bp grade {SOURCE.as_posix()} --function {reading.__name__}\n```"
        yield ""
        report = grade(reading)
        yield f"```text\n{report.for_teacher().summary()}\n```"
        if report.failure is None:
            yield ""
            yield from table(
                ("gradient", "verdict", "what was found"),
                (
                    (line.label, line.verdict, line.message)
                    for line in report.lines
                    if line.verdict != "missing"
                ),
            )


def what_each_does() -> Iterator[str]:
    """Inject every mistake that the worked problem can show."""
    injections = [i for name in possible_mistakes() if (i := inject(name)).broken]
    descents = [i.descent for i in injections if i.descent and i.reaches_parameters]
    no_step = sum(i.descent is None for i in injections)
    first, *steps = descents[0].right_losses
    yield from table(
        ("mistake", "gradients broken", "the loss", f"after {len(steps)} steps"),
        (
            (
                f"`{i.mistake}`",
                f"{len(i.broken)} of {len(i.lines)}",
                i.outcome(),
                f"{i.descent.losses[-1]:.4f}" if i.descent and i.reaches_parameters else "",
            )
            for i in injections
        ),
    )
    falling = sum(descent.falls for descent in descents)
    yield ""
    yield (
        f"The loss starts at {first:.4f}, and the right gradient takes it to {steps[-1]:.4f}. Of "
        f"{len(injections)} mistakes, {no_step} give themselves away by a shape. Of the "
        f"{len(descents)} others that reach a weight, {falling} still lower the loss."
    )


def catalogue() -> Iterator[str]:
    """Write the catalogue."""
    yield from table(
        ("mistake", "at", "what it is", "how to see it"),
        (
            (f"`{m.name}`", ", ".join(f"`{place}`" for place in m.places), m.sentence, m.see)
            for m in CATALOGUE
        ),
    )


def table(heads: tuple[str, ...], rows: Any) -> Iterator[str]:
    """Write a table."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for cells in rows:
        yield f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """Write a text so that Markdown shows it as it is."""
    if text.startswith("`"):
        return text
    return re.sub(r"([|*<>\\])", r"\\\1", text)


def first_line(documented: Callable[..., Any]) -> str:
    """Return the first line of a docstring."""
    return str(documented.__doc__).strip().splitlines()[0]


#: The parts of the page that are computed, as their markers call them.
PARTS = {
    "the source": source_graded,
    "what each does": what_each_does,
    "the catalogue": catalogue,
}


def main() -> None:
    """Write the page."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
