// The large picture: contour, curve or surface, with the descents on it; clicked, or used by keys, to set a start.

import { drawBasins, drawStrip } from "./basins.js";
import { coloursNow } from "./colours.js";
import { drawBands, traceLines } from "./contour.js";
import { curveView, drawApproximation, drawCurve, drawStepsOnCurve } from "./curve.js";
import { heightsOf } from "./heights.js";
import { drawGradient, drawPath } from "./paths.js";
import { drawPathOnSurface, drawSurface } from "./surface.js";
import { drawLens } from "./taylor.js";
import { contextOf, drawAxes, viewOf } from "./view.js";

const MARGIN = { left: 46, top: 8, right: 10, bottom: 26 };

export class Stage {
  /** tell: onStart([x, y], isFinal), onPoint([x, y] or null), onZoom(factor, or null for the whole, around a place). */
  constructor(ground, overlay, tell) {
    Object.assign(this, { ground, overlay, tell, turn: -0.6, tilt: 0.75, cursor: null, isStale: true });
    overlay.addEventListener("pointerdown", (event) => this.press(event));
    overlay.addEventListener("pointermove", (event) => this.move(event));
    overlay.addEventListener("pointerup", (event) => this.release(event));
    overlay.addEventListener("pointercancel", () => (this.dragged = null));
    overlay.addEventListener("pointerleave", () => this.tell.onPoint(null));
    overlay.addEventListener("keydown", (event) => this.key(event));
    overlay.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    overlay.addEventListener("blur", () => { this.cursor = null; this.draw(); });
  }

  /** width / height of the picture itself. */
  get aspect() {
    const { width, height } = this.ground.getBoundingClientRect();
    return Math.min(5, Math.max(0.2, (width - MARGIN.left - MARGIN.right) / Math.max(50, height - MARGIN.top - MARGIN.bottom)));
  }

  /** Shows data of the server for a scene. around, basins: or null. */
  show(data, scene, around, basins) {
    if (data.grid !== this.data?.grid || data.window.join() !== this.data.window.join()) {
      this.heights = heightsOf(data.grid.values);
      this.isStale = true;
    }
    Object.assign(this, { data, scene, around, basins });
    this.draw();
  }

  get isSurface() {
    return this.scene.view === "surface" && this.data.dimension === 2;
  }

  draw() {
    if (!this.data) return;
    const colours = coloursNow();
    const { width, height } = this.ground.getBoundingClientRect();
    const rectangle = { left: MARGIN.left, top: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const { data } = this;
    this.view = data.dimension === 1 ? curveView(rectangle, data.window, data.grid.values) : viewOf(data.window, rectangle);
    const key = [width, height, colours.ink, this.isSurface, globalThis.devicePixelRatio].join();
    if (this.isStale || key !== this.drawn) this.drawGround(colours);
    this.drawn = key;
    this.isStale = false;
    const { context } = contextOf(this.overlay);
    if (this.isSurface) this.drawSurface(context, colours, rectangle);
    else this.drawOver(context, colours);
  }

  get axisNames() {
    const { data } = this;
    if (data.size > 2) return ["a", "b"];
    return data.dimension === 1 ? [data.names[0], "f"] : data.names;
  }

  drawGround(colours) {
    const { context } = contextOf(this.ground);
    const { view, data, heights } = this;
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, 1e4, 1e4);
    if (this.isSurface) return;
    if (data.dimension === 1) {
      drawAxes(context, view, this.axisNames, colours, { grid: true });
      drawCurve(context, view, data.grid, data.window, colours.ink, 3);
      return;
    }
    drawBands(context, view, data.grid, data.window, heights, colours.ramp);
    context.beginPath();
    traceLines(context, view, data.grid, data.window, heights.lines);
    context.strokeStyle = colours.contour;
    context.lineWidth = 1;
    context.stroke();
    drawAxes(context, view, this.axisNames, colours);
  }

