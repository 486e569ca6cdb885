//! Windows as a person meets them, on a host that answers what the test says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use callboard_protocol::{BusMethod, Failure, WindowHeld, WindowNews, WindowRef};
use egui::{Key, accesskit};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use serde_json::{Value, json};

use super::{Page, Wish, page};
use crate::bus::fake::{FakeHost, SOON};
use crate::bus::{Bus, News};
use crate::tokens::Tokens;

struct Window<'a> {
    harness: Harness<'a>,
    host: FakeHost,
    page: Rc<RefCell<Box<dyn Page>>>,
    bus: Bus,
    wish: Rc<RefCell<Wish>>,
}

fn window<'a>(name: &str, job: Option<&str>, prepare: impl FnOnce(&FakeHost)) -> Window<'a> {
    let (host, bus) = FakeHost::new();
    prepare(&host);
    let window = WindowRef {
        window: name.to_owned(),
        job: job.map(Into::into),
    };
    let page = Rc::new(RefCell::new(page(&window, &WindowHeld::default(), &bus)));
    let (drawn, asked) = (Rc::clone(&page), bus.clone());
    let wish = Rc::new(RefCell::new(Wish::Stay));
    let wished = Rc::clone(&wish);
    let mut is_dressed = false;
    let harness = Harness::builder()
        .with_size([900.0, 600.0])
        .build_ui(move |ui| {
            if !is_dressed {
                Tokens::apply(ui.ctx());
                asked.repaints(ui.ctx().clone());
                is_dressed = true;
            }
            let mut page = drawn.borrow_mut();
            take_news(page.as_mut(), &asked);
            let wish = page.ui(ui, &asked);
            if wish == Wish::Close {
                *wished.borrow_mut() = wish;
            }
        });
    Window {
        harness,
        host,
        page,
        bus,
        wish,
    }
}

fn take_news(page: &mut dyn Page, bus: &Bus) {
    for news in bus.news() {
        if let News::Changed(changed) = news {
            page.news(bus, &changed);
        }
    }
}

impl Window<'_> {
    /// Draws until something with this label, or a part of it, is there.
    fn shows(&mut self, label: &str) {
        let deadline = Instant::now() + SOON;
        loop {
            self.harness.run_ok();
            if self
                .harness
                .query_all_by_label_contains(label)
                .next()
                .is_some()
            {
                return;
            }
            assert!(Instant::now() < deadline, "`{label}` is not shown");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn click(&mut self, label: &str) {
        self.shows(label);
        self.harness.get_by_label(label).click();
        self.harness.run_ok();
    }
}

fn job(state: &str, more: Value) -> Value {
    let mut job = json!({
        "id": "j1", "action": "hello.greet", "label": "Say hello", "state": state,
        "surface": "tray", "user": "ada", "created_ms": 1, "changed_ms": 2, "message": "",
        "context": {"surface": "tray", "user": "ada", "selection": []},
        "values": {}, "output": null,
    });
    let (Value::Object(job_map), Value::Object(more)) = (&mut job, more) else {
        panic!()
    };
    job_map.extend(more);
    job
}

fn news(job: &Value) -> WindowNews {
    WindowNews::Job {
        job: Box::new(serde_json::from_value(job.clone()).unwrap()),
    }
}

fn asking() -> Value {
    job(
        "asks",
        json!({"question": 3, "view": {"title": "Greet", "submit_button_label": "Greet them", "items": [
            {"type": "text", "name": "who", "label": "Whom", "value": "", "required": true}]}}),
    )
}

#[test]
fn a_job_is_answered_followed_and_run_again() {
    let mut window = window("job", Some("j1"), |host| {
        host.answer(BusMethod::JobsShow, Ok(asking()));
        let refusal = Failure::invalid("nobody is called that").hint("choose another");
        host.answer(BusMethod::JobsAnswer, Err(refusal));
    });
    window.shows("Whom");
    let field = window.harness.get_by_role(accesskit::Role::TextInput);
    field.focus();
    field.type_text("grace");
    window.harness.run_ok();
    window.click("Greet them");
    let answer = window.host.asked(BusMethod::JobsAnswer);
    assert_eq!(
        answer,
        json!({"job": "j1", "values": {"who": "grace"}, "question": 3})
    );
    // What was typed stays, with why it was not taken.
    window.shows("Nobody is called that.");
    window.host.answer(BusMethod::JobsAnswer, Ok(json!({})));
    window.click("Greet them");
    assert_eq!(
        window.host.asked(BusMethod::JobsAnswer)["values"]["who"],
        "grace"
    );

    let progress = json!({"progress": {"fraction": 0.25, "step": "1 of 2", "text": "waving"}});
    let running = job("running", progress);
    window.host.answer(BusMethod::JobsShow, Ok(running.clone()));
    window.host.tell(&news(&running));
    window.shows("25 %");
    window.shows("1 of 2");
    window.shows("waving");
    window.click("Cancel");
    assert_eq!(window.host.asked(BusMethod::JobsCancel)["job"], "j1");

    let failure = json!({"failure": {"kind": "plugin", "message": "the hand fell off"}});
    let failed = job("failed", failure);
    window.host.answer(BusMethod::JobsShow, Ok(failed.clone()));
    window.host.tell(&news(&failed));
    window.shows("The hand fell off.");
    window.click("Try again");
    assert_eq!(window.host.asked(BusMethod::JobsRetry)["job"], "j1");
    window.click("Close");
    assert_eq!(*window.wish.borrow(), Wish::Close);
}

#[test]
fn a_draft_is_there_again_when_the_window_is() {
    let mut kept = asking();
    kept["draft"] = json!([{"number": 1, "name": "who", "edit": "value", "value": "hopper"}]);
    let mut window = window("job", Some("j1"), |host| {
        host.answer(BusMethod::JobsShow, Ok(kept));
    });
    window.click("Greet them");
    assert_eq!(
        window.host.asked(BusMethod::JobsAnswer)["values"]["who"],
        "hopper"
    );
}

/// Asks for a name, live, and for a line that follows it; may be gone back from.
fn asking_live() -> Value {
    job(
        "asks",
        json!({"question": 3, "view": {"title": "Greet", "back": true, "items": [
            {"type": "text", "name": "who", "label": "Whom", "value": "", "live": true},
            {"type": "text", "name": "how", "label": "How", "value": ""}]}}),
    )
}

impl Window<'_> {
    fn types(&mut self, label: &str, text: &str) {
        self.shows(label);
        self.harness.get_by_label(label).focus();
        self.harness.run_ok();
        self.harness.get_by_label(label).type_text(text);
        self.harness.run_ok();
    }
}

