//! What the engine answers: by which servers somebody is served for each role, how one of them is picked, and why.
//!
//! Pure. *Served* by a role means: there is a server by every reading of the sources. Where the sources contradict
//! each other, or something could not be read, the answer is [`Choice::Indeterminate`] with each reading, never one of
//! them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::SiteIndex;
use crate::model::{Guid, Role};

/// Servers; shared, since thousands of ranges may have the same.
pub type Servers = Arc<BTreeSet<Guid>>;

/// Which servers may be used, and how one of them is picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Only(Guid),
    /// Any of them, by chance: for packages those with the fewest recent errors first (article 431459); for network
    /// boot whoever answers first.
    Random(Servers),
    /// One of them, by the agent: by number of computers, connection speed or free capacity; it registers with one.
    Agent(Servers),
    /// Nobody.
    None,
    /// It cannot be said: the readings, of which at least two differ in their servers.
    Indeterminate(Vec<Reading>),
}

impl Choice {
    /// The choice among servers that are known.
    #[must_use]
    pub fn among(role: Role, servers: Servers) -> Self {
        match (servers.first(), servers.len(), role) {
            (None, _, _) => Self::None,
            (Some(server), 1, _) => Self::Only(*server),
            (Some(_), _, Role::Task) => Self::Agent(servers),
            (Some(_), _, Role::Package | Role::NetworkBoot | Role::Monitor) => {
                Self::Random(servers)
            }
        }
    }

    /// Whether there is a server by every reading that denies no assumption.
    #[must_use]
    pub fn is_served(&self) -> bool {
        match self {
            Self::Only(_) | Self::Random(_) | Self::Agent(_) => true,
            Self::None => false,
            Self::Indeterminate(readings) => readings
                .iter()
                .all(|reading| reading.denies.is_some() || !reading.servers.is_empty()),
        }
    }

    /// Whether it can be said.
    #[must_use]
    pub fn is_determined(&self) -> bool {
        !matches!(self, Self::Indeterminate(_))
    }

    /// Every server that may be used by some reading.
    #[must_use]
    pub fn servers(&self) -> BTreeSet<Guid> {
        match self {
            Self::Only(server) => BTreeSet::from([*server]),
            Self::Random(servers) | Self::Agent(servers) => BTreeSet::clone(servers),
            Self::None => BTreeSet::new(),
            Self::Indeterminate(readings) => readings
                .iter()
                .flat_map(|reading| reading.servers.iter().copied())
                .collect(),
        }
    }

    /// The word for it in JSON and for people: `only`, `random`, `agent`, `none`, `indeterminate`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Only(_) => "only",
            Self::Random(_) => "random",
            Self::Agent(_) => "agent",
            Self::None => "none",
            Self::Indeterminate(_) => "indeterminate",
        }
    }
}

/// One reading of the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What is read so and where, with the article.
    pub source: Cow<'static, str>,
    /// The servers by it; empty where it leaves nobody.
    pub servers: Servers,
    /// The row of `docs/assumptions.md` that would have to be false; `None` for what the sources leave open.
    ///
    /// Such a reading makes an answer uncertain. It does not make anybody unserved: the program relies on its
    /// assumptions, and each is to be proven on the server at hand.
    pub denies: Option<&'static str>,
}

/// Why these servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The computer itself is a package server.
    OwnComputer,
    /// They are servers of the site or sites.
    Site,
    /// Servers of the site are there by manual assignment alone, which is no promise for tasks.
    ManualAlone,
    /// No subnet belongs to any site.
    NoSites,
    /// There are sites, and this is in none.
    OutsideSites,
    /// The site has no server for it and is not constrained.
    Failover,
    /// The site has no server for it and is constrained.
    Waiting,
    /// The site has no server for it, and whether it is constrained is not known, or differs from site to site.
    ConstraintUnread,
    /// The servers of the site do not hold the package.
    NotHeld,
    /// No server anywhere is up and has the role, or holds the package.
    Nobody,
    /// They answer in the broadcast domain.
    Network,
    /// Nobody answers in the broadcast domain; whether a relay forwards to servers elsewhere is not known.
    OtherNetwork,
    /// A task server has as many registrations as it takes.
    Full,
    /// Something that decides could not be read.
    Unread,
}

impl Reason {
    /// Where the rule is written.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::OwnComputer => "documentation of 8.5 and later",
            Self::Site | Self::NotHeld => "articles 431459 and 184143",
            Self::ManualAlone => "article 184143; assumption A23",
            Self::NoSites => "\"Installation of Task Services\"; documentation of site servers",
            Self::OutsideSites => "contradicting sources",
            Self::Failover | Self::Waiting | Self::ConstraintUnread => "article 431459",
            Self::Network | Self::OtherNetwork => "article 180278",
            Self::Full => "article 180399",
            Self::Nobody | Self::Unread => "",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OwnComputer => "the package server on the computer itself comes first",
            Self::Site => "servers of its site",
            Self::ManualAlone => {
                "manual assignment alone steers package servers; for task servers it is no promise"
            }
            Self::NoSites => {
                "no subnet is in any site: the servers on the same subnet are used, else all"
            }
            Self::OutsideSites => "it is in no site, and the sources contradict each other",
            Self::Failover => {
                "its site has no such server and is not constrained, so others may serve it"
            }
            Self::Waiting => "its site has no such server and is constrained, so it waits",
            Self::ConstraintUnread => {
                "its site has no such server, and whether it is constrained is not certain"
            }
            Self::NotHeld => "the package servers of its site do not hold the package",
            Self::Nobody => "no server can",
            Self::Network => "servers in its broadcast domain",
            Self::OtherNetwork => {
                "nobody answers in its broadcast domain; a DHCP relay may forward to others"
            }
            Self::Full => "a task server has as many registrations as it takes",
            Self::Unread => "what decides it could not be read",
        })
    }
}

/// How somebody is served for one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Which servers, and how one is picked.
    pub choice: Choice,
    /// Why.
    pub reason: Reason,
}

/// How somebody is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The sites; none, one, or several where a subnet is in several or a computer has several addresses.
    pub sites: BTreeSet<SiteIndex>,
    /// For packages.
    pub package: Service,
    /// For tasks.
    pub task: Service,
    /// For network boot.
    pub network_boot: Service,
}

impl Served {
    /// The roles that are predicted, in the order in which they are shown.
    pub const ROLES: [Role; 3] = [Role::Package, Role::Task, Role::NetworkBoot];

    /// The service for a role; `None` for monitoring, which is not chosen by site.
    #[must_use]
    pub const fn of(&self, role: Role) -> Option<&Service> {
        match role {
            Role::Package => Some(&self.package),
            Role::Task => Some(&self.task),
            Role::NetworkBoot => Some(&self.network_boot),
            Role::Monitor => None,
        }
    }
}
