// Curves against the step, one for each member, by uPlot.

import { colourOf } from "./theme.js";
import { colourName, figure } from "./state.js";

const HEIGHT = 248;
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

/** Where lines of a logarithmic scale stand: at some seven powers of ten, or, if it spans few, at 1, 2 and 5 times them. */
function decades(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const stride = Math.ceil((last - first) / 7);
  const parts = last - first <= 2 ? [1, 2, 5] : [1];
  const places = [];
  for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) {
    for (const part of parts) places.push(Number(`${part}e${power}`));
  }
  return places.filter((place) => place >= low * 0.999 && place <= high * 1.001);
}

/** A colour that lets what lies over it be seen. */
function faint(colour) {
  return colour.replace("rgb(", "rgba(").replace(")", ", 0.45)");
}

/** Draws one quantity, such as "loss". colour: of a descent that is alone. */
export class Curves {
  constructor(element, part, colour, title) {
    Object.assign(this, { element, part, colour, title, plot: null, shape: "" });
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(element);
  }

  size() {
    return { width: Math.max(this.element.clientWidth, 200), height: HEIGHT };
  }

  /** Shows the members; checks: a curve more, of the validation data. */
  draw(members, checks = null) {
    const tables = [...members].map(([, member]) => [member.step, member[this.part]]);
    const hasChecks = checks !== null && checks.step.length > 0;
    if (hasChecks) tables.push([checks.step, checks.loss]);
    if (!tables.length) return;
    const isLog = tables.every(([, values]) => values.every((value) => value === null || value > 0));
    const shape = `${[...members.keys()]} ${hasChecks} ${isLog}`;
    const data = tables.length === 1 ? tables[0] : uPlot.join(tables);
    if (shape === this.shape) {
      this.plot.setData(data);
      return;
    }
    this.shape = shape;
    this.plot?.destroy();
    this.plot = new uPlot(this.options([...members.keys()], hasChecks, isLog), data, this.element);
  }

  options(numbers, hasChecks, isLog) {
    const series = numbers.map((number) => ({
      label: numbers.length > 1 ? `member ${number}` : this.title,
      stroke: () => {
        const colour = colourOf(colourName(number, numbers.length, this.colour));
        return hasChecks ? faint(colour) : colour;
      },
      width: numbers.length > 1 ? 1.25 : 1.75,
      spanGaps: true,
      points: { show: false },
      value: (_, value) => (value === null || value === undefined ? "–" : figure(value)),
    }));
    if (hasChecks) {
      series.push({
        label: "validation",
        stroke: () => colourOf("curve-2"),
        width: 2.25,
        spanGaps: true,
        points: { show: false },
        value: (_, value) => (value === null || value === undefined ? "–" : figure(value)),
      });
    }
    const label = (_, values) => values.map((value) => (value === null ? "" : figure(value, 3)));
    const steps = (_, values) => values.map((value) => (Number.isInteger(value) ? COMPACT.format(value) : ""));
    const axis = {
      stroke: () => colourOf("soft-ink"),
      grid: { stroke: () => colourOf("grid"), width: 1 },
      ticks: { stroke: () => colourOf("grid"), width: 1 },
      font: "12px system-ui, sans-serif",
    };
    return {
      ...this.size(),
      legend: { show: numbers.length <= 8 },
      cursor: { focus: { prox: 16 } },
      focus: { alpha: 0.35 },
      scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
      axes: [
        { ...axis, size: 32, values: steps },
        { ...axis, size: 66, values: label, ...(isLog ? { splits: (_, __, low, high) => decades(low, high), filter: (_, values) => values } : {}) },
      ],
      series: [{ label: "step", value: (_, value) => (value === null ? "–" : figure(value)) }, ...series],
    };
  }

  redraw() {
    this.plot?.redraw(false);
  }
}
