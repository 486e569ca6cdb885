//! What the tray's menu says.

mod command;
mod entries;
#[cfg(test)]
mod tests;

use callboard_protocol::{
    ActionId, ConnectionState, DeclaredWindow, HubStatus, JobSummary, MenuItem, StatusText,
};

pub(crate) use command::{Command, Folder, Leave, When};

/// A menu with the looks and the tooltip of its icon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Menu {
    /// How the icon looks.
    pub(crate) look: Look,
    /// What the icon says when it is pointed at.
    pub(crate) tooltip: String,
    /// The entries, top to bottom.
    pub(crate) entries: Vec<Entry>,
}

/// How the icon looks: what a person shall see without pointing at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nobody is signed in, or the server refuses: something is to be done.
    #[default]
    SignedOut,
    /// The server is away, or not there yet.
    Away,
    /// All is well.
    Connected,
    /// All is well, and jobs are under way.
    Working,
    /// A job asks something.
    Asks,
}

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Something to read.
    Line(String),
    /// Something to do.
    Do {
        /// What it says.
        label: String,
        /// What it does.
        command: Command,
    },
    /// A submenu.
    Group {
        /// What it says.
        label: String,
        /// Its entries.
        entries: Vec<Entry>,
    },
    /// A line between groups of entries.
    Separator,
}

/// What the menu is drawn from.
#[derive(Default)]
pub(super) struct Seen<'a> {
    pub(super) user: &'a str,
    pub(super) server: &'a str,
    pub(super) hub: HubStatus,
    /// Why only bundled plugins are used, where that is so.
    pub(super) safe: Option<&'a str>,
    pub(super) status: &'a [StatusText],
    pub(super) actions: &'a [MenuItem],
    pub(super) pinned: &'a [ActionId],
    pub(super) recent: &'a [ActionId],
    pub(super) windows: &'a [DeclaredWindow],
    /// Jobs that have not ended, newest first.
    pub(super) jobs: &'a [&'a JobSummary],
    /// What will be done when no job moves any more.
    pub(super) leaving: Option<Leave>,
    /// Whether somebody is signed in who can sign out.
    pub(super) can_log_out: bool,
    /// Whether this host can be started again.
    pub(super) can_restart: bool,
    /// Whether windows can be opened.
    pub(super) has_display: bool,
}

/// Draws the menu: how it stands, what plugins say, the actions, the windows, the jobs that are under way, the folders
/// and the ways out.
pub(super) fn draw(seen: &Seen<'_>) -> Menu {
    let connection = connection_line(seen.user, seen.server, &seen.hub);
    let mut head = vec![Entry::Line(connection.clone())];
    if let Some(problem) = &seen.hub.problem {
        head.push(Entry::Line(entries::shortened(&problem.message)));
    }
    if let Some(reason) = seen.safe {
        head.push(entries::safe_mode(reason));
    }
    head.extend(seen.status.iter().map(entries::status));
    let sections = [
        head,
        entries::pinned(seen.actions, seen.pinned),
        entries::actions(seen.actions, seen.pinned, seen.recent),
        entries::windows(seen.windows),
        entries::jobs(seen.jobs, seen.has_display),
        entries::ways_out(seen),
    ];
    Menu {
        look: look(&seen.hub, seen.jobs),
        tooltip: tooltip(&connection, seen),
        entries: joined(sections),
    }
}

/// Puts a line between sections that have something in them.
fn joined(sections: impl IntoIterator<Item = Vec<Entry>>) -> Vec<Entry> {
    let mut joined = Vec::new();
    for section in sections {
        if !joined.is_empty() && !section.is_empty() {
            joined.push(Entry::Separator);
        }
        joined.extend(section);
    }
    joined
}

fn look(hub: &HubStatus, jobs: &[&JobSummary]) -> Look {
    use callboard_protocol::JobState;
    match hub.state {
        ConnectionState::SignedOut | ConnectionState::Refused => Look::SignedOut,
        ConnectionState::Connected if jobs.iter().any(|job| job.state == JobState::Asks) => {
            Look::Asks
        }
        ConnectionState::Connected if jobs.iter().any(|job| job.state.is_moving()) => Look::Working,
        ConnectionState::Connected => Look::Connected,
        _ => Look::Away,
    }
}

fn tooltip(connection: &str, seen: &Seen<'_>) -> String {
    let mut lines = vec![format!("Callboard: {connection}")];
    if seen.safe.is_some() {
        lines.push("Safe mode".to_owned());
    }
    lines.extend(seen.status.iter().map(|status| status.text.clone()));
    let moving = entries::count_moving(seen.jobs);
    if moving > 0 {
        lines.push(entries::running_line(moving));
    }
    lines.join("\n")
}

fn connection_line(user: &str, server: &str, hub: &HubStatus) -> String {
    let state = match hub.state {
        ConnectionState::SignedOut => "not signed in",
        ConnectionState::Connecting => "connecting…",
        ConnectionState::Connected => "connected",
        ConnectionState::Refused => "refused, sign in again",
        _ => "not known",
    };
    let server = server
        .trim_start_matches("https://")
        .trim_start_matches("http://")
        .trim_end_matches('/');
    if user.is_empty() {
        capitalised(state)
    } else {
        format!("{user} @ {server} — {state}")
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
