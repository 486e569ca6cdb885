//! The actions that a person has pinned, and those launched last.

use std::path::PathBuf;
use std::sync::Arc;

use callboard_protocol::{ActionId, Failure, FailureKind, JobSummary, Surface};
use tokio::sync::{Mutex, watch};

use crate::plugin_folders::{Durable, read_kept, write_kept};

/// How many actions may be pinned: more than a menu should show.
const MAX_PINNED: usize = 50;

/// How many recent actions are remembered.
const MAX_RECENT: usize = 20;

/// Whether an action is to be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// The pinned actions of one home, on disk and for whoever watches.
#[derive(Clone)]
pub(crate) struct Pins {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    /// Held while the file is replaced, so that changes come one after the other.
    writing: Mutex<()>,
    pinned: watch::Sender<Vec<ActionId>>,
}

impl Pins {
    /// Reads the pins that lie at `path`, where there are any.
    pub(crate) fn read(path: PathBuf) -> Self {
        let pinned = read_kept(&path).unwrap_or_default();
        Self {
            shared: Arc::new(Shared {
                path,
                writing: Mutex::new(()),
                pinned: watch::Sender::new(pinned),
            }),
        }
    }

    /// Returns the pinned actions, now and when they change.
    pub(crate) fn watch(&self) -> watch::Receiver<Vec<ActionId>> {
        self.shared.pinned.subscribe()
    }

    /// Pins an action or lets it go; it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// When there are too many, or the file cannot be written.
    pub(crate) async fn set(&self, action: ActionId, pin: Pin) -> Result<(), Failure> {
        let _writing = self.shared.writing.lock().await;
        let mut pinned = self.shared.pinned.borrow().clone();
        match (pin, pinned.contains(&action)) {
            (Pin::On, true) | (Pin::Off, false) => return Ok(()),
            (Pin::On, false) if pinned.len() >= MAX_PINNED => {
                let message = format!("{MAX_PINNED} actions are pinned, and no more may be");
                return Err(Failure::new(FailureKind::Limit, message)
                    .hint("let one go with `callboard actions unpin`"));
            }
            (Pin::On, false) => pinned.push(action),
            (Pin::Off, true) => pinned.retain(|other| *other != action),
        }
        let (path, content) = (self.shared.path.clone(), pinned.clone());
        let writing =
            tokio::task::spawn_blocking(move || write_kept(&path, &content, Durable::Yes));
        let written = writing.await.map_err(std::io::Error::other);
        written.and_then(|written| written).map_err(|error| {
            Failure::new(FailureKind::Unavailable, "could not keep what is pinned")
                .hint("look whether the disk is full")
                .caused_by(&error)
        })?;
        self.shared.pinned.send_replace(pinned);
        Ok(())
    }
}

/// Returns the actions that the person launched, the last one first: those of `jobs`, but for what events launched.
pub(crate) fn recent_actions<'a>(
    jobs: impl IntoIterator<Item = &'a JobSummary>,
    user: &str,
) -> Vec<ActionId> {
    let mut jobs: Vec<&JobSummary> = jobs
        .into_iter()
        .filter(|job| job.surface != Surface::Event && job.user == user)
        .collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.created_ms));
    let mut recent = Vec::new();
    for job in jobs {
        if recent.len() == MAX_RECENT {
            break;
        }
        if !recent.contains(&job.action) {
            recent.push(job.action.clone());
        }
    }
    recent
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn pins_are_there_again_after_a_start_and_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pinned.json");
        let pins = Pins::read(path.clone());
        let mut watched = pins.watch();
        for action in ["a.one", "b.two", "a.one", "c.three"] {
            pins.set(ActionId::from(action), Pin::On).await.unwrap();
        }
        pins.set(ActionId::from("b.two"), Pin::Off).await.unwrap();
        let expected = [ActionId::from("a.one"), ActionId::from("c.three")];
        assert_eq!(*watched.borrow_and_update(), expected);
        assert_eq!(*Pins::read(path).watch().borrow(), expected);
    }

    #[tokio::test]
    async fn no_more_are_pinned_than_a_menu_can_show() {
        let folder = tempfile::tempdir().unwrap();
        let pins = Pins::read(folder.path().join("pinned.json"));
        for number in 0..MAX_PINNED {
            let action = ActionId::from(format!("a.{number}"));
            pins.set(action, Pin::On).await.unwrap();
        }
        let refused = pins.set(ActionId::from("a.more"), Pin::On).await;
        assert_eq!(refused.unwrap_err().kind, FailureKind::Limit);
    }

    #[test]
    fn recent_actions_are_the_persons_own_and_each_is_there_once() {
        let job = |action: &str, surface: &str, user: &str, created_ms: u64| -> JobSummary {
            serde_json::from_value(json!({
                "id": "j", "action": action, "label": "", "state": "done", "surface": surface,
                "user": user, "created_ms": created_ms, "changed_ms": 0}))
            .unwrap()
        };
        let jobs = [
            job("a.old", "web", "ada", 1),
            job("a.new", "tray", "ada", 5),
            job("a.old", "cli", "ada", 4),
            job("a.event", "event", "ada", 9),
            job("a.other", "web", "bo", 9),
        ];
        assert_eq!(
            recent_actions(&jobs, "ada"),
            [ActionId::from("a.new"), ActionId::from("a.old")]
        );
    }
}
