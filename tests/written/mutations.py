"""A right formula changed in one place, in every way that people slip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from tinygrad_bp.written.tree import (
    Call,
    Comparison,
    Derivative,
    Differential,
    Entry,
    Fraction,
    Letter,
    Name,
    Number,
    Power,
    Product,
    Sum,
    Summation,
    Transposed,
)  # fmt: skip


def mutations(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield what was changed, and the whole formula with it."""
    yield from here(tree)
    if not is_dataclass(tree) or isinstance(tree, (Name, Comparison)):
        return
    for field in fields(tree):
        yield from inside(tree, field.name, getattr(tree, field.name))


def inside(tree: Any, name: str, part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, tuple):
        for k, item in enumerate(part):
            changed = nested(item) if isinstance(item, tuple) else mutations(item)
            for what, new in changed:
                yield what, replace(tree, **{name: (*part[:k], new, *part[k + 1 :])})
    elif is_dataclass(part):
        for what, new in mutations(part):
            yield what, replace(tree, **{name: new})


def nested(item: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    # a term with its sign, or a case with its condition
    for k, part in enumerate(item):
        for what, new in mutations(part):
            yield what, (*item[:k], new, *item[k + 1 :])


def here(tree: Any) -> Iterator[tuple[str, Any]]:
    match tree:
        case Name():
            yield from names(tree)
        case Number(value) if value:
            yield "another number", Number(value + 1)
        case Sum(terms):
            for k, (sign, term) in enumerate(terms):
                others = terms[:k], terms[k + 1 :]
                yield "sign", Sum((*others[0], (-sign, term), *others[1]))
                if len(terms) > 1:
                    yield "a term lost", Sum((*others[0], *others[1]))
        case Product(factors, operators):
            for k in range(len(factors)):
                kept = (*factors[:k], *factors[k + 1 :])
                ops = operators[:k] + operators[k + 1 :] if k < len(operators) else operators[:-1]
                yield "a factor lost", Product(kept, ops) if len(kept) > 1 else kept[0]
        case Transposed(of) | Entry(of) | Summation(of):
            yield f"{type(tree).__name__} lost", of
        case Power(base, _):
            yield "power lost", base
        case Fraction(above, _):
            yield "denominator lost", above
        case Call(primes=primes) if primes:
            yield "prime lost", replace(tree, primes=primes - 1)
        case Call(function="exp" | "log" | "sigma", arguments=(argument,)):
            yield "function lost", argument
    if isinstance(tree, (Name, Product, Fraction, Derivative, Differential)):
        yield "sign", Sum(((-1, tree),))
        yield "factor 2", Product((Number(2), tree), ("",))


def names(name: Name) -> Iterator[tuple[str, Name]]:
    if name.transposed:
        yield "transpose lost", replace(name, transposed=False)
    for place in ("above", "below"):
        marks = getattr(name, place)
        for k, mark in enumerate(marks):
            for what, new in marked(mark):
                yield what, replace(name, **{place: (*marks[:k], new, *marks[k + 1 :])})
    if name.base == "y":
        yield "ŷ for y, or y for ŷ", replace(name, accent="" if name.accent else "hat")
    other = {"a": "z", "z": "a", "W": "a", "x": "y"}.get(name.base)
    if other is not None:
        yield "another operand", replace(name, base=other)


def marked(mark: Any) -> Iterator[tuple[str, Any]]:
    match mark:
        case int():
            yield "layer", mark - 1 or mark + 1
        case Letter(letter, 0) if letter in "ijk":
            yield "index", Letter({"i": "j", "j": "k", "k": "i"}[letter])
