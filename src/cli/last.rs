//! The last snapshot: kept after every refresh that a plan was made of, and taken for `plan --refresh=false`.
//!
//! I/O, through the store of the state. It is a cache: that it cannot be written is a warning in the log, never an error,
//! and it may be lost at any time.

use super::error::Failure;
use super::second;
use super::session::Session;
use crate::journal::{Entry, Fact};
use crate::model::Snapshot;
use crate::observe::{Kept, Scope, writes};
use crate::state::State;

/// The bytes of what was read, with what the refresh was asked for.
pub(super) fn encode(
    state: Option<&State>,
    scope: &Scope,
    snapshot: &Snapshot,
) -> std::io::Result<Vec<u8>> {
    let sequence = state.map_or(0, |state| state.journal_sequence);
    Kept::encode(&second(), sequence, scope, snapshot)
}

/// Keeps them.
pub(super) async fn keep(session: &Session, encoded: std::io::Result<Vec<u8>>) {
    let kept = match encoded {
        Ok(bytes) => session.store.keep_snapshot(&bytes).await,
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the snapshot is not kept for `plan --refresh=false`");
    }
}

/// What was read last, as far as it tells about a scope; and when that was.
pub(super) async fn last(
    session: &Session,
    scope: &Scope,
    state: Option<&State>,
) -> Result<(Snapshot, String), Failure> {
    let refresh = || Some("plan without `--refresh=false` first".to_owned());
    let bytes = session
        .store
        .snapshot()
        .await
        .map_err(|error| Failure::io("cannot read the last snapshot", &error))?
        .ok_or_else(|| {
            Failure::new(
                "SW0644",
                format!(
                    "nothing was read of `{}` yet, or it was not kept",
                    session.name
                ),
            )
            .hint(refresh())
        })?;
    let kept = Kept::decode(&bytes)
        .map_err(|error| Failure::from_error("SW0645", &error).hint(refresh()))?;
    let platform = &kept.snapshot.platform;
    let named = session.server.as_ref();
    if named.is_some_and(|server| !server.names_same(&platform.name)) {
        return Err(Failure::new(
            "SW0645",
            format!("the last snapshot is of the SMP {}", platform.name),
        )
        .hint(refresh()));
    }
    let since = session
        .store
        .since(kept.journal_sequence)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    if let Some(wrote) = since.iter().find(|entry| writes_to_the_server(entry)) {
        return Err(Failure::new(
            "SW0646",
            format!(
                "the last snapshot is older than what run {} wrote on {}",
                wrote.run, wrote.at
            ),
        )
        .hint(refresh()));
    }
    // The state knows less than the snapshot where it was put back from a copy: then its records are missing, too.
    if state.map_or(0, |state| state.journal_sequence) < kept.journal_sequence {
        return Err(Failure::new(
            "SW0646",
            "the last snapshot was read with a later state than this one",
        )
        .hint(refresh()));
    }
    let taken_at = kept.taken_at.clone();
    let mut snapshot = kept.for_scope(scope);
    // What may be written is a matter of the profile, which may have lost a proof since.
    snapshot.surroundings.writes = writes(&*session.known()?);
    Ok((snapshot, taken_at))
}

/// Whether a record is of something that changed the server, or was about to.
fn writes_to_the_server(entry: &Entry) -> bool {
    matches!(
        entry.fact,
        Fact::StepStarted { .. } | Fact::ItemRestored { .. }
    )
}
