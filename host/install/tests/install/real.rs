//! Archives as people make them: with `zip`, `tar` and Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use install::{FileList, copy_folder, unpack_archive};

use crate::packing::limits;

#[expect(
    clippy::disallowed_methods,
    reason = "the point is what other programs make"
)]
fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
}

fn plugin(root: &Path) {
    let folder = root.join("hello-1.0.0");
    fs::create_dir_all(folder.join("hook/größe")).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    fs::write(folder.join("plugin.toml"), "id = \"hello\"\n").unwrap();
    fs::write(folder.join("hook/größe/a b.py"), "pass\n".repeat(5000)).unwrap();
    fs::write(folder.join("run.sh"), "#!/bin/sh\n").unwrap();
    // Longer than the name field of a tar header.
    let long = folder.join("n".repeat(90)).join("m".repeat(90));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("x"), "long").unwrap();
    run(&folder, "chmod", &["755", "run.sh"]);
}

#[test]
fn what_other_programs_pack_is_unpacked() {
    let root = tempfile::tempdir().unwrap();
    plugin(root.path());
    let expected = FileList::of_folder(&root.path().join("hello-1.0.0")).unwrap();
    let name = "hello-1.0.0";
    for (file, program, arguments) in [
        ("a.zip", "zip", &["-qr", "a.zip", name][..]),
        ("b.zip", "zip", &["-qr0", "b.zip", name]),
        (
            "c.zip",
            "sh",
            &["-c", "zip -qr - hello-1.0.0 | cat > c.zip"],
        ),
        (
            "d.zip",
            "python3",
            &["-m", "zipfile", "-c", "d.zip", "hello-1.0.0/"],
        ),
        ("e.tar.gz", "tar", &["-czf", "e.tar.gz", name]),
        ("f.tgz", "tar", &["-czf", "f.tgz", "--format=pax", name]),
        (
            "g.tar.gz",
            "tar",
            &["-czf", "g.tar.gz", "--format=ustar", name],
        ),
        ("h.tar.gz", "tar", &["-czf", "h.tar.gz", "-C", name, "."]),
        (
            "i.tar.gz",
            "python3",
            &[
                "-c",
                "import tarfile; tarfile.open('i.tar.gz', 'w:gz').add('hello-1.0.0')",
            ],
        ),
        (
            "j.zip",
            "sh",
            &["-c", "echo a comment | zip -qzr j.zip hello-1.0.0"],
        ),
    ] {
        run(root.path(), program, arguments);
        let into = tempfile::tempdir().unwrap();
        let path = root.path().join(file);
        unpack_archive(&path, file, into.path(), &limits())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let folder = into.path().join(name);
        let folder = if folder.is_dir() {
            folder
        } else {
            into.path().to_owned()
        };
        let list = FileList::of_folder(&folder).unwrap();
        assert_eq!(expected.differences(&list), [], "{file}");
        assert!(folder.join("empty").is_dir(), "{file}");
        #[cfg(unix)]
        for (name, expected) in [("run.sh", 0o755), ("plugin.toml", 0o644)] {
            use std::os::unix::fs::MetadataExt as _;
            // A umask may close a file further; it never opens one.
            let mode = fs::metadata(folder.join(name)).unwrap().mode() & 0o777;
            assert_eq!(mode & 0o700, expected & 0o700, "{file} {name}");
            assert_eq!(mode & !expected, 0, "{file} {name}");
        }
    }
}

#[test]
fn links_that_other_programs_pack_are_refused() {
    let root = tempfile::tempdir().unwrap();
    plugin(root.path());
    let name = "hello-1.0.0";
    run(&root.path().join(name), "ln", &["-s", "/etc", "way_out"]);
    run(root.path(), "zip", &["-qry", "a.zip", name]);
    run(root.path(), "tar", &["-czf", "a.tar.gz", name]);
    for file in ["a.zip", "a.tar.gz"] {
        let into = tempfile::tempdir().unwrap();
        let path = root.path().join(file);
        let error = unpack_archive(&path, file, into.path(), &limits()).unwrap_err();
        let expected = "the entry `hello-1.0.0/way_out` is refused: it is a symbolic link";
        assert_eq!(error.to_string(), expected);
    }
    let into = tempfile::tempdir().unwrap();
    let folder = root.path().join(name);
    let error = copy_folder(&folder, into.path(), &limits()).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    fs::remove_file(folder.join("way_out")).unwrap();
    run(&folder, "mkfifo", &["pipe"]);
    let into = tempfile::tempdir().unwrap();
    let error = copy_folder(&folder, into.path(), &limits()).unwrap_err();
    assert!(error.to_string().contains("named pipe"), "{error}");
    fs::remove_file(folder.join("pipe")).unwrap();
    let into = tempfile::tempdir().unwrap();
    copy_folder(&folder, into.path(), &limits()).unwrap();
    assert_eq!(
        FileList::of_folder(into.path()).unwrap(),
        FileList::of_folder(&folder).unwrap()
    );
}
