// What goes wrong, by the class and the words that the client shows.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { error, operation } from "./support/packages.js";
import { connect, connectAs, control, name, one, studio } from "./support/sandbox.js";

let session;
before(async () => {
  session = await connect();
});

/** Asserts that `promise` fails as an error of `kind` whose words match. */
const fails = (promise, kind, words) =>
  assert.rejects(promise, (caught) => {
    assert.ok(caught instanceof error[kind], `${caught.name}: ${caught.message}`);
    assert.equal(caught.name, kind);
    assert.ok(caught instanceof Error);
    assert.match(caught.message, words);
    return true;
  });

test("an unknown attribute is a validation error", async (t) => {
  const { shot } = await studio(t, session);
  await fails(session.create("Task", { name: "x", parent_id: shot, frobnicate: 1 }), "ServerValidationError", /frobnicate/);
});

test("a missing required attribute is a validation error that names it", async () => {
  await fails(session.create("Project", { name: name("x") }), "ServerValidationError", /project_schema_id of Project is required/);
});

test("a value of the wrong type is a validation error", async (t) => {
  const { task } = await studio(t, session);
  await fails(session.update("Task", [task], { bid: "much" }), "ServerValidationError", /bid/);
});

test("an immutable attribute cannot be changed", async (t) => {
  const { task, shot } = await studio(t, session);
  await fails(session.update("Task", [task], { id: shot }), "ServerValidationError", /id/);
});

test("a reference to nothing is refused", async (t) => {
  const { task } = await studio(t, session);
  const nowhere = "00000000-0000-4000-8000-000000000000";
  await assert.rejects(session.update("Task", [task], { status_id: nowhere }), (caught) => caught instanceof Error && /status|exist/i.test(caught.message));
  assert.notEqual((await one(session, `select status_id from Task where id is ${task}`)).status_id, nowhere);
});

test("an unknown entity type is named", async () => {
  await assert.rejects(session.create("Frobnicate", { name: "x" }), /Frobnicate/);
});

test("the same name twice below one parent is an integrity error", async (t) => {
  const { shot } = await studio(t, session);
  await fails(session.create("Task", { name: "anim", parent_id: shot }), "ServerError", /anim|exists/i);
});

test("the same id twice is an integrity error, and the first stays", async (t) => {
  const { shot, task } = await studio(t, session);
  await fails(session.create("Task", { id: task, name: "other", parent_id: shot }), "ServerError", /./);
  assert.equal((await one(session, `select name from Task where id is ${task}`)).name, "anim");
});

test("who may only look is denied the change, and told so by the class", async (t) => {
  const { task } = await studio(t, session);
  const viewer = await connectAs("bo");
  await fails(viewer.update("Task", [task], { description: "mine" }), "ServerPermissionDeniedError", /permi|allowed/i);
  await fails(viewer.delete("Task", [task]), "ServerPermissionDeniedError", /./);
  assert.equal((await one(viewer, `select name from Task where id is ${task}`)).name, "anim");
});

test("an action that the server does not know says its name", async () => {
  await fails(session.call([{ action: "frobnicate" }]), "ServerError", /Invalid action u'frobnicate'/);
});

test("an operation without an action is a validation error", async () => {
  await fails(session.call([{ expression: "select id from Task" }]), "ServerValidationError", /action/);
});

test("changing what is not there is an error, and deleting it is not", async () => {
  const nowhere = "00000000-0000-4000-8000-000000000001";
  await fails(session.update("Task", [nowhere], { name: "x" }), "ServerValidationError", /./);
  assert.deepEqual(await session.delete("Task", [nowhere]), { action: "delete", data: true });
});

test("an error names no operation, and the batch can be halved until it stands alone", async (t) => {
  const { shot } = await studio(t, session);
  const names = ["a", "b", "anim", "c"];
  const create = (list) => session.call(list.map((each) => operation.create("Task", { name: each, parent_id: shot })));
  const refused = [];
  const halve = async (list) => {
    try {
      await create(list);
    } catch (caught) {
      assert.equal(caught.name, "ServerError");
      if (list.length === 1) {
        refused.push(...list);
        return;
      }
      const middle = list.length / 2;
      await halve(list.slice(0, middle));
      await halve(list.slice(middle));
    }
  };
  await halve(names);
  assert.deepEqual(refused, ["anim"]);
  assert.equal((await session.query(`select id from Task where parent_id is ${shot}`)).data.length, 4);
});

test("an expired key is told apart by its code and words", async () => {
  const dana = await connectAs("dana");
  await control("POST", "keys", { user: "dana", is_expired: true });
  try {
    await assert.rejects(dana.query("select id from Project"), (caught) => {
      assert.equal(caught.name, "ServerError");
      assert.match(caught.message, /expired/);
      return true;
    });
  } finally {
    await control("POST", "keys", { user: "dana", is_expired: false });
  }
  assert.ok((await dana.query("select id from Project")).data.length > 0);
});

test("the codes of errors are null where there is none", async () => {
  await assert.rejects(session.query("select nothing from Task"), { name: "ServerValidationError", errorCode: null });
});

test("too many requests is an error, and asking again works", async () => {
  const mark = name("busy");
  await control("POST", "faults", { match: mark, fault: "status", status: 429, retry_after_secs: 1 });
  await assert.rejects(session.query(`select id from Task where name is ${mark}`));
  assert.deepEqual((await session.query(`select id from Task where name is ${mark}`)).data, []);
});
