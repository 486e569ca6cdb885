//! What crosses the local bus: the methods each way, their parameters and results.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ActionId, Context, Failure, JobId, JobState, MenuItem, StatusText};

macro_rules! bus_methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The methods of the local bus.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum BusMethod {
            $($(#[$doc])* $variant,)*
        }

        impl BusMethod {
            /// Every method, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the method's name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

bus_methods! {
    /// To the host: [`Subscribe`] to [`Subscribed`].
    Subscribe = "subscribe",
    /// To the host: [`Subscribed`] to `{}`.
    Unsubscribe = "unsubscribe",
    /// To the host: [`Publish`] to [`Replies`].
    Publish = "publish",
    /// To the host: [`EventParams`] with an event that answers another, to `{}`.
    Reply = "reply",
    /// To the client, a notification: [`EventParams`].
    Event = "event",
    /// To the host: [`ActionsDiscover`] to [`ActionItems`].
    ActionsDiscover = "actions.discover",
    /// To the host: [`ActionsLaunch`] to [`Launched`], answered once the job is on disk.
    ActionsLaunch = "actions.launch",
    /// To the host: `{}` to [`KeptActions`].
    ActionsKept = "actions.kept",
    /// To the host: [`ActionRef`] to `{}`, answered once it is on disk.
    ActionsPin = "actions.pin",
    /// To the host: [`ActionRef`] to `{}`, answered once it is on disk.
    ActionsUnpin = "actions.unpin",
    /// To the host: [`RemoteDiscover`](crate::RemoteDiscover) to [`Items`] of [`RemoteItem`](crate::RemoteItem).
    ActionsRemote = "actions.remote",
    /// To the host: [`RemoteLaunch`](crate::RemoteLaunch) to [`RemoteReply`](crate::RemoteReply).
    ActionsLaunchRemote = "actions.launch_remote",
    /// To the host: [`EntitiesList`](crate::EntitiesList) to [`Items`] of [`EntityRow`](crate::EntityRow).
    EntitiesList = "entities.list",
    /// To the host: [`JobsList`] to [`Items`] of [`JobSummary`](crate::JobSummary).
    JobsList = "jobs.list",
    /// To the host: [`JobRef`] to [`JobDetail`](crate::JobDetail).
    JobsShow = "jobs.show",
    /// To the host: [`JobWait`] to [`JobDetail`](crate::JobDetail), once the job rests or the time is up.
    JobsWait = "jobs.wait",
    /// To the host: [`JobAnswer`] to `{}`, answered once it is on disk.
    JobsAnswer = "jobs.answer",
    /// To the host: [`JobDraft`](crate::JobDraft) to [`DraftKept`](crate::DraftKept), answered once it is on disk.
    JobsDraft = "jobs.draft",
    /// To the host: [`JobChange`](crate::JobChange) to [`JobChanged`](crate::JobChanged), answered once the plugin has.
    JobsChange = "jobs.change",
    /// To the host: [`JobBack`](crate::JobBack) to [`JobDetail`](crate::JobDetail), answered once it is on disk.
    JobsBack = "jobs.back",
    /// To the host: [`JobRef`] to `{}`.
    JobsCancel = "jobs.cancel",
    /// To the host: [`JobRef`] to `{}`, answered once it is on disk.
    JobsRetry = "jobs.retry",
    /// To the host: `{}` to [`Items`] of [`PluginSummary`](crate::PluginSummary).
    PluginsList = "plugins.list",
    /// To the host: `{}` to [`PluginsReloaded`](crate::PluginsReloaded), once every place was read or is late.
    PluginsReload = "plugins.reload",
    /// To the host: [`PluginRef`](crate::PluginRef) to `{}`, answered once it is on disk.
    PluginsEnable = "plugins.enable",
    /// To the host: [`PluginRef`](crate::PluginRef) to `{}`, answered once it is on disk.
    PluginsDisable = "plugins.disable",
    /// To the host: [`PluginLogs`](crate::PluginLogs) to [`PluginLogLines`](crate::PluginLogLines).
    PluginsLogs = "plugins.logs",
    /// To the host: [`PluginsBisect`](crate::PluginsBisect) to [`Bisected`](crate::Bisected), answered once it is on disk.
    PluginsBisect = "plugins.bisect",
    /// To the host: [`PluginSettingsAsk`](crate::PluginSettingsAsk) to [`PluginSettings`](crate::PluginSettings).
    PluginsSettings = "plugins.settings",
    /// To the host: `{}` to [`Items`] of [`DeclaredCommand`](crate::DeclaredCommand).
    CommandsList = "commands.list",
    /// To the host: `{}` to [`Items`] of [`DeclaredWindow`](crate::DeclaredWindow).
    WindowsList = "windows.list",
    /// To the host: [`WindowRef`](crate::WindowRef) to `{}`, once the window is there or has come to the front.
    WindowsOpen = "windows.open",
    /// To the host, from the process of a window: [`WindowRef`](crate::WindowRef) to [`WindowHeld`](crate::WindowHeld).
    WindowsHold = "windows.hold",
    /// To the host, from the process of a window: `{}` to `{}`; its first frame is drawn.
    WindowsShown = "windows.shown",
    /// To the host, from the process of a window: [`WindowSize`](crate::WindowSize) to `{}`.
    WindowsResized = "windows.resized",
    /// To the process of a window, a notification: it is to come to the front.
    WindowsRaise = "windows.raise",
    /// To the process of a window, a notification: it is to end.
    WindowsClose = "windows.close",
    /// To the process of a window, a notification: [`WindowNews`](crate::WindowNews).
    WindowsNews = "windows.news",
    /// To the host: `{}` to [`Status`].
    Status = "status",
    /// To the host: `{}` to [`WhoAmI`].
    WhoAmI = "whoami",
    /// To the host: `{}` to [`WhoAmI`]; it reads the credentials again and signs in with them at once.
    SignInRenew = "sign_in.renew",
    /// To the host: [`SignInEnd`] to `{}`; it forgets the credentials, and nobody is signed in then.
    SignInEnd = "sign_in.end",
    /// To the host: [`ApplicationBusy`] to `{}`; it holds until the next one, or until the connection ends.
    ApplicationBusy = "application.busy",
    /// To the host: `{}` to `{}`; the host then ends.
    Quit = "quit",
    /// To the host: `{}` to `{}`; the host then ends and starts again, as the same process where the system can.
    Restart = "restart",
    /// To the client, a request: [`Describe`](crate::Describe) to [`Description`].
    Describe = "dcc.describe",
}

impl BusMethod {
    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.name() == name)
    }
}

/// Asks for events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Which events, in ftrack's expression grammar: `topic=ftrack.action.* and source.user.username="ada"`.
    pub subscription: String,
    /// What `target` expressions of events are matched against.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub subscriber: Map<String, Value>,
}

