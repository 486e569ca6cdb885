//! Services that the engine only lets through: it decides whether a plugin may, and somebody else does it.

use callboard_protocol::{
    EventsPublish, Failure, FailureKind, FtrackCall, FtrackDownload, HostMethod, HttpRequest,
    JobId, JobsAttach, MAX_SECRET_BYTES, MAX_STORED_BYTES, Manifest, Open, PluginId, Progress,
    QueryPage, SecretGet, SecretPut, StoreAppend, StoreEntries, StoreGet, StoreKeys, StorePut,
    StoreSwap, StoreTrim,
};
use serde_json::Value;

use crate::event::{Effect, ProcessId, Token};
use crate::process::Turn;
use crate::waiting::{Service, Waiting};
use crate::{Engine, permission, turn};

/// The longest name of a file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 200;

/// The longest key of something stored and the longest name of a log, in bytes.
const MAX_KEY_BYTES: usize = 512;

/// Who asks for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The plugin.
    pub plugin: PluginId,
    /// The job whose turn it runs.
    pub job: JobId,
}

/// What a service is to do, for a plugin that may ask for it.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceRequest {
    /// Rows of a query; answered with [`QueryRows`](callboard_protocol::QueryRows).
    QueryPage(QueryPage),
    /// Operations that are carried out at once; answered with [`FtrackCalled`](callboard_protocol::FtrackCalled).
    FtrackCall(FtrackCall),
    /// A file of ftrack's; answered with [`FetchedFile`](callboard_protocol::FetchedFile).
    FtrackDownload(FtrackDownload),
    /// Something of a web server's; answered with [`HttpAnswer`](callboard_protocol::HttpAnswer).
    Http {
        /// What.
        request: HttpRequest,
        /// The hosts that the plugin may ask, as its manifest names them.
        hosts: Vec<String>,
    },
    /// Open something where the person is; answered with `{}`.
    Open(Open),
    /// A secret of the plugin's; answered with [`SecretValue`](callboard_protocol::SecretValue).
    SecretGet(SecretGet),
    /// Keep a secret, or remove it; answered with [`SecretKept`](callboard_protocol::SecretKept).
    SecretPut(SecretPut),
    /// The job's folder, made if it is not there; answered with [`JobFolder`](callboard_protocol::JobFolder).
    JobFolder,
    /// A file of the job's folder; answered with [`AttachedFile`](callboard_protocol::AttachedFile).
    Attach(JobsAttach),
    /// An event, which was checked; answered with [`Replies`](callboard_protocol::Replies).
    Publish(EventsPublish),
}

/// What a plugin asks of its store.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreRequest {
    /// A value; answered with [`StoreValue`](callboard_protocol::StoreValue).
    Get(StoreGet),
    /// Store a value; answered with `{}`.
    Put(StorePut),
    /// Store a value in the place of the expected one; answered with [`StoreSwapped`](callboard_protocol::StoreSwapped).
    Swap(StoreSwap),
    /// Keys; answered with [`StoredKeys`](callboard_protocol::StoredKeys).
    Keys(StoreKeys),
    /// Append an entry to a log; answered with [`StoreAppended`](callboard_protocol::StoreAppended).
    Append(StoreAppend),
    /// Entries of a log; answered with [`StoredEntries`](callboard_protocol::StoredEntries).
    Entries(StoreEntries),
    /// Remove the oldest entries of a log; answered with `{}`.
    Trim(StoreTrim),
}

impl StoreRequest {
    /// Reads what a plugin asks of its store; none where it asks for something else.
    fn read(method: HostMethod, params: &Value) -> Option<Result<Self, Failure>> {
        let name = method.name();
        let request = match method {
            HostMethod::StoreGet => turn::read(name, params.clone()).map(Self::Get),
            HostMethod::StorePut => turn::read(name, params.clone()).map(Self::Put),
            HostMethod::StoreSwap => turn::read(name, params.clone()).map(Self::Swap),
            HostMethod::StoreKeys => turn::read(name, params.clone()).map(Self::Keys),
            HostMethod::StoreAppend => turn::read(name, params.clone()).map(Self::Append),
            HostMethod::StoreEntries => turn::read(name, params.clone()).map(Self::Entries),
            HostMethod::StoreTrim => turn::read(name, params.clone()).map(Self::Trim),
            _ => return None,
        };
        Some(request.and_then(|request| request.check().map(|()| request)))
    }

