"""Says what it would write over frames."""
import callboard

plugin = callboard.Plugin()


@plugin.action("show")
def show(launch, host):
    text = launch.settings["text"].replace("{shot}", "sh010")
    has_token = bool(host.settings().get("token"))
    return callboard.done(text, {"settings": launch.settings, "has_token": has_token})


plugin.serve()
