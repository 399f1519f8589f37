"""The operations of the rule table in PyTorch: for each name a function of the same parameters.

The comparison in `test_torch.py` and the random programs in `test_random_programs.py` run the same
call through both tables.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

#: Entries that PyTorch cannot be asked about, and why.
NOT_IN_TORCH = {
    "dropout": "what it drops is drawn from a NumPy generator, and PyTorch has its own",
}


@functools.cache
def torch_table() -> dict[str, Callable[..., Any]]:
    """Return PyTorch's function for each entry. Where PyTorch is missing, what asks is skipped."""
    torch = pytest.importorskip(
        "torch", reason='PyTorch is not installed: pip install "tinygrad_bp[oracle]"'
    )
    F = torch.nn.functional

    def several(value):
        """Return a setting as a tuple."""
        return value if isinstance(value, tuple) else (value,)

    def axes(axis, a):
        """Return the axes that are meant: PyTorch reads None in several ways."""
        return tuple(range(a.ndim)) if axis is None else several(axis)

    def tensors(key):
        """Return an index with its arrays as PyTorch's."""
        if isinstance(key, tuple):
            return tuple(tensors(item) for item in key)
        return torch.from_numpy(key.copy()) if isinstance(key, np.ndarray) else key

    def prod(a, axis=None, keepdims=False):
        for i in sorted((i % a.ndim for i in axes(axis, a)), reverse=True):
            a = torch.prod(a, i, keepdim=keepdims)
        return a

    def deviation(of):
        return lambda a, axis=None, ddof=0, keepdims=False: of(
            a, axes(axis, a), correction=ddof, keepdim=keepdims
        )

    def cumsum(a, axis=None):
        return torch.cumsum(a.ravel(), 0) if axis is None else torch.cumsum(a, axis)

    def norm(a, ord=None, axis=None, keepdims=False):
        return torch.linalg.vector_norm(a, dim=axis, keepdim=keepdims)

    def trace(a, offset=0, axis1=0, axis2=1):
        if a.ndim == 2 and offset == 0 and (axis1, axis2) == (0, 1):
            return torch.trace(a)
        return torch.diagonal(a, offset, axis1, axis2).sum(-1)

    def on_diagonal(a, shape, offset=0, axis1=0, axis2=1):
        return torch.diagonal_scatter(a.new_zeros(shape), a, offset, axis1, axis2)

    def product_of_others(a):
        others = [torch.cat([a[..., :i], a[..., i + 1 :]], -1) for i in range(a.shape[-1])]
        return torch.stack([other.prod(-1) for other in others], -1)

    def transpose(a, axes=None):
        return a.permute(tuple(reversed(range(a.ndim))) if axes is None else axes)

    def expand_dims(a, axis):
        ndim = a.ndim + len(several(axis))
        for i in sorted(i % ndim for i in several(axis)):
            a = a.unsqueeze(i)
        return a

    def repeat(a, repeats, axis=None):
        return torch.repeat_interleave(a, torch.as_tensor(repeats), axis)

    def pad(a, pad_width, mode="constant", constant_values=0):
        widths = np.broadcast_to(pad_width, (a.ndim, 2))[::-1]  # PyTorch begins with the last axis
        return F.pad(a, widths.ravel().tolist(), value=constant_values)

    def split(a, indices_or_sections, axis=0):
        return torch.tensor_split(a, indices_or_sections, axis)

    def take_along_axis(a, indices, axis=-1):
        return torch.take_along_dim(a, tensors(indices), axis)

    def pair(value):
        return (value, value) if isinstance(value, int) else value

    def windows(x, size, stride=1, dilation=1):
        size, stride, dilation = pair(size), pair(stride), pair(dilation)
        for i in (0, 1):
            x = x.unfold(2 + i, (size[i] - 1) * dilation[i] + 1, stride[i])
        return x[..., :: dilation[0], :: dilation[1]]

    def from_windows(w, shape, stride=1, dilation=1):
        n, channels, down, right, rows, columns = w.shape
        blocks = w.permute(0, 1, 4, 5, 2, 3).reshape(n, channels * rows * columns, down * right)
        return F.fold(blocks, shape[2:], (rows, columns), dilation, 0, stride)

    def cross_entropy(logits, target, axis=1):
        target = target if torch.is_tensor(target) else torch.as_tensor(target)
        classes = min(1, logits.ndim - 1)  # where PyTorch expects their axis
        if target.is_floating_point():
            target = target.movedim(axis, classes)
        return F.cross_entropy(logits.movedim(axis, classes), target)

    return {
        # arithmetic
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": operator.truediv,
        "negative": torch.negative,
        "power": operator.pow,
        "where": lambda condition, a, b: torch.where(torch.as_tensor(condition), a, b),
        "absolute": torch.absolute,
        "sign": torch.sign,
        "clip": lambda a, min=None, max=None: torch.clip(a, min, max),
        "square": torch.square,
        "sqrt": torch.sqrt,
        "reciprocal": torch.reciprocal,
        # elementwise
        "exp": torch.exp,
        "log": torch.log,
        "log1p": torch.log1p,
        "expm1": torch.expm1,
        "sin": torch.sin,
        "cos": torch.cos,
        "tan": torch.tan,
        "arcsin": torch.arcsin,
        "arccos": torch.arccos,
        "arctan": torch.arctan,
        "sinh": torch.sinh,
        "cosh": torch.cosh,
        "tanh": torch.tanh,
        "erf": torch.erf,
        "erfc": torch.erfc,
        # activations
        "sigmoid": torch.sigmoid,
        "softplus": lambda z: F.softplus(z, threshold=50.0),  # above it PyTorch returns z itself
        "log_sigmoid": F.logsigmoid,
        "relu": torch.relu,
        "leaky_relu": lambda z, slope=0.01: F.leaky_relu(z, slope),
        "elu": lambda z, alpha=1.0: F.elu(z, alpha),
        "gelu": F.gelu,
        "silu": F.silu,
        "softmax": lambda z, axis=-1: torch.softmax(z, axis),
        "log_softmax": lambda z, axis=-1: torch.log_softmax(z, axis),
        # linear algebra
        "matmul": torch.matmul,
        "matrix_transpose": lambda a: a.mT,
        "transpose": transpose,
        "outer": lambda a, b: torch.outer(a.ravel(), b.ravel()),
        "contraction": lambda *a, inputs, output: torch.einsum(f"{','.join(inputs)}->{output}", *a),
        "einsum": torch.einsum,
        "diagonal": lambda a, offset=0, axis1=0, axis2=1: torch.diagonal(a, offset, axis1, axis2),
        "on_diagonal": on_diagonal,
        "product_of_others": product_of_others,
        "trace": trace,
        "norm": norm,
        # reductions
        "sum": lambda a, axis=None, keepdims=False: torch.sum(a, axes(axis, a), keepdims),
        "sum_to": lambda a, shape: a.sum_to_size(shape),
        "mean": lambda a, axis=None, keepdims=False: torch.mean(a, axes(axis, a), keepdims),
        "max": lambda a, axis=None, keepdims=False: torch.amax(a, axes(axis, a), keepdims),
        "min": lambda a, axis=None, keepdims=False: torch.amin(a, axes(axis, a), keepdims),
        "maximum": lambda a, b: torch.maximum(a, torch.as_tensor(b)),
        "minimum": lambda a, b: torch.minimum(a, torch.as_tensor(b)),
        "prod": prod,
        "var": deviation(torch.var),
        "std": deviation(torch.std),
        "logsumexp": lambda a, axis=None, keepdims=False: torch.logsumexp(
            a, axes(axis, a), keepdims
        ),
        "square_sum": lambda a: torch.vdot(a.ravel(), a.ravel()),
        "cumsum": cumsum,
        # shaping
        "identity": lambda a: a.clone(),
        "astype": lambda a, dtype: a.to(getattr(torch, np.dtype(dtype).name)),
        "reshape": lambda a, shape: torch.reshape(a, several(shape)),
        "ravel": torch.ravel,
        "expand_dims": expand_dims,
        "squeeze": lambda a, axis=None: torch.squeeze(a, *(() if axis is None else (axis,))),
        "flip": lambda a, axis=None: torch.flip(a, axes(axis, a)),
        "roll": lambda a, shift, axis=None: torch.roll(a, shift, axis),
        "broadcast_to": lambda a, shape: torch.broadcast_to(a, several(shape)),
        "repeat": repeat,
        "tile": lambda a, reps: torch.tile(a, several(reps)),
        "concatenate": lambda arrays, axis=0: torch.concatenate(arrays, axis),
        "stack": lambda arrays, axis=0: torch.stack(arrays, axis),
        "split": split,
        "pad": pad,
        "getitem": lambda a, key: a[tensors(key)],
        "scatter": lambda a, key, shape: a.new_zeros(shape).index_put(
            tensors(key), a, accumulate=True
        ),
        "take_along_axis": take_along_axis,
        # models
        "windows": windows,
        "from_windows": from_windows,
        "conv2d": lambda x, w, **settings: F.conv2d(x, w, **settings),
        "max_pool2d": lambda x, *window: F.max_pool2d(x, *window),
        "avg_pool2d": lambda x, *window: F.avg_pool2d(x, *window),
        "embedding": lambda weight, indices: F.embedding(torch.as_tensor(indices), weight),
        "cross_entropy": cross_entropy,
        "cross_entropy_with_probabilities": cross_entropy,
        "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    }
