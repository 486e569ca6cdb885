// How the client merges and decodes what the server answers: identities, cycles, dates, plain answers.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { connect, one, server, key, user } from "./support/sandbox.js";

let session;
before(async () => {
  session = await connect();
});

const IN_LANTERN = "project.name is lantern";

test("one entity of an answer is one object", async () => {
  const { data } = await session.query(`select name, project.name, parent.name from Task where ${IN_LANTERN}`);
  assert.equal(new Set(data.map((row) => row.project)).size, 1);
  assert.equal(new Set(data.map((row) => row.parent)).size, 2);
  assert.ok(data.every((row) => row.project.name === "lantern"));
});

test("every occurrence shows all that was read of the entity", async () => {
  const { data } = await session.query(`select status.name, status.state.short from Task where ${IN_LANTERN}`);
  assert.ok(data.every(({ status }) => status.name && status.state.short), JSON.stringify(data));
});

test("a cycle leads back to the same object", async () => {
  const { data } = await session.query("select version, asset.versions.version from AssetVersion where asset.name is animation order by version");
  assert.deepEqual(data.map((row) => row.version), [1, 2]);
  for (const row of data) {
    assert.ok(row.asset.versions.includes(row), "the row itself is among its asset's versions");
  }
  assert.equal(data[0].asset, data[1].asset);
});

test("two operations of one call share their entities", async () => {
  const query = `select name from Shot where name is sh010 and ${IN_LANTERN}`;
  const [first, second] = await session.call([{ action: "query", expression: query }, { action: "query", expression: query.replace("name from", "description from") }]);
  assert.equal(first.data[0], second.data[0]);
  assert.equal(first.data[0].description, "");
});

test("calls do not share entities", async () => {
  const query = () => one(session, `select name from Shot where name is sh010 and ${IN_LANTERN}`);
  assert.notEqual(await query(), await query());
});

test("a serializable answer has no cycles and every occurrence whole", async () => {
  const { data } = await session.query("select version, asset.name, asset.versions.version from AssetVersion where asset.name is animation order by version", {
    ensureSerializableResponse: true,
  });
  const copy = JSON.parse(JSON.stringify(data));
  assert.deepEqual(copy, data.map((row) => ({ ...row })));
  for (const row of data) {
    assert.equal(row.asset.name, "animation");
    assert.deepEqual(row.asset.versions.map(({ version }) => version).sort(), [1, 2]);
  }
  assert.notEqual(data[0].asset, data[1].asset);
});

test("a session can ask for serializable answers always", async () => {
  const plain = await connect({ ensureSerializableResponse: true, decodeDatesAsIso: true });
  const { data } = await plain.query(`select name, project.name, created_at from Task where ${IN_LANTERN}`);
  assert.ok(data.every((row) => row.project.name === "lantern" && typeof row.created_at === "string"));
  assert.equal(new Set(data.map((row) => row.project)).size, data.length);
});

test("a date is a moment in UTC", async () => {
  const timelog = await one(session, 'select start from Timelog where comment is "blocking"');
  assert.equal(timelog.start.toISOString(), "2026-11-02T09:00:00.000Z");
  assert.equal(timelog.start.isUTC(), true);
  assert.equal(timelog.start.format("YYYY-MM-DD HH:mm"), "2026-11-02 09:00");
});

test("a date is an ISO text when that is asked for", async () => {
  const timelog = await one(session, 'select start from Timelog where comment is "blocking"', { decodeDatesAsIso: true });
  assert.equal(timelog.start, "2026-11-02T09:00:00.000Z");
});

test("dates inside relations and collections are decoded too", async () => {
  const version = await one(session, "select date, notes.date, asset.versions.date from AssetVersion where asset.name is animation and version is 2", {
    decodeDatesAsIso: true,
  });
  const dates = [version.date, version.notes[0].date, ...version.asset.versions.map(({ date }) => date)];
  assert.ok(dates.every((date) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/.test(date)), dates.join());
});

test("an empty date is null in every mode", async () => {
  const query = `select end_date, status from Shot where name is sh010 and ${IN_LANTERN}`;
  assert.equal((await one(session, query)).end_date, null);
  assert.equal((await one(session, query, { decodeDatesAsIso: true })).end_date, null);
});

// What the client has been captured to be given: the shapes are asserted on the wire, with no client in between.
async function raw(operations, headers = {}) {
  const answer = await fetch(`${server}/api`, {
    method: "POST",
    headers: { "content-type": "application/json", "ftrack-user": user, "ftrack-api-key": key, ...headers },
    body: JSON.stringify(operations),
  });
  return { status: answer.status, body: await answer.json() };
}

test("on the wire a date is tagged, naive and without fractions", async () => {
  const { body } = await raw([{ action: "query", expression: 'select start from Timelog where comment is "blocking"' }]);
  assert.deepEqual(body[0].data[0].start, { __type__: "datetime", value: "2026-11-02T09:00:00" });
});

test("on the wire an answer has its action, data and page", async () => {
  const { body } = await raw([{ action: "query", expression: "select name from Project where name is lantern limit 1" }]);
  assert.deepEqual(Object.keys(body[0]).sort(), ["action", "data", "metadata"]);
  assert.deepEqual(body[0].metadata, { next: { offset: null } });
});

test("on the wire an error is an object with status 200, and without braces", async () => {
  const { status, body } = await raw([{ action: "query", expression: "select {x} from Task" }]);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body).sort(), ["content", "error", "error_code", "exception"]);
  assert.doesNotMatch(body.content, /[{}]/);
});

test("on the wire denormalising repeats what normalising refers to", async () => {
  const query = [{ action: "query", expression: `select project.name from Shot where ${IN_LANTERN}` }];
  const whole = await raw(query, { "ftrack-api-options": "strict:1;denormalize:1" });
  assert.deepEqual(whole.body[0].data.map((row) => row.project.name), ["lantern", "lantern"]);
});
