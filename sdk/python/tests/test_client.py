"""The bus client against a small real bus."""

import os
import queue
import socket
import sys
import tempfile
import threading
import time
import unittest
from hashlib import sha256

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import callboard
from bus_server import BusServer, Refusal, Silence


class ClientTest(unittest.TestCase):
    def server(self, **options):
        server = BusServer(**options)
        self.addCleanup(server.close)
        return server

    def client(self, path, **options):
        client = callboard.Client("test 1.0", path=path, **options)
        self.addCleanup(client.close)
        return client

    def failure(self, answer):
        with self.assertRaises(callboard.Failure) as caught:
            answer.wait()
        return caught.exception


class Conversation(ClientTest):
    def test_a_client_greets_and_gets_its_answer(self):
        server = self.server()
        server.answers["status"] = lambda params: {"pid": 7}
        client = self.client(server.path, surface="flame")
        self.assertEqual(client.request("status").wait(), {"pid": 7})
        hello = {"versions": [1], "scope": "dcc", "surface": "flame", "name": "test 1.0"}
        self.assertEqual(server.hellos, [hello])
        self.assertEqual(client.welcome["callboard"], "0.1.0")

    def test_an_error_is_a_failure_with_its_hint(self):
        server = self.server()

        def refuse(params):
            raise Refusal("denied", "not for you", "ask somebody")

        server.answers["quit"] = refuse
        failure = self.failure(self.client(server.path).request("quit"))
        self.assertEqual((failure.kind, failure.hint), ("denied", "ask somebody"))

    def test_a_published_event_brings_its_replies(self):
        server = self.server()
        server.answers["publish"] = lambda params: {"replies": [{"data": params["event"]["topic"]}]}
        event = callboard.event("ftrack.action.discover", {"selection": []})
        answer = self.client(server.path).publish(event, wait_secs=5, max_replies=1)
        self.assertEqual(answer.wait(), {"replies": [{"data": "ftrack.action.discover"}]})
        sent = server.params("publish")[0]
        self.assertEqual((sent["wait_secs"], sent["max_replies"]), (5, 1))
        keys = {"topic", "data", "id", "sent", "source", "target", "inReplyToEvent"}
        self.assertEqual(set(sent["event"]), keys)

    def test_events_reach_listeners_and_can_be_replied_to(self):
        server, came = self.server(), threading.Event()
        client = self.client(server.path)
        client.on_event(lambda event: (client.reply(event, {"ok": 1}), came.set()))
        client.subscribe("topic=a.b").wait()
        server.tell("event", {"event": {"id": "e1", "topic": "a.b", "data": {}}})
        self.assertTrue(came.wait(10))
        self.assertTrue(server.wait_for(lambda: "reply" in server.methods()))
        reply = server.params("reply")[0]["event"]
        self.assertEqual(reply["inReplyToEvent"], "e1")
        self.assertEqual(reply["topic"], "ftrack.meta.reply")

    def test_the_host_may_ask_and_is_answered_later(self):
        server, asked = self.server(), queue.Queue()
        client = self.client(server.path)
        client.on_request("dcc.describe", asked.put)
        client.request("status").wait()
        elsewhere = threading.Thread(target=lambda: self.answer(asked.get(timeout=10)))
        elsewhere.start()
        answer = server.ask("dcc.describe", {"selection_id": "s"})
        self.assertEqual(answer["result"], {"rows": [], "selection": "s"})
        elsewhere.join(10)

    def answer(self, request):
        request.answer({"rows": [], "selection": request.params["selection_id"]})

    def test_what_nobody_handles_and_what_fails_is_answered(self):
        server = self.server()
        client = self.client(server.path)

        def fall_over(request):
            raise ValueError("oops")

        client.on_request("dcc.fall", fall_over)
        client.request("status").wait()
        self.assertEqual(server.ask("dcc.dance", {})["error"]["kind"], "unsupported")
        with self.assertLogs("callboard", "ERROR"):
            self.assertEqual(server.ask("dcc.fall", {})["error"]["kind"], "internal")

    def test_an_answer_that_does_not_fit_is_a_failure_for_whoever_asked(self):
        server = self.server()
        client = self.client(server.path)
        for body, kind in (
            ("x" * callboard.MAX_LINE_BYTES, "limit"),
            (float("nan"), "invalid"),
            (object(), "invalid"),
        ):
            client.on_request("dcc.show", lambda request: request.answer(body))
            client.request("status").wait()
            with self.assertLogs("callboard", "WARNING"):
                self.assertEqual(server.ask("dcc.show", {})["error"]["kind"], kind)

    def test_text_arrives_whole_and_half_characters_are_replaced(self):
        server = self.server()
        server.answers["echo"] = lambda params: params
        client = self.client(server.path)
        text = 'é 🎬 "\\\n\u2028'
        self.assertEqual(client.request("echo", {"t": text}).wait(), {"t": text})
        self.assertEqual(client.request("echo", {"t": "a\udc80b"}).wait(), {"t": "a?b"})

    def test_nonsense_is_left_out_and_the_connection_lives(self):
        server = self.server()
        client = self.client(server.path)
        client.request("status").wait()
        with self.assertLogs("callboard", "WARNING") as logged:
            server.send_bytes(b"{not json\n[1]\n" + b"x" * (callboard.MAX_LINE_BYTES + 10) + b"\n")
            client.request("status").wait()
            self.assertEqual(client.request("whoami").wait(), {})
        self.assertEqual(len(logged.output), 3)

    def test_a_message_that_is_too_long_is_refused_here(self):
        client = self.client(self.server().path)
        failure = self.failure(client.request("x", {"text": "x" * callboard.MAX_LINE_BYTES}))
        self.assertEqual(failure.kind, "limit")
        self.assertEqual(client.request("status").wait(), {})


