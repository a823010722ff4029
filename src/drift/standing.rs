//! How a difference stands to the declaration: ours to undo, agreed, or nobody's; where it is declared; whether it
//! touches addresses that declared sites serve.
//!
//! Pure. Judged on the declaration and on what is there now, not on the plan: what the plan may not undo, as a subnet
//! that an undeclared site took, is ours to undo all the same.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Standing;
use super::compare::{Kind, Raw, field};
use crate::model::{
    Desired, DesiredSite, Guid, Ignorable, Name, Origin, PackageSelector, Role, Snapshot, Subnet,
    glob, same_text,
};
use crate::plan::{Changed, ObjectChange};

/// What a difference is to us.
pub(super) struct Judged {
    pub(super) standing: Standing,
    /// Whether the declaration speaks of it.
    pub(super) managed: bool,
    pub(super) place: Option<Origin>,
    /// Whether it is shown without being asked for.
    pub(super) shown: bool,
}

/// The declaration beside both worlds.
pub(super) struct Judge<'a> {
    desired: &'a Desired,
    before: &'a Snapshot,
    now: &'a Snapshot,
    planned: &'a [ObjectChange],
    /// The networks that declared sites have, had, or are to have.
    ours: BTreeSet<Subnet>,
    /// The servers that serve them: declared, assigned, or standing in them.
    servers: BTreeSet<Name>,
}

