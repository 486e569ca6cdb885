// What passes on the event hub, newest first, each with its JSON to look into.

import { secretNames } from "../actions/form.js";
import { element } from "../dom.js";
import { emptyLine } from "../parts/chips.js";
import { addressOf, replaceAddress } from "../router.js";

export class Events {
  name = "Events";

  constructor(app, route) {
    this.app = app;
    this.selection = [];
    this.text = route.parameters.get("text") ?? "";
    /** Which are looked into, by their number. */
    this.opened = new Set();
    /** What is shown while the log stands still. */
    this.held = null;
  }

  /** The log is drawn anew with every event, whatever it is about. */
  concerns() {
    return false;
  }

  hear() {
    if (this.held === null) {
      this.app.redraw();
    }
  }

  async load() {}

  heading() {
    return [element("h1", { tabindex: "-1" }, "Events")];
  }

  draw() {
    const entries = (this.held ?? this.app.log.entries).filter(({ event }) =>
      `${event.topic} ${summaryOf(event)}`.toLowerCase().includes(this.text.toLowerCase()));
    const hold = () => {
      this.held = this.held === null ? [...this.app.log.entries] : null;
      this.app.redraw();
    };
    const clear = () => {
      this.app.log.clear();
      this.held = null;
      this.app.redraw();
    };
    const search = (event) => {
      this.text = event.target.value;
      replaceAddress(addressOf("events", null, { text: this.text }));
      this.app.redraw();
    };
    return [element("div", { class: "plain" },
      element("div", { class: "filters" },
        element("input", { type: "search", id: "filter", placeholder: "Filter by topic or what it is about", "aria-label": "Filter events", value: this.text, input: search }),
        element("button", { type: "button", "aria-pressed": String(this.held !== null), click: hold }, "Hold"),
        element("button", { type: "button", id: "clear-log", click: clear }, "Clear")),
      entries.length === 0 ? emptyLine("Events show here as they pass. Change something, or open the Actions menu.") : null,
      element("div", { id: "log", class: "panel", role: "log", "aria-label": "Events", "aria-live": "off" },
        entries.map((entry) => this.#entry(entry))))];
  }

  #entry({ number, time, event }) {
    const toggle = (toggled) => {
      this.opened[toggled.target.open ? "add" : "delete"](number);
      this.app.redraw();
    };
    return element("details", { "data-key": String(number), toggle },
      element("summary", {},
        element("span", { class: "topic" }, event.topic),
        element("span", { class: "summary" }, summaryOf(event)),
        element("time", {}, time.toLocaleTimeString("en-GB"))),
      // Written only when somebody looks, since an event may be large.
      element("pre", { tabindex: "0" }, this.opened.has(number) ? JSON.stringify(event, withoutSecrets, 2) : ""));
  }
}

function withoutSecrets(key, value) {
  const isPassword = key === "value" && this.type === "password";
  return isPassword || secretNames.has(key) ? "•••" : value;
}

/** Says in a line what the event is about. */
function summaryOf({ topic, data, source }) {
  const by = source?.user?.username ? ` by ${source.user.username}` : "";
  switch (topic) {
    case "ftrack.update":
      return counted((data.entities ?? []).map((entity) => `${entity.action} ${entity.entity_type ?? entity.entityType}`)) + by;
    case "ftrack.action.discover":
      return `${data.selection?.length ?? 0} selected${by}`;
    case "ftrack.action.launch":
      return `${data.actionIdentifier ?? ""}${data.values ? " with values" : ""}${by}`;
    default:
      if (Array.isArray(data?.items)) {
        return data.title ? `form: ${data.title}` : `${data.items.length} items`;
      }
      return data?.message ?? "";
  }
}

/** `["add Shot", "add Shot", "add Task"]` becomes `2 × add Shot, add Task`. */
function counted(words) {
  const counts = new Map();
  for (const word of words) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => (count > 1 ? `${count} × ${word}` : word)).join(", ");
}
