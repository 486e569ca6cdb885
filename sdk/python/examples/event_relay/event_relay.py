"""Takes an event from this machine to everybody."""
import callboard

plugin = callboard.Plugin()


@plugin.action("relay")
def relay(launch, host):
    host.subscribe("topic=studio.ping", on="bus")
    host.progress("listening")
    events = []
    while not events and not host.is_cancelled:
        events = host.next_events(wait_secs=20)
    if host.is_cancelled:
        return callboard.cancelled()
    host.publish(callboard.event("studio.pong", events[0]["data"]))
    return callboard.done("Relayed", events[0])


@plugin.action("ask")
def ask(launch, host):
    topic = launch.values.get("topic", "studio.question")
    replies = host.publish(callboard.event(topic, {}), on="bus", wait_secs=20, max_replies=1)
    return callboard.done("{} replied".format(len(replies)), [reply["data"] for reply in replies])


plugin.serve()
