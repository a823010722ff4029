//! Whom one site server serves, and who is left alone without it.
//!
//! Pure. Two predictions are compared range by range: of the world as it is, and of the same world with the server
//! down.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::answer::{Basis, Outcome, Pick, Roles};
use super::explainer::outcome;
use super::serving::{
    Affected, Clients, Held, Loss, Membership, Own, Registrations, Serving, Span, Spans, Use,
};
use crate::model::{Client, Guid, Name, Observed, Role, Surroundings};
use crate::select::{
    Choice, REGISTRATIONS, Ranges, Reason, Selector, Served, Service, World, WorldServer,
};

/// Says whom a server serves; `None` where the world does not know it.
///
/// # Guarantees
/// For each role the spans of [`Serving::serves`] are the addresses for which the server is chosen by some reading,
/// and those of [`Loss::affected`] are the same addresses.
#[must_use]
pub fn serves(
    world: &World,
    surroundings: &Surroundings,
    basis: Basis,
    server: Guid,
) -> Option<Serving> {
    let known = world.servers.get(&server)?;
    let mut without = world.clone();
    if let Some(down) = without.servers.get_mut(&server) {
        down.answering = Some(false);
    }
    let (before, after) = (Selector::new(world), Selector::new(&without));
    let (ranges, others) = (before.ranges(), after.ranges());
    let clients = surroundings.clients.known().map(|clients| {
        clients
            .iter()
            .filter(|client| !client.addresses.is_empty())
            .map(|client| Predicted {
                client,
                before: before.client(&client.addresses, None),
                after: after.client(&client.addresses, None),
            })
            .collect::<Vec<_>>()
    });
    let everybody = Everybody {
        world,
        server,
        ranges: &ranges,
        others: &others,
        clients: clients.as_deref(),
    };
    let WorldServer {
        name,
        addresses,
        roles,
        answering,
        registered,
    } = known;
    Some(Serving {
        server: name.clone(),
        world: basis,
        roles: roles.as_ref().map(|roles| roles.iter().copied().collect()),
        answering: *answering,
        addresses: addresses
            .as_ref()
            .map(|addresses| addresses.iter().map(|(address, _)| *address).collect()),
        sites: memberships(world, server),
        serves: Roles::each(|role| everybody.uses(role)),
        down: Roles::each(|role| everybody.loss(role)),
        registrations: Registrations {
            now: *registered,
            limit: world.registrations_per_server.unwrap_or(REGISTRATIONS),
            limit_is_set: world.registrations_per_server.is_some(),
        },
        packages: packages(world, server),
        clients_without_address: surroundings.clients.known().map(|clients| {
            clients
                .iter()
                .filter(|one| one.addresses.is_empty())
                .count()
        }),
        clients_unknown: match &surroundings.clients {
            Observed::Known(_) => None,
            Observed::Unavailable(reason) => Some(reason.clone()),
        },
    })
}

/// The sites of a server, by name.
fn memberships(world: &World, server: Guid) -> Vec<Membership> {
    let assigned = world.assigned();
    let mut own: BTreeMap<usize, Vec<Own>> = BTreeMap::new();
    let addresses = world
        .servers
        .get(&server)
        .and_then(|server| server.addresses.as_ref());
    for (address, _) in addresses.into_iter().flatten() {
        let Some(subnet) = assigned.holding(*address) else {
            continue;
        };
        for site in world.subnets.get(&subnet).into_iter().flatten() {
            own.entry(*site).or_default().push(Own {
                address: *address,
                subnet,
            });
        }
    }
    let mut found: Vec<Membership> = world
        .sites
        .iter()
        .enumerate()
        .map(|(index, site)| Membership {
            site: site.name.clone(),
            automatic: own.remove(&index).unwrap_or_default(),
            manual: site.manual.contains(&server),
        })
        .filter(|membership| membership.manual || !membership.automatic.is_empty())
        .collect();
    found.sort();
    found
}

/// Packages that a server holds or that are assigned to it; `None` where the world has no packages.
fn packages(world: &World, server: Guid) -> Option<Vec<Held>> {
    if world.packages.is_empty() {
        return None;
    }
    let standing = world.automatic();
    let mut held: Vec<Held> = world
        .packages
        .iter()
        .map(|(guid, package)| Held {
            name: package.name.clone(),
            guid: *guid,
            assigned: package
                .assignment
                .as_ref()
                .map(|assignment| world.receivers(assignment, &standing).contains(&server)),
            holds: package
                .holders
                .as_ref()
                .map(|holders| holders.contains(&server)),
        })
        .filter(|held| held.assigned != Some(false) || held.holds != Some(false))
        .collect();
    held.sort();
    Some(held)
}

/// A client with who serves it, and who would.
#[derive(Debug)]
struct Predicted<'a> {
    client: &'a Client,
    before: Served,
    after: Served,
}

/// All addresses and all clients, with the server and without it.
#[derive(Debug)]
struct Everybody<'a> {
    world: &'a World,
    server: Guid,
    ranges: &'a Ranges,
    others: &'a Ranges,
    clients: Option<&'a [Predicted<'a>]>,
}

/// What addresses and clients have in common.
#[derive(Debug, Default)]
struct Group {
    spans: Spans,
    clients: Vec<Name>,
}

