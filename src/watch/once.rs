//! One attempt at one platform: load, read, plan, and, where the policy allows, apply under the lock of the state.
//!
//! I/O, through the reader, the writer and the store. Time, ids and the account are arguments. What may be written is
//! decided by a plan of its own, narrowed to what may be done unattended and judged like every other; it is made before
//! the lock is taken, and thrown away where the state has moved until then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::left::{Ground, after, before_any};
use super::report::{Conclusion, Report, Trouble};
use super::sight::sight;
use super::way::{Open, Way};
use crate::apply::{
    Course, Ended, Halt, Left, Options, Run, aftermath, carried_out, left, rounds, unproven,
};
use crate::drift::{Drift, Inputs as DriftInputs, drift};
use crate::journal::{Fact, JournalError};
use crate::model::{
    Desired, Event, Holder, Name, Outcome, Ownership, RunId, Safety, Snapshot, StepGroup, StepId,
    StepKind,
};
use crate::observe::{RefreshError, Scope, build_change, refresh};
use crate::plan::{Inputs, Narrowing, Plan, frozen, make};
use crate::profile::Profile;
use crate::smp::{ReadError, Reader, Timing, Traffic, Transport, Writer, WritingTransport};
use crate::state::{Journal, Loaded, Lock, LockError, State, StateError, Store};

/// Waiting for packages may not hold the state for long: the next attempt goes on with it.
const AWAIT_LIMIT: Duration = Duration::from_mins(5);

/// Sets up a way to write, for one run; there is none where the loop only looks.
pub type MakeWriter = dyn Fn(&RunId) -> Result<WritingTransport, Trouble> + Send + Sync;

/// One platform as it is watched.
pub struct Target {
    /// Its name.
    pub name: Name,
    /// The SMP's own computer.
    pub server: Option<Name>,
    /// What is declared for it.
    pub desired: Desired,
    /// What the workspace guards it by.
    pub safety: Safety,
    /// What may be done unattended.
    pub groups: BTreeSet<StepGroup>,
    /// The way to it, for what changes nothing.
    pub way: Arc<Way>,
    /// Opens that way anew.
    pub open: Box<Open>,
    /// The way to write; `None` where the loop only looks.
    pub writer: Option<Box<MakeWriter>>,
    /// Its state.
    pub store: Store,
}

/// What an attempt is told from outside.
pub struct Attempt<'a> {
    /// The id of the run.
    pub run: RunId,
    /// Who is behind it, for the lock.
    pub holder: Holder,
    /// The same for the journal, with what the declarations come from.
    pub by: String,
    /// A lineage, for a state that is new.
    pub lineage: String,
    /// The time.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Ends it: reading at once, a run after the steps under way.
    pub stop: CancellationToken,
    /// Ends a run where it stands.
    pub at_once: CancellationToken,
}

/// What was read, and the plan of it.
struct Planned {
    /// What it was read by.
    reader: Reader,
    loaded: Option<Loaded>,
    snapshot: Snapshot,
    profile: Arc<Profile>,
    /// Everything that differs.
    whole: Plan,
    /// What of it may be done unattended, with what it depends on; `None` where the loop only looks.
    part: Option<Plan>,
    /// What the world changed since our last run.
    found: Drift,
    /// What was read.
    scope: Scope,
}

