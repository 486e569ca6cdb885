"""The bridge on a real bus: what it describes, asks and tells, and what it does without a host."""

import os
import socket
import tempfile
import threading
import time
import unittest

from flame_double import faults
from flame_double.project import big, build, layered
from support import Silence, Stage, callboard_flame_bridge, reply

ACTION = "shot_creation.create_shots"

FORM = {
    "items": [
        {"type": "label", "value": "**3 shots** will be made"},
        {"type": "textarea", "name": "shots", "label": "Shots", "value": "a\nb\nc"},
        {
            "type": "enumerator",
            "name": "task_types",
            "label": "Task types",
            "value": ["t1"],
            "data": [{"label": "Compositing", "value": "t1"}],
        },
        {"type": "boolean", "name": "dry_run", "label": "Dry run", "value": False},
        {"type": "hidden", "name": "callboard_job", "value": "j1"},
    ],
    "title": "Create shots",
    "submit_button_label": "Create",
    "job": "j1",
    "state": "asks",
    "success": True,
}


class Describing(Stage):
    def rows_of(self, sequences):
        """Launches on sequences and returns the first page of what the host is told."""
        self.serve()
        self.start_session().launch(ACTION, sequences)
        answer = self.describe(self.launched()["dcc"]["selection_id"])["result"]
        self.assertTrue(answer["complete"])
        self.assertEqual(answer["total"], len(answer["rows"]))
        return answer["rows"]

    def test_a_segment_becomes_a_row_of_plain_data(self):
        first = self.rows_of(self.sequences)[0]
        self.assertEqual(
            first,
            {
                "sequence": "SEQ010",
                "version": 1,
                "track": 1,
                "index": 1,
                "type": "Video Segment",
                "shot_name": "SHOT_010",
                "segment_name": "SHOT_010",
                "comment": "shot 10",
                "record_in": 86400,
                "record_duration": 48,
                "source_in": 864000,
                "source_duration": 96,
                "head": 24,
                "tail": 24,
                "start_frame": 1001,
                "source_name": "SHOT_010",
                "tape_name": "A001",
                "file_path": "/media/plates/SHOT_010/SHOT_010.1001.exr",
                "fps": 24.0,
                "fps_exact": "24/1",
                "drop_frame": False,
                "source_fps": 24.0,
                "source_fps_exact": "24/1",
                "width": 1920,
                "height": 1080,
                "source_width": 1920,
                "source_height": 1080,
            },
        )

    def test_gaps_and_hidden_tracks_are_left_out(self):
        rows = self.rows_of(build(self.world, "layered"))
        told = [(row["track"], row["index"], row["shot_name"]) for row in rows]
        self.assertEqual(told, [(1, 1, "vfx_010"), (1, 3, "vfx_020"), (2, 1, "vfx_010")])

    def test_a_missing_shot_name_is_listed_and_awkward_ones_arrive_whole(self):
        rows = self.rows_of(build(self.world, "noname"))
        self.assertEqual(rows[0]["shot_name"], "")
        self.assertEqual(rows[3]["shot_name"], 'say "hi"')
        self.assertEqual(rows[6]["shot_name"], "été_🎬")
        self.assertEqual(len(rows), 8)

    def test_every_rate_is_told_exactly(self):
        rows = self.rows_of(build(self.world, "rates"))
        told = {row["sequence"][5:]: (row["fps"], row["fps_exact"], row["drop_frame"]) for row in rows}
        self.assertEqual(told["23.976 fps"], (23.976, "24000/1001", False))
        self.assertEqual(told["29.97 DF"], (29.97, "30000/1001", True))
        self.assertEqual(told["59.94 NDF"], (59.94, "60000/1001", False))
        self.assertEqual(told["50 fps"], (50.0, "50/1", False))
        self.assertEqual(len(told), 10)

    def test_endless_handles_and_unreadable_times_are_null(self):
        sequence = faults.sequence_of_colour_source(self.world)
        segment = faults.segments_of(sequence)[0]
        faults.refuse_reads(segment, ["source_in", "record_in"])
        [row] = self.rows_of([sequence])
        for member in ("head", "tail", "source_duration", "source_in", "record_in"):
            self.assertIsNone(row[member], member)
        self.assertEqual(row["record_duration"], 48)

    def test_nothing_but_gaps_or_sound_gives_no_rows(self):
        made = [faults.sequence_of_gaps_only(self.world), faults.sequence_of_audio_only(self.world)]
        self.assertEqual(self.rows_of(made), [])

    def test_what_the_artist_deletes_meanwhile_is_marked(self):
        sequences = self.sequences + layered(self.world)
        gone = faults.segments_of(self.sequences[0])[1]
        gone._leave()
        session = self.start_session_with_bus()
        session.launch(ACTION, sequences)
        gone._die()
        sequences[1]._die()
        rows = self.describe(self.launched()["dcc"]["selection_id"])["result"]["rows"]
        self.assertEqual([row["shot_name"] for row in rows], ["SHOT_010", "SHOT_030", None])
        self.assertTrue(rows[-1]["vanished"])

    def test_what_is_deleted_after_it_was_read_stays_told(self):
        session = self.start_session_with_bus()
        session.launch(ACTION, self.sequences)
        self.pump_until(lambda: self.world.idle_waiting == 0 and self.bus.params("publish"))
        self.sequences[0]._die()
        rows = self.describe(self.launched()["dcc"]["selection_id"])["result"]["rows"]
        self.assertEqual([row["shot_name"] for row in rows], ["SHOT_010", "SHOT_020", "SHOT_030"])

    def test_a_big_selection_is_read_in_short_slices_and_pages(self):
        with self.world.uncharged():
            sequences = big(self.world, segments=1000, tracks=5)
        self.start_session_with_bus().launch(ACTION, sequences)
        selection_id = self.launched()["dcc"]["selection_id"]
        rows, complete = [], False
        while not complete:
            answer = self.describe(selection_id, offset=len(rows), limit=300)["result"]
            rows += answer["rows"]
            complete = answer["complete"]
        self.assertEqual(answer["total"], 1000)
        self.assertEqual(len(rows), 1000)
        self.assertEqual(len({(row["track"], row["index"]) for row in rows}), 1000)
        self.assertLessEqual(max(run.seconds for run in self.world.idle_runs), 0.010)
        self.assertLess(sum(run.seconds for run in self.world.idle_runs), 1.0)

    def test_what_is_deleted_or_closed_between_two_slices_is_marked(self):
        for happen in (
            lambda sequence: faults.delete_when_idle(self.world, sequence, after=1),
            lambda sequence: self.world.schedule_idle(lambda: faults.switch_project(self.world)),
        ):
            with self.world.uncharged():
                [sequence] = big(self.world, segments=60, tracks=1)
            session = self.start_session_with_bus()
            session.launch(ACTION, [sequence])
            happen(sequence)
            rows = self.describe(self.launched()["dcc"]["selection_id"])["result"]["rows"]
            gone = [row for row in rows if row.get("vanished")]
            self.assertEqual(len(rows), 60)
            self.assertTrue(0 < len(gone) < 60, len(gone))
            self.assertEqual(gone[0]["sequence"], "SEQ010")
            build(self.world, "tiny")

    def test_times_pass_midnight_and_tracks_are_told_apart(self):
        sequences = [faults.sequence_across_midnight(self.world)]
        sequences.append(faults.sequence_of_twelve_tracks(self.world))
        rows = self.rows_of(sequences)
        self.assertEqual(rows[1]["record_in"] - rows[0]["record_in"], 60)
        self.assertTrue(rows[0]["drop_frame"])
        self.assertEqual([row["track"] for row in rows[2:]], list(range(1, 13)))

    def test_media_that_is_gone_is_told_all_the_same(self):
        first, second, _ = faults.segments_of(self.sequences[0])
        faults.unlink(first)
        faults.lose_media(second)
        paths = [row["file_path"] for row in self.rows_of(self.sequences)]
        self.assertEqual(paths[1], "/media/gone/gone.1001.exr")
        self.assertEqual(len(paths), 3)

    def test_awkward_names_arrive_whole(self):
        rows = self.rows_of([faults.sequence_of_awkward_names(self.world)])
        self.assertEqual(tuple(row["shot_name"] for row in rows), faults.AWKWARD_NAMES)

    def test_only_the_latest_selections_are_kept(self):
        session = self.start_session_with_bus()
        for _ in range(20):
            session.launch(ACTION, self.sequences)
        self.pump_until(lambda: len(self.bus.params("publish")) == 20)
        ids = [one["event"]["data"]["dcc"]["selection_id"] for one in self.bus.params("publish")]
        self.assertEqual(self.describe(ids[0])["error"]["kind"], "not_found")
        self.assertEqual(len(self.describe(ids[-1])["result"]["rows"]), 3)

    def test_a_busy_flame_answers_what_it_has(self):
        self.start_session_with_bus().launch(ACTION, self.sequences)
        with self.world.busy():
            selection_id = self.launched()["dcc"]["selection_id"]
            answer = self.describe(selection_id)["result"]
        self.assertEqual(answer, {"rows": [], "complete": False})
        self.assertEqual(len(self.describe(selection_id)["result"]["rows"]), 3)

    def test_a_selection_that_is_not_kept_is_named(self):
        self.start_session_with_bus().launch(ACTION, self.sequences)
        self.launched()
        self.assertEqual(self.describe("nonsense")["error"]["kind"], "not_found")

    def start_session_with_bus(self):
        self.serve()
        return self.start_session()


