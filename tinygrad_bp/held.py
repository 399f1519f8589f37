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


def of_plain(name: str) -> Callable[..., Any]:
    """Return a method that calls the one of the plain array, unless that would change it."""

    def call(self: HeldArray, *arguments: Any, **settings: Any) -> Any:
        if name in CHANGES and self.holder is not None:
            raise errors.read_only(self.holder[1])
        return getattr(plain(self), name)(*arguments, **settings)

    return call


def view_of_plain(name: str) -> property:
    return property(lambda self: getattr(plain(self), name))


CHANGES = "__setitem__", "fill", "partition", "put", "resize", "sort"
SPECIAL = "__setitem__", "__getitem__", "__repr__", "__copy__", "__deepcopy__", "__reduce_ex__"

for _name in (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
):
    setattr(HeldArray, f"__i{_name}__", in_place(getattr(operator, f"__i{_name}__")))
for _name, _member in vars(np.ndarray).items():
    if _name in SPECIAL or (callable(_member) and _name[0] != "_" and _name != "setflags"):
        setattr(HeldArray, _name, of_plain(_name))
for _name in ("T", "mT", "real", "imag", "flat"):
    setattr(HeldArray, _name, view_of_plain(_name))
