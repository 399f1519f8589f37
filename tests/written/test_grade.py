"""`bp.grade` of a document, the command, and a class of documents and code."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.cli import main
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.classroom import grade_class
from tinygrad_bp.written.grade import LARGEST_DOCUMENT, open_document

ROOT = Path(__file__).parents[2]

HOMEWORK = r"""
$$h = \sigma(W_1 x), \quad p = \sigma(W_2 h)$$
$$\frac{\partial L}{\partial \hat{y}} = -2 (y - \hat{y})$$
$$\delta_3 = (\mathrm{diag}(\hat{y}) - \hat{y} \hat{y}^T) \frac{\partial L}{\partial \hat{y}}$$
$$\frac{\partial L}{\partial W_3} = \delta_3 p^T$$
$$\delta_2 = (W_3^T \delta_3) \odot p \odot (1 - p)$$
$$\frac{\partial L}{\partial W_2} = \delta_2 h^T$$
$$\delta_1 = (W_2^T \delta_2) \odot h \odot (1 - h)$$
$$\frac{\partial L}{\partial W_1} = \delta_1 x^T$$
"""


LEAVES = {
    name: np.random.default_rng(k).normal(size=shape)
    for k, (name, shape) in enumerate(
        {"W1": (5, 4), "W2": (6, 5), "W3": (3, 6), "x": (4, 1), "y": (3, 1)}.items()
    )
}


def tanh_network(W1, W2, W3, x, y):
    z1 = (W1 @ x).named("z1")
    z2 = (W2 @ bp.tanh(z1).named("a1")).named("z2")
    z3 = (W3 @ bp.tanh(z2).named("a2")).named("z3")
    return bp.square_sum(y - z3)


@pytest.fixture
def written(tmp_path):
    def write(text, name="homework.md"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_right_document_passes(written):
    report = bp.grade(written(HOMEWORK))
    assert report.passed
    assert report.score == 1
    assert dict(report.names) == {"h": "a1", "p": "a2"}  # as their numbers are
    assert [side.verdict for side in report.written] == ["defined"] * 2 + ["right"] * 7


def test_a_slip_is_charged_once_and_what_follows_is_carried_forward(written):
    text = HOMEWORK.replace(r"\odot p \odot (1 - p)", r"\odot p \odot (1 + p)")
    report = bp.grade(written(text))
    assert not report.passed
    wrong = [side for side in report.written if side.verdict == "wrong"]
    assert [side.line for side in wrong] == [6]
    assert report["z2"].verdict == "wrong"
    assert {report[name].verdict for name in ("W2", "z1", "W1")} == {"carried forward"}
    assert "1 + a₂" in wrong[0].reading


def test_a_mistake_of_the_catalogue_is_named(written):
    text = HOMEWORK.replace(
        r"(\mathrm{diag}(\hat{y}) - \hat{y} \hat{y}^T)", r"\hat{y} (1 - \hat{y})"
    )
    report = bp.grade(written(text.replace(r"\hat{y}) \frac", r"\hat{y}) \odot \frac")))
    (side,) = (side for side in report.written if side.verdict == "wrong")
    assert side.mistakes == ("softmax-diagonal",)
    assert report["z3"].mistakes == ("softmax-diagonal",)


def test_a_line_that_is_not_read_counts_neither_way_but_never_passes(written):
    text = HOMEWORK.replace(r"\delta_1 x^T", r"\delta_1 \Xi^T")
    report = bp.grade(written(text))
    assert [s.verdict for s in report.written][-1] == "not read"
    assert report["W1"].verdict == "unreadable"
    assert report["W1"].message == "Answered in line 9, which was not read."
    assert not report.passed
    assert bp.grade(written(text), required=()).score == 1


def test_what_other_gradients_are_written_in_has_to_be_derived(written):
    lines = HOMEWORK.split("\n")
    without = "\n".join(line for line in lines if not line.startswith(r"$$\delta_2 ="))
    using = without.replace(r"\delta_2", r"\frac{\partial L}{\partial z_2}")
    report = bp.grade(written(using))
    assert report["z2"].verdict == "missing"
    assert report["z2"].message == "Line 6 uses it, so it has to be derived."
    assert not report.passed
    unread = using.replace("$$h =", "$$\\frac{\\partial L}{\\partial z_2} = \\Xi$$\n$$h =")
    assert bp.grade(written(unread))["z2"].message == "Answered in line 2, which was not read."
    # of all that is multiplied out, nothing else has to be
    gradient = r"(W_3^T \delta_3) \odot p \odot (1 - p)"
    multiplied_out = without.replace(r"\delta_2", f"({gradient})")
    assert bp.grade(written(multiplied_out)).passed


def test_names_are_told_where_the_document_does_not_say(written):
    text = HOMEWORK.replace(r"$$h = \sigma(W_1 x), \quad p = \sigma(W_2 h)$$", "")
    assert not bp.grade(written(text)).passed
    report = bp.grade(written(text), names={"h": "a1", "p": "a2"})
    assert report.passed
    assert dict(report.names) == {"h": "a1", "p": "a2"}
    with pytest.raises(ValueError, match="h cannot be a9: the problem has W1"):
        bp.grade(written(text), names={"h": "a9"})


def test_a_document_about_another_network_is_told_so_first(written):
    report = bp.grade(written(HOMEWORK + r"$$a_2 = \tanh(z_2)$$"))
    assert "Line 10 does not agree with the network: look there first." in report.summary()
    control = bp.grade(written(HOMEWORK + r"$$a_2 = \sigma(z_2)$$"))
    assert "look there first" not in control.summary()


def test_nothing_is_called_wrong_on_an_assumption(written):
    """Which function f is, the document does not say; where it does, the line is wrong."""
    q, line = r"$$q = z_2 + z_2$$", r"$$\delta_2 = (W_3^T \delta_3) \odot f'(q)$$"
    loss = tanh_network
    report = bp.grade(written(q + line), loss, LEAVES, required=())
    assert [side.verdict for side in report.written] == ["defined", "not read"]
    held = "not judged: if f is tanh, it is wrong, but the text does not say so"
    assert report.written[1].reason == held
    said = r"$$a_1 = f(z_1)$$"
    report = bp.grade(written(said + q + line), loss, LEAVES, required=())
    assert [side.verdict for side in report.written] == ["right", "defined", "wrong"]


@pytest.mark.parametrize("suffix", [".md", ".tex", ".ipynb"])
def test_every_kind_of_document_is_graded(written, suffix):
    text = HOMEWORK
    if suffix == ".ipynb":
        cells = [{"cell_type": "markdown", "source": HOMEWORK.splitlines(keepends=True)}]
        text = json.dumps({"cells": cells})
    report = bp.grade(written(text, f"homework{suffix}"))
    assert report.passed
    assert {side.cell for side in report.written} == {1 if suffix == ".ipynb" else None}


def test_plain_text_is_graded(written):
    report = bp.grade(written("∂L/∂ŷ = -2 (y - ŷ)\n∂L/∂W₃ = δ₃ a₂ᵀ\n", "homework.txt"), required=())
    assert [side.verdict for side in report.written] == ["right", "right"]


def test_another_file_is_no_document(written):
    with pytest.raises(ValueError, match=r"no document that is read: \.md, \.tex, \.ipynb, \.txt"):
        bp.grade(written("", "homework.docx"))
    with pytest.raises(ValueError, match="more than 200,000 bytes"):
        bp.grade(written("x" * (LARGEST_DOCUMENT + 1)))


def test_the_learner_gets_hints_and_the_teacher_the_findings(written):
    report = bp.grade(written(HOMEWORK.replace(r"\delta_2 h^T", r"\delta_2 h")))
    (side,) = (side for side in report.written if side.verdict == "wrong as arrays")
    assert "a₁ transposed" in side.said(reveal=True)
    assert "transposed" not in side.said(reveal=False).replace("must be transposed", "")
    assert "a₁ transposed" in str(report)
    assert "a₁ transposed" not in str(report.for_learner())


def test_a_page_shows_every_line_as_mathematics_and_runs_nothing(written):
    evil = r"$$\frac{\partial L}{\partial W_3} = \text{<script>alert(1)</script>}$$"
    link = r"$$\frac{\partial L}{\partial W_2} = \href{javascript:alert(1)}{z}$$"
    page = bp.grade(written(HOMEWORK + evil + link)).to_html()
    assert page.count("<math") >= 9
    assert "<script" not in page
    assert 'href="javascript' not in page


def test_a_report_as_json_has_the_lines_and_fits_the_schema(written):
    data = json.loads(bp.grade(written(HOMEWORK)).to_json())
    schema = json.loads((ROOT / "docs" / "grade.schema.json").read_text("utf-8"))
    pytest.importorskip("jsonschema").validate(data, schema)
    assert data["written"][0]["source"] == r"\sigma(W_1 x)"
    assert data["names"] == {"h": "a1", "p": "a2"}


def test_the_command_grades_a_document(written, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["grade", str(written(HOMEWORK)), "--out", str(page)]) == 0
    assert "Passed" in capsys.readouterr().out
    assert "<math" in page.read_text("utf-8")
    text = HOMEWORK.replace(r"$$h = \sigma(W_1 x), \quad p = \sigma(W_2 h)$$", "")
    assert main(["grade", str(written(text))]) == 1
    assert main(["grade", str(written(text)), "--names", "h=a1", "p=a2"]) == 0


def test_a_file_without_a_command_is_graded(written, capsys):
    assert main([str(written(HOMEWORK))]) == 0
    assert "Passed" in capsys.readouterr().out
    assert main([str(ROOT / "docs" / "handwritten_derivation.txt")]) == 1
    assert main(["homework.of.nobody.md"]) == 2
    assert "there is no file homework.of.nobody.md" in capsys.readouterr().err


def test_a_document_about_the_worked_problem_is_told_so(written, tmp_path, capsys):
    said = "Graded against the worked problem. For your own network: --problem FILE"
    main([str(written("$$z_1 = x W_1 + b_1$$\n\n$$z_2 = a_1 W_2$$"))])
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith(said)
    assert "Lines 1 and 3 do not agree with the network: look there first." in out
    problem = tmp_path / "net.py"
    problem.write_text(
        "import tinygrad_bp as bp\ninputs = {'w': [1.0, 2.0]}\n"
        "def loss(w):\n    return bp.square_sum(w)\n"
    )
    main([str(written("$$dw = 2 w$$")), "--problem", str(problem)])
    assert said not in " ".join(capsys.readouterr().out.split())


def test_a_name_for_what_there_is_not_is_a_wrong_argument(written, capsys):
    assert main(["grade", str(written(HOMEWORK)), "--names", "h=a9"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("tinygrad-bp: h cannot be a9: the problem has W1")


def test_documents_and_code_are_graded_in_one_class(written, tmp_path):
    written(HOMEWORK, "ann.md")
    written(HOMEWORK.replace("-2 (y", "2 (y"), "bob.md")
    written("def gradients(y, y_hat):\n    return {'y_hat': -2 * (y - y_hat)}\n", "eve.py")
    classroom = grade_class(
        sorted(tmp_path.iterdir()), Assignment(required=()), document=open_document
    )
    assert [(row.name, row.outcome) for row in classroom.rows] == [
        ("ann.md", "all right"),
        ("bob.md", "dL/dy_hat: wrong-sign"),
        ("eve.py", "all right"),
    ]


@pytest.mark.parametrize(
    "line",
    ["z1 = det(x)", "z1 = cholesky(W1)", "z1 = solve(W1)", "z1 = kron(W1)", "z1_i = det(W1_ij)",
     "z1 = reshape(W1)", "z1 = svd(W1)", "z1 = hsplit(W1)", "L = Σ[i] logsumexp(x_i)"],
)  # fmt: skip
def test_a_function_of_what_it_cannot_have_is_not_read(line, tmp_path):
    path = tmp_path / "homework.txt"
    path.write_text(line + "\n", "utf-8")
    assert [side.verdict for side in bp.grade(path).written] == ["not read"]


ROWS = {"X": (6, 4), "T": (6, 3), "W": (4, 3), "b": (3,)}


def one_layer(X, T, W, b):
    Y = (X @ W + b).named("Y")
    return bp.mean((Y - T) ** 2).named("L")


def verdicts_of_one_layer(path):
    rng = np.random.default_rng(3)
    inputs = {name: rng.normal(size=shape) for name, shape in ROWS.items()}
    report = bp.grade(path, one_layer, inputs)
    return {line.name: line.verdict for line in report.lines}, report


STEP = """
v3 = (Y - T)^2
dL/dv3 = 1/18
dL/dY = 2 dL/dv3 * (Y - T)
dL/db = sum(dL/dY, axis=0)
dL/dW = X^T @ dL/dY
"""


def test_a_step_without_a_name_is_judged_by_what_readings_call_it(written):
    found, report = verdicts_of_one_layer(written(STEP, "right.txt"))
    assert found == dict.fromkeys(["v3", "Y", "b", "W"], "right")
    assert report.passed
    counted = "N = 18" + STEP.replace("1/18", "1/N")  # a letter for a number is a number
    assert verdicts_of_one_layer(written(counted, "counted.txt"))[1].passed
    found, report = verdicts_of_one_layer(written(STEP.replace("1/18", "(Y - T)/18"), "slip.txt"))
    assert found == {"v3": "wrong"} | dict.fromkeys(["Y", "b", "W"], "carried forward")
    assert not report.passed


def test_a_name_of_no_step_is_not_read(written):
    found, report = verdicts_of_one_layer(written(STEP.replace("dL/dv3 =", "dL/dv9 ="), "v9.txt"))
    assert [side.verdict for side in report.written][1] == "not read"
    assert found["v3"] == "missing"
    assert report["v3"].message == "Line 4 uses it, so it has to be derived."
    assert not report.passed


def test_a_bias_after_a_slip_is_carried_forward_in_both_tables(written):
    text = r"""
$$\frac{\partial L}{\partial Y} = Y - T$$
$$\frac{\partial L}{\partial b} = \mathbf{1}^T \frac{\partial L}{\partial Y}$$
$$\frac{\partial L}{\partial W} = X^T \frac{\partial L}{\partial Y}$$
"""
    found, report = verdicts_of_one_layer(written(text))
    assert [side.verdict for side in report.written] == ["wrong"] + ["carried forward"] * 2
    assert {n: found[n] for n in "YbW"} == {
        "Y": "wrong", "b": "carried forward", "W": "carried forward"
    }  # fmt: skip
    assert report.score == pytest.approx(2 / 3)
