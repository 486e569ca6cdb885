"""Starts an application, with what integrations add to its command and its environment."""

import base64
import json
import logging
import os
import subprocess

import ftrack_api.event.base

from callboard_connect.missing import attribute
from ftrack_connect.application_launcher.environment import change

__getattr__ = attribute(__name__)

LAUNCH_TOPIC = "ftrack.connect.application.launch"
# These mean this process, and no application that it starts.
WITHHELD = (
    "PYTHONHOME",
    "PYTHONPATH",
    "FTRACK_EVENT_PLUGIN_PATH",
    "CALLBOARD_CONNECT_TURNS",
    "CALLBOARD_PLUGIN_DIR",
)


class ApplicationLauncher:
    """Launches the applications of a store. Subclasses change the command and the environment."""

    def __init__(self, application_store):
        self.logger = logging.getLogger("{}.{}".format(__name__, type(self).__name__))
        self.application_store = application_store

    @property
    def session(self):
        """The plugin's session."""
        return self.application_store.session

    def launch(self, application_identifier, context=None):
        """Starts an application; returns `success` and `message`."""
        context = context or {}
        application = self.application_store.get_application(application_identifier)
        if application is None:
            return {"success": False, "message": "{} is not installed here.".format(application_identifier)}
        try:
            command, options = self._prepared(application, context)
            subprocess.Popen(command, **options)
        except (OSError, TypeError, ValueError) as error:
            self.logger.exception("could not launch `%s`", application_identifier)
            return {"success": False, "message": "Could not launch {}: {}".format(application["label"], error)}
        return {"success": True, "message": "{} is starting.".format(application["label"])}

    def _prepared(self, application, context):
        command = self._get_application_launch_command(application, context)
        environment = self._get_application_environment(application, context)
        options = {
            "env": environment,
            "cwd": os.path.dirname(application["path"]),
            "close_fds": True,
            "start_new_session": os.name == "posix",
        }
        data = {
            "command": command,
            "options": options,
            "application": application,
            "context": context,
            "integration": {"name": None, "version": None, "env": {}, "launch_arguments": []},
            "platform": self.application_store.current_os,
        }
        event = ftrack_api.event.base.Event(topic=LAUNCH_TOPIC, data=data)
        answers = self.session.event_hub.publish(event, synchronous=True) or []
        # Handlers change the command and the options in place, or answer with what they add.
        command, options = data["command"], data["options"]
        for answer in answers:
            integration = answer.get("integration") if isinstance(answer, dict) else None
            if integration:
                change(options["env"], integration.get("env") or {})
                command.extend(integration.get("launch_arguments") or [])
        options["env"] = {str(key): str(value) for key, value in options["env"].items()}
        return [str(word) for word in command], options

    def _get_application_launch_command(self, application, context=None):
        words = ["open", application["path"]] if self.application_store.current_os == "darwin" else [application["path"]]
        words.extend(application.get("launchArguments") or [])
        words.extend((context or {}).get("launchArguments") or [])
        return words

    def _get_application_environment(self, application, context=None):
        environment = {key: value for key, value in os.environ.items() if key not in WITHHELD}
        change(environment, application.get("environment_variables") or {})
        asked = json.dumps(context or {}, default=str).encode("utf-8")
        environment["FTRACK_CONNECT_EVENT"] = base64.b64encode(asked).decode("ascii")
        return environment
