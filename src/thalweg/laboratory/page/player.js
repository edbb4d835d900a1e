// Plays the steps: forwards, backwards, and by itself.

import { say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const SECONDS = 7;

export class Player {
  /** onStep(step): the present step has changed. */
  constructor(onStep) {
    this.onStep = onStep;
    this.step = this.last = 0;
    $("first").addEventListener("click", () => this.go(0));
    $("back").addEventListener("click", () => this.go(this.step - 1));
    $("forth").addEventListener("click", () => this.go(this.step + 1));
    $("last").addEventListener("click", () => this.go(this.last));
    $("play").addEventListener("click", () => this.toggle());
    $("step").addEventListener("input", (event) => this.go(Number(event.target.value)));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.target.matches("input, select, textarea, button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { ".": () => this.go(this.step + 1), ",": () => this.go(this.step - 1), " ": () => this.toggle() }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Sets where it stands and how far it goes. */
  set(step, last) {
    this.last = last;
    this.step = Math.min(step, last);
    $("step").max = last;
    $("step").value = this.step;
    $("step-shown").textContent = say("step_of", { step: this.step, last });
    $("back").disabled = $("first").disabled = this.step === 0;
    $("forth").disabled = $("last").disabled = this.step === last;
  }

  go(step, isPlaying = false) {
    if (!isPlaying) this.pause();
    this.set(Math.max(0, Math.min(this.last, step)), this.last);
    this.onStep(this.step, !isPlaying);
  }

  toggle() {
    if (this.timer) return this.pause();
    if (this.step >= this.last) this.set(0, this.last);
    $("play").classList.add("is-playing");
    $("play").setAttribute("aria-label", say("pause"));
    const from = this.step, begin = performance.now();
    const rate = Math.max(4, this.last / SECONDS);
    const frame = (now) => {
      const step = Math.min(this.last, from + Math.floor((rate * (now - begin)) / 1000));
      if (step !== this.step) this.go(step, true);
      if (step >= this.last) this.pause();
      else this.timer = requestAnimationFrame(frame);
    };
    this.timer = requestAnimationFrame(frame);
  }

  pause() {
    if (!this.timer) return;
    cancelAnimationFrame(this.timer);
    this.timer = null;
    $("play").classList.remove("is-playing");
    $("play").setAttribute("aria-label", say("play"));
    this.onStep(this.step, true);
  }
}
