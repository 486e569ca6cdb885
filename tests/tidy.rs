//! The rules of this repository that a test can check. Each says what to do when it fails.

#![expect(
    clippy::unwrap_used,
    reason = "every function here serves a test, and a missing file shall fail it"
)]

#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/sources.rs"]
mod sources;

use std::collections::BTreeSet;

use sources::{
    Package, cargo_tree, dependencies, files, imported_modules, is_test, lines_of, lines_with,
    locked, packages, read, shown, tables,
};
use tests::checkout;

/// The most lines that a source file may have, its tests apart.
const MAX_LINES: usize = 600;

/// The Python SDK is one file on purpose, since it is copied beside plugins and hooks.
const ONE_FILE_SDK: &str = "callboard.py";

/// What each crate may depend on of ours, and what its tests may use beside that.
///
/// A crate that is not listed here needs a place in the layers first: see ARCHITECTURE.md.
const LAYERS: [(&str, &[&str], &[&str]); 15] = [
    ("callboard_event", &[], &[]),
    ("callboard_protocol", &["callboard_event"], &[]),
    ("callboard_wire", &["callboard_protocol"], &[]),
    (
        "callboard_plugin_sdk",
        &["callboard_protocol", "callboard_wire"],
        &[],
    ),
    (
        "callboard_plugin_test",
        &[
            "callboard_plugin_sdk",
            "callboard_protocol",
            "callboard_wire",
        ],
        &[],
    ),
    ("engine", &["callboard_event", "callboard_protocol"], &[]),
    ("ftrack", &["callboard_event"], &["sandbox"]),
    (
        "connect",
        &["callboard_event", "callboard_protocol", "ftrack"],
        &["sandbox"],
    ),
    ("install", &[], &[]),
    // The sandbox stands alone, so that it checks the client and not our opinion of it.
    ("sandbox", &["callboard_event"], &["ftrack"]),
    (
        "runner",
        &[
            "callboard_plugin_sdk",
            "callboard_protocol",
            "callboard_wire",
        ],
        &[],
    ),
    ("ui", &["callboard_protocol", "callboard_wire"], &[]),
    (
        "app",
        &[
            "callboard_event",
            "callboard_plugin_test",
            "callboard_protocol",
            "callboard_wire",
            "connect",
            "engine",
            "ftrack",
            "install",
            "runner",
            "sandbox",
            "ui",
        ],
        &[],
    ),
    // Scenarios meet the program from outside; benchmarks, fuzzing and differential tests look inside.
    (
        "tests",
        &[
            "callboard_event",
            "callboard_plugin_sdk",
            "callboard_protocol",
            "connect",
            "ftrack",
            "sandbox",
            "ui",
        ],
        &[],
    ),
    ("xtask", &[], &["sandbox"]),
];

/// What a plugin may depend on of ours.
const PLUGIN_LAYER: (&[&str], &[&str]) = (&["callboard_plugin_sdk"], &["callboard_plugin_test"]);

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "common", "core", "helper", "helpers", "manager", "misc", "test", "util", "utils",
];

/// What the engine must not even name.
const OUTSIDE_OF_THE_ENGINE: [&str; 11] = [
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::sync::mpsc",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "rand::",
    "tokio",
];

/// The modules of Python's standard library that code inside Flame uses. A new one is added here on purpose.
const PYTHON_MODULES: [&str; 34] = [
    "__future__",
    "atexit",
    "base64",
    "codecs",
    "collections",
    "contextlib",
    "errno",
    "faulthandler",
    "fractions",
    "functools",
    "getpass",
    "hashlib",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "os",
    "platform",
    "queue",
    "random",
    "re",
    "signal",
    "socket",
    "stat",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "traceback",
    "uuid",
];

#[test]
fn each_crate_depends_only_on_the_layers_below_it() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|one| one.name.as_str()).collect();
    let mut problems = Vec::new();
    for package in &packages {
        let (normal, for_tests) = layer_of(package);
        for (section, allowed) in [
            ("dependencies", normal.to_vec()),
            ("build-dependencies", Vec::new()),
            ("dev-dependencies", [normal, for_tests].concat()),
        ] {
            for used in dependencies(&package.manifest, section) {
                if ours.contains(used.as_str()) && !allowed.contains(&used.as_str()) {
                    problems.push(format!("`{}` has `{used}` in its {section}", package.name));
                }
            }
        }
    }
    report(
        &problems,
        "take the edge out, or add it to the table in tests/tidy.rs with a page in docs/decisions",
    );
}

#[test]
fn each_crate_has_a_place_in_the_layers() {
    let problems: Vec<String> = packages()
        .iter()
        .filter(|package| !is_plugin(package))
        .filter(|package| !LAYERS.iter().any(|(name, ..)| *name == package.name))
        .map(|package| format!("`{}`", package.name))
        .collect();
    report(&problems, "add the crate to `LAYERS` in tests/tidy.rs");
}

