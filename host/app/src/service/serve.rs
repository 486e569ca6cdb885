//! Does what plugins ask of services, each in a task of its own, and gives up what nobody waits for any more.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_protocol::{Failure, FailureKind, Progress};
use engine::{Asker, Event, ServiceRequest, Token};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::http::Web;
use super::job_folders::{JobFolders, Unfinished};
use super::{Server, attach, call, download, events, http, open, query, secret};
use crate::engine_thread::EngineHandle;
use crate::settings::Secrets;
use crate::supervisor::Supervisor;
use crate::surface::bus::Applications;

/// How many files may be on their way at once.
const TRANSFERS: usize = 4;

/// What services need to do their work.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) engine: EngineHandle,
    pub(crate) server: Server,
    pub(crate) folders: JobFolders,
    pub(crate) outside: Outside,
    /// Room for files on their way.
    pub(super) transfers: Arc<Semaphore>,
    under_way: UnderWay,
}

/// What services reach beside the server.
#[derive(Clone)]
pub(crate) struct Outside {
    /// The event hub, while there is one.
    pub(crate) hub: watch::Receiver<Option<ftrack::EventHub>>,
    /// The bus.
    pub(crate) applications: Applications,
    /// Web servers.
    pub(crate) web: Web,
    /// The person's desktop.
    pub(crate) supervisor: Supervisor,
    /// Where secrets are kept.
    pub(crate) secrets: Secrets,
}

/// One request that is being served.
pub(super) struct Serving<'a> {
    pub(super) services: &'a Services,
    pub(super) asker: &'a Asker,
    token: Token,
}

impl Serving<'_> {
    /// Says how far it is.
    pub(super) async fn advance(&self, progress: Progress) {
        let token = self.token;
        let event = Event::ServiceAdvanced { token, progress };
        self.services.engine.tell(event).await;
    }

    /// Gives the job a file that is whole.
    pub(super) async fn give(
        &self,
        unfinished: Unfinished,
        name: &str,
    ) -> Result<PathBuf, Failure> {
        let folders = self.services.folders.clone();
        let (asker, name) = (self.asker.clone(), name.to_owned());
        let given = tokio::task::spawn_blocking(move || folders.give(&unfinished, &asker, &name));
        given.await.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::Unavailable, "the host is ending")
                .hint("start it again and retry"))
        })
    }
}

/// The tasks that are under way, by token.
#[derive(Clone, Default)]
struct UnderWay {
    tasks: Arc<Mutex<HashMap<Token, AbortHandle>>>,
}

impl UnderWay {
    fn tasks(&self) -> MutexGuard<'_, HashMap<Token, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services {
    /// Makes the services.
    pub(crate) fn new(
        engine: EngineHandle,
        server: Server,
        folders: JobFolders,
        outside: Outside,
    ) -> Self {
        Self {
            engine,
            server,
            folders,
            outside,
            transfers: Arc::new(Semaphore::new(TRANSFERS)),
            under_way: UnderWay::default(),
        }
    }

    /// Gives up what was asked for with `token`, if it is still under way.
    pub(crate) fn abandon(&self, token: Token) {
        if let Some(task) = self.under_way.tasks().remove(&token) {
            task.abort();
        }
    }

    /// Begins what a plugin asks for; the engine is told what came of it.
    pub(crate) fn begin(&self, token: Token, asker: Asker, request: ServiceRequest) {
        let services = self.clone();
        // Held until the task is in the table, so that it does not end before.
        let mut tasks = self.under_way.tasks();
        let task = self.engine.runtime().spawn(async move {
            let serving = Serving {
                services: &services,
                asker: &asker,
                token,
            };
            let result = serving.serve(request).await;
            services.under_way.tasks().remove(&token);
            services.engine.tell(Event::Served { token, result }).await;
        });
        tasks.insert(token, task.abort_handle());
    }
}

impl Serving<'_> {
    async fn serve(&self, request: ServiceRequest) -> Result<Value, Failure> {
        let server = &self.services.server;
        match request {
            ServiceRequest::QueryPage(page) => answer(query::page(server, &page).await?),
            ServiceRequest::FtrackCall(asked) => {
                answer(call::at_once(server, &asked.operations).await?)
            }
            ServiceRequest::FtrackDownload(asked) => {
                answer(download::download(self, &asked).await?)
            }
            ServiceRequest::Attach(asked) => answer(attach::attach(self, asked.name).await?),
            ServiceRequest::Publish(asked) => answer(events::publish(self.services, asked).await?),
            ServiceRequest::Http { request, hosts } => {
                answer(http::request(self, &request, &hosts).await?)
            }
            ServiceRequest::Open(asked) => {
                open::open(&self.services.outside.supervisor, &asked).await?;
                Ok(json!({}))
            }
            ServiceRequest::SecretGet(asked) => {
                answer(secret::get(&self.services.outside.secrets, self.asker, asked).await?)
            }
            ServiceRequest::SecretPut(asked) => {
                answer(secret::put(&self.services.outside.secrets, self.asker, asked).await?)
            }
            ServiceRequest::JobFolder => answer(self.services.folders.of_job(self.asker)?),
        }
    }
}

fn answer(answer: impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|error| {
        Failure::new(FailureKind::Internal, "could not write the answer").caused_by(&error)
    })
}
