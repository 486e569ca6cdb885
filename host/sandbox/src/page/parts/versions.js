// A list of asset versions, newest first.

import { paged } from "../api.js";
import { element } from "../dom.js";
import { agoText, instantFromValue } from "../format.js";
import { addressOf } from "../router.js";
import { chip, emptyLine, link, moreButton, thumbnail } from "./chips.js";

const PAGE = 20;

export class Versions {
  /** `where` says which versions. */
  constructor(app, where) {
    this.app = app;
    this.where = where;
    this.limit = PAGE;
    this.found = { rows: [], hasMore: false };
  }

  expression() {
    return `select version, asset.name, status_id, thumbnail_id, comment, date, user_id from AssetVersion
      where ${this.where} order by date desc, version desc limit ${this.limit + 1}`;
  }

  take(rows) {
    this.found = paged(rows, this.limit);
  }

  /** Tells whether a version is listed. */
  has(id) {
    return this.found.rows.some((version) => version.id === id);
  }

  draw(...buttons) {
    const { rows, hasMore } = this.found;
    return element("section", { class: "panel", "data-key": "versions", "aria-labelledby": "versions-title" },
      element("div", { class: "panel-head" }, element("h2", { id: "versions-title" }, "Versions"), ...buttons),
      rows.length === 0 ? emptyLine("Nothing has been published here yet. Drop a file on this page to publish it.") : null,
      element("ul", { class: "versions" }, rows.map((version) => this.#version(version))),
      moreButton(hasMore, () => {
        this.limit += PAGE;
        this.app.refresh();
      }));
  }

  #version(version) {
    const { studio, api } = this.app;
    const date = instantFromValue(version.date);
    const person = studio.people.get(version.user_id);
    return element("li", { "data-key": version.id, "data-id": version.id },
      link(addressOf("version", version.id), { class: "version" },
        thumbnail(api, version.thumbnail_id, 200, "version"),
        element("span", { class: "about" },
          element("strong", {}, `${version.asset?.name ?? ""} v${version.version}`),
          element("span", { class: "detail" }, version.comment || "No comment"),
          element("span", { class: "detail" }, [person?.name, date && agoText(date)].filter(Boolean).join(" · "))),
        chip(studio.statuses.get(version.status_id))));
  }
}
