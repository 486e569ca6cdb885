"""The hook as Flame sees it: its menus, and what choosing one costs."""

import ast
import importlib
import os
import subprocess
import sys
import unittest

import flame
from flame_double import configure
from flame_double.containers import PyReel
from flame_double.project import build
from support import (
    CREATE_SHOTS,
    HERE,
    HOOKS,
    SDK,
    BusServer,
    Stage,
    callboard_flame_bridge,
    nothing_blocks,
    reply,
)

# What Flame may be held for by one callback, in seconds.
EXECUTE_BUDGET = 0.010


class Menus(Stage):
    def captions(self, loader, surface, selection):
        return [(entry.path, entry.caption) for entry in loader.menu(surface, selection)]

    def test_the_entry_is_in_both_menus_for_a_sequence(self):
        loader = self.load_hooks(budget=0.001)
        expected = [(("Callboard",), CREATE_SHOTS)]
        self.assertEqual(self.captions(loader, "media_panel", self.sequences), expected)
        self.assertEqual(self.captions(loader, "main_menu", ()), expected)

    def test_the_media_panel_has_no_entry_where_no_sequence_is_selected(self):
        loader = self.load_hooks()
        self.assertEqual(self.captions(loader, "media_panel", ()), [])
        self.assertEqual(self.captions(loader, "media_panel", [PyReel(self.world)]), [])

    def test_a_thousand_selected_things_do_not_slow_the_menu(self):
        loader = self.load_hooks(budget=0.001)
        reels = [PyReel(self.world) for _ in range(1000)]
        self.assertEqual(self.captions(loader, "media_panel", reels), [])

    def test_the_menus_are_the_same_in_every_release(self):
        for version in ("2022", "2023.1", "2023.2", "2024.2", "2025.2.2", "2026.pr12", "2027.1"):
            with self.subTest(version=version):
                if self.world.hooks is not None:
                    self.world.hooks.unload()
                self.world = configure(version=version)
                loader = self.load_hooks()
                selection = build(self.world, "tiny")
                self.assertEqual(len(loader.menu("media_panel", selection)), 1)


class Rendering(Stage):
    def said(self):
        return [params["busy"] for params in self.bus.params("application.busy")]

    def test_the_host_hears_of_a_render_and_of_its_end_and_flame_is_not_held(self):
        self.serve()
        self.bus.answers["application.busy"] = lambda params: {}
        self.start_session()
        loader = self.load_hooks(budget=EXECUTE_BUDGET)
        with nothing_blocks():
            loader.call("batch_render_begin", {}, None)
        self.pump_until(lambda: self.said() == [True])
        with nothing_blocks():
            loader.call("batch_render_end", {"aborted": True}, None)
        self.pump_until(lambda: self.said() == [True, False])
        self.assertEqual(loader.problems, [])

    def test_a_render_without_a_host_is_a_render(self):
        self.start_session(path=os.path.join(HERE, "no", "such.sock"))
        loader = self.load_hooks(budget=EXECUTE_BUDGET)
        with nothing_blocks():
            loader.call("batch_render_begin", {}, None)
            loader.call("batch_render_end", {}, None)
        self.assertEqual(loader.problems, [])


class Import(unittest.TestCase):
    def test_the_scanned_folder_holds_the_hook_alone(self):
        files = [name for _, _, names in os.walk(HOOKS) for name in names if name.endswith(".py")]
        self.assertEqual(files, ["callboard_flame_hook.py"])

    def test_importing_opens_no_socket_and_starts_no_thread(self):
        script = (
            "import socket, sys, threading\n"
            "socket.socket.connect = socket.socket.bind = None\n"
            "import callboard_flame_hook\n"
            "print(threading.active_count(), callboard_flame_hook.callboard_flame_bridge._session)\n"
        )
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join([HERE, HOOKS]))
        out = subprocess.check_output([sys.executable, "-c", script], env=environment)
        self.assertEqual(out.split(), [b"1", b"None"])

    def test_what_flame_loads_is_written_for_the_oldest_python(self):
        # Flame 2022 brings Python 3.7; a newer Python can hold sources to its grammar.
        grammar = {"feature_version": (3, 7)} if sys.version_info >= (3, 8) else {}
        bridge = os.path.dirname(callboard_flame_bridge.__file__)
        files = [os.path.join(HOOKS, "callboard_flame_hook.py"), os.path.join(SDK, "callboard.py")]
        files += [os.path.join(bridge, name) for name in os.listdir(bridge) if name.endswith(".py")]
        for path in files:
            with open(path, encoding="utf-8") as file:
                ast.parse(file.read(), path, **grammar)


