//! The runner as the host meets it: a process with three pipes and a lifeline.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod process;

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use callboard_protocol::{Failure, FailureKind, Message, PluginHello, PluginId};
use callboard_wire::{HelloError, parse_hello};
use process::{Plugin, Running};
use runner::ConnectChild;
use serde_json::{Value, json};

/// What the plugin starts that leaves orphans.
const FAMILY: [&str; 3] = ["program:sh", "program:setsid", "program:sleep"];

fn done(message: &str) -> Option<Message> {
    answer(Ok(
        json!({"outcome": "done", "message": message, "output": null}),
    ))
}

fn answer(result: Result<Value, Failure>) -> Option<Message> {
    Some(Message::Answer {
        id: Some(1),
        result,
    })
}

fn check_refused(plugin: &Plugin, message: &str, hint: &str) {
    let mut running = plugin.start();
    let line = running.first_line();
    let Err(HelloError::Refused { failure }) = parse_hello::<PluginHello>(&line) else {
        panic!("not refused: {}", String::from_utf8_lossy(&line));
    };
    assert_eq!(failure.message, message);
    assert_eq!(failure.hint.unwrap_or_default(), hint);
    let (status, log) = running.wait();
    assert_eq!(status.code(), Some(1), "{log}");
}

#[test]
fn a_library_is_served_until_its_input_ends() {
    let mut running = Plugin::library("unruly").start_and_greet();
    running.launch(json!({"do": "query"}));
    let Some(Message::Request { id, method, params }) = running.next() else {
        panic!("it asks nothing");
    };
    assert_eq!(method, "ftrack.query");
    assert_eq!(params, json!({"expressions": ["Shot"]}));
    running.send(&Message::Answer {
        id: Some(id),
        result: Ok(json!({"results": [[{"id": "a"}, {"id": "b"}]]})),
    });
    assert_eq!(running.next(), done("2 found"));
    running.close_stdin();
    assert_eq!(running.next(), None);
    assert_eq!(running.wait().0.code(), Some(0));
}

#[test]
fn a_failure_of_the_host_crosses_the_library_whole() {
    let mut running = Plugin::library("unruly").start_and_greet();
    running.launch(json!({"do": "query"}));
    assert!(matches!(
        running.next(),
        Some(Message::Request { id: 1, .. })
    ));
    let failure = Failure::denied("no").hint("ask").because("rule");
    running.send(&Message::Answer {
        id: Some(1),
        result: Err(failure.clone()),
    });
    assert_eq!(running.next(), answer(Err(failure)));
}

#[test]
fn what_a_plugin_prints_lands_in_the_log() {
    let mut running = Plugin::library("unruly")
        .permitting(&["program:echo"])
        .start_and_greet();
    running.launch(json!({"do": "print"}));
    assert_eq!(running.next(), done("printed"));
    running.close_stdin();
    assert_eq!(running.wait().1, "not a message\nfrom a child\n");
}

#[test]
fn a_panic_is_an_answer_and_the_plugin_lives_on() {
    let mut running = Plugin::library("unruly")
        .permitting(&["program:echo"])
        .start_and_greet();
    running.launch(json!({"do": "panic"}));
    let Some(Message::Answer {
        result: Err(failure),
        ..
    }) = running.next()
    else {
        panic!("no failure");
    };
    assert_eq!(failure.kind, FailureKind::Plugin);
    assert_eq!(failure.message, "the plugin panicked: `unruly`");
    running.launch(json!({"do": "print"}));
    assert_eq!(running.next(), done("printed"));
}

#[test]
fn a_cancel_is_seen_while_a_turn_runs() {
    let mut running = Plugin::library("unruly").start_and_greet();
    running.launch(json!({"do": "wait_for_cancel"}));
    assert!(matches!(running.next(), Some(Message::Notification { .. })));
    running.launch(json!({"do": "print"}));
    let Some(Message::Answer {
        result: Err(failure),
        ..
    }) = running.next()
    else {
        panic!("a second turn was taken");
    };
    assert_eq!(failure.kind, FailureKind::Limit);
    running.send(&Message::Notification {
        method: "cancel".to_owned(),
        params: json!({}),
    });
    assert_eq!(running.next(), answer(Ok(json!({"outcome": "cancelled"}))));
}

#[test]
fn a_crash_is_reported_with_its_signal() {
    for (act, signal, code) in [
        ("segfault", Some(11), None),
        ("abort", Some(6), None),
        ("exit", None, Some(3)),
    ] {
        let mut running = Plugin::library("unruly").start_and_greet();
        running.launch(json!({"do": act}));
        assert_eq!(running.next(), None, "{act}");
        let (status, log) = running.wait();
        assert_eq!(
            (status.signal(), status.code()),
            (signal, code),
            "{act}: {log}"
        );
        assert!(!status.core_dumped(), "{act}");
    }
}

