//! Checks of packages: whether the servers that are to have them are those that the clients of a site may use.
//!
//! Pure. A site deploys what its Deploy Image tasks use and what its imaging section names; without declarations nobody
//! can tell which site deploys what.

use std::collections::{BTreeMap, BTreeSet};

use super::article;
use super::imaging::all_tools;
use super::members::{Members, Places, lacks_role, server_object, servers_named, some};
use super::{place, site_object};
use crate::model::{Guid, Name, Origin, PackageSelector, Role, Snapshot, glob};
use crate::plan::Severity;
use crate::select::{SiteIndex, World, WorldAssignment, WorldPackage};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "pin-outside-site",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "a package that a site deploys is pinned to servers none of which serves that site",
        explanation: "Pinning a package narrows the package servers that a client may take it from; it does not make a \
             server of one site serve the clients of another. Clients of such a site find no server that both serves \
             them and has the package. Pin it to a package server of the site, or let the pinned server serve it.",
        sources: &["431459"],
        run: pin_outside_site,
    },
    Check {
        id: "pin-without-package-role",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "a package is pinned to a server that is not, and will not be, a package server",
        explanation: "Only a server with the package service keeps packages and hands them out, and the Deployment \
             Package Server plug-in that stores images wants that service too. A pin to any other server leads nowhere. \
             Declare the role `package` for the server, or pin the package to another one.",
        sources: &["431459", "180278"],
        run: pin_without_package_role,
    },
    Check {
        id: "image-not-pinned",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "an image that a DeploymentSite deploys is assigned to all package servers",
        explanation: "An image is large, and what is assigned to all package servers is copied to each of them, also to \
             those that never deploy it. Assign it to the package servers of the sites that do, and leave it on others \
             only where tasks are deployed from them.",
        sources: &["431459", article::TASK_SERVICES],
        run: image_not_pinned,
    },
    Check {
        id: "image-not-replicated",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "an image would be deployed in a site whose package servers do not hold it, and no step brings it there",
        explanation: "To be deployed through another server than the one that captured it, an image must have been \
             replicated to a package server of that site, and that takes time. Until then its tasks fail or fetch it \
             across sites. Assign it to a package server there, or, where it is assigned, see to its replication: the \
             plan goes on once the server holds it.",
        sources: &[article::TASK_SERVICES],
        run: image_not_replicated,
    },
];

/// A package that a site deploys.
pub(super) struct Deployed<'a> {
    pub(super) site: SiteIndex,
    pub(super) guid: Guid,
    pub(super) package: &'a WorldPackage,
    /// Where that is declared.
    pub(super) places: BTreeSet<Origin>,
}

/// The packages that a selector stands for; `None` where nobody can tell.
fn selected(selector: &PackageSelector, snapshot: &Snapshot) -> Option<BTreeSet<Guid>> {
    let listed = || snapshot.packages.known().into_iter().flatten();
    match selector {
        PackageSelector::Guid(guid) => Some([*guid].into()),
        PackageSelector::Name(name) => {
            let named = listed().filter(|package| package.name == *name);
            Some(named.map(|package| package.guid).collect())
        }
        PackageSelector::Match(pattern) => {
            let pattern = pattern.key().as_str();
            let fit = listed().filter(|package| glob(pattern, package.name.key().as_str()));
            Some(fit.map(|package| package.guid).collect())
        }
        PackageSelector::Task(task) => snapshot.tasks.get(task)?.known().cloned(),
    }
}

/// Everything that declared sites deploy, as far as the world knows it.
pub(super) fn deployed<'a>(view: &View<'a>) -> Vec<Deployed<'a>> {
    let (Some(desired), Some(snapshot)) = (view.desired, view.snapshot) else {
        return Vec::new();
    };
    let mut found: BTreeMap<(SiteIndex, Guid), BTreeSet<Origin>> = BTreeMap::new();
    let mut add = |site: &Name, guids: BTreeSet<Guid>, origin: &Origin| {
        if let Some(site) = view.world.site_named(site) {
            for guid in guids {
                let places = found.entry((site, guid)).or_default();
                places.insert(origin.clone());
            }
        }
    };
    for site in desired.sites.values() {
        for task in &site.deploy_tasks {
            let packages = snapshot.tasks.get(&task.value);
            if let Some(packages) = packages.and_then(|packages| packages.known()) {
                add(&site.name, packages.clone(), &task.origin);
            }
        }
    }
    for package in desired.packages.values() {
        if package.sites.is_empty() {
            continue;
        }
        let guids = selected(&package.selector, snapshot).unwrap_or_default();
        for site in &package.sites {
            add(site, guids.clone(), &package.origin);
        }
    }
    found
        .into_iter()
        .filter_map(|((site, guid), mut places)| {
            places.extend(place(view.world, site));
            Some(Deployed {
                site,
                guid,
                package: view.world.packages.get(&guid)?,
                places,
            })
        })
        .collect()
}

pub(super) fn package_object(package: &WorldPackage) -> String {
    format!("package {}", package.name.as_str().to_lowercase())
}

