//! One step: look, write, read back.
//!
//! I/O, through the writer and the journal. A write whose answer was lost is never sent again before a look. What waits
//! for the server may be cut off when the time of the step is over; what writes to the journal never is.

#![expect(
    clippy::disallowed_methods,
    reason = "waits for the server, and for as long as it was told to"
)]

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::born::Born;
use super::gap::gap;
use super::item::WrittenOver;
use super::judge::{Drifted, Progress, judge, known};
use super::run::Run;
use crate::journal::{Fact, JournalError};
use crate::model::{
    Action, ConsoleStep, CountedKind, Event, Guid, Outcome, PackageRef, SiteRef, Step, StepKind,
};
use crate::observe::{Bindings, Seen, look};
use crate::smp::{ReadError, SendError, Write, chain};

/// The code of a step that the server took and does not keep.
pub(super) const INCONSISTENT: &str = "SW0605";
/// How long after a write the first look may come, and how the pauses grow.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often a step goes from looking to writing: creating and joining are two rounds, a surprise is a third.
const ROUNDS: u32 = 4;

pub(super) struct Stepper<'a> {
    pub(super) run: &'a Run<'a>,
    /// Ends what only waits.
    pub(super) stop: &'a CancellationToken,
    /// What came into being in the run, for the steps behind.
    pub(super) born: &'a Born,
    pub(super) tell: &'a (dyn Fn(&Event) + Sync),
    /// What the step names of it.
    pub(super) bindings: Bindings,
    /// When the step is to be done; `None` for one that has a limit of its own.
    pub(super) deadline: Option<Instant>,
    /// The XML of the item that this step wrote over.
    pub(super) written_over: Option<WrittenOver>,
    /// Whether an answer was lost: what was sent may yet be carried out.
    pub(super) lost: bool,
    pub(super) noted: Noted,
}

/// What the journal says of that which a step is about.
pub(super) struct Noted {
    /// An object is about to be created, and nothing is said yet of what came of it.
    pub(super) intended: bool,
    /// The second of two calls is owed: the first went out, in this run or in one before.
    pub(super) owes: bool,
    /// The resource of a deletion is gone.
    pub(super) gone: bool,
}

