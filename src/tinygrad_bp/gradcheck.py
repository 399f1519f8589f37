"""The finite-difference witness for one's own functions: is a gradient right, and if not, where.

The function's gradient is compared with central differences at steps from large to small. Where
the estimates settle, forming a plateau between truncation error (steps too large) and rounding
error (steps too small), the difference can be trusted, and a gradient that disagrees is wrong.
Where they never settle, the step is bad, not the rule, and the report says so.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .backward import grad
from .tensor import Tensor

Array = NDArray[np.float64]

#: Steps that are swept, relative to max(1, |entry|).
STEPS = tuple(10.0**-k for k in range(2, 9))

#: Inputs with more entries than this are checked along random directions.
LARGE = 200

#: How many directions.
DIRECTIONS = 20


class Wrong(NamedTuple):
    """One entry, or one random direction, along which a gradient is not what differences say.

    Parameters
    ----------
    where
        The entry's index, or the direction's number.
    gradient, difference
        What the backward rules say, and what finite differences say.
    reason
        "wrong", "kink" (the slopes to the left and right differ: not differentiable there) or
        "no plateau" (the differences do not settle: nothing can be said).
    """

    where: Any
    gradient: float
    difference: float
    reason: str


class InputReport(NamedTuple):
    """What was found for one input."""

    name: str
    shape: tuple[int, ...]
    checked: int
    along: str
    error: float
    failures: list[Wrong]

    def __str__(self) -> str:
        head = f"{self.name} {self.shape}: "
        if not self.failures:
            return f"{head}{self.checked} {self.along} agree, relative error {self.error:.1e}"
        counts = dict.fromkeys(MEANING, 0)
        for failure in self.failures:
            counts[failure.reason] += 1
        found = ", ".join(
            f"{n} of {self.checked} {self.along} {MEANING[reason]}"
            for reason, n in counts.items()
            if n
        )
        worst = max(
            self.failures, key=lambda f: (f.reason == "wrong", abs(f.gradient - f.difference))
        )
        return (
            f"{head}{found}; worst at {worst.where}: gradient {worst.gradient:.10g}, "
            f"difference {worst.difference:.10g}"
        )


MEANING = {
    "wrong": "wrong (the differences settle, on another value)",
    "kink": "at a kink (the slopes on the two sides differ)",
    "no plateau": "not decided (the differences settle on no value)",
}


class GradcheckReport(NamedTuple):
    """What `gradcheck` found; true if everything agrees.

    Parameters
    ----------
    inputs
        A report for each input.
    linear
        Whether the gradient scales with the upstream gradient, as a chain-rule product must.
    order
        1 for the gradient, 2 for the gradient's gradient.
    """

    inputs: list[InputReport]
    linear: bool
    order: int

    @property
    def passed(self) -> bool:
        """Whether everything agrees."""
        return self.linear and not any(report.failures for report in self.inputs)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        what = "gradient" if self.order == 1 else "gradient of the gradient"
        lines = [f"{what}: {'passed' if self.passed else 'FAILED'}", *map(str, self.inputs)]
        if not self.linear:
            lines.append("the gradient is not linear in the upstream gradient g: a rule misuses g")
        return "\n  ".join(lines)

    def __repr__(self) -> str:
        return str(self)


def gradcheck(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    order: int = 1,
    step: float | None = None,
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
        1 checks the gradient; 2 checks the gradient of the gradient.
    step
        The step of the central difference, relative to ``max(1, |entry|)``. Left out, seven steps
        from 1e-2 to 1e-8 are swept, and the estimate is taken where they settle.
    tolerance
        The largest difference that passes, relative to the largest entry of the gradient.
    seed
        Of the random upstream gradient and directions.

    Returns
    -------
    GradcheckReport
        True if all agrees. Printed, it says which input, which entry, both values, how many of how
        many are wrong, and whether the differences settle at all.

    Raises
    ------
    TypeError
        If an input or the output is not float64: in float32 a difference is mostly rounding.
    ValueError
        If the order is not 1 or 2, or the function gives another result when called again.

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
    points = [float64_point(value, i) for i, value in enumerate(inputs)]
    names = [
        value.name if isinstance(value, Tensor) and value.name else f"input {i}"
        for i, value in enumerate(inputs)
    ]
    rng = np.random.default_rng(seed)
    output = evaluate(function, points)
    g = rng.standard_normal(output.shape) if output.size > 1 else np.ones(output.shape)
    if not np.array_equal(evaluate(function, points).data, output.data, equal_nan=True):
        raise ValueError(
            "the function gives another result when called again with the same inputs, so it has "
            "no derivative to check. Fix its random generator's seed inside of it."
        )
    linear = scales_with_upstream(function, points, rng)
    checked = function if order == 1 else gradient_along(function, g, points, rng)
    if order == 2:
        g = np.ones(())  # `gradient_along` has used g
    gradients = gradients_of(checked, points, g)
    steps = STEPS if step is None else (step,)

    reports = []
    for i, (name, gradient) in enumerate(zip(names, gradients, strict=True)):

        def along_this(x: Array, i: int = i) -> float:
            moved = [*points[:i], x, *points[i + 1 :]]
            return float(np.vdot(evaluate(checked, moved).data, g))

        reports.append(check_input(along_this, points[i], gradient, name, steps, tolerance, rng))
    return GradcheckReport(reports, linear, order)


def float64_point(value: Any, i: int) -> Array:
    """Return an input as an array, refusing what differences cannot be taken of."""
    array = value.data if isinstance(value, Tensor) else np.array(value)
    if array.dtype != np.float64:
        raise TypeError(
            f"gradcheck needs float64 inputs, and input {i} is {array.dtype}: a difference of "
            "float32 numbers is mostly rounding, and integers cannot move a little. Convert it "
            "with .astype(np.float64)."
        )
    return np.array(array)


def evaluate(function: Callable[..., Any], points: Sequence[Array]) -> Tensor:
    """Call the function on fresh Tensors."""
    output = function(*(Tensor(point, requires_grad=True) for point in points))
    if not isinstance(output, Tensor):
        raise TypeError(f"gradcheck needs a function that returns a Tensor, not {output!r:.60}.")
    if output.dtype != np.float64:
        raise TypeError(f"gradcheck needs a float64 output, and this one is {output.dtype}.")
    return output


def gradients_of(function: Callable[..., Any], points: Sequence[Array], g: Array) -> list[Array]:
    """Return the gradient by each input, for an upstream gradient."""
    leaves = [Tensor(point, requires_grad=True) for point in points]
    output = function(*leaves)
    if not output.requires_grad:
        return [np.zeros(point.shape) for point in points]
    return list(grad(output, leaves, gradient=g))


def gradient_along(
    function: Callable[..., Any], g: Array, points: Sequence[Array], rng: np.random.Generator
) -> Callable[..., Tensor]:
    """Return the function whose gradient is the second-order one: a random mix of the gradients."""
    weights = [rng.standard_normal(point.shape) for point in points]

    def mixed(*leaves: Tensor) -> Tensor:
        output = function(*leaves)
        total = Tensor(0.0)
        if not output.requires_grad:
            return total
        for part, weight in zip(grad(output, leaves, g, create_graph=True), weights, strict=True):
            total = total + (part * weight).sum()
        return total

    return mixed


def scales_with_upstream(
    function: Callable[..., Any], points: Sequence[Array], rng: np.random.Generator
) -> bool:
    """Check that the gradient is linear in the upstream gradient, as a product with it must be."""
    shape = evaluate(function, points).shape
    g, h = rng.standard_normal(shape), rng.standard_normal(shape)
    parts = (gradients_of(function, points, upstream) for upstream in (g, h, 2.0 * g - 3.0 * h))
    for from_g, from_h, mixed in zip(*parts, strict=True):
        expected = 2.0 * from_g - 3.0 * from_h
        scale = max(np.abs(array).max(initial=0.0) for array in (from_g, from_h, mixed))
        if not np.allclose(mixed, expected, rtol=0.0, atol=1e-9 * scale, equal_nan=True):
            return False
    return True


def check_input(
    f: Callable[[Array], float],
    point: Array,
    gradient: Array,
    name: str,
    steps: Sequence[float],
    tolerance: float,
    rng: np.random.Generator,
) -> InputReport:
    """Compare the gradient by one input with differences, entry by entry or along directions."""
    if point.size <= LARGE:
        along = "entries"
        where: list[Any] = list(np.ndindex(point.shape))
        directions = []
        for index in where:
            direction = np.zeros(point.shape)
            direction[index] = max(1.0, abs(point[index]))
            directions.append(direction)
    else:
        along = "directions"
        where = list(range(DIRECTIONS))
        directions = [rng.standard_normal(point.shape) for _ in where]
        directions = [d / np.linalg.norm(d) * max(1.0, np.abs(point).max()) for d in directions]

    slopes = [float(np.vdot(gradient, direction)) for direction in directions]
    found = [settled_slope(f, point, direction, steps) for direction in directions]
    sizes = [np.linalg.norm(direction) for direction in directions]
    scale = max(map(abs, [*slopes, *(estimate.slope for estimate in found)]), default=0.0)
    failures, error = [], 0.0
    for place, size, slope, estimate in zip(where, sizes, slopes, found, strict=True):
        apart = abs(slope - estimate.slope)
        if not apart <= tolerance * scale + estimate.noise:  # also where either is NaN
            reason = estimate.doubt(tolerance * scale) or "wrong"
            per_unit = (float(slope / size), float(estimate.slope / size))
            failures.append(Wrong(place, per_unit[0], per_unit[1], reason))
        error = max(error, apart / scale if scale else 0.0)
    return InputReport(name, point.shape, len(where), along, error, failures)


class Estimate(NamedTuple):
    """A slope by differences.

    Parameters
    ----------
    slope
        The estimate where neighbouring steps agree best.
    spread
        By how much those neighbours differ; 0 if there was only one step.
    noise
        What rounding alone may add to the estimate.
    jump
        By how much the slopes on the two sides differ there, in a way that a smaller step does not
        change; 0 if it does.
    """

    slope: float
    spread: float
    noise: float
    jump: float

    def doubt(self, allowed: float) -> str | None:
        """Say why the estimate is no evidence; None if it is."""
        if self.jump > 1e3 * allowed:
            return "kink"
        if not self.spread <= max(100 * allowed, self.noise):
            return "no plateau"
        return None


def settled_slope(
    f: Callable[[Array], float], point: Array, direction: Array, steps: Sequence[float]
) -> Estimate:
    """Sweep the step of a central difference, and return the estimate where it settles."""
    middle = f(point)
    ups = np.array([f(point + h * direction) for h in steps])
    downs = np.array([f(point - h * direction) for h in steps])
    h = np.array(steps)
    slopes = (ups - downs) / (2 * h)
    noises = 4 * np.finfo(float).eps * np.maximum(abs(middle), abs(ups)) / h
    if len(steps) == 1:
        return Estimate(slopes[0], 0.0, noises[0], 0.0)
    spreads = np.abs(np.diff(slopes))
    best = int(np.argmin(np.where(np.isnan(spreads), np.inf, spreads)))
    # Where a function is smooth, the slopes on its two sides come together as the step shrinks.
    # Across a kink they stay as far apart as they were.
    apart = np.abs(ups - 2 * middle + downs) / h
    jump = apart[2] if apart[2] > apart[0] / 2 else 0.0
    return Estimate(slopes[best + 1], spreads[best], noises[best + 1], jump)
