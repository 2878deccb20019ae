// Sending files by drag and drop, whole folders too, with progress; and the state of indexing, asked for while it runs.
import { onPage } from "./page.js";
import { token } from "./token.js";
import { announce, word } from "./words.js";

const POLL = 1000; // milliseconds

onPage((main) => {
  for (const form of main.querySelectorAll("form.upload")) prepare(form);
  const job = main.querySelector("#job");
  if (job?.dataset.status === "running") watch();
});

// ---- what was dropped or chosen, as [file, path]

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [[file, entry.fullPath.replace(/^\//, "")]];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // a folder is handed out in batches, the last of which is empty
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return found;
    for (const one of batch) if (!one.name.startsWith(".")) found.push(...(await filesOf(one)));
  }
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => [file, file.name]);
  const found = (await Promise.all(entries.map(filesOf))).flat();
  return found.sort(([, one], [, other]) => one.localeCompare(other)); // folders hand them out in no order
}

function chosen(input) {
  const files = [...input.files].map((file) => [file, file.webkitRelativePath || file.name]);
  return files.filter(([, path]) => !path.split("/").some((part) => part.startsWith(".")));
}

// ---- sending, one after the other; indexing begins when all are there, whatever became of the last

function bodyOf(form, file, path) {
  const body = new FormData();
  body.append("path", path);
  if (form.elements.replace.checked) body.append("replace", "1");
  body.append("more", "1");
  body.append("file", file);
  return body;
}

function send(form, body, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // fetch does not say how much has been sent
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(token())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => resolve(outcome(request));
    request.onerror = () => resolve({ status: "refused", message: word("upload_failed") });
    request.send(body);
  });
}

function outcome(request) {
  const answer = request.response;
  if (request.status === 200 && answer?.files?.length) return answer.files[0];
  const message = request.status === 413 ? word("upload_too_large") : answer?.detail || word("upload_failed");
  return { status: "refused", message };
}

function line(list, path) {
  const row = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = path;
  const state = document.createElement("span");
  state.className = "quiet";
  state.textContent = word("upload_waiting");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", path);
  row.append(name, state, bar);
  list.append(row);
  return { row, state, bar };
}

async function sendAll(form, list, files) {
  const focused = document.activeElement;
  lock(form, true);
  list.replaceChildren();
  const rows = files.map(([, path]) => line(list, path));
  let taken = 0;
  for (const [at, [file, path]] of files.entries()) {
    const { row, state, bar } = rows[at];
    row.scrollIntoView({ block: "nearest" });
    const result = await send(form, bodyOf(form, file, path), (share) => (bar.value = share));
    bar.remove();
    state.textContent = result.message;
    row.classList.add(result.status);
    if (result.status !== "refused") taken += 1;
  }
  if (taken) await send(form, new FormData(), () => {});
  lock(form, false);
  form.reset();
  if (form.contains(focused)) focused.focus();
  announce(word("upload_over", { n: files.length, taken }));
  watch(taken > 0);
}

function lock(form, isOn) {
  form.toggleAttribute("data-sending", isOn);
  for (const one of form.elements) one.disabled = isOn;
}

function prepare(form) {
  const list = document.createElement("ul");
  list.className = "upload-list";
  list.setAttribute("aria-label", word("upload_progress"));
  list.tabIndex = 0; // it scrolls
  form.append(list);
  const hint = document.createElement("p");
  hint.className = "quiet";
  hint.textContent = word("upload_drop");
  form.querySelector("label").after(hint);
  const input = form.elements.file;
  offerFolder(input, (files) => sendAll(form, list, files));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length) sendAll(form, list, chosen(input));
  });
  takeDrops(form, (files) => sendAll(form, list, files));
}

/** Put a button beside the box of files that asks for a folder instead. */
function offerFolder(input, take) {
  const folder = input.cloneNode();
  folder.removeAttribute("id");
  folder.removeAttribute("name");
  folder.required = false;
  folder.webkitdirectory = true;
  folder.hidden = true;
  const choose = document.createElement("button");
  choose.type = "button";
  choose.className = "plain";
  choose.textContent = word("upload_folder");
  choose.addEventListener("click", () => folder.click());
  input.after(choose, folder);
  folder.addEventListener("change", () => folder.files.length && take(chosen(folder)));
}

function takeDrops(form, take) {
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) form.classList.remove("over");
  });
  form.addEventListener("drop", async (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (form.hasAttribute("data-sending")) return;
    const files = await dropped(event.dataTransfer);
    if (files.length) take(files);
  });
}

// ---- how far indexing is

function fetchJob() {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", "/documents/job");
    request.responseType = "document";
    request.onload = () => resolve(request.response?.getElementById("job") ?? null);
    request.onerror = () => resolve(null);
    request.send();
  });
}

/** Show how far indexing is until it is over. begun: a run was begun just now, and may be over before it is asked for. */
async function watch(begun = false) {
  for (;;) {
    const fresh = await fetchJob();
    const shown = document.getElementById("job");
    if (!shown) return;
    if (fresh) {
      for (const one of fresh.querySelectorAll("[data-no-script]")) one.remove();
      shown.replaceWith(document.adoptNode(fresh));
    }
    if (fresh && fresh.dataset.status !== "running") {
      if (begun || shown.dataset.status === "running") announce(fresh.textContent.trim());
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}
