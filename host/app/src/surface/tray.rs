//! The tray as a surface: what its menu says, and what a click on it does.
//!
//! The menu is data here; `crate::tray` draws it. Actions are those that apply to no selection.

mod menu;
mod notices;
mod teller;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use callboard_protocol::{
    ActionId, ConnectionState, Context, DeclaredWindow, Failure, HubStatus, JobDetail, JobId,
    JobState, JobSummary, MenuItem, Notify, NotifyLevel, Open, StatusText, Surface, WindowRef,
};
use engine::{Ask, AskLaunch, Audience, Reply};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Duration, Instant, sleep_until};

use crate::about::About;
use crate::engine_thread::{Announcement, EngineHandle};
use crate::pins::recent_actions;
use crate::service::open_target;
use crate::sign_in::SignInDesk;
use crate::supervisor::Supervisor;
use crate::surface::dialect;
use crate::tray::{Order, Telling};
use crate::windows::Windows;

pub(crate) use menu::{Command, Entry, Look, Menu};
pub(crate) use teller::Teller;

use menu::{Folder, Leave, When};

/// How long a launch may take before the person is told that it goes on without them watching, in milliseconds.
const LAUNCH_WAIT_MS: u64 = 5_000;

/// How many jobs are asked for to learn which actions were launched last.
const KNOWN_JOBS: usize = 200;

/// How long changes are gathered before the menu is drawn again, and how long it then stays as it is.
const GATHER: Duration = Duration::from_millis(100);
const PACE: Duration = Duration::from_millis(500);

/// The tray's surface: follows the engine, draws the menu, carries out its commands.
pub(crate) struct TraySurface {
    /// The way to the engine.
    pub(crate) engine: EngineHandle,
    /// The way to windows.
    pub(crate) windows: Windows,
    /// The way to the tray's thread.
    pub(crate) orders: SyncSender<Order>,
    /// What the person chose from the menu.
    pub(crate) commands: mpsc::Receiver<Command>,
    /// How the connection to the event hub stands.
    pub(crate) hub: watch::Receiver<HubStatus>,
    /// Ends the host.
    pub(crate) stopper: watch::Sender<bool>,
    /// Has the host start again once it has ended; none where it cannot.
    pub(crate) restart: Option<watch::Sender<bool>>,
    /// Signs the person out.
    pub(crate) sign_in: SignInDesk,
    /// Who is signed in.
    pub(crate) about: Arc<About>,
    /// Why only bundled plugins are used, where that is so.
    pub(crate) safe: Option<String>,
    /// What opens folders.
    pub(crate) supervisor: Supervisor,
    /// Where the person's own plugins lie.
    pub(crate) plugin_folder: PathBuf,
    /// Where the logs lie.
    pub(crate) log_folder: PathBuf,
    /// The way to the person.
    pub(crate) teller: Arc<Teller>,
    /// The applications in which the person is not to be disturbed, and what they are doing.
    pub(crate) busy: watch::Receiver<BTreeMap<u64, String>>,
    /// How long a job takes at least that is told of although somebody waits for it.
    pub(crate) long_job: Duration,
}

/// What the menu is drawn from.
#[derive(Default)]
struct Seen {
    actions: Vec<MenuItem>,
    pinned: Vec<ActionId>,
    recent: Vec<ActionId>,
    windows: Vec<DeclaredWindow>,
    status: Vec<StatusText>,
    jobs: BTreeMap<JobId, JobSummary>,
    /// When each job that moves, or that has just come to rest, began to.
    moving_since: BTreeMap<JobId, Instant>,
    /// What is to be done when no job moves any more.
    leaving: Option<Leave>,
}

/// The menu that is shown, and when to look again whether it is still true.
struct Drawn {
    menu: Menu,
    at: Instant,
    next: Option<Instant>,
}

impl Drawn {
    /// Has the menu drawn again soon, and not more often than it can be read.
    fn soon(&mut self) {
        let due = (Instant::now() + GATHER).max(self.at + PACE);
        self.next.get_or_insert(due);
    }
}

