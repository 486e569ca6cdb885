//! Windows: which are open, whose process each one is, and the way to open one.
//!
//! A window is a process of its own, at most one for each name. Whoever wants it again brings it to the front.
//! The supervisor starts the process; it then says on the bus which window it is, and tells when it is drawn.

mod places;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_protocol::{
    DeclaredWindow, Failure, FailureKind, JobState, Surface, WindowHeld, WindowRef, WindowSize,
};
use engine::{Ask, Reply};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::engine_thread::{Announcement, EngineHandle};
use crate::plugin_folders::{Durable, read_kept, write_kept};
use crate::supervisor::{Supervisor, WindowProcess};
use places::{Opening, Places, Standing};

pub(crate) use places::{Tell, WindowOrder};

/// The windows that are the host's own.
pub(crate) const OWN: [&str; 5] = ["launcher", "job", "jobs", "plugins", "about"];

/// How long a window may take until its first frame: a loaded machine, and drivers that are read from a slow disk.
const OPENING: Duration = Duration::from_secs(20);

/// How long a window that was asked to end may take.
const CLOSING: Duration = Duration::from_secs(2);

/// How many windows may be open at once.
const WINDOWS: usize = 64;

/// What windows are opened with.
pub(crate) struct WindowsOptions {
    /// The way to the engine, which knows what plugins declare.
    pub(crate) engine: EngineHandle,
    /// What starts their processes.
    pub(crate) supervisor: Supervisor,
    /// The bus's socket, which they connect to.
    pub(crate) bus: PathBuf,
    /// Whether there is a display, as far as the environment tells.
    pub(crate) has_display: bool,
    /// Where their sizes are kept.
    pub(crate) sizes_file: PathBuf,
}

/// The windows of a host.
#[derive(Clone)]
pub(crate) struct Windows {
    shared: Arc<Shared>,
}

struct Shared {
    options: WindowsOptions,
    places: Mutex<Places>,
    processes: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
}

impl Windows {
    /// Makes ready to open windows, and opens by itself those of jobs that ask.
    pub(crate) fn start(options: WindowsOptions) -> Self {
        let sizes = read_kept(&options.sizes_file).unwrap_or_default();
        let announcements = options.engine.announcements();
        let has_display = options.has_display;
        let windows = Self {
            shared: Arc::new(Shared {
                options,
                places: Mutex::new(Places::new(sizes)),
                processes: Mutex::default(),
                stopping: watch::Sender::new(false),
            }),
        };
        if has_display {
            let asking = windows.clone().open_for_questions(announcements);
            lock(&windows.shared.processes).spawn(asking);
        }
        windows
    }

    /// Tells whether there is a display to open windows on.
    pub(crate) fn has_display(&self) -> bool {
        self.shared.options.has_display
    }

    /// Opens a window or brings it to the front; it is drawn when this returns.
    ///
    /// # Errors
    ///
    /// When there is no such window, no display, or the process ends without showing it.
    pub(crate) async fn open(&self, window: WindowRef) -> Result<(), Failure> {
        self.check(&window).await?;
        let deadline = Instant::now() + OPENING;
        loop {
            let opening = self.shared.places().open(&window);
            let (mut standing, token) = match opening {
                Opening::There(standing) => (standing, None),
                Opening::New { standing, token } => (standing, Some(token)),
            };
            let is_new = token.is_some();
            if let Some(token) = token {
                self.begin(window.clone(), token)?;
            }
            let shown = standing.wait_for(|standing| *standing != Standing::Opening);
            let ended = match timeout_at(deadline, shown).await {
                Ok(Ok(standing)) => match &*standing {
                    Standing::Shown | Standing::Opening => return Ok(()),
                    Standing::Ended(failure) => failure.clone(),
                },
                // Its place was given up.
                Ok(Err(_)) => not_there(&window),
                Err(_) => {
                    return Err(Failure::new(
                        FailureKind::TimedOut,
                        format!("the window `{}` does not answer", window.window),
                    )
                    .hint("close it and open it again"));
                }
            };
            // One that was closed just as it was wanted again is opened anew.
            if is_new || Instant::now() >= deadline {
                return Err(ended);
            }
        }
    }

    /// Tells whether a token is one that was given to a process which has not used it yet.
    pub(crate) fn admit(&self, token: &str) -> bool {
        self.shared.places().admit(token)
    }

    /// Gives a window's place to the connection `session`, where no other has it.
    ///
    /// # Errors
    ///
    /// When there is no such window, or too many are open.
    pub(crate) async fn hold(
        &self,
        session: u64,
        window: WindowRef,
        tell: Tell,
    ) -> Result<WindowHeld, Failure> {
        let declared = self.check(&window).await?;
        let mut places = self.shared.places();
        if places.len() >= WINDOWS {
            let message = format!("more than {WINDOWS} windows are open");
            return Err(Failure::new(FailureKind::Limit, message).hint("close some of them"));
        }
        Ok(WindowHeld {
            held: places.hold(session, &window, tell),
            declared,
            size: places.size(&window.window),
        })
    }

