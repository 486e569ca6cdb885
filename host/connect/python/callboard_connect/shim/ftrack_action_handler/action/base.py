"""An action: one menu entry, and what it does."""

import logging

from callboard_connect.missing import attribute
from callboard_connect.selection import entity_type

__getattr__ = attribute(__name__)


class BaseAction:
    """Subclass it, name `label` and `identifier`, and write `discover`, `launch` and perhaps `interface`."""

    label = None
    variant = None
    identifier = None
    description = None
    icon = None

    def __init__(self, session):
        for key in ("label", "identifier"):
            if getattr(self, key) is None:
                raise ValueError("the action `{}` has no `{}`".format(type(self).__name__, key))
        self.logger = logging.getLogger("{}.{}".format(__name__, type(self).__name__))
        self._session = session

    @property
    def session(self):
        """The plugin's session."""
        return self._session

    def register(self):
        """Subscribes to being asked for and being launched."""
        hub = self.session.event_hub
        hub.subscribe("topic=ftrack.action.discover", self._discover)
        launch = 'topic=ftrack.action.launch and data.actionIdentifier="{}"'.format(self.identifier)
        hub.subscribe(launch, self._launch)

    def discover(self, session, entities, event):
        """Tells whether the action applies to the entities: pairs of an entity type and an id."""
        return False

    def interface(self, session, entities, event):
        """Returns the items of a form to ask first, or None."""
        return None

    def launch(self, session, entities, event):
        """Does it; returns whether it succeeded, or a dictionary with `success` and `message`."""
        raise NotImplementedError()

    def _discover(self, event):
        if not self.discover(self.session, *self._translate_event(self.session, event)):
            return None
        item = {key: getattr(self, key) for key in ("label", "variant", "description", "icon")}
        return {"items": [dict(item, actionIdentifier=self.identifier)]}

    def _launch(self, event):
        arguments = self._translate_event(self.session, event)
        form = self._interface(self.session, *arguments)
        if form:
            return form
        return self._handle_result(self.session, self.launch(self.session, *arguments), *arguments)

    def _interface(self, *arguments):
        items = self.interface(*arguments)
        return {"items": items} if items else None

    def _translate_event(self, session, event):
        selection = event["data"].get("selection") or []
        return [[(self._get_entity_type(item), item.get("entityId")) for item in selection], event]

    def _get_entity_type(self, entity):
        return entity_type(self.session, entity)

    def _handle_result(self, session, result, entities, event):
        if isinstance(result, bool):
            said = "launched successfully" if result else "failed"
            return {"success": result, "message": "{} {}.".format(self.label, said)}
        if isinstance(result, dict):
            lacking = [key for key in ("success", "message") if key not in result and "items" not in result]
            if lacking:
                raise KeyError("the result of `{}` has no `{}`".format(self.identifier, lacking[0]))
        else:
            self.logger.error("the result of `%s` is neither a truth nor a dictionary", self.identifier)
        return result
