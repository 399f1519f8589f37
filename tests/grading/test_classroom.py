"""A class: hostile files beside honest ones, the page, the table, and the examples in the docs."""

import csv
import html.parser
import io
import os
import sys
from pathlib import Path

import pytest

from tinygrad_bp.grading import classroom as module
from tinygrad_bp.grading.assignment import Assignment, Marking
from tinygrad_bp.grading.classroom import Classroom, Graded, grade_class, name_files, to_cell
from tinygrad_bp.grading.limits import Limits
from tinygrad_bp.grading.report import OF_LINES, VERDICTS, JudgedLine, Report

from .submissions import DIAGONAL, RIGHT

LIMITS = Limits(seconds=1.0, memory=400, output=10_000)
ASSIGNMENT = Assignment()

#: Each with a part of the reason that its row gives.
HOSTILE = {
    "endless": ("while True: pass", "it was still running after 1 s, in line 1"),
    "exits": ("import os\nos._exit(0)", "ended before its answers were there (exit status 0)"),
    "quits": ("import sys\nsys.exit(0)", "SystemExit: 0, in line 2"),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero, in line 1: 1 / 0"),
    "hog": ("import numpy as np\nnp.ones(10**9)", "MemoryError"),
    "prints": ("while True: print('spam' * 1000)", "it printed more than 10,000 bytes"),
    "forger": (
        "import os\nopen('../answers', 'w').write('{\"passed\": true, \"score\": 1}')\nos._exit(0)",
        "what it delivered cannot be read as answers",
    ),
    "forks": (
        "import os, time\ntry: os.fork()\nexcept OSError: pass\nwhile True: time.sleep(9)",
        "it was still running after 1 s",
    ),
    "closes": ("import os\nos.closerange(0, 99)\nos._exit(0)", "ended before its answers"),
}


@pytest.fixture
def graded(tmp_path):
    """Grade a class of files, given as texts by their names."""

    def graded(texts, **settings):
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        paths = [tmp_path / name for name in texts]
        return grade_class(paths, ASSIGNMENT, **{"limits": LIMITS, "jobs": 2, **settings})

    return graded


# ---- grading ----


def test_an_answer_that_cannot_be_read_is_told_in_its_row(graded):
    text = "def gradients(y, y_hat):\n    return {'y_hat': 2 * (y_hat - y), 'W33': 1.0}"
    classroom = graded({"eve.py": text})
    (row,) = classroom.rows
    assert (row.report.passed, row.outcome) == (False, "incomplete")
    assert row.reason.startswith("W33: The problem has no quantity of this name. Is W3 meant?")
    assert "Is W3 meant?" in classroom.to_html()
    assert "Is W3 meant?" in classroom.to_csv()


@pytest.mark.skipif(os.name != "posix", reason="the limits of a POSIX system")
def test_hostile_submissions_fail_with_their_reason_and_the_others_are_graded(graded):
    texts = {f"{name}.py": text for name, (text, _) in HOSTILE.items()}
    honest = {"ann.py": RIGHT, "bob.py": DIAGONAL}
    rows = {row.name: row for row in graded(honest | texts).rows}
    assert rows["ann.py"].report.passed
    assert rows["bob.py"].outcome == "dL/dz3: softmax-diagonal"
    for name, (_, reason) in HOSTILE.items():
        row = rows[f"{name}.py"]
        if name == "hog" and sys.platform == "darwin":
            continue
        report = row.report
        assert (report.passed, report.score, row.outcome) == (False, 0.0, "gave no answers"), name
        assert reason in report.failure, name


def test_a_row_has_the_verdicts_of_its_report(graded):
    [row] = graded({"bob.py": DIAGONAL}).rows
    assert (row.mistakes[0].name, row.mistakes[0].mistakes) == ("z3", ("softmax-diagonal",))
    answered = [row.verdict(name) for name in ("y_hat", "z3", "W3", "x")]
    assert answered == ["right", "wrong", "carried forward", ""]
    assert 0 < row.report.score < 1
    assert row.reason == row.trouble == ""


def test_an_answer_to_no_quantity_makes_no_column(graded):
    classroom = graded({"ann.py": RIGHT.replace('"W3": ', '"W33": 0.0, "W3": ')})
    assert set(classroom.lines()) == {"y_hat", "z3", "W3", "W2", "W1"}


def test_quantities_go_from_the_loss_back_whoever_answers_first(graded):
    classroom = graded({"ann.py": "def gradients(x): return {'W1': 1.0}", "bob.py": RIGHT})
    assert list(classroom.lines()) == ["y_hat", "z3", "W3", "W2", "W1"]


