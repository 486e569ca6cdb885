//! Jobs of jobs: children that a turn launches, and files that it attaches.

use callboard_protocol::{
    AttachedFile, ChildJob, Context, Failure, FailureKind, JobDetail, JobId, JobState, JobsAttach,
    JobsLaunch, Surface,
};
use serde_json::Value;

use crate::Engine;
use crate::event::{AskLaunch, Effect, Reply, RequestId};
use crate::own_request::{OwnLaunch, OwnRequest};
use crate::process::Turn;
use crate::service::{Asker, ServiceRequest, check_file_name};
use crate::turn::as_json;
use crate::waiting::{AfterKept, Service, Waiting};

/// How many jobs may stand above one another.
const MAX_DEPTH: usize = 4;

/// How many children a job may have.
const MAX_CHILDREN: usize = 32;

/// How many files a job may have attached.
const MAX_FILES: usize = 100;

/// The longest key of a child, in bytes.
const MAX_KEY_BYTES: usize = 200;

/// The longest that a turn may wait for a child at once, in seconds.
const MAX_WAIT_SECS: f64 = 60.0;

impl Engine {
    /// Launches an action as a child of the turn's job, or finds the child that the key names.
    pub(crate) fn launch_child(
        &mut self,
        turn: &Turn,
        service: Service,
        ask: JobsLaunch,
    ) -> Result<(), Failure> {
        if ask.key.is_empty() || ask.key.len() > MAX_KEY_BYTES {
            return Err(Failure::invalid(format!(
                "the key of a child must have between 1 and {MAX_KEY_BYTES} bytes"
            )));
        }
        if ask
            .wait_secs
            .is_some_and(|secs| !(0.0..=MAX_WAIT_SECS).contains(&secs))
        {
            return Err(Failure::invalid(format!(
                "a wait must be between 0 and {MAX_WAIT_SECS} seconds"
            ))
            .hint("ask again with the same key to wait longer"));
        }
        let wait_ms = ask.wait_secs.map(|secs| (secs * 1000.0) as u64);
        if let Some(child) = self.child_by_key(&turn.job, &ask.key) {
            return self.meet_child(service, &child, &ask, wait_ms);
        }
        self.check_child(turn, &ask)?;
        let parent = self
            .jobs
            .get(&turn.job)
            .ok_or_else(|| Failure::new(FailureKind::Internal, "the job is gone"))?;
        let context = Context {
            surface: Surface::Event,
            user: parent.summary.user.clone(),
            selection: ask.selection,
            // The same person sits before the same application.
            dcc: parent.launch.context.dcc.clone(),
        };
        let launch = AskLaunch {
            action: ask.action,
            context,
            values: ask.values,
            parent: Some((turn.job.clone(), ask.key)),
            wait_ms,
            ..AskLaunch::default()
        };
        let request = OwnRequest::Child { service };
        self.launch_own(OwnLaunch { launch, request });
        Ok(())
    }

    fn child_by_key(&self, parent: &JobId, key: &str) -> Option<JobId> {
        let is_it = |job: &&crate::job::Job| {
            job.parent
                .as_ref()
                .is_some_and(|(of, named)| of == parent && named == key)
        };
        self.jobs
            .values()
            .find(is_it)
            .map(|job| job.summary.id.clone())
    }

    /// Answers with a child that is there already, once it rests; one that failed is run again first.
    fn meet_child(
        &mut self,
        service: Service,
        child: &JobId,
        ask: &JobsLaunch,
        wait_ms: Option<u64>,
    ) -> Result<(), Failure> {
        let Some(job) = self.jobs.get(child) else {
            return Err(Failure::new(FailureKind::Internal, "the child is gone"));
        };
        if job.summary.action != ask.action {
            let message = format!(
                "the key `{}` is that of a child that does `{}`",
                ask.key, job.summary.action
            );
            return Err(Failure::new(FailureKind::Conflict, message)
                .hint("give each child a key of its own"));
        }
        let is_lost = matches!(job.summary.state, JobState::Failed | JobState::Cancelled);
        if is_lost {
            let again = OwnRequest::ChildAgain {
                service,
                child: child.clone(),
                wait_ms,
            };
            let request = self.own_request(again);
            self.retry(request, child);
        } else {
            self.wait_for_child(service, child, wait_ms);
        }
        Ok(())
    }

    fn wait_for_child(&mut self, service: Service, child: &JobId, wait_ms: Option<u64>) {
        let request: RequestId = self.own_request(OwnRequest::Child { service });
        match wait_ms {
            Some(wait_ms) => self.wait_for_job(request, child, wait_ms),
            None => self.reply(request, Reply::Launched(child.clone())),
        }
    }

