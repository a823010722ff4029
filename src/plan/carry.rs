//! API or console: the one place that decides who makes a change.
//!
//! Pure. A write whose server profile is not sure enough becomes a console step with the same id, the same place in the
//! order and the same precheck: who carries it out is all that differs.

use std::collections::BTreeSet;

use super::{Note, Severity, Standing};
use crate::diff::{Change, Found};
use crate::model::{Action, By, ConsoleStep, Step, StepKind, Writes, Writing};

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
        Action::RenameSite { .. } => &[Writing::RenameSite],
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
        Action::Constrain { .. } => &[Writing::Constrain],
        Action::SetCaptureTarget { .. } => &[Writing::CaptureTarget],
        Action::AwaitHolders { .. } | Action::Console(_) | Action::Record(_) => &[],
    }
}

/// The profile's entries for lack of which an action is not carried out by API, each with its standing.
pub fn lacking<'a>(action: &Action, writes: &'a Writes) -> impl Iterator<Item = &'a str> {
    needs(action)
        .iter()
        .flat_map(|writing| writes.lacking(*writing))
}

/// The call that makes the change of a console step, for the settings that may be written as item XML.
fn by_call(step: &ConsoleStep, changes: &[Found], writes: &Writes) -> Option<Action> {
    let (action, writing) = match step {
        ConsoleStep::Constrain { site, on } => (
            Action::Constrain {
                site: site.clone(),
                on: *on,
            },
            Writing::Constrain,
        ),
        ConsoleStep::CaptureTarget { server } => {
            // What cannot be read cannot be compared before it is written.
            let before = changes.iter().find_map(|found| match &found.change {
                Change::CaptureTarget {
                    before,
                    after: _, // the server of the step
                    readable: true,
                } => Some(before.as_ref().map(|before| before.guid)),
                _ => None,
            })?;
            let action = Action::SetCaptureTarget {
                before,
                server: server.clone(),
            };
            (action, Writing::CaptureTarget)
        }
        ConsoleStep::InstallRole { server: _, role: _ }
        | ConsoleStep::InstallPlugIn {
            server: _,
            plug_in: _,
        }
        | ConsoleStep::InvalidSubnets { expression: _ }
        | ConsoleStep::ConfirmHolder {
            package: _,
            servers: _,
        } => return None,
    };
    writes.can(writing).then_some(action)
}

/// Turns console steps into writes, where the server profile is sure enough and the operator said so.
pub(super) fn take_over(steps: &mut [Step], changes: &[Found], writes: &Writes) {
    for step in steps {
        if let Action::Console(console) = &step.action
            && let Some(action) = by_call(console, changes, writes)
        {
            step.action = action;
        }
    }
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
