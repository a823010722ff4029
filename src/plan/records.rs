//! Records that a plan stands on, put before its steps: what somebody vouched for is journalled before anything is
//! written because of it.
//!
//! Pure.

use crate::model::{Action, By, FREEZE, Record, Step, StepId};

/// Puts records before the steps of a plan. Every step waits for them, the first ones by themselves and the others by
/// what they wait for already.
pub(super) fn recorded_first(records: Vec<Record>, steps: Vec<Step>) -> Vec<Step> {
    let ahead = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let mut all: Vec<Step> = records
        .into_iter()
        .map(|record| Step {
            id: id(&record),
            action: Action::Record(record),
            reason: String::new(),
            by: By::Api,
            depends_on: Vec::new(),
        })
        .collect();
    all.extend(steps.into_iter().map(|mut step| {
        for on in &mut step.depends_on {
            *on = on.saturating_add(ahead);
        }
        if step.depends_on.is_empty() {
            step.depends_on = (0..ahead).collect();
        }
        step
    }));
    all
}

/// The id of the step that records it; there is one of each.
pub(super) fn id(record: &Record) -> StepId {
    StepId(match record {
        Record::AcceptFewer { of, .. } => format!("accept-fewer:{of}"),
        Record::Override { limit, .. } => format!("override:{limit}"),
        Record::Thaw { .. } => format!("override:{FREEZE}"),
        Record::AdoptSite { .. }
        | Record::AdoptSubnet { .. }
        | Record::ReleaseSite { .. }
        | Record::ReleaseSubnet { .. }
        | Record::Protect { .. } => "record".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CountedKind, Limit, Name, SiteRef};

    #[test]
    fn records_come_first_and_nothing_else_changes_its_order() {
        let step = |id: &str, depends_on: &[u32]| Step {
            id: StepId(id.into()),
            action: Action::DeleteSite {
                site: SiteRef {
                    name: Name::new(id),
                    guid: None,
                },
            },
            reason: String::new(),
            by: By::Api,
            depends_on: depends_on.to_vec(),
        };
        let records = vec![
            Record::AcceptFewer {
                of: CountedKind::Sites,
                before: 9,
                after: 1,
                why: "closed".into(),
            },
            Record::Override {
                limit: Limit::MaxDeletes,
                set: 1,
                found: 2,
                to: 2,
                why: "closed".into(),
                who: "kim".into(),
            },
        ];
        let steps = recorded_first(records, vec![step("a", &[]), step("b", &[0])]);
        let told: Vec<(&str, &[u32])> = steps
            .iter()
            .map(|step| (step.id.0.as_str(), step.depends_on.as_slice()))
            .collect();
        assert_eq!(
            told,
            [
                ("accept-fewer:sites", &[][..]),
                ("override:maxDeletes", &[][..]),
                ("a", &[0, 1][..]),
                ("b", &[2][..])
            ]
        );
    }
}
