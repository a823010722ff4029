//! The rules of order that may contradict each other: each is added where it closes no circle, the weightiest first.
//!
//! Pure. They matter where the servers of a site are not assigned to it but stand in it, and so move with subnets.
//! Two sites that swap such servers have no order that keeps every address served; then the weightier rule holds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::moves::{KEPT, Moves};
use super::steps::{Builder, Context};
use crate::model::{Role, Subnet};
use crate::select::SiteIndex;

impl Builder<'_> {
    /// Adds the rules that may contradict each other: each where it closes no circle, the weightiest first.
    pub(super) fn prefer(&mut self) {
        let moves = std::mem::take(&mut self.moves);
        if moves.list.is_empty() {
            return;
        }
        self.behind = vec![Vec::new(); self.drafts.len()];
        for (index, draft) in self.drafts.iter().enumerate() {
            for on in &draft.depends_on {
                if let Some(list) = self.behind.get_mut(*on) {
                    list.push(index);
                }
            }
        }
        self.servers_first(&moves, false);
        self.servers_last(&moves);
        self.inner_first(&moves);
        self.servers_first(&moves, true);
        self.own_last(&moves);
        self.moves = moves;
    }

    /// Whether a site has a server with the role all the while once it is equipped: one that is assigned manually, or
    /// one that stands there and does not move.
    pub(super) fn sure(&self, moves: &Moves, site: SiteIndex, role: Role) -> bool {
        let after = self.context.after;
        after.sites.get(site).is_some_and(|site| {
            site.manual
                .iter()
                .any(|server| after.has_role(*server, role))
        }) || moves
            .standing
            .get(&site)
            .is_some_and(|servers| servers.iter().any(|s| after.has_role(*s, role)))
    }

    /// Whether an address in a site without servers falls back to the SMP while subnets move: the site is not
    /// constrained by then, and not yet.
    pub(super) fn falls_back(&self, site: SiteIndex, role: Role) -> bool {
        let Context { before, after } = self.context;
        let free = before
            .sites
            .get(site)
            .is_none_or(|site| site.constrained == Some(false));
        (free || self.unconstrains.contains_key(&site))
            && after.platform.is_some_and(|smp| after.has_role(smp, role))
    }

    /// Where only servers that stand in the site will serve it, the subnet that carries one comes before the others,
    /// and before the one that carries the old server away.
    ///
    /// With `always` also where the addresses could fall back to the SMP in between.
    fn servers_first(&mut self, moves: &Moves, always: bool) {
        let mut needs: BTreeMap<SiteIndex, BTreeSet<usize>> = BTreeMap::new();
        for (site, steps) in &moves.arrivals {
            needs.entry(*site).or_default().extend(steps);
        }
        for loss in &moves.carried_out {
            needs.entry(loss.site).or_default().extend(&loss.steps);
        }
        for (site, steps) in needs {
            for role in KEPT {
                let mut carriers: BTreeSet<usize> = moves
                    .carried_in
                    .get(&site)
                    .into_iter()
                    .flatten()
                    .filter(|carry| self.context.after.has_role(carry.server, role))
                    .map(|carry| carry.step)
                    .collect();
                if carriers.is_empty()
                    || self.sure(moves, site, role)
                    || (!always && self.falls_back(site, role))
                {
                    continue;
                }
                let mut waiting: BTreeSet<usize> = &steps - &carriers;
                // The first carrier that does not wait for the step itself will do.
                while let Some(carrier) = carriers.pop_first() {
                    if waiting.is_empty() {
                        break;
                    }
                    let before = self.waits_for(carrier);
                    waiting.retain(|step| {
                        if !before.contains(step) {
                            self.depend(*step, [carrier]);
                        }
                        before.contains(step)
                    });
                }
            }
        }
    }

    /// Where nothing takes the place of a server that leaves with its subnet, the addresses that leave the site too go
    /// before it.
    fn servers_last(&mut self, moves: &Moves) {
        let mut behind: BTreeSet<(SiteIndex, &[usize])> = BTreeSet::new();
        for loss in &moves.carried_out {
            let replaced = |role: Role| {
                self.sure(moves, loss.site, role)
                    || self.falls_back(loss.site, role)
                    || moves
                        .carried_in
                        .get(&loss.site)
                        .into_iter()
                        .flatten()
                        .any(|into| self.context.after.has_role(into.server, role))
            };
            if KEPT
                .into_iter()
                .any(|role| self.context.before.has_role(loss.server, role) && !replaced(role))
            {
                behind.insert((loss.site, &loss.steps));
            }
        }
        for (site, steps) in behind {
            let outer = steps.last().and_then(|step| moves.by_step(*step));
            // What lies in the outer prefix leaves with it, where it can be in between; what only goes along does not
            // count.
            let apart = |other: &&usize| {
                let other = moves.by_step(*moves.along.get(*other).unwrap_or(*other));
                other.zip(outer).is_some_and(|(other, outer)| {
                    !steps.contains(&other.step)
                        && (!outer.subnet.encloses(other.subnet)
                            || self.loses(moves, other, self.context.after, &outer.to))
                })
            };
            let others: Vec<usize> = moves.departures(site).filter(apart).copied().collect();
            for step in steps {
                self.depend_where_free(*step, others.iter().copied());
            }
            // What the outer prefix moves goes with the server; what it leaves behind has none.
            for pair in steps.windows(2) {
                if let [inner, outer] = pair {
                    self.depend_where_free(*inner, [*outer].into_iter());
                }
            }
        }
    }

    /// Inner prefixes come before outer ones, so that no address is seen in a site that it is in neither before nor
    /// after.
    fn inner_first(&mut self, moves: &Moves) {
        for one in moves.list.values() {
            let Some(parent) = moves.parent(one) else {
                continue;
            };
            for outer in moves.with(parent) {
                let (first, then) = if one.is_gone() && one.from != parent.from {
                    // It hands its addresses to where the enclosing one has gone by then.
                    (outer, one.step)
                } else if parent.assigned.1 || one.is_new() {
                    (one.step, outer)
                } else {
                    continue;
                };
                if !self.waits_for(first).contains(&then) {
                    self.depend(then, [first]);
                }
            }
        }
    }

    /// The prefixes that hold the SMP itself come after all others: until then it is what everybody falls back to.
    fn own_last(&mut self, moves: &Moves) {
        let world = self.context.before;
        let own: BTreeSet<Ipv4Addr> = world
            .platform
            .and_then(|platform| world.servers.get(&platform))
            .and_then(|server| server.addresses.as_ref())
            .into_iter()
            .flatten()
            .map(|(address, _)| *address)
            .collect();
        let is_own = |subnet: &Subnet| own.iter().any(|address| subnet.contains(*address));
        let gains = |own: bool| {
            moves
                .list
                .iter()
                .filter(move |(subnet, one)| one.assigned.1 && is_own(subnet) == own)
                .map(|(_, one)| one.step)
        };
        let others: Vec<usize> = gains(false).collect();
        for step in gains(true) {
            self.depend_where_free(step, others.iter().copied());
        }
    }

    /// Everything that a step waits for, itself included.
    pub(super) fn waits_for(&self, step: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::from([step]);
        let mut open = vec![step];
        while let Some(step) = open.pop() {
            for on in self
                .drafts
                .get(step)
                .into_iter()
                .flat_map(|d| &d.depends_on)
            {
                if seen.insert(*on) {
                    open.push(*on);
                }
            }
        }
        seen
    }

    /// Lets a step wait for others, except for those that wait for it.
    fn depend_where_free(&mut self, step: usize, on: impl Iterator<Item = usize>) {
        let on: Vec<usize> = on.filter(|on| *on != step).collect();
        if on.is_empty() {
            return;
        }
        let mut dependants = BTreeSet::from([step]);
        let mut open = vec![step];
        while let Some(step) = open.pop() {
            for next in self.behind.get(step).into_iter().flatten() {
                if dependants.insert(*next) {
                    open.push(*next);
                }
            }
        }
        let free = on.into_iter().filter(|on| !dependants.contains(on));
        self.depend(step, free);
    }
}
