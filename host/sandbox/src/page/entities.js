// What the tree shows: projects and what is in them, as far as it has been opened.

import { knownColor } from "./dom.js";

const IN_NATURAL_ORDER = new Intl.Collator("en", { numeric: true });

/** The key of the projects among the children. */
export const ROOT = "root";

export class Entities {
  constructor(api) {
    this.api = api;
    /** Lists of entities by the id of their parent, for every parent that has been opened. */
    this.children = new Map();
    this.byId = new Map();
  }

  /** Reads the projects and the children of these parents afresh, in one request, and returns what is new. */
  async load(parentIds) {
    const parents = [...parentIds].filter((id) => id !== ROOT);
    const expressions = [
      "select id, full_name from Project",
      "select id, name, color from Status",
      "select id, name, color from Type",
      "select id, name, is_leaf from ObjectType",
      "select id, username, first_name, last_name from User",
    ];
    if (parents.length > 0) {
      const ids = parents.map((id) => `"${id}"`).join(", ");
      expressions.push(
        `select id, name, parent_id, object_type_id from TypedContext where parent_id in (${ids})`,
        ...["Task", "Shot", "Episode", "AssetBuild", "Milestone"].map((kind) =>
          `select id, status_id from ${kind} where parent_id in (${ids})`),
        `select id, type_id, assignments.resource_id from Task where parent_id in (${ids})`,
      );
    }
    const answers = await this.api.query(...expressions);
    return this.#take(parents, answers);
  }

  #take(parents, [projects, statuses, types, kinds, users, contexts = [], ...details]) {
    const lookUp = {
      status: tableOf(statuses),
      type: tableOf(types),
      kind: tableOf(kinds),
      user: tableOf(users),
      detail: new Map(),
    };
    for (const row of details.flat()) {
      lookUp.detail.set(row.id, { ...lookUp.detail.get(row.id), ...row });
    }
    const known = new Set(this.byId.keys());
    const opened = new Set(this.children.keys());
    this.children.set(ROOT, projects.map(projectFromRow).sort(inOrder));
    for (const parent of parents) {
      this.children.set(parent, []);
    }
    for (const row of contexts) {
      this.children.get(row.parent_id)?.push(contextFromRow(row, lookUp));
    }
    for (const parent of parents) {
      this.children.get(parent).sort(inOrder);
    }
    this.#forgetWhatIsGone();
    const isFresh = (entity) => !known.has(entity.id) && opened.has(entity.parentId);
    return [...this.byId.values()].filter(isFresh).map((entity) => entity.id);
  }

  /** Keeps only what can still be reached from the projects. */
  #forgetWhatIsGone() {
    this.byId.clear();
    const reached = new Map();
    const waiting = [ROOT];
    while (waiting.length > 0) {
      const parent = waiting.pop();
      const children = this.children.get(parent);
      if (children) {
        reached.set(parent, children);
      }
      for (const child of children ?? []) {
        this.byId.set(child.id, child);
        waiting.push(child.id);
      }
    }
    this.children = reached;
  }
}

function tableOf(rows) {
  return new Map(rows.map((row) => [row.id, row]));
}

function projectFromRow(row) {
  return {
    id: row.id,
    parentId: ROOT,
    name: row.full_name,
    kind: "Project",
    isLeaf: false,
    // The event hub calls projects `show` and everything in them `task`.
    entityType: "show",
    people: [],
  };
}

function contextFromRow(row, lookUp) {
  const kind = lookUp.kind.get(row.object_type_id);
  const detail = lookUp.detail.get(row.id) ?? {};
  const type = lookUp.type.get(detail.type_id);
  const status = lookUp.status.get(detail.status_id);
  const people = (detail.assignments ?? []).map((appointment) => lookUp.user.get(appointment.resource_id));
  return {
    id: row.id,
    parentId: row.parent_id,
    name: row.name,
    kind: kind?.name ?? "",
    isLeaf: kind?.is_leaf ?? false,
    entityType: "task",
    type: type && { name: type.name, color: knownColor(type.color) },
    status: status && { name: status.name, color: knownColor(status.color) },
    people: people.filter(Boolean).map(personFromRow),
  };
}

function personFromRow(row) {
  const name = `${row.first_name ?? ""} ${row.last_name ?? ""}`.trim();
  return { username: row.username, name: name || row.username };
}

/** What holds others comes before tasks, and names in the order of their numbers. */
function inOrder(one, other) {
  return one.isLeaf - other.isLeaf || IN_NATURAL_ORDER.compare(one.name, other.name);
}
