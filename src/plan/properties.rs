//! Property tests of the whole pure core: random small worlds and declarations, an interpreter of steps that knows
//! nothing of the planner, and the server selection of the wire reference (§7), address by address.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::similar_names,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Inputs, Plan, console_value, make};
use crate::model::testing::{Seen, bare, desired, known, named};
use crate::model::*;

/// The prefixes that worlds are made of: nested up to five deep in 64 addresses, and one aside.
const POOL: [&str; 16] = [
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
    "10.9.0.0/24",
];
/// Where servers stand.
const STANDS: [&str; 8] = [
    "10.0.0.2",
    "10.0.0.10",
    "10.0.0.18",
    "10.0.0.34",
    "10.0.0.42",
    "10.0.0.50",
    "10.9.0.1",
    "172.16.0.1",
];
const SITES: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

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

/// Assignment before, its members, holders; assignment after, its members where it is declared.
type RawPackage = (u8, u8, Option<u8>, u8, Option<u8>);

/// Raw choices; every value makes a valid case, so that shrinking stays simple.
#[derive(Debug, Clone)]
struct Raw {
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
    takeover: bool,
}

fn raw() -> impl Strategy<Value = Raw> {
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
    )
        .prop_map(
            |(sites, servers, subnets, desired, declares, roles, packages, takeover)| Raw {
                sites,
                servers,
                subnets,
                desired,
                declares,
                roles,
                packages,
                takeover,
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
    fn case(&self) -> (Desired, Seen) {
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
            if let Some(how) = held(site.owned) {
                seen = seen.owns_site(name, how);
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
                _ => wanted,
            };
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

fn held(choice: u8) -> Option<Held> {
    match choice {
        0 => Some(Held::Created),
        1 => Some(Held::Adopted),
        _ => None,
    }
}

fn plan(desired: &Desired, seen: &Seen, takeover: bool) -> Plan {
    make(&Inputs {
        desired,
        snapshot: &seen.snapshot,
        ownership: &seen.ownership,
        takeover,
        allow_stranded: 0,
        lineage: "test",
        serial: 1,
        tool_version: "0.0.0",
    })
    .unwrap()
}

// The interpreter.

fn site_guid(seen: &Seen, site: &SiteRef) -> Guid {
    let guid = site
        .guid
        .unwrap_or_else(|| seen.site_guid(site.name.as_str()));
    assert!(
        seen.snapshot
            .sites
            .known()
            .unwrap()
            .iter()
            .any(|s| s.guid == guid),
        "no site {}",
        site.name
    );
    guid
}

fn site_mut<'a>(seen: &'a mut Seen, site: &SiteRef) -> &'a mut ObservedSite {
    let guid = site_guid(seen, site);
    known(&mut seen.snapshot.sites)
        .iter_mut()
        .find(|s| s.guid == guid)
        .unwrap()
}

fn own(name: &Name, how: Held, protected: bool) -> Owned {
    Owned {
        name: name.clone(),
        how,
        protected,
    }
}

fn attest(seen: &mut Seen, step: &Step, console: &ConsoleStep) {
    *seen = seen.clone().attested(&step.id.0, &console_value(console));
}

/// Carries a step out, as an SMP, its console and our state would.
fn run(seen: &mut Seen, step: &Step) {
    let born = Guid::from_u128(
        0x9000
            + u128::try_from(step.id.0.len()).unwrap() * 0x10000
            + step.id.0.bytes().fold(7_u128, |hash, byte| {
                hash.wrapping_mul(131) ^ u128::from(byte)
            }) % (1 << 60)
                * 0x1_0000_0000,
    );
    match &step.action {
        Action::CreateSite {
            name,
            description,
            protected,
        } => {
            let sites = known(&mut seen.snapshot.sites);
            assert!(sites.iter().all(|s| s.name != *name), "{name} exists");
            sites.push(ObservedSite {
                guid: born,
                name: name.clone(),
                description: Observed::Known(description.clone().unwrap_or_default()),
                servers: BTreeSet::new(),
                constrained: Observed::Known(false),
            });
            seen.ownership
                .sites
                .insert(born, own(name, Held::Created, *protected));
        }
        Action::DescribeSite { site, after, .. } => {
            site_mut(seen, site).description = Observed::Known(after.clone());
        }
        Action::DeleteSite { site } => {
            let guid = site_guid(seen, site);
            let subnets = seen.snapshot.subnets.known().unwrap();
            assert!(
                subnets.iter().all(|s| !s.sites.contains(&guid)),
                "{} has subnets",
                site.name
            );
            assert!(
                site_mut(seen, site).servers.is_empty(),
                "{} has servers",
                site.name
            );
            assert!(
                seen.ownership
                    .sites
                    .remove(&guid)
                    .is_some_and(|o| o.how == Held::Created)
            );
            known(&mut seen.snapshot.sites).retain(|s| s.guid != guid);
        }
        Action::CreateSubnet { subnet, site } => {
            let site = site_guid(seen, site);
            let subnets = known(&mut seen.snapshot.subnets);
            assert!(
                subnets.iter().all(|s| s.subnet != Ok(*subnet)),
                "{subnet} exists"
            );
            subnets.push(ObservedSubnet {
                guid: born,
                subnet: Ok(*subnet),
                sites: vec![site],
            });
            let name = Name::new(&subnet.to_string());
            seen.ownership
                .subnets
                .insert(born, own(&name, Held::Created, false));
        }
        Action::AssignSubnet {
            guid, site, before, ..
        } => {
            let site = site_guid(seen, site);
            let subnet = subnet_mut(seen, *guid);
            assert_eq!(
                subnet.sites,
                before.iter().map(|s| s.guid.unwrap()).collect::<Vec<_>>(),
                "{} is where it was",
                step.id
            );
            subnet.sites = vec![site];
        }
        Action::UnassignSubnet { guid, before, .. } => {
            let left: Vec<Guid> = before.iter().filter_map(|s| s.guid).collect();
            subnet_mut(seen, *guid)
                .sites
                .retain(|site| !left.contains(site));
        }
        Action::DeleteSubnet { guid, .. } => {
            assert!(
                seen.ownership
                    .subnets
                    .remove(guid)
                    .is_some_and(|o| o.how == Held::Created)
            );
            known(&mut seen.snapshot.subnets).retain(|s| s.guid != *guid);
        }
        Action::AssignServer { server, site } => {
            assert!(site_mut(seen, site).servers.insert(server.guid));
        }
        Action::UnassignServer { server, site } => {
            assert!(site_mut(seen, site).servers.remove(&server.guid));
        }
        Action::AssignPackage {
            package,
            after,
            created_sites,
            before,
        } => {
            let mut after = after.clone();
            if let Assignment::Sites { sites, .. } = &mut after {
                sites.extend(
                    created_sites
                        .iter()
                        .map(|name| seen.site_guid(name.as_str())),
                );
            }
            let old = seen
                .snapshot
                .assignments
                .insert(package.guid, Observed::Known(after));
            assert_eq!(old, Some(Observed::Known(before.clone())), "{}", step.id);
        }
        Action::UpdateDistributionPoints { package } => {
            seen.ownership.undistributed.remove(&package.guid);
        }
        Action::AwaitHolders { package, servers } => {
            // The wait ends: every server is one that the assignment reaches.
            let assignment = seen
                .snapshot
                .assignments
                .get(&package.guid)
                .unwrap()
                .known()
                .unwrap()
                .clone();
            let naive = Naive::new(&seen.snapshot);
            for server in servers {
                let reached = match &assignment {
                    Assignment::All => true,
                    Assignment::Servers(to) => to.contains(&server.guid),
                    Assignment::Sites { sites, .. } => sites
                        .iter()
                        .any(|site| naive.servers(*site).contains(&server.guid)),
                };
                assert!(reached, "{} waits for {} for ever", step.id, server.name);
            }
            let held = seen.snapshot.holders.get_mut(&package.guid).unwrap();
            known(held).extend(servers.iter().map(|s| s.guid));
        }
        Action::Console(console) => match console {
            ConsoleStep::InstallRole { server, role } => {
                known(&mut seen.snapshot.services).push(Service {
                    guid: born,
                    computer: server.guid,
                    role: ServiceRole::Known(*role),
                });
            }
            ConsoleStep::InstallPlugIn { server, plug_in } => {
                let facts = seen.snapshot.surroundings.facts.get_mut(&server.guid);
                let installed = known(&mut facts.unwrap().plug_ins);
                assert!(Arc::make_mut(installed).insert(Name::new(plug_in.as_str())));
            }
            ConsoleStep::Constrain { site, on } => {
                let readable = site_mut(seen, site);
                if readable.constrained.known().is_some() {
                    readable.constrained = Observed::Known(*on);
                } else {
                    attest(seen, step, console);
                }
            }
            ConsoleStep::CaptureTarget { server } => {
                seen.snapshot.capture_target = Observed::Known(Some(server.guid));
            }
            ConsoleStep::InvalidSubnets { .. } | ConsoleStep::ConfirmHolder { .. } => {
                attest(seen, step, console);
            }
        },
        Action::Record(record) => match record {
            Record::AdoptSite { site, protected } => {
                let owned = own(&site.name, Held::Adopted, *protected);
                assert_eq!(seen.ownership.sites.insert(site.guid, owned), None);
            }
            Record::AdoptSubnet { subnet, guid } => {
                let owned = own(&Name::new(&subnet.to_string()), Held::Adopted, false);
                assert_eq!(seen.ownership.subnets.insert(*guid, owned), None);
            }
            Record::ReleaseSite { site, .. } => {
                assert!(seen.ownership.sites.remove(&site.guid).is_some());
            }
            Record::ReleaseSubnet { guid, .. } => {
                assert!(seen.ownership.subnets.remove(guid).is_some());
            }
            Record::Protect { site, on } => {
                seen.ownership.sites.get_mut(&site.guid).unwrap().protected = *on;
            }
        },
    }
}

fn subnet_mut(seen: &mut Seen, guid: Guid) -> &mut ObservedSubnet {
    known(&mut seen.snapshot.subnets)
        .iter_mut()
        .find(|s| s.guid == guid)
        .unwrap()
}

// Server selection, naively.

struct Naive<'a> {
    snapshot: &'a Snapshot,
    assigned: Vec<(Subnet, &'a [Guid])>,
    by_site: BTreeMap<Guid, BTreeSet<Guid>>,
    roles: BTreeSet<(Role, Guid)>,
    constrained: BTreeSet<Guid>,
}

impl<'a> Naive<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let mut naive = Self::without_automatic(snapshot);
        for (guid, computer) in &snapshot.computers {
            for (address, _) in computer.addresses.known().unwrap() {
                for site in naive.sites(*address) {
                    naive.by_site.entry(*site).or_default().insert(*guid);
                }
            }
        }
        naive
    }

    /// As if servers served only the sites that they are assigned to.
    fn without_automatic(snapshot: &'a Snapshot) -> Self {
        let mut naive = Self {
            snapshot,
            assigned: vec![],
            by_site: BTreeMap::new(),
            roles: BTreeSet::new(),
            constrained: BTreeSet::new(),
        };
        for subnet in snapshot.subnets.known().unwrap() {
            if !subnet.sites.is_empty() {
                naive
                    .assigned
                    .push((subnet.subnet.clone().unwrap(), &subnet.sites));
            }
        }
        for service in snapshot.services.known().unwrap() {
            if let ServiceRole::Known(role) = service.role {
                naive.roles.insert((role, service.computer));
            }
        }
        for site in snapshot.sites.known().unwrap() {
            naive.by_site.insert(site.guid, site.servers.clone());
            // Where it cannot be read, the worse of the two.
            if site.constrained.known() != Some(&false) {
                naive.constrained.insert(site.guid);
            }
        }
        naive
    }

    fn sites(&self, address: Ipv4Addr) -> &'a [Guid] {
        self.assigned
            .iter()
            .filter(|(subnet, _)| subnet.contains(address))
            .max_by_key(|(subnet, _)| subnet.prefix())
            .map_or(&[], |(_, sites)| sites)
    }

    fn servers(&self, site: Guid) -> BTreeSet<Guid> {
        self.by_site.get(&site).cloned().unwrap_or_default()
    }

    fn smp(&self, role: Role) -> bool {
        self.roles.contains(&(role, self.snapshot.platform.server))
    }

    /// Whether the address has a server for the role by every reading of the sources.
    fn served(&self, address: Ipv4Addr, role: Role) -> bool {
        let sites = self.sites(address);
        if sites.is_empty() {
            // No site anywhere: servers of the same subnet, else all. Sites elsewhere: the SMP, or as before.
            let any = self.roles.iter().any(|(of, _)| *of == role);
            return any && (self.assigned.is_empty() || self.smp(role));
        }
        let has = sites.iter().any(|site| {
            self.by_site[site]
                .iter()
                .any(|server| self.roles.contains(&(role, *server)))
        });
        // Nobody in the site: the SMP or anybody, unless the site is constrained.
        has || (self.smp(role) && !sites.iter().any(|site| self.constrained.contains(site)))
    }
}

