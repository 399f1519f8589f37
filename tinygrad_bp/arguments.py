"""What a call is given: operands and keyword arguments told apart, and data made safe to record.

A record must own its values. Data is copied into read-only arrays, arguments that could change
later are captured, and a result is copied unless its operation declares that nobody else holds it.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import errors, keywords
from .recording import Traced, recorded_tensors

#: These stay themselves in a record: NumPy lets them adopt the precision of the array beside them.
PYTHON_NUMBERS = (float, int, bool)

#: Arguments of these types cannot change later, so the record keeps them as they are.
PLAIN = {bool, int, float, str, type(None)}

FLOATS = {np.float64, np.float32}

KNOWN_ARRAYS = (np.ndarray, np.generic, Traced)


def read_signature(
    primitive: Any,
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any], bool]:
    """Return a function's operands, further arguments, defaults; and if any number is taken."""
    forward = inspect.unwrap(primitive.forward)
    code = forward.__code__
    if forward.__defaults__ or code.co_flags & inspect.CO_VARKEYWORDS:
        raise errors.unclear_signature(primitive)
    takes_any_number = bool(code.co_flags & inspect.CO_VARARGS)
    if takes_any_number and code.co_argcount:
        raise errors.mixed_operands(primitive)
    operands = code.co_varnames[: code.co_argcount]
    settings = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    return operands, settings, dict(forward.__kwdefaults__ or {}), takes_any_number


