"""A Python file of the user's own, run as an import would run it."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def neighbours(path: Path) -> Iterator[None]:
    """Let a file import those beside it, as a script can, inside a ``with``."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def loaded(path: Path) -> ModuleType:
    """Run a Python file and return it as a module.

    Raises
    ------
    ValueError
        If it is not there, or is no Python file.
    """
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    path = path.resolve()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # as an import does
    with neighbours(path):
        spec.loader.exec_module(module)
    return module
