"""Plays one artist's click on the stand-in Flame against whatever host is running.

    CALLBOARD_BUS=/path/bus.sock python3 play.py --fixture layered --answer Create

Prints one JSON object: how long the click held Flame, what the message bar said and what was
asked. It ends once `--until STATE` was heard of a job or Flame was told of a failure; exit code 0
when the wanted state came. The state is `unavailable` where the host did not take the launch, and
`later` where it went away with it, which ends nothing.

Whatever could wait on Flame's main thread (sockets, files, sleeping, processes) raises there, and
is told as a problem.
"""

import argparse
import json
import sys

from flame_double import configure
from flame_double.hooks import HookLoader
from flame_double.messages import UnscriptedDialog
from flame_double.project import FIXTURES, big, build
from support import CREATE_SHOTS, HOOKS, Blocked, Session, callboard_flame_bridge, flame, nothing_blocks

MENUS = ("media_panel", "main_menu")


def main(arguments):
    """Clicks once and returns the exit code."""
    options = parse(arguments)
    world = configure(version=options.version)
    world.dialog_answers.extend(options.answer)
    if options.segments:
        with world.uncharged():
            sequences = big(world, options.segments, options.tracks, options.sequences)
        world.selected_entries = tuple(sequences)
    else:
        sequences = build(world, options.fixture)
    name_project(world, options)

    states = []

    def heard(*wanted):
        return lambda: any(state in wanted for state in states)

    session = callboard_flame_bridge.use_session(Session(flame, clock=world.clock.now))
    session.on_outcome(lambda data: states.append(state_of(data)))
    loader = HookLoader(world, [HOOKS]).scan()
    problems = loader.problems
    click_secs = None
    try:
        with nothing_blocks():
            clicked = loader.click(options.menu, CREATE_SHOTS, sequences)
            click_secs = clicked.run.real_seconds
            if options.busy:
                with world.busy():
                    world.pump_until(heard("failed", "later"), options.busy)
            world.pump_until(heard(options.until, "failed", "unavailable"), options.timeout)
            world.pump()
    except UnscriptedDialog as dialog:
        problems.append("no --answer for the dialog {}".format(dialog))
    except Blocked as call:
        problems.append("`{}` could wait on Flame's main thread".format(call))
    callboard_flame_bridge.close()
    result = {
        "reached": options.until in states,
        "states": states,
        "click_secs": click_secs,
        "messages": [line._asdict() for line in world.messages],
        "dialogs": [dialog._asdict() for dialog in world.dialogs],
        "longest_idle_secs": max([run.seconds for run in world.idle_runs] or [0.0]),
        "problems": problems,
        "violations": [list(violation) for violation in world.violations],
    }
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["reached"] else 1


def name_project(world, options):
    """Gives Flame's open project the names that were asked for."""
    values = world.project._values
    values["name"] = options.project or values["name"]
    values["nickname"] = options.nickname or values["name"]


def state_of(data):
    """Returns the state that an outcome tells."""
    return data.get("state") or ("later" if data.get("goes_on") else "unavailable")


def parse(arguments):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixture", choices=sorted(FIXTURES), default="tiny")
    parser.add_argument("--segments", type=int, help="a big timeline instead of a fixture")
    parser.add_argument("--tracks", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--project", help="the name of the project that is open in Flame")
    parser.add_argument("--nickname", help="its nickname; its name when none is given")
    parser.add_argument("--busy", type=float, help="seconds without idle events, unless the launch fails")
    parser.add_argument("--menu", choices=MENUS, default="media_panel")
    parser.add_argument("--version", default="2025.2.2", help="the Flame release to imitate")
    parser.add_argument("--answer", action="append", default=[], help="the button to click in a dialog")
    parser.add_argument("--until", default="done", help="the job's state to wait for")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
