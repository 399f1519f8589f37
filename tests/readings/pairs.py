"""Every pair of operations, one after the other, through every reading.

Faults hide where two operations meet: a condition that one leaves and the other loses, a sum over a
letter that both use. All pairs take long, and the test suite tries a sample of them; the whole is a
command: ``python -m tests.readings.pairs --every``, or ``--sample 100 --seed 3``.
"""

import argparse
import itertools
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tinygrad_bp as bp
from tests.rules.cases import Trial, trials_of
from tinygrad_bp.record import Record
from tinygrad_bp.table import TABLE

#: After this many tries of cases whose shapes fit, a pair is left out.
MOST_TRIALS = 40


class Pair(NamedTuple):
    first: str
    second: str
    bare: bool  # whether the tensor between them has no name

    def __str__(self) -> str:
        return f"{self.first} then {self.second}{', unnamed' if self.bare else ''}"


PAIRS = [Pair(*names, bare) for bare in (False, True) for names in itertools.product(TABLE, TABLE)]


def leaf(value: Any, name: str) -> Any:
    """Return a leaf of the floats among operands, and anything else itself."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return bp.tensor(value, requires_grad=True, name=name)
    return value


def started(name: str) -> Iterator[tuple[Trial, bp.Tensor]]:
    """Yield an operation on leaves, for each case of its row that has entries."""
    for trial in trials_of(name):
        if all(np.size(x) for x in trial.operands):
            out = trial(*(leaf(x, f"x{i}") for i, x in enumerate(trial.operands)))
            if out.size and out.requires_grad:
                yield trial, out


def loss_of(pair: Pair) -> bp.Tensor | None:
    """Return a loss in which one operation follows the other; None where it cannot."""
    tries = 0
    seconds = [t for t in trials_of(pair.second) if all(np.size(x) for x in t.operands)]
    for (_, between), trial in itertools.product(list(started(pair.first)), seconds):
        places = [i for i, x in enumerate(trial.operands) if np.shape(x) == between.shape]
        tries += bool(places)
        if not places or tries > MOST_TRIALS:
            continue
        operands = [leaf(x, f"y{i}") for i, x in enumerate(trial.operands)]
        operands[places[0]] = between if pair.bare else between.named("m")
        try:
            with np.errstate(all="ignore"):
                out = trial(*operands)
        except (ValueError, TypeError, IndexError):
            continue  # a condition, or chances, that the second takes otherwise
        if out.size and out.requires_grad and np.isfinite(out.data).all():
            loss: bp.Tensor = bp.square_sum(out.named("o")).named("L")
            return loss
    return None


# ---- the readings ----


def by_source(loss: bp.Tensor) -> None:
    text = bp.source(loss)
    space: dict[str, Any] = {}
    exec(compile(text, "<source>", "exec"), space)
    value, gradients = space["loss_and_gradients"](**text.arguments)
    assert np.allclose(value, loss.data), "source gives another value"
    leaves = {t.name: t for t in Record(loss).tensors if t.primitive is None and t.requires_grad}
    for name, gradient in gradients.items():
        right = bp.grad(loss, leaves[name])
        assert np.allclose(gradient, right, equal_nan=True), f"source: another gradient by {name}"


def derived(form: Any) -> Callable[[bp.Tensor], None]:
    def read(loss: bp.Tensor) -> None:
        derivation = bp.derive(loss, form=form)
        assert derivation.text
        assert derivation.latex

    return read


READINGS: dict[str, Callable[[bp.Tensor], Any]] = {
    "explain": lambda loss: str(bp.explain(loss)),
    "derive matrix": derived("matrix"),
    "derive index": derived("index"),
    "source": by_source,
    "draw": lambda loss: str(bp.draw(loss, rules=True)),
}

#: What a reading may say instead: that there is no such line, and why.
REFUSALS = ("more axes and sums than there are letters", "is not finite here")


def fault(pair: Pair, reading: str) -> str | None:
    """Return what goes wrong when a reading is made of a pair; None if nothing does."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            loss = loss_of(pair)
            if loss is not None:
                READINGS[reading](loss)
        except Exception as error:
            refused = isinstance(error, ValueError) and any(r in str(error) for r in REFUSALS)
            if not refused:
                return f"{reading} of {pair}: {type(error).__name__}: {error!s:.500}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", action="store_true", help="all pairs")
    parser.add_argument("--sample", type=int, default=100, help="how many pairs")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument("--reading", action="append", choices=READINGS, help="all, if left out")
    options = parser.parse_args()
    chosen = PAIRS if options.every else random.Random(options.seed).sample(PAIRS, options.sample)
    start, faults = time.perf_counter(), 0
    for pair in chosen:
        for reading in options.reading or READINGS:
            found = fault(pair, reading)
            if found is not None:
                faults += 1
                print(found, flush=True)
    print(f"{len(chosen)} pairs, {faults} faults, {time.perf_counter() - start:.0f} s")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
