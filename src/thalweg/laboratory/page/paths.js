// The ways of the descents on the contour: up to the present step in full colour, what lies ahead faintly.

import { faint } from "./colours.js";
import { arrow, haloed, FONT } from "./view.js";

/** The places of a run (K, 2) in pixels. */
export function pixelsOf(view, run) {
  const found = [];
  for (let i = 0; i < run.points.shape[0]; i++) found.push([view.left_of(run.points.values[2 * i]), view.top_of(run.points.values[2 * i + 1])]);
  return found;
}

export const lastOf = (run) => run.points.shape[0] - 1;

export function drawPath(context, view, run, step, colour, colours, isChosen) {
  const pixels = pixelsOf(view, run);
  const now = Math.min(step, pixels.length - 1);
  context.save();
  context.lineJoin = context.lineCap = "round";
  stroke(context, pixels.slice(now), faint(colour, 0.28), 1.6);
  stroke(context, pixels.slice(0, now + 1), colours.halo, isChosen ? 6 : 4.5);
  stroke(context, pixels.slice(0, now + 1), colour, isChosen ? 2.8 : 2.1);
  context.fillStyle = colour;
  for (let i = 1; i < now; i++) {
    if (Math.hypot(pixels[i][0] - pixels[i - 1][0], pixels[i][1] - pixels[i - 1][1]) > 5) disc(context, pixels[i], 3);
  }
  ring(context, pixels[0], 5.5, colour, colours.halo);
  disc(context, pixels[now], isChosen ? 9 : 7.5, colours.halo);
  disc(context, pixels[now], isChosen ? 7 : 5.5, colour);
  context.restore();
  return pixels[now];
}

function stroke(context, pixels, colour, width) {
  if (pixels.length < 2) return;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(...pixels[0]);
  for (const pixel of pixels.slice(1)) context.lineTo(...pixel);
  context.stroke();
}

export function disc(context, [x, y], radius, colour) {
  if (colour) context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}

export function ring(context, [x, y], radius, colour, halo) {
  for (const [width, own] of [[5, halo], [2.4, colour]]) {
    context.lineWidth = width;
    context.strokeStyle = own;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.stroke();
  }
}

/** Where a word at an arrow's end stands: at its place, or, where that lies outside of the picture, on the inner side of the arrow. */
function beside(view, place, [x, y], [across, up]) {
  const centre = [view.left + view.width / 2, view.top + view.height / 2];
  const isInside = Math.abs(place[0] - centre[0]) < view.width / 2 - 14 && Math.abs(place[1] - centre[1]) < view.height / 2 - 9;
  if (isInside) return place;
  const side = Math.sign((centre[0] - x) * across + (centre[1] - y) * up) || 1;
  const within = (value, middle, half) => Math.min(middle + half, Math.max(middle - half, value));
  return [within(x + 24 * side * across, centre[0], view.width / 2 - 14), within(y + 24 * side * up, centre[1], view.height / 2 - 9)];
}

/** largest: the gradient norm that gets the longest arrow. The gradient, which is the direction of steepest ascent, its opposite, and the tangent of the contour line at right angles. */
export function drawGradient(context, view, [x, y], gradient, largest, colours, colour) {
  const size = Math.hypot(gradient[0] ?? NaN, gradient[1] ?? NaN);
  if (!(size > 0)) return;
  const [u, v] = [gradient[0] / size, -gradient[1] / size];
  const length = 16 + 54 * Math.min(1, (size / largest) ** 0.25);  // lengths of a hundred to one could not be drawn
  context.save();
  context.lineCap = "round";
  for (const [width, own] of [[5, colours.halo], [2, colours.ink]]) {
    context.strokeStyle = own;
    context.lineWidth = width;
    context.setLineDash(width === 2 ? [6, 5] : []);
    context.beginPath();
    context.moveTo(x - 90 * v, y + 90 * u);
    context.lineTo(x + 90 * v, y - 90 * u);
    context.stroke();
  }
  context.setLineDash([]);
  context.lineWidth = 1.6;
  context.beginPath();  // the right angle
  context.moveTo(x + 13 * u, y + 13 * v);
  context.lineTo(x + 13 * (u + v), y + 13 * (v - u));
  context.lineTo(x + 13 * v, y - 13 * u);
  context.stroke();
  for (const [sign, own, text] of [[1, colours.bad, "∇f"], [-1, colour, "−∇f"]]) {
    const end = [x + sign * length * u, y + sign * length * v];
    for (const [width, ground] of [[6.5, colours.halo], [3.2, own]]) {
      context.strokeStyle = context.fillStyle = ground;
      context.lineWidth = width;
      arrow(context, x, y, ...end, width > 4 ? 15 : 13);
    }
    context.fillStyle = own;
    context.font = FONT(15, 650);
    context.textAlign = "center";
    context.textBaseline = "middle";
    haloed(context, text, ...beside(view, [x + sign * (length + 19) * u, y + sign * (length + 15) * v], end, [v, -u]), colours.halo);
  }
  context.restore();
}
