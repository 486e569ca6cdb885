// The event hub when the server drops connections. Every hub of this file is on one socket, as in a browser's page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Event, EventHub } from "./support/packages.js";
import { Ear, closeHubs, listen, open, settle, topic } from "./support/hub.js";
import { connect, connectAs, control, key, server, soon, user } from "./support/sandbox.js";

let hub;
let dana;
before(async () => {
  // The client writes each lost connection on the console.
  console.error = () => {};
  hub = await open(await connect());
  dana = await open(await connectAs("dana"));
});
after(closeHubs);

/**
 * Drops every connection, and waits until every hub is back. The client lets nobody catch what fails while it subscribes
 * again, so nothing may be dropped before it has.
 */
async function drop() {
  const { connections } = await control("POST", "hub", { do: "drop_connections" });
  await Promise.all([connected(hub, false), connected(dana, false)]);
  await Promise.all([connected(hub, true), connected(dana, true)]);
  await Promise.all([settle(hub), settle(dana)]);
  return connections;
}

/** Waits for the state of a hub, which tells nobody of its changes. */
function connected(one, wanted) {
  const changed = new Promise((resolve) => {
    const timer = setInterval(() => {
      if (one.isConnected() === wanted) {
        clearInterval(timer);
        resolve();
      }
    }, 5);
  });
  return soon(`isConnected() to be ${wanted}`, changed);
}

test("a dropped hub comes back by itself and hears as before", async () => {
  const what = topic();
  const ear = await listen(hub, `topic=${what}`);
  assert.ok((await control("POST", "hub", { do: "drop_connections" })).connections >= 1);
  await connected(hub, false);
  // What is published meanwhile is sent later, after the subscriptions.
  const published = hub.publish(new Event(what, { meanwhile: true }));
  const heard = await ear.wait("the event published meanwhile");
  assert.equal(heard.id, await published);
  assert.equal(hub.isConnected(), true);
  await Promise.all([connected(dana, true), settle(hub)]);
  await settle(dana);
  assert.equal(ear.events.length, 1);
});

test("a reply finds its way after a reconnection", async () => {
  const what = topic();
  await listen(dana, `topic=${what}`, { reply: { still: "here" } });
  await drop();
  assert.deepEqual((await soon("the reply", hub.publishAndWaitForReply(new Event(what, {})))).data, { still: "here" });
});

test("a session of the server that was forgotten is asked for anew", async () => {
  await control("POST", "hub", { do: "forget_sessions" });
  await drop();
});

test("with wrong credentials a hub never connects", async () => {
  const lost = new EventHub(server, user, "wrong");
  lost.connect();
  const answer = await fetch(`${server}/socket.io/1/?api_user=${user}&api_key=wrong`);
  assert.equal(answer.status, 401);
  await lost._socketIo.initializing;
  assert.equal(lost.isConnected(), false);
  lost.disconnect();
});

test("two hubs of one user share a socket, and each has its own replies", async () => {
  const what = topic();
  const [left, right] = [await open(await connect()), await open(await connect())];
  assert.equal(left._socketIo, right._socketIo);
  // A hub that joins an open socket asks for replies only when that is opened anew.
  await drop();
  const [at, ear] = [topic(), new Ear(right, `topic=${what}`, { reply: ({ source }) => ({ asked: source.id }) })];
  await settle(right);
  const [first, second] = await soon("both replies", Promise.all([left, right].map((each) => each.publishAndWaitForReply(new Event(what, { at })))));
  assert.deepEqual([first.data.asked, second.data.asked], [left._id, right._id]);
  assert.equal(ear.events.length, 2);
});

test("a hub that disconnects answers no more", async () => {
  const what = topic();
  const leaving = await open(await connectAs("dana"));
  await listen(leaving, `topic=${what}`, { reply: { still: "here" } });
  await soon("the reply", hub.publishAndWaitForReply(new Event(what, {})));
  // The client hears until the server has closed as well, and lets nobody catch that it cannot reply any more.
  const socket = leaving._socketIo.socket.transport.websocket;
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  leaving.disconnect();
  assert.equal(leaving.isConnected(), false);
  await soon("the server to close", closed);
  await assert.rejects(hub.publishAndWaitForReply(new Event(what, {}), { timeout: 0.3 }), { name: "EventServerReplyTimeoutError" });
  assert.throws(() => leaving.publish(new Event(what, {})), /not connected/);
});
