//! What an interpreter is: its version, whether it can make environments, and whether it has the client.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::EnvironmentOptions;
use super::errand::{ErrandError, run};

/// How long an interpreter may take to say what it is; a network share may be slow.
const DEADLINE: Duration = Duration::from_secs(30);

/// What it is asked. A client that cannot be imported is none, as after an upgrade of the system's Python.
const QUESTION: &str = "
import importlib.util, json, sys
found = lambda name: importlib.util.find_spec(name) is not None
try:
    import ftrack_api
    client = str(getattr(ftrack_api, '__version__', 'unknown'))
except Exception:
    client = None
print(json.dumps({'version': sys.version_info[:2], 'venv': found('venv') and found('ensurepip'), 'client': client}))
";

/// The version of a Python, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PythonVersion {
    /// 3 in 3.9.
    pub major: u64,
    /// 9 in 3.9.
    pub minor: u64,
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// What an interpreter said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) version: PythonVersion,
    pub(super) makes_environments: bool,
    pub(super) client: Option<String>,
}

/// Asks an interpreter what it is.
pub(super) async fn probe(path: &Path, options: &EnvironmentOptions) -> Result<Probe, ErrandError> {
    let words = [OsStr::new("-c"), OsStr::new(QUESTION)];
    let said = run(path, &words, &options.variables, DEADLINE).await?;
    read(&said).ok_or_else(|| ErrandError::Strange(said.chars().take(200).collect()))
}

fn read(said: &str) -> Option<Probe> {
    // A site's own start-up files may print before it.
    let answer: Value = serde_json::from_str(said.lines().last()?).ok()?;
    let version = PythonVersion {
        major: answer["version"][0].as_u64()?,
        minor: answer["version"][1].as_u64()?,
    };
    Some(Probe {
        version,
        makes_environments: answer["venv"].as_bool()?,
        client: answer["client"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_none() {
        let probe = Probe {
            version: PythonVersion {
                major: 3,
                minor: 11,
            },
            makes_environments: true,
            client: None,
        };
        let said = "welcome\n{\"version\": [3, 11], \"venv\": true, \"client\": null}\n";
        assert_eq!(read(said), Some(probe));
        for said in ["", "3.11", "{\"version\": [3]}", "{}"] {
            assert_eq!(read(said), None, "{said}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        let of = |major, minor| PythonVersion { major, minor };
        assert!(of(3, 9) < of(3, 10) && of(2, 7) < of(3, 9));
        assert_eq!(of(3, 13).to_string(), "3.13");
    }
}
