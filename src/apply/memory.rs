//! What is remembered of a run beside its steps: the subnets that belong to no site, how many of each kind there are, and
//! what was about to be created and never was.
//!
//! Pure. Only what changed is written down, since an SMP may hold a hundred thousand subnets that nobody assigned.

use std::collections::{BTreeMap, BTreeSet};

use super::failed::INCONSISTENT;
use super::step::awaits;
use crate::journal::Fact;
use crate::model::{
    Action, ConsoleStep, Count, CountedKind, Guid, Ignorable, Intended, Name, Outcome, Ownership,
    Record, Snapshot, Step, StepId, StepKind, Subnet,
};
use crate::observe::writes;
use crate::plan::{Plan, lacking};
use crate::profile::Profile;

/// The fact to write, where the subnets in no site are others than those that are remembered.
///
/// `done` holds the steps of the run that were carried out after `snapshot` was read. `None` also where the subnets
/// could not be read.
fn unassigned_seen(snapshot: &Snapshot, done: &[&Step], ownership: &Ownership) -> Option<Fact> {
    let mut seen: BTreeSet<Subnet> = snapshot
        .subnets
        .known()?
        .iter()
        .filter(|observed| observed.sites.is_empty())
        .filter_map(|observed| observed.subnet.clone().ok())
        .collect();
    for step in done {
        match &step.action {
            Action::UnassignSubnet { subnet, .. } => {
                seen.insert(*subnet);
            }
            Action::AssignSubnet { subnet, .. } | Action::DeleteSubnet { subnet, .. } => {
                seen.remove(subnet);
            }
            _ => {}
        }
    }
    let nothing = BTreeSet::new();
    let remembered = ownership.unassigned.as_ref();
    if remembered == Some(&seen) {
        return None;
    }
    let remembered = remembered.unwrap_or(&nothing);
    Some(Fact::UnassignedSeen {
        appeared: seen.difference(remembered).copied().collect(),
        gone: remembered.difference(&seen).copied().collect(),
    })
}

/// The facts to write of what earlier runs were about to create, of which no step speaks: it never came about, or it is
/// declared no longer, and then nobody can tell whose it is.
///
/// `steps` are those of a plan that was made with all of the server in view.
fn forgotten(ownership: &Ownership, steps: &[Step]) -> Vec<Fact> {
    let spoken_of: BTreeSet<Intended> = steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::CreateSite { name, .. } => Some((CountedKind::Sites, name.clone())),
            Action::Record(Record::AdoptSite { site, .. }) => {
                Some((CountedKind::Sites, site.name.clone()))
            }
            Action::CreateSubnet { subnet, .. }
            | Action::Record(Record::AdoptSubnet { subnet, .. }) => {
                Some((CountedKind::Subnets, Name::new(&subnet.to_string())))
            }
            _ => None,
        })
        .map(|(of, name)| Intended { of, name })
        .collect();
    let over = ownership.intended.difference(&spoken_of);
    over.cloned().map(Fact::CreationDropped).collect()
}

/// The facts to write of packages that earlier runs were to wait for, and that no step waits for any more: they are there,
/// or declared otherwise.
///
/// `steps` are those of a plan that was made with all of the server in view.
fn arrived(ownership: &Ownership, steps: &[Step]) -> Vec<Fact> {
    let waited: BTreeSet<Guid> = steps
        .iter()
        .filter_map(|step| awaits(&step.action))
        .map(|package| package.guid)
        .collect();
    let over = ownership
        .awaited
        .keys()
        .filter(|guid| !waited.contains(guid));
    over.map(|guid| Fact::HoldersThere { package: *guid })
        .collect()
}

/// The fact to write of what sites were created with, by this run or one before, and of which nothing is left to do.
///
/// `steps` are those of a plan for everything, `over` those of them that are done, or that the server took and does not
/// keep: trying again changes nothing, and what is ignored from then on is not tried again.
fn finished(ownership: &Ownership, steps: &[Step], over: &BTreeSet<&StepId>) -> Option<Fact> {
    let unfinished = ownership.unfinished.iter();
    let mut sites: BTreeMap<Name, BTreeSet<Ignorable>> = unfinished
        .filter_map(|(guid, fields)| {
            let owned = ownership.sites.get(guid)?;
            Some((owned.name.clone(), fields.clone()))
        })
        .collect();
    sites.extend(steps.iter().filter_map(|step| {
        let name = match &step.action {
            Action::CreateSite { name, .. } => name.clone(),
            Action::Record(Record::AdoptSite { site, .. }) => {
                let of = CountedKind::Sites;
                let name = site.name.clone();
                let intended = Intended { of, name };
                let is_ours = ownership.intended.contains(&intended);
                is_ours.then_some(intended.name)?
            }
            _ => return None,
        };
        Some((name, Ignorable::ALL.into()))
    }));
    for step in steps.iter().filter(|step| !over.contains(&step.id)) {
        let (of, fields) = completes(&step.action);
        for site in of {
            if let Some(finished) = sites.get_mut(site) {
                finished.retain(|field| !fields.contains(field));
            }
        }
    }
    sites.retain(|_, fields| !fields.is_empty());
    (!sites.is_empty()).then_some(Fact::CreationFinished { sites })
}

