"""Children of `callboard_connect` on the server that the environment names; `support` plays the host.

`FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY` say which server; the plugins lie beside this file.
"""

import os
import time
import uuid

import ftrack_api
import pytest

import support


@pytest.fixture(scope="session", autouse=True)
def schema_cache(tmp_path_factory):
    os.environ["FTRACK_API_SCHEMA_CACHE_PATH"] = str(tmp_path_factory.mktemp("schemas"))


@pytest.fixture()
def host():
    """Starts children, and ends them."""
    made = support.Host()
    yield made
    assert set(made.end()) <= {0}


@pytest.fixture()
def start(host):
    """Starts a child for plugins of this folder, and waits until their hooks are registered."""

    def begin(*plugins, words=(), environment=None):
        folders = [support.hooks_of(plugin) for plugin in plugins]
        child = host.start(*folders, *words, environment=environment)
        child.loaded()
        return child

    return begin


@pytest.fixture(scope="session")
def session(schema_cache):
    """The person's web page, as far as events go."""
    made = ftrack_api.Session(auto_connect_event_hub=True, plugin_paths=[])
    yield made
    made.close()


@pytest.fixture()
def shot(session):
    """A shot of the test's own."""
    project = session.query("Project").first()
    made = session.create("Shot", {"name": "sh_" + uuid.uuid4().hex[:10], "parent": project})
    session.commit()
    yield made
    session.rollback()
    session.delete(made)
    session.commit()


@pytest.fixture()
def ask(session):
    """Publishes an event on the hub, as the web page does, and returns the first reply's data that `accept` takes."""

    def publish(topic, data, accept=lambda data: True, source=None, deadline=support.DEADLINE):
        replies, again = [], 0.0
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            # A child's subscriptions reach the server some time after it has told the host.
            if time.monotonic() >= again:
                again = time.monotonic() + 2.0
                event = ftrack_api.event.base.Event(topic=topic, data=data, source=source or {})
                session.event_hub.publish(event, on_reply=lambda reply: replies.append(reply["data"]))
            session.event_hub.wait(duration=0.01)
            for reply in replies:
                if accept(reply):
                    return reply
        raise AssertionError("no reply to `{}`: {}".format(topic, replies))

    return publish
