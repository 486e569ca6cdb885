//! Reads a `plugin.toml`.

use std::fs;
use std::path::Path;

use callboard_protocol::{Failure, Manifest};

/// The manifest's name in a plugin's folder.
pub(crate) const MANIFEST: &str = "plugin.toml";

/// How long a manifest may be, in bytes: whatever lies there, it is no manifest.
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

const HINT: &str = "mend the manifest; `docs/plugin_guide.md` says what may stand in it";

/// A manifest that can be used.
pub(crate) struct Read {
    pub(crate) manifest: Manifest,
    /// Names what stands in it and means nothing.
    pub(crate) warnings: Vec<Failure>,
}

/// Reads a manifest's file, which is there and a regular one.
///
/// # Errors
///
/// Names what has to be mended.
pub(crate) fn read(path: &Path, bytes: u64) -> Result<Read, Failure> {
    let shown = path.display();
    if bytes > MAX_MANIFEST_BYTES {
        return Err(Failure::invalid(format!(
            "a manifest may have no more than {MAX_MANIFEST_BYTES} bytes: `{shown}`"
        ))
        .hint(HINT));
    }
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::invalid(format!("could not read plugin manifest: `{shown}`"))
            .hint("make the file readable")
            .caused_by(&error)
    })?;
    let mut unknown = Vec::new();
    let read = toml::Deserializer::parse(&text).and_then(|document| {
        serde_ignored::deserialize::<_, _, Manifest>(document, |key| unknown.push(key.to_string()))
    });
    let manifest = read.map_err(|error| {
        Failure::invalid(format!("{} in `{shown}`", error.message().trim()))
            .hint(HINT)
            .because(error.to_string().trim().to_owned())
    })?;
    manifest
        .check()
        .map_err(|error| Failure::invalid(format!("{error}, in `{shown}`")).hint(HINT))?;
    let warnings = unknown.into_iter().map(|key| {
        Failure::invalid(format!("nobody knows the key `{key}` in `{shown}`"))
            .hint("remove it, or look whether its name is spelled as in `docs/plugin_guide.md`")
    });
    Ok(Read {
        manifest,
        warnings: warnings.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Read, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MANIFEST);
        fs::write(&path, text).unwrap();
        read(&path, text.len() as u64)
    }

    #[test]
    fn a_key_that_nobody_knows_is_named_and_stops_nothing() {
        let text = "id = \"a\"\nversion = \"1\"\nrun.library = \"a\"\ncolour = \"red\"\n\
                    limits = { turn_sec = 3 }\n[[action]]\nid = \"b\"\nlabel = \"B\"\nwhen = { tpyes = [] }";
        let read = check(text).unwrap();
        assert_eq!(read.manifest.actions.len(), 1);
        let named: Vec<_> = read
            .warnings
            .iter()
            .map(|warning| warning.message.split('`').nth(1).unwrap())
            .collect();
        assert_eq!(named, ["colour", "limits.turn_sec", "action.0.when.tpyes"]);
    }

    #[test]
    fn what_is_kept_of_a_manifest_is_the_manifest() {
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
        let mut seen = 0;
        for plugin in fs::read_dir(plugins).unwrap() {
            let path = plugin.unwrap().path().join(MANIFEST);
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            let read = read(&path, metadata.len()).unwrap();
            assert_eq!(read.warnings, [], "{}", path.display());
            let kept = serde_json::to_string(&read.manifest).unwrap();
            let again: Manifest = serde_json::from_str(&kept).unwrap();
            assert_eq!(again, read.manifest);
            seen += 1;
        }
        assert!(seen >= 2, "the bundled plugins are there");
    }
}
