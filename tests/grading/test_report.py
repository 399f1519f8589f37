"""The report: its views, its scores, and the forms that other programs read."""

import functools
import json
import re
from io import StringIO
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from tinygrad_bp import grade
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.classroom import Graded
from tinygrad_bp.grading.report import JudgedLine, Report

from .derivations import LINES, SQUARE, derivation
from .networks import CLASSIFIER, classifier

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "grade.schema.json").read_text(encoding="utf-8"))


def diagonal(q, d):
    return q.y_hat * (1 - q.y_hat) * d["y_hat"]


RIGHT = derivation()
SLIPPED = derivation({"z3": diagonal})
REPORTS = {
    "right": lambda: grade(RIGHT),
    "slipped": lambda: grade(SLIPPED),
    "hidden": lambda: grade(SLIPPED, inputs=SQUARE),
    "strange": lambda: grade(derivation({"z3": lambda q, d: np.cos(q.z3), "W3": lambda q, d: q.x})),
    "required": lambda: grade(RIGHT, required=["x", "y"]),
    "nan": lambda: grade(derivation({"z3": lambda q, d: d["y_hat"] * np.nan})),
    "failed": lambda: grade(lambda: 1 / 0),
    "unreadable": lambda: grade(lambda y: {"z3": [[1], [2, 3]], "z9": y, "<b>": y}),
    "empty": lambda: grade(dict),
    "other": lambda: grade(lambda x: {"W1": x, "x": x}, classifier, CLASSIFIER),
}


@functools.cache
def report_of(name):
    return REPORTS[name]()


