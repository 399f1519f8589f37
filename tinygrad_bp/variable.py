"""What a Tensor holds: a value that is never changed in place, a gradient, and a name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import errors
from .arguments import as_dtype, checked_flag, checked_name, real_array
from .held import HeldArray, held
from .recording import Traced, in_derivative
from .table import TABLE

#: How a Tensor is shown, by kind. The package puts it in: a page is made far above the engine.
SHOW: dict[str, Callable[[Any], str]] = {}


class Variable:
    """A value, the gradient that arrived at it, and its name; a Tensor adds where it came from."""

    __slots__ = (
        "_array",  # the value, a read-only array
        "_grad",  # of a leaf: the sum of the gradients that arrived so far; None before the first
        "_name",
        "_requires_grad",
    )

    _array: np.ndarray
    _grad: np.ndarray | None
    _requires_grad: bool

    # of Tensor
    primitive: Any
    inputs: tuple[Any, ...]
    closures: Callable[[], Any]

    # ---- value ----

    @property
    def data(self) -> np.ndarray:
        """The value, a read-only array.

        A leaf takes a new value, ``w.data = w.data - 0.1 * w.grad``, or ``w.data -= 0.1 * w.grad``,
        which does the same. What was recorded before keeps the value that it was computed from. The
        new value is rounded to this Tensor's dtype.

        Raises
        ------
        ValueError
            When set: if this Tensor was computed, the shape differs, or an entry is too large for
            this Tensor's dtype.
        TypeError
            When set: if floats would have to become integers.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> w = bp.tensor(3.0, requires_grad=True)
        >>> loss = w * w
        >>> w.data -= 1.0
        >>> loss.backward()
        >>> w.data, w.grad  # the gradient is that of the loss as it was computed, at 3
        (array(2.), array(6.))
        """
        return held(self, "data", self._array)  # type: ignore[no-any-return]

    @data.setter
    def data(self, value: Any) -> None:
        if self.primitive is not None:
            raise errors.computed_value(self)
        if isinstance(value, HeldArray) and value.shows(self._array):
            return  # after ``w.data -= ...``, which has set it
        if isinstance(value, Traced):
            raise errors.traced_value_kept(self)
        if isinstance(value, Variable):
            raise errors.value_is_a_tensor(value)
        array = real_array(value, floating=self.requires_grad)
        if array.shape != self.shape:
            raise errors.other_shape(self, array.shape)
        self._array = as_dtype(array, self)

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
        """Whether gradients with respect to this Tensor are wanted; on a leaf, it can be set.

        Raises
        ------
        ValueError
            When set, if this Tensor was computed: it needs a gradient if its inputs do.
        """
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        wanted = checked_flag(wanted)
        if self.primitive is not None:
            raise errors.computed_flag(self)
        if wanted and self._array.dtype.kind != "f":
            self._array = real_array(self._array, floating=True)
        self._requires_grad = wanted

    @property
    def grad(self) -> np.ndarray | None:
        """Of a leaf, the sum of the gradients that arrived so far; None before the first.

        A Tensor that was computed keeps none, and warns. It can be set on any, to an array of this
        Tensor's shape or to None; another shape raises a ValueError. It is read-only, but
        ``w.grad *= 0.5`` gives the leaf a new one.

        Examples
        --------
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True)
        >>> for _ in range(2):
        ...     (x * x).backward()
        >>> x.grad  # 6, twice
        array(12.)
        """
        if self._grad is None:
            if self.primitive is not None:
                warnings.warn(str(errors.only_leaves_keep(self)), stacklevel=2)
            return None
        return held(self, "grad", self._grad)  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, value: Any) -> None:
        if isinstance(value, HeldArray) and value.shows(self._grad):
            return  # after ``w.grad *= ...``, which has set it
        if value is not None:
            if isinstance(value, Variable):
                raise errors.value_is_a_tensor(value)
            value = np.array(value)  # a copy, which no later change reaches
            if value.dtype.kind not in "fiub":
                raise errors.gradient_type(self, value)
            if value.shape != self.shape:
                raise errors.gradient_shape(self, value.shape)
            if self.dtype.kind == "f":
                value = as_dtype(value, self)
            value.setflags(False)
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
            raise errors.no_such_input(self, len(self.inputs), i)
        x = self.inputs[i]
        if x is None or not x.requires_grad:
            raise errors.input_needs_no_gradient(self, i)
        closure = self.closures()[i]
        rows = np.zeros((self.size, *x.shape), dtype=x.dtype)
        if closure is not None:
            units = np.eye(self.size, dtype=self.dtype).reshape(self.size, *self.shape)
            for k, unit in enumerate(units):
                rows[k] = TABLE["sum_to"](closure(unit), shape=x.shape)
        return rows.reshape(self.shape + x.shape)

    # ---- name ----

    @property
    def name(self) -> str | None:
        """What pictures, printouts and error messages call this Tensor."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = checked_name(name)

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

    # ---- as a number and as text ----

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._number(), digits)

    def __format__(self, form: str) -> str:
        if not form:
            return str(self)
        if self.size != 1:
            raise errors.no_format(self, form)
        return format(self._array.item(), form)

    def _number(self) -> Any:
        if self.size != 1:
            raise errors.becomes_number(self)
        if self._requires_grad and in_derivative.get():
            raise errors.loses_record(self)
        return self._array.item()

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

    def _repr_html_(self) -> str:
        return SHOW["html"](self)

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
        if isinstance(value, Variable) and value.name is None and not name.startswith("_"):
            value.name = name
