//! A world made of declarations alone: what `validate` judges without a server.
//!
//! Pure. Addresses of servers are not known here, so whatever depends on them is left for `plan`.

use std::collections::{BTreeMap, BTreeSet};

use super::{World, WorldServer, WorldSite};
use crate::model::{Desired, Guid, Name};

impl World {
    /// The world as it is declared.
    #[must_use]
    pub fn declared(desired: &Desired) -> Self {
        let mut world = Self::default();
        let names: BTreeSet<&Name> = desired
            .servers
            .keys()
            .chain(
                desired
                    .sites
                    .values()
                    .flat_map(|site| site.servers.iter().flat_map(|servers| servers.keys())),
            )
            .collect();
        // Servers have no GUID without a server to ask: numbers in the order of names stand in for them.
        let guids: BTreeMap<&Name, Guid> = names
            .into_iter()
            .zip(1_u128..)
            .map(|(name, number)| (name, Guid::from_u128(number)))
            .collect();
        for (name, guid) in &guids {
            world.servers.insert(
                *guid,
                WorldServer {
                    name: (*name).clone(),
                    addresses: None,
                    roles: desired
                        .servers
                        .get(*name)
                        .map(|server| server.roles.keys().copied().collect()),
                    answering: None,
                    registered: None,
                },
            );
        }
        for (index, site) in desired.sites.values().enumerate() {
            world.sites.push(WorldSite {
                name: site.name.clone(),
                guid: None,
                declared: Some((site.kind, site.origin.clone())),
                manual: site
                    .servers
                    .iter()
                    .flat_map(|servers| servers.keys())
                    .filter_map(|name| guids.get(name).copied())
                    .collect(),
                constrained: site.constrain.as_ref().map(|constrain| constrain.value),
            });
            for subnet in site.subnets.iter().flat_map(|subnets| subnets.keys()) {
                world.subnets.entry(*subnet).or_default().insert(index);
            }
        }
        world
    }
}
