"""The sentences of a derivation: conventions, what is given, what adds up, what is left out.

A derivation states only the conventions that it uses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...notation.numbers import fits, written_array, written_shape
from ...notation.trees import walk
from .document import Block, Equation, Sentence, Written
from .lines import Lines
from .tidy import is_transposed, transposed

#: Of more names than this, a sentence says how many more there are.
MOST_GIVEN = 40
MOST_LISTED = 12

#: A sign in plain text that is explained where it occurs, and the explanation.
SIGNS: list[tuple[str, tuple[str | Written, ...]]] = [
    ("⊙", (Written(r"\odot", "⊙"), " multiplies entry by entry. ")),
    (
        r"Σ(?!\[\w+(=| [≠≤<>=]))",
        (
            "A sum covers the whole product after it. Beside a larger array, a sum over an axis is "
            "broadcast back along it. ",
        ),
    ),
    (
        r"(?<![^\s(−])\[[^\[\]]*[<>≤≥≠=][^\[\]]*\]",
        ("A condition in square brackets is 1 where it holds, and 0 elsewhere. ",),
    ),
    (
        r"(?<![^\s(−])1\[",
        (Written(r"\mathbf{1}", "1[…]"), " is an array of ones, with its shape below. "),
    ),
    (
        r"key = |(?<=\w)(?<![\s(−]1)\[−?\d+(, …|, \d+)*\](?!\()",
        ("An index counts from 0, as in the code. ",),
    ),
    (
        r"(\w+)\[[\d×]*\]\(.*key = ",  # of an operation of any name
        ("{} puts entries at an index of an array of zeros, with its shape below. ",),
    ),
    ("broadcast", ("broadcast copies entries until the array has the shape below it. ",)),
]

CHECKED = "Every line above was evaluated as printed, and gives the engine's number."


def framed(body: Sequence[Block], conventions: Iterable[str | Written]) -> Iterator[Block]:
    *others, last = [part for part in conventions if part] or [""]
    if last:
        yield Sentence(("Conventions. ", *others, last.rstrip() if isinstance(last, str) else last))
    yield from body


# ---- conventions ----


def texts(blocks: Iterable[Block]) -> str:
    return "\n".join(
        formula.text
        for block in blocks if isinstance(block, Equation)
        for formula in (block.left, *block.sides)
    )  # fmt: skip


def signs(blocks: Sequence[Block]) -> list[str | Written]:
    text = texts(blocks)
    found = [(match, words) for sign, words in SIGNS if (match := re.search(sign, text))]
    return [
        part.format(*match.groups()) if isinstance(part, str) else part
        for match, words in found
        for part in words
    ]


def shapes(lines: Lines) -> str:
    if not any(t.ndim for t in lines.tensors):
        return ""
    return "The gradient by a tensor has the shape of that tensor, written beside the line. "


def matrix_products(lines: Lines) -> list[ast.BinOp]:
    nodes = [node for _, tree in lines.forward for node in walk(tree)]
    return [n for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult)]


def products(lines: Lines) -> str:
    if not matrix_products(lines):
        return ""
    return "Two factors side by side are a matrix product, unless one of them is a number. "


def sides(lines: Lines, worksheet: bool) -> str:
    # From which side parameters multiply makes vectors columns, or rows. Nothing, where they
    # multiply from both sides, or not at all.
    parameters = {
        lines.name(i)
        for i, t in enumerate(lines.tensors)
        if t.primitive is None and t.requires_grad
    }
    found = set()  # on the left or not, and of how many samples
    turned = False  # as the weight of a layer, of which each row is a unit
    for node in matrix_products(lines):
        bare = [transposed(s) if is_transposed(s) else s for s in (node.left, node.right)]
        left, right = (isinstance(side, ast.Name) and side.id in parameters for side in bare)
        if left == right:
            continue
        turned |= is_transposed(node.left if left else node.right)
        shape = lines.evaluator.shape(node.right if left else node.left)
        if len(shape) < 2:
            return ""
        found.add((left, shape[-1 if left else -2]))
    if len(found) != 1:
        return ""
    ((left, samples),) = found
    place, side = ("column", "left") if left else ("row", "right")
    what = f"each {place} is a sample"
    if samples == 1:
        what = f"vectors are {place}s"
    elif not turned and not worksheet:
        what += ", and products with a transpose sum over the samples"
    return f"Parameters multiply from the {side}: {what}. "


# ---- between the lines ----


def given(lines: Lines, write: Callable[[str], Written], numbers: bool) -> Iterator[Block]:
    # A small array that the computation holds without a name, such as the rows of one-hot labels,
    # is shown in any case: nothing else says what it is.
    leaves = [
        i for i, t in enumerate(lines.tensors) if t.primitive is None and i not in lines.inline
    ]
    names = [*map(lines.name, leaves), *lines.constants]
    if not names:
        return
    shapes = ([write(name), " ", written_shape(np.shape(lines.values[name]))] for name in names)
    yield Sentence(("Given: ", *listing(shapes, MOST_GIVEN), "."))
    tensors = {lines.name(i): lines.tensors[i] for i in leaves}
    unnamed = {name for name, t in tensors.items() if t.name is None and not t.requires_grad}
    values = []
    for name in names[:MOST_GIVEN]:
        value = lines.values[name]
        if numbers or (
            value.size and fits(value, "derivation") and name in unnamed.union(lines.constants)
        ):
            values.append(Equation(write(name), (written_array(value),)))
    if values:
        yield from values
        yield from letters(lines, write)
        yield Sentence(("From these:",))


def listing(items: Iterable[Sequence[Any]], most: int) -> list[Any]:
    every = list(items)
    parts = [part for item in every[:most] for part in (", ", *item)][1:]
    return [*parts, f" and {len(every) - most} more"] if every[most:] else parts


def letters(lines: Lines, write: Callable[[str], Written]) -> Iterator[Sentence]:
    # what the letters of a mean loss stand for
    for name, what in lines.evaluator.counts.items():
        yield Sentence((write(name), f" is the number of {what} that the mean is over."))
    yield from sums_to_one(lines, write)


def sums_to_one(
    lines: Lines, write: Callable[[str], Written], said: Collection[str] | None = None
) -> Iterator[Sentence]:
    # what a line relies on where it leaves the sum of a row out; later, it tells of the line
    for name, axis in lines.evaluator.summing_to_one.items():
        if name in (said or ()):
            continue
        value = lines.values[name]
        one_hot = bool(np.isin(value, (0, 1)).all())
        each = "row" if axis == value.ndim - 1 else "column"
        if one_hot:
            words = f" is one-hot: each {each} is 1 at its label, and 0 elsewhere."
        else:
            words = f" holds probabilities: each {each} sums to 1."
        yield Sentence((write(name), words), hint=said is not None)


def added_up(lines: Lines, place: int, symbol: Written) -> Iterator[Block]:
    # a value that is used more than once has a sum as its gradient
    terms = len(lines.terms[place])
    if terms > 1:
        yield Sentence((symbol, f" is used {terms} times: {terms} terms add up."), hint=True)


def left_out(
    lines: Lines, known: Collection[int], write: Callable[[str], Written], why: str
) -> Iterator[Block]:
    def symbol(place: int) -> Written:
        return write(lines.name(place))

    long = [symbol(x) for x in lines.wanted if x not in known and x in lines.gradient]
    if long:
        start = f"Left out, because each would have {why}: the gradient by "
        yield Sentence(
            (
                start,
                *listing(([x] for x in long), MOST_LISTED),
                ". Substitute the lines above into each other.",
            )
        )
    for x in lines.wanted:
        if x not in lines.gradient:
            L = symbol(lines.loss)
            yield Sentence((L, " does not depend on ", symbol(x), ": no gradient flows."))
