//! Golden lines: one of each message, as other languages write it. Changing one is a change of the protocol.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use callboard_protocol::{
    ActionItems, ActionRef, ActionsDiscover, ActionsLaunch, ApplicationBusy, AttachedFile,
    BisectStep, Bisected, BusHello, BusMethod, BusWelcome, Change, Changed, ChildJob,
    ConnectHandle, ConnectHandled, ConnectLoaded, ConnectMethod, ConnectPublish, ConnectPublished,
    ConnectSubscribed, ConnectUnsubscribed, Control, DeclaredCommand, DeclaredWindow, Describe,
    Description, DraftKept, Edit, EntitiesList, EntitiesOf, EntityRow, EventParams, EventsHeard,
    EventsNext, EventsPublish, EventsSubscribe, Failure, FailureKind, FetchedFile, FtrackCall,
    FtrackCalled, FtrackDownload, HandOver, HostHello, HostMethod, HttpAnswer, HttpRequest, Items,
    JobAnswer, JobBack, JobChange, JobChanged, JobDetail, JobDraft, JobFolder, JobRef, JobState,
    JobSummary, JobWait, JobsAttach, JobsLaunch, JobsList, KeptActions, Launch, Launched, Log,
    Message, Notify, Open, Operation, Outcome, PluginHello, PluginLogLines, PluginLogs,
    PluginMethod, PluginRef, PluginSettings, PluginSettingsAsk, PluginSource, PluginState,
    PluginSummary, PluginsBisect, PluginsReloaded, Progress, Publish, Query, QueryPage,
    QueryResults, QueryRows, RemoteDiscover, RemoteItem, RemoteLaunch, RemoteReply, Replies, Scope,
    SecretGet, SecretKept, SecretPut, SecretValue, SettingsValues, SignInEnd, Status, StatusSet,
    StoreAppend, StoreAppended, StoreEntries, StoreGet, StoreKeys, StorePut, StoreSwap,
    StoreSwapped, StoreTrim, StoreValue, StoredEntries, StoredKeys, Subscribe, Subscribed, Surface,
    WhoAmI, WindowHeld, WindowNews, WindowRef, WindowSize, Work,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Golden {
    r#type: String,
    line: Value,
}

fn golden_lines(file: &str) -> Vec<Golden> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn again<T: DeserializeOwned + Serialize>(line: &Value) -> Value {
    let read: T =
        serde_json::from_value(line.clone()).unwrap_or_else(|error| panic!("{error}: {line}"));
    serde_json::to_value(read).unwrap()
}

fn message_again(line: &Value) -> Value {
    let message = Message::from_json(line.to_string().as_bytes()).unwrap();
    let mut again: Value = serde_json::from_slice(&message.to_json()).unwrap();
    // A request without parameters and one whose parameters are null are the same.
    if line.get("params").is_none() && again.get("params") == Some(&Value::Null) {
        again.as_object_mut().unwrap().remove("params");
    }
    again
}

macro_rules! read_again {
    ($golden:expr, $($name:literal => $type:ty,)*) => {
        match $golden.r#type.as_str() {
            "Message" => message_again(&$golden.line),
            $($name => again::<$type>(&$golden.line),)*
            other => panic!("the test knows no `{other}`"),
        }
    };
}

