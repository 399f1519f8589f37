"""Spelling: which quantity a name means, as people write it.

A gradient is called dW1, dL_dW1, grad_W1, W1_grad, dLdW, nabla_w, dW[1] and more, and b1 is also
written bias1. An exact name comes first; then one without what says "gradient of"; then the same
without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any
from unicodedata import normalize

from ..notation.numbers import LONGEST_MESSAGE

#: What may stand before the name of a quantity, to mean its gradient, and what after it.
BEFORE = [
    re.compile(prefix)
    for prefix in (
        r"[dD∂]_?",  # dW, d_W, DW
        r"[d∂]\w*?[_/ ][d∂]_?",  # dL_dW, d_L_d_W, ∂L/∂W
        r"[d∂](?:[LlJjCcEe]|[Ll]oss|[Cc]ost)[d∂]_?",  # dLdW, dlossdW
        r"(?i:gradients?|grads?|g)_?(?:of_|wrt_)?",
        r"(?i:nabla|delta|partial|del)_?|[∇δΔ]_?",
    )
]
AFTER = re.compile(r"(?i:[_.]?(?:gradients?|grads?|delta)|_(?:[dg]|bar))$")

#: A letter written as a word: bias1 and weight_1 for b1 and W1.
WORD = re.compile(r"(?i:(b)ias|(w)eights?)(?=[\W_]*\d*[\W_]*$)")

#: What is returned beside the gradients, and is none of them.
BESIDE = {"loss", "cost", "cache"}


def find_quantity(key: Any, known: Collection[str]) -> str | None:
    if not isinstance(key, str) or len(key) > LONGEST_MESSAGE:
        return None
    spelt = list(undecorated(normalize("NFKC", key)))
    for name in (key, *spelt):
        if name in known:
            return name
    for name in spelt:
        folded = fold(name)
        alike = [quantity for quantity in known if fold(quantity) == folded]
        if folded and len(alike) == 1:
            return alike[0]
    return None


def undecorated(key: str) -> Iterator[str]:
    bare = [key, *(key[match.end() :] for prefix in BEFORE if (match := prefix.match(key)))]
    if match := AFTER.search(key):
        bare.append(key[: match.start()])
    yield from bare
    for name in bare:
        if match := WORD.match(name):
            yield f"{match[match.lastindex or 0]}{name[match.end() :]}"


def is_gradient(key: Any) -> bool:
    # written as the gradient of something
    return isinstance(key, str) and bool(
        AFTER.search(key) or any(prefix.match(key) for prefix in BEFORE)
    )


def is_decorated(key: str, known: Collection[str]) -> bool:
    # what means a gradient, and not the quantity itself
    return key not in known and find_quantity(key, known) is not None


def find_argument(name: str, known: Collection[str]) -> str | None:
    # a parameter of a function: the quantity itself, not its gradient
    if name in known:
        return name
    alike = [quantity for quantity in known if fold(quantity) == fold(name)]
    return alike[0] if len(alike) == 1 else None


def fold(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def suggest_name(key: str, missing: Collection[str], known: Collection[str]) -> str | None:
    """Return the name that is probably meant: rather one of what is missing; None if none is."""
    from difflib import get_close_matches  # few submissions need it

    spelt = list(undecorated(normalize("NFKC", key[:LONGEST_MESSAGE])))
    steps = (f"z{name}" for name in spelt if name.isdecimal())
    if meant := next((name for name in steps if name in known), None):
        return meant  # delta2 is mostly dL/dz2
    for names in (missing, known):
        by_fold = {fold(name): name for name in names}
        for name in spelt:
            for close in get_close_matches(fold(name), list(by_fold), 1, 0.6):
                return by_fold[close]
    return None
