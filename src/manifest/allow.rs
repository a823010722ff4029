//! Comments that call a finding fine as it is: `# sitewright: allow ID reason="…"` → what they cover.
//!
//! Pure. A comment covers lines: the document or the field below it with everything nested in it, or the field on its
//! own line. Only documents in which the words stand at all are parsed a second time, with their comments; what looks
//! like a comment inside text is none, since the parser tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span as ParserSpan, StrInput};

use super::decode::{Faults, nearest, short};
use super::kinds::{Document, Kind};
use super::split::Part;
use super::tree::Span;
use super::{Diagnostic, Source};
use crate::model::Allowed;

/// What every comment to this program begins with.
const MARK: &str = "sitewright:";
/// What a comment can say.
const VERB: &str = "allow";

/// A comment that is well formed, with the place of its check's id.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) allowed: Allowed,
    pub(super) id: Span,
}

/// Comments at the end of a document, which cover the next one.
#[derive(Debug, Default)]
pub(super) struct Carried(Vec<(Statement, Span)>);

/// What a comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    check: String,
    reason: String,
    id: Span,
}

impl Carried {
    /// Reads the comments of a document that could be parsed; what ends it is kept for the next one.
    pub(super) fn read(&mut self, part: Part<'_>, faults: &mut Faults) -> Vec<Comment> {
        let file = Arc::clone(&faults.file);
        let make = |statement: Statement, span: Span, lines| Comment {
            id: statement.id,
            allowed: Allowed {
                origin: span.origin(&file),
                check: statement.check,
                reason: statement.reason,
                lines,
            },
        };
        let whole = || {
            let lines = part.text.lines().count();
            let last = part
                .lines
                .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            (part.lines + 1, last)
        };
        let mut found: Vec<Comment> = std::mem::take(&mut self.0)
            .into_iter()
            .map(|(statement, span)| make(statement, span, whole()))
            .collect();
        if !part.text.contains(MARK) {
            return found;
        }
        let outline = Outline::of(part);
        for (span, text) in &outline.comments {
            let Some(statement) = statement(text, *span, faults) else {
                continue;
            };
            match outline.covered(*span) {
                Covered::Document => found.push(make(statement, *span, whole())),
                Covered::Lines(first, last) => found.push(make(statement, *span, (first, last))),
                Covered::Next => self.0.push((statement, *span)),
                Covered::Nothing => faults.push(nothing(*span, &file)),
            }
        }
        found
    }

    /// Forgets what would have covered a document that cannot be read, which is told.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Says which comments nothing follows, and which stand where no document is.
    pub(super) fn end(self, source: &Source, last: Part<'_>) -> Vec<Diagnostic> {
        let mut faults: Vec<Diagnostic> = self
            .0
            .into_iter()
            .map(|(_, span)| nothing(span, &source.name))
            .collect();
        let after = usize::try_from(last.lines).unwrap_or(usize::MAX) + last.text.lines().count();
        for (number, line) in source.text.lines().enumerate().skip(after) {
            let bare = line.trim_start();
            if bare.strip_prefix('#').is_some_and(speaks_to_us) {
                let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                let span = Span {
                    line: narrow(number + 1),
                    column: narrow(line.chars().count() - bare.chars().count() + 1),
                    length: narrow(bare.chars().count()),
                };
                faults.push(nothing(span, &source.name));
            }
        }
        faults
    }
}

/// Says which comments name a check that there is none of, and which stand in a workspace, where nothing is found.
#[must_use]
pub fn check_allowed(documents: &[Document], ids: &[&str]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for document in documents {
        for Comment { allowed, id } in &document.comments {
            let file = &allowed.origin.file;
            if document.kind == Kind::Workspace {
                faults.push(
                    Diagnostic::at(
                        "SW0153",
                        allowed.origin.clone(),
                        "expected a comment in a manifest, found one in a workspace, about which nothing is found",
                    )
                    .hint("move it into the manifest that the finding names"),
                );
                continue;
            }
            let found = allowed.check.as_str();
            if ids.contains(&found) {
                continue;
            }
            let message = format!("expected the id of a check, found `{}`", short(found));
            let hint = if is_code(found) {
                "what has a code is an error, and errors cannot be allowed".to_owned()
            } else if let Some(near) = nearest(found, ids) {
                format!("did you mean `{near}`?")
            } else {
                "`sitewright validate --list` lists the checks".to_owned()
            };
            faults.push(
                Diagnostic::spanning("SW0151", id.origin(file), id.length, message).hint(hint),
            );
        }
    }
    faults
}