def on_console(renderable, width=100):
    console = Console(file=StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def test_scores():
    assert report_of("right").score == 1
    report = report_of("slipped")
    scores = {line.name: line.score for line in report.lines}
    assert scores["y_hat"] is None  # it was not asked for
    assert scores["z3"] == 0
    assert scores["W3"] == scores["W1"] == 1  # one slip is charged once
    assert report.score == 3 / 4
    assert not report.passed
    assert report.summary().startswith("Not passed: 1 slip; 3 lines follow from it. Score 75%.")


def test_what_follows_from_a_slip_may_earn_less():
    report = grade(SLIPPED, carried=0.5)
    assert report["W3"].score == report["W1"].score == 0.5
    assert grade(SLIPPED, carried=0).score < report.score < report_of("slipped").score
    with pytest.raises(ValueError, match="carried must be from 0 to 1"):
        grade(SLIPPED, carried=2)


def test_the_points_of_a_line():
    report = grade(SLIPPED, points={"z3": 10, "y_hat": 2})
    assert report["z3"].points == 10
    assert (report.points, report.worth) == (5, 15)  # y_hat counts, as it is given points
    assert "Score 33% (5 of 15 points)." in report.summary()
    for shown in (str(report), on_console(report), report.to_html()):
        assert "0 of 10" in shown
    assert "points" not in on_console(report_of("slipped"))
    with pytest.raises(ValueError, match="w9 is not a quantity of the problem"):
        grade(SLIPPED, points={"w9": 1})
    with pytest.raises(ValueError, match="the points of W3 must be more than 0"):
        grade(SLIPPED, points={"W3": 0})


# ---- no false pass ----


def test_the_gradient_of_the_loss_by_itself_is_no_answer():
    report = grade(lambda: {"L": 1.0})
    assert (report.passed, report.score, report["L"].score) == (False, 0, None)
    assert "dL/dW3, dL/dW2 and dL/dW1 are not answered" in report.summary()
    assert not grade(lambda: {"L": 1.0}, required=()).passed
    assert grade(lambda: {"L": 2.0}).first_wrong == "L"


def test_every_parameter_is_required():
    for left_out in ("W1", "W2", "W3"):
        lines = tuple(name for name in LINES if name != left_out)
        report = grade(derivation(answer=lines))
        assert not report.passed
        assert f"dL/d{left_out} is not answered" in report.summary()
        assert report.first_wrong is None
    assert grade(derivation(answer=("W1", "W2", "W3"))).passed


@pytest.mark.parametrize("number", [0.0, np.nan, np.inf])
def test_what_follows_from_zeros_earns_nothing(number):
    point = Assignment().points[0]
    report = grade(lambda: {name: number * np.ones_like(point[name]) for name in LINES})
    assert report.score == 0
    assert not report.passed


def test_what_is_not_answered_counts_where_it_is_required():
    def only_z3(y, y_hat):
        return {"z3": LINES["z3"](Quantities(y_hat=y_hat), {"y_hat": 2 * (y_hat - y)})}

    free = grade(only_z3, required=())
    assert free.passed
    assert free.score == 1
    assert free["W1"].verdict == "missing"
    assert free["W1"].score is None
    asked = grade(only_z3, required=["W1", "a3"])
    assert not asked.passed
    assert asked["W1"].score == 0
    assert asked["y_hat"].score == 0
    assert asked.score == 0  # what was not asked for earns nothing
    assert asked.first_wrong is None
    with pytest.raises(ValueError, match="w9 cannot be required"):
        grade(only_z3, required=["w9"])


def test_an_answer_of_an_unknown_name_is_a_remark_where_all_that_was_asked_for_is_right():
    weights = derivation(answer=("W1", "W2", "W3"))

    def graded(required=None, **more):
        @functools.wraps(weights)
        def answers(**point):
            found = weights(**point)
            return {name: more.get(name, 1) * found[name] for name in found} | {
                name: value for name, value in more.items() if name not in found
            }

        return grade(answers) if required is None else grade(answers, required=required)

    report = graded(dZ9=1.0)
    assert (report.passed, report.score) == (True, 1)
    assert "Not asked for, and not counted" in str(report.for_learner())
    assert Graded("anna.py", report).outcome == "all right"
    assert not graded(required=(), dZ9=1.0).passed  # what is answered is asked for
    assert not graded(z1="?").passed  # a gradient of the problem, which is not read
    assert not graded(dZ9=1.0, z3=np.ones((3, 1))).passed  # and one that is wrong
    slip = graded(dZ9=1.0, dW1=2)
    assert not slip.passed
    assert slip.score < report.score
    assert "Not asked for" not in str(slip)


class Quantities:
    def __init__(self, **values):
        self.__dict__.update(values)


def test_the_wrong_line_has_its_numbers():
    line = report_of("slipped")["z3"]
    assert line.shape == line.right_shape == (3, 1)
    assert line.wrong_entries == line.entries == 3
    assert line.error > 0.1
    assert f"yours {line.answered:.6g}, right {line.right:.6g}" in line.message
    assert line.worst in {(0, 0), (1, 0), (2, 0)}
    assert line.mistakes == ("softmax-diagonal",)


def test_the_numbers_of_the_worst_entry_are_right():
    def one_entry(q, d):
        z3 = LINES["z3"](q, d)
        z3[1] += 2.0
        return z3

    line = grade(derivation({"z3": one_entry}))["z3"]
    assert (line.wrong_entries, line.entries, line.worst) == (1, 3, (1, 0))
    assert line.answered - line.right == pytest.approx(2.0)


def test_the_learner_sees_hints_and_not_the_answer():
    report = report_of("slipped")
    hints, revealed = str(report.for_learner()), str(report.for_learner(reveal=True))
    line = report["z3"]
    assert "The first wrong line is dL/dz3" in hints
    assert line.hint in hints
    for secret in ("softmax-diagonal", f"{line.right:.6g}", "diagonal"):
        assert secret not in hints
        assert secret in revealed
        assert secret in str(report)
    assert line.hint in revealed
    assert line.hint not in str(report)


@pytest.mark.parametrize("name", REPORTS)
def test_json_has_its_schema(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    data = json.loads(report_of(name).to_json())
    jsonschema.validate(data, SCHEMA)
    assert data["passed"] is report_of(name).passed
    assert len(data["lines"]) == len(report_of(name).lines)


@pytest.mark.parametrize("spoilt", ["verdict", "passed", "score"])
def test_the_schema_refuses_something_else(spoilt):
    data = json.loads(report_of("slipped").to_json())
    (data if spoilt in data else data["lines"][0])[spoilt] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, SCHEMA)


@pytest.mark.parametrize("name", REPORTS)
def test_every_form_can_be_made(name, tmp_path):
    report = report_of(name)
    for view in (report, report.for_learner(), report.for_learner(reveal=True)):
        assert report.for_teacher().summary() in str(view)
        table = on_console(view)
        shown = report.failure is None
        assert all((line.label in table) == shown for line in report.for_teacher().lines)
        assert ("<table" in view._repr_html_()) == (shown and bool(report.for_teacher().lines))
    for suffix in ("txt", "html", "json"):
        path = tmp_path / "new" / f"report.{suffix}"
        report.save(path)
        assert path.read_text(encoding="utf-8")
    report.for_learner().save(tmp_path / "learner.html")
    assert (tmp_path / "learner.html").read_text("utf-8") == report.for_learner().to_html()
    with pytest.raises(ValueError, match=r"\.txt, \.html, \.json"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(ValueError, match=r"\.txt, \.html\."):
        report.for_learner().save(tmp_path / "learner.json")


def test_names_are_data():
    html = report_of("unreadable")._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    line = JudgedLine("[red]z[/red]", "wrong", message="[bold]no[/bold]", score=0.0)
    shown = on_console(Report((line,)))
    assert "[red]z[/red]" in shown
    assert "[bold]no" in shown


def test_what_nobody_has_answered_or_asked_for_is_not_shown():
    report = grade(derivation(answer=("W3",)), required=())
    assert [line.name for line in report.for_teacher().lines] == ["W3"]
    assert report["z3"].verdict == "missing"  # it is in the data all the same
    asked = grade(derivation(answer=("W3",)), required=["W1"])
    assert [line.name for line in asked.for_learner().lines] == ["W3", "W1"]


def test_a_learner_sees_no_error_in_what_follows_rightly():
    report = report_of("slipped")
    view = report.for_learner()
    assert view.said(report["W3"]) == "Wrong only because of an earlier slip."
    assert report["W3"].error > 0.1
    assert report["W3"].own_error == ""
    assert report["z3"].own_error == f"{report['z3'].error:.1%}"
    for shown in (
        on_console(view),
        *(h.split("</style>")[1] for h in (view._repr_html_(), view.to_html())),
    ):
        assert len(re.findall(r"[0-9.]+%(?! *\.)", shown)) <= 2  # z3's, and the score


def test_what_the_points_cannot_show_is_for_the_teacher_alone():
    two_classes = {"z": [[0.3, -0.2], [0.1, 0.4]], "y": np.eye(2)}

    def problem(z, y):
        import tinygrad_bp as bp

        return bp.square_sum(bp.softmax(z, axis=1).named("p") - y).named("L")

    report = grade(lambda p, y: {"p": p - y, "z": 0 * y}, problem, two_classes)
    assert report.warnings
    assert "Note" in str(report)
    assert "Note" not in str(report.for_learner())
    failed = grade(lambda: 1 / 0, problem, two_classes)
    assert "Note" not in str(failed.for_learner())


def test_a_finding_and_its_hint_are_apart_and_the_name_is_set_off():
    view, line = report_of("slipped").for_learner(reveal=True), report_of("slipped")["z3"]
    finding, hint = view.said(line).split("\n")
    assert finding == line.message
    assert hint == f"Hint: {line.hint}"
    for text in (view.to_html(), view._repr_html_()):
        assert "<strong>softmax-diagonal</strong>: Only the diagonal" in text
        assert '<div class="small">Hint: Every output' in text
    lines = str(view).splitlines()
    start = lines[lines.index(next(x for x in lines if "softmax-diagonal" in x)) + 1]
    assert start.strip().startswith("Hint: ")


def test_the_page_of_a_report_is_styled_as_that_of_a_class():
    style = (ROOT / "tinygrad_bp" / "pages" / "style.css").read_text(encoding="utf-8")
    for report in map(report_of, REPORTS):
        page = report.for_learner().to_html()
        assert style in page
        assert "default-src 'none'" in page
        assert page.count('class="mark ') == len(report.for_learner().lines)
    assert "&lt;b&gt;" in report_of("unreadable").for_teacher().to_html()


def test_a_gradient_by_a_name_that_is_no_identifier():
    import tinygrad_bp as bp

    def problem(x, dW):
        return bp.square_sum((x * dW).named("my z")).named("L")

    report = grade(lambda dW: {"my z": dW}, problem, {"x": [1.0, 2.0], "dW": [3.0, 1.0]})
    assert "The first wrong line is dL/d(my z)." in str(report)
    assert repr(report).startswith("<report: Not passed: ")  # at the prompt, a line
    assert repr(report).endswith("The first wrong line is dL/d(my z); print it to see the lines>")
    assert report["dW"].label == "dL/d(dW)"


def test_one_given_point_is_not_called_these_points():
    point = dict(SQUARE, W3=SQUARE["W3"][:2], y=np.array([[1.0, 0, 0], [0, 1.0, 1.0]]))
    slip = {"z3": lambda q, d: q.y_hat * (1 - q.y_hat) * d["y_hat"]}
    from tinygrad_bp.grading.assignment import Assignment

    q = Assignment(inputs=point, only_inputs=True).points[0]
    names = ("W1", "W2", "W3", "x", "y", "z1", "a1", "z2", "a2", "z3", "y_hat")
    report = grade(derivation(slip)(**{name: q[name] for name in names}), inputs=point)
    assert "the given point cannot tell them apart" in report["z3"].message
    assert all("these points" not in warning for warning in report.warnings)


def test_gradescope():
    results = report_of("slipped").to_gradescope(max_score=20)
    assert results["score"] == pytest.approx(20 * report_of("slipped").score)
    assert [test["name"] for test in results["tests"]][:2] == ["dL/dz3", "dL/dW3"]
    assert {test["status"] for test in results["tests"]} == {"passed", "failed"}
    assert "softmax-diagonal" not in json.dumps(results)
    failed = report_of("failed").to_gradescope()
    assert failed["score"] == 0
    assert "ZeroDivisionError" in failed["output"]


def test_a_line_is_found_by_name():
    assert report_of("right")["z3"].verdict == "right"
    with pytest.raises(KeyError, match="z9"):
        report_of("right")["z9"]
