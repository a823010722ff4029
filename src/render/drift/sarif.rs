//! Drift as SARIF 2.1.0, which code scanning reads.
//!
//! Pure. What is acknowledged is a result with a suppression; what is agreed is no result.

use serde_json::{Value, json};

use super::{About, told};
use crate::drift::{Change, Drift, Standing};
use crate::render::report::physical;

/// The rules, with what each means.
const RULES: [(&str, &str, &str); 3] = [
    (
        "drift-undo",
        "the server was changed, and is declared otherwise",
        "Somebody or something changed what is declared. Plan it back with `sitewright drift --revert`, or declare it.",
    ),
    (
        "drift-undeclared",
        "the server was changed where declared sites are touched",
        "Nothing declared speaks of it, but it touches addresses or servers of declared sites.",
    ),
    (
        "drift-flapping",
        "a change comes back whatever is applied",
        "It was taken back three times and came back. Find what sets it: Active Directory import, for one.",
    ),
];

/// Writes drift as SARIF, with a final newline.
#[must_use]
pub fn sarif(drift: &Drift, about: &About<'_>) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|(id, short, help)| {
            json!({
                "id": id,
                "shortDescription": { "text": short },
                "help": { "text": help },
                "defaultConfiguration": { "level": "warning" },
            })
        })
        .collect();
    let results: Vec<Value> = drift
        .changes
        .iter()
        .filter(|change| change.standing != Standing::Agreed)
        .map(|change| result(drift, change, about))
        .collect();
    let unseen: Vec<Value> = drift
        .unseen
        .iter()
        .map(|what| {
            json!({
                "level": "error",
                "message": { "text": format!("not compared: {what}") },
            })
        })
        .collect();
    super::pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Sitewright",
                "semanticVersion": about.tool_version,
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": drift.is_told(),
                "toolExecutionNotifications": unseen,
            }],
            "results": results,
        }],
    }))
}

fn result(drift: &Drift, change: &Change, about: &About<'_>) -> Value {
    let flapping = drift.flapping.iter().any(|one| one.key == change.key);
    let rule = match (flapping, change.standing) {
        (true, _) => 2,
        (false, Standing::Undeclared) => 1,
        (false, Standing::Undo | Standing::Agreed) => 0,
    };
    let cause = change
        .cause
        .as_ref()
        .map_or_else(String::new, |cause| format!("\nPossible cause: {cause}"));
    let text = format!("{} {}: {}{cause}", change.kind, change.name, told(change));
    let location = match &change.place {
        Some(place) => physical(place),
        None => json!({ "logicalLocations": [{ "name": about.platform, "kind": "resource" }] }),
    };
    let suppressions: Vec<Value> = change
        .acknowledged
        .iter()
        .map(|word| {
            json!({
                "kind": "external",
                "status": "accepted",
                "justification": format!("until {} by {}: {}", word.until, word.by, word.reason),
            })
        })
        .collect();
    json!({
        "ruleId": RULES.get(rule).map(|(id, _, _)| id),
        "ruleIndex": rule,
        "level": "warning",
        "message": { "text": text },
        "locations": [location],
        "partialFingerprints": { "driftKey/v1": change.key },
        "suppressions": suppressions,
        "properties": { "platform": about.platform, "before": change.before, "after": change.after },
    })
}
