//! Two snapshots → what differs between them, field by field.
//!
//! Pure. Only what both could see is compared; what the later one should have seen and did not is told apart, since
//! unseen is not gone. Objects are matched as people know them: sites by resource, else by name; everything else by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    CountedKind, Guid, Name, Observed, ObservedSite, Role, ServiceRole, Snapshot, Subnet, same_text,
};
use crate::plan::{Names, assignment};

/// The kind of an object, as plans and manifests name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Site,
    Subnet,
    SiteServer,
    Package,
    PlatformSettings,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Site => "Site",
            Self::Subnet => "Subnet",
            Self::SiteServer => "SiteServer",
            Self::Package => "Package",
            Self::PlatformSettings => "PlatformSettings",
        }
    }
}

/// Fields as manifests name them.
pub(super) mod field {
    pub(crate) const NAME: &str = "name";
    pub(crate) const DESCRIPTION: &str = "description";
    pub(crate) const SERVERS: &str = "servers";
    pub(crate) const CONSTRAIN: &str = "constrainToSite";
    pub(crate) const SITE: &str = "site";
    pub(crate) const ROLES: &str = "roles";
    pub(crate) const ADDRESSES: &str = "addresses";
    pub(crate) const ASSIGNMENT: &str = "assignment";
    pub(crate) const CAPTURE_TARGET: &str = "captureTarget";
}

/// What stands as the site of a subnet that is in none; as plans say it.
pub const NO_SITE: &str = "no site";

/// What the one document of settings is called.
pub(super) const SETTINGS: &str = "DS and core settings";

/// One field that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) field: &'static str,
    /// The item of a list that came or went.
    pub(super) item: Option<String>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Raw {
    pub(super) fn key(&self) -> String {
        key(self.kind, &self.name, self.field, self.item.as_deref())
    }
}

/// The key of a field of an object: `Site/HQ:servers/SITE01.corp.example`.
pub(super) fn key(kind: Kind, name: &str, field: &str, item: Option<&str>) -> String {
    let item = item.map_or_else(String::new, |item| format!("/{item}"));
    match kind {
        // There is one of them.
        Kind::PlatformSettings => format!("{}:{field}{item}", kind.as_str()),
        _ => format!("{}/{name}:{field}{item}", kind.as_str()),
    }
}

/// What differs, and what should have been seen and was not.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) changes: Vec<Raw>,
    pub(super) unseen: Vec<String>,
}

/// Compares two snapshots; lists of the later one that are in doubt are not believed about what is gone.
pub(super) fn compare(
    before: &Snapshot,
    now: &Snapshot,
    in_doubt: &BTreeSet<CountedKind>,
) -> Compared {
    let mut compared = Compared::default();
    let names = both_names(before, now);
    let sites = compared.sites(before, now, &names, in_doubt);
    compared.subnets(before, now, sites.as_ref(), in_doubt);
    compared.servers(before, now, &names, in_doubt);
    compared.packages(before, now, &names, in_doubt);
    compared.capture_target(before, now, &names);
    compared
}

/// Puts differences into the order in which they are told.
pub(super) fn sort(changes: &mut [Raw]) {
    changes.sort_by(|one, other| {
        let order = |raw: &Raw| (raw.kind, Name::new(&raw.name), raw.field, raw.item.clone());
        order(one).cmp(&order(other))
    });
}

/// Names of everything that either snapshot knows, by GUID; the later one has the last word.
pub(super) fn both_names(before: &Snapshot, now: &Snapshot) -> Names {
    let mut names = names_of(before);
    names.extend(names_of(now));
    names
}

/// The names of computers and sites by GUID.
#[must_use]
pub fn names_of(snapshot: &Snapshot) -> Names {
    let computers = snapshot.computers.iter();
    let sites = snapshot.sites.known().into_iter().flatten();
    computers
        .map(|(guid, computer)| (*guid, computer.name.clone()))
        .chain(sites.map(|site| (site.guid, site.name.clone())))
        .collect()
}

pub(super) fn named(names: &Names, guid: Guid) -> Name {
    let known = names.get(&guid).cloned();
    known.unwrap_or_else(|| Name::new(&guid.to_string()))
}

/// Which site of the later snapshot is which of the earlier one, and how each is called.
struct Sites {
    /// The later resource of an earlier site that was made anew under its name.
    anew: BTreeMap<Guid, Guid>,
    before: BTreeMap<Guid, String>,
    now: BTreeMap<Guid, String>,
}

