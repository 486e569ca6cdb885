//! `.zip`, by its directory at the end.
//!
//! Read here rather than by the `zip` crate, which keeps only the last of two entries with one name, and holds the
//! whole directory in memory before anybody can say that it is too long. Of the format this takes what `zip`, Python
//! and the desktops write: stored and deflated files, without encryption.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;

use crate::limits::Limits;
use crate::unpack::{Mode, UnpackError, Unpacker, refused_bits, shown};

const END_BYTES: u64 = 22;
const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const ENTRY_BYTES: usize = 46;
const ENTRY_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const LOCAL_BYTES: usize = 30;
const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";

/// The longest comment at an archive's end, and so how far from its end the directory's end may be.
const MAX_COMMENT_BYTES: u64 = 0xffff;

/// The longest name of an entry that is looked at; a longer one is refused for its length anyway.
const MAX_NAME_BYTES: u16 = 4096;

/// Entries made on Unix have a file's type and permissions.
const MADE_ON_UNIX: u8 = 3;

/// Where the directory is.
struct Directory {
    entries: u16,
    begin: u64,
    end: u64,
}

/// One entry of the directory.
struct Entry {
    name: Vec<u8>,
    method: u16,
    crc: u32,
    packed_bytes: u64,
    bytes: u64,
    /// Where its own header begins.
    offset: u64,
    /// Its type and permissions, 0 when it was not made on Unix.
    bits: u32,
}

/// Unpacks an archive of this length.
pub(super) fn unpack(
    file: File,
    length: u64,
    limits: &Limits,
    unpacker: &mut Unpacker<'_>,
) -> Result<(), UnpackError> {
    let mut file = BufReader::new(file);
    let directory = find_directory(&mut file, length)?;
    if usize::from(directory.entries) > limits.entries {
        return Err(UnpackError::Limit {
            what: "there are more files and folders",
            limit: limits.entries.to_string(),
            setting: "install_entries",
        });
    }
    let mut entries = read_directory(&mut file, &directory)?;
    // In the order of the file, so that two entries that share bytes are seen, which is how one archive unpacks to
    // a thousand times what is in it.
    entries.sort_by_key(|entry| entry.offset);
    let mut used = 0;
    for entry in &entries {
        if entry.offset < used {
            return Err(UnpackError::unsupported("has entries that overlap"));
        }
        let data = find_data(&mut file, entry)?;
        used = data.saturating_add(entry.packed_bytes);
        if used > directory.begin {
            return Err(UnpackError::damaged(
                "an entry ends behind the archive's end",
            ));
        }
        unpack_entry(&mut file, entry, unpacker)?;
    }
    Ok(())
}

fn find_directory(file: &mut BufReader<File>, length: u64) -> Result<Directory, UnpackError> {
    let tail_begin = length.saturating_sub(END_BYTES + MAX_COMMENT_BYTES);
    file.seek(SeekFrom::Start(tail_begin)).map_err(damaged)?;
    let mut tail = Vec::new();
    file.take(END_BYTES + MAX_COMMENT_BYTES)
        .read_to_end(&mut tail)
        .map_err(damaged)?;
    let at = (0..tail.len().saturating_sub(END_BYTES as usize - 1))
        .rev()
        .find(|at| {
            let record = &tail[*at..];
            // The comment reaches to the end of the file: nothing else can pass for the record.
            record.starts_with(&END_SIGNATURE)
                && END_BYTES as usize + usize::from(u16_at(record, 20)) == record.len()
        })
        .ok_or_else(|| UnpackError::damaged("it has no directory"))?;
    let record = &tail[at..];
    let (disk, entries, here) = (u16_at(record, 4), u16_at(record, 10), u16_at(record, 8));
    let (bytes, begin) = (u32_at(record, 12), u32_at(record, 16));
    if entries == u16::MAX || bytes == u32::MAX || begin == u32::MAX {
        return Err(UnpackError::unsupported(
            "is in the format for more than 4 GB",
        ));
    }
    if disk != 0 || here != entries {
        return Err(UnpackError::unsupported("is one part of several"));
    }
    let end = tail_begin + at as u64;
    let begin = u64::from(begin);
    if begin + u64::from(bytes) != end {
        return Err(UnpackError::damaged(
            "its directory is not where it should be",
        ));
    }
    Ok(Directory {
        entries,
        begin,
        end,
    })
}

fn read_directory(
    file: &mut BufReader<File>,
    directory: &Directory,
) -> Result<Vec<Entry>, UnpackError> {
    file.seek(SeekFrom::Start(directory.begin))
        .map_err(damaged)?;
    let mut directory_bytes = file.take(directory.end - directory.begin);
    let mut entries = Vec::with_capacity(usize::from(directory.entries));
    for _ in 0..directory.entries {
        entries.push(read_entry(&mut directory_bytes)?);
    }
    if directory_bytes.limit() != 0 {
        return Err(UnpackError::damaged("its directory is longer than it says"));
    }
    Ok(entries)
}

