//! Checks: what the articles warn about, judged on the world before a plan and on the world after it.
//!
//! Pure. One table; every check names the objects, the places, the remedy and its source. A check never blocks a cure:
//! an error blocks only where the plan introduces it or leaves it on an object that the plan changes.

mod allow;
mod checks;
mod judge;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Desired, Name, Origin, Ownership, Snapshot, Subnet, Surroundings};
use crate::plan::{Note, Severity, Standing};
use crate::select::World;

use allow::allow;
pub use allow::can_be_allowed;
pub use checks::{GROUPS, checks, host_at};
pub use judge::judge;

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
    /// What the plan does that leads to this world, where one does.
    pub planned: Option<&'a Planned>,
}

/// What a plan does, for checks of the doing: it cannot be told from the world that comes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// Objects that it changes in any way, named as in [`Finding::objects`].
    pub changed: BTreeSet<String>,
    /// Subnets that it deletes.
    pub deleted: BTreeSet<Subnet>,
    /// Declared subnets that it leaves alone, since their addresses belong to sites that nobody declares.
    pub takeovers: BTreeMap<Subnet, Takeover>,
}

impl Planned {
    /// Whether it does nothing and leaves nothing alone that is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            changed,
            deleted,
            takeovers,
        } = self;
        changed.is_empty() && deleted.is_empty() && takeovers.is_empty()
    }
}

/// Addresses that would leave sites which nobody declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// The sites.
    pub from: Vec<Name>,
    /// Where the subnet is declared.
    pub origin: Origin,
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
            planned: None,
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
    judge::grouped(notes)
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