/// Names a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// The subscription's number on this connection.
    pub subscription_id: u64,
}

/// Carries one event, ftrack's own envelope verbatim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventParams {
    /// The event: `topic`, `data`, `id`, `sent`, `source`, `target`, `inReplyToEvent`, and no other key.
    pub event: Value,
}

/// Publishes an event, and waits for replies if asked to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    /// The event.
    pub event: Value,
    /// How long to wait for replies, in seconds; no waiting when absent. At most 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_secs: Option<f64>,
    /// How many replies end the waiting early; the first one does when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replies: Option<u32>,
}

/// The replies to a published event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replies {
    /// Events of topic `ftrack.meta.reply`, in the order in which they came.
    pub replies: Vec<Value>,
}

/// A list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items<T> {
    /// Its items.
    pub items: Vec<T>,
}

/// Asks which actions apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionsDiscover {
    /// Where, by whom, and on what; the surface and user are the host's to fill in.
    #[serde(default)]
    pub context: Context,
}

/// The actions that apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItems {
    /// The menu's entries.
    pub items: Vec<MenuItem>,
}

/// Launches an action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionsLaunch {
    /// The action.
    pub action: ActionId,
    /// Where, by whom, and on what; the surface and user are the host's to fill in.
    #[serde(default)]
    pub context: Context,
    /// Values for its form, where they are known already.
    #[serde(default)]
    pub values: Map<String, Value>,
}