    /// Checks names and sizes.
    fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Get(get) => check_name("key", &get.key),
            Self::Put(put) => check_name("key", &put.key).and_then(|()| check_value(&put.value)),
            Self::Swap(swap) => check_name("key", &swap.key)
                .and_then(|()| check_value(&swap.value))
                .and_then(|()| check_value(&swap.expected)),
            Self::Keys(_) => Ok(()),
            Self::Append(append) => check_name("log's name", &append.log)
                .and_then(|()| append.key.iter().try_for_each(|key| check_name("key", key)))
                .and_then(|()| check_value(&append.value)),
            Self::Entries(entries) => check_name("log's name", &entries.log),
            Self::Trim(trim) => check_name("log's name", &trim.log),
        }
    }
}

impl ServiceRequest {
    /// Reads what a plugin asks and checks that it may; none where no service is asked.
    fn read(
        method: HostMethod,
        params: Value,
        manifest: &Manifest,
        batch_operations: usize,
    ) -> Option<Result<Self, Failure>> {
        let name = method.name();
        Some(match method {
            HostMethod::QueryPage => turn::read(name, params).map(Self::QueryPage),
            HostMethod::FtrackCall => turn::read(name, params).and_then(|call: FtrackCall| {
                check_call(&call, batch_operations)?;
                for operation in &call.operations {
                    permission::check_operation(manifest, operation)?;
                }
                Ok(Self::FtrackCall(call))
            }),
            HostMethod::FtrackDownload => {
                turn::read(name, params).and_then(|download: FtrackDownload| {
                    check_file_name(&download.name)?;
                    Ok(Self::FtrackDownload(download))
                })
            }
            HostMethod::HttpRequest => turn::read(name, params).and_then(|request: HttpRequest| {
                request
                    .file
                    .iter()
                    .try_for_each(|file| check_file_name(file))?;
                let hosts = permission::declared_hosts(manifest)?;
                Ok(Self::Http { request, hosts })
            }),
            HostMethod::Open => turn::read(name, params).map(Self::Open),
            HostMethod::SecretGet => turn::read(name, params).and_then(|get: SecretGet| {
                check_name("key", &get.key)?;
                Ok(Self::SecretGet(get))
            }),
            HostMethod::SecretPut => turn::read(name, params).and_then(|put: SecretPut| {
                check_name("key", &put.key)?;
                check_secret(&put)?;
                Ok(Self::SecretPut(put))
            }),
            HostMethod::JobFolder => Ok(Self::JobFolder),
            HostMethod::EventsPublish => turn::read(name, params).map(Self::Publish),
            _ => return None,
        })
    }

    /// Tells whether it may be given up when nobody waits for it any more: not where it changes something.
    fn may_be_abandoned(&self) -> bool {
        match self {
            Self::QueryPage(_) | Self::FtrackDownload(_) => true,
            Self::SecretGet(_) => true,
            Self::Http { request, .. } => {
                let method = request.method.as_deref().unwrap_or("GET");
                method.eq_ignore_ascii_case("GET") || method.eq_ignore_ascii_case("HEAD")
            }
            Self::Attach(_)
            | Self::FtrackCall(_)
            | Self::JobFolder
            | Self::Open(_)
            | Self::SecretPut(_)
            | Self::Publish(_) => false,
        }
    }
}

