// The event hub under Node: what is published, who hears it, and how replies find their way.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Event, EventHub, error } from "./support/packages.js";
import { Ear, closeHubs, listen, open, settle, topic } from "./support/hub.js";
import { connect, connectAs, key, one, server, soon, user } from "./support/sandbox.js";

let ada;
let dana;
/** What the server has sent on ada's socket. */
const packets = [];
before(async () => {
  ada = await open(await connect());
  ada._socketIo.webSocket.addEventListener("message", ({ data }) => packets.push(data));
  dana = await open(await connectAs("dana"));
});
after(closeHubs);

test("a hub that has not been told to connect publishes nothing", async () => {
  const hub = new EventHub(server, user, key);
  assert.equal(hub.isConnected(), false);
  assert.throws(() => hub.publish(new Event("test.early", {})), error.EventServerPublishError);
});

test("a session connects its hub when it is made so", async () => {
  const session = await connect({ autoConnectEventHub: true });
  await open(session);
  assert.equal(session.eventHub.isConnected(), true);
});

test("an event reaches another user with all that it holds", async () => {
  const what = topic();
  const ear = await listen(dana, `topic=${what}`);
  const event = new Event(what, { shot: "sh010", list: [1, null, { deep: "Créer 🙂" }] });
  assert.equal(await ada.publish(event), event.getData().id);
  const heard = await ear.wait("the event");
  assert.deepEqual(heard.data, { shot: "sh010", list: [1, null, { deep: "Créer 🙂" }] });
  assert.deepEqual([heard.id, heard.topic, heard.target, heard.inReplyToEvent], [event.getData().id, what, "", null]);
});

test("an event says who sent it", async () => {
  const what = topic();
  const ear = await listen(dana, `topic=${what}`);
  ada.publish(new Event(what, {}));
  const { source } = await ear.wait("the event");
  const { id } = await one(await connect(), "select id from User where username is ada");
  assert.deepEqual(source.user, { username: "ada", id });
  assert.equal(source.applicationId, "ftrack.api.javascript");
  assert.equal(source.id, ada._id);
});

test("an application says its own name", async () => {
  const what = topic();
  const session = await connectAs("dana", { eventHubOptions: { applicationId: "studio.panel" } });
  const hub = await open(session);
  const ear = await listen(ada, `topic=${what}`);
  hub.publish(new Event(what, {}));
  assert.equal((await ear.wait("the event")).source.applicationId, "studio.panel");
});

test("a publisher hears itself, and each subscriber once", async () => {
  const what = topic();
  const [first, second] = [await listen(ada, `topic=${what}`), await listen(ada, `topic=${what}`)];
  ada.publish(new Event(what, {}));
  await Promise.all([first.wait("the event"), second.wait("the event")]);
  await settle(ada);
  assert.deepEqual([first.events.length, second.events.length], [1, 1]);
});

test("order is kept", async () => {
  const what = topic();
  const ear = await listen(dana, `topic=${what}`);
  for (let number = 0; number < 200; number += 1) {
    ada.publish(new Event(what, { number }));
  }
  await ear.wait("the last event", ({ data }) => data.number === 199);
  assert.deepEqual(ear.events.map(({ data }) => data.number), Array.from({ length: 200 }, (_, number) => number));
});

test("a topic may end in a star, and be quoted", async () => {
  const what = topic();
  const [star, quoted, other] = [new Ear(ada, `topic=${what}.*`), new Ear(ada, `topic="${what}.one"`), new Ear(ada, `topic=${what}.two`)];
  await settle(ada);
  for (const each of ["one", "three"]) {
    ada.publish(new Event(`${what}.${each}`, {}));
  }
  await star.wait("the second event", (event) => event.topic.endsWith("three"));
  assert.deepEqual([star.events.length, quoted.events.length, other.events.length], [2, 1, 0]);
});

test("a topic may have all the signs that need no quotes", async () => {
  const what = `${topic()}/a.b-c,d+e@f_g`;
  const ear = await listen(dana, `topic=${what}`);
  ada.publish(new Event(what, {}));
  assert.equal((await ear.wait("the event")).topic, what);
});

test("the client refuses expressions that it cannot read", () => {
  for (const wrong of ["", "topic", "topic=a and data.b=c", "source.id=1"]) {
    assert.throws(() => ada.subscribe(wrong, () => {}), /Only subscriptions on the format/, wrong);
  }
  assert.throws(() => ada.subscribe("topic=a", "no function"), /must be a function/);
});

test("a subscriber's id is its own, and cannot be taken twice", () => {
  const id = topic();
  assert.equal(ada.subscribe("topic=test.unused", () => {}, { id }), id);
  assert.throws(() => ada.subscribe("topic=test.unused", () => {}, { id }), error.NotUniqueError);
  assert.equal(ada.unsubscribe(id), true);
  assert.equal(ada.unsubscribe(id), false);
  assert.equal(ada.getSubscriberByIdentifier(id), null);
});

test("nothing is heard after unsubscribing", async () => {
  const [what, end] = [topic(), topic()];
  const [ear, last] = [await listen(ada, `topic=${what}`), await listen(ada, `topic=${end}`)];
  ada.publish(new Event(what, {}));
  await ear.wait("the first event");
  assert.equal(ada.unsubscribe(ear.id), true);
  ada.publish(new Event(what, {}));
  ada.publish(new Event(end, {}));
  await last.wait("the end");
  assert.equal(ear.events.length, 1);
});

test("a question is answered with what the subscriber returns", async () => {
  const what = topic();
  await listen(dana, `topic=${what}`, { reply: ({ data }) => ({ answer: data.number * 2 }) });
  const question = new Event(what, { number: 21 });
  const reply = await soon("the reply", ada.publishAndWaitForReply(question));
  assert.deepEqual(reply.data, { answer: 42 });
  assert.equal(reply.topic, "ftrack.meta.reply");
  assert.equal(reply.inReplyToEvent, question.getData().id);
  assert.equal(reply.target, `id=${ada._id}`);
  assert.equal(reply.source.user.username, "dana");
});

