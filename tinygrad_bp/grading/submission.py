"""What a person handed in: read here, judged elsewhere.

A submission is asked for its gradients at points, and answers. It may be a function, a class, a
mapping of arrays, or anything else that can answer; whatever it does, what comes back are
`Answers`. This file and those it imports need little more than NumPy, so that a process that runs a
stranger's code starts fast.
"""

from __future__ import annotations

import inspect
import io
import linecache
import re
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from ..notation.numbers import listed, printable
from ..recording import recorded_tensors
from .calling import Made, UnansweredError, find_method, run, written_names
from .limits import MOST_STRAYS
from .spelling import BESIDE, find_quantity, is_decorated, is_gradient

#: Every quantity of the problem by name, and its value there.
Point: TypeAlias = Mapping[str, np.ndarray]


class Order(NamedTuple):
    """Whose gradients a returned tuple has, in this order."""

    names: tuple[str, ...] = ()
    is_fixed: bool = False  # else the names in the return statement come first


#: Why an answer cannot be read that is none of a quantity.
UNKNOWN = "the problem has no quantity of this name"


@dataclass(frozen=True)
class Answers:
    #: The gradients, float64 or float32, by the name of their quantity, in the shapes given.
    values: Mapping[str, np.ndarray] = field(default_factory=dict)
    #: Why an answer cannot be read: it is ragged, no numbers, or of no known quantity.
    unreadable: Mapping[str, str] = field(default_factory=dict)
    #: Why there are no answers at all, such as an exception and its line in the submission.
    failure: str | None = None
    #: How they were read, where that was not said.
    note: str | None = None


class Submission(Protocol):
    """Anything that answers gradients at points."""

    def answers_at(self, points: Sequence[Point], order: Order) -> list[Answers]: ...


@dataclass(frozen=True)
class InProcess:
    """A function or a class whose parameters are quantities, and which returns gradients."""

    function: Callable[..., Any]

    def answers_at(self, points: Sequence[Point], order: Order = Order()) -> list[Answers]:  # noqa: B008
        return [call(self.function, point, order) for point in points]


# ---- calling ----


def call(
    function: Callable[..., Any],
    point: Point,
    order: Order | None = None,
    out: Any = None,
    err: Any = None,
) -> Answers:
    # It is given copies of the quantities that its parameters name, so a change to one stays its
    # own. Whatever it raises becomes the failure, with its line. What it prints is dropped, if no
    # streams are given.
    try:
        with (
            redirect_stdout(out or Nowhere()),
            redirect_stderr(err or Nowhere()),
            warnings.catch_warnings(action="ignore"),
            np.errstate(all="ignore"),
        ):
            returned = run(function, point)
            written = written_names(function) if returns_tuple(returned) else ()
            return read_answers(returned, point, order or Order(), written)
    except UnansweredError as reason:
        return Answers(failure=str(reason))
    except KeyboardInterrupt:  # the user's own
        raise
    except BaseException as error:
        called = getattr(function, find_method(function) or "", function)  # of a class
        code = getattr(inspect.unwrap(called), "__code__", None)
        return Answers(failure=describe_error(error, getattr(code, "co_filename", "")))


def returns_tuple(returned: Any) -> bool:
    answer = returned.answer if isinstance(returned, Made) else returned
    return isinstance(answer, (tuple, list))


class Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


#: What NumPy says of a product beside the lengths that do not fit.
UFUNC = re.compile(r" Input operand 1 has a mismatch in its .*? with gufunc signature \S+ ")


def describe_error(error: BaseException, file: str) -> str:
    # The file may be a stranger's, and so may the class of the exception.
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.lineno is not None:
        where = f"in line {error.lineno}: {(error.text or '').strip()}"
        return f"{kind}: {printable(error.msg)}, {printable(where)}"
    try:
        said = UFUNC.sub(" the shapes do not fit ", str(error))
        text = printable(f"{kind}: {said}".removesuffix(": "))
    except Exception:  # it cannot even be written
        text = printable(kind)
    frames = [f for f in traceback.walk_tb(error.__traceback__) if f[0].f_code.co_filename == file]
    if not frames:
        return text
    frame, number = frames[-1]
    line = linecache.getline(file, number).strip()
    names = dict.fromkeys(re.findall(r"\w+", line))
    arrays = {n: v for n in names if type(v := frame.f_locals.get(n)) is np.ndarray}
    shapes = listed(f"{name} is {array.shape}" for name, array in arrays.items())
    where = f"in line {number}: {line}".removesuffix(": ")
    return f"{text}, {printable(where)}{f', where {printable(shapes)}' if shapes else ''}"


# ---- reading ----


