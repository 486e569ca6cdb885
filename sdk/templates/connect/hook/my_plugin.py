"""Counts the tasks of a shot: a place to begin."""
import functools
import logging

import ftrack_api

IDENTIFIER = "my_plugin.count_tasks"

logger = logging.getLogger("my_plugin")


def discover(session, event):
    """Offers the action on exactly one typed context, such as a shot."""
    selection = event["data"].get("selection") or []
    if len(selection) != 1 or selection[0].get("entityType") != "task":
        return None
    return {
        "items": [
            {
                "label": "My plugin",
                "variant": "Count tasks",
                "actionIdentifier": IDENTIFIER,
            }
        ]
    }


def launch(session, event):
    """Says how many tasks the selected context has."""
    [selected] = event["data"]["selection"]
    query = 'select name from Task where parent_id is "{}"'.format(selected["entityId"])
    count = len(session.query(query).all())
    return {"success": True, "message": "1 task" if count == 1 else "{} tasks".format(count)}


def register(session, **kw):
    """Is called once, when the hook is loaded."""
    if not isinstance(session, ftrack_api.Session):
        # Connect's old API calls the same function with something else.
        return
    user = session.api_user
    session.event_hub.subscribe(
        "topic=ftrack.action.discover and source.user.username={}".format(user),
        functools.partial(discover, session),
    )
    session.event_hub.subscribe(
        "topic=ftrack.action.launch and data.actionIdentifier={}"
        " and source.user.username={}".format(IDENTIFIER, user),
        functools.partial(launch, session),
    )
    logger.debug("registered")
