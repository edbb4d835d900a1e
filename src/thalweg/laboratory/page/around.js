// The panels about the present point: the slice through it, its figures, and what the model says there.

import { coloursNow } from "./colours.js";
import { drawModel } from "./model.js";
import { drawSlice, drawSlopes } from "./slice.js";
import { say, shown } from "./texts.js";

const $ = (id) => document.getElementById(id);

/** around: as the server sends it for the chosen run's present step. onSlice(name): another slice is chosen. */
export function showAround(scene, data, around, onSlice) {
  const colours = coloursNow();
  const colour = colours.runs[scene.chosen % 8];
  const names = data.size > 2 ? ["a", "b"] : data.names;
  const kinds = [...around.slices.map((slice) => slice.name), ...(data.dimension === 2 ? ["angle"] : [])];
  const kind = kinds.includes(scene.slice) ? scene.slice : kinds[0];
  showTabs(kinds, kind, names, onSlice);
  if (around.loss === null) {
    $("slice-note").textContent = say("not_finite_here");
    return;
  }
  $("slice-note").textContent = drawKind(kind, scene, data, around, names, colours, colour);
  $("slice").setAttribute("aria-label", $("slice-note").textContent);
  showFigures(around);
  if (data.examples && around.model) {
    drawModel($("model-picture"), data.examples, around.model, colours, colour);
    $("model-note").textContent = say(`model_${around.model.kind}`, { target: data.examples.target, count: data.examples.count });
    $("model-picture").setAttribute("aria-label", $("model-note").textContent);
  }
}

/** Draws one slice, or the slopes in every direction, and returns what it shows. */
function drawKind(kind, scene, data, around, names, colours, colour) {
  if (kind === "angle") {
    drawSlopes($("slice"), around, colours, colour);
    return say("note_angle", { norm: shown(Math.hypot(...around.gradient)) });
  }
  const slice = around.slices.find((one) => one.name === kind);
  const isDown = kind === "descent", isCurve = data.dimension === 1;
  const index = kind === "y" ? 1 : 0;
  const orders = scene.show.includes("taylor2") ? [1, 2] : [1];
  const next = isDown || isCurve ? nextAlong(isDown, scene, data, around) : null;
  drawSlice($("slice"), slice, around.loss, isDown ? 0 : around.point[index], isDown ? "t" : names[index], next, orders, colours, colour);
  const values = { name: names[index], other: names[1 - index] ?? "", value: shown(around.point[1 - index]), slope: shown(slice.slope), curvature: shown(slice.curvature) };
  return say(isDown ? "note_descent" : isCurve ? "note_curve" : "note_slice", values);
}

function showTabs(kinds, kind, names, onSlice) {
  const held = document.activeElement?.parentElement === $("slices") ? document.activeElement.dataset.name : null;
  $("slices").replaceChildren(...kinds.map((name) => {
    const made = document.createElement("button");
    made.textContent = name === "x" || name === "y" ? say("slice_along", { name: names[name === "x" ? 0 : 1] }) : say(`slice_${name}`);
    made.dataset.name = name;
    made.ariaPressed = String(name === kind);
    made.addEventListener("click", () => onSlice(name));
    return made;
  }));
  if (held) $("slices").querySelector(`[data-name="${held}"]`)?.focus();
}

function showFigures(around) {
  const figures = [["f", shown(around.loss, 6)], ["∇f", `(${around.gradient.map((part) => shown(part)).join(", ")})`], ["‖∇f‖", shown(around.gradient_norm)]];
  const curvatures = eigenvalues(around.hessian);
  if (curvatures) figures.push([say(curvatures.length > 1 ? "curvatures" : "curvature"), curvatures.map((value) => shown(value)).join(", ")]);
  $("figures").replaceChildren(...figures.map(([name, value]) => {
    const made = document.createElement("div");
    made.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }));
    return made;
  }));
}

/** How far along the slice the next step goes; null if there is none. */
function nextAlong(isDown, scene, data, around) {
  const run = data.runs[scene.chosen];
  const [count, dimension] = run.points.shape;
  const at = Math.min(scene.step, count - 1);
  if (at + 1 >= count) return null;
  const step = Array.from({ length: dimension }, (_, i) => run.points.values[dimension * (at + 1) + i] - run.points.values[dimension * at + i]);
  if (!isDown) return step[0];
  const norm = Math.hypot(...around.gradient);
  return norm > 0 ? -(step[0] * around.gradient[0] + step[1] * around.gradient[1]) / norm : null;
}

function eigenvalues(hessian) {
  if (hessian.flat().some((value) => value === null)) return null;
  if (hessian.length === 1) return hessian[0];
  const [[a, b], [, d]] = hessian;
  const middle = (a + d) / 2, half = Math.hypot((a - d) / 2, b);
  return [middle - half, middle + half];
}
