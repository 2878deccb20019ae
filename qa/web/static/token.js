// What shows the server that a write comes from a page of its own.
/** Return the header that every write carries. */
export function token() {
  return { "X-CSRF-Token": document.body.dataset.token };
}
