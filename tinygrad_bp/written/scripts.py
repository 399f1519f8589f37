"""What stands above or below a name: layers, indices, a transpose, primes; and below a sum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from . import tree as t
from .tokens import OPENING, NotReadError, Token, group

TRANSPOSES = {"T", "t", r"\top", r"\intercal"}
LETTERS = {r"\ell", r"\alpha", r"\beta", r"\gamma", r"\theta", r"\mu", r"\nu", r"\delta"}


class Scripts(NamedTuple):
    pieces: tuple[t.Script, ...]
    transposed: bool = False
    primes: int = 0


def text(row: Sequence[Token]) -> str:
    return "".join(token.text for token in row)


def script(row: Sequence[Token], below: bool = False) -> Scripts:
    """Read a script; raises `NotReadError` for what is no list of indices, such as a formula."""
    pieces: list[t.Script] = []
    transposed, primes, i = False, 0, 0
    while i < len(row):
        token, start = row[i], i
        is_first = start == 0 or row[start - 1].text == ","
        i += 1
        if token.text in ("(", "["):
            inner, i = group(row, start)
            is_last = text(inner[1:-1]) in ("n_l", "n_L", "n_{l}")  # the number of layers
            inside = (t.Letter("L"),) if is_last else script(inner[1:-1], below=True).pieces
            indices = tuple(p for p in inside if isinstance(p, int | t.Letter))
            if len(indices) < len(inside) or inner[-1].text != OPENING[token.text]:
                raise NotReadError(f"{text(inner)} in a script")
            pieces.append(t.Bracketed(token.text, indices))
        elif token.text == "{":
            inner, i = group(row, start)
            found = script(inner, below)
            pieces += found.pieces
            transposed, primes = transposed != found.transposed, primes + found.primes
        elif token.text in TRANSPOSES and not below and (token.text != "t" or len(row) == 1):
            transposed = not transposed
        elif token.text in ("'", r"\prime"):
            primes += 1
        elif token.text.isdecimal():
            pieces.append(int(token.text))
        elif token.text == "-" and is_first and text(row[i : i + 1]).isdecimal():
            pieces.append(-int(row[i].text))
            i += 1
        elif token.kind in ("name", "words") or token.text in LETTERS:
            i = letters(row, start, pieces)
        elif token.text == "^" and not below and text(row[i:]).strip("{}") in TRANSPOSES:
            continue  # W^{(2)^T}
        elif token.text in (":", r"\cdot") and below and is_first:
            pieces.append(t.Word(":"))
        elif token.text != ",":
            computed = any(t.text in "+-:" for t in row)
            raise NotReadError("a computed index" if computed else f"{text(row)} as an index")
    return Scripts(tuple(pieces), transposed, primes)


def letters(row: Sequence[Token], i: int, pieces: list[t.Script]) -> int:
    # l+1 is a letter, jk are two, and pred is a word
    start, run = i, ""
    while i < len(row) and row[i].kind == "name" and (i == start or row[i].text != "T"):
        run += row[i].text
        i += 1
    if i == start:
        run, i = row[i].text.removeprefix("\\"), i + 1
    if i - start == 1 and (len(run) == 1 or row[start].text in LETTERS):
        offset = row[i + 1].text if i + 1 < len(row) and row[i].text in ("+", "-") else ""
        if offset.isdecimal():
            pieces.append(t.Letter(run, int(row[i].text + offset)))
            return i + 2
        pieces.append(t.Letter(run))
    elif len(run) > 2 or not run.isalpha() or row[start].kind == "words":
        pieces.append(t.Word(run))
    else:
        pieces += [t.Letter(letter) for letter in run]
    return i


def is_index(row: Sequence[Token]) -> bool:
    """Say whether brackets with this in them hold the indices of an entry, or a layer: [i,k+1]."""
    try:
        found = script(row, below=True)
    except NotReadError:
        return False
    commas = sum(token.text == "," for token in row)
    words = any(isinstance(piece, t.Word | t.Bracketed) for piece in found.pieces)
    return bool(found.pieces) and len(found.pieces) == commas + 1 and not words


def ranges(
    below: Sequence[Token], above: Sequence[Token]
) -> tuple[tuple[t.Range, ...], tuple[int, ...]]:
    """Read what a sum goes over: letters, or axes; where it ends is read if it is a number."""
    row = [token for token in below if token.text not in ("{", "}")]
    if ".." in (texts := [token.text for token in row]):  # i=1..3
        k = texts.index("..")
        row, above, texts = row[:k], row[k + 1 :], texts[:k]
    last: int | t.Letter | None = None
    if above:
        last = int(text(above)) if text(above).isdecimal() else t.Letter(text(above))
    match texts:
        case []:
            return (), ()
        case ["rows"] | ["columns"]:
            return (), (0 if texts == ["rows"] else 1,)
        case ["axis" | "axes", *numbers] if re.fullmatch(r"-?\d+(,-?\d+)*", "".join(numbers)):
            return (), tuple(map(int, "".join(numbers).split(",")))
        case [letter, "=", first] if is_letter(letter) and first.isdecimal():
            return (t.Range(letter.removeprefix("\\"), int(first), last),), ()
        case [letter, r"\neq", other] if is_letter(letter) and is_letter(other):
            return (t.Range(letter, unequal=other),), ()
    if all(token.text.isalpha() or token.text == "," for token in row) and row[0].kind == "name":
        return tuple(t.Range(c, last=last) for c in text(row).replace(",", "")), ()
    raise NotReadError(f"a sum over {text(below)}")


def is_letter(name: str) -> bool:
    return (len(name) == 1 and name.isalpha()) or name == r"\ell"
