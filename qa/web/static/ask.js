// A question asked without leaving the page: its phases, its sources, its text as it is written, then the stored answer.
import { load, onPage, show } from "./page.js";
import { askEvents, Refused } from "./stream.js";
import { announce, word } from "./words.js";

const PHASES = ["search", "read", "write", "check"];
const MOST_SOURCES = 8;
let running = null; // the AbortController of the question that is being answered

/** Stop the answer that is being made. Returns whether there was one. */
export function stop() {
  running?.abort();
  return running !== null;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-ask]");
  if (!form || event.defaultPrevented) return;
  event.preventDefault();
  ask(bodyOf(form), form);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-stop]")) stop();
  const suggestion = event.target.closest("[data-suggestion]");
  const form = document.querySelector("form[data-ask]");
  if (suggestion && form) {
    event.preventDefault();
    form.elements.question.value = suggestion.textContent.trim();
    form.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  // Enter asks, Shift+Enter begins a line; while a character is being composed it belongs to the keyboard
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("form[data-ask] textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
onPage(() => stop());

function bodyOf(form) {
  const fields = new FormData(form);
  const body = { question: fields.get("question") };
  for (const name of ["collection", "conversation_id", "mode"]) {
    if (fields.get(name)) body[name] = fields.get(name);
  }
  return body;
}

async function ask(body, form) {
  stop();
  const controller = (running = new AbortController());
  const view = open(body, form);
  const heard = { id: "" };
  try {
    for await (const event of askEvents(body, controller.signal)) hear(event, view, heard);
    await settle(heard, view);
  } catch (error) {
    if (controller === running) await fail(error, view, heard, controller.signal.aborted);
  } finally {
    if (controller === running) running = null;
  }
}

/** Put the view of an answer in the making in the place of the page's main part; the form goes along, hidden. */
function open(body, form) {
  const article = document.getElementById("asking").content.firstElementChild.cloneNode(true);
  const text = new Text();
  article.querySelector("h1").textContent = body.question;
  article.querySelector(".answer-text").append(text);
  const view = { article, text, form, body };
  article.querySelector("[data-again]").addEventListener("click", () => ask(body, form));
  form.elements.question.value = body.question;
  form.hidden = true;
  const main = document.querySelector("main");
  main.classList.add("wide");
  main.replaceChildren(article, document.getElementById("asking"));
  article.querySelector(".answer-rest").append(form);
  article.querySelector("[data-stop]").focus({ preventScroll: true });
  scrollTo(0, 0);
  begin(view, "search");
  return view;
}

function hear({ name, data }, view, heard) {
  if (name === "meta") heard.id = data.id;
  if (name === "passages") {
    begin(view, "read", { n: data.passages.length });
    list(data.passages, view);
  }
  if (name === "text") {
    begin(view, "write");
    view.article.querySelector(".answer-text").hidden = false;
    view.text.appendData(data.text);
  }
  if (name === "claim") begin(view, "check");
  if (name === "done") heard.answer = data;
}

/** Show that a phase has begun, once, and say so. */
function begin({ article }, phase, values = {}) {
  const item = article.querySelector(`[data-phase="${phase}"]`);
  if (item.classList.contains("begun")) return;
  for (const before of PHASES.slice(0, PHASES.indexOf(phase))) {
    article.querySelector(`[data-phase="${before}"]`).classList.add("begun", "over");
  }
  item.classList.add("begun");
  const said = word(phase, values);
  item.querySelector("span").textContent = said;
  announce(said);
}

/** List the documents that are being read, the best first. */
function list(passages, { article }) {
  const items = article.querySelector(".sources");
  const row = article.querySelector("template").content.firstElementChild;
  for (const passage of passages.slice(0, MOST_SOURCES)) {
    const item = row.cloneNode(true);
    item.querySelector("a").href = passage.url;
    item.querySelector(".source-title").textContent = passage.title;
    const words = item.querySelector(".source-words");
    words.textContent = passage.text.slice(0, 160);
    words.lang = passage.lang ?? "";
    items.append(item);
  }
  article.querySelector(".answer-side").hidden = passages.length === 0;
}

/** Put the stored answer, as the server shows it, in the place of what was streamed. */
async function settle({ id, answer }, view) {
  try {
    const address = `/answers/${id}${view.body.collection ? `?${new URLSearchParams({ collection: view.body.collection })}` : ""}`;
    show(await load(address));
    announce(answer.status === "no_evidence" ? word("none") : word("ready", { n: answer.citations.length }));
  } catch {
    // It could not be stored, on a full disk for one: what came counts all the same.
    view.text.data = answer.text;
    end(view);
    tell(view, { detail: word("unstored"), hint: "" }, "notice-warn");
  }
}

async function fail(error, view, { id }, stopped) {
  if (error instanceof Refused) return finish(view, error.problem, "notice-error");
  if (stopped) return finish(view, { detail: word("stopped"), hint: "" }, "");
  try {
    if (!id) throw error;
    show(await load(`/answers/${id}`)); // it may have been made and stored although the connection broke
  } catch {
    finish(view, { detail: word("cut"), hint: word(view.text.length ? "cut_text" : "cut_empty") }, "notice-error");
  }
}

function finish(view, problem, kind) {
  end(view);
  tell(view, problem, kind);
  view.article.querySelector("[data-again]").hidden = false;
  view.article.querySelector("[data-again]").focus();
}

/** Say what became of the answer, and bring the form back. */
function tell({ article, form }, { detail, hint }, kind) {
  const notice = article.querySelector("[data-fault]");
  notice.className = `notice ${kind}`;
  notice.hidden = false;
  notice.querySelector("[data-detail]").textContent = detail;
  notice.querySelector("[data-hint]").textContent = hint ? `${hint[0].toUpperCase()}${hint.slice(1)}` : "";
  form.hidden = false;
  announce([detail, hint].filter(Boolean).join(" "));
}

function end({ article }) {
  article.removeAttribute("aria-busy");
  article.classList.add("ended");
  article.querySelector(".asking-bar").hidden = true;
}
