//! Reads the checkout: its crates, its files and their lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tests::{SOON, checkout, command, run};

/// Folders that hold nothing of ours.
const NOT_OURS: [&str; 6] = [
    ".git",
    ".pytest_cache",
    ".venv",
    "__pycache__",
    "node_modules",
    "target",
];

/// One crate, read from its `Cargo.toml`.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) manifest: toml::Table,
}

/// Returns every crate of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let root: toml::Table = read(&checkout().join("Cargo.toml")).parse().unwrap();
    let members = root["workspace"]["members"].as_array().unwrap();
    let packages = members.iter().map(|member| {
        let folder = checkout().join(member.as_str().unwrap());
        let manifest: toml::Table = read(&folder.join("Cargo.toml")).parse().unwrap();
        Package {
            name: manifest["package"]["name"].as_str().unwrap().to_owned(),
            folder,
            manifest,
        }
    });
    packages.collect()
}

/// Returns the names in a section of a manifest, those for one platform included.
pub(crate) fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    tables(manifest, section).into_keys().collect()
}

pub(crate) fn tables(manifest: &toml::Table, section: &str) -> BTreeMap<String, toml::Value> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = platforms.into_iter().flat_map(toml::Table::values);
    let mut found = BTreeMap::new();
    let tables = [manifest]
        .into_iter()
        .chain(platforms.filter_map(toml::Value::as_table));
    for table in tables {
        if let Some(entries) = table.get(section).and_then(toml::Value::as_table) {
            found.extend(entries.clone());
        }
    }
    found
}

/// Returns our files that end so, wherever they are.
pub(crate) fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![checkout().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() {
                if !NOT_OURS.contains(&name.as_ref()) {
                    folders.push(path);
                }
            } else if extensions
                .iter()
                .any(|one| path.extension() == Some(one.as_ref()))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Tells whether a file holds tests and nothing else.
pub(crate) fn is_test(path: &Path) -> bool {
    let inside = path.strip_prefix(checkout()).unwrap_or(path);
    let in_folder = inside.components().any(|part| part.as_os_str() == "tests");
    in_folder || path.file_stem().is_some_and(|stem| stem == "tests")
}

pub(crate) fn lines_with(extension: &str, is_bad: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = lines_of(extension, is_bad);
    lines.into_iter().map(|(_, problem)| problem).collect()
}

/// Returns the lines that are bad, with their files.
pub(crate) fn lines_of(extension: &str, is_bad: impl Fn(&str) -> bool) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for path in files(&[extension]) {
        for (number, line) in read(&path).lines().enumerate() {
            if is_bad(line) {
                let problem = format!("{}:{}: {}", shown(&path), number + 1, line.trim());
                found.push((path.clone(), problem));
            }
        }
    }
    found
}

/// Returns the top-level modules that a line of Python imports; a relative import is empty.
pub(crate) fn imported_modules(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let top = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    match words.as_slice() {
        ["from", module, "import", ..] => vec![top(module)],
        ["import", modules @ ..] => modules
            .join(" ")
            .split('#')
            .next()
            .unwrap_or_default()
            .split(',')
            .filter_map(|module| module.split_whitespace().next())
            .map(top)
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns where the links of a Markdown page lead.
pub(crate) fn link_targets(page: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in page.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            targets.extend(rest.split(')').next().map(str::to_owned));
        }
    }
    targets
}

/// Returns the version of a package in Cargo.lock that begins so.
pub(crate) fn locked(name: &str, begins: &str) -> String {
    let lock: toml::Table = read(&checkout().join("Cargo.lock")).parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let versions = packages
        .iter()
        .filter(|package| package["name"].as_str() == Some(name))
        .filter_map(|package| package["version"].as_str());
    let version = versions
        .into_iter()
        .find(|version| version.starts_with(begins));
    version
        .unwrap_or_else(|| panic!("`{name}` is not in Cargo.lock"))
        .to_owned()
}

pub(crate) fn cargo_tree(arguments: &[&str]) -> String {
    let mut cargo = command("cargo");
    cargo
        .current_dir(checkout())
        .args(["tree", "--workspace", "--locked"])
        .args(arguments);
    let finished = run(&mut cargo, SOON * 3).unwrap();
    assert!(
        finished.status.success(),
        "cargo tree failed: {}",
        finished.stderr
    );
    finished.stdout
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a path as a person in the checkout writes it.
pub(crate) fn shown(path: &Path) -> String {
    let inside = path.strip_prefix(checkout()).unwrap_or(path);
    inside.display().to_string()
}
