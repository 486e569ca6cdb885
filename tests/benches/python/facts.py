"""Prints what the measurement of shots needs to know of the server: a sequence, and three task types of its project."""

import json

import ftrack_api

session = ftrack_api.Session(auto_connect_event_hub=False)
sequence = session.query("select id, project.project_schema from Sequence").first()
types = sequence["project"]["project_schema"].get_types("Task")[:3]
print(json.dumps({"sequence": sequence["id"], "types": [kind["name"] for kind in types]}))
