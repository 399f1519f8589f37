r"""Names, with what stands at them, and functions with their arguments.

name     = base { "^" script | "_" script | "'" | number | ".T" | "[" index "]" }
function = word { "'" | script | "[" setting "]" } "(" side { "," side } ")" | word factor
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from ..notation.symbols import ACCENTS, GREEK
from . import tree as t
from .scripts import Scripts, is_index, script, text
from .tokens import FUNCTIONS, LOSS_WORDS, OPENING, NotReadError, Token, group, split

FONTS = {"mathbf", "boldsymbol", "bm", "mathcal", "mathscr", "mathsf", "mathit", "mathfrak",
         "pmb", "bold", "vec", "underline", "mathbb", "mathds", "mathbbm"}  # fmt: skip
GREEK_WORDS = {*GREEK, "ell"}
ACCENTED = {name + accent: (name, accent) for name in "yaxYAX" for accent in ACCENTS}  # yhat
SAME = {"ln": "log", "sigm": "sigmoid", "logistic": "sigmoid", "sgn": "sign", "tr": "trace",
        **{name.replace("_", ""): name for name in FUNCTIONS if "_" in name}}  # fmt: skip
#: Letters that stand for a function where brackets, or a prime, follow.
FUNCTION_LETTERS = {"sigma", "phi", "psi", "f", "g"}
#: Letters that stand for the loss, also as a function of what it depends on.
LOSS_LETTERS = {"L", "J", "C", "E", "ell", "l"}
#: Letters that may say how many there are.
SIZES = {"m", "N", "B", "n", "M", "K", "d"}
#: What opens the arguments of a function.
ARGUMENTS = ("(", "[", r"\{")


class Words(ABC):
    """A row of tokens, read from left to right; how formulas are made, `parse.Parser` knows."""

    def __init__(self, row: Sequence[Token], latex: bool) -> None:
        self.row, self.i, self.latex = list(row), 0, latex

    @abstractmethod
    def whole(self) -> t.Tree: ...

    @abstractmethod
    def factor(self) -> t.Tree: ...

    @abstractmethod
    def differential(self) -> t.Tree: ...

    @abstractmethod
    def summation(self) -> t.Tree: ...

    @abstractmethod
    def index(self) -> tuple[t.Script, ...]: ...

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
        if self.latex and len(self.peek()) > 1 and self.peek().isdecimal():
            raise NotReadError(f"of {mark}{self.peek()} LaTeX moves one digit: use braces")
        if not self.latex and self.peek() == "-" and self.peek(1)[:1].isdigit():
            return [self.take(), self.take()]
        return self.group()

    def in_brackets(self) -> list[Token]:
        inner, end = group(self.row, self.i)
        opening, closing = self.row[self.i].text, self.row[end - 1].text
        if OPENING.get(opening, "}") != closing:
            raise NotReadError(f"{opening} is closed by {closing}")
        self.i = end
        return inner if opening == "{" else inner[1:-1]

    def parsed(self, row: Sequence[Token]) -> t.Tree:
        return type(self)(row, self.latex).whole()

    # ---- words and names ----

    def word(self, token: Token) -> t.Tree:
        word, low = token.text, token.text.lower()
        if word in ("np", "torch") and self.accept("."):
            return self.call(self.take().text)
        if low == "sum" and self.peek() != "(":
            return self.summation()
        is_loss = low in LOSS_WORDS
        if low in FUNCTIONS or (len(word) > 1 and not is_loss and self.is_called()):
            return self.call(word)
        if len(word) == 1:
            return self.letter(word)
        if word in GREEK_WORDS or low in GREEK_WORDS or is_loss:
            return self.marked(t.Name(word if word in GREEK_WORDS else low))
        if word == "mod":
            raise NotReadError("a remainder")
        if word in ACCENTED:
            return self.marked(t.Name(*ACCENTED[word]))
        # dz1, dWx, dloss, dYhat, but not damping
        is_short = len(word) < 4 or low[1:] in LOSS_WORDS or word[1:] in ACCENTED
        is_above = self.peek() == "/" and self.peek(1)[:1] == "d" and len(self.peek(1)) > 1
        is_below = text(self.row[: self.i - 1][-1:]) == "/"
        is_short |= len(word) > 1 and (is_above or is_below)  # dout/dz, dz/dout
        if token.kind == "name" and not self.latex and word[0] == "d" and is_short:
            return self.differential_in_text(token)
        if token.kind == "words" and not word.replace("_", "").isalnum():
            raise NotReadError(f"the words “{word}”")
        return self.marked(t.Name(word))

    def is_called(self) -> bool:
        # Brackets follow at once, after a setting perhaps: squeeze[axis 0](a). In plain text
        # W(a - b) is a product, so a word that is called is longer than a letter.
        if self.peek() == "(":
            return self.latex or self.adjoins()
        if self.peek() != ("_" if self.latex else "["):
            return False
        inner, end = group(self.row, self.i + self.latex)
        setting = text(inner).strip("[]")
        is_setting = setting[:2] in ("ax", "()") or r"\times" in setting
        return text(self.row[end : end + 1]) == "(" and is_setting

    def letter(self, letter: str) -> t.Tree:
        if letter == "e" and self.peek() == "^":
            start, inner = self.i, self.script()
            found = script_or_none(inner)
            if not found or not (found.transposed or is_layer_in_brackets(found)):
                return t.Call("exp", (self.parsed(inner),))
            self.i = start  # e is an error: e^T, e^{(2)}
        if letter == "d" and self.i < len(self.row):
            following = self.row[self.i]
            is_command = following.kind == "command"
            if is_command and following.text[1:] in {*FONTS, *ACCENTS, *GREEK_WORDS}:
                return self.differential()
            if following.kind in ("name", "words"):
                return self.differential()
            if following.text == "^" and self.peek(1) == "2":
                raise NotReadError("a second derivative")
        if not letter.isascii():
            raise NotReadError(f"the word “{letter}”")
        return self.marked(t.Name(letter))

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

    def marked(self, name: t.Name) -> t.Tree:
        """Read what stands at a name; and its arguments, if it is a function."""
        above, below = list(name.above), list(name.below)
        transposed, primes = name.transposed, 0
        while self.i < len(self.row):
            if not above + below and self.row[self.i].kind == "number" and self.adjoins():
                below += script([self.take()]).pieces
            elif self.accept("'", r"\prime"):
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
                self.row[self.i : self.i] = self.group()  # z{^2}: braces that only keep together
            elif self.peek() == "[" and self.adjoins():
                start = self.i
                inside = tuple(p for p in self.index() if isinstance(p, int | t.Letter))
                if len(inside) != 1 + sum(t.text == "," for t in self.row[start : self.i]):
                    self.i = start
                    break  # no index, or a slice
                has_layer = any(isinstance(p, int | t.Bracketed) for p in (*above, *below))
                if has_layer or len(inside) > 1:
                    below += inside
                else:
                    above.append(t.Bracketed("[", inside))
            else:
                break
        words = [m for m in above + below if isinstance(m, t.Word) and m.text in ACCENTS]
        marks = [tuple(m for m in some if m not in words) for some in (above, below)]
        accent = name.accent or (words[0].text if words else "")
        return self.finished(t.Name(name.base, accent, marks[0], marks[1], transposed), primes)

    def finished(self, name: t.Name, primes: int) -> t.Tree:
        base, above, below = name.base, name.above, name.below
        if base == "h" and below == (t.Letter("theta"),) and self.peek() == "(":
            (argument,), _ = self.arguments()
            if not isinstance(argument, t.Name):
                raise NotReadError("a hypothesis of an expression")
            return t.Name(base, above=argument.above)  # h_θ(x^{(i)}) is h^{(i)}
        is_function = base in FUNCTION_LETTERS and self.peek() in ("(", "[")
        if is_function or (base in LOSS_LETTERS | LOSS_WORDS and self.is_argument_list()):
            arguments, keywords = self.arguments()
            return t.Call(base, arguments, primes, above, below, keywords)
        if t.Word(":") in below:
            return t.Entry(replace(name, below=()), below)
        if primes:
            raise NotReadError("a prime on a name may be a derivative, or make another name")
        return name

    def is_argument_list(self) -> bool:
        # L(W, b), but not L (a - y): names alone, or with a comma between
        if self.peek() != "(":
            return False
        inner = group(self.row, self.i)[0][1:-1]
        if len(list(split(inner, lambda t: t.text in (",", ";")))) > 1:
            return True
        return bool(inner) and not any(t.text in ("+", "-", "/", "(", "=") for t in inner)

    # ---- functions ----

    def call(self, word: str) -> t.Tree:
        function = SAME.get(word.lower(), word.lower()) if word.lower() in FUNCTIONS else word
        of = re.sub(r"_?(?:deriv(?:ative)?|prime|grad(?:ient)?)(?:_of)?_?", "", function)
        keywords: list[tuple[str, str]] = []
        entry: tuple[t.Script, ...] = ()
        primes, power = int(of != function), None
        function = of or "f"
        while True:
            if self.accept("'", r"\prime"):
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
                keywords.append(setting(word, self.in_brackets()))
            else:
                break
        if function == "sqrt" and self.peek() == "[":
            raise NotReadError("a root that is no square root")
        if self.peek() in ARGUMENTS:
            arguments, named = self.arguments()
        elif self.starts_factor():
            arguments, named = (self.factor(),), ()
        else:
            raise NotReadError(f"{word} of nothing")
        tree: t.Tree = t.Call(function, arguments, primes, keywords=(*keywords, *named))
        if function == "sech":
            tree = t.Fraction(t.Number(1.0), t.Call("cosh", arguments))
        if function == "power" and len(arguments) == 2:
            tree = t.Power(*arguments, entrywise=True)
        tree = t.Entry(tree, entry) if entry else tree
        return tree if power is None else t.Power(tree, t.Number(float(power)))

    def arguments(self) -> tuple[tuple[t.Tree, ...], tuple[tuple[str, str], ...]]:
        plain: list[t.Tree] = []
        named: list[tuple[str, str]] = []
        for _, part in split(self.in_brackets(), lambda t: t.text in (",", ";")):
            sides = [side for _, side in split(part, lambda t: t.text == "=")]
            if len(sides) == 2 and sides[0]:
                named.append((text(sides[0]), text(sides[1])))
            else:
                plain.append(self.parsed(part))
        return tuple(plain), tuple(named)


def setting(word: str, row: Sequence[Token]) -> tuple[str, str]:
    """Read what stands at a function that is no argument: an axis, or a shape."""
    words = text(row).replace(r"\times", "×")
    if words[:4] in ("axis", "axes") and not set(words[4:]) - set("-0123456789,()"):
        return "axis", words[4:]
    if word.lower() not in FUNCTIONS | {"a norm"} and not set(words) - set("0123456789×,()-"):
        return "shape", words
    raise NotReadError(f"{word} with {words} below")


def divided(above: t.Tree, below: t.Tree) -> t.Tree:
    if isinstance(above, t.Differential) and isinstance(below, t.Differential):
        return t.Derivative(above.of, below.of)
    if isinstance(above, t.Differential) or isinstance(below, t.Differential):
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


def is_layer_in_brackets(found: Scripts) -> bool:
    return all(isinstance(p, t.Bracketed) and isinstance(p.inside[0], int) for p in found.pieces)
