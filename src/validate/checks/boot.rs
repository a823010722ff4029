//! Checks of network boot: how many servers answer in one broadcast domain, and whether clients reach one at all.
//!
//! Pure. A broadcast domain is told by a server's inventory, address and mask: what the prefixes of sites say does not
//! divide it.

use std::collections::{BTreeMap, BTreeSet};

use super::members::{Members, Places, server_object, servers_named, some};
use super::{place, site_object};
use crate::model::{Guid, Origin, Role, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "two-network-boot",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "more than one server answers network boot in a broadcast domain, the SMP counted",
        explanation: "Every network-boot server that hears a PXE request answers it, and a client that gets two answers \
             may get stuck between them. Only one server in a subnet should have network boot, the SMP included. A /32 \
             that is carved out for a server does not part its broadcast domain: inventory address and mask tell it. Take \
             the service off all but one.",
        sources: &["180278"],
        run: two,
    },
    Check {
        id: "network-boot-remote",
        severity: "info",
        phases: &[Phase::Live],
        holds_when: "a site's network-boot server is in none of the subnets of its clients",
        explanation: "PXE requests are broadcasts and end at the router. Where the network-boot server stands in another \
             subnet than the clients, the router must relay DHCP to it (an IP helper), or clients find no boot server. \
             Ask the network team for the relay, or let a server inside the subnet answer.",
        sources: &["180278"],
        run: remote,
    },
];

/// Servers that answer PXE requests. The plug-in alone does not: it may be there, and its services not in use.
fn answering(world: &World) -> BTreeSet<Guid> {
    let servers = world.servers.keys().copied();
    servers
        .filter(|server| world.has_role(*server, Role::NetworkBoot))
        .collect()
}

/// The networks in which a server stands by its inventory.
fn networks(world: &World, server: Guid) -> BTreeSet<Subnet> {
    let addresses = world
        .servers
        .get(&server)
        .and_then(|s| s.addresses.as_ref());
    addresses
        .into_iter()
        .flatten()
        .filter_map(|(address, prefix)| Subnet::containing(*address, *prefix))
        .collect()
}

pub(super) fn two(view: &View<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let mut by_network: BTreeMap<Subnet, BTreeSet<Guid>> = BTreeMap::new();
    for server in answering(world) {
        for network in networks(world, server) {
            by_network.entry(network).or_default().insert(server);
        }
    }
    by_network
        .into_iter()
        .filter(|(_, servers)| servers.len() > 1)
        .map(|(network, servers)| {
            let smp = world.platform.filter(|smp| servers.contains(smp));
            let (all, others) = if servers.len() == 2 {
                ("both", "other")
            } else {
                ("all", "others")
            };
            Finding {
                objects: servers
                    .iter()
                    .map(|server| server_object(world, *server))
                    .collect(),
                severity: Severity::Error,
                message: format!(
                    "{} {all} answer network boot in `{network}`, the broadcast domain of their inventory{}",
                    servers_named(world, &servers),
                    if smp.is_some() {
                        "; one of them is the SMP"
                    } else {
                        ""
                    }
                ),
                remedy: format!(
                    "let one of them only have network boot: take the service and its plug-in off the {others}"
                ),
                places: servers
                    .iter()
                    .filter_map(|server| places.role(*server, Role::NetworkBoot))
                    .collect(),
            }
        })
        .collect()
}

pub(super) fn remote(view: &View<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let members = Members::of(world);
    let mut subnets: BTreeMap<SiteIndex, Vec<Subnet>> = BTreeMap::new();
    for (subnet, sites) in &world.subnets {
        // A single address is carved out for a server: no client boots there.
        for site in sites.iter().filter(|_| subnet.prefix() < 32) {
            subnets.entry(*site).or_default().push(*subnet);
        }
    }
    let answering = answering(world);
    let mut found = Vec::new();
    for (site, subnets) in subnets {
        let servers: BTreeSet<Guid> = members
            .servers(site)
            .intersection(&answering)
            .copied()
            .collect();
        let known = |server: &Guid| {
            let server = world.servers.get(server);
            server.is_some_and(|server| server.addresses.is_some())
        };
        if servers.is_empty() || !servers.iter().all(known) {
            continue;
        }
        let standing: BTreeSet<Subnet> = servers
            .iter()
            .flat_map(|server| networks(world, *server))
            .collect();
        let reached = |subnet: &Subnet| {
            standing
                .iter()
                .any(|network| network.encloses(*subnet) || subnet.encloses(*network))
        };
        let far: Vec<Subnet> = subnets.into_iter().filter(|s| !reached(s)).collect();
        if far.is_empty() {
            continue;
        }
        let shown = far.iter().map(|subnet| format!("`{subnet}`")).collect();
        let declared: BTreeSet<Origin> = servers
            .iter()
            .filter_map(|server| places.role(*server, Role::NetworkBoot))
            .collect();
        let stands = if servers.len() == 1 {
            "stands"
        } else {
            "stand"
        };
        found.push(Finding {
            objects: servers
                .iter()
                .map(|server| server_object(world, *server))
                .chain([site_object(world, site)])
                .collect(),
            severity: Severity::Info,
            message: format!(
                "{}, network boot of `{}`, {stands} outside {}: clients there need a DHCP relay",
                servers_named(world, &servers),
                world.site_name(site),
                some(shown)
            ),
            remedy: "have the router relay DHCP to it, or let a server inside the subnet answer"
                .into(),
            places: declared.into_iter().chain(place(world, site)).collect(),
        });
    }
    found
}