def read_answers(
    returned: Any,
    known: Collection[str],
    order: Order = Order(),  # noqa: B008, it cannot be changed
    written: Sequence[str] = (),
) -> Answers:
    try:
        pairs = list(named_answers(returned, known, order, written))
    except UnansweredError as reason:
        return Answers(failure=str(reason))
    values: dict[str, np.ndarray] = {}
    unreadable: dict[str, str] = {}
    strays = 0
    for path, answer in pairs:
        name = find_by_path(path, known)
        if name is None:
            if is_beside(path, answer):
                continue
            strays += 1
            if strays <= MOST_STRAYS:
                text = ".".join(p if isinstance(p, str) else ascii(p) for p in path)
                unreadable[printable(text)] = UNKNOWN
        elif answer is not None:  # None stands for no answer
            try:
                array = to_numbers(answer)
            except UnansweredError as reason:
                unreadable[name] = str(reason)
                continue
            if name in values and not np.array_equal(values[name], array, equal_nan=True):
                unreadable[name] = "it is answered twice, with different numbers"
            values[name] = array
    if strays > MOST_STRAYS:
        unreadable["..."] = f"{strays - MOST_STRAYS:,} more names are no quantities of the problem"
    values = {name: value for name, value in values.items() if name not in unreadable}
    reasons = set(unreadable.values())
    if not values and len(reasons) == 1 < len(unreadable) and not strays:  # it is said once
        return Answers(failure=reasons.pop())
    return Answers(values, unreadable, note=say_order(returned, pairs, order, written))


def say_order(
    returned: Any, pairs: Sequence[Any], order: Order, written: Sequence[str]
) -> str | None:
    # names in a return statement say what a tuple has; without them it is the problem's order
    names = tuple(name for (name, *_), _ in pairs)
    if order.is_fixed or names != order.names or len(names) < 2 or not returns_tuple(returned):
        return None
    if written and all(find_quantity(name, order.names) for name in written):
        return None
    return f"What it returned was read as the gradients of {', '.join(names)}, in this order."


def is_beside(path: tuple[Any, ...], answer: Any) -> bool:
    return str(path[0]).lower() in BESIDE and (path[0] == "cache" or is_number(answer))


