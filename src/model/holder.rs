//! Who holds the lock of a state.
//!
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the holder of a lock says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    /// The account, or the name that was given.
    pub who: String,
    /// The machine.
    pub host: String,
    /// The number of its process on that machine.
    pub process: u32,
    /// The command.
    pub purpose: String,
    /// The run.
    pub run: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            who,
            host,
            process,
            purpose,
            run: _, // for programs
            since,
        } = self;
        write!(
            f,
            "{who} on {host}, for `{purpose}`, since {since} (process {process})"
        )
    }
}
