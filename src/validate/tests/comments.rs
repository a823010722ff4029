//! Comments that allow a finding.

use super::*;

fn two() -> Seen {
    bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .site("HQ")
        .site("Lab")
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
        ["subnet-overlap fine", "supernet ", "unused-allow "]
    );
    // What is there now does not tell whether what is declared will need the comment.
    assert_eq!(
        said(crate::validate::check(&view)),
        ["subnet-overlap fine", "supernet "]
    );
    let declared = World::declared(&both);
    assert_eq!(
        said(crate::validate::check(&View::declared(&declared, &both))),
        Vec::<String>::new()
    );
}