const KEPT: [Role; 2] = [Role::Package, Role::Task];

/// The ends of all ranges.
fn addresses() -> BTreeSet<Ipv4Addr> {
    POOL.iter()
        .map(|text| text.parse::<Subnet>().unwrap())
        .flat_map(|subnet| [subnet.range().0, subnet.range().1])
        .map(Ipv4Addr::from)
        .chain(["172.16.0.1".parse().unwrap()])
        .collect()
}

fn served(snapshot: &Snapshot) -> BTreeSet<(Ipv4Addr, Role)> {
    served_in(&Naive::new(snapshot))
}

fn firmly_served(snapshot: &Snapshot) -> BTreeSet<(Ipv4Addr, Role)> {
    served_in(&Naive::without_automatic(snapshot))
}

fn served_in(naive: &Naive<'_>) -> BTreeSet<(Ipv4Addr, Role)> {
    let mut all = BTreeSet::new();
    for address in addresses() {
        for role in KEPT {
            if naive.served(address, role) {
                all.insert((address, role));
            }
        }
    }
    all
}

fn after(seen: &Seen, steps: &[Step], done: impl Fn(usize) -> bool) -> Seen {
    let mut seen = seen.clone();
    for (index, step) in steps.iter().enumerate() {
        if done(index) {
            run(&mut seen, step);
        }
    }
    seen
}

