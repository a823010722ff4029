//! Subnets: which addresses each step takes from where to where, and what must be there by then.
//!
//! Pure. A step may move more than it names: a new inner prefix takes addresses from the enclosing one's site, an
//! inner one that goes gives them to it, and either may carry a server along, which then serves another site.

use std::collections::{BTreeMap, BTreeSet};

use super::steps::{Builder, BySite, id, phase};
use crate::diff::{Change, Found};
use crate::model::{Action, Guid, Role, SiteRef, StepId, Subnet};
use crate::select::{Assigned, SiteIndex, World, enclosing};

/// The roles that an address is kept served for.
pub(super) const KEPT: [Role; 2] = [Role::Package, Role::Task];

/// One step by which a prefix changes sites.
pub(super) struct Move {
    pub(super) subnet: Subnet,
    pub(super) step: usize,
    /// Whether the prefix was in a site of its own, and will be.
    pub(super) assigned: (bool, bool),
    /// The sites of its addresses before and after, its own or the nearest enclosing prefix's.
    pub(super) from: BTreeSet<SiteIndex>,
    pub(super) to: BTreeSet<SiteIndex>,
}

impl Move {
    pub(super) fn is_new(&self) -> bool {
        self.assigned == (false, true)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.assigned == (true, false)
    }
}

/// A step that brings a server into a site by the server's own address, or takes it out.
#[derive(Clone, Copy)]
pub(super) struct Carry {
    pub(super) step: usize,
    pub(super) server: Guid,
}

/// A server that leaves a site by its own address.
pub(super) struct Loss {
    pub(super) site: SiteIndex,
    pub(super) server: Guid,
    /// The steps that may carry it away, the inner prefix first.
    pub(super) steps: Vec<usize>,
}

/// Every step by which subnets change sites.
#[derive(Default)]
pub(super) struct Moves {
    pub(super) list: BTreeMap<Subnet, Move>,
    pub(super) arrivals: BySite,
    pub(super) departures: BySite,
    pub(super) carried_in: BTreeMap<SiteIndex, Vec<Carry>>,
    pub(super) carried_out: Vec<Loss>,
    /// For each step the one with which it only goes along, or itself.
    pub(super) along: BTreeMap<usize, usize>,
    pub(super) subnets: BTreeMap<usize, Subnet>,
    pub(super) parents: BTreeMap<Subnet, Subnet>,
    /// Servers that stand in a site before, after, and all the while.
    pub(super) standing: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    /// Servers by the prefix that decides where they stand, before and after.
    inside: [BTreeMap<Subnet, BTreeSet<Guid>>; 2],
}

impl Moves {
    pub(super) fn by_step(&self, step: usize) -> Option<&Move> {
        self.list.get(self.subnets.get(&step)?)
    }

    /// The step of a prefix, and the one with which it only goes along.
    pub(super) fn with(&self, one: &Move) -> BTreeSet<usize> {
        self.along
            .get(&one.step)
            .copied()
            .into_iter()
            .chain([one.step])
            .collect()
    }

    /// Steps by which addresses come into a site.
    pub(super) fn arrivals(&self, site: SiteIndex) -> impl Iterator<Item = &usize> {
        self.arrivals.get(&site).into_iter().flatten()
    }

    /// Steps by which addresses leave a site.
    pub(super) fn departures(&self, site: SiteIndex) -> impl Iterator<Item = &usize> {
        self.departures.get(&site).into_iter().flatten()
    }

    /// Steps that bring servers into a site by their own address.
    pub(super) fn carriers_into(&self, site: SiteIndex) -> impl Iterator<Item = usize> {
        self.carried_in
            .get(&site)
            .into_iter()
            .flatten()
            .map(|carry| carry.step)
    }
}

