//! Accounts, and the names that the server goes by.
//!
//! Pure. Windows compares the names of users and domains without regard to case; so is it here.

use std::fmt;

/// Somebody who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    domain: Option<String>,
    name: String,
    password: String,
}

/// The password is not shown.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Account {
            domain,
            name,
            password: _,
        } = self;
        f.debug_struct("Account")
            .field("domain", domain)
            .field("name", name)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Makes an account of a domain, `DOMAIN\name` or `name@domain`, or one of the server itself, `name`.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        let (domain, name) = parted(user);
        Self {
            domain: domain.map(str::to_owned),
            name: name.to_owned(),
            password: password.to_owned(),
        }
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Says whether a client means this account. Without a domain of its own, a name in the form `name@realm` counts as
    /// both.
    pub(super) fn is(&self, host: &Host, domain: &str, user: &str) -> bool {
        let (domain, user) = match user.rsplit_once('@') {
            Some((user, realm)) if domain.is_empty() => (realm, user),
            _ => (domain, user),
        };
        let of_domain = match &self.domain {
            Some(own) => {
                same(own, domain) || (same(own, &host.domain) && same(&host.dns_domain, domain))
            }
            None => {
                matches!(domain, "" | ".")
                    || same(&host.computer, domain)
                    || same(&host.domain, domain)
            }
        };
        of_domain && same(&self.name, user)
    }

    /// The same for a user in one text, as Basic has it.
    pub(super) fn is_named(&self, host: &Host, user: &str) -> bool {
        let (domain, name) = parted(user);
        self.is(host, domain.unwrap_or_default(), name)
    }
}

/// The full name, as it is logged: the account's own spelling, whatever the client wrote.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{domain}\\{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn parted(user: &str) -> (Option<&str>, &str) {
    if let Some((domain, name)) = user.split_once('\\') {
        (Some(domain), name)
    } else if let Some((name, realm)) = user.rsplit_once('@') {
        (Some(realm), name)
    } else {
        (None, user)
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// The names of the server, as a challenge tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Such as `SMP01`.
    pub(super) computer: String,
    /// Such as `CORP`.
    pub(super) domain: String,
    /// Such as `smp01.corp.example`.
    pub(super) dns_computer: String,
    /// Such as `corp.example`; empty for a server of no domain.
    pub(super) dns_domain: String,
}

impl Host {
    /// Derives the names from the full name; the domain is that of the first account that has one.
    pub(crate) fn of(server: &str, accounts: &[Account]) -> Self {
        let dns_computer = server.to_lowercase();
        let (computer, dns_domain) = dns_computer.split_once('.').unwrap_or((&dns_computer, ""));
        let label = |domain: &str| domain.split('.').next().unwrap_or_default().to_uppercase();
        let of_account = accounts.iter().find_map(|one| one.domain.as_deref());
        let domain = label(of_account.unwrap_or(match dns_domain {
            "" => computer,
            domain => domain,
        }));
        Self {
            computer: computer.to_uppercase(),
            domain,
            dns_domain: dns_domain.to_owned(),
            dns_computer: dns_computer.clone(),
        }
    }
}
