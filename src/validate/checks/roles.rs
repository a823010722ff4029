//! Checks of roles: what a server must bring for the services that it has or is to get, and which it should not have.
//!
//! Pure. What inventory does not say is no fault: each question has a third answer, cannot tell.

use std::collections::{BTreeMap, BTreeSet};

use super::article;
use super::members::{
    Members, Places, facts, installed, server_object, servers_named, sites_named, some,
};
use super::{server_name, site_object};
use crate::model::{Facts, Guid, Observed, Origin, Product, Role, ServiceRole, Version};
use crate::plan::Severity;
use crate::select::World;
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "roles-beyond-need",
        severity: "info",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "a server of a DeploymentSite has roles that imaging does not need",
        explanation: "A deployment server needs the package and the task service, and network boot where clients boot \
             from the network. Whatever else it runs takes load from imaging and draws traffic that the site was made to \
             keep away. Move the other services to a server of another site.",
        sources: &["431459"],
        run: beyond_need,
    },
    Check {
        id: "role-prerequisite",
        severity: "error for a role to be installed; warning for one that is there",
        phases: &[Phase::Live],
        holds_when: "a prerequisite of the task or the package service is not met",
        explanation: "The console offers a service for a managed, local computer with an active asset status, a \
             supported agent and operating system, and Cloud-enabled Management off, where the service is not installed \
             yet; the task service also wants IIS and a supported .NET framework, the package service an HTTP server. \
             The SMP goes by its inventory, so a server that was mended shows the old fault until it has sent inventory. \
             Mend it, send inventory from the server, and refresh.",
        sources: &[article::SITE_SERVERS, article::TASK_SERVICES],
        run: prerequisites,
    },
    Check {
        id: "dotnet-version",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "the SMP is of version 8.7.1 or later, and a site server has a .NET framework below 4.8",
        explanation: "Since ITMS 8.7.1 site servers need .NET 4.8: without it a task server does not show up in the \
             policy that upgrades the task service (article 273640), and stays behind. Install .NET 4.8 on the server, \
             send inventory from it, and refresh.",
        sources: &[article::SITE_SERVERS, "273640"],
        run: dotnet,
    },
];

/// The first version of the SMP that wants [`DOTNET`] on its site servers, and that.
const DOTNET_SINCE: [u64; 3] = [8, 7, 1];
const DOTNET: [u64; 2] = [4, 8];

/// The remedy of everything that inventory says.
const MEND: &str = "mend it, send inventory from the server, and refresh: what counts is the inventory that the SMP has";

/// What imaging needs a role for: the others are beyond its need.
fn serves_imaging(role: Role) -> bool {
    match role {
        Role::Package | Role::Task | Role::NetworkBoot => true,
        Role::Monitor => false,
    }
}

pub(super) fn beyond_need(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let (members, places) = (Members::of(world), Places::of(view));
    let servers = members.deployment_servers();
    let mut others: BTreeMap<Guid, BTreeSet<String>> = BTreeMap::new();
    let services = view.snapshot.and_then(|snapshot| snapshot.services.known());
    for service in services.into_iter().flatten() {
        if let ServiceRole::Other(name) = &service.role
            && servers.contains_key(&service.computer)
        {
            let names = others.entry(service.computer).or_default();
            names.insert(name.to_string());
        }
    }
    let mut found = Vec::new();
    for (server, sites) in servers {
        let roles: Vec<Role> = world
            .servers
            .get(&server)
            .and_then(|server| server.roles.as_ref())
            .into_iter()
            .flatten()
            .copied()
            .filter(|role| !serves_imaging(*role))
            .collect();
        let names: Vec<String> = roles
            .iter()
            .map(|role| role.service().to_owned())
            .chain(others.remove(&server).unwrap_or_default())
            .collect();
        if names.is_empty() {
            continue;
        }
        let shown = names.iter().map(|name| format!("`{name}`")).collect();
        found.push(Finding {
            objects: sites
                .iter()
                .map(|site| site_object(world, *site))
                .chain([server_object(world, server)])
                .collect(),
            severity: Severity::Info,
            message: format!(
                "{} of deployment site {} also runs {}, which imaging does not need",
                servers_named(world, [&server]),
                sites_named(world, &sites),
                some(shown)
            ),
            remedy: "let a server of another site run it".into(),
            places: roles
                .iter()
                .filter_map(|role| places.role(server, *role))
                .chain(places.seats(server))
                .collect(),
        });
    }
    found
}

