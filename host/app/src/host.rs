//! The resident host: starts everything in order, runs until it is stopped, and stops in order.

mod declared_commands;
mod performer;
mod plugin_logs;
mod starts;
mod tray_surface;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use callboard_protocol::{Failure, FailureKind, HubStatus, TrayStatus};
use connect::Switchboard;
use engine::{Engine, Event};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::about::{About, Named, SignIn};
use crate::connect::{ConnectChildren, ConnectOptions};
use crate::connection::{Connection, ConnectionOptions, Told};
use crate::engine_thread::{EngineHandle, EngineThread};
use crate::hearing::Hearing;
use crate::home::Home;
use crate::instance::Instance;
use crate::ledger::{self, Kept, Ledger, LedgerThread};
use crate::pins::Pins;
use crate::plugin_folders::{Place, PluginFolderOptions, PluginFolders, program_folder};
use crate::plugin_log::PluginLog;
use crate::service::http::Web;
use crate::service::job_folders::{self, JobFolders};
use crate::service::{Outside, Server, Services};
use crate::settings::{
    Credentials, CredentialsError, Environment, NotificationSettings, PluginLayers, Secrets,
    Settings,
};
use crate::sign_in::{Account, SignInDesk, failure_from_credentials};
use crate::supervisor::{Program, Supervisor, SupervisorOptions};
use crate::surface::bus::{Bus, BusOptions};
use crate::windows::{Windows, WindowsOptions};
use performer::Performer;
use plugin_logs::PluginLogs;
use starts::Starts;

pub(crate) use starts::StartMode;

/// How long the last events may take to be sent when the host ends.
const LAST_EVENTS: Duration = Duration::from_secs(3);

/// What a host is started with.
pub(crate) struct HostOptions {
    /// Where everything lies.
    pub(crate) home: Home,
    /// The environment, as it was read at the start.
    pub(crate) environment: Environment,
    /// The settings in force.
    pub(crate) settings: Settings,
    /// What was wrong with settings; shown in the status.
    pub(crate) problems: Vec<Failure>,
    /// Credentials that go before the environment and the file: the demo's.
    pub(crate) credentials: Option<Credentials>,
    /// Further folders that hold plugins.
    pub(crate) plugin_folders: Vec<PathBuf>,
    /// Whether to do without foreign plugins.
    pub(crate) mode: StartMode,
}

/// What `run` prints when the host is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// The ftrack server that the credentials name; empty where there are none.
    pub(crate) server: String,
    /// The ftrack user that the credentials name; empty where there are none.
    pub(crate) user: String,
    /// The bus's socket.
    pub(crate) bus: PathBuf,
    /// The host's process id.
    pub(crate) pid: u32,
}

/// A host that runs.
pub(crate) struct Host {
    ready: Ready,
    engine: EngineHandle,
    engine_thread: EngineThread,
    ledger_thread: LedgerThread,
    supervisor: Supervisor,
    windows: Windows,
    log: PluginLog,
    bus: Bus,
    connection: JoinHandle<()>,
    commands: JoinHandle<()>,
    tray: watch::Sender<TrayStatus>,
    hub: watch::Receiver<HubStatus>,
    stopping: watch::Sender<bool>,
    restart: Option<watch::Sender<bool>>,
    notifications: NotificationSettings,
    about: Arc<About>,
    home: Home,
    starts: Starts,
    /// Let go last, so that the next host finds everything put away.
    _instance: Instance,
}

