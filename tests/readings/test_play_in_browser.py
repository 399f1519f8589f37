"""A player as a person uses it, in a browser: by keyboard and pointer, on a large screen or small.

Every check is also held against a page with a planted fault. What the tests need stands in
`tests/chromium.py`.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.readings.play import play
from tinygrad_bp.record import recorded_tensors
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

from ..chromium import DESKTOP, PHONE, needs_chromium, serious

pytestmark = needs_chromium

#: What a person sees of a step, read from the page: of an equation, the last side, if that is a
#: number or an array, as text or as rows of cells.
STATE = """() => {
  const article = document.querySelector("article:not([hidden])");
  const cells = (row) => [...row.children].map((cell) => cell.textContent);
  const last = (equation) => {
    const side = equation.lastElementChild.querySelector("math");
    if (side === null || side.children.length > 1) return null;
    const array = side.firstElementChild;
    return array.matches("mtable") ? [...array.children].map(cells) : array.textContent;
  };
  const line = (section) => ({
    label: section.querySelector("h3").textContent,
    value: last(section.querySelector(".equation")),
  });
  const nodes = {};
  for (const node of document.querySelectorAll(".node[role=button]")) {
    const text = (row) => node.querySelector("." + row).textContent;
    nodes[node.id] = { value: text("value"), gradient: text("gradient") };
  }
  const ids = (selector) => [...document.querySelectorAll(selector)].map((e) => e.id).sort();
  return {
    step: Number(document.getElementById("step").value),
    title: article.querySelector("h2").textContent,
    status: document.getElementById("status").textContent,
    lines: [...article.querySelectorAll(".line")].map(line),
    nodes,
    active: ids(".node.active"),
    edges: ids(".edge.active"),
    reached: ids(".node.reached"),
  };
}"""


def leaf(data: Any, name: str | None = None) -> bp.Tensor:
    return bp.tensor(data, requires_grad=True, name=name)


def worked() -> bp.Tensor:
    L: bp.Tensor = recorded(random_problem())["L"]
    return L


def shared() -> bp.Tensor:
    """Return a loss with a tensor used three times, a broadcast, and an unnamed step."""
    x, b = leaf([[1.0, -2.0], [0.5, 3.0]], "x"), leaf([0.25, -0.5], "b")
    return bp.tanh(x * x + b * x).sum().named("L")


def training(steps: int = 4) -> list[bp.Tensor]:
    w, x, losses = leaf([[0.5, -1.0]], "w"), bp.tensor([[1.0], [2.0]], name="x"), []
    for _ in range(steps):
        losses.append(bp.square_sum((w @ x).named("y") - 1.0).named("L"))
        w.data = w.data - 0.05 * bp.grad(losses[-1], w)
    return losses


def deep(operations: int = 300) -> bp.Tensor:
    rng = np.random.default_rng(0)
    a = bp.tensor(rng.normal(size=(3, 1)), name="x")
    for i in range(operations // 3):
        W, b = leaf(rng.normal(size=(3, 3)), f"W{i}"), leaf(rng.normal(size=(3, 1)), f"b{i}")
        with bp.scope(f"layer {i}"):
            a = bp.tanh(W @ a + b).named(f"a{i}")
    return bp.square_sum(a).named("L")


@dataclass
class Visit:
    """A page that is open, and all that it did but should not."""

    page: Any
    path: Path
    complaints: list[str] = field(default_factory=list)

    @property
    def state(self) -> Any:
        return self.page.evaluate(STATE)

    @property
    def address(self) -> Any:
        # the page's own, as Playwright's `page.url` is told of a change some time later
        return self.page.evaluate("location.href")

    def complains(self) -> bool:
        # a complaint, too, comes some time later
        for _ in range(100):
            if self.complaints:
                return True
            self.page.wait_for_timeout(100)
        return False


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Open a player, and see in the end that it complained of nothing and asked for nothing."""
    visits: list[Visit] = []

    def opened(html: str, anchor: str = "", quiet: bool = True, **settings: Any) -> Visit:
        settings = {"viewport": DESKTOP, "reduced_motion": "reduce"} | settings
        context = browser.new_context(**settings)
        path = tmp_path / f"page{len(visits)}.html"
        path.write_text(html, encoding="utf-8")
        one = Visit(context.new_page(), path)
        if quiet:
            visits.append(one)
        one.page.on("console", lambda message: one.complaints.append(message.text))
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on("dialog", lambda d: (one.complaints.append(d.message), d.dismiss()))
        one.page.on("request", lambda r: r.url.startswith(path.as_uri()) or
                    one.complaints.append(f"asked for {r.url}"))  # fmt: skip
        one.page.goto(path.as_uri() + anchor)
        return one

    yield opened
    for one in visits:
        assert one.complaints == []
    for context in list(browser.contexts):
        context.close()


