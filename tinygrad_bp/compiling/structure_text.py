"""Structures of arrays in the text of a program: how it opens arguments and makes its result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..arguments import Structure


def opened(structure: Structure, source: str, leaves: Iterator[str]) -> list[str]:
    """Return the lines that give the leaves of a structure their names, or return None.

    ``source`` is the text of the value; a key that is missing raises a KeyError.
    """
    if structure is None:
        leaf = next(leaves)
        return [f"{leaf} = {source}"] if leaf != source else []
    kind, keys, parts = structure
    base = kind.__name__ if kind in (dict, list) else "tuple"
    lines = [
        f"if not isinstance({source}, {base}) or len({source}) != {len(parts)}:",
        "    return None",
    ]
    for k, part in enumerate(parts):
        item = f"{source}[{k if keys is None else text_of_key(keys[k])}]"
        if part is not None:  # a name, so that it is looked up once
            name = f"{source.partition('[')[0]}_{k}"
            lines.append(f"{name} = {item}")
            item = name
        lines += opened(part, item, leaves)
    return lines


def text_of(structure: Structure, leaves: Iterator[str]) -> str:
    """Return the text that makes the structure, of the texts of its leaves."""
    if structure is None:
        return next(leaves)
    kind, keys, parts = structure
    values = [text_of(part, leaves) for part in parts]
    if keys is not None:
        pairs = zip(keys, values, strict=True)
        return f"{{{', '.join(f'{text_of_key(key)}: {value}' for key, value in pairs)}}}"
    if kind is list:
        return f"[{', '.join(values)}]"
    return f"({', '.join(values)}{',' * (len(values) == 1)})"


def text_of_key(key: Any) -> str:
    if not isinstance(key, (str, int)):
        raise TypeError(f"a dictionary of arrays has names or integers as keys, not {key!r:.60}.")
    return repr(key)
