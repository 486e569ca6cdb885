//! `callboard sandbox`: an ftrack server for trials and tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use sandbox::{Options, Sandbox, Scale, Seed};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Session;
use super::browser;
use super::problem::{Code, Problem};
use super::resident;
use crate::logging;
use crate::settings::Settings;

/// How to run the server.
#[derive(Args, Debug)]
pub(super) struct SandboxArguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = listen_address)]
    listen: SocketAddr,
    /// The folder that keeps the data; without it they are gone at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Opens the page in the browser.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    content: ContentArguments,
}

/// What a new server contains.
#[derive(Args, Clone, Debug)]
pub(super) struct ContentArguments {
    /// What a new server contains; data that are there already stay as they are.
    #[arg(long, value_enum, default_value_t = SeedName::Demo)]
    seed: SeedName,
    /// Adds a further project with so many shots, three tasks each.
    #[arg(long, value_name = "shots=N")]
    scale: Option<ScaleArgument>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SeedName {
    /// A studio with a project of episodes, sequences, shots and tasks.
    Demo,
    /// A studio without a project.
    Empty,
}

#[derive(Clone, Debug)]
struct ScaleArgument(usize);

impl FromStr for ScaleArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("shots=")
            .and_then(|number| number.parse().ok())
            .map(Self)
            .ok_or_else(|| "write it as `shots=500`".to_owned())
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let number = text.strip_prefix("localhost:");
    let address = number.map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    address.parse().map_err(|_| {
        "write it as `127.0.0.1:8090`, an address of this machine and a port".to_owned()
    })
}

impl ContentArguments {
    /// Returns how to start a server with this content.
    pub(super) fn options(&self, listen: SocketAddr, data: Option<PathBuf>) -> Options {
        Options {
            listen,
            data,
            seed: match self.seed {
                SeedName::Demo => Seed::Demo,
                SeedName::Empty => Seed::Empty,
            },
            scale: Scale {
                shots: self.scale.as_ref().map_or(0, |scale| scale.0),
            },
        }
    }
}

pub(super) fn sandbox(session: &Session, arguments: SandboxArguments) -> Result<Code, Problem> {
    let home = session.home();
    let loaded = Settings::load(&home, &session.environment);
    let _log = logging::start(&loaded.settings.log, &home.logs)?;
    let runtime = resident::runtime()?;
    let ran = runtime.block_on(run(session, arguments));
    resident::end(runtime);
    ran
}

async fn run(session: &Session, arguments: SandboxArguments) -> Result<Code, Problem> {
    let options = arguments.content.options(arguments.listen, arguments.data);
    let (stopper, mut stopping) = watch::channel(false);
    // Whoever reads the first line may ask for the end at once.
    resident::end_on_signal(stopper);
    let sandbox = start(options).await?;
    let human = format!("{}\nStop it with Ctrl-C.", human_text(&sandbox));
    session.output.result(&ready_value(&sandbox), &human)?;
    if arguments.open {
        browser::open(sandbox.page_url());
    }
    // An error means that no signal can come, and then the server stays until it is killed.
    if stopping.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
    sandbox.stop().await;
    Ok(Code::Done)
}

/// Starts a server.
pub(super) async fn start(options: Options) -> Result<Sandbox, Problem> {
    let started = sandbox::start(options).await;
    Ok(started.context("could not start the sandbox")?)
}

/// Returns what `--json` prints when the server is up.
pub(super) fn ready_value(sandbox: &Sandbox) -> Value {
    json!({
        "server": sandbox.server_url(),
        "page": sandbox.page_url(),
        "user": sandbox.user(),
        "api_key": sandbox.api_key(),
        "control_token": sandbox.control_token(),
        "pid": std::process::id(),
    })
}

/// Returns where to look, for a person.
pub(super) fn human_text(sandbox: &Sandbox) -> String {
    format!(
        "An ftrack server for trials is running.\n\n  page     {}\n  server   {}\n  user     {}\n  API key  {}\n",
        sandbox.page_url(),
        sandbox.server_url(),
        sandbox.user(),
        sandbox.api_key()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_listen_is_an_address_and_a_port() {
        let listen = |text: &str| listen_address(text).map(|address| address.to_string());
        assert_eq!(listen("127.0.0.1:0").unwrap(), "127.0.0.1:0");
        assert_eq!(listen("localhost:8090").unwrap(), "127.0.0.1:8090");
        assert_eq!(listen("[::1]:8090").unwrap(), "[::1]:8090");
        for text in ["8090", "127.0.0.1", "nowhere", "localhost:x", ""] {
            assert!(
                listen(text).unwrap_err().starts_with("write it as"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_scale_is_a_number_of_shots() {
        let shots = |text: &str| text.parse::<ScaleArgument>().map(|scale| scale.0).ok();
        assert_eq!(shots("shots=500"), Some(500));
        assert_eq!(shots("500"), None);
        assert_eq!(shots("shots=many"), None);
    }
}
