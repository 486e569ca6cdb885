// The tree of projects: a grid of rows that open, are selected with the mouse or the keys, and stay what they
// were when the data is read again.

import { element, readableOn } from "./dom.js";
import { ROOT } from "./entities.js";

/** How many rows open by themselves at first. */
const OPEN_AT_FIRST = 24;

const COLUMNS = ["Name", "Kind", "Status", "Assigned"];

export class Tree {
  /**
   * `onSelect` is called with the selected entities, `onActions` when Enter asks for their actions, and `onProblem`
   * with the error when the data could not be read again.
   */
  constructor(root, entities, { onSelect, onActions, onProblem }) {
    this.root = root;
    this.entities = entities;
    this.onSelect = onSelect;
    this.onActions = onActions;
    this.onProblem = onProblem;
    /** The reading under way: one follows the other, so that an old answer never replaces a newer one. */
    this.reading = Promise.resolve();
    this.open = new Set([ROOT]);
    this.selected = new Set();
    /** The row that the keys are at, and the one that a range starts from. */
    this.current = null;
    this.anchor = null;
    this.body = element("div", { role: "rowgroup", class: "rows" });
    const head = element("div", { role: "row", class: "row head" },
      ...COLUMNS.map((name) => element("span", { role: "columnheader" }, name)));
    this.grid = element("div", {
      role: "treegrid",
      class: "grid",
      "aria-label": "Projects",
      "aria-multiselectable": "true",
    }, head, this.body);
    this.body.addEventListener("click", (event) => this.#clicked(event));
    this.body.addEventListener("dblclick", (event) => this.#toggle(rowId(event)));
    this.body.addEventListener("keydown", (event) => this.#pressed(event));
    root.replaceChildren(this.grid);
  }

  /** Reads the projects and opens as many levels as fit on a screen. */
  async start() {
    await this.entities.load(this.open);
    let level = this.entities.children.get(ROOT);
    while (level.length > 0 && this.#visible().length < OPEN_AT_FIRST) {
      const parents = level.filter((entity) => !entity.isLeaf);
      for (const parent of parents) {
        this.open.add(parent.id);
      }
      await this.entities.load(this.open);
      level = parents.flatMap((parent) => this.entities.children.get(parent.id) ?? []);
    }
    // One shot opens too, so that tasks and who is on them are seen without a click.
    const shot = this.#visible().find(({ entity }) => entity.kind === "Shot")?.entity;
    if (shot) {
      this.open.add(shot.id);
      await this.entities.load(this.open);
    }
    this.#draw([]);
    this.#changed();
  }

  /** Reads everything that is open again, and marks what is new. */
  refresh() {
    this.reading = this.reading.then(() => this.#read()).catch(this.onProblem);
    return this.reading;
  }

  async #read() {
    const fresh = await this.entities.load(this.open);
    for (const set of [this.open, this.selected]) {
      for (const id of set) {
        if (id !== ROOT && !this.entities.byId.has(id)) {
          set.delete(id);
        }
      }
    }
    this.#draw(fresh);
    this.#changed();
  }

  /** Returns the visible entities with their levels, in the order in which they are shown. */
  #visible() {
    const visible = [];
    const add = (parent, level) => {
      for (const entity of this.entities.children.get(parent) ?? []) {
        visible.push({ entity, level });
        if (this.open.has(entity.id)) {
          add(entity.id, level + 1);
        }
      }
    };
    add(ROOT, 1);
    return visible;
  }

  #draw(fresh) {
    const hadFocus = this.body.contains(document.activeElement);
    const visible = this.#visible();
    if (!visible.some(({ entity }) => entity.id === this.current)) {
      this.current = visible[0]?.entity.id ?? null;
    }
    const isFresh = new Set(fresh);
    this.body.replaceChildren(...visible.map(({ entity, level }) => {
      const row = this.#row(entity, level);
      row.classList.toggle("fresh", isFresh.has(entity.id));
      return row;
    }));
    if (visible.length === 0) {
      this.body.append(element("p", { class: "empty" }, "There is no project here yet."));
    }
    if (hadFocus) {
      this.#rowOf(this.current)?.focus({ preventScroll: true });
    }
  }

  #row(entity, level) {
    const isOpen = this.open.has(entity.id);
    const row = element("div", {
      role: "row",
      class: "row",
      "data-id": entity.id,
      "data-kind": entity.kind,
      "aria-level": String(level),
      "aria-expanded": entity.isLeaf ? null : String(isOpen),
      "aria-selected": String(this.selected.has(entity.id)),
      tabindex: entity.id === this.current ? "0" : "-1",
    },
      element("span", { role: "gridcell", class: "name" },
        element("span", { class: "twisty", "aria-hidden": "true" }),
        element("span", { class: "label" }, entity.name),
        isOpen && this.entities.children.get(entity.id)?.length === 0
          ? element("span", { class: "nothing" }, "empty") : null),
      element("span", { role: "gridcell", class: "kind" }, kindOf(entity)),
      element("span", { role: "gridcell" }, entity.status ? chip(entity.status) : ""),
      element("span", { role: "gridcell", class: "people" },
        entity.people.map((person) => person.name).join(", ")));
    row.style.setProperty("--level", level - 1);
    return row;
  }

