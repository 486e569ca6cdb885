"""Actions of AYON's kind: they are given entities, and may be held to roles and to one machine."""

from ftrack_common.event_handlers.base import BaseHandler

EMPTY = "{} did not say how it ended."


class BaseAction(BaseHandler):
    """An action for everybody. Name `label` and `identifier`, write `discover`, `launch`, perhaps `interface`."""

    label = None
    variant = None
    identifier = None
    description = None
    icon = None
    role_list = ()
    preactions = ()
    handler_type = "Action"
    settings_frack_subkey = "user_handlers"
    settings_enabled_key = "enabled"
    __ignore_handler_class = True

    def __init__(self, session):
        for key in ("label", "identifier"):
            if not getattr(self, key):
                raise ValueError("the action `{}` has no `{}`".format(type(self).__name__, key))
        super().__init__(session)

    @property
    def full_label(self):
        """The label with the variant."""
        return "{} {}".format(self.label, self.variant) if self.variant else self.label

    handler_label = full_label

    @property
    def discover_identifier(self):
        """What the menu entry is called in events."""
        return self.identifier

    @property
    def launch_identifier(self):
        """What a launch is recognised by."""
        return self.identifier

    def register(self):
        """Subscribes to being asked for and being launched."""
        hub = self.session.event_hub
        hub.subscribe("topic=ftrack.action.discover" + self._who(), self._discover, priority=self.priority)
        launch = 'topic=ftrack.action.launch and data.actionIdentifier="{}"'.format(self.launch_identifier)
        hub.subscribe(launch + self._who(), self._launch, priority=self.priority)

    def _who(self):
        return ""

    def discover(self, session, entities, event):
        """Tells whether the action applies to the entities."""
        return False

    def interface(self, session, entities, event):
        """Returns the items of a form to ask first, a dictionary with them, or None."""
        return None

    def launch(self, session, entities, event):
        """Does it; returns whether it succeeded, a dictionary with a message, or one with further items."""
        raise NotImplementedError()

    def _translate_event(self, event, session=None):
        return self.get_entities(event, session)

    def _discover(self, event):
        entities = self._translate_event(event)
        if not entities or not self._may(event) or not self.discover(self.session, entities, event):
            return None
        item = {key: getattr(self, key) for key in ("label", "variant", "description", "icon")}
        return {"items": [dict(item, actionIdentifier=self.discover_identifier)]}

    def _launch(self, event):
        try:
            return self._launched(event)
        except BaseException as error:
            # An action that asks the interpreter to exit has failed as well, and the plugin's others go on.
            self.session.rollback()
            self.log.exception("`%s` failed", self.full_label)
            return {"success": False, "message": "{} failed: {}".format(self.full_label, error)}

    def _launched(self, event):
        entities = self._translate_event(event)
        if not entities:
            return {"success": False, "message": "{} needs a selection.".format(self.full_label)}
        # A launch comes by event as well as by menu, and who may not see the entry may not launch it.
        if not self._may(event):
            return {"success": False, "message": "{} is not for your roles.".format(self.full_label)}
        form = self._interface(self.session, entities, event)
        return form or self._handle_result(self.launch(self.session, entities, event))

    def _interface(self, session, entities, event):
        form = self.interface(session, entities, event)
        if not form:
            return None
        if isinstance(form, (list, tuple)):
            return {"items": list(form)}
        if isinstance(form, dict) and ("items" in form or {"success", "message"} <= set(form)):
            return form
        raise ValueError("the interface of `{}` is neither items nor a message".format(self.identifier))

    def _handle_result(self, result):
        if isinstance(result, dict) and "items" in result:
            if not isinstance(result["items"], list):
                raise TypeError("the `items` of `{}` are no list".format(self.identifier))
            return result
        if isinstance(result, dict) and "message" in result:
            return dict({"success": True}, **result)
        if isinstance(result, dict):
            result = result.get("success")
        if isinstance(result, bool):
            said = "finished" if result else "failed"
            return {"success": result, "message": "{} {}.".format(self.full_label, said)}
        if not result:
            return {"success": False, "message": EMPTY.format(self.full_label)}
        return result

    def _may(self, event):
        return self.roles_check(self.role_list, self.get_user_roles_from_event(self.session, event, lower=True))

    @staticmethod
    def roles_check(settings_roles, user_roles, default=True):
        """Tells whether one of the person's roles is among those named; case does not matter."""
        if not settings_roles:
            return default
        return bool({role.lower() for role in settings_roles} & {role.lower() for role in user_roles})

    @classmethod
    def get_user_entity_from_event(cls, session, event):
        """Returns the person who asks."""
        user = event["source"].get("user") or {}
        if user.get("id"):
            return session.get("User", user["id"])
        return session.query('User where username is "{}"'.format(user.get("username"))).first()

    @classmethod
    def get_user_roles_from_event(cls, session, event, lower=False):
        """Returns the names of that person's roles."""
        if not event["source"].get("user"):
            return []
        user = cls.get_user_entity_from_event(session, event)
        roles = [role["security_role"]["name"] for role in user["user_security_roles"]] if user else []
        return [role.lower() for role in roles] if lower else roles


class LocalAction(BaseAction):
    """An action on this machine: for the person who is signed in here, and for this process alone."""

    __ignore_handler_class = True

    @property
    def discover_identifier(self):
        """The identifier with this process's, so that a launch finds the machine it was offered by."""
        return "{}.{}".format(self.identifier, self.process_identifier())

    @property
    def launch_identifier(self):
        """Any process of this action's."""
        return "{}.*".format(self.identifier)

    def _who(self):
        return ' and source.user.username="{}"'.format(self.session.api_user)

    def _launch(self, event):
        if event["data"].get("actionIdentifier") != self.discover_identifier:
            return None
        return super()._launch(event)


class ServerAction(BaseAction):
    """An action with settings of a studio's. AYON's server is not asked here, so the class's own values hold."""

    settings_frack_subkey = "service_event_handlers"
    __ignore_handler_class = True
