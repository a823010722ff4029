//! How far a plan goes: the numbers that the limits of a workspace are set for.
//!
//! Pure. What only concerns our own state is not counted, nor is what comes into being: a limit guards what is there.
//! Whose servers change is counted by [`Impact`](crate::select::Impact).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::diff::{Change, Found};
use crate::model::{CountedKind, Guid, Name, Role, SiteRef, Snapshot};
use crate::select::{SiteIndex, World};

/// How far a plan goes, as the limits of a workspace count it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reach {
    /// How many objects it deletes; without the kinds of which it deletes none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deletes: BTreeMap<CountedKind, u64>,
    /// How many of the objects that exist it changes or deletes; without the kinds of which it touches none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<CountedKind, Portion>,
    /// Sites that have two or more package or task servers, and one or none after it; those that are deleted, or have
    /// no subnets, left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub single_server_sites: Vec<Name>,
}

/// Some of all.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Portion {
    /// How many.
    pub some: u64,
    /// Of how many; left out where that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

impl Reach {
    /// Whether it touches nothing that is there.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// How many objects of all kinds are deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.deletes.values().sum()
    }
}

/// Counts what changes; the sites of `after` are those of `before` in the same order, then new ones.
pub(super) fn reach(
    changes: &[Found],
    snapshot: &Snapshot,
    before: &World,
    after: &World,
) -> Reach {
    let mut deleted: BTreeSet<(CountedKind, Guid)> = BTreeSet::new();
    let mut touched: BTreeSet<(CountedKind, Guid)> = BTreeSet::new();
    let services = snapshot.services.known();
    // A computer that gets its first role becomes a site server, and is none that exists.
    let is_there = |server: Guid| {
        services.is_none_or(|all| all.iter().any(|service| service.computer == server))
    };
    for found in changes {
        match object(&found.change) {
            Some((CountedKind::Servers, server)) if !is_there(server) => {}
            Some(object) => {
                touched.insert(object);
                if deletes(&found.change) {
                    deleted.insert(object);
                }
            }
            None => {}
        }
    }
    let counts = snapshot.counts();
    Reach {
        deletes: by_kind(&deleted),
        changes: by_kind(&touched)
            .into_iter()
            .map(|(kind, some)| {
                let of = counts.get(&kind).copied();
                (kind, Portion { some, of })
            })
            .collect(),
        single_server_sites: if touched.is_empty() {
            Vec::new()
        } else {
            single_server_sites(before, after)
        },
    }
}

fn by_kind(objects: &BTreeSet<(CountedKind, Guid)>) -> BTreeMap<CountedKind, u64> {
    let mut counts = BTreeMap::new();
    for (kind, _) in objects {
        *counts.entry(*kind).or_default() += 1;
    }
    counts
}

fn deletes(change: &Change) -> bool {
    matches!(
        change,
        Change::DeleteSite { .. } | Change::SubnetOut { delete: true, .. }
    )
}

/// The object that exists and that a change touches, the one below which the plan lists the change.
fn object(change: &Change) -> Option<(CountedKind, Guid)> {
    let site = |site: &SiteRef| Some((CountedKind::Sites, site.guid?));
    match change {
        Change::RenameSite { site: of, .. }
        | Change::DescribeSite { site: of, .. }
        | Change::Constrain { site: of, .. }
        | Change::DeleteSite { site: of }
        | Change::ServerTo { site: of, .. }
        | Change::ServerOut { site: of, .. } => site(of),
        Change::SubnetTo { guid, .. } => Some((CountedKind::Subnets, (*guid)?)),
        Change::SubnetOut { guid, .. } => Some((CountedKind::Subnets, *guid)),
        Change::Role { server, .. } | Change::PlugIn { server, .. } => {
            Some((CountedKind::Servers, server.guid))
        }
        change if change.only_waits() => None,
        Change::Package { package, .. } | Change::Distribute { package } => {
            Some((CountedKind::Packages, package.guid))
        }
        // Settings are one of a kind, and what is adopted, released or protected stays as it is.
        Change::CreateSite { .. }
        | Change::CaptureTarget { .. }
        | Change::InvalidSubnets { .. }
        | Change::AdoptSite { .. }
        | Change::AdoptSubnet { .. }
        | Change::ReleaseSite { .. }
        | Change::ReleaseSubnet { .. }
        | Change::Protect { .. } => None,
    }
}

