//! Packs archives by hand, so that they can be as no tool would make them.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use install::{Limits, UnpackError, unpack_archive};
use tar::{EntryType, Header};

/// An entry of a zip archive, and what it says of itself.
#[derive(Clone)]
pub(crate) struct Zipped {
    pub(crate) name: Vec<u8>,
    /// The name before the content, where it differs.
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) content: Vec<u8>,
    pub(crate) bits: u32,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: Option<u32>,
    pub(crate) bytes: Option<u32>,
    /// Which entry's content it shares, instead of having its own.
    pub(crate) same_as: Option<usize>,
}

impl Zipped {
    pub(crate) fn new(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.as_ref().to_owned(),
            local_name: None,
            content: content.as_ref().to_owned(),
            bits: 0o100_644,
            flags: 0,
            method: 8,
            crc: None,
            bytes: None,
            same_as: None,
        }
    }

    pub(crate) fn bits(self, bits: u32) -> Self {
        Self { bits, ..self }
    }
}

pub(crate) fn zip(entries: &[Zipped]) -> Vec<u8> {
    let mut file: Vec<u8> = Vec::new();
    let mut directory: Vec<u8> = Vec::new();
    let mut offsets: Vec<u32> = Vec::new();
    for entry in entries {
        let packed = if entry.method == 8 {
            deflated(&entry.content)
        } else {
            entry.content.clone()
        };
        let crc = entry.crc.unwrap_or_else(|| {
            let mut crc = flate2::Crc::new();
            crc.update(&entry.content);
            crc.sum()
        });
        let bytes = entry.bytes.unwrap_or(entry.content.len() as u32);
        let common = |version: &[u8], name: &[u8]| {
            let mut common = version.to_vec();
            for number in [20, entry.flags, entry.method, 0, 0] {
                common.extend(number.to_le_bytes());
            }
            for number in [crc, packed.len() as u32, bytes] {
                common.extend(number.to_le_bytes());
            }
            common.extend((name.len() as u16).to_le_bytes());
            common.extend(0_u16.to_le_bytes());
            common
        };
        let offset = entry
            .same_as
            .map_or(file.len() as u32, |other| offsets[other]);
        offsets.push(offset);
        if entry.same_as.is_none() {
            let name = entry.local_name.as_ref().unwrap_or(&entry.name);
            file.extend(b"PK\x03\x04");
            file.extend(common(&[], name));
            file.extend(name);
            file.extend(&packed);
        }
        directory.extend(b"PK\x01\x02");
        directory.extend(common(&[20, 3], &entry.name));
        directory.extend([0; 6]);
        directory.extend((entry.bits << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let begin = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        file.extend((entries.len() as u16).to_le_bytes());
    }
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(begin.to_le_bytes());
    file.extend([0, 0]);
    file
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// An entry of a tar archive.
pub(crate) struct Tarred {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    pub(crate) link: &'static str,
}

impl Tarred {
    pub(crate) fn new(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.as_ref().to_owned(),
            content: content.as_ref().to_owned(),
            kind: EntryType::Regular,
            mode: 0o644,
            link: "",
        }
    }

    pub(crate) fn kind(self, kind: EntryType) -> Self {
        Self { kind, ..self }
    }
}

/// The bytes of a tar archive, without the crate's own checks of names.
pub(crate) fn tar(entries: &[Tarred]) -> Vec<u8> {
    let mut file = Vec::new();
    for entry in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(&entry.name);
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_size(entry.content.len() as u64);
        header.set_mode(entry.mode);
        header.set_entry_type(entry.kind);
        header.set_cksum();
        file.extend(header.as_bytes());
        file.extend(&entry.content);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file.extend([0; 1024]);
    file
}

pub(crate) fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Small limits, so that passing them is quick.
pub(crate) fn limits() -> Limits {
    Limits {
        archive_bytes: 4 * 1024 * 1024,
        unpacked_bytes: 64 * 1024 * 1024,
        entries: 100,
        ratio: 100,
        depth: 8,
    }
}

/// Unpacks into a folder, and makes sure that nothing is beside it afterwards.
pub(crate) fn unpack(name: &str, archive: &[u8], into: &Path) -> Result<(), UnpackError> {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join(name);
    std::fs::write(&file, archive).unwrap();
    let content = into.join("content");
    std::fs::create_dir_all(&content).unwrap();
    let result = unpack_archive(&file, name, &content, &limits());
    let beside: Vec<_> = std::fs::read_dir(into).unwrap().collect();
    assert_eq!(beside.len(), 1, "something was written beside: {beside:?}");
    result
}