/// What came of a run.
#[derive(Default)]
struct Done {
    steps: BTreeMap<(String, &'static str), u64>,
    trouble: Option<Trouble>,
    stopped: bool,
    /// Whether a window in which nothing may change began on the way.
    frozen: bool,
}

/// What keeps a run from being begun.
enum Kept {
    /// Somebody else holds the lock, or has written meanwhile.
    Busy,
    Frozen,
    Trouble(Trouble),
}

impl From<Trouble> for Kept {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Looks at a platform once, and does what may be done unattended.
///
/// # Guarantees
/// Without a way to write nothing is written, neither on the server nor in the state. With one, only steps of the groups
/// that the target names are carried out, each after everything that it depends on; the limits and windows of the
/// workspace hold as they do for `apply`. Whatever happens, the lock is free at the end. One password is shown to the
/// server once at most after it was refused, and after that this ends.
pub async fn reconcile_once(target: &Target, attempt: &Attempt<'_>) -> Report {
    let reader = match target.way.enter(&target.open) {
        Ok(reader) => reader,
        Err(trouble) => return Report::failed(trouble),
    };
    let transport = reader.transport();
    transport.ask_at_the_door();
    let before = (transport.traffic(), transport.timing());
    let planned = tokio::select! {
        planned = look(target, attempt, &reader) => planned,
        () = attempt.stop.cancelled() => return metered(Report::ended(Conclusion::Stopped), transport, before),
    };
    let report = match planned {
        Err(trouble) => Report::failed(trouble),
        // What a plan and its snapshot take would be copied from future to future.
        Ok(planned) => Box::pin(act(target, attempt, planned)).await,
    };
    let refused = report.is_refused();
    if refused || report.sight.is_some() {
        target.way.learn(refused);
    }
    if refused && report.sight.is_some() {
        // A run signed in with what is kept by now: that is what the next has to be another than.
        let _ = target.way.is_another(&target.open);
    }
    metered(report, transport, before)
}

/// Adds to a report what went over a transport since.
fn metered(mut report: Report, transport: &Transport, before: (Traffic, Timing)) -> Report {
    let (traffic, timing) = before;
    let now = transport.traffic();
    report.traffic.requests += now.requests.saturating_sub(traffic.requests);
    report.traffic.bytes += now.bytes.saturating_sub(traffic.bytes);
    report.timing = report.timing.and(&transport.timing().since(&timing));
    report
}

pub(super) async fn load(target: &Target) -> Result<Option<Loaded>, Trouble> {
    let loaded = target.store.load().await;
    loaded.map_err(|error| Trouble::of(error.code(), &error, error.hint()))
}

/// Reads the state and the server, and plans.
async fn look(target: &Target, attempt: &Attempt<'_>, reader: &Reader) -> Result<Planned, Trouble> {
    let loaded = load(target).await?;
    let state = loaded.as_ref().map(|loaded| &loaded.state);
    let profile = trusted(reader).await.map_err(|e| unread(&e))?;
    let reader = reader.with_profile(Arc::clone(&profile));
    let nothing = Ownership::default();
    let ownership = state.map_or(&nothing, |state| &state.ownership);
    let scope = Scope::of(&target.desired, target.server.clone()).remembering(ownership);
    let reading = refresh(&reader, &scope, &|_| {});
    let snapshot = Box::pin(reading).await.map_err(|e| unread(&e))?;
    if let Some(state) = state.filter(|state| state.platform.server != snapshot.platform.server) {
        let error = StateError::OtherPlatform {
            place: target.store.place(),
            expected: Box::new(snapshot.platform.clone()),
            found: Box::new(state.platform.clone()),
        };
        return Err(Trouble::of(error.code(), &error, error.hint()));
    }
    let plan = |unattended: Option<BTreeSet<StepGroup>>| {
        let narrowing = Narrowing {
            unattended,
            ..Narrowing::default()
        };
        make(&Inputs {
            desired: &target.desired,
            snapshot: &snapshot,
            ownership,
            takeover: target.groups.contains(&StepGroup::Takeover),
            allow_stranded: 0,
            safety: &target.safety,
            acceptance: None,
            overrides: None,
            now: (attempt.clock)(),
            stale_since: None,
            narrowing: Some(&narrowing),
            lineage: state.map_or("", |state| state.lineage.as_str()),
            serial: state.map_or(0, |state| state.serial),
            journal_sequence: state.map_or(0, |state| state.journal_sequence),
            tool_version: env!("CARGO_PKG_VERSION"),
        })
        .map_err(|error| Trouble::of("SW0520", &error, None))
    };
    let whole = plan(None)?;
    let part = target
        .writer
        .is_some()
        .then(|| plan(Some(target.groups.clone())))
        .transpose()?;
    let left = left(&target.store, &scope, &snapshot.platform).await;
    let left = left.map_err(|error| Trouble::of(error.code(), &error, error.hint()))?;
    let found = drift(&DriftInputs {
        baseline: left.as_ref().map(Left::baseline),
        now: &snapshot,
        desired: &target.desired,
        plan: &whole,
        ownership,
        all: false,
        at: (attempt.clock)(),
    });
    Ok(Planned {
        reader,
        loaded,
        snapshot,
        profile,
        whole,
        part,
        found,
        scope,
    })
}

/// The profile, as far as it is good on the build that the server is.
async fn trusted(reader: &Reader) -> Result<Arc<Profile>, RefreshError> {
    let Some(change) = build_change(reader).await? else {
        return Ok(Arc::clone(reader.profile()));
    };
    let mut lowered = Profile::clone(reader.profile());
    let entries = lowered.distrust();
    tracing::warn!(
        entries = entries.join(", "),
        "{change}; what was verified before counts as discovered, good for reading only"
    );
    Ok(Arc::new(lowered))
}

fn unread(error: &RefreshError) -> Trouble {
    let refused = matches!(
        error,
        RefreshError::Read {
            source: ReadError::Transport(source),
            ..
        } if source.is_refused_proof()
    );
    let trouble = Trouble::of(error.code(), error, error.hint());
    if refused { trouble.refused() } else { trouble }
}

/// Does what may be done, and says what was seen.
async fn act(target: &Target, attempt: &Attempt<'_>, planned: Planned) -> Report {
    let Planned { whole, part, .. } = &planned;
    let sight = sight(whole, part.as_ref(), &planned.found, &target.groups);
    let now = (attempt.clock)();
    let thaws = |now| target.safety.frozen(now).map(|freeze| freeze.ends);
    let mut report = Report {
        sight: Some(sight),
        ..Report::ended(conclusion(&planned))
    };
    let Planned {
        reader,
        loaded,
        snapshot,
        profile,
        whole,
        part,
        found,
        scope,
    } = planned;
    let Some(part) = part else {
        return report;
    };
    let ground = Ground {
        reader: &reader,
        whole: &whole,
        part: &part,
        snapshot: &snapshot,
        found: &found,
        scope: &scope,
        profile,
    };
    if part.is_blocked() {
        report.thaws = thaws(now).filter(|_| part.changes_anything());
        if report.thaws.is_some() {
            report.conclusion = Conclusion::Frozen;
        } else {
            report.conclusion = Conclusion::Blocked;
        }
        return report;
    }
    if part.steps.is_empty() {
        if found.since.is_none() {
            before_any(target, attempt, &ground, loaded).await;
        }
        return report;
    }
    match run(target, attempt, &ground, loaded, &mut report).await {
        Err(Kept::Busy) => report.conclusion = Conclusion::Busy,
        Err(Kept::Frozen) => {
            report.conclusion = Conclusion::Frozen;
            report.thaws = thaws((attempt.clock)());
        }
        Err(Kept::Trouble(trouble)) => {
            report.conclusion = Conclusion::Failed;
            report.trouble = Some(trouble);
        }
        Ok(Done {
            steps,
            trouble,
            stopped,
            frozen,
        }) => {
            report.conclusion = match &trouble {
                Some(_) => Conclusion::StepsFailed,
                None if frozen => Conclusion::Frozen,
                None if stopped => Conclusion::Stopped,
                None => Conclusion::Applied,
            };
            if report.conclusion == Conclusion::Frozen {
                report.thaws = thaws((attempt.clock)());
            }
            report.steps = steps;
            report.trouble = trouble;
        }
    }
    report
}

/// How an attempt ends that does nothing.
fn conclusion(planned: &Planned) -> Conclusion {
    let whole = &planned.whole;
    if whole.is_blocked() && planned.part.is_none() {
        Conclusion::Blocked
    } else if whole.changes_anything() || whole.is_blocked() {
        Conclusion::Differs
    } else {
        Conclusion::Converged
    }
}

/// Carries a plan out under the lock of the state.
async fn run(
    target: &Target,
    attempt: &Attempt<'_>,
    ground: &Ground<'_>,
    loaded: Option<Loaded>,
    report: &mut Report,
) -> Result<Done, Kept> {
    let missing = unproven(ground.part, &ground.profile);
    if !missing.is_empty() {
        let missing: Vec<String> = missing.into_iter().collect();
        let message = format!(
            "the server profile is no longer good enough for the writes of this plan: {}",
            missing.join(", ")
        );
        return Err(Trouble::new("SW0330", message).into());
    }
    let Some(make) = &target.writer else {
        return Err(Kept::Busy);
    };
    let writer = Writer::new(make(&attempt.run)?, Arc::clone(&ground.profile));
    let before = (writer.transport().traffic(), writer.transport().timing());
    let lock = match target.store.lock(&attempt.holder, Duration::ZERO).await {
        Ok(lock) => lock,
        Err(LockError::Held { .. }) => return Err(Kept::Busy),
        Err(error) => return Err(Trouble::of(error.code(), &error, error.hint()).into()),
    };
    let held = Held {
        target,
        attempt,
        ground,
        writer: &writer,
        lock: &lock,
    };
    let mut done = held.carry_out(loaded).await;
    lock.release().await;
    // It signs in by itself: what let the reader in may be good no more.
    if writer.transport().is_refused()
        && let Ok(Done { trouble, .. }) = &mut done
    {
        *trouble = trouble.take().map(Trouble::refused);
    }
    let metered = metered(report.clone(), writer.transport(), before);
    report.traffic = metered.traffic;
    report.timing = metered.timing;
    done
}

/// A run under the lock.
struct Held<'a> {
    target: &'a Target,
    attempt: &'a Attempt<'a>,
    ground: &'a Ground<'a>,
    writer: &'a Writer,
    lock: &'a Lock,
}

impl Held<'_> {
    async fn carry_out(&self, loaded: Option<Loaded>) -> Result<Done, Kept> {
        let Self {
            target,
            attempt,
            ground,
            ..
        } = self;
        let plan = ground.part;
        let now = load(target).await?;
        if now != loaded {
            return Err(Kept::Busy);
        }
        // It was judged before the server was read.
        if frozen(plan, &target.safety, (attempt.clock)()).is_some() {
            return Err(Kept::Frozen);
        }
        let journal = self.journal().await.map_err(|error| unkept(&error))?;
        let owned = loaded.iter().map(|loaded| &loaded.state.ownership);
        let closed = || {
            let freeze = frozen(plan, &target.safety, (attempt.clock)())?;
            Some(freeze.to_string())
        };
        let run = Run {
            id: attempt.run.clone(),
            by: attempt.by.clone(),
            digest: plan.digest(),
            writer: self.writer,
            journal: &journal,
            clock: attempt.clock,
            cancel: attempt.stop.clone(),
            options: Options {
                await_limit: AWAIT_LIMIT,
                skip_manual: true,
                ..Options::default()
            },
            attested: BTreeSet::new(),
            undistributed: owned
                .flat_map(|owned| owned.undistributed.keys().copied())
                .collect(),
            closed: &closed,
        };
        // Whatever is dropped here is in the journal, or was about to be: the next attempt looks first.
        let ended = tokio::select! {
            ended = pass(plan, &run) => ended,
            () = attempt.at_once.cancelled() => return Ok(Done { stopped: true, ..Done::default() }),
        };
        let Ended { outcomes, halt } = ended.map_err(|error| unkept(&error))?;
        let mut done = told(plan, &outcomes);
        match halt {
            // Where the journal cannot be kept, nothing else is; what it holds is folded in next time.
            Some(Halt::Journal(error)) => return Err(unkept(&error).into()),
            Some(Halt::RetriesSpent { budget }) => {
                done.trouble = Some(Trouble::new(
                    "SW0663",
                    format!(
                        "too many requests failed: the budget of {budget} further tries is spent"
                    ),
                ));
            }
            Some(Halt::Closed { why: _ }) => done.frozen = true, // told with the time at which it ends
            None => {}
        }
        let state = self.settle(&journal, &outcomes, loaded).await?;
        drop(journal);
        if done.trouble.is_none() && !done.stopped {
            after(target, attempt, ground, (&outcomes, &state)).await;
        }
        Ok(done)
    }

