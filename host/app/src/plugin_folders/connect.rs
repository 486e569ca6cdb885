//! Plugin folders of ftrack Connect, and handler archives of AYON's: the manifest that they do not have.
//!
//! Names, versions and the lists of what Connect refuses are Connect's own. Other than Connect, hooks are looked for at
//! any depth, so that a plugin with nothing but `hook/location/x.py` is one.

use std::fs;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, Manifest, Run};
use serde::Deserialize;
use serde_json::json;

use super::found::{Family, Found, Stamp, revision};
use super::version::ConnectVersion;

/// The folder of hooks in a plugin's folder.
const HOOK: &str = "hook";

/// What tells a handler archive.
const ARCHIVE: &str = "manifest.json";

/// How many folders below each other are looked at.
const MAX_DEPTH: usize = 8;

/// How many hooks a plugin may have.
const MAX_HOOKS: usize = 1_000;

/// How long an archive's `manifest.json` may be, in bytes.
const MAX_ARCHIVE_BYTES: u64 = 1024 * 1024;

/// Plugins that Connect never loads: those below a first number, or all of them.
const INCOMPATIBLE: [(&str, Option<u64>); 4] = [
    ("ftrack-connect-publisher-widget", Some(24)),
    ("ftrack-connect-timetracker-widget", Some(24)),
    ("ftrack-connect-action-launcher-widget", None),
    ("ftrack-connect-plugin-manager", None),
];

/// Plugins that Connect loads and calls out of date.
const DEPRECATED: [&str; 11] = [
    "ftrack-application-launcher",
    "ftrack-connect-cinema-4d",
    "ftrack-connect-nuke-studio",
    "ftrack-connect-pipeline",
    "ftrack-connect-pipeline-3dsmax",
    "ftrack-connect-pipeline-houdini",
    "ftrack-connect-pipeline-maya",
    "ftrack-connect-pipeline-nuke",
    "ftrack-connect-pipeline-qt",
    "ftrack-connect-pipeline-unreal",
    "ftrack-connect-rv",
];

/// The words for platforms in folder names, with Rust's.
const PLATFORMS: [(&str, &str); 3] = [("linux", "linux"), ("mac", "macos"), ("windows", "windows")];

/// What a folder's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named<'a> {
    name: &'a str,
    version: Option<&'a str>,
    platform: Option<&'a str>,
}

/// Reads `NAME-VERSION[-PLATFORM]`, or a name alone.
fn named(folder: &str) -> Named<'_> {
    for (at, _) in folder.match_indices('-') {
        let (name, rest) = (&folder[..at], &folder[at + 1..]);
        let (version, platform) = match rest.split_once('-') {
            Some((version, platform)) => (version, Some(platform)),
            None => (rest, None),
        };
        let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !name.is_empty() && is_version(version) && platform.is_none_or(is_word) {
            return Named {
                name,
                version: Some(version),
                platform,
            };
        }
    }
    Named {
        name: folder,
        version: None,
        platform: None,
    }
}

fn is_version(text: &str) -> bool {
    let begins = text.starts_with(|letter: char| letter.is_ascii_digit());
    begins && text.contains('.') && ConnectVersion::parse(text).is_some()
}

/// Returns the plugin in a folder that has no `plugin.toml`; none where it is nothing of Connect's or AYON's.
pub(super) fn look(folder: &Path, name: &str) -> Option<Found> {
    let hooks = hooks_below(&folder.join(HOOK));
    if hooks.is_empty() {
        return archive(folder, name);
    }
    Some(found(folder, name, HOOK, &hooks, Vec::new()))
}

/// Tells whether a folder is a plugin of Connect's or AYON's, rather than one that holds some.
pub(super) fn is_one(folder: &Path) -> bool {
    look(folder, "").is_some()
}

/// Returns a folder of Connect's that has no hooks, so that its owner learns why nothing comes of it.
pub(super) fn without_hooks(folder: &Path, name: &str) -> Found {
    let mut found = found(folder, name, HOOK, &[], Vec::new());
    found.family = Family::Connect {
        refusal: Some("it has no Python file in `hook` or in a folder below it".into()),
        is_deprecated: false,
    };
    found
}

