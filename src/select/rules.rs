//! The rules by which a server is chosen, one function a rule, each with its source.
//!
//! Pure. A rule is asked with a [`Pool`] of servers that can serve. What could not be read makes a second pool in
//! which it counts as there; [`fold`] puts the answers together, and where they differ the outcome is indeterminate.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::selector::Standpoint;
use super::served::{Choice, Reading, Reason, Servers, Service};
use super::{SiteIndex, World};
use crate::model::{Guid, Role};

/// How many registrations a task server takes where nobody says otherwise (article 180399).
pub const REGISTRATIONS: u32 = 5_000;

/// The assumption that a manually assigned task server is offered.
const MANUAL_COUNTS: &str = "A23";

/// The sources of the readings that differ.
mod says {
    pub(super) const SMP: &str =
        "the SMP itself serves whoever has no server of a site (\"Installation of Task Services\")";
    pub(super) const NEAR: &str =
        "servers on the same subnet, else all (documentation of site servers)";
    pub(super) const ANY: &str = "clients fail over to any server of the role (article 431459)";
    pub(super) const WAITS: &str =
        "a constrained site lets nobody out, the client waits (article 431459)";
    pub(super) const OFFERED: &str =
        "the SMP offers manually assigned task servers too (assumption A23)";
    pub(super) const NOT_OFFERED: &str =
        "manual assignment does not make a task server of the site (article 184143)";
    pub(super) const NOT_YET: &str =
        "the servers of the site alone, once they hold it (articles 431459 and 184143)";
    pub(super) const ALONE: &str = "servers of the broadcast domain alone (article 180278)";
    pub(super) const NOBODY: &str = "no server is known that can";
    pub(super) const RELAYED: &str = "a DHCP relay forwards to servers of other networks";
}

/// What is supposed, and the reason that stands where it matters.
type Supposition = (&'static str, Option<Reason>);

/// Servers that can serve a role, under one supposition about what is not known.
#[derive(Debug)]
pub(super) struct Pool {
    role: Role,
    /// `None` for what is known.
    supposing: Option<Supposition>,
    /// Those that have the role and are not known to be down.
    able: BTreeSet<Guid>,
    /// Those of them that hold the package, where one is asked for; else all of them.
    holding: Servers,
    /// Those of them that are known to.
    firm: Servers,
    /// The SMP itself, where it is one of these.
    platform: Servers,
    /// Servers that count as standing everywhere, since their addresses are not known.
    anywhere: BTreeSet<Guid>,
}

/// What a rule says under one supposition.
#[derive(Debug)]
pub(super) struct Answer {
    readings: Vec<Reading>,
    reason: Reason,
}

impl Answer {
    fn certain(source: &'static str, servers: Servers, reason: Reason) -> Self {
        Self {
            readings: vec![reading(source, servers)],
            reason,
        }
    }
}

fn reading(source: &'static str, servers: Servers) -> Reading {
    Reading {
        source: Cow::Borrowed(source),
        servers,
        denies: None,
    }
}

/// The servers of a site set, by how they belong to it.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// By their own addresses.
    pub(super) automatic: BTreeSet<Guid>,
    /// By manual assignment.
    pub(super) manual: BTreeSet<Guid>,
}

/// What is known of the constraint of a set of sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constraint {
    All,
    No,
    Uncertain,
}

