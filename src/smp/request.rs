//! Requests as data: which service, which method, which arguments, as SOAP 1.1 or as a form.
//!
//! Pure. Every parameter is sent, empty where it does not apply. Namespaces come from the profile; a read of an ASDK
//! service whose namespace is not known goes as a form, which needs none.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;

use super::effect::Effect;
use super::xml;
use crate::model::Guid;
use crate::profile::{Profile, ServiceName};

/// Why a request cannot be built. Code `SW0320`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The namespace of the service is not known.
    #[error("the server profile lacks `services.{0}`: the namespace of the service is not known")]
    Namespace(ServiceName),
    /// A value holds a character that XML cannot carry.
    #[error("expected a value for `{0}` that XML can carry, found a control character in it")]
    Control(String),
    /// A report parameter that the server would split.
    #[error("expected a report parameter without commas and quotes, found `{0}`")]
    Parameter(String),
    /// The profile does not know enough.
    #[error(transparent)]
    Profile(#[from] crate::profile::Missing),
}

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SOAP 1.1.
    Soap,
    /// A form post.
    Form,
    /// A plain GET, for a service description.
    Get,
}

/// A request that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The service it goes to.
    pub service: ServiceName,
    /// The method, as the WSDL spells it; empty for a service description.
    pub method: &'static str,
    /// How it travels.
    pub protocol: Protocol,
    /// Whether it can change anything.
    pub effect: Effect,
    /// The path below `https://<smp>/Altiris/`, with a query.
    pub path: String,
    /// The `SOAPAction` header, in quotes.
    pub soap_action: Option<String>,
    /// The body.
    pub body: Bytes,
    /// What logs call it, here and on the way: `RUN/NUMBER`; given when it is sent.
    pub id: String,
}

impl Request {
    /// The `Content-Type` header.
    #[must_use]
    pub fn content_type(&self) -> Option<&'static str> {
        match self.protocol {
            Protocol::Soap => Some("text/xml; charset=utf-8"),
            Protocol::Form => Some("application/x-www-form-urlencoded"),
            Protocol::Get => None,
        }
    }

    /// The request for a service's WSDL.
    #[must_use]
    pub fn wsdl(service: ServiceName) -> Self {
        Self {
            service,
            method: "",
            protocol: Protocol::Get,
            effect: Effect::Reads,
            path: format!("{}?WSDL", service.path()),
            soap_action: None,
            body: Bytes::new(),
            id: String::new(),
        }
    }
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    /// Text.
    Text(String),
    /// A list of GUIDs: elements called `guid`.
    Guids(Vec<Guid>),
    /// XML that is escaped already, for structures; SOAP only.
    Xml(String),
    /// A structure that came from the server, with the attributes of its element; SOAP only.
    Structure {
        /// Attributes, beginning with a blank, or nothing.
        attributes: String,
        /// What is inside.
        inner: String,
    },
}

impl From<Guid> for Argument {
    fn from(guid: Guid) -> Self {
        Self::Text(guid.to_string())
    }
}
impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<bool> for Argument {
    fn from(value: bool) -> Self {
        Self::Text(if value { "true" } else { "false" }.to_owned())
    }
}

/// A call: a method with all of its parameters, in the order of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MethodCall {
    pub(crate) service: ServiceName,
    pub(crate) method: &'static str,
    pub(crate) arguments: Vec<(Cow<'static, str>, Argument)>,
}

