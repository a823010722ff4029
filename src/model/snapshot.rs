//! What the SMP was seen to hold, and for each part of it whether it could be seen at all.
//!
//! Pure. *Unseen is not absent*: what could not be read wholly is [`Observed::Unavailable`] with the reason, and
//! nothing may be created or deleted because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Guid, Name, Role, Subnet, Surroundings};

/// Something that was read, or the reason why it could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observed<T> {
    /// Read wholly.
    Known(T),
    /// Not readable, with a reason for people.
    Unavailable(String),
}

impl<T> Observed<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unavailable(_) => None,
        }
    }

    /// The same of something else that follows from it.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Observed<U> {
        match self {
            Self::Known(value) => Observed::Known(change(value)),
            Self::Unavailable(reason) => Observed::Unavailable(reason),
        }
    }

    /// The reason, where it is not known.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unavailable(reason) => Some(reason),
        }
    }
}

/// Which SMP this is: the GUID of its own computer, never its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Platform {
    /// GUID of the SMP's own computer resource.
    pub server: Guid,
    /// Its fully qualified name.
    pub name: Name,
}

/// The state of an SMP as far as one refresh needed it. Lists are sorted by GUID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which SMP.
    pub platform: Platform,
    /// All sites.
    pub sites: Observed<Vec<ObservedSite>>,
    /// All subnets, assigned or not.
    pub subnets: Observed<Vec<ObservedSubnet>>,
    /// Site services of the computers below; a computer without an entry has none.
    pub services: Observed<Vec<Service>>,
    /// Site servers, servers of sites, declared servers that exist, and the SMP itself.
    pub computers: BTreeMap<Guid, Computer>,
    /// Declared servers that are not among them because nobody asked for them.
    pub unasked: BTreeSet<Name>,
    /// All packages by GUID and name.
    pub packages: Observed<Vec<Listed>>,
    /// Package assignments of the packages that the refresh was asked for.
    pub assignments: BTreeMap<Guid, Observed<Assignment>>,
    /// Package servers that hold a package, for the packages that the refresh was asked for.
    pub holders: BTreeMap<Guid, Observed<BTreeSet<Guid>>>,
    /// Packages that a Deploy Image task uses, for the tasks that the refresh was asked for.
    pub tasks: BTreeMap<Name, Observed<BTreeSet<Guid>>>,
    /// The computer that captured images go to; `None` inside where none is set.
    pub capture_target: Observed<Option<Guid>>,
    /// For sites and subnets of ours that no list shows: whether the server has them all the same.
    pub unlisted: BTreeMap<Guid, Observed<bool>>,
    /// What is known beside: facts, clients, product, hierarchy.
    pub surroundings: Surroundings,
    /// What was seen and has no place above, for `export` and for people.
    pub unplaced: Vec<String>,
}

/// One site as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedSite {
    /// Its resource GUID.
    pub guid: Guid,
    /// Its name.
    pub name: Name,
    /// The name on the SMP, where that is a former one of the declaration whose name stands above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Name>,
    /// Its description; empty where none is set.
    pub description: Observed<String>,
    /// Computers that are assigned manually.
    pub servers: BTreeSet<Guid>,
    /// Constrain to Site.
    pub constrained: Observed<bool>,
}

/// One subnet as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedSubnet {
    /// Its resource GUID.
    pub guid: Guid,
    /// The network, or the name as it stands where that is no network.
    pub subnet: Result<Subnet, Arc<str>>,
    /// Sites it belongs to, sorted: none, one, or several where the server allows that.
    pub sites: Vec<Guid>,
}

/// What a site service does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ServiceRole {
    /// One of the roles that can be declared.
    Known(Role),
    /// Something else, by the name that the server gives it.
    Other(Arc<str>),
}

/// A site service on a computer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Service {
    /// Its resource GUID.
    pub guid: Guid,
    /// The computer it runs on.
    pub computer: Guid,
    /// What it does.
    pub role: ServiceRole,
}

/// A computer with the addresses of its inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computer {
    /// Its resource GUID.
    pub guid: Guid,
    /// Host name and domain where both are known, else the resource's name.
    pub name: Name,
    /// Addresses with the prefix of the inventory mask, sorted; unknown where the inventory could not be read.
    pub addresses: Observed<BTreeSet<(Ipv4Addr, u8)>>,
}

/// A resource in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: Name,
}

/// A package's package-server assignment, by GUIDs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Assignment {
    /// All package servers.
    All,
    /// These computers.
    Servers(BTreeSet<Guid>),
    /// The package servers of these sites.
    Sites {
        /// Sites.
        sites: BTreeSet<Guid>,
        /// Whether the SMP may choose among them automatically.
        automatic: bool,
    },
}

impl Snapshot {
    /// Finds computers by a declared name: the fully qualified name if one has it, else every one with the host name.
    #[must_use]
    pub fn computers_named(&self, name: &Name) -> Vec<&Computer> {
        let exact: Vec<&Computer> = self
            .computers
            .values()
            .filter(|computer| computer.name == *name)
            .collect();
        if !exact.is_empty() {
            return exact;
        }
        self.computers
            .values()
            .filter(|computer| {
                (name.domain().is_none() || computer.name.domain().is_none())
                    && computer.name.host().eq_ignore_ascii_case(name.host())
            })
            .collect()
    }

    /// The roles of one computer, sorted.
    #[must_use]
    pub fn roles_of(&self, computer: Guid) -> Observed<BTreeSet<Role>> {
        match &self.services {
            Observed::Unavailable(reason) => Observed::Unavailable(reason.clone()),
            Observed::Known(services) => Observed::Known(
                services
                    .iter()
                    .filter(|service| service.computer == computer)
                    .filter_map(|service| match service.role {
                        ServiceRole::Known(role) => Some(role),
                        ServiceRole::Other(_) => None,
                    })
                    .collect(),
            ),
        }
    }
}
