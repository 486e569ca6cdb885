"""ftrack's web page, played by the official client, with hooks of ftrack Connect's on the other side.

    connect_menu.py menu SHOT LABEL…          waits until the menu has all these labels; prints all that came
    connect_menu.py note SHOT TEXT            launches `Note on shots`, fills its form in; prints form, answer and notes
    connect_menu.py launch SHOT IDENTIFIER    launches one action; prints the answers
    connect_menu.py stranger SHOT USER KEY    opens the menu as somebody else; prints what came

FTRACK_SERVER, FTRACK_API_USER and FTRACK_API_KEY say where.
"""

import json
import sys
import time

import ftrack_api
from ftrack_api.event.base import Event

WAIT_SECS = 40


class Page:
    def __init__(self, user=None, key=None):
        self.session = ftrack_api.Session(
            api_user=user, api_key=key, auto_connect_event_hub=False, plugin_paths=[]
        )
        self.hub = self.session.event_hub
        self.hub.connect()

    def ask(self, topic, data, is_enough, secs=WAIT_SECS):
        """Publishes an event, and returns the data of its replies once they are enough."""
        replies = []
        self.hub.publish(
            Event(topic=topic, data=data), on_reply=lambda reply: replies.append(reply["data"])
        )
        deadline = time.monotonic() + secs
        while not is_enough(replies) and time.monotonic() < deadline:
            self.hub.wait(0.05)
        return replies


def selection(shot):
    return [{"entityId": shot, "entityType": "task"}]


def items(replies):
    return [item for reply in replies if reply for item in reply.get("items", [])]


def labels(replies):
    return {item.get("label") for item in items(replies)}


def menu(shot, *expected):
    page, wanted = Page(), set(expected)
    deadline = time.monotonic() + WAIT_SECS * 2
    while True:
        # A hook may be loading still: the page is opened again.
        replies = page.ask(
            "ftrack.action.discover", {"selection": selection(shot)}, lambda so_far: wanted <= labels(so_far), 5
        )
        if wanted <= labels(replies) or time.monotonic() > deadline:
            return sorted(label for label in labels(replies) if label)


def launch(shot, identifier, values=None, page=None):
    data = {"actionIdentifier": identifier, "selection": selection(shot)}
    if values is not None:
        data["values"] = values
    return (page or Page()).ask("ftrack.action.launch", data, bool)


def note(shot, text):
    page = Page()
    form = launch(shot, "studio.note-shots", page=page)[0]
    answers = launch(shot, "studio.note-shots", {"text": text, "todo": False}, page=page)
    notes = page.session.query('select content from Note where parent_id is "{}"'.format(shot)).all()
    return {"form": form, "answers": answers, "notes": [one["content"] for one in notes]}


def stranger(shot, user, key):
    replies = Page(user, key).ask(
        "ftrack.action.discover", {"selection": selection(shot)}, lambda so_far: False, 3
    )
    return sorted(label for label in labels(replies) if label)


if __name__ == "__main__":
    stories = {"menu": menu, "launch": launch, "note": note, "stranger": stranger}
    print(json.dumps(stories[sys.argv[1]](*sys.argv[2:])))
