// The list of descents: method, learning rate, momentum, batch, start; one of them is chosen.

import { plain, say } from "./texts.js";
import { runColour } from "./colours.js";
import { badgeOf } from "./found.js";

const element = (name, values = {}, ...children) => {
  const made = Object.assign(document.createElement(name), values);
  made.append(...children);
  return made;
};

const LOWEST = -5, HIGHEST = 1;  // of the slider, in powers of ten
const BATCHES = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Shows the runs. Values that change are told by onChange(number, values, isFinal), onChoose(number), onRemove(number). */
export class Runs {
  constructor(container, methods, tell) {
    this.container = container;
    this.methods = methods;
    this.tell = tell;
    this.key = "";
  }

  draw(runs, chosen, { examples, names, language }) {
    // While a slider is moved only its texts change; the list is built anew if its form does.
    const key = JSON.stringify([runs.map((run) => run.method), examples, names, language]);
    if (key !== this.key) this.build(runs.map((run, number) => this.row(run, number, examples, names, runs.length)));
    this.key = key;
    runs.forEach((run, number) => this.fill(this.container.children[number], run, number === chosen));
  }

  /** Puts rows in place of the old ones; what had the focus has it again. */
  build(rows) {
    const held = document.activeElement;
    const place = [...this.container.children].findIndex((row) => row.contains(held));
    const within = place < 0 ? -1 : [...this.container.children[place].querySelectorAll("select, input, button")].indexOf(held);
    this.container.replaceChildren(...rows);
    if (place >= 0) rows[Math.min(place, rows.length - 1)].querySelectorAll("select, input, button")[within]?.focus();
  }

  /** Puts each verdict to its run; null while they are not known. */
  judge(verdicts) {
    [...this.container.children].forEach((row, number) => {
      row.querySelector(".badge")?.remove();
      if (verdicts?.[number]) row.append(badgeOf(verdicts[number]));
    });
  }

  row(run, number, examples, names, count) {
    const kind = this.methods[run.method];
    const row = element("div", { className: "run" });
    const colour = element("button", { className: "colour", title: say("choose"), ariaLabel: say("choose_run", { number: number + 1 }) });
    colour.style.background = `var(--${runColour(number)})`;
    colour.style.color = `var(--${runColour(number)})`;
    colour.addEventListener("click", () => this.tell.onChoose(number));
    row.addEventListener("focusin", () => row.classList.contains("is-chosen") || this.tell.onChoose(number));
    const method = element("select", { ariaLabel: say("method") }, ...Object.keys(this.methods).map((name) => element("option", { value: name }, say(`method_${name}`))));
    method.value = run.method;
    method.addEventListener("change", () => this.tell.onChange(number, { method: method.value }, true));
    const remove = element("button", { className: "remove", textContent: "×", title: say("remove"), ariaLabel: say("remove_run", { number: number + 1 }), disabled: count < 2 });
    remove.addEventListener("click", () => this.tell.onRemove(number));
    row.append(colour, method, remove);
    const numbers = element("div", { className: "numbers" });
    if (kind.has_rate) numbers.append(...this.slider(number, "rate", say("rate"), { min: LOWEST, max: HIGHEST, step: 0.02 }, (value) => Math.log10(value), (place) => Number((10 ** place).toPrecision(3))));
    if (kind.has_momentum) numbers.append(...this.slider(number, "momentum", say("momentum"), { min: 0, max: 0.99, step: 0.01 }, Number, Number));
    if (examples > 1 && kind.takes_batches) numbers.append(...this.batch(number, examples));
    if (names.length <= 2) numbers.append(...this.start(number, names));
    row.append(numbers);
    return row;
  }

  slider(number, name, label, range, placeOf, valueOf) {
    const slide = element("input", { type: "range", ...range, ariaLabel: label });
    const typed = element("input", { type: "text", inputMode: "decimal", ariaLabel: label });
    slide.dataset.name = typed.dataset.name = name;
    slide.placeOf = placeOf;
    slide.addEventListener("input", () => this.tell.onChange(number, { [name]: valueOf(Number(slide.value)) }, false));
    slide.addEventListener("change", () => this.tell.onChange(number, {}, true));
    typed.addEventListener("change", () => {
      const value = Number(typed.value.replace(",", "."));
      const isRight = name === "rate" ? value > 0 && value <= 1000 : value >= 0 && value < 1;
      this.tell.onChange(number, isRight ? { [name]: value } : {}, true);
    });
    return [element("span", { className: "soft" }, label), slide, typed];
  }

  batch(number, examples) {
    const choices = BATCHES.filter((batch) => batch < examples);
    const select = element("select", { ariaLabel: say("batch"), className: "start" }, ...choices.map((batch) => element("option", { value: batch }, batch ? String(batch) : say("batch_all", { count: examples }))));
    select.dataset.name = "batch";
    select.addEventListener("change", () => this.tell.onChange(number, { batch: Number(select.value) }, true));
    return [element("span", { className: "soft" }, say("batch")), select];
  }

  start(number, names) {
    const typed = element("input", { type: "text", className: "start", ariaLabel: `${say("start")} ${names.join(", ")}` });
    typed.dataset.name = "start";
    typed.addEventListener("change", () => {
      const values = typed.value.replaceAll("−", "-").split(/[,;\s]+/).filter(Boolean).map(Number);
      const isRight = values.length === names.length && values.every(Number.isFinite);
      this.tell.onChange(number, isRight ? { start: values } : {}, true);
    });
    return [element("span", { className: "soft" }, say("start")), typed];
  }

  fill(row, run, isChosen) {
    row.classList.toggle("is-chosen", isChosen);
    row.querySelector(".colour").ariaPressed = String(isChosen);
    for (const input of row.querySelectorAll("[data-name]")) {
      const value = run[input.dataset.name];
      if (input.type === "range") input.value = input.placeOf(value);
      else if (input.dataset.name === "start") input.value = input === document.activeElement ? input.value : value.map(plain).join(", ");
      else input.value = typeof value === "number" ? plain(value) : value;
    }
  }
}
