//! The journal that records are added to, in the store at hand.
//!
//! I/O. A record is there for good before [`Journal::append`] returns. Several steps may share one journal: its records
//! stand in the order in which they were added. Whoever stops waiting for a record stops nothing: it is brought there by
//! a task of its own, and the next one waits for it.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::backend::{Backend, Log};
use super::lock::Lease;
use super::under_way::UnderWay;
use crate::journal::{Entry, Fact, Head, JournalError, TornLine, digest};
use crate::model::RunId;

/// Records that wait for the next one to be brought to the disk are not let grow beyond this many bytes.
const MOST_PENDING: usize = 1 << 20;

/// A journal that records are added to.
#[derive(Debug)]
pub struct Journal {
    pub(super) backend: Arc<Backend>,
    lease: Lease,
    torn: Option<TornLine>,
    end: Arc<Mutex<End>>,
    under_way: UnderWay,
}

/// The end of the journal.
#[derive(Debug)]
struct End {
    log: Log,
    /// The last record that was added, be it there for good or not.
    head: Head,
    /// Lines that are not there for good yet.
    pending: Vec<u8>,
    /// The number of the first of them.
    first: u64,
    /// Whether it is not known what the journal ends with.
    broken: bool,
}

impl End {
    /// Brings the lines that wait there for good.
    async fn bring(&mut self) -> Result<(), JournalError> {
        let lines = std::mem::take(&mut self.pending);
        if lines.is_empty() {
            return Ok(());
        }
        self.broken = true;
        self.log.append(self.first, &lines).await?;
        self.broken = false;
        self.first = self.head.sequence + 1;
        Ok(())
    }
}

impl Journal {
    /// Opens a platform's journal to add to it; numbers go on after its last record and after `after`.
    ///
    /// # Assumptions
    /// The caller holds the lock that the lease is of. `after` is what the state holds of the journal: should the
    /// journal be lost, no number is given out twice.
    ///
    /// # Errors
    /// Those of reading the journal, and `Open`.
    pub(super) async fn open(
        backend: Arc<Backend>,
        lease: Lease,
        under_way: UnderWay,
        after: Head,
    ) -> Result<Self, JournalError> {
        let (log, scan) = Log::open(&backend).await?;
        let head = if scan.head.sequence < after.sequence {
            after
        } else {
            scan.head
        };
        Ok(Self {
            backend,
            lease,
            torn: scan.torn,
            end: Arc::new(Mutex::new(End {
                log,
                first: head.sequence + 1,
                head,
                pending: Vec::new(),
                broken: false,
            })),
            under_way,
        })
    }

    /// Adds a fact; it is there for good when this returns.
    ///
    /// # Errors
    /// `Append` where it could not be written, `LeaseLost` where it may not be; then nothing more is added (`Broken`).
    pub async fn append(
        &self,
        run: &RunId,
        at: jiff::Timestamp,
        fact: Fact,
    ) -> Result<(), JournalError> {
        self.add(run, at, fact, true).await
    }

    /// Adds a fact that need not be there for good before the next one is: the server does not change by it.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn append_with_next(
        &self,
        run: &RunId,
        at: jiff::Timestamp,
        fact: Fact,
    ) -> Result<(), JournalError> {
        self.add(run, at, fact, false).await
    }

    async fn add(
        &self,
        run: &RunId,
        at: jiff::Timestamp,
        fact: Fact,
        now: bool,
    ) -> Result<(), JournalError> {
        let mut end = Arc::clone(&self.end).lock_owned().await;
        if end.broken {
            return Err(JournalError::Broken {
                place: self.place(),
            });
        }
        let entry = Entry {
            format_version: Entry::FORMAT_VERSION,
            run: run.clone(),
            sequence: end.head.sequence + 1,
            at: at.to_string(),
            previous: end.head.digest.clone(),
            fact,
        };
        let line = entry.encode().map_err(|error| JournalError::Append {
            place: self.place(),
            source: error.into(),
        })?;
        end.head = Head {
            sequence: entry.sequence,
            digest: Some(digest(&line)),
        };
        end.pending.extend_from_slice(&line);
        if !now && end.pending.len() < MOST_PENDING {
            return Ok(());
        }
        self.bring(end).await
    }

    /// Brings the lines that wait there for good, to the end even where nobody waits for it any more.
    async fn bring(&self, mut end: OwnedMutexGuard<End>) -> Result<(), JournalError> {
        let brought = self
            .under_way
            .run(async move { end.bring().await }.boxed())
            .await;
        brought.unwrap_or_else(|panicked| {
            Err(JournalError::Append {
                place: self.place(),
                source: std::io::Error::other(panicked),
            })
        })
    }

    /// Brings what waits for the next record there for good.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn flush(&self) -> Result<(), JournalError> {
        self.bring(Arc::clone(&self.end).lock_owned().await).await
    }

    /// Whether a write may be sent: the lock is still ours. To be asked before each.
    ///
    /// # Errors
    /// `LeaseLost`.
    pub fn held(&self) -> Result<(), JournalError> {
        self.lease.held()
    }

    /// The number of the last record; 0 where there is none.
    pub async fn last(&self) -> u64 {
        self.end.lock().await.head.sequence
    }

    /// The last record, which the next one follows.
    pub(super) async fn head(&self) -> Head {
        self.end.lock().await.head.clone()
    }

    /// The torn end that was cut off when the journal was opened.
    #[must_use]
    pub fn torn(&self) -> Option<TornLine> {
        self.torn
    }

    /// Where it is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.backend.journal_place()
    }
}
