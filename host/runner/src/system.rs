//! The system calls of guard and worker, each behind a safe function.
#![expect(unsafe_code, reason = "the standard library has none of these calls")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::ptr;
use std::time::Duration;

pub(crate) type Pid = libc::pid_t;

/// Which side of a fork this is.
pub(crate) enum Forked {
    Child,
    Parent { child: Pid },
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With an exit code.
    Exited(u8),
    /// By a signal.
    Signalled(i32),
}

/// What a look at the children found.
pub(crate) enum Reaped {
    /// One that had ended.
    One(Pid, Ended),
    /// None that has ended, some that live.
    AllLive,
    /// No child at all.
    NoChildren,
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Forks. The caller has made sure that there is one thread.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: with one thread there is no lock that a thread left behind could hold in the child.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Forked::Child),
        child => Ok(Forked::Parent { child }),
    }
}

/// Counts the threads of this process.
pub(crate) fn thread_count() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

pub(crate) fn own_pid() -> Pid {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

/// Returns the id of the user that this process is.
pub(crate) fn own_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

pub(crate) fn parent_pid() -> Pid {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getppid() }
}

/// Leaves the terminal's session, so that Ctrl-C there ends the host and not its plugins under its feet.
pub(crate) fn leave_session() {
    // SAFETY: takes nothing. Fails only for who leads a group, and has then left already.
    unsafe { libc::setsid() };
}

/// Becomes the parent of every descendant whose own parent dies.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// Asks for SIGKILL when the parent dies.
pub(crate) fn die_with_parent() -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) }).map(drop)
}

/// Keeps this process's memory from core dumps and from other processes of the same user.
pub(crate) fn forbid_dumps() -> io::Result<()> {
    // A limit of 1 instead of 0: the kernel dumps into a pipe regardless of the limit, except at 1.
    // https://github.com/torvalds/linux/blob/v6.1/fs/coredump.c#L579
    let limit = libc::rlimit {
        rlim_cur: 1,
        rlim_max: 1,
    };
    // SAFETY: the limit is lent for the call; the rest are numbers.
    unsafe {
        check(libc::setrlimit(libc::RLIMIT_CORE, &raw const limit))?;
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0)).map(drop)
    }
}

/// Gives up every capability that the superuser has, for good: with some of them Landlock would not hold who has them.
///
/// What is started later has none either, since no new privileges are given to who has asked for none.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = [VERSION_3, 0];
    // Effective, permitted and inheritable, twice 32 of each.
    let none = [0_u32; 6];
    // SAFETY: both are as large as this version has them, and are lent for the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), none.as_ptr()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sends SIGKILL to a child, and tells whether that was allowed: a child that became another user may not be killed.
pub(crate) fn kill(child: Pid) -> bool {
    // SAFETY: takes numbers only. A child keeps its number until it is reaped.
    unsafe { libc::kill(child, libc::SIGKILL) == 0 }
}

/// Ends this process by a signal, as if it had been meant for it; returns if the signal does not end anything.
pub(crate) fn die_by(signal: i32) {
    // SAFETY: takes numbers, and a set that is filled in before it is read.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set = mem::zeroed();
        libc::sigfillset(&raw mut set);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::raise(signal);
    }
}

/// Reaps one child that has ended, waiting for none.
pub(crate) fn reap() -> io::Result<Reaped> {
    wait(libc::WNOHANG)
}

/// Waits for a child to end, and reaps it.
pub(crate) fn wait_and_reap() -> io::Result<Reaped> {
    wait(0)
}

