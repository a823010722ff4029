//! Whether the server profile still knows enough for the writes of a plan, told before the first of them.
//!
//! Pure. A plan leaves to a person what its profile was not sure enough of; a profile that has lost a proof since is
//! found here, before a run stops half-way.

use super::error::Failure;
use crate::apply::unproven;
use crate::plan::Plan;
use crate::profile::Profile;

/// The entries whose proof is missing by now, `None` where every write of the plan can be made.
pub(super) fn short_of(plan: &Plan, profile: &Profile) -> Option<Failure> {
    let entries: Vec<String> = unproven(plan, profile).into_iter().collect();
    if entries.is_empty() {
        return None;
    }
    let message = format!(
        "the server profile is no longer good enough for the writes of this plan: {}",
        entries.join(", ")
    );
    Some(Failure::new("SW0330", message).hint(Some(
        "make a new plan, which leaves them to a person, or prove these entries again with `sitewright profile verify`"
            .into(),
    )))
}