impl Pool {
    /// The pools of a role: first what is known; then, where something is not, as if it were there; then without the
    /// servers that are full. Rules that stop at the first servers they find go on in a pool of the second kind, until
    /// they find one that is known.
    ///
    /// Sources: a server that is down serves nobody (article 431459, "the client waits"); a full task server refuses
    /// (article 180399), and those that are registered with it stay.
    pub(super) fn all(
        world: &World,
        role: Role,
        holders: Option<&Holders>,
        full: &BTreeSet<Guid>,
    ) -> Vec<Self> {
        let mut sure = BTreeSet::new();
        let mut possible = BTreeSet::new();
        let mut anywhere = BTreeSet::new();
        for (guid, server) in &world.servers {
            if server.answering == Some(false) {
                continue;
            }
            match &server.roles {
                Some(roles) if !roles.contains(&role) => continue,
                Some(_) => {
                    sure.insert(*guid);
                    possible.insert(*guid);
                }
                None => {
                    possible.insert(*guid);
                }
            }
            if server.addresses.is_none() {
                anywhere.insert(*guid);
            }
        }
        let hold = |able: &BTreeSet<Guid>, holders: Option<&BTreeSet<Guid>>| match holders {
            Some(holders) => able & holders,
            None => able.clone(),
        };
        let known = hold(&sure, holders.map(|holders| &holders.sure));
        let supposed = hold(&possible, holders.map(|holders| &holders.possible));
        let unread = sure != possible || known != supposed || !anywhere.is_empty();
        let firm = Arc::new(known.clone());
        let pool = |able: BTreeSet<Guid>, holding: BTreeSet<Guid>, anywhere, supposing| Self {
            role,
            supposing,
            platform: Arc::new(
                world
                    .platform
                    .filter(|platform| holding.contains(platform))
                    .into_iter()
                    .collect(),
            ),
            able,
            firm: Arc::clone(&firm),
            holding: Arc::new(holding),
            anywhere,
        };
        let unread_ones = || Some(("if what could not be read is so", Some(Reason::Unread)));
        let mut pools = vec![pool(sure.clone(), known.clone(), BTreeSet::new(), None)];
        if unread {
            pools.push(pool(
                possible.clone(),
                supposed.clone(),
                anywhere.clone(),
                unread_ones(),
            ));
        }
        if role == Role::Task && !full.is_disjoint(&possible) {
            let anew = Some(("for clients that register anew", Some(Reason::Full)));
            pools.push(pool(&sure - full, &known - full, BTreeSet::new(), anew));
            if unread {
                pools.push(pool(
                    &possible - full,
                    &supposed - full,
                    &anywhere - full,
                    unread_ones(),
                ));
            }
        }
        pools
    }

    fn choose(&self, from: impl Iterator<Item = Guid>) -> BTreeSet<Guid> {
        from.filter(|server| self.holding.contains(server))
            .collect()
    }

