//! What the runner is told to run.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::str::FromStr;

use callboard_protocol::{Failure, Limits, Permission, PluginId};

/// The arguments, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The plugin's folder, with a `plugin.toml` or with ftrack Connect's hooks.
    pub(crate) folder: PathBuf,
    /// Where libraries are looked for that are not in the plugin's folder.
    pub(crate) library_path: Option<PathBuf>,
    /// Where Python finds the SDK.
    pub(crate) python_path: Option<PathBuf>,
    /// The folder of the plugin's jobs, which it may read and write.
    pub(crate) files: Option<PathBuf>,
    /// The descriptor that ends when the host does; 3 if that is a pipe, where none is named.
    pub(crate) lifeline: Option<i32>,
    /// The descriptor that a breach is told on.
    pub(crate) report: Option<i32>,
    /// Folders that no plugin is given: the host's own.
    pub(crate) private: Vec<PathBuf>,
    /// What the plugin may take, where that is limited.
    pub(crate) limits: Limits,
    /// How a folder of ftrack Connect's is run, which has no `plugin.toml` to say so.
    pub(crate) connect: Option<Connect>,
}

/// How a folder of ftrack Connect's is run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Connect {
    /// The id that the host gave it.
    pub(crate) plugin: PluginId,
    /// The interpreter.
    pub(crate) python: PathBuf,
    /// What the interpreter is told.
    pub(crate) words: Vec<String>,
    /// What it may do.
    pub(crate) permissions: Vec<Permission>,
    /// The one port that it may connect to.
    pub(crate) door_port: Option<u16>,
    /// Whether it may show windows, which takes sockets that also lead elsewhere.
    pub(crate) windows: bool,
}

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        let mut connect = Connect::default();
        let mut is_connect = false;
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
            match option {
                "--windows" => {
                    connect.windows = true;
                    continue;
                }
                "--" => {
                    connect.words = words.map(text).collect::<Result<_, _>>()?;
                    break;
                }
                _ => {}
            }
            let value = words
                .next()
                .ok_or_else(|| usage(format!("`{option}` needs a value")))?;
            match option {
                "--connect" => {
                    is_connect = true;
                    connect.plugin = PluginId::from(text(value)?.as_str());
                }
                "--python" => connect.python = value.into(),
                "--permission" => {
                    let permission = text(value)?.parse().map_err(|error: String| usage(error))?;
                    connect.permissions.push(permission);
                }
                "--door-port" => connect.door_port = Some(number(option, &value)?),
                _ => arguments.set(option, value)?,
            }
        }
        arguments.folder = folder.ok_or_else(|| usage("no plugin folder was given"))?;
        if is_connect && connect.python.as_os_str().is_empty() {
            return Err(usage("`--connect` needs `--python`"));
        }
        arguments.connect = is_connect.then_some(connect);
        Ok(arguments)
    }

    /// Sets what any plugin may be given.
    fn set(&mut self, option: &str, value: OsString) -> Result<(), Failure> {
        match option {
            "--library-path" => self.library_path = Some(value.into()),
            "--python-path" => self.python_path = Some(value.into()),
            "--files" => self.files = Some(value.into()),
            "--lifeline" => self.lifeline = Some(descriptor(option, &value)?),
            "--report" => self.report = Some(descriptor(option, &value)?),
            "--private" => self.private.push(value.into()),
            "--memory-mb" => self.limits.memory_mb = Some(number(option, &value)?),
            "--cpu-secs" => self.limits.cpu_secs = Some(number(option, &value)?),
            "--open-files" => self.limits.open_files = Some(number(option, &value)?),
            "--processes" => self.limits.processes = Some(number(option, &value)?),
            _ => return Err(usage(format!("there is no option `{option}`"))),
        }
        Ok(())
    }
}

fn text(word: OsString) -> Result<String, Failure> {
    word.into_string()
        .map_err(|word| usage(format!("`{}` is no UTF-8", word.display())))
}

fn number<N: FromStr>(option: &str, value: &OsStr) -> Result<N, Failure> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| usage(format!("`{option}` needs a number")))
}

fn descriptor(option: &str, value: &OsStr) -> Result<i32, Failure> {
    let descriptor = number(option, value).ok().filter(|number| *number > 2);
    descriptor.ok_or_else(|| usage(format!("`{option}` needs a descriptor's number")))
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
            lifeline: Some(7),
            limits: Limits {
                memory_mb: Some(512),
                ..Limits::default()
            },
            ..Arguments::default()
        };
        let words = [
            "--lifeline",
            "7",
            "hello",
            "--memory-mb",
            "512",
            "--library-path",
            "lib",
        ];
        check(&words, Ok(arguments));
    }

    #[test]
    fn a_folder_of_connects_brings_what_a_manifest_would_say() {
        let connect = Connect {
            plugin: PluginId::from("shots"),
            python: "/usr/bin/python3".into(),
            words: vec!["-m".into(), "callboard_connect".into(), "--windows".into()],
            permissions: vec![Permission::Read {
                path: "/mnt/projects".into(),
            }],
            door_port: Some(4711),
            windows: false,
        };
        let arguments = Arguments {
            folder: "shots-1.0".into(),
            connect: Some(connect),
            ..Arguments::default()
        };
        let words = "shots-1.0 --connect shots --python /usr/bin/python3 --permission read:/mnt/projects --door-port 4711 -- -m callboard_connect --windows";
        let words: Vec<&str> = words.split(' ').collect();
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
        check(
            &["a", "--memory-mb", "x"],
            Err("`--memory-mb` needs a number"),
        );
        check(
            &["a", "--connect", "b"],
            Err("`--connect` needs `--python`"),
        );
        check(&["a", "--speed", "9"], Err("there is no option `--speed`"));
    }
}
