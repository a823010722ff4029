//! How findings before and after go together.

use super::*;

#[test]
fn introduced_existing_left_and_cured() {
    let wrong = two().subnet("10.0.0.0/24", &["HQ", "Lab"]);
    let right = two().subnet("10.0.0.0/24", &["HQ"]);
    let said = "subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`";
    let with = |standing: &str| format!("Error {standing} {said}");
    check(
        &desired(),
        &right,
        &wrong,
        &["subnet 10.0.0.0/24"],
        &with("Blocks"),
    );
    check(&desired(), &right, &wrong, &[], &with("Blocks"));
    check(&desired(), &wrong, &wrong, &[], &with("Existing"));
    check(&desired(), &wrong, &wrong, &["site lab"], &with("Blocks"));
    check(
        &desired(),
        &wrong,
        &right,
        &["subnet 10.0.0.0/24"],
        &with("Resolved"),
    );
}

/// A subnet in three sites that leaves one of them is better off than before, and was not made wrong by that.
#[test]
fn a_finding_that_shrinks_is_the_same_finding() {
    let three = |sites: &[&str]| two().site("Annex").subnet("10.0.0.0/24", sites);
    let (before, after) = (three(&["HQ", "Lab", "Annex"]), three(&["HQ", "Lab"]));
    check(
        &desired(),
        &before,
        &after,
        &[],
        "
            Error Existing subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `HQ` and `Lab`
        ",
    );
    check(&desired(), &after, &before, &[], "
            Error Blocks subnet-in-two-sites: subnet `10.0.0.0/24` belongs to `Annex`, `HQ` and `Lab`
        ");
}

/// What does nothing is not looked at twice; what does something is, even where the worlds are equal.
#[test]
fn a_plan_is_judged_by_what_it_does() {
    let nested = two()
        .subnet("10.0.0.0/16", &["HQ"])
        .subnet("10.0.1.0/24", &["Lab"]);
    let seen = with_clients(nested, vec![client(1, "10.9.0.1", 24)]);
    let (desired, doing) = (desired(), Planned::default());
    let world = seen_as(&desired, &seen);
    let before = view(&world, &desired, &seen);
    let judged = |planned: &Planned| -> Vec<(String, Standing)> {
        let after = View {
            planned: Some(planned),
            ..before
        };
        judge(&before, &after, &BTreeSet::new())
            .into_iter()
            .map(|note| (note.id, note.standing))
            .collect()
    };
    let nothing = judged(&doing);
    assert!(nothing.contains(&("subnet-overlap".into(), Standing::Existing)));
    assert!(nothing.iter().all(|(_, s)| *s == Standing::Existing));
    let deletes = Planned {
        deleted: [net("10.9.0.0/24")].into(),
        ..doing
    };
    let deleting = judged(&deletes);
    assert!(deleting.contains(&("resurrecting-subnet".into(), Standing::Remains)));
    assert_eq!(deleting.len(), nothing.len() + 1);
}

/// A warning that becomes an error was not there before as an error.
#[test]
fn what_gets_worse_is_introduced() {
    let nested = two()
        .subnet("10.0.0.0/16", &["HQ"])
        .subnet("10.0.1.0/24", &["Lab"]);
    let mild = desired().site("HQ").site("Lab");
    let strict = desired().deployment_site("HQ").site("Lab");
    let (was, will) = (seen_as(&mild, &nested), seen_as(&strict, &nested));
    let standing = |was: &World, will: &World| {
        judge(
            &view(was, &mild, &nested),
            &view(will, &mild, &nested),
            &BTreeSet::new(),
        )
        .into_iter()
        .filter(|note| note.id == "subnet-overlap")
        .map(|note| (note.severity, note.standing))
        .collect::<Vec<_>>()
    };
    assert_eq!(standing(&was, &will), [(Severity::Error, Standing::Blocks)]);
    assert_eq!(
        standing(&will, &was),
        [
            (Severity::Error, Standing::Resolved),
            (Severity::Warning, Standing::Existing)
        ]
    );
}

#[test]
fn a_thousand_of_one_kind_are_told_in_a_few() {
    let mut seen = two();
    for net in 0..100 {
        seen = seen.subnet(&format!("10.0.{net}.0/24"), &["HQ", "Lab"]);
    }
    let world = seen_as(&desired(), &seen);
    let nothing = desired();
    let notes = super::super::check(&view(&world, &nothing, &seen));
    let same: Vec<&Note> = notes
        .iter()
        .filter(|n| n.id == "subnet-in-two-sites")
        .collect();
    assert_eq!(same.len(), 25);
    assert!(
        same.iter().any(|note| note
            .message
            .starts_with("76 more of the same, the first: subnet `10.0.")),
        "{same:#?}"
    );
}

#[test]
fn every_check_is_in_order() {
    let mut ids = BTreeSet::new();
    for check in checks() {
        assert!(ids.insert(check.id), "{} twice", check.id);
        let sentences = check.explanation.matches(". ").count() + 1;
        assert!(
            (2..=5).contains(&sentences),
            "{}: {sentences} sentences",
            check.id
        );
        assert!(!check.phases.is_empty(), "{}", check.id);
        assert!(!check.holds_when.ends_with('.'), "{}", check.id);
    }
}
