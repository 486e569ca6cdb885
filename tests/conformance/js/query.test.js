// Queries as people write them in JavaScript, their pages, and the search.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { error, expression, operation } from "./support/packages.js";
import { connect, name, one, recorded, studio } from "./support/sandbox.js";

let session;
before(async () => {
  session = await connect();
});

const names = ({ data }) => data.map((row) => row.name);

test("a row has what was asked for and what identifies it", async () => {
  const task = await one(session, 'select name from Task where name is animation and parent.name is sh010 and project.name is lantern');
  assert.equal(task.__entity_type__, "Task");
  assert.equal(task.name, "animation");
  assert.equal(task.context_type, "task");
  assert.equal(task.object_type_id, "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c");
  assert.match(task.id, /^[0-9a-f-]{36}$/);
  assert.match(task.project_id, /^[0-9a-f-]{36}$/);
  assert.equal(task.description, undefined);
});

test("relations are read as deep as they are named", async () => {
  const task = await one(
    session,
    "select name, status.state.short, parent.parent.name, project.full_name from Task where name is animation and parent.name is sh010 and project.name is lantern",
  );
  assert.equal(task.status.state.short, "IN_PROGRESS");
  assert.equal(task.parent.parent.name, "sq100");
  assert.equal(task.parent.__entity_type__, "Shot");
  assert.equal(task.project.full_name, "Lantern");
});

test("a relation without an attribute is a reference", async () => {
  const task = await one(session, "select status, priority from Task where name is animation and parent.name is sh010 and project.name is lantern");
  assert.deepEqual(Object.keys(task.status).sort(), ["__entity_type__", "id"]);
  assert.equal(task.status.__entity_type__, "Status");
});

test("a collection is a list, also when it is empty", async () => {
  const shot = await one(session, "select name, children.name, timelogs from Shot where name is sh010 and project.name is lantern");
  assert.deepEqual(names({ data: shot.children }).sort(), ["animation", "compositing", "lighting", "tracking"]);
  assert.deepEqual(shot.timelogs, []);
});

test("a link leads from the project to the entity", async () => {
  const shot = await one(session, "select link from Shot where name is sh010 and project.name is lantern");
  assert.deepEqual(shot.link.map(({ name }) => name), ["Lantern", "sq100", "sh010"]);
  assert.deepEqual(shot.link.map(({ type }) => type), ["Project", "TypedContext", "TypedContext"]);
  assert.equal(shot.link.at(-1).id, shot.id);
});

test("kinds of context are told apart when asked for together", async () => {
  const { data } = await session.query("select name from TypedContext where project.name is lantern order by name");
  assert.deepEqual([...new Set(data.map((row) => row.__entity_type__))].sort(), ["Sequence", "Shot", "Task"]);
});

test("pages follow one another to the end", async () => {
  const seen = [];
  let offset = 0;
  while (offset !== null) {
    const { data, metadata } = await session.query(`select name from Task where project.name is lantern order by parent.name, name limit 3 offset ${offset}`);
    seen.push(...data.map(({ id }) => id));
    assert.ok(metadata.next.offset === null || metadata.next.offset === seen.length, `${metadata.next.offset}`);
    offset = metadata.next.offset;
  }
  assert.equal(seen.length, 8);
  assert.equal(new Set(seen).size, 8);
});

test("a page that ends where the rows end is the last", async () => {
  const { data, metadata } = await session.query("select id from Task where project.name is lantern limit 8");
  assert.equal(data.length, 8);
  assert.equal(metadata.next.offset, null);
});

test("without a limit everything comes at once", async () => {
  const { data, metadata } = await session.query("select id from Task");
  assert.ok(data.length >= 8 + 48, `${data.length}`);
  assert.equal(metadata.next.offset, null);
});

test("order is by several attributes and both ways", async () => {
  const { data } = await session.query("select name, parent.name from Task where project.name is lantern order by parent.name descending, name");
  assert.deepEqual(
    data.map((row) => `${row.parent.name} ${row.name}`),
    ["sh020", "sh010"].flatMap((shot) => ["animation", "compositing", "lighting", "tracking"].map((task) => `${shot} ${task}`)),
  );
});

test("placeholders of an expression cannot break out of their quotes", async () => {
  const evil = `o"r name like "%`;
  const text = expression`select id from Task where name is "${evil}"`;
  assert.equal(text, 'select id from Task where name is "o\\"r name like \\"%"');
  assert.deepEqual((await session.query(text)).data, []);
});

test("a quote in a name is found again", async (t) => {
  const { shot } = await studio(t, session);
  const wanted = `it's a "name" ${name()}`;
  await session.create("Task", { name: wanted, parent_id: shot });
  assert.deepEqual(names(await session.query(expression`select name from Task where name is "${wanted}"`)), [wanted]);
});

