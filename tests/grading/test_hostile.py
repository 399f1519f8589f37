"""Hostile and unlucky submissions: none passes, none outlives its limit, nothing stays behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from tinygrad_bp.grading import isolated
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.child import runs_as_root
from tinygrad_bp.grading.classroom import grade_class
from tinygrad_bp.grading.grade import grade_submission
from tinygrad_bp.grading.isolated import IsolatedFile, remove
from tinygrad_bp.grading.limits import Limits

from .submissions import RIGHT, is_at_rest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")

ASSIGNMENT = Assignment()
SECONDS = 0.5
LIMITS = Limits(seconds=SECONDS, memory=400, output=10_000)

ANSWER = "def gradients(W1, W2, W3, y_hat, y): return "
FORGED = "import os, json\nos.chdir(os.path.dirname(__file__))\nf = open('../answers', 'w')\n"

HOSTILE = {
    # time
    "a loop": "while True: pass",
    "a loop when it is called": "def gradients():\n    while True: pass",
    "a loop the second time": (  # where all widths are equal
        "def gradients(W1, W2):\n    while W1.shape == W2.shape: pass\n    W1 + W2"
    ),
    "asleep": "import time\ntime.sleep(1000)",
    "clocks off": (
        "import faulthandler, signal, time\nfaulthandler.cancel_dump_traceback_later()\n"
        "signal.alarm(0)\nfor s in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):\n"
        "    signal.signal(s, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    ),
    "stopped": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "a long product": "def gradients(): return {'W1': 10 ** 10 ** 9}",
    "an endless mapping": (
        "class Endless(dict):\n    def items(self):\n        while True: yield 'W1', 0.0\n"
        "def gradients(): return Endless()"
    ),
    # ends
    "exit": "import os\nos._exit(0)",
    "killed": "import os\nos.kill(os.getpid(), 9)",
    "a crash": "import ctypes\nctypes.string_at(0)",
    "quits while it answers": "def gradients(): raise SystemExit",
    "recursion": "def gradients(): return gradients()",
    "an error that cannot be said": (
        "class Evil(BaseException):\n    def __str__(self): raise Evil\ndef gradients(): raise Evil"
    ),
    # processes
    "a daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        while True: time.sleep(1)\n    os._exit(0)\n"
    ),
    "forks": "import os\nwhile True: os.fork()",
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()"
    ),
    "runs a program": "import subprocess\nsubprocess.run(['sleep', '1000'])",
    # floods
    "prints": "while True: print('x' * 1000)",
    "memory": "hog = []\nwhile True: hog.append(bytearray(10**6))",
    "a large file": "f = open('f', 'wb')\nwhile True: f.write(bytes(10**6))",
    "deep folders": "import os\nfor _ in range(100): os.mkdir('d'); os.chdir('d')",
    "a folder without rights": "import os\nos.mkdir('d')\nopen('d/f', 'w')\nos.chmod('d', 0)",
    "links": "import os\nfor i in range(100): os.symlink('/', str(i))",
    "many names": ANSWER + "{f'name {i}': y for i in range(5000)}",
    "large answers": "import numpy as np\n" + ANSWER + "{n: np.ones(10**6) for n in ('W1', 'W2')}",
    "a long name": ANSWER + "{'W1' * 10**6: 0.0}",
    # numbers
    "zeros": ANSWER + "{'W1': 0 * W1, 'W2': 0 * W2, 'W3': 0 * W3, 'y_hat': 0 * y}",
    "nan": ANSWER + "{'W1': W1 * float('nan'), 'W2': W2 * float('nan'), 'W3': W3 * float('nan')}",
    "the largest numbers": ANSWER
    + "{'W1': 0 * W1 + 1e308, 'W2': 0 * W2 - 1e308, 'y_hat': 0 * y + 1e308}",
    "the gradient of the loss": ANSWER + "{'L': 1.0}",
    "one line": ANSWER + "{'y_hat': 2 * (y_hat - y)}",
    "nothing": ANSWER + "{}",
    "infinitely nested": "def gradients():\n    d = {}\n    d['W1'] = d\n    return d",
    "a number that lies": (
        "class Lie(float):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        + ANSWER
        + "{'W1': Lie(1), 'W2': Lie(1), 'W3': Lie(1)}"
    ),
    # forgeries
    "a forged report": FORGED
    + "json.dump({'passed': True, 'score': 1.0}, f)\nf.flush()\nos._exit(0)",
    "a deep exchange": FORGED + "f.write('[' * 1000000)\nf.flush()\nos._exit(0)",
    "a large exchange": (
        FORGED + "f.write('[' + '{\"values\": {}, \"unreadable\": {}}, ' * 20000)\nf.flush()\n"
        "os._exit(0)"
    ),
    "many forged names": (
        FORGED + "one = {'values': {}, 'unreadable': {str(i): 'x' for i in range(3000)}, "
        "'failure': None}\njson.dump([one] * 12, f)\nf.flush()\nos._exit(0)"
    ),
    "patches": (
        "import builtins, json\nimport numpy as np\nbuiltins.abs = np.abs = lambda *_: 0\n"
        "json.dumps = lambda *_, **__: 'passed'\n" + ANSWER + "{'W1': W1, 'W2': W2, 'W3': W3}"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_does_not_pass_and_leaves_nothing(name, tmp_path, monkeypatch, open_folder, lives):
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    (tmp_path / "mallory.py").write_text(HOSTILE[name], encoding="utf-8")
    report = grade_submission(IsolatedFile(tmp_path / "mallory.py", LIMITS), ASSIGNMENT)
    assert lives
    assert max(lives) < SECONDS + 2
    assert not report.passed
    assert report.score <= 0.25  # one line may be right
    assert list(open_folder.iterdir()) == []
    for text in (str(report), str(report.for_learner()), report.to_json()):
        assert len(text) < 30_000


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 30


def test_a_right_submission_passes_under_the_same_limits(tmp_path):
    (tmp_path / "ann.py").write_text(RIGHT, encoding="utf-8")
    assert grade_submission(IsolatedFile(tmp_path / "ann.py", LIMITS), ASSIGNMENT).passed


def test_a_process_ends_two_seconds_after_its_limit_at_most(tmp_path, open_folder):
    alive = open_folder / "alive"
    text = HOSTILE["clocks off"].replace(
        "time.sleep(1)", f"open({str(alive)!r}, 'a').write(f'{{time.time()}} '), time.sleep(0.01)"
    )
    (tmp_path / "mallory.py").write_text(text, encoding="utf-8")
    # long enough for the first line to be written on a machine that is busy
    seconds = 2
    IsolatedFile(tmp_path / "mallory.py", Limits(seconds)).answers_at(ASSIGNMENT.points)
    times = [float(number) for number in alive.read_text().split()]
    assert seconds / 2 < times[-1] - times[0] < seconds + 2
    assert is_at_rest(alive)


#: It says that it has begun, tries to end its parent, and says that it still runs.
ENDS_THE_GRADER = """
import os, time
open({alive!r}, 'a').write('begun')
os.kill(os.getppid(), {signal})
while True:
    open({alive!r}, 'a').write('.')
    time.sleep(0.01)
