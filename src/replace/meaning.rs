//! What declarations mean, and what they have to mean after a change.
//!
//! Pure.

use std::collections::BTreeMap;

use crate::model::{
    Declared, Desired, DesiredAssignment, DesiredPackage, DesiredServer, DesiredSite, Name, Origin,
};

/// The declarations without places, each spelling of the two servers as the one that was asked for.
pub(super) fn bare(desired: Desired, old: &Name, new: &Name) -> Desired {
    let spelt = |name: Name| {
        if name.names_same(old) {
            old.clone()
        } else if name.names_same(new) {
            new.clone()
        } else {
            name
        }
    };
    let Desired {
        sites,
        servers,
        packages,
        mut settings,
        allowed: _, // comments, which stay where they are
    } = desired;
    let mut bare = Desired::default();
    for (key, site) in sites {
        let servers = site.servers.map(|servers| {
            let servers = servers.into_keys();
            servers.map(|name| (spelt(name), nowhere())).collect()
        });
        let subnets = (site.subnets).map(|subnets| {
            subnets
                .into_keys()
                .map(|subnet| (subnet, nowhere()))
                .collect()
        });
        let mut lifecycle = site.lifecycle;
        lifecycle.prevent_destroy = lifecycle.prevent_destroy.map(placeless);
        bare.sites.insert(
            key,
            DesiredSite {
                name: site.name,
                kind: site.kind,
                origin: nowhere(),
                description: site.description.map(placeless),
                subnets,
                servers,
                constrain: site.constrain.map(placeless),
                deploy_tasks: site.deploy_tasks.into_iter().map(placeless).collect(),
                formerly: site.formerly.into_iter().map(placeless).collect(),
                lifecycle,
            },
        );
    }
    for (name, server) in servers {
        let name = spelt(name);
        let known = bare.servers.entry(name.clone()).or_insert(DesiredServer {
            name,
            roles: BTreeMap::new(),
            origin: nowhere(),
        });
        let roles = server.roles.into_keys().map(|role| (role, nowhere()));
        known.roles.extend(roles);
    }
    for (selector, package) in packages {
        let assignment = match package.assignment {
            DesiredAssignment::Servers(servers) => {
                DesiredAssignment::Servers(servers.into_iter().map(spelt).collect())
            }
            other @ (DesiredAssignment::All | DesiredAssignment::Sites { .. }) => other,
        };
        bare.packages.insert(
            selector,
            DesiredPackage {
                selector: package.selector,
                assignment,
                sites: package.sites,
                origin: nowhere(),
            },
        );
    }
    settings.capture_target = settings.capture_target.map(|target| Declared {
        value: spelt(target.value),
        origin: nowhere(),
    });
    settings.invalid_subnets = settings.invalid_subnets.map(placeless);
    bare.settings = settings;
    bare
}

/// What bare declarations mean once the new server stands beside the old one.
pub(super) fn beside(mut desired: Desired, old: &Name, new: &Name) -> Desired {
    for site in desired.sites.values_mut() {
        if let Some(servers) = &mut site.servers
            && servers.contains_key(old)
        {
            servers.insert(new.clone(), nowhere());
        }
    }
    for package in desired.packages.values_mut() {
        if let DesiredAssignment::Servers(servers) = &mut package.assignment
            && servers.contains(old)
        {
            servers.insert(new.clone());
        }
    }
    if let Some(server) = desired.servers.get(old)
        && !desired.servers.contains_key(new)
    {
        let twin = DesiredServer {
            name: new.clone(),
            ..server.clone()
        };
        desired.servers.insert(new.clone(), twin);
    }
    desired
}

/// What bare declarations mean once the old server is out.
pub(super) fn without(desired: Desired, old: &Name, new: &Name) -> Desired {
    let mut desired = beside(desired, old, new);
    desired.servers.remove(old);
    for site in desired.sites.values_mut() {
        if let Some(servers) = &mut site.servers {
            servers.remove(old);
        }
    }
    for package in desired.packages.values_mut() {
        if let DesiredAssignment::Servers(servers) = &mut package.assignment {
            servers.remove(old);
        }
    }
    if let Some(target) = &mut desired.settings.capture_target
        && target.value == *old
    {
        target.value = new.clone();
    }
    desired
}

/// The place of everything here.
pub(super) fn nowhere() -> Origin {
    Origin {
        file: "".into(),
        line: 0,
        column: 0,
    }
}

fn placeless<T>(declared: Declared<T>) -> Declared<T> {
    Declared {
        value: declared.value,
        origin: nowhere(),
    }
}
