// Basins of attraction: each start has the colour of the minimum that a descent from it ends in.

import { disc, ring } from "./paths.js";

const UNKNOWN = -1;

/** The colour of a basin's number; where a descent diverged or did not come to rest, there is none. */
export function basinColour(number, colours) {
  return number < 0 ? null : colours.runs[(number + 1) % 8];
}

export function drawBasins(context, view, basins, colours) {
  const [rows, columns] = basins.labels.shape;
  const buffer = new OffscreenCanvas(columns, rows);
  const inside = buffer.getContext("2d");
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const label = basins.labels.values[r * columns + c];
      inside.fillStyle = basinColour(label, colours) ?? (label === UNKNOWN ? colours.raised : colours.ink);
      inside.fillRect(c, rows - 1 - r, 1, 1);
    }
  }
  const [dx, dy] = [view.width / (columns - 1) / 2, view.height / (rows - 1) / 2];
  context.save();
  context.beginPath();
  context.rect(view.left, view.top, view.width, view.height);
  context.clip();
  context.globalAlpha = 0.45;
  context.imageSmoothingEnabled = false;
  context.drawImage(buffer, view.left - dx, view.top - dy, view.width + 2 * dx, view.height + 2 * dy);
  context.globalAlpha = 1;
  basins.ends.forEach(([x, y], number) => {
    const place = [view.left_of(x), view.top_of(y)];
    disc(context, place, 5, colours.halo);
    ring(context, place, 6, basinColour(number, colours), colours.halo);
  });
  context.restore();
}

/** For one parameter: a strip under the curve. */
export function drawStrip(context, view, basins, colours) {
  const count = basins.labels.shape[0];
  const each = view.width / count;
  context.save();
  context.globalAlpha = 0.75;
  for (let i = 0; i < count; i++) {
    const colour = basinColour(basins.labels.values[i], colours);
    if (!colour) continue;
    context.fillStyle = colour;
    context.fillRect(view.left + i * each, view.top + view.height - 12, each + 0.5, 12);
  }
  context.restore();
}
