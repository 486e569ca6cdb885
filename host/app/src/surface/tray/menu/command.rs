//! What a click does, and the text by which the system brings it back.

use callboard_protocol::{ActionId, JobId};

/// What a click does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Launches an action on nothing.
    Launch(ActionId),
    /// Cancels a job.
    Cancel(JobId),
    /// Opens a window, by its id.
    Open(String),
    /// Shows a job.
    Show(JobId),
    /// Opens a folder with the person's files.
    Folder(Folder),
    /// Signs out: not while jobs are unfinished where it is only asked, and then with them waiting.
    LogOut(When),
    /// Ends the host, or ends it and starts it again.
    Leave(Leave, When),
    /// Does not leave after all.
    Stay,
}

/// A folder that the person may want to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// Where the person's own plugins lie.
    Plugins,
    /// Where the logs lie.
    Logs,
}

/// How the host ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// For good.
    Quit,
    /// And starts again.
    Restart,
}

/// When the host ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At once where no job moves; else the person is asked.
    Asked,
    /// At once, whatever runs.
    Now,
    /// As soon as no job moves.
    Idle,
}

/// Entries that need no more than their name.
const FIXED: [(&str, Command); 11] = [
    ("log_out", Command::LogOut(When::Asked)),
    ("log_out_now", Command::LogOut(When::Now)),
    ("quit", Command::Leave(Leave::Quit, When::Asked)),
    ("quit_now", Command::Leave(Leave::Quit, When::Now)),
    ("quit_idle", Command::Leave(Leave::Quit, When::Idle)),
    ("restart", Command::Leave(Leave::Restart, When::Asked)),
    ("restart_now", Command::Leave(Leave::Restart, When::Now)),
    ("restart_idle", Command::Leave(Leave::Restart, When::Idle)),
    ("stay", Command::Stay),
    ("folder_plugins", Command::Folder(Folder::Plugins)),
    ("folder_logs", Command::Folder(Folder::Logs)),
];

impl Command {
    /// Returns the text that the entry is known by to the system.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Launch(action) => format!("launch {action}"),
            Self::Cancel(job) => format!("cancel {job}"),
            Self::Open(window) => format!("open {window}"),
            Self::Show(job) => format!("show {job}"),
            fixed => {
                let names = FIXED.iter().filter(|(_, command)| command == fixed);
                names.map(|(name, _)| *name).collect()
            }
        }
    }

    /// Returns the command of the entry with this id.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        match id.split_once(' ') {
            Some(("launch", action)) => Some(Self::Launch(ActionId::from(action))),
            Some(("cancel", job)) => Some(Self::Cancel(JobId::from(job))),
            Some(("open", window)) => Some(Self::Open(window.to_owned())),
            Some(("show", job)) => Some(Self::Show(JobId::from(job))),
            Some(_) => None,
            None => {
                let fixed = FIXED.iter().find(|(name, _)| *name == id);
                fixed.map(|(_, command)| command.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_back_from_its_id() {
        let named = [
            Command::Launch(ActionId::from("a.b c")),
            Command::Cancel(JobId::from("j1")),
            Command::Open("timer.day".into()),
            Command::Show(JobId::from("j2")),
        ];
        let fixed = FIXED.into_iter().map(|(_, command)| command);
        for command in named.into_iter().chain(fixed) {
            assert_eq!(Command::from_id(&command.id()), Some(command));
        }
        assert_eq!(Command::from_id("1003"), None);
        assert_eq!(Command::from_id("quit later"), None);
    }
}
