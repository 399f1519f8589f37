"""Derivatives of functions: value_and_grad, jacobian, hessian, vjp, jvp and hvp.

A function takes Tensors and returns one. Given plain arrays, a derivative is a plain array. Given
Tensors, or used inside a function that is itself being differentiated, or of a function that uses
other Tensors that need a gradient, it is a Tensor: derivatives nest to any order, and no gradient
is lost. An output that depends on nothing has the derivative zero.

All raise TypeError where the function does not return a Tensor, and ValueError where it should
return one number and returns several entries.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from . import errors
from .arguments import arranged, in_dtype, parts
from .engine import Tensor, grad
from .recording import current, in_derivative
from .table import TABLE

Function: TypeAlias = Callable[..., Any]
Which: TypeAlias = int | Sequence[int]


class Evaluation:
    """A function's output, recorded from fresh Tensors in place of some of its arguments."""

    def __init__(
        self,
        function: Function,
        args: Sequence[Any],
        which: Which,  # the positions of the arguments to differentiate by
        keywords: Mapping[str, Any],
        others: Sequence[Any] = (),  # what else goes into the derivative, and may be a Tensor
        outer: Sequence[Tensor] = (),  # inputs of the evaluation whose derivative this is
    ) -> None:
        check(function, which)
        self.single = isinstance(which, int)
        self.nested = in_derivative.get() or any(
            isinstance(x, Tensor) for given in (*args, *others) for x in parts(given)
        )
        positions = [which] if isinstance(which, int) else list(which)
        args = list(args)
        for i in positions:
            if not -len(args) <= i < len(args):
                raise ValueError(
                    f"there is no argument {i} to differentiate by: {len(args)} were given by "
                    "position."
                )
            args[i] = arranged(args[i], map(fresh, parts(args[i])))
        self.given = [args[i] for i in positions]
        self.inputs: list[Tensor] = [x for given in self.given for x in parts(given)]
        with differentiating():
            self.output = function(*args, **keywords)
        if not isinstance(self.output, Tensor):
            raise TypeError(
                f"the function to differentiate returned {self.output!r:.60}, not a Tensor: build "
                "its result from its arguments, with operations that record."
            )
        self.nested = self.nested or depends_on_others(self.output, [*self.inputs, *outer])

    def value(self) -> Any:
        if not self.nested:
            return self.output._array
        return self.output if current.get().enabled else self.output.detach()

    def gradients(self, gradient: Any = None) -> list[Any]:
        if gradient is None and self.output.size != 1:
            raise ValueError(
                f"the function to differentiate must return one number, not "
                f"{self.output.described()}: reduce it, as with .sum(), or take bp.jacobian."
            )
        nested = self.nested or in_derivative.get() or isinstance(gradient, Tensor)
        results = [np.zeros(x.shape, x.dtype) for x in self.inputs]
        if self.output.requires_grad:
            recorded = nested and current.get().enabled
            results = grad(self.output, self.inputs, gradient, recorded, allow_unused=True)
        if not nested:
            return results
        return [g if isinstance(g, Tensor) else Tensor(g) for g in results]

    def one_or_several(self, results: Sequence[Any]) -> Any:  # as the arguments were asked for
        values = iter(results)
        by_argument = tuple(arranged(given, values) for given in self.given)
        return by_argument[0] if self.single else by_argument


def depends_on_others(output: Tensor, inputs: Sequence[Tensor]) -> bool:
    # A leaf that is not an input, such as a network's weights: the derivative depends on it too,
    # and must stay a Tensor for its gradient not to be lost.
    seen = {x.id for x in inputs}
    stack = [output] if output.requires_grad else []
    while stack:
        t = stack.pop()
        if t.id in seen:
            continue
        if t.primitive is None:
            return True
        seen.add(t.id)
        stack.extend(x for x in t.inputs if x is not None and x.requires_grad)
    return False


@contextmanager
def differentiating() -> Iterator[None]:
    # also under `no_grad`, where the derivative as a whole is a constant
    inside, state = in_derivative.set(True), current.set(current.get().but(enabled=True))
    try:
        yield
    finally:
        current.reset(state)
        in_derivative.reset(inside)


def fresh(value: Any) -> Tensor:
    # A Tensor that has a history keeps it, behind a new node: what an enclosing derivative does
    # with the same Tensor is not confused with this one.
    if not isinstance(value, Tensor):
        return Tensor(value, requires_grad=True)
    if value.requires_grad and current.get().enabled:
        return TABLE["identity"](value)  # type: ignore[no-any-return]
    return Tensor(value._array, requires_grad=True)


def check(function: Any, positions: Any) -> None:
    if not callable(function):
        raise errors.no_function(function)
    for i in positions if isinstance(positions, Sequence) else [positions]:
        if not isinstance(i, int):
            raise errors.no_position(i)


def as_list(args: Any) -> Sequence[Any]:  # a single argument may be given bare
    return args if isinstance(args, (list, tuple)) else [args]


