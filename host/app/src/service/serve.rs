//! Does what plugins ask of services, each in a task of its own, and gives up what nobody waits for any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_protocol::{Failure, FailureKind};
use engine::{Asker, Event, ServiceRequest, Token};
use serde::Serialize;
use serde_json::Value;
use tokio::task::AbortHandle;

use super::{Server, call, query};
use crate::engine_thread::EngineHandle;

/// What services need to do their work.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) engine: EngineHandle,
    pub(crate) server: Server,
    /// What is being done, to be given up.
    pub(crate) under_way: UnderWay,
}

/// The tasks that are under way, by token.
#[derive(Clone, Default)]
pub(crate) struct UnderWay {
    tasks: Arc<Mutex<HashMap<Token, AbortHandle>>>,
}

impl UnderWay {
    fn tasks(&self) -> MutexGuard<'_, HashMap<Token, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up what was asked for with `token`, if it is still under way.
    pub(crate) fn abandon(&self, token: Token) {
        if let Some(task) = self.tasks().remove(&token) {
            task.abort();
        }
    }
}

impl Services {
    /// Begins what a plugin asks for; the engine is told what came of it.
    pub(crate) fn begin(&self, token: Token, asker: Asker, request: ServiceRequest) {
        let services = self.clone();
        // Held until the task is in the table, so that it does not end before.
        let mut tasks = self.under_way.tasks();
        let task = self.engine.runtime().spawn(async move {
            let result = services.serve(token, &asker, request).await;
            services.under_way.tasks().remove(&token);
            services.engine.tell(Event::Served { token, result }).await;
        });
        tasks.insert(token, task.abort_handle());
    }

    async fn serve(
        &self,
        _token: Token,
        _asker: &Asker,
        request: ServiceRequest,
    ) -> Result<Value, Failure> {
        match request {
            ServiceRequest::QueryPage(page) => answer(query::page(&self.server, &page).await?),
            ServiceRequest::FtrackCall(asked) => {
                answer(call::at_once(&self.server, &asked.operations).await?)
            }
        }
    }
}

fn answer(answer: impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|error| {
        Failure::new(FailureKind::Internal, "could not write the answer").caused_by(&error)
    })
}
