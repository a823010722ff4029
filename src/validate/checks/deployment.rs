//! Checks of deployment sites: whether they are whole, and whether their servers serve nobody else.
//!
//! Pure.

use std::collections::BTreeSet;

use super::{
    CHOSEN, Standing, article, chosen_roles, constrain, declared, deployment_sites, deploys, has,
    joined, place, quoted, same_host, server_name, server_names, server_object, server_place,
    site_names, site_object, some, subnet_place, withheld,
};
use crate::model::{Guid, Role, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "deployment-site-empty",
        severity: "error",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "a DeploymentSite has no subnet, or no server with the package role, or none with the task role",
        explanation: "Without a subnet no client is ever in the site; without a package server and a task server its \
             clients get images and tasks from somewhere else, mostly from the SMP. Give it the subnet of the \
             deployment network and a server with both roles. Where declarations leave `subnets` or `servers` out, \
             what the SMP holds decides.",
        sources: &[article::SITES],
        run: empty,
    },
    Check {
        id: "smp-in-deployment-site",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "the SMP is assigned to a DeploymentSite, or its address lies in one",
        explanation: "A deployment site is there to take the load of imaging off the SMP. Once the SMP is one of its \
             servers, images and tasks go through it again. Take the assignment away, and keep the SMP's own address \
             out of the deployment subnets.",
        sources: &[article::SITES],
        run: smp_inside,
    },
    Check {
        id: "server-not-dedicated",
        severity: "error; warning where its own address is in no site",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "a DeploymentSite's server also serves another site, by any of its addresses or by assignment",
        explanation: "A server serves every site that has one of its own addresses, and every site that it is assigned \
             to: assigning it to the deployment site does not take it out of the one it stands in. It then carries \
             ordinary traffic, and ordinary clients land on it. Move it into the deployment subnet, or declare its \
             own address as a /32 of the deployment site; take manual assignments to other sites away. Two deployment \
             networks that share a server are one DeploymentSite with two subnets.",
        sources: &[article::SITES, article::HIERARCHY],
        run: not_dedicated,
    },
    Check {
        id: "not-constrained",
        severity: "warning; info where the setting is unavailable",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "a DeploymentSite is not constrained, or Constrain to Site is declared and this SMP lacks it",
        explanation: "Without Constrain to Site, deployment clients fail over to servers of other sites once their own \
             does not answer, and image over the office network. With it they wait. Declare `constrainToSite: true`. \
             Some versions do not have the setting: then only exact boundaries keep clients where they belong.",
        sources: &[article::SITES],
        run: not_constrained,
    },
    Check {
        id: "foreign-failover",
        severity: "warning; info where the setting is unavailable",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "an unconstrained declared site may fail over to a deployment server",
        explanation: "When the servers of a site that is not constrained are down, its clients look for servers of other \
             sites, and the deployment server is one of them: ordinary traffic then lands where imaging should be \
             alone. Constrain the neighbours too where they have servers enough, or accept it knowingly. A firewall \
             may harden this; it does not change what clients try first.",
        sources: &[article::SITES],
        run: foreign_failover,
    },
];

fn empty(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let with_subnets: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    let standing = Standing::of(world);
    deployment_sites(world)
        .filter_map(|site| {
            let mut lacking = Vec::new();
            if !with_subnets.contains(&site) && no_subnet(view, site) {
                lacking.push("no subnet".to_owned());
            }
            let roles: Vec<String> = CHOSEN
                .into_iter()
                .filter(|role| no_server(view, &standing, site, *role))
                .map(|role| format!("no server with the {} role", role.as_str()))
                .collect();
            lacking.extend(roles);
            if lacking.is_empty() {
                return None;
            }
            Some(Finding {
                objects: [site_object(world, site)].into(),
                severity: Severity::Error,
                message: format!(
                    "deployment site `{}` has {}",
                    world.site_name(site),
                    joined(&lacking)
                ),
                remedy: "give it the subnet of the deployment clients and a server with the package and the task role"
                    .into(),
                places: place(world, site).into_iter().collect(),
            })
        })
        .collect()
}

/// Whether it is certain that a site without subnets has none: one that could not be planned is said elsewhere.
fn no_subnet(view: &View<'_>, site: SiteIndex) -> bool {
    let subnets = declared(view, site).and_then(|site| site.subnets.as_ref());
    match subnets {
        Some(subnets) => subnets.is_empty(),
        None => super::boundaries_known(view),
    }
}

