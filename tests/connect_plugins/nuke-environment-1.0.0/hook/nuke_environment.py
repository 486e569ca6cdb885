"""Nuke 13 and later, whose major version has as many digits as one likes."""

import ftrack_api


def launch(event):
    major = event["data"]["application"]["version"].version[0]
    return {"integration": {"name": "studio-nuke", "version": "1.0.0", "env": {"STUDIO_NUKE.set": str(major)}}}


def register(session, **kw):
    if isinstance(session, ftrack_api.session.Session):
        session.event_hub.subscribe(
            "topic=ftrack.connect.application.launch"
            " and data.application.identifier=nuke* and data.application.version >= 13.0",
            launch,
            priority=40,
        )