impl Engine {
    /// Has a service do what a plugin asks for.
    pub(crate) fn ask_service(
        &mut self,
        turn: &Turn,
        service: Service,
        method: HostMethod,
        params: Value,
    ) -> Result<(), Failure> {
        let plugin = self.plugin_of(service.process);
        if let Some(request) = StoreRequest::read(method, &params) {
            let request = request?;
            let token = self.token(Waiting::Service(service));
            self.out.push(Effect::Store {
                token,
                plugin,
                request,
            });
            return Ok(());
        }
        let entry = self.catalog.plugin(&plugin).ok_or_else(|| {
            Failure::denied("the plugin is not installed any more").hint("install it and retry")
        })?;
        let batch = self.config.batch_operations;
        let request = ServiceRequest::read(method, params, &entry.manifest, batch)
            .ok_or_else(|| {
                Failure::invalid(format!("`{}` is told, not asked", method.name()))
                    .hint("send it without an id")
            })
            .flatten()?;
        let asker = Asker {
            plugin,
            job: turn.job.clone(),
        };
        let token = self.token(if request.may_be_abandoned() {
            Waiting::Abandonable(service)
        } else {
            Waiting::Service(service)
        });
        self.out.push(Effect::Serve {
            token,
            asker,
            request,
        });
        Ok(())
    }

    /// A service has got on with what it does: that is its job's progress.
    pub(crate) fn service_advanced(&mut self, token: Token, progress: Progress) {
        if let Some(Waiting::Abandonable(service) | Waiting::Service(service)) =
            self.waiting.get(&token)
            && let Some(process) = self.processes.get(&service.process)
            && let Some(turn) = &process.turn
            && turn.number == service.turn
        {
            let job = turn.job.clone();
            self.progressed(&job, progress);
        }
    }

    /// A turn is over: what it asked for and nobody waits for any more is given up.
    pub(crate) fn abandon_services(&mut self, process: ProcessId, turn: u64) {
        self.stop_listening(process);
        let of_turn = |waiting: &Waiting| {
            matches!(waiting, Waiting::Abandonable(service)
                if service.process == process && service.turn == turn)
        };
        let abandoned: Vec<Token> = self
            .waiting
            .extract_if(|_, waiting| of_turn(waiting))
            .map(|(token, _)| token)
            .collect();
        for token in abandoned {
            self.out.push(Effect::Abandon { token });
        }
    }
}

/// Checks what can be checked of a call before it is sent.
fn check_call(call: &FtrackCall, batch_operations: usize) -> Result<(), Failure> {
    if call.operations.is_empty() {
        return Err(Failure::invalid("a call needs at least one operation"));
    }
    if call.operations.len() > batch_operations {
        return Err(Failure::new(
            FailureKind::Limit,
            format!("a call may have {batch_operations} operations at most"),
        )
        .hint("make several calls, or hand the work over as steps"));
    }
    if call.operations.iter().any(crate::steps::is_nameless) {
        return Err(Failure::invalid(
            "a call has an operation without entity type or id",
        ));
    }
    Ok(())
}

/// Checks that a plugin names a file in its job's folder and none elsewhere.
pub(crate) fn check_file_name(name: &str) -> Result<(), Failure> {
    let is_plain = !name.is_empty()
        && name.len() <= MAX_FILE_NAME_BYTES
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':', '\0']);
    if is_plain {
        return Ok(());
    }
    Err(
        Failure::invalid(format!("`{name}` cannot be the name of a file"))
            .hint("give a name without folders, such as `plate.exr`"),
    )
}

fn check_name(what: &str, name: &str) -> Result<(), Failure> {
    if (1..=MAX_KEY_BYTES).contains(&name.len()) {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "a {what} must have between 1 and {MAX_KEY_BYTES} bytes"
    )))
}

fn check_value(value: &Value) -> Result<(), Failure> {
    let bytes = value.to_string().len();
    if bytes <= MAX_STORED_BYTES {
        return Ok(());
    }
    let message = format!("the value has {bytes} bytes, more than {MAX_STORED_BYTES}");
    Err(Failure::new(FailureKind::Limit, message)
        .hint("store it in parts, or as a file of the plugin's own"))
}

fn check_secret(put: &SecretPut) -> Result<(), Failure> {
    match &put.value {
        Some(secret) if secret.0.len() > MAX_SECRET_BYTES => Err(Failure::new(
            FailureKind::Limit,
            format!("a secret may have {MAX_SECRET_BYTES} bytes at most"),
        )),
        _ => Ok(()),
    }
}