fn read_entry(directory: &mut impl Read) -> Result<Entry, UnpackError> {
    let record: [u8; ENTRY_BYTES] = record(directory)?;
    if !record.starts_with(&ENTRY_SIGNATURE) {
        return Err(UnpackError::damaged("its directory holds something else"));
    }
    let made_on = record[5];
    let flags = u16_at(&record, 8);
    let name_bytes = u16_at(&record, 28);
    let skipped = u64::from(u16_at(&record, 30)) + u64::from(u16_at(&record, 32));
    if name_bytes > MAX_NAME_BYTES {
        return Err(UnpackError::unsupported("has a name without end"));
    }
    let mut name = vec![0; usize::from(name_bytes)];
    directory.read_exact(&mut name).map_err(damaged)?;
    if io::copy(&mut directory.take(skipped), &mut io::sink()).map_err(damaged)? != skipped {
        return Err(UnpackError::damaged("its directory ends too early"));
    }
    if flags & 0x2041 != 0 {
        return Err(UnpackError::unsupported("is encrypted"));
    }
    let entry = Entry {
        method: u16_at(&record, 10),
        crc: u32_at(&record, 16),
        packed_bytes: u64::from(u32_at(&record, 20)),
        bytes: u64::from(u32_at(&record, 24)),
        offset: u64::from(u32_at(&record, 42)),
        bits: if made_on == MADE_ON_UNIX {
            u32_at(&record, 38) >> 16
        } else {
            0
        },
        name,
    };
    let large = u64::from(u32::MAX);
    if [entry.packed_bytes, entry.bytes, entry.offset].contains(&large) {
        return Err(UnpackError::unsupported("has a file of more than 4 GB"));
    }
    Ok(entry)
}

/// Goes to an entry's content and returns where it begins.
fn find_data(file: &mut BufReader<File>, entry: &Entry) -> Result<u64, UnpackError> {
    file.seek(SeekFrom::Start(entry.offset)).map_err(damaged)?;
    let local: [u8; LOCAL_BYTES] = record(file)?;
    let mut name = vec![0; usize::from(u16_at(&local, 26))];
    let extra = u16_at(&local, 28);
    // What the directory says and what stands before the content must be one thing: whoever looked at the archive
    // with another program has then seen what is installed.
    let is_same = local.starts_with(&LOCAL_SIGNATURE)
        && name.len() == entry.name.len()
        && u16_at(&local, 8) == entry.method;
    if is_same {
        file.read_exact(&mut name).map_err(damaged)?;
    }
    if !is_same || name != entry.name {
        let entry = shown(&entry.name);
        return Err(UnpackError::damaged(format!(
            "the entry `{entry}` is another one in the directory"
        )));
    }
    file.seek_relative(i64::from(extra)).map_err(damaged)?;
    Ok(entry.offset + (LOCAL_BYTES + name.len()) as u64 + u64::from(extra))
}

/// Unpacks the entry whose content comes next in `file`.
fn unpack_entry(
    file: &mut BufReader<File>,
    entry: &Entry,
    unpacker: &mut Unpacker<'_>,
) -> Result<(), UnpackError> {
    let name = &entry.name;
    if let Some(what) = refused_bits(entry.bits) {
        let entry = shown(name);
        return Err(UnpackError::Special { entry, what });
    }
    let is_folder = name.ends_with(b"/") || entry.bits & 0o170_000 == 0o040_000;
    if is_folder {
        if entry.bytes != 0 {
            return Err(UnpackError::damaged(format!(
                "the folder `{}` has content",
                shown(name)
            )));
        }
        return unpacker.folder(name);
    }
    let mut packed = file.take(entry.packed_bytes);
    let mode = Mode::from_bits(entry.bits);
    // One byte more than there should be, so that too much is seen and no more than that is read.
    let most = entry.bytes + 1;
    let (length, crc) = match entry.method {
        0 => {
            let mut content = CrcReader::new(packed.take(most));
            let length = unpacker.file(name, mode, &mut content)?;
            (length, content.crc().sum())
        }
        8 => {
            let mut content = CrcReader::new(DeflateDecoder::new(&mut packed).take(most));
            let length = unpacker.file(name, mode, &mut content)?;
            (length, content.crc().sum())
        }
        method => {
            return Err(UnpackError::unsupported(format!(
                "is compressed by a method that is not read here (number {method})"
            )));
        }
    };
    if length != entry.bytes || crc != entry.crc {
        return Err(UnpackError::damaged(format!(
            "the entry `{}` is not what the directory says",
            shown(name)
        )));
    }
    Ok(())
}

fn record<const BYTES: usize>(file: &mut impl Read) -> Result<[u8; BYTES], UnpackError> {
    let mut record = [0; BYTES];
    file.read_exact(&mut record).map_err(damaged)?;
    Ok(record)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn damaged(error: io::Error) -> UnpackError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => UnpackError::damaged("it ends too early"),
        _ => UnpackError::damaged(error.to_string()),
    }
}
