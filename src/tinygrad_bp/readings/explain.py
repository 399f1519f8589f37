"""The reverse sweep of one run, step by step and with its numbers: ``print(explain(loss))``.

First comes what an explanation is, as data; then how it is made: the engine sweeps, and each step's
own rule is run on placeholders for its symbols and on the upstream gradient for its numbers. Last
comes how it is shown: every form, plain text, console or HTML, is made of the same rows of text.
"""

from __future__ import annotations

import ast
import functools
import html
import json
import math
import re
import textwrap
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from ..backward import backward_closures, grad, starting_gradient, summed_to, sweep
from ..notation import expressions
from ..notation.literals import literal
from ..notation.names import Names, recorded_tensors
from ..notation.rules import rule_expressions
from ..notation.text import TextWriter
from ..notation.writer import Piece
from ..tensor import Tensor

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

#: An array is written out up to here, and summarised beyond; of more than two axes, sooner.
MOST_ENTRIES = 36
MOST_IN_DEPTH = 8
LONGEST_AXIS = 6

#: How many terms of a sum are written out, and how many first entries of a large array.
MOST_TERMS = 6
FIRST_ENTRIES = 4

#: How wide a label and the text beside it may be: panels of such rows fit into 80 columns.
LABEL = 11
WIDTH = 64


# ---- what an explanation is ----


