"""Hears events on the hub through the official client.

    event_listener.py EXPRESSION FILE   adds a line of JSON to FILE for each event, until FILE.end exists

The first line says that it listens. FTRACK_SERVER, FTRACK_API_USER and FTRACK_API_KEY say where.
"""

import json
import os
import sys

import ftrack_api
from ftrack_api.event.base import Event


def main(expression, path):
    session = ftrack_api.Session(auto_connect_event_hub=False, plugin_paths=[])
    hub = session.event_hub
    hub.connect()
    with open(path, "w", encoding="utf-8", buffering=1) as heard:

        def write(event):
            told = {key: event[key] for key in ("id", "topic", "data", "source")}
            heard.write(json.dumps(told) + "\n")

        hub.subscribe(expression, write)
        # What was said after the subscription comes back once the server knows of it.
        back = []
        hub.subscribe("topic=studio.echo", back.append)
        hub.publish(Event(topic="studio.echo"))
        while not back:
            hub.wait(0.05)
        heard.write(json.dumps({"listening": True}) + "\n")
        while not os.path.exists(path + ".end"):
            hub.wait(0.05)


main(*sys.argv[1:])
