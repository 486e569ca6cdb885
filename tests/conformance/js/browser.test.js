// The client in a browser, on a page of another origin: calls, uploads, images and the event hub.

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Event, SERVER_LOCATION_ID } from "./support/packages.js";
import { Browser } from "./support/browser.js";
import { closeHubs, listen, open, topic } from "./support/hub.js";
import { connect, connectAs, control, key, name, one, recorded, server, soon, studio, user } from "./support/sandbox.js";

/* global document, ftrack, location, page */

let browser;
let session;
let clientToken;
/** A hub of another user, under Node. */
let host;
/** When the server's heartbeats came to it. */
const beats = [];
let beaten = () => {};
before(async () => {
  [browser, session] = await Promise.all([Browser.start(), connect()]);
  host = await open(await connectAs("dana"));
  host._socketIo.webSocket.addEventListener("message", ({ data }) => data.startsWith("2::") && beats.push(Date.now()) && beaten());
  clientToken = await browser.run(
    async (...credentials) => {
      window.page = { session: new ftrack.Session(...credentials), heard: [] };
      await page.session.initializing;
      return page.session.clientToken;
    },
    server,
    user,
    key,
  );
});
after(async () => {
  closeHubs();
  await browser.stop();
});

const digest = (bytes) => createHash("md5").update(bytes).digest("hex");

/** The digest of what the server gives for a component. */
async function stored(id) {
  const answer = await fetch(session.getComponentUrl(id));
  assert.equal(answer.status, 200);
  return digest(Buffer.from(await answer.arrayBuffer()));
}

/** Uploads so many bytes from the page; each is the remainder of its place. */
const upload = (size, options = {}) =>
  browser.run(
    async (length, { id, chunk, abort }) => {
      const bytes = new Uint8Array(length).map((_, place) => place % 251);
      const seen = [];
      window.FTRACK_UPLOAD_CHUNK_SIZE = chunk;
      const controller = new AbortController();
      return new Promise((resolve, reject) => {
        page.session
          .createComponent(new File([bytes], "page.v1.bin"), {
            data: id ? { id } : {},
            signal: controller.signal,
            onProgress: (percent) => {
              seen.push(percent);
              if (abort) {
                controller.abort();
              }
            },
            onAborted: () => resolve({ aborted: true }),
          })
          .then(([{ data }, { data: located }]) => resolve({ id: data.id, name: data.name, location: located.location_id, seen }), reject);
      });
    },
    size,
    options,
  );
const uploaded = (size) => digest(new Uint8Array(size).map((_, place) => place % 251));

test("the page comes from elsewhere and reads the server's answers", async () => {
  const origin = await browser.run(() => location.origin);
  assert.notEqual(origin, new URL(server).origin);
  const found = await browser.run(async () => (await page.session.query("select name, status.name from Task where name is animation and project.name is lantern")).data);
  assert.deepEqual(found.map((row) => [row.name, row.status.name]), [["animation", "In progress"], ["animation", "In progress"]]);
});

test("a change that the page makes is the page's", async (t) => {
  const { task } = await studio(t, session);
  await browser.run((id) => page.session.update("Task", [id], { description: "from the page" }).then(({ data }) => data.description), task);
  assert.equal((await one(session, `select description from Task where id is ${task}`)).description, "from the page");
  const updates = (await recorded(task)).filter(({ operations }) => operations[0].action === "update");
  assert.deepEqual(updates.map((call) => call.client_token), [clientToken]);
});

test("dates of a person's browser arrive as the same moment", async (t) => {
  const { task } = await studio(t, session);
  const read = await browser.run(async (id) => {
    await page.session.update("Task", [id], { start_date: new Date(Date.UTC(2026, 2, 1, 10, 20, 30)) });
    const { data } = await page.session.query(`select start_date from Task where id is ${id}`, { decodeDatesAsIso: true });
    return data[0].start_date;
  }, task);
  assert.equal(read, "2026-03-01T10:20:30.000Z");
});

test("errors reach the page by their class and words", async () => {
  await assert.rejects(browser.run(() => page.session.query("select frobnicate from Task")), { name: "ServerValidationError", message: /frobnicate/ });
  await assert.rejects(browser.run((...wrong) => new ftrack.Session(...wrong).initializing, server, user, "wrong"), { name: "ServerError", errorCode: "api_credentials_invalid" });
});

