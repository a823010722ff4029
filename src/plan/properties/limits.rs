//! Design rule 6: nothing goes past the limits that the workspace sets. What a plan really comes to is counted on the
//! world that the interpreter leaves, address by address and object by object, and never taken from the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use proptest::sample::Index;

use super::worlds::{POOL, Raw, raw};
use super::{KEPT, after, world};
use crate::model::testing::Seen;
use crate::model::*;
use crate::plan::{Bounds, Inputs, Plan, Standing, judge_again, make};
use crate::select::{Selector, SiteIndex, World};

const NOW: &str = "2026-12-24T09:00:00Z";

/// A workspace's limits, and what somebody overrides; small numbers, since the worlds are small.
#[derive(Debug, Clone)]
struct Guard {
    safety: Safety,
    overrides: Option<Overrides>,
}

fn guard() -> impl Strategy<Value = Guard> {
    let most = |highest: u64| prop::option::weighted(0.7, 0..highest);
    let limits = (
        most(6),
        prop::option::weighted(0.7, (0_u8..=100, 0_u32..3)),
        most(6),
        most(600),
        most(3),
        prop::option::of((-3_i64..3, 1_i64..4)),
    );
    let words = (
        most(8),
        most(101),
        most(8),
        most(900),
        most(4),
        any::<bool>(),
    );
    (limits, prop::option::of(words)).prop_map(|(limits, words)| {
        let (deletes, changed, clients, addresses, single, freeze) = limits;
        let now: Timestamp = NOW.parse().unwrap();
        let safety = Safety {
            max_deletes: deletes,
            max_changed_percent: changed.map(|(percent, floor)| Share { percent, floor }),
            max_rehomed_clients: clients,
            max_rehomed_addresses: addresses,
            max_single_server_sites: single,
            freeze: freeze
                .map(|(from, hours)| {
                    let begins = now + from.hours();
                    Freeze {
                        from: "then".into(),
                        to: "then".into(),
                        zone: "UTC".into(),
                        begins,
                        ends: begins + hours.hours(),
                        reason: None,
                    }
                })
                .into_iter()
                .collect(),
            ..Safety::default()
        };
        let overrides = words.map(|(deletes, changed, clients, addresses, single, freeze)| {
            let numbers = [deletes, changed, clients, addresses, single];
            Overrides {
                limits: Limit::ALL
                    .into_iter()
                    .zip(numbers)
                    .filter_map(|(limit, number)| Some((limit, number?)))
                    .collect(),
                freeze,
                reason: "ticket 4711".into(),
                by: "kim".into(),
            }
        });
        Guard { safety, overrides }
    })
}

