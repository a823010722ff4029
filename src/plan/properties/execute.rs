//! A run over a [`Server`] with faults: the steps that `apply` goes through, up to four of them under way.
//!
//! Pure. Between any two calls of a step, those of others may go first; a script says of each write whether it is
//! done, refused, put off, done by somebody else just before, lost on the way there or back, or the last thing that this
//! program ever sends. What a step does next is said by the very [`writing`] that `apply` goes along; what is remembered
//! comes from the facts by the very [`replay`].

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::interpreter;
use super::server::Server;
use crate::apply::writing::{self, Move, Next, Over, Ready, Settled};
use crate::apply::{Progress, Subject, aftermath};
use crate::journal::{Entry, Fact, replay};
use crate::model::*;
use crate::observe::{Bindings, Seen};
use crate::plan::Plan;
use crate::smp::{Fault, FaultKind, SendError, Write};

/// What becomes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is carried out and answered.
    Done,
    /// It is refused for good.
    Refused,
    /// It is refused for now.
    Busy,
    /// What it takes away somebody else took away just before; any other is carried out.
    Beaten,
    /// It never arrives, and nobody says so.
    LostBefore,
    /// It is carried out, and the answer does not arrive.
    LostAfter,
    /// The program dies before it is sent.
    CrashBefore,
    /// The program dies when it is carried out, before anything is written down.
    CrashAfter,
}

impl Fate {
    /// Nearly half of all writes go well.
    pub(super) fn of(number: u8) -> Self {
        match number {
            0 => Self::Refused,
            1 => Self::LostBefore,
            2 | 3 => Self::LostAfter,
            4 => Self::CrashBefore,
            5 | 6 => Self::CrashAfter,
            7 => Self::Busy,
            8 => Self::Beaten,
            _ => Self::Done,
        }
    }
}

/// As often as `apply` tries again by default.
const RETRIES: u32 = 3;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Open,
    Failed,
}

struct Shared<'a> {
    server: RefCell<&'a mut Server>,
    fates: RefCell<&'a mut dyn Iterator<Item = Fate>>,
    /// What came into being in the run.
    born: RefCell<Bindings>,
    /// What is on disk.
    facts: RefCell<Vec<Fact>>,
    /// What goes to the disk with the next fact.
    buffered: RefCell<Vec<Fact>>,
    crashed: Cell<bool>,
    replaces: bool,
    /// Packages whose distribution points an earlier run did not come to.
    undistributed: BTreeSet<Guid>,
}

