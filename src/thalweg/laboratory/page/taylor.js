// The Taylor approximation around a point, seen through a lens: inside it, the contour lines are those of the approximation.

import { drawBands, traceLines } from "./contour.js";
import { viewOf } from "./view.js";

/** f + ∇f·δ, and for the second order + ½ δᵀ∇²f δ. */
export function approximation(found, order) {
  const [a, b] = found.point, [g, h] = found.gradient;
  const [[p, q], [, r]] = found.hessian;
  return (x, y) => {
    const u = x - a, v = y - b;
    const first = found.loss + g * u + h * v;
    return order === 1 ? first : first + 0.5 * (p * u * u + 2 * q * u * v + r * v * v);
  };
}

export function drawLens(context, view, found, order, heights, colours) {
  const [x, y] = [view.left_of(found.point[0]), view.top_of(found.point[1])];
  const radius = 0.3 * Math.min(view.width, view.height);
  const unit = (view.window[1] - view.window[0]) / view.width;
  const reach = radius * unit;
  const window = [found.point[0] - reach, found.point[0] + reach, found.point[1] - reach, found.point[1] + reach];
  const side = 60;
  const at = approximation(found, order);
  const values = new Float32Array(side * side);
  for (let r = 0; r < side; r++) {
    for (let c = 0; c < side; c++) {
      values[r * side + c] = at(window[0] + (2 * reach * c) / (side - 1), window[2] + (2 * reach * r) / (side - 1));
    }
  }
  const grid = { shape: [side, side], values };
  const lens = viewOf(window, { left: x - radius, top: y - radius, width: 2 * radius, height: 2 * radius });
  context.save();
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.clip();
  drawBands(context, lens, grid, window, heights, colours.ramp);
  const below = heights.lines.filter((_, i) => i % 3 === 2).map((line) => 2 * heights.low - line);  // the approximation may lie below the lowest height
  context.beginPath();
  traceLines(context, lens, grid, window, [...heights.lines, ...below]);
  context.strokeStyle = colours.ink;
  context.globalAlpha = 0.6;
  context.lineWidth = 1.3;
  context.stroke();
  context.restore();
  context.save();
  for (const [width, colour] of [[5, colours.halo], [2, colours.ink]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.stroke();
  }
  context.restore();
}
