//! How an export writes YAML: documents, lists, comments, and scalars that are quoted only where they must be.
//!
//! Pure. What is written is read back as the same text, by this program and by other YAML readers.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::model::Name;

/// Writes a list of names as a field of `spec`.
pub(super) fn list(out: &mut String, field: &str, names: &BTreeSet<&Name>) {
    if names.is_empty() {
        line(out, &format!("    {field}: []"));
        return;
    }
    line(out, &format!("    {field}:"));
    for name in names {
        line(out, &format!("      - {}", scalar(name.as_str())));
    }
}

/// Writes one line.
pub(super) fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Whether a text holds a document already.
pub(super) fn has_document(text: &str) -> bool {
    text.starts_with("apiVersion:") || text.contains("\napiVersion:")
}

/// Writes what a document begins with.
pub(super) fn head(out: &mut String, kind: &str, name: &str) {
    let name = scalar(name);
    let _ = write!(
        out,
        "apiVersion: sitewright/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"
    );
}

/// Text for a comment: on one line, without what YAML forbids.
pub(crate) fn comment(text: &str) -> String {
    text.chars()
        .map(|c| {
            if allowed(c) && !c.is_control() {
                c
            } else {
                '\u{FFFD}'
            }
        })
        .collect()
}

/// Whether a character may stand in YAML as it is.
fn allowed(c: char) -> bool {
    !matches!(
        c,
        '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Whether a description may be declared as it is.
pub(super) fn declarable(text: &str) -> bool {
    text.chars().count() <= 4000
        && !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A text as a YAML scalar: quoted only where it would be read as something else, here or by another YAML reader.
pub(crate) fn scalar(text: &str) -> String {
    if plain(text) {
        return text.to_owned();
    }
    if text.chars().all(|c| allowed(c) && !c.is_control()) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if allowed(c) && !c.is_control() => out.push(c),
            c => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

fn plain(text: &str) -> bool {
    let first = text.chars().next();
    let begins = first.is_some_and(|c| c.is_alphabetic() || c == '_');
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    begins
        && !words.contains(&text.to_lowercase().as_str())
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(|c| allowed(c) && !c.is_control())
}
