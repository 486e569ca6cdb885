//! A plugin as a program: what it reads, what it writes, and how it ends.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "the test is the host here")]

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn hello() -> Command {
    let tests = env::current_exe().unwrap();
    let target: PathBuf = tests.ancestors().nth(2).unwrap().to_owned();
    Command::new(target.join("examples/hello"))
}

fn run(input: &str) -> Output {
    let mut child = hello()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses the hello may not read the rest.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

fn check(input: &str, code: i32, stdout: &str, stderr: &str) {
    let output = run(input);
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{input}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr, "{input}");
    assert_eq!(output.status.code(), Some(code), "{input}");
}

#[test]
fn a_whole_conversation_may_come_at_once() {
    check(
        concat!(
            r#"{"versions":[1,9],"plugin":"hello"}"#,
            "\n",
            r#"{"id":1,"method":"launch","params":{"job":"a","action":"hello.greet","context":{"surface":"web","user":"ada","selection":[]}}}"#,
            "\n",
        ),
        0,
        concat!(
            r#"{"versions":[1]}"#,
            "\n",
            r#"{"id":1,"error":{"kind":"invalid","message":"nothing to greet","hint":"select exactly one shot"}}"#,
            "\n",
        ),
        "",
    );
}

#[test]
fn a_host_that_it_cannot_talk_to_is_named_in_the_log() {
    let hello = "{\"versions\":[1]}\n";
    check(
        "{\"versions\":[2]}\n",
        1,
        hello,
        "the host speaks protocol 2, this plugin speaks 1\nbuild it with the SDK of that host\n",
    );
    check(
        "",
        1,
        hello,
        "the host ended before it said hello\nlook into its log\n",
    );
    check(
        "{\"error\":{\"kind\":\"denied\",\"message\":\"not today\"}}\n",
        1,
        hello,
        "not today\n",
    );
}

#[test]
fn run_by_hand_it_says_what_it_is() {
    let (_keyboard, terminal) = terminal();
    let output = hello().stdin(terminal).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("this is a plugin of Callboard"), "{said}");
}

/// Opens a terminal of which nobody draws the screen.
#[expect(unsafe_code, reason = "the standard library opens no terminals")]
fn terminal() -> (File, File) {
    use std::os::fd::FromRawFd;

    let (mut keyboard, mut terminal) = (0, 0);
    // SAFETY: the two places are lent for the call, the rest may be null, and both descriptors are ours alone.
    unsafe {
        let opened = libc::openpty(
            &raw mut keyboard,
            &raw mut terminal,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        assert_eq!(opened, 0);
        (File::from_raw_fd(keyboard), File::from_raw_fd(terminal))
    }
}
