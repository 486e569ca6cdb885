// The page of a task, a shot, or whatever else lies in a project.

import { paged, quoted } from "../api.js";
import { element } from "../dom.js";
import { dayFromValue, durationText, shortDayText, valueFromDay } from "../format.js";
import { NewVersion } from "../media/new_version.js";
import { Attributes } from "../parts/attributes.js";
import { Assignees } from "../parts/assignees.js";
import { chip, crumbs, emptyLine, link, moreButton, thumbnail, typeLabel } from "../parts/chips.js";
import { choiceField, inputField, property, statusField, textField } from "../parts/fields.js";
import { Notes } from "../parts/notes.js";
import { moveInList } from "../parts/roving.js";
import { TIME_LOG, TimeLogEditor } from "../parts/time_log.js";
import { Versions } from "../parts/versions.js";
import { addressOf } from "../router.js";
import { ROW } from "./project_rows.js";

const PAGE = 50;

const CONTEXT = `${ROW}, description, priority_id, project_id, start_date, bid, time_logged, link, project.full_name,
  project.project_schema_id, assignments.id`;

export class Task {
  name = "Task";

  constructor(app, route) {
    this.app = app;
    this.id = route.id;
    this.notes = new Notes(app, "TypedContext", this.id);
    this.versions = new Versions(app, `task_id is ${quoted(this.id)} or asset.context_id is ${quoted(this.id)}`);
    this.attributes = new Attributes(app, "TypedContext", this.id);
    this.timeLogs = new TimeLogEditor(app);
    this.limits = { children: PAGE, times: 20 };
    this.newVersion = new NewVersion(app, () => this.context);
    this.context = null;
  }

  get selection() {
    return this.context ? [{ id: this.id, entityType: "task", name: this.context.name }] : [];
  }

  concerns(update) {
    return update.some((entity) => entity.entityId === this.id || this.versions.has(entity.entityId)
      || (entity.parents ?? []).slice(0, 4).some((parent) => parent.entityId === this.id)
      || Object.values(entity.changes ?? {}).some((change) => change?.old === this.id || change?.new === this.id));
  }

  async load() {
    const { api, studio } = this.app;
    const id = quoted(this.id);
    const { children, times } = this.limits;
    const [[row], notes, versions, attributes, timeLogs, below] = await api.query(
      `select ${CONTEXT} from TypedContext where id is ${id}`,
      this.notes.expression(),
      this.versions.expression(),
      this.attributes.expression(),
      `select ${TIME_LOG} from Timelog where context_id is ${id} order by start desc limit ${times + 1}`,
      `select ${ROW} from TypedContext where parent_id is ${id} order by object_type.is_leaf, name limit ${children + 1}`,
    );
    if (!row) {
      throw new Error("There is no such task, or it was deleted.");
    }
    const kind = studio.kinds.get(row.object_type_id);
    this.statuses = kind?.hasStatus && row.project
      ? await studio.statusesOf(row.project.project_schema_id, { kindId: row.object_type_id, typeId: row.type_id }) : [];
    await this.attributes.take(attributes, (row.link ?? []).map((part) => part.id).filter((part) => part !== this.id));
    this.notes.take(notes);
    this.versions.take(versions);
    this.logged = paged(timeLogs, times);
    this.below = paged(below, children);
    this.context = row;
    this.kind = kind;
  }

  heading() {
    const path = (this.context.link ?? []).slice(0, -1).map((part) => ({
      name: part.name,
      address: part.type === "Project" ? addressOf("projects", part.id) : addressOf("task", part.id),
    }));
    return [crumbs(path), element("h1", { tabindex: "-1" }, this.context.name)];
  }

