"""The engine: a Tensor remembers the step that computed it; the sweep goes back over the steps.

Three things make reverse-mode differentiation:

1. **The record.** A `Primitive` is an operation with two halves: a forward function on plain
   arrays, and a backward rule. Called on Tensors, it computes with their arrays and returns a new
   Tensor that keeps the operation, its inputs and the values that they had. Following ``inputs``
   from a loss leads back through the whole computation to its *leaves*, which a user made.
2. **The rules.** Given the output and the inputs of a step, a backward rule returns one closure for
   each input: a function from the *upstream gradient* g, the derivative of the loss by the output,
   to that input's *contribution*, the part of its own gradient that comes through this step. The
   rules are in ``rules/``; no calculus is here.
3. **The sweep.** It visits the tensors from the latest to the first. What was computed *from* a
   tensor was recorded *after* it, so when its turn comes all contributions to its gradient have
   arrived and been added up; the closures of its step then turn that sum into contributions to
   its inputs. That is the chain rule.

A rule is a plain expression, such as ``g * a * (1 - a)``. On arrays it computes; on Tensors it is
recorded itself, which gives second derivatives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import Any, overload

import numpy as np
from numpy import ndarray

from . import arguments, errors, recording
from .operators import Operators
from .recording import check_forward, checked, line_of_caller, state_now
from .table import TABLE, Closure, Row, Value

FLOAT64 = np.dtype(np.float64)
new = object.__new__

#: Ids count up in recording order, so an output always has a larger id than its inputs.
next_id = itertools.count().__next__


class Tensor(Operators):
    """An array that remembers how it was computed.

    Operators and methods, such as ``a @ b`` and ``t.sum()``, are in `Operators`.

    Parameters
    ----------
    data
        A number, nested list or array of real numbers; it is copied.
    requires_grad
        Whether gradients with respect to it are wanted. Integers and booleans are then converted to
        float64.
    name
        What pictures, printouts and error messages call it.
    dtype
        The type of the entries: float64, float32, integers or booleans; by default the data's.

    Raises
    ------
    TypeError
        For data that is not real numbers (complex, text, objects), or a name that is not text.
    ValueError
        For a nested list whose rows differ in length.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> loss = (x * x).sum()
    >>> loss.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = (
        "__weakref__",
        "id",  # a counter in recording order
        "inputs",  # the Tensors that it was computed from, in order; None for a Python number
        "operands",  # the values that it was computed from, as they were at that moment
        "params",  # the keyword arguments of the operation, such as axis=0
        "primitive",  # the operation that computed it; None for a leaf
        "recorded_at",  # "file:line"; only set under detect_anomaly()
        "scope",  # the scopes that it was recorded in, "outer/inner"
    )

    recorded_at: str

    def __init__(
        self, data: Any, requires_grad: bool = False, name: str | None = None, dtype: Any = None
    ) -> None:
        self._requires_grad = arguments.checked_flag(requires_grad)
        self._array = arguments.real_array(data, requires_grad, dtype)
        self._grad: ndarray | None = None
        self.name = name
        self.id = next_id()
        self.scope = state_now().scope
        self.primitive: Primitive | None = None
        self.inputs: tuple[Tensor | None, ...] = ()
        self.operands: tuple[Any, ...] = ()
        self.params: Mapping[str, Any] = {}

    def backward(self, gradient: Any = None) -> None:
        """Add the gradient of this Tensor with respect to each leaf to the ``grad`` of that leaf.

        Parameters
        ----------
        gradient
            The upstream gradient dL/d(self), of this Tensor's shape. It may be left out where there
            is only one entry: this Tensor is then L itself, and the gradient is 1.

        Raises
        ------
        ValueError
            If this Tensor needs no gradient; if it has several entries and no gradient is given; if
            the shapes differ.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> a = bp.tensor(1.0, requires_grad=True)
        >>> b = a + a
        >>> c = b + b
        >>> c.backward()
        >>> a.grad
        array(4.)
        """
        start = starting_gradient(self, gradient)
        leaves = [turn for turn in sweep([(self, start)], *duties()) if turn[0].primitive is None]
        with recording.lock:  # another thread may add to the same leaves
            for x, g in leaves:
                x._grad = finish(g if x._grad is None else x._grad + g, x)

    def closures(self, recorded: bool = False) -> Sequence[Closure]:
        """Return the backward closures of the step that computed this Tensor, one for each input.

        With ``recorded``, the rule runs on Tensors, so that what the closures do is recorded.
        """
        primitive: Any = self.primitive  # nothing flows on from a leaf, which has none
        rule, params = primitive.rule, self.params
        try:
            if recorded:
                inputs = [
                    value if x is None else as_it_was(x, value)
                    for x, value in zip(self.inputs, self.operands, strict=True)
                ]
                found = rule(self, *inputs, **params)
            elif primitive.arity == 2 and not params:  # by hand, which takes less time than *
                a, b = self.operands
                found = rule(self._array, a, b)
            elif primitive.arity == 1 and not params:
                found = rule(self._array, self.operands[0])
            else:
                found = rule(self._array, *self.operands, **params)
        except TypeError as error:
            errors.add_usage(error, self)
            raise
        if type(found) is not tuple:  # a list, or of one input, a closure alone
            found = tuple(found) if type(found) is list else (found,)
        if len(found) != len(self.inputs):
            raise errors.wrong_number_of_closures(primitive, len(found), len(self.inputs))
        return found if primitive.fresh else arguments.users_closures(self, found, recorded)


