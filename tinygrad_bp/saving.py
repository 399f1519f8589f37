"""Saving a document: the end of its file says in which form, and the file is whole or not there.

Whoever reads the file meanwhile sees the old content or the new, never a part of it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, TypeAlias

#: What makes the content of a file, for each end that its name may have, such as ".svg".
Forms: TypeAlias = Mapping[str, Callable[[], str | bytes]]


class Document:
    """What a reading returns: at the prompt it says what it is, and what to do with it."""

    kind: ClassVar[str]  # "a drawing"

    def title(self) -> str:
        """Say in a few words what it is: ``drawing of L``."""
        return self.kind.partition(" ")[2]

    def forms(self) -> Forms:
        """Return what makes the content of each file that it can be saved as."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Save it in the form that the path ends in; a missing folder is made.

        Raises
        ------
        ValueError
            If there is no such form.
        """
        save(path, self.kind, self.forms())

    def __repr__(self) -> str:
        return f"<{self.title()}: print it, or save it as {', '.join(self.forms())}>"


def save(path: str | Path, what: str, forms: Forms) -> None:
    """Save something as what the path ends in, such as ".svg"; ``forms`` make the content.

    For another end it raises ValueError, and nothing is made; ``what`` says there what is saved: "a
    drawing".
    """
    suffix = Path(path).suffix.lower()
    if suffix not in forms:
        one_of = "one of " * (len(forms) > 1)
        raise ValueError(
            f"{what} cannot be saved as {Path(path).name!r}: "
            f"the name must end in {one_of}{', '.join(forms)}."
        )
    written_to(path, forms[suffix]())


def written_to(path: str | Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8, and create the folders that are missing.

    A link is followed, and a file keeps its permissions.
    """
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():  # a device such as /dev/stdout is not to be replaced
        path.write_bytes(content)
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        part.write_bytes(content)
        if path.exists():
            shutil.copymode(path, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
