"""Run it with `python3 -m unittest`."""
import unittest

import callboard_test

SHOT = {"kind": "Shot", "id": "s1"}


class CountTasks(unittest.TestCase):
    def test_the_tasks_of_a_shot_are_counted(self):
        tasks = [{"name": "compositing"}, {"name": "lighting"}]
        with callboard_test.PluginTest("my_plugin.py", ftrack=lambda expression: tasks) as test:
            outcome = test.launch("count_tasks", selection=[SHOT])
        self.assertEqual(outcome["message"], "2 tasks")
        self.assertEqual(test.queries, ['select name from Task where parent_id is "s1"'])

    def test_without_a_shot_it_says_what_to_do(self):
        with callboard_test.PluginTest("my_plugin.py") as test:
            with self.assertRaises(callboard_test.Failure) as caught:
                test.launch("count_tasks")
        self.assertEqual(caught.exception.hint, "select exactly one shot")


if __name__ == "__main__":
    unittest.main()
