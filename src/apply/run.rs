//! The order of a run: which steps are under way, which wait, what is written down.
//!
//! I/O, through [`Stepper`] and the journal. Several steps may be under way at once, as [`Schedule`] allows. A run may come
//! back to the steps that waited for a person as often as it takes: [`Course`] is what it remembers between two passes,
//! while nobody holds the state's lock.
//!
//! A run that may not go on ([`Halt`]) begins no further step, and lets those that are under way come to their end: a
//! request that was sent cannot be called back.

#![expect(
    clippy::disallowed_methods,
    reason = "a step has a time by which it is to be done"
)]

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::born::Born;
use super::failed::Failed;
use super::schedule::{Next, Schedule, wants};
use super::step::{Failure, Stepper, awaits};
use crate::journal::{Fact, JournalError};
use crate::model::{
    Event, Guid, Outcome, PackageRef, RunId, RunSummary, Step, StepCount, StepId, StepKind,
};
use crate::plan::Plan;
use crate::smp::{Writer, chain};
use crate::state::Journal;

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many steps may be under way at once, at least one. With more than one, those that only wait for something do
    /// not count.
    pub parallelism: usize,
    /// How long a step that writes may wait for the server, all its requests together.
    pub step_timeout: Duration,
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
            parallelism: 4,
            step_timeout: Duration::from_mins(10),
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
    /// The digest of the plan as it was approved: of a saved one, that of its file.
    pub digest: String,
    /// Carries the writes.
    pub writer: &'a Writer,
    /// Keeps the records.
    pub journal: &'a Journal,
    /// The time.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Ends the run after the steps under way.
    pub cancel: CancellationToken,
    /// How it behaves.
    pub options: Options,
    /// Console steps that somebody gave his word for since the plan was made.
    pub attested: BTreeSet<StepId>,
    /// Packages whose assignment an earlier run wrote, and whose distribution points nobody updated since.
    pub undistributed: BTreeSet<Guid>,
    /// Why no step may begin any more, asked before each: a window in which nothing may change may have begun.
    pub closed: &'a (dyn Fn() -> Option<String> + Sync),
}

/// Why a run could not go on at all.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Without a journal nothing may be written.
    #[error("cannot keep the journal, so nothing more was written")]
    Journal(#[from] JournalError),
}

/// Why a run begins no further step.
#[derive(Debug)]
pub enum Halt {
    /// The journal cannot be kept, or the lease of the state is lost: nothing more may be written.
    Journal(JournalError),
    /// Too much had to be tried again.
    RetriesSpent {
        /// How much was allowed.
        budget: u32,
    },
    /// By now no step may begin ([`Run::closed`]).
    Closed {
        /// Why, such as the window that has begun.
        why: String,
    },
}

impl Halt {
    fn why(&self) -> String {
        match self {
            Self::Journal(error) => chain(error),
            Self::RetriesSpent { budget } => {
                format!("too many requests failed: the budget of {budget} further tries is spent")
            }
            Self::Closed { why } => why.clone(),
        }
    }
}

/// The end of a run.
#[derive(Debug)]
pub struct Ended {
    /// What came of each step, in the order of the plan.
    pub outcomes: Vec<(StepId, Outcome)>,
    /// Why it ended early, unless it was asked to.
    pub halt: Option<Halt>,
}

/// Carries the steps of a plan out; `emit` is told everything that happens.
///
/// # Guarantees
/// Every record of a step is there for good before its next write. A step whose dependencies are not all done is not
/// tried, and no two steps are at work on one thing. With one step at a time the order is that of the plan.
///
/// # Errors
/// Only where the journal cannot be written; what goes wrong with a step is its outcome.
pub async fn apply(
    plan: &Plan,
    run: Run<'_>,
    emit: &mut (dyn FnMut(&Event) + Send),
) -> Result<Vec<(StepId, Outcome)>, ApplyError> {
    let mut course = Course::begin(plan, &run, emit).await?;
    course.pass(&run, emit).await;
    match course.end(&run, emit).await {
        Ended {
            outcomes: _,
            halt: Some(Halt::Journal(error)),
        } => Err(error.into()),
        Ended { outcomes, halt: _ } => Ok(outcomes),
    }
}

