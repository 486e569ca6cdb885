//! The places of parts in the file that they become.
//!
//! A part is written where it belongs, so that nothing is copied when the last has arrived. That needs all parts but
//! the last to have one size, which the first of them to arrive tells. A part that has another size, that comes again,
//! or that comes twice at once gets a file of its own; the parts are then copied together in the end.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Media, MediaError, Record, part_name};

/// The file of an upload's places.
pub(super) const WHOLE: &str = "whole";

/// Parts that are being written to their places, by upload and number.
pub(crate) type Placing = Arc<Mutex<HashSet<(String, u64)>>>;

/// A place, for the one request that writes to it: until it has been answered, and its last byte written.
pub(super) struct Place {
    placing: Placing,
    key: (String, u64),
    offset: u64,
    /// How many bytes it takes, neither more nor fewer.
    pub(super) length: u64,
}

/// Where a part lies that has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    Placed { offset: u64, length: u64 },
    Own(PathBuf),
}

impl Media {
    /// Returns the place of a part that is about to arrive with so many bytes, if it can have one.
    pub(super) fn place(
        &self,
        id: &str,
        part: u64,
        length: Option<u64>,
    ) -> Result<Option<Arc<Place>>, MediaError> {
        let completing = self
            .completing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (folder, record) = self.record(id)?;
        let (Some(length), Some(parts)) = (length, record.upload.parts) else {
            return Ok(None);
        };
        if record.is_complete || completing.contains(id) || placed(&folder)?.contains_key(&part) {
            return Ok(None);
        }
        let part_bytes = match record.part_bytes {
            Some(part_bytes) => part_bytes,
            None if part < parts => {
                let part_bytes = Some(length);
                self.write_record(
                    &folder,
                    &Record {
                        part_bytes,
                        ..record
                    },
                )?;
                length
            }
            // Where the last begins is not known before another has come, unless it is the only one.
            None if parts > 1 => return Ok(None),
            None => 0,
        };
        let fits = part == parts || length == part_bytes;
        let Some(offset) = part_bytes.checked_mul(part - 1).filter(|_| fits) else {
            return Ok(None);
        };
        let key = (id.to_owned(), part);
        let mut placing = self.placing.lock().unwrap_or_else(PoisonError::into_inner);
        if !placing.insert(key.clone()) {
            return Ok(None);
        }
        drop(placing);
        Ok(Some(Arc::new(Place {
            placing: Arc::clone(&self.placing),
            key,
            offset,
            length,
        })))
    }
}

impl Place {
    /// Opens the file at the place.
    pub(super) fn open(&self, folder: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(WHOLE))?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(file)
    }

    /// Notes that the part has arrived, and returns the note's path. The note has no content that could be lost.
    pub(super) fn note(&self, folder: &Path, tag: &str) -> io::Result<PathBuf> {
        let (_, part) = &self.key;
        let note = folder.join(format!(
            "placed-{part}-{tag}-{}-{}",
            self.offset, self.length
        ));
        File::create(&note)?;
        Ok(note)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let placing = self.placing.lock();
        placing
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Source {
    /// Returns where each of the parts lies, which must have the tags that the client was given.
    pub(super) fn of_parts(
        folder: &Path,
        parts: u64,
        tag_of: impl Fn(u64) -> Option<String>,
    ) -> Result<Vec<Self>, MediaError> {
        let mut placed = placed(folder)?;
        let source = |part| {
            let tag = tag_of(part)?;
            match placed.remove(&part) {
                Some((placed_tag, source)) if placed_tag == tag.to_ascii_lowercase() => {
                    Some(source)
                }
                _ => {
                    let own = folder.join(part_name(part, &tag));
                    own.is_file().then_some(Self::Own(own))
                }
            }
        };
        let mut source = source;
        (1..=parts)
            .map(|part| source(part).ok_or(MediaError::MissingPart { part }))
            .collect()
    }

    /// Appends the part's bytes to `target`.
    pub(super) fn append_to(&self, target: &mut File, folder: &Path) -> io::Result<u64> {
        match self {
            Self::Placed { offset, length } => {
                let mut whole = File::open(folder.join(WHOLE))?;
                whole.seek(SeekFrom::Start(*offset))?;
                io::copy(&mut whole.take(*length), target)
            }
            Self::Own(path) => io::copy(&mut File::open(path)?, target),
        }
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        match self {
            Self::Placed { length, .. } => Ok(*length),
            Self::Own(path) => Ok(fs::metadata(path)?.len()),
        }
    }
}

/// Returns the size of the whole file if each part lies where it belongs.
pub(super) fn size_in_place(sources: &[Source]) -> Option<u64> {
    sources.iter().try_fold(0, |end, source| match source {
        Source::Placed { offset, length } if *offset == end => end.checked_add(*length),
        _ => None,
    })
}

/// Returns the parts that lie in their places, with their tags.
fn placed(folder: &Path) -> io::Result<HashMap<u64, (String, Source)>> {
    let mut placed = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let note = name.to_str().and_then(|name| name.strip_prefix("placed-"));
        let Some(note) = note else {
            continue;
        };
        let fields: Vec<&str> = note.split('-').collect();
        if let [part, tag, offset, length] = fields[..]
            && let (Ok(part), Ok(offset), Ok(length)) =
                (part.parse(), offset.parse(), length.parse())
        {
            placed.insert(part, (tag.to_owned(), Source::Placed { offset, length }));
        }
    }
    Ok(placed)
}
