//! What the loop leaves for whoever tells what the world changed: [`crate::apply::left`] has it.
//!
//! I/O, through the store and the reader, under the lock of the state. Nothing of it fails an attempt. The loop acts with
//! nobody at hand, so that it takes the world for its baseline only where nothing is left that somebody has to see to.

use std::sync::Arc;
use std::time::Duration;

use super::once::{Attempt, Target, load};
use crate::apply::{keep, leaves_nothing, less_seen};
use crate::drift::{Change, Drift, Standing};
use crate::model::{Outcome, Snapshot, StepId};
use crate::observe::{Scope, refresh};
use crate::plan::Plan;
use crate::profile::Profile;
use crate::smp::Reader;
use crate::state::{Loaded, State};

/// What a run stands on.
pub(super) struct Ground<'a> {
    /// What the platform was read by.
    pub(super) reader: &'a Reader,
    /// Everything that differs.
    pub(super) whole: &'a Plan,
    /// What of it is done.
    pub(super) part: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
    /// What the world changed before.
    pub(super) found: &'a Drift,
    pub(super) scope: &'a Scope,
    pub(super) profile: Arc<Profile>,
}

/// Where no run of ours is on record and none is to be made, what is there now is what drift is told from.
pub(super) async fn before_any(
    target: &Target,
    attempt: &Attempt<'_>,
    ground: &Ground<'_>,
    loaded: Option<Loaded>,
) {
    // Whoever holds the lock keeps it in our place.
    let Ok(lock) = target.store.lock(&attempt.holder, Duration::ZERO).await else {
        return;
    };
    if load(target).await.is_ok_and(|now| now == loaded) {
        let seen = (ground.scope, ground.snapshot);
        put(target, attempt, seen, ground.whole.journal_sequence).await;
    }
    lock.release().await;
}

/// Keeps what drift is told from.
async fn put(
    target: &Target,
    attempt: &Attempt<'_>,
    (scope, snapshot): (&Scope, &Snapshot),
    sequence: u64,
) {
    let at = (attempt.clock)().to_string();
    if let Err(error) = keep(&target.store, &at, scope, snapshot, sequence).await {
        tracing::warn!(%error, "what drift is told from is not kept");
    }
}

/// Keeps what a run left, where it left nothing that anybody has to see to; else the baseline before tells that, and the
/// journal what the run did.
pub(super) async fn after(
    target: &Target,
    attempt: &Attempt<'_>,
    ground: &Ground<'_>,
    (outcomes, state): (&[(StepId, Outcome)], &State),
) {
    let undeclared = |change: &Change| change.standing == Standing::Undeclared;
    let clean =
        leaves_nothing(ground.whole, outcomes) && !ground.found.changes.iter().any(undeclared);
    if !clean && ground.found.since.is_some() {
        return;
    }
    let reading = refresh(ground.reader, ground.scope, &|_| {});
    let seen = tokio::select! {
        seen = Box::pin(reading) => seen,
        () = attempt.stop.cancelled() => return,
    };
    let (snapshot, sequence) = match &seen {
        Ok(snapshot) if less_seen(ground.snapshot, snapshot).is_empty() => {
            (snapshot, state.journal_sequence)
        }
        Ok(_) | Err(_) => {
            tracing::warn!("what the run left could not be read wholly, and is not kept");
            if ground.found.since.is_some() {
                return;
            }
            // What was there before the run tells as much, with what the journal says of the run.
            (ground.snapshot, ground.whole.journal_sequence)
        }
    };
    put(target, attempt, (ground.scope, snapshot), sequence).await;
}
