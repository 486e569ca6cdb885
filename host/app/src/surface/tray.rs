//! The tray as a surface: what its menu says, and what a click on it does.
//!
//! The menu is data here; `crate::tray` draws it. Actions are those that apply to no selection.

mod menu;

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError};

use callboard_protocol::{
    Context, DeclaredWindow, HubStatus, JobDetail, JobId, JobState, JobSummary, MenuItem, Notify,
    NotifyLevel, StatusText, Surface,
};
use engine::{Ask, AskLaunch, Reply};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Duration, Instant};

use crate::engine_thread::{Announcement, EngineHandle};
use crate::surface::dialect;
use crate::tray::{Order, Telling};

pub(crate) use menu::{Command, Entry, Menu};

/// How long a launch may take before the person is told that it goes on without them watching, in milliseconds.
const LAUNCH_WAIT_MS: u64 = 5_000;

/// How many jobs the menu shows; the others are for `callboard jobs`.
const SHOWN_JOBS: usize = 10;

/// How long changes are gathered before the menu is drawn again.
const GATHER: Duration = Duration::from_millis(100);

/// The tray's surface: follows the engine, draws the menu, carries out its commands.
pub(crate) struct TraySurface {
    /// The way to the engine.
    pub(crate) engine: EngineHandle,
    /// The way to the tray's thread.
    pub(crate) orders: SyncSender<Order>,
    /// What the person chose from the menu.
    pub(crate) commands: mpsc::Receiver<Command>,
    /// How the connection to the event hub stands.
    pub(crate) hub: watch::Receiver<HubStatus>,
    /// Ends the host.
    pub(crate) stopper: watch::Sender<bool>,
    /// The ftrack server.
    pub(crate) server: String,
    /// The ftrack user.
    pub(crate) user: String,
}

/// What the menu is drawn from.
#[derive(Default)]
struct Seen {
    actions: Vec<MenuItem>,
    windows: Vec<DeclaredWindow>,
    status: Vec<StatusText>,
    jobs: BTreeMap<JobId, JobSummary>,
}