impl Compared {
    fn push(
        &mut self,
        (kind, name): (Kind, &str),
        (field, item): (&'static str, Option<String>),
        before: Option<String>,
        after: Option<String>,
    ) {
        self.changes.push(Raw {
            kind,
            name: name.to_owned(),
            field,
            item,
            before,
            after,
        });
    }

    /// Items of a list that came, and those that went.
    fn items(
        &mut self,
        of: (Kind, &str),
        field: &'static str,
        before: &BTreeSet<Name>,
        now: &BTreeSet<Name>,
    ) {
        for gone in before.difference(now) {
            let item = gone.to_string();
            self.push(of, (field, Some(item.clone())), Some(item), None);
        }
        for come in now.difference(before) {
            let item = come.to_string();
            self.push(of, (field, Some(item.clone())), None, Some(item));
        }
    }

    fn unseen(&mut self, what: &str, reason: &str) {
        self.unseen.push(format!("{what}: {reason}"));
    }

    fn sites(
        &mut self,
        before: &Snapshot,
        now: &Snapshot,
        names: &Names,
        in_doubt: &BTreeSet<CountedKind>,
    ) -> Option<Sites> {
        let was = before.sites.known()?;
        let is = match &now.sites {
            Observed::Known(sites) => sites,
            Observed::Unavailable(reason) => {
                self.unseen("sites", reason);
                return None;
            }
        };
        let sites = Sites::of(was, is);
        let later: BTreeMap<Guid, &ObservedSite> =
            is.iter().map(|site| (site.guid, site)).collect();
        let mut kept = BTreeSet::new();
        for site in was {
            let called = sites.before.get(&site.guid).cloned().unwrap_or_default();
            let of = (Kind::Site, called.as_str());
            let guid = sites.anew.get(&site.guid).copied().unwrap_or(site.guid);
            let Some(after) = later.get(&guid) else {
                let doubtful = in_doubt.contains(&CountedKind::Sites)
                    || now
                        .unlisted
                        .get(&site.guid)
                        .is_some_and(|there| there.known() != Some(&false));
                if doubtful {
                    self.unseen(
                        &format!("site `{called}`"),
                        "no list shows it, and nobody can tell whether it is gone",
                    );
                } else {
                    self.push(of, (field::NAME, None), Some(called.clone()), None);
                }
                continue;
            };
            kept.insert(guid);
            self.site(of, site, after, names);
        }
        for site in is.iter().filter(|site| !kept.contains(&site.guid)) {
            let called = sites.now.get(&site.guid).cloned().unwrap_or_default();
            let of = (Kind::Site, called.as_str());
            self.push(of, (field::NAME, None), None, Some(called.clone()));
            // What came with it, so that a later look at one field has something to compare with.
            let servers = site.servers.iter().map(|server| named(names, *server));
            self.items(of, field::SERVERS, &BTreeSet::new(), &servers.collect());
        }
        Some(sites)
    }

    fn site(
        &mut self,
        of: (Kind, &str),
        before: &ObservedSite,
        after: &ObservedSite,
        names: &Names,
    ) {
        if before.name != after.name {
            let was = Some(before.name.to_string());
            self.push(of, (field::NAME, None), was, Some(after.name.to_string()));
        }
        if let (Some(was), Some(is)) = (before.description.known(), after.description.known())
            && !same_text(was, is)
        {
            let (was, is) = (Some(was.clone()), Some(is.clone()));
            self.push(of, (field::DESCRIPTION, None), was, is);
        }
        if let (Some(was), Some(is)) = (before.constrained.known(), after.constrained.known())
            && was != is
        {
            let (was, is) = (Some(was.to_string()), Some(is.to_string()));
            self.push(of, (field::CONSTRAIN, None), was, is);
        }
        let servers = |site: &ObservedSite| -> BTreeSet<Name> {
            let servers = site.servers.iter();
            servers.map(|server| named(names, *server)).collect()
        };
        self.items(of, field::SERVERS, &servers(before), &servers(after));
    }

    fn subnets(
        &mut self,
        before: &Snapshot,
        now: &Snapshot,
        sites: Option<&Sites>,
        in_doubt: &BTreeSet<CountedKind>,
    ) {
        let (Some(_), Some(sites)) = (before.subnets.known(), sites) else {
            return;
        };
        if let Observed::Unavailable(reason) = &now.subnets {
            self.unseen("subnets", reason);
            return;
        }
        let was = subnets_of(before);
        let is = subnets_of(now);
        for (subnet, (guids, sites_before)) in &was {
            let text = subnet.to_string();
            let of = (Kind::Subnet, text.as_str());
            let before_text = Sites::listed(sites_before, &sites.before);
            if let Some((_, sites_now)) = is.get(subnet) {
                let same: BTreeSet<Guid> = sites_before
                    .iter()
                    .map(|site| sites.anew.get(site).copied().unwrap_or(*site))
                    .collect();
                if same != *sites_now {
                    let after = Sites::listed(sites_now, &sites.now);
                    self.push(of, (field::SITE, None), Some(before_text), Some(after));
                }
            } else {
                let hidden = guids.iter().any(|guid| {
                    let there = now.unlisted.get(guid);
                    there.is_some_and(|there| there.known() != Some(&false))
                });
                if hidden || in_doubt.contains(&CountedKind::Subnets) {
                    self.unseen(
                        &format!("subnet `{text}`"),
                        "no list shows it, and nobody can tell whether it is gone",
                    );
                } else {
                    self.push(of, (field::SITE, None), Some(before_text), None);
                }
            }
        }
        for (subnet, (_, sites_now)) in &is {
            if !was.contains_key(subnet) {
                let text = subnet.to_string();
                let after = Sites::listed(sites_now, &sites.now);
                self.push(
                    (Kind::Subnet, &text),
                    (field::SITE, None),
                    None,
                    Some(after),
                );
            }
        }
    }

    fn servers(
        &mut self,
        before: &Snapshot,
        now: &Snapshot,
        names: &Names,
        in_doubt: &BTreeSet<CountedKind>,
    ) {
        if before.services.known().is_some() {
            match &now.services {
                Observed::Unavailable(reason) => self.unseen("site services", reason),
                Observed::Known(_) => {
                    let (was, is) = (roles_of(before, names), roles_of(now, names));
                    let all: BTreeSet<&Name> = was.keys().chain(is.keys()).collect();
                    let none = BTreeSet::new();
                    for server in all {
                        let (was, is) = (
                            was.get(server).unwrap_or(&none),
                            is.get(server).unwrap_or(&none),
                        );
                        if in_doubt.contains(&CountedKind::Servers) && is.is_empty() {
                            self.unseen(
                                &format!("roles of `{server}`"),
                                "no list shows them, and nobody can tell whether they are gone",
                            );
                            continue;
                        }
                        let text = server.to_string();
                        self.items((Kind::SiteServer, &text), field::ROLES, was, is);
                    }
                }
            }
        }
        for (guid, computer) in &before.computers {
            let Some(after) = now.computers.get(guid) else {
                continue;
            };
            if let (Some(was), Some(is)) = (computer.addresses.known(), after.addresses.known())
                && was != is
            {
                let text = after.name.to_string();
                let shown = |all: &BTreeSet<(std::net::Ipv4Addr, u8)>| {
                    let all: Vec<String> = all
                        .iter()
                        .map(|(at, prefix)| format!("{at}/{prefix}"))
                        .collect();
                    if all.is_empty() {
                        "none".to_owned()
                    } else {
                        all.join(", ")
                    }
                };
                let of = (Kind::SiteServer, text.as_str());
                self.push(
                    of,
                    (field::ADDRESSES, None),
                    Some(shown(was)),
                    Some(shown(is)),
                );
            }
        }
    }

    fn packages(
        &mut self,
        before: &Snapshot,
        now: &Snapshot,
        names: &Names,
        in_doubt: &BTreeSet<CountedKind>,
    ) {
        let (Some(was), Some(is)) = (before.packages.known(), now.packages.known()) else {
            if let Some(reason) = now.packages.reason()
                && !before.assignments.is_empty()
            {
                self.unseen("packages", reason);
            }
            return;
        };
        let is: BTreeMap<Guid, &Name> = is.iter().map(|one| (one.guid, &one.name)).collect();
        for package in was {
            let Some(Observed::Known(assigned)) = before.assignments.get(&package.guid) else {
                continue;
            };
            let text = package.name.to_string();
            let of = (Kind::Package, text.as_str());
            let Some(name) = is.get(&package.guid) else {
                if in_doubt.contains(&CountedKind::Packages) {
                    self.unseen(
                        &format!("package `{text}`"),
                        "no list shows it, and nobody can tell whether it is gone",
                    );
                } else {
                    self.push(of, (field::NAME, None), Some(text.clone()), None);
                }
                continue;
            };
            if **name != package.name {
                let after = Some(name.to_string());
                self.push(of, (field::NAME, None), Some(text.clone()), after);
            }
            match now.assignments.get(&package.guid) {
                Some(Observed::Known(after)) if after != assigned => {
                    let shown = |of| Some(assignment(of, &[], names));
                    self.push(of, (field::ASSIGNMENT, None), shown(assigned), shown(after));
                }
                Some(Observed::Unavailable(reason)) => {
                    self.unseen(&format!("assignment of `{text}`"), reason);
                }
                Some(Observed::Known(_)) | None => {}
            }
        }
    }

    fn capture_target(&mut self, before: &Snapshot, now: &Snapshot, names: &Names) {
        if let (Some(was), Some(is)) = (before.capture_target.known(), now.capture_target.known())
            && was != is
        {
            let shown = |of: &Option<Guid>| of.map(|guid| named(names, guid).to_string());
            let of = (Kind::PlatformSettings, SETTINGS);
            self.push(of, (field::CAPTURE_TARGET, None), shown(was), shown(is));
        }
    }
}

impl Sites {
    fn of(before: &[ObservedSite], now: &[ObservedSite]) -> Self {
        let there: BTreeSet<Guid> = now.iter().map(|site| site.guid).collect();
        let known: BTreeSet<Guid> = before.iter().map(|site| site.guid).collect();
        let gone = before.iter().filter(|site| !there.contains(&site.guid));
        let come: Vec<&ObservedSite> = (now.iter())
            .filter(|site| !known.contains(&site.guid))
            .collect();
        let anew = gone
            .filter_map(|site| {
                let mut same = come.iter().filter(|other| other.name == site.name);
                match (same.next(), same.next()) {
                    (Some(other), None) => Some((site.guid, other.guid)),
                    _ => None,
                }
            })
            .collect();
        Self {
            anew,
            before: called(before),
            now: called(now),
        }
    }