fn wait(options: libc::c_int) -> io::Result<Reaped> {
    let mut status = 0;
    loop {
        // SAFETY: the place for the status is lent for the call.
        match check(unsafe { libc::waitpid(-1, &raw mut status, options) }) {
            Ok(0) => return Ok(Reaped::AllLive),
            Ok(pid) => return Ok(Reaped::One(pid, ended_from_status(status))),
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
                return Ok(Reaped::NoChildren);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn ended_from_status(status: libc::c_int) -> Ended {
    if libc::WIFSIGNALED(status) {
        Ended::Signalled(libc::WTERMSIG(status))
    } else {
        Ended::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
    }
}

/// The signals that a guard lives by, read from a descriptor instead of interrupting it.
pub(crate) struct Signals {
    file: File,
}

impl Signals {
    /// Blocks the end of a child and every polite request to end.
    pub(crate) fn block() -> io::Result<Self> {
        // SAFETY: the set is filled in before it is read, and the descriptor is ours alone.
        unsafe {
            let mut set = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
                libc::sigaddset(&raw mut set, signal);
            }
            check(libc::sigprocmask(
                libc::SIG_BLOCK,
                &raw const set,
                ptr::null_mut(),
            ))?;
            let descriptor = check(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC))?;
            Ok(Self {
                file: File::from_raw_fd(descriptor),
            })
        }
    }

    /// Takes one signal, and tells whether it is the end of a child.
    pub(crate) fn take(&mut self) -> io::Result<bool> {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        self.file.read_exact(&mut info)?;
        let number = u32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
        Ok(i32::try_from(number) == Ok(libc::SIGCHLD))
    }

    /// Lets every signal through again, in a child.
    pub(crate) fn unblock_all() {
        // SAFETY: the set is filled in before it is read.
        unsafe {
            let mut set = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut());
        }
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

/// What a guard woke up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Lifeline,
    Signal,
    Birth,
    Time,
}

/// Waits for the end of the lifeline, a signal, a birth, or until some time has passed.
///
/// What is written to the lifeline wakes nobody. Descriptors that are negative are passed over.
pub(crate) fn wait_for(
    lifeline: RawFd,
    signals: &Signals,
    births: RawFd,
    time: Duration,
) -> io::Result<Woken> {
    let watch = |fd: RawFd, events: libc::c_short| libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    let mut watched = [
        watch(lifeline, 0),
        watch(signals.file.as_raw_fd(), libc::POLLIN),
        watch(births, libc::POLLIN),
    ];
    let millis = libc::c_int::try_from(time.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the three entries are lent for the call.
    match check(unsafe { libc::poll(watched.as_mut_ptr(), 3, millis) }) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    let woken = [Woken::Lifeline, Woken::Signal, Woken::Birth];
    let happened = watched.iter().position(|watched| watched.revents != 0);
    Ok(happened.map_or(Woken::Time, |index| woken[index]))
}

/// Takes what was written to the lifeline since the last time, and tells whether that was anything.
pub(crate) fn was_written_to(lifeline: &OwnedFd) -> bool {
    let mut bytes = [0; 4096];
    let mut was_written_to = false;
    // It does not wait: it was set so when it was taken.
    while let Ok(1..) = rustix::io::read(lifeline, &mut bytes) {
        was_written_to = true;
    }
    was_written_to
}

/// Returns the version of Landlock; 0 where the kernel has none, or has it turned off.
pub(crate) fn landlock_version() -> u32 {
    const VERSION: libc::c_uint = 1;
    // SAFETY: without a ruleset the call reads nothing.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    u32::try_from(version).unwrap_or(0)
}

/// Tells whether the kernel's seccomp can do this.
pub(crate) fn has_seccomp(action: libc::c_uint) -> bool {
    // SAFETY: the number is lent for the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    result == 0
}

/// Tells whether other processes of this user may look into this one.
pub(crate) fn is_dumpable() -> bool {
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 }
}

/// Returns how many ticks of processor time a second has.
pub(crate) fn ticks_per_sec() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

/// Bounds how many files this process, and each that it starts, may hold open.
pub(crate) fn limit_open_files(files: u32) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: files.into(),
        rlim_max: files.into(),
    };
    // SAFETY: the limit is lent for the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

/// Has the kernel end this process, and each that it starts, before others when memory runs out.
pub(crate) fn offer_to_memory_killer() {
    // What cannot be looked into cannot be written to either: it is looked away from for as long as this takes.
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
    // A system that does not let it be chosen chooses by itself.
    fs::write("/proc/self/oom_score_adj", "500").ok();
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Takes a descriptor that was inherited, if it is open. Nothing waits for it from here on.
pub(crate) fn inherited(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl takes any number; the number was given to this process for its own.
    unsafe {
        check(libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC))?;
        check(libc::fcntl(descriptor, libc::F_SETFL, libc::O_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

/// Takes a descriptor that was inherited, if it is a pipe.
pub(crate) fn inherited_pipe(descriptor: RawFd) -> Option<OwnedFd> {
    let file = fs::metadata(format!("/proc/self/fd/{descriptor}")).ok()?;
    if !file.file_type().is_fifo() {
        return None;
    }
    inherited(descriptor).ok()
}

/// Closes every descriptor but stdin, stdout, stderr and those to keep.
pub(crate) fn close_others(keep: &[RawFd]) -> io::Result<()> {
    let mut open: Vec<RawFd> = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let number: Option<RawFd> = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        open.extend(number);
    }
    for descriptor in open {
        if descriptor > libc::STDERR_FILENO && !keep.contains(&descriptor) {
            // SAFETY: nothing in this process uses it; the one of the listing is closed already, which close says and no more.
            unsafe { libc::close(descriptor) };
        }
    }
    Ok(())
}

/// Lets go of stdin and stdout, so that they end when the worker ends them.
pub(crate) fn let_go_of_stdio() -> io::Result<()> {
    let nothing = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    for descriptor in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
        // SAFETY: takes numbers only.
        check(unsafe { libc::dup2(nothing.as_raw_fd(), descriptor) })?;
    }
    Ok(())
}
