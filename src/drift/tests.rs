#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::journal::{Entry, Fact};
use crate::model::testing::{Seen, desired, known, named, net, world};
use crate::model::{
    Action, Assignment, By, Guid, Ignorable, Observed, Outcome, Role, RunId, Safety, Service,
    ServiceRole, SiteRef, Step, StepId,
};
use crate::plan::{self, Names};

const TIME: &str = "2026-11-20T08:00:00Z";
const NOW: &str = "2026-11-26T08:00:00Z";

/// Two sites that are declared, and one that is not.
fn seen() -> Seen {
    world()
        .server("S1", &["10.0.0.1"], "package task")
        .server("S2", &["10.1.0.1"], "package task")
        .server("S9", &["10.9.0.1"], "package")
        .site("HQ")
        .with(|site| site.description = Observed::Known("head office".into()))
        .assign("HQ", &["S1"])
        .site("Branch")
        .assign("Branch", &["S2"])
        .site("Other")
        .subnet("10.0.0.0/24", &["HQ"])
        .subnet("10.1.0.0/24", &["Branch"])
        .subnet("10.9.0.0/24", &["Other"])
        .package("Win11", "servers S1", &["S1"])
}

fn wanted() -> Desired {
    desired()
        .site("HQ")
        .describe("HQ", "head office")
        .subnets("HQ", &["10.0.0.0/24"])
        .servers("HQ", &["S1"])
        .constrain("HQ", false)
        .site("Branch")
        .subnets("Branch", &["10.1.0.0/24"])
        .servers("Branch", &["S2"])
        .roles("S1", "package task")
        .package(named("Win11"), "servers S1", &[])
}

fn planned(desired: &Desired, seen: &Seen) -> Plan {
    plan::make(&plan::Inputs {
        desired,
        snapshot: &seen.snapshot,
        ownership: &seen.ownership,
        takeover: false,
        allow_stranded: u64::MAX,
        safety: &Safety::default(),
        acceptance: None,
        overrides: None,
        now: NOW.parse().unwrap(),
        stale_since: None,
        narrowing: None,
        lineage: "",
        serial: 0,
        journal_sequence: 8,
        tool_version: "test",
    })
    .unwrap()
}

fn since(before: &Seen, now: &Seen, desired: &Desired, entries: &[Entry], all: bool) -> Drift {
    drift(&Inputs {
        baseline: Some(Baseline {
            taken_at: TIME,
            snapshot: &before.snapshot,
            since: entries,
        }),
        now: &now.snapshot,
        desired,
        plan: &planned(desired, now),
        ownership: &now.ownership,
        all,
        at: NOW.parse().unwrap(),
    })
}

/// A line a difference: `undo Site/HQ:description head office -> lab`.
fn lines(drift: &Drift) -> Vec<String> {
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
    let mut lines: Vec<String> = drift
        .changes
        .iter()
        .map(|change| {
            let standing = match change.standing {
                Standing::Undo => "undo",
                Standing::Agreed => "agreed",
                Standing::Undeclared => "undeclared",
            };
            format!(
                "{standing} {} {} -> {}",
                change.key,
                word(&change.before),
                word(&change.after)
            )
        })
        .collect();
    let pending = drift.pending.iter();
    lines.extend(pending.map(|object| format!("pending {}/{}", object.kind, object.name)));
    lines.extend(drift.unseen.iter().map(|what| format!("unseen {what}")));
    lines
}

#[track_caller]
fn check(now: &Seen, desired: &Desired, expect: &[&str]) -> Drift {
    let drift = since(&seen(), now, desired, &[], false);
    assert_eq!(lines(&drift), expect);
    drift
}

fn site<'s>(seen: &'s mut Seen, name: &str) -> &'s mut crate::model::ObservedSite {
    let name = Name::new(name);
    let sites = known(&mut seen.snapshot.sites);
    sites.iter_mut().find(|site| site.name == name).unwrap()
}

/// Puts a subnet into sites, making it where it is not there.
fn put(mut seen: Seen, subnet: &str, sites: &[&str]) -> Seen {
    let guids: Vec<Guid> = sites.iter().map(|site| seen.site_guid(site)).collect();
    let all = known(&mut seen.snapshot.subnets);
    match all.iter_mut().find(|one| one.subnet == Ok(net(subnet))) {
        Some(one) => {
            one.sites = guids;
            seen
        }
        None => seen.subnet(subnet, sites),
    }
}

