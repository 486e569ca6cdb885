// Uploads under Node, with what jsdom brings of a browser: `window`, `File` and an XMLHttpRequest that asks for CORS.
// Its progress says nothing, so progress and aborting are browser.test.js's.

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { SERVER_LOCATION_ID, require } from "./support/packages.js";
import { closeHubs, listen, open } from "./support/hub.js";
import { connect, connectAs, control, name, one, recorded, server, soon, studio } from "./support/sandbox.js";

const { JSDOM } = require("jsdom");
const { window } = new JSDOM("", { url: "http://studio.example/" });
const { Blob, File } = window;
Object.assign(globalThis, { window, XMLHttpRequest: window.XMLHttpRequest });

let session;
before(async () => {
  session = await connect();
});
after(() => {
  closeHubs();
  window.close();
});

const digest = (bytes) => createHash("md5").update(bytes).digest("hex");

/** What the server gives for a component. */
async function stored(id, by = session) {
  const answer = await fetch(by.getComponentUrl(id));
  assert.equal(answer.status, 200);
  return Buffer.from(await answer.arrayBuffer());
}

/** Lets files be cut into parts of this size until the test is over. */
function cut(t, size, connections = 6) {
  window.FTRACK_UPLOAD_CHUNK_SIZE = size;
  window.FTRACK_UPLOAD_MAX_CONNECTIONS = connections;
  t.after(() => {
    delete window.FTRACK_UPLOAD_CHUNK_SIZE;
    delete window.FTRACK_UPLOAD_MAX_CONNECTIONS;
  });
}

test("a file becomes a component in the server's location", async () => {
  const bytes = randomBytes(10_000);
  const [created, located, metadata] = await session.createComponent(new File([bytes], "plate.v01.exr"));
  const { id } = created.data;
  assert.equal(created.action, "create");
  assert.equal(located.data.__entity_type__, "ComponentLocation");
  assert.equal(metadata.component_id, id);
  const read = await one(session, `select name, file_type, size, component_locations.location_id, component_locations.resource_identifier from FileComponent where id is ${id}`);
  assert.deepEqual([read.name, read.file_type, read.size], ["plate.v01", ".exr", 10_000]);
  assert.deepEqual(read.component_locations.map((each) => [each.location_id, each.resource_identifier]), [[SERVER_LOCATION_ID, id]]);
  assert.equal(digest(await stored(id)), digest(bytes));
});

test("a blob is given its name", async () => {
  const [{ data }] = await session.createComponent(new Blob(["text"]), { name: "notes.txt" });
  assert.deepEqual([data.name, data.file_type, data.size], ["notes", ".txt", 4]);
  assert.equal(String(await stored(data.id)), "text");
});

test("a buffer is given its name and size", async () => {
  const bytes = randomBytes(500);
  const [{ data }] = await session.createComponent(bytes, { name: "raw.bin", data: { size: bytes.length } });
  assert.equal(data.size, 500);
  assert.equal(digest(await stored(data.id)), digest(bytes));
});

test("a file without an extension, and one without bytes", async () => {
  const [{ data }] = await session.createComponent(new File([], "README"));
  assert.deepEqual([data.name, data.file_type, data.size], ["README", "", 0]);
  assert.equal((await stored(data.id)).length, 0);
});

test("what the caller says of the component is kept", async (t) => {
  const { shot } = await studio(t, session);
  const type = await one(session, "select id from AssetType where name is Upload");
  const asset = (await session.create("Asset", { name: "up", context_id: shot, type_id: type.id })).data;
  const version = (await session.create("AssetVersion", { asset_id: asset.id })).data;
  const id = randomUUID();
  await session.createComponent(new File(["x"], "a.mov"), { data: { id, name: "main", file_type: ".mp4", version_id: version.id } });
  const { components } = await one(session, `select components.name, components.file_type from AssetVersion where id is ${version.id}`);
  assert.deepEqual(components.map((each) => [each.id, each.name, each.file_type]), [[id, "main", ".mp4"]]);
});

test("a name is sent in its composed form", async () => {
  const [{ data }] = await session.createComponent(new File(["x"], "cafe\u0301 🙂.txt"));
  assert.equal(data.name, "caf\u00e9 🙂");
  assert.equal((await one(session, `select name from FileComponent where id is ${data.id}`)).name, "caf\u00e9 🙂");
});

test("a file without a name is refused before anything is sent", async () => {
  await assert.rejects(session.createComponent(new Blob(["x"])), { name: "CreateComponentError", message: /name is missing/ });
});

test("two parts' worth goes in one piece, and more in parts", async (t) => {
  cut(t, 1000);
  for (const [size, inParts] of [[2000, false], [2001, true]]) {
    const own = await connect({ clientToken: name("parts") });
    const bytes = randomBytes(size);
    const [{ data }] = await own.createComponent(new File([bytes], "a.bin"));
    assert.equal(digest(await stored(data.id)), digest(bytes));
    const actions = (await recorded(own.clientToken)).flatMap(({ operations }) => operations.map(({ action }) => action));
    assert.equal(actions.includes("complete_multipart_upload"), inParts, `${size}`);
  }
});

test("parts sent side by side are put together in order", async (t) => {
  cut(t, 10_000);
  const bytes = randomBytes(195_001);
  const [{ data }, , metadata] = await session.createComponent(new File([bytes], "a.bin"));
  assert.deepEqual(Object.keys(metadata).sort(), ["component_id", "upload_id", "urls"]);
  assert.equal(digest(await stored(data.id)), digest(bytes));
});

