// `ftrack.update`: what changes tell those who listen.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { operation } from "./support/packages.js";
import { closeHubs, listen, open, settle } from "./support/hub.js";
import { connect, connectAs, name, one, studio } from "./support/sandbox.js";

let session;
let ear;
before(async () => {
  session = await connect({ clientToken: name("updates") });
  ear = await listen(await open(session), "topic=ftrack.update");
});
after(closeHubs);

const about = (id, action) =>
  ear
    .wait(`${action} of ${id}`, ({ data }) => data.entities.some((each) => each.entityId === id && each.action === action))
    .then((event) => ({ event, entity: event.data.entities.find((each) => each.entityId === id && each.action === action) }));

test("a client knows its own change by its token", async (t) => {
  const { task } = await studio(t, session);
  await session.update("Task", [task], { name: "renamed" });
  const { event } = await about(task, "update");
  assert.equal(event.data.clientToken, session.clientToken);
  assert.equal(event.data.pushToken, null);
  const other = await connectAs("dana");
  await other.update("Task", [task], { bid: 60 });
  const theirs = await ear.wait("dana's change", ({ data }) => data.clientToken === other.clientToken);
  assert.equal(theirs.source.user.username, "dana");
  assert.deepEqual(theirs.data.entities[0].keys, ["bid"]);
});

test("a push token comes back with the change", async (t) => {
  const { task } = await studio(t, session);
  const pushToken = name("push");
  await session.update("Task", [task], { description: "pushed" }, { pushToken });
  assert.equal((await about(task, "update")).event.data.pushToken, pushToken);
});

test("one batch is one event, in the older words", async (t) => {
  const { shot, sequence, project, task } = await studio(t, session);
  const { event, entity } = await about(task, "add");
  assert.deepEqual([entity.entityType, entity.entity_type, entity.parentId], ["task", "Task", shot]);
  assert.deepEqual(entity.parents.map((each) => each.entityId), [task, shot, sequence, project]);
  assert.equal(entity.parents.at(-1).entityType, "show");
  assert.deepEqual(entity.changes.name, { old: null, new: "anim" });
  for (const id of [shot, sequence, project]) {
    assert.ok(event.data.entities.some((each) => each.entityId === id && each.action === "add"));
    assert.ok(event.data.parents.includes(id));
  }
});

test("a status is told by its older column, with what it was before", async (t) => {
  const { task } = await studio(t, session);
  const earlier = await one(session, `select status_id from Task where id is ${task}`);
  const status = await one(session, 'select id from Status where name is "In progress"');
  await session.update("Task", [task], { status_id: status.id });
  const { entity } = await about(task, "update");
  assert.deepEqual(entity.keys, ["statusid"]);
  assert.deepEqual(entity.changes, { statusid: { old: earlier.status_id, new: status.id } });
});

test("dates are plain texts in an event", async (t) => {
  const { task } = await studio(t, session);
  await session.update("Task", [task], { start_date: new Date("2026-06-01T09:00:00Z") });
  const { entity } = await about(task, "update");
  assert.match(entity.changes.startdate.new, /^2026-06-01T09:00:00/);
  assert.equal(entity.changes.startdate.old, null);
});

test("a custom attribute is told under its own key, as text", async (t) => {
  const { shot } = await studio(t, session);
  const configuration = await one(session, "select id from CustomAttributeConfiguration where key is fstart and object_type.name is Shot");
  await session.update("ContextCustomAttributeValue", [configuration.id, shot], { value: 1010 });
  const { entity } = await about(shot, "update");
  assert.equal(entity.changes.fstart.new, "1010");
});

test("a deleted tree is told entity by entity", async (t) => {
  const { shot, task, sequence, project } = await studio(t, session);
  await session.delete("Shot", [shot]);
  const { event, entity } = await about(task, "remove");
  assert.ok(event.data.entities.some((each) => each.entityId === shot && each.action === "remove"));
  assert.deepEqual(entity.parents.map((each) => each.entityId), [task, shot, sequence, project]);
});

test("nothing is told of what failed", async (t) => {
  const { shot, task } = await studio(t, session);
  await about(task, "add");
  const lost = name("lost");
  await assert.rejects(
    session.call([operation.create("Task", { name: lost, parent_id: shot }), operation.create("Task", { name: lost, parent_id: shot })]),
  );
  await settle(session.eventHub);
  assert.ok(ear.events.every((event) => !JSON.stringify(event).includes(lost)));
});

test("a query and an update that changes nothing are no news", async (t) => {
  const { task } = await studio(t, session);
  await about(task, "add");
  const known = ear.events.length;
  await session.query(`select id from Task where id is ${task}`);
  await session.update("Task", [task], { name: "anim" });
  await settle(session.eventHub);
  assert.deepEqual(ear.events.slice(known).filter((event) => JSON.stringify(event).includes(task)), []);
});
