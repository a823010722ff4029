//! A second opinion on everything that [`Selector`] says: the rules of server selection done naively, address by
//! address, on random worlds, and for what is not known once for each thing that it might be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::model::{Guid, Name, Role, Subnet};

/// Nested up to four deep, two side by side, the whole upper half.
const PREFIXES: [&str; 10] = [
    "10.0.0.0/24",
    "10.0.0.0/26",
    "10.0.0.0/28",
    "10.0.0.16/28",
    "10.0.0.5/32",
    "10.0.0.20/32",
    "10.0.0.64/26",
    "10.0.1.0/24",
    "128.0.0.0/1",
    "0.0.0.0/8",
];
/// Where servers and clients stand.
const STANDS: [&str; 8] = [
    "10.0.0.2",
    "10.0.0.5",
    "10.0.0.20",
    "10.0.0.70",
    "10.0.0.200",
    "10.0.1.9",
    "192.168.0.1",
    "172.16.0.1",
];
const MASKS: [u8; 4] = [24, 26, 16, 30];
const LIMIT: u32 = 7;

fn net(index: usize) -> Subnet {
    PREFIXES[index].parse().unwrap()
}

pub(super) fn addresses() -> impl Strategy<Value = BTreeSet<(Ipv4Addr, u8)>> {
    prop::collection::btree_set(
        (any::<Index>(), prop::sample::select(&MASKS[..]))
            .prop_map(|(index, mask)| (index.get(&STANDS).parse().unwrap(), mask)),
        1..=2,
    )
}

/// Mostly known.
fn known<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.9, of)
}

fn server() -> impl Strategy<Value = WorldServer> {
    (
        known(addresses()),
        known(prop::collection::btree_set(
            prop::sample::select(vec![Role::Package, Role::Task, Role::NetworkBoot]),
            0..=3,
        )),
        prop::option::of(prop::bool::weighted(0.8)),
        prop::option::of(0..=LIMIT),
    )
        .prop_map(|(addresses, roles, answering, registered)| WorldServer {
            name: Name::new("server"),
            addresses,
            roles,
            answering,
            registered,
        })
}

fn guids(mask: u8, servers: usize) -> BTreeSet<Guid> {
    (0..servers)
        .filter(|index| mask >> index & 1 == 1)
        .map(guid)
        .collect()
}

fn guid(index: usize) -> Guid {
    Guid::from_u128(u128::try_from(index).unwrap() + 1)
}

/// The one package.
const PACKAGE: Guid = Guid::from_u128(0x4000);

pub(super) fn worlds() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(server(), 0..=5),
        prop::collection::vec((any::<u8>(), known(any::<bool>())), 0..=4),
        prop::collection::vec((0_u8..3, any::<u8>()), PREFIXES.len()),
        (prop::bool::weighted(0.9), known(any::<u8>()), any::<bool>()),
    )
        .prop_map(
            |(servers, sites, subnets, (platform, holders, has_package))| {
                let count = servers.len();
                let mut world = World {
                    platform: (platform && count > 0).then(|| guid(0)),
                    registrations_per_server: Some(LIMIT),
                    ..World::default()
                };
                for (index, server) in servers.into_iter().enumerate() {
                    world.servers.insert(guid(index), server);
                }
                for (manual, constrained) in sites {
                    world.sites.push(WorldSite {
                        name: Name::new("site"),
                        guid: None,
                        declared: None,
                        manual: guids(manual, count),
                        constrained,
                    });
                }
                for (index, (what, choice)) in subnets.into_iter().enumerate() {
                    let several = world.sites.len().max(1);
                    let first = usize::from(choice) % several;
                    let second = usize::from(choice / 16) % several;
                    let mut sites = BTreeSet::new();
                    if what > 1 && !world.sites.is_empty() {
                        sites.insert(first);
                        if choice > 200 {
                            sites.insert(second);
                        }
                    }
                    if what > 0 {
                        world.subnets.insert(net(index), sites);
                    }
                }
                if has_package {
                    world.packages.insert(
                        PACKAGE,
                        WorldPackage {
                            name: Name::new("package"),
                            assignment: None,
                            holders: holders.map(|mask| guids(mask, count)),
                        },
                    );
                }
                world
            },
        )
}

pub(super) type Set = BTreeSet<Guid>;

/// Servers by a reading, and whether that denies an assumption.
type Read = (Set, bool);

/// What the rules leave, by each reading of the sources: the naive way.
struct Naive<'a>(&'a World);

