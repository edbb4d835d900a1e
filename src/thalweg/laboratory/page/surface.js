// The loss as a surface: turned by dragging or by the arrow keys.

import { sampler } from "./contour.js";
import { shareOf } from "./heights.js";
import { disc } from "./paths.js";

const COLUMNS = 64;

/** From places (x, y, loss) to pixels, for a turn around the vertical and a tilt. */
export function projection(rectangle, window, heights, turn, tilt) {
  const [x0, x1, y0, y1] = window;
  const span = x1 - x0;
  const size = 0.72 * Math.min(rectangle.width / 1.1, rectangle.height * 1.25);
  const [s, c] = [Math.sin(turn), Math.cos(turn)];
  const [st, ct] = [Math.sin(tilt), Math.cos(tilt)];
  return (x, y, loss) => {
    const u = (x - (x0 + x1) / 2) / span, v = (y - (y0 + y1) / 2) / span;
    const height = Math.min(1.05, Math.max(0, (loss - heights.low) / (heights.high - heights.low))) - 0.5;
    const across = c * u - s * v, deep = s * u + c * v;
    return [
      rectangle.left + rectangle.width / 2 + size * across,
      rectangle.top + rectangle.height / 2 - size * (deep * st + 0.5 * height * ct),
      deep * ct - 0.5 * height * st,
    ];
  };
}

export function drawSurface(context, rectangle, grid, window, heights, colours, turn, tilt) {
  const place = projection(rectangle, window, heights, turn, tilt);
  const at = sampler(grid, window);
  const rows = Math.max(2, Math.round((COLUMNS * (window[3] - window[2])) / (window[1] - window[0])));
  const corner = (i, j) => {
    const x = window[0] + ((window[1] - window[0]) * i) / COLUMNS, y = window[2] + ((window[3] - window[2]) * j) / rows;
    const loss = at(x, y);
    return { loss, pixel: place(x, y, loss) };
  };
  const corners = Array.from({ length: rows + 1 }, (_, j) => Array.from({ length: COLUMNS + 1 }, (_, i) => corner(i, j)));
  const tiles = [];
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < COLUMNS; i++) {
      const four = [corners[j][i], corners[j][i + 1], corners[j + 1][i + 1], corners[j + 1][i]];
      if (four.every((one) => Number.isFinite(one.loss))) tiles.push(four);
    }
  }
  const depth = (four) => four[0].pixel[2] + four[2].pixel[2];
  tiles.sort((a, b) => depth(b) - depth(a));
  context.save();
  context.lineWidth = 0.7;
  context.lineJoin = "round";
  const scale = heights.high - heights.low;
  for (const four of tiles) {
    const share = shareOf(heights, (four[0].loss + four[2].loss) / 2);
    const lean = Math.max(-1, Math.min(1, (5 * (four[0].loss - four[1].loss + four[3].loss - four[2].loss)) / scale));
    const colour = colours.ramp(share).map((value) => Math.round(value * (1 + 0.16 * lean)));
    context.fillStyle = `rgb(${colour.join(" ")})`;
    context.strokeStyle = colours.contour;
    context.beginPath();
    four.forEach(({ pixel }, k) => (k ? context.lineTo(pixel[0], pixel[1]) : context.moveTo(pixel[0], pixel[1])));
    context.closePath();
    context.fill();
    context.stroke();
  }
  context.restore();
  return place;
}

export function drawPathOnSurface(context, place, run, step, colour, colours, isInside) {
  const pixels = [];
  for (let i = 0; i <= Math.min(step, run.points.shape[0] - 1); i++) {
    const [x, y] = [run.points.values[2 * i], run.points.values[2 * i + 1]];
    if (isInside(x, y)) pixels.push(place(x, y, run.losses.values[i]));
  }
  if (!pixels.length) return;
  context.save();
  context.lineJoin = context.lineCap = "round";
  for (const [width, own] of [[5.5, colours.halo], [2.6, colour]]) {
    context.strokeStyle = own;
    context.lineWidth = width;
    context.beginPath();
    pixels.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
  const [x, y] = pixels[pixels.length - 1];
  disc(context, [x, y], 8.5, colours.halo);
  disc(context, [x, y], 6.5, colour);
  context.restore();
}
