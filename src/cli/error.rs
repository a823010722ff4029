//! The one error type of the command line and its one printer.
//!
//! Turns the errors of every stage into a code, a message, its causes, and what to do. Pure.

use std::error::Error;

use crate::manifest::{self, Diagnostic, Source};
use crate::render::report::Outcome;
use crate::render::{Style, text};

/// Why a command ends.
#[derive(Debug)]
pub(super) enum Failure {
    /// Faults in files, each with its place.
    Diagnostics {
        diagnostics: Vec<Diagnostic>,
        sources: Vec<Source>,
    },
    /// Anything else.
    Error {
        code: &'static str,
        message: String,
        causes: Vec<String>,
        hint: Option<String>,
        exit: u8,
    },
}

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::Error {
            code,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            exit: 1,
        }
    }

    /// Wrong usage that only shows once the command runs.
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Error {
            code: "SW0001",
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
            exit: 64,
        }
    }

    pub(super) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        Self::Error {
            code: "SW0002",
            message: what.into(),
            causes: vec![error.to_string()],
            hint: None,
            exit: 1,
        }
    }

    /// An error with the chain of its causes.
    pub(super) fn from_error(code: &'static str, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self::Error {
            code,
            message: error.to_string(),
            causes,
            hint: None,
            exit: 1,
        }
    }

    /// The same with another exit code.
    pub(super) fn exiting(mut self, code: u8) -> Self {
        if let Self::Error { exit, .. } = &mut self {
            *exit = code;
        }
        self
    }

    pub(super) fn hint(self, text: Option<String>) -> Self {
        match self {
            Self::Error {
                code,
                message,
                causes,
                hint,
                exit,
            } => Self::Error {
                code,
                message,
                causes,
                hint: text.or(hint),
                exit,
            },
            other @ Self::Diagnostics { .. } => other,
        }
    }

    /// What is wrong in one line, for a log.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Diagnostics { .. } => "faults in files",
            Self::Error { message, .. } => message,
        }
    }

    /// Why a server could not be audited, as a report says it.
    pub(super) fn as_unread(&self) -> Outcome {
        match self {
            Self::Diagnostics {
                diagnostics: _, // a report has a place of their own for them
                sources: _,
            } => Outcome::Judged(Vec::new()),
            Self::Error {
                code,
                message,
                causes,
                hint,
                exit: _,
            } => {
                let told = std::iter::once(message).chain(causes).cloned();
                Outcome::Unread {
                    code: (*code).to_owned(),
                    message: told.collect::<Vec<_>>().join(": "),
                    hint: hint.clone(),
                }
            }
        }
    }

    pub(super) fn exit(&self) -> u8 {
        match self {
            Self::Diagnostics { .. } => 1,
            Self::Error { exit, .. } => *exit,
        }
    }

    /// The same as a warning: what is wrong now will be an error later.
    pub(super) fn render_warning(&self, style: &Style) -> String {
        match self {
            Self::Diagnostics { .. } => self.render(style),
            Self::Error {
                code,
                message,
                causes: _, // none of what is foreseen has any
                hint,
                exit: _,
            } => text::warning(code, message, hint.as_deref(), style),
        }
    }

    pub(super) fn render(&self, style: &Style) -> String {
        match self {
            Self::Diagnostics {
                diagnostics,
                sources,
            } => {
                let faults = diagnostics.len();
                format!(
                    "{}\n\n{faults} {} found; nothing was read from or written to a server\n",
                    manifest::render(diagnostics, sources, style.colour).trim_end(),
                    if faults == 1 { "fault" } else { "faults" },
                )
            }
            Self::Error {
                code,
                message,
                causes,
                hint,
                exit: _,
            } => text::error(code, message, causes, hint.as_deref(), style),
        }
    }
}
