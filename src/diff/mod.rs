//! Compares what is desired with what was observed: [`Desired`] × [`Snapshot`] → [`Diff`].
//!
//! Pure. Guarantees: every change has a before and an after that differ; what could not be read wholly is listed in
//! [`Diff::blocked`] and leads to no change; nothing undeclared is touched except what we own.
//! Assumption: the snapshot was read with the scope of this very `Desired`.

mod blocked;
mod formerly;
mod packages;
mod resolve;
mod servers;
mod sites;
mod subnets;
#[cfg(test)]
mod tests;
mod unlisted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Assignment, CountedKind, Desired, DesiredSite, Guid, Held, Ignorable, Intended, Name, Origin,
    Ownership, PackageRef, PlugIn, ResourceRef, Role, ServerRef, SiteKind, SiteRef, Snapshot,
    Subnet,
};
use crate::select::{SiteIndex, World, WorldAssignment, WorldSite};

use blocked::Subject;

pub use blocked::Blocked;
pub use formerly::{outgrown, recognised};
pub use resolve::Resolver;

/// One difference between what is desired and what was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A declared site does not exist.
    CreateSite {
        /// Its name.
        name: Name,
        /// Its description.
        description: Option<String>,
        /// Whether it is protected from deletion.
        protected: bool,
    },
    /// The SMP shows a declared site under a former name.
    RenameSite {
        /// Which, by its declared name.
        site: SiteRef,
        /// The name on the SMP.
        before: Name,
    },
    /// The description differs.
    DescribeSite {
        /// Which.
        site: SiteRef,
        /// Observed.
        before: String,
        /// Declared.
        after: String,
    },
    /// Constrain to Site differs, or cannot be read (`before` is `None`).
    Constrain {
        /// Which.
        site: SiteRef,
        /// Observed.
        before: Option<bool>,
        /// Declared.
        after: bool,
    },
    /// A site that we created is no longer declared.
    DeleteSite {
        /// Which.
        site: SiteRef,
    },
    /// A subnet is not, or not only, in the site that declares it.
    SubnetTo {
        /// The network.
        subnet: Subnet,
        /// Its GUID; `None` where it does not exist.
        guid: Option<Guid>,
        /// Sites it is in.
        before: Vec<SiteRef>,
        /// The site that declares it.
        site: SiteRef,
    },
    /// A subnet is in a site that no longer declares it.
    SubnetOut {
        /// The network.
        subnet: Subnet,
        /// Its GUID.
        guid: Guid,
        /// Sites it is in.
        before: Vec<SiteRef>,
        /// Whether the subnet is ours and goes altogether.
        delete: bool,
    },
    /// A manual assignment is missing.
    ServerTo {
        /// The server.
        server: ServerRef,
        /// The site.
        site: SiteRef,
    },
    /// A manual assignment is not declared.
    ServerOut {
        /// The server.
        server: ServerRef,
        /// The site.
        site: SiteRef,
    },
    /// A server lacks a role, or its roles cannot be read (`readable` is false).
    Role {
        /// The server.
        server: ServerRef,
        /// The role.
        role: Role,
        /// Whether the roles were read.
        readable: bool,
    },
    /// A server of a deployment site is known to lack a plug-in that its roles need.
    PlugIn {
        /// The server.
        server: ServerRef,
        /// The plug-in.
        plug_in: PlugIn,
    },
    /// A package is assigned otherwise.
    Package {
        /// The package.
        package: PackageRef,
        /// Observed.
        before: Assignment,
        /// Declared; sites that are yet to be created are apart.
        after: Assignment,
        /// Sites of `after` that are yet to be created.
        created_sites: Vec<Name>,
        /// Declared sites whose imaging section asks for it.
        sites: Vec<Name>,
        /// Package servers known to hold it; `None` where that cannot be read.
        holders: Option<BTreeSet<Guid>>,
    },
    /// The distribution points of a package were not updated by a run that died.
    Distribute {
        /// The package.
        package: PackageRef,
    },
    /// Captured images go elsewhere, or that cannot be read (`readable` is false).
    CaptureTarget {
        /// Observed.
        before: Option<ServerRef>,
        /// Declared.
        after: ServerRef,
        /// Whether the setting was read.
        readable: bool,
    },
    /// The `InvalidSubnets` expression, which no client can read.
    InvalidSubnets {
        /// Declared.
        expression: String,
    },
    /// An existing site is declared for the first time.
    AdoptSite {
        /// Which.
        site: ResourceRef,
        /// Whether it is protected.
        protected: bool,
    },
    /// An existing subnet is declared for the first time.
    AdoptSubnet {
        /// Which.
        subnet: Subnet,
        /// Its GUID.
        guid: Guid,
    },
    /// A site is ours no longer.
    ReleaseSite {
        /// Which.
        site: ResourceRef,
        /// How it was ours.
        how: Held,
        /// Whether it is gone from the server.
        gone: bool,
    },
    /// A subnet is ours no longer.
    ReleaseSubnet {
        /// Its name.
        name: Name,
        /// Its GUID.
        guid: Guid,
        /// How it was ours.
        how: Held,
        /// Whether it is gone from the server.
        gone: bool,
    },
    /// Protection from deletion is put on or lifted.
    Protect {
        /// Which site.
        site: ResourceRef,
        /// On or off.
        on: bool,
    },
}

