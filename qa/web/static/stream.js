// Server-sent events by fetch, which unlike EventSource can post and be stopped.
import { token } from "./token.js";

const SILENCE_MS = 45_000; // the server gives a sign of life every 15 s

/** The request was refused or failed on the server. `problem` says why: detail, hint. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The stream ended before its last event. */
export class Cut extends Error {}

/** Post a question and yield the events {name, data} of its answer. Throws Refused, Cut, or AbortError when stopped. */
export async function* askEvents(body, signal) {
  const response = await fetch("/api/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream", ...token() },
    body: JSON.stringify(body),
    signal,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new Cut();
  });
  if (!response.ok) throw new Refused(await response.json().catch(() => ({ detail: String(response.status), hint: "" })));
  for await (const event of eventsOf(response.body, signal)) {
    if (event.name === "error") throw new Refused(event.data);
    yield event;
    if (event.name === "done") return;
  }
  throw new Cut();
}

async function* eventsOf(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { done, value } = await within(SILENCE_MS, reader.read(), signal);
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
  return fields.event ? { name: fields.event, data: JSON.parse(fields.data) } : null;
}

function within(ms, promise, signal) {
  let timer;
  const silence = new Promise((_, reject) => (timer = setTimeout(() => reject(new Cut()), ms)));
  const broken = promise.catch((error) => {
    throw signal.aborted ? error : new Cut();
  });
  return Promise.race([broken, silence]).finally(() => clearTimeout(timer));
}
