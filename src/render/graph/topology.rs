//! Sites, their subnets, and the servers that serve them, as declared or as they are.
//!
//! Pure. Servers lead to the sites that they serve, sites to their subnets. A dashed line is a server that serves a site
//! since its own address stands in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, Shape};
use crate::model::{Desired, DesiredServer, DesiredSite, Guid, Name, Role, SiteKind};
use crate::select::{SiteIndex, World, WorldServer, WorldSite};

/// What manifests say, without asking a server: memberships that are automatic cannot be known.
#[must_use]
pub fn of_declaration(desired: &Desired) -> Graph {
    let Desired {
        sites,
        servers,
        packages: _, // assignments are no topology
        settings: _,
        allowed: _,
    } = desired;
    let mut graph = Graph::default();
    let mut names: BTreeSet<&Name> = servers.keys().collect();
    names.extend(
        sites
            .values()
            .flat_map(|site| site.servers.iter().flatten())
            .map(|(name, _)| name),
    );
    let whole = spelt_out(&names);
    let mut positions: BTreeMap<&Name, usize> = BTreeMap::new();
    for name in names.iter().filter(|name| whole.get(*name) == Some(*name)) {
        let roles: BTreeSet<Role> = servers
            .values()
            .filter(|server| whole.get(&server.name) == Some(name))
            .flat_map(|server| {
                let DesiredServer {
                    name: _, // the key
                    roles,
                    origin: _, // a place
                } = server;
                roles.keys().copied()
            })
            .collect();
        let lines = vec![name.to_string(), listed(&roles)];
        positions.insert(name, graph.node(Shape::Box, spoken(lines)));
    }
    for site in sites.values() {
        let DesiredSite {
            name,
            kind,
            origin: _,      // a place
            description: _, // for people who look at the site
            subnets,
            servers,
            constrain,
            deploy_tasks: _, // assignments are no topology
            formerly: _,     // what it was called
            lifecycle: _,    // protection is no topology
        } = site;
        let constrained = constrain.as_ref().is_some_and(|on| on.value);
        let to = graph.node(Shape::Folder, site_lines(name, Some(*kind), constrained));
        for (server, _) in servers.iter().flatten() {
            let from = whole.get(server).and_then(|name| positions.get(*name));
            if let Some(from) = from {
                graph.edge(*from, to, "by hand".into(), false);
            }
        }
        for (subnet, _) in subnets.iter().flatten() {
            let subnet = graph.node(Shape::Round, vec![subnet.to_string()]);
            graph.edge(to, subnet, String::new(), false);
        }
    }
    graph
}

/// The longest spelling of each server's name: a host name stands for the one full name that begins with it.
fn spelt_out<'n>(names: &BTreeSet<&'n Name>) -> BTreeMap<&'n Name, &'n Name> {
    let mut by_host: BTreeMap<String, Vec<&'n Name>> = BTreeMap::new();
    for name in names {
        if let Some((host, _)) = name.as_str().split_once('.') {
            by_host.entry(host.to_lowercase()).or_default().push(name);
        }
    }
    names
        .iter()
        .map(|name| {
            let full = by_host.get(&name.as_str().to_lowercase());
            match full.map(Vec::as_slice) {
                Some([only]) => (*name, *only),
                _ => (*name, *name),
            }
        })
        .collect()
}

/// What a server holds, or would hold after a plan.
#[must_use]
pub fn of_world(world: &World) -> Graph {
    let mut graph = Graph::default();
    let standing = world.automatic();
    let mut serving: BTreeSet<Guid> = world
        .sites
        .iter()
        .flat_map(|site| &site.manual)
        .copied()
        .collect();
    serving.extend(
        world
            .servers
            .iter()
            .filter(|(_, server)| server.roles.as_ref().is_some_and(|roles| !roles.is_empty()))
            .map(|(guid, _)| *guid),
    );
    let mut servers: Vec<(&Name, Guid)> = serving
        .iter()
        .filter_map(|guid| Some((&world.servers.get(guid)?.name, *guid)))
        .collect();
    servers.sort();
    let mut positions: BTreeMap<Guid, usize> = BTreeMap::new();
    for (_, guid) in servers {
        if let Some(server) = world.servers.get(&guid) {
            let lines = server_lines(server, world.platform == Some(guid));
            positions.insert(guid, graph.node(Shape::Box, lines));
        }
    }
    let mut sites: Vec<(&Name, Option<Guid>, SiteIndex)> = world
        .sites
        .iter()
        .enumerate()
        .map(|(index, site)| (&site.name, site.guid, index))
        .collect();
    sites.sort();
    let mut inside: BTreeMap<SiteIndex, usize> = BTreeMap::new();
    for (_, _, index) in sites {
        let Some(site) = world.sites.get(index) else {
            continue;
        };
        let WorldSite {
            name,
            guid: _, // the name is what people know
            declared,
            manual,
            constrained,
        } = site;
        let kind = declared.as_ref().map(|(kind, _)| *kind);
        let to = graph.node(
            Shape::Folder,
            site_lines(name, kind, *constrained == Some(true)),
        );
        inside.insert(index, to);
        let nobody = BTreeSet::new();
        let automatic = standing.get(&index).unwrap_or(&nobody);
        for (guid, from) in &positions {
            let (by_hand, by_address) = (manual.contains(guid), automatic.contains(guid));
            let label = match (by_hand, by_address) {
                (true, true) => "by hand, by its address",
                (true, false) => "by hand",
                (false, true) => "by its address",
                (false, false) => continue,
            };
            graph.edge(*from, to, label.into(), !by_hand);
        }
    }
    for (subnet, sites) in &world.subnets {
        let lines = if sites.is_empty() {
            vec![subnet.to_string(), "in no site".into()]
        } else {
            vec![subnet.to_string()]
        };
        let node = graph.node(Shape::Round, lines);
        for site in sites.iter().filter_map(|site| inside.get(site)) {
            graph.edge(*site, node, String::new(), false);
        }
    }
    graph
}

fn server_lines(server: &WorldServer, is_platform: bool) -> Vec<String> {
    let WorldServer {
        name,
        addresses,
        roles,
        answering,
        registered: _, // a fact of the day
    } = server;
    let addresses: Vec<String> = addresses
        .iter()
        .flatten()
        .map(|(address, _)| address.to_string())
        .collect();
    let mut lines = vec![name.to_string(), addresses.join(", ")];
    lines.push(roles.as_ref().map_or_else(String::new, listed));
    if is_platform {
        lines.push("the SMP".into());
    }
    if *answering == Some(false) {
        lines.push("down".into());
    }
    spoken(lines)
}

fn site_lines(name: &Name, kind: Option<SiteKind>, constrained: bool) -> Vec<String> {
    let kind = match kind {
        Some(SiteKind::DeploymentSite) => "deployment site",
        Some(SiteKind::Site) | None => "site",
    };
    let more = if constrained { ", constrained" } else { "" };
    vec![name.to_string(), format!("{kind}{more}")]
}

fn listed(roles: &BTreeSet<Role>) -> String {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    roles.join(", ")
}

fn spoken(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}
