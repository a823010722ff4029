//! Checks of subnets: whose they are and how they lie in each other.
//!
//! Pure. One sweep over the sorted subnets a check; what a subnet lies in is found by going up, at most 32 times.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{
    InvalidSubnets, Standing, article, count, deploys, kind, quoted, server_name, server_object,
    server_place, site_names, site_object, subnet_object, subnet_place,
};
use crate::model::{Attestation, Guid, Name, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World, enclosing};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "subnet-in-two-sites",
        severity: "error",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "one subnet belongs to two sites",
        explanation: "The SMP serves the addresses of such a subnet from either site, and nobody can say which server a \
             client will get. Let one site only have it. Between the two calls that move a subnet it may be in both \
             for a moment; that is no finding.",
        sources: &[article::SITES],
        run: in_two_sites,
    },
    Check {
        id: "subnet-overlap",
        severity: "error where a DeploymentSite has the outer or an equal prefix; info where a deployment prefix lies \
             inside a declared site; warning else",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "subnets of different sites overlap",
        explanation: "The most specific assigned subnet decides the site of an address, so overlapping subnets work only \
             as long as everybody knows all of them: they are the usual cause of a wrong server. A small carve-out for \
             deployment clients is fine where both sites are declared. Around the subnets of others, a deployment \
             site would catch clients that nobody wants to image. Make all other boundaries exact.",
        sources: &[article::SITES],
        run: overlap,
    },
    Check {
        id: "host-carve-out",
        severity: "warning; info once somebody has vouched for it",
        phases: &[Phase::Live],
        holds_when: "a /32 of a declared site is a server's own address",
        explanation: "A server in the office network can be made to stand in another site by giving that site the \
             server's own address as a /32. This rests on an assumption, that the SMP goes by the most specific subnet: \
             it may go by the mask of the server's inventory instead, and then the server serves the enclosing site as \
             before. An address inside the deployment subnet rests on nothing. Where the server cannot move, apply, \
             wait until the agents have registered anew, and look: no client of the enclosing site may be registered \
             with it (`verify`), and the list of that site's servers must not show it. `attest \
             host-carve-out:ADDRESS/32` then settles it, for this server.",
        sources: &[article::SITES],
        run: host_carve_out,
    },
    Check {
        id: "carve-out-stale",
        severity: "error; warning where it is not known whether a client has the address",
        phases: &[Phase::Live],
        holds_when: "a /32 that was carved out for a server is no longer its address",
        explanation: "A server that gets another address leaves its carve-out behind: it serves the enclosing site again, \
             and whoever gets the old address is taken for a deployment client. Replace the /32 by the new address. A \
             /32 that a client has is a carve-out of that client, and no finding.",
        sources: &[article::SITES],
        run: stale,
    },
    Check {
        id: "supernet",
        severity: "warning",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "a declared or live subnet, host carve-outs apart, encloses subnets of other sites",
        explanation: "A supernet mostly comes of one client with a wide mask: its inventory creates the subnet, and \
             every network that nobody assigned falls into the supernet's site at once. Declare exact subnets in its \
             place and delete it. The core setting InvalidSubnets, a regular expression, then keeps inventory from \
             creating it again.",
        sources: &[article::SITES, article::SUPERNETS],
        run: supernet,
    },
];

fn in_two_sites(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
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
                quoted(site_names(world, sites))
            ),
            remedy: "let one site only have it: an address in two sites is served by either".into(),
            places: sites
                .iter()
                .filter_map(|site| subnet_place(view, *site, *subnet))
                .collect(),
        })
        .collect()
}

