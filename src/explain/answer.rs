//! What is answered, in names instead of GUIDs: the types behind the text for people and the JSON for programs.
//!
//! Pure. Names are sorted without regard to case, so that the same world gives the same bytes.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Guid, Name, Role, Subnet};

/// Which world is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// What is there.
    Live,
    /// What will be there once the plan is applied.
    Desired,
}

/// Something for each role that is predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Roles<T> {
    /// For packages.
    pub package: T,
    /// For tasks.
    pub task: T,
    /// For network boot.
    pub network_boot: T,
}

impl<T> Roles<T> {
    /// Asks for each role.
    pub fn each(mut ask: impl FnMut(Role) -> T) -> Self {
        Self {
            package: ask(Role::Package),
            task: ask(Role::Task),
            network_boot: ask(Role::NetworkBoot),
        }
    }

    /// The roles in the order in which they are shown.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &T)> {
        let Self {
            package,
            task,
            network_boot,
        } = self;
        [
            (Role::Package, package),
            (Role::Task, task),
            (Role::NetworkBoot, network_boot),
        ]
        .into_iter()
    }
}

/// How one server is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Pick {
    /// There is one only.
    Only,
    /// By chance.
    Random,
    /// By the agent.
    Agent,
    /// There is none.
    None,
    /// It cannot be said.
    Indeterminate,
}

impl Pick {
    /// The word for it, the same as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Random => "random",
            Self::Agent => "agent",
            Self::None => "none",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// One reading of sources that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// What is read so, and where.
    pub source: String,
    /// The servers by it, sorted; empty where it leaves nobody.
    pub servers: Vec<Name>,
}

/// Which servers may be used, how one of them is picked, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Every server that may be used, by any reading, sorted.
    pub servers: Vec<Name>,
    /// How one of them is picked.
    pub choice: Pick,
    /// Why, in a sentence.
    pub reason: String,
    /// Where the rule is written; empty where nothing needs one.
    pub source: String,
    /// The readings, where the choice is `indeterminate`; else empty.
    pub readings: Vec<Alternative>,
}

/// A subnet that holds an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matching {
    /// The subnet.
    pub subnet: Subnet,
    /// The sites it is assigned to itself; empty where it is in none.
    pub sites: Vec<Name>,
}

/// Whether a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Eligibility {
    /// It is among those that are chosen from.
    In,
    /// It is by some reading of the sources and not by others.
    Perhaps,
    /// It is not.
    Out,
}

/// A server that comes into question for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its name.
    pub server: Name,
    /// Whether it serves.
    pub verdict: Eligibility,
    /// Whether it stands in the site by its own address.
    pub automatic: bool,
    /// Whether it is assigned to the site by hand.
    pub manual: bool,
    /// What speaks against it.
    pub obstacles: Vec<String>,
}

/// Where one address stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The address.
    pub address: Ipv4Addr,
    /// Its site; null where it is in none or in several.
    pub site: Option<Name>,
    /// All its sites.
    pub sites: Vec<Name>,
    /// The most specific subnet that belongs to a site, which decides; null where there is none.
    pub subnet: Option<Subnet>,
    /// Every known subnet that holds the address, from the most specific.
    pub matching: Vec<Matching>,
}

/// One address of a client, by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneOf {
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Who would serve it if it were the only one.
    pub roles: Roles<Outcome>,
}

/// The task server that a client is registered with now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// The server; null where it is registered with none.
    pub server: Option<Name>,
    /// Whether the prediction allows that.
    pub predicted: bool,
}

/// Which servers give a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PackageOutcome {
    /// The package.
    pub name: Name,
    /// Its GUID.
    pub guid: Guid,
    /// The package servers that hold it, sorted; null where that is not known.
    pub holders: Option<Vec<Name>>,
    /// Which of them may be used.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Which servers serve an address or a client, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What was asked for, as it was written.
    pub asked: String,
    /// Which world.
    pub world: Basis,
    /// The client; null where an address was asked for.
    pub client: Option<Name>,
    /// The address; null for a client with several.
    pub address: Option<Ipv4Addr>,
    /// The site; null where there is none or there are several.
    pub site: Option<Name>,
    /// All sites.
    pub sites: Vec<Name>,
    /// The most specific subnet that belongs to a site, which decides; null where there is none, and for a client with
    /// several addresses.
    pub subnet: Option<Subnet>,
    /// Every known subnet that holds an address, from the most specific.
    pub matching: Vec<Matching>,
    /// Who serves.
    pub roles: Roles<Outcome>,
    /// Who comes into question; left out where it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Roles<Vec<Candidate>>>,
    /// Who gives the packages that were asked for.
    pub packages: Vec<PackageOutcome>,
    /// The task server that the client is registered with; null for addresses, and where that cannot be read.
    pub registered: Option<Registered>,
    /// Why it cannot be read whom the client is registered with; null where it can, and for addresses.
    pub registered_unknown: Option<String>,
    /// Each address of a client by itself.
    pub addresses: Vec<OneOf>,
}
