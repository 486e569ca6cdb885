// Makes elements. Text always goes in as text: nothing on this page is ever read as HTML.

/** What listens on an element, by kind of event. One listener looks it up, so that it can be replaced. */
const listeners = new WeakMap();

/**
 * Returns a new element. A function among the attributes listens; `true` and `false` set and leave out; `style` is an
 * object; children that are `null` or `undefined` are left out, and lists are taken apart.
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Returns a new element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      listen(made, name, value);
    } else if (name === "style") {
      Object.entries(value).forEach(([property, given]) => given && made.style.setProperty(property, given));
    } else if (name === "value" && made.localName === "textarea") {
      made.defaultValue = value ?? "";
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function listen(target, type, handler) {
  const known = listeners.get(target) ?? new Map();
  listeners.set(target, known);
  if (!known.has(type)) {
    target.addEventListener(type, (event) => known.get(type)?.call(target, event));
  }
  known.set(type, handler);
}

/** Lets `target` listen to what `drawn` listens to, and to nothing else that was drawn before. */
export function takeListeners(target, drawn) {
  const fresh = listeners.get(drawn) ?? new Map();
  for (const type of listeners.get(target)?.keys() ?? []) {
    if (!fresh.has(type)) {
      listeners.get(target).set(type, undefined);
    }
  }
  fresh.forEach((handler, type) => listen(target, type, handler));
}

/** Returns the element that the page has under this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Returns an id that nobody else makes. Works on plain HTTP too, unlike `crypto.randomUUID`. */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Returns black or white, whichever is read better on this colour, which is `#rrggbb`. */
export function readableOn(color) {
  const channels = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255);
  const [red, green, blue] = channels.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  // Where the contrast of both is the same, as WCAG measures it.
  return luminance > 0.179 ? "#000000" : "#ffffff";
}

/** Returns the colour if it is one that {@link readableOn} reads, else nothing. */
export function knownColor(color) {
  return /^#[0-9a-f]{6}$/i.test(color ?? "") ? color : null;
}
