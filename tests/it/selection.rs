//! The prediction against the simulator's own selection, which shares no code with it: random worlds are read over the
//! wire as a refresh reads them, and for many addresses both say who serves.
//!
//! Where the prediction is certain, the two are equal; where it is not, the simulator does what one of the readings
//! says, also where the assumption is false that such a reading denies.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use sitewright::model::{Guid, Observed, Role};
use sitewright::observe::Scope;
use sitewright::select::{Choice, Selector, Served, World};
use sitewright_sim::{Options, RoleServed, Switch};

use crate::properties::{cases, wait};
use crate::support::Lab;

const SITES: [&str; 3] = ["North", "South", "West"];
/// Nested, side by side, and a host.
const SUBNETS: [&str; 8] = [
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.0.0/26",
    "10.0.0.16/28",
    "10.0.0.20/32",
    "10.0.1.0/24",
    "10.9.0.0/24",
    "172.16.0.0/12",
];
const STANDS: [&str; 8] = [
    "10.0.0.2",
    "10.0.0.20",
    "10.0.0.21",
    "10.0.0.70",
    "10.0.1.9",
    "10.0.5.5",
    "10.9.0.7",
    "192.168.0.1",
];
const MASKS: [u8; 3] = [24, 24, 16];
const ROLES: [&str; 3] = ["package", "task", "networkBoot"];

/// A computer: where it stands with which mask, once or twice, and what runs on it.
#[derive(Debug, Clone)]
struct Machine {
    addresses: Vec<(usize, u8)>,
    roles: BTreeSet<usize>,
    sites: BTreeSet<usize>,
}

/// Where a subnet is.
#[derive(Debug, Clone, Copy)]
enum At {
    Nowhere,
    NoSite,
    Site(usize),
}

fn at() -> impl Strategy<Value = At> {
    prop_oneof![
        3 => Just(At::Nowhere),
        2 => Just(At::NoSite),
        5 => (0..SITES.len()).prop_map(At::Site),
    ]
}

#[derive(Debug, Clone)]
struct Random {
    seed: u64,
    manual_counts: bool,
    constrained: Vec<bool>,
    subnets: Vec<At>,
    machines: Vec<Machine>,
}

fn machine() -> impl Strategy<Value = Machine> {
    (
        prop::collection::vec((0..STANDS.len(), prop::sample::select(&MASKS[..])), 1..=2),
        prop::collection::btree_set(0..ROLES.len(), 0..=3),
        prop::collection::btree_set(0..SITES.len(), 0..=1),
    )
        .prop_map(|(addresses, roles, sites)| Machine {
            addresses,
            roles,
            sites,
        })
}

fn worlds() -> impl Strategy<Value = Random> {
    (
        1_u64..1000,
        prop::bool::weighted(0.7),
        prop::collection::vec(any::<bool>(), SITES.len()),
        prop::collection::vec(at(), SUBNETS.len()),
        prop::collection::vec(machine(), 1..=6),
    )
        .prop_map(
            |(seed, manual_counts, constrained, subnets, mut machines)| {
                // An SMP without services of its own looks as if services could not be read (A09).
                machines[0].roles.extend([0, 1]);
                Random {
                    seed,
                    manual_counts,
                    constrained,
                    subnets,
                    machines,
                }
            },
        )
}

