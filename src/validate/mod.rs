//! Checks: what the articles warn about, judged on the world before a plan and on the world after it.
//!
//! Pure. One table; every check names the objects, the places, the remedy and its source. A check never blocks a cure:
//! an error blocks only where the plan introduces it or leaves it on an object that the plan changes.

mod allow;
mod checks;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::model::{Desired, Origin, Ownership, Snapshot, Surroundings};
use crate::plan::{Note, Severity, Standing};
use crate::select::World;

use allow::allow;
pub use allow::can_be_allowed;
pub use checks::{GROUPS, checks};

/// When a check can tell something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// From declarations alone, without a server.
    Declared,
    /// From what a server holds: `validate --live`, `plan`.
    Live,
    /// From what happened afterwards: `verify`.
    Outcome,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Live => "live",
            Self::Outcome => "outcome",
        }
    }
}

/// One check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its id in messages and documentation.
    pub id: &'static str,
    /// How bad it is, and under which condition worse or better, for people.
    pub severity: &'static str,
    /// When it can tell something.
    pub phases: &'static [Phase],
    /// What it holds against a world, in one sentence.
    pub holds_when: &'static str,
    /// Why that matters and what to do about it.
    pub explanation: &'static str,
    /// The articles behind it, by number; empty where it is a rule of this program.
    pub sources: &'static [&'static str],
    /// Finds.
    pub run: fn(&View<'_>) -> Vec<Finding>,
}

/// What checks look at: one world, before or after a plan, and what is known beside it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Sites, subnets, servers and packages, each site marked with what it is declared as.
    pub world: &'a World,
    /// What is declared, where anything is.
    pub desired: Option<&'a Desired>,
    /// What was read, where a server was asked; not changed by the plan.
    pub snapshot: Option<&'a Snapshot>,
    /// What is remembered between runs.
    pub ownership: Option<&'a Ownership>,
}

impl<'a> View<'a> {
    /// A view of declarations alone.
    #[must_use]
    pub fn declared(world: &'a World, desired: &'a Desired) -> Self {
        Self {
            world,
            desired: Some(desired),
            snapshot: None,
            ownership: None,
        }
    }

    /// Facts, clients, product and hierarchy, where a server was asked.
    #[must_use]
    pub fn surroundings(&self) -> Option<&'a Surroundings> {
        self.snapshot.map(|snapshot| &snapshot.surroundings)
    }
}

/// What a check finds in one world.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The objects it is about, `site hq` or `subnet 10.0.0.0/8`; two findings about the same objects are the same.
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

/// Runs every check on one view.
#[must_use]
pub fn findings(view: &View<'_>) -> Vec<(&'static Check, Finding)> {
    checks()
        .flat_map(|check| {
            let mut found = (check.run)(view);
            found.sort();
            found.into_iter().map(move |finding| (check, finding))
        })
        .collect()
}

/// Judges the view before and the view after; `touched` holds the objects that the plan changes.
///
/// # Guarantees
/// A finding that holds only before is `resolved`; one that holds in both and is about nothing the plan changes is
/// `existing`; only an error of the world after can block.
#[must_use]
pub fn judge(before: &View<'_>, after: &View<'_>, touched: &BTreeSet<String>) -> Vec<Note> {
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
    if let Some(desired) = after.desired {
        allow(
            &mut notes,
            &desired.allowed,
            &[Phase::Declared, Phase::Live],
        );
    }
    notes.sort();
    notes
}

/// Checks one view by itself: every error counts.
#[must_use]
pub fn check(view: &View<'_>) -> Vec<Note> {
    let mut notes: Vec<Note> = findings(view)
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
    if let Some(desired) = view.desired {
        // What a server holds now says nothing about what is declared and not applied yet.
        let judged: &[Phase] = match view.snapshot {
            None => &[Phase::Declared],
            Some(_) => &[],
        };
        allow(&mut notes, &desired.allowed, judged);
    }
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
        sources: check.sources.iter().copied().map(Into::into).collect(),
        places: places.iter().cloned().collect(),
        allowed: None,
    }
}
