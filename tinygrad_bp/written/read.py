"""A document, read into lines: where its mathematics stands, its rows, and their surface trees."""

from __future__ import annotations

from .tree import WrittenLine


def read(source: str, suffix: str) -> list[WrittenLine]:
    """Read a document: suffix is ``.md``, ``.tex``, ``.ipynb`` or ``.txt``."""
    raise NotImplementedError
