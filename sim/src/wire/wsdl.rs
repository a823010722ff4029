//! Describes a service as `?WSDL` does: types, messages, ports and bindings, all from the table of operations.
//!
//! Pure. The layout is ASP.NET's: document/literal wrapped, one schema for the service's namespace and one for the
//! `guid` simple type, ports for SOAP 1.1 and 1.2, and for GET and form POST where the service answers forms.

use std::collections::BTreeSet;

use super::operations::{Service, Type};
use super::shapes::{Kind, Shapes, StructureId};
use super::wsdl_ports;
use super::xml::{GUID_TYPES, XSD, Xml};

/// Writes the WSDL of a service that stands at `url`.
#[must_use]
pub fn wsdl(service: &Service, shapes: &Shapes, namespace: &str, url: &str) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.start_with(
        "wsdl:definitions",
        &[
            ("xmlns:soap", "http://schemas.xmlsoap.org/wsdl/soap/"),
            ("xmlns:soap12", "http://schemas.xmlsoap.org/wsdl/soap12/"),
            ("xmlns:http", "http://schemas.xmlsoap.org/wsdl/http/"),
            ("xmlns:mime", "http://schemas.xmlsoap.org/wsdl/mime/"),
            ("xmlns:s", XSD),
            ("xmlns:s1", GUID_TYPES),
            ("xmlns:tns", namespace),
            ("targetNamespace", namespace),
            ("xmlns:wsdl", "http://schemas.xmlsoap.org/wsdl/"),
        ],
    );
    xml.start("wsdl:documentation");
    xml.text(
        "A simulated Symantec Management Platform. Element names of undocumented structures are those of this world's seed.",
    );
    xml.end("wsdl:documentation");
    xml.start("wsdl:types");
    Schema {
        xml: &mut xml,
        shapes,
    }
    .write(service, namespace);
    guid_schema(&mut xml);
    xml.end("wsdl:types");
    wsdl_ports::write(&mut xml, service, shapes, namespace, url);
    xml.end("wsdl:definitions");
    xml.into_bytes()
}

fn guid_schema(xml: &mut Xml) {
    xml.start_with(
        "s:schema",
        &[
            ("elementFormDefault", "qualified"),
            ("targetNamespace", GUID_TYPES),
        ],
    );
    xml.start_with("s:simpleType", &[("name", "guid")]);
    xml.start_with("s:restriction", &[("base", "s:string")]);
    let pattern = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
    xml.empty("s:pattern", &[("value", pattern)]);
    xml.end("s:restriction");
    xml.end("s:simpleType");
    xml.end("s:schema");
}

/// The element that holds a result of this type in a form answer; none for nothing and for tables, whose root has no
/// declared type.
pub(super) fn form_root(shapes: &Shapes, kind: Type) -> Option<String> {
    match kind {
        Type::Void | Type::Table => None,
        Type::Text | Type::GuidText => Some("string".to_owned()),
        Type::Guid => Some("guid".to_owned()),
        Type::Boolean => Some("boolean".to_owned()),
        Type::Int => Some("int".to_owned()),
        Type::DateTime => Some("dateTime".to_owned()),
        Type::Guids => Some("ArrayOfGuid".to_owned()),
        Type::Texts => Some("ArrayOfString".to_owned()),
        Type::One(id) => Some(shapes.get(id).name.clone()),
        Type::Many(id) => Some(format!("ArrayOf{}", shapes.get(id).name)),
    }
}

/// The qualified name of a type, and whether it is nullable (and so may be left out).
fn type_name(shapes: &Shapes, kind: Type) -> (String, bool) {
    match kind {
        Type::Text | Type::GuidText => ("s:string".to_owned(), true),
        Type::Guid => ("s1:guid".to_owned(), false),
        Type::Boolean => ("s:boolean".to_owned(), false),
        Type::Int => ("s:int".to_owned(), false),
        Type::DateTime => ("s:dateTime".to_owned(), false),
        other => (
            format!("tns:{}", form_root(shapes, other).unwrap_or_default()),
            true,
        ),
    }
}

struct Schema<'a> {
    xml: &'a mut Xml,
    shapes: &'a Shapes,
}

