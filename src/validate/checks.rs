//! The table of checks.
//!
//! Pure. Each check looks at one [`World`]; what a world does not know (addresses, roles) never makes an error.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{Check, Finding};
use crate::model::{Guid, Origin, Role, SiteKind, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World, enclosing};

/// Every check, in the order in which they are documented.
pub const CHECKS: &[Check] = &[
    Check {
        id: "subnet-in-two-sites",
        holds_when: "one subnet belongs to two sites",
        source: "431459",
        run: subnet_in_two_sites,
    },
    Check {
        id: "subnet-overlap",
        holds_when: "subnets of different sites overlap",
        source: "431459",
        run: subnet_overlap,
    },
    Check {
        id: "flat-lan",
        holds_when: "several servers of one role are valid for the same addresses and no site chooses between them",
        source: "431459",
        run: flat_lan,
    },
];

/// The roles whose choice sites are for.
const CHOSEN: [Role; 2] = [Role::Package, Role::Task];

fn site_object(world: &World, site: SiteIndex) -> String {
    format!("site {}", world.site_name(site).to_lowercase())
}

fn subnet_object(subnet: Subnet) -> String {
    format!("subnet {subnet}")
}

fn place(world: &World, site: SiteIndex) -> Option<Origin> {
    world
        .sites
        .get(site)
        .and_then(|site| site.declared.as_ref())
        .map(|(_, origin)| origin.clone())
}

fn kind(world: &World, site: SiteIndex) -> Option<SiteKind> {
    world
        .sites
        .get(site)
        .and_then(|site| site.declared.as_ref())
        .map(|(kind, _)| *kind)
}

fn quoted<I: IntoIterator<Item = T>, T: std::fmt::Display>(items: I) -> String {
    let list: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    match list.split_last() {
        Some((end, others)) if !others.is_empty() => format!("{} and {end}", others.join(", ")),
        _ => list.concat(),
    }
}

fn subnet_in_two_sites(world: &World) -> Vec<Finding> {
    world
        .subnets
        .iter()
        .filter(|(_, sites)| sites.len() > 1)
        .map(|(subnet, sites)| Finding {
            objects: sites
                .iter()
                .map(|site| site_object(world, *site))
                .chain([subnet_object(*subnet)])
                .collect(),
            severity: Severity::Error,
            message: format!(
                "subnet `{subnet}` belongs to {}",
                quoted(sites.iter().map(|site| world.site_name(*site)))
            ),
            remedy: "let one site only have it: an address in two sites is served by either".into(),
            places: sites
                .iter()
                .filter_map(|site| place(world, *site))
                .collect(),
        })
        .collect()
}

fn subnet_overlap(world: &World) -> Vec<Finding> {
    let assigned: Vec<Subnet> = world
        .subnets
        .iter()
        .filter(|(_, sites)| !sites.is_empty())
        .map(|(subnet, _)| *subnet)
        .collect();
    let mut found = Vec::new();
    for (index, parent) in enclosing(&assigned).into_iter().enumerate() {
        let pair = assigned
            .get(index)
            .zip(parent.and_then(|parent| assigned.get(parent)));
        let Some((inner, outer)) = pair else {
            continue;
        };
        let sites = |subnet: &Subnet| world.subnets.get(subnet).cloned().unwrap_or_default();
        for inside in sites(inner) {
            for outside in sites(outer) {
                if inside != outside {
                    found.push(overlap(world, (*inner, inside), (*outer, outside)));
                }
            }
        }
    }
    found
}

fn overlap(
    world: &World,
    (inner, inside): (Subnet, SiteIndex),
    (outer, outside): (Subnet, SiteIndex),
) -> Finding {
    let deployment = |site| kind(world, site) == Some(SiteKind::DeploymentSite);
    let carve_out = inner.prefix() == 32
        && world.sites.get(inside).is_some_and(|site| {
            site.declared.is_some()
                && site.manual.iter().any(|server| {
                    world
                        .servers
                        .get(server)
                        .and_then(|server| server.addresses.as_ref())
                        .is_some_and(|addresses| {
                            addresses
                                .iter()
                                .any(|(address, _)| *address == inner.network())
                        })
                })
        });
    let (severity, remedy) = if deployment(outside) {
        (
            Severity::Error,
            "give the deployment site exact subnets that hold deployment clients only",
        )
    } else if carve_out {
        (
            Severity::Info,
            "a server's own address is carved out: this rests on the assumption that the most specific subnet decides a server's site",
        )
    } else if deployment(inside) && kind(world, outside).is_some() {
        (
            Severity::Info,
            "a small carve-out for deployment clients is fine where both sites are declared",
        )
    } else {
        (
            Severity::Warning,
            "make the boundaries exact: overlapping subnets are the usual cause of a wrong server",
        )
    };
    Finding {
        objects: [
            site_object(world, inside),
            site_object(world, outside),
            subnet_object(inner),
            subnet_object(outer),
        ]
        .into(),
        severity,
        message: format!(
            "subnet `{inner}` of `{}` lies inside `{outer}` of `{}`",
            world.site_name(inside),
            world.site_name(outside)
        ),
        remedy: remedy.into(),
        places: [inside, outside]
            .into_iter()
            .filter_map(|site| place(world, site))
            .collect(),
    }
}

fn flat_lan(world: &World) -> Vec<Finding> {
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

fn server_name(world: &World, server: Guid) -> String {
    world
        .servers
        .get(&server)
        .map_or_else(|| server.to_string(), |server| server.name.to_string())
}
