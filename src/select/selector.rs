//! The index over one world that answers who serves an address, a client, or a client that asks for a package.
//!
//! Pure. Built once a world. Sets of sites and broadcast domains are few compared with subnets, so the rules are asked
//! once for each of them, and then an address costs two searches.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::networks::Networks;
use super::rules::{self, Holders, Members, Pool};
use super::served::{Choice, Reason, Served, Service};
use super::{Assigned, SiteIndex, World};
use crate::model::{Guid, Role, Subnet};

/// Somebody who asks for a server: whoever has an address, or a client with all of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    addresses: Vec<(Ipv4Addr, Option<u8>)>,
    own: Option<Guid>,
}

impl Place {
    /// Whoever may have this address.
    #[must_use]
    pub fn address(address: Ipv4Addr) -> Self {
        Self {
            addresses: vec![(address, None)],
            own: None,
        }
    }

    /// A computer with its addresses and the prefixes of their masks; `own` where it may be a server itself.
    #[must_use]
    pub fn client(addresses: &[(Ipv4Addr, u8)], own: Option<Guid>) -> Self {
        Self {
            addresses: addresses
                .iter()
                .map(|(address, prefix)| (*address, Some(*prefix)))
                .collect(),
            own,
        }
    }

    /// Its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.addresses.iter().map(|(address, _)| *address)
    }

    /// The computer that it is, where that is known.
    #[must_use]
    pub fn own(&self) -> Option<Guid> {
        self.own
    }
}

/// The services of everybody who is in the same sites.
#[derive(Debug)]
struct InSites<'a> {
    sites: &'a BTreeSet<SiteIndex>,
    package: Service,
    task: Service,
}

/// The services of everybody who is in the same broadcast domain; the first two for whoever is in no site.
#[derive(Debug)]
struct InNetwork {
    package: Service,
    task: Service,
    network_boot: Service,
}

/// What the rules look at beside the servers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standpoint<'s> {
    pub(super) sites: &'s BTreeSet<SiteIndex>,
    pub(super) members: &'s Members,
    /// Servers in the same broadcast domain by the servers' masks.
    pub(super) near: &'s BTreeSet<Guid>,
    /// The same by the client's own mask, where that says otherwise.
    pub(super) near_by_own_mask: Option<&'s BTreeSet<Guid>>,
    pub(super) own: Option<Guid>,
}

/// An index over a world for server selection.
#[derive(Debug)]
pub struct Selector<'a> {
    pub(super) world: &'a World,
    pub(super) assigned: Assigned<'a>,
    pub(super) networks: Networks,
    pub(super) standing: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    pub(super) full: BTreeSet<Guid>,
    package: Vec<Pool>,
    task: Vec<Pool>,
    network_boot: Vec<Pool>,
    /// For each site the number of the set that holds it alone, and for every other set its number.
    single: Vec<Option<usize>>,
    several: BTreeMap<&'a BTreeSet<SiteIndex>, usize>,
    in_sites: Vec<InSites<'a>>,
    in_networks: Vec<InNetwork>,
}

impl<'a> Selector<'a> {
    /// Makes the index.
    #[must_use]
    pub fn new(world: &'a World) -> Self {
        let limit = world
            .registrations_per_server
            .unwrap_or(rules::REGISTRATIONS);
        let full = world
            .servers
            .iter()
            .filter(|(_, server)| server.registered.is_some_and(|count| count >= limit))
            .map(|(guid, _)| *guid)
            .collect();
        let pools = |role| Pool::all(world, role, None, &full);
        let assigned = world.assigned();
        let mut selector = Self {
            world,
            standing: world.standing(&assigned),
            assigned,
            networks: Networks::new(world),
            package: pools(Role::Package),
            task: pools(Role::Task),
            network_boot: pools(Role::NetworkBoot),
            full,
            single: vec![None; world.sites.len()],
            several: BTreeMap::new(),
            in_sites: Vec::new(),
            in_networks: Vec::new(),
        };
        selector.ask_sites();
        selector.ask_networks();
        selector
    }

