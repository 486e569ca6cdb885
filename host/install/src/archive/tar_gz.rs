//! `.tar.gz`, read from front to back.
//!
//! Headers are taken one by one: the crate's own handling of long names reads whatever length an entry claims into
//! memory.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use crate::limits::Limits;
use crate::unpack::{Mode, UnpackError, Unpacker, refused_bits, shown};

/// The longest header for one entry's long name and attributes.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// The most that may follow the last entry: `tar` fills its last block with zeros.
const MAX_PADDING_BYTES: u64 = 1024 * 1024;

/// What headers say of the entry that follows them.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
}

/// Unpacks an archive.
pub(super) fn unpack(
    file: File,
    limits: &Limits,
    unpacker: &mut Unpacker<'_>,
) -> Result<(), UnpackError> {
    let decoder = MultiGzDecoder::new(BufReader::new(file));
    // Whatever the headers say, no more than this is ever inflated.
    let most = limits
        .unpacked_bytes
        .saturating_add((limits.entries as u64).saturating_mul(MAX_HEADER_BYTES));
    let mut archive = Archive::new(decoder.take(most));
    let mut ahead = Ahead::default();
    let mut is_empty = true;
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        is_empty = false;
        match entry.header().entry_type() {
            EntryType::XGlobalHeader => {
                header(&mut entry)?;
            }
            EntryType::XHeader => ahead = from_attributes(&header(&mut entry)?)?,
            EntryType::GNULongName => {
                let mut name = header(&mut entry)?;
                while name.last() == Some(&0) {
                    name.pop();
                }
                ahead.name = Some(name);
            }
            _ => {
                let name = std::mem::take(&mut ahead).name;
                let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
                unpack_entry(&name, &mut entry, unpacker)?;
            }
        }
    }
    if is_empty || ahead.name.is_some() {
        return Err(UnpackError::damaged("it ends too early"));
    }
    finish(archive.into_inner(), unpacker)
}

fn unpack_entry<R: Read>(
    name: &[u8],
    entry: &mut Entry<'_, R>,
    unpacker: &mut Unpacker<'_>,
) -> Result<(), UnpackError> {
    let special = |what| UnpackError::Special {
        entry: shown(name),
        what,
    };
    let bits = entry.header().mode().map_err(damaged)?;
    // The type is a field of its own in this format; of the bits only the permissions count.
    if let Some(what) = refused_bits(bits & 0o7777) {
        return Err(special(what));
    }
    match entry.header().entry_type() {
        EntryType::Directory => unpacker.folder(name),
        EntryType::Regular | EntryType::Continuous => {
            let declared = entry.size();
            let length = unpacker.file(name, Mode::from_bits(bits), entry)?;
            if length == declared {
                Ok(())
            } else {
                Err(UnpackError::damaged("it ends within a file"))
            }
        }
        EntryType::Symlink => Err(special("a symbolic link")),
        EntryType::Link => Err(special("a hard link")),
        EntryType::GNULongLink => Err(special("a link")),
        EntryType::Block | EntryType::Char => Err(special("a device")),
        EntryType::Fifo => Err(special("a named pipe")),
        EntryType::GNUSparse => Err(special("a sparse file")),
        _ => Err(special("of an unknown type")),
    }
}

/// Reads the content of an entry that says something about the next one.
fn header<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, UnpackError> {
    if entry.size() > MAX_HEADER_BYTES {
        return Err(UnpackError::unsupported("has a name without end"));
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(damaged)?;
    Ok(content)
}

/// Takes from an entry's attributes what changes its meaning; the rest (times, owners) is of no interest.
fn from_attributes(content: &[u8]) -> Result<Ahead, UnpackError> {
    let mut ahead = Ahead::default();
    for attribute in PaxExtensions::new(content) {
        let attribute = attribute.map_err(damaged)?;
        match attribute.key_bytes() {
            b"path" => ahead.name = Some(attribute.value_bytes().to_owned()),
            b"size" => return Err(UnpackError::unsupported("has a file of more than 8 GB")),
            key if key.starts_with(b"GNU.sparse") => {
                return Err(UnpackError::unsupported("has a sparse file"));
            }
            _ => {}
        }
    }
    Ok(ahead)
}

/// Reads what follows the last entry, which shows whether the archive was cut off or has more to hide.
fn finish(mut rest: impl Read, unpacker: &Unpacker<'_>) -> Result<(), UnpackError> {
    let mut most = rest.by_ref().take(MAX_PADDING_BYTES);
    io::copy(&mut most, &mut io::sink()).map_err(damaged)?;
    if most.limit() == 0 {
        return Err(unpacker.too_much());
    }
    Ok(())
}

fn damaged(error: io::Error) -> UnpackError {
    UnpackError::damaged(error.to_string())
}
