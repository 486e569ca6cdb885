//! Every service, from a plugin through the wire to the fake host and back.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::{Path, PathBuf};

use callboard_plugin_sdk::{
    Change, Changed, DccContext, Failure, FailureKind, Host, Item, Launch, Operation, Outcome,
    Patch, Plugin, Step, Unit, View, Work, event_step, quote,
};
use callboard_plugin_test::{
    Context, HostMethod, HttpAnswer, HttpBody, Map, PluginTest, Value, json,
};

/// Does what a closure says.
struct Scripted<F>(F);

impl<F> Plugin for Scripted<F>
where
    F: FnMut(&Launch, &Host) -> Result<Outcome, Failure> + Send,
{
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        (self.0)(launch, host)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/greedy")
}

fn greedy(
    act: impl FnMut(&Launch, &Host) -> Result<Outcome, Failure> + Send + 'static,
) -> PluginTest {
    PluginTest::new(folder(), Scripted(act))
}

fn act(test: &mut PluginTest) -> Result<Outcome, Failure> {
    test.launch("act", Context::default(), json!({}))
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn create(entity_type: &str) -> Vec<Step> {
    vec![Step {
        id: "make".into(),
        label: "make it".to_owned(),
        needs: Vec::new(),
        work: Work::Call {
            units: vec![Unit {
                key: "sh010".to_owned(),
                label: "sh010".to_owned(),
                needs: Vec::new(),
                operations: vec![Operation::Create {
                    entity_type: entity_type.to_owned(),
                    id: "c1".to_owned(),
                    data: Map::new(),
                }],
            }],
        },
    }]
}

#[test]
fn an_event_step_has_its_id_before_it_is_handed_over() {
    let hand_over = |step: Step| {
        let mut test = greedy(move |_, host| {
            host.hand_over("k", vec![step.clone()], json!({}))?;
            Ok(Outcome::Waits)
        });
        let ended = act(&mut test);
        ended.map(|_| test.steps_done())
    };
    let step = event_step("tell", "studio.saved", json!({}));
    let report = hand_over(step.clone()).unwrap();
    assert_eq!(report.units().next().unwrap().key, "tell");
    let mut nameless = step;
    if let Work::Event { event, .. } = &mut nameless.work {
        event["id"] = json!("");
    }
    let refusal = hand_over(nameless).unwrap_err();
    assert_eq!(refusal.message, "the event of step `tell` has no id");
}

#[test]
fn queries_are_answered_in_their_order() {
    let mut test = greedy(|_, host| {
        let results = host.query_many(&["A", "B"])?;
        let one = host.query(&format!("Shot where name is {}", quote("a\"b")))?;
        assert_eq!(one.len(), 1);
        Ok(Outcome::done(format!(
            "{} {}",
            results[0].len(),
            results[1].len()
        )))
    })
    .ftrack(|expression| {
        let count = if expression == "B" { 2 } else { 1 };
        Ok(vec![map(json!({"id": expression})); count])
    });
    assert_eq!(act(&mut test), Ok(Outcome::done("1 2")));
    let expected = ["A", "B", r#"Shot where name is "a\"b""#];
    assert_eq!(test.record().queries, expected);
}

#[test]
fn a_long_answer_comes_in_pages() {
    let mut test = greedy(|_, host| {
        let pages: Result<Vec<_>, Failure> =
            host.ftrack().pages("Shot order by id").of(2).collect();
        let sizes: Vec<usize> = pages?.iter().map(Vec::len).collect();
        Ok(Outcome::done(format!("{sizes:?}")))
    })
    .ftrack(|_| Ok(vec![Map::new(); 5]));
    assert_eq!(act(&mut test), Ok(Outcome::done("[2, 2, 1]")));
    assert_eq!(test.record().queries, ["Shot order by id"]);
}

#[test]
fn files_lie_in_the_jobs_folder() {
    let mut test = greedy(|_, host| {
        let folder = host.folder()?;
        let film = host.ftrack().download("f1", "a.mov")?;
        assert_eq!(Path::new(&film.path), folder.join("a.mov"));
        assert_eq!(std::fs::read(&film.path).unwrap(), b"film");
        let image = host.ftrack().thumbnail("f1", 300, "a.jpg")?;
        assert!(Path::new(&image.path).starts_with(&folder));
        let missing = host.ftrack().download("f2", "b.mov").unwrap_err();
        assert_eq!(missing.kind, FailureKind::NotFound);
        let outside = host.ftrack().download("f1", "../b.mov").unwrap_err();
        assert_eq!(outside.kind, FailureKind::Invalid);
        Ok(Outcome::done(film.size_bytes.to_string()))
    })
    .file("f1", "film");
    assert_eq!(act(&mut test), Ok(Outcome::done("4")));
}

#[test]
fn web_servers_answer_as_the_test_says() {
    let mut test = greedy(|_, host| {
        let reply = host.http().get("https://farm.example.com/jobs")?;
        assert_eq!(reply.clone().ok()?.json::<Vec<u32>>()?, [1, 2]);
        assert_eq!(reply.header("x-farm"), Some("busy"));
        let refused = host.http().post_json("https://farm.example.com/jobs", &3)?;
        let failure = refused.ok().unwrap_err();
        assert_eq!(failure.causes, ["no room"]);
        let file = host
            .http()
            .fetch("https://farm.example.com/jobs", "jobs.json")?;
        let path = file.answer.file.unwrap().path;
        assert_eq!(std::fs::read(path).unwrap(), b"[1, 2]");
        host.open("https://farm.example.com")?;
        Ok(Outcome::done("asked"))
    })
    .web(|request| {
        let is_post = request.method.as_deref() == Some("POST");
        Ok(HttpAnswer {
            status: if is_post { 503 } else { 200 },
            headers: vec![("x-farm".to_owned(), "busy".to_owned())],
            body: Some(HttpBody::Text(
                if is_post { "no room" } else { "[1, 2]" }.to_owned(),
            )),
            ..HttpAnswer::default()
        })
    });
    assert_eq!(act(&mut test), Ok(Outcome::done("asked")));
    assert_eq!(test.record().opened, ["https://farm.example.com"]);
}

#[test]
#[should_panic(expected = "does not declare: {\"http:evil.org\"}")]
fn a_host_that_is_not_declared_fails_the_test() {
    let mut test = greedy(|_, host| {
        host.http().get("https://evil.org/")?;
        Ok(Outcome::done("not reached"))
    });
    act(&mut test).ok();
}

#[test]
fn a_call_answers_with_what_was_made() {
    let mut test = greedy(|_, host| {
        let made = host.ftrack().call(vec![Operation::Create {
            entity_type: "Shot".to_owned(),
            id: "c1".to_owned(),
            data: map(json!({"name": "sh010"})),
        }])?;
        assert_eq!(made[0]["name"], "sh010");
        let nothing = host.ftrack().call(Vec::new()).unwrap_err();
        assert_eq!(nothing.kind, FailureKind::Invalid);
        Ok(Outcome::done(made[0]["id"].as_str().unwrap()))
    });
    assert_eq!(act(&mut test), Ok(Outcome::done("c1")));
    assert_eq!(test.record().calls.len(), 1);
}

#[test]
#[should_panic(expected = "does not declare: {\"ftrack.delete.Shot\"}")]
fn a_call_that_is_not_declared_fails_the_test() {
    let mut test = greedy(|_, host| {
        let delete = Operation::Delete {
            entity_type: "Shot".to_owned(),
            key: vec!["c1".to_owned()],
        };
        host.ftrack().call(vec![delete])?;
        Ok(Outcome::done("not reached"))
    });
    act(&mut test).ok();
}

#[test]
fn a_selection_comes_in_pages_and_whole() {
    let rows: Vec<_> = (0..7).map(|index| map(json!({"index": index}))).collect();
    let expected = rows.clone();
    let mut test = greedy(move |_, host| {
        assert_eq!(host.describe(&DccContext::default())?, expected);
        Ok(Outcome::done("seen"))
    })
    .selection(rows);
    assert_eq!(act(&mut test), Ok(Outcome::done("seen")));
}

#[test]
fn what_is_stored_is_found_again() {
    let mut test = greedy(|_, host| {
        let count: u32 = host.store().get("count")?.unwrap_or(0);
        host.store().put("count", &(count + 1))?;
        host.store().remove("old")?;
        assert_eq!(host.store().get::<Value>("old")?, None);
        let other = host.store().get::<Vec<u32>>("count").unwrap_err();
        assert_eq!(other.message, "the stored value has another form: `count`");
        Ok(Outcome::done(format!("{}", count + 1)))
    })
    .stored("old", json!(true));
    assert_eq!(act(&mut test), Ok(Outcome::done("1")));
    assert_eq!(act(&mut test), Ok(Outcome::done("2")));
    assert_eq!(
        Value::Object(test.record().store.clone()),
        json!({"count": 2})
    );
}

#[test]
fn a_secret_is_kept_and_removed() {
    let mut test = greedy(|_, host| {
        let secret = host.secret();
        assert_eq!(secret.get("token")?, None);
        secret.put("token", "s3cret")?;
        assert_eq!(secret.get("token")?.as_deref(), Some("s3cret"));
        secret.put("other", "x")?;
        secret.remove("token")?;
        assert_eq!(secret.get("token")?, None);
        Ok(Outcome::done("kept"))
    });
    assert_eq!(act(&mut test), Ok(Outcome::done("kept")));
    assert_eq!(test.record().secrets.len(), 1);
}

#[test]
fn keys_are_listed_and_values_swapped() {
    let mut test = greedy(|_, host| {
        let store = host.store();
        for name in ["b", "a", "c", "d", "e"] {
            store.put(&format!("shot/{name}"), &1)?;
        }
        store.put("other", &1)?;
        let keys = store.keys("shot/")?;
        assert_eq!(keys, ["shot/a", "shot/b", "shot/c", "shot/d", "shot/e"]);
        assert!(!store.swap("shot/a", Some(&2), Some(&3))?);
        assert!(store.swap("shot/a", Some(&1), Some(&3))?);
        assert!(store.swap("new", None, Some(&4))?);
        assert!(store.swap("other", Some(&1), None)?);
        Ok(Outcome::done(store.keys("")?.join(" ")))
    });
    let expected = "new shot/a shot/b shot/c shot/d shot/e";
    assert_eq!(act(&mut test), Ok(Outcome::done(expected)));
}

#[test]
fn a_log_numbers_its_entries_and_doubles_none() {
    let mut test = greedy(|_, host| {
        let log = host.store().log("hours");
        for minutes in 1..=7 {
            assert_eq!(log.append(&minutes)?, minutes);
        }
        assert_eq!(log.append_once("today", &8)?, 8);
        assert_eq!(log.append_once("today", &9)?, 8);
        log.trim(2)?;
        let entries = log.entries::<u64>(0)?;
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7, 8]);
        assert_eq!(entries[5].key.as_deref(), Some("today"));
        let further = log.entries::<u64>(7)?;
        log.trim(8)?;
        Ok(Outcome::done(format!(
            "{} {}",
            further[0].value,
            log.append(&0)?
        )))
    });
    assert_eq!(act(&mut test), Ok(Outcome::done("8 9")));
    assert_eq!(test.record().store_logs["hours"].len(), 1);
}