    /// Whether a server that is known to be able to is among these, so that no rule goes on.
    fn settles<'s>(&self, mut servers: impl Iterator<Item = &'s Guid>) -> bool {
        servers.any(|server| self.firm.contains(server) && self.holding.contains(server))
    }

    fn has_able(&self, mut of: impl Iterator<Item = Guid>) -> bool {
        of.any(|server| self.able.contains(&server))
    }

    /// Whether a computer can serve by itself.
    pub(super) fn can(&self, server: Guid) -> bool {
        self.holding.contains(&server)
    }

    /// The package server on the client itself.
    ///
    /// Source: documentation of 8.5 and later: "a package server on the client itself first".
    fn own(&self, own: Option<Guid>) -> Option<Answer> {
        let own = own.filter(|own| self.role == Role::Package && self.can(*own))?;
        Some(Answer::certain(
            Reason::OwnComputer.source(),
            Arc::new(BTreeSet::from([own])),
            Reason::OwnComputer,
        ))
    }

    /// Servers for whoever is in these sites.
    ///
    /// Sources: servers of a site serve it, automatic where their own subnet belongs to it, manual in addition, and
    /// the one does not end the other (articles 431459 and 184143). Manual assignment steers package servers; for
    /// task servers it is no promise (article 184143): that they are offered is assumption A23, and where it alone
    /// makes a server one of the site, the reading that denies it stands beside. Among package servers that hold the
    /// package chance decides, among task servers the agent.
    pub(super) fn in_sites(
        &self,
        world: &World,
        sites: &BTreeSet<SiteIndex>,
        members: &Members,
    ) -> Answer {
        let standing = || members.automatic.iter().chain(&self.anywhere).copied();
        let every = || standing().chain(members.manual.iter().copied());
        let automatic = self.choose(standing());
        let all = self.choose(every());
        let by_hand = self.role == Role::Task
            && members
                .manual
                .difference(&members.automatic)
                .any(|server| self.can(*server));
        let source = if by_hand {
            says::OFFERED
        } else {
            Reason::Site.source()
        };
        let mut answer = Answer {
            readings: Vec::new(),
            reason: Reason::Site,
        };
        if !all.is_empty() {
            answer.readings.push(reading(source, Arc::new(all)));
        }
        if !self.settles(members.automatic.iter().chain(&members.manual)) {
            let without = self.without(world, sites, self.has_able(every()));
            answer.readings.extend(without.readings);
            answer.reason = without.reason;
        }
        if by_hand {
            answer.reason = Reason::ManualAlone;
            let mut not_offered = Vec::new();
            if !automatic.is_empty() {
                not_offered.push(reading(says::NOT_OFFERED, Arc::new(automatic)));
            }
            if !self.settles(members.automatic.iter()) {
                let without = self.without(world, sites, false);
                not_offered.extend(without.readings.into_iter().map(|reading| Reading {
                    source: format!("{}; then {}", says::NOT_OFFERED, reading.source).into(),
                    ..reading
                }));
            }
            answer
                .readings
                .extend(not_offered.into_iter().map(|reading| Reading {
                    denies: Some(MANUAL_COUNTS),
                    ..reading
                }));
        }
        answer
    }

    /// Servers for whoever is in sites that have none.
    ///
    /// Sources: a constrained site lets nobody out, the client waits; else it may fail over (article 431459). To whom
    /// is nowhere said exactly: to any server of the role, or to the SMP itself. What happens where servers of the
    /// site have the role and do not hold the package is not said either: `unheld`.
    fn without(&self, world: &World, sites: &BTreeSet<SiteIndex>, unheld: bool) -> Answer {
        if self.holding.is_empty() {
            return Answer::certain(says::NOBODY, Servers::default(), Reason::Nobody);
        }
        let waits = || reading(says::WAITS, Servers::default());
        let elsewhere = || {
            [
                reading(says::SMP, Arc::clone(&self.platform)),
                reading(says::ANY, Arc::clone(&self.holding)),
            ]
        };
        let (mut readings, reason) = match constraint(world, sites) {
            Constraint::All => (vec![waits()], Reason::Waiting),
            Constraint::No => (elsewhere().into(), Reason::Failover),
            Constraint::Uncertain => (
                [waits()].into_iter().chain(elsewhere()).collect(),
                Reason::ConstraintUnread,
            ),
        };
        if unheld {
            readings.insert(0, reading(says::NOT_YET, Servers::default()));
        }
        Answer {
            readings,
            reason: if unheld { Reason::NotHeld } else { reason },
        }
    }

    /// Servers for whoever is in no site.
    ///
    /// Sources: while no subnet belongs to any site, every server is available to everybody ("Installation of Task
    /// Services"), those on the client's own subnet first (documentation of site servers). Once there are sites, the
    /// sources contradict each other: the SMP itself, or the same rule as before.
    pub(super) fn outside(&self, any_sites: bool, near: &BTreeSet<Guid>) -> Answer {
        if self.holding.is_empty() {
            return Answer::certain(says::NOBODY, Servers::default(), Reason::Nobody);
        }
        let around = || near.iter().chain(&self.anywhere).copied();
        let chosen = self.choose(around());
        let mut readings = Vec::new();
        if any_sites {
            readings.push(reading(says::SMP, Arc::clone(&self.platform)));
        }
        if !chosen.is_empty() {
            readings.push(reading(says::NEAR, Arc::new(chosen)));
        }
        if !self.settles(near.iter()) {
            if self.has_able(around()) {
                readings.push(reading(says::NOT_YET, Servers::default()));
            }
            readings.push(reading(says::NEAR, Arc::clone(&self.holding)));
        }
        Answer {
            readings,
            reason: if any_sites {
                Reason::OutsideSites
            } else {
                Reason::NoSites
            },
        }
    }

    /// Servers that answer a network boot.
    ///
    /// Source: one per subnet (article 180278), by the address and mask of the server's inventory, not by the site's
    /// prefixes: a /32 does not divide a broadcast domain. Whether a DHCP relay forwards to another network's server
    /// is not known to the SMP.
    pub(super) fn in_network(&self, near: &BTreeSet<Guid>) -> Answer {
        if self.holding.is_empty() {
            return Answer::certain(says::NOBODY, Servers::default(), Reason::Nobody);
        }
        let chosen = self.choose(near.iter().chain(&self.anywhere).copied());
        let mut readings = Vec::new();
        if !chosen.is_empty() {
            readings.push(reading(Reason::Network.source(), Arc::new(chosen)));
        }
        if self.settles(near.iter()) {
            return Answer {
                readings,
                reason: Reason::Network,
            };
        }
        readings.push(reading(says::ALONE, Servers::default()));
        readings.push(reading(says::RELAYED, Arc::clone(&self.holding)));
        Answer {
            readings,
            reason: Reason::OtherNetwork,
        }
    }
}

