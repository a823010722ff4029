//! What an attempt saw, as it is told: what differs, what waits for a person, what keeps the plan from being applied.
//!
//! Pure.

use std::collections::BTreeSet;

use super::drift::differences;
use super::report::Sight;
use crate::drift::Drift;
use crate::model::{Attendance, Step, StepGroup, StepId, StepKind, attendance, is_unattended};
use crate::plan::{Plan, Severity, Standing};

/// What is to be told of a plan, of the part of it that may be done unattended, and of what the world changed.
pub(super) fn sight(
    whole: &Plan,
    part: Option<&Plan>,
    found: &Drift,
    groups: &BTreeSet<StepGroup>,
) -> Sight {
    let nothing = BTreeSet::new();
    // Whoever only looks does nothing, so that nothing waits for a person more than the rest.
    let (may, done): (_, BTreeSet<&StepId>) = match part {
        Some(part) => (groups, part.steps.iter().map(|step| &step.id).collect()),
        None => (&nothing, BTreeSet::new()),
    };
    let waits = whole
        .steps
        .iter()
        .filter(|step| step.kind() != StepKind::Record || !is_unattended(step, may))
        .filter(|step| step.kind() == StepKind::Manual || !done.contains(&step.id))
        .filter(|step| part.is_some() || step.kind() == StepKind::Manual)
        .map(|step| (step.id.clone(), why(step, may)))
        .collect();
    let plans = std::iter::once(whole).chain(part);
    let blocks = plans
        .flat_map(|plan| &plan.notes)
        .filter(|note| note.standing == Standing::Blocks)
        .map(|note| {
            let what = format!("{}: {}", note.id, note.message);
            (what, note.remedy.clone())
        })
        .collect();
    // What could not be read is blocked with a code of its own, and then nobody can tell what is as it should be.
    let readable = !whole.notes.iter().any(|note| {
        note.standing == Standing::Blocks
            && note.severity == Severity::Error
            && note.id.starts_with("SW")
    });
    Sight {
        differences: differences(found),
        waits,
        blocks,
        everything: readable && found.unseen.is_empty(),
        digest: whole.digest(),
    }
}

/// Why a step waits for a person.
fn why(step: &Step, groups: &BTreeSet<StepGroup>) -> String {
    match attendance(&step.action) {
        _ if step.kind() == StepKind::Manual => "a person does it in the console".to_owned(),
        Attendance::Person => "it needs somebody's word".to_owned(),
        Attendance::Group(group) if !groups.contains(&group) => {
            format!("`autoApply` does not name `{group}`")
        }
        Attendance::Group(_) | Attendance::Free => "it depends on a step that waits".to_owned(),
    }
}