/// Returns the plugin that a folder of hooks makes by itself; none where no hook is in it.
pub(super) fn hook_folder(folder: &Path, number: usize) -> Option<Found> {
    let hooks = hooks_below(folder);
    let name = match number {
        1 => "event_hooks".to_owned(),
        number => format!("event_hooks_{number}"),
    };
    // Their version is nobody's business.
    (!hooks.is_empty()).then(|| found(folder, &format!("{name}-0.0.0"), ".", &hooks, Vec::new()))
}

fn found(
    folder: &Path,
    name: &str,
    run: &str,
    files: &[(PathBuf, Stamp)],
    mut warnings: Vec<Failure>,
) -> Found {
    let named = named(name);
    let version = named.version.unwrap_or("0.0.0");
    let manifest = manifest(named.name, version, run, &folder.display().to_string());
    if named.version.is_none() {
        warnings.push(
            Failure::invalid(format!("the folder's name has no version: `{name}`"))
                .hint(format!("call it `{name}-1.0.0`")),
        );
    }
    let (refusal, is_deprecated) = judged(&named);
    Found {
        path: folder.to_owned(),
        family: Family::Connect {
            refusal,
            is_deprecated,
        },
        stamp: Stamp::default(),
        revision: revision(files),
        manifest,
        warnings,
    }
}

/// Returns why Connect does not load a plugin, and whether it calls it out of date.
fn judged(named: &Named<'_>) -> (Option<String>, bool) {
    let major = named
        .version
        .and_then(ConnectVersion::parse)
        .map_or(0, |version| version.major());
    let refused = INCOMPATIBLE
        .iter()
        .find(|(name, below)| *name == named.name && below.is_none_or(|below| major < below));
    let refusal = match refused {
        Some((name, Some(below))) => Some(format!(
            "ftrack Connect itself loads no `{name}` below version {below}"
        )),
        Some((name, None)) => Some(format!("ftrack Connect itself loads no `{name}`")),
        None => named.platform.and_then(|platform| {
            let ours = PLATFORMS
                .iter()
                .any(|(word, system)| *word == platform && *system == std::env::consts::OS);
            (!ours).then(|| format!("it is for `{platform}`"))
        }),
    };
    (refusal, DEPRECATED.contains(&named.name))
}

/// Makes the manifest that the folder does not have.
fn manifest(name: &str, version: &str, run: &str, shown: &str) -> Result<Manifest, Failure> {
    let id = plugin_id(name);
    let made: Manifest = serde_json::from_value(json!({
        "id": id,
        "version": version,
        "run": Run::ConnectHooks(run.to_owned()),
    }))
    .map_err(|error| {
        Failure::invalid(format!("could not make a manifest for `{shown}`")).caused_by(&error)
    })?;
    made.check().map_err(|error| {
        Failure::invalid(format!("{error}, in `{shown}`"))
            .hint("give the folder a name with a letter in it")
    })?;
    Ok(made)
}

/// Returns a name as an id: lower-case letters, digits and underscores.
fn plugin_id(name: &str) -> String {
    name.chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '_',
        })
        .collect()
}

/// What AYON's archives say of themselves.
#[derive(Deserialize)]
struct Archive {
    version: String,
    handler_subfolders: Vec<String>,
}

/// Returns the plugin that a handler archive makes.
fn archive(folder: &Path, name: &str) -> Option<Found> {
    let path = folder.join(ARCHIVE);
    let metadata = fs::metadata(&path).ok()?;
    if !metadata.is_file() || metadata.len() > MAX_ARCHIVE_BYTES {
        return None;
    }
    let text = fs::read_to_string(&path).ok()?;
    // Many a tool has a `manifest.json`; without this key it is none of ours.
    let archive: Archive = serde_json::from_str(&text).ok()?;
    let mut files = vec![(path, Stamp::of(&metadata))];
    for subfolder in &archive.handler_subfolders {
        files.extend(hooks_below(&folder.join(subfolder)));
    }
    let mut found = found(folder, name, ".", &files, Vec::new());
    if archive.version != "1.0.0" {
        found.family = Family::Connect {
            refusal: Some(format!(
                "its `{ARCHIVE}` is of version `{}`; 1.0.0 is known",
                archive.version
            )),
            is_deprecated: false,
        };
    }
    Some(found)
}