impl Naive<'_> {
    /// The sites of an address: those of the longest prefix that is in a site at all.
    fn sites(&self, address: Ipv4Addr) -> BTreeSet<SiteIndex> {
        let mut best: Option<(u8, &BTreeSet<SiteIndex>)> = None;
        for (subnet, sites) in &self.0.subnets {
            if subnet.contains(address)
                && !sites.is_empty()
                && best.is_none_or(|(length, _)| length < subnet.prefix())
            {
                best = Some((subnet.prefix(), sites));
            }
        }
        best.map(|(_, sites)| sites.clone()).unwrap_or_default()
    }

    fn can(&self, role: Role, full_too: bool) -> Set {
        self.0
            .servers
            .iter()
            .filter(|(_, server)| {
                let full = server.registered.is_some_and(|count| count >= LIMIT);
                server.answering != Some(false)
                    && server.roles.as_ref().unwrap().contains(&role)
                    && (full_too || role != Role::Task || !full)
            })
            .map(|(guid, _)| *guid)
            .collect()
    }

    fn stands_in(&self, server: Guid, site: SiteIndex) -> bool {
        self.0.servers[&server]
            .addresses
            .iter()
            .flatten()
            .any(|(address, _)| self.sites(*address).contains(&site))
    }

    /// Servers on the same subnet, by the masks of the servers or by that of the client.
    fn near(&self, at: &[(Ipv4Addr, Option<u8>)], by_client: bool) -> Set {
        let same = |(address, prefix): (Ipv4Addr, u8), other: Ipv4Addr| {
            Subnet::containing(address, prefix).unwrap().contains(other)
        };
        self.0
            .servers
            .iter()
            .filter(|(_, server)| server.roles.as_ref().is_some_and(|roles| !roles.is_empty()))
            .filter(|(_, server)| {
                server.addresses.iter().flatten().any(|(own, mask)| {
                    at.iter().any(|(address, prefix)| {
                        if by_client {
                            same((*address, prefix.unwrap()), *own)
                        } else {
                            same((*own, *mask), *address)
                        }
                    })
                })
            })
            .map(|(guid, _)| *guid)
            .collect()
    }

    fn readings(
        &self,
        at: &[(Ipv4Addr, Option<u8>)],
        own: Option<Guid>,
        role: Role,
        holders: Option<&Set>,
    ) -> BTreeSet<Read> {
        let mut all = BTreeSet::new();
        for full_too in [true, false] {
            let able = self.can(role, full_too);
            let holding: Set = match holders {
                Some(holders) => &able & holders,
                None => able.clone(),
            };
            for by_client in [false, true] {
                if by_client && at.iter().any(|(_, prefix)| prefix.is_none()) {
                    continue;
                }
                all.extend(self.by_rules(at, own, role, &able, &holding, by_client));
            }
        }
        all
    }

    fn by_rules(
        &self,
        at: &[(Ipv4Addr, Option<u8>)],
        own: Option<Guid>,
        role: Role,
        able: &Set,
        holding: &Set,
        by_client: bool,
    ) -> Vec<Read> {
        if role == Role::Package
            && let Some(own) = own
            && holding.contains(&own)
        {
            return vec![(Set::from([own]), false)];
        }
        if holding.is_empty() {
            return vec![(Set::new(), false)];
        }
        let near = self.near(at, by_client);
        if role == Role::NetworkBoot {
            let here = &near & holding;
            return if here.is_empty() {
                vec![(here, false), (holding.clone(), false)]
            } else {
                vec![(here, false)]
            };
        }
        let smp: Set = self
            .0
            .platform
            .into_iter()
            .filter(|smp| holding.contains(smp))
            .collect();
        let sites: BTreeSet<SiteIndex> = at
            .iter()
            .flat_map(|(address, _)| self.sites(*address))
            .collect();
        if sites.is_empty() {
            let here = &near & holding;
            let mut found = if here.is_empty() {
                vec![(holding.clone(), false)]
            } else {
                vec![(here.clone(), false)]
            };
            if here.is_empty() && !near.is_disjoint(able) {
                found.push((Set::new(), false));
            }
            if self.0.subnets.values().any(|sites| !sites.is_empty()) {
                found.push((smp, false));
            }
            return found;
        }
        let of_sites = |manual_too: bool, among: &Set| -> Set {
            among
                .iter()
                .copied()
                .filter(|server| {
                    sites.iter().any(|site| {
                        self.stands_in(*server, *site)
                            || manual_too && self.0.sites[*site].manual.contains(server)
                    })
                })
                .collect()
        };
        let mut found = Vec::new();
        let ways: &[bool] = if role == Role::Task {
            &[true, false]
        } else {
            &[true]
        };
        for manual_too in ways {
            // Without manual assignment, where it would have made a difference, is against an assumption.
            let denies = !manual_too && of_sites(true, holding) != of_sites(false, holding);
            let servers = of_sites(*manual_too, holding);
            if !servers.is_empty() {
                found.push((servers, denies));
                continue;
            }
            let constrained: BTreeSet<bool> = sites
                .iter()
                .map(|site| self.0.sites[*site].constrained.unwrap())
                .collect();
            if constrained.contains(&true) || !of_sites(*manual_too, able).is_empty() {
                found.push((Set::new(), denies));
            }
            if constrained.contains(&false) {
                found.push((smp.clone(), denies));
                found.push((holding.clone(), denies));
            }
        }
        found
    }
}

