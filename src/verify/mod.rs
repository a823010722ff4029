//! What came of it: the rows of article 431459's "Verification" and of its step 4, judged on what a live server shows.
//!
//! Pure. The world is the one that is there now, marked with what is declared;
//! [`Happenings`](crate::model::Happenings) is what clients did; a [`Baseline`] is an earlier reading. A row is *met* or
//! *not met* on evidence only: what left none is *not observed*, what cannot be read is *unknown*, with what to look at
//! instead.

mod baseline;
mod clients;
mod rows;
mod server;
mod servers;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Attestation, Guid, Name};

pub use baseline::{Baseline, BaselineError, baseline_schema};
pub use rows::{Inputs, verify};
pub use server::verify_server;

/// What an attestation of a row says.
pub const ATTESTED_ROW: &str = "met";

/// The ids of the rows, in their order.
pub const ROW_IDS: [&str; 7] = [
    "task-server",
    "package-server",
    "no-overlap",
    "smp-load",
    "deploy-image",
    "capture-image",
    "clients-outside",
];

/// How a row came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The evidence shows what was expected.
    Met,
    /// The evidence shows something else.
    NotMet,
    /// It could have been seen, and nothing happened that would show it.
    NotObserved,
    /// It cannot be read on this server.
    Unknown,
}

impl Verdict {
    /// The words for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::NotObserved => "not observed",
            Self::Unknown => "unknown",
        }
    }
}

/// A client, or another object, that differs from what was expected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Differing {
    /// Its name.
    pub name: Name,
    /// What was found.
    pub found: String,
    /// Why, by the rules of server selection.
    pub why: String,
}

/// One row of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its stable id, which `attest` takes as `verify:ID`.
    pub id: &'static str,
    /// What is verified.
    pub title: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// The entries of the server profile that the evidence rests on.
    pub evidence: Vec<&'static str>,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Who differs, sorted.
    pub differing: Vec<Differing>,
    /// Where a person can look; empty for rows that are met.
    pub look: &'static str,
    /// Somebody's word, where the row cannot be read and was vouched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attestation>,
}

/// All rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this format.
    pub format_version: u32,
    /// The rows, in the order of the article.
    pub rows: Vec<Row>,
}

/// How a whole verification came out, and so the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every row is met, or vouched for.
    Met,
    /// A row is not met.
    NotMet,
    /// No row is not met, and some could not be told.
    Open,
}

impl Report {
    /// How it came out.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let is = |wanted: Verdict| self.rows.iter().any(|row| row.verdict == wanted);
        if is(Verdict::NotMet) {
            Outcome::NotMet
        } else if is(Verdict::NotObserved) || is(Verdict::Unknown) {
            Outcome::Open
        } else {
            Outcome::Met
        }
    }

    /// The rows that time alone may change: clients report, jobs run. What cannot be read stays so.
    #[must_use]
    pub fn awaited(&self) -> Vec<&'static str> {
        let open = |row: &&Row| matches!(row.verdict, Verdict::NotMet | Verdict::NotObserved);
        self.rows.iter().filter(open).map(|row| row.id).collect()
    }
}

/// Names of servers in backticks, sorted: `` `A`, `B` ``.
fn listed(names: &BTreeSet<Name>) -> String {
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if list.is_empty() {
        "nobody".into()
    } else {
        list.join(", ")
    }
}

/// A name for a GUID that nothing names.
fn nameless(guid: Guid) -> Name {
    Name::new(&guid.to_string())
}

/// `1 client`, `2 clients`.
fn count(amount: usize, noun: &str) -> String {
    format!("{amount} {noun}{}", if amount == 1 { "" } else { "s" })
}

/// The JSON Schema of the report.
#[must_use]
pub fn report_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