/// What declared sites deploy, package by package: what is alike in many sites is one finding.
fn by_package<'a>(view: &View<'a>) -> BTreeMap<Guid, Vec<Deployed<'a>>> {
    let mut found: BTreeMap<Guid, Vec<Deployed<'a>>> = BTreeMap::new();
    for one in deployed(view) {
        found.entry(one.guid).or_default().push(one);
    }
    found
}

/// Servers that may stand in any site: their addresses are not known.
fn unplaced(world: &World, server: Guid) -> bool {
    let known = world.servers.get(&server);
    known.is_none_or(|server| server.addresses.is_none())
}

/// The servers of a site.
struct Own {
    all: BTreeSet<Guid>,
    package: BTreeSet<Guid>,
}

/// The servers of each site that deploys something.
fn own_servers(
    members: &Members<'_>,
    deployed: &BTreeMap<Guid, Vec<Deployed<'_>>>,
) -> BTreeMap<SiteIndex, Own> {
    let sites: BTreeSet<SiteIndex> = deployed.values().flatten().map(|one| one.site).collect();
    let own = |site| Own {
        all: members.servers(site),
        package: members.with_role(site, Role::Package),
    };
    sites.into_iter().map(|site| (site, own(site))).collect()
}

/// A package that has the same fault in some sites.
struct Faulty<'a> {
    package: &'a WorldPackage,
    sites: BTreeSet<SiteIndex>,
    places: BTreeSet<Origin>,
}

impl<'a> Faulty<'a> {
    fn of(list: Vec<Deployed<'a>>) -> Option<Self> {
        let package = list.first()?.package;
        Some(Self {
            package,
            sites: list.iter().map(|one| one.site).collect(),
            places: list.into_iter().flat_map(|one| one.places).collect(),
        })
    }

    /// `` `golden`, which `Lab` deploys, ``
    fn subject(&self, world: &World) -> String {
        let names = self
            .sites
            .iter()
            .map(|site| format!("`{}`", world.site_name(*site)));
        let deploy = if self.sites.len() == 1 {
            "deploys"
        } else {
            "deploy"
        };
        format!(
            "`{}`, which {} {deploy},",
            self.package.name,
            some(names.collect())
        )
    }

    fn finding(self, world: &World, message: String, remedy: String) -> Finding {
        let Self {
            package,
            sites,
            places,
        } = self;
        Finding {
            objects: sites
                .iter()
                .map(|site| site_object(world, *site))
                .chain([package_object(package)])
                .collect(),
            severity: Severity::Error,
            message,
            remedy,
            places,
        }
    }
}

pub(super) fn pin_outside_site(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let members = Members::of(world);
    let deployed = by_package(view);
    let own = own_servers(&members, &deployed);
    // A package server that may stand anywhere may stand in the sites that a package goes to.
    let hidden = world.servers.iter().any(|(guid, server)| {
        server.addresses.is_none()
            && (server.roles.is_none() || world.has_role(*guid, Role::Package))
    });
    let mut found = Vec::new();
    for list in deployed.into_values() {
        let assignment = list.first().and_then(|one| one.package.assignment.as_ref());
        let (pinned, to_sites): (BTreeSet<Guid>, BTreeSet<SiteIndex>) = match assignment {
            None
            | Some(
                WorldAssignment::All
                | WorldAssignment::Sites {
                    sites: _,
                    automatic: true,
                },
            ) => continue,
            Some(WorldAssignment::Servers(servers)) => (servers.clone(), BTreeSet::new()),
            Some(WorldAssignment::Sites {
                sites,
                automatic: false,
            }) => {
                if hidden {
                    continue;
                }
                let of = sites
                    .iter()
                    .map(|site| members.with_role(*site, Role::Package));
                (of.flatten().collect(), sites.clone())
            }
        };
        if pinned.iter().any(|server| unplaced(world, *server)) {
            continue;
        }
        let outside = list.into_iter().filter(|one| {
            let own = own.get(&one.site);
            !to_sites.contains(&one.site) && own.is_none_or(|own| own.all.is_disjoint(&pinned))
        });
        let Some(faulty) = Faulty::of(outside.collect()) else {
            continue;
        };
        let to = if pinned.is_empty() {
            "no server at all".to_owned()
        } else {
            servers_named(world, &pinned)
        };
        let wanted: BTreeSet<Guid> = faulty
            .sites
            .iter()
            .filter_map(|site| own.get(site))
            .flat_map(|own| &own.package)
            .copied()
            .collect();
        let remedy = if wanted.is_empty() {
            "give the site a package server, and pin the package to it".to_owned()
        } else {
            format!("pin it to {} as well", servers_named(world, &wanted))
        };
        let message = format!(
            "{} is pinned to {to}: that serves no client there, and a pin does not reach across sites",
            faulty.subject(world)
        );
        found.push(faulty.finding(world, message, remedy));
    }
    found
}

