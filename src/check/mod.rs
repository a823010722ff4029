//! Whether a platform is fit to work with, line by line: the way to it, the sign-in, what it is, what we may do there.
//!
//! `look` asks and changes nothing (I/O, through the transport and the reader); `judge` turns what was found into lines,
//! each `ok`, `warn`, `fail` or `skipped` with a remedy (pure). What cannot be known without writing is said to be
//! unknown: nothing is guessed. Reading order: this file, `findings`, `look`, `judge` with `way`, `services`, `rights`.

mod findings;
mod judge;
mod look;
mod rights;
mod services;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;
mod way;

use schemars::JsonSchema;
use serde::Serialize;

pub use findings::{Findings, Kept, KnownServer, Offered, Operations, ServerSeen};
pub use judge::judge;
pub use look::look;

/// The version of the format of a [`Report`].
pub const FORMAT_VERSION: u32 = 1;

/// How one line came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and something is worth mending; or it cannot be told.
    Warn,
    /// It does not work.
    Fail,
    /// Not looked at, since something that it needs failed.
    Skipped,
}

impl Verdict {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What was looked at, a stable word; `service` may come several times.
    pub id: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// The code of the error, where there is one, with a section in docs/errors.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Line {
    fn new(id: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            id,
            verdict,
            found: found.into(),
            code: None,
            remedy: None,
        }
    }

    fn ok(id: &'static str, found: impl Into<String>) -> Self {
        Self::new(id, Verdict::Ok, found)
    }

    fn warn(id: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(id, Verdict::Warn, found).mend(remedy)
    }

    fn fail(id: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(id, Verdict::Fail, found).mend(remedy)
    }

    fn skipped(id: &'static str, because: impl Into<String>) -> Self {
        Self::new(id, Verdict::Skipped, because)
    }

    fn mend(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        self
    }

    fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

/// Everything that was found out about a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this format.
    pub format_version: u32,
    /// The platform by its name in the workspace, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its address.
    pub url: String,
    /// The lines, in the order in which one thing needs the other.
    pub lines: Vec<Line>,
}

impl Report {
    /// How many lines came out so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let lines = self.lines.iter();
        lines.filter(|line| line.verdict == verdict).count()
    }
}

/// The JSON Schema (draft 2020-12) of a [`Report`].
#[must_use]
pub fn report_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
