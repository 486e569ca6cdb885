//! What surfaces and clients of the bus ask, and what they are answered.

use callboard_protocol::{
    ActionId, Context, DeclaredCommand, DeclaredWindow, DraftKept, EventInput, Failure, JobBack,
    JobChange, JobChanged, JobDetail, JobDraft, JobId, JobState, JobSummary, MenuItem, PluginId,
    PluginSettings, PluginSettingsAsk, PluginSummary, StatusText,
};
use serde_json::{Map, Value};

/// What a surface or a client of the bus may ask.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved as rarely as the event that holds it"
)]
pub enum Ask {
    /// Which actions apply? Answered with [`Reply::Menu`].
    Discover {
        /// Where, by whom, and on what; kinds may be coarse.
        context: Context,
    },
    /// Launch an action. Answered with [`Reply::Launched`] or, when waiting, with [`Reply::Job`].
    Launch(AskLaunch),
    /// Answer the question a job asks.
    Answer {
        /// The job.
        job: JobId,
        /// The form's values; those that are missing are what the draft says, or what was shown.
        values: Map<String, Value>,
        /// The question that is answered; the one that is asked when absent.
        question: Option<u64>,
        /// How long to wait for the job to rest, in milliseconds; when absent the reply comes once the answer is on disk.
        wait_ms: Option<u64>,
    },
    /// Keep what a person has changed in the form that a job asks with. Answered with [`Reply::DraftKept`] once it is on disk.
    Draft(JobDraft),
    /// Have the plugin say what the change of a live field changes. Answered with [`Reply::Changed`].
    Change(JobChange),
    /// Ask the question before again. Answered with [`Reply::Job`] once it is on disk.
    Back(JobBack),
    /// Show a job when it rests or the time is up. Answered with [`Reply::Job`].
    Wait {
        /// The job.
        job: JobId,
        /// How long to wait, in milliseconds.
        wait_ms: u64,
    },
    /// Show a job. Answered with [`Reply::Job`].
    Show(JobId),
    /// List jobs, newest first. Answered with [`Reply::Jobs`].
    List {
        /// Only those in one of these states; all when empty.
        states: Vec<JobState>,
        /// How many at most.
        limit: usize,
    },
    /// Cancel a job. Answered with [`Reply::Done`].
    Cancel(JobId),
    /// Run a job again from where it failed. Answered with [`Reply::Done`] once it is on disk.
    Retry(JobId),
    /// List plugins. Answered with [`Reply::Plugins`].
    Plugins,
    /// List the commands that plugins declare. Answered with [`Reply::Commands`].
    Commands,
    /// List the windows that plugins declare. Answered with [`Reply::Windows`].
    Windows,
    /// Show a plugin's settings, after changing those that are to be changed. Answered with [`Reply::Settings`].
    Settings(PluginSettingsAsk),
    /// List what plugins say in the tray. Answered with [`Reply::StatusLines`].
    StatusLines,
    /// Start a plugin at the next launch, whatever it crashed before. Answered with [`Reply::Done`].
    Forgive(PluginId),
}

/// A launch that is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskLaunch {
    /// The id that the job shall have, fresh.
    pub job: JobId,
    /// The id of the event that asks for it: the same event twice is the same launch.
    pub event_id: Option<String>,
    /// The action.
    pub action: ActionId,
    /// Where, by whom, and on what; kinds may be coarse.
    pub context: Context,
    /// Values for the form, where they are known already.
    pub values: Map<String, Value>,
    /// The events that launch it, where a subscription does.
    pub event: Option<EventInput>,
    /// The job that launches it, where one does, and its key there.
    pub parent: Option<(JobId, String)>,
    /// How long to wait for the job to rest, in milliseconds; when absent the reply comes once the job is on disk.
    pub wait_ms: Option<u64>,
}

/// The engine's answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The menu's entries.
    Menu(Vec<MenuItem>),
    /// The job that was made.
    Launched(JobId),
    /// A job, at rest or when the waiting was over.
    Job(Box<JobDetail>),
    /// How far a draft is kept.
    DraftKept(DraftKept),
    /// What the change of a live field came to.
    Changed(JobChanged),
    /// A list of jobs.
    Jobs(Vec<JobSummary>),
    /// A list of plugins.
    Plugins(Vec<PluginSummary>),
    /// A list of commands; those that are not offered say why.
    Commands(Vec<DeclaredCommand>),
    /// A list of windows.
    Windows(Vec<DeclaredWindow>),
    /// A plugin's settings.
    Settings(Box<PluginSettings>),
    /// A list of status lines.
    StatusLines(Vec<StatusText>),
    /// It was done.
    Done,
    /// It was not done.
    Failed(Failure),
}
