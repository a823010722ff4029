//! Finds the objects that declarations name.
//!
//! Pure. A name that fits nothing or several things is an answer of its own, never a choice.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Computer, Desired, Guid, Name, NameKey, Observed, ObservedSite, ObservedSubnet, Owned,
    Ownership, ServerRef, SiteRef, Snapshot, Subnet,
};

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved<T> {
    /// Nothing has that name.
    None,
    /// Exactly one thing.
    One(T),
    /// Several; their GUIDs.
    Several(Vec<Guid>),
    /// One of ours that no list shows, and that is not known to be gone.
    Unlisted,
}

/// Indexes over one snapshot.
#[derive(Debug)]
pub struct Resolver<'a> {
    snapshot: &'a Snapshot,
    sites: BTreeMap<&'a Name, Vec<&'a ObservedSite>>,
    site_names: BTreeMap<Guid, &'a Name>,
    subnets: BTreeMap<Subnet, Vec<&'a ObservedSubnet>>,
    servers: BTreeMap<&'a Name, Vec<&'a Computer>>,
    hosts: BTreeMap<NameKey, Vec<&'a Computer>>,
    unlisted_sites: BTreeSet<&'a Name>,
    unlisted_subnets: BTreeSet<Subnet>,
}

impl<'a> Resolver<'a> {
    /// Indexes a snapshot, and what of ours it does not show: also by the name that is declared for it now.
    #[must_use]
    pub fn new(desired: &'a Desired, snapshot: &'a Snapshot, ownership: &'a Ownership) -> Self {
        let mut sites: BTreeMap<&Name, Vec<&ObservedSite>> = BTreeMap::new();
        let mut site_names = BTreeMap::new();
        for site in snapshot.sites.known().into_iter().flatten() {
            sites.entry(&site.name).or_default().push(site);
            site_names.insert(site.guid, &site.name);
        }
        let mut subnets: BTreeMap<Subnet, Vec<&ObservedSubnet>> = BTreeMap::new();
        for observed in snapshot.subnets.known().into_iter().flatten() {
            if let Ok(subnet) = observed.subnet {
                subnets.entry(subnet).or_default().push(observed);
            }
        }
        let mut servers: BTreeMap<&Name, Vec<&Computer>> = BTreeMap::new();
        let mut hosts: BTreeMap<NameKey, Vec<&Computer>> = BTreeMap::new();
        for computer in snapshot.computers.values() {
            servers.entry(&computer.name).or_default().push(computer);
            hosts
                .entry(NameKey::new(computer.name.host()))
                .or_default()
                .push(computer);
        }
        let mut unlisted_sites: BTreeSet<&Name> = unlisted(snapshot, &ownership.sites)
            .map(|(_, owned)| &owned.name)
            .collect();
        let renamed = desired.sites.values().filter(|site| {
            let mut former = site.formerly.iter();
            former.any(|old| unlisted_sites.contains(&old.value))
        });
        let renamed: Vec<&Name> = renamed.map(|site| &site.name).collect();
        unlisted_sites.extend(renamed);
        Self {
            snapshot,
            sites,
            site_names,
            subnets,
            servers,
            hosts,
            unlisted_sites,
            unlisted_subnets: unlisted(snapshot, &ownership.subnets)
                .filter_map(|(_, owned)| owned.name.as_str().parse().ok())
                .collect(),
        }
    }

    /// The site of that name.
    #[must_use]
    pub fn site(&self, name: &Name) -> Resolved<&'a ObservedSite> {
        match self.sites.get(name).map(Vec::as_slice) {
            None | Some([]) if self.unlisted_sites.contains(name) => Resolved::Unlisted,
            None | Some([]) => Resolved::None,
            Some([site]) => Resolved::One(site),
            Some(several) => Resolved::Several(sorted(several.iter().map(|site| site.guid))),
        }
    }

    /// The name of an observed site.
    #[must_use]
    pub fn site_ref(&self, guid: Guid) -> SiteRef {
        SiteRef {
            name: self
                .site_names
                .get(&guid)
                .map_or_else(|| Name::new(&guid.to_string()), |name| (*name).clone()),
            guid: Some(guid),
        }
    }

    /// The subnet resource of that network.
    #[must_use]
    pub fn subnet(&self, subnet: Subnet) -> Resolved<&'a ObservedSubnet> {
        match self.subnets.get(&subnet).map(Vec::as_slice) {
            None | Some([]) if self.unlisted_subnets.contains(&subnet) => Resolved::Unlisted,
            None | Some([]) => Resolved::None,
            Some([one]) => Resolved::One(one),
            Some(several) => Resolved::Several(sorted(several.iter().map(|s| s.guid))),
        }
    }

    /// Whether nobody looked for a computer of that name: there may be one, or several.
    #[must_use]
    pub fn is_unasked(&self, name: &Name) -> bool {
        self.snapshot.unasked.contains(name)
    }

    /// The computer of that name, fully qualified or by host name.
    #[must_use]
    pub fn server(&self, name: &Name) -> Resolved<ServerRef> {
        if self.is_unasked(name) {
            return Resolved::None;
        }
        let named = match self.servers.get(name) {
            Some(exact) => exact.clone(),
            // A host name stands for a computer of any domain, and a full name for one whose domain is not known.
            None => self
                .hosts
                .get(&NameKey::new(name.host()))
                .into_iter()
                .flatten()
                .filter(|computer| name.domain().is_none() || computer.name.domain().is_none())
                .copied()
                .collect(),
        };
        match named.as_slice() {
            [] => Resolved::None,
            [one] => Resolved::One(ServerRef {
                name: one.name.clone(),
                guid: one.guid,
            }),
            several => Resolved::Several(sorted(several.iter().map(|computer| computer.guid))),
        }
    }

    /// The name of an observed computer.
    #[must_use]
    pub fn server_ref(&self, guid: Guid) -> ServerRef {
        ServerRef {
            name: self.snapshot.computers.get(&guid).map_or_else(
                || Name::new(&guid.to_string()),
                |computer| computer.name.clone(),
            ),
            guid,
        }
    }

    /// Packages of that name.
    #[must_use]
    pub fn packages(&self, name: &Name) -> Vec<Guid> {
        match &self.snapshot.packages {
            Observed::Known(packages) => sorted(
                packages
                    .iter()
                    .filter(|package| package.name == *name)
                    .map(|package| package.guid),
            ),
            Observed::Unavailable(_) => Vec::new(),
        }
    }
}

/// Those of ours that no list shows, and that are there all the same or may be.
pub(super) fn unlisted<'a>(
    snapshot: &'a Snapshot,
    owned: &'a BTreeMap<Guid, Owned>,
) -> impl Iterator<Item = (Guid, &'a Owned)> {
    owned
        .iter()
        .filter(|(guid, _)| {
            snapshot
                .unlisted
                .get(guid)
                .is_some_and(|there| there.known() != Some(&false))
        })
        .map(|(guid, owned)| (*guid, owned))
}

/// The order of an answer is not ours to show.
fn sorted(guids: impl Iterator<Item = Guid>) -> Vec<Guid> {
    let mut guids: Vec<Guid> = guids.collect();
    guids.sort();
    guids
}

/// GUIDs as people read them in a message.
pub(super) fn listed(guids: &[Guid]) -> String {
    guids
        .iter()
        .map(|guid| format!("`{guid}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
