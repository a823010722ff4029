//! Whether the lists that a plan stands on are whole: fewer objects of a kind than the last run saw may be fewer, or may
//! be a right that the account lost.
//!
//! Pure. A kind that fell by more than the limit is in doubt: whatever creates, deletes or forgets objects of it, and
//! what depends on these lists being whole, blocks the plan until somebody vouches for the shorter list. The number
//! that is remembered stays the old one until then.

use std::collections::BTreeMap;

use super::{Note, Severity, Standing};
use crate::diff::{Change, Found};
use crate::model::{Acceptance, CountedKind, Ownership, Record, Share, Snapshot};

/// The id of the notes.
pub(super) const FEWER: &str = "fewer-shown";

/// What is to be said, recorded and remembered of the numbers of a snapshot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) notes: Vec<Note>,
    /// Somebody's word for shorter lists, by kind.
    pub(super) records: Vec<Record>,
    /// What the next plan compares with; without the kinds that are in doubt.
    pub(super) counts: BTreeMap<CountedKind, u64>,
}

/// Compares the numbers of a snapshot with those of the last run.
pub(super) fn judge(
    snapshot: &Snapshot,
    ownership: &Ownership,
    max_fewer: Share,
    acceptance: Option<&Acceptance>,
    changes: &[Found],
) -> Judged {
    let mut judged = Judged::default();
    for (kind, now) in snapshot.counts() {
        let expected = ownership
            .counted
            .get(&kind)
            .map_or(now, crate::model::Count::expected);
        let limit = max_fewer.of(expected);
        if expected.saturating_sub(now) <= limit {
            judged.counts.insert(kind, now);
            continue;
        }
        if let Some(Acceptance { kinds: _, reason }) =
            acceptance.filter(|acceptance| acceptance.kinds.contains(&kind))
        {
            judged.counts.insert(kind, now);
            judged.notes.push(accepted(kind, expected, now, reason));
            judged.records.push(Record::AcceptFewer {
                of: kind,
                before: expected,
                after: now,
                why: reason.clone(),
            });
        } else {
            judged
                .notes
                .push(doubted(kind, expected, now, limit, changes));
        }
    }
    judged
}

fn accepted(kind: CountedKind, expected: u64, now: u64, reason: &str) -> Note {
    note(
        Severity::Warning,
        Standing::Remains,
        format!(
            "the SMP shows {} instead of {expected}, which is accepted: {reason}",
            amount(now, kind)
        ),
        String::new(),
    )
}

fn doubted(kind: CountedKind, expected: u64, now: u64, limit: u64, changes: &[Found]) -> Note {
    let fewer = expected.saturating_sub(now);
    let told = format!(
        "the SMP shows {} instead of the {expected} of the last run, {fewer} fewer where up to {limit} are believed",
        amount(now, kind)
    );
    let rights = format!(
        "they may be there and not shown to the account: give it {}, by its security role and by the organisational views and groups that it is scoped to",
        kind.right()
    );
    let doing = doing(kind, changes);
    if doing.is_empty() {
        return note(
            Severity::Warning,
            Standing::Remains,
            format!("{told}; nothing of this plan depends on it"),
            rights,
        );
    }
    note(
        Severity::Error,
        Standing::Blocks,
        format!("{told}; this plan would {}", listed(&doing)),
        format!("{rights}; if they are gone, pass `--accept-fewer {kind} --reason TEXT`"),
    )
}

fn note(severity: Severity, standing: Standing, message: String, remedy: String) -> Note {
    Note {
        severity,
        standing,
        id: FEWER.into(),
        message,
        remedy,
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    }
}

/// What a plan does that would be wrong if objects of a kind were there and not shown, in words, with how often.
fn doing(kind: CountedKind, changes: &[Found]) -> Vec<(&'static str, usize)> {
    let mut words: BTreeMap<&'static str, usize> = BTreeMap::new();
    for found in changes {
        if let Some(word) = word(kind, &found.change) {
            *words.entry(word).or_default() += 1;
        }
    }
    words.into_iter().collect()
}

