// The loss of every descent against the step, by uPlot.

import { colourOf } from "./theme.js";
import { runColour } from "./colours.js";
import { shown } from "./texts.js";

/** What is seen: neither what shot up beyond ten thousand times the start, nor what fell below a rounding error of it. */
function rangeOf(all, isLogarithmic) {
  const start = Math.max(...all.map((losses) => losses[0]).filter(Number.isFinite), -Infinity);
  const scale = Number.isFinite(start) ? Math.abs(start) || 1 : 1;
  const usable = all.flatMap((losses) => Array.from(losses)).filter((value) => Number.isFinite(value) && (!isLogarithmic || value > 0));
  if (!usable.length) return [isLogarithmic ? 0.1 : 0, 1];
  let low = Infinity, high = -Infinity;
  for (const value of usable) { low = Math.min(low, value); high = Math.max(high, value); }
  if (isLogarithmic) {
    high = Math.min(high, 1e4 * scale);
    low = Math.min(0.5 * high, Math.max(low, 1e-14 * scale));
    return [low / 1.3, high * 1.3];
  }
  high = Math.min(high, start + 3 * (start - low || 1));
  const margin = 0.06 * (high - low || 1);
  return [low - margin, high + margin];
}

/** Powers of ten from low to high, so few that their texts keep apart; of a short range also twice and five times them. */
function decades(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const stride = Math.max(1, Math.ceil((last - first) / 6));
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) found.push(...factors.map((factor) => factor * 10 ** power));
  return found.filter((value) => value >= low && value <= high);
}

/** A chart in an element; `onSeek` gets the step that was clicked. */
export class Losses {
  constructor(element, onSeek) {
    this.element = element;
    this.onSeek = onSeek;
    this.step = 0;
    new ResizeObserver(() => this.chart && this.resize()).observe(element);
  }

  resize() {
    const width = this.element.clientWidth;
    if (width > 0 && width !== this.chart.width) this.chart.setSize({ width, height: 210 });
  }

  /** runs: [{losses, label}], by step. */
  draw(runs, isLogarithmic) {
    this.chart?.destroy();
    this.element.replaceChildren();
    const count = Math.max(1, ...runs.map((run) => run.losses.length));
    const x = Array.from({ length: count }, (_, i) => i);
    const range = rangeOf(runs.map((run) => run.losses), isLogarithmic);
    // A logarithm knows no zero; what is not finite leaves a gap.
    const clean = (value) => (Number.isFinite(value) && (!isLogarithmic || value > 0) ? Math.min(1e3 * range[1], Math.max(value, isLogarithmic ? 1e-3 * range[0] : value)) : null);
    const data = [x, ...runs.map((run) => x.map((i) => (i < run.losses.length ? clean(run.losses[i]) : null)))];
    const axis = { stroke: colourOf("soft-ink"), grid: { stroke: colourOf("grid"), width: 1 }, ticks: { show: false } };
    this.chart = new uPlot({
      width: this.element.clientWidth || 300, height: 210,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: { x: { time: false }, y: { distr: isLogarithmic ? 3 : 1, range: () => range } },
      axes: [{ ...axis, size: 28 }, { ...axis, size: 56, ...(isLogarithmic ? { splits: (_, __, low, high) => decades(low, high), filter: (_, values) => values } : {}), values: (_, values) => values.map((value) => (value === null ? "" : shown(value, 3))) }],
      series: [{}, ...runs.map((run) => ({ label: run.label, stroke: colourOf(runColour(run.number)), width: 2.2, points: { show: false } }))],
      hooks: { draw: [(chart) => this.mark(chart)] },
    }, data, this.element);
    this.chart.over.addEventListener("click", () => this.chart.cursor.idx !== null && this.onSeek(this.chart.cursor.idx));
  }

  mark(chart) {
    const x = chart.valToPos(this.step, "x", true);
    const context = chart.ctx;
    context.save();
    context.strokeStyle = colourOf("ink");
    context.lineWidth = 1.5 * devicePixelRatio;
    context.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    context.beginPath();
    context.moveTo(x, chart.bbox.top);
    context.lineTo(x, chart.bbox.top + chart.bbox.height);
    context.stroke();
    context.restore();
  }

  /** Moves the mark of the present step. */
  at(step) {
    this.step = step;
    this.chart?.redraw(false, false);
  }
}
