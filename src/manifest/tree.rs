//! The text of one document → a tree of values with their places.
//!
//! Pure. Scalars stay text, with whether they were quoted: what a text means is decided where it is used, so that
//! `no`, `0o17` or `12:30` are never taken for something else. Depth, number of values and what aliases copy are
//! bounded, so that memory stays within a few times the size of the text.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_saphyr::granit_parser::{
    self, Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, StrInput, Tag,
};

use super::Diagnostic;
use super::split::Part;
use crate::model::Origin;

/// How deep lists and fields may be nested; no manifest needs more than 6.
const DEPTH_LIMIT: u32 = 32;
/// How many values a document may have.
const VALUE_LIMIT: usize = 500_000;
/// How many values aliases may copy in any document; big documents may copy more.
const ALIAS_LIMIT: usize = 20_000;

/// A place in a file: line, column and length in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) line: u32,
    pub(super) column: u32,
    /// 0 where unknown.
    pub(super) length: u32,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) span: Span,
    pub(super) value: Value<'a>,
}

/// What can be written.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// A text; `plain` where it stood without quotes.
    Scalar { text: Cow<'a, str>, plain: bool },
    /// A list.
    List(Vec<Node<'a>>),
    /// Fields in their order.
    Map(Vec<(Node<'a>, Node<'a>)>),
}

impl Node<'_> {
    /// Whether it is null: nothing, `~` or `null` without quotes.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The number of values in it, itself included.
    fn weight(&self) -> usize {
        match &self.value {
            Value::Scalar { .. } => 1,
            Value::List(items) => 1 + items.iter().map(Node::weight).sum::<usize>(),
            Value::Map(fields) => {
                1 + fields
                    .iter()
                    .map(|(key, value)| key.weight() + value.weight())
                    .sum::<usize>()
            }
        }
    }
}

/// Parses one document. `Ok(None)` where there is none.
///
/// Duplicate fields are added to `diagnostics`; whatever hides the document's structure is the error.
pub(super) fn parse<'a>(
    file: &Arc<str>,
    part: Part<'a>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Option<Node<'a>>, Box<Diagnostic>> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut composer = Composer {
        parser: Parser::new_from_str_with_options(part.text, options),
        file,
        lines: part.lines,
        anchors: HashMap::new(),
        values: 0,
        copied: 0,
        copy_limit: ALIAS_LIMIT + part.text.len() / 32,
        diagnostics,
    };
    loop {
        match composer.next()? {
            None | Some((Event::StreamEnd, _)) => return Ok(None),
            Some((Event::DocumentStart(..), _)) => break,
            Some(_) => {}
        }
    }
    let Some((event, span)) = composer.next()? else {
        return Ok(None);
    };
    let root = composer.node(event, &span, 0)?;
    // What follows the document's value, such as a stray bracket, is a fault of the document.
    while let Some((event, span)) = composer.next()? {
        if matches!(event, Event::DocumentStart(..)) {
            let place = composer.span(&span);
            return Err(composer.fault("SW0110", place, "expected `---` before another document"));
        }
    }
    Ok(Some(root))
}