impl Change {
    /// Whether a package is assigned as it is declared, and only has yet to reach its servers.
    #[must_use]
    pub fn only_waits(&self) -> bool {
        match self {
            Self::Package {
                package: _,
                before,
                after,
                created_sites,
                sites: _,
                holders: _,
            } => before == after && created_sites.is_empty(),
            _ => false,
        }
    }
}

/// What a declared subnet takes, or would take, from sites that nobody declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// The sites that its addresses belong to, by name.
    pub from: Vec<Name>,
    /// Where the subnet is declared.
    pub origin: Origin,
}

/// A change with the place that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What differs.
    pub change: Change,
    /// Where it is declared; `None` for what is no longer declared.
    pub origin: Option<Origin>,
}

/// Everything that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Diff {
    /// What differs, in no particular order.
    pub found: Vec<Found>,
    /// What could not be compared, and what may not be done.
    pub blocked: Vec<Blocked>,
    /// Subnets that take addresses from sites which are not declared.
    pub taken: BTreeMap<Subnet, Takeover>,
    /// Subnets that would take addresses from such sites and may not: nothing of them is in `found`.
    pub refused: BTreeMap<Subnet, Takeover>,
    /// Protected sites that are no longer declared: they and their subnets stay ours, as they are.
    pub kept: BTreeMap<Guid, Name>,
}

impl Diff {
    fn push(&mut self, change: Change, origin: Option<&Origin>) {
        self.found.push(Found {
            change,
            origin: origin.cloned(),
        });
    }

    fn block(
        &mut self,
        code: &'static str,
        subject: impl Into<Subject>,
        reason: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        let Subject { text, about } = subject.into();
        self.blocked.push(Blocked {
            code,
            object: text,
            about,
            reason: reason.into(),
            hint: hint.into(),
            origin: origin.cloned(),
        });
    }
}

/// Whether a field of a site that is there is left as it is. What a run created and did not come to the end with is
/// completed as it is declared: leaving alone is about what changes later.
fn ignores(site: &DesiredSite, guid: Guid, field: Ignorable, ownership: &Ownership) -> bool {
    // Its creation was intended, and the run cut off before it could write down the answer.
    let cut_off = || {
        !ownership.sites.contains_key(&guid)
            && ownership.intended.contains(&Intended {
                of: CountedKind::Sites,
                name: site.name.clone(),
            })
    };
    let is_unfinished = || {
        let left = ownership.unfinished.get(&guid);
        left.is_some_and(|fields| fields.contains(&field))
    };
    site.lifecycle.ignore_changes.contains(&field) && !is_unfinished() && !cut_off()
}

