// Connecting, and what a session knows once it has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventHub, SERVER_LOCATION_ID, Session, error, loglevel, manifest, operation, require } from "./support/packages.js";
import { connect, connectAs, control, key, name, one, recorded, server, soon, studio, user } from "./support/sandbox.js";

test("it is the client that is meant", () => {
  assert.equal(manifest.version, "1.11.2");
});

test("a session connects and knows its server", async () => {
  const session = new Session(server, user, key);
  assert.equal(session.initialized, false);
  assert.equal(await session.initializing, session);
  assert.equal(session.initialized, true);
  assert.match(session.serverVersion, /^\d+\.\d+\.\d+$/);
  assert.equal(session.serverInformation.version, session.serverVersion);
  assert.equal(await session.getServerVersion(), session.serverVersion);
});

test("the CommonJS build connects as the module does", async () => {
  const { Session: Common } = require("@ftrack/api");
  assert.notEqual(Common, Session);
  const session = new Common(server, user, key);
  await session.initializing;
  assert.equal((await session.query("select username from User where username is ada")).data[0].username, "ada");
});

test("a session starts with one request of two operations", async () => {
  const { clientToken } = await connect({ clientToken: name("start") });
  assert.deepEqual(
    (await recorded(clientToken)).map((request) => request.operations.map(({ action }) => action)),
    [["query_server_information", "query_schemas"]],
  );
});

test("calls wait until the session knows its schemas", async () => {
  const session = new Session(server, user, key);
  const { data } = await session.query("select name from Project where name is harbour");
  assert.equal(session.initialized, true);
  assert.equal(data[0].name, "harbour");
});

test("a session needs a server, a user and a key", () => {
  for (const missing of [["", user, key], [server, "", key], [server, user, ""]]) {
    assert.throws(() => new Session(...missing), /Invalid arguments/);
  }
});

test("a wrong key is told as the server tells it", async () => {
  const session = new Session(server, user, "wrong");
  await assert.rejects(session.initializing, (caught) => {
    assert.ok(caught instanceof error.ServerError);
    assert.equal(caught.name, "ServerError");
    assert.match(caught.message, /API key/);
    assert.equal(caught.errorCode, "api_credentials_invalid");
    return true;
  });
  assert.deepEqual(await session.getServerInformation(), {});
  assert.deepEqual(await session.getSchemas(), []);
});

test("an unknown user and a wrong key are answered alike", async () => {
  const refusal = (session) => session.initializing.then(() => null, ({ name, message, errorCode }) => ({ name, message, errorCode }));
  const unknown = await refusal(new Session(server, "nobody", key));
  assert.equal(unknown.errorCode, "api_credentials_invalid");
  assert.deepEqual(unknown, await refusal(new Session(server, user, "wrong")));
});

test("a user who was disabled does not get in", async () => {
  await assert.rejects(connectAs("cleo"), { name: "ServerError" });
});

test("a session that failed keeps its reason for every call", async () => {
  const session = new Session(server, user, "wrong");
  await assert.rejects(session.query("select id from Task"), { errorCode: "api_credentials_invalid" });
  assert.equal(session.initialized, false);
});

test("a server that is not there is a network error", async () => {
  const session = new Session("http://127.0.0.1:9", user, key);
  await assert.rejects(session.initializing, { name: "ServerError", message: /bad port|ECONNREFUSED/ });
});

test("server information has what clients read", async () => {
  const information = await (await connect()).getServerInformation();
  assert.equal(information.is_timezone_support_enabled, true);
  assert.equal(information.storage_scenario.scenario, "ftrack.automatic");
  assert.match(information.schema_hash, /^[0-9a-f]{32}$/);
});

test("server information can be narrowed to what is wanted", async () => {
  const session = await connect({ serverInformationValues: ["workday_length"] });
  assert.equal(session.serverInformation.workday_length, 28800);
  assert.equal(session.serverInformation.workdays, undefined);
  // The client asks for it by itself, since it decodes dates by it.
  assert.equal(session.serverInformation.is_timezone_support_enabled, true);
  assert.deepEqual((await (await connect()).getServerInformation()).workdays, [1, 2, 3, 4, 5]);
});

test("server information and schemas are asked for once", async () => {
  const session = await connect({ clientToken: name("once") });
  await Promise.all([session.getServerInformation(), session.getSchemas(), session.getServerVersion()]);
  assert.equal(await session.getSchemas(), session.schemas);
  assert.equal(await session.getServerInformation(), session.serverInformation);
  assert.equal((await recorded(session.clientToken)).length, 1);
});

test("a trailing slash does not matter to calls", async () => {
  const session = new Session(`${server}/`, user, key);
  await session.initializing;
  assert.equal((await session.query("select name from Project where name is lantern")).data[0].name, "lantern");
});

test("another endpoint can be named", async () => {
  const session = new Session(server, user, key, { apiEndpoint: "/nowhere" });
  await assert.rejects(session.initializing);
});

test("a client token travels with each change", async (t) => {
  const session = await connect({ clientToken: name("token") });
  const { task } = await studio(t, session);
  await session.update("Task", [task], { description: "told" });
  const calls = await recorded(task);
  assert.deepEqual(new Set(calls.map((call) => call.client_token)), new Set([session.clientToken]));
});

test("each session has a client token of its own", async () => {
  const [left, right] = [await connect(), await connect()];
  assert.match(left.clientToken, /^ftrack-javascript-api--[0-9a-f-]{36}$/);
  assert.notEqual(left.clientToken, right.clientToken);
});

