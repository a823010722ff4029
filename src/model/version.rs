//! Versions as products write them: numbers with dots between.
//!
//! Pure. `8.10` is newer than `8.9`, and `8.7` is the same as `8.7.0`. A text that is no version cannot be compared.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version.
#[derive(Debug, Clone)]
pub struct Version(Vec<u64>);

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected numbers with dots between, such as `8.7.3`, found `{0}`")]
pub struct VersionError(String);

impl Version {
    /// Makes a version of its numbers.
    #[must_use]
    pub fn of(numbers: &[u64]) -> Self {
        Self(numbers.to_vec())
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let trimmed = text.trim();
        trimmed
            .strip_prefix(['v', 'V'])
            .unwrap_or(trimmed)
            .split('.')
            .map(|part| {
                // `parse` takes a sign as well.
                let digits = part.bytes().all(|byte| byte.is_ascii_digit());
                part.parse().ok().filter(|_| digits)
            })
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| VersionError(text.chars().take(80).collect()))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let at = |version: &Self, index: usize| version.0.get(index).copied().unwrap_or(0);
        (0..self.0.len().max(other.0.len()))
            .map(|index| at(self, index).cmp(&at(other, index)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}
impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.pad(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        for (older, newer) in [
            ("8.9", "8.10"),
            ("8.7", "8.7.1"),
            ("4.7.2", "4.8"),
            ("8.7.9999", "8.8"),
            ("v4.8", "4.8.1"),
        ] {
            assert!(version(older) < version(newer), "{older} {newer}");
        }
        assert_eq!(version(" 8.7 "), version("8.7.0.0"));
        assert_eq!(version("8.7.3"), Version::of(&[8, 7, 3]));
        assert_eq!(version("8.7.3").to_string(), "8.7.3");
    }

    #[test]
    fn other_texts_are_no_versions() {
        for text in ["", "8.", ".8", "8.7 RU2", "8.+7", "eight", "8.-1", "v"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
