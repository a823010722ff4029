//! Keeping a second process out: the lock of a state, and how long it is ours.
//!
//! I/O. A lock on a file is freed by the operating system when its holder dies, however it dies. A lease of a store on
//! the network runs out unless it is renewed: whoever holds one asks [`Lease::held`] before each write. The SMP itself
//! knows nothing of leases, so a write that was sent in time and arrives late cannot be called back.

#![expect(clippy::disallowed_methods, reason = "looks when a lease runs out")]

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::file_lock::FileLock;
#[cfg(any(feature = "postgres", feature = "s3"))]
use super::renewal::Renewed;
use super::under_way::UnderWay;
use crate::journal::JournalError;
use crate::model::Holder;

/// How much of a lease must be left for a write to be sent.
pub const LEAST_LEFT: Duration = Duration::from_secs(5);

/// The lock of one platform's state. [`Lock::release`] frees it; one that is dropped is freed too, on the network only
/// once its lease has run out.
#[derive(Debug)]
#[must_use = "the lock is free again once this is dropped"]
pub struct Lock {
    pub(super) kind: Kind,
    pub(super) lease: Lease,
    /// The holder before, where it let its lease run out.
    pub(super) taken_over: Option<Holder>,
    /// The writes under this lock.
    pub(super) under_way: UnderWay,
}

/// What keeps others out.
#[derive(Debug)]
pub(super) enum Kind {
    /// A lock on a file.
    File(FileLock),
    /// A lease of a store on the network.
    #[cfg(any(feature = "postgres", feature = "s3"))]
    Leased(Renewed),
}

impl Lock {
    /// How long it is ours.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The holder before, where it let its lease run out and this took it over.
    #[must_use]
    pub fn taken_over(&self) -> Option<&Holder> {
        self.taken_over.as_ref()
    }

    /// Frees it, once every write that was begun under it is over. What goes wrong is in the log: a lease runs out by
    /// itself.
    pub async fn release(self) {
        let Self {
            kind,
            lease: _,
            taken_over: _,
            under_way,
        } = self;
        under_way.ended().await;
        match kind {
            Kind::File(lock) => drop(lock),
            #[cfg(any(feature = "postgres", feature = "s3"))]
            Kind::Leased(renewed) => renewed.release().await,
        }
    }
}

/// Until when a lock is ours; for ever where no lease can run out.
#[derive(Debug, Clone, Default)]
pub struct Lease(Option<watch::Receiver<Until>>);

/// Until when a lease holds, as whoever renews it knows.
#[derive(Debug, Clone)]
pub(super) struct Until {
    /// On this machine's monotonic clock, counted from before the request that renewed it.
    pub(super) deadline: Instant,
    /// Why it is lost, where the store said so.
    pub(super) lost: Option<String>,
}

impl Lease {
    /// A lease that whoever renews it keeps up to date.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "s3")),
        expect(dead_code, reason = "the lock on a file does not run out")
    )]
    pub(super) fn renewed(until: watch::Receiver<Until>) -> Self {
        Self(Some(until))
    }

    /// Whether there is enough of it left to send a write.
    ///
    /// # Errors
    /// `LeaseLost`.
    pub fn held(&self) -> Result<(), JournalError> {
        let Some(until) = &self.0 else {
            return Ok(());
        };
        let Until { deadline, lost } = until.borrow().clone();
        let why = match lost {
            Some(why) => why,
            None if deadline.saturating_duration_since(Instant::now()) < LEAST_LEFT => {
                "it could not be renewed in time".to_owned()
            }
            None => return Ok(()),
        };
        Err(JournalError::LeaseLost { why })
    }
}
