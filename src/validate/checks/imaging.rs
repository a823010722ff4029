//! Checks of what imaging takes beside the images: the packages of its tools, and where captured images go.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::members::{
    Members, Places, lacks_role, server_object, servers_named, sites_named, some,
};
use super::packages::{Deployed, declared_places, deployed, shows_holders};
use super::{place, site_object};
use crate::model::{
    DesiredPackage, DesiredSite, Guid, ImagingTool, Name, Origin, PackageSelector, Role, SiteKind,
    Snapshot, imaging_packages,
};
use crate::plan::Severity;
use crate::select::{SiteIndex, WorldAssignment, WorldPackage};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "tool-package-pinned",
        severity: "warning",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "a package of an imaging tool is pinned for a site, and no image is",
        explanation: "The package called Imaging holds the program that writes images, not the images, and is easily \
             taken for them on the task's Packages tab. Pinning it alone leaves each client to fetch the image wherever \
             it finds it. Pin the packages of the images.",
        sources: &["431459"],
        run: tool_package_pinned,
    },
    Check {
        id: "imaging-tools-missing",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "a package server of a DeploymentSite would not hold the DriversDB, BDC, Imaging and PCT packages",
        explanation: "Booting into automation, writing an image and fitting it with drivers each take a package of \
             Deployment Solution from the deployment package server, beside the image itself. Assign these packages to \
             it and let them replicate. What the server names otherwise can be listed in the profile.",
        sources: &["180278"],
        run: imaging_tools_missing,
    },
    Check {
        id: "capture-target",
        severity: "error where it is not a package server; warning where it is in no DeploymentSite",
        phases: &[Phase::Live],
        holds_when: "the target of captured images is not a package server, or not in a DeploymentSite",
        explanation: "The default target in DS Global Settings receives every image that is captured, and is then its \
             source. There is one for the whole SMP: two declarations that disagree are refused when they are read. Make \
             it a package server of the deployment site.",
        sources: &["431459"],
        run: capture_target,
    },
];

/// The packages of the imaging tools, as far as they are told.
fn tools(view: &View<'_>) -> BTreeMap<ImagingTool, BTreeSet<Guid>> {
    view.snapshot
        .and_then(|snapshot| {
            let packages = snapshot.packages.known()?;
            Some(imaging_packages(packages, &snapshot.surroundings.product))
        })
        .unwrap_or_default()
}

pub(super) fn all_tools(view: &View<'_>) -> BTreeSet<Guid> {
    tools(view).into_values().flatten().collect()
}

/// Whether a package goes to some package servers only.
fn is_pinned(assignment: &WorldAssignment) -> bool {
    match assignment {
        WorldAssignment::All => false,
        WorldAssignment::Servers(_) => true,
        WorldAssignment::Sites {
            sites: _,
            automatic,
        } => !automatic,
    }
}

pub(super) fn tool_package_pinned(view: &View<'_>) -> Vec<Finding> {
    match (view.desired, view.snapshot) {
        (Some(desired), None) => {
            let sites = desired.sites.values();
            sites
                .filter_map(|site| only_tools_by_name(site, desired.packages.values()))
                .collect()
        }
        (Some(_), Some(_)) => pinned_tools(view),
        (None, Some(snapshot)) => pinned_tools_anywhere(view, snapshot).into_iter().collect(),
        (None, None) => Vec::new(),
    }
}

/// The declarations alone: each package of the imaging section has the name of a tool.
fn only_tools_by_name<'p>(
    site: &DesiredSite,
    packages: impl Iterator<Item = &'p DesiredPackage>,
) -> Option<Finding> {
    if site.kind != SiteKind::DeploymentSite {
        return None;
    }
    let mut tools: Vec<(&Name, &Origin)> = Vec::new();
    for package in packages.filter(|package| package.sites.contains(&site.name)) {
        // What a task uses, a pattern fits or a GUID means may be an image.
        let PackageSelector::Name(name) = &package.selector else {
            return None;
        };
        ImagingTool::by_name(name)?;
        tools.push((name, &package.origin));
    }
    if tools.is_empty() {
        return None;
    }
    let mut places: BTreeSet<Origin> = tools.iter().map(|(_, place)| (*place).clone()).collect();
    places.insert(site.origin.clone());
    let names: Vec<&Name> = tools.iter().map(|(name, _)| *name).collect();
    let mut objects = tool_objects(&names);
    objects.insert(format!("site {}", site.name.as_str().to_lowercase()));
    Some(only_tools(
        &names,
        &format!(" for `{}`", site.name),
        objects,
        places,
    ))
}

fn tool_objects(names: &[&Name]) -> BTreeSet<String> {
    names
        .iter()
        .map(|name| format!("package {}", name.as_str().to_lowercase()))
        .collect()
}

fn only_tools<N: std::fmt::Display>(
    names: &[N],
    whose: &str,
    objects: BTreeSet<String>,
    places: BTreeSet<Origin>,
) -> Finding {
    let which = some(names.iter().map(|name| format!("`{name}`")).collect());
    let is = if names.len() == 1 { "is" } else { "are" };
    Finding {
        objects,
        severity: Severity::Warning,
        message: format!(
            "{which} {is} pinned{whose}, and no image: a tool of imaging is not what it writes"
        ),
        remedy: "pin the packages of the images too".into(),
        places,
    }
}

