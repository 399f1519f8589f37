"""Lists in words, as all readings write them."""

from __future__ import annotations

from collections.abc import Iterable

#: How many names of a list are written out.
MOST_NAMES = 6


def listed(names: Iterable[str], most: int = MOST_NAMES) -> str:
    """Join names, each once.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "a", "c"]), listed("abcdefgh", most=3)
    ('a', 'a, b and c', 'a, b and 6 more')
    """
    once = list(dict.fromkeys(names))
    if len(once) > most:
        once = [*once[: most - 1], f"{len(once) - most + 1} more"]
    return " and ".join([*filter(None, [", ".join(once[:-1])]), *once[-1:]])
