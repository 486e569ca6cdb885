"""The double's handles: wrapped members, stale handles, guarded threads, idle events."""

import os
import subprocess
import sys
import tempfile
import threading
import unittest

import flame
from flame_double import OffMainThread, configure, faults
from flame_double.messages import UnscriptedDialog
from flame_double.project import FIXTURES, build


def first_segment(sequence):
    return sequence.versions[0].tracks[0].segments[0]


class Members(unittest.TestCase):
    def setUp(self):
        self.world = configure()
        self.sequence = build(self.world, "tiny")[0]

    def test_text_shows_in_quotes_and_holds_the_raw_value(self):
        self.assertEqual(str(self.sequence.name), "'SEQ010'")
        self.assertEqual(self.sequence.name.get_value(), "SEQ010")
        self.assertEqual(self.sequence.name, "SEQ010")

    def test_a_member_is_written_through_its_owner_or_the_wrapper(self):
        self.sequence.name = "A"
        self.assertEqual(self.sequence.name.get_value(), "A")
        self.sequence.name.set_value("B")
        self.assertEqual(self.sequence.name.get_value(), "B")

    def test_truth_and_identity_of_a_wrapper_mislead(self):
        hidden = first_segment(self.sequence).hidden
        self.assertEqual(hidden, False)
        self.assertIsNot(hidden, False)
        self.assertTrue(hidden)

    def test_an_unset_mark_prints_null_and_holds_none(self):
        self.assertEqual(str(self.sequence.in_mark), "<NULL>")
        self.assertIsNone(self.sequence.in_mark.get_value())

    def test_read_only_and_unknown_members_refuse_assignment(self):
        for name in ("duration", "versions", "nonsense"):
            with self.assertRaises(AttributeError):
                setattr(self.sequence, name, 1)

    def test_a_sequence_is_a_clip(self):
        self.assertIsInstance(self.sequence, flame.PyClip)
        self.assertTrue(issubclass(flame.PyClipNode, flame.PyNode))

    def test_a_list_of_children_is_a_copy(self):
        self.sequence.versions[0].tracks.clear()
        self.assertEqual(len(self.sequence.versions[0].tracks), 1)

    def test_every_fixture_can_be_built_and_walked(self):
        for name in FIXTURES:
            for sequence in build(self.world, name):
                for version in sequence.versions:
                    for track in version.tracks:
                        for segment in track.segments:
                            self.assertIs(segment.parent, track)
                            segment.record_duration.frame


class Releases(unittest.TestCase):
    def test_what_a_release_did_not_have_is_missing(self):
        for version, messages, tags in (
            ("2022", False, False),
            ("2023.1", True, False),
            ("2024.2", True, False),
            ("2025.1", True, True),
            ("2026.pr12", True, True),
            ("2027.1", True, True),
        ):
            with self.subTest(version=version):
                world = configure(version=version)
                sequence = build(world, "tiny")[0]
                self.assertEqual(hasattr(flame, "messages"), messages)
                self.assertEqual(hasattr(sequence, "tags"), tags)
                self.assertEqual("tags" in sequence.attributes, tags)
                self.assertEqual("messages" in dir(flame), messages)

    def test_version_numbers_are_text(self):
        configure(version="2025.2.2")
        self.assertEqual(flame.get_version(), "2025.2.2")
        self.assertEqual(flame.get_version_major(), "2025")


class Life(unittest.TestCase):
    def setUp(self):
        self.world = configure()
        self.sequence = build(self.world, "tiny")[0]

    def test_a_deleted_object_refuses_every_access_below_it_too(self):
        segment, name = first_segment(self.sequence), self.sequence.name
        flame.delete(self.sequence, confirm=False)
        for use in (
            lambda: self.sequence.name,
            lambda: self.sequence.versions,
            lambda: segment.record_in,
            lambda: segment.create_marker(1),
            name.get_value,
        ):
            self.assertRaises(RuntimeError, use)
        self.assertEqual(flame.find_by_name("SEQ010"), [])

    def test_deleting_with_a_question_follows_the_answer(self):
        self.world.dialog_answers.append("Cancel")
        self.assertFalse(flame.delete(self.sequence))
        self.assertEqual(self.sequence.name, "SEQ010")

    def test_a_copy_lies_beside_the_original_and_shares_nothing(self):
        copy = flame.duplicate(self.sequence)
        first_segment(copy).shot_name = "other"
        self.assertEqual(first_segment(self.sequence).shot_name, "SHOT_010")
        self.assertEqual(len(flame.find_by_name("SEQ010")), 2)
        flame.delete(copy, confirm=False)
        self.assertEqual(len(flame.find_by_name("SEQ010")), 1)

    def test_entries_are_copied_and_moved_in_the_media_panel(self):
        library = flame.projects.current_project.current_workspace.create_library("Lib")
        flame.media_panel.copy(self.sequence, library)
        self.assertEqual(len(library.sequences), 1)
        flame.media_panel.move(self.sequence, library)
        self.assertEqual(len(library.sequences), 2)
        self.assertIs(self.sequence.parent, library)

    def test_clips_are_imported_from_files_that_exist(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "still.jpg")
            open(path, "wb").close()
            made = flame.import_clips([path, path + ".missing"])
        self.assertEqual([clip.name.get_value() for clip in made], ["still"])

    def test_switching_the_project_makes_old_handles_stale(self):
        faults.switch_project(self.world, "next")
        self.assertRaises(RuntimeError, lambda: self.sequence.name)
        self.assertEqual(flame.projects.current_project.name, "next")

    def test_reads_that_a_build_refuses_raise(self):
        segment = first_segment(self.sequence)
        faults.refuse_reads(segment, ["record_in"])
        self.assertRaises(RuntimeError, lambda: segment.record_in)
        self.assertEqual(segment.record_duration.frame, 48)


