//! Packages: what each selector stands for and whether the assignment differs; then the settings that are global.
//!
//! Pure. Several declarations may select one package: pins are united, anything else must agree.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::{Resolved, Resolver, listed};
use super::servers::one;
use super::{Change, Diff, Subject};
use crate::model::{
    Assignment, Desired, DesiredAssignment, DesiredPackage, Guid, Name, Object, Observed, Origin,
    Ownership, PackageRef, PackageSelector, Snapshot, glob,
};

/// What one package is to be assigned to, by GUID as far as it exists.
struct Wanted<'a> {
    assignment: Assignment,
    created_sites: BTreeSet<Name>,
    sites: BTreeSet<Name>,
    origin: &'a Origin,
}

pub(super) fn compare(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    let names: BTreeMap<Guid, &Name> = snapshot
        .packages
        .known()
        .into_iter()
        .flatten()
        .map(|package| (package.guid, &package.name))
        .collect();
    let creates: BTreeSet<Name> = diff
        .found
        .iter()
        .filter_map(|found| match &found.change {
            Change::CreateSite { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect();
    let mut wanted: BTreeMap<Guid, Wanted<'_>> = BTreeMap::new();
    let mut contested: BTreeSet<Guid> = BTreeSet::new();
    for package in desired.packages.values() {
        let selected = select(package, snapshot, resolver, diff);
        if selected.is_empty() {
            continue;
        }
        let Some((assignment, created_sites)) = resolve(package, resolver, &creates, diff) else {
            continue;
        };
        for guid in selected {
            let this = Wanted {
                assignment: assignment.clone(),
                created_sites: created_sites.clone(),
                sites: package.sites.clone(),
                origin: &package.origin,
            };
            if !unite(&mut wanted, guid, this, &names, diff) {
                contested.insert(guid);
            }
        }
    }
    wanted.retain(|guid, _| !contested.contains(guid));
    for (guid, wanted) in wanted {
        let name = names
            .get(&guid)
            .map_or_else(|| Name::new(&guid.to_string()), |name| (*name).clone());
        match snapshot.assignments.get(&guid) {
            Some(Observed::Known(before)) => {
                let holders = snapshot.holders.get(&guid).and_then(Observed::known);
                let differs = *before != wanted.assignment || !wanted.created_sites.is_empty();
                // An earlier run assigned it and was to wait for it; what waits for it waits on.
                if differs || ownership.awaited.contains_key(&guid) {
                    diff.push(
                        Change::Package {
                            package: PackageRef { name, guid },
                            before: before.clone(),
                            after: wanted.assignment,
                            created_sites: wanted.created_sites.into_iter().collect(),
                            sites: wanted.sites.into_iter().collect(),
                            holders: holders.cloned(),
                        },
                        Some(wanted.origin),
                    );
                }
            }
            unreadable => {
                let reason = unreadable
                    .and_then(Observed::reason)
                    .unwrap_or("it was not asked for");
                diff.block(
                    "SW0509",
                    Subject::package(&name),
                    format!("its assignment could not be read: {reason}"),
                    "unseen is not absent: it is left as it is",
                    Some(wanted.origin),
                );
            }
        }
    }
    compare_settings(desired, snapshot, ownership, resolver, diff);
}

/// Joins what two declarations want of one package; false where they disagree.
fn unite<'a>(
    wanted: &mut BTreeMap<Guid, Wanted<'a>>,
    guid: Guid,
    this: Wanted<'a>,
    names: &BTreeMap<Guid, &Name>,
    diff: &mut Diff,
) -> bool {
    let Some(other) = wanted.get_mut(&guid) else {
        wanted.insert(guid, this);
        return true;
    };
    match (&mut other.assignment, &this.assignment) {
        (Assignment::Servers(servers), Assignment::Servers(more)) => servers.extend(more),
        (one, two) if one == two && other.created_sites == this.created_sites => {}
        _ => {
            let name = names
                .get(&guid)
                .map_or_else(|| Name::new(&guid.to_string()), |name| (*name).clone());
            let declaring = other.sites.union(&this.sites).cloned();
            let declaring: Vec<Object> = declaring.map(Object::Site).collect();
            let (first, second) = (other.origin.clone(), this.origin);
            diff.block(
                "SW0510",
                Subject::package(&name).and(declaring),
                format!("two declarations select it and disagree, the other one at {first}"),
                "let one of them go, or make the pattern narrower",
                Some(second),
            );
            return false;
        }
    }
    other.sites.extend(this.sites);
    true
}

/// The packages that a selector stands for.
fn select(
    package: &DesiredPackage,
    snapshot: &Snapshot,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) -> BTreeSet<Guid> {
    let object = || Subject::selected(package);
    let origin = Some(&package.origin);
    if let Observed::Unavailable(reason) = &snapshot.packages {
        diff.block(
            "SW0509",
            object(),
            format!("the packages could not be read: {reason}"),
            "unseen is not absent: nothing is assigned until they can be read",
            origin,
        );
        return BTreeSet::new();
    }
    match &package.selector {
        PackageSelector::Name(name) => match resolver.packages(name).as_slice() {
            [] => {
                diff.block(
                    "SW0511",
                    object(),
                    "the SMP shows no package of that name",
                    "check the spelling, and that the account may see it",
                    origin,
                );
                BTreeSet::new()
            }
            [one] => [*one].into(),
            several => {
                diff.block(
                    "SW0512",
                    object(),
                    format!("several packages have that name: {}", listed(several)),
                    "write `guid:` instead of `name:`",
                    origin,
                );
                BTreeSet::new()
            }
        },
        PackageSelector::Guid(guid) => {
            let known = snapshot
                .packages
                .known()
                .into_iter()
                .flatten()
                .any(|package| package.guid == *guid);
            if known {
                [*guid].into()
            } else {
                diff.block(
                    "SW0511",
                    object(),
                    "the SMP shows no package of that GUID",
                    "check it, and that the account may see the package",
                    origin,
                );
                BTreeSet::new()
            }
        }
        PackageSelector::Match(pattern) => {
            let found: BTreeSet<Guid> = snapshot
                .packages
                .known()
                .into_iter()
                .flatten()
                .filter(|package| glob(pattern.key().as_str(), package.name.key().as_str()))
                .map(|package| package.guid)
                .collect();
            if found.is_empty() {
                diff.block(
                    "SW0511",
                    object(),
                    "no package fits the pattern",
                    "check the pattern; `*` stands for any characters, `?` for one",
                    origin,
                );
            }
            found
        }
        PackageSelector::Task(task) => match snapshot.tasks.get(task) {
            Some(Observed::Known(packages)) => packages.clone(),
            unreadable => {
                let reason = unreadable
                    .and_then(Observed::reason)
                    .unwrap_or("it was not asked for");
                diff.block(
                    "SW0513",
                    object(),
                    format!("which packages it uses could not be told: {reason}"),
                    "list them in the server profile under `tasks`, or under `packages` instead",
                    origin,
                );
                BTreeSet::new()
            }
        },
    }
}

/// Names of servers and sites become GUIDs; sites that are yet to be created stay names.
fn resolve(
    package: &DesiredPackage,
    resolver: &Resolver<'_>,
    creates: &BTreeSet<Name>,
    diff: &mut Diff,
) -> Option<(Assignment, BTreeSet<Name>)> {
    let mut to_come = BTreeSet::new();
    let assignment = match &package.assignment {
        DesiredAssignment::All => Assignment::All,
        DesiredAssignment::Servers(names) => Assignment::Servers(
            names
                .iter()
                .map(|name| {
                    one(
                        name,
                        &package.origin,
                        &Subject::selected(package).about,
                        resolver,
                        diff,
                    )
                    .map(|server| server.guid)
                })
                .collect::<Option<_>>()?,
        ),
        DesiredAssignment::Sites { sites, automatic } => {
            let mut guids = BTreeSet::new();
            for name in sites {
                match resolver.site(name) {
                    Resolved::One(site) => {
                        guids.insert(site.guid);
                    }
                    Resolved::None if creates.contains(name) => {
                        to_come.insert(name.clone());
                    }
                    Resolved::Unlisted => return None, // said by `unlisted`
                    Resolved::None => {
                        diff.block(
                            "SW0514",
                            Subject::selected(package),
                            format!("the site `{name}` neither exists nor is declared"),
                            "declare the site, or name another one",
                            Some(&package.origin),
                        );
                        return None;
                    }
                    Resolved::Several(guids) => {
                        diff.block(
                            "SW0502",
                            Subject::site(name).and(Subject::selected(package).about),
                            format!("the SMP has several sites of that name: {}", listed(&guids)),
                            "rename all but one of them in the console",
                            Some(&package.origin),
                        );
                        return None;
                    }
                }
            }
            Assignment::Sites {
                sites: guids,
                automatic: *automatic,
            }
        }
    };
    Some((assignment, to_come))
}

/// What is global to an SMP, by whichever name.
fn settings() -> Object {
    Object::Settings(Name::new("settings"))
}

/// Capture target and `InvalidSubnets`.
fn compare_settings(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    if let Some(target) = &desired.settings.capture_target
        && let Some(server) = one(&target.value, &target.origin, &[settings()], resolver, diff)
    {
        let before = snapshot.capture_target.known().copied();
        if before != Some(Some(server.guid)) {
            diff.push(
                Change::CaptureTarget {
                    before: before.flatten().map(|guid| resolver.server_ref(guid)),
                    after: server,
                    readable: before.is_some(),
                },
                Some(&target.origin),
            );
        }
    }
    if let Some(expression) = &desired.settings.invalid_subnets {
        diff.push(
            Change::InvalidSubnets {
                expression: expression.value.clone(),
            },
            Some(&expression.origin),
        );
    }
    // A run died between the two calls of an assignment that by now reads as wanted.
    for (guid, name) in &ownership.undistributed {
        let changed = diff.found.iter().any(
            |found| matches!(&found.change, Change::Package { package, .. } if package.guid == *guid && !found.change.only_waits()),
        );
        if !changed {
            diff.push(
                Change::Distribute {
                    package: PackageRef {
                        name: name.clone(),
                        guid: *guid,
                    },
                },
                None,
            );
        }
    }
}
