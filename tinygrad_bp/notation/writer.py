"""What the printers for LaTeX and plain text share: precedence, brackets, kinds of products.

The notation is that of mathematics: ``a * b`` of arrays is a ⊙ b, ``a @ b`` is written side by
side, as is a number beside an array; 0.5 is a fraction; a comparison used as a number is in square
brackets (1 where it holds, else 0). Brackets stand only where the text would otherwise be read
differently.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeGuard


class Level(IntEnum):
    """How tightly an expression holds together: the precedence table of both printers."""

    CHOICE = 0  # a if c else b
    AND = 1
    COMPARISON = 2
    SUM = 3  # also a leading minus
    REDUCTION = 4  # Σ a: reaches over the products to its right
    PRODUCT = 5
    FRACTION = 6
    POWER = 7
    ATOM = 8


@dataclass(frozen=True)
class Piece:
    """A part of the output.

    Parameters
    ----------
    text
        How it is written.
    level
        How tightly it holds together.
    scalar
        Whether it is a single number: its products are written side by side.
    kind
        Of a product: "elementwise" or "matrix", which are not mixed without brackets.
    minus
        Whether it begins with a minus.
    divided
        Whether it ends in a divisor after a slash, which a factor beside it would be a part of.
    """

    text: str
    level: Level = Level.ATOM
    scalar: bool = False
    kind: str = ""
    minus: bool = False
    divided: bool = False


#: Numbers that rules use, as they are known.
KNOWN = {
    math.pi: ("pi",),
    math.sqrt(2.0): ("root", "2"),
    math.sqrt(2.0 * math.pi): ("root", "2π"),
    2.0 / math.sqrt(math.pi): ("over root", "2", "π"),
}

#: Fractions up to this denominator are recognised, where a decimal would be long.
LARGEST_DENOMINATOR = 64

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip

#: Functions of NumPy's with another name in mathematics.
RENAMED = {
    "maximum": "max", "minimum": "min", "var": "Var", "sign": "sgn", "trace": "tr",
    "broadcast_to": "broadcast", "sigmoid": "σ",
}  # fmt: skip

#: Functions whose setting of this name stands below them, as the axis of a sum.
BELOW = ("axis", "shape", "axes")

#: The position of such a setting, where it is given by position.
POSITIONS = {
    "reshape": "shape", "broadcast_to": "shape", "expand_dims": "axis", "squeeze": "axis",
    "flip": "axis", "transpose": "axes", "concatenate": "axis", "stack": "axis",
    "softmax": "axis", "log_softmax": "axis",
}  # fmt: skip

#: Functions that work entry by entry: of a scalar, they are scalar.
ENTRY_BY_ENTRY = {
    "exp", "log", "log1p", "expm1", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh",
    "cosh", "tanh", "erf", "sqrt", "abs", "absolute", "sign", "square", "sigmoid", "softplus",
    "log_sigmoid", "relu", "leaky_relu", "elu", "gelu", "silu", "maximum", "minimum", "where",
    "logaddexp", "reciprocal",
}  # fmt: skip

#: Reductions: without an axis, what they return is scalar.
REDUCTIONS = {
    "sum", "prod", "mean", "max", "min", "var", "std", "norm", "square_sum", "logsumexp", "trace",
}  # fmt: skip

#: Arrays of more entries than this are summarised.
MOST_ENTRIES = 12


class Writer:
    """Turns an expression into a text; `latex` and `text` fill in how each thing looks.

    Parameters
    ----------
    symbols
        How each name is written; of a function, its name with a pair of brackets.
    scalars
        Names of single numbers. All others are arrays.
    """

    minus: ClassVar[str]
    times: ClassVar[Mapping[str, str]]  # by kind; "number" between two numbers
    plus: ClassVar[str] = " + "

    def __init__(self, symbols: Mapping[str, str], scalars: Collection[str] = ()) -> None:
        self.symbols, self.scalars = symbols, frozenset(scalars)

    # ---- what differs ----

    def name(self, name: str) -> str:
        """Write a name that no symbol is given for."""
        raise NotImplementedError

    def bracketed(self, text: str) -> str:
        """Put round brackets around a text."""
        raise NotImplementedError

    def number(self, value: complex) -> Piece:
        """Write a number that is not negative."""
        raise NotImplementedError

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """Write a quotient."""
        raise NotImplementedError

    def power(self, base: Piece, exponent: Piece) -> Piece:
        """Write a power, entry by entry."""
        raise NotImplementedError

    def transposed(self, base: Piece) -> Piece:
        """Write a transpose."""
        raise NotImplementedError

    def compared(self, parts: list[str], signs: list[str]) -> str:
        """Write a chain of comparisons."""
        raise NotImplementedError

    def both(self, parts: list[str]) -> str:
        """Write conditions that all hold."""
        raise NotImplementedError

    def iverson(self, condition: str) -> str:
        """Write 1 where a condition holds, else 0."""
        raise NotImplementedError

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write a choice: (value, condition) in turn, and what is left."""
        raise NotImplementedError

    def reduced(self, name: str, below: str, body: Piece) -> Piece:
        """Write a sum or product over entries."""
        raise NotImplementedError

    def contraction(self, letters: str, factors: list[tuple[Piece, str]]) -> Piece:
        """Write a sum over letters of factors with letters as subscripts."""
        raise NotImplementedError

    def function(self, name: str, below: str, arguments: list[str]) -> str:
        """Write a call of a function; below it, an axis or a shape."""
        raise NotImplementedError

    def special(self, name: str, arguments: list[Piece], below: str) -> Piece | None:
        """Write a function that has a notation of its own, such as a root."""
        raise NotImplementedError

    def axis(self, setting: ast.expr) -> str:
        """Write the remark about an axis."""
        raise NotImplementedError

    def shape(self, setting: ast.expr) -> str:
        """Write a shape."""
        raise NotImplementedError

    def listed(self, node: ast.expr) -> Piece:
        """Write the entries of an array."""
        raise NotImplementedError

    def subscript(self, value: Piece, key: str) -> Piece:
        """Write entries selected by an index."""
        raise NotImplementedError

    def word(self, text: str) -> str:
        """Write a word of code, such as the name of a setting."""
        raise NotImplementedError

    # ---- what is shared ----

    def write(self, node: ast.expr) -> Piece:
        """Write any expression."""
        method: Callable[[ast.expr], Piece] = getattr(
            self, f"write_{type(node).__name__}", self.write_other
        )
        return method(node)

    def write_other(self, node: ast.expr) -> Piece:
        """Write what has no notation in mathematics: as code."""
        return Piece(self.word(ast.unparse(node)))

    def within(self, piece: Piece, least: Level) -> str:
        """Write a part where only those that hold together so tightly need no brackets."""
        return piece.text if piece.level >= least else self.bracketed(piece.text)

    def write_Name(self, node: ast.Name) -> Piece:
        """Write a name."""
        symbol = self.symbols.get(node.id)
        text = self.name(node.id) if symbol is None else symbol
        fraction = text.startswith((r"\frac", "∂"))
        return Piece(text, Level.FRACTION if fraction else Level.ATOM, node.id in self.scalars)

    def write_Constant(self, node: ast.Constant) -> Piece:
        """Write a number, or a word."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return Piece(self.word("…" if value is ... else str(value)), scalar=True)
        return self.number(value)

    def write_UnaryOp(self, node: ast.UnaryOp) -> Piece:
        """Write a minus."""
        body = self.write(node.operand)
        if not isinstance(node.op, ast.USub):
            return self.write_other(node)
        inner = self.within(body, Level.REDUCTION)
        kind = "sum" if body.level == Level.REDUCTION else body.kind if inner == body.text else ""
        divided = body.divided and inner == body.text
        return Piece(self.minus.strip() + inner, Level.SUM, body.scalar, kind, True, divided)

    def write_BinOp(self, node: ast.BinOp) -> Piece:
        """Write an operator between two parts."""
        left, right = self.write(node.left), self.write(node.right)
        match node.op:
            case ast.Add() | ast.Sub():
                added = isinstance(node.op, ast.Add)
                loose = right.level < Level.SUM or (right.level == Level.SUM and right.minus)
                free = added and not loose
                end = right.text if free else self.within(right, Level.REDUCTION)
                start = self.within(left, Level.SUM)
                sign = self.plus if added else self.minus
                scalar = left.scalar and right.scalar
                return Piece(start + sign + end, Level.SUM, scalar, "sum", left.minus)
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

    def product(self, left: Piece, right: Piece, kind: str) -> Piece:
        """Write a product, with brackets where its factors are sums or products of another kind."""
        single = left.scalar or right.scalar
        if single:
            kind = "scalar"

        def factor(piece: Piece, first: bool) -> str:
            mixed = bool(piece.kind and kind != "scalar" and piece.kind != kind)
            if piece.level >= Level.PRODUCT:
                return self.bracketed(piece.text) if mixed else piece.text
            if first and not mixed and leads(piece):
                return piece.text
            return self.bracketed(piece.text)

        first, second = factor(left, True), factor(right, False)
        text = self.joined(first, second, kind, left, right)
        if single:  # what stands in brackets has no kind of product any more
            kinds = [p.kind for p, t in ((left, first), (right, second)) if t == p.text]
            kind = next(filter(None, kinds), "")
        minus = leads(left) and first == left.text
        level = Level.SUM if minus else Level.PRODUCT
        divided = right.divided and second == right.text
        return Piece(text, level, left.scalar and right.scalar, kind, minus, divided)

    def joined(self, first: str, second: str, kind: str, left: Piece, right: Piece) -> str:
        """Write two factors, with the sign of their kind of product."""
        if kind == "elementwise":
            return first + self.times[kind] + second
        if second[:1].isnumeric() or second.startswith(r"\tfrac"):
            return first + self.times["number"] + second
        return first + self.times["tall" if "\\" in second else kind] + second

    def conjunction(self, parts: list[Piece]) -> Piece:
        """Write conditions that all hold."""
        return Piece(self.both([self.within(part, Level.AND) for part in parts]), Level.AND)

    def write_Compare(self, node: ast.Compare) -> Piece:
        """Write a comparison."""
        parts = [
            self.within(self.write(part), Level.SUM) for part in [node.left, *node.comparators]
        ]
        return Piece(
            self.compared(parts, [COMPARISONS.get(type(op), "?") for op in node.ops]),
            Level.COMPARISON,
        )

    def condition(self, node: ast.expr) -> str:
        """Write a condition: of a mask that has a name, the name."""
        return self.write(node).text

    def write_value(self, node: ast.expr) -> Piece:
        """Write an argument; a condition among them counts as 1 or 0."""
        piece = self.write(node)
        if piece.level in (Level.AND, Level.COMPARISON):
            return Piece(self.iverson(piece.text))
        return piece

    def write_Attribute(self, node: ast.Attribute) -> Piece:
        """Write a transpose, or infinity."""
        if node.attr in ("mT", "T"):
            return self.transposed(self.write(node.value))
        if isinstance(node.value, ast.Name) and node.value.id == "np":
            if node.attr in ("inf", "nan", "pi"):
                return self.number({"inf": math.inf, "nan": math.nan, "pi": math.pi}[node.attr])
            return Piece(self.word(node.attr))
        return self.write_other(node)

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        """Write entries selected by an index."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return self.subscript(self.write(node.value), ", ".join(map(self.part_of_index, parts)))

    def part_of_index(self, node: ast.expr) -> str:
        """Write one part of an index."""
        if isinstance(node, ast.Slice):
            bounds = [node.lower, node.upper, *([node.step] if node.step else [])]
            return ":".join("" if bound is None else self.write(bound).text for bound in bounds)
        return self.write(node).text

    def write_Tuple(self, node: ast.Tuple) -> Piece:
        """Write a tuple."""
        return Piece(self.bracketed(", ".join(self.write(part).text for part in node.elts)))

    def write_List(self, node: ast.List) -> Piece:
        """Write a list."""
        return Piece("[" + ", ".join(self.write(part).text for part in node.elts) + "]")

    def write_Call(self, node: ast.Call) -> Piece:
        """Write a call."""
        arguments = list(node.args)
        keywords = {word.arg: word.value for word in node.keywords if word.arg is not None}
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "np"):
                arguments.insert(0, node.func.value)
        elif isinstance(node.func, ast.Name):
            name = node.func.id
        else:
            return self.write_other(node)

        if name == "where" and len(arguments) == 3:
            return self.choice(node)
        if name == "einsum" and isinstance(arguments[0], ast.Constant):
            return self.einsum(str(arguments[0].value), arguments[1:])
        if name in ("array", "float64", "float32", "int64"):
            return self.listed(arguments[0])
        if name == "astype" and isinstance(arguments[0], (ast.Compare, ast.BinOp)):
            piece = self.write(arguments[0])
            if piece.level in (Level.AND, Level.COMPARISON):
                return Piece(self.iverson(piece.text))
        if name == "astype" and isinstance(kind := arguments[-1], ast.Attribute):
            name = kind.attr
            arguments.pop()
        if name in POSITIONS and len(arguments) == 2 and POSITIONS[name] not in keywords:
            keywords[POSITIONS[name]] = arguments.pop()
        keepdims = keywords.pop("keepdims", None)  # entries are the same; only their axes differ
        below = ""
        whole = "axis" not in keywords and keepdims is None
        pieces = [self.write_value(argument) for argument in arguments]
        scalar = (name in ENTRY_BY_ENTRY and all(piece.scalar for piece in pieces)) or (
            name in REDUCTIONS and whole
        )
        if name == "transpose" and not keywords:
            return self.transposed(pieces[0])
        for setting in BELOW:
            if setting in keywords:
                value = keywords.pop(setting)
                remark = self.shape(value) if setting == "shape" else self.axis(value)
                below = f"{below}, {remark}" if below else remark
        if name in ("sum", "prod") and len(pieces) == 1 and not keywords:
            piece = self.reduced(name, below, pieces[0])
            return Piece(piece.text, piece.level, scalar)
        special = None if keywords else self.special(name, pieces, below)
        if special is not None:
            return Piece(special.text, special.level, scalar, special.kind, special.minus)
        texts = [piece.text for piece in pieces]
        texts += [f"{self.word(key)} = {self.write(value).text}" for key, value in keywords.items()]
        name = self.symbols.get(f"{name}()") or RENAMED.get(name, name)
        return Piece(self.function(name, below, texts), scalar=scalar)

    def choice(self, node: ast.Call) -> Piece:
        """Write np.where: with an Iverson bracket where the other entries are 0, else as cases."""
        condition, value, other = node.args
        if zero(other):
            chosen = Piece(self.iverson(self.condition(condition)))
            piece = self.write(value)
            if isinstance(value, ast.Constant) and value.value == 1:
                return chosen
            return self.product(chosen, piece, "elementwise")
        rows = []
        last: ast.expr = node
        while is_where(last):
            rows.append((self.write(last.args[1]).text, self.condition(last.args[0])))
            last = last.args[2]
        return self.cases(rows, self.write(last))

    def einsum(self, subscripts: str, operands: list[ast.expr]) -> Piece:
        """Write a sum of products with letters as subscripts."""
        left, _, output = subscripts.partition("->")
        terms = left.split(",")
        summed = "".join(dict.fromkeys(letter for letter in "".join(terms) if letter not in output))
        factors = [
            (self.write(operand), term) for operand, term in zip(operands, terms, strict=True)
        ]
        piece = self.contraction(summed, factors)
        return Piece(piece.text, piece.level, scalar=not output)


def leads(piece: Piece) -> bool:
    """Say whether a piece is a product but for a leading minus, so that others can follow it."""
    return piece.minus and piece.level == Level.SUM and piece.kind != "sum"


def is_where(node: ast.expr) -> TypeGuard[ast.Call]:
    """Say whether an expression is np.where(condition, a, b)."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "where"
        and len(node.args) == 3
    )


def zero(node: ast.expr) -> bool:
    """Say whether an expression is the number 0."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == 0


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
    if digits.endswith(".0"):
        digits = digits[:-2]
    return digits, int(exponent) if e else None


def lengths(node: ast.expr) -> list[int]:
    """Return the shape of nested lists."""
    shape = []
    while isinstance(node, ast.List):
        shape.append(len(node.elts))
        node = node.elts[0] if node.elts else ast.Constant(0)
    return shape
