//! Checks of servers: whom they serve beside whom they are meant for.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{kind, place, quoted, server_name, site_object, subnet_object};
use crate::model::{Guid, Role, SiteKind, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "flat-lan",
    severity: "error where a deployment server shares addresses of another site; warning where addresses are in no site",
    phases: &[Phase::Live],
    holds_when: "several servers of one role are valid for the same addresses and latency decides",
    explanation: "In one LAN the latency of two servers hardly differs, so agents drift between them. Put the subnets \
             into sites, each with the servers that are to serve it.",
    sources: &["431459"],
    run: flat_lan,
}];

/// The roles whose choice sites are for.
const CHOSEN: [Role; 2] = [Role::Package, Role::Task];

pub(super) fn flat_lan(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let mut found = shared_deployment_servers(world);
    found.extend(unchosen(world));
    found
}

/// A deployment site's server that is also a candidate for the addresses of another site.
fn shared_deployment_servers(world: &World) -> Vec<Finding> {
    let automatic = world.automatic();
    let has_addresses: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    let mut found = Vec::new();
    for (index, site) in world.sites.iter().enumerate() {
        if kind(world, index) != Some(SiteKind::DeploymentSite) {
            continue;
        }
        for server in &site.manual {
            for (other, neighbour) in world.sites.iter().enumerate() {
                if other == index || !has_addresses.contains(&other) {
                    continue;
                }
                let stands = automatic.get(&other).is_some_and(|s| s.contains(server));
                let assigned = neighbour.manual.contains(server);
                let roles: Vec<Role> = CHOSEN
                    .into_iter()
                    .filter(|role| world.has_role(*server, *role))
                    .collect();
                if !(stands || assigned) || roles.is_empty() {
                    continue;
                }
                let name = server_name(world, *server);
                let how = if stands {
                    "its own address lies there"
                } else {
                    "it is assigned there manually"
                };
                found.push(Finding {
                    objects: [
                        site_object(world, index),
                        site_object(world, other),
                        format!("server {}", name.to_lowercase()),
                    ]
                    .into(),
                    severity: Severity::Error,
                    message: format!(
                        "`{name}` of deployment site `{}` also serves `{}`, since {how}",
                        site.name, neighbour.name
                    ),
                    remedy: if stands {
                        format!(
                            "move `{name}` into the deployment subnet, or declare its own address as a /32 in `{}`",
                            site.name
                        )
                    } else {
                        format!("take the manual assignment to `{}` away", neighbour.name)
                    },
                    places: [index, other]
                        .into_iter()
                        .filter_map(|site| place(world, site))
                        .collect(),
                });
            }
        }
    }
    found
}

/// Known subnets in no site for which several servers of one role are valid.
fn unchosen(world: &World) -> Vec<Finding> {
    let no_sites = world.subnets.values().all(BTreeSet::is_empty);
    // Subnets with the same servers are one finding: a flat LAN has one cause. Lists of servers are numbered, since a
    // hundred thousand subnets may share one of thousands.
    let mut groups: BTreeMap<(usize, Vec<Role>), Vec<Subnet>> = BTreeMap::new();
    let mut lists: BTreeMap<Vec<Guid>, usize> = BTreeMap::new();
    let mut by_address: BTreeMap<Ipv4Addr, BTreeSet<Guid>> = BTreeMap::new();
    for (guid, server) in &world.servers {
        for (address, _) in server.addresses.iter().flatten() {
            by_address.entry(*address).or_default().insert(*guid);
        }
    }
    let everywhere = CHOSEN.map(|role| {
        let servers = world.servers.keys().copied();
        let all: Vec<Guid> = servers.filter(|s| world.has_role(*s, role)).collect();
        (role, all.len(), number(&mut lists, all))
    });
    let assigned = world.assigned();
    for (subnet, sites) in &world.subnets {
        let inherits = assigned.nearest(*subnet).is_some();
        if !sites.is_empty() || inherits {
            continue;
        }
        let (first, last) = subnet.range();
        let standing: BTreeSet<Guid> = by_address
            .range(Ipv4Addr::from(first)..=Ipv4Addr::from(last))
            .flat_map(|(_, servers)| servers.iter().copied())
            .collect();
        let mut by_servers: BTreeMap<usize, Vec<Role>> = BTreeMap::new();
        for (role, all, everyone) in everywhere {
            let near: Vec<Guid> = standing
                .iter()
                .copied()
                .filter(|server| world.has_role(*server, role))
                .collect();
            let (count, valid) = if near.is_empty() && no_sites {
                (all, everyone)
            } else {
                (near.len(), number(&mut lists, near))
            };
            if count > 1 {
                by_servers.entry(valid).or_default().push(role);
            }
        }
        for (servers, roles) in by_servers {
            groups.entry((servers, roles)).or_default().push(*subnet);
        }
    }
    let by_number: BTreeMap<usize, &Vec<Guid>> = lists.iter().map(|(list, n)| (*n, list)).collect();
    groups
        .into_iter()
        .map(|((servers, roles), subnets)| {
            let servers = by_number.get(&servers).copied().into_iter().flatten();
            let mut names: Vec<String> = servers.map(|s| server_name(world, *s)).collect();
            names.sort();
            let others = names.split_off(names.len().min(6));
            if !others.is_empty() {
                names.push(format!("{} more", others.len()));
            }
            let shown: Vec<String> = subnets.iter().take(3).map(ToString::to_string).collect();
            let more = match subnets.len().saturating_sub(shown.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            Finding {
                objects: subnets.iter().map(|subnet| subnet_object(*subnet)).collect(),
                severity: Severity::Warning,
                message: format!(
                    "{} are all valid {} servers for {}{more}, which {} in no site: latency decides, and agents drift",
                    quoted(&names),
                    roles.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(" and "),
                    quoted(&shown),
                    if subnets.len() == 1 { "is" } else { "are" },
                ),
                remedy: "put the subnets into sites, each with the servers that are to serve it".into(),
                places: BTreeSet::new(),
            }
        })
        .collect()
}

/// The number of a list of servers.
fn number(lists: &mut BTreeMap<Vec<Guid>, usize>, list: Vec<Guid>) -> usize {
    let next = lists.len();
    *lists.entry(list).or_insert(next)
}