#[test]
fn a_plugin_sees_nothing_of_the_hosts() {
    let plugin = Plugin::library("unruly");
    let mut running = plugin.start_and_greet();
    running.launch(json!({"do": "look_around"}));
    let Some(Message::Answer {
        result: Ok(outcome),
        ..
    }) = running.next()
    else {
        panic!("it saw nothing");
    };
    let seen = &outcome["output"];
    let environment = seen["environment"].as_object().unwrap();
    assert_eq!(environment["HOME"], "/nowhere");
    assert_eq!(environment["CALLBOARD_PLUGIN_DIR"], seen["folder"]);
    assert_eq!(seen["folder"], plugin.folder().to_str().unwrap());
    let withheld = environment
        .keys()
        .filter(|name| name.contains("FTRACK") || *name == "CALLBOARD_HOME");
    assert_eq!(withheld.count(), 0);
    // Its own stdin, stdout, stderr and the two of the protocol, and the folder it is listing.
    assert_eq!(seen["descriptors"].as_array().unwrap().len(), 6, "{seen}");
    assert!(seen["core"].as_str().unwrap().contains(" 1 "), "{seen}");
}

#[test]
fn a_cut_lifeline_ends_every_process_of_a_plugin() {
    let mut running = Plugin::library("unruly")
        .permitting(&FAMILY)
        .start_and_greet();
    running.launch(json!({"do": "orphans"}));
    assert_eq!(running.next(), done("left"));
    running.cut_lifeline();
    // The log ends when the last process that holds it does.
    let (status, _) = running.wait();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn a_plugin_that_ends_takes_its_orphans_along() {
    let mut running = Plugin::library("unruly")
        .permitting(&FAMILY)
        .start_and_greet();
    running.launch(json!({"do": "orphans"}));
    assert_eq!(running.next(), done("left"));
    running.close_stdin();
    assert_eq!(running.wait().0.code(), Some(0));
}

#[test]
fn a_host_that_is_killed_leaves_no_process_behind() {
    let plugin = Plugin::library("unruly").permitting(&FAMILY);
    let mut holder = Running::start(process::holder(&plugin), None);
    let line = holder.first_line();
    assert!(String::from_utf8_lossy(&line).contains("left"));
    holder.kill();
    let (status, _) = holder.wait();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn a_pipe_on_descriptor_three_is_a_lifeline_unasked() {
    let plugin = Plugin::program(&["sleep", "1000"]);
    let mut running = Running::start(process::with_stdin_as_lifeline(&plugin), None);
    running.close_stdin();
    assert_eq!(running.wait().0.signal(), Some(9));
}

#[test]
fn a_program_runs_in_its_folder_with_its_own_environment() {
    let script = r#"
        printf '{"versions":[1]}\n'
        read hello; read launch
        printf '{"id":1,"result":{"outcome":"done","message":"%s %s %s %s","output":null}}\n' \
            "$PWD" "$CALLBOARD_PLUGIN_DIR" "$PYTHONPATH" "$FTRACK_API_KEY$CALLBOARD_HOME"
        read end
        exit 5
    "#;
    let plugin = Plugin::program(&["sh", "-c", script]);
    let folder = plugin.folder().display().to_string();
    let mut running = plugin.start_and_greet();
    running.launch(json!({}));
    let expected = format!("{folder} {folder} {folder}:/python ");
    assert_eq!(running.next(), done(&expected));
    running.close_stdin();
    assert_eq!(running.wait().0.code(), Some(5));
}

/// A child of ftrack Connect's that runs a script with arguments.
fn connect_child(script: &[&str], door_port: u16) -> ConnectChild {
    let words = ["-c"].iter().chain(script);
    ConnectChild {
        plugin: PluginId::from("shots"),
        python: "/usr/bin/python3".into(),
        words: words.map(ToString::to_string).collect(),
        door_port,
        ..ConnectChild::default()
    }
}

#[test]
fn a_folder_of_connects_is_run_without_a_manifest_and_given_what_is_meant_for_it() {
    let script = r#"
import json, os, sys
print(json.dumps({"versions": [1]}), flush=True)
hello, launch = input(), input()
names = ["FTRACK_API_KEY", "FTRACK_SERVER", "CALLBOARD_HOME", "CALLBOARD_PLUGIN_DIR"]
output = [sys.argv[1:], os.listdir("."), [os.environ.get(name) for name in names]]
print(json.dumps({"id": 1, "result": {"outcome": "done", "message": "", "output": output}}), flush=True)
"#;
    let plugin = Plugin::connect();
    let environment = [
        ("FTRACK_API_KEY", "a token"),
        ("FTRACK_SERVER", "http://127.0.0.1:4711"),
    ];
    let connect = ConnectChild {
        environment: environment
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        ..connect_child(&[script, "--windows", "x"], 4711)
    };
    let mut running = plugin.start_as(Some(&connect));
    parse_hello::<PluginHello>(&running.first_line()).unwrap();
    running.write(b"{}\n");
    running.launch(json!({}));
    let Some(Message::Answer {
        result: Ok(outcome),
        ..
    }) = running.next()
    else {
        panic!("it says nothing: {}", running.wait().1);
    };
    let expected = json!([
        ["--windows", "x"],
        ["hook"],
        ["a token", "http://127.0.0.1:4711", null, plugin.folder()],
    ]);
    assert_eq!(outcome["output"], expected);
}

#[test]
fn a_child_of_connects_reaches_the_door_and_nothing_else() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let script = r#"
import json, os, socket, sys
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return os.strerror(error.errno)
door, other = [("127.0.0.1", int(port)) for port in sys.argv[1:]]
def send_at_once():
    with socket.socket() as one:
        one.sendto(b"x", socket.MSG_FASTOPEN, other)
print(json.dumps([
    attempt(lambda: socket.create_connection(door)),
    attempt(lambda: socket.create_connection(other)),
    attempt(send_at_once),
    attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)),
    attempt(lambda: socket.socket(socket.AF_INET6)),
    attempt(lambda: socket.socket(socket.AF_UNIX)),
    attempt(lambda: socket.create_server(("127.0.0.1", 0))),
]), flush=True)
"#;
    let ports = [port(&door).to_string(), port(&other).to_string()];
    let connect = connect_child(&[script, &ports[0], &ports[1]], port(&door));
    let plugin = Plugin::connect();
    let mut running = plugin.start_as(Some(&connect));
    let told: Value = serde_json::from_slice(&running.first_line()).unwrap();
    let (no, denied) = ("Operation not permitted", "Permission denied");
    assert_eq!(told, json!(["done", denied, no, no, no, no, no, no]));
}

