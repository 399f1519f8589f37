r"""An expression as mathematics: precedence, brackets, kinds of product.

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
from .alphabets import (
    COMPARISONS,
    CONSTANTS,
    GLYPHS,
    LATEX,
    NUMBERS,
    SUPERSCRIPT,
    SYMBOL,
    TEXT,
    WORD,
)
from .numbers import ROOM, bmatrix, fraction, scientific
from .operations import operands_of
from .pieces import LEVELS, Level, Parts, Piece, Typesetter, joined
from .trees import is_numpy, is_where, is_zero, names, put, shape_of

#: Settings that stand below an operation, as the axis of a sum.
BELOW = ("axis", "shape", "axes")


class Printer(Typesetter):
    """Writes expressions, each kind of node by its ``write_...``; a subclass writes components."""

    def write(self, node: ast.expr) -> Piece:
        row = getattr(node, "primitive", None)
        piece = None
        if row is not None and row.notation is not None and not isinstance(node, ast.Call):
            piece = self.noted(row, *operands_of(row, node), Piece(""))
        if piece is None:
            method: Callable[[Any], Piece] = getattr(
                self, f"write_{type(node).__name__}", self.write_other
            )
            piece = method(node)
        shape = shape_of(node)
        if shape is not None:
            piece.scalar = shape == ()
        return piece

    def write_other(self, node: ast.expr) -> Piece:
        return Piece(self.word(ast.unparse(node)))

    def word(self, text: str) -> str:
        return WORD[self.alphabet](text)

    # ---- names and numbers ----

    def write_Name(self, node: ast.Name) -> Piece:
        value = self.values.get(node.id)
        if value is not None:
            return Piece((value,), scalar=not value.ndim)
        symbol = self.symbols.get(node.id)
        symbol = SYMBOL[self.alphabet](node.id) if symbol is None else symbol
        is_fraction = symbol.startswith((r"\frac", "∂"))
        return Piece(symbol, Level.FRACTION if is_fraction else Level.ATOM)

    def write_Constant(self, node: ast.Constant) -> Piece:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return Piece(self.word("…" if value is ... else str(value)), scalar=True)
        return self.number(value)

    def number(self, value: float) -> Piece:
        if isinstance(value, float) and not math.isfinite(value):
            return Piece(self.look("infinity" if value > 0 else "not a number"), scalar=True)
        if value in NUMBERS:
            known = NUMBERS[value][self.alphabet]
            level = Level.FRACTION if "/" in known or "frac" in known else Level.ATOM
            return Piece(known, level, scalar=True)
        if isinstance(value, float) and (parts := fraction(value)):
            if parts in GLYPHS and self.alphabet == TEXT:
                return Piece(GLYPHS[parts], scalar=True)
            return Piece(self.look("fraction", *map(str, parts)), Level.FRACTION, scalar=True)
        digits, exponent = scientific(value)
        if exponent is None:
            return Piece(digits, scalar=True)
        raised = SUPERSCRIPT[self.alphabet](str(exponent))
        if digits == "1":
            return Piece(f"10{raised}", Level.POWER, scalar=True)
        return Piece(self.look("times ten", digits, raised), Level.PRODUCT, scalar=True)

    # ---- operators ----

    def write_UnaryOp(self, node: ast.UnaryOp) -> Piece:
        body = self.write(node.operand)
        if not isinstance(node.op, ast.USub):
            return self.write_other(node)
        free = body.level >= Level.REDUCTION
        kind = "sum" if body.level == Level.REDUCTION else body.kind if free else ""
        parts = self.look("-a", self.enclosed(body, Level.REDUCTION))
        return Piece(parts, Level.SUM, body.scalar, kind, True, body.divided and free)

    def write_BinOp(self, node: ast.BinOp) -> Piece:
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
                return self.conjunction([left, right])
        return self.write_other(node)

    def sum(self, left: Piece, right: Piece, added: bool) -> Piece:
        loose = right.level < Level.SUM or (right.level == Level.SUM and right.minus)
        end = right if added and not loose else self.enclosed(right, Level.REDUCTION)
        parts = self.look("a + b" if added else "a - b", self.enclosed(left, Level.SUM), end)
        return Piece(parts, Level.SUM, left.scalar and right.scalar, "sum", left.minus)

    def product(self, left: Piece, right: Piece, kind: str) -> Piece:
        single = left.scalar or right.scalar
        if single:
            kind = "scalar"

        def factor(piece: Piece, first: bool) -> Piece:
            mixed = bool(piece.kind and kind != "scalar" and piece.kind != kind)
            free = piece.level >= Level.PRODUCT or (first and piece.leads)
            return piece if free and not mixed else Piece(self.bracketed(piece.parts))

        first, second = factor(left, True), factor(right, False)
        parts = self.look(self.times(first, second, kind), first, second)
        if single:  # what stands in brackets has no kind of product any more
            kind = first.kind or second.kind
        level = Level.SUM if first.leads else Level.PRODUCT
        scalar = left.scalar and right.scalar
        return Piece(parts, level, scalar, kind, first.leads, second.divided)

    def times(self, first: Piece, second: Piece, kind: str) -> str:
        if kind == "elementwise":
            return "a * b of arrays"
        start, end = first.text, second.text
        if self.alphabet == TEXT:
            is_call = end.startswith("(") and start[-1:].isalpha() and kind == "scalar"
            if is_call or first.divided:  # nor is it a part of the divisor
                return "dot"
        two_numbers = end[:1].isnumeric() or end.startswith(r"\tfrac")
        if two_numbers or (self.values and (kind == "scalar" or "\\" in end)):
            return "dot"
        words = start.endswith("}") and r"\mathrm" in start and end.startswith(r"\mathrm")
        return "thin space" if words else "beside"

    def quotient(self, above: Piece, below: Piece) -> Piece:
        scalar = above.scalar and below.scalar
        if self.alphabet == LATEX:  # the line of a fraction takes the place of brackets
            if isinstance(above.parts, str):
                above = Piece(above.parts.replace(r"\frac{\partial", r"\dfrac{\partial"))
            return Piece(self.look("a / b", above, below), Level.FRACTION, scalar)
        free = above.leads
        first = above if free else self.enclosed(above, Level.PRODUCT)
        if above.kind == "matrix" and not below.scalar:
            first, free = Piece(self.bracketed(above.parts)), False
        parts = self.look("a / b", first, self.enclosed(below, Level.POWER))
        kind = above.kind if below.scalar else "elementwise"
        return Piece(parts, Level.SUM if free else Level.PRODUCT, scalar, kind, free, divided=True)

    def power(self, base: Piece, exponent: Piece) -> Piece:
        if not (base.scalar and exponent.scalar):
            return Piece(self.look("a ** b of arrays", base, exponent), Level.POWER)
        digits = exponent.text
        if digits.isascii() and digits.isdigit():
            parts = self.fill("{:base}{}", base, SUPERSCRIPT[self.alphabet](digits))
        else:
            parts = self.look("a ** b", base, exponent)
        return Piece(parts, Level.POWER, scalar=True)

    def conjunction(self, conditions: Sequence[Piece]) -> Piece:
        sides = [self.enclosed(condition, Level.AND) for condition in conditions]
        return Piece(self.separated(sides, self.look("and")).parts, Level.AND)

    def write_Compare(self, node: ast.Compare) -> Piece:
        sides = [self.write(part) for part in [node.left, *node.comparators]]
        return self.comparison(sides, node.ops)

    def comparison(self, sides: Sequence[Piece], ops: Sequence[ast.cmpop]) -> Piece:
        parts = [self.within(sides[0], Level.SUM)]
        for op, side in zip(ops, sides[1:], strict=True):
            sign = COMPARISONS.get(type(op), "??")[self.alphabet]
            parts += [f" {sign} ", self.within(side, Level.SUM)]
        return Piece(joined(parts), Level.COMPARISON)

    def write_Attribute(self, node: ast.Attribute) -> Piece:
        if node.attr in ("mT", "T"):
            if isinstance(node.value, ast.Name) and node.value.id in self.values:
                return Piece((self.values[node.value.id].mT,))
            base = self.write(node.value)
            return Piece(self.look("a.mT", base), Level.POWER, base.scalar)
        if not is_numpy(node):
            return self.write_other(node)
        value = getattr(np, node.attr, None)  # np.inf, or a type
        return self.number(value) if type(value) is float else Piece(self.word(node.attr))

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        key = self.separated([self.part_of_index(part) for part in parts])
        return Piece(self.fill("{:atom}[{}]", self.write(node.value), key))

    def part_of_index(self, node: ast.expr) -> Piece:
        if not isinstance(node, ast.Slice):
            return self.write(node)
        bounds = [node.lower, node.upper, *([node.step] if node.step else [])]
        return self.separated([Piece("") if b is None else self.write(b) for b in bounds], ":")

    def write_Tuple(self, node: ast.Tuple) -> Piece:
        return Piece(self.bracketed(self.separated([self.write(x) for x in node.elts]).parts))

    def write_List(self, node: ast.List) -> Piece:
        return Piece(self.fill("[{}]", self.separated([self.write(x) for x in node.elts])))

    # ---- calls ----

    def write_Call(self, node: ast.Call) -> Piece:
        if not isinstance(node.func, ast.Attribute | ast.Name):
            return self.write_other(node)
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if is_where(node):
            return self.choice(node)
        if name == "astype" and isinstance(node.func, ast.Attribute) and node.args:
            return self.cast(node.func.value, node.args[0])
        if is_numpy(node.func) and node.args:
            piece = self.array(name, node.args, node.keywords)
            if piece is not None:
                return piece
        row = row_of(node, name)
        operands, settings = operands_of(row, node)
        settings.pop("keepdims", None)  # entries are the same; only their axes differ
        remarks = [self.remark(key, settings.pop(key)) for key in BELOW if key in settings]
        below = Piece(self.look("below", self.separated(remarks)) if remarks else "")
        noted = None if row is None else self.noted(row, operands, settings, below)
        if noted is not None:
            return noted
        arguments = [self.argument(operand) for operand in operands]
        for key, value in settings.items():
            arguments.append(Piece(self.fill("{} = {}", self.word(key), self.write(value))))
        inside = Piece(self.bracketed(self.separated(arguments).parts))
        return Piece(self.fill("{}{}{}", self.head(name, row), below, inside))

    def noted(
        self,
        row: Primitive,
        operands: Sequence[ast.expr],
        settings: Mapping[str, ast.expr],
        below: Piece,
    ) -> Piece | None:
        # None where the notation leaves something out
        if isinstance(row.notation, str):
            tree = spelled_out(row.notation)
            known = dict(zip(row.operand_names, operands, strict=False)) | dict(settings)
            left_out = below.parts or set(settings) - names(tree)
            return None if left_out else self.write(put(tree, known))
        notation = row.notation or ("", "")
        template = notation[self.alphabet]
        if "{" not in notation[TEXT] or settings or (below.parts and "{below}" not in template):
            return None
        level = LEVELS[notation[2]] if notation[2:] else Level.ATOM
        kind = row.__name__ if level is Level.PRODUCT else ""
        return Piece(
            self.fill(template, *map(self.argument, operands), below=below), level, kind=kind
        )

    def argument(self, node: ast.expr) -> Piece:
        piece = self.write(node)
        is_condition = piece.level in (Level.AND, Level.COMPARISON)
        return self.indicator(piece) if is_condition else piece

    def head(self, name: str, row: Primitive | None) -> str:
        own = self.symbols.get(f"{name}()")  # a tensor has its symbol
        notation = None if row is None or own is not None else row.notation
        if isinstance(notation, tuple) and "{" not in notation[TEXT]:
            return notation[self.alphabet]
        return self.word(own or name)

    def remark(self, key: str, value: ast.expr) -> Piece:
        several = value.elts if isinstance(value, ast.Tuple | ast.List) else None
        parts = [self.write(part) for part in several or [value]]  # of no axes: ()
        if key == "shape":
            return self.separated(parts, self.look("by"))
        return Piece(self.look("axis" if several is None else "axes", self.separated(parts)))

    def cast(self, node: ast.expr, dtype: ast.expr) -> Piece:
        piece = self.write(node)
        if piece.level in (Level.AND, Level.COMPARISON):
            return self.indicator(piece)
        return Piece(self.fill("{}{}", self.write(dtype), Piece(self.bracketed(piece.parts))))

    # ---- what NumPy alone has ----

    def array(
        self, name: str, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]
    ) -> Piece | None:
        first = arguments[0]
        if name == "einsum" and isinstance(first, ast.Constant):
            return self.contraction(str(first.value), arguments[1:])  # however it is computed
        if keywords:
            return None
        if name in CONSTANTS:
            lengths = first.elts if isinstance(first, ast.Tuple) else [first]
            size = self.separated([self.write(n) for n in lengths])
            return Piece(self.fill(CONSTANTS[name][self.alphabet], size))
        if name == "array" or isinstance(getattr(np, name, None), type):
            return self.entries(first)
        return None

    def entries(self, node: ast.expr) -> Piece:
        if not isinstance(node, ast.List):
            return self.write(node)
        shape, inner = list[int](), node
        while isinstance(inner, ast.List):
            shape.append(len(inner.elts))
            inner = inner.elts[0] if inner.elts else ast.Constant(0)  # type: ignore[assignment]
        few = math.prod(shape) <= ROOM["formula"].entries
        if few and self.alphabet == TEXT:
            return self.write(node)
        if not few or not shape[0] or len(shape) > 2:
            size = self.separated([Piece(str(n)) for n in shape], self.look("by"))
            return Piece(self.look("large array", size))
        if len(shape) == 1:
            return self.write_Tuple(ast.Tuple(node.elts))
        rows = [row.elts for row in node.elts if isinstance(row, ast.List)]
        return Piece(bmatrix([[self.write(entry).text for entry in row] for row in rows]))

    def choice(self, node: ast.Call) -> Piece:
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
        lines = [Piece(self.look("case", value, condition)) for value, condition in rows]
        if otherwise is not None:
            lines.append(Piece(self.look("otherwise", otherwise)))
        if self.alphabet == LATEX:  # a bracket that begins a line is no option of the one before
            lines = [Piece(joined(["{}" * x.text.startswith("["), x.parts])) for x in lines]
        content = self.separated(lines, self.look("next case"))
        level = Level.CHOICE if self.alphabet == LATEX else Level.ATOM
        return Piece(self.look("cases", content), level)

    def contraction(self, subscripts: str, operands: Sequence[ast.expr]) -> Piece:
        comma = str(self.look("between letters"))
        left, _, output = subscripts.partition("->")
        terms = left.split(",")
        over = "".join(dict.fromkeys(letter for letter in "".join(terms) if letter not in output))
        factors = []
        for operand, term in zip(operands, terms, strict=True):
            piece = self.write(operand)
            if term:
                piece = Piece(self.look("with letters", piece, letters=comma.join(term)))
            factors.append(piece)
        start: str | Parts = self.look("sum over", comma.join(over)) if over else ""
        parts = joined([start, self.separated(factors, " ").parts])
        return Piece(parts, Level.REDUCTION if over else Level.PRODUCT, scalar=not output)


@functools.cache
def spelled_out(notation: str) -> ast.expr:
    return ast.parse(notation, mode="eval").body


def row_of(node: ast.Call, name: str) -> Primitive | None:
    # A call of NumPy's looks as the operation of that name does, where the operation that it is the
    # text of has no notation of its own: relu(z) is np.maximum(z, 0), which is max(z, 0).
    own: Primitive | None = getattr(node, "primitive", None)
    if own is not None and (own.notation is not None or isinstance(node.func, ast.Name)):
        return own
    alias = getattr(getattr(np, name, None), "__name__", name)  # np.abs is np.absolute
    row = TABLE.get(name, TABLE.get(alias))
    return row if isinstance(row, Primitive) else own
