"""What a turn asks of the host about events, settings and jobs, as it travels."""

import json
import unittest

from test_plugin import Host

BODY = """
import callboard
plugin = callboard.Plugin()

@plugin.action("all")
def everything(launch, host):
    number = host.subscribe("topic=a", on="bus")
    heard = host.next_events(wait_secs=2)
    host.unsubscribe(number)
    replies = host.publish({"topic": "b"}, on="bus", wait_secs=1, max_replies=2)
    child = host.launch("k", "p.go", {"n": 1})
    file = host.attach("sheet.txt")
    host.progress("writing", 0.5, "1 of 2")
    return callboard.done("ok", [launch.event, launch.settings, host.settings(), heard, replies, child, file])

plugin.serve()
"""


class Services(unittest.TestCase):
    def test_each_method_asks_what_the_protocol_says(self):
        host = Host(BODY)
        host.launch("all")
        expected = [
            ("events.subscribe", {"on": "bus", "subscription": "topic=a"}, {"subscription_id": 7}),
            ("events.next", {"wait_secs": 2}, {"events": [{"subscription_id": 7, "event": {"topic": "a"}}], "dropped": 0}),
            ("events.unsubscribe", {"subscription_id": 7}, {}),
            ("events.publish", {"on": "bus", "event": {"topic": "b"}, "wait_secs": 1, "max_replies": 2}, {"replies": [{"topic": "r"}]}),
            ("jobs.launch", {"key": "k", "action": "p.go", "values": {"n": 1}, "selection": []}, {"job": "j", "state": "queued"}),
            ("jobs.attach", {"name": "sheet.txt"}, {"name": "sheet.txt", "size_bytes": 3}),
        ]
        for method, params, result in expected:
            request = host.read()
            self.assertEqual((request["method"], request["params"]), (method, params), json.dumps(request))
            host.send({"id": request["id"], "result": result})
        told = host.read()
        self.assertEqual(told["params"], {"text": "writing", "fraction": 0.5, "step": "1 of 2"})
        asked = host.read()
        self.assertEqual(asked["method"], "settings.get")
        host.send({"id": asked["id"], "result": {"values": {"handles": 8}}})
        output = host.read()["result"]["output"]
        self.assertEqual(output[:3], [None, {}, {"handles": 8}])
        self.assertEqual((output[3], output[4]), ([{"topic": "a"}], [{"topic": "r"}]))
        self.assertEqual((output[5]["job"], output[6]["size_bytes"]), ("j", 3))
        self.assertEqual(host.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
