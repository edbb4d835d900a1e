// The laboratory: a scene, which stands in the address; what the server says of it; and what is drawn.

import { DEFAULTS, addressOf, inflated, newRun, sceneOf } from "./address.js";
import { showAround } from "./around.js";
import { drawFound, labelOf } from "./found.js";
import { LECTURES } from "./lectures.js";
import { Losses } from "./losses.js";
import { Player } from "./player.js";
import { Runs } from "./runs.js";
import { ask } from "./server.js";
import { Stage } from "./stage.js";
import { knows, say, shown, speak } from "./texts.js";
import { onThemeChange } from "./theme.js";
import { TopicPanel } from "./topic.js";

const $ = (id) => document.getElementById(id);
const STEPS = [20, 50, 100, 200, 500, 1000, 2000];
const SHOWS = ["gradient", "taylor1", "taylor2", "basins"];

const catalogue = await (await fetch("catalogue.json")).json();
let scene = { ...DEFAULTS };
let data = null, around = null, basins = null, verdicts = null, gridKey = "";

const stage = new Stage($("ground"), $("overlay"), {
  onStart: (place, isFinal) => moveStart(place, isFinal),
  onPoint: (place) => showPoint(place),
  onZoom: (factor, place) => zoom(factor, place),
});
const runs = new Runs($("runs"), catalogue.methods, {
  onChange: (number, values, isFinal) => {
    const changed = scene.runs.map((run, i) => (i === number ? { ...run, ...values } : run));
    change({ runs: changed, chosen: number }, { isFinal });
  },
  onChoose: (chosen) => change({ chosen }),
  onRemove: (number) => change({ runs: scene.runs.filter((_, i) => i !== number), chosen: Math.max(0, Math.min(scene.chosen, scene.runs.length - 2)) }),
});
const losses = new Losses($("losses"), (step) => player.go(step));
const player = new Player((step, isFinal) => {
  scene.step = step;
  if (isFinal) remember();
  drawStep();
  askAround();
});
const topics = new TopicPanel(catalogue, (patch) => {
  const { isNew, isTyped, isKept, ...values } = patch;
  if (isNew) Object.assign(values, { window: null, picture: "", runs: scene.runs.map((run) => ({ ...run, start: [] })), isFresh: !isTyped });
  change(values);
});

// The scene and its address
function change(values, { isFinal = true } = {}) {
  scene = { ...scene, ...values };
  if (!scene.runs.length) scene.runs = [newRun("GradientDescent", 0.1)];
  scene.chosen = Math.min(scene.chosen, scene.runs.length - 1);
  if (isFinal) remember();
  refresh();
}

let address = "";
function remember() {
  const { csv } = topics;
  address = addressOf(scene) + (scene.topic === "table" && csv ? `&csv=${csv}` : "");
  if (`#${address}` !== location.hash) history.replaceState(null, "", `#${address}`);
}

