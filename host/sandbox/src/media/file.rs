//! Reading a file back: whole or a range of it, and what it is.

use std::io;
use std::path::Path;

use axum::body::Body;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How much of a file is in memory at a time.
const PIECE: usize = 256 * 1024;

/// Media types by file ending; everything else is bytes. None of them runs scripts in the page's origin.
const MEDIA_TYPES: [(&str, &str); 33] = [
    ("aac", "audio/aac"),
    ("aif", "audio/aiff"),
    ("aiff", "audio/aiff"),
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("csv", "text/csv"),
    ("dpx", "image/x-dpx"),
    ("exr", "image/x-exr"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("mxf", "application/mxf"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("psd", "image/vnd.adobe.photoshop"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("wmv", "video/x-ms-wmv"),
    ("zip", "application/zip"),
];

/// The media type that a file name or a file type such as `.mov` stands for.
pub(crate) fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let ending = ending.to_ascii_lowercase();
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == ending);
    known.map_or("application/octet-stream", |(_, media_type)| *media_type)
}

/// What a `Range` header asks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteRange {
    /// All of it, also when what was asked makes no sense or is more than one range.
    Whole,
    /// From the first byte up to and with the last.
    Part { first: u64, last: u64 },
    /// Nothing that the file has.
    Unsatisfiable,
}

impl ByteRange {
    pub(crate) fn from_header(header: &str, size_bytes: u64) -> Self {
        let Some((first, last)) = header
            .trim()
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
        else {
            return Self::Whole;
        };
        let number = |text: &str| text.trim().parse::<u64>();
        let (first, last) = match (number(first), number(last)) {
            (Ok(first), Ok(last)) if first <= last => (first, last),
            (Ok(first), Err(_)) if last.trim().is_empty() => (first, u64::MAX),
            // The last so many bytes.
            (Err(_), Ok(0)) if first.trim().is_empty() => return Self::Unsatisfiable,
            (Err(_), Ok(count)) if first.trim().is_empty() => {
                (size_bytes.saturating_sub(count), u64::MAX)
            }
            _ => return Self::Whole,
        };
        if first >= size_bytes {
            return Self::Unsatisfiable;
        }
        Self::Part {
            first,
            last: last.min(size_bytes - 1),
        }
    }
}

/// An open file, ready to be sent.
#[derive(Debug)]
pub(crate) struct Served {
    file: tokio::fs::File,
    pub(crate) size_bytes: u64,
    /// Changes when the file is another.
    pub(crate) tag: String,
}

pub(crate) async fn open(path: &Path) -> io::Result<Served> {
    let file = tokio::fs::File::open(path).await?;
    let metadata = file.metadata().await?;
    let since_epoch = metadata
        .modified()?
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Served {
        file,
        size_bytes: metadata.len(),
        tag: format!("\"{:x}-{:x}\"", metadata.len(), since_epoch.as_nanos()),
    })
}

impl Served {
    /// Sends `length` bytes from `first` on, piece by piece.
    pub(crate) async fn body(self, first: u64, length: u64) -> io::Result<Body> {
        let mut file = self.file;
        file.seek(io::SeekFrom::Start(first)).await?;
        let pieces =
            futures_util::stream::try_unfold((file, length), |(mut file, left)| async move {
                let wanted = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
                let mut piece = vec![0; wanted];
                let read = file.read(&mut piece).await?;
                if read == 0 && left > 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                piece.truncate(read);
                let left = left - read as u64;
                Ok::<_, io::Error>((read > 0).then_some((piece, (file, left))))
            });
        Ok(Body::from_stream(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_browsers_write_it() {
        let part = |first, last| ByteRange::Part { first, last };
        for (header, expected) in [
            ("bytes=0-", part(0, 99)),
            ("bytes=0-9", part(0, 9)),
            ("bytes=90-200", part(90, 99)),
            ("bytes=99-99", part(99, 99)),
            ("bytes=-10", part(90, 99)),
            ("bytes=-1000", part(0, 99)),
            ("bytes=100-", ByteRange::Unsatisfiable),
            ("bytes=-0", ByteRange::Unsatisfiable),
            ("bytes=9-1", ByteRange::Whole),
            ("bytes=0-1,5-6", ByteRange::Whole),
            ("bytes=a-b", ByteRange::Whole),
            ("lines=1-2", ByteRange::Whole),
        ] {
            assert_eq!(ByteRange::from_header(header, 100), expected, "{header}");
        }
        assert_eq!(
            ByteRange::from_header("bytes=0-", 0),
            ByteRange::Unsatisfiable
        );
    }

    #[test]
    fn a_media_type_follows_the_ending() {
        for (name, expected) in [
            ("shot.final.MOV", "video/quicktime"),
            (".jpg", "image/jpeg"),
            ("mp4", "video/mp4"),
            ("notes", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }
}
