"""An event listener: when the status of a task or shot changes, it says so in a note there."""

import ftrack_api


def changed(session, event):
    for change in event["data"].get("entities", []):
        status = (change.get("changes") or {}).get("statusid")
        if change.get("entityType") != "task" or not status or not status.get("new"):
            continue
        new = session.get("Status", status["new"])
        entity = session.get("TypedContext", change["entityId"])
        author = session.query('User where username is "{}"'.format(session.api_user)).one()
        entity.create_note("Now {}".format(new["name"]), author=author)
        session.commit()


def register(session):
    if isinstance(session, ftrack_api.Session):
        session.event_hub.subscribe("topic=ftrack.update", lambda event: changed(session, event))
