//! What is known about an SMP beside its sites: facts of inventory, clients, product, hierarchy, and what happened.
//!
//! Pure. To plan, only what can be written is needed of it; the checks, `explain` and `verify` read it. A fact that the profile names no
//! evidence for is unavailable, which means "cannot tell" and never "no".

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Guid, ImagingTool, Name, Observed, Writes};

/// What inventory says of one computer beside its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The operating system, by name.
    pub operating_system: Observed<String>,
    /// Whether it is managed.
    pub managed: Observed<bool>,
    /// Whether it belongs to this SMP, not to another one of the hierarchy.
    pub local: Observed<bool>,
    /// Whether its asset status is active.
    pub asset_active: Observed<bool>,
    /// The version of the Symantec Management Agent.
    pub agent_version: Observed<String>,
    /// Whether Cloud-enabled Management mode is on.
    pub cem_mode: Observed<bool>,
    /// Whether IIS is configured.
    pub iis: Observed<bool>,
    /// Whether an HTTP server is installed.
    pub http_server: Observed<bool>,
    /// The version of the .NET framework.
    pub dotnet: Observed<String>,
    /// Agent plug-ins, by name.
    pub plug_ins: Observed<Arc<BTreeSet<Name>>>,
    /// When inventory came last, as the server writes it.
    pub inventoried: Observed<String>,
    /// Whether it answers, where it is a site server.
    pub answering: Observed<bool>,
}

impl Facts {
    /// Facts of which none is known, for one reason.
    #[must_use]
    pub fn unavailable(reason: &str) -> Self {
        fn none<T>(reason: &str) -> Observed<T> {
            Observed::Unavailable(reason.to_owned())
        }
        Self {
            operating_system: none(reason),
            managed: none(reason),
            local: none(reason),
            asset_active: none(reason),
            agent_version: none(reason),
            cem_mode: none(reason),
            iis: none(reason),
            http_server: none(reason),
            dotnet: none(reason),
            plug_ins: none(reason),
            inventoried: none(reason),
            answering: none(reason),
        }
    }
}

/// A managed computer that is no site server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its resource GUID.
    pub guid: Guid,
    /// Its fully qualified name.
    pub name: Name,
    /// Its addresses with the prefix of the inventory mask, sorted.
    pub addresses: Vec<(Ipv4Addr, u8)>,
    /// Its agent plug-ins, where they are known.
    pub plug_ins: Option<Arc<BTreeSet<Name>>>,
}

/// What no service description tells and the operator confirms (article 001 sends to the support matrix).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The version of the SMP, such as `8.7.3`.
    pub version: Option<String>,
    /// The oldest agent version that a site server may have.
    pub agent_version: Option<String>,
    /// Beginnings of the names of supported operating systems.
    pub operating_systems: Option<Vec<String>>,
    /// How many registrations a task server takes.
    pub registrations: Option<u32>,
    /// Packages of the imaging tools, where their names do not tell them.
    pub imaging_packages: BTreeMap<ImagingTool, BTreeSet<Guid>>,
}

/// How the SMP stands in a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Whether it is a member of one.
    pub member: bool,
    /// Sites, subnets and packages of those asked for that are replicated from another SMP.
    pub replicated: BTreeSet<Guid>,
}

/// "Prevent downloads" of the targeted site settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prevention {
    /// The computers and sites that it is aimed at.
    pub targets: BTreeSet<Guid>,
    /// Whether they fetch nothing from the SMP.
    pub from_server: bool,
    /// Whether they fetch nothing from servers outside their site.
    pub from_outside: bool,
}

/// Everything that is known about an SMP beside its sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// Facts of site servers, servers of sites, declared servers and the SMP, by GUID.
    pub facts: BTreeMap<Guid, Facts>,
    /// Managed computers that are no site servers, sorted by GUID.
    pub clients: Observed<Vec<Client>>,
    /// The task server that a computer is registered with, by GUID of the computer.
    pub registrations: Observed<BTreeMap<Guid, Guid>>,
    /// What the operator says of the product.
    pub product: Product,
    /// The hierarchy.
    pub hierarchy: Observed<Hierarchy>,
    /// Sites and subnets that Active Directory import brought.
    pub imported: Observed<BTreeSet<Guid>>,
    /// "Prevent downloads" of the targeted site settings.
    pub prevention: Observed<Prevention>,
    /// Whether this SMP has the setting Constrain to Site at all; `false` on the operator's word only.
    pub can_constrain: bool,
    /// Whether the profile knows where that setting is read.
    pub reads_constrain: bool,
    /// Which changes the server profile is sure enough of to make them by API.
    pub writes: Writes,
}

impl Default for Surroundings {
    fn default() -> Self {
        fn not_asked<T>() -> Observed<T> {
            Observed::Unavailable("it was not asked for".to_owned())
        }
        Self {
            facts: BTreeMap::new(),
            clients: not_asked(),
            registrations: not_asked(),
            product: Product::default(),
            hierarchy: not_asked(),
            imported: not_asked(),
            prevention: not_asked(),
            can_constrain: true,
            reads_constrain: true,
            writes: Writes::default(),
        }
    }
}

/// What a client fetched last of one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fetch {
    /// The client.
    pub client: Guid,
    /// The package.
    pub package: Guid,
    /// The server it came from.
    pub server: Guid,
    /// When, as the server writes it.
    pub time: Option<String>,
}

/// How many requests a site server was asked of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// For packages.
    pub package: u64,
    /// For tasks.
    pub task: u64,
}

/// A disk image as Deployment Solution lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    /// The GUID of its package.
    pub guid: Guid,
    /// Its name.
    pub name: Name,
    /// The host that its location names; `None` where the profile does not say how to read it.
    pub host: Option<Name>,
}

/// What happened on an SMP, as far as it leaves evidence: what `verify` looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happenings {
    /// What clients fetched, sorted.
    pub fetches: Observed<Vec<Fetch>>,
    /// The load of site servers.
    pub load: Observed<BTreeMap<Guid, Load>>,
    /// Disk images, sorted.
    pub images: Observed<Vec<Image>>,
}
