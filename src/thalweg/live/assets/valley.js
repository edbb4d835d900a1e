// The loss around the way of a descent with one or two parameters, and the points that move over it.

import { colourOf } from "./theme.js";
import { colourName, figure } from "./state.js";

const LEVELS = 16;
const EDGE = { left: 14, right: 14, top: 10, bottom: 24 };
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

function parts(colour) {
  return colour.match(/[\d.]+/g).slice(0, 3).map(Number);
}

export class Valley {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.picture = null;
    this.ground = null;
    this.members = new Map();
    this.shown = new Map(); // for each member how far along its way it is drawn: a place between two points
    this.frames = 0;
    new ResizeObserver(() => this.changeGround()).observe(canvas);
    const frame = () => {
      this.step();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  clear() {
    this.picture = this.ground = null;
    this.shown.clear();
  }

  setPicture(picture) {
    this.picture = picture;
    this.changeGround();
  }

  setMembers(members) {
    this.members = members;
  }

  changeGround() {
    this.ground = null;
    this.isDirty = true;
  }

  /** One frame: the points move on, and what has changed is drawn. */
  step() {
    if (!this.picture || !this.canvas.clientWidth) return;
    for (const [number, member] of this.members) {
      const end = member.point.length - 1;
      const at = this.shown.get(number) ?? 0;
      if (at >= end) continue;
      const next = isStill.matches ? end : Math.min(end, at + Math.max(0.3, (end - at) * 0.07));
      this.shown.set(number, next);
      this.isDirty = true;
    }
    if (!this.isDirty) return;
    this.isDirty = false;
    this.frames += 1;
    this.draw();
  }

  /** The size in CSS pixels, and where a point of the parameters lies. */
  place() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    const [[x0, x1], [y0, y1]] = this.picture.frame.length === 2 ? this.picture.frame : [this.picture.frame[0], this.heights()];
    const inner = { width: width - EDGE.left - EDGE.right, height: height - EDGE.top - EDGE.bottom };
    const x = (value) => EDGE.left + ((value - x0) / (x1 - x0)) * inner.width;
    const y = (value) => EDGE.top + ((y1 - value) / (y1 - y0)) * inner.height;
    return { width, height, inner, x, y };
  }

  heights() {
    const finite = this.picture.losses.filter((value) => value !== null);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const margin = 0.06 * (high - low || 1);
    return [low - margin, high + margin];
  }

  draw() {
    const ratio = devicePixelRatio;
    const { width, height, inner, x, y } = this.place();
    const { context, canvas } = this;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      this.ground = null;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (this.picture.frame.length === 2) {
      this.ground ??= this.contours(Math.round(inner.width * ratio), Math.round(inner.height * ratio));
      context.drawImage(this.ground, EDGE.left, EDGE.top, inner.width, inner.height);
    } else {
      this.drawCurve(x, y);
    }
    context.save();
    context.beginPath();
    context.rect(EDGE.left - 8, EDGE.top - 8, inner.width + 16, inner.height + 16);
    context.clip();
    for (const [number, member] of this.members) this.drawWay(number, member, x, y);
    context.restore();
    this.drawLabels(width, height);
  }

