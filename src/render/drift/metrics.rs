//! Drift as numbers in the text format of Prometheus, for the textfile collector of its node exporter.
//!
//! Pure. Times and durations are in seconds.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::{About, Counts, Outcome, outcome};
use crate::drift::Drift;

/// Writes the numbers of one look that ended at a time and took so long.
#[must_use]
pub fn textfile(drift: &Drift, about: &About<'_>, at: Timestamp, took: SignedDuration) -> String {
    let Counts {
        undo,
        undeclared,
        agreed,
        acknowledged,
    } = Counts::of(drift);
    let platform = label(about.platform);
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, values: &[(String, String)]| {
        let _ = writeln!(text, "# HELP sitewright_{name} {help}");
        let _ = writeln!(text, "# TYPE sitewright_{name} gauge");
        for (labels, value) in values {
            let _ = writeln!(
                text,
                "sitewright_{name}{{platform=\"{platform}\"{labels}}} {value}"
            );
        }
    };
    let by =
        |standing: &str, value: usize| (format!(",standing=\"{standing}\""), value.to_string());
    metric(
        "drift_changes",
        "Fields that the world changed since the last apply, by how they stand to the declaration.",
        &[
            by("undo", undo),
            by("undeclared", undeclared),
            by("agreed", agreed),
            by("acknowledged", acknowledged),
        ],
    );
    let one = |value: String| [(String::new(), value)];
    metric(
        "drift_flapping",
        "Changes that come back after they were taken back three times.",
        &one(drift.flapping.len().to_string()),
    );
    metric(
        "drift_unseen",
        "What could not be compared.",
        &one(drift.unseen.len().to_string()),
    );
    metric(
        "drift_known",
        "Whether it can be told if there is drift.",
        &one(u8::from(outcome(drift) != Outcome::Unknown).to_string()),
    );
    metric(
        "drift_pending_objects",
        "Objects that are declared otherwise since the last apply.",
        &one(drift.pending.len().to_string()),
    );
    metric(
        "drift_last_look_timestamp_seconds",
        "When the server was last read without an error.",
        &one(at.as_second().to_string()),
    );
    metric(
        "drift_look_duration_seconds",
        "How long that took.",
        &one(format!("{:.3}", took.as_secs_f64())),
    );
    let baseline = drift
        .since
        .as_deref()
        .and_then(|since| since.parse::<Timestamp>().ok());
    if let Some(baseline) = baseline {
        metric(
            "drift_baseline_timestamp_seconds",
            "When the last apply ended, which drift is counted from.",
            &one(baseline.as_second().to_string()),
        );
    }
    text
}

/// The value of a label, escaped as the format wants it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
