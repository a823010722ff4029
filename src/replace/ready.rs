//! Whether a new server can take over: what it still lacks on the SMP.
//!
//! Pure. What cannot be told counts as lacking, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Desired, DesiredAssignment, Guid, Listed, Name, Observed, PackageSelector, Role, Snapshot,
};

/// Says what the new server lacks before the old one can go, a sentence each; nothing where it is ready.
///
/// It needs its declared roles, every package that the old one holds, and every package that is assigned to it.
#[must_use]
pub fn lacking(desired: &Desired, snapshot: &Snapshot, old: &Name, new: &Name) -> Vec<String> {
    let mut lacking = Vec::new();
    let server = match snapshot.computers_named(new).as_slice() {
        [one] => one.guid,
        [] => return vec![format!("the SMP knows no computer `{new}`")],
        several => return vec![format!("the SMP knows {} computers `{new}`", several.len())],
    };
    let gone: BTreeSet<Guid> = snapshot
        .computers_named(old)
        .iter()
        .map(|computer| computer.guid)
        .collect();
    let declared: BTreeSet<Role> = desired
        .servers
        .values()
        .filter(|server| server.name.names_same(new))
        .flat_map(|server| server.roles.keys().copied())
        .collect();
    match snapshot.roles_of(server) {
        Observed::Known(roles) => lacking.extend(
            declared
                .difference(&roles)
                .map(|role| format!("`{new}` does not have the role `{role}` yet")),
        ),
        Observed::Unavailable(reason) => {
            lacking.push(format!("the roles of `{new}` cannot be told: {reason}"));
        }
    }
    let packages = match &snapshot.packages {
        Observed::Known(packages) => packages,
        Observed::Unavailable(reason) => {
            lacking.push(format!("the packages cannot be told: {reason}"));
            return lacking;
        }
    };
    let mut absent = BTreeSet::new();
    let mut untold: BTreeMap<&str, BTreeSet<&Name>> = BTreeMap::new();
    for package in packages {
        match snapshot.holders.get(&package.guid) {
            Some(Observed::Known(holders)) => {
                let wanted = !holders.is_disjoint(&gone) || assigned(desired, package, new);
                if wanted && !holders.contains(&server) {
                    absent.insert(&package.name);
                }
            }
            Some(Observed::Unavailable(reason)) => {
                untold.entry(reason).or_default().insert(&package.name);
            }
            None => {
                untold
                    .entry("it was not read")
                    .or_default()
                    .insert(&package.name);
            }
        }
    }
    if !absent.is_empty() {
        lacking.push(format!("`{new}` does not hold {} yet", some(&absent)));
    }
    for (reason, names) in untold {
        let names = some(&names);
        lacking.push(format!("who holds {names} cannot be told: {reason}"));
    }
    lacking
}

/// The first few names.
fn some(names: &BTreeSet<&Name>) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len() - shown.len()));
    }
    shown.join(", ")
}

/// Whether a package is declared to be on a server.
fn assigned(desired: &Desired, package: &Listed, server: &Name) -> bool {
    desired.packages.iter().any(|(selector, declared)| {
        let selected = match selector {
            PackageSelector::Name(name) => *name == package.name,
            PackageSelector::Guid(guid) => *guid == package.guid,
            // Patterns and tasks are resolved by the plan, and waited for when it is applied.
            PackageSelector::Match(_) | PackageSelector::Task(_) => false,
        };
        selected
            && match &declared.assignment {
                DesiredAssignment::Servers(servers) => {
                    servers.iter().any(|name| name.names_same(server))
                }
                DesiredAssignment::All | DesiredAssignment::Sites { .. } => false,
            }
    })
}
