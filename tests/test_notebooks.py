"""The notebooks, which are kept as Python files, run from the first cell to the last."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext", reason="jupytext is not installed (extra notebooks)")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra notebooks)")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.py"))


def executed(notebook, timeout=300):
    # in a process of its own, where no kernel ran before: one's closed sockets were the next one's
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(nbclient.execute, notebook, timeout=timeout).result()


@pytest.mark.filterwarnings("ignore")  # of the notebook machinery
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    notebook = executed(jupytext.read(path))
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert len(shown) >= 4
    assert all(
        output.output_type in ("execute_result", "display_data", "stream") for output in shown
    )
    assert any("text/html" in output.get("data", {}) for output in shown)


@pytest.mark.filterwarnings("ignore")
def test_a_cell_that_fails_is_seen():
    notebook = jupytext.reads("# %%\n1 / 0\n", fmt="py:percent")
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        executed(notebook, timeout=60)


def test_there_are_notebooks():
    assert NOTEBOOKS
