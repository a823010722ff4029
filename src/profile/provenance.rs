//! When and how entries came to their standing, and which build of the server they were read from.
//!
//! Pure: data, and how two builds compare. Provenance stands apart from the entries, under their paths, so that an
//! entry stays one short line.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{Profile, Standing};

/// When and how an entry came to its standing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// When, RFC 3339.
    pub at: String,
    /// How, in one sentence: what was asked and what it showed.
    pub how: String,
}

/// The build of a server, as far as it can be told apart from another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Build {
    /// The version that its service descriptions prove at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The answer of `GetLastStuctureChangeTimestamp`, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structures: Option<String>,
    /// SHA-256, in hexadecimal, over the service descriptions: names, operations, structures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<String>,
}

/// What is another build than the profile's, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildChange {
    /// Types changed: a product was installed or upgraded.
    Structures {
        /// The timestamp in the profile.
        expected: String,
        /// The server's.
        found: String,
    },
    /// The service descriptions are others.
    Services,
    /// It cannot be told.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for BuildChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structures { expected, found } => write!(
                f,
                "the types of the server changed: expected {expected}, found {found}"
            ),
            Self::Services => f.write_str("the services of the server are described otherwise"),
            Self::Unreadable { reason } => {
                write!(f, "the build of the server cannot be read: {reason}")
            }
        }
    }
}

impl Build {
    /// How `found` differs; parts that the profile or the server does not say are not compared.
    #[must_use]
    pub fn compare(&self, found: &Self) -> Option<BuildChange> {
        if let (Some(expected), Some(found)) = (&self.structures, &found.structures)
            && expected != found
        {
            return Some(BuildChange::Structures {
                expected: expected.clone(),
                found: found.clone(),
            });
        }
        let (expected, found) = (self.services.as_ref()?, found.services.as_ref()?);
        (expected != found).then_some(BuildChange::Services)
    }
}

impl Profile {
    /// Notes when and how the entry at `path` came to its standing; what was noted before is replaced.
    pub fn note(&mut self, path: &str, at: &str, how: impl Into<String>) {
        self.provenance.insert(
            path.to_owned(),
            Provenance {
                at: at.to_owned(),
                how: how.into(),
            },
        );
    }

    /// Whether anything rests on the build: something is `verified`.
    #[must_use]
    pub fn rests_on_build(&self) -> bool {
        self.clone()
            .entries_mut()
            .iter()
            .any(|(_, standing)| **standing == Standing::Verified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_compare_by_what_both_say() {
        let build = |structures: Option<&str>, services: Option<&str>| Build {
            version: None,
            structures: structures.map(ToOwned::to_owned),
            services: services.map(ToOwned::to_owned),
        };
        let known = build(Some("1"), Some("a"));
        assert_eq!(known.compare(&known), None);
        assert_eq!(known.compare(&build(Some("1"), None)), None);
        assert_eq!(build(None, None).compare(&known), None);
        assert_eq!(
            known.compare(&build(Some("1"), Some("b"))),
            Some(BuildChange::Services)
        );
        let changed = known
            .compare(&build(Some("2"), None))
            .map(|c| c.to_string());
        assert_eq!(
            changed.as_deref(),
            Some("the types of the server changed: expected 1, found 2")
        );
    }
}
