"""What every reading returns: at the prompt a short text, and files in several forms."""

import pytest

import tinygrad_bp as bp
from tinygrad_bp.saving import Document
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

READINGS = [bp.derive, bp.draw, bp.explain, bp.play, bp.source]


@pytest.fixture(scope="module")
def loss():
    return recorded(random_problem())["L"]


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.__name__)
def test_at_the_prompt_a_reading_says_what_it_is_and_what_to_do_with_it(reading, loss):
    text = repr(reading(loss))
    assert len(text) < 80
    assert text.startswith("<")
    assert "save it as ." in text


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.__name__)
def test_all_of_it_is_printed(reading, loss):
    made = reading(loss)
    assert (str(made) == repr(made)) == (reading is bp.play)  # a page is for a browser


def test_another_end_is_refused(tmp_path):
    class Note(Document):
        kind = "a note"

        def forms(self):
            return {".txt": lambda: "text"}

    with pytest.raises(ValueError, match=r"a note cannot be saved as 'a\.pdf': .* end in \.txt"):
        Note().save(tmp_path / "a.pdf")
    Note().save(tmp_path / "new" / "a.txt")
    assert (tmp_path / "new" / "a.txt").read_text() == "text"
    assert repr(Note()) == "<note: print it, or save it as .txt>"
