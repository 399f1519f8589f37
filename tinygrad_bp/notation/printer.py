r"""An expression as mathematics, in plain text or in LaTeX: precedence, brackets, kinds of product.

``a * b`` of arrays is a ⊙ b, ``a @ b`` is written side by side, as is a number beside an array; 0.5
is a fraction; a comparison used as a number is in square brackets (1 where it holds, else 0).
Brackets stand only where the text would otherwise be read differently. How an operation looks comes
from its row of the rule table, or from a user's own; what is a single number, from the shapes.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine import Primitive
from ..table import TABLE
from .alphabets import LATEX, TEXT
from .numbers import ROOM, array_latex, bmatrix
from .operations import operands_of
from .pieces import Level, Parts, Piece, Typesetter, joined
from .trees import is_where, is_zero, names, put, shape_of

#: Fractions up to this denominator are recognised, where a decimal would be long.
LARGEST_DENOMINATOR = 64

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip

#: Settings that stand below an operation, as the axis of a sum.
BELOW = ("axis", "shape", "axes")


def text(tree: ast.expr, symbols: Mapping[str, str]) -> str:
    """Return an expression as plain text, in Unicode, on one line.

    Parameters
    ----------
    tree
        As from `notation.steps`.
    symbols
        Text for each name in it; see `Names.text_symbols`. Others are set as `text_symbol` does.

    Examples
    --------
    >>> print(text(ast.parse("g * a * (1.0 - a)", mode="eval").body, {"g": "∂L/∂a₁", "a": "a₁"}))
    ∂L/∂a₁ ⊙ a₁ ⊙ (1 − a₁)
    >>> print(text(ast.parse("0.5 * g.mT @ W1", mode="eval").body, {}))
    ½ gᵀ W₁
    """
    return Printer(TEXT, symbols).write(tree).text


def latex(
    tree: ast.expr, symbols: Mapping[str, str], values: Mapping[str, np.ndarray] | None = None
) -> str:
    r"""Return an expression in LaTeX, for the inside of a formula.

    Parameters
    ----------
    tree, symbols
        As for `text`; see `Names.latex_symbols`.
    values
        Arrays to be written in place of names: matrices, and large ones by their shape.

    Examples
    --------
    >>> rule = ast.parse("W.mT @ g", mode="eval").body
    >>> print(latex(rule, {"g": r"\frac{\partial L}{\partial a_1}"}))
    W^{\top} \frac{\partial L}{\partial a_1}
    >>> print(latex(rule, {}, {"W": np.eye(2), "g": np.array([[3.0], [-1.0]])}))
    \begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix} \begin{bmatrix} 3 \\ -1 \end{bmatrix}
    """
    parts = Printer(LATEX, symbols, values).write(tree).parts
    if isinstance(parts, str):
        return parts
    return "".join(part if isinstance(part, str) else array_latex(part) for part in parts)


def with_numbers(
    tree: ast.expr, symbols: Mapping[str, str], values: Mapping[str, np.ndarray]
) -> Parts:
    """Return an expression as text with arrays placed in it, in place of names.

    A transpose of a name is placed as the array that it is.

    Examples
    --------
    >>> tree = ast.parse("2.0 * a - b", mode="eval").body
    >>> with_numbers(tree, {}, {"a": np.array(3.0)})
    ('2 · ', array(3.), ' − b')
    """
    parts = Printer(TEXT, symbols, values).write(tree).parts
    return (parts,) if isinstance(parts, str) else parts


@functools.cache
def spelled_out(notation: str) -> ast.expr:
    return ast.parse(notation, mode="eval").body


class Printer(Typesetter):
    """Writes expressions; see `Typesetter` for its parameters.

    Each kind of node has a method ``write_...``, which a subclass may replace: for components, of
    which the whole expression has letters as subscripts.
    """

    def write(self, node: ast.expr) -> Piece:
        """Write any expression."""
        method: Callable[[Any], Piece] = getattr(
            self, f"write_{type(node).__name__}", self.write_other
        )
        row = getattr(node, "primitive", None)
        if row is not None and row.notation is not None and not isinstance(node, ast.Call):
            operands, settings = operands_of(row, node)
            piece = self.noted(row, operands, settings, Piece("")) or method(node)
        else:
            piece = method(node)
        shape = shape_of(node)
        if shape is not None:
            piece.scalar = shape == ()
        return piece

    def write_other(self, node: ast.expr) -> Piece:
        """Write what has no notation in mathematics: as code."""
        return Piece(self.alphabet.word(ast.unparse(node)))

    def write_Name(self, node: ast.Name) -> Piece:
        """Write a name, or the value in its place."""
        if node.id in self.values:
            value = self.values[node.id]
            return Piece((value,), scalar=not value.ndim)
        symbol = self.symbols.get(node.id)
        symbol = self.alphabet.symbol(node.id) if symbol is None else symbol
        is_fraction = symbol.startswith((r"\frac", "∂"))
        return Piece(symbol, Level.FRACTION if is_fraction else Level.ATOM)

    def write_Constant(self, node: ast.Constant) -> Piece:
        """Write a number, or a word."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return Piece(self.alphabet.word("…" if value is ... else str(value)), scalar=True)
        return self.number(value)

    def number(self, value: float) -> Piece:
        """Write a number that is not negative."""
        a = self.alphabet
        if isinstance(value, float) and not math.isfinite(value):
            return Piece(a.infinity if value > 0 else a.nan, scalar=True)
        known = a.numbers.get(value)
        if known is not None:
            level = Level.FRACTION if "/" in known or "frac" in known else Level.ATOM
            return Piece(known, level, scalar=True)
        if isinstance(value, float) and (parts := fraction(value)):
            if parts in a.glyphs:
                return Piece(a.glyphs[parts], scalar=True)
            return Piece(self.fill(a.fraction, *map(str, parts)), Level.FRACTION, scalar=True)
        digits, exponent = scientific(value)
        if exponent is None:
            return Piece(digits, scalar=True)
        ten = a.superscript(str(exponent))
        if digits == "1":
            return Piece(f"10{ten}", Level.POWER, scalar=True)
        return Piece(self.fill(a.scaled, digits, ten), Level.PRODUCT, scalar=True)

    def write_UnaryOp(self, node: ast.UnaryOp) -> Piece:
        """Write a minus."""
        body = self.write(node.operand)
        if not isinstance(node.op, ast.USub):
            return self.write_other(node)
        free = body.level >= Level.REDUCTION
        kind = "sum" if body.level == Level.REDUCTION else body.kind if free else ""
        inner = Piece(self.within(body, Level.REDUCTION))
        parts = self.fill(self.alphabet.negative, inner)
        return Piece(parts, Level.SUM, body.scalar, kind, True, body.divided and free)

    def write_BinOp(self, node: ast.BinOp) -> Piece:
        """Write an operator between two parts."""
        left, right = self.write(node.left), self.write(node.right)
        match node.op:
            case ast.Add() | ast.Sub():
                return self.sum(left, right, isinstance(node.op, ast.Add))
            case ast.Mult():
                return self.product(left, right, "elementwise")
            case ast.MatMult():
                return self.product(left, right, "matrix")
            case ast.Div():
                return self.quotient(left, right)
            case ast.Pow():
                return self.power(left, right)
            case ast.BitAnd():
                sides = [Piece(self.within(part, Level.AND)) for part in (left, right)]
                return Piece(self.separated(sides, self.alphabet.both).parts, Level.AND)
        return self.write_other(node)

    def sum(self, left: Piece, right: Piece, added: bool) -> Piece:
        """Write a sum or a difference."""
        loose = right.level < Level.SUM or (right.level == Level.SUM and right.minus)
        end = right if added and not loose else Piece(self.within(right, Level.REDUCTION))
        start = Piece(self.within(left, Level.SUM))
        parts = self.fill(self.alphabet.add if added else self.alphabet.subtract, start, end)
        return Piece(parts, Level.SUM, left.scalar and right.scalar, "sum", left.minus)

    def product(self, left: Piece, right: Piece, kind: str) -> Piece:
        """Write a product, with brackets where its factors are sums or products of another kind."""
        single = left.scalar or right.scalar
        if single:
            kind = "scalar"

        def factor(piece: Piece, first: bool) -> Piece:
            mixed = bool(piece.kind and kind != "scalar" and piece.kind != kind)
            free = piece.level >= Level.PRODUCT or (first and piece.leads)
            return piece if free and not mixed else Piece(self.bracketed(piece.parts))

        first, second = factor(left, True), factor(right, False)
        parts = self.fill(self.times(first, second, kind), first, second)
        if single:  # what stands in brackets has no kind of product any more
            kind = first.kind or second.kind
        minus = first.leads
        level = Level.SUM if minus else Level.PRODUCT
        return Piece(parts, level, left.scalar and right.scalar, kind, minus, second.divided)

    def times(self, first: Piece, second: Piece, kind: str) -> str:
        """Return how two factors are joined: so that nothing else is read."""
        a, start, end = self.alphabet, first.text, second.text
        if kind == "elementwise":
            return a.elementwise
        called = end.startswith("(") and start[-1:].isalpha() and kind == "scalar"
        if (called and a is TEXT) or first.divided:  # no call, and no part of the divisor
            return a.dot
        if end[:1].isnumeric() or end.startswith(r"\tfrac"):
            return a.dot
        if self.values and (kind == "scalar" or "\\" in end):
            return a.dot
        words = start.endswith("}") and r"\mathrm" in start and end.startswith(r"\mathrm")
        return a.thin if words else "{} {}"

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """Write a quotient; what is divided entry by entry is a product of that kind."""
        scalar = above.scalar and below.scalar
        if self.alphabet is LATEX:  # the line of a fraction takes the place of brackets
            tall = above.text.replace(r"\frac{\partial", r"\dfrac{\partial")
            top = Piece(tall) if isinstance(above.parts, str) else above
            return Piece(self.fill(self.alphabet.quotient, top, below), Level.FRACTION, scalar)
        free = above.leads
        first = above if free else Piece(self.within(above, Level.PRODUCT))
        if above.kind == "matrix" and not below.scalar:
            first, free = Piece(self.bracketed(above.parts)), False
        second = Piece(self.within(below, Level.POWER))
        parts = self.fill(self.alphabet.quotient, first, second)
        kind = above.kind if below.scalar else "elementwise"
        return Piece(parts, Level.SUM if free else Level.PRODUCT, scalar, kind, free, divided=True)

    def power(self, base: Piece, exponent: Piece) -> Piece:
        """Write a power: of arrays, entry by entry."""
        a, digits = self.alphabet, exponent.text
        if not (base.scalar and exponent.scalar):
            return Piece(self.fill(a.elementwise_power, base, exponent), Level.POWER)
        if digits.isascii() and digits.isdigit():
            raised = Piece(a.superscript(digits))
            return Piece(self.fill("{:base}{}", base, raised), Level.POWER, scalar=True)
        return Piece(self.fill(a.power, base, exponent), Level.POWER, scalar=True)

    def transposed(self, base: Piece) -> Piece:
        """Write a transpose."""
        return Piece(self.fill(self.alphabet.transpose, base), Level.POWER, base.scalar)

    def write_Compare(self, node: ast.Compare) -> Piece:
        """Write a comparison."""
        sides = [self.write(part) for part in [node.left, *node.comparators]]
        parts = [self.within(sides[0], Level.SUM)]
        for op, side in zip(node.ops, sides[1:], strict=True):
            sign = COMPARISONS.get(type(op), "?")
            parts += [f" {self.alphabet.signs.get(sign, sign)} ", self.within(side, Level.SUM)]
        return Piece(joined(parts), Level.COMPARISON)

    def write_value(self, node: ast.expr) -> Piece:
        """Write an argument; a condition among them counts as 1 or 0."""
        piece = self.write(node)
        is_condition = piece.level in (Level.AND, Level.COMPARISON)
        return self.indicator(piece) if is_condition else piece

    def write_Attribute(self, node: ast.Attribute) -> Piece:
        """Write a transpose, or infinity."""
        if node.attr in ("mT", "T"):
            if isinstance(node.value, ast.Name) and node.value.id in self.values:
                return Piece((self.values[node.value.id].mT,))
            return self.transposed(self.write(node.value))
        if isinstance(node.value, ast.Name) and node.value.id == "np":
            value = getattr(np, node.attr, None)
            return (
                self.number(value) if type(value) is float else Piece(self.alphabet.word(node.attr))
            )
        return self.write_other(node)

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        """Write entries selected by an index."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        key = self.separated([self.part_of_index(part) for part in parts])
        return Piece(self.fill("{:atom}[{}]", self.write(node.value), key))

    def part_of_index(self, node: ast.expr) -> Piece:
        """Write one part of an index."""
        if isinstance(node, ast.Slice):
            bounds = [node.lower, node.upper, *([node.step] if node.step else [])]
            texts = [Piece("") if bound is None else self.write(bound) for bound in bounds]
            return self.separated(texts, ":")
        return self.write(node)

    def write_Tuple(self, node: ast.Tuple) -> Piece:
        """Write a tuple."""
        return Piece(self.bracketed(self.separated([self.write(x) for x in node.elts]).parts))

    def write_List(self, node: ast.List) -> Piece:
        """Write a list."""
        return Piece(self.fill("[{}]", self.separated([self.write(x) for x in node.elts])))

    # ---- calls ----

    def write_Call(self, node: ast.Call) -> Piece:
        """Write a call: in NumPy's syntax for arrays and choices, else as its operation looks."""
        if not isinstance(node.func, ast.Attribute | ast.Name):
            return self.write_other(node)
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if is_where(node):
            return self.choice(node)
        if name == "astype" and isinstance(node.func, ast.Attribute):
            return self.cast(node.func.value, node.args[0])
        if ast.unparse(node.func) == f"np.{name}" and node.args and not node.keywords:
            piece = self.of_numpy(name, node.args)
            if piece is not None:
                return piece
        row = row_of(node, name)
        operands, settings = operands_of(row, node)
        settings.pop("keepdims", None)  # entries are the same; only their axes differ
        remarks = [self.remark(key, settings.pop(key)) for key in BELOW if key in settings]
        below = self.fill(self.alphabet.below, self.separated(remarks)) if remarks else ""
        noted = None if row is None else self.noted(row, operands, settings, Piece(below))
        if noted is not None:
            return noted
        arguments = [self.write_value(operand) for operand in operands]
        for key, value in settings.items():
            word = self.alphabet.word(key)
            arguments.append(Piece(self.fill("{} = {}", word, self.write(value))))
        inside = Piece(self.bracketed(self.separated(arguments).parts))
        return Piece(self.fill("{}{}{}", self.head(name, row), Piece(below), inside))

    def noted(
        self,
        row: Primitive,
        operands: Sequence[ast.expr],
        settings: Mapping[str, ast.expr],
        below: Piece,
    ) -> Piece | None:
        """Write an operation by its notation; None where that leaves something out."""
        if isinstance(row.notation, str):
            tree = spelled_out(row.notation)
            known = dict(zip(row.operand_names, operands, strict=False)) | dict(settings)
            return (
                None if below.parts or set(settings) - names(tree) else self.write(put(tree, known))
            )
        notation = row.notation or ("", "")
        template = notation[self.alphabet.side]
        if "{" not in notation[0] or settings or (below.parts and "{below}" not in template):
            return None
        level = Level[notation[2].upper()] if notation[2:] else Level.ATOM
        kind = row.__name__ if level is Level.PRODUCT else ""
        parts = self.fill(template, *map(self.write_value, operands), below=below)
        return Piece(parts, level, kind=kind)

    def head(self, name: str, row: Primitive | None) -> str:
        """Return the name of a function, as it is written."""
        own = self.symbols.get(f"{name}()")  # a tensor has its symbol
        if own is not None:
            return self.alphabet.word(own)
        if row is not None and isinstance(row.notation, tuple) and "{" not in row.notation[0]:
            return row.notation[self.alphabet.side]
        return self.alphabet.word(name)

    def remark(self, key: str, value: ast.expr) -> Piece:
        """Write what stands below an operation: a shape, or axes."""
        a = self.alphabet
        several = isinstance(value, ast.Tuple | ast.List)
        parts = [self.write(part) for part in value.elts] if several else [self.write(value)]  # type: ignore[attr-defined]
        if key == "shape":
            return self.separated(parts or [Piece("()")], a.times)
        return Piece(
            self.fill(a.axes if several else a.axis, self.separated(parts or [Piece("()")]))
        )

    def cast(self, node: ast.expr, dtype: ast.expr) -> Piece:
        """Write another type: as a function, but for a condition that is used as a number."""
        piece = self.write(node)
        if piece.level in (Level.AND, Level.COMPARISON):
            return self.indicator(piece)
        head = self.write(dtype)
        return Piece(self.fill("{}{}", head, Piece(self.bracketed(piece.parts))))

    def of_numpy(self, name: str, arguments: Sequence[ast.expr]) -> Piece | None:
        """Write what NumPy alone has: arrays entry by entry, constant ones, sums over letters."""
        first = arguments[0]
        if name == "einsum" and isinstance(first, ast.Constant):
            return self.contraction(str(first.value), arguments[1:])
        if name in self.alphabet.constants:
            lengths = first.elts if isinstance(first, ast.Tuple) else [first]
            size = self.separated([self.write(n) for n in lengths])
            return Piece(self.fill(self.alphabet.constants[name], size))
        if name == "array" or isinstance(getattr(np, name, None), type):
            return self.entries(first)
        return None

    def entries(self, node: ast.expr) -> Piece:
        """Write the entries of an array, if they are few: in LaTeX as a matrix."""
        if not isinstance(node, ast.List):
            return self.write(node)
        shape = []
        inner: ast.expr = node
        while isinstance(inner, ast.List):
            shape.append(len(inner.elts))
            inner = inner.elts[0] if inner.elts else ast.Constant(0)
        few = math.prod(shape) <= ROOM["formula"].entries
        if few and self.alphabet is TEXT:
            return self.write(node)
        if not few or not shape[0] or len(shape) > 2:
            size = self.separated([Piece(str(n)) for n in shape], self.alphabet.times)
            return Piece(self.fill(self.alphabet.large, size))
        if len(shape) == 1:
            return Piece(self.bracketed(self.separated([self.write(x) for x in node.elts]).parts))
        cells = [[self.write(x).text for x in row.elts] for row in node.elts]  # type: ignore[attr-defined]
        return Piece(bmatrix(cells))

    def choice(self, node: ast.Call) -> Piece:
        """Write np.where: with an indicator where the other entries are 0, else as cases."""
        condition, value, other = node.args
        if is_zero(other):
            chosen = self.indicator(self.write(condition))
            if isinstance(value, ast.Constant) and value.value == 1:
                return chosen
            return self.product(chosen, self.write(value), "elementwise")
        rows = []
        last: ast.expr = node
        while is_where(last):
            rows.append((self.write(last.args[1]), self.write(last.args[0])))
            last = last.args[2]
        return self.cases(rows, self.write(last))

    def cases(self, rows: Sequence[tuple[Piece, Piece]], otherwise: Piece | None) -> Piece:
        """Write a choice: (value, condition) in turn, and what is left."""
        a = self.alphabet
        lines = [Piece(self.fill(a.case, value, condition)) for value, condition in rows]
        if otherwise is not None:
            lines.append(Piece(self.fill(a.otherwise, otherwise)))
        if a is LATEX:  # a bracket that begins a line is no option of the command before
            lines = [
                Piece(joined(["{}" * line.text.startswith("["), line.parts])) for line in lines
            ]
        level = Level.CHOICE if a is LATEX else Level.ATOM
        return Piece(self.fill(a.cases, self.separated(lines, a.row)), level)

    def contraction(self, subscripts: str, operands: Sequence[ast.expr]) -> Piece:
        """Write a sum of products with letters as subscripts."""
        a = self.alphabet
        left, _, output = subscripts.partition("->")
        terms = left.split(",")
        over = "".join(dict.fromkeys(letter for letter in "".join(terms) if letter not in output))
        factors = []
        for operand, term in zip(operands, terms, strict=True):
            piece, letters = self.write(operand), a.comma.join(term)
            factors.append(Piece(self.fill(a.letters, piece, letters=letters)) if term else piece)
        total = self.fill(a.total, a.comma.join(over)) if over else ""
        level = Level.REDUCTION if over else Level.PRODUCT
        parts = joined([total, self.separated(factors, " ").parts])
        return Piece(parts, level, scalar=not output)