def read(value: Any) -> np.ndarray | None:
    """Return the array that the last side of an equation shows; None if it is a formula."""
    if value is None:
        return None
    try:
        text = json.dumps(value).replace("\\u2212", "-").replace("\\u00a0", " ")
        shown = json.loads(text)
        return np.array(json.loads(shown) if isinstance(shown, str) else shown, float)
    except ValueError:
        return None


def is_rounded(shown: np.ndarray | None, exact: Any, digits: int, each: bool = False) -> bool:
    """Say whether an array is shown to so many digits: of its largest entry, or of each."""
    exact = np.asarray(exact, float)
    if shown is None or shown.shape != exact.shape:
        return False
    size = np.abs(exact) if each else np.abs(exact).max(initial=0)
    unit = 10.0 ** (np.floor(np.log10(np.where(size, size, 1))) + 1 - digits)
    return bool(np.all(np.abs(shown - exact) <= 0.51 * np.where(size, unit, 0)))


def in_brief(text: str, exact: np.ndarray) -> bool:
    """Say whether a node of the picture shows an array, or its range."""
    numbers = np.array([float(x) for x in re.findall(r"[-\d.][-\d.e+]*(?=\s|$)", text[2:])])
    exact = np.asarray(exact, float)
    if " to " in text:
        exact = np.array([exact.min(), exact.max()])
    elif numbers.size == 1 and np.ptp(exact) == 0:  # all entries are equal
        exact = exact.ravel()[:1]
    return is_rounded(numbers, exact.ravel(), 3, each=True)


def wrong_numbers(states: list[Any], loss: bp.Tensor) -> list[str]:
    """Compare what a player shows at every step with what ``bp.grad`` gives, and say what differs.

    Nothing of the player's own is used: the order of the steps follows from the graph.
    """
    tensors = recorded_tensors(loss)
    slopes = {k: bp.grad(loss, t) for k, t in enumerate(tensors) if t.requires_grad}
    computed = [k for k, t in enumerate(tensors) if t.primitive is not None]
    backward = [k for k in reversed(computed) if k in slopes]
    position = {t.id: k for k, t in enumerate(tensors)}
    values = {k: t.data for k, t in enumerate(tensors)}
    for t in tensors:  # a parameter may have been given another value since
        values |= {position[x.id]: v for x, v in zip(t.inputs, t.operands, strict=True)
                   if x is not None}  # fmt: skip
    wrong = []

    def check(step: int, what: str, agrees: bool) -> None:
        if not agrees:
            wrong.append(f"step {step}: {what}")

    known: dict[int, set[str]] = {k: set() for k in range(len(tensors))}
    all_uses = [position[x.id] for k in backward for x in tensors[k].inputs if x is not None]
    uses = list(all_uses)
    for k, t in enumerate(tensors):
        if t.primitive is None:
            known[k].add("value")
    for step, state in enumerate(states):
        check(step, "its number", state["step"] == step)
        if 0 < step <= len(computed):
            k = computed[step - 1]
            known[k].add("value")
            [line] = state["lines"]
            check(step, "the value", is_rounded(read(line["value"]), values[k], 4))
            check(step, "the active node", state["active"] == [f"n{k}"])
        elif step:
            k = backward[step - 1 - len(computed)]
            known[k].add("gradient")
            check(step, "the active node", state["active"] == [f"n{k}"])
            arrived, *passed = state["lines"]
            check(step, "what arrived", is_rounded(read(arrived["value"]), slopes[k], 4))
            inputs = [
                (i, position[x.id])
                for i, x in enumerate(tensors[k].inputs)
                if x is not None and x.requires_grad
            ]
            reached = sorted({f"n{x}" for _, x in inputs})
            check(step, "the nodes reached", state["reached"] == reached)
            check(step, "the number of edges", len(state["edges"]) == len(inputs))
            last = []
            for (i, x), line in zip(inputs, passed, strict=False):
                local = tensors[k].local_jacobian(i)
                contribution = np.tensordot(slopes[k], local, slopes[k].ndim)
                same = "unchanged" in line["label"]  # then it is not written once more
                shown = read((arrived if same else line)["value"])
                check(step, f"what goes to operand {i}", is_rounded(shown, contribution, 4))
                uses.remove(x)
                if x not in uses:
                    known[x].add("gradient")
                    last += [x] if all_uses.count(x) > 1 else []
            sums = passed[len(inputs) :]
            check(step, "the number of sums", len(sums) == len(last))
            for x, line in zip(last, sums, strict=False):
                check(step, f"the sum {x}", is_rounded(read(line["value"]), slopes[x], 4))
        for k in range(len(tensors)):
            node = state["nodes"][f"n{k}"]
            for row, exact in (("value", values[k]), ("gradient", slopes.get(k))):
                if row in known[k]:
                    check(step, f"the {row} in node {k}", in_brief(node[row], exact))
                else:
                    hidden = node[row] == "" or "terms" in node[row]
                    check(step, f"the {row} in node {k}, which is not known yet", hidden)
    check(len(states), "the end", len(states) == 1 + len(computed) + len(backward))
    return wrong


