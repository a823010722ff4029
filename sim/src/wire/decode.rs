//! Reads calls: SOAP 1.1, SOAP 1.2, form POST and GET, with every parameter checked.
//!
//! Pure. Stricter than ASP.NET in one respect, on purpose: a missing parameter is an error over SOAP too (ASP.NET
//! would hand the service a null), so that a client that forgets one is found out. Order does not matter; unknown
//! parameters are passed over.

use url::form_urlencoded;

use super::fault::{ExceptionType, Fault};
use super::operations::{Operation, Parameter, Service, Type};
use super::tree::Node;
use super::xml::{SOAP11, SOAP12};

/// How a call came in, and so how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SOAP 1.1.
    Soap11,
    /// SOAP 1.2.
    Soap12,
    /// POST of a form.
    Form,
    /// GET with a query.
    Get,
}

impl Protocol {
    /// The name in the request log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Soap11 => "soap11",
            Self::Soap12 => "soap12",
            Self::Form => "form",
            Self::Get => "get",
        }
    }
}

/// The empty GUID.
pub const EMPTY_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A GUID in lower case with dashes; the empty GUID where nothing was sent.
    Guid(String),
    /// A truth value.
    Boolean(bool),
    /// A number.
    Int(i64),
    /// GUIDs.
    Guids(Vec<String>),
    /// Texts.
    Texts(Vec<String>),
    /// A structure.
    One(Node),
    /// A list of structures.
    Many(Vec<Node>),
}

/// A decoded call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service.
    pub service: &'static Service,
    /// The operation.
    pub operation: &'static Operation,
    /// How it came in.
    pub protocol: Protocol,
    /// The values, in the order of the operation's parameters.
    pub values: Vec<(&'static str, Value)>,
}

impl Call {
    fn value(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The text of a parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Some(Value::Text(text) | Value::Guid(text)) => text,
            _ => "",
        }
    }

    /// A truth value.
    #[must_use]
    pub fn boolean(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Boolean(true)))
    }

    /// A number.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        if let Some(Value::Int(value)) = self.value(name) {
            *value
        } else {
            0
        }
    }

    /// A list of GUIDs.
    #[must_use]
    pub fn guids(&self, name: &str) -> &[String] {
        if let Some(Value::Guids(guids)) = self.value(name) {
            guids
        } else {
            &[]
        }
    }

    /// A structure.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&Node> {
        if let Some(Value::One(node)) = self.value(name) {
            Some(node)
        } else {
            None
        }
    }

    /// A list of structures.
    #[must_use]
    pub fn many(&self, name: &str) -> &[Node] {
        if let Some(Value::Many(nodes)) = self.value(name) {
            nodes
        } else {
            &[]
        }
    }
}

/// Reads a form or GET call. `pairs` is the undecoded query or form.
pub fn form(
    service: &'static Service,
    protocol: Protocol,
    method: &str,
    pairs: &[u8],
) -> Result<Call, Fault> {
    let operation = service.operation(method).ok_or_else(|| {
        Fault::request(format!(
            "Unknown web method {method}.\r\nParameter name: methodName"
        ))
    })?;
    if !service.forms
        || operation
            .parameters
            .iter()
            .any(|parameter| !parameter.kind.is_simple())
    {
        return Err(Fault::request(format!(
            "Request format is unrecognized for URL unexpectedly ending in '/{method}'."
        )));
    }
    let sent: Vec<(String, String)> = form_urlencoded::parse(pairs)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut values = Vec::with_capacity(operation.parameters.len());
    for parameter in &operation.parameters {
        // ASP.NET's collection of form values ignores the case of its keys.
        let text = sent
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(parameter.name))
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| missing(parameter))?;
        values.push((parameter.name, simple(parameter, text)?));
    }
    Ok(Call {
        service,
        operation,
        protocol,
        values,
    })
}

fn missing(parameter: &Parameter) -> Fault {
    Fault::request(format!("Missing parameter: {}.", parameter.name))
}