test("a promised answer is awaited", async () => {
  const what = topic();
  await listen(dana, `topic=${what}`, { reply: () => new Promise((resolve) => setImmediate(() => resolve(["late"]))) });
  assert.deepEqual((await soon("the reply", ada.publishAndWaitForReply(new Event(what, {})))).data, ["late"]);
});

test("every subscriber may answer, and who returns nothing does not", async () => {
  const what = topic();
  for (const reply of [{ from: 1 }, undefined, null, { from: 2 }]) {
    await listen(dana, `topic=${what}`, { reply });
  }
  const replies = [];
  const both = new Promise((resolve) => {
    const onReply = ({ data }) => replies.push(data.from) === 2 && resolve();
    ada.publish(new Event(what, {}), { onReply });
  });
  await soon("both replies", both);
  // All four were called by then, so anything else that they say comes before this echo.
  await settle(dana);
  await settle(ada);
  assert.deepEqual(replies.sort(), [1, 2]);
});

test("a question that nobody answers ends after its time", async () => {
  await assert.rejects(soon("the time-out", ada.publishAndWaitForReply(new Event(topic(), {}), { timeout: 0.2 })), (caught) => {
    assert.ok(caught instanceof error.EventServerReplyTimeoutError);
    assert.match(caught.message, /No reply/);
    return true;
  });
});

test("a reply goes to the asker alone", async () => {
  const what = topic();
  const other = await open(await connectAs("dana"));
  await listen(dana, `topic=${what}`, { reply: { yes: true } });
  const strange = await listen(other, "topic=ftrack.meta.reply");
  await soon("the reply", ada.publishAndWaitForReply(new Event(what, {})));
  await settle(other);
  assert.deepEqual(strange.events, []);
});

test("a target chooses among subscribers by what they say of themselves", async () => {
  const what = topic();
  const ear = async (hub, application) => listen(hub, `topic=${what}`, { metadata: { id: topic(), applicationId: application } });
  const [first, second] = [await ear(ada, "app.one"), await ear(dana, "app.two")];
  ada.publish(new Event(what, { number: 1 }, { target: "applicationId=app.two" }));
  ada.publish(new Event(what, { number: 2 }, { target: "applicationId=app.one or applicationId=app.two" }));
  for (const each of [first, second]) {
    await each.wait("the event for both", ({ data }) => data.number === 2);
  }
  assert.deepEqual(first.events.map(({ data }) => data.number), [2]);
  assert.deepEqual(second.events.map(({ data }) => data.number), [1, 2]);
});

test("two sessions of one user are two hubs", async () => {
  const what = topic();
  const other = await open(await connect());
  assert.notEqual(other._id, ada._id);
  await listen(other, `topic=${what}`, { reply: { hub: "other" } });
  assert.deepEqual((await soon("the reply", ada.publishAndWaitForReply(new Event(what, {})))).data, { hub: "other" });
});

test("a large event arrives whole", async () => {
  const what = topic();
  const ear = await listen(dana, `topic=${what}`);
  ada.publish(new Event(what, { text: "é".repeat(2_000_000) }));
  assert.equal((await ear.wait("the large event")).data.text.length, 2_000_000);
});

test("a subscriber that throws does not keep the others from hearing", async () => {
  const what = topic();
  ada.logger.setLevel("silent", false);
  ada.subscribe(`topic=${what}`, () => {
    throw new Error("on purpose");
  });
  const ear = await listen(ada, `topic=${what}`);
  ada.publish(new Event(what, {}));
  assert.equal((await ear.wait("the event")).topic, what);
});

test("an action is offered, launched and answered", async () => {
  const item = { label: "Build", variant: "fast", actionIdentifier: topic(), icon: "https://example.com/i.png" };
  const selection = [{ entityId: topic(), entityType: "task" }];
  const menu = await listen(dana, "topic=ftrack.action.discover", { reply: ({ data }) => (data.selection[0]?.entityId === selection[0].entityId ? { items: [item] } : null) });
  await listen(dana, "topic=ftrack.action.launch", {
    reply: ({ data }) => (data.actionIdentifier === item.actionIdentifier ? { success: true, message: `built ${data.selection.length}` } : null),
  });
  const offer = await soon("the menu", ada.publishAndWaitForReply(new Event("ftrack.action.discover", { selection })));
  assert.deepEqual(offer.data, { items: [item] });
  const launch = await soon("the answer", ada.publishAndWaitForReply(new Event("ftrack.action.launch", { ...item, selection })));
  assert.deepEqual(launch.data, { success: true, message: "built 1" });
  assert.equal((await menu.wait("the question")).source.user.username, "ada");
});

test("the server's packets are of the kinds that clients read, and its events have no other keys than theirs", () => {
  const kinds = new Set(packets.map((packet) => packet[0]));
  for (const kind of kinds) {
    assert.match(kind, /^[1256]$/, "greeting, heartbeat, event or acknowledgement");
  }
  const events = packets.filter((packet) => packet[0] === "5");
  assert.ok(events.length > 20);
  for (const each of events) {
    // Older clients know no event with an id.
    assert.ok(each.startsWith("5:::{"), each.slice(0, 20));
    const { name, args } = JSON.parse(each.slice(4));
    assert.deepEqual([name, args.length], ["ftrack.event", 1]);
    const known = ["data", "id", "inReplyToEvent", "sent", "source", "target", "topic"];
    assert.deepEqual(Object.keys(args[0]).filter((each) => !known.includes(each)), []);
  }
});