#[test]
fn what_is_told_is_written_down_in_order() {
    let mut test = greedy(|_, host| {
        host.info("one");
        host.warn("two");
        host.progress(0.5, "half");
        host.progress(None, "waiting");
        host.notify("Title", "sentence");
        Ok(Outcome::done(""))
    });
    act(&mut test).unwrap();
    let record = test.record();
    assert_eq!(record.logs.len(), 2);
    assert_eq!(record.progress[1].fraction, None);
    assert_eq!(record.notifications[0].title, "Title");
}

#[test]
fn a_job_asks_hands_over_and_reports() {
    let mut test = greedy(|launch, host| {
        if let Some(report) = &launch.steps {
            assert_eq!(launch.state, json!({"page": 2}));
            return Ok(Outcome::done(format!("{} made", report.units().count())));
        }
        if launch.state.is_null() {
            let view = View::new("Which?").with(Item::text("name", "Name").value("sh010"));
            return Ok(Outcome::Asks {
                view,
                state: json!({"page": 1}),
            });
        }
        assert_eq!(launch.values["name"], "sh010");
        assert_eq!(launch.values["more"], true);
        host.hand_over("make", create("Shot"), json!({"page": 2}))?;
        host.hand_over("make", create("Shot"), json!({"page": 2}))?;
        Ok(Outcome::Waits)
    });
    assert!(matches!(act(&mut test), Ok(Outcome::Asks { .. })));
    assert_eq!(test.answer(json!({"more": true})), Ok(Outcome::Waits));
    assert_eq!(test.record().hand_overs.len(), 1);
    let report = test.steps_done();
    assert_eq!(test.after_steps(report), Ok(Outcome::done("1 made")));
}