/// Everything that a step waits for, itself included; by index.
fn closure(steps: &[Step]) -> Vec<BTreeSet<usize>> {
    let mut all: Vec<BTreeSet<usize>> = vec![];
    for (index, step) in steps.iter().enumerate() {
        let mut set = BTreeSet::from([index]);
        for on in &step.depends_on {
            set.extend(&all[usize::try_from(*on).unwrap()]);
        }
        all.push(set);
    }
    all
}

/// Sets of steps that may be done when nothing else is: for each step the least and the most that can be done with it
/// and without it, and the prefixes of some random orders.
fn down_sets(steps: &[Step], seed: u64) -> BTreeSet<BTreeSet<usize>> {
    let closure = closure(steps);
    let mut sets = BTreeSet::new();
    for (index, least) in closure.iter().enumerate() {
        sets.insert(least.clone());
        sets.insert(
            (0..steps.len())
                .filter(|other| !closure[*other].contains(&index))
                .collect(),
        );
    }
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2 {
        let mut done = BTreeSet::new();
        while done.len() < steps.len() {
            let free: Vec<usize> = (0..steps.len())
                .filter(|i| {
                    !done.contains(i) && closure[*i].iter().all(|on| on == i || done.contains(on))
                })
                .collect();
            done.insert(free[random.usize(..free.len())]);
            sets.insert(done.clone());
        }
    }
    sets
}

