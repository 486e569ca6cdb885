//! The person's web browser, which shows the sandbox's page.

use std::io;
use std::process::{Command, Stdio};

use super::print::remark;

/// Lets the desktop open the page and ends at once, so that the browser is nobody's child: the host ends whatever it
/// finds among its own children that is no plugin.
#[cfg(target_os = "linux")]
const OPENER: [&str; 4] = [
    "/bin/sh",
    "-c",
    "command -v xdg-open >&2 || exit; xdg-open \"$1\" &",
    "sh",
];
#[cfg(target_os = "macos")]
const OPENER: [&str; 1] = ["open"];
#[cfg(target_os = "windows")]
const OPENER: [&str; 2] = ["rundll32", "url.dll,FileProtocolHandler"];

/// Opens a page, before there is a host in this process. What goes wrong is said, and no more: the address is printed
/// anyway.
pub(super) fn open(page: &str) {
    if !matches!(start(page), Ok(true)) {
        remark("The browser could not be started; open the page yourself.");
    }
}

/// Starts the browser and returns whether there was one.
#[expect(
    clippy::disallowed_methods,
    reason = "the browser is the person's: it outlives this process, and the supervisor ends what it starts"
)]
fn start(page: &str) -> io::Result<bool> {
    let [program, arguments @ ..] = OPENER;
    let status = Command::new(program)
        .args(arguments)
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(status.success())
}
