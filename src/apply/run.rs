//! The order of a run: which step is next, which waits, what is written down.
//!
//! I/O, through [`Stepper`] and the journal. A run may come back to the steps that waited for a person as often as it
//! takes: [`Course`] is what it remembers between two passes, while nobody holds the state's lock.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::step::{Failure, Stepper};
use crate::journal::{Fact, JournalError};
use crate::model::{Event, Guid, Outcome, RunId, RunSummary, Step, StepCount, StepId, StepKind};
use crate::observe::Bindings;
use crate::plan::Plan;
use crate::smp::Writer;
use crate::state::Journal;

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a written value may take to be read back.
    pub settle: Duration,
    /// How long an awaited condition may take.
    pub await_limit: Duration,
    /// How often a write is tried again after a fault that may pass.
    pub retries: u32,
    /// Whether steps for a person are left alone for good instead of open.
    pub skip_manual: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(20),
            await_limit: Duration::from_mins(30),
            retries: 3,
            skip_manual: false,
        }
    }
}

/// What a run needs from outside.
pub struct Run<'a> {
    /// Its id.
    pub id: RunId,
    /// Who is behind it.
    pub by: String,
    /// Carries the writes.
    pub writer: &'a Writer,
    /// Keeps the records.
    pub journal: &'a Journal,
    /// The time.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Ends the run after the step under way.
    pub cancel: CancellationToken,
    /// How it behaves.
    pub options: Options,
    /// Console steps that somebody gave his word for since the plan was made.
    pub attested: BTreeSet<StepId>,
}

/// Why a run could not go on at all.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Without a journal nothing may be written.
    #[error("cannot keep the journal, so nothing more was written")]
    Journal(#[from] JournalError),
}

/// Carries the steps of a plan out, one after the other; `emit` is told everything that happens.
///
/// # Guarantees
/// Every record is on disk before the next write. A step whose dependencies are not all done is not tried.
///
/// # Errors
/// Only where the journal cannot be written; what goes wrong with a step is its outcome.
pub async fn apply(
    plan: &Plan,
    run: Run<'_>,
    emit: &mut (dyn FnMut(&Event) + Send),
) -> Result<Vec<(StepId, Outcome)>, ApplyError> {
    let mut course = Course::begin(plan, &run, emit).await?;
    course.pass(&run, emit).await?;
    course.end(&run, emit).await
}

/// A run under way: what came of each step so far, and what was born in it.
#[derive(Debug)]
pub struct Course<'a> {
    plan: &'a Plan,
    started: Timestamp,
    bindings: Bindings,
    created: BTreeSet<Guid>,
    /// As many as steps were come to, in the order of the plan.
    outcomes: Vec<Outcome>,
}