struct Composer<'a, 'd> {
    parser: Parser<'a, StrInput<'a>>,
    file: &'d Arc<str>,
    lines: u32,
    anchors: HashMap<usize, Node<'a>>,
    values: usize,
    copied: usize,
    copy_limit: usize,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'a> Composer<'a, '_> {
    fn next(&mut self) -> Result<Option<(Event<'a>, ParserSpan)>, Box<Diagnostic>> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => Err(self.syntax(&error)),
        }
    }

    fn span(&self, span: &ParserSpan) -> Span {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Span {
            line: narrow(span.start.line()).saturating_add(self.lines),
            column: narrow(span.start.col()).saturating_add(1),
            length: narrow(span.len()),
        }
    }

    fn origin(&self, span: Span) -> Origin {
        Origin {
            file: Arc::clone(self.file),
            line: span.line,
            column: span.column,
        }
    }

    #[expect(
        clippy::unnecessary_box_returns,
        reason = "every caller returns it as a boxed error"
    )]
    fn fault(&self, code: &'static str, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::spanning(
            code,
            self.origin(span),
            span.length,
            message,
        ))
    }

    #[expect(
        clippy::unnecessary_box_returns,
        reason = "every caller returns it as a boxed error"
    )]
    fn syntax(&self, error: &ScanError) -> Box<Diagnostic> {
        let marker = error.marker();
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let span = Span {
            line: narrow(marker.line()).saturating_add(self.lines),
            column: narrow(marker.col()).saturating_add(1),
            length: 1,
        };
        let text = error.info();
        let code = if text.contains("recursion limit") || text.contains("nesting") {
            "SW0112"
        } else {
            "SW0110"
        };
        let mut fault = self.fault(code, span, format!("expected YAML, found a fault: {text}"));
        if text.contains("tab") {
            *fault = fault.hint("YAML is indented with blanks, never with tabs");
        }
        fault
    }

    fn count(&mut self, span: Span) -> Result<(), Box<Diagnostic>> {
        self.values += 1;
        if self.values > VALUE_LIMIT {
            return Err(self.fault(
                "SW0112",
                span,
                "expected at most 500,000 values in a document, found more",
            ));
        }
        Ok(())
    }

    fn copy(&mut self, node: &Node<'a>, span: Span) -> Result<Node<'a>, Box<Diagnostic>> {
        self.copied = self.copied.saturating_add(node.weight());
        if self.copied > self.copy_limit {
            return Err(self.fault(
                "SW0112",
                span,
                format!(
                    "expected aliases that copy at most {} values, found more",
                    self.copy_limit
                ),
            ));
        }
        Ok(node.clone())
    }

    fn tagged(&self, tag: Option<&Tag>, span: Span) -> Result<bool, Box<Diagnostic>> {
        match tag {
            None => Ok(false),
            Some(tag) if tag.is_yaml_core_schema_tag("str") => Ok(true),
            Some(tag) => Err(self.fault(
                "SW0114",
                span,
                format!(
                    "expected a value without a tag, found tag `{}`",
                    tag.original()
                ),
            )),
        }
    }

    /// Builds the value that begins with `event`.
    fn node(
        &mut self,
        event: Event<'a>,
        at: &ParserSpan,
        depth: u32,
    ) -> Result<Node<'a>, Box<Diagnostic>> {
        let mut span = self.span(at);
        self.count(span)?;
        if depth > DEPTH_LIMIT {
            span.length = 1;
            return Err(self.fault(
                "SW0112",
                span,
                format!("expected at most {DEPTH_LIMIT} levels, found more"),
            ));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = self.tagged(tag.as_deref(), span)?;
                let plain = style == ScalarStyle::Plain && !as_text;
                (Value::Scalar { text, plain }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tagged(tag.as_deref(), span)?;
                span.length = 0;
                (Value::List(self.list(depth)?), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tagged(tag.as_deref(), span)?;
                span.length = 0;
                (Value::Map(self.map(depth)?), anchor)
            }
            Event::Alias(id) => {
                // An anchor is known once its value is complete, so that an alias inside it finds nothing.
                let Some(node) = self.anchors.remove(&id) else {
                    return Err(self.fault(
                        "SW0110",
                        span,
                        "expected an alias of a complete value, found one inside the value itself",
                    ));
                };
                let copy = self.copy(&node, span);
                self.anchors.insert(id, node);
                let mut copy = copy?;
                copy.span = span;
                return Ok(copy);
            }
            other => {
                return Err(self.fault(
                    "SW0110",
                    span,
                    format!("expected a value, found {other:?}"),
                ));
            }
        };
        let node = Node { span, value };
        if anchor != 0 {
            let copy = self.copy(&node, span)?;
            self.anchors.insert(anchor, copy);
        }
        Ok(node)
    }

    fn list(&mut self, depth: u32) -> Result<Vec<Node<'a>>, Box<Diagnostic>> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
        Ok(items)
    }

    fn map(&mut self, depth: u32) -> Result<Vec<(Node<'a>, Node<'a>)>, Box<Diagnostic>> {
        let mut fields: Vec<(Node<'a>, Node<'a>)> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut merges = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, &span, depth + 1)?;
            let Some((event, span)) = self.next()? else {
                break;
            };
            let value = self.node(event, &span, depth + 1)?;
            let Value::Scalar { text, plain } = &key.value else {
                return Err(self.fault(
                    "SW0110",
                    key.span,
                    "expected the name of a field, found a list or fields",
                ));
            };
            if *plain && text == "<<" {
                merges.push(value);
            } else if seen.insert(text.to_string()) {
                fields.push((key, value));
            } else {
                let first = fields.iter().find(
                    |(other, _)| matches!(&other.value, Value::Scalar { text: other, .. } if other == text),
                );
                let mut fault = *self.fault(
                    "SW0113",
                    key.span,
                    format!("expected each field once, found `{text}` twice"),
                );
                if let Some((first, _)) = first {
                    fault = fault.and(self.origin(first.span), "first here");
                }
                self.diagnostics.push(fault);
            }
        }
        for merge in merges {
            let sources = match merge.value {
                Value::List(items) => items,
                Value::Map(_) | Value::Scalar { .. } => vec![merge],
            };
            for source in sources {
                let Value::Map(inherited) = source.value else {
                    return Err(self.fault(
                        "SW0110",
                        source.span,
                        "expected an alias of fields after `<<`",
                    ));
                };
                // Fields that are written out win over merged ones, earlier merged ones over later ones.
                for (key, value) in inherited {
                    let Value::Scalar { text, .. } = &key.value else {
                        continue;
                    };
                    if seen.insert(text.to_string()) {
                        fields.push((key, value));
                    }
                }
            }
        }
        Ok(fields)
    }
}
