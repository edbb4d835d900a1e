// What the page knows of the descent: for each member its curves, and the checks on validation data.

const PARTS = ["step", "loss", "gradient_norm", "learning_rate", "point"];

export function emptyStory() {
  return { members: new Map(), checks: { step: [], loss: [] } };
}

/** Adds rows of members, as the server sends them. */
export function addRows(story, rows) {
  for (const part of rows.members) {
    let member = story.members.get(part.number);
    if (!member) {
      member = Object.fromEntries(PARTS.map((name) => [name, []]));
      story.members.set(part.number, member);
    }
    for (const name of PARTS) for (const value of part[name]) member[name].push(value);
  }
}

export function addChecks(story, checks) {
  story.checks.step.push(...checks.step);
  story.checks.loss.push(...checks.loss);
}

/** The colour of a member: one alone takes the colour of what is drawn. */
export function colourName(number, count, alone) {
  return count > 1 ? `curve-${1 + (number % 8)}` : alone;
}

/** A number for people: 0.25, 1.2e-16, 12,000. */
export function figure(value, digits = 6) {
  if (value === null || value === undefined) return "not finite";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e6) return String(Number(value.toPrecision(digits)));
  return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
}
