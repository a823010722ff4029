//! What a change means for client addresses: two worlds → the ranges whose servers change, and who is left without.
//!
//! Pure. Both worlds are laid out as ranges and walked once in parallel; ranges that change in the same way are one
//! shift. Outcomes stand in a table of their own, since thousands of ranges may have had the same thousands of servers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::ranges::{Range, Ranges};
use super::served::{Choice, Served, Servers, Service};
use super::{Place, Selector};
use crate::model::{Client, Guid, Name, Role, Subnet};

/// How client addresses are served otherwise than before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Impact {
    /// Ways of being served, each once; shifts point here.
    pub outcomes: Vec<Outcome>,
    /// Addresses whose servers change, by what changes; sorted by their first address, those in no known subnet last.
    pub shifts: Vec<Shift>,
    /// How many clients are known; `null` where they could not be read.
    pub known_clients: Option<u64>,
    /// Whose package or task servers could not be said before and can be after.
    pub determined: Extent,
    /// Whose package or task servers could be said before and cannot be after.
    pub undetermined: Extent,
    /// Who has a package or a task server before and may use other ones after.
    #[serde(default)]
    pub rehomed: Extent,
    /// Who has a package and a task server before and, by some reading of the sources, lacks one after.
    pub stranded: Stranded,
    /// Packages that no server of a site holds any longer.
    pub packages_lost: Vec<PackageLost>,
}

/// How many addresses of known subnets, and how many known clients.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extent {
    /// Addresses of known subnets.
    pub addresses: u64,
    /// Known clients; `null` where they could not be read.
    pub clients: Option<u64>,
}

/// One way of being served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    /// How a server is picked: `only`, `random`, `agent`, `none`, `indeterminate`.
    pub choice: String,
    /// Every server that may be used, by name.
    pub servers: Vec<Name>,
    /// Where it cannot be said: what the sources say.
    pub readings: Vec<NamedReading>,
}

/// A reading of the sources with the names of servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedReading {
    /// What is read so and where.
    pub source: String,
    /// The servers by it.
    pub servers: Vec<Name>,
    /// The assumption of the program that would have to be false, such as `A23`; `null` for what the sources leave
    /// open. Nobody is stranded by such a reading.
    pub denies: Option<String>,
}

/// Addresses next to each other.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Span {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
}

impl fmt::Display for Span {
    /// `192.168.10.0/24` where it is one network, else `192.168.0.0 to 192.168.0.11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (u32::from(self.first), u32::from(self.last));
        let network = (1..=32)
            .rev()
            .filter_map(|prefix| Subnet::containing(self.first, prefix))
            .find(|network| network.range() == (first, last));
        match network {
            Some(_) if first == last => write!(f, "{}", self.first),
            Some(network) => write!(f, "{network}"),
            None => write!(f, "{} to {}", self.first, self.last),
        }
    }
}

/// Addresses whose servers change in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shift {
    /// Which, sorted.
    pub spans: Vec<Span>,
    /// Whether they are in known subnets, before or after.
    pub known: bool,
    /// How many addresses.
    pub addresses: u64,
    /// How many known clients have one of them; `null` where clients could not be read.
    pub clients: Option<u64>,
    /// What changes, by role.
    pub roles: Vec<RoleShift>,
}

/// What changes for one role.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleShift {
    /// Which.
    pub role: Role,
    /// The position of the outcome before in [`Impact::outcomes`].
    pub before: usize,
    /// The position of the outcome after.
    pub after: usize,
}

/// Who would be left without a server that they have now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stranded {
    /// How many.
    pub extent: Extent,
    /// Which addresses of known subnets.
    pub spans: Vec<Span>,
    /// Some of the clients, by name; at most ten.
    pub examples: Vec<Name>,
}

/// A package that the package servers of a site held before and none of them after.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageLost {
    /// The site.
    pub site: Name,
    /// The package.
    pub package: Name,
}

/// How many stranded clients are named.
const EXAMPLES: usize = 10;

/// The roles by which somebody is stranded.
const KEPT: [Role; 2] = [Role::Package, Role::Task];

