//! Whatever the network, the server and `kill -9` do, a hand-over converges: each unit is there once or has failed with a reason.

mod dice;
mod world;

use std::collections::BTreeSet;

use callboard_protocol::{JobState, Outcome, UnitState};
use engine::{CallResult, Effect, ProcessEnd};
use serde_json::{Map, Value, json};

use dice::Dice;
use world::{World, create, failure, ids_of};

/// How many histories a test run lives through; `cargo xtask soak` sets `CALLBOARD_SOAK_HISTORIES` to a million.
const HISTORIES: u64 = 400;
const UNITS: usize = 12;

/// A server that runs a batch in one transaction, refuses ids it has and names it does not like, and may run a request late.
#[derive(Default)]
struct Server {
    rows: BTreeSet<String>,
    bad: BTreeSet<String>,
    /// Requests whose client has given up, but which are still running.
    late: Vec<Vec<String>>,
}

impl Server {
    fn run(&mut self, ids: &[String]) -> CallResult {
        if ids.iter().any(|id| self.bad.contains(id)) {
            return CallResult::Refused {
                failure: failure("a bad name"),
                duplicate: false,
            };
        }
        if ids.iter().any(|id| self.rows.contains(id)) {
            return CallResult::Refused {
                failure: failure("a duplicate"),
                duplicate: true,
            };
        }
        self.rows.extend(ids.iter().cloned());
        CallResult::Done
    }

    fn call(&mut self, ids: &[String], dice: &mut Dice) -> CallResult {
        match dice.below(8) {
            0 => CallResult::NotSent {
                failure: failure("no network"),
                retry_after_ms: None,
            },
            1 => CallResult::Unknown {
                failure: failure("cut before it was run"),
            },
            2 => {
                self.run(ids);
                CallResult::Unknown {
                    failure: failure("cut after it was run"),
                }
            }
            3 => {
                self.late.push(ids.to_vec());
                CallResult::Unknown {
                    failure: failure("timed out, still running"),
                }
            }
            _ => self.run(ids),
        }
    }

    fn finish_one_late(&mut self) {
        if let Some(ids) = self.late.pop() {
            self.run(&ids);
        }
    }
}

#[test]
fn every_history_ends_with_each_unit_there_once_or_failed_with_a_reason() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the soak is the only one who asks for more"
    )]
    let asked = std::env::var("CALLBOARD_SOAK_HISTORIES");
    let histories = asked
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(HISTORIES);
    for seed in 1..=histories {
        live(seed);
    }
}

fn live(seed: u64) {
    let mut dice = Dice::with_seed(seed);
    let mut server = Server::default();
    let mut world = World::with_batches_of(3 + dice.below(8) as usize);
    let process = world.launched_maker();
    world.hand_over(process, plan(&mut server, &mut dice));
    let mut restarts = 0;
    for _ in 0..2_000 {
        if let Some(process) = running_turn(&mut world) {
            world.end_turn(process, Ok(Outcome::Waits));
        }
        if report_is_due(&mut world) {
            break;
        }
        match dice.below(12) {
            0 if restarts < 6 => {
                restarts += 1;
                world = world.restart();
            }
            1 => server.finish_one_late(),
            2 | 3 => world.pass(1_000),
            _ => answer_one(&mut world, &mut server, &mut dice),
        }
        world.pass(dice.below(400));
    }
    while !server.late.is_empty() {
        server.finish_one_late();
    }
    check(&mut world, &server, seed);
}

/// A sequence, shots that need it, and some names that the server does not like.
fn plan(server: &mut Server, dice: &mut Dice) -> Value {
    let units: Vec<Value> = (0..UNITS)
        .map(|unit| {
            let name = format!("u{unit}");
            let needs: Vec<String> = if unit > 0 && dice.below(3) == 0 {
                vec![format!("u{}", dice.below(unit as u64))]
            } else {
                Vec::new()
            };
            if dice.below(8) == 0 {
                server.bad.insert(name.clone());
            }
            let tasks = (0..dice.below(3)).map(|task| create(&format!("{name}.{task}")));
            let operations: Vec<Value> = std::iter::once(create(&name)).chain(tasks).collect();
            json!({"key": name, "needs": needs, "operations": operations})
        })
        .collect();
    let half = UNITS / 2;
    let steps = json!([
        {"id": "first", "kind": "call", "units": units[..half]},
        {"id": "second", "kind": "call", "needs": ["first"], "units": units[half..]}]);
    json!({"key": "plan", "steps": steps})
}

/// Returns the process that still runs the turn which handed over, if one does.
fn running_turn(world: &mut World) -> Option<engine::ProcessId> {
    let job = world.job("job-1");
    let process = world.latest_process()?;
    let turn = world.try_turn(process)?;
    (job.summary.state == JobState::Running && turn.steps.is_none()).then_some(process)
}

fn report_is_due(world: &mut World) -> bool {
    world
        .latest_process()
        .and_then(|process| world.try_turn(process))
        .is_some_and(|launch| launch.steps.is_some())
}

fn answer_one(world: &mut World, server: &mut Server, dice: &mut Dice) {
    if let Some(Effect::Call { operations, .. }) = world.calls.front().cloned() {
        let result = server.call(&ids_of(&operations), dice);
        world.answer_call(result);
    } else if !world.look_ups.is_empty() {
        world.answer_look_up_with(|entities| {
            entities
                .iter()
                .map(|entity| server.rows.contains(&entity.key[0]).then(Map::new))
                .collect()
        });
    }
}

fn check(world: &mut World, server: &Server, seed: u64) {
    let process = world.latest_process().expect("a process");
    let launch = world.try_turn(process).expect("a turn");
    let report = launch.steps.unwrap_or_else(|| {
        panic!(
            "seed {seed}: the steps never ended: {:?}",
            world.job("job-1")
        )
    });
    let mut seen = 0;
    for unit in report.units() {
        seen += 1;
        let there = server.rows.contains(&unit.key);
        match unit.state {
            UnitState::Done => assert!(
                there,
                "seed {seed}: `{}` is said to be done and is not there",
                unit.key
            ),
            UnitState::Failed => {
                assert!(
                    unit.failure.is_some(),
                    "seed {seed}: `{}` failed without a reason",
                    unit.key
                );
                assert!(
                    !there,
                    "seed {seed}: `{}` is said to have failed and is there",
                    unit.key
                );
            }
            other => panic!("seed {seed}: `{}` ended {other:?}", unit.key),
        }
        if server.bad.contains(&unit.key) {
            assert_eq!(
                unit.state,
                UnitState::Failed,
                "seed {seed}: `{}` cannot be made",
                unit.key
            );
        }
    }
    assert_eq!(seen, UNITS, "seed {seed}");
    world.event(engine::Event::ProcessEnded {
        process,
        end: ProcessEnd::Stopped,
    });
}
