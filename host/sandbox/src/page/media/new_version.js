// Publishing from the page: files that are dropped or chosen become a version, which the server encodes.

import { created, quoted, removed } from "../api.js";
import { element, freshId } from "../dom.js";
import { icon } from "../icons.js";
import { addressOf } from "../router.js";
import { countText, sizeText } from "../format.js";
import { uploadComponent } from "./upload.js";

/** What the page calls assets that it makes, unless the studio has no such type. */
const ASSET_TYPE = "Upload";

export class NewVersion {
  /** `context` returns the task, or what else the version is of. */
  constructor(app, context) {
    this.app = app;
    this.context = context;
  }

  /** Attributes of an element that files can be dropped on. */
  dropTarget() {
    const mark = (isOver) => (event) => {
      if (event.dataTransfer?.types.includes("Files")) {
        event.preventDefault();
        event.currentTarget.classList.toggle("dropping", isOver);
      }
    };
    return {
      dragover: mark(true),
      dragleave: mark(false),
      drop: (event) => {
        mark(false)(event);
        if (event.dataTransfer?.files.length > 0) {
          this.ask([...event.dataTransfer.files]);
        }
      },
    };
  }

  /** A button that asks for files, for whoever does not drop them. */
  button() {
    const chosen = (event) => {
      if (event.target.files.length > 0) {
        this.ask([...event.target.files]);
        event.target.value = "";
      }
    };
    return element("label", { class: "button" }, icon("upload"), "New version",
      element("input", { type: "file", class: "away", multiple: true, id: "new-version-files", change: chosen }));
  }

  /** Asks what the version is of, and publishes it. */
  async ask(files) {
    const parentId = this.#assetParent();
    const isRead = await this.app.attempt("The assets could not be read", async () => {
      [this.assets] = await this.app.api.query(`select name from Asset where context_id is ${quoted(parentId)} order by name`);
    });
    if (!isRead) {
      return;
    }
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const field = (label, control) =>
      element("div", { class: "field" }, element("label", { for: control.id }, label), control);
    this.app.dialog.open({
      title: "New version",
      submitLabel: "Publish",
      nodes: [
        element("p", { class: "detail" }, `${files.map((file) => file.name).join(", ")} (${sizeText(total)})`),
        field("Asset", element("input", {
          id: "asset", name: "asset", required: true, autocomplete: "off", list: "assets", value: this.#proposedName(),
        })),
        element("datalist", { id: "assets" }, this.assets.map((asset) => element("option", { value: asset.name }))),
        field("Comment", element("textarea", { id: "comment", name: "comment", rows: "3" })),
      ],
      submit: (form) => this.#publish(files, parentId, form.elements.asset.value.trim(), form.elements.comment.value),
    });
  }

  /** A task's assets lie beside it; what holds tasks holds its own. */
  #assetParent() {
    const context = this.context();
    return context.__entity_type__ === "Task" ? context.parent_id : context.id;
  }

  #proposedName() {
    const { name } = this.context();
    return this.assets.find((asset) => asset.name === name)?.name ?? name;
  }

  async #publish(files, parentId, assetName, comment) {
    const stopping = new AbortController();
    const bar = element("progress", { max: "1", value: "0", "aria-label": "Sent" });
    const notice = this.app.notice("busy", `Publishing ${assetName} …`,
      bar, element("button", { type: "button", class: "stop", click: () => stopping.abort() }, "Stop"));
    try {
      const { versionId, undo } = await this.#create(parentId, assetName, comment);
      const components = [];
      for (const [at, file] of files.entries()) {
        components.push(await uploadComponent(this.app.api, file, versionId, {
          onProgress: (fraction) => bar.setAttribute("value", String((at + fraction) / files.length)),
          signal: stopping.signal,
        }).catch((error) => this.#undo(undo, error)));
      }
      this.app.notice("success", `${assetName} has a new version with ${countText(files.length, "file")}.`,
        element("a", { href: addressOf("version", versionId) }, "Open it"));
      await this.#encode(components[0], versionId);
    } catch (error) {
      this.app.problem(`Nothing was published: ${error.message}`);
    } finally {
      notice.remove();
    }
  }

  /** Makes the version, and its asset where there is none of this name, in one transaction, and returns what undoes it. */
  async #create(parentId, assetName, comment) {
    const { app } = this;
    const context = this.context();
    const known = this.assets.find((asset) => asset.name === assetName);
    const type = app.studio.assetTypes.find((one) => one.name === ASSET_TYPE) ?? app.studio.assetTypes[0];
    const assetId = known?.id ?? freshId();
    const versionId = freshId();
    await app.api.call([
      ...(known ? [] : [created("Asset", { id: assetId, name: assetName, type_id: type?.id, context_id: parentId })]),
      created("AssetVersion", {
        id: versionId, asset_id: assetId, comment, is_published: true,
        task_id: context.__entity_type__ === "Task" ? context.id : null,
      }),
    ]);
    return { versionId, undo: known ? removed("AssetVersion", versionId) : removed("Asset", assetId) };
  }

  /** A version without its file is no version. */
  async #undo(undo, error) {
    await this.app.api.call([undo]);
    throw error;
  }

  /** What cannot be encoded is published all the same. */
  async #encode(componentId, versionId) {
    try {
      await this.app.api.call([{ action: "encode_media", component_id: componentId, version_id: versionId, keep_original: true }]);
    } catch (error) {
      this.app.problem(`It cannot be played: ${error.message}`);
    }
  }
}
