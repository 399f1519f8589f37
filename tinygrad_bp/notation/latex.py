r"""An expression in LaTeX, for the inside of a formula. Of amsmath, it uses the text in \text."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Mapping
from typing import ClassVar

from .symbols import ESCAPES, latex_symbol
from .writer import KNOWN, MOST_ENTRIES, Level, Piece, Writer, fraction, lengths, scientific

SIGNS = {"≤": r"\leq", "≥": r"\geq", "≠": r"\neq"}
COMMANDS = {
    "exp", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "max", "min",
}  # fmt: skip


def latex(expression: ast.expr, symbols: Mapping[str, str], scalars: Collection[str] = ()) -> str:
    r"""Return an expression in LaTeX.

    Parameters
    ----------
    expression
        A syntax tree of NumPy code, as from `notation.expressions`.
    symbols
        LaTeX for each name in it; see `Names.latex_symbols`. Others are set as `latex_symbol` does.
    scalars
        Names of single numbers; all other names are arrays.

    Examples
    --------
    >>> rule = ast.parse("g * a * (1.0 - a)", mode="eval").body
    >>> print(latex(rule, {"g": r"\frac{\partial L}{\partial a_1}", "a": "a_1"}))
    \frac{\partial L}{\partial a_1} \odot a_1 \odot (1 - a_1)
    >>> print(latex(ast.parse("0.5 * g.mT @ W1", mode="eval").body, {}))
    \tfrac{1}{2} g^{\top} W_1
    """
    return LatexWriter(symbols, scalars).write(expression).text


class LatexWriter(Writer):
    """Writes LaTeX."""

    minus = " - "
    times: ClassVar = {
        "elementwise": r" \odot ", "number": r" \cdot ", "matrix": " ", "scalar": " ", "tall": " ",
    }  # fmt: skip

    def name(self, name: str) -> str:
        """Write a name that no symbol is given for."""
        return latex_symbol(name)

    def bracketed(self, text: str) -> str:
        """Put round brackets around a text, as tall as it is."""
        tall = any(word in text for word in (r"\frac", r"\begin", r"\sum", r"\prod", r"\sqrt"))
        return rf"\left({text}\right)" if tall else f"({text})"

    def joined(self, first: str, second: str, kind: str, left: Piece, right: Piece) -> str:
        """Write two factors; a thin space parts words that would otherwise read as one."""
        text = super().joined(first, second, kind, left, right)
        words = first.endswith("}") and r"\mathrm" in first and second.startswith(r"\mathrm")
        return rf"{first} \, {second}" if words and kind != "elementwise" else text

    def number(self, value: complex) -> Piece:
        """Write a number that is not negative."""
        assert isinstance(value, (int, float))
        if isinstance(value, float) and not math.isfinite(value):
            return Piece(r"\infty" if value > 0 else r"\mathrm{nan}", scalar=True)
        match KNOWN.get(value):
            case ("pi",):
                return Piece(r"\pi", scalar=True)
            case ("root", inside):
                inside = inside.replace("π", r" \pi")
                return Piece(rf"\sqrt{{{inside}}}", scalar=True)
            case ("over root", above, _):
                return Piece(rf"\frac{{{above}}}{{\sqrt{{\pi}}}}", Level.FRACTION, scalar=True)
        if isinstance(value, float) and (parts := fraction(value)):
            return Piece(rf"\tfrac{{{parts[0]}}}{{{parts[1]}}}", Level.FRACTION, scalar=True)
        digits, exponent = scientific(value)
        if exponent is None:
            return Piece(digits, scalar=True)
        start = "" if digits == "1" else rf"{digits} \cdot "
        level = Level.PRODUCT if start else Level.POWER
        return Piece(rf"{start}10^{{{exponent}}}", level, scalar=True)

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """Write a quotient: the line of a fraction takes the place of brackets."""
        scalar = above.scalar and below.scalar
        tall = above.text.replace(r"\frac{\partial", r"\dfrac{\partial")
        return Piece(rf"\frac{{{tall}}}{{{below.text}}}", Level.FRACTION, scalar)

    def raised(self, base: Piece) -> str:
        """Write what is raised; where it has a superscript itself, in braces."""
        text = self.within(base, Level.ATOM)
        return f"{{{text}}}" if "^" in text else text

    def power(self, base: Piece, exponent: Piece) -> Piece:
        """Write a power, entry by entry."""
        sign = "" if base.scalar and exponent.scalar else r"\odot "
        scalar = base.scalar and exponent.scalar
        return Piece(f"{self.raised(base)}^{{{sign}{exponent.text}}}", Level.POWER, scalar)

    def transposed(self, base: Piece) -> Piece:
        """Write a transpose."""
        return Piece(rf"{self.raised(base)}^{{\top}}", Level.POWER, base.scalar)

    def compared(self, parts: list[str], signs: list[str]) -> str:
        """Write a chain of comparisons."""
        pairs = zip(signs, parts[1:], strict=True)
        return parts[0] + "".join(f" {SIGNS.get(sign, sign)} {part}" for sign, part in pairs)

    def both(self, parts: list[str]) -> str:
        """Write conditions that all hold."""
        return r" \land ".join(parts)

    def iverson(self, condition: str) -> str:
        """Write 1 where a condition holds, else 0."""
        return f"[{condition}]"

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write a choice: (value, condition) in turn, and what is left."""
        lines = [rf"{value} & \text{{if }} {condition}" for value, condition in rows]
        lines.append(rf"{otherwise.text} & \text{{otherwise}}")
        return Piece(environment("cases", lines), Level.CHOICE)

    def reduced(self, name: str, below: str, body: Piece) -> Piece:
        """Write a sum or product over entries."""
        text = self.within(body, Level.PRODUCT)
        under = f"_{{{below}}}" if below else ""
        return Piece(rf"\{name}{under} {text}", Level.REDUCTION)

    def contraction(self, letters: str, factors: list[tuple[Piece, str]]) -> Piece:
        """Write a sum over letters of factors with letters as subscripts."""
        texts = [
            f"{{{self.within(piece, Level.ATOM)}}}_{{{term}}}" if term else piece.text
            for piece, term in factors
        ]
        start = rf"\sum_{{{letters}}} " if letters else ""
        return Piece(start + " ".join(texts), Level.REDUCTION if start else Level.PRODUCT)

    def function(self, name: str, below: str, arguments: list[str]) -> str:
        """Write a call of a function; below it, an axis or a shape."""
        head = r"\sigma" if name == "σ" else rf"\{name}" if name in COMMANDS else self.word(name)
        under = f"_{{{below}}}" if below else ""
        return f"{head}{under}{self.bracketed(', '.join(arguments))}"

    def special(self, name: str, arguments: list[Piece], below: str) -> Piece | None:
        """Write a function that has a notation of its own, such as a root."""
        under = f"_{{{below}}}" if below else ""
        match name, arguments:
            case "sqrt", [a]:
                return Piece(rf"\sqrt{{{a.text}}}")
            case (("abs" | "absolute"), [a]):
                return Piece(rf"\left\lvert {a.text} \right\rvert")
            case "norm", [a]:
                return Piece(rf"\left\lVert {a.text} \right\rVert{under}")
            case "square_sum", [a]:
                return Piece(rf"\left\lVert {a.text} \right\rVert^{{2}}", Level.POWER)
            case "square", [a]:
                return self.power(a, Piece("2", scalar=True))
            case "log1p", [a]:
                return Piece(rf"\log{self.bracketed(f'1 + {self.within(a, Level.REDUCTION)}')}")
            case "expm1", [a]:
                return Piece(rf"\exp{self.bracketed(a.text)} - 1", Level.SUM, kind="sum")
            case "logaddexp", [a, b]:
                second = "1" if b.text == "0" else rf"\exp{self.bracketed(b.text)}"
                both = rf"\exp{self.bracketed(a.text)} + {second}"
                return Piece(rf"\log{self.bracketed(both)}")
            case "outer", [a, b]:
                sides = [self.within(part, Level.POWER) for part in (a, b)]
                return Piece(rf"{sides[0]} \otimes {sides[1]}", Level.PRODUCT, kind="outer")
            case "eye", [a]:
                return Piece(f"I_{{{a.text}}}")
            case (("ones" | "zeros"), [a]):
                figure = "1" if name == "ones" else "0"
                return Piece(rf"\mathbf{{{figure}}}_{{{a.text.strip('(),')}}}")
        return None

    def axis(self, setting: ast.expr) -> str:
        """Write the remark about an axis."""
        if isinstance(setting, (ast.Tuple, ast.List)):
            axes = ", ".join(self.write(part).text for part in setting.elts)
            return rf"\text{{axes }} {axes or '()'}"
        return rf"\text{{axis }} {self.write(setting).text}"

    def shape(self, setting: ast.expr) -> str:
        """Write a shape."""
        if isinstance(setting, (ast.Tuple, ast.List)):
            return r" \times ".join(self.write(part).text for part in setting.elts) or "()"
        return self.write(setting).text

    def listed(self, node: ast.expr) -> Piece:
        """Write the entries of an array: as a matrix, if they are few."""
        if not isinstance(node, ast.List):
            return self.write(node)
        rows = [row.elts if isinstance(row, ast.List) else [row] for row in node.elts]
        nested = any(isinstance(entry, ast.List) for row in rows for entry in row)
        if nested or not rows or sum(map(len, rows)) > MOST_ENTRIES:
            return Piece(r"\mathrm{array}_{" + r" \times ".join(map(str, lengths(node))) + "}")
        if not isinstance(node.elts[0], ast.List):
            return Piece(f"({', '.join(self.write(entry).text for entry in node.elts)})")
        lines = [" & ".join(self.write(entry).text for entry in row) for row in rows]
        return Piece(environment("bmatrix", lines))

    def subscript(self, value: Piece, key: str) -> Piece:
        """Write entries selected by an index."""
        return Piece(f"{self.within(value, Level.ATOM)}[{key}]", Level.ATOM)

    def word(self, text: str) -> str:
        """Write a word of code, such as the name of a setting."""
        if text == "…":
            return r"\ldots"
        return rf"\mathrm{{{''.join(ESCAPES.get(character, character) for character in text)}}}"


def environment(name: str, lines: list[str]) -> str:
    """Return lines in an environment; a bracket that begins one is no option of a command."""
    lines = ["{}" + line if line.startswith("[") else line for line in lines]
    return rf"\begin{{{name}}} " + r" \\ ".join(lines) + rf" \end{{{name}}}"
