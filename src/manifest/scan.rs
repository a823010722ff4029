//! The text of a manifest → its values with the bytes they stand in.
//!
//! Pure. The tree of `manifest` says what is meant, this one where it is written: quoting, anchors, comments and both
//! styles of lists, so that a change touches nothing else. Only texts that `manifest` reads get here.

use std::collections::HashMap;
use std::ops::Range;

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, Span, StrInput, StructureStyle,
};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its bytes without an anchor.
    pub(crate) range: Range<usize>,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    List {
        flow: bool,
        items: Vec<Node>,
    },
    Map {
        flow: bool,
        fields: Vec<(Node, Node)>,
    },
    Alias(usize),
}

/// One file.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The values of its documents.
    pub(crate) roots: Vec<Node>,
    /// Values that aliases stand for.
    anchors: HashMap<usize, Node>,
    /// `&name`, sorted.
    pub(crate) anchor_marks: Vec<Range<usize>>,
    /// `# …`, sorted.
    pub(crate) comments: Vec<Range<usize>>,
}

impl Scan {
    /// Scans a text; `None` where it is no YAML.
    pub(crate) fn of(text: &str) -> Option<Self> {
        // The parser counts from behind a byte-order mark, and so does `manifest`.
        let skipped = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
        let mut options = Options::default();
        options.set_emit_comments(true);
        options.emit_anchor_events = true;
        let mut scanner = Scanner {
            parser: Parser::new_from_str_with_options(text.get(skipped..)?, options),
            skipped,
            waiting: None,
            scan: Self::default(),
        };
        while let Some((event, span)) = scanner.next()? {
            match event {
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd => {}
                event => {
                    let root = scanner.node(event, &span)?;
                    scanner.scan.roots.push(root);
                }
            }
        }
        let mut scan = scanner.scan;
        scan.comments.sort_by_key(|range| range.start);
        scan.anchor_marks.sort_by_key(|range| range.start);
        Some(scan)
    }

    /// The value that a node stands for.
    pub(crate) fn resolve<'n>(&'n self, node: &'n Node) -> &'n Node {
        match &node.value {
            Value::Alias(id) => self.anchors.get(id).unwrap_or(node),
            Value::Scalar { .. } | Value::List { .. } | Value::Map { .. } => node,
        }
    }

    /// The text that a node stands for.
    pub(crate) fn text<'n>(&'n self, node: &'n Node) -> Option<&'n str> {
        match &self.resolve(node).value {
            Value::Scalar { text, .. } => Some(text),
            Value::List { .. } | Value::Map { .. } | Value::Alias(_) => None,
        }
    }

    /// A field of a map, as it is written there or merged into it.
    pub(crate) fn get<'n>(&'n self, map: &'n Node, name: &str) -> Option<&'n Node> {
        let Value::Map { fields, .. } = &self.resolve(map).value else {
            return None;
        };
        let written = fields
            .iter()
            .find(|(key, _)| self.text(key) == Some(name))
            .map(|(_, value)| value);
        written.or_else(|| {
            let merged = fields
                .iter()
                .filter(|(key, _)| self.text(key) == Some("<<"));
            merged
                .flat_map(|(_, value)| match &self.resolve(value).value {
                    Value::List { items, .. } => items.iter().collect(),
                    Value::Map { .. } | Value::Scalar { .. } | Value::Alias(_) => vec![value],
                })
                .find_map(|source| self.get(source, name))
        })
    }

    /// The items of a list.
    pub(crate) fn items<'n>(&'n self, list: &'n Node) -> &'n [Node] {
        match &self.resolve(list).value {
            Value::List { items, .. } => items,
            Value::Scalar { .. } | Value::Map { .. } | Value::Alias(_) => &[],
        }
    }

    /// Whether two values say the same, apart from the field `name` of each.
    pub(crate) fn same_but_name(&self, one: &Node, other: &Node) -> bool {
        let (one, other) = (self.resolve(one), self.resolve(other));
        match (&one.value, &other.value) {
            (Value::Map { .. }, Value::Map { .. }) => {
                let fields = |node| {
                    let mut said = self.said(node);
                    said.retain(|(key, _)| key != "name");
                    said
                };
                fields(one) == fields(other)
            }
            // Both are names.
            (Value::Scalar { .. }, Value::Scalar { .. }) => true,
            _ => false,
        }
    }

