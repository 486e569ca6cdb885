//! What plugin a folder holds, and whether it fits this host.

use std::fs;
use std::path::Path;

use callboard_protocol::{Failure, FailureKind, Manifest, Platform, Run, SUPPORTED_VERSIONS};
use semver::{Version, VersionReq};
use serde_json::json;

const MANIFEST: &str = "plugin.toml";

/// How long a manifest may be, in bytes.
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

/// The folder of an ftrack Connect plugin's hooks, and the file that tells an archive of AYON handlers.
const OF_CONNECT: [&str; 2] = ["hook", "manifest.json"];

/// The words for platforms in the names of ftrack Connect's plugins, with Rust's.
const PLATFORM_WORDS: [(&str, &str); 3] =
    [("linux", "linux"), ("mac", "macos"), ("windows", "windows")];

/// Tells whether a folder is a plugin's.
pub(in super::super) fn is_plugin_folder(folder: &Path) -> bool {
    is_ours(folder) || OF_CONNECT.iter().any(|name| folder.join(name).exists())
}

/// Tells whether a folder is a plugin's with a manifest of its own.
pub(super) fn is_ours(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file()
}

/// Returns the manifest of the plugin in `folder`, which is called `name`; one of ftrack Connect's is made from that name.
///
/// # Errors
///
/// When there is none, or it does not fit this host.
pub(super) fn inspect(folder: &Path, name: &str) -> Result<Manifest, Failure> {
    let manifest = if is_ours(folder) {
        read_manifest(&folder.join(MANIFEST))?
    } else {
        manifest_from_name(name)?
    };
    match unfit(&manifest) {
        None => Ok(manifest),
        Some(failure) => Err(failure),
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    // The path is that of a folder which is gone when this is read.
    const HINT: &str = "mend the manifest; `docs/plugin_guide.md` says what may stand in it";
    let bad = |why: String| Failure::invalid(format!("{why}, in `{MANIFEST}`")).hint(HINT);
    let length = fs::metadata(path).map(|metadata| metadata.len());
    if length.is_ok_and(|length| length > MAX_MANIFEST_BYTES) {
        return Err(bad(format!(
            "a manifest has at most {MAX_MANIFEST_BYTES} bytes"
        )));
    }
    let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| {
        bad(error.message().trim().to_owned()).because(error.to_string().trim())
    })?;
    manifest.check().map_err(|error| bad(error.to_string()))?;
    Ok(manifest)
}

/// Returns why a plugin cannot be used on this host.
fn unfit(manifest: &Manifest) -> Option<Failure> {
    let plugin = format!("`{}` {}", manifest.id, manifest.version);
    let unsupported = |message: String, hint: &str| {
        Some(Failure::new(FailureKind::Unsupported, message).hint(hint))
    };
    let is_spoken = |version: &u32| SUPPORTED_VERSIONS.contains(version);
    if !manifest.protocol.iter().any(is_spoken) {
        let spoken: Vec<String> = manifest.protocol.iter().map(u32::to_string).collect();
        let message = format!(
            "{plugin} speaks protocol {}, which this Callboard does not",
            spoken.join(", ")
        );
        return unsupported(
            message,
            "install another version of it, or update Callboard",
        );
    }
    let platforms: Vec<&str> = manifest.platforms.iter().map(platform_name).collect();
    if !platforms.is_empty() && !platforms.contains(&std::env::consts::OS) {
        let message = format!("{plugin} is made for {} alone", platforms.join(", "));
        return unsupported(message, "install a version of it for this machine");
    }
    let requirement = manifest.callboard.as_deref()?;
    let Ok(range) = VersionReq::parse(requirement) else {
        let message =
            format!("the `callboard` of {plugin} is no range of versions: `{requirement}`");
        return Some(Failure::invalid(message).hint("write a range such as `>=1.2, <3`"));
    };
    let host = env!("CARGO_PKG_VERSION");
    let fits = Version::parse(host).is_ok_and(|host| range.matches(&host));
    if fits {
        return None;
    }
    let message = format!("{plugin} needs Callboard `{requirement}`, this is {host}");
    unsupported(
        message,
        "install another version of it, or update Callboard",
    )
}

fn platform_name(platform: &Platform) -> &'static str {
    match platform {
        Platform::Linux => "linux",
        Platform::Macos => "macos",
        Platform::Windows => "windows",
        _ => "another platform",
    }
}