/// Every world that this one might be for somebody at these addresses: each unknown thing is anything that it can be.
fn completions(world: &World, at: impl Iterator<Item = Ipv4Addr>) -> Vec<World> {
    let elsewhere = ["99.0.0.1", "10.0.0.200"].map(|text| text.parse().unwrap());
    let stands: Vec<Ipv4Addr> = at.chain(elsewhere).collect();
    let mut all = vec![world.clone()];
    let mut each = |change: &dyn Fn(&World) -> Vec<World>| {
        all = all.iter().flat_map(change).collect();
    };
    for site in 0..world.sites.len() {
        if world.sites[site].constrained.is_none() {
            each(&|world| {
                [true, false]
                    .map(|constrained| {
                        let mut world = world.clone();
                        world.sites[site].constrained = Some(constrained);
                        world
                    })
                    .into()
            });
        }
    }
    for (guid, server) in &world.servers {
        if server.roles.is_none() {
            each(&|world| {
                let roles = [Role::Package, Role::Task, Role::NetworkBoot];
                [BTreeSet::new(), BTreeSet::from(roles)]
                    .map(|roles| {
                        let mut world = world.clone();
                        world.servers.get_mut(guid).unwrap().roles = Some(roles);
                        world
                    })
                    .into()
            });
        }
        if server.addresses.is_none() {
            each(&|world| {
                stands
                    .iter()
                    .map(|stand| {
                        let mut world = world.clone();
                        world.servers.get_mut(guid).unwrap().addresses =
                            Some(BTreeSet::from([(*stand, 24)]));
                        world
                    })
                    .collect()
            });
        }
    }
    all
}

pub(super) fn sets(choice: &Choice) -> BTreeSet<Set> {
    match choice {
        Choice::Indeterminate(readings) => readings
            .iter()
            .map(|reading| Set::clone(&reading.servers))
            .collect(),
        choice => BTreeSet::from([choice.servers()]),
    }
}

