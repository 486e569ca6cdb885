//! What a file holds, as ffprobe tells it.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::tool::{ToolError, Tools};

/// How long looking at a file may take; counting the pictures of an animation reads all of it.
const LOOK_WITHIN: Duration = Duration::from_secs(60);

/// Formats of still pictures that may also hold several.
const ANIMATIONS: [&str; 2] = ["apng", "gif"];

/// Texts that ffmpeg would paint; nobody wants to review them.
const TEXTS: [&str; 4] = ["ansi", "bintext", "idf", "xbin"];

/// A picture, or a row of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    /// As it is shown: turned, and with square pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate: Rate,
    /// Whether every picture is shown for the same time.
    pub(super) is_steady: bool,
    pub(super) frames: Option<u64>,
    pub(super) is_still: bool,
    pub(super) is_interlaced: bool,
    pub(super) has_alpha: bool,
    pub(super) codec: String,
    pub(super) pixel_format: String,
    pub(super) has_audio: bool,
}

/// Frames per second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) numerator: u32,
    pub(super) denominator: u32,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("ffprobe answered with something else than facts")]
    Answer(#[from] serde_json::Error),
    #[error("the file holds no picture")]
    NoPicture,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    #[serde(default)]
    format_name: String,
}

#[derive(Debug, Deserialize)]
struct Stream {
    #[serde(default)]
    codec_type: String,
    #[serde(default)]
    codec_name: String,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    pix_fmt: String,
    #[serde(default)]
    field_order: String,
    #[serde(default)]
    sample_aspect_ratio: String,
    #[serde(default)]
    r_frame_rate: String,
    #[serde(default)]
    avg_frame_rate: String,
    nb_frames: Option<String>,
    nb_read_packets: Option<String>,
    #[serde(default)]
    disposition: Json,
    #[serde(default)]
    side_data_list: Vec<Json>,
    #[serde(default)]
    tags: Json,
}

impl Rate {
    /// Reads `24000/1001`; nothing and a number that no player shows are none.
    fn from_text(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once('/')?;
        let rate = Self {
            numerator: numerator.parse().ok()?,
            denominator: denominator.parse().ok().filter(|number| *number > 0)?,
        };
        (rate.per_second() >= 0.1 && rate.per_second() <= 240.0).then_some(rate)
    }

    pub(super) fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// As ftrack writes it: a whole number, or three digits after the point.
    pub(super) fn to_json(self) -> Json {
        if self.numerator.is_multiple_of(self.denominator) {
            return json!(self.numerator / self.denominator);
        }
        json!((self.per_second() * 1000.0).round() / 1000.0)
    }

    fn is_near(self, other: Self) -> bool {
        (self.per_second() - other.per_second()).abs() < 0.005 * self.per_second()
    }
}

/// Looks into a file of `folder`.
pub(super) async fn probe(tools: &Tools, folder: &Path, name: &str) -> Result<Picture, ProbeError> {
    let look = async |extra: &[&str]| -> Result<Answer, ProbeError> {
        let words =
            "-v error -print_format json -show_format -show_streams -protocol_whitelist file";
        let arguments = words.split(' ').chain(extra.iter().copied()).chain([name]);
        let said = tools.run("ffprobe", arguments, folder, LOOK_WITHIN).await?;
        Ok(serde_json::from_slice(&said)?)
    };
    let mut answer = look(&[]).await?;
    if ANIMATIONS.contains(&answer.format.format_name.as_str()) {
        answer = look(&["-count_packets"]).await?;
    }
    picture(&answer).ok_or(ProbeError::NoPicture)
}

fn picture(answer: &Answer) -> Option<Picture> {
    let is_picture = |stream: &&Stream| {
        let is_cover = stream.disposition["attached_pic"].as_i64() == Some(1);
        let is_text = TEXTS.contains(&stream.codec_name.as_str());
        let has_size = stream.width > 0 && stream.height > 0;
        stream.codec_type == "video" && !is_cover && !is_text && has_size
    };
    let stream = answer.streams.iter().find(is_picture)?;
    let count = stream
        .nb_read_packets
        .as_ref()
        .or(stream.nb_frames.as_ref());
    let frames = count.and_then(|count| count.parse().ok());
    let format = answer.format.format_name.as_str();
    let is_still_format = format == "image2" || format.ends_with("_pipe");
    let is_still = is_still_format || (ANIMATIONS.contains(&format) && frames == Some(1));
    let average = Rate::from_text(&stream.avg_frame_rate);
    let base = Rate::from_text(&stream.r_frame_rate);
    let is_steady = match (average, base) {
        (Some(average), Some(base)) => average.is_near(base),
        _ => false,
    };
    let fallback = Rate {
        numerator: 25,
        denominator: 1,
    };
    // The base rate is exact where the average is off by the last frame.
    let rate = if is_steady { base } else { average.or(base) };
    let (width, height) = shown_size(stream);
    Some(Picture {
        width,
        height,
        rate: rate.unwrap_or(fallback),
        is_steady,
        frames,
        is_still,
        is_interlaced: ["tt", "bb", "tb", "bt"].contains(&stream.field_order.as_str()),
        has_alpha: has_alpha(&stream.pix_fmt),
        codec: stream.codec_name.clone(),
        pixel_format: stream.pix_fmt.clone(),
        has_audio: answer.streams.iter().any(|one| one.codec_type == "audio"),
    })
}

