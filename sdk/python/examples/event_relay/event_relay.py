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


@plugin.action("announce")
def announce(launch, host):
    if launch.steps is None:
        told = {"text": launch.values.get("text", "")}
        in_doubt = launch.values.get("in_doubt", "repeat")
        step = callboard.event_step("tell", "studio.announced", told, in_doubt=in_doubt)
        host.hand_over("announce", [step])
        return callboard.waits()
    for unit in launch.steps["steps"][0]["units"]:
        if unit["state"] != "done":
            raise callboard.Failure.from_json(unit["failure"])
    return callboard.done("Everybody was told")


plugin.serve()
