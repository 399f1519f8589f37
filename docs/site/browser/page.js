// The page "Try it in the browser": two editors, and what Python, in its worker, makes of them.
//
// What a visitor writes goes to the worker and, after the "#", into the address. What comes back is
// a document of tinygrad_bp, in which text is escaped, and is shown in a frame that has no rights.

const find = (id) => document.getElementById(id);
const beside = (file) => new URL(file, import.meta.url);

// Any reading of a small network takes less, on a slow telephone too.
const SECONDS = 20;

// ---- Python ----

const say = (text) => { find("state").textContent = text; };

class Python {
  constructor(before = "") {
    const folder = find("try-it").dataset.folder;
    this.worker = new Worker(beside(`worker.js${folder && `?folder=${folder}`}`));
    this.ready = new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }) => {
        if (data.failed) {
          reject(new Error(`Python cannot be loaded: ${data.failed}. Load this page again.`));
        } else if (data.done === undefined) {
          this.settle(data);
        } else {
          find("loading").value = data.done;
          say(`${before}${data.loading ? `Loading ${data.loading} …` : "Python is ready."}`);
          if (data.done === 1) resolve();
        }
      };
    });
    find("loading").hidden = false;
    this.ready.catch((error) => say(error.message)).then(() => { find("loading").hidden = true; });
  }

  async ask(call, ...values) {
    await this.ready;
    const timer = setTimeout(
      () => restart(`Stopped after ${SECONDS} seconds. Is there an endless loop, or a large network?`),
      SECONDS * 1000,
    );
    const { answer, error, broken } = await new Promise((resolve) => {
      this.settle = resolve;
      this.worker.postMessage({ call, values });
    });
    clearTimeout(timer);
    if (broken) restart("Python stopped, and is starting again.");
    if (error ?? broken) throw new Error(error ?? broken);
    return answer;
  }
}

let python = new Python();

function restart(why) {
  const { worker, settle } = python;
  worker.terminate();
  hasRun = false;
  python = new Python(`${why} `);
  settle({ error: why });
}

// One call at a time: meanwhile there is Stop instead of Run and Grade.
let isBusy = false;

async function busily(doing, panel, work) {
  if (isBusy) return;
  const rest = (busy) => {
    isBusy = busy;
    for (const id of ["run", "grade"]) find(id).disabled = busy;
  };
  rest(true);
  try {
    await python.ready;
    find("stop").hidden = false;
    say(doing);
    await work();
    say("Python is ready.");
  } catch (error) {
    panel.replaceChildren(complaint(error.message));
    if (find("loading").hidden) say("Python is ready.");
  }
  find("stop").hidden = true;
  rest(false);
}

// On a narrow screen the answer is below the editor.
async function andLook(panel, work) {
  await work();
  if (panel.getBoundingClientRect().top > 0.8 * innerHeight) panel.scrollIntoView();
}

// ---- What is shown ----

