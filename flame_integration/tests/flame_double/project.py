"""Projects to test on: a builder for sequences, and the named fixtures."""

from .batch import PyClipNode, PyRenderNode, PyWriteFileNode
from .containers import empty_project, first_reel
from .pytime import PyTime, rate_text
from .rates import RATES, frame_from_timecode, rate_from_text
from .timeline import (
    PyAudioTrack,
    PyClip,
    PyMarker,
    PySegment,
    PySequence,
    PyTimewarpTimelineFX,
    PyTrack,
    PyVersion,
)

HANDLES = 24


class SequenceBuilder:
    """Puts segments on tracks from left to right, with all times in whole frames."""

    def __init__(self, world, name, rate="24 fps", start="01:00:00:00", size=(1920, 1080)):
        self.world = world
        self.rate = rate_from_text(rate)
        self.start = frame_from_timecode(start, self.rate)
        self.sequence = PySequence(
            world,
            name=name,
            uid=world.new_uid("sequence"),
            width=size[0],
            height=size[1],
            ratio=size[0] / float(size[1]),
            start_frame=1001,
            start_time=self._time(self.start),
            duration=self._length(0),
            _rate=self.rate,
        )
        first_reel(world)._adopt("children", self.sequence)
        self.version = self.add_version("")

    def add_version(self, name, stereo=False):
        """Adds a version and puts what follows into it."""
        made = PyVersion(self.world, name=name, stereo=stereo)
        self.version = self.sequence._adopt("versions", made)
        return self.version

    def track(self, name="", hidden=False):
        """Adds a video track above the others."""
        track = self.version._adopt("tracks", PyTrack(self.world, name=name, hidden=hidden))
        return TrackBuilder(self, track)

    def audio_track(self, name=""):
        """Adds an audio track with one channel, which holds segments like a track."""
        track = self.sequence._adopt("audio_tracks", PyAudioTrack(self.world, name=name))
        return TrackBuilder(self, track._adopt("channels", PyTrack(self.world, name=name)))

    def _time(self, frame):
        return PyTime._at(self.world, frame, self.rate, self.start)

    def _length(self, frames):
        return PyTime._at(self.world, frames, self.rate)


class TrackBuilder:
    """One track being filled."""

    def __init__(self, builder, track):
        self.builder = builder
        self.track = track
        self.next_frame = builder.start

    def segment(self, shot_name, duration=48, source_rate=None, source_start=None, **members):
        """Appends a video segment; `members` override what it would get by itself."""
        world, builder = self.builder.world, self.builder
        rate = rate_from_text(source_rate) if source_rate else builder.rate
        begin = frame_from_timecode("10:00:00:00", rate) if source_start is None else source_start
        plate = members.pop("plate", shot_name or "clip_{:03d}".format(len(self._segments()) + 1))
        values = dict(
            name=plate,
            shot_name=shot_name,
            source_in=PyTime._at(world, begin, rate, begin),
            source_out=PyTime._at(world, begin + duration, rate, begin),
            source_duration=PyTime._at(world, duration + 2 * HANDLES, rate),
            head=HANDLES,
            tail=HANDLES,
            start_frame=1001,
            source_name=plate,
            tape_name="A{:03d}".format(len(self._segments()) + 1),
            file_path="/media/plates/{0}/{0}.1001.exr".format(plate),
            source_frame_rate=rate_text(world, rate),
            source_width=builder.sequence._values["width"],
            source_height=builder.sequence._values["height"],
            source_uid=world.new_uid("source"),
        )
        values.update(members)
        return self._append(duration, values)

    def gap(self, duration=24):
        """Appends a gap."""
        return self._append(duration, dict(type="Gap", name=""))

    def colour_source(self, shot_name="", duration=48):
        """Appends a virtual source, whose handles never end."""
        return self._append(
            duration,
            dict(
                type="Colour Source",
                name="Colour",
                shot_name=shot_name,
                head="Infinite",
                tail="Infinite",
                source_duration="infinite",
            ),
        )

    def audio(self, name, duration=48):
        """Appends an audio segment."""
        return self._append(duration, dict(type="Audio Segment", name=name))

    def retimed(self, shot_name, duration, speed_keys, **members):
        """Appends a segment with a timewarp that has these (frame, percent) keys."""
        segment = self.segment(shot_name, duration, **members)
        warp = PyTimewarpTimelineFX(self.builder.world, _keys=tuple(speed_keys))
        segment._adopt("effects", warp)
        return segment

    def _segments(self):
        return self.track._values["segments"]

    def _append(self, duration, values):
        builder = self.builder
        begin, end = self.next_frame, self.next_frame + duration
        segment = PySegment(
            builder.world,
            record_in=builder._time(begin),
            record_out=builder._time(end),
            record_duration=builder._length(duration),
            **values
        )
        self.next_frame = end
        self.track._adopt("segments", segment)
        whole = max(end - builder.start, builder.sequence._values["duration"]._frame)
        builder.sequence._values["duration"] = builder._length(whole)
        return segment


def build(world, name):
    """Opens an empty project with a fixture in it and returns the fixture's sequences."""
    empty_project(world)
    with world.uncharged():
        made = FIXTURES[name](world)
    world.selected_entries = tuple(made)
    world.timeline_clip = made[0] if made else None
    return made


