// Create, update, delete and ensure, and what a batch of them leaves behind.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { operation, require } from "./support/packages.js";
import { connect, name, one, studio } from "./support/sandbox.js";

let session;
before(async () => {
  session = await connect();
});

const task = (id, attributes) => one(session, `select ${attributes} from Task where id is ${id}`);

test("an entity that is created without an id gets one", async (t) => {
  const { shot, project } = await studio(t, session);
  const { action, data } = await session.create("Task", { name: "comp", parent_id: shot });
  assert.equal(action, "create");
  assert.equal(data.__entity_type__, "Task");
  assert.match(data.id, /^[0-9a-f-]{36}$/);
  assert.equal(data.name, "comp");
  assert.equal(data.parent_id, shot);
  assert.equal(data.project_id, project);
  assert.equal((await task(data.id, "name")).name, "comp");
});

test("an id that the client chose is kept", async (t) => {
  const { shot } = await studio(t, session);
  const id = randomUUID();
  const { data } = await session.create("Task", { id, name: "comp", parent_id: shot });
  assert.equal(data.id, id);
});

test("a relation may be given as a reference, and its id is set with it", async (t) => {
  const { shot, project } = await studio(t, session);
  const type = await one(session, "select id from Type where name is Lighting");
  const { data } = await session.create("Task", { name: "light", parent: { __entity_type__: "Shot", id: shot }, type: { __entity_type__: "Type", id: type.id } });
  const made = await task(data.id, "parent_id, type_id, type.name, parent.name, project_id");
  assert.deepEqual([made.parent_id, made.type_id, made.project_id], [shot, type.id, project]);
  assert.deepEqual([made.type.name, made.parent.name], ["Lighting", "sh010"]);
});

test("the answer to a change has the ids of the relations that were given", async (t) => {
  const { task, shot } = await studio(t, session);
  const reference = (type, id) => ({ __entity_type__: type, id });
  const ada = await one(session, "select id from User where username is ada");
  const { data: timelog } = await session.create("Timelog", { context: reference("Task", task), user: reference("User", ada.id), duration: 60, start: new Date() });
  assert.deepEqual([timelog.context_id, timelog.user_id], [task, ada.id]);
  const { data: component } = await session.create("FileComponent", { name: "a", file_type: ".exr" });
  const location = await one(session, "select id from Location where name is ftrack.unmanaged");
  const { data: located } = await session.create("ComponentLocation", {
    component: reference("FileComponent", component.id),
    location: reference("Location", location.id),
    resource_identifier: "/mnt/a.exr",
  });
  assert.deepEqual([located.component_id, located.location_id], [component.id, location.id]);
  const { data: moved } = await session.update("Task", [task], { parent: reference("Shot", shot) });
  assert.equal(moved.parent_id, shot);
});

test("a task gets a status and a priority by default", async (t) => {
  const { task: id } = await studio(t, session);
  const made = await task(id, "status.name, priority.name, type");
  assert.equal(made.status.name, "Not started");
  assert.equal(typeof made.priority.name, "string");
});

test("an update answers with what it changed", async (t) => {
  const { task: id } = await studio(t, session);
  const { action, data } = await session.update("Task", [id], { description: "rock the boat", bid: 3600 });
  assert.equal(action, "update");
  assert.deepEqual([data.__entity_type__, data.id, data.description, data.bid], ["Task", id, "rock the boat", 3600]);
  assert.equal((await task(id, "description")).description, "rock the boat");
});

test("a key may be a plain text", async (t) => {
  const { task: id } = await studio(t, session);
  assert.equal((await session.update("Task", id, { name: "anim2" })).data.name, "anim2");
  assert.deepEqual(await session.delete("Task", id), { action: "delete", data: true });
  assert.deepEqual((await session.query(`select id from Task where id is ${id}`)).data, []);
});

test("an update by id changes the relation as well", async (t) => {
  const { task: id } = await studio(t, session);
  const status = await one(session, 'select id from Status where name is "In progress"');
  await session.update("Task", [id], { status_id: status.id });
  assert.equal((await task(id, "status.name")).status.name, "In progress");
  const other = await one(session, 'select id from Status where name is "Approved"');
  await session.update("Task", [id], { status: { __entity_type__: "Status", id: other.id } });
  assert.equal((await task(id, "status_id")).status_id, other.id);
});

test("null clears", async (t) => {
  const { task: id } = await studio(t, session);
  await session.update("Task", [id], { start_date: new Date("2026-01-01T10:00:00Z") });
  await session.update("Task", [id], { start_date: null });
  assert.equal((await task(id, "start_date")).start_date, null);
});

test("dates of every kind arrive as the same moment", async (t) => {
  const { task: id } = await studio(t, session);
  const moment = require("moment");
  const at = "2026-03-01T10:20:30.000Z";
  for (const given of [new Date(at), moment(at), moment.parseZone("2026-03-01T11:20:30+01:00"), at, "2026-03-01T10:20:30.987Z"]) {
    await session.update("Task", [id], { start_date: given });
    const { start_date: read } = await task(id, "start_date");
    assert.equal(read.toISOString(), at, String(given));
    assert.equal((await session.query(`select id from Task where id is ${id} and start_date is "2026-03-01T10:20:30"`)).data.length, 1);
  }
});

test("a text that looks like a date is stored as text", async (t) => {
  const { task: id } = await studio(t, session);
  await session.update("Task", [id], { description: "2020-01-01T00:00:00Z" });
  const { description } = await task(id, "description");
  // The client sends it as a date; what comes back for a text must be a text.
  assert.equal(description, "2020-01-01T00:00:00.000Z");
});

