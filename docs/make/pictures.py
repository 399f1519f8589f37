"""Make the pictures of the README and of docs/.

    python docs/make/pictures.py [FOLDER]

A picture that a page saves in its own code is made by that code. Those in the repository were laid
out by ``dot``; where graphviz-pure takes its place, pictures look slightly different.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import tinygrad_bp as bp
from tinygrad_bp.readings.draw import Drawing
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

DOCS = Path(__file__).parents[1]

#: What the code of a page saves.
SAVED = {
    "network.svg": DOCS.parent / "README.md",
    "first_look.svg": DOCS / "first_steps.md",
    "drawing_backward.svg": DOCS / "drawing.md",
}


def worked_problem() -> bp.Tensor:
    """Return the loss of the worked problem, with the numbers of the command's default."""
    loss = recorded(random_problem())["L"]
    loss.backward()  # so that the gradients are shown
    return loss


def slope_of_sigmoid() -> bp.Tensor:
    """Return the slope of a sigmoid, which is a computation of its own."""
    z = bp.tensor(0.5, requires_grad=True, name="z")
    a = bp.sigmoid(z).named("a")
    slope = bp.grad(a, z, create_graph=True)
    assert isinstance(slope, bp.Tensor)
    return slope.named("da_dz")  # type: ignore[no-any-return]


DRAWN: dict[str, Callable[[], Drawing]] = {
    "worked_problem.svg": lambda: bp.draw(worked_problem()),
    "drawing_layers.svg": lambda: bp.draw(worked_problem(), "layers"),
    "drawing_gradient.svg": lambda: bp.draw(slope_of_sigmoid()),
}


def run(page: Path, folder: Path) -> None:
    """Run the Python blocks of a page, one after the other, in a folder."""
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}
    with chdir(folder), redirect_stdout(StringIO()):
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            exec(block, names)


def main() -> None:
    """Write the pictures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    for name, picture in DRAWN.items():
        picture().save(target / name)
        print(target / name)
    for name, page in SAVED.items():
        with tempfile.TemporaryDirectory() as folder:
            run(page, Path(folder))
            shutil.copyfile(Path(folder, name), target / name)
        print(target / name)


if __name__ == "__main__":
    main()