fn is_code(text: &str) -> bool {
    text.strip_prefix("SW")
        .is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn nothing(span: Span, file: &Arc<str>) -> Diagnostic {
    Diagnostic::spanning(
        "SW0153",
        span.origin(file),
        span.length,
        "expected a field or a document below this comment, found none",
    )
    .hint("put it above the field or the document that it is about, or at the end of the field's line")
}

/// Whether the text of a comment, after its `#`, is meant for this program.
fn speaks_to_us(text: &str) -> bool {
    text.trim_start().starts_with(MARK)
}

/// Reads the text of a comment, after its `#`; `None` where it is not for us or has a fault, which is told.
fn statement(text: &str, comment: Span, faults: &mut Faults) -> Option<Statement> {
    let text = text.trim_end();
    let rest = text.trim_start().strip_prefix(MARK)?.trim_start();
    // The place of what a rest of the text begins with; the `#` stands before the text.
    let at = |rest: &str, length: usize| Span {
        line: comment.line,
        column: comment.column + 1 + narrow(text.chars().count() - rest.chars().count()),
        length: narrow(length),
    };
    let mut tell = |place: Span, code: &'static str, message: String, hint: String| {
        let fault = faults.make(code, place, message).hint(hint);
        faults.push(fault);
        None
    };
    let example = || "write `# sitewright: allow ID reason=\"…\"`".to_owned();
    let found = |text: &str| {
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{}`", short(text))
        }
    };

    let (verb, after) = word(rest);
    if verb != VERB {
        let hint = nearest(verb, &[VERB]).map(|near| format!("did you mean `{near}`?"));
        return tell(
            at(rest, verb.chars().count()),
            "SW0150",
            format!("expected `{VERB}` after `# {MARK}`, found {}", found(verb)),
            hint.unwrap_or_else(example),
        );
    }
    let rest = after.trim_start();
    let (check, after) = word(rest);
    let id = at(rest, check.chars().count());
    if check.is_empty() || check.starts_with("reason=") {
        return tell(
            id,
            "SW0151",
            format!("expected the id of a check after `{VERB}`, found none"),
            "`sitewright validate --list` lists the checks".into(),
        );
    }
    let rest = after.trim_start();
    let place = at(rest, rest.chars().count());
    let reason = match rest.strip_prefix("reason=") {
        None => Err(found(rest)),
        Some(quoted) => unquoted(quoted).map_err(ToOwned::to_owned),
    };
    match reason {
        Err(found) => tell(
            place,
            "SW0152",
            format!("expected `reason=\"…\"` after the id, found {found}"),
            example(),
        ),
        Ok(reason) if reason.trim().is_empty() => tell(
            place,
            "SW0152",
            "expected a reason, found an empty one".into(),
            "say why it is fine as it is".into(),
        ),
        Ok(reason) => Some(Statement {
            check: check.to_owned(),
            reason: reason.trim().to_owned(),
            id,
        }),
    }
}

/// The first word of a text, and the rest.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at(end)
}

/// What stands between double quotes; `\"` and `\\` stand for the character itself.
fn unquoted(text: &str) -> Result<String, &'static str> {
    let mut characters = text.chars();
    if characters.next() != Some('"') {
        return Err("a reason without double quotes");
    }
    let mut reason = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                return if characters.as_str().trim().is_empty() {
                    Ok(reason)
                } else {
                    Err("more after the reason")
                };
            }
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => reason.push(escaped),
                _ => return Err("a `\\` before something else than `\"` or `\\`"),
            },
            other => reason.push(other),
        }
    }
    Err("a reason without its closing quote")
}

