"""Sends a file as a component with the official client, and prints how long it took."""

import json
import sys
import time

import ftrack_api


def main(path):
    """Sends the file at `path` to the server's own location."""
    session = ftrack_api.Session(auto_connect_event_hub=False)
    server = session.query('Location where name is "ftrack.server"').one()
    began = time.perf_counter()
    component = session.create_component(path, data={"name": "main"}, location=server)
    print(json.dumps({"secs": time.perf_counter() - began, "component": component["id"]}))


main(sys.argv[1])
