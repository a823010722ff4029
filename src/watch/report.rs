//! What came of one attempt, as the loop, the log and the metrics are told.
//!
//! Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::drift::Differences;
use super::pace::Ending;
use crate::model::StepId;
use crate::smp::{Timing, Traffic};

/// Why something does not work, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// The stable code.
    pub code: String,
    /// What is wrong, with its causes.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the server refused the sign-in: tried again, it may lock the account.
    pub refused: bool,
}

impl Trouble {
    /// Something of the loop itself.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            refused: false,
        }
    }

    /// The error of a stage, with the chain of its causes in one line.
    #[must_use]
    pub fn of(code: &str, error: &dyn std::error::Error, hint: Option<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: crate::smp::chain(error),
            hint,
            refused: false,
        }
    }

    /// The same with what it is about in front.
    #[must_use]
    pub fn about(self, what: &str) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            ..self
        }
    }

    /// The same where the server refused the sign-in.
    #[must_use]
    pub fn refused(self) -> Self {
        let hint = "check user name and password, and mend them where they are kept: others are tried at once, the same \
                    only after a pause, so that the account is not locked";
        Self {
            refused: true,
            ..self.hint(hint)
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// How an attempt ended, by the name that metrics know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conclusion {
    /// Everything is as it is declared.
    Converged,
    /// Something differs, and nothing was to be done about it, or a person has to.
    Differs,
    /// Something differed, and what may be done unattended is done.
    Applied,
    /// The plan may not be applied: a finding, a limit.
    Blocked,
    /// A window in which nothing may change.
    Frozen,
    /// Somebody else holds the lock of the state.
    Busy,
    /// Steps failed.
    StepsFailed,
    /// The attempt failed.
    Failed,
    /// It was told to stop.
    Stopped,
}

impl Conclusion {
    /// Every one of them, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Converged,
        Self::Differs,
        Self::Applied,
        Self::Blocked,
        Self::Frozen,
        Self::Busy,
        Self::StepsFailed,
        Self::Failed,
        Self::Stopped,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Differs => "differs",
            Self::Applied => "applied",
            Self::Blocked => "blocked",
            Self::Frozen => "frozen",
            Self::Busy => "busy",
            Self::StepsFailed => "steps-failed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a platform looked like once it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// What differs, and why.
    pub differences: Differences,
    /// Steps that nobody does but a person, or that only a person may let be done, each with why.
    pub waits: BTreeMap<StepId, String>,
    /// What keeps the plan from being applied, by its id and message, with the remedy.
    pub blocks: BTreeMap<String, String>,
    /// Whether all of the platform could be read: what is not listed is as it should be.
    pub everything: bool,
    /// The digest of the plan, by which a person finds it again.
    pub digest: String,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub conclusion: Conclusion,
    /// What was seen; `None` where the platform could not be read.
    pub sight: Option<Sight>,
    /// How many steps of which kind ended how.
    pub steps: BTreeMap<(String, &'static str), u64>,
    /// Why it failed, or why steps did.
    pub trouble: Option<Trouble>,
    /// When the window is over in which nothing may change.
    pub thaws: Option<Timestamp>,
    /// What was sent and received for it.
    pub traffic: Traffic,
    /// How long that took.
    pub timing: Timing,
    /// How long the whole attempt took.
    pub took: Duration,
}

impl Report {
    /// An attempt of which nothing is known but how it ended.
    #[must_use]
    pub fn ended(conclusion: Conclusion) -> Self {
        Self {
            conclusion,
            sight: None,
            steps: BTreeMap::new(),
            trouble: None,
            thaws: None,
            traffic: Traffic::default(),
            timing: Timing::default(),
            took: Duration::ZERO,
        }
    }

    /// An attempt that failed.
    #[must_use]
    pub fn failed(trouble: Trouble) -> Self {
        Self {
            trouble: Some(trouble),
            ..Self::ended(Conclusion::Failed)
        }
    }

    /// Whether the server refused the sign-in.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.refused)
    }

    /// What the time of the next attempt depends on.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.is_refused() {
            return Ending::Refused;
        }
        match self.conclusion {
            Conclusion::Failed | Conclusion::StepsFailed => Ending::Failed,
            Conclusion::Busy => Ending::Soon,
            Conclusion::Converged
            | Conclusion::Differs
            | Conclusion::Applied
            | Conclusion::Blocked
            | Conclusion::Frozen
            | Conclusion::Stopped => Ending::Well,
        }
    }
}
