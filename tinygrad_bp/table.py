"""The rule table: every operation by its name, NumPy's where NumPy has it, and what a row holds.

The rules fill it (``rules/__init__.py``); the engine below them only looks operations up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType, MappingProxyType
from typing import Any, TypeAlias

from . import errors
from .arguments import read_signature

TABLE: dict[str, Callable[..., Any]] = {}

#: Comparisons, by the name of their operator's method. They carry no gradient, and are recorded
#: only where an expression is to be written down (see ``rules/comparisons.py``).
COMPARISONS: dict[str, Callable[..., Any]] = {}

#: The operation that a NumPy function stands for, when it is called on a Tensor.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}

#: Where NumPy has another name for an argument of an operation.
PARAMETERS: dict[str, str] = {}

#: NumPy functions whose results are booleans or integers: computed, and not recorded.
WITHOUT_GRADIENT: set[Any] = set()

#: An ndarray or a Tensor: a rule does not care which.
Value: TypeAlias = Any

#: From the upstream gradient to the contribution to one input; None where no gradient flows back.
Closure: TypeAlias = Callable[[Value], Value] | None

#: Given the output, the inputs and the arguments of a step: a closure for each input.
Rule: TypeAlias = Callable[..., Any]

#: How an operation is written: an expression, or (plain text, LaTeX) or (text, LaTeX, level).
Notation: TypeAlias = str | tuple[str, ...] | None


class Row:
    r"""A row of the table: all that is known about an operation, in one place.

    Its forward function, its backward rule, how it is written down, and what its tests need. Made
    by the decorator `primitive`.

    Parameters
    ----------
    forward
        The function on plain arrays. Its positional parameters are the operands; its keyword-only
        parameters, such as an axis, carry no gradient.
    symbol
        How pictures show it, such as ``"@"``; its name if left out.
    needs
        What the operands must satisfy, for error messages.
    written
        The operation as an expression in NumPy, such as ``"a @ b"``, where the forward function is
        not that one line itself.
    kind
        How the entries of the result depend on those of the operands: "entrywise",
        "reduces", "product", "arranges" (each entry of the result is one of the operand's),
        "spreads" (each entry of the operand is added to one of the result's), or "joins" (as
        "arranges", from several operands).
    notation
        How it is written where its name will not do: in plain text and in LaTeX, as a name,
        ``("σ", r"\sigma")``, or as a template, ``("|{}|", r"\lvert {} \rvert")``, with {} for each
        operand, ``{:product}`` for one that is put in brackets unless it holds together as tightly
        as a product, and ``{below}`` for an axis. A third text says how tightly the whole holds
        together; see `notation.pieces.Level`. Or as an expression of its operands that means the
        same: ``"np.log(1 + a)"``.
    domain
        Between which numbers the tests draw its operands.
    letters
        What people call its parts: an operand that is an array without a name, by the operand's
        name, and what its rule computes by another operation, by that operation's name:
        ``{"target": "Y", "softmax": "p"}``.
    averages
        What it divides by the number of, such as "samples": a derivation calls that number N.
    fresh
        The forward function makes a new array each time, or a view of an operand; so the record
        keeps the result without a copy.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        symbol: str = "",
        needs: str = "",
        written: str = "",
        kind: str = "",
        notation: Notation = None,
        domain: tuple[float, float] = (-2.0, 2.0),
        letters: Mapping[str, str] = MappingProxyType({}),
        averages: str = "",
        fresh: bool = False,
    ) -> None:
        if not isinstance(forward, FunctionType):
            raise errors.not_a_function(forward)
        self.forward: Callable[..., Any] = forward
        self.__name__, self.__module__ = forward.__name__, forward.__module__
        self.__doc__, self.__wrapped__ = forward.__doc__, forward
        self.symbol = symbol or forward.__name__
        self.needs, self.written, self.kind = needs, written, kind
        self.notation, self.domain, self.fresh = notation, domain, fresh
        self.letters, self.averages = letters, averages
        self.rule: Rule = self._no_rule
        self.composed: Callable[..., Any] | None = None
        signature = read_signature(self)
        self.operand_names, self.settings, self.defaults, self.takes_any_number = signature
        self.arity = len(self.operand_names)
        self.must_be_given = len(self.settings) > len(self.defaults)

    def backward(self, rule: Rule) -> Rule:
        """Set the backward rule: a decorator for ``def _(output, *inputs, **settings)``."""
        self.rule = rule
        return rule

    def twin(self, composed: Callable[..., Any]) -> Callable[..., Any]:
        """Set the same function composed of simpler operations, as a check; a decorator."""
        self.composed = composed
        return composed

    def _no_rule(self, *_: Any, **__: Any) -> Any:
        raise errors.no_rule(self)

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"
