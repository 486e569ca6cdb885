"""Says in the tray which shot is being rendered."""
import time

import callboard

plugin = callboard.Plugin()


@plugin.action("start")
def start(launch, host):
    shot = launch.values.get("shot", "a shot")
    until = None
    if launch.values.get("secs"):
        until = int((time.time() + float(launch.values["secs"])) * 1000)
    host.status("render", "Rendering {}".format(shot), "warning", until)
    return "Watching {}".format(shot)


@plugin.action("stop")
def stop(launch, host):
    host.status("render")
    return "Watching nothing"


plugin.serve()