#[expect(clippy::too_many_lines, reason = "one line for each message")]
fn check(file: &str) {
    for golden in golden_lines(file) {
        let again = read_again!(golden,
            "PluginHello" => PluginHello,
            "HostHello" => HostHello,
            "Launch" => Launch,
            "Outcome" => Outcome,
            "Failure" => Failure,
            "Query" => Query,
            "QueryResults" => QueryResults,
            "QueryPage" => QueryPage,
            "QueryRows" => QueryRows,
            "FtrackCall" => FtrackCall,
            "FtrackCalled" => FtrackCalled,
            "FtrackDownload" => FtrackDownload,
            "FetchedFile" => FetchedFile,
            "HttpRequest" => HttpRequest,
            "HttpAnswer" => HttpAnswer,
            "Open" => Open,
            "SecretGet" => SecretGet,
            "SecretValue" => SecretValue,
            "SecretPut" => SecretPut,
            "SecretKept" => SecretKept,
            "JobFolder" => JobFolder,
            "HandOver" => HandOver,
            "Describe" => Describe,
            "Description" => Description,
            "StoreGet" => StoreGet,
            "StoreValue" => StoreValue,
            "StorePut" => StorePut,
            "StoreSwap" => StoreSwap,
            "StoreSwapped" => StoreSwapped,
            "StoreKeys" => StoreKeys,
            "StoredKeys" => StoredKeys,
            "StoreAppend" => StoreAppend,
            "StoreAppended" => StoreAppended,
            "StoreEntries" => StoreEntries,
            "StoredEntries" => StoredEntries,
            "StoreTrim" => StoreTrim,
            "Notify" => Notify,
            "Log" => Log,
            "Progress" => Progress,
            "BusHello" => BusHello,
            "BusWelcome" => BusWelcome,
            "Subscribe" => Subscribe,
            "Subscribed" => Subscribed,
            "EventParams" => EventParams,
            "Publish" => Publish,
            "Replies" => Replies,
            "ActionsDiscover" => ActionsDiscover,
            "ActionItems" => ActionItems,
            "ActionsLaunch" => ActionsLaunch,
            "Launched" => Launched,
            "KeptActions" => KeptActions,
            "ActionRef" => ActionRef,
            "ApplicationBusy" => ApplicationBusy,
            "JobsList" => JobsList,
            "Items<JobSummary>" => Items<JobSummary>,
            "JobRef" => JobRef,
            "JobDetail" => JobDetail,
            "JobWait" => JobWait,
            "JobAnswer" => JobAnswer,
            "JobDraft" => JobDraft,
            "DraftKept" => DraftKept,
            "JobChange" => JobChange,
            "JobChanged" => JobChanged,
            "JobBack" => JobBack,
            "Change" => Change,
            "Changed" => Changed,
            "Items<PluginSummary>" => Items<PluginSummary>,
            "PluginsReloaded" => PluginsReloaded,
            "PluginRef" => PluginRef,
            "PluginLogs" => PluginLogs,
            "PluginLogLines" => PluginLogLines,
            "PluginsBisect" => PluginsBisect,
            "Bisected" => Bisected,
            "Status" => Status,
            "WhoAmI" => WhoAmI,
            "SignInEnd" => SignInEnd,
            "EventsSubscribe" => EventsSubscribe,
            "EventsNext" => EventsNext,
            "EventsHeard" => EventsHeard,
            "EventsPublish" => EventsPublish,
            "JobsLaunch" => JobsLaunch,
            "ChildJob" => ChildJob,
            "JobsAttach" => JobsAttach,
            "AttachedFile" => AttachedFile,
            "StatusSet" => StatusSet,
            "SettingsValues" => SettingsValues,
            "PluginSettingsAsk" => PluginSettingsAsk,
            "PluginSettings" => PluginSettings,
            "Items<DeclaredCommand>" => Items<DeclaredCommand>,
            "Items<DeclaredWindow>" => Items<DeclaredWindow>,
            "WindowRef" => WindowRef,
            "EntitiesList" => EntitiesList,
            "Items<EntityRow>" => Items<EntityRow>,
            "RemoteDiscover" => RemoteDiscover,
            "Items<RemoteItem>" => Items<RemoteItem>,
            "RemoteLaunch" => RemoteLaunch,
            "RemoteReply" => RemoteReply,
            "WindowHeld" => WindowHeld,
            "WindowSize" => WindowSize,
            "WindowNews" => WindowNews,
            "ConnectLoaded" => ConnectLoaded,
            "ConnectSubscribed" => ConnectSubscribed,
            "ConnectUnsubscribed" => ConnectUnsubscribed,
            "ConnectPublish" => ConnectPublish,
            "ConnectPublished" => ConnectPublished,
            "ConnectHandle" => ConnectHandle,
            "ConnectHandled" => ConnectHandled,
        );
        assert_eq!(again, golden.line, "{}", golden.r#type);
    }
}

#[test]
fn every_line_of_a_plugin_is_read_and_written_the_same() {
    check("plugin.jsonl");
}

#[test]
fn every_line_of_a_connect_child_is_read_and_written_the_same() {
    check("connect.jsonl");
}

#[test]
fn every_line_of_the_bus_is_read_and_written_the_same() {
    check("bus.jsonl");
}

/// The types that a method's parameters and result have; `{}` is `-`.
fn types_of(method: &str) -> [&'static str; 2] {
    match method {
        "launch" => ["Launch", "Outcome"],
        "change" => ["Change", "Changed"],
        "cancel" | "quit" | "restart" => ["-", "-"],
        "ftrack.query" => ["Query", "QueryResults"],
        "ftrack.page" => ["QueryPage", "QueryRows"],
        "ftrack.call" => ["FtrackCall", "FtrackCalled"],
        "ftrack.download" => ["FtrackDownload", "FetchedFile"],
        "job.folder" => ["-", "JobFolder"],
        "http.request" => ["HttpRequest", "HttpAnswer"],
        "open" => ["Open", "-"],
        "secret.get" => ["SecretGet", "SecretValue"],
        "secret.put" => ["SecretPut", "SecretKept"],
        "steps.hand_over" => ["HandOver", "-"],
        "dcc.describe" => ["Describe", "Description"],
        "store.get" => ["StoreGet", "StoreValue"],
        "store.put" => ["StorePut", "-"],
        "events.subscribe" => ["EventsSubscribe", "Subscribed"],
        "events.unsubscribe" => ["Subscribed", "-"],
        "events.next" => ["EventsNext", "EventsHeard"],
        "events.publish" => ["EventsPublish", "Replies"],
        "jobs.launch" => ["JobsLaunch", "ChildJob"],
        "jobs.attach" => ["JobsAttach", "AttachedFile"],
        "settings.get" => ["-", "SettingsValues"],
        "plugins.settings" => ["PluginSettingsAsk", "PluginSettings"],
        "store.swap" => ["StoreSwap", "StoreSwapped"],
        "store.keys" => ["StoreKeys", "StoredKeys"],
        "store.append" => ["StoreAppend", "StoreAppended"],
        "store.entries" => ["StoreEntries", "StoredEntries"],
        "store.trim" => ["StoreTrim", "-"],
        "status.set" => ["StatusSet", "-"],
        "notify" => ["Notify", "-"],
        "log" => ["Log", "-"],
        "progress" => ["Progress", "-"],
        "subscribe" => ["Subscribe", "Subscribed"],
        "unsubscribe" => ["Subscribed", "-"],
        "publish" => ["Publish", "Replies"],
        "reply" | "event" => ["EventParams", "-"],
        "actions.discover" => ["ActionsDiscover", "ActionItems"],
        "actions.launch" => ["ActionsLaunch", "Launched"],
        "actions.kept" => ["-", "KeptActions"],
        "actions.pin" | "actions.unpin" => ["ActionRef", "-"],
        "application.busy" => ["ApplicationBusy", "-"],
        "jobs.list" => ["JobsList", "Items<JobSummary>"],
        "jobs.show" => ["JobRef", "JobDetail"],
        "jobs.wait" => ["JobWait", "JobDetail"],
        "jobs.answer" => ["JobAnswer", "-"],
        "jobs.draft" => ["JobDraft", "DraftKept"],
        "jobs.change" => ["JobChange", "JobChanged"],
        "jobs.back" => ["JobBack", "JobDetail"],
        "jobs.cancel" | "jobs.retry" => ["JobRef", "-"],
        "plugins.list" => ["-", "Items<PluginSummary>"],
        "plugins.reload" => ["-", "PluginsReloaded"],
        "plugins.enable" | "plugins.disable" => ["PluginRef", "-"],
        "plugins.logs" => ["PluginLogs", "PluginLogLines"],
        "plugins.bisect" => ["PluginsBisect", "Bisected"],
        "commands.list" => ["-", "Items<DeclaredCommand>"],
        "windows.list" => ["-", "Items<DeclaredWindow>"],
        "actions.remote" => ["RemoteDiscover", "Items<RemoteItem>"],
        "actions.launch_remote" => ["RemoteLaunch", "RemoteReply"],
        "entities.list" => ["EntitiesList", "Items<EntityRow>"],
        "windows.open" => ["WindowRef", "-"],
        "windows.hold" => ["WindowRef", "WindowHeld"],
        "windows.shown" | "windows.raise" | "windows.close" => ["-", "-"],
        "windows.resized" => ["WindowSize", "-"],
        "windows.news" => ["WindowNews", "-"],
        "connect.loaded" => ["ConnectLoaded", "-"],
        "connect.subscribed" => ["ConnectSubscribed", "-"],
        "connect.unsubscribed" => ["ConnectUnsubscribed", "-"],
        "connect.publish" => ["ConnectPublish", "ConnectPublished"],
        "connect.handle" => ["ConnectHandle", "ConnectHandled"],
        "status" => ["-", "Status"],
        "whoami" | "sign_in.renew" => ["-", "WhoAmI"],
        "sign_in.end" => ["SignInEnd", "-"],
        other => panic!("the method `{other}` has no golden lines"),
    }
}

fn check_methods<'a>(file: &str, methods: impl Iterator<Item = &'a str>) {
    let golden: BTreeSet<String> = golden_lines(file)
        .into_iter()
        .map(|golden| golden.r#type)
        .collect();
    for method in methods {
        for name in types_of(method).into_iter().filter(|name| *name != "-") {
            assert!(golden.contains(name), "`{method}` needs a line of `{name}`");
        }
    }
}

#[test]
fn every_method_has_its_lines() {
    let plugin = [
        PluginMethod::Launch,
        PluginMethod::Change,
        PluginMethod::Cancel,
    ];
    let plugin = plugin.into_iter().map(PluginMethod::name);
    let host = HostMethod::ALL.iter().map(|method| method.name());
    check_methods("plugin.jsonl", plugin.chain(host));
    check_methods(
        "bus.jsonl",
        BusMethod::ALL.iter().map(|method| method.name()),
    );
    check_methods(
        "connect.jsonl",
        ConnectMethod::ALL.iter().map(|method| method.name()),
    );
    for method in ConnectMethod::ALL {
        assert_eq!(ConnectMethod::from_name(method.name()), Some(*method));
    }
    for method in BusMethod::ALL {
        assert_eq!(BusMethod::from_name(method.name()), Some(*method));
    }
    for method in HostMethod::ALL {
        assert_eq!(HostMethod::from_name(method.name()), Some(*method));
    }
}

fn check_unknown<T: DeserializeOwned + Debug + PartialEq>(line: Value, expected: T) {
    assert_eq!(serde_json::from_value::<T>(line).unwrap(), expected);
}

#[test]
fn what_a_later_version_says_is_unknown_and_no_error() {
    check_unknown(json!("watch"), Surface::Unknown);
    check_unknown(json!("meltdown"), FailureKind::Unknown);
    check_unknown(json!("studio"), Scope::Unknown);
    check_unknown(json!("dreaming"), JobState::Unknown);
    check_unknown(json!("asleep"), PluginState::Unknown);
    check_unknown(json!("moon"), PluginSource::Unknown);
    check_unknown(json!("sideways"), BisectStep::Unknown);
    check_unknown(json!({"outcome": "sings", "song": "…"}), Outcome::Unknown);
    check_unknown(json!({"what": "moon", "phase": 3}), WindowNews::Unknown);
    check_unknown(json!({"of": "moons"}), EntitiesOf::Unknown);
    check_unknown(json!({"type": "dial", "turns": 3}), Control::Unknown);
    check_unknown(json!({"action": "merge", "keys": []}), Operation::Unknown);
    check_unknown(json!({"edit": "fold", "row": "r1"}), Edit::Unknown);
    check_unknown(json!({"kind": "paint", "colour": "red"}), Work::Unknown);
    let progress = json!({"fraction": 0.5, "text": "", "eta_secs": 3});
    check_unknown(
        progress,
        Progress {
            fraction: Some(0.5),
            text: String::new(),
            ..Progress::default()
        },
    );
}

#[test]
fn a_line_that_is_no_message_says_why() {
    for (line, expected) in [
        (
            "",
            "not a JSON object: EOF while parsing a value at line 1 column 0",
        ),
        ("{}", "neither a request nor an answer"),
        (r#"{"id":1}"#, "neither a request nor an answer"),
    ] {
        let error = Message::from_json(line.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
