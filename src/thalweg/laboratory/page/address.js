// A scene and its address: the part after # says everything, in words, so that it can be shared and bookmarked.

/** The reader's language, for addresses that name none. */
const LANGUAGE = navigator.language.startsWith("ko") ? "ko" : "en";

export const DEFAULTS = {
  picture: "", topic: "bowl", number: null, formula: "", table: "", target: "", model: "linear", hidden: "6", weights: 0,
  runs: [], steps: 200, window: null, plane: "path", seed: 0, step: 0, chosen: 0,
  show: ["gradient"], slice: "descent", scale: "log", view: "contour", moves: "all", language: LANGUAGE,
};

const NUMBERS = ["number", "weights", "steps", "seed", "step", "chosen"];
const WORDS = ["picture", "topic", "formula", "table", "target", "model", "hidden", "plane", "slice", "scale", "view", "moves", "language"];

export function newRun(method, rate, start = []) {
  return { method, rate, momentum: 0.9, batch: 0, start };
}

const short = (number) => String(Number(number.toPrecision(8)));

function runText(run) {
  return [run.method, short(run.rate), short(run.momentum), run.batch, run.start.map(short).join(";")].join(":");
}

function runOf(text) {
  const [method, rate, momentum, batch, start] = text.split(":");
  const numbers = (start || "").split(";").filter((part) => part !== "").map(Number);
  const run = { method, rate: Number(rate), momentum: Number(momentum || 0.9), batch: Number(batch || 0), start: numbers };
  const isWhole = [run.rate, run.momentum, run.batch, ...numbers].every(Number.isFinite);
  return method && isWhole ? run : null;
}

/** The address of a scene: what is as by default is left out. */
export function addressOf(scene) {
  const parts = new URLSearchParams();
  for (const name of [...WORDS, ...NUMBERS]) {
    const value = scene[name];
    if (value !== DEFAULTS[name] && value !== null && value !== "") parts.set(name, typeof value === "number" ? short(value) : value);
  }
  if (scene.show.join() !== DEFAULTS.show.join()) parts.set("show", scene.show.join(","));
  if (scene.window) parts.set("window", scene.window.map(short).join(","));
  for (const run of scene.runs) parts.append("run", runText(run));
  return parts.toString().replaceAll("%3A", ":").replaceAll("%3B", ";").replaceAll("%2C", ",");
}

/** The scene that an address says; what it lacks is as by default. */
export function sceneOf(address) {
  const parts = new URLSearchParams(address.replace(/^#/, ""));
  const scene = { ...DEFAULTS };
  for (const name of WORDS) if (parts.has(name)) scene[name] = parts.get(name);
  for (const name of NUMBERS) if (Number.isFinite(Number(parts.get(name) ?? NaN))) scene[name] = Number(parts.get(name));
  if (parts.has("show")) scene.show = parts.get("show").split(",").filter(Boolean);
  const window = (parts.get("window") || "").split(",").map(Number);
  if (window.length === 4 && window.every(Number.isFinite)) scene.window = window;
  scene.runs = parts.getAll("run").map(runOf).filter(Boolean);
  scene.steps = Math.max(1, Math.min(2000, Math.round(scene.steps)));
  scene.step = Math.max(0, Math.min(scene.steps, Math.round(scene.step)));
  scene.chosen = Math.max(0, Math.min(scene.runs.length - 1, Math.round(scene.chosen)));
  return scene;
}

/** So many characters of an address may be a table. */
export const LONGEST = 6000;

/** A text as part of an address, deflated; and back. */
export async function deflated(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export async function inflated(text) {
  if (text.length > LONGEST) throw new Error("too long");  // little can become very much
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}
