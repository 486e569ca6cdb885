"""Changes how an application starts: adds to the environment of Maya 2021 and later."""

import os

import ftrack_api

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "resource", "scripts")


def integration():
    return {"name": "studio-maya", "version": "1.2.0"}


def discover(event):
    return {"integration": integration()}


def launch(event):
    """Answers with what it adds, and changes the options it was handed as well."""
    event["data"]["options"]["env"]["STUDIO_SHOW"] = "demo"
    event["data"]["command"].append("-studio")
    wanted = dict(integration(), env={"MAYA_SCRIPT_PATH.prepend": os.path.normpath(SCRIPTS)}, launch_arguments=["-quiet"])
    return {"integration": wanted}


def register(session, **kw):
    if not isinstance(session, ftrack_api.session.Session):
        return
    which = "and data.application.identifier=maya* and data.application.version >= 2021"
    session.event_hub.subscribe("topic=ftrack.connect.application.discover " + which, discover, priority=20)
    session.event_hub.subscribe("topic=ftrack.connect.application.launch " + which, launch, priority=20)