/// The sites that an action gives something of what they are declared with, and what.
fn completes(action: &Action) -> (Vec<&Name>, &'static [Ignorable]) {
    match action {
        Action::CreateSite { name, .. } => (vec![name], &Ignorable::ALL),
        Action::Record(Record::AdoptSite { site, .. }) => (vec![&site.name], &Ignorable::ALL),
        Action::DescribeSite { site, .. } => (vec![&site.name], &[Ignorable::Description]),
        Action::CreateSubnet { site, .. } | Action::AssignSubnet { site, .. } => {
            (vec![&site.name], &[Ignorable::Subnets])
        }
        Action::UnassignSubnet { before, .. } | Action::DeleteSubnet { before, .. } => {
            let sites = before.iter().map(|site| &site.name);
            (sites.collect(), &[Ignorable::Subnets])
        }
        Action::AssignServer { site, .. } | Action::UnassignServer { site, .. } => {
            (vec![&site.name], &[Ignorable::Servers])
        }
        Action::Constrain { site, .. } | Action::Console(ConsoleStep::Constrain { site, .. }) => {
            (vec![&site.name], &[Ignorable::ConstrainToSite])
        }
        _ => (Vec::new(), &[]),
    }
}

/// The fact to write, where a run leaves other numbers behind than those that are remembered.
///
/// `seen` holds those that the plan was made with, `done` the steps that were carried out since.
fn counted(
    seen: &BTreeMap<CountedKind, u64>,
    done: &[&Step],
    ownership: &Ownership,
) -> Option<Fact> {
    let mut counts = seen.clone();
    // Numbers may be as they were, and yet be those of other objects.
    let mut stirred = BTreeSet::new();
    for step in done {
        let (kind, more) = match &step.action {
            Action::CreateSite { .. } => (CountedKind::Sites, true),
            Action::DeleteSite { .. } => (CountedKind::Sites, false),
            Action::CreateSubnet { .. } => (CountedKind::Subnets, true),
            Action::DeleteSubnet { .. } => (CountedKind::Subnets, false),
            _ => continue,
        };
        stirred.insert(kind);
        if let Some(count) = counts.get_mut(&kind) {
            *count = if more {
                count.saturating_add(1)
            } else {
                count.saturating_sub(1)
            };
        }
    }
    counts.retain(|kind, count| {
        stirred.contains(kind) || ownership.counted.get(kind) != Some(&Count::of(*count))
    });
    (!counts.is_empty()).then_some(Fact::Counted { counts })
}

/// Whether the server took a step and does not keep what was asked for.
fn is_not_kept(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { code, .. } if code == INCONSISTENT)
}

/// The facts to write of sites of ours that go by other names than those that are remembered, whoever renamed them.
fn renamed(snapshot: Option<&Snapshot>, done: &[&Step], ownership: &Ownership) -> Vec<Fact> {
    let mut names: BTreeMap<Guid, &Name> = snapshot
        .and_then(|snapshot| snapshot.sites.known())
        .into_iter()
        .flatten()
        .map(|site| (site.guid, site.shown.as_ref().unwrap_or(&site.name)))
        .collect();
    names.extend(done.iter().filter_map(|step| match &step.action {
        Action::RenameSite { site, before: _ } => Some((site.guid?, &site.name)),
        _ => None,
    }));
    let adopted = done.iter().filter_map(|step| match &step.action {
        Action::Record(Record::AdoptSite { site, .. }) => Some((site.guid, &site.name)),
        _ => None,
    });
    let owned = ownership.sites.iter();
    let remembered: BTreeMap<Guid, &Name> = owned
        .map(|(guid, owned)| (*guid, &owned.name))
        .chain(adopted)
        .collect();
    remembered
        .into_iter()
        .filter_map(|(guid, known)| {
            let name = names.get(&guid).filter(|name| **name != known)?;
            Some(Fact::SiteRenamed {
                guid,
                name: (*name).clone(),
            })
        })
        .collect()
}

/// The steps of a plan that are done.
#[must_use]
pub fn carried_out<'a>(plan: &'a Plan, outcomes: &[(StepId, Outcome)]) -> Vec<&'a Step> {
    let done: BTreeSet<&StepId> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Done | Outcome::AlreadyDone))
        .map(|(id, _)| id)
        .collect();
    let steps = plan.steps.iter();
    steps.filter(|step| done.contains(&step.id)).collect()
}