/// Whether some order keeps every address served, whatever the planner thinks: a site must exist before it is used,
/// and that is all. `None` where there are too many steps to try.
fn can_be_kept(seen: &Seen, steps: &[Step], kept: &BTreeSet<(Ipv4Addr, Role)>) -> Option<bool> {
    let mut start = seen.clone();
    let mut free = vec![];
    for step in steps {
        match &step.action {
            Action::CreateSite { .. } => run(&mut start, step),
            Action::CreateSubnet { .. }
            | Action::AssignSubnet { .. }
            | Action::UnassignSubnet { .. }
            | Action::DeleteSubnet { .. }
            | Action::AssignServer { .. }
            | Action::UnassignServer { .. }
            | Action::Console(ConsoleStep::InstallRole { .. } | ConsoleStep::Constrain { .. }) => {
                free.push(step.clone());
            }
            _ => {}
        }
    }
    // What only gives can be given at once.
    free.retain(|step| {
        let gives = matches!(
            step.action,
            Action::AssignServer { .. }
                | Action::Console(
                    ConsoleStep::InstallRole { .. } | ConsoleStep::Constrain { on: false, .. }
                )
        );
        if gives {
            run(&mut start, step);
        }
        !gives
    });
    // What only takes can be taken at the end.
    free.retain(|step| {
        !matches!(
            step.action,
            Action::UnassignServer { .. }
                | Action::Console(ConsoleStep::Constrain { on: true, .. })
        )
    });
    if free.len() > 12 {
        return None;
    }
    let full = (1_usize << free.len()) - 1;
    let mut seen_sets = BTreeSet::from([0]);
    let mut open = vec![0];
    while let Some(set) = open.pop() {
        if set == full {
            return Some(true);
        }
        for index in 0..free.len() {
            let next = set | 1 << index;
            if next != set && seen_sets.insert(next) {
                let then = after(&start, &free, |i| next >> i & 1 == 1);
                if kept.is_subset(&served(&then.snapshot)) {
                    open.push(next);
                }
            }
        }
    }
    Some(false)
}

