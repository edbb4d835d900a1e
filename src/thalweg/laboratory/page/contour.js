// Filled bands and contour lines of a grid.

import { shareOf } from "./heights.js";

/** A grid (rows, columns) over a window, as a function of the place: bilinear between its points. */
export function sampler(grid, window) {
  const [rows, columns] = grid.shape;
  const [x0, x1, y0, y1] = window;
  const values = grid.values;
  return (x, y) => {
    const c = Math.min(columns - 1.0001, Math.max(0, ((x - x0) / (x1 - x0)) * (columns - 1)));
    const r = Math.min(rows - 1.0001, Math.max(0, ((y - y0) / (y1 - y0)) * (rows - 1)));
    const i = Math.floor(r) * columns + Math.floor(c);
    const u = c - Math.floor(c), v = r - Math.floor(r);
    return (1 - v) * ((1 - u) * values[i] + u * values[i + 1]) + v * ((1 - u) * values[i + columns] + u * values[i + columns + 1]);
  };
}

/** Fills a canvas's rectangle with bands. Between two lines the colour is one, so that steps can be counted. */
export function drawBands(context, view, grid, window, heights, ramp) {
  const width = Math.max(1, Math.round(view.width)), height = Math.max(1, Math.round(view.height));
  const picture = new ImageData(width, height);
  const at = sampler(grid, window);
  const count = heights.lines.length - 4;
  const colours = Array.from({ length: count + 1 }, (_, i) => ramp(i / count));
  for (let row = 0, place = 0; row < height; row++) {
    const y = view.y(view.top + row + 0.5);
    for (let column = 0; column < width; column++, place += 4) {
      const share = shareOf(heights, at(view.x(view.left + column + 0.5), y));
      if (Number.isNaN(share)) continue;
      const colour = colours[Math.min(count, Math.floor(share * count))];
      picture.data[place] = colour[0];
      picture.data[place + 1] = colour[1];
      picture.data[place + 2] = colour[2];
      picture.data[place + 3] = 255;
    }
  }
  const buffer = new OffscreenCanvas(width, height);
  buffer.getContext("2d").putImageData(picture, 0, 0);
  context.drawImage(buffer, view.left, view.top, view.width, view.height);
}

/** Adds the contour lines of a grid to the context's path: marching squares. */
export function traceLines(context, view, grid, window, lines) {
  const [rows, columns] = grid.shape;
  const values = grid.values;
  const [x0, x1, y0, y1] = window;
  const px = Array.from({ length: columns }, (_, c) => view.left_of(x0 + ((x1 - x0) * c) / (columns - 1)));
  const py = Array.from({ length: rows }, (_, r) => view.top_of(y0 + ((y1 - y0) * r) / (rows - 1)));
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const i = r * columns + c;
      const corners = [values[i], values[i + 1], values[i + columns + 1], values[i + columns]];
      const low = Math.min(...corners), high = Math.max(...corners);
      if (!(Number.isFinite(low) && Number.isFinite(high))) continue;
      for (const line of lines) {
        if (line < low || line >= high) continue;
        const cuts = [];
        for (let edge = 0; edge < 4; edge++) {
          const a = corners[edge], b = corners[(edge + 1) % 4];
          if (a < line === b < line) continue;
          const t = (line - a) / (b - a);
          if (edge === 0) cuts.push([px[c] + t * (px[c + 1] - px[c]), py[r]]);
          else if (edge === 1) cuts.push([px[c + 1], py[r] + t * (py[r + 1] - py[r])]);
          else if (edge === 2) cuts.push([px[c + 1] + t * (px[c] - px[c + 1]), py[r + 1]]);
          else cuts.push([px[c], py[r + 1] + t * (py[r] - py[r + 1])]);
        }
        for (let k = 0; k + 1 < cuts.length; k += 2) {
          context.moveTo(...cuts[k]);
          context.lineTo(...cuts[k + 1]);
        }
      }
    }
  }
}
