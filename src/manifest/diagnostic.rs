//! What is wrong in a manifest, and where.
//!
//! Pure data. Places are [`Origin`]s and a length in characters, so that a check of a later stage can point at a
//! declaration with nothing but the origin that it carries.

use std::fmt;

use crate::model::Origin;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is done until it is mended.
    Error,
    /// Worth a look.
    Warning,
    /// Worth knowing.
    Info,
}

/// A place with what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where it begins.
    pub origin: Origin,
    /// How many characters it has; 0 where that is unknown: then the word at the place is meant.
    pub length: u32,
    /// What is said, may be empty.
    pub text: String,
    /// Whether a secret may stand there: then nothing is shown from the place on.
    pub secret: bool,
}

/// One fault with its places; the first label is the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, `SW0131`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, with what was expected and found.
    pub message: String,
    /// Places.
    pub labels: Vec<Label>,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Makes an error at a place.
    #[must_use]
    pub fn at(code: &'static str, origin: Origin, message: impl Into<String>) -> Self {
        Self::spanning(code, origin, 0, message)
    }

    /// Makes an error at a place of a known length.
    #[must_use]
    pub fn spanning(
        code: &'static str,
        origin: Origin,
        length: u32,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![Label {
                origin,
                length,
                text: String::new(),
                secret: false,
            }],
            hint: None,
        }
    }

    /// Makes an error without a place.
    #[must_use]
    pub fn nowhere(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            hint: None,
        }
    }

    /// Changes the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says something at the main place.
    #[must_use]
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// Says that a secret may stand at the main place.
    #[must_use]
    pub fn secret(mut self) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.secret = true;
        }
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn and(mut self, origin: Origin, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            origin,
            length: 0,
            text: text.into(),
            secret: false,
        });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = self.labels.first() {
            write!(f, "{}: ", label.origin)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}