/// Whether a server stands in one site with more than one address.
fn stands_twice(snapshot: &Snapshot) -> bool {
    let naive = Naive::new(snapshot);
    snapshot.computers.values().any(|computer| {
        let mut sites = BTreeSet::new();
        computer
            .addresses
            .known()
            .unwrap()
            .iter()
            .flat_map(|(address, _)| naive.sites(*address))
            .any(|site| !sites.insert(*site))
    })
}

/// Whether one server has package and not task, or the other way round.
fn splits_roles(snapshot: &Snapshot) -> bool {
    let roles = Naive::new(snapshot).roles;
    let has = |role, server: &Guid| roles.contains(&(role, *server));
    snapshot
        .computers
        .keys()
        .any(|server| has(Role::Package, server) != has(Role::Task, server))
}

fn shuffle<T>(list: &mut [T], seed: u64) {
    fastrand::Rng::with_seed(seed).shuffle(list);
}

fn show(steps: &[Step]) -> String {
    steps
        .iter()
        .enumerate()
        .map(|(index, step)| format!("{index} {} <- {:?}\n", step.id, step.depends_on))
        .collect()
}

proptest! {
    // A fixed seed: the same worlds on every machine. `PROPTEST_CASES` looks at more of them.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4000,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    /// Design rule 1. Also proves that no step meets a world that it does not expect, in the order of the plan.
    #[test]
    fn a_second_plan_is_empty(raw in raw()) {
        let (wanted, seen) = raw.case();
        let first = plan(&wanted, &seen, raw.takeover);
        let converged = after(&seen, &first.steps, |_| true);
        let second = plan(&wanted, &converged, raw.takeover);
        prop_assert!(second.steps.is_empty(), "first:\n{}second:\n{}", show(&first.steps), show(&second.steps));
        prop_assert!(second.changes.is_empty());
    }

    /// Design rule 8.
    #[test]
    fn order_of_answers_does_not_matter(raw in raw(), seed in any::<u64>()) {
        let (wanted, seen) = raw.case();
        let mut other = seen.clone();
        shuffle(known(&mut other.snapshot.sites).as_mut_slice(), seed);
        shuffle(known(&mut other.snapshot.subnets).as_mut_slice(), seed);
        shuffle(known(&mut other.snapshot.services).as_mut_slice(), seed);
        shuffle(known(&mut other.snapshot.packages).as_mut_slice(), seed);
        let one = serde_json::to_string(&plan(&wanted, &seen, raw.takeover)).unwrap();
        let two = serde_json::to_string(&plan(&wanted, &other, raw.takeover)).unwrap();
        prop_assert_eq!(one, two);
    }

    /// Design rules 3 and 6: what cannot be seen is neither created nor deleted, and nothing that is neither declared
    /// nor ours changes.
    #[test]
    fn the_unseen_and_the_undeclared_are_left_alone(raw in raw(), hidden in 0_u8..4) {
        let (wanted, mut seen) = raw.case();
        if hidden & 1 == 1 {
            seen.snapshot.sites = Observed::Unavailable("no right".into());
        }
        if hidden & 2 == 2 {
            seen.snapshot.subnets = Observed::Unavailable("no right".into());
        }
        let made = plan(&wanted, &seen, raw.takeover);
        let declares = |name: &Name| wanted.sites.contains_key(name);
        let declares_subnet = |subnet: &Subnet| wanted.sites.values().any(|s| s.subnets.as_ref().is_some_and(|l| l.contains_key(subnet)));
        let ours = |site: &SiteRef| site.guid.is_some_and(|g| seen.ownership.sites.contains_key(&g));
        for step in &made.steps {
            let about_site = matches!(step.action, Action::CreateSite { .. } | Action::DeleteSite { .. } | Action::AssignServer { .. } | Action::UnassignServer { .. });
            let about_subnet = matches!(step.action, Action::CreateSubnet { .. } | Action::AssignSubnet { .. } | Action::UnassignSubnet { .. } | Action::DeleteSubnet { .. });
            prop_assert!(hidden & 1 == 0 || !(about_site || about_subnet), "{}", step.id);
            prop_assert!(hidden & 2 == 0 || !(about_subnet || matches!(step.action, Action::DeleteSite { .. })), "{}", step.id);
            match &step.action {
                Action::CreateSite { name, .. } => prop_assert!(declares(name)),
                Action::DeleteSite { site } => {
                    let owned = &seen.ownership.sites[&site.guid.unwrap()];
                    prop_assert!(!declares(&site.name) && owned.how == Held::Created && !owned.protected);
                }
                Action::CreateSubnet { subnet, site } => prop_assert!(declares_subnet(subnet) && declares(&site.name)),
                Action::AssignSubnet { subnet, site, before, .. } => {
                    prop_assert!(declares_subnet(subnet) && declares(&site.name));
                    prop_assert!(raw.takeover || before.iter().all(|s| declares(&s.name) || ours(s)));
                }
                Action::UnassignSubnet { subnet, before, .. } => {
                    prop_assert!(!declares_subnet(subnet));
                    prop_assert!(before.iter().all(|s| declares(&s.name) || ours(s)));
                }
                Action::DeleteSubnet { subnet, guid, before } => {
                    prop_assert!(!declares_subnet(subnet) && seen.ownership.subnets[guid].how == Held::Created);
                    prop_assert!(before.iter().all(|s| declares(&s.name) || ours(s)));
                }
                Action::AssignServer { site, .. } => prop_assert!(declares(&site.name)),
                Action::UnassignServer { site, .. } => prop_assert!(declares(&site.name) || ours(site)),
                _ => {}
            }
        }
    }

    /// Design rule 2, make before break, for addresses that are served before and after by a server that is assigned
    /// to their site, or by the SMP where their site is not constrained: in every order, without exception.
    #[test]
    fn addresses_stay_served(raw in raw(), seed in any::<u64>()) {
        let (wanted, seen) = raw.case();
        let made = plan(&wanted, &seen, raw.takeover);
        let end = after(&seen, &made.steps, |_| true);
        let kept = &firmly_served(&seen.snapshot) & &firmly_served(&end.snapshot);
        if let Some(lost) = first_lost(&seen, &made.steps, &kept_from(&seen, &end, kept), seed) {
            return Err(TestCaseError::fail(lost));
        }
    }

    /// Design rule 2 for every address, also where all servers of a site stand in it and move with their subnets.
    ///
    /// Restrictions: two sites may have to swap such servers, and then no order keeps every address served; so a loss
    /// counts only where some order avoids it. The planner does not search for that order, it follows rules, which
    /// take a server for gone with the first of its addresses, and which do not weigh the roles against each other
    /// where package and task are on different servers that all move; rare worlds of both kinds do not count either.
    /// With several prefixes of several sites around one moving server the rules still miss an order about once in
    /// five thousand worlds: this property says how far they go, the firm one above what is promised.
    #[test]
    fn addresses_stay_served_where_servers_move(raw in raw(), seed in any::<u64>()) {
        let (wanted, seen) = raw.case();
        let made = plan(&wanted, &seen, raw.takeover);
        let end = after(&seen, &made.steps, |_| true);
        let kept = kept_from(&seen, &end, &served(&seen.snapshot) & &served(&end.snapshot));
        if let Some(lost) = first_lost(&seen, &made.steps, &kept, seed)
            && !stands_twice(&seen.snapshot)
            && !splits_roles(&seen.snapshot)
            && can_be_kept(&seen, &made.steps, &kept) == Some(true)
        {
            return Err(TestCaseError::fail(lost));
        }
    }
}

