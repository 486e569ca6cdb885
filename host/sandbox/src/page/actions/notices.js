// Messages in the corner.

import { byId, element } from "../dom.js";
import { markdown } from "./markdown.js";

/** How long a message stays that asks for nothing. */
const NOTICE_MS = 15_000;

/** Shows a message and returns it. `kind` is `success`, `failure` or `busy`; `more` comes below the text. */
export function notice(kind, text, ...more) {
  const close = () => made.remove();
  const made = element("div", { class: `notice ${kind}`, role: kind === "failure" ? "alert" : "status" },
    element("div", { class: "prose" }, markdown(text), ...more),
    kind === "busy" ? null : element("button", { type: "button", "aria-label": "Dismiss", click: close }, "×"));
  const notices = byId("notices");
  notices.append(made);
  if (notices.matches(":popover-open")) {
    notices.hidePopover();
  }
  // Shown again, it comes to lie above a dialog that was opened meanwhile.
  notices.showPopover();
  if (kind === "success") {
    setTimeout(close, NOTICE_MS);
  }
  return made;
}