  draw() {
    return [element("div", { class: "page", "data-key": this.id, ...this.newVersion.dropTarget() },
      element("div", { class: "main" },
        this.#about(), this.kind?.isLeaf ? null : this.#children(), this.notes.draw(),
        this.versions.draw(this.newVersion.button()), this.kind?.hasTime ? this.#times() : null),
      element("div", { class: "side" }, this.#details(), this.attributes.draw()))];
  }

  #save(sentence, data) {
    return this.app.attempt(sentence, () => this.app.api.update(this.context.__entity_type__, this.id, data));
  }

  #about() {
    const { context } = this;
    const type = this.kind?.isLeaf ? this.app.studio.types.get(context.type_id) : null;
    return element("section", { class: "panel about", "data-key": "about", "aria-label": "Description" },
      thumbnail(this.app.api, context.thumbnail_id, 500, this.kind?.name),
      element("div", { class: "text" },
        element("p", { class: "kind" }, type ? typeLabel(type) : this.kind?.name ?? ""),
        textField("description", context.description ?? "", (description) =>
          this.#save("The description was not saved", { description }),
        { placeholder: "Describe what is to be done …", "aria-label": "Description" })));
  }

  #details() {
    const { studio } = this.app;
    const { context, kind } = this;
    const choices = [...studio.priorities.values()].map((priority) => ({ value: priority.id, label: priority.name }));
    return element("section", { class: "panel", "data-key": "details", "aria-labelledby": "details-title" },
      element("h2", { id: "details-title" }, "Details"),
      kind?.hasStatus
        ? property("Status", "status", statusField("status", studio.statuses.get(context.status_id), this.statuses,
          (status_id) => this.#save("The status was not changed", { status_id })))
        : null,
      kind?.isLeaf || kind?.hasTime ? new Assignees(this.app, context).draw() : null,
      kind?.hasPriority
        ? property("Priority", "priority", choiceField("priority", context.priority_id, choices,
          (priority_id) => this.#save("The priority was not changed", { priority_id })))
        : null,
      this.#date("Start", "start_date"),
      this.#date("Due", "end_date"),
      kind?.hasTime
        ? property("Planned", "bid", element("span", { class: "with-unit" },
          inputField("bid", Math.round((context.bid ?? 0) / 360) / 10,
            (hours) => this.#save("The planned time was not saved", { bid: (hours ?? 0) * 3600 }),
            { type: "number", min: "0", step: "any", class: "short" }), "hours"))
        : null,
      kind?.hasTime ? property("Logged", null, this.#progress()) : null);
  }

  #date(label, name) {
    return property(label, name, inputField(name, dayFromValue(this.context[name]),
      (day) => this.#save(`The ${label.toLowerCase()} date was not saved`, { [name]: valueFromDay(day) }), { type: "date" }));
  }

  #progress() {
    const { bid, time_logged: logged } = this.context;
    const share = bid > 0 ? Math.round((logged / bid) * 100) : null;
    return [
      element("span", {}, share === null ? durationText(logged) : `${durationText(logged)}, ${share} % of what was planned`),
      share === null ? null : element("meter", { min: "0", max: String(Math.max(bid, logged)), high: String(bid), value: String(logged), "aria-label": "Logged" }),
    ];
  }

  #children() {
    const { rows, hasMore } = this.below;
    const list = element("ul", { class: "children", "data-roving": true, keydown: (event) => moveInList(event.currentTarget, event) },
      rows.map((row) => this.#child(row)));
    return element("section", { class: "panel", "data-key": "children", "aria-labelledby": "children-title" },
      element("h2", { id: "children-title" }, "In it"),
      rows.length === 0 ? emptyLine("There is nothing in it yet.") : list,
      moreButton(hasMore, () => {
        this.limits.children += PAGE;
        this.app.refresh();
      }));
  }

  #child(row) {
    const { studio, api } = this.app;
    const kind = studio.kinds.get(row.object_type_id);
    const type = kind?.isLeaf ? studio.types.get(row.type_id) : null;
    const people = row.assignments.map((one) => studio.resource(one.resource_id)?.name).filter(Boolean);
    const due = dayFromValue(row.end_date);
    return element("li", { "data-key": row.id },
      link(addressOf("task", row.id), { class: "line", "data-entry": true, tabindex: "-1" },
        thumbnail(api, row.thumbnail_id, 100, kind?.name),
        element("span", { class: "label" }, row.name),
        element("span", { class: "kind" }, type ? typeLabel(type) : kind?.name ?? ""),
        element("span", { class: "people" }, people.join(", ")),
        element("span", { class: "due" }, due ? shortDayText(due) : ""),
        kind?.hasStatus ? chip(studio.statuses.get(row.status_id)) : ""));
  }

  #times() {
    const { rows, hasMore } = this.logged;
    const add = (data) => this.timeLogs.add({ ...data, context_id: this.id });
    return element("section", { class: "panel", "data-key": "times", "aria-labelledby": "times-title" },
      element("h2", { id: "times-title" }, "Time"),
      this.timeLogs.form("new-time", {}, add, "Log time"),
      rows.length === 0 ? emptyLine("No time has been logged on this task.") : null,
      element("ul", { class: "time-logs" }, rows.map((log) => this.timeLogs.line(log, { showContext: false, showPerson: true }))),
      moreButton(hasMore, () => {
        this.limits.times += PAGE;
        this.app.refresh();
      }));
  }
}
