//! Who may call a server, and over what.
//!
//! Pure; [`Tls`] holds what it was given or made.

use super::tls::Tls;
use crate::sign_in::{Account, Demand, Host, Rules, Scheme};

/// Who may call.
#[derive(Debug, Clone)]
pub struct Access {
    /// The ways to sign in, offered in this order; without any, everyone may call.
    pub schemes: Vec<Scheme>,
    /// Who may sign in with a password.
    pub accounts: Vec<Account>,
    /// The token of `Bearer`.
    pub token: Option<String>,
    /// Whether NTLM must be bound to the TLS connection (extended protection).
    pub channel_binding: Demand,
    /// Whether NTLM needs an integrity code. Windows lets it be absent, and curl sends none.
    pub mic: Demand,
    /// TLS; plain HTTP without it.
    pub tls: Option<Tls>,
}

impl Access {
    /// Everyone may call.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            schemes: Vec::new(),
            accounts: Vec::new(),
            token: None,
            channel_binding: Demand::Accept,
            mic: Demand::Require,
            tls: None,
        }
    }

    /// Whoever signs in by one of these.
    #[must_use]
    pub fn by(schemes: &[Scheme]) -> Self {
        Self {
            schemes: schemes.to_vec(),
            ..Self::anonymous()
        }
    }

    /// The same for one account more: `DOMAIN\name`, `name@domain`, or `name` of the server itself.
    #[must_use]
    pub fn with_account(mut self, user: &str, password: &str) -> Self {
        self.accounts.push(Account::new(user, password));
        self
    }

    /// The same with a token for `Bearer`.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The same with other demands on channel bindings.
    #[must_use]
    pub fn with_channel_binding(mut self, demand: Demand) -> Self {
        self.channel_binding = demand;
        self
    }

    /// The same with other demands on integrity codes.
    #[must_use]
    pub fn with_mic(mut self, demand: Demand) -> Self {
        self.mic = demand;
        self
    }

    /// The same over TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// What gates judge by, for a server of this name.
    pub(super) fn rules(&self, server: &str, expires_after: Option<u32>) -> Rules {
        let Access {
            schemes,
            accounts,
            token,
            channel_binding,
            mic,
            tls: _,
        } = self.clone();
        Rules {
            host: Host::of(server, &accounts),
            schemes,
            accounts,
            token,
            channel_binding,
            mic,
            expires_after,
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::anonymous()
    }
}
