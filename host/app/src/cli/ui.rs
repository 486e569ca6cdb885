//! `callboard ui`: one window, in this very process; or the list of those that plugins declare.

use std::io::{self, Read as _};

use callboard_protocol::{BusMethod, DeclaredWindow, Failure, Items, JobId, WindowRef};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::Session;
use super::print::table;
use super::problem::{Code, Problem};
use super::{client, problem};

/// How long a token may be.
const TOKEN_BYTES: u64 = 256;

#[derive(Args, Debug)]
pub(super) struct UiArguments {
    /// The window to open: launcher, jobs, job, plugins, about, or one that `--list` names.
    #[arg(required_unless_present = "list")]
    window: Option<String>,
    /// The job that the window `job` shows.
    job: Option<String>,
    /// Lists the windows that plugins declare.
    #[arg(long, conflicts_with = "window")]
    list: bool,
    /// Whether it is drawn light or dark.
    #[arg(long, value_enum, default_value_t = Theme::System)]
    theme: Theme,
    /// Says that the host has started it, and left a token on stdin that proves it.
    #[arg(long, hide = true)]
    started_by_host: bool,
}

/// Whether windows are light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Theme {
    /// As the desktop is.
    System,
    Light,
    Dark,
}

pub(super) fn ui(session: &Session, arguments: UiArguments) -> Result<Code, Problem> {
    let Some(window) = arguments.window else {
        return list(session);
    };
    let token = arguments.started_by_host.then(token).transpose()?;
    let bus = session.home().bus;
    let options = ui::Options {
        window: WindowRef {
            window,
            job: arguments.job.map(JobId::from),
        },
        token,
        theme: match arguments.theme {
            Theme::System => ui::Theme::System,
            Theme::Light => ui::Theme::Light,
            Theme::Dark => ui::Theme::Dark,
        },
        has_display: session.environment.has_display,
        dial: Box::new(move || client::dial(&bus).map_err(|problem| problem.failure)),
    };
    match ui::run(options) {
        Ok(()) => Ok(Code::Done),
        Err(failure) if failure == problem::Problem::not_running().failure => {
            Err(Problem::not_running())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Reads the token that the host has written to stdin.
fn token() -> Result<String, Problem> {
    let mut token = String::new();
    io::stdin()
        .lock()
        .take(TOKEN_BYTES)
        .read_to_string(&mut token)
        .map_err(|error| Failure::invalid("the token could not be read").caused_by(&error))?;
    Ok(token.trim().to_owned())
}

fn list(session: &Session) -> Result<Code, Problem> {
    let windows: Items<DeclaredWindow> =
        session.client()?.call(BusMethod::WindowsList, &json!({}))?;
    let rows: Vec<_> = windows
        .items
        .iter()
        .map(|window| {
            [
                window.id.clone(),
                window.window.title.clone(),
                window.launches.to_string(),
            ]
        })
        .collect();
    let human = if rows.is_empty() {
        "No plugin declares a window.".to_owned()
    } else {
        table(["WINDOW", "TITLE", "ACTION"], &rows)
    };
    session.output.result(&windows, &human)?;
    Ok(Code::Done)
}