#[test]
fn calls_that_reach_into_others_are_refused() {
    let plugin = Plugin::library("unruly");
    let mut running = plugin.start_and_greet();
    running.launch(json!({"do": "call"}));
    let let_through = json!({"outcome": "done", "message": "", "output": []});
    assert_eq!(running.next(), answer(Ok(let_through)));
}

#[test]
fn what_takes_too_long_is_stopped_and_the_limit_named() {
    let mut plugin = Plugin::program(&["sh", "-c", "while :; do :; done"]);
    plugin.limits.cpu_secs = Some(1);
    let breach = plugin.start().breach();
    assert_eq!(
        breach.as_deref(),
        Some("one turn took more than 1 s of processor time (its limit `cpu_secs`)")
    );
}

#[test]
fn a_temporary_folder_is_its_own_and_goes_with_it() {
    let script = r#"echo mine > "$TMPDIR/file"; mkdir "$TMPDIR/folder"; echo "$TMPDIR""#;
    let plugin = Plugin::program(&["sh", "-c", script]).permitting(&["program:mkdir"]);
    let mut running = plugin.start();
    let folder = String::from_utf8(running.first_line()).unwrap();
    let (status, log) = running.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(folder.contains("callboard-plugin-"), "{folder}");
    assert!(!Path::new(folder.trim_end()).exists(), "{folder}");
}

#[test]
fn a_program_that_crashes_is_reported_with_its_signal() {
    let plugin = Plugin::program(&["sh", "-c", "kill -SEGV $$"]);
    let mut running = plugin.start();
    let (status, log) = running.wait();
    assert_eq!(status.signal(), Some(11), "{log}");
}

#[test]
fn what_cannot_be_started_is_refused_in_the_place_of_a_hello() {
    check_refused(
        &Plugin::library("no_symbol"),
        "`libno_symbol.so` is no plugin: it has no symbol `callboard_plugin_v1`",
        "export the plugin with `export_plugin!`",
    );
    check_refused(
        &Plugin::library("wrong_abi"),
        "`libwrong_abi.so` was built for another Callboard",
        "build the plugin again with the SDK of this Callboard",
    );
    let missing = Plugin::library("missing");
    let places = format!(
        "`{}` or `{}`",
        missing.folder().display(),
        process::examples().display()
    );
    check_refused(
        &missing,
        &format!("there is no `libmissing.so` in {places}"),
        "build the plugin with `cargo build`, or put its library beside its `plugin.toml`",
    );
    check_refused(
        &Plugin::library("../unruly"),
        "`run.library` must be a name without a path: `../unruly`",
        "",
    );
    check_refused(
        &Plugin::program(&["./missing"]),
        "could not start the program `./missing` of `test`",
        "install it, or make it executable",
    );
    let broken = Plugin::library("broken");
    std::fs::write(broken.folder().join("libbroken.so"), "not a library").unwrap();
    check_refused(
        &broken,
        "could not load the library `libbroken.so`",
        "build the plugin for this system",
    );
    let vague = Plugin::library("unruly");
    let manifest = vague.folder().join("plugin.toml");
    std::fs::write(&manifest, "id = 'vague'").unwrap();
    check_refused(
        &vague,
        &format!(
            "could not understand plugin manifest: `{}`",
            manifest.display()
        ),
        "",
    );
}
