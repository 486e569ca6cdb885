//! `callboard login` and `callboard whoami`: who signs in, and is it so?

use std::io::BufRead as _;

use callboard_protocol::{BusMethod, Failure, FailureKind, WhoAmI};
use clap::Args;
use serde_json::json;

use super::Session;
use super::problem::{Code, Problem};
use super::resident;
use crate::connection::config_on_network;
use crate::service::failure_from_connect;
use crate::settings::{Credentials, CredentialsError, Settings, Source};

/// Who signs in.
#[derive(Args, Debug)]
pub(super) struct LoginArguments {
    /// The server, such as `https://studio.ftrackapp.com`.
    #[arg(long, value_name = "URL")]
    server: String,
    /// The user name.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Reads the API key from stdin, so that no list of processes and no shell history shows it.
    #[arg(long, required = true)]
    key_stdin: bool,
}

pub(super) fn login(session: &Session, arguments: &LoginArguments) -> Result<Code, Problem> {
    let mut key = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut key)
        .map_err(|error| Failure::invalid("could not read the key from stdin").caused_by(&error))?;
    let key = key.trim().to_owned();
    if key.is_empty() {
        return Err(Problem::usage("no API key came on stdin"));
    }
    let mut credentials = Credentials {
        server: arguments.server.clone(),
        user: arguments.user.clone(),
        key,
        source: Source::File,
    };
    let (server, who) = check(session, &credentials)?;
    // The file holds what the server itself says, so that later lines and events match.
    credentials.server = server;
    credentials.user.clone_from(&who.user);
    let path = credentials
        .save(&session.home())
        .map_err(|error| failure_from_credentials(&error))?;
    let human = format!(
        "Signed in as {} @ {}.\nThe key is kept in {}, which only you can read.\nA running callboard takes it up when it is started again.",
        who.user,
        credentials.server,
        path.display()
    );
    session.output.result(&who, &human)?;
    Ok(Code::Done)
}

pub(super) fn whoami(session: &Session) -> Result<Code, Problem> {
    let who = match session.client() {
        Ok(mut client) => client.call(BusMethod::WhoAmI, &json!({}))?,
        // Without a host the credentials are tried here and now.
        Err(problem) if problem.code == Code::NotRunning => {
            let credentials = Credentials::find(&session.environment, &session.home())
                .map_err(|error| failure_from_credentials(&error))?;
            check(session, &credentials)?.1
        }
        Err(problem) => return Err(problem),
    };
    let roles = if who.roles.is_empty() {
        String::new()
    } else {
        format!("\nroles: {}", who.roles.join(", "))
    };
    let human = format!(
        "{} @ {} (key from {}){roles}",
        who.user, who.server, who.source
    );
    session.output.result(&who, &human)?;
    Ok(Code::Done)
}

/// Signs in with the credentials; returns the server's full address and what it says of the user.
fn check(session: &Session, credentials: &Credentials) -> Result<(String, WhoAmI), Problem> {
    let Credentials {
        server, user, key, ..
    } = credentials;
    // What is wrong with the settings is the host's to say.
    let settings = Settings::load(&session.home(), &session.environment).settings;
    let config = config_on_network(ftrack::Config::new(server, user, key), &settings.network);
    let runtime = resident::runtime()?;
    let connected = runtime.block_on(ftrack::Session::connect(config));
    resident::end(runtime);
    let signed_in = connected.map_err(|error| failure_from_connect(&error))?;
    let server = signed_in.server().to_string();
    let who = WhoAmI {
        server: server.clone(),
        user: signed_in.user().username.clone(),
        source: credentials.source.name().to_owned(),
        roles: signed_in.user().roles.clone(),
    };
    Ok((server, who))
}

fn failure_from_credentials(error: &CredentialsError) -> Failure {
    let hint = match error {
        CredentialsError::None => {
            "sign in with `callboard login --server URL --user NAME --key-stdin`"
        }
        CredentialsError::Incomplete { .. } => {
            "set `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY`, or none of them"
        }
        CredentialsError::Open { .. } => "close it to others with `chmod 600`, and make a new key",
        CredentialsError::File { .. } | CredentialsError::Damaged { .. } => {
            "check the file, or sign in again with `callboard login`"
        }
    };
    let mut failure = Failure::new(FailureKind::NotSignedIn, error.to_string()).hint(hint);
    if let Some(source) = std::error::Error::source(error) {
        failure = failure.caused_by(source);
    }
    failure
}
