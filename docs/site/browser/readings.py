"""What the page "Try it in the browser" asks for: run a network, read it, grade a derivation.

It runs in the page's worker, where Viz.js lays out pictures. Each answer is a document of
tinygrad_bp, as it would be saved to a file.
"""

import linecache
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import tinygrad_bp as bp
from tinygrad_bp.readings.drawing import layout
from tinygrad_bp.user_file import load, load_loss, load_problem, naming_the_line

sys.dont_write_bytecode = True  # else a file that is changed within a second runs as it was
NETWORK = Path("network.py")
MOST_PRINTED = 10_000

#: The tabs: a reading, and the kind of file that it is saved as.
READINGS = {
    "derivation": (bp.derive, ".html"),
    "picture": (bp.draw, ".svg"),
    "player": (bp.play, ".html"),
    "source": (bp.source, ".py"),
    "explanation": (bp.explain, ".html"),
}

#: The loss of the last run, under its name.
runs: dict[str, bp.Tensor] = {}


def lay_out_with(lay_out: Callable[[str], str]) -> None:
    layout.in_process = lay_out


def answer(call: str, *values: Any) -> tuple[bool, str]:
    """Call a function below; return whether it went well, and its answer or what is wrong."""
    try:
        with redirect_stdout(StringIO()) as printed:
            document = {"run": run, "read": read, "grade": grade}[call](*values)
        return True, document or printed.getvalue()[:MOST_PRINTED]
    except (TypeError, ValueError, RuntimeError) as error:
        return False, str(error)
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"


def run(network: str) -> str:
    runs["loss"] = load_loss(written(NETWORK, network), "loss")
    return ""


def read(tab: str) -> str:
    reading, ending = READINGS[tab]
    return saved(reading(runs["loss"]), ending)


def grade(network: str, derivation: str, ending: str, reveal: bool) -> str:
    """Grade code, if the ending is .py, or a document in the format that the ending says."""
    problem = load_problem(written(NETWORK, network))
    answers: Any = written(Path(f"derivation{ending}"), derivation)
    if ending == ".py":
        answers = getattr(load(answers), "gradients", None)
        if answers is None:
            raise ValueError("derivation.py has no function gradients().")
    with naming_the_line(NETWORK):
        report = bp.grade(answers, *problem)
    return saved(report.for_learner(reveal), ".html")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    linecache.clearcache()  # messages quote a line as it is now
    return path


def saved(document: Any, ending: str) -> str:
    path = Path(f"document{ending}")
    document.save(path)
    return path.read_text(encoding="utf-8")
