//! The part of an SMP that server selection looks at: sites with subnets and servers, servers with addresses and roles.
//!
//! Pure. Sites are addressed by index, since a site that a plan creates has no GUID yet and an SMP may hold two sites
//! of one name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{enclosing, most_specific};
use crate::model::{
    Assignment, Guid, Name, Observed, ObservedSite, Origin, Role, ServiceRole, SiteKind, Snapshot,
    Subnet,
};

/// The position of a site in [`World::sites`].
pub type SiteIndex = usize;

/// One site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldSite {
    /// Its name.
    pub name: Name,
    /// Its GUID, where it exists.
    pub guid: Option<Guid>,
    /// What it is declared as; `None` where it is not declared.
    pub declared: Option<(SiteKind, Origin)>,
    /// Servers that are assigned manually.
    pub manual: BTreeSet<Guid>,
    /// Constrain to Site, where it is known.
    pub constrained: Option<bool>,
}

/// One computer that is, or is to be, a site server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldServer {
    /// Its name.
    pub name: Name,
    /// Its own addresses; `None` where they are not known.
    pub addresses: Option<BTreeSet<(Ipv4Addr, u8)>>,
    /// Its roles; `None` where they are not known.
    pub roles: Option<BTreeSet<Role>>,
    /// Whether it answers; `None` where that is not known.
    pub answering: Option<bool>,
    /// How many computers are registered with it for tasks; `None` where that is not known.
    pub registered: Option<u32>,
}

/// The package servers that a package is assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorldAssignment {
    /// All of them.
    All,
    /// These.
    Servers(BTreeSet<Guid>),
    /// Those of these sites.
    Sites {
        /// The sites.
        sites: BTreeSet<SiteIndex>,
        /// Whether the SMP may choose among them.
        automatic: bool,
    },
}

/// One package that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldPackage {
    /// Its name.
    pub name: Name,
    /// What it is assigned to; `None` where that is not known.
    pub assignment: Option<WorldAssignment>,
    /// Package servers that hold it; `None` where that is not known.
    pub holders: Option<BTreeSet<Guid>>,
}

impl WorldAssignment {
    /// An assignment as it was read; sites that are not in the world are left out.
    #[must_use]
    pub fn of(assignment: &Assignment, sites_by_guid: &BTreeMap<Guid, SiteIndex>) -> Self {
        match assignment {
            Assignment::All => Self::All,
            Assignment::Servers(servers) => Self::Servers(servers.clone()),
            Assignment::Sites { sites, automatic } => Self::Sites {
                sites: sites
                    .iter()
                    .filter_map(|site| sites_by_guid.get(site).copied())
                    .collect(),
                automatic: *automatic,
            },
        }
    }
}

/// A world for server selection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// Sites, in no particular order.
    pub sites: Vec<WorldSite>,
    /// Subnets with the sites they belong to; an empty set where they are known and in none.
    pub subnets: BTreeMap<Subnet, BTreeSet<SiteIndex>>,
    /// Servers by GUID.
    pub servers: BTreeMap<Guid, WorldServer>,
    /// The SMP's own computer.
    pub platform: Option<Guid>,
    /// Packages that were asked for, by GUID.
    pub packages: BTreeMap<Guid, WorldPackage>,
    /// The computer that captured images go to, `Some(None)` for none; `None` where that is not known.
    pub capture_target: Option<Option<Guid>>,
    /// How many registrations a task server takes, where the operator says it.
    pub registrations_per_server: Option<u32>,
}

