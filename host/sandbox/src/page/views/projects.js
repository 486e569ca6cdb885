// The tree of projects: a grid of rows that open, are selected with the mouse or the keys, and stay what they were
// when the data is read again.

import { element } from "../dom.js";
import { shortDayText } from "../format.js";
import { chip, emptyLine, link, thumbnail, typeLabel } from "../parts/chips.js";
import { icon } from "../icons.js";
import { unchanged } from "../patch.js";
import { addressOf, go, replaceAddress } from "../router.js";
import { ProjectRows, ROOT } from "./project_rows.js";

/** How many rows open by themselves at first. */
const OPEN_AT_FIRST = 24;

const COLUMNS = ["Name", "Kind", "Status", "Assigned", "Due"];

export class Projects {
  name = "Projects";
  canSelect = true;

  constructor(app, route) {
    this.app = app;
    this.rows = new ProjectRows(app.api, app.studio);
    this.open = new Set([ROOT]);
    this.selected = new Set();
    this.fresh = new Set();
    /** What each row was drawn from, by its id. */
    this.drawn = new Map();
    /** The row that the keys are at, and the one that a range starts from. */
    this.current = null;
    this.anchor = null;
    this.wanted = route.id;
    this.isStarted = false;
    /** Which parents have to be read again; all of them when it is `null`. */
    this.stale = null;
  }

  /** What is selected, in the order of the rows. */
  get selection() {
    return this.#visible().map(({ entity }) => entity).filter((entity) => this.selected.has(entity.id));
  }

  /** An address that names an entity selects it. */
  async follow(route) {
    this.wanted = route.id;
    if (this.wanted !== null && !this.selected.has(this.wanted)) {
      await this.app.attempt("It could not be found", () => this.#reveal());
      this.app.redraw();
    }
    return true;
  }

  concerns(update) {
    const ids = update.flatMap((entity) => [entity.entityId, entity.parentId, ...(entity.parents ?? []).map((one) => one.entityId)]);
    const touched = ids.filter((id) => this.open.has(id));
    if (update.some((entity) => entity.entityType === "show")) {
      touched.push(ROOT);
    }
    touched.forEach((id) => this.stale?.add(id));
    return touched.length > 0;
  }

  async load() {
    if (!this.isStarted) {
      await this.#start();
      this.isStarted = true;
    } else {
      const stale = this.stale ?? this.open;
      this.stale = new Set();
      this.fresh = new Set(await this.rows.load([...stale].filter((id) => this.open.has(id))));
    }
    this.stale ??= new Set();
    for (const set of [this.open, this.selected]) {
      for (const id of set) {
        if (id !== ROOT && !this.rows.byId.has(id)) {
          set.delete(id);
        }
      }
    }
  }

  /** Reads everything the next time, since what happened was not heard. */
  distrust() {
    this.stale = null;
  }

  /** Reads the projects and opens as many levels as fit on a screen. */
  async #start() {
    await this.rows.load(this.open);
    let level = this.rows.children.get(ROOT);
    while (level.length > 0 && this.#visible().length < OPEN_AT_FIRST) {
      const parents = level.filter((entity) => !entity.isLeaf).slice(0, OPEN_AT_FIRST);
      parents.forEach((parent) => this.open.add(parent.id));
      await this.rows.load(parents.map((parent) => parent.id));
      level = parents.flatMap((parent) => this.rows.children.get(parent.id) ?? []);
    }
    // One shot opens too, so that tasks and who is on them are seen without a click.
    const shot = this.#visible().find(({ entity }) => entity.kind === "Shot")?.entity;
    if (shot) {
      this.open.add(shot.id);
      await this.rows.load([shot.id]);
    }
    if (this.wanted) {
      await this.#reveal();
    }
  }