/// A run under way: what came of each step so far, and what was born in it.
#[derive(Debug)]
pub struct Course<'a> {
    plan: &'a Plan,
    started: Timestamp,
    born: Born,
    /// One a step; `None` where it was not come to yet.
    outcomes: Vec<Option<Outcome>>,
    halt: Option<Halt>,
}

/// A step that is over.
struct Over {
    index: usize,
    result: Result<Outcome, JournalError>,
    milliseconds: u64,
}

/// What steps under way share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    run: &'a Run<'a>,
    born: &'a Born,
    /// Ends what only waits.
    stop: &'a CancellationToken,
    tell: &'a (dyn Fn(&Event) + Sync),
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
                    plan: Some(run.digest.clone()),
                },
            )
            .await?;
        let packages = awaited(plan);
        if !packages.is_empty() {
            let fact = Fact::HoldersAwaited { packages };
            run.journal.append(&run.id, started, fact).await?;
        }
        emit(&Event::RunStarted {
            run: run.id.to_string(),
            steps: u32::try_from(plan.steps.len()).unwrap_or(u32::MAX),
        });
        Ok(Self {
            plan,
            started,
            born: Born::default(),
            outcomes: vec![None; plan.steps.len()],
            halt: None,
        })
    }

    /// Goes through the steps that are not done: the first time all of them, then those that were open or waited. A
    /// later pass tells only what has become of a step since. What ends it early is in [`Ended::halt`].
    pub async fn pass(&mut self, run: &Run<'_>, emit: &mut (dyn FnMut(&Event) + Send)) {
        let emit = Mutex::new(emit);
        let tell = |event: &Event| {
            // What panicked while it printed has said so already.
            let mut emit = emit.lock().unwrap_or_else(PoisonError::into_inner);
            emit(event);
        };
        let ending = run.cancel.child_token();
        let Self {
            plan,
            started: _, // of the run, not of the pass
            born,
            outcomes,
            halt,
        } = self;
        let born = &*born;
        let shared = Shared {
            run,
            born,
            stop: &ending,
            tell: &tell,
        };
        let steps = &plan.steps;
        let most = run.options.parallelism.max(1);
        let mut schedule = Schedule::new(
            steps,
            |index| settled(outcomes.get(index)),
            |step| most == 1 || step.kind() != StepKind::Await,
        );
        let mut under_way = FuturesUnordered::new();
        let mut untried = Vec::new();
        loop {
            loop {
                let next = if halt.is_some() || run.cancel.is_cancelled() {
                    schedule.drain().map(Next::HeldUp)
                } else {
                    schedule.next(most, |index| at_work(steps.get(index), run, born))
                };
                let Some(Next::Begin(index) | Next::HeldUp(index)) = next else {
                    break;
                };
                let Some(step) = steps.get(index) else {
                    continue;
                };
                let begins = matches!(next, Some(Next::Begin(_)));
                if begins && let Some(why) = (run.closed)() {
                    stopping(halt, Halt::Closed { why }, shared);
                } else if begins {
                    let first = outcomes.get(index).is_none_or(Option::is_none);
                    under_way.push(shared.attempt(index, step, first));
                    continue;
                }
                let before = outcomes.get(index).and_then(Option::as_ref);
                let outcome = match (obstacle(plan, step, outcomes), before) {
                    (Some(on), _) => Outcome::Waiting { on },
                    (None, Some(Outcome::Open)) => Outcome::Open,
                    (None, _) => Outcome::Cancelled,
                };
                if outcome == Outcome::Cancelled {
                    untried.push(step);
                }
                over(outcomes, &mut schedule, (index, step), (outcome, 0), shared);
            }
            let Some(ended) = under_way.next().await else {
                break;
            };
            let Over {
                index,
                result,
                milliseconds,
            } = ended;
            let outcome = result.unwrap_or_else(|error| {
                let outcome = Outcome::Failed {
                    code: error.code().to_owned(),
                    error: chain(&error),
                    hint: error.hint(),
                };
                stopping(halt, Halt::Journal(error), shared);
                outcome
            });
            if let Some(budget) = run.writer.transport().retries_spent() {
                stopping(halt, Halt::RetriesSpent { budget }, shared);
            }
            if let Some(step) = steps.get(index) {
                let ended = (outcome, milliseconds);
                over(outcomes, &mut schedule, (index, step), ended, shared);
            }
        }
        // Not before: what is under way goes on only while it is waited for, and may be in line for the journal.
        for step in untried {
            if matches!(halt, Some(Halt::Journal(_))) {
                break;
            }
            if let Err(error) = shared.not_tried(step).await {
                stopping(halt, Halt::Journal(error), shared);
            }
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

    /// Whether a step failed, or the run may not go on.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.halt.is_some()
            || self
                .all()
                .any(|(_, outcome)| matches!(outcome, Outcome::Failed { .. } | Outcome::Cancelled))
    }

    /// Since when the run goes on.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    fn all(&self) -> impl Iterator<Item = (&StepId, &Outcome)> {
        let steps = self.plan.steps.iter().zip(&self.outcomes);
        steps.filter_map(|(step, outcome)| Some((&step.id, outcome.as_ref()?)))
    }

    /// Writes down that the run is over, where the journal can still be written, and gives what came of each step.
    pub async fn end(self, run: &Run<'_>, emit: &mut (dyn FnMut(&Event) + Send)) -> Ended {
        let now = (run.clock)();
        let summary = RunSummary {
            steps: count(self.outcomes.iter().flatten()),
            milliseconds: since(self.started, now),
        };
        let fact = Fact::RunEnded {
            summary: summary.clone(),
        };
        let outcomes = self
            .all()
            .map(|(id, outcome)| (id.clone(), outcome.clone()))
            .collect();
        let halt = match self.halt {
            Some(halt @ Halt::Journal(_)) => Some(halt),
            other => {
                let written = run.journal.append(&run.id, now, fact).await;
                written.err().map(Halt::Journal).or(other)
            }
        };
        emit(&Event::RunEnded {
            run: run.id.to_string(),
            summary,
        });
        Ended { outcomes, halt }
    }
}

