//! Stories at the engine's border about plugins that change, are switched off, crash and get well.

mod world;

use callboard_protocol::{Failure, FailureKind, JobState, Outcome, PluginState, PluginSummary};
use engine::{Ask, Catalogued, Event, ProcessEnd, ProcessId, Reply, Standing, Stop};

use world::{World, folders};

/// Reads the folders anew, with that of `maker` changed.
fn read_again(world: &mut World, change: impl FnOnce(&mut Catalogued)) {
    let mut folders = folders();
    change(&mut folders[1]);
    world.event(Event::Catalogued(folders));
}

fn change_code(world: &mut World) {
    read_again(world, |maker| maker.revision = 7);
}

fn switch_off(world: &mut World) {
    let failure = Failure::denied("`maker` is disabled").hint("enable it");
    read_again(world, |maker| maker.standing = Standing::Off(failure));
}

fn crash(world: &mut World, process: ProcessId) {
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 11".into()),
    });
}

fn maker(world: &mut World) -> PluginSummary {
    let request = world.ask(Ask::Plugins);
    let Some(Reply::Plugins(plugins)) = world.reply(request) else {
        panic!("no list of plugins");
    };
    let maker = plugins
        .into_iter()
        .find(|plugin| plugin.id == "maker".into());
    maker.expect("`maker` is listed")
}

#[test]
fn a_job_that_runs_ends_on_the_old_code_and_the_next_one_runs_the_new() {
    let mut world = World::ready();
    let old = world.launched_maker();
    change_code(&mut world);
    assert!(world.stopped.is_empty(), "the job that runs is left alone");
    let new = world.launched_maker();
    assert_ne!(old, new);
    assert_eq!(world.turn(new).job.as_str(), "job-2");
    world.end_turn(old, Ok(Outcome::done("old")));
    assert_eq!(world.job("job-1").summary.message, "old");
    assert_eq!(world.stopped, [(old, Stop::Gently)]);
    world.end_turn(new, Ok(Outcome::done("new")));
    world.launch("maker.make", &[]);
    assert_eq!(
        world.turn(new).job.as_str(),
        "job-3",
        "the new process is used again"
    );
}

#[test]
fn an_idle_process_of_old_code_is_ended_at_once() {
    let mut world = World::ready();
    let old = world.launched_maker();
    world.end_turn(old, Ok(Outcome::done("made it")));
    read_again(&mut world, |_| {});
    assert!(world.stopped.is_empty(), "nothing has changed");
    change_code(&mut world);
    assert_eq!(world.stopped, [(old, Stop::Gently)]);
}

#[test]
fn a_process_that_starts_while_its_code_changes_gets_no_turn() {
    let mut world = World::ready();
    world.hold_hello = true;
    let old = world.launched_maker();
    assert_eq!(maker(&mut world).state, PluginState::Starting);
    change_code(&mut world);
    let new = world.started("maker");
    world.event(Event::ProcessReady(old));
    assert_eq!(world.stopped, [(old, Stop::Gently)]);
    world.event(Event::ProcessReady(new));
    assert_eq!(world.turn(new).job.as_str(), "job-1");
}

#[test]
fn new_code_is_not_blamed_for_what_the_old_did() {
    let mut world = World::ready();
    for _ in 0..5 {
        let process = world.launched_maker();
        crash(&mut world, process);
        world.pass(60_000);
    }
    let quarantined = maker(&mut world);
    assert_eq!(quarantined.state, PluginState::Quarantined);
    assert!(quarantined.until_ms.is_some());
    change_code(&mut world);
    assert_eq!(maker(&mut world).state, PluginState::Idle);
    let process = world.launched_maker();
    change_code(&mut world);
    read_again(&mut world, |maker| maker.revision = 8);
    crash(&mut world, process);
    assert_eq!(maker(&mut world).state, PluginState::Idle);
    assert_eq!(maker(&mut world).crashes, 6, "it is counted all the same");
}

#[test]
fn a_plugin_that_is_stood_by_is_started_at_once() {
    let mut world = World::ready();
    for _ in 0..5 {
        let process = world.launched_maker();
        crash(&mut world, process);
        world.pass(60_000);
    }
    world.launch("maker.make", &[]);
    let refused = world.job("job-6").failure.expect("a failure");
    assert_eq!(
        refused.message,
        "`maker` crashed too often and is not started any more"
    );
    world.ask(Ask::Forgive("maker".into()));
    let process = world.launched_maker();
    assert_eq!(world.turn(process).job.as_str(), "job-7");
}

