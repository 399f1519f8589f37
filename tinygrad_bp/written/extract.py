r"""Where mathematics stands in a document: Markdown, LaTeX, a notebook, plain text.

In Markdown, a notebook and plain text it stands between dollars, ``\[``, fences, or on a line of
its own; in LaTeX, on no plain line. Everything is found in one pass, in linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from .tree import Place


class Piece(NamedTuple):
    where: Place
    source: str
    latex: bool


#: A document of more characters is not read.
LONGEST_DOCUMENT = 200_000

#: How prose says what a letter counts: with $m$ samples; i counts the samples.
COUNTS_SAMPLES = re.compile(
    r"""\b([b-zB-HJ-Z])\b (?: [\s$,:=\d.…-] | \\[lc]?dots )*
    (?: (?: is|be|denotes?|counts?|index(?:es)?|runs?|goes|ranges|over|the|of|all|number|an?|for|our
    |training|th ) [\s$]+ )*
    (?:samples?|examples?|observations|data[ ]?points?)\b""",
    re.X,
)

DISPLAYS = "align|aligned|equation|gather|eqnarray|multline|displaymath|alignat|flalign|math"
#: What opens, in the order in which it is tried, and what closes it.
OPENINGS = re.compile(
    rf"""(?P<fence>^[ >]*(?:```|~~~)[^\n]*\n) | (?P<comment><!--) | (?P<dollars>\$\$)
    | (?P<square>\\\[) | (?P<round>\\\() | \\begin\{{(?P<display>(?:{DISPLAYS})\*?)\}}
    | \\begin\{{(?P<verbatim>verbatim|lstlisting|comment)\}} | \\. | (?P<gitlab>\$`)
    | (?P<code>`+) | (?P<dollar>\$)""",
    re.X | re.M | re.S,
)
CLOSINGS = {"comment": "-->", "dollars": "$$", "square": r"\]", "round": r"\)", "gitlab": "`$"}
DOLLAR = re.compile(r"(?:[^$\\\n]|\\.|\n(?![ \t]*\n))+\$")
#: Fences that hold mathematics, and those that hold lines of text.
MATHS, LINES = {"math", "latex", "tex"}, {"", "text", "txt", "plaintext", "python", "py"}


def pieces(source: str, suffix: str) -> list[Piece]:
    if len(source) > LONGEST_DOCUMENT:
        raise ValueError(
            f"the document has {len(source)} characters, and at most {LONGEST_DOCUMENT} are read. "
            "Hand in the part that holds the derivation."
        )
    if suffix == ".ipynb":
        cells = enumerate(markdown_cells(source), start=1)
        return [p for n, text in cells for p in found_in(text, ".md", n)]
    return list(found_in(source, suffix))


def markdown_cells(source: str) -> list[str]:
    """Return the text of each cell of a notebook, "" for one of code."""
    try:
        cells = json.loads(source)["cells"]
        texts = [cell["source"] if cell["cell_type"] == "markdown" else "" for cell in cells]
        return [text if isinstance(text, str) else "".join(text) for text in texts]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("the file is no notebook: it holds no JSON with cells") from None


def found_in(source: str, suffix: str, cell: int | None = None) -> Iterator[Piece]:
    if suffix == ".tex":  # blanks keep every place
        source = re.sub(r"(?<!\\)%[^\n]*", lambda m: " " * len(m[0]), source)
        begin = source.find(r"\begin{document}")
        source = re.sub(r"[^\n]", " ", source[: max(begin, 0)]) + source[max(begin, 0) :]
    else:
        source = MIXED.sub(r"\1$\2 = ", source)
    source = IN_FORMULA.sub(as_cases, SAID.sub(as_cases, source))
    position, line, counted = 0, 1, 0
    missing: set[str] = set()  # what closes nowhere further down

    def place(at: int) -> Place:
        nonlocal line, counted
        line, counted = line + source.count("\n", counted, at), at
        return Place(line, cell)

    def between(start: int, end: int) -> Iterator[Piece]:
        if suffix != ".tex":
            yield from plain_lines(source[start:end], place(start), suffix == ".txt")

    while match := OPENINGS.search(source, position):
        kind = match.lastgroup
        position = match.end()
        if kind is None:  # a backslash before a dollar, say
            continue
        closing = closing_of(match, kind)
        if kind == "dollar":
            closed = DOLLAR.match(source, position)
            end = closed.end() - 1 if closed else -1
        else:
            end = -1 if closing in missing else source.find(closing, position)
        if end < 0:
            missing.add(closing)
            continue
        inner = source[position:end]
        yield from between(counted, match.start())
        where = place(position)
        if kind == "fence":
            language = re.sub(r"[^a-z]", "", match[0].lower())
            inner = re.sub(r"\A(?::[^\n]*\n)+", lambda m: "\n" * m[0].count("\n"), inner)
            if language in MATHS:
                yield Piece(where, inner, True)
            elif language in LINES:
                yield from plain_lines(inner, where, True)
        elif kind in ("dollars", "square", "round", "display", "gitlab", "dollar"):
            yield Piece(where, inner, True)
        elif kind == "code":
            yield from plain_lines(inner, where, False)
        position = end + (1 if kind == "dollar" else len(closing))
        place(position)
    yield from between(counted, len(source))


def closing_of(match: re.Match[str], kind: str) -> str:
    if kind in ("display", "verbatim"):
        return rf"\end{{{match[kind]}}}"
    if kind == "fence":
        return "\n" + match[0].strip(" >\n")[:3]
    return match[0] if kind in ("code", "dollar") else CLOSINGS[kind]


# ---- plain lines ----

#: A longer line is no equation.
LONGEST_LINE = 2000
#: Of a line in prose, what says that it is an equation about a derivative.
ABOUT_DERIVATIVES = re.compile(r"[∂∇δΔ⊙ᵀσΣ₀-₉]|\bd\w+\s*=|\bd\w+\s*/\s*d\w+|\bd\w+_d\w+|[\w}] @ \w")
CODE = re.compile(r"\b(?:def|return|import|print|self|lambda|assert)\b|;\s*$|^\s*for\b.*:\s*$")
PROSE = re.compile(
    r"[A-Za-z]{3,}\s+[a-z]{2,}\s+[a-z]{2,}|[A-Za-z]{2,}[.,]\s+[A-Za-z]{2,}\s+[a-z]{2,}"
)
CASE = re.compile(r"\W*(?:if|when|case|for)?\s*[a-z]\s*(?:=|≠|!=)\s*[a-z]\s*[,:.)]*\s*")
#: What may stand before an equation, and behind it: marks of a list; shapes and remarks.
BEFORE = re.compile(r"\s*(?:[-*>•+]\s+|\(?\d+[.)]\s+|[①-⑳]\s*|=+>\s*|#+\s*)*")
GAP = re.compile(r"(?<=\S)\s{3,}(?=[^\s=()]{1,12} ?= ?[^\s=])")
#: Marks around words; elsewhere ** is a power.
BOLD = re.compile(r"(?<![\w)\]*])(\*\*|__)(?=\S)(.+?)(?<=\S)\1(?![\w(])")
TITLE = re.compile(r"^(?:[A-Z][\w ]*:(?!=)\s+|[^\x00-\x7f]{1,20}：\s*)")
SHAPE = r"\((?:number|[\d, ]*|\w+ ?[,×] ?\w*)\)"
BEHIND = re.compile(
    rf"\s#.*|//.*|\s←.*|\s{{2,}}{SHAPE}(?:\s*[@×→]\s*{SHAPE})*\s*$|（[^（）]*）\s*$"
    r"|\s{2,}\[[^\[\]=()]*[A-Za-z] [a-z]{3,}\]\s*$"
)
#: Between equations, and remarks, in Chinese.
APART = re.compile(r"[，。；：]|\s{2,}(?=[\u3400-\u9fff])")
#: A value under a condition, as Python writes it; and how it is written here.
CONDITIONAL = re.compile(r"=\s*([^=]+?)\s+if\s+(.+?)\s+else\s+(.+)$")
#: And as people say it: 1 if z > 0 and 0 otherwise.
IN_WORDS = re.compile(
    r"=\s*([^={]+?),?\s+(?:if|for|when|where)\s+([^={]+?)(?:[,;]\s*(?:and\s+)?|\s+and\s+|\s+else\s+)"
    r"([^={,;]+?),?\s+(?:otherwise|elsewhere|else)\b"
)
WHERE = re.compile(
    r"\b(?:np|numpy|torch)\.where\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)"
)
CASES = r"= {\1 if \2; \3 otherwise}"
#: The same between dollars: $f'(z) = 1$ if $z > 0$ and $0$ otherwise, or in one formula.
IF, ELSE = "if|for|when|where", "otherwise|elsewhere|else"
SAID = re.compile(
    rf"""\$(?P<left>[^$=\n]{{1,60}})=\s*(?P<value>[^$=\n]{{1,80}}?)\s*\$,?\s+(?:{IF})\s+
    \$(?=[^$\n]*(?:[<>≤≥≠]|\\[lgn]eq?\b))(?P<condition>[^$=\n]{{1,80}}?)\s*\$[,;]?\s+(?:and\s+)?(?:it\s+is\s+|is\s+)?
    (?:\$(?:(?P=left)=)?\s*(?P<other>[^$=\n]{{1,80}}?)\s*\$|(?P<number>-?[\d.]+))
    ,?\s+(?:(?:{ELSE})\b|(?:{IF})\s+\$(?P<last>[^$=\n]{{1,80}})\$)""",
    re.X,
)
SPACE = r"(?:\s|\\quad|\\[,;:]|[,;])*"
WORD = r"\\(?:text|textrm|mbox|mathrm)\{[\s,;]*"
IN_FORMULA = re.compile(
    rf"""=\s*(?P<value>[^\s$=&][^$=&]{{0,80}}?){SPACE}{WORD}(?:{IF})\s*\}}
    \s*(?P<condition>[^\s$=&][^$=&]{{0,80}}?)(?:\s*[,;]|{SPACE}{WORD}(?:and|else)\s*\}}|\s*\\quad)
    {SPACE}(?P<other>[^\s$=&][^$=&]{{0,80}}?){SPACE}{WORD}(?:{ELSE})[\s.]*\}}""",
    re.X,
)


def as_cases(match: re.Match[str]) -> str:
    """Write what is said in words as cases, over as many lines."""
    found = match.groupdict()
    last = found.get("last") or r"\text{otherwise}"
    other = found["other"] or found["number"]
    start = f"${found['left']}" if "left" in found else ""
    text = rf"{start}= \begin{{cases}} {found['value']} & {found['condition']} \\ {other} & {last}"
    closing = "$" if "left" in found else ""
    return text + r" \end{cases}" + closing + "\n" * match[0].count("\n")


#: A left side in words before a right side between dollars: **dL/dW** = $ ... $.
MIXED = re.compile(r"^([ >\d.*+-]*?)\**([d∂]\w+/[d∂]\w+)\** *= *\$(?!\$)", re.M)


def plain_lines(source: str, where: Place, alone: bool) -> Iterator[Piece]:
    """Find the lines that are equations; those that stand alone need not be about derivatives."""
    # two equations may stand in a row, with a gap between, or with words
    rows = [
        (k, part)
        for k, row in enumerate(source.split("\n"))
        for gap in GAP.split(row)
        for part in APART.split(gap)
    ]
    lines = iter(rows)
    for k, line in lines:
        if (
            len(line) > LONGEST_LINE
            or not ("=" in line or CASE.fullmatch(line))
            or "\\" in line
            or CODE.search(line)
        ):
            continue
        text = BOLD.sub(r" \2 ", re.sub(r"`|^[ >]*>", " ", line))
        if not (alone or ABOUT_DERIVATIVES.search(text) or CASE.fullmatch(line)):
            continue
        text = BEHIND.sub("", text)
        text = TITLE.sub("", text[BEFORE.match(text).end() :])  # type: ignore[union-attr]
        text = WHERE.sub(r"{\2 if \1; \3 otherwise}", text)
        text = IN_WORDS.sub(CASES, re.sub(r"\s+prime\b(?=\s*\()", "'", text))
        text = CONDITIONAL.sub(CASES, text)
        if PROSE.search(text) or not text.strip(" ="):
            continue
        depth = text.count("[") - text.count("]")
        while depth > 0 and (more := next(lines, None)):  # a matrix over several lines
            text = f"{text} {more[1]}"
            depth += more[1].count("[") - more[1].count("]")
        yield Piece(Place(where.line + k, where.cell), BEHIND.sub("", text), False)
