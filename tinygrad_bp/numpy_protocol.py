"""What happens when a NumPy function is called on a Tensor, as in ``np.exp(t)``.

The operation of that name is recorded; or, where there is none, a TypeError says what to use. A
gradient is never lost silently.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .table import TABLE

#: NumPy functions whose results are booleans or integers: computed, and not recorded.
WITHOUT_GRADIENT = {
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *("isfinite", "isinf", "isnan", "signbit"),
    *("shape", "ndim", "size", "argmax", "argmin", "argsort"),
}

#: Where NumPy has another name for an operation, or for a setting of one.
ALIASES = {
    "amax": "max",
    "amin": "min",
    "positive": "identity",
    "a_min": "min",
    "a_max": "max",
    "newshape": "shape",  # of reshape, in NumPy 2.0
}

#: Functions of np.linalg that mean the same as the operation of their name; trace does not.
OF_LINALG = {"norm", "matmul", "outer", "matrix_transpose"}

#: Parameters of NumPy functions that do not tell them in NumPy 2.0.
UNTOLD = {"concatenate": ["arrays", "axis", "out"]}

#: What to write for NumPy functions that are not in the table.
INSTEAD = {
    "dot": "a @ b",
    "inner": "a @ b.T, or np.einsum",
    "vdot": "(a * b).sum()",
    "tensordot": "np.einsum",
    "swapaxes": "np.transpose",
    "moveaxis": "np.transpose",
    "hstack": "np.concatenate",
    "vstack": "np.concatenate",
    "column_stack": "np.concatenate",
    "average": "np.mean",
    "diag": "np.diagonal",
    "take": "t[indices]",
    "log2": "np.log(t) / np.log(2)",
    "log10": "np.log(t) / np.log(10)",
    "hypot": "np.sqrt(a**2 + b**2)",
    "copy": "the Tensor itself: its value cannot change",
}


def call_ufunc(
    ufunc: np.ufunc, how: str, inputs: tuple[Any, ...], settings: Mapping[str, Any]
) -> Any:
    """Apply the operation of an elementwise NumPy function; ``how`` is "__call__" or "reduce"..."""
    name = ufunc.__name__
    if how != "__call__":
        raise TypeError(f"np.{name}.{how} does not record on a Tensor. {advice(name)}")
    if name in WITHOUT_GRADIENT:
        return values_only(ufunc, inputs, settings)
    if settings:
        raise TypeError(f"np.{name} does not record with {', '.join(settings)}=. {advice(name)}")
    return operation(ufunc)(*inputs)


def call_function(
    function: Callable[..., Any], args: tuple[Any, ...], settings: Mapping[str, Any]
) -> Any:
    """Apply the operation of a NumPy function."""
    name = function.__name__
    if name in WITHOUT_GRADIENT:
        return values_only(function, args, settings)
    entry = operation(function)
    arity = getattr(entry, "arity", len(args) or 1) or 1  # a list of arrays is one argument
    names = parameter_names(function)
    if names and len(args) > arity:
        # NumPy may have parameters in between that are not supported here: go by the names.
        settings = dict(zip(names[arity:], args[arity:], strict=False)) | dict(settings)
        args = args[:arity]
    settings = dict(settings)
    for operand in names[len(args) : arity]:  # NumPy's own name of it: np.flip(m=t)
        if operand in settings:
            args = (*args, settings.pop(operand))
    params = {
        ALIASES.get(key, key): value
        for key, value in settings.items()
        if not (value is None and key in ("dtype", "out"))  # as if not given
    }
    return entry(*args, **params)


def operation(function: Any) -> Callable[..., Any]:
    """Return the entry of the table for a NumPy function."""
    name = function.__name__
    known = getattr(np, name, None) is function or (
        name in OF_LINALG and getattr(np.linalg, name, None) is function
    )
    entry = TABLE.get(ALIASES.get(name, name)) if known else None
    if entry is None:
        # A ufunc tells no module before NumPy 2.1.
        place = getattr(function, "__module__", "numpy").replace("numpy", "np", 1)
        raise TypeError(f"{place}.{name} does not record on a Tensor. {advice(name)}")
    return entry


@functools.cache
def parameter_names(function: Callable[..., Any]) -> list[str]:
    """Return the parameters of a NumPy function; none where it does not tell them."""
    import inspect  # takes long to import, and is rarely needed

    try:
        return list(inspect.signature(function).parameters)
    except ValueError:
        return UNTOLD.get(function.__name__, [])


def advice(name: str) -> str:
    """Say what to do about a NumPy function that does not record."""
    instead = f"Write {INSTEAD[name]}. " if name in INSTEAD else ""
    return (
        f"{instead}If no gradient is needed, call it on the value, t.data; "
        "to add an operation, see bp.primitive."
    )


def values_only(
    function: Callable[..., Any], args: tuple[Any, ...], settings: Mapping[str, Any]
) -> Any:
    """Call a NumPy function on the arrays of Tensors."""
    plain = {key: value_of(value) for key, value in settings.items()}
    return function(*map(value_of, args), **plain)


def value_of(value: Any) -> Any:
    """Return the array of a Tensor, and anything else as it is."""
    return getattr(value, "_array", value)
