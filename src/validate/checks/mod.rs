//! The table of checks.
//!
//! Pure. Each check looks at one [`View`](super::View); what a view does not know (addresses, roles, facts) never makes
//! an error. Checks stand in groups, a file a group: its part of the table first, then the functions. This file holds
//! the groups and the words that they share.

mod boot;
mod clients;
mod deployment;
mod expression;
mod foreign;
mod hierarchy;
mod imaging;
mod load;
mod members;
mod packages;
mod plug_ins;
mod prevention;
mod roles;
mod servers;
mod standing;
mod subnets;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::net::Ipv4Addr;

use super::{Check, View};
use crate::model::{Declared, Guid, Name, Origin, Role, SiteKind, Subnet};
use crate::select::{SiteIndex, World};

pub(super) use expression::InvalidSubnets;
use standing::Standing;
pub use subnets::host_at;

/// Checks that belong together, with what they are about: the order in which they are documented.
pub const GROUPS: &[(&str, &[Check])] = &[
    ("Boundaries", subnets::CHECKS),
    ("Subnets that come back", expression::CHECKS),
    ("Deployment sites", deployment::CHECKS),
    ("Servers", servers::CHECKS),
    ("Roles", roles::CHECKS),
    ("Load", load::CHECKS),
    ("Plug-ins", plug_ins::CHECKS),
    ("Network boot", boot::CHECKS),
    ("Packages", packages::CHECKS),
    ("Prevented downloads", prevention::CHECKS),
    ("Imaging", imaging::CHECKS),
    ("Clients", clients::CHECKS),
    ("What others own", foreign::CHECKS),
    ("Hierarchy", hierarchy::CHECKS),
    ("Comments", super::allow::CHECKS),
];

/// The articles, as findings cite them: by number where they have one.
pub(super) mod article {
    /// Setting up a Deployment Site.
    pub(crate) const SITES: &str = "431459";
    /// A package server for each SMP of a hierarchy.
    pub(crate) const HIERARCHY: &str = "184143";
    /// Supernets and the `InvalidSubnets` core setting.
    pub(crate) const SUPERNETS: &str = "432283";
    /// Site servers: its text has no number.
    pub(crate) const SITE_SERVERS: &str = "Site Server requirements";
    /// Installation of Task Services: an article of Symantec Connect, without a number.
    pub(crate) const TASK_SERVICES: &str = "Symantec Connect: Installation of Task Services";
}

/// The roles whose choice sites are for.
pub(super) const CHOSEN: [Role; 2] = [Role::Package, Role::Task];

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

/// The same of a server.
pub(super) fn server_object(world: &World, server: Guid) -> String {
    format!("server {}", server_name(world, server).to_lowercase())
}

/// Where a site is declared.
pub(super) fn place(world: &World, site: SiteIndex) -> Option<Origin> {
    world
        .sites
        .get(site)
        .and_then(|site| site.declared.as_ref())
        .map(|(_, origin)| origin.clone())
}

/// Where a site declares a subnet, else where it is declared itself.
pub(super) fn subnet_place(view: &View<'_>, site: SiteIndex, subnet: Subnet) -> Option<Origin> {
    declared(view, site)
        .and_then(|site| site.subnets.as_ref()?.get(&subnet).cloned())
        .or_else(|| place(view.world, site))
}

/// Where a site declares a server, else where it is declared itself.
pub(super) fn server_place(view: &View<'_>, site: SiteIndex, server: Guid) -> Option<Origin> {
    let name = view.world.servers.get(&server).map(|server| &server.name);
    declared(view, site)
        .and_then(|site| {
            let (servers, name) = (site.servers.as_ref()?, name?);
            servers.get(name).or_else(|| {
                servers
                    .iter()
                    .find(|(declared, _)| same_host(declared, name))
                    .map(|(_, origin)| origin)
            })
        })
        .cloned()
        .or_else(|| place(view.world, site))
}

/// Whether a declared name and a computer's name may stand for the same computer.
pub(super) fn same_host(one: &Name, other: &Name) -> bool {
    one == other
        || ((one.domain().is_none() || other.domain().is_none())
            && one.host().eq_ignore_ascii_case(other.host()))
}

/// The declaration of a site.
pub(super) fn declared<'a>(
    view: &View<'a>,
    site: SiteIndex,
) -> Option<&'a crate::model::DesiredSite> {
    let site = view.world.sites.get(site)?;
    site.declared.as_ref()?;
    view.desired?.sites.get(&site.name)
}