/// The size of a picture as a player shows it.
fn shown_size(stream: &Stream) -> (u32, u32) {
    let mut width = stream.width;
    if let Some((wide, high)) = stream.sample_aspect_ratio.split_once(':')
        && let (Ok(wide @ 1..), Ok(high @ 1..)) = (wide.parse::<u64>(), high.parse::<u64>())
    {
        width = u32::try_from(u64::from(width) * wide / high).unwrap_or(width);
    }
    let turned = stream
        .side_data_list
        .iter()
        .find_map(|data| data["rotation"].as_i64());
    let turned = turned.or_else(|| stream.tags["rotate"].as_str()?.parse().ok());
    if turned.is_some_and(|degrees| degrees % 180 != 0) {
        return (stream.height, width.max(1));
    }
    (width.max(1), stream.height)
}

/// The width and height that a JPEG says it has.
pub(super) fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    let mut at = 2;
    // Segments follow each other, each with its kind and its length, until one that begins a frame.
    loop {
        let kind = number(at).filter(|kind| *kind >= 0xff01)?;
        let is_frame =
            (0xffc0..=0xffcf).contains(&kind) && ![0xffc4, 0xffc8, 0xffcc].contains(&kind);
        if is_frame {
            return Some((number(at + 7)?.into(), number(at + 5)?.into()));
        }
        at += 2 + usize::from(number(at + 2)?);
    }
}

fn has_alpha(pixel_format: &str) -> bool {
    [
        "rgba", "bgra", "argb", "abgr", "yuva", "gbrap", "ya8", "ya16", "pal8",
    ]
    .iter()
    .any(|kind| pixel_format.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, stream: Json) -> Option<Picture> {
        let streams = match stream {
            Json::Null => json!([{"codec_type": "audio"}]),
            stream => json!([{"codec_type": "audio"}, stream]),
        };
        let answer = json!({"format": {"format_name": format}, "streams": streams});
        picture(&serde_json::from_value(answer).unwrap())
    }

    fn stream(more: Json) -> Json {
        let mut stream = json!({"codec_type": "video", "codec_name": "h264", "width": 1920, "height": 1080,
            "pix_fmt": "yuv420p", "r_frame_rate": "25/1", "avg_frame_rate": "25/1"});
        for (key, value) in more.as_object().unwrap() {
            stream[key] = value.clone();
        }
        stream
    }

    #[test]
    fn a_rate_is_written_as_ftrack_does() {
        for (text, expected) in [
            ("25/1", json!(25)),
            ("24000/1001", json!(23.976)),
            ("30000/1001", json!(29.97)),
            ("50/2", json!(25)),
            ("15/2", json!(7.5)),
        ] {
            assert_eq!(Rate::from_text(text).unwrap().to_json(), expected, "{text}");
        }
        for text in ["0/0", "0/1", "90000/1", "x", "25", "1/0"] {
            assert_eq!(Rate::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_picture_is_as_large_as_it_is_shown() {
        for (more, expected) in [
            (json!({}), (1920, 1080)),
            (
                json!({"width": 720, "height": 576, "sample_aspect_ratio": "64:45"}),
                (1024, 576),
            ),
            (json!({"sample_aspect_ratio": "0:1"}), (1920, 1080)),
            (json!({"side_data_list": [{"rotation": -90}]}), (1080, 1920)),
            (json!({"tags": {"rotate": "180"}}), (1920, 1080)),
        ] {
            let picture = read("mov,mp4", stream(more)).unwrap();
            assert_eq!((picture.width, picture.height), expected);
        }
    }

    #[test]
    fn stills_and_films_are_told_apart() {
        for (format, more, is_still) in [
            ("mov,mp4", json!({}), false),
            ("mov,mp4", json!({"nb_frames": "1"}), false),
            ("png_pipe", json!({}), true),
            ("image2", json!({}), true),
            ("gif", json!({"nb_read_packets": "1"}), true),
            ("gif", json!({"nb_read_packets": "12"}), false),
        ] {
            let picture = read(format, stream(more)).unwrap();
            assert_eq!(picture.is_still, is_still, "{format}");
        }
    }

    #[test]
    fn a_jpeg_says_its_size() {
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc4\x00\x02\xff\xc0\x00\x11\x08\x01\x68\x02\x80\x03";
        assert_eq!(jpeg_size(jpeg), Some((640, 360)));
        for length in 0..jpeg.len() - 1 {
            assert_eq!(jpeg_size(&jpeg[..length]), None, "{length}");
        }
        assert_eq!(jpeg_size(b"\x89PNG\r\n\x1a\n and more"), None);
    }

    #[test]
    fn sound_and_a_cover_are_no_picture() {
        assert_eq!(read("wav", Json::Null), None);
        let cover = stream(json!({"disposition": {"attached_pic": 1}}));
        assert_eq!(read("mp3", cover), None);
        assert_eq!(read("tty", stream(json!({"codec_name": "ansi"}))), None);
    }

    #[test]
    fn the_exact_rate_wins_where_frames_are_steady() {
        for (base, average, expected, is_steady) in [
            ("24000/1001", "1151/48", "24000/1001", true),
            ("60/1", "24/1", "24/1", false),
            ("90000/1", "30/1", "30/1", false),
            ("25/1", "0/0", "25/1", false),
        ] {
            let rates = json!({"r_frame_rate": base, "avg_frame_rate": average});
            let picture = read("mov,mp4", stream(rates)).unwrap();
            assert_eq!(picture.rate, Rate::from_text(expected).unwrap(), "{base}");
            assert_eq!(picture.is_steady, is_steady, "{base}");
        }
    }
}
