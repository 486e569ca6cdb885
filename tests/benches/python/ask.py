"""Asks a server's event hub for the actions on a sequence, many times, and prints how long each reply took.

It speaks the hub's own language over a bare WebSocket, so that what is measured is whoever answers.
"""

import json
import os
import sys
import time
import uuid

import ftrack_api
import requests
import websocket

SERVER = os.environ["FTRACK_SERVER"].rstrip("/")
USER = os.environ["FTRACK_API_USER"]
KEY = os.environ["FTRACK_API_KEY"]


class Hub:
    """A connection to the event hub."""

    def __init__(self):
        self.id = uuid.uuid4().hex
        headers = {"ftrack-user": USER, "ftrack-api-key": KEY}
        session = requests.get(SERVER + "/socket.io/1/", headers=headers, timeout=30).text.split(":")[0]
        address = SERVER.replace("http", "ws", 1) + "/socket.io/1/websocket/" + session
        self.socket = websocket.create_connection(address, timeout=30)
        self.receive()
        self.publish(
            "ftrack.meta.subscribe",
            {"subscriber": {"id": self.id}, "subscription": "topic=ftrack.meta.reply"},
        )

    def publish(self, topic, data):
        """Sends an event and returns its id."""
        event = {
            "topic": topic,
            "data": data,
            "id": uuid.uuid4().hex,
            "target": "",
            "inReplyToEvent": None,
            "source": {"id": self.id, "user": {"username": USER}},
        }
        self.socket.send("5:::" + json.dumps({"name": "ftrack.event", "args": [event]}))
        return event["id"]

    def receive(self):
        """Returns the next event; answers heartbeats on the way."""
        code, _, _, data = (self.socket.recv().split(":", 3) + [""] * 3)[:4]
        if code == "2":
            self.socket.send("2::")
        return json.loads(data)["args"][0] if code == "5" else None

    def ask(self, data):
        """Asks for actions and returns the reply's items."""
        asked = self.publish("ftrack.action.discover", data)
        while True:
            event = self.receive()
            if event and event.get("inReplyToEvent") == asked:
                return event["data"]["items"]


def main(count):
    """Asks `count` times, and a tenth as often beforehand."""
    session = ftrack_api.Session(SERVER, KEY, USER, auto_connect_event_hub=False)
    sequence = session.query("select id from Sequence").first()
    data = {"selection": [{"entityId": sequence["id"], "entityType": "task"}]}
    hub = Hub()
    taken = []
    for number in range(count + count // 10):
        began = time.perf_counter()
        items = hub.ask(data)
        if number >= count // 10:
            taken.append((time.perf_counter() - began) * 1e6)
        assert items, "a reply without an item"
    print(json.dumps({"taken_us": taken}))


main(int(sys.argv[1]))
