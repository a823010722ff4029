//! A report as SARIF 2.1.0, which code scanning of GitHub, Azure DevOps and editors read.
//!
//! Pure. One run; every check is a rule with its help, whether it found anything or not. What a manifest allows is a
//! result with a suppression, as the standard has it, so that a dashboard can show who allowed what.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Entry, Outcome, Place, Report};
use crate::model::Origin;
use crate::plan::{Allowance, Severity};
use crate::validate::{Check, GROUPS};

/// What may stand in the path of a URI as it is. The colon is not among it: before the first `/` it would end a scheme.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Writes a report as SARIF, with a final newline.
#[must_use]
pub fn sarif(report: &Report) -> String {
    let mut rules: Vec<Value> = Vec::new();
    let mut index_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (group, checks) in GROUPS {
        for check in *checks {
            index_of.insert(check.id, rules.len());
            rules.push(rule(group, check));
        }
    }
    for fault in report.fault_entries() {
        index_of.entry(fault.id).or_insert_with(|| {
            rules.push(rule_of_fault(fault.id));
            rules.len() - 1
        });
    }
    let results: Vec<Value> = report
        .entries()
        .map(|entry| result(&entry, index_of.get(entry.id).copied()))
        .collect();
    let unread = unread(report);
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Sitewright",
                "semanticVersion": report.tool_version,
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": unread.is_empty(),
                "toolExecutionNotifications": unread,
            }],
            "results": results,
        }],
    });
    // Every key is a string and no writer can fail.
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(group: &str, check: &Check) -> Value {
    let Check {
        id,
        severity,
        phases,
        holds_when,
        explanation,
        sources,
        run: _, // code
    } = check;
    let articles = match sources {
        [] => String::new(),
        sources => format!(" Articles: {}.", sources.join(", ")),
    };
    let phases: Vec<&str> = phases.iter().map(|phase| phase.as_str()).collect();
    json!({
        "id": id,
        "shortDescription": { "text": holds_when },
        "fullDescription": { "text": explanation },
        "help": { "text": format!("{explanation} Severity: {severity}.{articles}") },
        "defaultConfiguration": { "level": usual_level(severity) },
        "properties": { "tags": [group], "phases": phases },
    })
}

/// The level that a check has as a rule; its words begin with it. Each result says its own.
fn usual_level(severity: &str) -> &'static str {
    if severity.starts_with("error") {
        level(Severity::Error)
    } else if severity.starts_with("warning") {
        level(Severity::Warning)
    } else {
        level(Severity::Info)
    }
}

fn rule_of_fault(code: &str) -> Value {
    json!({
        "id": code,
        "shortDescription": { "text": "a manifest is not right in itself" },
        "help": { "text": format!("docs/errors.md has a section about {code}.") },
        "defaultConfiguration": { "level": level(Severity::Error) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(entry: &Entry<'_>, rule: Option<usize>) -> Value {
    let Entry {
        platform,
        live,
        id,
        severity,
        message,
        remedy,
        sources,
        places,
        allowed,
    } = entry;
    let text = if remedy.is_empty() {
        (*message).to_owned()
    } else {
        format!("{message}\nRemedy: {remedy}")
    };
    let location = |place: &Place<'_>| {
        let mut location = physical(place.origin);
        if let (false, Some(location)) = (place.text.is_empty(), location.as_object_mut()) {
            location.insert("message".into(), json!({ "text": place.text }));
        }
        location
    };
    let main = match (places.first(), platform) {
        (Some(place), _) => vec![location(place)],
        // What is not declared has no file, but stands on a server.
        (None, Some(platform)) => vec![json!({
            "logicalLocations": [{ "name": platform, "kind": "resource" }],
        })],
        (None, None) => Vec::new(),
    };
    let others: Vec<Value> = places.iter().skip(1).map(location).collect();
    // A run has suppressions at every result or at none.
    let suppressions: Vec<Value> = allowed
        .iter()
        .map(|Allowance { reason, place }| {
            json!({
                "kind": "inSource",
                "status": "accepted",
                "justification": reason,
                "location": physical(place),
            })
        })
        .collect();
    let mut result = json!({
        "ruleId": id,
        "level": level(*severity),
        "message": { "text": text },
        "locations": main,
        "relatedLocations": others,
        "suppressions": suppressions,
        "properties": { "platform": platform, "live": live, "articles": sources },
    });
    if let (Some(rule), Some(result)) = (rule, result.as_object_mut()) {
        result.insert("ruleIndex".into(), rule.into());
    }
    result
}

pub(in crate::render) fn physical(origin: &Origin) -> Value {
    let Origin { file, line, column } = origin;
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": line, "startColumn": column },
        },
    })
}

/// A path as a URI reference: relative where the path is.
fn uri(file: &str) -> String {
    let encode = |path: &str| utf8_percent_encode(path, PATH).to_string();
    let drive = file
        .split_once(":/")
        .filter(|(drive, _)| drive.len() == 1 && drive.bytes().all(|c| c.is_ascii_alphabetic()));
    match drive {
        Some((drive, rest)) => format!("file:///{drive}:/{}", encode(rest)),
        None if file.starts_with('/') => format!("file://{}", encode(file)),
        None => encode(file),
    }
}

fn unread(report: &Report) -> Vec<Value> {
    let mut notifications = Vec::new();
    for audit in &report.audits {
        if let Outcome::Unread {
            code,
            message,
            hint,
        } = &audit.outcome
        {
            let platform = audit.platform.as_deref().unwrap_or("the server");
            let hint = hint.as_deref().unwrap_or_default();
            let text = format!("{platform} was not audited: {message}\n{hint}");
            notifications.push(json!({
                "level": level(Severity::Error),
                "descriptor": { "id": code },
                "message": { "text": text.trim_end() },
            }));
        }
    }
    notifications
}