    /// The fields of a map with their values in one spelling.
    fn said(&self, map: &Node) -> Vec<(String, String)> {
        let Value::Map { fields, .. } = &self.resolve(map).value else {
            return Vec::new();
        };
        let mut said = Vec::new();
        for (key, value) in fields {
            match self.text(key) {
                Some("<<") => said.extend(self.said(value)),
                Some(key) => said.push((key.to_owned(), self.spelt(value))),
                None => {}
            }
        }
        said.sort();
        said
    }

    pub(crate) fn spelt(&self, node: &Node) -> String {
        match &self.resolve(node).value {
            Value::Scalar { text, .. } => format!("{text:?}"),
            Value::List { items, .. } => {
                let mut items: Vec<String> = items.iter().map(|item| self.spelt(item)).collect();
                items.sort();
                format!("[{}]", items.join(","))
            }
            Value::Map { .. } => format!("{:?}", self.said(node)),
            Value::Alias(_) => String::new(),
        }
    }
}

struct Scanner<'a> {
    parser: Parser<'a, StrInput<'a>>,
    skipped: usize,
    /// An event that was read to see whether an anchor follows.
    waiting: Option<(Event<'a>, Span)>,
    scan: Scan,
}

impl<'a> Scanner<'a> {
    /// The next event that is no comment; `None` at a fault.
    #[expect(clippy::option_option, reason = "the outer one is a fault")]
    fn next(&mut self) -> Option<Option<(Event<'a>, Span)>> {
        if let Some(event) = self.waiting.take() {
            return Some(Some(event));
        }
        loop {
            match self.parser.next_event() {
                None => return Some(None),
                Some(Err(_)) => return None,
                Some(Ok((Event::Comment(..), span))) => {
                    let range = self.range(&span)?;
                    self.scan.comments.push(range);
                }
                Some(Ok(event)) => return Some(Some(event)),
            }
        }
    }

    fn range(&self, span: &Span) -> Option<Range<usize>> {
        let range = span.byte_range()?;
        Some(range.start + self.skipped..range.end + self.skipped)
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Option<Node> {
        let mut range = self.range(span)?;
        // An anchor is told right after what it marks.
        let mut anchor = None;
        match self.next()? {
            Some((Event::Anchor(id, _), span)) => {
                let mark = self.range(&span)?;
                self.scan.anchor_marks.push(mark);
                anchor = Some(id);
            }
            other => self.waiting = other,
        }
        let value = match event {
            Event::Alias(id) => Value::Alias(id),
            Event::Scalar(text, style, ..) => Value::Scalar {
                text: text.into_owned(),
                style,
            },
            Event::SequenceStart(style, ..) => {
                let flow = style == StructureStyle::Flow;
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()??;
                    if matches!(event, Event::SequenceEnd) {
                        end(&mut range, flow, &self.range(&span)?, items.iter());
                        break;
                    }
                    items.push(self.node(event, &span)?);
                }
                Value::List { flow, items }
            }
            Event::MappingStart(style, ..) => {
                let flow = style == StructureStyle::Flow;
                let mut fields = Vec::new();
                loop {
                    let (event, span) = self.next()??;
                    if matches!(event, Event::MappingEnd) {
                        let inner = fields.iter().flat_map(|(key, value)| [key, value]);
                        end(&mut range, flow, &self.range(&span)?, inner);
                        break;
                    }
                    let key = self.node(event, &span)?;
                    let (event, span) = self.next()??;
                    fields.push((key, self.node(event, &span)?));
                }
                Value::Map { flow, fields }
            }
            _ => return None,
        };
        let node = Node { range, value };
        if let Some(id) = anchor {
            self.scan.anchors.insert(id, node.clone());
        }
        Some(node)
    }
}

/// Sets where a collection ends: at its bracket, or in block style with its last value, since the parser tells the
/// place of whatever follows.
fn end<'n>(
    range: &mut Range<usize>,
    flow: bool,
    closing: &Range<usize>,
    inner: impl Iterator<Item = &'n Node>,
) {
    let last = inner
        .filter(|node| !node.range.is_empty())
        .map(|node| node.range.end)
        .max();
    range.end = match last {
        _ if flow => closing.end,
        Some(last) => last,
        None => range.end,
    };
}
