"""What goes wrong in a real Flame, as switches to throw on a fixture."""

from .containers import empty_project
from .project import SequenceBuilder
from .timeline import PySegment

# Names that artists do type.
AWKWARD_NAMES = (
    "it's",
    'say "hi"',
    "back\\slash",
    "a/b",
    " spaced out ",
    "trailing dot.",
    "été",
    "镜头",
    "🎬",
    "x" * 300,
)


def segments_of(sequence):
    """Returns every segment below a sequence, audio included."""
    return [item for item in sequence._offspring() if isinstance(item, PySegment)]


def unlink(segment):
    """Makes the segment lose its media."""
    segment._values["source_unlinked"] = True


def lose_media(segment, path="/media/gone/gone.1001.exr"):
    """Points the segment at a file that is not there."""
    segment._values["file_path"] = path


def refuse_reads(handle, names, text="the object has no such time"):
    """Makes reading these members raise, as some builds do for times of gaps."""
    for name in names:
        handle._unreadable[name] = text


def delete_when_idle(world, handle, after=0):
    """Lets the artist delete something once `after` further idle events have run."""

    def step(left):
        if left:
            world.schedule_idle(lambda: step(left - 1))
        elif not handle._deleted:
            handle._leave()
            handle._die()

    world.schedule_idle(lambda: step(after))


def switch_project(world, name="other_project"):
    """Lets the artist open another project: every handle of the old one goes stale."""
    for item in list(world.project._offspring()):
        object.__setattr__(item, "_deleted", True)
    empty_project(world, name)
    if world.hooks is not None:
        world.hooks.call("project_changed", name)
        world.hooks.call("app_initialized", name)


def sequence_across_midnight(world, rate="59.94 DF"):
    """Adds a sequence whose timecode passes midnight."""
    builder = SequenceBuilder(world, "MIDNIGHT", rate, start="23:59:59:00")
    track = builder.track("V1")
    track.segment("before", builder.rate.nominal)
    track.segment("after", 48)
    return builder.sequence


def sequence_of_twelve_tracks(world):
    """Adds a sequence with twelve tracks of the same shot."""
    builder = SequenceBuilder(world, "TWELVE")
    for number in range(12):
        builder.track("V{}".format(number + 1)).segment("vfx_010", 48)
    return builder.sequence


def sequence_of_audio_only(world):
    """Adds a sequence without a picture."""
    builder = SequenceBuilder(world, "SOUND")
    builder.audio_track("A1").audio("dialogue")
    return builder.sequence


def sequence_of_gaps_only(world):
    """Adds a sequence in which nothing was cut yet."""
    builder = SequenceBuilder(world, "GAPS")
    builder.track("V1").gap(100)
    return builder.sequence


def sequence_of_colour_source(world):
    """Adds a sequence with a virtual source whose handles never end."""
    builder = SequenceBuilder(world, "COLOUR")
    builder.track("V1").colour_source("slate")
    return builder.sequence


def sequence_of_awkward_names(world):
    """Adds a sequence whose shots have awkward names."""
    builder = SequenceBuilder(world, 'SEQ "ünï"')
    track = builder.track("V1")
    for name in AWKWARD_NAMES:
        track.segment(name, 24)
    return builder.sequence
