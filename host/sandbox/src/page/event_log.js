// Remembers what passed on the hub, newest first.

/** How many events are kept. */
const KEPT = 300;

export class EventLog {
  constructor() {
    this.entries = [];
    this.count = 0;
  }

  add(event) {
    this.count += 1;
    this.entries.unshift({ number: this.count, time: new Date(), event });
    this.entries.length = Math.min(this.entries.length, KEPT);
  }

  clear() {
    this.entries = [];
  }
}
