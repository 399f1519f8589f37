"""A Python file of the user's own, run as an import would run it."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from ..grading.submission import describe_error


@contextmanager
def neighbours(path: Path) -> Iterator[None]:
    """Let a file import those beside it, as a script can, inside a ``with``."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Turn whatever a file of the user's raises, inside a ``with``, into an error that says where.

    Raises
    ------
    ValueError
        With the file, the line, and what was raised: sys.exit() too.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        said = describe_error(error, str(path.resolve()))
        if "in line" not in said:  # it was not raised there
            raise
        raise ValueError(f"{path}: {said}") from error


def loaded(path: Path) -> ModuleType:
    """Run a Python file and return it as a module.

    Raises
    ------
    ValueError
        If it is not there, is no Python file, or raises something.
    """
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    given, path = path, path.resolve()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # as an import does
    with neighbours(path), blamed(given):
        spec.loader.exec_module(module)
    return module
