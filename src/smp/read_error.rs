//! Why a read failed, whichever of the layers said so.
//!
//! Pure.

use super::fault::{Fault, FaultKind};
use super::request::RequestError;
use super::transport_error::TransportError;
use super::xml::AnswerError;

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A refusal.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// An answer that is not understood.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// A request that cannot be built.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A step names an object that no earlier step has created.
    #[error("expected `{0}` to be created by an earlier step, found no such step done")]
    Unbound(String),
}

impl ReadError {
    /// Whether trying again may help.
    #[must_use]
    pub fn transient(&self) -> bool {
        match self {
            Self::Transport(error) => error.transient(),
            Self::Fault(fault) => fault.transient(),
            Self::Answer(AnswerError::Truncated(_) | AnswerError::Body(_)) => true,
            Self::Answer(_) | Self::Request(_) | Self::Unbound(_) => false,
        }
    }

    /// Whether the server says that the object asked for does not exist.
    #[must_use]
    pub fn does_not_exist(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.kind == FaultKind::DoesNotExist)
    }

    /// Whether nothing else can be read either: no way to the server, or no sign-in.
    #[must_use]
    pub fn fatal(&self) -> bool {
        matches!(
            self,
            Self::Transport(
                TransportError::Setup { .. }
                    | TransportError::Authority { .. }
                    | TransportError::Connect { .. }
                    | TransportError::SignIn { .. }
                    | TransportError::ProxySignIn
                    | TransportError::Redirect { .. }
                    | TransportError::Untrusted { .. }
                    | TransportError::ClientCertificate { .. }
                    | TransportError::Kerberos { .. }
                    | TransportError::Keytab { .. }
                    | TransportError::Insecure { .. }
            )
        )
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Transport(error) => error.code(),
            Self::Answer(_) => "SW0310",
            Self::Fault(_) => "SW0311",
            Self::Request(_) => "SW0320",
            Self::Unbound(_) => "SW0321",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Transport(error) => error.hint(),
            Self::Fault(fault) => match fault.kind {
                FaultKind::Permission if fault.message.contains("403.7") => {
                    Some("the server wants a client certificate: `auth.clientCertificate`".into())
                }
                FaultKind::Permission => {
                    Some("the account needs a security role and rights on the objects".into())
                }
                FaultKind::Licence => Some("the SMP lacks a licence or a product for this".into()),
                FaultKind::NoSuchService => {
                    Some("check that the URL is that of an SMP and its version".into())
                }
                FaultKind::Internal | FaultKind::Unexplained => {
                    Some("the event log of the server says more".into())
                }
                FaultKind::DoesNotExist
                | FaultKind::InvalidType
                | FaultKind::InvalidParameter
                | FaultKind::Other
                | FaultKind::Busy => None,
            },
            Self::Answer(_) => Some(
                "if the server is an SMP, its answers differ from what the server profile says: see docs/profile.md"
                    .into(),
            ),
            Self::Request(RequestError::Namespace(_) | RequestError::Profile(_)) => {
                Some("`sitewright profile discover` reads it from the server".into())
            }
            Self::Request(_) | Self::Unbound(_) => None,
        }
    }
}

/// An error with everything that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