#[test]
fn a_plugin_that_is_switched_off_offers_nothing_and_says_why() {
    let mut world = World::ready();
    switch_off(&mut world);
    let request = world.launch("maker.make", &[]);
    let Some(Reply::Failed(failure)) = world.reply(request) else {
        panic!("it was launched");
    };
    assert_eq!(failure.message, "`maker` is disabled");
    let request = world.discover("tray", "Project", "p1");
    assert_eq!(world.reply(request), Some(Reply::Menu(Vec::new())));
    let listed = maker(&mut world);
    assert_eq!(
        (listed.state, listed.why.as_str()),
        (PluginState::Disabled, "`maker` is disabled")
    );
    read_again(&mut world, |_| {});
    world.launched_maker();
}

#[test]
fn switching_off_lets_the_job_that_runs_end_and_refuses_those_that_wait() {
    let mut world = World::ready();
    let first = world.launched_maker();
    let second = world.launched_maker();
    world.launch("maker.make", &[("shots", "sh010")]);
    assert_eq!(world.job("job-3").summary.state, JobState::Queued);
    switch_off(&mut world);
    let waited = world.job("job-3");
    let failure = waited.failure.expect("a failure");
    assert_eq!(failure.kind, FailureKind::Denied);
    assert_eq!(waited.values["shots"], "sh010", "its inputs are kept");
    for (process, job) in [(first, "job-1"), (second, "job-2")] {
        world.end_turn(process, Ok(Outcome::done("made it")));
        assert_eq!(world.job(job).summary.state, JobState::Done);
        assert!(world.stopped.contains(&(process, Stop::Gently)));
        world.event(Event::ProcessEnded {
            process,
            end: ProcessEnd::Stopped,
        });
    }
    read_again(&mut world, |_| {});
    world.ask(Ask::Retry("job-3".into()));
    let process = world.started("maker");
    assert_eq!(world.turn(process).values["shots"], "sh010");
}

#[test]
fn folders_that_are_not_used_are_listed_with_the_reason() {
    let mut world = World::ready();
    let mut folders = folders();
    let mut older = folders[1].clone();
    older.path = "/elsewhere/maker".into();
    older.standing = Standing::NotUsed;
    older.why = "1.0.0 is older than 1.1.0".into();
    folders.push(older);
    let mut foreign = folders[0].clone();
    foreign.path = "/elsewhere/greeter".into();
    foreign.standing = Standing::Unfit(Failure::invalid("it runs on macOS alone"));
    folders.push(foreign);
    world.event(Event::Catalogued(folders));
    let request = world.ask(Ask::Plugins);
    let Some(Reply::Plugins(plugins)) = world.reply(request) else {
        panic!("no list of plugins");
    };
    let seen: Vec<_> = plugins
        .iter()
        .map(|plugin| (plugin.id.as_str(), plugin.state))
        .collect();
    assert_eq!(
        seen,
        [
            ("greeter", PluginState::Idle),
            ("maker", PluginState::Idle),
            ("maker", PluginState::NotUsed),
            ("greeter", PluginState::Broken),
        ]
    );
    assert_eq!(plugins[2].why, "1.0.0 is older than 1.1.0");
}

#[test]
fn a_turn_that_takes_too_long_is_looked_at_before_it_is_ended() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.pass(600_000);
    assert_eq!(world.stopped, [(process, Stop::Now)]);
    let failure = world.job("job-1").failure.expect("a failure");
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(failure.causes, ["it sleeps"]);
    let problem = maker(&mut world).problem.expect("a problem");
    assert_eq!(
        problem.message,
        "`maker` crashed: a turn of it took too long"
    );
    assert_eq!(problem.causes, ["it sleeps"]);
}

#[test]
fn a_cancelled_turn_that_goes_on_is_told_of_in_the_list() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.ask(Ask::Cancel("job-1".into()));
    world.pass(5_000);
    assert_eq!(world.stopped, [(process, Stop::Now)]);
    assert_eq!(world.job("job-1").summary.state, JobState::Cancelled);
    let listed = maker(&mut world);
    let problem = listed.problem.expect("a problem");
    assert_eq!(problem.message, "`maker` went on after it was cancelled");
    assert_eq!((listed.crashes, listed.state), (0, PluginState::Idle));
}
