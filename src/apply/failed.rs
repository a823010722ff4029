//! Why a step fails: a code, what is wrong, what to do.
//!
//! Pure.

use std::time::Duration;

use super::judge::Drifted;
use crate::smp::{ReadError, SendError, chain};

/// The code of a step that the server took and does not keep.
pub(super) const INCONSISTENT: &str = "SW0605";

/// A step failed: its dependants are not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(super) code: &'static str,
    pub(super) error: String,
    pub(super) hint: Option<String>,
}

impl Failed {
    /// The look itself failed.
    pub(super) fn unread(error: &ReadError) -> Self {
        Self {
            code: "SW0602",
            error: format!("cannot look at it: {}", chain(error)),
            hint: error.hint(),
        }
    }

    /// The look says nothing.
    pub(super) fn blind(reason: &str) -> Self {
        Self {
            code: "SW0603",
            error: format!("what it is about cannot be read, so nothing was written: {reason}"),
            hint: Some("complete the server profile: see docs/profile.md".into()),
        }
    }

    pub(super) fn unsent(error: &SendError) -> Self {
        Self {
            code: error.code(),
            error: chain(error),
            hint: error.hint(),
        }
    }

    /// The server took what was sent and shows something else: `gap`, after so much patience.
    pub(super) fn not_kept(gap: &Drifted, patience: Duration) -> Self {
        let Drifted {
            object,
            expected,
            found,
        } = gap;
        Self::inconsistent(&format!(
            "the server took the write, and {} s later {object} is not as it was asked for: expected {expected}, \
             found {found}",
            patience.as_secs()
        ))
    }

    /// There is something to write again and again.
    pub(super) fn never_ends(rounds: u32) -> Self {
        Self::inconsistent(&format!(
            "after {rounds} rounds of writing it still differs"
        ))
    }

    fn inconsistent(what: &str) -> Self {
        Self {
            code: INCONSISTENT,
            error: format!("inconsistent result: {what}"),
            hint: Some(
                "an assumption about this server may be wrong: see docs/assumptions.md; nothing that depends on this \
                 step was tried"
                    .into(),
            ),
        }
    }
}

impl From<Drifted> for Failed {
    fn from(drifted: Drifted) -> Self {
        Self {
            code: "SW0601",
            error: drifted.to_string(),
            hint: Some("somebody else changed it: plan again".into()),
        }
    }
}
