"""Clips, sequences and what a timeline is made of."""

from .attribute import Children, FlameObject, Plain, Wrapped, raw
from .pytime import PyTime, rate_text
from .rates import RATES


class ArchiveEntry(FlameObject):
    """What everything in the Media Panel has in common."""

    name = Wrapped()
    colour = Wrapped((0.0, 0.0, 0.0))
    expanded = Wrapped(False)
    colour_label = Wrapped()
    tags = Wrapped(())
    _node = Plain()

    def get_wiretap_node_id(self):
        """Returns the id of the entry in the project's database."""
        if self._values["_node"] is None:
            self._values["_node"] = self._world.new_uid("/projects/node")
        return self._values["_node"]

    def get_wiretap_storage_id(self):
        """Returns the id of the storage."""
        return "stonefs"

    def clear_colour(self):
        """Takes the colour away."""
        self._write("colour", (0.0, 0.0, 0.0))
        return True

    def commit(self):
        """Writes the entry to the project's database."""
        return True


class PyMarker(FlameObject):
    """A marker on a clip or a segment."""

    name = Wrapped()
    comment = Wrapped()
    colour = Wrapped((0.0, 0.0, 0.0))
    location = Wrapped(None)
    duration = Wrapped(None)
    has_annotations = Plain(False)


class PyTimelineFX(FlameObject):
    """An effect on a segment."""

    type = Plain("")
    bypass = Wrapped(False)


class PyTimewarpTimelineFX(PyTimelineFX):
    """A retime: percent of speed at record frames, joined by straight lines."""

    type = Plain("Timewarp")
    _keys = Plain(((1, 100.0),))

    def get_speed(self, frame):
        """Returns the percent of speed at a frame of the segment."""
        keys = self._read("_keys")
        before = [key for key in keys if key[0] <= frame] or [keys[0]]
        after = [key for key in keys if key[0] > frame] or [keys[-1]]
        (first, low), (last, high) = before[-1], after[0]
        if last <= first:
            return low
        return low + (high - low) * (frame - first) / float(last - first)

    def get_timing(self, frame):
        """Returns the source frame that shows at a frame of the segment."""
        return 1 + sum(self.get_speed(step) / 100.0 for step in range(1, int(frame)))


class PyTransition(FlameObject):
    """A transition between two segments."""

    name = Wrapped()
    type = Plain("Dissolve")
    in_offset = Plain(0)
    out_offset = Plain(0)


class PySegment(FlameObject):
    """A piece of a track."""

    name = Wrapped()
    shot_name = Wrapped()
    comment = Wrapped()
    colour = Wrapped((0.0, 0.0, 0.0))
    hidden = Wrapped(False)
    selected = Wrapped(False)
    tags = Wrapped(())

    type = Plain("Video Segment")
    record_in = Plain()
    record_out = Plain()
    record_duration = Plain()
    source_in = Plain()
    source_out = Plain()
    source_duration = Plain()
    head = Plain(0)
    tail = Plain(0)
    start_frame = Plain(1)
    source_name = Plain("")
    tape_name = Plain("")
    file_path = Plain("")
    source_frame_rate = Plain("")
    source_width = Plain(0)
    source_height = Plain(0)
    source_ratio = Plain(1.0)
    source_bit_depth = Plain(10)
    source_scan_mode = Plain("P")
    source_sample_rate = Plain(0)
    source_audio_track = Plain(0)
    source_uid = Plain("")
    original_source_uid = Plain("")
    source_essence_uid = Plain("")
    version_uid = Plain("")
    version_uids = Plain(())
    source_unlinked = Plain(False)
    source_cached = Plain(False)
    source_has_history = Plain(False)
    effects = Children()
    markers = Children()
    _colour_space = Plain("Rec.709")

    @property
    def effect_types(self):
        """The kinds of effect on this segment."""
        return [effect._values["type"] for effect in self._read("effects")]

    def get_colour_space(self, time=None):
        """Returns the colour space of the source."""
        return self._read("_colour_space")

    def get_metadata(self, key="", time=None):
        """Returns the source's metadata: all of it, or one value."""
        return "" if key else {}

    def change_start_frame(self, start_frame, use_segment_connections=True):
        """Sets the number of the first frame."""
        self._write("start_frame", int(start_frame))

    def clear_colour(self):
        """Takes the colour away."""
        self._write("colour", (0.0, 0.0, 0.0))
        return True

    def connected_segments(self, scoping="all reels"):
        """Returns the segments that share this one's shot; the double connects none."""
        return []

    def create_marker(self, location):
        """Adds a marker at a frame or a time."""
        return _add_marker(self, location)

    def create_effect(self, type, after_effect_type=""):
        """Adds an effect."""
        kind = PyTimewarpTimelineFX if type == "Timewarp" else PyTimelineFX
        return self._adopt("effects", kind(self._world, type=type))


