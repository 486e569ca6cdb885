// The event hub: Socket.IO 0.9 over a WebSocket, as ftrack's own clients speak it.

import { freshId } from "./dom.js";

/** The server sends a heartbeat every few seconds; after this long without one it is gone. */
const HEARTBEAT_LIMIT_MS = 15_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8_000;

/** What ftrack's web page calls itself. Hosts address what they show a person to it. */
const APPLICATION = "ftrack.client.web";

/**
 * One connection, made again whenever it ends.
 *
 * `onState` is called with `connected`, `closed` or, when the server does not know the key, `refused`; `onEvent` with
 * every event that comes.
 */
export class Hub {
  constructor(signIn, userId, { onState, onEvent }) {
    this.signIn = signIn;
    this.user = { username: signIn.user, id: userId };
    this.id = freshId();
    this.pageId = freshId();
    this.onState = onState;
    this.onEvent = onEvent;
    this.replyListeners = new Map();
    this.retryMs = FIRST_RETRY_MS;
    this.socket = null;
  }

  async connect() {
    try {
      const session = await this.#handshake();
      const address = new URL(`/socket.io/1/websocket/${session}`, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      this.#attach(new WebSocket(address));
    } catch {
      this.#retry();
    }
  }

  /** Publishes an event and returns its id; throws when there is no connection. */
  publish(topic, data) {
    if (this.socket?.readyState !== WebSocket.OPEN) {
      throw new Error("There is no connection to the server.");
    }
    const id = freshId();
    this.#send(topic, data, id);
    return id;
  }

  /** Publishes an event and calls `onReply` with the data of each reply until the returned function is called. */
  ask(topic, data, onReply) {
    const id = this.publish(topic, data);
    this.replyListeners.set(id, onReply);
    return () => this.replyListeners.delete(id);
  }

  /** Publishes an event and returns the data of the first reply, or `undefined` once the time is over. */
  firstReply(topic, data, limitMs) {
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const end = (reply) => {
        clearTimeout(timer);
        stop();
        resolve(reply);
      };
      const timer = setTimeout(end, limitMs);
      try {
        stop = this.ask(topic, data, end);
      } catch (error) {
        clearTimeout(timer);
        reject(error);
      }
    });
  }

  async #handshake() {
    const headers = { "ftrack-user": this.signIn.user, "ftrack-api-key": this.signIn.apiKey };
    const response = await fetch("/socket.io/1/", { headers });
    if (response.status === 401 || response.status === 403) {
      this.onState("refused");
    }
    if (!response.ok) {
      throw new Error(`The event hub answered with status ${response.status}.`);
    }
    return (await response.text()).split(":")[0];
  }

  #attach(socket) {
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.retryMs = FIRST_RETRY_MS;
      this.#subscribe("topic=ftrack.meta.reply", { id: this.id });
      this.#subscribe("topic=*", { id: this.pageId, applicationId: APPLICATION, user: this.user });
      this.#expectHeartbeat();
      this.onState("connected");
    });
    socket.addEventListener("message", (message) => this.#receive(message.data));
    socket.addEventListener("close", () => {
      clearTimeout(this.heartbeatTimer);
      this.onState("closed");
      this.#retry();
    });
  }

  #retry() {
    setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  #expectHeartbeat() {
    clearTimeout(this.heartbeatTimer);
    this.heartbeatTimer = setTimeout(() => this.socket.close(), HEARTBEAT_LIMIT_MS);
  }

  #subscribe(subscription, subscriber) {
    this.#send("ftrack.meta.subscribe", { subscriber, subscription }, freshId());
  }

  #send(topic, data, id) {
    const source = { id: this.id, applicationId: APPLICATION, user: this.user };
    const event = { id, topic, data, target: "", inReplyToEvent: null, source };
    this.socket.send(`5:::${JSON.stringify({ name: "ftrack.event", args: [event] })}`);
  }

  /** Reads one packet, `code:id:endpoint:data`; the data may hold further colons. */
  #receive(packet) {
    const [, code, data] = /^(\d):[^:]*:[^:]*:?([^]*)$/.exec(packet) ?? [];
    if (code === "2") {
      this.socket.send("2::");
      this.#expectHeartbeat();
    } else if (code === "0" || code === "7") {
      this.socket.close();
    } else if (code === "5") {
      this.#dispatch(JSON.parse(data).args[0]);
    }
  }

  #dispatch(event) {
    if (event.topic === "ftrack.meta.reply") {
      this.replyListeners.get(event.inReplyToEvent)?.(event.data);
    }
    this.onEvent(event);
  }
}
