// The card of a citation: title, place and quote, where the pointer or the focus is. It stays while the pointer is on it,
// and Escape closes it (WCAG 1.4.13). What it shows is in the list of sources, too.
import { onPage } from "./page.js";

const OPEN_MS = 120;
const CLOSE_MS = 250;
const GAP = 8; // pixels between the number and the card
const card = document.createElement("div");
card.id = "citation-card";
card.className = "citation-card";
card.role = "tooltip";
card.hidden = true;
card.dir = "auto";
let chip = null; // the number whose card is shown
let timer = 0;

onPage((main) => {
  close();
  main.append(card);
  for (const one of main.querySelectorAll(".chip[title]")) one.removeAttribute("title"); // or there were two cards
});
document.addEventListener("pointerover", (event) => {
  const over = event.target.closest(".chip");
  if (over) soon(OPEN_MS, () => open(over));
  else if (card.contains(event.target)) clearTimeout(timer);
  else if (chip) soon(CLOSE_MS, () => document.activeElement !== chip && close());
  else clearTimeout(timer);
});
document.addEventListener("focusin", (event) => {
  if (event.target.matches(".chip")) soon(0, () => open(event.target));
  else if (chip) close();
});
document.addEventListener("click", (event) => event.target.closest(".chip") && close()); // its source opens instead
addEventListener("resize", close);

/** Close the card. Returns whether one was open. */
export function close() {
  clearTimeout(timer);
  if (!chip) return false;
  chip.removeAttribute("aria-describedby");
  sourceOf(chip)?.classList.remove("pointed");
  chip = null;
  card.hidden = true;
  return true;
}

function soon(ms, act) {
  clearTimeout(timer);
  timer = setTimeout(act, ms);
}

function open(wanted) {
  const source = sourceOf(wanted);
  if (chip === wanted || !source) return;
  close();
  chip = wanted;
  source.classList.add("pointed");
  card.replaceChildren(...[".source-title", ".source-place", ".source-quote"].flatMap((part) => copy(source, part)));
  card.hidden = false;
  chip.setAttribute("aria-describedby", card.id);
  place(chip.getBoundingClientRect());
}

function copy(source, part) {
  const found = source.querySelector(part);
  return found ? [found.cloneNode(true)] : [];
}

/** Put the card below the number, or above it where there is no room, within the page's width. */
function place(at) {
  const { width, height } = card.getBoundingClientRect();
  const end = document.documentElement.clientWidth - width - GAP;
  const above = at.bottom + GAP + height > innerHeight && at.top - GAP - height > 0;
  card.style.left = `${Math.max(GAP, Math.min(at.left - GAP, end)) + scrollX}px`;
  card.style.top = `${(above ? at.top - GAP - height : at.bottom + GAP) + scrollY}px`;
}

function sourceOf(one) {
  return document.getElementById(`source-${one.dataset.n}`);
}
