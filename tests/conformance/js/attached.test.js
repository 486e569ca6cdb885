// What hangs on entities: custom attributes, metadata, notes, assignments, lists, timelogs, timers, jobs.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { operation } from "./support/packages.js";
import { connect, name, one, studio } from "./support/sandbox.js";

let session;
let ada;
before(async () => {
  session = await connect();
  ada = (await one(session, "select id from User where username is ada")).id;
});

const attributes = async (type, id) => {
  const row = await one(session, `select custom_attributes from ${type} where id is ${id}`);
  return Object.fromEntries(row.custom_attributes.map(({ key, value }) => [key, value]));
};
const configuration = (key, type = "Shot") =>
  one(session, `select id, key, config, is_hierarchical from CustomAttributeConfiguration where key is ${key} and (object_type.name is ${type} or is_hierarchical is true)`);

test("every custom attribute of an entity has a value, the defaults too", async (t) => {
  const { shot } = await studio(t, session);
  const values = await attributes("Shot", shot);
  assert.equal(values.fstart, 1001);
  assert.equal(values.is_client_approved, false);
  assert.deepEqual(values.difficulty, ["medium"]);
  assert.deepEqual(values.elements, []);
  assert.equal(values.delivery_date, null);
  assert.ok("fps" in values && "resolution" in values, "hierarchical ones are among them");
});

test("a custom attribute is written by its configuration and entity", async (t) => {
  const { shot } = await studio(t, session);
  const { id } = await configuration("fstart");
  const { data } = await session.update("ContextCustomAttributeValue", [id, shot], { value: 1010 });
  assert.deepEqual([data.configuration_id, data.entity_id, data.key, data.value], [id, shot, "fstart", 1010]);
  assert.equal((await attributes("Shot", shot)).fstart, 1010);
});

test("values are of the kind that their configuration says", async (t) => {
  const { shot } = await studio(t, session);
  const given = { handles: 12, elements: ["plate", "hdri"], is_client_approved: true, resolution: "4096x2160" };
  for (const [key, value] of Object.entries(given)) {
    const { id } = await configuration(key);
    await session.update("ContextCustomAttributeValue", [id, shot], { value });
  }
  const values = await attributes("Shot", shot);
  for (const [key, value] of Object.entries(given)) {
    assert.deepEqual(values[key], value, key);
  }
});

test("a date in a custom attribute is a moment", async (t) => {
  const { shot } = await studio(t, session);
  const { id } = await configuration("delivery_date");
  await session.update("ContextCustomAttributeValue", [id, shot], { value: new Date("2026-12-24T00:00:00Z") });
  assert.equal((await attributes("Shot", shot)).delivery_date.toISOString(), "2026-12-24T00:00:00.000Z");
});

test("a value of the wrong kind is a validation error", async (t) => {
  const { shot } = await studio(t, session);
  const { id } = await configuration("fstart");
  await assert.rejects(session.update("ContextCustomAttributeValue", [id, shot], { value: "many" }), { name: "ServerValidationError", message: /number/ });
});

test("entities are found by their custom attributes", async (t) => {
  const { shot, project } = await studio(t, session);
  const { id } = await configuration("fend");
  await session.update("ContextCustomAttributeValue", [id, shot], { value: 4242 });
  const { data } = await session.query(`select id from Shot where project_id is ${project} and custom_attributes any (key is "fend" and value is 4242)`);
  assert.deepEqual(data.map((row) => row.id), [shot]);
});

test("values can be read for many entities at once", async (t) => {
  const { shot } = await studio(t, session);
  const { id } = await configuration("fstart");
  await session.update("ContextCustomAttributeValue", [id, shot], { value: 7 });
  const { data } = await session.query(`select value, entity_id, configuration_id from ContextCustomAttributeValue where entity_id in (${shot}) and configuration_id in (${id})`);
  assert.deepEqual(data.map(({ value, entity_id: entity }) => [value, entity]), [[7, shot]]);
});