def every_state(visit: Visit, forth: Callable[[], None]) -> list[Any]:
    """Step to the end, and return what is seen at each step."""
    states = [visit.state]
    last = int(visit.page.get_attribute("#step", "max"))
    for _ in range(last):
        forth()
        states.append(visit.state)
    return states


# ---- stepping ----


@pytest.mark.parametrize("make", [worked, shared])
def test_by_keyboard_to_the_end_and_back(visit: Any, make: Callable[[], bp.Tensor]) -> None:
    loss = make()
    player = visit(play(loss).html)
    states = every_state(player, lambda: player.page.keyboard.press("ArrowRight"))
    assert wrong_numbers(states, loss) == []
    player.page.keyboard.press("ArrowRight")
    assert player.state == states[-1]  # there is no further
    for state in states[-2::-1]:
        player.page.keyboard.press("ArrowLeft")
        assert player.state == state
    player.page.keyboard.press("End")
    assert player.state == states[-1]
    player.page.keyboard.press("Home")
    assert player.state == states[0]


def test_by_click_to_the_end_and_back(visit: Any) -> None:
    loss = shared()
    player = visit(play(loss).html)
    states = every_state(player, lambda: player.page.click("[aria-label='Next step']"))
    assert wrong_numbers(states, loss) == []
    for state in states[-2::-1]:
        player.page.click("[aria-label='One step back']")
        assert player.state == state
    player.page.click("[aria-label='Last step']")
    assert player.state == states[-1]
    player.page.click("[aria-label='First step']")
    assert player.state == states[0]
    player.page.fill("#step", "5")  # as dragging the slider does
    assert player.state == states[5]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<mn>0.8415</mn>", "<mn>0.8425</mn>"),  # a value in the panel
        ("<mn>0.3782</mn>", "<mn>0.3772</mn>"),  # a gradient in the panel
        ('"= 0.841"', '"= 0.843"'),  # a value in the picture
        (r'"\u2202 0.378"', r'"\u2202 0.278"'),  # a gradient in the picture
        ('"node":1', '"node":2'),  # the node at work
        ('"edges":["e1-2-1"]', '"edges":[]'),
        ('"reached":[0]', '"reached":[]'),
    ],
)
def test_what_is_wrong_is_seen(visit: Any, right: str, wrong: str) -> None:
    loss = (bp.sin(leaf([[1.0]], "a")) * 0.7).sum().named("L")
    html = play(loss).html
    assert right in html
    player = visit(html.replace(right, wrong), quiet=False)
    states = every_state(player, lambda: player.page.keyboard.press("ArrowRight"))
    assert wrong_numbers(states, loss) != []


def test_play_and_pause(visit: Any) -> None:
    player = visit(play(shared()).html)
    player.page.clock.install(time=0)
    player.page.clock.pause_at(1000)  # else it goes on by itself, too
    player.page.keyboard.press(" ")
    player.page.clock.run_for(2100)
    assert player.state["step"] == 1
    player.page.keyboard.press(" ")
    player.page.clock.run_for(10_000)
    assert player.state["step"] == 1
    player.page.select_option("#speed", "4")
    player.page.click("[aria-label=Play]")
    player.page.clock.run_for(1100)
    assert player.state["step"] == 3
    player.page.clock.run_for(60_000)  # it stops at the end
    assert player.state["step"] == int(player.page.get_attribute("#step", "max"))
    assert player.page.get_attribute("#play", "aria-label") == "Play"
    player.page.click("[aria-label=Play]")  # and begins anew
    player.page.clock.run_for(1100)
    assert player.state["step"] == 2


