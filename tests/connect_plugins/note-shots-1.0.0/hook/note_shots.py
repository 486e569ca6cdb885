"""An action with a form: writes the same note on every selected shot.

It forgets to ask for events of one person only, as many published hooks do.
"""

import logging
import os

import ftrack_api

from ftrack_utils.version import get_connect_plugin_version

IDENTIFIER = "studio.note-shots"
VERSION = get_connect_plugin_version(os.path.join(os.path.dirname(__file__), ".."))

logger = logging.getLogger("studio.note_shots")


class NoteShots:
    def __init__(self, session):
        self.session = session

    def discover(self, event):
        selection = event["data"].get("selection", [])
        if not selection or any(item["entityType"] not in ("task", "shot") for item in selection):
            return None
        return {
            "items": [
                {
                    "label": "Note on shots",
                    "variant": VERSION,
                    "description": "Writes one note on all of them",
                    "actionIdentifier": IDENTIFIER,
                }
            ]
        }

    def launch(self, event):
        selection, values = event["data"]["selection"], event["data"].get("values")
        if not values:
            return {
                "title": "Note on {} shots".format(len(selection)),
                "items": [
                    {"type": "textarea", "name": "text", "label": "Note", "value": ""},
                    {"type": "boolean", "name": "todo", "label": "To do", "value": False},
                ],
            }
        if not values.get("text"):
            return {"success": False, "message": "The note is empty."}
        author = self.session.query('User where username is "{}"'.format(self.session.api_user)).one()
        for item in selection:
            entity = self.session.get("TypedContext", item["entityId"])
            entity.create_note(values["text"], author=author)
        self.session.commit()
        print("wrote a note on", len(selection), "shots")
        return {"success": True, "message": "{} notes written".format(len(selection))}


def register(session, **kw):
    if not isinstance(session, ftrack_api.session.Session):
        return
    action = NoteShots(session)
    session.event_hub.subscribe("topic=ftrack.action.discover", action.discover)
    session.event_hub.subscribe(
        "topic=ftrack.action.launch and data.actionIdentifier={}".format(IDENTIFIER), action.launch
    )
    logger.info("registered %s", VERSION)
