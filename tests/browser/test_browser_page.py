"""The page "Try it in the browser", as a visitor uses it, in Chromium, from a server on loopback.

Needs chromium, playwright, axe-playwright-python and sphinx (``pip install
"tinygrad_bp[browser,docs]"``), and Pyodide (``python docs/site/fetch.py``, which needs npm). Where
one is missing, these tests are skipped. The checks of the page's looks are held against a planted
fault.
"""

import mimetypes
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ..chromium import needs_chromium, serious

pytest.importorskip("sphinx", reason="sphinx is not installed")
ROOT = Path(__file__).parents[2]
PYODIDE = ROOT / "docs" / "site" / "pyodide"
pytestmark = [
    needs_chromium,
    pytest.mark.skipif(
        not PYODIDE.exists(), reason="Pyodide is not here: run python docs/site/fetch.py"
    ),
]

#: Loading takes five seconds, and forty on a machine with four times the work that it can do.
PATIENCE = 180_000

NETWORK = """
import tinygrad_bp as bp

inputs = {"w": [1.0, 2.0], "x": bp.tensor([3.0, 4.0])}


def loss(w, x):
    print("<b>hello</b>")
    L = bp.square_sum(bp.tanh(w * x))
    bp.name_tensors(locals())
    return L
"""
ENDLESS = NETWORK.replace("    L =", "    while True:\n        pass\n    L =")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build a site of this one page, and serve it."""
    site = tmp_path_factory.mktemp("site")
    one = ["-D", "root_doc=docs/browser", "-D", "include_patterns=docs/browser.md"]
    build = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-c", "docs/site", *one]
    subprocess.run([*build, ".", str(site)], cwd=ROOT, check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/docs/browser.html"
    server.shutdown()
    server.server_close()


Open = Callable[[str], Any]


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Whatever the visits that `opened` makes ask for."""
    return []


@pytest.fixture(scope="module")
def opened(browser: Any, address: str, asked: list[str]) -> Open:
    def visit(fragment: str = "") -> Any:
        context = browser.new_context(reduced_motion="reduce")
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address + fragment)
        return page

    return visit


@pytest.fixture(scope="module")
def page(opened: Open) -> Any:
    """One visit for most of the tests, as loading Python takes seconds."""
    page = opened("")
    idle(page)
    return page


def idle(page: Any) -> None:
    page.wait_for_function("document.getElementById('loading').hidden")
    page.wait_for_function("!document.getElementById('run').disabled")


def run(page: Any, network: str) -> None:
    page.fill("#network", network)
    page.click("#run")
    idle(page)


def tab(page: Any, name: str) -> Any:
    page.click(f"#{name}")
    idle(page)
    return page.locator("#reading > *")


def shown(page: Any, name: str) -> str:
    """Return the text of the document in the frame of a tab."""
    tab(page, name)
    text: str = page.frame_locator("#reading iframe").locator("body").inner_text()
    return text


def grade(page: Any, ending: str, derivation: str | None = None, reveal: bool = False) -> str:
    page.select_option("#ending", ending)
    if derivation is not None:
        page.fill("#derived", derivation)
    page.set_checked("#reveal", reveal)
    page.click("#grade")
    idle(page)
    text: str = page.frame_locator("#report iframe").locator("body").inner_text()
    return text


def reset(page: Any) -> None:
    page.click("#reset")
    idle(page)


# ---- Run and read ----


def test_the_example_is_derived_without_a_click(page):
    reset(page)
    text = page.frame_locator("#reading iframe").locator("body")
    assert "The gradients, from the loss backward" in text.inner_text()
    assert text.locator("math").count() > 10


def test_every_reading_is_of_the_edited_network(page):
    run(page, NETWORK)
    assert "tanh" in shown(page, "derivation")
    assert tab(page, "picture").evaluate("image => image.complete && image.naturalWidth") > 100
    assert "def loss_and_gradients(" in tab(page, "source").inner_text()
    assert "Step 1 of 3" in shown(page, "explanation")
    assert "Before the first step" in shown(page, "player")
    player = page.frame_locator("#reading iframe")
    player.get_by_role("button", name="Next step").click()
    assert "1 of " in player.locator("#where").inner_text()
    assert player.locator("svg .node").count() >= 5


def test_what_a_network_prints_is_shown_as_text(page):
    run(page, NETWORK)
    assert page.locator("#printed pre").inner_text().strip() == "<b>hello</b>"
    reset(page)
    assert page.locator("#printed").is_hidden()


