//! What a plan no longer knows, where there is no state although there may have been one.
//!
//! Pure. Without a state a plan adopts what is declared and there, which is right the first time and a loss every other
//! time. Nobody can tell the two apart but whoever knows whether Sitewright was at work here before: so it is said.

use super::fewer::amount;
use super::{Note, Severity, Standing};
use crate::model::{Action, CountedKind, Memory, Record, Step};

/// The id of the note.
const NO_STATE: &str = "no-state";

/// What goes with a state that is lost.
const UNKNOWN: &str = "what Sitewright created, what people attested, and what was protected";

/// Says what a plan cannot know for want of a state.
///
/// # Guarantees
/// `None` where the state is whole, and where nothing speaks for there ever having been one: nothing is kept of it, and
/// nothing that is there is adopted.
#[must_use]
pub fn remembered(memory: Memory, steps: &[Step]) -> Option<Note> {
    let (severity, message, remedy) = match memory {
        Memory::Known => return None,
        Memory::Ahead { state, journal } => (
            Severity::Warning,
            if journal == 0 {
                format!("the journal is missing, of which the state holds {state} records; nothing that is remembered is missing")
            } else {
                format!(
                    "the journal ends at record {journal}, and the state holds records up to {state}; nothing that is \
                     remembered is missing"
                )
            },
            "put the journal back, or let `sitewright state recover` begin it anew at the state: what runs did is then \
             no longer told"
                .to_owned(),
        ),
        Memory::Journal { from: None } => (
            Severity::Info,
            "the state is missing, and was made of the journal, which holds all of it".to_owned(),
            "`sitewright state recover` puts it in place, and so does the next apply".to_owned(),
        ),
        Memory::Journal { from: Some(first) } => (
            Severity::Warning,
            format!(
                "the state is missing, and was made of a journal that begins at record {first}: this plan no longer knows \
                 what stood before it of {UNKNOWN}"
            ),
            "`sitewright state recover` makes more of it where versions are kept; else put copies of state and journal \
             back, or apply: what is declared and there is adopted"
                .to_owned(),
        ),
        Memory::Lost { versions } => (
            Severity::Warning,
            format!(
                "state and journal are missing, and {} kept: this plan no longer knows {UNKNOWN}",
                match versions {
                    1 => "1 version of the state is".to_owned(),
                    many => format!("{many} versions of the state are"),
                }
            ),
            "`sitewright state recover` brings the last version back; or apply: what is declared and there is adopted, \
             and nothing else is touched"
                .to_owned(),
        ),
        Memory::Nothing => (
            Severity::Info,
            format!("there is no state: what is declared and there is adopted ({})", adopted(steps)?),
            format!(
                "right for a first plan; if Sitewright was at work here before, its state is elsewhere or lost, and with \
                 it {UNKNOWN}"
            ),
        ),
    };
    Some(Note {
        severity,
        standing: Standing::Remains,
        id: NO_STATE.into(),
        message,
        remedy,
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    })
}

/// `1 site, 12 subnets`: what is adopted; `None` where nothing is.
fn adopted(steps: &[Step]) -> Option<String> {
    let (mut sites, mut subnets) = (0, 0);
    for step in steps {
        match &step.action {
            Action::Record(Record::AdoptSite {
                site: _,
                protected: _,
            }) => sites += 1,
            Action::Record(Record::AdoptSubnet { subnet: _, guid: _ }) => subnets += 1,
            _ => {}
        }
    }
    let told: Vec<String> = [(sites, CountedKind::Sites), (subnets, CountedKind::Subnets)]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, kind)| amount(number, kind))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::model::{By, Guid, Name, ResourceRef, StepId};

    fn adopting() -> Vec<Step> {
        let step = |record| Step {
            id: StepId("adopt".into()),
            action: Action::Record(record),
            by: By::Api,
            reason: "it exists".into(),
            depends_on: Vec::new(),
        };
        let subnet = |number: u128| Record::AdoptSubnet {
            subnet: format!("10.{number}.0.0/24").parse().unwrap(),
            guid: Guid::from_u128(number),
        };
        let site = ResourceRef {
            guid: Guid::from_u128(1),
            name: Name::new("HQ"),
        };
        let site = Record::AdoptSite {
            site,
            protected: false,
        };
        vec![step(site), step(subnet(2)), step(subnet(3))]
    }

    #[track_caller]
    fn check(memory: Memory, steps: &[Step], expect: Option<(Severity, &str)>) {
        let found = remembered(memory, steps);
        let found = found.as_ref().map(|note| (note.severity, &*note.message));
        assert_eq!(found, expect);
    }

    #[test]
    fn nothing_is_said_where_nothing_is_missing_and_nothing_was_there() {
        check(Memory::Known, &adopting(), None);
        check(Memory::Nothing, &[], None);
    }

    #[test]
    fn what_is_adopted_without_a_state_is_told() {
        let told = "there is no state: what is declared and there is adopted (1 site, 2 subnets)";
        check(Memory::Nothing, &adopting(), Some((Severity::Info, told)));
    }

    #[test]
    fn what_a_state_that_was_lost_leaves_unknown_is_told() {
        let expect = [
            (
                Memory::Lost { versions: 1 },
                Severity::Warning,
                "state and journal are missing, and 1 version of the state is kept: this plan no longer knows what \
                 Sitewright created, what people attested, and what was protected",
            ),
            (
                Memory::Journal { from: Some(12) },
                Severity::Warning,
                "the state is missing, and was made of a journal that begins at record 12: this plan no longer knows what \
                 stood before it of what Sitewright created, what people attested, and what was protected",
            ),
            (
                Memory::Journal { from: None },
                Severity::Info,
                "the state is missing, and was made of the journal, which holds all of it",
            ),
            (
                Memory::Ahead {
                    state: 15,
                    journal: 12,
                },
                Severity::Warning,
                "the journal ends at record 12, and the state holds records up to 15; nothing that is remembered is missing",
            ),
            (
                Memory::Ahead {
                    state: 15,
                    journal: 0,
                },
                Severity::Warning,
                "the journal is missing, of which the state holds 15 records; nothing that is remembered is missing",
            ),
        ];
        for (memory, severity, told) in expect {
            // Also where nothing is to be done: it is the memory that is missing, not an object.
            check(memory, &[], Some((severity, told)));
        }
    }
}