class Absence(ClientTest):
    def check_fails_within(self, path, kind, seconds):
        client = self.client(path)
        began = time.monotonic()
        failure = self.failure(client.request("status", timeout=8))
        self.assertEqual(failure.kind, kind)
        self.assertLess(time.monotonic() - began, seconds)
        self.assertTrue(failure.hint)

    def test_no_socket_fails_at_once(self):
        self.check_fails_within("/nonexistent/bus.sock", "unavailable", 2)

    def test_a_stale_socket_file_fails_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bus.sock")
            stale = socket.socket(socket.AF_UNIX)
            stale.bind(path)
            stale.close()
            self.check_fails_within(path, "unavailable", 2)

    def test_a_host_that_says_nothing_fails_in_a_few_seconds(self):
        self.check_fails_within(self.server(greeting=None).path, "timed_out", 6)

    def test_a_host_of_another_version_is_named(self):
        greeting = {"versions": [99], "callboard": "9.0.0"}
        self.check_fails_within(self.server(greeting=greeting).path, "unsupported", 2)

    def test_a_host_that_refuses_says_why(self):
        greeting = {"error": {"kind": "unsupported", "message": "too old", "hint": "update"}}
        failure = self.failure(self.client(self.server(greeting=greeting).path).request("status"))
        self.assertEqual(failure.message, "too old")

    def test_a_request_without_answer_ends_at_its_deadline(self):
        server = self.server()

        def say_nothing(params):
            raise Silence

        server.answers["status"] = say_nothing
        client = self.client(server.path)
        self.assertEqual(self.failure(client.request("status", timeout=0.2)).kind, "timed_out")
        self.assertEqual(client.request("whoami").wait(), {})

    def test_a_lost_connection_fails_what_waits_and_comes_back_with_subscriptions(self):
        server = self.server()

        def hang_up(params):
            server.hang_up()
            raise Silence

        server.answers["quit"] = hang_up
        client = self.client(server.path)
        client.subscribe("topic=a.b").wait()
        self.assertEqual(self.failure(client.request("quit")).kind, "unavailable")
        self.assertTrue(server.wait_for(lambda: server.methods().count("subscribe") == 2))
        self.assertEqual(len(server.hellos), 2)

    def test_a_host_that_starts_later_is_found_by_the_next_request(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bus.sock")
            client = self.client(path)
            self.failure(client.subscribe("topic=a.b"))
            with BusServer(path=path) as server:
                self.assertEqual(client.request("status").wait(), {})
                self.assertEqual(server.methods(), ["subscribe", "status"])

    def test_closing_fails_what_comes_after(self):
        client = self.client(self.server().path)
        client.request("status").wait()
        client.close()
        self.assertEqual(self.failure(client.request("status")).kind, "unavailable")

    def test_too_much_waiting_is_refused(self):
        client = self.client(self.server(greeting=None).path)
        answers = [client.request("status") for _ in range(callboard.MAX_QUEUED + 20)]
        self.assertEqual(self.failure(answers[-1]).kind, "limit")
        self.assertEqual(self.failure(answers[0]).kind, "timed_out")


class Callers(ClientTest):
    def test_asking_touches_no_socket_on_the_callers_thread(self):
        server = self.server()
        client = self.client(server.path)
        client.request("status").wait()
        caller = threading.get_ident()
        used = []
        original = socket.socket.sendall

        def watched(connection, *arguments):
            used.append(threading.get_ident())
            return original(connection, *arguments)

        socket.socket.sendall = watched
        try:
            client.request("status").wait()
        finally:
            socket.socket.sendall = original
        self.assertTrue(used)
        self.assertNotIn(caller, used)

    def test_whoever_listens_is_told_when_the_host_is_back_and_not_before(self):
        server = self.server()
        client = self.client(server.path)
        told = []
        client.on_reconnect(lambda: told.append(client.request("status")))
        client.request("status").wait()
        self.assertEqual(told, [])
        server.hang_up()
        self.assertTrue(server.wait_for(lambda: len(server.params("status")) == 2))
        self.assertEqual(told[0].wait(), {})

    def test_a_callback_gets_the_answer_even_when_it_is_there_already(self):
        client = self.client(self.server().path)
        answer = client.request("status")
        answer.wait()
        got = []
        answer.then(got.append)
        self.assertEqual(got, [answer])

    def test_a_delayed_call_happens_without_any_host(self):
        happened = threading.Event()
        self.client("/nonexistent/bus.sock").call_later(0.01, happened.set)
        self.assertTrue(happened.wait(10))


class Path(unittest.TestCase):
    def check(self, environ, expected):
        self.assertEqual(callboard.bus_path(environ), expected)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.temp = folder.name
        self.own = os.path.join(self.temp, "callboard-{}".format(os.getuid()))
        os.mkdir(self.own, 0o700)

    def test_the_first_place_that_is_named_counts(self):
        every = {"CALLBOARD_BUS": "/b/x", "CALLBOARD_HOME": "/h", "XDG_RUNTIME_DIR": "/r"}
        every["TMPDIR"] = self.temp
        self.check(every, "/b/x")
        del every["CALLBOARD_BUS"]
        self.check(every, "/h/bus.sock")
        del every["CALLBOARD_HOME"]
        self.check(every, "/r/callboard/bus.sock")
        every["XDG_RUNTIME_DIR"] = ""
        self.check(every, os.path.join(self.own, "bus.sock"))

    def test_a_long_path_is_replaced_by_its_hash(self):
        just = "/" + "h" * 90
        self.check({"CALLBOARD_HOME": just, "TMPDIR": self.temp}, just + "/bus.sock")
        longer = just + "h"
        digest = sha256((longer + "/bus.sock").encode()).hexdigest()[:16]
        expected = os.path.join(self.own, digest + ".sock")
        self.check({"CALLBOARD_HOME": longer, "TMPDIR": self.temp}, expected)

    def test_a_folder_that_others_can_open_is_refused(self):
        os.chmod(self.own, 0o755)
        with self.assertRaises(callboard.Failure) as caught:
            callboard.bus_path({"TMPDIR": self.temp})
        self.assertEqual(caught.exception.kind, "denied")

    def test_a_folder_that_is_not_there_means_not_running(self):
        os.rmdir(self.own)
        with self.assertRaises(callboard.Failure) as caught:
            callboard.bus_path({"TMPDIR": self.temp})
        self.assertEqual(caught.exception.kind, "unavailable")


if __name__ == "__main__":
    unittest.main()
