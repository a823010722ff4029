//! API or console: the one place that decides who makes a change.
//!
//! Pure. A write whose server profile is not sure enough becomes a console step with the same id, the same place in the
//! order and the same precheck: who carries it out is all that differs.

use std::collections::BTreeSet;

use super::{Note, Severity, Standing};
use crate::model::{Action, By, Step, StepKind, Writes, Writing};

/// The id of the note that says why writes are left to a person.
pub(super) const BY_HAND: &str = "by-hand";

/// Says who carries an action out, given what can be written.
///
/// What is no write is carried by nobody else, whatever can be written.
#[must_use]
pub fn carried_by(action: &Action, writes: &Writes) -> By {
    if needs(action).iter().all(|writing| writes.can(*writing)) {
        By::Api
    } else {
        By::Console
    }
}

/// What must be writable for an action to be carried out by API.
#[must_use]
pub fn needs(action: &Action) -> &'static [Writing] {
    match action {
        Action::CreateSite { .. } => &[Writing::CreateSite],
        Action::DescribeSite { .. } => &[Writing::DescribeSite],
        Action::DeleteSite { .. } => &[Writing::DeleteResource],
        Action::CreateSubnet { .. } => &[Writing::CreateSubnet, Writing::MoveSubnet],
        Action::AssignSubnet { .. } | Action::UnassignSubnet { .. } => &[Writing::MoveSubnet],
        // It leaves its sites before it goes.
        Action::DeleteSubnet { before, .. } => {
            if before.is_empty() {
                &[Writing::DeleteResource]
            } else {
                &[Writing::DeleteResource, Writing::MoveSubnet]
            }
        }
        Action::AssignServer { .. } | Action::UnassignServer { .. } => &[Writing::AssignServer],
        Action::AssignPackage { .. } | Action::UpdateDistributionPoints { .. } => {
            &[Writing::AssignPackage]
        }
        Action::AwaitHolders { .. } | Action::Console(_) | Action::Record(_) => &[],
    }
}

/// The profile's entries for lack of which an action is not carried out by API, each with its standing.
pub fn lacking<'a>(action: &Action, writes: &'a Writes) -> impl Iterator<Item = &'a str> {
    needs(action)
        .iter()
        .flat_map(|writing| writes.lacking(*writing))
}

/// Gives every step to whoever can carry it out, and says once what the profile lacks for the rest.
pub(super) fn give_out(steps: &mut [Step], writes: &Writes) -> Option<Note> {
    let mut entries: BTreeSet<&str> = BTreeSet::new();
    let mut by_hand = 0_usize;
    for step in steps {
        step.by = carried_by(&step.action, writes);
        if step.by == By::Console && step.kind() == StepKind::Manual {
            by_hand += 1;
            entries.extend(lacking(&step.action, writes));
        }
    }
    if by_hand == 0 {
        return None;
    }
    let entries: Vec<&str> = entries.into_iter().collect();
    let (steps, are) = if by_hand == 1 {
        ("step", "is")
    } else {
        ("steps", "are")
    };
    Some(Note {
        severity: Severity::Info,
        standing: Standing::Remains,
        id: BY_HAND.into(),
        message: format!(
            "{by_hand} {steps} that could be written by API {are} left to a person: for a write the server profile \
             lacks {}",
            entries.join(", ")
        ),
        remedy: "do them in the console (`sitewright runbook` says how), or prove these entries first: a write needs \
                 `verified` or `operator`, see docs/profile.md"
            .into(),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    })
}
