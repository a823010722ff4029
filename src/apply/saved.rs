//! Whether a saved plan may be applied: [`Plan`] × platform × state × what the journal gained since → yes, and with whose
//! word; or why not.
//!
//! Pure. A saved plan belongs to one SMP (by the GUID of its computer) and to one moment of one state. Its own runs, and
//! people's word for its own console steps, move that state on without making it another one: a run that was cut off
//! goes on from the same file, as often as it takes. Whatever else was written since makes the plan stale.

use std::collections::BTreeSet;

use crate::journal::{Entry, Fact};
use crate::model::{Action, Attestation, Platform, RunId, StepId, StepKind};
use crate::plan::{Plan, console_value};
use crate::state::State;

/// Why a saved plan may not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It was made for another SMP.
    #[error(
        "the plan was made for the SMP {} ({}), but this is {} ({})",
        expected.name, expected.server, found.name, found.server
    )]
    OtherPlatform {
        /// That of the plan.
        expected: Box<Platform>,
        /// The one at hand.
        found: Box<Platform>,
    },
    /// It was made with a state that does not go back to the same first one.
    #[error(
        "the plan was made with the state of lineage {}, but this is {}",
        lineage(expected),
        lineage(found)
    )]
    OtherLineage {
        /// That of the plan.
        expected: String,
        /// That of the state.
        found: String,
    },
    /// The state is not the one of the plan any more, and not by this plan alone.
    #[error("the state has moved on since the plan was made: {0}")]
    Moved(Moved),
}

/// How a state has moved on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Moved {
    /// The journal says who did it.
    #[error("{what}, on {at}")]
    ByOthers {
        /// What was done, for people.
        what: String,
        /// When, RFC 3339.
        at: String,
    },
    /// The state was saved more often, or less, than the journal knows of.
    #[error("expected serial {expected}, found {found}, and the journal does not say why")]
    Unexplained {
        /// The serial of the plan.
        expected: u64,
        /// That of the state.
        found: u64,
    },
    /// Records that were there when the plan was made, or between then and now, are missing.
    #[error("expected the journal to go on after record {expected}, found {found}")]
    Gap {
        /// The last record that the plan knows of, or that was found in order.
        expected: u64,
        /// What comes instead, for people.
        found: String,
    },
}

fn lineage(lineage: &str) -> String {
    if lineage.is_empty() {
        "none".to_owned()
    } else {
        format!("`{lineage}`")
    }
}

impl Unfit {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherPlatform { .. } => "SW0612",
            Self::Moved(_) => "SW0613",
            Self::OtherLineage { .. } => "SW0642",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::OtherPlatform { .. } => "choose the platform that it was made for",
            Self::OtherLineage { .. } => {
                "choose the state folder that it was made with, or make a new plan"
            }
            Self::Moved(_) => "make a new plan",
        }
    }
}

/// How a saved plan goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Whether a run of it was begun before.
    pub begun: bool,
    /// Its console steps that somebody gave his word for since it was made.
    pub attested: BTreeSet<StepId>,
}

/// Says whether a saved plan may be applied to the platform at hand.
///
/// `state` is the state with the journal folded in, `None` where there is neither; `since` holds the journal's records
/// after [`Plan::journal_sequence`], in order.
///
/// # Guarantees
/// Every record since the plan was made is one of its own runs, or somebody's word for one of its console steps and for
/// the value that it asks for; the state was saved no more often than these records account for.
///
/// # Errors
/// [`Unfit`], for the first thing that speaks against it.
pub fn resume(
    plan: &Plan,
    platform: &Platform,
    state: Option<&State>,
    since: &[Entry],
) -> Result<Resumed, Unfit> {
    if platform.server != plan.platform.server {
        return Err(Unfit::OtherPlatform {
            expected: Box::new(plan.platform.clone()),
            found: Box::new(platform.clone()),
        });
    }
    let (known, serial, sequence) = state.map_or(("", 0, 0), |state| {
        (state.lineage.as_str(), state.serial, state.journal_sequence)
    });
    // A first run gives the state its lineage: whether it was a run of this plan, the journal says.
    let born_since = plan.lineage.is_empty() && plan.serial == 0 && !since.is_empty();
    if known != plan.lineage && !born_since {
        return Err(Unfit::OtherLineage {
            expected: plan.lineage.clone(),
            found: known.to_owned(),
        });
    }
    in_order(plan.journal_sequence, since, sequence).map_err(Unfit::Moved)?;
    let resumed = only_ours(plan, since).map_err(Unfit::Moved)?;
    // Each time the state is saved, the journal has gained a record.
    let saved = serial.checked_sub(plan.serial);
    let records = u64::try_from(since.len()).unwrap_or(u64::MAX);
    if saved.is_none_or(|saved| saved > records) {
        return Err(Unfit::Moved(Moved::Unexplained {
            expected: plan.serial,
            found: serial,
        }));
    }
    Ok(resumed)
}

