"""A file with a `register` of its own, whose classes are left to it."""

from ftrack_common.event_handlers import BaseEventHandler


class Never(BaseEventHandler):
    def process(self, event):
        raise AssertionError("made although the file has a `register`")


def register(session):
    session.event_hub.subscribe("topic=studio.how-are-you", lambda event: "by function")