fn overlap(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let hosts = Hosts::of(world);
    let mut found = Vec::new();
    for (inner, outer) in nested(world) {
        for (inside, outside) in pairs(world, inner, outer) {
            // The carve-out of a server's own address is a check of its own.
            if deploys(world, outside) || !hosts.carved_out(world, inner, inside) {
                found.push(overlapping(view, (inner, inside), (outer, outside)));
            }
        }
    }
    for (subnet, sites) in &world.subnets {
        let Some(deployment) = sites.iter().find(|site| deploys(world, **site)) else {
            continue;
        };
        for other in sites.iter().filter(|other| *other != deployment) {
            found.push(Finding {
                objects: [
                    site_object(world, *deployment),
                    site_object(world, *other),
                    subnet_object(*subnet),
                ]
                .into(),
                severity: Severity::Error,
                message: format!(
                    "deployment site `{}` and `{}` have an equal prefix, `{subnet}`",
                    world.site_name(*deployment),
                    world.site_name(*other)
                ),
                remedy: "give the deployment site exact subnets that hold deployment clients only"
                    .into(),
                places: [*deployment, *other]
                    .into_iter()
                    .filter_map(|site| subnet_place(view, site, *subnet))
                    .collect(),
            });
        }
    }
    found
}

/// Each assigned subnet with the nearest assigned one around it.
fn nested(world: &World) -> Vec<(Subnet, Subnet)> {
    let assigned = world.assigned();
    let subnets = assigned.subnets();
    enclosing(subnets)
        .into_iter()
        .zip(subnets)
        .filter_map(|(parent, inner)| Some((*inner, *subnets.get(parent?)?)))
        .collect()
}

/// The sites of two subnets, one of each, where they differ.
fn pairs(world: &World, inner: Subnet, outer: Subnet) -> Vec<(SiteIndex, SiteIndex)> {
    let sites = |subnet| world.subnets.get(&subnet).into_iter().flatten().copied();
    sites(inner)
        .flat_map(|inside| sites(outer).map(move |outside| (inside, outside)))
        .filter(|(inside, outside)| inside != outside)
        .collect()
}

