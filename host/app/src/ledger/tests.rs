use std::sync::mpsc::{Receiver, sync_channel};

use callboard_protocol::{HandOver, JobDetail, JobId, JobState, JobSummary, Surface, UnitState};
use engine::{JobRow, UnitRow};
use serde_json::json;

use super::*;

struct Opened {
    ledger: Ledger,
    thread: LedgerThread,
    kept: Kept,
}

fn open(folder: &tempfile::TempDir) -> Opened {
    let place = Place {
        folder: folder.path().to_owned(),
        instead_of: None,
    };
    let (ledger, thread, kept) = Ledger::open(&place, 2).unwrap();
    Opened {
        ledger,
        thread,
        kept,
    }
}

fn job(id: &str, state: JobState, created_ms: u64) -> Row {
    let summary = JobSummary {
        id: JobId::from(id),
        action: "hello.greet".into(),
        label: "Say hello".into(),
        state,
        surface: Surface::Cli,
        user: "ada".into(),
        created_ms,
        changed_ms: created_ms,
        message: String::new(),
        progress: None,
    };
    Row::Job(Box::new(JobRow {
        detail: JobDetail {
            summary,
            context: callboard_protocol::Context::default(),
            values: serde_json::Map::new(),
            view: None,
            output: Value::Null,
            failure: None,
            steps: None,
        },
        state: json!({"turn": 1}),
        server: "http://localhost".into(),
        event_id: Some(format!("event of {id}")),
        launch: callboard_protocol::Launch::default(),
        reported: false,
    }))
}

fn keep(ledger: &Ledger, rows: Vec<Row>) -> Receiver<Result<(), Failure>> {
    let (sender, receiver) = sync_channel(1);
    let answer = move |result| drop(sender.send(result));
    ledger.keep(rows, Box::new(answer)).unwrap();
    receiver
}

fn ids(kept: &Kept) -> Vec<&str> {
    kept.jobs
        .iter()
        .map(|job| job.row.detail.summary.id.as_str())
        .collect()
}

fn unit(state: UnitState) -> UnitRow {
    UnitRow {
        step: "s".into(),
        key: "sh010".into(),
        state,
        failure: None,
    }
}

#[test]
fn what_was_answered_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let hand_over = HandOver {
        key: "shots".into(),
        ..HandOver::default()
    };
    let units = |state| Row::Units {
        job: "j1".into(),
        hand_over: "shots".into(),
        units: vec![unit(state)],
    };
    let rows = vec![
        job("j1", JobState::Working, 1),
        Row::HandOver {
            job: "j1".into(),
            hand_over: Box::new(hand_over.clone()),
        },
        units(UnitState::Sent),
    ];
    keep(&opened.ledger, rows).recv().unwrap().unwrap();
    keep(&opened.ledger, vec![units(UnitState::Done)])
        .recv()
        .unwrap()
        .unwrap();
    assert_eq!(opened.ledger.status().unfinished, 1);
    opened.thread.close();

    let kept = open(&folder).kept;
    assert_eq!(ids(&kept), ["j1"]);
    assert_eq!(kept.jobs[0].hand_overs, [hand_over]);
    assert_eq!(kept.jobs[0].units, [unit(UnitState::Done)]);
    assert_eq!(kept.jobs[0].row.state, json!({"turn": 1}));
}

#[test]
fn a_job_run_again_from_its_start_hands_over_new_work_under_the_old_key() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let row = |state: Value| Row::HandOver {
        job: "j1".into(),
        hand_over: Box::new(HandOver {
            key: "k".into(),
            state,
            ..HandOver::default()
        }),
    };
    let rows = vec![
        job("j1", JobState::Working, 1),
        row(json!(1)),
        Row::Units {
            job: "j1".into(),
            hand_over: "k".into(),
            units: vec![unit(UnitState::Failed)],
        },
        row(json!(2)),
    ];
    keep(&opened.ledger, rows).recv().unwrap().unwrap();
    opened.thread.close();
    let kept = open(&folder).kept;
    assert_eq!(kept.jobs[0].hand_overs.len(), 1);
    assert_eq!(kept.jobs[0].hand_overs[0].state, json!(2));
    assert_eq!(
        kept.jobs[0].units,
        [],
        "what became of the old work is not said of the new"
    );
}

