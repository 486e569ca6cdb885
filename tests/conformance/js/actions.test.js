// What the server does for somebody beyond rows: invitations, widgets, jobs, reviews by a signed address.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { operation } from "./support/packages.js";
import { connect, connectAs, control, name, one, studio } from "./support/sandbox.js";

let session;
before(async () => {
  session = await connect();
});

const call = async (action, body) => (await session.call([{ action, ...body }]))[0];

/** A review, which goes after the test with its project. */
async function review(t) {
  const { project } = await studio(t, session);
  const { data } = await session.create("ReviewSession", { name: name("review"), project_id: project, description: "" });
  return data;
}

test("a user is invited, and told by nobody but the record", async () => {
  const dana = await one(session, "select id, email from User where username is dana");
  assert.deepEqual(await call("send_user_invite", { user_id: dana.id }), { sent: true });
  const { invitations } = await control("GET", "invitations");
  assert.ok(invitations.some((each) => each.to === dana.email && each.by === "ada"), JSON.stringify(invitations));
});

test("several users are invited in one batch, or none", async () => {
  const dana = await one(session, "select id from User where username is dana");
  const earlier = (await control("GET", "invitations")).invitations.length;
  const invite = (id) => ({ action: "send_user_invite", user_id: id });
  await assert.rejects(session.call([invite(dana.id), invite("nobody")]), { name: "ServerValidationError", message: /nobody/ });
  assert.equal((await control("GET", "invitations")).invitations.length, earlier);
  assert.deepEqual(await session.call([invite(dana.id), invite(dana.id)]), [{ sent: true }, { sent: true }]);
  assert.equal((await control("GET", "invitations")).invitations.length, earlier + 2);
});

test("a reviewer is invited, and the time is noted", async (t) => {
  const { id } = await review(t);
  const { data: invitee } = await session.create("ReviewSessionInvitee", { review_session_id: id, name: "Client", email: "client@example.com" });
  assert.deepEqual(await call("send_review_session_invite", { review_session_invitee_id: invitee.id }), { sent: true });
  const { last_sent_at: sent } = await one(session, `select last_sent_at from ReviewSessionInvitee where id is ${invitee.id}`);
  assert.ok(Math.abs(sent.valueOf() - Date.now()) < 60_000);
});

test("who may only look invites nobody", async () => {
  const dana = await one(session, "select id from User where username is dana");
  const viewer = await connectAs("bo");
  await assert.rejects(viewer.call([{ action: "send_user_invite", user_id: dana.id }]), { name: "ServerPermissionDeniedError" });
});

test("a widget has an address that shows its entity without a key", async (t) => {
  const { task } = await studio(t, session);
  await session.update("Task", [task], { name: "lookdev<b>" });
  const { widget_url: address } = await call("get_widget_url", { name: "info", entity_type: "Task", entity_key: [task], theme: null });
  assert.ok(!address.includes(session.apiKey));
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /lookdev&lt;b&gt;/);
  assert.ok((await fetch(address.slice(0, -1))).status >= 400);
});

test("a widget that does not exist is refused by its name", async () => {
  await assert.rejects(call("get_widget_url", { name: "frobnicate" }), { name: "ServerValidationError", message: /frobnicate/ });
});

test("a delayed job is a job", async () => {
  const { action, data } = await call("delayed_job", { job_type: "SYNC_USERS_LDAP" });
  assert.deepEqual([action, data.__entity_type__], ["delayed_job", "Job"]);
  const job = await one(session, `select status, user.username from Job where id is ${data.id}`);
  assert.ok(["queued", "running", "done"].includes(job.status), job.status);
  assert.equal(job.user.username, "ada");
});

test("a review has objects in their order, and a status of each reviewer", async (t) => {
  const { project, shot } = await studio(t, session);
  const { data: made } = await session.create("ReviewSession", { name: name("review"), project_id: project, description: "" });
  const type = await one(session, "select id from AssetType where name is Render");
  const { data: asset } = await session.create("Asset", { name: "beauty", context_id: shot, type_id: type.id });
  const objects = [];
  for (const sort of [2, 1]) {
    const { data: version } = await session.create("AssetVersion", { asset_id: asset.id });
    const values = { review_session_id: made.id, version_id: version.id, name: `take ${sort}`, version: `Version ${version.version}`, sort_order: sort };
    objects.push((await session.create("ReviewSessionObject", values)).data.id);
  }
  const { data: invitee } = await session.create("ReviewSessionInvitee", { review_session_id: made.id, name: "Client", email: "client@example.com" });
  await session.create("ReviewSessionObjectStatus", { review_session_object_id: objects[0], review_session_invitee_id: invitee.id, status: "approved" });
  const { data } = await session.query(`select name, asset_version.version, statuses.status, statuses.invitee.name from ReviewSessionObject where review_session_id is ${made.id} order by sort_order`);
  assert.deepEqual(data.map((each) => [each.name, each.asset_version.version]), [["take 1", 2], ["take 2", 1]]);
  assert.deepEqual(data[1].statuses.map((each) => [each.status, each.invitee.name]), [["approved", "Client"]]);
});

test("a review has an address for those without an account", async (t) => {
  const { id, name: title } = await review(t);
  const { signed_url: address } = await call("generate_signed_url", { entity_type: "ReviewSession", entity_key: id, metadata: {} });
  assert.ok(!address.includes(session.apiKey));
  assert.match(await (await fetch(address)).text(), new RegExp(title));
  assert.ok((await fetch(new URL(new URL(address).pathname, address))).status >= 400);
});

test("several things are asked for in one call", async () => {
  const [widget, projects] = await session.call([{ action: "get_widget_url", name: "tasks" }, operation.query("select name from Project where name is harbour")]);
  assert.match(widget.widget_url, /^http/);
  assert.equal(projects.data[0].name, "harbour");
});
