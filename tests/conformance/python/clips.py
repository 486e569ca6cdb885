"""Films, stills and sounds made on the spot, and what ffprobe says of them."""

import json
import subprocess

DEADLINE = 120


def ffmpeg(path, *arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True, timeout=DEADLINE)
    return str(path)


def film(path, rate="25", size="320x180", frames=25, audio=False, codec="libx264", pixels="yuv420p", more=()):
    """A test pattern of so many frames, and a tone if wanted."""
    arguments = ["-f", "lavfi", "-i", "testsrc=size=%s:rate=%s" % (size, rate)]
    if audio:
        arguments += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    arguments += ["-frames:v", str(frames), "-c:v", codec, "-pix_fmt", pixels]
    if audio:
        arguments += ["-shortest"]
    return ffmpeg(path, *arguments, *more)


def still(path, size="320x180", color="red", more=()):
    return ffmpeg(path, "-f", "lavfi", "-i", "color=%s:size=%s" % (color, size), "-frames:v", "1", *more)


def sound(path):
    return ffmpeg(path, "-f", "lavfi", "-i", "sine=frequency=440", "-t", "0.5")


def probe(source):
    """What ffprobe says of a file or an address: the streams by kind, and the format."""
    words = ["ffprobe", "-v", "error", "-print_format", "json", "-show_streams", "-show_format", "-count_frames"]
    said = subprocess.run([*words, str(source)], check=True, timeout=DEADLINE, capture_output=True).stdout
    facts = json.loads(said)
    streams = {stream["codec_type"]: stream for stream in facts["streams"]}
    return streams, facts["format"]
