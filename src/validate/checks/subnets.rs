//! Checks of subnets: whose they are and how they lie in each other.
//!
//! Pure.

use super::{kind, place, quoted, site_object, subnet_object};
use crate::model::{SiteKind, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World, enclosing};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "subnet-in-two-sites",
        severity: "error",
        phases: &[Phase::Declared, Phase::Live],
        holds_when: "one subnet belongs to two sites",
        explanation: "The SMP serves the addresses of such a subnet from either site. Let one site only have it. Between \
             the two calls that move a subnet it may be in both for a moment.",
        sources: &["431459"],
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
             deployment clients is fine where both sites are declared. Make all other boundaries exact.",
        sources: &["431459"],
        run: overlap,
    },
];

pub(super) fn in_two_sites(view: &View<'_>) -> Vec<Finding> {
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

pub(super) fn overlap(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
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
                    found.push(overlapping(world, (*inner, inside), (*outer, outside)));
                }
            }
        }
    }
    found
}

fn overlapping(
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
