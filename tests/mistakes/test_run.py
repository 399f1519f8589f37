"""The sweep that plants: with nothing planted it is the engine's, and it leaves nothing out."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.mistakes.catalogue import ROWS
from tinygrad_bp.mistakes.run import Place, Run
from tinygrad_bp.record import Edge
from tinygrad_bp.worked_problem.problem import random_problem

from ..grading import networks

RECORDED = {
    "classifier": Assignment(networks.classifier, networks.CLASSIFIER),
    "shared": Assignment(networks.shared, networks.SHARED),
    "columns": Assignment(networks.columns, networks.COLUMNS),
    "elementary": Assignment(networks.elementary, networks.ELEMENTARY),
}


@pytest.mark.parametrize("network", RECORDED)
def test_it_computes_what_the_engine_computes(network):
    for run in RECORDED[network].runs:
        positions = sorted(run.gradients)
        gradients = bp.grad(run.tensors[run.loss], [run.tensors[i] for i in positions])
        again = run.sweep()
        for i, g in zip(positions, gradients, strict=True):
            np.testing.assert_array_equal(run.gradients[i], g)
            np.testing.assert_array_equal(again[i], g)


@pytest.mark.parametrize("network", RECORDED)
def test_a_part_from_right_gradients_gives_right_gradients(network):
    run = RECORDED[network].runs[0]
    for target in run.gradients:
        for given in ({}, {i: g for i, g in run.gradients.items() if i % 2}, run.gradients):
            part = run.part(target, given)
            arrived = run.sweep({i: given[i] for i in part.given}, edges=part.edges)
            np.testing.assert_allclose(arrived[target], run.gradients[target], rtol=1e-12)


def test_what_is_given_takes_the_place_of_what_arrives():
    x = bp.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3.0
    run = Run((y * y).sum())
    (step,) = (i for i, t in enumerate(run.tensors) if t is y)
    assert (run.sweep({step: np.array([1.0, -1.0])})[0] == [3.0, -3.0]).all()


def test_what_is_planted_takes_the_place_of_a_contribution():
    x = bp.tensor([1.0, 2.0], requires_grad=True)
    run = Run((x * x).sum())
    first, second = run.uses[0]
    assert (run.gradients[0] == [2.0, 4.0]).all()
    assert (run.sweep(planted={first: lambda g: g * 10.0})[0] == [11.0, 12.0]).all()
    assert (run.sweep(planted={second: lambda g: None})[0] == [1.0, 2.0]).all()
    assert 0 not in run.sweep(planted={first: lambda g: g / "no"})


def test_a_graph_may_be_deep():
    x = bp.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    run = Run(y)
    assert run.gradients[0] == 1
    assert len(run.part(0, ()).edges) == 20_000


@pytest.mark.parametrize(
    ("network", "point", "batch"),
    [
        (None, None, 1),
        (None, vars(random_problem(batch=7)), 7),
        (networks.classifier, networks.CLASSIFIER, 7),
        (networks.columns, networks.COLUMNS, 6),
        (networks.shared, networks.SHARED, 3),
        (networks.elementary, networks.ELEMENTARY, 1),
    ],
)
def test_the_batch_is_recognised(network, point, batch):
    assert Assignment(network, point).runs[0].batch == batch


def test_which_leaf_of_a_product_is_the_weight():
    assert Assignment(networks.classifier, networks.CLASSIFIER).runs[0].weight_side == 1
    assert Assignment().runs[0].weight_side == 0
    assert Run((bp.tensor([[1.0]], requires_grad=True) @ np.ones((1, 1))).sum()).weight_side is None


def test_an_edge_is_a_step_and_an_operand():
    assert Edge(3, 1).step == 3
    assert Edge(3, 1).operand == 1


@pytest.mark.parametrize("name", ["flattened-gradient", "transposed-result", "wrong-sign"])
def test_there_is_nothing_to_change_in_a_contribution_that_is_left_out(name: str) -> None:
    x = bp.tensor([[1.0], [2.0]], requires_grad=True)
    run = Run((x * x).sum())
    edge, g = run.uses[0][0], np.ones((2, 1))
    for wrong in ROWS[name].at(Place(run, edge, {}, before=lambda g: None)):
        assert wrong.closure(g) is None
    (changed,) = ROWS[name].at(Place(run, edge, {}))
    assert changed.closure(g) is not None