fn gone(mut seen: Seen, subnet: &str) -> Seen {
    known(&mut seen.snapshot.subnets).retain(|one| one.subnet != Ok(net(subnet)));
    seen
}

/// A site that is declared by another name than it is shown by is the declared one: what changes in it is ours to undo.
#[test]
fn a_site_with_its_former_name_is_the_declared_one() {
    let wanted = desired()
        .site("Head Office")
        .formerly("Head Office", &["HQ"])
        .describe("Head Office", "head office")
        .subnets("Head Office", &["10.0.0.0/24"])
        .servers("Head Office", &["S1"])
        .site("Branch")
        .subnets("Branch", &["10.1.0.0/24"])
        .servers("Branch", &["S2"]);
    let now = seen().but(|snapshot| {
        let sites = known(&mut snapshot.sites);
        sites[0].description = Observed::Known("lab".into());
        sites[0].servers.clear();
        let (hq, branch) = (sites[0].guid, sites[1].guid);
        let subnets = known(&mut snapshot.subnets);
        subnets[0].sites = vec![branch];
        subnets[1].sites = vec![hq];
    });
    check(
        &now,
        &wanted,
        &[
            "undo Site/HQ:description head office -> lab",
            "undo Site/HQ:servers/S1 S1 -> nothing",
            "undo Subnet/10.0.0.0/24:site HQ -> Branch",
            "undo Subnet/10.1.0.0/24:site Branch -> HQ",
            "pending Site/Head Office",
        ],
    );
    // Somebody gives it its new name in the console.
    let renamed =
        seen().but(|snapshot| known(&mut snapshot.sites)[0].name = Name::new("Head Office"));
    check(
        &renamed,
        &wanted,
        &["agreed Site/HQ:name HQ -> Head Office"],
    );
    let other = seen().but(|snapshot| known(&mut snapshot.sites)[0].name = Name::new("Cellar"));
    check(
        &other,
        &wanted,
        &["undo Site/HQ:name HQ -> Cellar", "pending Site/Head Office"],
    );
}

#[test]
fn a_world_against_itself_has_no_drift() {
    let drift = check(&seen(), &wanted(), &[]);
    assert!(!drift.is_drift() && drift.is_told());
    assert_eq!(drift.impact, Impact::default());
}

#[test]
fn what_the_world_changed_is_ours_to_undo() {
    let mut now = put(seen(), "10.0.0.0/24", &["Branch"]);
    site(&mut now, "HQ").description = Observed::Known("lab".into());
    site(&mut now, "HQ").constrained = Observed::Known(true);
    let drift = check(
        &now,
        &wanted(),
        &[
            "undo Site/HQ:constrainToSite false -> true",
            "undo Site/HQ:description head office -> lab",
            "undo Subnet/10.0.0.0/24:site HQ -> Branch",
        ],
    );
    assert!(drift.is_drift());
    // Whose servers the addresses have now is told as plans tell it.
    assert!(!drift.impact.shifts.is_empty());
    let place = drift.changes[0].place.as_ref().unwrap();
    assert_eq!(place.file.as_ref(), "test.yaml");
}

#[test]
fn what_an_undeclared_site_took_is_ours_although_the_plan_may_not_take_it_back() {
    let now = put(seen(), "10.0.0.0/24", &["Other"]);
    check(
        &now,
        &wanted(),
        &["undo Subnet/10.0.0.0/24:site HQ -> Other"],
    );
}

#[test]
fn what_is_declared_so_by_now_is_agreed() {
    let mut now = seen();
    site(&mut now, "HQ").description = Observed::Known("lab".into());
    let drift = check(
        &now,
        &wanted().describe("HQ", "lab"),
        &["agreed Site/HQ:description head office -> lab"],
    );
    assert!(!drift.is_drift());
}

#[test]
fn what_the_declaration_changed_is_pending_and_no_drift() {
    let drift = check(
        &seen(),
        &wanted().describe("HQ", "lab"),
        &["pending Site/HQ"],
    );
    assert!(!drift.is_drift() && drift.is_told());
    // Both changed: the world's part is told, and the plan's other one waits.
    let now = put(seen(), "10.0.0.0/24", &[]);
    check(
        &now,
        &wanted().describe("HQ", "lab"),
        &[
            "undo Subnet/10.0.0.0/24:site HQ -> no site",
            "pending Site/HQ",
        ],
    );
}