fn word(kind: CountedKind, change: &Change) -> Option<&'static str> {
    use CountedKind::{Packages, Servers, Sites, Subnets};
    match (kind, change) {
        (Sites, Change::CreateSite { .. }) => Some("create sites"),
        // It may hold subnets that are not shown either.
        (Sites | Subnets, Change::DeleteSite { .. }) => Some("delete sites"),
        (Sites, Change::ReleaseSite { gone: true, .. }) => Some("forget sites"),
        (Subnets, Change::SubnetTo { guid: None, .. }) => Some("create subnets"),
        // A site that is not shown may have it.
        (Sites, Change::SubnetTo { .. }) => Some("give subnets a site"),
        (Subnets, Change::SubnetOut { delete: true, .. }) => Some("delete subnets"),
        (Subnets, Change::ReleaseSubnet { gone: true, .. }) => Some("forget subnets"),
        (Servers, Change::ServerTo { .. } | Change::ServerOut { .. }) => {
            Some("change the servers of sites")
        }
        // The service may be there.
        (Servers, Change::Role { .. }) => Some("install site services"),
        (Servers | Packages, Change::Package { .. }) => Some("assign packages"),
        _ => None,
    }
}

/// `1 site`, `12 subnets`.
pub(super) fn amount(number: u64, kind: CountedKind) -> String {
    let plural = kind.as_str();
    match number {
        1 => format!("1 {}", plural.strip_suffix('s').unwrap_or(plural)),
        _ => format!("{number} {plural}"),
    }
}