impl Host {
    /// Starts a host. It is on the bus when this returns; the connection to the server comes by itself.
    ///
    /// # Errors
    ///
    /// When another host has the home, or the ledger or the bus cannot be opened.
    pub(crate) async fn start(options: HostOptions) -> anyhow::Result<Self> {
        let HostOptions {
            home,
            environment,
            settings,
            mut problems,
            credentials,
            plugin_folders,
            mode,
        } = options;
        let place = ledger_place(&home, &settings)?;
        let log = PluginLog::start(home.logs.join("plugins"));
        let instance = Instance::claim(&home.config, &place.folder)?;
        let (ledger, ledger_thread, kept) = open_ledger(&place, &settings, &mut problems)?;
        let host = kept.host.clone();
        let folders = job_folders(&place, &kept);
        let places = Place::all(&home, &environment, &settings.plugins, &plugin_folders);
        let starts = Starts::begin(&place.folder, mode);
        let pins = Pins::read(place.folder.join("pinned.json"));
        let starting = Starting::of(credentials.as_ref());
        let private = private_folders(&home, &place.folder);
        let sizes_file = place.folder.join("windows.json");
        let plugins = open_plugins(places, &starts, place.folder).await;
        let account = account(credentials, &environment, &home);
        let found = account.find().await;
        let (sign_in, orders) = SignInDesk::new(account.clone(), ledger.clone());

        let (engine, inbox) = EngineHandle::new();
        let channels = Channels::new(&host, Named::of(&found), found.as_ref().err(), starting);
        let connect = connect_children(&engine, &home, &environment, &settings, &channels);
        problems.extend(connect.problems().iter().cloned());
        let about = about(
            &host, &home, &settings, problems, &plugins, &ledger, pins, &channels,
        );
        let supervisor =
            start_supervisor(&engine, &environment, &settings, &folders, &log, private)?;
        let windows = start_windows(&engine, &supervisor, &home, &environment, sizes_file);
        let desks = Desks::new(sign_in, &windows);
        let bus = start_bus(&home, &settings, &engine, &about, &log, &channels, desks).await?;
        let outside = outside(&home, &settings, &channels, &bus, &supervisor);
        let plugin_settings = PluginLayers::find(&home);
        let performer = Performer {
            engine: engine.clone(),
            ledger,
            supervisor: supervisor.clone(),
            connect,
            server: channels.server(),
            applications: bus.applications(),
            services: Services::new(engine.clone(), channels.server(), folders, outside),
            hearing: channels.hearing.clone(),
            logs: PluginLogs::new(log.clone()),
            plugin_settings: plugin_settings.clone(),
        };
        let engine_thread =
            EngineThread::start(Engine::new(settings.engine_config(&host)), inbox, performer)?;
        tell_what_is_known(&engine, kept.jobs, plugin_settings).await;
        plugins.run(engine.clone(), supervisor.clone()).await;
        let commands = declared_commands::keep(engine.clone(), home.commands_file());
        let (hub, not_yet) = channels.begun();
        // Until the server has answered, whoever asks is told why nothing can be done yet.
        engine.tell(Event::SignedOut(not_yet)).await;
        let connection = Connection::new(ConnectionOptions {
            account,
            found,
            orders,
            host,
            hub: settings.hub,
            network: settings.network,
            schema_cache: home.data.join("schemas"),
            engine: engine.clone(),
            told: channels.told,
            hearing: channels.hearing.subscribe(),
            doubt: channels.doubt,
            stopping: channels.stopping.subscribe(),
        });
        tokio::spawn(starts.clone().watch(channels.stopping.subscribe()));
        Ok(Self {
            ready: ready(&home, &about),
            engine,
            engine_thread,
            ledger_thread,
            supervisor,
            windows,
            log,
            bus,
            connection: tokio::spawn(connection.run()),
            commands: tokio::spawn(commands),
            tray: channels.tray,
            hub,
            stopping: channels.stopping,
            restart: channels.restart,
            notifications: settings.notifications,
            about,
            home,
            starts,
            _instance: instance,
        })
    }

    /// Returns what to print when the host is up.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Returns the way to the engine.
    pub(crate) fn engine(&self) -> EngineHandle {
        self.engine.clone()
    }

    /// Returns where the tray says how it stands, for the status.
    pub(crate) fn tray_status(&self) -> watch::Sender<TrayStatus> {
        self.tray.clone()
    }

    /// Tells whether the host was asked to start again once it has ended.
    pub(crate) fn starts_again(&self) -> bool {
        self.restart.as_ref().is_some_and(|again| *again.borrow())
    }

    /// Returns a way to ask the host to end, for the tray and for signals: send `true`.
    pub(crate) fn stopper(&self) -> watch::Sender<bool> {
        self.stopping.clone()
    }

    /// Stops everything in order; no process is left when this returns.
    ///
    /// Surfaces go first, so that nothing new comes in; then the engine, so that nothing new is begun; then plugins;
    /// the ledger goes last, with everything written that was answered.
    pub(crate) async fn stop(mut self) {
        self.stopping.send_replace(true);
        if timeout(LAST_EVENTS, &mut self.connection).await.is_err() {
            self.connection.abort();
        }
        self.commands.abort();
        self.windows.stop().await;
        self.bus.stop().await;
        // Jobs that run are found as interrupted at the next start, as after a crash: one way to get well is enough.
        self.engine_thread.stop().await;
        self.supervisor.stop().await;
        self.log.finish().await;
        let ledger = self.ledger_thread;
        if tokio::task::spawn_blocking(move || ledger.close())
            .await
            .is_err()
        {
            tracing::error!("closing the ledger panicked");
        }
        self.starts.ended_well();
        tracing::info!("stopped");
    }
}

/// Returns where the credentials come from: from the demo, else from wherever the person keeps them.
fn account(given: Option<Credentials>, environment: &Environment, home: &Home) -> Account {
    match given {
        Some(credentials) => Account::Fixed(credentials),
        None => Account::Kept {
            environment: Box::new(environment.clone()),
            home: home.clone(),
        },
    }
}

