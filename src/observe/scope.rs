//! What a refresh is asked for.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    Desired, DesiredAssignment, Guid, Name, Owned, Ownership, PackageSelector, SiteKind, Subnet,
};

/// What a refresh is asked for beside what it always reads: sites, subnets, memberships, services, packages by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "parts that are asked for one by one"
)]
pub struct Scope {
    /// The name of the SMP's own computer by the workspace; `None`: by the profile.
    pub server: Option<Name>,
    /// Everything that can be read, for `export`.
    pub everything: bool,
    /// Declared servers.
    pub servers: BTreeSet<Name>,
    /// Declared packages.
    pub packages: Vec<PackageSelector>,
    /// Deploy Image tasks whose packages are asked for.
    pub tasks: BTreeSet<Name>,
    /// Sites whose Constrain to Site is asked for.
    pub constrain: BTreeSet<Name>,
    /// Whether Constrain to Site of every site is asked for.
    pub constraints: bool,
    /// Sites whose description is asked for.
    pub descriptions: BTreeSet<Name>,
    /// Whether the default target of captured images is asked for.
    pub capture_target: bool,
    /// Declared sites, for what is asked about each.
    pub sites: BTreeSet<Name>,
    /// Declared subnets, likewise.
    pub subnets: BTreeSet<Subnet>,
    /// Sites that are ours, which are asked for where no list shows them.
    pub own_sites: BTreeMap<Guid, Name>,
    /// Subnets that are ours, likewise.
    pub own_subnets: BTreeMap<Guid, Name>,
    /// Whether the packages of the imaging tools are asked for (article 180278).
    pub imaging_tools: bool,
    /// Whether facts, clients, registrations and the hierarchy are asked for, which checks look at.
    pub surroundings: bool,
}

impl Scope {
    /// What a refresh has to read to judge an SMP without any declaration.
    #[must_use]
    pub fn audit(server: Option<Name>) -> Self {
        Self {
            server,
            everything: true,
            capture_target: true,
            surroundings: true,
            ..Self::default()
        }
    }

    /// The same, and what of ours the lists do not show.
    #[must_use]
    pub fn remembering(mut self, ownership: &Ownership) -> Self {
        let names = |owned: &BTreeMap<Guid, Owned>| -> BTreeMap<Guid, Name> {
            let owned = owned.iter();
            owned.map(|(guid, of)| (*guid, of.name.clone())).collect()
        };
        self.own_sites = names(&ownership.sites);
        self.own_subnets = names(&ownership.subnets);
        self
    }

    /// What a refresh has to read for a set of declarations; `server` is the name of the SMP's own computer.
    #[must_use]
    pub fn of(desired: &Desired, server: Option<Name>) -> Self {
        let mut scope = Self {
            server,
            capture_target: desired.settings.capture_target.is_some(),
            sites: desired.sites.keys().cloned().collect(),
            surroundings: true,
            ..Self::default()
        };
        for site in desired.sites.values() {
            // Until somebody renames it, the SMP shows it under a former name.
            let names = || {
                let former = site.formerly.iter().map(|former| &former.value);
                std::iter::once(&site.name).chain(former).cloned()
            };
            scope.sites.extend(names());
            if site.constrain.is_some() || site.kind == SiteKind::DeploymentSite {
                scope.constrain.extend(names());
            }
            scope.imaging_tools |= site.kind == SiteKind::DeploymentSite;
            scope.capture_target |= site.kind == SiteKind::DeploymentSite;
            scope
                .subnets
                .extend(site.subnets.iter().flat_map(BTreeMap::keys));
            if site.description.is_some() {
                scope.descriptions.extend(names());
            }
            scope.servers.extend(
                site.servers
                    .iter()
                    .flat_map(|servers| servers.keys().cloned()),
            );
        }
        scope.servers.extend(desired.servers.keys().cloned());
        if let Some(target) = &desired.settings.capture_target {
            scope.servers.insert(target.value.clone());
        }
        for (selector, package) in &desired.packages {
            match selector {
                PackageSelector::Task(task) => {
                    scope.tasks.insert(task.clone());
                }
                other => scope.packages.push(other.clone()),
            }
            if let DesiredAssignment::Servers(servers) = &package.assignment {
                scope.servers.extend(servers.iter().cloned());
            }
        }
        scope
    }
}
