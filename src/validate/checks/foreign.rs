//! Checks of what others own: sites that nobody declares, what Active Directory import brings, what another SMP
//! replicates here.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{article, count, declared, quoted, site_object, some, subnet_object, subnet_place};
use crate::model::{Desired, Guid, Name, Origin, PackageSelector, Snapshot, Subnet};
use crate::plan::Severity;
use crate::select::SiteIndex;
use crate::validate::{Check, Finding, Phase, Takeover, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "takeover",
        severity: "error without --allow-takeover",
        phases: &[Phase::Live],
        holds_when: "an address leaves a site that nobody declares",
        explanation: "A site that is not declared belongs to somebody else, or has not been looked at yet. A subnet that \
             moves out of it, or one that is declared inside one of its subnets, takes clients away from the servers \
             that they have. Declare that site too, so that both sides are seen together, or pass --allow-takeover.",
        sources: &[],
        run: takeover,
    },
    Check {
        id: "ad-import-conflict",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "a declared site or subnet came from Active Directory import",
        explanation: "The connector for Active Directory imports sites and subnets on a schedule and overrides what \
             conflicts with them, so that declarations and import would undo each other for ever. Change such an \
             object in Active Directory, or take it out of the import rule, or leave it undeclared.",
        sources: &[article::TASK_SERVICES],
        run: imported,
    },
    Check {
        id: "hierarchy-owned",
        severity: "error",
        phases: &[Phase::Live],
        holds_when: "a plan changes an object that is replicated from another SMP",
        explanation: "In a hierarchy the SMP that an object was made on owns it. A change that is made elsewhere is \
             refused, or undone by the next replication. Declare the change for the platform that owns the object, and \
             let replication bring it here.",
        sources: &[article::HIERARCHY],
        run: replicated,
    },
];

fn takeover(view: &View<'_>) -> Vec<Finding> {
    let Some(planned) = view.planned else {
        return Vec::new();
    };
    // One finding for each site that would lose something: a network team that moves a building moves it whole.
    let mut by_sites: BTreeMap<Vec<String>, Vec<(Subnet, &Origin)>> = BTreeMap::new();
    for (subnet, takeover) in &planned.takeovers {
        let Takeover { from, origin } = takeover;
        let from = from.iter().map(ToString::to_string).collect();
        by_sites.entry(from).or_default().push((*subnet, origin));
    }
    by_sites
        .into_iter()
        .map(|(from, subnets)| Finding {
            objects: from
                .iter()
                .map(|site| format!("site {}", site.to_lowercase()))
                .chain(subnets.iter().map(|(subnet, _)| subnet_object(*subnet)))
                .collect(),
            severity: Severity::Error,
            message: format!(
                "the addresses of {} belong to {}, which {} not declared",
                some(subnets.iter().map(|(subnet, _)| subnet)),
                quoted(&from),
                if from.len() == 1 { "is" } else { "are" },
            ),
            remedy: if from.len() == 1 {
                "declare that site too, or pass `--allow-takeover`".into()
            } else {
                "declare those sites too, or pass `--allow-takeover`".into()
            },
            places: subnets
                .iter()
                .take(3)
                .map(|(_, origin)| (*origin).clone())
                .collect(),
        })
        .collect()
}

/// The subnets whose resources are among some, by network.
fn subnets_among(snapshot: &Snapshot, guids: &BTreeSet<Guid>) -> BTreeSet<Subnet> {
    snapshot
        .subnets
        .known()
        .into_iter()
        .flatten()
        .filter(|observed| guids.contains(&observed.guid))
        .filter_map(|observed| observed.subnet.clone().ok())
        .collect()
}

