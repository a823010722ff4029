//! Checks of hierarchies: the package server that an SMP needs in its own site when it joins.
//!
//! Pure.

use std::collections::BTreeSet;

use super::members::facts;
use super::{
    Standing, article, deployment_sites, quoted, server_name, server_object, site_names,
    site_object,
};
use crate::model::{Guid, Role};
use crate::plan::Severity;
use crate::select::SiteIndex;
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "hierarchy-package-server",
    severity: "error while joining (`parent` declared, not yet a member), else info",
    phases: &[Phase::Live],
    holds_when: "the SMP has no package server in the site of its own subnet",
    explanation: "An SMP can join a hierarchy only while a package server is in the site of its own subnet; where that \
             server stands does not matter, and it may be assigned by hand. The side effect: it becomes a source for \
             every agent and package server of that site. If packages are replicated, it must also reach the package \
             servers of the parent's site. This is checked at the moment of joining only. The way back, once joined: \
             the site > View: Site Servers > the row ticked \"Manually Assigned\" > delete, which removes the \
             assignment and not the computer.",
    sources: &[article::HIERARCHY],
    run: package_server,
}];

fn package_server(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let (Some(surroundings), Some(smp)) = (view.surroundings(), world.platform) else {
        return Vec::new();
    };
    let parent = view
        .desired
        .and_then(|desired| desired.settings.parent.as_ref());
    let member = surroundings
        .hierarchy
        .known()
        .map(|hierarchy| hierarchy.member);
    // Whoever neither is in a hierarchy nor wants to be needs none.
    if parent.is_none() && member != Some(true) {
        return Vec::new();
    }
    let placed = world
        .servers
        .get(&smp)
        .is_some_and(|server| server.addresses.is_some());
    if !placed || !super::boundaries_known(view) {
        return Vec::new();
    }
    let standing = Standing::of(world);
    let own: Vec<SiteIndex> = standing.sites_of(smp).keys().copied().collect();
    let servers: BTreeSet<Guid> = own
        .iter()
        .flat_map(|site| standing.serving(world, *site))
        .collect();
    let unknown = |server: &Guid| {
        world
            .servers
            .get(server)
            .is_none_or(|server| server.roles.is_none())
    };
    if servers
        .iter()
        .any(|server| *server != smp && (unknown(server) || world.has_role(*server, Role::Package)))
    {
        return Vec::new();
    }
    let severity = match (parent, member) {
        (Some(_), Some(false)) => Severity::Error,
        _ => Severity::Info,
    };
    let name = server_name(world, smp);
    let site = if own.is_empty() {
        format!("the subnet of the SMP `{name}` is in no site")
    } else {
        format!(
            "{}, the site of the SMP `{name}`, has no package server beside it",
            quoted(site_names(world, &own))
        )
    };
    let message = match (parent, member) {
        (Some(parent), Some(false)) => format!("{site}: it cannot join `{}`", parent.value),
        (Some(parent), None) => format!(
            "{site}: whether it has joined `{}` is not known, and to join it needs one",
            parent.value
        ),
        _ => format!(
            "{site}: it has joined, and needs one only to replicate packages or to join again"
        ),
    };
    vec![Finding {
        objects: own
            .iter()
            .map(|site| site_object(world, *site))
            .chain([server_object(world, smp)])
            .collect(),
        severity,
        message,
        remedy: steps(view, &standing, smp, &own),
        places: parent
            .map(|parent| parent.origin.clone())
            .into_iter()
            .collect(),
    }]
}

/// Whether a server is known not to answer, or not to be this SMP's to assign: it is proposed where there is no other.
fn is_unfit(view: &View<'_>, server: Guid) -> bool {
    facts(view, server).is_some_and(|facts| {
        [
            &facts.answering,
            &facts.managed,
            &facts.local,
            &facts.asset_active,
        ]
        .into_iter()
        .any(|fact| fact.known() == Some(&false))
    })
}

/// The six steps of the article, with a package server that may be taken for them.
fn steps(view: &View<'_>, standing: &Standing, smp: Guid, own: &[SiteIndex]) -> String {
    let world = view.world;
    let deployment: BTreeSet<Guid> = deployment_sites(world)
        .flat_map(|site| standing.serving(world, site))
        .collect();
    // What serves imaging alone would serve the SMP's whole site.
    let candidate = world
        .servers
        .iter()
        .filter(|(server, _)| **server != smp && !deployment.contains(*server))
        .filter(|(server, _)| world.has_role(**server, Role::Package))
        .map(|(guid, server)| (is_unfit(view, *guid), &server.name))
        .min();
    let server = match candidate {
        Some((_, name)) => format!("`{name}`"),
        None => "a package server that is no deployment server (there is none yet)".to_owned(),
    };
    let site = match own.first() {
        Some(site) => format!("`{}`", world.site_name(*site)),
        None => "a site with the SMP's subnet".to_owned(),
    };
    format!(
        "declare {server} under `servers` of {site}; or in the console: (1) open the Site Server settings, \
         (2) create a site with the SMP's subnet where there is none (the subnet of the package server stays out of it), \
         (3) select Site Servers, (4) select {server} in the right pane, (5) click Assign to site, \
         (6) select the site. It becomes a source for that whole site"
    )
}
