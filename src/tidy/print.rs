//! Blocks with their comments → text: two columns a level, at most one blank line, none at the edges of a block.
//!
//! Pure.

use super::document::{Block, Body, Document, Entry, Remark};

/// Columns of a level.
const STEP: usize = 2;

/// Writes `---`, with the comment behind it.
pub(super) fn marker(out: &mut String, comment: Option<&str>) {
    out.push_str("---");
    if let Some(comment) = comment {
        out.push(' ');
        out.push_str(comment);
    }
    out.push('\n');
}

/// Writes comments, each on its line; `first` where nothing stands above them.
pub(super) fn remarks(out: &mut String, remarks: &[Remark], indent: usize, first: bool) {
    for (index, Remark { text, apart }) in remarks.iter().enumerate() {
        if *apart && !(first && index == 0) {
            out.push('\n');
        }
        blanks(out, indent);
        out.push_str(text);
        out.push('\n');
    }
}

/// Writes a document, without its `---`.
pub(super) fn document(out: &mut String, document: &Document) {
    remarks(out, &document.lead, 0, true);
    match &document.body {
        Body::Nothing => {}
        Body::Inline { text, column } => {
            out.push_str(&shifted(text, *column, 0));
            out.push('\n');
        }
        Body::Block(found) => {
            if !document.lead.is_empty() && found.entries.first().is_some_and(|entry| entry.apart) {
                out.push('\n');
            }
            block(out, found, 0);
        }
    }
}

fn block(out: &mut String, found: &Block, indent: usize) {
    for (index, entry) in found.entries.iter().enumerate() {
        remarks(out, &entry.lead, indent, index == 0);
        if entry.apart && (index > 0 || !entry.lead.is_empty()) && !(index == 0 && indent == 0) {
            out.push('\n');
        }
        blanks(out, indent);
        self::entry(out, entry, indent);
    }
    remarks(out, &found.foot, indent, found.entries.is_empty());
}

fn entry(out: &mut String, entry: &Entry, indent: usize) {
    out.push_str(&entry.head);
    match &entry.body {
        Body::Nothing => {
            out.push_str(&entry.trail);
            out.push('\n');
        }
        Body::Inline { text, column } => {
            out.push(' ');
            out.push_str(&shifted(text, *column, indent));
            out.push_str(&entry.trail);
            out.push('\n');
        }
        Body::Block(inner) => {
            let mut text = String::new();
            block(&mut text, inner, indent + STEP);
            let plain = inner
                .entries
                .first()
                .is_some_and(|first| first.lead.is_empty());
            // The first field of an item stands beside its dash, unless a comment is in between.
            match text.get(indent + STEP..) {
                Some(beside) if entry.head == "-" && entry.trail.is_empty() && plain => {
                    out.push(' ');
                    out.push_str(beside);
                }
                _ => {
                    out.push_str(&entry.trail);
                    out.push('\n');
                    out.push_str(&text);
                }
            }
        }
    }
}

/// A text of several lines moved from one column to another; blank lines stay blank.
fn shifted(text: &str, from: usize, to: usize) -> String {
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        if line.trim().is_empty() {
            out.push_str(line);
        } else if to >= from {
            blanks(&mut out, to - from);
            out.push_str(line);
        } else {
            let own = line.len() - line.trim_start_matches(' ').len();
            out.push_str(line.get(own.min(from - to)..).unwrap_or_default());
        }
    }
    out
}

fn blanks(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}
