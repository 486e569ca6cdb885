//! Commands that plugins declare: what can be typed beside the program's own, and what a typed one does.
//!
//! They are read from the file that the host keeps of them, so that `--help` lists them without a host.

mod given;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use callboard_protocol::{
    ActionsLaunch, BusMethod, Control, DeclaredCommand, Failure, Item, JobAnswer, JobDetail,
    JobRef, JobState, Launched, View,
};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use super::Session;
use super::actions::context_on;
use super::client::Client;
use super::launch::{print_rested, still_running, wait_for};
use super::print::remark;
use super::problem::{Code, Problem};
use super::values::{filled_form, missing_fields};
use crate::surface::dialect;
use given::Given;

/// The words of later versions, which no plugin may take.
const RESERVED: &[&str] = &["doctor", "events", "flame", "help", "logout", "logs", "ui"];

/// How long a command waits for its job where it is not told.
const WAIT_SECS: u64 = 600;

/// A declared command that was typed.
pub(super) struct Typed {
    command: DeclaredCommand,
    given: Given,
}

/// Returns the first words that no plugin's command may begin with.
pub(crate) fn own_commands(program: &Command) -> Vec<String> {
    let own = program.get_subcommands().map(|one| one.get_name());
    own.chain(RESERVED.iter().copied())
        .map(str::to_owned)
        .collect()
}

/// Reads what the host keeps of declared commands; none where it has never run.
pub(super) fn cached(file: &Path) -> Vec<DeclaredCommand> {
    let Ok(text) = std::fs::read_to_string(file) else {
        return Vec::new();
    };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        remark(&format!(
            "Commands of plugins cannot be read from `{}`: {error}",
            file.display()
        ));
        Vec::new()
    })
}

/// Adds declared commands to the program's own; those that are not offered are named below the help.
pub(super) fn with_declared(program: Command, declared: &[DeclaredCommand]) -> Command {
    let mut program = program;
    for command in declared.iter().filter(|command| command.problem.is_none()) {
        let words: Vec<&str> = command.name.split(' ').collect();
        program = with_words(program, &words, command);
    }
    let refused: Vec<String> = declared
        .iter()
        .filter_map(|command| Some((command, command.problem.as_ref()?)))
        .map(|(command, problem)| format!("{} ({})", problem.message, command.plugin))
        .collect();
    if refused.is_empty() {
        return program;
    }
    let below = program.get_after_help().map(ToString::to_string);
    program.after_help(format!(
        "{}\n\n{}",
        refused.join("\n"),
        below.unwrap_or_default()
    ))
}

fn with_words(program: Command, words: &[&str], command: &DeclaredCommand) -> Command {
    let (first, rest) = match words {
        [] => return program,
        [first, rest @ ..] => ((*first).to_owned(), rest),
    };
    if rest.is_empty() {
        return program.subcommand(leaf(first, command));
    }
    let is_there = program.find_subcommand(&first).is_some();
    if is_there {
        return program.mut_subcommand(first, |group| with_words(group, rest, command));
    }
    let group = Command::new(first)
        .about(format!("Commands of the plugin `{}`.", command.plugin))
        .subcommand_required(true)
        .arg_required_else_help(true);
    program.subcommand(with_words(group, rest, command))
}

fn leaf(name: String, command: &DeclaredCommand) -> Command {
    let leaf = Command::new(name)
        .about(command.description.clone())
        .after_help(format!(
            "Launches the action `{}` of a plugin.",
            command.action
        ));
    if command.items.is_empty() {
        let rest = Arg::new("given")
            .value_name("--NAME VALUE")
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .help(
                "A field of the form that the action asks with; `--on KIND:ID` names what it is done on, \
                 `--no-wait` does not wait for its end",
            );
        return leaf.arg(rest);
    }
    let fields = command
        .items
        .iter()
        .filter(|item| item.has_value() && item.control != Control::Hidden);
    leaf.args(fields.map(field))
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("KIND:ID")
                .action(ArgAction::Append)
                .help("Something it is done on, such as `Shot:ID`; may be given several times"),
        )
        .arg(
            Arg::new("no_wait")
                .long("no-wait")
                .action(ArgAction::SetTrue)
                .help("Does not wait until the job has ended"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECS")
                .value_parser(super::launch::seconds())
                .help("How long to wait for the job, in seconds"),
        )
}

