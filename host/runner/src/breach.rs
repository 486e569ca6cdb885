//! A limit that a plugin went over, as the guard tells the supervisor.

use std::fmt;

/// What a plugin took too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Memory, in MiB.
    MemoryMb,
    /// Processor time, in seconds.
    CpuSecs,
    /// Open files.
    OpenFiles,
    /// Processes and threads.
    Processes,
}

impl Limit {
    const ALL: [Self; 4] = [
        Self::MemoryMb,
        Self::CpuSecs,
        Self::OpenFiles,
        Self::Processes,
    ];

    /// Returns its name in manifests and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryMb => "memory_mb",
            Self::CpuSecs => "cpu_secs",
            Self::OpenFiles => "open_files",
            Self::Processes => "processes",
        }
    }
}

/// A limit that a plugin went over; shown, it is the rest of a sentence that begins with `it`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What it took too much of.
    pub limit: Limit,
    /// How much it was allowed.
    pub allowed: u32,
}

impl Breach {
    /// Writes it as a line.
    pub(crate) fn line(self) -> String {
        format!("{} {}\n", self.limit.name(), self.allowed)
    }

    /// Reads it from a line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (name, allowed) = line.trim_end().split_once(' ')?;
        let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name)?;
        let allowed = allowed.parse().ok()?;
        Some(Self { limit, allowed })
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed = self.allowed;
        match self.limit {
            Limit::MemoryMb => write!(f, "it took more than {allowed} MB of memory"),
            Limit::CpuSecs => write!(f, "one turn took more than {allowed} s of processor time"),
            Limit::OpenFiles => write!(f, "it held {allowed} files open, as many as it may"),
            Limit::Processes => write!(f, "it was more than {allowed} processes and threads"),
        }?;
        write!(f, " (its limit `{}`)", self.limit.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_guard_writes_the_supervisor_reads() {
        for limit in Limit::ALL {
            let breach = Breach { limit, allowed: 7 };
            assert_eq!(Breach::parse(&breach.line()), Some(breach));
            assert!(breach.to_string().contains(limit.name()), "{breach}");
        }
        assert_eq!(Breach::parse(""), None);
        assert_eq!(Breach::parse("speed 9\n"), None);
    }
}
