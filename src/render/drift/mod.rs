//! Drift for people and for what reads it: text, Markdown, JSON with its schema, SARIF, numbers for Prometheus.
//!
//! Pure. Same drift, same bytes.

mod markdown;
mod metrics;
mod notice;
mod sarif;
#[cfg(test)]
mod tests;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::drift::{Change, Drift, Standing};
use crate::render::json::pretty;

pub use markdown::markdown;
pub use metrics::textfile;
pub use notice::notice;
pub use sarif::sarif;
pub use text::text;

/// What the drift is of.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The platform, by its name in the workspace.
    pub platform: &'a str,
    /// The SMP's own computer.
    pub server: &'a str,
    /// Version of the program.
    pub tool_version: &'a str,
}

/// What `sitewright drift` found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Drift")]
struct Written<'a> {
    /// Version of this format.
    format_version: u32,
    /// Version of the program that wrote it.
    tool_version: &'a str,
    /// The platform, by its name in the workspace.
    platform: &'a str,
    /// The SMP's own computer.
    server: &'a str,
    /// What it comes to.
    outcome: Outcome,
    #[serde(flatten)]
    drift: &'a Drift,
}

/// What a look comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    /// There is none.
    None,
    /// There is some.
    Drift,
    /// Nobody can tell.
    Unknown,
}

fn outcome(drift: &Drift) -> Outcome {
    if drift.is_drift() {
        Outcome::Drift
    } else if drift.is_told() {
        Outcome::None
    } else {
        Outcome::Unknown
    }
}

/// Writes drift as JSON, with a final newline.
#[must_use]
pub fn json(drift: &Drift, about: &About<'_>) -> String {
    let About {
        platform,
        server,
        tool_version,
    } = *about;
    pretty(&Written {
        format_version: 1,
        tool_version,
        platform,
        server,
        outcome: outcome(drift),
        drift,
    })
}

/// The JSON Schema of it, with a final newline.
#[must_use]
pub fn schema() -> String {
    pretty(&schemars::schema_for!(Written<'static>))
}

/// How many there are of each sort, each difference in one of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    undo: usize,
    undeclared: usize,
    agreed: usize,
    acknowledged: usize,
}

impl Counts {
    fn of(drift: &Drift) -> Self {
        let mut counts = Self::default();
        for change in &drift.changes {
            *match (change.standing, &change.acknowledged) {
                (Standing::Agreed, _) => &mut counts.agreed,
                (Standing::Undo | Standing::Undeclared, Some(_)) => &mut counts.acknowledged,
                (Standing::Undo, None) => &mut counts.undo,
                (Standing::Undeclared, None) => &mut counts.undeclared,
            } += 1;
        }
        counts
    }
}

/// A difference in one line without its object: `description: "a" -> "b"`.
fn told(change: &Change) -> String {
    let Change {
        field,
        before,
        after,
        key: _,          // for those who want to name it
        kind: _,         // said above it
        name: _,         // likewise
        managed: _,      // said by its standing
        standing: _,     // said beside it
        by: _,           // no SMP says so
        cause: _,        // said beside it
        acknowledged: _, // likewise
        lapsed: _,       // likewise
        place: _,        // likewise
    } = change;
    match (before, after) {
        (Some(before), Some(after)) => format!("{field}: {} -> {}", value(before), value(after)),
        (None, Some(after)) => format!("{field}: {}", value(after)),
        (Some(before), None) => format!("{field}: {}", value(before)),
        (None, None) => field.clone(),
    }
}

/// A value as it stands in a line; an empty one is seen to be there.
fn value(text: &str) -> String {
    if text.is_empty() || text.trim() != text || text.contains(['\n', '"']) {
        format!("{text:?}")
    } else {
        text.to_owned()
    }
}

/// `+`, `-` or `~`: it came, went, or is another one.
const fn sign(change: &Change) -> &'static str {
    match (change.before.is_some(), change.after.is_some()) {
        (false, true) => "+",
        (true, false) => "-",
        (true, true) | (false, false) => "~",
    }
}

/// What drift comes to, in one sentence.
fn verdict(drift: &Drift) -> String {
    let counts = Counts::of(drift);
    let Some(since) = &drift.since else {
        return if drift.pending.is_empty() {
            "No drift: nothing differs from what is declared, although no apply of ours is on record."
                .to_owned()
        } else {
            "No apply of ours is on record: what differs from the declaration cannot be told apart."
                .to_owned()
        };
    };
    let plural = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    let acknowledged = match counts.acknowledged {
        0 => String::new(),
        n => format!(", {n} acknowledged"),
    };
    match outcome(drift) {
        Outcome::Drift => {
            let mut parts = Vec::new();
            if counts.undo > 0 {
                parts.push(format!("{} to undo", plural(counts.undo, "change")));
            }
            if counts.undeclared > 0 {
                parts.push(format!(
                    "{} of what is not declared",
                    plural(counts.undeclared, "change")
                ));
            }
            format!("Drift since {since}: {}{acknowledged}.", parts.join(", "))
        }
        Outcome::None => format!("No drift since {since}{acknowledged}."),
        Outcome::Unknown => format!(
            "Nobody can tell whether there is drift since {since}: {} could not be compared.",
            plural(drift.unseen.len(), "thing")
        ),
    }
}
