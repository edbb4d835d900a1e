// What is asked of the server, and numbers in bulk as it sends them.

/** Posts a question, and returns the answer. Throws an Error with the server's message. */
export async function ask(path, question) {
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) });
  const answer = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Error(answer.error);
  return unpacked(answer);
}

const KINDS = { float32: Float32Array, float64: Float64Array };

function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.bytes === "string" && value.shape) {
    const bytes = Uint8Array.from(atob(value.bytes), (character) => character.charCodeAt(0));
    return { shape: value.shape, values: new KINDS[value.type](bytes.buffer) };
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unpacked(item)]));
}
