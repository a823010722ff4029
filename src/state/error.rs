//! Why the state cannot be read, saved or locked: codes SW0701 to SW0722 and SW0760 to SW0789, each with what to do.
//!
//! Pure.

use std::io::ErrorKind;

use super::format::FormatError;
use super::postgres::DatabaseError;
use crate::journal::JournalError;
use crate::model::{Holder, Platform};

/// Why the state cannot be read or saved.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("cannot read the state `{}`", place)]
    Read {
        /// Which one.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is empty, no state, or its checksum is another one.
    #[error("the state `{}` is damaged", place)]
    Damaged {
        /// Which one.
        place: String,
        /// What is wrong.
        source: FormatError,
    },
    /// A newer program wrote it.
    #[error("the state `{}` was written by a newer program", place)]
    Newer {
        /// Which one.
        place: String,
        /// The versions.
        source: FormatError,
    },
    /// The state was moved to another store.
    #[error("the state of `{place}` was moved to `{to}`")]
    MovedAway {
        /// Where it was.
        place: String,
        /// Where it is.
        to: String,
        /// How a workspace declares that, where it was noted.
        declare: Option<String>,
    },
    /// Something cannot be kept, or cannot be moved out of the way.
    #[error("cannot keep `{name}` in `{place}`")]
    Keep {
        /// Which store.
        place: String,
        /// Under which name.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// A store that something is to be copied to holds something already.
    #[error("expected `{place}` to be empty, found {found}")]
    NotEmpty {
        /// Which store.
        place: String,
        /// What it holds.
        found: &'static str,
    },
    /// What was copied does not read back as it was.
    #[error("what was copied to `{place}` is not what was read: {what}")]
    NotTheSame {
        /// Which store.
        place: String,
        /// What is not the same.
        what: String,
    },
    /// The state, or the journal beside it, is about another SMP.
    #[error(
        "expected `{}` to be about the SMP `{}` ({}), found `{}` ({})",
        place, expected.name, expected.server, found.name, found.server
    )]
    OtherPlatform {
        /// Which one.
        place: String,
        /// The SMP at hand.
        expected: Box<Platform>,
        /// The SMP that the file is about.
        found: Box<Platform>,
    },
    /// The state, or the journal beside it, does not go back to the same first state.
    #[error("expected `{}` to be of lineage `{expected}`, found `{found}`", place)]
    OtherLineage {
        /// Which one.
        place: String,
        /// The lineage at hand.
        expected: String,
        /// That of the file.
        found: String,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database that it is kept in cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The new file cannot be written; the old one is as it was.
    #[error("cannot save the state `{}`", place)]
    Save {
        /// Which one.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else saved the state since it was loaded.
    #[error("expected the state `{}` at serial {expected}, found {found}", place)]
    Moved {
        /// Which one.
        place: String,
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
                FormatError::Shape(_)
                | FormatError::Newer { .. }
                | FormatError::Moved { .. }
                | FormatError::Unknown { .. } => "SW0703",
            },
            Self::Newer { .. } => "SW0705",
            Self::MovedAway { .. } => "SW0760",
            Self::Keep { .. } => "SW0761",
            Self::NotEmpty { .. } => "SW0762",
            Self::NotTheSame { .. } => "SW0763",
            Self::OtherPlatform { .. } => "SW0706",
            Self::OtherLineage { .. } => "SW0707",
            Self::Journal(error) => error.code(),
            Self::Database(error) => error.code(),
            Self::Save { .. } => "SW0711",
            Self::Moved { .. } => "SW0712",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { place, .. } => format!("check who may read `{place}`"),
            Self::Damaged { .. } => {
                "it was not touched: `sitewright state recover` keeps it aside and makes the state again, of the version \
                 before it and the journal"
                    .into()
            }
            Self::MovedAway { to, declare, .. } => moved_hint(to, declare.as_deref()),
            Self::Keep { .. } => "check that there is room and who may write there; nothing was changed".into(),
            Self::NotEmpty { .. } => {
                "name a store that nothing was ever kept in, or the one that a migration of this very state was cut off at; \
                 what is there was not touched"
                    .into()
            }
            Self::NotTheSame { .. } => {
                "nothing was changed here: empty the other store and try again, or look at what writes there".into()
            }
            Self::Newer { .. } => {
                "use the version of sitewright that wrote it, or a newer one".into()
            }
            Self::OtherPlatform { .. } => {
                "choose another state folder, or the platform that it was made for".into()
            }
            Self::OtherLineage { place, .. } => format!(
                "state and journal were not made together: put the ones back that were, or move `{place}` away"
            ),
            Self::Journal(error) => return error.hint(),
            Self::Database(error) => error.hint(),
            Self::Save { place, .. } => format!(
                "make room or mend the rights of the folder of `{place}`; nothing is lost: the journal holds what was done"
            ),
            Self::Moved { .. } => "run again: another process saved the state in between".into(),
        })
    }
}

