//! What `apply` leaves for `drift`: the one more look at the end, and what it says of differences that come back.
//!
//! I/O, through the store of the state and the reader. Nothing of it can fail a run: that is a warning in the log.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use super::error::Failure;
use super::interrupt::interrupted;
use super::plan::{observe, scope};
use super::session::Session;
use super::{now, second};
use crate::apply::{self, Left, LeftError, left};
use crate::drift::{self, Drift, drift};
use crate::journal::Fact;
use crate::model::{Desired, Ownership, Snapshot, Step};
use crate::observe::{Kept, Scope};
use crate::plan::Plan;
use crate::state::{Loaded, State};

impl From<LeftError> for Failure {
    fn from(error: LeftError) -> Self {
        Self::from_error(error.code(), &error).hint(error.hint())
    }
}

/// What a run of `apply` is made of, as far as it is known: a saved plan comes without the rest.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) plan: &'a Plan,
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) desired: Option<&'a Desired>,
}

/// How a run ended, as whoever looks next has to know.
#[derive(Clone, Copy)]
pub(super) struct Ending<'a> {
    /// Whether it left nothing undone.
    pub(super) complete: bool,
    /// Whether it changed anything on the server.
    pub(super) wrote: bool,
    pub(super) state: Option<&'a State>,
}

/// What a run says of the rounds of differences.
pub(super) async fn rounds(
    session: &Session,
    ground: Ground<'_>,
    done: &[&Step],
    loaded: Option<&Loaded>,
) -> Option<Fact> {
    let ownership = &loaded?.state.ownership;
    let found = found(session, ground, loaded, ownership).await;
    apply::rounds(found.as_ref(), done, ground.snapshot, ownership, now())
}

/// What the world had changed before the run.
async fn found(
    session: &Session,
    ground: Ground<'_>,
    loaded: Option<&Loaded>,
    ownership: &Ownership,
) -> Option<Drift> {
    let (snapshot, desired) = (ground.snapshot?, ground.desired?);
    let scope = scope(session, desired, loaded.map(|loaded| &loaded.state));
    let found = left(&session.store, &scope, &snapshot.platform).await;
    let left = found
        .inspect_err(|error| {
            tracing::warn!(%error, "what the world changed since the last apply is not noted");
        })
        .ok()??;
    Some(drift(&drift::Inputs {
        baseline: Some(left.baseline()),
        now: snapshot,
        desired,
        plan: ground.plan,
        ownership,
        all: false,
        at: now(),
    }))
}

/// Keeps what a run left: what it read before, where it wrote nothing, else what one more look shows.
///
/// # Guarantees
/// It fails nothing: what goes wrong is told in the log, and the baseline before stays. Ctrl-C ends the look.
pub(super) async fn keep(session: &Session, ground: Ground<'_>, ending: Ending<'_>) {
    let Ending {
        complete,
        wrote,
        state,
    } = ending;
    let first = matches!(session.store.baseline().await, Ok(None));
    // What a run leaves undone is told as long as it is there: the baseline before tells it, and the journal what the run did.
    if !complete && !first {
        return;
    }
    let nothing = Ownership::default();
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    let (scope, before) = match ground.desired {
        Some(desired) => (scope(session, desired, state), ground.snapshot.cloned()),
        // A saved plan says nothing of what was asked for; whoever made it kept that with what was read.
        None => last(session, ownership).await,
    };
    let sequence = state.map_or(0, |state| state.journal_sequence);
    let read = ground.snapshot.filter(|_| !wrote);
    let left = match read {
        Some(snapshot) => Ok(snapshot.clone()),
        None => Box::pin(look(session, &scope, before.as_ref())).await,
    };
    let (snapshot, sequence) = match left {
        Ok(snapshot) => (snapshot, sequence),
        Err(reason) => {
            tracing::warn!(reason, "what this run left is not kept for `drift`");
            // What was there before it tells as much, with what the journal says of the run.
            let Some(before) = ground.snapshot.filter(|_| first) else {
                return;
            };
            (before.clone(), ground.plan.journal_sequence)
        }
    };
    let kept = apply::keep(&session.store, &second(), &scope, &snapshot, sequence).await;
    if let Err(error) = kept {
        tracing::warn!(%error, "what this run left is not kept for `drift`");
    }
}

/// One more look, or why it shows less than is known.
async fn look(
    session: &Session,
    scope: &Scope,
    before: Option<&Snapshot>,
) -> Result<Snapshot, String> {
    let reading = Box::pin(async { observe(&session.reader()?, scope).await });
    let looked = unless_interrupted(reading).await;
    let snapshot = looked
        .ok_or("the look was ended")?
        .map_err(|failure| failure.message().to_owned())?;
    let less = before.map_or_else(Vec::new, |before| apply::less_seen(before, &snapshot));
    if less.is_empty() {
        Ok(snapshot)
    } else {
        Err(format!("not all of it could be read: {}", less.join(", ")))
    }
}

/// Waits for something that nobody misses much, for as long as nobody interrupts it.
async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    let (softly, at_once) = (CancellationToken::new(), CancellationToken::new());
    let signals = tokio::spawn(interrupted(softly.clone(), at_once));
    let done = tokio::select! {
        done = work => Some(done),
        () = softly.cancelled() => None,
    };
    signals.abort();
    done
}

/// What the last refresh was asked for, and what it saw, where that is kept.
async fn last(session: &Session, ownership: &Ownership) -> (Scope, Option<Snapshot>) {
    let bytes = session.store.snapshot().await.ok().flatten();
    let kept = bytes.and_then(|bytes| Kept::decode(&bytes).ok());
    let (scope, snapshot) = kept.map_or_else(
        || {
            let scope = Scope {
                server: session.server.clone(),
                surroundings: true,
                ..Scope::default()
            };
            (scope, None)
        },
        |kept| (kept.scope, Some(kept.snapshot)),
    );
    (scope.remembering(ownership), snapshot)
}

/// What the last run left for a look with a scope.
pub(super) async fn last_left(
    session: &Session,
    scope: &Scope,
    now: &Snapshot,
) -> Result<Option<Left>, Failure> {
    Ok(left(&session.store, scope, &now.platform).await?)
}
