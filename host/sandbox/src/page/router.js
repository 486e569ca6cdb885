// Addresses within the page: `#/task/ID?filter=…`. They can be copied, and the browser's back button knows them.

/** The view that an empty address stands for. */
const FIRST = "projects";

/** Returns what the address says: a view's name, what it is about, and how it is shown. */
export function currentRoute() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  const [name = FIRST, id = null] = path.split("/").filter(Boolean).map(decoded);
  return { name, id, parameters: new URLSearchParams(query ?? "") };
}

/** Returns the address of a view. */
export function addressOf(name, id = null, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const query = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#/${name}${id ? `/${encodeURIComponent(id)}` : ""}${query}`;
}

/** Goes to an address, so that the back button comes back. */
export function go(address) {
  location.hash = address;
}

/** Changes the address of what is shown already. */
export function replaceAddress(address) {
  if (location.hash !== address) {
    history.replaceState(null, "", address);
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
