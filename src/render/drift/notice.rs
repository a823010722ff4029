//! Drift as what a webhook takes: JSON of ours, a message of Slack, a card of Microsoft Teams.
//!
//! Pure. What a server names is shown without marks that Slack or Teams would read as their own.

use serde_json::{Value, json};

use super::{About, sign, told, verdict};
use crate::drift::{Change, Drift};
use crate::manifest::Payload;
use crate::render::layout::clean;

/// How many differences a message lists.
const SHOWN: usize = 15;

/// Writes what is sent to a webhook.
#[must_use]
pub fn notice(drift: &Drift, about: &About<'_>, payload: Payload) -> String {
    let value = match payload {
        Payload::Generic => generic(drift, about),
        Payload::Slack => slack(drift, about),
        Payload::Teams => teams(drift, about),
    };
    value.to_string()
}

/// What counts, the first few and how many more.
fn listed(drift: &Drift) -> (Vec<&Change>, usize) {
    let counting: Vec<&Change> = drift
        .changes
        .iter()
        .filter(|change| change.counts())
        .collect();
    let more = counting.len().saturating_sub(SHOWN);
    (counting.into_iter().take(SHOWN).collect(), more)
}

fn title(about: &About<'_>) -> String {
    format!("Drift of {} ({})", about.platform, about.server)
}

fn line(change: &Change) -> String {
    clean(&format!(
        "{} {} {}: {}",
        sign(change),
        change.kind,
        change.name,
        told(change)
    ))
}

fn generic(drift: &Drift, about: &About<'_>) -> Value {
    let keys: Vec<&str> = drift.flapping.iter().map(|one| one.key.as_str()).collect();
    let changes: Vec<&Change> = drift
        .changes
        .iter()
        .filter(|change| change.counts())
        .collect();
    json!({
        "formatVersion": 1,
        "event": "drift",
        "platform": about.platform,
        "server": about.server,
        "since": drift.since,
        "summary": verdict(drift),
        "changes": changes,
        "flapping": keys,
    })
}

fn slack(drift: &Drift, about: &About<'_>) -> Value {
    let (changes, more) = listed(drift);
    let mut lines = vec![
        format!("*{}*", escaped(&title(about))),
        escaped(&verdict(drift)),
    ];
    // Between backticks nothing means anything but a backtick.
    lines.extend(
        changes
            .iter()
            .map(|change| format!("`{}`", escaped(&line(change).replace('`', "'")))),
    );
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    json!({ "text": lines.join("\n") })
}

/// Text with what Slack takes for marks of its own escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn teams(drift: &Drift, about: &About<'_>) -> Value {
    let (changes, more) = listed(drift);
    // A run of text is shown as it is, unlike a block.
    let block = |text: &str, weight: &str| {
        json!({
            "type": "RichTextBlock",
            "inlines": [{ "type": "TextRun", "text": clean(text), "weight": weight }],
        })
    };
    let mut body = vec![
        block(&title(about), "Bolder"),
        block(&verdict(drift), "Default"),
    ];
    body.extend(changes.iter().map(|change| block(&line(change), "Default")));
    if more > 0 {
        body.push(block(&format!("and {more} more"), "Default"));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}
