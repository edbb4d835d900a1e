// The data and what the model says of them at the present step.

import { disc } from "./paths.js";
import { FONT, contextOf, drawAxes, line, viewOf } from "./view.js";

const MARGIN = { left: 46, top: 10, right: 10, bottom: 26 };

export function drawModel(canvas, examples, model, colours, colour) {
  const { context, width, height } = contextOf(canvas);
  const rectangle = { left: MARGIN.left, top: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const draw = { curve: drawCurveModel, field: drawField, scatter: drawScatter }[model.kind];
  draw(context, rectangle, examples, model.values, colours, colour);
}

function span(values, share = 0.1) {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite);
  const margin = share * (high - low || 1);
  return [low - margin, high + margin];
}

function drawCurveModel(context, rectangle, examples, values, colours, colour) {
  const y = Array.from(examples.y.values);
  const view = viewOf([examples.low[0], examples.high[0], ...span(y, 0.25)], rectangle);
  drawAxes(context, view, [examples.features[0], examples.target], colours, { grid: true });
  clip(context, view);
  for (let i = 0; i < y.length; i++) disc(context, [view.left_of(examples.X.values[i]), view.top_of(y[i])], 3.5, colours.soft);
  context.strokeStyle = colour;
  context.lineWidth = 3;
  context.beginPath();
  for (let i = 0; i < values.shape[0]; i++) {
    const pixel = [view.left_of(values.values[2 * i]), view.top_of(values.values[2 * i + 1])];
    if (i) context.lineTo(...pixel);
    else context.moveTo(...pixel);
  }
  context.stroke();
  context.restore();
}

function drawField(context, rectangle, examples, values, colours) {
  const [side] = values.shape;
  const { low, high } = examples;
  const view = viewOf([low[0], high[0], low[1], high[1]], rectangle);
  drawAxes(context, view, examples.features, colours);
  clip(context, view);
  const isClasses = examples.classes.length > 0;
  const range = isClasses ? [0, 1] : span(Array.from(values.values), 0);
  const buffer = new OffscreenCanvas(side, side);
  const inside = buffer.getContext("2d");
  for (let r = 0; r < side; r++) {
    for (let c = 0; c < side; c++) {
      const share = (values.values[r * side + c] - range[0]) / (range[1] - range[0] || 1);
      inside.fillStyle = `color-mix(in oklab, ${colours.runs[1]} ${Math.round(100 * share)}%, ${colours.runs[0]})`;
      inside.fillRect(c, side - 1 - r, 1, 1);
    }
  }
  context.globalAlpha = 0.42;
  context.drawImage(buffer, view.left, view.top, view.width, view.height);
  context.globalAlpha = 1;
  const seen = isClasses ? [0, 1] : span(Array.from(examples.y.values), 0);
  examples.y.values.forEach((value, i) => {
    const place = [view.left_of(examples.X.values[2 * i]), view.top_of(examples.X.values[2 * i + 1])];
    const share = (value - seen[0]) / (seen[1] - seen[0] || 1);
    disc(context, place, 5, colours.panel);
    disc(context, place, 3.6, share > 0.5 ? colours.runs[1] : colours.runs[0]);
  });
  context.restore();
}

function drawScatter(context, rectangle, examples, values, colours, colour) {
  const observed = [], predicted = [];
  for (let i = 0; i < values.shape[0]; i++) {
    observed.push(values.values[2 * i]);
    predicted.push(values.values[2 * i + 1]);
  }
  const isClasses = examples.classes.length > 0;
  const y = isClasses ? [-0.05, 1.05] : span([...observed, ...predicted.filter((value) => Math.abs(value) < 10 * Math.max(...observed.map(Math.abs)))]);
  const view = viewOf([...(isClasses ? [-0.5, 1.5] : span(observed)), ...y], rectangle);
  drawAxes(context, view, [examples.target, "ŷ"], colours, { grid: true });
  clip(context, view);
  context.strokeStyle = colours.soft;
  context.setLineDash([5, 4]);
  if (!isClasses) line(context, view.left_of(-1e6), view.top_of(-1e6), view.left_of(1e6), view.top_of(1e6));
  context.globalAlpha = 0.7;
  observed.forEach((value, i) => {
    const spread = isClasses ? 0.3 * (((i * 0.618) % 1) - 0.5) : 0;  // classes side by side, not on top of each other
    disc(context, [view.left_of(value + spread), view.top_of(predicted[i])], 3.2, colour);
  });
  context.restore();
}

function clip(context, view) {
  context.save();
  context.font = FONT(12);
  context.beginPath();
  context.rect(view.left, view.top, view.width, view.height);
  context.clip();
}
