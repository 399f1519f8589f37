"""A Tensor: a value, and where it came from.

A *leaf* is made by the user. Every other Tensor is the output of a primitive operation, and keeps
the operation, its inputs, and the arrays that it was computed from. That is the whole record:
following ``inputs`` from a loss leads back through the computation to the leaves.

This file knows no calculus. An operator such as ``a @ b`` looks its operation up in `TABLE`, by
NumPy's name for it.
"""

from __future__ import annotations

import itertools
import operator as python_operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .backward import backward, local_jacobian
from .numpy_protocol import call_function, call_ufunc, value_of
from .recording import current
from .table import COMPARISONS, TABLE

if TYPE_CHECKING:
    from .primitive import Primitive

#: Ids count up in recording order, so an output always has a larger id than its inputs.
next_id = itertools.count().__next__


def operator(name: str) -> tuple[Callable[[Tensor, Any], Tensor], Callable[[Tensor, Any], Tensor]]:
    """Return the methods for ``tensor <op> other`` and ``other <op> tensor``."""
    return (
        lambda self, other: TABLE[name](self, other),
        lambda self, other: TABLE[name](other, self),
    )


def method(name: str) -> Callable[..., Tensor]:
    """Return a method that applies an operation, with the operation's own settings."""

    def apply(self: Tensor, *args: Any, **params: Any) -> Tensor:
        return TABLE[name](self, *args, **params)

    apply.__name__ = name
    apply.__doc__ = f"Apply ``bp.{name}`` to this Tensor; its settings are described there."
    return apply


def comparison(name: str) -> Callable[[Tensor, Any], Any]:
    """Return a method that compares: a plain array, unless comparisons are recorded."""

    def compare(self: Tensor, other: Any) -> Any:
        entry = COMPARISONS[name]
        if current.get().comparisons:
            return entry(self, other)
        return entry(self._array, value_of(other))

    return compare


def in_place(symbol: str) -> Callable[[Tensor, Any], Tensor]:
    """Return a method that refuses ``tensor <op>= other``."""

    def refuse(self: Tensor, other: Any) -> Tensor:
        parameter = self.primitive is None and self.requires_grad
        write = f"t.data = t.data {symbol} ..." if parameter else f"t = t {symbol} ..."
        raise TypeError(
            f"'{symbol}=' would change {self.described()} in place, and a recorded value must stay "
            f"as it is. Write {write}"
        )

    return refuse