/// Returns every Python file in a folder and those below it, in order, with how it stands.
pub(super) fn hooks_below(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let mut files = Vec::new();
    collect(folder, MAX_DEPTH, &mut files);
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, Stamp)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        if metadata.is_dir() && depth > 0 {
            collect(&path, depth - 1, files);
        } else if metadata.is_file()
            && path.extension().is_some_and(|extension| extension == "py")
            && files.len() < MAX_HOOKS
        {
            files.push((path, Stamp::of(&metadata)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_name(folder: &str, expected: (&str, Option<&str>, Option<&str>)) {
        let seen = named(folder);
        assert_eq!(
            (seen.name, seen.version, seen.platform),
            expected,
            "{folder}"
        );
    }

    #[test]
    fn a_folders_name_holds_name_version_and_platform() {
        check_name("my-tool-1.2.3", ("my-tool", Some("1.2.3"), None));
        check_name("my-tool-24.0-mac", ("my-tool", Some("24.0"), Some("mac")));
        check_name("tool-24.0.0rc1", ("tool", Some("24.0.0rc1"), None));
        check_name("my-tool-2", ("my-tool-2", None, None));
        check_name("my_tool", ("my_tool", None, None));
        check_name("nuke-15-extra-1.0", ("nuke-15-extra", Some("1.0"), None));
    }

    fn plugin(files: &[&str], name: &str) -> Option<(tempfile::TempDir, Found)> {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(name);
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        look(&folder, name).map(|found| (root, found))
    }

    fn refusal(name: &str) -> Option<String> {
        let (_root, found) = plugin(&["hook/a.py"], name).unwrap();
        match found.family {
            Family::Connect { refusal, .. } => refusal,
            Family::Callboard => panic!("it is Connect's"),
        }
    }

    #[test]
    fn hooks_are_found_at_any_depth() {
        let (_root, found) = plugin(&["hook/location/custom.py"], "My Tool-1.0.0").unwrap();
        let manifest = found.manifest.unwrap();
        assert_eq!(manifest.id.as_str(), "my_tool");
        assert_eq!(manifest.run, Run::ConnectHooks("hook".into()));
        assert_eq!(found.warnings, []);
        assert!(plugin(&["hook/notes.txt", "lib/a.py"], "tool-1.0").is_none());
    }

    #[test]
    fn a_folder_without_a_version_is_the_lowest_and_says_so() {
        let (_root, found) = plugin(&["hook/a.py"], "tool").unwrap();
        assert_eq!(found.manifest.unwrap().version, "0.0.0");
        assert_eq!(
            found.warnings[0].hint.as_deref(),
            Some("call it `tool-1.0.0`")
        );
    }

    #[test]
    fn what_connect_refuses_is_refused_with_the_reason() {
        let old = refusal("ftrack-connect-publisher-widget-23.0.1");
        assert_eq!(
            old.as_deref(),
            Some(
                "ftrack Connect itself loads no `ftrack-connect-publisher-widget` below version 24"
            )
        );
        assert_eq!(refusal("ftrack-connect-publisher-widget-24.1.0"), None);
        assert!(refusal("ftrack-connect-plugin-manager-99.0").is_some());
        assert_eq!(
            refusal("tool-1.0-amiga").as_deref(),
            Some("it is for `amiga`")
        );
        let (_root, found) = plugin(&["hook/a.py"], "ftrack-connect-rv-5.2").unwrap();
        let expected = Family::Connect {
            refusal: None,
            is_deprecated: true,
        };
        assert_eq!(found.family, expected);
    }

    #[test]
    fn an_archive_of_handlers_is_a_plugin() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("handlers")).unwrap();
        fs::write(root.path().join("handlers/action.py"), "").unwrap();
        let manifest = |version: &str| {
            format!(
                r#"{{"version": "{version}", "handler_subfolders": ["handlers"], "python_path_subfolders": []}}"#
            )
        };
        fs::write(root.path().join(ARCHIVE), manifest("1.0.0")).unwrap();
        let found = look(root.path(), "ours-2.0.0").unwrap();
        assert_eq!(found.manifest.unwrap().run, Run::ConnectHooks(".".into()));
        fs::write(root.path().join(ARCHIVE), manifest("2.0.0")).unwrap();
        let found = look(root.path(), "ours-2.0.0").unwrap();
        assert!(
            matches!(
                found.family,
                Family::Connect {
                    refusal: Some(_),
                    ..
                }
            ),
            "{found:?}"
        );
        fs::write(root.path().join(ARCHIVE), "{}").unwrap();
        assert_eq!(look(root.path(), "ours-2.0.0"), None);
    }
}
