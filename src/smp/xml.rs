//! A pull parser over a body that may be large: local names, text, nothing else.
//!
//! Pure over any `BufRead`. Prefixes, order, comments, processing instructions and unknown elements do not matter;
//! CDATA and character references are text. Document types and entities are refused, as is a body that ends early
//! or goes on after its root. Elements are expanded, so that `<a/>` reads as `<a></a>`.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::Event;

/// Deeper than any answer of an SMP, shallow enough for every recursion.
const MAX_DEPTH: usize = 200;

/// Why an answer could not be understood. Code `SW0310`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is no XML.
    #[error("expected XML, found a fault in it at byte {at}: {message}")]
    Xml {
        /// Where.
        at: u64,
        /// What.
        message: String,
    },
    /// A document type or an entity, which no SMP sends and which is a known way to attack a reader.
    #[error("expected an answer without document type and entities, found {0}")]
    Refused(String),
    /// The body ended early.
    #[error("the answer ended in the middle, after {0} bytes")]
    Truncated(u64),
    /// Elements nested too deeply.
    #[error("expected elements at most {MAX_DEPTH} deep, found more")]
    Depth,
    /// The body could not be read on.
    #[error("the answer broke off: {0}")]
    Body(String),
    /// The answer is XML but not the one expected.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A table without the columns wanted.
    #[error("expected a table with the column `{expected}`, found {found}")]
    Columns {
        /// The column that is missing.
        expected: String,
        /// The columns that are there.
        found: String,
    },
    /// A value that is not what its place demands.
    #[error("`{element}`: {message}")]
    Value {
        /// The element.
        element: String,
        /// What was expected and found.
        message: String,
    },
}

impl AnswerError {
    pub(crate) fn shape(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Shape {
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(crate) fn value(element: &str, error: &impl ToString) -> Self {
        Self::Value {
            element: element.into(),
            message: error.to_string(),
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// An element begins: see [`Xml::name`] and [`Xml::nil`].
    Start,
    /// An element ends.
    End,
    /// Text: see [`Xml::text`].
    Text,
    /// The document is over.
    Done,
}

/// The parser.
pub(crate) struct Xml<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    name: String,
    nil: bool,
    /// The `name` attribute, which only schemas need.
    named: Option<String>,
    text: String,
    depth: usize,
    root_seen: bool,
}

impl<R: BufRead> Xml<R> {
    pub(crate) fn new(body: R) -> Self {
        let mut reader = Reader::from_reader(body);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            name: String::new(),
            nil: false,
            named: None,
            text: String::new(),
            depth: 0,
            root_seen: false,
        }
    }

    /// The local name of the element that began last.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the element that began last says `xsi:nil="true"`.
    pub(crate) fn nil(&self) -> bool {
        self.nil
    }

    /// The `name` attribute of the element that began last.
    pub(crate) fn named(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// The piece of text that was read last.
    #[cfg(test)]
    fn text(&self) -> &str {
        &self.text
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    fn wrong(&self, error: &quick_xml::Error) -> AnswerError {
        let at = self.reader.buffer_position();
        match error {
            quick_xml::Error::Io(error) => AnswerError::Body(error.to_string()),
            quick_xml::Error::Syntax(_) => AnswerError::Truncated(at),
            other => AnswerError::Xml {
                at,
                message: other.to_string(),
            },
        }
    }

    /// Reads the next token.
    pub(crate) fn next(&mut self) -> Result<Token, AnswerError> {
        loop {
            self.buffer.clear();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.wrong(&error)),
            };
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    if self.depth == 0 && self.root_seen {
                        return Err(AnswerError::shape("one root element", "several"));
                    }
                    self.root_seen = true;
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(AnswerError::Depth);
                    }
                    self.name.clear();
                    self.name.push_str(start.local_name().as_ref());
                    self.nil = false;
                    self.named = None;
                    if start.attributes_raw().trim().is_empty() {
                        return Ok(Token::Start);
                    }
                    let at = self.reader.buffer_position();
                    (self.nil, self.named) = attributes(&start, at)?;
                    return Ok(Token::Start);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(text) => {
                    if self.depth == 0 {
                        if text
                            .trim_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
                            .is_empty()
                        {
                            continue;
                        }
                        return Err(AnswerError::shape(
                            "XML",
                            format!("`{}`", text.trim().chars().take(80).collect::<String>()),
                        ));
                    }
                    self.text.clear();
                    self.text.push_str(&text.xml10_content());
                    return Ok(Token::Text);
                }
                Event::CData(text) => {
                    self.text.clear();
                    self.text.push_str(&text.xml10_content());
                    return Ok(Token::Text);
                }
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref() {
                        Ok(Some(character)) => character,
                        Ok(None) => match reference.as_ref() {
                            "lt" => '<',
                            "gt" => '>',
                            "amp" => '&',
                            "apos" => '\'',
                            "quot" => '"',
                            other => {
                                return Err(AnswerError::Refused(format!(
                                    "the entity `&{other};`"
                                )));
                            }
                        },
                        Err(error) => return Err(self.wrong(&error)),
                    };
                    self.text.clear();
                    self.text.push(character);
                    return Ok(Token::Text);
                }
                Event::DocType(_) => {
                    return Err(AnswerError::Refused("a document type".into()));
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => {
                    let read = self.reader.buffer_position();
                    return if self.depth > 0 {
                        Err(AnswerError::Truncated(read))
                    } else if self.root_seen {
                        Ok(Token::Done)
                    } else {
                        Err(AnswerError::shape("XML", "an empty answer"))
                    };
                }
            }
        }
    }

