// Sessions of the official client on the server that the environment names, and things to do with them.

import { randomUUID } from "node:crypto";
import { Session, operation } from "./packages.js";

/** What the environment says. */
export function required(variable) {
  const value = process.env[variable];
  if (!value) {
    throw new Error(`${variable} is not set; tests/conformance/README.md says what the checks need`);
  }
  return value;
}

export const server = required("FTRACK_SERVER").replace(/\/+$/, "");
export const user = required("FTRACK_API_USER");
export const key = required("FTRACK_API_KEY");
const token = required("CALLBOARD_SANDBOX_TOKEN");

/** How long anything that should happen at once may take on a busy machine. */
const SOON_MILLISECONDS = 10_000;

/** A name that nothing else has. */
export const name = (prefix = "made") => `${prefix}_${randomUUID().slice(0, 8)}`;

/** A session that knows its schemas. */
export async function connect(options = {}) {
  const session = new Session(server, user, key, options);
  await session.initializing;
  return session;
}

/** A session of another of the demo's users. */
export async function connectAs(username, options = {}) {
  const { users } = await control("GET", "users");
  const found = users.find((one) => one.user === username);
  const session = new Session(server, username, found.api_key, options);
  await session.initializing;
  return session;
}

/** One of the sandbox's control endpoints. */
export async function control(method, path, body) {
  const answer = await fetch(`${server}/sandbox/${path}`, {
    method,
    headers: { "sandbox-token": token, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`);
  }
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** The API calls that hold `mark` in one of their expressions or keys. */
export async function recorded(mark) {
  const { requests } = await control("GET", "requests");
  return requests.filter((request) => JSON.stringify(request).includes(mark));
}

/** A project with a sequence, a shot and a task, which is removed after the test. */
export async function studio(test, session) {
  const [schema] = (await session.query('select id from ProjectSchema where name is "VFX"')).data;
  const ids = { project: randomUUID(), sequence: randomUUID(), shot: randomUUID(), task: randomUUID() };
  const label = name("project");
  await session.call([
    operation.create("Project", { id: ids.project, name: label, full_name: `Full ${label}`, project_schema_id: schema.id }),
    operation.create("Sequence", { id: ids.sequence, name: "sq010", parent_id: ids.project }),
    operation.create("Shot", { id: ids.shot, name: "sh010", parent_id: ids.sequence }),
    operation.create("Task", { id: ids.task, name: "anim", parent_id: ids.shot }),
  ]);
  test.after(() => session.delete("Project", [ids.project]));
  return { ...ids, name: label };
}

/** The one row that an expression finds. */
export async function one(session, expression, options) {
  const { data } = await session.query(expression, options);
  if (data.length !== 1) {
    throw new Error(`${data.length} rows for: ${expression}`);
  }
  return data[0];
}

/** Waits for `promise`, and no longer than `milliseconds`. */
export function soon(what, promise, milliseconds = SOON_MILLISECONDS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
