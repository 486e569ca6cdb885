// The Actions menu: asks which actions apply, launches the chosen one, and draws what it answers.

import { byId, element } from "./dom.js";
import { drawForm, markdown } from "./form.js";

/** How long hosts may take to say what they offer. What comes is shown at once. */
const DISCOVER_MS = 2_000;
const LAUNCH_MS = 30_000;
/** How long a message stays that asks for nothing. */
const NOTICE_MS = 15_000;

/** What an answer says about how it is drawn; the rest of a form that was sent unasked goes back with its values. */
const ABOUT_THE_DRAWING = ["type", "items", "title", "submit_button_label", "success", "message", "url", "width", "height"];

export class Actions {
  constructor(hub) {
    this.hub = hub;
    this.selection = [];
    this.menu = byId("menu");
    this.dialog = byId("dialog");
    this.button = byId("actions");
    this.stopReplies = () => {};
    this.button.addEventListener("click", () => this.openMenu());
    this.menu.addEventListener("keydown", (event) => moveInMenu(this.menu, event));
    this.menu.addEventListener("toggle", (event) => {
      this.button.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState === "closed") {
        this.#stopAsking();
      }
    });
  }

  /** Asks every host for what applies to the selection and shows it as it comes. */
  openMenu() {
    const selection = this.selection.map(({ id, entityType }) => ({ entityId: id, entityType }));
    const items = [];
    this.#stopAsking();
    try {
      this.stopReplies = this.hub.ask("ftrack.action.discover", { selection }, (reply) => {
        items.push(...(Array.isArray(reply?.items) ? reply.items : []));
        if (items.length > 0) {
          this.#fillMenu(groups(items).map((group) => this.#group(group, selection)));
        }
      });
    } catch (error) {
      notice("failure", error.message);
      return;
    }
    this.hintTimer = setTimeout(() => {
      if (items.length === 0) {
        this.#fillMenu([hint("Nobody offers an action for this. Is a host running, and signed in as you?")]);
      }
    }, DISCOVER_MS);
    this.#fillMenu([hint("Asking for actions …")]);
    const place = this.button.getBoundingClientRect();
    this.menu.style.setProperty("left", `${place.left}px`);
    this.menu.style.setProperty("top", `${place.bottom + 6}px`);
    this.menu.showPopover();
  }

  /** After this, nothing that still comes changes the menu. */
  #stopAsking() {
    clearTimeout(this.hintTimer);
    this.stopReplies();
  }

  #fillMenu(nodes) {
    const focused = this.menu.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.menu.replaceChildren(...nodes);
    const entries = [...this.menu.querySelectorAll("button")];
    (entries.find((entry) => entry.textContent === focused) ?? entries[0])?.focus();
  }

  /** Draws what has one label: one entry, or its variants below it. */
  #group({ label, items }, selection) {
    const entry = (item, text, detail) =>
      element("button", {
        type: "button",
        role: "menuitem",
        title: item.description,
        click: () => {
          this.#stopAsking();
          this.menu.hidePopover();
          this.button.focus();
          this.#launch(dataFromItem(item, selection), label);
        },
      }, element("span", { class: "label" }, text), detail ? element("span", { class: "detail" }, detail) : null);
    if (items.length === 1) {
      const [item] = items;
      return entry(item, label, item.variant || item.description);
    }
    return element("div", { role: "group", "aria-label": label },
      element("p", { class: "group" }, label),
      ...items.map((item) => entry(item, item.variant || item.label, item.description)));
  }

  async #launch(data, label) {
    const waiting = notice("busy", `${label} …`);
    try {
      const reply = await this.hub.firstReply("ftrack.action.launch", data, LAUNCH_MS);
      this.#show(reply, data, label);
    } catch (error) {
      notice("failure", error.message);
    } finally {
      waiting.remove();
    }
  }

  /** Shows what somebody sends unasked: the end of a long job, or a form. */
  showUnasked(answer) {
    const kept = Object.entries(answer).filter(([key]) => !ABOUT_THE_DRAWING.includes(key));
    this.#show(answer, { selection: [], ...Object.fromEntries(kept) }, answer.title ?? "Message");
  }

  /** Draws an answer. `data` is what a form adds its values to. */
  #show(answer, data, label) {
    if (answer === undefined) {
      notice("failure", `${label}: nobody answered.`);
    } else if (typeof answer === "boolean") {
      notice(answer ? "success" : "failure", `${label} ${answer ? "is done." : "failed."}`);
    } else if (Array.isArray(answer?.items)) {
      this.#showForm(answer, data, answer.title ?? label);
    } else if (/^https?:/.test(answer?.url ?? "")) {
      notice("success", `${answer.title ?? label} is a page of its own:`,
        element("a", { href: answer.url, target: "_blank", rel: "noreferrer noopener" }, answer.url));
    } else if (answer !== null) {
      const isSuccess = answer.success !== false;
      notice(isSuccess ? "success" : "failure", answer.message || `${label} ${isSuccess ? "is done." : "failed."}`);
    }
  }

  #showForm(answer, data, title) {
    if (this.dialog.open) {
      // What somebody is filling in stays; the next form waits for its turn.
      this.dialog.addEventListener("close", () => this.#showForm(answer, data, title), { once: true });
      return;
    }
    const { nodes, values } = drawForm(answer.items);
    const form = element("form", {
      submit: (event) => {
        event.preventDefault();
        this.dialog.close();
        const actionIdentifier = answer.actionIdentifier ?? data.actionIdentifier;
        this.#launch({ ...data, actionIdentifier, values: values() }, title);
      },
    },
      element("h2", { id: "dialog-title" }, title),
      element("div", { class: "fields" }, ...nodes),
      element("div", { class: "buttons" },
        element("button", { type: "button", click: () => this.dialog.close() }, "Cancel"),
        element("button", { type: "submit", class: "primary" }, answer.submit_button_label ?? "Submit")));
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
    form.querySelector(".fields :is(input, textarea, select)")?.focus();
  }
}

function hint(text) {
  return element("p", { class: "hint" }, text);
}

/** What a launch carries: all that the item came with, and the selection. */
function dataFromItem(item, selection) {
  const { items: _, ...data } = item;
  return { ...data, selection };
}

/** Brings items of one label together, in the order in which labels came. An item with items of its own is a group. */
function groups(items) {
  const byLabel = new Map();
  for (const item of items) {
    const inside = Array.isArray(item.items) ? item.items : [item];
    const label = item.label ?? item.actionIdentifier ?? "";
    byLabel.set(label, [...(byLabel.get(label) ?? []), ...inside]);
  }
  return [...byLabel].map(([label, found]) => ({ label, items: found }));
}

function moveInMenu(menu, event) {
  const entries = [...menu.querySelectorAll("button")];
  const at = entries.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined && entries.length > 0) {
    entries.at(to % entries.length).focus();
    event.preventDefault();
  }
}

/** Shows a message in the corner and returns it. `kind` is `success`, `failure` or `busy`. */
export function notice(kind, text, ...more) {
  const close = () => made.remove();
  const made = element("div", { class: `notice ${kind}`, role: kind === "failure" ? "alert" : "status" },
    element("div", { class: "prose" }, ...markdown(text), ...more),
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
