// Notes on a context or a version, with their replies.

import { paged, quoted } from "../api.js";
import { markdown } from "../actions/markdown.js";
import { element } from "../dom.js";
import { agoText, countText, instantFromValue } from "../format.js";
import { avatar, emptyLine, iconButton, moreButton } from "./chips.js";
import { isSubmit } from "./fields.js";

const PAGE = 30;

export class Notes {
  /** `frame` says which frame a new note is about, where there are frames, and `onFrame` goes to one. */
  constructor(app, parentType, parentId, { frame = () => null, onFrame = null } = {}) {
    this.app = app;
    this.parentType = parentType;
    this.parentId = parentId;
    this.frame = frame;
    this.onFrame = onFrame;
    this.limit = PAGE;
    this.threads = { rows: [], hasMore: false };
    this.answering = null;
  }

  expression() {
    return `select content, date, user_id, frame_number, category.name, replies.content, replies.date, replies.user_id from Note
      where parent_id is ${quoted(this.parentId)} and in_reply_to_id is none order by thread_activity desc limit ${this.limit + 1}`;
  }

  take(rows) {
    this.threads = paged(rows, this.limit);
  }

  draw() {
    const { rows, hasMore } = this.threads;
    return element("section", { class: "panel notes", "data-key": "notes", "aria-labelledby": "notes-title" },
      element("h2", { id: "notes-title" }, "Notes"),
      this.#form("note", "Write a note …", "Add note", (content) => this.#add(content)),
      rows.length === 0 ? emptyLine("Nobody has written a note yet.") : null,
      element("ol", { class: "threads" }, rows.map((note) => this.#thread(note))),
      moreButton(hasMore, () => {
        this.limit += PAGE;
        this.app.refresh();
      }));
  }

  #thread(note) {
    const replies = [...note.replies].sort((one, other) => instantFromValue(one.date) - instantFromValue(other.date));
    return element("li", { class: "thread", "data-key": note.id },
      this.#note(note),
      replies.length > 0
        ? element("ol", { class: "replies", "aria-label": countText(replies.length, "reply", "replies") },
          replies.map((reply) => element("li", { "data-key": reply.id }, this.#note(reply))))
        : null,
      this.answering === note.id
        ? this.#form(`reply-${note.id}`, "Write a reply …", "Reply", (content) => this.#reply(note, content), () => this.#answer(null))
        : element("button", { type: "button", class: "quiet reply", click: () => this.#answer(note.id) }, "Reply"));
  }

  #note(note) {
    const author = this.app.studio.people.get(note.user_id);
    const date = instantFromValue(note.date);
    return element("article", { class: "note", "data-id": note.id },
      avatar(author),
      element("div", { class: "said" },
        element("p", { class: "by" },
          element("strong", {}, author?.name ?? "Somebody"),
          date ? element("time", { datetime: date.toISOString(), title: date.toLocaleString("en-GB") }, agoText(date)) : null,
          note.category ? element("span", { class: "tag" }, note.category.name) : null,
          note.frame_number !== null && note.frame_number !== undefined ? this.#frameTag(note.frame_number) : null),
        element("div", { class: "prose" }, markdown(note.content ?? ""))),
      note.user_id === this.app.studio.me?.id
        ? iconButton("remove", "Delete the note", () => this.#remove(note), { class: "quiet hidden" }) : null);
  }

  #frameTag(frame) {
    return this.onFrame
      ? element("button", { type: "button", class: "tag", title: "Go to this frame", click: () => this.onFrame(frame) }, `frame ${frame}`)
      : element("span", { class: "tag" }, `frame ${frame}`);
  }

  #form(id, placeholder, caption, send, cancel = null) {
    const submit = async (event) => {
      event.preventDefault();
      const [text] = event.currentTarget.elements;
      const content = text.value.trim();
      if (content !== "" && await send(content)) {
        text.value = "";
      }
    };
    return element("form", { class: "write", "data-key": id, submit },
      element("textarea", {
        id, rows: "2", placeholder, "aria-label": placeholder.replace(" …", ""),
        keydown: (event) => {
          if (isSubmit(event)) {
            event.target.form.requestSubmit();
          } else if (event.key === "Escape" && cancel) {
            cancel();
          }
        },
      }),
      element("div", { class: "send" },
        element("span", { class: "hint" }, "Ctrl+Enter sends"),
        cancel ? element("button", { type: "button", click: cancel }, "Cancel") : null,
        element("button", { type: "submit" }, caption)));
  }

  #answer(id) {
    this.answering = id;
    this.app.redraw();
    document.getElementById(`reply-${id}`)?.focus();
  }

  #add(content) {
    const frame = this.frame();
    return this.app.attempt("The note was not added", () => this.app.api.create("Note", {
      content, parent_id: this.parentId, parent_type: this.parentType, ...(frame === null ? {} : { frame_number: frame }),
    }));
  }

  async #reply(note, content) {
    const isSent = await this.app.attempt("The reply was not added", () => this.app.api.create("Note", {
      content, in_reply_to_id: note.id, parent_id: this.parentId, parent_type: this.parentType,
    }));
    if (isSent) {
      this.answering = null;
    }
    return isSent;
  }

  async #remove(note) {
    if (await this.app.ask("Delete the note?", "Its replies go with it.", "Delete")) {
      await this.app.attempt("The note was not deleted", () => this.app.api.remove("Note", note.id));
    }
  }
}