/// Reads a value that stands in one piece of text.
fn simple(parameter: &Parameter, text: &str) -> Result<Value, Fault> {
    let wrong = |what: &str| {
        Fault::request(format!(
            "Cannot convert {text} to {what}.\r\nParameter name: {}",
            parameter.name
        ))
    };
    match parameter.kind {
        Type::GuidText if text.trim().is_empty() => Ok(Value::Guid(EMPTY_GUID.to_owned())),
        Type::GuidText => guid_text(text).map(Value::Guid).ok_or_else(|| {
            Fault::new(
                ExceptionType::InvalidParameter,
                format!(
                    "`{text}` in parameter {}: Guid should contain 32 digits with 4 dashes \
                     (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).",
                    parameter.name
                ),
            )
        }),
        Type::Guid => typed_guid(text)
            .map(Value::Guid)
            .ok_or_else(|| wrong("System.Guid")),
        Type::Boolean => match text.trim() {
            "true" | "True" | "1" => Ok(Value::Boolean(true)),
            "false" | "False" | "0" => Ok(Value::Boolean(false)),
            _ => Err(wrong("System.Boolean")),
        },
        Type::Int => text
            .trim()
            .parse::<i32>()
            .map(|number| Value::Int(number.into()))
            .map_err(|_| wrong("System.Int32")),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// Reads a GUID the way .NET's `new Guid(string)` does: braces, parentheses, no dashes, any case.
#[must_use]
pub fn guid_text(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| {
            text.strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
        })
        .unwrap_or(text);
    if inner.len() == 32 && inner.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let part = |from: usize, to: usize| inner.get(from..to).unwrap_or_default();
        return Some(
            [
                part(0, 8),
                part(8, 12),
                part(12, 16),
                part(16, 20),
                part(20, 32),
            ]
            .join("-")
            .to_ascii_lowercase(),
        );
    }
    typed_guid(inner)
}

/// Reads a typed GUID: 8-4-4-4-12 digits.
fn typed_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let good = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    good.then(|| text.to_ascii_lowercase())
}

/// Reads a SOAP call. `action` is the `SOAPAction` header (1.1) or the `action` of the content type (1.2), unquoted.
pub fn soap(
    service: &'static Service,
    namespace: &str,
    protocol: Protocol,
    action: Option<&str>,
    body: &[u8],
) -> Result<Call, Fault> {
    let unreadable =
        |why: &str| Fault::request("Server was unable to read request.").because(why.to_owned());
    let text = std::str::from_utf8(body).map_err(|_| unreadable("the body is not UTF-8"))?;
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}'))
        .map_err(|error| unreadable(&format!("There is an error in XML document: {error}")))?;
    let envelope = document.root_element();
    let expected = if protocol == Protocol::Soap12 {
        SOAP12
    } else {
        SOAP11
    };
    if envelope.tag_name().name() != "Envelope" || envelope.tag_name().namespace() != Some(expected)
    {
        return Err(Fault::request(
            "Possible SOAP version mismatch: the namespace of the envelope does not fit the content type.",
        ));
    }
    let element = envelope
        .children()
        .find(|child| {
            child.is_element()
                && child.tag_name().name() == "Body"
                && child.tag_name().namespace() == Some(expected)
        })
        .and_then(|body| body.children().find(roxmltree::Node::is_element))
        .ok_or_else(|| unreadable("the envelope has no body, or an empty one"))?;
    let unknown_action = |action: &str| {
        Fault::request(format!(
            "Server did not recognize the value of HTTP Header SOAPAction: {action}."
        ))
    };
    let method = match action {
        Some(action) => action
            .strip_prefix(namespace)
            .map(|rest| rest.strip_prefix('/').unwrap_or(rest))
            .ok_or_else(|| unknown_action(action))?,
        None if protocol == Protocol::Soap11 => return Err(unknown_action("")),
        None => element.tag_name().name(),
    };
    let operation = service
        .operation(method)
        .ok_or_else(|| unknown_action(action.unwrap_or(method)))?;
    if element.tag_name().name() != operation.name
        || element.tag_name().namespace() != Some(namespace)
    {
        return Err(unreadable(&format!(
            "expected <{} xmlns='{namespace}'>, found <{} xmlns='{}'>",
            operation.name,
            element.tag_name().name(),
            element.tag_name().namespace().unwrap_or_default()
        )));
    }
    let call = Node::copy(element).ok_or_else(|| unreadable("the structure is nested too deep"))?;
    if let Some(foreign) = call.foreign(namespace) {
        return Err(unreadable(&format!(
            "<{} xmlns='{}'> was not expected: it is outside the namespace '{namespace}'",
            foreign.name, foreign.namespace
        )));
    }
    let mut values = Vec::with_capacity(operation.parameters.len());
    for parameter in &operation.parameters {
        values.push((parameter.name, parameter_value(parameter, &call)?));
    }
    Ok(Call {
        service,
        operation,
        protocol,
        values,
    })
}

