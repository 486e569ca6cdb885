// A week of one's time, by day.

import { quoted, quotedList } from "../api.js";
import { element } from "../dom.js";
import { dayText, durationText, instantFromValue, laterDay, localDay, mondayOf, shortDayText, startOfDay } from "../format.js";
import { emptyLine, iconButton } from "../parts/chips.js";
import { TIME_LOG, TimeLogEditor } from "../parts/time_log.js";
import { addressOf, go } from "../router.js";

const DAYS = 7;
/** How many tasks are offered for new time. */
const OFFERED = 200;

export class TimeLogs {
  name = "Time";

  constructor(app, route) {
    this.app = app;
    this.editor = new TimeLogEditor(app);
    this.selection = [];
    const day = /^\d{4}-\d\d-\d\d$/.test(route.id ?? "") ? route.id : localDay(new Date());
    this.monday = mondayOf(day);
  }

  concerns(update) {
    return update.some((entity) => ["timelog", "appointment"].includes(entity.entityType));
  }

  async load() {
    const { api, studio } = this.app;
    const me = quoted(studio.me?.id ?? "");
    const between = [this.monday, laterDay(this.monday, DAYS)].map((day) => quoted(startOfDay(day).toISOString().slice(0, 19)));
    const resources = [studio.me?.id, ...studio.groupsOf(studio.me?.id).map((group) => group.id)].filter(Boolean);
    const [logs, tasks] = await api.query(
      `select ${TIME_LOG} from Timelog where user_id is ${me} and start >= ${between[0]} and start < ${between[1]} order by start`,
      `select name, link from Task where assignments.resource_id in (${quotedList(resources)}) order by project.full_name, name limit ${OFFERED}`,
    );
    this.logs = logs;
    this.tasks = tasks.map((task) => ({ id: task.id, name: (task.link ?? []).map((part) => part.name).join(" / ") }));
  }

  heading() {
    return [element("h1", { tabindex: "-1" }, "Time")];
  }

  draw() {
    const total = this.logs.reduce((sum, log) => sum + log.duration, 0);
    const days = Array.from({ length: DAYS }, (_, at) => laterDay(this.monday, at));
    const today = localDay(new Date());
    const toWeek = (monday) => go(addressOf("time", monday));
    const add = (data) => this.editor.add(data);
    return [element("div", { class: "plain", "data-key": this.monday },
      element("div", { class: "filters" },
        iconButton("before", "The week before", () => toWeek(laterDay(this.monday, -DAYS))),
        element("strong", {}, `${shortDayText(days[0])} – ${shortDayText(days[DAYS - 1])}`),
        iconButton("after", "The week after", () => toWeek(laterDay(this.monday, DAYS))),
        element("button", { type: "button", click: () => toWeek(mondayOf(today)) }, "This week"),
        element("strong", { class: "total" }, durationText(total))),
      element("section", { class: "panel", "data-key": "new", "aria-label": "Log time" },
        this.editor.form("new-time", {}, add, "Log time", null, this.tasks)),
      // A day without work is shown while it may still get some.
      days.filter((day) => day === today || this.#of(day).length > 0).map((day) => this.#day(day, today)),
      this.logs.length === 0 ? emptyLine("No time is logged in this week.") : null)];
  }

  #of(day) {
    return this.logs.filter((log) => localDay(instantFromValue(log.start)) === day);
  }

  #day(day, today) {
    const logs = this.#of(day);
    const id = `day-${day}`;
    return element("section", { class: "panel", "data-key": id, "aria-labelledby": id },
      element("div", { class: "panel-head" },
        element("h2", { id }, day === today ? `Today, ${dayText(day)}` : dayText(day)),
        element("span", { class: "total" }, durationText(logs.reduce((sum, log) => sum + log.duration, 0)))),
      element("ul", { class: "time-logs" }, logs.map((log) => this.editor.line(log))));
  }
}
