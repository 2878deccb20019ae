// Another page of this server in the place of the one that is shown, without loading anew.
const SWAPPED = ["main", ".bar", ".foot"];
let shown = location.pathname + location.search;

/** Fetch a page. Returns its document, and its address after redirects; rejects for an error status. */
export function load(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // of all ways to fetch, the one that gives a document and no text
    request.open("GET", address);
    request.responseType = "document";
    request.setRequestHeader("Accept", "text/html");
    request.onload = () =>
      request.status === 200 && request.response ? resolve({ page: request.response, address }) : reject(new Error(String(request.status)));
    request.onerror = () => reject(new Error("network"));
    request.send();
  });
}

/** Show a fetched page; push: as a new entry of the browser's history. */
export function show({ page, address }, { push = true } = {}) {
  const focused = document.activeElement;
  for (const part of SWAPPED) {
    document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
  }
  document.title = page.title;
  if (push) history.pushState(null, "", address);
  shown = location.pathname + location.search;
  enhanced();
  if (focused === document.body || !focused.isConnected) {
    (document.querySelector("main h1[tabindex]") ?? document.querySelector("main")).focus({ preventScroll: true });
  }
}

/** Call `enhance` with the page's main part, now or whenever another page is shown. */
export function onPage(enhance) {
  document.addEventListener("qa:page", () => enhance(document.querySelector("main")));
}

/** Tell every part of the script that the page is there. */
export function enhanced() {
  document.dispatchEvent(new Event("qa:page"));
}

/** Say that the address of this page was changed in place. */
export function moved(address) {
  history.replaceState(null, "", address);
  shown = location.pathname + location.search;
}

addEventListener("popstate", () => {
  if (location.pathname + location.search === shown) return; // only the place in the page is another
  load(location.href).then(
    (loaded) => show(loaded, { push: false }),
    () => location.reload(),
  );
});