  /** Opens what the wanted entity is in, and selects it. */
  async #reveal() {
    const path = await this.rows.pathTo(this.wanted);
    path.forEach((id) => this.open.add(id));
    await this.rows.load(path.length > 0 ? path : [ROOT]);
    if (this.rows.byId.has(this.wanted)) {
      this.selected = new Set([this.wanted]);
      this.anchor = this.current = this.wanted;
      this.toScroll = this.wanted;
    }
  }

  /** Returns the visible entities with their levels, in the order in which they are shown. */
  #visible() {
    const visible = [];
    const add = (parent, level) => {
      for (const entity of this.rows.children.get(parent) ?? []) {
        visible.push({ entity, level });
        if (this.open.has(entity.id)) {
          add(entity.id, level + 1);
        }
      }
      if (this.rows.unfinished.has(parent)) {
        visible.push({ entity: { id: `more ${parent}`, parentId: parent, isMore: true, people: [] }, level });
      }
    };
    add(ROOT, 1);
    return visible;
  }

  heading() {
    return [element("h1", { tabindex: "-1" }, "Projects")];
  }

  draw() {
    const visible = this.#visible();
    if (visible.length === 0) {
      return [emptyLine("There is no project here yet. One that is made with an action or a script shows at once.")];
    }
    if (!visible.some(({ entity }) => entity.id === this.current)) {
      this.current = visible[0].entity.id;
    }
    const drawnBefore = this.drawn;
    this.drawn = new Map();
    const head = element("div", { role: "row", class: "row head" },
      COLUMNS.map((name) => element("span", { role: "columnheader" }, name)));
    const body = element("div", {
      role: "rowgroup",
      class: "rows",
      click: (event) => this.#clicked(event),
      dblclick: (event) => this.#doubleClicked(event),
      contextmenu: (event) => this.#asked(event),
      keydown: (event) => this.#pressed(event),
    }, visible.map(({ entity, level }) => {
      const from = JSON.stringify([entity, level, this.#stateOf(entity.id)]);
      this.drawn.set(entity.id, from);
      if (drawnBefore.get(entity.id) === from) {
        return unchanged(entity.id);
      }
      return entity.isMore ? this.#moreRow(entity, level) : this.#row(entity, level);
    }));
    return [element("div", {
      role: "treegrid",
      class: "grid tree",
      id: "tree",
      "aria-label": "Projects",
      "aria-multiselectable": "true",
    }, head, body)];
  }

  shown() {
    for (const row of this.app.root.querySelectorAll(".rows [data-id]")) {
      row.setAttribute("tabindex", row.dataset.id === this.current ? "0" : "-1");
    }
    if (this.toScroll) {
      this.#rowOf(this.toScroll)?.scrollIntoView({ block: "center" });
      this.toScroll = null;
    }
  }

  #stateOf(id) {
    const isOpen = this.open.has(id);
    return {
      isOpen,
      isEmpty: isOpen && this.rows.children.get(id)?.length === 0,
      isSelected: this.selected.has(id),
      isFresh: this.fresh.has(id),
    };
  }

  #row(entity, level) {
    const { isOpen, isEmpty, isSelected, isFresh } = this.#stateOf(entity.id);
    return element("div", {
      role: "row",
      class: `row${isFresh ? " fresh" : ""}`,
      "data-key": entity.id,
      "data-id": entity.id,
      "data-kind": entity.kind,
      "aria-level": String(level),
      "aria-expanded": entity.isLeaf ? null : String(isOpen),
      "aria-selected": String(isSelected),
      style: { "--level": String(level - 1) },
    },
      element("span", { role: "gridcell", class: "name" },
        element("span", { class: "twisty", "aria-hidden": "true" }),
        thumbnail(this.app.api, entity.thumbnailId, 100, entity.kind),
        element("span", { class: "label" }, entity.name),
        isEmpty ? element("span", { class: "nothing" }, "empty") : null,
        entity.kind === "Project" ? null : link(addressOf("task", entity.id),
          { class: "open", tabindex: "-1", "aria-label": `Open ${entity.name}`, title: "Open (Enter)" }, icon("open"))),
      element("span", { role: "gridcell", class: "kind" }, entity.type ? typeLabel(entity.type) : entity.kind),
      element("span", { role: "gridcell" }, chip(entity.status)),
      element("span", { role: "gridcell", class: "people" }, entity.people.map((person) => person.name).join(", ")),
      element("span", { role: "gridcell", class: "due" }, entity.due ? shortDayText(entity.due) : ""));
  }

  #moreRow(entity, level) {
    return element("div", {
      role: "row",
      class: "row more-row",
      "data-key": entity.id,
      "data-id": entity.id,
      "aria-level": String(level),
      style: { "--level": String(level - 1) },
    }, element("span", { role: "gridcell", class: "name" }, element("span", { class: "twisty" }),
      element("span", { class: "label" }, "Show more")));
  }

  #rowOf(id) {
    return id && this.app.root.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  #entity(id) {
    return this.rows.byId.get(id);
  }

  async #toggle(id) {
    const entity = this.#entity(id);
    if (!entity || entity.isLeaf) {
      return;
    }
    if (!this.open.delete(id)) {
      this.open.add(id);
      await this.#readChildren(id);
    }
    this.app.redraw();
  }

  async #showMore(parent) {
    this.rows.wantMore(parent);
    await this.#readChildren(parent);
    this.app.redraw();
  }

  async #readChildren(parent) {
    try {
      this.fresh = new Set();
      await this.rows.load([parent]);
    } catch (error) {
      this.app.problem(`What is in it could not be read: ${error.message}`);
    }
  }

  #clicked(event) {
    const id = rowId(event);
    if (!id || event.target.closest("a")) {
      return;
    }
    if (id.startsWith("more ")) {
      this.#showMore(id.slice(5));
    } else if (event.target.closest(".twisty")) {
      this.#moveTo(id);
      this.#toggle(id);
    } else if (event.shiftKey) {
      this.#selectTo(id);
    } else if (event.ctrlKey || event.metaKey) {
      this.#selectAlso(id);
    } else {
      this.#selectOnly(id);
    }
  }

  #doubleClicked(event) {
    const entity = this.#entity(rowId(event));
    if (entity?.isLeaf) {
      go(addressOf("task", entity.id));
    } else if (entity && !event.target.closest(".twisty")) {
      this.#toggle(entity.id);
    }
  }

  /** The right button, and the key that stands for it, ask for actions on the spot. */
  #asked(event) {
    const id = rowId(event);
    if (this.#entity(id)) {
      event.preventDefault();
      if (!this.selected.has(id)) {
        this.#selectOnly(id);
      }
      const place = event.clientX || event.clientY
        ? new DOMRect(event.clientX, event.clientY, 0, 0) : this.#rowOf(id).getBoundingClientRect();
      this.app.actions.openMenu(place);
    }
  }

  #pressed(event) {
    const ids = this.#visible().map(({ entity }) => entity.id);
    const at = ids.indexOf(this.current);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: ids.length - 1 }[event.key];
    const entity = this.#entity(this.current);
    if (step !== undefined) {
      const next = ids[Math.max(0, Math.min(step, ids.length - 1))];
      if (event.shiftKey) {
        this.#selectTo(next);
      } else if (event.ctrlKey || event.metaKey || next.startsWith("more ")) {
        this.#moveTo(next);
      } else {
        this.#selectOnly(next);
      }
    } else if (!entity) {
      if (event.key !== "Enter") {
        return;
      }
      this.#showMore(this.current.slice(5));
    } else if (!this.#pressedOn(entity, event)) {
      return;
    }
    event.preventDefault();
  }

  #pressedOn(entity, event) {
    const isOpen = this.open.has(entity.id);
    if (event.key === "ArrowRight" && !isOpen || event.key === "ArrowLeft" && isOpen) {
      this.#toggle(entity.id);
    } else if (event.key === "ArrowLeft" && entity.parentId !== ROOT) {
      this.#selectOnly(entity.parentId);
    } else if (event.key === " ") {
      this.#selectAlso(entity.id);
    } else if (event.key === "Enter" && entity.kind === "Project") {
      this.#toggle(entity.id);
    } else if (event.key === "Enter") {
      go(addressOf("task", entity.id));
    } else {
      return false;
    }
    return true;
  }

  #selectOnly(id) {
    this.selected = new Set([id]);
    this.anchor = id;
    this.#moveTo(id);
  }

  #selectAlso(id) {
    if (!this.selected.delete(id)) {
      this.selected.add(id);
    }
    this.anchor = id;
    this.#moveTo(id);
  }

  #selectTo(id) {
    const ids = this.#visible().map(({ entity }) => entity.id).filter((one) => this.#entity(one));
    const from = Math.max(0, ids.indexOf(this.anchor));
    const to = Math.max(0, ids.indexOf(id));
    this.selected = new Set(ids.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.#moveTo(id);
  }

  /** Moves to a row, marks what is selected, and writes it into the address. */
  #moveTo(id) {
    this.#rowOf(this.current)?.setAttribute("tabindex", "-1");
    this.current = id;
    const row = this.#rowOf(id);
    row?.setAttribute("tabindex", "0");
    row?.focus();
    for (const one of this.app.root.querySelectorAll(".rows [data-id]")) {
      const isSelected = String(this.selected.has(one.dataset.id));
      if (one.getAttribute("aria-selected") !== isSelected) {
        one.setAttribute("aria-selected", isSelected);
        // It is no longer what was drawn.
        this.drawn.delete(one.dataset.id);
      }
    }
    const only = this.selected.size === 1 ? [...this.selected][0] : null;
    replaceAddress(addressOf("projects", only));
    this.app.showSelection();
  }
}

function rowId(event) {
  return event.target.closest("[data-id]")?.dataset.id;
}