class Primitive(Row):
    """An operation that is recorded: a `Row` of the table that can be called on Tensors."""

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Compute the operation, and record it if an operand is a Tensor."""
        arity = self.arity
        if params or self.must_be_given or len(operands) != arity:
            operands, params = arguments.sort_arguments(self, operands, params)
        else:
            params = self.defaults
        values: tuple[Any, ...]
        if arity == 1 and type(operands[0]) is Tensor:
            (x,) = inputs = operands
            values, recorded, requires_grad = (x._array,), True, x._requires_grad
        elif arity == 2 and type(operands[0]) is type(operands[1]) is Tensor:
            a, b = inputs = operands
            values, recorded = (a._array, b._array), True
            requires_grad = a._requires_grad or b._requires_grad
        else:  # the same for any operands; by hand above, which takes half the time
            inputs, values, recorded, requires_grad = arguments.inputs_and_values(
                self, operands, Tensor
            )
        try:
            result = self.forward(*values, **params) if params else self.forward(*values)
        except errors.OF_FORWARD as error:
            result = errors.explained(self, error, operands, values, params)
        if not recorded:
            return result
        if not (self.fresh and type(result) is ndarray and result.dtype is FLOAT64):
            result = arguments.owned(self, result)
        result.setflags(False)  # read-only

        state = state_now()
        output = new(Tensor)
        output._array = result
        output._grad = output._name = None
        output.id = next_id()
        output.scope = state.scope
        if state.enabled:
            output.primitive, output.inputs, output.operands = self, inputs, values
            output._requires_grad, output.params = requires_grad, params
        else:  # under no_grad(), a constant
            output.primitive, output.inputs, output.operands = None, (), ()
            output._requires_grad, output.params = False, {}
        if state.watched:
            output.recorded_at = line_of_caller()
            check_forward(self, output, inputs, values)
        return output


@overload
def primitive(forward: Callable[..., Any]) -> Primitive: ...
@overload
def primitive(**row: Any) -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(forward: Callable[..., Any] | None = None, **row: Any) -> Any:
    r"""Make an operation of a function on arrays; a decorator, with or without arguments.

    Parameters
    ----------
    forward
        The function on plain arrays: operands first, then keyword-only parameters.
    row
        What else is known of the operation: the other arguments of `Primitive`.

    Returns
    -------
    Primitive
        The operation. Its method ``backward`` takes the rule: given the output, the inputs and the
        keyword arguments, it returns one closure for each input. An operation of one input may
        return its closure bare.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> @bp.primitive
    ... def cube(x):
    ...     return x * x * x
    >>> @cube.backward
    ... def _(out, x):
    ...     return lambda g: g * 3 * x * x
    >>> x = bp.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    array(12.)
    """
    return partial(Primitive, **row) if forward is None else Primitive(forward, **row)


def as_it_was(x: Tensor, value: ndarray) -> Tensor:
    """Return a leaf with the value that it had when it was used; gradients flow on to the leaf."""
    if value is x._array:
        return x
    past: Tensor = TABLE["identity"](x)
    past._array, past.operands, past._name = value, (value,), x._name
    return past


# ---- The sweep ----


def sum_copies(x: Tensor, given: Value, tensor: Tensor) -> Value:
    """Sum what a rule gave over the axes along which its input was broadcast."""
    sum_to: Any = TABLE["sum_to"]
    try:  # an array is not recorded, and needs no more than the function on arrays
        return (sum_to if type(given) is Tensor else sum_to.forward)(given, shape=x._array.shape)
    except ValueError:
        raise errors.wrong_shape(x, given.shape, tensor.primitive) from None


def add_up(x: Tensor, earlier: Value, contribution: Value) -> Value:
    """Add a contribution to the gradient of x to those that arrived before."""
    return earlier + contribution


def sweep(
    starts: Iterable[tuple[Tensor, Value]],
    closures: Callable[[Tensor, bool], Sequence[Closure]] = Tensor.closures,
    fit: Callable[[Tensor, Value, Tensor], Value] = sum_copies,
    add: Callable[[Tensor, Value, Value], Value] = add_up,
    in_order: bool = True,
) -> Iterator[tuple[Tensor, Value]]:
    """Go back from given gradients; yield each tensor with its gradient, the latest tensor first.

    It is a loop, not a recursion, so a graph may be as deep as memory allows. The gradients are in
    a table of its own and nothing is written on the tensors, so it can run twice.

    Parameters
    ----------
    starts
        Where to start: tensors with their upstream gradients.
    closures, fit, add, in_order
        The duties of a sweep. ``closures`` make what a step passes on, ``fit`` sums it where an
        input was broadcast, ``add`` adds it to what arrived before, and ``in_order`` the tensor
        recorded last is next; otherwise, the one that waits longest. To see what one is for, put
        another in its place.
    """
    arrived = {-tensor.id: (tensor, g) for tensor, g in starts}
    waiting = sorted(arrived)  # the keys in a heap, the latest tensor first
    while arrived:
        key = heappop(waiting) if in_order else next(iter(arrived))
        tensor, g = turn = arrived.pop(key)
        yield turn
        if tensor.primitive is None:
            continue
        inputs, operand = tensor.inputs, 0
        for closure in closures(tensor, type(g) is Tensor):
            x = inputs[operand]
            operand += 1  # by hand, which takes less time than zip
            if x is None or closure is None or not x._requires_grad:
                continue
            try:
                contribution = closure(g)
            except Exception as error:
                errors.add_usage(error, tensor)
                raise
            if contribution.shape != x._array.shape:
                contribution = fit(x, contribution, tensor)
            key = -x.id
            if key in arrived:  # x was used more than once
                contribution = add(x, arrived[key][1], contribution)
            else:
                heappush(waiting, key)
            arrived[key] = x, contribution


def duties() -> tuple[Any, ...]:
    """Return the duties of a sweep; under `detect_anomaly`, with checks."""
    own = Tensor.closures, sum_copies, add_up
    return checked(*own) if state_now().watched else own


def starting_gradient(output: Tensor, gradient: Any = None, recorded: bool = False) -> Value:
    """Return the upstream gradient of the output itself, checked: 1 unless one is given."""
    if not output._requires_grad:
        raise errors.needs_no_gradient(output)
    if gradient is None:
        if not recorded and output._array.ndim == 0:
            return output._array.dtype.type(1)
        if output.size != 1:
            raise errors.needs_upstream(output)
        gradient = np.ones(output.shape)
    g = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
    if g.shape != output.shape:
        raise errors.upstream_shape(output, g.shape)
    if g.dtype != output.dtype:
        g = g.astype(output.dtype)
    return g if recorded else g._array


def finish(g: Value, x: Tensor) -> Any:
    """Return a gradient in its tensor's dtype: a Tensor, or a read-only array.

    Two gradients may be the same array, so a change to one must not reach the other.
    """
    if type(g) is not ndarray or g.dtype is not x._array.dtype:
        if type(g) is Tensor:
            return g if g.dtype == x.dtype else g.astype(x.dtype)
        g = arguments.gradient_array(g, x)
    g.setflags(False)
    return g


def grad(
    output: Tensor,
    inputs: Any = None,
    gradient: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any:
    """Return the gradient of an output with respect to any tensors it was computed from.

    Nothing is written to any ``grad``. Inputs may be leaves or intermediate tensors.

    Parameters
    ----------
    output
        The Tensor to differentiate.
    inputs
        One Tensor, or a list, tuple or dict of them, or of such.
    gradient
        The upstream gradient of the output, of its shape; 1 if left out, where the output has only
        one entry.
    create_graph
        Return Tensors that remember how they were computed, so that they can be differentiated
        again. Otherwise the gradients are read-only arrays: constants of what they are used in.
    allow_unused
        Return zeros for an input that the output was not computed from.

    Returns
    -------
    array or Tensor, or several, arranged as the inputs
        One gradient for each input, of the input's shape and dtype.

    Raises
    ------
    ValueError
        If the output or an input needs no gradient, the output was not computed from an input, or
        the gradient's shape does not fit.

    Examples
    --------
    The second derivative of x^3 is 6x:

    >>> import tinygrad_bp as bp
    >>> x = bp.tensor(2.0, requires_grad=True)
    >>> slope = bp.grad(x**3, x, create_graph=True)
    >>> float(slope), float(bp.grad(slope, x))
    (12.0, 12.0)
    """
    if not isinstance(output, Tensor):
        raise errors.not_differentiable(output)
    if create_graph and not state_now().enabled:
        raise errors.not_recording()
    wanted, structure = arguments.inputs_of(inputs)
    ids = {x.id for x in wanted}
    start = starting_gradient(output, gradient, recorded=create_graph)
    found = {x.id: g for x, g in sweep([(output, start)], *duties()) if x.id in ids}
    results = []
    for x in wanted:
        if x.id not in found and not allow_unused:
            arguments.check_used(x, output)
        g = found[x.id] if x.id in found else np.zeros(x.shape)
        results.append(finish(Tensor(g) if create_graph and type(g) is not Tensor else g, x))
    return arguments.unflatten(structure, iter(results))


tensor = Tensor
