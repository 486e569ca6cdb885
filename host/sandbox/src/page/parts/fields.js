// Controls that save what they say as soon as it is said, and go back to what was when that fails.

import { element } from "../dom.js";
import { drawnValue, setValue } from "../patch.js";
import { chipColors } from "./chips.js";

/** A caption with what belongs to it. `id` ties it to a control. */
export function property(label, id, ...content) {
  const caption = id ? element("label", { for: id }, label) : element("span", { class: "caption" }, label);
  return element("div", { class: "property", "data-key": id ?? label }, caption, element("div", { class: "value" }, ...content));
}

/** Calls `save` with the control's value; when that answers `false`, the control shows again what it was drawn with. */
async function saveFrom(control, value, save) {
  if (control.reportValidity && !control.reportValidity()) {
    return;
  }
  if (!(await save(value))) {
    setValue(control, drawnValue(control));
  }
}

/** One of several. `choices` are `{value, label}`; an empty value is offered when `none` names it. */
export function choiceField(id, value, choices, save, { none = null, style = {}, ...attributes } = {}) {
  const known = choices.some((choice) => choice.value === value);
  const first = none !== null || !known ? [{ value: "", label: none ?? "—" }] : [];
  const options = [...first, ...choices].map((choice) =>
    element("option", { value: choice.value, selected: choice.value === (known ? value : "") }, choice.label));
  const change = (event) => saveFrom(event.target, event.target.value || null, save);
  return element("select", { id, change, style, ...attributes }, options);
}

/** A status or priority, in its colour. */
export function statusField(id, current, choices, save, attributes = {}) {
  const offered = choices.some((choice) => choice.id === current?.id) || !current ? choices : [current, ...choices];
  return choiceField(id, current?.id ?? "", offered.map((choice) => ({ value: choice.id, label: choice.name })), save,
    { class: "status", style: chipColors(current), ...attributes });
}

/** A line of text, a number, a date: whatever an `input` knows by `type`. */
export function inputField(id, value, save, attributes = {}) {
  const type = attributes.type ?? "text";
  const change = (event) => {
    const text = event.target.value;
    saveFrom(event.target, type === "number" ? (text === "" ? null : Number(text)) : text, save);
  };
  return element("input", { id, value: String(value ?? ""), autocomplete: "off", change, ...attributes, type });
}

export function checkField(id, value, save) {
  return element("input", {
    id, type: "checkbox", checked: value === true, change: (event) => saveFrom(event.target, event.target.checked, save),
  });
}

/** Text of several lines, saved when it is left, or with Ctrl and Enter. Esc brings back what was. */
export function textField(id, value, save, attributes = {}) {
  return element("textarea", {
    id,
    value,
    rows: "3",
    change: (event) => saveFrom(event.target, event.target.value, save),
    keydown: (event) => {
      if (event.key === "Escape") {
        setValue(event.target, drawnValue(event.target));
        event.target.blur();
      } else if (isSubmit(event)) {
        event.target.blur();
      }
    },
    ...attributes,
  });
}

/** Several of many, as boxes. */
export function severalField(id, values, choices, save) {
  const change = (event) => {
    const group = event.target.closest("[role=group]");
    saveFrom(event.target, [...group.querySelectorAll("input:checked")].map((box) => box.value), save);
  };
  return element("div", { role: "group", id, class: "boxes" }, choices.map((choice) =>
    element("label", { class: "check", "data-key": choice.value },
      element("input", { type: "checkbox", value: choice.value, checked: values.includes(choice.value), change }), choice.label)));
}

/** Tells whether the keys mean "send what I wrote". */
export function isSubmit(event) {
  return event.key === "Enter" && (event.ctrlKey || event.metaKey);
}
