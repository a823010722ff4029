//! Random small worlds and declarations.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::model::testing::{Seen, bare, desired, named, said};
use crate::model::*;

/// The prefixes that worlds are made of: nested up to five deep in 64 addresses, and some aside.
pub(super) const POOL: [&str; 19] = [
    "10.0.0.0/26",
    "10.0.0.0/27",
    "10.0.0.32/27",
    "10.0.0.0/28",
    "10.0.0.16/28",
    "10.0.0.32/28",
    "10.0.0.48/28",
    "10.0.0.0/29",
    "10.0.0.8/29",
    "10.0.0.16/29",
    "10.0.0.40/29",
    "10.0.0.2/32",
    "10.0.0.10/32",
    "10.0.0.18/32",
    "10.0.0.34/32",
    "10.7.0.0/24",
    "10.8.0.0/23",
    "10.8.0.0/24",
    "10.9.0.0/24",
];
/// Where servers stand.
pub(super) const STANDS: [&str; 9] = [
    "10.0.0.2",
    "10.0.0.10",
    "10.0.0.18",
    "10.0.0.34",
    "10.0.0.42",
    "10.0.0.50",
    "10.8.0.1",
    "10.9.0.1",
    "172.16.0.1",
];
const SITES: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
/// What sites may have been called: the names of all, and one that nothing ever had.
const FORMER: [&str; 7] = ["A", "B", "C", "D", "E", "F", "G"];

#[derive(Debug, Clone)]
struct RawSite {
    constrained: u8,
    servers: u8,
    owned: u8,
}

#[derive(Debug, Clone)]
struct RawDesired {
    present: bool,
    manages_subnets: bool,
    servers: Option<u8>,
    constrain: Option<bool>,
    lifecycle: u8,
}

/// The declaration that says what it was called, and its former name.
type RawRename = (u8, u8);

/// Assignment before, its members, holders; assignment after, its members where it is declared.
type RawPackage = (u8, u8, Option<u8>, u8, Option<u8>);

/// Raw choices; every value makes a valid case, so that shrinking stays simple.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    sites: Vec<RawSite>,
    servers: Vec<(Vec<Index>, u8)>,
    /// For each prefix: whether it exists, in which site (none beyond the last), whose.
    subnets: Vec<(bool, u8, u8)>,
    desired: Vec<RawDesired>,
    /// For each prefix: the site that declares it, if that one is there and lists subnets.
    declares: Vec<Option<u8>>,
    roles: Vec<u8>,
    /// For each package: assignment before and after, holders.
    packages: Vec<RawPackage>,
    pub(crate) takeover: bool,
    /// One after the other, so that names are handed on.
    renames: Vec<RawRename>,
}

pub(crate) fn raw() -> impl Strategy<Value = Raw> {
    let site = (0_u8..8, any::<u8>(), 0_u8..6).prop_map(|(constrained, servers, owned)| RawSite {
        constrained,
        servers,
        owned,
    });
    let wanted = (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
        prop::option::weighted(0.7, any::<u8>()),
        prop::option::weighted(0.5, any::<bool>()),
        0_u8..16,
    )
        .prop_map(
            |(present, manages_subnets, servers, constrain, lifecycle)| RawDesired {
                present,
                manages_subnets,
                servers,
                constrain,
                lifecycle,
            },
        );
    (
        prop::collection::vec(site, 0..=4),
        prop::collection::vec(
            (prop::collection::vec(any::<Index>(), 1..=2), 0_u8..4),
            1..=8,
        ),
        prop::collection::vec((prop::bool::weighted(0.5), 0_u8..10, 0_u8..4), POOL.len()),
        prop::collection::vec(wanted, SITES.len()),
        prop::collection::vec(prop::option::weighted(0.6, 0_u8..6), POOL.len()),
        prop::collection::vec(0_u8..32, 8),
        prop::collection::vec(
            (
                0_u8..5,
                any::<u8>(),
                prop::option::of(any::<u8>()),
                0_u8..5,
                prop::option::of(any::<u8>()),
            ),
            0..=2,
        ),
        prop::bool::weighted(0.9),
        prop::collection::vec((0_u8..6, 0_u8..7), 0..=2),
    )
        .prop_map(
            |(sites, servers, subnets, desired, declares, roles, packages, takeover, renames)| {
                Raw {
                    sites,
                    servers,
                    subnets,
                    desired,
                    declares,
                    roles,
                    packages,
                    takeover,
                    renames,
                }
            },
        )
}

fn picked<T>(items: &[T], mask: u8) -> Vec<&T> {
    items
        .iter()
        .enumerate()
        .filter(|(index, _)| mask >> index & 1 == 1)
        .map(|(_, item)| item)
        .collect()
}

fn server_name(index: usize) -> String {
    format!("S{index}.corp.example")
}

fn words(kind: &str, names: &[&String]) -> String {
    let names: Vec<&str> = names.iter().map(|n| n.as_str()).collect();
    format!("{kind} {}", names.join(" "))
}

