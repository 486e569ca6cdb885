"""Handlers written for AYON's processor and tray."""

from ftrack_common import BaseAction, BaseEventHandler, LocalAction, ServerAction

from studio_rules import NOBODY, ROLES


class StudioAction(BaseAction):
    """A base of the studio's own, which is no action itself."""

    __ignore_handler_class = True
    label = "Studio"

    def discover(self, session, entities, event):
        return all(entity.entity_type != "Project" for entity in entities)


class CountTasks(StudioAction):
    identifier = "studio.count-tasks"
    variant = "- count"
    role_list = ROLES

    def interface(self, session, entities, event):
        if event["data"].get("values"):
            return None
        return [{"type": "boolean", "name": "sure", "label": "Sure?", "value": True}]

    def launch(self, session, entities, event):
        job = self.create_ftrack_job(event, "counting", user_id=session.query("User").first()["id"])
        job["status"] = "done"
        session.commit()
        return {"message": "{} of {}".format(job["status"], len(entities))}


class Forbidden(StudioAction):
    identifier = "studio.forbidden"
    variant = "- forbidden"
    role_list = NOBODY

    def launch(self, session, entities, event):
        raise AssertionError("launched without the role")


class OnThisMachine(LocalAction):
    identifier = "studio.here"
    label = "Here"

    def discover(self, session, entities, event):
        return True

    def launch(self, session, entities, event):
        return event["data"].get("answer")


class Quits(ServerAction):
    identifier = "studio.quits"
    label = "Quits"

    def discover(self, session, entities, event):
        return True

    def launch(self, session, entities, event):
        raise SystemExit("enough")


class OnUpdate(BaseEventHandler):
    def process(self, event):
        self.trigger_event("studio.updated", {"of": event["id"]})


class _NotPublic(BaseAction):
    label, identifier = "not public", "studio.not-public"
