//! What a plugin's process may take: what its manifest says, else what the settings say.

use callboard_protocol::Limits;

use super::Startable;
use super::rate::Rate;

/// Fills in what a plugin says nothing of.
pub(super) fn complete(startable: &mut Startable, usual: &Limits) {
    let own = std::mem::take(&mut startable.limits);
    let cpu_secs = own.cpu_secs;
    startable.limits = completed(own, usual);
    // A process of ftrack Connect's has no turns: its time adds up for as long as it runs.
    if startable.connect.is_some() {
        startable.limits.cpu_secs = cpu_secs;
    }
}

/// Returns a plugin's own limits, and the usual ones where it has none.
pub(crate) fn completed(own: Limits, usual: &Limits) -> Limits {
    Limits {
        memory_mb: own.memory_mb.or(usual.memory_mb),
        cpu_secs: own.cpu_secs.or(usual.cpu_secs),
        open_files: own.open_files.or(usual.open_files),
        processes: own.processes.or(usual.processes),
        messages_per_sec: own.messages_per_sec.or(usual.messages_per_sec),
        ..own
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