/// Whether it is certain that no server of a site has a role.
fn no_server(view: &View<'_>, standing: &Standing, site: SiteIndex, role: Role) -> bool {
    let world = view.world;
    if !super::boundaries_known(view) {
        return false; // who stands in it by its address is not known
    }
    let servers = standing.serving(world, site);
    if servers
        .iter()
        .any(|server| has(view, *server, role) != Some(false))
    {
        return false;
    }
    let unfound = declared(view, site)
        .and_then(|site| site.servers.as_ref())
        .into_iter()
        .flatten()
        .any(|(name, _)| {
            !world
                .servers
                .values()
                .any(|server| same_host(name, &server.name))
        });
    let unplaced = world
        .servers
        .iter()
        .any(|(guid, server)| server.addresses.is_none() && has(view, *guid, role) != Some(false));
    !unfound && !unplaced
}

fn smp_inside(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let Some(smp) = world.platform else {
        return Vec::new();
    };
    let standing = Standing::of(world);
    deployment_sites(world)
        .filter_map(|site| {
            let manual = world
                .sites
                .get(site)
                .is_some_and(|site| site.manual.contains(&smp));
            let stands = standing.sites_of(smp).get(&site);
            let (how, remedy, at) = match (stands, manual) {
                (Some((address, subnet)), _) => (
                    format!("its address `{address}` lies in `{subnet}`"),
                    format!("keep `{address}` out of the deployment subnets"),
                    subnet_place(view, site, *subnet),
                ),
                (None, true) => (
                    "it is assigned manually".to_owned(),
                    "take the assignment away".to_owned(),
                    server_place(view, site, smp),
                ),
                (None, false) => return None,
            };
            Some(Finding {
                objects: [site_object(world, site), server_object(world, smp)].into(),
                severity: Severity::Error,
                message: format!(
                    "the SMP `{}` serves deployment site `{}`: {how}",
                    server_name(world, smp),
                    world.site_name(site)
                ),
                remedy,
                places: at.into_iter().collect(),
            })
        })
        .collect()
}

fn not_dedicated(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let standing = Standing::of(world);
    let with_subnets: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    let mut found = Vec::new();
    for site in deployment_sites(world) {
        for server in standing.serving(world, site) {
            // The SMP in a deployment site is a finding of its own.
            if world.platform == Some(server) || chosen_roles(world, server).is_empty() {
                continue;
            }
            // A pair of deployment sites is said once; a site without subnets has no clients to serve.
            let other = |other: &SiteIndex| {
                *other != site
                    && with_subnets.contains(other)
                    && !(deploys(world, *other) && *other < site)
            };
            let mut automatic: Vec<_> = standing
                .sites_of(server)
                .iter()
                .filter(|(index, _)| other(index))
                .map(|(index, (address, subnet))| (*index, *address, *subnet))
                .collect();
            automatic.sort_by_key(|(_, address, _)| *address);
            let manual: Vec<SiteIndex> = standing
                .manual_sites_of(server)
                .iter()
                .copied()
                .filter(other)
                .collect();
            if !automatic.is_empty() || !manual.is_empty() {
                found.push(serves_others(view, site, server, &automatic, &manual));
            } else if !standing.outside(server).is_empty() && super::boundaries_known(view) {
                found.push(stands_outside(view, &standing, site, server));
            }
        }
    }
    found
}

fn serves_others(
    view: &View<'_>,
    site: SiteIndex,
    server: Guid,
    automatic: &[(SiteIndex, std::net::Ipv4Addr, Subnet)],
    manual: &[SiteIndex],
) -> Finding {
    let world = view.world;
    let name = server_name(world, server);
    let mut how = Vec::new();
    let mut remedies = Vec::new();
    if let Some((first, address, subnet)) = automatic.first() {
        let others = automatic.len() - 1;
        let more = if others == 0 {
            String::new()
        } else {
            format!(" and {others} more by other addresses")
        };
        how.push(format!(
            "`{}` automatically, since its address `{address}` lies in `{subnet}`{more}",
            world.site_name(*first)
        ));
        remedies.push(match withheld(view, site, *address) {
            Some(subnet) => format!(
                "let `{}` have `{subnet}`, in which `{name}` stands: `takeover` says how",
                world.site_name(site)
            ),
            None => format!(
                "move `{name}` into the deployment subnet, or declare `{address}/32` in `{}`",
                world.site_name(site)
            ),
        });
    }
    if !manual.is_empty() {
        let sites = some(site_names(world, manual));
        how.push(format!("{sites} by manual assignment"));
        remedies.push(format!("take the manual assignment to {sites} away"));
    }
    let others = automatic.iter().map(|(site, _, _)| site).chain(manual);
    Finding {
        objects: others
            .chain([&site])
            .map(|site| site_object(world, *site))
            .chain([server_object(world, server)])
            .collect(),
        severity: Severity::Error,
        message: format!(
            "`{name}` of deployment site `{}` also serves {}",
            world.site_name(site),
            how.join(", and ")
        ),
        remedy: remedies.join("; "),
        places: automatic
            .iter()
            .take(3)
            .filter_map(|(other, _, subnet)| subnet_place(view, *other, *subnet))
            .chain(
                manual
                    .iter()
                    .take(3)
                    .filter_map(|other| server_place(view, *other, server)),
            )
            .chain(server_place(view, site, server))
            .collect(),
    }
}