def test_keys_that_are_not_the_players(visit: Any) -> None:
    player = visit(play(training()).html, anchor="#step=3")
    for key in ("Control+ArrowRight", "Alt+ArrowRight", "Meta+ArrowRight"):
        player.page.keyboard.press(key)
        assert player.state["step"] == 3
    player.page.focus("#run")  # on a slider, arrows move the slider
    player.page.keyboard.press("ArrowRight")
    assert (player.page.input_value("#run"), player.state["step"]) == ("1", 3)
    assert re.fullmatch(
        r"training 2 of 4, L = [\d.]+", player.page.get_attribute("#run", "aria-valuetext")
    )
    player.page.focus("#step")
    player.page.keyboard.press("ArrowRight")
    assert player.state["step"] == 4
    player.page.focus("#speed")
    player.page.keyboard.press("Home")
    assert player.state["step"] == 4


def test_a_node_leads_to_its_step(visit: Any) -> None:
    loss = worked()
    player = visit(play(loss).html)
    node = {t.name: f"#n{k}" for k, t in enumerate(recorded_tensors(loss))}
    player.page.click(node["a2"])
    assert (player.state["title"], player.state["active"]) == (
        "Forward step 4 of 8",
        [node["a2"][1:]],
    )
    player.page.click(node["a2"])  # once more: where its gradient is passed on
    assert player.state["title"] == "Backward step 5 of 8"
    player.page.focus(node["z1"])
    player.page.keyboard.press("Enter")
    assert player.state["title"] == "Backward step 8 of 8"
    player.page.focus(node["W3"])
    player.page.keyboard.press(" ")  # a leaf: where its gradient is complete
    assert player.state["title"] == "Backward step 4 of 8"
    label = player.page.get_attribute(node["W3"], "aria-label")
    numbers = r"value -0\.526 to 0\.71, gradient -0\.176 to 0\.282"
    assert re.fullmatch(rf"W₃, {numbers}\. Go to its step", label)
    assert player.page.locator("[aria-current=step]").get_attribute("id") == "n9"


def test_the_sources_of_a_sum_lead_to_their_steps(visit: Any) -> None:
    player = visit(play(shared()).html)
    player.page.keyboard.press("End")
    player.page.click(".link:has-text('step 4')")
    assert player.state["step"] == 9


def test_the_terms_of_a_sum_are_no_gradients(visit: Any) -> None:
    loss = shared()
    player = visit(play(loss).html)
    for _ in range(int(player.page.get_attribute("#step", "max"))):
        player.page.keyboard.press("ArrowRight")
        for line in player.page.locator("article:not([hidden]) .line").all():
            signs, sides = line.locator(".sign"), line.locator(".side")
            assert signs.all_text_contents() == ["="] * sides.count()
            assert (line.locator(".left math").count() == 1) or not line.locator("math").count()
            if any("term" in note for note in line.locator(".note").all_text_contents()):
                assert "L∂x" not in line.locator(".left").text_content()  # ∂L/∂x is the whole sum
                assert line.locator(".left").text_content() != ""


def test_a_link_to_a_step_is_not_broken(visit: Any) -> None:
    x = leaf([1.0, 2.0], "x")
    total = bp.sin(x)
    for _ in range(8):
        total = total + bp.sin(x)
    player = visit(play(total.sum()).html, viewport=PHONE)
    player.page.keyboard.press("End")
    links = player.page.locator("article:not([hidden]) .link")
    assert links.count() == 6
    heights = {link.bounding_box()["height"] for link in links.all()}
    assert len({link.bounding_box()["y"] for link in links.all()}) > 1  # they take several lines
    assert max(heights) < 25  # each in one of them


def test_every_step_is_announced(visit: Any) -> None:
    player = visit(play(worked()).html)
    live = player.page.locator("[role=status]")
    assert live.text_content().startswith("Before the first step. Only the inputs")
    player.page.keyboard.press("End")
    assert live.text_content() == (
        "Backward step 8 of 8. matmul in layer 1 passes the gradient of z₁ on to W₁."
    )


# ---- addresses ----


def test_deep_links_and_the_history(visit: Any) -> None:
    player = visit(play(worked()).html, anchor="#step=12")
    assert player.state["title"] == "Backward step 4 of 8"
    player.page.keyboard.press("ArrowRight")
    assert player.address.endswith("#step=13")
    length = player.page.evaluate("history.length")
    player.page.keyboard.press("ArrowRight")
    player.page.keyboard.press("ArrowLeft")
    assert player.page.evaluate("history.length") == length  # a step is not to be undone
    player.page.click("#n3")  # a jump is, by Back
    assert player.state["step"] != 13
    assert player.page.evaluate("history.length") == length + 1
    player.page.go_back()
    player.page.wait_for_function("document.getElementById('step').value === '13'")
    assert player.address.endswith("#step=13")
    player.page.evaluate("location.hash = '#step=2'")
    player.page.wait_for_function("document.getElementById('step').value === '2'")
    assert player.state["title"] == "Forward step 2 of 8"


