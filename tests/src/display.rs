//! A display without a screen: an X server of its own, gone when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread::Builder;

use anyhow::{Context, Result, anyhow, ensure};

use crate::SOON;
use crate::process;

/// A display that windows can be opened on.
#[derive(Debug)]
pub struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts the server, which chooses a free number itself.
    ///
    /// # Errors
    ///
    /// When there is no `Xvfb`, or it does not say its number.
    pub fn start() -> Result<Self> {
        let mut server = process::command("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24"])
            .args(["+extension", "GLX", "-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start `Xvfb`")?;
        let stdout = server.stdout.take().context("standard output is piped")?;
        let mut display = Self {
            server,
            name: String::new(),
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        Builder::new()
            .name("display number".into())
            .spawn(move || {
                let mut line = String::new();
                if BufReader::new(stdout).read_line(&mut line).is_ok() {
                    sender.send(line).ok();
                }
            })?;
        let line = receiver.recv_timeout(SOON);
        let line = line.map_err(|_| anyhow!("`Xvfb` did not say its number"))?;
        display.name = format!(":{}", line.trim());
        Ok(display)
    }

    /// Returns the display's name, for `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the keyboard to the window with this title, once it is there.
    ///
    /// # Errors
    ///
    /// When there is none in time.
    pub fn focus(&self, title: &str) -> Result<()> {
        let title = format!("^{title}$");
        self.xdotool(&[
            "search",
            "--sync",
            "--onlyvisible",
            "--name",
            &title,
            "windowfocus",
            "--sync",
        ])
    }

    /// Types a text.
    ///
    /// # Errors
    ///
    /// When it cannot be typed.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.xdotool(&["type", "--delay", "30", text])
    }

    /// Presses a key, by its X name: `Return`.
    ///
    /// # Errors
    ///
    /// When it cannot be pressed.
    pub fn press(&self, key: &str) -> Result<()> {
        self.xdotool(&["key", key])
    }

    fn xdotool(&self, arguments: &[&str]) -> Result<()> {
        let mut command = process::command("xdotool");
        command.args(arguments).env("DISPLAY", &self.name);
        let finished = process::run(&mut command, SOON)?;
        ensure!(
            finished.status.success(),
            "`xdotool {arguments:?}`: {finished:?}"
        );
        Ok(())
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // A destructor has nobody to tell.
        process::end(&mut self.server).ok();
    }
}