  #rowOf(id) {
    return id && this.body.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  async #toggle(id) {
    const entity = this.entities.byId.get(id);
    if (!entity || entity.isLeaf) {
      return;
    }
    if (this.open.delete(id)) {
      this.#draw([]);
    } else {
      this.open.add(id);
      await this.refresh();
    }
  }

  #clicked(event) {
    const id = rowId(event);
    if (!id) {
      return;
    }
    if (event.target.closest(".twisty")) {
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

  #pressed(event) {
    const ids = this.#visible().map(({ entity }) => entity.id);
    const at = ids.indexOf(this.current);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: ids.length - 1 }[event.key];
    const entity = this.entities.byId.get(this.current);
    if (!entity) {
      return;
    }
    const isOpen = this.open.has(entity.id);
    if (step !== undefined) {
      const next = ids[Math.max(0, Math.min(step, ids.length - 1))];
      if (event.shiftKey) {
        this.#selectTo(next);
      } else if (event.ctrlKey || event.metaKey) {
        this.#moveTo(next);
      } else {
        this.#selectOnly(next);
      }
    } else if (event.key === "ArrowRight" && !isOpen || event.key === "ArrowLeft" && isOpen) {
      this.#toggle(entity.id);
    } else if (event.key === "ArrowLeft" && entity.parentId !== ROOT) {
      this.#selectOnly(entity.parentId);
    } else if (event.key === " ") {
      this.#selectAlso(entity.id);
    } else if (event.key === "Enter") {
      if (!this.selected.has(entity.id)) {
        this.#selectOnly(entity.id);
      }
      this.onActions();
    } else {
      return;
    }
    event.preventDefault();
  }

  #selectOnly(id) {
    this.selected = new Set([id]);
    this.anchor = id;
    this.#moveTo(id);
    this.#changed();
  }

  #selectAlso(id) {
    if (!this.selected.delete(id)) {
      this.selected.add(id);
    }
    this.anchor = id;
    this.#moveTo(id);
    this.#changed();
  }

  #selectTo(id) {
    const ids = this.#visible().map(({ entity }) => entity.id);
    const from = Math.max(0, ids.indexOf(this.anchor));
    const to = ids.indexOf(id);
    this.selected = new Set(ids.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.#moveTo(id);
    this.#changed();
  }

  #moveTo(id) {
    this.#rowOf(this.current)?.setAttribute("tabindex", "-1");
    this.current = id;
    const row = this.#rowOf(id);
    row?.setAttribute("tabindex", "0");
    row?.focus();
  }

  #changed() {
    for (const row of this.body.querySelectorAll("[data-id]")) {
      row.setAttribute("aria-selected", String(this.selected.has(row.dataset.id)));
    }
    const inOrder = this.#visible().map(({ entity }) => entity);
    this.onSelect(inOrder.filter((entity) => this.selected.has(entity.id)));
  }
}

function rowId(event) {
  return event.target.closest("[data-id]")?.dataset.id;
}

/** A task is told by its type, anything else by its kind. */
function kindOf(entity) {
  if (!entity.type) {
    return entity.kind;
  }
  const dot = element("span", { class: "dot", "aria-hidden": "true" });
  dot.style.setProperty("background", entity.type.color ?? "currentColor");
  return element("span", { class: "type" }, dot, entity.type.name);
}

function chip(status) {
  const made = element("span", { class: "chip" }, status.name);
  if (status.color) {
    made.style.setProperty("background", status.color);
    made.style.setProperty("color", readableOn(status.color));
  }
  return made;
}
