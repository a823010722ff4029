//! Checks of clients and of what their inventory does: who is in no site, which subnets come back.
//!
//! Pure. Clients are walked once a check; 200,000 of them need well under a second.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::exactly;
use super::{article, boundaries_known, count, some, subnet_object};
use crate::model::Subnet;
use crate::plan::Severity;
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "no-sites",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "no site has a subnet",
        explanation: "As long as no subnet belongs to a site, every site server is available to every client, near or far, \
             and nothing steers which one it takes. That is how an SMP begins, and it is not recommended. Declare a \
             site for each network, with its subnets and its servers.",
        sources: &[article::TASK_SERVICES],
        run: no_sites,
    },
    Check {
        id: "clients-outside-sites",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "known clients are in no site",
        explanation: "Once there are sites, the sources disagree about clients in none of them: some say that the SMP \
             serves them, some that any server may. Nobody can promise which server they take, deployment servers \
             included. Put their subnets into sites. Until then what happens to them is not predictable.",
        sources: &[article::TASK_SERVICES],
        run: outside_sites,
    },
    Check {
        id: "resurrecting-subnet",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "a subnet to delete still has clients, whose inventory will create it again",
        explanation: "A client reports its address and its mask, and the SMP creates the subnet that they make. A subnet \
             that is deleted while clients stand in it comes back with the next inventory, in no site. Leave it in the \
             site that serves these clients, or keep it away with the core setting InvalidSubnets.",
        sources: &[article::SUPERNETS],
        run: resurrecting,
    },
    Check {
        id: "unassigned-subnet",
        severity: "info",
        phases: &[Phase::Live],
        holds_when: "a subnet has appeared in no site since the last run",
        explanation: "Inventory creates subnets as clients report them: a new one is a new network, or one client with a \
             wrong mask. Its clients are in no site until it is assigned. Declare it in the site that is to serve it, \
             or delete it. What the last `apply` saw is remembered; where it never ran, nothing is said.",
        sources: &[article::SITES],
        run: unassigned,
    },
];

fn has_sites(view: &View<'_>) -> bool {
    view.world.subnets.values().any(|sites| !sites.is_empty())
}

fn no_sites(view: &View<'_>) -> Vec<Finding> {
    if !boundaries_known(view) || has_sites(view) {
        return Vec::new();
    }
    vec![Finding {
        objects: ["the sites".to_owned()].into(),
        severity: Severity::Warning,
        message: "no site has a subnet: every site server serves every client".into(),
        remedy: "declare sites with the subnets of their clients and the servers for them".into(),
        places: BTreeSet::new(),
    }]
}

fn outside_sites(view: &View<'_>) -> Vec<Finding> {
    let Some(clients) = view.surroundings().and_then(|s| s.clients.known()) else {
        return Vec::new();
    };
    // Without any site all of them are outside, which is said by another check.
    if !boundaries_known(view) || !has_sites(view) {
        return Vec::new();
    }
    let assigned = view.world.assigned();
    let mut outside = 0_usize;
    let mut networks: BTreeMap<Subnet, usize> = BTreeMap::new();
    for client in clients {
        let in_a_site = |(address, _): &(_, u8)| assigned.holding(*address).is_some();
        if client.addresses.is_empty() || client.addresses.iter().any(in_a_site) {
            continue;
        }
        outside += 1;
        let network = client
            .addresses
            .first()
            .and_then(|(address, prefix)| Subnet::containing(*address, *prefix));
        if let Some(network) = network {
            *networks.entry(network).or_default() += 1;
        }
    }
    if outside == 0 {
        return Vec::new();
    }
    vec![Finding {
        objects: networks
            .keys()
            .map(|network| subnet_object(*network))
            .collect(),
        severity: Severity::Warning,
        message: format!(
            "{} in no site, at {}: which servers they use cannot be told",
            if outside == 1 {
                "1 known client is".to_owned()
            } else {
                format!("{outside} known clients are")
            },
            some(networks.keys())
        ),
        remedy: "put their subnets into sites".into(),
        places: BTreeSet::new(),
    }]
}

fn resurrecting(view: &View<'_>) -> Vec<Finding> {
    let clients = view.surroundings().and_then(|s| s.clients.known());
    let (Some(clients), Some(planned)) = (clients, view.planned) else {
        return Vec::new();
    };
    if planned.deleted.is_empty() {
        return Vec::new();
    }
    let mut back: BTreeMap<Subnet, usize> = BTreeMap::new();
    for client in clients {
        let networks: BTreeSet<Subnet> = client
            .addresses
            .iter()
            .filter_map(|(address, prefix)| Subnet::containing(*address, *prefix))
            .collect();
        for network in networks.intersection(&planned.deleted) {
            *back.entry(*network).or_default() += 1;
        }
    }
    back.into_iter()
        .map(|(subnet, clients)| Finding {
            objects: [subnet_object(subnet)].into(),
            severity: Severity::Warning,
            message: format!(
                "subnet `{subnet}` is to be deleted and has {}: inventory will create it again",
                count(clients, "client")
            ),
            remedy: format!(
                "leave it in a site, or keep it away with `invalidSubnets: '{}'`",
                exactly(subnet)
            ),
            places: BTreeSet::new(),
        })
        .collect()
}

fn unassigned(view: &View<'_>) -> Vec<Finding> {
    let Some(remembered) = view
        .ownership
        .and_then(|ownership| ownership.unassigned.as_ref())
    else {
        return Vec::new();
    };
    let ours = |subnet: Subnet| {
        view.planned
            .is_some_and(|planned| planned.changed.contains(&subnet_object(subnet)))
    };
    // What we own and somebody took out of its site is a difference, and no news.
    let owned: BTreeSet<Subnet> = view
        .ownership
        .into_iter()
        .flat_map(|ownership| ownership.subnets.values())
        .filter_map(|owned| owned.name.as_str().parse().ok())
        .collect();
    let assigned = view.world.assigned();
    let new: BTreeSet<Subnet> = view
        .world
        .subnets
        .iter()
        .filter(|(subnet, sites)| sites.is_empty() && !remembered.contains(subnet))
        .map(|(subnet, _)| *subnet)
        .filter(|subnet| {
            assigned.nearest(*subnet).is_none() && !owned.contains(subnet) && !ours(*subnet)
        })
        .collect();
    if new.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        objects: new.iter().map(|subnet| subnet_object(*subnet)).collect(),
        severity: Severity::Info,
        message: format!("new in no site since the last run: {}", some(&new)),
        remedy: if new.len() == 1 {
            "declare it in the site that is to serve it, or delete it".into()
        } else {
            "declare each in the site that is to serve it, or delete it".into()
        },
        places: BTreeSet::new(),
    }]
}
