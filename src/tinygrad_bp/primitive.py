"""A primitive operation: its forward function, its backward rule, and how it is written.

The forward function computes with plain arrays. The backward rule is given the output and the
inputs, and returns one closure for each input: a function from the upstream gradient g to that
input's contribution. A rule is pure mathematics in operators, methods and operations that arrays
and Tensors share, so the same text runs on either. Summing over broadcast axes, adding
contributions up and skipping inputs that need no gradient are the sweep's work, not the rule's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, overload

import numpy as np

from .recording import current
from .tensor import Tensor, describe, next_id

#: An ndarray or a Tensor: a rule does not care which.
Value: TypeAlias = Any

#: From the upstream gradient to the contribution to one input; None where none flows back.
Closure: TypeAlias = Callable[[Value], Value] | None

#: Given the output, the inputs and the settings: a closure for each input.
Rule: TypeAlias = Callable[..., Closure | tuple[Closure, ...]]

#: These stay themselves in a record: NumPy lets them adopt the precision of the array beside them.
PYTHON_NUMBERS = (float, int, bool)


class Primitive:
    """An operation that is recorded when a Tensor is among its operands.

    Given only arrays and numbers, it computes an array. Made by the decorator `primitive`.

    Parameters
    ----------
    forward
        The function on plain arrays. Its positional parameters are the operands; its keyword-only
        parameters are settings, such as an axis, that carry no gradient.
    symbol
        How pictures show it, such as ``"@"``; its name if left out.
    needs
        What the operands must satisfy, for error messages.
    """

    def __init__(self, forward: Callable[..., Any], symbol: str = "", needs: str = "") -> None:
        functools.update_wrapper(self, forward)
        self.__name__: str = forward.__name__
        self.forward = forward
        self.symbol = symbol or forward.__name__
        self.needs = needs
        self.rule: Rule = self._missing_rule
        parameters = inspect.signature(forward).parameters.values()
        self.operand_names = [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
        self.takes_any_number = any(p.kind == p.VAR_POSITIONAL for p in parameters)
        self.settings = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
        self.defaults = {p.name: p.default for p in parameters if p.kind == p.KEYWORD_ONLY}
        self.defaults = {k: v for k, v in self.defaults.items() if v is not inspect.Parameter.empty}
        self.arity = len(self.operand_names)

    def backward(self, rule: Rule) -> Rule:
        """Set the backward rule: a decorator for ``def _(output, *inputs, **settings)``."""
        self.rule = rule
        return rule

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Compute the operation, and record it if an operand is a Tensor."""
        if self.settings or params or len(operands) != self.arity:
            operands, params = self._sorted_out(operands, params)

        values = []
        tensors = requires_grad = 0
        for operand in operands:
            if isinstance(operand, Tensor):
                values.append(operand._data)
                tensors += 1
                requires_grad |= operand.requires_grad
            else:
                values.append(operand)
        inputs = operands
        if tensors and tensors < len(operands):
            values, inputs = self._constants_recorded(operands)

        try:
            result = self.forward(*values, **params)
        except (TypeError, ValueError, IndexError) as error:
            raise self._explained(error, operands, params) from error
        if not tensors:
            return result

        state = current.get()
        output = Tensor.__new__(Tensor)
        output._data = recordable(result)
        output.grad = None
        output.name = None
        output.scope = state.scope
        output.id = next_id()
        output.params = params
        if state.enabled:
            output.requires_grad = bool(requires_grad)
            output.primitive = self
            output.inputs = inputs
            output.operands = tuple(values)
        else:
            output.requires_grad = False
            output.primitive = None
            output.inputs = output.operands = ()
        return output

    def _sorted_out(
        self, operands: tuple[Any, ...], params: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tell operands from settings, as a call of the forward function would."""
        params = dict(params)
        if not self.takes_any_number:
            surplus = operands[self.arity :]
            if len(surplus) > len(self.settings):
                raise TypeError(
                    f"{self.__name__} takes {self.arity} operand(s) and {len(self.settings)} "
                    f"setting(s), and was given {len(operands)} values."
                )
            params.update(zip(self.settings, surplus, strict=False))
            missing = self.operand_names[len(operands) :]
            if not all(name in params for name in missing):
                raise TypeError(
                    f"{self.__name__} needs {self.arity} operand(s), "
                    f"{' and '.join(self.operand_names)}, and was given {len(operands)}."
                )
            operands = operands[: self.arity] + tuple(params.pop(name) for name in missing)
        for name, value in params.items():
            if name not in self.settings:
                raise TypeError(
                    f"{self.__name__} has no setting {name!r}. "
                    f"It has: {', '.join(self.settings) or 'none'}."
                )
            params[name] = captured(value, f"the setting {name!r} of {self.__name__}")
        return operands, {**self.defaults, **params}

    def _constants_recorded(
        self, operands: tuple[Any, ...]
    ) -> tuple[list[Any], tuple[Tensor | None, ...]]:
        """Make Tensors of the arrays among the operands, so that the record owns its values.

        Python numbers stay themselves: NumPy lets them adopt the precision of the array beside them.
        """
        values: list[Any] = []
        inputs: list[Tensor | None] = []
        for name, operand in zip(self.names_of(operands), operands, strict=True):
            if type(operand) in PYTHON_NUMBERS:
                values.append(operand)
                inputs.append(None)
                continue
            if not isinstance(operand, Tensor):
                try:
                    operand = Tensor(operand)
                except (TypeError, ValueError) as error:
                    raise type(error)(f"{self.__name__} cannot take its {name}: {error}") from None
            values.append(operand._data)
            inputs.append(operand)
        return values, tuple(inputs)

    def names_of(self, operands: tuple[Any, ...]) -> list[str]:
        """Return what the operands are called: the forward function's parameter names."""
        return self.operand_names or [f"operand {i}" for i in range(1, len(operands) + 1)]

    def _explained(
        self, error: Exception, operands: tuple[Any, ...], params: Mapping[str, Any]
    ) -> Exception:
        """Return the error of a forward function again, in terms of the operation and its operands."""
        named = zip(self.names_of(operands), operands, strict=False)
        parts = [f"{name} is {describe(operand)}" for name, operand in named]
        parts += [f"{name} = {value!r:.60}" for name, value in params.items()]
        needs = f" It needs {self.needs}." if self.needs else ""
        kind = TypeError if isinstance(error, TypeError) else ValueError
        return kind(f"{self.__name__} failed: {', '.join(parts)}.{needs} ({error})")

    def _missing_rule(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self.__name__} has no backward rule. Give it one with @{self.__name__}.backward."
        )

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"