test("conditions are written as people write them", async () => {
  const project = await one(session, "select id from Project where name is lantern");
  const count = async (where) => (await session.query(`select id from Task where project.name is lantern and (${where})`)).data.length;
  assert.equal(await count(`project_id is ${project.id}`), 8);
  assert.equal(await count(`project_id="${project.id}"and name='animation'`), 2);
  assert.equal(await count("name in (animation, \"lighting\")"), 4);
  assert.equal(await count("name not_in (\"animation\")"), 6);
  assert.equal(await count("name like \"%ing\""), 6);
  assert.equal(await count("not name like \"%ing\""), 2);
  assert.equal(await count("assignments any (resource.username is dana)"), 2);
  assert.equal(await count("not assignments any ()"), 4);
  assert.equal(await count("parent has (name is sh010)"), 4);
  assert.equal(await count("bid >= 28800 and bid < 28801"), 8);
  assert.equal(await count("parent_id in (select id from Shot where name is sh020 and project.name is lantern)"), 4);
  assert.equal(await count("status.state.short is NOT_STARTED or type.name is Tracking"), 6);
});

test("limit and offset come in either order, and over several lines", async () => {
  const read = async (page) => names(await session.query(`select name\n  from Shot\n  where project.name is lantern\n  order by name\n  ${page}`));
  assert.deepEqual(await read("limit 1 offset 1"), ["sh020"]);
  assert.deepEqual(await read("offset 1 limit 1"), ["sh020"]);
});

test("attributes that are also words of the language are attributes", async () => {
  const { data } = await session.query("select key, label, type.name, group.name from CustomAttributeConfiguration where key is fps and type.name is number");
  assert.deepEqual(data.map((row) => [row.key, row.type.name, row.group.name]), [["fps", "number", "Production"]]);
});

test("several queries of one batch are pages of their own", async () => {
  const [first, second] = await session.call([
    operation.query("select name from Shot where project.name is lantern order by name limit 1"),
    operation.query("select name from Shot where project.name is lantern order by name limit 1 offset 1"),
  ]);
  assert.deepEqual([...names(first), ...names(second)], ["sh010", "sh020"]);
  assert.deepEqual([first.metadata.next.offset, second.metadata.next.offset], [1, null]);
});

test("a query that makes no sense says where", async () => {
  for (const wrong of ["select from where", "select name from Task where (name is", "select name from Task where name is x order"]) {
    await assert.rejects(session.query(wrong), (caught) => {
      assert.ok(caught instanceof error.ServerError, wrong);
      assert.match(caught.message, /position \d+/);
      return true;
    });
  }
});

test("an unknown attribute or type is a validation error that names it", async () => {
  await assert.rejects(session.query("select frobnicate from Task"), { name: "ServerValidationError", message: /frobnicate does not exist on Task/ });
  await assert.rejects(session.query("select id from Frobnicate"), { message: /Frobnicate/ });
});

test("rows are counted and grouped by the server", async () => {
  const [{ data }] = await session.call([operation.query("select count(id), status.name from Task where project.name is lantern group by status.name")], {
    ensureSerializableResponse: true,
  });
  const counts = Object.fromEntries(data.map((row) => [row.status?.name ?? row.status_name, row.count_id]));
  assert.deepEqual(counts, { Approved: 2, "In progress": 2, "Not started": 4 });
});

test("a search finds by every term", async () => {
  const found = await session.search({ expression: "select name, parent.name from Task", entityType: "Task", terms: ["anim", "sh020"] });
  assert.equal(found.action, "search");
  assert.ok(found.data.length > 0);
  assert.ok(found.data.every((row) => row.name === "animation" && row.parent.name === "sh020"));
  assert.equal(found.metadata.next.offset, null);
});

test("a search stays below a context", async () => {
  const project = await one(session, "select id from Project where name is lantern");
  const { data } = await session.search({ expression: "select name, project_id from Task", entityType: "Task", terms: ["animation"], contextId: project.id });
  assert.equal(data.length, 2);
  assert.ok(data.every((row) => row.project_id === project.id));
});

test("a search keeps to object types", async () => {
  const type = await one(session, "select id from ObjectType where name is Shot");
  const { data } = await session.search({ expression: "select name from TypedContext", entityType: "TypedContext", terms: ["sh0"], objectTypeIds: [type.id] });
  assert.ok(data.length >= 14, `${data.length}`);
  assert.ok(data.every((row) => row.__entity_type__ === "Shot"));
});

test("a search keeps to the conditions and the page of its expression", async () => {
  const { data, metadata } = await session.search({
    expression: "select name from Shot where project.name is lantern order by name limit 1",
    entityType: "Shot",
    terms: ["sh0"],
  });
  assert.deepEqual(names({ data }), ["sh010"]);
  assert.equal(metadata.next.offset, 1);
});

test("a search for nothing known finds nothing", async () => {
  const { data } = await session.search({ expression: "select name from Task", entityType: "Task", terms: [name("unknown")] });
  assert.deepEqual(data, []);
});

test("what was asked is on the server's record as it was written", async () => {
  const mark = name("record");
  await session.query(`select id from Task\n  where name is ${mark}`);
  const [call] = await recorded(mark);
  assert.equal(call.operations[0].expression, `select id from Task\n  where name is ${mark}`);
});
