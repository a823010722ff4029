//! Groups of steps that a workspace may let be done with nobody at hand: `autoApply: [assign, pin]`.
//!
//! Pure. Every action belongs to exactly one group, so that a new one cannot slip through. What deletes, what takes
//! addresses from a site that nobody declares, and what lifts a protection have groups of their own: none of them comes
//! along with another.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Action, Record, Step, StepKind};

/// A group of steps, by the name that a workspace calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepGroup {
    /// Sites and subnets that do not exist.
    Create,
    /// Descriptions of sites.
    Describe,
    /// Subnets into the sites that declare them, servers to the sites that they are declared for.
    Assign,
    /// Packages to the package servers that they are declared for, with the wait until they are there.
    Pin,
    /// Constrain to Site.
    Constrain,
    /// Where captured images go.
    CaptureTarget,
    /// Subnets and servers out of sites.
    Unassign,
    /// Sites and subnets that we created and nobody declares any more.
    Delete,
    /// Addresses of sites that nobody declares, for those that do.
    Takeover,
    /// Protection from deletion, off.
    Unprotect,
}

/// Who may see to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attendance {
    /// It changes nothing but what is remembered here.
    Free,
    /// It may be done unattended where the workspace names its group.
    Group(StepGroup),
    /// A person does it, or says that it may be done.
    Person,
}

impl StepGroup {
    /// Every group, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Describe,
        Self::Assign,
        Self::Pin,
        Self::Constrain,
        Self::CaptureTarget,
        Self::Unassign,
        Self::Delete,
        Self::Takeover,
        Self::Unprotect,
    ];

    /// The spelling in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Describe => "describe",
            Self::Assign => "assign",
            Self::Pin => "pin",
            Self::Constrain => "constrain",
            Self::CaptureTarget => "captureTarget",
            Self::Unassign => "unassign",
            Self::Delete => "delete",
            Self::Takeover => "takeover",
            Self::Unprotect => "unprotect",
        }
    }
}

impl fmt::Display for StepGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StepGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|group| group.as_str() == text)
            .ok_or_else(|| text.to_owned())
    }
}

/// Says who may see to an action, where the program could carry it out.
///
/// That a step takes something over is told apart by whoever plans it: it is a matter of who declares what.
#[must_use]
pub fn attendance(action: &Action) -> Attendance {
    Attendance::Group(match action {
        Action::CreateSite { .. } | Action::RenameSite { .. } | Action::CreateSubnet { .. } => {
            StepGroup::Create
        }
        Action::DescribeSite { .. } => StepGroup::Describe,
        Action::AssignSubnet { .. } | Action::AssignServer { .. } => StepGroup::Assign,
        Action::AssignPackage { .. }
        | Action::UpdateDistributionPoints { .. }
        | Action::AwaitHolders { .. } => StepGroup::Pin,
        Action::Constrain { .. } => StepGroup::Constrain,
        Action::SetCaptureTarget { .. } => StepGroup::CaptureTarget,
        Action::UnassignSubnet { .. } | Action::UnassignServer { .. } => StepGroup::Unassign,
        Action::DeleteSite { .. } | Action::DeleteSubnet { .. } => StepGroup::Delete,
        Action::Console(_) => return Attendance::Person,
        Action::Record(record) => match record {
            Record::Protect { on: false, .. } => StepGroup::Unprotect,
            Record::AdoptSite { .. }
            | Record::AdoptSubnet { .. }
            | Record::ReleaseSite { .. }
            | Record::ReleaseSubnet { .. }
            | Record::Protect { on: true, .. } => return Attendance::Free,
            // Somebody's word, which nobody gives here.
            Record::AcceptFewer { .. } | Record::Override { .. } | Record::Thaw { .. } => {
                return Attendance::Person;
            }
        },
    })
}

/// Whether a step may be done with nobody at hand, where these groups may.
#[must_use]
pub fn is_unattended(step: &Step, groups: &BTreeSet<StepGroup>) -> bool {
    if step.kind() == StepKind::Manual {
        return false;
    }
    match attendance(&step.action) {
        Attendance::Free => true,
        Attendance::Group(group) => groups.contains(&group),
        Attendance::Person => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{By, ConsoleStep, Guid, Name, ServerRef, SiteRef, StepId};

    fn step(action: Action, by: By) -> Step {
        Step {
            id: StepId("x".into()),
            action,
            by,
            reason: String::new(),
            depends_on: vec![],
        }
    }

    fn site() -> SiteRef {
        SiteRef {
            name: Name::new("HQ"),
            guid: None,
        }
    }

    fn server() -> ServerRef {
        ServerRef {
            name: Name::new("S1"),
            guid: Guid::NIL,
        }
    }

    #[test]
    fn every_group_is_spelt_one_way() {
        for group in StepGroup::ALL {
            assert_eq!(group.as_str().parse(), Ok(group));
        }
        assert_eq!("Assign".parse::<StepGroup>(), Err("Assign".to_owned()));
    }

    #[test]
    fn a_step_is_done_unattended_only_where_its_own_group_is_named() {
        let assign = step(
            Action::AssignServer {
                server: server(),
                site: site(),
            },
            By::Api,
        );
        let all: BTreeSet<StepGroup> = StepGroup::ALL.into();
        for group in StepGroup::ALL {
            let only = BTreeSet::from([group]);
            assert_eq!(is_unattended(&assign, &only), group == StepGroup::Assign);
            let mut others = all.clone();
            others.remove(&group);
            assert_eq!(is_unattended(&assign, &others), group != StepGroup::Assign);
        }
        let by_hand = Step {
            by: By::Console,
            ..assign
        };
        assert!(!is_unattended(&by_hand, &all), "a person carries it out");
    }

    #[test]
    fn what_deletes_or_lifts_a_protection_comes_along_with_nothing() {
        let delete = step(Action::DeleteSite { site: site() }, By::Api);
        let lift = step(
            Action::Record(Record::Protect {
                site: server(),
                on: false,
            }),
            By::Api,
        );
        let mut others: BTreeSet<StepGroup> = StepGroup::ALL.into();
        others.remove(&StepGroup::Delete);
        others.remove(&StepGroup::Unprotect);
        assert!(!is_unattended(&delete, &others));
        assert!(!is_unattended(&lift, &others));
        assert!(is_unattended(&delete, &[StepGroup::Delete].into()));
        assert!(is_unattended(&lift, &[StepGroup::Unprotect].into()));
    }

    #[test]
    fn people_stay_people_and_memory_is_free() {
        let all: BTreeSet<StepGroup> = StepGroup::ALL.into();
        let console = step(
            Action::Console(ConsoleStep::InvalidSubnets {
                expression: "^10".into(),
            }),
            By::Console,
        );
        let word = step(
            Action::Record(Record::AcceptFewer {
                of: crate::model::CountedKind::Sites,
                before: 9,
                after: 1,
                why: "because".into(),
            }),
            By::Api,
        );
        assert!(!is_unattended(&console, &all));
        assert!(!is_unattended(&word, &all));
        let adopt = Record::AdoptSite {
            site: server(),
            protected: false,
        };
        assert!(is_unattended(
            &step(Action::Record(adopt), By::Api),
            &BTreeSet::new()
        ));
        assert_eq!(
            "takeover".parse::<StepGroup>().unwrap(),
            StepGroup::Takeover
        );
    }
}
