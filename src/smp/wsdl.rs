//! Reads a service description: its namespace, its operations, and the fields of its structures with their types.
//!
//! Pure. Only what discovery needs; unknown parts of a WSDL are passed over.

use std::collections::{BTreeMap, BTreeSet};

use super::xml::{self, AnswerError};

/// One field of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its element name.
    pub(crate) name: String,
    /// The local name of its type; empty where it is declared in place.
    pub(crate) kind: String,
}

/// What a WSDL says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wsdl {
    /// Its `targetNamespace`.
    pub(crate) namespace: String,
    /// Names of its operations.
    pub(crate) operations: BTreeSet<String>,
    /// Fields of each top-level element, such as `GetResourceResponse`.
    elements: BTreeMap<String, Vec<Field>>,
    /// Fields of each complex type, inherited ones first.
    types: BTreeMap<String, Vec<Field>>,
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn is(node: roxmltree::Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The fields below a node, and the types that it extends.
fn fields(node: roxmltree::Node<'_, '_>, into: &mut Vec<Field>, bases: &mut Vec<String>) {
    for child in node.children().filter(roxmltree::Node::is_element) {
        match child.tag_name().name() {
            "element" => {
                let name = child
                    .attribute("name")
                    .or_else(|| child.attribute("ref").map(local))
                    .unwrap_or_default();
                into.push(Field {
                    name: name.to_owned(),
                    kind: local(child.attribute("type").unwrap_or_default()).to_owned(),
                });
            }
            "extension" => {
                bases.push(local(child.attribute("base").unwrap_or_default()).to_owned());
                fields(child, into, bases);
            }
            "annotation" | "attribute" => {}
            _ => fields(child, into, bases),
        }
    }
}

impl Wsdl {
    /// Reads a WSDL.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, AnswerError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| AnswerError::shape("UTF-8", error.to_string()))?
            .trim_start_matches('\u{feff}');
        let document = xml::tree(text)?;
        let root = document.root_element();
        if root.tag_name().name() != "definitions" {
            return Err(AnswerError::shape(
                "a service description",
                format!("`{}`", root.tag_name().name()),
            ));
        }
        let mut wsdl = Self {
            namespace: root
                .attribute("targetNamespace")
                .unwrap_or_default()
                .to_owned(),
            ..Self::default()
        };
        let mut own: BTreeMap<String, (Vec<Field>, Vec<String>)> = BTreeMap::new();
        for node in document.descendants() {
            let name = node.attribute("name").unwrap_or_default();
            if is(node, "operation") && !name.is_empty() {
                wsdl.operations.insert(name.to_owned());
            }
            let top = node.parent().is_some_and(|parent| is(parent, "schema"));
            if !top || name.is_empty() {
                continue;
            }
            let (mut found, mut bases) = (Vec::new(), Vec::new());
            fields(node, &mut found, &mut bases);
            if is(node, "element") {
                if found.is_empty()
                    && let Some(kind) = node.attribute("type")
                {
                    bases.push(local(kind).to_owned());
                }
                own.insert(format!("element {name}"), (found, bases));
            } else if is(node, "complexType") {
                own.insert(name.to_owned(), (found, bases));
            }
        }
        for (name, (found, bases)) in &own {
            let mut all = Vec::new();
            let mut queue: Vec<&String> = bases.iter().collect();
            // A type that extends itself would go round for ever.
            let mut seen = BTreeSet::new();
            while let Some(base) = queue.pop() {
                if let (true, Some((fields, more))) = (seen.insert(base), own.get(base)) {
                    all.extend(fields.iter().cloned());
                    queue.extend(more);
                }
            }
            all.extend(found.iter().cloned());
            match name.strip_prefix("element ") {
                Some(element) => wsdl.elements.insert(element.to_owned(), all),
                None => wsdl.types.insert(name.clone(), all),
            };
        }
        Ok(wsdl)
    }

    /// Everything that was read, one line a thing and sorted: what a digest is made of.
    pub(crate) fn canonical(&self) -> String {
        let mut lines = vec![format!("namespace {}", self.namespace)];
        lines.extend(
            self.operations
                .iter()
                .map(|name| format!("operation {name}")),
        );
        for (what, all) in [("element", &self.elements), ("type", &self.types)] {
            for (name, fields) in all {
                let mut fields: Vec<String> = fields
                    .iter()
                    .map(|field| format!("{}:{}", field.name, field.kind))
                    .collect();
                fields.sort_unstable();
                lines.push(format!("{what} {name} {}", fields.join(" ")));
            }
        }
        lines.join("\n")
    }

    /// Parameters of an operation, in order.
    pub(crate) fn parameters(&self, operation: &str) -> &[Field] {
        self.elements.get(operation).map_or(&[], Vec::as_slice)
    }

    /// The structure that an operation returns, or whose list it returns: its name and its fields.
    pub(crate) fn returned(&self, operation: &str) -> Option<(&str, &[Field])> {
        let result = self
            .elements
            .get(&format!("{operation}Response"))?
            .first()?;
        let (name, fields) = self.types.get_key_value(&result.kind)?;
        match fields.as_slice() {
            // `ArrayOfX` has one field, whose type is `X`.
            [item] if self.types.contains_key(&item.kind) => self
                .types
                .get_key_value(&item.kind)
                .map(|(name, fields)| (name.as_str(), fields.as_slice())),
            fields => Some((name.as_str(), fields)),
        }
    }
}

