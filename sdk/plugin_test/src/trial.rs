//! A trial: the host's side, run against a plugin as it will really be started, with what goes wrong in real life.

mod selection;
mod talk;

use std::time::Duration;

use callboard_protocol::{
    Action, ActionId, Context, Entity, Failure, FailureKind, JobId, Launch, Manifest, Outcome,
    Surface,
};
use callboard_wire::Connection;

use crate::fake_host::FakeHost;
use crate::report;
use talk::{Ended, Talk, Weather, in_words};

pub use talk::Entities;

/// How many entities the large selection has.
const LARGE: usize = 10_000;

/// How often a form is answered before it counts as one that wants more than it shows.
const ANSWERS: usize = 3;

/// How long a trial waits for a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a hello, where the manifest says nothing.
    pub hello: Duration,
    /// For the end of a turn, where the manifest does not say less: nobody waits ten minutes for a trial.
    pub turn: Duration,
    /// For the end of a turn that was cancelled.
    pub cancel: Duration,
    /// For the end of a process whose host went away.
    pub gone: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            turn: Duration::from_secs(30),
            cancel: Duration::from_secs(5),
            gone: Duration::from_secs(5),
        }
    }
}

/// A process of the plugin, just started.
pub struct Subject {
    /// The pipes to it. Nothing was said yet.
    pub connection: Connection,
    /// Waits until the process has ended, at most so long, and tells whether it has.
    ///
    /// When this is dropped, the process must end.
    pub ended: Box<dyn FnMut(Duration) -> bool>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The action that it was tried with; none where it concerns the plugin as a whole.
    pub action: Option<ActionId>,
    /// What was tried: `launched on a large selection`.
    pub what: &'static str,
    /// What was seen, in a few words; or what is wrong, and what to do about it.
    pub result: Result<String, Failure>,
}

/// A plugin on trial.
///
/// Every action is launched on what it is for, on what it is not for and on far too much; its forms are answered and its steps reported as done and as failed.
/// The host answers late, not at all and with failures; it cancels, and it goes away in the middle.
pub struct Trial {
    start: Box<dyn FnMut() -> Result<Subject, Failure>>,
    host: FakeHost,
    pick: Pick,
    patience: Patience,
    talk: Option<Talk>,
    jobs: u64,
}

/// Names entities of a type, as many as wanted or as there are.
type Pick = Box<dyn FnMut(&str, usize) -> Vec<Entity>>;

impl Trial {
    /// Prepares a trial of the plugin with this manifest, whose processes `start` starts.
    pub fn new(
        manifest: Manifest,
        start: impl FnMut() -> Result<Subject, Failure> + 'static,
    ) -> Self {
        let mut host = FakeHost::new(manifest);
        host.ftrack = Box::new(|_| Ok(Vec::new()));
        Self {
            start: Box::new(start),
            host,
            pick: Box::new(selection::invented),
            patience: Patience::default(),
            talk: None,
            jobs: 0,
        }
    }

    /// Sets what ftrack answers, and which entities of a type it has. Without it ftrack is there, and empty.
    #[must_use]
    pub fn ftrack(
        mut self,
        answer: impl FnMut(&str) -> Result<Entities, Failure> + 'static,
        pick: impl FnMut(&str, usize) -> Vec<Entity> + 'static,
    ) -> Self {
        self.host.ftrack = Box::new(answer);
        self.pick = Box::new(pick);
        self
    }

