// Forms as actions describe them: a list of items becomes fields, and the fields become values again.

import { element, freshId } from "../dom.js";
import { markdown } from "./markdown.js";

/** Names of password fields that were shown, whose values the event log leaves out. */
export const secretNames = new Set();

/** Draws the items and returns `{nodes, values}`; `values()` is what the form sends. */
export function drawForm(items) {
  const fields = items.map(fieldFromItem);
  return {
    nodes: fields.map((field) => field.node).filter(Boolean),
    values: () => valuesOf(fields),
  };
}

/** Collects by name; a name that several items share gets a list, in their order. */
function valuesOf(fields) {
  const collected = new Map();
  for (const field of fields.filter((field) => field.name !== undefined)) {
    collected.set(field.name, [...(collected.get(field.name) ?? []), field.read()]);
  }
  // Not an object literal, in which `__proto__` would be no name like any other.
  const pairs = [...collected].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  return Object.fromEntries(pairs);
}

function fieldFromItem(item) {
  switch (item.type) {
    case "text":
      return inputField(item, { type: "text" });
    case "url":
      // Assumed: an address is asked for as a text that must be one.
      return inputField(item, { type: "url" });
    case "password":
      secretNames.add(item.name);
      return inputField(item, { type: "password", autocomplete: "new-password" });
    case "textarea":
      return textAreaField(item);
    case "number":
      return numberField(item);
    case "date":
      return dateField(item);
    case "boolean":
      return booleanField(item);
    case "enumerator":
      return item.multi_select ? severalField(item) : choiceField(item);
    case "hidden":
      return { name: item.name, read: () => item.value ?? null };
    case "widget":
      return linkField(item);
    default:
      // A label, and what a later ftrack may bring: its value is shown.
      return { node: element("div", { class: "prose" }, ...markdown(textOf(item.value ?? item.label))) };
  }
}

function textOf(value) {
  return typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);
}

/** A page of somebody else's, which the policy of this one lets nobody frame. */
function linkField(item) {
  const address = textOf(item.url ?? item.value);
  const isWeb = /^https?:/.test(address);
  const node = element("p", { class: "field" },
    isWeb ? element("a", { href: address, target: "_blank", rel: "noreferrer noopener" }, item.label ?? address) : address);
  return { node };
}

/** Puts a caption above a control and ties the two together. */
function labelled(item, control) {
  control.id = `field-${freshId()}`;
  control.name = item.name ?? "";
  return element("div", { class: "field" },
    element("label", { for: control.id }, item.label ?? item.name ?? ""), control);
}

function inputField(item, attributes) {
  const control = element("input", { autocomplete: "off", placeholder: item.empty_text, ...attributes });
  control.value = textOf(item.value);
  return { name: item.name, node: labelled(item, control), read: () => control.value };
}

function textAreaField(item) {
  const control = element("textarea", { rows: "5", placeholder: item.empty_text });
  control.value = textOf(item.value);
  return { name: item.name, node: labelled(item, control), read: () => control.value };
}

function numberField(item) {
  const field = inputField(item, { type: "number", step: "any", inputmode: "decimal" });
  const read = () => (field.node.querySelector("input").value === "" ? null : Number(field.read()));
  return { ...field, read };
}

function dateField(item) {
  const dated = { ...item, value: textOf(item.value).slice(0, 10) };
  const field = inputField(dated, { type: "date" });
  return { ...field, read: () => field.read() || null };
}

function booleanField(item) {
  const control = element("input", { type: "checkbox", name: item.name });
  control.checked = item.value === true || item.value === "true";
  const node = element("label", { class: "field check" }, control, element("span", {}, item.label ?? item.name ?? ""));
  return { name: item.name, node, read: () => control.checked };
}

function choicesOf(item) {
  return Array.isArray(item.data) ? item.data : [];
}

function choiceField(item) {
  const choices = choicesOf(item);
  const chosen = choices.findIndex((choice) => choice.value === item.value);
  const options = choices.map((choice, at) =>
    element("option", { value: String(at), selected: at === chosen, title: choice.description },
      choice.label ?? textOf(choice.value)));
  const none = chosen === -1 ? [element("option", { value: "", selected: true }, item.empty_text ?? "—")] : [];
  const control = element("select", {}, ...none, ...options);
  const read = () => (control.value === "" ? null : choices[Number(control.value)].value);
  return { name: item.name, node: labelled(item, control), read };
}

function severalField(item) {
  const chosen = Array.isArray(item.value) ? item.value : [];
  const boxes = choicesOf(item).map((choice) => {
    const box = element("input", { type: "checkbox", name: item.name });
    box.checked = chosen.includes(choice.value);
    const node = element("label", { class: "check", title: choice.description },
      box, element("span", {}, choice.label ?? textOf(choice.value)));
    return { box, node, value: choice.value };
  });
  const node = element("fieldset", { class: "field" },
    element("legend", {}, item.label ?? item.name ?? ""),
    element("div", { class: "choices" }, ...boxes.map((choice) => choice.node)));
  const read = () => boxes.filter((choice) => choice.box.checked).map((choice) => choice.value);
  return { name: item.name, node, read };
}
