//! Checks of load: how many clients come to each server, against what it takes.
//!
//! Pure. Who may use a server is what [`Selector`] says. Clients are counted by the answers that they share, so that the
//! cost is that of the clients and not of clients times servers.

use std::collections::{BTreeMap, BTreeSet};

use super::article;
use super::members::{Places, count, facts, server_object, servers_named, sites_named, some};
use super::{place, server_name, site_object};
use crate::model::{Client, Guid, Origin, Role};
use crate::plan::Severity;
use crate::select::{Choice, REGISTRATIONS, Reason, Selector, Served, Service, SiteIndex, World};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "task-on-desktop-os",
        severity: "info below 100 endpoints, warning else",
        phases: &[Phase::Live],
        holds_when: "the task or the package service runs on a desktop operating system",
        explanation: "A desktop operating system takes 10 to 20 connections at a time, a server operating system has no \
             such limit. For a site of fewer than 100 endpoints that may do; an older article would not have a task \
             server on a desktop at all. Give a larger site a server on Windows Server.",
        sources: &[article::SITE_SERVERS, article::TASK_SERVICES],
        run: desktop,
    },
    Check {
        id: "capacity",
        severity: "warning; error where the clients of a range are more than the registrations that its servers take",
        phases: &[Phase::Live],
        holds_when: "more clients are predicted for a task server than it should have",
        explanation: "A client registers with one task server, and a full one refuses: 5,000 registrations unless \
             `product.registrationsPerTaskServer` in the profile says that the limit was set otherwise. A site server is \
             recommended for about 15,000 clients, and the SMP itself for no more than 100, since tasks weigh on what \
             else it does. Where several servers share clients, each is counted with its even share. Add task servers to \
             the site, or part it.",
        sources: &[article::SITE_SERVERS, "180399"],
        run: capacity,
    },
];

/// From how many endpoints on a desktop system is not enough.
const DESKTOP_ENDPOINTS: usize = 100;

/// How many clients a task server is recommended for, whatever registrations it takes.
const RECOMMENDED: usize = 15_000;

/// How many the SMP itself is.
const RECOMMENDED_ON_SMP: usize = 100;

/// Clients that have the same answer, with their number.
struct Crowd {
    served: Served,
    clients: usize,
}

/// Clients by what they share.
fn crowds(world: &World, clients: &[Client]) -> Vec<Crowd> {
    let selector = Selector::new(world);
    let ranges = selector.ranges();
    let mut counted = vec![0_usize; ranges.answers().len()];
    let mut crowds = Vec::new();
    for client in clients {
        match client.addresses.as_slice() {
            [] => {}
            [(address, _)] => {
                let number = ranges.holding(*address).map(|range| ranges.number(range));
                if let Some(count) = number.and_then(|number| counted.get_mut(number)) {
                    *count += 1;
                }
            }
            // Several addresses may lie in several sites: few computers have them.
            several => crowds.push(Crowd {
                served: selector.client(several, None),
                clients: 1,
            }),
        }
    }
    let answers = ranges.answers().iter().zip(counted);
    crowds.extend(
        answers
            .filter(|(_, clients)| *clients > 0)
            .map(|(served, clients)| Crowd {
                served: served.clone(),
                clients,
            }),
    );
    crowds
}

/// Whether the name of an operating system is that of a desktop one.
fn is_desktop(name: &str) -> bool {
    const DESKTOPS: [&str; 7] = ["xp", "vista", "7", "8", "8.1", "10", "11"];
    let folded = name.to_lowercase();
    let words: Vec<&str> = folded
        .split(|c: char| !(c.is_alphanumeric() || c == '.'))
        .filter(|word| !word.is_empty())
        .collect();
    words.contains(&"windows")
        && !words.contains(&"server")
        && words.iter().any(|word| DESKTOPS.contains(word))
}

