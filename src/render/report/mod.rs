//! What `validate` found → the formats of pipelines: JSON, SARIF, `JUnit` XML, workflow commands of GitHub.
//!
//! Pure. Faults of manifests and findings of checks come out alike, so that a pipeline sees both. Only what is text for
//! people is shown without control characters; JSON and SARIF hold what was found, and escape it.

mod github;
mod json;
mod junit;
mod sarif;
#[cfg(test)]
pub(in crate::render) mod tests;

pub use github::github;
pub use json::{json, schema};
pub use junit::junit;
pub(in crate::render) use sarif::physical;
pub use sarif::sarif;

use crate::manifest::{self, Diagnostic, Label};
use crate::model::Origin;
use crate::plan::{Allowance, Note, Severity};

/// Everything that one run of `validate` found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Version of the program.
    pub tool_version: String,
    /// What is wrong in the manifests themselves; then nothing was checked.
    pub faults: Vec<Diagnostic>,
    /// One for each platform.
    pub audits: Vec<Audit>,
}

/// What was checked for one platform.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Its name in the workspace, or what it is called without one; `None` for declarations without a platform.
    pub platform: Option<String>,
    /// Whether a server was asked.
    pub live: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an audit.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The checks were run.
    Judged(Vec<Note>),
    /// The server could not be asked.
    Unread {
        /// Stable code.
        code: String,
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Audit {
    /// What the checks found.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        match &self.outcome {
            Outcome::Judged(notes) => notes,
            Outcome::Unread {
                code: _,
                message: _,
                hint: _,
            } => &[],
        }
    }
}

/// Where something is said, and what.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    origin: &'a Origin,
    text: &'a str,
}

/// A fault or a finding, in the words that every format needs.
#[derive(Debug, Clone)]
struct Entry<'a> {
    platform: Option<&'a str>,
    live: bool,
    id: &'a str,
    severity: Severity,
    message: &'a str,
    remedy: &'a str,
    sources: &'a [String],
    places: Vec<Place<'a>>,
    allowed: Option<&'a Allowance>,
}

impl<'a> Entry<'a> {
    fn fault(fault: &'a Diagnostic) -> Self {
        let Diagnostic {
            code,
            severity,
            message,
            labels,
            hint,
        } = fault;
        Self {
            platform: None,
            live: false,
            id: code,
            severity: severity_of(*severity),
            message,
            remedy: hint.as_deref().unwrap_or_default(),
            sources: &[],
            places: labels.iter().map(place).collect(),
            allowed: None,
        }
    }

    fn finding(audit: &'a Audit, note: &'a Note) -> Self {
        let Note {
            severity,
            standing: _, // there is no plan that could resolve or leave anything
            id,
            message,
            remedy,
            sources,
            places,
            allowed,
        } = note;
        Self {
            platform: audit.platform.as_deref(),
            live: audit.live,
            id,
            severity: *severity,
            message,
            remedy,
            sources,
            places: places
                .iter()
                .map(|origin| Place { origin, text: "" })
                .collect(),
            allowed: allowed.as_ref(),
        }
    }

    /// What it is about, where several platforms are told apart: `flat-lan (hq)`.
    fn title(&self) -> String {
        match self.platform {
            Some(platform) => format!("{} ({platform})", self.id),
            None => self.id.to_owned(),
        }
    }

    /// What there is to say beside the message, a line each.
    fn details(&self, shown_places: usize) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.remedy.is_empty() {
            lines.push(format!("remedy: {}", self.remedy));
        }
        let places = self.places.iter().skip(shown_places);
        lines.extend(places.map(|Place { origin, text }| {
            if text.is_empty() {
                format!("at: {origin}")
            } else {
                format!("at: {origin}: {text}")
            }
        }));
        let numbered = |source: &String| source.bytes().all(|byte| byte.is_ascii_digit());
        let mark = if self.sources.iter().all(numbered) {
            "article"
        } else {
            "source"
        };
        match self.sources {
            [] => {}
            [one] => lines.push(format!("{mark}: {one}")),
            many => lines.push(format!("{mark}s: {}", many.join(", "))),
        }
        if let Some(Allowance { reason, place }) = self.allowed {
            lines.push(format!("allowed: {reason} ({place})"));
        }
        lines
    }
}

fn place(label: &Label) -> Place<'_> {
    let Label {
        origin,
        length: _, // a place of several lines has one, too, that no format can take
        text,
        secret: _, // no format shows the line itself
    } = label;
    Place { origin, text }
}

fn severity_of(severity: manifest::Severity) -> Severity {
    match severity {
        manifest::Severity::Error => Severity::Error,
        manifest::Severity::Warning => Severity::Warning,
        manifest::Severity::Info => Severity::Info,
    }
}

impl Report {
    fn fault_entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.faults.iter().map(Entry::fault)
    }

    /// Faults and findings in their order: by platform, the worst first.
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.fault_entries()
            .chain(self.audits.iter().flat_map(|audit| {
                audit
                    .notes()
                    .iter()
                    .map(move |note| Entry::finding(audit, note))
            }))
    }
}
