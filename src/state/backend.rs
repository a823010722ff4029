//! What a store must be able to do; everything else is made of it in [`Store`](super::Store).
//!
//! I/O, through the store at hand. A closed enum, one variant a store: all of them give the same guarantees.
//!
//! - `read` gives the bytes of the state that was saved last, whole or not at all, and what `replace` compares.
//! - `replace` puts new bytes in their place only where nobody else did so since; after an error the old ones are
//!   there, or the new ones. The replaced bytes are kept as a version.
//! - `append` adds lines after the last one only; they are there for good when it returns.
//! - `lock` keeps every other process out until it is released, or its lease has run out.

#![cfg_attr(
    not(feature = "s3"),
    expect(
        clippy::unused_async,
        reason = "a store on the network waits where files do not"
    )
)]

use std::sync::Arc;

use super::error::{LockError, StateError};
use super::file::FileBackend;
use super::file_log::FileLog;
use super::lock::Lock;
#[cfg(feature = "postgres")]
use super::postgres::PostgresBackend;
#[cfg(feature = "s3")]
use super::s3::{S3Backend, S3Log};
use crate::journal::{Entry, JournalError, Scan};
use crate::model::Holder;

/// The store of one platform's state.
#[derive(Debug)]
pub(super) enum Backend {
    /// Files in a folder.
    File(FileBackend),
    /// Tables of a PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres(Arc<PostgresBackend>),
    /// Objects in a bucket.
    #[cfg(feature = "s3")]
    S3(Box<S3Backend>),
}

/// A state as it was saved, with what tells it from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// What was saved.
    pub(super) bytes: Vec<u8>,
    /// What a store on the network compares in [`Backend::replace`]: a serial, an entity tag.
    pub(super) tag: String,
}

/// A state that was saved once and is still kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its serial.
    pub serial: u64,
    /// When it was saved.
    pub saved_at: Option<jiff::Timestamp>,
    /// How long it is.
    pub bytes: u64,
}

/// What came of breaking a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Nobody had it.
    Free,
    /// It is free now. Whose it was, where that was noted.
    Freed(Option<Holder>),
    /// It goes with its process and with nothing else: the holder is alive.
    Alive(Option<Holder>),
}

/// What is kept of a platform under a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The state that was saved last.
    State,
    /// The journal.
    Journal,
}

impl Backend {
    /// Where it is, for people: a file, or an address without a secret.
    pub(super) fn place(&self) -> String {
        match self {
            Self::File(store) => store.path().display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.place(),
            #[cfg(feature = "s3")]
            Self::S3(store) => store.place(),
        }
    }