/// Compares.
///
/// # Guarantees
/// The result depends on the arguments only, not on the order of anything in them. An object in a part of the
/// snapshot that is unavailable leads to an entry in `blocked`, never to a change.
pub fn diff(desired: &Desired, snapshot: &Snapshot, ownership: &Ownership, takeover: bool) -> Diff {
    let mut found = Diff::default();
    let snapshot = &*recognised(desired, snapshot);
    let resolver = Resolver::new(desired, snapshot, ownership);
    sites::compare(desired, snapshot, ownership, &resolver, &mut found);
    servers::compare(desired, snapshot, ownership, &resolver, &mut found);
    subnets::compare(
        &subnets::Inputs {
            desired,
            snapshot,
            ownership,
            resolver: &resolver,
            takeover,
        },
        &mut found,
    );
    packages::compare(desired, snapshot, ownership, &resolver, &mut found);
    unlisted::block(snapshot, ownership, &mut found);
    found.blocked.sort();
    found.blocked.dedup();
    found
}

/// The world as it will be once every change is made; `before` is [`World::observed`] of the same snapshot.
/// New sites come after the others; a deleted one stays in its place, without GUID, servers and subnets.
#[must_use]
pub fn predicted(before: &World, desired: &Desired, changes: &[Found]) -> World {
    let mut world = before.clone();
    create_sites(&mut world, changes);
    let by_guid: BTreeMap<Guid, SiteIndex> = world
        .sites
        .iter()
        .enumerate()
        .filter_map(|(index, site)| Some((site.guid?, index)))
        .collect();
    let created: BTreeMap<Name, SiteIndex> = world
        .sites
        .iter()
        .enumerate()
        .filter(|(_, site)| site.guid.is_none())
        .map(|(index, site)| (site.name.clone(), index))
        .collect();
    let index = |site: &SiteRef| match site.guid {
        Some(guid) => by_guid.get(&guid).copied(),
        None => created.get(&site.name).copied(),
    };
    let mut deleted = BTreeSet::new();
    let mut gained = BTreeSet::new();
    for found in changes {
        match &found.change {
            Change::SubnetTo { subnet, site, .. } => {
                if let Some(site) = index(site) {
                    let sites = world.subnets.entry(*subnet).or_default();
                    // Two sites may declare it: the checks have to see that.
                    if gained.insert(*subnet) {
                        sites.clear();
                    }
                    sites.insert(site);
                }
            }
            Change::SubnetOut {
                subnet,
                before,
                delete,
                ..
            } => {
                if *delete {
                    world.subnets.remove(subnet);
                } else if let Some(sites) = world.subnets.get_mut(subnet) {
                    // Sites that are not ours keep it.
                    for site in before {
                        if let Some(site) = index(site) {
                            sites.remove(&site);
                        }
                    }
                }
            }
            Change::ServerTo { server, site } | Change::ServerOut { server, site } => {
                let joins = matches!(found.change, Change::ServerTo { .. });
                if let Some(site) = index(site).and_then(|i| world.sites.get_mut(i)) {
                    if joins {
                        site.manual.insert(server.guid);
                    } else {
                        site.manual.remove(&server.guid);
                    }
                }
            }
            Change::Role { server, role, .. } => {
                if let Some(server) = world.servers.get_mut(&server.guid) {
                    server.roles.get_or_insert_default().insert(*role);
                }
            }
            Change::PlugIn { server, plug_in } => {
                // Nobody plans it where the plug-ins are not known.
                if let Some(installed) = world.plug_ins.get_mut(&server.guid) {
                    Arc::make_mut(installed).insert(Name::new(plug_in.as_str()));
                }
            }
            Change::Constrain { site, after, .. } => {
                if let Some(site) = index(site).and_then(|i| world.sites.get_mut(i)) {
                    site.constrained = Some(*after);
                }
            }
            Change::DeleteSite { site } => {
                deleted.extend(index(site));
            }
            Change::CaptureTarget { after, .. } => {
                world.capture_target = Some(Some(after.guid));
            }
            Change::CreateSite { .. }
            // It is called by its declared name from the beginning.
            | Change::RenameSite { .. }
            | Change::DescribeSite { .. }
            | Change::Package { .. }
            | Change::Distribute { .. }
            | Change::InvalidSubnets { .. }
            | Change::AdoptSite { .. }
            | Change::AdoptSubnet { .. }
            | Change::ReleaseSite { .. }
            | Change::ReleaseSubnet { .. }
            | Change::Protect { .. } => {}
        }
    }
    delete(&mut world, &deleted);
    assign_packages(&mut world, changes, &by_guid, &created);
    replicate(before, &mut world, changes);
    declare(&mut world, desired);
    world
}

