"""A submission with the verdict that it should get."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    answers: Any  # a function or a class
    problem: Any
    inputs: Mapping[str, Any] | None = None
    first_wrong: str | None = None  # None: it is right
    mistake: str = ""  # a name that the first wrong line has to have
    returns: Sequence[str] | None = None
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or f"{self.answers.__module__.split('.')[-1]}-{self.answers.__name__}"


def right(problem: Any, inputs: Any, *answers: Callable[..., Any], **options: Any) -> list[Case]:
    return [Case(function, problem, inputs, **options) for function in answers]
