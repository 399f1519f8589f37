"""A primitive operation: its forward function, its backward rule, and how it is written.

The forward function computes with plain arrays. The backward rule is given the output and the
inputs, and returns one closure for each input: a function from the upstream gradient g to that
input's contribution. A rule is pure mathematics in operators, methods and operations that arrays
and Tensors share, so the same text runs on either. Summing over broadcast axes, adding
contributions up and skipping inputs that need no gradient are the sweep's work, not the rule's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from sys import getrefcount
from types import FunctionType, MappingProxyType
from typing import Any, TypeAlias, overload

import numpy as np
from numpy import ndarray

from .anomaly import calling_line, check_forward
from .recording import current
from .tensor import Tensor, describe, next_id

#: An ndarray or a Tensor: a rule does not care which.
Value: TypeAlias = Any

#: From the upstream gradient to the contribution to one input; None where none flows back.
Closure: TypeAlias = Callable[[Value], Value] | None

#: Given the output, the inputs and the settings: a closure for each input.
Rule: TypeAlias = Callable[..., Closure | tuple[Closure, ...]]

#: How an operation is written: an expression, or (plain text, LaTeX) or (text, LaTeX, level).
Notation: TypeAlias = str | tuple[str, ...] | None

#: These stay themselves in a record: NumPy lets them adopt the precision of the array beside them.
PYTHON_NUMBERS = (float, int, bool)

#: Settings of these types cannot change later, so the record keeps them as they are.
PLAIN = {bool, int, float, str, type(None)}

#: A float64 array has this dtype, and no copy of it.
FLOAT64 = np.dtype(np.float64)

#: Flags of a code object with *args and with **kwargs; the module inspect takes long to import.
CO_VARARGS, CO_VARKEYWORDS = 4, 8

#: Shared by all records without settings.
NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})

new = Tensor.__new__


class Primitive:
    r"""An operation that is recorded when a Tensor is among its operands.

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
    written
        The operation as an expression in NumPy, such as ``"a @ b"``, where the forward function is
        not that one line itself.
    kind
        How the entries of the result hang together with those of the operands: "entrywise",
        "reduces", "product", "arranges" (each entry of the result is one of the operand's),
        "spreads" (each entry of the operand is added to one of the result's), or "joins" (as
        "arranges", from several operands).
    notation
        How it is written where its name will not do: in plain text and in LaTeX, as a name,
        ``("σ", r"\sigma")``, or as a template, ``("|{}|", r"\lvert {} \rvert")``, with {} for each
        operand, ``{:product}`` for one that is put in brackets unless it holds together as tightly
        as a product, and ``{below}`` for an axis. A third text says how tightly the whole holds
        together; see `notation.printer.Level`. Or as an expression of its operands that means the
        same: ``"np.log(1 + a)"``.
    domain
        Between which numbers the tests draw its operands.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        symbol: str = "",
        needs: str = "",
        written: str = "",
        kind: str = "",
        notation: Notation = None,
        domain: tuple[float, float] = (-2.0, 2.0),
    ) -> None:
        if not isinstance(forward, FunctionType):
            raise TypeError(
                f"a primitive is made of a Python function, and {forward!r:.60} is none. "
                "Write one that calls it: def f(x): return ..."
            )
        self.forward: Callable[..., Any] = forward
        self.__name__: str = forward.__name__
        self.__module__ = forward.__module__
        self.__doc__ = forward.__doc__
        self.__wrapped__ = forward
        self.symbol = symbol or forward.__name__
        self.needs = needs
        self.written = written
        self.kind = kind
        self.notation = notation
        self.domain = domain
        self.rule: Rule = self._missing_rule
        self.composed: Callable[..., Any] | None = None
        code = forward.__code__
        if code.co_flags & CO_VARKEYWORDS or forward.__defaults__:
            raise TypeError(
                f"{forward.__name__}: an operand has no default, and settings are named one by one "
                "after the operands, as in def f(a, b, *, axis=0)."
            )
        self.arity = code.co_argcount
        self.operand_names = code.co_varnames[: self.arity]
        self.settings = code.co_varnames[self.arity : self.arity + code.co_kwonlyargcount]
        self.defaults: dict[str, Any] = forward.__kwdefaults__ or {}
        self.takes_any_number = bool(code.co_flags & CO_VARARGS)
        if self.takes_any_number and self.arity:
            raise TypeError(f"{forward.__name__} takes named operands or *operands, not both.")

    def backward(self, rule: Rule) -> Rule:
        """Set the backward rule: a decorator for ``def _(output, *inputs, **settings)``."""
        self.rule = rule
        return rule

    def twin(self, composed: Callable[..., Any]) -> Callable[..., Any]:
        """Set the same function composed of simpler operations, as a check; a decorator."""
        self.composed = composed
        return composed

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Compute the operation, and record it if an operand is a Tensor."""
        if len(operands) != self.arity:
            operands, params = self._sorted_out(operands, params)
        elif self.settings or params:
            params = self.defaults | params
            plain = len(params) == len(self.settings)
            for value in params.values():
                plain = plain and type(value) in PLAIN
            if not plain:
                operands, params = self._sorted_out(operands, params)

        # Compute: with the arrays of the Tensors.
        arrays = []
        recorded = requires_grad = mixed = False
        for operand in operands:
            if isinstance(operand, Tensor):
                arrays.append(operand._array)
                recorded = True
                if operand._requires_grad:
                    requires_grad = True
            else:
                arrays.append(operand)
                mixed = True
        inputs, values = operands, tuple(arrays)
        if mixed and recorded:
            inputs, values = self._with_constants(operands, values)
        elif mixed:
            values = tuple(np.array(v) if isinstance(v, list) else v for v in values)

        try:
            result = self.forward(*values, **params) if params else self.forward(*values)
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            raise self._explained(error, operands, params) from error
        if not recorded:
            return result
        if (
            type(result) is not ndarray
            or result.dtype is not FLOAT64
            or result.base is not None
            or getrefcount(result) > 2  # this function's, and that of the call to getrefcount
        ):
            result = self._owned(result)
        result.setflags(False)  # read-only

        # Record: this operation, what it was given, and what came out.
        enabled, scope, watched, _ = current.get()
        output = new(Tensor)
        output._array = result
        output._grad = None
        output.id = next_id()
        output.name = None
        output.scope = scope
        output.params = params or NO_SETTINGS
        if enabled:
            output.primitive = self
            output.inputs = inputs
            output.operands = values
            output._requires_grad = requires_grad
        else:
            output.primitive = None
            output.inputs = output.operands = ()
            output._requires_grad = False
        output.recorded_at = None
        if watched:
            output.recorded_at = calling_line()
            check_forward(output, values, inputs)
        return output

    def _sorted_out(
        self, operands: tuple[Any, ...], params: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tell operands from settings, as a call of the forward function would."""
        params = dict(params)
        if self.takes_any_number:  # given as one list, then settings: concatenate([a, b], 0)
            if len(operands) == 1 or isinstance(operands[0], (tuple, list)):
                if len(operands) > 1 + len(self.settings):
                    raise TypeError(
                        f"{self.__name__} takes a list of operands and {len(self.settings)} "
                        f"setting(s), and was given {len(operands)} values."
                    )
                params.update(zip(self.settings, operands[1:], strict=False))
                operands = tuple(operands[0])
        else:
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

    def _with_constants(
        self, operands: tuple[Any, ...], values: tuple[Any, ...]
    ) -> tuple[tuple[Tensor | None, ...], tuple[Any, ...]]:
        """Make Tensors of the arrays among the operands, so that the record owns its values.

        Python numbers stay themselves; see `PYTHON_NUMBERS`.
        """
        inputs: list[Tensor | None] = []
        for i, operand in enumerate(operands):
            if isinstance(operand, Tensor):
                inputs.append(operand)
            elif type(operand) in PYTHON_NUMBERS:
                inputs.append(None)
            else:
                try:
                    constant = Tensor(operand)
                except (TypeError, ValueError) as error:
                    name = self.names_of(operands)[i]
                    raise type(error)(f"{self.__name__} cannot take its {name}: {error}") from None
                inputs.append(constant)
                values = (*values[:i], constant._array, *values[i + 1 :])
        return tuple(inputs), values

    def _owned(self, result: Any) -> ndarray:
        """Return a result as an array that nothing outside of the record can change."""
        array = np.asarray(None if isinstance(result, (tuple, list)) else result)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"{self.__name__} returned a {type(result).__name__}, and a primitive returns one "
                "array of real numbers. Make a primitive for each output."
            )
        if isinstance(result, np.generic):  # a number of NumPy's, of which asarray made an array
            return array
        base = array if array.base is None else array.base
        if not isinstance(base, ndarray) or base.flags.writeable:
            return array.copy()
        return array

    def names_of(self, operands: tuple[Any, ...]) -> Sequence[str]:
        """Return what the operands are called: the forward function's parameter names."""
        return self.operand_names or [f"operand {i}" for i in range(1, len(operands) + 1)]

    def _explained(
        self, error: Exception, operands: tuple[Any, ...], params: Mapping[str, Any]
    ) -> Exception:
        """Return a forward function's error in terms of the operation and its operands."""
        named = zip(self.names_of(operands), operands, strict=False)
        parts = [f"{name} is {describe(operand)}" for name, operand in named]
        parts += [f"{name} = {value!r:.60}" for name, value in params.items()]
        needs = f" It needs {self.needs}." if self.needs else ""
        kind: type[Exception] = ValueError
        if isinstance(error, (TypeError, AttributeError)):
            kind = TypeError
        elif type(error) is IndexError:
            kind = IndexError
        return kind(f"{self.__name__} failed: {', '.join(parts)}.{needs} ({error})")

    def _missing_rule(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self.__name__} has no backward rule. Give it one with @{self.__name__}.backward."
        )

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"


