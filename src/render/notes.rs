//! A note in the words that every form of a plan tells it in; each form then lays them out and escapes them.
//!
//! Pure.

use std::borrow::Cow;

use crate::plan::{Allowance, Note, Severity};

/// What there is to say of a note.
pub(super) struct Said<'n> {
    /// How bad it is.
    pub(super) word: &'static str,
    /// The id of the check, or the code of the reason.
    pub(super) id: &'n str,
    /// One line, in words of ours.
    pub(super) message: &'n str,
    /// What is said below, each with what it is called; why it is allowed comes first.
    pub(super) lines: Vec<(&'static str, Told<'n>)>,
}

/// Who chose the words.
pub(super) enum Told<'n> {
    /// We did; names in them stand in backticks.
    Ours(Cow<'n, str>),
    /// Somebody else.
    Theirs(Vec<String>),
}

impl Told<'_> {
    /// The words as they are, for a form in which nothing has a meaning.
    pub(super) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Ours(words) => Cow::Borrowed(words),
            Self::Theirs(words) => Cow::Owned(words.join(", ")),
        }
    }
}

/// Puts a note into words.
pub(super) fn said(note: &Note) -> Said<'_> {
    let Note {
        severity,
        standing: _, // the group says it
        id,
        message,
        remedy,
        sources,
        places,
        allowed,
    } = note;
    let mut lines = Vec::new();
    if let Some(Allowance { reason, place }) = allowed {
        let told = vec![format!("{reason} ({place})")];
        lines.push(("allowed", Told::Theirs(told)));
    }
    if !remedy.is_empty() {
        lines.push(("remedy", Told::Ours(remedy.into())));
    }
    if !places.is_empty() {
        let places = places.iter().map(ToString::to_string).collect();
        lines.push(("at", Told::Theirs(places)));
    }
    if !sources.is_empty() {
        let numbered = |one: &String| one.bytes().all(|byte| byte.is_ascii_digit());
        let name = match (sources.iter().all(numbered), sources.len()) {
            (true, 1) => "article",
            (true, _) => "articles",
            (false, 1) => "source",
            (false, _) => "sources",
        };
        lines.push((name, Told::Ours(sources.join(", ").into())));
    }
    Said {
        word: match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        },
        id,
        message,
        lines,
    }
}
