//! What the server held when our last run had ended: kept by whoever applies, looked up by whoever tells what the world
//! changed since.
//!
//! I/O, through the store of the state. A baseline may be lost at any time: that it cannot be kept stops nothing, and
//! without it nobody can tell what the world changed from what the declaration did. What a run leaves undone has to be
//! told as long as it is there, so that only a run which leaves nothing takes the world for its baseline; what other runs
//! did is in the journal.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use crate::drift::{self, Baseline, Drift, News, names_of, noted, taken_back, told, undone, with};
use crate::journal::{Entry, Fact, JournalError};
use crate::model::{Observed, Outcome, Ownership, Platform, Snapshot, Step, StepId};
use crate::observe::{Kept, Scope};
use crate::plan::{Names, Plan};
use crate::state::Store;

/// What the last run left, as far as it tells about a scope, and what the journal gained since.
#[derive(Debug)]
pub struct Left {
    taken_at: String,
    snapshot: Snapshot,
    since: Vec<Entry>,
}

/// Why nobody can tell what the last run left.
#[derive(Debug, thiserror::Error)]
pub enum LeftError {
    /// The store cannot be read.
    #[error("what the last apply left cannot be read")]
    Unread(#[source] io::Error),
    /// It was read of another SMP.
    #[error("what the last apply left is of the SMP {}, but this is {}", .expected.name, .found.name)]
    OtherPlatform {
        /// Of which.
        expected: Box<Platform>,
        /// Which one is at hand.
        found: Box<Platform>,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl LeftError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unread(_) => "SW0969",
            Self::OtherPlatform { .. } => "SW0961",
            Self::Journal(error) => error.code(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unread(_) => Some("see to the store of the state, then look again".into()),
            Self::OtherPlatform { .. } => {
                Some("choose another state folder, or the platform it was made for".into())
            }
            Self::Journal(error) => error.hint(),
        }
    }
}

impl Left {
    /// What drift is told from.
    #[must_use]
    pub fn baseline(&self) -> Baseline<'_> {
        Baseline {
            taken_at: &self.taken_at,
            snapshot: &self.snapshot,
            since: &self.since,
        }
    }
}