"""

GRADER = """
from pathlib import Path
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.child import runs_as_root
from tinygrad_bp.grading.classroom import grade_class
from tinygrad_bp.grading.limits import Limits
paths = sorted(Path({folder!r}).glob("*.py"))
for row in grade_class(paths, Assignment(), Limits(5), jobs=1).rows:
    print(row.name, row.report.passed, row.report.failure)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_may_end_the_grader_where_both_are_one_user(number, tmp_path, open_folder):
    """Then no grade is given at all. Where root grades, a submission is another user, and fails."""
    alive = open_folder / "alive"
    text = ENDS_THE_GRADER.format(alive=str(alive), signal=int(number))
    (tmp_path / "a.py").write_text(text)
    (tmp_path / "b.py").write_text(RIGHT)
    environment = os.environ | {
        "PYTHONPATH": str(Path(isolated.__file__).parents[2]),
        "TMPDIR": str(open_folder),
    }
    grader = subprocess.run(
        [sys.executable, "-c", GRADER.format(folder=str(tmp_path))],
        **{"env": environment, "capture_output": True, "text": True, "timeout": 300},
    )
    assert alive.read_text().startswith("begun")
    if runs_as_root():
        assert grader.returncode == 0, grader.stderr
        first, second = grader.stdout.splitlines()
        assert first.startswith("a.py False PermissionError")
        assert second == "b.py True None"
    else:
        assert grader.returncode == -number
        assert grader.stdout == ""
    assert is_at_rest(alive)


