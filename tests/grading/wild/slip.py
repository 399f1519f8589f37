"""What a submission of this folder is: a problem, a backward pass, and what is to be found."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Wild(NamedTuple):
    label: str
    problem: Callable[..., Any]
    inputs: dict[str, Any]
    submission: Callable[..., Any]
    line: str | None = None  # the first wrong one; None if it is right
    mistakes: tuple[str, ...] = ()  # what it is called; () where no row fits
    remark: str = ""  # what is said of a convention


def with_slip(submission, slip):
    """The backward pass with a slip in it, by its parameters' names alone."""
    import functools
    import inspect

    made = functools.partial(submission, slip=slip)
    signature = inspect.signature(submission)
    kept = [p for p in signature.parameters.values() if p.name != "slip"]
    made.__signature__ = signature.replace(parameters=kept)
    return made
