// Shows the view that the address names, and keeps it true to what the event hub tells.
//
// A view is a class made with `(app, route)`. It has `load()`, which reads what it shows, `heading()` and `draw()`,
// which return it as elements, and `concerns(update)`, which says whether a change is about it. It may have
// `selection`, what actions are asked for, and `canSelect`, when the person chooses it there; `follow(route)`, true when it goes along with a changed address; `pressed(event)`
// for its keys; `shown()` after every drawing and `leave()`.

import { element } from "./dom.js";
import { patch } from "./patch.js";
import { ensureEntry } from "./parts/roving.js";

/** Changes that come together are read together. */
const REFRESH_AFTER_MS = 120;

/** What takes less than this is not announced. */
const LOADING_AFTER_MS = 200;

export class Views {
  /** `onShown` is called after every drawing, `onProblem` with a sentence when something could not be read again. */
  constructor(place, root, { onShown, onProblem }) {
    this.place = place;
    this.root = root;
    this.onShown = onShown;
    this.onProblem = onProblem;
    this.view = null;
    this.reading = Promise.resolve();
  }

  /** Shows a new view, once it has been read. */
  async show(view) {
    this.view?.leave?.();
    this.view = view;
    this.isLoaded = false;
    const announcing = setTimeout(() => this.#drawState("Reading …", { "aria-busy": "true" }), LOADING_AFTER_MS);
    await this.#read(view);
    clearTimeout(announcing);
    if (this.view === view && this.isLoaded) {
      this.root.scrollTop = 0;
    }
  }

  /** Draws the view from what it knows. */
  redraw() {
    if (!this.isLoaded) {
      return;
    }
    patch(this.place, this.view.heading());
    patch(this.root, this.view.draw());
    this.root.removeAttribute("aria-busy");
    for (const list of this.root.querySelectorAll("[data-roving]")) {
      ensureEntry(list);
    }
    this.view.shown?.();
    this.onShown(this.view);
  }

  /** Reads the view again soon; what is asked for meanwhile is done once more afterwards. */
  async refresh() {
    this.isStale = true;
    if (this.isRefreshing) {
      return;
    }
    this.isRefreshing = true;
    while (this.isStale) {
      await new Promise((resolve) => setTimeout(resolve, REFRESH_AFTER_MS));
      this.isStale = false;
      await this.#read(this.view);
    }
    this.isRefreshing = false;
  }

  /** Reads a view after what is being read already, so that an old answer never replaces a newer one. */
  #read(view) {
    this.reading = this.reading.then(() => this.#readNow(view));
    return this.reading;
  }

  async #readNow(view) {
    try {
      await view.load();
      if (this.view === view) {
        this.isLoaded = true;
        this.redraw();
      }
    } catch (error) {
      if (this.view === view) {
        this.#fail(error);
      }
    }
  }

  #fail(error) {
    if (this.isLoaded) {
      this.onProblem(`What is shown could not be read again: ${error.message}`);
      return;
    }
    this.#drawState(error.message, { role: "alert" },
      element("button", { type: "button", click: () => this.show(this.view) }, "Try again"));
  }

  #drawState(sentence, attributes, ...more) {
    if (this.isLoaded) {
      return;
    }
    patch(this.place, [element("h1", { tabindex: "-1" }, this.view.name ?? "")]);
    patch(this.root, [element("div", { class: "state", ...attributes }, element("p", {}, sentence), ...more)]);
    this.onShown(this.view);
  }
}
