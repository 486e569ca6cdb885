use std::sync::mpsc::{Receiver, sync_channel};

use callboard_protocol::{
    Edit, FieldEdit, HandOver, JobDetail, JobId, JobState, JobSummary, StorePut, Surface, UnitState,
};
use engine::{DraftChange, DraftRow, JobRow, UnitRow};
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
            question: 0,
            draft: Vec::new(),
            output: Value::Null,
            failure: None,
            steps: None,
            parent: None,
            children: Vec::new(),
            files: Vec::new(),
        },
        state: json!({"turn": 1}),
        server: "http://localhost".into(),
        event_id: Some(format!("event of {id}")),
        launch: callboard_protocol::Launch::default(),
        child_key: String::new(),
        reported: false,
        earlier: Vec::new(),
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
fn a_bad_row_costs_only_its_own_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = owner(&folder);
    let (sender, results) = sync_channel(3);
    let write = |rows: Vec<Row>| {
        let sender = sender.clone();
        let answer = move |result: Result<(), Failure>| sender.send(result).unwrap();
        Work::Keep(rows, Box::new(answer))
    };
    // A hand-over of a job that does not exist.
    let orphan = Row::HandOver {
        job: "nobody".into(),
        hand_over: Box::default(),
    };
    owner.work(vec![
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
    let (sender, results) = sync_channel(2);
    let big = || {
        let sender = sender.clone();
        let answer = move |result: Result<Value, Failure>| sender.send(result).unwrap();
        let value = json!("x".repeat(100_000));
        let put = StorePut {
            key: "k".into(),
            value,
        };
        Work::Store("hello".into(), StoreRequest::Put(put), Box::new(answer))
    };
    owner.work(vec![big()]);
    let failure = results.recv().unwrap().unwrap_err();
    assert_eq!(failure.message, "the disk is full, nothing was begun");
    let shown = owner.status.lock().unwrap().problem.clone();
    assert_eq!(shown, Some(failure));

    owner
        .connection
        .pragma_update(None, "max_page_count", 100_000)
        .unwrap();
    owner.work(vec![big()]);
    results.recv().unwrap().unwrap();
    assert_eq!(owner.status.lock().unwrap().problem, None);
}

fn ask(ledger: &Ledger, method: &str, params: Value) -> Result<Value, Failure> {
    let request = match method {
        "get" => StoreRequest::Get(serde_json::from_value(params).unwrap()),
        "put" => StoreRequest::Put(serde_json::from_value(params).unwrap()),
        "swap" => StoreRequest::Swap(serde_json::from_value(params).unwrap()),
        "keys" => StoreRequest::Keys(serde_json::from_value(params).unwrap()),
        "append" => StoreRequest::Append(serde_json::from_value(params).unwrap()),
        "entries" => StoreRequest::Entries(serde_json::from_value(params).unwrap()),
        _ => StoreRequest::Trim(serde_json::from_value(params).unwrap()),
    };
    let (sender, receiver) = sync_channel(1);
    let answer = move |result| drop(sender.send(result));
    ledger
        .store("hello".into(), request, Box::new(answer))
        .unwrap();
    receiver.recv().unwrap()
}

#[test]
fn a_value_is_read_back_and_null_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let ask = |method, params| ask(&opened.ledger, method, params).unwrap();
    assert_eq!(ask("get", json!({"key": "k"})), json!({"value": null}));
    ask("put", json!({"key": "k", "value": {"a": [1]}}));
    assert_eq!(
        ask("get", json!({"key": "k"})),
        json!({"value": {"a": [1]}})
    );
    let swap = json!({"key": "k", "expected": 1, "value": 2});
    let found = json!({"swapped": false, "value": {"a": [1]}});
    assert_eq!(ask("swap", swap), found);
    let swap = json!({"key": "k", "expected": {"a": [1]}, "value": 2});
    assert_eq!(ask("swap", swap), json!({"swapped": true, "value": 2}));
    ask("put", json!({"key": "k", "value": null}));
    assert_eq!(ask("get", json!({"key": "k"})), json!({"value": null}));
    opened.thread.close();
}