/// The version that a set of operations proves at least.
pub(crate) fn version(operations: &BTreeSet<String>) -> Option<&'static str> {
    [
        ("SaveOrCreateResource", "8.5 RU4"),
        ("CreateClientJob", "8.5 RU3"),
        ("GetDataClassRows", "8.5 RU2"),
        ("PushPolicy", "8.5"),
        ("InvalidateTargetMembership", "8.1"),
        ("ItemExists", "8.0"),
    ]
    .into_iter()
    .find(|(operation, _)| operations.contains(*operation))
    .map(|(_, version)| version)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const WSDL: &str = "<w:definitions xmlns:w='http://schemas.xmlsoap.org/wsdl/' xmlns:tns='urn:x' xmlns:x='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:x'>\
        <w:types><x:schema><x:element name='GetAll'><x:complexType><x:sequence><x:element name='first' type='x:string'/><x:element name='second' type='x:string'/></x:sequence></x:complexType></x:element>\
        <x:element name='GetAllResponse'><x:complexType><x:sequence><x:element name='GetAllResult' type='tns:ArrayOfThing'/></x:sequence></x:complexType></x:element>\
        <x:element name='GetResponse'><x:complexType><x:sequence><x:element name='GetResult' type='tns:Thing'/></x:sequence></x:complexType></x:element>\
        <x:complexType name='ArrayOfThing'><x:sequence><x:element name='Thing' nillable='true' type='tns:Thing'/></x:sequence></x:complexType>\
        <x:complexType name='Thing'><x:complexContent><x:extension base='tns:Base'><x:sequence><x:element name='Name' type='x:string'/></x:sequence></x:extension></x:complexContent></x:complexType>\
        <x:complexType name='Base'><x:sequence><x:element name='Id' type='g:guid'/><x:element name='Kind' type='g:guid'/></x:sequence></x:complexType>\
        </x:schema></w:types><w:portType name='p'><w:operation name='GetAll'/><w:operation name='ItemExists'/></w:portType></w:definitions>";

    #[test]
    fn reads_operations_and_structures() {
        let wsdl = Wsdl::read(WSDL.as_bytes()).unwrap();
        assert_eq!(wsdl.namespace, "urn:x");
        assert_eq!(version(&wsdl.operations), Some("8.0"));
        assert_eq!(wsdl.parameters("GetAll")[1].name, "second");
        for operation in ["GetAll", "Get"] {
            let (name, fields) = wsdl.returned(operation).unwrap();
            assert_eq!(name, "Thing");
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{}:{}", field.name, field.kind))
                .collect();
            assert_eq!(fields, ["Id:guid", "Kind:guid", "Name:string"]);
        }
        assert!(wsdl.returned("Nothing").is_none());
        for wrong in ["<html/>", "", "<!DOCTYPE x><definitions/>"] {
            assert!(Wsdl::read(wrong.as_bytes()).is_err());
        }
    }
}
