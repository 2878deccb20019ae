// What the pages do beyond their HTML. Without this module they are complete; each part adds to elements that are there.
// No text ever becomes elements here (the policy of trusted types forbids it): pages are fetched as documents.
