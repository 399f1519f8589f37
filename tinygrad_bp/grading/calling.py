"""Calling what a person wrote: a function, or a class with a method ``backward``.

It gets the quantities that its parameters name. A layer's ``backward(dout, cache)`` gets the drawn
upstream gradient, and the cache that the ``forward`` beside it returns.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .spelling import find_argument, suggest_name

#: The name of a drawn upstream gradient, and what people call it, without underscores.
UPSTREAM = "dout"
UPSTREAMS = {
    *("dout", "douts", "dldout", "dy", "dldy", "dz", "dldz", "da", "dh", "g", "delta"),
    *("grad", "gradout", "gradoutput", "gradoutputs", "upstream", "upstreamgrad"),
}

#: What a dictionary holds that a layer takes beside its operands, such as ``bn_param``.
SETTINGS = {"mode": "train"}

#: What a dictionary of all quantities is called, as in ``backward_propagation(parameters, cache)``.
ALL = {"params", "parameters", "cache"}

#: The method of a class that answers; ``forward`` is called before it.
ANSWERING = ("backward", "backprop", "backpropagate", "gradients", "gradient", "grad")


class UnansweredError(Exception):
    """Why a submission cannot be called, or an answer not be read: a sentence for its author."""


def find_function(
    defined: Mapping[str, Any], name: str | None, known: Mapping[str, Any]
) -> Callable[..., Any]:
    """Find what answers in a module: by its name, else by its parameters."""
    wanted = name or "gradients"
    if callable(defined.get(wanted)):
        return defined[wanted]  # type: ignore[no-any-return]
    own = own_functions(defined) | own_classes(defined)
    others = ", ".join(f"{key}()" for key in own)
    such = f"it has no function {wanted}()" + (f", but {others}" if own else "")
    if name is not None:
        raise UnansweredError(such)
    if len(own) == 1:
        return next(iter(own.values()))
    ranks = {key: rank(key, value, known) for key, value in own.items()}
    best = max(ranks.values(), default=(0, 0))
    fitting = [key for key, found in ranks.items() if found == best]
    if best > (0, 0) and len(fitting) == 1:
        return own[fitting[0]]
    choose = ". Choose one with --function NAME, or FILE=NAME for one file" if own else ""
    raise UnansweredError(such + choose)


def rank(name: str, value: Any, known: Mapping[str, Any]) -> tuple[int, int]:
    # A class comes first, then what is called like a backward pass and can be called, then what
    # is one of both; and of these the one that takes the most quantities: relu(z) is a helper.
    looks_like_it = any(part in name.lower() for part in ("back", "grad", "deriv"))
    if inspect.isclass(value):
        return (3, 0)
    parameters = inspect.signature(value).parameters.values()
    named = [p.name in ALL or find_argument(p.name, known) is not None for p in parameters]
    needed = [n for n, p in zip(named, parameters, strict=True) if p.default is p.empty]
    can_be_called = all(needed) or takes_upstream(value, known)
    if not named or not (can_be_called or (looks_like_it and any(named))):
        return (0, 0)
    return looks_like_it + can_be_called, sum(named)


def takes_upstream(function: Callable[..., Any], known: Mapping[str, Any]) -> bool:
    return UPSTREAM in known and find_forward(function) is not None


def own_functions(defined: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    return own(defined, inspect.isfunction)


def own_classes(defined: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    return own(defined, lambda value: inspect.isclass(value) and find_method(value) is not None)


def own(defined: Mapping[str, Any], is_such: Callable[[Any], bool]) -> dict[str, Any]:
    # the public ones that a module has not imported
    mine = {k: v for k, v in defined.items() if k[0] != "_" and is_such(v)}
    return {k: v for k, v in mine.items() if v.__module__ == defined["__name__"]}


def find_method(made: Any) -> str | None:
    return next((name for name in ANSWERING if callable(getattr(made, name, None))), None)


# ---- calling ----


def run(function: Callable[..., Any], point: Mapping[str, Any]) -> Any:
    made = call_with(function, point)
    if not inspect.isclass(function) or find_method(function) is None:
        return made
    for name in vars(made) if hasattr(made, "__dict__") else ():
        quantity = find_argument(name, point)
        if quantity is not None:  # a weight that it has drawn itself
            setattr(made, name, point[quantity].copy())
    answer = None
    for method in ("forward", find_method(function)):
        bound = getattr(made, method or "", None)
        if callable(bound):
            answer = call_with(bound, point)
    return Made(made, answer)


def call_with(function: Callable[..., Any], point: Mapping[str, Any]) -> Any:
    positional, named = find_arguments(function, point)
    return function(*positional, **named)


class Made:
    """An object whose ``backward`` was called, and what that returned."""

    def __init__(self, made: Any, answer: Any) -> None:
        self.made, self.answer = made, answer


def find_arguments(
    function: Callable[..., Any], point: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= {key: value.copy() for key, value in point.items() if key not in named}
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        quantity = find_argument(name, point)
        if quantity is not None:
            value = point[quantity].copy()
        elif parameter.default is not parameter.empty:
            continue
        else:
            value = find_other(function, name, point)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[name] = value
    return positional, named


def find_other(function: Callable[..., Any], name: str, point: Mapping[str, Any]) -> Any:
    # the settings of a layer, its upstream gradient, or what its forward pass keeps
    if name.endswith("_param"):
        return dict(SETTINGS)
    if UPSTREAM in point:
        if name.replace("_", "").lower() in UPSTREAMS:
            return point[UPSTREAM].copy()
        forward = find_forward(function)
        if forward is not None and forward is not function:
            returned = call_with(forward, point)
            return returned[-1] if isinstance(returned, (tuple, list)) else returned
    if name in ALL:
        return {quantity: value.copy() for quantity, value in point.items()}
    has = ", ".join(point)
    meant = suggest_name(name, (), point)
    advice = (
        f" Leave {name} out of the arguments: compute it in the function, or define it in the "
        "file, as a NumPy array."
    )
    if meant:
        advice = f" Is {meant} meant?"
    if UPSTREAM in point:
        advice = " If it is what the forward pass keeps, put the function forward beside it."
    raise UnansweredError(
        f"it asks for {name}, which the problem does not have. It has: {has}.{advice}"
    )


def find_forward(function: Callable[..., Any]) -> Callable[..., Any] | None:
    # affine_forward beside affine_backward, or the only one of its kind
    defined = getattr(inspect.unwrap(function), "__globals__", {})
    own_name = getattr(function, "__name__", "")
    beside = {k: v for k, v in defined.items() if inspect.isfunction(v) and "forward" in k.lower()}
    named = beside.get(own_name.replace("backward", "forward").replace("backprop", "forward"))
    return named or (next(iter(beside.values())) if len(beside) == 1 else None)


def written_names(function: Callable[..., Any]) -> list[str]:
    """Return the names in the return statement: of ``return dW1, db1``, these two."""
    if inspect.isclass(function):
        function = getattr(function, find_method(function) or "", function)
    with suppress(Exception):  # there may be no source, or any text in its place
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
        if returned and isinstance(returned[-1], (ast.Tuple, ast.List)):
            return [ast.unparse(entry) for entry in returned[-1].elts]
    return []