test("parts sent one by one are put together as well", async (t) => {
  cut(t, 10_000, 1);
  const bytes = randomBytes(50_000);
  const [{ data }] = await session.createComponent(new File([bytes], "a.bin"));
  assert.equal(digest(await stored(data.id)), digest(bytes));
});

test("a file above the client's own limit goes in parts", async () => {
  const bytes = randomBytes(17 * 1024 * 1024);
  const [{ data }, , metadata] = await session.createComponent(new File([bytes], "large.bin"));
  // The client has taken away the address of each part that it sent.
  assert.deepEqual(metadata.urls, []);
  assert.equal(data.size, bytes.length);
  assert.equal(digest(await stored(data.id)), digest(bytes));
});

test("an upload that the server refuses once is tried again", async () => {
  const id = randomUUID();
  await control("POST", "faults", { match: "/upload/", fault: "status", status: 503 });
  const [{ data }] = await session.createComponent(new File(["again"], "a.txt"), { data: { id } });
  assert.equal(data.id, id);
  assert.equal(String(await stored(id)), "again");
});

test("a part whose connection breaks is sent again", async (t) => {
  // With several connections the client would complete the upload while a part still waits to be sent again.
  cut(t, 1000, 1);
  const id = randomUUID();
  const bytes = randomBytes(5000);
  await control("POST", "faults", { match: "/upload/", fault: "close_before" });
  await session.createComponent(new File([bytes], "a.bin"), { data: { id } });
  assert.equal(digest(await stored(id)), digest(bytes));
});

test("a component that cannot be made is not uploaded", async () => {
  const id = randomUUID();
  await assert.rejects(session.createComponent(new File(["x"], "a.txt"), { data: { id, frobnicate: 1 } }), { name: "ServerValidationError", message: /frobnicate/ });
  assert.equal((await session.query(`select id from FileComponent where id is ${id}`)).data.length, 0);
});

test("who may only look cannot upload", async () => {
  const viewer = await connectAs("bo");
  await assert.rejects(viewer.createComponent(new File(["x"], "a.txt")), { name: "ServerPermissionDeniedError" });
});

test("a finished upload is told on the event hub", async () => {
  const hub = await open(session);
  const ear = await listen(hub, "topic=ftrack.location.component-added");
  const [{ data }] = await session.createComponent(new File(["x"], "a.txt"));
  const event = await ear.wait("the event", (each) => each.data.component_id === data.id);
  assert.equal(event.data.location_id, SERVER_LOCATION_ID);
});

test("an uploaded picture is made ready for review", async (t) => {
  const { shot } = await studio(t, session);
  const ear = await listen(await open(session), "topic=ftrack.update");
  const type = await one(session, "select id from AssetType where name is Upload");
  const asset = (await session.create("Asset", { name: "still", context_id: shot, type_id: type.id })).data;
  const version = (await session.create("AssetVersion", { asset_id: asset.id })).data;
  const picture = await (await fetch(session.thumbnailUrl(null))).arrayBuffer();
  const [{ data: source }] = await session.createComponent(new File([picture], "still.png"));
  const [{ job_id: id }] = await session.call([{ action: "encode_media", component_id: source.id, version_id: version.id, keep_original: true }]);
  const isEnd = ({ entityId, changes }) => entityId === id && ["done", "failed"].includes(changes?.status?.new);
  await ear.wait("the end of the job", ({ data }) => data.entities.some(isEnd));
  const job = await one(session, `select status, data, job_components.component.name from Job where id is ${id}`);
  assert.equal(job.status, "done");
  assert.equal(JSON.parse(job.data).source_component_id, source.id);
  const read = await one(session, `select thumbnail_id, components.name, components.metadata.key, components.metadata.value from AssetVersion where id is ${version.id}`);
  const image = read.components.find((each) => each.name === "ftrackreview-image");
  assert.equal(JSON.parse(image.metadata.find(({ key }) => key === "ftr_meta").value).format, "image");
  assert.ok((await fetch(session.thumbnailUrl(read.thumbnail_id))).ok);
  assert.ok((await stored(image.id)).length > 0);
});

test("many uploads at once each keep their own bytes", async () => {
  const files = Array.from({ length: 12 }, () => randomBytes(20_000));
  const made = await Promise.all(files.map((bytes, number) => session.createComponent(new File([bytes], `${number}.bin`))));
  const read = await Promise.all(made.map(([{ data }]) => stored(data.id)));
  assert.deepEqual(read.map(digest), files.map(digest));
});

test("addresses carry who asks, and a wrong key gets nothing", async () => {
  const [{ data }] = await session.createComponent(new File(["x"], "a.txt"));
  const address = new URL(session.getComponentUrl(data.id));
  assert.deepEqual(Object.fromEntries(address.searchParams), { id: data.id, username: session.apiUser, apiKey: session.apiKey });
  address.searchParams.set("apiKey", "wrong");
  assert.equal((await fetch(address)).status, 401);
  address.searchParams.set("apiKey", session.apiKey);
  address.searchParams.set("id", randomUUID());
  assert.equal((await fetch(address)).status, 404);
});

test("without a component there is no address, and a placeholder for its thumbnail", async () => {
  assert.equal(session.getComponentUrl(null), null);
  assert.equal(session.thumbnailUrl(null), `${server}/img/thumbnail2.png`);
  const answer = await fetch(session.thumbnailUrl(undefined));
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.deepEqual([...Buffer.from(await answer.arrayBuffer()).subarray(1, 4)], [...Buffer.from("PNG")]);
});

test("a thumbnail's address says its size", () => {
  const size = (address) => new URL(address).searchParams.get("size");
  assert.equal(size(session.thumbnailUrl("c")), "300");
  assert.equal(size(session.thumbnailUrl("c", { size: 42 })), "42");
});