fn action(change: &Change) -> Option<(Subnet, StepId, Action, &'static str, u8)> {
    match change {
        Change::SubnetTo {
            subnet,
            guid: None,
            before: _,
            site,
        } => Some((
            *subnet,
            id("create-subnet", subnet),
            Action::CreateSubnet {
                subnet: *subnet,
                site: site.clone(),
            },
            "declared, and not there",
            phase::SUBNET,
        )),
        Change::SubnetTo {
            subnet,
            guid: Some(guid),
            before,
            site,
        } => Some((
            *subnet,
            id(
                if before.is_empty() {
                    "assign-subnet"
                } else {
                    "move-subnet"
                },
                subnet,
            ),
            Action::AssignSubnet {
                subnet: *subnet,
                guid: *guid,
                before: before.clone(),
                site: site.clone(),
            },
            "declared for this site",
            phase::SUBNET,
        )),
        Change::SubnetOut {
            subnet,
            guid,
            before,
            delete: true,
        } => Some((
            *subnet,
            id("delete-subnet", subnet),
            Action::DeleteSubnet {
                subnet: *subnet,
                guid: *guid,
                before: before.clone(),
            },
            "ours, and no longer declared",
            phase::TAKE,
        )),
        Change::SubnetOut {
            subnet,
            guid,
            before,
            delete: false,
        } => Some((
            *subnet,
            id("unassign-subnet", subnet),
            Action::UnassignSubnet {
                subnet: *subnet,
                guid: *guid,
                before: before.clone(),
            },
            "not declared for this site",
            phase::TAKE,
        )),
        _ => None,
    }
}

impl Builder<'_> {
    /// Makes the steps of subnets, with everything that each of them must wait for.
    pub(super) fn subnets(&mut self, changes: &[Found]) {
        let before = self.context.before.assigned();
        let after = self.context.after.assigned();
        let mut moves = Moves::default();
        // Sorted, since the rules that yield to each other go by position.
        let mut steps: Vec<_> = changes
            .iter()
            .filter_map(|found| Some((found, action(&found.change)?)))
            .collect();
        steps.sort_by_key(|(_, (subnet, ..))| *subnet);
        for (found, (subnet, id, action, reason, phase)) in steps {
            let (Change::SubnetTo { before: left, .. } | Change::SubnetOut { before: left, .. }) =
                &found.change
            else {
                continue;
            };
            let target: Option<&SiteRef> = match &found.change {
                Change::SubnetTo { site, .. } => Some(site),
                _ => None,
            };
            let mut depends_on: Vec<usize> = target
                .and_then(|site| self.site(site))
                .and_then(|site| self.creates.get(&site).copied())
                .into_iter()
                .collect();
            let left: BTreeSet<SiteIndex> = left.iter().filter_map(|s| self.site(s)).collect();
            depends_on.extend(self.unconstrained(&left));
            depends_on.extend(self.fallback());
            if matches!(action, Action::DeleteSubnet { .. }) {
                // Nothing is deleted from a site while it is protected.
                depends_on.extend(left.iter().filter_map(|site| self.unprotects.get(site)));
            }
            let step = self.push(id, action, reason, phase, depends_on);
            if !before.has(subnet) && !after.has(subnet) {
                continue; // it goes, but no address with it
            }
            moves.list.insert(
                subnet,
                Move {
                    subnet,
                    step,
                    assigned: (before.has(subnet), after.has(subnet)),
                    from: before.sites_of(subnet),
                    to: after.sites_of(subnet),
                },
            );
        }
        if moves.list.is_empty() {
            return;
        }
        moves.index(&before);
        moves.carry(self.context.before, self.context.after, &before, &after);
        self.equip(&moves);
        self.nest(&moves);
        self.moves = moves;
    }

    /// An address that comes into a site, or stays in one that loses a server, finds the site's own servers there.
    fn equip(&mut self, moves: &Moves) {
        let mut more: Vec<(usize, SiteIndex)> = Vec::new();
        for one in moves.list.values() {
            if one.from != one.to {
                more.extend(one.to.iter().map(|site| (one.step, *site)));
            }
        }
        for loss in &moves.carried_out {
            more.extend(loss.steps.iter().map(|step| (*step, loss.site)));
        }
        for (step, site) in more {
            let steps: Vec<usize> = self
                .equips
                .get(&site)
                .into_iter()
                .flatten()
                .chain(self.unconstrains.get(&site))
                .copied()
                .collect();
            self.depend(step, steps);
        }
    }

    /// Prefixes that only go along with the enclosing one do so in the order in which that changes nothing; and no
    /// address is left, in between, to an enclosing prefix of a site that has no servers for it.
    fn nest(&mut self, moves: &Moves) {
        for one in moves.list.values() {
            let around = moves.around(one);
            match around.first() {
                // Its addresses go there with the enclosing prefix, servers among them, and then it changes nothing.
                Some(parent) if one.is_new() && one.to == parent.to => {
                    self.depend(one.step, [parent.step]);
                }
                // Nothing changes while the enclosing prefix is still there, and then they go together.
                Some(parent) if one.is_gone() && one.from == parent.from => {
                    self.depend(parent.step, [one.step]);
                }
                _ => {}
            }
            for outer in around {
                if one.is_new()
                    && one.to != outer.to
                    && self.loses(moves, one, self.context.after, &outer.to)
                {
                    // It is there before the enclosing one moves away below it.
                    self.depend(outer.step, [one.step]);
                }
                if one.is_gone()
                    && one.from != outer.from
                    && self.loses(moves, one, self.context.before, &outer.from)
                {
                    // It hands its addresses to where the enclosing one has gone by then.
                    self.depend(one.step, [outer.step]);
                }
            }
        }
    }

    /// Whether addresses that are served before and after would not be, while they are in these sites.
    pub(super) fn loses(
        &self,
        moves: &Moves,
        one: &Move,
        world: &World,
        between: &BTreeSet<SiteIndex>,
    ) -> bool {
        let [before, after] = &moves.inside;
        let inside = if std::ptr::eq(world, self.context.before) {
            before
        } else {
            after
        };
        // The servers that stand among them go along; in no site they serve nobody.
        let brings = |role| {
            let mut servers = inside.get(&one.subnet).into_iter().flatten();
            !between.is_empty() && servers.any(|server| world.has_role(*server, role))
        };
        KEPT.into_iter().any(|role| {
            self.serves(self.context.before, &one.from, role)
                && self.serves(self.context.after, &one.to, role)
                && !self.serves(world, between, role)
                && !brings(role)
        })
    }

    /// Whether an address in these sites has a server for a role in a world.
    fn serves(&self, world: &World, sites: &BTreeSet<SiteIndex>, role: Role) -> bool {
        let automatic = if std::ptr::eq(world, self.context.before) {
            &self.automatic_before
        } else {
            &self.automatic_after
        };
        let smp = world.platform.is_some_and(|smp| world.has_role(smp, role));
        let constrained = |site: &SiteIndex| {
            [self.context.before, self.context.after]
                .into_iter()
                .filter_map(|world| world.sites.get(*site))
                .any(|site| site.constrained != Some(false))
        };
        (smp && !sites.iter().any(constrained))
            || sites.iter().any(|site| {
                let manual = world.sites.get(*site).map(|site| &site.manual);
                manual
                    .into_iter()
                    .chain(automatic.get(site))
                    .flatten()
                    .any(|server| world.has_role(*server, role))
            })
    }

    pub(super) fn depend(&mut self, step: usize, on: impl IntoIterator<Item = usize>) {
        let Some(draft) = self.drafts.get_mut(step) else {
            return;
        };
        for on in on.into_iter().filter(|on| *on != step) {
            draft.depends_on.push(on);
            if let Some(list) = self.behind.get_mut(on) {
                list.push(step);
            }
        }
    }
}

