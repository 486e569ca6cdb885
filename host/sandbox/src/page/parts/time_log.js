// One time log: a line of a list, and the form that adds or changes it.

import { element } from "../dom.js";
import {
  dayText, durationInput, durationText, instantFromValue, localDay, secondsFromInput, startOfDay, timeText, valueFromInstant,
} from "../format.js";
import { addressOf } from "../router.js";
import { iconButton, link } from "./chips.js";

export const TIME_LOG = "start, duration, comment, user_id, context_id, context.name, context.link";

/** Nine in the morning: where a day's work begins when nobody says otherwise. */
const MORNING_HOURS = 9;

/** What a list of time logs does with one of them: it remembers which is being changed. */
export class TimeLogEditor {
  constructor(app) {
    this.app = app;
    this.editing = null;
  }

  /** Draws a line, or its form while it is being changed. */
  line(log, { showContext = true, showPerson = false } = {}) {
    if (this.editing === log.id) {
      return element("li", { class: "time-log editing", "data-key": `editing ${log.id}` },
        this.form(`time-${log.id}`, log, (data) => this.#change(log, data), "Save", () => this.#edit(null)));
    }
    const start = instantFromValue(log.start);
    const path = (log.context?.link ?? []).map((part) => part.name);
    const isMine = log.user_id === this.app.studio.me?.id;
    return element("li", { class: "time-log", "data-key": log.id, "data-id": log.id },
      element("span", { class: "duration" }, durationText(log.duration)),
      element("span", { class: "about" },
        showContext
          ? element("strong", {}, log.context_id ? link(addressOf("task", log.context_id), {}, path.join(" / ")) : "Without a task") : null,
        showContext ? null : element("span", {}, log.comment || "No comment"),
        element("span", { class: "detail" }, this.#detail(log, showContext, showPerson))),
      showContext && start ? element("span", { class: "detail" }, timeText(start)) : null,
      isMine
        ? element("span", { class: "buttons-inline" },
          iconButton("edit", "Change", () => this.#edit(log.id)), iconButton("remove", "Delete", () => this.#remove(log)))
        : null);
  }

  #detail(log, showContext, showPerson) {
    const start = instantFromValue(log.start);
    const person = showPerson ? this.app.studio.people.get(log.user_id)?.name : null;
    return [person, start && !showContext ? dayText(localDay(start)) : null, showContext ? log.comment : null].filter(Boolean).join(" · ");
  }

  /** Draws a form; `send` gets what was filled in. `tasks` offers tasks to choose from. */
  form(id, log, send, caption, cancel = null, tasks = null) {
    const start = instantFromValue(log.start) ?? new Date();
    const submit = async (event) => {
      event.preventDefault();
      const form = event.currentTarget;
      const { day, duration, comment, task } = form.elements;
      const seconds = secondsFromInput(duration.value);
      duration.setCustomValidity(seconds === null || seconds <= 0 ? "Write it as 1:30, 1.5h or 90m." : "");
      if (!form.reportValidity()) {
        return;
      }
      const data = { start: valueFromInstant(onDay(day.value, log.start ? start : null)), duration: seconds, comment: comment.value };
      if (await send(task ? { ...data, context_id: task.value || null } : data) && !cancel) {
        duration.value = "";
        comment.value = "";
      }
    };
    return element("form", { class: "time-form", "data-key": id, submit, keydown: (event) => event.key === "Escape" && cancel?.() },
      tasks
        ? element("label", { class: "wide" }, element("span", {}, "Task"),
          element("select", { name: "task", id: `${id}-task` }, element("option", { value: "" }, "Without a task"),
            tasks.map((task) => element("option", { value: task.id }, task.name))))
        : null,
      element("label", {}, element("span", {}, "Day"),
        element("input", { type: "date", name: "day", id: `${id}-day`, required: true, value: localDay(start) })),
      element("label", {}, element("span", {}, "Time"),
        element("input", {
          name: "duration", id: `${id}-duration`, placeholder: "1:30", autocomplete: "off", class: "short",
          value: log.duration ? durationInput(log.duration) : "", input: (event) => event.target.setCustomValidity(""),
        })),
      element("label", { class: "wide" }, element("span", {}, "What was done"),
        element("input", { name: "comment", id: `${id}-comment`, autocomplete: "off", value: log.comment ?? "" })),
      element("span", { class: "send" },
        cancel ? element("button", { type: "button", click: cancel }, "Cancel") : null,
        element("button", { type: "submit", class: cancel ? null : "primary" }, caption)));
  }

  /** Adds a time log. */
  add(data) {
    return this.app.attempt("The time was not logged", () => this.app.api.create("Timelog", data));
  }

  #edit(id) {
    this.editing = id;
    this.app.redraw();
    document.getElementById(`time-${id}-duration`)?.focus();
  }

  async #change(log, data) {
    const isDone = await this.app.attempt("The time was not changed", () => this.app.api.update("Timelog", log.id, data));
    if (isDone) {
      this.#edit(null);
    }
    return isDone;
  }

  async #remove(log) {
    if (await this.app.ask("Delete this time?", `${durationText(log.duration)} ${log.comment ?? ""}`.trim(), "Delete")) {
      await this.app.attempt("The time was not deleted", () => this.app.api.remove("Timelog", log.id));
    }
  }
}

/** The time of day stays when only the day changes. */
function onDay(day, start) {
  const instant = startOfDay(day);
  instant.setHours(start ? start.getHours() : MORNING_HOURS, start ? start.getMinutes() : 0);
  return instant;
}
