"""The double's frame rates and times."""

import unittest

import flame
from flame_double import configure
from flame_double.rates import RATES, frame_from_timecode, rate_from_text, timecode_from_frame


class Timecode(unittest.TestCase):
    def check(self, rate, timecode, frame):
        rate = rate_from_text(rate)
        with self.subTest(rate=rate.text, timecode=timecode):
            self.assertEqual(frame_from_timecode(timecode, rate), frame)
            self.assertEqual(timecode_from_frame(frame, rate), timecode)

    def test_labels_and_frames_agree_at_every_rate(self):
        self.check("23.976 fps", "01:00:00+00", 86400)
        self.check("24 fps", "01:00:00+00", 86400)
        self.check("25 fps", "01:00:00:00", 90000)
        self.check("29.97 NDF", "01:00:00:00", 108000)
        self.check("30 fps", "01:00:00:00", 108000)
        self.check("50 fps", "01:00:00#00", 180000)
        self.check("59.94 NDF", "01:00:00#00", 216000)
        self.check("60 fps", "01:00:00#00", 216000)
        self.check("29.97 DF", "00;00;59;29", 1799)
        self.check("29.97 DF", "00;01;00;02", 1800)
        self.check("29.97 DF", "00;09;59;29", 17981)
        self.check("29.97 DF", "00;10;00;00", 17982)
        self.check("29.97 DF", "01;00;00;00", 107892)
        self.check("59.94 DF", "00;01;00#04", 3600)
        self.check("59.94 DF", "01;00;00#00", 215784)

    def test_every_frame_of_ten_minutes_comes_back_from_its_label(self):
        for rate in RATES:
            for frame in range(0, 10 * 60 * rate.nominal + 7, 7):
                label = timecode_from_frame(frame, rate)
                self.assertEqual(frame_from_timecode(label, rate), frame, (rate.text, label))

    def test_labels_wrap_at_midnight(self):
        rate = rate_from_text("25 fps")
        self.assertEqual(timecode_from_frame(24 * 3600 * 25 + 1, rate), "00:00:00:01")

    def test_a_rate_is_read_in_either_spelling(self):
        self.assertEqual(rate_from_text("29.97 fps DF").text, "29.97 DF")
        self.assertEqual(rate_from_text("59.94 fps NDF").text, "59.94 NDF")
        self.assertRaises(ValueError, rate_from_text, "12 fps")


class Time(unittest.TestCase):
    def setUp(self):
        self.world = configure()

    def test_a_time_is_made_of_a_timecode_or_a_frame(self):
        self.assertEqual(flame.PyTime("01:00:00:00", "25 fps").frame, 90000)
        self.assertEqual(flame.PyTime(90000, "25 fps").timecode, "01:00:00:00")
        self.assertEqual(flame.PyTime(7).relative_frame, 7)
        self.assertRaises(TypeError, flame.PyTime, "01:00:00:00")

    def test_arithmetic_gives_times_and_comparison_takes_frames(self):
        later = flame.PyTime(100, "24 fps") + 20
        self.assertIsInstance(later, flame.PyTime)
        self.assertEqual(later, 120)
        self.assertEqual(later - flame.PyTime(20, "24 fps"), flame.PyTime(100, "24 fps"))
        self.assertLess(flame.PyTime(1), later)

    def test_the_spelling_of_drop_frame_is_a_switch(self):
        configure(drop_spelling="last")
        self.assertEqual(flame.PyTime(1800, "29.97 DF").timecode, "00:01:00;02")
        configure(quoted_timecode=True)
        self.assertEqual(flame.PyTime(1800, "29.97 DF").timecode, "'00;01;00;02'")
        configure(rate_with_fps=True)
        self.assertEqual(flame.PyTime(1800, "29.97 DF").frame_rate, "29.97 fps DF")


if __name__ == "__main__":
    unittest.main()
