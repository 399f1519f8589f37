"""A user's own operation gets every reading as good as ours: the table, registered once more.

Every row is registered again under another name, with the public decorator and the same arguments,
as a user would. Each reading of it must be that of the original, but for the name.
"""

import html
import inspect
import re
from types import FunctionType

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.record import Record
from tinygrad_bp.table import TABLE

from ..rules.cases import PRIMITIVES, trials_of
from ..sweeps import THOROUGH, every

MOST_TRIALS = 3 if THOROUGH else 1  # of an operation: readings of many cases would take minutes

READINGS = {
    "explain": lambda loss: str(bp.explain(loss)),
    "explain as a page": lambda loss: bp.explain(loss)._repr_html_(),
    "derive, matrices": lambda loss: bp.derive(loss).text + bp.derive(loss).latex,
    "derive, components": lambda loss: bp.derive(loss, form="index").markdown,
    "source": lambda loss: str(bp.source(loss)),
    "draw": lambda loss: str(bp.draw(loss)),
    "draw, rules": lambda loss: bp.draw(loss, backward=True, rules=True).dot,
    # without its questions: their wrong answers are mistakes that belong to one operation
    "play": lambda loss: re.sub(
        r'<svg.*?</svg>|<section class="question".*?</section>\n?',
        "",
        bp.play(loss).html,
        flags=re.DOTALL,
    ),
}

#: The rule of each calls the other, so the code of one's namesake holds the original, too.
OF_EACH_OTHER = {"windows", "from_windows"}


def renamed(name):
    """Return another name of the same length, so that lines are broken alike."""
    return f"{name[:-1]}q"


def called(function, name, again):
    """Return a function in which its operation's name means the operation registered again."""
    known = {**function.__globals__, name: again}
    copy = FunctionType(
        function.__code__, known, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__, copy.__module__ = function.__kwdefaults__, function.__module__
    return copy


def registered_again(name):
    """Make an operation of a row's own function and rule, under another name."""
    row = TABLE[name]
    forward = called(row.forward, name, None)
    forward.__name__, forward.__doc__ = renamed(name), row.forward.__doc__
    public = list(inspect.signature(bp.Primitive).parameters)[1:]
    arguments = {argument: getattr(row, argument) for argument in public}
    if row.symbol == name:
        del arguments["symbol"]
    again = bp.primitive(**arguments)(forward)
    again.backward(called(row.rule, name, again))
    if row.composed is not None:
        again.twin(called(row.composed, name, again))
    return again


def loss_of(operation, trial):
    """Return one number made of an operation, or None where nothing can be differentiated."""
    operands = []
    for i, x in enumerate(trial.case.operands):
        moving = isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size
        operands.append(bp.tensor(x, requires_grad=True, name=f"x{i}") if moving else x)
    out = trial.applied(operation, *operands)
    if not isinstance(out, bp.Tensor) or not out.requires_grad or not out.size:
        return None
    return (out * (np.arange(out.size).reshape(out.shape) + 1.0)).sum().named("L")


def read(reading, loss, name=""):
    """Return what a reading gives, or the sentence with which it refuses; by the row's own name."""
    try:
        text = READINGS[reading](loss)
    except ValueError as error:
        text = f"refused: {error}"
    text = html.unescape(re.sub("</?m[a-z]+[^>]*>", "", text))  # MathML has an element for a letter
    text = text.replace("\\_", "_")  # as LaTeX has it
    return text.replace(renamed(name), name) if name else text


# sum_to is the engine's own step, which is written as NumPy's sum over the axes that it goes over
NAMES = sorted(set(PRIMITIVES) - {"sum_to"})


# each row in some readings, and the next row in the others
@pytest.mark.sweep
@pytest.mark.parametrize(("place", "name"), [*enumerate(NAMES)], ids=NAMES)
def test_every_reading_is_that_of_the_original(place, name):
    readings = READINGS if THOROUGH else [*READINGS][place % 2 :: 2]
    every("reading", readings)(is_that_of_the_original)(name=name)


def is_that_of_the_original(name, reading):
    if reading == "source" and name in OF_EACH_OTHER:
        return
    again = registered_again(name)
    compared = 0
    for trial in trials_of(name):
        ours, theirs = loss_of(TABLE[name], trial), loss_of(again, trial)
        if ours is None:
            continue
        assert read(reading, theirs, name) == read(reading, ours), str(trial)
        compared += 1
        if compared == MOST_TRIALS:
            break
    assert compared or name == "sign"  # no gradient flows through it


def test_the_test_above_sees_a_row_that_is_known_by_its_name(monkeypatch):
    """A row whose notation is taken away is written otherwise, and that is seen."""
    again = registered_again("sigmoid")
    again.notation = None
    trial = trials_of("sigmoid")[0]
    ours, theirs = loss_of(TABLE["sigmoid"], trial), loss_of(again, trial)
    assert read("explain", theirs, "sigmoid") != read("explain", ours)


def test_records_of_both_have_the_same_names():
    trial = trials_of("softmax")[0]
    ours, theirs = (loss_of(f, trial) for f in (TABLE["softmax"], registered_again("softmax")))
    names = [
        [record.names.text(t) for t in record.tensors] for record in map(Record, (ours, theirs))
    ]
    assert names[0] == names[1]
