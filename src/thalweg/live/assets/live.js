// The live page: listens to the descent, draws it, and sends orders.

import { onThemeChange } from "./theme.js";
import { Curves } from "./curves.js";
import { addChecks, addRows, emptyStory, figure } from "./state.js";
import { Valley } from "./valley.js";

const find = (id) => document.getElementById(id);
const curves = {
  loss: new Curves(find("loss-curve"), "loss", "curve-1", "loss"),
  norm: new Curves(find("norm-curve"), "gradient_norm", "curve-2", "gradient norm"),
  rate: new Curves(find("rate-curve"), "learning_rate", "curve-4", "learning rate"),
};
const valley = new Valley(find("valley"));
const GOOD = ["global_minimum", "local_minimum", "flat_valley"];
const BAD = ["overshooting", "no_minimum", "saddle_point"];

let story = emptyStory();
let state = "connecting";
let canKeep = true;
let isDirty = false;

function redrawSoon() {
  if (isDirty) return;
  isDirty = true;
  requestAnimationFrame(() => {
    isDirty = false;
    curves.loss.draw(story.members, story.checks);
    curves.norm.draw(story.members);
    curves.rate.draw(story.members);
    valley.setMembers(story.members);
  });
}

function show(id, value, digits = 8) {
  const element = find(id);
  element.textContent = figure(value, digits);
  element.dataset.value = value;
}

function showState(word) {
  state = word;
  const badge = find("state");
  badge.textContent = word;
  badge.className = `badge ${{ running: "good", paused: "warning", stopping: "warning", failed: "bad", disconnected: "bad" }[word] ?? ""}`;
  if (["ended", "failed"].includes(word)) find("controls").hidden = find("rate").hidden = find("no-rate").hidden = true;
  const isOver = ["ended", "failed", "disconnected", "connecting"].includes(word);
  for (const button of document.querySelectorAll("#controls button, #rate button, #rate input")) button.disabled = isOver || word === "stopping";
  find("keep").disabled ||= !canKeep;
  find("pause").textContent = word === "paused" ? "Resume" : "Pause";
  document.title = `${word} – ${find("name").textContent}`;
}

// What the descent tells
const hears = {
  begin(told) {
    story = emptyStory();
    valley.clear();
    canKeep = told.can_keep_best;
    find("keep").title = canKeep ? "" : "With mini-batches this needs validation data";
    find("name").textContent = told.loss;
    find("method").textContent = told.method;
    find("controls").hidden = false;
    find("rate").hidden = !told.has_rate;
    find("no-rate").hidden = told.has_rate;
    find("rate-title").textContent = told.has_rate ? "Learning rate" : "Step length";
    find("valley-panel").hidden = told.parameters > 2;
    find("valley-title").textContent = told.parameters === 1 ? "The loss over the parameter" : "The way down";
    find("result").hidden = true;
    const many = told.members > told.most_members ? `The first ${told.most_members} of ${told.members} members are drawn.` : "";
    find("more").textContent = [many, told.is_batch ? "Loss and gradient norm are those of the mini-batches." : ""].join(" ");
    redrawSoon();
  },
  rows(told) {
    addRows(story, told);
    redrawSoon();
  },
  checks(told) {
    addChecks(story, told);
    redrawSoon();
  },
  landscape(told) {
    valley.setPicture(told);
  },
  now(told) {
    if (told.step !== undefined && find("result").hidden) {
      show("step", told.step);
      show("loss", told.loss);
      show("gradient_norm", told.gradient_norm, 4);
      show("seconds", Number(told.seconds.toFixed(told.seconds < 10 ? 2 : 1)));
    }
    showRate(told.factor);
    showState(told.state);
  },
  result(told) {
    show("step", told.steps);
    show("loss", told.loss);
    show("gradient_norm", told.gradient_norm, 4);
    show("seconds", Number(told.seconds.toPrecision(3)));
    find("result").hidden = false;
    find("verdict").textContent = "ended";
    find("sentence").textContent = "";
    find("stopped").textContent = `Stopped because ${told.stopped_by}.`;
    list("notes", told.notes);
    list("advice", []);
    const parameters = told.parameters ? `; parameters: ${told.parameters.map((value) => figure(value)).join(", ")}` : "";
    const best = told.members ? `the best of ${told.members}, member ${told.best_member}; ` : "";
    find("facts").textContent = `${best}${figure(told.evaluations)} evaluations${parameters}`;
  },
  verdict(told) {
    find("verdict").textContent = told.title;
    find("verdict").className = `badge ${GOOD.includes(told.kind) ? "good" : BAD.includes(told.kind) ? "bad" : "warning"}`;
    find("sentence").textContent = told.sentence === told.title ? "" : told.sentence;
    list("advice", told.advice.map((advice) => (advice.tried ? `${advice.text} (${advice.tried})` : advice.text)));
  },
  failure(told) {
    find("result").hidden = false;
    find("verdict").textContent = "failed";
    find("verdict").className = "badge bad";
    find("stopped").textContent = told.message;
    showState("failed");
  },
};

function list(id, lines) {
  find(id).replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
}

const source = new EventSource("events");
for (const [name, hear] of Object.entries(hears)) source.addEventListener(name, (event) => hear(JSON.parse(event.data)));
source.addEventListener("end", () => {
  source.close();
  if (state !== "failed") showState("ended");
});
source.addEventListener("error", () => showState("disconnected"));

// What the viewer orders
async function order(action, more = {}) {
  const body = JSON.stringify({ action, ...more });
  try {
    await fetch("control", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  } catch {
    showState("disconnected");
  }
}

function showRate(factor) {
  const slider = find("factor");
  if (document.activeElement !== slider || slider.dataset.sent === String(factor)) slider.value = Math.log10(factor);
  find("times").textContent = figure(factor, 3);
  find("times").dataset.value = factor;
}

function sendRate(factor) {
  const allowed = Math.min(Math.max(Number(factor.toPrecision(3)), 1e-6), 1e6);
  find("factor").dataset.sent = allowed;
  showRate(allowed);
  order("rate", { factor: allowed });
}

const factor = () => Number(find("times").dataset.value ?? 1);
find("pause").addEventListener("click", () => order(state === "paused" ? "resume" : "pause"));
find("stop").addEventListener("click", () => order("stop"));
find("keep").addEventListener("click", () => order("stop and keep best"));
find("factor").addEventListener("input", (event) => sendRate(10 ** event.target.value));
find("halve").addEventListener("click", () => sendRate(factor() / 2));
find("double").addEventListener("click", () => sendRate(factor() * 2));
find("reset").addEventListener("click", () => sendRate(1));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("pause").disabled) return;
  const button = { p: "pause", "[": "halve", "]": "double" }[event.key];
  if (button && !find(button).disabled) find(button).click();
});

onThemeChange(() => {
  for (const curve of Object.values(curves)) curve.redraw();
  valley.changeGround();
});