#[test]
fn a_crate_is_called_as_its_folder_and_only_the_sdk_is_published() {
    let mut problems = Vec::new();
    for package in packages() {
        let folder = package.folder.file_name().unwrap().to_string_lossy();
        let is_sdk = package.folder.starts_with(checkout().join("sdk"));
        let expected = if is_sdk {
            format!("callboard_{folder}")
        } else {
            folder.to_string()
        };
        if package.name != expected {
            problems.push(format!("`{}` should be `{expected}`", package.name));
        }
        let published = package.manifest["package"].get("publish").is_none();
        if published != is_sdk {
            problems.push(format!("`{}` has the wrong `publish`", package.name));
        }
    }
    report(
        &problems,
        "name the package as its folder (`callboard_` before those in sdk/) and set `publish = false` outside sdk/",
    );
}

#[test]
fn each_crate_takes_its_lints_and_versions_from_the_workspace() {
    let mut problems = Vec::new();
    for package in packages() {
        let lints = package.manifest.get("lints");
        if lints.and_then(|lints| lints.get("workspace")) != Some(&toml::Value::Boolean(true)) {
            problems.push(format!(
                "`{}` has no `lints.workspace = true`",
                package.name
            ));
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in tables(&package.manifest, section) {
                if value.get("workspace").is_none() {
                    problems.push(format!("`{}` gives `{name}` a version", package.name));
                }
            }
        }
    }
    report(
        &problems,
        "write `name.workspace = true`, and the version into the root Cargo.toml",
    );
}

#[test]
fn each_crate_says_what_it_is_for() {
    let mut problems = Vec::new();
    for package in packages() {
        for file in ["src/lib.rs", "src/main.rs"] {
            let path = package.folder.join(file);
            if path.exists() && !read(&path).starts_with("//! ") {
                problems.push(shown(&path));
            }
        }
    }
    report(
        &problems,
        "open with `//!`: what the crate is for, what it must never know, and the three types to read first",
    );
}

#[test]
fn everything_public_in_the_sdk_is_documented() {
    let problems: Vec<String> = packages()
        .iter()
        .filter(|package| package.folder.starts_with(checkout().join("sdk")))
        .map(|package| package.folder.join("src/lib.rs"))
        .filter(|path| !read(path).contains("#![warn(missing_docs)]"))
        .map(|path| shown(&path))
        .collect();
    report(&problems, "add `#![warn(missing_docs)]`");
}

#[test]
fn names_say_what_is_inside() {
    let mut problems: Vec<String> = packages()
        .iter()
        .filter(|package| EMPTY_NAMES.contains(&package.name.as_str()))
        .map(|package| format!("the crate `{}`", package.name))
        .collect();
    for path in files(&["rs", "py"]) {
        let stem = path.file_stem().unwrap().to_string_lossy();
        // `xtask/src/test.rs` is named after the command `cargo xtask test`.
        if EMPTY_NAMES.contains(&stem.as_ref()) && !path.starts_with(checkout().join("xtask")) {
            problems.push(shown(&path));
        }
    }
    report(&problems, "name it after the one thing that it does");
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let mut problems = Vec::new();
    for path in files(&["rs", "py"]) {
        if is_test(&path) || path.ends_with(ONE_FILE_SDK) {
            continue;
        }
        let text = read(&path);
        let code = text.split("#[cfg(test)]\nmod tests {").next();
        let lines = code.unwrap_or_default().lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{} has {lines} lines", shown(&path)));
        }
    }
    report(&problems, "split the file along the things that it does");
}

#[test]
fn lints_are_silenced_with_a_reason() {
    let problems = lines_with("rs", |line| {
        line.contains(concat!("#[", "allow(")) || line.contains(concat!("#![", "allow("))
    });
    report(
        &problems,
        "write `#[expect(…, reason = \"…\")]`, which says when it is not needed any more",
    );
}

#[test]
fn nothing_is_left_unwritten() {
    let problems = lines_with("rs", |line| {
        // An example in the docs may leave out what a reader knows.
        let is_comment = line.trim_start().starts_with("//");
        let words = [concat!("todo", "!("), concat!("unimplemented", "!(")];
        !is_comment && words.iter().any(|word| line.contains(word))
    });
    report(
        &problems,
        "write it, or leave it out and say so in the documentation",
    );
}

#[test]
fn no_test_is_ignored() {
    let mut problems = lines_with("rs", |line| line.contains(concat!("#[", "ignore")));
    problems.extend(lines_with("py", |line| {
        line.contains(concat!("unittest.", "skip"))
    }));
    report(
        &problems,
        "assert the behaviour as it is, with a comment, or remove the test",
    );
}