class Answers(Stage):
    def launch(self, **data):
        self.serve()
        self.bus.answers["publish"] = reply(**data)
        self.session = self.start_session()
        self.session.launch(ACTION, self.sequences)

    def test_success_and_failure_reach_the_message_bar(self):
        self.launch(success=True, message="12 shots made", job="j", state="done")
        self.assertEqual(self.message()[:2], ("12 shots made.", "info"))
        failed = dict(message="no project `x`", hint="choose another", state="failed")
        self.launch(success=False, **failed)
        self.assertEqual(self.message()[:2], ("No project `x`. Choose another.", "error"))

    def test_a_form_is_asked_and_its_values_are_submitted_whole(self):
        self.world.dialog_answers.append("Create")
        self.launch(**FORM)
        self.pump_until(lambda: len(self.bus.params("publish")) == 2)
        dialog = self.world.dialogs[0]
        self.assertEqual((dialog.title, dialog.buttons), ("Create shots", ("Create",)))
        self.assertIn("Task types: Compositing", dialog.message)
        self.assertIn("Shots:\n  a\n  b\n  c", dialog.message)
        self.assertNotIn("callboard_job", dialog.message)
        first, second = [sent["event"]["data"] for sent in self.bus.params("publish")]
        self.assertIn("3 shots will be made\n", dialog.message)
        self.assertEqual(second["dcc"], first["dcc"])
        values = {"shots": "a\nb\nc", "task_types": ["t1"], "dry_run": False, "callboard_job": "j1"}
        self.assertEqual(second["values"], values)
        ids = {sent["event"]["id"] for sent in self.bus.params("publish")}
        self.assertEqual(len(ids), 2)

    def test_cancelling_the_form_cancels_the_job(self):
        self.world.dialog_answers.append("Cancel")
        self.launch(**FORM)
        self.pump_until(lambda: self.bus.params("jobs.cancel"))
        self.assertEqual(self.bus.params("jobs.cancel"), [{"job": "j1"}])

    def test_a_form_that_flame_cannot_fill_in_is_left_to_callboard(self):
        items = [{"type": "text", "name": "p", "label": "Project", "required": True, "value": ""}]
        self.launch(items=items, title="Create shots", job="j1")
        expected = "Create shots needs `Project`. Answer the job in Callboard."
        self.assertEqual(self.message()[:2], (expected, "warning"))

    def test_a_job_that_rests_later_is_told(self):
        self.launch(success=True, message="Create shots started", job="j1", state="running")
        self.message()
        self.assertEqual(self.bus.params("subscribe"), [{"subscription": "topic=callboard.job"}])
        data = {"success": True, "message": "3 shots made", "job": "j1", "state": "done"}
        self.bus.tell("event", {"event": {"topic": "callboard.job", "data": data}})
        self.assertEqual(self.message()[:2], ("3 shots made.", "info"))

    def test_a_job_that_asks_later_is_asked(self):
        self.launch(success=True, message="Create shots started", job="j1", state="running")
        self.message()
        self.world.dialog_answers.append("Create")
        self.bus.tell("event", {"event": {"topic": "callboard.job", "data": FORM}})
        self.pump_until(lambda: len(self.bus.params("publish")) == 2)
        self.assertEqual(self.bus.params("publish")[1]["event"]["data"]["actionIdentifier"], ACTION)

    def test_a_host_that_never_replies_is_said_so(self):
        self.serve().answers["publish"] = lambda params: {"replies": []}
        with self.assertLogs("callboard.flame", "WARNING"):
            self.start_session().launch(ACTION, self.sequences)
            self.assertEqual(self.message().type, "error")


