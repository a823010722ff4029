//! What is remembered of a run beside its steps: the subnets that belong to no site.
//!
//! Pure. Only what changed is written down, since an SMP may hold a hundred thousand subnets that nobody assigned.

use std::collections::BTreeSet;

use crate::journal::Fact;
use crate::model::{Action, Ownership, Snapshot, Step, Subnet};

/// The fact to write, where the subnets in no site are others than those that are remembered.
///
/// `done` holds the steps of the run that were carried out after `snapshot` was read. `None` also where the subnets
/// could not be read.
#[must_use]
pub fn unassigned_seen(snapshot: &Snapshot, done: &[&Step], ownership: &Ownership) -> Option<Fact> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::*;
    use crate::model::{By, SiteRef, StepId};

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
