"""An action with filters and jobs."""

import json

from callboard_connect.missing import attribute
from ftrack_action_handler.action.base import BaseAction

__getattr__ = attribute(__name__)


class AdvancedBaseAction(BaseAction):
    """An action that says by class attributes for whom and for what it is there, and can show its work as a job."""

    allowed_roles = []
    allowed_groups = []
    allowed_types = []
    ignored_types = []
    limit_to_user = None
    allow_empty_context = False

    def _discover(self, event):
        return super()._discover(event) if self._applies(event) else None

    def _launch(self, event):
        if not self._applies(event):
            return {"success": False, "message": "{} is not for you, or not for this selection.".format(self.label)}
        return super()._launch(event)

    def _applies(self, event):
        selection = event["data"].get("selection") or []
        if not selection:
            return self.allow_empty_context and self._allows(event)
        types = self._types(selection)
        if self.allowed_types and not types <= set(self.allowed_types):
            return False
        return not types & set(self.ignored_types) and self._allows(event)

    def _types(self, selection):
        entities = [self.session.get(self._get_entity_type(item), item.get("entityId")) for item in selection]
        return {entity.entity_type for entity in entities if entity is not None}

    def _allows(self, event):
        username = event["source"].get("user", {}).get("username")
        if self.limit_to_user and username != self.limit_to_user:
            return False
        if not self.allowed_roles and not self.allowed_groups:
            return True
        user = self.session.query('User where username is "{}"'.format(username)).first()
        if user is None:
            return False
        if self.allowed_roles:
            roles = {role["security_role"]["name"] for role in user["user_security_roles"]}
            if not roles & set(self.allowed_roles):
                return False
        if self.allowed_groups:
            groups = {membership["group"]["name"] for membership in user["memberships"]}
            return bool(groups & set(self.allowed_groups))
        return True

    def create_job(self, event, description):
        """Makes a running job of the person who asks; returns its id."""
        user = self.session.get("User", event["source"]["user"]["id"])
        data = json.dumps({"description": description})
        job = self.session.create("Job", {"user": user, "status": "running", "data": data})
        self.session.commit()
        return job["id"]

    def mark_job_as_done(self, job_id, description):
        """Says that a job has been done."""
        self._mark(job_id, "done", description)

    def mark_job_as_failed(self, job_id, error_message):
        """Says that a job has failed, and why."""
        self._mark(job_id, "failed", error_message)

    def _mark(self, job_id, status, description):
        job = self.session.get("Job", job_id)
        job["data"] = json.dumps({"description": str(description)})
        job["status"] = status
        self.session.commit()