def test_names_are_text_in_frames_without_rights(page):
    name = '<img src=x onerror="parent.document.title = 1"><script>parent.document.title = 1'
    run(page, NETWORK.replace("w * x))", f"w * x)).named({name!r})"))
    title = page.title()
    for reading, rights in [
        ("derivation", "allow-same-origin"),
        ("explanation", "allow-same-origin"),
        ("player", "allow-scripts"),
    ]:
        assert "onerror" in shown(page, reading) or reading == "derivation"
        assert page.locator("#reading iframe").get_attribute("sandbox") == rights
    assert "onerror" in tab(page, "source").inner_text()
    assert page.title() == title
    reset(page)


# ---- Grade ----


def test_code_is_graded(page):
    reset(page)
    text = grade(page, ".py")
    assert "1 slip; 2 lines follow from it" in text
    assert "missing-relu-derivative" not in text
    assert "missing-relu-derivative" in grade(page, ".py", reveal=True)
    right = page.input_value("#derived").replace("@ W2.T", "@ W2.T * (h > 0)")
    assert "Passed: 3 of 3 required lines right" in grade(page, ".py", right)  # z was not asked for


def test_what_is_written_is_graded_line_by_line(page):
    reset(page)
    text = grade(page, ".md", reveal=True)
    assert "missing-relu-derivative" in text
    assert text.count("carried forward") >= 2
    plain = "dL/dy_hat = 2 (y_hat - Y)\ndL/dW2 = h^T dL/dy_hat"
    assert "2 equations: 2 right" in grade(page, ".txt", plain)
    latex = r"\begin{align} \frac{\partial L}{\partial W_2} &= \hat{y}^T h \end{align}"
    assert "1 wrong" in grade(page, ".tex", latex)


# ---- What goes wrong ----


@pytest.mark.parametrize(
    ("network", "message", "line"),
    [
        ("x = 1\ny = (1 +\n", "network.py: SyntaxError: '(' was never closed, in line 2", 2),
        (NETWORK.replace("w * x", "w @ X"), "NameError: name 'X' is not defined, in line 9", 9),
        ("import tinygrad_bp\n", "network.py has no function loss()", None),
        ("def loss():\n    return loss()\n", "RecursionError: maximum recursion depth", 2),
        ("import sys\nsys.exit(1)\n", "network.py: SystemExit: 1, in line 2", 2),
        ("import numpy as np\nnp.ones(10**9)\n", "ValueError: array is too big", 2),
    ],
    ids=["syntax", "name", "no loss", "recursion", "exit", "memory"],
)
def test_an_error_says_what_and_in_which_line(page, network, message, line):
    run(page, network)
    complaint = page.locator("#reading .complaint")
    assert message in complaint.inner_text()
    if line:
        complaint.get_by_role("button").click()
        editor = page.locator("#network")
        at = editor.evaluate("e => e.value.slice(0, e.selectionStart).split('\\n').length")
        assert at == line
    run(page, NETWORK)
    assert "tanh" in shown(page, "derivation")


def test_an_error_in_a_derivation_is_shown_where_it_is(page):
    reset(page)
    page.select_option("#ending", ".py")
    page.fill("#derived", "def gradients(X):\n    return {'W1': X.T @}\n")
    page.click("#grade")
    complaint = page.locator("#report .complaint")
    assert "derivation.py: SyntaxError" in complaint.inner_text()
    assert "in line 2" in complaint.inner_text()
    reset(page)


def test_an_endless_loop_is_stopped_by_the_visitor(page):
    reset(page)
    page.select_option("#ending", ".py")
    page.fill("#derived", "def gradients(X):\n    while True:\n        pass\n")
    page.click("#grade")
    is_busy_with(page, "Grading …")
    page.click("#stop")
    assert "Stopped." in page.locator("#report .complaint").inner_text()
    idle(page)
    assert "1 slip" in grade(page, ".py", (PYODIDE.parent / "browser/gradients.py").read_text())


def test_an_endless_loop_is_stopped_by_the_clock(page):
    page.clock.install()  # so that the time that a visitor waits passes at once
    page.fill("#network", ENDLESS)
    page.click("#run")
    is_busy_with(page, "Running …")
    page.clock.run_for(20_001)
    assert "Stopped after 20 seconds." in page.locator("#reading .complaint").inner_text()
    idle(page)
    run(page, NETWORK)
    assert "tanh" in shown(page, "derivation")


def is_busy_with(page: Any, what: str) -> None:
    page.wait_for_function(
        "what => document.getElementById('state').textContent === what", arg=what
    )


# ---- Links ----