def recordable(result: Any) -> np.ndarray:
    """Return a forward function's result as a read-only array that nothing outside can change."""
    if type(result) is not np.ndarray:
        if isinstance(result, (tuple, list)):
            raise TypeError("a primitive returns one array; make one primitive for each output.")
        result = np.asarray(result)
    elif result.base is not None and result.base.flags.writeable:
        result = result.copy()
    result.setflags(False)
    return result  # type: ignore[no-any-return]


def captured(value: Any, where: str) -> Any:
    """Return a setting as the record keeps it: a later change to an array or list does not reach it."""
    if isinstance(value, Tensor):
        raise TypeError(f"{where} is a Tensor, and no gradient flows to a setting. Use t.data.")
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.setflags(False)
    elif isinstance(value, (tuple, list)):
        value = tuple(captured(item, where) for item in value)
    return value


@overload
def primitive(forward: Callable[..., Any]) -> Primitive: ...
@overload
def primitive(*, symbol: str = "", needs: str = "") -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(
    forward: Callable[..., Any] | None = None, *, symbol: str = "", needs: str = ""
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Make an operation of a function on arrays; a decorator.

    Parameters
    ----------
    forward
        The function on plain arrays. Its positional parameters are the operands; its keyword-only
        parameters are settings, such as an axis, that carry no gradient.
    symbol
        How pictures show it, such as ``"@"``; its name if left out.
    needs
        What the operands must satisfy, for error messages.

    Returns
    -------
    Primitive
        The operation. Its method ``backward`` takes the rule: given the output, the inputs and the
        settings, return one closure for each input, from the upstream gradient to the contribution
        to that input. An operation of one input may return its closure bare.

    Examples
    --------
    >>> import numpy as np
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
    if forward is None:
        return lambda function: Primitive(function, symbol, needs)
    return Primitive(forward, symbol, needs)
