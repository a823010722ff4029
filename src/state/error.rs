//! Why the state cannot be read, saved or locked: codes SW0701 to SW0722, each with what to do.
//!
//! Pure.

use std::path::PathBuf;

use super::format::FormatError;
use crate::journal::JournalError;
use crate::model::Platform;

/// Why the state cannot be read or saved.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("cannot read the state `{}`", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is empty, no state, or its checksum is another one.
    #[error("the state `{}` is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: FormatError,
    },
    /// A newer program wrote it.
    #[error("the state `{}` was written by a newer program", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The versions.
        source: FormatError,
    },
    /// The state, or the journal beside it, is about another SMP.
    #[error(
        "expected `{}` to be about the SMP `{}` ({}), found `{}` ({})",
        path.display(), expected.name, expected.server, found.name, found.server
    )]
    OtherPlatform {
        /// Which file.
        path: PathBuf,
        /// The SMP at hand.
        expected: Box<Platform>,
        /// The SMP that the file is about.
        found: Box<Platform>,
    },
    /// The state, or the journal beside it, does not go back to the same first state.
    #[error("expected `{}` to be of lineage `{expected}`, found `{found}`", path.display())]
    OtherLineage {
        /// Which file.
        path: PathBuf,
        /// The lineage at hand.
        expected: String,
        /// That of the file.
        found: String,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The new file cannot be written; the old one is as it was.
    #[error("cannot save the state `{}`", path.display())]
    Save {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else saved the state since it was loaded.
    #[error("expected the state `{}` at serial {expected}, found {found}", path.display())]
    Moved {
        /// Which file.
        path: PathBuf,
        /// The serial that the new state follows.
        expected: u64,
        /// The serial in the file.
        found: u64,
    },
}

impl StateError {
    /// The stable code; that of the journal where the journal is at fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "SW0701",
            Self::Damaged { source, .. } => match source {
                FormatError::Empty => "SW0702",
                FormatError::Checksum { .. } => "SW0704",
                FormatError::Shape(_) | FormatError::Newer { .. } | FormatError::Unknown { .. } => {
                    "SW0703"
                }
            },
            Self::Newer { .. } => "SW0705",
            Self::OtherPlatform { .. } => "SW0706",
            Self::OtherLineage { .. } => "SW0707",
            Self::Journal(error) => error.code(),
            Self::Save { .. } => "SW0711",
            Self::Moved { .. } => "SW0712",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { path, .. } => format!("check who may read `{}`", path.display()),
            Self::Damaged { path, .. } => format!(
                "put a copy of it back, or move `{}` away and run again: what is ours is then read from the journal \
                 beside it; it was not touched",
                path.display()
            ),
            Self::Newer { .. } => {
                "use the version of sitewright that wrote it, or a newer one".into()
            }
            Self::OtherPlatform { .. } => {
                "choose another state folder, or the platform that it was made for".into()
            }
            Self::OtherLineage { path, .. } => format!(
                "state and journal were not made together: put the ones back that were, or move `{}` away",
                path.display()
            ),
            Self::Journal(error) => return error.hint(),
            Self::Save { path, .. } => format!(
                "make room or mend the rights of the folder of `{}`; nothing is lost: the journal holds what was done",
                path.display()
            ),
            Self::Moved { .. } => "run again: another process saved the state in between".into(),
        })
    }
}

/// Why the state cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("the state of `{platform}` is locked by {holder}")]
    Held {
        /// Whose state.
        platform: String,
        /// Who, since when, for what, as the holder wrote it.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock the state with `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl LockError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "SW0721",
            Self::Io { .. } => "SW0722",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Held { .. } => {
                "wait until it has ended; the lock is free as soon as its process is gone, no file need be removed"
                    .into()
            }
            Self::Io { path, .. } => format!(
                "check who may write `{}`, and that the file system knows locks (some network shares do not)",
                path.display()
            ),
        })
    }
}