/// Looks up what the last run left; `None` where there is nothing that can be used.
///
/// # Errors
/// [`LeftError`].
pub async fn left(store: &Store, scope: &Scope, now: &Platform) -> Result<Option<Left>, LeftError> {
    let Some(bytes) = store.baseline().await.map_err(LeftError::Unread)? else {
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
    if platform.server != now.server {
        return Err(LeftError::OtherPlatform {
            expected: Box::new(platform.clone()),
            found: Box::new(now.clone()),
        });
    }
    let since = store.since(kept.journal_sequence).await?;
    Ok(Some(Left {
        taken_at: kept.taken_at.clone(),
        snapshot: kept.for_scope(scope),
        since,
    }))
}

/// What a look says of the rounds of differences: those that came and went, and those that flap and were not told yet.
#[must_use]
pub fn seen(found: &Drift, ownership: &Ownership, at: Timestamp) -> News {
    let mut news = noticed(found, ownership, at);
    let after = with(ownership.rounds.clone(), &news);
    let flapping = found.flapping.iter().map(|one| one.key.as_str());
    news.extend(told(&after, flapping));
    news
}

/// What came and went. Without a baseline nobody knows, and what could not be read has not gone.
fn noticed(found: &Drift, ownership: &Ownership, at: Timestamp) -> News {
    if found.since.is_none() {
        return News::new();
    }
    let mut news = noted(&ownership.rounds, &found.open(), at);
    if !found.unseen.is_empty() {
        news.retain(|_, rounds| rounds.as_ref().is_some_and(|rounds| rounds.open));
    }
    news
}

/// What a run says of the rounds of differences: those that it found, and those that it took back with the steps that are
/// done. `None` where that is no news, and before the first run, when nothing can have come back.
#[must_use]
pub fn rounds(
    found: Option<&Drift>,
    done: &[&Step],
    snapshot: Option<&Snapshot>,
    ownership: &Ownership,
    at: Timestamp,
) -> Option<Fact> {
    let mut news = found.map_or_else(News::new, |found| noticed(found, ownership, at));
    let history = drift::with(ownership.rounds.clone(), &news);
    let names: Names = snapshot.map(names_of).unwrap_or_default();
    let keys = undone(done, &names);
    news.extend(taken_back(&history, keys.iter().map(String::as_str), at));
    (!news.is_empty()).then_some(Fact::DriftNoted { rounds: news })
}

/// Whether a run leaves nothing undone, so that the world as it is then is what later ones are told from.
#[must_use]
pub fn leaves_nothing(plan: &Plan, outcomes: &[(StepId, Outcome)]) -> bool {
    let outcomes: BTreeMap<&StepId, &Outcome> =
        outcomes.iter().map(|(id, outcome)| (id, outcome)).collect();
    !plan.is_partial()
        && plan.steps.iter().all(|step| {
            matches!(
                outcomes.get(&step.id),
                Some(Outcome::Done | Outcome::AlreadyDone)
            )
        })
}

/// Keeps what a run left, with the number of the last record of the journal that was known when it was read.
///
/// # Errors
/// Where it cannot be kept, which stops nothing.
pub async fn keep(
    store: &Store,
    at: &str,
    scope: &Scope,
    snapshot: &Snapshot,
    sequence: u64,
) -> io::Result<()> {
    let bytes = Kept::encode(at, sequence, scope, snapshot)?;
    store.keep_baseline(&bytes).await
}

/// What a look after a run could not read and the one before it could: a baseline without it would tell less than is known.
#[must_use]
pub fn less_seen(before: &Snapshot, after: &Snapshot) -> Vec<&'static str> {
    fn lost<T, U>(before: &Observed<T>, after: &Observed<U>) -> bool {
        before.known().is_some() && after.known().is_none()
    }
    let assignments = before.assignments.iter().any(|(package, assigned)| {
        let after = after.assignments.get(package);
        after.is_some_and(|after| lost(assigned, after))
    });
    [
        ("sites", lost(&before.sites, &after.sites)),
        ("subnets", lost(&before.subnets, &after.subnets)),
        ("site services", lost(&before.services, &after.services)),
        ("packages", lost(&before.packages, &after.packages)),
        ("assignments", assignments),
        (
            "capture target",
            lost(&before.capture_target, &after.capture_target),
        ),
    ]
    .into_iter()
    .filter_map(|(part, lost)| lost.then_some(part))
    .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::model::testing::world;
    use crate::model::{Guid, Rounds};
    use crate::select::Impact;

    #[test]
    fn a_look_that_shows_less_is_told_by_its_parts() {
        let before = world().site("HQ").subnet("10.0.0.0/24", &["HQ"]).snapshot;
        assert_eq!(less_seen(&before, &before), Vec::<&str>::new());
        let mut after = before.clone();
        after.subnets = Observed::Unavailable("denied".into());
        assert_eq!(less_seen(&before, &after), ["subnets"]);
        // What could not be read before is no loss.
        assert_eq!(less_seen(&after, &before), Vec::<&str>::new());
        assert_eq!(less_seen(&after, &after), Vec::<&str>::new());
        // A package that nobody asks about any more is none either.
        let package = Guid::from_u128(7);
        let mut asked = before.clone();
        let assigned = Observed::Known(crate::model::Assignment::All);
        asked.assignments.insert(package, assigned);
        assert_eq!(less_seen(&asked, &before), Vec::<&str>::new());
        let mut lost = before.clone();
        let unread = Observed::Unavailable("denied".into());
        lost.assignments.insert(package, unread);
        assert_eq!(less_seen(&asked, &lost), ["assignments"]);
    }

    #[test]
    fn what_nobody_could_see_has_not_gone() {
        let at = "2026-11-26T08:00:00Z".parse().unwrap();
        let open = Rounds {
            seen: 1,
            undone: 1,
            open: true,
            told: false,
            at: "2026-11-25T08:00:00Z".into(),
        };
        let mut ownership = Ownership::default();
        ownership.rounds.insert("Site/HQ:description".into(), open);
        let mut nothing = Drift {
            since: Some("2026-11-20T08:00:00Z".into()),
            changes: Vec::new(),
            hidden: 0,
            pending: Vec::new(),
            flapping: Vec::new(),
            unseen: vec!["sites: denied".into()],
            impact: Impact::default(),
        };
        assert_eq!(seen(&nothing, &ownership, at), News::new());
        nothing.unseen.clear();
        assert_eq!(seen(&nothing, &ownership, at).len(), 1);
        nothing.since = None;
        assert_eq!(seen(&nothing, &ownership, at), News::new());
        assert_eq!(rounds(Some(&nothing), &[], None, &ownership, at), None);
    }
}