def test_a_link_holds_what_is_written_and_runs_nothing_unasked(page, opened):
    written = {"network": NETWORK + "# ümlaut & 100 %\n", "derived": "dL/dw = 1", "ending": ".txt"}
    page.fill("#network", written["network"])
    page.select_option("#ending", written["ending"])
    page.fill("#derived", written["derived"])
    fragment = page.evaluate("location.hash")
    other = opened(fragment)
    idle(other)
    assert {name: other.input_value(f"#{name}") for name in written} == written
    assert "press Run" in other.locator("#reading").inner_text()
    other.click("#run")
    idle(other)
    assert "tanh" in shown(other, "derivation")
    other.context.close()
    reset(page)
    assert page.evaluate("location.hash") == ""


@pytest.mark.parametrize("fragment", ["#%", "#ending=.exe", "#network=%00&x=1"])
def test_a_damaged_link_does_no_harm(opened, fragment):
    other = opened(fragment)
    other.wait_for_function("document.getElementById('network').value != ''")
    assert other.input_value("#ending") == ".py"
    other.context.close()


# ---- Loading ----


def test_it_loads_from_public_addresses_what_has_the_right_hash(opened, browser, address):
    # The public addresses are played by the files that were fetched, one of them changed.
    public = "https://cdn.jsdelivr.net/"
    asked = []

    def serve(route: Any, changed: str = "") -> None:
        name = route.request.url.rpartition("/")[2]
        asked.append(route.request.url)
        content = (PYODIDE / name).read_bytes()
        extra = b"\n//" if name == changed else b""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {"access-control-allow-origin": "*", "content-type": kind}
        route.fulfill(body=content + extra, headers=headers)

    for changed, said in [("", "Python is ready."), ("viz-global.js", "cannot be loaded")]:
        context = browser.new_context()
        context.route(f"{public}**", partial(serve, changed=changed))
        context.route("**/browser.html*", without_folder)
        other = context.new_page()
        other.set_default_timeout(PATIENCE)
        other.goto(address + "#ending=.md")
        other.wait_for_function(
            "said => document.getElementById('state').textContent.includes(said)", arg=said
        )
        context.close()
    assert {url.removeprefix(public).partition("/")[0] for url in asked} == {"npm", "pyodide"}


def without_folder(route: Any) -> None:
    response = route.fetch()
    body = re.sub('data-folder="[^"]*"', 'data-folder=""', response.text())
    route.fulfill(response=response, body=body)


def test_it_asks_no_other_server(page, asked, address):
    assert any("packages.zip" in url for url in asked)
    server = address.partition("/docs")[0]
    assert all(url.startswith((server, "blob:")) for url in asked), asked


# ---- Looks ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(page, scheme):
    reset(page)
    page.evaluate("scheme => { document.documentElement.dataset.theme = scheme; }", scheme)
    for name in ("derivation", "picture", "source"):
        tab(page, name)
        assert serious(page) == []
    run(page, "x =")
    assert serious(page) == []
    reset(page)


def test_axe_sees_a_planted_fault(page):
    page.evaluate("document.querySelector('label[for=network]').removeAttribute('for')")
    assert any("label" in fault for fault in serious(page))
    page.evaluate("document.querySelector('#try-it label').htmlFor = 'network'")


def test_documents_follow_the_theme_of_the_site(page):
    reset(page)
    tab(page, "derivation")
    colours = []
    for scheme in ("light", "dark"):
        page.evaluate("scheme => { document.documentElement.dataset.theme = scheme; }", scheme)
        body = page.frame_locator("#reading iframe").locator("body")
        colours.append(body.evaluate("body => getComputedStyle(body).backgroundColor"))
    assert colours[0] != colours[1]


IN_VIEW = "panel => panel.getBoundingClientRect().top < innerHeight"


def too_wide(page: Any) -> bool:
    # The theme hides what is wider than its column, so each part is looked at.
    parts = "#try-it :is(p, label, textarea, select, button, iframe, #reading, .complaint, h2)"
    wide = "parts => parts.some(part => part.getBoundingClientRect().right > innerWidth)"
    scrolls = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return scrolls or bool(page.locator(parts).evaluate_all(wide))


def test_nothing_scrolls_sideways_on_a_phone(page):
    reset(page)
    before = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 740})
    for name in ("derivation", "picture", "player", "source", "explanation"):
        tab(page, name)
        assert not too_wide(page), name
    grade(page, ".py")
    assert not too_wide(page)
    assert page.locator("#report").evaluate(IN_VIEW)
    run(page, "x = " + "(" * 300)
    assert page.locator("#reading").evaluate(IN_VIEW)
    assert not too_wide(page)
    page.evaluate("document.getElementById('try-it').style.width = '400px'")
    assert too_wide(page)
    page.evaluate("document.getElementById('try-it').style.width = ''")
    page.set_viewport_size(before)
