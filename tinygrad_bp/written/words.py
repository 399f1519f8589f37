r"""Names, with what stands at them, and functions with their arguments.

name     = base { "^" script | "_" script | "'" | number | ".T" | "[" index "]" }
function = word { "'" | script | "[" setting "]" } "(" side { "," side } ")" | word factor
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from ..notation.symbols import ACCENTS, GREEK
from . import tree as t
from .scripts import ROUNDED, Scripts, is_index, script, text
from .tokens import FUNCTIONS, LOSS_WORDS, OPENING, NotReadError, Token, group, split

FONTS = {"mathbf", "boldsymbol", "bm", "mathcal", "mathscr", "mathsf", "mathit", "mathfrak",
         "pmb", "bold", "vec", "underline"}  # fmt: skip
GREEK_WORDS = {*GREEK, "ell"}
ACCENTED = {name + accent: (name, accent) for name in "yax" for accent in ACCENTS}  # yhat
SAME = {
    "ln": "log",
    "sigm": "sigmoid",
    "logistic": "sigmoid",
    "sgn": "sign",
    "tr": "trace",
    "leakyrelu": "leaky_relu",
}
#: Letters that stand for a function where brackets, or a prime, follow.
FUNCTION_LETTERS = {"sigma", "phi", "psi", "f", "g"}
#: What opens the arguments of a function.
ARGUMENTS = ("(", "[", r"\{")
#: Letters that stand for the loss, also as a function of what it depends on.
LOSS_LETTERS = {"L", "J", "C", "E", "ell"}


class Words(ABC):
    """A row of tokens, read from left to right; how formulas are made, `parse.Parser` knows."""

    def __init__(self, row: Sequence[Token], latex: bool) -> None:
        self.row, self.i, self.latex = list(row), 0, latex

    @abstractmethod
    def whole(self) -> t.Tree: ...

    @abstractmethod
    def factor(self) -> t.Tree: ...

    @abstractmethod
    def atom(self) -> t.Tree: ...

    @abstractmethod
    def summation(self) -> t.Tree: ...

    @abstractmethod
    def starts_factor(self) -> bool: ...

    # ---- tokens ----

    def peek(self, ahead: int = 0) -> str:
        # words are no tokens of the grammar: "" stands for them
        j = self.i + ahead
        return self.row[j].text if j < len(self.row) and self.row[j].kind != "words" else ""

    def take(self) -> Token:
        if self.i >= len(self.row):
            raise NotReadError("something is missing at its end")
        self.i += 1
        return self.row[self.i - 1]

    def accept(self, *texts: str) -> bool:
        found = self.peek() in texts
        self.i += found
        return found

    def adjoins(self) -> bool:
        # nothing, not even a space, stands before the next token
        return 0 < self.i < len(self.row) and self.row[self.i - 1].end == self.row[self.i].start

    def group(self) -> list[Token]:
        inner, self.i = group(self.row, self.i)
        return inner

    def script(self) -> list[Token]:
        """Take a mark, ^ or _, and what it raises or lowers."""
        mark = self.take().text
        several = len(self.peek()) > 1 and self.peek().isdecimal()
        if several and self.latex:
            raise NotReadError(f"of {mark}{self.peek()} LaTeX moves one digit: use braces")
        if mark == "^" and not self.latex and self.peek() == "-" and self.peek(1)[:1].isdigit():
            return [self.take(), self.take()]
        if mark == "^" and not self.latex and (called := self.whole_call()):
            return called
        return self.group()

    def whole_call(self) -> list[Token]:
        """Take a function with its arguments, as in 2^sin(v), in brackets; else nothing."""
        if self.peek() in ROUNDED:
            inner = self.group()
        elif len(self.peek()) > 1 and self.peek().isalpha() and self.peek(1) == "(":
            word = self.take()
            if not self.adjoins():
                self.i -= 1
                return []
            inner = [word, *self.group()]
        else:
            return []
        start, end = inner[0].start, inner[-1].end
        return [Token("mark", "(", start, start), *inner, Token("mark", ")", end, end)]

    def group_of_brackets(self) -> list[Token]:
        # what opens is what closes
        inner, end = group(self.row, self.i)
        opening, closing = self.row[self.i].text, self.row[end - 1].text
        if OPENING.get(opening, "}") != closing:
            raise NotReadError(f"{opening} is closed by {closing}")
        self.i = end
        return inner if opening == "{" else inner[1:-1]

    def parsed(self, row: Sequence[Token]) -> t.Tree:
        return type(self)(row, self.latex).whole()

    # ---- words ----

    def word(self, token: Token) -> t.Tree:
        word, low = token.text, token.text.lower()
        if word in ("np", "torch") and self.accept("."):
            return self.call(self.take().text)
        if low == "sum" and self.peek() != "(":
            return self.summation()
        if low in FUNCTIONS or (len(word) > 1 and self.is_called()):
            return self.call(word)
        if len(word) == 1:
            return self.letter(word)
        if word == "mod":
            raise NotReadError("a remainder")
        if low in GREEK_WORDS or low in LOSS_WORDS:
            return self.name(word if word in GREEK_WORDS else low)
        if word in ACCENTED:
            return self.name(*ACCENTED[word])
        if token.kind == "name" and not self.latex and word[0] == "d" and is_short(word):
            return self.differential_in_text(token)
        if token.kind == "words" and not word.replace("_", "").isalnum():
            raise NotReadError(f"the words “{word}”")
        return self.name(word)

    def is_called(self) -> bool:
        # Brackets follow at once, after a setting perhaps: squeeze[axis 0](a). In plain text
        # W(a - b) is a product, so a word that is called is longer than a letter.
        if self.peek() == "(":
            return self.latex or self.adjoins()
        if self.peek() == "_" and self.latex:
            inner, end = group(self.row, self.i + 1)
        elif self.peek() == "[" and self.adjoins():
            inner, end = group(self.row, self.i)
            inner = inner[1:-1]
        else:
            return False
        is_setting = text(inner)[:2] in ("ax", "()") or r"\times" in text(inner)
        return text(self.row[end : end + 1]) == "(" and is_setting

    def letter(self, letter: str) -> t.Tree:
        if letter == "e" and self.peek() == "^":
            start, inner = self.i, self.script()
            found = script_or_none(inner)
            if not found or not (found.transposed or is_layer_in_brackets(found)):
                return t.Call("exp", (self.parsed(inner),))
            self.i = start  # e is an error: e^T, e^{(2)}
        if letter == "d" and self.i < len(self.row) and is_differentiated(self.row[self.i]):
            return self.differential()
        if letter == "d" and self.peek() == "^" and self.peek(1) == "2":
            raise NotReadError("a second derivative")
        if not letter.isascii():
            raise NotReadError(f"the word “{letter}”")
        return self.name(letter)

    def differential(self) -> t.Tree:
        if self.peek() == "^":
            raise NotReadError("a second derivative")
        if self.i >= len(self.row) or not self.starts_factor():
            raise NotReadError("a ∂ of nothing")
        if self.row[self.i].kind == "number":
            raise NotReadError("a ∂ of a number")
        of = self.atom()
        if isinstance(of, t.Name) and self.peek() == "_":  # (z_1)_i
            of = replace(of, below=(*of.below, *script(self.script(), below=True).pieces))
        return t.Differential(of)

    def differential_in_text(self, token: Token) -> t.Tree:
        # dz1, and dL_dz1 as people write it in code
        rest = Token("name", token.text[1:], token.start + 1, token.end)
        following = self.peek(1) if self.peek() == "_" else ""
        if following[:1] == "d" and following[1:] and following.lower() not in FUNCTIONS:
            below = self.row[self.i + 1]
            self.i += 1
            self.row[self.i] = Token("name", following[1:], below.start + 1, below.end)
            return divided(t.Differential(self.parsed([rest])), self.differential())
        self.row.insert(self.i, rest)
        return self.differential()

    # ---- names ----

    def name(self, base: str, accent: str = "") -> t.Tree:
        """Read what stands at a name; and its arguments, if it is a function."""
        above: list[t.Script] = []
        below: list[t.Script] = []
        transposed, primes = False, 0
        while self.i < len(self.row):
            bare = not above and not below
            if bare and self.row[self.i].kind == "number" and self.adjoins():
                below += script([self.take()]).pieces
            elif self.accept("'"):
                primes += 1
            elif self.peek() == "." and self.peek(1) in ("T", "mT"):
                self.i += 2
                transposed = not transposed
            elif self.peek() in ("^", "_"):
                is_above, start = self.peek() == "^", self.i
                inner = self.script()
                found = script_or_none(inner) if is_above else script(inner, below=True)
                if found is None:
                    self.i = start
                    break  # a power
                (above if is_above else below).extend(found.pieces)
                transposed, primes = transposed != found.transposed, primes + found.primes
            elif self.peek() == "{" and self.peek(1) in ("^", "_"):
                inner = self.group()  # z{^2}: braces that only keep together
                self.row[self.i : self.i] = inner
            elif self.peek() == "[" and self.adjoins() and self.is_slice():
                break
            elif self.peek() == "[" and self.adjoins() and (index := self.index()):
                has_layer = any(isinstance(p, int | t.Bracketed) for p in (*above, *below))
                if has_layer or len(index) > 1:
                    below += index
                else:
                    above.append(t.Bracketed("[", index))
            else:
                break
        if base == "h" and below == [t.Letter("theta")] and self.peek() == "(":
            (argument,), _ = self.arguments()
            if not isinstance(argument, t.Name):
                raise NotReadError("a hypothesis of an expression")
            return t.Name(base, above=argument.above)  # h_θ(x^{(i)}) is h^{(i)}
        is_function = base in FUNCTION_LETTERS and self.peek() in ("(", "[")
        if is_function or (base in LOSS_LETTERS and self.is_argument_list()):
            arguments, keywords = self.arguments()
            return t.Call(base, arguments, primes, tuple(above), tuple(below), keywords)
        if t.Word(":") in below:
            raise NotReadError("a slice")
        if primes:
            raise NotReadError("a prime on a name may be a derivative, or make another name")
        for marks in (above, below):
            for word in [m for m in marks if isinstance(m, t.Word) and m.text in ACCENTS]:
                marks.remove(word)
                accent = accent or word.text
        return t.Name(base, accent, tuple(above), tuple(below), transposed)

    def is_argument_list(self) -> bool:
        # L(W, b), but not L (a - y): names alone, or with a comma between
        if self.peek() != "(":
            return False
        inner = group(self.row, self.i)[0][1:-1]
        if len(list(split(inner, lambda t: t.text == ","))) > 1:
            return True
        return bool(inner) and not any(t.text in ("+", "-", "/", "(", "=") for t in inner)

    def is_slice(self) -> bool:
        return any(token.text == ":" for token in group(self.row, self.i)[0])

    def slice(self) -> tuple[t.Script, ...]:
        """Take one letter and a colon in brackets, as in dZ[i, :]; no other slice is read."""
        inner, self.i = group(self.row, self.i)
        parts = [text(part) for _, part in split(inner[1:-1], lambda t: t.text == ",")]
        if len(parts) != 2 or not all(p == ":" or (len(p) == 1 and p.isalpha()) for p in parts):
            raise NotReadError("a slice")
        return script(inner[1:-1], below=True).pieces

    def index(self) -> tuple[int | t.Letter, ...] | None:
        """Take an index in brackets, as in W[2] or p[i,k+1]; None if these brackets are none."""
        inner, end = group(self.row, self.i)
        inner = inner[1:-1]
        if any(token.text in (*ROUNDED, "mod") for token in inner):
            raise NotReadError("a computed index")
        if any(token.text == r"\ldots" for token in inner):
            raise NotReadError("a slice")
        if not is_index(inner):
            return None
        self.i = end
        return tuple(p for p in script(inner, True).pieces if isinstance(p, int | t.Letter))

    # ---- functions ----

    def call(self, word: str) -> t.Tree:
        function = SAME.get(word.lower(), word.lower()) if word.lower() in FUNCTIONS else word
        keywords: list[tuple[str, str]] = []
        entry: tuple[t.Script, ...] = ()
        primes, power = 0, None
        while True:
            if self.accept("'"):
                primes += 1
            elif self.peek() == "^":
                found = script(self.script())
                primes += found.primes
                power = next((p for p in found.pieces if isinstance(p, int) and p > 0), power)
                if found.transposed or found.pieces not in ((), (power,)):
                    raise NotReadError(f"what stands above {word}")
            elif self.peek() == "_":
                inner = self.script()
                if function == "softmax" and is_index(inner):
                    entry = script(inner, below=True).pieces
                elif function == "log" and text(inner) in ("2", "10"):
                    function += text(inner)
                else:
                    keywords.append(setting(word, inner))
            elif self.peek() == "[" and self.adjoins() and not self.latex:
                keywords.append(setting(word, self.group_of_brackets()))
            else:
                break
        if function == "sqrt" and self.peek() == "[":
            raise NotReadError("a root that is no square root")
        if self.peek() in ARGUMENTS:
            arguments, named = self.arguments()
        elif self.i < len(self.row) and self.starts_factor():
            arguments, named = (self.factor(),), ()
        else:
            raise NotReadError(f"{word} of nothing")
        tree = called(function, arguments, primes, (*keywords, *named))
        tree = t.Entry(tree, entry) if entry else tree
        return tree if power is None else t.Power(tree, t.Number(float(power)))

    def arguments(self) -> tuple[tuple[t.Tree, ...], tuple[tuple[str, str], ...]]:
        plain: list[t.Tree] = []
        named: list[tuple[str, str]] = []
        for _, part in split(self.group_of_brackets(), lambda t: t.text == ","):
            sides = [side for _, side in split(part, lambda t: t.text == "=")]
            if len(sides) == 2 and sides[0]:
                named.append((text(sides[0]), text(sides[1])))
            else:
                plain.append(self.parsed(part))
        return tuple(plain), tuple(named)


def called(
    function: str, arguments: tuple[t.Tree, ...], primes: int, keywords: tuple[tuple[str, str], ...]
) -> t.Tree:
    if len(arguments) == 2 and function == "power":
        return t.Power(*arguments, entrywise=True)
    if len(arguments) == 2 and function == "multiply":
        return t.Product(arguments, ("⊙",))
    return t.Call(function, arguments, primes, keywords=keywords)


def setting(word: str, row: Sequence[Token]) -> tuple[str, str]:
    """Read what stands at a function that is no argument: an axis, or a shape."""
    words = text(row).replace(r"\times", "×")
    if words[:4] in ("axis", "axes") and (
        set(words[4:]) <= set("-0123456789,") or words[4:] == "()"
    ):
        return "axis", words[4:]
    if (
        word.lower() not in FUNCTIONS | {"a norm"}
        and words
        and set(words) <= set("0123456789×,()-")
    ):
        return "shape", words
    raise NotReadError(f"{word} with {words} below")


def divided(above: t.Tree, below: t.Tree) -> t.Tree:
    if isinstance(above, t.Differential) and isinstance(below, t.Differential):
        return t.Derivative(above.of, below.of)
    if isinstance(above, t.Differential) or isinstance(below, t.Differential):
        if above == t.Name("d"):
            raise NotReadError("a derivative of an expression that is still to be taken")
        raise NotReadError("a ∂ above and none below, or the other way round")
    return t.Fraction(above, below)


def script_or_none(row: Sequence[Token]) -> Scripts | None:
    """Read what stands above a name; None for what can only be an exponent, such as -1."""
    try:
        found = script(row)
    except NotReadError:
        return None
    inside = [p.inside for p in found.pieces if isinstance(p, t.Bracketed)]
    pieces = [*found.pieces, *(p for part in inside for p in part)]
    return None if not row or any(isinstance(p, int) and p < 0 for p in pieces) else found


def is_short(differential: str) -> bool:
    # dz1, dWx, dloss, but not damping
    return len(differential) < 4 or differential[1:].lower() in LOSS_WORDS


def is_layer_in_brackets(found: Scripts) -> bool:
    return all(isinstance(p, t.Bracketed) and isinstance(p.inside[0], int) for p in found.pieces)


def is_symbol(token: Token) -> bool:
    return token.kind == "name" or token.text[1:] in GREEK_WORDS


def is_differentiated(token: Token) -> bool:
    is_command = token.kind == "command" and token.text[1:] in {*FONTS, *ACCENTS, *GREEK_WORDS}
    return is_command or token.kind in ("name", "words")
