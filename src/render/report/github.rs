//! Workflow commands: a line each, `::error file=…,line=…,col=…,title=…::message`.
//!
//! Pure. Every line is a command. A bare line would be safe from `::`, which counts at its beginning only, but not from
//! the older `##[…]`, which counts anywhere; so what annotates nothing is a `debug` command.

use std::fmt::Write as _;

use super::{Outcome, Report};
use crate::plan::Severity;
use crate::render::layout::clean;

/// Writes a report as workflow commands of GitHub; empty where nothing was found.
///
/// What is allowed annotates nothing: it is there as `debug` lines, which GitHub shows on request.
#[must_use]
pub fn github(report: &Report) -> String {
    let mut out = String::new();
    for entry in report.entries() {
        let level = match (entry.allowed, entry.severity) {
            (Some(_), _) => "debug",
            (None, Severity::Error) => "error",
            (None, Severity::Warning) => "warning",
            (None, Severity::Info) => "notice",
        };
        let mut properties = Vec::new();
        // Standard input is no file that could be annotated.
        let first = entry.places.first();
        let first = first.filter(|place| place.origin.file.as_ref() != "-");
        if let Some(place) = first {
            properties.push(("file", place.origin.file.to_string()));
            properties.push(("line", place.origin.line.to_string()));
            properties.push(("col", place.origin.column.to_string()));
        }
        properties.push(("title", entry.title()));
        let mut lines = vec![entry.message.to_owned()];
        if entry.allowed.is_some() {
            // A debug command has no properties.
            properties.clear();
            lines.insert(0, entry.title());
        }
        let said = usize::from(properties.len() > 1);
        lines.extend(entry.details(said));
        command(&mut out, level, &properties, &lines);
    }
    for audit in &report.audits {
        if let Outcome::Unread {
            code,
            message,
            hint,
        } = &audit.outcome
        {
            let platform = audit.platform.as_deref().unwrap_or("the server");
            let mut lines = vec![format!("{platform} was not audited: {message}")];
            lines.extend(hint.clone());
            command(&mut out, "error", &[("title", code.clone())], &lines);
        }
    }
    out
}

fn command(out: &mut String, level: &str, properties: &[(&str, String)], lines: &[String]) {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(&clean(value))))
        .collect();
    let lines: Vec<String> = lines.iter().map(|line| clean(line)).collect();
    let blank = if properties.is_empty() { "" } else { " " };
    let _ = writeln!(
        out,
        "::{level}{blank}{}::{}",
        properties.join(","),
        data(&lines.join("\n"))
    );
}

/// Escapes what stands behind the second `::`.
fn data(text: &str) -> String {
    // The percent sign first, or it would escape the escapes.
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property, which `,` and `::` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
