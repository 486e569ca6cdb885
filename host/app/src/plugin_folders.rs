//! Finds plugin folders and reads their manifests.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind, Manifest, PluginId, Run};
use engine::Catalogued;

const MANIFEST: &str = "plugin.toml";

/// The plugins that were found, and where.
#[derive(Debug, Default)]
pub(crate) struct PluginFolders {
    /// Every folder with a manifest, good or bad.
    pub(crate) catalogued: Vec<Catalogued>,
    /// Folders that were named and are not there.
    pub(crate) problems: Vec<Failure>,
}

impl PluginFolders {
    /// Reads `places` in order; each is a plugin's folder itself or holds plugin folders.
    ///
    /// Of two plugins with one id the first counts, and the other is listed as broken.
    pub(crate) fn read(places: &[Searched]) -> Self {
        let mut found = Self::default();
        let mut seen: HashMap<PluginId, PathBuf> = HashMap::new();
        for place in places {
            match plugin_folders(&place.path) {
                Ok(folders) => {
                    for folder in folders {
                        let catalogued = read_plugin(&folder, &mut seen);
                        found.catalogued.push(catalogued);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound && !place.is_named => {}
                Err(error) => found.problems.push(
                    Failure::invalid(format!(
                        "could not look for plugins in `{}`",
                        place.path.display()
                    ))
                    .hint("make the folder readable, or remove it from the settings")
                    .caused_by(&error),
                ),
            }
        }
        found
    }

    /// Returns the folder of each usable plugin.
    pub(crate) fn by_id(&self) -> HashMap<PluginId, PathBuf> {
        let usable = self.catalogued.iter().filter_map(|plugin| {
            let manifest = plugin.manifest.as_ref().ok()?;
            Some((manifest.id.clone(), PathBuf::from(&plugin.path)))
        });
        usable.collect()
    }
}

/// A place to look for plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Searched {
    /// A plugin's folder, or a folder that holds some.
    pub(crate) path: PathBuf,
    /// Whether somebody named it: it is a problem then when it is not there.
    pub(crate) is_named: bool,
}

impl Searched {
    /// A place that somebody named.
    pub(crate) fn named(path: PathBuf) -> Self {
        Self {
            path,
            is_named: true,
        }
    }

    /// A place that is looked at wherever the program runs.
    pub(crate) fn usual(path: PathBuf) -> Self {
        Self {
            path,
            is_named: false,
        }
    }
}

fn plugin_folders(place: &Path) -> std::io::Result<Vec<PathBuf>> {
    if place.join(MANIFEST).is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.join(MANIFEST).is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn read_plugin(folder: &Path, seen: &mut HashMap<PluginId, PathBuf>) -> Catalogued {
    // The runner starts elsewhere, so that a relative path would not lead there.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let manifest =
        read_manifest(&folder.join(MANIFEST)).and_then(|manifest| match seen.get(&manifest.id) {
            None => {
                seen.insert(manifest.id.clone(), folder.clone());
                Ok(manifest)
            }
            Some(first) => Err(Failure::new(
                FailureKind::Conflict,
                format!(
                    "another plugin has the id `{}`: `{}`",
                    manifest.id,
                    first.display()
                ),
            )
            .hint("remove one of the two folders")),
        });
    Catalogued {
        path: folder.display().to_string(),
        manifest,
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::invalid(format!("could not read plugin manifest: `{shown}`"))
            .hint("make the file readable")
            .caused_by(&error)
    })?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| {
        Failure::invalid(format!("{} in `{shown}`", error.message().trim()))
            .hint("mend the manifest; `docs/plugin_guide.md` says what may stand in it")
            .because(error.to_string().trim().to_owned())
    })?;
    manifest.check().map_err(|error| {
        Failure::invalid(format!("{error}, in `{shown}`"))
            .hint("mend the manifest; `docs/plugin_guide.md` says what may stand in it")
    })?;
    if !matches!(
        manifest.run,
        Run::Library(_) | Run::Program(_) | Run::ConnectHooks(_)
    ) {
        // Offered in a menu, it could only fail.
        let message = format!("this version runs no plugin of that kind: `{shown}`");
        return Err(Failure::new(FailureKind::Unsupported, message)
            .hint("use a library or a program, or a newer Callboard"));
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, folder: &str, manifest: &str) {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(MANIFEST), manifest).unwrap();
    }

    #[test]
    fn one_bad_plugin_of_three_leaves_two_and_one_problem() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            "a",
            "id = \"a\"\nversion = \"1\"\nrun.library = \"a\"",
        );
        write(root.path(), "b", "id = \"b\"\nversion = ");
        write(
            root.path(),
            "c",
            "id = \"c\"\nversion = \"1\"\nrun.program = [\"c\"]",
        );
        fs::create_dir(root.path().join("no_plugin")).unwrap();
        let found = PluginFolders::read(&[Searched::named(root.path().to_owned())]);
        let good: Vec<bool> = found
            .catalogued
            .iter()
            .map(|plugin| plugin.manifest.is_ok())
            .collect();
        assert_eq!(good, [true, false, true]);
        assert_eq!(found.by_id().len(), 2);
        let failure = found.catalogued[1].manifest.as_ref().unwrap_err();
        assert!(failure.message.contains("b/plugin.toml"), "{failure:?}");
    }

    #[test]
    fn the_first_of_two_plugins_with_one_id_counts() {
        let root = tempfile::tempdir().unwrap();
        let manifest = "id = \"a\"\nversion = \"1\"\nrun.library = \"a\"";
        write(root.path(), "one", manifest);
        write(root.path(), "two", manifest);
        let places = [
            Searched::named(root.path().join("two")),
            Searched::named(root.path().join("one")),
        ];
        let found = PluginFolders::read(&places);
        assert!(found.by_id()[&PluginId::from("a")].ends_with("two"));
        assert!(found.catalogued[1].manifest.is_err());
    }

    #[test]
    fn only_a_named_place_must_be_there() {
        let gone = PathBuf::from("/nowhere/at/all");
        let usual = PluginFolders::read(&[Searched::usual(gone.clone())]);
        assert!(usual.problems.is_empty());
        assert_eq!(
            PluginFolders::read(&[Searched::named(gone)]).problems.len(),
            1
        );
    }
}