/// Makes sure that no record is missing between the plan and the state.
fn in_order(mut last: u64, since: &[Entry], until: u64) -> Result<(), Moved> {
    for entry in since {
        if entry.sequence != last.saturating_add(1) {
            return Err(Moved::Gap {
                expected: last,
                found: format!("record {}", entry.sequence),
            });
        }
        last = entry.sequence;
    }
    if last == until {
        Ok(())
    } else {
        Err(Moved::Gap {
            expected: last,
            found: format!("a state that holds record {until}"),
        })
    }
}

/// Makes sure that a plan's own runs, and words for its own steps, are all that was written.
fn only_ours(plan: &Plan, since: &[Entry]) -> Result<Resumed, Moved> {
    let mut resumed = Resumed::default();
    if since.is_empty() {
        return Ok(resumed);
    }
    let digest = plan.digest();
    let mut own: BTreeSet<&RunId> = BTreeSet::new();
    let mut vouching: BTreeSet<&RunId> = BTreeSet::new();
    for entry in since {
        let foreign = |what: String| Moved::ByOthers {
            what,
            at: entry.at.clone(),
        };
        match &entry.fact {
            Fact::RunStarted {
                plan: Some(found), ..
            } if *found == digest => {
                own.insert(&entry.run);
                resumed.begun = true;
            }
            Fact::RunStarted { .. } => {
                return Err(foreign(format!("run {} applied another plan", entry.run)));
            }
            _ if own.contains(&entry.run) => {}
            Fact::Attested { step, attestation } => {
                if !asks_for(plan, step, attestation) {
                    let Attestation { value, by, .. } = attestation;
                    return Err(foreign(format!(
                        "{by} attested `{step}`, which the plan does not ask to be `{value}`"
                    )));
                }
                resumed.attested.insert(step.clone());
                vouching.insert(&entry.run);
            }
            // Part of the word for a package that somebody distributed by hand, or saw at its servers.
            Fact::DistributionUpdated { .. } | Fact::HoldersThere { .. }
                if vouching.contains(&entry.run) => {}
            // A lock that somebody died with says nothing of what he wrote. Scratch objects were gone before the
            // command ended that made them, and nothing is remembered of them.
            Fact::LeaseTakenOver { .. }
            | Fact::LockBroken { .. }
            // What the world changed is judged by the steps themselves.
            | Fact::DriftNoted { .. }
            | Fact::DriftAcknowledged { .. }
            | Fact::DriftUnacknowledged { .. }
            | Fact::ScratchIntended { .. }
            | Fact::ScratchCreated { .. }
            | Fact::ScratchAssigned { .. }
            | Fact::ScratchGone { .. } => {}
            _ => return Err(foreign(format!("run {} changed it", entry.run))),
        }
    }
    Ok(resumed)
}

