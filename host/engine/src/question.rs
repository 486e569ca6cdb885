//! Questions: a job that asks several times in a row, and going back to the one before.

use callboard_protocol::{Control, Failure, FailureKind, JobBack, JobId, JobState, View};
use serde_json::{Map, Value};

use crate::Engine;
use crate::event::{Earlier, Reply, RequestId};
use crate::job::Job;
use crate::turn::json_bytes;
use crate::waiting::AfterKept;

/// How many questions back a person can go.
const MAX_EARLIER: usize = 16;

/// How much is kept to go back to, in bytes of its JSON; the earliest is forgotten first.
const MAX_EARLIER_BYTES: usize = 1024 * 1024;

impl Job {
    /// Asks with a view. One in which something is wrong is the question that was just answered, asked again.
    pub(crate) fn ask(&mut self, view: View) {
        if view.items.iter().any(|item| item.error.is_some()) {
            self.earlier.pop();
        }
        self.show(view);
    }

    fn show(&mut self, mut view: View) {
        view.back &= !self.earlier.is_empty();
        self.secrets
            .extend(view.password_names().map(str::to_owned));
        self.question += 1;
        self.forget_draft();
        self.view = Some(view);
    }

    /// Remembers the question that is answered, with the answer, so that it can be gone back to.
    pub(crate) fn remember_question(&mut self, values: &Map<String, Value>) {
        let Some(mut view) = self.view.clone() else {
            return;
        };
        for item in view.items.iter_mut().filter(|item| item.has_value()) {
            item.error = None;
            item.value = match values.get(&item.name) {
                Some(value) if item.control != Control::Password => value.clone(),
                _ => Value::Null,
            };
        }
        let state = self.launch.state.clone();
        self.earlier.push(Earlier { view, state });
        let mut sizes = self
            .earlier
            .iter()
            .map(|earlier| json_bytes(&crate::turn::as_json(earlier)));
        let sizes: Vec<usize> = sizes.by_ref().collect();
        let mut bytes: usize = sizes.iter().sum();
        let mut surplus = sizes.len().saturating_sub(MAX_EARLIER);
        bytes -= sizes.iter().take(surplus).sum::<usize>();
        while bytes > MAX_EARLIER_BYTES && surplus < sizes.len() {
            bytes -= sizes[surplus];
            surplus += 1;
        }
        self.earlier.drain(..surplus);
    }
}

impl Engine {
    /// Asks the question before again, as it was answered. No plugin runs for it.
    pub(crate) fn go_back(&mut self, request: RequestId, back: &JobBack) {
        let id = &back.job;
        let Some(job) = self.require_own_job(request, id) else {
            return;
        };
        let label = job.summary.label.clone();
        let may_go = match job.check_question(back.question) {
            Ok(view) => view.back,
            Err(failure) => return self.refuse(request, failure),
        };
        let Some(earlier) = job.earlier.pop_if(|_| may_go) else {
            let message = format!("`{label}` does not go back from here");
            let failure = Failure::new(FailureKind::Conflict, message)
                .hint("answer it, or cancel it and begin again");
            return self.refuse(request, failure);
        };
        job.launch.state = earlier.state;
        job.show(earlier.view);
        self.drop_change(id);
        self.change_job(id, JobState::Asks, "waits for an answer");
        let rows = self.job_row(id);
        let job = id.clone();
        self.keep(rows, AfterKept::WentBack { job, request });
    }

    /// The question before is asked again and on disk, or that could not be written.
    pub(crate) fn went_back(
        &mut self,
        id: &JobId,
        request: RequestId,
        result: Result<(), Failure>,
    ) {
        match (result, self.jobs.get(id)) {
            (Err(failure), _) => self.refuse(request, failure),
            (Ok(()), Some(job)) => {
                let detail = Box::new(job.detail());
                self.reply(request, Reply::Job(detail));
            }
            (Ok(()), None) => self.refuse(request, crate::ask::no_such_job(id)),
        }
    }
}