    /// The window of a connection is drawn.
    pub(crate) fn shown(&self, session: u64) {
        self.shared.places().shown(session);
    }

    /// The window of a connection has this size now, and opens with it the next time.
    pub(crate) fn resized(&self, session: u64, size: WindowSize) {
        let Some(sizes) = self.shared.places().resized(session, size) else {
            return;
        };
        let path = self.shared.options.sizes_file.clone();
        // Nobody waits for it: the worst is a window of an older size.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = write_kept(&path, &sizes, Durable::No) {
                tracing::warn!(%error, "the size of a window is not kept");
            }
        }));
    }

    /// A connection has ended, and the window is no longer its own.
    pub(crate) fn left(&self, session: u64) {
        self.shared.places().left(session);
    }

    /// Asks every window to end, and ends those that do not.
    pub(crate) async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        self.shared.places().tell_all(WindowOrder::Close);
        let mut processes = std::mem::take(&mut *lock(&self.shared.processes));
        while processes.join_next().await.is_some() {}
    }

    /// Refuses a window that there is not; returns what its plugin declares.
    async fn check(&self, window: &WindowRef) -> Result<Option<DeclaredWindow>, Failure> {
        let engine = &self.shared.options.engine;
        if let Some(job) = &window.job {
            if let Reply::Failed(failure) = engine.ask(Ask::Show(job.clone())).await {
                return Err(failure);
            }
        } else if window.window == "job" {
            return Err(Failure::invalid("the window `job` needs a job")
                .hint("look for it in the window `jobs`"));
        }
        if OWN.contains(&window.window.as_str()) {
            return Ok(None);
        }
        let Reply::Windows(declared) = engine.ask(Ask::Windows).await else {
            return Err(not_there(window));
        };
        let mut declared = declared.into_iter();
        let found = declared.find(|known| known.id == window.window);
        found.map(Some).ok_or_else(|| not_there(window))
    }

    /// Starts the process of a window.
    fn begin(&self, window: WindowRef, token: String) -> Result<(), Failure> {
        if !self.shared.options.has_display || *self.shared.stopping.borrow() {
            let failure = Failure::new(
                FailureKind::Unavailable,
                "there is no display to open a window on",
            )
            .hint("start callboard from your desktop, or use its commands: `callboard --help`");
            self.shared.places().ended(&window, &token, failure.clone());
            return Err(failure);
        }
        let windows = self.clone();
        let mut processes = lock(&self.shared.processes);
        while processes.try_join_next().is_some() {}
        processes.spawn(async move {
            let failure = windows.run(&window, &token).await;
            windows.shared.places().ended(&window, &token, failure);
        });
        Ok(())
    }

    /// Runs the process of a window to its end; returns why it has ended.
    async fn run(&self, window: &WindowRef, token: &str) -> Failure {
        let process = WindowProcess {
            window: window.clone(),
            bus: self.shared.options.bus.clone(),
            token: token.to_owned(),
        };
        let mut started = match self.shared.options.supervisor.start_window(process).await {
            Ok(started) => started,
            Err(failure) => return failure,
        };
        let mut stopping = self.shared.stopping.subscribe();
        tokio::select! {
            failure = started.ended() => return failure,
            _ = stopping.wait_for(|stop| *stop) => {}
        }
        match timeout_at(Instant::now() + CLOSING, started.ended()).await {
            Ok(failure) => failure,
            Err(_) => {
                started.kill().await;
                not_there(window)
            }
        }
    }

    /// Opens the window of each job that begins to ask, where no window of its own launched it.
    async fn open_for_questions(self, mut announcements: broadcast::Receiver<Announcement>) {
        let mut asking = std::collections::HashSet::new();
        let mut stopping = self.shared.stopping.subscribe();
        loop {
            let announcement = tokio::select! {
                announcement = announcements.recv() => announcement,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let job = match announcement {
                Ok(Announcement::JobChanged(job)) => job,
                Ok(_) => continue,
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "a question may have come without its window");
                    continue;
                }
                Err(broadcast::error::RecvError::Closed) => return,
            };
            if job.state != JobState::Asks {
                asking.remove(&job.id);
                continue;
            }
            let from_a_menu = matches!(job.surface, Surface::Tray | Surface::Flame | Surface::Dcc);
            if !from_a_menu || !asking.insert(job.id.clone()) {
                continue;
            }
            let window = WindowRef {
                window: "job".to_owned(),
                job: Some(job.id.clone()),
            };
            let windows = self.clone();
            tokio::spawn(async move {
                if let Err(failure) = windows.open(window).await {
                    tracing::warn!(%failure, "the window of a job that asks could not be opened");
                }
            });
        }
    }
}

impl Shared {
    fn places(&self) -> MutexGuard<'_, Places> {
        lock(&self.places)
    }
}

fn not_there(window: &WindowRef) -> Failure {
    Failure::not_found(format!("there is no window `{}`", window.window)).hint(format!(
        "open one of {}, or one that `callboard ui --list` names",
        OWN.join(", ")
    ))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
