//! The engine on a thread of its own: events in through one bounded queue, effects out to whoever does them.
//!
//! The thread never waits for a slow consumer: an effect is handed to a bounded queue or to a task, and what a queue
//! cannot take is answered as a failure at once. Timers live here, as a heap, because they are nothing but late events.

use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use callboard_protocol::{Failure, FailureKind, JobDetail, JobSummary, Notify, PluginId};
use engine::{Ask, Audience, Effect, Engine, Event, Reply, RequestId, Token};
use tokio::sync::{Semaphore, broadcast, oneshot};

/// How many events may wait for the engine before their senders wait.
const INBOX: usize = 512;

/// How many announcements a listener may lag behind before it misses some.
const ANNOUNCEMENTS: usize = 256;

/// What listeners are told, whether they asked or not. A listener that lags behind misses some.
#[derive(Clone, Debug)]
pub(crate) enum Announcement {
    /// A job changed: lists that show it are out of date.
    JobChanged(Arc<JobSummary>),
    /// A job came to rest after its surface was told that it had started.
    JobRested(Arc<JobDetail>),
    /// A job came to rest, whether or not somebody waited for it.
    JobSettled {
        /// The job.
        job: Arc<JobDetail>,
        /// Whether anybody waited.
        audience: Audience,
    },
    /// The list of actions or the state of a plugin changed: menus are out of date.
    CatalogChanged,
    /// What plugins say in the tray changed.
    StatusChanged,
    /// The connection to the event hub changed.
    HubChanged,
    /// A plugin tells the person something.
    Notify {
        /// The plugin.
        plugin: PluginId,
        /// What it tells.
        notify: Notify,
    },
}

/// Does one effect, without ever waiting. What it can answer at once it returns; other answers come as events later.
pub(crate) trait Perform: Send {
    /// Does `effect`, and returns the event that answers it where that is known already.
    fn perform(&mut self, effect: Effect) -> Option<Event>;
}

/// A way to the engine, for surfaces and services.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    shared: Arc<Shared>,
}

struct Shared {
    inbox: SyncSender<Event>,
    /// One permit for each free place of the inbox, so that async senders can wait for one.
    room: Arc<Semaphore>,
    next_request: AtomicU64,
    asked: Mutex<HashMap<RequestId, oneshot::Sender<Reply>>>,
    announcements: broadcast::Sender<Announcement>,
    runtime: tokio::runtime::Handle,
}

/// The receiving end, until the thread is started on it.
pub(crate) struct Inbox {
    events: Receiver<Event>,
    shared: Arc<Shared>,
}

impl EngineHandle {
    /// Makes a way to an engine that is not started yet. Must be called within the runtime.
    pub(crate) fn new() -> (Self, Inbox) {
        let (inbox, events) = sync_channel(INBOX);
        let shared = Arc::new(Shared {
            inbox,
            room: Arc::new(Semaphore::new(INBOX)),
            next_request: AtomicU64::new(1),
            asked: Mutex::default(),
            announcements: broadcast::channel(ANNOUNCEMENTS).0,
            runtime: tokio::runtime::Handle::current(),
        });
        let handle = Self {
            shared: Arc::clone(&shared),
        };
        (handle, Inbox { events, shared })
    }

    /// Asks the engine and waits for its reply. Dropping the future withdraws the request.
    pub(crate) async fn ask(&self, ask: Ask) -> Reply {
        self.submit(ask).await.reply().await
    }

    /// Asks the engine; the request is in its queue when this returns, so that requests keep their order.
    pub(crate) async fn submit(&self, ask: Ask) -> Pending {
        let request = RequestId(self.shared.next_request.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.shared.asked().insert(request, sender);
        let pending = Pending {
            handle: self.clone(),
            request,
            receiver,
        };
        if !self.send(Event::Asked { request, ask }).await {
            self.shared.asked().remove(&request);
        }
        pending
    }

    /// Tells the engine what happened; waits while its queue is full.
    pub(crate) async fn tell(&self, event: Event) {
        if !self.send(event).await {
            tracing::debug!("an event came after the engine had ended");
        }
    }

    /// Puts an event into the inbox when there is room; tells whether the engine still takes any.
    async fn send(&self, event: Event) -> bool {
        // The thread gives each permit back as it takes an event, and closes the semaphore when it ends.
        let Ok(permit) = self.shared.room.acquire().await else {
            return false;
        };
        permit.forget();
        self.shared.inbox.try_send(event).is_ok()
    }

    /// Tells the engine what happened, from a thread outside the runtime; waits while its queue is full.
    pub(crate) fn tell_blocking(&self, event: Event) {
        self.shared.runtime.block_on(self.tell(event));
    }

    /// Returns the runtime that surfaces and services live in.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.shared.runtime
    }