    fn ask_sites(&mut self) {
        let nobody = BTreeSet::new();
        for sites in self.world.subnets.values() {
            if sites.is_empty() || self.number(sites).is_some() {
                continue;
            }
            let members = self.members(sites);
            let standpoint = Standpoint {
                sites,
                members: &members,
                near: &nobody,
                near_by_own_mask: None,
                own: None,
            };
            let asked = InSites {
                sites,
                package: self.answer(Role::Package, &self.package, standpoint),
                task: self.answer(Role::Task, &self.task, standpoint),
            };
            let number = self.in_sites.len();
            self.in_sites.push(asked);
            match sites.first() {
                Some(site) if sites.len() == 1 => {
                    if let Some(single) = self.single.get_mut(*site) {
                        *single = Some(number);
                    }
                }
                _ => {
                    self.several.insert(sites, number);
                }
            }
        }
    }

    fn ask_networks(&mut self) {
        let no_sites = BTreeSet::new();
        let no_members = Members::default();
        let asked = self.networks.standing().map(|near| {
            let standpoint = Standpoint {
                sites: &no_sites,
                members: &no_members,
                near,
                near_by_own_mask: None,
                own: None,
            };
            InNetwork {
                package: self.answer(Role::Package, &self.package, standpoint),
                task: self.answer(Role::Task, &self.task, standpoint),
                network_boot: self.answer(Role::NetworkBoot, &self.network_boot, standpoint),
            }
        });
        self.in_networks = asked.collect();
    }

    fn answer(&self, role: Role, pools: &[Pool], standpoint: Standpoint<'_>) -> Service {
        let any_sites = !self.assigned.subnets().is_empty();
        rules::answer(self.world, any_sites, role, pools, standpoint)
    }

    /// The servers of a set of sites, by how they belong to it.
    pub(super) fn members(&self, sites: &BTreeSet<SiteIndex>) -> Members {
        let mut members = Members::default();
        for site in sites {
            members
                .automatic
                .extend(self.standing.get(site).into_iter().flatten());
            if let Some(site) = self.world.sites.get(*site) {
                members.manual.extend(&site.manual);
            }
        }
        members
    }

