//! The stages of the program over one server, whichever it is, run as the command line runs them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sitewright::apply::{Options as ApplyOptions, Run, aftermath, apply};
use sitewright::journal::Fact;
use sitewright::model::{
    Acceptance, Action, Attestation, ConsoleStep, Desired, Event, Guid, Holder, Observed, Outcome,
    Ownership, RunId, Safety, Snapshot, Step, StepId, StepKind,
};
use sitewright::observe::{Bindings, Scope, install_reports, look, refresh};
use sitewright::plan::{Inputs, Plan, console_value, make};
use sitewright::profile::Profile;
use sitewright::smp::{Connection, Reader, Transport, Writer, WritingTransport};
use sitewright::state::{Journal, Lock, State, Store};
use tokio_util::sync::CancellationToken;

/// A server by its address and profile, and everything that the program keeps about it.
pub(crate) struct Stages {
    pub(crate) profile: Profile,
    pub(crate) store: Store,
    pub(crate) transport: Transport,
    pub(crate) writing: WritingTransport,
    pub(crate) options: ApplyOptions,
    pub(crate) clock: fn() -> Timestamp,
    /// Why no step may begin any more.
    pub(crate) closed: Box<dyn Fn() -> Option<String> + Send + Sync>,
    _state: tempfile::TempDir,
}

/// Somebody who does console steps on a server.
pub(crate) trait Console {
    /// Does one, or lets the time pass that it takes.
    async fn perform(&self, step: &ConsoleStep);

    /// Makes a change by hand that a program could make, were the profile sure enough of it.
    async fn change(&self, action: &Action) {
        panic!("nobody does this by hand here: {action:?}");
    }
}

/// A clock that stands still but for what a test does not look at.
fn clock() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

impl Stages {
    pub(crate) fn new(url: &str, profile: Profile) -> Self {
        let connection = Connection::new(url.parse().unwrap(), RunId("test".into()));
        Self::over(connection, profile)
    }

    /// The same over a connection that signs in.
    pub(crate) fn over(connection: Connection, profile: Profile) -> Self {
        let state = tempfile::tempdir().unwrap();
        let writing = WritingTransport::new(connection).unwrap();
        Self {
            transport: writing.reading().clone(),
            writing,
            store: Store::file(state.path(), "hq"),
            options: ApplyOptions {
                // The order of the plan, so that what was written can be compared with a list.
                parallelism: 1,
                settle: Duration::from_secs(3),
                await_limit: Duration::from_secs(20),
                ..ApplyOptions::default()
            },
            clock,
            closed: Box::new(|| None),
            profile,
            _state: state,
        }
    }

