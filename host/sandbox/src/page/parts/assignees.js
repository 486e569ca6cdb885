// Who is on a task: people and groups, each with a way off, and a way on for the others.

import { element } from "../dom.js";
import { drawnValue, setValue } from "../patch.js";
import { iconButton, personLabel } from "./chips.js";
import { property } from "./fields.js";

export class Assignees {
  constructor(app, context) {
    this.app = app;
    this.context = context;
  }

  draw() {
    const { studio } = this.app;
    const assigned = this.context.assignments;
    const ids = new Set(assigned.map((one) => one.resource_id));
    const others = [...studio.people.values()].filter((person) => person.isActive).concat([...studio.groups.values()])
      .filter((resource) => !ids.has(resource.id));
    return property("Assigned", "assign",
      element("ul", { class: "assignees" }, assigned.map((one) => {
        const resource = studio.resource(one.resource_id);
        return element("li", { "data-key": one.id }, personLabel(resource),
          iconButton("close", `Take ${resource?.name ?? "them"} off the task`, () => this.#remove(one.id)));
      })),
      element("select", { id: "assign", change: (event) => this.#add(event.target) },
        element("option", { value: "", selected: true }, assigned.length > 0 ? "Add somebody …" : "Nobody yet: add somebody …"),
        others.map((resource) => element("option", { value: resource.id }, resource.name))));
  }

  async #add(control) {
    const data = { context_id: this.context.id, resource_id: control.value, type: "assignment" };
    await this.app.attempt("They were not assigned", () => this.app.api.create("Appointment", data));
    setValue(control, drawnValue(control));
  }

  #remove(id) {
    return this.app.attempt("They were not taken off", () => this.app.api.remove("Appointment", id));
  }
}
