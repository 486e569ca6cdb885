//! The sections of the menu.

use callboard_protocol::{
    ActionId, DeclaredWindow, JobState, JobSummary, MenuItem, NotifyLevel, StatusText,
};

use super::{Command, Entry, Folder, Leave, Seen, When};

/// The longest text of one line, in characters; a plugin's message may be any length.
const LINE_CHARACTERS: usize = 80;

/// How many recent actions are shown.
const SHOWN_RECENT: usize = 5;

/// How many jobs are shown; the others are for `callboard jobs`.
const SHOWN_JOBS: usize = 10;

pub(super) fn safe_mode(reason: &str) -> Entry {
    Entry::Group {
        label: "⚠ Safe mode: only bundled plugins are used".to_owned(),
        entries: vec![
            Entry::Line(shortened(reason)),
            Entry::Line("Search for the culprit: callboard plugins bisect start".to_owned()),
        ],
    }
}

/// Returns what a plugin says: a line to read, or an entry where a click launches something.
pub(super) fn status(status: &StatusText) -> Entry {
    let label = match status.level {
        NotifyLevel::Warning | NotifyLevel::Error => format!("⚠ {}", status.text),
        _ => status.text.clone(),
    };
    match &status.action {
        Some(action) => Entry::Do {
            label,
            command: Command::Launch(action.clone()),
        },
        None => Entry::Line(label),
    }
}

/// Returns the pinned actions that apply, in the order in which they were pinned.
pub(super) fn pinned(actions: &[MenuItem], pinned: &[ActionId]) -> Vec<Entry> {
    let found = pinned.iter().filter_map(|pinned| item(actions, pinned));
    found
        .map(|item| launch(&format!("★ {}", full_label(item)), item))
        .collect()
}

/// Returns the recent ones in a submenu, and then all that are not pinned.
pub(super) fn actions(
    actions: &[MenuItem],
    pinned: &[ActionId],
    recent: &[ActionId],
) -> Vec<Entry> {
    let others: Vec<&MenuItem> = actions
        .iter()
        .filter(|item| !pinned.contains(&item.action_identifier))
        .collect();
    let recent: Vec<Entry> = recent
        .iter()
        .filter_map(|recent| item(actions, recent))
        .take(SHOWN_RECENT)
        .map(|item| launch(&full_label(item), item))
        .collect();
    let mut entries = Vec::new();
    if !recent.is_empty() {
        entries.push(Entry::Group {
            label: "Recent".to_owned(),
            entries: recent,
        });
    }
    entries.extend(grouped(&others));
    entries
}

fn item<'a>(actions: &'a [MenuItem], action: &ActionId) -> Option<&'a MenuItem> {
    actions
        .iter()
        .find(|item| item.action_identifier == *action)
}

/// Returns the actions in their order; those with one label and several variants share a submenu.
fn grouped(actions: &[&MenuItem]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let has_label = |other: &&&MenuItem| other.label == action.label;
        if actions[..index].iter().any(|other| has_label(&other)) {
            continue;
        }
        let same: Vec<&&MenuItem> = actions.iter().filter(has_label).collect();
        match same.as_slice() {
            [only] => entries.push(launch(&only.label, only)),
            several => entries.push(Entry::Group {
                label: action.label.clone(),
                entries: several
                    .iter()
                    .map(|item| launch(item.variant.as_ref().unwrap_or(&item.label), item))
                    .collect(),
            }),
        }
    }
    entries
}

fn full_label(item: &MenuItem) -> String {
    match &item.variant {
        Some(variant) => format!("{}: {variant}", item.label),
        None => item.label.clone(),
    }
}

fn launch(label: &str, item: &MenuItem) -> Entry {
    Entry::Do {
        label: label.to_owned(),
        command: Command::Launch(item.action_identifier.clone()),
    }
}

/// Returns the windows that plugins declare.
pub(super) fn windows(windows: &[DeclaredWindow]) -> Vec<Entry> {
    let entries = windows.iter().map(|window| Entry::Do {
        label: format!("{}…", shortened(&window.window.title)),
        command: Command::Open(window.id.clone()),
    });
    entries.collect()
}

/// The host's own windows, by name.
const WINDOWS: [(&str, &str); 4] = [
    ("launcher", "Launcher"),
    ("jobs", "Jobs"),
    ("plugins", "Plugins"),
    ("about", "About Callboard"),
];

/// Returns the jobs that are under way, and how many more there are.
pub(super) fn jobs(jobs: &[&JobSummary], has_display: bool) -> Vec<Entry> {
    let mut entries: Vec<Entry> = jobs
        .iter()
        .take(SHOWN_JOBS)
        .map(|job| self::job(job, has_display))
        .collect();
    let more = jobs.len().saturating_sub(SHOWN_JOBS);
    if more > 0 {
        entries.push(Entry::Line(format!("and {more} more: callboard jobs list")));
    }
    entries
}