fn field(item: &Item) -> Arg {
    let mut help = if item.label.is_empty() {
        item.name.clone()
    } else {
        item.label.clone()
    };
    if item.required {
        help.push_str(" (needed)");
    }
    let arg = Arg::new(item.name.clone())
        .long(given::argument(&item.name))
        .help(help);
    match &item.control {
        Control::Boolean => arg
            .value_name("YES|NO")
            .num_args(0..=1)
            .default_missing_value("true"),
        Control::Number => arg.value_name("NUMBER").allow_negative_numbers(true),
        Control::Date => arg.value_name("YYYY-MM-DD"),
        Control::Enumerator {
            multi_select: true, ..
        } => arg.value_name("ONE,ANOTHER").action(ArgAction::Append),
        Control::Files { .. } => arg.value_name("PATH"),
        Control::Table { .. } => arg.value_name("JSON"),
        _ => arg.value_name("TEXT").allow_hyphen_values(true),
    }
}

/// Returns the declared command that was typed; none where it is one of the program's own.
pub(super) fn typed(
    declared: Vec<DeclaredCommand>,
    matches: &ArgMatches,
) -> Result<Option<Typed>, Problem> {
    let (mut words, mut leaf) = (Vec::new(), matches);
    while let Some((word, below)) = leaf.subcommand() {
        words.push(word);
        leaf = below;
    }
    let name = words.join(" ");
    let offered = |command: &DeclaredCommand| command.problem.is_none() && command.name == name;
    let Some(command) = declared.into_iter().find(offered) else {
        return Ok(None);
    };
    let given = if command.items.is_empty() {
        let given = leaf.get_many::<String>("given").into_iter().flatten();
        Given::from_words(given.cloned())?
    } else {
        Given::from_matches(&command.items, leaf)?
    };
    Ok(Some(Typed { command, given }))
}

impl Typed {
    /// Tells whether `--json` stood among the fields.
    pub(super) fn is_json(&self) -> bool {
        self.given.json
    }

    /// Launches the action, waits for its end, and prints it.
    pub(super) fn run(self, session: &Session) -> Result<Code, Problem> {
        let values = self.values()?;
        let params = ActionsLaunch {
            action: self.command.action.clone(),
            context: context_on(self.given.on.clone()),
            values,
        };
        let mut client = session.client()?;
        let launched: Launched = client.call(BusMethod::ActionsLaunch, &params)?;
        let job = launched.job;
        if self.given.no_wait {
            let human = format!("Started job {job}.\nFollow it with: callboard jobs watch {job}");
            session.output.result(&json!({ "job": job }), &human)?;
            return Ok(Code::Done);
        }
        let secs = self.given.timeout_secs.unwrap_or(WAIT_SECS);
        let timeout = Duration::from_secs(secs);
        let mut detail = wait_for(&mut client, &job, timeout)?;
        if let (true, JobState::Asks) = (self.command.items.is_empty(), detail.summary.state) {
            detail = self.answer(&mut client, detail, timeout)?;
        }
        if detail.summary.state.is_moving() {
            return Err(still_running(&detail, secs).into());
        }
        print_rested(session.output, &detail)
    }

    /// Returns what was given, with the types that the manifest asks for.
    fn values(&self) -> Result<Map<String, Value>, Problem> {
        if self.command.items.is_empty() {
            return Ok(self.given.values.clone());
        }
        let view = View {
            items: self.command.items.clone(),
            ..View::default()
        };
        let mut values = view.initial_values();
        values.retain(|_, value| !value.is_null());
        values.extend(dialect::values_for_view(&view, self.given.values.clone()));
        let missing: Vec<String> = missing_fields(&view, &values)
            .map(|item| given::shown(&item.name))
            .collect();
        if !missing.is_empty() {
            return Err(self.needs(&missing));
        }
        for item in &view.items {
            given::check(item, values.get(&item.name))?;
        }
        Ok(values)
    }

    fn needs(&self, missing: &[String]) -> Problem {
        Problem::usage(format!(
            "`callboard {}` needs {}",
            self.command.name,
            missing.join(", ")
        ))
    }

    /// Answers the form that the action asked with from what was given, once. Where that does not fill it, nothing is
    /// left waiting: the job is cancelled, and what is missing is named.
    fn answer(
        &self,
        client: &mut Client,
        detail: JobDetail,
        timeout: Duration,
    ) -> Result<JobDetail, Problem> {
        let Some(view) = &detail.view else {
            return Ok(detail);
        };
        let job = detail.summary.id.clone();
        let refusal = |client: &mut Client, problem: Problem| {
            let cancelled: Result<Value, Problem> =
                client.call(BusMethod::JobsCancel, &JobRef { job: job.clone() });
            cancelled.and(Err(problem))
        };
        let values = match filled_form(view, &detail.draft, self.given.values.clone()) {
            Ok(values) => values,
            Err(_) => {
                let problem = self.unfilled(view);
                return refusal(client, problem);
            }
        };
        if self.given.values.is_empty() {
            // Nothing was given: what the form starts with is for a person to look at.
            let problem = self.needs(&given::fields(view));
            return refusal(client, problem);
        }
        let answer = JobAnswer {
            job: job.clone(),
            values,
            question: None,
        };
        let _: Value = client.call(BusMethod::JobsAnswer, &answer)?;
        wait_for(client, &job, timeout)
    }

