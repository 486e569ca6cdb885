//! Archives that somebody made on purpose.

use std::fs;

use install::{PathProblem, UnpackError};
use proptest::prelude::*;
use tar::EntryType;

use crate::packing::{Tarred, Zipped, gz, tar, unpack, zip};

/// Checks that an archive is refused with a sentence that holds `expected`.
#[track_caller]
fn check(name: &str, archive: &[u8], expected: &str) -> UnpackError {
    let into = tempfile::tempdir().unwrap();
    let error = unpack(name, archive, into.path()).unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.contains(expected), "{sentence}");
    assert!(!error.hint().is_empty());
    assert!(!sentence.contains(|c: char| c.is_control()), "{sentence:?}");
    error
}

fn check_zip(entries: &[Zipped], expected: &str) -> UnpackError {
    check("bad.zip", &zip(entries), expected)
}

fn check_tar(entries: &[Tarred], expected: &str) -> UnpackError {
    check("bad.tar.gz", &gz(&tar(entries)), expected)
}

#[test]
fn no_path_leaves_the_folder() {
    for (name, expected) in [
        (&b"/etc/passwd"[..], PathProblem::Absolute),
        (b"../../.bashrc", PathProblem::Escapes),
        (b"hook/../../x", PathProblem::Escapes),
        (b"..", PathProblem::Escapes),
        (b"C:\\windows\\x", PathProblem::Absolute),
        (b"c:x", PathProblem::Absolute),
        (b"hook\\..\\..\\x", PathProblem::Backslash),
        (b"\\\\server\\share", PathProblem::Backslash),
        (b"hook/\x01.py", PathProblem::Character),
        (b"plugin.toml:x", PathProblem::Character),
        (b"plugin.toml ", PathProblem::Ending),
        (b"hook/\xff\xfe.py", PathProblem::NotUtf8),
    ] {
        for error in [
            check_zip(&[Zipped::new(name, "x")], "is refused"),
            check_tar(&[Tarred::new(name, "x")], "is refused"),
        ] {
            let found = match &error {
                UnpackError::Path { problem, .. } => *problem,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(name));
        }
    }
    // A tar header's name ends at the first NUL, a zip's does not.
    check_zip(&[Zipped::new(b"plugin.toml\0.png", "x")], "not allowed");
    check_tar(
        &[
            Tarred::new("pax", "16 path=../../x\n").kind(EntryType::XHeader),
            Tarred::new("innocent", "x"),
        ],
        "leads out",
    );
    check_tar(
        &[
            Tarred::new("././@LongLink", "../../x\0").kind(EntryType::GNULongName),
            Tarred::new("innocent", "x"),
        ],
        "leads out",
    );
}

#[test]
fn only_plain_files_and_folders_are_unpacked() {
    for (kind, expected) in [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a device"),
        (EntryType::Block, "a device"),
        (EntryType::Fifo, "a named pipe"),
        (EntryType::GNUSparse, "a sparse file"),
        (EntryType::GNULongLink, "a link"),
        (EntryType::new(b'V'), "of an unknown type"),
    ] {
        let entry = Tarred::new("hook", "").kind(kind);
        let link = Tarred {
            link: "/etc",
            ..entry
        };
        check_tar(&[link, Tarred::new("hook/x.py", "x")], expected);
    }
    for (bits, expected) in [
        (0o120_777, "a symbolic link"),
        (0o020_644, "a device"),
        (0o060_644, "a device"),
        (0o010_644, "a named pipe"),
        (0o140_644, "a socket"),
        (0o104_755, "setuid"),
        (0o102_755, "setgid"),
    ] {
        check_zip(&[Zipped::new("x", "/etc").bits(bits)], expected);
    }
    let setuid = Tarred {
        mode: 0o4755,
        ..Tarred::new("x", "x")
    };
    check_tar(&[setuid], "setuid");
}

#[test]
fn two_entries_are_never_one_file() {
    for (first, second) in [
        ("plugin.toml", "plugin.toml"),
        ("plugin.toml", "PLUGIN.toml"),
        ("Hook/a.py", "hook/b.py"),
        ("hook", "hook/a.py"),
        ("hook/a.py", "hook"),
        ("GRÜN", "grün"),
    ] {
        check_zip(
            &[Zipped::new(first, "1"), Zipped::new(second, "2")],
            "one file",
        );
        check_tar(
            &[Tarred::new(first, "1"), Tarred::new(second, "2")],
            "one file",
        );
    }
}

