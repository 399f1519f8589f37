"""The checks that every entry of the rule table must pass: plain functions that raise if it fails.

Each takes a function and its operands, arrays and Python numbers; the arrays of floats are what it
is differentiated by. The tests apply them to the true rules, the negative controls to wrong ones.

Gradients are those of ``sum(g * f(operands))``, where g, the upstream gradient, is drawn at random:
with ones for g, many a wrong rule gives the right answer.
"""

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp.differences import jacobian_difference, relative_difference

# Relative to the largest entry, and what was measured at worst over the whole table:
DIFFERENCES = 1e-10  # 6e-12: what extrapolated differences are good for
REORDERED = 1e-13  # 3e-15: the same numbers, computed or added up in another order
FLOAT32 = 1e-5  # 2e-6: roundings of 6e-8, and a sum in which much cancels


def agree(found, expected, tolerance, what):
    """Compare two lists of arrays, shape by shape, relative to the largest entry of them all."""
    shapes = [[np.shape(a) for a in arrays] for arrays in (found, expected)]
    assert shapes[0] == shapes[1], f"{what}: the shapes are {shapes[0]} and {shapes[1]}"
    flat = [np.concatenate([[0.0], *map(np.ravel, arrays)]) for arrays in (found, expected)]
    difference = relative_difference(*flat)
    assert difference <= tolerance, f"{what} differ by {difference:.1e}: {found} and {expected}"


def moving(operands):
    """Return the positions of the operands to differentiate by."""
    return [i for i, x in enumerate(operands) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]


def replaced(operands, i, value):
    return [*operands[:i], value, *operands[i + 1 :]]


def noise(shape, seed=0):
    """Return numbers of either sign, none of them near zero or one."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(1.1, 1.9, shape) * rng.choice([-1.0, 1.0], shape))


def upstream(f, operands, seed=0):
    """Return a random upstream gradient for the function's output."""
    return noise(np.shape(f(*operands)), seed)


def directions(operands):
    """Return random weights for the gradients, to make one number of them."""
    return [noise(operands[i].shape, seed=i + 1) for i in moving(operands)]


def leaves(operands):
    """Return the operands with a Tensor for each that moves, and these Tensors."""
    at = moving(operands)
    mixed = [bp.tensor(x, requires_grad=True) if i in at else x for i, x in enumerate(operands)]
    return mixed, [mixed[i] for i in at]


def gradients(f, operands, g, create_graph=False):
    mixed, inputs = leaves(operands)
    return bp.grad(f(*mixed), inputs, gradient=g, create_graph=create_graph)


def second_gradients(f, operands, g, v):
    """Return the gradients of ``sum(v * gradients)`` by the operands, and by g."""
    mixed, inputs = leaves(operands)
    g = bp.tensor(g, requires_grad=True)
    first = bp.grad(f(*mixed), inputs, gradient=g, create_graph=True)
    total = sum((a * b).sum() for a, b in zip(first, v, strict=True))
    if not total.requires_grad:  # no gradient flows back at all
        return [np.zeros(x.shape) for x in [*inputs, g]]
    return bp.grad(total, [*inputs, g], allow_unused=True)


# ---- Derivatives against differences ----


def differences(f, operands):
    """Return the gradient by every operand, as differences of the function."""
    g = upstream(f, operands)

    def by_differences(i):
        return jacobian_difference(lambda x: np.sum(g * f(*replaced(operands, i, x))), operands[i])

    return [by_differences(i) for i in moving(operands)]


def check_first(f, operands, expected=None):
    """The gradient by every operand, against differences of the function, if not given."""
    expected = differences(f, operands) if expected is None else expected
    found = gradients(f, operands, upstream(f, operands))
    agree(found, expected, DIFFERENCES, "the gradient and differences")


def check_second(f, operands):
    """The gradient of the gradient, by every operand and g, against differences of the first."""
    g, v = upstream(f, operands), directions(operands)
    point = [*operands, g]

    def by_differences(i):
        def weighted_gradients(x):
            *moved, moved_g = replaced(point, i, x)
            first = gradients(f, moved, moved_g)
            return sum(np.sum(a * b) for a, b in zip(first, v, strict=True))

        return jacobian_difference(weighted_gradients, point[i])

    expected = [by_differences(i) for i in moving(point)]
    found = second_gradients(f, operands, g, v)
    agree(found, expected, DIFFERENCES, "the second gradient and differences")


