"""Measures how long a click on *Create Shots* holds Flame, on whatever bus the environment names.

Prints one JSON object in microseconds. Nothing is waited for between the clicks, and idle events
run after them, as they do in Flame.
"""

import argparse
import json
import logging
import sys
import time

from flame_double import configure
from flame_double.hooks import HookLoader
from flame_double.project import build
from support import CREATE_SHOTS, HOOKS, callboard_flame_bridge


def main(arguments):
    """Clicks many times and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    calls = parser.parse_args(arguments).calls
    # That no host is there is said once by the figures, not a thousand times.
    logging.getLogger("callboard").setLevel(logging.CRITICAL)
    world = configure()
    sequences = build(world, "tiny")
    began = time.perf_counter()
    loader = HookLoader(world, [HOOKS]).scan()
    scan_secs = time.perf_counter() - began
    taken = []
    for _ in range(calls):
        taken.append(loader.click("media_panel", CREATE_SHOTS, sequences).run.real_seconds)
        world.pump()
    callboard_flame_bridge.close()
    taken.sort()
    figures = {
        "calls": calls,
        "scan_us": scan_secs * 1e6,
        "p50_us": taken[len(taken) // 2] * 1e6,
        "p99_us": taken[int(len(taken) * 0.99)] * 1e6,
        "max_us": taken[-1] * 1e6,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