test("headers of the session and of one call are sent", async () => {
  const session = await connect({ additionalHeaders: { "ftrack-clienttoken": name("all") } });
  const mark = name("header");
  await session.query(`select id from Task where name is ${mark}`, { additionalHeaders: { "ftrack-clienttoken": mark } });
  assert.equal((await recorded(mark))[0].client_token.split(", ").at(-1), mark);
});

test("a header may name another user, who is then the one that asks", async () => {
  const { users } = await control("GET", "users");
  const bo = users.find((each) => each.user === "bo");
  const session = await connect();
  const mark = name("as");
  await session.query(`select id from Task where name is ${mark}`, {
    additionalHeaders: { "ftrack-user": "bo", "ftrack-api-key": bo.api_key },
  });
  assert.equal((await recorded(mark))[0].user, "bo");
});

test("a strict session tells errors by status, and the client reads them all the same", async () => {
  const statuses = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (...request) => {
    const answer = await fetch(...request);
    statuses.push(answer.status);
    return answer;
  };
  try {
    for (const strictApi of [true, false]) {
      const session = await connect({ strictApi });
      await assert.rejects(session.query("select nothing from Task"), { name: "ServerValidationError" });
    }
  } finally {
    globalThis.fetch = fetch;
  }
  const [, strict, , lenient] = statuses;
  assert.ok(strict >= 400 && strict < 500, `${strict}`);
  assert.equal(lenient, 200);
});

test("a batch is answered in its order", async () => {
  const session = await connect();
  const [projects, types, information] = await session.call([
    operation.query("select name from Project where name is harbour"),
    operation.query("select name from Type where name is Animation"),
    { action: "query_server_information" },
  ]);
  assert.equal(projects.data[0].name, "harbour");
  assert.equal(types.data[0].name, "Animation");
  assert.equal(information.version, session.serverVersion);
});

test("a batch of nothing is answered with nothing", async () => {
  assert.deepEqual(await (await connect()).call([]), []);
});

test("a call can be aborted by a signal or by a controller", async () => {
  const session = await connect();
  const mark = name("abort");
  await control("POST", "faults", { match: mark, count: 2, fault: "delay", milliseconds: 5000 });
  for (const option of ["signal", "controller"]) {
    const controller = new AbortController();
    const options = option === "signal" ? { signal: controller.signal } : { abortController: controller };
    const running = session.query(`select id from Task where name is ${mark}`, options);
    setImmediate(() => controller.abort());
    // The client takes whatever `fetch` throws for an error of the network.
    await soon("the aborted call", assert.rejects(running, { name: "ServerError", message: "This operation was aborted" }), 4000);
  }
});

test("many calls at once are each answered with their own", async () => {
  const session = await connect();
  const names = Array.from({ length: 40 }, (_, number) => `sh${String((number % 3) + 1).padStart(2, "0")}0`);
  const found = await Promise.all(names.map((each) => session.query(`select name from Shot where name is ${each} limit 1`)));
  assert.deepEqual(found.map(({ data }) => data[0].name), names);
});

test("a call that the server drops is a network error, and the next one works", async () => {
  const session = await connect();
  const mark = name("dropped");
  await control("POST", "faults", { match: mark, fault: "close_before" });
  await assert.rejects(session.query(`select id from Task where name is ${mark}`), { name: "ServerError" });
  assert.deepEqual((await session.query(`select id from Task where name is ${mark}`)).data, []);
});

test("an answer that is a web page is an error, and the session lives on", async () => {
  const session = await connect();
  const mark = name("page");
  await control("POST", "faults", { match: mark, fault: "html" });
  await assert.rejects(session.query(`select id from Task where name is ${mark}`), { name: "SyntaxError" });
  assert.equal((await one(session, "select name from Project where name is harbour")).name, "harbour");
});

test("resetting a key gives a new one, which works, and ends the old one", async () => {
  const session = await connect();
  const dana = await connectAs("dana");
  const { id } = await one(session, "select id from User where username is dana");
  const reset = async () => (await session.call([{ action: "reset_remote", reset_type: "api_key", entity_type: "User", entity_key: id }]))[0].data.api_key;
  const [first, second] = [await reset(), await reset()];
  assert.notEqual(first, second);
  await assert.rejects(dana.query("select id from Project"), { errorCode: "api_credentials_invalid" });
  const renewed = new Session(server, "dana", second);
  await renewed.initializing;
  assert.equal((await renewed.query("select username from User where username is dana")).data[0].username, "dana");
});

test("the client's log warns of what failed", async (t) => {
  const logger = loglevel.getLogger("ftrack_api");
  const { methodFactory } = logger;
  const told = [];
  logger.methodFactory = (level) => (...words) => told.push([level, ...words]);
  logger.setLevel("warn", false);
  t.after(() => {
    logger.methodFactory = methodFactory;
    logger.setLevel("silent", false);
  });
  const session = await connect();
  await assert.rejects(session.query("select nothing from Task"));
  assert.deepEqual(told.map(([level, text, reason]) => [level, text, reason.name]), [["warn", "Failed to perform request. ", "ServerValidationError"]]);
});

test("what the client exports fits the server", async () => {
  const session = await connect();
  const location = await one(session, `select name from Location where id is "${SERVER_LOCATION_ID}"`);
  assert.equal(location.name, "ftrack.server");
  assert.ok(session.eventHub instanceof EventHub);
  assert.deepEqual(operation.update("Task", ["t"], { name: "x" }), {
    action: "update",
    entity_type: "Task",
    entity_key: ["t"],
    entity_data: { name: "x", __entity_type__: "Task" },
  });
});
