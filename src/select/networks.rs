//! Which servers stand in which broadcast domain, by the addresses and masks of their inventory.
//!
//! Pure. Sites play no part here: a /32 that is carved out of a network does not divide it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{World, enclosing, most_specific};
use crate::model::{Guid, Role, Subnet};

/// The networks of a world's servers.
#[derive(Debug)]
pub(super) struct Networks {
    sorted: Vec<Subnet>,
    parents: Vec<Option<usize>>,
    /// For each network the number of the set of servers that stand around its addresses.
    numbers: Vec<usize>,
    /// Those sets; the first is empty.
    standing: Vec<BTreeSet<Guid>>,
    /// For each set the first that has the same servers of network boot.
    alike: Vec<usize>,
    by_address: BTreeSet<(Ipv4Addr, Guid)>,
}

impl Networks {
    pub(super) fn new(world: &World) -> Self {
        let mut networks: BTreeMap<Subnet, BTreeSet<Guid>> = BTreeMap::new();
        let mut by_address = BTreeSet::new();
        for (guid, server) in &world.servers {
            if server.roles.as_ref().is_some_and(BTreeSet::is_empty) {
                continue; // no site server
            }
            for (address, prefix) in server.addresses.iter().flatten() {
                by_address.insert((*address, *guid));
                if let Some(network) = Subnet::containing(*address, *prefix) {
                    networks.entry(network).or_default().insert(*guid);
                }
            }
        }
        let sorted: Vec<Subnet> = networks.keys().copied().collect();
        let parents = enclosing(&sorted);
        let mut known = BTreeMap::from([(BTreeSet::new(), 0)]);
        let mut standing = vec![BTreeSet::new()];
        let mut numbers: Vec<usize> = Vec::with_capacity(sorted.len());
        for (mut servers, parent) in networks.into_values().zip(&parents) {
            // Outer networks come first, so what stands around this one is known already.
            let around = parent.and_then(|parent| standing.get(*numbers.get(parent)?));
            servers.extend(around.into_iter().flatten());
            let number = *known.entry(servers.clone()).or_insert_with(|| {
                standing.push(servers);
                standing.len() - 1
            });
            numbers.push(number);
        }
        let alike = alike(world, &standing);
        Self {
            sorted,
            parents,
            numbers,
            standing,
            alike,
            by_address,
        }
    }

    /// The sets of servers that stand together, by number.
    pub(super) fn standing(&self) -> impl Iterator<Item = &BTreeSet<Guid>> {
        self.standing.iter()
    }

    /// The networks, sorted, with the numbers of their sets.
    pub(super) fn all(&self) -> impl Iterator<Item = (Subnet, usize)> {
        self.sorted
            .iter()
            .copied()
            .zip(self.numbers.iter().copied())
    }

    /// The number of the set of servers around an address, by their masks.
    pub(super) fn at(&self, address: Ipv4Addr) -> usize {
        most_specific(&self.sorted, &self.parents, address)
            .and_then(|index| self.numbers.get(index).copied())
            .unwrap_or(0)
    }

    /// The set of a number.
    pub(super) fn set(&self, number: usize) -> Option<&BTreeSet<Guid>> {
        self.standing.get(number)
    }

    /// The first set that has the same servers of network boot, which is all that counts where sites decide the rest.
    pub(super) fn alike(&self, number: usize) -> usize {
        self.alike.get(number).copied().unwrap_or(number)
    }

    /// Servers with an address in a network.
    pub(super) fn inside(&self, network: Subnet) -> impl Iterator<Item = Guid> {
        let (first, last) = network.range();
        let first = (Ipv4Addr::from(first), Guid::NIL);
        let last = (Ipv4Addr::from(last), Guid::from_u128(u128::MAX));
        self.by_address
            .range(first..=last)
            .map(|(_, server)| *server)
    }
}

fn alike(world: &World, standing: &[BTreeSet<Guid>]) -> Vec<usize> {
    let may_boot = |guid: &Guid| {
        world.servers.get(guid).is_some_and(|server| {
            server
                .roles
                .as_ref()
                .is_none_or(|roles| roles.contains(&Role::NetworkBoot))
        })
    };
    let mut known: BTreeMap<Vec<Guid>, usize> = BTreeMap::new();
    standing
        .iter()
        .enumerate()
        .map(|(number, servers)| {
            let booting = servers.iter().copied().filter(|s| may_boot(s)).collect();
            *known.entry(booting).or_insert(number)
        })
        .collect()
}
