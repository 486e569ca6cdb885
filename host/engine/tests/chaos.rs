//! Whatever arrives, in whatever order, the engine answers every request at most once and never panics.

mod dice;

use std::collections::HashMap;

use callboard_protocol::{
    Context, Entity, Failure, FailureKind, JobId, Manifest, Message, Surface,
};
use engine::{
    Ask, AskLaunch, CallResult, Catalogued, Config, Effect, Engine, EntityFacts, Event, Identity,
    ProcessEnd, ProcessId, RequestId, Standing, Token,
};
use serde_json::{Map, Value, json};

use dice::Dice;

const HISTORIES: u64 = 500;
const EVENTS: usize = 600;

/// What the world has seen of the engine, to draw half-sensible events from.
#[derive(Default)]
struct Seen {
    requests: u64,
    replies: HashMap<RequestId, u32>,
    last_token: u64,
    last_process: u64,
    /// Effects that wait for an answer, by what kind of answer.
    open: HashMap<&'static str, Vec<Token>>,
    calls: usize,
    turns: Vec<(ProcessId, u64)>,
}

#[test]
fn no_order_of_events_panics_or_answers_twice() {
    let mut calls = 0;
    for seed in 1..=HISTORIES {
        let mut dice = Dice::with_seed(seed);
        let mut engine = Engine::new(Config {
            quarantine_crashes: 30,
            ..Config::default()
        });
        let mut seen = Seen::default();
        let mut now = 1_000;
        for _ in 0..EVENTS {
            now += dice.below(2_000);
            let event = draw(&mut dice, &mut seen);
            for effect in engine.handle(now, event) {
                note(&mut seen, effect, seed);
            }
        }
        calls += seen.calls;
    }
    assert!(
        calls > 500,
        "the histories got as far as {calls} calls: they tell too little"
    );
}

fn note(seen: &mut Seen, effect: Effect, seed: u64) {
    let (kind, token) = match effect {
        Effect::Reply { request, .. } => {
            let replies = seen.replies.entry(request).or_default();
            *replies += 1;
            assert_eq!(*replies, 1, "seed {seed}: {request:?} was answered twice");
            return;
        }
        Effect::StartProcess { process, .. } => {
            seen.last_process = process.0;
            return;
        }
        Effect::Send {
            process,
            message: Message::Request { id, .. },
        } => return seen.turns.push((process, id)),
        Effect::Keep { token, .. } => ("kept", token),
        Effect::AskFacts { token, .. } => ("facts", token),
        Effect::Call { token, .. } => {
            seen.calls += 1;
            ("called", token)
        }
        Effect::LookUp { token, .. } => ("looked up", token),
        Effect::SetTimer { token, .. } => ("timer", token),
        Effect::Query { token, .. }
        | Effect::Serve { token, .. }
        | Effect::Store { token, .. }
        | Effect::Describe { token, .. } => ("served", token),
        _ => return,
    };
    seen.last_token = seen.last_token.max(token.0);
    seen.open.entry(kind).or_default().push(token);
}

/// Returns the token of an effect that waits for this kind of answer; sometimes one that never did, or no longer does.
fn token(dice: &mut Dice, seen: &mut Seen, kind: &'static str) -> Token {
    let open = seen.open.entry(kind).or_default();
    if open.is_empty() || dice.below(12) == 0 {
        return Token((seen.last_token + 2).saturating_sub(dice.below(12)));
    }
    let place = dice.below(open.len() as u64) as usize;
    open.swap_remove(place)
}

fn draw(dice: &mut Dice, seen: &mut Seen) -> Event {
    let process = ProcessId((seen.last_process + 1).saturating_sub(1 + dice.below(3)));
    let failure = Failure::new(FailureKind::Unavailable, "away");
    let fails = dice.below(8) == 0;
    match dice.below(40) {
        0 => Event::Catalogued(plugins(dice)),
        1 | 2 => Event::SignedIn(Identity {
            server: "s".into(),
            user: "ada".into(),
            ..Identity::default()
        }),
        3 if fails => Event::SignedOut(failure),
        4 => Event::HubConnected,
        5 if fails => Event::HubLost,
        6..=11 => {
            seen.requests += 1;
            Event::Asked {
                request: RequestId(seen.requests),
                ask: ask(dice, seen.requests),
            }
        }
        12 => Event::Withdrawn(RequestId(dice.below(seen.requests + 1))),
        13 | 14 => {
            let result = if fails {
                Err(failure)
            } else {
                Ok(vec![facts("x"), facts("y")])
            };
            Event::Facts {
                token: token(dice, seen, "facts"),
                result,
            }
        }
        15 | 16 => Event::ProcessReady(process),
        17 if fails => Event::ProcessEnded {
            process,
            end: end(dice, failure),
        },
        18..=23 => said(dice, seen, process),
        24..=30 => Event::Kept {
            token: token(dice, seen, "kept"),
            result: if fails { Err(failure) } else { Ok(()) },
        },
        31..=33 => Event::Called {
            token: token(dice, seen, "called"),
            result: call_result(dice, failure),
            took_ms: dice.below(40_000),
        },
        34 | 35 => {
            let row = (dice.below(2) == 0).then(Map::new);
            let result = if fails {
                Err(failure)
            } else {
                Ok(vec![row; dice.below(4) as usize])
            };
            Event::LookedUp {
                token: token(dice, seen, "looked up"),
                result,
            }
        }
        36 => Event::Queried {
            token: token(dice, seen, "served"),
            result: Ok(Vec::new()),
        },
        37 => Event::Served {
            token: token(dice, seen, "served"),
            result: Ok(Value::Null),
        },
        38 if fails => Event::TimerFired(token(dice, seen, "timer")),
        _ => Event::ProcessReady(process),
    }
}