/// The subnet of a site that holds an address and that the plan leaves alone, since others have its addresses: the
/// server with that address will stand in the site once that is settled.
pub(super) fn withheld(view: &View<'_>, site: SiteIndex, address: Ipv4Addr) -> Option<Subnet> {
    let subnets = declared(view, site)?.subnets.as_ref()?;
    let mut withheld = view.planned?.takeovers.keys();
    withheld
        .find(|subnet| subnet.contains(address) && subnets.contains_key(subnet))
        .copied()
}

/// What a site declares of Constrain to Site.
pub(super) fn constrain<'a>(view: &View<'a>, site: SiteIndex) -> Option<&'a Declared<bool>> {
    declared(view, site)?.constrain.as_ref()
}

/// What a site is declared as.
pub(super) fn kind(world: &World, site: SiteIndex) -> Option<SiteKind> {
    world
        .sites
        .get(site)
        .and_then(|site| site.declared.as_ref())
        .map(|(kind, _)| *kind)
}

/// Whether a site is declared to serve imaging only.
pub(super) fn deploys(world: &World, site: SiteIndex) -> bool {
    kind(world, site) == Some(SiteKind::DeploymentSite)
}

/// The positions of the sites that are declared to serve imaging only.
pub(super) fn deployment_sites(world: &World) -> impl Iterator<Item = SiteIndex> {
    (0..world.sites.len()).filter(|site| deploys(world, *site))
}

/// Whether a server has a role, as far as that is known.
///
/// Declarations alone name roles that a server must have; it may have others.
pub(super) fn has(view: &View<'_>, server: Guid, role: Role) -> Option<bool> {
    let roles = view.world.servers.get(&server)?.roles.as_ref()?;
    if roles.contains(&role) {
        return Some(true);
    }
    view.snapshot.map(|_| false)
}

/// Of the roles whose choice sites are for, those that a server is known to have, such as `package and task`.
pub(super) fn chosen_roles(world: &World, server: Guid) -> Vec<Role> {
    CHOSEN
        .into_iter()
        .filter(|role| world.has_role(server, *role))
        .collect()
}

/// Roles in words: `package and task`.
pub(super) fn role_words(roles: &[Role]) -> String {
    let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    words.join(" and ")
}

/// Whether the SMP was asked for its sites and subnets, and said all of them.
pub(super) fn boundaries_known(view: &View<'_>) -> bool {
    view.snapshot.is_some_and(|snapshot| {
        snapshot.sites.known().is_some() && snapshot.subnets.known().is_some()
    })
}

/// Names in backticks: `` `a`, `b` and `c` ``.
pub(super) fn quoted<I: IntoIterator<Item = T>, T: std::fmt::Display>(items: I) -> String {
    let list: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    joined(&list)
}

/// The first three in backticks, and how many there are beside: `` `a`, `b`, `c` and 4 more ``.
pub(super) fn some<I: IntoIterator<Item = T>, T: std::fmt::Display>(items: I) -> String {
    let mut items = items.into_iter();
    let mut list: Vec<String> = items
        .by_ref()
        .take(3)
        .map(|item| format!("`{item}`"))
        .collect();
    match items.count() {
        0 => {}
        more => list.push(format!("{more} more")),
    }
    joined(&list)
}

/// Words with commas between them and `and` before the last.
pub(super) fn joined(list: &[String]) -> String {
    match list.split_last() {
        Some((end, others)) if !others.is_empty() => format!("{} and {end}", others.join(", ")),
        _ => list.concat(),
    }
}

/// A number with its noun: `1 subnet`, `12 subnets`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The name of a server, its GUID where the world does not know it.
pub(super) fn server_name(world: &World, server: Guid) -> String {
    world
        .servers
        .get(&server)
        .map_or_else(|| server.to_string(), |server| server.name.to_string())
}

/// The names of sites, sorted: their positions follow GUIDs, which say nothing to people.
pub(super) fn site_names<'a>(
    world: &'a World,
    sites: impl IntoIterator<Item = &'a SiteIndex>,
) -> Vec<&'a str> {
    let mut names: Vec<&str> = sites
        .into_iter()
        .map(|site| world.site_name(*site))
        .collect();
    names.sort_unstable();
    names
}

/// The names of servers, sorted.
pub(super) fn server_names<'a>(
    world: &World,
    servers: impl IntoIterator<Item = &'a Guid>,
) -> Vec<String> {
    let mut names: Vec<String> = servers
        .into_iter()
        .map(|server| server_name(world, *server))
        .collect();
    names.sort();
    names
}
