//! Why a request brought no answer, whether trying again may help, and what to do about it.
//!
//! Pure.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::transport::{CertificateFault, Untrusted};
use crate::profile::ServiceName;

/// Why a sign-in came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The server wants a sign-in, and none is configured.
    Unconfigured,
    /// The server does not offer the way that is configured.
    NotOffered(&'static str),
    /// The server looked at what was sent, and refused it.
    Refused(&'static str),
    /// The connection did not last from one message of the sign-in to the next.
    CutOff(&'static str),
    /// The server said something that is no part of a sign-in.
    Nonsense {
        /// By which way.
        method: &'static str,
        /// What the library says of it.
        message: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unconfigured => f.write_str("the server wants a sign-in, and `auth` has none"),
            Self::NotOffered(method) => {
                write!(f, "the server does not offer a sign-in by {method}")
            }
            Self::Refused(method) => write!(f, "the server refused the sign-in by {method}"),
            Self::CutOff(method) => write!(
                f,
                "the connection was closed in the middle of the sign-in by {method}"
            ),
            Self::Nonsense { method, message } => {
                write!(f, "the sign-in by {method} was not understood: {message}")
            }
        }
    }
}

/// Why a request brought no answer. Codes `SW0301` to `SW0309`, `SW0312` to `SW0316`, and `SW0660`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The connection cannot be set up from what was given.
    #[error("cannot set up the connection to `{url}`: {message}")]
    Setup {
        /// Where to.
        url: String,
        /// Why.
        message: String,
    },
    /// The CA file cannot be used.
    #[error("cannot use the CA file `{}`: {message}", path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// No connection: nothing was sent.
    #[error("cannot connect to `{url}`: {message}")]
    Connect {
        /// Where to.
        url: String,
        /// Why.
        message: String,
    },
    /// The server was silent for too long.
    #[error("expected an answer of `{url}` within {} s, found none", after.as_secs())]
    Timeout {
        /// Which URL.
        url: String,
        /// How long it took.
        after: Duration,
    },
    /// The connection broke.
    #[error("the connection to `{url}` broke: {message}")]
    Broken {
        /// Which URL.
        url: String,
        /// Why.
        message: String,
    },
    /// The sign-in came to nothing.
    #[error("{refusal}{}", methods(.offered))]
    SignIn {
        /// Why.
        refusal: Refusal,
        /// Methods that the server offers.
        offered: Vec<String>,
    },
    /// The certificate of the server is not trusted: nothing was sent.
    #[error("{untrusted}")]
    Untrusted {
        /// Which URL.
        url: String,
        /// What is wrong with which certificate.
        untrusted: Box<Untrusted>,
    },
    /// The certificate that the client shows cannot be used.
    #[error("cannot use the client certificate `{}`: {message}", path.display())]
    ClientCertificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// No ticket for the server: nothing was sent to it.
    #[error("no Kerberos ticket for `{service}`: {message}")]
    Kerberos {
        /// The service principal that a ticket was wanted for.
        service: String,
        /// Why, as the KDC or the library says it.
        message: String,
        /// Whether the KDC looked at the password or key, and refused it.
        proof_refused: bool,
    },
    /// The keytab cannot be used.
    #[error("cannot use the keytab `{}`: {message}", path.display())]
    Keytab {
        /// Which file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A password or a token would travel unprotected.
    #[error("expected an https URL for a sign-in by {method}, found `{url}`")]
    Insecure {
        /// Where to.
        url: String,
        /// By which way.
        method: &'static str,
    },
    /// The proxy wants a sign-in.
    #[error("the proxy refused the sign-in")]
    ProxySignIn,
    /// The server points elsewhere.
    #[error("expected an answer of `{url}`, found a redirect to `{to}`")]
    Redirect {
        /// Which URL.
        url: String,
        /// Where it points.
        to: String,
    },
    /// Something that may write was handed to a transport that only reads: nothing was sent.
    #[error("expected a request that only reads, found `{service}`, method `{method}`")]
    ReadOnly {
        /// The service.
        service: ServiceName,
        /// The method.
        method: &'static str,
    },
    /// The answer is larger than allowed.
    #[error(
        "expected an answer of at most {limit} bytes, found a larger one (option `answerLimit`)"
    )]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

fn methods(offered: &[String]) -> String {
    if offered.is_empty() {
        String::new()
    } else {
        format!("; it offers {}", offered.join(", "))
    }
}