#[test]
fn a_note_to_come_back_names_its_issue() {
    let mut problems = Vec::new();
    for extension in ["rs", "py", "toml"] {
        problems.extend(lines_with(extension, |line| {
            let note = concat!("TO", "DO");
            let rest = line.split_once(note).map(|(_, rest)| rest);
            rest.is_some_and(|rest| !rest.starts_with("(#"))
                || line.contains(concat!("FIX", "ME"))
                || line.contains(concat!("XX", "X:"))
        }));
    }
    report(
        &problems,
        "open an issue and write its number in brackets, or do it now",
    );
}

#[test]
fn unsafe_code_is_in_the_runner_and_the_plugin_sdk_only() {
    // A benchmark calls a library as nobody should, to tell what isolation costs.
    let in_process = "tests/benches/in_process.rs";
    let allowed =
        ["host/runner", "sdk/plugin_sdk", in_process].map(|folder| checkout().join(folder));
    let problems: Vec<String> = lines_of("rs", |line| {
        let code = line.split("//").next().unwrap_or_default();
        [
            concat!("unsafe", " {"),
            concat!("unsafe", " fn"),
            concat!("unsafe", " impl"),
        ]
        .iter()
        .any(|word| code.contains(word))
    })
    .into_iter()
    .filter(|(path, _)| !allowed.iter().any(|folder| path.starts_with(folder)))
    .map(|(_, problem)| problem)
    .collect();
    report(&problems, "use a crate with a safe function for it");
}

#[test]
fn the_engine_names_nothing_outside_of_itself() {
    let engine = checkout().join("host/engine/src");
    let problems: Vec<String> = lines_of("rs", |line| {
        let code = line.split("//").next().unwrap_or_default();
        OUTSIDE_OF_THE_ENGINE.iter().any(|name| code.contains(name))
    })
    .into_iter()
    .filter(|(path, _)| path.starts_with(&engine))
    .map(|(_, problem)| problem)
    .collect();
    report(&problems, "let it arrive as an event or leave as an effect");
}

#[test]
fn flame_loads_nothing_but_the_standard_library_and_the_bridge() {
    let mut problems = Vec::new();
    for folder in [
        "flame_integration/hooks",
        "flame_integration/bridge",
        "sdk/python",
    ] {
        let folder = checkout().join(folder);
        for path in files(&["py"]) {
            if !path.starts_with(&folder) || is_test(&path) {
                continue;
            }
            for line in read(&path).lines() {
                for module in imported_modules(line) {
                    let known = module == "flame"
                        || module.is_empty()
                        || module.starts_with("callboard")
                        || PYTHON_MODULES.contains(&module.as_str());
                    if !known {
                        problems.push(format!("{} imports `{module}`", shown(&path)));
                    }
                }
            }
        }
    }
    report(
        &problems,
        "do without it; a module of the standard library is added to `PYTHON_MODULES` in tests/tidy.rs",
    );
}

#[test]
fn zbus_runs_without_tokio() {
    let tree = cargo_tree(&[
        "-e",
        "features",
        "-i",
        &format!("zbus@{}", locked("zbus", "5.")),
    ]);
    assert!(
        !tree.contains("zbus feature \"tokio\""),
        "a dependency turns on zbus's `tokio`; the tray would panic when it is dropped:\n{tree}"
    );
}

#[test]
fn ring_is_the_only_provider_of_tls() {
    let lock = read(&checkout().join("Cargo.lock"));
    for unwanted in ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl-sys"] {
        assert!(
            !lock.contains(&format!("name = \"{unwanted}\"\n")),
            "`{unwanted}` is in Cargo.lock; find who wants it with `cargo tree -i {unwanted}` and turn that feature off"
        );
    }
}

#[test]
fn every_dependency_comes_from_the_registry() {
    let lock = read(&checkout().join("Cargo.lock"));
    let problems: Vec<String> = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && !line.contains("\"registry+"))
        .map(str::to_owned)
        .collect();
    report(&problems, "depend on a released version");
}

/// Fails with everything that was found and what to do about it.
#[track_caller]
fn report(problems: &[String], remedy: &str) {
    assert!(
        problems.is_empty(),
        "\n  {}\n{remedy}\n",
        problems.join("\n  ")
    );
}

fn layer_of(package: &Package) -> (&'static [&'static str], &'static [&'static str]) {
    if is_plugin(package) {
        return PLUGIN_LAYER;
    }
    let found = LAYERS.iter().find(|(name, ..)| *name == package.name);
    found.map_or((&[], &[]), |(_, normal, for_tests)| (normal, for_tests))
}

fn is_plugin(package: &Package) -> bool {
    package.folder.starts_with(checkout().join("plugins"))
}
