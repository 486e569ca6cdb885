//! Looks into one place. Everything here may take as long as a slow share takes: it runs on a thread of its own.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind, Run};
use serde::Deserialize;

use super::connect;
use super::found::{Family, Found, Locked, Scanned, Stamp, revision};
use super::manifest::{self, MANIFEST};
use super::place::{Holds, Place};

/// What says which versions are meant.
const LOCK: &str = "callboard.lock";

/// How many folders of one place are looked at.
const MAX_FOLDERS: usize = 10_000;

/// How many files of one plugin are watched for changes.
const MAX_FILES: usize = 200;

/// What is read of manifests that have been read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Those whose files have changed.
    Changed,
    /// All.
    All,
}

/// Looks into `place`; `known` is what was found there before.
pub(super) fn scan(place: &Place, known: &Scanned, reading: Reading) -> Scanned {
    let folders = match folders(place) {
        Ok(folders) => folders,
        Err(error) if error.kind() == ErrorKind::NotFound && !place.is_named => {
            return Scanned::default();
        }
        Err(error) => {
            let shown = place.path.display();
            let kind = match error.kind() {
                ErrorKind::NotFound => FailureKind::NotFound,
                _ => FailureKind::Unavailable,
            };
            let problem = Failure::new(kind, format!("could not look for plugins in `{shown}`"))
                .hint("make the folder readable, or remove it from the settings")
                .caused_by(&error);
            return Scanned {
                problem: Some(problem),
                ..Scanned::default()
            };
        }
    };
    let mut scanned = Scanned::default();
    for folder in folders {
        let known = known
            .found
            .iter()
            .find(|found| found.path == folder && reading == Reading::Changed);
        scanned.found.extend(look(place, &folder, known));
    }
    if place.holds == Holds::LockedPlugins {
        match read_lock(&place.path.join(LOCK)) {
            Ok(locked) => scanned.locked = locked,
            Err(problem) => scanned.problem = Some(problem),
        }
    }
    scanned
}