impl World {
    /// The world as it was seen. What could not be read is left out.
    #[must_use]
    pub fn observed(snapshot: &Snapshot) -> Self {
        let surroundings = &snapshot.surroundings;
        let mut world = Self {
            platform: Some(snapshot.platform.server),
            capture_target: snapshot.capture_target.known().copied(),
            registrations_per_server: surroundings.product.registrations,
            ..Self::default()
        };
        let mut index_of: BTreeMap<Guid, SiteIndex> = BTreeMap::new();
        if let Observed::Known(sites) = &snapshot.sites {
            // By GUID, so that a message that lists sites does not depend on the order of an answer.
            let mut sites: Vec<&ObservedSite> = sites.iter().collect();
            sites.sort_by_key(|site| site.guid);
            for site in sites {
                index_of.insert(site.guid, world.sites.len());
                world.sites.push(WorldSite {
                    name: site.name.clone(),
                    guid: Some(site.guid),
                    declared: None,
                    manual: site.servers.clone(),
                    constrained: site.constrained.known().copied(),
                });
            }
        }
        if let Observed::Known(subnets) = &snapshot.subnets {
            for observed in subnets {
                if let Ok(subnet) = observed.subnet {
                    world.subnets.entry(subnet).or_default().extend(
                        observed
                            .sites
                            .iter()
                            .filter_map(|site| index_of.get(site).copied()),
                    );
                }
            }
        }
        let mut roles: Option<BTreeMap<Guid, BTreeSet<Role>>> =
            snapshot.services.known().map(|_| BTreeMap::new());
        if let Some(roles) = &mut roles {
            for service in snapshot.services.known().into_iter().flatten() {
                if let ServiceRole::Known(role) = service.role {
                    roles.entry(service.computer).or_default().insert(role);
                }
            }
        }
        let registered: Option<BTreeMap<Guid, u32>> =
            surroundings.registrations.known().map(|registrations| {
                let mut count = BTreeMap::new();
                for server in registrations.values() {
                    *count.entry(*server).or_default() += 1;
                }
                count
            });
        for (guid, computer) in &snapshot.computers {
            world.servers.insert(
                *guid,
                WorldServer {
                    name: computer.name.clone(),
                    addresses: computer.addresses.known().cloned(),
                    roles: roles
                        .as_ref()
                        .map(|roles| roles.get(guid).cloned().unwrap_or_default()),
                    answering: surroundings
                        .facts
                        .get(guid)
                        .and_then(|facts| facts.answering.known().copied()),
                    registered: registered
                        .as_ref()
                        .map(|count| count.get(guid).copied().unwrap_or(0)),
                },
            );
        }
        for package in snapshot.packages.known().into_iter().flatten() {
            let Some(assignment) = snapshot.assignments.get(&package.guid) else {
                continue;
            };
            world.packages.insert(
                package.guid,
                WorldPackage {
                    name: package.name.clone(),
                    assignment: assignment
                        .known()
                        .map(|assignment| WorldAssignment::of(assignment, &index_of)),
                    holders: snapshot
                        .holders
                        .get(&package.guid)
                        .and_then(|holders| holders.known().cloned()),
                },
            );
        }
        world
    }

    /// The package servers that an assignment sends a package to; `standing` is [`World::automatic`].
    #[must_use]
    pub fn receivers(
        &self,
        assignment: &WorldAssignment,
        standing: &BTreeMap<SiteIndex, BTreeSet<Guid>>,
    ) -> BTreeSet<Guid> {
        let candidates: BTreeSet<Guid> = match assignment {
            WorldAssignment::All => self.servers.keys().copied().collect(),
            WorldAssignment::Servers(servers) => servers.clone(),
            WorldAssignment::Sites {
                sites,
                automatic: _, // what the SMP chooses beside is not promised
            } => sites
                .iter()
                .flat_map(|index| {
                    let manual = self.sites.get(*index).map(|site| &site.manual);
                    manual.into_iter().chain(standing.get(index)).flatten()
                })
                .copied()
                .collect(),
        };
        candidates
            .into_iter()
            .filter(|server| self.has_role(*server, Role::Package))
            .collect()
    }

