"""An expression as plain text, in Unicode, on one line."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Mapping
from typing import ClassVar

from .symbols import SUPERSCRIPTS, text_symbol
from .writer import KNOWN, MOST_ENTRIES, Level, Piece, Writer, fraction, lengths, scientific

GLYPHS = {(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾"}


def text(expression: ast.expr, symbols: Mapping[str, str], scalars: Collection[str] = ()) -> str:
    """Return an expression as plain text.

    Parameters
    ----------
    expression
        A syntax tree of NumPy code, as from `notation.expressions`.
    symbols
        Text for each name in it; see `Names.text_symbols`. Others are set as `text_symbol` does.
    scalars
        Names of single numbers; all other names are arrays.

    Examples
    --------
    >>> print(text(ast.parse("g * a * (1.0 - a)", mode="eval").body, {"g": "∂L/∂a₁", "a": "a₁"}))
    ∂L/∂a₁ ⊙ a₁ ⊙ (1 − a₁)
    >>> print(text(ast.parse("0.5 * g.mT @ W1", mode="eval").body, {}))
    ½ gᵀ W₁
    """
    return TextWriter(symbols, scalars).write(expression).text


class TextWriter(Writer):
    """Writes plain text."""

    minus = " − "
    times: ClassVar = {
        "elementwise": " ⊙ ",
        "number": " · ",
        "matrix": " ",
        "scalar": " ",
        "tall": " ",
    }

    def name(self, name: str) -> str:
        """Write a name that no symbol is given for."""
        return text_symbol(name)

    def bracketed(self, text: str) -> str:
        """Put round brackets around a text."""
        return f"({text})"

    def joined(self, first: str, second: str, kind: str, left: Piece, right: Piece) -> str:
        """Write two factors, with a dot where they would otherwise read as something else.

        A name before a bracket would be a call, and what stands beside a divisor a part of it.
        """
        called = second.startswith("(") and first[-1:].isalpha() and kind == "scalar"
        divided = left.divided and first == left.text and kind != "elementwise"
        if called or divided:
            return f"{first} · {second}"
        return super().joined(first, second, kind, left, right)

    def number(self, value: complex) -> Piece:
        """Write a number that is not negative."""
        assert isinstance(value, (int, float))
        if isinstance(value, float) and not math.isfinite(value):
            return Piece("∞" if value > 0 else "nan", scalar=True)
        match KNOWN.get(value):
            case ("pi",):
                return Piece("π", scalar=True)
            case ("root", inside):
                return Piece(f"√{inside}" if len(inside) == 1 else f"√({inside})", scalar=True)
            case ("over root", above, below):
                return Piece(f"{above}/√{below}", Level.FRACTION, scalar=True)
        if isinstance(value, float) and (parts := fraction(value)):
            if parts in GLYPHS:
                return Piece(GLYPHS[parts], scalar=True)
            return Piece(f"{parts[0]}/{parts[1]}", Level.FRACTION, scalar=True)
        digits, exponent = scientific(value)
        if exponent is None:
            return Piece(digits, scalar=True)
        start = "" if digits == "1" else f"{digits}·"
        level = Level.PRODUCT if start else Level.POWER
        return Piece(f"{start}10{str(exponent).translate(SUPERSCRIPTS)}", level, scalar=True)

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """Write a quotient; what is divided entry by entry is a product of that kind."""
        free = above.minus and above.level == Level.SUM and above.kind != "sum"
        first = above.text if free else self.within(above, Level.PRODUCT)
        if above.kind == "matrix" and not below.scalar:
            first, free = self.bracketed(above.text), False
        kind = above.kind if below.scalar else "elementwise"
        return Piece(
            f"{first} / {self.within(below, Level.POWER)}",
            Level.SUM if free else Level.PRODUCT,
            above.scalar and below.scalar,
            kind,
            free,
            divided=True,
        )

    def power(self, base: Piece, exponent: Piece) -> Piece:
        """Write a power, entry by entry."""
        text = self.within(base, Level.ATOM)
        scalar = base.scalar and exponent.scalar
        if scalar and exponent.text.isascii() and exponent.text.isdigit():
            return Piece(text + exponent.text.translate(SUPERSCRIPTS), Level.POWER, scalar)
        sign = "^" if scalar else "^⊙"
        return Piece(f"{text}{sign}{self.within(exponent, Level.ATOM)}", Level.POWER, scalar)

    def transposed(self, base: Piece) -> Piece:
        """Write a transpose."""
        return Piece(f"{self.within(base, Level.POWER)}ᵀ", Level.POWER, base.scalar)

    def compared(self, parts: list[str], signs: list[str]) -> str:
        """Write a chain of comparisons."""
        pairs = zip(signs, parts[1:], strict=True)
        return parts[0] + "".join(f" {sign} {part}" for sign, part in pairs)

    def both(self, parts: list[str]) -> str:
        """Write conditions that all hold."""
        return " and ".join(parts)

    def iverson(self, condition: str) -> str:
        """Write 1 where a condition holds, else 0."""
        return f"[{condition}]"

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write a choice: (value, condition) in turn, and what is left."""
        lines = [f"{value} if {condition}" for value, condition in rows]
        return Piece("{" + "; ".join([*lines, f"{otherwise.text} otherwise"]) + "}")

    def reduced(self, name: str, below: str, body: Piece) -> Piece:
        """Write a sum or product over entries."""
        sign = {"sum": "Σ", "prod": "Π"}[name] + (f"[{below}]" if below else "")
        return Piece(f"{sign} {self.within(body, Level.PRODUCT)}", Level.REDUCTION)

    def contraction(self, letters: str, factors: list[tuple[Piece, str]]) -> Piece:
        """Write a sum over letters of factors with letters as subscripts."""
        texts = [
            self.within(piece, Level.ATOM) + (f"[{','.join(term)}]" if term else "")
            for piece, term in factors
        ]
        start = f"Σ[{','.join(letters)}] " if letters else ""
        return Piece(start + " ".join(texts), Level.REDUCTION if start else Level.PRODUCT)

    def function(self, name: str, below: str, arguments: list[str]) -> str:
        """Write a call of a function; after its name, an axis or a shape."""
        return f"{name}{f'[{below}]' if below else ''}({', '.join(arguments)})"

    def special(self, name: str, arguments: list[Piece], below: str) -> Piece | None:
        """Write a function that has a notation of its own, such as a root."""
        under = f"[{below}]" if below else ""
        match name, arguments:
            case "sqrt", [a]:
                return Piece(f"√({a.text})" if len(a.text) > 1 else f"√{a.text}")
            case (("abs" | "absolute"), [a]):
                return Piece(f"|{a.text}|")
            case "norm", [a]:
                return Piece(f"‖{a.text}‖{under}")
            case "square_sum", [a]:
                return Piece(f"‖{a.text}‖²", Level.POWER)
            case "square", [a]:
                return self.power(a, Piece("2", scalar=True))
            case "log1p", [a]:
                return Piece(f"log(1 + {self.within(a, Level.REDUCTION)})")
            case "expm1", [a]:
                return Piece(f"exp({a.text}) − 1", Level.SUM, kind="sum")
            case "logaddexp", [a, b]:
                return Piece(f"log(exp({a.text}) + {'1' if b.text == '0' else f'exp({b.text})'})")
            case "outer", [a, b]:
                sides = [self.within(part, Level.POWER) for part in (a, b)]
                return Piece(f"{sides[0]} ⊗ {sides[1]}", Level.PRODUCT, kind="outer")
            case "eye", [a]:
                return Piece(f"I[{a.text}]")
            case (("ones" | "zeros"), [a]):
                return Piece(f"{'1' if name == 'ones' else '0'}[{a.text.strip('(),')}]")
        return None

    def axis(self, setting: ast.expr) -> str:
        """Write the remark about an axis."""
        if isinstance(setting, (ast.Tuple, ast.List)):
            axes = ", ".join(self.write(part).text for part in setting.elts)
            return f"axes {axes or '()'}"
        return f"axis {self.write(setting).text}"

    def shape(self, setting: ast.expr) -> str:
        """Write a shape."""
        if isinstance(setting, (ast.Tuple, ast.List)):
            return "×".join(self.write(part).text for part in setting.elts) or "()"
        return self.write(setting).text

    def listed(self, node: ast.expr) -> Piece:
        """Write the entries of an array, if they are few."""
        if sum(isinstance(part, ast.Constant) for part in ast.walk(node)) <= MOST_ENTRIES:
            return self.write(node)
        return Piece(f"array[{'×'.join(map(str, lengths(node)))}]")

    def subscript(self, value: Piece, key: str) -> Piece:
        """Write entries selected by an index."""
        return Piece(f"{self.within(value, Level.ATOM)}[{key}]")

    def word(self, text: str) -> str:
        """Write a word of code, such as the name of a setting."""
        return text
