//! Findings before and after: `check(before, after, touched, expect)`.

use super::*;
use crate::diff::declare;
use crate::model::Desired;
use crate::model::testing::*;

fn seen_as(desired: &Desired, seen: &Seen) -> World {
    let mut world = World::observed(&seen.snapshot);
    declare(&mut world, desired);
    world
}

fn view<'a>(world: &'a World, desired: &'a Desired, seen: &'a Seen) -> View<'a> {
    View {
        world,
        desired: Some(desired),
        snapshot: Some(&seen.snapshot),
        ownership: Some(&seen.ownership),
    }
}

#[track_caller]
fn check(desired: &Desired, before: &Seen, after: &Seen, touched: &[&str], expect: &str) {
    let touched = touched.iter().map(ToString::to_string).collect();
    let (was, will) = (seen_as(desired, before), seen_as(desired, after));
    let found: Vec<String> = judge(
        &view(&was, desired, before),
        &view(&will, desired, after),
        &touched,
    )
    .iter()
    .map(|n| format!("{:?} {:?} {}: {}", n.severity, n.standing, n.id, n.message))
    .collect();
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let found = found.join("\n");
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

fn two() -> Seen {
    bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .site("HQ")
        .site("Lab")
}

#[test]
fn a_subnet_in_two_sites() {
    let wrong = two().subnet("10.0.0.0/24", &["HQ", "Lab"]);
    let right = two().subnet("10.0.0.0/24", &["HQ"]);
    check(
        &desired(),
        &right,
        &wrong,
        &["subnet 10.0.0.0/24"],
        "
            Error Blocks subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`
        ",
    );
    check(
        &desired(),
        &wrong,
        &wrong,
        &[],
        "
            Error Existing subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`
        ",
    );
    check(
        &desired(),
        &wrong,
        &wrong,
        &["site lab"],
        "
            Error Blocks subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`
        ",
    );
    check(
        &desired(),
        &wrong,
        &right,
        &["subnet 10.0.0.0/24"],
        "
            Error Resolved subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`
        ",
    );
}

#[test]
fn overlaps() {
    let nested = |inner: &str| two().subnet("10.0.0.0/16", &["HQ"]).subnet(inner, &["Lab"]);
    let both = desired().site("HQ").site("Lab");
    let lab = desired().site("HQ").deployment_site("Lab");
    let hq = desired().deployment_site("HQ").site("Lab");
    let seen = nested("10.0.1.0/24");
    check(&both, &two(), &seen, &[], "
            Warning Remains subnet-overlap: subnet `10.0.1.0/24` of `Lab` lies inside `10.0.0.0/16` of `HQ`
        ");
    check(&lab, &two(), &seen, &[], "
            Info Remains subnet-overlap: subnet `10.0.1.0/24` of `Lab` lies inside `10.0.0.0/16` of `HQ`
        ");
    check(&hq, &two(), &seen, &[], "
            Error Blocks subnet-overlap: subnet `10.0.1.0/24` of `Lab` lies inside `10.0.0.0/16` of `HQ`
        ");
    let carved = nested("10.0.1.1/32")
        .server("S", &["10.0.1.1"], "package")
        .assign("Lab", &["S"]);
    check(&both, &two(), &carved, &[], "
            Info Remains subnet-overlap: subnet `10.0.1.1/32` of `Lab` lies inside `10.0.0.0/16` of `HQ`
        ");
    // Of one site: no overlap.
    let same = two()
        .subnet("10.0.0.0/16", &["HQ"])
        .subnet("10.0.1.0/24", &["HQ"]);
    check(&both, &two(), &same, &[], "");
}

#[test]
fn the_flat_lan() {
    let seen = bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .subnet("192.168.0.0/24", &[])
        .subnet("192.168.10.0/24", &[]);
    check(&desired(), &seen, &seen, &[], "
            Warning Existing flat-lan: `DEPLOY01` and `SMP01` are all valid package and task servers for `192.168.0.0/24` and `192.168.10.0/24`, which are in no site: latency decides, and agents drift
        ");
    let wanted = desired().site("HQ").deployment_site("Lab");
    let shared = two()
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .assign("Lab", &["DEPLOY01"])
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.10.0/24", &["Lab"]);
    check(&wanted, &seen, &shared, &["site lab"], "
            Error Blocks flat-lan: `DEPLOY01` of deployment site `Lab` also serves `HQ`, since its own address lies there
            Warning Resolved flat-lan: `DEPLOY01` and `SMP01` are all valid package and task servers for `192.168.0.0/24` and `192.168.10.0/24`, which are in no site: latency decides, and agents drift
        ");
    let carved = shared.subnet("192.168.0.12/32", &["Lab"]);
    check(&wanted, &seen, &carved, &["site lab"], "
            Warning Resolved flat-lan: `DEPLOY01` and `SMP01` are all valid package and task servers for `192.168.0.0/24` and `192.168.10.0/24`, which are in no site: latency decides, and agents drift
            Info Remains subnet-overlap: subnet `192.168.0.12/32` of `Lab` lies inside `192.168.0.0/24` of `HQ`
        ");
}

#[test]
fn comments_are_heard_with_a_plan_and_without() {
    let seen = two()
        .subnet("10.0.0.0/16", &["HQ"])
        .subnet("10.0.1.0/24", &["Lab"]);
    let mut both = desired().site("HQ").site("Lab");
    let comments = |site: &crate::model::DesiredSite| {
        ["flat-lan", "subnet-overlap"].map(|check| crate::model::Allowed {
            origin: site.origin.clone(),
            check: check.into(),
            reason: "fine".into(),
            lines: (site.origin.line, site.origin.line),
        })
    };
    both.allowed = both.sites.values().take(1).flat_map(comments).collect();
    let world = seen_as(&both, &seen);
    let view = view(&world, &both, &seen);
    let said = |notes: Vec<Note>| -> Vec<String> {
        notes
            .into_iter()
            .map(|note| {
                let reason = note.allowed.map(|allowed| allowed.reason);
                format!("{} {}", note.id, reason.unwrap_or_default())
            })
            .collect()
    };
    assert_eq!(
        said(judge(&view, &view, &BTreeSet::new())),
        ["subnet-overlap fine", "unused-allow "]
    );
    // What is there now does not tell whether what is declared will need the comment.
    assert_eq!(said(super::check(&view)), ["subnet-overlap fine"]);
    let declared = World::declared(&both);
    assert_eq!(
        said(super::check(&View::declared(&declared, &both))),
        Vec::<String>::new()
    );
}