impl TraySurface {
    /// Follows the engine until the host ends.
    pub(crate) async fn run(mut self) {
        let mut announcements = self.engine.announcements();
        let mut pinned = self.about.pins.watch();
        tokio::spawn(Arc::clone(&self.teller).keep(self.busy.clone()));
        let mut seen = Seen::default();
        self.read_all(&mut seen).await;
        seen.pinned = pinned.borrow_and_update().clone();
        let mut drawn = Drawn {
            menu: Menu::default(),
            at: Instant::now(),
            next: Some(Instant::now()),
        };
        loop {
            tokio::select! {
                announcement = announcements.recv() => match announcement {
                    Ok(announcement) => self.take(&mut seen, announcement).await,
                    Err(broadcast::error::RecvError::Lagged(_)) => self.read_all(&mut seen).await,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                command = self.commands.recv() => match command {
                    Some(command) => self.carry_out(&mut seen, command).await,
                    None => return,
                },
                Ok(()) = pinned.changed() => seen.pinned = pinned.borrow_and_update().clone(),
                () = until(drawn.next) => {
                    self.draw(&seen, &mut drawn);
                    continue;
                }
            }
            drawn.soon();
        }
    }

    /// Shows the menu as it should be now. A tray that is busy is shown it a moment later.
    fn draw(&self, seen: &Seen, drawn: &mut Drawn) {
        drawn.next = None;
        let menu = self.menu(seen);
        if menu == drawn.menu {
            return;
        }
        drawn.at = Instant::now();
        if self.orders.try_send(Order::Show(menu.clone())).is_ok() {
            drawn.menu = menu;
        } else {
            drawn.soon();
        }
    }

    async fn take(&self, seen: &mut Seen, announcement: Announcement) {
        match announcement {
            Announcement::JobChanged(job) => {
                self.keep_recent(seen, &job);
                if job.state.is_moving() {
                    let since = seen.moving_since.entry(job.id.clone());
                    since.or_insert_with(Instant::now);
                }
                keep_job(&mut seen.jobs, JobSummary::clone(&job));
            }
            Announcement::JobSettled { job, audience } => {
                keep_job(&mut seen.jobs, job.summary.clone());
                let since = seen.moving_since.remove(&job.summary.id);
                let is_long = since.is_some_and(|since| since.elapsed() >= self.long_job);
                if self.is_persons_own(&job) && (audience == Audience::Gone || is_long) {
                    self.teller.tell(job_telling(&job));
                }
            }
            // What its surface does with it is no matter of the tray's.
            Announcement::JobRested(_) => {}
            // Who is signed in decides which actions apply.
            Announcement::CatalogChanged | Announcement::HubChanged => {
                self.read_actions(seen).await;
            }
            Announcement::StatusChanged => self.read_status(seen).await,
            Announcement::Notify { plugin, notify } => {
                tracing::debug!(%plugin, title = notify.title, "a plugin tells something");
                self.teller.tell(Telling::from(notify));
            }
        }
        if let Some(leave) = seen.leaving
            && !seen.jobs.values().any(|job| job.state.is_moving())
        {
            self.leave(leave);
        }
    }

    /// Tells whether the person launched a job: not another one, no event and no other job.
    fn is_persons_own(&self, job: &JobDetail) -> bool {
        job.summary.surface != Surface::Event
            && job.parent.is_none()
            && job.summary.user == self.about.user()
    }

    /// Puts the action of a job of the person's first among the recent ones.
    fn keep_recent(&self, seen: &mut Seen, job: &JobSummary) {
        if seen.jobs.contains_key(&job.id) || job.state.has_ended() {
            return;
        }
        if let [launched] = recent_actions([job], &self.about.user()).as_slice() {
            seen.recent.retain(|action| action != launched);
            seen.recent.insert(0, launched.clone());
        }
    }

    async fn read_all(&self, seen: &mut Seen) {
        self.read_actions(seen).await;
        self.read_status(seen).await;
        let ask = Ask::List {
            states: UNDER_WAY.to_vec(),
            limit: 100,
        };
        if let Reply::Jobs(jobs) = self.engine.ask(ask).await {
            seen.jobs = jobs.into_iter().map(|job| (job.id.clone(), job)).collect();
            let jobs = &seen.jobs;
            seen.moving_since.retain(|job, _| jobs.contains_key(job));
        }
        let ask = Ask::List {
            states: Vec::new(),
            limit: KNOWN_JOBS,
        };
        if let Reply::Jobs(jobs) = self.engine.ask(ask).await {
            seen.recent = recent_actions(&jobs, &self.about.user());
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
        let (server, user) = self.about.who();
        menu::draw(&menu::Seen {
            user: &user,
            server: &server,
            hub: self.hub.borrow().clone(),
            safe: self.safe.as_deref(),
            status: &seen.status,
            actions: &seen.actions,
            pinned: &seen.pinned,
            recent: &seen.recent,
            windows: &seen.windows,
            jobs: &jobs,
            leaving: seen.leaving,
            can_restart: self.restart.is_some(),
            has_display: self.windows.has_display(),
            // A demo is always signed in, and is what cannot start again.
            can_log_out: self.restart.is_some()
                && self.hub.borrow().state != ConnectionState::SignedOut,
        })
    }

    async fn carry_out(&self, seen: &mut Seen, command: Command) {
        match command {
            Command::Leave(leave, When::Now) => self.leave(leave),
            Command::Leave(leave, when) => self.leave_unless_busy(seen, leave, when).await,
            Command::Stay => seen.leaving = None,
            Command::LogOut(when) => self.log_out(when),
            Command::Folder(folder) => self.open_folder(folder),
            Command::Cancel(job) => {
                let engine = self.engine.clone();
                tokio::spawn(async move {
                    if let Reply::Failed(failure) = engine.ask(Ask::Cancel(job)).await {
                        tracing::info!(%failure, "a job was not cancelled");
                    }
                });
            }
            Command::Open(window) => self.open(WindowRef { window, job: None }),
            Command::Launch(action) => self.launch(action),
            Command::Show(job) if self.windows.has_display() => self.open(WindowRef {
                window: "job".to_owned(),
                job: Some(job),
            }),
            Command::Show(job) => self.teller.tell(Telling {
                level: NotifyLevel::Info,
                title: "Callboard".to_owned(),
                message: format!("Look at it with: callboard jobs show {job}"),
                click: None,
            }),
        }
    }

    fn open(&self, window: WindowRef) {
        let (windows, teller) = (self.windows.clone(), Arc::clone(&self.teller));
        tokio::spawn(async move {
            if let Err(failure) = windows.open(window).await {
                teller.tell(failure_telling(&failure));
            }
        });
    }

    /// Ends the host where no job moves. Otherwise the menu asks, or the end of the last job is waited for.
    async fn leave_unless_busy(&self, seen: &mut Seen, leave: Leave, when: When) {
        // The menu may have been drawn before a job began.
        let ask = Ask::List {
            states: MOVING.to_vec(),
            limit: 100,
        };
        let moving = match self.engine.ask(ask).await {
            Reply::Jobs(jobs) => jobs,
            _ => Vec::new(),
        };
        if moving.is_empty() {
            return self.leave(leave);
        }
        if when == When::Idle {
            seen.leaving = Some(leave);
        } else {
            self.teller.tell(Telling {
                level: NotifyLevel::Info,
                title: "Callboard goes on".to_owned(),
                message: format!("{} is running. Choose again in the menu.", moving[0].label),
                click: None,
            });
        }
        seen.jobs
            .extend(moving.into_iter().map(|job| (job.id.clone(), job)));
    }

    fn leave(&self, leave: Leave) {
        if let (Leave::Restart, Some(restart)) = (leave, &self.restart) {
            restart.send_replace(true);
        }
        self.stopper.send_replace(true);
    }

    fn log_out(&self, when: When) {
        let (sign_in, teller) = (self.sign_in.clone(), Arc::clone(&self.teller));
        tokio::spawn(async move {
            if let Err(failure) = sign_in.end(when == When::Now).await {
                teller.tell(failure_telling(&failure));
            }
        });
    }

    fn open_folder(&self, folder: Folder) {
        let path = match folder {
            Folder::Plugins => self.plugin_folder.clone(),
            Folder::Logs => self.log_folder.clone(),
        };
        let (supervisor, teller) = (self.supervisor.clone(), Arc::clone(&self.teller));
        tokio::spawn(async move {
            // The folder of plugins is not there before the first one.
            if let Err(error) = tokio::fs::create_dir_all(&path).await {
                tracing::info!(%error, path = %path.display(), "a folder could not be made");
            }
            let target = path.display().to_string();
            if let Err(failure) = open_target(&supervisor, &Open { target }).await {
                teller.tell(failure_telling(&failure));
            }
        });
    }

    fn launch(&self, action: ActionId) {
        let launch = AskLaunch {
            job: JobId::from(uuid::Uuid::new_v4().to_string()),
            action,
            context: self.context(),
            wait_ms: Some(LAUNCH_WAIT_MS),
            ..AskLaunch::default()
        };
        let (engine, teller) = (self.engine.clone(), Arc::clone(&self.teller));
        tokio::spawn(async move {
            let telling = match engine.ask(Ask::Launch(launch)).await {
                Reply::Job(job) if !job.summary.state.is_moving() => job_telling(&job),
                Reply::Failed(failure) => failure_telling(&failure),
                // It goes on; its end is announced.
                _ => return,
            };
            teller.tell(telling);
        });
    }

    fn context(&self) -> Context {
        Context {
            surface: Surface::Tray,
            user: self.about.user(),
            ..Context::default()
        }
    }
}

/// The states of jobs that have not ended, and of those that go on by themselves.
const UNDER_WAY: [JobState; 4] = [
    JobState::Queued,
    JobState::Running,
    JobState::Working,
    JobState::Asks,
];
const MOVING: [JobState; 3] = [JobState::Queued, JobState::Running, JobState::Working];

/// Waits until it is time; for ever where there is nothing to wait for.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn failure_telling(failure: &Failure) -> Telling {
    Telling {
        level: NotifyLevel::Error,
        title: "Callboard".to_owned(),
        message: dialect::sentence(failure),
        click: None,
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
        click: Some(Command::Show(job.summary.id.clone())),
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
            click: None,
        }
    }
}
