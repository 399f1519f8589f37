"""The finite-difference witness for one's own functions: is a gradient right, and if not, where.

The function's gradient is compared with central differences at steps from large to small. Where
they settle, between truncation error (steps too large) and rounding error (steps too small), the
difference can be trusted as far as its neighbours agree, and a gradient further off is wrong. Where
they never settle, the step is bad, not the rule, and nothing is decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .differences import Array, Differences, Estimate, differences_along, entry_by_entry
from .engine import Tensor, grad, sweep
from .transforms import differentiating

#: Steps that are swept, relative to max(1, |entry|).
STEPS = tuple(10.0**-k for k in range(2, 9))

#: Differences have settled if three neighbouring ones are this close, relative to the largest...
SETTLED = 1e-3

#: ...or relative to the function's own value: then its derivative is zero, but for rounding.
ROUNDING = 1e-9

#: A gradient this small beside the terms that were added up to it is zero, but for rounding.
CANCELLED = 1e-12

#: Inputs with more entries than this are checked along so many random directions.
LARGE, DIRECTIONS = 200, 20

MEANING = {
    "wrong": "wrong (the differences settle, on another value)",
    "kink": "at a kink (the slopes on the two sides differ)",
    "no plateau": "not decided (the differences settle on no value above rounding)",
}


class Failure(NamedTuple):
    """One entry, or one random direction, along which a gradient is not what differences say."""

    where: Any  # the entry's index, or the direction's number
    gradient: float  # what the backward rules say
    difference: float
    reason: str  # as in MEANING


class InputReport(NamedTuple):
    """What was found for one input."""

    name: str
    shape: tuple[int, ...]
    checked: int  # how many were checked...
    along: str  # ..."entries" or "directions"
    error: float  # the largest difference, relative to the largest slope
    failures: list[Failure]

    def __str__(self) -> str:
        head = f"{self.name} {self.shape}: "
        if not self.failures:
            agree = "entry agrees" if self.checked == 1 else f"{self.along} agree"
            return f"{head}{self.checked} {agree}, relative error {self.error:.1e}"
        reasons = Counter(failure.reason for failure in self.failures)
        found = ", ".join(
            f"{reasons[reason]} of {self.checked} {self.along} {meaning}"
            for reason, meaning in MEANING.items()
            if reason in reasons
        )
        worst = max(
            self.failures, key=lambda f: (f.reason == "wrong", abs(f.gradient - f.difference))
        )
        return (
            f"{head}{found}; worst at {worst.where}: gradient {worst.gradient:.10g}, "
            f"difference {worst.difference:.10g}"
        )


class GradcheckReport(NamedTuple):
    """What `gradcheck` found; true if everything agrees."""

    inputs: list[InputReport]
    linear: bool  # whether the gradient scales with the upstream gradient, as a product must
    order: int  # 1 for the gradient, 2 for the gradient's gradient

    @property
    def outcome(self) -> str:
        """One of "passed", "FAILED" and "not decided": nothing is wrong, but not all checked."""
        reasons = {failure.reason for found in self.inputs for failure in found.failures}
        if not self.linear or reasons - {"no plateau"}:
            return "FAILED"
        return "not decided" if reasons else "passed"

    @property
    def passed(self) -> bool:
        """Whether everything agrees."""
        return self.outcome == "passed"

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        what = "gradient" if self.order == 1 else "gradient of the gradient"
        lines = [f"{what}: {self.outcome}", *map(str, self.inputs)]
        if not self.linear:
            lines.append("the gradient is not linear in the upstream gradient g: a rule misuses g")
        return "\n  ".join(lines)

    def __repr__(self) -> str:
        return str(self)


def gradcheck(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    order: int = 1,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradcheckReport:
    """Compare the gradient of a function with finite differences.

    Parameters
    ----------
    function
        Takes Tensors, and returns a Tensor of any shape. It must give the same result when called
        again.
    inputs
        A list of float64 arrays, numbers or Tensors: where to check. Every entry of a small input
        is moved by itself; an input of more than 200 entries is moved along 20 random directions.
    order
        1 checks the gradient; 2 checks the gradient of the gradient, as the differences of a
        gradient that is taken as right: check that first.
    tolerance
        How far gradient and difference may be apart, relative to the difference, beyond what the
        difference itself is uncertain by.
    seed
        Of the random upstream gradient and directions.

    Returns
    -------
    GradcheckReport
        True if all agrees. Printed, it says which input, which entry, both values, how many of how
        many are wrong, and whether the differences settle at all. Its ``outcome`` is "passed",
        "FAILED", or "not decided", where nothing is wrong but differences cannot see all of it.

    Raises
    ------
    TypeError
        If an input or the output is not float64: in float32 a difference is mostly rounding. If
        the inputs are not in a list, or the function does not return a Tensor.
    ValueError
        If the order is not 1 or 2, the tolerance makes no sense, or the function gives another
        result when called again.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> print(bp.gradcheck(bp.tanh, [np.array([0.1, 0.2])]))  # doctest: +ELLIPSIS
    gradient: passed
      input 0 (2,): 2 entries agree, relative error ...

    A rule that has lost a factor:

    >>> @bp.primitive
    ... def cube(x):
    ...     return x**3
    >>> @cube.backward
    ... def _(out, x):
    ...     return lambda g: g * x**2
    >>> print(bp.gradcheck(lambda x: cube(x).sum(), [np.array([1.0, 2.0])]))
    gradient: FAILED
      input 0 (2,): 2 of 2 entries wrong (the differences settle, on another value); worst at \
