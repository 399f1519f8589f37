"""What can be done with a Tensor: ``a + b``, ``t.sum()``, ``t[0]``, ``np.exp(t)``.

No operation is defined here. An operator, a method or a NumPy function looks the operation of its
name up in `TABLE`, which records it; where there is none, a TypeError says what to write. A
gradient is never lost silently.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from . import errors, habits, keywords
from .arguments import read_index
from .recording import current
from .table import COMPARISONS, FUNCTIONS, PARAMETERS, TABLE, WITHOUT_GRADIENT
from .variable import Variable


def operator(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the methods for ``tensor <op> other`` and ``other <op> tensor``."""
    return (  # __call__ by its name takes less time
        lambda self, other: TABLE[name].__call__(self, other),  # type: ignore[operator]
        lambda self, other: TABLE[name].__call__(other, self),  # type: ignore[operator]
    )


def method(name: str) -> Callable[..., Any]:
    """Return a method that applies an operation, with the operation's own arguments."""

    def apply(self: Any, *args: Any, **params: Any) -> Any:
        return TABLE[name](self, *args, **params)

    apply.__name__ = name
    apply.__doc__ = f"Apply ``bp.{name}`` to this Tensor; its arguments are described there."
    return apply


def of_value(name: str, *arguments: str) -> Callable[..., Any]:
    """Return a method that asks the value, an array; the answer carries no gradient."""

    def ask(self: Any, *args: Any, **settings: Any) -> Any:
        for argument in settings.keys() - set(arguments):
            raise keywords.unknown(name, argument, arguments)
        return getattr(self._array, name)(*args, **settings)

    ask.__name__ = name
    ask.__doc__ = f"Return ``t.data.{name}(...)``: plain numbers, which carry no gradient."
    return ask


def comparison(name: str) -> Callable[[Any, Any], Any]:
    """Return a method that compares: a plain array, unless comparisons are recorded."""

    def compare(self: Any, other: Any) -> Any:
        entry = COMPARISONS[name]
        if current.get().comparisons:
            return entry(self, other)
        return entry(self._array, value_of(other))

    return compare


def in_place(symbol: str) -> Callable[[Any, Any], Any]:
    """Return a method that refuses ``tensor <op>= other``."""

    def refuse(self: Any, other: Any) -> Any:
        parameter = self.primitive is None and self.requires_grad
        raise errors.in_place(self, symbol, "t.data" if parameter else "t")

    return refuse


class Habit(str):
    """The name of an attribute that is not here: asked for, it says what to write instead."""

    __slots__ = ()

    def __get__(self, tensor: Any, kind: Any = None) -> Any:
        raise habits.missing("a Tensor", str(self), dir(Operators), TABLE)


class WithHabits(type):
    """The kind of class whose completion and help show what is there, without the habits."""

    def __dir__(cls) -> list[str]:
        return sorted({name for base in cls.__mro__ if base is not Habits for name in vars(base)})


# They stand on a class, as with __getattr__ CPython 3.11 looks every attribute of a Tensor up anew,
# and a sweep takes a sixth more time.
Habits = type("Habits", (), {"__slots__": (), **{n: Habit(n) for n in habits.names()}})


