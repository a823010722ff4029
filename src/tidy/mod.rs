//! The text of manifests → the same in canonical form: `sitewright fmt`.
//!
//! ```text
//! Source ─ split ─▶ documents ─ outline ─▶ blocks with their comments ─ order, print ─▶ text
//! ```
//!
//! Pure. Documents come in the order of their kinds and fields in that of `order.rs`; lists keep theirs, since only their
//! author knows why. Comments stay with what they stand above or beside. Values are copied byte for byte, so quotes and
//! flow style stay. What comes out is read again and must mean what went in, comments included, or nothing comes out.

mod document;
mod order;
mod outline;
mod print;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::manifest::scan::Scan;
use crate::manifest::{Diagnostic, Part, Source, meaning, split};
use document::{Document, Remark};
use outline::outline;

/// A text in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tidied {
    /// The text.
    pub text: String,
    /// The first lines of documents that stayed as they were, since they are written in a way that is not known here.
    pub kept: Vec<u32>,
}

/// Why a text has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TidyError {
    /// It is no YAML.
    #[error("the file is no YAML")]
    Unreadable(Vec<Diagnostic>),
    /// What came out would not mean the same.
    #[error("`{0}` cannot be put in order without changing what it means")]
    Unsafe(Arc<str>),
}

impl TidyError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "SW0110",
            Self::Unsafe(_) => "SW0970",
        }
    }
}

/// Puts a text into canonical form. A file with a document of somebody else's language stays as it is.
///
/// Guarantees: pure; the text means what the source means and has its comments, else it is an error; done twice, the
/// second time changes nothing.
pub fn tidy(source: &Source) -> Result<Tidied, TidyError> {
    let before = meaning(source).map_err(TidyError::Unreadable)?;
    let unchanged = |kept| Tidied {
        text: source.text.to_string(),
        kept,
    };
    let text = source.text.strip_prefix('\u{FEFF}').unwrap_or(&source.text);
    let windows = text
        .find('\n')
        .is_some_and(|at| text.get(..at).is_some_and(|line| line.ends_with('\r')));
    let text = text.replace("\r\n", "\n");
    if text
        .lines()
        .any(|line| line.starts_with('%') || line == "...")
    {
        return Ok(unchanged(vec![1]));
    }
    let parts = split(&text);
    if !parts.iter().all(|part| is_ours(part.text)) {
        return Ok(unchanged(Vec::new()));
    }
    let mut kept = Vec::new();
    let mut documents = Vec::new();
    for part in parts {
        let Some((document, whole)) = document(source, part) else {
            return Ok(unchanged(vec![part.lines + 1]));
        };
        if !whole {
            kept.push(part.lines + 1);
        }
        documents.push(document);
    }
    let mut tidied = assemble(documents);
    if windows {
        tidied = tidied.replace('\n', "\r\n");
    }
    let after = Source::new(&source.name, &tidied);
    if meaning(&after).as_ref() != Ok(&before) {
        return Err(TidyError::Unsafe(Arc::clone(&source.name)));
    }
    Ok(Tidied { text: tidied, kept })
}

/// Whether a document is of this program's language.
fn is_ours(text: &str) -> bool {
    let Some(scan) = Scan::of(text) else {
        return false;
    };
    let version = scan
        .roots
        .first()
        .and_then(|root| scan.text(scan.get(root, "apiVersion")?));
    version.is_some_and(|version| version.starts_with("sitewright/"))
}

/// A document in canonical form, and whether it is; `None` where not even its beginning is known.
fn document(source: &Source, part: Part<'_>) -> Option<(Document, bool)> {
    let scan = Scan::of(part.text)?;
    let alone = |text: &str| meaning(&Source::new(&source.name, text));
    if let Some(found) = outline(part.text, &scan) {
        let printed = assemble(vec![found.clone()]);
        if alone(&printed) == alone(part.text) {
            return Some((found, true));
        }
    }
    let found = outline::verbatim(part.text, &scan)?;
    let printed = assemble(vec![found.clone()]);
    (alone(&printed) == alone(part.text)).then_some((found, false))
}

/// Puts documents together: in the order of their kinds, comments at the end of one above the next.
fn assemble(mut documents: Vec<Document>) -> String {
    let mut header = Vec::new();
    let mut marked = false;
    if let Some(first) = documents.first_mut() {
        header = first.take_header();
        marked = first.marked;
    }
    let mut foot: Vec<Remark> = Vec::new();
    for document in &mut documents {
        let mut lead = std::mem::take(&mut foot);
        lead.append(&mut document.lead);
        document.lead = lead;
        foot = std::mem::take(&mut document.foot);
    }
    documents.sort_by_key(|document| order::document(&document.kind));
    let mut out = String::new();
    print::remarks(&mut out, &header, 0, true);
    for (index, document) in documents.iter().enumerate() {
        if index > 0 || marked || document.marker.is_some() {
            print::marker(&mut out, document.marker.as_deref());
        } else if !header.is_empty() && document.is_apart() {
            out.push('\n');
        }
        print::document(&mut out, document);
    }
    print::remarks(&mut out, &foot, 0, false);
    out
}
