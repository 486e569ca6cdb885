// The packages of package.json, which are installed outside the checkout: CALLBOARD_TEST_NODE_MODULES says where.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The folder `node_modules`. */
export const folder = process.env.CALLBOARD_TEST_NODE_MODULES;
if (!folder) {
  throw new Error("CALLBOARD_TEST_NODE_MODULES is not set; tests/conformance/README.md says what it is");
}

// The client leaves a timer of 30 s behind each event that it publishes, and Node would wait for all of them.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (callback, milliseconds, ...rest) => {
  const timer = setTimer(callback, milliseconds, ...rest);
  return milliseconds >= 15_000 ? timer.unref() : timer;
};

/** Loads a package as CommonJS does. */
export const require = createRequire(join(folder, "package.json"));

const client = join(folder, "@ftrack/api");
/** What `package.json` of the official client says of it. */
export const manifest = JSON.parse(readFileSync(join(client, "package.json"), "utf8"));
/** The module that a browser's bundler, and `import` in Node, take. */
export const modulePath = join(client, manifest.module);

/** The client's own log: it warns of each error that the checks provoke. */
export const loglevel = require("loglevel");
loglevel.getLogger("ftrack_api").setLevel("silent", false);

const ftrack = await import(pathToFileURL(modulePath));
export const { Event, EventHub, Session, SERVER_LOCATION_ID, error, expression, operation, projectSchema } = ftrack;
