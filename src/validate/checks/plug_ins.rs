//! Checks of agent plug-ins: whether servers and clients have those of Deployment Solution that they need.
//!
//! Pure. Which plug-in who needs is in [`PlugIn`]. Plug-ins that cannot be read are never missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::members::{
    Members, Places, count, lacks_role, server_object, servers_named, sites_named, some,
};
use super::{place, site_object};
use crate::model::{Client, Guid, Name, Origin, PlugIn, Role};
use crate::plan::Severity;
use crate::select::SiteIndex;
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "plugin-missing",
        severity: "error for servers of a DeploymentSite, unless a step installs it, and for the SMP; warning for \
             clients in deployment subnets",
        phases: &[Phase::Live],
        holds_when: "a plug-in of Deployment Solution that the role takes is not installed",
        explanation: "Site services and the agent carry basic tasks only. Tasks of imaging need the Deployment Task \
             Server Handler on the SMP and on each deployment task server, the Deployment Package Server where images \
             are kept, the NBS plug-in where network boot is, and the Deployment Solution Plug-in there and on whatever \
             is imaged. A plan asks for what the declared servers of deployment sites lack; roll out the rest under \
             Actions, Agents/Plug-ins. The base handlers come with the agent and are not asked for.",
        sources: &["180278"],
        run: missing,
    },
    Check {
        id: "deployment-package-server",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "a server has the Deployment Package Server plug-in without the package service",
        explanation: "The plug-in keeps images and tools in what the package service offers to clients, so it is of no \
             use without that service, and images that go there are held by nobody. Install the package service, or take \
             the plug-in off.",
        sources: &["180278"],
        run: without_package_service,
    },
];

pub(super) fn missing(view: &View<'_>) -> Vec<Finding> {
    let members = Members::of(view.world);
    let mut found = of_servers(view, &members);
    found.extend(of_platform(view, &members));
    found.extend(of_clients(view, &members));
    found
}

fn of_servers(view: &View<'_>, members: &Members<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let mut found = Vec::new();
    for (server, sites) in members.deployment_servers() {
        let roles = world.servers.get(&server).and_then(|s| s.roles.as_ref());
        let (Some(installed), Some(roles)) = (world.plug_ins.get(&server), roles) else {
            continue;
        };
        let lacks: Vec<String> = PlugIn::needed(roles)
            .filter(|plug_in| !plug_in.is_among(installed))
            .map(|plug_in| format!("`{plug_in}`"))
            .collect();
        if lacks.is_empty() {
            continue;
        }
        found.push(Finding {
            objects: sites
                .iter()
                .map(|site| site_object(world, *site))
                .chain([server_object(world, server)])
                .collect(),
            severity: Severity::Error,
            message: format!(
                "{} of deployment site {} lacks {}",
                servers_named(world, [&server]),
                sites_named(world, &sites),
                some(lacks)
            ),
            remedy: "roll it out under Actions > Agents/Plug-ins > Rollout Agents/Plug-ins > Deployment and Migration, or declare the server for the site: the plan then asks for it".into(),
            places: places
                .seats(server)
                .chain(sites.iter().filter_map(|site| place(world, *site)))
                .collect(),
        });
    }
    found
}

/// The SMP hands out the tasks of imaging, so it matters once something is to be imaged: in the world before the plan
/// that makes the first deployment site as well, since it is no fault of that plan.
fn of_platform(view: &View<'_>, members: &Members<'_>) -> Option<Finding> {
    let world = view.world;
    let smp = world.platform?;
    let installed = world.plug_ins.get(&smp)?;
    let declared = view.desired.is_some_and(|desired| {
        let mut sites = desired.sites.values();
        sites.any(|site| site.kind == crate::model::SiteKind::DeploymentSite)
    });
    if !declared && members.deployment_sites().next().is_none() {
        return None;
    }
    let lacks: Vec<String> = PlugIn::PLATFORM
        .into_iter()
        .filter(|plug_in| !plug_in.is_among(installed))
        .map(|plug_in| format!("`{plug_in}`"))
        .collect();
    (!lacks.is_empty()).then(|| Finding {
        objects: [server_object(world, smp)].into(),
        severity: Severity::Error,
        message: format!("the SMP {} lacks {}", servers_named(world, [&smp]), some(lacks)),
        remedy: "roll it out under Actions > Agents/Plug-ins > Rollout Agents/Plug-ins > Deployment and Migration".into(),
        places: BTreeSet::new(),
    })
}

