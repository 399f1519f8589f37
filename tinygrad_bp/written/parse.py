r"""From the tokens of one side to its surface tree, by recursive descent; nothing is interpreted.

    side       = ["-"] term { ("+" | "-") term }
    term       = factor { [operator] factor }             side by side, or · × * ⊙ ∘ @ ⊗ /
    factor     = atom { "^" script | "_" script | ".T" | "[" index "]" }
    atom       = number | name | call | "(" side ")" | fraction | derivative | sum | norm | cases
               | indicator
    derivative = "\frac{∂" side "}{∂" side "}" | "∂" atom "/" "∂" atom | "d" atom | "∇_" script atom
    call       = function { "'" | script } "(" side { "," side } ")" | function factor
    sum        = "Σ" { script | "[" ranges "]" } term

No token is skipped: what fits nowhere raises `Unreadable`, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..notation.symbols import GREEK
from .scripts import Scripts, is_index, ranges, script, text
from .tokens import FUNCTIONS, LOSSES, Token, Unreadable, group, split
from .tree import (
    Bracketed,
    Call,
    Cases,
    Comparison,
    Condition,
    Derivative,
    Differential,
    Entry,
    Filled,
    Fraction,
    Indicator,
    Letter,
    Listed,
    Name,
    Norm,
    Number,
    Power,
    Product,
    Script,
    Sum,
    Summation,
    Transposed,
    Tree,
    Word,
)

OPERATORS = {r"\odot": "⊙", r"\circ": "∘", r"\cdot": "·", r"\times": "×", "*": "*", r"\star": "*",
             "@": "@", r"\otimes": "⊗", "⊙": "⊙", r"\bigodot": "⊙",
             r"\bullet": "•"}  # fmt: skip
COMPARISONS = {"=": "=", r"\neq": "≠", "<": "<", ">": ">", r"\leq": "≤", r"\geq": "≥"}
BRACKETS = {"(": ")", "[": "]", r"\{": r"\}"}
FONTS = {"mathbf", "boldsymbol", "bm", "mathcal", "mathscr", "mathsf", "mathit", "mathfrak",
         "pmb", "bold", "vec", "underline"}  # fmt: skip
ACCENTS = {"hat", "tilde", "bar", "dot"}
#: Letters that stand for a function where brackets, or a prime, follow.
FUNCTION_LETTERS = {"sigma", "phi", "psi", "f", "g"}
#: Letters that stand for the loss, also as a function of what it depends on.
LOSS_LETTERS = {"L", "J", "C", "E", "ell"}
SAME = {"ln": "log", "sigm": "sigmoid", "logistic": "sigmoid", "sgn": "sign", "tr": "trace"}
GREEK_WORDS = {*GREEK, "ell"}
ACCENTED = {name + accent: (name, accent) for name in "yax" for accent in ACCENTS}  # yhat

IF = {"if", "for", "when", "where", "si", "falls", "wenn"}
ELSE = {"otherwise", "else", "sonst", "sinon"}
#: Commands that begin no factor.
STOPS = {
    *COMPARISONS,
    r"\}",
    r"\rangle",
    r"\quad",
    r"\qquad",
    r"\rightarrow",
    r"\in",
    r"\approx",
    "\\\\",
}
DOTS = "dots, for what is not written"
REASONS = {
    "prod": "a product over an index", "cancel": "a term that is struck out", "int": "an integral",
    "ldots": DOTS, "cdots": DOTS, "dots": DOTS, "vdots": DOTS, "infty": "infinity",
    "lfloor": "a place that is computed", "lceil": "a place that is computed",
    "pm": "a sign that may be either",
}  # fmt: skip

#: A formula of more tokens is not read; nor are factors in more brackets.
LONGEST = 2000


def parse(row: Sequence[Token], latex: bool = True) -> Tree:
    """Read one side of an equation; raises `Unreadable`."""
    if len(row) > LONGEST:
        raise Unreadable(f"it has {len(row)} symbols, and at most {LONGEST} are read")
    try:
        return Parser(row, latex).whole()
    except RecursionError:
        raise Unreadable("its brackets are nested too deeply") from None


def condition(row: Sequence[Token], latex: bool = True) -> Condition:
    """Read comparisons that all hold, as ``i = j and m ≠ k``; raises `Unreadable`."""
    return Parser(row, latex).condition(row)


class Parser:
    def __init__(self, row: Sequence[Token], latex: bool) -> None:
        self.row, self.i, self.latex = list(row), 0, latex

    # ---- tokens ----

    def peek(self, ahead: int = 0) -> str:
        j = self.i + ahead
        return self.row[j].text if j < len(self.row) and self.row[j].kind != "words" else ""

    def take(self) -> Token:
        if self.i >= len(self.row):
            raise Unreadable("something is missing at its end")
        self.i += 1
        return self.row[self.i - 1]

    def accept(self, *texts: str) -> bool:
        found = self.peek() in texts
        self.i += found
        return found

    def group(self) -> list[Token]:
        inner, self.i = group(self.row, self.i)
        return inner

    def parsed(self, row: Sequence[Token]) -> Tree:
        return Parser(row, self.latex).whole()

    def argument(self) -> Tree:
        return self.parsed(self.group())

    def adjoins(self) -> bool:
        # nothing, not even a space, stands before the next token
        return 0 < self.i < len(self.row) and self.row[self.i - 1].end == self.row[self.i].start

    def whole(self) -> Tree:
        tree = self.side()
        if self.i < len(self.row):
            raise Unreadable(f"{shown(self.row[self.i])} is not expected there")
        return tree

    # ---- sums and products ----

    def side(self) -> Tree:
        terms: list[tuple[int, Tree]] = []
        while not terms or self.peek() in ("+", "-"):
            terms.append((self.sign(), self.term()))
        return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Sum(tuple(terms))

    def sign(self) -> int:
        sign = 1
        while self.peek() in ("+", "-"):
            sign = -sign if self.take().text == "-" else sign
        return sign

    def term(self) -> Tree:
        factors, operators = [self.factor()], list[str]()
        while self.i < len(self.row):
            if self.accept("/"):
                factors[-1] = self.quotient(factors[-1])
            elif self.peek() in OPERATORS:
                operators.append(OPERATORS[self.take().text])
                sign = self.sign()
                factors.append(self.factor() if sign > 0 else Sum(((-1, self.factor()),)))
            elif self.starts_factor():
                operators.append("")
                factors.append(self.factor())
            else:
                break
        return Product(tuple(factors), tuple(operators)) if operators else factors[0]

    def quotient(self, above: Tree) -> Tree:
        below = self.factor()
        if isinstance(below, Number) and self.adjoins() and self.row[self.i].kind == "name":
            raise Unreadable("what is below the stroke is not clear: use brackets, as in 1/(2m)")
        return divided(above, below)

    def starts_factor(self) -> bool:
        token = self.row[self.i]
        if token.kind in ("number", "name", "words", "begin"):
            return True
        if token.kind == "mark":
            return token.text in ("(", "[", "{")
        return token.text not in OPERATORS and token.text not in STOPS

    def factor(self) -> Tree:
        tree = self.atom()
        while True:
            if self.peek() == "^":
                tree = self.power(tree)
            elif self.peek() == "_":
                self.i += 1
                tree = self.below(tree, self.group())
            elif self.peek() == "." and self.peek(1) in ("T", "mT"):
                self.i += 2
                tree = Transposed(tree)
            elif self.peek() == "." and self.peek(1).isalpha() and self.peek(2) == "(":
                self.i += 1
                function, (arguments, named) = self.take().text, self.arguments()
                tree = Call(function, (tree, *arguments), keywords=named)
            elif self.peek() == "[" and self.adjoins() and (index := self.index()):
                tree = Entry(tree, index)
            elif self.peek() == "'":
                raise Unreadable("a prime behind brackets may be a transpose or a derivative")
            else:
                return tree

    def power(self, tree: Tree) -> Tree:
        self.take()
        entrywise = self.accept(r"\odot", r"\circ")
        inner = self.group()
        if inner[:1] and inner[0].text in (r"\odot", r"\circ"):
            entrywise, inner = True, inner[1:]
        if not entrywise:
            found = script_or_none(inner)
            if found and found.transposed and not found.pieces:
                return Transposed(tree)
        has_cases = not self.latex and any(token.text == "if" for token in inner)
        exponent = self.braced_cases(inner) if has_cases else self.parsed(inner)
        if exponent == Sum(((-1, Number(1.0)),)) and not isinstance(tree, Number):
            raise Unreadable("an inverse: a power of a number, or of a matrix?")
        return Power(tree, exponent, entrywise)

    def below(self, tree: Tree, inner: list[Token]) -> Tree:
        if isinstance(tree, Norm):
            if text(inner) in ("2", "F"):
                return tree
            kind, axes = setting("a norm", inner)
            if kind != "axis":
                raise Unreadable(f"a norm with {text(inner)} below")
            return Norm(tree.of, axes)
        found = script(inner)
        if found.transposed or found.primes or not found.pieces:
            raise Unreadable(f"{text(inner)} below brackets")
        return Entry(tree, found.pieces)

    # ---- atoms ----

    def atom(self) -> Tree:
        if self.i < len(self.row) and not self.starts_factor():
            raise Unreadable(f"{shown(self.row[self.i])} is not expected there")
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind in ("name", "words"):
            return self.word(token)
        if token.kind == "begin":
            return self.environment(token.text)
        if token.text in BRACKETS or token.text == "{":
            self.i -= 1
            return self.bracketed(self.group_of_brackets(), token.text)
        return self.command(token.text[1:])

    def number(self, token: Token) -> Tree:
        if token.text in ("0", "1") and (filled := self.filled(token.text)):
            return filled
        return Number(float(token.text))

    def indicator(self) -> Tree:
        return self.filled("1") or Filled("1", ())

    def filled(self, entry: str) -> Tree | None:
        """Read an indicator, 1_{i=j}, or an array of one number, 1[2×3]; None if there is none."""
        bold = not self.row[self.i - 1].text.isdigit()
        if self.accept("_"):
            inner = self.group()
        elif self.peek() in BRACKETS and self.adjoins():
            inner = self.group_of_brackets()
        else:
            return Filled(entry, ()) if bold else None
        if entry == "1" and has_relation(inner):
            return Indicator(self.condition(inner))
        numbers = [t for t in inner if t.text not in (r"\times", ",", "(", ")")]
        if all(t.text.isdecimal() for t in numbers) and numbers:
            return Filled(entry, tuple(int(t.text) for t in numbers))
        raise Unreadable(f"what stands behind {entry} is no condition and no shape")

    def group_of_brackets(self) -> list[Token]:
        # with the brackets' own kind: what opens is what closes
        inner, end = group(self.row, self.i)
        opening, closing = self.row[self.i].text, self.row[end - 1].text
        if BRACKETS.get(opening, "}") != closing:
            raise Unreadable(f"{opening} is closed by {closing}")
        self.i = end
        return inner if opening == "{" else inner[1:-1]

    def bracketed(self, inner: list[Token], opening: str) -> Tree:
        if opening == "{" and not self.latex:
            return self.braced_cases(inner)
        if has_relation(inner):
            return Indicator(self.condition(inner))
        items = [part for _, part in split(inner, lambda t: t.text == ",")]
        if len(items) > 1 or (opening == "[" and text(inner[:1]) == "["):
            return Listed(tuple(self.parsed(item) for item in items))
        if any(token.text == ":" for token in inner):
            raise Unreadable("a slice")
        return self.parsed(inner)

    def command(self, name: str) -> Tree:
        if name in FONTS or name == "mathbb":
            return self.font(name)
        if name in ACCENTS:
            inner = [t for t in self.group() if t.text[1:] not in FONTS and t.text not in "{}"]
            if len(inner) != 1 or not is_symbol(inner[0]):
                raise Unreadable(f"\\{name} over an expression")
            return self.name(inner[0].text.removeprefix("\\"), name)
        if name in GREEK_WORDS:
            return self.name(name)
        reader = {
            "frac": self.fraction, "partial": self.differential, "nabla": self.nabla,
            "sum": self.summation, "Vert": self.norm, "vert": self.norm, "sqrt": self.root,
            "indicator": self.indicator,
        }.get(name)  # fmt: skip
        if reader is None:
            raise Unreadable(REASONS.get(name, f"\\{name} is not known"))
        return reader()

    def font(self, name: str) -> Tree:
        inner = self.group()
        if name == "mathbb" or text(inner) in ("0", "1"):
            if text(inner) in ("1", "I", "0") and (found := self.filled(text(inner)[0])):
                return found
            raise Unreadable(f"\\{name}{{{text(inner)}}}")
        self.row[self.i : self.i] = inner
        return self.atom()

    def fraction(self) -> Tree:
        above, below = self.group(), self.group()
        if text(above) in (r"\partial", "d") and below[1:] and below[0].text == above[0].text:
            raise Unreadable("a derivative of an expression that is still to be taken")
        if all(len(part) > 1 and part[0].text == r"\delta" and part[1].text not in ("^", "_")
               for part in (above, below)):  # fmt: skip
            return Derivative(self.parsed(above[1:]), self.parsed(below[1:]))
        return divided(self.parsed(above), self.parsed(below))

    def root(self) -> Tree:
        return Call("sqrt", (self.argument(),))

    def differential(self) -> Tree:
        if self.peek() == "^":
            raise Unreadable("a second derivative")
        if self.i >= len(self.row) or not self.starts_factor():
            raise Unreadable("a ∂ of nothing")
        if self.row[self.i].kind == "number":
            raise Unreadable("a ∂ of a number")
        return Differential(self.atom())

    def nabla(self) -> Tree:
        if not self.accept("_"):
            raise Unreadable("∇ without what it is taken by")
        by = self.argument()
        if self.i >= len(self.row) or not self.starts_factor():
            raise Unreadable("∇ of nothing")
        of = self.atom()
        if isinstance(of, Name) and of.transposed:
            return Transposed(Derivative(Name(of.base, of.accent, of.above, of.below), by))
        return Derivative(of, by)

    def summation(self) -> Tree:
        below: list[Token] = []
        above: list[Token] = []
        if self.peek() == "[" and self.adjoins() and not self.latex:
            below = self.group_of_brackets()
        while self.peek() in ("_", "^"):
            if self.take().text == "_":
                below = self.group()
            else:
                above = self.group()
        letters, axes = ranges(below, above)
        return Summation(self.term(), letters, axes)

    def norm(self) -> Tree:
        bar = self.row[self.i - 1].text
        for j in range(self.i, len(self.row)):
            if self.row[j].text == bar:
                inner, self.i = self.row[self.i : j], j + 1
                return Norm(self.parsed(inner))
        raise Unreadable("a bar is not closed")

    # ---- names and calls ----

    def word(self, token: Token) -> Tree:
        word = token.text
        low = word.lower()
        if token.kind == "words" and not word.replace("_", "").isalnum():
            raise Unreadable(f"the words “{word}”")
        if word == "np" and self.accept("."):
            return self.call(self.take().text)
        if low == "sum" and self.peek() != "(":
            return self.summation()
        if low in FUNCTIONS or (len(word) > 1 and self.is_called()):
            return self.call(word)
        if len(word) == 1 and word.isascii():
            return self.letter(word)
        if low in GREEK_WORDS or low in LOSSES:
            return self.name(word if word in GREEK_WORDS else low)
        if word in ACCENTED:
            return self.name(*ACCENTED[word])
        if token.kind == "name" and not self.latex and word[0] == "d" and len(word) < 4:
            return self.differential_in_text(token)
        if word.isascii():
            return self.name(word)
        raise Unreadable(f"the word “{word}”")

    def is_called(self) -> bool:
        # Brackets follow at once, after settings perhaps: reshape[2](a). In plain text W(a - b) is
        # a product, so a word that is called is longer than a letter.
        if self.peek() == "_" and self.latex:
            inner, end = group(self.row, self.i + 1)
        elif self.peek() == "[" and self.adjoins():
            inner, end = group(self.row, self.i)
            inner = inner[1:-1]
        else:
            return self.peek() == "(" and (self.latex or self.adjoins())
        is_setting = text(inner)[:2] == "ax" or r"\times" in text(inner)
        is_setting |= self.peek(-1) in ("reshape", "broadcast")  # to one axis: reshape[2](a)
        return text(self.row[end : end + 1]) == "(" and is_setting

    def letter(self, letter: str) -> Tree:
        if letter == "e" and self.peek() == "^":
            self.take()
            return Call("exp", (self.argument(),))
        if letter == "d" and self.i < len(self.row) and is_differentiated(self.row[self.i]):
            return self.differential()
        if letter == "d" and self.peek() == "^" and self.peek(1) == "2":
            raise Unreadable("a second derivative")
        return self.name(letter)

    def differential_in_text(self, token: Token) -> Tree:
        # dz1, and dL_dz1 as people write it in code
        rest = Token("name", token.text[1:], token.start + 1, token.end)
        following = self.row[self.i + 1].text if self.peek() == "_" and self.peek(1) else ""
        if following[:1] == "d" and following[1:] and following.lower() not in FUNCTIONS:
            self.i += 1
            below = self.atom()
            of = Parser([rest], False).whole()
            return divided(Differential(of), below)
        self.row.insert(self.i, rest)
        return self.differential()

    def name(self, base: str, accent: str = "") -> Tree:
        """Read what stands at a name; and its arguments, if it is a function."""
        above: list[Script] = []
        below: list[Script] = []
        transposed, primes = False, 0
        while self.i < len(self.row):
            if self.row[self.i].kind == "number" and self.adjoins():
                below += script([self.take()]).pieces
            elif self.accept("'"):
                primes += 1
            elif self.peek() == "." and self.peek(1) in ("T", "mT"):
                self.i += 2
                transposed = not transposed
            elif self.peek() in ("^", "_"):
                inner, end = group(self.row, self.i + 1)
                found = script_or_none(inner) if self.peek() == "^" else script(inner)
                if found is None:
                    break  # a power
                (above if self.peek() == "^" else below).extend(found.pieces)
                if found.transposed and self.peek() == "_":
                    raise Unreadable("a T below a name")
                transposed, primes = transposed != found.transposed, primes + found.primes
                self.i = end
            elif self.peek() == "{" and self.peek(1) in ("^", "_"):
                inner = self.group()  # z{^2}: braces that only keep together
                self.row[self.i : self.i] = inner
            elif self.peek() == "[" and self.adjoins() and (index := self.index()):
                has_layer = any(isinstance(p, int | Bracketed) for p in (*above, *below))
                if has_layer or len(index) > 1:
                    below += index
                else:
                    above.append(Bracketed("[", index))
            else:
                break
        is_function = base in FUNCTION_LETTERS and self.peek() in ("(", "[")
        if is_function or (base in LOSS_LETTERS and self.is_argument_list()):
            arguments, keywords = self.arguments()
            return Call(base, arguments, primes, tuple(above), tuple(below), keywords)
        if primes:
            raise Unreadable("a prime on a name may be a derivative, or make another name")
        for marks in (above, below):
            for word in [m for m in marks if isinstance(m, Word) and m.text in ACCENTS]:
                marks.remove(word)
                accent = accent or word.text
        return Name(base, accent, tuple(above), tuple(below), transposed)

    def is_argument_list(self) -> bool:
        # L(W, b), but not L (a - y): names and commas alone
        if self.peek() != "(":
            return False
        inner = group(self.row, self.i)[0][1:-1]
        return bool(inner) and not any(t.text in ("+", "-", "/", "(", "=") for t in inner)

    def index(self) -> tuple[int | Letter, ...] | None:
        """Take an index in brackets, as in W[2] or p[i,k+1]; None if these brackets are none."""
        inner, end = group(self.row, self.i)
        inner = inner[1:-1]
        if any(token.text in (":", r"\ldots") for token in inner):
            raise Unreadable("a slice")
        if not is_index(inner):
            return None
        self.i = end
        return tuple(p for p in script(inner, True).pieces if isinstance(p, int | Letter))

    def call(self, word: str) -> Tree:
        low = word.lower()
        function = SAME.get(low, low) if low in FUNCTIONS else word
        keywords: list[tuple[str, str]] = []
        primes, power = 0, None
        entry: tuple[Script, ...] = ()
        while True:
            if self.accept("'"):
                primes += 1
            elif self.accept("^"):
                found = script(self.group())
                primes += found.primes
                power = next((p for p in found.pieces if isinstance(p, int) and p > 0), power)
                if found.transposed or found.pieces not in ((), (power,)):
                    raise Unreadable(f"what stands above {word}")
            elif self.accept("_"):
                inner = self.group()
                if function == "softmax" and is_index(inner):
                    entry = script(inner, below=True).pieces
                else:
                    keywords.append(setting(word, inner))
            elif self.peek() == "[" and self.adjoins() and low not in FUNCTIONS & {"exp", "log"}:
                keywords.append(setting(word, self.group_of_brackets()))
            else:
                break
        if self.peek() in BRACKETS:
            arguments, named = self.arguments()
        elif self.i < len(self.row) and self.starts_factor():
            arguments, named = (self.factor(),), ()
        else:
            raise Unreadable(f"{word} of nothing")
        tree: Tree = Call(function, arguments, primes, keywords=(*keywords, *named))
        if len(arguments) == 2 and function in ("power", "multiply"):
            one, other = arguments
            tree = Power(one, other, True) if function == "power" else Product(arguments, ("⊙",))
        tree = Entry(tree, entry) if entry else tree
        return tree if power is None else Power(tree, Number(float(power)))

    def arguments(self) -> tuple[tuple[Tree, ...], tuple[tuple[str, str], ...]]:
        plain: list[Tree] = []
        named: list[tuple[str, str]] = []
        for _, part in split(self.group_of_brackets(), lambda t: t.text == ","):
            sides = [side for _, side in split(part, lambda t: t.text == "=")]
            if len(sides) == 2 and sides[0]:
                named.append((text(sides[0]), text(sides[1])))
            else:
                plain.append(self.parsed(part))
        return tuple(plain), tuple(named)

    # ---- cases and conditions ----

    def environment(self, name: str) -> Tree:
        inner, self.i = group(self.row, self.i - 1)
        rows = [part for _, part in split(inner[1:-1], lambda t: t.text == r"\\") if part]
        cells = [[part for _, part in split(row, lambda t: t.text == "&")] for row in rows]
        if name == "cases":
            return Cases(tuple(self.case(row) for row in cells))
        if name.endswith("matrix"):
            return Listed(tuple(Listed(tuple(map(self.parsed, row))) for row in cells))
        raise Unreadable(f"the environment {name} within a formula")

    def case(self, cells: list[list[Token]]) -> tuple[Tree, Condition]:
        if len(cells) == 1:  # a comma stands between
            (first, *rest) = (part for _, part in split(cells[0], lambda t: t.text == ","))
            cells = [first, [token for part in rest for token in part]]
        value, *others = cells
        condition = [token for cell in others for token in cell if token.text != r"\quad"]
        while value and value[-1].text in (",", r"\quad"):
            value.pop()
        if not condition:
            raise Unreadable("a case without its condition")
        return self.parsed(value), self.condition(condition)

    def braced_cases(self, inner: Sequence[Token]) -> Tree:
        """Read the cases of plain text: {a if i = j; b otherwise}."""
        rows = []
        for _, part in split(inner, lambda t: t.text == ";"):
            cuts = [i for i, t in enumerate(part) if t.text in ("if", "otherwise")]
            if not cuts:
                raise Unreadable("braces that hold no cases")
            cut = cuts[-1]
            rows.append((self.parsed(part[:cut]), self.condition(part[cut:])))
        return Cases(tuple(rows))

    def condition(self, row: Sequence[Token]) -> Condition:
        words = [token.text.lower().strip(" :.,") for token in row]
        kept = [t for t, word in zip(row, words, strict=True) if word not in (*IF, "", ":", ".")]
        if len(kept) == 1 and words[row.index(kept[0])] in ELSE:
            return ()
        found: list[Comparison] = []
        for _, part in split(kept, lambda t: t.text.lower() in ("and", r"\land", ",")):
            sides = list(split(part, lambda t: t.text in COMPARISONS))
            trees = [self.parsed(side) for _, side in sides]
            if len(trees) == 1:  # the truth of a name
                found.append(Comparison(trees[0], "≠", Number(0.0)))
            for (relation, _), left, right in zip(sides[1:], trees, trees[1:], strict=False):
                found.append(
                    Comparison(left, COMPARISONS[relation.text if relation else ""], right)
                )
        return tuple(found)


def divided(above: Tree, below: Tree) -> Tree:
    if isinstance(above, Differential) and isinstance(below, Differential):
        return Derivative(above.of, below.of)
    if isinstance(above, Differential) or isinstance(below, Differential):
        if above == Name("d"):
            raise Unreadable("a derivative of an expression that is still to be taken")
        raise Unreadable("a ∂ above and none below, or the other way round")
    return Fraction(above, below)


def setting(word: str, row: Sequence[Token]) -> tuple[str, str]:
    """Read what stands at a function that is no argument: an axis, or a shape."""
    words = text(row).replace(r"\times", "×")
    for kind in ("axis", "axes"):
        if words.startswith(kind) and set(words[4:]) <= set("-0123456789,"):
            return "axis", words[4:]
    if word.lower() not in FUNCTIONS and words and set(words) <= set("0123456789×,()-"):
        return "shape", words
    raise Unreadable(f"{word} with {words} below")


def script_or_none(row: Sequence[Token]) -> Scripts | None:
    try:
        found = script(row)
    except Unreadable:
        return None
    negative = any(isinstance(p, int) and p < 0 for p in inner_pieces(found))
    return None if negative or not row else found


def inner_pieces(found: Scripts) -> list[Script]:
    inside = [p.inside for p in found.pieces if isinstance(p, Bracketed)]
    return [*found.pieces, *(p for part in inside for p in part)]


def is_symbol(token: Token) -> bool:
    return token.kind == "name" or token.text[1:] in GREEK_WORDS


def is_differentiated(token: Token) -> bool:
    command = token.text[1:]
    return token.kind in ("name", "words") or (
        token.kind == "command" and command in FONTS | ACCENTS | GREEK_WORDS
    )


def has_relation(row: Sequence[Token]) -> bool:
    return len(list(split(row, lambda t: t.text in COMPARISONS))) > 1


def shown(token: Token) -> str:
    return token.text if token.kind != "end" else f"\\end{{{token.text}}}"
