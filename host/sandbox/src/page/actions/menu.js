// A menu with submenus, for the mouse and the keys.

import { element } from "../dom.js";
import { hasIcon, icon } from "../icons.js";
import { patch } from "../patch.js";

const MARGIN = 8;

export class Menu {
  /** `onOpen` is called with whether the menu is open, whenever that changes. */
  constructor(root, onOpen) {
    this.root = root;
    root.addEventListener("keydown", (event) => this.#pressed(event));
    root.addEventListener("toggle", (event) => event.target === root && onOpen(event.newState === "open"));
  }

  /** Opens the menu below a place of the window, or above it where there is more room. */
  open(place, nodes) {
    this.place = place;
    this.root.showPopover();
    this.fill(nodes);
  }

  close() {
    this.root.hidePopover();
  }

  /** Shows these entries; the one that had the focus keeps it. */
  fill(nodes) {
    const hadFocus = this.root.contains(document.activeElement);
    patch(this.root, nodes);
    for (const menu of this.root.querySelectorAll("[role=menu]")) {
      menu.previousElementSibling.setAttribute("aria-expanded", String(menu.matches(":popover-open")));
    }
    this.#position();
    if (!hadFocus || !this.root.contains(document.activeElement)) {
      entriesOf(this.root)[0]?.focus();
    }
  }

  #position() {
    const { width, height } = this.root.getBoundingClientRect();
    const { style } = this.root;
    const isAbove = this.place.bottom + height + MARGIN > innerHeight && this.place.top > innerHeight / 2;
    style.setProperty("left", `${Math.max(MARGIN, Math.min(this.place.left, innerWidth - width - MARGIN))}px`);
    style.setProperty("top", isAbove ? "auto" : `${this.place.bottom + MARGIN / 2}px`);
    style.setProperty("bottom", isAbove ? `${innerHeight - this.place.top + MARGIN / 2}px` : "auto");
  }

  #pressed(event) {
    const current = document.activeElement.closest("[role=menuitem]");
    const menu = current?.closest("[role=menu]");
    if (!menu) {
      return;
    }
    const entries = entriesOf(menu);
    const at = entries.indexOf(current);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) {
      entries.at(to % entries.length).focus();
    } else if (event.key === "ArrowRight" && current.ariaHasPopup) {
      openSubmenu(current);
    } else if ((event.key === "ArrowLeft" || event.key === "Escape") && menu !== this.root) {
      menu.hidePopover();
      menu.previousElementSibling.focus();
    } else if (event.key === "Tab") {
      this.close();
      return;
    } else if (/^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const later = [...entries.slice(at + 1), ...entries.slice(0, at + 1)];
      later.find((entry) => entry.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** An entry that does something. */
export function menuEntry({ label, detail = null, description = null, sign = null }, chosen) {
  return element("button", {
    type: "button", role: "menuitem", tabindex: "-1", title: description, "data-key": `${label} ${detail ?? ""}`, click: chosen,
    pointerenter: (event) => closeOthers(event.currentTarget),
  },
    menuIcon(sign),
    element("span", { class: "text" },
      element("span", { class: "label" }, label), detail ? element("span", { class: "detail" }, detail) : null));
}

/** An entry that opens a menu of its own. */
export function submenu(label, sign, entries) {
  return element("div", { role: "none", class: "submenu-entry", "data-key": `submenu ${label}` },
    element("button", {
      type: "button", role: "menuitem", tabindex: "-1", "aria-haspopup": "menu", "aria-expanded": "false",
      click: (event) => openSubmenu(event.currentTarget),
      pointerenter: (event) => showSubmenu(event.currentTarget),
    },
      menuIcon(sign), element("span", { class: "text" }, element("span", { class: "label" }, label)), icon("after")),
    element("div", {
      role: "menu", class: "menu", popover: "auto", "aria-label": label,
      toggle: (event) => event.target.previousElementSibling.setAttribute("aria-expanded", String(event.newState === "open")),
    }, entries));
}

/** A line that is no entry. */
export function menuHint(text) {
  return element("p", { class: "hint", role: "none", "data-key": "hint" }, text);
}

/** Icons of elsewhere are not fetched; the signs that the page has are known by name. */
function menuIcon(sign) {
  if (typeof sign === "string" && (sign.startsWith("data:image/") || sign.startsWith("/"))) {
    return element("img", { class: "icon", src: sign, alt: "" });
  }
  return icon(hasIcon(sign) ? sign : "actions");
}

/** The entries of one menu, without those of its submenus. */
function entriesOf(menu) {
  return [...menu.querySelectorAll("[role=menuitem]")].filter((entry) => entry.closest("[role=menu]") === menu);
}

function showSubmenu(entry) {
  const menu = entry.nextElementSibling;
  if (!menu.matches(":popover-open")) {
    closeOthers(entry);
    menu.showPopover();
    const place = entry.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const fits = place.right + width + MARGIN <= innerWidth;
    const left = fits ? place.right : Math.max(MARGIN, place.left - width);
    menu.style.setProperty("left", `${Math.min(left, innerWidth - width - MARGIN)}px`);
    menu.style.setProperty("top", `${Math.max(MARGIN, Math.min(place.top - MARGIN / 2, innerHeight - height - MARGIN))}px`);
  }
  return menu;
}

function openSubmenu(entry) {
  entriesOf(showSubmenu(entry))[0]?.focus();
}

/** Closes the submenus beside an entry. */
function closeOthers(entry) {
  for (const menu of entry.closest("[role=menu]").querySelectorAll("[role=menu]:popover-open")) {
    menu.hidePopover();
  }
  entry.focus();
}
