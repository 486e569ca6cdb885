// Makes elements. Text always goes in as text: nothing on this page is ever read as HTML.

/** Returns a new element. A function among the attributes listens; `true` and `false` set and leave out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(name, value);
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Returns the element that the page has under this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Returns an id that nobody else makes. Works on plain HTTP too, unlike `crypto.randomUUID`. */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
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