#[test]
fn only_what_touches_ours_is_shown_of_the_undeclared() {
    // A more specific subnet of somebody else inside ours; and one far away.
    let now = put(seen(), "10.0.0.128/25", &["Other"]);
    let now = put(now, "172.16.0.0/24", &["Other"]);
    let drift = check(
        &now,
        &wanted(),
        &["undeclared Subnet/10.0.0.128/25:site nothing -> Other"],
    );
    assert!(drift.is_drift());
    assert_eq!(drift.hidden, 1);
    let all = since(&seen(), &now, &wanted(), &[], true);
    assert_eq!(all.changes.len(), 2);
    assert_eq!(all.hidden, 0);
    // One that encloses ours touches it, too.
    let now = put(seen(), "10.0.0.0/16", &["Other"]);
    check(
        &now,
        &wanted(),
        &["undeclared Subnet/10.0.0.0/16:site nothing -> Other"],
    );
}

#[test]
fn what_is_to_be_overlooked_is_overlooked() {
    let mut now = seen();
    site(&mut now, "HQ").description = Observed::Known("lab".into());
    let declared = wanted().ignore("HQ", Ignorable::Description);
    let drift = check(&now, &declared, &[]);
    assert_eq!(drift.hidden, 1);
}

#[test]
fn servers_roles_assignments_and_packages_are_compared_one_by_one() {
    let mut now = seen().assign("HQ", &["S9"]);
    let (s1, s9) = (now.server_guid("S1"), now.server_guid("S9"));
    site(&mut now, "HQ").servers = BTreeSet::from([s9]);
    known(&mut now.snapshot.services)
        .retain(|one| !(one.computer == s1 && one.role == ServiceRole::Known(Role::Task)));
    for assigned in now.snapshot.assignments.values_mut() {
        *assigned = Observed::Known(Assignment::All);
    }
    check(
        &now,
        &wanted(),
        &[
            "undo Site/HQ:servers/S1 S1 -> nothing",
            "undo Site/HQ:servers/S9 nothing -> S9",
            "undo SiteServer/S1:roles/task task -> nothing",
            "undo Package/Win11:assignment servers: S1 -> all package servers",
        ],
    );
}

#[test]
fn a_site_that_is_gone_takes_its_fields_along() {
    let mut now = put(seen(), "10.0.0.0/24", &[]);
    known(&mut now.snapshot.sites).retain(|site| site.name != Name::new("HQ"));
    check(
        &now,
        &wanted(),
        &[
            "undo Site/HQ:name HQ -> nothing",
            "undo Subnet/10.0.0.0/24:site HQ -> no site",
        ],
    );
    // Made anew by hand with all that it had, nothing differs.
    let mut now = seen();
    let anew = Guid::from_u128(0x1111);
    site(&mut now, "HQ").guid = anew;
    for subnet in known(&mut now.snapshot.subnets) {
        if subnet.subnet == Ok(net("10.0.0.0/24")) {
            subnet.sites = vec![anew];
        }
    }
    check(&now, &wanted(), &[]);
}

#[test]
fn another_name_is_one_difference() {
    let mut now = seen();
    site(&mut now, "HQ").name = Name::new("Head Office");
    let drift = since(&seen(), &now, &wanted(), &[], false);
    let names: Vec<&str> = drift.changes.iter().map(|c| c.key.as_str()).collect();
    assert!(names.contains(&"Site/HQ:name"), "{names:?}");
    assert!(drift.is_drift());
}

#[test]
fn unseen_is_not_gone() {
    let mut now = seen();
    now.snapshot.subnets = Observed::Unavailable("denied".into());
    let drift = check(&now, &wanted(), &["unseen subnets: denied"]);
    assert!(!drift.is_drift() && !drift.is_told());
    // One subnet that is ours, that no list shows, and of which nobody knows whether it is there.
    let mut now = gone(seen(), "10.0.0.0/24");
    let guid = known(&mut seen().snapshot.subnets)[0].guid;
    let hidden = Observed::Unavailable("denied".to_owned());
    now.snapshot.unlisted.insert(guid, hidden);
    let drift = since(&seen(), &now, &wanted(), &[], false);
    assert!(!drift.is_drift() && !drift.is_told(), "{:?}", lines(&drift));
    now.snapshot.unlisted.insert(guid, Observed::Known(false));
    let drift = since(&seen(), &now, &wanted(), &[], false);
    assert!(drift.is_drift(), "{:?}", lines(&drift));
}