    /// Opens the journal, which is told whose lease was taken over.
    async fn journal(&self) -> Result<Journal, JournalError> {
        let journal = self.target.store.journal(self.lock).await?;
        if let Some(from) = self.lock.taken_over() {
            let fact = Fact::LeaseTakenOver { from: from.clone() };
            let now = (self.attempt.clock)();
            journal.append(&self.attempt.run, now, fact).await?;
        }
        Ok(journal)
    }

    /// Notes what the run leaves behind, and saves the state.
    async fn settle(
        &self,
        journal: &Journal,
        outcomes: &[(StepId, Outcome)],
        loaded: Option<Loaded>,
    ) -> Result<State, Trouble> {
        let Self {
            target,
            attempt,
            ground,
            ..
        } = self;
        let (plan, snapshot) = (ground.part, Some(ground.snapshot));
        let nothing = Ownership::default();
        let ownership = loaded.as_ref().map_or(&nothing, |l| &l.state.ownership);
        let done = carried_out(plan, outcomes);
        let now = (attempt.clock)();
        let rounds = rounds(Some(ground.found), &done, snapshot, ownership, now);
        let facts = aftermath(plan, snapshot, outcomes, ownership);
        for fact in facts.into_iter().chain(rounds) {
            let now = (attempt.clock)();
            let appended = journal.append(&attempt.run, now, fact).await;
            appended.map_err(|error| unkept(&error))?;
        }
        let state = loaded.map(|loaded| loaded.state);
        let base = State::following(state, &plan.platform, attempt.lineage.clone());
        let settled = target.store.settle(base).await;
        settled.map_err(|error| Trouble::of(error.code(), &error, error.hint()))
    }
}