    /// Returns the announcements from now on.
    pub(crate) fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.shared.announcements.subscribe()
    }

    /// Announces something to whoever listens.
    pub(crate) fn announce(&self, announcement: Announcement) {
        // Nobody listening is fine.
        drop(self.shared.announcements.send(announcement));
    }

    /// Answers a request of [`ask`](Self::ask); one that was withdrawn meanwhile is forgotten.
    pub(crate) fn reply(&self, request: RequestId, reply: Reply) {
        if let Some(sender) = self.shared.asked().remove(&request) {
            // The asker may have gone between the two lines.
            drop(sender.send(reply));
        }
    }
}

impl Shared {
    fn asked(&self) -> MutexGuard<'_, HashMap<RequestId, oneshot::Sender<Reply>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request whose reply is still to come. Dropping it withdraws the request.
pub(crate) struct Pending {
    handle: EngineHandle,
    request: RequestId,
    receiver: oneshot::Receiver<Reply>,
}

impl Pending {
    /// Waits for the reply.
    pub(crate) async fn reply(mut self) -> Reply {
        (&mut self.receiver).await.unwrap_or_else(|_| {
            Reply::Failed(
                Failure::new(FailureKind::Unavailable, "the host is ending")
                    .hint("start it again with `callboard run`"),
            )
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let is_open = self.handle.shared.asked().remove(&self.request).is_some();
        if is_open {
            let (handle, request) = (self.handle.clone(), self.request);
            self.handle
                .shared
                .runtime
                .spawn(async move { handle.tell(Event::Withdrawn(request)).await });
        }
    }
}

/// The running thread.
pub(crate) struct EngineThread {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    handle: EngineHandle,
}

impl EngineThread {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(crate) fn start(
        engine: Engine,
        inbox: Inbox,
        performer: impl Perform + 'static,
    ) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let handle = EngineHandle {
            shared: Arc::clone(&inbox.shared),
        };
        let mut run = Loop {
            engine,
            inbox,
            performer,
            timers: BinaryHeap::new(),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .stack_size(1 << 20)
            .spawn(move || run.run())
            .context("could not start the engine's thread")?;
        Ok(Self {
            thread,
            stop,
            handle,
        })
    }

    /// Ends the thread once it has taken what is in its queue, and waits for that.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // Any event wakes the thread; a timer that nobody set is ignored by the engine.
        self.handle.tell(Event::TimerFired(Token(u64::MAX))).await;
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the engine's thread panicked");
        }
    }
}

struct Loop<P> {
    engine: Engine,
    inbox: Inbox,
    performer: P,
    timers: BinaryHeap<Timer>,
    stop: Arc<AtomicBool>,
}

impl<P: Perform> Loop<P> {
    fn run(&mut self) {
        while let Some(event) = self.next_event() {
            self.take(event);
            if self.stop.load(Ordering::Acquire) {
                break;
            }
        }
        // Whoever still waits for a reply or for room is told that there will be none.
        self.inbox.shared.room.close();
        self.inbox.shared.asked().clear();
    }

    /// Waits for an event or for the next timer; a timer that is due goes before events, so that a flood delays none.
    fn next_event(&mut self) -> Option<Event> {
        loop {
            let left = self
                .timers
                .peek()
                .map(|timer| timer.due.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero())
                && let Some(timer) = self.timers.pop()
            {
                return Some(Event::TimerFired(timer.token));
            }
            let received = match left {
                None => self.inbox.events.recv().map_err(RecvTimeoutError::from),
                Some(left) => self.inbox.events.recv_timeout(left),
            };
            match received {
                Ok(event) => {
                    self.inbox.shared.room.add_permits(1);
                    return Some(event);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Gives one event to the engine and does its effects, and so on with the answers that are there at once.
    fn take(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.handle(now(), event) {
                match effect {
                    Effect::SetTimer { token, after_ms } => self.timers.push(Timer {
                        due: Instant::now() + Duration::from_millis(after_ms),
                        token,
                    }),
                    effect => events.extend(self.performer.perform(effect)),
                }
            }
        }
    }
}

/// Returns the wall clock in milliseconds since 1970 UTC.
pub(crate) fn now() -> engine::Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A timer that is set; the one that is due first is the greatest, as the heap wants it.
#[derive(PartialEq, Eq)]
struct Timer {
    due: Instant,
    token: Token,
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.token).cmp(&(self.due, self.token))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
