// Both official clients at once: what one says, the other understands.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { Event } from "./support/packages.js";
import { closeHubs, listen, open, topic } from "./support/hub.js";
import { connect, one, required, soon, studio } from "./support/sandbox.js";

/** The program in `support/peer.py`: what it wrote, and a way to ask it. */
class Peer {
  lines = [];
  waiting = [];

  constructor() {
    const script = join(dirname(fileURLToPath(import.meta.url)), "support/peer.py");
    this.process = spawn(required("CALLBOARD_TEST_PYTHON"), [script], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
    createInterface(this.process.stdout).on("line", (line) => {
      this.lines.push(JSON.parse(line));
      this.waiting.splice(0).forEach((look) => look());
    });
  }

  /** Takes the first line, past or to come, that has `key`, and this value if one is given. */
  take(key, value) {
    const taken = new Promise((resolve) => {
      const look = () => {
        const place = this.lines.findIndex((line) => key in line && (value === undefined || line[key] === value));
        if (place < 0) {
          this.waiting.push(look);
        } else {
          resolve(this.lines.splice(place, 1)[0]);
        }
      };
      look();
    });
    return soon(`${key} from Python`, taken);
  }

  async ask(request) {
    this.process.stdin.write(`${JSON.stringify(request)}\n`);
    return (await this.take("answer")).answer;
  }

  stop() {
    this.process.stdin.end();
  }
}

let peer;
let session;
let hub;
before(async () => {
  peer = new Peer();
  session = await connect();
  hub = await open(session);
  await peer.take("ready");
});
after(() => {
  closeHubs();
  peer.stop();
});

test("Python chooses among JavaScript's events by an expression", async () => {
  const what = topic();
  await peer.ask({ do: "subscribe", subscription: `topic=${what} and (data.shot=sh010 or data.number=10) and not data.is_draft=true` });
  for (const data of [{ shot: "sh020" }, { shot: "sh010", is_draft: "true" }, { shot: "sh010" }, { number: "10", text: "Créer 🙂" }]) {
    hub.publish(new Event(what, data));
  }
  const [first, second] = [await peer.take("heard", what), await peer.take("heard", what)];
  assert.deepEqual([first.data, second.data], [{ shot: "sh010" }, { number: "10", text: "Créer 🙂" }]);
  assert.equal(first.source.user.username, "ada");
  assert.equal(first.source.applicationId, "ftrack.api.javascript");
});

test("Python answers what JavaScript asks", async () => {
  const what = topic();
  const items = [{ label: "Café", actionIdentifier: what, items: [{ label: "inner" }] }];
  await peer.ask({ do: "subscribe", subscription: `topic=${what}`, reply: { items, is_true: true, nothing: null, number: 1.5 } });
  const reply = await soon("Python's reply", hub.publishAndWaitForReply(new Event(what, {})));
  assert.deepEqual(reply.data, { items, is_true: true, nothing: null, number: 1.5 });
});

test("JavaScript answers what Python asks", async () => {
  const what = topic();
  const ear = await listen(hub, `topic=${what}`, { reply: ({ data }) => ({ success: true, message: `${data.values.name}!` }) });
  const reply = await peer.ask({ do: "ask", topic: what, data: { values: { name: "é 🙂" } } });
  assert.deepEqual(reply.data, { success: true, message: "é 🙂!" });
  assert.equal(reply.source.user.username, "ada");
  assert.equal(typeof ear.events[0].source.user.id, "string");
});

test("Python's target chooses by what JavaScript's subscriber says of itself", async () => {
  const what = topic();
  const ear = await listen(hub, `topic=${what}`, { metadata: { id: topic(), applicationId: "studio.panel" }, reply: "here" });
  await peer.ask({ do: "publish", topic: what, data: { number: 1 }, target: "applicationId=studio.other" });
  const reply = await peer.ask({ do: "ask", topic: what, data: { number: 2 }, target: 'applicationId="studio.panel"' });
  assert.equal(reply.data, "here");
  assert.deepEqual(ear.events.map(({ data }) => data.number), [2]);
});

test("a change that Python commits is told to JavaScript and read by it", async (t) => {
  const { task } = await studio(t, session);
  const ear = await listen(hub, "topic=ftrack.update");
  await peer.ask({ do: "commit", entity_type: "Task", entity_id: task, values: { description: "by Python", bid: 90.5 } });
  const { data } = await ear.wait("the change", (event) => event.data.entities.some((each) => each.entityId === task && each.action === "update"));
  const { keys } = data.entities.find((each) => each.entityId === task);
  assert.deepEqual(keys.sort(), ["bid", "description"]);
  assert.equal(data.clientToken, null);
  const read = await one(session, `select description, bid from Task where id is ${task}`);
  assert.deepEqual([read.description, read.bid], ["by Python", 90.5]);
});

test("Python hears of JavaScript's change with its token", async (t) => {
  const { task } = await studio(t, session);
  await peer.ask({ do: "subscribe", subscription: `topic=ftrack.update and data.clientToken=${session.clientToken}` });
  await session.update("Task", [task], { description: "by JavaScript" });
  const { data } = await peer.take("heard", "ftrack.update");
  assert.deepEqual(data.entities.map((each) => [each.entityId, each.keys]), [[task, ["description"]]]);
});
