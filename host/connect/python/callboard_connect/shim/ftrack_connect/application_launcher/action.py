"""Offers the applications of a store in the menu."""

import platform

import ftrack_api.event.base

from callboard_connect.missing import attribute
from ftrack_action_handler.action import BaseAction

__getattr__ = attribute(__name__)

DISCOVER_TOPIC = "ftrack.connect.application.discover"


class ApplicationLaunchAction(BaseAction):
    """An action with an entry for each application; `context` names the entity types it is offered on."""

    context = []

    def __init__(self, session, application_store, launcher, priority=100):
        super().__init__(session)
        self.application_store = application_store
        self.launcher = launcher
        self.priority = priority

    def register(self):
        """Subscribes for the person who is signed in here; a launch has to name this machine."""
        hub, person = self.session.event_hub, ' and source.user.username="{}"'.format(self.session.api_user)
        hub.subscribe("topic=ftrack.action.discover" + person, self._discover, priority=self.priority)
        launch = 'topic=ftrack.action.launch and data.actionIdentifier="{}" and data.host="{}"'
        hub.subscribe(launch.format(self.identifier, platform.node()) + person, self._launch, priority=self.priority)

    def _discover(self, event):
        entities, _ = self._translate_event(self.session, event)
        if not self.discover(self.session, entities, event):
            return None
        items = [self._item(application, event) for application in self.application_store.applications]
        items = [item for item in items if item is not None]
        return {"items": items} if items else None

    def discover(self, session, entities, event):
        """Tells whether what is selected is of a type in `context`; `None` there stands for nothing selected."""
        if not entities:
            return None in self.context
        if len(entities) > 1:
            return False
        found = session.get(*entities[0])
        return found is not None and found.entity_type in self.context

    def _item(self, application, event):
        integrations = self._integrations(application, event)
        if integrations is None:
            return None
        return {
            "label": application["label"],
            "variant": application.get("variant"),
            "description": application.get("description"),
            "icon": application.get("icon") or "default",
            "actionIdentifier": self.identifier,
            "applicationIdentifier": application["identifier"],
            "integrations": integrations,
            "host": platform.node(),
        }

    def _integrations(self, application, event):
        """Returns the groups of integrations that are there in full; None when there should be some and are not."""
        wanted = application.get("integrations") or {}
        if not wanted:
            return {}
        data = {"application": application, "context": event["data"], "platform": self.application_store.current_os}
        asked = ftrack_api.event.base.Event(topic=DISCOVER_TOPIC, data=data)
        answers = self.session.event_hub.publish(asked, synchronous=True) or []
        found = [answer["integration"] for answer in answers if isinstance(answer, dict) and answer.get("integration")]
        names = {integration.get("name") for integration in found if not integration.get("disable")}
        return {group: members for group, members in wanted.items() if set(members) <= names} or None

    def _launch(self, event):
        event.stop()
        return self.launcher.launch(event["data"]["applicationIdentifier"], dict(event["data"]))
