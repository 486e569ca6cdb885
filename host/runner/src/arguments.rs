//! What the runner is told to run.

use std::ffi::OsString;
use std::path::PathBuf;

use callboard_protocol::Failure;

/// The arguments, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The folder with `plugin.toml`.
    pub(crate) folder: PathBuf,
    /// Where libraries are looked for that are not in the plugin's folder.
    pub(crate) library_path: Option<PathBuf>,
    /// Where Python finds the SDK.
    pub(crate) python_path: Option<PathBuf>,
    /// The descriptor that ends when the host does; 3 if that is a pipe, where none is named.
    pub(crate) lifeline: Option<i32>,
}

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        let mut folder = None;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let option = word.to_str().filter(|word| word.starts_with("--"));
            let Some(option) = option else {
                if folder.replace(PathBuf::from(word)).is_some() {
                    return Err(usage("more than one plugin folder was given"));
                }
                continue;
            };
            let value = words
                .next()
                .ok_or_else(|| usage(format!("`{option}` needs a value")))?;
            match option {
                "--library-path" => arguments.library_path = Some(value.into()),
                "--python-path" => arguments.python_path = Some(value.into()),
                "--lifeline" => {
                    let number = value.to_str().and_then(|value| value.parse().ok());
                    let number = number.filter(|number| *number > 2);
                    let number =
                        number.ok_or_else(|| usage("`--lifeline` needs a descriptor's number"))?;
                    arguments.lifeline = Some(number);
                }
                _ => return Err(usage(format!("there is no option `{option}`"))),
            }
        }
        arguments.folder = folder.ok_or_else(|| usage("no plugin folder was given"))?;
        Ok(arguments)
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::invalid(message)
        .hint("leave starting the runner to Callboard, or see `docs/plugin_guide.md`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: Result<Arguments, &str>) {
        let parsed = Arguments::parse(words.iter().map(OsString::from));
        assert_eq!(
            parsed.map_err(|failure| failure.message),
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn the_folder_and_the_options_come_in_any_order() {
        let arguments = Arguments {
            folder: "hello".into(),
            library_path: Some("lib".into()),
            python_path: None,
            lifeline: Some(7),
        };
        let words = ["--lifeline", "7", "hello", "--library-path", "lib"];
        check(&words, Ok(arguments));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        check(&[], Err("no plugin folder was given"));
        check(&["a", "b"], Err("more than one plugin folder was given"));
        check(&["a", "--lifeline"], Err("`--lifeline` needs a value"));
        check(
            &["a", "--lifeline", "1"],
            Err("`--lifeline` needs a descriptor's number"),
        );
        check(&["a", "--speed", "9"], Err("there is no option `--speed`"));
    }
}
