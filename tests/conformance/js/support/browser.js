// A headless Chromium on a page that has the official client and comes from another origin than the sandbox.

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { accessSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { modulePath, require } from "./packages.js";
import { soon } from "./sandbox.js";

const WAIT_MILLISECONDS = 20_000;

// Nothing that reaches for the network or asks the person anything.
const ARGUMENTS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>A studio's page</title>
<script src="/client.js"></script>
<input type="file">`;

function program(...names) {
  const isThere = (path) => {
    try {
      accessSync(path);
      return true;
    } catch {
      return false;
    }
  };
  const folders = process.env.PATH.split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isThere);
  if (!found) {
    throw new Error(`found none of ${names.join(", ")}; run \`cargo xtask test\`, which installs them`);
  }
  return found;
}

/** Serves the page, with the client as a bundler makes it for browsers. */
async function servePage() {
  const { outputFiles } = await require("esbuild").build({
    entryPoints: [modulePath],
    bundle: true,
    format: "iife",
    globalName: "ftrack",
    write: false,
    logLevel: "error",
  });
  const server = createServer((request, response) => {
    const isClient = request.url === "/client.js";
    response.setHeader("content-type", isClient ? "text/javascript" : "text/html");
    response.end(isClient ? outputFiles[0].contents : PAGE);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export class Browser {
  /** Starts a browser and opens the page. */
  static async start() {
    const browser = new Browser();
    try {
      await browser.open();
    } catch (error) {
      await browser.stop();
      throw error;
    }
    return browser;
  }

  async open() {
    this.folder = mkdtempSync(join(tmpdir(), "conformance-"));
    this.server = await servePage();
    this.driver = spawn(program("chromedriver"), ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
    const lines = createInterface(this.driver.stdout);
    const port = new Promise((resolve) => {
      lines.on("line", (line) => {
        const found = line.match(/started successfully on port (\d+)/);
        if (found) {
          resolve(found[1]);
        }
      });
    });
    this.address = `http://127.0.0.1:${await soon("chromedriver", port, WAIT_MILLISECONDS)}`;
    const options = { binary: program("chromium", "chromium-browser"), args: [...ARGUMENTS, `--user-data-dir=${this.folder}`] };
    const { sessionId } = await this.ask("POST", "/session", { capabilities: { alwaysMatch: { "goog:chromeOptions": options } } });
    this.address += `/session/${sessionId}`;
    this.hasSession = true;
    await this.ask("POST", "/timeouts", { script: WAIT_MILLISECONDS });
    // By a name, so that page and sandbox differ by more than their ports.
    await this.ask("POST", "/url", { url: `http://localhost:${this.server.address().port}/` });
  }

  /** One command of WebDriver. */
  async ask(method, path, body) {
    const answer = await fetch(this.address + path, { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(2 * WAIT_MILLISECONDS) });
    const { value } = await answer.json();
    if (!answer.ok) {
      throw new Error(`${path}: ${value.error}: ${value.message}`);
    }
    return value;
  }

  /** Runs a function in the page; what it returns or is rejected with comes back. */
  async run(body, ...values) {
    const script = `
      const done = arguments[arguments.length - 1];
      const told = ({ name, message, errorCode }) => ({ name, message, errorCode });
      (async () => (${body})(...Array.from(arguments).slice(0, -1)))()
        .then((value) => done({ value }), (error) => done({ error: told(error) }));`;
    const { value, error } = await this.ask("POST", "/execute/async", { script, args: values });
    if (error) {
      throw Object.assign(new Error(error.message), error);
    }
    return value;
  }

  /** Chooses a file as a person does. */
  async choose(path) {
    const found = await this.ask("POST", "/element", { using: "css selector", value: "input[type=file]" });
    await this.ask("POST", `/element/${Object.values(found)[0]}/value`, { text: path });
  }

  async stop() {
    if (this.hasSession) {
      await this.ask("DELETE", "");
    }
    this.driver?.kill();
    this.server?.close();
    this.server?.closeAllConnections();
    // The browser may still be writing while it ends.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
