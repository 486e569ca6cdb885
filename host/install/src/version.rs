//! Which of two versions is the later one.

use std::cmp::Ordering;

/// Compares two versions as people number them: `1.9 < 1.10`, `1.0 = 1.0.0`, `2.0.0rc1 < 2.0.0`, `2.0-beta.2 < 2.0`.
///
/// A plugin's version may be anything, and ftrack Connect's are not written as Cargo's are, so every text has a place.
/// What follows a `+` says how it was built and does not count.
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (parts(one).into_iter(), parts(other).into_iter());
    loop {
        let (left, right) = (one.next(), other.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let order = left.unwrap_or(Part::End).cmp(&right.unwrap_or(Part::End));
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A number or a word of a version. A word comes before the end, since it marks what comes before a release.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    End,
    Number(String),
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |part: &Self| match part {
            Self::Word(_) => 0,
            Self::End => 1,
            Self::Number(digits) if digits.is_empty() => 1,
            Self::Number(_) => 2,
        };
        match (self, other) {
            (Self::Word(one), Self::Word(other)) => one.cmp(other),
            // Without leading zeros the longer number is the larger one, whatever its size.
            (Self::Number(one), Self::Number(other)) => (one.len(), one).cmp(&(other.len(), other)),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn parts(version: &str) -> Vec<Part> {
    let version = version.trim().trim_start_matches(['v', 'V']);
    let version = version.split('+').next().unwrap_or_default();
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let is_separator = |c: char| !c.is_alphanumeric();
        if is_separator(first) {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let end = rest
            .find(|c: char| is_separator(c) || c.is_ascii_digit() != is_digit)
            .unwrap_or(rest.len());
        let text = &rest[..end];
        parts.push(if is_digit {
            Part::Number(text.trim_start_matches('0').to_owned())
        } else {
            Part::Word(text.to_lowercase())
        });
        rest = &rest[end..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        for (one, other, expected) in [
            ("1.9", "1.10", Ordering::Less),
            ("1.0", "1.0.0", Ordering::Equal),
            ("v1.2", "1.2", Ordering::Equal),
            ("1.0.0+linux", "1.0.0", Ordering::Equal),
            ("2.0.0rc1", "2.0.0", Ordering::Less),
            ("2.0.0-beta.2", "2.0.0-beta.10", Ordering::Less),
            ("2.0.0-beta", "2.0.0-rc", Ordering::Less),
            ("24.4.1", "24.11.0", Ordering::Less),
            ("1.0.1", "1.0", Ordering::Greater),
            ("", "1", Ordering::Less),
            ("10000000000000000000000001", "9", Ordering::Greater),
            ("nightly", "1", Ordering::Less),
        ] {
            assert_eq!(compare_versions(one, other), expected, "{one} {other}");
            assert_eq!(
                compare_versions(other, one),
                expected.reverse(),
                "{other} {one}"
            );
        }
    }
}