/// What parts of the host tell each other by.
struct Channels {
    told: Told,
    doubt: Arc<Notify>,
    tray: watch::Sender<TrayStatus>,
    hearing: watch::Sender<Hearing>,
    stopping: watch::Sender<bool>,
    /// Whether the host is to start again when it has ended; none where it cannot.
    restart: Option<watch::Sender<bool>>,
}

/// Whether a host can start again as what it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starting {
    /// It can.
    Repeatable,
    /// It is a demo: what starts again has another server.
    Once,
}

impl Starting {
    fn of(demo: Option<&Credentials>) -> Self {
        demo.map_or(Self::Repeatable, |_| Self::Once)
    }
}

impl Channels {
    fn new(host: &str, named: Named, error: Option<&CredentialsError>, starting: Starting) -> Self {
        let (sign_in, problem) = match error {
            Some(error) => {
                let failure = failure_from_credentials(error);
                (SignIn::Out(failure.clone()), failure)
            }
            None => (
                SignIn::Unknown,
                Failure::new(
                    FailureKind::Unavailable,
                    "the server has not been reached yet",
                )
                .hint("try again in a moment"),
            ),
        };
        let told = Told {
            session: watch::Sender::new(None),
            problem: watch::Sender::new(problem),
            named: watch::Sender::new(named),
            sign_in: watch::Sender::new(sign_in),
            hub: watch::Sender::new(HubStatus::default()),
            event_hub: watch::Sender::new(None),
            switchboard: Switchboard::new(host),
        };
        Self {
            told,
            doubt: Arc::new(Notify::new()),
            tray: watch::Sender::new(TrayStatus::default()),
            hearing: watch::Sender::new(Hearing::default()),
            stopping: watch::Sender::new(false),
            restart: (starting == Starting::Repeatable).then(|| watch::Sender::new(false)),
        }
    }

    /// Returns how the hub stands, and why nothing can be done at the server yet.
    fn begun(&self) -> (watch::Receiver<HubStatus>, Failure) {
        let problem = self.told.problem.borrow().clone();
        (self.told.hub.subscribe(), problem)
    }

    fn server(&self) -> Server {
        Server::new(
            self.told.session.subscribe(),
            self.told.problem.subscribe(),
            Arc::clone(&self.doubt),
        )
    }
}

/// What clients of the bus reach beside the engine.
struct Desks {
    sign_in: SignInDesk,
    windows: Windows,
}

impl Desks {
    fn new(sign_in: SignInDesk, windows: &Windows) -> Self {
        Self {
            sign_in,
            windows: windows.clone(),
        }
    }
}

async fn start_bus(
    home: &Home,
    settings: &Settings,
    engine: &EngineHandle,
    about: &Arc<About>,
    log: &PluginLog,
    channels: &Channels,
    desks: Desks,
) -> anyhow::Result<Bus> {
    Bus::start(BusOptions {
        path: home.bus.clone(),
        requests_in_flight: settings.bus.requests_in_flight,
        queue_messages: settings.bus.queue_messages,
        engine: engine.clone(),
        about: Arc::clone(about),
        plugins: about.plugins.clone(),
        plugin_log: log.clone(),
        hearing: channels.hearing.subscribe(),
        server: channels.server(),
        hub: channels.told.event_hub.subscribe(),
        windows: desks.windows,
        stopping: channels.stopping.clone(),
        sign_in: desks.sign_in,
        restart: channels.restart.clone(),
    })
    .await
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is known already, and is put into its place"
)]
fn about(
    host: &str,
    home: &Home,
    settings: &Settings,
    problems: Vec<Failure>,
    plugins: &PluginFolders,
    ledger: &Ledger,
    pins: Pins,
    channels: &Channels,
) -> Arc<About> {
    Arc::new(About {
        host: host.to_owned(),
        bus: home.bus.clone(),
        connect_windows: settings.connect.windows,
        named: channels.told.named.subscribe(),
        problems,
        plugins: plugins.clone(),
        ledger: ledger.clone(),
        pins,
        sign_in: channels.told.sign_in.subscribe(),
        hub: channels.told.hub.subscribe(),
        tray: channels.tray.subscribe(),
    })
}

/// Tells the engine what lies on disk, in the order in which it wants to know.
async fn tell_what_is_known(
    engine: &EngineHandle,
    jobs: Vec<engine::KeptJob>,
    plugin_settings: PluginLayers,
) {
    let set = plugin_settings.read().await;
    for known in [Event::Restored(jobs), Event::SettingsRead(set.layers)] {
        engine.tell(known).await;
    }
    if set.lacks_secrets {
        let engine = engine.clone();
        tokio::spawn(async move { plugin_settings.complete(&engine).await });
    }
}

