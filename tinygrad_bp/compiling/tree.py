"""Arguments in lists, tuples and dictionaries: their arrays as one list, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: What is taken apart; a list of numbers is an array.
CONTAINERS = (list, tuple, dict)

#: A leaf, or a type, its keys and what is in it: it can be the key of a dictionary.
Structure = Any


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """Return the leaves of a value, and its structure."""
    if type(value) not in CONTAINERS or is_data(value):
        return [value], None
    keys = tuple(value) if isinstance(value, dict) else None
    if not all(isinstance(key, (str, int)) for key in keys or ()):
        raise TypeError(f"a dictionary of arrays has names or integers as keys, not {keys!r:.60}.")
    parts = [flatten(item) for item in (value.values() if isinstance(value, dict) else value)]
    leaves = [leaf for found, _ in parts for leaf in found]
    return leaves, (type(value), keys, tuple(structure for _, structure in parts))


def is_data(value: Any) -> bool:
    """Whether a list holds numbers alone, at any depth: it is then the data of an array."""
    if type(value) in (list, tuple):
        return len(value) > 0 and all(map(is_data, value))
    return isinstance(value, (int, float))


def unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    """Put leaves into a structure, as many as it has."""
    if structure is None:
        return next(leaves)
    kind, keys, parts = structure
    values = [unflatten(part, leaves) for part in parts]
    return kind(values) if keys is None else dict(zip(keys, values, strict=True))


def opened(structure: Structure, source: str, leaves: Iterator[str]) -> list[str]:
    """Return the lines that give the leaves of a structure their names, or return None.

    ``source`` is the text of the value; a key that is missing raises a KeyError.
    """
    if structure is None:
        leaf = next(leaves)
        return [f"{leaf} = {source}"] if leaf != source else []
    kind, keys, parts = structure
    lines = [
        f"if type({source}) is not {kind.__name__} or len({source}) != {len(parts)}:",
        "    return None",
    ]
    for k, part in enumerate(parts):
        item = f"{source}[{k if keys is None else repr(keys[k])}]"
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
        return f"{{{', '.join(f'{key!r}: {value}' for key, value in pairs)}}}"
    if kind is list:
        return f"[{', '.join(values)}]"
    return f"({', '.join(values)}{',' * (len(values) == 1)})"
