// One parameter: the curve of the loss, the steps on it, the tangent and the parabola at the present step.

import { faint } from "./colours.js";
import { disc, ring } from "./paths.js";
import { arrow, line, viewOf } from "./view.js";

/** The heights that are worth seeing: what shoots up at the edges is cut off. */
export function rangeOf(values, factor = 4) {
  const finite = Array.from(values).filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return [0, 1];
  const low = finite[0], high = finite[finite.length - 1];
  const usual = low + factor * (finite[Math.floor(0.75 * finite.length)] - low);
  const top = Math.min(high, usual > low ? usual : high);
  const margin = 0.08 * (top - low || 1);
  return [low - margin, top + margin];
}

export function curveView(rectangle, window, values) {
  const [low, high] = rangeOf(values);
  return viewOf([window[0], window[1], low, high], rectangle);
}

export function drawCurve(context, view, grid, window, colour, width = 2.5) {
  const count = grid.values.length;
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  let isDown = false;
  for (let i = 0; i < count; i++) {
    const value = grid.values[i];
    if (!Number.isFinite(value)) { isDown = false; continue; }
    const x = view.left_of(window[0] + ((window[1] - window[0]) * i) / (count - 1)), y = view.top_of(value);
    if (isDown) context.lineTo(x, y);
    else context.moveTo(x, y);
    isDown = true;
  }
  context.stroke();
  context.restore();
}

export function drawStepsOnCurve(context, view, run, step, colour, colours, isChosen) {
  const places = Array.from(run.points.values, (x, i) => [view.left_of(x), view.top_of(run.losses.values[i])]);
  const now = Math.min(step, places.length - 1);
  context.save();
  context.strokeStyle = context.fillStyle = faint(colour, 0.75);
  context.lineWidth = 1.8;
  for (let i = 0; i < now; i++) {
    const [a, b] = [places[i], places[i + 1]];
    if (Math.hypot(b[0] - a[0], b[1] - a[1]) > 14) arrow(context, ...a, ...b, 9);
    else line(context, ...a, ...b);
  }
  for (const place of places.slice(1, now)) disc(context, place, 3, colour);
  ring(context, places[0], 5.5, colour, colours.halo);
  line2(context, places[now][0], places[now][1], view, faint(colour, 0.6));
  disc(context, places[now], isChosen ? 9 : 7.5, colours.halo);
  disc(context, places[now], isChosen ? 7 : 5.5, colour);
  context.restore();
  return places[now];
}

function line2(context, x, y, view, colour) {
  context.save();
  context.setLineDash([3, 4]);
  context.strokeStyle = colour;
  context.lineWidth = 1.3;
  line(context, x, y, x, view.top + view.height);
  context.restore();
}

/** A straight line or a parabola through (x, f) with a slope and a curvature, over the view. */
export function drawApproximation(context, view, x, f, slope, curvature, colour, dash = []) {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.setLineDash(dash);
  context.beginPath();
  for (let i = 0; i <= 120; i++) {
    const at = view.window[0] + ((view.window[1] - view.window[0]) * i) / 120;
    const y = view.top_of(f + slope * (at - x) + 0.5 * curvature * (at - x) ** 2);
    if (i) context.lineTo(view.left_of(at), y);
    else context.moveTo(view.left_of(at), y);
  }
  context.stroke();
  context.restore();
}
