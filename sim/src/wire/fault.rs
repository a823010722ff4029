//! What goes wrong in a call, in the types that the ASDK documents.
//!
//! Pure. A [`Fault`] becomes a SOAP fault with a detail or a plain-text 500, see `encode`.

use std::fmt;

/// The documented exception types, and the two that the framework itself raises before a service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceptionType {
    /// The product of the operation is not installed.
    NoProductExists,
    /// No licence.
    InvalidLicense,
    /// The account may not.
    InsufficientPermission,
    /// The thing named does not exist.
    DoesNotExist,
    /// The thing is of another type.
    InvalidType,
    /// A parameter is wrong.
    InvalidParameter,
    /// The server's own mistake.
    Internal,
    /// Anything else.
    Other,
    /// The request cannot be understood: wrong XML, wrong action, missing parameter.
    Request,
}

impl ExceptionType {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoProductExists => "ASDKNoProductExistsException",
            Self::InvalidLicense => "ASDKInvalidLicenseException",
            Self::InsufficientPermission => "ASDKInsufficientPermissionException",
            Self::DoesNotExist => "ASDKDoesNotExistException",
            Self::InvalidType => "ASDKInvalidTypeException",
            Self::InvalidParameter => "ASDKInvalidParameterException",
            Self::Internal => "ASDKInternalException",
            Self::Other => "ASDKException",
            Self::Request => "System.InvalidOperationException",
        }
    }
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The type.
    pub kind: ExceptionType,
    /// The message.
    pub message: String,
    /// The exception that caused it.
    pub inner: Option<String>,
}

impl Fault {
    /// Makes a fault.
    #[must_use]
    pub fn new(kind: ExceptionType, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            inner: None,
        }
    }

    /// A request that cannot be understood.
    #[must_use]
    pub fn request(message: impl Into<String>) -> Self {
        Self::new(ExceptionType::Request, message)
    }

    /// A parameter that is wrong.
    #[must_use]
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(ExceptionType::InvalidParameter, message)
    }

    /// A thing that does not exist.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(ExceptionType::DoesNotExist, message)
    }

    /// Adds the exception that caused it.
    #[must_use]
    pub fn because(mut self, inner: impl Into<String>) -> Self {
        self.inner = Some(inner.into());
        self
    }

    /// The plain text of a form error.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let name = if self.kind == ExceptionType::Request {
            self.kind.name()
        } else {
            "System.Web.Services.Protocols.SoapException"
        };
        format!("{name} : {}\r\n", self.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.name(), self.message)
    }
}

impl std::error::Error for Fault {}