class PyTrack(FlameObject):
    """A video track: segments from left to right, gaps included."""

    name = Wrapped()
    hidden = Wrapped(False)
    locked = Wrapped(False)
    segments = Children()
    transitions = Children()

    @property
    def selected_segments(self):
        """The segments that are selected on this track."""
        return [item for item in self._read("segments") if item._values["selected"]]


class PyAudioTrack(FlameObject):
    """An audio track; each channel has segments of its own."""

    name = Wrapped()
    channels = Children()


class PyVersion(FlameObject):
    """A version of a sequence; track 0 is the lowest."""

    name = Wrapped()
    expanded = Wrapped(False)
    locked = Wrapped(False)
    hidden = Wrapped(False)
    stereo = Plain(False)
    tracks = Children()


class PyClip(ArchiveEntry):
    """A clip."""

    in_mark = Wrapped(None)
    out_mark = Wrapped(None)
    current_time = Wrapped(None)
    start_time = Wrapped(None)
    selected = Wrapped(False)
    padding_start = Wrapped(None)
    padding_end = Wrapped(None)
    primary_track = Wrapped(None)

    duration = Plain()
    width = Plain(1920)
    height = Plain(1080)
    ratio = Plain(16 / 9.0)
    bit_depth = Plain(10)
    scan_mode = Plain("P")
    sample_rate = Plain(48000)
    start_frame = Plain(1)
    creation_date = Plain("2026-01-05 09:00:00")
    archive_date = Plain("")
    unlinked = Plain(False)
    cached = Plain(True)
    has_history = Plain(False)
    has_deliverables = Plain(False)
    uid = Plain("")
    source_uid = Plain("")
    original_source_uid = Plain("")
    essence_uid = Plain("")
    proxy_resolution = Plain("")
    colour_primaries = Plain("")
    transfer_characteristics = Plain("")
    matrix_coefficients = Plain("")
    versions = Children()
    audio_tracks = Children()
    markers = Children()
    subtitles = Children()
    _rate = Plain(RATES[1])
    _colour_space = Plain("Rec.709")
    _path = Plain("")

    @property
    def frame_rate(self):
        """The rate as text."""
        return rate_text(self._world, self._read("_rate"))

    @property
    def selected_segments(self):
        """The selected segments of all tracks."""
        return [
            item
            for item in self._offspring()
            if isinstance(item, PySegment) and item._values["selected"]
        ]

    def get_colour_space(self, time=None):
        """Returns the colour space."""
        return self._read("_colour_space")

    def get_metadata(self, key="", time=None):
        """Returns the metadata: all of it, or one value."""
        return "" if key else {}

    def create_marker(self, location):
        """Adds a marker at a frame or a time."""
        return _add_marker(self, location)

    def change_start_frame(self, start_frame, use_segment_connections=True):
        """Sets the number of the first frame."""
        self._write("start_frame", int(start_frame))

    def is_rendered(self, render_quality="Full Resolution", top_only=False):
        """Returns whether nothing waits to be rendered."""
        return True

    def open(self):
        """Opens the clip in the timeline."""
        self._world.timeline_clip = self
        return True

    def save(self):
        """Saves the clip."""
        return True


class PySequence(PyClip):
    """A sequence, which is a clip with an edit in it."""

    groups = Children()

    def open(self):
        """Opens the sequence in the timeline."""
        self._world.timeline_clip = self
        return True


def _add_marker(owner, location):
    rate = getattr(owner, "_values").get("_rate")
    frame = raw(location)
    time = frame if isinstance(frame, PyTime) else PyTime._at(owner._world, int(frame), rate)
    return owner._adopt("markers", PyMarker(owner._world, location=time))
