//! Which of two versions is higher: always by number, never by text.

use std::cmp::Ordering;

use semver::{Comparator, Version, VersionReq};

/// A version of one of our plugins. What is no semantic version counts as the lowest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PluginVersion(Option<Version>);

impl PluginVersion {
    /// Reads `1.2.3`; `1` and `1.2` are filled up with zeros.
    pub(crate) fn parse(text: &str) -> Self {
        let filled = match text.split('.').count() {
            1 => format!("{text}.0.0"),
            2 => format!("{text}.0"),
            _ => text.to_owned(),
        };
        Self(Version::parse(&filled).ok())
    }

    /// Tells whether it can be compared.
    pub(crate) fn is_semantic(&self) -> bool {
        self.0.is_some()
    }
}

/// Tells whether a host's version meets a manifest's requirement; none where the requirement cannot be read.
pub(crate) fn meets(host: &Version, requirement: &str) -> Option<bool> {
    let requirement = VersionReq::parse(requirement).ok()?;
    // A preview of the host is taken for what it is a preview of.
    let released = Version::new(host.major, host.minor, host.patch);
    let meets = |one: &Comparator| one.matches(host) || one.matches(&released);
    Some(requirement.comparators.iter().all(meets))
}

/// A version of a plugin of ftrack Connect, ordered as Python's are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectVersion {
    release: Vec<u64>,
    /// Where it stands about its release: previews below zero, the release at zero, later editions above.
    stage: (i8, u64),
}

impl ConnectVersion {
    /// Reads `24.4.1` or `24.0.0rc1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let letters = text.find(|letter: char| letter.is_ascii_alphabetic());
        let (numbers, stage) = text.split_at(letters.unwrap_or(text.len()));
        let release: Option<Vec<u64>> = numbers
            .trim_end_matches('.')
            .split('.')
            .map(|number| number.parse().ok())
            .collect();
        let mut release = release?;
        while release.last() == Some(&0) {
            // 24.0 and 24.0.0 are the same.
            release.pop();
        }
        let digits = stage.find(|letter: char| letter.is_ascii_digit());
        let (word, number) = stage.split_at(digits.unwrap_or(stage.len()));
        let rank = match word.to_ascii_lowercase().as_str() {
            "" => 0,
            "dev" => -4,
            "a" | "alpha" => -3,
            "b" | "beta" => -2,
            "rc" | "c" | "pre" | "preview" => -1,
            "post" | "r" | "rev" => 1,
            _ => return None,
        };
        let number = if number.is_empty() {
            0
        } else {
            number.parse().ok()?
        };
        Some(Self {
            release,
            stage: (rank, number),
        })
    }

    /// Returns its first number.
    pub(crate) fn major(&self) -> u64 {
        self.release.first().copied().unwrap_or_default()
    }
}

impl Ord for ConnectVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.release, self.stage).cmp(&(&other.release, other.stage))
    }
}

impl PartialOrd for ConnectVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_versions_are_compared_by_number() {
        let rising = [
            "nightly",
            "0.9",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1",
            "1.9.0",
            "1.10.0",
        ];
        let versions: Vec<_> = rising.map(PluginVersion::parse).into();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        assert_eq!(PluginVersion::parse("2"), PluginVersion::parse("2.0.0"));
    }

    #[test]
    fn connects_versions_are_compared_as_pythons_are() {
        let rising = [
            "9.5",
            "24.0.0dev1",
            "24.0.0a1",
            "24.0.0b2",
            "24.0.0rc1",
            "24.0.0rc10",
            "24.0",
            "24.0.0post1",
            "24.2",
            "24.10",
            "100.0",
        ];
        let versions: Vec<_> = rising
            .iter()
            .map(|text| ConnectVersion::parse(text).unwrap())
            .collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        assert_eq!(
            ConnectVersion::parse("24.0"),
            ConnectVersion::parse("24.0.0")
        );
        assert_eq!(ConnectVersion::parse("24.0.0banana"), None);
    }

    #[test]
    fn a_requirement_is_met_or_not_or_unreadable() {
        let host = Version::new(1, 4, 0);
        for (requirement, expected) in [
            (">=1.2, <3", Some(true)),
            (">=1.10", Some(false)),
            ("^2", Some(false)),
            ("about two", None),
        ] {
            assert_eq!(meets(&host, requirement), expected, "{requirement}");
        }
        let preview = Version::parse("2.0.0-beta.1").unwrap();
        assert_eq!(meets(&preview, ">=2"), Some(true));
    }
}
