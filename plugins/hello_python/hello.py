"""Says what is selected. The smallest useful plugin."""
import callboard

plugin = callboard.Plugin()


@plugin.action("greet")
def greet(launch, host):
    if len(launch.selection) != 1:
        raise callboard.Failure("invalid", "nothing to greet", "select exactly one thing")
    [only] = launch.selection
    return "Hello, {} {}".format(only["kind"], only["id"])


plugin.serve()