#[test]
fn keys_are_listed_by_prefix_and_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let ask = |method, params| ask(&opened.ledger, method, params).unwrap();
    for key in ["a", "ä/1", "ä/2", "ä", "b%", "b_"] {
        ask("put", json!({"key": key, "value": 1}));
    }
    let keys = |prefix: &str| ask("keys", json!({"prefix": prefix}))["keys"].clone();
    assert_eq!(keys("ä/"), json!(["ä/1", "ä/2"]));
    assert_eq!(keys("b_"), json!(["b_"]));
    assert_eq!(keys(""), json!(["a", "b%", "b_", "ä", "ä/1", "ä/2"]));
    for number in 0..1_001 {
        ask("put", json!({"key": format!("n{number:04}"), "value": 1}));
    }
    let page = ask("keys", json!({"prefix": "n"}));
    assert_eq!(
        (page["more"].clone(), &page["keys"][999]),
        (json!(true), &json!("n0999"))
    );
    let rest = ask("keys", json!({"prefix": "n", "after": "n0999"}));
    assert_eq!(rest, json!({"keys": ["n1000"], "more": false}));
    opened.thread.close();
}

#[test]
fn a_log_gives_no_number_twice_though_the_host_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let append = |ledger: &Ledger, params| ask(ledger, "append", params).unwrap()["number"].clone();
    for number in 1..=3 {
        assert_eq!(
            append(&opened.ledger, json!({"log": "l", "value": number})),
            number
        );
    }
    let once = json!({"log": "l", "key": "k", "value": 4});
    assert_eq!(append(&opened.ledger, once.clone()), 4);
    opened.thread.close();
    let opened = open(&folder);
    assert_eq!(append(&opened.ledger, once), 4);
    assert_eq!(
        append(
            &opened.ledger,
            json!({"log": "other", "key": "k", "value": 1})
        ),
        1
    );
    ask(&opened.ledger, "trim", json!({"log": "l", "until": 4})).unwrap();
    let entries = ask(&opened.ledger, "entries", json!({"log": "l"})).unwrap();
    assert_eq!(entries, json!({"entries": [], "more": false}));
    assert_eq!(append(&opened.ledger, json!({"log": "l", "value": 5})), 5);
    let entries = ask(&opened.ledger, "entries", json!({"log": "l", "after": 4})).unwrap();
    assert_eq!(entries["entries"], json!([{"number": 5, "value": 5}]));
    opened.thread.close();
}

#[test]
fn a_full_store_refuses_more_and_takes_less() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder);
    let big = json!("x".repeat(250_000));
    let append = json!({"log": "l", "value": big});
    let appended = (0..300).find_map(|_| ask(&opened.ledger, "append", append.clone()).err());
    let failure = appended.unwrap();
    assert_eq!(failure.kind, FailureKind::Limit);
    assert_eq!(failure.message, "the store of `hello` is full: 64 MiB");
    ask(&opened.ledger, "put", json!({"key": "k", "value": big})).unwrap_err();
    // What is large is told in parts.
    let entries = ask(&opened.ledger, "entries", json!({"log": "l"})).unwrap();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 16);
    assert_eq!(entries["more"], true);
    ask(&opened.ledger, "trim", json!({"log": "l", "until": 2})).unwrap();
    ask(&opened.ledger, "put", json!({"key": "k", "value": big})).unwrap();
    ask(&opened.ledger, "put", json!({"key": "k", "value": 1})).unwrap();
    ask(&opened.ledger, "append", append).unwrap();
    opened.thread.close();
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

#[test]
fn a_draft_is_kept_edit_by_edit_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let edit = |number: u64| {
        DraftRow::Edit(FieldEdit {
            number,
            name: "shots".into(),
            edit: Edit::Value {
                value: number.into(),
            },
        })
    };
    let change = |change: DraftChange| Row::Draft {
        job: "j1".into(),
        change: Box::new(change),
    };
    let kept = |rows: Vec<Row>| {
        let opened = open(&folder);
        keep(&opened.ledger, rows).recv().unwrap().unwrap();
        opened.thread.close();
        let opened = open(&folder);
        opened.thread.close();
        opened.kept.jobs[0].draft.clone()
    };
    let put = |key: &str, number| DraftChange {
        put: vec![(key.to_owned(), edit(number))],
        ..DraftChange::default()
    };
    let rows = vec![
        job("j1", JobState::Asks, 1),
        change(put("a", 1)),
        change(put("b", 2)),
        change(put("a", 3)),
    ];
    assert_eq!(kept(rows), [edit(3), edit(2)]);
    let forgotten = DraftChange {
        forget: vec!["a".into()],
        ..put("c", 4)
    };
    assert_eq!(kept(vec![change(forgotten)]), [edit(2), edit(4)]);
    let cleared = DraftChange {
        clear: true,
        ..put("d", 5)
    };
    assert_eq!(kept(vec![change(cleared)]), [edit(5)]);
}
