"""Keeps notes of a person's own, from the command line."""
import callboard

plugin = callboard.Plugin()


@plugin.action("add")
def add(launch, host):
    text = launch.values.get("text")
    if not text:
        return callboard.asks({"title": "Add a note", "items": [
            {"type": "text", "name": "text", "label": "What to remember", "required": True}]})
    notes = host.load("notes") or []
    notes.append({
        "text": text,
        "priority": launch.values.get("priority", 1),
        "about": launch.values.get("about"),
    })
    host.store("notes", notes)
    return callboard.done("That makes {}".format(len(notes)), {"notes": notes})


@plugin.action("list")
def list_notes(launch, host):
    if launch.state != "asked":
        return callboard.asks({"title": "List my notes", "items": [
            {"type": "text", "name": "containing", "label": "Containing", "required": True},
            {"type": "boolean", "name": "loud", "label": "In capitals", "value": False}]}, "asked")
    notes = [note["text"] for note in host.load("notes") or []]
    found = [note for note in notes if launch.values["containing"] in note]
    if launch.values["loud"]:
        found = [note.upper() for note in found]
    return callboard.done("\n".join(found) or "No note contains that", found)


plugin.serve()