/// One prerequisite: the roles that it is one of, and what is said where it is known not to be met.
struct Prerequisite {
    of: &'static [Role],
    /// Whether `dotnet-version` says it too, of every site server that is there.
    also_dotnet: bool,
    fault: fn(&Facts, &Product) -> Option<String>,
}

const BOTH: &[Role] = &[Role::Task, Role::Package];

/// The nine of the task service and the eight of the package service, in the order in which the console lists them.
/// "Service not installed" has no line: it is what a role that is to be installed means, and holds for it alone.
const PREREQUISITES: [Prerequisite; 9] = [
    Prerequisite {
        of: BOTH,
        also_dotnet: false,
        fault: |facts, _| is(&facts.managed, false).then(|| "it is not managed".into()),
    },
    Prerequisite {
        of: BOTH,
        also_dotnet: false,
        fault: |facts, _| is(&facts.local, false).then(|| "it belongs to another SMP".into()),
    },
    Prerequisite {
        of: BOTH,
        also_dotnet: false,
        fault: |facts, _| {
            is(&facts.asset_active, false).then(|| "its asset status is not active".into())
        },
    },
    Prerequisite {
        of: BOTH,
        also_dotnet: false,
        fault: |facts, product| {
            let (has, wants) = (
                facts.agent_version.known()?,
                product.agent_version.as_ref()?,
            );
            is_older(has, &wants.parse().ok()?)
                .then(|| format!("its agent {has} is older than {wants}"))
        },
    },
    Prerequisite {
        of: BOTH,
        also_dotnet: false,
        fault: |facts, _| {
            is(&facts.cem_mode, true).then(|| "it is in Cloud-enabled Management mode".into())
        },
    },
    Prerequisite {
        of: BOTH,
        also_dotnet: false,
        fault: |facts, product| {
            let (has, supported) = (
                facts.operating_system.known()?,
                product.operating_systems.as_ref()?,
            );
            let folded = has.to_lowercase();
            let fits = |beginning: &String| begins_with(&folded, &beginning.to_lowercase());
            (!supported.iter().any(fits))
                .then(|| format!("its operating system `{has}` is not supported"))
        },
    },
    Prerequisite {
        of: &[Role::Task],
        also_dotnet: false,
        fault: |facts, _| is(&facts.iis, false).then(|| "IIS is not configured".into()),
    },
    Prerequisite {
        of: &[Role::Task],
        also_dotnet: true,
        fault: |facts, product| {
            let (has, wants) = (facts.dotnet.known()?, wanted_dotnet(product)?);
            is_older(has, &wants).then(|| format!("its .NET framework {has} is older than {wants}"))
        },
    },
    Prerequisite {
        of: &[Role::Package],
        also_dotnet: false,
        fault: |facts, _| {
            is(&facts.http_server, false).then(|| "no HTTP server is installed".into())
        },
    },
];

/// Whether a switch is known to stand so.
fn is(switch: &Observed<bool>, wanted: bool) -> bool {
    switch.known() == Some(&wanted)
}

/// Whether a version is known to be older than another.
fn is_older(has: &str, wants: &Version) -> bool {
    has.parse::<Version>().is_ok_and(|has| has < *wants)
}

