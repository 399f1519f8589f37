"""Make the pictures of the README and of docs/, each from the code that it stands beside.

    python docs/make/pictures.py [FOLDER]

Those that are kept were laid out by graphviz-pure: where ``dot`` is installed too, it is taken, and
the pictures come out slightly different.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import tinygrad_bp as bp
from tinygrad_bp.readings.draw import Drawing
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

DOCS = Path(__file__).parents[1]


def first_look() -> bp.Tensor:
    """Return the loss of the README's first example."""
    W = bp.tensor([[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]], requires_grad=True, name="W")
    x = bp.tensor([[1.0], [2.0]], name="x")
    y = bp.tensor([[1.0], [0.0], [0.0]], name="y")
    z = (W @ x).named("z")
    y_hat = bp.softmax(z, axis=0).named("y_hat")
    return after_backward(bp.square_sum(y - y_hat).named("loss"))


def worked_problem() -> bp.Tensor:
    """Return the loss of the worked problem, with the numbers of the command's default."""
    return after_backward(recorded(random_problem())["L"])


def slope_of_sigmoid() -> bp.Tensor:
    """Return the slope of a sigmoid, which is a computation of its own."""
    z = bp.tensor(0.5, requires_grad=True, name="z")
    a = bp.sigmoid(z).named("a")
    slope = bp.grad(a, z, create_graph=True)
    assert isinstance(slope, bp.Tensor)
    return slope.named("da_dz")  # type: ignore[no-any-return]


def after_backward(loss: bp.Tensor) -> bp.Tensor:
    """Run the backward pass, so that the gradients are shown."""
    loss.backward()
    return loss


PICTURES: dict[str, Callable[[], Drawing]] = {
    "first_look.svg": lambda: bp.draw(first_look()),
    "worked_problem.svg": lambda: bp.draw(worked_problem()),
    "drawing_layers.svg": lambda: bp.draw(worked_problem(), "layers"),
    "drawing_backward.svg": lambda: bp.draw(first_look(), backward=True, rules=True),
    "drawing_gradient.svg": lambda: bp.draw(slope_of_sigmoid()),
}


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    for name, picture in PICTURES.items():
        picture().save(folder / name)
        print(folder / name)


if __name__ == "__main__":
    main()
