//! Kahn's algorithm, stable: drafts with dependencies → steps in an order that is the same for the same set.
//!
//! Pure. Among the drafts that are free, the lowest phase comes first and within it the lowest id.

use std::collections::{BTreeSet, HashSet};

use crate::model::{Action, By, ConsoleStep, Guid, Record, Step, StepId};

/// A step before it is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Stable id.
    pub id: StepId,
    /// What it does.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Where it comes among drafts that are free at the same time.
    pub phase: u8,
    /// Positions of drafts that must be done before.
    pub depends_on: Vec<usize>,
}

/// Steps that wait for each other. A defect of the planner, and said rather than hidden.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the steps {} wait for each other", .0.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "))]
pub struct OrderError(pub Vec<StepId>);

/// Orders drafts.
///
/// # Guarantees
/// The result does not depend on the order of `drafts`; every step's dependencies have smaller indices.
///
/// # Errors
/// [`OrderError`] names the steps of a cycle and those behind it.
pub fn order(drafts: Vec<Draft>) -> Result<Vec<Step>, OrderError> {
    let mut waiting: Vec<usize> = vec![0; drafts.len()];
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    let keys: Vec<(u8, StepId)> = drafts.iter().map(|d| (d.phase, d.id.clone())).collect();
    for (index, draft) in drafts.iter().enumerate() {
        let unique: BTreeSet<usize> = draft.depends_on.iter().copied().collect();
        for on in unique {
            if let Some(list) = behind.get_mut(on) {
                list.push(index);
                if let Some(count) = waiting.get_mut(index) {
                    *count += 1;
                }
            }
        }
    }
    // Ids are long, so they are compared once.
    let mut by_rank: Vec<usize> = (0..keys.len()).collect();
    by_rank.sort_by_key(|index| (keys.get(*index), *index));
    let mut rank: Vec<usize> = vec![0; keys.len()];
    for (place, index) in by_rank.iter().enumerate() {
        if let Some(rank) = rank.get_mut(*index) {
            *rank = place;
        }
    }
    let mut free: BTreeSet<(usize, usize)> = rank
        .iter()
        .enumerate()
        .filter(|(index, _)| waiting.get(*index) == Some(&0))
        .map(|(index, rank)| (*rank, index))
        .collect();
    let mut position: Vec<Option<u32>> = vec![None; drafts.len()];
    let mut sequence = Vec::with_capacity(drafts.len());
    while let Some((_, index)) = free.pop_first() {
        if let Some(place) = position.get_mut(index) {
            *place = u32::try_from(sequence.len()).ok();
        }
        sequence.push(index);
        for next in behind.get(index).into_iter().flatten() {
            if let (Some(count), Some(rank)) = (waiting.get_mut(*next), rank.get(*next)) {
                *count -= 1;
                if *count == 0 {
                    free.insert((*rank, *next));
                }
            }
        }
    }
    if sequence.len() < drafts.len() {
        return Err(OrderError(
            keys.into_iter()
                .zip(&position)
                .filter(|(_, place)| place.is_none())
                .map(|((_, id), _)| id)
                .collect(),
        ));
    }
    let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    Ok(sequence
        .into_iter()
        .filter_map(|index| drafts.get_mut(index)?.take())
        .map(|draft| {
            let Draft {
                id,
                action,
                reason,
                phase: _, // only orders
                depends_on,
            } = draft;
            let depends_on: BTreeSet<u32> = depends_on
                .into_iter()
                .filter_map(|on| position.get(on).copied().flatten())
                .collect();
            Step {
                id,
                action,
                by: By::Api,
                reason,
                depends_on: depends_on.into_iter().collect(),
            }
        })
        .collect())
}

/// Makes ids unique where several objects have one name, as two packages may: their GUID tells them apart.
pub(super) fn tell_apart(drafts: &mut [Draft]) {
    let mut seen: HashSet<&StepId> = HashSet::with_capacity(drafts.len());
    let twice: BTreeSet<StepId> = drafts
        .iter()
        .filter(|draft| !seen.insert(&draft.id))
        .map(|draft| draft.id.clone())
        .collect();
    for draft in drafts.iter_mut().filter(|_| !twice.is_empty()) {
        if twice.contains(&draft.id)
            && let Some(guid) = guid(&draft.action)
        {
            draft.id.0 = format!("{}#{guid}", draft.id.0);
        }
    }
}

/// The GUID of what an action is about, as far as two objects of one name may be told apart by it.
fn guid(action: &Action) -> Option<Guid> {
    match action {
        Action::CreateSite { .. } | Action::CreateSubnet { .. } => None,
        Action::RenameSite { site, .. }
        | Action::DescribeSite { site, .. }
        | Action::DeleteSite { site }
        | Action::Constrain { site, .. } => site.guid,
        Action::AssignSubnet { guid, .. }
        | Action::UnassignSubnet { guid, .. }
        | Action::DeleteSubnet { guid, .. } => Some(*guid),
        Action::AssignServer { server, .. } | Action::SetCaptureTarget { server, .. } => {
            Some(server.guid)
        }
        // Two sites of one name may both go, and so may two servers of one name.
        Action::UnassignServer { server, site } => Some(Guid::from_u128(
            server.guid.as_u128() ^ site.guid.unwrap_or(Guid::NIL).as_u128(),
        )),
        Action::AssignPackage { package, .. }
        | Action::UpdateDistributionPoints { package }
        | Action::AwaitHolders { package, .. } => Some(package.guid),
        Action::Console(step) => match step {
            ConsoleStep::InstallRole { server, .. }
            | ConsoleStep::InstallPlugIn { server, .. }
            | ConsoleStep::CaptureTarget { server } => Some(server.guid),
            ConsoleStep::Constrain { site, .. } => site.guid,
            ConsoleStep::InvalidSubnets { .. } => None,
            ConsoleStep::ConfirmHolder { package, .. } => Some(package.guid),
        },
        Action::Record(record) => match record {
            Record::AdoptSite { site, .. }
            | Record::ReleaseSite { site, .. }
            | Record::Protect { site, .. } => Some(site.guid),
            Record::AdoptSubnet { guid, .. } | Record::ReleaseSubnet { guid, .. } => Some(*guid),
            Record::AcceptFewer { .. } | Record::Override { .. } | Record::Thaw { .. } => None,
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::Name;

    fn draft(id: &str, phase: u8, depends_on: &[usize]) -> Draft {
        Draft {
            id: StepId(id.into()),
            action: Action::CreateSite {
                name: Name::new(id),
                description: None,
                protected: false,
            },
            reason: String::new(),
            phase,
            depends_on: depends_on.to_vec(),
        }
    }

    fn ids(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|step| step.id.0.as_str()).collect()
    }

    #[test]
    fn is_stable() {
        let one = order(vec![
            draft("c", 1, &[2]),
            draft("b", 0, &[]),
            draft("a", 2, &[]),
        ])
        .unwrap();
        assert_eq!(ids(&one), ["b", "a", "c"]);
        assert_eq!(one.last().unwrap().depends_on, [1]);
        let two = order(vec![
            draft("a", 2, &[]),
            draft("c", 1, &[0]),
            draft("b", 0, &[]),
        ])
        .unwrap();
        assert_eq!(one, two);
    }

    #[test]
    fn names_a_cycle() {
        let error = order(vec![
            draft("a", 0, &[1]),
            draft("b", 0, &[0]),
            draft("c", 0, &[]),
        ])
        .unwrap_err();
        assert_eq!(error.to_string(), "the steps `a`, `b` wait for each other");
    }
}