/// What a comment covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covered {
    Document,
    Lines(u32, u32),
    /// The document that follows.
    Next,
    Nothing,
}

/// A field or an item of a list, from its first to its last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    first: u32,
    last: u32,
    field: bool,
}

/// Where things stand in a document, and its comments.
#[derive(Debug, Default)]
struct Outline<'a> {
    lines: Vec<&'a str>,
    /// Lines before the document.
    before: u32,
    /// The first line of its value.
    root: Option<u32>,
    /// Fields and items by first line.
    regions: BTreeMap<u32, Vec<Region>>,
    comments: Vec<(Span, String)>,
    /// For each line, the next one below it that holds more than comments and the dashes of items.
    next: Vec<Option<u32>>,
    /// For each line, the innermost field or item that it belongs to.
    inside: Vec<Option<Region>>,
}

impl<'a> Outline<'a> {
    fn of(part: Part<'a>) -> Self {
        let mut options = granit_parser::Options::default();
        // A list may have a comment at each of a hundred thousand items.
        options.max_buffered_comment_events = usize::MAX;
        let mut reader = Reader {
            parser: Parser::new_from_str_with_options(part.text, options),
            outline: Self {
                lines: part.text.lines().collect(),
                before: part.lines,
                ..Self::default()
            },
        };
        while let Some((event, span)) = reader.next() {
            if !matches!(
                event,
                Event::StreamStart
                    | Event::StreamEnd
                    | Event::DocumentStart(..)
                    | Event::DocumentEnd
            ) {
                reader.outline.root = Some(reader.line(&span));
                reader.node(&event, &span);
            }
        }
        let mut outline = reader.outline;
        outline.index();
        outline
    }

    /// Answers for every line at once what is asked for each comment.
    fn index(&mut self) {
        let mut below = None;
        let numbered: Vec<(u32, &str)> = (self.before + 1..)
            .zip(self.lines.iter().copied())
            .collect();
        for (line, text) in numbered.iter().copied().rev() {
            self.next.push(below);
            let bare = text.trim();
            if !(bare.is_empty() || bare.starts_with(['#', '%']) || is_dash(bare)) {
                below = Some(line);
            }
        }
        self.next.reverse();
        let mut open: Vec<Region> = Vec::new();
        for (line, _) in numbered {
            while open.last().is_some_and(|region| region.last < line) {
                open.pop();
            }
            self.inside.push(open.last().copied());
            let mut here = self.regions.get(&line).cloned().unwrap_or_default();
            // The outer of two that begin together ends later.
            here.sort_by_key(|region| std::cmp::Reverse(region.last));
            open.extend(here);
        }
    }

    fn at<T>(&self, of: &[T], line: u32) -> Option<T>
    where
        T: Copy,
    {
        let index = usize::try_from(line.checked_sub(self.before + 1)?).ok()?;
        of.get(index).copied()
    }

    fn covered(&self, comment: Span) -> Covered {
        let line = self.at(&self.lines, comment.line).unwrap_or_default();
        let column = usize::try_from(comment.column).unwrap_or(1);
        let beside: String = line.chars().take(column - 1).collect();
        let beside = beside.trim().trim_start_matches('\u{FEFF}');
        if is_start(beside) {
            return Covered::Document;
        }
        if beside.is_empty() || is_dash(beside) {
            return self.below(comment);
        }
        let begins = |field: bool| {
            let here = self.regions.get(&comment.line).into_iter().flatten();
            here.filter(|region| region.field == field)
                .map(|region| region.last)
                .max()
        };
        if let Some(last) = begins(true).or_else(|| begins(false)) {
            return Covered::Lines(comment.line, last);
        }
        // Where nothing begins on the line, a value goes on or ends there.
        match self.at(&self.inside, comment.line).flatten() {
            Some(region) => Covered::Lines(region.first, region.last),
            None => Covered::Nothing,
        }
    }