/// Sites that deploy images, none of which is pinned, while a tool is pinned to a server of theirs.
fn pinned_tools(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let (tools, members) = (all_tools(view), Members::of(world));
    let declared = declared_places(view);
    let mut by_site: BTreeMap<SiteIndex, Vec<Deployed<'_>>> = BTreeMap::new();
    for one in deployed(view) {
        by_site.entry(one.site).or_default().push(one);
    }
    let standing = world.automatic();
    let pinned: Vec<(Guid, &WorldPackage, BTreeSet<Guid>)> = tools
        .iter()
        .filter_map(|guid| {
            let package = world.packages.get(guid)?;
            let assignment = package.assignment.as_ref()?;
            let receivers = world.receivers(assignment, &standing);
            is_pinned(assignment).then_some((*guid, package, receivers))
        })
        .collect();
    let mut found = Vec::new();
    for (site, list) in by_site {
        let servers = members.servers(site);
        let here: Vec<&(Guid, &WorldPackage, BTreeSet<Guid>)> = pinned
            .iter()
            .filter(|(_, _, receivers)| !receivers.is_disjoint(&servers))
            .collect();
        let loose = |one: &Deployed<'_>| {
            tools.contains(&one.guid)
                || one
                    .package
                    .assignment
                    .as_ref()
                    .is_some_and(|a| !is_pinned(a))
        };
        if here.is_empty() || !list.iter().all(loose) {
            continue;
        }
        let names: Vec<&Name> = here.iter().map(|(_, package, _)| &package.name).collect();
        let mut objects = tool_objects(&names);
        objects.insert(site_object(world, site));
        let mut places: BTreeSet<Origin> = list.into_iter().flat_map(|one| one.places).collect();
        let of_tools = here.iter().filter_map(|(guid, _, _)| declared.get(guid));
        places.extend(of_tools.flatten().cloned());
        found.push(only_tools(
            &names,
            &format!(" to servers of `{}`", world.site_name(site)),
            objects,
            places,
        ));
    }
    found
}

/// Without declarations: tools are pinned, and none of the images that tasks use.
fn pinned_tools_anywhere(view: &View<'_>, snapshot: &Snapshot) -> Option<Finding> {
    let world = view.world;
    let tools = all_tools(view);
    let images: Vec<Option<&WorldAssignment>> = snapshot
        .tasks
        .values()
        .filter_map(|packages| packages.known())
        .flatten()
        .filter(|guid| !tools.contains(guid))
        .map(|guid| world.packages.get(guid)?.assignment.as_ref())
        .collect();
    let loose = |assignment: Option<&WorldAssignment>| assignment.is_some_and(|a| !is_pinned(a));
    if images.is_empty() || !images.iter().copied().all(loose) {
        return None;
    }
    let names: Vec<&Name> = tools
        .iter()
        .filter_map(|guid| world.packages.get(guid))
        .filter(|package| package.assignment.as_ref().is_some_and(is_pinned))
        .map(|package| &package.name)
        .collect();
    (!names.is_empty()).then(|| only_tools(&names, "", tool_objects(&names), BTreeSet::new()))
}

pub(super) fn imaging_tools_missing(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let (tools, members, places) = (tools(view), Members::of(world), Places::of(view));
    let mut found = Vec::new();
    if !shows_holders(view) {
        return found;
    }
    for (server, sites) in members.deployment_servers() {
        if !world.has_role(server, Role::Package) {
            continue;
        }
        // One package of a tool is enough, and one whose holders nobody can read may be there.
        let lacks = |packages: &&BTreeSet<Guid>| {
            packages.iter().all(|guid| {
                let holders = world.packages.get(guid).and_then(|p| p.holders.as_ref());
                holders.is_some_and(|holders| !holders.contains(&server))
            })
        };
        let missing: Vec<String> = tools
            .iter()
            .filter(|(_, packages)| !packages.is_empty() && lacks(packages))
            .map(|(tool, _)| tool.as_str().to_owned())
            .collect();
        if missing.is_empty() {
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
                "{}, package server of {}, does not hold the imaging tools {}",
                servers_named(world, [&server]),
                sites_named(world, &sites),
                some(missing)
            ),
            remedy: "assign their packages to it, and wait until it holds them".into(),
            places: places
                .seats(server)
                .chain(sites.iter().filter_map(|site| place(world, *site)))
                .collect(),
        });
    }
    found
}

pub(super) fn capture_target(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let Some(Some(target)) = world.capture_target else {
        return Vec::new();
    };
    let places = Places::of(view);
    let declared = view
        .desired
        .and_then(|desired| desired.settings.capture_target.as_ref())
        .filter(|declared| places.server(&declared.value) == Some(target))
        .map(|declared| declared.origin.clone());
    let finding = |severity, message, remedy: String| Finding {
        objects: [
            "setting captureTarget".to_owned(),
            server_object(world, target),
        ]
        .into(),
        severity,
        message,
        remedy,
        places: declared
            .clone()
            .into_iter()
            .chain(places.seats(target))
            .collect(),
    };
    let name = servers_named(world, [&target]);
    if lacks_role(view, target, Role::Package) {
        return vec![finding(
            Severity::Error,
            format!("captured images go to {name}, which is no package server"),
            "declare a package server of the deployment site as `captureTarget`, or the role `package` for this one".into(),
        )];
    }
    let members = Members::of(world);
    let sites: Vec<SiteIndex> = members.deployment_sites().collect();
    let outside = |site: &SiteIndex| members.belongs(target, *site) == Some(false);
    if sites.is_empty() || !sites.iter().all(outside) {
        return Vec::new();
    }
    vec![finding(
        Severity::Warning,
        format!(
            "captured images go to {name}, which is in no deployment site: captures load another server"
        ),
        format!(
            "declare a package server of {} as `captureTarget`",
            sites_named(world, sites.iter().take(3))
        ),
    )]
}
