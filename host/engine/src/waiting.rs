//! What the engine waits for, by token: one table, so that no answer is expected in two places.

use callboard_protocol::{
    AttachedFile, DraftKept, Entity, HandOver, JobId, MessageId, PluginId, SelectionId,
};

use crate::Engine;

use crate::event::{AskLaunch, Effect, ProcessId, RequestId, Row, Token};
use crate::launch::PendingLaunch;
use crate::own_request::OwnLaunch;

/// Why a token was given out.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Facts for a menu that waits for them.
    DiscoverFacts { request: RequestId },
    /// Facts that nobody waits for: the next menu will have them.
    WarmFacts,
    /// Facts for a launch.
    LaunchFacts(Box<PendingLaunch>),
    /// Timer: a launch that came before the first sign-in has waited long enough for it.
    EarlyLaunch(Box<(RequestId, AskLaunch)>),
    /// A row is being written.
    Kept(AfterKept),
    /// A plugin waits for a service, which goes on when the plugin is gone.
    Service(Service),
    /// A plugin waits for a service, which is given up when the plugin is gone.
    Abandonable(Service),
    /// Settings of a plugin are being written.
    SettingsWritten {
        request: RequestId,
        plugin: PluginId,
    },
    /// A batch is with the server.
    Call { job: JobId, step: usize },
    /// A batch is being looked up.
    LookUp { job: JobId, step: usize },
    /// Timer: a menu has waited long enough for facts.
    DiscoverOver { request: RequestId },
    /// Timer: a launch has waited long enough for facts.
    LaunchOver { facts: Token },
    /// Timer: somebody has waited long enough for a job.
    WaitOver { request: RequestId, job: JobId },
    /// Timer: a process has not said hello.
    HelloOver(ProcessId),
    /// Timer: the change of a live field has waited long enough for its patches.
    ChangeOver { job: JobId, change: u64 },
    /// Timer: a turn takes too long.
    TurnOver { process: ProcessId, turn: u64 },
    /// Timer: a cancelled turn did not end.
    CancelOver { process: ProcessId, turn: u64 },
    /// What a process that is overdue is doing is looked up, before it is ended.
    Examined(Overdue),
    /// Timer: that takes too long as well.
    ExamineOver(Token),
    /// Timer: a process idles.
    IdleOver { process: ProcessId, turn: u64 },
    /// Timer: a crashed plugin may be started again.
    RestartDue(PluginId),
    /// A file that a turn attaches is being measured.
    Attaching { job: JobId, service: Service },
    /// A launch of the engine's own waits for the id of its job.
    JobId(Box<OwnLaunch>),
    /// Timer: events of a subscription were gathered long enough.
    GatheringOver((PluginId, String)),
    /// Timer: a turn has waited long enough for events.
    EventsOver { process: ProcessId, wait: u64 },
    /// Timer: progress of a job may be told again.
    ProgressOver { job: JobId },
    /// Timer: what a status line says holds no longer.
    StatusOver {
        line: (PluginId, String),
        change: u64,
    },
    /// Timer: a hook has had long enough for an event.
    HandleOver {
        process: ProcessId,
        message: MessageId,
    },
    /// Timer: a step may try again.
    StepDue { job: JobId, step: usize, tries: u32 },
}

/// What a process did not do in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// Say hello.
    Hello(ProcessId),
    /// End a turn.
    Turn { process: ProcessId, turn: u64 },
    /// End a turn that was cancelled.
    Cancel { process: ProcessId, turn: u64 },
}

/// What a plugin waits for.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) process: ProcessId,
    pub(crate) turn: u64,
    pub(crate) id: MessageId,
}

/// What follows when rows are on disk, or could not be written.
#[derive(Debug)]
pub(crate) enum AfterKept {
    /// Nothing.
    Nothing,
    /// A job was made.
    Launched {
        job: JobId,
        requests: Vec<(RequestId, Option<u64>)>,
    },
    /// A job was answered, or is run again.
    Resumed {
        job: JobId,
        request: RequestId,
        wait_ms: Option<u64>,
    },
    /// A draft was changed.
    Drafted {
        job: JobId,
        request: RequestId,
        kept: DraftKept,
    },
    /// A job asks an earlier question again.
    WentBack { job: JobId, request: RequestId },
    /// A job came to rest.
    Rested(JobId),
    /// Work was handed over.
    HandedOver {
        job: JobId,
        service: Service,
        hand_over: Box<HandOver>,
    },
    /// A file was attached.
    Attached {
        service: Service,
        file: AttachedFile,
    },
    /// A batch was marked as sent.
    Marked { job: JobId, step: usize },
}

/// A menu that waits for facts.
#[derive(Debug)]
pub(crate) struct PendingMenu {
    pub(crate) context: callboard_protocol::Context,
}

impl Engine {
    pub(crate) fn token(&mut self, waiting: Waiting) -> Token {
        self.last_token += 1;
        let token = Token(self.last_token);
        self.waiting.insert(token, waiting);
        token
    }

    pub(crate) fn set_timer(&mut self, after_ms: u64, waiting: Waiting) {
        let token = self.token(waiting);
        self.out.push(Effect::SetTimer { token, after_ms });
    }

    pub(crate) fn keep(&mut self, rows: Vec<Row>, after: AfterKept) {
        let token = self.token(Waiting::Kept(after));
        self.out.push(Effect::Keep { token, rows });
    }

    pub(crate) fn ask_facts(&mut self, entities: Vec<Entity>, waiting: Waiting) -> Token {
        let token = self.token(waiting);
        self.out.push(Effect::AskFacts { token, entities });
        token
    }
}

/// A selection that a plugin may ask about: the one its job was launched with.
pub(crate) fn is_the_same_selection(asked: &SelectionId, launched: &SelectionId) -> bool {
    !asked.as_str().is_empty() && asked == launched
}
