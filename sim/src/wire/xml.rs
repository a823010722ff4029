//! Writes XML into memory: elements, attributes, text, with or without a prefix.
//!
//! Pure. A thin cover over quick-xml's writer, which escapes; here the characters that XML 1.0 forbids are replaced
//! (quick-xml writes them as they are). Carriage returns become references, as with .NET's writer.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// XML Schema.
pub const XSD: &str = "http://www.w3.org/2001/XMLSchema";
/// XML Schema instance, for `xsi:nil`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The SOAP 1.1 envelope.
pub const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The SOAP 1.2 envelope.
pub const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// Where ASP.NET keeps its `guid` simple type.
pub const GUID_TYPES: &str = "http://microsoft.com/wsdl/types/";

/// Growing XML text.
pub struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Default for Xml {
    fn default() -> Self {
        Self::new()
    }
}

impl Xml {
    /// Starts a document with its declaration.
    #[must_use]
    pub fn new() -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>");
        Self {
            writer: Writer::new(out),
        }
    }

    fn event(&mut self, event: Event<'_>) {
        // Writing into a vector cannot fail; the result type is the writer's generic one.
        let written = self.writer.write_event(event);
        debug_assert!(written.is_ok(), "writing to memory failed");
    }

    /// Opens an element.
    pub fn start(&mut self, name: &str) {
        self.event(Event::Start(BytesStart::new(name)));
    }

    /// Opens an element with attributes.
    pub fn start_with(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Start(tag(name, attributes)));
    }

    /// Writes an element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(tag(name, attributes)));
    }

    /// Writes text.
    pub fn text(&mut self, text: &str) {
        let clean = legal(text);
        self.event(Event::Text(BytesText::from_escaped(partial_escape(clean))));
    }

    /// Closes an element.
    pub fn end(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// Writes an element that holds text only.
    pub fn leaf(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.empty(name, &[]);
        } else {
            self.start(name);
            self.text(text);
            self.end(name);
        }
    }

    /// The bytes written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner()
    }
}

fn tag<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut tag = BytesStart::new(name);
    for (key, value) in attributes {
        tag.push_attribute((*key, legal(value).as_ref()));
    }
    tag
}

/// Replaces the characters that no XML 1.0 document may hold.
fn legal(text: &str) -> Cow<'_, str> {
    let bad = |character: char| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(bad) {
        Cow::Owned(text.replace(bad, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Encodes a name for use as an XML element name the way .NET's `XmlConvert.EncodeLocalName` does: `a b` becomes
/// `a_x0020_b`.
#[must_use]
pub fn encode_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, character) in name.char_indices() {
        let ordinary = character == '_' || character.is_alphabetic();
        let later = character.is_numeric() || character == '-' || character == '.';
        let looks_encoded = character == '_' && starts_escape(&name[at..]);
        if (ordinary && !looks_encoded) || (at > 0 && later) {
            out.push(character);
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "_x{:04X}_", u32::from(character));
        }
    }
    out
}

/// Says whether text begins like an encoded character, `_xHHHH_`: then its underscore has to be encoded itself.
fn starts_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7
        && bytes[1] == b'x'
        && bytes[6] == b'_'
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn text_is_escaped_and_kept() {
        let mut xml = Xml::new();
        xml.leaf("a", "R&D <x> \"q\"\r\n\u{0}");
        let text = String::from_utf8(xml.into_bytes()).unwrap();
        assert!(
            text.ends_with("<a>R&amp;D &lt;x&gt; \"q\"&#13;\n\u{fffd}</a>"),
            "{text}"
        );
        let document = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(
            document.root_element().text(),
            Some("R&D <x> \"q\"\r\n\u{fffd}")
        );
    }

    #[test]
    fn column_names_are_encoded() {
        assert_eq!(
            encode_name("Count of Computers"),
            "Count_x0020_of_x0020_Computers"
        );
        assert_eq!(encode_name("_ResourceGuid"), "_ResourceGuid");
        assert_eq!(encode_name("1st"), "_x0031_st");
        assert_eq!(encode_name("a_x0020_b"), "a_x005F_x0020_b");
        assert_eq!(encode_name("Größe"), "Größe");
        assert_eq!(encode_name("a/b"), "a_x002F_b");
    }
}