class Term(NamedTuple):
    """What one edge of the graph adds to a gradient."""

    step: int  # the number of the step
    operand: int  # which of the operation's operands the tensor was, from 1
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient to which every term has arrived.

    Parameters
    ----------
    tensor, name
        What the tensor and its gradient are called: ``W₁`` and ``∂L/∂W₁``.
    value
        The sum of the terms, a read-only array, as the engine has it.
    terms
        What was added up, in the order of arrival. None for the output itself, where the sweep
        starts, and for a tensor that the output does not depend on.
    """

    tensor: str
    name: str
    value: np.ndarray
    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one step passes on to one of its inputs.

    Parameters
    ----------
    operand
        Which operand of the operation the input was, from 1.
    tensor, gradient
        What the input and its gradient are called.
    term, terms
        This is the term-th of so many that are added up to the gradient.
    rule
        The backward rule in symbols; None where it cannot be run on placeholders.
    numbers
        The rule with the values in place of the symbols, in several lines where they are matrices.
    value
        The contribution, a read-only array of the input's shape.
    unsummed
        What the rule gave before it was summed to the input's shape, where the input was broadcast;
        else None.
    """

    operand: int
    tensor: str
    gradient: str
    term: int
    terms: int
    rule: str | None
    numbers: str | None
    value: np.ndarray
    unsummed: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the sweep: from the gradient of an operation's output to those of its inputs.

    Parameters
    ----------
    number
        From 1, at the output.
    tensor, operation, equation
        What was computed, by which operation, and how: ``z = W x``.
    value
        What came out in the forward pass.
    gradient, upstream
        What the upstream gradient is called, and its value.
    contributions
        One for each input that a gradient flows to.
    complete
        The gradients whose last term came from this step.
    """

    number: int
    tensor: str
    operation: str
    equation: str
    value: np.ndarray
    gradient: str
    upstream: np.ndarray
    contributions: tuple[Contribution, ...]
    complete: tuple[Gradient, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """The reverse sweep of one run. Made by `explain`.

    It prints as text, on a rich console as panels, and in a notebook as HTML.

    Parameters
    ----------
    output, value
        What the output is called, and its value.
    steps
        In the order of the sweep: from the output back.
    gradients
        Where the sweep led: one for each tensor asked for.
    """

    output: str
    value: np.ndarray
    steps: tuple[Step, ...]
    gradients: tuple[Gradient, ...]

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the explanation as JSON, and write it to a file if a path is given.

        ``docs/explain.schema.json`` describes it. Folders that are missing are created.

        Examples
        --------
        >>> import json
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True, name="x")
        >>> json.loads(bp.explain(x**2).to_json())["gradients"][0]["value"]["entries"]
        6.0
        """
        data = json.dumps(as_json(self), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        if path is not None:
            written_to(path, data)
        return data

    def save(self, path: str | Path) -> None:
        """Save the explanation as what the path ends in: ``.txt``, ``.html`` or ``.json``.

        Folders that are missing are created.

        Raises
        ------
        ValueError
            If the path ends in anything else.

        Examples
        --------
        >>> import tempfile
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True, name="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "square.txt")
        ...     bp.explain((x**2).named("L")).save(path)
        ...     print(path.read_text(encoding="utf-8").splitlines()[-1])
        x           ∂L/∂x = 6
        """
        forms: dict[str, Callable[[], str]] = {
            ".txt": lambda: f"{self}\n",
            ".html": lambda: f"{HTML_HEAD}{self._repr_html_()}",
            ".json": self.to_json,
        }
        suffix = Path(path).suffix.lower()
        if suffix not in forms:
            raise ValueError(
                f"an explanation cannot be saved as {Path(path).name!r}: "
                f"the name must end in one of {', '.join(forms)}."
            )
        written_to(path, forms[suffix]())

    def __str__(self) -> str:
        parts = [introduction(self)]
        for title, rows in sections(self):
            parts += ["", title, *map(in_line, rows)]
        return "\n".join(line.rstrip() for line in "\n".join(parts).splitlines())

    def __rich_console__(self, _: Console, __: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.panel import Panel
        from rich.text import Text

        yield Text(introduction(self))
        for title, rows in sections(self):
            content = Text("\n".join(map(in_line, rows)), overflow="fold")
            yield Panel(content, title=Text(title, style="bold"), title_align="left")

    def _repr_html_(self) -> str:
        return as_html(self)


def written_to(path: str | Path, content: str) -> None:
    """Write a file, and make the folders that are missing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content, encoding="utf-8")


# ---- how it is made ----


def explain(loss: Tensor, wrt: Tensor | Sequence[Tensor] | None = None) -> Explanation:
    """Explain how the gradients of a computation come about: its reverse sweep, step by step.

    Parameters
    ----------
    loss
        The result to go back from: a Tensor of one entry that needs a gradient.
    wrt
        A Tensor or a list of them: only the paths that reach these are shown. All leaves that need
        a gradient if left out.

    Returns
    -------
    Explanation
        Print it, or take it apart: its ``steps`` hold names, rules and values. Nothing is written
        to any ``grad``.

    Raises
    ------
    ValueError
        If the loss, or a tensor asked for, needs no gradient; if the loss has several entries.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor(2.0, requires_grad=True, name="a")
    >>> b = bp.tensor(3.0, requires_grad=True, name="b")
    >>> explanation = bp.explain((a * b).named("L"))
    >>> [(c.gradient, c.rule, float(c.value)) for c in explanation.steps[0].contributions]
    [('∂L/∂a', '∂L/∂L b', 3.0), ('∂L/∂b', '∂L/∂L a', 2.0)]
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"explain takes a Tensor, not {loss!r:.60}.")
    tensors = recorded_tensors(loss)
    if wrt is None:
        wanted = [t for t in tensors if t.primitive is None and t.requires_grad]
    else:
        wanted = [wrt] if isinstance(wrt, Tensor) else list(wrt)
    flows, values = followed(loss)
    results = grad(loss, wanted)  # also says what is wrong with a tensor asked for
    flows = leading_to({t.id for t in wanted}, flows)

    terms: dict[int, list[Term]] = defaultdict(list)
    places: dict[tuple[int, int], int] = {}  # by step and operand, which of the terms it is
    for number, flow in enumerate(flows, 1):
        for edge in flow.edges:
            terms[edge.x.id].append(Term(number, edge.operand, read_only(edge.value)))
            places[number, edge.operand] = len(terms[edge.x.id])

    # A tensor may be asked for that is not in the graph: it has a name too, and a gradient of zero.
    every = {t.id: t for t in (*tensors, *wanted)}
    names = Symbols(loss, [every[key] for key in sorted(every)])

    def gradient(t: Tensor, value: np.ndarray) -> Gradient:
        return Gradient(names.text(t), names.gradient(t), value, tuple(terms[t.id]))

    steps = []
    for number, flow in enumerate(flows, 1):
        tensor = flow.tensor
        contributions = tuple(
            Contribution(
                edge.operand,
                names.text(edge.x),
                names.gradient(edge.x),
                places[number, edge.operand],
                len(terms[edge.x.id]),
                rule,
                numbers,
                read_only(edge.value),
                None if edge.given is edge.value else read_only(edge.given),
            )
            for edge, rule, numbers in explained(flow, names)
        )
        last = {e.x.id: e.x for e in flow.edges if terms[e.x.id][-1].step == number}
        complete = tuple(gradient(x, read_only(values[x.id])) for x in last.values())
        steps.append(
            Step(
                number,
                names.text(tensor),
                str(getattr(tensor.primitive, "__name__", "")),
                names.equation(tensor),
                tensor.data,
                names.gradient(tensor),
                read_only(flow.g),
                contributions,
                complete,
            )
        )
    gradients = tuple(gradient(t, g) for t, g in zip(wanted, results, strict=True))
    return Explanation(names.text(loss), loss.data, tuple(steps), gradients)


class Edge(NamedTuple):
    """From a step to one of its inputs, with the contribution as the rule gave it and summed."""

    operand: int
    x: Tensor
    given: np.ndarray
    value: np.ndarray


class Flow(NamedTuple):
    """A computed tensor, its upstream gradient, and where that flows."""

    tensor: Tensor
    g: np.ndarray
    edges: list[Edge]


def followed(loss: Tensor) -> tuple[list[Flow], dict[int, np.ndarray]]:
    """Run the sweep; return every step of it, and by id the gradients as the sweep has them."""
    flows: list[Flow] = []
    gradients = {}

    def follow(tensor: Tensor, g: np.ndarray) -> None:
        gradients[tensor.id] = g
        flows.append(Flow(tensor, g, contributions_of(tensor, g)))

    for leaf, g in sweep(loss, starting_gradient(loss, None), visit=follow):
        gradients[leaf.id] = g
    return flows, gradients


def contributions_of(tensor: Tensor, g: np.ndarray) -> list[Edge]:
    """Run the backward closures of a step once more, as the sweep does, and keep what they give."""
    edges = []
    closures = backward_closures(tensor, create_graph=False)
    for operand, (x, closure) in enumerate(zip(tensor.inputs, closures, strict=True), 1):
        if x is not None and x.requires_grad and closure is not None:
            given = closure(g)
            fits = getattr(given, "shape", None) == x.shape
            edges.append(Edge(operand, x, given, given if fits else summed_to(x, given, tensor)))
    return edges


def leading_to(ids: set[int], flows: list[Flow]) -> list[Flow]:
    """Keep the edges on a path to one of the tensors, and the steps that have one."""
    kept = []
    reaching = set(ids)
    for tensor, g, edges in reversed(flows):  # the tensor recorded first comes first
        edges = [edge for edge in edges if edge.x.id in reaching]
        if edges:
            reaching.add(tensor.id)
            kept.append(Flow(tensor, g, edges))
    return kept[::-1]


def explained(flow: Flow, names: Symbols) -> Iterator[tuple[Edge, str | None, str | None]]:
    """Yield the edges of a step, each with its rule in symbols and with numbers put in."""
    rules = names.rules(flow.tensor)
    values = names.values(flow.tensor, flow.g)
    for edge in flow.edges:
        rule = rules[edge.operand - 1]
        if rule is None:
            yield edge, None, None
        else:
            room = WIDTH - width(f"{names.gradient(edge.x)} += ")
            yield edge, names.written(rule, values), names.with_numbers(rule, values, room)


def read_only(value: Any) -> np.ndarray:
    """Return a gradient as an array that nobody can change."""
    array = np.asarray(value).view()
    array.setflags(write=False)
    return array


class Symbols:
    """What the tensors of a computation and their gradients are called, and its expressions."""

    def __init__(self, output: Tensor, tensors: list[Tensor]) -> None:
        self.output = output
        self.names = Names(tensors)
        self.symbols = self.names.text_symbols(output)

    def text(self, t: Tensor) -> str:
        """Return the symbol of a tensor."""
        return self.names.text(t)

    def gradient(self, t: Tensor) -> str:
        """Return the symbol of a gradient."""
        return self.names.gradient_text(t, self.output)

    def constant(self, array: np.ndarray) -> ast.expr | None:
        """Return what stands for an array in an expression: its shape, where it is large."""
        if is_small(array):
            return None
        self.symbols[by_shape(array)] = by_shape(array)
        return ast.Name(by_shape(array))

    def operands(self, t: Tensor) -> list[str]:
        """Return the identifiers of a step's operands; a Python number has none."""
        return ["" if x is None else self.names.identifier(x) for x in t.inputs]

    def equation(self, t: Tensor) -> str:
        """Return what was computed: ``z = W x``."""
        operands = [
            literal(value) if x is None else ast.Name(name)
            for x, value, name in zip(t.inputs, t.operands, self.operands(t), strict=True)
        ]
        assert t.primitive is not None
        result = expressions.step(t.primitive, operands, t.params, self.constant)
        return f"{self.text(t)} = {self.written(result, self.values(t, t.data))}"

    def rules(self, t: Tensor) -> Sequence[ast.expr | None]:
        """Return the contributions of a step as expressions."""
        g, out = self.names.gradient(t), self.names.identifier(t)
        try:
            with np.errstate(all="ignore"):  # closures that the sweep skips are run here as well
                return rule_expressions(t, g, out, self.operands(t), self.constant)
        except Exception:  # a user's own rule may run on arrays only, and fail in any way here
            return [None] * len(t.inputs)

    def values(self, t: Tensor, g: np.ndarray) -> dict[str, np.ndarray]:
        """Return the values of the names in the rule of a step."""
        known = {
            self.names.identifier(x): value
            for x, value in zip(t.inputs, t.operands, strict=True)
            if x is not None
        }
        return known | {self.names.identifier(t): t.data, self.names.gradient(t): np.asarray(g)}

    def written(self, expression: ast.expr, values: Mapping[str, np.ndarray]) -> str:
        """Write an expression in symbols; the values tell numbers from arrays."""
        scalars = [name for name, value in values.items() if not value.ndim]
        return TextWriter(self.symbols, scalars).write(expression).text

    def with_numbers(
        self, expression: ast.expr, values: Mapping[str, np.ndarray], room: int
    ) -> str:
        """Write an expression with values in place of its names, a transpose as it is.

        Where it is too wide, it goes on below an empty line.
        """
        writer = Numbers(self.symbols, values)
        pieces = re.split("([\ue000-\uf8ff])", writer.write(expression).text)
        parts = [
            writer.placed[ord(piece) - 0xE000] if i % 2 else Block([piece], 0)
            for i, piece in enumerate(pieces)
        ]
        if not isinstance(expression, ast.Name):
            parts = [bracketed(part) if i % 2 else part for i, part in enumerate(parts)]
        if all(len(part.lines) == 1 for part in parts):  # broken where it is shown, as all text is
            return "".join(part.lines[0] for part in parts)
        return "\n".join(flowing(parts, max(room, WIDTH // 2)).lines)


class Numbers(TextWriter):
    """Writes an expression with a private character for each value, and keeps the values."""

    times: ClassVar = {**TextWriter.times, "number": " · ", "scalar": " · ", "tall": " · "}

    def __init__(self, symbols: Mapping[str, str], values: Mapping[str, np.ndarray]) -> None:
        super().__init__(symbols)
        self.values = values
        self.placed: list[Block] = []

    def place(self, value: np.ndarray) -> Piece:
        """Keep a value, and write the character that stands for it."""
        self.placed.append(block(value) if is_small(value) else Block([by_shape(value)], 0))
        return Piece(chr(0xE000 + len(self.placed) - 1), scalar=not value.ndim)

    def write_Name(self, node: ast.Name) -> Piece:
        """Write a value for a name."""
        return (
            self.place(self.values[node.id]) if node.id in self.values else super().write_Name(node)
        )

    def write_Attribute(self, node: ast.Attribute) -> Piece:
        """Write a transpose as the rows and columns that it has."""
        if node.attr == "mT" and isinstance(node.value, ast.Name) and node.value.id in self.values:
            return self.place(self.values[node.value.id].mT)
        return super().write_Attribute(node)


# ---- how it is written: rows of a label and a block of text ----


class Row(NamedTuple):
    """A label, and lines of text beside it."""

    label: str
    text: str


def introduction(explanation: Explanation) -> str:
    """Say what is to come."""
    name, steps = explanation.output, len(explanation.steps)
    ends = listed([gradient.tensor for gradient in explanation.gradients])
    sentences = (
        f"How the gradients of {name} = {shown(explanation.value)} come about, in {steps} "
        f"{'step' if steps == 1 else 'steps'} from {name} back to {ends}. In each step, the "
        "gradient that arrived at the output of an operation is passed on to its inputs. What "
        "arrives at one tensor from several sides is added up; a gradient is complete when the "
        "last term is there."
    )
    rules = (c.rule for step in explanation.steps for c in step.contributions)
    if any(rule is not None and "⊙" in rule for rule in rules):
        sentences += " The sign ⊙ multiplies entry by entry."
    return "\n".join(textwrap.wrap(sentences, LABEL + 1 + WIDTH))


def sections(explanation: Explanation) -> Iterator[tuple[str, list[Row]]]:
    """Yield the title and rows of each step, then those of the gradients."""
    for step in explanation.steps:
        inputs = listed(list(dict.fromkeys(brief(c.tensor) for c in step.contributions)))
        way = f"through {step.operation}, from {brief(step.tensor)} to {inputs}"
        yield f"Step {step.number} of {len(explanation.steps)}: {way}", list(rows(step))
    yield "The gradients", [reached(g, explanation.output) for g in explanation.gradients]


def reached(g: Gradient, output: str) -> Row:
    """Write a gradient that the sweep led to."""
    if not g.terms and g.tensor != output:
        return Row(brief(g.tensor), f"zero: {brief(output)} does not depend on it")
    return Row(label(brief(g.tensor), g.value), equation(f"{g.name} =", [block(g.value)]))


def rows(step: Step) -> Iterator[Row]:
    """Yield what is written of a step."""
    left, _, right = step.equation.partition(" = ")
    forward = equation(f"{left} =", [Block([right], 0), block(step.value)])
    yield Row(label("forward", step.value), forward)
    arrived = equation(f"{step.gradient} =", [block(step.upstream)])
    yield Row(label("arrived", step.upstream), arrived)
    for c in step.contributions:
        notes = label(f"to {brief(c.tensor)}", c.value)
        if c.unsummed is not None:
            notes += "\nbroadcast"
        if c.terms > 1:
            notes += f"\nterm {c.term} of {c.terms}"
        yield Row(notes, passed_on(c, step.operation))
    whole = [gradient.name for gradient in step.complete if len(gradient.terms) == 1]
    if whole:
        yield Row("complete", "\n".join(textwrap.wrap(listed(whole), WIDTH)))
    for gradient in step.complete:
        if len(gradient.terms) > 1:
            yield Row(label("added up", gradient.value), added_up(gradient))


def label(text: str, value: np.ndarray) -> str:
    """Label a row, with the shape of its value below unless that is a number."""
    return f"{text}\n{value.shape}" if value.ndim and is_small(value) else text


def passed_on(c: Contribution, operation: str) -> str:
    """Write a contribution: by its rule, with numbers put in, summed if it must be, as a value."""
    rule = c.rule or f"({operation}'s own rule, which takes only arrays)"
    sides = [Block([rule], 0)]
    if c.numbers is not None:
        first, *_ = c.numbers.split("\n\n")
        sides.append(Block(c.numbers.split("\n"), first.count("\n") // 2))
    if c.unsummed is not None:
        before = block(c.unsummed)
        if len(sides) > 1 and sides[-1].lines == before.lines:
            sides.pop()
        to = c.value.shape or "one number"
        sides.append(beside([before, Block([f", summed to {to}"], 0)]))
    return equation(left_of(c), [*sides, block(c.value)])


def left_of(c: Contribution) -> str:
    """Write what a contribution goes to: ``∂L/∂x =``, or ``∂L/∂x +=`` if there are more of them."""
    return f"{c.gradient} {'=' if c.terms == 1 else '+='}"


def added_up(gradient: Gradient) -> str:
    """Write a gradient as the sum of its terms, and say which steps they come from."""
    terms = gradient.terms[:MOST_TERMS]
    steps = [term.step for term in terms]
    sources = [
        f"(step {t.step})" if steps.count(t.step) == 1 else f"(step {t.step}, operand {t.operand})"
        for t in terms
    ]
    values = [bracketed(block(term.value)) for term in terms]
    left_out = len(gradient.terms) - len(terms)
    if left_out:
        sources.append(f"({left_out} more)")
        values.append(Block([f"({left_out} more)"], 0))
    plus = Block([" + "], 0)
    sides = [
        Block([" + ".join(sources)], 0),
        flowing([part for value in values for part in (plus, value)][1:], WIDTH - 12),
        block(gradient.value),
    ]
    return equation(f"{gradient.name} =", sides)


def listed(names: Sequence[str]) -> str:
    """Join names: ``a, b and c``."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])


def brief(name: str) -> str:
    """Shorten a long name, where it is written in full nearby."""
    return name if len(name) <= 24 else f"{name[:20]}…"


def in_line(row: Row) -> str:
    """Write a row as plain text."""
    left, right = row.label.split("\n"), row.text.split("\n")
    if max(map(width, left)) > LABEL:  # the text starts below
        right = [""] * len(left) + right
    left += [""] * (len(right) - len(left))
    right += [""] * (len(left) - len(right))
    return "\n".join(a + " " * (LABEL + 1 - width(a)) + b for a, b in zip(left, right, strict=True))


class Block(NamedTuple):
    """Lines of text that stand side by side with others, level at the line ``base``."""

    lines: list[str]
    base: int


def equation(left: str, sides: list[Block]) -> str:
    """Write ``x =`` and a side, and each further side below.

    A side of one line is broken where it is too long; one that repeats the last is left out.
    """
    sides = [side for i, side in enumerate(sides) if not i or side.lines != sides[i - 1].lines]
    room = WIDTH - width(left) - 1
    alone = room < WIDTH // 2 or any(
        width(line) > room for side in sides for line in side.lines if len(side.lines) > 1
    )
    name, sign = left.rsplit(" ", 1)
    start = f"  {sign}" if alone else left
    parts = [name] if alone else []
    for side in sides:
        if len(side.lines) == 1:
            side = Block(textwrap.wrap(side.lines[0], WIDTH - width(start) - 1) or [""], 0)
        parts += beside([Block([f"{start} "], 0), side]).lines
        start = " " * (width(start) - 1) + "="
    return "\n".join(parts)


def block(value: np.ndarray) -> Block:
    """Write a value: a number, a list, a matrix in brackets, or the summary of a large array."""
    if value.ndim != 2 or not is_small(value) or not value.size:
        return Block([shown(value)], 0)
    texts = written_alike(value)
    cells = [texts[i : i + value.shape[1]] for i in range(0, value.size, value.shape[1])]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True)) for row in cells]
    n = len(lines)
    edges = ["[]"] if n == 1 else ["⎡⎤", *["⎢⎥"] * (n - 2), "⎣⎦"]
    return Block([e[0] + line + e[1] for e, line in zip(edges, lines, strict=True)], (n - 1) // 2)


def bracketed(part: Block) -> Block:
    """Put a negative number in brackets."""
    negative = len(part.lines) == 1 and part.lines[0].startswith("-")
    return Block([f"({part.lines[0]})"], 0) if negative else part


def flowing(parts: list[Block], room: int) -> Block:
    """Put blocks side by side; where they become too wide, go on below an empty line."""
    rows: list[list[Block]] = [[]]
    used = 0
    for part in parts:
        if used and used + width(part.lines[0]) > room:
            rows.append([])
            used = 0
        rows[-1].append(part)
        used += width(part.lines[0])
    first, *others = map(beside, rows)
    below = [line for other in others for line in ("", *other.lines)]
    return Block([*first.lines, *below], first.base)


def beside(parts: list[Block]) -> Block:
    """Put blocks side by side, level at their bases."""
    base = max(part.base for part in parts)
    below = max(len(part.lines) - part.base for part in parts)
    rows = [""] * (base + below)
    for part in parts:
        n = max(map(width, part.lines))
        for i in range(len(rows)):
            j = i - base + part.base
            line = part.lines[j] if 0 <= j < len(part.lines) else ""
            rows[i] += line + " " * (n - width(line))
    return Block(rows, base)


def width(text: str) -> int:
    """Return how many columns a text takes on a console."""
    return len(text) if text.isascii() else sum(map(columns, text))


@functools.cache
def columns(character: str) -> int:
    """Return how many columns a character takes: none for an accent that it gives to another."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def is_small(array: np.ndarray) -> bool:
    """Say whether an array is written out."""
    most = MOST_ENTRIES if array.ndim <= 2 else MOST_IN_DEPTH
    return array.size <= most and max(array.shape, default=0) <= LONGEST_AXIS


def shown(value: np.ndarray) -> str:
    """Write an array in one line: its entries, or a summary where they are many."""
    if is_small(value):
        return nested(written_alike(value), value.shape)
    if not value.size:
        return f"{by_shape(value)}, which has no entries"
    first = ", ".join(number(entry) for entry in islice(value.flat, FIRST_ENTRIES))
    return f"{by_shape(value)} from {number(value.min())} to {number(value.max())}: {first}, …"


def nested(texts: list[str], shape: tuple[int, ...]) -> str:
    """Write entries as nested lists."""
    if not shape:
        return texts[0]
    n = math.prod(shape[1:])
    parts = (nested(texts[i * n : (i + 1) * n], shape[1:]) for i in range(shape[0]))
    return f"[{', '.join(parts)}]"


def written_alike(value: np.ndarray) -> list[str]:
    """Write the entries of an array, all to as many decimals: four digits of the largest."""
    entries = value.ravel().tolist()
    largest = max((abs(x) for x in entries if math.isfinite(x)), default=0)
    if len(entries) < 2 or value.dtype.kind != "f" or not 1e-3 <= largest < 1e4:
        return [number(entry) for entry in entries]
    decimals = 3 - math.floor(math.log10(largest))
    texts = [f"{entry:z.{decimals}f}" for entry in entries]
    if decimals:
        spare = min(len(text) - len(text.rstrip("0")) for text in texts)
        texts = [text[: len(text) - spare].rstrip(".") for text in texts]
    return [
        f"{entry:.0e}" if entry and not float(text) else text  # small, but not zero
        for entry, text in zip(entries, texts, strict=True)
    ]


def by_shape(array: np.ndarray) -> str:
    """Stand in for a large array: ``⟨64×10⟩``."""
    return f"⟨{'×'.join(map(str, array.shape))}⟩"


def number(value: Any) -> str:
    """Write a number: four digits of a float, and never "-0"; all of an integer."""
    return f"{value:z.4g}" if isinstance(value, (float, np.floating)) else str(value)


# ---- HTML and JSON ----

#: What a page has before its content.
HTML_HEAD = "<!DOCTYPE html>\n<meta charset='utf-8'>\n<title>The reverse sweep</title>\n"


def as_html(explanation: Explanation) -> str:
    """Write an explanation as HTML: a table for each step; all text is escaped."""
    tables = []
    for title, rows in sections(explanation):
        cells = "".join(
            f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(row.label)}</th>"
            f"<td style='text-align:left'><pre style='margin:0'>{html.escape(row.text)}</pre></td>"
            "</tr>\n"
            for row in rows
        )
        caption = "<caption style='text-align:left;font-weight:bold'>"
        tables.append(f"<table>{caption}{html.escape(title)}</caption>\n{cells}</table>\n")
    return f"<div>\n<p>{html.escape(introduction(explanation))}</p>\n{''.join(tables)}</div>\n"


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as what JSON can hold; see ``docs/explain.schema.json``."""
    return {
        "version": 1,
        "output": {"tensor": explanation.output, "value": array_json(explanation.value)},
        "steps": [
            {
                "number": step.number,
                "tensor": step.tensor,
                "operation": step.operation,
                "equation": step.equation,
                "value": array_json(step.value),
                "upstream": {"gradient": step.gradient, "value": array_json(step.upstream)},
                "contributions": [
                    {
                        "operand": c.operand,
                        "tensor": c.tensor,
                        "gradient": c.gradient,
                        "term": c.term,
                        "terms": c.terms,
                        "rule": c.rule,
                        "numbers": c.numbers,
                        "value": array_json(c.value),
                        "unsummed": None if c.unsummed is None else array_json(c.unsummed),
                    }
                    for c in step.contributions
                ],
                "complete": [gradient_json(gradient) for gradient in step.complete],
            }
            for step in explanation.steps
        ],
        "gradients": [gradient_json(gradient) for gradient in explanation.gradients],
    }


def gradient_json(gradient: Gradient) -> dict[str, Any]:
    """Return a gradient as what JSON can hold."""
    return {
        "tensor": gradient.tensor,
        "gradient": gradient.name,
        "value": array_json(gradient.value),
        "terms": [{"step": term.step, "operand": term.operand} for term in gradient.terms],
    }


def array_json(array: np.ndarray) -> dict[str, Any]:
    """Return an array as what JSON can hold: its entries, or a summary where they are many."""
    facts: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if is_small(array):
        return facts | {"entries": plain(array.tolist())}
    if not array.size:
        return facts | {"entries": []}
    return facts | {
        "smallest": plain(array.min().item()),
        "largest": plain(array.max().item()),
        "first": plain([entry.item() for entry in islice(array.flat, FIRST_ENTRIES)]),
    }


def plain(entries: Any) -> Any:
    """Return nested lists of numbers; NaN and infinity, which JSON lacks, as text."""
    if isinstance(entries, list):
        return [plain(entry) for entry in entries]
    if isinstance(entries, float) and not math.isfinite(entries):
        return str(entries)
    return entries
