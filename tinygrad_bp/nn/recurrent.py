"""Recurrent cells: what a network remembers, from one moment to the next.

A cell takes the input of one moment and the state before, and returns the state after; `over_time`
runs it along a sequence. Weights have PyTorch's layout: those of several gates lie in one matrix.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

from typing import Any, ClassVar

import numpy as np

from .. import errors
from ..arguments import check_counts
from ..creation import generator
from ..rules.activations import sigmoid
from ..rules.elementwise import tanh
from ..rules.shaping import as_operand, split, stack
from ..table import Value
from .layers import spread
from .module import Module


class Cell(Module):
    """What the recurrent cells share: their weights, and how they run over time."""

    gates: ClassVar[int]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_counts(input_size=input_size, hidden_size=hidden_size)
        rng, n = generator(rng), self.gates * hidden_size
        self.hidden_size = hidden_size
        self.weight_ih = spread((n, input_size), hidden_size, rng)
        self.weight_hh = spread((n, hidden_size), hidden_size, rng)
        self.bias_ih = spread((n,), hidden_size, rng) if bias else None
        self.bias_hh = spread((n,), hidden_size, rng) if bias else None

    def start(self, x: Value) -> Any:
        """Return the state before the first moment: zeros."""
        return np.zeros((*x.shape[:-1], self.hidden_size))

    def products(self, x: Value, h: Value) -> tuple[Value, Value]:
        """Return for all gates what the input and what the state adds."""
        self._check_width(x, self.weight_ih.shape[1])
        shape = (*x.shape[:-1], self.hidden_size)
        if h.shape != shape:
            raise errors.wrong_input(self._described(), f"a state of shape {shape}", h)
        of_x, of_h = x @ self.weight_ih.mT, h @ self.weight_hh.mT
        if self.bias_ih is None or self.bias_hh is None:
            return of_x, of_h
        return of_x + self.bias_ih, of_h + self.bias_hh

    def over_time(self, xs: Value, state: Any = None) -> tuple[Value, Any]:
        """Run the cell along a sequence.

        Parameters
        ----------
        xs
            The inputs, of axes (time, feature) or (time, sample, feature).
        state
            The state before the first moment; zeros if left out.

        Returns
        -------
        h at every moment, of axes (time, ...), and the last state.

        Raises
        ------
        ValueError
            If xs is no sequence, or an empty one.

        Examples
        --------
        >>> cell = bp.nn.LSTMCell(3, 4, rng=np.random.default_rng(0))
        >>> hs, (h, c) = cell.over_time(np.ones((10, 5, 3)))
        >>> hs.shape, h.shape
        ((10, 5, 4), (5, 4))
        """
        xs, hidden = as_operand(xs), []
        if len(xs.shape) < 2 or not len(xs):
            axes = "one moment or more, with axes (time, feature) or (time, sample, feature)"
            raise errors.wrong_input(f"{type(self).__name__}.over_time", axes, xs)
        self._check_width(xs, self.weight_ih.shape[1])
        for x in xs:
            state = self(x, state)
            hidden.append(state[0] if isinstance(state, tuple) else state)
        return stack(hidden), state


class RNNCell(Cell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    J. L. Elman, *Finding structure in time*, 1990.

    Parameters
    ----------
    input_size, hidden_size
        The lengths of the last axes of x and of h.
    bias
        Whether there are biases.
    rng
        Draws weights and biases, uniform between -1 / sqrt(hidden_size) and 1 / sqrt(hidden_size).

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh
        Of shapes (n, input_size), (n, hidden_size), (n,) and (n,): here n is the hidden size.

    Examples
    --------
    >>> cell = bp.nn.RNNCell(3, 4, rng=np.random.default_rng(0))
    >>> cell(np.ones((5, 3))).shape
    (5, 4)
    """

    gates = 1

    def forward(self, x: Value, h: Value | None = None) -> Value:
        x = as_operand(x)
        of_x, of_h = self.products(x, self.start(x) if h is None else as_operand(h))
        return tanh(of_x + of_h)


class GRUCell(Cell):
    """A gated recurrent unit: h' = (1 - z) n + z h, with the gates r, z and the candidate n.

    With r = sigmoid(...), z = sigmoid(...) and n = tanh(W_in x + b_in + r (W_hn h + b_hn)).
    K. Cho and others, *Learning phrase representations using RNN encoder-decoder*,
    arXiv:1406.1078. Parameters and attributes are those of `RNNCell`, with n three times the hidden
    size: for r, z and n, in this order.

    Examples
    --------
    >>> cell = bp.nn.GRUCell(3, 4, rng=np.random.default_rng(0))
    >>> cell(np.ones((5, 3))).shape
    (5, 4)
    """

    gates = 3

    def forward(self, x: Value, h: Value | None = None) -> Value:
        x = as_operand(x)
        h = self.start(x) if h is None else as_operand(h)
        of_x, of_h = self.products(x, h)
        (r_x, z_x, n_x), (r_h, z_h, n_h) = split(of_x, 3, axis=-1), split(of_h, 3, axis=-1)
        r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
        return (1.0 - z) * tanh(n_x + r * n_h) + z * h


class LSTMCell(Cell):
    """Long short-term memory: c' = f c + i g and h' = o tanh(c'), with the gates i, f, o.

    The gates are sigmoids of W_ih x + b_ih + W_hh h + b_hh, and g is its tanh. S. Hochreiter and
    J. Schmidhuber, *Long short-term memory*, 1997; with the forget gate f of F. A. Gers and others,
    2000. Parameters and attributes are those of `RNNCell`, with n four times the hidden size: for
    i, f, g and o, in this order. State is the pair (h, c).

    Examples
    --------
    >>> cell = bp.nn.LSTMCell(3, 4, rng=np.random.default_rng(0))
    >>> h, c = cell(np.ones((5, 3)))
    >>> h.shape, c.shape
    ((5, 4), (5, 4))
    """

    gates = 4

    def forward(self, x: Value, state: tuple[Value, Value] | None = None) -> tuple[Value, Value]:
        x = as_operand(x)
        state = (self.start(x), self.start(x)) if state is None else state
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise errors.no_pair(type(self).__name__, state)
        h, c = map(as_operand, state)
        of_x, of_h = self.products(x, h)
        i, f, g, o = split(of_x + of_h, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c
