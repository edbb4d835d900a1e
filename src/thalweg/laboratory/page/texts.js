// The page's words in the reader's language.

let words = {};

/** Loads a language, "en" or "ko", and puts its words on the page. */
export async function speak(language) {
  words = await (await fetch(`texts_${language}.json`)).json();
  document.documentElement.lang = language;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
    element.title = say(element.dataset.label);
  }
}

/** The words of a key, with values put in place of {names}. */
export function say(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const knows = (key) => key in words;

/** A number as a person reads it. */
export function shown(number, digits = 4) {
  if (number === null || number === undefined || Number.isNaN(number)) return "–";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  const size = Math.abs(number);
  if (number !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [mantissa, exponent] = number.toExponential(digits - 2).split("e");
    const raised = [...String(Number(exponent))].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
    const front = String(Number(mantissa)).replace("-", "−");
    return front === "1" ? `10${raised}` : `${front}·10${raised}`;
  }
  return String(Number(number.toPrecision(digits))).replace("-", "−");
}

/** A learning rate as it is typed. */
export const plain = (number) => String(Number(number.toPrecision(6)));
