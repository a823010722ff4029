//! A run over a [`Server`] with faults: the steps of `apply/step.rs` without its I/O, up to four of them under way.
//!
//! Pure. Between any two calls of a step, those of others may go first; a script says of each write whether it is
//! done, refused, lost on the way there or back, or the last thing that this program ever sends. What to write is
//! decided by the very [`judge`] that `apply` asks; what is remembered comes from the facts by the very [`replay`].

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::interpreter;
use super::server::Server;
use crate::apply::{Progress, aftermath, creates, judge};
use crate::journal::{Entry, Fact, replay};
use crate::model::*;
use crate::observe::{Bindings, Seen};
use crate::plan::Plan;
use crate::smp::Write;

/// What becomes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is carried out and answered.
    Done,
    /// It is refused for good.
    Refused,
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
    /// Half of all writes go well.
    pub(super) fn of(number: u8) -> Self {
        match number {
            0 => Self::Refused,
            1 => Self::LostBefore,
            2 | 3 => Self::LostAfter,
            4 => Self::CrashBefore,
            5 | 6 => Self::CrashAfter,
            _ => Self::Done,
        }
    }
}

/// As many as `apply` tries, and goes from looking to writing.
const ROUNDS: usize = 4;
const RETRIES: usize = 3;

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
    bindings: RefCell<Bindings>,
    created: RefCell<BTreeSet<Guid>>,
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

/// What is known of a step beside what the server shows.
struct Noted {
    /// An object is about to be created.
    intended: Cell<bool>,
    /// An answer was lost.
    lost: Cell<bool>,
    /// The second of two calls is owed.
    owes: Cell<bool>,
}

/// How a round of writes ended.
enum Sent {
    Whole,
    Lost,
    Refused,
}

