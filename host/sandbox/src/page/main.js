// Puts the page together: signs in, draws the tree, and keeps it true to what the event hub tells.

import { Actions, notice } from "./actions.js";
import { Api, userId } from "./api.js";
import { byId, element } from "./dom.js";
import { Entities } from "./entities.js";
import { EventLog } from "./event_log.js";
import { Hub } from "./hub.js";
import { Tree } from "./tree.js";

/** Changes that come together are read together. */
const REFRESH_AFTER_MS = 120;

const session = JSON.parse(document.querySelector("meta[name=sandbox-session]").content);
byId("version").textContent = `ftrack-compatible, version ${session.version}`;

if (session.signIn) {
  start(session.signIn).catch((error) => notice("failure", error.message));
} else {
  askWhoSignsIn();
}

async function start(signIn) {
  const api = new Api(signIn);
  const id = await userId(api, signIn.user);
  byId("user").textContent = signIn.user;

  const log = new EventLog(byId("log"));
  byId("clear-log").addEventListener("click", () => log.clear());

  // All are made before the hub connects, so its functions find them.
  const hub = new Hub(signIn, id, { onState, onEvent });
  const actions = new Actions(hub);
  const tree = new Tree(byId("tree"), new Entities(api), {
    onSelect: (selected) => showSelection(actions, selected),
    onActions: () => actions.openMenu(),
    onProblem: (error) => notice("failure", `The tree could not be read again: ${error.message}`),
  });
  const refresh = oneAtATime(() => tree.refresh());
  let hasStarted = false;

  function onState(state) {
    showConnection(state);
    byId("actions").disabled = state !== "connected";
    if (state === "connected" && hasStarted) {
      // What happened while there was no connection was not heard.
      refresh();
    }
  }

  function onEvent(event) {
    log.add(event);
    if (event.topic === "ftrack.update") {
      refresh();
    } else if (event.topic === "ftrack.action.trigger-user-interface") {
      actions.showUnasked(event.data);
    }
  }

  await tree.start();
  hasStarted = true;
  await hub.connect();
}

function showConnection(state) {
  const line = byId("connection");
  line.dataset.state = state;
  line.textContent = state === "connected" ? "Connected" : "Not connected";
}

function showSelection(actions, selected) {
  actions.selection = selected;
  const names = selected.slice(0, 3).map((entity) => entity.name).join(", ");
  const more = selected.length > 3 ? ` and ${selected.length - 3} more` : "";
  byId("selection").textContent = selected.length > 0
    ? `${names}${more}`
    : "Select a row, or several with Ctrl or Shift, and press Actions.";
}

/** Returns a function that asks for `work` to be done soon; what is asked meanwhile is done once more afterwards. */
function oneAtATime(work) {
  let isAsked = false;
  let isRunning = false;
  return async function ask() {
    isAsked = true;
    if (isRunning) {
      return;
    }
    isRunning = true;
    while (isAsked) {
      await new Promise((resolve) => setTimeout(resolve, REFRESH_AFTER_MS));
      isAsked = false;
      await work();
    }
    isRunning = false;
  };
}

/** Asks for a user and a key: the page has none of its own where other machines can ask for it. */
function askWhoSignsIn() {
  const dialog = byId("dialog");
  const user = element("input", { id: "sign-in-user", autocomplete: "username", required: true });
  const apiKey = element("input", { id: "sign-in-key", type: "password", autocomplete: "current-password", required: true });
  const form = element("form", {
    submit: async (event) => {
      event.preventDefault();
      try {
        await start({ user: user.value, apiKey: apiKey.value });
        byId("notices").replaceChildren();
        dialog.close();
      } catch (error) {
        notice("failure", error.message);
      }
    },
  },
    element("h2", { id: "dialog-title" }, "Sign in"),
    element("div", { class: "fields" },
      element("div", { class: "field" }, element("label", { for: user.id }, "User"), user),
      element("div", { class: "field" }, element("label", { for: apiKey.id }, "API key"), apiKey)),
    element("div", { class: "buttons" }, element("button", { type: "submit", class: "primary" }, "Sign in")));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.replaceChildren(form);
  dialog.showModal();
}
