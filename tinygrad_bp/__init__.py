"""tinygrad_bp: an autodiff micro-framework on NumPy.

For people who learn, teach and check how gradients are computed. Write each rule once; record each
computation once; read it many ways.
"""

import typing as _typing
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

from . import habits as _habits
from .creation import (
    arange, eye, full, full_like, linspace, ones, ones_like, rand, randn, randn_like, zeros,
    zeros_like,
)  # fmt: skip
from .engine import Primitive, Tensor, grad, primitive, tensor
from .keywords import answer as _answer, answer_in as _answer_in
from .operators import add_methods as _add_methods
from .recording import detect_anomaly, no_grad, scope
from .rules.activations import (
    elu, gelu, leaky_relu, log_sigmoid, log_softmax, relu, sigmoid, silu, softmax, softplus,
)  # fmt: skip
from .rules.arithmetic import (
    absolute, add, clip, divide, maximum, minimum, multiply, negative, power, reciprocal, sign,
    sqrt, square, subtract, where,
)  # fmt: skip
from .rules.compositions import (
    append, atleast_1d, atleast_2d, atleast_3d, average, column_stack, diag, diff, dot, dsplit,
    dstack, fliplr, flipud, hsplit, hstack, inner, kron, moveaxis, nan_to_num, rollaxis,
    sort, swapaxes, take, tensordot, tril, triu, vdot, vsplit, vstack,
)  # fmt: skip
from .rules.decompositions import norm
from .rules.elementwise import (
    arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, cbrt, cos, cosh, deg2rad, erf, erfc,
    exp, exp2, expm1, hypot, log, log1p, log2, log10, logaddexp, rad2deg, sin, sinc, sinh, tan,
    tanh,
)  # fmt: skip
from .rules.linear_algebra import (
    diagonal, einsum, matmul, matrix_transpose, outer, trace, transpose,
)  # fmt: skip
from .rules.losses import binary_cross_entropy_with_logits, cross_entropy
from .rules.models import avg_pool2d, conv2d, dropout, embedding, max_pool2d
from .rules.reductions import (
    cumprod, cumsum, logsumexp, max, mean, min, prod, square_sum, std, sum, var,
)  # fmt: skip
from .rules.rounding import ceil, floor, floor_divide, fmod, remainder, rint, round, trunc
from .rules.shaping import (
    array_split, astype, broadcast_to, concatenate, expand_dims, flip, pad, ravel, repeat, reshape,
    roll, split, squeeze, stack, take_along_axis, tile,
)  # fmt: skip
from .variable import SHOW as _SHOW, name_tensors

if _typing.TYPE_CHECKING:
    from . import data, datasets, linalg, nn, optim, plots
    from .checkpoints import CheckpointError, load, save
    from .compiling.compiled import compile
    from .gradient_check import gradcheck
    from .grading.inject import inject
    from .readings.derive import derive
    from .readings.draw import draw
    from .readings.explain import explain
    from .readings.play import play
    from .readings.source import source
    from .transforms import hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from .written.grade import grade

# The short names of arithmetic, and that of NumPy's arrays for ravel.
abs, div, mul, neg, pow, sub = absolute, divide, multiply, negative, power, subtract
flatten, mod = ravel, remainder

_answer_in(globals())
_add_methods(vars())
_SHOW["html"] = lambda t: str(_import_module(".readings.show", __name__).tensor_html(t))

__version__ = "0.1.0"

#: What is imported when it is first used: a name and its module, and modules.
_LATER = {
    "CheckpointError": ".checkpoints",
    "compile": ".compiling.compiled",
    "derive": ".readings.derive",
    "draw": ".readings.draw",
    "explain": ".readings.explain",
    "grade": ".written.grade",
    "gradcheck": ".gradient_check",
    "inject": ".grading.inject",
    "load": ".checkpoints",
    "play": ".readings.play",
    "save": ".checkpoints",
    "source": ".readings.source",
    **dict.fromkeys(("hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"), ".transforms"),
}

#: Modules that are imported when they are first used, too.
_MODULES = ("data", "datasets", "linalg", "nn", "optim", "plots")

#: The public face: what is imported above, without the modules that it comes from.
__all__ = sorted(
    {*_MODULES, *_LATER}
    | {n for n, value in vars().items() if n[0] != "_" and not isinstance(value, _ModuleType)}
)


def __getattr__(name: str) -> _typing.Any:
    if name in _MODULES:
        return _import_module(f".{name}", __name__)
    if name in _LATER:
        found = globals()[name] = _answer(getattr(_import_module(_LATER[name], __name__), name))
        return found
    for module in () if name[0] == "_" else ("nn", "optim", "data"):
        found = vars(__getattr__(module)).get(name)
        if getattr(found, "__module__", "").startswith(__name__):
            raise AttributeError(f"tinygrad_bp has no {name!r}. Write bp.{module}.{name}.")
    raise _habits.missing("tinygrad_bp", name, __all__)


def __dir__() -> list[str]:
    return __all__