impl Moves {
    fn index(&mut self, before: &Assigned<'_>) {
        self.parents = self.nesting(before);
        for one in self.list.values() {
            self.subnets.insert(one.step, one.subnet);
            for site in one.to.difference(&one.from) {
                self.arrivals.entry(*site).or_default().push(one.step);
            }
            for site in one.from.difference(&one.to) {
                self.departures.entry(*site).or_default().push(one.step);
            }
        }
    }

    /// For each changing prefix the nearest enclosing one, where that one changes too; a prefix between them that stays
    /// in its site keeps them apart.
    fn nesting(&self, before: &Assigned<'_>) -> BTreeMap<Subnet, Subnet> {
        let mut all: Vec<Subnet> = before
            .subnets()
            .iter()
            .chain(self.list.keys())
            .copied()
            .collect();
        all.sort_unstable();
        all.dedup();
        enclosing(&all)
            .into_iter()
            .zip(&all)
            .filter_map(|(parent, subnet)| {
                let parent = all.get(parent?)?;
                (self.list.contains_key(subnet) && self.list.contains_key(parent))
                    .then_some((*subnet, *parent))
            })
            .collect()
    }

    pub(super) fn parent(&self, one: &Move) -> Option<&Move> {
        self.list.get(self.parents.get(&one.subnet)?)
    }

