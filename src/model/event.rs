//! What apply says while it runs: its only output.
//!
//! Pure. Every event is plain data, so that people, pipelines and the journal are told the same.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::StepId;

/// The id of a run, given from outside.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "outcome",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// It was carried out and read back.
    Done,
    /// It was already so.
    AlreadyDone,
    /// A person has yet to do it in the console.
    Open,
    /// A person has yet to do it in the console, and the run was told to go by without.
    Skipped,
    /// It was not tried, because of the steps named.
    Waiting {
        /// Ids of the steps that are failed, open, skipped or waiting themselves.
        on: Vec<StepId>,
    },
    /// It failed.
    Failed {
        /// Stable code, `SW0601`.
        code: String,
        /// What went wrong.
        error: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The run was cancelled before it.
    Cancelled,
}

/// How many steps ended in which way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepCount {
    /// Carried out.
    pub done: u32,
    /// Already so.
    pub already_done: u32,
    /// Open console steps.
    pub open: u32,
    /// Console steps that were gone by without.
    #[serde(default)]
    pub skipped: u32,
    /// Not tried because of another step.
    pub waiting: u32,
    /// Failed.
    pub failed: u32,
    /// Cancelled.
    pub cancelled: u32,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Counts.
    pub steps: StepCount,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// One thing that apply says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// A run starts.
    RunStarted {
        /// Its id.
        run: String,
        /// How many steps the plan has.
        steps: u32,
    },
    /// A step starts.
    StepStarted {
        /// Which.
        step: StepId,
    },
    /// An awaited condition does not hold yet.
    StillWaiting {
        /// Which step.
        step: StepId,
        /// For what.
        condition: String,
        /// Since how many milliseconds.
        milliseconds: u64,
    },
    /// Nothing is left to do but by a person: the run looks from time to time whether he has done it.
    AwaitingPeople {
        /// The console steps that are open, all of which could be done now.
        steps: Vec<StepId>,
        /// How long it looks for before it ends, counted from here, in milliseconds.
        milliseconds_left: u64,
    },
    /// No further step begins; those that are under way come to their end.
    Stopping {
        /// Why.
        why: String,
    },
    /// A step ended.
    StepEnded {
        /// Which.
        step: StepId,
        /// How.
        #[serde(flatten)]
        outcome: Outcome,
        /// How long it took, in milliseconds.
        milliseconds: u64,
    },
    /// The run ended.
    RunEnded {
        /// Its id.
        run: String,
        /// Counts and duration.
        summary: RunSummary,
    },
}
