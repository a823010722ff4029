//! The lines of the journal, and replay.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::testing::net;
use crate::model::{
    Action, Attestation, By, Count, CountedKind, Guid, Held, Holder, Ignorable, Intended, Name,
    Outcome, Ownership, PackageRef, Platform, Record, ResourceRef, RunId, RunSummary, SiteRef,
    Step, StepCount, StepId,
};

fn guid(number: u128) -> Guid {
    Guid::from_u128(number)
}

fn run(name: &str) -> RunId {
    RunId(name.into())
}

fn created(number: u128) -> Fact {
    Fact::SiteCreated {
        guid: guid(number),
        name: Name::new(&format!("site {number}")),
        protected: false,
    }
}

fn at() -> jiff::Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// One of every kind.
#[expect(clippy::too_many_lines, reason = "one entry a kind of fact")]
fn facts() -> Vec<Fact> {
    let site = ResourceRef {
        name: Name::new("HQ"),
        guid: guid(7),
    };
    let package = PackageRef {
        name: Name::new("Win11"),
        guid: guid(9),
    };
    vec![
        Fact::RunStarted {
            platform: Platform {
                server: guid(1),
                name: Name::new("SMP01"),
            },
            lineage: String::new(),
            serial: 0,
            by: Some("jdoe".into()),
            plan: Some("5".repeat(64)),
        },
        Fact::LeaseTakenOver {
            from: Holder {
                who: "jdoe".into(),
                host: "ops".into(),
                process: 4711,
                purpose: "apply".into(),
                run: "r0".into(),
                since: at().to_string(),
            },
        },
        Fact::StepStarted {
            step: Step {
                id: StepId("assign-subnet:10.0.0.0/8".into()),
                action: Action::AssignSubnet {
                    subnet: "10.0.0.0/8".parse().unwrap(),
                    guid: guid(3),
                    before: vec![],
                    site: SiteRef {
                        name: Name::new("HQ"),
                        guid: None,
                    },
                },
                by: By::Console,
                reason: "declared".into(),
                depends_on: vec![0],
            },
        },
        Fact::StepStarted {
            step: Step {
                id: StepId("record".into()),
                action: Action::Record(Record::Protect {
                    site: site.clone(),
                    on: true,
                }),
                by: By::Api,
                reason: String::new(),
                depends_on: vec![],
            },
        },
        created(5),
        Fact::SubnetCreated {
            guid: guid(6),
            name: Name::new("10.0.0.0/8"),
        },
        Fact::Deleted {
            guid: guid(6),
            of: None,
        },
        Fact::Counted {
            counts: [(CountedKind::Sites, 3), (CountedKind::Packages, 0)].into(),
        },
        Fact::Recorded {
            record: Record::AcceptFewer {
                of: CountedKind::Subnets,
                before: 40,
                after: 12,
                why: "moved".into(),
            },
        },
        Fact::Recorded {
            record: Record::ReleaseSite {
                site,
                how: Held::Adopted,
            },
        },
        Fact::AssignmentWritten { package },
        Fact::DistributionUpdated { package: guid(9) },
        Fact::UnassignedSeen {
            appeared: [net("10.0.1.0/24"), net("10.0.2.0/24")].into(),
            gone: BTreeSet::new(),
        },
        Fact::UnassignedSeen {
            appeared: [net("10.0.3.0/24")].into(),
            gone: [net("10.0.2.0/24")].into(),
        },
        Fact::StepEnded {
            step: StepId("x".into()),
            outcome: Outcome::Waiting {
                on: vec![StepId("y".into())],
            },
            milliseconds: 12,
        },
        Fact::Attested {
            step: StepId("constrain:HQ".into()),
            attestation: Attestation {
                value: "on".into(),
                reason: "seen".into(),
                by: "jdoe".into(),
                at: at().to_string(),
            },
        },
        Fact::RunEnded {
            summary: RunSummary {
                steps: StepCount::default(),
                milliseconds: 99,
            },
        },
    ]
}

#[test]
fn every_fact_comes_back_and_meets_the_schema() {
    let facts = facts();
    let mut lines = Vec::new();
    let mut previous = None;
    for (sequence, fact) in (1..).zip(facts.clone()) {
        let entry = Entry {
            format_version: Entry::FORMAT_VERSION,
            run: run("r1"),
            sequence,
            at: at().to_string(),
            previous,
            fact,
        };
        let line = entry.encode().unwrap();
        previous = Some(digest(&line));
        lines.extend_from_slice(&line);
    }
    let mut found = Vec::new();
    let read = scan(&lines[..], 0, |entry| found.push(entry.fact)).unwrap();
    assert_eq!(read.head.digest, previous);
    assert_eq!(read.torn, None);
    assert_eq!(found, facts);

    let schema = jsonschema::validator_for(&schema()).unwrap();
    for line in std::str::from_utf8(&lines).unwrap().lines() {
        let value = serde_json::from_str(line).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }
}

