"""Makes a sheet of the day and has another plugin keep a note."""
import os

import callboard

plugin = callboard.Plugin()


@plugin.action("make")
def make(launch, host):
    shots = launch.values.get("shots", "sh010,sh020").split(",")
    path = os.path.join(host.folder(), "sheet.txt")
    with open(path, "w") as sheet:
        for number, shot in enumerate(shots):
            step = "{} of {}".format(number + 1, len(shots))
            host.progress("writing " + shot, number / len(shots), step)
            sheet.write(shot + "\n")
    host.attach("sheet.txt")
    # The same key is the same child, however often this turn is run again.
    child = host.launch("note", "shot_notes.add", {"text": "reviewed " + shots[0]}, wait_secs=60)
    if child["state"] != "done":
        raise callboard.Failure("plugin", "the note was not kept", causes=[child["message"]])
    return callboard.done("A sheet of {} shots".format(len(shots)), child)


@plugin.action("delegate")
def delegate(launch, host):
    action = launch.values.get("action", "review_day.wait")
    child = host.launch("other", action, wait_secs=300)
    return callboard.cancelled() if host.is_cancelled else callboard.done(child["state"])


@plugin.action("wait")
def wait(launch, host):
    host.progress("waiting", 0.25, "1 of 4")
    while not host.is_cancelled:
        host.settings()
    return callboard.cancelled()


plugin.serve()