impl Schema<'_> {
    fn write(&mut self, service: &Service, namespace: &str) {
        self.xml.start_with(
            "s:schema",
            &[
                ("elementFormDefault", "qualified"),
                ("targetNamespace", namespace),
            ],
        );
        self.xml.empty("s:import", &[("namespace", GUID_TYPES)]);
        let mut lists = BTreeSet::new();
        let mut structures = BTreeSet::new();
        let mut roots = BTreeSet::new();
        let mut note = |kind: Type, shapes: &Shapes| match kind {
            Type::One(id) => reach(shapes, id, &mut structures, &mut lists),
            Type::Many(id) => {
                lists.insert(ListOf::Structure(id));
                reach(shapes, id, &mut structures, &mut lists);
            }
            Type::Guids => {
                lists.insert(ListOf::Guid);
            }
            Type::Texts => {
                lists.insert(ListOf::Text);
            }
            _ => {}
        };
        for operation in &service.operations {
            for parameter in &operation.parameters {
                note(parameter.kind, self.shapes);
            }
            note(operation.result, self.shapes);
        }
        for operation in &service.operations {
            self.open_element(&operation.name);
            for parameter in &operation.parameters {
                self.field(parameter.name, parameter.kind);
            }
            self.close_element();
            self.open_element(&format!("{}Response", operation.name));
            self.result(&format!("{}Result", operation.name), operation.result);
            self.close_element();
            if service.forms
                && let Some(root) = form_root(self.shapes, operation.result)
            {
                roots.insert((root, type_name(self.shapes, operation.result)));
            }
        }
        for id in structures {
            self.structure(id);
        }
        for list in lists {
            self.list(list);
        }
        for (root, (kind, nullable)) in roots {
            let mut attributes = vec![("name", root.as_str())];
            if nullable {
                attributes.push(("nillable", "true"));
            }
            attributes.push(("type", kind.as_str()));
            self.xml.empty("s:element", &attributes);
        }
        if service.forms
            && service
                .operations
                .iter()
                .any(|operation| operation.result == Type::Table)
        {
            self.open_element("NewDataSet");
            self.xml.empty(
                "s:any",
                &[("maxOccurs", "unbounded"), ("processContents", "skip")],
            );
            self.close_element();
        }
        self.xml.end("s:schema");
    }

    fn open_element(&mut self, name: &str) {
        self.xml.start_with("s:element", &[("name", name)]);
        self.xml.start("s:complexType");
        self.xml.start("s:sequence");
    }

    fn close_element(&mut self) {
        self.xml.end("s:sequence");
        self.xml.end("s:complexType");
        self.xml.end("s:element");
    }

    fn field(&mut self, name: &str, kind: Type) {
        let (kind, nullable) = type_name(self.shapes, kind);
        let least = if nullable { "0" } else { "1" };
        self.xml.empty(
            "s:element",
            &[
                ("minOccurs", least),
                ("maxOccurs", "1"),
                ("name", name),
                ("type", &kind),
            ],
        );
    }

    fn result(&mut self, name: &str, kind: Type) {
        match kind {
            Type::Void => {}
            Type::Table => {
                self.xml.start_with(
                    "s:element",
                    &[("minOccurs", "0"), ("maxOccurs", "1"), ("name", name)],
                );
                self.xml.start_with("s:complexType", &[("mixed", "true")]);
                self.xml.start("s:sequence");
                self.xml.empty("s:any", &[("processContents", "skip")]);
                self.xml.end("s:sequence");
                self.xml.end("s:complexType");
                self.xml.end("s:element");
            }
            other => self.field(name, other),
        }
    }

    fn structure(&mut self, id: StructureId) {
        let structure = self.shapes.get(id);
        self.xml
            .start_with("s:complexType", &[("name", &structure.name)]);
        self.xml.start("s:sequence");
        for field in &structure.fields {
            let kind = match field.kind {
                Kind::Text => "s:string".to_owned(),
                Kind::Guid => "s1:guid".to_owned(),
                Kind::Boolean => "s:boolean".to_owned(),
                Kind::Int => "s:int".to_owned(),
                Kind::Texts => "tns:ArrayOfString".to_owned(),
                Kind::Many(id) => format!("tns:ArrayOf{}", self.shapes.get(id).name),
            };
            self.xml.empty(
                "s:element",
                &[
                    ("minOccurs", "0"),
                    ("maxOccurs", "1"),
                    ("name", &field.name),
                    ("nillable", "true"),
                    ("type", &kind),
                ],
            );
        }
        self.xml.end("s:sequence");
        self.xml.end("s:complexType");
    }

    fn list(&mut self, list: ListOf) {
        let (name, element, kind) = match list {
            ListOf::Guid => (
                "ArrayOfGuid".to_owned(),
                "guid".to_owned(),
                "s1:guid".to_owned(),
            ),
            ListOf::Text => (
                "ArrayOfString".to_owned(),
                "string".to_owned(),
                "s:string".to_owned(),
            ),
            ListOf::Structure(id) => {
                let name = &self.shapes.get(id).name;
                (
                    format!("ArrayOf{name}"),
                    name.clone(),
                    format!("tns:{name}"),
                )
            }
        };
        self.xml.start_with("s:complexType", &[("name", &name)]);
        self.xml.start("s:sequence");
        self.xml.empty(
            "s:element",
            &[
                ("minOccurs", "0"),
                ("maxOccurs", "unbounded"),
                ("name", &element),
                ("nillable", "true"),
                ("type", &kind),
            ],
        );
        self.xml.end("s:sequence");
        self.xml.end("s:complexType");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ListOf {
    Guid,
    Text,
    Structure(StructureId),
}

/// Notes a structure and all that its fields hold.
fn reach(
    shapes: &Shapes,
    id: StructureId,
    structures: &mut BTreeSet<StructureId>,
    lists: &mut BTreeSet<ListOf>,
) {
    if !structures.insert(id) {
        return;
    }
    for field in &shapes.get(id).fields {
        match field.kind {
            Kind::Many(inner) => {
                lists.insert(ListOf::Structure(inner));
                reach(shapes, inner, structures, lists);
            }
            Kind::Texts => {
                lists.insert(ListOf::Text);
            }
            Kind::Text | Kind::Guid | Kind::Boolean | Kind::Int => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::wire::operations;

    #[test]
    fn every_reference_is_declared() {
        for service in operations::services() {
            let text = String::from_utf8(wsdl(
                service,
                &Shapes::default(),
                "urn:n",
                "http://127.0.0.1/x",
            ))
            .unwrap();
            let document = roxmltree::Document::parse(&text).unwrap();
            let names: BTreeSet<&str> = document
                .descendants()
                .filter_map(|node| node.attribute("name"))
                .collect();
            for node in document.descendants() {
                for attribute in ["type", "element", "message", "binding"] {
                    if let Some(local) = node
                        .attribute(attribute)
                        .and_then(|value| value.strip_prefix("tns:"))
                    {
                        assert!(
                            names.contains(local),
                            "{}: {local} is not declared",
                            service.name
                        );
                    }
                }
            }
            let posts = text.contains("HttpPost");
            assert_eq!(posts, service.forms);
        }
    }
}