/// Whether a word closes a console step of the plan, with the value that the step asks for.
fn asks_for(plan: &Plan, id: &StepId, attestation: &Attestation) -> bool {
    plan.steps
        .iter()
        .filter(|step| step.kind() == StepKind::Manual && step.id == *id)
        .any(|step| match &step.action {
            Action::Console(asked) => attestation.value == console_value(asked),
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{
        By, ConsoleStep, Guid, Name, Ownership, PackageRef, RunSummary, Step, StepCount,
    };
    use crate::plan::{Names, Picture, Reach};
    use crate::select::Impact;

    fn smp(number: u128) -> Platform {
        Platform {
            server: Guid::from_u128(number),
            name: Name::new("SMP01.corp.example"),
        }
    }

    fn package() -> PackageRef {
        PackageRef {
            name: Name::new("Win11"),
            guid: Guid::from_u128(20),
        }
    }

    /// Sets `InvalidSubnets`, then updates distribution points, both by hand; made at serial 7 after 40 records.
    fn plan() -> Plan {
        let by_hand = |id: &str, action: Action| Step {
            id: StepId(id.into()),
            action,
            by: By::Console,
            reason: String::new(),
            depends_on: vec![],
        };
        Plan {
            tool_version: "0.1.0".into(),
            platform: smp(10),
            lineage: "one".into(),
            serial: 7,
            journal_sequence: 40,
            desired_digest: String::new(),
            snapshot_digest: String::new(),
            stale_since: None,
            changes: vec![],
            impact: Impact::default(),
            picture: Picture::default(),
            reach: Reach::default(),
            steps: vec![
                by_hand(
                    "invalid-subnets",
                    Action::Console(ConsoleStep::InvalidSubnets {
                        expression: "^0".into(),
                    }),
                ),
                by_hand(
                    "distribute:Win11",
                    Action::UpdateDistributionPoints { package: package() },
                ),
            ],
            names: Names::new(),
            notes: vec![],
            counts: BTreeMap::new(),
        }
    }

    fn started(digest: Option<String>) -> Fact {
        Fact::RunStarted {
            platform: smp(10),
            lineage: "one".into(),
            serial: 7,
            by: None,
            plan: digest,
        }
    }

    fn ours() -> Fact {
        started(Some(plan().digest()))
    }

    fn ended() -> Fact {
        Fact::RunEnded {
            summary: RunSummary {
                steps: StepCount::default(),
                milliseconds: 5,
            },
        }
    }

    fn created() -> Fact {
        Fact::SiteCreated {
            guid: Guid::from_u128(30),
            name: Name::new("HQ"),
            protected: false,
        }
    }

    fn word(step: &str, value: &str) -> Fact {
        Fact::Attested {
            step: StepId(step.into()),
            attestation: Attestation {
                value: value.into(),
                reason: "seen".into(),
                by: "jdoe".into(),
                at: "2026-11-25T12:00:00Z".into(),
            },
        }
    }

    /// Facts as records after the fortieth, each with the run that wrote it.
    fn journal(facts: Vec<(&str, Fact)>) -> Vec<Entry> {
        (41..)
            .zip(facts)
            .map(|(sequence, (run, fact))| Entry {
                format_version: Entry::FORMAT_VERSION,
                run: RunId(run.into()),
                sequence,
                previous: None,
                at: "2026-11-25T12:00:00Z".into(),
                fact,
            })
            .collect()
    }

    fn state(lineage: &str, serial: u64, journal_sequence: u64) -> State {
        State {
            serial,
            journal_sequence,
            ..State::new(smp(10), lineage.into(), Ownership::default())
        }
    }

    /// Of the plan, at a serial, with what the journal gained.
    fn judged(serial: u64, facts: Vec<(&str, Fact)>) -> Result<Resumed, Unfit> {
        let since = journal(facts);
        let last = since.last().map_or(40, |entry| entry.sequence);
        resume(&plan(), &smp(10), Some(&state("one", serial, last)), &since)
    }

    #[track_caller]
    fn refused(result: Result<Resumed, Unfit>, code: &str, expect: &str) {
        let error = result.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expect), "{error}");
    }

    #[test]
    fn as_it_was_when_the_plan_was_made() {
        assert_eq!(judged(7, vec![]).unwrap(), Resumed::default());
    }

    #[test]
    fn its_own_runs_and_words_move_it_on() {
        let resumed = judged(
            10,
            vec![
                ("a", ours()),
                ("a", created()),
                // It died here. Then somebody did both console steps and said so.
                ("b", word("invalid-subnets", "^0")),
                ("c", word("distribute:Win11", "done")),
                (
                    "c",
                    Fact::DistributionUpdated {
                        package: package().guid,
                    },
                ),
                ("d", ours()),
                ("d", ended()),
                // What the command notes after its run.
                (
                    "d",
                    Fact::Counted {
                        counts: BTreeMap::new(),
                    },
                ),
            ],
        )
        .unwrap();
        assert!(resumed.begun);
        let attested: Vec<&str> = resumed.attested.iter().map(|id| id.0.as_str()).collect();
        assert_eq!(attested, ["distribute:Win11", "invalid-subnets"]);
    }

    #[test]
    fn words_alone_begin_nothing() {
        let resumed = judged(8, vec![("a", word("invalid-subnets", "^0"))]).unwrap();
        assert!(!resumed.begun && resumed.attested.len() == 1);
    }

    #[test]
    fn whatever_others_wrote_makes_it_stale() {
        for (fact, expect) in [
            (started(Some("f".repeat(64))), "run x applied another plan"),
            (started(None), "run x applied another plan"),
            (
                word("invalid-subnets", "^1"),
                "jdoe attested `invalid-subnets`",
            ),
            (
                word("host-carve-out:10.0.0.1/32", "S1"),
                "jdoe attested `host-carve-out",
            ),
            (created(), "run x changed it, on 2026-11-25T12:00:00Z"),
            (
                Fact::DistributionUpdated {
                    package: package().guid,
                },
                "run x changed it",
            ),
            (
                Fact::ItemRestored {
                    item: Guid::from_u128(1),
                    file: "a.xml".into(),
                },
                "run x changed it",
            ),
        ] {
            refused(judged(8, vec![("x", fact.clone())]), "SW0613", expect);
            // Also where its own runs stand around it.
            let between = vec![("a", ours()), ("a", ended()), ("x", fact), ("b", ours())];
            refused(judged(9, between), "SW0613", expect);
        }
    }

    #[test]
    fn scratch_objects_are_nobodys() {
        let name = Name::new("sitewright-verify-1");
        let facts = vec![
            ("x", Fact::ScratchIntended { name: name.clone() }),
            ("x", Fact::ScratchGone { name }),
        ];
        assert!(judged(7, facts).is_ok());
    }

    #[test]
    fn what_the_journal_does_not_explain_makes_it_stale() {
        refused(judged(8, vec![]), "SW0613", "expected serial 7, found 8");
        refused(judged(6, vec![]), "SW0613", "expected serial 7, found 6");
        let facts = || vec![("a", ours()), ("a", ended())];
        assert!(judged(9, facts()).is_ok());
        refused(judged(10, facts()), "SW0613", "expected serial 7, found 10");
        // Records were lost: in the middle, at the end, or those that the plan stands on.
        let mut gap = journal(facts());
        gap[1].sequence += 1;
        let at = |last| state("one", 8, last);
        let with = |state: &State, since: &[Entry]| resume(&plan(), &smp(10), Some(state), since);
        refused(
            with(&at(43), &gap),
            "SW0613",
            "after record 41, found record 43",
        );
        refused(
            with(&at(44), &journal(facts())),
            "SW0613",
            "holds record 44",
        );
        refused(with(&at(12), &[]), "SW0613", "holds record 12");
    }

    #[test]
    fn another_platform_or_lineage_is_another() {
        let found = state("one", 7, 40);
        refused(
            resume(&plan(), &smp(11), Some(&found), &[]),
            "SW0612",
            "was made for the SMP",
        );
        let found = state("two", 7, 40);
        refused(
            resume(&plan(), &smp(10), Some(&found), &[]),
            "SW0642",
            "this is `two`",
        );
        refused(
            resume(&plan(), &smp(10), None, &[]),
            "SW0642",
            "this is none",
        );
    }

    #[test]
    fn a_first_plan_goes_on_once_its_own_run_gave_the_state_a_lineage() {
        let first = Plan {
            lineage: String::new(),
            serial: 0,
            journal_sequence: 0,
            ..plan()
        };
        let fit = |state: Option<&State>, since: &[Entry]| resume(&first, &smp(10), state, since);
        assert_eq!(fit(None, &[]).unwrap(), Resumed::default());
        let facts = |digest| {
            let mut entries = journal(vec![("a", started(Some(digest))), ("a", created())]);
            for (number, entry) in (1..).zip(&mut entries) {
                entry.sequence = number;
            }
            entries
        };
        let own = facts(first.digest());
        // It died and left no state, only its journal; or it was saved.
        assert!(fit(Some(&state("", 0, 2)), &own).unwrap().begun);
        assert!(fit(Some(&state("born", 1, 2)), &own).unwrap().begun);
        let others = facts("f".repeat(64));
        refused(
            fit(Some(&state("born", 1, 2)), &others),
            "SW0613",
            "another plan",
        );
        // A state without a journal is somebody else's.
        refused(
            fit(Some(&state("born", 1, 0)), &[]),
            "SW0642",
            "this is `born`",
        );
    }
}