/// How to go on with a state that was moved.
fn moved_hint(to: &str, declare: Option<&str>) -> String {
    match declare {
        Some(declare) => {
            format!("declare {declare} in the workspace; what is left here is not used any more")
        }
        None => format!(
            "use a workspace whose `state` is `{to}`; what is left here is not used any more"
        ),
    }
}

/// The holder, for people.
fn said(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process".into(), ToString::to_string)
}

/// Why the state cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("the state of `{platform}` is locked by {}", said(holder.as_deref()))]
    Held {
        /// Whose state.
        platform: String,
        /// Who, since when, for what; `None` in the moment before the holder has written it.
        holder: Option<Box<Holder>>,
    },
    /// The state that the lock is of was moved to another store.
    #[error("the state of `{platform}` was moved to `{to}`")]
    MovedAway {
        /// Whose state.
        platform: String,
        /// Where it is.
        to: String,
        /// How a workspace declares that, where it was noted.
        declare: Option<String>,
    },
    /// The object of the lock cannot be used.
    #[error("cannot lock the state with `{}`", place)]
    Store {
        /// Which one.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server takes writes whose condition does not hold: nothing there keeps anybody out.
    #[error(
        "expected the S3 server of `{}` to check `{condition}` of a write, found that it does not",
        place
    )]
    Unconditional {
        /// Which one.
        place: String,
        /// The header that it takes no notice of.
        condition: &'static str,
    },
    /// The lock file cannot be used.
    #[error("cannot lock the state with `{}`", place)]
    Io {
        /// Which one.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The database that it is kept in cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl LockError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "SW0721",
            Self::MovedAway { .. } => "SW0760",
            Self::Io { .. } => "SW0722",
            Self::Database(error) => error.code(),
            Self::Unconditional { .. } => "SW0751",
            Self::Store { .. } => "SW0752",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Held { .. } => {
                "wait until it has ended, or let --lock-timeout wait; the lock is free once its process is gone, or its lease has run out"
                    .into()
            }
            Self::Store { place, .. } => {
                format!("check the address, the keys and that they may read, write and list `{place}`")
            }
            Self::Unconditional { .. } => {
                "use a server that checks conditions of writes, such as AWS S3, MinIO or Cloudflare R2; or keep the state in another store"
                    .into()
            }
            Self::Database(error) => error.hint(),
            Self::MovedAway { to, declare, .. } => moved_hint(to, declare.as_deref()),
            Self::Io { place, source } => unlocked(place, source),
        })
    }
}

/// What to do about a lock file that cannot be used, by what is in the way.
fn unlocked(place: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!(
                "make room where `{place}` is: without it nothing can be written down, so nothing was done"
            )
        }
        ErrorKind::ReadOnlyFilesystem => format!(
            "`{place}` is on a file system that is read-only: mount it writable, or keep the state elsewhere"
        ),
        ErrorKind::PermissionDenied => {
            format!("let this account write `{place}` and the folder that it is in")
        }
        _ => format!(
            "check that `{place}` can be written, and that its file system knows locks (some network shares do not)"
        ),
    }
}