    /// Sites in words.
    fn listed(sites: &BTreeSet<Guid>, called: &BTreeMap<Guid, String>) -> String {
        if sites.is_empty() {
            return NO_SITE.to_owned();
        }
        let mut names: Vec<Name> = sites
            .iter()
            .map(|site| {
                let name = called.get(site);
                name.map_or_else(|| Name::new(&site.to_string()), |name| Name::new(name))
            })
            .collect();
        names.sort();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        names.join(", ")
    }
}

/// What each site is called: its name, or its GUID where several have that name.
fn called(sites: &[ObservedSite]) -> BTreeMap<Guid, String> {
    let mut often: BTreeMap<&Name, usize> = BTreeMap::new();
    for site in sites {
        *often.entry(&site.name).or_default() += 1;
    }
    let one = |site: &ObservedSite| match often.get(&site.name) {
        Some(1) => site.name.to_string(),
        _ => site.guid.to_string(),
    };
    sites.iter().map(|site| (site.guid, one(site))).collect()
}

/// Subnets by network with their resources and sites; what is no network is left to the plan.
fn subnets_of(snapshot: &Snapshot) -> BTreeMap<Subnet, (BTreeSet<Guid>, BTreeSet<Guid>)> {
    let mut all: BTreeMap<Subnet, (BTreeSet<Guid>, BTreeSet<Guid>)> = BTreeMap::new();
    for observed in snapshot.subnets.known().into_iter().flatten() {
        if let Ok(subnet) = observed.subnet {
            let (guids, sites) = all.entry(subnet).or_default();
            guids.insert(observed.guid);
            sites.extend(observed.sites.iter().copied());
        }
    }
    all
}

/// Roles that can be declared, by server.
fn roles_of(snapshot: &Snapshot, names: &Names) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut all: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for service in snapshot.services.known().into_iter().flatten() {
        if let ServiceRole::Known(role) = service.role {
            let roles = all.entry(named(names, service.computer)).or_default();
            roles.insert(Name::new(Role::as_str(role)));
        }
    }
    all
}