test("a strict session with headers of its own may call from the page", async () => {
  const mark = name("strict");
  await assert.rejects(
    browser.run(
      (token, ...credentials) =>
        new ftrack.Session(...credentials, { strictApi: true, ensureSerializableResponse: true, clientToken: token }).query(`select frobnicate from Task where name is ${token}`),
      mark,
      server,
      user,
      key,
    ),
    { name: "ServerValidationError" },
  );
  const calls = await recorded(mark);
  assert.deepEqual(calls.map((call) => call.client_token), [mark, mark]);
});

test("a file goes up from the page, and its progress rises to the end", async () => {
  const made = await upload(3_000_000);
  assert.deepEqual([made.name, made.location], ["page.v1", SERVER_LOCATION_ID]);
  assert.equal(await stored(made.id), uploaded(3_000_000));
  assert.equal(made.seen.at(-1), 100);
  assert.deepEqual(made.seen, [...made.seen].sort((left, right) => left - right));
});

test("a file that a person chose goes up", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const bytes = randomBytes(50_000);
  writeFileSync(join(folder, "été 010.mov"), bytes);
  await browser.choose(join(folder, "été 010.mov"));
  const made = await browser.run(async () => (await page.session.createComponent(document.querySelector("input").files[0]))[0].data);
  assert.deepEqual([made.name, made.file_type, made.size], ["été 010", ".mov", 50_000]);
  assert.equal(await stored(made.id), digest(bytes));
});

test("a file above the client's limit goes up in parts, and its progress rises to the end", async () => {
  const size = 17 * 1024 * 1024 + 5;
  const made = await upload(size);
  assert.equal(await stored(made.id), uploaded(size));
  assert.equal(made.seen.at(-1), 100);
  assert.ok(made.seen.length > 3, `${made.seen}`);
});

test("many small parts go up side by side", async () => {
  const made = await upload(1_000_001, { chunk: 50_000 });
  assert.equal(await stored(made.id), uploaded(1_000_001));
});

test("an upload that the server refuses once is tried again by the page", async () => {
  await control("POST", "faults", { match: "/upload/", fault: "status", status: 503 });
  assert.equal(await stored((await upload(1000)).id), uploaded(1000));
});

for (const [kind, chunk] of [["in one piece", undefined], ["in parts", 1000]]) {
  test(`an upload ${kind} can be aborted, and nothing is located then`, async () => {
    const id = randomUUID();
    await control("POST", "faults", { match: "/upload/", count: chunk ? 6 : 1, fault: "delay", milliseconds: 3000 });
    assert.deepEqual(await upload(20_000, { id, chunk, abort: true }), { aborted: true });
    assert.deepEqual((await one(session, `select component_locations from FileComponent where id is ${id}`)).component_locations, []);
    await control("DELETE", "faults");
  });
}

test("the page reads a component's bytes", async () => {
  const { id } = await upload(5000);
  const read = await browser.run(async (component) => Array.from(new Uint8Array(await (await fetch(page.session.getComponentUrl(component))).arrayBuffer())), id);
  assert.equal(digest(Uint8Array.from(read)), uploaded(5000));
});

/** Uploads a picture of 640 by 360 that the page draws. */
const picture = () =>
  browser.run(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    canvas.getContext("2d").fillRect(0, 0, 320, 360);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    return (await page.session.createComponent(blob, { name: "thumbnail.png" }))[0].data.id;
  });

/** The size of what an `<img>` shows for an address. */
const shown = (address) =>
  browser.run(
    (source) =>
      new Promise((resolve, reject) => {
        const image = new Image();
        image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
        image.onerror = () => reject(new Error(`no image at ${source}`));
        image.src = source;
      }),
    address,
  );

test("an uploaded picture is shown, whole and as a thumbnail", async () => {
  const id = await picture();
  assert.deepEqual(await shown(session.getComponentUrl(id)), [640, 360]);
  const [width, height] = await shown(session.thumbnailUrl(id, { size: 64 }));
  assert.ok(width > 0 && Math.abs(width / height - 640 / 360) < 0.05, `${width} × ${height}`);
});

test("what has no thumbnail shows a placeholder", async () => {
  const [width, height] = await shown(session.thumbnailUrl(null));
  assert.ok(width > 0 && height > 0);
});