    /// For each changing prefix the step that takes its addresses along: its own, or that of an enclosing prefix with
    /// which it only goes along.
    fn carriers(&self) -> BTreeMap<Subnet, usize> {
        let mut carriers: BTreeMap<Subnet, usize> = BTreeMap::new();
        let mut by_step: BTreeMap<usize, usize> = BTreeMap::new();
        // Outer prefixes come first, so an enclosing one has its carrier already.
        for one in self.list.values() {
            let along = self.parent(one).filter(|parent| {
                (one.is_new() && one.to == parent.to) || (one.is_gone() && one.from == parent.from)
            });
            let step = along
                .and_then(|parent| by_step.get(&parent.step).copied())
                .unwrap_or(one.step);
            by_step.insert(one.step, step);
            carriers.insert(one.subnet, step);
        }
        carriers
    }

    /// The enclosing prefixes to which the addresses of one may fall while it is not there: up to the first that is
    /// there all the while. Empty for one that is there all the while itself.
    fn around<'m>(&'m self, one: &'m Move) -> Vec<&'m Move> {
        let mut found: Vec<&Move> = Vec::new();
        let mut at = one;
        while (one.is_new() && !at.assigned.0) || (one.is_gone() && !at.assigned.1) {
            let Some(outer) = self.parent(at) else {
                break;
            };
            found.push(outer);
            at = outer;
        }
        found
    }

    /// The steps that may take an address of a prefix out of a site, the inner one first.
    fn leaving(&self, inner: Subnet, site: SiteIndex) -> Vec<usize> {
        let Some(one) = self.list.get(&inner) else {
            return Vec::new();
        };
        [one]
            .into_iter()
            .chain(self.around(one))
            .take_while(|one| one.from.contains(&site) && !one.to.contains(&site))
            .map(|one| one.step)
            .collect()
    }

    /// Finds which steps carry which servers from site to site, and which servers stay where they stand.
    fn carry(
        &mut self,
        world: &World,
        after_world: &World,
        before: &Assigned<'_>,
        after: &Assigned<'_>,
    ) {
        let carriers = self.carriers();
        for (subnet, step) in &carriers {
            let own = self.list.get(subnet).map(|one| (one.step, *step));
            self.along.extend(own);
        }
        for (guid, server) in &world.servers {
            for (address, _) in server.addresses.iter().flatten() {
                let was = before.holding(*address);
                let will = after.holding(*address);
                for (inside, holding) in self.inside.iter_mut().zip([was, will]) {
                    if let Some(subnet) = holding {
                        inside.entry(subnet).or_default().insert(*guid);
                    }
                }
                let sites = |world: &World, subnet: Option<Subnet>| -> BTreeSet<SiteIndex> {
                    subnet
                        .and_then(|subnet| world.subnets.get(&subnet))
                        .cloned()
                        .unwrap_or_default()
                };
                let (from, to) = (sites(world, was), sites(after_world, will));
                for site in &from & &to {
                    self.standing.entry(site).or_default().insert(*guid);
                }
                // Of the prefixes around the server the inner one decides, unless it only goes along: see `nest`.
                let inner = match (was, will) {
                    (Some(was), Some(will)) if was.encloses(will) => Some(will),
                    (Some(was), _) => Some(was),
                    (None, will) => will,
                };
                let Some(step) = inner.and_then(|inner| carriers.get(&inner)).copied() else {
                    continue;
                };
                // Where the inner one goes, the one around it has to be there, or to have moved, as well.
                let around = will.filter(|will| inner != Some(*will));
                let around = around.and_then(|will| carriers.get(&will)).copied();
                let steps: BTreeSet<usize> = [step].into_iter().chain(around).collect();
                for site in &to - &from {
                    let carried = steps.iter().map(|step| Carry {
                        step: *step,
                        server: *guid,
                    });
                    self.carried_in.entry(site).or_default().extend(carried);
                }
                for site in &from - &to {
                    let steps = inner.map_or_else(Vec::new, |inner| self.leaving(inner, site));
                    self.carried_out.push(Loss {
                        site,
                        server: *guid,
                        steps,
                    });
                }
            }
        }
    }
}
