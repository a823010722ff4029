//! When and how entries came to their standing, and which build of the server they were read from.
//!
//! Pure: data. Provenance stands apart from the entries, under their paths, so that an entry stays one short line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::Profile;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
}
