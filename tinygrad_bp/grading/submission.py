"""What a person handed in: read here, judged elsewhere.

A submission is asked for its gradients at points, and answers. It may be a function, a mapping of
arrays, or anything else that can answer; whatever it does, what comes back are `Answers`. This file
needs little more than NumPy, so that a process that runs a stranger's code starts fast.
"""

from __future__ import annotations

import inspect
import io
import linecache
import re
import traceback
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..notation.numbers import LONGEST_MESSAGE, printable

#: Every quantity of the problem by name, and its value there.
Point: TypeAlias = Mapping[str, np.ndarray]

#: What may stand before the name of a quantity, to mean its gradient: dz3, dL_dz3, ∂L/∂z3, grad_z3.
PREFIXES = [re.compile(prefix) for prefix in (r"[d∂]", r"[d∂]\w*?[_/][d∂]", r"grad_")]


@dataclass(frozen=True)
class Answers:
    #: The gradients, float64 or float32, by the name of their quantity, in the shapes given.
    values: Mapping[str, np.ndarray] = field(default_factory=dict)
    #: Why an answer cannot be read: it is ragged, no numbers, or of no known quantity.
    unreadable: Mapping[str, str] = field(default_factory=dict)
    #: Why there are no answers at all, such as an exception and its line in the submission.
    failure: str | None = None


class Submission(Protocol):
    """Anything that answers gradients at points."""

    def answers_at(self, points: Sequence[Point]) -> list[Answers]: ...


@dataclass(frozen=True)
class InProcess:
    """A function whose parameters are quantities, and which returns a mapping of gradients."""

    function: Callable[..., Any]

    def answers_at(self, points: Sequence[Point]) -> list[Answers]:
        return [call(self.function, point) for point in points]


class UnansweredError(Exception):
    """Why a submission cannot be called, or an answer not be read: a sentence for its author."""


# ---- calling ----


def call(function: Callable[..., Any], point: Point, out: Any = None, err: Any = None) -> Answers:
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
            positional, named = find_arguments(function, point)
            return read_answers(function(*positional, **named), point)
    except UnansweredError as reason:
        return Answers(failure=str(reason))
    except KeyboardInterrupt:  # the user's own
        raise
    except BaseException as error:
        code = getattr(inspect.unwrap(function), "__code__", None)
        return Answers(failure=describe_error(error, getattr(code, "co_filename", "")))


class Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def find_arguments(function: Callable[..., Any], point: Point) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= {key: value.copy() for key, value in point.items() if key not in named}
        elif parameter.kind is parameter.VAR_POSITIONAL:
            continue
        elif name in point and parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(point[name].copy())
        elif name in point:
            named[name] = point[name].copy()
        elif parameter.default is parameter.empty:
            has = ", ".join(point)
            raise UnansweredError(
                f"it asks for {name}, which the problem does not have. It has: {has}."
            )
    return positional, named


def own_functions(defined: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    # the public ones that a module has not imported
    return {
        name: value
        for name, value in defined.items()
        if inspect.isfunction(value) and value.__module__ == defined["__name__"] and name[0] != "_"
    }


def describe_error(error: BaseException, file: str) -> str:
    # The file may be a stranger's, and so may the class of the exception.
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.lineno is not None:
        where = f"in line {error.lineno}: {(error.text or '').strip()}"
        return f"{kind}: {printable(error.msg)}, {printable(where)}"
    try:
        text = printable(f"{kind}: {error}".removesuffix(": "))
    except Exception:  # it cannot even be written
        text = printable(kind)
    trace = traceback.walk_tb(error.__traceback__)
    lines = [number for frame, number in trace if frame.f_code.co_filename == file]
    if not lines:
        return text
    where = f"in line {lines[-1]}: {linecache.getline(file, lines[-1]).strip()}"
    return f"{text}, {printable(where.removesuffix(': '))}"


# ---- reading ----


def read_answers(returned: Any, known: Collection[str]) -> Answers:
    if not isinstance(returned, Mapping):
        what = "None" if returned is None else f"a {type(returned).__name__}"
        such = next(iter(known), "z")
        return Answers(
            failure=f"it returned {what}. Return a mapping from names to gradients, such as "
            f'{{"{such}": ...}}.'
        )
    values: dict[str, np.ndarray] = {}
    unreadable: dict[str, str] = {}
    for key, answer in returned.items():
        name = find_quantity(key, known)
        if name is None:
            shown = printable(key if isinstance(key, str) else ascii(key))
            unreadable[shown] = suggest_name(key, known)
        elif answer is not None:  # None stands for no answer
            try:
                array = to_numbers(answer)
            except UnansweredError as reason:
                unreadable[name] = str(reason)
                continue
            if name in values and not np.array_equal(values[name], array, equal_nan=True):
                unreadable[name] = "it is answered twice, with different numbers"
            values[name] = array
    return Answers({k: v for k, v in values.items() if k not in unreadable}, unreadable)


def find_quantity(key: Any, known: Collection[str]) -> str | None:
    if not isinstance(key, str):
        return None
    if key in known:
        return str(key)
    rests = (key[match.end() :] for prefix in PREFIXES if (match := prefix.match(key)))
    return next((name for name in rests if name in known), None)


def suggest_name(key: Any, known: Collection[str]) -> str:
    close = get_close_matches(key[:LONGEST_MESSAGE], list(known)) if isinstance(key, str) else []
    hint = f"Is {close[0]} meant?" if close else f"It has: {', '.join(known)}."
    return f"the problem has no quantity of this name. {hint}"


def to_numbers(answer: Any) -> np.ndarray:
    try:
        array = np.array(answer)
    except ValueError:
        raise UnansweredError("its rows differ in length, so it is no array") from None
    except Exception as error:  # raised by a stranger's class
        reason = f"it is no array ({type(error).__name__}: {error})"
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
