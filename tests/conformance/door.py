"""What a Connect plugin's own ftrack client does, through a door: run by `door.rs`, which reads what it prints.

`FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY` are the door's; `OTHER_TOKEN` is another child's. Every byte that
arrives is kept in the file `RECORD`.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time
import uuid

RECORD = open(os.environ["RECORD"], "ab")
_recv, _recv_into = socket.socket.recv, socket.socket.recv_into


def recv(self, *arguments):
    data = _recv(self, *arguments)
    RECORD.write(data)
    return data


def recv_into(self, buffer, *arguments):
    count = _recv_into(self, buffer, *arguments)
    RECORD.write(bytes(memoryview(buffer)[:count]))
    return count


socket.socket.recv, socket.socket.recv_into = recv, recv_into

import ftrack_api  # noqa: E402  (after the sockets are recorded)
import requests  # noqa: E402

SERVER = os.environ["FTRACK_SERVER"]
TOKEN = os.environ["FTRACK_API_KEY"]
USER = os.environ["FTRACK_API_USER"]
DEADLINE_SECS = 60


def until(what, holds):
    ends = time.time() + DEADLINE_SECS
    while time.time() < ends:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass: " + what)


def new_session(**options):
    options.setdefault("schema_cache_path", False)
    return ftrack_api.Session(**options)


def listening(session):
    """Serves the events of a session on a thread."""

    def serve():
        while True:
            session.event_hub.wait(0.5)

    until("the hub is connected", lambda: session.event_hub.connected)
    threading.Thread(target=serve, daemon=True).start()
    return session


def settled(session):
    """Waits until the subscriptions so far are in force: what is said on the same connection after them comes back."""
    mark, heard = uuid.uuid4().hex, []
    session.event_hub.subscribe("topic=door-settled and data.mark=" + mark, heard.append)
    session.event_hub.publish(ftrack_api.event.base.Event(topic="door-settled", data={"mark": mark}))
    until("the subscriptions are in force", lambda: heard)


def works():
    """Query, change, upload, download, thumbnail, remove."""
    session = new_session()
    project = session.query("select id, name from Project").first()
    name = "made_" + uuid.uuid4().hex[:8]
    shot = session.create("Shot", {"name": name, "parent": project})
    session.commit()
    shot["description"] = "see %s/#home" % session.server_url
    session.commit()
    said = new_session().query(
        "select description from Shot where name is %s" % name).one()["description"]

    content = os.urandom(3 * 1024 * 1024 + 17)
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(content)
        file.flush()
        location = session.query('Location where name is "ftrack.server"').one()
        component = session.create_component(file.name, {"name": "bytes"}, location=location)
    session.commit()
    came_back = location.accessor.open(component["id"], "rb").read() == content
    url = location.get_url(component)
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=DEADLINE_SECS)
    row = session.query(
        "select url from ComponentLocation where component_id is %s" % component["id"]).one()
    job = session.encode_media(component)
    widget = session.get_widget_url("tasks", entity=project)
    location.accessor.remove(component["id"])
    gone = requests.get(url, timeout=DEADLINE_SECS).status_code
    session.delete(shot)
    session.commit()
    left = len(session.query("Shot where name is %s" % name).all())
    session.close()
    return {
        "said": said, "came_back": came_back, "part": part.content == content[10:20],
        "part_status": part.status_code, "job": job.entity_type, "widget": widget,
        "url_is_the_doors": url.startswith(SERVER), "gone": gone, "left": left,
        "row_url": str(row["url"]),
    }


def events():
    """Subscribe, publish, reply, another session's reply, a menu of another user."""
    one = listening(new_session(auto_connect_event_hub=True))
    two = listening(new_session(auto_connect_event_hub=True))
    heard, replies, icons = [], [], []
    one.event_hub.subscribe("topic=door.question", lambda event: {"answer": event["data"]["n"] + 1})
    one.event_hub.subscribe("topic=door.told and data.to=one", lambda event: heard.append(event["data"]["n"]))
    one.event_hub.subscribe("topic=door.*", lambda event: None)
    two.event_hub.subscribe("topic=door.icon", lambda event: icons.append(event["data"]["icon"]))
    settled(one)
    settled(two)
    two.event_hub.publish(
        ftrack_api.event.base.Event(topic="door.question", data={"n": 41}),
        on_reply=lambda reply: replies.append(reply["data"]["answer"]))
    until("a reply", lambda: replies)
    for number in range(20):
        two.event_hub.publish(ftrack_api.event.base.Event(topic="door.told", data={"n": number, "to": "one"}))
    until("all were heard", lambda: len(heard) >= 20)
    icon = "%s/component/thumbnail?id=7&username=%s&apiKey=%s" % (SERVER, USER, TOKEN)
    one.event_hub.publish(ftrack_api.event.base.Event(topic="door.icon", data={"icon": icon}))
    until("the icon came", lambda: icons)
    here = []
    two.event_hub.publish(
        ftrack_api.event.base.Event(topic="ftrack.connect.discover"),
        on_reply=lambda reply: here.append(reply["data"]))
    until("somebody says that Connect is here", lambda: here)
    return {"replies": replies[:1], "heard": heard, "icon": icons[0], "here": here[:1]}


def away():
    """Says when it is ready, and answers events for as long as it is asked to; `door.rs` takes the server away."""
    session = listening(new_session(auto_connect_event_hub=True))
    heard = []
    session.event_hub.subscribe("topic=door.again", lambda event: heard.append(event["data"]["n"]))
    settled(session)
    connections = {id(session.event_hub._connection)}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        wanted = int(line)
        until("event %d" % wanted, lambda: wanted in heard)
        connections.add(id(session.event_hub._connection))
        print(json.dumps({"heard": wanted, "connections": len(connections)}), flush=True)
    return {"connected": session.event_hub.connected}


def refused():
    """What must not work."""

    def error(what):
        try:
            what()
        except Exception as problem:  # whatever the client makes of it
            return str(problem)
        return None

    def status(path, **options):
        return requests.get(SERVER + path, timeout=DEADLINE_SECS, **options).status_code

    session = new_session()

    def make(entity_type, data):
        try:
            session.create(entity_type, data)
            session.commit()
        finally:
            session.rollback()

    project = session.query("select id from Project").first()
    good = {"ftrack-user": USER, "ftrack-api-key": TOKEN}
    other = {"ftrack-user": USER, "ftrack-api-key": os.environ["OTHER_TOKEN"]}
    return {
        "wrong_token": error(lambda: new_session(api_key="wrong")),
        "other_token": error(lambda: new_session(api_key=os.environ["OTHER_TOKEN"])),
        "other_user": error(lambda: new_session(api_user="eve")),
        "wrong_host": status("/socket.io/1/", headers=dict(good, Host="evil.example")),
        "page_of_a_browser": status("/socket.io/1/", headers=dict(good, Origin="https://evil.example")),
        "hub": status("/socket.io/1/", headers=good),
        "hub_with_other_token": status("/socket.io/1/", headers=other),
        "no_session": status("/socket.io/1/websocket/unknown"),
        "unknown_storage": status("/storage/unknown"),
        "file_without_token": status("/component/get?id=1"),
        "page": status("/", headers=good),
        "not_granted": error(lambda: make("Task", {"name": "x", "parent": project})),
        "reset": error(lambda: session.reset_remote("api_key", entity=session.query("User").first())),
        "key_in_answer": error(lambda: session.query(
            "select content, date from Note where content like '%hidden%'").all()),
    }


result = {"works": works, "events": events, "away": away, "refused": refused}[sys.argv[1]]()
RECORD.flush()
print(json.dumps(result), flush=True)
os._exit(0)