    /// The sites of an address: those of the most specific assigned subnet that holds it.
    ///
    /// Source: a subnet inside another belongs to the same site as the enclosing one unless it is assigned itself
    /// (documentation of sites); that the longest prefix wins is inferred, see assumption A08.
    #[must_use]
    pub fn sites_of(&self, address: Ipv4Addr) -> Option<&'a BTreeSet<SiteIndex>> {
        let subnet = self.assigned.holding(address)?;
        self.world.subnets.get(&subnet)
    }

    /// The sites of somebody: several where there are several addresses.
    #[must_use]
    pub fn sites(&self, place: &Place) -> BTreeSet<SiteIndex> {
        place
            .addresses()
            .filter_map(|address| self.sites_of(address))
            .flatten()
            .copied()
            .collect()
    }

    /// The known subnets that hold an address, the most specific first, with the sites that each is assigned to.
    #[must_use]
    pub fn matching(&self, address: Ipv4Addr) -> Vec<(Subnet, &'a BTreeSet<SiteIndex>)> {
        (1..=32)
            .rev()
            .filter_map(|prefix| Subnet::containing(address, prefix))
            .filter_map(|subnet| Some((subnet, self.world.subnets.get(&subnet)?)))
            .collect()
    }

    /// Who serves whoever may have an address.
    #[must_use]
    pub fn at(&self, address: Ipv4Addr) -> Served {
        let sites = self.sites_of(address).and_then(|sites| self.number(sites));
        self.served(sites, self.networks.at(address))
    }

    /// Who serves a computer with these addresses; `own` where it may be a server itself.
    #[must_use]
    pub fn client(&self, addresses: &[(Ipv4Addr, u8)], own: Option<Guid>) -> Served {
        self.serves(&Place::client(addresses, own))
    }

    /// Who serves somebody.
    #[must_use]
    pub fn serves(&self, place: &Place) -> Served {
        let own = place
            .own
            .filter(|own| self.package.iter().any(|pool| pool.can(*own)));
        let (near, near_by_own_mask) = self.near(place);
        // Most clients have one address, are no servers, and their mask is that of the servers around them.
        if let ([(address, _)], None, None) = (place.addresses.as_slice(), own, &near_by_own_mask) {
            return self.at(*address);
        }
        let sites = self.sites(place);
        let members = self.members(&sites);
        let standpoint = Standpoint {
            sites: &sites,
            members: &members,
            near: &near,
            near_by_own_mask: near_by_own_mask.as_ref(),
            own,
        };
        Served {
            package: self.answer(Role::Package, &self.package, standpoint),
            task: self.answer(Role::Task, &self.task, standpoint),
            network_boot: self.answer(Role::NetworkBoot, &self.network_boot, standpoint),
            sites,
        }
    }

    /// Who serves somebody with a package: of those who may, who holds it.
    ///
    /// A package that the world does not know, or whose holders could not be read, leads to an outcome that is not
    /// certain.
    #[must_use]
    pub fn package(&self, place: &Place, package: Guid) -> Service {
        let holders = self.holders(package);
        let pools = Pool::all(self.world, Role::Package, Some(&holders), &self.full);
        let (near, near_by_own_mask) = self.near(place);
        let sites = self.sites(place);
        let members = self.members(&sites);
        self.answer(
            Role::Package,
            &pools,
            Standpoint {
                sites: &sites,
                members: &members,
                near: &near,
                near_by_own_mask: near_by_own_mask.as_ref(),
                own: place.own,
            },
        )
    }

    /// Package servers that hold a package, and those that may.
    pub(super) fn holders(&self, package: Guid) -> Holders {
        let known = self.world.packages.get(&package);
        if let Some(holders) = known.and_then(|package| package.holders.as_ref()) {
            return Holders {
                sure: holders.clone(),
                possible: holders.clone(),
            };
        }
        let assignment = known.and_then(|package| package.assignment.as_ref());
        Holders {
            sure: BTreeSet::new(),
            possible: assignment.map_or_else(
                || self.world.servers.keys().copied().collect(),
                |assignment| self.world.receivers(assignment, &self.standing),
            ),
        }
    }

    /// Servers in the same broadcast domain by the masks of the servers; and by the client's own masks, where those
    /// are known and say otherwise.
    pub(super) fn near(&self, place: &Place) -> (BTreeSet<Guid>, Option<BTreeSet<Guid>>) {
        let mut near = BTreeSet::new();
        let mut by_own_mask = Some(BTreeSet::new());
        for (address, prefix) in &place.addresses {
            near.extend(
                self.networks
                    .set(self.networks.at(*address))
                    .into_iter()
                    .flatten(),
            );
            match prefix.and_then(|prefix| Subnet::containing(*address, prefix)) {
                Some(network) => {
                    if let Some(inside) = &mut by_own_mask {
                        inside.extend(self.networks.inside(network));
                    }
                }
                None => by_own_mask = None,
            }
        }
        let other = by_own_mask.filter(|inside| *inside != near);
        (near, other)
    }

    /// The number of a set of sites that some subnet has.
    pub(super) fn number(&self, sites: &BTreeSet<SiteIndex>) -> Option<usize> {
        match sites.first() {
            Some(site) if sites.len() == 1 => self.single.get(*site).copied().flatten(),
            _ => self.several.get(sites).copied(),
        }
    }

    /// The answer for a set of sites and a broadcast domain by their numbers.
    pub(super) fn served(&self, sites: Option<usize>, network: usize) -> Served {
        let in_sites = sites.and_then(|number| self.in_sites.get(number));
        let in_network = self.in_networks.get(network);
        let nothing = || Service {
            choice: Choice::None,
            reason: Reason::Nobody,
        };
        let package = in_sites.map(|asked| &asked.package);
        let task = in_sites.map(|asked| &asked.task);
        Served {
            sites: in_sites
                .map(|asked| asked.sites.clone())
                .unwrap_or_default(),
            package: package
                .or(in_network.map(|asked| &asked.package))
                .cloned()
                .unwrap_or_else(nothing),
            task: task
                .or(in_network.map(|asked| &asked.task))
                .cloned()
                .unwrap_or_else(nothing),
            network_boot: in_network.map_or_else(nothing, |asked| asked.network_boot.clone()),
        }
    }
}
