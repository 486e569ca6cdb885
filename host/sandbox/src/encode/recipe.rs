//! The words that ffmpeg is given.

use super::probe::Picture;
use super::tool::FilmEncoder;

/// Names and heights of what a film is encoded to; the first is always made, the others where the source is as high.
pub(super) const FILM_RUNGS: [(&str, u32); 4] = [
    ("ftrackreview-mp4", 720),
    ("ftrackreview-mp4-1080", 1080),
    ("ftrackreview-mp4-1440", 1440),
    ("ftrackreview-mp4-2160", 2160),
];

/// The same for a still. That the high one has the source's height is assumed.
pub(super) const STILL_RUNGS: [(&str, u32); 2] = [
    ("ftrackreview-image", 1080),
    ("ftrackreview-image-high", 4320),
];

/// The box that a thumbnail fits in. Assumed.
const THUMBNAIL_SIZE: u32 = 640;

/// Pictures of a filmstrip at most, and how wide each is. Assumed.
const STRIP_PICTURES: u64 = 30;
const STRIP_WIDTH: u32 = 160;

/// How often a picture can be shown without its neighbours, so that a player jumps to any frame at once.
const KEY_EVERY: &str = "12";

/// A filmstrip: so many pictures, one in so many of the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strip {
    pub(super) pictures: u64,
    pub(super) step: u64,
}

impl Strip {
    pub(super) fn of(frames: u64) -> Self {
        let step = frames.div_ceil(STRIP_PICTURES).max(1);
        Self {
            pictures: frames.div_ceil(step).max(1),
            step,
        }
    }
}

