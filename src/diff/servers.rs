//! Servers: manual assignments of sites, and roles.
//!
//! Pure. A server that is in a site automatically is assigned all the same when it is declared: automatic membership
//! ends as soon as its subnet moves.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::{Resolved, Resolver, listed};
use super::{Change, Diff, Subject, ignores};
use crate::model::{
    Desired, Guid, Ignorable, Name, Object, Origin, Ownership, PlugIn, Role, ServerRef,
    ServiceRole, SiteKind, SiteRef, Snapshot,
};

pub(super) fn compare(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    assignments(desired, snapshot, ownership, resolver, diff);
    roles(desired, snapshot, resolver, diff);
    plug_ins(desired, snapshot, resolver, diff);
}

fn roles(desired: &Desired, snapshot: &Snapshot, resolver: &Resolver<'_>, diff: &mut Diff) {
    let mut installed: BTreeMap<Guid, BTreeSet<Role>> = BTreeMap::new();
    for service in snapshot.services.known().into_iter().flatten() {
        if let ServiceRole::Known(role) = service.role {
            installed.entry(service.computer).or_default().insert(role);
        }
    }
    let readable = snapshot.services.known().is_some();
    // The same server may be declared by its full name and by its host name.
    let mut asked: BTreeSet<(Guid, Role)> = BTreeSet::new();
    for server in desired.servers.values() {
        let Some(found) = one(&server.name, &server.origin, &[], resolver, diff) else {
            continue;
        };
        for (role, origin) in &server.roles {
            let has = installed
                .get(&found.guid)
                .is_some_and(|roles| roles.contains(role));
            if has || !asked.insert((found.guid, *role)) {
                continue;
            }
            diff.push(
                Change::Role {
                    server: found.clone(),
                    role: *role,
                    readable,
                },
                Some(origin),
            );
        }
    }
}

/// What the servers of deployment sites lack of Deployment Solution (article 180278), by the roles that they have and
/// get. Where plug-ins cannot be read nothing is asked for: what is there already would be rolled out again.
fn plug_ins(desired: &Desired, snapshot: &Snapshot, resolver: &Resolver<'_>, diff: &mut Diff) {
    let mut roles: BTreeMap<Guid, BTreeSet<Role>> = BTreeMap::new();
    for service in snapshot.services.known().into_iter().flatten() {
        if let ServiceRole::Known(role) = service.role {
            roles.entry(service.computer).or_default().insert(role);
        }
    }
    for found in &diff.found {
        if let Change::Role { server, role, .. } = &found.change {
            roles.entry(server.guid).or_default().insert(*role);
        }
    }
    let mut asked: BTreeSet<Guid> = BTreeSet::new();
    for site in desired.sites.values() {
        if site.kind != SiteKind::DeploymentSite {
            continue;
        }
        for (name, origin) in site.servers.iter().flatten() {
            // One that is not found is said to be so by its assignment.
            let Resolved::One(server) = resolver.server(name) else {
                continue;
            };
            let facts = snapshot.surroundings.facts.get(&server.guid);
            let Some(installed) = facts.and_then(|facts| facts.plug_ins.known()) else {
                continue;
            };
            // The SMP does not belong into such a site, which is said elsewhere.
            if server.guid == snapshot.platform.server || !asked.insert(server.guid) {
                continue;
            }
            let has = roles.get(&server.guid).cloned().unwrap_or_default();
            for plug_in in PlugIn::needed(&has).filter(|plug_in| !plug_in.is_among(installed)) {
                diff.push(
                    Change::PlugIn {
                        server: server.clone(),
                        plug_in,
                    },
                    Some(origin),
                );
            }
        }
    }
}

fn assignments(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    if snapshot.sites.known().is_none() {
        return; // said once, by `sites`
    }
    for site in desired.sites.values() {
        let Some(declared) = &site.servers else {
            continue;
        };
        let (reference, present) = match resolver.site(&site.name) {
            Resolved::One(observed) => (resolver.site_ref(observed.guid), observed.servers.clone()),
            Resolved::None => (
                SiteRef {
                    name: site.name.clone(),
                    guid: None,
                },
                BTreeSet::new(),
            ),
            Resolved::Several(_) | Resolved::Unlisted => continue,
        };
        let is_there = reference.guid;
        if is_there.is_some_and(|guid| ignores(site, guid, Ignorable::Servers, ownership)) {
            continue;
        }
        let mut wanted: BTreeMap<Guid, (ServerRef, &Origin)> = BTreeMap::new();
        let mut all_found = true;
        for (name, origin) in declared {
            match one(
                name,
                origin,
                &[Object::Site(site.name.clone())],
                resolver,
                diff,
            ) {
                Some(server) => {
                    wanted.insert(server.guid, (server, origin));
                }
                None => all_found = false,
            }
        }
        for (guid, (server, origin)) in &wanted {
            if !present.contains(guid) {
                diff.push(
                    Change::ServerTo {
                        server: server.clone(),
                        site: reference.clone(),
                    },
                    Some(*origin),
                );
            }
        }
        // A declared server that was not found may be one of those present under another name: take nothing away then.
        for guid in present.iter().filter(|_| all_found) {
            if !wanted.contains_key(guid) {
                diff.push(
                    Change::ServerOut {
                        server: resolver.server_ref(*guid),
                        site: reference.clone(),
                    },
                    Some(&site.origin),
                );
            }
        }
    }
    deleted_sites(resolver, snapshot, diff);
}

/// Manual assignments of sites that go are taken away first.
fn deleted_sites(resolver: &Resolver<'_>, snapshot: &Snapshot, diff: &mut Diff) {
    let going: Vec<SiteRef> = diff
        .found
        .iter()
        .filter_map(|found| match &found.change {
            Change::DeleteSite { site } => Some(site.clone()),
            _ => None,
        })
        .collect();
    for site in going {
        let servers = snapshot
            .sites
            .known()
            .into_iter()
            .flatten()
            .find(|observed| Some(observed.guid) == site.guid)
            .map(|observed| observed.servers.clone())
            .unwrap_or_default();
        for guid in servers {
            diff.push(
                Change::ServerOut {
                    server: resolver.server_ref(guid),
                    site: site.clone(),
                },
                None,
            );
        }
    }
}

/// The computer that a declaration of some objects names, or an entry in `blocked`.
pub(super) fn one(
    name: &Name,
    origin: &Origin,
    of: &[Object],
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) -> Option<ServerRef> {
    let subject = || Subject::server(name).and(of.iter().cloned());
    match resolver.server(name) {
        Resolved::One(server) => Some(server),
        Resolved::None if resolver.is_unasked(name) => {
            diff.block(
                "SW0506",
                subject(),
                "it was not asked for at the last refresh".to_owned(),
                "plan without `--refresh=false`: whether there is such a computer is not known",
                Some(origin),
            );
            None
        }
        // Servers are never ours, so none is known to be there unseen.
        Resolved::None | Resolved::Unlisted => {
            diff.block(
                "SW0506",
                subject(),
                "the SMP shows no computer of that name".to_owned(),
                "a site server is an existing managed computer: check the spelling, its inventory, and that the account may see it",
                Some(origin),
            );
            None
        }
        Resolved::Several(guids) => {
            diff.block(
                "SW0507",
                subject(),
                format!("several computers have that name: {}", listed(&guids)),
                "write the fully qualified name, or retire the duplicate in the console",
                Some(origin),
            );
            None
        }
    }
}