impl MethodCall {
    pub(crate) fn new(
        service: ServiceName,
        method: &'static str,
        arguments: Vec<(&'static str, Argument)>,
    ) -> Self {
        Self {
            service,
            method,
            arguments: arguments
                .into_iter()
                .map(|(name, argument)| (name.into(), argument))
                .collect(),
        }
    }

    fn effect(&self) -> Effect {
        Effect::of(self.service, self.method, || {
            match self.arguments.as_slice() {
                [(_, Argument::Text(only))] => Some(only.clone()),
                _ => None,
            }
        })
    }

    /// Builds the request of a read: SOAP where the namespace is known, else a form where the service takes one.
    pub(crate) fn read(&self, profile: &Profile) -> Result<Request, RequestError> {
        if profile.namespace(self.service).is_none() && self.service.takes_forms() {
            return self.form();
        }
        self.soap(profile)
    }

    /// Builds a SOAP 1.1 request, which is what every write travels as: its errors say more.
    pub(crate) fn soap(&self, profile: &Profile) -> Result<Request, RequestError> {
        let namespace = profile
            .namespace(self.service)
            .ok_or(RequestError::Namespace(self.service))?;
        let escaped_namespace = xml::escape(namespace)
            .ok_or_else(|| RequestError::Control(format!("services.{}", self.service)))?;
        let mut body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soap:Body>\
             <{} xmlns=\"{escaped_namespace}\">",
            self.method
        );
        for (name, argument) in &self.arguments {
            match argument {
                Argument::Structure { attributes, .. } => {
                    // The element itself belongs to the service, whatever namespace its content is in.
                    let _ = write!(
                        body,
                        "<call:{name} xmlns:call=\"{escaped_namespace}\"{attributes}>"
                    );
                }
                Argument::Text(_) | Argument::Guids(_) | Argument::Xml(_) => {
                    let _ = write!(body, "<{name}>");
                }
            }
            match argument {
                Argument::Text(text) => body.push_str(
                    &xml::escape(text).ok_or_else(|| RequestError::Control(name.to_string()))?,
                ),
                Argument::Guids(guids) => {
                    for guid in guids {
                        let _ = write!(body, "<guid>{guid}</guid>");
                    }
                }
                Argument::Xml(xml) => body.push_str(xml),
                Argument::Structure { inner, .. } => {
                    let _ = write!(body, "{inner}</call:{name}>");
                    continue;
                }
            }
            let _ = write!(body, "</{name}>");
        }
        let _ = write!(body, "</{}></soap:Body></soap:Envelope>", self.method);
        // The namespace and the method are joined by one slash, whether or not the namespace ends with one.
        let joint = if namespace.ends_with('/') { "" } else { "/" };
        Ok(Request {
            service: self.service,
            method: self.method,
            protocol: Protocol::Soap,
            effect: self.effect(),
            path: self.service.path().to_owned(),
            soap_action: Some(format!("\"{namespace}{joint}{}\"", self.method)),
            body: body.into(),
            id: String::new(),
        })
    }

    /// Builds a form post.
    pub(crate) fn form(&self) -> Result<Request, RequestError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, argument) in &self.arguments {
            match argument {
                Argument::Text(text) => {
                    form.append_pair(name, text);
                }
                Argument::Guids(guids) => {
                    for guid in guids {
                        form.append_pair(name, &guid.to_string());
                    }
                }
                Argument::Xml(_) | Argument::Structure { .. } => {
                    return Err(RequestError::Namespace(self.service));
                }
            }
        }
        Ok(Request {
            service: self.service,
            method: self.method,
            protocol: Protocol::Form,
            effect: self.effect(),
            path: format!("{}/{}", self.service.path(), self.method),
            soap_action: None,
            body: form.finish().into(),
            id: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{report_management, software_package, testing};
    use super::*;

    #[test]
    fn a_read_goes_as_a_form_where_the_namespace_is_not_known() {
        let mut profile = testing::profile();
        let call = software_package::get_package(Guid::from_u128(10));
        assert_eq!(call.read(&profile).unwrap().protocol, Protocol::Soap);
        profile.services.clear();
        let request = call.read(&profile).unwrap();
        assert_eq!(
            request.path,
            "ASDK.SMF/SoftwarePackageManagementService.asmx/GetPackage"
        );
        assert_eq!(
            request.body,
            "packageGuid=00000000-0000-0000-0000-00000000000a"
        );
        assert_eq!(
            request.content_type(),
            Some("application/x-www-form-urlencoded")
        );
        let call = super::super::resource_model::get_resource(Guid::NIL);
        assert_eq!(
            call.read(&profile),
            Err(RequestError::Namespace(ServiceName::ResourceModel))
        );
    }

    #[test]
    fn report_parameters_cannot_be_split() {
        let profile = testing::profile();
        let run = |value: &str| {
            let parameters = [("type".to_owned(), value.to_owned())];
            report_management::run_report_with_parameters(Guid::NIL, &parameters, &profile)
        };
        assert!(run("abc").is_ok());
        for value in ["a,b", "a'b", "a=b", "%a%"] {
            assert!(run(value).is_err(), "{value}");
        }
    }
}
