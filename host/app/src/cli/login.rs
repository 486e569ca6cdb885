//! `callboard login` and `callboard whoami`: who signs in, and is it so?

mod browser;
mod terminal;

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::time::Duration;

use callboard_protocol::{BusMethod, Failure, WhoAmI};
use clap::Args;
use serde_json::json;

use super::Session;
use super::print::remark;
use super::problem::{Code, Problem};
use super::resident;
use crate::connection::config_on_network;
use crate::service::failure_from_connect;
use crate::settings::{Credentials, Settings, Source, connect_account};
use crate::sign_in::{failure_from_credentials, place_of_key};

pub(super) use terminal::is_confirmed;

/// How long the running host may take to sign in.
const HOST: Duration = Duration::from_secs(60);

/// The longest key that is read; ftrack's have 88 letters.
const KEY_BYTES: u64 = 4096;

/// Who signs in.
#[derive(Args, Debug)]
pub(super) struct LoginArguments {
    /// The server: a name such as `studio`, or an address; asked for on a terminal.
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// The user name; asked for on a terminal.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Reads the API key from stdin, so that no list of processes and no shell history shows it.
    #[arg(long, conflicts_with = "browser")]
    key_stdin: bool,
    /// Signs in on ftrack's own page in the browser, which then brings the key.
    #[arg(long)]
    browser: bool,
    /// Takes over the account that ftrack Connect keeps on this machine; Connect's own file stays as it is.
    #[arg(long, conflicts_with_all = ["server", "user", "key_stdin", "browser"])]
    from_connect: bool,
    /// Tries whether it works and keeps nothing; without server and user, tries what is kept.
    #[arg(long)]
    check: bool,
}

pub(super) fn login(session: &Session, arguments: &LoginArguments) -> Result<Code, Problem> {
    let tries_kept = arguments.check
        && !arguments.key_stdin
        && !arguments.browser
        && !arguments.from_connect
        && arguments.server.is_none()
        && arguments.user.is_none();
    let mut credentials = if tries_kept {
        found(session)?
    } else if arguments.from_connect {
        of_connect(session)?
    } else {
        given(session, arguments)?
    };
    let (server, who) = check(session, &credentials)?;
    if arguments.check {
        let human = format!("{} can sign in to {server}.", who.user);
        session.output.result(&who, &human)?;
        return Ok(Code::Done);
    }
    // What is kept is what the server itself says, so that later lines and events match.
    credentials.server = server;
    credentials.user.clone_from(&who.user);
    keep(session, credentials, who)
}

/// Returns the credentials that a host would find.
fn found(session: &Session) -> Result<Credentials, Problem> {
    block_on(Credentials::find(&session.environment, &session.home()))?
        .map_err(|error| failure_from_credentials(&error).into())
}

/// Returns the credentials that ftrack Connect keeps.
fn of_connect(session: &Session) -> Result<Credentials, Problem> {
    let credentials = connect_account(&session.environment).map_err(|error| {
        Failure::not_found(error.to_string()).hint("sign in with `callboard login` instead")
    })?;
    Credentials::check_pinned(&session.home(), &credentials.server)
        .map_err(|error| failure_from_credentials(&error))?;
    Ok(credentials)
}

/// Takes the credentials from the arguments, and what is missing from the person at the terminal.
fn given(session: &Session, arguments: &LoginArguments) -> Result<Credentials, Problem> {
    let is_interactive = !arguments.key_stdin && std::io::stdin().is_terminal();
    let ask = |given: &Option<String>, label: &str, usual: Option<&str>, argument: &str| match given
    {
        Some(given) => Ok(given.clone()),
        None if is_interactive => terminal::ask(label, usual),
        None => Err(Problem::usage(format!("`{argument}` is missing"))),
    };
    let kept = Credentials::kept(&session.home()).ok().flatten();
    let (usual_server, usual_user) = kept.unzip();
    let server = ask(
        &arguments.server,
        "Server",
        usual_server.as_deref(),
        "--server",
    )?;
    Credentials::check_pinned(&session.home(), &server)
        .map_err(|error| failure_from_credentials(&error))?;
    if arguments.browser {
        return by_browser(session, &server, arguments.user.as_deref());
    }
    let user = ask(
        &arguments.user,
        "User name",
        usual_user.as_deref(),
        "--user",
    )?;
    let key = if is_interactive {
        terminal::ask_secret("API key")?
    } else if arguments.key_stdin {
        key_from_stdin()?
    } else {
        return Err(Problem::usage(
            "nobody is here to type the API key; write it to stdin with `--key-stdin`",
        ));
    };
    Ok(Credentials {
        server,
        user,
        key,
        source: Source::Keyring,
    })
}