    /// Sets how long it waits.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Tries everything, and tells each check as soon as it was made.
    pub fn run(mut self, mut told: impl FnMut(&Check)) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut tell = |action: Option<&ActionId>, what, result| {
            let check = Check {
                action: action.cloned(),
                what,
                result,
            };
            told(&check);
            checks.push(check);
        };
        let hello = self.hello();
        let speaks = hello.is_ok();
        tell(None, "says hello", hello);
        if !speaks {
            return checks;
        }
        tell(None, "hears what it does not know", self.unknown_words());
        let actions = self.host.manifest.actions.clone();
        for action in &actions {
            let id = ActionId::new(&self.host.manifest.id, &action.id);
            for (what, try_out) in TRIES {
                let result = try_out(&mut self, action, &id);
                tell(Some(&id), what, self.declared(result));
            }
        }
        checks
    }

    fn hello(&mut self) -> Result<String, Failure> {
        let versions = self.talk()?.versions();
        Ok(format!("speaks protocol {versions}"))
    }

    fn unknown_words(&mut self) -> Result<String, Failure> {
        let talk = self.talk()?;
        let answer = talk.unknown_words();
        if answer.is_err() {
            self.talk = None;
        }
        answer.map(|()| "refuses it and lives on".to_owned())
    }

    fn ordinary(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let selection = selection::fitting(&action.when, &mut self.pick);
        self.whole_job(id, selection)
    }

    fn unfitting(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let selection = selection::unfitting(&action.when, &mut self.pick);
        self.launch(id, selection, Weather::Fair).1
    }

    fn large(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let kind = selection::kind_of(&action.when);
        let mut selection = (self.pick)(kind, LARGE);
        let missing = LARGE.saturating_sub(selection.len());
        selection.extend(selection::invented(kind, missing));
        self.launch(id, selection, Weather::Fair).1
    }

    fn late(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let selection = selection::fitting(&action.when, &mut self.pick);
        self.launch(id, selection, Weather::Late).1
    }

    fn down(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let selection = selection::fitting(&action.when, &mut self.pick);
        self.launch(id, selection, Weather::Down).1
    }

    fn cancelled(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let selection = selection::fitting(&action.when, &mut self.pick);
        self.launch(id, selection.clone(), Weather::CancelledAtOnce)
            .1?;
        self.launch(id, selection, Weather::CancelledAtFirst).1
    }

    fn gone(&mut self, action: &Action, id: &ActionId) -> Result<String, Failure> {
        let selection = selection::fitting(&action.when, &mut self.pick);
        let launch = self.new_launch(id, selection);
        self.talk()?;
        let Some(mut talk) = self.talk.take() else {
            return Ok(String::new());
        };
        talk.turn(&launch, Weather::GoneAtFirst, &mut self.host);
        if talk.hang_up(self.patience.gone) {
            Ok("its process ends".to_owned())
        } else {
            let message = format!(
                "its process still runs {} after the host went away",
                in_words(self.patience.gone)
            );
            Err(Failure::new(FailureKind::TimedOut, message)
                .hint("end when stdin ends; the SDK's `serve` does so"))
        }
    }

    /// Launches on what the action is for, answers its forms, and reports its steps.
    fn whole_job(&mut self, id: &ActionId, selection: Vec<Entity>) -> Result<String, Failure> {
        let (mut launch, mut seen) = {
            let launch = self.new_launch(id, selection);
            let ended = self.turn(&launch, Weather::Fair)?;
            (launch, ended)
        };
        let mut told = vec![seen.words()];
        for _ in 0..ANSWERS {
            let Ended::Outcome(Outcome::Asks { view, state }) = seen else {
                break;
            };
            launch.values = view.initial_values();
            launch.state = state;
            seen = self.turn(&launch, Weather::Fair)?;
            told.push(seen.words());
        }
        if matches!(seen, Ended::Outcome(Outcome::Waits)) {
            told.push(self.reported(&mut launch)?);
        }
        Ok(told.join(", then "))
    }

    /// Tells how the steps ended: all of them done, and all of them failed.
    fn reported(&mut self, launch: &mut Launch) -> Result<String, Failure> {
        let Some(hand_over) = self.host.record.hand_overs.last().cloned() else {
            return Err(Failure::invalid("it waits for steps and handed none over")
                .hint("call `hand_over` before the turn ends with `waits`"));
        };
        launch.state = hand_over.state.clone();
        launch.steps = Some(report::ended(&hand_over, |_| None));
        let done = self.turn(launch, Weather::Fair)?.words();
        let refusal = Failure::new(FailureKind::Ftrack, "the server refused it");
        launch.steps = Some(report::ended(&hand_over, |_| Some(refusal.clone())));
        let failed = self.turn(launch, Weather::Fair)?.words();
        Ok(format!(
            "with its steps done {done}, with them failed {failed}"
        ))
    }

    fn launch(
        &mut self,
        id: &ActionId,
        selection: Vec<Entity>,
        weather: Weather,
    ) -> (Launch, Result<String, Failure>) {
        let launch = self.new_launch(id, selection);
        let ended = self.turn(&launch, weather).map(|ended| ended.words());
        (launch, ended)
    }

    fn new_launch(&mut self, id: &ActionId, selection: Vec<Entity>) -> Launch {
        self.jobs += 1;
        Launch {
            job: JobId::from(format!("trial-{}", self.jobs)),
            action: id.clone(),
            context: Context {
                surface: Surface::Cli,
                user: "trial".to_owned(),
                selection,
                dcc: None,
            },
            settings: self.host.launched_settings(),
            ..Launch::default()
        }
    }

    /// Runs a turn; after one that broke the protocol the next begins with a new process.
    fn turn(&mut self, launch: &Launch, weather: Weather) -> Result<Ended, Failure> {
        self.host.record.hand_overs.clear();
        self.talk()?;
        let Some(talk) = &mut self.talk else {
            return Err(Failure::new(FailureKind::Internal, "no process runs"));
        };
        let ended = talk.turn(launch, weather, &mut self.host);
        match ended {
            Ended::Broke(failure) => {
                self.talk = None;
                Err(failure)
            }
            ended => {
                ended.check(weather)?;
                Ok(ended)
            }
        }
    }

    fn talk(&mut self) -> Result<&mut Talk, Failure> {
        let talk = match self.talk.take() {
            Some(talk) => talk,
            None => Talk::begin((self.start)()?, &self.host.manifest, self.patience)?,
        };
        Ok(self.talk.insert(talk))
    }

    /// A plugin that uses what it does not declare would be refused by a real host.
    fn declared(&mut self, result: Result<String, Failure>) -> Result<String, Failure> {
        let undeclared = std::mem::take(&mut self.host.undeclared);
        if undeclared.is_empty() {
            return result;
        }
        let names: Vec<String> = undeclared.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("it uses what it does not declare: {}", names.join(", "));
        Err(Failure::denied(message).hint("add it to `permissions` in plugin.toml"))
    }
}

type Try = fn(&mut Trial, &Action, &ActionId) -> Result<String, Failure>;

/// What is tried with every action, in this order.
const TRIES: [(&str, Try); 7] = [
    ("launched on what it is for", Trial::ordinary),
    ("launched on what it is not for", Trial::unfitting),
    ("launched on a large selection", Trial::large),
    ("the host answers late", Trial::late),
    ("the host answers with failures", Trial::down),
    ("cancelled", Trial::cancelled),
    ("the host goes away", Trial::gone),
];