test("an enumerator's choices are JSON inside of JSON", async () => {
  const { config } = await configuration("elements");
  const choices = JSON.parse(JSON.parse(config).data);
  assert.deepEqual(choices.map(({ value }) => value), ["plate", "lidar", "hdri"]);
});

test("metadata is created, read and deleted by its key", async (t) => {
  const { task } = await studio(t, session);
  await session.create("Metadata", { key: "vendor", value: "north", parent_id: task, parent_type: "Task" });
  const read = async () => (await one(session, `select metadata from Task where id is ${task}`)).metadata;
  const [entry] = await read();
  assert.deepEqual([entry.key, entry.value, entry.parent_id, entry.parent_type], ["vendor", "north", task, "Task"]);
  await session.update("Metadata", [task, "vendor"], { value: "south" });
  assert.equal((await read())[0].value, "south");
  await session.delete("Metadata", [task, "vendor"]);
  assert.deepEqual(await read(), []);
});

test("replacing metadata drops what is not named again", async (t) => {
  const { task } = await studio(t, session);
  const entry = (key) => ({ __entity_type__: "Metadata", parent_id: task, key });
  await session.call(["a", "b"].map((each) => operation.create("Metadata", { key: each, value: each, parent_id: task, parent_type: "Task" })));
  const [, deleted] = await session.call([operation.update("Task", [task], { metadata: [entry("b")] }), operation.delete("Metadata", [task, "a"])]);
  assert.equal(deleted.data, true);
  const { metadata } = await one(session, `select metadata.key from Task where id is ${task}`);
  assert.deepEqual(metadata.map(({ key }) => key), ["b"]);
});

test("a note hangs on its parent, and a reply on the note", async (t) => {
  const { task } = await studio(t, session);
  const { data: note } = await session.create("Note", { content: "darker", user_id: ada, parent_id: task, parent_type: "Task" });
  const { data: reply } = await session.create("Note", { content: "how much?", user_id: ada, in_reply_to_id: note.id, parent_id: task, parent_type: "Task" });
  const read = await one(session, `select content, author.username, replies.content, date from Note where id is ${note.id}`);
  assert.deepEqual([read.content, read.author.username], ["darker", "ada"]);
  assert.deepEqual(read.replies.map((each) => [each.id, each.content]), [[reply.id, "how much?"]]);
  assert.ok(Math.abs(read.date.valueOf() - Date.now()) < 120_000);
});

test("notes are read through their parent", async (t) => {
  const { task } = await studio(t, session);
  await session.create("Note", { content: "one", user_id: ada, parent_id: task, parent_type: "Task" });
  const { notes } = await one(session, `select notes.content from Task where id is ${task}`);
  assert.deepEqual(notes.map(({ content }) => content), ["one"]);
});

test("an assignment is seen from the task and from the user", async (t) => {
  const { task } = await studio(t, session);
  await session.create("Appointment", { context_id: task, resource_id: ada, type: "assignment" });
  const { assignments } = await one(session, `select assignments.resource.username from Task where id is ${task}`);
  assert.deepEqual(assignments.map(({ resource }) => [resource.__entity_type__, resource.username]), [["User", "ada"]]);
  const mine = await session.query(`select id from Task where id is ${task} and assignments any (resource.username is ada)`);
  assert.equal(mine.data.length, 1);
});

test("members of a group are found by their name", async () => {
  const { memberships } = await one(session, "select memberships.user.username from Group where name is Compositing");
  assert.deepEqual(memberships.map((each) => each.user.username).sort(), ["ada", "dana"]);
});