    /// The sites in which each server stands by its own addresses: the most specific assigned subnet decides.
    ///
    /// Source: a server whose own subnet belongs to a site serves it without being assigned (article 431459; that the
    /// most specific subnet decides, not the inventory mask, is an assumption: `own-subnet-most-specific`).
    #[must_use]
    pub fn automatic(&self) -> BTreeMap<SiteIndex, BTreeSet<Guid>> {
        self.standing(&self.assigned())
    }

    /// [`World::automatic`] by an index that is there already.
    pub(super) fn standing(&self, assigned: &Assigned<'_>) -> BTreeMap<SiteIndex, BTreeSet<Guid>> {
        let mut found: BTreeMap<SiteIndex, BTreeSet<Guid>> = BTreeMap::new();
        for (guid, server) in &self.servers {
            for (address, _) in server.addresses.iter().flatten() {
                let sites = assigned
                    .holding(*address)
                    .and_then(|subnet| self.subnets.get(&subnet));
                for site in sites.into_iter().flatten() {
                    found.entry(*site).or_default().insert(*guid);
                }
            }
        }
        found
    }

    /// An index over the subnets that belong to sites.
    #[must_use]
    pub fn assigned(&self) -> Assigned<'_> {
        let sorted: Vec<Subnet> = self
            .subnets
            .iter()
            .filter(|(_, sites)| !sites.is_empty())
            .map(|(subnet, _)| *subnet)
            .collect();
        let parents = enclosing(&sorted);
        Assigned {
            world: self,
            sorted,
            parents,
        }
    }

    /// Whether a server is known to have a role.
    #[must_use]
    pub fn has_role(&self, server: Guid, role: Role) -> bool {
        self.servers
            .get(&server)
            .and_then(|server| server.roles.as_ref())
            .is_some_and(|roles| roles.contains(&role))
    }

    /// The position of the site with this name, where there is exactly one.
    #[must_use]
    pub fn site_named(&self, name: &Name) -> Option<SiteIndex> {
        let mut found = self
            .sites
            .iter()
            .enumerate()
            .filter(|(_, site)| site.name == *name)
            .map(|(index, _)| index);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The name of a site.
    #[must_use]
    pub fn site_name(&self, index: SiteIndex) -> &str {
        self.sites.get(index).map_or("?", |site| site.name.as_str())
    }
}

/// The subnets of a world that belong to sites, sorted, with the nearest enclosing one of each.
#[derive(Debug)]
pub struct Assigned<'a> {
    world: &'a World,
    sorted: Vec<Subnet>,
    parents: Vec<Option<usize>>,
}

impl Assigned<'_> {
    /// The subnets, sorted.
    #[must_use]
    pub fn subnets(&self) -> &[Subnet] {
        &self.sorted
    }

    /// Whether this very subnet belongs to a site.
    #[must_use]
    pub fn has(&self, subnet: Subnet) -> bool {
        self.sorted.binary_search(&subnet).is_ok()
    }

    /// The most specific subnet that holds an address.
    #[must_use]
    pub fn holding(&self, address: Ipv4Addr) -> Option<Subnet> {
        most_specific(&self.sorted, &self.parents, address)
            .and_then(|index| self.sorted.get(index).copied())
    }

    /// The nearest subnet that encloses this one or is it.
    #[must_use]
    pub fn nearest(&self, subnet: Subnet) -> Option<Subnet> {
        let mut at = self
            .sorted
            .partition_point(|other| *other <= subnet)
            .checked_sub(1);
        while let Some(index) = at {
            let outer = *self.sorted.get(index)?;
            if outer.encloses(subnet) {
                return Some(outer);
            }
            at = self.parents.get(index).copied().flatten();
        }
        None
    }

    /// The sites that the addresses of a subnet belong to, as far as no inner one says otherwise.
    #[must_use]
    pub fn sites_of(&self, subnet: Subnet) -> BTreeSet<SiteIndex> {
        self.nearest(subnet)
            .and_then(|nearest| self.world.subnets.get(&nearest))
            .cloned()
            .unwrap_or_default()
    }
}
