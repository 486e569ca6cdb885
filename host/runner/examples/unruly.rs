//! A plugin that does what plugins must not, as `values.do` says.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it does what plugins must not"
)]

use std::process::{Command, Stdio};
use std::{env, fs};

use callboard_plugin_sdk::{Failure, Host, Launch, Map, Outcome, Plugin, Value, json};

struct Unruly;

impl Plugin for Unruly {
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        match launch.values["do"].as_str().unwrap_or_default() {
            "abort" => std::process::abort(),
            "segfault" => segfault(),
            "exit" => std::process::exit(3),
            "panic" => panic!("unruly"),
            "print" => {
                println!("not a message");
                echo_from_child();
                Ok(Outcome::done("printed"))
            }
            "orphans" => {
                leave_orphans();
                Ok(Outcome::done("left"))
            }
            "wait_for_cancel" => {
                host.info("waiting");
                while !host.cancelled() {
                    std::thread::yield_now();
                }
                Ok(Outcome::Cancelled)
            }
            "query" => {
                let found = host.query("Shot")?;
                Ok(Outcome::done(format!("{} found", found.len())))
            }
            "call" => Ok(Outcome::Done {
                message: String::new(),
                output: call_what_is_refused(),
            }),
            "look_around" => Ok(Outcome::Done {
                message: String::new(),
                output: look_around(),
            }),
            other => Err(Failure::invalid(format!("cannot do `{other}`"))),
        }
    }
}

callboard_plugin_sdk::export_plugin!(Unruly);

#[expect(unsafe_code, reason = "it does what plugins must not")]
fn segfault() -> ! {
    // SAFETY: none.
    unsafe {
        std::ptr::without_provenance_mut::<u8>(8).write_volatile(1);
    }
    unreachable!("writing there ends the process")
}

fn echo_from_child() {
    let status = Command::new("echo").arg("from a child").status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Starts processes that leave their parent and their session. They hold the log open for as long as they live.
fn leave_orphans() {
    let script =
        "setsid sh -c 'sleep 1000 & exec sleep 1000' </dev/null & sleep 1000 & (sleep 1000 &)";
    let status = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Makes calls with arguments that make no sense, so that one that is let through fails in another way; returns those.
#[expect(unsafe_code, reason = "it does what plugins must not")]
fn call_what_is_refused() -> Value {
    let guard = i64::from(std::os::unix::process::parent_id());
    let mut let_through = Vec::new();
    for (name, call, first) in [
        ("ptrace", libc::SYS_ptrace, libc::PTRACE_ATTACH.into()),
        ("process_vm_readv", libc::SYS_process_vm_readv, guard),
        ("process_vm_writev", libc::SYS_process_vm_writev, guard),
        ("kcmp", libc::SYS_kcmp, guard),
        ("keyctl", libc::SYS_keyctl, 0),
        ("add_key", libc::SYS_add_key, 0),
        ("request_key", libc::SYS_request_key, 0),
        ("prlimit64", libc::SYS_prlimit64, guard),
        ("sched_setaffinity", libc::SYS_sched_setaffinity, guard),
        ("mount", libc::SYS_mount, 0),
        ("unshare", libc::SYS_unshare, libc::CLONE_NEWUSER.into()),
        ("clone", libc::SYS_clone, libc::CLONE_NEWUSER.into()),
        ("setns", libc::SYS_setns, 0),
        ("bpf", libc::SYS_bpf, 0),
        ("perf_event_open", libc::SYS_perf_event_open, 0),
        ("userfaultfd", libc::SYS_userfaultfd, 0),
        ("kexec_load", libc::SYS_kexec_load, 0),
        ("init_module", libc::SYS_init_module, 0),
        ("shmget", libc::SYS_shmget, 0),
        ("io_uring_setup", libc::SYS_io_uring_setup, 1),
        ("memfd_create", libc::SYS_memfd_create, 0),
        ("socket", libc::SYS_socket, libc::AF_UNIX.into()),
    ] {
        // SAFETY: addresses are null throughout, so that nothing is read or written.
        let result = unsafe { libc::syscall(call, first, guard, 0, 0, 0, 0) };
        let error = std::io::Error::last_os_error();
        if result >= 0 || !matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS)) {
            let_through.push(format!("{name}: {error}"));
        }
    }
    json!(let_through)
}

fn look_around() -> Value {
    let environment: Map<String, Value> = env::vars()
        .map(|(name, value)| (name, Value::from(value)))
        .collect();
    let descriptors: Vec<String> = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|target| target.display().to_string())
        .collect();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    json!({
        "environment": environment,
        "folder": env::current_dir().ok(),
        "descriptors": descriptors,
        "core": core,
    })
}
