// What the pages do beyond their HTML. Without this module they are complete; each part adds to elements that are there.
// No text ever becomes elements here (the policy of trusted types forbids it): pages are fetched as documents.
import "./answer.js";
import "./ask.js";
import "./cards.js";
import "./cited.js";
import "./keys.js";
import { enhanced } from "./page.js";
import "./panel.js";
import "./upload.js";

enhanced();
