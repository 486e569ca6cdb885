// What is assigned to whoever is signed in, or to their groups, by project.

import { paged, quotedList } from "../api.js";
import { element } from "../dom.js";
import { dayFromValue, localDay, shortDayText } from "../format.js";
import { emptyLine, link, moreButton, thumbnail, typeLabel } from "../parts/chips.js";
import { statusField } from "../parts/fields.js";
import { moveInList } from "../parts/roving.js";
import { addressOf, replaceAddress } from "../router.js";

const PAGE = 100;

/** Which tasks are shown: a name, and the states of their statuses. */
const FILTERS = [
  { key: "open", name: "Not done", states: ["NOT_STARTED", "IN_PROGRESS", "BLOCKED", ""] },
  { key: "working", name: "In progress", states: ["IN_PROGRESS"] },
  { key: "done", name: "Done", states: ["DONE"] },
  { key: "all", name: "All", states: null },
];

export class MyTasks {
  name = "My tasks";
  canSelect = true;

  constructor(app, route) {
    this.app = app;
    this.limit = PAGE;
    this.chosen = new Set();
    this.found = { rows: [], hasMore: false };
    this.follow(route);
  }

  follow(route) {
    const filter = route.parameters.get("show");
    this.filter = FILTERS.find((one) => one.key === filter) ?? FILTERS[0];
    this.text = route.parameters.get("text") ?? "";
    return false;
  }

  get selection() {
    return this.found.rows.filter((task) => this.chosen.has(task.id))
      .map((task) => ({ id: task.id, entityType: "task", name: task.name }));
  }

  concerns(update) {
    return update.some((entity) => ["task", "appointment", "show"].includes(entity.entityType));
  }

  async load() {
    const { api, studio } = this.app;
    const ids = [studio.me?.id, ...studio.groupsOf(studio.me?.id).map((group) => group.id)].filter(Boolean);
    const wanted = [...studio.statuses.values()].filter((status) => this.filter.states?.includes(status.state));
    const where = [`assignments.resource_id in (${quotedList(ids)})`];
    if (this.filter.states) {
      where.push(`status_id in (${quotedList(wanted.map((status) => status.id))})`);
    }
    const [rows] = await api.query(`select name, status_id, type_id, thumbnail_id, end_date, link, project_id, project.full_name,
      project.project_schema_id, parent.thumbnail_id from Task where ${where.join(" and ")}
      order by project.full_name, end_date, name limit ${this.limit + 1}`);
    this.found = paged(rows, this.limit);
    this.statuses = new Map(await Promise.all(rows.map(async (task) =>
      [task.id, await studio.statusesOf(task.project.project_schema_id, { kindId: task.object_type_id, typeId: task.type_id })])));
  }

  heading() {
    return [element("h1", { tabindex: "-1" }, "My tasks")];
  }

  draw() {
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = this.found.rows.filter((task) => words.every((word) => searchable(task, this.app.studio).includes(word)));
    const projects = Map.groupBy(shown, (task) => task.project_id);
    return [element("div", { class: "plain" },
      this.#filters(),
      shown.length === 0 ? emptyLine(this.#nothing()) : null,
      element("div", { "data-roving": true, keydown: (event) => this.#pressed(event) },
        [...projects.values()].map((tasks) => this.#project(tasks))),
      moreButton(this.found.hasMore, () => {
        this.limit += PAGE;
        this.app.refresh();
      }))];
  }

  #nothing() {
    if (this.found.rows.length > 0) {
      return "None of your tasks has these words.";
    }
    return this.filter.key === "all" ? "Nothing is assigned to you." : "Nothing that is assigned to you is like this.";
  }

  #filters() {
    const choose = (filter) => {
      this.filter = filter;
      this.limit = PAGE;
      this.#remember();
      this.app.refresh();
      this.app.redraw();
    };
    const search = (event) => {
      this.text = event.target.value;
      this.#remember();
      this.app.redraw();
    };
    return element("div", { class: "filters" },
      element("div", { role: "group", class: "switch", "aria-label": "Which tasks" }, FILTERS.map((filter) =>
        element("button", { type: "button", "aria-pressed": String(filter === this.filter), click: () => choose(filter) }, filter.name))),
      element("input", { type: "search", id: "filter", placeholder: "Filter", "aria-label": "Filter by words", value: this.text, input: search }));
  }

  #remember() {
    replaceAddress(addressOf("my-tasks", null, { show: this.filter.key === "open" ? "" : this.filter.key, text: this.text }));
  }

  #project(tasks) {
    const id = `project-${tasks[0].project_id}`;
    return element("section", { class: "panel", "data-key": id, "aria-labelledby": id },
      element("div", { class: "panel-head" },
        element("h2", { id }, tasks[0].project.full_name), element("span", { class: "detail" }, String(tasks.length))),
      element("ul", { class: "tasks" }, tasks.map((task) => this.#task(task))));
  }

  #task(task) {
    const { studio, api } = this.app;
    const type = studio.types.get(task.type_id);
    const due = dayFromValue(task.end_date);
    const path = (task.link ?? []).slice(1, -1).map((part) => part.name).join(" / ");
    const save = (status_id) => this.app.attempt("The status was not changed", () => api.update("Task", task.id, { status_id }));
    const choose = (event) => {
      this.chosen[event.target.checked ? "add" : "delete"](task.id);
      this.app.showSelection();
    };
    return element("li", { class: "task", "data-key": task.id, "data-id": task.id },
      element("input", { type: "checkbox", "aria-label": `Choose ${path} ${task.name} for actions`, checked: this.chosen.has(task.id), change: choose }),
      link(addressOf("task", task.id), { class: "line", "data-entry": true, tabindex: "-1" },
        thumbnail(api, task.thumbnail_id ?? task.parent?.thumbnail_id, 100, "Task"),
        element("span", { class: "about" }, element("strong", { class: "label" }, task.name), element("span", { class: "detail" }, path)),
        element("span", { class: "kind" }, type ? typeLabel(type) : ""),
        element("span", { class: due && due < localDay(new Date()) ? "due late" : "due" }, due ? shortDayText(due) : "")),
      statusField(`status-${task.id}`, studio.statuses.get(task.status_id), this.statuses.get(task.id) ?? [], save,
        { "aria-label": `Status of ${path} ${task.name}` }));
  }

  #pressed(event) {
    moveInList(event.currentTarget, event);
  }
}

function searchable(task, studio) {
  const words = [...(task.link ?? []).map((part) => part.name), studio.types.get(task.type_id)?.name, studio.statuses.get(task.status_id)?.name];
  return words.join(" ").toLowerCase();
}
