//! The journal's file under crashes and damage, and replay.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::testing::net;
use crate::model::{
    Action, Attestation, By, Count, CountedKind, Guid, Held, Name, Outcome, Ownership, PackageRef,
    Platform, Record, ResourceRef, RunId, RunSummary, SiteRef, Step, StepCount, StepId,
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

fn write(folder: &Path, name: &str, facts: impl IntoIterator<Item = Fact>) {
    let mut journal = Journal::open(folder, "hq", 0).unwrap();
    for fact in facts {
        journal.append(&run(name), at(), fact).unwrap();
    }
}

/// Writes three records and damages the file.
fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "r1", (1..=3).map(created));
    let path = journal_path(folder.path(), "hq");
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    folder
}

fn sequences(folder: &Path) -> Vec<u64> {
    let reading = read(folder, "hq", 0).unwrap();
    reading.entries.iter().map(|entry| entry.sequence).collect()
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
            plan: Some("5".repeat(64)),
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
    let folder = tempfile::tempdir().unwrap();
    let facts = facts();
    write(folder.path(), "r1", facts.clone());
    let reading = read(folder.path(), "hq", 0).unwrap();
    assert_eq!(reading.last, 16);
    assert_eq!(reading.torn, None);
    let found: Vec<Fact> = reading
        .entries
        .into_iter()
        .map(|entry| entry.fact)
        .collect();
    assert_eq!(found, facts);

    let schema = jsonschema::validator_for(&schema()).unwrap();
    for line in std::fs::read_to_string(journal_path(folder.path(), "hq"))
        .unwrap()
        .lines()
    {
        let value = serde_json::from_str(line).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }
}

#[test]
fn numbers_go_on_over_runs() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sequences(folder.path()), Vec::<u64>::new());
    write(folder.path(), "r1", (1..=2).map(created));
    write(folder.path(), "r2", (3..=4).map(created));
    assert_eq!(sequences(folder.path()), [1, 2, 3, 4]);
    assert_eq!(read(folder.path(), "HQ", 3).unwrap().entries.len(), 1);
    // The state says that it holds 9: this journal is an old copy.
    let mut journal = Journal::open(folder.path(), "hq", 9).unwrap();
    journal.append(&run("r3"), at(), created(5)).unwrap();
    assert_eq!(journal.sequence(), 10);
    assert_eq!(sequences(folder.path()), [1, 2, 3, 4, 10]);
}

#[test]
fn opening_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("state");
    Journal::open(&below, "hq", 0).unwrap();
    assert!(!below.exists());
    write(&below, "r1", [created(1)]);
    assert_eq!(sequences(&below), [1]);
}

#[test]
fn every_torn_end_is_cut_off() {
    let whole = damaged(|_| {});
    let bytes = std::fs::read(journal_path(whole.path(), "hq")).unwrap();
    let second = bytes.iter().rposition(|b| *b == b'\n').unwrap();
    let second = bytes[..second].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for length in second..bytes.len() {
        let folder = damaged(|bytes| bytes.truncate(length));
        let reading = read(folder.path(), "hq", 0).unwrap();
        let journal = Journal::open(folder.path(), "hq", 0).unwrap();
        // Only the line feed is missing: the record is whole, and kept.
        let kept = length + 1 == bytes.len();
        let torn = length > second && !kept;
        assert_eq!(reading.torn.is_some(), torn, "{length}");
        assert_eq!(journal.torn(), reading.torn.as_ref());
        assert_eq!(journal.sequence(), if kept { 3 } else { 2 });
        write(folder.path(), "r2", [created(4)]);
        let expected: &[u64] = if kept { &[1, 2, 3, 4] } else { &[1, 2, 3] };
        assert_eq!(sequences(folder.path()), expected, "{length}");
    }
}

#[test]
fn reading_leaves_a_torn_end_where_it_is() {
    let folder = damaged(|bytes| bytes.extend_from_slice(b"{\"formatVersion\":1,\"ru"));
    let before = std::fs::read(journal_path(folder.path(), "hq")).unwrap();
    let torn = read(folder.path(), "hq", 0).unwrap().torn.unwrap();
    assert_eq!((torn.line, torn.bytes), (4, 22));
    assert!(torn.to_string().contains("line 4"));
    assert_eq!(
        std::fs::read(journal_path(folder.path(), "hq")).unwrap(),
        before
    );
}

