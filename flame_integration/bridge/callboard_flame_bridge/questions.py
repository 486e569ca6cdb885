"""Forms, as far as Flame can ask them: a text, one button to go on and one to cancel."""

import re
from collections import namedtuple

CANCEL = "Cancel"
SUBMIT = "OK"

# Longer values are cut, so that the dialog fits on a screen.
MOST_LINES = 12

# Marks of Markdown, which Flame's dialog would show as they are.
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_BULLET = re.compile(r"^\* ")

# `values` is what is submitted, `missing` the labels of fields that only a person can fill in.
Question = namedtuple("Question", "title text button values missing")


def question_from_form(form):
    """Returns the question that a form comes down to."""
    items = [item for item in form.get("items") or () if isinstance(item, dict)]
    fields = [item for item in items if item.get("name")]
    return Question(
        title=form.get("title") or "Callboard",
        text="\n".join(line for item in items for line in _lines(item)).strip(),
        button=form.get("submit_button_label") or SUBMIT,
        values={item["name"]: item.get("value") for item in fields},
        missing=[_label(item) for item in fields if item.get("required") and _is_empty(item)],
    )


def _lines(item):
    kind = item.get("type")
    if kind in ("hidden", "password"):
        return []
    if kind == "label":
        lines = [_plain(line) for line in str(item.get("value") or "").splitlines()]
        # A label counts for itself what it lists.
        return _cut(lines, "…") + [""]
    shown = _shown(item)
    lines = _cut(shown.splitlines())
    if len(lines) > 1:
        lines = [_label(item) + ":"] + ["  " + line for line in lines]
    else:
        lines = ["{}: {}".format(_label(item), shown or "–")]
    if item.get("error"):
        lines.append("  ({})".format(item["error"]))
    return lines


def _plain(line):
    return _BULLET.sub("• ", _BOLD.sub(r"\1", line))


def _shown(item):
    value = item.get("value")
    if isinstance(value, bool):
        return "yes" if value else "no"
    values = value if isinstance(value, list) else [] if value is None else [value]
    labels = [(choice.get("value"), choice.get("label")) for choice in item.get("data") or ()]
    texts = []
    for one in values:
        label = [text for known, text in labels if known == one]
        texts.append(str(label[0] if label else one))
    return ", ".join(texts)


def _label(item):
    return item.get("label") or item.get("name")


def _is_empty(item):
    return item.get("value") in (None, "", [])


def _cut(lines, rest="… and {} more"):
    if len(lines) <= MOST_LINES:
        return lines
    return lines[:MOST_LINES] + [rest.format(len(lines) - MOST_LINES)]