impl TransportError {
    /// Whether trying again may help.
    #[must_use]
    pub fn transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Timeout { .. }
                | Self::Broken { .. }
                | Self::SignIn {
                    refusal: Refusal::CutOff(_),
                    ..
                }
        )
    }

    /// Whether somebody looked at the password, key or token and refused it: another try would count against the account.
    #[must_use]
    pub fn is_refused_proof(&self) -> bool {
        matches!(
            self,
            Self::SignIn {
                refusal: Refusal::Refused(_),
                ..
            } | Self::Kerberos {
                proof_refused: true,
                ..
            }
        )
    }

    /// Whether it is certain that the server saw nothing of the request.
    #[must_use]
    pub fn unsent(&self) -> bool {
        match self {
            Self::Setup { .. }
            | Self::Authority { .. }
            | Self::Connect { .. }
            | Self::SignIn { .. }
            | Self::ProxySignIn
            | Self::Redirect { .. }
            | Self::Untrusted { .. }
            | Self::ClientCertificate { .. }
            | Self::Kerberos { .. }
            | Self::Keytab { .. }
            | Self::Insecure { .. }
            | Self::ReadOnly { .. } => true,
            Self::Timeout { .. } | Self::Broken { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "SW0301",
            Self::Authority { .. } => "SW0302",
            Self::Connect { .. } => "SW0303",
            Self::Timeout { .. } => "SW0304",
            Self::Broken { .. } => "SW0305",
            Self::SignIn { .. } => "SW0306",
            Self::ProxySignIn => "SW0307",
            Self::Redirect { .. } => "SW0308",
            Self::TooLarge { .. } => "SW0309",
            Self::Untrusted { .. } => "SW0312",
            Self::ClientCertificate { .. } => "SW0313",
            Self::Kerberos { .. } => "SW0314",
            Self::Keytab { .. } => "SW0315",
            Self::Insecure { .. } => "SW0316",
            Self::ReadOnly { .. } => "SW0660",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Setup { .. } => {
                "the URL is that of the SMP, such as `https://smp.corp.example`".into()
            }
            Self::Authority { .. } => "`ca` names a file with PEM certificates".into(),
            Self::Connect { .. } => {
                "check the URL, the name and the port; behind a private authority set `ca`".into()
            }
            Self::Timeout { .. } => "`timeouts.answer` allows more".into(),
            Self::Broken { .. } => return None,
            Self::SignIn { refusal, offered } => match refusal {
                Refusal::Unconfigured => {
                    "say under `auth` of the platform how to sign in; docs/sign-in.md shows each way".into()
                }
                Refusal::NotOffered(_) if offered.is_empty() => {
                    "the answer names no way at all: check that the URL leads to the SMP, and the authentication settings of IIS".into()
                }
                Refusal::NotOffered(_) => {
                    "set `auth.method` to one that is offered, or enable this one in IIS".into()
                }
                Refusal::Refused(_) => {
                    "check user name and password, and that the account may use the SMP's web services; it is not tried again, so that the account is not locked".into()
                }
                Refusal::CutOff(_) => {
                    "a sign-in by NTLM belongs to one connection: a proxy or load balancer in between must keep it open".into()
                }
                Refusal::Nonsense { .. } => {
                    "another `auth.method` may do; docs/sign-in.md says what IIS needs for each".into()
                }
            },
            Self::Untrusted { untrusted, .. } => match untrusted.fault {
                CertificateFault::SelfSigned => {
                    "if it is the right server, put this certificate into a PEM file and name it in `ca`".into()
                }
                CertificateFault::UnknownIssuer | CertificateFault::Other(_) => {
                    "put the certificate of the authority into a PEM file and name it in `ca`".into()
                }
                CertificateFault::Expired => "renew the certificate of the server".into(),
                CertificateFault::NotYetValid => "check the clock of this computer".into(),
                CertificateFault::WrongName => {
                    "write a name of the certificate as `url`, or give the server one for this name".into()
                }
            },
            Self::ClientCertificate { .. } => {
                "`clientCertificate` names a PEM file with the chain and where its private key is".into()
            }
            Self::Kerberos {
                proof_refused: true,
                ..
            } => {
                "check user name, realm and password; it is not tried again, so that the account is not locked".into()
            }
            Self::Kerberos { .. } => {
                "docs/sign-in.md says what a sign-in by Kerberos needs: realm, KDC, service principal, clocks".into()
            }
            Self::Keytab { .. } => {
                "`keytab` names a file as `ktpass` or `ktutil` writes it, with a key of `username`".into()
            }
            Self::Insecure { .. } => {
                "write an https URL; `auth.allowInsecure: true` accepts that others can read along".into()
            }
            Self::ReadOnly { .. } => {
                "this is a defect of Sitewright: please report it with the command".into()
            }
            Self::ProxySignIn => "put the account of the proxy into HTTPS_PROXY".into(),
            Self::Redirect { to, .. } => format!(
                "set `url` to where it points if that is the SMP: `{to}`; redirects are not followed, since credentials would go along"
            ),
            Self::TooLarge { .. } => "`answerLimit` allows more".into(),
        })
    }
}
