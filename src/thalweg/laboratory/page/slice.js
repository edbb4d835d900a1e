// The slice through the present point: the loss along one direction, its tangent, and its parabola; or the slope in every direction.

import { drawApproximation, drawCurve, rangeOf } from "./curve.js";
import { disc } from "./paths.js";
import { FONT, contextOf, drawAxes, haloed, line, viewOf } from "./view.js";

const MARGIN = { left: 46, top: 10, right: 10, bottom: 24 };

function rectangleOf(width, height) {
  return { left: MARGIN.left, top: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
}

/** slice: as the server sends it. here: the coordinate of the point along it. next: how far along it the next step lies, or null. */
export function drawSlice(canvas, slice, loss, here, name, next, orders, colours, colour) {
  const { context, width, height } = contextOf(canvas);
  const t = slice.t.values;
  const window = [here + t[0], here + t[t.length - 1]];
  const [low, high] = rangeOf(slice.losses.values, 1.6);
  const below = low - 0.12 * (high - low);
  const view = viewOf([...window, Math.min(below, loss - 0.05 * (high - low)), Math.max(high, loss + 0.1 * (high - low))], rectangleOf(width, height));
  drawAxes(context, view, [name, ""], colours, { grid: true });
  context.save();
  context.beginPath();
  context.rect(view.left, view.top, view.width, view.height);
  context.clip();
  drawCurve(context, view, slice.losses, window, colours.ink);
  if (orders.includes(2)) drawApproximation(context, view, here, loss, slice.slope, slice.curvature, colours.runs[2], [3, 4]);
  if (orders.includes(1)) drawApproximation(context, view, here, loss, slice.slope, 0, colours.bad, [8, 5]);
  const place = [view.left_of(here), view.top_of(loss)];
  if (next !== null && Number.isFinite(next)) {
    const x = view.left_of(here + next);
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    line(context, x, view.top, x, view.top + view.height);
    context.font = FONT(12, 600);
    context.textAlign = x > view.left + 0.7 * view.width ? "right" : "left";
    haloed(context, `+ Δ`, x + (context.textAlign === "left" ? 5 : -5), view.top + 14, colours.halo);
  }
  disc(context, place, 8, colours.halo);
  disc(context, place, 6, colour);
  context.restore();
}

/** The slope in every direction, measured, with ‖∇f‖ cos θ. θ is counted from the gradient. */
export function drawSlopes(canvas, found, colours, colour) {
  const { context, width, height } = contextOf(canvas);
  const norm = Math.hypot(...found.gradient);
  const toward = Math.atan2(found.gradient[1], found.gradient[0]);
  const degrees = Array.from(found.angles.values, (angle) => ((((angle - toward + 3 * Math.PI) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI) - Math.PI) * (180 / Math.PI));
  const most = 1.15 * Math.max(norm, ...Array.from(found.slopes.values, Math.abs).filter(Number.isFinite)) || 1;
  const view = viewOf([-180, 180, -most, most], rectangleOf(width, height));
  drawAxes(context, view, ["θ°", ""], colours, { grid: true });
  context.save();
  context.strokeStyle = colours.bad;
  context.lineWidth = 2;
  context.beginPath();
  for (let angle = -180; angle <= 180; angle += 3) {
    const pixel = [view.left_of(angle), view.top_of(norm * Math.cos((angle * Math.PI) / 180))];
    if (angle === -180) context.moveTo(...pixel);
    else context.lineTo(...pixel);
  }
  context.stroke();
  degrees.forEach((angle, i) => disc(context, [view.left_of(angle), view.top_of(found.slopes.values[i])], 3, colour));
  context.strokeStyle = colours.soft;
  context.setLineDash([3, 4]);
  context.lineWidth = 1.3;
  line(context, view.left_of(0), view.top, view.left_of(0), view.top + view.height);
  context.restore();
}