def named_answers(
    returned: Any, known: Collection[str], order: Order, written: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    # each answer with the keys that lead to it
    if isinstance(returned, Made):
        found = list(of_object(returned.made, known))
        yield from found
        if returned.answer is not None and not isinstance(returned.answer, type(returned.made)):
            answered = {find_by_path(path, known) for path, _ in found}
            left = tuple(name for name in order.names if name not in answered)
            order = Order(left, order.is_fixed)
            yield from named_answers(returned.answer, known, order, written)
        return
    if isinstance(returned, Mapping):
        yield from flattened(returned, known)
        return
    if isinstance(returned, (tuple, list)):
        mappings = [part for part in returned if isinstance(part, Mapping)]
        each = chain.from_iterable(x if isinstance(x, (tuple, list)) else [x] for x in returned)
        is_cache = 1 < len(order.names) <= sum(map(is_array, each))  # beside (dW, db)
        if mappings and not is_cache:  # (loss, gradients, cache), or one for each layer
            yield from flattened(with_gradients(mappings, known, order), known)
            return
        inner = [part for part in returned if isinstance(part, (tuple, list))]
        if len(returned) == 2 and len(inner) == 1 and not any(map(is_array, returned)):
            yield from named_answers(inner[0], known, order, ())  # (loss, [dW1, ...])
            return
        yield from in_order(list(returned), known, order, written)
        return
    is_numbers = isinstance(returned, (np.ndarray, np.generic, int, float))
    if is_numbers and len(order.names) == 1:
        yield (order.names[0],), returned
        return
    found = [] if is_numbers or returned is None else list(of_object(returned, known))
    if not found:
        what = "None" if returned is None else f"a {type(returned).__name__}"
        what = "an array" if is_array(returned) else what
        raise UnansweredError(f"it returned {what}. {say_mapping(known, order)}.")
    yield from found


def with_gradients(
    mappings: Sequence[Mapping[Any, Any]], known: Collection[str], order: Order
) -> Mapping[Any, Any]:
    """Return the mapping that has the gradients, or if several do, those by their number."""
    if len(mappings) == 1:
        return mappings[0]
    numbered = dict(enumerate(mappings, 1))

    def answers_in(i: int) -> Iterator[tuple[tuple[Any, ...], str]]:
        for start in ((), (i,)):  # alone, or as a layer
            for path, _ in flattened(numbered[i], known, start):
                if name := find_by_path(path, known):
                    yield path[len(start) :], name

    # gradients are called so, or else they are of parameters: others may be a cache
    spelt = [i for i in numbered if any(any(map(is_gradient, keys)) for keys, _ in answers_in(i))]
    asked = [i for i in numbered if any(name in order.names for _, name in answers_in(i))]
    found = spelt or asked or list(numbered)
    return numbered[found[0]] if len(found) == 1 else {i: numbered[i] for i in found}


def say_mapping(known: Collection[str], order: Order) -> str:
    such = next(iter((*order.names, *known)), "z")  # a parameter, if there is one, and no data
    return f'Return a mapping from names to gradients, such as {{"{such}": ...}}'


def of_object(made: Any, known: Collection[str]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    # its attributes that are called as gradients are: dW1, and not W1
    for name, value in (getattr(made, "__dict__", None) or {}).items():
        if isinstance(name, str) and is_decorated(name, known):
            yield (name,), value
        elif isinstance(value, Mapping) and ("grad" in name.lower() or name == "d"):
            yield from flattened(value, known)


def flattened(
    returned: Any, known: Collection[str], path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(returned, Mapping) and len(path) < 4:
        for key, value in returned.items():
            yield from flattened(value, known, (*path, key))
    elif is_list_of_arrays(returned) and path and find_by_path(path, known) is None:
        # dW = [None, dW1, dW2], or [dW1, dW2]
        starts_at_0 = returned[0] is None or find_by_path((*path, 0), known) is not None
        for i, value in enumerate(returned, start=0 if starts_at_0 else 1):
            if value is not None:
                yield (*path, i), value
    else:
        yield path, returned


def is_list_of_arrays(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value)


def find_by_path(path: tuple[Any, ...], known: Collection[str]) -> str | None:
    # {"layer1": {"W": ...}}, {"W": {1: ...}}, {"gradients": {"W1": ...}}
    if len(path) == 1:
        return find_quantity(path[0], known)
    parts = [str(part) for part in path if isinstance(part, (str, int))]
    if len(parts) < len(path):
        return None
    last = parts[-1]
    digits = "".join(c for c in "".join(parts[:-1]) if c.isdigit())
    spelt = [".".join(parts), "".join(parts), last + digits if digits else ""]
    if not last.isdecimal():
        spelt.append(last)
    return next(filter(None, (find_quantity(name, known) for name in spelt)), None)


def in_order(
    returned: list[Any], known: Collection[str], order: Order, written: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if not order.is_fixed and len(written) == len(returned):
        found = [find_quantity(name.removeprefix("self."), known) for name in written]
        pairs = list(zip(written, found, returned, strict=True))
        if any(found) and all(n or is_number(r) or w in BESIDE for w, n, r in pairs):
            yield from (((name,), value) for _, name, value in pairs if name is not None)
            return
    names = order.names
    returned = [part for part in returned if not isinstance(part, Mapping)]
    if len(returned) != len(names) and isinstance(known, Mapping):  # [(dW1, db1), (dW2, db2)]
        each = [*chain.from_iterable(x if isinstance(x, (tuple, list)) else [x] for x in returned)]
        each = [x for x in each if x is not None]  # which a layer without a bias may have
        shapes = [getattr(x, "shape", None) for x in each]
        returned = each if shapes == [known[name].shape for name in names] else returned
    if len(returned) == len(names) + 1 and not is_array(returned[0]):  # (loss, dW1, ...)
        returned = returned[1:]
    if len(returned) != len(names) or not names:
        asked = f"; a tuple has those of {', '.join(names)}, in this order" if names else ""
        raise UnansweredError(
            f"it returned {len(returned)} things without names. {say_mapping(known, order)}{asked}."
        )
    yield from (((name,), value) for name, value in zip(names, returned, strict=True))


def say_tensor(answer: Any) -> str:
    # a function of arrays made a Tensor, so it used one of its file
    if type(answer).__name__ != "Tensor":  # a process of its own may have imported another Tensor
        return ""
    with suppress(Exception):  # it may be a stranger's class
        leaves = (t.name for t in recorded_tensors(answer) if t.primitive is None and t.name)
        if name := next(leaves, None):
            return (
                f"{name} is a Tensor of your file: take {name} as an argument of the function, or "
                f"use {name}.data."
            )
    return "it is a Tensor, and no array: take its operands as arguments, or use their .data."


def is_number(value: Any) -> bool:
    return not isinstance(value, (list, tuple)) and np.ndim(value) == 0


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def to_numbers(answer: Any) -> np.ndarray:
    try:
        array = np.array(answer)
    except ValueError:
        raise UnansweredError("its rows differ in length, so it is no array") from None
    except Exception as error:  # raised by a stranger's class
        reason = say_tensor(answer) or f"it is no array ({type(error).__name__}: {error})"
        raise UnansweredError(printable(reason)) from None
    if array.dtype.kind == "O":  # of fractions, say, or what np.frompyfunc returns
        objects, array = array, np.empty(array.shape)
        for index, entry in np.ndenumerate(objects):
            try:
                array[index] = float(entry)
            except Exception:  # raised by a stranger's class
                reason = f"it holds Python objects ({type(entry).__name__}), and no numbers"
                raise UnansweredError(printable(reason)) from None
    if array.dtype.kind == "c" and not array.imag.any():  # as after a complex step
        array = array.real
    if array.dtype.kind not in "fiub":
        raise UnansweredError(f"it holds {array.dtype}, and a gradient holds real numbers")
    return array if array.dtype == np.float32 else array.astype(np.float64)