#[test]
fn only_ended_jobs_are_forgotten_and_the_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let rows = vec![
        job("asks", JobState::Asks, 1),
        job("done1", JobState::Done, 2),
        job("failed", JobState::Failed, 3),
        job("done2", JobState::Done, 4),
    ];
    keep(&opened.ledger, rows).recv().unwrap().unwrap();
    opened.thread.close();
    assert_eq!(ids(&open(&folder).kept), ["asks", "failed", "done2"]);
}

#[test]
fn a_value_is_read_back_and_null_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let put = |value: Value| Row::Store {
        plugin: "hello".into(),
        key: "k".into(),
        value,
    };
    let read = || {
        let (sender, receiver) = sync_channel(1);
        let answer = move |result| drop(sender.send(result));
        opened
            .ledger
            .read_store("hello".into(), "k".into(), Box::new(answer))
            .unwrap();
        receiver.recv().unwrap().unwrap()
    };
    assert_eq!(read(), Value::Null);
    // Nobody waits for the write: a read that comes after it sees it all the same.
    drop(keep(&opened.ledger, vec![put(json!({"a": [1]}))]));
    assert_eq!(read(), json!({"a": [1]}));
    drop(keep(&opened.ledger, vec![put(Value::Null)]));
    assert_eq!(read(), Value::Null);
    opened.thread.close();
}

#[test]
fn a_bad_row_costs_only_its_own_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = owner(&folder);
    let (sender, results) = sync_channel(3);
    let write = |rows: Vec<Row>| -> Write {
        let sender = sender.clone();
        (
            rows,
            Box::new(move |result: Result<(), Failure>| sender.send(result).unwrap()),
        )
    };
    // A hand-over of a job that does not exist.
    let orphan = Row::HandOver {
        job: "nobody".into(),
        hand_over: Box::default(),
    };
    owner.keep(vec![
        write(vec![job("j1", JobState::Done, 1)]),
        write(vec![orphan]),
        write(vec![job("j2", JobState::Done, 2)]),
    ]);
    let results: Vec<bool> = results
        .iter()
        .take(3)
        .map(|result| result.is_ok())
        .collect();
    assert_eq!(results, [true, false, true]);
}

#[test]
fn a_full_disk_is_said_and_ends_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = owner(&folder);
    let pages: u32 = owner
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    owner
        .connection
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
    let big = || Row::Store {
        plugin: "hello".into(),
        key: "k".into(),
        value: json!("x".repeat(100_000)),
    };
    let (sender, results) = sync_channel(2);
    let answer = || {
        let sender = sender.clone();
        Box::new(move |result: Result<(), Failure>| sender.send(result).unwrap())
    };
    owner.keep(vec![(vec![big()], answer())]);
    let failure = results.recv().unwrap().unwrap_err();
    assert_eq!(failure.message, "the disk is full, nothing was begun");
    let shown = owner.status.lock().unwrap().problem.clone();
    assert_eq!(shown, Some(failure));

    owner
        .connection
        .pragma_update(None, "max_page_count", 100_000)
        .unwrap();
    owner.keep(vec![(vec![big()], answer())]);
    results.recv().unwrap().unwrap();
    assert_eq!(owner.status.lock().unwrap().problem, None);
}

fn owner(folder: &tempfile::TempDir) -> Owner {
    let place = Place {
        folder: folder.path().to_owned(),
        instead_of: None,
    };
    Owner {
        connection: schema::open(&place).unwrap(),
        status: Arc::default(),
        folder: place.folder,
    }
}