    fn unfilled(&self, view: &View) -> Problem {
        let known = |name: &&String| view.items.iter().any(|item| item.name == **name);
        let strangers: Vec<String> = self
            .given
            .values
            .keys()
            .filter(|name| !known(name))
            .map(|name| given::shown(name))
            .collect();
        if !strangers.is_empty() {
            let message = format!(
                "`callboard {}` has no {}",
                self.command.name,
                strangers.join(", ")
            );
            return Problem {
                failure: Failure::invalid(message)
                    .hint(format!("it has {}", given::fields(view).join(", "))),
                code: Code::Usage,
            };
        }
        let mut values = view.initial_values();
        values.extend(self.given.values.clone());
        let missing: Vec<String> = missing_fields(view, &values)
            .map(|item| given::shown(&item.name))
            .collect();
        self.needs(&missing)
    }
}

/// Reads the command line again, with the commands that plugins declare.
///
/// # Errors
///
/// What clap says of the arguments, which may be the help that was asked for.
pub(super) fn parse(
    program: Command,
    declared: &[DeclaredCommand],
    arguments: Vec<OsString>,
) -> Result<ArgMatches, clap::Error> {
    with_declared(program, declared).try_get_matches_from(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::{ActionId, PluginId};

    fn declared(name: &str, items: Value) -> DeclaredCommand {
        DeclaredCommand {
            name: name.into(),
            plugin: PluginId::from("p"),
            action: ActionId::from("p.make"),
            description: "Makes things".into(),
            items: serde_json::from_value(items).unwrap(),
            problem: None,
        }
    }

    fn commands() -> Vec<DeclaredCommand> {
        vec![
            declared(
                "things make",
                json!([
                    {"type": "text", "name": "name", "label": "Name", "required": true},
                    {"type": "number", "name": "frame_count", "label": "Frames"},
                    {"type": "boolean", "name": "dry_run", "label": "Only look", "value": false},
                ]),
            ),
            declared("things list", json!([])),
        ]
    }

    fn program() -> Command {
        Command::new("callboard")
            .subcommand(Command::new("jobs"))
            .arg(
                Arg::new("json")
                    .long("json")
                    .global(true)
                    .action(ArgAction::SetTrue),
            )
    }

    fn values(line: &str) -> Result<Value, String> {
        let words = std::iter::once("callboard").chain(line.split_whitespace());
        let matches = parse(program(), &commands(), words.map(OsString::from).collect())
            .map_err(|error| error.to_string())?;
        let typed = typed(commands(), &matches).map_err(|problem| problem.failure.message)?;
        let typed = typed.ok_or("one of the program's own")?;
        let values = typed.values().map_err(|problem| problem.failure.message)?;
        Ok(Value::Object(values))
    }

    #[test]
    fn fields_are_arguments_with_their_types() {
        let check = |line: &str, expected: Result<Value, &str>| match (values(line), expected) {
            (Ok(seen), Ok(expected)) => assert_eq!(seen, expected, "{line}"),
            (Err(seen), Err(expected)) => assert!(seen.contains(expected), "{line}: {seen}"),
            (seen, expected) => panic!("{line}: {seen:?} instead of {expected:?}"),
        };
        check(
            "things make --name a --frame-count 12",
            Ok(json!({"name": "a", "frame_count": 12, "dry_run": false})),
        );
        check(
            "things make --dry-run --name a",
            Ok(json!({"name": "a", "dry_run": true})),
        );
        check("things make", Err("`callboard things make` needs `--name`"));
        check(
            "things make --name a --frame-count many",
            Err("`--frame-count` must be a number"),
        );
        check("things make --nome a", Err("unexpected argument '--nome'"));
        check(
            "things list --shot-name sh010 --all --count=3",
            Ok(json!({"shot_name": "sh010", "all": "true", "count": "3"})),
        );
        check("things list stray", Err("`stray`"));
        check("jobs", Err("one of the program's own"));
        check("things", Err("Usage: callboard things"));
    }

    #[test]
    fn the_help_lists_declared_commands_and_what_is_not_offered() {
        let mut refused = declared("jobs", json!([]));
        refused.problem = Some(Failure::invalid("the command `jobs` is not offered: taken"));
        let all = [commands(), vec![refused]].concat();
        let help = with_declared(program(), &all).render_help().to_string();
        assert!(help.contains("things"), "{help}");
        assert!(help.contains("the command `jobs` is not offered"), "{help}");
    }
}