    /// What begins on the next line that holds anything.
    fn below(&self, comment: Span) -> Covered {
        let Some(line) = self.at(&self.next, comment.line).flatten() else {
            // Only what is not indented can be about another document.
            return if comment.column == 1 {
                Covered::Next
            } else {
                Covered::Nothing
            };
        };
        let text = self.at(&self.lines, line).unwrap_or_default();
        let before_comment = text.split('#').next().unwrap_or_default();
        if self.root == Some(line) || is_start(before_comment.trim()) {
            return Covered::Document;
        }
        let begins = self.regions.get(&line).into_iter().flatten();
        match begins.map(|region| region.last).max() {
            Some(last) => Covered::Lines(line, last),
            None => Covered::Nothing,
        }
    }
}

/// Whether a line up to its comment begins a document and holds nothing else.
fn is_start(text: &str) -> bool {
    text == "---"
}

/// Whether a line begins items of lists and holds nothing else.
fn is_dash(text: &str) -> bool {
    !text.is_empty() && text.split_whitespace().all(|word| word == "-")
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    outline: Outline<'a>,
}

impl<'a> Reader<'a> {
    fn line(&self, span: &ParserSpan) -> u32 {
        narrow(span.start.line()).saturating_add(self.outline.before)
    }

    /// The last line in which a span has a character.
    fn last_line(&self, span: &ParserSpan) -> u32 {
        let end = narrow(span.end.line());
        let end = if span.end.col() == 0 && end > narrow(span.start.line()) {
            end - 1
        } else {
            end
        };
        end.saturating_add(self.outline.before)
    }

    /// The next event that is no comment. A fault ends the document: it was told when the document was read.
    fn next(&mut self) -> Option<(Event<'a>, ParserSpan)> {
        loop {
            let (event, span) = self.parser.next_event()?.ok()?;
            let Event::Comment(text, _) = &event else {
                return Some((event, span));
            };
            if speaks_to_us(text) {
                let place = Span {
                    line: self.line(&span),
                    column: narrow(span.start.col()).saturating_add(1),
                    length: narrow(span.len()),
                };
                self.outline.comments.push((place, text.to_string()));
            }
        }
    }

    fn region(&mut self, first: u32, last: u32, field: bool) {
        let region = Region { first, last, field };
        self.outline.regions.entry(first).or_default().push(region);
    }

    /// Walks a value; gives back its first and its last line, `None` where nothing is written.
    ///
    /// It is as deep as the document, which has been read before within the limit of depth.
    fn node(&mut self, event: &Event<'a>, span: &ParserSpan) -> Option<(u32, u32)> {
        let first = self.line(span);
        let mut last = first;
        match event {
            Event::Scalar(text, style, ..) => {
                if text.is_empty() && *style == ScalarStyle::Plain {
                    return None;
                }
                last = last.max(self.last_line(span));
            }
            Event::SequenceStart(..) => {
                while let Some((event, span)) = self.next() {
                    if matches!(event, Event::SequenceEnd) {
                        last = last.max(self.closing(&span));
                        break;
                    }
                    if let Some((first, end)) = self.node(&event, &span) {
                        self.region(first, end, false);
                        last = last.max(end);
                    }
                }
            }
            Event::MappingStart(..) => {
                while let Some((event, span)) = self.next() {
                    if matches!(event, Event::MappingEnd) {
                        last = last.max(self.closing(&span));
                        break;
                    }
                    let key = self.node(&event, &span);
                    let Some((event, span)) = self.next() else {
                        break;
                    };
                    let value = self.node(&event, &span);
                    if let Some((first, end)) = key.or(value) {
                        let end = value.map_or(end, |(_, end_of_value)| end.max(end_of_value));
                        self.region(first, end, true);
                        last = last.max(end);
                    }
                }
            }
            _ => {}
        }
        Some((first, last))
    }

    /// The line of a closing bracket; 0 where indentation ends a value.
    fn closing(&self, span: &ParserSpan) -> u32 {
        if span.is_empty() { 0 } else { self.line(span) }
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
