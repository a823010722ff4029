//! One step, over the server and the journal: what comes next is said by [`writing`] and [`Subject`].
//!
//! I/O, through the writer and the journal. What waits for the server may be cut off when the time of the step is over;
//! what writes to the journal never is.

#![expect(
    clippy::disallowed_methods,
    reason = "waits for the server, and for as long as it was told to"
)]

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::born::Born;
use super::failed::Failed;
use super::item::WrittenOver;
use super::judge::{Drifted, Progress};
use super::run::Run;
use super::subject::Subject;
use super::writing::{self, Again, Move, Next, Over, ReadBack, Ready, Settled};
use crate::journal::{Fact, JournalError};
use crate::model::{
    Action, ConsoleStep, Event, Observed, Outcome, PackageRef, Step, StepId, StepKind,
};
use crate::observe::{Seen, look};

/// How long after a write the first look may come, and how the pauses grow.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Stepper<'a> {
    pub(super) run: &'a Run<'a>,
    /// Ends what only waits.
    pub(super) stop: &'a CancellationToken,
    /// What came into being in the run, for the steps behind.
    pub(super) born: &'a Born,
    pub(super) tell: &'a (dyn Fn(&Event) + Sync),
    /// When the step is to be done; `None` for one that has a limit of its own.
    pub(super) deadline: Option<Instant>,
    /// The XML of the item that this step wrote over.
    pub(super) written_over: Option<WrittenOver>,
}

/// Why a step did not end well.
pub(super) enum Failure {
    /// The journal cannot be kept: the run ends.
    Journal(JournalError),
    /// The step failed: its dependants are not tried.
    Step(Failed),
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        Self::Step(failed)
    }
}

impl From<Drifted> for Failure {
    fn from(drifted: Drifted) -> Self {
        Self::Step(drifted.into())
    }
}