pub(super) fn desktop(view: &View<'_>) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let desktops: BTreeMap<Guid, &String> = world
        .servers
        .keys()
        .filter(|server| {
            world.has_role(**server, Role::Task) || world.has_role(**server, Role::Package)
        })
        .filter_map(|server| {
            let system = facts(view, *server)?.operating_system.known()?;
            is_desktop(system).then_some((*server, system))
        })
        .collect();
    if desktops.is_empty() {
        return Vec::new();
    }
    let clients = view.surroundings().and_then(|s| s.clients.known());
    let endpoints: Option<BTreeMap<Guid, usize>> = clients.map(|clients| {
        let mut endpoints = BTreeMap::new();
        for crowd in crowds(world, clients) {
            let servers: BTreeSet<Guid> = [&crowd.served.package, &crowd.served.task]
                .into_iter()
                .filter(|service| service.choice.is_determined())
                .flat_map(|service| service.choice.servers())
                .collect();
            for server in servers.iter().filter(|s| desktops.contains_key(s)) {
                *endpoints.entry(*server).or_default() += crowd.clients;
            }
        }
        endpoints
    });
    // Few endpoints, many, and nobody knows how many: the latter is no warning.
    let mut groups: BTreeMap<(Severity, bool), Vec<(usize, Guid)>> = BTreeMap::new();
    for server in desktops.keys() {
        let of = endpoints
            .as_ref()
            .map(|endpoints| endpoints.get(server).copied().unwrap_or(0));
        let severity = match of {
            Some(DESKTOP_ENDPOINTS..) => Severity::Warning,
            Some(_) | None => Severity::Info,
        };
        let group = groups.entry((severity, of.is_some())).or_default();
        group.push((of.unwrap_or(0), *server));
    }
    groups
        .into_iter()
        .map(|((severity, known), mut servers)| {
            servers.sort_by_key(|(endpoints, server)| {
                (usize::MAX - endpoints, server_name(world, *server))
            });
            let names = servers.iter().map(|(endpoints, server)| {
                let system = desktops.get(server).map_or("", |system| system.as_str());
                let of = if known {
                    count(*endpoints, "endpoint")
                } else {
                    "endpoints not known".to_owned()
                };
                format!("`{}` ({system}, {of})", server_name(world, *server))
            });
            let names = some(names.collect());
            let serve = if servers.len() == 1 { "serves" } else { "serve" };
            Finding {
                objects: servers
                    .iter()
                    .map(|(_, server)| server_object(world, *server))
                    .collect(),
                severity,
                message: format!(
                    "{names} {serve} packages or tasks from a desktop system, which takes 10 to 20 connections"
                ),
                remedy: "give sites of 100 endpoints and more a server on Windows Server".into(),
                places: servers.iter().flat_map(|(_, server)| places.seats(*server)).collect(),
            }
        })
        .collect()
}

/// Clients for whose tasks the same servers may be used.
#[derive(Default)]
struct Demand {
    clients: usize,
    sites: BTreeSet<SiteIndex>,
    /// Clients of whom it is certain that they use these servers, and no others.
    certain: usize,
}

pub(super) fn capacity(view: &View<'_>) -> Vec<Finding> {
    let Some(clients) = view.surroundings().and_then(|s| s.clients.known()) else {
        return Vec::new();
    };
    // Who is registered now has its place by this count already: a server is not full of its own clients.
    let mut world = view.world.clone();
    for server in world.servers.values_mut() {
        server.registered = None;
    }
    let mut demands: BTreeMap<BTreeSet<Guid>, Demand> = BTreeMap::new();
    for crowd in crowds(&world, clients) {
        let Service { choice, reason } = &crowd.served.task;
        if *reason == Reason::Unread {
            continue; // other servers may take them as well
        }
        let demand = demands.entry(choice.servers()).or_default();
        demand.clients += crowd.clients;
        demand.sites.extend(crowd.served.sites);
        match choice {
            Choice::Only(_) | Choice::Agent(_) | Choice::Random(_) => {
                demand.certain += crowd.clients;
            }
            Choice::None | Choice::Indeterminate(_) => {}
        }
    }
    demands.remove(&BTreeSet::new());
    let limit = registrations(&world);
    let mut found = Vec::new();
    let mut full: BTreeSet<Guid> = BTreeSet::new();
    for (servers, demand) in &demands {
        // Every reading leaves these servers or fewer, so this is certain also where the choice is not.
        let room = servers.len().saturating_mul(limit);
        if demand.clients > room {
            found.push(too_many(&world, servers, demand, room));
            full.extend(servers.iter().filter(|_| servers.len() == 1));
        }
    }
    let expected = shares(&demands);
    found.extend(above(view, &expected, limit, &full));
    found
}

