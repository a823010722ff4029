//! The lock of a state in the hands of a command: taken, let go of in between, freed at the end however it comes.
//!
//! I/O.

#![expect(clippy::disallowed_methods, reason = "says which process this is")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::Failure;
use super::session::Session;
use super::{Context, now, second};
use crate::journal::{Fact, JournalError};
use crate::model::Holder;
use crate::state::{Journal, Lock, Store};

/// How long a lock is waited for that an `apply --wait` beside us holds for a moment only.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// The lock of a platform's state, ours unless it was let go of.
pub(super) struct Hold<'a> {
    context: &'a Context,
    store: &'a Store,
    holder: Holder,
    lock: Option<Lock>,
    /// Whether the journal knows whose lease was taken over.
    noted: AtomicBool,
}

impl<'a> Hold<'a> {
    /// Takes the lock for a command; `by` is who does it, where somebody said so. Waits for as long as the command line
    /// says, and at least for `patience`.
    pub(super) async fn take(
        context: &'a Context,
        session: &'a Session,
        purpose: &str,
        by: Option<&str>,
        patience: Duration,
    ) -> Result<Self, Failure> {
        Self::take_store(context, &session.store, purpose, by, patience).await
    }

    /// The same for a store that no session goes with.
    pub(super) async fn take_store(
        context: &'a Context,
        store: &'a Store,
        purpose: &str,
        by: Option<&str>,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let mut hold = Self {
            context,
            store,
            holder: holder(context, purpose, by),
            lock: None,
            noted: AtomicBool::new(false),
        };
        hold.retake(patience).await?;
        Ok(hold)
    }

    /// Takes it again after [`Hold::free`].
    pub(super) async fn retake(&mut self, patience: Duration) -> Result<(), Failure> {
        let asked = Duration::from_secs(self.context.global.lock_timeout);
        let holder = Holder {
            since: second(),
            ..self.holder.clone()
        };
        let lock = self.store.lock(&holder, asked.max(patience)).await;
        self.noted = AtomicBool::new(false);
        self.lock = Some(
            lock.map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?,
        );
        Ok(())
    }

    /// Opens the journal, which can be added to for as long as the lock is ours.
    pub(super) async fn journal(&self) -> Result<Journal, Failure> {
        let failed =
            |error: JournalError| Failure::from_error(error.code(), &error).hint(error.hint());
        let lock = self.lock()?;
        let journal = self.store.journal(lock).await.map_err(failed)?;
        // A command may open the journal more than once under one lock.
        if let Some(from) = lock.taken_over()
            && !self.noted.swap(true, Ordering::Relaxed)
        {
            let fact = Fact::LeaseTakenOver { from: from.clone() };
            journal
                .append(&self.context.run, now(), fact)
                .await
                .map_err(failed)?;
        }
        Ok(journal)
    }

    /// The lock, for as long as it is ours.
    pub(super) fn lock(&self) -> Result<&Lock, Failure> {
        self.lock
            .as_ref()
            .ok_or_else(|| Failure::new("SW0723", "the state is not locked any more"))
    }

    /// Frees the lock, if it is held.
    pub(super) async fn free(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.release().await;
        }
    }
}

/// Runs something under the lock of the state, and frees it whatever comes of it.
pub(super) async fn locked<'a, T>(
    context: &'a Context,
    session: &'a Session,
    purpose: &str,
    by: Option<&str>,
    work: impl AsyncFnOnce(&mut Hold<'a>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    locked_store(context, &session.store, purpose, by, work).await
}

/// The same for a store that no session goes with.
pub(super) async fn locked_store<'a, T>(
    context: &'a Context,
    store: &'a Store,
    purpose: &str,
    by: Option<&str>,
    work: impl AsyncFnOnce(&mut Hold<'a>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut hold = Hold::take_store(context, store, purpose, by, Duration::ZERO).await?;
    let outcome = work(&mut hold).await;
    hold.free().await;
    outcome
}

/// What the lock says of its holder.
pub(super) fn holder(context: &Context, purpose: &str, by: Option<&str>) -> Holder {
    Holder {
        who: who(by),
        host: host(),
        process: std::process::id(),
        purpose: purpose.to_owned(),
        run: context.run.to_string(),
        since: second(),
    }
}

/// This machine: as the environment names it, for where its own name says little, as in a container; else its name.
fn host() -> String {
    std::env::var("SITEWRIGHT_HOST")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| gethostname::gethostname().to_string_lossy().into_owned())
}

/// Who does this: as told, else the account of the operating system.
pub(super) fn who(by: Option<&str>) -> String {
    by.map(ToOwned::to_owned)
        .or_else(|| std::env::var("USER").ok())
        .or_else(|| std::env::var("USERNAME").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".into())
}
