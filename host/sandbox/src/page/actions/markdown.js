// Markdown, as labels of forms, messages and notes use it.

import { element } from "../dom.js";

/** Turns the common part of Markdown into elements. HTML in it stays text. */
export function markdown(text) {
  const blocks = [];
  let paragraph = null;
  let list = null;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const entry = /^\s*[-*]\s+(.*)$/.exec(line);
    if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) {
      blocks.push(element("hr"));
    } else if (heading) {
      blocks.push(element("h3", {}, ...inline(heading[2])));
    } else if (entry) {
      list ??= blocks[blocks.push(element("ul")) - 1];
      list.append(element("li", {}, ...inline(entry[1])));
      paragraph = null;
      continue;
    } else if (line.trim() !== "") {
      if (paragraph) {
        paragraph.append(element("br"));
      }
      paragraph ??= blocks[blocks.push(element("p")) - 1];
      paragraph.append(...inline(line));
      list = null;
      continue;
    }
    paragraph = null;
    list = null;
  }
  return blocks;
}

/** An escaped sign, bold, emphasis, code, and links to the web; underscores inside of words are left alone. */
const INLINE =
  /\\([\\`*_{}[\]()#+\-.!<>|~])|\*\*(.+?)\*\*|\*(.+?)\*|(?<!\w)_(.+?)_(?!\w)|`([^`]+)`|\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)/g;

function inline(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, escaped, strong, starred, underlined, code, caption, address] = found;
    parts.push(text.slice(at, found.index));
    at = found.index + whole.length;
    if (escaped) {
      parts.push(escaped);
    } else if (strong) {
      parts.push(element("strong", {}, ...inline(strong)));
    } else if (starred ?? underlined) {
      parts.push(element("em", {}, ...inline(starred ?? underlined)));
    } else if (code) {
      parts.push(element("code", {}, code));
    } else {
      parts.push(element("a", { href: address, target: "_blank", rel: "noreferrer noopener" }, caption));
    }
  }
  return [...parts, text.slice(at)];
}