def value_and_grad(function: Function, argnums: Which = 0) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes the value of a function and its gradient.

    Parameters
    ----------
    function
        Takes Tensors, and returns a Tensor with one entry.
    argnums
        Which arguments to differentiate by: a number, or a list of them.

    Returns
    -------
    function
        Takes the same arguments, arrays or Tensors; returns the value and the gradient, which is a
        tuple where argnums is a list. Each gradient has the shape of its argument.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> value, slope = bp.value_and_grad(lambda x: x**3)(2.0)
    >>> float(value), float(slope)
    (8.0, 12.0)
    """
    check(function, argnums)

    def result(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        run = Evaluation(function, args, argnums, keywords)
        return run.value(), run.one_or_several(run.gradients())

    return result


def jacobian(function: Function, argnums: Which = 0) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of a function.

    Parameters are those of `value_and_grad`, but that the function returns a Tensor of any shape.
    The result has the shape ``output + argument``, or is a tuple where argnums is a list. It takes
    one reverse sweep for each entry of the output.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.jacobian(bp.softmax)(np.zeros(2))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    check(function, argnums)

    def result(*args: Any, **keywords: Any) -> Any:
        run = Evaluation(function, args, argnums, keywords)
        output = run.output
        n = output.size or 1  # without entries, one row of none, so that there is one to stack
        units = np.eye(n, output.size, dtype=output.dtype).reshape(n, *output.shape)
        rows = [run.gradients(unit) for unit in units]
        jacobians = []
        for column, x in zip(zip(*rows, strict=True), run.inputs, strict=True):
            stacked = TABLE["stack"](list(column))[: output.size]
            jacobians.append(stacked.reshape((*output.shape, *x.shape)))
        return run.one_or_several(jacobians)

    return result


def hessian(function: Function, argnums: Which = 0) -> Callable[..., Any]:
    """Return a function that computes the matrix of second derivatives of a function.

    Parameters are those of `value_and_grad`. The result has the shape ``argument + argument``, or
    is a tuple of tuples where argnums is a list: entry (i, j) is differentiated by i first.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.hessian(lambda x: x[0] ** 2 * x[1])([1.0, 2.0])
    array([[4., 2.],
           [2., 0.]])
    """
    check(function, argnums)

    def slope(i: int, k: int) -> Function:  # by parameter k of argument i
        return lambda *args, **keywords: Evaluation(function, args, i, keywords).gradients()[k]

    def row(i: int, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        several = range(len(parts(args[i])) if -len(args) <= i < len(args) else 1)
        rows = (jacobian(slope(i, k), argnums)(*args, **keywords) for k in several)
        return arranged(args[i], rows)

    if isinstance(argnums, int):
        return lambda *args, **keywords: row(argnums, args, keywords)
    return lambda *args, **keywords: tuple(row(i, args, keywords) for i in argnums)


def vjp(function: Function, *args: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return a function's value, and its vector-Jacobian product: the pull-back of a gradient.

    The function returns a Tensor of any shape. It is differentiated by all its arguments, arrays
    or Tensors. ``pull(g)``, for an upstream gradient g of the value's shape, returns the gradient
    by each argument: a tuple, or for one argument that gradient itself.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> value, pull = bp.vjp(lambda x: x * x, [1.0, 2.0])
    >>> pull([1.0, 10.0])
    array([ 2., 40.])
    """
    run = Evaluation(function, args, 0 if len(args) == 1 else range(len(args)), {})
    return run.value(), lambda g: run.one_or_several(run.gradients(g))


def jvp(function: Function, args: Any, tangents: Any) -> tuple[Any, Any]:
    """Return a function's value and its Jacobian-vector product: its derivative in a direction.

    Parameters
    ----------
    function
        Takes Tensors and returns one, of any shape.
    args
        Where to evaluate it: a list of arrays or Tensors. A single one need not be in a list.
    tangents
        The direction: for each argument an array of its shape.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> value, tangent = bp.jvp(lambda x: x * x, ([1.0, 2.0],), ([1.0, 10.0],))
    >>> tangent
    array([ 2., 40.])
    """
    # The pull-back of an upstream gradient g is linear in g; the derivative of that map, pulled
    # back in its turn, is the Jacobian itself. So the reverse sweep, run twice, goes forward.
    args, tangents = as_list(args), as_list(tangents)
    run = Evaluation(function, args, range(len(args)), {}, tangents)
    zero = np.zeros(run.output.shape, run.output.dtype)
    others = [*args, *tangents, run.value()]
    along = Evaluation(
        lambda g: inner(run.gradients(g), tangents, args), [zero], 0, {}, others, run.inputs
    )
    return run.value(), along.gradients()[0]


def hvp(function: Function, args: Any, vectors: Any) -> Any:
    """Return the product of a function's Hessian with a vector, without building the Hessian.

    The function returns a Tensor with one entry. The arguments are those of `jvp`; the result is a
    tuple with an array or Tensor for each, or just that for a single one that is in no list.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.hvp(lambda x: (x**3).sum(), ([1.0, 2.0],), ([1.0, 10.0],))
    (array([  6., 120.]),)
    """
    points, vectors = as_list(args), as_list(vectors)
    every = range(len(points))

    def slope(*inputs: Any) -> Any:
        return inner(Evaluation(function, inputs, every, {}).gradients(), vectors, inputs)

    run = Evaluation(slope, points, every, {}, vectors)
    products = run.one_or_several(run.gradients())
    return products if points is args else products[0]


def inner(gradients: Sequence[Any], vectors: Sequence[Any], args: Sequence[Any]) -> Any:
    if len(vectors) != len(args):
        raise ValueError(f"there are {len(args)} arguments and {len(vectors)} vectors.")
    along = [part for vector in vectors for part in parts(vector)]
    if len(along) != len(gradients):
        raise ValueError("the vectors and the arguments hold different numbers of parameters.")
    total: Any = 0.0
    for i, (g, v) in enumerate(zip(gradients, along, strict=True)):
        if np.shape(v) != g.shape:
            raise ValueError(f"vector {i} has shape {np.shape(v)}, and its argument {g.shape}.")
        total = total + (g * (v if isinstance(v, Tensor) else in_dtype(v, g.dtype))).sum()
    return total