def sort_arguments(
    primitive: Any, operands: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tell operands from keyword arguments, as a call of the forward function would."""
    names = primitive.settings
    if len(operands) == primitive.arity:
        for name, value in given.items():
            if type(value) not in PLAIN or name not in names:
                break
        else:  # nearly all calls
            if len(given) == len(names):
                return operands, given
            params = primitive.defaults | given
            if len(params) == len(names):
                return operands, params

    params, arity = dict(given), primitive.arity
    values, further = operands[:arity], operands[arity:]
    if primitive.takes_any_number:  # given as one list, then arguments: concatenate([a, b], 0)
        as_list = len(operands) == 1 or isinstance(operands[0], (tuple, list))
        if as_list and not hasattr(operands[0], "__iter__"):
            raise errors.no_list(primitive, operands[0])
        values, further = (tuple(operands[0]), operands[1:]) if as_list else (operands, ())
    if len(further) > len(names):
        raise too_many(primitive, len(operands))
    for name, value in zip(names, further, strict=False):
        if name in params:
            raise errors.given_twice(primitive, name)
        params[name] = value
    missing = primitive.operand_names[len(values) :]
    if not all(name in params for name in missing):
        raise errors.too_few(primitive, arity, " and ".join(primitive.operand_names), len(operands))
    values += tuple(params.pop(name) for name in missing)
    for name, value in params.items():
        if name not in names:
            raise keywords.unknown(primitive.__name__, name, names)
        params[name] = capture(value, f"the argument {name!r} of {primitive.__name__}")
    return values, {**primitive.defaults, **params}


def too_many(primitive: Any, given: int) -> Exception:
    several = primitive.takes_any_number
    operands = "a list of operands" if several else f"{errors.Part(primitive.arity):operand}"
    needs = f" It needs {primitive.needs}." if primitive.needs and not primitive.settings else ""
    return errors.too_many(primitive, operands, len(primitive.settings), given, needs)


def capture(value: Any, where: str) -> Any:
    """Return a keyword argument as the record keeps it, out of reach of a later change."""
    if hasattr(value, "_array"):
        raise errors.tensor_as_argument(where)
    if isinstance(value, Traced):
        return value
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.setflags(False)
    elif isinstance(value, (tuple, list)):
        items = [capture(item, where) for item in value]
        value = items if isinstance(value, list) else tuple(items)
    elif isinstance(value, dict):
        value = {key: capture(item, where) for key, item in value.items()}
    elif hasattr(value, "__len__") and not isinstance(value, (str, bytes, np.dtype)):
        return capture(np.array(value), where)  # any other sequence
    return value


def inputs_and_values(
    primitive: Any, operands: Sequence[Any], make: Callable[[Any], Any]
) -> tuple[tuple[Any, ...], tuple[Any, ...], bool, bool]:
    """Return what an operation was computed from, and with which values.

    Also, whether it is to be recorded, as an operand is a Tensor; and whether it needs a gradient.
    The record owns its values: beside a Tensor, arrays become Tensors. Python numbers stay
    themselves; see `PYTHON_NUMBERS`.
    """
    inputs: list[Any] = []
    values: list[Any] = []
    recorded = requires_grad = False
    others = []
    for i, operand in enumerate(operands):
        x, value = operand, operand
        if type(operand) in PYTHON_NUMBERS:
            x = None
        elif hasattr(operand, "_array"):
            recorded, value = True, operand._array
            requires_grad = requires_grad or operand._requires_grad
        else:
            others.append(i)
        inputs.append(x)
        values.append(value)
    if not recorded:
        return (), arrays(operands), False, False
    for i in others:
        try:
            inputs[i] = make(operands[i])
        except (TypeError, ValueError) as error:
            raise errors.bad_operand(primitive, operands, i, error) from None
        values[i] = inputs[i]._array
    return tuple(inputs), tuple(values), True, requires_grad


def arrays(values: Sequence[Any]) -> tuple[Any, ...]:
    """Make arrays of lists, of arrays of other packages, and of Python numbers that are alone."""
    alone = all(isinstance(value, (*PYTHON_NUMBERS, list)) for value in values)
    return tuple(
        np.array(v) if alone or isinstance(v, list) or is_foreign(v) else v for v in values
    )


def is_foreign(value: Any) -> bool:
    """Whether it is an array, but not of NumPy: such as a PyTorch tensor or a pandas column."""
    return hasattr(value, "__array__") and not isinstance(value, KNOWN_ARRAYS)


def owned(primitive: Any, result: Any) -> np.ndarray:
    """Return a result as an array of real numbers that nothing outside of the record can change."""
    if type(result) in FLOATS:  # one number, as of a sum over all
        return np.asarray(result)
    if isinstance(result, Traced):
        return result  # type: ignore[return-value]
    array = np.asarray(None if isinstance(result, (tuple, list)) else result)
    if array.dtype.kind not in "fiub":
        raise errors.bad_result(primitive, type(result).__name__)
    if array.dtype.kind == "f" and array.dtype.type not in FLOATS:
        return array.astype(np.float64)
    if primitive.fresh or isinstance(result, np.generic):  # a number, of which an array was made
        return array
    base = array if array.base is None else array.base
    if not isinstance(base, np.ndarray) or base.flags.writeable:
        return array.copy(order="K")  # laid out as it was: sums over it add up alike
    return array


def users_closures(tensor: Any, found: Sequence[Any], recorded: bool) -> list[Any]:
    pairs = zip(found, tensor.inputs, strict=True)
    return [users_closure(tensor.primitive, c, x, not recorded) for c, x in pairs]


def users_closure(
    primitive: Any, closure: Any, x: Any, copies: bool
) -> Callable[[Any], Any] | None:
    """Return a user's backward closure, checked. It gets an array g read-only, and gives a copy."""
    if closure is not None and not callable(closure):
        raise errors.no_closure(primitive, type(closure).__name__)

    def run(g: Any) -> Any:
        if copies:
            g.setflags(False)  # other tensors may share the array
        given = closure(g)
        if not hasattr(given, "shape"):
            raise errors.no_array(x, given, primitive)
        if not copies:
            return given
        given = getattr(given, "_array", given)  # it may compute with a Tensor of its own
        return given.copy() if isinstance(given, np.ndarray) else given

    return closure and run


def real_array(data: Any, floating: bool, dtype: Any = None) -> np.ndarray:
    """Return a read-only copy of real-valued data; ``floating`` makes float64 of integers."""
    if type(data) is np.ndarray and data.dtype.type in FLOATS and dtype is None:
        array = data.copy(order="K")
        array.setflags(write=False)
        return array  # nearly all calls
    # the type is asked: what a value lacks, it may take long to find a better name for
    if hasattr(type(data), "_array"):
        raise errors.already_a_tensor(data)
    if isinstance(data, Traced):
        return data.astype(float) if floating and data.dtype.kind != "f" else data  # type: ignore
    if hasattr(type(data), "mask") and hasattr(type(data), "filled"):
        raise errors.masked()
    try:
        array = np.array(data)
    except ValueError as error:
        raise errors.ragged(error) from None
    if dtype is not None:
        array = array.astype(np.dtype(dtype))
    kind = array.dtype.kind
    if kind not in "fiub" or (kind == "f" and array.dtype.type not in FLOATS):
        raise errors.not_real(array.dtype)
    if floating and kind != "f":
        array = array.astype(np.float64)
    array.setflags(write=False)
    return array


def gradient_array(g: Any, x: Any) -> np.ndarray:
    if g.dtype.kind == "c":
        raise errors.complex_gradient(x)
    if isinstance(g, Traced) and not isinstance(x._array, Traced):
        raise errors.traced_value_kept(x)
    return in_dtype(g, x._array.dtype)


def in_dtype(data: Any, dtype: Any) -> np.ndarray:
    return data.astype(dtype) if isinstance(data, Traced) else np.asarray(data, dtype)


def as_dtype(array: np.ndarray, tensor: Any) -> np.ndarray:
    """Return a new array for a Tensor to hold, read-only and of its dtype; never as infinity."""
    if array.dtype != tensor.dtype:
        if not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
            raise errors.would_round(tensor, array.dtype)
        with np.errstate(over="ignore"):
            rounded = array.astype(tensor.dtype)
        if not np.array_equal(np.isfinite(array), np.isfinite(rounded)):
            raise errors.overflows(tensor)
        array = rounded
        array.setflags(write=False)
    return array


def checked_flag(requires_grad: Any) -> bool:
    if not isinstance(requires_grad, (bool, np.bool_)):
        raise errors.bad_flag(requires_grad)
    return bool(requires_grad)


def checked_name(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise errors.bad_name(name)
    return name


def refuse_where(bad: Any, error: Callable[[], Exception]) -> None:
    """Raise an error if an entry is true; a compiled program looks at them in each call."""
    if isinstance(bad, Traced):
        bad.refuse()
    elif np.any(bad):
        raise error()


# ---- numbers in a range ----

NUMBERS = int, float, np.number


def at_least_0(name: str, value: Any) -> float:
    """Return an argument as a float, if it is finite and not negative."""
    return within(name, value, float("inf"), "that is at least 0")


def below_1(name: str, value: Any) -> float:
    """Return an argument as a float, if it is a part of a whole."""
    return within(name, value, 1.0, "that is at least 0 and less than 1")


def within(name: str, value: Any, end: float, in_words: str) -> float:
    if not isinstance(value, NUMBERS) or not 0 <= value < end:
        raise errors.out_of_range(name, in_words, value)
    return float(value)


def at_least_1(name: str, value: Any) -> int:
    """Return an argument that counts something, such as the outputs of a layer."""
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise errors.out_of_range(name, "that is whole and at least 1", value)
    return int(value)


def check_counts(**given: Any) -> None:
    """Check arguments that count something, such as the inputs and outputs of a layer."""
    for name, value in given.items():
        at_least_1(name, value)


# ---- structures of parameters: dicts, lists and tuples, nested ----

#: None for a parameter; else whether it is a dict, a list or a tuple, the keys, and what is in it.
Structure = Any


def is_structure(value: Any, data: Any = np.generic) -> bool:
    """Whether it holds parameters: a dict, or a list in which arrays or structures stand.

    A list of numbers is data; in what a function returns, with data = (), NumPy's are arrays.
    """
    if isinstance(value, (list, tuple)):
        return any(
            (hasattr(v, "shape") and not isinstance(v, data)) or is_structure(v, data)
            for v in value
        )
    return isinstance(value, dict)


def flatten(value: Any, data: Any = np.generic) -> tuple[list[Any], Structure]:
    """Return the parameters in a structure in order, and the structure, which can be a key."""
    if hasattr(type(value), "shape") or not is_structure(value, data):
        return [value], None
    keys = tuple(value) if isinstance(value, dict) else None
    kind = list if isinstance(value, list) else getattr(value, "_make", tuple)  # named, or not
    leaves: list[Any] = []
    inner = []
    for item in value if keys is None else value.values():
        found, structure = flatten(item, data)
        leaves += found
        inner.append(structure)
    return leaves, (kind if keys is None else dict, keys, tuple(inner))


def unflatten(structure: Structure, values: Iterator[Any]) -> Any:
    if structure is None:
        return next(values)
    kind, keys, inner = structure
    items = [unflatten(part, values) for part in inner]
    return kind(items) if keys is None else dict(zip(keys, items, strict=True))


def parts(structure: Any) -> list[Any]:
    """Return the parameters of a structure in order; of anything else, itself."""
    return flatten(structure)[0]


def arranged(structure: Any, values: Iterator[Any]) -> Any:
    """Return values in the places of a structure's parameters."""
    return unflatten(flatten(structure)[1], values)


def inputs_of(structure: Any) -> tuple[list[Any], Structure]:
    """Return the Tensors of a structure, each of which must need a gradient, and the structure."""
    inputs, arranged_as = flatten(structure)
    for x in inputs:
        if not hasattr(x, "_array"):
            raise errors.no_tensor(x)
        if not x._requires_grad:
            raise errors.unwanted(x)
    return inputs, arranged_as


def check_used(x: Any, output: Any) -> None:
    """Raise if an output was not computed from x; if it was, its gradient may still be zero."""
    if all(t.id != x.id for t in recorded_tensors(output)):
        raise errors.unused(output, x)


#: Indices that are taken as they are.
KEYS = (int, np.integer, np.bool_, slice, type(None), type(Ellipsis), np.ndarray, Traced)


def read_index(key: Any) -> Any:
    """Return an index with its lists as arrays and its integer Tensors as their values."""
    if isinstance(key, tuple):
        return tuple(read_index(item) for item in key)
    if hasattr(key, "_array"):
        return key._array if key.dtype.kind in "iub" else key
    if isinstance(key, KEYS):
        return key
    if hasattr(key, "__index__"):
        return operator.index(key)
    if not isinstance(key, Sequence) or isinstance(key, str):
        raise errors.bad_index(key)
    return np.array(key, dtype=None if len(key) else int)  # a copy: it may change later