    /// How a workspace declares it, where its place tells all that is needed.
    pub(super) fn declaration(&self) -> Option<String> {
        match self {
            Self::File(store) => Some(store.declaration()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
            #[cfg(feature = "s3")]
            Self::S3(_) => None,
        }
    }

    /// The platform's name as part of the names of what is kept.
    pub(super) fn stem(&self) -> &str {
        match self {
            Self::File(store) => store.stem(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.stem(),
            #[cfg(feature = "s3")]
            Self::S3(store) => store.stem(),
        }
    }

    /// Where the journal is, for people.
    pub(super) fn journal_place(&self) -> String {
        match self {
            Self::File(store) => store.journal_path().display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.place(),
            #[cfg(feature = "s3")]
            Self::S3(store) => store.journal_place(),
        }
    }

    /// The state that was saved last; `None` where none ever was.
    pub(super) async fn read(&self) -> Result<Option<Found>, StateError> {
        match self {
            Self::File(store) => store.read(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.read().await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.read().await,
        }
    }

    /// Saves the bytes of the state with a serial, instead of the ones that were found.
    pub(super) async fn replace(
        &self,
        bytes: &[u8],
        serial: u64,
        instead_of: Option<&Found>,
    ) -> Result<(), StateError> {
        match self {
            // Whoever holds the lock of a file is alone: what was found is still there.
            Self::File(store) => store.replace(bytes, serial, instead_of),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.replace(bytes, serial, instead_of).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.replace(bytes, serial, instead_of).await,
        }
    }

    /// The versions that are kept, the newest first; the one that was saved last is among them.
    pub(super) async fn versions(&self) -> Result<Vec<Version>, StateError> {
        match self {
            Self::File(store) => store.versions(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.versions().await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.versions().await,
        }
    }

    /// The bytes of a version.
    pub(super) async fn version(&self, serial: u64) -> Result<Option<Vec<u8>>, StateError> {
        match self {
            Self::File(store) => store.version(serial),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.version(serial).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.version(serial).await,
        }
    }

    /// Takes the lock, or tells at once who has it.
    pub(super) async fn try_lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        match self {
            Self::File(store) => store.try_lock(holder),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.try_lock(holder).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.try_lock(holder).await,
        }
    }

    /// Hands every record after number `after` on.
    pub(super) async fn records(
        &self,
        after: u64,
        each: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Scan, JournalError> {
        match self {
            Self::File(store) => store.records(after, each),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.records(after, each).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.records(after, each).await,
        }
    }

    /// Hands every line of the journal on as it was written, with its line feed; the last one may have none.
    pub(super) async fn lines(
        &self,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), JournalError> {
        match self {
            Self::File(store) => store.lines(each),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.lines(each).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.lines(each).await,
        }
    }

    /// Frees the lock whoever has it, where that can be done without asking the holder.
    pub(super) async fn break_lock(&self) -> Result<Broken, LockError> {
        match self {
            Self::File(store) => store.break_lock(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.break_lock().await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.break_lock().await,
        }
    }

    /// Moves the state or the journal out of the way, under a name that [`Backend::get`] finds it by.
    pub(super) async fn set_aside(&self, what: Part, name: &str) -> std::io::Result<()> {
        match self {
            Self::File(store) => store.set_aside(what, name),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.set_aside(what, name).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.set_aside(what, name).await,
        }
    }

    /// Keeps bytes under a name that has none yet; says whether it had none.
    pub(super) async fn put_new(&self, name: &str, bytes: &[u8]) -> std::io::Result<bool> {
        match self {
            Self::File(store) => store.put_new(name, bytes),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.put_new(name, bytes).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.put_new(name, bytes).await,
        }
    }

    /// Keeps bytes under a name, whatever it had. For what may be lost: nothing waits for it to be on a disk.
    pub(super) async fn put(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::File(store) => store.put(name, bytes),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.put(name, bytes).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.put(name, bytes).await,
        }
    }

    /// The bytes under a name.
    pub(super) async fn get(&self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        match self {
            Self::File(store) => store.get(name),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.get(name).await,
            #[cfg(feature = "s3")]
            Self::S3(store) => store.get(name).await,
        }
    }
}

/// Where lines are added.
#[derive(Debug)]
pub(super) enum Log {
    /// The end of a file.
    File(FileLog),
    /// The rows of a table.
    #[cfg(feature = "postgres")]
    Postgres(Arc<PostgresBackend>),
    /// New objects in a bucket.
    #[cfg(feature = "s3")]
    S3(S3Log),
}

impl Log {
    /// Opens the end of the journal, mended where a crash tore it; what the next record follows.
    pub(super) async fn open(backend: &Arc<Backend>) -> Result<(Self, Scan), JournalError> {
        match &**backend {
            Backend::File(store) => {
                let (log, scan) = FileLog::open(store.journal_path())?;
                Ok((Self::File(log), scan))
            }
            #[cfg(feature = "postgres")]
            Backend::Postgres(store) => {
                // Nothing is handed on; only where it ends is looked for.
                let scan = store.records(u64::MAX, &mut |_| {}).await?;
                Ok((Self::Postgres(Arc::clone(store)), scan))
            }
            #[cfg(feature = "s3")]
            Backend::S3(store) => {
                let (log, scan) = S3Log::open(store).await?;
                Ok((Self::S3(log), scan))
            }
        }
    }

    /// Adds whole lines, the first of which is the record `first`; they are there for good when it returns.
    pub(super) async fn append(&mut self, first: u64, lines: &[u8]) -> Result<(), JournalError> {
        match self {
            // The lock keeps every other process from the file.
            Self::File(log) => {
                let _ = first;
                log.append(lines)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.append(first, lines).await,
            #[cfg(feature = "s3")]
            Self::S3(log) => log.append(first, lines).await,
        }
    }
}
