"""Fault injection: what is planted breaks what it must, and nothing else; the slopes are true."""

import io

import numpy as np
import pytest
from rich.console import Console

import tinygrad_bp as bp
from tinygrad_bp.grading import inject as module
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.inject import GAIN, STEPS, break_gradients, inject, possible_mistakes
from tinygrad_bp.grading.task import worked_problem
from tinygrad_bp.mistakes.catalogue import named
from tinygrad_bp.mistakes.mistake import Mistake
from tinygrad_bp.mistakes.run import Run
from tinygrad_bp.mistakes.wrong_rules import rule
from tinygrad_bp.worked_problem import closed_form as cf
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.slips import one_case_alone

from . import networks

PROBLEM = random_problem()


def residual(W, b, x, y):
    """A shared weight, a bias beside a batch, and a shortcut."""
    h1 = np.tanh((W @ x + b).named("z1")).named("h1")
    z2 = (W @ h1 + b).named("z2")
    h2 = (h1 + np.tanh(z2)).named("h2")
    return bp.square_sum(h2 - y).named("L")


rng = np.random.default_rng(5)
RESIDUAL = {
    "W": rng.normal(size=(3, 3)),
    "b": rng.normal(size=(3, 1)),
    "x": rng.normal(size=(3, 5)),
    "y": rng.normal(size=(3, 5)),
}


# ---- wrong rules ----


def test_a_wrong_rule_breaks_what_follows_from_it_and_nothing_else():
    injection = inject("softmax-diagonal")
    assert injection.unchanged == ("y", "y_hat")
    assert injection.broken == ("z3", "W3", "a2", "z2", "W2", "a1", "z1", "W1", "x")
    assert injection.places == ("z3",)


def test_how_far_off_is_that_of_the_formula_written_out():
    right = cf.gradients(PROBLEM)["dL/dz3"]
    for mistake, wrong in zip(
        ("softmax-diagonal", "softmax-off-diagonal"), one_case_alone(PROBLEM), strict=True
    ):
        error = np.abs(wrong - right).max() / np.abs(right).max()
        assert inject(mistake)["z3"].error == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize(
    ("at", "broken"),
    [
        ("z2", ("z2", "W2", "a1", "z1", "W1", "x")),
        ("z1", ("z1", "W1", "x")),
        (None, ("z2", "W2", "a1", "z1", "W1", "x")),
    ],
)
def test_a_mistake_at_one_place_or_wherever_it_can_be(at, broken):
    assert inject("missing-sigmoid-derivative", at=at).broken == broken


def test_a3_is_another_name_of_y_hat():
    assert inject("wrong-sign", at="a3") == inject("wrong-sign", at="y_hat")


def test_an_unnamed_quantity_is_called_as_in_every_reading():
    assert inject("mean-over-everything").places == ("v1",)
    assert inject("mean-over-everything", at="v1").broken[0] == "y"
    loss = worked_problem(**leaves())
    assert str(bp.explain(loss)).count("∂L/∂v₁ = ") > 1


def test_what_was_taken_instead_is_told():
    assert "Taken instead: z2 in dL/dW3" in inject("wrong-activation").sentence


@pytest.mark.parametrize(
    ("fn", "inputs"),
    [
        (None, None),
        (networks.classifier, networks.CLASSIFIER),
        (networks.elementary, networks.ELEMENTARY),
    ],
)
def test_every_mistake_of_a_problem_breaks_only_what_lies_below_it(fn, inputs):
    names = possible_mistakes(fn, inputs)
    run = Assignment(fn, inputs).runs[0]
    for name in names:
        if named(name).duty is not None:
            continue
        injection = inject(name, fn, inputs)
        below = set()
        for i in reversed(range(len(run.tensors))):
            label = run.names.identifier(run.tensors[i])
            if label in injection.places or any(e.step in below for e in run.uses.get(i, ())):
                below.add(i)
        assert set(injection.broken) <= {run.tensors[i].name for i in below}, name
        assert "nan" not in str(injection)  # where descent leads out of the domain, it is said


def test_a_rule_that_is_right_changes_nothing(monkeypatch):
    """The negative control: what breaks gradients is the wrong rule."""
    right = Mistake("Right.", "", softmax=rule(bp.softmax.rule))
    monkeypatch.setattr(module, "named", lambda name: right)
    injection = inject("softmax-diagonal")
    assert injection.broken == ()
    assert injection.notes() == ["Nothing changes here: the numbers are the right ones."]


def test_shapes_that_no_longer_fit():
    injection = inject("missing-transpose", at="a2")
    assert injection["a2"].verdict == injection["W1"].verdict == "not computable"
    assert injection["W3"].verdict == "unchanged"
    assert injection.falls is None
    assert injection.outcome() == "no step can be taken"
    assert injection.notes() == ["No step can be taken: dL/dW2 cannot be computed."]


# ---- faults of the sweep ----


@pytest.mark.parametrize(
    ("mistake", "broken"),
    [
        # h1 passes on what came by the shortcut; the rest is late, and added to h1 alone
        ("without-topological-order", ("z1", "b", "W", "x")),
        # h1, W and b are used twice
        ("overwritten-contribution", ("h1", "z1", "b", "W", "x")),
        ("broadcast-not-summed", ("b",)),
    ],
)
def test_a_fault_of_the_sweep_breaks_exactly_what_it_must(mistake, broken):
    injection = inject(mistake, residual, RESIDUAL)
    assert set(injection.broken) == set(broken)
    assert injection.places == ()