impl<'a> Shared<'a> {
    /// Tries one step and writes down what came of it.
    async fn attempt(self, index: usize, step: &'a Step, first: bool) -> Over {
        let run = self.run;
        let begun = (run.clock)();
        let span = tracing::error_span!("step", run = %run.id, step = %step.id);
        let tried = self.carry_out(step, first);
        let result = tracing::Instrument::instrument(tried, span).await;
        let milliseconds = since(begun, (run.clock)());
        let result = match result {
            Ok(outcome) => self
                .ended(step, &outcome, milliseconds)
                .await
                .map(|()| outcome),
            Err(error) => Err(error),
        };
        Over {
            index,
            result,
            milliseconds,
        }
    }

    async fn carry_out(self, step: &Step, first: bool) -> Result<Outcome, JournalError> {
        let Self {
            run,
            born,
            stop,
            tell,
        } = self;
        // Whoever looks again and again at what a person may have done need not say so each time.
        if first || step.kind() != StepKind::Manual {
            tell(&Event::StepStarted {
                step: step.id.clone(),
            });
        }
        if matches!(step.kind(), StepKind::Write | StepKind::Await) {
            let fact = Fact::StepStarted { step: step.clone() };
            run.journal.append(&run.id, (run.clock)(), fact).await?;
        }
        let mut stepper = Stepper {
            run,
            stop,
            born,
            tell,
            deadline: (step.kind() != StepKind::Await)
                .then(|| Instant::now() + run.options.step_timeout),
            written_over: None,
        };
        match stepper.carry_out(step).await {
            Ok(Outcome::Open) if run.options.skip_manual => Ok(Outcome::Skipped),
            Ok(outcome) => Ok(outcome),
            Err(Failure::Journal(error)) => Err(error),
            Err(Failure::Step(Failed { code, error, hint })) => Ok(Outcome::Failed {
                code: code.to_owned(),
                error,
                hint,
            }),
        }
    }

