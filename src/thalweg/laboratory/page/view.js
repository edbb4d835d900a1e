// A window of the plane on a canvas: from numbers to pixels and back, and the axes.

import { ticks } from "./heights.js";
import { shown } from "./texts.js";

/** Makes a canvas as sharp as the screen, and returns its context in CSS pixels with its size. */
export function contextOf(canvas) {
  const scale = globalThis.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** left, top, width, height: the rectangle in pixels. left_of, top_of: of a place; x, y: of a pixel. */
export function viewOf(window, rectangle) {
  const [x0, x1, y0, y1] = window;
  const { left, top, width, height } = rectangle;
  const near = (pixel) => Math.min(1e5, Math.max(-1e5, pixel));
  return {
    window, left, top, width, height,
    left_of: (x) => near(left + ((x - x0) / (x1 - x0)) * width),
    top_of: (y) => near(top + ((y1 - y) / (y1 - y0)) * height),
    x: (pixel) => x0 + ((pixel - left) / width) * (x1 - x0),
    y: (pixel) => y1 - ((pixel - top) / height) * (y1 - y0),
  };
}

export const FONT = (size, weight = 400) => `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;

/** Numbers along the edges, and the names of the axes. */
export function drawAxes(context, view, names, colours, options = {}) {
  const { left, top, width, height } = view;
  const [x0, x1, y0, y1] = view.window;
  context.save();
  context.font = FONT(12);
  context.fillStyle = colours.soft;
  context.strokeStyle = colours.grid;
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of ticks(x0, x1, width / 90)) {
    const x = view.left_of(tick);
    if (x < left - 1 || x > left + width + 1) continue;
    if (options.grid) line(context, x, top, x, top + height);
    context.fillText(shown(tick), Math.min(x, left + width - 12), top + height + 5);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of ticks(y0, y1, height / 50)) {
    const y = view.top_of(tick);
    if (y < top - 1 || y > top + height + 1) continue;
    if (options.grid) line(context, left, y, left + width, y);
    context.fillText(shown(tick, 3), left - 6, y);
  }
  context.fillStyle = colours.ink;
  context.font = FONT(13, 600);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  if (names[0]) haloed(context, names[0], left + width - 6, top + height - 5, colours.halo);
  context.textAlign = "left";
  context.textBaseline = "top";
  if (names[1]) haloed(context, names[1], left + 7, top + 6, colours.halo);
  context.restore();
}

export function line(context, a, b, c, d) {
  context.beginPath();
  context.moveTo(a, b);
  context.lineTo(c, d);
  context.stroke();
}

/** Text that can be read on any ground. */
export function haloed(context, text, x, y, halo) {
  context.save();
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = halo;
  context.strokeText(text, x, y);
  context.restore();
  context.fillText(text, x, y);
}

/** An arrow from one pixel to another. */
export function arrow(context, a, b, c, d, head = 10) {
  const angle = Math.atan2(d - b, c - a);
  const length = Math.hypot(c - a, d - b);
  const size = Math.min(head, 0.6 * length);
  const back = 0.85 * size;
  line(context, a, b, c - back * Math.cos(angle), d - back * Math.sin(angle));
  context.beginPath();
  context.moveTo(c, d);
  for (const turn of [0.42, -0.42]) context.lineTo(c - size * Math.cos(angle + turn), d - size * Math.sin(angle + turn));
  context.closePath();
  context.fill();
}