#[test]
fn no_archive_unpacks_without_end() {
    let zeros = vec![0; 17 * 1024 * 1024];
    check_zip(&[Zipped::new("x", &zeros)], "times its size");
    check_tar(&[Tarred::new("x", &zeros)], "times its size");
    // Incompressible, so that the ratio is fine and the sum is not.
    let mut noise = vec![0_u8; 3 * 1024 * 1024];
    let mut state = 1_u32;
    for byte in &mut noise {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    let stored = Zipped {
        method: 0,
        ..Zipped::new("x", &noise)
    };
    let large = zip(&[
        stored.clone(),
        Zipped {
            name: b"y".to_vec(),
            ..stored
        },
    ]);
    check("large.zip", &large, "the archive is larger");
    // One content that many entries share is how 10 MB become terabytes.
    let first = Zipped::new("0", vec![0; 64 * 1024]);
    let others = (1..20).map(|number| Zipped {
        same_as: Some(0),
        name: number.to_string().into_bytes(),
        ..first.clone()
    });
    let mut overlapping = vec![first.clone()];
    overlapping.extend(others);
    check_zip(&overlapping, "has entries that overlap");

    let many: Vec<_> = (0..200).map(|n| Zipped::new(n.to_string(), "")).collect();
    check_zip(&many, "more files and folders than the limit of 100");
    let many: Vec<_> = (0..200).map(|n| Tarred::new(n.to_string(), "")).collect();
    check_tar(&many, "more files and folders than the limit of 100");
    let deep = "a/".repeat(20) + "x";
    check_zip(&[Zipped::new(&deep, "")], "folders lie deeper");
    check_tar(&[Tarred::new(&deep, "")], "folders lie deeper");
    // Folders count as well, also those that nobody names.
    let folders: Vec<_> = (0..60).map(|n| Tarred::new(format!("{n}/x"), "")).collect();
    check_tar(&folders, "more files and folders");
    // A name of any length would be read into memory before anybody looks at it.
    let name = Tarred::new("././@LongLink", vec![b'a'; 1024 * 1024]);
    check_tar(
        &[name.kind(EntryType::GNULongName), Tarred::new("x", "")],
        "a name without end",
    );
}

#[test]
fn an_archive_is_what_its_directory_says() {
    let good = Zipped::new("plugin.toml", "id = \"a\"\n".repeat(50));
    let other_name = Zipped {
        local_name: Some(b"plugin_toml".to_vec()),
        ..good.clone()
    };
    check_zip(&[other_name], "another one in the directory");
    let crc = Zipped {
        crc: Some(7),
        ..good.clone()
    };
    check_zip(&[crc], "not what the directory says");
    for bytes in [3, 4000] {
        let length = Zipped {
            bytes: Some(bytes),
            ..good.clone()
        };
        check_zip(&[length], "not what the directory says");
    }
    let encrypted = Zipped {
        flags: 1,
        ..good.clone()
    };
    check_zip(&[encrypted], "is encrypted");
    let strange = Zipped {
        method: 14,
        ..good.clone()
    };
    check_zip(&[strange], "number 14");
    let folder = Zipped::new("hook/", "content").bits(0o040_755);
    check_zip(&[folder], "has content");

    let whole = zip(std::slice::from_ref(&good));
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        check("cut.zip", &whole[..length], "damaged");
    }
    let whole = gz(&tar(&[Tarred::new("plugin.toml", [b'x'; 5000])]));
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        check("cut.tar.gz", &whole[..length], "damaged");
    }
    check("empty.tar.gz", &gz(&tar(&[])), "ends too early");
    check("a.rar", b"Rar!", "neither a `.zip` nor a `.tar.gz`");
    check("a.zip", &whole, "it has no directory");
    check("a.tar.gz", &zip(&[good]), "damaged");
}

#[test]
fn what_only_other_programs_need_is_left_out() {
    let into = tempfile::tempdir().unwrap();
    let archive = zip(&[
        Zipped::new("a/plugin.toml", "x"),
        Zipped::new("a/__pycache__/evil.cpython-311.pyc", "x"),
        Zipped::new("__MACOSX/a/._plugin.toml", "x"),
        Zipped::new("a/.DS_Store", "x"),
    ]);
    unpack("a.zip", &archive, into.path()).unwrap();
    let content = into.path().join("content");
    let names = |folder: &std::path::Path| -> Vec<_> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names(&content), ["a"]);
    assert_eq!(names(&content.join("a")), ["plugin.toml"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever the bytes are: an answer, no panic, nothing beside the folder.
    #[test]
    fn noise_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000), at in 0..400_usize, flip in 1..=255_u8) {
        let into = tempfile::tempdir().unwrap();
        prop_assert!(unpack("a.zip", &bytes, into.path()).is_err());
        let into = tempfile::tempdir().unwrap();
        prop_assert!(unpack("a.tar.gz", &gz(&bytes), into.path()).is_err());

        // One wrong byte in a good archive: refused, or read as something within the limits.
        let mut archive = zip(&[Zipped::new("a/b", "content"), Zipped::new("a/c", vec![7; 200])]);
        let place = at % archive.len();
        archive[place] ^= flip;
        let into = tempfile::tempdir().unwrap();
        drop(unpack("a.zip", &archive, into.path()));
        let mut archive = tar(&[Tarred::new("a/b", "content"), Tarred::new("a/c", vec![7; 200])]);
        let place = at % archive.len();
        archive[place] ^= flip;
        let into = tempfile::tempdir().unwrap();
        drop(unpack("a.tar.gz", &gz(&archive), into.path()));
    }

    /// Whatever the names are, what is unpacked lies below the folder and every file has what it should.
    #[test]
    fn names_stay_inside(names in proptest::collection::vec("[a-cA-C./\\\\: \u{e9}\u{0}-\u{2}]{1,12}", 1..8)) {
        let entries: Vec<_> = names.iter().map(|name| Zipped::new(name, name)).collect();
        let into = tempfile::tempdir().unwrap();
        if unpack("a.zip", &zip(&entries), into.path()).is_ok() {
            for name in names.iter().filter(|name| !name.ends_with('/')) {
                let path = into.path().join("content").join(name);
                prop_assert_eq!(fs::read(path).unwrap(), name.as_bytes());
            }
        }
    }
}
