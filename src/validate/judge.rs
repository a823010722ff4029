//! Findings before and after: which the plan introduces, leaves, resolves.
//!
//! Pure. A finding is known again by its check and its objects. One whose objects became fewer is the same finding,
//! grown smaller: checks group what is alike, and a plan that cures a part of it must not look as if it caused the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Finding, Phase, Planned, View, allow, findings, note};
use crate::plan::{Note, Severity, Standing};

/// Judges the view before and the view after; `touched` holds the objects that the plan changes.
///
/// # Guarantees
/// A finding that holds only before is `resolved`; one that holds in both, no worse than it was, and is about nothing
/// the plan changes is `existing`; only an error of the world after can block.
#[must_use]
pub fn judge(before: &View<'_>, after: &View<'_>, touched: &BTreeSet<String>) -> Vec<Note> {
    let was = findings(before);
    // What nothing is done to is not looked at twice.
    let will = if is_same(before, after) {
        was.clone()
    } else {
        findings(after)
    };
    let earlier = Index::of(&was);
    let mut kept: BTreeSet<usize> = BTreeSet::new();
    let mut notes = Vec::new();
    for (check, finding) in &will {
        let mut existed = false;
        for index in earlier.around(check, finding) {
            let Some((_, before)) = was.get(index) else {
                continue;
            };
            // What was a warning and becomes an error is introduced as an error; the other way round it is cured.
            existed |= before.severity <= finding.severity;
            if before.severity >= finding.severity {
                kept.insert(index);
            }
        }
        let changed = finding
            .objects
            .iter()
            .any(|object| touched.contains(object));
        let standing = match (finding.severity, existed, changed) {
            (_, true, false) => Standing::Existing,
            (Severity::Error, _, _) => Standing::Blocks,
            (_, _, _) => Standing::Remains,
        };
        notes.push(note(check, finding, standing));
    }
    let later = Index::of(&will);
    for (index, (check, finding)) in was.iter().enumerate() {
        // What became a part of a larger finding, or worse, is not gone either.
        let part = later.around(check, finding).into_iter().any(|index| {
            will.get(index)
                .is_some_and(|(_, after)| after.severity <= finding.severity)
        });
        if !kept.contains(&index) && !part {
            notes.push(note(check, finding, Standing::Resolved));
        }
    }
    if let Some(desired) = after.desired {
        allow(
            &mut notes,
            &desired.allowed,
            &[Phase::Declared, Phase::Live],
        );
    }
    grouped(notes)
}

/// Whether two views show the same: a plan without changes leads to the world that is there.
fn is_same(before: &View<'_>, after: &View<'_>) -> bool {
    let View {
        world,
        desired,
        snapshot,
        ownership,
        planned,
    } = *before;
    let does_nothing = |planned: Option<&Planned>| planned.is_none_or(Planned::is_empty);
    does_nothing(planned)
        && does_nothing(after.planned)
        && same(desired, after.desired)
        && same(snapshot, after.snapshot)
        && same(ownership, after.ownership)
        && world == after.world
}

/// Whether both are the very same object, which costs nothing to tell.
fn same<T>(one: Option<&T>, other: Option<&T>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}

/// What goes together: whether it is allowed, how bad it is, how it goes with the plan, its check.
type Group = (bool, Severity, Standing, String);

/// How many notes of one check that go together in a plan are told one by one.
const TOLD: usize = 25;

/// Sorts notes, and makes one note of what goes beyond what anybody reads.
pub(super) fn grouped(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort();
    let mut told: BTreeMap<Group, usize> = BTreeMap::new();
    for note in &notes {
        *told.entry(group(note)).or_default() += 1;
    }
    told.retain(|_, number| *number > TOLD);
    let mut seen: BTreeMap<Group, usize> = BTreeMap::new();
    let mut kept = Vec::with_capacity(notes.len());
    for mut note in notes {
        let Some(number) = told.get(&group(&note)) else {
            kept.push(note);
            continue;
        };
        let place = seen.entry(group(&note)).or_default();
        *place += 1;
        if *place == TOLD {
            let more = number - TOLD + 1;
            note.message = format!("{more} more of the same, the first: {}", note.message);
        }
        if *place <= TOLD {
            kept.push(note);
        }
    }
    kept.sort();
    kept
}

fn group(note: &Note) -> Group {
    let allowed = note.allowed.is_some();
    (allowed, note.severity, note.standing, note.id.clone())
}

/// Findings by check and object.
struct Index<'a> {
    found: &'a [(&'static Check, Finding)],
    by_object: BTreeMap<(&'static str, &'a str), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(found: &'a [(&'static Check, Finding)]) -> Self {
        let mut by_object: BTreeMap<(&'static str, &'a str), Vec<usize>> = BTreeMap::new();
        for (index, (check, finding)) in found.iter().enumerate() {
            for object in &finding.objects {
                by_object
                    .entry((check.id, object.as_str()))
                    .or_default()
                    .push(index);
            }
        }
        Self { found, by_object }
    }

    /// The findings of the same check whose objects are those of this finding, or more.
    fn around(&self, check: &Check, finding: &Finding) -> Vec<usize> {
        // Whichever has them all has the rarest of them: few are looked at, however many share a site.
        let mut candidates: &[usize] = &[];
        for (position, object) in finding.objects.iter().enumerate() {
            let Some(with) = self.by_object.get(&(check.id, object.as_str())) else {
                return Vec::new();
            };
            if position == 0 || with.len() < candidates.len() {
                candidates = with;
            }
        }
        candidates
            .iter()
            .copied()
            .filter(|index| {
                self.found
                    .get(*index)
                    .is_some_and(|(_, before)| before.objects.is_superset(&finding.objects))
            })
            .collect()
    }
}
