//! `callboard demo`: an ftrack server with a demo project, and a host that is signed in to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use callboard_protocol::{Failure, FailureKind};
use clap::Args;
use sandbox::Sandbox;
use serde_json::json;
use uuid::Uuid;

use super::Session;
use super::browser;
use super::problem::{Code, Problem};
use super::resident::{self, Resident, Stay};
use super::run::ready_value;
use super::sandbox::{ContentArguments, human_text, start};
use crate::home::Home;
use crate::host::{Ready, StartMode};
use crate::settings::{Credentials, Environment, Source};

/// How to run the demo.
#[derive(Args, Debug)]
pub(super) struct DemoArguments {
    /// Shows no tray icon.
    #[arg(long)]
    headless: bool,
    /// A further folder of plugins, which is watched for changes; may be given more than once.
    #[arg(long, value_name = "DIR")]
    plugins: Vec<PathBuf>,
    /// The folder for everything that the demo keeps, so that it goes on there the next time; without it all is gone at the end.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Where the server listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Opens the sandbox's page in the browser.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    content: ContentArguments,
}

pub(super) fn demo(session: &Session, arguments: DemoArguments) -> Result<Code, Problem> {
    let folder = Folder::find(&session.environment, arguments.home)?;
    let runtime = resident::runtime()?;
    let data = folder.path.join("sandbox");
    let options = arguments.content.options(arguments.listen, Some(data));
    let sandbox = match runtime.block_on(start(options)) {
        Ok(sandbox) => sandbox,
        Err(problem) => {
            resident::end(runtime);
            return Err(problem);
        }
    };
    if arguments.open {
        browser::open(sandbox.page_url());
    }
    let resident = Resident {
        home: Home::find(&session.environment, Some(&folder.path)),
        credentials: Some(Credentials {
            server: sandbox.server_url().to_owned(),
            user: sandbox.user().to_owned(),
            key: sandbox.api_key().to_owned(),
            source: Source::Demo,
        }),
        plugin_folders: arguments.plugins,
        // Who tries it out, or kills it in a test, is served by no caution.
        mode: StartMode::Normal,
        headless: arguments.headless,
    };
    let stay = resident.stay(session, &runtime, |ready| {
        announce(session, &sandbox, ready, &folder.path)
    });
    runtime.block_on(sandbox.stop());
    resident::end(runtime);
    match stay? {
        Stay::Over | Stay::Again => Ok(Code::Done),
        Stay::Taken => Err(Failure::new(
            FailureKind::Conflict,
            format!("another callboard runs in `{}`", folder.path.display()),
        )
        .hint("stop it, or give this one a folder of its own with `--home`")
        .into()),
    }
}

/// The folder that a host keeps everything in which is not the person's real one.
pub(super) struct Folder {
    path: PathBuf,
    /// Whether it goes away with this value.
    is_temporary: bool,
}

impl Folder {
    /// Finds the folder: the one that is given, else that of the environment, else a new one that is closed to others.
    fn find(environment: &Environment, given: Option<PathBuf>) -> Result<Self, Problem> {
        if let Some(path) = given.or_else(|| environment.callboard_home.clone()) {
            return Ok(Self {
                path,
                is_temporary: false,
            });
        }
        Self::temporary(environment, "callboard-demo")
    }

    /// Makes a folder that is closed to others and goes away in the end.
    pub(super) fn temporary(environment: &Environment, name: &str) -> Result<Self, Problem> {
        let random = &Uuid::new_v4().simple().to_string()[..8];
        let path = environment
            .temporary_folder()
            .join(format!("{name}-{random}"));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .with_context(|| format!("could not make a folder: `{}`", path.display()))?;
        Ok(Self {
            path,
            is_temporary: true,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, folder = %self.path.display(), "a temporary folder stays behind");
        }
    }
}

/// Says where to look, and what to try first.
fn announce(
    session: &Session,
    sandbox: &Sandbox,
    ready: &Ready,
    folder: &Path,
) -> Result<(), Problem> {
    let mut value = ready_value(ready);
    value["page"] = json!(sandbox.page_url());
    value["api_key"] = json!(sandbox.api_key());
    value["control_token"] = json!(sandbox.control_token());
    value["home"] = json!(folder);
    let human = format!(
        "{}\nCallboard is signed in to it. In another terminal:\n\n  \
         export CALLBOARD_BUS={}\n  \
         callboard actions\n  \
         callboard launch shot_creation.create_shots --set project=harbour --set sequence=sq900 --set shots=sh010 --wait\n\n\
         Stop both with Ctrl-C.",
        human_text(sandbox),
        ready.bus.display()
    );
    session.output.result(&value, &human)
}
