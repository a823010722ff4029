//! The text of one document → its blocks, each field and item with the comments that belong to it.
//!
//! Pure. A comment on a line of its own belongs to what stands below it; where nothing does, to the innermost block that
//! it is indented as. One behind a value belongs to it. What is written in a way that is not known here (explicit keys,
//! a value below its key with a comment between) gives `None`, and the document stays as it is.

use std::ops::Range;

use serde_saphyr::granit_parser::ScalarStyle;

use super::document::{Block, Body, Document, Entry, Remark};
use super::order;
use crate::manifest::is_marker;
use crate::manifest::scan::{Node, Scan, Value};

/// Reads a document.
pub(super) fn outline(text: &str, scan: &Scan) -> Option<Document> {
    let [root] = scan.roots.as_slice() else {
        return None;
    };
    let mut reader = Reader {
        text,
        scan,
        next: 0,
        at: 0,
        // An anchor has to stand above its aliases, so then nothing moves.
        sorts: scan.anchor_marks.is_empty(),
    };
    let Marker {
        marked,
        comment,
        above,
    } = reader.marker()?;
    let lead = reader.remarks_before(root.range.start)?;
    if !reader
        .bare(reader.at..root.range.start)
        .trim_start()
        .trim_start_matches("---")
        .trim()
        .is_empty()
    {
        return None;
    }
    let body = match &root.value {
        Value::Map { flow: false, .. } => {
            reader.at = root.range.start;
            // What stands at the end and is not indented belongs to the next document.
            let mut block = reader.block(root, text.len(), usize::MAX, false)?;
            if let Some(first) = block.entries.first_mut() {
                first.apart = reader.is_apart(root.range.start);
            }
            Body::Block(block)
        }
        Value::Map { flow: true, .. } => {
            let text = reader.inline(root)?;
            Body::Inline { text, column: 0 }
        }
        Value::Scalar { .. } | Value::List { .. } | Value::Alias(_) => return None,
    };
    let foot = reader.remarks_before(text.len())?;
    let kind = scan
        .get(root, "kind")
        .and_then(|kind| scan.text(kind))
        .unwrap_or_default();
    Some(Document {
        kind: kind.to_owned(),
        marked,
        marker: comment,
        above,
        lead,
        body,
        foot,
    })
}

/// A document that is copied as it is; `None` where something stands behind its `---`.
pub(super) fn verbatim(text: &str, scan: &Scan) -> Option<Document> {
    let mut reader = Reader {
        text,
        scan,
        next: 0,
        at: 0,
        sorts: false,
    };
    let Marker {
        marked, comment, ..
    } = reader.marker()?;
    let kind = scan
        .roots
        .first()
        .and_then(|root| scan.text(scan.get(root, "kind")?))
        .unwrap_or_default();
    let rest: String = text
        .split_inclusive('\n')
        .filter(|line| !is_marker(line, "---"))
        .collect();
    Some(Document {
        kind: kind.to_owned(),
        marked,
        marker: comment,
        above: 0,
        lead: Vec::new(),
        body: Body::Inline {
            text: rest.trim_matches('\n').to_owned(),
            column: 0,
        },
        foot: Vec::new(),
    })
}

/// How a document begins.
struct Marker {
    marked: bool,
    comment: Option<String>,
    /// Comments above it.
    above: usize,
}

struct Reader<'t> {
    text: &'t str,
    scan: &'t Scan,
    /// The first comment that has not found its place.
    next: usize,
    /// Behind what has been read.
    at: usize,
    sorts: bool,
}

