//! The order of a run: which step is next, which waits, what is written down.
//!
//! I/O, through [`Stepper`] and the journal.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::step::{Failure, Stepper};
use crate::journal::{Fact, Journal, JournalError};
use crate::model::{Action, Event, Outcome, RunId, RunSummary, Step, StepCount, StepId};
use crate::observe::Bindings;
use crate::plan::Plan;
use crate::smp::Writer;

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a written value may take to be read back.
    pub settle: Duration,
    /// How long an awaited condition may take.
    pub await_limit: Duration,
    /// How often a write is tried again after a fault that may pass.
    pub retries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(20),
            await_limit: Duration::from_mins(30),
            retries: 3,
        }
    }
}

/// What a run needs from outside.
pub struct Run<'a> {
    /// Its id.
    pub id: RunId,
    /// Carries the writes.
    pub writer: &'a Writer,
    /// Keeps the records.
    pub journal: &'a mut Journal,
    /// The time.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Ends the run after the step under way.
    pub cancel: CancellationToken,
    /// How it behaves.
    pub options: Options,
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
#[expect(
    clippy::too_many_lines,
    reason = "the whole course of a run, in its order"
)]
pub async fn apply(
    plan: &Plan,
    run: Run<'_>,
    emit: &mut (dyn FnMut(&Event) + Send),
) -> Result<Vec<(StepId, Outcome)>, ApplyError> {
    let Run {
        id,
        writer,
        journal,
        clock,
        cancel,
        options,
    } = run;
    let started = clock();
    let steps = u32::try_from(plan.steps.len()).unwrap_or(u32::MAX);
    journal.append(
        &id,
        clock(),
        Fact::RunStarted {
            platform: plan.platform.clone(),
            lineage: plan.lineage.clone(),
            serial: plan.serial,
        },
    )?;
    emit(&Event::RunStarted {
        run: id.to_string(),
        steps,
    });
    let mut bindings = Bindings::default();
    let mut created = BTreeSet::new();
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let begun = clock();
        let outcome = match obstacle(plan, step, &outcomes) {
            Some(on) => Outcome::Waiting { on },
            None if cancel.is_cancelled() => Outcome::Cancelled,
            None => {
                emit(&Event::StepStarted {
                    step: step.id.clone(),
                });
                if !matches!(step.action, Action::Console(_) | Action::Record(_)) {
                    journal.append(&id, clock(), Fact::StepStarted { step: step.clone() })?;
                }
                let span = tracing::info_span!("step", run = %id, step = %step.id);
                let mut stepper = Stepper {
                    run: &id,
                    writer,
                    journal: &mut *journal,
                    clock,
                    cancel: &cancel,
                    options: &options,
                    bindings: &mut bindings,
                    created: &mut created,
                    emit: &mut *emit,
                };
                let result = tracing::Instrument::instrument(stepper.carry_out(step), span).await;
                match result {
                    Ok(outcome) => outcome,
                    Err(Failure::Journal(error)) => return Err(error.into()),
                    Err(Failure::Step { code, error, hint }) => Outcome::Failed {
                        code: code.to_owned(),
                        error,
                        hint,
                    },
                }
            }
        };
        let milliseconds = since(begun, clock());
        // What only concerns our own state is one record, and needs no frame.
        if !matches!(outcome, Outcome::Waiting { .. } | Outcome::Open)
            && !matches!(step.action, Action::Record(_))
        {
            journal.append(
                &id,
                clock(),
                Fact::StepEnded {
                    step: step.id.clone(),
                    outcome: outcome.clone(),
                    milliseconds,
                },
            )?;
        }
        emit(&Event::StepEnded {
            step: step.id.clone(),
            outcome: outcome.clone(),
            milliseconds,
        });
        outcomes.push(outcome);
    }
    let summary = RunSummary {
        steps: count(&outcomes),
        milliseconds: since(started, clock()),
    };
    journal.append(
        &id,
        clock(),
        Fact::RunEnded {
            summary: summary.clone(),
        },
    )?;
    emit(&Event::RunEnded {
        run: id.to_string(),
        summary,
    });
    Ok(plan
        .steps
        .iter()
        .map(|step| step.id.clone())
        .zip(outcomes)
        .collect())
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
