// Puts the page together: signs in, shows the view that the address names, and tells it what the event hub tells.

import { Actions } from "./actions/actions.js";
import { Dialog } from "./actions/dialog.js";
import { notice } from "./actions/notices.js";
import { Api, quoted } from "./api.js";
import { byId, element } from "./dom.js";
import { EventLog } from "./event_log.js";
import { Hub } from "./hub.js";
import { icon } from "./icons.js";
import { listenForKeys, showHelp } from "./keys.js";
import { patch } from "./patch.js";
import { addressOf, currentRoute } from "./router.js";
import { Studio } from "./studio.js";
import { Views } from "./views.js";
import { Events } from "./views/events.js";
import { Jobs } from "./views/jobs.js";
import { MyTasks } from "./views/my_tasks.js";
import { Projects } from "./views/projects.js";
import { Task } from "./views/task.js";
import { TimeLogs } from "./views/time_logs.js";
import { Version } from "./views/version.js";

/** The views that the page offers by itself, and those that others lead to. */
const OFFERED = [
  { name: "projects", label: "Projects", icon: "projects", View: Projects },
  { name: "my-tasks", label: "My tasks", icon: "tasks", View: MyTasks },
  { name: "time", label: "Time", icon: "time", View: TimeLogs },
  { name: "jobs", label: "Jobs", icon: "jobs", View: Jobs },
  { name: "events", label: "Events", icon: "events", View: Events },
];
const VIEWS = new Map([...OFFERED.map(({ name, View }) => [name, View]), ["task", Task], ["version", Version]]);

/** What is said of the connection to the event hub. */
const CONNECTION = { connected: "Connected", closed: "Not connected", refused: "Signed out: load the page again" };

const session = JSON.parse(document.querySelector("meta[name=sandbox-session]").content);
byId("version").textContent = session.version;
const dialog = new Dialog();

if (session.signIn) {
  start(session.signIn).catch((error) => notice("failure", error.message));
} else {
  askWhoSignsIn();
}

async function start(signIn) {
  const api = new Api(signIn);
  const studio = new Studio(api);
  const [[user]] = await api.query(`select username from User where username is ${quoted(signIn.user)}`);
  await studio.load(signIn.user);
  byId("notices").replaceChildren();
  byId("user").textContent = studio.me?.name ?? signIn.user;

  const log = new EventLog();
  // All are made before the hub connects, so its functions find them.
  const hub = new Hub(signIn, user?.id, { onState, onEvent });
  const actions = new Actions(hub, dialog);
  const problem = (text) => notice("failure", text);
  const views = new Views(byId("place"), byId("view"), { onShown: showView, onProblem: problem });
  const app = {
    api, studio, log, actions, dialog, notice, problem, views,
    root: byId("view"),
    redraw: () => views.redraw(),
    refresh: () => views.refresh(),
    showSelection: () => showSelection(actions, views.view),
    ask: (title, sentence, label) => dialog.ask(title, sentence, label),
    attempt,
  };

  /** Does something to the server and returns whether it worked; if not, says so. */
  async function attempt(sentence, work) {
    try {
      await work();
      return true;
    } catch (error) {
      problem(`${sentence}: ${error.message}`);
      return false;
    }
  }

  function onState(state) {
    showConnection(state);
    byId("actions").disabled = state !== "connected";
    if (state === "connected" && hub.wasConnected) {
      // What happened while there was no connection was not heard.
      views.view?.distrust?.();
      views.refresh();
    }
    hub.wasConnected ||= state === "connected";
  }

  async function onEvent(event) {
    log.add(event);
    views.view?.hear?.(event);
    if (event.topic === "ftrack.action.trigger-user-interface") {
      actions.showUnasked(event.data ?? {});
    } else if (event.topic === "ftrack.update") {
      const update = event.data?.entities ?? [];
      const isAboutStudio = studio.concerns(update);
      const isAboutView = views.view?.concerns(update);
      if (isAboutStudio) {
        await attempt("The studio's settings could not be read again", () => studio.load(signIn.user));
      }
      if (isAboutStudio || isAboutView) {
        views.refresh();
      }
    }
  }

  function showView(view) {
    document.title = `${view.selection?.[0]?.name ?? view.name} · Callboard sandbox`;
    app.showSelection();
  }

  let focusNext = false;
  async function showRoute() {
    const address = location.hash;
    const route = currentRoute();
    const root = byId("view");
    delete root.dataset.shown;
    const View = VIEWS.get(route.name) ?? Projects;
    drawNavigation(route.name);
    if (!(views.view instanceof View && await views.view.follow?.(route))) {
      await views.show(new View(app, route));
      if (focusNext && !root.contains(document.activeElement)) {
        byId("place").querySelector("h1")?.focus();
      }
    }
    focusNext = true;
    // For whoever has to know which address is shown by now.
    root.dataset.shown = address;
  }

  byId("help").addEventListener("click", () => showHelp(dialog));
  listenForKeys(app);
  addEventListener("hashchange", showRoute);
  const shown = showRoute();
  await hub.connect();
  await shown;
}

function drawNavigation(current) {
  patch(byId("views"), OFFERED.map(({ name, label, icon: sign }) =>
    element("a", { href: addressOf(name), "aria-current": name === current ? "page" : null }, icon(sign), element("span", {}, label))));
}

function showConnection(state) {
  const line = byId("connection");
  line.dataset.state = state;
  line.textContent = CONNECTION[state];
}

/** Tells the Actions menu what is selected, and the person where something can be selected at all. */
function showSelection(actions, view) {
  const selected = view?.selection ?? [];
  actions.selection = selected;
  const names = selected.slice(0, 3).map((entity) => entity.name).join(", ");
  const more = selected.length > 3 ? ` and ${selected.length - 3} more` : "";
  const said = selected.length > 0 ? `${names}${more}` : "Nothing selected";
  byId("selection").textContent = view?.canSelect ? said : "";
}

/** Asks for a user and a key: the page has none of its own where other machines can ask for it. */
function askWhoSignsIn(user = "") {
  const field = (label, control) => element("div", { class: "field" }, element("label", { for: control.id }, label), control);
  let isSent = false;
  dialog.open({
    title: "Sign in",
    submitLabel: "Sign in",
    nodes: [
      field("User", element("input", { id: "sign-in-user", name: "user", autocomplete: "username", required: true, value: user })),
      field("API key", element("input", { id: "sign-in-key", name: "key", type: "password", autocomplete: "current-password", required: true })),
    ],
    submit: (form) => {
      isSent = true;
      const given = { user: form.elements.user.value, apiKey: form.elements.key.value };
      start(given).catch((error) => {
        notice("failure", error.message);
        askWhoSignsIn(given.user);
      });
    },
    // There is nothing behind it, so it comes back.
    closed: () => !isSent && askWhoSignsIn(user),
  });
}