/// Goes through a plan once.
async fn pass(plan: &Plan, run: &Run<'_>) -> Result<Ended, JournalError> {
    let mut emit = |event: &Event| {
        if let Event::StepEnded {
            step,
            outcome: Outcome::Failed { code, error, .. },
            ..
        } = event
        {
            tracing::warn!(%step, code, error, "step failed");
        } else if let Event::StepEnded {
            step,
            outcome,
            milliseconds,
        } = event
        {
            let outcome = named(outcome);
            tracing::info!(%step, outcome, milliseconds, "step ended");
        }
    };
    let begun = Course::begin(plan, run, &mut emit).await;
    let mut course = begun.map_err(|crate::apply::ApplyError::Journal(error)| error)?;
    course.pass(run, &mut emit).await;
    Ok(course.end(run, &mut emit).await)
}

fn unkept(error: &JournalError) -> Trouble {
    Trouble::of(error.code(), error, error.hint())
}

fn named(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::AlreadyDone => "already-done",
        Outcome::Open => "open",
        Outcome::Skipped => "skipped",
        Outcome::Waiting { on: _ } => "waiting",
        Outcome::Failed { .. } => "failed",
        Outcome::Cancelled => "cancelled",
    }
}

/// What came of the steps, in numbers and with the first thing that went wrong.
fn told(plan: &Plan, outcomes: &[(StepId, Outcome)]) -> Done {
    let mut done = Done::default();
    let kinds: BTreeMap<&StepId, StepKind> = plan
        .steps
        .iter()
        .map(|step| (&step.id, step.kind()))
        .collect();
    for (id, outcome) in outcomes {
        let kind = id.0.split(':').next().unwrap_or_default().to_owned();
        *done.steps.entry((kind, named(outcome))).or_default() += 1;
        done.stopped |= *outcome == Outcome::Cancelled;
        // What is waited for may come yet.
        let awaited = kinds.get(id) == Some(&StepKind::Await);
        if let Outcome::Failed { code, error, hint } = outcome
            && !(awaited && code == "SW0604")
            && done.trouble.is_none()
        {
            done.trouble = Some(Trouble {
                code: code.clone(),
                message: format!("step `{id}` failed: {error}"),
                hint: hint.clone(),
                refused: false,
            });
        }
    }
    done
}