#[test]
fn a_list_that_is_much_shorter_is_not_believed() {
    let mut now = gone(gone(seen(), "10.0.0.0/24"), "10.9.0.0/24");
    let count = crate::model::Count::of(30);
    now.ownership.counted.insert(CountedKind::Subnets, count);
    let drift = since(&seen(), &now, &wanted(), &[], true);
    assert!(drift.changes.is_empty(), "{:?}", lines(&drift));
    assert_eq!(drift.unseen.len(), 2);
}

#[test]
fn without_a_baseline_nothing_is_told_apart() {
    let now = put(seen(), "10.0.0.0/24", &[]);
    let told = |now: &Seen| {
        drift(&Inputs {
            baseline: None,
            now: &now.snapshot,
            desired: &wanted(),
            plan: &planned(&wanted(), now),
            ownership: &now.ownership,
            all: false,
            at: NOW.parse().unwrap(),
        })
    };
    let drift = told(&now);
    assert!(!drift.is_drift() && !drift.is_told());
    assert_eq!(lines(&drift), ["pending Subnet/10.0.0.0/24"]);
    assert!(told(&seen()).is_told());
}

fn entry(sequence: u64, fact: Fact) -> Entry {
    Entry {
        format_version: Entry::FORMAT_VERSION,
        run: RunId("r".into()),
        sequence,
        at: TIME.into(),
        previous: None,
        fact,
    }
}

#[test]
fn what_a_run_of_ours_did_is_no_drift_even_where_it_died() {
    let now = put(seen(), "10.0.0.0/24", &["Branch"]);
    let begun = moved(&seen(), "Branch", None);
    let drift = since(&seen(), &now, &wanted(), &begun, false);
    assert_eq!(lines(&drift), ["pending Subnet/10.0.0.0/24"]);
    // Somebody who moved it on from there changed it all the same.
    let now = put(seen(), "10.0.0.0/24", &["Other"]);
    let entries = moved(&seen(), "Branch", Some(Outcome::Done));
    assert!(since(&seen(), &now, &wanted(), &entries, false).is_drift());
    let Fact::StepStarted { step } = &begun[0].fact else {
        panic!("{begun:?}");
    };
    // And what it left is known by its key.
    assert_eq!(undone(&[step], &Names::new()), ["Subnet/10.0.0.0/24:site"]);
}

/// A step of ours on a subnet, begun, and ended where that is known.
fn moved(seen: &Seen, to: &str, outcome: Option<Outcome>) -> Vec<Entry> {
    let site = SiteRef {
        name: Name::new(to),
        guid: Some(seen.site_guid(to)),
    };
    let step = Step {
        id: StepId("assign-subnet:10.0.0.0/24".into()),
        action: Action::AssignSubnet {
            subnet: net("10.0.0.0/24"),
            guid: Guid::from_u128(0x2000),
            before: vec![],
            site,
        },
        by: By::default(),
        reason: String::new(),
        depends_on: vec![],
    };
    let ended = outcome.map(|outcome| Fact::StepEnded {
        step: step.id.clone(),
        outcome,
        milliseconds: 1,
    });
    std::iter::once(Fact::StepStarted { step })
        .chain(ended)
        .zip(7..)
        .map(|(fact, sequence)| entry(sequence, fact))
        .collect()
}

