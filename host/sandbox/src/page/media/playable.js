// Which of a version's components can be played, and which can be fetched.

/** What ftrack's own encoder makes, best first. */
const FILMS = ["ftrackreview-mp4-2160", "ftrackreview-mp4-1440", "ftrackreview-mp4-1080", "ftrackreview-mp4", "ftrackreview-webm"];
const STILLS = ["ftrackreview-image-high", "ftrackreview-image"];

/** What browsers show without its being encoded. */
const FILM_FILES = new Set([".mp4", ".webm", ".m4v", ".mov"]);
const STILL_FILES = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".svg"]);

/** Places whose files come from the server. */
const SERVED_LOCATIONS = new Set(["3a372bde-05bc-11e4-8908-20c9d081909b", "cd41be70-8809-11e3-b98a-20c9d081909b"]);

/** Tells whether a component's file can be had from the server. */
export function isServed(component) {
  return component.component_locations.some((place) => SERVED_LOCATIONS.has(place.location_id));
}

/** Returns the component that shows the version best, with what is known of its frames, or `null`. */
export function playableFrom(components) {
  const served = components.filter(isServed);
  const named = (names) => names.map((name) => served.find((component) => component.name === name)).find(Boolean);
  const of = (files) => served.find((component) =>
    component.name !== "thumbnail" && files.has((component.file_type ?? "").toLowerCase()));
  const film = named(FILMS) ?? of(FILM_FILES);
  const still = named(STILLS) ?? of(STILL_FILES);
  const component = film ?? still;
  if (!component) {
    return null;
  }
  const about = frames(component);
  return { component, isVideo: component === film, frameRate: Number(about.frameRate), frameIn: Number(about.frameIn ?? 0) };
}

/** What the encoder wrote about a component. */
function frames(component) {
  const written = component.metadata.find((row) => row.key === "ftr_meta")?.value;
  try {
    return JSON.parse(written ?? "{}") ?? {};
  } catch {
    return {};
  }
}
