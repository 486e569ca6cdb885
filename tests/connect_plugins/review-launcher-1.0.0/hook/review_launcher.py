"""Finds and launches an application by itself, on the classes that Connect has for it."""

import os

import ftrack_api

from ftrack_connect.application_launcher import (
    ApplicationLaunchAction,
    ApplicationLauncher,
    ApplicationStore,
    append_path,
)

APPLICATIONS = os.environ.get("STUDIO_APPLICATIONS", "/nowhere")


class Store(ApplicationStore):
    def _discover_applications(self):
        return self._search_filesystem(
            expression=[APPLICATIONS, r"maya\d+", "bin", "maya$"],
            label="Review",
            variant="{version}",
            applicationIdentifier="maya_{variant}",
            icon="maya",
            versionExpression=r"maya(?P<version>\d+)",
        )


class Launcher(ApplicationLauncher):
    def _get_application_environment(self, application, context=None):
        environment = super()._get_application_environment(application, context)
        return append_path(os.path.dirname(__file__), "STUDIO_HOOKS", environment)


class Launch(ApplicationLaunchAction):
    context = [None, "Task"]
    identifier = "studio.review"
    label = "Review"


def register(session, **kw):
    if not isinstance(session, ftrack_api.session.Session):
        return
    store = Store(session)
    Launch(session=session, application_store=store, launcher=Launcher(store), priority=0).register()
