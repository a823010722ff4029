//! Who is it? Judges what the `Authorization` of HTTP carries, without a socket, a clock or a source of chance of its own.
//!
//! Pure. [`Rules`] say who may come in and how; a [`Gate`] is the sign-in of one connection, to which NTLM belongs;
//! `ntlm` verifies every message itself and trusts no library with it: the proof, the user, the integrity code, the
//! channel binding. `spnego` is the wrapping that `Negotiate` may put around it.
//!
//! From [MS-NLMP], [MS-SPNG], RFC 4178, RFC 4559, RFC 5929, RFC 6750 and RFC 7617.

mod account;
mod binding;
mod der;
mod gate;
mod keys;
mod message;
mod ntlm;
mod refusal;
mod spnego;

pub use account::Account;
pub(crate) use account::Host;
pub(crate) use binding::{Binding, server_end_point};
pub(crate) use gate::{Gate, Moment, Rules, Verdict};
pub(crate) use refusal::Refusal;

/// A way to sign in, as `WWW-Authenticate` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Kerberos or NTLM, of which the simulator knows NTLM: bare, or wrapped in SPNEGO.
    Negotiate,
    /// NTLM, bare.
    Ntlm,
    /// User and password with every request.
    Basic,
    /// A token with every request.
    Bearer,
}

impl Scheme {
    /// Every one there is.
    pub const ALL: [Scheme; 4] = [
        Scheme::Negotiate,
        Scheme::Ntlm,
        Scheme::Basic,
        Scheme::Bearer,
    ];

    /// Gives the name that HTTP uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Negotiate => "Negotiate",
            Scheme::Ntlm => "NTLM",
            Scheme::Basic => "Basic",
            Scheme::Bearer => "Bearer",
        }
    }
}

/// What is asked of a client that may leave something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It may be absent; when it is there it must be right.
    Accept,
    /// It must be there and right.
    Require,
}