def row_of(node: ast.expr, name: str) -> Primitive | None:
    """Return the operation that says how a call looks.

    A call of NumPy's looks as the operation of that name does, where the operation that it is the
    text of has no notation of its own: relu(z) is np.maximum(z, 0), which is max(z, 0).
    """
    own: Primitive | None = getattr(node, "primitive", None)
    if own is not None and own.notation is not None:
        return own
    alias = getattr(getattr(np, name, None), "__name__", name)  # np.abs is np.absolute
    row = TABLE.get(name, TABLE.get(alias))
    return row if isinstance(row, Primitive) else own


def fraction(value: float) -> tuple[int, int] | None:
    """Return numerator and denominator of a number that is one half, or a long decimal otherwise.

    Examples
    --------
    >>> fraction(1 / 3), fraction(0.5), fraction(0.25), fraction(2 ** 0.5)
    ((1, 3), (1, 2), None, None)
    """
    if value != 0.5 and len(repr(value)) < 12:
        return None
    for below in range(2, LARGEST_DENOMINATOR + 1):
        above = round(value * below)
        if above and math.gcd(above, below) == 1 and above / below == value:
            return above, below
    return None


def scientific(value: float) -> tuple[str, int | None]:
    """Return the digits of a number that is not negative, and the power of ten, or None.

    Examples
    --------
    >>> scientific(2.0), scientific(0.01), scientific(1e-05), scientific(2.5e30)
    (('2', None), ('0.01', None), ('1', -5), ('2.5', 30))
    """
    digits, e, exponent = repr(value).partition("e")
    return digits.removesuffix(".0"), int(exponent) if e else None