def check_shared(f, operands):
    """One array as every operand: its gradient is the sum of all contributions."""
    at = moving(operands)

    def shared(x):
        return f(*(x if i in at else operand for i, operand in enumerate(operands)))

    check_first(shared, [operands[at[0]]])


# ---- The rule against itself ----


def check_linear(f, operands):
    """A contribution is linear in the upstream gradient."""
    g, h = upstream(f, operands, 0), upstream(f, operands, 1)
    parts = zip(gradients(f, operands, g), gradients(f, operands, h), strict=True)
    found = gradients(f, operands, 2.0 * g - 3.0 * h)
    agree(found, [2.0 * a - 3.0 * b for a, b in parts], REORDERED, "the sides of linearity in g")


def check_recorded(f, operands):
    """On Tensors, an entry and its rule give the very numbers that they give on arrays."""
    g = upstream(f, operands)
    agree([f(*leaves(operands)[0]).data], [f(*operands)], 0.0, "values of Tensors and of arrays")
    recorded = [a.data for a in gradients(f, operands, g, create_graph=True)]
    agree(recorded, gradients(f, operands, g), 0.0, "gradients by Tensors and by arrays")


#: How an array is stored, and how the stored one is read to be the array again; Tensors too.
LAYOUTS = {
    "transposed": (lambda x: x.T.copy(), np.transpose),
    "negative strides": (lambda x: np.array(np.flip(x)), np.flip),
    "not contiguous": (
        lambda x: np.repeat(x, 2, axis=-1) if x.ndim else x,
        lambda x: x[..., ::2] if x.ndim else x,
    ),
}


def check_layout(f, operands, layout):
    """It makes no difference how the operands lie in memory."""
    store, read = LAYOUTS[layout]

    def of_stored(*stored):
        return f(*(read(x) if isinstance(x, (np.ndarray, bp.Tensor)) else x for x in stored))

    stored = [store(x) if isinstance(x, np.ndarray) else x for x in operands]
    g = upstream(f, operands)
    agree([of_stored(*stored)], [f(*operands)], REORDERED, f"values, {layout} and contiguous")
    found = [read(a) for a in gradients(of_stored, stored, g)]
    agree(found, gradients(f, operands, g), REORDERED, f"gradients, {layout} and contiguous")


def check_upstream_layout(f, operands):
    """It makes no difference how the upstream gradient lies in memory."""
    g = upstream(f, operands)
    for turn in (np.transpose, np.flip):
        found = gradients(lambda *x, turn=turn: turn(f(*x)), operands, turn(g))
        agree(found, gradients(f, operands, g), REORDERED, f"gradients from g and {turn.__name__}")
    found = gradients(lambda *x: f(*x).sum(), operands, 1.0)  # one number, seen with strides of 0
    expected = gradients(f, operands, np.ones(g.shape))
    agree(found, expected, REORDERED, "gradients from a broadcast g and from a full one")


def check_float32(f, operands, dtype=np.float32):
    """Single precision stays so, and is near to double precision."""
    g, at = upstream(f, operands).astype(dtype), moving(operands)
    single = [x.astype(np.float32) if i in at else x for i, x in enumerate(operands)]
    double = [x.astype(np.float64) if i in at else x for i, x in enumerate(single)]
    mixed, inputs = leaves(single)
    out = f(*mixed)
    found = bp.grad(out, inputs, gradient=g)
    assert [out.dtype, *(a.dtype for a in found)] == [dtype, *(np.float32 for _ in found)]
    agree([out.data], [f(*double)], FLOAT32, "the values in float32 and float64")
    expected = gradients(f, double, g.astype(np.float64))
    agree(found, expected, FLOAT32, "gradients in float32 and float64")


# ---- Against another function for the same ----


def check_value(f, reference, operands):
    """The value, against another function; by differences a wrong one would not be seen."""
    agree([f(*operands)], [reference(*operands)], REORDERED, "the value and the reference")


def check_twin(f, twin, operands):
    """A fused entry and its composed twin: value, gradient and second gradient."""
    g, v = upstream(f, operands), directions(operands)
    check_value(f, twin, operands)
    for what, derived in (
        ("gradients", lambda h: gradients(h, operands, g)),
        ("second gradients", lambda h: second_gradients(h, operands, g, v)),
    ):
        agree(derived(f), derived(twin), REORDERED, f"the {what} of the entry and its twin")