#[test]
fn zeros_of_a_power_cut_are_a_torn_end() {
    for end in [&b"\0\0\0\0"[..], &b"\0\0\0\"}}\n"[..]] {
        let folder = damaged(|bytes| bytes.extend_from_slice(end));
        assert_eq!(sequences(folder.path()), [1, 2, 3]);
        write(folder.path(), "r2", [created(4)]);
        assert_eq!(sequences(folder.path()), [1, 2, 3, 4]);
    }
}

fn check(change: impl FnOnce(&mut Vec<u8>), code: &str, message: &str) {
    let folder = damaged(change);
    let path = journal_path(folder.path(), "hq");
    let before = std::fs::read(&path).unwrap();
    let error = Journal::open(folder.path(), "hq", 0).unwrap_err();
    assert_eq!(error.code(), code);
    assert!(error.to_string().contains(message), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(std::fs::read(&path).unwrap(), before, "never touched");
}

#[test]
fn damage_before_the_end_is_an_error_that_names_the_line() {
    let line_of = |bytes: &[u8], number: usize| -> Vec<u8> {
        bytes
            .split_inclusive(|b| *b == b'\n')
            .nth(number)
            .unwrap()
            .to_vec()
    };
    check(|bytes| bytes[0] = b'?', "SW0732", "line 1");
    check(
        |bytes| {
            let first = line_of(bytes, 0).len();
            bytes[first + 2] = 0;
        },
        "SW0732",
        "line 2",
    );
    // A whole line with its line feed was on the disk: it is no torn write.
    check(
        |bytes| bytes.extend_from_slice(b"nonsense\n"),
        "SW0732",
        "line 4",
    );
    check(
        |bytes| {
            let (first, second) = (line_of(bytes, 0), line_of(bytes, 1));
            bytes.drain(first.len()..first.len() + second.len());
        },
        "SW0732",
        "line 2",
    );
    check(
        |bytes| {
            let last = line_of(bytes, 2);
            bytes.extend_from_slice(&last);
        },
        "SW0732",
        "line 4",
    );
    check(
        |bytes| bytes.extend_from_slice(b"{\"formatVersion\":2,\"hash\":\"x\"}\n"),
        "SW0733",
        "line 4",
    );
    check(
        |bytes| bytes.extend_from_slice(b"{\"formatVersion\":0}\n"),
        "SW0732",
        "line 4",
    );
}

#[test]
fn nothing_is_added_after_a_failed_write() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("state");
    let mut journal = Journal::open(&below, "hq", 0).unwrap();
    std::fs::write(&below, "in the way").unwrap();
    let error = journal.append(&run("r1"), at(), created(1)).unwrap_err();
    assert_eq!(error.code(), "SW0735");
    std::fs::remove_file(&below).unwrap();
    let error = journal.append(&run("r1"), at(), created(1)).unwrap_err();
    assert_eq!(error.code(), "SW0736");
    write(&below, "r2", [created(1)]);
    assert_eq!(sequences(&below), [1]);
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
    let ownership = replay(Ownership::default(), entries(&facts));
    let again = Fact::Recorded {
        record: Record::AdoptSite {
            site: ResourceRef {
                name: Name::new("site 1"),
                guid: guid(1),
            },
            protected: false,
        },
    };
    let ownership = replay(ownership, entries(&[again]));
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
    assert_eq!(replay(ownership, entries(&gone)), Ownership::default());
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
    let ownership = replay(Ownership::default(), entries(&facts));
    assert_eq!(ownership.counted[&CountedKind::Subnets].expected(), 38);
    assert_eq!(ownership.counted[&CountedKind::Sites], Count::of(2));
    let ownership = replay(
        ownership,
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
        format_version: Entry::FORMAT_VERSION,
        run: run("r1"),
        sequence,
        at: at().to_string(),
        fact: fact.clone(),
    })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    (0_u32..11, 1_u128..4, any::<bool>()).prop_map(|(kind, number, flag)| {
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
    #[test]
    fn replaying_any_end_again_changes_nothing(
        before in prop::collection::vec(any_fact(), 0..8),
        facts in prop::collection::vec(any_fact(), 0..16),
        from in 0_usize..16,
    ) {
        let start = replay(Ownership::default(), entries(&before));
        let once = replay(start, entries(&facts));
        let again = &facts[from.min(facts.len())..];
        prop_assert_eq!(replay(once.clone(), entries(again)), once);
    }
}
