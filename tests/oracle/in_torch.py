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
    "floor_divide": "it has no gradient, and PyTorch refuses to compute that",
    "eigh": "its parts, eigvalsh and eigenvectors, are compared",
    "svd": "its parts, svdvals, left_vectors and right_vectors, are compared",
    "lstsq": "it has other outputs, and pinv, which it is made of, is compared",
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
        if ord is None:
            return torch.linalg.vector_norm(a, dim=axis, keepdim=keepdims)
        return torch.linalg.norm(a, ord, axis, keepdims)

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
        if mode == "constant":
            return F.pad(a, widths.ravel().tolist(), value=constant_values)
        mode = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)  # of images, (1, 1, ...)
        return F.pad(a[None, None], widths.ravel().tolist(), mode)[0, 0]

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

    def cross_entropy(logits, target, axis=1, **settings):
        target = target if torch.is_tensor(target) else torch.as_tensor(target)
        classes = min(1, logits.ndim - 1)  # where PyTorch expects their axis
        if target.is_floating_point():
            target = target.movedim(axis, classes)
        if "weight" in settings:
            settings["weight"] = torch.as_tensor(settings["weight"])
        return F.cross_entropy(logits.movedim(axis, classes), target, **settings)

    def binary_cross_entropy(logits, target, **settings):
        for name in {"weight", "pos_weight"} & settings.keys():
            settings[name] = torch.as_tensor(settings[name])
        return F.binary_cross_entropy_with_logits(logits, target, **settings)

    def clip(a, min=None, max=None):
        bounds = [b if b is None else torch.as_tensor(b, dtype=a.dtype) for b in (min, max)]
        return torch.clip(a, *bounds)

    def of_flat(function):
        return lambda a, axis=None: function(a.ravel(), 0) if axis is None else function(a, axis)

    def take(a, indices, axis=None):
        a, axis = (a.ravel(), 0) if axis is None else (a, axis)
        return a[(slice(None),) * (axis % a.ndim) + (torch.as_tensor(indices),)]

    def average(a, axis=None, weights=None, keepdims=False):
        weights = torch.ones_like(a) if weights is None else weights
        over = {"dim": axes(axis, a), "keepdim": keepdims}
        return torch.sum(a * weights, **over) / torch.sum(weights * torch.ones_like(a), **over)

    def triangle(function):
        return lambda m, k=0: function(m, k)

    def lower(function):
        """Return a function of symmetric matrices as one of the triangle that NumPy reads."""
        return lambda a, **s: function(torch.tril(a) + torch.tril(a, -1).mT, **s)

    def aligned(numpys, torchs, a, i, axis, **settings):
        """Return vectors with the signs that NumPy gives them: each may have either."""
        vectors = torchs(a, **settings)[i]
        product = vectors.numpy(force=True) * numpys(a.numpy(force=True), **settings)[i]
        return vectors * torch.as_tensor(np.sign(product.sum(axis=axis, keepdims=True)))

    thin = {"full_matrices": False}
    same = [
        *("arcsinh", "arccosh", "arctanh", "arctan2", "hypot", "logaddexp", "exp2", "log2"),
        *("log10", "deg2rad", "rad2deg", "floor", "ceil", "trunc", "remainder", "fmod", "vstack"),
        *("hstack", "dstack", "column_stack", "inner", "swapaxes", "moveaxis", "diag"),
        *("flipud", "fliplr", "atleast_1d", "atleast_2d", "atleast_3d", "hsplit", "vsplit"),
        *("dsplit", "nan_to_num", "sinc", "diff"),
    ]
    linalg = ("inv", "det", "pinv", "solve")
    return {
        **{name: getattr(torch, name) for name in same},
        **{name: getattr(torch.linalg, name) for name in linalg},
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
        "clip": clip,
        "clip_to_numbers": clip,
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
        "gelu": lambda z, approximate="none": F.gelu(z, approximate=approximate),
        "normal_cdf": torch.special.ndtr,
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
        "euclidean_norm": norm,
        # PyTorch's takes no transposed operand
        "kron": lambda a, b: torch.kron(a.contiguous(), b.contiguous()),
        "cholesky": lower(torch.linalg.cholesky),
        "eigvalsh": lower(torch.linalg.eigvalsh),
        "eigenvectors": lower(lambda a: aligned(np.linalg.eigh, torch.linalg.eigh, a, 1, -2)),
        "sign_of_det": lambda a: torch.linalg.slogdet(a)[0],
        "logabsdet": lambda a: torch.linalg.slogdet(a)[1],
        "slogdet": lambda a: torch.linalg.slogdet(a),
        "svdvals": torch.linalg.svdvals,
        "left_vectors": lambda a: aligned(np.linalg.svd, torch.linalg.svd, a, 0, -2, **thin),
        "right_vectors": lambda a: aligned(np.linalg.svd, torch.linalg.svd, a, 2, -1, **thin),
        # compositions
        "dot": lambda a, b: (
            a * b
            if 0 in (a.ndim, b.ndim)
            else (torch.tensordot(a, b, ([-1], [-2 if b.ndim > 1 else -1])))
        ),
        "vdot": lambda a, b: torch.vdot(a.ravel(), b.ravel()),
        "tensordot": lambda a, b, axes=2: torch.tensordot(a, b, axes),
        "rollaxis": lambda a, axis, start=0: torch.movedim(
            a, axis, start - 1 if axis % a.ndim < start else start
        ),
        "append": lambda a, b, axis=None: (
            torch.cat([a.ravel(), b.ravel()]) if axis is None else torch.cat([a, b], axis)
        ),
        "array_split": torch.tensor_split,
        "tril": triangle(torch.tril),
        "triu": triangle(torch.triu),
        "take": take,
        "sort": lambda a, axis=-1: of_flat(lambda a, axis: torch.sort(a, axis)[0])(a, axis),
        "average": average,
        "cumprod": of_flat(torch.cumprod),
        "cbrt": lambda a: torch.sign(a) * torch.abs(a) ** (1.0 / 3.0),
        "rint": torch.round,
        "round": lambda a, decimals=0: torch.round(a, decimals=decimals),
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
        "pad_with_constants": pad,
        "getitem": lambda a, key: a[tensors(key)],
        "scatter": lambda a, key, shape: a.new_zeros(shape).index_put(
            tensors(key), a, accumulate=True
        ),
        "take_along_axis": take_along_axis,
        # models
        "windows": windows,
        "from_windows": from_windows,
        "conv2d": lambda x, w, **settings: F.conv2d(x, w, **settings),
        "max_pool2d": lambda x, *window, **settings: F.max_pool2d(x, *window, **settings),
        "avg_pool2d": lambda x, *window, **settings: F.avg_pool2d(x, *window, **settings),
        "embedding": lambda weight, indices: F.embedding(torch.as_tensor(indices), weight),
        "cross_entropy": cross_entropy,
        "cross_entropy_with_probabilities": cross_entropy,
        "binary_cross_entropy_with_logits": binary_cross_entropy,
        "mean_binary_cross_entropy": binary_cross_entropy,
    }