impl<'a> Course<'a> {
    /// Writes down that a run begins.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn begin(
        plan: &'a Plan,
        run: &Run<'_>,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> Result<Self, ApplyError> {
        let started = (run.clock)();
        run.journal
            .append(
                &run.id,
                started,
                Fact::RunStarted {
                    platform: plan.platform.clone(),
                    lineage: plan.lineage.clone(),
                    serial: plan.serial,
                    by: Some(run.by.clone()),
                },
            )
            .await?;
        emit(&Event::RunStarted {
            run: run.id.to_string(),
            steps: u32::try_from(plan.steps.len()).unwrap_or(u32::MAX),
        });
        Ok(Self {
            plan,
            started,
            bindings: Bindings::default(),
            created: BTreeSet::new(),
            outcomes: Vec::with_capacity(plan.steps.len()),
        })
    }

    /// Goes through the steps that are not done, in the order of the plan: the first time all of them, then those that
    /// were open or waited. A later pass tells only what has become of a step since.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn pass(
        &mut self,
        run: &Run<'_>,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> Result<(), ApplyError> {
        for (position, step) in self.plan.steps.iter().enumerate() {
            let before = self.outcomes.get(position);
            if before.is_some_and(|before| !unfinished(before)) {
                continue;
            }
            let before = before.cloned();
            let begun = (run.clock)();
            let outcome = match obstacle(self.plan, step, &self.outcomes) {
                Some(on) => Outcome::Waiting { on },
                None if run.cancel.is_cancelled() => match before {
                    Some(Outcome::Open) => Outcome::Open,
                    _ => Outcome::Cancelled,
                },
                None => self.attempt(step, before.is_none(), run, emit).await?,
            };
            if before.as_ref() == Some(&outcome) {
                continue;
            }
            let milliseconds = since(begun, (run.clock)());
            // What only concerns our own state is one record, and needs no frame.
            if !matches!(
                outcome,
                Outcome::Waiting { .. } | Outcome::Open | Outcome::Skipped
            ) && step.kind() != StepKind::Record
            {
                run.journal
                    .append(
                        &run.id,
                        (run.clock)(),
                        Fact::StepEnded {
                            step: step.id.clone(),
                            outcome: outcome.clone(),
                            milliseconds,
                        },
                    )
                    .await?;
            }
            emit(&Event::StepEnded {
                step: step.id.clone(),
                outcome: outcome.clone(),
                milliseconds,
            });
            match self.outcomes.get_mut(position) {
                Some(present) => *present = outcome,
                None => self.outcomes.push(outcome),
            }
        }
        Ok(())
    }

    async fn attempt(
        &mut self,
        step: &Step,
        first: bool,
        run: &Run<'_>,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> Result<Outcome, ApplyError> {
        // Whoever looks again and again at what a person may have done need not say so each time.
        if first || step.kind() != StepKind::Manual {
            emit(&Event::StepStarted {
                step: step.id.clone(),
            });
        }
        if matches!(step.kind(), StepKind::Write | StepKind::Await) {
            let fact = Fact::StepStarted { step: step.clone() };
            run.journal.append(&run.id, (run.clock)(), fact).await?;
        }
        let span = tracing::info_span!("step", run = %run.id, step = %step.id);
        let mut stepper = Stepper {
            run: &run.id,
            writer: run.writer,
            journal: run.journal,
            clock: run.clock,
            cancel: &run.cancel,
            options: &run.options,
            bindings: &mut self.bindings,
            attested: &run.attested,
            created: &mut self.created,
            written_over: None,
            emit,
        };
        let result = tracing::Instrument::instrument(stepper.carry_out(step), span).await;
        match result {
            Ok(Outcome::Open) if run.options.skip_manual => Ok(Outcome::Skipped),
            Ok(outcome) => Ok(outcome),
            Err(Failure::Journal(error)) => Err(error.into()),
            Err(Failure::Step { code, error, hint }) => Ok(Outcome::Failed {
                code: code.to_owned(),
                error,
                hint,
            }),
        }
    }

    /// The steps that a person has yet to do and could do now.
    #[must_use]
    pub fn open(&self) -> Vec<StepId> {
        self.all()
            .filter(|(_, outcome)| **outcome == Outcome::Open)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Whether a step failed, or the run was cancelled.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::Failed { .. } | Outcome::Cancelled))
    }

    /// Since when the run goes on.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    fn all(&self) -> impl Iterator<Item = (&StepId, &Outcome)> {
        let ids = self.plan.steps.iter().map(|step| &step.id);
        ids.zip(&self.outcomes)
    }

    /// Writes down that the run is over, and gives what came of each step.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn end(
        self,
        run: &Run<'_>,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> Result<Vec<(StepId, Outcome)>, ApplyError> {
        let now = (run.clock)();
        let summary = RunSummary {
            steps: count(&self.outcomes),
            milliseconds: since(self.started, now),
        };
        let fact = Fact::RunEnded {
            summary: summary.clone(),
        };
        run.journal.append(&run.id, now, fact).await?;
        emit(&Event::RunEnded {
            run: run.id.to_string(),
            summary,
        });
        Ok(self
            .all()
            .map(|(id, outcome)| (id.clone(), outcome.clone()))
            .collect())
    }
}

/// Whether a later pass may come to another outcome.
fn unfinished(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Open | Outcome::Waiting { .. })
}

/// The steps that keep a step from being tried.
fn obstacle(plan: &Plan, step: &Step, outcomes: &[Outcome]) -> Option<Vec<StepId>> {
    let on: Vec<StepId> = step
        .depends_on
        .iter()
        .filter_map(|index| usize::try_from(*index).ok())
        .filter(|index| {
            !matches!(
                outcomes.get(*index),
                Some(Outcome::Done | Outcome::AlreadyDone)
            )
        })
        .filter_map(|index| plan.steps.get(index).map(|step| step.id.clone()))
        .collect();
    (!on.is_empty()).then_some(on)
}

fn count(outcomes: &[Outcome]) -> StepCount {
    let mut counts = StepCount::default();
    for outcome in outcomes {
        let count = match outcome {
            Outcome::Done => &mut counts.done,
            Outcome::AlreadyDone => &mut counts.already_done,
            Outcome::Open => &mut counts.open,
            Outcome::Skipped => &mut counts.skipped,
            Outcome::Waiting { .. } => &mut counts.waiting,
            Outcome::Failed { .. } => &mut counts.failed,
            Outcome::Cancelled => &mut counts.cancelled,
        };
        *count += 1;
    }
    counts
}

/// Milliseconds between two readings of the clock; a clock that jumped back gives none.
pub(super) fn since(begun: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(begun).as_millis()).unwrap_or(0)
}