/// Makes the manifest that an ftrack Connect plugin does not have from `NAME-VERSION[-PLATFORM]`.
fn manifest_from_name(name: &str) -> Result<Manifest, Failure> {
    let Some((plain, version, platform)) = connect_name(name) else {
        return Err(Failure::invalid(format!(
            "the name of this ftrack Connect plugin has no version: `{name}`"
        ))
        .hint(format!("call it `{name}-1.0.0`")));
    };
    if let Some(platform) = platform
        && !PLATFORM_WORDS.contains(&(platform, std::env::consts::OS))
    {
        let message = format!("`{name}` is made for `{platform}`");
        return Err(Failure::new(FailureKind::Unsupported, message)
            .hint("install the archive for this machine, or the one without a platform"));
    }
    let id: String = plain
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '_',
        })
        .collect();
    let made = json!({ "id": id, "version": version, "run": Run::ConnectHooks("hook".to_owned()) });
    serde_json::from_value(made).map_err(|error| {
        Failure::invalid(format!("could not make a manifest for `{name}`")).caused_by(&error)
    })
}

/// Reads `NAME-VERSION[-PLATFORM]` by ftrack Connect's rule.
fn connect_name(name: &str) -> Option<(&str, &str, Option<&str>)> {
    name.match_indices('-').find_map(|(at, _)| {
        let (plain, rest) = (&name[..at], &name[at + 1..]);
        let (version, platform) = match rest.split_once('-') {
            Some((version, platform)) => (version, Some(platform)),
            None => (rest, None),
        };
        let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let fits = !plain.is_empty() && is_connect_version(version) && platform.is_none_or(is_word);
        fits.then_some((plain, version, platform))
    })
}

/// `24.0`, `24.4.1`, `24.0.0rc1`.
fn is_connect_version(text: &str) -> bool {
    let letters = text.find(|letter: char| letter.is_ascii_alphabetic());
    let (numbers, stage) = text.split_at(letters.unwrap_or(text.len()));
    let numbers: Vec<&str> = numbers.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&numbers.len())
        && numbers.iter().all(is_number)
        && stage.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_plugins_name_says_what_it_is() {
        for (name, expected) in [
            ("my-tool-1.2.3", Some(("my-tool", "1.2.3", None))),
            ("my-tool-24.0-mac", Some(("my-tool", "24.0", Some("mac")))),
            ("tool-24.0.0rc1", Some(("tool", "24.0.0rc1", None))),
            ("nuke-15-extra-1.0", Some(("nuke-15-extra", "1.0", None))),
            ("my-tool-2", None),
            ("my_tool", None),
            ("-1.0", None),
            ("tool-1.0-two words", None),
        ] {
            assert_eq!(connect_name(name), expected, "{name}");
        }
        let manifest = manifest_from_name("My Tool-1.0.0").unwrap();
        assert_eq!(
            (manifest.id.as_str(), manifest.version.as_str()),
            ("my_tool", "1.0.0")
        );
        let other = if cfg!(windows) { "mac" } else { "windows" };
        let failure = manifest_from_name(&format!("tool-1.0-{other}")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
    }

    #[test]
    fn a_plugin_fits_this_host_or_says_why_not() {
        for (key, expected) in [
            ("protocol = [1]", None),
            ("protocol = [99]", Some("speaks protocol 99")),
            ("callboard = \">=0.1\"", None),
            ("callboard = \">=99\"", Some("needs Callboard `>=99`")),
            ("callboard = \"some\"", Some("is no range of versions")),
            ("platforms = [\"linux\", \"macos\", \"windows\"]", None),
            (
                "platforms = [\"amiga\"]",
                Some("is made for another platform alone"),
            ),
            ("jobs = 0", Some("`jobs` must be between")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let text = format!("id = \"a\"\nversion = \"1\"\nrun.library = \"a\"\n{key}\n");
            fs::write(folder.path().join(MANIFEST), text).unwrap();
            let said = inspect(folder.path(), "a")
                .err()
                .map(|failure| failure.message);
            match (said, expected) {
                (None, None) => {}
                (Some(said), Some(expected)) => assert!(said.contains(expected), "{said}"),
                (said, _) => panic!("{key}: {said:?}"),
            }
        }
    }
}