async function open(hash) {
  const next = sceneOf(hash);
  const isNewLanguage = next.language !== document.documentElement.lang || !document.title || !knows("title");
  const csv = new URLSearchParams(hash.replace(/^#/, "")).get("csv");
  scene = next;
  scene.runs = scene.runs.filter((run) => catalogue.methods[run.method]);
  scene.chosen = Math.max(0, Math.min(scene.runs.length - 1, scene.chosen));
  if (!scene.runs.length) scene.runs = [newRun("GradientDescent", 0.1)];
  if (isNewLanguage) await useLanguage(scene.language);
  player.set(scene.step, scene.steps);
  if (scene.topic === "table" && csv) {
    const text = await inflated(csv).catch(() => "");
    if (await topics.load(text, { target: scene.target, model: scene.model, hidden: scene.hidden, isKept: true })) return;
  }
  remember();
  refresh();
}

async function useLanguage(language) {
  await speak(language);
  $("language").textContent = language === "en" ? "한국어" : "English";
  $("language").lang = language === "en" ? "ko" : "en";
  topics.list();
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  $("picture").replaceChildren(option("", say("picture_own")), ...Object.keys(LECTURES).map((name) => option(name, say(`picture_${name}`))));
  $("steps").replaceChildren(...STEPS.map((count) => option(count, String(count))));
  $("shows").replaceChildren(...SHOWS.map((name) => toggle(`show_${name}`, () => toggleShow(name), name)), Object.assign(document.createElement("span"), { className: "gap" }),
    toggle("view_contour", () => change({ view: "contour" }), "contour"), toggle("view_surface", () => change({ view: "surface" }), "surface"),
    toggle("plane_path", () => change({ plane: "path" }), "path"), toggle("plane_random", () => change({ plane: "random" }), "random"));
}

function toggle(key, act, name) {
  const made = Object.assign(document.createElement("button"), { textContent: say(key) });
  made.dataset.name = name;
  made.addEventListener("click", act);
  return made;
}

function toggleShow(name) {
  const others = name.startsWith("taylor") ? scene.show.filter((other) => !other.startsWith("taylor") || other === name) : scene.show;
  change({ show: others.includes(name) ? others.filter((other) => other !== name) : [...others, name] });
}

// What the server is asked
function question() {
  const topic = { name: scene.topic };
  if (scene.number !== null && catalogue.functions[scene.topic]?.numbers.length) topic.number = scene.number;
  if (scene.topic === "formula") topic.formula = scene.formula.slice(0, catalogue.longest_formula + 1);
  if (scene.topic === "table") {
    const hidden = scene.hidden.split(/[^\d]+/).map(Number).filter((width) => width >= 1 && width <= 32).slice(0, 3);
    Object.assign(topic, { table: scene.table, target: scene.target, model: scene.model === "perceptron" ? "perceptron" : "linear", hidden, seed: scene.weights });
  }
  const asked = scene.runs.slice(0, catalogue.most_runs).map((run) => {
    const { method, rate, momentum, batch, start } = run;
    return { method, rate: Math.min(1000, rate), momentum: Math.min(0.9999, Math.max(0, momentum)), batch: Math.round(batch), start };
  });
  const found = { topic, runs: asked, steps: scene.steps, aspect: stage.aspect, plane: scene.plane === "random" ? "random" : "path", seed: scene.seed };
  if (scene.window) found.window = scene.window;
  return found;
}

/** Whether something is still to come, said also to who cannot see it. */
const setBusy = (isBusy) => document.querySelector("main").setAttribute("aria-busy", String(isBusy));

let isAsking = false, isDirty = false;
/** Asks for the scene anew; while an answer is on its way changes are gathered. */
async function refresh() {
  setBusy(true);
  if (isAsking) { isDirty = true; return; }
  isAsking = true;
  try {
    do {
      isDirty = false;
      await refreshOnce();
    } while (isDirty);
  } finally {
    isAsking = false;
  }
}

async function refreshOnce() {
  if (scene.topic === "table" && !scene.table) {
    $("problem").hidden = false;
    $("problem").textContent = say("table_first");
    drawControls();
    setBusy(false);
    return;
  }
  const asked = question();
  const { topic, window, aspect, plane, seed, steps } = asked;
  const key = JSON.stringify([topic, window, aspect.toFixed(3), data?.size > 2 ? [asked.runs, plane, seed, steps] : 0]);
  const isWanted = key !== gridKey;
  let answer;
  try {
    answer = await ask("/scene", { scene: asked, grid: isWanted });
    if (!answer.problem && answer.size > 2 && !answer.grid) answer = await ask("/scene", { scene: asked, grid: true });
  } catch (error) {
    answer = { problem: { message: error.message } };
  }
  // What has arrived is of a scene that is gone: the next answer counts.
  if (isDirty && (scene.topic !== topic.name || scene.runs.length !== asked.runs.length)) return;
  const isFormula = scene.topic === "formula";
  topics.formulaProblem(isFormula ? answer.problem : null);
  $("problem").hidden = !answer.problem || isFormula;
  $("problem").textContent = answer.problem?.message ?? "";
  if (answer.problem) { drawControls(); setBusy(isDirty); return; }
  if (scene.isFresh) {  // another function: its own start and rate
    delete scene.isFresh;
    scene.runs = scene.runs.map((run) => ({ ...run, rate: answer.rate }));
    fillStarts(answer);
    remember();
    isDirty = true;
    return;
  }
  if (fillStarts(answer)) {
    remember();
    if (asked.runs.some((run) => run.start.length && run.start.length !== answer.size)) { isDirty = true; return; }
  }
  gridKey = key;
  data = { ...answer, asked: asked.runs, grid: answer.grid ?? data.grid, examples: answer.grid ? answer.examples : data.examples };
  verdicts = null;
  if (basinsKey() !== basins?.key) basins = null;
  player.set(scene.step, Math.max(1, ...data.runs.map((run) => (run.problem ? 0 : run.points.shape[0] - 1))));
  drawAll();
  askAround();
  askLater();
}

/** Runs without a start of their own begin where the subject does. Returns whether any was filled in. */
function fillStarts(answer) {
  const start = answer.size > 2 ? [] : answer.start;  // of many parameters it does not fit in an address
  const isOther = (run) => run.start.length !== start.length && run.start.length !== answer.size;
  const found = scene.runs.some(isOther);
  scene.runs = scene.runs.map((run) => (isOther(run) ? { ...run, start } : run));
  return found;
}

let isLooking = false, looksAgain = false;
async function askAround() {
  if (isLooking) { looksAgain = true; return; }
  isLooking = true;
  do {
    looksAgain = false;
    const run = data?.runs[scene.chosen];
    if (!run || run.problem) continue;
    const step = Math.min(scene.step, run.points.shape[0] - 1);
    const answer = await ask("/around", { scene: question(), run: scene.chosen, step }).catch(() => null);
    if (answer && !answer.problem) {
      around = answer;
      drawAround();
      stage.show(data, scene, around, basins);
    }
  } while (looksAgain);
  isLooking = false;
}

let later = 0;
/** Verdicts and basins take longer, and are asked for when nothing has changed for a moment. */
function askLater() {
  clearTimeout(later);
  later = setTimeout(async () => {
    const asked = question();
    const text = JSON.stringify(asked);
    const isSame = () => JSON.stringify(question()) === text;
    const answer = await ask("/verdicts", asked).catch(() => null);
    if (answer?.verdicts && isSame()) {
      verdicts = answer.verdicts;
      drawFound($("found"), scene, data, verdicts, catalogue.methods);
      runs.judge(verdicts);
      announce();
    }
    if (isSame()) setBusy(false);
    const key = basinsKey();
    if (scene.show.includes("basins") && data.size <= 2 && basins?.key !== key) {
      const button = $("shows").querySelector("[data-name=basins]");
      button.classList.add("is-waiting");
      const found = await ask("/basins", { topic: asked.topic, run: asked.runs[scene.chosen], window: data.window }).catch(() => null);
      button.classList.remove("is-waiting");
      if (found && !found.problem && basinsKey() === key) {
        basins = { ...found, key };
        stage.show(data, scene, around, basins);
      }
    }
  }, 180);
}

function basinsKey() {
  const { topic, runs: asked } = question();
  const { start, batch, ...run } = asked[scene.chosen] ?? {};
  return JSON.stringify([topic, run, data?.window]);
}

// What is drawn
function drawAll() {
  drawControls();
  losses.draw(data.runs.map((run, number) => ({ number, label: labelOf(data.asked[number], catalogue.methods), losses: run.problem ? [] : run.losses.values })), isLogarithmic());
  drawStep();
}

function drawControls() {
  topics.show(scene, data);
  runs.draw(scene.runs, scene.chosen, { examples: data?.examples?.count ?? 0, names: data?.names ?? [], language: scene.language });
  runs.judge(verdicts);
  $("picture").value = scene.picture in LECTURES ? scene.picture : "";
  $("lecture").hidden = !(scene.picture in LECTURES);
  $("lecture").textContent = scene.picture in LECTURES ? say(`lecture_${scene.picture}`) : "";
  if (!STEPS.includes(scene.steps)) $("steps").append(Object.assign(document.createElement("option"), { value: scene.steps, textContent: scene.steps }));
  $("steps").value = scene.steps;
  for (const radio of document.getElementsByName("moves")) radio.checked = radio.value === scene.moves;
  for (const button of $("shows").querySelectorAll("button")) {
    const { name } = button.dataset;
    const isPlane = name === "path" || name === "random";
    button.setAttribute("aria-pressed", String(scene.show.includes(name) || scene.view === name || (isPlane && scene.plane === name)));
    button.hidden = (isPlane && !(data?.size > 2)) || (["contour", "surface"].includes(name) && data?.dimension === 1) || (SHOWS.includes(name) && data?.size > 2);
  }
  $("scale").setAttribute("aria-pressed", String(data ? isLogarithmic() : scene.scale === "log"));
  $("scale").disabled = Boolean(data) && !isPositive();
  $("add-run").disabled = scene.runs.length >= catalogue.most_runs;
  $("compare-batches").hidden = !(data?.examples?.count > 1);
  $("plane-note").hidden = !(data?.size > 2);
  if (data?.size > 2) $("plane-note").textContent = say(`plane_${scene.plane}_note`, { size: data.size, share: Math.round(100 * data.share) });
  $("keys").textContent = say(scene.view === "surface" && data?.dimension === 2 ? "keys_surface" : "keys");
  $("model-panel").hidden = !data?.examples;
}

/** A logarithm takes positive losses only. */
const isPositive = () => data.runs.every((run) => run.problem || run.losses.values.every((value) => !(value < 0)));
const isLogarithmic = () => scene.scale === "log" && isPositive();

function drawStep() {
  if (!data) return;
  stage.show(data, scene, around, basins);
  losses.at(scene.step);
  $("overlay").setAttribute("aria-label", stageLabel());
  drawFound($("found"), scene, data, verdicts, catalogue.methods);
}

/** What the large picture shows, for who cannot see it. */
function stageLabel() {
  const run = data.runs[scene.chosen];
  if (!run?.points) return say(`topic_${scene.topic}`);
  const at = Math.min(scene.step, run.points.shape[0] - 1), dimension = run.points.shape[1];
  const place = Array.from(run.points.values.slice(dimension * at, dimension * (at + 1)), (value) => shown(value)).join(", ");
  return say("stage_label", { topic: say(`topic_${scene.topic}`), descent: labelOf(data.asked[scene.chosen], catalogue.methods), step: at, place, loss: shown(run.losses.values[at], 6) });
}

function drawAround() {
  if (data.runs[scene.chosen]?.points) showAround(scene, data, around, (name) => change({ slice: name }));
}

function showPoint(place) {
  $("pointer").hidden = !place || !data;
  if (!place || !data) return;
  const names = data.size > 2 ? ["a", "b"] : data.names;
  $("pointer").textContent = data.dimension === 1 ? `${names[0]} = ${shown(place[0])}` : `${names[0]} = ${shown(place[0])}, ${names[1]} = ${shown(place[1])}`;
}

function moveStart(place, isFinal) {
  const rounded = placed(place, isFinal)?.map((value) => Number(value.toPrecision(4)));
  if (!rounded) return;
  const moved = scene.runs.map((run, number) => (scene.moves === "all" || number === scene.chosen ? { ...run, start: rounded } : run));
  change({ runs: moved }, { isFinal });
}

/** All parameters of a place in the picture. Of many parameters the plane moves with the start, so that only the last place of a
    drag counts; of very many there are none. */
function placed([x, y], isFinal) {
  if (data.size <= 2) return [x, y].slice(0, data.size);
  if (!isFinal) return null;
  if (!data.plane) { announceText(say("start_many")); return null; }
  const [first, second] = data.plane.directions;
  return data.plane.origin.map((value, i) => value + x * first[i] + y * second[i]);
}

/** Shows so many times as much, around a place of the picture or its middle; null shows what is seen to begin with. */
function zoom(factor, place) {
  if (!data) return;
  if (factor === null) { change({ window: null }); return; }
  const [x0, x1, y0, y1] = data.window;
  const [x, y] = data.dimension === 1 ? [place?.[0] ?? (x0 + x1) / 2, (y0 + y1) / 2] : place ?? [(x0 + x1) / 2, (y0 + y1) / 2];
  const width = factor * (x1 - x0);
  if (width > 1e6 || width < 1e-6 * Math.max(1, Math.abs(x), Math.abs(y))) return;
  change({ window: [x + factor * (x0 - x), x + factor * (x1 - x), y + factor * (y0 - y), y + factor * (y1 - y)] });
}

function announce() {
  const found = verdicts[scene.chosen];
  if (found) announceText(`${labelOf(scene.runs[scene.chosen], catalogue.methods)}: ${say(`kind_${found.kind}`)}`);
}

function announceText(text) {
  $("said").textContent = text;
}

// Controls
$("picture").addEventListener("change", () => {
  const name = $("picture").value;
  if (name) open(`picture=${name}&${LECTURES[name]}&language=${scene.language}`);
  else change({ picture: "" });
});
$("zoom-in").addEventListener("click", () => zoom(0.7));
$("zoom-out").addEventListener("click", () => zoom(1 / 0.7));
$("zoom-all").addEventListener("click", () => zoom(null));
$("add-run").addEventListener("click", () => {
  const from = scene.runs[scene.chosen];
  change({ runs: [...scene.runs, { ...from }], chosen: scene.runs.length });
});
$("compare-rates").addEventListener("click", () => {
  const from = scene.runs[scene.chosen];
  const method = catalogue.methods[from.method].has_rate ? from.method : "GradientDescent";
  change({ runs: [0.0001, 0.001, 0.01, 0.1, 1].map((rate) => ({ ...from, method, rate })), chosen: 2 });
});
$("compare-methods").addEventListener("click", () => {
  const from = scene.runs[scene.chosen];
  change({ runs: ["GradientDescent", "Momentum", "Nesterov", "Adam", "LBFGS", "Newton"].map((method) => ({ ...from, method, batch: 0 })), chosen: 0 });
});
$("compare-batches").addEventListener("click", () => {
  const from = scene.runs[scene.chosen];
  const method = catalogue.methods[from.method].takes_batches ? from.method : "GradientDescent";
  change({ runs: [0, 16, 4, 1].filter((batch) => batch < data.examples.count).map((batch) => ({ ...from, method, batch })), chosen: 0 });
});
$("steps").addEventListener("change", () => change({ steps: Number($("steps").value) }));
for (const radio of document.getElementsByName("moves")) radio.addEventListener("change", () => change({ moves: radio.value }));
$("scale").addEventListener("click", () => change({ scale: scene.scale === "log" ? "linear" : "log" }));
$("language").addEventListener("click", async () => {
  scene.language = scene.language === "en" ? "ko" : "en";
  await useLanguage(scene.language);
  change({});
});
$("theme").addEventListener("click", () => {
  const isDark = getComputedStyle(document.documentElement).colorScheme === "dark" || (document.documentElement.dataset.theme ?? "") === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
});
$("share").addEventListener("click", async () => {
  remember();
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  $("share").textContent = say("shared");
  setTimeout(() => ($("share").textContent = say("share")), 1500);
});
addEventListener("hashchange", () => location.hash !== `#${address}` && open(location.hash));
onThemeChange(() => { if (data) { stage.isStale = true; drawAll(); if (around) drawAround(); } });
let resizing = 0;
new ResizeObserver(() => { clearTimeout(resizing); resizing = setTimeout(() => data && refresh(), 80); }).observe($("picture-box"));

await open(location.hash.length > 1 ? location.hash : `picture=downhill&${LECTURES.downhill}`);
