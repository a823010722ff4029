//! Turns replies and faults into the bytes of an answer: SOAP 1.1, SOAP 1.2, or the bare XML of form POST and GET.
//!
//! Pure, in time linear in the answer. [`Style`] holds what differs between servers and quirks: namespace, prefixes,
//! the row element of tables, the order of fields.

use std::borrow::Cow;

use super::decode::Protocol;
use super::fault::{ExceptionType, Fault};
use super::operations::{Operation, Type};
use super::shapes::{Cell, Kind, Record, Shapes, StructureId};
use super::table::Table;
use super::xml::{SOAP11, SOAP12, XSD, XSI, Xml};

/// What an operation returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Void,
    /// Text, or null.
    Text(Option<String>),
    /// A GUID.
    Guid(String),
    /// A truth value.
    Boolean(bool),
    /// A number.
    Int(i64),
    /// A time in ISO 8601.
    DateTime(String),
    /// GUIDs.
    Guids(Vec<String>),
    /// A table.
    Table(Table),
    /// One structure.
    One(StructureId, Record),
    /// A list of structures.
    Many(StructureId, Vec<Record>),
}

/// How this server writes.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit of its own, in any combination"
)]
pub struct Style {
    /// The service's namespace.
    pub namespace: String,
    /// The prefix of elements in that namespace; none: it is the default namespace.
    pub prefix: Option<String>,
    /// The prefix of the SOAP envelope.
    pub envelope: String,
    /// `Table` or `Table1`.
    pub row: String,
    /// Fields of structures are written in another order for every record.
    pub shuffle: bool,
    /// Form answers of void operations carry an empty element.
    pub void_with_body: bool,
    /// Null fields are written with `xsi:nil` instead of left out.
    pub nil_nulls: bool,
    /// Structures carry an element that no document mentions.
    pub unknown: bool,
    /// GUIDs are written in braces and upper case.
    pub braced: bool,
}

impl Style {
    /// The style of an unremarkable server.
    #[must_use]
    pub fn plain(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            prefix: None,
            envelope: "soap".to_owned(),
            row: "Table".to_owned(),
            shuffle: false,
            void_with_body: false,
            nil_nulls: false,
            unknown: false,
            braced: false,
        }
    }

    fn name<'a>(&self, local: &'a str) -> Cow<'a, str> {
        match &self.prefix {
            Some(prefix) => Cow::Owned(format!("{prefix}:{local}")),
            None => Cow::Borrowed(local),
        }
    }

    fn guid<'a>(&self, guid: &'a str) -> Cow<'a, str> {
        if self.braced {
            Cow::Owned(format!("{{{}}}", guid.to_ascii_uppercase()))
        } else {
            Cow::Borrowed(guid)
        }
    }

    fn declaration(&self) -> String {
        self.prefix
            .as_ref()
            .map_or_else(|| "xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"))
    }
}

/// The status, content type and body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type; none for an empty body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

/// Writes a reply.
#[must_use]
pub fn reply(
    shapes: &Shapes,
    style: &Style,
    protocol: Protocol,
    operation: &Operation,
    reply: &Reply,
) -> Answer {
    let mut writer = Encoder {
        xml: Xml::new(),
        shapes,
        style,
        turn: 0,
    };
    match protocol {
        Protocol::Get | Protocol::Form => {
            if *reply == Reply::Void {
                if !style.void_with_body {
                    return Answer {
                        status: 200,
                        content_type: None,
                        body: Vec::new(),
                    };
                }
                writer.xml.empty(
                    &style.name("anyType"),
                    &[(&style.declaration(), &style.namespace)],
                );
            } else {
                writer.bare(reply);
            }
            Answer {
                status: 200,
                content_type: Some("text/xml; charset=utf-8"),
                body: writer.xml.into_bytes(),
            }
        }
        Protocol::Soap11 | Protocol::Soap12 => {
            let envelope = envelope_namespace(protocol);
            open_envelope(&mut writer.xml, style, envelope);
            let response = format!("{}Response", operation.name);
            let result = format!("{}Result", operation.name);
            writer.root(&response, |writer| {
                if operation.result != Type::Void {
                    writer.value(&result, reply);
                }
            });
            close_envelope(&mut writer.xml, style);
            Answer {
                status: 200,
                content_type: Some(content_type(protocol)),
                body: writer.xml.into_bytes(),
            }
        }
    }
}