/// Names the job that a launch made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// The job.
    pub job: JobId,
}

/// Names an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRef {
    /// The action, with its plugin before the dot.
    pub action: ActionId,
}

/// The actions that a person has at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptActions {
    /// Those that were pinned, in the order in which they were.
    pub pinned: Vec<ActionId>,
    /// Those that the person launched, the last one first; pinned ones among them.
    pub recent: Vec<ActionId>,
}

/// An application says whether the person is not to be disturbed, because it renders or does not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationBusy {
    /// Whether it is busy.
    pub busy: bool,
    /// What it is doing, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Asks for the list of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsList {
    /// Only those in one of these states; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<JobState>,
    /// How many at most, newest first; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Names a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRef {
    /// The job.
    pub job: JobId,
}

/// Waits until a job rests: ended, or asking.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobWait {
    /// The job.
    pub job: JobId,
    /// How long to wait, in seconds, at most 600; the job is then shown as it is.
    pub timeout_secs: f64,
}

/// Answers the question that a job asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobAnswer {
    /// The job.
    pub job: JobId,
    /// The form's values; those that are missing are what the draft says, or what was shown.
    pub values: Map<String, Value>,
    /// The question that is answered; the one that is asked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<u64>,
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// There are no credentials.
    #[default]
    SignedOut,
    /// Trying.
    Connecting,
    /// Up.
    Connected,
    /// The server refuses the credentials.
    Refused,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How the connection to the event hub stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubStatus {
    /// How it stands.
    pub state: ConnectionState,
    /// How often it was established since the host started.
    pub connects: u64,
    /// What is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Failure>,
}

/// How the tray stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrayStatus {
    /// Whether there is an icon.
    pub present: bool,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How the ledger stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// Its file.
    pub path: String,
    /// Jobs that have not ended.
    pub unfinished: u64,
    /// What is in its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Failure>,
}

/// What confines plugins on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The version of Landlock, which holds plugins to files, programs and ports; 0 where there is none.
    #[serde(default)]
    pub landlock: u32,
    /// Whether seccomp refuses sockets and other calls.
    #[serde(default)]
    pub seccomp: bool,
    /// Whether each process and thread of a plugin is counted before it is born, and not only now and then.
    #[serde(default)]
    pub counts_births: bool,
    /// Whether other programs of the person are kept from looking into the host.
    #[serde(default)]
    pub host_is_closed: bool,
}

/// How the host fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The host's version.
    pub callboard: String,
    /// The host's id.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// The ftrack server.
    #[serde(default)]
    pub server: String,
    /// The ftrack user.
    #[serde(default)]
    pub user: String,
    /// Where the key came from, as in [`WhoAmI`]; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The event hub.
    pub hub: HubStatus,
    /// The tray.
    pub tray: TrayStatus,
    /// The ledger.
    pub ledger: LedgerStatus,
    /// The bus's socket.
    pub bus: String,
    /// What plugins say: their status lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<StatusText>,
    /// What confines plugins on this machine, in words.
    #[serde(default)]
    pub confinement: Vec<String>,
    /// What confines plugins on this machine, for programs.
    #[serde(default)]
    pub isolation: Isolation,
    /// Everything that is wrong and that a person can mend.
    #[serde(default)]
    pub problems: Vec<Failure>,
}

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI {
    /// The ftrack server.
    pub server: String,
    /// The ftrack user name.
    pub user: String,
    /// Where the key came from: `environment`, `keyring`, `file` or `demo`.
    #[serde(default)]
    pub source: String,
    /// The user's security roles.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// Ends the sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEnd {
    /// Whether work that has not been done yet may wait until the same person signs in again; without it, such work is
    /// a reason to refuse.
    #[serde(default)]
    pub leave_pending: bool,
}

/// One page of a selection's description.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The rows.
    pub rows: Vec<DescribeRow>,
    /// How many rows there are in all, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether these are the last rows. When not, ask again from where they end; a page may be empty while the application is busy.
    #[serde(default)]
    pub complete: bool,
}

/// One thing of a selection, as the application tells it: for Flame, a segment.
pub type DescribeRow = Map<String, Value>;