fn parameter_value(parameter: &Parameter, call: &Node) -> Result<Value, Fault> {
    let node = call.child(parameter.name);
    let children = || node.map_or(&[][..], |node| node.children.as_slice());
    match parameter.kind {
        // An empty list and an absent one are the same to the serialiser.
        Type::Guids => children()
            .iter()
            .map(|child| {
                typed_guid(&child.text).ok_or_else(|| {
                    Fault::request("Server was unable to read request.")
                        .because(format!("`{}` in {} is no Guid", child.text, parameter.name))
                })
            })
            .collect::<Result<_, _>>()
            .map(Value::Guids),
        Type::Texts => Ok(Value::Texts(
            children().iter().map(|child| child.text.clone()).collect(),
        )),
        Type::Many(_) => Ok(Value::Many(children().to_vec())),
        Type::One(_) => match node {
            Some(node) if !node.nil => Ok(Value::One(node.clone())),
            _ => Err(missing(parameter)),
        },
        _ => {
            let node = node.ok_or_else(|| missing(parameter))?;
            if !node.children.is_empty() {
                return Err(
                    Fault::request("Server was unable to read request.").because(format!(
                        "<{}> holds elements where text is expected",
                        parameter.name
                    )),
                );
            }
            simple(parameter, &node.text)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::wire::operations::{self, ServiceId};

    const NS: &str = "urn:n";
    const GUID: &str = "493435f7-3b17-4c4c-b07f-c23e7ab7781f";

    fn items() -> &'static Service {
        operations::service(ServiceId::ItemManagement).unwrap()
    }

    fn model() -> &'static Service {
        operations::service(ServiceId::ResourceModel).unwrap()
    }

    fn envelope(inner: &str) -> String {
        format!("<s:Envelope xmlns:s='{SOAP11}'><s:Body>{inner}</s:Body></s:Envelope>")
    }

    #[test]
    fn forms_need_every_parameter_and_exact_method_names() {
        let read =
            |method: &str, pairs: &str| form(items(), Protocol::Form, method, pairs.as_bytes());
        let call = read(
            "ItemExists",
            &format!("itemguid=%7B{}%7D", GUID.to_uppercase()),
        )
        .unwrap();
        assert_eq!(call.text("itemGuid"), GUID);
        let message = |method, pairs| read(method, pairs).unwrap_err().plain_text();
        assert_eq!(
            message("ItemExists", ""),
            "System.InvalidOperationException : Missing parameter: itemGuid.\r\n"
        );
        assert!(message("itemexists", "itemGuid=").contains("Unknown web method itemexists"));
        assert!(message("ItemExists", "itemGuid=zzz").contains("32 digits"));
        assert!(message("ItemExistsX", "itemGuid=").contains("System.Guid"));
        assert_eq!(
            read("ItemExists", "itemGuid=").unwrap().text("itemGuid"),
            EMPTY_GUID
        );
        assert!(form(model(), Protocol::Get, "GetResourceStructureList", b"").is_err());
    }

    #[test]
    fn soap_takes_prefixes_any_order_and_lists() {
        let body = envelope(&format!(
            "<q:FormAssociation xmlns:q='{NS}'><q:relationshipChildGUIDs><q:guid>{GUID}</q:guid></q:relationshipChildGUIDs>\
             <q:relationshipParentGUID>{GUID}</q:relationshipParentGUID>\
             <q:relationshipTypeGUID>{GUID}</q:relationshipTypeGUID></q:FormAssociation>"
        ));
        let call = soap(
            model(),
            NS,
            Protocol::Soap11,
            Some("urn:n/FormAssociation"),
            body.as_bytes(),
        )
        .unwrap();
        assert_eq!(call.guids("relationshipChildGUIDs"), [GUID]);
    }

    #[test]
    fn soap_refuses_what_does_not_fit() {
        let read = |action: Option<&str>, inner: &str| {
            soap(
                items(),
                NS,
                Protocol::Soap11,
                action,
                envelope(inner).as_bytes(),
            )
            .unwrap_err()
            .to_string()
        };
        let good = format!("<ItemExists xmlns='{NS}'><itemGuid>{GUID}</itemGuid></ItemExists>");
        assert!(read(None, &good).contains("SOAPAction"));
        assert!(read(Some("urn:other/ItemExists"), &good).contains("SOAPAction"));
        assert!(read(Some("urn:n/ItemExists"), "<ItemExists/>").contains("unable to read"));
        let call = format!("<ItemExists xmlns='{NS}'/>");
        assert!(read(Some("urn:n/ItemExists"), &call).contains("Missing parameter: itemGuid"));
        let foreign =
            format!("<ItemExists xmlns='{NS}'><itemGuid xmlns=''>{GUID}</itemGuid></ItemExists>");
        assert!(read(Some("urn:n/ItemExists"), &foreign).contains("unable to read"));
        let twelve = soap(
            items(),
            NS,
            Protocol::Soap12,
            None,
            envelope(&good).as_bytes(),
        );
        assert!(twelve.unwrap_err().to_string().contains("version mismatch"));
        let bomb = format!("<!DOCTYPE a [<!ENTITY b 'c'>]>{}", envelope(&good));
        assert!(
            soap(
                items(),
                NS,
                Protocol::Soap11,
                Some("urn:n/ItemExists"),
                bomb.as_bytes()
            )
            .is_err()
        );
    }
}