def test_files_of_one_name_stay_apart(graded):
    rows = graded({"ann/work.py": RIGHT, "bob/work.py": DIAGONAL, "bob/sub/x.py": RIGHT}).rows
    assert [(row.name, row.report.passed) for row in rows] == [
        ("ann/work.py", True),
        ("bob/sub/x.py", True),
        ("bob/work.py", False),
    ]


def test_a_file_given_twice_is_graded_once(tmp_path):
    (tmp_path / "ann.py").write_text(RIGHT)
    assert len(grade_class([tmp_path / "ann.py"] * 2, ASSIGNMENT).rows) == 1


def test_an_error_of_ours_costs_one_row(graded, monkeypatch):
    def broken(submission, assignment):
        if submission.path.name == "bob.py":
            raise ZeroDivisionError("our own mistake")
        return working(submission, assignment)

    working = module.grade_submission
    monkeypatch.setattr(module, "grade_submission", broken)
    rows = {row.name: row for row in graded({"ann.py": RIGHT, "bob.py": RIGHT}).rows}
    assert rows["ann.py"].report.passed
    assert rows["bob.py"].outcome == "could not be graded"
    assert rows["bob.py"].trouble == "ZeroDivisionError: our own mistake"
    assert rows["bob.py"].report is None


def test_a_file_that_cannot_be_read_costs_one_row(graded, tmp_path):
    rows = {row.name: row for row in graded({"ann.py": RIGHT, "large.py": "#" * 1_000_001}).rows}
    assert rows["ann.py"].report.passed
    assert "is too large for a submission" in rows["large.py"].trouble


def test_a_submission_that_deletes_the_others_comes_too_late(graded, tmp_path):
    vandal = (
        f"import os, pathlib\nfor path in pathlib.Path({str(tmp_path)!r}).iterdir(): path.unlink()"
    )
    classroom = graded({"a.py": vandal, "b.py": RIGHT, "c.py": RIGHT}, jobs=1)
    if os.geteuid() != 0:  # a submission that root runs may delete nothing at all
        assert not list(tmp_path.iterdir())
    assert [row.report.passed for row in classroom.rows] == [False, True, True]


def test_each_is_counted_when_it_is_done(graded):
    done = []
    graded({"ann.py": RIGHT, "bob.py": "1 / 0"}, done=lambda: done.append(None))
    assert len(done) == 2


def test_names_are_shown_without_what_steers_a_console():
    assert name_files([Path("/class/a\x1b[2J\u202eb.py")]) == [r"a\x1b[2J\u202eb.py"]


# ---- what came out together ----


def graded_as(name, mistakes=(), **verdicts):
    """What was graded, with these verdicts by quantity; the mistakes are those of what is wrong."""
    lines = [
        JudgedLine(
            quantity,
            verdict,
            mistakes if verdict == "wrong" else (),
            score=VERDICTS[verdict].score,
            right_shape=(),
        )
        for quantity, verdict in verdicts.items()
    ]
    return Graded(name, Report(tuple(lines)))


ROWS = (
    graded_as("ann.py", z="right", W="right"),
    graded_as("bob.py", ("sign",), z="wrong", W="carried forward"),
    graded_as("cem.py", ("a", "b"), z="right", W="wrong"),
    graded_as("dan.py", ("sign",), z="wrong", W="missing"),
    graded_as("eve.py", z="wrong", W="unreadable"),
    graded_as("fay.py", z="right", W="missing"),
    Graded("gus.py", Report((), failure="it printed more than 9 bytes")),
    Graded("hal.py", trouble="OSError: no space"),
)
CLASS = Classroom(ROWS, ("L", "z", "W"))


def test_mistakes_are_counted_the_commonest_first():
    assert CLASS.outcomes() == {
        "dL/dz: sign": 2,
        "dL/dW: a or b": 1,
        "dL/dz: no known pattern": 1,
        "incomplete": 1,
        "gave no answers": 1,
        "could not be graded": 1,
        "all right": 1,
    }


def test_verdicts_are_counted_by_line():
    assert {name: list(counts.values()) for name, counts in CLASS.lines().items()} == {
        "z": [3, 0, 3, 0, 0],
        "W": [1, 1, 1, 1, 2],
    }
    assert list(CLASS.lines()["z"]) == list(OF_LINES)


def test_the_table_has_a_line_for_each():
    table = list(csv.DictReader(io.StringIO(CLASS.to_csv())))
    assert [line["submission"] for line in table] == [row.name for row in ROWS]
    assert table[2]["mistakes"] == "W: a or b"
    assert (table[1]["first wrong line"], table[1]["z"], table[1]["W"]) == (
        "z",
        "wrong",
        "carried forward",
    )
    assert [table[0][head] for head in ("score", "points", "out of")] == ["1", "2", "2"]
    assert [table[7][head] for head in ("score", "points", "out of")] == ["", "", ""]
    assert (table[6]["z"], table[5]["W"]) == ("", "missing")  # missing is what was asked for
    assert table[6]["reason"] == ROWS[6].report.failure
    assert table[7]["reason"] == ROWS[7].trouble


