"""Make the screenshots of the page that `bp.play` makes, for the README and docs/playing.md.

    python docs/make/screenshots.py [FOLDER]

Needs chromium on the PATH, and Playwright for Python (``pip install playwright``); no browser is
downloaded. With ``--all``, the folder also gets what is worth a look after a change: every scheme
and width, paper, quiz mode, a small graph and a large one.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import tinygrad_bp as bp
from tinygrad_bp.readings.play import play
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

DOCS = Path(__file__).parents[1]


def worked_problem() -> bp.Tensor:
    """Return the loss of the worked problem, with the numbers of the command's default."""
    return recorded(random_problem())["L"]


def network() -> bp.Tensor:
    """Return the loss of the README's network."""
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with redirect_stdout(StringIO()):
        exec(text.partition("```python\n")[2].partition("```")[0], names)
    loss: bp.Tensor = names["L"]
    return loss


def scalars() -> bp.Tensor:
    """Return a loss of numbers, in which one is used three times."""
    a = bp.tensor(2.0, requires_grad=True, name="a")
    b = bp.tensor(-3.0, requires_grad=True, name="b")
    L: bp.Tensor = bp.tanh((a * b + a * a) * 0.5).named("L")
    return L


def training() -> list[bp.Tensor]:
    """Return the losses of twelve steps of a training."""
    rng = np.random.default_rng(1)
    W1 = bp.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="W1")
    W2 = bp.tensor(rng.normal(size=(1, 3)), requires_grad=True, name="W2")
    x, y = bp.tensor([[1.0], [-0.5]], name="x"), bp.tensor([[-0.8]], name="y")
    losses = []
    for _ in range(12):
        a = bp.tanh((W1 @ x).named("z1")).named("a1")
        losses.append(bp.square_sum(y - (W2 @ a).named("y_hat")).named("L"))
        for W, g in zip((W1, W2), bp.grad(losses[-1], [W1, W2]), strict=True):
            W.data = W.data - 0.1 * g
    return losses


def three_hundred_operations() -> bp.Tensor:
    """Return the loss of a network of 100 layers."""
    rng = np.random.default_rng(0)
    a = bp.tensor(rng.normal(size=(3, 1)), name="x")
    for i in range(1, 101):
        W = bp.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"W{i}")
        b = bp.tensor(rng.normal(size=(3, 1)), requires_grad=True, name=f"b{i}")
        with bp.scope(f"layer {i}"):
            a = bp.tanh(W @ a + b).named(f"a{i}")
    L: bp.Tensor = bp.square_sum(a).named("L")
    return L


class Shot(NamedTuple):
    """A screenshot: of which player, at which step, and how it is looked at."""

    make: Callable[[], bp.Tensor | list[bp.Tensor]]
    anchor: str
    width: int = 1280
    height: int = 800
    scheme: str = "light"
    media: str = "screen"
    check: str = ""  # a box to be checked
    press: str = ""  # a key, after that


KEPT = {
    "network_page.png": Shot(network, "step=10", height=650),
    "player.png": Shot(worked_problem, "step=11"),
    "quiz.png": Shot(worked_problem, "step=11", height=650, check="#quiz", press="3"),
    "player_phone.png": Shot(scalars, "step=7", 360, 740, "dark"),
}
WORTH_A_LOOK = {
    "start.png": Shot(worked_problem, "step=0"),
    "forward.png": Shot(worked_problem, "step=4"),
    "outer_product.png": Shot(worked_problem, "step=12"),
    "dark.png": Shot(worked_problem, "step=13", scheme="dark"),
    "phone.png": Shot(worked_problem, "step=12", 360, 740),
    "whole.png": Shot(worked_problem, "step=16", check="#fit"),
    "quiz_asks.png": Shot(worked_problem, "step=11", check="#quiz"),
    "quiz_phone.png": Shot(worked_problem, "step=12", 360, 740, check="#quiz", press="2"),
    "paper.png": Shot(worked_problem, "step=12", 800, 1100, media="print"),
    "scalars.png": Shot(scalars, "step=10"),
    "training.png": Shot(training, "step=7&training=12"),
    "training_phone.png": Shot(training, "step=7&training=12", 360, 740),
    "large.png": Shot(three_hundred_operations, "step=450"),
    "large_end.png": Shot(three_hundred_operations, "step=301"),
}


def main() -> None:
    """Write the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS)
    parser.add_argument("--all", action="store_true", help="also what is worth a look")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        # a container has no sandbox for a browser
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, shot in (KEPT | WORTH_A_LOOK if options.all else KEPT).items():
            take(browser, shot, options.folder / name)
            print(options.folder / name)
        browser.close()


def take(browser: Browser, shot: Shot, path: Path) -> None:
    """Take a screenshot."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "backprop.html")
        play(shot.make()).save(file)
        page = context.new_page()
        page.goto(f"{file.as_uri()}#{shot.anchor}")
        if shot.check:
            page.check(shot.check)
            page.evaluate("document.activeElement.blur()")
        if shot.press:
            page.keyboard.press(shot.press)
        if shot.media == "print":
            page.emulate_media(media="print")
        page.screenshot(path=path, full_page=shot.media == "print")
    context.close()


if __name__ == "__main__":
    main()
