//! The birth of every process and thread of a plugin, which the guard is asked for.
//!
//! The kernel's own limit counts what all programs of a person run, and a look around now and then is too slow for what doubles with each step. So seccomp stops each birth until the guard has let it happen.
#![expect(unsafe_code, reason = "the standard library has none of these calls")]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::{MaybeUninit, offset_of};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use libc::{c_int, c_long, c_uint, seccomp_data, sock_filter, sock_fprog};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

#[cfg(target_arch = "x86_64")]
const BIRTHS: &[c_long] = &[libc::SYS_clone, libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const BIRTHS: &[c_long] = &[libc::SYS_clone];

/// Calls from this number on are those of another convention, which no rule looks at.
#[cfg(target_arch = "x86_64")]
const OTHER_CALLS: u32 = 0x4000_0000;

/// The worker's end of the way to the guard.
pub(crate) struct Announcer(OwnedFd);

/// What the guard knows of births.
pub(crate) enum Births {
    /// The worker has not said yet whether it asks.
    Awaited(OwnedFd),
    /// Every birth is asked for here.
    Asked(OwnedFd),
    /// The kernel cannot do it.
    Unasked,
}

/// Makes the two ends, for a fork to separate.
pub(crate) fn pair() -> io::Result<(Announcer, Births)> {
    let (worker, guard) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok((Announcer(worker), Births::Awaited(guard)))
}

impl Announcer {
    pub(crate) fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// From here on, this process and what it starts ask the guard for every birth. Where the kernel has no such thing, nobody asks.
    pub(crate) fn announce(self) -> io::Result<()> {
        let Some(listener) = stop_at_births() else {
            return Ok(());
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = [listener.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(
            &self.0,
            &[IoSlice::new(b"b")],
            &mut ancillary,
            SendFlags::empty(),
        )?;
        Ok(())
    }
}

impl Births {
    /// The descriptor that something happens on; negative where nothing will.
    pub(crate) fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Awaited(descriptor) | Self::Asked(descriptor) => descriptor.as_raw_fd(),
            Self::Unasked => -1,
        }
    }

    /// Takes what has happened: the birth that somebody waits for, or the news that births are asked for here.
    pub(crate) fn take(&mut self) -> Option<Birth> {
        match self {
            Self::Awaited(socket) => {
                *self = match receive(socket) {
                    Some(listener) => Self::Asked(listener),
                    None => Self::Unasked,
                };
                None
            }
            Self::Asked(listener) => {
                let listener = listener.as_raw_fd();
                match next(listener) {
                    Ok(id) => Some(Birth { listener, id }),
                    // Who asked was killed meanwhile, or nobody is left who could ask.
                    Err(error) => {
                        if error.raw_os_error() != Some(libc::ENOENT) {
                            *self = Self::Unasked;
                        }
                        None
                    }
                }
            }
            Self::Unasked => None,
        }
    }
}

/// A birth that somebody waits for.
pub(crate) struct Birth {
    listener: RawFd,
    id: u64,
}

impl Birth {
    /// Lets it happen.
    pub(crate) fn allow(self) {
        let answer = libc::seccomp_notif_resp {
            id: self.id,
            val: 0,
            error: 0,
            flags: u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(1),
        };
        // SAFETY: the answer is lent for the call. Where it fails, who asked was killed meanwhile.
        unsafe {
            libc::ioctl(
                self.listener,
                libc::SECCOMP_IOCTL_NOTIF_SEND,
                &raw const answer,
            )
        };
    }
}

fn receive(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut pieces = [IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut pieces, &mut ancillary, RecvFlags::CMSG_CLOEXEC).ok()?;
    ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}

/// Waits for the next birth, and returns its number.
fn next(listener: RawFd) -> io::Result<u64> {
    // Twice what this kernel fills in, should another fill in more.
    #[repr(C)]
    struct Question {
        known: libc::seccomp_notif,
        more: libc::seccomp_notif,
    }
    // SAFETY: all zeros is a value of it, and what the kernel asks for.
    let mut question: Question = unsafe { std::mem::zeroed() };
    // SAFETY: the question is lent for the call.
    let result =
        unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut question) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(question.known.id)
}

/// Has every birth wait for who reads the descriptor returned; none where the kernel has no such thing.
fn stop_at_births() -> Option<OwnedFd> {
    let mut program = program();
    let program = sock_fprog {
        len: u16::try_from(program.len()).ok()?,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: numbers, and a program that is lent for the call.
    let listener = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    let listener = c_int::try_from(listener)
        .ok()
        .filter(|number| *number >= 0)?;
    // SAFETY: the kernel made it for this process just now.
    Some(unsafe { OwnedFd::from_raw_fd(listener) })
}

fn program() -> Vec<sock_filter> {
    let load = |at: usize| {
        statement(
            libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
            u32::try_from(at).unwrap_or(0),
        )
    };
    let answer = |action: c_uint| statement(libc::BPF_RET | libc::BPF_K, action);
    let mut program = vec![load(offset_of!(seccomp_data, nr))];
    #[cfg(target_arch = "x86_64")]
    {
        program.push(jump(libc::BPF_JGE, OTHER_CALLS, 0, 1));
        program.push(answer(libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs()));
    }
    for call in BIRTHS {
        program.push(jump(
            libc::BPF_JEQ,
            u32::try_from(*call).unwrap_or(u32::MAX),
            0,
            1,
        ));
        program.push(answer(libc::SECCOMP_RET_USER_NOTIF));
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program
}

fn statement(code: u32, value: u32) -> sock_filter {
    sock_filter {
        code: u16::try_from(code).unwrap_or(u16::MAX),
        jt: 0,
        jf: 0,
        k: value,
    }
}

fn jump(comparison: u32, value: u32, if_so: u8, if_not: u8) -> sock_filter {
    sock_filter {
        jt: if_so,
        jf: if_not,
        ..statement(libc::BPF_JMP | comparison | libc::BPF_K, value)
    }
}
