//! What this machine can hold a plugin to.

use callboard_protocol::Isolation;

/// Asks the kernel what it has. What it has, every plugin is held to, or not started.
#[cfg(target_os = "linux")]
pub fn isolation() -> Isolation {
    use crate::system;

    let seccomp = system::has_seccomp(libc::SECCOMP_RET_ERRNO);
    Isolation {
        landlock: system::landlock_version(),
        seccomp,
        counts_births: seccomp && system::has_seccomp(libc::SECCOMP_RET_USER_NOTIF),
        host_is_closed: !system::is_dumpable(),
    }
}

/// Nothing is asked of this platform yet, and nothing is held.
#[cfg(not(target_os = "linux"))]
pub fn isolation() -> Isolation {
    Isolation::default()
}

/// Keeps other programs of the person from looking into this process, its environment included, and its memory from core dumps.
#[cfg(target_os = "linux")]
pub fn close_this_process() -> std::io::Result<()> {
    crate::system::forbid_dumps()
}

/// Nothing is asked of this platform yet.
#[cfg(not(target_os = "linux"))]
pub fn close_this_process() -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_closed_says_so() {
        assert!(!isolation().host_is_closed);
        close_this_process().unwrap();
        assert!(isolation().host_is_closed);
    }
}