    /// Writes down how a step ended. What only concerns our own state is one record, and needs no frame.
    async fn ended(
        self,
        step: &Step,
        outcome: &Outcome,
        milliseconds: u64,
    ) -> Result<(), JournalError> {
        if step.kind() == StepKind::Record || matches!(outcome, Outcome::Open | Outcome::Skipped) {
            return Ok(());
        }
        let fact = Fact::StepEnded {
            step: step.id.clone(),
            outcome: outcome.clone(),
            milliseconds,
        };
        let now = (self.run.clock)();
        self.run.journal.append(&self.run.id, now, fact).await
    }

    /// Writes down that a step was not tried; nothing waits for it, so it goes to the disk with what follows.
    async fn not_tried(self, step: &Step) -> Result<(), JournalError> {
        if step.kind() == StepKind::Record {
            return Ok(());
        }
        let fact = Fact::StepEnded {
            step: step.id.clone(),
            outcome: Outcome::Cancelled,
            milliseconds: 0,
        };
        let now = (self.run.clock)();
        let journal = self.run.journal;
        journal.append_with_next(&self.run.id, now, fact).await
    }
}

/// The packages that a plan waits for at their servers: a later plan waits on where this run does not come to it.
fn awaited(plan: &Plan) -> Vec<PackageRef> {
    let packages = plan.steps.iter().filter_map(|step| awaits(&step.action));
    packages.cloned().collect()
}

/// What a step is at work on while it is under way.
fn at_work(step: Option<&Step>, run: &Run<'_>, born: &Born) -> super::schedule::Wants {
    step.filter(|step| matches!(step.kind(), StepKind::Write | StepKind::Await))
        .map(|step| {
            let profile = run.writer.reader().profile();
            born.with(|bindings| wants(&step.action, bindings, profile))
        })
        .unwrap_or_default()
}

/// No further step begins; the first reason stands.
fn stopping(halt: &mut Option<Halt>, why: Halt, shared: Shared<'_>) {
    if halt.is_some() {
        return;
    }
    (shared.tell)(&Event::Stopping { why: why.why() });
    shared.stop.cancel();
    *halt = Some(why);
}

/// Tells how a step ended, where that is news, and lets those behind it come.
fn over(
    outcomes: &mut [Option<Outcome>],
    schedule: &mut Schedule,
    (index, step): (usize, &Step),
    (outcome, milliseconds): (Outcome, u64),
    shared: Shared<'_>,
) {
    schedule.end(index, is_done(&outcome));
    let Some(known) = outcomes.get_mut(index) else {
        return;
    };
    if known.as_ref() != Some(&outcome) {
        (shared.tell)(&Event::StepEnded {
            step: step.id.clone(),
            outcome: outcome.clone(),
            milliseconds,
        });
        *known = Some(outcome);
    }
}

/// Whether a later pass need not come to a step, and then whether it is done.
fn settled(outcome: Option<&Option<Outcome>>) -> Option<bool> {
    match outcome?.as_ref()? {
        Outcome::Open | Outcome::Waiting { on: _ } => None,
        outcome => Some(is_done(outcome)),
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::AlreadyDone)
}

/// The steps that keep a step from being tried.
fn obstacle(plan: &Plan, step: &Step, outcomes: &[Option<Outcome>]) -> Option<Vec<StepId>> {
    let on: Vec<StepId> = step
        .depends_on
        .iter()
        .filter_map(|index| usize::try_from(*index).ok())
        .filter(|index| {
            let outcome = outcomes.get(*index).and_then(Option::as_ref);
            !outcome.is_some_and(is_done)
        })
        .filter_map(|index| plan.steps.get(index).map(|step| step.id.clone()))
        .collect();
    (!on.is_empty()).then_some(on)
}

fn count<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> StepCount {
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
