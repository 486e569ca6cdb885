"""Turns sequences into rows of plain data, one small step at a time.

All of it runs on Flame's main thread. Flame's objects are handles that an artist may delete at
any moment, and some builds raise when a time is read that does not apply, so every read stands
alone: what cannot be read is None.
"""

from .rates import rate_from_text

# Not pictures that a shot could be made of.
SKIPPED_TYPES = ("Gap", "Audio Segment")


def rows(sequences):
    """Yields a row for each segment, and None where a step found nothing to tell.

    A step reads one segment, so that whoever draws from this can stop between any two.
    """
    for sequence in sequences:
        for row in _sequence_rows(sequence):
            yield row


def _sequence_rows(sequence):
    try:
        versions = sequence.versions
    except Exception:  # Flame raises its own kinds for handles whose object is gone.
        yield _vanished(None, None, None, None)
        return
    about = _about_sequence(sequence)
    yield None
    for version_number, version in enumerate(versions, 1):
        if read(version, "hidden"):
            continue
        for track_number, track in enumerate(read(version, "tracks") or (), 1):
            if read(track, "hidden"):
                yield None
                continue
            for index, segment in enumerate(read(track, "segments") or (), 1):
                yield _segment_row(segment, about, version_number, track_number, index)


def _about_sequence(sequence):
    rate = rate_from_text(read(sequence, "frame_rate"))
    return {
        "sequence": read(sequence, "name"),
        "fps": rate.fps,
        "fps_exact": rate.exact,
        "drop_frame": rate.is_drop_frame,
        "width": number(sequence, "width"),
        "height": number(sequence, "height"),
    }


def _segment_row(segment, about, version, track, index):
    try:
        kind = segment.type
    except Exception:  # As above: the handle's object is gone.
        return _vanished(about["sequence"], version, track, index)
    if kind in SKIPPED_TYPES or read(segment, "hidden"):
        return None
    source_rate = rate_from_text(read(segment, "source_frame_rate"))
    row = dict(about)
    row.update(
        version=version,
        track=track,
        index=index,
        type=kind,
        shot_name=read(segment, "shot_name"),
        segment_name=read(segment, "name"),
        comment=read(segment, "comment"),
        record_in=frame(segment, "record_in"),
        record_duration=frame(segment, "record_duration"),
        source_in=frame(segment, "source_in"),
        source_duration=frame(segment, "source_duration"),
        head=number(segment, "head"),
        tail=number(segment, "tail"),
        start_frame=number(segment, "start_frame"),
        source_name=read(segment, "source_name"),
        tape_name=read(segment, "tape_name"),
        file_path=read(segment, "file_path"),
        source_fps=source_rate.fps,
        source_fps_exact=source_rate.exact,
        source_width=number(segment, "source_width"),
        source_height=number(segment, "source_height"),
    )
    return row


def _vanished(sequence, version, track, index):
    return {
        "sequence": sequence,
        "version": version,
        "track": track,
        "index": index,
        "shot_name": None,
        "vanished": True,
    }


def read(handle, name):
    """Returns what a member holds, wrapped or not; None when it cannot be read."""
    try:
        value = getattr(handle, name)
        if hasattr(value, "get_value"):
            return value.get_value()
    except Exception:  # Flame raises whatever it likes, and one member must not cost the row.
        return None
    is_quoted = isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == "'"
    return value[1:-1] if is_quoted else value


def number(handle, name):
    """Returns a whole number; None for the text `Infinite` and for what cannot be read."""
    value = read(handle, name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number else None


def frame(handle, name):
    """Returns the frame of a time; None for the text `infinite` and for what cannot be read."""
    return number(read(handle, name), "frame")