fn envelope_namespace(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Soap12 {
        SOAP12
    } else {
        SOAP11
    }
}

fn content_type(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Soap12 {
        "application/soap+xml; charset=utf-8"
    } else {
        "text/xml; charset=utf-8"
    }
}

fn open_envelope(xml: &mut Xml, style: &Style, namespace: &str) {
    let prefix = &style.envelope;
    xml.start_with(
        &format!("{prefix}:Envelope"),
        &[
            (&format!("xmlns:{prefix}"), namespace),
            ("xmlns:xsi", XSI),
            ("xmlns:xsd", XSD),
        ],
    );
    xml.start(&format!("{prefix}:Body"));
}

fn close_envelope(xml: &mut Xml, style: &Style) {
    let prefix = &style.envelope;
    xml.end(&format!("{prefix}:Body"));
    xml.end(&format!("{prefix}:Envelope"));
}

/// Writes a fault.
#[must_use]
pub fn fault(style: &Style, protocol: Protocol, fault: &Fault) -> Answer {
    let client = fault.kind == ExceptionType::Request;
    match protocol {
        Protocol::Get | Protocol::Form => Answer {
            status: 500,
            content_type: Some("text/plain; charset=utf-8"),
            body: fault.plain_text().into_bytes(),
        },
        Protocol::Soap11 => {
            let mut xml = Xml::new();
            let prefix = &style.envelope;
            open_envelope(&mut xml, style, SOAP11);
            let name = format!("{prefix}:Fault");
            xml.start(&name);
            xml.leaf(
                "faultcode",
                &format!("{prefix}:{}", if client { "Client" } else { "Server" }),
            );
            xml.leaf("faultstring", &fault.message);
            detail(&mut xml, "detail", fault);
            xml.end(&name);
            close_envelope(&mut xml, style);
            Answer {
                status: 500,
                content_type: Some(content_type(protocol)),
                body: xml.into_bytes(),
            }
        }
        Protocol::Soap12 => {
            let mut xml = Xml::new();
            let prefix = &style.envelope;
            let name = |local: &str| format!("{prefix}:{local}");
            open_envelope(&mut xml, style, SOAP12);
            xml.start(&name("Fault"));
            xml.start(&name("Code"));
            xml.leaf(
                &name("Value"),
                &name(if client { "Sender" } else { "Receiver" }),
            );
            xml.end(&name("Code"));
            xml.start(&name("Reason"));
            xml.start_with(&name("Text"), &[("xml:lang", "en")]);
            xml.text(&fault.message);
            xml.end(&name("Text"));
            xml.end(&name("Reason"));
            detail(&mut xml, &name("Detail"), fault);
            xml.end(&name("Fault"));
            close_envelope(&mut xml, style);
            let status = if client { 400 } else { 500 };
            Answer {
                status,
                content_type: Some(content_type(protocol)),
                body: xml.into_bytes(),
            }
        }
    }
}

fn detail(xml: &mut Xml, name: &str, fault: &Fault) {
    xml.start(name);
    xml.leaf("exceptionType", fault.kind.name());
    xml.leaf("stackTrace", "   at Altiris.ASDK.Simulated.Invoke()");
    xml.leaf("innerException", fault.inner.as_deref().unwrap_or_default());
    xml.end(name);
}

struct Encoder<'a> {
    xml: Xml,
    shapes: &'a Shapes,
    style: &'a Style,
    /// Counts records, so that a shuffled order differs from record to record.
    turn: usize,
}