impl Group {
    fn add(&mut self, first: u32, last: u32) {
        let size = u64::from(last) - u64::from(first) + 1;
        self.spans.addresses += size;
        if let Some(before) = self.spans.ranges.last_mut()
            && u32::from(before.last).checked_add(1) == Some(first)
        {
            before.last = Ipv4Addr::from(last);
            before.addresses += size;
            return;
        }
        self.spans.ranges.push(Span {
            first: Ipv4Addr::from(first),
            last: Ipv4Addr::from(last),
            addresses: size,
        });
    }
}

impl Everybody<'_> {
    fn is_used(&self, service: &Service) -> bool {
        match &service.choice {
            Choice::Only(server) => *server == self.server,
            Choice::Random(servers) | Choice::Agent(servers) => servers.contains(&self.server),
            Choice::None => false,
            Choice::Indeterminate(readings) => readings
                .iter()
                .any(|reading| reading.servers.contains(&self.server)),
        }
    }

    fn known_clients(&self, mut names: Vec<Name>) -> Option<Clients> {
        self.clients?;
        names.sort();
        Some(Clients {
            count: names.len(),
            names,
        })
    }

    /// Whom the server serves, by how: what is certain first, then the most addresses.
    fn uses(&self, role: Role) -> Vec<Use> {
        // Thousands of ranges share few answers, so those are put into words once each.
        let told: Vec<Option<Outcome>> = self
            .ranges
            .answers()
            .iter()
            .map(|served| self.told(served, role))
            .collect();
        let mut groups: BTreeMap<Outcome, Group> = BTreeMap::new();
        for range in self.ranges.list() {
            if let Some(Some(told)) = told.get(self.ranges.number(range)) {
                // An answer is cloned for its first range only.
                match groups.get_mut(told) {
                    Some(group) => group.add(range.first, range.last),
                    None => groups
                        .entry(told.clone())
                        .or_default()
                        .add(range.first, range.last),
                }
            }
        }
        for predicted in self.clients.into_iter().flatten() {
            if let Some(told) = self.told(&predicted.before, role) {
                let group = groups.entry(told).or_default();
                group.clients.push(predicted.client.name.clone());
            }
        }
        let mut uses: Vec<Use> = groups
            .into_iter()
            .map(|(outcome, Group { spans, clients })| Use {
                outcome,
                spans,
                clients: self.known_clients(clients),
            })
            .collect();
        uses.sort_by_key(|one| {
            let vague = one.outcome.choice == Pick::Indeterminate;
            (vague, Reverse(one.spans.addresses))
        });
        uses
    }

    /// How somebody is served, where by this server too.
    fn told(&self, served: &Served, role: Role) -> Option<Outcome> {
        served
            .of(role)
            .filter(|service| self.is_used(service))
            .map(|service| outcome(self.world, service))
    }

    /// Whether somebody would lose every server by some reading, and who would serve instead.
    fn instead(&self, before: &Served, after: &Served, role: Role) -> Option<(bool, Outcome)> {
        let before = before.of(role).filter(|service| self.is_used(service))?;
        let nobody = Service {
            choice: Choice::None,
            reason: Reason::Nobody,
        };
        let after = after.of(role).unwrap_or(&nobody);
        let stranded = before.choice.is_served() && !after.choice.is_served();
        Some((stranded, outcome(self.world, after)))
    }

    /// Who is left alone, and what the others would use.
    fn loss(&self, role: Role) -> Loss {
        let mut groups: BTreeMap<(bool, Outcome), Group> = BTreeMap::new();
        let mut pairs: BTreeMap<(usize, usize), Option<(bool, Outcome)>> = BTreeMap::new();
        let mut others = self.others.list().iter().peekable();
        for range in self.ranges.list() {
            let Some(before) = self.ranges.served(range) else {
                continue;
            };
            let mut first = range.first;
            // The ranges without the server that lie in this one: its networks may be gone from them.
            while let Some(other) = others.peek() {
                let last = other.last.min(range.last);
                if let Some(after) = self.others.served(other) {
                    let key = (self.ranges.number(range), self.others.number(other));
                    let found = pairs
                        .entry(key)
                        .or_insert_with(|| self.instead(before, after, role));
                    if let Some(found) = found {
                        match groups.get_mut(found) {
                            Some(group) => group.add(first, last),
                            None => groups.entry(found.clone()).or_default().add(first, last),
                        }
                    }
                }
                if other.last <= range.last {
                    others.next();
                }
                match last.checked_add(1) {
                    Some(next) if last < range.last => first = next,
                    _ => break,
                }
            }
        }
        for predicted in self.clients.into_iter().flatten() {
            if let Some(found) = self.instead(&predicted.before, &predicted.after, role) {
                let group = groups.entry(found).or_default();
                group.clients.push(predicted.client.name.clone());
            }
        }
        let mut loss = Loss {
            stranded_clients: self.clients.map(|_| 0),
            ..Loss::default()
        };
        for ((stranded, instead), Group { spans, clients }) in groups {
            let clients = self.known_clients(clients);
            if stranded {
                loss.stranded_addresses += spans.addresses;
                if let (Some(all), Some(clients)) = (&mut loss.stranded_clients, &clients) {
                    *all += clients.count;
                }
            }
            loss.affected.push(Affected {
                instead,
                stranded,
                spans,
                clients,
            });
        }
        loss.affected.sort_by_key(|one| {
            let vague = one.instead.choice == Pick::Indeterminate;
            (!one.stranded, vague, Reverse(one.spans.addresses))
        });
        loss
    }
}
