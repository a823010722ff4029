//! The table of checks.
//!
//! Pure. Each check looks at one [`View`](super::View); what a view does not know (addresses, roles, facts) never makes
//! an error. Checks stand in groups, a file a group: its part of the table first, then the functions. This file holds
//! the groups and the words that they share.

mod boot;
mod imaging;
mod load;
mod members;
mod packages;
mod plug_ins;
mod roles;
mod servers;
mod subnets;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use super::Check;
use crate::model::{Guid, Origin, SiteKind, Subnet};
use crate::select::{SiteIndex, World};

/// Checks that belong together, with what they are about: the order in which they are documented.
pub const GROUPS: &[(&str, &[Check])] = &[
    ("Boundaries", subnets::CHECKS),
    ("Servers", servers::CHECKS),
    ("Roles", roles::CHECKS),
    ("Load", load::CHECKS),
    ("Plug-ins", plug_ins::CHECKS),
    ("Network boot", boot::CHECKS),
    ("Packages", packages::CHECKS),
    ("Imaging", imaging::CHECKS),
    ("Comments", super::allow::CHECKS),
];

/// Every check.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    GROUPS.iter().flat_map(|(_, checks)| checks.iter())
}

/// How a site is named among the objects of a finding.
pub(super) fn site_object(world: &World, site: SiteIndex) -> String {
    format!("site {}", world.site_name(site).to_lowercase())
}

/// The same of a subnet.
pub(super) fn subnet_object(subnet: Subnet) -> String {
    format!("subnet {subnet}")
}

/// Where a site is declared.
pub(super) fn place(world: &World, site: SiteIndex) -> Option<Origin> {
    world
        .sites
        .get(site)
        .and_then(|site| site.declared.as_ref())
        .map(|(_, origin)| origin.clone())
}

/// What a site is declared as.
pub(super) fn kind(world: &World, site: SiteIndex) -> Option<SiteKind> {
    world
        .sites
        .get(site)
        .and_then(|site| site.declared.as_ref())
        .map(|(kind, _)| *kind)
}

/// Names in backticks: `` `a`, `b` and `c` ``.
pub(super) fn quoted<I: IntoIterator<Item = T>, T: std::fmt::Display>(items: I) -> String {
    let list: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    match list.split_last() {
        Some((end, others)) if !others.is_empty() => format!("{} and {end}", others.join(", ")),
        _ => list.concat(),
    }
}

/// The name of a server, its GUID where the world does not know it.
pub(super) fn server_name(world: &World, server: Guid) -> String {
    world
        .servers
        .get(&server)
        .map_or_else(|| server.to_string(), |server| server.name.to_string())
}
