"""A location: a folder on the studio's disk. It lies in a folder of its own so that other applications load it alone."""

import os
import tempfile

import ftrack_api
import ftrack_api.accessor.disk
import ftrack_api.structure.standard

NAME = "studio.disk"


def configure(session, event):
    location = session.ensure("Location", {"name": NAME})
    location.accessor = ftrack_api.accessor.disk.DiskAccessor(
        prefix=os.environ.get("STUDIO_DISK", os.path.join(tempfile.gettempdir(), "studio_disk"))
    )
    location.structure = ftrack_api.structure.standard.StandardStructure()
    location.priority = 30


def register(session):
    if not isinstance(session, ftrack_api.Session):
        return
    session.event_hub.subscribe(
        "topic=ftrack.api.session.configure-location", lambda event: configure(session, event)
    )
    # Not for the other plugins that load this file for the location's sake.
    session.event_hub.subscribe(
        "topic=ftrack.connect.plugin.debug-information", lambda event: {"name": "studio-disk", "version": "1.1.0"}
    )
