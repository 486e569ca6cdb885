"""What the tests of hook and bridge share: paths, a guard against waiting, a stage to play on."""

import builtins
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
HOOKS = os.path.join(ROOT, "hooks")
SDK = os.path.join(os.path.dirname(ROOT), "sdk", "python")

for _folder in (os.path.join(ROOT, "bridge"), SDK, os.path.join(SDK, "tests")):
    if _folder not in sys.path:
        sys.path.append(_folder)

import callboard
import callboard_flame_bridge
import flame
from bus_server import BusServer, Silence
from callboard_flame_bridge import Session
from flame_double import configure
from flame_double.hooks import HookLoader
from flame_double.project import build

__all__ = [
    "Blocked", "BusServer", "CREATE_SHOTS", "HERE", "HOOKS", "SDK", "Session", "Silence", "Stage",
    "build", "callboard_flame_bridge", "flame", "nothing_blocks", "reply",
]

CREATE_SHOTS = "Create Shots in ftrack…"


class Blocked(BaseException):
    """Something waited or could have waited on Flame's main thread."""


@contextlib.contextmanager
def nothing_blocks():
    """Makes sockets, files, sleeping and processes raise on the thread that enters."""
    main = threading.get_ident()
    places = [
        (socket, "socket"),
        (socket.socket, "connect"),
        (socket.socket, "recv"),
        (socket.socket, "send"),
        (socket.socket, "sendall"),
        (builtins, "open"),
        (os, "open"),
        (time, "sleep"),
        (subprocess, "Popen"),
        (threading.Thread, "join"),
    ]
    kept = [(place, name, getattr(place, name)) for place, name in places]
    for place, name, original in kept:
        setattr(place, name, _guarded(original, name, main))
    try:
        yield
    finally:
        for place, name, original in kept:
            if name in ("connect", "recv", "send", "sendall"):
                delattr(place, name)
            else:
                setattr(place, name, original)


def _guarded(original, name, main):
    def guarded(*arguments, **options):
        if threading.get_ident() == main:
            raise Blocked(name)
        return original(*arguments, **options)

    return guarded


class Stage(unittest.TestCase):
    """A Flame with a sequence, a session of the bridge and the hook, on a bus of the test's own."""

    fixture = "tiny"
    flame_version = "2025.2.2"

    def setUp(self):
        self.world = configure(version=self.flame_version)
        self.addCleanup(self.check_threads)
        self.sequences = build(self.world, self.fixture)

    def check_threads(self):
        self.assertEqual(self.world.violations, [])

    def serve(self, **options):
        self.bus = BusServer(**options)
        started = reply(success=True, message="Create shots started", job="j1", state="running")
        self.bus.answers["publish"] = started
        self.addCleanup(self.bus.close)
        return self.bus

    def start_session(self, path=None):
        client = callboard.Client("flame test", surface="flame", path=path or self.bus.path)
        session = Session(flame, client, clock=self.world.clock.now)
        self.addCleanup(callboard_flame_bridge.close)
        return callboard_flame_bridge.use_session(session)

    def load_hooks(self, **options):
        if self.world.hooks is not None:
            self.world.hooks.unload()
        loader = HookLoader(self.world, [HOOKS], **options).scan()
        self.addCleanup(loader.unload)
        self.assertEqual(loader.problems, [])
        return loader

    def pump_until(self, is_true, timeout=15.0):
        self.assertTrue(self.world.pump_until(is_true, timeout), "it did not happen")

    def message(self):
        """Waits for the next line in Flame's message bar and returns it."""
        self.pump_until(lambda: self.world.messages)
        return self.world.messages.pop(0)

    def describe(self, selection_id, offset=0, limit=1000):
        """Asks for a page as the host does, while Flame goes on, and returns the answer."""
        params = {"selection_id": selection_id, "offset": offset, "limit": limit}
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(self.bus.ask("dcc.describe", params))
        )
        asking.start()
        self.pump_until(lambda: answers)
        asking.join(10)
        return answers[0]

    def launched(self):
        """Waits for the launch on the bus and returns the event's data."""
        self.pump_until(lambda: self.bus.params("publish"))
        return self.bus.params("publish")[-1]["event"]["data"]


def reply(**data):
    """What the host answers to a published launch."""
    return lambda params: {"replies": [{"topic": "ftrack.meta.reply", "data": data}]}
