"""The Actions menu of ftrack's web page, played by the official client.

    web_menu.py create_shots SEQUENCE USER KEY   one action's story: menu, form, submitted form; USER is somebody else
    web_menu.py discover SEQUENCE   the menu alone
    web_menu.py labels SHOT LABEL...   waits until the menu on a shot has entries with all these labels
    web_menu.py plan_shots   a form of several steps: filled in wrongly, filled in right, gone back from, and sent
    web_menu.py wait_for_end ACTION FILE   an action that takes longer than the page waits; ends once FILE exists

Prints one JSON object with what was seen. FTRACK_SERVER, FTRACK_API_USER and FTRACK_API_KEY say where.
"""

import json
import pathlib
import sys
import time

import ftrack_api
from ftrack_api.event.base import Event

WAIT_SECS = 20


class Page:
    """One web page of a person, the signed-in one unless another is named."""

    def __init__(self, user=None, key=None):
        self.session = ftrack_api.Session(
            api_user=user, api_key=key, auto_connect_event_hub=False, plugin_paths=[]
        )
        self.hub = self.session.event_hub
        self.hub.connect()
        self.heard = []

    def listen(self, expression, metadata=None):
        self.hub.subscribe(expression, self.heard.append, metadata)

    def ask(self, topic, data, secs=WAIT_SECS):
        """Publishes an event and returns the data of all replies, a moment after the first."""
        replies = []
        self.hub.publish(Event(topic=topic, data=data), on_reply=replies.append)
        deadline = time.monotonic() + secs
        while not replies and time.monotonic() < deadline:
            self.hub.wait(0.02)
        self.hub.wait(0.2)
        return [reply["data"] for reply in replies]

    def hear(self, topic):
        """Waits for an event of `topic` and returns it."""
        deadline = time.monotonic() + WAIT_SECS
        while time.monotonic() < deadline:
            for event in self.heard:
                if event["topic"] == topic:
                    return event
            self.hub.wait(0.05)
        return None


def only(replies):
    assert len(replies) == 1, f"one reply was to come, not {replies}"
    return replies[0]


def create_shots(sequence, other_user, other_key):
    page = Page()
    page.listen("topic=ftrack.update")
    selection = [{"entityId": sequence, "entityType": "task"}]
    menu = only(page.ask("ftrack.action.discover", {"selection": selection}))
    item = next(item for item in menu["items"] if item["label"] == "Create shots")
    chosen = dict(item, selection=selection)

    form = only(page.ask("ftrack.action.launch", chosen))
    # What the page sends: every field, touched or not, and hidden ones; no labels.
    values = {field["name"]: field["value"] for field in form["items"] if field["type"] != "label"}
    values.update(shots="web010\nweb020", task_types=["Compositing"])
    submitted = dict(chosen, values=values)
    result = only(page.ask("ftrack.action.launch", submitted))
    twice = only(page.ask("ftrack.action.launch", submitted))

    shots = page.session.query(f'select name, children.name from Shot where parent.id is "{sequence}"')
    made = {shot["name"]: [task["name"] for task in shot["children"]] for shot in shots}
    update = page.hear("ftrack.update")
    other_host = page.ask("ftrack.action.launch", dict(chosen, callboardHost="another"), secs=1)
    stranger = page.ask("ftrack.action.launch", {"actionIdentifier": "com.studio.other", "selection": []}, secs=1)
    elsewhere = Page(other_user, other_key)
    someone = elsewhere.ask("ftrack.action.discover", {"selection": selection}, secs=1)
    return {
        "item": item,
        "form": form,
        "result": result,
        "twice": twice,
        "made": {name: tasks for name, tasks in made.items() if name.startswith("web")},
        "updated": [entity["entity_type"] for entity in update["data"]["entities"]],
        "nobody_answers": [other_host, stranger, someone],
    }


def discover(sequence):
    selection = [{"entityId": sequence, "entityType": "task"}]
    menu = only(Page().ask("ftrack.action.discover", {"selection": selection}))
    return {"labels": [item["label"] for item in menu["items"]]}


def labels(shot, *wanted):
    """A child that is still starting offers its actions a little later."""
    page = Page()
    selection = [{"entityId": shot, "entityType": "task"}]
    deadline = time.monotonic() + 3 * WAIT_SECS
    while True:
        menus = page.ask("ftrack.action.discover", {"selection": selection}, secs=2)
        seen = sorted({item["label"] for menu in menus for item in menu["items"]})
        if set(wanted) <= set(seen) or time.monotonic() > deadline:
            return {"labels": seen}


def plan_shots():
    page = Page()
    action = {"actionIdentifier": "shot_wizard.plan", "selection": []}

    def send(form, **values):
        # Every field as it is shown, touched or not, and hidden ones; no labels.
        shown = {field["name"]: field["value"] for field in form["items"] if field["type"] != "label"}
        return only(page.ask("ftrack.action.launch", dict(action, values=dict(shown, **values))))

    first = only(page.ask("ftrack.action.launch", action))
    refused = send(first, rate="24", count="101", prefix="far too long")
    second = send(refused, count="3", prefix="pg")
    again = send(second, callboard_back=True, pg010="7")
    stale = send(second)
    second = send(again, count=2)
    third = send(second, pg010="150")
    done = send(third)
    return {"first": first, "refused": refused, "again": again, "stale": stale,
            "second": second, "third": third, "done": done}


def wait_for_end(action, file):
    page = Page()
    user = page.session.query(f'User where username is "{page.session.api_user}"').one()
    web = {"applicationId": "ftrack.client.web", "user": {"id": user["id"], "username": user["username"]}}
    page.listen("topic=ftrack.action.trigger-user-interface", web)
    launched = only(page.ask("ftrack.action.launch", {"actionIdentifier": action, "selection": []}))
    pathlib.Path(file).touch()
    shown = page.hear("ftrack.action.trigger-user-interface")
    return {"launched": launched, "shown": shown["data"], "target": shown["target"]}


if __name__ == "__main__":
    stories = {"create_shots": create_shots, "discover": discover, "labels": labels,
               "plan_shots": plan_shots, "wait_for_end": wait_for_end}
    print(json.dumps(stories[sys.argv[1]](*sys.argv[2:])))