fn listed(doing: &[(&'static str, usize)]) -> String {
    let words: Vec<String> = doing
        .iter()
        .map(|(word, times)| format!("{word} ({times})"))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff;
    use crate::model::testing::*;
    use crate::model::{Count, Desired, Guid};

    /// HQ with this many subnets 10.N.0.0/24, all of which are ours.
    fn office(subnets: u64) -> Seen {
        (0..subnets).fold(world().site("HQ"), |seen, number| {
            seen.subnet(&format!("10.{number}.0.0/24"), &["HQ"])
        })
    }

    fn remembering(mut seen: Seen, kind: CountedKind, count: u64) -> Seen {
        seen.ownership.counted.insert(kind, Count::of(count));
        seen
    }

    fn judged(desired: &Desired, seen: &Seen, acceptance: Option<&Acceptance>) -> Judged {
        let changes = diff(desired, &seen.snapshot, &seen.ownership, true).found;
        judge(
            &seen.snapshot,
            &seen.ownership,
            crate::model::Safety::default().max_fewer,
            acceptance,
            &changes,
        )
    }

    #[track_caller]
    fn check(desired: &Desired, seen: &Seen, expect: &[(Standing, &str)]) {
        let found = judged(desired, seen, None);
        let found: Vec<(Standing, &str)> = found
            .notes
            .iter()
            .map(|note| (note.standing, note.message.as_str()))
            .collect();
        assert_eq!(found, expect);
    }

    fn wants() -> Desired {
        desired().site("HQ").subnets("HQ", &["10.99.0.0/24"])
    }

    #[test]
    fn nothing_to_compare_with_is_no_doubt() {
        check(&wants(), &office(0), &[]);
        let found = judged(&wants(), &office(2), None);
        assert_eq!(found.counts[&CountedKind::Subnets], 2);
    }

    #[test]
    fn more_or_a_few_less_is_no_doubt() {
        for before in [1, 4, 7] {
            let seen = remembering(office(4), CountedKind::Subnets, before);
            check(&wants(), &seen, &[]);
        }
    }

    #[test]
    fn a_steep_fall_blocks_what_depends_on_the_list() {
        let seen = remembering(office(4), CountedKind::Subnets, 8);
        let told = "the SMP shows 4 subnets instead of the 8 of the last run, 4 fewer where up to 3 are believed";
        check(
            &wants(),
            &seen,
            &[(
                Standing::Blocks,
                &format!("{told}; this plan would create subnets (1)"),
            )],
        );
        // The number of the last run stays what is compared with, until somebody vouches for the new one.
        let found = judged(&wants(), &seen, None);
        assert!(!found.counts.contains_key(&CountedKind::Subnets));
        assert!(found.counts.contains_key(&CountedKind::Sites));
        // A plan that does nothing of the kind goes its way.
        check(
            &desired().site("HQ").describe("HQ", "the office"),
            &seen,
            &[(
                Standing::Remains,
                &format!("{told}; nothing of this plan depends on it"),
            )],
        );
        let remedy = &judged(&wants(), &seen, None).notes[0].remedy;
        assert!(
            remedy.contains("Read on the resources of type Subnet"),
            "{remedy}"
        );
        assert!(remedy.contains("--accept-fewer subnets"), "{remedy}");
    }

    #[test]
    fn sites_that_are_not_shown_keep_subnets_where_they_are() {
        let seen = world().site("HQ").subnet("10.99.0.0/24", &[]);
        let mut seen = remembering(seen, CountedKind::Sites, 20);
        seen.ownership.sites.insert(
            Guid::from_u128(0x9999),
            crate::model::Owned {
                name: crate::model::Name::new("Lost"),
                how: crate::model::Held::Created,
                protected: false,
            },
        );
        check(
            &wants().site("New"),
            &seen,
            &[(
                Standing::Blocks,
                "the SMP shows 1 site instead of the 20 of the last run, 19 fewer where up to 3 are believed; this plan would create sites (1), forget sites (1), give subnets a site (1)",
            )],
        );
    }

    #[test]
    fn servers_that_are_not_shown_are_not_equipped_again() {
        let seen = world().server("S1", &["10.0.0.1"], "").site("HQ");
        let seen = remembering(seen, CountedKind::Servers, 12);
        check(
            &desired()
                .site("HQ")
                .servers("HQ", &["S1"])
                .roles("S1", "package"),
            &seen,
            &[(
                Standing::Blocks,
                "the SMP shows 1 server instead of the 12 of the last run, 11 fewer where up to 3 are believed; this plan would change the servers of sites (1), install site services (1)",
            )],
        );
    }

    #[test]
    fn what_a_run_deleted_itself_is_not_missed() {
        let mut seen = remembering(office(4), CountedKind::Subnets, 8);
        let count = seen.ownership.counted.get_mut(&CountedKind::Subnets);
        if let Some(count) = count {
            count.deleted.insert(Guid::from_u128(0x7777));
        }
        check(&wants(), &seen, &[]);
    }

    #[test]
    fn somebody_may_vouch_for_a_shorter_list() {
        let seen = remembering(office(4), CountedKind::Subnets, 8);
        let acceptance = |kind| Acceptance {
            kinds: [kind].into(),
            reason: "the lab was closed, ticket 4711".into(),
        };
        let found = judged(&wants(), &seen, Some(&acceptance(CountedKind::Subnets)));
        assert_eq!(found.counts[&CountedKind::Subnets], 4);
        assert_eq!(
            found.records,
            [Record::AcceptFewer {
                of: CountedKind::Subnets,
                before: 8,
                after: 4,
                why: "the lab was closed, ticket 4711".into(),
            }]
        );
        assert_eq!(found.notes[0].standing, Standing::Remains);
        // For another list that is nobody's word.
        let found = judged(&wants(), &seen, Some(&acceptance(CountedKind::Sites)));
        assert_eq!(found.records, []);
        assert_eq!(found.notes[0].standing, Standing::Blocks);
    }

    #[test]
    fn a_workspace_may_draw_the_line_elsewhere() {
        let seen = remembering(office(4), CountedKind::Subnets, 8);
        let changes = diff(&wants(), &seen.snapshot, &seen.ownership, true).found;
        let blocks = |percent, floor| {
            let max_fewer = Share { percent, floor };
            let found = judge(&seen.snapshot, &seen.ownership, max_fewer, None, &changes);
            found.notes.len() == 1
        };
        assert!(blocks(49, 3));
        assert!(!blocks(50, 0));
        assert!(!blocks(0, 4));
    }
}