fn create_sites(world: &mut World, changes: &[Found]) {
    for found in changes {
        if let Change::CreateSite { name, .. } = &found.change {
            world.sites.push(WorldSite {
                name: name.clone(),
                guid: None,
                declared: None,
                manual: BTreeSet::new(),
                constrained: Some(false),
            });
        }
    }
}

/// Packages come last: which servers an assignment to sites reaches depends on where everything else has gone.
fn assign_packages(
    world: &mut World,
    changes: &[Found],
    by_guid: &BTreeMap<Guid, SiteIndex>,
    created: &BTreeMap<Name, SiteIndex>,
) {
    let standing = world.automatic();
    for found in changes {
        let Change::Package {
            package,
            before: _, // is in the world
            after,
            created_sites,
            sites: _,   // who asks for it does not matter here
            holders: _, // are in the world
        } = &found.change
        else {
            continue;
        };
        let mut assignment = WorldAssignment::of(after, by_guid);
        if let WorldAssignment::Sites {
            sites,
            automatic: _, // stays as it is
        } = &mut assignment
        {
            sites.extend(
                created_sites
                    .iter()
                    .filter_map(|site| created.get(site).copied()),
            );
        }
        let receivers = world.receivers(&assignment, &standing);
        if let Some(package) = world.packages.get_mut(&package.guid) {
            // The plan distributes it anew, and what it takes a package from drops it.
            if package.holders.is_some() {
                package.holders = Some(receivers);
            }
            package.assignment = Some(assignment);
        }
    }
}

/// What the plan makes a receiver of a package gets it without being named: a server that becomes a package server, or
/// comes into a site that the package goes to. What only waits to be distributed arrives as well.
fn replicate(before: &World, world: &mut World, changes: &[Found]) {
    let (was, will) = (before.automatic(), world.automatic());
    let becomes: BTreeSet<Guid> = world
        .servers
        .keys()
        .copied()
        .filter(|server| world.has_role(*server, Role::Package))
        .filter(|server| !before.has_role(*server, Role::Package))
        .collect();
    let distributed: BTreeSet<Guid> = changes
        .iter()
        .filter_map(|found| match &found.change {
            Change::Distribute { package } => Some(package.guid),
            _ => None,
        })
        .collect();
    let arrives = |guid: &Guid, assignment: &WorldAssignment| -> BTreeSet<Guid> {
        match assignment {
            _ if distributed.contains(guid) => world.receivers(assignment, &will),
            WorldAssignment::All => becomes.clone(),
            WorldAssignment::Servers(servers) => becomes.intersection(servers).copied().collect(),
            WorldAssignment::Sites {
                sites: _,     // asked by `receivers`
                automatic: _, // what the SMP chooses beside is not promised
            } => {
                let had = before.receivers(assignment, &was);
                let mut has = world.receivers(assignment, &will);
                has.retain(|server| !had.contains(server));
                has
            }
        }
    };
    let arrivals: Vec<(Guid, BTreeSet<Guid>)> = world
        .packages
        .iter()
        .filter_map(|(guid, package)| Some((*guid, arrives(guid, package.assignment.as_ref()?))))
        .filter(|(_, servers)| !servers.is_empty())
        .collect();
    for (guid, servers) in arrivals {
        let package = world.packages.get_mut(&guid);
        if let Some(holders) = package.and_then(|package| package.holders.as_mut()) {
            holders.extend(servers);
        }
    }
}

/// Indices must stay valid, so a deleted site only loses what it had.
fn delete(world: &mut World, deleted: &BTreeSet<SiteIndex>) {
    for sites in world.subnets.values_mut() {
        sites.retain(|site| !deleted.contains(site));
    }
    for site in deleted {
        if let Some(site) = world.sites.get_mut(*site) {
            site.manual.clear();
            site.guid = None;
        }
    }
}

/// Marks the sites of a world that are declared.
pub fn declare(world: &mut World, desired: &Desired) {
    for site in &mut world.sites {
        site.declared = desired.sites.get(&site.name).map(
            |declared: &crate::model::DesiredSite| -> (SiteKind, Origin) {
                (declared.kind, declared.origin.clone())
            },
        );
    }
}