/// An object that was about to be created when a run was cut off counts as created once it is found; not so one whose
/// creation was refused, nor another of that name later.
#[test]
fn records_count_from_one() {
    let entry = |sequence| Entry {
        format_version: Entry::FORMAT_VERSION,
        run: run("a"),
        sequence,
        at: at().to_string(),
        previous: None,
        fact: created(1),
    };
    let read = |sequence| scan(entry(sequence).encode().unwrap().as_slice(), 0, |_| {});
    assert_eq!(read(1).unwrap().head.sequence, 1);
    // What is before it may have been put aside.
    assert_eq!(read(7).unwrap().head.sequence, 7);
    let error = read(0).unwrap_err().to_string();
    assert_eq!(error, "line 1");
}

#[test]
fn what_was_about_to_be_created_is_ours_once_it_is_found() {
    let intended = || Intended {
        of: CountedKind::Sites,
        name: Name::new("LAB"),
    };
    let found = |number| Fact::Recorded {
        record: Record::AdoptSite {
            site: ResourceRef {
                name: Name::new("Lab"),
                guid: guid(number),
            },
            protected: false,
        },
    };
    let how = |facts: &[Fact]| {
        let ownership = replay(Ownership::default(), 0, entries(facts));
        let open = ownership.intended.len();
        let how: Vec<Held> = ownership.sites.values().map(|owned| owned.how).collect();
        (how, open)
    };
    let intends = Fact::CreationIntended(intended());
    let drops = Fact::CreationDropped(intended());
    assert_eq!(how(std::slice::from_ref(&intends)), (vec![], 1));
    assert_eq!(how(&[intends.clone(), found(1)]), (vec![Held::Created], 0));
    assert_eq!(
        how(&[intends.clone(), found(1), found(2)]),
        (vec![Held::Created, Held::Adopted], 0)
    );
    assert_eq!(
        how(&[intends.clone(), drops, found(1)]),
        (vec![Held::Adopted], 0)
    );
    let said = Fact::SiteCreated {
        guid: guid(1),
        name: Name::new("Lab"),
        protected: false,
    };
    assert_eq!(
        how(&[intends, said, found(2)]),
        (vec![Held::Created, Held::Adopted], 0)
    );
}

#[test]
fn replay_ends_where_the_run_ended() {
    let site = ResourceRef {
        name: Name::new("Old"),
        guid: guid(2),
    };
    let package = PackageRef {
        name: Name::new("Win11"),
        guid: guid(9),
    };
    let facts = [
        created(1),
        Fact::Recorded {
            record: Record::AdoptSite {
                site: site.clone(),
                protected: false,
            },
        },
        Fact::Recorded {
            record: Record::Protect {
                site: site.clone(),
                on: true,
            },
        },
        Fact::AssignmentWritten {
            package: package.clone(),
        },
        Fact::Recorded {
            record: Record::AdoptSubnet {
                subnet: "10.0.0.0/8".parse().unwrap(),
                guid: guid(4),
            },
        },
    ];
    let ownership = replay(Ownership::default(), 0, entries(&facts));
    let again = Fact::Recorded {
        record: Record::AdoptSite {
            site: ResourceRef {
                name: Name::new("site 1"),
                guid: guid(1),
            },
            protected: false,
        },
    };
    let ownership = replay(ownership, 0, entries(&[again]));
    assert_eq!(ownership.sites[&guid(1)].how, Held::Created);
    assert_eq!(ownership.sites[&guid(2)].how, Held::Adopted);
    assert!(ownership.sites[&guid(2)].protected);
    assert_eq!(ownership.subnets[&guid(4)].name.as_str(), "10.0.0.0/8");
    assert_eq!(ownership.undistributed[&guid(9)], package.name);
    let gone = [
        Fact::Deleted {
            guid: guid(1),
            of: Some(CountedKind::Sites),
        },
        Fact::Recorded {
            record: Record::ReleaseSite {
                site,
                how: Held::Adopted,
            },
        },
        Fact::Recorded {
            record: Record::ReleaseSubnet {
                name: Name::new("10.0.0.0/8"),
                guid: guid(4),
                how: Held::Adopted,
            },
        },
        Fact::DistributionUpdated { package: guid(9) },
    ];
    assert_eq!(replay(ownership, 0, entries(&gone)), Ownership::default());
}

#[test]
fn counts_are_kept_over_deletions_and_set_anew() {
    let counted = |kinds: &[(CountedKind, u64)]| Fact::Counted {
        counts: kinds.iter().copied().collect(),
    };
    let deleted = |number| Fact::Deleted {
        guid: guid(number),
        of: Some(CountedKind::Subnets),
    };
    let facts = [
        deleted(1), // nothing was counted yet
        counted(&[(CountedKind::Sites, 2), (CountedKind::Subnets, 40)]),
        deleted(2),
        deleted(3),
    ];
    let ownership = replay(Ownership::default(), 0, entries(&facts));
    assert_eq!(ownership.counted[&CountedKind::Subnets].expected(), 38);
    assert_eq!(ownership.counted[&CountedKind::Sites], Count::of(2));
    let ownership = replay(
        ownership,
        0,
        entries(&[counted(&[(CountedKind::Subnets, 38)])]),
    );
    assert_eq!(ownership.counted[&CountedKind::Subnets], Count::of(38));
    assert_eq!(ownership.counted[&CountedKind::Sites], Count::of(2));
}