/// Package servers that hold a package: those that are known to, and those that may.
#[derive(Debug)]
pub(super) struct Holders {
    pub(super) sure: BTreeSet<Guid>,
    pub(super) possible: BTreeSet<Guid>,
}

fn constraint(world: &World, sites: &BTreeSet<SiteIndex>) -> Constraint {
    let mut all = sites
        .iter()
        .map(|site| world.sites.get(*site).and_then(|site| site.constrained));
    let first = all.next().flatten();
    let uniform = all.all(|next| next == first);
    match first {
        Some(true) if uniform => Constraint::All,
        Some(false) if uniform => Constraint::No,
        _ => Constraint::Uncertain,
    }
}

/// Who serves a role from a standpoint, under every supposition.
///
/// `any_sites` says whether any subnet belongs to a site.
pub(super) fn answer(
    world: &World,
    any_sites: bool,
    role: Role,
    pools: &[Pool],
    standpoint: Standpoint<'_>,
) -> Service {
    let Standpoint {
        sites,
        members,
        near,
        near_by_own_mask,
        own,
    } = standpoint;
    let by_rule = |pool: &Pool, near: &BTreeSet<Guid>| {
        if role == Role::NetworkBoot {
            pool.in_network(near)
        } else if sites.is_empty() {
            pool.outside(any_sites, near)
        } else {
            pool.in_sites(world, sites, members)
        }
    };
    let by_rule = |pool: &Pool, near: &BTreeSet<Guid>| match pool.own(own) {
        Some(answer) if pool.settles(own.iter()) => answer,
        Some(mut answer) => {
            answer.readings.extend(by_rule(pool, near).readings);
            answer
        }
        None => by_rule(pool, near),
    };
    let mut folded = Folded::default();
    for pool in pools {
        folded.add(pool.supposing, by_rule(pool, near));
    }
    if let Some(near) = near_by_own_mask {
        for pool in pools {
            let supposing = pool.supposing;
            let by_its_mask = ("by the mask of its own inventory", None);
            folded.add(supposing.or(Some(by_its_mask)), by_rule(pool, near));
        }
    }
    folded.outcome(role)
}

/// The answers under each supposition, put together.
#[derive(Debug, Default)]
struct Folded {
    readings: Vec<Reading>,
    reason: Option<Reason>,
}

impl Folded {
    /// Adds what a supposition leads to, where it leads to other servers.
    fn add(&mut self, supposing: Option<Supposition>, answer: Answer) {
        let Answer { readings, reason } = answer;
        let Some((supposition, why)) = supposing else {
            self.readings.extend(readings);
            self.reason = Some(reason);
            return;
        };
        for found in readings {
            let said = |known: &Reading| {
                known.servers == found.servers && (known.denies.is_none() || found.denies.is_some())
            };
            if !self.readings.iter().any(said) {
                self.readings.push(Reading {
                    source: format!("{supposition}: {}", found.source).into(),
                    ..found
                });
                self.reason = why.or(self.reason);
            }
        }
    }

    /// Where all readings leave the same servers, that is the outcome.
    fn outcome(self, role: Role) -> Service {
        let Self { readings, reason } = self;
        let first = readings
            .first()
            .map(|reading| Arc::clone(&reading.servers))
            .unwrap_or_default();
        let agreed = readings.iter().all(|reading| reading.servers == first);
        Service {
            choice: if agreed {
                Choice::among(role, first)
            } else {
                Choice::Indeterminate(readings)
            },
            reason: reason.unwrap_or(Reason::Nobody),
        }
    }
}
