// Custom attributes of a context or a version, each as the control that its kind asks for.

import { quoted, quotedList } from "../api.js";
import { element } from "../dom.js";
import { dayFromValue, valueFromDay } from "../format.js";
import { checkField, choiceField, inputField, property, severalField, textField } from "./fields.js";

export class Attributes {
  constructor(app, type, id) {
    this.app = app;
    this.type = type;
    this.id = id;
    this.values = [];
    this.inherited = new Map();
  }

  expression() {
    return `select custom_attributes from ${this.type} where id is ${quoted(this.id)}`;
  }

  /** Takes the values, and reads what those above hand down to the ones that are not set. `path` begins at the top. */
  async take([row], path) {
    this.values = row?.custom_attributes ?? [];
    const unset = this.values.filter((value) => value.value === null && this.#of(value)?.isHierarchical);
    this.inherited.clear();
    if (unset.length > 0 && path.length > 0) {
      const [above] = await this.app.api.query(`select value, entity_id, configuration_id from ContextCustomAttributeValue
        where entity_id in (${quotedList(path)}) and configuration_id in (${quotedList(unset.map((value) => value.configuration_id))})`);
      // What is nearer comes later and wins.
      for (const id of path) {
        for (const value of above.filter((value) => value.entity_id === id && value.value !== null)) {
          this.inherited.set(value.configuration_id, value.value);
        }
      }
    }
  }

  #of(value) {
    return this.app.studio.attributes.get(value.configuration_id);
  }

  draw() {
    const known = this.values.filter((value) => this.#of(value));
    if (known.length === 0) {
      return null;
    }
    known.sort((one, other) => this.#of(one).sort - this.#of(other).sort);
    return element("section", { class: "panel", "data-key": "attributes", "aria-labelledby": "attributes-title" },
      element("h2", { id: "attributes-title" }, "Custom attributes"),
      known.map((value) => this.#property(this.#of(value), value)));
  }

  #property(attribute, row) {
    const id = `attribute-${attribute.key}`;
    const save = (value) => this.app.attempt(`${attribute.label} was not saved`, () =>
      this.app.api.update(row.__entity_type__, [row.configuration_id, row.entity_id], { value }));
    const given = this.inherited.get(attribute.id) ?? attribute.default;
    const placeholder = attribute.isHierarchical && row.value === null && given !== undefined ? `${given} (inherited)` : null;
    return property(sentenceCase(attribute.label), id, control(attribute, id, row.value, save, placeholder));
  }
}

function control(attribute, id, value, save, placeholder) {
  const several = Array.isArray(value) ? value : value === null || value === "" ? [] : [value];
  switch (attribute.kind) {
    case "number":
      return inputField(id, value, save, { type: "number", step: attribute.isDecimal ? "any" : "1", placeholder });
    case "boolean":
      return checkField(id, value, save);
    case "date":
      return inputField(id, dayFromValue(value), (day) => save(valueFromDay(day)), { type: "date" });
    case "enumerator":
      // A list also where one can be chosen: the server keeps both the same way.
      return attribute.isMultiple
        ? severalField(id, several, attribute.choices, save)
        : choiceField(id, several[0] ?? "", attribute.choices, (chosen) => save(chosen === null ? [] : [chosen]), { none: "—" });
    case "url":
      return inputField(id, value, save, { type: "url", placeholder });
    case "text":
      return textField(id, value ?? "", save, { rows: "1", placeholder });
    default:
      // What is computed, or asks a plugin for its choices, is shown as it is.
      return element("output", { id }, several.join(", ") || "—");
  }
}

function sentenceCase(label) {
  const words = label.replace(/_/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