#[test]
fn what_is_committed_is_kept_and_what_the_plugin_changes_is_shown() {
    let mut window = window("job", Some("j1"), |host| {
        host.answer(BusMethod::JobsShow, Ok(asking_live()));
        host.answer(BusMethod::JobsDraft, Ok(json!({"number": 1})));
        let patches =
            json!([{"name": "how", "value": "kindly"}, {"name": "who", "label": "Whom, of all"}]);
        host.answer(BusMethod::JobsChange, Ok(json!({"patches": patches})));
    });
    window.types("Whom", "ada");
    window.harness.key_press(Key::Tab);
    window.harness.run_ok();
    let draft = window.host.asked(BusMethod::JobsDraft);
    assert_eq!(draft["question"], 3);
    assert_eq!(
        draft["edits"],
        json!([{"number": 1, "name": "who", "edit": "value", "value": "ada"}])
    );
    let change = window.host.asked(BusMethod::JobsChange);
    assert_eq!(change["name"], "who");
    window.shows("Whom, of all");
    window.click("Submit");
    let values = window.host.asked(BusMethod::JobsAnswer)["values"].take();
    assert_eq!(values, json!({"who": "ada", "how": "kindly"}));
}

#[test]
fn what_could_not_be_kept_is_sent_again() {
    let away = Failure::new(
        callboard_protocol::FailureKind::Unavailable,
        "the disk is away",
    );
    let mut window = window("job", Some("j1"), |host| {
        host.answer(BusMethod::JobsShow, Ok(asking()));
        host.answer(BusMethod::JobsDraft, Err(away));
    });
    window.types("Whom", "ada");
    window.harness.key_press(Key::Tab);
    window.harness.run_ok();
    let first = window.host.asked(BusMethod::JobsDraft);
    let answer = json!({"number": 1});
    window.host.answer(BusMethod::JobsDraft, Ok(answer));
    let deadline = Instant::now() + SOON;
    let again = loop {
        window.harness.run_ok();
        if let Some(again) = window.host.was_asked(BusMethod::JobsDraft) {
            break again;
        }
        assert!(Instant::now() < deadline, "it is not sent again");
        std::thread::park_timeout(Duration::from_millis(5));
    };
    assert_eq!(first, again);
}

#[test]
fn a_window_that_closes_keeps_what_is_typed() {
    let mut window = window("job", Some("j1"), |host| {
        host.answer(BusMethod::JobsShow, Ok(asking()));
        host.answer(BusMethod::JobsDraft, Ok(json!({"number": 1})));
    });
    window.types("Whom", "ada");
    window.page.borrow_mut().closing(&window.bus);
    let draft = window.host.asked(BusMethod::JobsDraft);
    assert_eq!(draft["edits"][0]["value"], "ada");
}

#[test]
fn a_person_goes_back_to_the_question_before() {
    let mut window = window("job", Some("j1"), |host| {
        host.answer(BusMethod::JobsShow, Ok(asking_live()));
    });
    window.click("Back");
    assert_eq!(window.host.asked(BusMethod::JobsBack)["question"], 3);
}