test("text of every kind survives", async (t) => {
  const { task: id } = await studio(t, session);
  const text = 'Ünï\u2028côdé 🙂 "quoted" \\ {braces} \n\t end';
  await session.update("Task", [id], { description: text });
  assert.equal((await task(id, "description")).description, text);
});

test("a moved shot takes its tasks along", async (t) => {
  const [from, to] = [await studio(t, session), await studio(t, session)];
  await session.update("Shot", [from.shot], { parent_id: to.sequence, name: "sh020" });
  assert.equal((await task(from.task, "project_id")).project_id, to.project);
  const { link } = await task(from.task, "link");
  assert.deepEqual(link.slice(1).map((each) => each.id), [to.sequence, from.shot, from.task]);
});

test("deleting a shot deletes its tasks", async (t) => {
  const { shot, task: id } = await studio(t, session);
  assert.equal((await session.delete("Shot", [shot])).data, true);
  assert.deepEqual((await session.query(`select id from Task where id is ${id}`)).data, []);
});

test("what was deleted in a batch can be deleted again in it", async (t) => {
  const { shot, task: id } = await studio(t, session);
  const results = await session.call([operation.delete("Shot", [shot]), operation.delete("Task", [id])]);
  assert.deepEqual(results.map(({ data }) => data), [true, true]);
});

test("later operations of a batch may use what earlier ones made", async (t) => {
  const { sequence } = await studio(t, session);
  const shot = randomUUID();
  const results = await session.call([
    operation.create("Shot", { id: shot, name: "sh777", parent_id: sequence }),
    operation.create("Task", { name: "comp", parent_id: shot }),
    operation.update("Shot", [shot], { description: "new" }),
    operation.query(`select name, description, children.name from Shot where id is ${shot}`),
  ]);
  assert.deepEqual(results.map(({ action }) => action), ["create", "create", "update", "query"]);
  const [{ description, children }] = results[3].data;
  assert.deepEqual([description, children.map((each) => each.name)], ["new", ["comp"]]);
});

test("a batch with a failure leaves nothing", async (t) => {
  const { shot, task: id } = await studio(t, session);
  const lost = name("lost");
  await assert.rejects(
    session.call([
      operation.create("Task", { name: lost, parent_id: shot }),
      operation.update("Task", [id], { description: lost }),
      operation.create("Task", { name: lost, parent_id: shot }),
    ]),
    { name: "ServerError" },
  );
  assert.deepEqual((await session.query(`select id from Task where name is ${lost} or description is ${lost}`)).data, []);
});

test("ensure makes what is missing and finds it again", async (t) => {
  const { shot } = await studio(t, session);
  const wanted = { name: "ensured", parent_id: shot };
  const made = await session.ensure("Task", wanted);
  assert.match(made.id, /^[0-9a-f-]{36}$/);
  const found = await session.ensure("Task", wanted);
  assert.equal(found.id, made.id);
  assert.equal((await session.query(`select id from Task where parent_id is ${shot} and name is ensured`)).data.length, 1);
});

test("ensure updates what differs", async (t) => {
  const { shot } = await studio(t, session);
  const made = await session.ensure("Task", { name: "ensured", parent_id: shot });
  const updated = await session.ensure("Task", { name: "ensured", parent_id: shot, description: "now" }, ["name", "parent_id"]);
  assert.deepEqual([updated.id, updated.description], [made.id, "now"]);
});

test("ensure finds by a date", async (t) => {
  const { task: id } = await studio(t, session);
  const data = { context_id: id, start: new Date("2026-05-05T08:00:00Z"), duration: 3600 };
  const made = await session.ensure("Timelog", data, ["context_id", "start"]);
  const found = await session.ensure("Timelog", data, ["context_id", "start"]);
  assert.equal(found.id, made.id);
});

test("ensure does not choose among several", async (t) => {
  const { shot } = await studio(t, session);
  await session.call(["a", "b"].map((each) => operation.create("Task", { name: each, parent_id: shot, description: "same" })));
  await assert.rejects(session.ensure("Task", { description: "same", parent_id: shot }), /got multiple/);
});

test("versions count themselves", async (t) => {
  const { shot, task: id } = await studio(t, session);
  const type = await one(session, 'select id from AssetType where name is "Render"');
  const { data: asset } = await session.create("Asset", { name: "beauty", context_id: shot, type_id: type.id });
  const numbers = [];
  for (const comment of ["first", "second"]) {
    numbers.push((await session.create("AssetVersion", { asset_id: asset.id, task_id: id, comment })).data.version);
  }
  assert.deepEqual(numbers, [1, 2]);
  const read = await one(session, `select latest_version.comment, versions.is_latest_version, versions.version, versions.user.username from Asset where id is ${asset.id}`);
  assert.equal(read.latest_version.comment, "second");
  assert.deepEqual(read.versions.map((each) => [each.version, each.is_latest_version]).sort(), [[1, false], [2, true]]);
  assert.ok(read.versions.every((each) => each.user.username === "ada"));
});

test("ten clients that write at once all have their way", async (t) => {
  const { shot } = await studio(t, session);
  const sessions = await Promise.all(Array.from({ length: 10 }, () => connect()));
  await Promise.all(sessions.map((each, number) => each.create("Task", { name: `task${number}`, parent_id: shot })));
  const { data } = await session.query(`select name from Task where parent_id is ${shot} and name like "task%" order by name`);
  assert.deepEqual(data.map((each) => each.name), Array.from({ length: 10 }, (_, number) => `task${number}`));
});
