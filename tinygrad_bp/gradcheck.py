"""The finite-difference witness for one's own functions: is a gradient right, and if not, where.

The function's gradient is compared with central differences at steps from large to small. Where
three neighbouring estimates settle, forming a plateau between truncation error (steps too large)
and rounding error (steps too small), the difference can be trusted as far as they agree, and a
gradient further off is wrong. Where they never settle, the step is bad, not the rule, and the
report says so.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .backward import grad
from .tensor import Tensor
from .transforms import differentiating

Array = NDArray[np.float64]

#: Steps that are swept, relative to max(1, |entry|).
STEPS = tuple(10.0**-k for k in range(2, 9))

#: Differences have settled if three neighbouring ones are this close, relative to the largest...
SETTLED = 1e-3

#: ...or relative to the function's own value: then its derivative is zero, but for rounding.
ROUNDING = 1e-9

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
        "wrong"; "kink" (the slopes on the two sides differ, and the gradient lies about between
        them) or "no plateau" (the differences do not settle, or gradient and difference are
        both below rounding: nothing can be said).
    """

    where: Any
    gradient: float
    difference: float
    reason: str


class InputReport(NamedTuple):
    """What was found for one input.

    Parameters
    ----------
    name, shape
        Which input.
    checked, along
        How many "entries" or random "directions" were checked.
    error
        The largest difference, relative to the largest slope.
    failures
        Those that do not pass.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    along: str
    error: float
    failures: list[Wrong]

    def __str__(self) -> str:
        head = f"{self.name} {self.shape}: "
        if not self.failures:
            one = self.checked == 1
            agree = f"{SINGULAR[self.along]} agrees" if one else f"{self.along} agree"
            return f"{head}{self.checked} {agree}, relative error {self.error:.1e}"
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


SINGULAR = {"entries": "entry", "directions": "direction"}

MEANING = {
    "wrong": "wrong (the differences settle, on another value)",
    "kink": "at a kink (the slopes on the two sides differ)",
    "no plateau": "not decided (the differences settle on no value above rounding)",
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


@differentiating()
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
        1 checks the gradient; 2 checks the gradient of the gradient, as the differences of a
        gradient that is taken as right: check that first.
    step
        The step of the central difference, relative to ``max(1, |entry|)``. Left out, seven steps
        from 1e-2 to 1e-8 are swept, and the estimate is taken where they settle. A step of one's
        own is trusted only if ten times and a tenth of it give the same.
    tolerance
        How far gradient and difference may be apart, relative to the difference, beyond what the
        difference itself is uncertain by.
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
        If an input or the output is not float64: in float32 a difference is mostly rounding. If
        the inputs are not in a list, or the function does not return a Tensor.
    ValueError
        If the order is not 1 or 2, the step is not above 0, or the function gives another result
        when called again.

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
    if step is not None and not step > 0.0:
        raise ValueError(f"the step of a difference must be above 0, not {step!r}.")
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(
            "gradcheck takes a list of inputs, one for each argument of the function: "
            f"gradcheck(fn, [x]), and not {inputs!r:.60}."
        )
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
    own = float(np.abs(output.data).max(initial=0.0))
    size = max(1.0, own)
    linear = scales_with_upstream(function, points, size, rng)
    if order == 2:
        function, g = gradient_along(function, g, points, rng), np.ones(())
    gradients = gradients_of(function, points, g)
    steps = STEPS if step is None else (10.0 * step, step, 0.1 * step)

    reports = []
    for i, (name, gradient) in enumerate(zip(names, gradients, strict=True)):

        def along_this(x: Array, i: int = i) -> float:
            moved = [*points[:i], x, *points[i + 1 :]]
            return float(np.vdot(evaluate(function, moved).data, g))

        found = check_input(along_this, points[i], gradient, name, steps, tolerance, own, rng)
        reports.append(found)
    return GradcheckReport(reports, linear, order)


def float64_point(value: Any, i: int) -> Array:
    """Return an input as an array, refusing what differences cannot be taken of."""
    array = value.data if isinstance(value, Tensor) else np.array(value)
    if array.dtype.kind == "c":
        raise TypeError(
            f"gradcheck needs float64 inputs, and input {i} is {array.dtype}. Make the real and "
            "the imaginary part two inputs."
        )
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
    function: Callable[..., Any], points: Sequence[Array], size: float, rng: np.random.Generator
) -> bool:
    """Check that the gradient is linear in the upstream gradient, as a product with it must be."""
    shape = evaluate(function, points).shape
    g, h = rng.standard_normal(shape), rng.standard_normal(shape)
    parts = (gradients_of(function, points, upstream) for upstream in (g, h, 2.0 * g - 3.0 * h))
    for from_g, from_h, mixed in zip(*parts, strict=True):
        with np.errstate(invalid="ignore"):  # infinity - infinity
            expected = 2.0 * from_g - 3.0 * from_h
            difference = np.abs(mixed - expected)
        finite = np.isfinite(difference)
        apart, scale = difference[finite], np.abs(expected)[finite]
        if apart.max(initial=0.0) > 1e-9 * scale.max(initial=0.0) + 1e-12 * size:
            return False
    return True


def check_input(
    f: Callable[[Array], float],
    point: Array,
    gradient: Array,
    name: str,
    steps: Sequence[float],
    tolerance: float,
    size: float,
    rng: np.random.Generator,
) -> InputReport:
    """Compare the gradient by one input with differences, entry by entry or along directions.

    Entries too small to decide do not fail where another entry is decided; alone, they do.
    """
    unit = np.maximum(1.0, np.abs(point))  # steps are relative to this
    where: list[Any]
    if point.size <= LARGE:
        along, where = "entries", list(np.ndindex(point.shape))
        directions = [np.zeros(point.shape) for _ in where]
        for index, direction in zip(where, directions, strict=True):
            direction[index] = unit[index]
    else:
        along, where = "directions", list(range(DIRECTIONS))
        directions = [unit * rng.standard_normal(point.shape) for _ in where]

    failures, hidden, decided, apart, largest = [], [], False, 0.0, 0.0
    for place, direction in zip(where, directions, strict=True):
        slope = float(np.vdot(np.where(direction, gradient, 0.0), direction))  # not inf * 0
        estimate = settled_slope(f, point, direction, steps, size)
        apart = max(apart, abs(slope - estimate.slope))
        largest = max(largest, abs(estimate.slope))
        reason = estimate.objection(slope, tolerance)
        length = float(np.linalg.norm(direction))
        if reason:
            failures.append(Wrong(place, slope / length, estimate.slope / length, reason))
        elif not estimate.hides(slope):
            decided = True
        elif slope != 0.0:
            hidden.append(Wrong(place, slope / length, estimate.slope / length, "no plateau"))
    if not decided:
        failures += hidden
    error = apart / largest if largest else apart
    return InputReport(name, point.shape, len(where), along, error, failures)


class Estimate(NamedTuple):
    """A slope by differences.

    Parameters
    ----------
    slope
        The estimate where three neighbouring steps agree best.
    error
        By how much those three differ, and what rounding alone may add.
    scale
        The largest estimate with these and all larger steps.
    size
        The function's own value, or 1 if that is larger: what rounding is relative to.
    jump
        By how much the slopes on the two sides differ, if smaller steps do not change that; else 0.
    """

    slope: float
    error: float
    scale: float
    size: float
    jump: float

    def hides(self, gradient: float) -> bool:
        """Whether gradient and slope both lie below the error: one agrees with any other."""
        return max(abs(gradient), abs(self.slope)) <= self.error

    def objection(self, gradient: float, tolerance: float) -> str | None:
        """Say why a gradient does not pass: "wrong", "kink" or "no plateau"; None if it does."""
        if not self.error <= max(SETTLED * self.scale, ROUNDING * self.size):
            return "no plateau"
        apart = abs(gradient - self.slope)
        if apart <= tolerance * abs(self.slope) + self.error:
            return None
        return "kink" if apart <= self.jump else "wrong"


def settled_slope(
    f: Callable[[Array], float],
    point: Array,
    direction: Array,
    steps: Sequence[float],
    size: float,
) -> Estimate:
    """Sweep the step of a central difference, and return the estimate where it settles.

    Rounding is taken as relative to 1 at least, as of numbers of that size inside of the function.
    If that hides the slope, and the estimates still settle, it is relative to the function's value.
    """
    h = np.array(steps)
    with np.errstate(all="ignore"):  # a large step may lead to where f is NaN or infinite
        middle = f(point)
        ups = np.array([f(point + step * direction) for step in steps])
        downs = np.array([f(point - step * direction) for step in steps])
        slopes = (ups - downs) / (2 * h)
        jumps = np.abs(ups - 2 * middle + downs) / h
        spreads = np.ptp([slopes[:-2], slopes[1:-1], slopes[2:]], axis=0)
    own = max(size, abs(middle))

    def settled(size: float) -> Estimate:
        errors = spreads + np.finfo(float).eps * size / h[1:-1]
        best = int(np.argmin(np.where(np.isnan(errors), np.inf, errors)))
        k = best + 1  # the middle one of the three
        least = float(np.min(jumps[k:]))
        return Estimate(
            slope=float(slopes[k]),
            error=float(errors[best]),
            scale=float(np.nanmax(np.abs(slopes[: k + 2]), initial=0.0)),
            size=size,
            # Where f is smooth, the slopes on its two sides come together as the step shrinks.
            jump=least if least > jumps[k] / 2 else 0.0,
        )

    estimate, closer = settled(max(own, 1.0)), settled(own)
    hidden = abs(estimate.slope) <= estimate.error
    return closer if hidden and closer.error <= SETTLED * closer.scale else estimate