function made(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function complaint(message) {
  const box = made("div", { className: "complaint" });
  box.setAttribute("role", "alert");
  box.append(made("p", { textContent: message }));
  const [, file, line] = message.match(/^(network|derivation)\.py: .*in line (\d+)/s) ?? [];
  if (line) {
    const editor = find(file === "network" ? "network" : "derived");
    const onclick = () => select(editor, Number(line));
    box.append(made("button", { type: "button", textContent: `Go to line ${line}`, onclick }));
  }
  return box;
}

function select(editor, line) {
  const before = editor.value.split("\n").slice(0, line);
  const end = before.join("\n").length;
  editor.focus();
  editor.setSelectionRange(end - before.at(-1).length, end);
}

// A frame without rights. Only a player has scripts, and then the frame has an origin of its own.
function frame(title, html) {
  const element = made("iframe", { title });
  element.sandbox = title === "Player" ? "allow-scripts" : "allow-same-origin";
  element.show = () => { element.srcdoc = inTheme(html); };
  element.onload = () => {
    const body = element.contentDocument?.body; // not of a player, which keeps its height
    if (!body) return;
    const fit = () => { element.style.height = `${body.scrollHeight + 2}px`; };
    new ResizeObserver(fit).observe(body);
    fit();
  };
  element.show();
  return element;
}

// A document asks the system whether it is to be dark, and here the switch of the site decides.
function inTheme(html) {
  const theme = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
  return html
    .replaceAll("(prefers-color-scheme: dark)", theme === "dark" ? "(min-width: 0)" : "(max-width: 0)")
    .replace('content="light dark"', `content="${theme}"`);
}

new MutationObserver(() => {
  for (const element of document.querySelectorAll("#try-it iframe")) element.show();
}).observe(document.documentElement, { attributeFilter: ["data-theme"] });

function image(title, svg) {
  const src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const alt = "The graph of the network. The explanation says the same in words.";
  return made("img", { src, alt, onload: () => URL.revokeObjectURL(src) });
}

const code = (title, text) => made("pre", { textContent: text, tabIndex: 0 });
const SHOWN_AS = { picture: image, source: code };

// ---- The network, and its readings ----

const tabs = [...document.querySelectorAll("#try-it [role=tab]")];
let current, hasRun = false, documents = {};

function choose(tab) {
  current = tab;
  for (const one of tabs) {
    one.setAttribute("aria-selected", one === tab);
    one.tabIndex = one === tab ? 0 : -1;
  }
  find("reading").setAttribute("aria-labelledby", tab.id);
  if (hasRun) busily("Reading …", find("reading"), showCurrent);
}

async function showCurrent() {
  let shown;
  while (shown !== current) { // another may be chosen meanwhile
    shown = current;
    const show = SHOWN_AS[shown.id] ?? frame;
    documents[shown.id] ??= await python.ask("read", shown.id);
    find("reading").replaceChildren(show(shown.textContent, documents[shown.id]));
  }
}

function run() {
  return busily("Running …", find("reading"), async () => {
    find("printed").hidden = true;
    [documents, hasRun] = [{}, false];
    const printed = await python.ask("run", find("network").value);
    hasRun = true;
    find("printed").hidden = !printed;
    find("printed").lastElementChild.textContent = printed;
    await showCurrent();
  });
}

function grade() {
  return busily("Grading …", find("report"), async () => {
    const [network, derived, ending] = WRITTEN.map((id) => find(id).value);
    const report = await python.ask("grade", network, derived, ending, find("reveal").checked);
    find("report").replaceChildren(frame("Report", report));
  });
}

// ---- What is written: examples, or what the address says after "#" ----

const WRITTEN = ["network", "derived", "ending"];
const files = ["network.py", "gradients.py", "derivation.md"].map(beside);
const texts = await Promise.all(files.map(async (file) => (await fetch(file)).text()));
const EXAMPLE = { network: texts[0], derived: texts[1], ending: ".py" };
const DERIVED = { ".py": texts[1], ".md": texts[2] };

function keep() {
  const changed = WRITTEN.filter((id) => find(id).value !== EXAMPLE[id]);
  const fragment = new URLSearchParams(changed.map((id) => [id, find(id).value])).toString();
  history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
}

function open() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const id of WRITTEN) find(id).value = given.get(id) ?? EXAMPLE[id];
  if (!find("ending").value) find("ending").value = EXAMPLE.ending;
  return WRITTEN.some((id) => given.has(id));
}

function back() {
  for (const id of WRITTEN) find(id).value = EXAMPLE[id];
  keep();
  run();
}

async function copyLink() {
  keep();
  await navigator.clipboard.writeText(location.href);
  say("The link is copied. It holds everything that you wrote here.");
}

// An editor: a new line is indented as the one before it, and Ctrl + Enter runs.
function onKey(event, go) {
  if (event.key !== "Enter" || event.isComposing) return;
  if (event.ctrlKey || event.metaKey) go();
  else {
    const { value, selectionStart, selectionEnd } = event.target;
    const line = value.slice(0, selectionStart).split("\n").at(-1);
    const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
    event.target.setRangeText(`\n${indent}`, selectionStart, selectionEnd, "end");
    event.target.dispatchEvent(new Event("input"));
  }
  event.preventDefault();
}

for (const [id, go] of [["network", run], ["derived", grade]]) {
  find(id).onkeydown = (event) => onKey(event, go);
  find(id).oninput = keep;
}
find("ending").onchange = () => {
  const isExample = Object.values(DERIVED).includes(find("derived").value);
  if (isExample) find("derived").value = DERIVED[find("ending").value] ?? DERIVED[".md"];
  keep();
};
find("run").onclick = () => andLook(find("reading"), run);
find("grade").onclick = () => andLook(find("report"), grade);
find("reveal").onchange = () => { if (find("report").firstChild) grade(); };
find("reset").onclick = back;
find("link").onclick = copyLink;
find("stop").onclick = () => restart("Stopped.");
for (const [place, tab] of tabs.entries()) {
  tab.onclick = () => choose(tab);
  tab.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs.at((place + step) % tabs.length);
    next.focus();
    choose(next);
  };
}
window.onhashchange = open;

choose(tabs[0]);
if (open()) {
  find("reading").textContent = "This network came with the link. Read it, and press Run.";
} else {
  find("reading").textContent = "The derivation appears here as soon as Python is loaded.";
  run();
}
