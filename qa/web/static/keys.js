// The keyboard: "/" goes to the question, n and p to the next and previous citation, Escape closes, stops or leaves.
// Single keys can be switched off (WCAG 2.1.4), for they get in the way of speech input; the choice is kept here.
import { stop } from "./ask.js";
import { close } from "./cards.js";
import { onPage } from "./page.js";

const KEPT = "single-keys";

onPage(() => {
  const keys = document.querySelector("[data-keys]");
  keys.hidden = false;
  keys.querySelector("input").checked = areOn();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-keys] input")) keep(event.target.checked);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.key === "Escape") leave(event);
  else if (!isWriting(event.target) && areOn()) press(event);
});

function press(event) {
  const act = { "/": focusQuestion, n: () => step(1), p: () => step(-1) }[event.key];
  if (act?.()) event.preventDefault();
}

/** Do the nearest of what Escape may mean; when it was done here it means no more to others. */
function leave(event) {
  if (close() || stop() || leaveQuestion(event.target)) event.preventDefault();
}

function leaveQuestion(target) {
  const isQuestion = target.matches("textarea");
  if (isQuestion) target.blur();
  return isQuestion;
}

function focusQuestion() {
  const box = document.querySelector("form[data-ask]:not([hidden]) textarea");
  box?.focus();
  return box;
}

/** Focus the next or previous citation of the answer, round the ends. */
function step(by) {
  const chips = [...document.querySelectorAll(".answer-text .chip")].filter((chip) => chip.checkVisibility());
  const at = chips.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : chips.length - 1) : (at + by + chips.length) % chips.length;
  chips[next]?.focus();
  return chips[next];
}

function isWriting(target) {
  return target.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");
}

function areOn() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

function keep(on) {
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // where nothing may be kept, the choice holds for no longer than this page: there is nothing to switch
  }
}