/// Why a step did not end well.
pub(super) enum Failure {
    /// The journal cannot be kept: the run ends.
    Journal(JournalError),
    /// The step failed: its dependants are not tried.
    Step {
        code: &'static str,
        error: String,
        hint: Option<String>,
    },
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<Drifted> for Failure {
    fn from(drifted: Drifted) -> Self {
        Self::Step {
            code: "SW0601",
            error: drifted.to_string(),
            hint: Some("somebody else changed it: plan again".into()),
        }
    }
}

pub(super) fn unread(error: &ReadError) -> Failure {
    Failure::Step {
        code: "SW0602",
        error: format!("cannot look at it: {}", chain(error)),
        hint: error.hint(),
    }
}

fn unsent(error: &SendError) -> Failure {
    Failure::Step {
        code: error.code(),
        error: chain(error),
        hint: error.hint(),
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
                let outcome = if step.kind() == StepKind::Manual {
                    self.by_hand(step).await?
                } else {
                    self.wait(step).await?
                };
                if let Some(package) = awaits(&step.action)
                    && matches!(outcome, Outcome::Done | Outcome::AlreadyDone)
                {
                    let package = package.guid;
                    self.note(Fact::HoldersThere { package }).await?;
                }
                Ok(outcome)
            }
            StepKind::Write => {
                let outcome = self.write(step).await?;
                if outcome == Outcome::Done {
                    self.describe_created(step).await?;
                    self.only_ours().await?;
                }
                Ok(outcome)
            }
        }
    }

    /// Makes sure that a new site has the description it was created with: its name is all that creating reads back.
    async fn describe_created(&mut self, step: &Step) -> Result<(), Failure> {
        let Action::CreateSite {
            name,
            description: Some(text),
            ..
        } = &step.action
        else {
            return Ok(());
        };
        let describe = Step {
            action: Action::DescribeSite {
                site: SiteRef {
                    name: name.clone(),
                    guid: self.bindings.sites.get(name).copied(),
                },
                before: String::new(),
                after: text.clone(),
            },
            ..step.clone()
        };
        // What cannot be read is not compared by any plan either.
        if self.see(&describe).await?.is_ok() {
            self.write(&describe).await?;
        }
        Ok(())
    }

    pub(super) async fn note(&self, fact: Fact) -> Result<(), JournalError> {
        let Run {
            id, journal, clock, ..
        } = self.run;
        journal.append(id, clock(), fact).await
    }

    /// Waits for the server, as long as the step may.
    pub(super) async fn within<T>(&self, answer: impl Future<Output = T>) -> Result<T, Failure> {
        let Some(deadline) = self.deadline else {
            return Ok(answer.await);
        };
        let limit = self.run.options.step_timeout;
        tokio::time::timeout_at(deadline, answer)
            .await
            .map_err(|_| Failure::Step {
                code: "SW0661",
                error: format!("it took longer than {} s", limit.as_secs()),
                hint: Some(
                    "what was sent last may have been carried out all the same: run again, every step looks first; \
                     --step-timeout allows more"
                        .into(),
                ),
            })
    }

    async fn see(&self, step: &Step) -> Result<Result<Seen, String>, Failure> {
        let reader = self.run.writer.reader();
        self.within(look(reader, &step.action, &self.bindings))
            .await?
            .map(known)
            .map_err(|error| unread(&error))
    }

    fn judge(&self, step: &Step, seen: &Seen) -> Result<Progress, Drifted> {
        let replaces = self
            .run
            .writer
            .reader()
            .profile()
            .subnet_move_replaces()
            .unwrap_or(false);
        judge(&step.action, seen, &self.bindings, replaces)
    }

    /// Ticks off what a person did. What came into being by it is bound for the steps behind, and ours by adoption:
    /// whoever made it by hand did not make it for us to delete.
    async fn by_hand(&mut self, step: &Step) -> Result<Outcome, Failure> {
        let Ok(seen) = self.see(step).await? else {
            return Ok(if self.run.attested.contains(&step.id) {
                Outcome::AlreadyDone
            } else {
                Outcome::Open
            });
        };
        match self.judge(step, &seen)? {
            Progress::AlreadyDone => {
                self.bind(step, &seen);
                self.found(step, &seen).await?;
                self.gone(step).await?;
                Ok(Outcome::AlreadyDone)
            }
            // Nothing of it can be read back.
            Progress::Ready(_)
                if matches!(seen, Seen::Nothing) && self.run.attested.contains(&step.id) =>
            {
                Ok(Outcome::AlreadyDone)
            }
            Progress::Ready(_) | Progress::NotYet(_) => Ok(Outcome::Open),
        }
    }

    async fn wait(&mut self, step: &Step) -> Result<Outcome, Failure> {
        // Not by the time of day, which may jump.
        let begun = Instant::now();
        let await_limit = self.run.options.await_limit;
        let mut pause = Duration::from_millis(250);
        let mut told = 0;
        let mut waited = false;
        loop {
            let condition = match self.see(step).await? {
                Ok(seen) => match self.judge(step, &seen)? {
                    Progress::AlreadyDone if waited => return Ok(Outcome::Done),
                    Progress::AlreadyDone => return Ok(Outcome::AlreadyDone),
                    Progress::NotYet(condition) => condition,
                    Progress::Ready(_) => "the server".to_owned(),
                },
                Err(reason) => {
                    return Err(Failure::Step {
                        code: "SW0603",
                        error: format!("cannot be read any more: {reason}"),
                        hint: Some("plan again: it becomes a step for a person".into()),
                    });
                }
            };
            waited = true;
            let waiting = begun.elapsed();
            let milliseconds = u64::try_from(waiting.as_millis()).unwrap_or(u64::MAX);
            if waiting > await_limit {
                return Err(Failure::Step {
                    code: "SW0604",
                    error: format!("waited {} s for {condition}", await_limit.as_secs()),
                    hint: Some(
                        "replication takes its time: run apply again later, or raise --await-limit"
                            .into(),
                    ),
                });
            }
            if milliseconds / 10_000 > told || told == 0 {
                told = milliseconds / 10_000 + 1;
                (self.tell)(&Event::StillWaiting {
                    step: step.id.clone(),
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

    async fn write(&mut self, step: &Step) -> Result<Outcome, Failure> {
        let retries = self.run.options.retries;
        let mut attempts = 0;
        let mut wrote = false;
        // Set once nothing is sent any more: a last look says whether it is as it should be all the same.
        let mut given_up: Option<SendError> = None;
        for _ in 0..=ROUNDS + retries {
            let seen = match self.see(step).await? {
                Ok(seen) => seen,
                Err(reason) => return Err(blind(&reason)),
            };
            self.bind(step, &seen);
            self.found(step, &seen).await?;
            let owed = owed(step).filter(|_| self.noted.owes);
            let writes = match (self.judge(step, &seen), owed) {
                // The first of two calls went through, and the second did not.
                (Ok(Progress::AlreadyDone), Some(owed)) => vec![owed],
                (Ok(Progress::AlreadyDone), None) => {
                    if wrote || given_up.is_some() {
                        self.gone(step).await?;
                    }
                    return Ok(if wrote {
                        Outcome::Done
                    } else {
                        Outcome::AlreadyDone
                    });
                }
                (Ok(Progress::Ready(writes)), _) => writes,
                (Ok(Progress::NotYet(condition)), _) => return Err(blind(&condition)),
                (Err(drifted), _) => return Err(drifted.into()),
            };
            if let Some(error) = given_up {
                return Err(unsent(&error));
            }
            match self.send(step, &writes).await {
                Ok(()) => wrote = true,
                Err(Sent::Failure(failure)) => return Err(failure),
                Err(Sent::Error(error)) => {
                    let unknown = error.outcome_unknown();
                    wrote |= unknown;
                    // Somebody else may have deleted it, which is what was wanted.
                    if error.does_not_exist() && deletes(&step.action).is_some() {
                        given_up = Some(error);
                        continue;
                    }
                    if !error.transient() {
                        return Err(unsent(&error));
                    }
                    attempts += 1;
                    let transport = self.run.writer.transport();
                    let again = (attempts <= retries).then(|| transport.pause_before(attempts));
                    match again.flatten() {
                        Some(pause) => {
                            tracing::warn!(%error, attempts, "a write did not go through; looking again");
                            self.within(tokio::time::sleep(pause)).await?;
                        }
                        None if unknown => given_up = Some(error),
                        None => return Err(unsent(&error)),
                    }
                    continue;
                }
            }
            if matches!(step.action, Action::UpdateDistributionPoints { .. }) {
                return Ok(Outcome::Done); // nothing of it can be read back
            }
            match self.settled(step, &writes).await? {
                Settled::Yes => return Ok(Outcome::Done),
                Settled::More => {}
                Settled::No(found) => return Err(found),
            }
        }
        Err(Failure::Step {
            code: INCONSISTENT,
            error: format!(
                "inconsistent result: after {ROUNDS} rounds of writing it still differs"
            ),
            hint: Some(unexpected()),
        })
    }

    /// Sends the writes of one round; what each brought into being is noted at once.
    async fn send(&mut self, step: &Step, writes: &[Write]) -> Result<(), Sent> {
        let smp = self.run.writer;
        for write in writes {
            tracing::debug!(?write, "writing");
            let prepared = match self.within(smp.prepare(write)).await? {
                Ok(prepared) => prepared,
                Err(error) if parted(&error, write) => continue,
                Err(error) => return Err(Sent::Error(error)),
            };
            self.keep(&prepared).await?;
            self.intend(write).await?;
            self.owe(step, write).await?;
            self.run.journal.held()?;
            let created = match self.within(smp.send(prepared)).await? {
                Ok(created) => created,
                // Parting what is parted already is what was wanted.
                Err(error) if parted(&error, write) => None,
                Err(error) => {
                    self.lost |= error.outcome_unknown();
                    self.dropped(write).await?;
                    return Err(Sent::Error(error));
                }
            };
            self.written(step, write, created).await?;
        }
        Ok(())
    }

    /// Reads back until the step is done, or something else is left to write, or patience ends.
    async fn settled(&mut self, step: &Step, sent: &[Write]) -> Result<Settled, Failure> {
        let begun = Instant::now();
        let settle = self.run.options.settle;
        let mut pause = FIRST_PAUSE;
        loop {
            let last = match self.see(step).await? {
                Ok(seen) => {
                    self.bind(step, &seen);
                    match self.judge(step, &seen) {
                        Ok(Progress::AlreadyDone) => return Ok(Settled::Yes),
                        Ok(Progress::Ready(left)) if left.iter().all(|w| !sent.contains(w)) => {
                            return Ok(Settled::More);
                        }
                        Ok(Progress::Ready(_) | Progress::NotYet(_)) => {
                            gap(&step.action, &seen, &self.bindings)
                        }
                        Err(drifted) => drifted,
                    }
                }
                Err(reason) => return Ok(Settled::No(blind(&reason))),
            };
            if begun.elapsed() > settle {
                let Drifted {
                    object,
                    expected,
                    found,
                } = last;
                return Ok(Settled::No(Failure::Step {
                    code: INCONSISTENT,
                    error: format!(
                        "inconsistent result: the server took the write, and {} s later {object} is not as it was \
                         asked for: expected {expected}, found {found}",
                        settle.as_secs()
                    ),
                    hint: Some(unexpected()),
                }));
            }
            self.within(tokio::time::sleep(pause)).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
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

/// The resource that is gone once a step is done, and what it is counted as.
pub(super) fn deletes(action: &Action) -> Option<(Guid, CountedKind)> {
    match action {
        Action::DeleteSite { site } => site.guid.map(|guid| (guid, CountedKind::Sites)),
        Action::DeleteSubnet { guid, .. } => Some((*guid, CountedKind::Subnets)),
        _ => None,
    }
}

/// The second of two calls, where the first alone can be seen.
fn owed(step: &Step) -> Option<Write> {
    match &step.action {
        Action::AssignPackage { package, .. } => Some(Write::UpdateDistributionPoints {
            package: package.guid,
        }),
        _ => None,
    }
}

/// Whether what was to be parted is parted already.
fn parted(error: &SendError, write: &Write) -> bool {
    error.does_not_exist() && matches!(write, Write::PartSubnet { .. } | Write::PartServer { .. })
}

enum Settled {
    Yes,
    More,
    No(Failure),
}

enum Sent {
    Failure(Failure),
    Error(SendError),
}

impl From<Failure> for Sent {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<JournalError> for Sent {
    fn from(error: JournalError) -> Self {
        Self::Failure(error.into())
    }
}

fn unexpected() -> String {
    "an assumption about this server may be wrong: see docs/assumptions.md; nothing that depends on this step was tried".into()
}

fn blind(reason: &str) -> Failure {
    Failure::Step {
        code: "SW0603",
        error: format!("what it is about cannot be read, so nothing was written: {reason}"),
        hint: Some("complete the server profile: see docs/profile.md".into()),
    }
}
