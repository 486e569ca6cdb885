// The page's icons: strokes on a field of 16, in the colour of the text around them.

import { svg } from "./dom.js";

const PATHS = {
  projects: "M2 4.5h4l1.5 2H14v6H2z",
  tasks: "M2.5 4l1 1 1.8-2M7.5 4H14M2.5 8l1 1 1.8-2M7.5 8H14M2.5 12l1 1 1.8-2M7.5 12H14",
  time: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 5v3.2l2.2 1.4",
  jobs: "M3 3h10v3.5H3zM3 9.5h10V13H3zM5.2 4.8h.1M5.2 11.3h.1",
  events: "M1.8 8h2.6l1.8-4.6 3.2 9L11.4 8h2.8",
  actions: "M9 1.8L3.5 9H8l-1 5.2L12.5 7H8z",
  open: "M6 3H3v10h10v-3M9 3h4v4M13 3L7.5 8.5",
  play: "M5 3l8 5-8 5z",
  pause: "M5.2 3v10M10.8 3v10",
  back: "M11.5 3.5L6 8l5.5 4.5zM4 3.5v9",
  forward: "M4.5 3.5L10 8l-5.5 4.5zM12 3.5v9",
  loop: "M3 7V6a2 2 0 0 1 2-2h7l-1.8-1.8M13 9v1a2 2 0 0 1-2 2H4l1.8 1.8",
  sound: "M2.5 6.2v3.6H5l3.5 2.7v-9L5 6.2zM11 5.8a3 3 0 0 1 0 4.4",
  muted: "M2.5 6.2v3.6H5l3.5 2.7v-9L5 6.2zM11 6.3l3 3.4M14 6.3l-3 3.4",
  full: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  download: "M8 2v8M4.8 7L8 10.2 11.2 7M2.5 13.5h11",
  upload: "M8 10.5v-8M4.8 5.5L8 2.3l3.2 3.2M2.5 13.5h11",
  edit: "M10.5 2.8l2.7 2.7L5.7 13H3v-2.7z",
  remove: "M3 4.5h10M6.2 4.5V2.8h3.6v1.7M4.5 4.5l.6 8.7h5.8l.6-8.7",
  add: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  help: "M5.8 6.2a2.2 2.2 0 1 1 3.4 1.8c-.8.5-1.2.9-1.2 1.8M8 12.4h.1",
  before: "M10 3L5 8l5 5",
  after: "M6 3l5 5-5 5",
  film: "M2 3.5h12v9H2zM5 3.5v9M11 3.5v9M2 6.5h3M2 9.5h3M11 6.5h3M11 9.5h3",
  image: "M2 3h12v10H2zM2.5 11.5L6 8l2.5 2.5L10.5 9l3 2.8M10.8 5.8h.1",
  note: "M2.5 3h11v8H8l-3 2.5V11H2.5z",
  gear: "M8 5.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4M8 2v1.6M8 12.4V14M2 8h1.6M12.4 8H14M3.8 3.8l1.1 1.1M11.1 11.1l1.1 1.1M3.8 12.2l1.1-1.1M11.1 4.9l1.1-1.1",
};

/** What stands for a kind of entity, by the name of its object type. */
const OF_KIND = {
  Project: "M2 13.5V5l3.5 2.5V5L9 7.5V2.5h5v11z",
  Folder: PATHS.projects,
  Episode: "M2.5 4.5h11v8h-11zM5 2.5l3 2 3-2",
  Sequence: "M2 5h8v6.5H2zM5 5V3h9v6.5h-4",
  Shot: PATHS.film,
  "Asset Build": "M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5L8 8l5.5-3M8 8v6",
  Milestone: "M4 14V2.5h8.5L10.5 5.5l2 3H4",
  Task: "M3 3h10v10H3zM5.5 8l1.8 1.8 3.4-3.6",
};

/** Returns an icon; who hears and does not see the page is told nothing of it. */
export function icon(name) {
  return drawing(PATHS[name] ?? PATHS.gear);
}

export function kindIcon(kind) {
  return drawing(OF_KIND[kind] ?? PATHS.projects);
}

/** Tells whether there is an icon of this name. */
export function hasIcon(name) {
  return Object.hasOwn(PATHS, name);
}

function drawing(path) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: path }));
}
