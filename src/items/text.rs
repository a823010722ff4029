//! Bytes of a document: where an element's content stands, and how a value is written into it.
//!
//! Pure. All ranges count from the beginning of the text that was parsed.

use std::ops::Range;

use roxmltree::{Attribute, Document, Node};

/// What may stand before the document in the string of an export.
fn lead(text: &str) -> &str {
    text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace())
}

/// Why a text is no item XML. Part of the codes of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the XML of an item, found a fault in it: {message}")]
pub struct ItemXmlError {
    /// What is wrong.
    pub message: String,
}

/// Parses an export; document types are refused.
pub fn parse(text: &str) -> Result<Document<'_>, ItemXmlError> {
    Document::parse(lead(text)).map_err(|error| ItemXmlError {
        message: error.to_string(),
    })
}

/// How many bytes stand before the document.
pub(super) fn offset(text: &str) -> usize {
    text.len() - lead(text).len()
}

/// What stands between the quotes of an attribute, and which quotes they are.
pub(super) fn value_range(document: &str, attribute: Attribute<'_, '_>) -> (Range<usize>, char) {
    let range = attribute.range();
    let end = range.end.saturating_sub(1);
    // Neither the name nor what surrounds the equals sign holds a quote.
    let found = document[range.clone()]
        .char_indices()
        .find(|(_, c)| matches!(c, '"' | '\''));
    let (start, quote) = found.map_or((end, '"'), |(at, c)| (range.start + at + 1, c));
    (start..end, quote)
}

/// The tags of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tags {
    /// `<a/>`: where the slash stands.
    Empty {
        /// The byte of the slash.
        slash: usize,
    },
    /// `<a>…</a>`: what stands between.
    Open {
        /// The content.
        content: Range<usize>,
    },
}

/// Finds the end of the start tag and the beginning of the end tag.
pub(super) fn tags(document: &str, element: Node<'_, '_>) -> Tags {
    let range = element.range();
    let mut quoted = None;
    let mut start = range.end;
    for (at, byte) in document[range.clone()].bytes().enumerate() {
        match quoted {
            Some(quote) if byte == quote => quoted = None,
            None if matches!(byte, b'"' | b'\'') => quoted = Some(byte),
            None if byte == b'>' => {
                start = range.start + at + 1;
                break;
            }
            _ => {}
        }
    }
    if start == range.end {
        return Tags::Empty {
            slash: range.end.saturating_sub(2),
        };
    }
    // An end tag holds no `</` but its own.
    let end = document[start..range.end]
        .rfind("</")
        .map_or(range.end, |at| start + at);
    Tags::Open {
        content: start..end,
    }
}

/// The name of an element with its prefix, as it stands in the document.
pub(super) fn qualified<'a>(document: &'a str, element: Node<'_, '_>) -> &'a str {
    let after = &document[element.range().start + 1..];
    let end = after
        .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
        .unwrap_or(after.len());
    &after[..end]
}

/// Escapes a value for an attribute or for text; `None` where it holds a character that no XML 1.0 document can.
pub(super) fn escape(value: &str) -> Option<String> {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // Written as they are, these would be read back as a space in an attribute, or as a line feed.
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => return None,
            _ => escaped.push(c),
        }
    }
    Some(escaped)
}