class Return(Stage):
    """The host goes away with a launch, and comes back."""

    def launch(self, **data):
        self.serve()
        self.bus.answers["publish"] = reply(**data)
        self.start_session().launch(ACTION, self.sequences)

    def events(self):
        return [sent["event"] for sent in self.bus.params("publish")]

    def leave(self):
        """Hangs up on the client, and waits until it is back."""
        met = len(self.bus.hellos)
        self.bus.hang_up()
        self.pump_until(lambda: len(self.bus.hellos) > met)

    def test_what_ended_meanwhile_is_told_once_the_host_is_back(self):
        self.launch(success=True, message="Create shots started", job="j1", state="running")
        self.message()
        done = reply(success=True, message="3 shots made", job="j1", state="done")
        self.bus.answers["publish"] = done
        self.leave()
        self.assertEqual(self.message()[:2], ("3 shots made.", "info"))
        first, again = self.events()
        self.assertEqual(again, first)
        self.leave()
        self.pump_until(lambda: self.bus.methods()[-1] == "subscribe")
        self.assertEqual(len(self.events()), 2)

    def test_what_still_goes_on_is_told_when_it_ends(self):
        self.launch(success=True, message="Create shots started", job="j1", state="running")
        self.message()
        self.leave()
        self.pump_until(lambda: len(self.events()) == 2)
        data = {"success": True, "message": "3 shots made", "job": "j1", "state": "done"}
        self.bus.tell("event", {"event": {"topic": "callboard.job", "data": data}})
        self.assertEqual(self.message()[:2], ("3 shots made.", "info"))

    def test_a_launch_whose_answer_was_lost_is_asked_for_again(self):
        def go_away(params):
            self.bus.answers["publish"] = reply(success=True, message="ok", job="j1", state="done")
            self.bus.hang_up()
            raise Silence

        self.serve().answers["publish"] = go_away
        with self.assertLogs("callboard.flame", "WARNING"):
            self.start_session().launch(ACTION, self.sequences)
            expected = "Callboard went away. What you started goes on when it runs again."
            self.assertEqual(self.message()[:2], (expected, "warning"))
        self.assertEqual(self.message().message, "Ok.")
        first, again = self.events()
        self.assertEqual(again, first)

    def test_an_answer_that_did_not_arrive_is_given_again(self):
        def go_away(params):
            if "values" in params["event"]["data"]:
                done = reply(success=True, message="ok", job="j1", state="done")
                self.bus.answers["publish"] = lambda again: (
                    done if "values" in again["event"]["data"] else reply(**FORM)
                )(again)
                self.bus.hang_up()
                raise Silence
            return reply(**FORM)(params)

        self.world.dialog_answers.append("Create")
        self.serve().answers["publish"] = go_away
        with self.assertLogs("callboard.flame", "WARNING"):
            self.start_session().launch(ACTION, self.sequences)
            self.assertIn("went away", self.message().message)
        self.assertEqual(self.message().message, "Ok.")
        launch, answer, standing, again = self.events()
        self.assertEqual((standing, again), (launch, answer))
        self.assertEqual(len(self.world.dialogs), 1)

    def test_an_answer_waits_until_the_host_knows_whose_the_job_is(self):
        refused = {"success": False, "message": "the job was launched elsewhere", "kind": "denied"}
        done = {"success": True, "message": "ok", "job": "j1", "state": "done"}
        answers = [FORM, refused, FORM, done]
        self.world.dialog_answers.append("Create")
        self.serve().answers["publish"] = lambda params: reply(**answers.pop(0))(params)
        self.start_session().launch(ACTION, self.sequences)
        self.assertEqual(self.message().message, "Ok.")
        launch, answer, standing, again = self.events()
        self.assertEqual((standing, again), (launch, answer))

    def test_a_question_that_is_on_the_screen_is_not_asked_twice(self):
        asked = threading.Event()
        # Flame is busy with other things before it shows the question.
        with self.world.busy():
            self.launch(**FORM)
            callboard_flame_bridge.current_session().on_outcome(lambda data: asked.set())
            self.assertTrue(asked.wait(10))
            self.bus.hang_up()
            self.assertTrue(self.bus.wait_for(lambda: len(self.events()) == 2))
        self.bus.answers["publish"] = reply(success=True, message="ok", job="j1", state="done")
        self.world.dialog_answers.append("Create")
        self.assertEqual(self.message().message, "Ok.")
        self.assertEqual(len(self.world.dialogs), 1)

    def test_a_job_that_could_not_be_cancelled_is_cancelled_later(self):
        def go_away(params):
            del self.bus.answers["jobs.cancel"]
            self.bus.hang_up()
            raise Silence

        self.world.dialog_answers.append("Cancel")
        self.serve().answers.update({"publish": reply(**FORM), "jobs.cancel": go_away})
        with self.assertLogs("callboard.flame", "WARNING"):
            self.start_session().launch(ACTION, self.sequences)
            self.pump_until(lambda: len(self.bus.params("jobs.cancel")) == 2)
        self.assertEqual(len(self.world.dialogs), 1)