class Execute(Stage):
    def click(self, selection=None, surface="media_panel", **options):
        loader = self.load_hooks(budget=EXECUTE_BUDGET)
        shown = self.sequences if selection is None else selection
        with nothing_blocks():
            clicked = loader.click(surface, CREATE_SHOTS, shown, **options)
        self.assertEqual(loader.problems, [])
        return clicked

    def test_a_click_raises_the_event_that_ftracks_page_raises(self):
        self.serve()
        self.bus.answers["publish"] = reply(success=True, message="Create shots started", job="j")
        self.start_session()
        self.click()
        data = self.launched()
        self.assertEqual(data["actionIdentifier"], "shot_creation.create_shots")
        self.assertEqual(data["selection"], [])
        self.assertTrue(data["dcc"].pop("selection_id"))
        expected = {"application": "flame", "version": "2025.2.2", "count": 1}
        expected.update(project="demo_project", project_nickname="demo_project")
        self.assertEqual(data["dcc"], expected)
        event = self.bus.params("publish")[0]["event"]
        self.assertEqual(event["topic"], "ftrack.action.launch")
        self.assertEqual(self.message()[:2], ("Create shots started.", "info"))

    def test_a_click_waits_for_nothing_whatever_the_host_does(self):
        for greeting in (BusServer.WELCOME, None):
            self.serve(greeting=greeting)
            self.start_session()
            self.click()
        with self.assertLogs("callboard.flame", "WARNING"):
            self.start_session("/nonexistent/bus.sock")
            self.click()
            told = self.world.messages
            self.pump_until(lambda: any("not running" in line.message for line in told))

    def test_an_empty_tuple_falls_back_on_what_flame_calls_selected(self):
        self.serve()
        self.start_session()
        self.click(execute_selection=())
        self.assertEqual(self.launched()["dcc"]["count"], 1)

    def test_the_main_menu_falls_back_on_the_open_timeline(self):
        self.serve()
        self.start_session()
        self.world.selected_entries = ()
        self.click(selection=(), surface="main_menu")
        self.assertEqual(self.launched()["dcc"]["count"], 1)

    def test_without_any_sequence_the_artist_is_told(self):
        self.serve()
        self.start_session()
        self.world.selected_entries = ()
        self.world.timeline_clip = None
        self.click(selection=(), surface="main_menu")
        self.assertEqual(self.message().type, "warning")
        self.assertEqual(self.bus.hellos, [])

    def test_a_rescan_keeps_the_session_and_its_connection(self):
        self.serve()
        session = self.start_session()
        loader = self.load_hooks()
        loader.click("media_panel", CREATE_SHOTS, self.sequences)
        self.launched()
        loader.rescan()
        importlib.reload(callboard_flame_bridge)
        self.assertIs(callboard_flame_bridge.current_session(), session)
        loader.click("media_panel", CREATE_SHOTS, self.sequences)
        self.pump_until(lambda: len(self.bus.params("publish")) == 2)
        self.assertEqual(len(self.bus.hellos), 1)
        self.assertEqual(loader.problems, [])

    def test_when_flame_ends_the_connection_ends(self):
        self.serve()
        self.start_session()
        loader = self.load_hooks()
        loader.click("media_panel", CREATE_SHOTS, self.sequences)
        self.launched()
        connection = self.bus.connections[-1]
        flame.exit()
        self.assertTrue(self.bus.wait_for(lambda: connection.fileno() == -1))
        self.assertEqual(loader.problems, [])


if __name__ == "__main__":
    unittest.main()
