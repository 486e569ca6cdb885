//! What a plugin's process may take: what its manifest says, else what the settings say.

use callboard_protocol::Limits;

use super::Startable;
use super::rate::Rate;

/// Fills in what a plugin says nothing of.
pub(super) fn complete(startable: &mut Startable, usual: &Limits) {
    let limits = &mut startable.limits;
    limits.memory_mb = limits.memory_mb.or(usual.memory_mb);
    limits.open_files = limits.open_files.or(usual.open_files);
    limits.processes = limits.processes.or(usual.processes);
    limits.messages_per_sec = limits.messages_per_sec.or(usual.messages_per_sec);
    // A process of ftrack Connect's has no turns: its time adds up for as long as it runs.
    if startable.connect.is_none() {
        limits.cpu_secs = limits.cpu_secs.or(usual.cpu_secs);
    }
}

/// Returns how much a process may say.
pub(super) fn rate(limits: &Limits, burst: u32) -> Rate {
    Rate {
        per_sec: limits.messages_per_sec.unwrap_or(u32::MAX),
        burst,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_goes_before_the_settings() {
        let mut startable = Startable {
            folder: "hello".into(),
            limits: Limits {
                memory_mb: Some(1),
                ..Limits::default()
            },
            connect: None,
        };
        let usual = Limits {
            memory_mb: Some(2),
            processes: Some(3),
            cpu_secs: Some(4),
            ..Limits::default()
        };
        complete(&mut startable, &usual);
        let expected = Limits {
            memory_mb: Some(1),
            ..usual
        };
        assert_eq!(startable.limits, expected);
    }
}
