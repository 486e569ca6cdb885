// Our host's actions, seen by a page of the same user that has the official client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Event } from "../support/packages.js";
import { closeHubs, open } from "../support/hub.js";
import { connect, connectAs, one, soon } from "../support/sandbox.js";

let session;
let hub;
let selection;
let item;
before(async () => {
  session = await connect();
  hub = await open(session);
  const { id } = await one(session, "select id from Sequence where project.name is lantern");
  selection = [{ entityId: id, entityType: "task" }];
});
after(closeHubs);

const ask = async (topic, data) => (await soon(topic, hub.publishAndWaitForReply(new Event(topic, data)))).data;

test("the menu of a sequence has an action of our host", async () => {
  const { items } = await ask("ftrack.action.discover", { selection });
  item = items.find(({ label }) => label === "Create shots");
  assert.equal(item.actionIdentifier, "shot_creation.create_shots");
  assert.match(item.callboardHost, /./);
});

test("it asks by a form, and makes what the form says, once", async () => {
  const form = await ask("ftrack.action.launch", { ...item, selection });
  assert.equal(form.title, "Create shots");
  const fields = form.items.filter(({ type }) => type !== "label");
  const values = { ...Object.fromEntries(fields.map(({ name, value }) => [name, value])), shots: "js010\njs020", task_types: ["Lighting"] };
  const submitted = { ...item, selection, values };
  const result = await ask("ftrack.action.launch", submitted);
  assert.equal(result.success, true, JSON.stringify(result));
  assert.deepEqual(await ask("ftrack.action.launch", submitted), result);
  const { data } = await session.query(`select name, children.name from Shot where parent_id is ${selection[0].entityId} and name like "js%" order by name`);
  assert.deepEqual(data.map((shot) => [shot.name, shot.children.map(({ name }) => name)]), [["js010", ["Lighting"]], ["js020", ["Lighting"]]]);
});

test("a page of somebody else gets no answer from it", async () => {
  const dana = await open(await connectAs("dana"));
  const question = new Event("ftrack.action.discover", { selection });
  await assert.rejects(dana.publishAndWaitForReply(question, { timeout: 1 }), { name: "EventServerReplyTimeoutError" });
});
