//! What the tray's menu says.

use callboard_protocol::{
    ActionId, ConnectionState, HubStatus, JobId, JobState, JobSummary, MenuItem,
};

/// The longest text of one line, in characters; a plugin's message may be any length.
const LINE_CHARACTERS: usize = 80;

/// A menu with the tooltip of its icon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Menu {
    /// What the icon says when it is pointed at.
    pub(crate) tooltip: String,
    /// The entries, top to bottom.
    pub(crate) entries: Vec<Entry>,
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

/// What a click does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Launches an action on nothing.
    Launch(ActionId),
    /// Cancels a job.
    Cancel(JobId),
    /// Ends the host.
    Quit,
}

impl Command {
    /// Returns the text that the entry is known by to the system.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Launch(action) => format!("launch {action}"),
            Self::Cancel(job) => format!("cancel {job}"),
            Self::Quit => "quit".to_owned(),
        }
    }

    /// Returns the command of the entry with this id.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        match id.split_once(' ') {
            Some(("launch", action)) => Some(Self::Launch(ActionId::from(action))),
            Some(("cancel", job)) => Some(Self::Cancel(JobId::from(job))),
            None if id == "quit" => Some(Self::Quit),
            _ => None,
        }
    }
}

/// Draws the menu: the connection, the actions, the jobs that are under way, and the way out.
pub(super) fn draw(
    user: &str,
    server: &str,
    hub: &HubStatus,
    actions: &[MenuItem],
    jobs: &[&JobSummary],
) -> Menu {
    let connection = connection_line(user, server, hub);
    let mut entries = vec![Entry::Line(connection.clone())];
    if let Some(problem) = &hub.problem {
        entries.push(Entry::Line(shortened(&problem.message)));
    }
    entries.push(Entry::Separator);
    if !actions.is_empty() {
        entries.extend(action_entries(actions));
        entries.push(Entry::Separator);
    }
    if !jobs.is_empty() {
        entries.extend(jobs.iter().map(|job| job_entry(job)));
        entries.push(Entry::Separator);
    }
    entries.push(Entry::Do {
        label: "Quit".to_owned(),
        command: Command::Quit,
    });
    Menu {
        tooltip: format!("Callboard: {connection}"),
        entries,
    }
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

/// Returns the actions in their order; those with one label and several variants share a submenu.
fn action_entries(actions: &[MenuItem]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let same: Vec<&MenuItem> = actions
            .iter()
            .filter(|other| other.label == action.label)
            .collect();
        if actions[..index]
            .iter()
            .any(|earlier| earlier.label == action.label)
        {
            continue;
        }
        match same.as_slice() {
            [only] => entries.push(launch_entry(&only.label, only)),
            several => entries.push(Entry::Group {
                label: action.label.clone(),
                entries: several
                    .iter()
                    .map(|item| launch_entry(item.variant.as_ref().unwrap_or(&item.label), item))
                    .collect(),
            }),
        }
    }
    entries
}

fn launch_entry(label: &str, item: &MenuItem) -> Entry {
    Entry::Do {
        label: label.to_owned(),
        command: Command::Launch(item.action_identifier.clone()),
    }
}

