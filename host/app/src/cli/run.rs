//! `callboard run`: the resident host.

mod again;

use std::path::PathBuf;

use callboard_protocol::{BusMethod, Status};
use clap::Args;
use serde_json::json;

use super::Session;
use super::problem::{Code, Problem};
use super::resident::{self, Resident, Stay};
use crate::host::{Ready, StartMode};

/// How to run.
#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// Shows no tray icon.
    #[arg(long)]
    headless: bool,
    /// A further folder of plugins, which is watched for changes; may be given more than once.
    #[arg(long, value_name = "DIR")]
    plugins: Vec<PathBuf>,
    /// Uses the bundled plugins only.
    #[arg(long, conflicts_with = "normal")]
    safe: bool,
    /// Uses all plugins, even where the last starts went wrong.
    #[arg(long)]
    normal: bool,
}

pub(super) fn run(session: &Session, arguments: RunArguments) -> Result<Code, Problem> {
    let resident = Resident {
        home: session.home(),
        credentials: None,
        plugin_folders: arguments.plugins,
        mode: match (arguments.safe, arguments.normal) {
            (true, _) => StartMode::Safe,
            (_, true) => StartMode::Normal,
            _ => StartMode::Usual,
        },
        headless: arguments.headless,
    };
    let runtime = resident::runtime()?;
    let stay = resident.stay(session, &runtime, |ready| announce(session, ready));
    resident::end(runtime);
    match stay? {
        Stay::Over => {}
        Stay::Again => return Err(again::start_again().into()),
        Stay::Taken => hand_over(session)?,
    }
    Ok(Code::Done)
}

/// Says that the host is up.
fn announce(session: &Session, ready: &Ready) -> Result<(), Problem> {
    let signed_in = if ready.user.is_empty() {
        "Nobody is signed in; sign in with `callboard login`.".to_owned()
    } else {
        format!("Signed in as {} @ {}.", ready.user, ready.server)
    };
    let human = format!("Callboard is running. {signed_in}\nStop it with Ctrl-C.");
    session.output.result(&ready_value(ready), &human)
}

/// Returns what `--json` prints when a host is up.
pub(super) fn ready_value(ready: &Ready) -> serde_json::Value {
    json!({
        "server": ready.server,
        "user": ready.user,
        "bus": ready.bus,
        "pid": ready.pid,
    })
}

/// Leaves the field to the host that runs already, and says which one it is.
fn hand_over(session: &Session) -> Result<(), Problem> {
    let status: Status = session.client()?.call(BusMethod::Status, &json!({}))?;
    let ready = Ready {
        server: status.server,
        user: status.user,
        bus: status.bus.into(),
        pid: status.pid,
    };
    let mut value = ready_value(&ready);
    value["already_running"] = true.into();
    let human = format!("Callboard is running already, as process {}.", ready.pid);
    session.output.result(&value, &human)
}
