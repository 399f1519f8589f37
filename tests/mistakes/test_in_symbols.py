"""Wrong rules as formulas: what is written is what is computed, and it is wrong."""

import ast

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.mistakes.in_symbols import WrongFormulas, equal
from tinygrad_bp.mistakes.run import Place, Run
from tinygrad_bp.notation.formula import Formula
from tinygrad_bp.record import Record
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded


def worked() -> Record:
    return Record(recorded(random_problem())["L"])


def written(record: Record, operation: str) -> dict[str, str]:
    found = {}
    for edge in record.edges:
        if record.tensors[edge.step].primitive.__name__ == operation:
            for wrong in WrongFormulas(record).at(edge):
                found.setdefault(wrong.mistake.name, Formula(wrong.tree, record.names).text)
    return found


def test_known_mistakes_are_written_as_people_write_them() -> None:
    record = worked()
    softmax, matmul = written(record, "softmax"), written(record, "matmul")
    assert softmax["cross-entropy-shortcut"] == "ŷ − y"
    assert softmax["missing-softmax-derivative"] == "∂L/∂ŷ"
    assert matmul["missing-transpose"] == "∂L/∂z₃ a₂"  # whose shapes do not fit
    assert matmul["transposed-outer-product"] == "(∂L/∂z₃ a₂ᵀ)ᵀ"


@pytest.mark.parametrize("operation", ["sigmoid", "softmax", "subtract", "square_sum"])
def test_a_formula_gives_what_the_wrong_rule_gives(operation: str) -> None:
    record, run = worked(), Run(worked().output)
    for edge in record.edges:
        t = record.tensors[edge.step]
        if t.primitive.__name__ != operation:
            continue
        place, g = Place(run, edge, {}), record.gradients[edge.step]
        for wrong in WrongFormulas(record).at(edge):
            made = [np.asarray(w.closure(g)) for w in wrong.mistake.at(place)]
            assert any(equal(wrong.value, value) for value in made)
            assert not equal(wrong.value, record.contributions[edge])


def test_a_mistake_that_changes_nothing_is_none() -> None:
    a = bp.tensor([1.0, 2.0], requires_grad=True, name="a")
    found = written(Record(bp.relu(a).sum().named("L")), "relu")
    assert "missing-relu-derivative" not in found  # all entries are positive
    assert "wrong-sign" in found


def test_every_name_is_one_of_the_run() -> None:
    record = worked()
    known = {record.names.identifier(t) for t in record.tensors}
    known |= {record.names.gradient(t) for t in record.tensors}
    functions = {"np", "sigmoid", "softmax"}
    for edge in record.edges:
        for wrong in WrongFormulas(record).at(edge):
            names = {node.id for node in ast.walk(wrong.tree) if isinstance(node, ast.Name)}
            assert names <= known | functions