/// Has the browser bring the key of whoever signs in there; `user` is who that has to be.
fn by_browser(session: &Session, server: &str, user: Option<&str>) -> Result<Credentials, Problem> {
    let credentials = browser::credentials(session, server)?;
    match user {
        Some(user) if *user != credentials.user => Err(Failure::invalid(format!(
            "the browser is signed in as `{}`, not as `{user}`",
            credentials.user
        ))
        .hint("sign out on ftrack's page and try again")
        .into()),
        _ => Ok(credentials),
    }
}

fn key_from_stdin() -> Result<String, Problem> {
    let mut key = String::new();
    std::io::stdin()
        .lock()
        .take(KEY_BYTES)
        .read_line(&mut key)
        .map_err(|error| Failure::invalid("could not read the key from stdin").caused_by(&error))?;
    let key = key.trim().to_owned();
    if key.is_empty() {
        return Err(Problem::usage("no API key came on stdin"));
    }
    Ok(key)
}

/// Keeps credentials that the server has accepted, and has a running host take them up.
fn keep(session: &Session, mut credentials: Credentials, mut who: WhoAmI) -> Result<Code, Problem> {
    let home = session.home();
    block_on(credentials.keep(&home))?.map_err(|error| failure_from_credentials(&error))?;
    credentials.source.name().clone_into(&mut who.source);
    let place = place_of_key(&credentials.source, &home);
    let taken_up = match session.client() {
        Ok(mut client) => {
            let taken: WhoAmI = client.call_waiting(BusMethod::SignInRenew, &json!({}), HOST)?;
            if taken.source == who.source {
                "The running callboard uses it now.".to_owned()
            } else {
                format!(
                    "The running callboard goes on with the key from its {}.",
                    taken.source
                )
            }
        }
        Err(problem) if problem.code == Code::NotRunning => {
            "Start callboard with `callboard run`.".to_owned()
        }
        Err(problem) => return Err(problem),
    };
    if session.environment.ftrack_api_key.is_some() {
        remark("`FTRACK_API_KEY` is set, and goes before what is kept.");
    }
    let human = format!(
        "Signed in as {} @ {}.\n{place}\n{taken_up}",
        who.user, who.server
    );
    session.output.result(&who, &human)?;
    Ok(Code::Done)
}

pub(super) fn whoami(session: &Session) -> Result<Code, Problem> {
    let who = match session.client() {
        Ok(mut client) => client.call(BusMethod::WhoAmI, &json!({}))?,
        // Without a host the credentials are tried here and now.
        Err(problem) if problem.code == Code::NotRunning => check(session, &found(session)?)?.1,
        Err(problem) => return Err(problem),
    };
    let roles = if who.roles.is_empty() {
        String::new()
    } else {
        format!("\nroles: {}", who.roles.join(", "))
    };
    let human = format!(
        "{} @ {} (key from {}){roles}",
        who.user,
        who.server,
        source_in_words(&who.source)
    );
    session.output.result(&who, &human)?;
    Ok(Code::Done)
}

/// Returns where a key came from as a person reads it.
pub(super) fn source_in_words(source: &str) -> String {
    match source {
        "environment" | "keyring" => format!("the {source}"),
        "file" => "a file that only you can read".into(),
        "demo" => "the demo".into(),
        other => other.into(),
    }
}

/// Signs in with the credentials; returns the server's full address and what it says of the user.
fn check(session: &Session, credentials: &Credentials) -> Result<(String, WhoAmI), Problem> {
    let Credentials {
        server, user, key, ..
    } = credentials;
    // What is wrong with the settings is the host's to say.
    let settings = Settings::load(&session.home(), &session.environment).settings;
    let config = config_on_network(ftrack::Config::new(server, user, key), &settings.network);
    let signed_in = block_on(ftrack::Session::connect(config))?
        .map_err(|error| failure_from_connect(&error))?;
    let server = signed_in.server().to_string();
    let who = WhoAmI {
        server: server.clone(),
        user: signed_in.user().username.clone(),
        source: credentials.source.name().to_owned(),
        roles: signed_in.user().roles.clone(),
    };
    Ok((server, who))
}

/// Runs something that waits, in a command that has nothing else to do.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = resident::runtime()?;
    let done = runtime.block_on(future);
    resident::end(runtime);
    Ok(done)
}
