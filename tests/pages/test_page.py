"""A page stands alone and asks for nothing; a part of one leaves the notebook around it alone."""

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

import tinygrad_bp
from tinygrad_bp.notation.mathml import mathml
from tinygrad_bp.pages.page import read, safe, write_page, write_part

PAGES = Path(tinygrad_bp.__file__).parent / "pages"
HOSTILE = "<script>alert('1')</script>\"&{{ x }}"

LINE = {"verdict": "wrong", "label": HOSTILE, "own_error": "3%", "earned": HOSTILE}
BAR = (HOSTILE, 3, {"right": 3})
ROW = SimpleNamespace(
    name=HOSTILE,
    report=SimpleNamespace(score=0.5, points=1.0, worth=2.0),
    page=HOSTILE,
    said=HOSTILE,
    reason=HOSTILE,
    conventions=HOSTILE,
    verdict=lambda quantity: "missing",
    to_look_at=lambda: [HOSTILE],
)

CONTENT = {
    "explanation": {
        "introduction": HOSTILE,
        "sections": [(HOSTILE, [{"label": HOSTILE, "notes": (HOSTILE,), "sides": (HOSTILE,) * 3}])],
        "equation": " = ".join,
    },
    "report": {
        "summary": HOSTILE,
        "lines": [(LINE, "✗", HOSTILE, HOSTILE)],
        "points": True,
        "notes": [HOSTILE],
    },
    "class": {
        "summary": HOSTILE,
        "conventions": (HOSTILE,),
        "verdicts": {"right": "✓", "missing": "·"},
        "outcomes": [BAR],
        "most": 3,
        "lines": [BAR],
        "quantities": {"z": HOSTILE},
        "rows": [ROW],
        "points": True,
        "feedback": "",
    },
}


class Tags(HTMLParser):
    """Reads a page: its tags, and what is to be read outside of its style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.texts.append(data)


@pytest.mark.parametrize("template", CONTENT)
@pytest.mark.parametrize("write", [write_page, write_part])
def test_what_a_user_named_is_text(template, write):
    page = Tags(write(template, title=HOSTILE, **CONTENT[template]))
    assert "script" not in page.tags
    texts = "".join(page.texts)
    assert texts.count(HOSTILE) > 3
    assert "<script" not in texts.replace(HOSTILE, "")


def test_what_we_wrote_ourselves_is_put_in_as_it_is():
    blocks = [
        {"sentence": ["where ", safe(mathml("z_1")), " < 1"]},
        {"line": safe("<math>x</math>")},
    ]
    page = write_part("derivation", title="", blocks=blocks)
    assert "<p>where <math" in page
    assert " &lt; 1</p>" in page
    assert "<math>x</math>" in page


@pytest.mark.parametrize("template", CONTENT)
def test_a_page_asks_for_nothing(template):
    page = write_page(template, title="T", **CONTENT[template])
    assert page.startswith("<!DOCTYPE html>")
    assert "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'" in page
    assert not re.search(r"(src|href)=|@import|url\(", page)


def test_a_part_styles_itself_alone():
    assert not write_part("report", summary="", lines=[], notes=[]).count("<body")
    outside, depth = [], 0
    css = re.sub(r"/\*.*?\*/", "", read("style.css"), flags=re.DOTALL)
    for selector, bracket in re.findall(r"([^{};]*)([{}]|;)", css):
        if bracket == "{":
            if depth == 0 or (depth == 1 and outside[-1].startswith("@")):
                outside.append(selector.strip())
            depth += 1
        depth -= bracket == "}"
    assert len(outside) > 5
    assert all(selector.startswith((".bp", "@media")) for selector in outside)


def test_every_file_of_the_folder_is_in_the_package():
    config = (PAGES.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    kinds = {path.suffix for path in PAGES.iterdir() if path.is_file()} - {".py"}
    assert kinds == {".html", ".css", ".js"}
    assert all(f'"pages/*{kind}"' in config for kind in kinds)
