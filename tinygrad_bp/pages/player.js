// The player: shows one step at a time. It computes nothing; what it shows is in the page. What it
// writes into the picture is in its data, and reaches the page as text only, never as markup.
"use strict";

const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const last = data.steps.length - 1;
const linkable = location.protocol !== "about:"; // in a notebook the page has no address
const nodes = [...document.querySelectorAll(".node[role=button]")];
const names = new Map(nodes.map((node) => [node, node.getAttribute("aria-label")]));

let now = 0; // the step
let opened = false; // whether the first step has been shown
let run = 0; // which training step's numbers are shown
let timer = null; // while playing
let answers = new Map(); // in quiz mode, by step: the choice made, or null if the answer was shown

// ---- the panel ----

/** Show the equations of the step, of the run that is chosen; in a quiz, its question first. */
function fillPanel() {
  const shown = "article:not([hidden]), .question:not([hidden])";
  for (const part of document.querySelectorAll(shown)) part.hidden = true;
  const article = find(`step-${run}-${now}`);
  article.hidden = false;
  const quiz = find("quiz").checked;
  const masked = quiz && !answers.has(now) && article.querySelector(".answer, .term") !== null;
  document.body.classList.toggle("masked", masked);
  find("reveal").hidden = !masked;
  if (quiz && question()) showQuestion();
  const asked = [...answers].filter(([step]) => question(step));
  const right = asked.filter(([, choice]) => choice?.dataset.right !== undefined);
  find("score").textContent = quiz && asked.length ? `${right.length} of ${asked.length} right` : "";
  return masked;
}

function question(step = now) {
  return find(`question-${step}`);
}

/** Show the question, and what was answered: the right rule, and what is wrong with the choice. */
function showQuestion() {
  const choice = answers.get(now);
  find(`step-${run}-${now}`).querySelector(".given").after(question());
  question().hidden = false;
  for (const button of question().querySelectorAll(".choice")) {
    const right = answers.has(now) && button.dataset.right !== undefined;
    button.setAttribute("aria-disabled", answers.has(now));
    button.classList.toggle("right", right);
    button.classList.toggle("wrong", button === choice && !right);
    button.nextElementSibling.hidden = button !== choice;
  }
}

function answer(choice) {
  if (answers.has(now)) return;
  answers.set(now, choice);
  show(now);
  if (choice) {
    const wrong = choice.dataset.right === undefined ? "Wrong. " : "";
    find("status").textContent = `${wrong}${choice.nextElementSibling.textContent}`;
  }
}

// ---- the picture ----

/** Write into every node what is known at the step, and mark what is at work. */
function paintPicture(masked) {
  const known = new Map();
  data.runs[run].marks.slice(0, now + 1).forEach((marks, step) => {
    for (const { node, row, text } of marks) {
      known.set(`n${node} ${row}`, masked && step === now ? `${text[0]} ?` : text);
    }
  });
  for (const node of nodes) {
    const heard = [names.get(node)];
    for (const row of ["value", "gradient"]) {
      const line = node.querySelector(`.${row}`);
      const text = known.get(`${node.id} ${row}`) ?? "";
      if (line.textContent !== text) line.textContent = text;
      if (text) heard.push(`${row} ${text.slice(2)}`);
    }
    const label = `${heard.join(", ")}. Go to its step`;
    if (node.getAttribute("aria-label") !== label) node.setAttribute("aria-label", label);
  }
  for (const marked of document.querySelectorAll(".active, .reached")) {
    marked.classList.remove("active", "reached");
    marked.removeAttribute("aria-current");
  }
  const step = data.steps[now];
  document.body.dataset.kind = step.kind;
  for (const node of step.reached) find(`n${node}`).classList.add("reached");
  for (const edge of step.edges) find(edge).classList.add("active");
  if (step.node !== null) {
    find(`n${step.node}`).classList.add("active");
    find(`n${step.node}`).setAttribute("aria-current", "step");
  }
  bringIntoView();
}

/** Scroll the picture to the node at work and to those that a gradient reaches, as many as there is
    room for: at once where the page has just been opened. */
