//! Orders the differences into steps: [`Diff`](crate::diff::Diff) and capabilities → [`Plan`].
//!
//! Pure. The plan holds no choices: applying it needs neither manifests nor another look at what is desired.
//! Order follows *make before break*: sites get servers, roles and pins before subnets; inner prefixes come before
//! outer ones (after them where both go to one site, so that servers come along) and the SMP's own subnet last; a pin widens, awaits the new holder, then narrows; Constrain to Site
//! comes last; taking down runs the other way. What cannot be written by API is a step for a person, in the same order.

mod carry;
mod digest;
mod emptied;
mod fewer;
mod file;
mod former;
mod keep;
mod limits;
mod make;
mod memory;
mod moves;
mod narrow;
mod order;
mod picture;
mod pins;
mod prefer;
#[cfg(test)]
pub(crate) mod properties;
mod reach;
mod records;
mod renames;
mod roles;
mod steps;
mod summary;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod touch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{CountedKind, Desired, Origin, Platform, Snapshot, Step, StepKind};
use crate::select::Impact;

pub use carry::{carried_by, lacking, needs};
pub use file::{PlanFile, PlanFileError};
pub use keep::Unkept;
pub use limits::{Bounds, frozen, judge_again};
pub use make::{Inputs, make};
pub use memory::remembered;
pub use narrow::{Narrowing, UnknownObject};
pub use order::{Draft, OrderError, order};
pub use picture::{
    LeftOut, Link, Picture, PictureOutcome, PictureRange, PictureServer, PictureSite,
    PictureSubnet, RangeSide, SiteSide, picture,
};
pub use reach::{Portion, Reach};
pub use steps::{Context, Ordered, plan_steps};
pub use summary::{
    Changed, Field, NOT_READABLE, Names, ObjectChange, Tally, assignment, console_value, objects,
    tally,
};

/// What is not done and why, or what somebody should know; see [`Note::severity`].
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// How bad it is.
    pub severity: Severity,
    /// How the plan and the finding go together.
    pub standing: Standing,
    /// The id of the check, or the code of the reason.
    pub id: String,
    /// One line that names the objects.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// The articles behind it, by number; empty where there is none.
    pub sources: Vec<String>,
    /// Places in the manifests.
    pub places: Vec<Origin>,
    /// Why it is fine as it is, where a manifest says so; never on an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowance>,
}

/// Why a finding is fine as it is, and who says so.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// The reason that the manifest gives.
    pub reason: String,
    /// Where it gives it.
    pub place: Origin,
}

/// How bad a note is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Wrong.
    Error,
    /// Risky.
    Warning,
    /// Worth knowing.
    Info,
}

/// How the plan and a finding go together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// The plan may not be applied because of it.
    Blocks,
    /// It holds after the plan.
    Remains,
    /// It held before, still holds, and the plan does not touch what it is about.
    Existing,
    /// It holds before the plan and not after it.
    Resolved,
}

/// A plan: what would change, the ordered steps, and what was not planned and why. In files it is a [`PlanFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// Version of the program that made it.
    pub tool_version: String,
    /// The SMP that it was made for.
    pub platform: Platform,
    /// Lineage of the state that it was made with.
    pub lineage: String,
    /// Serial of that state.
    pub serial: u64,
    /// The number of the last journal record that was known: a serial alone does not tell what a run did that died.
    pub journal_sequence: u64,
    /// The digest of what the manifests declare.
    pub desired_digest: String,
    /// The digest of what the prechecks of the steps rely on.
    pub snapshot_digest: String,
    /// When that was read, RFC 3339, where it was not for this plan.
    pub stale_since: Option<String>,
    /// What changes, object by object.
    pub changes: Vec<ObjectChange>,
    /// What that means for client addresses.
    pub impact: Impact,
    /// What its pictures show.
    pub picture: Picture,
    /// What the limits of a workspace count of it.
    pub reach: Reach,
    /// What is done, in an order in which it may be done.
    pub steps: Vec<Step>,
    /// The names of what a person has to find and a step names by GUID alone.
    pub names: Names,
    /// Findings of the checks, attestations, and the like.
    pub notes: Vec<Note>,
    /// How many of each kind were seen, for the next plan to compare with; without the kinds that are in doubt.
    pub counts: BTreeMap<CountedKind, u64>,
}

impl Plan {
    /// Whether it was made of these declarations, wherever they stand.
    #[must_use]
    pub fn is_of(&self, desired: &Desired) -> bool {
        self.desired_digest == digest::declared(desired)
    }

    /// Whether what the looks before its steps rely on is, by a later snapshot, as it was.
    #[must_use]
    pub fn relies_on(&self, snapshot: &Snapshot) -> bool {
        self.snapshot_digest == digest::relied_on(&self.steps, snapshot)
    }

    /// Whether anything but our own state would change.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.kind() != StepKind::Record)
    }

    /// Whether something forbids applying it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.notes
            .iter()
            .any(|note| note.standing == Standing::Blocks)
    }

    /// Whether it is for a part of what is declared: then it says nothing of the rest.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.notes.iter().any(|note| note.id == narrow::PARTIAL)
    }

    /// Whether a person has something to do in the console.
    #[must_use]
    pub fn has_console_steps(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.kind() == StepKind::Manual)
    }
}