def test_a_second_mistake_is_shown_too(graded):
    second = DIAGONAL.replace("* a1 * (1 - a1)", "")
    classroom = graded({"bob.py": second})
    [row] = classroom.rows
    both = "dL/dz3: softmax-diagonal; dL/dW1: missing-sigmoid-derivative or wrong-upstream"
    assert row.said == both
    assert both in classroom.to_html()
    [line] = csv.DictReader(io.StringIO(classroom.to_csv()))
    assert line["mistakes"].startswith("z3: softmax-diagonal; W1: missing-sigmoid-deriv")


def test_each_student_gets_a_page_without_the_answers(graded):
    texts = {"ann/work.py": RIGHT, "bob/work.py": DIAGONAL, "cem/work.py": "import torchx"}
    pages = graded(texts).feedback("Homework 3")
    assert list(pages) == ["ann/work.html", "bob/work.html", "cem/work.html"]
    assert "Homework 3: bob/work.py" in pages["bob/work.html"]
    assert "Every output of a softmax depends on every input" in pages["bob/work.html"]
    assert "softmax-diagonal" not in pages["bob/work.html"]
    assert "No module named" in pages["cem/work.html"]
    assert "could not be graded" in Graded("x.py", trouble="secret").feedback("H")
    assert "secret" not in Graded("x.py", trouble="secret").feedback("H")


def test_what_a_teacher_should_look_at_is_marked(graded):
    texts = {
        "ann.py": "import torchx",
        "bob.py": f"import tinygrad_bp as bp\n{RIGHT}",
        "cem.py": f"{RIGHT}\nif __name__ == '__main__':\n    import tinygrad_bp\n",
        "dan.py": f"code = eval('1')\n{RIGHT}",
    }
    classroom = graded(texts)
    marks = {row.name: row.to_look_at() for row in classroom.rows}
    assert marks["ann.py"] == [
        "ModuleNotFoundError: No module named 'torchx', in line 1: import torchx"
    ]
    assert marks["bob.py"] == ["It imports tinygrad_bp, which can compute gradients by itself."]
    assert marks["cem.py"] == []
    assert marks["dan.py"] == ["It uses eval: see what for."]
    assert classroom.to_html().count("Look at this:") == 3
    assert classroom.to_html().count("No module named") == 1  # the reason is not said twice
    assert "It imports" not in classroom.feedback()["bob.html"]


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
def test_a_path_that_is_no_file_costs_one_row(graded, tmp_path):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "secret.txt").write_text("the teacher's secret")
    (tmp_path / "link.py").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "ann.py").write_text(RIGHT)
    names = ("folder.py", "dangling.py", "link.py", "pipe.py", "gone.py", "ann.py")
    classroom = grade_class([tmp_path / name for name in names], ASSIGNMENT, LIMITS)
    rows = {row.name: row for row in classroom.rows}
    assert rows.pop("ann.py").report.passed
    assert {row.outcome for row in rows.values()} == {"could not be graded"}
    assert "it is a link" in rows["link.py"].trouble
    assert "secret" not in classroom.to_html()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\uff1d", "\uff0b"])
def test_no_cell_is_a_formula(start):
    failed = Report((), failure=f'{start}HYPERLINK("https://example.org")')
    rows = (Graded(f"{start}cmd|' /C calc'!A0", failed),)
    head, line = csv.reader(io.StringIO(Classroom(rows, (f"{start}z",)).to_csv()))
    formulas = ("=", "+", "-", "@", "\uff1d", "\uff0b")
    assert not [cell for cell in (*head, *line) if cell.strip().startswith(formulas)]
    assert line[0].endswith("cmd|' /C calc'!A0")


def test_other_cells_are_as_they_are():
    assert to_cell("ann=bob") == "ann=bob"
    assert to_cell("") == ""


# ---- the page ----


