// What the tree of projects shows: projects and what is in them, as far as it has been opened.

import { paged, quoted } from "../api.js";
import { dayFromValue } from "../format.js";

const IN_NATURAL_ORDER = new Intl.Collator("en", { numeric: true });

/** The key of the projects among the children. */
export const ROOT = "root";

/** How many children of one parent are read at a time. */
export const PAGE = 200;

/** What a row shows of a context. */
export const ROW = "name, parent_id, object_type_id, status_id, type_id, thumbnail_id, end_date, assignments.resource_id";

export class ProjectRows {
  constructor(api, studio) {
    this.api = api;
    this.studio = studio;
    /** Lists of entities by the id of their parent, for every parent that has been opened. */
    this.children = new Map();
    /** How many children of a parent are wanted, and which parents have more. */
    this.limits = new Map();
    this.unfinished = new Set();
    this.byId = new Map();
  }

  /** Reads the children of these parents afresh, in one request, and returns what is new. */
  async load(parentIds) {
    const parents = [...parentIds];
    if (parents.length === 0) {
      return [];
    }
    const limits = parents.map((parent) => this.limits.get(parent) ?? PAGE);
    const answers = await this.api.query(...parents.map((parent, at) => expression(parent, limits[at])));
    const known = new Set(this.byId.keys());
    const opened = new Set(this.children.keys());
    parents.forEach((parent, at) => {
      const { rows, hasMore } = paged(answers[at], limits[at]);
      const entityFromRow = parent === ROOT ? projectFromRow : (row) => this.#contextFromRow(row);
      this.children.set(parent, rows.map(entityFromRow).sort(inOrder));
      this.unfinished[hasMore ? "add" : "delete"](parent);
    });
    this.#forgetWhatIsGone();
    const isFresh = (entity) => !known.has(entity.id) && opened.has(entity.parentId);
    return [...this.byId.values()].filter(isFresh).map((entity) => entity.id);
  }

  /** Wants more children of a parent the next time. */
  wantMore(parent) {
    this.limits.set(parent, (this.limits.get(parent) ?? PAGE) + PAGE);
  }

  /** Returns the ids of what an entity is in, from the project down to its parent. */
  async pathTo(id) {
    const [[row]] = await this.api.query(`select link from Context where id is ${quoted(id)}`);
    return (row?.link ?? []).map((part) => part.id).filter((part) => part !== id);
  }

  #contextFromRow(row) {
    const kind = this.studio.kinds.get(row.object_type_id);
    return {
      id: row.id,
      parentId: row.parent_id,
      name: row.name,
      kind: kind?.name ?? "",
      isLeaf: kind?.isLeaf ?? false,
      entityType: "task",
      type: kind?.isLeaf ? this.studio.types.get(row.type_id) : undefined,
      status: kind?.hasStatus ? this.studio.statuses.get(row.status_id) : undefined,
      thumbnailId: row.thumbnail_id,
      due: dayFromValue(row.end_date),
      people: row.assignments.map((appointment) => this.studio.resource(appointment.resource_id)).filter(Boolean),
    };
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

function expression(parent, limit) {
  return parent === ROOT
    ? `select full_name, thumbnail_id, end_date from Project order by full_name limit ${limit + 1}`
    : `select ${ROW} from TypedContext where parent_id is ${quoted(parent)} order by object_type.is_leaf, name limit ${limit + 1}`;
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
    thumbnailId: row.thumbnail_id,
    due: dayFromValue(row.end_date),
    people: [],
  };
}

/** What holds others comes before tasks, and names in the order of their numbers. */
function inOrder(one, other) {
  return one.isLeaf - other.isLeaf || IN_NATURAL_ORDER.compare(one.name, other.name);
}