fn ledger_place(home: &Home, settings: &Settings) -> anyhow::Result<ledger::Place> {
    let place = ledger::Place::of(home, &settings.ledger).with_context(|| {
        let wanted = ledger::wanted(home, &settings.ledger);
        format!(
            "could not make the ledger's folder in `{}`",
            wanted.display()
        )
    })?;
    if let Some(wanted) = &place.instead_of {
        tracing::warn!(
            wanted = %wanted.display(), folder = %place.folder.display(),
            "the ledger lies on a local disk, for its usual place is on a network file system"
        );
    }
    Ok(place)
}

fn open_ledger(
    place: &ledger::Place,
    settings: &Settings,
    problems: &mut Vec<Failure>,
) -> anyhow::Result<(Ledger, LedgerThread, Kept)> {
    let opened = Ledger::open(place, settings.ledger.ended_jobs);
    let (ledger, thread, kept) = opened.map_err(|error| error.failure())?;
    problems.extend(kept.problems.iter().cloned());
    Ok((ledger, thread, kept))
}

/// Returns the folders of jobs, and has those removed that belong to jobs which the ledger has forgotten.
fn job_folders(place: &ledger::Place, kept: &Kept) -> JobFolders {
    let folders = JobFolders::new(place.folder.join("jobs"));
    // A row that could not be read is still a job.
    if kept.problems.is_empty() {
        let jobs = kept.jobs.iter();
        let known = jobs.map(|job| job.row.detail.summary.id.clone()).collect();
        let left_over = folders.left_over(&known);
        // Nobody waits for it, and what is not removed now is found again at the next start.
        drop(tokio::task::spawn_blocking(|| {
            job_folders::remove(left_over);
        }));
    }
    folders
}

/// Returns what services reach beside the server.
fn outside(
    home: &Home,
    settings: &Settings,
    channels: &Channels,
    bus: &Bus,
    supervisor: &Supervisor,
) -> Outside {
    Outside {
        hub: channels.told.event_hub.subscribe(),
        applications: bus.applications(),
        web: Web::new(settings.network.clone()),
        supervisor: supervisor.clone(),
        secrets: Secrets::new(home.config.join("secrets")),
    }
}

async fn open_plugins(places: Vec<Place>, starts: &Starts, folder: PathBuf) -> PluginFolders {
    PluginFolders::open(PluginFolderOptions {
        places,
        folder,
        safe: starts.safe.clone(),
    })
    .await
}

/// Returns the folders of the host's own, which no plugin may be given.
fn private_folders(home: &Home, ledger: &Path) -> Vec<PathBuf> {
    // The shared ones hold those of all profiles.
    let shared = home.shared();
    let own = [&shared.config, &shared.data, &shared.logs];
    let own = own.into_iter().map(PathBuf::as_path);
    own.chain([ledger]).map(Path::to_owned).collect()
}

/// Returns where Python finds the SDK, where it lies beside this program.
pub(crate) fn python_path() -> Option<PathBuf> {
    let folder = program_folder()?.join("python");
    folder.is_dir().then_some(folder)
}

fn start_supervisor(
    engine: &EngineHandle,
    environment: &Environment,
    settings: &Settings,
    job_folders: &JobFolders,
    log: &PluginLog,
    private: Vec<PathBuf>,
) -> anyhow::Result<Supervisor> {
    let executable = std::env::current_exe().context("could not find this program's own file")?;
    let options = SupervisorOptions {
        program: Program {
            executable,
            python_path: python_path(),
        },
        environment: environment.for_plugins.clone(),
        log: log.clone(),
        desktop: environment.for_desktop.clone(),
        job_folders: job_folders.clone(),
        private,
        limits: settings.plugin_limits(),
        messages_burst: settings.plugins.messages_burst,
    };
    Supervisor::start(engine.clone(), options)
}

fn start_windows(
    engine: &EngineHandle,
    supervisor: &Supervisor,
    home: &Home,
    environment: &Environment,
    sizes_file: PathBuf,
) -> Windows {
    Windows::start(WindowsOptions {
        engine: engine.clone(),
        supervisor: supervisor.clone(),
        bus: home.bus.clone(),
        has_display: environment.has_display,
        sizes_file,
    })
}

fn connect_children(
    engine: &EngineHandle,
    home: &Home,
    environment: &Environment,
    settings: &Settings,
    channels: &Channels,
) -> ConnectChildren {
    ConnectChildren::new(ConnectOptions {
        engine: engine.clone(),
        settings: settings.connect.clone(),
        folder: crate::connect::folder(home),
        environment: environment.for_plugins.clone(),
        desktop: environment.for_desktop.clone(),
        session: channels.told.session.subscribe(),
        switchboard: channels.told.switchboard.clone(),
    })
}

fn ready(home: &Home, about: &About) -> Ready {
    let (server, user) = about.who();
    Ready {
        server,
        user,
        bus: home.bus.clone(),
        pid: std::process::id(),
    }
}
