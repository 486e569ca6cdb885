// What the studio has set up: statuses, types, people, custom attributes. Read once, and again when it changes.

import { quoted } from "./api.js";
import { knownColor } from "./dom.js";

/** What is kept here, by the name under which `ftrack.update` tells of it. */
const KEPT_TYPES = new Set([
  "Status", "Type", "ObjectType", "Priority", "AssetType", "User", "Group", "Membership", "CustomAttributeConfiguration",
  "ProjectSchema", "Schema", "SchemaStatus", "WorkflowSchema", "ProjectSchemaOverride", "NoteCategory",
]);

export class Studio {
  constructor(api) {
    this.api = api;
    /** Which statuses a project schema allows, by its id; read when first asked for. */
    this.workflows = new Map();
  }

  /** Reads everything; `username` is who is signed in. */
  async load(username) {
    const [statuses, types, kinds, priorities, assetTypes, users, groups, configurations] = await this.api.query(
      "select name, color, sort, state.short from Status order by sort",
      "select name, color, sort from Type order by sort",
      "select name, is_leaf, is_statusable, is_schedulable, is_time_reportable, is_prioritizable from ObjectType",
      "select name, color, sort from Priority order by sort",
      "select name from AssetType order by name",
      "select username, first_name, last_name, is_active from User order by first_name, last_name",
      "select name, memberships.user_id from Group order by name",
      "select key, label, type.name, config, default, is_hierarchical, entity_type, object_type_id, sort from CustomAttributeConfiguration order by sort",
    );
    this.workflows.clear();
    this.statuses = new Map(statuses.map((row) => [row.id, { ...named(row), state: row.state?.short ?? "" }]));
    this.types = tableOf(types.map(named));
    this.kinds = tableOf(kinds.map(kindFromRow));
    this.priorities = tableOf(priorities.map(named));
    this.assetTypes = assetTypes.map(named);
    this.people = tableOf(users.map(personFromRow));
    this.groups = tableOf(groups.map((row) => ({ ...named(row), members: row.memberships.map((member) => member.user_id) })));
    this.attributes = tableOf(configurations.map(attributeFromRow));
    this.me = [...this.people.values()].find((person) => person.username === username);
  }

  /** Tells whether what is kept here changed. */
  concerns(update) {
    return update.some((entity) => KEPT_TYPES.has(entity.entity_type));
  }

  /** Somebody who can be assigned: a person or a group. */
  resource(id) {
    return this.people.get(id) ?? this.groups.get(id);
  }

  /** The groups that somebody belongs to. */
  groupsOf(personId) {
    return [...this.groups.values()].filter((group) => group.members.includes(personId));
  }

  /** Returns the statuses that a project allows for a task of this type, another kind of context, or a version. */
  async statusesOf(schemaId, { isVersion = false, kindId = null, typeId = null }) {
    if (!this.workflows.has(schemaId)) {
      this.workflows.set(schemaId, this.#readWorkflow(schemaId));
    }
    const workflow = await this.workflows.get(schemaId);
    const ids = isVersion
      ? workflow.versions
      : workflow.kinds.get(kindId) ?? workflow.types.get(typeId) ?? workflow.tasks;
    const allowed = new Set(ids);
    return [...this.statuses.values()].filter((status) => allowed.has(status.id));
  }

  async #readWorkflow(schemaId) {
    const [[schema], own] = await this.api.query(
      `select _task_workflow.statuses.id, _version_workflow.statuses.id, _overrides.type_id,
         _overrides.workflow_schema.statuses.id from ProjectSchema where id is ${quoted(schemaId)}`,
      `select type_id, statuses.status_id from Schema where project_schema_id is ${quoted(schemaId)}`,
    );
    const ids = (workflow) => (workflow?.statuses ?? []).map((status) => status.id);
    return {
      tasks: ids(schema?._task_workflow),
      versions: ids(schema?._version_workflow),
      types: new Map((schema?._overrides ?? []).map((row) => [row.type_id, ids(row.workflow_schema)])),
      kinds: new Map(own.map((row) => [row.type_id, row.statuses.map((status) => status.status_id)])),
    };
  }
}

function tableOf(entities) {
  return new Map(entities.map((entity) => [entity.id, entity]));
}

function named(row) {
  return { id: row.id, name: row.name ?? "", color: knownColor(row.color) };
}

function kindFromRow(row) {
  return {
    id: row.id,
    name: row.name,
    isLeaf: row.is_leaf,
    hasStatus: row.is_statusable,
    hasDates: row.is_schedulable,
    hasTime: row.is_time_reportable,
    hasPriority: row.is_prioritizable,
  };
}

function personFromRow(row) {
  const name = `${row.first_name ?? ""} ${row.last_name ?? ""}`.trim();
  return { id: row.id, username: row.username, name: name || row.username, isActive: row.is_active };
}

function attributeFromRow(row) {
  const config = parsed(row.config) ?? {};
  // A list inside a text inside a text.
  const choices = Array.isArray(config.data) ? config.data : parsed(config.data) ?? [];
  return {
    id: row.id,
    key: row.key,
    label: row.label || row.key,
    kind: row.type?.name ?? "text",
    default: row.default,
    isHierarchical: row.is_hierarchical,
    isMultiple: config.multiSelect === true,
    isDecimal: config.isdecimal === true,
    choices: choices.map((choice) => ({ label: choice.menu ?? choice.value, value: choice.value })),
    sort: row.sort ?? 0,
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