impl TraySurface {
    /// Follows the engine until the host ends.
    pub(crate) async fn run(mut self) {
        let mut announcements = self.engine.announcements();
        let mut seen = Seen::default();
        self.read_all(&mut seen).await;
        let mut drawn = Menu::default();
        loop {
            let menu = self.menu(&seen);
            if menu != drawn && self.order(Order::Show(menu.clone())) {
                drawn = menu;
            }
            tokio::select! {
                announcement = announcements.recv() => match announcement {
                    Ok(announcement) => {
                        self.take(&mut seen, announcement).await;
                        self.gather(&mut seen, &mut announcements).await;
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => self.read_all(&mut seen).await,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                command = self.commands.recv() => match command {
                    Some(command) => self.carry_out(command),
                    None => return,
                },
            }
        }
    }

    /// Takes what is announced within a moment, so that a busy job does not have the menu drawn all the time.
    async fn gather(&self, seen: &mut Seen, announcements: &mut broadcast::Receiver<Announcement>) {
        let end = Instant::now() + GATHER;
        while let Ok(received) = tokio::time::timeout_at(end, announcements.recv()).await {
            match received {
                Ok(announcement) => self.take(seen, announcement).await,
                Err(broadcast::error::RecvError::Lagged(_)) => self.read_all(seen).await,
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    async fn take(&self, seen: &mut Seen, announcement: Announcement) {
        match announcement {
            Announcement::JobChanged(job) => keep_job(&mut seen.jobs, JobSummary::clone(&job)),
            Announcement::JobRested(job) => {
                keep_job(&mut seen.jobs, job.summary.clone());
                if job.summary.surface == Surface::Tray {
                    self.tell_job(&job);
                }
            }
            // Who is signed in decides which actions apply.
            Announcement::CatalogChanged | Announcement::HubChanged => {
                self.read_actions(seen).await;
            }
            Announcement::StatusChanged => self.read_status(seen).await,
            Announcement::Notify { plugin, notify } => {
                tracing::info!(%plugin, title = notify.title, message = notify.message, "told");
                self.tell(Telling::from(notify));
            }
        }
    }

    async fn read_all(&self, seen: &mut Seen) {
        self.read_actions(seen).await;
        self.read_status(seen).await;
        let ask = Ask::List {
            states: vec![
                JobState::Queued,
                JobState::Running,
                JobState::Working,
                JobState::Asks,
            ],
            limit: 100,
        };
        if let Reply::Jobs(jobs) = self.engine.ask(ask).await {
            seen.jobs = jobs.into_iter().map(|job| (job.id.clone(), job)).collect();
        }
    }

    async fn read_actions(&self, seen: &mut Seen) {
        let context = self.context();
        if let Reply::Menu(actions) = self.engine.ask(Ask::Discover { context }).await {
            seen.actions = actions;
        }
        if let Reply::Windows(windows) = self.engine.ask(Ask::Windows).await {
            seen.windows = windows;
        }
    }

    async fn read_status(&self, seen: &mut Seen) {
        if let Reply::StatusLines(status) = self.engine.ask(Ask::StatusLines).await {
            seen.status = status;
        }
    }

    fn menu(&self, seen: &Seen) -> Menu {
        let mut jobs: Vec<&JobSummary> = seen.jobs.values().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created_ms));
        jobs.truncate(SHOWN_JOBS);
        let hub = self.hub.borrow().clone();
        menu::draw(&menu::Seen {
            user: &self.user,
            server: &self.server,
            hub,
            status: &seen.status,
            actions: &seen.actions,
            windows: &seen.windows,
            jobs: &jobs,
        })
    }

    fn carry_out(&self, command: Command) {
        match command {
            Command::Quit => {
                self.stopper.send_replace(true);
            }
            Command::Cancel(job) => {
                let engine = self.engine.clone();
                tokio::spawn(async move {
                    if let Reply::Failed(failure) = engine.ask(Ask::Cancel(job)).await {
                        tracing::info!(%failure, "a job was not cancelled");
                    }
                });
            }
            Command::Open(window) => {
                let (engine, orders) = (self.engine.clone(), self.orders.clone());
                tokio::spawn(async move {
                    let Reply::Windows(windows) = engine.ask(Ask::Windows).await else {
                        return;
                    };
                    // One that is gone since the menu was drawn is gone from the menu as well.
                    if let Some(window) = windows.iter().find(|known| known.id == window) {
                        let message = dialect::sentence(&super::no_windows(window));
                        let telling = Telling {
                            level: NotifyLevel::Info,
                            title: window.window.title.clone(),
                            message,
                        };
                        tell(&orders, telling);
                    }
                });
            }
            Command::Launch(action) => {
                let launch = AskLaunch {
                    job: JobId::from(uuid::Uuid::new_v4().to_string()),
                    action,
                    context: self.context(),
                    wait_ms: Some(LAUNCH_WAIT_MS),
                    ..AskLaunch::default()
                };
                let (engine, orders) = (self.engine.clone(), self.orders.clone());
                tokio::spawn(async move {
                    let telling = match engine.ask(Ask::Launch(launch)).await {
                        Reply::Job(job) if !job.summary.state.is_moving() => job_telling(&job),
                        Reply::Failed(failure) => Telling {
                            level: NotifyLevel::Error,
                            title: "Callboard".to_owned(),
                            message: dialect::sentence(&failure),
                        },
                        // It goes on; its end is announced.
                        _ => return,
                    };
                    tell(&orders, telling);
                });
            }
        }
    }

    fn context(&self) -> Context {
        Context {
            surface: Surface::Tray,
            user: self.user.clone(),
            ..Context::default()
        }
    }

    fn tell_job(&self, job: &JobDetail) {
        self.tell(job_telling(job));
    }

    fn tell(&self, telling: Telling) {
        tell(&self.orders, telling);
    }

    /// Gives an order, and tells whether there was room for it. A tray that is busy is drawn at the next change.
    fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }
}

fn tell(orders: &SyncSender<Order>, telling: Telling) {
    if let Err(TrySendError::Full(Order::Tell(telling))) = orders.try_send(Order::Tell(telling)) {
        tracing::warn!(
            title = telling.title,
            message = telling.message,
            "not shown"
        );
    }
}

/// Returns how a job that rests is told to the person.
fn job_telling(job: &JobDetail) -> Telling {
    let (level, message) = match (&job.failure, job.summary.state) {
        (_, JobState::Asks) => (
            NotifyLevel::Info,
            format!("Answer it with: callboard jobs answer {}", job.summary.id),
        ),
        (Some(failure), JobState::Failed) => (NotifyLevel::Error, dialect::sentence(failure)),
        (_, JobState::Failed | JobState::Partly) => {
            (NotifyLevel::Warning, job.summary.message.clone())
        }
        _ => (NotifyLevel::Info, job.summary.message.clone()),
    };
    let title = match job.summary.state {
        JobState::Asks => format!("{} is waiting for an answer", job.summary.label),
        _ => job.summary.label.clone(),
    };
    Telling {
        level,
        title,
        message,
    }
}

/// Keeps a job while it is of interest to the menu.
fn keep_job(jobs: &mut BTreeMap<JobId, JobSummary>, job: JobSummary) {
    if job.state.has_ended() {
        jobs.remove(&job.id);
    } else {
        jobs.insert(job.id.clone(), job);
    }
}

impl From<Notify> for Telling {
    fn from(notify: Notify) -> Self {
        Self {
            level: notify.level,
            title: notify.title,
            message: notify.message,
        }
    }
}
