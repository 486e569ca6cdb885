//! Services that the engine only lets through: it decides whether a plugin may, and somebody else does it.

use callboard_protocol::{
    Failure, FailureKind, FtrackCall, FtrackDownload, HostMethod, JobId, Manifest, PluginId,
    Progress, QueryPage,
};
use serde_json::Value;

use crate::event::{Effect, ProcessId, Token};
use crate::process::Turn;
use crate::waiting::{Service, Waiting};
use crate::{Engine, permission, turn};

/// The longest name of a file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 200;

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
    /// The job's folder, made if it is not there; answered with [`JobFolder`](callboard_protocol::JobFolder).
    JobFolder,
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
            HostMethod::JobFolder => Ok(Self::JobFolder),
            _ => return None,
        })
    }

    /// Tells whether it may be given up when nobody waits for it any more: not where it changes something.
    fn may_be_abandoned(&self) -> bool {
        match self {
            Self::QueryPage(_) | Self::FtrackDownload(_) => true,
            Self::FtrackCall(_) | Self::JobFolder => false,
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
fn check_file_name(name: &str) -> Result<(), Failure> {
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
