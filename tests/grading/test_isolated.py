"""A submission in a process of its own: whatever it does, there is an answer or a reason."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_bp.grading import isolated
from tinygrad_bp.grading.child import DTYPES, everyone_can_reach, pack, runs_as_root, unpack
from tinygrad_bp.grading.isolated import IsolatedFile, Limits
from tinygrad_bp.grading.submission import Answers

from .submissions import is_at_rest

POINTS = [{"x": np.array([[1.0, 2.0, 3.0]])}, {"x": np.array([[4.0, 5.0, 6.0]])}]
LIMITS = Limits(seconds=1.0, memory=200, output=10_000)
posix = pytest.mark.skipif(os.name != "posix", reason="the limits of a POSIX system")


@pytest.fixture
def answers(tmp_path):
    """Run a submission, given as text, within small limits, and return its answers."""

    def answers(text, *, points=POINTS, limits=LIMITS, function=None):
        path = tmp_path / "alice.py"
        path.write_text(text, encoding="utf-8")
        got = IsolatedFile(path, limits, function).answers_at(points)
        assert len(got) == len(points)
        return got

    return answers


@pytest.fixture
def failure(answers):
    """Run a submission that fails, and return the reason, which is the same at each point."""

    def failure(text, **settings):
        got = answers(text, **settings)
        assert got == [Answers(failure=got[0].failure)] * len(got)
        assert got[0].failure
        return got[0].failure

    return failure


# ---- what is well-behaved ----


def test_the_least_memory_is_enough_for_a_little(answers):
    text = "import numpy as np\ndef gradients(x): return {'x': np.ones((500, 500)) @ np.ones(500)}"
    assert answers(text, limits=Limits(memory=64))[0].failure is None


def test_the_answers_at_each_point(answers):
    first, second = answers("def gradients(x):\n    return {'dx': 2 * x}")
    assert first.failure is second.failure is None
    np.testing.assert_array_equal(first.values["x"], [[2.0, 4.0, 6.0]])
    np.testing.assert_array_equal(second.values["x"], [[8.0, 10.0, 12.0]])


def test_numbers_come_back_bit_for_bit(answers):
    [got] = answers(
        "import numpy as np\n"
        "def gradients(x): return {'x': [np.nan, np.inf, -0.0, 5e-324, 0.1 + 0.2]}",
        points=POINTS[:1],
    )
    expected = np.array([np.nan, np.inf, -0.0, 5e-324, 0.1 + 0.2])
    assert got.values["x"].tobytes() == expected.tobytes()


def test_what_cannot_be_read_is_told_for_each_answer(answers):
    got = answers("def gradients(x): return {'x': [[1], [2, 3]], 'z': 0.0}")[0]
    assert got.unreadable["x"] == "its rows differ in length, so it is no array"
    assert got.unreadable["z"].startswith("the problem has no quantity of this name")
    assert not got.values


def test_a_neighbour_can_be_imported_but_does_not_replace_python_s_own(answers, tmp_path):
    (tmp_path / "helper.py").write_text("two = 2")
    (tmp_path / "random.py").write_text("raise SystemExit('a class mate, not the module')")
    got = answers("import helper, random\ndef gradients(x): return {'x': helper.two * x}")
    assert got[0].failure is None
    np.testing.assert_array_equal(got[0].values["x"], 2 * POINTS[0]["x"])
    assert not (tmp_path / "__pycache__").exists()


def test_it_is_run_in_a_folder_of_its_own_that_is_removed(answers):
    text = "import os\nopen('left', 'w').close()\ndef gradients(x): raise ValueError(os.getcwd())"
    reason = answers(text)[0].failure
    place = Path(reason.split(": ")[1].split(",")[0])
    assert place.name == "work"
    assert place.parent != Path.cwd()
    assert not place.parent.exists()


def test_nothing_of_the_environment_is_there(answers, monkeypatch):
    monkeypatch.setenv("SECRET", "token")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    got = answers(
        "import os, sys\n"
        "def gradients(x): return {'x': ['SECRET' in os.environ, '/nowhere' in sys.path]}"
    )
    assert got[0].values["x"].tolist() == [0.0, 0.0]


def test_standard_input_is_empty(failure):
    assert failure("input()").startswith("EOFError: EOF when reading a line, in line 1: input()")


def test_the_file_is_read_once(tmp_path):
    path = tmp_path / "alice.py"
    path.write_text("def gradients(x): return {'x': x}")
    submission = IsolatedFile(path)
    path.unlink()
    assert submission.answers_at(POINTS)[0].values["x"].shape == (1, 3)


# ---- which function ----


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def other(x): return {}\ndef gradients(x): return {'x': x}", None),
        ("from math import *\ndef mine(x): return _h(x)\ndef _h(x): return {'x': x}", None),
        ("def gradients(x): return {}\ndef other(x): return {'x': x}", "other"),
        ("gradients = lambda x: {'x': x}", None),
    ],
)
def test_the_function_is_found(answers, text, name):
    np.testing.assert_array_equal(answers(text, function=name)[0].values["x"], POINTS[0]["x"])


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("x = 1", None, "it has no function gradients()"),
        (
            "def f(): 0\ndef g(): 0",
            None,
            "it has no function gradients(), but f(), g(). Choose one with --function NAME, "
            "or FILE=NAME for one file",
        ),
        ("def gradients(x): return {}", "other", "it has no function other(), but gradients()"),
        ("gradients = 3", None, "it has no function gradients()"),
    ],
)
def test_a_function_that_is_not_there(failure, text, name, reason):
    assert failure(text, function=name) == reason


# ---- what fails, with the line ----


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def gradients(x:\n", "SyntaxError: '(' was never closed, in line 1: def gradients(x:"),
        ("\n1 / 0", "ZeroDivisionError: division by zero, in line 2: 1 / 0"),
        ("raise SystemExit", "SystemExit, in line 1: raise SystemExit"),
        ("import sys\nsys.exit(0)", "SystemExit: 0, in line 2: sys.exit(0)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt, in line 1: raise KeyboardInterrupt"),
        (
            "class E(Exception):\n    def __str__(self): raise E\nraise E",
            "E, in line 3: raise E",
        ),
        ("import no_such", "ModuleNotFoundError: No module named 'no_such', in line 1: import"),
        ("def gradients(x): raise KeyboardInterrupt", "KeyboardInterrupt, in line 1: def"),
        ("def gradients(x): exit(3)", "SystemExit: 3, in line 1: def gradients(x): exit(3)"),
        ("def gradients(q): 0", "it asks for q, which the problem does not have. It has: x."),
        ("def gradients(x): return 3", "it returned a int. Return a mapping"),
        ("def gradients(x): return gradients(x)", "RecursionError: maximum recursion depth"),
    ],
)
def test_what_it_raises_is_told_with_its_line(failure, text, reason):
    assert failure(text).startswith(reason)


@pytest.mark.parametrize(
    "text",
    [
        "while True:\n    pass",
        "def gradients(x):\n    while True: pass",
        "import time\ntime.sleep(1000)",
        "import time\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass",
        "import threading\nthreading.Event().wait()",
    ],
)
def test_an_endless_loop(failure, text, lives):
    reason = failure(text, limits=Limits(seconds=0.3))
    assert reason.startswith("it was still running after 0.3 s")
    if os.name == "posix":
        assert ", in line " in reason
    assert max(lives) < 0.3 + 2


@posix
def test_a_process_that_switches_its_clocks_off_is_ended_all_the_same(failure, lives):
    text = (
        "import faulthandler, signal, time\n"
        "faulthandler.cancel_dump_traceback_later()\n"
        "signal.alarm(0)\n"
        "time.sleep(1000)"
    )
    assert failure(text, limits=Limits(seconds=0.5)).startswith("it was still running after 0.5 s")
    assert max(lives) < 0.5 + 2


def test_the_time_is_that_of_the_submission_alone(answers, monkeypatch):
    # The interpreter takes longer to start than this submission may take.
    monkeypatch.setattr(isolated, "BOOTSTRAP", "import time; time.sleep(3); " + isolated.BOOTSTRAP)
    assert answers("def gradients(x): return {'x': x}", limits=Limits(2.5))[0].failure is None


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit memory")
@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nhog = np.ones(10**9)",
        "def gradients(x): return {'x': [0] * 10**9}",
        "hog = []\nwhile True: hog.append(bytes(10**6))",
    ],
)
def test_memory_is_limited(failure, text):
    assert "MemoryError" in failure(text)


@pytest.mark.parametrize(
    "text",
    [
        "for _ in range(1000): print('x' * 10**6)",
        "while True: print('all work and no play')",
        "def gradients(x):\n    while True: print('all work and no play')",
        "import os\nwhile True: os.write(2, bytes(1000))",
    ],
)
def test_what_is_printed_is_limited(failure, text):
    reason = failure(text, limits=Limits(seconds=5, memory=4000, output=10_000))
    assert reason.startswith("it printed more than 10,000 bytes")


def test_a_little_may_be_printed(answers):
    got = answers("print('x' * 5000)\ndef gradients(x):\n    print(x)\n    return {'x': x}")
    assert got[0].values["x"].shape == (1, 3)


@posix
def test_files_are_limited(failure):
    reason = failure("with open('big', 'wb') as file:\n    file.write(bytes(10**8))")
    assert reason.startswith("it wrote too large a file, or too much in its answers, in line ")


@pytest.mark.parametrize(
    "output", [100_000_000, pytest.param(0, marks=posix)], ids=["not read", "not even written"]
)
def test_answers_that_are_too_large(failure, output):
    limits = Limits(seconds=10, memory=1000, output=output)
    text = INTO_THE_ANSWERS.format("open(path, 'w').write('[1]' * 10**7)")
    assert "its answers" in failure(text, limits=limits)


def test_an_answer_that_is_too_large_costs_itself_alone(answers):
    text = "import numpy as np\ndef gradients(x): return {'x': np.ones((999, 999)), 'y': [1.0]}"
    points = [{"x": np.ones((3, 1)), "y": np.ones(1)}]
    (got,) = answers(text, points=points)
    assert got.failure is None
    assert got.unreadable == {"x": "its shape is (999, 999), and should be (3, 1)"}
    assert got.values["y"] == [1.0]


@pytest.mark.parametrize("status", [0, 1, 3])
def test_ending_without_delivering_is_a_failure_whatever_the_status(failure, status):
    reason = failure(f"import os\ndef gradients(x): os._exit({status})")
    assert reason == f"its process ended before its answers were there (exit status {status})"


@posix
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "import ctypes\nctypes.string_at(0)",
            "its process was ended by SIGSEGV, in line 2: ctypes.",
        ),
        ("import os\nos.abort()", "its process was ended by SIGABRT, in line 2: os.abort()"),
        ("import os\nos.kill(os.getpid(), 9)", "it was killed, by itself or because"),
    ],
)
def test_a_crash(failure, text, reason):
    assert failure(text).startswith(reason)


# ---- what is meant to deceive ----


def test_a_forged_report_is_only_printed(failure):
    text = (
        "import os, sys\n"
        'print(\'{"passed": true, "score": 1.0}\', flush=True)\n'
        "sys.stderr.write('passed')\n"
        "os._exit(0)"
    )
    assert failure(text).startswith("its process ended before its answers were there")


#: A submission that writes to where the answers go, by each way that leads there.
INTO_THE_ANSWERS = "import os\npath = os.path.abspath('../answers')\n{}\nos._exit(0)"


@pytest.mark.parametrize(
    "text",
    [
        "open(path, 'w').write('passed')",
        "open(path, 'wb').write(bytes(range(256)))",
        "open(path, 'w').write('[' * 100000)",
        "open(path, 'w').write('{\"x\": 1}')",
        "open(path, 'w').write('[{}, {}]')",
        "open(path, 'w').write('[1, 2]')",
        "open(path, 'w').write('1' * 10000)",
        'open(path, \'w\').write(\'[{"values": [], "unreadable": {}, "failure": null}]\')',
        "import pickle\nopen(path, 'wb').write(pickle.dumps([print] * 100))",
    ],
)
def test_garbage_for_answers(failure, text):
    assert failure(INTO_THE_ANSWERS.format(text)) == "what it delivered cannot be read as answers"


@posix
@pytest.mark.parametrize(
    "text",
    [
        "os.remove(path)",
        "os.remove(path)\nos.symlink('/dev/zero', path)",
        "os.remove(path)\nos.mkfifo(path)",
        "os.remove(path)\nos.mkdir(path)",
        "import shutil\nshutil.rmtree('..')",
    ],
)
def test_something_else_in_the_place_of_the_answers_is_not_looked_at(failure, text):
    reason = failure(INTO_THE_ANSWERS.format(text))
    assert reason.startswith("its process ended before its answers were there")


@pytest.mark.parametrize(
    "text",
    [
        "os.truncate('../trace', 0)",
        "os.remove('../trace')",
        "[os.ftruncate(fd, 0) for fd in range(3, 9) if os.path.exists(f'/proc/self/fd/{fd}')]",
        "os.closerange(0, 99)",
    ],
)
def test_it_cannot_seem_not_to_have_been_run(failure, text):
    """What fails before it comes to the submission is no failure of its author."""
    reason = failure(f"import os\ntry: {text}\nexcept OSError: pass\nos._exit(1)")
    assert reason.startswith("its process ended before its answers were there (exit status 1)")


def test_delivered_by_hand_it_is_numbers_and_read_as_such(answers):
    part = {"values": {"dx": pack(np.ones(3)), "q": pack(np.ones(1))}, "unreadable": {}}
    delivery = json.dumps([part | {"failure": None}] * 2)
    got = answers(INTO_THE_ANSWERS.format(f"open(path, 'w').write({delivery!r})"))
    assert list(got[0].values) == ["x"]  # under the name that the problem has
    assert list(got[0].unreadable) == ["q"]


def test_its_texts_cannot_steer_a_console(answers):
    text = "\x1b[2J\u202e \ud800 \u03c3"
    part = {"values": {}, "unreadable": {text: text}, "failure": text}
    delivery = json.dumps([part] * 2)
    got = answers(INTO_THE_ANSWERS.format(f"open(path, 'w').write({delivery!r})"))
    assert got[0].failure == r"\x1b[2J\u202e \ud800 σ"
    assert got[0].unreadable == {got[0].failure: got[0].failure}


@pytest.mark.parametrize(
    "text",
    [
        "np.asarray = np.array = np.ndarray.tobytes = None",
        "np.testing.assert_allclose = np.allclose = np.array_equal = lambda *_, **__: True",
        "import json\njson.dumps = lambda _: 'passed'",
        "import sys\nsys.modules.clear()",
        "import builtins\nbuiltins.isinstance = lambda *_: True",
    ],
)
def test_patching_reaches_nothing_but_its_own_process(answers, text):
    text = f"import numpy as np\ndef gradients(x): return {{'x': x}}\n{text}"
    before = np.asarray, np.allclose, json.dumps
    for got, point in zip(answers(text), POINTS, strict=True):
        if got.failure is None and got.values:
            np.testing.assert_array_equal(got.values["x"], point["x"])
        else:
            assert got.failure or got.unreadable
    assert before == (np.asarray, np.allclose, json.dumps)


def test_numbers_that_are_right_are_right_whatever_was_patched(answers):
    text = "import numpy as np\nnp.exp = np.tanh\ndef gradients(x): return {'x': np.exp(x)}"
    np.testing.assert_array_equal(answers(text)[0].values["x"], np.tanh(POINTS[0]["x"]))


def test_closing_all_files(failure):
    text = "import os\nos.closerange(0, 1000)\nos._exit(0)"
    assert failure(text).startswith("its process ended before its answers were there")


def test_closing_all_files_does_not_keep_the_answers_from_coming(answers):
    got = answers("import os\nos.closerange(0, 1000)\ndef gradients(x): return {'x': x}")
    assert got[0].failure is None


def test_deleting_what_it_can_see_in_its_folder(answers, tmp_path):
    text = (
        "import os, shutil\n"
        "shutil.rmtree(os.getcwd())\n"
        "shutil.rmtree(os.path.dirname(__file__), ignore_errors=True)\n"
        "def gradients(x): return {'x': x}"
    )
    assert answers(text)[0].failure is None
    assert (tmp_path / "alice.py").exists()


@posix
def test_its_children_end_with_it(failure, open_folder, monkeypatch):
    """They have begun, which the limit of processes prevents, and so it is lifted here."""
    lifted = (
        "import resource\nset_limit = resource.setrlimit\nresource.setrlimit = lambda limit, most:"
        " limit == resource.RLIMIT_NPROC or set_limit(limit, most)\n"
    )
    monkeypatch.setattr(isolated, "BOOTSTRAP", lifted + isolated.BOOTSTRAP)
    alive = open_folder / "alive"
    text = (
        "import os, time\n"
        "for _ in range(5):\n"
        "    if os.fork() == 0:\n"
        "        while True:\n"
        f"            open({str(alive)!r}, 'a').write('.')\n"
        "            time.sleep(0.02)\n"
        "time.sleep(1000)"
    )
    failure(text, limits=Limits(seconds=2))
    assert alive.stat().st_size > 0
    assert is_at_rest(alive)


@posix
def test_a_fork_bomb(failure):
    """No user that a submission runs as, root or not, may have a further process."""
    assert failure("import os\nwhile True: os.fork()").startswith("BlockingIOError")


def test_a_thread_that_goes_on_for_ever(answers):
    text = (
        "import threading\n"
        "def gradients(x):\n"
        "    try: threading.Thread(target=threading.Event().wait).start()\n"
        "    except RuntimeError: pass\n"  # there are no more threads
        "    return {'x': x}"
    )
    assert answers(text)[0].failure is None


def test_answers_from_another_thread_are_none(failure):
    text = (
        "import threading\n"
        "def answer(): return {'x': 0.0}\n"
        "def gradients(x):\n"
        "    try: threading.Thread(target=answer).start()\n"
        "    except RuntimeError: pass\n"
    )
    assert failure(text).startswith("it returned None.")


# ---- where root grades ----

as_root = pytest.mark.skipif(not runs_as_root(), reason="only root can become another user")

#: As where only root can reach Python.
FOR_ROOT_ALONE = isolated.BOOTSTRAP.replace(
    "main(sys",
    "from tinygrad_bp.grading import child\nchild.everyone_can_reach = lambda _: False\nmain(sys",
)


@as_root
@pytest.mark.parametrize("is_reached", [True, False], ids=["by everyone", "by root alone"])
def test_what_root_alone_can_read(failure, tmp_path, monkeypatch, is_reached):
    """It may not be read, wherever Python is; what was imported works all the same."""
    if not is_reached:
        monkeypatch.setattr(isolated, "BOOTSTRAP", FOR_ROOT_ALONE)
    elif not everyone_can_reach(sys.base_prefix):
        pytest.skip("Python is where only root can reach it")
    secret = tmp_path / "secret"
    secret.write_text("the key")
    secret.chmod(0o600)
    read = f"open({str(secret)!r}).read()"
    assert failure(f"raise ValueError({read})").startswith("PermissionError")
    assert failure(f"import colorsys\n{read}").startswith("PermissionError")
    again = "import ctypes\nctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), "
    again += f"(ctypes.c_uint32 * 6)(4, 4))\n{read}"
    assert failure(again).startswith("PermissionError")


@as_root
def test_what_a_submission_imports_is_there(answers, monkeypatch):
    monkeypatch.setattr(isolated, "BOOTSTRAP", FOR_ROOT_ALONE)
    text = (
        "import numpy as np\nfrom numpy import linalg\nimport not_installed_here as none\n"
        "def gradients(x):\n    from random import Random\n    import xml.etree.ElementTree\n"
        "    np.testing.assert_allclose(x, x)\n"
        "    return {'x': x + 0 * np.random.default_rng(0).normal() + 0 * Random(0).random()}"
    )
    got = answers(text)[0]
    assert got.failure.startswith("ModuleNotFoundError: No module named 'not_installed_here'")
    got = answers(text.replace("import not_installed_here as none\n", ""))[0]
    assert got.failure is None
    assert not got.unreadable


# ---- what is ours ----


def test_a_process_that_does_not_come_to_the_submission_is_no_failure_of_it(answers, monkeypatch):
    monkeypatch.setattr(isolated, "BOOTSTRAP", "raise ImportError('no numpy here')")
    with pytest.raises(RuntimeError, match=r"(?s)not come to the submission: .*no numpy here"):
        answers("def gradients(x): return {'x': x}")


def test_what_is_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"alice\.py is no file"):
        IsolatedFile(tmp_path / "alice.py")
    (tmp_path / "large.py").write_text("#" * 1_000_001)
    with pytest.raises(ValueError, match="is too large for a submission"):
        IsolatedFile(tmp_path / "large.py")


@pytest.mark.parametrize("limits", [{"seconds": 0}, {"memory": 63}, {"output": -1}])
def test_limits_that_make_no_sense(limits):
    with pytest.raises(ValueError, match="must be"):
        Limits(**limits)


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 0, 2)])
def test_an_array_survives_the_exchange(dtype, shape):
    array = np.ones(shape, dtype)
    again = unpack(json.loads(json.dumps(pack(array))))
    assert (again.dtype, again.shape) == (array.dtype, shape)
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    "data",
    [
        ["O", [1], [1.0]],
        ["<c16", [1], [1.0]],
        [["<f8"], [1], [1.0]],
        ["<f8", [3], [1.0]],
        ["<f8", [1], ["a"]],
        ["<f8", [1], [[1.0], [1.0, 2.0]]],
        ["<f8", [1], [10**400]],
        ["<f8", [1]],
        {"dtype": "<f8"},
        3,
    ],
)
def test_what_is_no_array_is_refused(data):
    unpack(pack(np.ones(2)))
    with pytest.raises((ValueError, TypeError, OverflowError)):
        unpack(data)


@posix
def test_it_is_run_as_promised(answers):
    """Apart from the user's Python, without further processes, and ended if we are not there."""
    text = (
        "import resource, signal, sys\n"
        "def gradients(x):\n"
        "    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)\n"
        "    return {'x': [processes, sys.flags.isolated, signal.alarm(0)]}"
    )
    for answer in answers(text, limits=Limits(seconds=30), points=POINTS[:1]):
        processes, isolated, alarm = answer.values["x"]
        assert (processes, isolated) == (0, 1)
        assert 30 < alarm < 40
