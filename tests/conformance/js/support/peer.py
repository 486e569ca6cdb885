"""A program with the official Python client that a check in JavaScript talks to.

It reads one JSON object per line and answers each with one: `subscribe` (with `reply`, what it returns),
`publish`, `ask` (publishes and answers with the first reply), `commit` (sets attributes).
What its subscribers hear is written as a line of its own.
"""

import json
import os
import queue
import sys
import threading
import time

import ftrack_api
from ftrack_api.event.base import Event

SECONDS = 10


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def subscribe(session, subscription, reply=None):
    def receive(event):
        say(heard=event["topic"], data=event["data"], source=event["source"])
        return reply

    session.event_hub.subscribe(subscription, receive)
    # An echo proves that the server has heard the subscription.
    ask(session, "peer.echo", {})
    return True


def publish(session, topic, data, target=""):
    session.event_hub.publish(Event(topic, data=data, target=target))
    return True


def ask(session, topic, data, target=""):
    replies = []
    session.event_hub.publish(Event(topic, data=data, target=target), on_reply=replies.append)
    deadline = time.monotonic() + SECONDS
    while not replies and time.monotonic() < deadline:
        session.event_hub.wait(0.02)
    return {"data": replies[0]["data"], "source": replies[0]["source"]}


def commit(session, entity_type, entity_id, values):
    entity = session.get(entity_type, entity_id)
    for attribute, value in values.items():
        entity[attribute] = value
    session.commit()
    return True


def read(requests):
    for line in sys.stdin:
        requests.put(json.loads(line))
    # Nobody asks any more.
    os._exit(0)


def main():
    # Whatever happens, this ends before whoever started it is ended.
    threading.Timer(100, os._exit, [1]).start()
    session = ftrack_api.Session(schema_cache_path=False, auto_connect_event_hub=False)
    session.event_hub.connect()
    session.event_hub.subscribe("topic=peer.echo and source.id=%s" % session.event_hub.id, lambda event: True)
    requests = queue.Queue()
    threading.Thread(target=read, args=[requests], daemon=True).start()
    say(ready=True)
    does = {"subscribe": subscribe, "publish": publish, "ask": ask, "commit": commit}
    while True:
        try:
            request = requests.get_nowait()
            say(answer=does[request.pop("do")](session, **request))
        except queue.Empty:
            session.event_hub.wait(0.02)


main()