test("a thumbnail that the page gives to a shot is the shot's", async (t) => {
  const { shot } = await studio(t, session);
  const id = await picture();
  await browser.run((entity, component) => page.session.update("Shot", [entity], { thumbnail_id: component }).then(() => null), shot, id);
  const read = await one(session, `select thumbnail.name, thumbnail_url from Shot where id is ${shot}`);
  assert.deepEqual([read.thumbnail.id, read.thumbnail.name], [id, "thumbnail"]);
  assert.ok(read.thumbnail_url.value.includes(id), JSON.stringify(read.thumbnail_url));
  assert.ok((await shown(session.thumbnailUrl(read.thumbnail.id)))[0] > 0);
});

// From here on the page's event hub is connected.
const connectPage = () =>
  browser.run(async () => {
    const { eventHub } = page.session;
    eventHub.connect();
    const echo = `test.${crypto.randomUUID()}`;
    await new Promise((resolve) => {
      eventHub.subscribe(`topic=${echo}`, resolve);
      eventHub.publish(new ftrack.Event(echo, {}));
    });
    return eventHub.isConnected();
  });

test("the page's event hub connects and hears what Node publishes", async () => {
  assert.equal(await connectPage(), true);
  const what = topic();
  await browser.run((subject) => {
    page.session.eventHub.subscribe(`topic=${subject}`, (event) => page.heard.push(event) && { heard: event.data.text });
  }, what);
  // Sent again until the page is known to the server as a subscriber.
  const ask = () => host.publishAndWaitForReply(new Event(what, { text: "Créer 🙂" }), { timeout: 1 }).catch(ask);
  const reply = await soon("the page's reply", ask());
  assert.deepEqual(reply.data, { heard: "Créer 🙂" });
  assert.equal(reply.source.user.username, "ada");
  assert.equal(await browser.run(() => page.heard[0].source.user.username), "dana");
});

test("the page hears of changes, and knows its own", async (t) => {
  const { task } = await studio(t, session);
  const token = await browser.run(async (id) => {
    const heard = new Promise((resolve) => {
      page.session.eventHub.subscribe("topic=ftrack.update", ({ data }) => {
        if (data.entities.some((each) => each.entityId === id && each.action === "update")) {
          resolve(data.clientToken);
        }
      });
    });
    await page.session.update("Task", [id], { bid: 60 });
    return heard;
  }, task);
  assert.equal(token, clientToken);
});

test("the page asks for the actions of a selection, launches one and shows its answer", async () => {
  const item = { label: "Publish", actionIdentifier: topic() };
  await listen(host, "topic=ftrack.action.discover", { reply: { items: [item] } });
  await listen(host, "topic=ftrack.action.launch", {
    reply: ({ data }) => ({ items: [{ type: "label", value: `${data.label} ${data.selection[0].entityId}` }] }),
  });
  const form = await browser.run(async () => {
    const selection = [{ entityId: "s-1", entityType: "task" }];
    const ask = (what, data) => page.session.eventHub.publishAndWaitForReply(new ftrack.Event(what, data), { timeout: 10 });
    const [entry] = (await ask("ftrack.action.discover", { selection })).data.items;
    return (await ask("ftrack.action.launch", { ...entry, selection })).data.items[0].value;
  });
  assert.equal(form, "Publish s-1");
});

test("an upload from the page is told to those who listen", async () => {
  const ear = await listen(host, "topic=ftrack.location.component-added");
  const { id } = await upload(10);
  const event = await ear.wait("the event", ({ data }) => data.component_id === id);
  assert.equal(event.data.location_id, SERVER_LOCATION_ID);
});

test("heartbeats came meanwhile, well before the client gives up", async () => {
  const enough = new Promise((resolve) => {
    beaten = () => beats.length >= 2 && resolve();
    beaten();
  });
  await soon("two heartbeats", enough, 14_000);
  // It waits for 15 s, whatever else it hears.
  beats.slice(1).forEach((each, place) => assert.ok(each - beats[place] < 10_000, `${each - beats[place]} ms`));
});

test("the page's hub comes back after the server dropped it", async () => {
  await control("POST", "hub", { do: "drop_connections" });
  const heard = await browser.run(async () => {
    const { eventHub } = page.session;
    const subject = `test.${crypto.randomUUID()}`;
    // Subscribed and published while there is no connection, or just before it is noticed.
    return new Promise((resolve) => {
      eventHub.subscribe(`topic=${subject}`, ({ data }) => resolve(data));
      const publish = () => eventHub.publish(new ftrack.Event(subject, { back: true })).then(() => setTimeout(publish, 500));
      publish();
    });
  });
  assert.deepEqual(heard, { back: true });
});
