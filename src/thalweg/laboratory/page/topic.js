// What is descended on: a function of the gallery, a formula, a data set, or a table of one's own.

import { LONGEST, deflated } from "./address.js";
import { ask } from "./server.js";
import { knows, plain, say } from "./texts.js";

const $ = (id) => document.getElementById(id);

const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });

export class TopicPanel {
  /** onChange(patch): of the scene; the runs begin anew if patch.isNew. */
  constructor(catalogue, onChange) {
    Object.assign(this, { catalogue, onChange, loaded: null, csv: "" });
    $("topic").addEventListener("change", () => this.choose($("topic").value));
    $("number").addEventListener("input", () => onChange({ number: this.numbers[Number($("number").value)] }));
    $("formula").addEventListener("input", () => this.typed());
    $("table-text").addEventListener("change", () => this.load($("table-text").value));
    $("table-text").addEventListener("paste", () => setTimeout(() => this.load($("table-text").value)));
    $("table-file").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      if (!file) return;
      if (file.size > catalogue.largest_table) return this.refuse(say("table_large", { most: Math.round(catalogue.largest_table / 1024) }));
      $("table-text").value = await file.text();
      await this.load($("table-text").value);
    });
    for (const [id, name] of [["target", "target"], ["model", "model"], ["hidden", "hidden"]]) {
      $(id).addEventListener("change", () => onChange({ [name]: $(id).value, isNew: true }));
    }
    $("new-weights").addEventListener("click", () => onChange({ weights: Math.floor(1e6 * Math.random()), isNew: true }));
  }

  choose(topic) {
    const patch = { topic, number: this.catalogue.functions[topic]?.numbers.length ? this.catalogue.functions[topic].number : null, isNew: true };
    if (topic === "formula") patch.formula = $("formula").value || "x^4 - 2*x^2 + y^2 + 0.3*x";
    if (topic === "table" && this.loaded) Object.assign(patch, { table: this.loaded.table, target: $("target").value });
    this.onChange(patch);
  }

  typed() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.onChange({ formula: $("formula").value, isNew: true, isTyped: true }), 250);
  }

  /** Loads a table, and says what it holds. Returns whether it could be read. */
  async load(text, wanted = {}) {
    if (!text.trim()) return false;
    const answer = await ask("/table", { text: text.slice(0, this.catalogue.largest_table) }).catch((error) => ({ problem: { message: error.message } }));
    if (answer.problem) {
      this.refuse(answer.problem.message);
      return false;
    }
    this.refuse("");
    this.loaded = answer;
    const packed = await deflated(text);
    this.csv = packed.length <= LONGEST ? packed : "";
    $("table-text").value = text;
    const target = answer.targets.includes(wanted.target) ? wanted.target : answer.targets.at(-1);
    this.onChange({ ...wanted, topic: "table", table: answer.table, target, isNew: !wanted.isKept });
    return true;
  }

  refuse(message) {
    $("table-problem").textContent = message;
    $("table-problem").hidden = !message;
  }

  /** Fills the list of topics in the present language. */
  list() {
    const group = (label, names) => {
      const made = Object.assign(document.createElement("optgroup"), { label });
      made.append(...names.map((name) => option(name, say(`topic_${name}`))));
      return made;
    };
    const { functions, data_sets } = this.catalogue;
    const of = (dimension) => Object.keys(functions).filter((name) => functions[name].dimension === dimension);
    $("topic").replaceChildren(
      group(say("two_parameters"), of(2)), group(say("one_parameter"), of(1)),
      group(say("data"), data_sets), group(say("own"), ["formula", "table"]),
    );
  }

  get numbers() {
    return this.catalogue.functions[$("topic").value]?.numbers ?? [];
  }

  /** Shows a scene. data: of the server, or null. */
  show(scene, data) {
    $("topic").value = scene.topic;
    $("formula-box").hidden = scene.topic !== "formula";
    if (document.activeElement !== $("formula")) $("formula").value = scene.formula;
    $("table-box").hidden = scene.topic !== "table";
    $("table-model").hidden = !this.loaded;
    if (this.loaded) {
      $("table-rows").textContent = say("rows", { count: this.loaded.rows });
      $("target").replaceChildren(...this.loaded.targets.map((name) => option(name, name)));
      $("target").value = scene.target;
    }
    $("model").value = scene.model;
    $("hidden").value = scene.hidden;
    $("hidden-box").hidden = scene.model !== "perceptron";
    const isPerceptron = scene.topic === "table" && scene.model === "perceptron";
    $("new-weights").hidden = !isPerceptron;
    $("topic-formula").textContent = data?.formula ?? "";
    $("number-box").hidden = !this.numbers.length;
    if (this.numbers.length) {
      $("number").max = this.numbers.length - 1;
      $("number").value = Math.max(0, this.numbers.indexOf(scene.number ?? this.catalogue.functions[scene.topic].number));
      $("number-name").textContent = scene.topic === "rosenbrock" ? "b" : say("condition");
      $("number-value").textContent = plain(this.numbers[Number($("number").value)]);
      $("number").setAttribute("aria-label", $("number-name").textContent);
    }
    $("about-topic").textContent = knows(`about_${scene.topic}`) ? say(`about_${scene.topic}`) : "";
  }

  /** Shows what is wrong with a formula, at its place; "" if nothing is. */
  formulaProblem(problem) {
    const box = $("formula-problem");
    box.hidden = !problem;
    $("formula").setAttribute("aria-invalid", String(Boolean(problem)));
    if (!problem) return;
    const key = `formula_${problem.code}`;
    const message = problem.code && knows(key) ? say(key, problem.values) : problem.message;
    const typed = Object.assign(document.createElement("span"), { className: "typed" });
    if (problem.place) {
      const text = $("formula").value;
      const [first, end] = problem.place;
      typed.append(text.slice(0, first), Object.assign(document.createElement("mark"), { textContent: text.slice(first, end) || " " }), text.slice(end));
    }
    box.replaceChildren(message, typed);
  }
}
