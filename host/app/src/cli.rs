//! The command line: what can be typed, and which command it is.

mod actions;
mod autostart;
mod browser;
mod client;
mod declared;
mod demo;
mod jobs;
mod launch;
mod leave;
mod login;
mod logout;
mod plugins;
mod print;
mod problem;
mod profiles;
mod resident;
mod run;
mod sandbox;
mod shell;
mod status;
mod ui;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::home::Home;
use crate::settings::{Environment, Profiles};
use client::Client;
use print::Output;
use problem::{Code, Problem};

/// What can be typed.
#[derive(Debug, Parser)]
#[command(
    name = "callboard",
    version,
    about = "Actions for ftrack: in its web page, in the tray, in Flame and here",
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 callboard is not running, 4 not signed in, 5 partly done.\n\
                  Try it out, without an ftrack account: callboard demo"
)]
struct Arguments {
    /// Prints one line of JSON: a list as {"items": […]}, one thing as an object, a failure as {"error": {…}}.
    #[arg(long, global = true)]
    json: bool,
    /// The profile, in place of the one in use.
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    #[command(subcommand)]
    command: Command,
}

/// The commands, in the order in which a newcomer needs them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Tries it out: an ftrack server with a demo project, and callboard signed in to it.
    Demo(demo::DemoArguments),
    /// Signs in to an ftrack server.
    Login(login::LoginArguments),
    /// Signs out and forgets the API key.
    Logout(logout::LogoutArguments),
    /// Tells who is signed in.
    Whoami,
    /// Keeps several servers or users side by side.
    Profiles(profiles::ProfilesArguments),
    /// Runs callboard until it is stopped; where it runs already, says so.
    Run(run::RunArguments),
    /// Ends the callboard that runs.
    Quit(leave::LeaveArguments),
    /// Ends the callboard that runs and starts it again.
    Restart(leave::LeaveArguments),
    /// Lists the actions that apply to a selection; pins those to keep at hand.
    Actions(actions::ActionsArguments),
    /// Launches an action.
    Launch(launch::LaunchArguments),
    /// Lists jobs, shows one, answers what it asks, cancels it or runs it again.
    Jobs(jobs::JobsArguments),
    /// Lists plugins and how they fare.
    Plugins(plugins::PluginsArguments),
    /// Tells how callboard fares.
    Status,
    /// Opens a window, or lists those that plugins declare.
    Ui(ui::UiArguments),
    /// Starts callboard with your login, or not.
    Autostart(autostart::AutostartArguments),
    /// Prints what a shell needs to complete commands.
    #[command(
        after_help = "For bash: callboard completions bash > ~/.local/share/bash-completion/completions/callboard\n\
                      For zsh:  callboard completions zsh > a folder of $fpath, as _callboard\n\
                      For fish: callboard completions fish > ~/.config/fish/completions/callboard.fish"
    )]
    Completions(shell::CompletionsArguments),
    /// Prints the manual page, or writes one for each command.
    Man(shell::ManArguments),
    /// Runs an ftrack server for trials and tests.
    Sandbox(sandbox::SandboxArguments),
    /// Holds one plugin; started by callboard itself.
    #[command(hide = true)]
    Runner {
        /// What the runner is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// What every command is given.
pub(crate) struct Session {
    environment: Environment,
    output: Output,
    home: Home,
    /// The profile that was named, and is not just the one in use.
    named_profile: Option<String>,
}

impl Session {
    /// Reads the environment, and finds the home of the profile that is meant.
    fn open(output: Output, profile: Option<&str>) -> Result<Self, Problem> {
        let environment = Environment::read();
        let home = Profiles::find_home(&environment, profile).map_err(profiles::problem)?;
        let named_profile = profile.map(str::to_owned);
        Ok(Self {
            named_profile: named_profile.or_else(|| environment.callboard_profile.clone()),
            environment,
            output,
            home,
        })
    }

    /// Returns the folders of the profile.
    fn home(&self) -> Home {
        self.home.clone()
    }

    /// Connects to the running host.
    fn client(&self) -> Result<Client, Problem> {
        Client::connect(&self.home().bus)
    }
}

/// Returns the first words that no plugin's command may begin with.
pub(crate) fn own_commands() -> Vec<String> {
    declared::own_commands(&Arguments::command())
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // What is none of the program's own commands may be a plugin's, and the help lists both.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidSubcommand | ErrorKind::DisplayHelp
            ) =>
        {
            return run_declared(&error);
        }
        Err(error) => return usage(&error),
    };
    if let Command::Runner { arguments } = arguments.command {
        // Before any thread starts: the runner forks.
        return runner::main(arguments);
    }
    if let Err(error) = runner::close_this_process() {
        // The status says so.
        tracing::debug!(%error, "other programs can look into this one");
    }
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was installed before");
    }
    let output = output(arguments.json);
    match Session::open(output, arguments.profile.as_deref()) {
        Ok(session) => finish(output, command(&session, arguments.command)),
        Err(problem) => finish(output, Err(problem)),
    }
}

