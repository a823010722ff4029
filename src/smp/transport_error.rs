//! Why a request brought no answer, whether trying again may help, and what to do about it.
//!
//! Pure.

use std::path::PathBuf;
use std::time::Duration;

/// Why a request brought no answer. Codes `SW0301` to `SW0309`.
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
    /// The sign-in was refused.
    #[error("the server refused the sign-in{}", methods(.offered))]
    SignIn {
        /// Methods that the server offers.
        offered: Vec<String>,
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
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. }
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
            | Self::Redirect { .. } => true,
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
            Self::SignIn { .. } => {
                "check `auth` of the platform, and that the account may use the SMP's web services"
                    .into()
            }
            Self::ProxySignIn => "put the account of the proxy into HTTPS_PROXY".into(),
            Self::Redirect { to, .. } => format!(
                "set `url` to where it points if that is the SMP: `{to}`; redirects are not followed, since credentials would go along"
            ),
            Self::TooLarge { .. } => "`answerLimit` allows more".into(),
        })
    }
}
