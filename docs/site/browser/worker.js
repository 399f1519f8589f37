// Python for the page "Try it in the browser", in a worker, so that the page can end it at any time.
//
// It is sent {call, values}: a function of readings.py, and what it is called with. It answers
// {answer}, or {error}, which is a message for the visitor, or {broken}, where Python itself has
// ended. While it loads it says what is {loading}, and how much is {done}.

// The files of others come from their public addresses, or from a folder, where they have the same
// names. They have these hashes, or are refused.
const PYODIDE = {
  url: "https://cdn.jsdelivr.net/npm/pyodide@0.27.7/pyodide.js",
  integrity: "sha384-90so5tCKvl0xs9agU29IMKlAVzhfzFX7QO//YxQkRhJG58bBZrFN+2ZTRB026X5X",
};
const NUMPY = {
  url: "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl",
  integrity: "sha256-67YSQdliuYshWX185DtnZoptW6s6zsT76VhlcyDXzQg=",
};
const VIZ = {
  url: "https://cdn.jsdelivr.net/npm/@viz-js/viz@3.31.0/dist/viz-global.js",
  integrity: "sha384-iX6VK6ib27dxYB4T470zbHOsDDoLewuYvrIgv2B3XXe8kgfKsGMf8QIleFy6VPi4",
};

const folder = new URLSearchParams(location.search).get("folder");
const place = (url) => folder ? new URL(folder + url.split("/").pop(), location).href : url;

async function get(url, integrity = "") {
  const response = await fetch(url, { integrity });
  if (!response.ok) throw new Error(`there is no ${url}`);
  return response.arrayBuffer();
}

const others = ({ url, integrity }) => get(place(url), integrity);
const run = (script) => importScripts(URL.createObjectURL(new Blob([script])));
const say = (loading, done) => postMessage({ loading, done });

async function load() {
  say("Python", 0.05);
  const files = [others(PYODIDE), others(NUMPY), others(VIZ), get("packages.zip"), get("readings.py")];
  const [pyodide, numpy, viz, packages, readings] = await Promise.all(files);
  say("Python", 0.3);
  run(pyodide);
  const python = await loadPyodide({ indexURL: place(PYODIDE.url).replace(/[^/]*$/, "") });
  say("NumPy", 0.6);
  python.unpackArchive(numpy, "wheel");
  python.unpackArchive(packages, "wheel");
  python.FS.writeFile("readings.py", new Uint8Array(readings));
  python.runPython("import numpy");
  say("tinygrad_bp", 0.8);
  run(viz);
  const layout = await Viz.instance();
  const module = python.pyimport("readings");
  module.lay_out_with((dot) => layout.renderString(dot, { format: "svg" }));
  say("", 1);
  return module;
}

const loaded = load();
loaded.catch((error) => postMessage({ failed: error.message }));

onmessage = async ({ data }) => {
  const readings = await loaded;
  try {
    const [isRight, text] = readings.answer(data.call, ...data.values).toJs();
    postMessage(isRight ? { answer: text } : { error: text });
  } catch (error) {
    postMessage({ broken: error.message });
  }
};
