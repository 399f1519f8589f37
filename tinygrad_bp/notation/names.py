"""What the tensors of a recorded computation are called: in code, in LaTeX and in plain text.

A tensor has the name that it was given; one without gets a short one in recording order. Names are
data: whatever they hold, in code they are valid identifiers, and in LaTeX they are escaped.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..engine import Tensor
from .numbers import LONGEST_NAME
from .symbols import SUPERSCRIPTS, latex_symbol, text_symbol


def recorded_tensors(*outputs: Tensor) -> list[Tensor]:
    """Return every tensor that the outputs were computed from, and themselves, as recorded.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor(2.0, name="x")
    >>> [t.name for t in recorded_tensors((x * x).named("y"))]
    ['x', 'y']
    """
    found = {output.id: output for output in outputs}
    stack = list(outputs)
    while stack:
        for x in stack.pop().inputs:
            if x is not None and x.id not in found:
                found[x.id] = x
                stack.append(x)
    return [found[key] for key in sorted(found)]


def wanted_tensors(recorded: list[Tensor], wrt: Any, reading: str) -> list[Tensor]:
    """Return the tensors that a reading differentiates by, each once: all parameters by default.

    Parameters
    ----------
    recorded
        As `recorded_tensors` returns them: the loss is the last.
    wrt
        One Tensor, several, or None.
    reading
        What error messages call the function that was called.

    Raises
    ------
    TypeError
        If anything but Tensors is asked for.
    ValueError
        If a tensor needs no gradient, or the loss was not computed from it.
    """
    if wrt is None:
        return [t for t in recorded if t.primitive is None and t.requires_grad]
    wanted = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
    ids = {t.id for t in recorded}
    for x in wanted:
        if not isinstance(x, Tensor):
            raise TypeError(f"{reading} takes Tensors to differentiate by, not {x!r:.60}.")
        if not x.requires_grad:
            raise ValueError(f"{x.described()} needs no gradient. Make it with requires_grad=True.")
        if x.id not in ids:
            raise ValueError(f"{recorded[-1].described()} was not computed from {x.described()}.")
    return list({x.id: x for x in wanted}.values())


class Names:
    r"""Names for tensors, unique among them and among the names of their gradients.

    A tensor that has a name keeps it, as far as it is a valid identifier. Others are v1, v2, ...
    where they were computed, p1, p2, ... where they are parameters, and c1, c2, ... where they are
    constants, in recording order.

    Parameters
    ----------
    tensors
        In recording order.
    reserved
        Identifiers that no tensor and no gradient may take, such as those of helper functions.
    symbols
        LaTeX for given names, such as ``{"z1": r"\zeta"}``; used as it is.
    usual
        What tensors without a name are called if nothing else is, by their ids: a loss ``L``.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> z1, again, lam = (bp.tensor(1.0, name=name) for name in ["z1", "z1", "lambda"])
    >>> names = Names([z1, again, lam], symbols={"lambda": r"\ell"})
    >>> names.identifier(z1), names.identifier(again), names.identifier(lam), names.gradient(z1)
    ('z1', 'z1_2', 'lambda_', 'dz1')
    >>> print(names.latex(z1), names.latex(again), names.latex(lam), names.text(again))
    z_1 z_1^{(2)} \ell z₁⁽²⁾
    """

    def __init__(
        self,
        tensors: Iterable[Tensor],
        reserved: Iterable[str] = (),
        symbols: Mapping[str, str] | None = None,
        usual: Mapping[int, str] | None = None,
    ) -> None:
        tensors = list(tensors)
        taken = {"np", *reserved, *keyword.kwlist}
        self._identifiers: dict[int, str] = {}
        self._gradients: dict[int, str] = {}
        self._latex: dict[int, str] = {}
        self._text: dict[int, str] = {}

        given = [t for t in tensors if t.name is not None]
        used: dict[str, int] = {}  # how many names began alike, so that a thousand take no longer
        for t in given:
            self._identifiers[t.id] = fresh(identifier(t.name or ""), taken, used)
        counts = {"v": 0, "p": 0, "c": 0}
        for t in tensors:
            if t.id in self._identifiers:
                continue
            kind = "v" if t.primitive is not None else "p" if t.requires_grad else "c"
            name = (usual or {}).get(t.id, "")
            while not name or name in taken:
                counts[kind] += 1
                name = f"{kind}{counts[kind]}"
            taken.add(name)
            self._identifiers[t.id] = name
        for t in tensors:
            self._gradients[t.id] = fresh(f"d{self._identifiers[t.id]}", taken, used)

        latex: dict[str, int] = {}
        text: dict[str, int] = {}
        for t in [*given, *(t for t in tensors if t.name is None)]:
            name = self._identifiers[t.id] if t.name is None else t.name
            symbol = (symbols or {}).get(name) or latex_symbol(name)
            self._latex[t.id] = numbered(symbol, latex, "^{{({})}}".format)
            self._text[t.id] = numbered(
                text_symbol(name), text, lambda n: f"({n})".translate(SUPERSCRIPTS)
            )

    def identifier(self, t: Tensor) -> str:
        """Return the name in code: a valid identifier."""
        return self._identifiers[t.id]

    def gradient(self, t: Tensor) -> str:
        """Return the name in code of the gradient with respect to a tensor: ``dz1``."""
        return self._gradients[t.id]

    def latex(self, t: Tensor) -> str:
        """Return the symbol in LaTeX: ``z_1``."""
        return self._latex[t.id]

    def text(self, t: Tensor) -> str:
        """Return the symbol in plain text: ``z₁``."""
        return self._text[t.id]

    def gradient_latex(self, t: Tensor, loss: Tensor) -> str:
        r"""Return the gradient in LaTeX: ``\frac{\partial L}{\partial z_1}``."""
        return rf"\frac{{\partial {self.latex(loss)}}}{{\partial {self.latex(t)}}}"

    def gradient_text(self, t: Tensor, loss: Tensor) -> str:
        """Return the gradient in plain text: ``∂L/∂z₁``."""
        return f"∂{self.text(loss)}/∂{self.text(t)}"

    def functions(self) -> dict[str, str]:
        """Return functions that keep their name, since a tensor has their symbol: what σ is."""
        return {"sigmoid()": "sigmoid"} if "σ" in self._text.values() else {}

    def latex_symbols(self, loss: Tensor) -> dict[str, str]:
        """Return LaTeX for every identifier, those of gradients included: what `latex` takes."""
        values = {name: self._latex[key] for key, name in self._identifiers.items()}
        values |= self.functions()
        over = rf"\frac{{\partial {self.latex(loss)}}}{{\partial "
        return values | {
            name: f"{over}{self._latex[key]}}}" for key, name in self._gradients.items()
        }

    def text_symbols(self, loss: Tensor) -> dict[str, str]:
        """Return text for every identifier, those of gradients included: what `text` takes."""
        values = {name: self._text[key] for key, name in self._identifiers.items()}
        values |= self.functions()
        over = f"∂{self.text(loss)}/∂"
        return values | {name: over + self._text[key] for key, name in self._gradients.items()}


def identifier(name: str) -> str:
    """Return a valid identifier that is like a name.

    Examples
    --------
    >>> [identifier(name) for name in ["z1", "W₁", "a b", "class", "2x", "<script>", ""]]
    ['z1', 'W1', 'a_b', 'class_', 'v2x', 'script', 'v']
    """
    # Python reads identifiers in this normal form, so in it they are compared
    name = unicodedata.normalize("NFKC", name[: 10 * LONGEST_NAME])
    word = re.sub(r"[^0-9A-Za-z_]+", lambda run: kept_letters(run[0]), name)
    word = re.sub(r"__+", "_", word).strip("_")[:LONGEST_NAME].strip("_") or "v"
    if not word.isidentifier():
        word = f"v{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def kept_letters(run: str) -> str:
    """Return the letters among characters, such as Greek ones, and an underscore for others."""
    return "".join(
        c if f"v{c}".isidentifier() and unicodedata.normalize("NFKC", c) == c else "_" for c in run
    )


def fresh(base: str, taken: set[str], used: dict[str, int]) -> str:
    """Return a name that is not taken yet, and take it."""
    name, n = base, used.get(base, 1)
    while name in taken:
        n += 1
        name = f"{base}_{n}"
    used[base] = n
    taken.add(name)
    return name


def numbered(symbol: str, seen: dict[str, int], mark: Callable[[int], str]) -> str:
    """Return a symbol that was not seen yet: with a number, where it was."""
    unique, n = symbol, seen.get(symbol, 0) + 1
    if n > 1:
        while (unique := symbol + mark(n)) in seen:
            n += 1
    seen[symbol] = n
    seen.setdefault(unique, 1)
    return unique