/// Clients whose addresses belong to deployment sites, by site.
fn of_clients(view: &View<'_>, members: &Members<'_>) -> Vec<Finding> {
    let world = view.world;
    let sites: BTreeSet<SiteIndex> = members.deployment_sites().collect();
    let clients = view.surroundings().and_then(|s| s.clients.known());
    let Some(clients) = clients.filter(|_| !sites.is_empty()) else {
        return Vec::new();
    };
    let assigned = world.assigned();
    // Few lists of plug-ins are shared by many clients.
    let mut judged: BTreeMap<*const BTreeSet<Name>, bool> = BTreeMap::new();
    let mut lacking: BTreeMap<SiteIndex, (Vec<&Client>, usize)> = BTreeMap::new();
    for client in clients {
        let Some(plug_ins) = &client.plug_ins else {
            continue;
        };
        let of: BTreeSet<SiteIndex> = client
            .addresses
            .iter()
            .filter_map(|(address, _)| world.subnets.get(&assigned.holding(*address)?))
            .flatten()
            .copied()
            .filter(|site| sites.contains(site))
            .collect();
        if of.is_empty() {
            continue;
        }
        let complete = *judged.entry(Arc::as_ptr(plug_ins)).or_insert_with(|| {
            let mut needed = PlugIn::CLIENT.into_iter();
            needed.all(|plug_in| plug_in.is_among(plug_ins))
        });
        for site in of {
            let (without, all) = lacking.entry(site).or_default();
            *all += 1;
            if !complete {
                without.push(client);
            }
        }
    }
    lacking
        .into_iter()
        .filter(|(_, (without, _))| !without.is_empty())
        .map(|(site, (without, all))| {
            let mut names: Vec<&Name> = without.iter().map(|client| &client.name).collect();
            names.sort();
            let names = names.into_iter().map(|name| format!("`{name}`"));
            Finding {
                objects: [site_object(world, site)].into(),
                severity: Severity::Warning,
                message: format!(
                    "{} of {} in the subnets of `{}` without `{}`: {}",
                    without.len(),
                    count(all, "client"),
                    world.site_name(site),
                    PlugIn::Solution,
                    some(names.collect())
                ),
                remedy:
                    "roll it out to them: what lacks it cannot be sent into automation or captured"
                        .into(),
                places: place(world, site).into_iter().collect(),
            }
        })
        .collect()
}

pub(super) fn without_package_service(view: &View<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let servers: Vec<Guid> = world
        .servers
        .keys()
        .filter(|server| {
            let installed = world.plug_ins.get(server);
            installed.is_some_and(|installed| PlugIn::PackageServer.is_among(installed))
                && lacks_role(view, **server, Role::Package)
        })
        .copied()
        .collect();
    if servers.is_empty() {
        return Vec::new();
    }
    let (has, is) = match servers.as_slice() {
        [_] => ("has", "is no package server"),
        _ => ("have", "are no package servers"),
    };
    let seats: BTreeSet<Origin> = servers.iter().flat_map(|s| places.seats(*s)).collect();
    vec![Finding {
        objects: servers.iter().map(|s| server_object(world, *s)).collect(),
        severity: Severity::Error,
        message: format!(
            "{} {has} the plug-in `{}` and {is}",
            servers_named(world, &servers),
            PlugIn::PackageServer
        ),
        remedy: "declare the role `package`, or take the plug-in off".into(),
        places: seats,
    }]
}
