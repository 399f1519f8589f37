r"""Mathematics as people type it, LaTeX or plain text, cut into tokens with their places.

Unicode becomes the command that it stands for: ``∂`` is ``\partial``, ``z²`` is ``z^{2}``. Only
what spaces or decorates is dropped, by the closed lists here; all else is read or refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from ..notation.symbols import ACCENTS, COMMANDS, GREEK
from ..table import TABLE
from .tree import NotReadError


class Token(NamedTuple):
    kind: str  # number, name, words, command, begin, end, mark
    text: str  # of words, what stands in \text{...}; of begin and end, the environment
    start: int
    end: int


SIGNS = {
    "∂": r"\partial", "∇": r"\nabla", "⊙": r"\odot", "∘": r"\circ", "·": r"\cdot", "⋅": r"\cdot",
    "×": r"\times", "⊗": r"\otimes", "∗": "*", "≠": r"\neq", "≤": r"\leq", "≥": r"\geq",
    "≈": r"\approx", "≡": r"\equiv", "→": r"\rightarrow", "⇒": r"\Rightarrow", "←": r"\leftarrow",
    "∈": r"\in", "∝": r"\propto", "‖": r"\Vert", "ℓ": r"\ell", "ℒ": "L", "𝟙": r"\indicator",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil",
    "⊤": r"\top", "∞": r"\infty", "√": r"\sqrt",
    "∛": r"\cbrt", "∑": r"\sum", "Σ": r"\sum", "∏": r"\prod",
    "′": "'", "’": "'", "−": "-", "–": "-", "ϕ": r"\phi", "…": r"\ldots",
    "（": "(", "）": ")", "，": ",", "；": ";", "：": ":", "＝": "=", "⟹": r"\Rightarrow",
}  # fmt: skip
FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4)}
UP = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀˡⁱʲᵏⁿᴸᵐ", "0123456789+-()TlijknLm", strict=True))
DOWN = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ᵢⱼₖₗₘₙ", "0123456789+-()ijklmn", strict=True))
MARKS = {mark: rf"\{name}" for name, mark in ACCENTS.items()}  # combining characters

#: They space or decorate, and mean nothing.
DECORATION = set(
    """left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle
    textstyle limits nolimits nonumber notag Large large LARGE huge Huge normalsize small tiny
    footnotesize mathord mathop rm bf it smash null space allowbreak strut hline""".split()  # noqa: SIM905, a table to read
)
#: With an argument that is no mathematics.
ASIDE = r"(?:label|tag|eqref|ref|cite|hspace|vspace|[hv]?phantom|color|textcolor|colorbox)"
UPRIGHT = r"(?:text(?:rm|bf|it|tt|normal)?|mathrm|mathtt|operatorname\*?|mbox)"
SPELT = {"lVert": "Vert", "rVert": "Vert", "lvert": "vert", "rvert": "vert", "ne": "neq",
         "le": "leq", "ge": "geq", "lbrace": "{", "rbrace": "}", "gets": "leftarrow",
         "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "to": "rightarrow", "ast": "star",
         "varphi": "phi", "varepsilon": "epsilon", "coloneqq": "equiv", "triangleq": "equiv",
         "widehat": "hat", "widetilde": "tilde", "overline": "bar", "cdotp": "cdot",
         "|": "Vert", "vartriangle": "Delta",
         "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]"}  # fmt: skip

LOSS_WORDS = {"loss", "cost", "mse", "ce", "bce", "sse", "nll", "cce"}
#: Words that are prose wherever they stand.
PROSE = {"if", "for", "when", "where", "and", "otherwise", "else", "with"}
#: Functions that are known by their word, however it is capitalised: operations by their kind, and
#: what else people write with a word.
FUNCTIONS = (
    {
        name
        for name, row in TABLE.items()
        if getattr(row, "kind", "") in ("entrywise", "reduces", "product")
        and name not in {*PROSE, "prod"}
    }
    | {"det"}
    | set("sech sum softmax diag dot transpose ln tr sigm logistic sgn".split())  # noqa: SIM905
)
#: Their names without what joins words: LeakyReLU, leaky relu.
FUNCTIONS |= {name.replace("_", "") for name in FUNCTIONS}
KNOWN = FUNCTIONS | LOSS_WORDS | PROSE | {"np", "net", "axis"} | {name.lower() for name in GREEK}
#: In LaTeX a run of letters is a product; a word of three letters that is known is a word.
SHORT = {"ln", "tr", "CE", "if", "np"}

OPENING = {"(": ")", "[": "]", r"\{": r"\}", "{": "}",
           r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}  # fmt: skip
CLOSING = set(OPENING.values())

TOKEN = re.compile(
    rf"""(?P<blank>\s+)
    | \\(?P<edge>begin|end)\s*\{{(?P<environment>[A-Za-z]+)\*?\}} (?:\{{[lcr|\s\d]*\}})?
    | (?P<row>\\\\(?:\[\s*-?[\d.]+\s*[a-z]{{2}}\s*\])?)
    | (?P<aside>\\{ASIDE}\*?\s*\{{[^{{}}]*\}})
    | \\(?P<upright>{UPRIGHT})\s*\{{(?P<words>[^{{}}]*)\}}
    | (?P<unequal>\\not\s*=) | (?P<adds>\\mathrel\s*\{{\s*\+\s*\}}\s*=)
    | \\(?P<command>[A-Za-z]+)\*? | \\(?P<escaped>.)
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|\.[0-9]+) | (?P<name>[A-Za-z]+)
    | (?P<up>[{"".join(UP)}]+) | (?P<down>[{"".join(DOWN)}]+)
    | (?P<mark>:=|\+=|-=|==|!=|<=|>=|->|=>|<-|\.\.|\.\*|\|\||\*\*|\S)""",
    re.X | re.S,
)


#: In plain text, the name of a function as in code: log_sigmoid(a), squeeze[axis 0](a), conv2d(a).
#: Or that of a parameter of a model, by its path: linear0.weight.
CALLED = re.compile(
    rf"(?i:{'|'.join(sorted(name for name in FUNCTIONS if '_' in name))})(?=['′’]|\()"
    r"|(?!delta|sigma)(?:[a-z]{3,}(?:_[a-z]{3,}){1,5}|[a-z]{4,}\dd)(?=\(|\[[^\]\n]{0,40}\]\()"
    r"|[a-z]{3,}\d*(?:\.[a-z]{3,}\d*)+(?![A-Za-z0-9_(])"
)


def tokens(source: str, latex: bool, start: int = 0, names: Collection[str] = ()) -> list[Token]:
    # names of inputs, lam say, are no products of their letters
    found: list[Token] = []
    position = 0
    while match := (not latex and CALLED.match(source, position)) or TOKEN.match(source, position):
        position = match.end()
        kind, text = match.lastgroup or "called", match[0]
        span = (start + match.start(), start + match.end())
        if kind == "called":
            found.append(Token("name", text, *span))
        elif kind == "environment":
            found.append(Token(match["edge"], match["environment"], *span))
        elif kind == "row":
            found.append(Token("command", r"\\", *span))
        elif kind == "unequal":
            found.append(Token("command", r"\neq", *span))
        elif kind == "adds":
            found.append(Token("mark", "+=", *span))
        elif kind == "words":
            found += upright(match, latex, start, span, names)
        elif kind in ("command", "escaped"):
            found += command(match[kind], span)
        elif kind == "number":
            found.append(Token("number", text, *span))
        elif kind == "name":
            is_word = text in SHORT or text in names or (len(text) > 2 and text.lower() in KNOWN)
            is_word |= latex and len(text) > 3 and text.islower()  # errors, target
            whole = not latex or is_word
            letters = [(text, 0)] if whole else [(c, i) for i, c in enumerate(text)]
            if latex and whole and found and found[-1].text in ("^", "_"):  # of ^Tx, T is above
                letters = [(text[0], 0), (text[1:], 1)]
            kind = "words" if text.lower() in PROSE and whole else "name"
            found += [Token(kind, t, span[0] + i, span[0] + i + len(t)) for t, i in letters]
        elif kind in ("up", "down"):
            table, mark = (UP, "^") if kind == "up" else (DOWN, "_")
            inner = tokens("".join(table[c] for c in text), True)
            inner = [Token(t.kind, t.text, *span) for t in inner]
            found += [Token("mark", m, *span) for m in (mark, "{")]
            found += [*inner, Token("mark", "}", *span)]
        elif kind == "mark" and not (text == "$" and latex):  # \( $a$ \)
            character(found, text, span)
    return found


def upright(
    match: re.Match[str],
    latex: bool,
    start: int,
    span: tuple[int, int],
    names: Collection[str],
) -> list[Token]:
    # \mathrm{hidden} is a name; \text{for all} is prose, and may hold mathematics between dollars
    found: list[Token] = []
    at = start + match.start("words")
    may_name = match["upright"] in ("mathrm", "mathtt", "operatorname")
    for k, part in enumerate(match["words"].split("$")):
        text = part.replace("\\", "").strip()
        whole = re.sub(r"[ _-]", "", text)
        text = whole if whole.lower() in FUNCTIONS else text
        if k % 2:
            found += tokens(part, latex, at, names)
        elif text:
            is_name = len(text) == 1 or (may_name and text.replace(".", "").isidentifier())
            kind = "number" if text.isdecimal() else "name" if is_name else "words"
            found.append(Token(kind, text, *span))
        at += len(part) + 1
    return found


def command(name: str, span: tuple[int, int]) -> list[Token]:
    name = SPELT.get(name, name)
    if name in DECORATION or name in (",", ";", ":", "!", " ", ">", "\n"):
        return []
    if name in FUNCTIONS and name != "sum":
        return [Token("name", name, *span)]
    if name in "()[]_#&%$":
        return [Token("mark", name, *span)]
    return [Token("command", "\\" + name, *span)]


def character(found: list[Token], text: str, span: tuple[int, int]) -> None:
    plain = {"!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "->": r"\rightarrow", "**": "^",
             "=>": r"\Rightarrow", "<-": r"\leftarrow", "||": r"\Vert", "==": "=", ".*": "⊙",
             "|": r"\vert"}  # fmt: skip
    base, *accents = list(text if text in SIGNS else unicodedata.normalize("NFD", text))
    if not accents and base in MARKS and found and found[-1].kind == "name":
        base, accents = found.pop().text, [base]  # a letter and, apart, its accent
    if accents and all(mark in MARKS for mark in accents):
        found += [Token("command", MARKS[mark], *span) for mark in accents]
        found += [Token("mark", "{", *span), Token("name", base, *span), Token("mark", "}", *span)]
    elif text in FRACTIONS:
        above, below = FRACTIONS[text]
        inner = tokens(rf"(\frac{{{above}}}{{{below}}})", True)
        found += [Token(t.kind, t.text, *span) for t in inner]
    elif text != "~":
        text = plain.get(text, SIGNS.get(text, COMMANDS.get(text, text)))
        if text[0] == "\\":
            found += command(text[1:], span)
        else:
            found.append(Token("name" if text.isalpha() else "mark", text, *span))


# ---- brackets ----


def step(token: Token) -> int:
    """Return what a token adds to the depth of brackets."""
    if token.kind in ("begin", "end"):
        return 1 if token.kind == "begin" else -1
    if token.kind in ("mark", "command"):
        return (token.text in OPENING) - (token.text in CLOSING)
    return 0


def split(
    row: Sequence[Token], at: Callable[[Token], bool]
) -> Iterator[tuple[Token | None, list[Token]]]:
    """Yield the parts between tokens that stand in no bracket, each with the token before it."""
    depth, before, part = 0, None, list[Token]()
    for token in row:
        depth = max(depth + step(token), 0)
        if depth == 0 and at(token):
            yield before, part
            before, part = token, []
        else:
            part.append(token)
    yield before, part


def group(row: Sequence[Token], i: int) -> tuple[list[Token], int]:
    """Return the argument at a place, a group in braces or one token, and the place behind it."""
    if i >= len(row):
        raise NotReadError("something is missing at its end")
    depth = 0
    for j in range(i, len(row)):
        depth += step(row[j])
        if depth <= 0:
            braced = row[i].text == "{" and j > i
            return list(row[i + 1 : j] if braced else row[i : j + 1]), j + 1
    raise NotReadError("a bracket is not closed")