fn imported(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let Some((snapshot, imported)) = view
        .snapshot
        .and_then(|snapshot| Some((snapshot, snapshot.surroundings.imported.known()?)))
        .filter(|(_, imported)| !imported.is_empty())
    else {
        return Vec::new();
    };
    let networks = subnets_among(snapshot, imported);
    let mut found = Vec::new();
    for (index, site) in world.sites.iter().enumerate() {
        let Some(declared) = declared(view, index) else {
            continue;
        };
        let itself = site.guid.is_some_and(|guid| imported.contains(&guid));
        let subnets: Vec<Subnet> = declared
            .subnets
            .iter()
            .flat_map(BTreeMap::keys)
            .copied()
            .filter(|subnet| networks.contains(subnet))
            .collect();
        if itself || !subnets.is_empty() {
            found.push(from_active_directory(view, index, itself, &subnets));
        }
    }
    found
}

fn from_active_directory(
    view: &View<'_>,
    site: SiteIndex,
    itself: bool,
    subnets: &[Subnet],
) -> Finding {
    let world = view.world;
    let name = world.site_name(site);
    let what = match (itself, subnets.len()) {
        (true, 0) => format!("site `{name}`"),
        (true, number) => format!("site `{name}` and {} of it", count(number, "subnet")),
        (false, _) => format!("{} of site `{name}`", some(subnets)),
    };
    Finding {
        objects: subnets
            .iter()
            .map(|subnet| subnet_object(*subnet))
            .chain([site_object(world, site)])
            .collect(),
        severity: Severity::Warning,
        message: format!(
            "{what} came from Active Directory import, which will override what is declared"
        ),
        remedy: "change it in Active Directory, or take it out of the import rule".into(),
        places: if itself {
            super::place(world, site).into_iter().collect()
        } else {
            subnets
                .iter()
                .take(3)
                .filter_map(|subnet| subnet_place(view, site, *subnet))
                .collect()
        },
    }
}

fn replicated(view: &View<'_>) -> Vec<Finding> {
    let (Some(snapshot), Some(planned)) = (view.snapshot, view.planned) else {
        return Vec::new();
    };
    let Some(hierarchy) = snapshot.surroundings.hierarchy.known() else {
        return Vec::new();
    };
    let named = |kind: &'static str, guid: &Guid, name: String| {
        hierarchy.replicated.contains(guid).then_some((kind, name))
    };
    let sites = snapshot.sites.known().into_iter().flatten();
    let packages = snapshot.packages.known().into_iter().flatten();
    let objects = sites
        .filter_map(|site| named("site", &site.guid, site.name.to_string()))
        .chain(
            packages
                .filter_map(|package| named("package", &package.guid, package.name.to_string())),
        )
        .chain(
            subnets_among(snapshot, &hierarchy.replicated)
                .into_iter()
                .map(|subnet| ("subnet", subnet.to_string())),
        );
    let declared: BTreeMap<Subnet, &Origin> = view
        .desired
        .filter(|_| !hierarchy.replicated.is_empty())
        .into_iter()
        .flat_map(|desired| desired.sites.values())
        .filter_map(|site| site.subnets.as_ref())
        .flatten()
        .map(|(subnet, origin)| (*subnet, origin))
        .collect();
    objects
        .filter_map(|(kind, name)| {
            let object = format!("{kind} {}", name.to_lowercase());
            planned.changed.contains(&object).then(|| Finding {
                places: view
                    .desired
                    .and_then(|desired| declared_at(desired, &declared, kind, &name))
                    .into_iter()
                    .collect(),
                objects: [object].into(),
                severity: Severity::Error,
                message: format!(
                    "{kind} `{name}` is replicated from another SMP and may not be changed here"
                ),
                remedy: "change it on the SMP that owns it, and leave it out of these declarations"
                    .into(),
            })
        })
        .collect()
}

/// Where a site, a subnet or a package is declared; `subnets` are all that are declared.
fn declared_at(
    desired: &Desired,
    subnets: &BTreeMap<Subnet, &Origin>,
    kind: &str,
    name: &str,
) -> Option<Origin> {
    match kind {
        "site" => Some(desired.sites.get(&Name::new(name))?.origin.clone()),
        "subnet" => Some((*subnets.get(&name.parse().ok()?)?).clone()),
        _ => {
            let selector = PackageSelector::Name(Name::new(name));
            Some(desired.packages.get(&selector)?.origin.clone())
        }
    }
}
