//! Why the journal cannot be read or kept: codes SW0723, SW0731 to SW0737, each with what to do.
//!
//! Pure.

use super::Entry;

/// What is wrong with one line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is no JSON, or not of the right shape.
    #[error("expected one journal record")]
    Shape(#[from] serde_json::Error),
    /// A newer program wrote it.
    #[error(
        "expected formatVersion {} or older, found {found}",
        Entry::FORMAT_VERSION
    )]
    Newer {
        /// The version found.
        found: u32,
    },
    /// No program ever wrote this version.
    #[error("expected formatVersion {}, found {found}", Entry::FORMAT_VERSION)]
    Unknown {
        /// The version found.
        found: u32,
    },
    /// It is not the record that followed the one before it when it was written.
    #[error("expected it to follow the record with the digest {expected}, found {found}")]
    Chain {
        /// The digest of the line before.
        expected: String,
        /// What the line says that it follows.
        found: String,
    },
    /// Records are missing before it, or it stands there twice.
    #[error("expected record number {expected}, found {found}")]
    Sequence {
        /// The number after that of the line before.
        expected: u64,
        /// The number found.
        found: u64,
    },
}

/// Why the journal cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read.
    #[error("cannot read the journal `{}`", place)]
    Read {
        /// Which journal.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is not the torn end of a write is damaged.
    #[error("line {line} of the journal `{}` is damaged", place)]
    Damaged {
        /// Which journal.
        place: String,
        /// Which line, from 1.
        line: u64,
        /// What is wrong.
        source: LineError,
    },
    /// A newer program wrote a line.
    #[error(
        "line {line} of the journal `{}` was written by a newer program",
        place
    )]
    Newer {
        /// Which journal.
        place: String,
        /// Which line, from 1.
        line: u64,
        /// The versions.
        source: LineError,
    },
    /// The file cannot be opened for writing, or its torn end cannot be mended.
    #[error("cannot write the journal `{}`", place)]
    Open {
        /// Which journal.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// A record could not be written, or not be brought to the disk.
    #[error("cannot add a record to the journal `{}`", place)]
    Append {
        /// Which journal.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The XML of an item could not be kept, so that nothing may be written over it.
    #[error("cannot keep the old XML of an item in `{}`", place)]
    Backup {
        /// Which journal.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// An earlier record could not be written: what the file ends with is not known.
    #[error(
        "nothing more is added to the journal `{}` after a failed write",
        place
    )]
    Broken {
        /// Which journal.
        place: String,
    },
    /// Another process added records where the next one was to stand: the lock is no longer ours.
    #[error("another process has added record {record} to the journal `{}`", place)]
    Overtaken {
        /// Which journal.
        place: String,
        /// The number of the record.
        record: u64,
    },
    /// The lease of the state has run out, or somebody else took it over: nothing more may be written.
    #[error("the lease of the state ran out, and nothing more was written: {why}")]
    LeaseLost {
        /// How that came about.
        why: String,
    },
}

impl JournalError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "SW0731",
            Self::Damaged { .. } => "SW0732",
            Self::Newer { .. } => "SW0733",
            Self::Open { .. } => "SW0734",
            Self::Append { .. } => "SW0735",
            Self::Broken { .. } => "SW0736",
            Self::Backup { .. } => "SW0737",
            Self::LeaseLost { .. } => "SW0723",
            Self::Overtaken { .. } => "SW0750",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { place, .. } => {
                format!("check who may read `{place}`")
            }
            Self::Damaged { .. } => {
                "it was not touched: put a copy of the journal back; without one, `sitewright state recover` keeps it aside \
                 and begins it anew, at what the state and the records before that line hold"
                    .into()
            }
            Self::Newer { .. } => {
                "use the version of sitewright that wrote it, or a newer one".into()
            }
            Self::Backup { place, .. } => format!(
                "check that there is room on the disk and who may write `{place}`"
),
            Self::Open { place, .. } | Self::Append { place, .. } => format!(
                "check that there is room on the disk and who may write `{place}`; then run again: every step looks first"
),
            Self::LeaseLost { .. } => {
                "check the way to the state's store and the load of this machine, then run again: every step looks first"
                    .into()
            }
            Self::Overtaken { .. } => {
                "wait until that process has ended, then run again: every step looks first".into()
            }
            Self::Broken { .. } => "run again: every step looks first".into(),
        })
    }
}