/// Lets others go first; never returns in a program that died.
async fn pause(crashed: &Cell<bool>) {
    let mut first = true;
    poll_fn(|_| {
        if std::mem::replace(&mut first, false) || crashed.get() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

impl Shared<'_> {
    fn note(&self, more: impl IntoIterator<Item = Fact>) {
        for fact in more {
            let mut facts = self.facts.borrow_mut();
            facts.append(&mut self.buffered.borrow_mut());
            facts.push(fact);
        }
    }

    fn subject(&self, step: &Step) -> Subject {
        let born = self.born.borrow();
        Subject::new(&step.action, &born, &self.undistributed, self.replaces)
    }

    fn learn(&self, of: Bindings) {
        let mut born = self.born.borrow_mut();
        born.sites.extend(of.sites);
        born.subnets.extend(of.subnets);
    }

    async fn see(&self, subject: &Subject) -> Observed<Seen> {
        pause(&self.crashed).await;
        let server = self.server.borrow();
        server.look(subject.action(), subject.bindings())
    }

    async fn carry_out(&self, step: &Step) -> Ended {
        match step.kind() {
            StepKind::Record => {
                if let Action::Record(record) = &step.action {
                    self.buffered.borrow_mut().push(Fact::Recorded {
                        record: record.clone(),
                    });
                }
                Ended::Done
            }
            StepKind::Manual => self.by_hand(self.subject(step)).await,
            StepKind::Await => {
                // Time passes, and what was assigned travels.
                pause(&self.crashed).await;
                let mut server = self.server.borrow_mut();
                interpreter::run(&mut server.world, step);
                Ended::Done
            }
            StepKind::Write => {
                self.note([Fact::StepStarted { step: step.clone() }]);
                self.write(self.subject(step)).await
            }
        }
    }

    async fn by_hand(&self, mut subject: Subject) -> Ended {
        let Observed::Known(seen) = self.see(&subject).await else {
            return Ended::Open;
        };
        match subject.judge(&seen) {
            Ok(Progress::AlreadyDone) => {
                self.note(subject.ticked_off(&seen));
                self.learn(subject.into_bindings());
                Ended::Done
            }
            Ok(Progress::Ready(_) | Progress::NotYet(_)) => Ended::Open,
            Err(_) => Ended::Failed,
        }
    }

    async fn write(&self, subject: Subject) -> Ended {
        let mut course = writing::begin(subject, RETRIES);
        loop {
            let Move { facts, next } = course;
            self.note(facts);
            course = match next {
                Next::Look(look) => {
                    let seen = self.see(look.at()).await;
                    look.saw(seen)
                }
                Next::Send(ready) => self.send(ready).await,
                Next::Retry(again) => again.look_again(),
                Next::ReadBack(read_back) => {
                    let seen = self.see(read_back.at()).await;
                    match read_back.saw(seen) {
                        Settled::Yes(then) => then,
                        // This server shows at once what was written.
                        Settled::NotYet(unsettled) => unsettled.give_up(Duration::ZERO),
                    }
                }
                Next::End(Over { outcome, born }) => {
                    self.learn(born);
                    return outcome.map_or(Ended::Failed, |_| Ended::Done);
                }
            };
        }
    }

    async fn send(&self, ready: Ready) -> Move {
        let write = ready.write().clone();
        let (facts, sent) = ready.goes_out();
        self.note(facts);
        pause(&self.crashed).await;
        let fate = self.fates.borrow_mut().next().unwrap_or(Fate::Done);
        let arrives = !matches!(
            fate,
            Fate::Refused | Fate::Busy | Fate::LostBefore | Fate::CrashBefore
        );
        let created = if arrives {
            self.server.borrow_mut().write(&write)
        } else {
            None
        };
        match fate {
            Fate::Beaten if takes_away(&write) => {
                sent.missed(SendError::Refused(fault(FaultKind::DoesNotExist)))
            }
            Fate::Done | Fate::Beaten => sent.done(created),
            Fate::Refused => sent.missed(SendError::Refused(fault(FaultKind::Permission))),
            Fate::Busy => sent.missed(SendError::Transient(fault(FaultKind::Busy).into())),
            Fate::LostBefore | Fate::LostAfter => {
                sent.missed(SendError::Unknown(fault(FaultKind::Internal).into()))
            }
            Fate::CrashBefore | Fate::CrashAfter => {
                self.crashed.set(true);
                std::future::pending().await
            }
        }
    }
}

fn takes_away(write: &Write) -> bool {
    matches!(
        write,
        Write::DeleteResource { .. } | Write::PartSubnet { .. } | Write::PartServer { .. }
    )
}

fn fault(kind: FaultKind) -> Fault {
    Fault {
        kind,
        status: 500,
        exception: None,
        message: "as the script has it".into(),
    }
}

/// Carries a plan out that was made of `seen`, up to `parallelism` steps at a time, and remembers what the facts say; gives
/// what came of each step that was come to, by its place in the plan.
pub(super) fn execute(
    server: &mut Server,
    seen: &Snapshot,
    plan: &Plan,
    fates: &mut dyn Iterator<Item = Fate>,
    parallelism: usize,
    seed: u64,
) -> BTreeMap<usize, Ended> {
    let before = server.world.ownership.clone();
    let undistributed = before.undistributed.keys().copied().collect();
    let replaces = server.replaces;
    let shared = Shared {
        server: RefCell::new(server),
        fates: RefCell::new(fates),
        born: RefCell::default(),
        facts: RefCell::default(),
        buffered: RefCell::default(),
        crashed: Cell::new(false),
        replaces,
        undistributed,
    };
    let outcomes = drive(&shared, plan, parallelism, seed);
    if !shared.crashed.get() {
        let told: Vec<(StepId, Outcome)> = outcomes
            .iter()
            .filter(|(_, ended)| **ended == Ended::Done)
            .filter_map(|(index, _)| plan.steps.get(*index))
            .map(|step| (step.id.clone(), Outcome::Done))
            .collect();
        shared.note(aftermath(plan, Some(seen), &told, &before));
        let buffered = shared.buffered.take();
        shared.facts.borrow_mut().extend(buffered);
    }
    let facts = shared.facts.take();
    let held = 0; // the numbers of this run begin anew
    let entries = facts.into_iter().zip(1..).map(|(fact, sequence)| Entry {
        format_version: Entry::FORMAT_VERSION,
        run: RunId("run".to_owned()),
        sequence,
        at: "2026-03-01T10:00:00Z".to_owned(),
        previous: None,
        fact,
    });
    server.world.ownership = replay(before, held, entries);
    outcomes
}

/// A step under way.
type Going<'a> = Pin<Box<dyn Future<Output = Ended> + 'a>>;

/// Starts what may start and lets one of those under way go on, at random, until nothing moves.
fn drive(
    shared: &Shared<'_>,
    plan: &Plan,
    parallelism: usize,
    seed: u64,
) -> BTreeMap<usize, Ended> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut outcomes: BTreeMap<usize, Ended> = BTreeMap::new();
    let mut waiting: Vec<usize> = (0..plan.steps.len()).collect();
    let mut under_way: Vec<(usize, Going<'_>)> = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    while !shared.crashed.get() {
        while under_way.len() < parallelism {
            let free: Vec<usize> = (0..waiting.len())
                .filter(|at| {
                    let on = &plan.steps[waiting[*at]].depends_on;
                    on.iter().all(|on| {
                        outcomes.get(&usize::try_from(*on).unwrap()) == Some(&Ended::Done)
                    })
                })
                .collect();
            let Some(at) = random.choice(free) else {
                break;
            };
            let index = waiting.remove(at);
            under_way.push((index, Box::pin(shared.carry_out(&plan.steps[index]))));
        }
        if under_way.is_empty() {
            break;
        }
        let at = random.usize(..under_way.len());
        if let Poll::Ready(ended) = under_way[at].1.as_mut().poll(&mut context) {
            outcomes.insert(under_way[at].0, ended);
            drop(under_way.swap_remove(at));
        }
    }
    outcomes
}
