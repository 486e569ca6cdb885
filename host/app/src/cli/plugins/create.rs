//! `callboard plugins new`: a folder that is a plugin already, with a test of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use callboard_protocol::{Failure, FailureKind};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Session;
use super::super::problem::{Code, Problem};

/// What is made, and where.
#[derive(Args, Debug)]
pub(super) struct NewArguments {
    /// The folder to make; its name becomes the plugin's id.
    folder: PathBuf,
    /// What the plugin is written in.
    #[arg(long, value_enum)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A program in Python, of standard library alone.
    Python,
    /// A library in Rust.
    Rust,
    /// A hook of ftrack Connect's, which runs there as well.
    Connect,
}

/// A file of a template: where it goes, and what is in it.
type File = (&'static str, &'static str);

macro_rules! template {
    ($folder:literal, $($path:literal),+) => {
        &[$(($path, include_str!(concat!("../../../../../sdk/templates/", $folder, "/", $path)))),+]
    };
}

const PYTHON: &[File] = template!("python", "plugin.toml", "my_plugin.py", "test_my_plugin.py");

const PYTHON_SDK: &[File] = &[
    (
        "callboard.py",
        include_str!("../../../../../sdk/python/callboard.py"),
    ),
    (
        "callboard_test.py",
        include_str!("../../../../../sdk/python/callboard_test.py"),
    ),
];

const RUST: &[File] = template!(
    "rust",
    "Cargo.toml",
    "gitignore",
    "plugin.toml",
    "src/lib.rs",
    "tests/my_plugin.rs"
);

const CONNECT: &[File] = template!("connect", "hook/my_plugin.py", "tests/test_my_plugin.py");

/// The version of a new plugin, which a folder of ftrack Connect's carries in its name.
const VERSION: &str = "0.1.0";

pub(super) fn new(session: &Session, arguments: &NewArguments) -> Result<Code, Problem> {
    let names = Names::of_folder(&arguments.folder)?;
    let folder = match arguments.kind {
        Kind::Connect => versioned(&arguments.folder),
        _ => arguments.folder.clone(),
    };
    let sdk = match arguments.kind {
        Kind::Rust => Some(find_sdk()?),
        _ => None,
    };
    claim(&folder)?;
    let (own, shared): (&[File], &[File]) = match arguments.kind {
        Kind::Python => (PYTHON, PYTHON_SDK),
        Kind::Rust => (RUST, &[]),
        Kind::Connect => (CONNECT, &[]),
    };
    for (path, text) in own {
        let path = names.fill(path).replace("gitignore", ".gitignore");
        write(&folder.join(path), &names.fill_text(text, sdk.as_deref()))?;
    }
    for (path, text) in shared {
        write(&folder.join(path), text)?;
    }
    let (test, next) = next_steps(arguments.kind);
    let shown = folder.display();
    let typed = match folder.to_string_lossy() {
        path if path.contains([' ', '\'', '"', '$', '&', '(']) => {
            format!("'{}'", path.replace('\'', "'\\''"))
        }
        path => path.into_owned(),
    };
    let human = format!(
        "Made the plugin `{}` in `{shown}`. Try it:\n\n  cd {typed}\n  {test}\n  {next}",
        names.id
    );
    let value = json!({ "plugin": names.id, "folder": folder, "test": test, "next": next });
    session.output.result(&value, &human)?;
    Ok(Code::Done)
}

/// Says how its own test is run, and what to do then.
fn next_steps(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Python => ("python3 -m unittest", "callboard plugins test ."),
        Kind::Rust => ("cargo test", "cargo build && callboard plugins test ."),
        Kind::Connect => (
            "python3 -m unittest discover tests",
            "FTRACK_CONNECT_PLUGIN_PATH=$PWD/.. callboard run",
        ),
    }
}

/// What the template's names become.
struct Names {
    /// `my_plugin`
    id: String,
    /// `My plugin`
    label: String,
    /// `MyPlugin`
    type_name: String,
}

impl Names {
    fn of_folder(folder: &Path) -> Result<Self, Problem> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let name = without_version(&name).to_ascii_lowercase();
        let words: Vec<&str> = name
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let begins_well = words
            .first()
            .is_some_and(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
        if !begins_well || !name.is_ascii() {
            let message = format!("no plugin can have the name of this folder: `{name}`");
            let failure = Failure::invalid(message)
                .hint("begin it with a letter, and use letters, digits and underscores");
            return Err(Problem {
                failure,
                code: Code::Usage,
            });
        }
        let id = words.join("_");
        Ok(Self {
            label: capital(&words.join(" ")),
            type_name: words.iter().map(|word| capital(word)).collect(),
            id,
        })
    }