impl Encoder<'_> {
    /// Writes an element that declares the service's namespace.
    fn root(&mut self, local: &str, content: impl FnOnce(&mut Self)) {
        let name = self.style.name(local);
        self.xml
            .start_with(&name, &[(&self.style.declaration(), &self.style.namespace)]);
        content(self);
        self.xml.end(&name);
    }

    /// Writes the whole document of a form answer: the root is the serialised return type.
    fn bare(&mut self, reply: &Reply) {
        let root = match reply {
            Reply::Table(table) => {
                table.write(&mut self.xml, &self.style.row);
                return;
            }
            Reply::Void => return,
            Reply::Text(_) => "string".to_owned(),
            Reply::Guid(_) => "guid".to_owned(),
            Reply::Boolean(_) => "boolean".to_owned(),
            Reply::Int(_) => "int".to_owned(),
            Reply::DateTime(_) => "dateTime".to_owned(),
            Reply::Guids(_) => "ArrayOfGuid".to_owned(),
            Reply::One(id, _) => self.shapes.get(*id).name.clone(),
            Reply::Many(id, _) => format!("ArrayOf{}", self.shapes.get(*id).name),
        };
        let name = self.style.name(&root).into_owned();
        let declaration = self.style.declaration();
        let mut attributes = vec![
            ("xmlns:xsi", XSI),
            ("xmlns:xsd", XSD),
            (declaration.as_str(), self.style.namespace.as_str()),
        ];
        if matches!(reply, Reply::Text(None)) {
            attributes.push(("xsi:nil", "true"));
        }
        self.xml.start_with(&name, &attributes);
        self.content(reply);
        self.xml.end(&name);
    }

    /// Writes a value inside an element of its own; null text is an absent element, as the serialiser does it.
    fn value(&mut self, local: &str, reply: &Reply) {
        if matches!(reply, Reply::Void | Reply::Text(None)) {
            return;
        }
        let name = self.style.name(local);
        self.xml.start(&name);
        self.content(reply);
        self.xml.end(&name);
    }

    fn content(&mut self, reply: &Reply) {
        match reply {
            Reply::Void | Reply::Text(None) => {}
            Reply::Text(Some(text)) | Reply::DateTime(text) => self.xml.text(text),
            Reply::Guid(guid) => self.xml.text(&self.style.guid(guid)),
            Reply::Boolean(value) => self.xml.text(if *value { "true" } else { "false" }),
            Reply::Int(value) => self.xml.text(&value.to_string()),
            Reply::Guids(guids) => {
                let name = self.style.name("guid");
                for guid in guids {
                    self.xml.leaf(&name, &self.style.guid(guid));
                }
            }
            Reply::Table(table) => table.write(&mut self.xml, &self.style.row),
            Reply::One(id, record) => self.fields(*id, record),
            Reply::Many(id, records) => self.list(*id, records),
        }
    }

    fn list(&mut self, id: StructureId, records: &[Record]) {
        let shapes = self.shapes;
        let name = self.style.name(&shapes.get(id).name);
        for record in records {
            self.xml.start(&name);
            self.fields(id, record);
            self.xml.end(&name);
        }
    }

    fn fields(&mut self, id: StructureId, record: &Record) {
        let shapes = self.shapes;
        let fields = &shapes.get(id).fields;
        let count = fields.len().min(record.0.len());
        let (start, backwards) = if self.style.shuffle {
            self.turn = self.turn.wrapping_add(1);
            (self.turn % count.max(1), self.turn.is_multiple_of(2))
        } else {
            (0, false)
        };
        // An empty structure stays empty: that is how a missing package is told.
        if self.style.unknown && count > 0 {
            let name = self.style.name("Unmentioned");
            self.xml.leaf(&name, "x");
        }
        for step in 0..count {
            let at = (start + step) % count;
            let at = if backwards { count - 1 - at } else { at };
            if let (Some(field), Some(cell)) = (fields.get(at), record.0.get(at)) {
                self.cell(&field.name, field.kind, cell);
            }
        }
    }

    fn cell(&mut self, local: &str, kind: Kind, cell: &Cell) {
        let name = self.style.name(local);
        match cell {
            Cell::Absent if !self.style.nil_nulls => {}
            Cell::Absent | Cell::Null => self.xml.empty(&name, &[("xsi:nil", "true")]),
            Cell::Text(text) if kind == Kind::Guid => self.xml.leaf(&name, &self.style.guid(text)),
            Cell::Text(text) => self.xml.leaf(&name, text),
            Cell::Boolean(value) => self.xml.leaf(&name, if *value { "true" } else { "false" }),
            Cell::Int(value) => self.xml.leaf(&name, &value.to_string()),
            Cell::Texts(texts) => {
                let item = self.style.name("string");
                self.xml.start(&name);
                for text in texts {
                    self.xml.leaf(&item, text);
                }
                self.xml.end(&name);
            }
            Cell::Many(records) => {
                self.xml.start(&name);
                if let Kind::Many(id) = kind {
                    self.list(id, records);
                }
                self.xml.end(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::wire::operations::{self, ServiceId};

    fn operation(id: ServiceId, name: &str) -> &'static Operation {
        operations::service(id).unwrap().operation(name).unwrap()
    }

    fn body(answer: &Answer) -> String {
        String::from_utf8(answer.body.clone()).unwrap()
    }

    #[test]
    fn form_answers_have_the_return_type_as_root() {
        let style = Style::plain("urn:x");
        let shapes = Shapes::default();
        let op = operation(ServiceId::ItemManagement, "ItemExists");
        let form = |value: &Reply| body(&reply(&shapes, &style, Protocol::Form, op, value));
        let head = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><{{}} xmlns:xsi="{XSI}" xmlns:xsd="{XSD}" xmlns="urn:x""#
        );
        let expect = |root: &str, rest: &str| format!("{}{rest}", head.replace("{}", root));
        assert_eq!(
            form(&Reply::Boolean(true)),
            expect("boolean", ">true</boolean>")
        );
        assert_eq!(
            form(&Reply::Guids(vec!["a".into()])),
            expect("ArrayOfGuid", "><guid>a</guid></ArrayOfGuid>")
        );
        assert_eq!(
            form(&Reply::Text(Some("<a/>".into()))),
            expect("string", ">&lt;a/&gt;</string>")
        );
        assert_eq!(
            form(&Reply::Text(None)),
            expect("string", r#" xsi:nil="true"></string>"#)
        );
        let void = reply(&shapes, &style, Protocol::Form, op, &Reply::Void);
        assert_eq!((void.status, void.body.len()), (200, 0));
    }

    #[test]
    fn soap_answers_are_wrapped() {
        let style = Style {
            prefix: Some("q".into()),
            ..Style::plain("urn:x")
        };
        let op = operation(ServiceId::ItemManagement, "ItemExists");
        for (protocol, namespace) in [(Protocol::Soap11, SOAP11), (Protocol::Soap12, SOAP12)] {
            let text = body(&reply(
                &Shapes::default(),
                &style,
                protocol,
                op,
                &Reply::Boolean(false),
            ));
            let document = roxmltree::Document::parse(&text).unwrap();
            let result = document
                .descendants()
                .find(|node| node.tag_name().name() == "ItemExistsResult")
                .unwrap();
            assert_eq!(result.tag_name().namespace(), Some("urn:x"));
            assert_eq!(result.text(), Some("false"));
            assert_eq!(
                document.root_element().tag_name().namespace(),
                Some(namespace)
            );
        }
    }

    #[test]
    fn faults_carry_their_detail() {
        let wrong = Fault::missing("no such item").because("inner");
        for protocol in [Protocol::Soap11, Protocol::Soap12] {
            let answer = fault(&Style::plain("urn:x"), protocol, &wrong);
            let text = body(&answer);
            let document = roxmltree::Document::parse(&text).unwrap();
            let kind = document
                .descendants()
                .find(|node| node.tag_name().name() == "exceptionType")
                .unwrap();
            assert_eq!(kind.text(), Some("ASDKDoesNotExistException"));
            assert_eq!(answer.status, 500);
        }
        let plain = fault(&Style::plain("urn:x"), Protocol::Get, &wrong);
        assert!(
            body(&plain).starts_with("System.Web.Services.Protocols.SoapException : no such item")
        );
    }

    #[test]
    fn shuffled_records_keep_every_field() {
        let style = Style {
            shuffle: true,
            ..Style::plain("urn:x")
        };
        let shapes = Shapes::default();
        let record = Record(vec!["g".into(), "n".into(), "t".into(), "d".into()]);
        let op = operation(ServiceId::ResourceModel, "GetResourcesOfType");
        let rows = Reply::Many(StructureId::ResourceDataInfo, vec![record; 7]);
        let text = body(&reply(&shapes, &style, Protocol::Soap11, op, &rows));
        for name in ["Guid", "Name", "ResourceTypeGuid", "Description"] {
            assert_eq!(text.matches(&format!("<{name}>")).count(), 7, "{text}");
        }
    }
}