/// A run of a part leaves the baseline before it, so that what it did is known by the journal alone.
#[test]
fn what_a_run_did_counts_as_what_it_left() {
    let as_it_was = seen();
    let moved_on = put(seen(), "10.0.0.0/24", &["Other"]);
    let as_left = put(seen(), "10.0.0.0/24", &["Branch"]);
    let gone = gone(seen(), "10.0.0.0/24");
    let failed = Outcome::Failed {
        code: "SW0602".into(),
        error: "refused".into(),
        hint: None,
    };
    let key = "Subnet/10.0.0.0/24:site";
    for (outcome, now, expect) in [
        // It is done: whatever else is there the world made, also what was there before.
        (Some(Outcome::Done), &as_left, None),
        (Some(Outcome::Done), &as_it_was, Some("Branch -> HQ")),
        (Some(Outcome::Done), &moved_on, Some("Branch -> Other")),
        (Some(Outcome::Done), &gone, Some("Branch -> nothing")),
        (Some(Outcome::AlreadyDone), &as_it_was, Some("Branch -> HQ")),
        // Nobody knows what came of it: both are as we may have left it.
        (None, &as_left, None),
        (None, &as_it_was, None),
        (None, &moved_on, Some("HQ -> Other")),
        (Some(failed), &as_it_was, None),
    ] {
        let entries = moved(&seen(), "Branch", outcome.clone());
        let drift = since(&seen(), now, &wanted(), &entries, true);
        let found: Vec<String> = drift
            .changes
            .iter()
            .map(|change| {
                assert_eq!(change.key, key);
                let word = |value: &Option<String>| value.clone().unwrap_or("nothing".into());
                format!("{} -> {}", word(&change.before), word(&change.after))
            })
            .collect();
        assert_eq!(
            found.first().map(String::as_str),
            expect,
            "{outcome:?}: {found:?}"
        );
        assert!(found.len() <= 1);
    }
    // A run that goes on while somebody looks may have been seen or not.
    let mut later = moved(&seen(), "Branch", Some(Outcome::Done));
    later[1].sequence = 9;
    for now in [&as_it_was, &as_left] {
        let drift = since(&seen(), now, &wanted(), &later, true);
        assert!(!drift.is_drift(), "{:?}", lines(&drift));
    }
    // A list that is in doubt does not say that what we left is gone.
    let mut doubtful = gone;
    let count = crate::model::Count::of(30);
    doubtful
        .ownership
        .counted
        .insert(CountedKind::Subnets, count);
    let entries = moved(&seen(), "Branch", Some(Outcome::Done));
    let drift = since(&seen(), &doubtful, &wanted(), &entries, true);
    assert!(!drift.is_drift(), "{:?}", lines(&drift));
}

fn acknowledged(now: &mut Seen, key: &str, value: Option<&str>, until: &str) {
    let word = Acknowledgement {
        value: value.map(ToOwned::to_owned),
        until: until.into(),
        reason: "ticket 4711".into(),
        by: "jdoe".into(),
        at: TIME.into(),
    };
    now.ownership.acknowledged.insert(key.to_owned(), word);
}

#[test]
fn a_word_counts_until_its_day_is_over_and_for_its_value() {
    let key = "Subnet/10.0.0.0/24:site";
    // In UTC it is the 26th.
    for (value, until, counts, expired) in [
        ("Branch", "2026-11-26", false, None),
        ("branch", "2026-12-01", false, None),
        ("Branch", "2026-11-25", true, Some(true)),
        ("Other", "2026-12-01", true, Some(false)),
        ("Branch", "never", true, Some(true)),
    ] {
        let mut now = put(seen(), "10.0.0.0/24", &["Branch"]);
        acknowledged(&mut now, key, Some(value), until);
        let drift = since(&seen(), &now, &wanted(), &[], false);
        assert_eq!(drift.is_drift(), counts, "{value} {until}");
        let lapsed = drift.changes[0].lapsed.as_ref().map(|one| one.expired);
        assert_eq!(lapsed, expired, "{value} {until}");
    }
}

#[test]
fn what_was_taken_back_three_times_flaps_with_its_possible_cause() {
    let key = "Subnet/10.0.0.0/24:site";
    let mut now = put(seen(), "10.0.0.0/24", &["Other"]);
    let mut rounds = crate::model::Rounds {
        seen: 3,
        undone: 2,
        open: false,
        told: false,
        at: TIME.into(),
    };
    now.ownership.rounds.insert(key.into(), rounds.clone());
    let told = since(&seen(), &now, &wanted(), &[], false);
    assert_eq!(told.flapping, []);
    rounds.undone = 3;
    now.ownership.rounds.insert(key.into(), rounds.clone());
    let imported = BTreeSet::from([now.site_guid("Other")]);
    now.snapshot.surroundings.imported = Observed::Known(imported);
    let told = since(&seen(), &now, &wanted(), &[], false);
    let [flapping] = told.flapping.as_slice() else {
        panic!("{:?}", told.flapping);
    };
    assert_eq!((flapping.seen, flapping.undone, flapping.new), (4, 3, true));
    assert!(
        flapping
            .cause
            .as_ref()
            .unwrap()
            .contains("Active Directory")
    );
    // What was not imported was not changed by the import.
    now.snapshot.surroundings.imported = Observed::Known(BTreeSet::new());
    rounds.told = true;
    now.ownership.rounds.insert(key.into(), rounds);
    let told = since(&seen(), &now, &wanted(), &[], false);
    assert_eq!(
        (told.flapping[0].cause.as_ref(), told.flapping[0].new),
        (None, false)
    );
}

