"""The arrays that a Tensor holds, as a user gets them: ``w.data`` and ``w.grad``.

What was recorded relies on these arrays, so they are read-only. An in-place operator, as in
``w.data -= rate * w.grad``, gives the leaf a new array, and what was recorded before keeps the old
one. In all else they are NumPy's, and whatever is computed or taken from them is a plain array.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from . import errors, habits
from .table import TABLE


class HeldArray(np.ndarray):
    """A read-only view of an array that a Tensor holds.

    A function such as ``np.zeros_like`` may also return one: it has no holder, and can be changed
    as any other array.
    """

    #: (a weak reference to the Tensor, "data" or "grad", the array)
    holder: tuple[Any, str, np.ndarray] | None = None

    __array_priority__ = -1.0  # beside a plain array, the result is plain

    def __array_wrap__(
        self, array: np.ndarray, context: Any = None, return_scalar: bool = False
    ) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def __getitem__(self, key: Any) -> Any:
        return plain(self)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        refuse_changes(self)
        plain(self)[key] = value

    def __repr__(self) -> str:
        return repr(plain(self))

    def __copy__(self) -> Any:
        return np.array(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.array(self)

    def __reduce_ex__(self, protocol: Any) -> Any:  # how it is pickled: as a plain array
        return np.array(self).__reduce_ex__(protocol)

    @property
    def data(self) -> Any:
        """The array itself: ``w.grad.data`` is what PyTorch calls it."""
        return self

    def shows(self, array: np.ndarray | None) -> bool:
        """Whether this is a view of an array that a Tensor holds."""
        return self.holder is not None and self.holder[2] is array

    def __getattr__(self, name: str) -> Any:
        raise habits.missing("an array", name, dir(np.ndarray), TABLE)


def held(tensor: Any, attribute: str, array: np.ndarray) -> Any:
    """Return what a Tensor holds as a user gets it."""
    if not isinstance(array, np.ndarray):  # it stands for one, while a function is compiled
        return array
    view = array.view(HeldArray)
    view.holder = weakref.ref(tensor), attribute, array  # weak: a value keeps no record alive
    return view


def plain(array: np.ndarray) -> np.ndarray:
    return np.ndarray.view(array, np.ndarray)


def refuse_changes(array: HeldArray) -> None:
    if array.holder is not None:
        raise errors.read_only(array.holder[1])


def in_place(change: Callable[[Any, Any], Any]) -> Callable[[HeldArray, Any], Any]:
    """Return the method for an in-place operator: the leaf gets a new array."""

    def apply(self: HeldArray, other: Any) -> Any:
        if hasattr(other, "_array"):
            raise errors.value_is_a_tensor(other)
        if other is None:
            raise errors.update_by_none()
        if self.holder is None:
            change(plain(self), other)
            return self
        reference, attribute, array = self.holder
        changed = change(np.array(self), other)
        tensor = reference()
        if tensor is None:
            return changed
        if getattr(tensor, {"data": "_array", "grad": "_grad"}[attribute]) is not array:
            raise errors.replaced(tensor, attribute)
        setattr(tensor, attribute, changed)
        return getattr(tensor, attribute)

    return apply


def of_plain(name: str) -> property:
    """Return what the plain array has under a name."""

    def get(self: HeldArray) -> Any:
        if name in ("fill", "partition", "put", "resize", "sort"):  # these change it
            refuse_changes(self)
        return getattr(plain(self), name)

    return property(get)


for _name in (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
):
    setattr(HeldArray, f"__i{_name}__", in_place(getattr(operator, f"__i{_name}__")))

#: What gives another array: the methods, and these attributes.
VIEWS = ("T", "mT", "real", "imag", "flat")
for _name, _member in vars(np.ndarray).items():
    if _name in VIEWS or (callable(_member) and _name[0] != "_" and _name != "setflags"):
        setattr(HeldArray, _name, of_plain(_name))
