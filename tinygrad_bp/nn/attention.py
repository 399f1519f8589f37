"""Attention, composed of products and a softmax."""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import math

import numpy as np

from .. import errors
from ..arguments import check_counts
from ..creation import generator
from ..rules.activations import softmax
from ..rules.shaping import as_operand, split
from ..table import Value
from .init import xavier_uniform
from .layers import Linear, parameter
from .module import Module


class MultiHeadAttention(Module):
    """Every position takes a weighted mean over all positions, in several heads at once.

    A head computes softmax(Q K^T / sqrt(d)) V: for each query, a mean of the values, weighted by
    how well their keys fit the query. A. Vaswani and others, *Attention is all you need*,
    arXiv:1706.03762.

    Parameters
    ----------
    embed_dim
        The length of the last axis; it is dealt out to the heads.
    num_heads
        How many heads there are.
    causal
        Whether a position sees only itself and those before it, as in a language model.
    rng
        Draws the weights: those of query, key and value by `xavier_uniform`.

    Attributes
    ----------
    in_proj_weight, in_proj_bias
        Of shapes (3 * embed_dim, embed_dim) and (3 * embed_dim,): for query, key and value.
    out_proj
        The `Linear` layer that puts the heads together.

    Raises
    ------
    ValueError
        If the heads do not divide embed_dim; when called, if the last axis has another length.

    Examples
    --------
    >>> attention = bp.nn.MultiHeadAttention(8, 2, causal=True, rng=np.random.default_rng(0))
    >>> attention(np.ones((5, 10, 8))).shape  # (sample, position, feature)
    (5, 10, 8)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        causal: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_counts(embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim % num_heads:
            raise ValueError(f"{embed_dim} features cannot be divided among {num_heads} heads.")
        rng, self.heads, self.causal = generator(rng), num_heads, causal
        self.in_proj_weight = parameter(xavier_uniform((3 * embed_dim, embed_dim), rng))
        self.in_proj_bias = parameter(np.zeros(3 * embed_dim))
        self.out_proj = Linear(embed_dim, embed_dim, rng=rng)
        self.out_proj.bias = parameter(np.zeros(embed_dim))

    def forward(self, query: Value, key: Value | None = None, value: Value | None = None) -> Value:
        """Return what each position of the query takes in.

        The query has axes (..., position, feature). Key and value are those of other positions;
        left out, the key is the query, and the value the key.
        """
        query = as_operand(query)
        key = query if key is None else as_operand(key)
        value = key if value is None else as_operand(value)
        weights, biases = split(self.in_proj_weight, 3), split(self.in_proj_bias, 3)
        q, k, v = (
            self.by_head(x, weight, bias)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        if self.causal:
            before = np.tri(q.shape[-2], k.shape[-2], dtype=bool)
            scores = np.where(before, scores, -np.inf)
        return self.out_proj(np.swapaxes(softmax(scores) @ v, -3, -2).reshape(query.shape))

    def by_head(self, x: Value, weight: Value, bias: Value) -> Value:
        """Return a linear map of x, of axes (..., head, position, feature of the head)."""
        self._check_width(x, weight.shape[1])
        if len(x.shape) < 2:
            axes = "axes (position, feature) or (sample, position, feature)"
            raise errors.wrong_input(self._described(), axes, x)
        parts = (x @ weight.mT + bias).reshape((*x.shape[:-1], self.heads, -1))
        return np.swapaxes(parts, -3, -2)