/// Returns a job's entry. There are no windows to answer in, so a question names the command that answers it.
fn job_entry(job: &JobSummary) -> Entry {
    let (label, line) = match job.state {
        JobState::Asks => (
            format!("{} is waiting for an answer…", job.label),
            format!("callboard jobs answer {}", job.id),
        ),
        JobState::Queued => (
            format!("{} is waiting for its turn", job.label),
            job.id.to_string(),
        ),
        _ => (
            format!("{} is running", job.label),
            if job.message.is_empty() {
                job.id.to_string()
            } else {
                shortened(&job.message)
            },
        ),
    };
    Entry::Group {
        label,
        entries: vec![
            Entry::Line(line),
            Entry::Do {
                label: "Cancel".to_owned(),
                command: Command::Cancel(job.id.clone()),
            },
        ],
    }
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= LINE_CHARACTERS {
        return line.to_owned();
    }
    line.chars()
        .take(LINE_CHARACTERS - 1)
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::{Failure, FailureKind, Surface};

    /// Writes a menu down, submenus indented.
    fn written(entries: &[Entry]) -> String {
        let mut text = String::new();
        for entry in entries {
            match entry {
                Entry::Line(line) => text.push_str(&format!("{line}\n")),
                Entry::Do { label, command } => {
                    text.push_str(&format!("[{label}] {}\n", command.id()));
                }
                Entry::Separator => text.push_str("---\n"),
                Entry::Group { label, entries } => {
                    text.push_str(&format!("{label} >\n"));
                    for line in written(entries).lines() {
                        text.push_str(&format!("  {line}\n"));
                    }
                }
            }
        }
        text
    }

    fn action(label: &str, variant: Option<&str>, id: &str) -> MenuItem {
        MenuItem {
            label: label.into(),
            variant: variant.map(str::to_owned),
            description: None,
            icon: None,
            action_identifier: ActionId::from(id),
            callboard_host: "h".into(),
        }
    }

    fn job(id: &str, state: JobState, message: &str) -> JobSummary {
        JobSummary {
            id: JobId::from(id),
            action: ActionId::from("shot_creation.create_shots"),
            label: "Create shots".into(),
            state,
            surface: Surface::Web,
            user: "ada".into(),
            created_ms: 0,
            changed_ms: 0,
            message: message.into(),
            progress: None,
        }
    }

    fn connected() -> HubStatus {
        HubStatus {
            state: ConnectionState::Connected,
            ..HubStatus::default()
        }
    }

    #[test]
    fn the_menu_shows_connection_actions_jobs_and_the_way_out() {
        let jobs = [
            job("j1", JobState::Asks, ""),
            job("j2", JobState::Working, "creating 12 shots\nand more"),
            job("j3", JobState::Queued, ""),
        ];
        let actions = [
            action("Create shots", None, "shot_creation.create_shots"),
            action("Open", Some("Nuke"), "open.nuke"),
            action("Open", Some("Flame"), "open.flame"),
        ];
        let menu = draw(
            "ada",
            "http://127.0.0.1:5005/",
            &connected(),
            &actions,
            &jobs.iter().collect::<Vec<_>>(),
        );
        assert_eq!(menu.tooltip, "Callboard: ada @ 127.0.0.1:5005 — connected");
        assert_eq!(
            written(&menu.entries),
            "ada @ 127.0.0.1:5005 — connected\n\
             ---\n\
             [Create shots] launch shot_creation.create_shots\n\
             Open >\n  [Nuke] launch open.nuke\n  [Flame] launch open.flame\n\
             ---\n\
             Create shots is waiting for an answer… >\n  callboard jobs answer j1\n  [Cancel] cancel j1\n\
             Create shots is running >\n  creating 12 shots\n  [Cancel] cancel j2\n\
             Create shots is waiting for its turn >\n  j3\n  [Cancel] cancel j3\n\
             ---\n\
             [Quit] quit\n"
        );
    }

    #[test]
    fn what_is_in_the_way_of_the_connection_is_said() {
        let hub = HubStatus {
            state: ConnectionState::Connecting,
            problem: Some(Failure::new(FailureKind::Unavailable, "x".repeat(200))),
            ..HubStatus::default()
        };
        let menu = draw("ada", "https://demo.ftrackapp.com", &hub, &[], &[]);
        let long = format!("{}…", "x".repeat(79));
        assert_eq!(
            written(&menu.entries),
            format!("ada @ demo.ftrackapp.com — connecting…\n{long}\n---\n[Quit] quit\n")
        );
        let menu = draw("", "", &HubStatus::default(), &[], &[]);
        assert_eq!(written(&menu.entries), "Not signed in\n---\n[Quit] quit\n");
    }

    #[test]
    fn a_command_is_read_back_from_its_id() {
        for command in [
            Command::Launch(ActionId::from("a.b c")),
            Command::Cancel(JobId::from("j1")),
            Command::Quit,
        ] {
            assert_eq!(Command::from_id(&command.id()), Some(command));
        }
        assert_eq!(Command::from_id("1003"), None);
    }
}