/// Something that the world may change, and the keys by which it is found.
type Edit = (fn(Seen) -> Seen, &'static [&'static str]);

const EDITS: [Edit; 12] = [
    (
        |mut seen| {
            site(&mut seen, "HQ").description = Observed::Known("x".into());
            seen
        },
        &["Site/HQ:description"],
    ),
    (
        |mut seen| {
            site(&mut seen, "HQ").constrained = Observed::Known(true);
            seen
        },
        &["Site/HQ:constrainToSite"],
    ),
    (
        |seen| put(seen, "10.0.0.0/24", &["Branch"]),
        &["Subnet/10.0.0.0/24:site"],
    ),
    (
        |seen| gone(seen, "10.1.0.0/24"),
        &["Subnet/10.1.0.0/24:site"],
    ),
    (
        |seen| put(seen, "10.9.0.0/24", &[]),
        &["Subnet/10.9.0.0/24:site"],
    ),
    (
        |seen| put(seen, "10.0.0.64/26", &["Other"]),
        &["Subnet/10.0.0.64/26:site"],
    ),
    (
        |mut seen| {
            site(&mut seen, "HQ").servers.clear();
            seen
        },
        &["Site/HQ:servers/S1"],
    ),
    (
        |mut seen| {
            let server = seen.server_guid("S9");
            site(&mut seen, "Branch").servers.insert(server);
            seen
        },
        &["Site/Branch:servers/S9"],
    ),
    (
        |mut seen| {
            let computer = seen.server_guid("S9");
            let services = known(&mut seen.snapshot.services);
            services.push(Service {
                guid: Guid::from_u128(0x5999),
                computer,
                role: ServiceRole::Known(Role::Task),
            });
            seen
        },
        &["SiteServer/S9:roles/task"],
    ),
    (
        |mut seen| {
            for assigned in seen.snapshot.assignments.values_mut() {
                *assigned = Observed::Known(Assignment::All);
            }
            seen
        },
        &["Package/Win11:assignment"],
    ),
    (
        |mut seen| {
            let target = seen.server_guid("S2");
            seen.snapshot.capture_target = Observed::Known(Some(target));
            seen
        },
        &["PlatformSettings:captureTarget"],
    ),
    (|seen| seen.site("New"), &["Site/New:name"]),
];

proptest! {
    #[test]
    fn every_change_of_the_world_is_found_and_nothing_else(
        edits in subsequence(EDITS.to_vec(), 0..=EDITS.len()),
    ) {
        let mut now = seen();
        let mut expected = BTreeSet::new();
        for (edit, keys) in &edits {
            now = edit(now);
            expected.extend(keys.iter().map(|key| (*key).to_owned()));
        }
        let drift = since(&seen(), &now, &wanted(), &[], true);
        let found: BTreeSet<String> = drift.changes.iter().map(|one| one.key.clone()).collect();
        prop_assert_eq!(&found, &expected);
        for change in &drift.changes {
            prop_assert_ne!(&change.before, &change.after, "{}", change.key);
        }
        prop_assert_eq!(drift.hidden, 0);
        // What is not shown is counted.
        let some = since(&seen(), &now, &wanted(), &[], false);
        prop_assert_eq!(some.changes.len() + some.hidden, expected.len());
        // Looked at from there, nothing has changed.
        let none = since(&now, &now, &wanted(), &[], true);
        prop_assert!(none.changes.is_empty() && !none.is_drift());
        // The same input gives the same.
        prop_assert_eq!(drift, since(&seen(), &now, &wanted(), &[], true));
    }
}
