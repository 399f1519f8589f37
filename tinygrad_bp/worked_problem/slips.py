"""The four slips of the source derivation, each shown with numbers.

A slip is not argued here but computed: the formula is evaluated as it is printed and compared with
the right one, which finite differences vouch for. The source is written for one sample, so of a
batch only the first is looked at.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..differences import jacobian_difference, relative_difference
from . import closed_form as cf
from .problem import Array, Problem


class Slip(NamedTuple):
    number: int
    title: str
    printed: str  # the formula as the source prints it
    correct: str
    figure: str  # the computed figure that shows the slip, such as "61% off"
    sentence: str  # what it is, with all figures


def slips(problem: Problem) -> list[Slip]:
    """Show the four slips on a problem with two outputs or more.

    >>> from tinygrad_bp.worked_problem.problem import random_problem
    >>> for slip in slips(random_problem()):
    ...     print(f"{slip.number}. {slip.title}: {slip.figure}")
    1. cases given as alternatives: 39% off and 73% off
    2. lost minus sign in dL/dW1: 61% off
    3. no transposes or marks of product: stops at da3/dz3, (3, 1) times (3, 3)
    4. dz3/dW3 = a2 is shorthand: 54 entries, not 6
    """
    if problem.sizes[-1] < 2:
        raise ValueError("the slips need two outputs or more: with one, every gradient is zero")
    show = (cases_as_alternatives, lost_minus_sign, no_transposes, third_order_shorthand)
    return [Slip(number, *slip(problem.sample(0))) for number, slip in enumerate(show, 1)]


#: Title, the formula as it is printed, the right one, figure and sentence.
Shown = tuple[str, str, str, str, str]


def weighted_cases(problem: Problem, equal: float, different: float) -> dict[str, Array]:
    weights = np.where(np.eye(problem.sizes[-1], dtype=bool), equal, different)
    return cf.gradients(problem, {"da3/dz3": lambda a3: cf.da3_dz3(a3) * weights})


def one_case_alone(problem: Problem) -> tuple[Array, Array]:
    # as the final formulas print it: i = j alone, and i != j alone
    equal, different = weighted_cases(problem, 1, 0), weighted_cases(problem, 0, 1)
    return equal["dL/dz3"], different["dL/dz3"]


def cases_as_alternatives(problem: Problem) -> Shown:
    # Each case alone is far off, and their sum is right. With two outputs and a target that sums to
    # 1, dL/da3 is (g, -g), so both cases give the same: exactly half. That is shown on the first
    # two outputs of the problem, with the target (1, 0).
    equal, different = one_case_alone(problem)
    witness = jacobian_difference(
        lambda z3: np.sum((problem.y - cf.softmax(z3)) ** 2), cf.forward(problem)["z3"]
    )
    off = [relative_difference(each, witness) for each in (equal, different, equal + different)]
    two = replace(problem, W3=problem.W3[:2], y=np.array([[1.0], [0.0]]))
    doubled_off = relative_difference(2 * one_case_alone(two)[0], cf.gradients(two)["dL/dz3"])
    return (
        "cases given as alternatives",
        "dL/dz3 = -2(y - y_hat) (-a_i a_j) if i != j, -2(y - y_hat) a_i (1 - a_i) if i = j",
        "dL/dz3_j = sum over i of -2(y_i - y_hat_i) J_ij, where J holds both cases",
        f"{off[0]:.0%} off and {off[1]:.0%} off",
        f"Taken alone, the case i = j puts dL/dz3 {off[0]:.0%} off and the case i != j "
        f"{off[1]:.0%} off; their sum is right {within(off[2], 1e-8)}. With two outputs and a "
        f"target of sum 1, each is half: doubled, right {within(doubled_off, 1e-12)}.",
    )


def dL_dW1_without_minus(problem: Problem) -> Array:
    # as formula (3) prints it, with a_i a_j for i != j, and both cases summed
    return weighted_cases(problem, 1, -1)["dL/dW1"]


def lost_minus_sign(problem: Problem) -> Shown:
    witness = jacobian_difference(lambda W1: cf.forward(replace(problem, W1=W1))["L"], problem.W1)
    printed_off = relative_difference(dL_dW1_without_minus(problem), witness)
    correct_off = relative_difference(cf.gradients(problem)["dL/dW1"], witness)
    return (
        "lost minus sign in dL/dW1",
        "dL/dW1 = -2(y - y_hat) (a_i a_j) W3 (a2 (1 - a2)) W2 a1 (1 - a1) x if i != j",
        "the case i != j is -a_i a_j",
        f"{printed_off:.0%} off",
        f"With a_i a_j as printed for i != j, and both cases summed, dL/dW1 is {printed_off:.0%} "
        f"off; with -a_i a_j it is right {within(correct_off, 1e-8)}.",
    )


#: The three final formulas, factor by factor in the order of the source.
PRINTED_PRODUCTS = {
    "dL/dW3": ("dL/da3", "da3/dz3", "a2"),
    "dL/dW2": ("dL/da3", "da3/dz3", "W3", "da2/dz2", "a1"),
    "dL/dW1": ("dL/da3", "da3/dz3", "W3", "da2/dz2", "W2", "da1/dz1", "x"),
}


def multiply_as_printed(problem: Problem, product: str, as_row: bool = False) -> str:
    # From left to right, as far as that goes. All vectors are columns, or the first is a row.
    known = vars(problem) | cf.forward(problem) | cf.gradients(problem)
    known["da3/dz3"] = known["da3/dz3"][0]  # of the one sample
    first, *others = PRINTED_PRODUCTS[product]
    result = known[first].T if as_row else known[first]
    for name in others:
        try:
            result = result @ known[name]
        except ValueError:  # NumPy, refusing the shapes
            return f"stops at {name}, {result.shape} times {known[name].shape}"
    return f"gives the shape {result.shape}"


def no_transposes(problem: Problem) -> Shown:
    columns = multiply_as_printed(problem, "dL/dW3")
    row = multiply_as_printed(problem, "dL/dW3", as_row=True)
    right = cf.gradients(problem)["dL/dW3"]
    return (
        "no transposes or marks of product",
        "dL/dW3 = dL/da3 da3/dz3 a2",
        "dL/dW3 = (da3/dz3 dL/da3) a2^T",
        columns,
        f"Read as matrices, the printed dL/dW3 {columns}; with dL/da3 as a row it {row}. Put in "
        f"order, (da3/dz3 dL/da3) a2^T gives the shape {right.shape}.",
    )


def dz3_dW3(problem: Problem) -> Array:
    # a2_m if i = k, and 0 otherwise
    i_equals_k = np.eye(problem.sizes[-1])
    return np.multiply.outer(i_equals_k, cf.forward(problem)["a2"][:, 0])


def third_order_shorthand(problem: Problem) -> Shown:
    # contracting the whole dz3/dW3 leaves the outer product
    a2, right, tensor = cf.forward(problem)["a2"], cf.gradients(problem), dz3_dW3(problem)
    witness = jacobian_difference(lambda W3: (W3 @ a2)[:, 0], problem.W3)
    tensor_off = relative_difference(tensor, witness)
    contracted = np.einsum("i,ikm->km", right["dL/dz3"][:, 0], tensor)
    contracted_off = relative_difference(contracted, right["dL/dW3"])
    return (
        "dz3/dW3 = a2 is shorthand",
        "dz3/dW3 = a2",
        "dz3_i/dW3_km = a2_m if i = k, and 0 otherwise",
        f"{tensor.size} entries, not {a2.size}",
        f"In full, dz3/dW3 has the shape {tensor.shape}: {tensor.size} entries, "
        f"{np.count_nonzero(tensor)} of them not zero, where a2 has {a2.size} (differences agree "
        f"{within(tensor_off, 1e-8)}). Contracted with dL/dz3 it is dL/dz3 a2^T "
        f"{within(contracted_off, 1e-12)}.",
    )


def within(error: float, bound: float) -> str:
    # A rounding error is written by its bound, which is the same on every machine.
    return f"to within {bound if error < bound else error:.0e}"