fn name(index: usize) -> String {
    format!("M{index}.corp.example")
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

impl Random {
    /// The world as a scenario; its first machine is the SMP.
    fn scenario(&self) -> String {
        let mut out = format!(
            "formatVersion: 1\nplatform: {{ server: {} }}\nsites:\n",
            name(0)
        );
        for (index, (site, constrained)) in SITES.iter().zip(&self.constrained).enumerate() {
            let machines = self.machines.iter().enumerate();
            let servers = machines.filter(|(_, machine)| machine.sites.contains(&index));
            let servers = list(servers.map(|(index, _)| name(index)));
            writeln!(
                out,
                "  - {{ name: {site}, constrained: {constrained}, servers: {servers} }}"
            )
            .unwrap();
        }
        out.push_str("subnets:\n");
        for (subnet, at) in SUBNETS.iter().zip(&self.subnets) {
            let sites = match at {
                At::Nowhere => continue,
                At::NoSite => "[]".to_owned(),
                At::Site(at) => format!("[{}]", SITES[*at]),
            };
            writeln!(out, "  - {{ network: {subnet}, sites: {sites} }}").unwrap();
        }
        out.push_str("computers:\n");
        for (index, machine) in self.machines.iter().enumerate() {
            let mut stands = BTreeSet::new();
            let addresses = machine
                .addresses
                .iter()
                .filter(|(at, _)| stands.insert(*at));
            let addresses = list(addresses.map(|(at, mask)| format!("{}/{mask}", STANDS[*at])));
            let services = list(machine.roles.iter().map(|role| ROLES[*role].to_owned()));
            writeln!(
                out,
                "  - {{ name: {}, addresses: {addresses}, services: {services} }}",
                name(index)
            )
            .unwrap();
        }
        out
    }
}

/// Names of servers by the prediction, for each reading.
fn readings(world: &World, choice: &Choice) -> BTreeSet<BTreeSet<String>> {
    let names = |servers: &BTreeSet<Guid>| -> BTreeSet<String> {
        let of = |server: &Guid| world.servers[server].name.to_string();
        servers.iter().map(of).collect()
    };
    match choice {
        Choice::Indeterminate(readings) => readings
            .iter()
            .map(|reading| names(&reading.servers))
            .collect(),
        choice => BTreeSet::from([names(&choice.servers())]),
    }
}

fn agree(world: &World, served: &Served, role: Role, simulated: &RoleServed, what: &str) {
    let choice = &served.of(role).unwrap().choice;
    let does: BTreeSet<String> = simulated.servers.iter().cloned().collect();
    let says = readings(world, choice);
    assert!(
        says.contains(&does),
        "{what} {role}: the simulator has {does:?} ({:?}), the prediction {choice:?}",
        simulated.basis
    );
    assert_eq!(says.len() == 1, choice.is_determined(), "{what} {role}");
}

#[test]
fn the_simulator_does_what_is_predicted() {
    cases(48, 7, worlds(), |random| {
        wait(async {
            let mut options = Options::text(&random.scenario()).with_seed(random.seed);
            if !random.manual_counts {
                options = options.with_switch(Switch::ManualDoesNotSteerTasks);
            }
            let lab = Lab::start(options);
            let snapshot = lab
                .snapshot(&Scope {
                    everything: true,
                    ..Scope::default()
                })
                .await;
            let world = World::observed(&snapshot);
            let selector = Selector::new(&world);
            let all_known = |guid: &Guid| {
                let server = &world.servers[guid];
                server.roles.is_some() && server.addresses.is_some()
            };
            let reason = (snapshot.services.reason(), snapshot.subnets.reason());
            assert!(world.servers.keys().all(all_known), "{reason:?}");

            // Whatever has an address has its mask, and may serve itself.
            for (guid, computer) in &snapshot.computers {
                let Observed::Known(addresses) = &computer.addresses else {
                    continue;
                };
                for (address, mask) in addresses {
                    // Of several machines at one address the simulator takes one.
                    let there = random.machines.iter().filter(|machine| {
                        let mut at = machine.addresses.iter().map(|(at, _)| STANDS[*at]);
                        at.any(|stand| stand == address.to_string())
                    });
                    if there.count() > 1 {
                        continue;
                    }
                    let served = selector.client(&[(*address, *mask)], Some(*guid));
                    let simulated = lab.world().served(*address);
                    let what = format!("{} at {address}/{mask}", computer.name);
                    agree(&world, &served, Role::Package, &simulated.package, &what);
                    agree(&world, &served, Role::Task, &simulated.task, &what);
                    agree(
                        &world,
                        &served,
                        Role::NetworkBoot,
                        &simulated.network_boot,
                        &what,
                    );
                }
            }
            // Other addresses have a mask of 24 bits for the simulator.
            let ends = SUBNETS.iter().flat_map(|subnet| {
                let subnet: sitewright::model::Subnet = subnet.parse().unwrap();
                let (first, last) = subnet.range();
                [first - 1, first, first + 1, last, last.saturating_add(1)]
            });
            let near = STANDS.iter().flat_map(|stand| {
                let stand = u32::from(stand.parse::<Ipv4Addr>().unwrap());
                [stand, stand + 1, stand + 256]
            });
            let everywhere: BTreeSet<Ipv4Addr> = ends.chain(near).map(Ipv4Addr::from).collect();
            let machines: BTreeSet<Ipv4Addr> = lab.addresses();
            for address in everywhere.difference(&machines) {
                let served = selector.client(&[(*address, 24)], None);
                let simulated = lab.world().served(*address);
                let what = address.to_string();
                agree(&world, &served, Role::Package, &simulated.package, &what);
                agree(&world, &served, Role::Task, &simulated.task, &what);
                agree(
                    &world,
                    &served,
                    Role::NetworkBoot,
                    &simulated.network_boot,
                    &what,
                );
            }
        });
    });
}
