"""The page of a derivation as a person reads it, in a browser: on a screen, a telephone, and paper.

Every check is also held against a page with a planted fault. What the tests need stands in
`tests/chromium.py`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

from ..chromium import DESKTOP, PHONE, needs_chromium, serious

pytestmark = needs_chromium
PAPER = {"width": 718, "height": 1000}  # what the margins leave of A4

WIDTH = "document.documentElement.scrollWidth"
WIDE_LINES = """[...document.querySelectorAll(".line")].filter(e => e.scrollWidth > e.clientWidth)
    .map(e => getComputedStyle(e).overflowX)"""
#: The rooms to write in: how high and wide they are, and whether a rule is drawn below.
ROOMS = """[...document.querySelectorAll("td.blank")].map(e => [e.offsetHeight, e.offsetWidth,
    parseFloat(getComputedStyle(e).borderBottomWidth) > 0])"""


def worked() -> bp.Tensor:
    L: bp.Tensor = recorded(random_problem())["L"]
    return L


def classifier() -> bp.Tensor:
    rng = np.random.default_rng(0)
    model = bp.nn.Sequential(bp.nn.Linear(3, 5, rng=rng), bp.tanh, bp.nn.Linear(5, 4, rng=rng))
    X = bp.tensor(rng.normal(size=(8, 3)), name="X")
    return bp.cross_entropy(model(X), np.arange(8) % 4).named("L")


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    contexts = []

    def open_page(html: str, screen: dict[str, int], **settings: Any) -> Any:
        contexts.append(browser.new_context(viewport=screen, **settings))
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        page = contexts[-1].new_page()
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def faults(page: Any) -> list[str]:
    """Return the kinds of the serious faults that axe finds, each once."""
    return list(dict.fromkeys(fault.partition(":")[0] for fault in serious(page)))


@pytest.mark.parametrize("form", ["matrix", "index"])
@pytest.mark.parametrize("problem", [worked, classifier])
def test_a_long_formula_scrolls_in_its_own_box(
    opened: Any, problem: Callable[[], bp.Tensor], form: Literal["matrix", "index"]
) -> None:
    html = bp.derive(problem(), form=form).html
    for screen, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        page = opened(html, screen, color_scheme=scheme)
        assert page.evaluate(WIDTH) == screen["width"]
        assert faults(page) == []
    assert set(page.evaluate(WIDE_LINES)) == {"auto"}


def test_faults_of_the_page_are_seen(opened: Any) -> None:
    html = bp.derive(worked()).html
    planted = html.replace("overflow: auto hidden", "overflow: visible")
    assert opened(planted, PHONE).evaluate(WIDTH) > PHONE["width"]
    planted = html.replace(' tabindex="0"', "").replace("--ink: #1f2328", "--ink: #bbbbbb")
    found = faults(opened(planted, PHONE, color_scheme="light"))
    assert {"color-contrast", "scrollable-region-focusable"} <= set(found)


@pytest.mark.parametrize("worksheet", [False, True])
def test_a_derivation_fits_on_paper(opened: Any, worksheet: bool) -> None:
    html = bp.derive(worked(), form="index", worksheet=worksheet).html
    page = opened(html, PAPER, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate(WIDTH) == PAPER["width"]
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(253, 252, 250)"  # light, whatever the screen is
    if not worksheet:
        planted = opened(html.replace(".long { font-size: 0.6em; }", ""), PAPER)
        planted.emulate_media(media="print")
        assert planted.evaluate(WIDTH) > PAPER["width"]


@pytest.mark.parametrize("screen", [DESKTOP, PHONE, PAPER])
def test_a_worksheet_has_room_to_write(opened: Any, screen: dict[str, int]) -> None:
    html = bp.derive(classifier(), worksheet=True).html
    for fault, wrong in (("", False), ("td.blank { height: 4.5em;", True)):
        page = opened(html.replace(fault, "td.blank {") if wrong else html, screen)
        if screen is PAPER:
            page.emulate_media(media="print")
        rooms = page.evaluate(ROOMS)
        assert len(rooms) == 12
        assert all(high >= 60 and wide >= 120 and ruled for high, wide, ruled in rooms) != wrong
    assert page.locator("span.blank").count() == 2  # for a name and a date
