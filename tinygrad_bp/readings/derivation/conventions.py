"""How a derivation is to be read: of all conventions, those that it makes use of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from .document import Block, Equation, Formula, Sentence
from .lines import Lines
from .trees import walk

#: A sign in plain text that is explained where it occurs, and the explanation.
SIGNS: list[tuple[str, tuple[str | Formula, ...]]] = [
    ("⊙", (Formula(r"\odot", "⊙"), " multiplies entry by entry. ")),
    (
        r"Σ(?!\[\w+(=| [≠≤<>=]))",
        (
            "A sum reaches over the product after it; one over an axis is repeated along that axis "
            "where it stands beside an array that has it. ",
        ),
    ),
    (
        r"(?<![^\s(−])\[[^\[\]]*[<>≤≥≠=][^\[\]]*\]",
        ("A condition in square brackets is 1 where it holds, and 0 elsewhere. ",),
    ),
    (
        r"(?<![^\s(−])1\[",
        (Formula(r"\mathbf{1}", "1[…]"), " is an array of ones, with its shape below. "),
    ),
    (
        r"key = |(?<=\w)(?<![\s(−]1)\[−?\d+(, …|, \d+)*\](?!\()",
        ("An index counts from 0, as in the code. ",),
    ),
    (
        "scatter",
        ("scatter puts entries at an index of an array of zeros, with its shape below. ",),
    ),
    ("broadcast", ("broadcast repeats entries up to the shape below it. ",)),
]

CHECKED = "Every line above was evaluated as it stands, and gives the engine's number."


def texts(blocks: Iterable[Block]) -> str:
    """Return the formulas of a document as plain text."""
    return "\n".join(
        formula.text
        for block in blocks if isinstance(block, Equation)
        for formula in (block.left, *block.sides)
    )  # fmt: skip


def signs(blocks: Sequence[Block]) -> list[str | Formula]:
    """Return what explains the signs in a document."""
    text = texts(blocks)
    return [part for sign, words in SIGNS if re.search(sign, text) for part in words]


def shapes(lines: Lines) -> str:
    """Return what the shape of a gradient is; nothing, where there are numbers only."""
    if not any(t.ndim for t in lines.tensors):
        return ""
    return (
        "A gradient has the shape of what it is the derivative by, which stands beside the line. "
    )


def sides(lines: Lines) -> str:
    """Return from which side parameters multiply: what makes vectors columns, or rows.

    Nothing is returned where they multiply from both sides, or not at all.
    """
    parameters = {lines.name(t): t for t in lines.tensors if t.primitive is None}
    parameters = {name: t for name, t in parameters.items() if t.requires_grad}
    columns, rows = set(), set()  # how many samples there are
    for _, tree in lines.forward:
        for node in walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
                left, right = (
                    isinstance(side, ast.Name) and side.id in parameters
                    for side in (node.left, node.right)
                )
                if left == right:
                    continue
                other = lines.shape(node.right if left else node.left)
                if left:
                    columns.add(other[-1] if len(other) > 1 else 0)
                else:
                    rows.add(other[-2] if len(other) > 1 else 0)
    if bool(columns) == bool(rows) or len(columns | rows) != 1:
        return ""
    (samples,) = columns | rows
    place, side = ("column", "left") if columns else ("row", "right")
    start = f"Parameters multiply from the {side}: "
    if not samples:
        return f"{start}the product of a matrix and an array of one axis has one axis. "
    if samples == 1:
        return f"{start}vectors are {place}s. "
    return f"{start}each {place} is a sample, and products with a transpose sum over the samples. "


def products(lines: Lines) -> str:
    """Return what factors side by side are."""
    every = (node for _, tree in lines.forward for node in walk(tree))
    if any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) for node in every):
        return "Factors side by side are a matrix product, or one of them is a number. "
    return ""


def framed(body: Sequence[Block], parts: Sequence[str | Formula]) -> Iterator[Block]:
    """Yield the conventions, the document, and what was checked."""
    *others, last = [part for part in parts if part] or [""]
    if last:
        yield Sentence(("Conventions. ", *others, last.rstrip() if isinstance(last, str) else last))
    yield from body
    yield Sentence((CHECKED,), hint=True)