/// How many registrations a task server takes.
fn registrations(world: &World) -> usize {
    let limit = world.registrations_per_server.unwrap_or(REGISTRATIONS);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn too_many(world: &World, servers: &BTreeSet<Guid>, demand: &Demand, room: usize) -> Finding {
    let sites = &demand.sites;
    let of = if sites.is_empty() {
        String::new()
    } else {
        let names = sites
            .iter()
            .map(|site| format!("`{}`", world.site_name(*site)));
        format!(" of {}", some(names.collect()))
    };
    Finding {
        objects: servers
            .iter()
            .map(|server| server_object(world, *server))
            .chain(sites.iter().map(|site| site_object(world, *site)))
            .collect(),
        severity: Severity::Error,
        message: format!(
            "{}{of} have {} for tasks, with room for {room}",
            count(demand.clients, "client"),
            servers_named(world, servers)
        ),
        remedy: if sites.is_empty() {
            "add task servers".into()
        } else {
            format!(
                "add task servers to {}, or part it",
                sites_named(world, sites.iter().take(3))
            )
        },
        places: sites
            .iter()
            .filter_map(|site| place(world, *site))
            .collect(),
    }
}

/// How many clients each task server is to expect: its even share of those that it shares with others.
fn shares(demands: &BTreeMap<BTreeSet<Guid>, Demand>) -> BTreeMap<Guid, usize> {
    let mut expected: BTreeMap<Guid, usize> = BTreeMap::new();
    for (servers, demand) in demands {
        if demand.certain == 0 {
            continue;
        }
        for server in servers {
            *expected.entry(*server).or_default() += demand.certain.div_ceil(servers.len());
        }
    }
    expected
}

/// What the clients of a task server are measured against.
struct Measure<'a> {
    most: usize,
    words: &'static str,
    /// The servers for which it counts.
    counts: &'a dyn Fn(&Guid) -> bool,
}

/// Servers that are to expect more clients than they should have, by what that is measured against.
fn above(
    view: &View<'_>,
    expected: &BTreeMap<Guid, usize>,
    limit: usize,
    full: &BTreeSet<Guid>,
) -> Vec<Finding> {
    let (world, places) = (view.world, Places::of(view));
    let smp = |server: &Guid| Some(*server) == world.platform;
    let measures = [
        Measure {
            most: limit,
            words: "more than the registrations that a task server takes",
            counts: &|server| !full.contains(server),
        },
        Measure {
            most: RECOMMENDED,
            words: "more than is recommended for a site server",
            counts: &|server| !smp(server),
        },
        Measure {
            most: RECOMMENDED_ON_SMP,
            words: "more than is recommended for the SMP itself",
            counts: &smp,
        },
    ];
    measures
        .into_iter()
        .filter_map(|measure| {
            let Measure {
                most,
                words,
                counts,
            } = measure;
            let mut over: Vec<(usize, Guid)> = expected
                .iter()
                .filter(|(server, clients)| **clients > most && counts(server))
                .map(|(server, clients)| (*clients, *server))
                .collect();
            over.sort_by_key(|(clients, server)| {
                (usize::MAX - clients, server_name(world, *server))
            });
            if over.is_empty() {
                return None;
            }
            let names = over.iter().map(|(clients, server)| {
                let name = server_name(world, *server);
                format!("`{name}` (about {})", count(*clients, "client"))
            });
            let seats: BTreeSet<Origin> = over
                .iter()
                .flat_map(|(_, server)| places.seats(*server))
                .collect();
            Some(Finding {
                objects: over
                    .iter()
                    .map(|(_, server)| server_object(world, *server))
                    .collect(),
                severity: Severity::Warning,
                message: format!("tasks on {}: {words}, {most}", some(names.collect())),
                remedy: "let other task servers take clients over".into(),
                places: seats,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_desktop;

    #[test]
    fn desktop_systems_are_told_by_name() {
        for (name, expect) in [
            ("Windows 7", true),
            ("Microsoft Windows 10 Enterprise", true),
            ("Windows 8.1 Pro", true),
            ("windows xp", true),
            ("Windows Vista Business", true),
            ("Windows 11", true),
            ("Windows Server 2022", false),
            ("Microsoft Windows Server 2012 R2", false),
            ("Windows 2000 Server", false),
            ("Windows", false),
            ("Red Hat Enterprise Linux 8", false),
            ("macOS 11", false),
        ] {
            assert_eq!(is_desktop(name), expect, "{name}");
        }
    }
}