impl Raw {
    pub(crate) fn case(&self) -> (Desired, Seen) {
        let names: Vec<String> = (0..self.servers.len()).map(server_name).collect();
        let mut seen = bare();
        for ((stands, roles), name) in self.servers.iter().zip(&names) {
            let addresses: Vec<&str> = stands.iter().map(|index| *index.get(&STANDS)).collect();
            let roles = ["", "package", "task", "package task"][usize::from(*roles)];
            seen = seen.server(name, &addresses, roles);
        }
        for (site, name) in self.sites.iter().zip(SITES) {
            let servers: Vec<&str> = picked(&names, site.servers)
                .iter()
                .map(|s| s.as_str())
                .collect();
            seen = seen.site(name).assign(name, &servers).with(|observed| {
                observed.constrained = match site.constrained {
                    0..3 => Observed::Known(true),
                    3..7 => Observed::Known(false),
                    _ => Observed::Unavailable("no setting".into()),
                }
            });
            if let Some(how) = held(site.owned % 4) {
                seen = seen.owns_site(name, how);
                let guid = seen.site_guid(name);
                // The later choices are those of a site that is protected.
                if let Some(owned) = seen.ownership.sites.get_mut(&guid) {
                    owned.protected = site.owned >= 4;
                }
            }
        }
        for ((exists, site, owned), subnet) in self.subnets.iter().zip(POOL) {
            if *exists {
                let sites = SITES[..self.sites.len()].get(usize::from(*site));
                seen = seen.subnet(subnet, &sites.copied().into_iter().collect::<Vec<_>>());
                if let Some(how) = held(*owned) {
                    seen = seen.owns_subnet(subnet, how);
                }
            }
        }
        let mut wanted = desired();
        for (raw, name) in self.desired.iter().zip(SITES) {
            if !raw.present {
                continue;
            }
            wanted = wanted.site(name);
            if raw.manages_subnets {
                let mine = |of: &Option<u8>| of.is_some_and(|of| SITES[usize::from(of)] == name);
                let subnets: Vec<&str> = self
                    .declares
                    .iter()
                    .zip(POOL)
                    .filter(|(of, _)| mine(of))
                    .map(|(_, subnet)| subnet)
                    .collect();
                wanted = wanted.subnets(name, &subnets);
            }
            if let Some(mask) = raw.servers {
                let servers: Vec<&str> = picked(&names, mask).iter().map(|s| s.as_str()).collect();
                wanted = wanted.servers(name, &servers);
            }
            if let Some(on) = raw.constrain {
                wanted = wanted.constrain(name, on);
            }
            wanted = match raw.lifecycle {
                0 => wanted.ignore(name, Ignorable::Subnets),
                1 => wanted.ignore(name, Ignorable::Servers),
                2 => wanted.prevent_destroy(name, true),
                3 => wanted.describe(name, "text"),
                4 => wanted.prevent_destroy(name, false),
                5 => wanted.ignore(name, Ignorable::ConstrainToSite),
                6 => wanted
                    .describe(name, "text")
                    .ignore(name, Ignorable::Description),
                _ => wanted,
            };
        }
        for (to, from) in &self.renames {
            renamed(
                &mut wanted,
                SITES[usize::from(*to)],
                FORMER[usize::from(*from)],
            );
        }
        for (index, roles) in self.roles.iter().enumerate().take(names.len()) {
            // Most servers have what they need.
            let roles = ["", "package", "task", "package task"].get(usize::from(*roles));
            if let Some(roles) = roles.filter(|roles| !roles.is_empty()) {
                wanted = wanted.roles(&names[index], roles);
            }
        }
        let present: Vec<String> = SITES[..self.sites.len()]
            .iter()
            .map(ToString::to_string)
            .collect();
        let declared: Vec<String> = wanted.sites.keys().map(ToString::to_string).collect();
        let assignment = |kind: u8, mask: u8, sites: &[String]| match kind {
            0 => "all".to_owned(),
            1 | 2 => words("servers", &picked(&names, mask)),
            _ => words("sites", &picked(sites, mask)),
        };
        for (index, (kind, mask, holders, to, target)) in self.packages.iter().enumerate() {
            let name = format!("P{index}");
            let held: Vec<&str> = picked(&names, holders.unwrap_or(0))
                .iter()
                .map(|s| s.as_str())
                .collect();
            seen = seen.package(&name, &assignment(*kind, *mask, &present), &held);
            if holders.is_none() {
                seen = seen.but(|snapshot| {
                    for held in snapshot.holders.values_mut() {
                        *held = Observed::Unavailable("no report".into());
                    }
                });
            }
            if let Some(target) = target {
                // Pins by imaging sections name servers.
                let imaging: Vec<&str> = if (1..=2).contains(to) {
                    declared.iter().take(1).map(String::as_str).collect()
                } else {
                    vec![]
                };
                wanted =
                    wanted.package(named(&name), &assignment(*to, *target, &declared), &imaging);
            }
        }
        (wanted, seen)
    }
}

/// Gives a declaration another name, as people do in their files: what was declared under the old one is under the new
/// one from now on and says what it was called; what was not declared is what a declared site was called. Nobody else may
/// have been called so (SW0149).
fn renamed(wanted: &mut Desired, to: &str, from: &str) {
    let (to, from) = (Name::new(to), Name::new(from));
    let mut claimed = wanted.sites.values().flat_map(|site| &site.formerly);
    if to == from || claimed.any(|old| old.value == from || old.value == to) {
        return;
    }
    if let Some(site) = wanted.sites.remove(&from) {
        let name = to.clone();
        wanted
            .sites
            .insert(to.clone(), DesiredSite { name, ..site });
    }
    if let Some(site) = wanted.sites.get_mut(&to) {
        site.formerly.push(said(from));
    }
}

fn held(choice: u8) -> Option<Held> {
    match choice {
        0 => Some(Held::Created),
        1 => Some(Held::Adopted),
        _ => None,
    }
}
