"""Sessions of the official client on the server that the environment names.

`FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY` say which; `CALLBOARD_SANDBOX_TOKEN` is what the
sandbox's control endpoints ask for. Every test cleans up what it makes below the demo project.
"""

import json
import os
import threading
import time
import uuid

import ftrack_api
import pytest
import requests


def name(prefix="made"):
    """A name that nothing else has."""
    return "%s_%s" % (prefix, uuid.uuid4().hex[:10])


def refused(session):
    """What the server says to the commit; the session is as before."""
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.commit()
    session.rollback()
    return str(caught.value)


@pytest.fixture(scope="session")
def server():
    return os.environ["FTRACK_SERVER"].rstrip("/")


@pytest.fixture(scope="session")
def credentials():
    return {
        "ftrack-user": os.environ["FTRACK_API_USER"],
        "ftrack-api-key": os.environ["FTRACK_API_KEY"],
    }


@pytest.fixture(scope="session")
def schema_cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="session")
def new_session(server, credentials, schema_cache):
    """Makes sessions and closes them in the end."""
    made = []

    def make(**options):
        options.setdefault("api_user", credentials["ftrack-user"])
        options.setdefault("api_key", credentials["ftrack-api-key"])
        options.setdefault("schema_cache_path", schema_cache)
        options.setdefault("auto_connect_event_hub", False)
        session = ftrack_api.Session(server_url=server, **options)
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


@pytest.fixture()
def session(new_session):
    return new_session()


@pytest.fixture()
def other_session(new_session):
    """A second client that has seen nothing of what the first one did."""
    return new_session()


@pytest.fixture(scope="session")
def call(server, credentials):
    """Posts operations as they are, with no client in between."""

    def post(*operations, **headers):
        answer = requests.post(
            server + "/api",
            data=json.dumps(list(operations)),
            headers={**credentials, "content-type": "application/json", **headers},
            timeout=30,
        )
        return answer

    return post


@pytest.fixture()
def made(session):
    """What a test puts in here is deleted in the end."""
    entities = []
    yield entities
    session.rollback()
    for entity in entities:
        session.delete(entity)
    session.commit()


@pytest.fixture()
def project(session):
    """A project of the test's own."""
    schema = session.query('ProjectSchema where name is "VFX"').one()
    made = session.create("Project", {"name": name("project"), "full_name": name("Project"), "project_schema": schema})
    session.commit()
    yield made
    session.rollback()
    session.delete(made)
    session.commit()


@pytest.fixture()
def shot(session, project):
    sequence = session.create("Sequence", {"name": "sq010", "parent": project})
    made = session.create("Shot", {"name": "sh010", "parent": sequence})
    session.commit()
    return made


@pytest.fixture()
def task(session, shot):
    made = session.create("Task", {"name": "anim", "parent": shot})
    session.commit()
    return made


@pytest.fixture()
def user(session):
    return session.query('User where username is "%s"' % session.api_user).one()


@pytest.fixture()
def read_only_session(session, new_session):
    """A session of the demo's user who may look and not touch."""
    viewer = session.query('User where username is "bo"').one()
    key = session.reset_remote("api_key", entity=viewer)["api_key"]
    return new_session(api_user="bo", api_key=key)


class Listener:
    """A connected event hub that collects events on a thread of its own."""

    def __init__(self, session):
        self.session = session
        self.hub = session.event_hub
        self.events = []
        self.arrived = threading.Condition()
        self.is_over = False

    def listen(self, subscription, reply=None):
        def receive(event):
            with self.arrived:
                self.events.append(event)
                self.arrived.notify_all()
            return reply

        return self.hub.subscribe(subscription, receive)

    def start(self):
        self.hub.connect()
        self.thread = threading.Thread(target=self.run, name="listener", daemon=True)
        self.thread.start()
        self.settle()
        return self

    def settle(self):
        """Waits until the server has heard every subscription so far: an echo proves it."""
        echo = "test.echo.%s" % uuid.uuid4().hex
        self.listen("topic=%s" % echo)
        self.hub.publish(ftrack_api.event.base.Event(topic=echo))
        self.wait(lambda event: event["topic"] == echo)

    def ask(self, event):
        """Publishes an event and returns the first reply."""
        known = len(self.events)

        def receive(reply):
            with self.arrived:
                self.events.append(reply)
                self.arrived.notify_all()

        self.hub.publish(event, on_reply=receive)
        return self.wait(lambda reply: reply["topic"] == "ftrack.meta.reply" and reply in self.events[known:])

    def run(self):
        while not self.is_over:
            self.hub.wait(0.05)

    def wait(self, wanted, seconds=10):
        """Returns the first event that `wanted` accepts."""
        deadline = time.monotonic() + seconds
        with self.arrived:
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError("no such event among %r" % [event["topic"] for event in self.events])
                self.arrived.wait(left)

    def stop(self):
        self.is_over = True
        self.thread.join()
        self.hub.disconnect()


@pytest.fixture()
def listener(new_session):
    """Makes listeners: `listener("topic=…", reply=…, session=…)`."""
    made = []

    def make(*subscriptions, **options):
        one = Listener(options.pop("session", None) or new_session())
        for subscription in subscriptions:
            one.listen(subscription, **options)
        made.append(one)
        return one.start()

    yield make
    for one in made:
        one.stop()


class Control:
    """The sandbox's control endpoints."""

    def __init__(self, server, token):
        self.url = server + "/sandbox/"
        self.headers = {"sandbox-token": token}

    def post(self, what, **body):
        answer = requests.post(self.url + what, json=body, headers=self.headers, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def get(self, what):
        answer = requests.get(self.url + what, headers=self.headers, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def delete(self, what):
        requests.delete(self.url + what, headers=self.headers, timeout=10).raise_for_status()


@pytest.fixture()
def control(server):
    token = os.environ.get("CALLBOARD_SANDBOX_TOKEN")
    if not token:
        pytest.skip("CALLBOARD_SANDBOX_TOKEN is not set, so the sandbox cannot be told to fail")
    control = Control(server, token)
    yield control
    control.delete("faults")
    control.delete("invitations")