/// Returns the plugin folders of a place: itself, or those in it.
fn folders(place: &Place) -> std::io::Result<Vec<PathBuf>> {
    let own = fs::symlink_metadata(place.path.join(MANIFEST));
    // Somebody may name one of Connect's folders just as well; Connect's own variable names folders of them.
    let is_connects =
        || place.is_named && place.holds == Holds::Plugins && connect::is_one(&place.path);
    if matches!(place.holds, Holds::Hooks(_)) || own.is_ok() || is_connects() {
        // A place that is not there is told from one without plugins.
        fs::read_dir(&place.path)?;
        return Ok(vec![place.path.clone()]);
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(&place.path)?.take(MAX_FOLDERS) {
        let entry = entry?;
        // What begins with a dot is being installed, or is none of ours.
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if !entry.file_type()?.is_file() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn look(place: &Place, folder: &Path, known: Option<&Found>) -> Option<Found> {
    if let Holds::Hooks(number) = place.holds {
        return connect::hook_folder(folder, number);
    }
    let path = folder.join(MANIFEST);
    match fs::metadata(&path) {
        Ok(metadata) => Some(ours(folder, &path, &metadata, known)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = folder.file_name()?.to_string_lossy();
            connect::look(folder, &name).or_else(|| {
                (place.holds == Holds::ConnectPlugins && folder.is_dir())
                    .then(|| connect::without_hooks(folder, &name))
            })
        }
        // A link that leads nowhere or to a file is no plugin folder.
        Err(error) if error.kind() == ErrorKind::NotADirectory => None,
        Err(error) => {
            let problem = Failure::invalid(format!(
                "could not read plugin manifest: `{}`",
                path.display()
            ))
            .hint("make the folder readable")
            .caused_by(&error);
            Some(unusable(folder, Stamp::default(), problem))
        }
    }
}

fn ours(folder: &Path, path: &Path, metadata: &Metadata, known: Option<&Found>) -> Found {
    let stamp = Stamp::of(metadata);
    if !metadata.is_file() {
        // A pipe would be waited for when it is opened.
        let shown = path.display();
        let problem = Failure::invalid(format!("the plugin manifest is no file: `{shown}`"))
            .hint("put a file in its place");
        return unusable(folder, stamp, problem);
    }
    let known = known.filter(|known| known.stamp == stamp && known.family == Family::Callboard);
    let (manifest, warnings) = match known {
        Some(known) => (known.manifest.clone(), known.warnings.clone()),
        None => match manifest::read(path, metadata.len()) {
            Ok(read) => (Ok(read.manifest), read.warnings),
            Err(problem) => (Err(problem), Vec::new()),
        },
    };
    let mut files = vec![(path.to_owned(), stamp)];
    if let Ok(manifest) = &manifest {
        files.extend(code(folder, &manifest.run));
    }
    Found {
        path: folder.to_owned(),
        family: Family::Callboard,
        stamp,
        revision: revision(&files),
        manifest,
        warnings,
    }
}

fn unusable(folder: &Path, stamp: Stamp, problem: Failure) -> Found {
    Found {
        path: folder.to_owned(),
        family: Family::Callboard,
        stamp,
        revision: 0,
        manifest: Err(problem),
        warnings: Vec::new(),
    }
}

/// Returns the files that a plugin runs, as far as they lie in its folder, with how they stand.
fn code(folder: &Path, run: &Run) -> Vec<(PathBuf, Stamp)> {
    if let Run::ConnectHooks(name) = run {
        return connect::hooks_below(&folder.join(name));
    }
    let mut paths: Vec<PathBuf> = match run {
        Run::Library(name) => vec![folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))],
        Run::Program(words) => words.iter().map(|word| folder.join(word)).collect(),
        _ => Vec::new(),
    };
    if matches!(run, Run::Program(_))
        && let Ok(entries) = fs::read_dir(folder)
    {
        // What a Python program imports lies beside it.
        let beside = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let python = beside.filter(|path| path.extension().is_some_and(|kind| kind == "py"));
        paths.extend(python.take(MAX_FILES));
    }
    paths.sort();
    paths.dedup();
    let stamped = paths.into_iter().filter_map(|path| {
        let metadata = fs::metadata(&path).ok()?;
        metadata.is_file().then(|| (path, Stamp::of(&metadata)))
    });
    stamped.collect()
}

/// The part of `callboard.lock` that says which versions are meant.
#[derive(Default, Deserialize)]
struct Lock {
    #[serde(default)]
    plugin: Vec<Locked>,
}

fn read_lock(path: &Path) -> Result<Vec<Locked>, Failure> {
    let unreadable = |why: String| {
        Failure::invalid(format!("could not read the lock: `{}`", path.display()))
            .hint("mend the file, or take it away and install its plugins once more")
            .because(why)
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(unreadable("it is no file".into())),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let lock: Lock = toml::from_str(&text).map_err(|error| unreadable(error.message().into()))?;
    Ok(lock.plugin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::PluginSource;

    fn write(root: &Path, folder: &str, manifest: &str) {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(MANIFEST), manifest).unwrap();
    }

    fn look_into(path: &Path) -> Scanned {
        let place = Place::named(path.to_owned(), PluginSource::Studio);
        scan(&place, &Scanned::default(), Reading::Changed)
    }

    const GOOD: &str = "id = \"a\"\nversion = \"1\"\nrun.library = \"a\"";

    #[test]
    fn one_bad_plugin_of_three_leaves_two_and_one_problem() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a", GOOD);
        write(root.path(), "b", "id = \"b\"\nversion = ");
        write(
            root.path(),
            "c",
            "id = \"c\"\nversion = \"1\"\nrun.program = [\"c\"]",
        );
        write(root.path(), ".half", GOOD);
        fs::create_dir(root.path().join("no_plugin")).unwrap();
        fs::write(root.path().join("a_file"), "").unwrap();
        let found = look_into(root.path()).found;
        let good: Vec<bool> = found.iter().map(|found| found.manifest.is_ok()).collect();
        assert_eq!(good, [true, false, true]);
        let failure = found[1].manifest.as_ref().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains("b/plugin.toml"), "{failure:?}");
    }

    #[test]
    fn only_a_named_place_must_be_there() {
        let gone = PathBuf::from("/nowhere/at/all");
        assert!(look_into(&gone).problem.is_some());
        let usual = Place::usual(gone, PluginSource::User);
        let seen = scan(&usual, &Scanned::default(), Reading::Changed);
        assert_eq!(seen, Scanned::default());
    }

    #[test]
    fn a_folder_of_connects_that_somebody_names_is_a_plugin_itself() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("note-shots-1.0.0");
        fs::create_dir_all(folder.join("hook/location")).unwrap();
        assert_eq!(look_into(&folder).found, []);
        fs::write(folder.join("hook/location/disk.py"), "").unwrap();
        for place in [&folder, root.path()] {
            let found = look_into(place).found;
            let ids: Vec<&str> = found
                .iter()
                .map(|found| found.manifest.as_ref().unwrap().id.as_str())
                .collect();
            assert_eq!(ids, ["note_shots"], "{}", place.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_manifest_that_is_a_pipe_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("pipe");
        fs::create_dir(&folder).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.join(MANIFEST),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let found = look_into(root.path()).found;
        let failure = found[0].manifest.as_ref().unwrap_err();
        assert!(failure.message.contains("is no file"), "{failure:?}");
    }

    #[test]
    fn a_manifest_is_read_again_when_it_changed_and_code_makes_another_revision() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a", GOOD);
        let place = Place::named(root.path().to_owned(), PluginSource::Studio);
        let mut first = look_into(root.path());
        // What is remembered is believed as long as the file stands as it stood.
        first.found[0].warnings = vec![Failure::invalid("remembered")];
        let again = scan(&place, &first, Reading::Changed);
        assert_eq!(again, first);
        let all = scan(&place, &first, Reading::All);
        assert_eq!(all.found[0].warnings, []);
        let library = root
            .path()
            .join("a")
            .join(format!("{DLL_PREFIX}a{DLL_SUFFIX}"));
        fs::write(library, "code").unwrap();
        let built = scan(&place, &first, Reading::Changed);
        assert_ne!(built.found[0].revision, first.found[0].revision);
        write(root.path(), "a", &GOOD.replace("\"1\"", "\"1.1\""));
        let changed = scan(&place, &first, Reading::Changed);
        assert_eq!(changed.found[0].manifest.as_ref().unwrap().version, "1.1");
    }

    #[test]
    fn the_lock_is_read_where_it_belongs() {
        let root = tempfile::tempdir().unwrap();
        let text =
            "format = 1\n[[plugin]]\nid = \"a\"\nversion = \"1.0.0\"\nhash = \"\"\nsource = \"\"\n";
        fs::write(root.path().join(LOCK), text).unwrap();
        let mut place = Place::usual(root.path().to_owned(), PluginSource::User);
        assert_eq!(scan(&place, &Scanned::default(), Reading::All).locked, []);
        place.holds = Holds::LockedPlugins;
        let seen = scan(&place, &Scanned::default(), Reading::All);
        assert_eq!(seen.locked[0].version, "1.0.0");
        fs::write(root.path().join(LOCK), "plugin = 3").unwrap();
        let seen = scan(&place, &Scanned::default(), Reading::All);
        assert!(seen.problem.is_some());
    }
}
