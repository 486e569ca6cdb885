"""Plans shots in three steps: a form with live fields, and going back."""
import callboard

plugin = callboard.Plugin()

KINDS = {"film": ["24", "25"], "episode": ["25", "50"]}


def choices(values):
    return [{"label": value, "value": value} for value in values]


def names(values):
    count = int(values.get("count") or 0)
    return ["{}{:03}".format(values.get("prefix") or "sh", 10 * number) for number in range(1, count + 1)]


def what(values):
    return {"title": "Plan shots", "items": [
        {"type": "enumerator", "name": "kind", "label": "For", "value": "film", "required": True,
         "live": True, "data": choices(sorted(KINDS))},
        {"type": "enumerator", "name": "rate", "label": "Frame rate", "data": choices(KINDS["film"])},
        {"type": "text", "name": "prefix", "label": "Prefix", "value": "sh", "max_length": 8, "live": True},
        {"type": "number", "name": "count", "label": "How many", "value": 2, "required": True,
         "min": 1, "max": 100, "whole": True, "live": True},
        {"type": "label", "name": "summary", "value": "sh010, sh020"}]}


def frames(state):
    return {"title": "Frames", "back": True, "items": [
        {"type": "number", "name": name, "label": name, "value": 100, "min": 1} for name in state["names"]]}


@plugin.action("plan")
def plan(launch, host):
    state = launch.state
    if state is None:
        return callboard.asks(what(launch.values), {"page": "what"})
    if state["page"] == "what":
        state = {"page": "frames", "names": names(launch.values), "rate": launch.values["rate"]}
        return callboard.asks(frames(state), state)
    if state["page"] == "frames":
        total = sum(launch.values[name] for name in state["names"])
        text = "{} shots, {} frames".format(len(state["names"]), total)
        view = {"title": "Right?", "back": True, "submit_button_label": "Plan", "items": [
            {"type": "label", "value": text}]}
        return callboard.asks(view, {"page": "sure", "text": text})
    return callboard.done(state["text"])


@plugin.change("plan")
def plan_changed(change, host):
    """The form follows what is filled in, before it is sent."""
    if change.name == "kind":
        rates = KINDS[change.values["kind"]]
        return [callboard.patch("rate", data=choices(rates), value=rates[0])]
    made = names(change.values)
    return [callboard.patch("summary", value=", ".join(made) or "no shots")]


plugin.serve()
