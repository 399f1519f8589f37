"""What is said of an argument that a function lacks: what to write, or what it has.

`answered` makes a function that says it; operations do so by themselves. What people know from
PyTorch, NumPy or scikit-learn stands in the table of `habits`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar, get_args, get_type_hints

from .habits import INSTEAD

F = TypeVar("F", bound=Callable[..., Any])

#: Names that people know, and the argument that does it here, where there is one of that name.
OTHER_NAMES = (
    ("dim dims axes", "axis"),
    ("dims dim", "axes"),
    ("keepdim keep_dims", "keepdims"),
    ("correction", "ddof"),
    ("negative_slope", "slope"),
    ("kernel_size", "size"),
    ("batch_size", "size"),
    ("num_classes", "classes"),
    ("generator random_state seed", "rng"),
    ("test_size", "test_fraction"),
    ("params", "parameters"),
    ("learning_rate", "lr"),
    ("state_dict", "state"),
    ("fill_value", "value"),
    ("shifts", "shift"),
    ("dims", "reps"),
    ("diagonal", "k"),
    ("index", "indices"),
    ("pad", "pad_width"),
    ("value", "constant_values"),
    ("p", "ord"),
    ("steps", "num"),
    ("end", "stop"),
    ("split_size_or_sections sections", "indices_or_sections"),
    ("axis0 dim0", "axis1"),
    ("dim1", "axis1"),
    ("dim2", "axis2"),
    ("f obj", "path"),
    ("argnums argnum", "wrt"),
    ("wrt", "argnums"),
    ("max", "a_max"),
    ("min", "a_min"),
    ("atol rtol", "tolerance"),
)

#: Methods that are called at every step, and by the package alone.
INNER = {"forward", "closures", "update"}


def advice(argument: str, known: Iterable[str]) -> str:
    """Say what to write for an argument that a function lacks; else, what it has.

    >>> print(advice("keepdim", ["axis", "keepdims"]))
    Write keepdims=.
    >>> print(advice("colour", ["axis", "keepdims"]))
    It has: axis, keepdims.
    """
    has = list(known)
    here = called_here(argument, has)
    if here != argument:
        return f"Write {here}=."
    return INSTEAD.get(f"{argument}=") or f"It has: {', '.join(has) or 'none'}."


def called_here(argument: str, known: Iterable[str]) -> str:
    """Return which of the known arguments is meant by another name; else the name itself."""
    named = (here for names, here in OTHER_NAMES if argument in names.split() and here in known)
    return next(named, argument)


def unknown(who: str, argument: str, known: Iterable[str]) -> TypeError:
    return TypeError(f"{who} has no argument {argument!r}. {advice(argument, known)}")


@functools.cache
def arguments_of(function: Callable[..., Any]) -> list[str] | None:
    """Return the arguments of a function that can be given by name; None if it takes any."""
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = [p.name for p in named if p.name != "self"]
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            if "Unpack" not in str(p.annotation):
                return None
            (options,) = get_args(get_type_hints(function)[p.name])
            known += list(options.__annotations__)
    return known


def check(who: str, function: Callable[..., Any], given: Iterable[str]) -> None:
    """Raise if a function lacks one of the arguments that are given by name."""
    known = arguments_of(function)
    for argument in given:
        if known is not None and argument not in known:
            raise unknown(who, argument, known)


def answered(function: F) -> F:
    """Return a function that says of an argument it lacks what to write; a decorator."""

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        if named:
            check(who(function, args), function, named)
        try:
            return function(*args, **named)
        except TypeError as error:
            if error.__traceback__ and error.__traceback__.tb_next:  # it came from within
                raise
            raise TypeError(f"{error}. Write {call_of(function, args)}.") from None

    return call  # type: ignore[return-value]


def who(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    return type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__


def call_of(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """Write how a function is called: ``Linear(in_features, out_features, *, bias=True)``."""
    takes = inspect.signature(function)
    plain = [p.replace(annotation=p.empty) for n, p in takes.parameters.items() if n != "self"]
    return f"{who(function, args)}{takes.replace(parameters=plain, return_annotation=takes.empty)}"


def answer(value: Any) -> Any:
    """Return a public function or class that says what to write; anything else, as it is."""
    package = __name__.partition(".")[0]
    if isinstance(value, type):
        for kind in value.__mro__:
            if kind.__module__.startswith(package):
                answer_of(kind)
    elif isinstance(value, FunctionType) and value.__module__.startswith(package):
        return value if hasattr(value, "__wrapped__") else answered(value)
    return value


def answer_in(namespace: dict[str, Any]) -> None:
    """Let the public functions and classes of a module say what to write."""
    namespace.update({name: answer(value) for name, value in namespace.items() if name[0] != "_"})


def answer_of(kind: type) -> None:
    """Let a class say what to write, when it is called and when its public methods are."""
    functions = [(n, value) for n, value in vars(kind).items() if isinstance(value, FunctionType)]
    for name, function in functions:
        called = name == "__init__" or (name[0] != "_" and name not in INNER)
        if called and not hasattr(function, "__wrapped__"):
            setattr(kind, name, answered(function))
