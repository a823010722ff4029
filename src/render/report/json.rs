//! A report as JSON, and the schema of it.
//!
//! Pure. Same report, same bytes.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Audit, Outcome, Report, severity_of};
use crate::manifest::{Diagnostic, Label};
use crate::model::Origin;
use crate::plan::{Allowance, Note, Severity, Standing};
use crate::render::json::pretty;
use crate::validate::checks;

/// The version of the format.
const FORMAT_VERSION: u32 = 1;

/// What `sitewright validate` found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Report")]
struct Written<'a> {
    /// Version of this format.
    format_version: u32,
    /// Version of the program that wrote it.
    tool_version: &'a str,
    /// How much of everything there is.
    counts: Counts,
    /// What is wrong in the manifests themselves; then nothing was checked.
    faults: Vec<Fault<'a>>,
    /// What was checked, platform by platform.
    audits: Vec<Audited<'a>>,
}

/// How much of everything there is, faults included; what is allowed is counted apart.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Counts {
    /// What is wrong.
    errors: usize,
    /// What is risky.
    warnings: usize,
    /// What is worth knowing.
    infos: usize,
    /// What the manifests allow.
    allowed: usize,
    /// Platforms that could not be read.
    unread: usize,
}

/// A fault in a manifest.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Fault<'a> {
    /// Stable code, with a section in docs/errors.md.
    code: &'a str,
    /// How bad it is.
    severity: Severity,
    /// What is wrong, with what was expected and found.
    message: &'a str,
    /// What to do; left out where the message says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    /// Where; the first place is the main one.
    places: Vec<Place<'a>>,
}

/// A place, with what is to be said about it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    /// The file as it was named, `-` for standard input.
    file: &'a str,
    /// Line, from 1.
    line: u32,
    /// Column in characters, from 1.
    column: u32,
    /// What is to be said about this place in particular.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schemars(default)]
    text: &'a str,
}

/// What was checked for one platform.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Audited<'a> {
    /// Its name; null for declarations without a platform.
    platform: Option<&'a str>,
    /// Whether a server was asked.
    live: bool,
    /// Why nothing was checked; left out where something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<Unread<'a>>,
    /// What the checks found, the worst first.
    notes: Vec<Found<'a>>,
}

/// Why a server could not be audited.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Unread<'a> {
    /// Stable code, with a section in docs/errors.md.
    code: &'a str,
    /// Why.
    message: &'a str,
    /// What to do; left out where there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

/// A finding of a check.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    /// The id of the check.
    id: &'a str,
    /// How bad it is.
    severity: Severity,
    /// How it stands to what would be done; without a plan, `blocks` for errors and `remains` else.
    standing: Standing,
    /// One line that names the objects.
    message: &'a str,
    /// What to do about it.
    remedy: &'a str,
    /// Why it matters, the same for every finding of the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'static str>,
    /// The articles behind it, by number.
    sources: &'a [String],
    /// Places in the manifests; none where it is about something that is not declared.
    places: &'a [Origin],
    /// Why it is fine as it is, where a manifest says so; never on an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<&'a Allowance>,
}

/// Writes a report as JSON, with a final newline.
#[must_use]
pub fn json(report: &Report) -> String {
    let Report {
        tool_version,
        faults,
        audits,
    } = report;
    let mut counts = Counts::default();
    for entry in report.entries() {
        *match (entry.allowed, entry.severity) {
            (Some(_), _) => &mut counts.allowed,
            (None, Severity::Error) => &mut counts.errors,
            (None, Severity::Warning) => &mut counts.warnings,
            (None, Severity::Info) => &mut counts.infos,
        } += 1;
    }
    let audits: Vec<Audited<'_>> = audits.iter().map(audited).collect();
    counts.unread = audits.iter().filter(|audit| audit.unread.is_some()).count();
    pretty(&Written {
        format_version: FORMAT_VERSION,
        tool_version,
        counts,
        faults: faults.iter().map(fault).collect(),
        audits,
    })
}

/// The JSON Schema of reports, with a final newline.
#[must_use]
pub fn schema() -> String {
    pretty(&schemars::schema_for!(Written<'static>))
}

fn fault(fault: &Diagnostic) -> Fault<'_> {
    let Diagnostic {
        code,
        severity,
        message,
        labels,
        hint,
    } = fault;
    Fault {
        code,
        severity: severity_of(*severity),
        message,
        remedy: hint.as_deref(),
        places: labels.iter().map(place).collect(),
    }
}

fn place(label: &Label) -> Place<'_> {
    let Label {
        origin,
        length: _, // a place of several lines has one, too
        text,
        secret: _, // the line itself is not shown
    } = label;
    Place {
        file: &origin.file,
        line: origin.line,
        column: origin.column,
        text,
    }
}

fn audited(audit: &Audit) -> Audited<'_> {
    let Audit {
        platform,
        live,
        outcome,
    } = audit;
    let unread = match outcome {
        Outcome::Judged(_) => None,
        Outcome::Unread {
            code,
            message,
            hint,
        } => Some(Unread {
            code,
            message,
            remedy: hint.as_deref(),
        }),
    };
    Audited {
        platform: platform.as_deref(),
        live: *live,
        unread,
        notes: audit.notes().iter().map(found).collect(),
    }
}

fn found(note: &Note) -> Found<'_> {
    let Note {
        severity,
        standing,
        id,
        message,
        remedy,
        sources,
        places,
        allowed,
    } = note;
    Found {
        id,
        severity: *severity,
        standing: *standing,
        message,
        remedy,
        explanation: checks()
            .find(|check| check.id == id)
            .map(|check| check.explanation),
        sources,
        places,
        allowed: allowed.as_ref(),
    }
}
