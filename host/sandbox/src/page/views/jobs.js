// Jobs of the server and of plugins, newest first, as they go on.

import { paged, quoted } from "../api.js";
import { element } from "../dom.js";
import { agoText, durationText, instantFromValue } from "../format.js";
import { icon } from "../icons.js";
import { emptyLine, link, moreButton } from "../parts/chips.js";
import { addressOf, replaceAddress } from "../router.js";

const PAGE = 50;

const STATES = { queued: "Waiting", running: "Running", done: "Done", failed: "Failed" };

export class Jobs {
  name = "Jobs";

  constructor(app, route) {
    this.app = app;
    this.limit = PAGE;
    this.selection = [];
    this.isEverybodys = route.parameters.get("of") === "everybody";
    this.found = { rows: [], hasMore: false };
  }

  concerns(update) {
    return update.some((entity) => entity.entityType === "job" || entity.entityType === "jobcomponent");
  }

  async load() {
    const { api, studio } = this.app;
    const where = this.isEverybodys ? "" : `where user_id is ${quoted(studio.me?.id ?? "")}`;
    const [rows] = await api.query(`select type, status, data, created_at, finished_at, user_id, job_components.component_id,
      job_components.component.name, job_components.component.file_type from Job ${where}
      order by created_at desc limit ${this.limit + 1}`);
    this.found = paged(rows, this.limit);
  }

  heading() {
    return [element("h1", { tabindex: "-1" }, "Jobs")];
  }

  draw() {
    const choose = (isEverybodys) => {
      this.isEverybodys = isEverybodys;
      replaceAddress(addressOf("jobs", null, { of: isEverybodys ? "everybody" : "" }));
      this.app.redraw();
      this.app.refresh();
    };
    const { rows, hasMore } = this.found;
    return [element("div", { class: "plain" },
      element("div", { class: "filters" },
        element("div", { role: "group", class: "switch", "aria-label": "Whose jobs" },
          [["Mine", false], ["Everybody's", true]].map(([name, value]) =>
            element("button", { type: "button", "aria-pressed": String(value === this.isEverybodys), click: () => choose(value) }, name)))),
      rows.length === 0
        ? emptyLine("There is no job. One is made when a file is encoded, or by a plugin that takes its time.")
        : element("ul", { class: "panel jobs", "aria-label": "Jobs" }, rows.map((job) => this.#job(job))),
      moreButton(hasMore, () => {
        this.limit += PAGE;
        this.app.refresh();
      }))];
  }

  #job(job) {
    const begun = instantFromValue(job.created_at);
    const ended = instantFromValue(job.finished_at);
    const person = this.app.studio.people.get(job.user_id);
    const about = [person?.name, begun && agoText(begun), begun && ended && `took ${durationText((ended - begun) / 1000)}`];
    return element("li", { class: "job", "data-key": job.id, "data-id": job.id, "data-state": job.status },
      element("span", { class: "job-state" }, STATES[job.status] ?? job.status),
      element("span", { class: "about" },
        element("strong", {}, descriptionOf(job)),
        element("span", { class: "detail" }, about.filter(Boolean).join(" · "))),
      element("span", { class: "outputs" }, job.job_components.map((output) => {
        const name = `${output.component?.name ?? "file"}${output.component?.file_type ?? ""}`;
        return link(this.app.api.componentUrl(output.component_id), { class: "button quiet", download: name }, icon("download"), name);
      })));
  }
}

/** What a job says of itself: JSON with a description, or whatever its type is called. */
function descriptionOf(job) {
  try {
    const data = JSON.parse(job.data ?? "{}");
    return data?.description || job.type;
  } catch {
    return job.data || job.type;
  }
}
