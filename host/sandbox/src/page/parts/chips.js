// The small things that rows are made of: statuses, types, people, thumbnails.

import { element, readableOn } from "../dom.js";
import { icon, kindIcon } from "../icons.js";

/** A status or a priority in its colour. */
export function chip(named) {
  return named ? element("span", { class: "chip", style: chipColors(named) }, named.name) : "";
}

export function chipColors(named) {
  return named?.color ? { background: named.color, color: readableOn(named.color) } : {};
}

/** A task type with its colour beside it. */
export function typeLabel(type) {
  return element("span", { class: "type" },
    element("span", { class: "dot", "aria-hidden": "true", style: { background: type.color ?? "currentColor" } }), type.name);
}

/** Somebody by their first letters; the name is read out and shown on hover. */
export function avatar(person) {
  const letters = (person?.name ?? "?").split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  return element("span", { class: "avatar", "aria-hidden": "true", "data-tone": String(toneOf(person?.name ?? "")) }, letters);
}

export function personLabel(person) {
  return element("span", { class: "person" }, avatar(person), element("span", {}, person?.name ?? "Somebody"));
}

/** One of six tones that the style sheet knows, the same for the same name. */
function toneOf(name) {
  return [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 6, 0);
}

/** A picture of a context or version, or the sign of its kind where it has none. */
export function thumbnail(api, componentId, size, kind) {
  const sign = kind === "version" ? icon("film") : kindIcon(kind);
  return element("span", { class: "thumbnail", "data-key": `thumbnail ${componentId ?? kind}`, "data-own": true }, sign,
    componentId
      ? element("img", {
        src: api.thumbnailUrl(componentId, size),
        alt: "",
        loading: "lazy",
        // What has no picture keeps its sign.
        error: (event) => event.target.setAttribute("hidden", ""),
      })
      : null);
}

/** A button that only shows an icon; `name` is read out and shown on hover. */
export function iconButton(sign, name, click, attributes = {}) {
  return element("button", { type: "button", class: "quiet", "aria-label": name, title: name, click, ...attributes }, icon(sign));
}

/** What a list says that has nothing to show. */
export function emptyLine(sentence) {
  return element("p", { class: "empty" }, sentence);
}

/** Asks for the rest of a long list. */
export function moreButton(hasMore, click) {
  return hasMore ? element("button", { type: "button", class: "more", click }, "Show more") : null;
}

/** A link to a view. */
export function link(address, attributes, ...children) {
  return element("a", { href: address, ...attributes }, ...children);
}

/** The way to an entity: a link for each part of its path. */
export function crumbs(path) {
  return element("ol", { class: "crumbs", "aria-label": "Where this is" },
    path.map(({ address, name }) => element("li", {}, link(address, {}, name))));
}
