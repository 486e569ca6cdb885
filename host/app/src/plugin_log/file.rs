//! One plugin's log on disk: a file, and the one before it.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use callboard_protocol::{PluginId, PluginLogLines};

/// How long a file grows before it becomes the one before, in bytes; a plugin's log takes twice as much at most.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How much is read for one answer, in bytes.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

pub(super) struct LogFile {
    path: PathBuf,
    before: PathBuf,
}

/// A place in a log: in which file, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    file: u64,
    offset: u64,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (file, offset) = text.split_once('-')?;
        Some(Self {
            file: file.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    }

    fn text(self) -> String {
        format!("{}-{}", self.file, self.offset)
    }
}

impl LogFile {
    /// Returns the log of a plugin; none where the id is no id and could be a path.
    pub(super) fn of(folder: &Path, plugin: &PluginId) -> Option<Self> {
        let id = plugin.as_str();
        let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (!id.is_empty() && id.bytes().all(is_id)).then(|| Self {
            path: folder.join(format!("{id}.log")),
            before: folder.join(format!("{id}.log.1")),
        })
    }

    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Adds whole lines.
    pub(super) fn append(&self, text: &[u8]) -> io::Result<()> {
        let is_full = fs::metadata(&self.path).is_ok_and(|file| file.len() >= MAX_FILE_BYTES);
        if is_full {
            fs::rename(&self.path, &self.before)?;
        }
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        file.write_all(text)
    }

    /// Returns the last lines.
    pub(super) fn last(&self, count: usize) -> PluginLogLines {
        let mut lines = Vec::new();
        let mut next = Cursor::default();
        for path in [&self.path, &self.before] {
            let Ok((text, cursor)) = read(path, From::End) else {
                continue;
            };
            if path == &self.path {
                next = cursor;
            }
            lines.splice(0..0, text);
            if lines.len() >= count {
                break;
            }
        }
        lines.drain(..lines.len().saturating_sub(count));
        PluginLogLines {
            lines,
            next: next.text(),
        }
    }

    /// Returns what was written after a place.
    pub(super) fn after(&self, cursor: &str) -> PluginLogLines {
        let after = Cursor::parse(cursor).unwrap_or_default();
        let mut lines = Vec::new();
        let mut next = after;
        // Where the file was changed meanwhile, the rest of the one before goes first.
        for path in [&self.before, &self.path] {
            let from = match number(path) {
                None => continue,
                Some(number) if number == after.file => From::Offset(after.offset),
                Some(_) if path == &self.path => From::Offset(0),
                Some(_) => continue,
            };
            if let Ok((text, cursor)) = read(path, from) {
                lines.extend(text);
                next = cursor;
            }
        }
        PluginLogLines {
            lines,
            next: next.text(),
        }
    }
}

/// Where reading begins.
#[derive(Clone, Copy)]
enum From {
    Offset(u64),
    /// So that it ends with the file's end.
    End,
}

/// Returns whole lines, and the place after them.
fn read(path: &Path, from: From) -> io::Result<(Vec<String>, Cursor)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let length = metadata.len();
    let (offset, is_within) = match from {
        From::Offset(offset) if offset > length => (0, false),
        From::Offset(offset) => (offset, false),
        From::End => {
            let offset = length.saturating_sub(MAX_ANSWER_BYTES);
            (offset, offset > 0)
        }
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    // The first line may be the rest of one.
    let lines = text.lines().skip(usize::from(is_within));
    let cursor = Cursor {
        file: number_of(&metadata),
        offset: offset + whole as u64,
    };
    Ok((lines.map(str::to_owned).collect(), cursor))
}

fn number(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| number_of(&metadata))
}

/// Returns the number by which the system knows a file, whatever it is called.
#[cfg(unix)]
fn number_of(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Returns a number that is the same for both files: a change of files is then seen by the shorter length alone.
#[cfg(not(unix))]
fn number_of(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_stays_bounded_and_is_followed_across_the_change_of_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::of(folder.path(), &PluginId::from("loud")).unwrap();
        let mut cursor = log.last(10).next;
        let mut seen = Vec::new();
        for number in 0..3_000 {
            log.append(format!("{number} {}\n", "x".repeat(1000)).as_bytes())
                .unwrap();
            if number % 100 == 0 {
                let answer = log.after(&cursor);
                seen.extend(answer.lines);
                cursor = answer.next;
            }
        }
        seen.extend(log.after(&cursor).lines);
        let numbers: Vec<&str> = seen
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        let expected: Vec<String> = (0..3_000).map(|number: u32| number.to_string()).collect();
        assert_eq!(numbers, expected);
        let bytes: u64 = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(bytes < 2 * MAX_FILE_BYTES + 10_000, "{bytes}");
        let last = log.last(5).lines;
        assert!(last.len() == 5 && last[4].starts_with("2999 "), "{last:?}");
    }
}