    fn fill(&self, text: &str) -> String {
        text.replace("my_plugin", &self.id)
            .replace("My plugin", &self.label)
            .replace("MyPlugin", &self.type_name)
    }

    fn fill_text(&self, text: &str, sdk: Option<&Path>) -> String {
        let text = self.fill(text);
        match sdk {
            Some(sdk) => {
                // Escapes in JSON mean the same in TOML.
                let path = serde_json::Value::from(format!("{}/", sdk.display())).to_string();
                text.replace("\"../../", path.trim_end_matches('"'))
            }
            None => text,
        }
    }
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Returns the name in front of a version: `tools` of `tools-1.2.0`.
fn without_version(name: &str) -> &str {
    match name.split_once('-') {
        Some((before, after)) if after.starts_with(|first: char| first.is_ascii_digit()) => before,
        _ => name,
    }
}

fn versioned(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if without_version(&name) == name {
        folder.with_file_name(format!("{name}-{VERSION}"))
    } else {
        folder.to_owned()
    }
}

/// Finds the SDK's crates: beside the program, or in the checkout that it was built in.
fn find_sdk() -> Result<PathBuf, Problem> {
    let program = std::env::current_exe().context("could not find this program's own file")?;
    let above = program.ancestors().skip(1).map(|folder| folder.join("sdk"));
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
    let found = above
        .chain([built_in])
        .find(|sdk| sdk.join("plugin_sdk/Cargo.toml").is_file());
    let found = found.and_then(|sdk| sdk.canonicalize().ok());
    found.ok_or_else(|| {
        Failure::not_found("the SDK for Rust is neither beside this program nor in a checkout")
            .hint("put the folder `sdk` of Callboard's sources beside the program")
            .into()
    })
}

/// Makes the folder; one that has something in it is somebody's.
fn claim(folder: &Path) -> Result<(), Problem> {
    let shown = folder.display();
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                let message = format!("there is something in the folder already: `{shown}`");
                return Err(Failure::new(FailureKind::Conflict, message)
                    .hint("name a folder that does not exist yet")
                    .into());
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(folder)
            .with_context(|| format!("could not make the folder `{shown}`"))
            .map_err(Problem::from),
        Err(error) => Err(Failure::invalid(format!("this is no folder: `{shown}`"))
            .hint("name a folder that does not exist yet")
            .caused_by(&error)
            .into()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text));
    Ok(written.with_context(|| format!("could not write `{}`", path.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &str) -> Result<(String, String, String), String> {
        Names::of_folder(Path::new(folder))
            .map(|names| (names.id, names.label, names.type_name))
            .map_err(|problem| problem.failure.message)
    }

    #[test]
    fn names_are_made_of_the_folders() {
        let expected = (
            "shot_tools".to_owned(),
            "Shot tools".to_owned(),
            "ShotTools".to_owned(),
        );
        for folder in [
            "shot_tools",
            "a/b/Shot-Tools",
            "shot tools/",
            "shot_tools-1.2.0",
        ] {
            assert_eq!(names(folder), Ok(expected.clone()), "{folder}");
        }
    }

    #[test]
    fn a_name_that_is_no_id_is_refused() {
        for folder in ["..", "/", "3d", "größe", "___"] {
            assert!(names(folder).is_err(), "{folder}");
        }
    }

    #[test]
    fn a_folder_of_connects_has_a_version() {
        for (given, expected) in [("a/tools", "a/tools-0.1.0"), ("tools-2.0", "tools-2.0")] {
            assert_eq!(versioned(Path::new(given)), Path::new(expected));
        }
    }

    #[test]
    fn the_sdk_is_named_where_it_lies() {
        let names = Names::of_folder(Path::new("shot_tools")).unwrap();
        let text = names.fill_text(RUST[0].1, Some(Path::new("/opt/a \"b\"/sdk")));
        assert!(
            text.contains(r#"path = "/opt/a \"b\"/sdk/plugin_sdk""#),
            "{text}"
        );
    }
}
