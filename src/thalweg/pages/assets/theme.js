// Colours of theme.css for what is drawn on a canvas, which knows no CSS variables.

const probe = document.createElement("span");
probe.hidden = true;

/** The colour that a variable of theme.css stands for now: colourOf("curve-1"). */
export function colourOf(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

/** Calls a function whenever light turns into dark, or back. */
export function onThemeChange(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
