// One stop of the Tab key for a list; the arrow keys move within it.
//
// A list has `data-roving`, its entries `data-entry`.

/** Moves the focus within the list as the key says, and returns whether it did. */
export function moveInList(list, event) {
  const entries = [...list.querySelectorAll("[data-entry]")];
  const at = entries.indexOf(document.activeElement.closest("[data-entry]"));
  const to = { ArrowDown: at + 1, ArrowUp: Math.max(at - 1, 0), Home: 0, End: entries.length - 1 }[event.key];
  if (to === undefined || at === -1 || isTyping(event.target)) {
    return false;
  }
  const next = entries[Math.min(to, entries.length - 1)];
  enter(list, next);
  event.preventDefault();
  return true;
}

/** Gives the focus to an entry, which the Tab key comes back to. */
function enter(list, entry) {
  for (const one of list.querySelectorAll('[data-entry][tabindex="0"]')) {
    one.setAttribute("tabindex", "-1");
  }
  entry.setAttribute("tabindex", "0");
  entry.focus();
}

/** Sees to it that the Tab key finds an entry, also after the one it found has gone. */
export function ensureEntry(list) {
  if (!list.querySelector('[data-entry][tabindex="0"]')) {
    list.querySelector("[data-entry]")?.setAttribute("tabindex", "0");
  }
}

/** Tells whether keys belong to what somebody types or chooses. */
export function isTyping(target) {
  return target.matches("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]");
}