impl Shared<'_> {
    fn note(&self, fact: Fact) {
        let mut facts = self.facts.borrow_mut();
        facts.append(&mut self.buffered.borrow_mut());
        facts.push(fact);
    }

    async fn see(&self, step: &Step) -> Result<Seen, String> {
        pause(&self.crashed).await;
        let server = self.server.borrow();
        match server.look(&step.action, &self.bindings.borrow()) {
            Observed::Known(seen) => Ok(seen),
            Observed::Unavailable(reason) => Err(reason),
        }
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
            StepKind::Manual => self.by_hand(step).await,
            StepKind::Await => {
                // Time passes, and what was assigned travels.
                pause(&self.crashed).await;
                let mut server = self.server.borrow_mut();
                interpreter::run(&mut server.world, step);
                Ended::Done
            }
            StepKind::Write => {
                self.note(Fact::StepStarted { step: step.clone() });
                let ended = self.write(step).await;
                if ended == Ended::Done && !self.describe_created(step).await {
                    return Ended::Failed;
                }
                ended
            }
        }
    }

    async fn describe_created(&self, step: &Step) -> bool {
        let Action::CreateSite {
            name,
            description: Some(text),
            ..
        } = &step.action
        else {
            return true;
        };
        let guid = self.bindings.borrow().sites.get(name).copied();
        let describe = Step {
            action: Action::DescribeSite {
                site: SiteRef {
                    name: name.clone(),
                    guid,
                },
                before: String::new(),
                after: text.clone(),
            },
            ..step.clone()
        };
        self.see(&describe).await.is_err() || self.write(&describe).await == Ended::Done
    }

    async fn by_hand(&self, step: &Step) -> Ended {
        let Ok(seen) = self.see(step).await else {
            return Ended::Open;
        };
        match self.judge(step, &seen) {
            Ok(Progress::AlreadyDone) => {
                self.bind(step, &seen);
                self.found(step, &seen, false);
                Ended::Done
            }
            Ok(Progress::Ready(_) | Progress::NotYet(_)) => Ended::Open,
            Err(_) => Ended::Failed,
        }
    }

    fn judge(&self, step: &Step, seen: &Seen) -> Result<Progress, crate::apply::Drifted> {
        judge(&step.action, seen, &self.bindings.borrow(), self.replaces)
    }

    async fn write(&self, step: &Step) -> Ended {
        let mut attempts = 0;
        let noted = Noted {
            intended: Cell::new(false),
            lost: Cell::new(false),
            owes: Cell::new(matches!(
                &step.action,
                Action::AssignPackage { package, .. } if self.undistributed.contains(&package.guid)
            )),
        };
        for _ in 0..ROUNDS + RETRIES {
            let Ok(seen) = self.see(step).await else {
                return Ended::Failed;
            };
            self.bind(step, &seen);
            self.found(step, &seen, noted.intended.get());
            let owed = owed(step).filter(|_| noted.owes.get());
            let writes = match (self.judge(step, &seen), owed) {
                (Ok(Progress::AlreadyDone), Some(owed)) => vec![owed],
                (Ok(Progress::AlreadyDone), None) => return Ended::Done,
                (Ok(Progress::Ready(writes)), _) => writes,
                (Ok(Progress::NotYet(_)) | Err(_), _) => return Ended::Failed,
            };
            match self.send(step, &writes, &noted).await {
                Sent::Whole => {}
                Sent::Refused => return Ended::Failed,
                Sent::Lost if attempts >= RETRIES => return Ended::Failed,
                Sent::Lost => {
                    attempts += 1;
                    continue;
                }
            }
            if matches!(step.action, Action::UpdateDistributionPoints { .. }) {
                return Ended::Done;
            }
            // Read back: this server shows at once what was written.
            let Ok(seen) = self.see(step).await else {
                return Ended::Failed;
            };
            self.bind(step, &seen);
            match self.judge(step, &seen) {
                Ok(Progress::AlreadyDone) => return Ended::Done,
                Ok(Progress::Ready(left)) if left.iter().all(|w| !writes.contains(w)) => {}
                _ => return Ended::Failed,
            }
        }
        Ended::Failed
    }

    async fn send(&self, step: &Step, writes: &[Write], noted: &Noted) -> Sent {
        for write in writes {
            if let Some(intended) = creates(write)
                && !noted.intended.replace(true)
            {
                self.note(Fact::CreationIntended(intended));
            }
            if let (Action::AssignPackage { package, .. }, Write::SetPackageServers { .. }) =
                (&step.action, write)
            {
                self.note(Fact::AssignmentWritten {
                    package: package.clone(),
                });
                noted.owes.set(true);
            }
            pause(&self.crashed).await;
            let fate = self.fates.borrow_mut().next().unwrap_or(Fate::Done);
            let arrives = !matches!(fate, Fate::Refused | Fate::LostBefore | Fate::CrashBefore);
            let created = if arrives {
                self.server.borrow_mut().write(write)
            } else {
                None
            };
            match fate {
                Fate::Done => {
                    self.written(step, write, created);
                    if matches!(write, Write::UpdateDistributionPoints { .. }) {
                        noted.owes.set(false);
                    }
                }
                Fate::Refused => {
                    if let Some(intended) = creates(write)
                        && !noted.lost.get()
                    {
                        self.note(Fact::CreationDropped(intended));
                    }
                    return Sent::Refused;
                }
                Fate::LostBefore | Fate::LostAfter => {
                    noted.lost.set(true);
                    return Sent::Lost;
                }
                Fate::CrashBefore | Fate::CrashAfter => {
                    self.crashed.set(true);
                    pause(&self.crashed).await;
                }
            }
        }
        Sent::Whole
    }

    fn written(&self, step: &Step, write: &Write, created: Option<Guid>) {
        match (&step.action, write, created) {
            (
                Action::CreateSite {
                    name, protected, ..
                },
                Write::CreateSite { .. },
                Some(guid),
            ) => {
                self.bindings.borrow_mut().sites.insert(name.clone(), guid);
                self.created.borrow_mut().insert(guid);
                self.note(Fact::SiteCreated {
                    guid,
                    name: name.clone(),
                    protected: *protected,
                });
            }
            (Action::CreateSubnet { subnet, .. }, Write::CreateSubnet { .. }, Some(guid)) => {
                self.bindings.borrow_mut().subnets.insert(*subnet, guid);
                self.created.borrow_mut().insert(guid);
                self.note(Fact::SubnetCreated {
                    guid,
                    name: Name::new(&subnet.to_string()),
                });
            }
            (action, Write::DeleteResource { resource }, _) => self.note(Fact::Deleted {
                guid: *resource,
                of: match action {
                    Action::DeleteSite { .. } => Some(CountedKind::Sites),
                    Action::DeleteSubnet { .. } => Some(CountedKind::Subnets),
                    _ => None,
                },
            }),
            (_, Write::UpdateDistributionPoints { package }, _) => {
                self.note(Fact::DistributionUpdated { package: *package });
            }
            _ => {}
        }
    }

    fn bind(&self, step: &Step, seen: &Seen) {
        let mut bindings = self.bindings.borrow_mut();
        match (&step.action, seen) {
            (Action::CreateSite { name, .. }, Seen::Sites(found)) => {
                if let [(guid, _)] = found.as_slice() {
                    bindings.sites.insert(name.clone(), *guid);
                }
            }
            (Action::CreateSubnet { subnet, .. }, Seen::Subnets(found)) => {
                if let [(guid, _)] = found.as_slice() {
                    bindings.subnets.insert(*subnet, *guid);
                }
            }
            _ => {}
        }
    }

    fn found(&self, step: &Step, seen: &Seen, intended: bool) {
        match (&step.action, seen) {
            (
                Action::CreateSite {
                    name, protected, ..
                },
                Seen::Sites(found),
            ) => {
                let [(guid, _)] = found.as_slice() else {
                    return;
                };
                if self.created.borrow().contains(guid) {
                    return;
                }
                self.note(if intended {
                    Fact::SiteCreated {
                        guid: *guid,
                        name: name.clone(),
                        protected: *protected,
                    }
                } else {
                    Fact::Recorded {
                        record: Record::AdoptSite {
                            site: ResourceRef {
                                name: name.clone(),
                                guid: *guid,
                            },
                            protected: *protected,
                        },
                    }
                });
            }
            (Action::CreateSubnet { subnet, .. }, Seen::Subnets(found)) => {
                let [(guid, _)] = found.as_slice() else {
                    return;
                };
                if self.created.borrow().contains(guid) {
                    return;
                }
                if intended {
                    self.note(Fact::SubnetCreated {
                        guid: *guid,
                        name: Name::new(&subnet.to_string()),
                    });
                } else {
                    self.note(Fact::Recorded {
                        record: Record::AdoptSubnet {
                            subnet: *subnet,
                            guid: *guid,
                        },
                    });
                }
            }
            _ => {}
        }
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
        bindings: RefCell::default(),
        created: RefCell::default(),
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
        for fact in aftermath(plan, Some(seen), &told, &before) {
            shared.note(fact);
        }
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
