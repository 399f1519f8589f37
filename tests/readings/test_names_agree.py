"""One name for each tensor in all readings and in the grader, over thousands of random programs.

Most tensors of a program have no name, and all of their values differ. So a name that stands for
one value in a reading and for another elsewhere is found out.
"""

import re
import sys

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.record import Record

from ..sweeps import examples

PROGRAMS = examples(2000)
PARTS = 20  # of the programs, so that they run on several processors

ONE = [bp.exp, bp.tanh, bp.sigmoid, bp.softplus, bp.softmax, bp.square, lambda a: -a, bp.relu]
TWO = [bp.add, bp.multiply, bp.subtract, bp.matmul, bp.maximum]


def program(seed):
    """Return the loss of a random computation; few of its tensors have a name."""
    rng = np.random.default_rng(seed)
    values = [
        bp.tensor(rng.normal(size=(2, 2)), requires_grad=bool(i < 2 or rng.random() < 0.5))
        for i in range(rng.integers(2, 5))
    ]
    for _ in range(rng.integers(2, 7)):
        if rng.random() < 0.6:
            new = rng.choice(ONE)(values[rng.integers(len(values))])
        else:
            a, b = rng.integers(len(values), size=2)
            new = rng.choice(TWO)(values[a], values[b])
        values.append(new * rng.uniform(0.4, 0.6) if rng.random() < 0.3 else new)
        if rng.random() < 0.15:
            values[-1].named(rng.choice(["h", "z1", "v2", "c1", "L"]))
    loss = bp.square_sum(values[-1] + values[0])
    return loss.named("loss") if rng.random() < 0.3 else loss


def explained(loss):
    explanation = bp.explain(loss)
    for step in explanation.steps:
        yield step.tensor, step.value
    for given in explanation.given:
        yield given.tensor, given.values[0]


def drawn(loss):
    for node in bp.draw(loss, level="values").picture.nodes:
        if isinstance(node.numbers["value"], np.ndarray):
            yield node.name, node.numbers["value"]


def derived(loss, form):
    """Yield each tensor's name with the numbers that stand beside it in the printed text."""
    text = bp.derive(loss, form=form, numbers=True).text
    for equation in re.split(r"\n(?! )", text):
        name, equals, rest = equation.partition(" = ")
        numbers = re.fullmatch(r"(.*= )?([-\d.e\[\], \n]+?)(    \(.*\))?", rest, re.DOTALL)
        if equals and numbers and re.fullmatch(r"[^\s∂]+", name):
            yield name, np.array([float(x) for x in re.findall(r"[-\d.e]+", numbers[2])])


def sourced(loss):
    """Yield the variables of the code, with the values that they have when it is run."""
    scope, found = {}, {}

    def trace(frame, event, _):
        if event == "return" and frame.f_code.co_name == "loss_and_gradients":
            found.update(frame.f_locals)

    source = bp.source(loss)
    exec(compile(str(source), "<source>", "exec"), scope)
    sys.setprofile(trace)
    try:
        scope["loss_and_gradients"](**source.arguments)
    finally:
        sys.setprofile(None)
    yield from found.items()


def differing(loss, forms=("matrix", "index")):
    """Yield where a reading calls a tensor otherwise than the record does."""
    record = Record(loss)
    texts = {record.names.text(t): t.data for t in record.tensors}
    identifiers = {record.names.identifier(t): t.data for t in record.tensors}
    assert len(texts) == len(identifiers) == len(record.tensors)
    for reading, pairs in (("explain", explained(loss)), ("draw", drawn(loss))):
        for name, value in pairs:
            if not np.array_equal(texts.get(name, np.nan), value):
                yield f"{reading}: {name}"
    for name, value in sourced(loss):
        if name in identifiers and not np.array_equal(identifiers[name], value):
            yield f"source: {name}"
    for form in forms:
        for name, numbers in derived(loss, form):
            value = texts.get(name, np.array(np.nan)).ravel()  # written to four digits
            close = 2e-3 * np.abs(value).max(initial=0.0)  # of the largest entry
            if value.shape != numbers.shape or not np.allclose(value, numbers, 0.0, close):
                yield f"derive, {form}: {name}"


def test_every_reading_is_seen():
    loss = program(3)
    names = {name for name, _ in explained(loss)}
    assert {name for name, _ in drawn(loss)} == names
    for form in ("matrix", "index"):
        found = {name for name, _ in derived(loss, form)}
        assert found <= names
        assert len(found) > len(names) / 2  # short steps are written inside others
    assert len([name for name, _ in sourced(loss)]) > len(names)


def test_a_reading_with_a_numbering_of_its_own_is_found_out(monkeypatch):
    loss = program(3)
    assert not list(differing(loss))
    pairs = [(f"{name}₀", value) for name, value in explained(loss)]
    monkeypatch.setitem(globals(), "explained", lambda _: pairs)
    assert list(differing(loss))


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(PARTS))
def test_names_agree(part):
    for seed in range(PROGRAMS * part // PARTS, PROGRAMS * (part + 1) // PARTS):
        forms = ("matrix", "index") if seed % 10 == 0 else ("matrix",)  # components take longest
        assert not list(differing(program(seed), forms)), f"program {seed}"
