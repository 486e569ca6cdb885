//! Files, folders and links, opened with what the person uses for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, Open};
use reqwest::Url;
use tokio::time::timeout;

use crate::supervisor::Supervisor;

/// How long the desktop may take to say that it cannot. Some openers go on as long as what they have opened.
const OPENING: Duration = Duration::from_secs(5);

/// Files that desktops run instead of showing them: a plugin that is confined must not start them this way.
const PROGRAMS: [&str; 22] = [
    "app",
    "appimage",
    "application",
    "bat",
    "cmd",
    "com",
    "command",
    "cpl",
    "desktop",
    "exe",
    "hta",
    "jar",
    "js",
    "lnk",
    "msi",
    "pif",
    "ps1",
    "scr",
    "url",
    "vbs",
    "webloc",
    "workflow",
];

/// Has the desktop open what a plugin or the person names.
///
/// # Errors
///
/// When it is nothing that may be opened, is not there, or the desktop has no program for it.
pub(crate) async fn open(supervisor: &Supervisor, asked: &Open) -> Result<(), Failure> {
    let target = checked(&asked.target)?;
    let mut opener = supervisor.open(&target).await?;
    match timeout(OPENING, opener.wait()).await {
        Ok(Ok(status)) if !status.success() => Err(Failure::new(
            FailureKind::Unavailable,
            format!("nothing here opens `{target}`"),
        )
        .hint("set a program for it in the desktop's settings")
        .because(status.to_string())),
        Ok(Err(error)) => Err(Failure::new(
            FailureKind::Internal,
            "could not wait for what opens it",
        )
        .caused_by(&error)),
        // It is open, or is being opened.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// Returns what the opener is told: a link, or the path of what is there.
fn checked(target: &str) -> Result<String, Failure> {
    if Path::new(target).is_absolute() {
        return path(PathBuf::from(target));
    }
    let url = Url::parse(target).map_err(|error| no_target(target).caused_by(&error))?;
    match url.scheme() {
        "https" | "http" if url.host_str().is_some() => Ok(url.to_string()),
        "mailto" => Ok(url.to_string()),
        "file" => path(url.to_file_path().map_err(|()| no_target(target))?),
        _ => Err(no_target(target)),
    }
}

fn path(path: PathBuf) -> Result<String, Failure> {
    let shown = path.display().to_string();
    let found = std::fs::metadata(&path).map_err(|error| {
        Failure::not_found(format!("there is nothing to open: `{shown}`"))
            .hint("check the path, and whether its disk is there")
            .caused_by(&error)
    })?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_program = extension
        .is_some_and(|extension| PROGRAMS.contains(&extension.to_ascii_lowercase().as_str()));
    // On macOS programs are folders.
    if is_program && (found.is_file() || cfg!(target_os = "macos")) {
        return Err(
            Failure::denied(format!("that would be run, not shown: `{shown}`"))
                .hint("open the folder that it lies in"),
        );
    }
    path.into_os_string()
        .into_string()
        .map_err(|_| no_target(&shown))
}

fn no_target(target: &str) -> Failure {
    Failure::invalid(format!("that cannot be opened: `{target}`"))
        .hint("give an absolute path, or a link with `https:`, `http:` or `mailto:`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_and_is_shown_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x").unwrap();
            path.display().to_string()
        };
        let (film, program) = (file("ä film.mov"), file("evil.Desktop"));
        assert_eq!(checked(&film), Ok(film.clone()));
        let url = Url::from_file_path(&film).unwrap();
        assert_eq!(checked(url.as_str()), Ok(film));
        assert_eq!(
            checked("https://example.com/a b"),
            Ok("https://example.com/a%20b".into())
        );
        assert!(checked("mailto:ada@example.com").is_ok());
        for (target, kind) in [
            (program.as_str(), FailureKind::Denied),
            ("/nowhere/at/all", FailureKind::NotFound),
            ("relative.mov", FailureKind::Invalid),
            ("--help", FailureKind::Invalid),
            ("javascript:alert(1)", FailureKind::Invalid),
            ("ssh://host", FailureKind::Invalid),
            ("https://", FailureKind::Invalid),
            ("", FailureKind::Invalid),
        ] {
            assert_eq!(checked(target).unwrap_err().kind, kind, "{target}");
        }
    }
}