def tiny(world):
    """One sequence, one track, three shots."""
    builder = SequenceBuilder(world, "SEQ010")
    track = builder.track("V1")
    for number in (10, 20, 30):
        track.segment("SHOT_{:03d}".format(number), comment="shot {}".format(number))
    return [builder.sequence]


def layered(world, name="SEQ020"):
    """Three tracks: a shot on several of them, a gap on the lowest, the highest hidden."""
    builder = SequenceBuilder(world, name)
    low = builder.track("plates")
    low.segment("vfx_010", 48)
    low.gap(24)
    low.segment("vfx_020", 48)
    middle = builder.track("elements")
    middle.segment("vfx_010", 40, plate="vfx_010_smoke")
    top = builder.track("reference", hidden=True)
    top.segment("vfx_010", 48, plate="vfx_010_ref")
    return [builder.sequence]


def split(world):
    """One shot name twice on a track, with another shot between."""
    builder = SequenceBuilder(world, "SEQ030")
    track = builder.track("V1")
    for shot in ("vfx_010", "vfx_020", "vfx_010"):
        track.segment(shot, 48)
    return [builder.sequence]


def noname(world):
    """Segments without a shot name, with tokens in it and with characters that cause trouble."""
    builder = SequenceBuilder(world, "SEQ040")
    track = builder.track("V1")
    for shot in ("", "<segment name>", "a/b\\c", 'say "hi"', "it's", " spaced ", "été_🎬", "x" * 300):
        track.segment(shot, 48)
    return [builder.sequence]


def retime(world):
    """Half speed, double speed, backwards, and a ramp."""
    builder = SequenceBuilder(world, "SEQ050")
    track = builder.track("V1")
    track.retimed("slow", 48, [(1, 50.0)])
    track.retimed("fast", 48, [(1, 200.0)])
    backwards = track.retimed("back", 48, [(1, -100.0)])
    values = backwards._values
    values["source_in"], values["source_out"] = values["source_out"], values["source_in"]
    track.retimed("ramp", 48, [(1, 50.0), (48, 150.0)])
    return [builder.sequence]


def rates(world):
    """One sequence for each rate."""
    made = []
    for rate in RATES:
        builder = SequenceBuilder(world, "RATE " + rate.text, rate.text)
        builder.track("V1").segment("vfx_010", 100)
        made.append(builder.sequence)
    return made


def mixed(world):
    """Sources of other sizes and rates than the sequence."""
    builder = SequenceBuilder(world, "SEQ060", "25 fps", size=(1920, 1080))
    track = builder.track("V1")
    track.segment("uhd", 50, source_width=3840, source_height=2160)
    track.segment("film", 50, source_rate="23.976 fps")
    track.segment("broadcast", 50, source_rate="59.94 DF", source_width=1280, source_height=720)
    return [builder.sequence]


def big(world, segments=1000, tracks=6, sequences=1):
    """Many segments, for time budgets."""
    made = []
    for index in range(sequences):
        builder = SequenceBuilder(world, "SEQ{:03d}".format(10 * (index + 1)))
        for number in range(tracks):
            track = builder.track("V{}".format(number + 1))
            for shot in range(segments // (tracks * sequences)):
                track.segment("vfx_{:04d}".format(10 * (shot + 1)), 24)
        made.append(builder.sequence)
    return made


def versions(world):
    """Two versions of a sequence, one of them stereo."""
    builder = SequenceBuilder(world, "SEQ070")
    builder.track("V1").segment("vfx_010", 48)
    builder.add_version("v2", stereo=True)
    builder.track("V1").segment("vfx_010", 60)
    return [builder.sequence]


def batchgroup(world):
    """A batch group with clip nodes, a write file node and a render node; no sequence."""
    batch = world.batch
    for name in ("plate", "matte"):
        clip = PyClip(world, name=name)
        batch._adopt("nodes", PyClipNode(world, name=name, clip=clip))
    batch._adopt("nodes", PyWriteFileNode(world, name="write", media_path="/media/renders"))
    batch._adopt("nodes", PyRenderNode(world, name="render"))
    return []


def reconform(world):
    """`layered` twice: the second has trims, a moved shot, one removed and two new."""
    first = layered(world)[0]
    builder = SequenceBuilder(world, "SEQ020_v2")
    low = builder.track("plates")
    low.segment("vfx_005", 24)
    low.segment("vfx_010", 40)
    low.gap(24)
    low.segment("vfx_030", 36)
    builder.track("elements").segment("vfx_010", 40, plate="vfx_010_smoke")
    return [first, builder.sequence]


def markers(world):
    """Markers on a sequence and on a segment."""
    sequence = tiny(world)[0]
    rate = sequence._values["_rate"]
    for owner in (sequence, sequence._values["versions"][0]._values["tracks"][0]._values["segments"][0]):
        location = PyTime._at(world, 86410, rate, 86400)
        owner._adopt("markers", PyMarker(world, name="note", comment="check", location=location))
    return [sequence]


FIXTURES = {
    made.__name__: made
    for made in (
        tiny,
        layered,
        split,
        noname,
        retime,
        rates,
        mixed,
        big,
        versions,
        batchgroup,
        reconform,
        markers,
    )
}
