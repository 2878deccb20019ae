// On the answer's page: show only what is supported, copy, say what one thinks. Each is a form or a link without this.
import { moved, onPage } from "./page.js";
import { token } from "./token.js";
import { announce, word } from "./words.js";

onPage((main) => {
  for (const one of main.querySelectorAll("[data-no-script]")) one.hidden = true;
  for (const one of main.querySelectorAll("[data-copy]")) one.hidden = !navigator.clipboard;
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-only]");
  if (form) filter(event.target.checked);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy);
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-feedback]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  say(form, event.submitter).catch(() => form.submit());
});

function filter(only) {
  document.getElementById("answer").classList.toggle("only-supported", only);
  const address = new URL(location.href);
  if (only) address.searchParams.set("only", "1");
  else address.searchParams.delete("only");
  moved(address);
  const hidden = document.querySelectorAll('.unit:not([data-verdict="supported"])').length;
  announce(word(only ? "hidden" : "shown", { n: hidden }));
}

async function copy(address) {
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(String(response.status));
    await navigator.clipboard.writeText(await response.text());
    announce(word("copied"));
  } catch {
    location.assign(address); // to be copied by hand
  }
}

/** Send what was said; pressing the same button again takes it back. */
async function say(form, button) {
  const body = { answer_id: document.getElementById("answer").dataset.id, citation: Number(form.dataset.feedback), value: button.value };
  const response = await fetch("/api/feedback", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...token() },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(String(response.status));
  for (const one of form.querySelectorAll(".say")) {
    const pressed = body.value !== "" && one.dataset.value === body.value;
    one.setAttribute("aria-pressed", String(pressed));
    one.value = pressed ? "" : one.dataset.value;
  }
  announce(word(body.value ? "noted" : "withdrawn"));
}