#[test]
fn jobs_are_listed_filtered_and_kept_true() {
    let mut other = job(
        "done",
        json!({"label": "Make shots", "message": "12 shots made"}),
    );
    other["id"] = json!("j2");
    let list = json!({"items": [job("running", json!({})), other]});
    let mut window = window("jobs", None, |host| {
        host.answer(BusMethod::JobsList, Ok(list));
        host.answer(BusMethod::JobsShow, Ok(job("running", json!({}))));
    });
    window.shows("Say hello: Running");
    window.shows("Make shots: Done");
    window.click("Under way");
    let harness = &window.harness;
    assert!(harness.query_by_label("Make shots: Done").is_none());
    window.click("Say hello: Running");
    window.shows("Cancel");
    window.click("All");
    window
        .host
        .tell(&news(&job("done", json!({"message": "hello"}))));
    window.shows("Say hello: Done");
}

#[test]
fn an_action_is_found_by_typing_and_run_by_enter() {
    let action = |label: &str| json!({"label": label, "actionIdentifier": format!("x.{label}"), "callboardHost": "b7"});
    let mut window = window("launcher", None, |host| {
        let items =
            json!({"items": [action("Publish"), action("Create shots"), action("Shot status")]});
        host.answer(BusMethod::ActionsDiscover, Ok(items));
        host.answer(BusMethod::EntitiesList, Ok(json!({"items": []})));
        let farm =
            json!({"items": [{"label": "Render", "place": "farm", "item": {"label": "Render"}}]});
        host.answer(BusMethod::ActionsRemote, Ok(farm));
        host.answer(BusMethod::ActionsLaunch, Ok(json!({"job": "j1"})));
        host.answer(BusMethod::JobsShow, Ok(asking()));
    });
    window.shows("Publish");
    window.shows("Elsewhere: farm");
    let field = window.harness.get_by_label("Type to find an action");
    field.type_text("cs");
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Publish").is_none());
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    let launch = window.host.asked(BusMethod::ActionsLaunch);
    assert_eq!(launch["action"], "x.Create shots");
    window.shows("Whom");
    window.click("Back to the actions");
    window.shows("Render");
}

#[test]
fn a_form_from_elsewhere_is_sent_back_as_it_came() {
    let item = json!({"label": "Render", "actionIdentifier": "farm.render", "extra": 7});
    let mut window = window("launcher", None, |host| {
        host.answer(BusMethod::ActionsDiscover, Ok(json!({"items": []})));
        host.answer(BusMethod::EntitiesList, Ok(json!({"items": []})));
        let farm = json!({"items": [{"label": "Render", "place": "farm", "item": item}]});
        host.answer(BusMethod::ActionsRemote, Ok(farm));
        let form = json!({"success": true, "view": {"title": "Frames", "items": [
            {"type": "number", "name": "first", "label": "First", "value": 1001}]}});
        host.answer(BusMethod::ActionsLaunchRemote, Ok(form));
    });
    window.click("Render");
    assert_eq!(
        window.host.asked(BusMethod::ActionsLaunchRemote)["item"]["extra"],
        7
    );
    window.shows("First");
    let done = json!({"success": true, "message": "12 frames on their way"});
    window.host.answer(BusMethod::ActionsLaunchRemote, Ok(done));
    window.click("Submit");
    let sent = window.host.asked(BusMethod::ActionsLaunchRemote);
    assert_eq!(sent["values"], json!({"first": 1001}));
    window.shows("12 frames on their way");
}

#[test]
fn a_plugin_is_switched_off_and_its_problem_is_said() {
    let plugin = json!({"id": "hello", "version": "1.0.0", "state": "quarantined", "path": "/p/hello",
        "source": "bundled", "why": "the only one", "starts": 5, "crashes": 5, "actions": ["hello.greet"],
        "problem": {"kind": "plugin", "message": "`hello` crashed too often", "hint": "look into its log"}});
    let mut window = window("plugins", None, |host| {
        host.answer(BusMethod::PluginsList, Ok(json!({"items": [plugin]})));
        let settings = json!({"plugin": "hello", "view": {"title": "", "items": [
            {"type": "text", "name": "greeting", "label": "Greeting", "value": "Hello"}]}, "values": {}, "origins": {}, "problems": []});
        host.answer(BusMethod::PluginsSettings, Ok(settings));
        let lines = json!({"lines": ["info greeting ada"], "next": "1"});
        host.answer(BusMethod::PluginsLogs, Ok(lines));
    });
    window.click("hello 1.0.0: Crashed too often");
    window.shows("`hello` crashed too often.");
    window.click("Settings");
    window.shows("Greeting");
    window.click("Log");
    window.shows("info greeting ada");
    window.click("Switch off");
    assert_eq!(
        window.host.asked(BusMethod::PluginsDisable)["plugin"],
        "hello"
    );
}