def test_it_ends_with_the_grader(tmp_path, open_folder):
    (tmp_path / "mallory.py").write_text("import time\nwhile True: time.sleep(1)")
    program = (
        "from tinygrad_bp.grading.isolated import *\nfrom tinygrad_bp.grading.assignment import *\n"
        f"file = IsolatedFile({str(tmp_path / 'mallory.py')!r}, Limits(60))\n"
        "file.answers_at(Assignment().points)"
    )
    root = str(Path(isolated.__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root, "TMPDIR": str(open_folder)}
    grader = subprocess.Popen([sys.executable, "-c", program], env=environment)
    children = Path(f"/proc/{grader.pid}/task/{grader.pid}/children")
    until = time.monotonic() + isolated.START
    started = ""
    while not started and time.monotonic() < until:
        time.sleep(0.1)
        started = children.read_text().strip() if children.exists() else ""
    assert started
    time.sleep(1.5)  # it has come to the submission
    grader.kill()
    grader.wait()
    until = time.monotonic() + 10
    while any(map(is_alive, started.split())) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_alive, started.split()))


def is_alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_one_submission_changes_nothing_of_another(tmp_path):
    (tmp_path / "helper.py").write_text("FACTOR = 2.0\n")
    vandal = (
        f"import pathlib\nfor path in pathlib.Path({str(tmp_path)!r}).glob('*.py'):\n"
        "    try: path.write_text('FACTOR = 3.0')\n    except OSError: pass\n"
        "for path in pathlib.Path('.').glob('*.py'): path.write_text('FACTOR = 3.0')\n"
    )
    honest = RIGHT.replace("-2", "-FACTOR").replace(
        "def grad", "from helper import FACTOR\ndef grad"
    )
    for name, text in {"a.py": vandal, "b.py": honest, "c.py": honest}.items():
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in ("a.py", "b.py", "c.py")]
    rows = grade_class(paths, ASSIGNMENT, LIMITS, jobs=1).rows
    assert [row.report.passed for row in rows] == [False, True, True]


def test_one_submission_cannot_import_another(tmp_path):
    (tmp_path / "ann.py").write_text(RIGHT)
    (tmp_path / "bob.py").write_text("from ann import gradients")
    rows = grade_class([tmp_path / "ann.py", tmp_path / "bob.py"], ASSIGNMENT, LIMITS).rows
    assert [row.report.passed for row in rows] == [True, False]
    assert "No module named 'ann'" in rows[1].report.failure


def test_the_gradients_are_not_where_a_submission_runs(tmp_path):
    """It is given the quantities, and no gradient; and it cannot reach the grader's memory."""
    text = (
        "import json, os\nfolder = os.path.dirname(os.path.dirname(__file__))\n"
        "request = json.load(open(os.path.join(folder, 'request')))\n"
        "raise ValueError(sorted(request['points'][0]))"
    )
    (tmp_path / "mallory.py").write_text(text)
    failure = IsolatedFile(tmp_path / "mallory.py", LIMITS).answers_at(ASSIGNMENT.points)[0].failure
    assert str(sorted(ASSIGNMENT.points[0])) in failure


@pytest.mark.skipif(not runs_as_root(), reason="only root has a folder that others cannot reach")
def test_a_temporary_folder_of_roots_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o700)
    test_a_right_submission_passes_under_the_same_limits(tmp_path)


def test_folders_however_deep_are_removed(tmp_path):
    here, top = Path.cwd(), tmp_path / "top"
    top.mkdir()
    try:
        os.chdir(top)
        for _ in range(500):
            os.mkdir("a folder with a long name, so that the path is too long for the system")
            os.chdir("a folder with a long name, so that the path is too long for the system")
    finally:
        os.chdir(here)
    remove(top)
    assert not top.exists()


def test_numbers_near_the_end_of_their_range_are_judged():
    from tinygrad_bp import grade

    for number in (1e308, -1.7e308, 5e-324, np.inf):
        report = grade({"x": np.full(2, number)}, lambda x: (x * x).sum(), {"x": [1.0, 2.0]})
        assert report.first_wrong == "x"
        assert report.to_json()
        assert report.to_html()
