"""Answers what Connect asks of its plugins: what they are, and whether all is well at start."""

import functools

import ftrack_api


def debug_information(session, event):
    return {"name": "about-us", "version": "2.0.0", "debug_information": {"user": session.api_user}}


def verify(event):
    return "The studio's disk is not mounted." if event["data"].get("storage_scenario") is None else None


def make_web_playable(session, event):
    version = session.get("AssetVersion", event["data"]["versionId"])
    version["comment"] = "encoded from {}".format(event["data"]["path"])
    session.commit()


def overview(session, event):
    """Asks every plugin, as Connect's own dialog does."""
    asked = ftrack_api.event.base.Event(topic="ftrack.connect.plugin.debug-information")
    answers = session.event_hub.publish(asked, synchronous=True)
    names = [answer["name"] for answer in answers if isinstance(answer, dict)]
    return {"success": True, "message": ", ".join(names)}


def register(session, **kw):
    if not isinstance(session, ftrack_api.session.Session):
        return
    subscribe, person = session.event_hub.subscribe, ' and source.user.username="{}"'.format(session.api_user)
    for topic, callback in (
        ("ftrack.connect.plugin.debug-information", functools.partial(debug_information, session)),
        ("ftrack.connect.verify-startup", verify),
        ("ftrack.connect.publish.make-web-playable", functools.partial(make_web_playable, session)),
    ):
        subscribe("topic={}".format(topic), callback, priority=10)
    subscribe(
        "topic=ftrack.action.launch and data.actionIdentifier=studio.overview" + person,
        functools.partial(overview, session),
    )
    subscribe(
        "topic=ftrack.action.discover" + person,
        lambda event: {"items": [{"label": "Overview", "actionIdentifier": "studio.overview"}]},
    )
