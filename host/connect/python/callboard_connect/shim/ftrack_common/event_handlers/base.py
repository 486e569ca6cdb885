"""What every handler has: the session, the entities of an event, and ways to tell and to show."""

import abc
import json
import logging
import os
import tempfile
import traceback
import uuid

import ftrack_api.event.base

from callboard_connect.selection import entity_type
from ftrack_common.values import join_filter_values

SHOW_TOPIC = "ftrack.action.trigger-user-interface"


class BaseHandler(metaclass=abc.ABCMeta):
    """A handler; `register` subscribes it. A class that is only a base sets `__ignore_handler_class`."""

    enabled = True
    priority = 100
    handler_type = "Base"
    __ignore_handler_class = True

    _process_id = uuid.uuid4().hex
    join_filter_values = staticmethod(join_filter_values)
    join_query_keys = staticmethod(join_filter_values)

    def __init__(self, session):
        if not isinstance(session, ftrack_api.Session):
            raise TypeError("a handler is made with a session, not with `{!r}`".format(session))
        self._session = session
        self.log = logging.getLogger(type(self).__name__)

    @property
    def session(self):
        """The plugin's session."""
        return self._session

    @property
    def handler_label(self):
        """What the log calls it."""
        return type(self).__name__

    @classmethod
    def process_identifier(cls):
        """Returns what tells this process from another one of the same person."""
        return BaseHandler._process_id

    @abc.abstractmethod
    def register(self):
        """Subscribes."""

    def cleanup(self):
        """Undoes what the handler has set up; for a subclass to do."""

    def reset_session(self):
        """Forgets what the session has read."""
        self.session.reset()

    def get_entities(self, event, session=None, ignore=()):
        """Returns the selected entities, in order, without those that are gone."""
        session = session or self.session
        ignored = [ignore] if isinstance(ignore, str) else list(ignore or ())
        found = []
        for item in event["data"].get("selection") or []:
            if item.get("entityType") not in ignored:
                found.append(session.get(self._get_entity_type(item, session), item.get("entityId")))
        return [entity for entity in found if entity is not None]

    _get_entities = get_entities

    def _get_entity_type(self, entity, session=None):
        return entity_type(session or self.session, entity)

    def show_message(self, event, message, success=False):
        """Shows a sentence in the web page of the person who asked."""
        data = {"type": "message", "success": success is True, "message": str(message)}
        self._show(event["source"]["user"]["id"], data)

    def show_interface(
        self, items, title="", user_id=None, user=None, event=None, username=None, submit_btn_label=None
    ):
        """Shows items in a person's web page; the person is named in one of four ways."""
        if not user_id and user:
            user_id = user["id"]
        if not user_id and username:
            user_id = self.session.query('User where username is "{}"'.format(username)).one()["id"]
        if not user_id and event:
            user_id = event["source"]["user"]["id"]
        if not user_id:
            raise ValueError("`show_interface` needs a user, a user's name or id, or an event")
        data = {"type": "widget", "items": items, "title": title}
        if submit_btn_label:
            data["submit_button_label"] = submit_btn_label
        self._show(user_id, data)

    def show_interface_from_dict(self, messages, title="", **who):
        """Shows headings with what belongs below each."""
        items = []
        for heading, lines in (messages or {}).items():
            if items:
                items.append({"type": "label", "value": "---"})
            items.append({"type": "label", "value": "### {}".format(heading)})
            items.extend({"type": "label", "value": line} for line in ([lines] if isinstance(lines, str) else lines))
        if items:
            self.show_interface(items, title, **who)

    def _show(self, user_id, data):
        target = 'applicationId=ftrack.client.web and user.id="{}"'.format(user_id)
        event = ftrack_api.event.base.Event(topic=SHOW_TOPIC, data=data, target=target)
        self.session.event_hub.publish(event, on_error="ignore")

    def trigger_action(
        self, action_identifier, event=None, session=None, selection=None, user_data=None,
        topic="ftrack.action.launch", additional_event_data=None, on_error="ignore",
    ):
        """Launches another action for the same person, on the same selection if none is given."""
        selection = event["data"].get("selection") if event and selection is None else selection
        user_data = event["source"].get("user") if event and user_data is None else user_data
        if selection is None or user_data is None:
            self.log.error("cannot launch `%s` without a selection and a person", action_identifier)
            return
        data = dict(additional_event_data or {}, actionIdentifier=action_identifier, selection=selection)
        self.trigger_event(topic, data, session, {"user": user_data}, on_error=on_error)

    def trigger_event(self, topic, event_data=None, session=None, source=None, event=None, on_error="ignore"):
        """Publishes an event, in the name of another one's source if that is given."""
        source = source or (event["source"] if event else None)
        published = ftrack_api.event.base.Event(topic=topic, data=event_data or {}, source=source)
        (session or self.session).event_hub.publish(published, on_error=on_error)

    def get_project_from_entity(self, entity, session=None):
        """Returns the project that an entity is in."""
        if entity.entity_type == "Project":
            return entity
        if "project" in entity:
            return entity["project"]
        if entity.entity_type == "FileComponent":
            entity = entity["version"]
        if entity.entity_type == "AssetVersion":
            return self.get_project_from_entity(entity["asset"]["parent"], session)
        return (session or self.session).get("Project", entity["link"][0]["id"])

    def create_ftrack_job(self, event, description, status="running", user_id=None):
        """Makes a job of the person who asked."""
        user_id = user_id or event["source"]["user"]["id"]
        data = json.dumps({"description": description})
        job = self.session.create("Job", {"user_id": user_id, "status": status, "data": data})
        self.session.commit()
        return job

    def add_file_component_to_job(self, job, filepath, basename=None):
        """Attaches a file to a job."""
        name = basename or os.path.splitext(os.path.basename(filepath))[0]
        server = self.session.query('Location where name is "ftrack.server"').one()
        component = self.session.create_component(filepath, data={"name": name}, location=server)
        self.session.create("JobComponent", {"component_id": component["id"], "job_id": job["id"]})
        self.session.commit()

    def add_traceback_to_job(self, job, session=None, exc_info=None, description=None, **_):
        """Fails a job and attaches where it went wrong."""
        lines = traceback.format_exception(*exc_info) if exc_info else [traceback.format_exc()]
        folder = tempfile.mkdtemp(prefix="callboard_")
        path = os.path.join(folder, "traceback.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(lines))
        try:
            self.add_file_component_to_job(job, path)
        finally:
            os.remove(path)
            os.rmdir(folder)
        job["status"] = "failed"
        if description:
            job["data"] = json.dumps({"description": description})
        self.session.commit()


class BaseEventHandler(BaseHandler):
    """A handler of events, those of changes unless it says otherwise."""

    handler_type = "Event"
    subscription_topic = "ftrack.update"
    __ignore_handler_class = True

    def register(self):
        """Subscribes."""
        expression = "topic={}".format(self.subscription_topic)
        self.session.event_hub.subscribe(expression, self._process, priority=self.priority)

    def process(self, event):
        """Handles an event; older handlers are written as `launch`."""
        return self.launch(self.session, event)

    def launch(self, session, event):
        """Handles an event, the way it was done before `process`."""
        raise NotImplementedError()

    def _process(self, event):
        # What one event leaves half done or has read must not reach the next one.
        self.session.rollback()
        self.session._local_cache.clear()
        try:
            self.process(event)
        except Exception:
            self.session.rollback()
            self.log.exception("`%s` failed on `%s`", self.handler_label, event["topic"])