class Tensor:
    """An array that remembers how it was computed.

    Parameters
    ----------
    data
        A number, nested list or array of real numbers; it is copied. float32 and float64 stay as
        they are.
    requires_grad
        Whether gradients with respect to it are wanted. Integers and booleans are then converted to
        float64.
    name
        What pictures, printouts and error messages call it.

    Raises
    ------
    TypeError
        For data that is not real numbers: complex, text, objects.
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
        "_array",  # the value, a read-only array
        "_grad",  # of a leaf: the sum of the gradients that arrived so far; None before the first
        "_requires_grad",
        "id",  # a counter in recording order
        "inputs",  # the Tensors that it was computed from, in order; None for a Python number
        "name",
        "operands",  # the values that it was computed from, as they were at that moment
        "params",  # the settings of the operation, such as axis=0
        "primitive",  # the operation that computed it; None for a leaf
        "recorded_at",  # "file:line", under detect_anomaly(); else None
        "scope",  # the scopes that it was recorded in, "outer/inner"
    )

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        if not isinstance(requires_grad, (bool, np.bool_)):
            raise TypeError(f"requires_grad is True or False, not {requires_grad!r:.60}.")
        self._array = real_array(data, floating=requires_grad)
        self._grad: np.ndarray | None = None
        self._requires_grad = requires_grad
        self.name = name
        self.scope = current.get().scope
        self.id = next_id()
        self.primitive: Primitive | None = None
        self.inputs: tuple[Tensor | None, ...] = ()
        self.operands: tuple[Any, ...] = ()
        self.params: Mapping[str, Any] = {}
        self.recorded_at: str | None = None

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
            raise ValueError(
                f"{self.described()} was computed, so its value cannot be replaced: only a leaf "
                "takes a new value. Make one with bp.tensor(value)."
            )
        array = real_array(value, floating=self.requires_grad)
        if not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"{self.described()} holds {self.dtype}, and cannot take {array.dtype} without "
                "rounding. Make a new one with bp.tensor(value)."
            )
        if array.shape != self.shape:
            raise ValueError(
                f"{self.described()} cannot take a value of shape {array.shape}. "
                "Make a new one with bp.tensor(value)."
            )
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
            raise ValueError(
                f"item() needs exactly one entry; {self.described()} has {self.size}. "
                "Use .data instead."
            )
        return float(self._array.item())

    def detach(self) -> Tensor:
        """Return a constant of the same value: no gradient flows back through it.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True)
        >>> float(bp.grad(x * x, x)), float(bp.grad(x * x.detach(), x))
        (6.0, 3.0)
        """
        return Tensor(self._array, name=self.name)

    def at(self, value: np.ndarray) -> Tensor:
        """Return this leaf as it was when it had the given value; gradients flow on to this one."""
        if value is self._array:
            return self
        past = TABLE["identity"](self)
        past._array = value
        past.operands = (value,)
        past.name = self.name
        return past

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
        if self.primitive is not None:
            raise ValueError(
                f"{self.described()} was computed, so it needs a gradient if its inputs do. "
                "Use t.detach() for a constant of the same value."
            )
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
            warnings.warn(
                f"{self.described()} was computed, and only leaves keep a gradient. "
                "bp.grad(loss, t) gives that of any tensor. A parameter stays a leaf if it is "
                "updated by t.data = t.data - ...",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: np.ndarray | None) -> None:
        if value is not None and np.shape(value) != self.shape:
            raise ValueError(
                f"a gradient of {self.described()} has that shape, and this one {np.shape(value)}."
            )
        self._grad = value

    def backward(self, gradient: Any = None) -> None:
        """Add to the ``grad`` of every leaf the gradient of this Tensor with respect to that leaf.

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
        backward(self, gradient)

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
        return local_jacobian(self, i)

    # ---- name ----

    def named(self, name: str) -> Tensor:
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
            raise TypeError(
                f"{self.described()} has no format {form!r}. Format its value: t.item() or t.data."
            )
        return str(self)

    def described(self) -> str:
        """Say which Tensor is meant, for error messages: ``W1 with shape (3, 2)``."""
        if self.name is not None:
            who = self.name
        elif self.primitive is not None:
            who = f"the output of {self.primitive.__name__}"
        else:
            who = "a tensor"
        where = f", recorded at {self.recorded_at}," if self.recorded_at is not None else ""
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

    def dot(self, other: Any) -> Tensor:
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

    def reshape(self, *shape: Any) -> Tensor:
        """Return the entries in another shape: ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> bp.tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).data
        array([[1., 2.],
               [3., 4.]])
        """
        return TABLE["reshape"](self, shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """Return the axes in another order, or reversed: ``t.transpose(1, 0, 2)``.

        Examples
        --------
        >>> import numpy as np
        >>> import tinygrad_bp as bp
        >>> t = bp.tensor(np.zeros((2, 3, 5)))
        >>> t.transpose().shape, t.transpose(1, 0, 2).shape
        ((5, 3, 2), (3, 2, 5))
        """
        if len(axes) == 1 and not isinstance(axes[0], int):
            axes = axes[0]
        return TABLE["transpose"](self, axes=axes or None)

    @property
    def T(self) -> Tensor:
        """The transpose: the axes in reverse order."""
        return TABLE["transpose"](self)

    @property
    def mT(self) -> Tensor:
        """The matrix transpose: the last two axes exchanged."""
        return TABLE["matrix_transpose"](self)

    def __getitem__(self, key: Any) -> Tensor:
        return TABLE["getitem"](self, key=index(key))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError(f"{self.described()} has no axis, so it has no length.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
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
        raise TypeError(
            f"turning {self.described()} into a number would lose its record, as math.exp(t) "
            "would. Use t.item() for the number, or np.exp(t) to record a step."
        )

    def __copy__(self) -> Tensor:
        if self.primitive is not None:
            raise TypeError(
                f"{self.described()} was computed, and has no copy. Use the value, t.data, also to "
                "plot it; or t.detach() for a constant."
            )
        return Tensor(self._array, self._requires_grad, self.name)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{self.described()} cannot be pickled. Save its value with np.save(file, t.data)."
        )

    # ---- in-place changes: refused ----

    __iadd__, __isub__, __imul__ = in_place("+"), in_place("-"), in_place("*")
    __itruediv__, __imatmul__, __ipow__ = in_place("/"), in_place("@"), in_place("**")

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            f"assigning to entries would change {self.described()} in place, and a recorded value "
            "must stay as it is. Change a copy, a = t.data.copy(), and make a new tensor of it; "
            "for a parameter, t.data = a."
        )

    # ---- NumPy: record, or refuse; never lose a gradient silently ----

    def __array_ufunc__(self, ufunc: np.ufunc, how: str, *inputs: Any, **settings: Any) -> Any:
        return call_ufunc(ufunc, how, inputs, settings)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, settings: Any
    ) -> Any:
        return call_function(function, args, settings)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError(
            f"converting {self.described()} to an array would lose its record. Use t.data for the "
            "value, or an operation of this package to record a step."
        )