class Threads(unittest.TestCase):
    def setUp(self):
        self.world = configure()
        self.sequence = build(self.world, "tiny")[0]

    def run_elsewhere(self, use):
        raised = []

        def body():
            try:
                use()
            except BaseException as error:
                raised.append(type(error))

        thread = threading.Thread(target=body, name="elsewhere")
        thread.start()
        thread.join(10)
        return raised

    def test_only_scheduling_is_allowed_elsewhere(self):
        moment = self.sequence.versions[0].tracks[0].segments[0].record_in
        for use in (
            lambda: self.sequence.name,
            lambda: moment.frame,
            lambda: flame.messages,
            lambda: flame.get_version(),
            lambda: setattr(self.sequence, "name", "x"),
        ):
            self.assertEqual(self.run_elsewhere(use), [OffMainThread])
        self.assertEqual(len(self.world.violations), 5)
        self.assertEqual(self.run_elsewhere(lambda: flame.schedule_idle_event(str)), [])

    def test_a_violation_can_end_the_process_as_the_real_one_does(self):
        script = (
            "import threading, flame, flame_double\n"
            "flame_double.configure(off_thread='segv')\n"
            "t = threading.Thread(target=lambda: flame.get_version()); t.start(); t.join()\n"
        )
        folder = os.path.dirname(os.path.abspath(__file__))
        self.assertEqual(subprocess.call([sys.executable, "-c", script], cwd=folder), 139)


class Idle(unittest.TestCase):
    def setUp(self):
        self.world = configure()
        self.ran = []

    def test_events_run_in_order_when_pumped_and_not_before(self):
        flame.schedule_idle_event(lambda: self.ran.append(1))
        flame.schedule_idle_event(lambda: self.ran.append(2))
        self.assertEqual(self.ran, [])
        self.assertEqual(self.world.pump(), 2)
        self.assertEqual(self.ran, [1, 2])

    def test_a_delayed_event_waits_for_the_clock(self):
        flame.schedule_idle_event(lambda: self.ran.append(1), 5)
        self.world.pump()
        self.assertEqual(self.ran, [])
        self.world.pump(now=5)
        self.assertEqual(self.ran, [1])

    def test_nothing_runs_while_flame_is_busy(self):
        flame.schedule_idle_event(lambda: self.ran.append(1))
        with self.world.busy():
            self.assertEqual(self.world.pump(), 0)
        self.assertEqual(self.world.pump(), 1)

    def test_an_event_that_queues_itself_again_runs_once_a_pump(self):
        def again():
            self.ran.append(1)
            flame.schedule_idle_event(again)

        flame.schedule_idle_event(again)
        self.world.pump()
        self.assertEqual(self.ran, [1])

    def test_reads_cost_time_that_an_idle_run_is_charged_with(self):
        sequence = build(self.world, "tiny")[0]
        flame.schedule_idle_event(lambda: [sequence.name for _ in range(100)])
        self.world.pump()
        self.assertAlmostEqual(self.world.idle_runs[-1].seconds, 0.005)


class Surface(unittest.TestCase):
    def setUp(self):
        self.world = configure()

    def test_messages_are_recorded_and_dialogs_need_a_script(self):
        flame.messages.show_in_console("hello", "warning", 3)
        self.assertEqual(self.world.messages[-1].message, "hello")
        with self.assertRaises(UnscriptedDialog):
            flame.messages.show_in_dialog("t", "m", "question", ["Yes"], "No")
        self.world.dialog_answers.append("No")
        self.assertEqual(
            flame.messages.show_in_dialog("t", "m", "question", ["Yes"], "No"), "No"
        )

    def test_a_command_runs_without_any_environment(self):
        code, out, _ = flame.execute_command("/usr/bin/env", capture_stdout=True)
        self.assertEqual((code, out), (0, ""))

    def test_tabs_open_by_name(self):
        self.assertTrue(flame.set_current_tab("Batch"))
        self.assertEqual(flame.get_current_tab(), "Batch")
        self.assertFalse(flame.set_current_tab("Kitchen"))

    def test_a_name_that_flame_does_not_have_is_missing(self):
        self.assertFalse(hasattr(flame, "toast"))

    def test_batch_nodes_are_what_they_say(self):
        build(self.world, "batchgroup")
        kinds = [node.type for node in flame.batch.nodes]
        self.assertEqual(kinds, ["Clip", "Clip", "Write File", "Render"])
        self.assertEqual(flame.batch.nodes[0].clip.name, "plate")


class Timewarps(unittest.TestCase):
    def test_speed_is_interpolated_between_keys(self):
        world = configure()
        slow, fast, back, ramp = build(world, "retime")[0].versions[0].tracks[0].segments
        self.assertEqual(slow.effects[0].get_speed(10), 50.0)
        self.assertEqual(fast.effects[0].get_speed(10), 200.0)
        self.assertGreater(back.source_in, back.source_out)
        self.assertEqual(ramp.effects[0].get_speed(1), 50.0)
        self.assertEqual(ramp.effects[0].get_speed(48), 150.0)
        self.assertEqual(ramp.effect_types, ["Timewarp"])


if __name__ == "__main__":
    unittest.main()