fn overlapping(
    view: &View<'_>,
    (inner, inside): (Subnet, SiteIndex),
    (outer, outside): (Subnet, SiteIndex),
) -> Finding {
    let world = view.world;
    let (severity, remedy) = if deploys(world, outside) {
        (
            Severity::Error,
            "give the deployment site exact subnets that hold deployment clients only",
        )
    } else if deploys(world, inside) && kind(world, outside).is_some() {
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
        places: [
            subnet_place(view, inside, inner),
            subnet_place(view, outside, outer),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// The own addresses of servers.
struct Hosts {
    servers: BTreeMap<Ipv4Addr, BTreeSet<Guid>>,
}

impl Hosts {
    fn of(world: &World) -> Self {
        let mut servers: BTreeMap<Ipv4Addr, BTreeSet<Guid>> = BTreeMap::new();
        for (guid, server) in &world.servers {
            for (address, _) in server.addresses.iter().flatten() {
                servers.entry(*address).or_default().insert(*guid);
            }
        }
        Self { servers }
    }

    /// The server whose own address a subnet is.
    fn server(&self, subnet: Subnet) -> Option<Guid> {
        if subnet.prefix() != 32 {
            return None;
        }
        self.servers.get(&subnet.network())?.first().copied()
    }

    /// Whether a declared site has a server's own address.
    fn carved_out(&self, world: &World, subnet: Subnet, site: SiteIndex) -> bool {
        kind(world, site).is_some() && self.server(subnet).is_some()
    }
}

/// The server whose own address a /32 is.
#[must_use]
pub fn host_at(world: &World, subnet: Subnet) -> Option<Name> {
    let server = Hosts::of(world).server(subnet)?;
    Some(Name::new(&server_name(world, server)))
}

/// Somebody's word that a carve-out takes this very server along.
fn vouched<'a>(view: &View<'a>, subnet: Subnet, server: &str) -> Option<&'a Attestation> {
    view.ownership?
        .attestations
        .get(&format!("host-carve-out:{subnet}"))
        .filter(|word| Name::new(&word.value) == Name::new(server))
}

fn host_carve_out(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let hosts = Hosts::of(world);
    let around: BTreeMap<Subnet, Subnet> = nested(world).into_iter().collect();
    let mut found = Vec::new();
    for (subnet, sites) in &world.subnets {
        let Some(server) = hosts.server(*subnet) else {
            continue;
        };
        for site in sites.iter().filter(|site| kind(world, **site).is_some()) {
            let name = server_name(world, server);
            let outer = around
                .get(subnet)
                .and_then(|outer| Some((*outer, *world.subnets.get(outer)?.first()?)))
                .filter(|(_, outside)| outside != site);
            let (from, prove) = match outer {
                Some((outer, outside)) => (
                    format!(
                        ", carved out of `{outer}` of `{}`",
                        world.site_name(outside)
                    ),
                    format!(
                        "the site servers of `{}` do not show `{name}` once this is applied",
                        world.site_name(outside)
                    ),
                ),
                None => (
                    String::new(),
                    format!(
                        "the site servers of `{}` show `{name}` once this is applied",
                        world.site_name(*site)
                    ),
                ),
            };
            let said = vouched(view, *subnet, &name);
            let (severity, rests) = match said {
                None => (Severity::Warning, "is an assumption".to_owned()),
                Some(Attestation {
                    value: _, // the server
                    reason,
                    by,
                    at: _, // the state keeps it
                }) => (
                    Severity::Info,
                    format!("holds by the word of {by}: {reason}"),
                ),
            };
            let remedy = match said {
                None => format!(
                    "give `{name}` an address inside a subnet of `{}`, or see that {prove}, then `sitewright attest host-carve-out:{subnet} --reason …`",
                    world.site_name(*site)
                ),
                Some(_) => "none".to_owned(),
            };
            found.push(Finding {
                objects: [
                    site_object(world, *site),
                    subnet_object(*subnet),
                    server_object(world, server),
                ]
                .into(),
                severity,
                message: format!(
                    "`{subnet}` of `{}` is the own address of `{name}`{from}: that it takes the server along {rests}",
                    world.site_name(*site)
                ),
                remedy,
                places: subnet_place(view, *site, *subnet)
                    .into_iter()
                    .chain(outer.and_then(|(outer, outside)| subnet_place(view, outside, outer)))
                    .collect(),
            });
        }
    }
    found
}

fn stale(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let Some(surroundings) = view.surroundings() else {
        return Vec::new();
    };
    let hosts = Hosts::of(world);
    let standing = Standing::of(world);
    let clients: Option<BTreeSet<Ipv4Addr>> = surroundings.clients.known().map(|clients| {
        clients
            .iter()
            .flat_map(|client| client.addresses.iter().map(|(address, _)| *address))
            .collect()
    });
    let mut found = Vec::new();
    for (subnet, sites) in &world.subnets {
        if subnet.prefix() != 32 || clients.iter().any(|has| has.contains(&subnet.network())) {
            continue;
        }
        for site in sites.iter().filter(|site| kind(world, **site).is_some()) {
            let holder = hosts.server(*subnet);
            let serves = |server: &Guid| {
                world
                    .sites
                    .get(*site)
                    .is_some_and(|s| s.manual.contains(server))
            };
            if holder.as_ref().is_some_and(serves) {
                continue;
            }
            let left = world.sites.get(*site).into_iter().flat_map(|s| &s.manual);
            for server in left.filter(|server| !standing.sites_of(**server).contains_key(site)) {
                if let Some(address) = address_beside(world, *server, *subnet) {
                    found.push(left_behind(
                        view,
                        (*subnet, *site),
                        (*server, address),
                        holder,
                        clients.is_some(),
                    ));
                }
            }
        }
    }
    found
}

/// The address of a server in the network that a /32 was taken from, by the mask of the server's inventory.
fn address_beside(world: &World, server: Guid, carved: Subnet) -> Option<Ipv4Addr> {
    world
        .servers
        .get(&server)?
        .addresses
        .iter()
        .flatten()
        .find(|(address, prefix)| {
            Subnet::containing(*address, *prefix).is_some_and(|network| network.encloses(carved))
        })
        .map(|(address, _)| *address)
}

fn left_behind(
    view: &View<'_>,
    (subnet, site): (Subnet, SiteIndex),
    (server, address): (Guid, Ipv4Addr),
    holder: Option<Guid>,
    clients_known: bool,
) -> Finding {
    let world = view.world;
    let name = server_name(world, server);
    let (severity, whose) = match holder {
        Some(other) => (
            Severity::Error,
            format!("is the address of `{}`", server_name(world, other)),
        ),
        None if clients_known => (Severity::Error, "is nobody's address".to_owned()),
        None => (
            Severity::Warning,
            "is no server's address (whether a client has it is not known)".to_owned(),
        ),
    };
    let message = format!(
        "`{subnet}` of `{}` {whose}, and `{name}` has `{address}`",
        world.site_name(site)
    );
    Finding {
        objects: [
            site_object(world, site),
            subnet_object(subnet),
            server_object(world, server),
        ]
        .into(),
        severity,
        message,
        remedy: format!(
            "declare `{address}/32` in `{}` in its place",
            world.site_name(site)
        ),
        places: [
            subnet_place(view, site, subnet),
            server_place(view, site, server),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// What a supernet encloses.
#[derive(Default)]
struct Enclosed {
    subnets: usize,
    sites: BTreeSet<SiteIndex>,
    first: Option<(Subnet, SiteIndex)>,
}

fn supernet(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let subnets: Vec<Subnet> = world.subnets.keys().copied().collect();
    let parents = enclosing(&subnets);
    let mut enclosed: BTreeMap<Subnet, Enclosed> = BTreeMap::new();
    for ((inner, sites), parent) in world.subnets.iter().zip(&parents) {
        // A single address was carved out of what is around it, for a server or for a client.
        if inner.prefix() == 32 {
            continue;
        }
        for site in sites {
            let mut at = *parent;
            while let Some((index, outer)) = at.and_then(|at| Some((at, subnets.get(at)?))) {
                at = parents.get(index).copied().flatten();
                if world.subnets.get(outer).is_some_and(|of| of.contains(site)) {
                    continue;
                }
                let entry = enclosed.entry(*outer).or_default();
                entry.subnets += 1;
                entry.sites.insert(*site);
                entry.first.get_or_insert((*inner, *site));
            }
        }
    }
    let declared = InvalidSubnets::declared(view);
    enclosed
        .into_iter()
        .map(|(outer, enclosed)| one_supernet(view, outer, &enclosed, &declared))
        .collect()
}

fn one_supernet(
    view: &View<'_>,
    outer: Subnet,
    enclosed: &Enclosed,
    declared: &InvalidSubnets,
) -> Finding {
    let world = view.world;
    let Enclosed {
        subnets,
        sites,
        first,
    } = enclosed;
    let own = world.subnets.get(&outer).into_iter().flatten();
    let (whose, other) = match quoted(site_names(world, own.clone())) {
        none if none.is_empty() => (", which is in no site,".to_owned(), ""),
        names => (format!(" of {names}"), "other "),
    };
    let example = first.map_or_else(String::new, |(inner, site)| {
        format!(", such as `{inner}` of `{}`", world.site_name(site))
    });
    Finding {
        // What lies inside may be a hundred thousand subnets: their sites stand for them.
        objects: own
            .clone()
            .chain(sites)
            .map(|site| site_object(world, *site))
            .chain([subnet_object(outer)])
            .collect(),
        severity: Severity::Warning,
        message: format!(
            "subnet `{outer}`{whose} encloses {} of {}{example}",
            count(*subnets, "subnet"),
            count(sites.len(), &format!("{other}site")),
        ),
        remedy: declared.remedy(outer),
        places: own
            .filter_map(|site| subnet_place(view, *site, outer))
            .chain(first.and_then(|(inner, site)| subnet_place(view, site, inner)))
            .collect(),
    }
}
