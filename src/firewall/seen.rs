//! A snapshot → what a list needs of it: addresses, roles, and who stands in a site.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::rules::FirewallError;
use crate::model::{Computer, Desired, Guid, Name, Observed, ObservedSite, Snapshot, Subnet};

/// What the server shows, with the sites that subnets are to be in: as declared, else as they are.
pub(super) struct Live<'a> {
    pub(super) snapshot: &'a Snapshot,
    sites: BTreeMap<Guid, &'a ObservedSite>,
    pub(super) subnets: BTreeMap<Subnet, BTreeSet<Name>>,
}

impl<'a> Live<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, desired: &Desired) -> Self {
        let sites: BTreeMap<Guid, &ObservedSite> = (snapshot.sites.known().into_iter().flatten())
            .map(|site| (site.guid, site))
            .collect();
        let exact = |site: &Name| {
            let declared = desired.sites.get(site);
            declared.is_some_and(|site| site.subnets.is_some())
        };
        let mut subnets: BTreeMap<Subnet, BTreeSet<Name>> = BTreeMap::new();
        for observed in snapshot.subnets.known().into_iter().flatten() {
            let names = (observed.sites.iter())
                .filter_map(|guid| sites.get(guid))
                .map(|site| site.name.clone())
                .filter(|site| !exact(site));
            if let Ok(subnet) = observed.subnet {
                subnets.entry(subnet).or_default().extend(names);
            }
        }
        for site in desired.sites.values() {
            for subnet in site.subnets.iter().flat_map(|subnets| subnets.keys()) {
                subnets.insert(*subnet, BTreeSet::from([site.name.clone()]));
            }
        }
        subnets.retain(|_, sites| !sites.is_empty());
        Self {
            snapshot,
            sites,
            subnets,
        }
    }

    pub(super) fn computer(&self, name: &Name) -> Result<&'a Computer, FirewallError> {
        match self.snapshot.computers_named(name).as_slice() {
            [one] => Ok(one),
            several => Err(FirewallError::NotSeen {
                name: name.clone(),
                found: several.len(),
            }),
        }
    }

    pub(super) fn platform(&self) -> Option<&'a Computer> {
        self.snapshot.computers.get(&self.snapshot.platform.server)
    }

    pub(super) fn site(&self, name: &Name) -> Option<&&'a ObservedSite> {
        self.sites.values().find(|site| site.name == *name)
    }

    pub(super) fn assigned_to(&self, site: &Name) -> Vec<Name> {
        let servers = self.site(site).into_iter().flat_map(|site| &site.servers);
        servers
            .filter_map(|guid| self.snapshot.computers.get(guid))
            .map(|computer| computer.name.clone())
            .collect()
    }

    pub(super) fn subnets_of(&self, site: &Name) -> BTreeSet<Subnet> {
        (self.subnets.iter())
            .filter(|(_, sites)| sites.contains(site))
            .map(|(subnet, _)| *subnet)
            .collect()
    }

    /// Site servers that stand in a site by an address of their own: the most specific subnet decides.
    pub(super) fn standing_in(&self, site: &Name) -> Vec<&'a Computer> {
        let inside = |address: Ipv4Addr| {
            (self.subnets.iter())
                .filter(|(subnet, _)| subnet.contains(address))
                .max_by_key(|(subnet, _)| subnet.prefix())
                .is_some_and(|(_, sites)| sites.contains(site))
        };
        let serves = |computer: &Computer| match self.snapshot.roles_of(computer.guid) {
            Observed::Known(roles) => !roles.is_empty(),
            Observed::Unavailable(_) => false,
        };
        (self.snapshot.computers.values())
            .filter(|computer| serves(computer) && addresses(computer).into_iter().any(inside))
            .collect()
    }
}

/// The addresses of a computer, as far as they are known.
pub(super) fn addresses(computer: &Computer) -> BTreeSet<Ipv4Addr> {
    let known = computer.addresses.known();
    known
        .into_iter()
        .flatten()
        .map(|(address, _)| *address)
        .collect()
}
