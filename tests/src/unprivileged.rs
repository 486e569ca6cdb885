//! Another person than the one who runs the tests, where that one is root: for root, half of what confines plugins does not hold.

use std::io;
use std::os::unix::fs::lchown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread::Builder;

use anyhow::{Context, Result, ensure};
use rustix::process::geteuid;

/// `nobody`, who has no files and no rights.
const NOBODY: u32 = 65534;

/// Somebody without rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    /// Who runs the tests.
    Self_,
    /// Somebody else, since root runs the tests.
    Other(u32),
}

impl Person {
    /// Returns somebody who is not root.
    pub(crate) fn unprivileged() -> Self {
        if geteuid().is_root() {
            Self::Other(NOBODY)
        } else {
            Self::Self_
        }
    }

    /// Has a command run as this person, who must be able to reach its program.
    pub(crate) fn run(self, command: &mut Command) -> Result<()> {
        let Self::Other(user) = self else {
            return Ok(());
        };
        let program = Path::new(command.get_program()).to_owned();
        ensure_reachable(&program)?;
        command.uid(user).gid(user);
        Ok(())
    }

    /// Gives a folder and what is in it to this person.
    pub(crate) fn give(self, path: &Path) -> Result<()> {
        let Self::Other(user) = self else {
            return Ok(());
        };
        lchown(path, Some(user), Some(user))
            .with_context(|| format!("could not give `{}` away", path.display()))?;
        if path.is_dir() && !path.is_symlink() {
            for entry in std::fs::read_dir(path)? {
                self.give(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// Connects to a socket as this person.
    pub(crate) fn connect(self, path: &Path) -> io::Result<UnixStream> {
        let Self::Other(user) = self else {
            return UnixStream::connect(path);
        };
        let path = path.to_owned();
        // Linux has users by thread, and a socket is its maker's: the thread becomes the person, and ends.
        let thread = Builder::new().name("person".into()).spawn(move || {
            become_user(user)?;
            UnixStream::connect(path)
        })?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    }
}

#[cfg(target_os = "linux")]
fn become_user(user: u32) -> io::Result<()> {
    let user = rustix::process::Uid::from_raw(user);
    Ok(rustix::thread::set_thread_res_uid(user, user, user)?)
}

#[cfg(not(target_os = "linux"))]
fn become_user(_: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes sure that everybody can start a program.
fn ensure_reachable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let program = program
        .canonicalize()
        .with_context(|| format!("could not find `{}`", program.display()))?;
    for place in program.ancestors() {
        let mode = place.metadata()?.permissions().mode();
        ensure!(
            mode & 0o001 != 0,
            "an unprivileged person cannot reach `{}`, because of `{}`: run the tests unprivileged, or set CARGO_TARGET_DIR to a folder that everybody can read",
            program.display(),
            place.display()
        );
    }
    Ok(())
}