@pytest.mark.parametrize(
    ("anchor", "step"), [("#step=999", 16), ("#step=-3", 0), ("#step=<b>", 0), ("#elsewhere", 0)]
)
def test_links_that_lead_nowhere(visit: Any, anchor: str, step: int) -> None:
    assert visit(play(worked()).html, anchor=anchor).state["step"] == step


# ---- quiz mode, training ----


def test_quiz_mode_hides_the_right_hand_side(visit: Any) -> None:
    player = visit(play(worked()).html, anchor="#step=11")
    answer = player.page.locator("article:not([hidden]) .answer .side").first
    [reached] = player.state["reached"]
    gradient = player.page.locator(f"#{reached} .gradient")
    shown = gradient.text_content()
    assert answer.is_visible()
    player.page.check("#quiz")
    assert not answer.is_visible()
    assert gradient.text_content() == "∂ ?"
    player.page.click("#reveal")
    assert answer.is_visible()
    assert gradient.text_content() == shown
    player.page.keyboard.press("ArrowRight")  # the next is hidden again
    assert not player.page.locator("article:not([hidden]) .answer .side").first.is_visible()
    player.page.uncheck("#quiz")
    assert player.page.locator("article:not([hidden]) .answer .side").first.is_visible()


QUESTION = """(equation) => [equation, ...equation.querySelectorAll("*")]
  .map((element) => getComputedStyle(element, "::after").content)
  .filter((content) => content !== "none").join()"""


def test_quiz_mode_hides_what_is_new_and_nothing_else(visit: Any) -> None:
    player = visit(play(shared()).html)
    player.page.check("#quiz")
    before = player.state["nodes"]
    for _ in range(int(player.page.get_attribute("#step", "max"))):
        player.page.keyboard.press("ArrowRight")
        article = player.page.locator("article:not([hidden])")
        asks = player.page.locator(".question:not([hidden])").count() > 0
        for line in article.locator(".line").all():
            what, equation = line.locator("h3").text_content(), line.locator(".equation")
            given = what.startswith("Arrived")
            if asks:  # the choices stand there instead
                assert line.is_visible() == given
                continue
            asked = "" if given else '"?"' if "term" in what else '"= ?"'
            assert equation.evaluate(QUESTION) == asked  # a term has nothing on its left
            assert (equation.inner_text().strip() == "") == ("term" in what)
            assert line.locator(".side").first.is_visible() == given
        assert not article.locator(".complete").is_visible()
        masked = player.state["nodes"]
        player.page.click("#reveal")
        assert player.page.evaluate("document.activeElement.id") == "panel"
        assert article.locator(".complete").is_visible() == (
            article.locator(".complete").count() > 0
        )
        for node, texts in player.state["nodes"].items():
            for row, text in texts.items():
                new = text != before[node][row]
                assert masked[node][row] == (f"{text[0]} ?" if new else text)
        before = player.state["nodes"]


SCORE = "document.getElementById('score').textContent"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_quiz_asks_and_keeps_score(visit: Any, scheme: str, screen: Any) -> None:
    player = visit(play(worked()).html, color_scheme=scheme, viewport=screen)
    page = player.page
    page.check("#quiz")
    page.evaluate("document.activeElement.blur()")
    right = asked = 0
    for step in range(9, 17):
        page.evaluate(f"location.hash = '#step={step}'")
        page.wait_for_function(f"document.getElementById('step').value === '{step}'")
        choices = page.locator(".question:not([hidden]) .choice")
        texts = [choice.text_content() for choice in choices.all()]
        if step == 10:  # of a difference, nothing but the sign could be wrong
            assert texts == []
            continue
        assert 3 <= len(texts) <= 4
        assert len(set(texts)) == len(texts)
        answers = [choice.get_attribute("data-right") is not None for choice in choices.all()]
        assert answers.count(True) == 1
        goes_wrong = step % 3 == 0
        choice = choices.nth(answers.index(not goes_wrong))
        assert not page.locator("article:not([hidden]) .answer").first.is_visible()
        if step % 2:
            page.keyboard.press(str(answers.index(not goes_wrong) + 1))
        else:
            choice.click()
        asked, right = asked + 1, right + (not goes_wrong)
        assert page.evaluate(SCORE) == f"{right} of {asked} right"
        assert page.locator("article:not([hidden]) .answer .side").first.is_visible()
        why = choice.locator("xpath=following-sibling::p")
        assert why.is_visible()
        assert why.text_content() in player.state["status"]
        assert player.state["status"].startswith("Wrong. " if goes_wrong else "Right.")
        choices.nth(answers.index(True)).dispatch_event("click")  # a second answer does not count
        assert page.evaluate(SCORE) == f"{right} of {asked} right"
        assert serious(page) == []
    page.uncheck("#quiz")
    assert page.locator(".question:not([hidden])").count() == 0


