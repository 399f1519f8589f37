"""The report on a document: its lines in their order, beside what is said of the gradients."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ..grading.findings import to_sentence
from ..grading.report import Report, Verdict
from ..notation.mathml import mathml
from ..notation.numbers import listed, printable
from ..pages.page import safe, write_page, write_part

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

#: Every verdict on a right side. Those that hold something against it come first.
VERDICTS = {
    "other network": Verdict("≠", "red"),
    "wrong": Verdict("✗", "red"),
    "does not fit": Verdict("✗", "red"),
    "stray index": Verdict("✗", "red"),
    "cases as alternatives": Verdict("✗", "red"),
    "wrong as arrays": Verdict("✗", "yellow"),
    "carried forward": Verdict("→", "yellow"),
    "ambiguous": Verdict("?", "magenta"),
    "not read": Verdict("?", "magenta"),
    "right": Verdict("✓", "green"),
    "defined": Verdict("·", "dim"),
    "not compared": Verdict("·", "dim"),
}

#: Verdicts whose reason gives nothing away.
SAID_TO_ALL = ("not read", "not compared", "ambiguous", "other network", "carried forward")

#: What is held against a document, though it may be about no gradient that counts.
FAULTS = ("wrong", "does not fit", "stray index", "cases as alternatives", "wrong as arrays")

#: On a console a line of a document is shown up to this many characters.
LONGEST_SOURCE = 60

ELEMENTS = set(
    """math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover
    mtable mtr mtd mstyle mpadded menclose""".split()  # noqa: SIM905
)
ATTRIBUTES = {"display", "mathvariant", "stretchy", "fence", "form", "columnalign", "notation",
              "accent", "movablelimits", "linethickness", "minsize", "maxsize",
              "class"}  # fmt: skip  # of what stands in brackets

HINTS = {
    "wrong": "Put numbers into both sides, at a point with few entries.",
    "does not fit": "Write the shape below every factor.",
    "wrong as arrays": "Write the shape below every factor: which must be transposed, or moved to "
    "the front?",
    "stray index": "Over which index must be summed?",
    "cases as alternatives": "What happens to an index that the left side does not have?",
    "other network": "Compare this line with the problem: is it about the same network?",
}


@dataclass(frozen=True)
class WrittenSide:
    """One right side of a document, judged."""

    line: int  # of the document, or of the cell of a notebook; from 1
    cell: int | None  # of a notebook; from 1
    left: str  # as it is written
    source: str  # as it is written
    is_latex: bool
    verdict: str
    reason: str = ""
    reading: str = ""  # what it was read as, in plain text
    reading_latex: str = ""
    notes: tuple[str, ...] = ()  # what was assumed
    mistakes: tuple[str, ...] = ()  # that reproduce its numbers
    missing: str = ""  # with what it would be right
    hint: str = ""
    relation: str = "="  # between its left and it

    @property
    def text(self) -> str:
        """The equation, or the comparison, as it is written."""
        return f"{self.left} {self.relation} {self.source}"

    @property
    def where(self) -> str:
        return f"{self.line}" if self.cell is None else f"cell {self.cell}, {self.line}"

    def said(self, reveal: bool = False) -> str:
        """Say what was found. What would give the answer away is for the teacher."""
        is_named = reveal and not self.verdict.startswith("cases")  # whose reason names them
        clauses = [self.reason, self.missing] if reveal else [self.hint]
        if self.verdict in SAID_TO_ALL:
            clauses = [self.reason]
        sentences = [f"{' or '.join(self.mistakes)}."] if is_named and self.mistakes else []
        sentences += [to_sentence(clause) for clause in clauses if clause]
        notes = self.notes if reveal or self.verdict != "wrong as arrays" else ()
        return " ".join([*sentences, *(f"({note})" for note in notes)])


@dataclass(frozen=True)
class WrittenReport(Report):
    """A document, judged. Made by `grade`, from a file."""

    written: tuple[WrittenSide, ...] = ()  # its right sides, in their order
    names: tuple[tuple[str, str], ...] = ()  # the document's, and what they are here

    @property
    def passed(self) -> bool:
        """Whether all that counts is right, what it rests on is read, and no line is at fault."""
        is_read = all(line.verdict != "unreadable" for line in self.lines)
        return super().passed and is_read and not any(s.verdict in FAULTS for s in self.written)

    def summary(self) -> str:
        counts = Counter(side.verdict for side in self.written)
        found = [f"{counts[name]} {name}" for name in reversed(VERDICTS) if counts[name]]
        told = self.network_note()
        n = len(self.written)
        sides = f"{n} equation{'' if n == 1 else 's'}: {listed(found)}." if n else ""
        return "\n".join([super().summary(), " ".join(filter(None, [told, sides]))])

    def network_note(self) -> str:
        other = (side.where for side in self.written if side.verdict == "other network")
        lines = list(dict.fromkeys(other))  # a line may have several equations
        if not lines:
            return ""
        agree = "Line {} does not" if len(lines) == 1 else "Lines {} do not"
        return f"{agree.format(listed(lines))} agree with the network: look there first."

    def notes(self) -> list[str]:
        names = [f"{said} is {name}" for said, name in self.names]
        return [*super().notes(), *([f"Names: {listed(names)}."] if names else [])]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table("", box=SIMPLE_HEAD)
        table.pad_edge = False
        for head in ("line", "verdict", "what is written", "what was found"):
            table.add_column(head, overflow="fold")
        for side in self.written:
            verdict = VERDICTS[side.verdict]
            sign, name = (Text(word, verdict.colour) for word in (verdict.sign, side.verdict))
            source = printable(side.text, LONGEST_SOURCE)
            found = Text(side.said(self.reveal))
            found.highlight_words(side.mistakes, "bold")
            if side.verdict not in ("right", "defined") and side.reading:
                found.append(f"\nRead as {side.reading}", "dim")
            table.add_row(sign, side.where, name, Text(source), found)
        yield Text("Line by line", style="bold")
        yield table
        yield Text("The gradients", style="bold")
        yield from super().__rich_console__(console, options)

    def content(self) -> dict[str, Any]:
        rows = [
            (
                side,
                VERDICTS[side.verdict].sign,
                set_line(side),
                side.said(self.reveal),
                set_reading(side),
            )
            for side in self.written
        ]
        _, told = self.summary().split("\n")
        content = super().content()
        content["notes"] = [note for note in content["notes"] if note != told]
        return content | {"written": rows, "told": told}

    def _repr_html_(self) -> str:
        return write_part("written", **self.content())

    def to_html(self, title: str = "A derivation, graded") -> str:
        return write_page("written", title=title, **self.content())

    def to_json(self) -> str:
        data = json.loads(super().to_json())
        data["written"] = [asdict(side) for side in self.written]
        data["names"] = dict(self.names)
        return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def set_line(side: WrittenSide) -> Any:
    # as mathematics; as it is written, where that is no LaTeX, or none that can be set
    return set_formula(side.text) or side.text if side.is_latex else side.text


def set_reading(side: WrittenSide) -> Any:
    if side.verdict in ("right", "defined") or not side.reading_latex:
        return ""
    return set_formula(side.reading_latex) or side.reading


def set_formula(latex: str) -> Any:
    """Set a stranger's formula in MathML; None if it cannot be set.

    The converter passes HTML and links through. So what it makes is read as XML, and written anew
    with nothing but the elements and attributes of a formula.
    """
    try:
        formula = ElementTree.fromstring(mathml(latex, display=True))
    except Exception:  # whatever a document holds
        return None
    for element in formula.iter():
        if element.tag not in ELEMENTS:
            return None
        element.attrib = {k: v for k, v in element.attrib.items() if k in ATTRIBUTES}
    return safe(ElementTree.tostring(formula, encoding="unicode"))
