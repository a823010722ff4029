//! Carries a plan out beside a person: goes through it, lets go of the state while somebody works in the console, and
//! comes back to what he has done.
//!
//! I/O: the state's lock and journal, the server. While it waits nobody holds the lock, so that `attest` can be run
//! beside it; a state that anything but a word has been added to is no longer ours to go on with.

#![expect(
    clippy::disallowed_methods,
    reason = "waits for as long as it was told to"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::apply::{by_now_frozen, keep};
use super::error::Failure;
use super::hold::{Hold, PATIENCE, who};
use super::plan::load;
use super::session::WritingSession;
use super::{Context, now};
use crate::apply::{ApplyError, Course, Ended, Options, Run};
use crate::journal::Fact;
use crate::model::{Action, Attestation, Event, Guid, StepId};
use crate::plan::{Plan, console_value};
use crate::smp::Writer;
use crate::state::{Journal, Loaded};

/// How a run waits for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// For how long, over all.
    pub(super) limit: Duration,
    /// How often it looks.
    pub(super) poll: Duration,
}

/// The state of a platform, ours to write while this is held.
pub(super) struct Held<'h, 'a> {
    pub(super) hold: &'h mut Hold<'a>,
    pub(super) loaded: Option<Loaded>,
}

/// A run with what it needs.
pub(super) struct Conduct<'a> {
    pub(super) context: &'a Context,
    pub(super) session: &'a WritingSession,
    pub(super) plan: &'a Plan,
    /// The digest of the plan as it was approved.
    pub(super) digest: String,
    pub(super) options: Options,
    pub(super) waiting: Option<Waiting>,
    /// Console steps that somebody gave his word for between the saving of the plan and now.
    pub(super) vouched: BTreeSet<StepId>,
    pub(super) cancel: CancellationToken,
}

/// What all passes of a run have in common.
struct Share<'r> {
    writer: &'r Writer,
    undistributed: BTreeSet<Guid>,
    closed: &'r (dyn Fn() -> Option<String> + Sync),
}

impl Conduct<'_> {
    /// Carries the plan out; with [`Waiting`], until no console step is open or the time is over.
    pub(super) async fn carry_out(
        &self,
        mut held: Held<'_, '_>,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> Result<(Ended, Option<Loaded>), Failure> {
        let writer = self.session.writer()?;
        let known = words(&held).cloned().unwrap_or_default();
        let mut journal = held.hold.journal().await?;
        let closed = || by_now_frozen(self.session, self.plan);
        let share = Share {
            writer: &writer,
            undistributed: undistributed(&held),
            closed: &closed,
        };
        let run = self.run(&share, &journal, self.vouched.clone());
        let mut course = Course::begin(self.plan, &run, emit)
            .await
            .map_err(|e| unkept(&e))?;
        course.pass(&run, emit).await;
        if let Some(Waiting { limit, poll }) = self.waiting {
            let deadline = Instant::now() + limit;
            let mut told = Vec::new();
            while !course.is_stuck() && !self.cancel.is_cancelled() {
                let left = deadline.saturating_duration_since(Instant::now());
                let open = course.open();
                if open.is_empty() || left.is_zero() {
                    break;
                }
                if open != told {
                    emit(&Event::AwaitingPeople {
                        steps: open.clone(),
                        milliseconds_left: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                    });
                    told = open;
                }
                drop(journal);
                held = self.rest(held, poll.min(left)).await?;
                journal = held.hold.journal().await?;
                let run = self.run(&share, &journal, self.attested(&held, &known));
                course.pass(&run, emit).await;
            }
        }
        let run = self.run(&share, &journal, BTreeSet::new());
        let ended = course.end(&run, emit).await;
        Ok((ended, held.loaded))
    }

    fn run<'r>(
        &self,
        share: &Share<'r>,
        journal: &'r Journal,
        attested: BTreeSet<StepId>,
    ) -> Run<'r> {
        let Share {
            writer,
            undistributed,
            closed,
        } = share;
        Run {
            id: self.context.run.clone(),
            by: who(None),
            digest: self.digest.clone(),
            writer,
            journal,
            clock: &now,
            cancel: self.cancel.clone(),
            options: self.options.clone(),
            attested,
            undistributed: undistributed.clone(),
            closed: *closed,
        }
    }

    /// Keeps what was done so far, lets go of the state for a while, and takes it up again.
    async fn rest<'h, 'a>(
        &self,
        held: Held<'h, 'a>,
        pause: Duration,
    ) -> Result<Held<'h, 'a>, Failure> {
        let Held { hold, loaded } = held;
        let kept = keep(self.session, self.plan, loaded).await?;
        hold.free().await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.cancel.cancelled() => {}
        }
        hold.retake(PATIENCE).await?;
        let failed = |error: crate::journal::JournalError| {
            Failure::from_error(error.code(), &error).hint(error.hint())
        };
        let store = &self.session.store;
        let added = store.since(kept.journal_sequence).await.map_err(failed)?;
        if added.iter().any(|entry| !is_word(&entry.fact)) {
            return Err(Failure::new(
                "SW0618",
                "something else was applied while this run waited, so it does not go on",
            )
            .hint(Some(
                "what was done is kept; apply again goes on from there".into(),
            )));
        }
        Ok(Held {
            hold,
            loaded: load(self.session).await?,
        })
    }

    /// The console steps of the plan that somebody gave his word for since it was made, for the very value that is asked
    /// for: a plan asks only for what an older word does not close.
    fn attested(&self, held: &Held<'_, '_>, known: &Words) -> BTreeSet<StepId> {
        let Some(words) = words(held) else {
            return self.vouched.clone();
        };
        let mut attested = self.vouched.clone();
        let since = self
            .plan
            .steps
            .iter()
            .filter(|step| {
                words
                    .get(&step.id.0)
                    .filter(|word| known.get(&step.id.0) != Some(*word))
                    .is_some_and(|word| match &step.action {
                        Action::Console(asked) => word.value == console_value(asked),
                        _ => true,
                    })
            })
            .map(|step| step.id.clone());
        attested.extend(since);
        attested
    }
}

/// Words by the id of the step that they were given for.
type Words = BTreeMap<String, Attestation>;

/// The packages whose distribution points an earlier run did not come to.
fn undistributed(held: &Held<'_, '_>) -> BTreeSet<Guid> {
    let loaded = held.loaded.iter();
    let packages = loaded.flat_map(|loaded| loaded.state.ownership.undistributed.keys());
    packages.copied().collect()
}

fn words<'l>(held: &'l Held<'_, '_>) -> Option<&'l Words> {
    let loaded = held.loaded.as_ref()?;
    Some(&loaded.state.ownership.attestations)
}

/// Whether a fact says only what somebody vouches for, or what he saw.
fn is_word(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Attested { .. }
            | Fact::DistributionUpdated { .. }
            | Fact::HoldersThere { .. }
            | Fact::SiteRenamed { .. }
            | Fact::UnassignedSeen { .. }
            | Fact::LeaseTakenOver { .. }
            | Fact::LockBroken { .. }
            | Fact::DriftNoted { .. }
            | Fact::DriftAcknowledged { .. }
            | Fact::DriftUnacknowledged { .. }
    )
}

pub(super) fn unkept(error: &ApplyError) -> Failure {
    let ApplyError::Journal(journal) = error;
    Failure::from_error("SW0611", error).hint(journal.hint())
}