def test_a_shown_answer_is_not_a_right_one(visit: Any) -> None:
    player = visit(play(worked()).html, anchor="#step=11")
    player.page.check("#quiz")
    player.page.click("#reveal")
    assert player.page.evaluate(SCORE) == "0 of 1 right"


def test_the_loss_curve_stands_over_the_slider(visit: Any) -> None:
    player = visit(play(training()).html, anchor="#step=1&training=2")
    curve, slider = (player.page.locator(name).bounding_box() for name in (".curve", "#run"))
    assert curve["y"] + curve["height"] <= slider["y"] + 1
    assert abs(curve["x"] + curve["width"] / 2 - slider["x"] - slider["width"] / 2) < 1
    line = player.page.locator("#at").bounding_box()
    share = (line["x"] - curve["x"]) / curve["width"]
    assert abs(share - 1 / 3) < 0.01
    assert (
        player.page.locator(".curve polyline").get_attribute("points").startswith("0.0,0.0 33.3,")
    )


def test_the_slider_over_training(visit: Any) -> None:
    losses = training()
    player = visit(play(losses).html, anchor="#step=1&training=2")
    assert player.page.input_value("#run") == "1"
    for run, loss in enumerate(losses):
        player.page.fill("#step", "0")
        player.page.fill("#run", str(run))
        player.page.evaluate("document.activeElement.blur()")  # else the arrows move the slider
        states = every_state(player, lambda: player.page.keyboard.press("ArrowRight"))
        assert wrong_numbers(states, loss) == []
        assert wrong_numbers(states, losses[run - 1]) != []
        assert player.page.text_content("#loss").startswith(f"training {run + 1} of 4, L = ")
        assert player.address.endswith(f"&training={run + 1}")


def test_without_training_there_is_one_slider(visit: Any) -> None:
    assert not visit(play(worked()).html).page.is_visible("#run")


# ---- nothing leaves, nothing else runs ----


def test_hostile_names_do_nothing(visit: Any) -> None:
    def page(name: str) -> str:
        with bp.scope(name.replace("/", "|")):  # a slash parts scopes
            x = leaf([[1.0, 2.0]], name)
            return play((x * leaf(3.0, name)).sum().named(name)).html

    count = "document.querySelectorAll('*:not(math *)').length"
    plain = visit(page("plain")).page.evaluate(count)
    for name in ("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>",
                 "<svg onload=alert(1)>", "<!--<script>"):  # fmt: skip
        player = visit(page(name))
        assert player.page.evaluate(count) == plain
        player.page.keyboard.press("End")
        assert player.page.evaluate("document.images.length") == 0
        assert name[:6] in player.page.text_content("#picture svg")


@pytest.mark.parametrize(
    "fault",
    [
        lambda html: html.replace("<main>", "<main><img src='http://player.invalid/x.png'>"),
        lambda html: re.sub("<meta http-equiv.*>", "", html).replace(
            "<main>", "<main><img src='http://player.invalid/x.png'>"
        ),
        lambda html: html.replace("<main>", "<main><script>alert(1)</script>"),
        lambda html: re.sub("<meta http-equiv.*>", "", html).replace(
            "<main>", "<main><script>alert(1)</script>"
        ),
        lambda html: html.replace('"steps":', '"stairs":'),
    ],
)
def test_a_page_that_does_something_is_seen(visit: Any, fault: Callable[[str], str]) -> None:
    assert visit(fault(play(shared()).html), quiet=False).complains()


def test_an_edge_that_is_not_in_the_picture_is_seen(visit: Any) -> None:
    html = play(shared()).html
    wrong, count = re.subn(r'"edges":\["e[\d-]+"', '"edges":["elsewhere"', html)
    assert count > 5
    assert visit(wrong, anchor="#step=1", quiet=False).complains()


def test_a_notebook_shows_the_player(visit: Any) -> None:
    player = visit(f"<!DOCTYPE html><title>Notebook</title>{play(shared())._repr_html_()}")
    frame = player.page.frame_locator("iframe")
    frame.locator("[aria-label='Last step']").click()
    assert frame.locator("h2:visible").text_content() == "Backward step 5 of 5"
    frame.locator(".link:has-text('step 4')").click()
    assert frame.locator("#step").input_value() == "9"
    assert player.address == player.path.as_uri()


