"""How much a run tries: a part of each sweep by default, and all of it in the thorough profile.

A test of a sweep that takes a millisecond costs pytest four times that, so such a sweep is one test
for many cases: `every` in place of `parametrize`.

`pytest --hypothesis-profile=thorough -m sweep` runs all of the sweeps, as `.ci/run` does. A test
whose cases or examples depend on the profile carries the mark `sweep`.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import settings

THOROUGH = settings.default.max_examples >= 1000

thorough_alone = pytest.mark.skipif(not THOROUGH, reason="run by --hypothesis-profile=thorough")


def examples(many: int) -> int:
    """Return how many examples to draw: a tenth of many, or many if the run is thorough."""
    return many if THOROUGH else many // 10


def sample(cases: Iterable[Any], every: int) -> list[Any]:
    """Return one case of so many, the first among them, or all if the run is thorough."""
    return list(cases)[:: 1 if THOROUGH else every]


def every(names: str, cases: Iterable[Any]) -> Callable[..., Callable[..., None]]:
    """Try all cases in one test, which names all that fail; otherwise as `parametrize` does."""
    words, cases = names.split(", "), list(cases)

    def of(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def all_cases(*args: Any, **others: Any) -> None:
            failures: list[Exception] = []
            monkeypatch = others.get("monkeypatch")  # undone after each case
            for case in cases:
                given = dict(zip(words, case if len(words) > 1 else [case], strict=True))
                try:
                    with monkeypatch.context() if monkeypatch else nullcontext() as patch:
                        own = {"monkeypatch": patch} if monkeypatch else {}
                        test(*args, **{**others, **given, **own})
                except Exception as error:
                    error.add_note(f"where {given}")
                    failures.append(error)
            if failures:
                wheres = "; ".join(error.__notes__[-1] for error in failures)
                raise ExceptionGroup(f"{len(failures)} of {len(cases)} cases: {wheres}", failures)

        signature = inspect.signature(test)
        left = [p for p in signature.parameters.values() if p.name not in words]
        all_cases.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return all_cases

    return of
