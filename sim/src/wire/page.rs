//! The page that a service shows to a browser on a plain GET, and the pages of custom errors.
//!
//! Pure.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::operations::Service;

/// The list of a service's operations.
#[must_use]
pub fn service(service: &Service) -> String {
    let mut list = String::new();
    for operation in &service.operations {
        // Writing into a string cannot fail.
        let _ = write!(list, "<li><a href=\"?op={0}\">{0}</a></li>", operation.name);
    }
    format!(
        "<!DOCTYPE html><html><head><title>{0} Web Service</title></head><body><h1>{0}</h1>\
         <p>The following operations are supported. For a formal definition, please review the \
         <a href=\"?WSDL\">Service Description</a>.</p><ul>{list}</ul></body></html>",
        service.name
    )
}

/// The page of one operation.
#[must_use]
pub fn operation(service: &Service, name: &str) -> Option<String> {
    let operation = service
        .operations
        .iter()
        .find(|operation| operation.name.eq_ignore_ascii_case(name))?;
    let parameters: Vec<&str> = operation
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect();
    let forms = if service.forms {
        "SOAP 1.1, SOAP 1.2, HTTP GET, HTTP POST"
    } else {
        "SOAP 1.1, SOAP 1.2"
    };
    Some(format!(
        "<!DOCTYPE html><html><head><title>{0} Web Service</title></head><body><h1>{0}</h1>\
         <h2>{1}</h2><p>{1}({2})</p><p>{forms}</p></body></html>",
        service.name,
        operation.name,
        escape(parameters.join(", "))
    ))
}

/// What a server with custom errors shows instead of the message.
#[must_use]
pub fn custom_error() -> String {
    "<!DOCTYPE html><html><head><title>Runtime Error</title></head><body><h1>Server Error in '/Altiris' Application.</h1>\
     <h2><i>Runtime Error</i></h2><p>An application error occurred on the server. The current custom error settings for \
     this application prevent the details of the application error from being viewed remotely.</p></body></html>"
        .to_owned()
}
