//! The library border, crossed in one process: what a runner asks and what a library answers.
#![expect(unsafe_code, reason = "it calls a library's entry, as the runner does")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::mem::offset_of;
use std::thread;

use callboard_plugin_sdk::abi::{ABI_VERSION, AbiError, LoadedPlugin, PluginTable};
use callboard_plugin_sdk::{
    Change, Changed, Failure, FailureKind, Host, Launch, Outcome, Patch, Plugin, Value, json,
    serve_connection,
};
use callboard_protocol::{HostHello, Message, PluginHello};
use callboard_wire::Connection;

struct Former;

impl Plugin for Former {
    fn launch(&mut self, _: &Launch, _: &Host) -> Result<Outcome, Failure> {
        Ok(Outcome::done("launched"))
    }

    fn change(&mut self, change: &Change, _: &Host) -> Result<Changed, Failure> {
        match change.name.as_str() {
            "panics" => panic!("at a change"),
            name => Ok(Changed::nothing().with(Patch::of(name).value("patched"))),
        }
    }
}

callboard_plugin_sdk::export_plugin!(Former);

unsafe extern "C" {
    fn callboard_plugin_v1(host_abi: u32) -> *const PluginTable;
}

/// Returns the table with another size.
fn table_of(size: usize) -> *const PluginTable {
    // SAFETY: the library is this test.
    let whole = unsafe { &*callboard_plugin_v1(ABI_VERSION) };
    Box::leak(Box::new(PluginTable {
        size: u32::try_from(size).unwrap(),
        abi: whole.abi,
        create: whole.create,
        launch: whole.launch,
        destroy: whole.destroy,
        free: whole.free,
        change: whole.change,
    }))
}

extern "C" fn whole(_: u32) -> *const PluginTable {
    table_of(size_of::<PluginTable>())
}

/// A library that was built before there were live fields.
extern "C" fn older(_: u32) -> *const PluginTable {
    table_of(offset_of!(PluginTable, change))
}

extern "C" fn truncated(_: u32) -> *const PluginTable {
    table_of(offset_of!(PluginTable, change) - 1)
}

fn ask(mut plugin: LoadedPlugin, requests: &[(&str, Value)]) -> Vec<Result<Value, Failure>> {
    let (mut host, there) = Connection::memory();
    let serving = thread::Builder::new()
        .name("library".to_owned())
        .spawn(move || serve_connection(there, &mut plugin))
        .unwrap();
    host.hello::<PluginHello>(&HostHello {
        versions: vec![1],
        ..HostHello::default()
    })
    .unwrap();
    let mut answers = Vec::new();
    for (number, (method, params)) in requests.iter().enumerate() {
        let request = Message::Request {
            id: number as u64 + 1,
            method: (*method).to_owned(),
            params: params.clone(),
        };
        host.send(&request).unwrap();
        match host.receive().unwrap() {
            Some(Message::Answer { result, .. }) => answers.push(result),
            other => panic!("{other:?} is no answer"),
        }
    }
    drop(host);
    serving.join().unwrap().unwrap();
    answers
}

fn params(name: &str) -> Value {
    json!({"job": "j", "action": "former.ask", "context": {}, "name": name, "values": {}})
}

#[test]
fn a_library_answers_changes_and_a_panic_costs_one() {
    // SAFETY: the entry is this test's own.
    let plugin = unsafe { LoadedPlugin::from_entry(whole) }.unwrap();
    let answers = ask(
        plugin,
        &[
            ("change", params("name")),
            ("change", params("panics")),
            ("launch", params("")),
        ],
    );
    let patched = json!({"patches": [{"name": "name", "value": "patched"}]});
    assert_eq!(answers[0], Ok(patched));
    let panicked = answers[1].clone().unwrap_err();
    assert_eq!(panicked.message, "the plugin panicked: `at a change`");
    assert_eq!(answers[2].clone().unwrap()["message"], "launched");
}

#[test]
fn a_library_from_before_live_fields_still_launches() {
    // SAFETY: the entry is this test's own.
    let plugin = unsafe { LoadedPlugin::from_entry(older) }.unwrap();
    let answers = ask(
        plugin,
        &[("change", params("name")), ("launch", params(""))],
    );
    let refused = answers[0].clone().unwrap_err();
    assert_eq!(refused.kind, FailureKind::Unsupported);
    assert_eq!(answers[1].clone().unwrap()["message"], "launched");
    // SAFETY: the entry is this test's own.
    let refused = unsafe { LoadedPlugin::from_entry(truncated) };
    assert!(matches!(refused, Err(AbiError::Truncated { .. })));
}