class Parser(html.parser.HTMLParser):
    """Collects the elements, their attributes and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_the_page_shows_every_row_and_count():
    text = Parser(CLASS.to_html()).text
    assert "8 submissions, 1 all right. The mean score is 36%." in text
    for row in ROWS:
        assert row.name in text
        assert row.outcome in text
    assert ROWS[6].report.failure in text
    assert ROWS[7].trouble in text


def test_the_page_needs_nothing_and_runs_nothing():
    parsed = Parser(CLASS.to_html())
    assert not {"script", "img", "link", "iframe", "object"} & set(parsed.tags)
    assert not {"src", "href"} & {name for name, _ in parsed.attributes}
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert "url(" not in CLASS.to_html()


def test_names_and_messages_are_text_and_no_page():
    attack = "<script>alert('1')</script><img src=x onerror=alert(2)>\"'&amp;"
    rows = (
        graded_as(attack, (attack,), **{attack: "wrong"}),
        Graded("b.py", Report((), failure=attack)),
        Graded("c.py", trouble=attack),
    )
    parsed = Parser(Classroom(rows, (attack,)).to_html(title=attack))
    harmless = Parser(Classroom((graded_as("a", ("m",), z="wrong"),), ("z",)).to_html())
    assert set(parsed.tags) <= set(harmless.tags) | {"div", "strong"}
    assert {name for name, _ in parsed.attributes} == {name for name, _ in harmless.attributes}
    assert parsed.text.count(attack) >= 9


def test_an_empty_class_has_a_page():
    assert "0 submissions, 0 all right." in Classroom((), ("z",)).to_html()


def test_every_verdict_has_a_mark_of_its_own():
    assert len({VERDICTS[name].sign for name in OF_LINES}) == len(OF_LINES) == 5


def test_points_and_links_to_feedback_stand_on_the_page(tmp_path):
    for name, text in {"ann.py": RIGHT, "bob.py": DIAGONAL}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "scan.pdf").write_text("%PDF")
    paths = [tmp_path / name for name in ("ann.py", "bob.py", "scan.pdf")]
    assignment = Assignment(marking=Marking(points={"W1": 2.0}))
    classroom = grade_class(paths, assignment, LIMITS, jobs=2)
    page = classroom.to_html("Homework 3", "my feedback")
    assert "4 of 4" in page
    assert "4 of 5" in page
    assert '<a href="my%20feedback/bob.html">bob.py</a>' in page
    assert "<a" not in classroom.to_html()
    assert "2 of 2" in classroom.feedback()["bob.html"]
    assert classroom.rows[2].trouble.startswith("scan.pdf is not read. Hand in a .py file")


# ---- conventions ----

REGRESSION = """\
def gradients(X, W, V, h, p, y):
    m = len(X)
    d = 2 * (p - y) / {dz}
    dz = d @ V.T * (1 - h**2)
    return {{"p": d, "h": d @ V.T, "V": h.T @ d / {dw}, "W": X.T @ dz / {dw}, "b": {b} / {dw}}}
"""


def test_the_conventions_in_force_are_said_and_those_of_a_student_in_the_row(tmp_path):
    import numpy as np

    import tinygrad_bp as bp

    def loss(X, W, b, V, y):
        h = np.tanh(X @ W + b).named("h")
        return bp.mean(bp.sum(((h @ V).named("p") - y) ** 2, axis=1)).named("L")

    normal = np.random.default_rng(0).normal
    shapes = {"X": (7, 4), "W": (4, 5), "b": (1, 5), "V": (5, 3), "y": (7, 3)}
    assignment = Assignment(loss, {name: normal(size=shape) for name, shape in shapes.items()})
    row = "dz.sum(0, keepdims=True)"
    texts = {
        "plain.py": REGRESSION.format(dz="m", dw="1", b=row),
        "sample.py": REGRESSION.format(dz="1", dw="m", b=row),
        "vector.py": REGRESSION.format(dz="m", dw="1", b="dz.sum(0)"),
        "both.py": REGRESSION.format(dz="1", dw="m", b="dz.sum(0)"),
        "sum.py": REGRESSION.format(dz="1", dw="1", b=row),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    classroom = grade_class([tmp_path / name for name in texts], assignment, LIMITS)
    assert {row.name: row.conventions for row in classroom.rows} == {
        "plain.py": "",
        "sample.py": "per-sample",
        "vector.py": "vector-for-row",
        "both.py": "per-sample, vector-for-row",
        "sum.py": "",  # which is charged
    }
    assert [row.name for row in classroom.rows if not row.report.passed] == ["sum.py"]
    page = classroom.to_html()
    for sentence in (
        "Samples are rows.",
        "Accepted: dZ leaves out 1/m, and dW and db have it (per-sample).",
        "Charged once: every sign is that of an update that is added, W += lr * dW (descent).",
        "Charged once: the loss is a mean, and all gradients are those of the sum (sum-for-mean).",
    ):
        assert sentence in page
        assert all(sentence in text for text in classroom.feedback().values())
    assert page.count("Conventions: per-sample") == 2
    rows = csv.DictReader(io.StringIO(classroom.to_csv()))
    assert next(row["conventions"] for row in rows) == "per-sample, vector-for-row"


def test_conventions_that_cannot_be_told_in_a_problem_are_not_said():
    from tinygrad_bp.grading.factors import say_conventions

    assert list(say_conventions(ASSIGNMENT.runs[0], {"descent"})) == [
        "Samples are columns.",
        "Accepted: every sign is that of an update that is added, W += lr * dW (descent).",
    ]
