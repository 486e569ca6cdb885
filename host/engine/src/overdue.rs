//! Processes that do not do in time what they have to: looked at, and then ended.

use callboard_protocol::{Failure, FailureKind};

use crate::Engine;
use crate::event::{Effect, ProcessEnd, ProcessId, Token};
use crate::waiting::{Overdue, Waiting};

/// How long it may take to look what an overdue process is doing, in milliseconds.
const EXAMINE_MS: u64 = 2_000;

impl Engine {
    /// A process did not do in time what it had to: before it is ended it is looked at, so that somebody can learn why.
    pub(crate) fn examine(&mut self, overdue: Overdue) {
        if !self.is_still(overdue) {
            return;
        }
        let (Overdue::Hello(process)
        | Overdue::Turn { process, .. }
        | Overdue::Cancel { process, .. }) = overdue;
        let token = self.token(Waiting::Examined(overdue));
        self.out.push(Effect::Examine { token, process });
        self.set_timer(EXAMINE_MS, Waiting::ExamineOver(token));
    }

    /// What an overdue process is doing was looked up, or took too long to look up: it is ended, if it is overdue still.
    pub(crate) fn examined(&mut self, token: Token, sentences: Vec<String>) {
        let Some(Waiting::Examined(overdue)) = self.waiting.remove(&token) else {
            return;
        };
        if !self.is_still(overdue) {
            return;
        }
        match overdue {
            Overdue::Hello(id) => {
                self.kill(id);
                let how = "it did not say hello in time";
                let plugin = self.plugin_of(id);
                let failure = Failure::new(
                    FailureKind::Plugin,
                    format!("`{plugin}` was stopped because {how}"),
                )
                .hint("retry, or tell the plugin's author");
                self.process_lost(id, failure, how, sentences);
                self.pump(&plugin);
            }
            Overdue::Turn { process: id, .. } => {
                self.kill(id);
                let failure = Failure::new(
                    FailureKind::TimedOut,
                    format!("`{}` did not finish in time", self.plugin_of(id)),
                )
                .hint("retry, or give it more time with `limits.turn_secs` in its plugin.toml");
                self.process_lost(id, failure, "a turn of it took too long", sentences);
            }
            Overdue::Cancel { process: id, .. } => {
                self.kill(id);
                let plugin = self.plugin_of(id);
                if let Some(entry) = self.catalog.plugin_mut(&plugin) {
                    let message = format!("`{plugin}` went on after it was cancelled");
                    let mut problem = Failure::new(FailureKind::Plugin, message);
                    problem.causes = sentences;
                    entry.health.problem = Some(problem);
                }
                self.process_ended(id, ProcessEnd::Stopped);
            }
        }
    }

    fn is_still(&self, overdue: Overdue) -> bool {
        match overdue {
            Overdue::Hello(id) => self
                .processes
                .get(&id)
                .is_some_and(|process| !process.ready),
            Overdue::Turn { process, turn } | Overdue::Cancel { process, turn } => {
                self.runs_turn(process, turn)
            }
        }
    }

    /// Tells whether a process still runs this very turn.
    fn runs_turn(&self, id: ProcessId, turn: u64) -> bool {
        let process = self.processes.get(&id);
        let running = process.and_then(|process| process.turn.as_ref());
        running.is_some_and(|running| running.number == turn)
    }
}
