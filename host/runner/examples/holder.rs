//! A host to be killed: starts the runner, has its plugin leave orphans, says so, and holds the lifeline until it dies.
//!
//! `holder RUNNER PLUGIN_FOLDER LIBRARY_PATH`. The plugin's log is the holder's stderr.

use std::error::Error;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;

use callboard_protocol::{HostHello, Limits, Message, PluginHello, VERSION_1};
use callboard_wire::Connection;
use runner::{Runner, command};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [executable, folder, library_path] = paths.as_slice() else {
        return Err("three paths are needed".into());
    };
    let runner = Runner {
        executable,
        folder,
        library_path: Some(library_path),
        python_path: None,
        files: None,
        private: &[],
        limits: Limits::default(),
        connect: None,
    };
    let (mut command, _lifeline, _report) = command(&runner, [])?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    drop(command);
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the runner has no pipes".into());
    };
    let mut connection = Connection::new(stdout, stdin);
    let hello = HostHello {
        versions: vec![VERSION_1],
        ..HostHello::default()
    };
    connection.hello::<PluginHello>(&hello)?;
    connection.send(&Message::Request {
        id: 1,
        method: "launch".to_owned(),
        params: json!({"job": "1", "action": "unruly.act", "context": {"surface": "cli"}, "values": {"do": "orphans"}}),
    })?;
    let answer = connection.receive()?;
    writeln!(io::stdout(), "{answer:?}")?;
    // Until it is killed.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
