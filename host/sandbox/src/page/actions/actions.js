// The Actions menu: asks which actions apply, launches the chosen one, and draws what it answers.

import { byId, element } from "../dom.js";
import { drawForm } from "./form.js";
import { Menu, menuEntry, menuHint, submenu } from "./menu.js";
import { notice } from "./notices.js";

/** How long hosts may take to say what they offer. What comes is shown at once. */
const DISCOVER_MS = 2_000;
const LAUNCH_MS = 30_000;

/** What an answer says about how it is drawn; the rest of a form that was sent unasked goes back with its values. */
const ABOUT_THE_DRAWING = ["type", "items", "title", "submit_button_label", "success", "message", "url", "width", "height"];

export class Actions {
  constructor(hub, dialog) {
    this.hub = hub;
    this.dialog = dialog;
    this.selection = [];
    this.button = byId("actions");
    this.stopReplies = () => {};
    this.menu = new Menu(byId("menu"), (isOpen) => {
      this.button.setAttribute("aria-expanded", String(isOpen));
      if (!isOpen) {
        this.#stopAsking();
      }
    });
    this.button.addEventListener("click", () => this.openMenu());
  }

  /** Asks every host for what applies to the selection and shows it as it comes, below `place`. */
  openMenu(place = this.button.getBoundingClientRect()) {
    const selection = this.selection.map(({ id, entityType }) => ({ entityId: id, entityType }));
    const items = [];
    this.#stopAsking();
    this.cameFrom = document.activeElement;
    try {
      this.stopReplies = this.hub.ask("ftrack.action.discover", { selection }, (reply) => {
        items.push(...(Array.isArray(reply?.items) ? reply.items : []));
        if (items.length > 0) {
          this.menu.fill(groups(items).map((group) => this.#entry(group, selection)));
        }
      });
    } catch (error) {
      notice("failure", error.message);
      return;
    }
    this.hintTimer = setTimeout(() => {
      if (items.length === 0) {
        this.menu.fill([menuHint("Nobody offers an action for this. Is a host running, and signed in as you?")]);
      }
    }, DISCOVER_MS);
    this.menu.open(place, [menuHint("Asking for actions …")]);
  }

  /** After this, nothing that still comes changes the menu. */
  #stopAsking() {
    clearTimeout(this.hintTimer);
    this.stopReplies();
  }

  /** Draws what has one label: one entry, or a submenu of its variants. */
  #entry({ label, items, icon }, selection) {
    if (items.length === 1 && !Array.isArray(items[0].items)) {
      const [item] = items;
      return this.#leaf(item, label, item.variant || item.description, label, selection);
    }
    return submenu(label, icon, items.map((item) => {
      if (Array.isArray(item.items)) {
        return this.#entry({ label: item.label ?? "", items: item.items, icon: item.icon }, selection);
      }
      const text = item.variant || item.label || item.actionIdentifier;
      return this.#leaf(item, text, item.description, item.variant ? `${label} ${item.variant}` : text, selection);
    }));
  }

  #leaf(item, text, detail, label, selection) {
    return menuEntry({ label: text, detail, description: item.description, sign: item.icon }, () => {
      this.#stopAsking();
      this.menu.close();
      this.cameFrom?.focus();
      this.#launch(dataFromItem(item, selection), label);
    });
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
    } else if (answer !== null && Object.keys(answer).length > 0) {
      // Assumed: an empty object says neither yes nor no. The official Python client makes one of `False`.
      const isSuccess = answer.success !== false;
      notice(isSuccess ? "success" : "failure", answer.message || `${label} ${isSuccess ? "is done." : "failed."}`);
    }
  }

  #showForm(answer, data, title) {
    const { nodes, values } = drawForm(answer.items);
    this.dialog.open({
      title,
      nodes,
      submitLabel: answer.submit_button_label ?? "Submit",
      submit: () => {
        const actionIdentifier = answer.actionIdentifier ?? data.actionIdentifier;
        this.#launch({ ...data, actionIdentifier, values: values() }, title);
      },
    });
  }
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
    const group = byLabel.get(label) ?? { label, items: [], icon: item.icon };
    group.items.push(...inside);
    group.isMenu ||= Array.isArray(item.items);
    byLabel.set(label, group);
  }
  return [...byLabel.values()];
}
