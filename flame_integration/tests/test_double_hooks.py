"""The double's hook loader: what it imports, merges, asks and reloads."""

import os
import sys
import tempfile
import textwrap
import unittest

import flame
from flame_double import configure
from flame_double.hooks import BudgetExceeded, HookLoader
from flame_double.project import build


class Loader(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.world = configure()
        self.path_before = list(sys.path)
        self.addCleanup(lambda: sys.path.__setitem__(slice(None), self.path_before))

    def write(self, name, source):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(textwrap.dedent(source))

    def load(self, **options):
        loader = HookLoader(self.world, [self.folder.name], **options).scan()
        self.addCleanup(loader.unload)
        return loader

    def test_folders_are_walked_and_doubled_names_complained_about(self):
        self.write("a/dbl_one.py", "x = 1\n")
        self.write("b/dbl_one.py", "x = 2\n")
        self.write("b/dbl_two.py", "import dbl_one\n")
        loader = self.load()
        self.assertEqual(sorted(loader.modules), ["dbl_one", "dbl_two"])
        self.assertEqual(sys.modules["dbl_one"].x, 1)
        self.assertIn("two modules are called `dbl_one`", loader.problems[0])

    def test_a_module_that_fails_to_import_is_named_and_the_rest_loads(self):
        self.write("dbl_bad.py", "raise ImportError('no such thing')\n")
        self.write("dbl_good.py", "def app_exited(info): return 'bye'\n")
        loader = self.load()
        self.assertIn("no such thing", loader.problems[0])
        self.assertEqual(loader.call("app_exited", {}), ["bye"])

    def test_a_rescan_runs_the_module_again_in_the_same_globals(self):
        self.write(
            "dbl_state.py",
            """
            runs = globals().get("runs", 0) + 1
            def app_initialized(name): return runs
            """,
        )
        loader = self.load()
        self.assertTrue(flame.execute_shortcut("Rescan Python Hooks"))
        self.assertEqual(loader.call("app_initialized", "p"), [2])

    def test_groups_of_one_name_merge_and_sort_by_order(self):
        self.write(
            "dbl_menu_a.py",
            """
            def get_main_menu_custom_ui_actions():
                return [
                    {"name": "Late", "order": 9, "actions": [{"name": "z", "execute": print}]},
                    {"name": "Tools", "order": 1, "actions": [
                        {"name": "b", "order": 2, "execute": print},
                        {"name": "a", "order": 1, "separator": "below", "execute": print},
                    ]},
                ]
            """,
        )
        self.write(
            "dbl_menu_b.py",
            """
            def get_main_menu_custom_ui_actions():
                return [
                    {"name": "Tools", "actions": [{"name": "a", "order": 3, "execute": print}]},
                    {"name": "Deep", "hierarchy": ["Tools"], "actions": [{"name": "d"}]},
                    {"hierarchy": ["Nowhere"], "actions": []},
                ]
            """,
        )
        loader = self.load()
        menu = loader.menu("main_menu")
        self.assertEqual(
            [(entry.path, entry.caption) for entry in menu],
            [
                (("Tools",), "a"),
                (("Tools",), "b"),
                (("Tools",), "a (2)"),
                (("Tools", "Deep"), "d"),
                (("Late",), "z"),
            ],
        )
        self.assertEqual(menu[0].separator, "below")
        self.assertIn("parent that nobody declared", loader.problems[0])

    def test_version_limits_of_functions_and_actions_hold(self):
        self.write(
            "dbl_limits.py",
            """
            def get_batch_custom_ui_actions():
                return [{"name": "g", "actions": [
                    {"name": "old", "maximumVersion": "2024", "execute": print},
                    {"name": "now", "minimumVersion": "2025", "maximumVersion": "2025", "execute": print},
                    {"name": "new", "minimumVersion": "2026", "execute": print},
                ]}]
            def get_timeline_custom_ui_actions():
                return [{"name": "g", "actions": [{"name": "never", "execute": print}]}]
            get_timeline_custom_ui_actions.minimum_version = "2026"
            """,
        )
        loader = self.load()
        self.assertEqual([entry.caption for entry in loader.menu("batch")], ["now"])
        self.assertEqual(loader.menu("timeline"), [])

    def test_predicates_decide_and_a_broken_one_hides_its_entry(self):
        self.write(
            "dbl_predicates.py",
            """
            def get_media_panel_custom_ui_actions():
                return [{"name": "g", "actions": [
                    {"name": "shown", "isVisible": lambda s: len(s) == 1, "execute": print},
                    {"name": "greyed", "isEnabled": lambda s: False, "execute": print},
                    {"name": "broken", "isVisible": lambda s: 1 / 0, "execute": print},
                ]}]
            """,
        )
        loader = self.load()
        menu = loader.menu("media_panel", build(self.world, "tiny"))
        self.assertEqual([(e.caption, e.enabled) for e in menu], [("shown", True), ("greyed", False)])
        self.assertIn("ZeroDivisionError", loader.problems[0])
        self.assertRaises(LookupError, loader.click, "media_panel", "greyed")

    def test_execute_may_be_handed_another_selection(self):
        self.write(
            "dbl_execute.py",
            """
            got = []
            def get_media_panel_custom_ui_actions():
                return [{"name": "g", "actions": [{"name": "go", "execute": got.append}]}]
            """,
        )
        loader = self.load()
        sequence = build(self.world, "tiny")[0]
        loader.click("media_panel", "go", [sequence], execute_selection=())
        self.assertEqual(sys.modules["dbl_execute"].got, [()])

    def test_a_callback_over_its_budget_fails_the_test(self):
        self.write(
            "dbl_slow.py",
            """
            def get_media_panel_custom_ui_actions():
                return [{"name": "g", "actions": [
                    {"name": "slow", "isVisible": lambda s: [s[0].name for _ in range(300)]},
                ]}]
            """,
        )
        loader = self.load(budget=0.010)
        selection = build(self.world, "tiny")
        self.assertRaises(BudgetExceeded, loader.menu, "media_panel", selection)

    def test_old_hook_names_still_work(self):
        self.write("dbl_camel.py", "def appExit(info): return 'old'\n")
        self.assertEqual(self.load().call("app_exited", {}), ["old"])


if __name__ == "__main__":
    unittest.main()