def index(key: Any) -> Any:
    """Return an index with its lists as arrays and its integer Tensors as their values."""
    if isinstance(key, tuple):
        return tuple(index(item) for item in key)
    if isinstance(key, Tensor):
        return key._array if key.dtype.kind in "iub" else key
    if isinstance(key, (int, np.integer, slice, type(None), type(Ellipsis), np.ndarray)):
        return key
    if hasattr(key, "__index__"):
        return python_operator.index(key)
    return np.array(key, dtype=None if len(key) else int)  # a copy: it may change later


def real_array(data: Any, floating: bool) -> np.ndarray:
    """Return a read-only copy of real-valued data; ``floating`` makes float64 of integers."""
    if isinstance(data, Tensor):
        raise TypeError(
            f"{data.described()} is a Tensor already. Use it as it is, or t.detach() for a "
            "constant copy."
        )
    if hasattr(data, "mask") and hasattr(data, "filled"):
        raise TypeError("a masked array would lose its mask. Use data.filled(value), or np.where.")
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(
            f"the data is ragged: its rows differ in length, so it is no array ({error})."
        ) from None
    kind = array.dtype.kind
    if kind == "c":
        raise TypeError(
            "complex numbers are not supported. Keep the real and the imaginary part as two "
            "tensors."
        )
    if kind not in "fiub":
        raise TypeError(
            f"a Tensor holds real numbers, and this data has dtype {array.dtype}. "
            "Convert it with np.array(data, dtype=float)."
        )
    if kind == "f" and array.dtype not in (np.float64, np.float32):
        raise TypeError(
            f"floats are float64 or float32 here, not {array.dtype}. "
            "Convert with array.astype(float)."
        )
    if floating and kind != "f":
        array = array.astype(np.float64)
    array.setflags(write=False)
    return array


def describe(value: Any) -> str:
    """Say which operand is meant, for error messages."""
    if isinstance(value, Tensor):
        return value.described()
    if isinstance(value, np.ndarray):
        return f"an array with shape {value.shape}"
    return f"{value!r:.60}"


def tensor(data: Any, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """Make a leaf `Tensor` of some data.

    Parameters
    ----------
    data
        A number, nested list or array of real numbers; it is copied. float32 and float64 stay as
        they are.
    requires_grad
        Whether gradients with respect to it are wanted. Integers and booleans are then converted to
        float64.
    name
        What pictures, printouts and error messages call it.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.tensor([[1, 2]], requires_grad=True, name="w")
    tensor([[1., 2.]], name='w', requires_grad=True)
    """
    return Tensor(data, requires_grad, name)


def name_tensors(names: Mapping[str, Any]) -> None:
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
        if isinstance(value, Tensor) and value.name is None and not name.startswith("_"):
            value.name = name