fn output(is_json: bool) -> Output {
    if is_json { Output::Json } else { Output::Human }
}

/// Returns the profile that the command line names, before it can be read as a whole.
fn named_profile() -> Option<String> {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let own = words.by_ref().skip(1).take_while(|word| word != "--");
    let mut own = own.skip_while(|word| word != "--profile" && !word.starts_with("--profile="));
    let first = own.next()?;
    match first.split_once('=') {
        Some((_, name)) => Some(name.to_owned()),
        None => own.next(),
    }
}

/// Reads the command line as one that a plugin may have declared; `error` is what is wrong with it otherwise.
fn run_declared(error: &clap::Error) -> ExitCode {
    let session = match Session::open(Output::Human, named_profile().as_deref()) {
        Ok(session) => session,
        Err(problem) => {
            let is_json = std::env::args_os().any(|argument| argument == "--json");
            return finish(output(is_json), Err(problem));
        }
    };
    let commands = declared::cached(&session.home.commands_file());
    if commands.is_empty() {
        return usage(error);
    }
    let words = std::env::args_os().collect();
    let matches = match declared::parse(Arguments::command(), &commands, words) {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let is_json = matches.get_flag("json");
    let (output, done) = match declared::typed(commands, &matches) {
        Ok(None) => return usage(error),
        Ok(Some(typed)) => {
            let output = output(is_json || typed.is_json());
            let session = Session { output, ..session };
            (output, typed.run(&session))
        }
        Err(problem) => (output(is_json), Err(problem)),
    };
    finish(output, done)
}

fn finish(output: Output, done: Result<Code, Problem>) -> ExitCode {
    match done {
        Ok(code) => code.into(),
        Err(problem) => {
            output.failure(&problem.failure);
            problem.code.into()
        }
    }
}

/// Says what is wrong with the arguments, or the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Where the output is closed, the exit code alone has to tell.
        drop(error.print());
        return Code::Done.into();
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        // The first paragraph names what is wrong; what follows is for a person's eyes.
        let lines = text.lines().map(str::trim);
        let words: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        let problem = Problem::usage(words.join(" ").trim_start_matches("error: "));
        Output::Json.failure(&problem.failure);
    } else {
        drop(error.print());
    }
    Code::Usage.into()
}

fn command(session: &Session, command: Command) -> Result<Code, Problem> {
    match command {
        Command::Demo(arguments) => demo::demo(session, arguments),
        Command::Login(arguments) => login::login(session, &arguments),
        Command::Logout(arguments) => logout::logout(session, &arguments),
        Command::Profiles(arguments) => profiles::profiles(session, arguments),
        Command::Whoami => login::whoami(session),
        Command::Run(arguments) => run::run(session, arguments),
        Command::Quit(arguments) => leave::quit(session, &arguments),
        Command::Restart(arguments) => leave::restart(session, &arguments),
        Command::Actions(arguments) => actions::actions(session, arguments),
        Command::Launch(arguments) => launch::launch(session, arguments),
        Command::Jobs(arguments) => jobs::jobs(session, arguments),
        Command::Plugins(arguments) => plugins::plugins(session, arguments),
        Command::Status => status::status(session),
        Command::Ui(arguments) => ui::ui(session, arguments),
        Command::Autostart(arguments) => autostart::autostart(session, &arguments),
        Command::Completions(arguments) => shell::completions(session, &arguments),
        Command::Man(arguments) => shell::man(session, &arguments),
        Command::Sandbox(arguments) => sandbox::sandbox(session, arguments),
        // Dispatched before anything else.
        Command::Runner { .. } => Ok(Code::Usage),
    }
}
