//! `callboard demo`: an ftrack server with a demo project, and a host that is signed in to it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use sandbox::Sandbox;
use serde_json::json;

use super::Session;
use super::problem::{Code, Problem};
use super::resident::{self, Resident, Stay};
use super::run::ready_value;
use super::sandbox::{ContentArguments, human_text, start};
use crate::home::Home;
use crate::host::Ready;
use crate::settings::{Credentials, Environment, Source};

/// How to run the demo.
#[derive(Args, Debug)]
pub(super) struct DemoArguments {
    /// Shows no tray icon.
    #[arg(long)]
    headless: bool,
    /// The folder for everything that the demo keeps, so that it goes on there the next time.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Where the server listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[command(flatten)]
    content: ContentArguments,
}

pub(super) fn demo(session: &Session, arguments: DemoArguments) -> Result<Code, Problem> {
    let folder = folder(&session.environment, arguments.home.as_deref());
    let home = Home::find(&session.environment, Some(&folder));
    let runtime = resident::runtime()?;
    let data = folder.join("sandbox");
    let options = arguments.content.options(arguments.listen, Some(data));
    let sandbox = match runtime.block_on(start(options)) {
        Ok(sandbox) => sandbox,
        Err(problem) => {
            resident::end(runtime);
            return Err(problem);
        }
    };
    let resident = Resident {
        home,
        credentials: Some(Credentials {
            server: sandbox.server_url().to_owned(),
            user: sandbox.user().to_owned(),
            key: sandbox.api_key().to_owned(),
            source: Source::Demo,
        }),
        plugin_folders: Vec::new(),
        headless: arguments.headless,
    };
    let stay = resident.stay(session, &runtime, |ready| {
        announce(session, &sandbox, ready, &folder)
    });
    runtime.block_on(sandbox.stop());
    resident::end(runtime);
    match stay? {
        Stay::Over => Ok(Code::Done),
        Stay::Taken => Err(Problem::usage(format!(
            "another callboard runs in `{}`",
            folder.display()
        ))),
    }
}

/// Returns the folder that the demo keeps everything in: never the one of the person's real host.
fn folder(environment: &Environment, given: Option<&std::path::Path>) -> PathBuf {
    match (given, &environment.callboard_home) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(home)) => home.clone(),
        (None, None) => environment
            .temporary_folder()
            .join(format!("callboard-demo-{}", crate::home::user_id())),
    }
}

/// Says where to look, and what to try first.
fn announce(
    session: &Session,
    sandbox: &Sandbox,
    ready: &Ready,
    folder: &std::path::Path,
) -> Result<(), Problem> {
    let mut value = ready_value(ready);
    value["page"] = json!(sandbox.page_url());
    value["api_key"] = json!(sandbox.api_key());
    value["control_token"] = json!(sandbox.control_token());
    value["home"] = json!(folder);
    let human = format!(
        "{}\nCallboard is signed in to it. In another terminal:\n\n  \
         export CALLBOARD_HOME={}\n  \
         callboard actions\n  \
         callboard launch shot_creation.create_shots --set project=harbour --set sequence=sq900 --set shots=sh010 --wait\n\n\
         Stop both with Ctrl-C.",
        human_text(sandbox),
        folder.display()
    );
    session.output.result(&value, &human)
}