/// A line of a version that kept no counts.
#[test]
fn a_deletion_that_does_not_say_of_what_is_read() {
    let fact: Fact =
        serde_json::from_str(r#"{"kind":"deleted","guid":"00000000-0000-0000-0000-000000000006"}"#)
            .unwrap();
    assert_eq!(
        fact,
        Fact::Deleted {
            guid: guid(6),
            of: None
        }
    );
}

fn entries(facts: &[Fact]) -> impl Iterator<Item = Entry> {
    (1..).zip(facts).map(|(sequence, fact)| Entry {
        previous: None,
        format_version: Entry::FORMAT_VERSION,
        run: run("r1"),
        sequence,
        at: at().to_string(),
        fact: fact.clone(),
    })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    (0_u32..16, 1_u128..4, any::<bool>()).prop_map(|(kind, number, flag)| {
        let site = ResourceRef {
            name: Name::new("s"),
            guid: guid(number),
        };
        let how = Held::Adopted;
        match kind {
            0 => Fact::SiteCreated {
                guid: guid(number),
                name: site.name,
                protected: flag,
            },
            1 => Fact::SubnetCreated {
                guid: guid(number),
                name: site.name,
            },
            2 => Fact::Deleted {
                guid: guid(number),
                of: flag.then_some(CountedKind::Sites),
            },
            3 => Fact::Recorded {
                record: Record::AdoptSite {
                    site,
                    protected: flag,
                },
            },
            4 => Fact::Recorded {
                record: Record::ReleaseSite { site, how },
            },
            5 | 6 => Fact::Recorded {
                record: Record::Protect { site, on: flag },
            },
            11 => Fact::CreationIntended(Intended {
                of: CountedKind::Sites,
                name: site.name,
            }),
            12 => Fact::CreationDropped(Intended {
                of: CountedKind::Sites,
                name: site.name,
            }),
            13 => Fact::HoldersAwaited {
                packages: vec![PackageRef {
                    name: site.name,
                    guid: guid(number),
                }],
            },
            14 => Fact::HoldersThere {
                package: guid(number),
            },
            15 => Fact::CreationFinished {
                sites: [(site.name, Ignorable::ALL.into())].into(),
            },
            9 => Fact::Counted {
                counts: [(CountedKind::Sites, u64::from(flag))].into(),
            },
            10 => Fact::Recorded {
                record: Record::AcceptFewer {
                    of: CountedKind::Sites,
                    before: 9,
                    after: 5,
                    why: "closed".into(),
                },
            },
            7 => Fact::AssignmentWritten {
                package: PackageRef {
                    name: site.name,
                    guid: guid(number),
                },
            },
            _ => Fact::DistributionUpdated {
                package: guid(number),
            },
        }
    })
}

proptest! {
    /// What is folded in goes with its number, so that an intention changes nothing of it.
    #[test]
    fn replaying_again_changes_nothing(
        facts in prop::collection::vec(any_fact(), 0..24),
        held in 0_usize..24,
        from in 0_usize..24,
    ) {
        let last = u64::try_from(facts.len()).unwrap();
        let whole = replay(Ownership::default(), 0, entries(&facts));
        let again = entries(&facts).skip(from);
        prop_assert_eq!(replay(whole.clone(), last, again), whole.clone());
        // An older state, and entries that it holds some of.
        let held = held.min(facts.len());
        let older = replay(Ownership::default(), 0, entries(&facts[..held]));
        let again = entries(&facts).skip(from.min(held));
        prop_assert_eq!(replay(older, u64::try_from(held).unwrap(), again), whole);
    }

    /// Without numbers it would hold, too, if nobody intended to create what is there already.
    #[test]
    fn facts_without_intentions_may_be_folded_in_again(
        before in prop::collection::vec(any_fact(), 0..8),
        facts in prop::collection::vec(any_fact(), 0..16),
        from in 0_usize..16,
    ) {
        let other = |fact: &Fact| !matches!(fact, Fact::CreationIntended(_));
        let before: Vec<Fact> = before.into_iter().filter(other).collect();
        let facts: Vec<Fact> = facts.into_iter().filter(other).collect();
        let start = replay(Ownership::default(), 0, entries(&before));
        let once = replay(start, 0, entries(&facts));
        let again = &facts[from.min(facts.len())..];
        prop_assert_eq!(replay(once.clone(), 0, entries(again)), once);
    }
}