/// Everything that is to be written down beside the steps of a run, where that is not remembered already. What was read
/// is not known where the plan was made by an earlier command.
#[must_use]
pub fn aftermath(
    plan: &Plan,
    snapshot: Option<&Snapshot>,
    outcomes: &[(StepId, Outcome)],
    ownership: &Ownership,
) -> Vec<Fact> {
    let done = carried_out(plan, outcomes);
    let done = done.as_slice();
    let unassigned = snapshot.and_then(|snapshot| unassigned_seen(snapshot, done, ownership));
    // What is left out, or could not be read, no step speaks of.
    let whole = !plan.is_partial() && !plan.is_blocked();
    // Only whoever has just read the server can tell what never came about.
    let read = snapshot.filter(|_| whole);
    let forgotten = read.map(|_| forgotten(ownership, &plan.steps));
    let arrived = read.map(|_| arrived(ownership, &plan.steps));
    let not_kept = outcomes.iter().filter(|(_, outcome)| is_not_kept(outcome));
    let over = done.iter().map(|step| &step.id);
    let over = over.chain(not_kept.map(|(id, _)| id)).collect();
    let finished = whole.then(|| finished(ownership, &plan.steps, &over));
    unassigned
        .into_iter()
        .chain(renamed(snapshot, done, ownership))
        .chain(counted(&plan.counts, done, ownership))
        .chain(forgotten.into_iter().flatten())
        .chain(arrived.into_iter().flatten())
        .chain(finished.flatten())
        .collect()
}

