// The source beside the answer: on wide screens a citation opens there; everywhere else its link is followed as ever.
import { onPage } from "./page.js";
import { announce, word } from "./words.js";

const WIDE = "(min-width: 70rem)";
const LINKS = ".answer a.chip, .answer a.source, .answer .others a, .panel a[data-part]";

let panel = null;
let opener = null;
let loading = null;

onPage((main) => {
  // an answer that has just been written takes the place of its draft: what was opened of it stays
  if (panel && !point(panel.dataset.source)) closePanel();
  const chip = panel && main.querySelector(".answer a.chip[aria-current]");
  if (chip && chip.href !== panel.dataset.source) openPanel(chip.href); // which knows its neighbours, unlike the draft's
  if (!matchMedia(WIDE).matches) return;
  for (const outline of main.querySelectorAll("details.outline")) outline.open = true; // here is room for it
});

function isPlainClick(event) {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

// The last click counts: what was asked for before is dropped.
function fetchPage(address) {
  loading?.abort();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    loading = request;
    request.responseType = "document";
    request.open("GET", address);
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : reject());
    request.onerror = reject;
    request.send();
  });
}

function partOf(href) {
  const address = new URL(href);
  address.searchParams.set("part", "1");
  address.hash = "";
  return address.href;
}

function makePanel() {
  const made = document.createElement("aside");
  made.className = "panel";
  made.setAttribute("aria-label", word("panel"));
  const bar = document.createElement("div");
  bar.className = "panel-bar";
  const name = document.createElement("h2");
  name.textContent = word("panel");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "plain";
  close.textContent = word("panel_close");
  close.addEventListener("click", closePanel);
  bar.append(name, close);
  const body = document.createElement("div");
  body.className = "panel-body";
  body.tabIndex = 0;
  made.append(bar, body);
  document.body.append(made);
  document.body.classList.add("with-panel");
  return made;
}

function closePanel() {
  loading?.abort();
  panel?.remove();
  panel = null;
  document.body.classList.remove("with-panel");
  const chip = document.querySelector(".answer a.chip[aria-current]");
  point(null);
  (opener?.isConnected ? opener : chip)?.focus();
  opener = null;
}

// Show which numbers of the answer the panel is about. Returns whether there are any.
function point(href) {
  for (const chip of document.querySelectorAll(".answer a.chip[aria-current]")) chip.removeAttribute("aria-current");
  if (!href) return false;
  const place = spanOf(href);
  const chips = [...document.querySelectorAll(".answer a.chip")].filter((chip) => spanOf(chip.href) === place);
  for (const chip of chips) chip.setAttribute("aria-current", "true");
  return chips.length > 0;
}

function spanOf(href) {
  const address = new URL(href);
  return [address.pathname, address.searchParams.get("start"), address.searchParams.get("end")].join(" ");
}

function showMark(body) {
  const mark = body.querySelector("mark#cited");
  if (!mark) return;
  const from = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
  body.scrollTop += from - body.clientHeight / 3;
}

async function openPanel(href) {
  let source;
  try {
    source = (await fetchPage(partOf(href))).querySelector("article.document");
  } catch {
    source = null;
  }
  if (!source) {
    location.href = href;
    return;
  }
  panel ??= makePanel();
  panel.dataset.source = href;
  const body = panel.querySelector(".panel-body");
  body.replaceChildren(document.adoptNode(source));
  showMark(body);
  body.querySelector(".document-title")?.focus({ preventScroll: true });
  point(href);
  announce(word("panel_open"));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(LINKS);
  if (!link || !isPlainClick(event) || event.defaultPrevented || !matchMedia(WIDE).matches) return;
  event.preventDefault();
  if (!link.closest(".panel")) opener = link;
  openPanel(link.href);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel && !event.defaultPrevented) {
    event.preventDefault();
    closePanel();
  }
});
