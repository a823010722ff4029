//! Where servers stand by their own addresses, and which servers serve a site.
//!
//! Pure. A server whose own address lies in a subnet of a site serves that site without being assigned (431459); a
//! manual assignment comes beside that and does not end it (184143).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::model::{Guid, Subnet};
use crate::select::{SiteIndex, World};

/// The places of all servers of a world.
#[derive(Debug, Default)]
pub(super) struct Standing {
    sites: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    /// For each server the sites it stands in, with the first address by which it does.
    servers: BTreeMap<Guid, BTreeMap<SiteIndex, (Ipv4Addr, Subnet)>>,
    /// Own addresses that are in no site.
    outside: BTreeMap<Guid, BTreeSet<Ipv4Addr>>,
    /// Sites that each server is assigned to manually.
    manual: BTreeMap<Guid, BTreeSet<SiteIndex>>,
    none: BTreeMap<SiteIndex, (Ipv4Addr, Subnet)>,
    no_servers: BTreeSet<Guid>,
    no_sites: BTreeSet<SiteIndex>,
    no_addresses: BTreeSet<Ipv4Addr>,
}

impl Standing {
    /// Looks up every known address: servers times the logarithm of the number of subnets.
    pub(super) fn of(world: &World) -> Self {
        let assigned = world.assigned();
        let mut found = Self::default();
        for (guid, server) in &world.servers {
            for (address, _) in server.addresses.iter().flatten() {
                let Some(subnet) = assigned.holding(*address) else {
                    found.outside.entry(*guid).or_default().insert(*address);
                    continue;
                };
                for site in world.subnets.get(&subnet).into_iter().flatten() {
                    found.sites.entry(*site).or_default().insert(*guid);
                    found
                        .servers
                        .entry(*guid)
                        .or_default()
                        .entry(*site)
                        .or_insert((*address, subnet));
                }
            }
        }
        for (index, site) in world.sites.iter().enumerate() {
            for server in &site.manual {
                found.manual.entry(*server).or_default().insert(index);
            }
        }
        found
    }

    /// The servers that stand in a site.
    pub(super) fn in_site(&self, site: SiteIndex) -> &BTreeSet<Guid> {
        self.sites.get(&site).unwrap_or(&self.no_servers)
    }

    /// The sites that a server stands in, each with the address and the subnet by which it does.
    pub(super) fn sites_of(&self, server: Guid) -> &BTreeMap<SiteIndex, (Ipv4Addr, Subnet)> {
        self.servers.get(&server).unwrap_or(&self.none)
    }

    /// The sites that a server is assigned to manually.
    pub(super) fn manual_sites_of(&self, server: Guid) -> &BTreeSet<SiteIndex> {
        self.manual.get(&server).unwrap_or(&self.no_sites)
    }

    /// The addresses of a server that are in no site.
    pub(super) fn outside(&self, server: Guid) -> &BTreeSet<Ipv4Addr> {
        self.outside.get(&server).unwrap_or(&self.no_addresses)
    }

    /// The servers of a site: by their own address or by manual assignment.
    pub(super) fn serving(&self, world: &World, site: SiteIndex) -> BTreeSet<Guid> {
        let manual = world.sites.get(site).map(|site| &site.manual);
        manual
            .into_iter()
            .flatten()
            .chain(self.in_site(site))
            .copied()
            .collect()
    }
}
