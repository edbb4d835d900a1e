// Heights: which contour lines are drawn, and how heights are coloured.

/** What is known of a grid's heights: lowest, highest that is told apart, the power by which steps grow, and the lines. */
export function heightsOf(values, count = 17) {
  const finite = Array.from(values).filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return { low: 0, high: 1, power: 1, lines: [] };
  const at = (share) => finite[Math.min(finite.length - 1, Math.floor(share * finite.length))];
  const low = finite[0];
  let high = at(0.97);
  if (!(high > low)) high = finite[finite.length - 1];
  if (!(high > low)) high = low + 1;
  // So that half of the picture lies in the lower half of the colours: lines stay apart in deep valleys.
  const middle = Math.min(0.95, Math.max(1e-9, (at(0.5) - low) / (high - low)));
  const power = Math.min(6, Math.max(1, Math.log(middle) / Math.log(0.5)));
  const lines = [];
  for (let i = 1; i <= count + 4; i++) lines.push(low + (high - low) * (i / count) ** power);
  return { low, high, power, lines };
}

/** A height as a number from 0, the valley, to 1, the ridge. */
export function shareOf(heights, value) {
  if (Number.isNaN(value)) return NaN;
  const share = (value - heights.low) / (heights.high - heights.low);
  return Math.min(1, Math.max(0, share)) ** (1 / heights.power);
}

/** The colours from valley to ridge: [r, g, b] for a share from 0 to 1. */
export function rampOf(colourOf) {
  const stops = [0, 1, 2, 3, 4].map((i) => colourOf(`height-${i}`).match(/[\d.]+/g).slice(0, 3).map(Number));
  return (share) => {
    const place = Math.min(3.9999, Math.max(0, share * 4));
    const first = Math.floor(place);
    const part = place - first;
    return stops[first].map((value, i) => value + part * (stops[first + 1][i] - value));
  };
}

/** The next of the lines 1, 2, 5, 10, ... for about so many ticks. */
export function ticks(low, high, wanted) {
  const raw = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