pub(super) fn pin_without_package_role(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let declared = declared_places(view);
    let places = Places::of(view);
    let mut by_server: BTreeMap<Guid, Vec<(Guid, &WorldPackage)>> = BTreeMap::new();
    for (guid, package) in &world.packages {
        let Some(WorldAssignment::Servers(servers)) = &package.assignment else {
            continue;
        };
        for server in servers {
            if lacks_role(view, *server, Role::Package) {
                by_server.entry(*server).or_default().push((*guid, package));
            }
        }
    }
    by_server
        .into_iter()
        .map(|(server, packages)| {
            let names = packages
                .iter()
                .map(|(_, package)| format!("`{}`", package.name));
            let which = some(names.collect());
            let is = if packages.len() == 1 { "is" } else { "are" };
            Finding {
                objects: packages
                    .iter()
                    .map(|(_, package)| package_object(package))
                    .chain([server_object(world, server)])
                    .collect(),
                severity: Severity::Error,
                message: format!(
                    "{which} {is} pinned to {}, which is no package server and does not become one",
                    servers_named(world, [&server])
                ),
                remedy: "declare the role `package` for the server, or pin to a package server"
                    .into(),
                places: packages
                    .iter()
                    .filter_map(|(guid, _)| declared.get(guid))
                    .flatten()
                    .cloned()
                    .chain(places.seats(server))
                    .collect(),
            }
        })
        .collect()
}

/// Where the assignment of each package is declared.
pub(super) fn declared_places(view: &View<'_>) -> BTreeMap<Guid, BTreeSet<Origin>> {
    let mut places: BTreeMap<Guid, BTreeSet<Origin>> = BTreeMap::new();
    let (Some(desired), Some(snapshot)) = (view.desired, view.snapshot) else {
        return places;
    };
    for package in desired.packages.values() {
        for guid in selected(&package.selector, snapshot).unwrap_or_default() {
            places
                .entry(guid)
                .or_default()
                .insert(package.origin.clone());
        }
    }
    places
}

pub(super) fn image_not_pinned(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let (tools, members) = (all_tools(view), Members::of(world));
    let imaging: BTreeSet<SiteIndex> = members.deployment_sites().collect();
    by_package(view)
        .into_iter()
        .filter(|(guid, _)| !tools.contains(guid))
        .filter_map(|(_, mut list)| {
            list.retain(|one| imaging.contains(&one.site));
            let faulty = Faulty::of(list)?;
            if faulty.package.assignment != Some(WorldAssignment::All) {
                return None;
            }
            let message = format!(
                "the image {} goes to every package server",
                faulty.subject(world)
            );
            let remedy = "assign it to the package servers that deploy it".to_owned();
            Some(Finding {
                severity: Severity::Warning,
                ..faulty.finding(world, message, remedy)
            })
        })
        .collect()
}

/// Whether what the server says of holders can be believed: on one where nobody holds any package, it is the evidence
/// that is wrong, such as a report whose parameters reach nothing (assumption A18).
pub(super) fn shows_holders(view: &View<'_>) -> bool {
    view.snapshot.is_some_and(|snapshot| {
        let holders = snapshot.holders.values();
        holders
            .filter_map(|holders| holders.known())
            .any(|holders| !holders.is_empty())
    })
}

pub(super) fn image_not_replicated(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let (tools, members) = (all_tools(view), Members::of(world));
    let mut found = Vec::new();
    if !shows_holders(view) {
        return found;
    }
    let standing = world.automatic();
    let deployed = by_package(view);
    let own = own_servers(&members, &deployed);
    for (guid, list) in deployed {
        let package = list.first().map(|one| one.package);
        let Some(holders) = package.and_then(|package| package.holders.as_ref()) else {
            continue;
        };
        if tools.contains(&guid) || holders.iter().any(|server| unplaced(world, *server)) {
            continue;
        }
        let receivers = package
            .and_then(|package| package.assignment.as_ref())
            .map(|assignment| world.receivers(assignment, &standing))
            .unwrap_or_default();
        // A site without package servers is another fault.
        let lacks = |one: &Deployed<'_>| {
            own.get(&one.site)
                .is_some_and(|own| !own.package.is_empty() && own.all.is_disjoint(holders))
        };
        let is_assigned = |one: &Deployed<'_>| {
            let own = own.get(&one.site);
            own.is_some_and(|own| !own.package.is_disjoint(&receivers))
        };
        let (assigned, loose): (Vec<_>, Vec<_>) =
            list.into_iter().filter(lacks).partition(is_assigned);
        for (faulty, assigned) in [(Faulty::of(assigned), true), (Faulty::of(loose), false)] {
            let Some(faulty) = faulty else {
                continue;
            };
            let servers: BTreeSet<Guid> = faulty
                .sites
                .iter()
                .filter_map(|site| own.get(site))
                .flat_map(|own| own.package.iter().copied())
                .collect();
            let who = servers_named(world, &servers);
            let subject = faulty.subject(world);
            let (message, remedy) = if assigned {
                (
                    format!("{subject} is assigned to {who} and has not arrived"),
                    "wait for its replication; if it stays away, update its distribution points and look whether the server can reach a source".to_owned(),
                )
            } else {
                (
                    format!("{subject} is not held by {who}, and no step brings it there"),
                    format!("assign it to {who}"),
                )
            };
            found.push(faulty.finding(world, message, remedy));
        }
    }
    found
}
