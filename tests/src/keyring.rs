//! A keyring as desktops have one, for one test alone.

use std::io::Write as _;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use zbus::names::BusName;

use crate::SOON;
use crate::process::command;
use crate::tray::SessionBus;
use crate::wait::wait_until;

/// A keyring of its own on a private bus, unlocked.
#[derive(Debug)]
pub struct Keyring {
    bus: SessionBus,
    daemon: Child,
    _folder: tempfile::TempDir,
}

impl Keyring {
    /// Starts it, and waits until it is there.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start() -> Result<Self> {
        let bus = SessionBus::start()?;
        let folder = tempfile::tempdir()?;
        let mut daemon = command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env_clear()
            .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`gnome-keyring-daemon` is missing; `cargo xtask test` installs it")?;
        let password = daemon
            .stdin
            .take()
            .context("a pipe")?
            .write_all(b"password");
        let keyring = Self {
            bus,
            daemon,
            _folder: folder,
        };
        password?;
        keyring.wait_until_up()?;
        Ok(keyring)
    }

    /// Returns the bus's address, for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        self.bus.address()
    }

    /// Locks it, as a screen that was left alone does.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn lock(&self) -> Result<()> {
        let connection =
            zbus::blocking::connection::Builder::address(self.bus.address())?.build()?;
        let collection =
            zbus::zvariant::ObjectPath::try_from("/org/freedesktop/secrets/aliases/default")?;
        connection.call_method(
            Some("org.freedesktop.secrets"),
            "/org/freedesktop/secrets",
            Some("org.freedesktop.Secret.Service"),
            "Lock",
            &(vec![collection],),
        )?;
        Ok(())
    }

    fn wait_until_up(&self) -> Result<()> {
        let connection =
            zbus::blocking::connection::Builder::address(self.bus.address())?.build()?;
        let names = zbus::blocking::fdo::DBusProxy::new(&connection)?;
        wait_until("the keyring is up and unlocked", SOON, || {
            let name = BusName::try_from("org.freedesktop.secrets").ok()?;
            let is_there = names.name_has_owner(name).ok()?;
            let reply = is_there.then(|| {
                connection.call_method(
                    Some("org.freedesktop.secrets"),
                    "/org/freedesktop/secrets",
                    Some("org.freedesktop.Secret.Service"),
                    "ReadAlias",
                    &("default",),
                )
            });
            let reply = reply?.ok()?;
            let path: zbus::zvariant::OwnedObjectPath = reply.body().deserialize().ok()?;
            (path.as_str() != "/").then_some(())
        })
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // It may have ended already, and a destructor has nobody to tell.
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}