  /** Bands of height with contour lines, whose levels lie closer together towards the lowest point. */
  contours(width, height) {
    const { losses, width: columns } = this.picture;
    const rows = losses.length / columns;
    const finite = losses.filter((value) => value !== null).sort((a, b) => a - b);
    const low = finite[0];
    const soft = 1e-3 * (finite[finite.length >> 1] - low) || 1e-12;
    const top = Math.log(finite[finite.length - 1] - low + soft);
    const bottom = Math.log(soft);
    const levels = losses.map((value) => (value === null ? LEVELS : (LEVELS * (Math.log(value - low + soft) - bottom)) / (top - bottom || 1)));
    const [first, last, line] = ["depth-low", "depth-high", "contour"].map((name) => parts(colourOf(name)));
    const across = Array.from({ length: width + 1 }, (_, i) => Math.min((i / width) * (columns - 1), columns - 1.000001));
    const level = (i, j) => {
      const u = across[i];
      const v = Math.min(((height - 1 - j) / height) * (rows - 1), rows - 1.000001);
      const [a, b] = [Math.floor(u), Math.max(Math.floor(v), 0)];
      const [s, t] = [u - a, Math.max(v - b, 0)];
      const at = b * columns + a;
      return (levels[at] * (1 - s) + levels[at + 1] * s) * (1 - t) + (levels[at + columns] * (1 - s) + levels[at + columns + 1] * s) * t;
    };
    const image = new ImageData(width, height);
    for (let j = 0; j < height; j++) {
      let here = level(0, j);
      for (let i = 0; i < width; i++) {
        const right = level(i + 1, j);
        const slope = Math.abs(right - here) + Math.abs(level(i, j + 1) - here);
        const distance = Math.abs(here - Math.round(here));
        const strength = slope > 0 ? 0.75 * Math.max(0, Math.min(1, 1.1 - distance / slope)) : 0;
        const share = Math.min(1, Math.floor(here) / LEVELS);
        for (let k = 0; k < 3; k++) {
          const band = first[k] + (last[k] - first[k]) * share;
          image.data[4 * (j * width + i) + k] = band + (line[k] - band) * strength;
        }
        image.data[4 * (j * width + i) + 3] = 255;
        here = right;
      }
    }
    const ground = document.createElement("canvas");
    ground.width = width;
    ground.height = height;
    ground.getContext("2d").putImageData(image, 0, 0);
    return ground;
  }

  /** Of one parameter: the loss over it. */
  drawCurve(x, y) {
    const { context } = this;
    const { losses, frame } = this.picture;
    const [low, high] = frame[0];
    context.beginPath();
    losses.forEach((loss, i) => {
      if (loss !== null) context.lineTo(x(low + ((high - low) * i) / (losses.length - 1)), y(loss));
    });
    context.strokeStyle = colourOf("contour");
    context.lineWidth = 2;
    context.stroke();
  }

  drawWay(number, member, x, y) {
    const { context } = this;
    const at = this.shown.get(number) ?? 0;
    const isFlat = this.picture.frame.length === 1;
    const points = member.point;
    if (!points.length) return;
    const height = (i) => (isFlat ? member.loss[i] : points[i][1]);
    const screen = (i) => [x(points[i][0]), y(height(i))];
    const whole = Math.floor(at);
    let head = screen(whole);
    if (whole < at) {
      const next = screen(whole + 1);
      head = head.map((value, k) => value + (next[k] - value) * (at - whole));
    }
    const colour = colourOf(colourName(number, this.members.size, "curve-2"));
    context.lineJoin = "round";
    context.beginPath();
    for (let i = 0; i <= whole; i++) context.lineTo(...screen(i));
    context.lineTo(...head);
    context.strokeStyle = colour;
    context.lineWidth = 1.75;
    context.stroke();
    this.drawDot(screen(0), 4, colourOf("panel"), colour);
    this.drawDot(head, 6, colour, colourOf("panel"));
  }

  drawDot([x, y], radius, fill, line) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = line;
    context.lineWidth = 2;
    context.stroke();
  }

  drawLabels(width, height) {
    const { context } = this;
    const { frame, names } = this.picture;
    context.fillStyle = colourOf("soft-ink");
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "bottom";
    const write = (text, x, y, align) => {
      context.textAlign = align;
      context.fillText(text, x, y);
    };
    const base = height - 4;
    write(figure(frame[0][0], 3), EDGE.left, base, "left");
    write(names[0], width / 2, base, "center");
    write(figure(frame[0][1], 3), width - EDGE.right, base, "right");
    if (frame.length === 1) return;
    context.fillStyle = colourOf("ink");
    write(figure(frame[1][0], 3), EDGE.left + 6, height - EDGE.bottom - 6, "left");
    write(`${figure(frame[1][1], 3)}  ${names[1]} ↑`, EDGE.left + 6, EDGE.top + 20, "left");
  }
}