    /// The journal to add to, with the lock that it is under.
    pub(crate) async fn journal(&self) -> (Lock, Journal) {
        let holder = Holder {
            who: "test".into(),
            host: "test".into(),
            process: 0,
            purpose: "test".into(),
            run: "test".into(),
            since: clock().to_string(),
        };
        // Steps of a test that follow one another closely may meet.
        let lock = self.store.lock(&holder, Duration::from_secs(5));
        let lock = lock.await.unwrap();
        let journal = self.store.journal(&lock).await.unwrap();
        (lock, journal)
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.transport.clone(), Arc::new(self.profile.clone()))
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer::new(self.writing.clone(), Arc::new(self.profile.clone()))
    }

    pub(crate) async fn install_reports(&mut self) {
        let writer = self.writer();
        install_reports(&writer, &mut self.profile, Guid::NIL, &|_| true)
            .await
            .unwrap();
    }

    pub(crate) async fn snapshot(&self, scope: &Scope) -> Snapshot {
        let reader = self.reader();
        // A snapshot is long, and so would be every future around one that is under way.
        Box::pin(refresh(&reader, scope, &|_| {})).await.unwrap()
    }

    pub(crate) async fn ownership(&self) -> Ownership {
        self.store
            .load()
            .await
            .unwrap()
            .map_or_else(Ownership::default, |loaded| loaded.state.ownership)
    }

    pub(crate) async fn plan(&self, desired: &Desired) -> Plan {
        self.plan_with(desired, false).await
    }

    pub(crate) async fn plan_with(&self, desired: &Desired, takeover: bool) -> Plan {
        // Boxed: what a refresh holds would be copied into the future of every test.
        Box::pin(self.plan_accepting(desired, takeover, None)).await
    }

    /// The same; somebody may vouch for lists that are shorter than they were.
    pub(crate) async fn plan_accepting(
        &self,
        desired: &Desired,
        takeover: bool,
        acceptance: Option<&Acceptance>,
    ) -> Plan {
        let ownership = self.ownership().await;
        let scope = Scope::of(desired, None).remembering(&ownership);
        let snapshot = self.snapshot(&scope).await;
        make(&Inputs {
            desired,
            snapshot: &snapshot,
            ownership: &ownership,
            takeover,
            allow_stranded: 0,
            safety: &Safety::default(),
            acceptance,
            overrides: None,
            now: Timestamp::UNIX_EPOCH,
            stale_since: None,
            narrowing: None,
            lineage: "",
            serial: 0,
            journal_sequence: 0,
            tool_version: "test",
        })
        .unwrap()
    }

    async fn keep(&self, plan: &Plan) {
        let base = self.store.load().await.unwrap().map_or_else(
            || State::new(plan.platform.clone(), "test".into(), Ownership::default()),
            |loaded| loaded.state,
        );
        self.store.settle(base).await.unwrap();
    }

    /// Applies a plan and tells every event.
    pub(crate) async fn apply_watched(
        &self,
        plan: &Plan,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> Vec<(StepId, Outcome)> {
        let writer = self.writer();
        let (_lock, journal) = self.journal().await;
        let outcomes = apply(
            plan,
            Run {
                id: RunId("test".into()),
                digest: plan.digest(),
                by: "jdoe".into(),
                writer: &writer,
                journal: &journal,
                clock: &self.clock,
                cancel: CancellationToken::new(),
                options: self.options.clone(),
                attested: BTreeSet::new(),
                undistributed: self.ownership().await.undistributed.into_keys().collect(),
                closed: &*self.closed,
            },
            emit,
        )
        .await
        .unwrap();
        for fact in aftermath(plan, None, &outcomes, &self.ownership().await) {
            let run = RunId("test".into());
            journal.append(&run, (self.clock)(), fact).await.unwrap();
        }
        self.keep(plan).await;
        outcomes
    }

    /// Has an open console step done, and gives somebody's word for it where nothing can be read.
    pub(crate) async fn close(&self, plan: &Plan, step: &Step, console: &impl Console) {
        let Action::Console(wanted) = &step.action else {
            assert_eq!(step.kind(), StepKind::Manual, "{step:?}");
            return console.change(&step.action).await;
        };
        console.perform(wanted).await;
        // A site that was born in the same run has no GUID in the step; what is about it can be read next time.
        let seen = look(&self.reader(), &step.action, &Bindings::default()).await;
        if let Ok(Observed::Unavailable(_)) = seen {
            let word = Fact::Attested {
                step: step.id.clone(),
                attestation: Attestation {
                    value: console_value(wanted),
                    reason: "done in the test".into(),
                    by: "test".into(),
                    at: clock().to_string(),
                },
            };
            let there = match wanted {
                ConsoleStep::ConfirmHolder { package, .. } => Some(Fact::HoldersThere {
                    package: package.guid,
                }),
                _ => None,
            };
            let (_lock, journal) = self.journal().await;
            for fact in std::iter::once(word).chain(there) {
                let run = RunId("test".into());
                journal.append(&run, clock(), fact).await.unwrap();
            }
            self.keep(plan).await;
        }
    }

    /// Plans, applies and has the open console steps done until the plan is empty; gives how many rounds it took.
    pub(crate) async fn settle(
        &self,
        desired: &Desired,
        console: &impl Console,
        emit: &mut (dyn FnMut(&Event) + Send),
    ) -> usize {
        for round in 0..10 {
            let plan = self.plan(desired).await;
            assert!(!plan.is_blocked(), "{:#?}", plan.notes);
            if plan.steps.is_empty() {
                return round;
            }
            let outcomes = self.apply_watched(&plan, emit).await;
            for (step, outcome) in &outcomes {
                assert!(
                    !matches!(outcome, Outcome::Failed { .. }),
                    "{step}: {outcome:?}"
                );
                if *outcome == Outcome::Open {
                    let open = plan.steps.iter().find(|s| s.id == *step).unwrap();
                    self.close(&plan, open, console).await;
                }
            }
        }
        let plan = self.plan(desired).await;
        panic!("still not converged: {:#?}", plan.steps);
    }
}
