// What the script says, in the page's language: the strings "js.…" of strings/<language>.json, from <body data-words>.
const words = JSON.parse(document.body.dataset.words);

/** Return a string with its values put in; `n` tells one from many. */
export function word(key, values = {}) {
  const found = words[key];
  const text = typeof found === "string" ? found : values.n === 1 ? found.one : found.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Say something to those who do not see the page change. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}
