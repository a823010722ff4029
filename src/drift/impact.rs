//! What differences mean for client addresses: two snapshots → [`Impact`].
//!
//! Pure. Impact compares two worlds whose sites stand in the same order, so the later one is brought into that of the
//! earlier one; a site that is gone stays as one without anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Guid, Snapshot};
use crate::select::{Impact, Selector, SiteIndex, World, WorldAssignment, WorldSite, impact};

/// Compares who serves whom.
pub(super) fn between(before: &Snapshot, now: &Snapshot) -> Impact {
    let mut earlier = World::observed(before);
    let mut later = aligned(&earlier, World::observed(now));
    // What was asked of one of them only would look like something that came or went.
    earlier
        .packages
        .retain(|guid, _| later.packages.contains_key(guid));
    later
        .packages
        .retain(|guid, _| earlier.packages.contains_key(guid));
    let clients = now.surroundings.clients.known().map(Vec::as_slice);
    impact(&Selector::new(&earlier), &Selector::new(&later), clients)
}

/// The later world with the sites of the earlier one first, in its order.
fn aligned(earlier: &World, later: World) -> World {
    let World {
        sites,
        subnets,
        servers,
        platform,
        packages,
        plug_ins,
        capture_target,
        registrations_per_server,
    } = later;
    let mut rest: BTreeMap<Option<Guid>, (SiteIndex, WorldSite)> = sites
        .into_iter()
        .enumerate()
        .map(|(index, site)| (site.guid, (index, site)))
        .collect();
    let mut moved: BTreeMap<SiteIndex, SiteIndex> = BTreeMap::new();
    let mut all: Vec<WorldSite> = Vec::new();
    for site in &earlier.sites {
        all.push(match rest.remove(&site.guid) {
            Some((index, found)) => {
                moved.insert(index, all.len());
                found
            }
            None => WorldSite {
                manual: BTreeSet::new(),
                constrained: None,
                ..site.clone()
            },
        });
    }
    for (index, site) in rest.into_values() {
        moved.insert(index, all.len());
        all.push(site);
    }
    let renumbered = |sites: BTreeSet<SiteIndex>| -> BTreeSet<SiteIndex> {
        sites
            .iter()
            .filter_map(|site| moved.get(site).copied())
            .collect()
    };
    World {
        sites: all,
        subnets: subnets
            .into_iter()
            .map(|(subnet, sites)| (subnet, renumbered(sites)))
            .collect(),
        packages: packages
            .into_iter()
            .map(|(guid, mut package)| {
                package.assignment = package.assignment.map(|assignment| match assignment {
                    WorldAssignment::Sites { sites, automatic } => WorldAssignment::Sites {
                        sites: renumbered(sites),
                        automatic,
                    },
                    other @ (WorldAssignment::All | WorldAssignment::Servers(_)) => other,
                });
                (guid, package)
            })
            .collect(),
        servers,
        platform,
        plug_ins,
        capture_target,
        registrations_per_server,
    }
}
