//! What is said of a site server: whom it serves, what it holds, and who is left alone without it.
//!
//! Pure.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{Basis, Outcome, Roles};
use crate::model::{Guid, Name, Role, Subnet};

/// A site that a server belongs to, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The site.
    pub site: Name,
    /// The server's own addresses that put it there, each with the subnet that decides.
    pub automatic: Vec<Own>,
    /// Whether it is assigned by hand.
    pub manual: bool,
}

/// An address of the server that lies in a subnet of a site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Own {
    /// The address.
    pub address: Ipv4Addr,
    /// The most specific assigned subnet that holds it.
    pub subnet: Subnet,
}

/// Addresses next to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
    /// How many there are.
    pub addresses: u64,
}

/// Ranges of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spans {
    /// How many addresses there are in all.
    pub addresses: u64,
    /// The ranges, sorted, none next to another.
    pub ranges: Vec<Span>,
}

/// Clients, where they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clients {
    /// How many.
    pub count: usize,
    /// Their names, sorted.
    pub names: Vec<Name>,
}

/// Addresses that a server serves in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// How: alone, or with which others.
    pub outcome: Outcome,
    /// Which addresses.
    pub spans: Spans,
    /// Which clients; null where clients are not known.
    pub clients: Option<Clients>,
}

/// Whoever a server serves, if it went down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Affected {
    /// Who would serve them instead.
    pub instead: Outcome,
    /// Whether they have a server now and would, by some reading, have none.
    pub stranded: bool,
    /// Which addresses.
    pub spans: Spans,
    /// Which clients; null where clients are not known.
    pub clients: Option<Clients>,
}

/// What its going down would mean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// How many addresses would be left without a server, by some reading.
    pub stranded_addresses: u64,
    /// How many clients would be; null where clients are not known.
    pub stranded_clients: Option<usize>,
    /// Everybody that it serves, by what they would use instead; those left alone first.
    pub affected: Vec<Affected>,
}

/// A package and a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The package.
    pub name: Name,
    /// Its GUID.
    pub guid: Guid,
    /// Whether it is assigned to the server; null where that is not known.
    pub assigned: Option<bool>,
    /// Whether the server holds it; null where that is not known.
    pub holds: Option<bool>,
}

/// How many computers are registered for tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registrations {
    /// How many are now; null where that is not known.
    pub now: Option<u32>,
    /// How many it takes.
    pub limit: u32,
    /// Whether somebody set that limit; else it is the one that article 180399 names.
    pub limit_is_set: bool,
}

/// Whom a site server serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// The server.
    pub server: Name,
    /// Which world.
    pub world: Basis,
    /// Its roles; null where they are not known.
    pub roles: Option<Vec<Role>>,
    /// Whether it answers; null where that is not known.
    pub answering: Option<bool>,
    /// Its own addresses; null where they are not known.
    pub addresses: Option<Vec<Ipv4Addr>>,
    /// Its sites.
    pub sites: Vec<Membership>,
    /// Whom it serves, by how.
    pub serves: Roles<Vec<Use>>,
    /// Who is left alone without it.
    pub down: Roles<Loss>,
    /// How many computers are registered with it.
    pub registrations: Registrations,
    /// Packages that it holds, or that are assigned to it; null where packages are not known.
    pub packages: Option<Vec<Held>>,
    /// Clients whose inventory holds no address, so that nobody can say who serves them; null where clients are not known.
    pub clients_without_address: Option<usize>,
    /// Why clients are not known; null where they are.
    pub clients_unknown: Option<String>,
}