fn job(job: &JobSummary, has_display: bool) -> Entry {
    let (state, line) = match job.state {
        JobState::Asks => (
            "is waiting for an answer…".to_owned(),
            format!("callboard jobs answer {}", job.id),
        ),
        JobState::Queued => ("is waiting for its turn".to_owned(), job.id.to_string()),
        _ => ("is running".to_owned() + &percent(job), doing(job)),
    };
    let show = Entry::Do {
        label: match job.state {
            JobState::Asks => "Answer…",
            _ => "Show…",
        }
        .to_owned(),
        command: Command::Show(job.id.clone()),
    };
    let cancel = Entry::Do {
        label: "Cancel".to_owned(),
        command: Command::Cancel(job.id.clone()),
    };
    Entry::Group {
        label: format!("{} {state}", shortened(&job.label)),
        entries: if has_display {
            vec![Entry::Line(line), show, cancel]
        } else {
            vec![Entry::Line(line), cancel]
        },
    }
}

fn percent(job: &JobSummary) -> String {
    let fraction = job.progress.as_ref().and_then(|progress| progress.fraction);
    fraction.map_or_else(String::new, |fraction| {
        format!(", {:.0} %", fraction.clamp(0.0, 1.0) * 100.0)
    })
}

/// Returns what a job is doing: its step, and what it says.
fn doing(job: &JobSummary) -> String {
    let progress = job.progress.as_ref();
    let step = progress.and_then(|progress| progress.step.as_deref());
    let text = progress.map_or("", |progress| progress.text.as_str());
    let text = if text.is_empty() { &job.message } else { text };
    let parts: Vec<&str> = [step.unwrap_or_default(), text]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        job.id.to_string()
    } else {
        shortened(&parts.join(": "))
    }
}

/// Tells how many jobs go on by themselves.
pub(super) fn count_moving(jobs: &[&JobSummary]) -> usize {
    jobs.iter().filter(|job| job.state.is_moving()).count()
}

pub(super) fn running_line(moving: usize) -> String {
    match moving {
        1 => "1 job is running".to_owned(),
        several => format!("{several} jobs are running"),
    }
}

/// Returns the windows, the folders and the ways out.
pub(super) fn ways_out(seen: &Seen<'_>) -> Vec<Entry> {
    let folder = |label: &str, folder| Entry::Do {
        label: label.to_owned(),
        command: Command::Folder(folder),
    };
    let mut open = Vec::new();
    if seen.has_display {
        open.extend(WINDOWS.map(|(name, label)| Entry::Do {
            label: label.to_owned(),
            command: Command::Open(name.to_owned()),
        }));
        open.push(Entry::Separator);
    }
    open.push(folder("Plugin folder", Folder::Plugins));
    open.push(folder("Log folder", Folder::Logs));
    let mut entries = vec![Entry::Group {
        label: "Open…".to_owned(),
        entries: open,
    }];
    if seen.can_log_out {
        entries.push(log_out(seen.jobs.len()));
    }
    let moving = count_moving(seen.jobs);
    if let Some(leave) = seen.leaving {
        let (does, _) = words(leave);
        entries.push(Entry::Group {
            label: format!("{does} when {}", ended(moving)),
            entries: vec![
                Entry::Do {
                    label: format!("{} now", words(leave).1),
                    command: Command::Leave(leave, When::Now),
                },
                Entry::Do {
                    label: "Go on".to_owned(),
                    command: Command::Stay,
                },
            ],
        });
        return entries;
    }
    if seen.can_restart {
        entries.push(leave(Leave::Restart, moving));
    }
    entries.push(leave(Leave::Quit, moving));
    entries
}

/// Returns the entry that signs out, or a question where jobs are unfinished.
fn log_out(unfinished: usize) -> Entry {
    let line = match unfinished {
        0 => {
            return Entry::Do {
                label: "Log out".to_owned(),
                command: Command::LogOut(When::Asked),
            };
        }
        1 => "1 job has not ended".to_owned(),
        several => format!("{several} jobs have not ended"),
    };
    Entry::Group {
        label: "Log out".to_owned(),
        entries: vec![
            Entry::Line(line),
            Entry::Do {
                label: "Log out; they wait until you sign in again".to_owned(),
                command: Command::LogOut(When::Now),
            },
        ],
    }
}

/// Returns a way out: an entry, or a question where jobs move.
fn leave(leave: Leave, moving: usize) -> Entry {
    let (_, label) = words(leave);
    if moving == 0 {
        return Entry::Do {
            label: label.to_owned(),
            command: Command::Leave(leave, When::Asked),
        };
    }
    Entry::Group {
        label: label.to_owned(),
        entries: vec![
            Entry::Line(running_line(moving)),
            Entry::Do {
                label: format!("{label} when {}", ended(moving)),
                command: Command::Leave(leave, When::Idle),
            },
            Entry::Do {
                label: format!("{label} now"),
                command: Command::Leave(leave, When::Now),
            },
        ],
    }
}

/// Returns what is going to happen, and what is asked for.
fn words(leave: Leave) -> (&'static str, &'static str) {
    match leave {
        Leave::Quit => ("Quits", "Quit"),
        Leave::Restart => ("Restarts", "Restart"),
    }
}

fn ended(moving: usize) -> String {
    match moving {
        0 | 1 => "the job has ended".to_owned(),
        several => format!("{several} jobs have ended"),
    }
}

pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= LINE_CHARACTERS {
        return line.to_owned();
    }
    line.chars()
        .take(LINE_CHARACTERS - 1)
        .chain(['…'])
        .collect()
}