impl Stepper<'_> {
    /// Carries one step out.
    pub(super) async fn carry_out(&mut self, step: &Step) -> Result<Outcome, Failure> {
        match step.kind() {
            StepKind::Record => {
                if let Action::Record(record) = &step.action {
                    // Nothing on the server changes, so thousands of these share one sync with what follows.
                    let run = self.run;
                    run.journal
                        .append_with_next(
                            &run.id,
                            (run.clock)(),
                            Fact::Recorded {
                                record: record.clone(),
                            },
                        )
                        .await?;
                }
                Ok(Outcome::Done)
            }
            StepKind::Manual | StepKind::Await => {
                let subject = self.subject(step);
                let outcome = if step.kind() == StepKind::Manual {
                    self.by_hand(&step.id, subject).await?
                } else {
                    self.wait(&step.id, &subject).await?
                };
                if let Some(package) = awaits(&step.action)
                    && matches!(outcome, Outcome::Done | Outcome::AlreadyDone)
                {
                    let package = package.guid;
                    self.note([Fact::HoldersThere { package }]).await?;
                }
                Ok(outcome)
            }
            StepKind::Write => {
                let outcome = self.write(self.subject(step)).await?;
                if outcome == Outcome::Done {
                    self.only_ours().await?;
                }
                Ok(outcome)
            }
        }
    }

    /// What a step is about, by what is known when it begins.
    fn subject(&self, step: &Step) -> Subject {
        let Run {
            writer,
            undistributed,
            ..
        } = self.run;
        let replaces = writer.reader().profile().subnet_move_replaces();
        self.born
            .with(|born| Subject::new(&step.action, born, undistributed, replaces.unwrap_or(false)))
    }

    /// Writes facts down, one after the other.
    async fn note(&self, facts: impl IntoIterator<Item = Fact>) -> Result<(), JournalError> {
        let Run {
            id, journal, clock, ..
        } = self.run;
        for fact in facts {
            journal.append(id, clock(), fact).await?;
        }
        Ok(())
    }

    /// Waits for the server, as long as the step may.
    pub(super) async fn within<T>(&self, answer: impl Future<Output = T>) -> Result<T, Failure> {
        let Some(deadline) = self.deadline else {
            return Ok(answer.await);
        };
        let limit = self.run.options.step_timeout;
        tokio::time::timeout_at(deadline, answer)
            .await
            .map_err(|_| {
                Failure::Step(Failed {
                    code: "SW0661",
                    error: format!("it took longer than {} s", limit.as_secs()),
                    hint: Some(
                        "what was sent last may have been carried out all the same: run again, every step looks first; \
                         --step-timeout allows more"
                            .into(),
                    ),
                })
            })
    }

    async fn see(&self, subject: &Subject) -> Result<Observed<Seen>, Failure> {
        let reader = self.run.writer.reader();
        self.within(look(reader, subject.action(), subject.bindings()))
            .await?
            .map_err(|error| Failed::unread(&error).into())
    }

    /// Ticks off what a person did.
    async fn by_hand(&self, id: &StepId, mut subject: Subject) -> Result<Outcome, Failure> {
        let is_attested = self.run.attested.contains(id);
        let Observed::Known(seen) = self.see(&subject).await? else {
            return Ok(if is_attested {
                Outcome::AlreadyDone
            } else {
                Outcome::Open
            });
        };
        match subject.judge(&seen)? {
            Progress::AlreadyDone => {
                self.note(subject.ticked_off(&seen)).await?;
                self.born.learn(subject.into_bindings());
                Ok(Outcome::AlreadyDone)
            }
            // Nothing of it can be read back.
            Progress::Ready(_) if matches!(seen, Seen::Nothing) && is_attested => {
                Ok(Outcome::AlreadyDone)
            }
            Progress::Ready(_) | Progress::NotYet(_) => Ok(Outcome::Open),
        }
    }

    async fn wait(&self, id: &StepId, subject: &Subject) -> Result<Outcome, Failure> {
        // Not by the time of day, which may jump.
        let begun = Instant::now();
        let await_limit = self.run.options.await_limit;
        let mut pause = Duration::from_millis(250);
        let mut told = 0;
        let mut waited = false;
        loop {
            let condition = match self.see(subject).await? {
                Observed::Known(seen) => match subject.judge(&seen)? {
                    Progress::AlreadyDone if waited => return Ok(Outcome::Done),
                    Progress::AlreadyDone => return Ok(Outcome::AlreadyDone),
                    Progress::NotYet(condition) => condition,
                    Progress::Ready(_) => "the server".to_owned(),
                },
                Observed::Unavailable(reason) => {
                    return Err(Failure::Step(Failed {
                        code: "SW0603",
                        error: format!("cannot be read any more: {reason}"),
                        hint: Some("plan again: it becomes a step for a person".into()),
                    }));
                }
            };
            waited = true;
            let waiting = begun.elapsed();
            let milliseconds = u64::try_from(waiting.as_millis()).unwrap_or(u64::MAX);
            if waiting > await_limit {
                return Err(Failure::Step(Failed {
                    code: "SW0604",
                    error: format!("waited {} s for {condition}", await_limit.as_secs()),
                    hint: Some(
                        "replication takes its time: run apply again later, or raise --await-limit"
                            .into(),
                    ),
                }));
            }
            if milliseconds / 10_000 > told || told == 0 {
                told = milliseconds / 10_000 + 1;
                (self.tell)(&Event::StillWaiting {
                    step: id.clone(),
                    condition,
                    milliseconds,
                });
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Ok(Outcome::Cancelled),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Goes along the course of a step that writes.
    async fn write(&mut self, subject: Subject) -> Result<Outcome, Failure> {
        let mut course = writing::begin(subject, self.run.options.retries);
        loop {
            let Move { facts, next } = course;
            self.note(facts).await?;
            course = match next {
                Next::Look(look) => {
                    let seen = self.see(look.at()).await?;
                    look.saw(seen)
                }
                Next::Send(ready) => self.send(ready).await?,
                Next::Retry(again) => self.try_again(again).await?,
                Next::ReadBack(read_back) => self.settle(read_back).await?,
                Next::End(Over { outcome, born }) => {
                    self.born.learn(born);
                    return outcome.map_err(Failure::Step);
                }
            };
        }
    }

    /// Sends one write.
    async fn send(&mut self, ready: Ready) -> Result<Move, Failure> {
        let smp = self.run.writer;
        tracing::debug!(write = ?ready.write(), "writing");
        let prepared = match self.within(smp.prepare(ready.write())).await? {
            Ok(prepared) => prepared,
            Err(error) => return Ok(ready.not_made(error)),
        };
        self.keep(&prepared).await?;
        let (facts, sent) = ready.goes_out();
        self.note(facts).await?;
        self.run.journal.held()?;
        Ok(match self.within(smp.send(prepared)).await? {
            Ok(created) => sent.done(created),
            Err(error) => sent.missed(error),
        })
    }

    async fn try_again(&self, again: Again) -> Result<Move, Failure> {
        let attempts = again.attempt();
        let Some(pause) = self.run.writer.transport().pause_before(attempts) else {
            return Ok(again.give_up());
        };
        tracing::warn!(error = %again.error(), attempts, "a write did not go through; looking again");
        self.within(tokio::time::sleep(pause)).await?;
        Ok(again.look_again())
    }

    /// Reads back until the step can go on, or patience ends.
    async fn settle(&self, mut read_back: ReadBack) -> Result<Move, Failure> {
        let begun = Instant::now();
        let patience = self.run.options.settle;
        let mut pause = FIRST_PAUSE;
        loop {
            let seen = self.see(read_back.at()).await?;
            let unsettled = match read_back.saw(seen) {
                Settled::Yes(then) => return Ok(then),
                Settled::NotYet(unsettled) => unsettled,
            };
            if begun.elapsed() > patience {
                return Ok(unsettled.give_up(patience));
            }
            self.within(tokio::time::sleep(pause)).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
            read_back = unsettled.look_again();
        }
    }
}

/// The package whose holders a step waits for, or that a person gives his word for.
pub(super) fn awaits(action: &Action) -> Option<&PackageRef> {
    match action {
        Action::AwaitHolders { package, .. }
        | Action::Console(ConsoleStep::ConfirmHolder { package, .. }) => Some(package),
        _ => None,
    }
}
