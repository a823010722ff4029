//! Whether the server profile still knows enough for the writes of a plan, told before the first of them.
//!
//! Pure. A plan leaves to a person what its profile was not sure enough of; a profile that has lost a proof since is
//! found here, before a run stops half-way.

use std::collections::BTreeSet;

use super::error::Failure;
use crate::model::StepKind;
use crate::observe::writes;
use crate::plan::{Plan, lacking};
use crate::profile::Profile;

/// The entries whose proof is missing by now, `None` where every write of the plan can be made.
pub(super) fn short_of(plan: &Plan, profile: &Profile) -> Option<Failure> {
    let writes = writes(profile);
    let entries: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|step| step.kind() == StepKind::Write)
        .flat_map(|step| lacking(&step.action, &writes))
        .collect();
    if entries.is_empty() {
        return None;
    }
    let entries: Vec<&str> = entries.into_iter().collect();
    let message = format!(
        "the server profile is no longer good enough for the writes of this plan: {}",
        entries.join(", ")
    );
    Some(Failure::new("SW0330", message).hint(Some(
        "make a new plan, which leaves them to a person, or prove these entries again with `sitewright profile verify`"
            .into(),
    )))
}