def captured(value: Any, where: str) -> Any:
    """Return a setting as the record keeps it, out of reach of a later change."""
    if isinstance(value, Tensor):
        raise TypeError(f"{where} is a Tensor, and no gradient flows to a setting. Use t.data.")
    if isinstance(value, ndarray):
        value = value.copy()
        value.setflags(False)
    elif isinstance(value, (tuple, list)):
        items = [captured(item, where) for item in value]
        value = items if isinstance(value, list) else tuple(items)
    elif isinstance(value, dict):
        value = {key: captured(item, where) for key, item in value.items()}
    elif hasattr(value, "__len__") and not isinstance(value, (str, bytes, np.dtype)):
        return captured(np.array(value), where)  # any other sequence
    return value


@overload
def primitive(forward: Callable[..., Any]) -> Primitive: ...
@overload
def primitive(
    *,
    symbol: str = "",
    needs: str = "",
    written: str = "",
    kind: str = "",
    notation: Notation = None,
    domain: tuple[float, float] = (-2.0, 2.0),
) -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(
    forward: Callable[..., Any] | None = None,
    *,
    symbol: str = "",
    needs: str = "",
    written: str = "",
    kind: str = "",
    notation: Notation = None,
    domain: tuple[float, float] = (-2.0, 2.0),
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    r"""Make an operation of a function on arrays; a decorator.

    Parameters
    ----------
    forward
        The function on plain arrays. Its positional parameters are the operands; its keyword-only
        parameters are settings, such as an axis, that carry no gradient.
    symbol
        How pictures show it, such as ``"@"``; its name if left out.
    needs
        What the operands must satisfy, for error messages.
    written
        The operation as an expression in NumPy, such as ``"a @ b"``, where the forward function is
        not that one line itself.
    kind
        How the entries of the result hang together with those of the operands: "entrywise",
        "reduces", "product", "arranges" (each entry of the result is one of the operand's),
        "spreads" (each entry of the operand is added to one of the result's), or "joins" (as
        "arranges", from several operands).
    notation
        How a call is written in plain text and in LaTeX: a name, ``("σ", r"\sigma")``, or a text
        with {} for each operand, ``("√{}", r"\sqrt{{{}}}")``.
    domain
        Between which numbers the tests draw its operands.

    Returns
    -------
    Primitive
        The operation. Its method ``backward`` takes the rule: given the output, the inputs and the
        settings, it returns one closure for each input, from the upstream gradient to that input's
        contribution. An operation of one input may return its closure bare.

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
    if forward is None:
        return lambda function: Primitive(function, symbol, needs, written, kind, notation, domain)
    return Primitive(forward, symbol, needs, written, kind, notation, domain)
