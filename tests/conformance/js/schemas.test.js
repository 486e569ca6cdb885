// The schemas that a session learns, and the workflow that hangs on them.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { Session, projectSchema } from "./support/packages.js";
import { connect, one, server, user } from "./support/sandbox.js";

let session;
before(async () => {
  session = await connect();
});

test("schemas are found by name, and unknown ones are not", () => {
  assert.equal(session.getSchema("Task").id, "Task");
  assert.equal(session.getSchema("Nothing"), null);
  assert.ok(session.schemas.length > 100, `${session.schemas.length}`);
});

test("a session that has not connected yet knows no schema", async () => {
  const early = new Session(server, user, "wrong");
  assert.equal(early.getSchema("Task"), null);
  assert.equal(early.getPrimaryKeyAttributes("Task"), null);
  await assert.rejects(early.initializing);
});

test("primary keys are what identifies an entity", () => {
  const keys = (type) => session.getPrimaryKeyAttributes(type);
  assert.deepEqual(keys("Task"), ["id"]);
  assert.deepEqual(keys("Metadata"), ["parent_id", "key"]);
  assert.deepEqual(keys("ContextCustomAttributeValue"), ["configuration_id", "entity_id"]);
  assert.equal(keys("Nothing"), null);
  assert.equal(session.getIdentifyingKey({ __entity_type__: "Metadata", key: "k", parent_id: "p" }), "Metadata,p,k");
});

test("a schema tells types, references and collections", () => {
  const { properties } = session.getSchema("Task");
  assert.equal(properties.name.type, "string");
  assert.equal(properties.bid.type, "number");
  assert.equal(properties.status.$ref, "Status");
  assert.equal(properties.timelogs.type, "array");
  assert.equal(properties.timelogs.items.$ref, "Timelog");
  assert.equal(properties.start_date.format, "date-time");
});

test("kinds of context are told by their alias", () => {
  const { alias_for: task } = session.getSchema("Task");
  assert.equal(task.id, "Task");
  assert.equal(task.classifiers.object_typeid, "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c");
  // Handlers of actions translate the older name of an event's selection by the aliases that are plain text.
  assert.equal(session.getSchema("TypedContext").alias_for, "Task");
  assert.equal(session.getSchema("Project").alias_for, "Show");
});

test("required and immutable attributes are named", () => {
  const { required, immutable, primary_key: key } = session.getSchema("Task");
  assert.ok(required.includes("name"));
  assert.ok(immutable.includes("id"));
  assert.deepEqual(key, ["id"]);
});

test("the hash is that of the schemas, as Python writes them", async () => {
  const python = (value) => {
    if (Array.isArray(value)) {
      return `[${value.map(python).join(", ")}]`;
    }
    if (value && typeof value === "object") {
      const keys = Object.keys(value).sort();
      return `{${keys.map((key) => `${python(key)}: ${python(value[key])}`).join(", ")}}`;
    }
    return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };
  const hash = createHash("md5").update(python(session.schemas)).digest("hex");
  assert.equal(hash, session.serverInformation.schema_hash);
});

const known = (type) => assert.ok(session.getSchema(type), `${type} is no type of the schemas`);

/** The types of all entities in an answer, however deep. */
function types(value) {
  if (!value || typeof value !== "object") {
    return [];
  }
  const inner = Object.values(value).flatMap(types);
  return value.__entity_type__ ? [value.__entity_type__, ...inner] : inner;
}

test("every entity type can be asked for all that its schema names", async () => {
  const plain = { ensureSerializableResponse: true };
  // These two can be filtered by, and not read.
  const hidden = ["custom_attribute_links", "custom_attribute_links_from"];
  for (const { id, properties } of session.schemas) {
    const names = Object.keys(properties).filter((each) => !hidden.includes(each));
    const { data } = await session.query(`select ${names.join(", ")} from ${id} limit 10`, plain);
    types(data).forEach(known);
    for (const row of data) {
      for (const each of names) {
        assert.ok(each in row, `${id} has ${each}`);
      }
    }
  }
});

test("every row has its key and what its schema always sends", async () => {
  for (const { id } of session.schemas) {
    const { data } = await session.query(`select ${session.getPrimaryKeyAttributes(id)[0]} from ${id} limit 10`);
    for (const row of data) {
      const { primary_key: keys, system_projections: legacy = [], properties } = session.getSchema(row.__entity_type__);
      const always = legacy.map((old) => Object.keys(properties).find((each) => properties[each].alias_for === old) ?? old);
      for (const each of [...keys, ...always.filter((name) => name in properties)]) {
        assert.ok(each in row, `${row.__entity_type__} has ${each}`);
      }
    }
  }
});

async function statuses(type, typeId) {
  const schema = await one(session, 'select id from ProjectSchema where name is "VFX"');
  return projectSchema.getStatuses(session, schema.id, type, typeId);
}

test("a task's statuses come from the project schema's workflow", async () => {
  const found = await statuses("Task");
  assert.ok(found.some(({ name }) => name === "Not started"));
  assert.ok(found.every(({ color, sort }) => /^#[0-9A-F]{6}$/i.test(color) && Number.isInteger(sort)));
});

test("a task type without statuses of its own has those of every task", async () => {
  const type = await one(session, "select id from Type where name is Animation");
  const names = (list) => list.map(({ name }) => name).sort();
  assert.deepEqual(names(await statuses("Task", type.id)), names(await statuses("Task")));
});

test("a version's statuses come from the version workflow", async () => {
  const found = await statuses("AssetVersion");
  assert.ok(found.some(({ name }) => name === "Pending Review"), found.map(({ name }) => name).join());
});

test("a shot's statuses come from its object type", async () => {
  const found = await statuses("Shot");
  assert.ok(found.length > 1);
  assert.ok(found.every((status) => status.__entity_type__ === "Status" && status.name && status.color));
});

test("an object type without statuses has none", async () => {
  assert.deepEqual(await statuses("Folder"), []);
});