/// What the declaration says of a field.
enum Said<'a> {
    /// Nothing.
    Nothing,
    /// That changes of it are to be overlooked.
    Ignored,
    /// Something, at a place, and whether the world agrees.
    Managed { agrees: bool, place: &'a Origin },
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        desired: &'a Desired,
        before: &'a Snapshot,
        now: &'a Snapshot,
        planned: &'a [ObjectChange],
    ) -> Self {
        let mut judge = Self {
            desired,
            before,
            now,
            planned,
            ours: BTreeSet::new(),
            servers: desired.servers.keys().cloned().collect(),
        };
        for site in desired.sites.values() {
            judge
                .ours
                .extend(site.subnets.iter().flatten().map(|(subnet, _)| *subnet));
            judge.servers.extend(
                site.servers
                    .iter()
                    .flatten()
                    .map(|(server, _)| server.clone()),
            );
        }
        for snapshot in [before, now] {
            judge.take(snapshot);
        }
        judge
    }

    /// What declared sites hold in a snapshot.
    fn take(&mut self, snapshot: &Snapshot) {
        let mut declared: BTreeSet<Guid> = BTreeSet::new();
        for site in snapshot.sites.known().into_iter().flatten() {
            if self.desired.site_called(&site.name).is_some() {
                declared.insert(site.guid);
                let servers = site.servers.iter();
                let named = servers.filter_map(|server| snapshot.computers.get(server));
                self.servers.extend(named.map(|server| server.name.clone()));
            }
        }
        for subnet in snapshot.subnets.known().into_iter().flatten() {
            if let Ok(network) = subnet.subnet
                && subnet.sites.iter().any(|site| declared.contains(site))
            {
                self.ours.insert(network);
            }
        }
        for computer in snapshot.computers.values() {
            let mut addresses = computer.addresses.known().into_iter().flatten();
            if addresses.any(|(address, _)| self.serves(*address)) {
                self.servers.insert(computer.name.clone());
            }
        }
    }

    /// Whether an address is one of a declared site.
    fn serves(&self, address: Ipv4Addr) -> bool {
        (0..=32)
            .filter_map(|prefix| Subnet::containing(address, prefix))
            .any(|network| self.ours.contains(&network))
    }

    /// Whether a network has addresses of declared sites.
    fn overlaps(&self, subnet: Subnet) -> bool {
        let (_, last) = subnet.range();
        // Sorted by first address, the outer before the inner: what lies inside comes behind.
        let mut behind = self.ours.range(subnet..);
        behind.next().is_some_and(|other| other.range().0 <= last) || self.serves(subnet.network())
    }

    fn known(&self, server: &str) -> bool {
        let server = Name::new(server);
        self.servers.contains(&server) || self.servers.iter().any(|one| one.names_same(&server))
    }

    pub(super) fn judge(&self, raw: &Raw) -> Judged {
        match self.said(raw) {
            Said::Managed { agrees, place } => Judged {
                standing: if agrees {
                    Standing::Agreed
                } else {
                    Standing::Undo
                },
                managed: true,
                place: Some(place.clone()),
                shown: true,
            },
            Said::Ignored => Judged {
                standing: Standing::Undeclared,
                managed: false,
                place: None,
                shown: false,
            },
            Said::Nothing => Judged {
                standing: Standing::Undeclared,
                managed: false,
                place: None,
                shown: self.touches(raw),
            },
        }
    }

    /// Whether something undeclared touches what declared sites serve.
    fn touches(&self, raw: &Raw) -> bool {
        let Raw {
            kind,
            name,
            field,
            item: _, // by its site
            before,
            after,
        } = raw;
        let declared = |site: &str| self.desired.site_called(&Name::new(site)).is_some();
        match kind {
            Kind::Site => match *field {
                field::NAME => {
                    let both = before.iter().chain(after);
                    both.map(String::as_str).any(declared)
                }
                field::DESCRIPTION => false,
                _ => declared(name),
            },
            Kind::Subnet => name.parse().is_ok_and(|subnet| self.overlaps(subnet)),
            Kind::SiteServer => self.known(name),
            Kind::Package | Kind::PlatformSettings => false,
        }
    }

    fn said(&self, raw: &Raw) -> Said<'_> {
        let item = raw.item.as_deref().unwrap_or_default();
        match raw.kind {
            Kind::Site => self.of_site(raw, item),
            Kind::Subnet => self.of_subnet(raw),
            Kind::SiteServer if raw.field == field::ROLES => self.of_role(&raw.name, item, raw),
            Kind::SiteServer => Said::Nothing,
            Kind::Package => self.of_package(raw),
            Kind::PlatformSettings => match &self.desired.settings.capture_target {
                None => Said::Nothing,
                Some(declared) => Said::Managed {
                    agrees: raw
                        .after
                        .as_deref()
                        .is_some_and(|now| Name::new(now).names_same(&declared.value)),
                    place: &declared.origin,
                },
            },
        }
    }

    fn of_site(&self, raw: &Raw, item: &str) -> Said<'_> {
        // What comes to be by a former name is another site; what had one is the declared site that it is now.
        let site = match (&raw.before, &raw.after) {
            (None, Some(name)) if raw.field == field::NAME => {
                self.desired.sites.get(&Name::new(name))
            }
            (Some(name), _) if raw.field == field::NAME => {
                self.desired.site_called(&Name::new(name))
            }
            _ => self.desired.site_called(&Name::new(&raw.name)),
        };
        let Some(site) = site else {
            // A site that got the name of a declared one is what is declared.
            let to = raw.after.as_deref().filter(|_| raw.field == field::NAME);
            return match to.and_then(|name| self.desired.sites.get(&Name::new(name))) {
                Some(site) => Said::Managed {
                    agrees: true,
                    place: &site.origin,
                },
                None => Said::Nothing,
            };
        };
        let ignores = |what| site.lifecycle.ignore_changes.contains(&what);
        match raw.field {
            field::NAME => Said::Managed {
                agrees: raw.after.as_deref().map(Name::new).as_ref() == Some(&site.name),
                place: &site.origin,
            },
            field::DESCRIPTION => match &site.description {
                None => Said::Nothing,
                Some(_) if ignores(Ignorable::Description) => Said::Ignored,
                Some(declared) => Said::Managed {
                    agrees: same_text(raw.after.as_deref().unwrap_or_default(), &declared.value),
                    place: &declared.origin,
                },
            },
            field::CONSTRAIN => match &site.constrain {
                None => Said::Nothing,
                Some(_) if ignores(Ignorable::ConstrainToSite) => Said::Ignored,
                Some(declared) => Said::Managed {
                    agrees: raw.after.as_deref() == Some(&declared.value.to_string()),
                    place: &declared.origin,
                },
            },
            _ => match &site.servers {
                None => Said::Nothing,
                Some(_) if ignores(Ignorable::Servers) => Said::Ignored,
                Some(servers) => {
                    let item = Name::new(item);
                    let named = servers.iter().find(|(server, _)| server.names_same(&item));
                    Said::Managed {
                        agrees: named.is_some() == raw.after.is_some(),
                        place: named.map_or(&site.origin, |(_, place)| place),
                    }
                }
            },
        }
    }

    /// Whether a name that the SMP shows is that of a declared site.
    fn is_called(&self, site: &DesiredSite, name: &str) -> bool {
        let found = self.desired.site_called(&Name::new(name));
        found.is_some_and(|found| found.name == site.name)
    }

    fn of_subnet(&self, raw: &Raw) -> Said<'_> {
        let Ok(subnet) = raw.name.parse::<Subnet>() else {
            return Said::Nothing;
        };
        let declaring = self.desired.sites.values().find_map(|site| {
            let place = site.subnets.as_ref()?.get(&subnet)?;
            Some((site, place))
        });
        let is_in = |site: &DesiredSite, text: Option<&str>| {
            let mut names = text.into_iter().flat_map(|text| text.split(", "));
            names.any(|name| self.is_called(site, name))
        };
        if let Some((site, place)) = declaring {
            if site.lifecycle.ignore_changes.contains(&Ignorable::Subnets) {
                return Said::Ignored;
            }
            let after = raw.after.as_deref();
            return Said::Managed {
                agrees: after.is_some_and(|name| self.is_called(site, name)),
                place,
            };
        }
        // A site that lists its subnets says of every other that it is not in there.
        let lists = |text: Option<&str>| {
            let mut sites = self.desired.sites.values();
            sites.find(|site| site.subnets.is_some() && is_in(site, text))
        };
        match (lists(raw.after.as_deref()), lists(raw.before.as_deref())) {
            (Some(site), _) | (None, Some(site))
                if site.lifecycle.ignore_changes.contains(&Ignorable::Subnets) =>
            {
                Said::Ignored
            }
            (Some(site), _) => Said::Managed {
                agrees: false,
                place: &site.origin,
            },
            (None, Some(site)) => Said::Managed {
                agrees: true,
                place: &site.origin,
            },
            (None, None) => Said::Nothing,
        }
    }

    fn of_role(&self, server: &str, role: &str, raw: &Raw) -> Said<'_> {
        let server = Name::new(server);
        let declared = self.desired.servers.values().find_map(|one| {
            let role: Role = role.parse().ok()?;
            let place = one.roles.get(&role)?;
            one.name.names_same(&server).then_some(place)
        });
        match declared {
            None => Said::Nothing,
            Some(place) => Said::Managed {
                agrees: raw.after.is_some(),
                place,
            },
        }
    }

    /// Who declares a package is a matter of patterns and tasks, which the plan resolved.
    fn of_package(&self, raw: &Raw) -> Said<'_> {
        let asked = |snapshot: &Snapshot| {
            let named = snapshot.packages.known().into_iter().flatten();
            let mut named = named.filter(|one| one.name == Name::new(&raw.name));
            named.any(|one| snapshot.assignments.contains_key(&one.guid))
        };
        let first = self.desired.packages.values().next();
        let Some(first) = first.filter(|_| asked(self.before) || asked(self.now)) else {
            return Said::Nothing;
        };
        let contested = self.planned.iter().find(|change| {
            change.kind == Kind::Package.as_str()
                && change.name.eq_ignore_ascii_case(&raw.name)
                && !matches!(change.change, Changed::Adopt | Changed::Release)
        });
        let name = Name::new(&raw.name);
        let own = self
            .desired
            .packages
            .values()
            .find(|package| match &package.selector {
                PackageSelector::Name(named) => *named == name,
                PackageSelector::Match(pattern) => {
                    glob(pattern.key().as_str(), name.key().as_str())
                }
                PackageSelector::Guid(_) | PackageSelector::Task(_) => false,
            });
        Said::Managed {
            agrees: contested.is_none() && raw.field == field::ASSIGNMENT,
            place: own.map_or(&first.origin, |package| &package.origin),
        }
    }
}