/// Takes out the addresses that no order can keep served: the first subnet that comes into a site sends every other
/// address from "all servers" to "the SMP, or ...", and the last but one that leaves all sites sends its addresses
/// there; so where no subnet is in a site, before or after, the SMP must have the role.
fn kept_from(
    seen: &Seen,
    end: &Seen,
    mut kept: BTreeSet<(Ipv4Addr, Role)>,
) -> BTreeSet<(Ipv4Addr, Role)> {
    let (before, after) = (Naive::new(&seen.snapshot), Naive::new(&end.snapshot));
    if before.assigned.is_empty() || after.assigned.is_empty() {
        kept.retain(|(_, role)| before.smp(*role));
    }
    kept
}

/// The first set of steps after which one of these addresses is not served, in words.
fn first_lost(
    seen: &Seen,
    steps: &[Step],
    kept: &BTreeSet<(Ipv4Addr, Role)>,
    seed: u64,
) -> Option<String> {
    down_sets(steps, seed).into_iter().find_map(|done| {
        let then = after(seen, steps, |index| done.contains(&index));
        let lost: Vec<_> = kept.difference(&served(&then.snapshot)).copied().collect();
        (!lost.is_empty()).then(|| {
            format!(
                "lost {lost:?} after {done:?} of\n{}{}",
                show(steps),
                picture(seen)
            )
        })
    })
}

/// A world in a few lines.
fn picture(seen: &Seen) -> String {
    let snapshot = &seen.snapshot;
    let name = |guid: &Guid| snapshot.computers[guid].name.host().to_owned();
    let mut text = String::new();
    for site in snapshot.sites.known().unwrap() {
        let servers: Vec<String> = site.servers.iter().map(name).collect();
        text += &format!(
            "site {} {:?} constrained {:?}\n",
            site.name,
            servers,
            site.constrained.known()
        );
    }
    for subnet in snapshot.subnets.known().unwrap() {
        let sites: Vec<String> = subnet
            .sites
            .iter()
            .map(|g| {
                snapshot
                    .sites
                    .known()
                    .unwrap()
                    .iter()
                    .find(|s| s.guid == *g)
                    .unwrap()
                    .name
                    .to_string()
            })
            .collect();
        text += &format!("subnet {} {sites:?}\n", subnet.subnet.clone().unwrap());
    }
    for computer in snapshot.computers.values() {
        text += &format!(
            "server {} {:?} {:?}\n",
            computer.name.host(),
            computer.addresses.known(),
            snapshot.roles_of(computer.guid).known()
        );
    }
    text
}