/// Whether a name begins with another, as a whole word: `Windows 1` is no beginning of `Windows 11`.
fn begins_with(name: &str, beginning: &str) -> bool {
    name.strip_prefix(beginning)
        .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// The .NET framework that this SMP wants of its site servers, where its version is known to want one.
fn wanted_dotnet(product: &Product) -> Option<Version> {
    let version: Version = product.version.as_ref()?.parse().ok()?;
    (version >= Version::of(&DOTNET_SINCE)).then(|| Version::of(&DOTNET))
}

pub(super) fn prerequisites(view: &View<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let Some(surroundings) = view.surroundings() else {
        return Vec::new();
    };
    let installed = installed(view);
    let mut found = Vec::new();
    // A fault that many servers have in common is one finding.
    let mut shared: BTreeMap<String, BTreeMap<Guid, BTreeSet<Role>>> = BTreeMap::new();
    for (guid, server) in &world.servers {
        let Some(facts) = surroundings.facts.get(guid) else {
            continue;
        };
        for role in server.roles.iter().flatten() {
            // Where services cannot be read, the role may be there: that is never an error.
            let to_come = installed
                .as_ref()
                .is_some_and(|roles| roles.get(guid).is_none_or(|roles| !roles.contains(role)));
            let faults: Vec<String> = PREREQUISITES
                .iter()
                .filter(|prerequisite| prerequisite.of.contains(role))
                .filter(|prerequisite| to_come || !prerequisite.also_dotnet)
                .filter_map(|prerequisite| (prerequisite.fault)(facts, &surroundings.product))
                .collect();
            if to_come && !faults.is_empty() {
                found.push(unready(view, &places, *guid, *role, &faults));
            } else {
                for fault in faults {
                    let servers = shared.entry(fault).or_default();
                    servers.entry(*guid).or_default().insert(*role);
                }
            }
        }
    }
    for (fault, servers) in shared {
        let mut alike: BTreeMap<BTreeSet<Role>, Vec<Guid>> = BTreeMap::new();
        for (server, roles) in servers {
            alike.entry(roles).or_default().push(server);
        }
        for (roles, servers) in alike {
            found.push(unmet(view, &places, &roles, &fault, &servers));
        }
    }
    found
}

/// A server that is to get a role and is not ready for it.
fn unready(
    view: &View<'_>,
    places: &Places<'_>,
    server: Guid,
    role: Role,
    faults: &[String],
) -> Finding {
    Finding {
        objects: [server_object(view.world, server)].into(),
        severity: Severity::Error,
        message: format!(
            "{} is not ready for the {}: {}",
            with_inventory(view, &[server]),
            service(role),
            some(faults.to_vec())
        ),
        remedy: MEND.into(),
        places: places.role(server, role).into_iter().collect(),
    }
}

/// Servers that have the same roles and lack the same for them.
fn unmet(
    view: &View<'_>,
    places: &Places<'_>,
    roles: &BTreeSet<Role>,
    fault: &str,
    servers: &[Guid],
) -> Finding {
    let declared: BTreeSet<Origin> = servers
        .iter()
        .flat_map(|server| roles.iter().map(|role| places.role(*server, *role)))
        .flatten()
        .collect();
    let services: Vec<String> = roles.iter().map(|role| service(*role)).collect();
    Finding {
        objects: objects(view.world, servers),
        severity: Severity::Warning,
        message: format!(
            "{} lacks what the {} {}: {fault}",
            each(servers, &with_inventory(view, servers)),
            services.join(" and the "),
            if services.len() == 1 { "takes" } else { "take" }
        ),
        remedy: MEND.into(),
        places: declared,
    }
}

fn service(role: Role) -> String {
    role.service().to_lowercase()
}

fn objects(world: &World, servers: &[Guid]) -> BTreeSet<String> {
    let objects = servers.iter().map(|server| server_object(world, *server));
    objects.collect()
}

/// A list of servers as the subject of a sentence in the singular.
fn each(servers: &[Guid], names: &str) -> String {
    match servers {
        [_] => names.to_owned(),
        _ => format!("each of the {} servers {names}", servers.len()),
    }
}

/// Names of servers, each with the date of its inventory where that is known.
fn with_inventory(view: &View<'_>, servers: &[Guid]) -> String {
    let mut names: Vec<String> = servers
        .iter()
        .map(|server| {
            let name = server_name(view.world, *server);
            match facts(view, *server).and_then(|facts| facts.inventoried.known()) {
                Some(date) => format!("`{name}` (inventory of {date})"),
                None => format!("`{name}`"),
            }
        })
        .collect();
    names.sort();
    some(names)
}

pub(super) fn dotnet(view: &View<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let Some(surroundings) = view.surroundings() else {
        return Vec::new();
    };
    let Some(wants) = wanted_dotnet(&surroundings.product) else {
        return Vec::new();
    };
    let mut old: BTreeMap<&str, Vec<Guid>> = BTreeMap::new();
    for (guid, server) in &world.servers {
        let serves = server.roles.as_ref().is_some_and(|roles| !roles.is_empty());
        let facts = surroundings.facts.get(guid).filter(|_| serves);
        if let Some(has) = facts.and_then(|facts| facts.dotnet.known())
            && is_older(has, &wants)
        {
            old.entry(has).or_default().push(*guid);
        }
    }
    old.into_iter()
        .map(|(has, servers)| Finding {
            objects: objects(world, &servers),
            severity: Severity::Error,
            message: format!(
                "{} has .NET framework {has}, and this SMP wants {wants} on site servers",
                each(&servers, &with_inventory(view, &servers))
            ),
            remedy: format!(
                "install .NET framework {wants}, send inventory from the server, and refresh"
            ),
            places: servers
                .iter()
                .flat_map(|server| places.seats(*server))
                .collect(),
        })
        .collect()
}