/// What a plan comes to on the world that its steps leave.
#[derive(Debug, Default, PartialEq, Eq)]
struct Measured {
    deletes: u64,
    /// By kind: changed or gone, and how many there were.
    changes: BTreeMap<CountedKind, (u64, u64)>,
    rehomed_clients: u64,
    rehomed_addresses: u64,
    single_server_sites: u64,
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

fn measured(seen: &Seen, end: &Seen) -> Measured {
    let mut measured = Measured::default();
    let mut compare = |kind, before: &BTreeMap<Guid, String>, after: &BTreeMap<Guid, String>| {
        let changed = before
            .iter()
            .filter(|(guid, text)| after.get(guid) != Some(*text));
        let some = number(changed.count());
        if some > 0 {
            measured.changes.insert(kind, (some, number(before.len())));
        }
        number(
            before
                .keys()
                .filter(|guid| !after.contains_key(guid))
                .count(),
        )
    };
    let deleted = compare(CountedKind::Sites, &sites(seen), &sites(end))
        + compare(CountedKind::Subnets, &subnets(seen), &subnets(end));
    compare(CountedKind::Servers, &servers(seen), &servers(end));
    compare(CountedKind::Packages, &packages(seen), &packages(end));
    measured.deletes = deleted;
    let (before, after) = (world(seen), world(end));
    let (was, will) = (Selector::new(&before), Selector::new(&after));
    for address in POOL
        .iter()
        .map(|text| text.parse::<Subnet>().unwrap())
        .filter(|subnet| before.subnets.contains_key(subnet) || after.subnets.contains_key(subnet))
        .flat_map(|subnet| subnet.range().0..=subnet.range().1)
        .collect::<BTreeSet<u32>>()
    {
        let address = Ipv4Addr::from(address);
        let (was, will) = (was.at(address), will.at(address));
        let moves = KEPT.into_iter().any(|role| {
            let had = was.of(role).unwrap().choice.servers();
            !had.is_empty() && had != will.of(role).unwrap().choice.servers()
        });
        measured.rehomed_addresses += u64::from(moves);
    }
    for client in seen.snapshot.surroundings.clients.known().unwrap() {
        let (was, will) = (
            was.client(&client.addresses, Some(client.guid)),
            will.client(&client.addresses, Some(client.guid)),
        );
        let moves = KEPT.into_iter().any(|role| {
            let had = was.of(role).unwrap().choice.servers();
            !had.is_empty() && had != will.of(role).unwrap().choice.servers()
        });
        measured.rehomed_clients += u64::from(moves);
    }
    measured.single_server_sites = single_server_sites(&before, &after);
    measured
}

/// What is known of each site, in one text.
fn sites(seen: &Seen) -> BTreeMap<Guid, String> {
    let sites = seen.snapshot.sites.known().unwrap().iter();
    let word = |site: &ObservedSite| {
        let step = format!("constrain:{}", site.name);
        seen.ownership
            .attestations
            .get(&step)
            .map(|word| word.value.clone())
    };
    sites
        .map(|site| (site.guid, format!("{site:?} {:?}", word(site))))
        .collect()
}

fn subnets(seen: &Seen) -> BTreeMap<Guid, String> {
    let subnets = seen.snapshot.subnets.known().unwrap().iter();
    subnets
        .map(|subnet| (subnet.guid, format!("{subnet:?}")))
        .collect()
}

fn servers(seen: &Seen) -> BTreeMap<Guid, String> {
    let mut roles: BTreeMap<Guid, BTreeSet<String>> = BTreeMap::new();
    for service in seen.snapshot.services.known().unwrap() {
        let role = format!("{:?}", service.role);
        roles.entry(service.computer).or_default().insert(role);
    }
    let texts = roles.into_iter();
    texts
        .map(|(guid, roles)| (guid, format!("{roles:?}")))
        .collect()
}

fn packages(seen: &Seen) -> BTreeMap<Guid, String> {
    let assignments = seen.snapshot.assignments.iter();
    assignments
        .map(|(guid, assignment)| (*guid, format!("{assignment:?}")))
        .collect()
}

fn single_server_sites(before: &World, after: &World) -> u64 {
    let index = |world: &World, guid| -> Option<SiteIndex> {
        world.sites.iter().position(|site| site.guid == Some(guid))
    };
    let servers = |world: &World, site: SiteIndex, role| -> usize {
        let selector = Selector::new(world);
        let stands = |server: &Guid| {
            let addresses = world.servers[server].addresses.as_ref().unwrap();
            addresses.iter().any(|(address, _)| {
                let sites = selector.sites_of(*address);
                sites.is_some_and(|sites| sites.contains(&site))
            })
        };
        let all = world.servers.keys();
        all.filter(|server| world.sites[site].manual.contains(server) || stands(server))
            .filter(|server| world.has_role(**server, role))
            .count()
    };
    let left = before.sites.iter().enumerate().filter(|(old, site)| {
        let Some(new) = index(after, site.guid.unwrap()) else {
            return false;
        };
        after.subnets.values().any(|sites| sites.contains(&new))
            && KEPT
                .into_iter()
                .any(|role| servers(before, *old, role) > 1 && servers(after, new, role) <= 1)
    });
    number(left.count())
}

/// Whether a percentage of a kind, with a floor, is enough.
fn enough(percent: u64, floor: u32, (some, of): (u64, u64)) -> bool {
    some <= u64::from(floor) || some * 100 <= of * percent
}

fn case(raw: &Raw, clients: &[Index]) -> (Desired, Seen) {
    let (wanted, seen) = raw.case();
    let all: Vec<u32> = POOL
        .iter()
        .map(|text| text.parse::<Subnet>().unwrap())
        .flat_map(|subnet| subnet.range().0..=subnet.range().1)
        .collect();
    let clients = clients.iter().zip(0x7000..).map(|(index, guid)| Client {
        guid: Guid::from_u128(guid),
        name: Name::new(&format!("C{guid}")),
        addresses: vec![(Ipv4Addr::from(*index.get(&all)), 24)],
        plug_ins: None,
    });
    let clients = Observed::Known(clients.collect());
    (
        wanted,
        seen.but(|snapshot| snapshot.surroundings.clients = clients),
    )
}

fn plan(wanted: &Desired, seen: &Seen, takeover: bool, guard: &Guard) -> Plan {
    make(&Inputs {
        desired: wanted,
        snapshot: &seen.snapshot,
        ownership: &seen.ownership,
        takeover,
        allow_stranded: 0,
        safety: &guard.safety,
        acceptance: None,
        overrides: guard.overrides.as_ref(),
        now: NOW.parse().unwrap(),
        stale_since: None,
        narrowing: None,
        lineage: "test",
        serial: 1,
        journal_sequence: 0,
        tool_version: "0.0.0",
    })
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    /// A plan that no limit blocks goes past none but those that somebody lets it past, which its first steps record;
    /// one that a limit blocks would go past it.
    #[test]
    fn nothing_goes_past_the_limits(
        raw in raw(),
        clients in prop::collection::vec(any::<Index>(), 0..12),
        guard in guard(),
    ) {
        let (wanted, seen) = case(&raw, &clients);
        let made = plan(&wanted, &seen, raw.takeover, &guard);
        let end = after(&seen, &made.steps, |_| true);
        let measured = measured(&seen, &end);
        let Guard { safety, overrides } = &guard;
        let word = |limit| overrides.as_ref().and_then(|words| words.limits.get(&limit).copied());
        let blocked = |id: &str| made.notes.iter().any(|note| note.id == id && note.standing == Standing::Blocks);
        let recorded = |id: &str| made.steps.iter().position(|step| step.id.0 == format!("override:{id}"));
        let within = |limit, most: u64| match limit {
            Limit::MaxDeletes => measured.deletes <= most,
            Limit::MaxRehomedClients => measured.rehomed_clients <= most,
            Limit::MaxRehomedAddresses => measured.rehomed_addresses <= most,
            Limit::MaxSingleServerSites => measured.single_server_sites <= most,
            Limit::MaxChangedPercent => {
                let floor = safety.max_changed_percent.map_or(0, |share| share.floor);
                measured.changes.values().all(|portion| enough(most, floor, *portion))
            }
        };
        for limit in Limit::ALL {
            let set = match limit {
                Limit::MaxDeletes => safety.max_deletes,
                Limit::MaxRehomedClients => safety.max_rehomed_clients,
                Limit::MaxRehomedAddresses => safety.max_rehomed_addresses,
                Limit::MaxSingleServerSites => safety.max_single_server_sites,
                Limit::MaxChangedPercent => safety.max_changed_percent.map(|share| share.percent.into()),
            };
            let respected = set.is_none_or(|set| within(limit, set));
            let waived = !respected && word(limit).is_some_and(|most| within(limit, most));
            let id = limit.as_str();
            prop_assert_eq!(blocked(id), !respected && !waived, "{} {:?} {:?}", id, set, measured);
            if waived {
                prop_assert!(recorded(id).is_some(), "{} {:?}", id, measured);
            } else if respected {
                prop_assert_eq!(recorded(id), None);
            }
        }
        let changes = made.changes_anything();
        prop_assert!(changes || measured == Measured::default(), "{:?}", measured);
        let frozen = safety.freeze.iter().any(|freeze| freeze.holds(NOW.parse().unwrap()));
        let thawed = overrides.as_ref().is_some_and(|words| words.freeze);
        prop_assert_eq!(blocked(FREEZE), changes && frozen && !thawed);
        prop_assert_eq!(recorded(FREEZE).is_some(), changes && frozen && thawed);
        // Nothing is written before every word is.
        let words = made.steps.iter().filter(|step| step.id.0.starts_with("override:")).count();
        for step in made.steps.iter().skip(words) {
            prop_assert!(words == 0 || !step.depends_on.is_empty(), "{}", step.id);
        }
        // Judged again by the same, it is the same.
        let bounds = Bounds { safety, overrides: overrides.as_ref(), now: NOW.parse().unwrap() };
        prop_assert_eq!(&judge_again(made.clone(), bounds), &made);
    }
}
