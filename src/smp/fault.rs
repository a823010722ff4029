//! What the server says when it refuses: SOAP faults, plain-text and HTML pages with status 500, statuses of IIS.
//!
//! Pure.

use std::fmt;

use super::xml::{Token, Xml};

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The account may not do this (`ASDKInsufficientPermissionException`, status 403).
    Permission,
    /// A licence or a product is missing (`ASDKInvalidLicenseException`, `ASDKNoProductExistsException`).
    Licence,
    /// The object does not exist (`ASDKDoesNotExistException`).
    DoesNotExist,
    /// The object is of another type (`ASDKInvalidTypeException`).
    InvalidType,
    /// An argument is refused (`ASDKInvalidParameterException`).
    InvalidParameter,
    /// The server failed inside (`ASDKInternalException`).
    Internal,
    /// Another exception of the ASDK (`ASDKException`).
    Other,
    /// The service or the method is not there (status 404, or a `SOAPAction` that is not recognised).
    NoSuchService,
    /// The server or a gateway before it is not able to answer now (429, 502, 503, 504).
    Busy,
    /// A failure that does not say what it is, such as a generic page.
    Unexplained,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The HTTP status.
    pub status: u16,
    /// The exception's type as the server names it.
    pub exception: Option<String>,
    /// What it says, one line, cut after 500 characters.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind: _,
            status,
            exception,
            message,
        } = self;
        match exception {
            Some(exception) => write!(f, "the server refused with {exception} (status {status})")?,
            None => match status {
                403 => write!(
                    f,
                    "the server knows who calls and does not let them in (status 403)"
                )?,
                404 => write!(f, "the server has nothing at this address (status 404)")?,
                500 => write!(f, "the server failed inside (status 500)")?,
                _ => write!(f, "the server answered with status {status}")?,
            },
        }
        if message.is_empty() {
            Ok(())
        } else {
            write!(f, ": {message}")
        }
    }
}
impl std::error::Error for Fault {}

impl Fault {
    /// Whether trying again may help.
    #[must_use]
    pub fn transient(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Internal | FaultKind::Busy | FaultKind::Unexplained
        )
    }

    /// Understands a body that came with a status other than 200, or a SOAP fault that came with 200.
    #[must_use]
    pub fn read(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let soap = soap_fault(body);
        let (exception, message) = match &soap {
            Some(soap) => (
                soap.exception
                    .clone()
                    .or_else(|| exception_in(&soap.message)),
                soap.message.clone(),
            ),
            None => (exception_in(&text), plain(&text)),
        };
        let kind = exception
            .as_deref()
            .and_then(|exception| kind_of(exception, &message))
            .unwrap_or_else(|| by_status(status, &message));
        Self {
            kind,
            status,
            exception,
            message: one_line(&message),
        }
    }
}

fn kind_of(exception: &str, message: &str) -> Option<FaultKind> {
    let short = exception.rsplit('.').next().unwrap_or(exception);
    Some(match short {
        "ASDKInsufficientPermissionException" | "UnauthorizedAccessException" => {
            FaultKind::Permission
        }
        "ASDKInvalidLicenseException" | "ASDKNoProductExistsException" => FaultKind::Licence,
        "ASDKDoesNotExistException" => FaultKind::DoesNotExist,
        "ASDKInvalidTypeException" => FaultKind::InvalidType,
        "ASDKInvalidParameterException" => FaultKind::InvalidParameter,
        "ASDKInternalException" => FaultKind::Internal,
        "ASDKException" => FaultKind::Other,
        // What ASP.NET itself throws for a missing or malformed argument.
        "ArgumentException" | "ArgumentNullException" | "FormatException" => {
            FaultKind::InvalidParameter
        }
        "InvalidOperationException" if message.contains("Missing parameter") => {
            FaultKind::InvalidParameter
        }
        _ => return None,
    })
}

fn by_status(status: u16, message: &str) -> FaultKind {
    match status {
        403 => FaultKind::Permission,
        404 | 405 | 410 => FaultKind::NoSuchService,
        408 | 429 | 502..=504 => FaultKind::Busy,
        _ if message.contains("did not recognize the value of HTTP Header SOAPAction") => {
            FaultKind::NoSuchService
        }
        400..=499 => FaultKind::InvalidParameter,
        _ => FaultKind::Unexplained,
    }
}

struct SoapFault {
    exception: Option<String>,
    message: String,
}