class OldFlame(Stage):
    flame_version = "2022"

    def test_without_a_message_bar_the_message_goes_to_the_log(self):
        self.start_session("/nonexistent/bus.sock")
        with self.assertLogs("callboard.flame", "WARNING") as logged:
            callboard_flame_bridge.current_session().launch(ACTION, self.sequences)
            self.pump_until(lambda: any("not running" in line for line in logged.output))
            self.world.pump()


class Absence(Stage):
    def check(self, path, text, seconds):
        session = self.start_session(path)
        began = time.monotonic()
        with self.assertLogs("callboard.flame", "WARNING"):
            session.launch(ACTION, self.sequences)
            self.assertIn(text, self.message().message)
        self.assertLess(time.monotonic() - began, seconds)

    def test_no_host(self):
        self.check("/nonexistent/bus.sock", "Callboard is not running", 2)

    def test_a_stale_socket_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bus.sock")
            stale = socket.socket(socket.AF_UNIX)
            stale.bind(path)
            stale.close()
            self.check(path, "Callboard is not running", 2)

    def test_a_host_that_accepts_and_says_nothing(self):
        self.check(self.serve(greeting=None).path, "Callboard does not answer", 6)

    def test_a_host_that_accepts_nobody(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bus.sock")
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen(1)
                self.check(path, "Callboard does not answer", 6)
                waiting = []
                for _ in range(4):
                    one = socket.socket(socket.AF_UNIX)
                    one.setblocking(False)
                    waiting.append(one)
                    one.connect_ex(path)
                self.check(path, "Callboard does not answer", 6)
                for one in waiting:
                    one.close()

    def test_a_host_that_stops_answering_never_gets_the_launch(self):
        def say_nothing(params):
            raise Silence

        self.serve().answers["status"] = say_nothing
        self.check(self.bus.path, "Callboard does not answer", 5)
        self.assertEqual(self.bus.params("publish"), [])

    def test_the_next_launch_finds_a_host_that_was_started_meanwhile(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bus.sock")
            self.check(path, "not running", 2)
            self.serve(path=path).answers["publish"] = reply(success=True, message="ok")
            callboard_flame_bridge.current_session().launch(ACTION, self.sequences)
            self.assertEqual(self.message().message, "Ok.")
            self.assertEqual(self.bus.methods().count("subscribe"), 1)


if __name__ == "__main__":
    unittest.main()