    /// Reads on to the end of the element that began last and appends its own and its descendants' text.
    pub(crate) fn content(&mut self, into: &mut String) -> Result<(), AnswerError> {
        into.clear();
        let outside = self.depth - 1;
        while self.depth > outside {
            if self.next()? == Token::Text {
                into.push_str(&self.text);
            }
        }
        Ok(())
    }

    /// Reads on to the end of the element that began last.
    pub(crate) fn skip(&mut self) -> Result<(), AnswerError> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// Reads the next child of the element at `depth`: `true` where one began, `false` where that element ended.
    pub(crate) fn child(&mut self, depth: usize) -> Result<bool, AnswerError> {
        loop {
            match self.next()? {
                Token::Start => return Ok(true),
                Token::End if self.depth < depth => return Ok(false),
                Token::End | Token::Text => {}
                Token::Done => return Ok(false),
            }
        }
    }

    /// Reads on until an element called `name` begins; `false` where the document ends first.
    pub(crate) fn seek(&mut self, name: &str) -> Result<bool, AnswerError> {
        loop {
            match self.next()? {
                Token::Start if self.name.eq_ignore_ascii_case(name) => return Ok(true),
                Token::Done => return Ok(false),
                Token::Start | Token::End | Token::Text => {}
            }
        }
    }

    /// Reads the rest of the document, so that what follows is seen to be well-formed.
    pub(crate) fn finish(&mut self) -> Result<(), AnswerError> {
        while self.next()? != Token::Done {}
        Ok(())
    }
}

/// Whether an element says that it is nil, and its `name`.
fn attributes(
    start: &quick_xml::events::BytesStart<'_>,
    at: u64,
) -> Result<(bool, Option<String>), AnswerError> {
    let (mut nil, mut named) = (false, None);
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| AnswerError::Xml {
            at,
            message: error.to_string(),
        })?;
        match attribute.key.local_name().as_ref() {
            "nil" => nil = matches!(attribute.value.trim(), "true" | "1"),
            "name" => {
                let value = quick_xml::escape::unescape(&attribute.value)
                    .map_err(|error| AnswerError::Refused(error.to_string()))?;
                named = Some(value.into_owned());
            }
            _ => {}
        }
    }
    Ok((nil, named))
}

/// Parses a small document as a tree; document types are refused.
pub(crate) fn tree(text: &str) -> Result<roxmltree::Document<'_>, AnswerError> {
    roxmltree::Document::parse(text).map_err(|error| match error {
        roxmltree::Error::DtdDetected => AnswerError::Refused("a document type".into()),
        roxmltree::Error::UnknownEntityReference(name, _) => {
            AnswerError::Refused(format!("the entity `&{name};`"))
        }
        roxmltree::Error::UnclosedRootNode | roxmltree::Error::UnexpectedEndOfStream => {
            AnswerError::Truncated(u64::try_from(text.len()).unwrap_or(u64::MAX))
        }
        other => AnswerError::Xml {
            at: 0,
            message: other.to_string(),
        },
    })
}

/// Escapes text for element content; `None` where it holds a character that no XML 1.0 document can.
pub(crate) fn escape(text: &str) -> Option<String> {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            // A carriage return would be read back as a line feed.
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => return None,
            _ => escaped.push(c),
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn texts(body: &str) -> Result<String, AnswerError> {
        let mut xml = Xml::new(body.as_bytes());
        let mut seen = String::new();
        loop {
            match xml.next()? {
                Token::Start => {
                    seen.push('<');
                    seen.push_str(xml.name());
                    if xml.nil() {
                        seen.push('!');
                    }
                    seen.push('>');
                }
                Token::End => seen.push('/'),
                Token::Text => seen.push_str(xml.text()),
                Token::Done => return Ok(seen),
            }
        }
    }

    #[test]
    fn reads_local_names_and_text() {
        assert_eq!(
            texts("\u{feff}<?xml version='1.0'?>\n<s:a xmlns:s='u'><!-- c --><b>R&amp;D&#x21;</b><c/><![CDATA[<x>]]></s:a>\n")
                .unwrap(),
            "<a><b>R&D!/<c>/<x>/"
        );
        assert_eq!(texts("<a xmlns:i='u' i:nil='true'/>").unwrap(), "<a!>/");
    }

    #[test]
    fn refuses_what_is_dangerous_or_broken() {
        for (body, expect) in [
            ("<!DOCTYPE a><a/>", "document type"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
            ("<a>&b;</a>", "entity"),
            ("<a><b></b>", "ended in the middle"),
            ("<a><b", "ended in the middle"),
            ("", "empty answer"),
            ("  \n", "empty answer"),
            ("hello", "found `hello`"),
            ("<a/><b/>", "one root"),
            ("<a></b>", "fault"),
            ("<a>x</a>trailing", "found `trailing`"),
        ] {
            let error = texts(body).unwrap_err().to_string();
            assert!(error.contains(expect), "{body}: {error}");
        }
        let deep = "<a>".repeat(300);
        assert_eq!(texts(&deep).unwrap_err(), AnswerError::Depth);
    }

    #[test]
    fn escapes_text() {
        assert_eq!(escape("a<b>&\"\r").unwrap(), "a&lt;b&gt;&amp;&quot;&#13;");
        assert!(escape("a\u{0}").is_none());
        assert!(escape("a\u{b}").is_none());
        assert!(escape("ä\t\n").is_some());
    }
}
