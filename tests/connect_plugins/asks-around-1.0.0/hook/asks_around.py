"""Publishes an event synchronously, as Connect's publisher and launcher do, and says what came of it."""

import json

import ftrack_api


def ask_around(session, event):
    asked = ftrack_api.event.base.Event(topic=event["data"]["ask"], data=event["data"].get("with") or {})
    held = asked["data"]
    answers = session.event_hub.publish(asked, synchronous=True)
    said = {"answers": answers, "data": held, "stopped": asked.is_stopped()}
    return {"success": True, "message": json.dumps(said)}


def link(session, event):
    return {"success": True, "message": "see {}/#task".format(session.server_url)}


def register(session, **kw):
    if not isinstance(session, ftrack_api.session.Session):
        return
    person = ' and source.user.username="{}"'.format(session.api_user)
    launch = "topic=ftrack.action.launch and data.actionIdentifier={}" + person
    subscribe = session.event_hub.subscribe
    subscribe(launch.format("studio.ask-around"), lambda event: ask_around(session, event))
    subscribe(launch.format("studio.link"), lambda event: link(session, event))
    items = [
        {"label": "Ask around", "actionIdentifier": "studio.ask-around", "ask": "studio.naming"},
        {"label": "Link", "actionIdentifier": "studio.link", "icon": session.server_url + "/icon.png"},
    ]
    subscribe("topic=ftrack.action.discover" + person, lambda event: {"items": items})
    # Connect answers this one itself; a hook may do so as well.
    subscribe("topic=ftrack.connect.discover" + person, lambda event: {"name": "asks-around"})