def test_a_gradient_that_was_not_summed_has_the_wrong_shape():
    injection = inject("broadcast-not-summed", residual, RESIDUAL)
    assert (injection["b"].shape, injection["b"].right_shape) == ((3, 5), (3, 1))
    assert injection.notes() == ["No step can be taken: dL/db has the wrong shape."]


@pytest.mark.parametrize(
    "mistake", ["without-topological-order", "overwritten-contribution", "broadcast-not-summed"]
)
def test_the_worked_problem_cannot_show_a_fault_of_the_sweep_and_says_so(mistake):
    injection = inject(mistake)
    assert injection.broken == ()
    (note,) = injection.notes()
    assert "Nothing changes here: the numbers are the right ones. To show it takes a " in note


# ---- would the loss still fall ----


def gradient_along(mistake, at=None):
    """Return the broken gradients of the weights of the worked problem, by name."""
    run = Run(worked_problem(**leaves()))
    gradients, _ = break_gradients(run, named(mistake), at)
    return {t.name: gradients[i] for i, t in enumerate(run.tensors) if t.name in ("W1", "W2", "W3")}


def leaves(**changed):
    values = {**vars(PROBLEM), **changed}
    return {name: bp.tensor(value, requires_grad=True, name=name) for name, value in values.items()}


def loss_at(gradients, step):
    moved = {name: getattr(PROBLEM, name) - step * g for name, g in gradients.items()}
    return worked_problem(**leaves(**moved)).item()


def test_the_right_descent_is_that_of_the_engine():
    descent = inject("softmax-diagonal").descent
    here = leaves()
    parameters = ("W1", "W2", "W3")
    losses = []
    for _ in range(STEPS + 1):
        loss = worked_problem(**here)
        losses.append(loss.item())
        for name, g in zip(parameters, bp.grad(loss, [here[n] for n in parameters]), strict=True):
            here[name].data = here[name].data - descent.rate * g
    assert descent.parameters == parameters
    assert descent.right_losses == pytest.approx(losses, rel=1e-12)
    assert losses[0] * (1 - 1.5 * GAIN) < losses[1] < losses[0] * (1 - 0.5 * GAIN)


def test_the_broken_descent_goes_along_the_broken_gradient():
    descent = inject("softmax-diagonal").descent
    assert descent.losses[1] == loss_at(gradient_along("softmax-diagonal"), descent.rate)
    assert descent.losses[1] != descent.right_losses[1]


def test_a_wrong_sign_goes_up():
    injection = inject("wrong-sign", at="z3")
    descent = injection.descent
    assert not injection.falls
    assert injection.outcome() == "does not fall"
    assert descent.losses[-1] > descent.losses[0]


def test_a_falling_loss_is_no_evidence():
    injection = inject("softmax-diagonal")
    assert injection.falls
    assert injection.descent.losses[-1] < injection.descent.losses[0]


def test_a_break_that_no_parameter_sees():
    injection = inject("lost-factor-2", at="x")
    assert injection.broken == ("x",)
    assert injection.outcome() == "no parameter breaks"
    assert injection.notes()[0].startswith("No gradient of a parameter breaks")


def test_the_parameters_are_those_of_grade():
    given = inject("wrong-sign", residual, RESIDUAL, at="z2")
    assert given.descent.parameters == ("W", "b")


def test_at_a_stationary_point_there_is_no_descent():
    point = {**vars(PROBLEM), "y": cf.forward(PROBLEM)["y_hat"]}
    assert inject("softmax-diagonal", None, point).descent is None


# ---- what is refused ----


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("softmax-diagonl",), r"no mistake 'softmax-diagonl'\. Is softmax-diagonal meant\?"),
        (("?",), r"inject --list shows them all"),
        (("tanh-lost-square",), r"cannot be made in this problem\. These can be: softmax-diagonal"),
        (("softmax-diagonal", None, None, "z1"), r"in dL/dz1\. It can be made in dL/dz3\."),
        (("broadcast-not-summed", None, None, "z1"), r"fault of the whole sweep: leave out at=\."),
        (("softmax-diagonal", networks.shared), r"Give an example of them"),
    ],
)
def test_what_cannot_be_injected(arguments, text):
    with pytest.raises(ValueError, match=text):
        inject(*arguments)


def test_there_is_no_line_of_that_name():
    with pytest.raises(KeyError, match="no line 'q'; there are"):
        inject("softmax-diagonal")["q"]


# ---- how it is shown ----


def test_it_prints_as_text_as_a_table_and_as_html():
    injection = inject("softmax-diagonal")
    printed = io.StringIO()
    Console(file=printed, width=120).print(injection)
    for shown in (str(injection), printed.getvalue(), injection._repr_html_()):
        for text in ("made in dL/dz3", "38.6%", "unchanged", "steps of gradient descent"):
            assert text in shown


def test_names_are_data():
    name = "<b>[red]"
    fn = lambda **leaves: bp.square_sum(leaves[name])  # noqa: E731
    injection = inject("wrong-sign", fn, {name: np.array([1.0, 2.0])})
    assert "&lt;b&gt;[red]" in injection._repr_html_()
    assert "<b>" not in injection._repr_html_()
    printed = io.StringIO()
    Console(file=printed, width=120).print(injection)
    assert "dL/d(<b>[red])" in printed.getvalue()