(1,): gradient 4, difference 12
    """
    if order not in (1, 2):
        raise ValueError(f"gradcheck checks order 1 or 2, not {order!r}.")
    if not 0.0 <= tolerance <= 1.0:
        raise ValueError(f"the tolerance must be between 0 and 1, not {tolerance!r}.")
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(
            "gradcheck takes a list of inputs, one for each argument of the function: "
            f"gradcheck(fn, [x]), not {inputs!r:.60}."
        )
    points = [float64_point(value, i) for i, value in enumerate(inputs)]
    names = [getattr(value, "name", None) or f"input {i}" for i, value in enumerate(inputs)]
    with differentiating():
        check = Check(function, points, order, np.random.default_rng(seed))
        reports = [check.input(i, name, tolerance) for i, name in enumerate(names)]
    return GradcheckReport(reports, check.linear, order)


def float64_point(value: Any, i: int) -> Array:
    array = np.array(value.data if isinstance(value, Tensor) else value)
    if array.dtype != np.float64:
        instead = (
            ". Make the real and the imaginary part two inputs."
            if array.dtype.kind == "c"
            else ": a difference of float32 numbers is mostly rounding, and integers cannot move a "
            "little. Convert it with .astype(np.float64)."
        )
        raise TypeError(f"gradcheck needs float64 inputs, and input {i} is {array.dtype}{instead}")
    return array


class Check:
    """A function at a point, with its gradients, to be compared input by input."""

    def __init__(
        self,
        function: Callable[..., Any],
        points: list[Array],
        order: int,
        rng: np.random.Generator,
    ) -> None:
        self.function, self.points, self.rng = function, points, rng
        output, again = self.record(points)[0], self.record(points)[0]
        if not np.array_equal(again.data, output.data, equal_nan=True):
            raise ValueError(
                "the function gives another result when called again with the same inputs, so it "
                "has no derivative to check. Seed its random generator inside the function."
            )
        self.size = float(np.abs(output.data).max(initial=0.0))
        self.g = rng.standard_normal(output.shape) if output.size > 1 else np.ones(output.shape)
        self.linear = self.scales_with_upstream(output.shape)
        if order == 2:
            self.function, self.g = self.gradient_along(), np.ones(())
        self.gradients = self.gradients_for(self.g)

    def record(self, points: Sequence[Array]) -> tuple[Tensor, list[Tensor]]:
        leaves = [Tensor(point, requires_grad=True) for point in points]
        output = self.function(*leaves)
        if not isinstance(output, Tensor):
            raise TypeError(
                f"gradcheck needs a function that returns a Tensor, not {output!r:.60}."
            )
        if output.dtype != np.float64:
            raise TypeError(f"gradcheck needs a float64 output, and this one is {output.dtype}.")
        return output, leaves

    def gradients_for(self, g: Array) -> list[Array]:
        output, leaves = self.record(self.points)
        if not output.requires_grad:
            return [np.zeros(point.shape) for point in self.points]
        return list(grad(output, leaves, gradient=g, allow_unused=True))

    def scales_with_upstream(self, shape: tuple[int, ...]) -> bool:
        # a gradient is linear in the upstream gradient, as a product with it is
        g, h = self.rng.standard_normal(shape), self.rng.standard_normal(shape)
        parts = (self.gradients_for(upstream) for upstream in (g, h, 2.0 * g - 3.0 * h))
        for from_g, from_h, mixed in zip(*parts, strict=True):
            with np.errstate(invalid="ignore"):  # infinity - infinity
                expected = 2.0 * from_g - 3.0 * from_h
                difference = np.abs(mixed - expected)
            finite = np.isfinite(difference)
            rounding = 1e-9 * np.abs(expected[finite]).max(initial=0.0)
            if difference[finite].max(initial=0.0) > rounding + 1e-12 * max(1.0, self.size):
                return False
        return True

    def gradient_along(self) -> Callable[..., Tensor]:
        # its gradient is the second-order one: a mix of the gradients
        function, g = self.function, self.g
        weights = [self.rng.standard_normal(point.shape) for point in self.points]

        def mixed(*leaves: Tensor) -> Tensor:
            output = function(*leaves)
            total = Tensor(0.0)
            if output.requires_grad:
                parts = grad(output, leaves, g, create_graph=True, allow_unused=True)
                for part, weight in zip(parts, weights, strict=True):
                    total = total + (part * weight).sum()
            return total

        return mixed

    @cached_property
    def terms(self) -> list[Array]:
        # The gradient of each tensor on the way is sent back on its own, with random weights: what
        # cancels in a gradient, as in that of the sum of a softmax, does not cancel here.
        output, leaves = self.record(self.points)
        largest = [np.zeros(point.shape) for point in self.points]
        for t, g in sweep([(output, self.g)]) if output.requires_grad else ():
            parts = grad(t, leaves, g * self.rng.standard_normal(g.shape), allow_unused=True)
            largest = [np.maximum(a, np.abs(b)) for a, b in zip(largest, parts, strict=True)]
        return largest

    def directions(self, point: Array) -> tuple[str, list[tuple[Any, Array]]]:
        if point.size <= LARGE:
            return "entries", list(entry_by_entry(point))
        unit = np.maximum(1.0, np.abs(point))  # steps are relative to this
        draws = (unit * self.rng.standard_normal(point.shape) for _ in range(DIRECTIONS))
        return "directions", list(enumerate(draws))

    def input(self, i: int, name: str, tolerance: float) -> InputReport:
        # Where gradient and difference are both zero within rounding, any other gradient as small
        # would agree too. That passes beside an entry that is decided, or where the terms of the
        # gradient cancel; else nothing has been checked, and it is not decided.
        point, gradient = self.points[i], self.gradients[i]

        def f(x: Array) -> Any:
            output, _ = self.record([*self.points[:i], x, *self.points[i + 1 :]])
            return np.vdot(output.data, self.g)

        along, directions = self.directions(point)
        middle = f(point)
        size = max(self.size, abs(float(middle)))
        failures, hidden, decided, apart, largest = [], [], False, 0.0, 0.0
        for place, direction in directions:
            slope = float(np.vdot(np.where(direction, gradient, 0.0), direction))  # not inf * 0
            found = settled(differences_along(f, point, middle, direction, STEPS), size)
            apart = max(apart, abs(slope - found.slope))
            largest = max(largest, abs(found.slope))
            reason = objection(found, slope, tolerance, size)
            length = float(np.linalg.norm(direction))
            failure = Failure(place, slope / length, found.slope / length, reason or "no plateau")
            if reason:
                failures.append(failure)
            elif max(abs(slope), abs(found.slope)) > found.error:
                decided = True
            elif abs(slope) > CANCELLED * np.vdot(self.terms[i], np.abs(direction)):
                hidden.append(failure)
        error = apart / largest if largest else apart
        found_wrong = failures if decided else failures + hidden
        return InputReport(name, point.shape, len(directions), along, error, found_wrong)


def settled(differences: Differences, size: float) -> Estimate:
    # Rounding is taken as relative to 1 at least, as of numbers of that size inside of the
    # function. If that hides the slope, and the differences still settle, it is relative to the
    # function's own.
    found, closer = differences.settled(max(size, 1.0)), differences.settled(size)
    if abs(found.slope) <= found.error and abs(closer.slope) > closer.error / SETTLED:
        found = closer
    return Estimate(*map(float, found))


def objection(found: Estimate, gradient: float, tolerance: float, size: float) -> str | None:
    if not found.error <= max(SETTLED * found.scale, ROUNDING * max(1.0, size)):
        return "no plateau"
    apart = abs(gradient - found.slope)
    if apart <= tolerance * abs(found.slope) + found.error:
        return None
    return "kink" if apart <= found.jump else "wrong"