/// Which rungs a picture of this height is worth.
pub(super) fn rungs<'a>(
    all: &'a [(&'static str, u32)],
    height: u32,
) -> impl Iterator<Item = (&'static str, u32)> + 'a {
    let (first, rest) = all.split_at(1);
    let worth = rest.iter().filter(move |rung| match first {
        // The last rung of stills keeps the height; it is worth it where the first does not.
        [_] if all.len() == 2 => height > first[0].1,
        _ => height >= rung.1,
    });
    first.iter().chain(worth).copied()
}

/// What every call of ffmpeg begins with. Files that lead to other files or machines are not followed.
fn begin() -> Vec<String> {
    words("-nostdin -v error -y -protocol_whitelist file")
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Puts what can be seen through before black, and makes one picture of two half ones.
fn clean(picture: &Picture) -> Vec<String> {
    let mut filters = Vec::new();
    if picture.is_interlaced {
        filters.push("yadif=deint=interlaced".to_owned());
    }
    // In OpenEXR colours are multiplied already.
    if picture.has_alpha && picture.codec != "exr" {
        filters.push("format=gbrap,premultiply=inplace=1".to_owned());
    }
    filters
}

/// Scales down to a height, with square pixels and even sides, which 4:2:0 needs.
fn scale_to_height(height: u32) -> String {
    format!(
        "scale=w='max(2,trunc(iw*sar*min(1,{height}/ih)/2)*2)':h='max(2,trunc(min(ih,{height})/2)*2)',setsar=1"
    )
}

/// Scales down into a square box.
fn scale_into(size: u32) -> String {
    format!(
        "scale=w='max(1,trunc(iw*sar*min(1,min({size}/(iw*sar),{size}/ih))))':h='max(1,trunc(ih*min(1,min({size}/(iw*sar),{size}/ih))))',setsar=1"
    )
}

fn source(picture: &Picture, name: &str) -> Vec<String> {
    let mut arguments = begin();
    // Light is kept as it is in OpenEXR, and a screen wants it bent.
    if picture.codec == "exr" {
        arguments.extend(words("-apply_trc iec61966_2_1"));
    }
    arguments.extend(["-i".to_owned(), name.to_owned()]);
    arguments
}

/// Encodes a film to several heights at once: a pair of file name and height each.
pub(super) fn film(
    encoder: FilmEncoder,
    picture: &Picture,
    name: &str,
    rungs: &[(String, u32)],
) -> Vec<String> {
    let encode = match encoder {
        FilmEncoder::X264 => "-c:v libx264 -preset veryfast -crf 21 -profile:v high",
        FilmEncoder::OpenH264 => "-c:v libopenh264 -b:v 6M",
    };
    let mut arguments = source(picture, name);
    for (file, height) in rungs {
        let mut filters = clean(picture);
        // A player that counts frames needs every one to last as long.
        if !picture.is_steady {
            let rate = picture.rate;
            filters.push(format!("fps={}/{}", rate.numerator, rate.denominator));
        }
        filters.push(scale_to_height(*height));
        filters.push("scale=out_color_matrix=bt709:out_range=tv,format=yuv420p".to_owned());
        arguments.extend(words("-map 0:V:0 -map 0:a:0? -dn -sn -map_metadata -1"));
        arguments.extend(words("-map_chapters -1 -vf"));
        arguments.push(filters.join(","));
        arguments.extend(words(encode));
        arguments.extend(words("-pix_fmt yuv420p -g"));
        arguments.push(KEY_EVERY.to_owned());
        arguments.extend(words("-colorspace bt709 -color_primaries bt709"));
        arguments.extend(words("-color_trc bt709 -color_range tv"));
        arguments.extend(words("-c:a aac -b:a 160k -ac 2"));
        arguments.extend(words("-write_tmcd 0 -movflags +faststart -f mp4"));
        arguments.push(file.clone());
    }
    arguments
}

/// Makes stills of a still: a pair of file name and height each, and a thumbnail.
pub(super) fn still(
    picture: &Picture,
    name: &str,
    rungs: &[(String, u32)],
    thumbnail: &str,
) -> Vec<String> {
    let mut arguments = source(picture, name);
    for (file, height) in rungs {
        arguments.extend(one_picture(
            0,
            clean(picture),
            &scale_to_height(*height),
            file,
        ));
    }
    let small = scale_into(THUMBNAIL_SIZE);
    arguments.extend(one_picture(0, clean(picture), &small, thumbnail));
    arguments
}

fn one_picture(input: u32, mut filters: Vec<String>, scale: &str, file: &str) -> Vec<String> {
    filters.push(scale.to_owned());
    filters.push("scale=out_range=pc,format=yuvj420p".to_owned());
    let mut arguments = words(&format!("-map {input}:V:0 -frames:v 1 -vf"));
    arguments.push(filters.join(","));
    arguments.extend(words("-q:v 3 -f image2 -update 1"));
    arguments.push(file.to_owned());
    arguments
}

/// Takes a thumbnail from the middle of an encoded film, and lays pictures of it side by side. Assumed: which picture
/// the thumbnail is.
pub(super) fn film_pictures(
    film: &str,
    duration_secs: f64,
    strip: Strip,
    thumbnail: &str,
    filmstrip: &str,
) -> Vec<String> {
    let mut arguments = begin();
    arguments.extend(["-ss".to_owned(), format!("{:.3}", duration_secs / 2.0)]);
    arguments.extend(["-i", film, "-i", film].map(str::to_owned));
    arguments.extend(one_picture(
        0,
        Vec::new(),
        &scale_into(THUMBNAIL_SIZE),
        thumbnail,
    ));
    let Strip { pictures, step } = strip;
    let choice = vec![format!(r"select=not(mod(n\,{step}))")];
    let tile = format!("scale={STRIP_WIDTH}:-2,tile={pictures}x1");
    arguments.extend(one_picture(1, choice, &tile, filmstrip));
    arguments
}

/// Makes a small picture of any file that has one.
pub(super) fn small_picture(picture: &Picture, name: &str, size: u32, file: &str) -> Vec<String> {
    let mut arguments = source(picture, name);
    arguments.extend(one_picture(0, clean(picture), &scale_into(size), file));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_encoded_to_the_heights_that_it_has() {
        for (height, expected) in [
            (360, 1),
            (720, 1),
            (1079, 1),
            (1080, 2),
            (1600, 3),
            (2160, 4),
        ] {
            assert_eq!(rungs(&FILM_RUNGS, height).count(), expected, "{height}");
        }
        for (height, expected) in [(100, 1), (1080, 1), (1081, 2), (8000, 2)] {
            assert_eq!(rungs(&STILL_RUNGS, height).count(), expected, "{height}");
        }
    }

    #[test]
    fn a_filmstrip_spans_the_film() {
        for (frames, pictures, step) in [
            (0, 1, 1),
            (1, 1, 1),
            (30, 30, 1),
            (31, 16, 2),
            (100, 25, 4),
            (10_000, 30, 334),
        ] {
            assert_eq!(Strip::of(frames), Strip { pictures, step }, "{frames}");
        }
    }
}