# ---- every screen, every reader ----


NARROW = {"width": 320, "height": 640}  # a page of 1280 at 400 %


@pytest.mark.parametrize("screen", [PHONE, NARROW], ids=["phone", "narrow"])
@pytest.mark.parametrize("make", [worked, lambda: training(3)])
def test_a_narrow_screen(visit: Any, make: Callable[[], Any], screen: Any) -> None:
    player = visit(play(make()).html, viewport=screen)
    last = int(player.page.get_attribute("#step", "max"))
    for _ in range(last + 1):
        wide = player.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= screen["width"]
        for control in player.page.locator("button:visible, input:visible, select:visible").all():
            if not control.evaluate("e => e.closest('.panel, .picture') !== null"):
                box = control.bounding_box()
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= screen["width"]
                assert box["y"] + box["height"] <= screen["height"]
        active = player.page.locator(".node.active")
        if active.count():
            box = active.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= screen["width"]
            assert box["y"] + box["height"] <= player.page.locator("#panel").bounding_box()["y"]
        player.page.click("[aria-label='Next step']")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_serious_fault_of_accessibility(visit: Any, scheme: str, screen: Any) -> None:
    player = visit(play(training(2)).html, color_scheme=scheme, viewport=screen)
    for step in (0, 2, 5):
        player.page.fill("#step", str(step))
        assert serious(player.page) == []
    player.page.check("#quiz")
    assert serious(player.page) == []


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_wide_formula_can_be_reached(visit: Any, screen: Any) -> None:
    image, kernel = leaf(np.ones((1, 2, 5, 5)), "image"), leaf(np.ones((3, 2, 3, 3)), "kernel")
    player = visit(play(bp.conv2d(image, kernel).mean()).html, viewport=screen)
    player.page.keyboard.press("End")
    step = player.state["step"]
    assert player.page.evaluate("document.documentElement.scrollWidth") == screen["width"]
    room, wide = player.page.evaluate("[panel.clientWidth, panel.scrollWidth]")
    assert wide > room
    for _ in range(wide // 80 + 1):
        player.page.keyboard.press("Shift+ArrowRight")
    assert player.page.evaluate("panel.scrollLeft") > wide - room - 2
    player.page.keyboard.press("Shift+ArrowLeft")
    assert 0 < player.page.evaluate("panel.scrollLeft") < wide - room - 70
    assert player.state["step"] == step
    assert serious(player.page) == []


def test_the_picture_can_be_scrolled_by_keyboard(visit: Any) -> None:
    narrow = {"width": 240, "height": 740}  # than the picture
    player = visit(play(worked()).html, viewport=narrow, anchor="#step=1")
    player.page.focus("#picture")
    player.page.evaluate("picture.scrollLeft = 10")
    player.page.keyboard.press("Shift+ArrowRight")
    assert player.page.evaluate("picture.scrollLeft") == 90
    player.page.focus("#n0")
    player.page.keyboard.press("Shift+ArrowLeft")
    assert player.page.evaluate("picture.scrollLeft") == 10
    assert player.state["step"] == 1


def test_a_new_step_starts_at_the_top(visit: Any) -> None:
    player = visit(play(shared()).html, viewport=PHONE)
    player.page.keyboard.press("End")
    player.page.evaluate("panel.scrollTo(0, 100)")
    player.page.keyboard.press("End")  # the same step
    assert player.page.evaluate("panel.scrollTop") == 100
    player.page.keyboard.press("ArrowLeft")
    assert player.page.evaluate("panel.scrollTop") == 0


def test_the_node_at_work_stays_in_view(visit: Any) -> None:
    player = visit(play(deep(60)).html, anchor="#step=55")
    for change in (player.page.check, player.page.uncheck):
        change("#fit")
        box, pane = (player.page.locator(x).bounding_box() for x in (".node.active", "#picture"))
        assert box["y"] >= pane["y"]
        assert box["y"] + box["height"] <= pane["y"] + pane["height"]


def test_from_afar_the_nodes_of_a_deep_graph_show_their_names_alone(visit: Any) -> None:
    player = visit(play(deep(60)).html, anchor="#step=3")
    word, name = (player.page.locator(f".node.active text{x}").first for x in ("", ".afar"))
    assert word.is_visible()
    assert not name.is_visible()
    player.page.check("#fit")
    assert name.is_visible()
    assert not word.is_visible()
    assert name.text_content() == "a₀"
    assert name.bounding_box()["height"] > 8


@pytest.mark.parametrize("screen", [PHONE, NARROW], ids=["phone", "narrow"])
def test_on_a_phone_a_node_that_is_reached_is_in_view_beside_the_node_at_work(
    visit: Any, screen: Any
) -> None:
    player = visit(play(worked()).html, anchor="#step=9", viewport=screen)
    pane = player.page.locator("#picture").bounding_box()
    for _ in range(9, 17):
        for marked in (".node.active", ".node.reached"):
            box = player.page.locator(marked).first.bounding_box()
            for start, length in (("x", "width"), ("y", "height")):
                assert box[start] >= pane[start] - 1, marked
                assert box[start] + box[length] <= pane[start] + pane[length] + 1, marked
        player.page.click("[aria-label='Next step']")


def test_the_controls_come_before_the_nodes(visit: Any) -> None:
    player = visit(play(deep(300)).html)
    player.page.focus("#panel")
    for _ in range(9):
        player.page.keyboard.press("Tab")
    assert player.page.evaluate("document.activeElement.id") == "quiz"


def test_texts_are_in_the_middle_of_their_nodes(visit: Any) -> None:
    player = visit(play(training(2)).html, anchor="#step=9")
    off = player.page.evaluate("""[...document.querySelectorAll(".node")].flatMap((node) => {
      const shape = node.querySelector("polygon, path").getBoundingClientRect();
      const texts = [...node.querySelectorAll("text:not(.afar)")];
      return texts.filter((text) => text.textContent).map((text) => {
        const box = text.getBoundingClientRect();
        return {
          text: text.textContent,
          off: Math.abs(box.left + box.right - shape.left - shape.right) / 2,
          room: Math.min(box.left - shape.left, shape.right - box.right, box.top - shape.top,
                         shape.bottom - box.bottom),
          legend: node.classList.contains("legend"),
        };
      });
    })""")
    assert len(off) > 20
    assert [text for text in off if text["off"] > 1.5] == []
    assert [text for text in off if text["room"] < (2 if text["legend"] else 4)] == []


@pytest.mark.parametrize("step", range(9, 17))
def test_a_phone_shows_the_rule_of_a_step(visit: Any, step: int) -> None:
    player = visit(play(worked()).html, anchor=f"#step={step}", viewport=PHONE)
    panel = player.page.locator("#panel").bounding_box()
    assert panel["height"] > 1.5 * player.page.locator("#picture").bounding_box()["height"]
    rule = player.page.locator("article:not([hidden]) .answer .side").first.bounding_box()
    assert rule["y"] + rule["height"] <= panel["y"] + panel["height"]


def test_without_scripts_the_equations_are_shown(visit: Any) -> None:
    html = play(shared()).html
    player = visit(html, java_script_enabled=False)
    assert player.page.locator("article:visible").count() == html.count("<article")
    assert player.page.locator("noscript p").bounding_box()["y"] < 100
    assert not player.page.locator(".controls").is_visible()
    for line in player.page.locator(".side:visible").all():  # no sign of equality before nothing
        assert line.locator("math, button").count() > 0
    assert player.page.locator("article .side:visible").count() > 5


@pytest.mark.parametrize(
    "fault",
    [
        lambda html: html.replace('aria-label="Next step"', ""),
        lambda html: html.replace("--soft: #5a6068", "--soft: #c5c5c5"),
        lambda html: html.replace('<html lang="en">', "<html>"),
    ],
)
def test_a_fault_of_accessibility_is_seen(visit: Any, fault: Callable[[str], str]) -> None:
    assert serious(visit(fault(play(shared()).html)).page)


def test_on_paper(visit: Any) -> None:
    player = visit(play(worked()).html, anchor="#step=12", color_scheme="dark")
    player.page.emulate_media(media="print", color_scheme="light")
    assert not player.page.is_visible("footer")
    assert player.page.is_visible("#step-0-12 .side")
    assert player.page.locator("#picture svg").bounding_box()["width"] <= DESKTOP["width"]
    high = player.page.evaluate("document.getElementById('panel').scrollHeight")
    assert player.page.locator("#panel").bounding_box()["height"] > high - 1  # nothing is cut


def test_motion_only_where_it_is_welcome(visit: Any) -> None:
    moves = "getComputedStyle(document.querySelector('.edge.active path')).animationName"
    html = play(worked()).html
    assert visit(html, anchor="#step=12").page.evaluate(moves) == "none"
    lively = visit(html, anchor="#step=12", reduced_motion="no-preference")
    assert lively.page.evaluate(moves) == "backward"


def test_three_hundred_operations_open_at_a_step(visit: Any) -> None:
    page = visit(play(deep(300)).html, anchor="#step=400").page
    assert page.text_content("#where") == "400 of 602"
