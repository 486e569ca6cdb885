// Event hubs of the official client, and ears that remember what they heard.

import { randomUUID } from "node:crypto";
import { Event } from "./packages.js";
import { soon } from "./sandbox.js";

const hubs = new Set();

/** A topic that nobody else uses. */
export const topic = () => `test.${randomUUID()}`;

/** Connects the hub of a session, and returns it once the server answers there. */
export async function open(session) {
  const hub = session.eventHub;
  if (!hubs.has(hub)) {
    hubs.add(hub);
    hub.connect();
  }
  await settle(hub);
  return hub;
}

/** Waits until the server has heard all that the hub said so far: an echo proves it. */
export async function settle(hub) {
  const echo = topic();
  let subscriber;
  const heard = new Promise((resolve) => {
    subscriber = hub.subscribe(`topic=${echo}`, resolve);
  });
  hub.publish(new Event(echo, {}));
  await soon("the echo of an event", heard);
  hub.unsubscribe(subscriber);
}

/** Ends every hub; Node would otherwise wait for their sockets. */
export function closeHubs() {
  for (const hub of hubs) {
    hub.disconnect();
  }
  hubs.clear();
}

/** A subscriber that keeps what it hears. */
export class Ear {
  constructor(hub, subscription, { reply, metadata } = {}) {
    this.events = [];
    this.waiting = [];
    this.id = hub.subscribe(
      subscription,
      (event) => {
        this.events.push(event);
        this.waiting = this.waiting.filter((each) => !each(event));
        return typeof reply === "function" ? reply(event) : reply;
      },
      metadata,
    );
  }

  /** The first event, past or to come, that `wanted` accepts. */
  wait(what, wanted = () => true) {
    const heard = new Promise((resolve) => {
      const past = this.events.find(wanted);
      if (past) {
        resolve(past);
        return;
      }
      this.waiting.push((event) => {
        const is = wanted(event);
        if (is) {
          resolve(event);
        }
        return is;
      });
    });
    return soon(what, heard);
  }
}

/** An ear, once the server knows of it. */
export async function listen(hub, subscription, options) {
  const ear = new Ear(hub, subscription, options);
  await settle(hub);
  return ear;
}
