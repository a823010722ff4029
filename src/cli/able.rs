//! Whether the server profile knows enough for the writes of a plan, told before the first of them.
//!
//! Pure. A profile fresh from `profile discover` serves for reading only; a run would fail at its first write.

use super::error::Failure;
use crate::model::{Action, Step};
use crate::plan::Plan;
use crate::profile::{Ability, Profile};

/// The entries whose proof is missing, `None` where every write of the plan can be made.
pub(super) fn lacking(plan: &Plan, profile: &Profile) -> Option<Failure> {
    let mut abilities: Vec<Ability> = plan.steps.iter().flat_map(needs).copied().collect();
    abilities.sort();
    abilities.dedup();
    let mut entries: Vec<String> = abilities
        .into_iter()
        .filter_map(|ability| profile.can(ability).err())
        .flat_map(|missing| missing.entries)
        .map(|entry| format!("`{}` ({})", entry.path, entry.found))
        .collect();
    entries.sort();
    entries.dedup();
    if entries.is_empty() {
        return None;
    }
    let message = format!(
        "the server profile is not good enough for the writes of this plan: {}",
        entries.join(", ")
    );
    Some(Failure::new("SW0330", message).hint(Some(
        "a write needs `verified` or `operator`: compare these entries with the console and confirm them; see docs/profile.md"
            .into(),
    )))
}

fn needs(step: &Step) -> &'static [Ability] {
    match &step.action {
        Action::CreateSite { .. } => &[Ability::CreateSite],
        Action::DescribeSite { .. } => &[Ability::DescribeSite],
        Action::DeleteSite { .. } | Action::DeleteSubnet { .. } => &[Ability::DeleteResource],
        Action::CreateSubnet { .. } => &[Ability::CreateSubnet, Ability::MoveSubnet],
        Action::AssignSubnet { .. } | Action::UnassignSubnet { .. } => &[Ability::MoveSubnet],
        Action::AssignServer { .. } | Action::UnassignServer { .. } => &[Ability::AssignServer],
        Action::AssignPackage { .. } | Action::UpdateDistributionPoints { .. } => {
            &[Ability::AssignPackage]
        }
        Action::AwaitHolders { .. } | Action::Console(_) | Action::Record(_) => &[],
    }
}
