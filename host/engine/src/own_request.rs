//! Launches that nobody at a surface asked for: an event or another job did.

use callboard_protocol::{JobId, PluginId};

use crate::Engine;
use crate::event::{AskLaunch, Effect, Reply, RequestId};
use crate::waiting::{Service, Waiting};

/// Requests from here on are the engine's own; surfaces count theirs from 1.
const FIRST: u64 = 1 << 63;

/// Why the engine asks itself.
#[derive(Debug)]
pub(crate) enum OwnRequest {
    /// A turn launches an action as a child, or waits for one.
    Child { service: Service },
    /// A turn has a child that failed run again.
    ChildAgain {
        service: Service,
        child: JobId,
        wait_ms: Option<u64>,
    },
    /// Events launch an action.
    Subscription { plugin: PluginId, id: String },
}

/// A launch that waits for the id of its job.
#[derive(Debug)]
pub(crate) struct OwnLaunch {
    pub(crate) launch: AskLaunch,
    pub(crate) request: OwnRequest,
}

impl Engine {
    /// Launches an action without a surface, once somebody has given the job an id.
    pub(crate) fn launch_own(&mut self, own: OwnLaunch) {
        let token = self.token(Waiting::JobId(Box::new(own)));
        self.out.push(Effect::GiveJobId { token });
    }

    pub(crate) fn job_id_given(&mut self, own: OwnLaunch, job: JobId) {
        let OwnLaunch { launch, request } = own;
        let id = self.own_request(request);
        self.launch(id, AskLaunch { job, ..launch });
    }

    /// Gives a request of the engine's own a number.
    pub(crate) fn own_request(&mut self, request: OwnRequest) -> RequestId {
        self.last_own_request += 1;
        let id = RequestId(FIRST + self.last_own_request);
        self.own_requests.insert(id, request);
        id
    }

    /// Takes the answer to what the engine asked itself.
    pub(crate) fn answer_own(&mut self, own: OwnRequest, reply: Reply) {
        match own {
            OwnRequest::Child { service } => self.child_job_answered(&service, reply),
            OwnRequest::ChildAgain {
                service,
                child,
                wait_ms,
            } => self.child_runs_again(service, &child, wait_ms, reply),
            OwnRequest::Subscription { plugin, id } => self.events_launched(&plugin, &id, reply),
        }
    }
}