#[test]
#[should_panic(expected = "does not declare: {\"ftrack.create.Task\"}")]
fn using_what_is_not_declared_fails_the_test() {
    let mut test = greedy(|_, host| {
        host.hand_over("make", create("Task"), ())
            .map(|()| Outcome::Waits)
    });
    act(&mut test).ok();
}

#[test]
fn a_panic_fails_the_turn_and_nothing_else() {
    let mut turns = 0;
    let mut test = greedy(move |_, _| {
        turns += 1;
        assert!(turns > 1, "first time unlucky");
        Ok(Outcome::done("lucky"))
    });
    let failure = act(&mut test).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Plugin);
    assert_eq!(failure.message, "the plugin panicked: `first time unlucky`");
    assert_eq!(act(&mut test), Ok(Outcome::done("lucky")));
}

#[test]
fn a_cancel_ends_what_reads_and_not_what_writes() {
    let mut test = greedy(|_, host| {
        host.hand_over("make", create("Shot"), ())?;
        assert!(host.cancelled());
        let failure = host.query("Shot").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled);
        host.query("Shot")?;
        Ok(Outcome::done("not reached"))
    });
    test.cancel_at(HostMethod::HandOver);
    assert_eq!(act(&mut test), Ok(Outcome::Cancelled));
    assert_eq!(test.record().hand_overs.len(), 1);

    let mut test = greedy(|_, host| {
        assert!(!host.cancelled(), "a cancel is for the turn that it ends");
        host.query("Shot")?;
        Ok(Outcome::done("asked"))
    })
    .ftrack(|_| Ok(Vec::new()));
    test.cancel_at(HostMethod::Query);
    assert_eq!(act(&mut test), Ok(Outcome::Cancelled));
    assert_eq!(act(&mut test), Ok(Outcome::done("asked")));
}