function bringIntoView() {
  const frame = find("picture");
  const scale = frame.querySelector("svg").getScreenCTM().a;
  document.body.classList.toggle("far", scale < 0.5); // then nodes show their names alone
  const outer = frame.getBoundingClientRect();
  const marked = (name) => [...document.querySelectorAll(`.node.${name}`)];
  const boxes = [...marked("active"), ...marked("reached")].map((node) => node.getBoundingClientRect());
  if (boxes.length === 0) return;
  const middle = (start, end, room) => {
    const ends = (n) => [
      Math.min(...boxes.slice(0, n).map((box) => box[start])),
      Math.max(...boxes.slice(0, n).map((box) => box[end])),
    ];
    let n = boxes.length;
    while (n > 1 && ends(n)[1] - ends(n)[0] > room) n -= 1;
    return (ends(n)[0] + ends(n)[1]) / 2;
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  frame.scrollBy({
    left: middle("left", "right", frame.clientWidth) - (outer.left + outer.width / 2),
    top: middle("top", "bottom", frame.clientHeight) - (outer.top + outer.height / 2),
    behavior: calm || !opened ? "instant" : "smooth",
  });
}

// ---- where we are ----

/** Show a step; a jump is one that the browser's Back undoes. */
function show(step, { jump = false, address = true } = {}) {
  const next = Math.min(Math.max(step, 0), last);
  if (next !== now) find("panel").scrollTo(0, 0);
  now = next;
  paintPicture(fillPanel());
  find("step").value = now;
  find("where").textContent = `${now} of ${last}`;
  find("step").setAttribute("aria-valuetext", data.steps[now].says);
  const training = `training ${run + 1} of ${data.runs.length}, ${data.loss} = ${data.runs[run].loss}`;
  find("loss").textContent = training;
  find("run").setAttribute("aria-valuetext", training);
  const across = (100 * run) / Math.max(data.runs.length - 1, 1);
  for (const end of ["x1", "x2"]) find("at").setAttribute(end, across);
  find("status").textContent = data.steps[now].says;
  if (address) writeAddress(jump);
}

function writeAddress(jump) {
  if (!linkable) return;
  const training = data.runs.length > 1 ? `&training=${run + 1}` : "";
  history[jump ? "pushState" : "replaceState"](null, "", `#step=${now}${training}`);
}

function readAddress() {
  const asked = new URLSearchParams(linkable ? location.hash.slice(1) : "");
  const count = (name, otherwise) => Number.parseInt(asked.get(name) ?? otherwise, 10) || 0;
  run = Math.min(Math.max(count("training", 1) - 1, 0), data.runs.length - 1);
  find("run").value = run;
  show(count("step", 0), { address: false });
}

function pause() {
  clearInterval(timer);
  timer = null;
  find("play").setAttribute("aria-label", "Play");
}

function play() {
  if (timer !== null) return pause();
  if (now === last) show(0);
  find("play").setAttribute("aria-label", "Pause");
  timer = setInterval(() => {
    show(now + 1);
    if (now === last) pause();
  }, 2000 / Number(find("speed").value));
}

function go(step, options) {
  pause();
  show(step, options);
}

/** Go to the step of a node: in the pass that is shown, or in the other if we are there already. */
function goToNode(node) {
  const steps = [...data.steps.keys()].filter((step) => data.steps[step].clicks.includes(node));
  const here = steps.indexOf(now);
  const alike = steps.find((step) => data.steps[step].kind === data.steps[now].kind);
  go(here < 0 ? (alike ?? steps[0]) : steps[(here + 1) % steps.length], { jump: true });
}

// ---- what a person does ----

const moves = { first: () => 0, back: () => now - 1, next: () => now + 1, last: () => last };
const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last" };
const scrolls = { ArrowLeft: -80, ArrowRight: 80 }; // in pixels, with Shift

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-go], [data-step], .choice, .node[role=button]");
  if (!button) return;
  if (button.dataset.go) go(moves[button.dataset.go]());
  else if (button.dataset.step) go(Number(button.dataset.step), { jump: true });
  else if (button.matches(".choice")) answer(button);
  else goToNode(Number(button.id.slice(1)));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input[type=range], select")) return; // they have keys of their own
  const pressed = event.key === " " || event.key === "Enter";
  if (event.shiftKey && scrolls[event.key]) {
    const pane = event.target.closest(".picture") ?? find("panel");
    pane.scrollBy({ left: scrolls[event.key], behavior: "instant" });
  } else if (/^[1-9]$/.test(event.key) && find("quiz").checked) {
    const choice = question()?.querySelectorAll(".choice")[event.key - 1];
    if (choice) answer(choice);
  } else if (keys[event.key]) go(moves[keys[event.key]]());
  else if (pressed && event.target.closest(".node")) {
    goToNode(Number(event.target.closest(".node").id.slice(1)));
  } else if (event.key === " " && !event.target.closest("button, input")) play();
  else return;
  event.preventDefault();
});

find("step").addEventListener("input", (event) => go(Number(event.target.value)));
find("run").addEventListener("input", (event) => {
  run = Number(event.target.value);
  show(now);
  find("status").textContent = find("loss").textContent;
});
find("play").addEventListener("click", play);
find("speed").addEventListener("change", () => {
  if (timer !== null) {
    pause();
    play();
  }
});
find("quiz").addEventListener("change", () => {
  answers = new Map();
  show(now);
});
find("reveal").addEventListener("click", () => {
  answer(null);
  find("panel").focus();
});
find("fit").addEventListener("change", bringIntoView);
addEventListener("hashchange", readAddress);

readAddress();
opened = true;