    /// Refuses what would go on for ever.
    fn check_child(&mut self, turn: &Turn, ask: &JobsLaunch) -> Result<(), Failure> {
        let mut above = Vec::new();
        let mut next = Some(turn.job.clone());
        while let Some(job) = next.and_then(|id| self.jobs.get(&id)) {
            if above.len() > MAX_DEPTH {
                break;
            }
            above.push(job);
            next = job.parent.as_ref().map(|(parent, _)| parent.clone());
        }
        if above.iter().any(|job| job.summary.action == ask.action) {
            let message = format!("`{}` would go in circles: it is above already", ask.action);
            return Err(Failure::new(FailureKind::Conflict, message)
                .hint("launch another action, or do the work in this one"));
        }
        let limit = |message: String| Failure::new(FailureKind::Limit, message);
        if above.len() >= MAX_DEPTH {
            return Err(
                limit(format!("{MAX_DEPTH} jobs stand above one another already"))
                    .hint("let a job further up launch it"),
            );
        }
        let is_child = |of: Option<&(JobId, String)>| of.is_some_and(|(of, _)| *of == turn.job);
        let children = self
            .jobs
            .values()
            .filter(|job| is_child(job.parent.as_ref()));
        if children.count() >= MAX_CHILDREN {
            return Err(
                limit(format!("the job has {MAX_CHILDREN} children already"))
                    .hint("give one child more to do"),
            );
        }
        let is_it = |parent: Option<&(JobId, String)>| {
            parent.is_some_and(|(of, key)| *of == turn.job && *key == ask.key)
        };
        let is_waiting = self.waiting.values().any(|waiting| match waiting {
            Waiting::JobId(own) => is_it(own.launch.parent.as_ref()),
            Waiting::LaunchFacts(pending) => is_it(pending.parent()),
            _ => false,
        });
        let mut asked = self.connect.pending_launches();
        let is_coming = is_waiting || asked.any(|pending| is_it(pending.parent()));
        drop(asked);
        if is_coming {
            return Err(
                Failure::new(FailureKind::Conflict, "the child is being launched already")
                    .hint("wait for the answer"),
            );
        }
        let plugin = ask.action.plugin();
        let is_own = above
            .first()
            .is_some_and(|job| job.summary.action.plugin() == plugin);
        let jobs = self
            .catalog
            .plugin(&plugin)
            .map(|entry| entry.manifest.jobs);
        if is_own && ask.wait_secs.is_some() && jobs == Some(1) {
            let message = format!("`{plugin}` runs one job at a time and would wait for itself");
            return Err(Failure::new(FailureKind::Conflict, message)
                .hint("set `jobs` in plugin.toml to 2 or more, or do not wait"));
        }
        Ok(())
    }

    /// Takes what became of a launch that a turn asked for.
    pub(crate) fn child_job_answered(&mut self, service: &Service, reply: Reply) {
        let result = match reply {
            Reply::Job(detail) => Ok(as_json(&child_of(*detail))),
            Reply::Launched(id) => match self.jobs.get(&id) {
                Some(job) => Ok(as_json(&child_of(job.detail()))),
                None => Err(Failure::new(FailureKind::Internal, "the child is gone")),
            },
            Reply::Failed(failure) => Err(failure),
            _ => Err(Failure::new(
                FailureKind::Internal,
                "the child is not known",
            )),
        };
        self.serve(service, result);
    }

    /// A child that failed runs again, or does not.
    pub(crate) fn child_runs_again(
        &mut self,
        service: Service,
        child: &JobId,
        wait_ms: Option<u64>,
        reply: Reply,
    ) {
        match reply {
            Reply::Failed(failure) => self.serve(&service, Err(failure)),
            _ => self.wait_for_child(service, child, wait_ms),
        }
    }

    /// Returns the children of a job, oldest first.
    pub(crate) fn children_of(&self, parent: &JobId) -> Vec<JobId> {
        let is_child = |job: &&crate::job::Job| {
            let of = job.parent.as_ref();
            of.is_some_and(|(of, _)| of == parent)
        };
        let mut children: Vec<_> = self
            .jobs
            .values()
            .filter(is_child)
            .map(|job| (job.summary.created_ms, job.summary.id.clone()))
            .collect();
        children.sort();
        children.into_iter().map(|(_, id)| id).collect()
    }

    /// A job was cancelled, and so is what it launched.
    pub(crate) fn cancel_children(&mut self, parent: &JobId) {
        for child in self.children_of(parent) {
            let has_ended = |job: &crate::job::Job| job.summary.state.has_ended();
            if !self.jobs.get(&child).is_none_or(has_ended) {
                self.cancel_job(&child);
            }
        }
    }

    /// Attaches a file in the job's folder to the turn's job.
    pub(crate) fn attach(
        &mut self,
        turn: &Turn,
        service: Service,
        ask: JobsAttach,
    ) -> Result<(), Failure> {
        check_file_name(&ask.name)?;
        let files = self.jobs.get(&turn.job).map_or(0, |job| job.files.len());
        if files >= MAX_FILES {
            return Err(Failure::new(
                FailureKind::Limit,
                format!("the job has {MAX_FILES} files already"),
            )
            .hint("put several into an archive"));
        }
        let asker = Asker {
            plugin: self.plugin_of(service.process),
            job: turn.job.clone(),
        };
        let job = turn.job.clone();
        let token = self.token(Waiting::Attaching { job, service });
        self.out.push(Effect::Serve {
            token,
            asker,
            request: ServiceRequest::Attach(ask),
        });
        Ok(())
    }

    /// A file was looked at, or could not be.
    pub(crate) fn attached(
        &mut self,
        id: &JobId,
        service: Service,
        result: Result<Value, Failure>,
    ) {
        let file = result.and_then(|value| {
            serde_json::from_value::<AttachedFile>(value).map_err(|error| {
                Failure::new(FailureKind::Internal, "the file is not known").caused_by(&error)
            })
        });
        let (file, job) = match (file, self.jobs.get_mut(id)) {
            (Ok(file), Some(job)) => (file, job),
            (Err(failure), _) => return self.serve(&service, Err(failure)),
            (Ok(_), None) => return,
        };
        job.files.retain(|known| known.name != file.name);
        job.files.push(file.clone());
        let rows = self.job_row(id);
        self.keep(rows, AfterKept::Attached { service, file });
    }
}

fn child_of(detail: JobDetail) -> ChildJob {
    ChildJob {
        job: detail.summary.id,
        state: detail.summary.state,
        message: detail.summary.message,
        output: detail.output,
        failure: detail.failure,
    }
}
