//! Tries to get at what is not its own, and tells how each try went.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, getppid, kill_process, test_kill_process};
use serde_json::{Map, Value, json};
use tests::command;

/// Tries everything. `mark` is a file with what is to be tried: a JSON object of places.
pub(super) fn look(mark: &str) -> Value {
    let mut tries = Tries::default();
    let places: Value = fs::read_to_string(mark)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let place = |name: &str| PathBuf::from(places[name].as_str().unwrap_or_default());
    let guard = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let host = parent_of(guard);
    tries.files(&place("home"), &place("settings"), &place("secret"));
    for (name, pid) in [("guard", guard), ("host", host)] {
        tries.process(name, pid);
    }
    tries.sockets(&place("socket"));
    tries.programs();
    tries.own();
    Value::Object(tries.told)
}

/// How each try went: `refused: …` or what came of it.
#[derive(Default)]
struct Tries {
    told: Map<String, Value>,
}

impl Tries {
    fn tell<T>(&mut self, name: &str, result: io::Result<T>) {
        let told = match result {
            Ok(_) => "done".to_owned(),
            Err(error) => format!("refused: {error}"),
        };
        self.told.insert(name.to_owned(), told.into());
    }

    fn files(&mut self, home: &Path, settings: &Path, secret: &Path) {
        self.tell("list the home folder", fs::read_dir(home));
        self.tell("read the host's settings", fs::read(settings));
        self.tell("read the host's credentials", fs::read(secret));
        self.tell(
            "write into the home folder",
            File::create(home.join("spied")),
        );
        self.tell(
            "write over the host's settings",
            File::options().append(true).open(settings),
        );
        self.tell("write into its own folder", File::create("spied"));
        self.tell("list temporary files", fs::read_dir("/tmp"));
        self.tell("list the person's sockets", fs::read_dir("/run/user"));
    }

    fn process(&mut self, name: &str, pid: i32) {
        for file in ["environ", "mem", "maps", "auxv"] {
            let path = format!("/proc/{pid}/{file}");
            let read = File::open(path).and_then(|mut file| file.read(&mut [0; 16]));
            self.tell(&format!("read {file} of the {name}"), read);
        }
        for link in ["cwd", "exe", "root"] {
            let read = fs::read_link(format!("/proc/{pid}/{link}"));
            self.tell(&format!("see {link} of the {name}"), read);
        }
        self.tell(
            &format!("list descriptors of the {name}"),
            fs::read_dir(format!("/proc/{pid}/fd")),
        );
        let Some(pid) = Pid::from_raw(pid) else {
            return;
        };
        self.tell(
            &format!("stop the {name}"),
            kill_process(pid, Signal::STOP).map_err(Into::into),
        );
        self.tell(
            &format!("find the {name}"),
            test_kill_process(pid).map_err(Into::into),
        );
    }

    fn sockets(&mut self, socket: &Path) {
        self.tell("connect to the keyring", UnixStream::connect(socket));
        self.tell("send to a local socket", UnixDatagram::unbound());
        self.tell("listen on a local socket", UnixListener::bind("spied.sock"));
        self.tell("connect to the network", TcpStream::connect("127.0.0.1:9"));
        self.tell("listen on the network", TcpListener::bind("127.0.0.1:0"));
        self.tell("send to the network", UdpSocket::bind("127.0.0.1:0"));
        self.tell("have two ends of its own", UnixStream::pair());
        self.tell("have two ends that lead elsewhere", UnixDatagram::pair());
    }

    fn programs(&mut self) {
        let start = |program: &str| {
            let mut command = command(program);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().and_then(|mut child| child.wait())
        };
        self.tell("start a program", start("id"));
        self.tell("start a permitted program", start("true"));
    }

    /// What it may do.
    #[expect(
        clippy::disallowed_methods,
        reason = "a plugin is told its folder for temporary files so"
    )]
    fn own(&mut self) {
        let temporary = PathBuf::from(std::env::var_os("TMPDIR").unwrap_or_default());
        let script = temporary.join("script");
        let written = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&script)
            .and_then(|mut file| file.write_all(b"#!/bin/sh\n"));
        self.tell("write a temporary file", written);
        self.tell("start what it wrote", command(&script).status());
        self.tell("read its own manifest", fs::read("plugin.toml"));
        self.tell("read itself", fs::read("/proc/self/environ"));
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let core = limits.lines().find(|line| line.starts_with("Max core"));
        self.told.insert("core".into(), json!(core));
    }
}

fn parent_of(pid: i32) -> i32 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("PPid:"));
    line.and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}
