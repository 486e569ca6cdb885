"""Plays one artist's click on the stand-in Flame against whatever host is running.

    CALLBOARD_BUS=/path/bus.sock python3 play.py --fixture layered --answer Create

Prints one JSON object: how long the click held Flame, what the message bar said and what was
asked. It ends once `--until STATE` was heard of a job or Flame was told of a failure; exit code 0
when the wanted state came.
"""

import argparse
import json
import sys

from flame_double import configure
from flame_double.hooks import HookLoader
from flame_double.messages import UnscriptedDialog
from flame_double.project import FIXTURES, big, build
from support import CREATE_SHOTS, HOOKS, callboard_flame_bridge

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

    states = []
    session = callboard_flame_bridge.current_session()
    session.on_outcome(lambda data: states.append(data.get("state") or "unavailable"))
    loader = HookLoader(world, [HOOKS]).scan()
    clicked = loader.click(options.menu, CREATE_SHOTS, sequences)

    def is_over():
        return any(state in (options.until, "failed", "unavailable") for state in states)

    problems = loader.problems
    try:
        world.pump_until(is_over, options.timeout)
        world.pump()
    except UnscriptedDialog as dialog:
        problems.append("no --answer for the dialog {}".format(dialog))
    callboard_flame_bridge.close()
    result = {
        "reached": options.until in states,
        "states": states,
        "click_secs": clicked.run.real_seconds,
        "messages": [line._asdict() for line in world.messages],
        "dialogs": [dialog._asdict() for dialog in world.dialogs],
        "longest_idle_secs": max([run.seconds for run in world.idle_runs] or [0.0]),
        "problems": problems,
        "violations": [list(violation) for violation in world.violations],
    }
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["reached"] else 1


def parse(arguments):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixture", choices=sorted(FIXTURES), default="tiny")
    parser.add_argument("--segments", type=int, help="a big timeline instead of a fixture")
    parser.add_argument("--tracks", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--menu", choices=MENUS, default="media_panel")
    parser.add_argument("--version", default="2025.2.2", help="the Flame release to imitate")
    parser.add_argument("--answer", action="append", default=[], help="the button to click in a dialog")
    parser.add_argument("--until", default="done", help="the job's state to wait for")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