fn stands_outside(view: &View<'_>, standing: &Standing, site: SiteIndex, server: Guid) -> Finding {
    let world = view.world;
    let name = server_name(world, server);
    let addresses = standing.outside(server);
    let hosts = quoted(addresses.iter().map(|address| Subnet::host(*address)));
    Finding {
        objects: [site_object(world, site), server_object(world, server)].into(),
        severity: Severity::Warning,
        message: format!(
            "`{name}` of deployment site `{}` stands at {}, which {} in no site: clients in no site may use it",
            world.site_name(site),
            quoted(addresses),
            if addresses.len() == 1 { "is" } else { "are" },
        ),
        remedy: format!(
            "move `{name}` into the deployment subnet, or declare {hosts} in `{}`",
            world.site_name(site)
        ),
        places: server_place(view, site, server).into_iter().collect(),
    }
}

/// Whether this SMP has Constrain to Site; it has, unless the operator says otherwise.
fn can_constrain(view: &View<'_>) -> bool {
    view.surroundings()
        .is_none_or(|surroundings| surroundings.can_constrain)
}

fn not_constrained(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let available = can_constrain(view);
    let mut found = Vec::new();
    for (index, site) in world.sites.iter().enumerate() {
        let wanted = constrain(view, index);
        let asked = wanted.is_some_and(|wanted| wanted.value);
        let deployment = deploys(world, index);
        let (severity, message, remedy) = if !available && (deployment || asked) {
            (
                Severity::Info,
                format!(
                    "this SMP has no Constrain to Site: `{}` is not constrained",
                    site.name
                ),
                "nothing is done about it: keep the boundaries exact, and harden with a firewall",
            )
        } else if available && deployment && site.constrained == Some(false) {
            (
                Severity::Warning,
                format!(
                    "deployment site `{}` is not constrained: its clients may fail over to other sites",
                    site.name
                ),
                "declare `constrainToSite: true`",
            )
        } else {
            continue;
        };
        found.push(Finding {
            objects: [site_object(world, index)].into(),
            severity,
            message,
            remedy: remedy.into(),
            places: wanted
                .map(|wanted| wanted.origin.clone())
                .or_else(|| place(world, index))
                .into_iter()
                .collect(),
        });
    }
    found
}

fn foreign_failover(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let standing = Standing::of(world);
    let servers: BTreeSet<Guid> = deployment_sites(world)
        .flat_map(|site| standing.serving(world, site))
        .filter(|server| {
            world.platform != Some(*server) && !chosen_roles(world, *server).is_empty()
        })
        .collect();
    if servers.is_empty() {
        return Vec::new();
    }
    let with_subnets: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    // Only what declares it, or is read, is known to be constrained: Constrain to Site of others is not asked for.
    let free: Vec<SiteIndex> = (0..world.sites.len())
        .filter(|site| with_subnets.contains(site) && !deploys(world, *site))
        .filter(|site| unconstrained(view, world, *site))
        .collect();
    if free.is_empty() {
        return Vec::new();
    }
    let names = server_names(world, &servers);
    let available = can_constrain(view);
    let sites = if free.len() == 1 {
        "that site"
    } else {
        "these sites"
    };
    vec![Finding {
        objects: free
            .iter()
            .map(|site| site_object(world, *site))
            .chain(servers.iter().map(|server| server_object(world, *server)))
            .collect(),
        severity: if available {
            Severity::Warning
        } else {
            Severity::Info
        },
        message: format!(
            "{} {} not constrained: with {} servers down, clients may fail over to {}",
            some(site_names(world, &free)),
            if free.len() == 1 { "is" } else { "are" },
            if free.len() == 1 { "its" } else { "their" },
            some(&names),
        ),
        remedy: if available {
            format!(
                "declare `constrainToSite: true` there, or keep other servers of {sites} running"
            )
        } else {
            format!("keep other servers of {sites} running: this SMP has no Constrain to Site")
        },
        places: free
            .iter()
            .take(3)
            .filter_map(|site| {
                constrain(view, *site)
                    .map(|declared| declared.origin.clone())
                    .or_else(|| place(world, *site))
            })
            .collect(),
    }]
}

fn unconstrained(view: &View<'_>, world: &World, site: SiteIndex) -> bool {
    match world.sites.get(site).and_then(|site| site.constrained) {
        Some(constrained) => !constrained,
        None => declared(view, site).is_some(),
    }
}
