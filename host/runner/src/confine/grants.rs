//! Which files and folders a plugin reaches, and how.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, PluginId};

use super::Surroundings;
use super::programs::{self, Found};

/// What every plugin reads: the system's libraries, interpreters and what these look at.
///
/// All of `/proc` is among it, since programs look at themselves there; what it holds of other processes' memory, environment and files the kernel keeps for processes of one confinement, and the rest is every user's to read.
const SYSTEM: [&str; 20] = [
    "/bin",
    "/dev/random",
    "/dev/urandom",
    "/etc",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/opt",
    "/proc",
    "/run/current-system",
    "/run/systemd/resolve",
    "/sbin",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/usr",
    "/var/cache/fontconfig",
    "/var/lib/sss/mc",
];

/// The devices that hold nothing.
const NOTHING: [&str; 3] = ["/dev/full", "/dev/null", "/dev/zero"];

/// How something is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// Read.
    Read,
    /// Read, and started as a program.
    Run,
    /// Read and written, but never started.
    Write,
    /// A device that is read and written.
    Device,
}

/// All that a plugin reaches.
pub(super) struct Grants<'a> {
    around: &'a Surroundings<'a>,
    list: Vec<(PathBuf, Access)>,
}

impl<'a> Grants<'a> {
    pub(super) fn new(around: &'a Surroundings<'a>) -> Self {
        Self {
            around,
            list: Vec::new(),
        }
    }

    pub(super) fn list(&self) -> &[(PathBuf, Access)] {
        &self.list
    }

    pub(super) fn add_system(&mut self) {
        for path in SYSTEM {
            self.read(Path::new(path));
        }
        let devices = NOTHING.map(|path| (PathBuf::from(path), Access::Device));
        self.list.extend(devices);
    }

    pub(super) fn read(&mut self, path: &Path) {
        self.list.push((path.to_owned(), Access::Read));
    }

    pub(super) fn run(&mut self, path: &Path) {
        self.list.push((path.to_owned(), Access::Run));
    }

    pub(super) fn write(&mut self, path: &Path) {
        self.list.push((path.to_owned(), Access::Write));
    }

    /// Adds a program, its interpreters, and the folders that they are installed in.
    pub(super) fn add_program(&mut self, name: &str, folder: &Path) {
        let Found { files, prefixes } = programs::find(name, folder, &self.around.search);
        for file in files {
            self.run(&file);
        }
        for prefix in prefixes {
            // What lies around a program is there to be read, unless that is all that the person has.
            if !self.is_too_wide(&prefix) {
                self.read(&prefix);
            }
        }
    }

    /// Adds where the person, or who starts Connect's plugins, has Python look for modules.
    pub(super) fn add_modules(&mut self) {
        for place in std::env::split_paths(&self.around.modules) {
            if place.is_absolute() && !self.is_too_wide(&place) {
                self.read(&place);
            }
        }
    }

    /// Adds what the manifest asks for.
    pub(super) fn add_asked(
        &mut self,
        plugin: &PluginId,
        path: &str,
        add: fn(&mut Self, &Path),
    ) -> Result<(), Failure> {
        let path = match (path.strip_prefix("~/"), &self.around.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        };
        // Looking into a folder that is mounted when it is needed mounts it; a rule alone would not.
        if let Err(error) = path.join(".").metadata().or_else(|_| path.metadata()) {
            // Where the log is closed, there is nobody to tell.
            writeln!(
                io::stderr(),
                "`{}` cannot be reached: {error}",
                path.display()
            )
            .ok();
            return Ok(());
        }
        let path = path.canonicalize().unwrap_or(path);
        if let Some(private) = self.private_in(&path) {
            let message = format!(
                "`{plugin}` may not be given `{}`: it holds Callboard's own `{}`",
                path.display(),
                private.display()
            );
            return Err(Failure::denied(message)
                .hint("name the folders within it that the plugin needs, in its plugin.toml"));
        }
        add(self, &path);
        Ok(())
    }

    fn private_in(&self, path: &Path) -> Option<&'a Path> {
        let mut private = self.around.private.iter();
        let found = private.find(|private| {
            let real = private.canonicalize();
            real.as_deref().unwrap_or(private).starts_with(path)
        });
        found.map(PathBuf::as_path)
    }

    fn is_too_wide(&self, prefix: &Path) -> bool {
        let holds_home = |home: &PathBuf| {
            let real = home.canonicalize();
            real.as_deref().unwrap_or(home).starts_with(prefix)
        };
        // `~/.local` is a prefix as `/usr` is, and also where a person's programs keep what is theirs.
        prefix.parent().is_none()
            || prefix.ends_with(".local")
            || self.around.home.as_ref().is_some_and(holds_home)
            || self.private_in(prefix).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use super::*;

    #[test]
    fn a_program_brings_its_folder_unless_that_is_the_persons() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let home = root.join("home/ada");
        for place in [
            "tools/app/bin",
            "home/ada/bin",
            "home/ada/.local/bin",
            "host/bin",
        ] {
            let folder = root.join(place);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("tool"), "").unwrap();
        }
        fs::create_dir_all(root.join("host/data")).unwrap();
        let private = [root.join("host/data")];
        let around = Surroundings {
            temporary: Path::new("/tmp"),
            files: None,
            private: &private,
            home: Some(home.clone()),
            search: OsString::new(),
            modules: OsString::new(),
        };
        let check = |program: &str, expected: &[(&str, Access)]| {
            let mut grants = Grants::new(&around);
            grants.add_program(&root.join(program).display().to_string(), &root);
            let expected: Vec<_> = expected
                .iter()
                .map(|(path, access)| (root.join(path), *access))
                .collect();
            assert_eq!(grants.list(), expected, "{program}");
        };
        check(
            "tools/app/bin/tool",
            &[
                ("tools/app/bin/tool", Access::Run),
                ("tools/app", Access::Read),
            ],
        );
        for program in [
            "home/ada/bin/tool",
            "home/ada/.local/bin/tool",
            "host/bin/tool",
        ] {
            check(program, &[(program, Access::Run)]);
        }
        let mut grants = Grants::new(&around);
        let asked = grants.add_asked(&PluginId::from("a"), "~/..", Grants::read);
        asked.unwrap();
        assert_eq!(grants.list(), [(root.join("home"), Access::Read)]);
        let asked = grants.add_asked(&PluginId::from("a"), root.to_str().unwrap(), Grants::write);
        let message = asked.unwrap_err().message;
        assert!(message.contains("it holds Callboard's own"), "{message}");
    }
}