#[test]
fn a_failure_of_the_host_reaches_the_plugin_whole() {
    let mut test = greedy(|_, host| {
        host.query("Shot")?;
        Ok(Outcome::done("not reached"))
    });
    let failure = Failure::new(FailureKind::Ftrack, "no such attribute")
        .hint("check it")
        .because("KeyError");
    test.fail_next(HostMethod::Query, failure.clone());
    assert_eq!(act(&mut test), Err(failure));
}

#[test]
fn a_request_that_is_too_large_is_refused_here() {
    let mut test = greedy(|_, host| {
        host.store().put("big", &"x".repeat(9 * 1024 * 1024))?;
        Ok(Outcome::done("not reached"))
    });
    assert_eq!(act(&mut test).unwrap_err().kind, FailureKind::Limit);
    let mut test = greedy(|_, _| Ok(Outcome::done("x".repeat(9 * 1024 * 1024))));
    let failure = act(&mut test).unwrap_err();
    assert_eq!(failure.message, "the outcome is too large");
}

/// Asks with a live form, and answers its changes.
struct Former;

impl Plugin for Former {
    fn launch(&mut self, _: &Launch, _: &Host) -> Result<Outcome, Failure> {
        let view = View::new("Shots")
            .with(Item::text("prefix", "Prefix").live())
            .with(Item::note("").named("summary"));
        Ok(Outcome::asks(view))
    }

    fn change(&mut self, change: &Change, host: &Host) -> Result<Changed, Failure> {
        let prefix = change.values["prefix"].as_str().unwrap_or_default();
        if prefix == "greedy" {
            host.store().put("last", &prefix)?;
        }
        let summary = Patch::of("summary").value(format!("{prefix}010"));
        Ok(Changed::nothing().with(summary))
    }
}

#[test]
fn a_live_field_is_changed_and_may_make_nothing_durable() {
    let mut test = PluginTest::new(folder(), Former);
    act(&mut test).unwrap();
    let view = test.change("prefix", json!({"prefix": "sh"})).unwrap();
    assert_eq!(view.items[1].value, json!("sh010"));
    let refused = test.change("prefix", json!({"prefix": "greedy"}));
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Denied);
    assert_eq!(
        refused.message,
        "`store.put` cannot be asked while a form changes"
    );
    // The form can still be answered.
    test.answer(json!({})).unwrap();
}
