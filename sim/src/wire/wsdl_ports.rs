//! The second half of a WSDL: messages, port types, bindings and the service with its addresses.
//!
//! Pure; see `wsdl`.

use super::operations::{Operation, Service, Type};
use super::shapes::Shapes;
use super::wsdl::form_root;
use super::xml::Xml;

/// A kind of port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Soap,
    Soap12,
    Get,
    Post,
}

impl Port {
    /// The ending of the port's name; SOAP 1.1 and 1.2 share messages and port type.
    fn suffix(self) -> &'static str {
        match self {
            Self::Soap => "Soap",
            Self::Soap12 => "Soap12",
            Self::Get => "HttpGet",
            Self::Post => "HttpPost",
        }
    }

    fn port_type(self) -> &'static str {
        if self == Self::Soap12 {
            "Soap"
        } else {
            self.suffix()
        }
    }
}

/// Writes messages, port types, bindings and the service.
pub(super) fn write(xml: &mut Xml, service: &Service, shapes: &Shapes, namespace: &str, url: &str) {
    let ports: &[Port] = if service.forms {
        &[Port::Soap, Port::Soap12, Port::Get, Port::Post]
    } else {
        &[Port::Soap, Port::Soap12]
    };
    let types: Vec<Port> = ports
        .iter()
        .copied()
        .filter(|port| *port != Port::Soap12)
        .collect();
    for port in &types {
        for operation in &service.operations {
            message_pair(xml, *port, operation, shapes);
        }
    }
    for port in &types {
        xml.start_with(
            "wsdl:portType",
            &[("name", &format!("{}{}", service.name, port.suffix()))],
        );
        for operation in &service.operations {
            xml.start_with("wsdl:operation", &[("name", &operation.name)]);
            let base = format!("tns:{}{}", operation.name, port.suffix());
            xml.empty("wsdl:input", &[("message", &format!("{base}In"))]);
            xml.empty("wsdl:output", &[("message", &format!("{base}Out"))]);
            xml.end("wsdl:operation");
        }
        xml.end("wsdl:portType");
    }
    for port in ports {
        binding(xml, *port, service, namespace);
    }
    xml.start_with("wsdl:service", &[("name", service.name)]);
    for port in ports {
        let name = format!("{}{}", service.name, port.suffix());
        xml.start_with(
            "wsdl:port",
            &[("name", &name), ("binding", &format!("tns:{name}"))],
        );
        let address = match port {
            Port::Soap => "soap:address",
            Port::Soap12 => "soap12:address",
            Port::Get | Port::Post => "http:address",
        };
        xml.empty(address, &[("location", url)]);
        xml.end("wsdl:port");
    }
    xml.end("wsdl:service");
}

fn message_pair(xml: &mut Xml, port: Port, operation: &Operation, shapes: &Shapes) {
    let base = format!("{}{}", operation.name, port.suffix());
    xml.start_with("wsdl:message", &[("name", &format!("{base}In"))]);
    if port == Port::Soap {
        xml.empty(
            "wsdl:part",
            &[
                ("name", "parameters"),
                ("element", &format!("tns:{}", operation.name)),
            ],
        );
    } else {
        // A form carries text, whatever the type behind it.
        for parameter in &operation.parameters {
            xml.empty(
                "wsdl:part",
                &[("name", parameter.name), ("type", "s:string")],
            );
        }
    }
    xml.end("wsdl:message");
    xml.start_with("wsdl:message", &[("name", &format!("{base}Out"))]);
    if port == Port::Soap {
        xml.empty(
            "wsdl:part",
            &[
                ("name", "parameters"),
                ("element", &format!("tns:{}Response", operation.name)),
            ],
        );
    } else if let Some(root) = form_root(shapes, operation.result) {
        xml.empty(
            "wsdl:part",
            &[("name", "Body"), ("element", &format!("tns:{root}"))],
        );
    } else if operation.result == Type::Table {
        xml.empty(
            "wsdl:part",
            &[("name", "Body"), ("element", "tns:NewDataSet")],
        );
    }
    xml.end("wsdl:message");
}

fn binding(xml: &mut Xml, port: Port, service: &Service, namespace: &str) {
    let name = format!("{}{}", service.name, port.suffix());
    let port_type = format!("tns:{}{}", service.name, port.port_type());
    xml.start_with("wsdl:binding", &[("name", &name), ("type", &port_type)]);
    let soap = if port == Port::Soap12 {
        "soap12"
    } else {
        "soap"
    };
    match port {
        Port::Soap | Port::Soap12 => {
            xml.empty(
                &format!("{soap}:binding"),
                &[("transport", "http://schemas.xmlsoap.org/soap/http")],
            );
        }
        Port::Get => xml.empty("http:binding", &[("verb", "GET")]),
        Port::Post => xml.empty("http:binding", &[("verb", "POST")]),
    }
    for operation in &service.operations {
        xml.start_with("wsdl:operation", &[("name", &operation.name)]);
        match port {
            Port::Soap | Port::Soap12 => soap_operation(xml, soap, namespace, operation),
            Port::Get | Port::Post => form_operation(xml, port, operation),
        }
        xml.end("wsdl:operation");
    }
    xml.end("wsdl:binding");
}

/// The `SOAPAction` is `<namespace>/<Method>`.
fn soap_operation(xml: &mut Xml, soap: &str, namespace: &str, operation: &Operation) {
    let action = format!("{namespace}/{}", operation.name);
    xml.empty(
        &format!("{soap}:operation"),
        &[("soapAction", &action), ("style", "document")],
    );
    for direction in ["wsdl:input", "wsdl:output"] {
        xml.start(direction);
        xml.empty(&format!("{soap}:body"), &[("use", "literal")]);
        xml.end(direction);
    }
}

fn form_operation(xml: &mut Xml, port: Port, operation: &Operation) {
    xml.empty(
        "http:operation",
        &[("location", &format!("/{}", operation.name))],
    );
    xml.start("wsdl:input");
    if port == Port::Get {
        xml.empty("http:urlEncoded", &[]);
    } else {
        xml.empty(
            "mime:content",
            &[("type", "application/x-www-form-urlencoded")],
        );
    }
    xml.end("wsdl:input");
    xml.start("wsdl:output");
    match operation.result {
        Type::Void => {}
        _ => xml.empty("mime:mimeXml", &[("part", "Body")]),
    }
    xml.end("wsdl:output");
}