/// Compares two worlds; `clients` are those that are known, `None` where they could not be read.
///
/// The sites of `after` are those of `before` in the same order, then new ones.
///
/// # Guarantees
/// The result depends on the arguments only. Addresses in no known subnet appear in shifts and are counted nowhere
/// else.
#[must_use]
pub fn impact(before: &Selector<'_>, after: &Selector<'_>, clients: Option<&[Client]>) -> Impact {
    let (ranges_before, ranges_after) = (before.ranges(), after.ranges());
    let mut comparison = Comparison::new(before, after, &ranges_before, &ranges_after);
    comparison.walk(clients.is_some());
    let mut impact = Impact {
        known_clients: clients.map(|clients| count(clients.len())),
        ..Impact::default()
    };
    if let Some(clients) = clients {
        for extent in [
            &mut comparison.determined,
            &mut comparison.undetermined,
            &mut comparison.rehomed,
            &mut comparison.stranded.extent,
        ] {
            extent.clients = Some(0);
        }
        for client in clients {
            comparison.client(client);
        }
    }
    let Comparison {
        before: _,
        after: _,
        ranges: _,
        outcomes,
        mut shifts,
        by_roles: _, // the shifts by what changes
        turns: _,    // counted in the rest
        determined,
        undetermined,
        rehomed,
        stranded,
    } = comparison;
    shifts.sort_by(|one, two| {
        (!one.known, &one.spans, &one.roles).cmp(&(!two.known, &two.spans, &two.roles))
    });
    impact.outcomes = outcomes.list;
    impact.shifts = shifts;
    impact.determined = determined;
    impact.undetermined = undetermined;
    impact.rehomed = rehomed;
    impact.stranded = stranded;
    impact.packages_lost = packages_lost(before, after);
    impact
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What two answers mean for whoever has the one before and the other after.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
struct Turn {
    shift: Option<usize>,
    rehomed: bool,
    stranded: bool,
    determined: bool,
    undetermined: bool,
}

/// The two layouts and what was found of them so far.
struct Comparison<'s, 'a> {
    before: &'s Selector<'a>,
    after: &'s Selector<'a>,
    ranges: (&'s Ranges, &'s Ranges),
    outcomes: Outcomes,
    shifts: Vec<Shift>,
    by_roles: BTreeMap<(bool, Vec<RoleShift>), usize>,
    turns: HashMap<(usize, usize, bool), Turn>,
    determined: Extent,
    undetermined: Extent,
    rehomed: Extent,
    stranded: Stranded,
}

impl<'s, 'a> Comparison<'s, 'a> {
    fn new(
        before: &'s Selector<'a>,
        after: &'s Selector<'a>,
        ranges_before: &'s Ranges,
        ranges_after: &'s Ranges,
    ) -> Self {
        Self {
            before,
            after,
            ranges: (ranges_before, ranges_after),
            outcomes: Outcomes::default(),
            shifts: Vec::new(),
            by_roles: BTreeMap::new(),
            turns: HashMap::new(),
            determined: Extent::default(),
            undetermined: Extent::default(),
            rehomed: Extent::default(),
            stranded: Stranded::default(),
        }
    }

    /// Walks both layouts in parallel, piece by piece.
    fn walk(&mut self, clients_known: bool) {
        let (before, after) = self.ranges;
        let mut befores = before.list().iter().peekable();
        let mut afters = after.list().iter().peekable();
        let mut first = 0_u32;
        while let (Some(was), Some(will)) = (befores.peek(), afters.peek()) {
            let last = was.last.min(will.last);
            let turn = self.turn(was, will);
            self.add(
                first,
                last,
                was.subnet.or(will.subnet).is_some(),
                turn,
                clients_known,
            );
            befores.next_if(|range| range.last == last);
            afters.next_if(|range| range.last == last);
            let Some(next) = last.checked_add(1) else {
                break;
            };
            first = next;
        }
    }

    fn add(&mut self, first: u32, last: u32, known: bool, turn: Turn, clients_known: bool) {
        let size = u64::from(last) - u64::from(first) + 1;
        if let Some(shift) = turn.shift.and_then(|shift| self.shifts.get_mut(shift)) {
            extend(&mut shift.spans, first, last);
            shift.addresses += size;
            if clients_known {
                shift.clients.get_or_insert(0);
            }
        }
        if !known {
            return;
        }
        if turn.determined {
            self.determined.addresses += size;
        }
        if turn.undetermined {
            self.undetermined.addresses += size;
        }
        if turn.rehomed {
            self.rehomed.addresses += size;
        }
        if turn.stranded {
            self.stranded.extent.addresses += size;
            extend(&mut self.stranded.spans, first, last);
        }
    }

    /// What changes for whoever is in these ranges.
    fn turn(&mut self, was: &Range, will: &Range) -> Turn {
        let (before, after) = self.ranges;
        let known = was.subnet.or(will.subnet).is_some();
        let key = (before.number(was), after.number(will), known);
        if let Some(turn) = self.turns.get(&key) {
            return *turn;
        }
        let turn = match (before.served(was), after.served(will)) {
            (Some(one), Some(two)) => self.compare(one, two, known),
            _ => Turn {
                shift: None,
                rehomed: false,
                stranded: false,
                determined: false,
                undetermined: false,
            },
        };
        self.turns.insert(key, turn);
        turn
    }

    fn compare(&mut self, was: &Served, will: &Served, known: bool) -> Turn {
        let mut roles = Vec::new();
        for role in Served::ROLES {
            let (Some(one), Some(two)) = (was.of(role), will.of(role)) else {
                continue;
            };
            let before = self.outcomes.number(one, self.before);
            let after = self.outcomes.number(two, self.after);
            if before != after {
                roles.push(RoleShift {
                    role,
                    before,
                    after,
                });
            }
        }
        let shift = (!roles.is_empty()).then(|| {
            let shifts = &mut self.shifts;
            *self
                .by_roles
                .entry((known, roles))
                .or_insert_with_key(|(known, roles)| {
                    shifts.push(Shift {
                        spans: Vec::new(),
                        known: *known,
                        addresses: 0,
                        clients: None,
                        roles: roles.clone(),
                    });
                    shifts.len() - 1
                })
        });
        Turn {
            shift,
            rehomed: rehomed(was, will),
            stranded: stranded(was, will),
            determined: turns(was, will, |one, two| !one && two),
            undetermined: turns(was, will, |one, two| one && !two),
        }
    }

    /// Counts a client wherever it belongs.
    fn client(&mut self, client: &Client) {
        let (before, after) = self.ranges;
        let mut shifts = BTreeSet::new();
        let mut last = None;
        for (address, _) in &client.addresses {
            if let (Some(was), Some(will)) = (before.holding(*address), after.holding(*address)) {
                let turn = self.turn(was, will);
                shifts.extend(turn.shift);
                last = Some(turn);
            }
        }
        for shift in shifts {
            if let Some(clients) = self.shifts.get_mut(shift).and_then(|s| s.clients.as_mut()) {
                *clients += 1;
            }
        }
        let Some(mut turn) = last else {
            return;
        };
        // With several addresses, or next to servers of another mask, it is served otherwise than each address.
        let place = Place::client(&client.addresses, Some(client.guid));
        let (was, will) = (self.before.serves(&place), self.after.serves(&place));
        turn.rehomed = rehomed(&was, &will);
        turn.stranded = stranded(&was, &will);
        turn.determined = turns(&was, &will, |one, two| !one && two);
        turn.undetermined = turns(&was, &will, |one, two| one && !two);
        let add = |extent: &mut Extent, holds: bool| {
            if let Some(clients) = extent.clients.as_mut().filter(|_| holds) {
                *clients += 1;
            }
        };
        add(&mut self.determined, turn.determined);
        add(&mut self.undetermined, turn.undetermined);
        add(&mut self.rehomed, turn.rehomed);
        add(&mut self.stranded.extent, turn.stranded);
        if turn.stranded {
            // The first by name: clients come in the order of their GUIDs, which tells people nothing.
            let examples = &mut self.stranded.examples;
            let at = examples.partition_point(|name| *name < client.name);
            if at < EXAMPLES {
                examples.insert(at, client.name.clone());
                examples.truncate(EXAMPLES);
            }
        }
    }
}

/// Whether somebody has servers before and may use others after; who had none is given some, and not moved.
fn rehomed(was: &Served, will: &Served) -> bool {
    KEPT.into_iter()
        .any(|role| match (was.of(role), will.of(role)) {
            // Most are served as before, and then no sets are made of readings.
            (Some(had), Some(has)) if had.choice != has.choice => {
                let had = had.choice.servers();
                !had.is_empty() && had != has.choice.servers()
            }
            _ => false,
        })
}

/// Whether somebody is served before and, by some reading, not after.
fn stranded(was: &Served, will: &Served) -> bool {
    let served = |of: &Served, role| of.of(role).is_some_and(|s| s.choice.is_served());
    KEPT.into_iter()
        .any(|role| served(was, role) && !served(will, role))
}

/// Whether for some role it turns that the outcome can be said.
fn turns(was: &Served, will: &Served, how: impl Fn(bool, bool) -> bool) -> bool {
    let determined = |of: &Served, role| of.of(role).is_some_and(|s| s.choice.is_determined());
    KEPT.into_iter()
        .any(|role| how(determined(was, role), determined(will, role)))
}

/// Adds addresses to the end of a list.
fn extend(spans: &mut Vec<Span>, first: u32, last: u32) {
    if let Some(before) = spans.last_mut()
        && u32::from(before.last).checked_add(1) == Some(first)
    {
        before.last = last.into();
        return;
    }
    spans.push(Span {
        first: first.into(),
        last: last.into(),
    });
}

/// Outcomes by what they are, whatever the sources say.
#[derive(Debug, Default)]
struct Outcomes {
    list: Vec<Outcome>,
    known: BTreeMap<(&'static str, Vec<Servers>), usize>,
}

impl Outcomes {
    fn number(&mut self, service: &Service, selector: &Selector<'_>) -> usize {
        let choice = &service.choice;
        let mut sets: Vec<Servers> = match choice {
            Choice::Only(server) => vec![Servers::new(BTreeSet::from([*server]))],
            Choice::Random(servers) | Choice::Agent(servers) => vec![Servers::clone(servers)],
            Choice::None => Vec::new(),
            Choice::Indeterminate(readings) => readings
                .iter()
                .map(|reading| Servers::clone(&reading.servers))
                .collect(),
        };
        sets.sort();
        sets.dedup();
        let list = &mut self.list;
        *self
            .known
            .entry((choice.as_str(), sets))
            .or_insert_with(|| {
                list.push(Outcome {
                    choice: choice.as_str().to_owned(),
                    servers: names(selector, choice.servers()),
                    readings: match choice {
                        Choice::Indeterminate(readings) => readings
                            .iter()
                            .map(|reading| NamedReading {
                                source: reading.source.to_string(),
                                denies: reading.denies.map(ToOwned::to_owned),
                                servers: names(selector, reading.servers.iter().copied()),
                            })
                            .collect(),
                        Choice::Only(_) | Choice::Random(_) | Choice::Agent(_) | Choice::None => {
                            Vec::new()
                        }
                    },
                });
                list.len() - 1
            })
    }
}

/// Names of servers, sorted.
fn names(selector: &Selector<'_>, servers: impl IntoIterator<Item = Guid>) -> Vec<Name> {
    let mut names: Vec<Name> = servers
        .into_iter()
        .map(|guid| {
            selector
                .world
                .servers
                .get(&guid)
                .map_or_else(|| Name::new(&guid.to_string()), |s| s.name.clone())
        })
        .collect();
    names.sort();
    names
}

/// Packages that the package servers of a site held before and none of them after, for sites that still have subnets.
fn packages_lost(before: &Selector<'_>, after: &Selector<'_>) -> Vec<PackageLost> {
    let has_subnets: BTreeSet<usize> = after.world.subnets.values().flatten().copied().collect();
    let mut lost = BTreeSet::new();
    for (guid, package) in &before.world.packages {
        let later = after.world.packages.get(guid);
        let (Some(held), Some(holds)) = (
            &package.holders,
            later.and_then(|package| package.holders.as_ref()),
        ) else {
            continue; // what could not be read is not lost
        };
        for site in &has_subnets {
            let has = |selector: &Selector<'_>, holders: &BTreeSet<Guid>| {
                let members = selector.members(&BTreeSet::from([*site]));
                members
                    .automatic
                    .iter()
                    .chain(&members.manual)
                    .any(|s| holders.contains(s) && selector.world.has_role(*s, Role::Package))
            };
            if has(before, held)
                && !has(after, holds)
                && let Some(site) = after.world.sites.get(*site)
            {
                lost.insert(PackageLost {
                    site: site.name.clone(),
                    package: package.name.clone(),
                });
            }
        }
    }
    lost.into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::select::World;
    use crate::select::oracle::{addresses, interesting, sets, worlds};

    /// What matters of an outcome, the naive way.
    fn outcome(service: &Service) -> (&'static str, BTreeSet<BTreeSet<Guid>>) {
        (service.choice.as_str(), sets(&service.choice))
    }

    fn holds(spans: &[Span], address: Ipv4Addr) -> bool {
        spans
            .iter()
            .any(|span| (span.first..=span.last).contains(&address))
    }

    fn is_known(world: &World, address: Ipv4Addr) -> bool {
        world.subnets.keys().any(|subnet| subnet.contains(address))
    }

    proptest! {
        #[test]
        fn says_of_each_address_what_changes(
            before in worlds(),
            after in worlds(),
            clients in prop::collection::vec(addresses(), 0..6),
        ) {
            let clients: Vec<Client> = clients
                .into_iter()
                .zip(0x7000_u128..)
                .map(|(addresses, number)| Client {
                    guid: Guid::from_u128(number),
                    name: Name::new(&format!("C{number}")),
                    addresses: addresses.into_iter().collect(),
                    plug_ins: None,
                })
                .collect();
            let (one, two) = (Selector::new(&before), Selector::new(&after));
            let found = impact(&one, &two, Some(&clients));
            for address in interesting(&before).union(&interesting(&after)) {
                let (was, will) = (one.at(*address), two.at(*address));
                let changed: Vec<Role> = Served::ROLES
                    .into_iter()
                    .filter(|role| outcome(was.of(*role).unwrap()) != outcome(will.of(*role).unwrap()))
                    .collect();
                let shifts: Vec<&Shift> = found
                    .shifts
                    .iter()
                    .filter(|shift| holds(&shift.spans, *address))
                    .collect();
                let known = is_known(&before, *address) || is_known(&after, *address);
                let said: Vec<Role> = shifts.iter().flat_map(|shift| &shift.roles).map(|role| role.role).collect();
                prop_assert_eq!(&said, &changed, "{}", address);
                prop_assert_eq!(shifts.len(), usize::from(!changed.is_empty()));
                prop_assert!(shifts.iter().all(|shift| shift.known == known));
                let loses = KEPT.into_iter().any(|role| {
                    was.of(role).unwrap().choice.is_served() && !will.of(role).unwrap().choice.is_served()
                });
                prop_assert_eq!(holds(&found.stranded.spans, *address), loses && known);
            }
            let moves = |was: &Served, will: &Served| KEPT.into_iter().any(|role| {
                let all = |served: &Served| served.of(role).unwrap().choice.servers();
                !all(was).is_empty() && all(was) != all(will)
            });
            for shift in &found.shifts {
                let size = |span: &Span| u64::from(u32::from(span.last) - u32::from(span.first)) + 1;
                prop_assert_eq!(shift.addresses, shift.spans.iter().map(size).sum::<u64>());
                prop_assert!(shift.spans.windows(2).all(|pair| pair[0].last < pair[1].first));
                let has = |client: &&Client| client.addresses.iter().any(|(at, _)| holds(&shift.spans, *at));
                prop_assert_eq!(shift.clients, Some(count(clients.iter().filter(has).count())));
            }
            // Stranded is who has a server by all of its addresses before and not after.
            let strands = clients.iter().filter(|client| {
                let served = |selector: &Selector<'_>, role| {
                    let served = selector.client(&client.addresses, None);
                    served.of(role).unwrap().choice.is_served()
                };
                KEPT.into_iter().any(|role| served(&one, role) && !served(&two, role))
            });
            prop_assert_eq!(found.stranded.extent.clients, Some(count(strands.count())));
            let rehomed = clients.iter().filter(|client| {
                let served = |selector: &Selector<'_>| selector.client(&client.addresses, Some(client.guid));
                moves(&served(&one), &served(&two))
            });
            prop_assert_eq!(found.rehomed.clients, Some(count(rehomed.count())));
            // Within a shift nothing differs, so one address of each of its spans stands for all.
            let mut addresses = 0;
            for span in found.shifts.iter().filter(|shift| shift.known).flat_map(|shift| &shift.spans) {
                if moves(&one.at(span.first), &two.at(span.first)) {
                    addresses += u64::from(u32::from(span.last) - u32::from(span.first)) + 1;
                }
            }
            prop_assert_eq!(found.rehomed.addresses, addresses);
            let same = impact(&one, &one, Some(&clients));
            prop_assert_eq!(same.shifts, []);
            prop_assert_eq!(same.rehomed, Extent { addresses: 0, clients: Some(0) });
        }
    }

    #[test]
    fn spans_are_shown_as_networks_where_they_are() {
        let shown = |first: &str, last: &str| {
            let (first, last) = (first.parse().unwrap(), last.parse().unwrap());
            Span { first, last }.to_string()
        };
        assert_eq!(shown("10.0.0.0", "10.0.0.255"), "10.0.0.0/24");
        assert_eq!(shown("10.0.0.7", "10.0.0.7"), "10.0.0.7");
        assert_eq!(shown("10.0.0.1", "10.0.0.4"), "10.0.0.1 to 10.0.0.4");
        assert_eq!(
            shown("0.0.0.0", "255.255.255.255"),
            "0.0.0.0 to 255.255.255.255"
        );
    }
}
