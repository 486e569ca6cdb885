"""Run it with `python -m unittest discover tests`, where ftrack-python-api is installed."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(__file__)), "hook"))

import my_plugin  # noqa: E402


class Query:
    def __init__(self, rows):
        self.rows = rows

    def all(self):
        return self.rows


class Session:
    """As much of a session as the hook uses."""

    def query(self, expression):
        self.asked = expression
        return Query([{"name": "compositing"}, {"name": "lighting"}])


def event(*ids):
    selection = [{"entityId": each, "entityType": "task"} for each in ids]
    return {"data": {"selection": selection}}


class CountTasks(unittest.TestCase):
    def test_it_is_offered_on_one_shot_only(self):
        offered = my_plugin.discover(Session(), event("s1"))
        self.assertEqual(offered["items"][0]["actionIdentifier"], my_plugin.IDENTIFIER)
        self.assertIsNone(my_plugin.discover(Session(), event()))
        self.assertIsNone(my_plugin.discover(Session(), event("s1", "s2")))

    def test_the_tasks_of_a_shot_are_counted(self):
        session = Session()
        reply = my_plugin.launch(session, event("s1"))
        self.assertEqual(reply, {"success": True, "message": "2 tasks"})
        self.assertIn('"s1"', session.asked)


if __name__ == "__main__":
    unittest.main()
