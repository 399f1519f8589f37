"""What a Tensor can be asked and told: its value, ``a + b``, ``t.sum()``, ``np.exp(t)``.

No operation is defined here. An operator, a method or a NumPy function looks the operation of its
name up in `TABLE`, which records it; where there is none, a TypeError says what to write. A
gradient is never lost silently.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import errors
from .arguments import read_index, real_array
from .recording import current
from .table import COMPARISONS, FUNCTIONS, PARAMETERS, TABLE, WITHOUT_GRADIENT


def operator(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the methods for ``tensor <op> other`` and ``other <op> tensor``."""
    return (
        lambda self, other: TABLE[name](self, other),
        lambda self, other: TABLE[name](other, self),
    )


def method(name: str) -> Callable[..., Any]:
    """Return a method that applies an operation, with the operation's own arguments."""

    def apply(self: Any, *args: Any, **params: Any) -> Any:
        return TABLE[name](self, *args, **params)

    apply.__name__ = name
    apply.__doc__ = f"Apply ``bp.{name}`` to this Tensor; its arguments are described there."
    return apply


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
        raise errors.in_place(self, symbol)

    return refuse


class Operators:
    """A value, its gradient and its name, and what can be done with them."""

    __slots__ = (
        "_array",  # the value, a read-only array
        "_grad",  # of a leaf: the sum of the gradients that arrived so far; None before the first
        "_name",
        "_requires_grad",
    )

    # of Tensor
    primitive: Any
    inputs: tuple[Any, ...]
    closures: Callable[[], Any]

    # ---- value ----

    @property
    def data(self) -> np.ndarray:
        """The value, a read-only array.

        A leaf can be given a new value: ``w.data = w.data - 0.1 * w.grad``. What was recorded
        before keeps the value that it was computed from.

        Raises
        ------
        ValueError
            When set: if this Tensor was computed, or the shape differs.
        TypeError
            When set: if the new value would have to be rounded, such as float64 to float32.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> w = bp.tensor(3.0, requires_grad=True)
        >>> loss = w * w
        >>> w.data = w.data - 1.0
        >>> loss.backward()
        >>> w.data, w.grad  # the gradient is that of the loss as it was computed, at 3
        (array(2.), array(6.))
        """
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        if self.primitive is not None:
            raise errors.computed_value(self)
        array = real_array(value, floating=self.requires_grad)
        if not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise errors.would_round(self, array.dtype)
        if array.shape != self.shape:
            raise errors.other_shape(self, array.shape)
        self._array = real_array(array.astype(self.dtype), floating=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._array.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries: float64, float32, an integer type or bool."""
        return self._array.dtype

    def item(self) -> float:
        """Return the only entry as a Python number.

        Raises
        ------
        ValueError
            If there are several entries, or none.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> bp.tensor([[2.5]]).item()
        2.5
        """
        if self.size != 1:
            raise errors.not_one_entry(self)
        return float(self._array.item())

    def detach(self) -> Any:
        """Return a constant of the same value: no gradient flows back through it.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True)
        >>> float(bp.grad(x * x, x)), float(bp.grad(x * x.detach(), x))
        (6.0, 3.0)
        """
        make: Any = type(self)
        return make(self._array, name=self.name)

    # ---- gradient ----

    @property
    def requires_grad(self) -> bool:
        """Whether gradients with respect to this Tensor are wanted; of a leaf, it can be set.

        Raises
        ------
        ValueError
            When set, if this Tensor was computed: it needs a gradient if its inputs do.
        """
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        wanted = errors.check_flag(wanted)
        if self.primitive is not None:
            raise errors.computed_flag(self)
        if wanted and self._array.dtype.kind != "f":
            self._array = real_array(self._array, floating=True)
        self._requires_grad = wanted

    @property
    def grad(self) -> np.ndarray | None:
        """Of a leaf, the sum of the gradients that arrived so far; None before the first.

        A Tensor that was computed keeps none, and warns. It can be set on any, to an array of this
        Tensor's shape or to None; another shape raises a ValueError.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True)
        >>> for _ in range(2):
        ...     (x * x).backward()
        >>> x.grad  # 6, twice
        array(12.)
        """
        if self.primitive is not None and self._grad is None:
            warnings.warn(errors.only_leaves_keep(self), stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, value: np.ndarray | None) -> None:
        if value is not None:
            if np.asarray(value).dtype.kind not in "fiub":
                raise errors.gradient_type(self, value)
            if np.shape(value) != self.shape:
                raise errors.gradient_shape(self, np.shape(value))
        self._grad = value

    def zero_grad(self) -> None:
        """Forget the gradients that arrived so far: ``grad`` is None again."""
        self._grad = None

    def local_jacobian(self, i: int = 0) -> np.ndarray:
        """Return the derivative of this Tensor by its i-th input: of the one step between them.

        Parameters
        ----------
        i
            Which of the operation's inputs, from 0.

        Returns
        -------
        array
            Of shape ``self.shape + input.shape``: entry (j, k) is the derivative of entry j of this
            Tensor by entry k of the input.

        Raises
        ------
        ValueError
            If this Tensor is a leaf, has no such input, or the input needs no gradient.

        Examples
        --------
        The Jacobian of the softmax is diag(p) - p p^T:

        >>> import tinygrad_bp as bp
        >>> p = bp.softmax(bp.tensor([0.0, 0.0], requires_grad=True))
        >>> p.local_jacobian()
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
        """
        if self.primitive is None:
            raise errors.is_a_leaf(self)
        if not 0 <= i < len(self.inputs):
            raise errors.no_such_input(self, i)
        x = self.inputs[i]
        if x is None or not x.requires_grad:
            raise errors.input_needs_no_gradient(self, i)
        closure = self.closures()[i]
        rows = np.zeros((self.size, *x.shape), dtype=x.dtype)
        if closure is not None:
            for row, unit in zip(rows, np.eye(self.size, dtype=self.dtype), strict=True):
                row[...] = TABLE["sum_to"](closure(unit.reshape(self.shape)), shape=x.shape)
        return rows.reshape(self.shape + x.shape)

    # ---- name ----

    @property
    def name(self) -> str | None:
        """What pictures, printouts and error messages call this Tensor."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = errors.check_name(name)

    def named(self, name: str) -> Any:
        """Give this Tensor a name and return it: ``z1 = (W1 @ x).named("z1")``.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> (bp.tensor(2.0) * 3.0).named("z1")
        tensor(6., name='z1', from=multiply)
        """
        self.name = name
        return self

    def __format__(self, form: str) -> str:
        if form:
            raise errors.no_format(self, form)
        return str(self)

    def described(self) -> str:
        """Say which Tensor is meant, for error messages: ``W1 with shape (3, 2)``."""
        if self.name is not None:
            who = self.name
        elif self.primitive is not None:
            who = f"the output of {self.primitive.__name__}"
        else:
            who = "a tensor"
        line = getattr(self, "recorded_at", None)
        where = f", recorded at {line}," if line is not None else ""
        return f"{who}{where} with shape {self.shape}"

    def __repr__(self) -> str:
        text = np.array2string(self._array, separator=", ", prefix="tensor(", threshold=20)
        parts = [f"tensor({text}"]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.primitive is not None:
            parts.append(f"from={self.primitive.__name__}")
        elif self.requires_grad:
            parts.append("requires_grad=True")
        return ", ".join(parts) + ")"

    # ---- operators and methods: one row of the rule table each, with NumPy's names ----

    __add__, __radd__ = operator("add")
    __sub__, __rsub__ = operator("subtract")
    __mul__, __rmul__ = operator("multiply")
    __truediv__, __rtruediv__ = operator("divide")
    __matmul__, __rmatmul__ = operator("matmul")
    __pow__, __rpow__ = operator("power")
    __neg__ = method("negative")
    __pos__ = method("identity")
    __abs__ = method("absolute")

    sum = method("sum")
    mean = method("mean")
    max = method("max")
    min = method("min")
    prod = method("prod")
    var = method("var")
    std = method("std")
    cumsum = method("cumsum")
    clip = method("clip")
    trace = method("trace")
    diagonal = method("diagonal")
    ravel = method("ravel")
    squeeze = method("squeeze")
    repeat = method("repeat")
    astype = method("astype")

    def dot(self, other: Any) -> Any:
        """Return the product of two matrices or vectors, the same as ``self @ other``.

        Raises
        ------
        ValueError
            If one has more than two axes: there NumPy's dot and matmul differ.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> bp.tensor([1.0, 2.0]).dot([3.0, 4.0]).item()
        11.0
        """
        if self.ndim > 2 or np.ndim(other) > 2:
            raise ValueError("dot is for matrices and vectors here; write a @ b for stacks.")
        return TABLE["matmul"](self, other)

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

    def any(self) -> bool:
        """Return whether any entry is true, or not zero; a plain boolean."""
        return bool(self._array.any())

    __hash__ = object.__hash__  # a Tensor is a key of a dictionary as itself, not by its value

    def __bool__(self) -> bool:
        return bool(self._array)

    def __float__(self) -> float:
        raise errors.would_lose_record(
            self,
            "turning {} into a number",
            ", as math.exp(t) would. Use t.item() for the number, or np.exp(t) to record a step.",
        )

    def __copy__(self) -> Any:
        if self.primitive is not None:
            raise errors.no_copy(self)
        make: Any = type(self)
        return make(self._array, self._requires_grad, self.name)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise errors.no_pickle(self)

    # ---- in-place changes: refused ----

    __iadd__, __isub__, __imul__ = in_place("+"), in_place("-"), in_place("*")
    __itruediv__, __imatmul__, __ipow__ = in_place("/"), in_place("@"), in_place("**")

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
        raise errors.would_lose_record(
            self,
            "converting {} to an array",
            ". Use t.data for the value, or an operation of this package to record a step.",
        )


def name_tensors(names: dict[str, Any]) -> None:
    """Name every unnamed Tensor in a mapping after its key.

    ``bp.name_tensors(locals())`` at the end of a function names everything that it computed.
    Values that are not Tensors, and keys that start with an underscore, are passed over.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> def network(x):
    ...     z1 = x * 2
    ...     a1 = bp.sigmoid(z1)
    ...     bp.name_tensors(locals())
    ...     return a1
    >>> network(bp.tensor(0.0)).name
    'a1'
    """
    for name, value in names.items():
        if isinstance(value, Operators) and value.name is None and not name.startswith("_"):
            value.name = name


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
    """Apply the operation of a NumPy function."""
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
    """Return the entry of the table for a NumPy function."""
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
    """Call a NumPy function on the arrays of Tensors."""
    return function(*map(value_of, args), **{name: value_of(x) for name, x in given.items()})


def value_of(value: Any) -> Any:
    """Return the array of a Tensor, and anything else as it is."""
    return getattr(value, "_array", value)
