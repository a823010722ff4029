//! Checks: what the articles warn about, judged on the world before a plan and on the world after it.
//!
//! Pure. One table; every check names the objects, the places, the remedy and its source. A check never blocks a cure:
//! an error blocks only where the plan introduces it or leaves it on an object that the plan changes.

mod checks;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::model::Origin;
use crate::plan::{Note, Severity, Standing};
use crate::select::World;

pub use checks::CHECKS;

/// One check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its id in messages and documentation.
    pub id: &'static str,
    /// What it holds against a world, in one sentence.
    pub holds_when: &'static str,
    /// The article or rule behind it.
    pub source: &'static str,
    /// Finds.
    pub run: fn(&World) -> Vec<Finding>,
}

/// What a check finds in one world.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The objects it is about, `site HQ` or `subnet 10.0.0.0/8`; two findings about the same objects are the same.
    pub objects: BTreeSet<String>,
    /// How bad it is.
    pub severity: Severity,
    /// One line that names the objects.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// Places in the manifests.
    pub places: BTreeSet<Origin>,
}

/// Runs every check on one world.
#[must_use]
pub fn findings(world: &World) -> Vec<(&'static Check, Finding)> {
    CHECKS
        .iter()
        .flat_map(|check| {
            let mut found = (check.run)(world);
            found.sort();
            found.into_iter().map(move |finding| (check, finding))
        })
        .collect()
}

/// Judges the world before and the world after; `touched` holds the objects that the plan changes.
///
/// # Guarantees
/// A finding that holds only before is `resolved`; one that holds in both and is about nothing the plan changes is
/// `existing`; only an error of the world after can block.
#[must_use]
pub fn judge(before: &World, after: &World, touched: &BTreeSet<String>) -> Vec<Note> {
    let was = findings(before);
    let will = findings(after);
    let keys = |found: &[(&'static Check, Finding)]| -> BTreeSet<(&str, BTreeSet<String>)> {
        found
            .iter()
            .map(|(check, finding)| (check.id, finding.objects.clone()))
            .collect()
    };
    let (had, has) = (keys(&was), keys(&will));
    let mut notes = Vec::new();
    for entry in &will {
        let existed = had.contains(&(entry.0.id, entry.1.objects.clone()));
        let changed = entry
            .1
            .objects
            .iter()
            .any(|object| touched.contains(object));
        let standing = match (entry.1.severity, existed, changed) {
            (Severity::Error, true, false) => Standing::Existing,
            (Severity::Error, _, _) => Standing::Blocks,
            (_, true, false) => Standing::Existing,
            (_, _, _) => Standing::Remains,
        };
        notes.push(note(entry.0, &entry.1, standing));
    }
    for entry in &was {
        if !has.contains(&(entry.0.id, entry.1.objects.clone())) {
            notes.push(note(entry.0, &entry.1, Standing::Resolved));
        }
    }
    notes.sort();
    notes
}

/// Checks one world by itself: every error counts.
#[must_use]
pub fn check(world: &World) -> Vec<Note> {
    let mut notes: Vec<Note> = findings(world)
        .into_iter()
        .map(|(check, finding)| {
            let standing = if finding.severity == Severity::Error {
                Standing::Blocks
            } else {
                Standing::Remains
            };
            note(check, &finding, standing)
        })
        .collect();
    notes.sort();
    notes
}

fn note(check: &Check, finding: &Finding, standing: Standing) -> Note {
    let Finding {
        objects: _, // named in the message
        severity,
        message,
        remedy,
        places,
    } = finding;
    Note {
        severity: *severity,
        standing,
        id: check.id.to_owned(),
        message: message.clone(),
        remedy: remedy.clone(),
        source: check.source.to_owned(),
        places: places.iter().map(ToString::to_string).collect(),
    }
}
