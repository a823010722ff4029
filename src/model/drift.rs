//! What is remembered of differences that the world made: how often each came back, and which are fine for a while.
//!
//! Pure. A difference is known by its key, `Site/HQ:description`.

use serde::{Deserialize, Serialize};

/// How often a difference appeared, and how often a run of ours took it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rounds {
    /// How often it appeared.
    pub seen: u32,
    /// How often a run of ours took it back.
    pub undone: u32,
    /// Whether it was there when somebody looked last.
    pub open: bool,
    /// Whether it was told that it comes back whatever we do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// When any of this changed last, RFC 3339.
    pub at: String,
}

/// Somebody's word that a difference is fine until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acknowledgement {
    /// What was there instead; `None` where there was nothing. For any other value the word does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The last day on which it counts, `YYYY-MM-DD`, in UTC.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}
