//! `callboard jobs file`: a file that a job has attached.

use std::path::Path;

use callboard_protocol::{Failure, FailureKind};
use clap::Args;

use super::show;
use crate::cli::client::Client;
use crate::cli::print::Output;
use crate::cli::problem::{Code, Problem};
use crate::cli::{Session, browser};
use crate::service::attach::measure;

#[derive(Args, Debug)]
pub(super) struct FileArguments {
    /// The job, or the beginning of its id.
    job: String,
    /// The file's name.
    name: String,
    /// Prints where the file is instead of opening it.
    #[arg(long)]
    path: bool,
}

/// Opens the file, or says where it is; refuses one that is not what was attached any more.
pub(super) fn file(
    session: &Session,
    client: &mut Client,
    arguments: &FileArguments,
) -> Result<Code, Problem> {
    let detail = show(client, &arguments.job)?;
    let Some(file) = detail.files.iter().find(|file| file.name == arguments.name) else {
        let names: Vec<String> = detail
            .files
            .iter()
            .map(|file| format!("`{}`", file.name))
            .collect();
        let hint = match names.as_slice() {
            [] => "it has attached none".to_owned(),
            names => format!("its files are {}", names.join(", ")),
        };
        let message = format!("the job has no file `{}`", arguments.name);
        return Err(Failure::not_found(message).hint(hint).into());
    };
    let (_, sha256) = measure(Path::new(&file.path))?;
    if sha256 != file.sha256 {
        let message = format!("`{}` was changed since the job attached it", file.name);
        return Err(Failure::new(FailureKind::Conflict, message)
            .hint(format!("look at it yourself: `{}`", file.path))
            .into());
    }
    if arguments.path || session.output == Output::Json {
        session.output.result(file, &file.path)?;
    } else {
        browser::open(&file.path);
    }
    Ok(Code::Done)
}