/// Reads a SOAP 1.1 or 1.2 fault, where the body is one.
fn soap_fault(body: &[u8]) -> Option<SoapFault> {
    let mut xml = Xml::new(body);
    if xml.next().ok()? != Token::Start || !xml.name().eq_ignore_ascii_case("Envelope") {
        return None;
    }
    if !xml.seek("Fault").ok()? {
        return None;
    }
    let outside = xml.depth() - 1;
    let mut exception = None;
    let mut message = String::new();
    let mut content = String::new();
    // A fault that breaks off still says what was read of it.
    while let Ok(token) = xml.next() {
        match token {
            Token::Start => match xml.name().to_owned().as_str() {
                // The inner exception has a type of its own, which explains less.
                "exceptionType" if exception.is_none() => {
                    if xml.content(&mut content).is_err() {
                        break;
                    }
                    exception = Some(content.trim().to_owned()).filter(|text| !text.is_empty());
                }
                "faultstring" | "Text" => {
                    if xml.content(&mut content).is_err() {
                        break;
                    }
                    content.trim().clone_into(&mut message);
                }
                "stackTrace" | "innerException" if xml.skip().is_err() => break,
                _ => {}
            },
            Token::End if xml.depth() <= outside => break,
            Token::Done => break,
            Token::End | Token::Text => {}
        }
    }
    Some(SoapFault { exception, message })
}

/// Finds `Some.Name.SpaceException` in a text: the first that the ASDK defines, else the first.
fn exception_in(text: &str) -> Option<String> {
    let names = || {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
            .map(|word| word.trim_matches('.'))
            .filter(|word| word.ends_with("Exception") && word.len() > "Exception".len())
    };
    names()
        .find(|word| {
            word.rsplit('.')
                .next()
                .is_some_and(|w| w.starts_with("ASDK"))
        })
        .or_else(|| names().next())
        .map(ToOwned::to_owned)
}

/// The text of a plain-text or HTML page: the title of a page, else its first lines.
fn plain(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    if let Some(start) = lower.find("<title>") {
        let start = start + "<title>".len();
        if let Some(length) = lower[start..].find("</title>") {
            return text[start..start + length].trim().to_owned();
        }
    }
    if lower.trim_start().starts_with('<') {
        return String::new();
    }
    text.trim().to_owned()
}

fn one_line(text: &str) -> String {
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    first
        .chars()
        .filter(|c| !c.is_control())
        .take(500)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, kind: FaultKind, exception: Option<&str>, message: &str) {
        let fault = Fault::read(status, body.as_bytes());
        assert_eq!(fault.kind, kind, "{body}");
        assert_eq!(fault.exception.as_deref(), exception, "{body}");
        assert!(fault.message.contains(message), "{body}: {}", fault.message);
    }

    #[test]
    fn reads_soap_faults() {
        check(
            500,
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault><faultcode>s:Server</faultcode>\
             <faultstring>No item &lt;x&gt;</faultstring><detail><exceptionType>Altiris.ASDK.ASDKDoesNotExistException</exceptionType>\
             <stackTrace>at x</stackTrace><innerException><exceptionType>System.Exception</exceptionType></innerException></detail>\
             </s:Fault></s:Body></s:Envelope>",
            FaultKind::DoesNotExist,
            Some("Altiris.ASDK.ASDKDoesNotExistException"),
            "No item <x>",
        );
        check(
            500,
            "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body><e:Fault><e:Code><e:Value>e:Receiver</e:Value></e:Code>\
             <e:Reason><e:Text xml:lang='en'>Altiris.ASDK.ASDKInsufficientPermissionException: no</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>",
            FaultKind::Permission,
            Some("Altiris.ASDK.ASDKInsufficientPermissionException"),
            "no",
        );
        check(
            500,
            "<soap:Envelope xmlns:soap='x'><soap:Body><soap:Fault><faultstring>Server was unable to process request. ---&gt; boom</faultstring>\
             <detail /></soap:Fault></soap:Body></soap:Envelope>",
            FaultKind::Unexplained,
            None,
            "boom",
        );
        check(
            500,
            "<soap:Envelope xmlns:soap='x'><soap:Body><soap:Fault><detail><exceptionType>ASDKInternalException</exceptionType>",
            FaultKind::Internal,
            Some("ASDKInternalException"),
            "",
        );
    }

    #[test]
    fn reads_pages_and_statuses() {
        check(
            500,
            "System.InvalidOperationException: Missing parameter: itemGuid.\r\n   at System.Web",
            FaultKind::InvalidParameter,
            Some("System.InvalidOperationException"),
            "Missing parameter",
        );
        check(
            500,
            "<!DOCTYPE html><html><head><title>Runtime Error</title></head><body>x</body></html>",
            FaultKind::Unexplained,
            None,
            "Runtime Error",
        );
        check(500, "", FaultKind::Unexplained, None, "");
        check(503, "Service Unavailable", FaultKind::Busy, None, "Service");
        check(403, "", FaultKind::Permission, None, "");
        check(404, "<html></html>", FaultKind::NoSuchService, None, "");
        check(
            500,
            "Altiris.ASDK.ASDKInvalidLicenseException: none",
            FaultKind::Licence,
            Some("Altiris.ASDK.ASDKInvalidLicenseException"),
            "none",
        );
    }
}
