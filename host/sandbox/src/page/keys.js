// Keys that work on the whole page, and the list of them that `?` shows.

import { element } from "./dom.js";
import { isTyping } from "./parts/roving.js";
import { addressOf, go } from "./router.js";

/** How long after `g` the letter of a view may come. */
const SEQUENCE_MS = 1_200;

const PLACES = { p: "projects", m: "my-tasks", t: "time", j: "jobs", e: "events" };

const HELP = [
  ["Everywhere", [
    ["a", "actions for what is selected"], ["g p", "projects"], ["g m", "my tasks"], ["g t", "time"], ["g j", "jobs"], ["g e", "events"],
    ["/", "filter"], ["?", "this list"], ["Esc", "close a menu or a form"],
  ]],
  ["In the tree and in lists", [
    ["↑ ↓ Home End", "move"], ["→ ←", "open and close a row"], ["Enter", "open its page"],
    ["Space", "select also"], ["Shift ↑ ↓", "select a range"],
  ]],
  ["Player", [
    ["Space", "play and pause"], ["← →", "a frame, with Shift ten"], ["Home End", "first and last frame"],
    ["l m f", "repeat, sound, full screen"],
  ]],
  ["While writing", [["Ctrl Enter", "send"], ["Esc", "take back what is not saved"]]],
];

/** Listens for keys. `app` opens the menu and the dialog, and knows the view. */
export function listenForKeys(app) {
  let began = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)
      || document.querySelector("dialog[open], #menu:popover-open")) {
      return;
    }
    const isSecond = event.timeStamp - began < SEQUENCE_MS;
    began = event.key === "g" ? event.timeStamp : 0;
    if (isSecond && PLACES[event.key]) {
      go(addressOf(PLACES[event.key]));
    } else if (event.key === "?") {
      showHelp(app.dialog);
    } else if (event.key === "a") {
      app.actions.button.click();
    } else if (event.key === "/") {
      document.getElementById("filter")?.focus();
    } else if (!app.views.view?.pressed?.(event)) {
      return;
    }
    event.preventDefault();
  });
}

export function showHelp(dialog) {
  dialog.open({
    title: "Keys",
    nodes: HELP.map(([place, keys]) => element("section", { class: "keys" },
      element("h3", {}, place),
      element("dl", {}, keys.map(([key, meaning]) => [
        element("dt", {}, key.split(" ").map((part) => element("kbd", {}, part))), element("dd", {}, meaning),
      ])))),
  });
}
