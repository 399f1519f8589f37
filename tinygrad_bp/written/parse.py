r"""From the tokens of one side to its surface tree, by recursive descent; nothing is interpreted.

    side       = ["-"] term { ("+" | "-") term }
    term       = factor { [operator] factor }             side by side, or · × * ⊙ ∘ @ ⊗ /
    factor     = atom { "^" script | "_" script | ".T" | "[" index "]" }
    atom       = number | name | function | "(" side ")" | fraction | derivative | sum | norm
               | cases | indicator                        names and functions: `words`
    derivative = "\frac{∂" side "}{∂" side "}" | "∂" atom "/" "∂" atom | "d" atom | "∇_" script atom
    sum        = "Σ" { script | "[" ranges "]" } term
    cases      = side condition { separator side condition }

No token is skipped: what fits nowhere raises `NotReadError`, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..notation.symbols import ACCENTS
from . import tree as t
from .scripts import is_index, ranges, script, text
from .tokens import LOSS_WORDS, NotReadError, Token, group, split
from .words import (
    ARGUMENTS,
    FONTS,
    GREEK_WORDS,
    LOSS_LETTERS,
    SIZES,
    Words,
    divided,
    script_or_none,
    setting,
)

OPERATORS = {r"\odot": "⊙", r"\bigodot": "⊙", "⊙": "⊙", r"\circ": "∘", r"\cdot": "·", "*": "*",
             r"\star": "*", r"\times": "×", "@": "@", r"\otimes": "⊗", r"\circledcirc": "⊙",
             r"\bullet": "•"}  # fmt: skip
DIVISIONS = {"/", r"\oslash"}
COMPARISONS = {"=": "=", r"\neq": "≠", "<": "<", ">": ">", r"\leq": "≤", r"\geq": "≥"}
IF = {"if", "for", "when", "where", "si", "falls", "wenn"}
ELSE = {"otherwise", "else", "sonst", "sinon"}
#: Commands that begin no factor.
STOPS = {*OPERATORS, *DIVISIONS, *COMPARISONS, r"\}", r"\rangle", r"\quad", r"\qquad",
         r"\rightarrow", r"\in", r"\approx", r"\\"}  # fmt: skip
INVERSE = "an inverse: a power of a number, or of a matrix?"
TO_TAKE = "a derivative of an expression that is still to be taken"
DOTS = "dots, for what is not written"
REASONS = {"prod": "a product over an index", "int": "an integral", "infty": "infinity",
           "ldots": DOTS, "cdots": DOTS, "dots": DOTS, "vdots": DOTS,
           "pm": "a sign that may be either"}  # fmt: skip

#: A formula of more tokens is not read.
LONGEST = 2000


def parse(row: Sequence[Token], latex: bool = True) -> t.Tree:
    """Read one side of an equation; raises `NotReadError`."""
    if len(row) > LONGEST:
        raise NotReadError(f"it has {len(row)} symbols, and at most {LONGEST} are read")
    try:
        return Parser(row, latex).whole()
    except RecursionError:
        raise NotReadError("its brackets are nested too deeply") from None


def condition(row: Sequence[Token], latex: bool = True) -> t.Condition:
    """Read comparisons that all hold, as ``i = j and m ≠ k``; raises `NotReadError`."""
    return Parser(row, latex).condition(row)


class Parser(Words):
    def whole(self) -> t.Tree:
        tree = self.side()
        if self.i < len(self.row):
            raise unexpected(self.row[self.i])
        return tree

    # ---- sums and products ----

    def side(self) -> t.Tree:
        terms: list[tuple[int, t.Tree]] = []
        while not terms or self.peek() in ("+", "-"):
            terms.append((self.sign(), self.term()))
        return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else t.Sum(tuple(terms))

    def sign(self) -> int:
        sign = 1
        while self.peek() in ("+", "-"):
            sign = -sign if self.take().text == "-" else sign
        return sign

    def signed(self, sign: int, tree: t.Tree) -> t.Tree:
        return tree if sign > 0 else t.Sum(((-1, tree),))

    def term(self) -> t.Tree:
        factors, operators = [self.factor()], list[str]()
        while self.i < len(self.row):
            if self.accept(*DIVISIONS):
                factors[-1] = self.quotient(factors[-1])
            elif self.peek() in OPERATORS:
                operators.append(OPERATORS[self.take().text])
                factors.append(self.signed(self.sign(), self.factor()))
            elif self.starts_factor():
                operators.append("")
                factors.append(self.factor())
            else:
                break
        return t.Product(tuple(factors), tuple(operators)) if operators else factors[0]

    def quotient(self, above: t.Tree) -> t.Tree:
        if self.peek() == r"\delta" and self.peek(1) not in ("^", "_"):
            raise NotReadError("δ below a stroke may be a name, or make a derivative")
        below = self.factor()
        if isinstance(below, t.Number) and self.adjoins() and self.row[self.i].kind == "name":
            raise NotReadError("what is below the stroke is not clear: use brackets, as in 1/(2m)")
        return divided(above, below)

    def starts_factor(self) -> bool:
        if self.i >= len(self.row):
            return False
        token = self.row[self.i]
        if token.kind == "mark":
            return token.text in ("(", "[", "{")
        return token.kind != "end" and token.text not in STOPS

    def factor(self) -> t.Tree:
        tree = self.atom()
        while True:
            if self.peek() == "^":
                tree = self.power(tree)
            elif self.peek() == "_":
                tree = self.below(tree, self.script())
            elif self.peek() == "." and self.peek(1) in ("T", "mT"):
                self.i += 2
                tree = t.Transposed(tree)
            elif self.peek() == "." and self.peek(1).isalpha() and self.peek(2) == "(":
                self.i += 1
                function, (arguments, named) = self.take().text, self.arguments()
                tree = t.Call(function, (tree, *arguments), keywords=named)
            elif self.peek() == "[" and self.adjoins() and (found := self.index()):
                tree = t.Entry(tree, found)
            elif self.peek() == "'" and isinstance(tree, t.Name):  # (W)', as in MATLAB
                self.i += 1
                tree = t.Transposed(tree)
            elif self.peek() == "'":
                raise NotReadError("a prime behind brackets may be a transpose or a derivative")
            else:
                return tree

    def power(self, tree: t.Tree) -> t.Tree:
        if self.peek(1) in (r"\odot", r"\circ", "⊙"):  # a^⊙2
            self.i += 2
            return t.Power(tree, self.atom(), True)
        inner = self.script()
        entrywise = text(inner[:1]) in (r"\odot", r"\circ")
        inner = inner[entrywise:]
        if not inner:
            raise NotReadError("nothing stands above a bracket")
        found = script_or_none(inner)
        if found and found.transposed and not found.pieces and not entrywise:
            # a number has no transpose: 1ᵀ is a vector of ones
            return t.Transposed(t.Filled("1", ()) if tree == t.Number(1.0) else tree)
        bare = [t for t in inner if t.text not in "()"]
        together = inner[0].start == inner[-1].start  # in Unicode: Rᵀ⁻¹
        is_inverse = text(bare[-2:]) == "-1" and (len(bare) == 2 or together)
        if is_inverse and not isinstance(tree, t.Number):
            raise NotReadError(INVERSE)
        has_cases = not self.latex and any(token.text == "if" for token in inner)
        return t.Power(tree, self.in_cases(inner) if has_cases else self.parsed(inner), entrywise)

    def below(self, tree: t.Tree, inner: list[Token]) -> t.Tree:
        if isinstance(tree, t.Norm):
            return (
                tree if text(inner) in ("2", "F") else t.Norm(tree.of, setting("a norm", inner)[1])
            )
        found = script(inner, below=True)
        if found.primes or not found.pieces:
            raise NotReadError(f"{text(inner)} below brackets")
        if isinstance(tree, t.Name):  # (z_1)_i
            return replace(tree, below=(*tree.below, *found.pieces))
        return t.Entry(tree, found.pieces)

    def index(self) -> tuple[t.Script, ...]:
        """Take an index in brackets, as in W[2], p[i,k+1] or dZ[i, :]; () if these are none."""
        inner, end = group(self.row, self.i)
        parts = [text(part) for _, part in split(inner[1:-1], lambda t: t.text == ",")]
        if any(":" in part for part in parts):
            if len(parts) != 2 or any(
                p != ":" and not (len(p) == 1 and p.isalpha()) for p in parts
            ):
                raise NotReadError("a slice")
        elif not is_index(inner[1:-1]):
            return ()
        self.i = end
        return script(inner[1:-1], below=True).pieces

    # ---- atoms ----

    def atom(self) -> t.Tree:
        if self.i < len(self.row) and not self.starts_factor():
            raise unexpected(self.row[self.i])
        token = self.take()
        if token.kind == "number":
            found = self.filled(token.text, token) if token.text in ("0", "1") else None
            return found or t.Number(float(token.text))
        if token.kind in ("name", "words"):
            return self.word(token)
        if token.kind == "begin":
            return self.environment(token.text)
        if token.text in ARGUMENTS or token.text == "{":
            self.i -= 1
            inner, end = group(self.row, self.i)
            is_name = len(inner) == 1 and inner[0].kind == "name"
            if token.text == "{" and self.latex and is_name:  # {\rm softmax}, {z}^{(2)}
                self.row[self.i : end] = inner
                return self.atom()
            return self.bracketed(self.in_brackets(), token.text)
        return self.command(token.text[1:])

    def filled(self, entry: str, number: Token | None = None) -> t.Tree | None:
        """Read an indicator, 1_{i=j}, or an array of one number, 1[2×3]; None if it is a number."""
        start, inner = self.i, list[Token]()
        if self.peek() == "_":
            inner = self.script()
        elif (self.peek() == "{" and not number) or (
            self.peek() in ARGUMENTS and self.adjoins() and not (number and self.peek() == "(")
        ):
            inner = self.in_brackets()
        elif number:
            return None
        if text(inner[:1]) == "(" and text(inner[-1:]) == ")":
            inner = inner[1:-1]
        if entry == "1" and has_relation(inner):
            return t.Indicator(self.condition(inner))
        sizes = [t.text for t in inner if t.text not in (r"\times", ",")]
        if all(size.isdecimal() for size in sizes):
            return t.Filled(entry, tuple(map(int, sizes)))
        if all(size.isalnum() for size in sizes) and self.row[start].text == "_":
            if letter := next((s for s in sizes if not s.isdecimal() and s not in SIZES), None):
                raise NotReadError(f"{letter} below a {entry}, which says no length")
            return t.Filled(entry, ())  # 1_m, 1_{n × 1}: a vector over the samples, if anything
        if not number or self.row[start].text == "_":
            raise NotReadError(f"what stands behind {entry} is no condition and no shape")
        self.i = start
        return None

    def bracketed(self, inner: list[Token], opening: str) -> t.Tree:
        if opening == "{" and not self.latex:
            return self.in_cases(inner)
        if has_relation(inner):
            return t.Indicator(self.condition(inner))
        items = [part for _, part in split(inner, lambda t: t.text == ",")]
        if len(items) > 1 or (opening == "[" and text(inner[:1]) == "["):
            return t.Listed(tuple(self.parsed(item) for item in items))
        return self.parsed(inner)

    def command(self, name: str) -> t.Tree:
        if name in FONTS:
            return self.font(name)
        if name == "Sigma" and self.has_range():
            return self.summation()
        if name in ACCENTS:
            of = self.parsed(self.group())
            if not isinstance(of, t.Name) or of.accent:
                raise NotReadError(f"\\{name} over an expression")
            return self.marked(replace(of, accent=name))
        if name in GREEK_WORDS:
            return self.marked(t.Name(name))
        reader = {
            "frac": self.fraction, "partial": self.differential, "nabla": self.nabla,
            "sum": self.summation, "Vert": self.norm, "vert": self.norm,
        }.get(name)  # fmt: skip
        if name == "indicator":
            return self.filled("1") or t.Filled("1", ())
        if reader is None:
            raise NotReadError(REASONS.get(name, f"\\{name} is not known"))
        return reader()

    def font(self, name: str) -> t.Tree:
        inner = self.group()
        if text(inner) in ("0", "1") or (name == "mathbb" and text(inner) == "I"):
            return self.filled(text(inner).replace("I", "1")) or t.Filled("1", ())
        if name == "mathbb":
            raise NotReadError(f"\\mathbb{{{text(inner)}}}")
        self.row[self.i : self.i] = inner
        return self.atom()

    # ---- derivatives and sums ----

    def fraction(self) -> t.Tree:
        if len(self.peek()) == 2 and self.peek().isdecimal():  # \frac12
            above, below = (t.Number(float(digit)) for digit in self.take().text)
            return t.Fraction(above, below)
        row, other = self.group(), self.group()
        if text(row) in (r"\partial", "d") and other[1:] and other[0].text == row[0].text:
            if not self.starts_factor():
                raise NotReadError(TO_TAKE)
            return t.Derivative(self.factor(), self.parsed(other[1:]))
        heads = [[token.text for token in part[:2]] for part in (row, other)]
        if all(len(h) == 2 and h[0] == r"\delta" and h[1] not in ("^", "_") for h in heads):
            return t.Derivative(self.parsed(row[1:]), self.parsed(other[1:]))
        return divided(self.parsed(row), self.parsed(other))

    def differential(self) -> t.Tree:
        if self.peek() == "^":
            raise NotReadError("a second derivative")
        if not self.starts_factor() or self.row[self.i].kind == "number":
            raise NotReadError("a ∂ of nothing")
        of = self.atom()
        if isinstance(of, t.Name) and self.peek() == "_":  # (z_1)_i
            of = self.marked(of)
        return t.Differential(of)

    def nabla(self) -> t.Tree:
        by = self.parsed(self.script()) if self.peek() == "_" else None
        if not self.starts_factor():
            raise NotReadError("∇ of nothing")
        of = self.atom()
        if by is None:  # ∇W is the gradient by W, if what it is of is not written
            is_loss = isinstance(of, t.Name) and of.base in LOSS_LETTERS | LOSS_WORDS
            if is_loss or self.peek() in LOSS_LETTERS | LOSS_WORDS:
                raise NotReadError("∇ without what it is taken by")
            return t.Differential(of)
        if isinstance(of, t.Name) and of.transposed:
            return t.Transposed(t.Derivative(replace(of, transposed=False), by))
        return t.Derivative(of, by)

    def has_range(self) -> bool:
        """Whether what stands at a Σ, as people type it, says what a sum goes over."""
        i, found = self.i, False
        while i < len(self.row) and self.row[i].text in ("^", "_"):
            inner, i = group(self.row, i + 1)
            found |= any(token.text == "=" for token in inner)
        return found

    def summation(self) -> t.Tree:
        below, above = list[Token](), list[Token]()
        if self.peek() == "(" and {"axis", "dim"} & {t.text for t in group(self.row, self.i)[0]}:
            return self.call("sum")
        if self.peek() == "[" and self.adjoins() and not self.latex:
            below = self.in_brackets()
        while self.peek() in ("_", "^"):
            if self.peek() == "_":
                below = self.script()
            else:
                above = self.script()
        letters, axes = ranges(below, above)
        return t.Summation(self.signed(self.sign(), self.term()), letters, axes)

    def norm(self) -> t.Tree:
        bar = self.row[self.i - 1].text
        for j in range(self.i, len(self.row)):
            if self.row[j].text == bar:
                inner, self.i = self.row[self.i : j], j + 1
                return t.Norm(self.parsed(inner))
        raise NotReadError("a bar is not closed")

    # ---- cases and conditions ----

    def environment(self, name: str) -> t.Tree:
        self.i -= 1
        inner = self.group()[1:-1]
        rows = [part for _, part in split(inner, lambda t: t.text == r"\\") if part]
        if name == "cases":
            return t.Cases(tuple(self.case(row, {"&", ","}) for row in rows))
        if name.endswith("matrix"):
            cells = [[part for _, part in split(row, lambda t: t.text == "&")] for row in rows]
            return t.Listed(tuple(t.Listed(tuple(map(self.parsed, row))) for row in cells))
        raise NotReadError(f"the environment {name} within a formula")

    def in_cases(self, inner: Sequence[Token]) -> t.Tree:
        """Read the cases of plain text: {a if i = j; b otherwise}."""
        rows = [part for _, part in split(inner, lambda t: t.text == ";")]
        if not all(any(t.text in ("if", "otherwise") for t in row) for row in rows):
            raise NotReadError("braces that hold no cases")
        return t.Cases(tuple(self.case(row, {"if", "otherwise"}) for row in rows))

    def case(self, row: Sequence[Token], marks: set[str]) -> tuple[t.Tree, t.Condition]:
        (_, value), *parts = split(row, lambda t: t.text in marks)
        rest = [
            t for mark, part in parts for t in (mark, *part) if t and t.text not in ("&", r"\quad")
        ]
        while value and value[-1].text in (",", r"\quad"):
            value.pop()
        if not [t for t in rest if t.text != ","]:
            raise NotReadError("a case without its condition")
        return self.parsed(value), self.condition(rest)

    def condition(self, row: Sequence[Token]) -> t.Condition:
        kept = list(row)
        while kept and kept[0].text.lower().strip(" :,") in {*IF, ""}:
            del kept[0]
        while kept and kept[-1].text in (",", ":", "."):
            kept.pop()
        if len(kept) == 1 and kept[0].text.lower().strip(" :.,") in ELSE:
            return ()
        found: list[t.Comparison] = []
        for _, part in split(kept, lambda t: t.text.lower() in ("and", r"\land", ",")):
            sides = list(split(part, lambda t: t.text in COMPARISONS))
            trees = [self.parsed(side) for _, side in sides]
            if len(trees) == 1:  # the truth of a name
                found.append(t.Comparison(trees[0], "≠", t.Number(0.0)))
            relations = [COMPARISONS[sign.text] for sign, _ in sides if sign]
            for relation, left, right in zip(relations, trees, trees[1:], strict=False):
                found.append(t.Comparison(left, relation, right))
        return tuple(found)


def has_relation(row: Sequence[Token]) -> bool:
    return any(relation for relation, _ in split(row, lambda t: t.text in COMPARISONS))


def unexpected(token: Token) -> NotReadError:
    shown = token.text if token.kind != "end" else f"\\end{{{token.text}}}"
    return NotReadError(f"{shown} is not expected there")
