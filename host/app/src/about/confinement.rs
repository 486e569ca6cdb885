//! What keeps a hostile plugin from doing harm on this machine, and what does not, in sentences.

use callboard_protocol::Isolation;

/// The version of Landlock, with the Linux that brought it, that holds plugins to one port.
const PORTS: (u32, &str) = (4, "6.7");

/// The same, for signals.
const SIGNALS: (u32, &str) = (6, "6.12");

/// Says what is in force.
pub(super) fn sentences(isolation: &Isolation, connect_windows: bool) -> Vec<String> {
    let mut sentences = vec![
        "each plugin runs in a process of its own and is given no API key".to_owned(),
        "what a plugin asks of ftrack is checked against its manifest".to_owned(),
    ];
    if !cfg!(target_os = "linux") {
        sentences.push(
            "nothing confines plugins here, because Callboard can do that on Linux only: a plugin reaches what the person reaches"
                .to_owned(),
        );
        return sentences;
    }
    sentences.extend(files(isolation.landlock));
    sentences.push(calls(isolation.seccomp).to_owned());
    if connect_windows && isolation.seccomp {
        sentences.push("a Connect plugin may show windows, and so reaches the sockets of the person's other programs, the keyring's included (the setting `connect.windows`)".to_owned());
    }
    sentences.push(counting(isolation.counts_births).to_owned());
    sentences.push(if isolation.host_is_closed {
        "other programs of the person cannot look into Callboard".to_owned()
    } else {
        "other programs of the person can look into Callboard".to_owned()
    });
    sentences
}

fn files(landlock: u32) -> Vec<String> {
    if landlock == 0 {
        return vec![
            "nothing keeps a plugin from the person's files and programs, because this kernel has no Landlock (Linux has it since 5.13, and some systems turn it off)"
                .to_owned(),
        ];
    }
    let mut sentences = vec![format!(
        "a plugin reaches the files and programs that its permissions name, and the system's own (Landlock {landlock})"
    )];
    for ((version, linux), what) in [
        (
            PORTS,
            "a Connect plugin reaches every port of every machine",
        ),
        (
            SIGNALS,
            "a plugin can send signals to the person's other programs",
        ),
    ] {
        if landlock < version {
            sentences.push(format!("{what}, because that takes Linux {linux}"));
        }
    }
    sentences
}

fn calls(seccomp: bool) -> &'static str {
    if seccomp {
        "a plugin of Callboard's own kind has no sockets without the permission `network`, and none of them reaches the keyring or the kernel's inner workings (seccomp)"
    } else {
        "nothing keeps a plugin from the network and the keyring, because this kernel has no seccomp"
    }
}

fn counting(counts_births: bool) -> &'static str {
    if counts_births {
        "memory, processor time and open files of each plugin are counted, and every process and thread before it starts"
    } else {
        "memory, processor time, open files and processes of each plugin are counted several times a second; what grows faster is not stopped in time, because that takes Linux 5.5"
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn check(isolation: &Isolation, wanted: &[&str]) {
        let sentences = sentences(isolation, true).join("\n");
        for wanted in wanted {
            assert!(sentences.contains(wanted), "no `{wanted}` in:\n{sentences}");
        }
    }

    #[test]
    fn what_an_old_kernel_lacks_is_said() {
        check(
            &Isolation::default(),
            &[
                "nothing keeps a plugin from the person's files",
                "nothing keeps a plugin from the network",
                "what grows faster",
                "can look into Callboard",
            ],
        );
        let rocky = Isolation {
            landlock: 1,
            seccomp: true,
            counts_births: true,
            host_is_closed: true,
        };
        check(
            &rocky,
            &[
                "(Landlock 1)",
                "Linux 6.7",
                "Linux 6.12",
                "`connect.windows`",
            ],
        );
        let new = Isolation {
            landlock: 7,
            ..rocky
        };
        let told = sentences(&new, false).join("\n");
        assert!(
            !told.contains("because") && !told.contains("nothing"),
            "{told}"
        );
    }
}
