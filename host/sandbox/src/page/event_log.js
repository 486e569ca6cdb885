// The event log: what passes on the hub, newest first, each with its JSON to look into.

import { element } from "./dom.js";
import { secretNames } from "./form.js";

const KEPT = 200;

export class EventLog {
  constructor(root) {
    this.root = root;
    this.clear();
  }

  clear() {
    this.root.replaceChildren(element("p", { class: "empty" }, "Events show here as they pass."));
  }

  add(event) {
    const time = new Date().toLocaleTimeString("en-GB");
    const content = element("pre");
    const entry = element("details", {
      toggle: () => {
        // Written only when somebody looks, since an event may be large.
        content.textContent = JSON.stringify(event, withoutSecrets, 2);
      },
    },
      element("summary", {},
        element("span", { class: "topic" }, event.topic),
        element("time", {}, time),
        element("span", { class: "summary" }, summaryOf(event))),
      content);
    this.root.querySelector(".empty")?.remove();
    this.root.prepend(entry);
    while (this.root.childElementCount > KEPT) {
      this.root.lastElementChild.remove();
    }
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
