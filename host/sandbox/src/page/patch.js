// Brings what is on the page to what was drawn anew, element by element, so that focus, scroll positions and
// half-typed text stay where they are.
//
// `data-key` tells which of its siblings an element is; without it the place tells. What has `data-own` looks after
// itself once it is there. What is drawn as `unchanged` stays as it is, so that long lists need not be drawn whole.

import { element, takeListeners } from "./dom.js";

/** What an element keeps: `open` is the person's, the others are set by whoever moves the focus. */
const KEPT_ATTRIBUTES = new Set(["open", "tabindex", "style"]);

/** Stands for the `div` of this key, as it was drawn before. */
export function unchanged(key) {
  return element("div", { "data-key": key, "data-unchanged": true });
}

/** Makes `nodes` the children of `parent`, and changes as little as possible. */
export function patch(parent, nodes) {
  const focused = document.activeElement;
  patchChildren(parent, nodes.flat(Infinity).filter((node) => node !== null && node !== undefined && node !== false));
  if (focused !== document.activeElement && focused?.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

function patchChildren(parent, given) {
  const nodes = given.map((node) => (typeof node === "string" ? document.createTextNode(node) : node));
  const partners = partnersOf(nodes, parent);
  const kept = new Set(partners.values());
  for (const old of [...parent.childNodes]) {
    if (!kept.has(old)) {
      old.remove();
    }
  }
  let next = parent.firstChild;
  for (const node of nodes) {
    const old = partners.get(node);
    if (old === undefined) {
      parent.insertBefore(node, next);
    } else {
      if (old === next) {
        next = next.nextSibling;
      } else {
        parent.insertBefore(old, next);
      }
      patchNode(old, node);
    }
  }
}

/** Finds for each new node the old one that it goes on with. */
function partnersOf(nodes, parent) {
  const byKey = new Map();
  const unkeyed = [];
  for (const old of parent.childNodes) {
    const key = keyOf(old);
    if (key === null) {
      unkeyed.push(old);
    } else {
      byKey.set(key, old);
    }
  }
  const partners = new Map();
  for (const node of nodes) {
    const key = keyOf(node);
    const old = key === null ? unkeyed.shift() : byKey.get(key);
    if (old && old.nodeName === node.nodeName) {
      partners.set(node, old);
      byKey.delete(key);
    }
  }
  return partners;
}

function keyOf(node) {
  return node.dataset?.key ?? null;
}

function patchNode(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) {
      old.data = node.data;
    }
    return;
  }
  if (node.dataset.unchanged !== undefined) {
    return;
  }
  takeListeners(old, node);
  if (old.dataset.own !== undefined) {
    return;
  }
  const drawnBefore = drawnValue(old);
  const isUntouched = valueOf(old) === drawnBefore;
  patchAttributes(old, node);
  patchChildren(old, [...node.childNodes]);
  // What somebody has typed or chosen, and not saved yet, is theirs.
  if (drawnBefore !== undefined && isUntouched && drawnValue(old) !== valueOf(old)) {
    setValue(old, drawnValue(old));
  }
}

function patchAttributes(old, node) {
  for (const { name } of [...old.attributes]) {
    if (!node.hasAttribute(name) && !KEPT_ATTRIBUTES.has(name)) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of node.attributes) {
    if (!KEPT_ATTRIBUTES.has(name) && old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  // Not by the attribute, which the page's policy forbids to write.
  if (old.style.cssText !== node.style.cssText) {
    old.style.cssText = node.style.cssText;
  }
}

/** The value that a control was drawn with; `undefined` for what is none. */
export function drawnValue(control) {
  switch (control.localName) {
    case "input":
      return isBox(control) ? control.hasAttribute("checked") : control.getAttribute("value") ?? "";
    case "textarea":
      return control.defaultValue;
    case "select": {
      const drawn = [...control.options].find((option) => option.defaultSelected);
      return (drawn ?? control.options[0])?.value ?? "";
    }
    default:
      return undefined;
  }
}

function valueOf(control) {
  return isBox(control) ? control.checked : control.value;
}

/** Gives a control this value, as if it had been drawn with it. */
export function setValue(control, value) {
  if (isBox(control)) {
    control.checked = value;
  } else {
    control.value = value;
  }
}

function isBox(control) {
  return control.type === "checkbox" || control.type === "radio";
}