fn single_server_sites(before: &World, after: &World) -> Vec<Name> {
    type Standing = BTreeMap<SiteIndex, BTreeSet<Guid>>;
    let (stood, stands) = (before.automatic(), after.automatic());
    let populated: BTreeSet<SiteIndex> = after.subnets.values().flatten().copied().collect();
    let servers = |world: &World, standing: &Standing, site: SiteIndex, role: Role| {
        let manual = world.sites.get(site).map(|site| &site.manual);
        let all: BTreeSet<Guid> = manual
            .into_iter()
            .chain(standing.get(&site))
            .flatten()
            .copied()
            .filter(|server| world.has_role(*server, role))
            .collect();
        all.len()
    };
    let mut names: Vec<Name> = before
        .sites
        .iter()
        .enumerate()
        .filter(|(site, _)| populated.contains(site))
        .filter(|(site, _)| {
            [Role::Package, Role::Task].into_iter().any(|role| {
                servers(before, &stood, *site, role) >= 2
                    && servers(after, &stands, *site, role) < 2
            })
        })
        .map(|(_, site)| site.name.clone())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{diff, predicted};
    use crate::model::testing::*;
    use crate::model::{Desired, Held, Observed};

    fn reached(desired: &Desired, seen: &Seen) -> Reach {
        let changes = diff(desired, &seen.snapshot, &seen.ownership, true).found;
        let before = World::observed(&seen.snapshot);
        let after = predicted(&before, desired, &changes);
        reach(&changes, &seen.snapshot, &before, &after)
    }

    /// `2 of 3 sites`, sorted by kind.
    fn changes(reach: &Reach) -> Vec<String> {
        reach
            .changes
            .iter()
            .map(|(kind, Portion { some, of })| match of {
                Some(of) => format!("{some} of {of} {kind}"),
                None => format!("{some} {kind}"),
            })
            .collect()
    }

    #[test]
    fn what_comes_into_being_is_not_counted() {
        let seen = world().server("S1", &["10.1.0.1"], "");
        let wanted = desired()
            .site("Lab")
            .subnets("Lab", &["10.1.0.0/24"])
            .servers("Lab", &["S1"])
            .roles("S1", "package task");
        assert!(reached(&wanted, &seen).is_nothing());
    }

    #[test]
    fn what_only_we_remember_is_not_counted() {
        let seen = world()
            .site("HQ")
            .subnet("10.1.0.0/24", &["HQ"])
            .site("Old")
            .owns_site("Old", Held::Adopted);
        let wanted = desired().site("HQ").subnets("HQ", &["10.1.0.0/24"]);
        assert!(reached(&wanted, &seen).is_nothing());
    }

    #[test]
    fn an_object_is_counted_once_however_much_of_it_changes() {
        let seen = world()
            .server("S1", &["10.1.0.1"], "package")
            .server("S2", &["10.2.0.1"], "package task")
            .site("HQ")
            .assign("HQ", &["S2"])
            .site("Lab")
            .site("Plant")
            .subnet("10.1.0.0/24", &["HQ"])
            .subnet("10.2.0.0/24", &[])
            .package("Image", "all", &[])
            .package("Tools", "all", &[]);
        let wanted = desired()
            .site("HQ")
            .describe("HQ", "the office")
            .subnets("HQ", &["10.2.0.0/24"])
            .servers("HQ", &["S1"])
            .roles("S1", "package task networkBoot")
            .package(named("Image"), "servers S1", &[]);
        let found = reached(&wanted, &seen);
        assert_eq!(
            changes(&found),
            [
                "1 of 3 sites",
                "2 of 2 subnets",
                "1 of 3 servers",
                "1 of 2 packages"
            ]
        );
        assert_eq!(found.deleted(), 0);
    }

    #[test]
    fn deletions_are_changes_too() {
        let seen = world()
            .site("HQ")
            .site("Lab")
            .subnet("10.1.0.0/24", &["Lab"])
            .subnet("10.2.0.0/24", &["Lab"])
            .subnet("10.3.0.0/24", &["HQ"])
            .owns_site("Lab", Held::Created)
            .owns_subnet("10.1.0.0/24", Held::Created)
            .owns_subnet("10.2.0.0/24", Held::Adopted);
        let found = reached(&desired().site("HQ"), &seen);
        // What was adopted leaves the site and stays.
        assert_eq!(
            found.deletes,
            BTreeMap::from([(CountedKind::Sites, 1), (CountedKind::Subnets, 1)])
        );
        assert_eq!(found.deleted(), 2);
        assert_eq!(changes(&found), ["1 of 2 sites", "2 of 3 subnets"]);
    }

    #[test]
    fn where_nothing_can_be_counted_nothing_is_left_out() {
        let seen = world().server("S1", &["10.1.0.1"], "").but(|snapshot| {
            snapshot.services = Observed::Unavailable("no report".into());
        });
        let wanted = desired().roles("S1", "package");
        assert_eq!(changes(&reached(&wanted, &seen)), ["1 servers"]);
    }

    /// HQ with two servers for everything, one of them by its own address.
    fn office() -> Seen {
        world()
            .server("S1", &["10.1.0.1"], "package task")
            .server("S2", &["10.9.0.1"], "package task")
            .site("HQ")
            .assign("HQ", &["S2"])
            .subnet("10.1.0.0/24", &["HQ"])
    }

    #[test]
    fn sites_that_are_left_with_one_server_or_none() {
        let single = |wanted: &Desired, seen: &Seen| reached(wanted, seen).single_server_sites;
        let hq = vec![Name::new("HQ")];
        let alone = desired().site("HQ").servers("HQ", &[]);
        assert_eq!(single(&alone, &office()), hq);
        // The subnet goes, and with it the server that stands in it.
        let moved = desired()
            .site("HQ")
            .subnets("HQ", &["10.3.0.0/24"])
            .servers("HQ", &["S2"]);
        assert_eq!(single(&moved, &office()), hq);
        let both = desired()
            .site("HQ")
            .subnets("HQ", &["10.3.0.0/24"])
            .servers("HQ", &[]);
        assert_eq!(single(&both, &office()), hq);
        // Another one takes its place.
        let seen = office().server("S3", &["10.9.0.2"], "package task");
        let replaced = desired().site("HQ").servers("HQ", &["S3"]);
        assert!(single(&replaced, &seen).is_empty());
        // A site without clients leaves nobody with less.
        let seen = office().owns_subnet("10.1.0.0/24", Held::Adopted);
        let empty = desired().site("HQ").subnets("HQ", &[]).servers("HQ", &[]);
        assert!(single(&empty, &seen).is_empty());
        assert!(single(&desired(), &office().owns_site("HQ", Held::Created)).is_empty());
    }
}
