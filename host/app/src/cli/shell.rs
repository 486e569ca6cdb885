//! `callboard completions` and `callboard man`: what a shell and its reader are given of the commands.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::generate;
use clap_mangen::Man;
use serde_json::json;

use super::print::Output;
use super::problem::{Code, Problem};
use super::{Arguments, Session};

/// What the program is called.
const NAME: &str = "callboard";

#[derive(Args, Debug)]
pub(super) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

/// The shells that are known.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Fish,
    Zsh,
}

#[derive(Args, Debug)]
pub(super) struct ManArguments {
    /// Writes a page for each command into this folder, which must be there, instead of printing the first one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints what the shell is to read.
pub(super) fn completions(
    session: &Session,
    arguments: &CompletionsArguments,
) -> Result<Code, Problem> {
    use clap_complete::Shell as Known;
    let (known, name) = match arguments.shell {
        Shell::Bash => (Known::Bash, "bash"),
        Shell::Fish => (Known::Fish, "fish"),
        Shell::Zsh => (Known::Zsh, "zsh"),
    };
    let mut script = Vec::new();
    generate(known, &mut Arguments::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script);
    let value = json!({"shell": name, "script": script});
    session.output.result(&value, &script)?;
    Ok(Code::Done)
}

/// Prints the program's page, or writes one for each command.
pub(super) fn man(session: &Session, arguments: &ManArguments) -> Result<Code, Problem> {
    let Some(folder) = &arguments.dir else {
        let page = page(Arguments::command())?;
        let value = json!({"name": format!("{NAME}.1"), "page": page});
        session.output.result(&value, &page)?;
        return Ok(Code::Done);
    };
    let mut program = Arguments::command();
    // Pages of commands are named and headed by all their words.
    program.build();
    let mut written = Vec::new();
    write_pages(&program, folder, &mut written)?;
    let human = match session.output {
        Output::Human => format!("{} pages are in `{}`.", written.len(), folder.display()),
        Output::Json => String::new(),
    };
    session
        .output
        .result(&json!({ "items": written }), &human)?;
    Ok(Code::Done)
}

fn write_pages(
    command: &clap::Command,
    folder: &Path,
    written: &mut Vec<PathBuf>,
) -> Result<(), Problem> {
    let name = command.get_display_name().unwrap_or(NAME);
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command.clone())?)
        .with_context(|| format!("could not write `{}`", path.display()))?;
    written.push(path);
    let shown = |inner: &&clap::Command| !inner.is_hide_set() && inner.get_name() != "help";
    for inner in command.get_subcommands().filter(shown) {
        write_pages(inner, folder, written)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<String, Problem> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .context("could not write a page")?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_says_what_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Arguments::command();
        program.build();
        let mut written = Vec::new();
        write_pages(&program, folder.path(), &mut written).unwrap();
        for name in ["callboard.1", "callboard-jobs-watch.1", "callboard-run.1"] {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{name}: {text}");
        }
        assert!(!folder.path().join("callboard-runner.1").exists());
    }
}