  drawOver(context, colours) {
    const { view, data, scene, around, basins } = this;
    context.save();
    context.beginPath();
    context.rect(view.left, view.top, view.width, view.height);
    context.clip();
    const flat = data.dimension === 2;
    if (basins && scene.show.includes("basins")) (flat ? drawBasins : drawStrip)(context, view, basins, colours);
    const order = scene.show.includes("taylor2") ? 2 : scene.show.includes("taylor1") ? 1 : 0;
    const isFinite_ = around && data.size <= 2 && around.loss !== null && around.gradient.every((part) => part !== null);
    if (flat && order && isFinite_) drawLens(context, view, around, order, this.heights, colours);
    if (!flat && isFinite_) {
      const [x] = around.point;
      if (scene.show.includes("gradient") || order === 1) drawApproximation(context, view, x, around.loss, around.gradient[0], 0, colours.bad, [9, 5]);
      if (order === 2) drawApproximation(context, view, x, around.loss, around.gradient[0], around.hessian[0][0], colours.runs[2], [3, 4]);
    }
    const draw = flat ? drawPath : drawStepsOnCurve;
    data.runs.forEach((run, number) => !run.problem && number !== scene.chosen && draw(context, view, run, scene.step, colours.runs[number % 8], colours, false));
    const chosen = data.runs[scene.chosen];
    if (chosen && !chosen.problem) {
      const colour = colours.runs[scene.chosen % 8];
      const place = draw(context, view, chosen, scene.step, colour, colours, true);
      if (flat && isFinite_ && scene.show.includes("gradient")) {
        drawGradient(context, view, place, around.gradient, Math.max(...chosen.gradient_norms.values.filter(Number.isFinite)), colours, colour);
        draw(context, view, { ...chosen, points: onePoint(chosen, scene.step), losses: chosen.losses }, 0, colour, colours, true);
      }
    }
    this.drawCursor(context, colours);
    context.restore();
  }

  drawSurface(context, colours, rectangle) {
    const { data, scene } = this;
    const place = drawSurface(context, rectangle, data.grid, data.window, this.heights, colours, this.turn, this.tilt);
    const [x0, x1, y0, y1] = data.window;
    const isInside = (x, y) => x >= x0 && x <= x1 && y >= y0 && y <= y1;
    data.runs.forEach((run, number) => !run.problem && drawPathOnSurface(context, place, run, scene.step, colours.runs[number % 8], colours, isInside));
  }

  drawCursor(context, colours) {
    if (!this.cursor) return;
    const [x, y] = this.cursor;
    for (const [width, colour] of [[4, colours.halo], [1.6, colours.ink]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x - 14, y); context.lineTo(x + 14, y);
      context.moveTo(x, y - 14); context.lineTo(x, y + 14);
      context.stroke();
    }
  }

  place(event) {
    const box = this.overlay.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    if (!this.data || event.button) return;
    this.overlay.setPointerCapture(event.pointerId);
    this.dragged = this.place(event);
    if (!this.isSurface) this.startAt(this.dragged, false);
  }

  move(event) {
    if (!this.data) return;
    const pixel = this.place(event);
    if (this.isSurface) {
      if (this.dragged) {
        this.turn -= (pixel[0] - this.dragged[0]) / 150;
        this.tilt = Math.min(1.45, Math.max(0.1, this.tilt + (pixel[1] - this.dragged[1]) / 200));
        this.dragged = pixel;
        this.draw();
      }
      return;
    }
    if (this.dragged) this.startAt(pixel, false);
    this.tell.onPoint([this.view.x(pixel[0]), this.view.y(pixel[1])]);
  }

  release(event) {
    if (this.dragged && !this.isSurface) this.startAt(this.place(event), true);
    this.dragged = null;
  }

  startAt([left, top], isFinal) {
    const { view } = this;
    const inside = [Math.min(view.left + view.width, Math.max(view.left, left)), Math.min(view.top + view.height, Math.max(view.top, top))];
    this.tell.onStart([view.x(inside[0]), view.y(inside[1])], isFinal);
  }

  /** With Ctrl, or two fingers: without, the page scrolls. */
  wheel(event) {
    if (!event.ctrlKey || !this.data || this.isSurface) return;
    event.preventDefault();
    const [left, top] = this.place(event);
    this.tell.onZoom(Math.exp(0.004 * Math.max(-60, Math.min(60, event.deltaY))), [this.view.x(left), this.view.y(top)]);
  }

  key(event) {
    const zoom = { "+": 0.7, "=": 0.7, "-": 1 / 0.7, 0: null }[event.key];
    if (zoom !== undefined) this.tell.onZoom(zoom);
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    const isEnter = event.key === "Enter";
    if (!this.data || (!dx && !dy && !isEnter)) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.isSurface) {
      this.turn -= 0.1 * dx;
      this.tilt = Math.min(1.45, Math.max(0.1, this.tilt + 0.07 * dy));
      this.draw();
      return;
    }
    const { view } = this;
    const size = event.shiftKey ? 1 : 10;
    this.cursor ??= [view.left + view.width / 2, view.top + view.height / 2];
    this.cursor = [Math.min(view.left + view.width, Math.max(view.left, this.cursor[0] + size * dx)), Math.min(view.top + view.height, Math.max(view.top, this.cursor[1] + size * dy))];
    this.tell.onPoint([view.x(this.cursor[0]), view.y(this.cursor[1])]);
    if (isEnter) this.startAt(this.cursor, true);
    else this.draw();
  }
}

/** The present place of a run, alone. */
function onePoint(run, step) {
  const at = Math.min(step, run.points.shape[0] - 1);
  return { shape: [1, 2], values: run.points.values.slice(2 * at, 2 * at + 2) };
}
