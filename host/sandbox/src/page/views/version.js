// The page of an asset version: its player, its files, and what is said about it.

import { quoted } from "../api.js";
import { element } from "../dom.js";
import { agoText, instantFromValue, sizeText } from "../format.js";
import { icon } from "../icons.js";
import { Player } from "../media/player.js";
import { isServed, playableFrom } from "../media/playable.js";
import { Attributes } from "../parts/attributes.js";
import { crumbs, emptyLine, link, personLabel } from "../parts/chips.js";
import { choiceField, property, statusField, textField } from "../parts/fields.js";
import { Notes } from "../parts/notes.js";
import { addressOf, go } from "../router.js";

export class Version {
  name = "Version";

  constructor(app, route) {
    this.app = app;
    this.id = route.id;
    this.player = null;
    this.version = null;
    this.attributes = new Attributes(app, "AssetVersion", this.id);
    this.notes = new Notes(app, "AssetVersion", this.id, {
      frame: () => this.player?.frame ?? null,
      onFrame: (frame) => this.player?.goTo(frame),
    });
  }

  get selection() {
    return this.version ? [{ id: this.id, entityType: "assetversion", name: this.#title() }] : [];
  }

  concerns(update) {
    return update.some((entity) => entity.entityId === this.id || entity.entityType === "job"
      || (entity.entityType === "assetversion" && entity.parentId === this.version?.asset?.id)
      || (entity.parents ?? []).slice(0, 4).some((parent) => parent.entityId === this.id)
      || Object.values(entity.changes ?? {}).some((change) => change?.old === this.id || change?.new === this.id));
  }

  async load() {
    const id = quoted(this.id);
    const [[row], components, notes, attributes] = await this.app.api.query(
      `select version, comment, date, status_id, user_id, task_id, thumbnail_id, link, asset.name, asset.type.name,
         asset.versions.version, asset.parent.id, asset.parent.project.project_schema_id from AssetVersion where id is ${id}`,
      `select name, file_type, size, system_type, metadata.key, metadata.value, component_locations.location_id,
         component_locations.resource_identifier, component_locations.location.name from Component where version_id is ${id} order by name`,
      this.notes.expression(),
      this.attributes.expression(),
    );
    if (!row) {
      throw new Error("There is no such version, or it was deleted.");
    }
    const schemaId = row.asset?.parent?.project?.project_schema_id;
    this.statuses = schemaId ? await this.app.studio.statusesOf(schemaId, { isVersion: true }) : [...this.app.studio.statuses.values()];
    const [jobs] = await this.app.api.query('select data, status from Job where status in ("queued", "running") order by created_at desc limit 50');
    this.isEncoding = jobs.some((job) => components.some((component) => job.data?.includes(component.id)));
    await this.attributes.take(attributes, []);
    this.notes.take(notes);
    this.components = components;
    this.version = row;
  }

  leave() {
    this.player?.video?.pause();
  }

  pressed(event) {
    return this.player?.pressed(event) ?? false;
  }

  #title() {
    return `${this.version.asset?.name ?? ""} v${this.version.version}`;
  }

  heading() {
    const path = (this.version.link ?? []).slice(0, -1).filter((part) => part.type !== "Asset").map((part) => ({
      name: part.name,
      address: part.type === "Project" ? addressOf("projects", part.id) : addressOf("task", part.id),
    }));
    return [crumbs(path), element("h1", { tabindex: "-1" }, this.#title())];
  }

  draw() {
    return [element("div", { class: "page", "data-key": this.id },
      element("div", { class: "main" }, this.#stage(), this.notes.draw()),
      element("div", { class: "side" }, this.#details(), this.#files(), this.attributes.draw()))];
  }

  /** Puts the player into its place, which looks after itself from then on. */
  shown() {
    const place = this.app.root.querySelector(".stage[data-own]");
    if (place && place.childElementCount === 0) {
      const { component, ...about } = playableFrom(this.components);
      this.player = new Player({ ...about, url: this.app.api.componentUrl(component.id), name: this.#title() });
      place.append(this.player.root);
    }
  }

  #stage() {
    const playable = playableFrom(this.components);
    if (playable) {
      return element("div", { class: "stage", "data-key": `stage ${playable.component.id}`, "data-own": true });
    }
    this.player = null;
    const { thumbnail_id: thumbnailId } = this.version;
    return element("div", { class: "stage", "data-key": `stage ${thumbnailId}` },
      thumbnailId ? element("img", { src: this.app.api.thumbnailUrl(thumbnailId, 1200), alt: this.#title() }) : null,
      emptyLine(this.isEncoding ? "It is being made ready to play …" : "There is nothing to play in this version."));
  }

  #save(sentence, data) {
    return this.app.attempt(sentence, () => this.app.api.update("AssetVersion", this.id, data));
  }

  #details() {
    const { version } = this;
    const { studio } = this.app;
    const date = instantFromValue(version.date);
    const siblings = [...(version.asset?.versions ?? [])].sort((one, other) => other.version - one.version);
    const task = (version.link ?? []).findLast((part) => part.id === version.asset?.parent?.id);
    return element("section", { class: "panel", "data-key": "details", "aria-labelledby": "details-title" },
      element("h2", { id: "details-title" }, "Details"),
      property("Version", "version", choiceField("version", this.id,
        siblings.map((one) => ({ value: one.id, label: `v${one.version}` })), (id) => {
          go(addressOf("version", id));
          return true;
        })),
      property("Status", "status", statusField("status", studio.statuses.get(version.status_id), this.statuses,
        (status_id) => this.#save("The status was not changed", { status_id }))),
      property("By", null, personLabel(studio.people.get(version.user_id))),
      date ? property("Published", null, element("time", { datetime: date.toISOString(), title: date.toLocaleString("en-GB") }, agoText(date))) : null,
      version.asset?.type ? property("Kind", null, version.asset.type.name) : null,
      version.task_id ? property("Task", null, link(addressOf("task", version.task_id), {}, "Open the task")) : null,
      !version.task_id && task ? property("In", null, link(addressOf("task", task.id), {}, task.name)) : null,
      property("Comment", "comment", textField("comment", version.comment ?? "",
        (comment) => this.#save("The comment was not saved", { comment }), { rows: "2" })));
  }

  #files() {
    return element("section", { class: "panel", "data-key": "files", "aria-labelledby": "files-title" },
      element("h2", { id: "files-title" }, "Files"),
      this.components.length === 0 ? emptyLine("This version has no files.") : null,
      element("ul", { class: "files" }, this.components.map((component) => this.#file(component))));
  }

  #file(component) {
    const name = `${component.name}${component.file_type ?? ""}`;
    const about = element("span", { class: "about" },
      element("strong", {}, name),
      element("span", { class: "detail" },
        [sizeText(component.size), ...component.component_locations.map((place) => place.location?.name)].filter(Boolean).join(" · ")));
    const places = component.component_locations.map((place) => place.resource_identifier).filter(Boolean);
    return element("li", { "data-key": component.id },
      about,
      isServed(component)
        ? link(this.app.api.componentUrl(component.id), { class: "button quiet", download: name, "aria-label": `Download ${name}`, title: "Download" }, icon("download"))
        : element("span", { class: "detail path" }, places[0] ?? ""));
  }
}
