//! The place of renames in the order of steps: before everything else that is done to the site.
//!
//! Pure.

use std::collections::BTreeMap;

use super::steps::Builder;
use crate::model::{Action, Assignment, ConsoleStep, Guid, SiteRef};

/// The sites that an action is about or speaks of, as far as they are there; none for a rename itself, and for what
/// only our state is told.
fn sites_of(action: &Action) -> Vec<Guid> {
    let guids = |sites: &[&SiteRef]| sites.iter().filter_map(|site| site.guid).collect();
    match action {
        Action::DescribeSite { site, .. }
        | Action::DeleteSite { site }
        | Action::CreateSubnet { site, .. }
        | Action::AssignServer { site, .. }
        | Action::UnassignServer { site, .. }
        | Action::Constrain { site, .. }
        | Action::Console(ConsoleStep::Constrain { site, .. }) => guids(&[site]),
        Action::AssignSubnet { before, site, .. } => {
            let all: Vec<&SiteRef> = before.iter().chain([site]).collect();
            guids(&all)
        }
        Action::UnassignSubnet { before, .. } | Action::DeleteSubnet { before, .. } => {
            guids(&before.iter().collect::<Vec<_>>())
        }
        Action::AssignPackage {
            after: Assignment::Sites { sites, .. },
            ..
        } => sites.iter().copied().collect(),
        Action::AssignPackage { .. }
        | Action::CreateSite { .. }
        | Action::RenameSite { .. }
        | Action::UpdateDistributionPoints { .. }
        | Action::AwaitHolders { .. }
        | Action::SetCaptureTarget { .. }
        | Action::Console(_)
        | Action::Record(_) => Vec::new(),
    }
}

impl Builder<'_> {
    /// What is done to a site that gets another name is done once it has it: whoever follows the plan in the console
    /// finds every site by the name that the plan says.
    pub(super) fn renames_first(&mut self) {
        let renames: BTreeMap<Guid, usize> = self
            .drafts
            .iter()
            .enumerate()
            .filter_map(|(index, draft)| match &draft.action {
                Action::RenameSite { site, before: _ } => Some((site.guid?, index)),
                _ => None,
            })
            .collect();
        if renames.is_empty() {
            return;
        }
        for draft in &mut self.drafts {
            let after = sites_of(&draft.action).into_iter();
            draft
                .depends_on
                .extend(after.filter_map(|site| renames.get(&site)));
        }
    }
}
