"""Writes down what happens."""
import uuid

import callboard

plugin = callboard.Plugin()


@plugin.action("write")
def write(launch, host):
    heard = launch.event
    topics = [event["topic"] for event in heard["events"]]
    if heard.get("dropped"):
        host.log("{} events were too many".format(heard["dropped"]), "warning")
    count = (host.load("count") or 0) + len(topics)
    host.store("count", count)
    return callboard.done("{}: {}".format(heard["subscription"], ", ".join(topics)), heard)


@plugin.action("change")
def change(launch, host):
    operation = {"action": "create", "entity_type": "Note", "id": str(uuid.uuid4()),
                 "data": {"content": "by a plugin", "parent_id": launch.selection[0]["id"],
                          "parent_type": "TypedContext"}}
    host.call(operation)
    return "Changed"


plugin.serve()
