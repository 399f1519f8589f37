"""What a formula computes: names are looked up, and products are read by their shapes.

`Meaning.readings` returns every way in which a surface tree can be computed, each with notes of
what was assumed, and as an expression that can be printed. Ways that give the same values are one.
None is preferred: whoever asks decides, or says that there are several.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import product as combinations
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from ..notation.trees import call, literal, shaped
from . import tree as t
from .names import said
from .network import Network
from .refs import EACH, NONE, Ref
from .shown import Shown, binary, entry, transposed
from .symbols import Symbols
from .values import (
    DoesNotFitError,
    NotReadError,
    Value,
    broadcast,
    matmul,
    paired,
    shown,
    value,
)

#: More readings of one part of a formula, and longer products, are not followed.
MOST_READINGS, MOST_FACTORS = 24, 14

#: What a line may take: products of two parts, and, on a slow machine or of large arrays, seconds.
MOST_PRODUCTS, MOST_SECONDS = 20_000, 2.0

RELATIONS: dict[str, tuple[Any, type[ast.cmpop]]] = {
    "<": (np.less, ast.Lt), ">": (np.greater, ast.Gt), "≤": (np.less_equal, ast.LtE),
    "≥": (np.greater_equal, ast.GtE), "=": (np.equal, ast.Eq), "≠": (np.not_equal, ast.NotEq),
}  # fmt: skip


class Reading(NamedTuple):
    value: Value
    notes: frozenset[str]
    tree: ast.expr

    @property
    def flipped(self) -> Reading:
        return Reading(self.value.transposed, self.notes, transposed(self.tree))

    @property
    def negative(self) -> Reading:
        tree = shaped(ast.UnaryOp(ast.USub(), self.tree), self.value.core)
        return Reading(self.value.mapped(np.negative), self.notes, tree)

    def times(self, where: Value, condition: ast.expr) -> Reading:
        """Keep it where a condition holds; it is 0 elsewhere."""
        tree = call("np.where", condition, self.tree, literal(0))
        return Reading(paired(self.value, where, np.multiply), self.notes, tree)


class Meaning:
    """Reads trees over one network, in the names that a document has used so far."""

    def __init__(self, network: Network, symbols: Symbols) -> None:
        self.network, self.symbols, self.shown = network, symbols, Shown(network)
        self.calls: dict[t.Tree, Value] = {}  # what the document calls f(x)
        self.left_labels: tuple[str, ...] = ()
        self.known: dict[t.Tree, list[Reading]] = {}  # of this side
        self.of_truth = False  # read gradients as they are, not as the document has them so far
        self.begin_line()

    def begin_line(self) -> None:
        self.products, self.deadline = 0, process_time() + MOST_SECONDS  # however busy the machine

    def spend(self) -> None:
        """Count a product; raise if the line has used up what it may take."""
        self.products += 1
        if self.products > MOST_PRODUCTS:
            raise NotReadError("it can be read in too many ways")
        if process_time() > self.deadline:
            raise NotReadError(f"it takes more than {MOST_SECONDS:g} seconds")

    def begin(self, labels: tuple[str, ...] = ()) -> None:
        """Begin a side whose left side has these letters."""
        self.left_labels = self.symbols.left = labels
        self.known = {}

    def readings(self, tree: t.Tree) -> list[Reading]:
        """Return every way to compute a tree; raise if it is not read, or nothing fits."""
        if tree not in self.known:
            found = different(getattr(self, f"read_{type(tree).__name__}")(tree))
            if any(len(r.value.core) not in (0, 2) for r in found):
                raise NotReadError("an array that is neither a vector nor a matrix")
            self.known[tree] = found
        return self.known[tree]

    def combined(self, make: Callable[..., Reading], *choices: Iterable[Reading]) -> list[Reading]:
        """Put every choice of parts together; raise if there is none that fits."""
        found, reason = [], None
        for parts in combinations(*choices):
            self.spend()
            try:
                found.append(make(*parts))
            except DoesNotFitError as error:
                reason = error
        if not found and reason is not None:
            raise reason
        return different(found)

    # ---- numbers and names ----

    def constant(self, x: float | np.ndarray) -> Reading:
        shown = int(x) if np.ndim(x) == 0 and float(x).is_integer() else x
        data = [x] * len(self.network.runs)
        return Reading(value(data, is_constant=np.ndim(x) == 0), NONE, literal(shown))

    def read_Number(self, tree: t.Number) -> list[Reading]:
        return [self.constant(tree.value)]

    def read_Filled(self, tree: t.Filled) -> list[Reading]:
        if not tree.shape and tree.entry == "1" and self.network.batch is not None:
            lengths = sorted(self.network.lengths - {self.network.batch})
            others: dict[str, tuple[int, ...]] = {
                f"a vector of {n} numbers": (n, 1) for n in lengths
            }
            others["as many ones as fit"] = ()
            known = {"a vector over the samples": (self.network.batch, 1)}
            shape = self.symbols.assumptions.ask("1", known, possible=others)
            return [self.constant(np.ones(shape))]
        if not tree.shape and tree.entry == "1":
            rows = {f"{n} ones": (1, n) for n in sorted(self.network.lengths - {1})}
            return [self.constant(np.ones(self.symbols.assumptions.ask("1", rows)))] if rows else []
        if not tree.shape:
            raise NotReadError("zeros, without their shape")
        return [self.constant(np.full(tree.shape, float(tree.entry)))]

    def read_Listed(self, tree: t.Listed) -> list[Reading]:
        try:
            (array,) = self.network.matrices([np.array(numbers_of(tree))])
        except ValueError:
            raise NotReadError("a list whose rows differ in length") from None
        return [self.constant(array)]

    def read_Name(self, tree: t.Name) -> list[Reading]:
        found: list[Reading] = []
        reason: NotReadError | None = None
        for ref in self.symbols.refs(tree):
            try:
                v = self.symbols.value(ref, self.of_truth)
            except NotReadError as error:
                reason = error
            else:
                found.append(Reading(v, ref.notes, self.leaf(ref, tree)))
        if not found and reason is not None:
            raise reason
        return found

    def leaf(self, ref: Ref, name: t.Name) -> ast.expr:
        if ref.kind == "kronecker":
            i, j = (ast.Name(str(e)) for e in ref.entries)
            return ast.Compare(i, [ast.Eq()], [j])
        if ref.kind in ("quantity", "loss"):
            tree = self.shown.tensor(ref.name)
        elif ref.kind == "gradient":
            tree = self.shown.gradient(ref.name)
        else:
            tree = ast.Name(ref.name or name.base)
        tree = entry(tree, ref.entries)
        tree = transposed(tree) if ref.transposed else tree
        return ast.BinOp(tree, ast.Pow(), literal(ref.power)) if ref.power != 1 else tree

    def read_Entry(self, tree: t.Entry) -> list[Reading]:
        marks = [e.name if isinstance(e, t.Letter) else e for e in tree.below if e != t.Word(":")]
        entries = tuple(e for e in marks if isinstance(e, int | str))
        if len(entries) < len(marks):
            raise NotReadError("an index that is no letter and no number")
        ref = Ref("defined", "what is in brackets", entries)
        is_slice = len(entries) < len(tree.below)
        if self.is_of_samples(tree.of) and not self.symbols.of_one_sample:
            ref = self.symbols.of_sample(ref)
        if is_slice and (
            ref.sample is None
            or ref.is_unit
            or tree.below.index(t.Letter(ref.sample)) != (self.network.samples or [None])[0]
        ):
            raise NotReadError("a slice")
        return [
            Reading(
                self.symbols.indexed(list(v.data), ref, v.labels), notes, entry(inside, entries)
            )
            for v, notes, inside in self.readings(tree.of)
            if not set(v.labels) - {EACH}
        ]

    def is_of_samples(self, tree: t.Tree) -> bool:
        """Whether a tree is of quantities with an axis of samples, and has that axis, too."""
        names = [n for n in t.names_in(tree) if not self.symbols.is_loss(n)]
        refs = [ref for name in names for ref in self.symbols.refs(name)]
        has_samples = [
            r.kind in ("quantity", "gradient") and self.network.has_samples(r.name) for r in refs
        ]
        if not any(has_samples) or self.network.samples is None:
            return False
        axis, n = self.network.samples
        cores = [v.core for v, _, _ in self.readings(tree)]
        return all(has_samples) or all(c and c[axis] == n and 1 not in c for c in cores)

    def one_of(self, name: t.Name, refs: Iterable[Ref]) -> Ref:
        """Return the one thing that a name stands for in a derivative, or on the left."""
        every = {f"{r.kind} {r.name} {r.entries}": r for r in refs}
        found: Ref = self.symbols.assumptions.ask(f"the meaning of {said(name)}", every, whole=True)
        return found

    # ---- sums and products ----

    def read_Sum(self, tree: t.Sum) -> list[Reading]:
        (sign, first), *others = tree.terms
        found = [r if sign > 0 else r.negative for r in self.readings(first)]
        for sign, term in others:
            found = self.combined(self.plus if sign > 0 else self.minus, found, self.readings(term))
        return found

    def plus(self, a: Reading, b: Reading) -> Reading:
        v = self.added(a.value, b.value)
        return Reading(v, a.notes | b.notes, binary(a.tree, ast.Add(), b.tree, v.core))

    def minus(self, a: Reading, b: Reading) -> Reading:
        v = self.added(a.value, b.value.mapped(np.negative))
        return Reading(v, a.notes | b.notes, binary(a.tree, ast.Sub(), b.tree, v.core))

    def added(self, a: Value, b: Value) -> Value:
        if a.core != b.core and len(a.core) == len(b.core) == 2 and not a.labels + b.labels:
            # a bias beside a batch, and nothing else, is repeated
            wide, thin = (a.core, b.core) if np.prod(a.core) > np.prod(b.core) else (b.core, a.core)
            for axis in (0, 1):
                once = tuple(1 if k == axis else n for k, n in enumerate(wide))
                if thin == once and wide[axis] == self.network.batch:
                    return paired(replace(a, repeats=True), b, np.add)
        if is_mixed(a, b):
            raise DoesNotFitError("an entry beside a whole array")
        return paired(a, b, np.add)

    def read_Fraction(self, tree: t.Fraction) -> list[Reading]:
        def over(a: Reading, b: Reading) -> Reading:
            below = b.value if a.value.core == (1, 1) else b.value.flat
            repeated = below.repeats and broadcast(below.core, a.value.core)
            if below.core not in ((), a.value.core) and a.value.core != () and not repeated:
                raise DoesNotFitError(f"{shown(a.value.core)} over {shown(below.core)}")
            v = paired(a.value, below, np.divide)
            return Reading(v, a.notes | b.notes, binary(a.tree, ast.Div(), b.tree, v.core))

        return self.combined(over, self.readings(tree.above), self.readings(tree.below))

    def read_Power(self, tree: t.Power) -> list[Reading]:
        def raised(a: Reading, b: Reading) -> Reading:
            if b.value.core != () or b.value.labels:
                raise NotReadError("an exponent that is no number")
            v = paired(a.value, b.value, np.power)
            return Reading(v, a.notes | b.notes, binary(a.tree, ast.Pow(), b.tree, v.core))

        return self.combined(raised, self.readings(tree.base), self.readings(tree.exponent))

    def read_Transposed(self, tree: t.Transposed) -> list[Reading]:
        return [reading.flipped for reading in self.readings(tree.of)]

    def read_Product(self, tree: t.Product) -> list[Reading]:
        n = len(tree.factors)
        if n > MOST_FACTORS:
            raise NotReadError(f"a product of more than {MOST_FACTORS} factors")
        table = {(k, k): self.readings(factor) for k, factor in enumerate(tree.factors)}
        reason = DoesNotFitError("no order of the products fits")
        for width in range(1, n):
            for i in range(n - width):
                j, found = i + width, list[Reading]()
                for k in range(i, j):
                    for a, b in combinations(table[i, k], table[k + 1, j]):
                        found += self.product(a, b, tree.operators[k])
                        if not found and width == 1:
                            clash = f"{shown(a.value.core)} times {shown(b.value.core)}"
                            reason = DoesNotFitError(clash)
                table[i, j] = different(found)[:MOST_READINGS]
        if not table[0, n - 1]:
            raise reason
        return table[0, n - 1]

    def product(self, a: Reading, b: Reading, operator: str) -> list[Reading]:
        """Return every product that an operator can mean, where the shapes fit."""
        self.spend()
        x, y = a.value, b.value

        def made(v: Value, op: ast.operator, note: str = "") -> Reading:
            notes = a.notes | b.notes | (frozenset({note}) if note else NONE)
            return Reading(v, notes, binary(a.tree, op, b.tree, v.core))

        if x.core == () or y.core == ():
            return [] if is_mixed(x, y) else [made(paired(x, y, np.multiply), ast.Mult())]
        if (x.core == (1, 1)) != (y.core == (1, 1)):
            return [made(paired(x.flat, y.flat, np.multiply), ast.Mult())]
        found = []
        if operator not in ("⊙", "∘", "⊗") and x.core[1] == y.core[0]:
            found.append(made(matmul(x, y), ast.MatMult()))
        if operator == "⊗" and 1 in x.core and 1 in y.core:
            column, row = (v.transposed if v.core[k] != 1 else v for v, k in ((x, 1), (y, 0)))
            outer = call("np.outer", a.tree, b.tree)
            found.append(Reading(matmul(column, row), a.notes | b.notes, outer))
        repeats = x.repeats or y.repeats or (operator in ("⊙", "∘") and self.is_spread(x, y))
        beside = x.core == y.core or (repeats and broadcast(x.core, y.core))
        if operator not in ("@", "•", "⊗") and beside:
            v = paired(replace(x, repeats=repeats), y, np.multiply)
            note = "" if operator in ("⊙", "∘") else "a product entry by entry"
            found.append(made(v, ast.Mult(), note))
            if operator == "·" and x.core[1] == 1:
                total = v.mapped(lambda d: d.sum(axis=(-2, -1)))
                tree = shaped(call("np.sum", found[-1].tree), ())
                found.append(Reading(total, a.notes | b.notes | {"a scalar product"}, tree))
        return found

    def is_spread(self, x: Value, y: Value) -> bool:
        """Whether W ⊙ v may be meant as NumPy means W * v: a row, or a column, is repeated."""
        if x.core == y.core or not broadcast(x.core, y.core):
            return False
        if np.broadcast_shapes(x.core, y.core) not in (x.core, y.core):
            return False
        usual, spread = {"of one shape": False}, {"one repeated along the other": True}
        return bool(self.symbols.assumptions.ask("what ⊙ is between", usual, possible=spread))

    # ---- sums over indices and axes ----

    def note_ranges(self, tree: object) -> None:
        """Learn what the letters of a tree go over, from the names that they stand at."""
        for name in t.names_in(tree):
            with suppress(NotReadError, DoesNotFitError):
                for ref in self.symbols.refs(name):
                    if ref.kind in ("quantity", "gradient", "defined"):
                        self.symbols.value(ref, self.of_truth)

    # ---- conditions ----

    def condition(self, condition: t.Condition) -> tuple[Value, ast.expr]:
        """Return 1 where a condition holds, else 0; and the condition as it is shown."""
        where, tests = None, list[ast.expr]()
        for comparison in condition:
            one, test = self.compared(comparison)
            where = one if where is None else paired(where, one, np.multiply)
            tests.append(test)
        if where is None:
            raise NotReadError("a condition that says nothing")
        return where, tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)

    def compared(self, comparison: t.Comparison) -> tuple[Value, ast.expr]:
        f, op = RELATIONS[comparison.relation]
        if letters := comparison.letters:
            same = self.symbols.same_index(*letters)
            where = same if comparison.relation == "=" else same.mapped(lambda d: 1.0 - d)
            return where, ast.Compare(ast.Name(letters[0]), [op()], [ast.Name(letters[1])])
        left, right = self.readings(comparison.left), self.readings(comparison.right)
        if len(left) != 1 or len(right) != 1:
            raise NotReadError("a condition that can be read in several ways")
        where = paired(left[0].value, right[0].value, f).mapped(lambda d: d.astype(float))
        return where, ast.Compare(left[0].tree, [op()], [right[0].tree])

    def read_Indicator(self, tree: t.Indicator) -> list[Reading]:
        self.note_ranges(tree)
        where, shown = self.condition(tree.condition)
        return [Reading(where, NONE, shown)]

    def read_Cases(self, tree: t.Cases) -> list[Reading]:
        """Read cases as one array: where an earlier condition holds, no later one does."""
        self.note_ranges(tree)
        rest: Value | None = None  # 1 where no case held so far
        cases = list[tuple[Value, ast.expr | None]]()
        for _, condition in tree.rows:
            where, test = self.condition(condition) if condition else (rest, None)
            if where is None:
                raise NotReadError("cases that begin with “otherwise”")
            if rest is not None and condition:
                where = paired(where, rest, np.multiply)
            left = where.mapped(lambda d: 1.0 - d)
            rest = left if rest is None else paired(rest, left, np.multiply)
            cases.append((where, test))
        if rest is not None and any(d.any() for d in rest.data) and tree.rows[-1][1]:
            raise NotReadError("cases that do not cover everything")

        def together(*parts: Reading) -> Reading:
            whole, shown = self.constant(0), literal(0)
            for (where, test), part in reversed(list(zip(cases, parts, strict=True))):
                if where.labels and not part.value.is_number:
                    raise DoesNotFitError("an array in a case of single entries")
                v = paired(part.value.flat if where.labels else part.value, where, np.multiply)
                whole = Reading(paired(v, whole.value, np.add), whole.notes | part.notes, shown)
                shown = part.tree if test is None else call("np.where", test, part.tree, shown)
            return whole._replace(tree=shown)

        return self.combined(together, *(self.readings(each) for each, _ in tree.rows))


def numbers_of(tree: t.Tree) -> Any:
    """Return a list of numbers, or of lists of them."""
    match tree:
        case t.Listed(items):
            return [numbers_of(item) for item in items]
        case t.Number(number):
            return number
        case t.Sum(((sign, t.Number(number)),)):
            return sign * number
    raise NotReadError("a list of what are no numbers")


def is_mixed(a: Value, b: Value) -> bool:
    """Whether one is an entry, with indices, and the other a whole array."""
    return any(
        x.labels and not y.labels and not y.is_number and x.is_number for x, y in ((a, b), (b, a))
    )


def different(readings: Iterable[Reading]) -> list[Reading]:
    """Keep one reading for each value: that with the fewest notes."""
    found: list[Reading] = []
    for reading in sorted(readings, key=lambda r: len(r.notes)):
        if not any(reading.value.equals(other.value, 1e-11) for other in found):
            found.append(reading)
    return found[: 4 * MOST_READINGS]
