// The colours of the theme, as a canvas needs them, read once for each drawing.

import { colourOf } from "./theme.js";
import { rampOf } from "./heights.js";

export const runColour = (number) => `curve-${(number % 8) + 1}`;

export function coloursNow() {
  const found = {};
  for (const [name, variable] of Object.entries({
    ink: "ink", soft: "soft-ink", grid: "grid", line: "line", panel: "panel", accent: "accent", good: "good",
    warning: "warning", bad: "bad", contour: "contour-line", halo: "halo", raised: "raised",
  })) found[name] = colourOf(variable);
  found.runs = Array.from({ length: 8 }, (_, i) => colourOf(runColour(i)));
  found.ramp = rampOf(colourOf);
  return found;
}

/** A colour with another opacity. */
export function faint(colour, opacity) {
  return `color-mix(in srgb, ${colour} ${Math.round(100 * opacity)}%, transparent)`;
}
