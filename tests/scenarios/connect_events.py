"""ftrack's web page again, doing several things one after the other.

    connect_events.py STEPS

STEPS is a list in JSON; what came of each step is printed as another. A step is one of

    {"menu": [LABEL…], "shot": ID, "hosts": N}   waits until the menu has these labels, of N hosts; the entries
    {"launch": LABEL, "with": {…}}         launches an entry of the last menu, with this data beside; the answers
    {"ask": TOPIC, "with": {…}, "answers": N}   publishes an event; the answers, once there are N
    {"hear": TOPIC, "shot": ID}            changes a shot until an event of this topic comes; its data
"""

import json
import sys
import time

from connect_menu import WAIT_SECS, Page, items, selection


class Story:
    def __init__(self):
        self.page = Page()
        self.entries, self.selected = [], []

    def menu(self, step):
        wanted = set(step["menu"])
        self.selected = selection(step["shot"]) if step.get("shot") else []
        deadline = time.monotonic() + WAIT_SECS * 2

        def is_enough(replies):
            found = [item for item in items(replies) if item.get("label") in wanted]
            hosts = {item.get("callboardHookHost") for item in found}
            return wanted <= {item["label"] for item in found} and len(hosts) >= step.get("hosts", 0)

        while True:
            # A hook may be loading still: the page is opened again.
            data = {"selection": self.selected}
            replies = self.page.ask("ftrack.action.discover", data, is_enough, 5)
            self.entries = items(replies)
            if is_enough(replies) or time.monotonic() > deadline:
                return self.entries

    def launch(self, step):
        entry = next(item for item in self.entries if item.get("label") == step["launch"])
        data = dict(entry, selection=self.selected, **step.get("with", {}))
        return self.page.ask("ftrack.action.launch", data, bool)

    def ask(self, step):
        wanted = step.get("answers", 1)
        return self.page.ask(step["ask"], step.get("with", {}), lambda replies: len(replies) >= wanted)

    def hear(self, step):
        heard = []
        self.page.hub.subscribe("topic={}".format(step["hear"]), lambda event: heard.append(event["data"]))
        shot = self.page.session.get("Shot", step["shot"])
        deadline = time.monotonic() + WAIT_SECS
        while not heard and time.monotonic() < deadline:
            shot["description"] = "changed at {}".format(time.monotonic())
            self.page.session.commit()
            self.page.hub.wait(0.2)
        return heard[0] if heard else None


if __name__ == "__main__":
    story = Story()
    kinds = ("menu", "launch", "ask", "hear")
    steps = json.loads(sys.argv[1])
    print(json.dumps([getattr(story, next(kind for kind in kinds if kind in step))(step) for step in steps]))
