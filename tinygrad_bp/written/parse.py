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
from .scripts import ROUNDED, TRANSPOSES, ranges, script, text
from .tokens import NotReadError, Token, split
from .words import ARGUMENTS, FONTS, GREEK_WORDS, Words, divided, is_symbol, script_or_none, setting

OPERATORS = {r"\odot": "⊙", r"\bigodot": "⊙", "⊙": "⊙", r"\circ": "∘", r"\cdot": "·", "*": "*",
             r"\star": "*", r"\times": "×", "@": "@", r"\otimes": "⊗",
             r"\bullet": "•"}  # fmt: skip
COMPARISONS = {"=": "=", r"\neq": "≠", "<": "<", ">": ">", r"\leq": "≤", r"\geq": "≥"}
IF = {"if", "for", "when", "where", "si", "falls", "wenn"}
ELSE = {"otherwise", "else", "sonst", "sinon"}
#: Commands that begin no factor.
STOPS = {*OPERATORS, *COMPARISONS, r"\}", r"\rangle", *ROUNDED.values(), r"\quad", r"\qquad",
         r"\rightarrow", r"\in", r"\approx", r"\\"}  # fmt: skip
ROOT = "a root that is no square root"
INVERSE = "an inverse: a power of a number, or of a matrix?"
DOTS = "dots, for what is not written"
REASONS = {
    "prod": "a product over an index", "int": "an integral", "cbrt": ROOT, "infty": "infinity",
    "ldots": DOTS, "cdots": DOTS, "dots": DOTS, "vdots": DOTS, "pm": "a sign that may be either",
    "bmod": "a remainder", "pmod": "a remainder", "mod": "a remainder",
}  # fmt: skip

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
            raise NotReadError(f"{shown(self.row[self.i])} is not expected there")
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

    def term(self) -> t.Tree:
        factors, operators = [self.factor()], list[str]()
        while self.i < len(self.row):
            if self.accept("/"):
                factors[-1] = self.quotient(factors[-1])
            elif self.peek() in OPERATORS:
                operators.append(OPERATORS[self.take().text])
                sign = self.sign()
                factors.append(self.factor() if sign > 0 else t.Sum(((-1, self.factor()),)))
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
            elif self.peek() == "[" and self.adjoins() and self.is_slice():
                tree = t.Entry(tree, self.slice())
            elif self.peek() == "[" and self.adjoins() and (index := self.index()):
                tree = t.Entry(tree, index)
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
        found = script_or_none(inner)
        if found and found.transposed and not found.pieces and not entrywise:
            # a number has no transpose: 1ᵀ is a vector of ones
            return t.Transposed(t.Filled("1", ()) if tree == t.Number(1.0) else tree)
        above = text([t for t in inner if t.text not in TRANSPOSES])
        if not inner:
            raise NotReadError("nothing stands above a bracket")
        if above == "+":
            raise NotReadError("a pseudo-inverse")
        together = inner[0].start == inner[-1].start  # in Unicode: Rᵀ⁻¹
        if above == "-1" and (together or len(inner) == 2) and not isinstance(tree, t.Number):
            raise NotReadError(INVERSE)
        has_cases = not self.latex and any(token.text == "if" for token in inner)
        exponent = self.braced_cases(inner) if has_cases else self.parsed(inner)
        if exponent == t.Sum(((-1, t.Number(1.0)),)) and not isinstance(tree, t.Number):
            raise NotReadError(INVERSE)
        return t.Power(tree, exponent, entrywise)

    def below(self, tree: t.Tree, inner: list[Token]) -> t.Tree:
        if isinstance(tree, t.Norm) and text(inner) in ("2", "F"):
            return tree
        if isinstance(tree, t.Norm):
            return t.Norm(tree.of, setting("a norm", inner)[1])
        found = script(inner, below=True)
        if isinstance(tree, t.Name) and not found.primes and found.pieces:  # (z_1)_i
            return replace(tree, below=(*tree.below, *found.pieces))
        if found.primes or not found.pieces:
            raise NotReadError(f"{text(inner)} below brackets")
        return t.Entry(tree, found.pieces)

    # ---- atoms ----

    def atom(self) -> t.Tree:
        if self.i < len(self.row) and not self.starts_factor():
            raise NotReadError(f"{shown(self.row[self.i])} is not expected there")
        token = self.take()
        if token.kind == "number":
            found = self.filled(token.text) if token.text in ("0", "1") else None
            return found or t.Number(float(token.text))
        if token.kind in ("name", "words"):
            return self.word(token)
        if token.kind == "begin":
            return self.environment(token.text)
        if token.text in ROUNDED:
            return self.rounded(token.text)
        if token.text in ARGUMENTS or token.text == "{":
            self.i -= 1
            return self.bracketed(self.group_of_brackets(), token.text)
        return self.command(token.text[1:])

    def filled(self, entry: str) -> t.Tree | None:
        """Read an indicator, 1_{i=j}, or an array of one number, 1[2×3]; None if there is none."""
        start, is_plain = self.i, self.row[self.i - 1].text.isdigit()
        if self.peek() == "_":
            inner = self.script()
            if entry == "1" and text(inner) in ("m", "N", "B"):  # 1_m
                return t.Filled(entry, ())
        elif self.peek() in ARGUMENTS and self.adjoins() and not (is_plain and self.peek() == "("):
            inner = self.group_of_brackets()
        else:
            return None if is_plain else t.Filled(entry, ())
        if text(inner[:1]) == "(" and text(inner[-1:]) == ")":
            inner = inner[1:-1]
        if entry == "1" and has_relation(inner):
            return t.Indicator(self.condition(inner))
        numbers = [t for t in inner if t.text not in (r"\times", ",", "(", ")")]
        if all(t.text.isdecimal() for t in numbers) and numbers:
            return t.Filled(entry, tuple(int(t.text) for t in numbers))
        if entry == "1" and all(x.kind in ("number", "name") for x in numbers) and not is_plain:
            return t.Filled(entry, ())  # 1_{n × 1}: a vector over the samples, if anything
        if not is_plain or self.row[start].text == "_":
            raise NotReadError(f"what stands behind {entry} is no condition and no shape")
        self.i = start
        return None

    def bracketed(self, inner: list[Token], opening: str) -> t.Tree:
        if opening == "{" and not self.latex:
            return self.braced_cases(inner)
        if has_relation(inner):
            return t.Indicator(self.condition(inner))
        items = [part for _, part in split(inner, lambda t: t.text == ",")]
        if len(items) > 1 or (opening == "[" and text(inner[:1]) == "["):
            return t.Listed(tuple(self.parsed(item) for item in items))
        if len(list(split(inner, lambda t: t.text == ":"))) > 1:
            raise NotReadError("a slice")
        return self.parsed(inner)

    def command(self, name: str) -> t.Tree:
        if name in FONTS or name == "mathbb":
            return self.font(name)
        if name in ACCENTS:
            inner = [t for t in self.group() if t.text[1:] not in FONTS and t.text not in "{}"]
            if len(inner) != 1 or not is_symbol(inner[0]):
                raise NotReadError(f"\\{name} over an expression")
            return self.name(inner[0].text.removeprefix("\\"), name)
        if name in GREEK_WORDS:
            return self.name(name)
        reader = {
            "frac": self.fraction, "partial": self.differential, "nabla": self.nabla,
            "sum": self.summation, "Vert": self.norm, "vert": self.norm, "sqrt": self.root,
            "indicator": self.indicator,
        }.get(name)  # fmt: skip
        if reader is None:
            raise NotReadError(REASONS.get(name, f"\\{name} is not known"))
        return reader()

    def font(self, name: str) -> t.Tree:
        inner = self.group()
        if text(inner) in ("0", "1") or (name == "mathbb" and text(inner) == "I"):
            return self.filled(text(inner).replace("I", "1")) or t.Filled(text(inner), ())
        if name == "mathbb":
            raise NotReadError(f"\\mathbb{{{text(inner)}}}")
        self.row[self.i : self.i] = inner
        return self.atom()

    def indicator(self) -> t.Tree:
        return self.filled("1") or t.Filled("1", ())

    def rounded(self, opening: str) -> t.Tree:
        self.i -= 1
        function = "floor" if opening == r"\lfloor" else "ceil"
        return t.Call(function, (self.parsed(self.group_of_brackets()),))

    def root(self) -> t.Tree:
        if self.peek() == "[":
            raise NotReadError(ROOT)
        return t.Call("sqrt", (self.parsed(self.group()),))

    def fraction(self) -> t.Tree:
        if len(self.peek()) == 2 and self.peek().isdecimal():  # \frac12
            above, below = (t.Number(float(digit)) for digit in self.take().text)
            return t.Fraction(above, below)
        row, other = self.group(), self.group()
        if text(row) in (r"\partial", "d") and other[1:] and other[0].text == row[0].text:
            raise NotReadError("a derivative of an expression that is still to be taken")
        heads = [[token.text for token in part[:2]] for part in (row, other)]
        if all(len(h) == 2 and h[0] == r"\delta" and h[1] not in ("^", "_") for h in heads):
            return t.Derivative(self.parsed(row[1:]), self.parsed(other[1:]))
        return divided(self.parsed(row), self.parsed(other))

    def nabla(self) -> t.Tree:
        if self.peek() != "_":
            raise NotReadError("∇ without what it is taken by")
        by = self.parsed(self.script())
        if self.i >= len(self.row) or not self.starts_factor():
            raise NotReadError("∇ of nothing")
        of = self.atom()
        if isinstance(of, t.Name) and of.transposed:
            return t.Transposed(t.Derivative(t.Name(of.base, of.accent, of.above, of.below), by))
        return t.Derivative(of, by)

    def summation(self) -> t.Tree:
        below: list[Token] = []
        above: list[Token] = []
        if self.peek() == "[" and self.adjoins() and not self.latex:
            below = self.group_of_brackets()
        while self.peek() in ("_", "^"):
            if self.peek() == "_":
                below = self.script()
            else:
                above = self.script()
        letters, axes = ranges(below, above)
        sign, term = self.sign(), self.term()
        return t.Summation(term if sign > 0 else t.Sum(((-1, term),)), letters, axes)

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
        cells = [[part for _, part in split(row, lambda t: t.text == "&")] for row in rows]
        if name == "cases":
            return t.Cases(tuple(self.case(row) for row in cells))
        if name.endswith("matrix"):
            return t.Listed(tuple(t.Listed(tuple(map(self.parsed, row))) for row in cells))
        raise NotReadError(f"the environment {name} within a formula")

    def case(self, cells: list[list[Token]]) -> tuple[t.Tree, t.Condition]:
        if len(cells) == 1:  # a comma stands between
            first, *rest = (part for _, part in split(cells[0], lambda t: t.text == ","))
            cells = [first, [token for part in rest for token in part]]
        value, *others = cells
        condition = [token for cell in others for token in cell if token.text != r"\quad"]
        while value and value[-1].text in (",", r"\quad"):
            value.pop()
        if not condition:
            raise NotReadError("a case without its condition")
        return self.parsed(value), self.condition(condition)

    def braced_cases(self, inner: Sequence[Token]) -> t.Tree:
        """Read the cases of plain text: {a if i = j; b otherwise}."""
        rows = []
        for _, part in split(inner, lambda t: t.text == ";"):
            cuts = [i for i, t in enumerate(part) if t.text in ("if", "otherwise")]
            if not cuts:
                raise NotReadError("braces that hold no cases")
            rows.append((self.parsed(part[: cuts[-1]]), self.condition(part[cuts[-1] :])))
        return t.Cases(tuple(rows))

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
    return len(list(split(row, lambda t: t.text in COMPARISONS))) > 1


def shown(token: Token) -> str:
    return token.text if token.kind != "end" else f"\\end{{{token.text}}}"