class Operators(Variable, Habits, metaclass=WithHabits):  # type: ignore[misc, valid-type]
    """What can be done with a Tensor: each looks a row of the rule table up."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        return dir(type(self))

    # ---- operators: one row of the rule table each; `add_methods` makes the methods ----

    __add__, __radd__ = operator("add")
    __sub__, __rsub__ = operator("subtract")
    __mul__, __rmul__ = operator("multiply")
    __truediv__, __rtruediv__ = operator("divide")
    __mod__, __rmod__ = operator("remainder")
    __floordiv__, __rfloordiv__ = operator("floor_divide")
    __matmul__, __rmatmul__ = operator("matmul")
    __pow__, __rpow__ = operator("power")
    __neg__ = method("negative")
    __pos__ = method("identity")
    __abs__ = method("absolute")

    def reshape(self, *shape: Any) -> Any:
        """Return the entries in another shape: ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> bp.tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).data
        array([[1., 2.],
               [3., 4.]])
        """
        return TABLE["reshape"](self, shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order, or reversed: ``t.transpose(1, 0, 2)``.

        Raises
        ------
        ValueError
            If an axis is missing or there twice; for ``t.transpose(0, 1)`` of a matrix, which in
            NumPy is the matrix itself, and in PyTorch its transpose.

        Examples
        --------
        >>> import numpy as np
        >>> import tinygrad_bp as bp
        >>> t = bp.tensor(np.zeros((2, 3, 5)))
        >>> t.transpose().shape, t.transpose(1, 0, 2).shape
        ((5, 3, 2), (3, 2, 5))
        """
        if len(axes) == 1 and np.ndim(axes[0] if axes[0] is not None else ()):
            axes = tuple(axes[0])
        elif self.ndim == 2 and axes in ((0, 1), (-2, -1)):
            raise errors.transposes_nothing(axes)
        return TABLE["transpose"](self, axes=None if axes in ((), (None,)) else axes)

    @property
    def T(self) -> Any:
        """The transpose: the axes in reverse order."""
        return TABLE["transpose"](self)

    @property
    def mT(self) -> Any:
        """The matrix transpose: the last two axes exchanged."""
        return TABLE["matrix_transpose"](self)

    def __getitem__(self, key: Any) -> Any:
        return TABLE["getitem"](self, key=read_index(key))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise errors.no_length(self)
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # ---- comparisons: plain arrays of booleans, which carry no gradient ----

    __lt__, __le__ = comparison("less"), comparison("less_equal")
    __gt__, __ge__ = comparison("greater"), comparison("greater_equal")
    __eq__ = comparison("equal")
    __ne__ = comparison("not_equal")
    __and__ = comparison("logical_and")

    all, any = of_value("all", "axis", "keepdims"), of_value("any", "axis", "keepdims")
    argmax = of_value("argmax", "axis", "keepdims")
    argmin = of_value("argmin", "axis", "keepdims")
    argsort = of_value("argsort", "axis", "kind", "order", "stable")
    tolist = of_value("tolist")

    __hash__ = object.__hash__  # a Tensor is a key of a dictionary as itself, not by its value

    def __bool__(self) -> bool:
        return bool(self._array)

    def __copy__(self) -> Any:
        if self.primitive is not None:
            raise errors.no_copy(self)
        make: Any = type(self)
        return make(self._array, self._requires_grad, self.name)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce__(self) -> Any:  # how a leaf is pickled: as data
        if self.primitive is not None:
            raise errors.no_pickle(self)
        return type(self), (np.array(self._array), self._requires_grad, self._name)

    # ---- in-place changes: refused ----

    __iadd__, __isub__, __imul__ = in_place("+"), in_place("-"), in_place("*")
    __itruediv__, __imatmul__, __ipow__ = in_place("/"), in_place("@"), in_place("**")
    __imod__, __ifloordiv__ = in_place("%"), in_place("//")

    def __setitem__(self, key: Any, value: Any) -> None:
        raise errors.assigned(self)

    # ---- NumPy: record, or refuse; never lose a gradient silently ----

    def __array_ufunc__(self, ufunc: np.ufunc, how: str, *inputs: Any, **settings: Any) -> Any:
        return call_ufunc(ufunc, how, inputs, settings)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, settings: Any
    ) -> Any:
        return call_function(function, args, settings)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise errors.becomes_array(self)


def add_methods(public: Mapping[str, Any]) -> None:
    """Make a method of every public operation of one operand, or that arrays have as a method."""
    for name, entry in public.items():
        operation_name = getattr(entry, "__name__", "")
        if TABLE.get(operation_name) is not entry:
            continue
        for habit in (name, f"{name}_"):
            setattr(Habits, habit, Habit(habit))
        of_one = getattr(entry, "arity", 0) == 1 or getattr(entry, "is_method", False)
        is_method = of_one or hasattr(np.ndarray, name)
        if is_method and name not in vars(Operators):
            setattr(Operators, name, method(operation_name))


# ---- NumPy functions called on a Tensor ----


def call_ufunc(ufunc: np.ufunc, how: str, inputs: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """Apply the operation of an elementwise NumPy function; ``how`` is "__call__" or "reduce"..."""
    if how != "__call__":
        raise errors.not_recorded(ufunc, f".{how}")
    if ufunc in WITHOUT_GRADIENT:
        return values_only(ufunc, inputs, given)
    if given:
        raise errors.not_recorded(ufunc, "", list(given))
    return operation(ufunc)(*inputs)


def call_function(function: Callable[..., Any], args: tuple[Any, ...], given: Any) -> Any:
    if function in WITHOUT_GRADIENT:
        return values_only(function, args, given)
    entry = operation(function)
    arity = getattr(entry, "arity", len(args) or 1) or 1  # a list of arrays is one argument
    names = parameter_names(function)
    if names and len(args) > arity:
        # NumPy may have parameters in between that are not supported here: go by the names.
        given = dict(zip(names[arity:], args[arity:], strict=False)) | dict(given)
        args = args[:arity]
    given = dict(given)
    for operand in names[len(args) : arity]:  # NumPy's own name of it: np.flip(m=t)
        if operand in given:
            args = (*args, given.pop(operand))
    params = {
        PARAMETERS.get(name, name): value
        for name, value in given.items()
        if not (value is None and name in ("dtype", "out"))  # as if not given
    }
    return entry(*args, **params)


def operation(function: Any) -> Callable[..., Any]:
    entry = FUNCTIONS.get(function)
    if entry is None:
        raise errors.not_recorded(function)
    return entry


@functools.cache
def parameter_names(function: Callable[..., Any]) -> list[str]:
    """Return the parameters of a NumPy function; none where it does not declare them."""
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # in NumPy 2.0, some do not
        return ["arrays", "axis", "out"] if function is np.concatenate else []


def values_only(function: Callable[..., Any], args: tuple[Any, ...], given: Any) -> Any:
    return function(*map(value_of, args), **{name: value_of(x) for name, x in given.items()})


def value_of(value: Any) -> Any:
    """Return the array of a Tensor, and anything else as it is."""
    return getattr(value, "_array", value)
