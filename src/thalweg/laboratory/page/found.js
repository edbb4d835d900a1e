// The table of what each descent has reached and what thalweg says of it.

import { runColour } from "./colours.js";
import { knows, say, shown } from "./texts.js";

const GOOD = ["global_minimum", "local_minimum", "flat_valley"];
const BAD = ["overshooting", "saddle_point", "no_minimum"];

const cell = (name, text, values = {}) => Object.assign(document.createElement(name), { textContent: text, ...values });

export const labelOf = (run, methods) => say(`method_${run.method}`) + (methods[run.method].has_rate ? ` ${run.rate}` : "");

/** Fills the table. verdicts: one for each run, or null while they are not known. */
export function drawFound(table, scene, data, verdicts, methods) {
  const heads = ["descent", "at_step", "loss", "gradient_norm", "place", "verdict"];
  const head = document.createElement("thead");
  head.append(document.createElement("tr"));
  head.firstChild.append(...heads.map((name) => cell("th", say(name), { className: name, scope: "col" })));
  const body = document.createElement("tbody");
  data.runs.forEach((run, number) => body.append(row(scene, run, number, verdicts?.[number], methods, data)));
  table.replaceChildren(head, body);
}

function row(scene, run, number, verdict, methods, data) {
  const made = document.createElement("tr");
  const name = cell("td", "");
  const dot = cell("span", "", { className: "dot" });
  dot.style.background = `var(--${runColour(number)})`;
  name.append(dot, labelOf(data.asked[number], methods) + (data.asked[number].batch ? `, ${say("batch")} ${data.asked[number].batch}` : ""));
  made.append(name);
  if (run.problem) {
    made.append(cell("td", run.problem.message, { colSpan: 5, className: "problem verdict" }));
    return made;
  }
  const last = run.points.shape[0] - 1;
  const at = Math.min(scene.step, last);
  const dimension = run.points.shape[1];
  const place = Array.from(run.points.values.slice(dimension * at, dimension * (at + 1)), (value) => shown(value)).join(", ");
  made.append(cell("td", `${at} / ${run.steps}`), cell("td", shown(run.losses.values[at], 6)), cell("td", shown(run.gradient_norms.values[at], 4)));
  made.append(cell("td", data.size > 2 ? `${data.size} θ` : `(${place})`), verdictCell(verdict));
  return made;
}

/** A verdict's word, in its colour. */
export function badgeOf(verdict) {
  const kind = GOOD.includes(verdict.kind) ? "good" : BAD.includes(verdict.kind) ? "bad" : "warning";
  return cell("span", say(`kind_${verdict.kind}`), { className: `badge ${kind}`, title: verdict.sentence });
}

function verdictCell(verdict) {
  const made = cell("td", "", { className: "verdict" });
  if (!verdict) return made;
  made.append(badgeOf(verdict));
  const own = `means_${verdict.kind}`;
  const sentence = document.documentElement.lang === "en" || !knows(own) ? verdict.sentence : say(own);
  made.append(cell("small", sentence, { title: verdict.sentence }));
  return made;
}
