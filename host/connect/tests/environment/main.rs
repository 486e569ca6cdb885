//! Finding an interpreter, and making one's environment, with real `venv` and real `pip` and no network.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wheels;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use connect::{Environment, EnvironmentError, EnvironmentOptions, PythonVersion, interpreter};
use tempfile::TempDir;

const GENEROUS: Duration = Duration::from_secs(300);

/// What an interpreter of 3.11 without the client says of itself.
const SAYS_311: &str = r#"echo '{"version": [3, 11], "venv": true, "client": null}'"#;

struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a program into the machine's only folder of programs.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn options(&self) -> EnvironmentOptions {
        EnvironmentOptions {
            interpreter: None,
            folder: self.path("data"),
            variables: vec![("PATH".into(), self.path("bin").into())],
            deadline: GENEROUS,
        }
    }

    fn named(&self, path: &Path) -> EnvironmentOptions {
        EnvironmentOptions {
            interpreter: Some(path.to_owned()),
            ..self.options()
        }
    }

    /// What lies where the environment is made.
    fn made(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("data")).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Options with the machine's own Python, whose pip finds packages in `wheels` and nowhere else.
fn with_real_python(machine: &Machine, wheels: Option<&Path>) -> EnvironmentOptions {
    #[expect(
        clippy::disallowed_methods,
        reason = "the machine's own Python is found as a person's shell finds it"
    )]
    let path = std::env::var_os("PATH").unwrap();
    let mut variables: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), path),
        ("HOME".into(), machine.folder.path().into()),
        ("PIP_NO_INDEX".into(), "1".into()),
        ("PIP_CONFIG_FILE".into(), "/dev/null".into()),
        // An interpreter that another environment leads astray would find neither.
        ("PYTHONHOME".into(), "/nowhere".into()),
        ("FTRACK_API_KEY".into(), "secret".into()),
    ];
    if let Some(wheels) = wheels {
        variables.push(("PIP_FIND_LINKS".into(), wheels.into()));
    }
    EnvironmentOptions {
        variables,
        ..machine.options()
    }
}

async fn refused(options: &EnvironmentOptions) -> EnvironmentError {
    let error = interpreter(options).await.unwrap_err();
    assert!(!error.hint().is_empty());
    error
}

#[tokio::test]
async fn an_interpreter_that_the_settings_name_is_taken_as_it_is() {
    let machine = Machine::new();
    let says = r#"echo '{"version": [3, 9], "venv": false, "client": "3.1.0"}'"#;
    let path = machine.program("studio-python", says);
    let found = interpreter(&machine.named(&path)).await.unwrap();
    assert_eq!(found.path, path);
    assert_eq!(found.version, PythonVersion { major: 3, minor: 9 });
    assert_eq!(found.client, "3.1.0");
    assert_eq!(machine.made(), [""; 0]);
}

#[tokio::test]
async fn what_a_named_interpreter_lacks_is_said() {
    let machine = Machine::new();
    let old = r#"echo '{"version": [3, 6], "venv": true, "client": "2.5"}'"#;
    for (name, script, expected) in [
        (
            "old",
            old,
            "is Python 3.6, and Connect plugins need 3.9 or newer",
        ),
        (
            "bare",
            SAYS_311,
            "`ftrack-python-api` is not installed in `",
        ),
        ("broken", "exit 3", "` is no Python that runs"),
        ("chatty", "echo hello", "` is no Python that runs"),
    ] {
        let path = machine.program(name, script);
        let said = refused(&machine.named(&path)).await.to_string();
        assert!(said.contains(expected), "{said}");
        assert!(said.contains(name), "{said}");
    }
    let said = refused(&machine.named(Path::new("/no/such/python"))).await;
    assert_eq!(said.to_string(), "`/no/such/python` is no Python that runs");
}

#[tokio::test]
async fn a_machine_without_a_python_that_will_do_says_what_to_install() {
    let machine = Machine::new();
    let said = refused(&machine.options()).await;
    assert_eq!(
        said.to_string(),
        "no Python 3.9 or newer was found for Connect plugins"
    );
    machine.program("python3", &SAYS_311.replace("true", "false"));
    let said = refused(&machine.options()).await;
    assert!(matches!(said, EnvironmentError::NoVenv { .. }), "{said}");
    assert!(said.hint().contains("python3-venv"));
    assert_eq!(machine.made(), [""; 0]);
}

#[tokio::test]
async fn an_environment_that_takes_too_long_is_given_up_and_nothing_is_left_of_it() {
    let machine = Machine::new();
    let pid = machine.path("pid");
    let script = format!(
        "case $1 in -c) {SAYS_311};; *) mkdir -p \"$3\"; /bin/sleep 600 & echo $! > {}; wait;; esac",
        pid.display()
    );
    machine.program("python3", &script);
    let options = EnvironmentOptions {
        deadline: Duration::from_secs(2),
        ..machine.options()
    };
    let started = Instant::now();
    let said = refused(&options).await;
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(
        said.to_string(),
        "the environment for Connect plugins could not be made"
    );
    assert_eq!(machine.made(), [""; 0]);
    let sleeper = fs::read_to_string(pid).unwrap();
    let until = Instant::now() + GENEROUS;
    while is_running(sleeper.trim()) {
        assert!(Instant::now() < until, "a process was left behind");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn children_that_start_together_share_what_is_found_and_what_is_not() {
    let machine = Machine::new();
    let runs = machine.path("runs");
    let script = format!("echo run >> {}; exit 1", runs.display());
    let path = machine.program("studio-python", &script);
    let environment = Environment::new(machine.named(&path));
    let (one, two) = tokio::join!(environment.interpreter(), environment.interpreter());
    assert_eq!(one.unwrap_err().to_string(), two.unwrap_err().to_string());
    assert_eq!(fs::read_to_string(runs).unwrap(), "run\n");
}

/// Whether a process runs; one that has ended and is not waited for by its new parent yet does not.
fn is_running(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    status.contains(')') && state != Some('Z')
}

#[tokio::test]
async fn without_a_network_the_sentence_says_so_and_nothing_is_left() {
    let machine = Machine::new();
    let said = refused(&with_real_python(&machine, None)).await;
    assert_eq!(
        said.to_string(),
        "the packages for Connect plugins could not be fetched"
    );
    assert!(said.hint().contains("network"));
    assert_eq!(machine.made(), [""; 0]);
}

#[tokio::test]
async fn an_environment_is_made_once_reused_and_made_again_when_it_is_broken() {
    let machine = Machine::new();
    let wheels = machine.path("wheels");
    wheels::write(&wheels, "3.1.0");
    let options = with_real_python(&machine, Some(&wheels));
    let (one, two) = tokio::join!(interpreter(&options), interpreter(&options));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two);
    assert_eq!(one.client, "3.1.0");
    assert_eq!(machine.made(), ["python-ftrack-3.1.0"]);

    // No pip and no index are asked when it works.
    let alone = EnvironmentOptions {
        variables: Vec::new(),
        ..options.clone()
    };
    assert_eq!(interpreter(&alone).await.unwrap(), one);

    let library = one.path.parent().unwrap().join("../lib");
    let version = format!("python{}", one.version);
    let client = library.join(version).join("site-packages/ftrack_api");
    fs::remove_dir_all(client).unwrap();
    assert_eq!(interpreter(&options).await.unwrap(), one);
    assert_eq!(machine.made(), ["python-ftrack-3.1.0"]);
}