test("a list holds what was put into it", async (t) => {
  const { project, shot, task } = await studio(t, session);
  const { data: other } = await session.create("Task", { name: "comp", parent_id: shot });
  const category = await one(session, "select id from ListCategory where name is Dailies");
  const { data: list } = await session.create("TypedContextList", { name: name("list"), project_id: project, category_id: category.id, system_type: "task" });
  for (const id of [task, other.id]) {
    await session.create("ListObject", { list_id: list.id, entity_id: id });
  }
  const { items } = await one(session, `select items.name from TypedContextList where id is ${list.id}`);
  assert.deepEqual(items.map((each) => each.name).sort(), ["anim", "comp"]);
});

test("logged time adds up in seconds", async (t) => {
  const { task } = await studio(t, session);
  for (const duration of [3600, 1800]) {
    await session.create("Timelog", { context_id: task, user_id: ada, duration, start: new Date("2026-04-01T08:00:00Z") });
  }
  const read = await one(session, `select time_logged, timelogs.duration from Task where id is ${task}`);
  assert.equal(read.time_logged, 5400);
  assert.deepEqual(read.timelogs.map(({ duration }) => duration).sort(), [1800, 3600]);
});

test("a timer starts now, and a user has one", async (t) => {
  const { task } = await studio(t, session);
  const { data: timer } = await session.create("Timer", { user_id: ada, context_id: task });
  t.after(() => session.delete("Timer", [timer.id]));
  const { start } = await one(session, `select start from Timer where id is ${timer.id}`);
  assert.ok(Math.abs(start.valueOf() - Date.now()) < 60_000);
  await assert.rejects(session.create("Timer", { user_id: ada, context_id: task }), { name: "ServerError", message: /DuplicateEntryError/ });
});

test("a job keeps its data as it was written", async (t) => {
  const data = JSON.stringify({ description: "Render {42} %" });
  const { data: job } = await session.create("Job", { user_id: ada, status: "running", type: "api_job", data });
  t.after(() => session.delete("Job", [job.id]));
  const read = await one(session, `select data, status, user.username from Job where id is ${job.id}`);
  assert.deepEqual([read.data, read.status, read.user.username], [data, "running", "ada"]);
  await session.update("Job", [job.id], { status: "done" });
  assert.equal((await one(session, `select status from Job where id is ${job.id}`)).status, "done");
});

test("contexts are linked in one direction and seen from both", async (t) => {
  const { shot, task } = await studio(t, session);
  await session.create("TypedContextLink", { from_id: shot, to_id: task });
  const from = await one(session, `select outgoing_links.to.name from Shot where id is ${shot}`);
  const to = await one(session, `select incoming_links.from.name from Task where id is ${task}`);
  assert.deepEqual(from.outgoing_links.map((each) => each.to.name), ["anim"]);
  assert.deepEqual(to.incoming_links.map((each) => each.from.name), ["sh010"]);
});

test("versions use one another", async (t) => {
  const { shot } = await studio(t, session);
  const type = await one(session, 'select id from AssetType where name is "Render"');
  const versions = [];
  for (const each of ["plate", "comp"]) {
    const asset = randomUUID();
    versions.push(randomUUID());
    await session.call([
      operation.create("Asset", { id: asset, name: each, context_id: shot, type_id: type.id }),
      operation.create("AssetVersion", { id: versions.at(-1), asset_id: asset }),
    ]);
  }
  await session.create("AssetVersionLink", { from_id: versions[0], to_id: versions[1] });
  const read = await one(session, `select uses_versions.asset.name, used_in_versions.id from AssetVersion where id is ${versions[1]}`);
  assert.deepEqual([read.uses_versions.map((each) => each.asset.name), read.used_in_versions], [["plate"], []]);
});

test("the built-in locations are there", async () => {
  const { data } = await session.query("select id, name from Location");
  const found = Object.fromEntries(data.map((each) => [each.name, each.id]));
  assert.equal(found["ftrack.server"], "3a372bde-05bc-11e4-8908-20c9d081909b");
  assert.equal(found["ftrack.review"], "cd41be70-8809-11e3-b98a-20c9d081909b");
});
