//! What it takes to start a program: its file, the interpreters that the kernel starts in its place, and what lies around them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// How many interpreters may stand behind one another; the kernel allows five.
const DEPTH: usize = 5;

/// How many links are followed, as the kernel does.
const LINKS: usize = 40;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The files that the kernel starts.
    pub(super) files: BTreeSet<PathBuf>,
    /// The folders that these are installed in: `/opt/tool` of `/opt/tool/bin/tool`.
    pub(super) prefixes: BTreeSet<PathBuf>,
}

/// Finds a program by its path, which may be relative to a folder, or by its name in a search path.
pub(super) fn find(name: &str, folder: &Path, search: &OsStr) -> Found {
    let mut found = Found::default();
    if let Some(path) = locate(OsStr::new(name), folder, search) {
        found.add(&path, folder, search, DEPTH);
    }
    found
}

/// Finds the file that a program's name means.
///
/// What version managers put in a search path are scripts that look for the version meant with half a dozen programs of the system's; these come last.
pub(crate) fn locate(name: &OsStr, folder: &Path, search: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        let path = folder.join(name);
        return path.is_file().then_some(path);
    }
    let (last, first): (Vec<PathBuf>, Vec<PathBuf>) =
        std::env::split_paths(search).partition(|place| place.ends_with("shims"));
    let mut places = first.into_iter().chain(last);
    places
        .find(|place| is_executable(&folder.join(place).join(name)))
        .map(|place| folder.join(place).join(name))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

impl Found {
    fn add(&mut self, path: &Path, folder: &Path, search: &OsStr, depth: usize) {
        let mut path = path.to_owned();
        self.add_prefix(&path);
        // A link may lead from an environment into the installation that it was made from: both are needed.
        for _ in 0..LINKS {
            let Ok(target) = fs::read_link(&path) else {
                break;
            };
            path = path.parent().unwrap_or(Path::new("/")).join(target);
            self.add_prefix(&path);
        }
        let Ok(file) = path.canonicalize() else {
            return;
        };
        self.add_prefix(&file);
        let is_new = self.files.insert(file.clone());
        if !is_new || depth == 0 {
            return;
        }
        for interpreter in interpreters(&file) {
            if let Some(path) = locate(OsStr::from_bytes(&interpreter), folder, search) {
                self.add(&path, folder, search, depth - 1);
            }
        }
    }

    /// Adds the folder that a program is installed in, and the one that a Python environment was made from.
    fn add_prefix(&mut self, program: &Path) {
        let Some(folder) = program.parent() else {
            return;
        };
        let Ok(folder) = folder.canonicalize() else {
            return;
        };
        if !folder.ends_with("bin") {
            return;
        }
        let Some(prefix) = folder.parent() else {
            return;
        };
        self.prefixes.insert(prefix.to_owned());
        let Ok(text) = fs::read_to_string(prefix.join("pyvenv.cfg")) else {
            return;
        };
        let home = text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "home").then(|| PathBuf::from(value.trim()))
        });
        let base = home.and_then(|home| home.canonicalize().ok());
        if let Some(base) = base.as_deref().and_then(Path::parent) {
            self.prefixes.insert(base.to_owned());
        }
    }
}

/// Reads what the kernel would start in a file's place: a loader, or the words after `#!`.
fn interpreters(file: &Path) -> Vec<Vec<u8>> {
    let Ok(file) = File::open(file) else {
        return Vec::new();
    };
    let mut head = Vec::new();
    if (&file).take(256).read_to_end(&mut head).is_err() {
        return Vec::new();
    }
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return named_in(line);
    }
    loader(&file, &head).into_iter().collect()
}

/// Reads the words after `#!`: an interpreter, or `env` and what it shall find.
fn named_in(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let Some(first) = words.next() else {
        return Vec::new();
    };
    let mut named = vec![first.to_vec()];
    if first.ends_with(b"/env") {
        let wanted = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='));
        named.extend(wanted.map(<[u8]>::to_vec));
    }
    named
}

/// Reads the loader's path from a 64-bit ELF file.
fn loader(file: &File, head: &[u8]) -> Option<Vec<u8>> {
    const LITTLE_ENDIAN_64: &[u8] = b"\x7fELF\x02\x01";
    const INTERPRETER: u32 = 3;
    const LONGEST: usize = 4096;
    let number = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let short = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at..at + 2)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?))
    };
    if !head.starts_with(LITTLE_ENDIAN_64) {
        return None;
    }
    let (table, size, count) = (number(head, 32)?, short(head, 54)?, short(head, 56)?);
    for index in 0..u64::from(count) {
        let mut header = [0; 56];
        file.read_exact_at(&mut header, table + index * u64::from(size))
            .ok()?;
        if header[..4] != INTERPRETER.to_le_bytes() {
            continue;
        }
        let length = usize::try_from(number(&header, 32)?).ok()?;
        let mut path = vec![0; length.min(LONGEST)];
        file.read_exact_at(&mut path, number(&header, 8)?).ok()?;
        let end = path.iter().position(|byte| *byte == 0);
        path.truncate(end.unwrap_or(path.len()));
        return Some(path);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn executable(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_program_needs_its_loader() {
        let found = find("sh", Path::new("/"), OsStr::new("/usr/bin:/bin"));
        let shell = fs::canonicalize("/bin/sh").unwrap();
        assert!(found.files.contains(&shell), "{found:?}");
        let loader = found.files.iter().any(|file| {
            let name = file.file_name().unwrap().to_string_lossy();
            name.starts_with("ld-")
        });
        assert!(loader, "{found:?}");
    }

    #[test]
    fn an_environment_brings_the_installation_that_it_was_made_from() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        executable(&root.join("base/bin/python3.12"), "");
        let environment = root.join("project/env");
        fs::create_dir_all(environment.join("bin")).unwrap();
        symlink(
            root.join("base/bin/python3.12"),
            environment.join("bin/python"),
        )
        .unwrap();
        let home = root.join("other/bin");
        fs::create_dir_all(&home).unwrap();
        let text = format!("home = {}\nversion = 3.12\n", home.display());
        fs::write(environment.join("pyvenv.cfg"), text).unwrap();
        let found = find("env/bin/python", &root.join("project"), OsStr::new(""));
        let files = [root.join("base/bin/python3.12")];
        let prefixes = [root.join("base"), root.join("other"), environment];
        assert_eq!(found.files, files.into());
        assert_eq!(found.prefixes, prefixes.into());
    }

    #[test]
    fn a_script_needs_its_interpreter_and_env_what_it_shall_find() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in ["env", "python9", "inner"] {
            executable(&root.join("tools").join(name), "");
        }
        executable(&root.join("shims/python9"), "");
        let outer = format!("#!{}/tools/env -S X=1 python9 -u\n", root.display());
        executable(&root.join("plugin/run"), &outer);
        let search = format!("{0}/shims:{0}/tools", root.display());
        let search = OsStr::new(&search);
        let found = find("./run", &root.join("plugin"), search);
        let files = ["plugin/run", "tools/env", "tools/python9"].map(|file| root.join(file));
        assert_eq!(found.files, files.into());
        executable(
            &root.join("plugin/run"),
            &format!("#! {}/tools/inner\n", root.display()),
        );
        let found = find("./run", &root.join("plugin"), search);
        let files = ["plugin/run", "tools/inner"].map(|file| root.join(file));
        assert_eq!(found.files, files.into());
    }
}
