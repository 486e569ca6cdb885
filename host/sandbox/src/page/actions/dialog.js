// The one dialog of the page: forms, questions, help. What somebody is filling in stays; the next waits its turn.

import { byId, element } from "../dom.js";

export class Dialog {
  constructor() {
    this.root = byId("dialog");
    this.waiting = [];
    this.shown = null;
    // The Esc key.
    this.root.addEventListener("close", () => !this.root.open && this.#end());
  }

  /**
   * Opens a form. `nodes` are its fields, `submit` is called with the form, once it is valid and closed; `closed` when
   * it is closed in any way. Without `submit` there is only something to read.
   */
  open(what) {
    if (this.shown) {
      this.waiting.push(what);
    } else {
      this.#show(what);
    }
  }

  /** Asks a question and returns whether the answer is yes. */
  ask(title, sentence, submitLabel) {
    return new Promise((resolve) => {
      this.open({
        title,
        nodes: [element("p", {}, sentence)],
        submitLabel,
        submit: () => resolve(true),
        closed: () => resolve(false),
      });
    });
  }

  #end() {
    const { shown } = this;
    this.shown = null;
    this.root.close();
    shown?.closed?.();
    if (!this.shown && this.waiting.length > 0) {
      this.#show(this.waiting.shift());
    }
  }

  #show(what) {
    const { title, nodes, submitLabel = "Submit", submit = null } = what;
    this.shown = what;
    const form = element("form", {
      submit: (event) => {
        event.preventDefault();
        submit?.(form);
        this.#end();
      },
    },
      element("h2", { id: "dialog-title" }, title),
      element("div", { class: "fields" }, nodes),
      element("div", { class: "buttons" },
        element("button", { type: "button", click: () => this.#end() }, submit ? "Cancel" : "Close"),
        submit ? element("button", { type: "submit", class: "primary" }, submitLabel) : null));
    this.root.replaceChildren(form);
    this.root.showModal();
    (form.querySelector(".fields :is(input:not([type=hidden]), textarea, select)") ?? form.querySelector("button:last-child"))?.focus();
  }
}