fn plugins(dice: &mut Dice) -> Vec<Catalogued> {
    let manifest: Manifest = serde_json::from_value(json!({
        "id": "p", "version": "1", "run": {"library": "p"}, "permissions": ["ftrack.create.*", "ftrack.read", "store"],
        "action": [{"id": "a", "label": "A", "when": {"types": ["Shot"]}}]}))
    .expect("a manifest");
    let broken = Catalogued::used("/broken", Err(Failure::invalid("broken")));
    let whole = Catalogued::used("/p", Ok(manifest));
    let newer = Catalogued {
        revision: 1,
        ..whole.clone()
    };
    let off = Catalogued {
        standing: Standing::Off(Failure::denied("it is disabled")),
        ..whole.clone()
    };
    one_of(
        dice,
        &[
            vec![newer],
            vec![off],
            vec![whole.clone()],
            vec![whole.clone(), broken.clone()],
            vec![whole.clone(), whole],
            vec![broken],
        ],
    )
}

fn facts(id: &str) -> EntityFacts {
    EntityFacts {
        id: id.into(),
        kind: "Shot".into(),
        object_type: Some("Shot".into()),
        ..EntityFacts::default()
    }
}

fn ask(dice: &mut Dice, number: u64) -> Ask {
    let job = JobId::from(format!("j{}", dice.below(number + 1)));
    let surface = one_of(dice, &[Surface::Web, Surface::Flame, Surface::Cli]);
    let selection = if dice.below(2) == 0 {
        vec![Entity::new("TypedContext", one_of(dice, &["x", "y", "z"]))]
    } else {
        Vec::new()
    };
    let context = Context {
        surface,
        selection,
        ..Context::default()
    };
    let wait_ms = (dice.below(2) == 0).then_some(5_000);
    match dice.below(9) {
        0 => Ask::Discover { context },
        1..=3 => Ask::Launch(AskLaunch {
            job: format!("j{number}").into(),
            event_id: (dice.below(2) == 0).then(|| format!("e{}", dice.below(5))),
            action: one_of(dice, &["p.a", "p.a", "p.a", "p.none"]).into(),
            context,
            wait_ms,
            ..AskLaunch::default()
        }),
        4 => Ask::Answer {
            job,
            values: Map::new(),
            question: None,
            wait_ms,
        },
        5 => Ask::Wait { job, wait_ms: 100 },
        6 => Ask::Cancel(job),
        7 => Ask::Retry(job),
        _ => one_of(
            dice,
            &[
                Ask::Plugins,
                Ask::Forgive("p".into()),
                Ask::Show(job),
                Ask::List {
                    states: Vec::new(),
                    limit: 3,
                },
            ],
        ),
    }
}

fn end(dice: &mut Dice, failure: Failure) -> ProcessEnd {
    one_of(
        dice,
        &[
            ProcessEnd::Stopped,
            ProcessEnd::Exited("signal 9".into()),
            ProcessEnd::Unruly("it floods".into()),
            ProcessEnd::NotStarted(failure),
        ],
    )
}

fn call_result(dice: &mut Dice, failure: Failure) -> CallResult {
    one_of(
        dice,
        &[
            CallResult::Done,
            CallResult::Refused {
                failure: failure.clone(),
                duplicate: true,
            },
            CallResult::Refused {
                failure: failure.clone(),
                duplicate: false,
            },
            CallResult::NotSent {
                failure: failure.clone(),
                retry_after_ms: Some(10),
            },
            CallResult::Unknown { failure },
        ],
    )
}

/// An answer to the latest turn, or a request, or something that nobody asked for.
fn said(dice: &mut Dice, seen: &Seen, process: ProcessId) -> Event {
    let (process, id) = if dice.below(4) > 0 {
        seen.turns.last().copied().unwrap_or((process, 1))
    } else {
        (process, dice.below(9))
    };
    let outcome = one_of(
        dice,
        &[
            json!({"outcome": "done", "message": "d"}),
            json!({"outcome": "asks", "view": {"items": [{"type": "text", "name": "n", "value": ""}]}}),
            json!({"outcome": "waits"}),
            json!({"outcome": "cancelled"}),
            json!({"outcome": "from the future"}),
            json!(17),
        ],
    );
    let unit = json!({"key": "u", "operations": [{"action": "create", "entity_type": "Shot", "id": format!("i{}", dice.below(4)), "data": {}}]});
    let hand_over = json!({"key": format!("k{}", dice.below(2)), "steps": [{"id": "s", "kind": "call", "units": [unit]}]});
    let request = |method: &str, params: Value| Message::Request {
        id: 900 + id,
        method: method.into(),
        params,
    };
    let message = match dice.below(12) {
        0 | 1 => Message::Answer {
            id: Some(id),
            result: Ok(outcome),
        },
        3 if dice.below(3) == 0 => Message::Answer {
            id: Some(id),
            result: Err(Failure::invalid("no")),
        },
        4..=9 => request("steps.hand_over", hand_over),
        10 => request(
            one_of(
                dice,
                &[
                    "ftrack.query",
                    "store.put",
                    "store.get",
                    "dcc.describe",
                    "nonsense",
                ],
            ),
            json!({"expressions": ["Shot"], "key": "k", "value": 1}),
        ),
        _ => Message::Notification {
            method: one_of(dice, &["log", "progress", "notify", "nonsense"]).into(),
            params: json!({"message": "m"}),
        },
    };
    Event::ProcessSaid { process, message }
}

fn one_of<T: Clone>(dice: &mut Dice, choices: &[T]) -> T {
    choices[dice.below(choices.len() as u64) as usize].clone()
}
