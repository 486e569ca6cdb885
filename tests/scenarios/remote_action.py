"""Offers an action with a form on the event hub, as a studio's server does with the official client; says what it was launched with."""

import json
import sys

import ftrack_api

session = ftrack_api.Session(auto_connect_event_hub=True)
ACTION = "studio.rename"


def discover(event):
    return {"items": [{"label": "Rename quickly", "variant": "on the farm", "actionIdentifier": ACTION, "host": "farm-7"}]}


def launch(event):
    values = event["data"].get("values")
    if values is None:
        print("asked", flush=True)
        return {
            "title": "Rename",
            "items": [
                {"type": "text", "label": "New name", "name": "new_name", "value": "sh"},
                {"type": "hidden", "name": "kept", "value": {"deep": [1, 2]}},
            ],
        }
    print(json.dumps({"values": values, "selection": event["data"]["selection"]}), flush=True)
    return {"success": True, "message": "Renamed to {}".format(values["new_name"])}


user = session.api_user
session.event_hub.subscribe("topic=ftrack.action.discover and source.user.username={}".format(user), discover)
session.event_hub.subscribe("topic=ftrack.action.launch and data.actionIdentifier={}".format(ACTION), launch)
print("ready", flush=True)
session.event_hub.wait(duration=float(sys.argv[1]))
