"""Other ways to write a gradient: an update, ``W ← W - η G``, and ``δ W`` for dW."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from . import tree as t

DELTA = t.Name("delta")

#: What the length of a step is called.
RATES = {"eta", "alpha", "lr", "learning", "rho", "epsilon"}


def with_gradients(line: t.WrittenLine, called: Collection[str] = ()) -> t.WrittenLine:
    """Return a line whose δ beside a name, without scripts of its own, makes a gradient."""

    def change(node: Any) -> Any:
        match node:
            case t.Derivative(t.Name("sigma" | "f" | "g") as f, by) if f == t.Name(
                f.base
            ) and f.base in {*called, "sigma"}:
                return t.Call(f.base, (by,), primes=1)  # ∂σ/∂z
            case t.Product(factors, operators) if DELTA in factors[:-1]:
                k = factors.index(DELTA)
                if operators[k] == "" and isinstance(factors[k + 1], t.Name):
                    of = (*factors[:k], t.Differential(factors[k + 1]), *factors[k + 2 :])
                    rest = (*operators[:k], *operators[k + 1 :])
                    return change(t.Product(of, rest)) if rest else of[0]
        return node

    return t.rewritten(line, change)  # type: ignore[no-any-return]


def as_gradient(line: t.WrittenLine) -> t.WrittenLine:
    """Return what an update says of the gradient, as an equation; any other line as it is."""
    left = line.left.tree
    if is_step := isinstance(left, t.Product) and left.factors[0] == t.Name("Delta"):
        left = left.factors[-1]  # Δw = -η G
    if not isinstance(left, t.Name) or not line.rights:
        return line
    sides = []
    for side in line.rights:
        gradient = None
        match side.tree:
            case t.Sum(((1, first), (sign, step))) if first == left and side.relation in "←=":
                gradient = without_rate(step, -sign)
            case t.Sum(((-1, step),)) if is_step:
                gradient = without_rate(step, 1)
            case step if not isinstance(step, t.Refusal) and side.relation in ("-=", "+="):
                gradient = without_rate(step, 1 if side.relation == "-=" else -1)
            case step if is_step and not isinstance(step, t.Refusal):
                gradient = without_rate(step, -1)
        if gradient is None:
            return line
        sides.append(replace(side, tree=gradient, relation="="))
    about = replace(line.left, tree=t.Differential(left))
    return replace(line, left=about, rights=tuple(sides))


def without_rate(step: t.Tree, sign: int) -> t.Tree | None:
    """Return η G without η; None if no length of a step stands there first."""
    match step:
        case t.Product((t.Name(base), *rest), (_, *operators)) if base in RATES:
            factors = tuple(rest)
        case t.Product((t.Fraction(t.Name(base), below), *rest), operators) if base in RATES:
            factors = (t.Fraction(t.Number(1.0), below), *rest)
        case _:
            return None
    gradient = t.Product(factors, tuple(operators)) if operators else factors[0]
    return gradient if sign > 0 else t.Sum(((-1, gradient),))


def summed(line: t.WrittenLine, letters: Collection[str]) -> t.WrittenLine:
    """Return a line that adds a term at every step, with the sum of them all."""
    ranges = tuple(map(t.Range, sorted(letters)))
    sides = (
        side
        if isinstance(side.tree, t.Refusal)
        else replace(side, tree=t.Summation(side.tree, ranges))
        for side in line.rights
    )
    return replace(line, rights=tuple(sides))
