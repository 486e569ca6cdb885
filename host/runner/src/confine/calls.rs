//! Seccomp: which system calls are made at all.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use callboard_protocol::Permission;
use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

use crate::plugin_folder::Plugin;

/// What a plugin may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Nothing.
    None,
    /// One TCP port; which address it is at, the kernel does not look at.
    Port(u16),
    /// Everything on the internet, but no socket of this machine's programs.
    Any,
    /// The same port, and sockets of this machine's programs: the display's, and with it all others.
    Windows(u16),
}

impl Network {
    pub(super) fn of(plugin: &Plugin) -> Self {
        let is_any = plugin.permissions.contains(&Permission::Network);
        match plugin.connect {
            _ if is_any => Self::Any,
            Some(connect) => match (connect.door_port, connect.windows) {
                (Some(port), true) => Self::Windows(port),
                (Some(port), false) => Self::Port(port),
                (None, _) => Self::None,
            },
            None => Self::None,
        }
    }

    /// Returns the one port that may be connected to; none where there is no such bound.
    pub(super) fn port(self) -> Option<u16> {
        match self {
            Self::Port(port) | Self::Windows(port) => Some(port),
            Self::None | Self::Any => None,
        }
    }
}

/// What is refused to every plugin: reaching into other processes, changing the system, and ways around other rules.
const REFUSED: &[c_long] = &[
    // Other processes' memory, descriptors and keys.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // Memory that every process of the person shares, and that is counted as nobody's.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // File systems and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_setns,
    libc::SYS_unshare,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// What a kernel might not have, so that programs do without it: their arguments cannot be looked at, or they go around what is looked at.
const UNKNOWN: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
];

/// What a socket is used for before it carries anything.
const SERVING: &[c_long] = &[
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// The flags of `clone` that make namespaces.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refuses calls from here on.
pub(super) fn restrict(network: Network) -> Result<(), seccompiler::Error> {
    let refuse = |rules: Rules, error: libc::c_int| -> Result<BpfProgram, BackendError> {
        let action = SeccompAction::Errno(error.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, action, ARCH.try_into()?)?.try_into()
    };
    let unknown = UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    apply_filter(&refuse(unknown, libc::ENOSYS)?)?;
    apply_filter(&refuse(refused(network)?, libc::EPERM)?)
}

fn refused(network: Network) -> Result<Rules, BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let clones = NAMESPACES.map(|flag| when([has(0, flag)]));
    rules.insert(
        libc::SYS_clone,
        clones.into_iter().collect::<Result<_, _>>()?,
    );
    // What is done to a process by its number is done to itself.
    for (call, process) in [
        (libc::SYS_prlimit64, 0),
        (libc::SYS_sched_setaffinity, 0),
        (libc::SYS_sched_setattr, 0),
        (libc::SYS_sched_setparam, 0),
        (libc::SYS_sched_setscheduler, 0),
        (libc::SYS_setpriority, 1),
        (libc::SYS_ioprio_set, 1),
    ] {
        rules.insert(call, vec![when([is_not(process, 0)])?]);
    }
    // Of one process, not of all that the person has.
    let one = when([is_not(0, libc::PRIO_PROCESS.cast_signed())])?;
    rules.entry(libc::SYS_setpriority).or_default().push(one);
    // Input for a terminal that somebody else reads.
    let input = when([is(1, libc::TIOCSTI as i64)])?;
    rules.insert(libc::SYS_ioctl, vec![input]);
    add_sockets(&mut rules, network)?;
    Ok(rules)
}

/// Refuses sockets as far as they are not meant to be had.
fn add_sockets(rules: &mut Rules, network: Network) -> Result<(), BackendError> {
    match network {
        Network::None => {
            for call in SERVING.iter().chain(&[libc::SYS_socket, libc::SYS_connect]) {
                rules.insert(*call, Vec::new());
            }
        }
        Network::Port(_) | Network::Windows(_) => {
            for call in SERVING {
                rules.insert(*call, Vec::new());
            }
            // Landlock looks at TCP alone, and not at what opens a connection by sending: so there is nothing else.
            let mut sockets = match network {
                Network::Windows(_) => {
                    let families = [libc::AF_INET, libc::AF_UNIX];
                    vec![when(families.map(|family| is_not(0, family)))?]
                }
                _ => vec![when([is_not(0, libc::AF_INET)])?],
            };
            sockets.extend(other_types_than_streams()?);
            sockets.push(when([is_not(2, 0), is_not(2, libc::IPPROTO_TCP)])?);
            rules.insert(libc::SYS_socket, sockets);
            for (call, flags) in [
                (libc::SYS_sendto, 3),
                (libc::SYS_sendmsg, 2),
                (libc::SYS_sendmmsg, 3),
            ] {
                rules.insert(call, vec![when([has(flags, libc::MSG_FASTOPEN)])?]);
            }
        }
        Network::Any => {
            // Neither the bus nor the keyring: both listen on sockets of this machine. Netlink lists network cards.
            let families = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
            let others = when(families.map(|family| is_not(0, family)))?;
            rules.insert(libc::SYS_socket, vec![others]);
        }
    }
    // Two ends within the plugin, as event loops have them; other types could be connected elsewhere.
    let mut pairs = vec![when([is_not(0, libc::AF_UNIX)])?];
    pairs.extend(other_types_than_streams()?);
    rules.insert(libc::SYS_socketpair, pairs);
    Ok(())
}

fn other_types_than_streams() -> Result<Vec<SeccompRule>, BackendError> {
    let types = (0..16).filter(|kind| *kind != i64::from(libc::SOCK_STREAM));
    types
        .map(|kind| SeccompRule::new(vec![condition(1, SeccompCmpOp::MaskedEq(0xf), kind)?]))
        .collect()
}

type Checked = Result<SeccompCondition, BackendError>;

/// Refuses a call whose arguments are all so.
fn when<const N: usize>(conditions: [Checked; N]) -> Result<SeccompRule, BackendError> {
    let conditions: Result<Vec<_>, _> = conditions.into_iter().collect();
    SeccompRule::new(conditions?)
}

fn condition(argument: u8, operator: SeccompCmpOp, value: i64) -> Checked {
    let value = value.cast_unsigned();
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn is(argument: u8, value: i64) -> Checked {
    condition(argument, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: i32) -> Checked {
    condition(argument, SeccompCmpOp::Ne, value.into())
}

fn has(argument: u8, flag: i32) -> Checked {
    let flag = i64::from(flag);
    condition(argument, SeccompCmpOp::MaskedEq(flag.cast_unsigned()), flag)
}