fn compare(
    completions: &[World],
    service: &Service,
    role: Role,
    is_certain: bool,
    naive: impl Fn(&Naive<'_>) -> BTreeSet<Read>,
) -> Result<(), TestCaseError> {
    let reads: BTreeSet<Read> = completions
        .iter()
        .flat_map(|world| naive(&Naive(world)))
        .collect();
    let expected: BTreeSet<Set> = reads.iter().map(|(servers, _)| servers.clone()).collect();
    let unserved = reads.contains(&(Set::new(), false));
    let found = sets(&service.choice);
    if is_certain || service.choice.is_determined() {
        prop_assert_eq!(&found, &expected, "{} {:?}", role, service);
    }
    // Where something is not known: nobody is served for sure who might not be, and no server is forgotten.
    if is_certain || service.choice.is_served() {
        prop_assert_eq!(
            service.choice.is_served(),
            !unserved,
            "{} {:?}",
            role,
            service
        );
    }
    let union: Set = expected.into_iter().flatten().collect();
    prop_assert_eq!(service.choice.servers(), union, "{} {:?}", role, service);
    match &service.choice {
        Choice::Only(_) => {}
        Choice::Random(servers) => prop_assert!(servers.len() > 1 && role != Role::Task),
        Choice::Agent(servers) => prop_assert!(servers.len() > 1 && role == Role::Task),
        Choice::None => prop_assert!(!service.choice.is_served()),
        Choice::Indeterminate(_) => prop_assert!(found.len() > 1),
    }
    Ok(())
}

/// The first and last address of everything, and those next to them.
pub(super) fn interesting(world: &World) -> BTreeSet<Ipv4Addr> {
    let networks = world
        .servers
        .values()
        .flat_map(|server| server.addresses.iter().flatten())
        .filter_map(|(address, prefix)| Subnet::containing(*address, *prefix));
    world
        .subnets
        .keys()
        .copied()
        .chain(networks)
        .flat_map(|subnet| {
            let (first, last) = subnet.range();
            [first.saturating_sub(1), first, last, last.saturating_add(1)]
        })
        .chain([0, u32::MAX])
        .map(Ipv4Addr::from)
        .chain(STANDS.iter().map(|stand| stand.parse().unwrap()))
        .collect()
}

fn is_certain(world: &World) -> bool {
    world.sites.iter().all(|site| site.constrained.is_some())
        && world
            .servers
            .values()
            .all(|server| server.roles.is_some() && server.addresses.is_some())
}

proptest! {
    #[test]
    fn every_address_is_served_as_the_rules_say(world in worlds()) {
        let selector = Selector::new(&world);
        for address in interesting(&world) {
            let all = completions(&world, [address].into_iter());
            prop_assume!(all.len() <= 128);
            let served = selector.at(address);
            prop_assert_eq!(&served.sites, &Naive(&world).sites(address));
            for role in Served::ROLES {
                let at = [(address, None)];
                compare(&all, served.of(role).unwrap(), role, is_certain(&world), |naive| {
                    naive.readings(&at, None, role, None)
                })?;
            }
            let matching = selector.matching(address);
            prop_assert!(matching.is_sorted_by(|one, two| one.0.prefix() > two.0.prefix()));
            prop_assert_eq!(
                matching.len(),
                world.subnets.keys().filter(|subnet| subnet.contains(address)).count()
            );
        }
    }

    #[test]
    fn ranges_say_the_same_as_each_address(world in worlds()) {
        let selector = Selector::new(&world);
        let ranges = selector.ranges();
        let mut next = 0;
        for range in ranges.list() {
            prop_assert_eq!(u64::from(range.first), next);
            prop_assert!(range.first <= range.last);
            next += range.size();
        }
        prop_assert_eq!(next, 1 << 32);
        let of = |range: &Range| (range.subnet, range.assigned, ranges.number(range));
        let differ = ranges.list().windows(2).all(|pair| of(&pair[0]) != of(&pair[1]));
        prop_assert!(differ);
        for address in interesting(&world) {
            let range = ranges.holding(address).unwrap();
            prop_assert_eq!(ranges.served(range).unwrap(), &selector.at(address));
            let matching = selector.matching(address);
            prop_assert_eq!(range.subnet, matching.first().map(|(subnet, _)| *subnet));
            let assigned = matching.iter().find(|(_, sites)| !sites.is_empty());
            prop_assert_eq!(range.assigned, assigned.map(|(subnet, _)| *subnet));
        }
    }

    #[test]
    fn every_client_is_served_as_the_rules_say(
        world in worlds(),
        addresses in addresses(),
        own in prop::option::weighted(0.3, 0_usize..3),
    ) {
        let own = own.map(guid).filter(|own| world.servers.contains_key(own));
        let selector = Selector::new(&world);
        let all = completions(&world, addresses.iter().map(|(address, _)| *address));
        prop_assume!(all.len() <= 128);
        let at: Vec<(Ipv4Addr, u8)> = addresses.iter().copied().collect();
        let naive_at: Vec<_> = at.iter().map(|(address, prefix)| (*address, Some(*prefix))).collect();
        let served = selector.client(&at, own);
        let certain = is_certain(&world);
        for role in Served::ROLES {
            compare(&all, served.of(role).unwrap(), role, certain, |naive| {
                naive.readings(&naive_at, own, role, None)
            })?;
        }
        // With a package: where its holders are not known, it may be anybody or nobody.
        let place = Place::client(&at, own);
        let service = selector.package(&place, PACKAGE);
        let package = world.packages.get(&PACKAGE);
        if let Some(holders) = package.and_then(|package| package.holders.as_ref()) {
            compare(&all, &service, Role::Package, certain, |naive| {
                naive.readings(&naive_at, own, Role::Package, Some(holders))
            })?;
        } else {
            prop_assert!(!service.choice.is_served());
            for world in &all {
                for (servers, _) in Naive(world).readings(&naive_at, own, Role::Package, None) {
                    prop_assert!(service.choice.servers().is_superset(&servers));
                }
            }
        }
        // Verdicts are those of the prediction, and who is out is told why.
        let sets = sets(&served.package.choice);
        let candidates: BTreeMap<Guid, Candidate> = selector
            .candidates(&place, Role::Package, None)
            .into_iter()
            .map(|candidate| (candidate.server, candidate))
            .collect();
        for server in world.servers.keys() {
            let by = sets.iter().filter(|set| set.contains(server)).count();
            let verdict = candidates.get(server).map(|candidate| candidate.verdict);
            prop_assert_eq!(by == 0, verdict.is_none_or(|verdict| verdict == Verdict::Out));
            prop_assert_eq!(by == sets.len(), verdict == Some(Verdict::In));
        }
        for candidate in candidates.values() {
            let hard = [Obstacle::RoleMissing, Obstacle::Down];
            if hard.iter().any(|obstacle| candidate.obstacles.contains(obstacle)) {
                prop_assert_eq!(candidate.verdict, Verdict::Out);
            }
            if candidate.verdict == Verdict::Out && !served.sites.is_empty() {
                prop_assert!(!candidate.obstacles.is_empty(), "{candidate:?}");
            }
        }
    }
}