/// The entries of a profile whose proof is missing by now; empty where every write of the plan can be made.
#[must_use]
pub fn unproven(plan: &Plan, profile: &Profile) -> BTreeSet<String> {
    let writes = writes(profile);
    plan.steps
        .iter()
        .filter(|step| step.kind() == StepKind::Write)
        .flat_map(|step| lacking(&step.action, &writes))
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::testing::*;
    use crate::model::{By, Safety, SiteRef};
    use crate::plan::{Inputs, Narrowing, make};

    fn fact(appeared: &[&str], gone: &[&str]) -> Fact {
        let nets = |list: &[&str]| list.iter().map(|text| net(text)).collect();
        Fact::UnassignedSeen {
            appeared: nets(appeared),
            gone: nets(gone),
        }
    }

    fn step(action: Action) -> Step {
        Step {
            id: StepId("x".into()),
            action,
            by: By::Api,
            reason: String::new(),
            depends_on: vec![],
        }
    }

    #[test]
    fn only_what_changed_is_written() {
        let seen = world()
            .site("HQ")
            .subnet("10.0.0.0/24", &["HQ"])
            .subnet("10.0.1.0/24", &[])
            .subnet("10.0.2.0/24", &[]);
        let mut ownership = Ownership::default();
        let first = unassigned_seen(&seen.snapshot, &[], &ownership);
        assert_eq!(first, Some(fact(&["10.0.1.0/24", "10.0.2.0/24"], &[])));
        ownership.unassigned = Some([net("10.0.1.0/24"), net("10.0.9.0/24")].into());
        let second = unassigned_seen(&seen.snapshot, &[], &ownership);
        assert_eq!(second, Some(fact(&["10.0.2.0/24"], &["10.0.9.0/24"])));
        ownership.unassigned = Some([net("10.0.1.0/24"), net("10.0.2.0/24")].into());
        assert_eq!(unassigned_seen(&seen.snapshot, &[], &ownership), None);
        // What the run itself does counts as seen.
        let guid = seen.site_guid("HQ");
        let hq = SiteRef {
            name: crate::model::Name::new("HQ"),
            guid: Some(guid),
        };
        let takes = step(Action::AssignSubnet {
            subnet: net("10.0.1.0/24"),
            guid,
            before: vec![],
            site: hq.clone(),
        });
        let leaves = step(Action::UnassignSubnet {
            subnet: net("10.0.0.0/24"),
            guid,
            before: vec![hq],
        });
        let after = unassigned_seen(&seen.snapshot, &[&takes, &leaves], &ownership);
        assert_eq!(after, Some(fact(&["10.0.0.0/24"], &["10.0.1.0/24"])));
    }

    #[test]
    fn numbers_are_those_that_a_run_leaves_behind() {
        let delete = |number: u128| {
            step(Action::DeleteSubnet {
                subnet: net("10.0.1.0/24"),
                guid: crate::model::Guid::from_u128(number),
                before: vec![],
            })
        };
        let create = step(Action::CreateSite {
            name: crate::model::Name::new("HQ"),
            description: None,
            protected: false,
        });
        let seen: BTreeMap<CountedKind, u64> =
            [(CountedKind::Sites, 1), (CountedKind::Subnets, 9)].into();
        let fact = |counts: &[(CountedKind, u64)]| {
            Some(Fact::Counted {
                counts: counts.iter().copied().collect(),
            })
        };
        let mut ownership = Ownership::default();
        assert_eq!(
            counted(&seen, &[&delete(1), &delete(2), &create], &ownership),
            fact(&[(CountedKind::Sites, 2), (CountedKind::Subnets, 7)])
        );
        ownership.counted = [
            (CountedKind::Sites, Count::of(1)),
            (CountedKind::Subnets, Count::of(9)),
        ]
        .into();
        assert_eq!(counted(&seen, &[], &ownership), None);
        // What was deleted by a run that came to no count is counted now.
        if let Some(count) = ownership.counted.get_mut(&CountedKind::Subnets) {
            count.deleted.insert(crate::model::Guid::from_u128(1));
        }
        assert_eq!(
            counted(&seen, &[], &ownership),
            fact(&[(CountedKind::Subnets, 9)])
        );
        // A list in doubt was not counted, whatever the steps did.
        let sites = [(CountedKind::Sites, 1)].into();
        assert_eq!(
            counted(&sites, &[&create], &ownership),
            fact(&[(CountedKind::Sites, 2)])
        );
        assert_eq!(counted(&sites, &[&delete(3)], &ownership), None);
    }

    #[test]
    fn what_was_about_to_be_created_is_remembered_while_a_step_speaks_of_it() {
        let create = step(Action::CreateSite {
            name: crate::model::Name::new("HQ"),
            description: None,
            protected: false,
        });
        let adopt = step(Action::Record(Record::AdoptSubnet {
            subnet: net("10.0.1.0/24"),
            guid: crate::model::Guid::from_u128(1),
        }));
        let intended = |of, name: &str| Intended {
            of,
            name: Name::new(name),
        };
        let ownership = Ownership {
            intended: [
                intended(CountedKind::Sites, "hq"),
                intended(CountedKind::Sites, "10.0.1.0/24"),
                intended(CountedKind::Subnets, "10.0.1.0/24"),
            ]
            .into(),
            ..Ownership::default()
        };
        assert_eq!(
            forgotten(&ownership, &[create, adopt]),
            [Fact::CreationDropped(intended(
                CountedKind::Sites,
                "10.0.1.0/24"
            ))]
        );
        assert_eq!(forgotten(&ownership, &[]).len(), 3);
        assert_eq!(forgotten(&Ownership::default(), &[]), []);
    }

    #[test]
    fn a_plan_for_a_part_says_nothing_of_the_rest() {
        let seen = world();
        let wanted = desired().site("HQ").site("Lab");
        let intended = |name: &str| Intended {
            of: CountedKind::Sites,
            name: Name::new(name),
        };
        let (lab, old) = (intended("Lab"), intended("Old"));
        let ownership = Ownership {
            intended: [lab, old.clone()].into(),
            ..Ownership::default()
        };
        let dropped = |targets: &[&str]| -> Vec<Fact> {
            let narrowing = Narrowing {
                targets: targets.iter().map(|one| one.parse().unwrap()).collect(),
                ..Narrowing::default()
            };
            let plan = make(&Inputs {
                desired: &wanted,
                snapshot: &seen.snapshot,
                ownership: &ownership,
                takeover: false,
                allow_stranded: 0,
                safety: &Safety::default(),
                acceptance: None,
                overrides: None,
                now: jiff::Timestamp::UNIX_EPOCH,
                stale_since: None,
                narrowing: Some(&narrowing),
                lineage: "",
                serial: 0,
                journal_sequence: 0,
                tool_version: "0.0.0",
            })
            .unwrap();
            let mut facts = aftermath(&plan, Some(&seen.snapshot), &[], &ownership);
            facts.retain(|fact| matches!(fact, Fact::CreationDropped(_)));
            facts
        };
        assert_eq!(dropped(&[]), [Fact::CreationDropped(old)]);
        assert_eq!(dropped(&["Site/HQ"]), []);
    }

    #[test]
    fn an_empty_list_is_remembered_and_an_unread_one_is_not() {
        let none = world();
        let ownership = Ownership::default();
        assert_eq!(
            unassigned_seen(&none.snapshot, &[], &ownership),
            Some(fact(&[], &[]))
        );
        let unread = world().but(|snapshot| {
            snapshot.subnets = crate::model::Observed::Unavailable("denied".into());
        });
        assert_eq!(unassigned_seen(&unread.snapshot, &[], &ownership), None);
    }
}