impl Reader<'_> {
    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    fn comment(&self) -> Option<Range<usize>> {
        self.scan.comments.get(self.next).cloned()
    }

    fn line_start(&self, at: usize) -> usize {
        self.slice(0..at).rfind('\n').map_or(0, |found| found + 1)
    }

    fn column(&self, at: usize) -> usize {
        self.slice(self.line_start(at)..at).chars().count()
    }

    /// Whether nothing stands before a place in its line.
    fn is_alone(&self, at: usize) -> bool {
        self.slice(self.line_start(at)..at).trim().is_empty()
    }

    /// Whether the line above the line of a place is blank.
    fn is_apart(&self, at: usize) -> bool {
        let start = self.line_start(at);
        start > 0 && {
            let above = self.line_start(start - 1);
            self.slice(above..start).trim().is_empty()
        }
    }

    /// The comments that begin in a stretch of the text.
    fn comments_in(&self, range: &Range<usize>) -> &[Range<usize>] {
        let all = &self.scan.comments;
        let first = all.partition_point(|comment| comment.start < range.start);
        let behind = all.partition_point(|comment| comment.start < range.end);
        all.get(first..behind).unwrap_or_default()
    }

    /// A stretch of the text without its comments.
    fn bare(&self, range: Range<usize>) -> String {
        let mut out = String::new();
        let mut at = range.start;
        for comment in self.comments_in(&range) {
            out.push_str(self.slice(at..comment.start));
            at = comment.end;
        }
        out.push_str(self.slice(at..range.end));
        out
    }

    fn has_comment(&self, range: &Range<usize>) -> bool {
        !self.comments_in(range).is_empty()
    }

    /// Reads up to behind the `---`, where there is one.
    fn marker(&mut self) -> Option<Marker> {
        let mut at = 0;
        let begins = self
            .scan
            .roots
            .first()
            .map_or(self.text.len(), |root| root.range.start);
        for line in self.text.split_inclusive('\n') {
            if at > begins {
                break;
            }
            if is_marker(line, "---") {
                let beside = line.get(3..).unwrap_or_default().trim();
                if !(beside.is_empty() || beside.starts_with('#')) {
                    return None;
                }
                let above = self.scan.comments.iter().filter(|c| c.start < at).count();
                return Some(Marker {
                    marked: true,
                    comment: (!beside.is_empty()).then(|| beside.to_owned()),
                    above,
                });
            }
            at += line.len();
        }
        Some(Marker {
            marked: false,
            comment: None,
            above: 0,
        })
    }

    /// Takes the comments before a place; `None` where one of them stands beside something.
    fn remarks_before(&mut self, limit: usize) -> Option<Vec<Remark>> {
        let mut remarks = Vec::new();
        while let Some(comment) = self.comment().filter(|comment| comment.start < limit) {
            self.next += 1;
            if self.is_alone(comment.start) {
                remarks.push(self.remark(&comment));
            } else if !self
                .slice(self.line_start(comment.start)..comment.start)
                .trim()
                .eq("---")
            {
                return None;
            }
        }
        Some(remarks)
    }

    /// Takes the comments before a place that are indented at least so.
    fn foot(&mut self, limit: usize, floor: usize) -> Vec<Remark> {
        let mut remarks = Vec::new();
        while let Some(comment) = self.comment().filter(|comment| comment.start < limit) {
            if !self.is_alone(comment.start) || self.column(comment.start) < floor {
                break;
            }
            self.next += 1;
            remarks.push(self.remark(&comment));
        }
        remarks
    }

    fn remark(&self, comment: &Range<usize>) -> Remark {
        Remark {
            text: self.slice(comment.clone()).trim_end().to_owned(),
            apart: self.is_apart(comment.start),
        }
    }

    /// Takes the comment that goes on the line that has been read last, with the blanks before it.
    fn trail(&mut self, limit: usize) -> String {
        let Some(comment) = self.comment().filter(|comment| comment.start < limit) else {
            return String::new();
        };
        if self.is_alone(comment.start) {
            return String::new();
        }
        self.next += 1;
        let before = self.slice(0..comment.start);
        let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
        let text = self.slice(comment).trim_end();
        format!("{}{text}", " ".repeat(blanks.max(1)))
    }

    /// Reads a block that ends before `limit`; `above` is where comments stand that are no part of it.
    fn block(&mut self, node: &Node, limit: usize, above: usize, free: bool) -> Option<Block> {
        let (mut entries, column) = match &node.value {
            Value::Map { fields, .. } => {
                let first = fields.first()?.0.range.start;
                (self.fields(fields, limit)?, self.column(first))
            }
            Value::List { items, .. } => self.items(items, limit)?,
            Value::Scalar { .. } | Value::Alias(_) => return None,
        };
        // Nothing parts the first one from what it stands in, wherever it goes.
        if let Some(first) = entries.first_mut() {
            match first.lead.first_mut() {
                Some(remark) => remark.apart = false,
                None => first.apart = false,
            }
        }
        if self.sorts && !free {
            entries.sort_by_key(|entry| entry.rank);
        }
        let foot = self.foot(limit, column.max(above));
        Some(Block { entries, foot })
    }

    fn fields(&mut self, fields: &[(Node, Node)], limit: usize) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        for (index, (key, value)) in fields.iter().enumerate() {
            let start = key.range.start;
            let lead = self.remarks_before(start)?;
            // Whatever else stands before a key (`?`, an anchor) is not known here.
            if !self.bare(self.at..start).trim().is_empty() {
                return None;
            }
            let Value::Scalar { text: name, .. } = &key.value else {
                return None;
            };
            let written = self.slice(key.range.clone()).trim_end();
            let behind = key.range.start + written.len();
            let colon = behind + self.slice(behind..self.text.len()).find(':')?;
            if written.contains('\n') || !self.slice(behind..colon).trim().is_empty() {
                return None;
            }
            let (head, apart) = (format!("{written}:"), self.is_apart(start));
            let column = self.column(start);
            self.at = colon + 1;
            let follows = fields.get(index + 1);
            let until = follows.map_or(limit, |(key, _)| key.range.start);
            let (properties, trail, body) =
                self.value(value, column, until, order::is_free(name))?;
            entries.push(Entry {
                lead,
                apart,
                head: joined(head, &properties),
                trail,
                body,
                rank: order::field(name),
            });
        }
        Some(entries)
    }

    /// Reads items; also says at which column their dashes stand.
    fn items(&mut self, items: &[Node], limit: usize) -> Option<(Vec<Entry>, usize)> {
        let mut entries = Vec::new();
        let mut first = 0;
        for (index, item) in items.iter().enumerate() {
            let dash = self.dash(item.range.start)?;
            let lead = self.remarks_before(dash)?;
            let apart = self.is_apart(dash);
            let column = self.column(dash);
            if index == 0 {
                first = column;
            }
            self.at = dash + 1;
            let until = match items.get(index + 1) {
                // The dash of the next one cannot be told from here: what is before it is comments and blanks.
                Some(next) => next.range.start,
                None => limit,
            };
            let (properties, trail, body) = self.value(item, column, until, false)?;
            entries.push(Entry {
                lead,
                apart,
                head: joined("-".to_owned(), &properties),
                trail,
                body,
                rank: 0,
            });
        }
        Some((entries, first))
    }

    /// Where the dash of an item stands: the first character behind what has been read that is no comment.
    fn dash(&self, limit: usize) -> Option<usize> {
        let mut at = self.at;
        loop {
            let rest = self.slice(at..self.text.len());
            at += rest.len() - rest.trim_start().len();
            match self.comments_in(&(at..at + 1)) {
                [comment] if !comment.is_empty() => at = comment.end,
                _ => break,
            }
        }
        (at < limit && self.slice(at..limit).starts_with('-')).then_some(at)
    }

    /// Reads what stands behind a key or a dash: its anchor and tag, the comment beside it, and itself.
    fn value(
        &mut self,
        node: &Node,
        column: usize,
        limit: usize,
        free: bool,
    ) -> Option<(String, String, Body)> {
        let is_block = matches!(
            &node.value,
            Value::List { flow: false, .. } | Value::Map { flow: false, .. }
        );
        let written = self.slice(node.range.clone()).trim_end();
        if !is_block && written.is_empty() {
            let trail = self.trail(limit);
            return Some((String::new(), trail, Body::Nothing));
        }
        let gap = self.at..self.start(node);
        let properties = self.bare(gap.clone());
        let properties: Vec<&str> = properties.split_whitespace().collect();
        let dashes = is_block && matches!(node.value, Value::List { .. });
        let properties: Vec<&str> = properties
            .into_iter()
            .filter(|word| !(dashes && *word == "-"))
            .collect();
        if !properties.iter().all(|word| word.starts_with(['&', '!'])) {
            return None;
        }
        if is_block && let Some(last) = properties.last() {
            self.at += self.slice(gap.clone()).find(last)? + last.len();
        }
        let properties = properties.join(" ");
        if is_block {
            let trail = self.trail(node.range.start);
            let block = self.block(node, limit, column + 1, free)?;
            return Some((properties, trail, Body::Block(block)));
        }
        if self.has_comment(&gap) {
            return None;
        }
        let text = self.inline(node)?;
        let trail = self.trail(limit);
        Some((properties, trail, Body::Inline { text, column }))
    }

    /// Where a value begins: one in lines of its own at its `|` or `>`, which the parser may not count in.
    fn start(&self, node: &Node) -> usize {
        if !is_in_lines(node) || self.slice(node.range.clone()).starts_with(['|', '>']) {
            return node.range.start;
        }
        let gap = self.slice(self.at..node.range.start);
        gap.find(['|', '>'])
            .map_or(node.range.start, |found| self.at + found)
    }

    /// Takes a value as it is written, its fields in order where it has any.
    fn inline(&mut self, node: &Node) -> Option<String> {
        let start = self.start(node);
        let written = self.slice(start..node.range.end).trim_end().to_owned();
        if is_in_lines(node) {
            let first = written.lines().next().unwrap_or_default();
            // Blank lines at its end are part of it; or it is written in a way that is not known here.
            if first.contains('+') || !first.starts_with(['|', '>']) {
                return None;
            }
        }
        let text = if self.sorts && !is_in_lines(node) && !self.has_comment(&node.range) {
            self.flow(node, false)
        } else {
            written.clone()
        };
        self.at = start + written.len();
        while self
            .comment()
            .is_some_and(|comment| comment.start < self.at)
        {
            self.next += 1;
        }
        Some(text)
    }

    /// A value in flow style with its fields in order: they change places, and what stands between them does not.
    fn flow(&self, node: &Node, free: bool) -> String {
        match &node.value {
            Value::Scalar { .. } | Value::Alias(_) => {
                self.slice(node.range.clone()).trim_end().to_owned()
            }
            Value::List { items, .. } => {
                let parts = items
                    .iter()
                    .map(|item| (item.range.clone(), self.flow(item, false)));
                self.woven(node, parts.collect())
            }
            Value::Map { fields, .. } => {
                let mut texts: Vec<(usize, String)> = Vec::new();
                let mut slots = Vec::new();
                for (key, value) in fields {
                    let name = self.scan.text(key).unwrap_or_default();
                    if value.range.is_empty() {
                        return self.slice(node.range.clone()).to_owned();
                    }
                    let before = self.slice(key.range.start..value.range.start);
                    let value_text = self.flow(value, order::is_free(name));
                    let rank = if free { 0 } else { order::field(name) };
                    texts.push((rank, format!("{before}{value_text}")));
                    slots.push(key.range.start..value.range.end);
                }
                texts.sort_by_key(|(rank, _)| *rank);
                let parts = slots
                    .into_iter()
                    .zip(texts.into_iter().map(|(_, text)| text));
                self.woven(node, parts.collect())
            }
        }
    }

    /// The text of a node with some of its stretches replaced.
    fn woven(&self, node: &Node, parts: Vec<(Range<usize>, String)>) -> String {
        let mut out = String::new();
        let mut at = node.range.start;
        for (range, text) in parts {
            let kept = self.slice(range.clone());
            let blanks = kept.len() - kept.trim_end().len();
            out.push_str(self.slice(at..range.start));
            out.push_str(&text);
            at = range.end - blanks;
        }
        out.push_str(self.slice(at..node.range.end));
        out
    }
}

/// Whether a text stands in lines of its own, behind `|` or `>`.
fn is_in_lines(node: &Node) -> bool {
    matches!(
        &node.value,
        Value::Scalar {
            style: ScalarStyle::Literal | ScalarStyle::Folded,
            ..
        }
    )
}

fn joined(head: String, properties: &str) -> String {
    if properties.is_empty() {
        head
    } else {
        format!("{head} {properties}")
    }
}
