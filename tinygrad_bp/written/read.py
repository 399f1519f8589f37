"""A document, read into lines: its pieces of mathematics, their rows, and their sides as trees."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from . import tree as t
from .extract import Piece, pieces
from .parse import IF, OPERATORS, condition, parse
from .tokens import KNOWN, PROSE, NotReadError, Token, group, split, step, tokens

RELATIONS = {
    "=": "=", ":=": "=", r"\equiv": "=", r"\doteq": "=", r"\leftarrow": "←", "+=": "+=", "-=": "-=",
    r"\neq": "≠", r"\approx": "≈", r"\simeq": "≈", r"\sim": "∼", r"\propto": "∝", "<": "<",
    ">": ">", r"\leq": "≤", r"\geq": "≥", r"\in": "∈", r"\mapsto": "↦",
}  # fmt: skip
BREAKS = {r"\Rightarrow", r"\implies", r"\rightarrow", r"\therefore", r"\iff", r"\longrightarrow",
          r"\Leftrightarrow", r"\Longrightarrow", r"\leadsto", r"\because"}  # fmt: skip
SPACES = {r"\quad", r"\qquad"}
#: Why a blank of a worksheet is not read.
BLANK = "not answered"
ALIGNMENTS = {"align", "aligned", "equation", "gather", "gathered", "split", "alignat", "alignedat",
              "eqnarray", "multline", "displaymath", "math", "flalign"}  # fmt: skip
#: The last, in what `derive` writes.
BOXES = {r"\boxed", r"\fbox", r"\ensuremath", r"\underline", r"\underbrace", r"\overbrace",
         r"\fitted"}  # fmt: skip
STRUCK = {r"\cancel", r"\bcancel", r"\xcancel", r"\sout"}
ENDS = {".", ",", ";", ":"}

#: Of a document with more equations, and of an equation with deeper brackets, nothing is read.
MOST_LINES, DEEPEST = 2000, 60


def read(source: str, suffix: str, names: Collection[str] = ()) -> list[t.WrittenLine]:
    """Read a document into its lines.

    Parameters
    ----------
    source
        Its text. A ValueError says that it is too long, or no notebook.
    suffix
        ``.md``, ``.tex``, ``.ipynb`` or ``.txt``.
    names
        Runs of letters that are names in LaTeX too, and no products.

    Examples
    --------
    >>> line, = read("so $z^1 = W^1 x$", ".md")
    >>> line.where.line, line.left.text, line.rights[0].text
    (1, 'z^1', 'W^1 x')
    """
    found: list[t.WrittenLine] = []
    scope: t.Condition | None = None
    for piece in pieces(source, suffix):
        for part in statements(piece, names):
            if not part.sides:
                scope = part.condition
                continue
            goes_on = found and found[-1].rights[-1].relation == "="
            line = written(part, piece, scope, found[-1].left if goes_on else None)
            if line is not None:
                found.append(line)
                if len(found) > MOST_LINES:
                    raise ValueError(f"the document has more than {MOST_LINES} equations.")
                if any(isinstance(side.tree, t.Cases) for side in line.rights):
                    scope = None
    return found


class Statement(NamedTuple):
    """Sides, each with the token of its relation; without sides, a condition for what follows."""

    sides: list[tuple[Token | None, list[Token]]]
    condition: t.Condition | None = None
    refusal: str = ""


def written(
    part: Statement, piece: Piece, scope: t.Condition | None, before: t.Side | None
) -> t.WrittenLine | None:
    (_, first), *rights = part.sides
    left = side_of(None, first, piece) if first else before
    if left is None:
        return None
    inside = [token for _, side in part.sides for token in side]
    start = min((t.start for t in inside), default=0)
    sides = [side_of(relation, row, piece) for relation, row in rights]
    if part.refusal:
        sides[-1] = t.Side(sides[-1].text, t.Refusal(part.refusal), sides[-1].relation)
    place = t.Place(piece.where.line + piece.source.count("\n", 0, start), piece.where.cell)
    text = source_of(inside, piece.source)
    return t.WrittenLine(
        left, tuple(sides), part.condition, scope, place, text, piece.latex, not first
    )


def side_of(relation: Token | None, row: list[Token], piece: Piece) -> t.Side:
    text = source_of(row, piece.source)
    sign = RELATIONS[relation.text] if relation else ""
    try:
        if all(token.text in {*SPACES, "{", "}", "_"} for token in row):
            raise NotReadError(BLANK if row else "no formula stands there")
        return t.Side(text, parse(row, piece.latex), sign)
    except NotReadError as reason:
        return t.Side(text, t.Refusal(str(reason)), sign)


def source_of(row: Sequence[Token], source: str) -> str:
    if not row:
        return ""
    start, end = min(t.start for t in row), max(t.end for t in row)
    if size := re.search(r"\\(?:left|[bB]igg?l?)\s*$", source[max(start - 9, 0) : start]):
        start -= len(size[0])  # what makes a bracket grow is no token, and belongs to it
    return " ".join(source[start:end].split())


# ---- rows and statements ----


def statements(piece: Piece, names: Collection[str] = ()) -> Iterator[Statement]:
    row = tokens(piece.source, piece.latex, names=names)
    try:
        if max(accumulate(map(step, row)), default=0) > DEEPEST:
            raise NotReadError("its brackets are nested too deeply")
        row = unwrapped(row)
    except NotReadError as reason:  # no row can be told from the next
        first = next((i for i, token in enumerate(row) if is_relation(token)), None)
        if first is not None:
            sides = [(None, row[:first]), (row[first], row[first + 1 :])]
            yield Statement(sides, refusal=str(reason))
        return
    for part in rows(row):
        yield from in_row(part, piece.latex)


def unwrapped(row: Sequence[Token]) -> list[Token]:
    """Take boxes and braces under a term off, and what is struck out, out."""
    found: list[Token] = []
    i = 0
    while i < len(row):
        token, i = row[i], i + 1
        if token.text in BOXES:
            inner, end = group(row, i)
            inner = unwrapped(inner)
            is_term = row[i].text == "{" and not has_relation(inner)
            found += [row[i], *inner, row[end - 1]] if is_term else inner
            i = end
            while "brace" in token.text and i < len(row) and row[i].text in ("_", "^"):
                i = group(row, i + 1)[1]
        elif token.text in STRUCK:
            i = group(row, i)[1]
            if found and found[-1].text in ("+", "-") and (i == len(row) or step(row[i]) < 0):
                found.pop()
        elif token.text == "{" and row[i : i + 1] and row[i].text == "}" and is_alone(found):
            i += 1  # {}[z > 0]: braces that keep apart
        elif token.text == "{" and not found and has_relation(group(row, i - 1)[0]):
            inner, i = group(row, i - 1)  # {\Large z = W x}
            found += unwrapped(inner)
        elif token.kind not in ("begin", "end") or token.text not in ALIGNMENTS:
            found.append(token)
    return found


def is_alone(before: Sequence[Token]) -> bool:
    # whether braces that come next are no argument
    if not before or before[-1].text == r"\\":
        return True
    return before[-1].kind != "command" and before[-1].text not in ("^", "_", "}")


def is_relation(token: Token) -> bool:
    return token.text in RELATIONS and token.kind != "words"


def has_relation(row: Sequence[Token]) -> bool:
    return any(relation for relation, _ in split(row, is_relation))


def rows(row: Sequence[Token]) -> list[list[Token]]:
    """Split at line breaks, but not where a formula goes on in the next row."""
    found: list[list[Token]] = []
    last: list[Token] = []  # of the row before
    for _, part in split(row, lambda t: t.text == r"\\"):
        inner = [t for t in part if t.text not in ("&", *SPACES)]
        if not inner:
            continue
        is_open = any(is_relation(t) or t.text in OPERATORS or t.text in "+-" for t in last)
        goes_on = inner[0].text in ("+", "-", *OPERATORS) and not has_relation(inner)
        last = inner[-1:]
        if found and (is_open or goes_on):
            found[-1] += inner
        elif found and not has_relation(inner) and not is_remark(inner):
            comma = inner[0]._replace(kind="mark", text=",", end=inner[0].start)
            found[-1] += [comma, *inner]  # a row that is no equation: it must not be lost
        else:
            found.append(part)
    return found


def in_row(row: Sequence[Token], latex: bool) -> Iterator[Statement]:
    """Split a row into statements: at commas, spaces and words, and at every second column."""
    last: Statement | None = None
    is_range = False
    for before, part in segments(row):
        part = stripped(part)
        if not part:
            continue
        is_range = is_range_of_letter(part) or (is_range and not has_relation(part))
        if (found := index_condition(part, latex)) is not None:
            if last is None or before in BREAKS:
                if last:
                    yield last
                last = Statement([], found)
            else:
                last = last._replace(condition=found)
        elif is_range or (len(part) == 1 and part[0].kind == "words"):
            continue
        elif is_if(part[0]) and last is not None and last.sides:
            last = last._replace(refusal=f"what follows “{part[0].text}” is not read")
        elif has_relation(part):
            part = part[1:] if is_if(part[0]) else part
            if last is not None:
                yield last
            last = Statement([(t, stripped(side)) for t, side in split(part, is_relation)])
        elif last is not None and last.sides and goes_on(before, part):
            last = last._replace(refusal="what follows it is no equation, and is not read")
    if last is not None:
        yield last


def goes_on(before: str, part: Sequence[Token]) -> bool:
    # behind a space there may be anything but a sum that goes on
    is_sum = before in SPACES and part[0].text in "+-"
    return (before in (",", ";") or is_sum) and not is_remark(part)


def is_remark(part: Sequence[Token]) -> bool:
    """Say whether this is a number of an equation, a shape, or words."""
    first = part[0].text in "(-" or part[0].kind == "words" or part[0].text in BREAKS
    return first and all(t.kind in ("number", "words") or t.text in "()-," for t in part[1:])


def segments(row: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    # each with what stands before it: a comma, a space, an arrow, the next column, words
    columns, depth = 0, 0
    before, part = "", list[Token]()
    for i, token in enumerate(row):
        depth = max(depth + step(token), 0)
        columns += token.text == "&" and depth == 0
        following = row[i + 1].text if i + 1 < len(row) else ""
        ends_column = token.text == "&" and not columns % 2 and following not in RELATIONS
        ends = token.text in BREAKS | SPACES | {",", ";"} or ends_column
        if depth == 0 and (ends or is_prose(token, following)):
            yield before, part
            before, part = token.text, [token] if is_if(token) else []
        elif token.text != "&" or depth:
            part.append(token)
    yield before, part


def is_if(token: Token) -> bool:
    return token.kind == "words" and token.text.lower() in IF - {"where"}


def is_prose(token: Token, following: str) -> bool:
    if token.kind != "words":
        return False
    if token.text.lower() in PROSE:
        return True
    return token.text.lower() not in KNOWN and not (
        token.text.isidentifier() and following[:1] in tuple("('^_[")
    )


def stripped(part: list[Token]) -> list[Token]:
    while part and part[-1].text in ENDS | SPACES:
        part = part[:-1]
    while part and part[0].text in ENDS | SPACES | {r"\bullet"}:
        part = part[1:]
    return part


def is_range_of_letter(part: Sequence[Token]) -> bool:
    # l = L-1, ..., 1 says what a letter goes over, and nothing about the network
    texts = [token.text for token in part if not is_if(token)]
    ends = all(len(t) == 1 or t.isdecimal() or t[-4:] == "dots" or t == ".." for t in texts[2:])
    is_size = texts[:1] in (["m"], ["n"]) and "".join(texts[2:]) not in ("0", "1")  # m = 8
    is_letter = set(texts[:1]) <= set("ijklmnt")
    return len(texts) > 2 and is_letter and texts[1] in ("=", r"\in") and ends and not is_size


def index_condition(part: list[Token], latex: bool) -> t.Condition | None:
    """Read ``if i = j``, also in brackets; None for anything else."""
    bare = [token for token in part if token.text not in ("(", ")", "[", "]")]
    if len(bare) > 5 or not any(is_relation(token) for token in bare):
        return None
    try:
        found = condition(bare, latex)
    except NotReadError:
        return None
    letters = "".join("".join(comparison.letters or "?") for comparison in found)
    known = is_if(bare[0]) or set(letters) <= set("ijklmn")  # h = z is no condition
    return found if len(letters) == 2 and known else None
