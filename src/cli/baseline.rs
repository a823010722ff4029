//! What the server held when our last run had ended: kept by `apply`, looked up by whoever tells drift.
//!
//! I/O, through the store of the state. It may be lost at any time: that it cannot be kept is a warning in the log, and
//! without it nobody can tell what the world changed from what the declaration did.

use super::error::Failure;
use super::plan::{observe, scope};
use super::session::Session;
use super::{now, second};
use crate::drift::{self, Baseline, News, drift, noted, taken_back, undone};
use crate::journal::{Entry, Fact};
use crate::model::{Desired, Ownership, Snapshot, Step};
use crate::observe::{Kept, Scope};
use crate::plan::{Names, Plan};
use crate::state::{Loaded, State};

/// What the last run left, as far as it tells about a scope, and what the journal gained since.
pub(super) struct Left {
    taken_at: String,
    snapshot: Snapshot,
    since: Vec<Entry>,
}

impl Left {
    pub(super) fn baseline(&self) -> Baseline<'_> {
        Baseline {
            taken_at: &self.taken_at,
            snapshot: &self.snapshot,
            since: &self.since,
        }
    }
}

/// Looks it up; `None` where there is none that can be used.
pub(super) async fn left(
    session: &Session,
    scope: &Scope,
    now: &Snapshot,
) -> Result<Option<Left>, Failure> {
    let store = &session.store;
    let bytes = store
        .baseline()
        .await
        .map_err(|error| Failure::io("cannot read what the last apply left", &error))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let kept = match Kept::decode(&bytes) {
        Ok(kept) => kept,
        Err(error) => {
            tracing::warn!(%error, "what the last apply left cannot be used");
            return Ok(None);
        }
    };
    let platform = &kept.snapshot.platform;
    if platform.server != now.platform.server {
        return Err(Failure::new(
            "SW0961",
            format!(
                "what the last apply left is of the SMP {}, but this is {}",
                platform.name, now.platform.name
            ),
        )
        .hint(Some(
            "choose another state folder, or the platform it was made for".into(),
        )));
    }
    let since = store
        .since(kept.journal_sequence)
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    Ok(Some(Left {
        taken_at: kept.taken_at.clone(),
        snapshot: kept.for_scope(scope),
        since,
    }))
}

/// What a run of `apply` is made of, as far as it is known: a saved plan comes without the rest.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) plan: &'a Plan,
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) desired: Option<&'a Desired>,
}

/// What a run says of the rounds of differences: those that it found, and those that it took back.
pub(super) async fn rounds(
    session: &Session,
    ground: Ground<'_>,
    done: &[&Step],
    loaded: Option<&Loaded>,
) -> Option<Fact> {
    // Before the first run nothing can have come back.
    let ownership = &loaded?.state.ownership;
    let mut history = ownership.rounds.clone();
    let mut news = News::new();
    if let (Some(snapshot), Some(desired)) = (ground.snapshot, ground.desired) {
        let scope = scope(session, desired, loaded.map(|loaded| &loaded.state));
        match left(session, &scope, snapshot).await {
            Ok(Some(left)) => {
                let found = drift(&drift::Inputs {
                    baseline: Some(left.baseline()),
                    now: snapshot,
                    desired,
                    plan: ground.plan,
                    ownership,
                    all: false,
                    at: now(),
                });
                news = noted(&history, &found.open(), now());
                history = drift::with(history, &news);
            }
            Ok(None) => {}
            Err(_) => tracing::warn!("what the world changed since the last apply is not noted"),
        }
    }
    let names = ground.snapshot.map(names).unwrap_or_default();
    let keys = undone(done, &names);
    news.extend(taken_back(&history, keys.iter().map(String::as_str), now()));
    (!news.is_empty()).then_some(Fact::DriftNoted { rounds: news })
}

fn names(snapshot: &Snapshot) -> Names {
    let computers = snapshot.computers.values();
    let mut names: Names = computers.map(|one| (one.guid, one.name.clone())).collect();
    let sites = snapshot.sites.known().into_iter().flatten();
    names.extend(sites.map(|site| (site.guid, site.name.clone())));
    names
}

/// Keeps what a run left: what it read before, where it wrote nothing, else what one more look shows.
pub(super) async fn keep(
    session: &Session,
    ground: Ground<'_>,
    wrote: bool,
    state: Option<&State>,
) {
    let nothing = Ownership::default();
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    let scope = match ground.desired {
        Some(desired) => scope(session, desired, state),
        // A saved plan says nothing of what was asked for; whoever made it kept that with what was read.
        None => last_scope(session).await.remembering(ownership),
    };
    let seen = match ground.snapshot.filter(|_| !wrote) {
        Some(snapshot) => Ok(snapshot.clone()),
        None => look(session, &scope).await,
    };
    let snapshot = match seen {
        Ok(snapshot) => snapshot,
        Err(_) => {
            tracing::warn!("what this run left could not be read, and is not kept for `drift`");
            return;
        }
    };
    let sequence = state.map_or(0, |state| state.journal_sequence);
    let kept = match Kept::encode(&second(), sequence, &scope, &snapshot) {
        Ok(bytes) => session.store.keep_baseline(&bytes).await,
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "what this run left is not kept for `drift`");
    }
}

async fn look(session: &Session, scope: &Scope) -> Result<Snapshot, Failure> {
    observe(&session.reader()?, scope).await
}

/// What the last refresh was asked for, where that is kept.
async fn last_scope(session: &Session) -> Scope {
    let bytes = session.store.snapshot().await.ok().flatten();
    let kept = bytes.and_then(|bytes| Kept::decode(&bytes).ok());
    kept.map_or_else(
        || Scope {
            server: session.server.clone(),
            surroundings: true,
            ..Scope::default()
        },
        |kept| kept.scope,
    )
}
