//! Where all servers of a site stand in it and move along with subnets, rules alone do not keep every address served:
//! here such moves are tried out in the prediction, and put into one order where not every order will do.
//!
//! Pure. Moves that share sites or lie in each other are judged together. What no order keeps served is told, site by
//! site, and so is what is too much to try out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::moves::{KEPT, Move, Moves};
use super::steps::{Builder, Context};
use crate::model::{Action, ConsoleStep, Guid, Role, Subnet};
use crate::select::{Selector, SiteIndex, World, WorldSite};

/// With so few moves, every set of them that may be done is tried out.
const EVERY_ORDER: usize = 8;
/// With more moves than this, nothing is.
const ANY_ORDER: usize = 48;
/// How many sets of moves are tried out in search of an order.
const TRIES: usize = 3_000;

/// What the steps cannot promise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unkept {
    /// Sites whose addresses may be without a server between two steps.
    pub sites: BTreeSet<SiteIndex>,
    /// Roles that addresses in no site lack while there are some sites and not yet, or no longer, all.
    pub outside: BTreeSet<Role>,
}

/// Moves that are judged together, by step.
type Group = BTreeSet<usize>;

/// A part of the world in which a group of moves plays, with what must stay served in it.
struct Stage {
    before: World,
    addresses: BTreeSet<Ipv4Addr>,
    kept: BTreeSet<(Ipv4Addr, Role)>,
    /// For each move everything that is done once it is.
    closure: BTreeMap<usize, BTreeSet<usize>>,
}

impl Builder<'_> {
    /// Puts moves that depend on each other's servers into an order in which every address stays served.
    ///
    /// `hard` holds for each draft how many of its dependencies are no mere preferences.
    pub(super) fn keep(&mut self, hard: &[usize]) {
        let moves = std::mem::take(&mut self.moves);
        self.unkept.outside = self.unserved_outside(&moves);
        for group in self.groups(&moves) {
            if group.len() > ANY_ORDER {
                self.unkept.sites.extend(
                    group
                        .iter()
                        .filter_map(|step| moves.by_step(*step))
                        .flat_map(|one| one.from.union(&one.to).copied()),
                );
                continue;
            }
            let stage = self.stage(&moves, &group);
            if group.len() <= EVERY_ORDER && self.every_order_keeps(&stage, &group) {
                continue;
            }
            // Preferences give way to an order that was tried out.
            for step in &group {
                if let (Some(draft), Some(hard)) = (self.drafts.get_mut(*step), hard.get(*step)) {
                    draft.depends_on.truncate(*hard);
                }
            }
            let stage = self.stage(&moves, &group);
            let order = self.find_order(&stage, &group);
            let mut done = BTreeSet::new();
            for step in &order {
                done.insert(*step);
                let lost = self.lost(&stage, &done);
                self.unkept.sites.extend(self.sites_around(lost));
            }
            for pair in order.windows(2) {
                if let [first, then] = pair {
                    self.depend(*then, [*first]);
                }
            }
        }
        self.moves = moves;
    }

    /// Roles that no order keeps for addresses in no site: the first subnet that comes into a site sends every other
    /// address from all servers to the SMP itself, by one reading, and the last but one that leaves all sites too.
    fn unserved_outside(&self, moves: &Moves) -> BTreeSet<Role> {
        let Context { before, after } = self.context;
        let has_sites = |world: &World| world.subnets.values().any(|sites| !sites.is_empty());
        if moves.list.len() < 2 || (has_sites(before) && has_sites(after)) {
            return BTreeSet::new();
        }
        KEPT.into_iter()
            .filter(|role| {
                let smp = before
                    .platform
                    .is_some_and(|smp| before.has_role(smp, *role));
                !smp && before
                    .servers
                    .keys()
                    .any(|server| before.has_role(*server, *role))
            })
            .collect()
    }

    /// Groups of moves that share sites or lie in each other, those only in which a site depends on servers that move.
    fn groups(&self, moves: &Moves) -> Vec<Group> {
        let risky: BTreeSet<SiteIndex> = moves
            .carried_in
            .keys()
            .copied()
            .chain(moves.carried_out.iter().map(|loss| loss.site))
            .filter(|site| {
                KEPT.into_iter()
                    .any(|role| self.hangs_on_moves(moves, *site, role))
            })
            .collect();
        if risky.is_empty() {
            return Vec::new();
        }
        let mut by_site: BTreeMap<SiteIndex, Vec<usize>> = BTreeMap::new();
        let mut links: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for one in moves.list.values() {
            for site in one.from.union(&one.to) {
                by_site.entry(*site).or_default().push(one.step);
            }
            if let Some(parent) = moves.parent(one) {
                links.entry(one.step).or_default().push(parent.step);
                links.entry(parent.step).or_default().push(one.step);
            }
        }
        let mut seen = BTreeSet::new();
        let mut groups = Vec::new();
        for site in risky {
            let mut open: Vec<usize> = by_site.get(&site).cloned().unwrap_or_default();
            let mut group = Group::new();
            while let Some(step) = open.pop() {
                if !seen.insert(step) {
                    continue;
                }
                group.insert(step);
                open.extend(links.get(&step).into_iter().flatten());
                if let Some(one) = moves.by_step(step) {
                    // A site is looked at once: it has many moves, and they all are in the group by then.
                    for site in one.from.union(&one.to) {
                        open.extend(by_site.remove(site).into_iter().flatten());
                    }
                }
            }
            if group.len() > 1 {
                groups.push(group);
            }
        }
        groups
    }

    /// Whether a site has a role only as long as servers move as they should.
    fn hangs_on_moves(&self, moves: &Moves, site: SiteIndex, role: Role) -> bool {
        let Context { before, after } = self.context;
        let serves = |server| before.has_role(server, role) || after.has_role(server, role);
        let carried = moves
            .carried_in
            .get(&site)
            .is_some_and(|carried| carried.iter().any(|carry| serves(carry.server)))
            || moves
                .carried_out
                .iter()
                .any(|loss| loss.site == site && serves(loss.server));
        carried && !self.sure(moves, site, role) && !self.falls_back(site, role)
    }

    /// The part of the world that a group of moves plays in.
    fn stage(&self, moves: &Moves, group: &Group) -> Stage {
        let Context { before, after } = self.context;
        let scene = Scene::new(moves, group);
        let (mut start, mut end) = (scene.part(before, after), scene.part(after, after));
        let assigned = before.assigned();
        for (guid, server) in &before.servers {
            let belongs = [before, after]
                .into_iter()
                .any(|world| scene.assigns(world, *guid))
                || [&self.automatic_before, &self.automatic_after]
                    .into_iter()
                    .any(|standing| scene.holds(standing, *guid));
            let own: Vec<Ipv4Addr> = server
                .addresses
                .iter()
                .flatten()
                .map(|(at, _)| *at)
                .collect();
            let (inside, still): (Vec<Ipv4Addr>, Vec<Ipv4Addr>) =
                own.into_iter().partition(|address| scene.moves(*address));
            if !belongs && inside.is_empty() && before.platform != Some(*guid) {
                continue;
            }
            for (world, part) in [(before, &mut start), (after, &mut end)] {
                let server = world.servers.get(guid);
                part.servers
                    .extend(server.map(|server| (*guid, server.clone())));
                // Where nothing of the group moves it, it counts as assigned.
                for address in &still {
                    let sites = assigned
                        .holding(*address)
                        .and_then(|s| before.subnets.get(&s));
                    for site in sites
                        .into_iter()
                        .flatten()
                        .filter(|s| scene.sites.contains(s))
                    {
                        if let Some(site) = part.sites.get_mut(*site) {
                            site.manual.insert(*guid);
                        }
                    }
                }
            }
        }
        let addresses: BTreeSet<Ipv4Addr> = start
            .subnets
            .keys()
            .chain(end.subnets.keys())
            .map(|subnet| subnet.range())
            .flat_map(|(first, last)| [Some(first), last.checked_add(1)])
            .flatten()
            .map(Ipv4Addr::from)
            .collect();
        let mut kept = &served(&start, &addresses) & &served(&end, &addresses);
        kept.retain(|(_, role)| !self.unkept.outside.contains(role));
        let closure = group
            .iter()
            .map(|step| (*step, self.waits_for(*step)))
            .collect();
        Stage {
            before: start,
            addresses,
            kept,
            closure,
        }
    }

    /// The world of a stage once some moves are done, and nothing else but what they wait for.
    fn reached(&self, stage: &Stage, done: &BTreeSet<usize>) -> World {
        let mut world = stage.before.clone();
        let all: BTreeSet<usize> = done
            .iter()
            .filter_map(|step| stage.closure.get(step))
            .flatten()
            .copied()
            .collect();
        for step in all {
            if let Some(draft) = self.drafts.get(step) {
                self.happen(&mut world, &draft.action);
            }
        }
        world
    }

    /// Lets a step happen in a world, as far as server selection sees it.
    fn happen(&self, world: &mut World, action: &Action) {
        match action {
            Action::CreateSubnet { subnet, site } | Action::AssignSubnet { subnet, site, .. } => {
                world
                    .subnets
                    .insert(*subnet, self.site(site).into_iter().collect());
            }
            Action::UnassignSubnet { subnet, before, .. }
            | Action::DeleteSubnet { subnet, before, .. } => {
                if let Some(sites) = world.subnets.get_mut(subnet) {
                    for site in before {
                        if let Some(site) = self.site(site) {
                            sites.remove(&site);
                        }
                    }
                }
            }
            Action::AssignServer { server, site } => {
                if let Some(site) = self.site(site).and_then(|site| world.sites.get_mut(site)) {
                    site.manual.insert(server.guid);
                }
            }
            Action::Console(ConsoleStep::InstallRole { server, role }) => {
                if let Some(server) = world.servers.get_mut(&server.guid) {
                    server.roles.get_or_insert_default().insert(*role);
                }
            }
            Action::Console(ConsoleStep::Constrain { site, on: false })
            | Action::Constrain { site, on: false } => {
                if let Some(site) = self.site(site).and_then(|site| world.sites.get_mut(site)) {
                    site.constrained = Some(false);
                }
            }
            // What takes something comes after everything that moves away from it.
            Action::UnassignServer { .. }
            | Action::CreateSite { .. }
            | Action::RenameSite { .. }
            | Action::DescribeSite { .. }
            | Action::DeleteSite { .. }
            | Action::AssignPackage { .. }
            | Action::UpdateDistributionPoints { .. }
            | Action::AwaitHolders { .. }
            | Action::Constrain { .. }
            | Action::SetCaptureTarget { .. }
            | Action::Console(
                ConsoleStep::Constrain { .. }
                | ConsoleStep::InstallPlugIn { .. }
                | ConsoleStep::CaptureTarget { .. }
                | ConsoleStep::InvalidSubnets { .. }
                | ConsoleStep::ConfirmHolder { .. },
            )
            | Action::Record(_) => {}
        }
    }

    /// Addresses that must stay served and are not, once some moves are done.
    fn lost(&self, stage: &Stage, done: &BTreeSet<usize>) -> BTreeSet<(Ipv4Addr, Role)> {
        &stage.kept - &served(&self.reached(stage, done), &stage.addresses)
    }

    /// The sites of addresses, before and after.
    fn sites_around(&self, lost: BTreeSet<(Ipv4Addr, Role)>) -> BTreeSet<SiteIndex> {
        let (before, after) = (
            self.context.before.assigned(),
            self.context.after.assigned(),
        );
        lost.into_iter()
            .map(|(address, _)| Subnet::host(address))
            .flat_map(|host| [before.sites_of(host), after.sites_of(host)])
            .flatten()
            .collect()
    }

    /// Tries out every set of moves that may be done when nothing else of the group is.
    fn every_order_keeps(&self, stage: &Stage, group: &Group) -> bool {
        let mut seen = BTreeSet::from([BTreeSet::new()]);
        let mut open = vec![BTreeSet::new()];
        while let Some(done) = open.pop() {
            for step in free(stage, group, &done) {
                let mut next = done.clone();
                next.insert(step);
                if seen.insert(next.clone()) {
                    if !self.lost(stage, &next).is_empty() {
                        return false;
                    }
                    open.push(next);
                }
            }
        }
        true
    }

    /// An order of a group in which nothing is lost, or, where none is found, one that loses little.
    fn find_order(&self, stage: &Stage, group: &Group) -> Vec<usize> {
        let mut dead: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
        let mut order: Vec<usize> = Vec::new();
        let mut done = BTreeSet::new();
        let mut tries = 0;
        while done.len() < group.len() && tries < TRIES {
            let next = free(stage, group, &done).into_iter().find(|step| {
                let mut next = done.clone();
                next.insert(*step);
                if dead.contains(&next) {
                    return false;
                }
                tries += 1;
                let keeps = self.lost(stage, &next).is_empty();
                if !keeps {
                    dead.insert(next);
                }
                keeps
            });
            if let Some(step) = next {
                order.push(step);
                done.insert(step);
                continue;
            }
            dead.insert(done.clone());
            let Some(last) = order.pop() else {
                break; // nothing can be done first
            };
            done.remove(&last);
        }
        if done.len() == group.len() {
            return order;
        }
        // Step by step whatever loses least.
        let mut order = Vec::new();
        let mut done = BTreeSet::new();
        while done.len() < group.len() {
            let Some(step) = free(stage, group, &done).into_iter().min_by_key(|step| {
                let mut next = done.clone();
                next.insert(*step);
                self.lost(stage, &next).len()
            }) else {
                break; // dependencies among moves are no circle
            };
            order.push(step);
            done.insert(step);
        }
        order
    }
}

/// A group of moves, and the sites between which they go.
struct Scene<'m> {
    members: Vec<&'m Move>,
    sites: BTreeSet<SiteIndex>,
}

impl<'m> Scene<'m> {
    fn new(moves: &'m Moves, group: &Group) -> Self {
        let members: Vec<&Move> = group
            .iter()
            .filter_map(|step| moves.by_step(*step))
            .collect();
        let sites = members
            .iter()
            .flat_map(|one| one.from.union(&one.to).copied())
            .collect();
        Self { members, sites }
    }

    /// Whether a prefix lies around or inside one that moves.
    fn is_near(&self, subnet: Subnet) -> bool {
        self.members
            .iter()
            .any(|one| one.subnet.encloses(subnet) || subnet.encloses(one.subnet))
    }

    /// Whether an address may move.
    fn moves(&self, address: Ipv4Addr) -> bool {
        self.members.iter().any(|one| one.subnet.contains(address))
    }

    /// Whether a server is assigned to one of the sites.
    fn assigns(&self, world: &World, server: Guid) -> bool {
        self.sites
            .iter()
            .filter_map(|site| world.sites.get(*site))
            .any(|site| site.manual.contains(&server))
    }

    /// Whether a server is among those of one of the sites.
    fn holds(&self, standing: &BTreeMap<SiteIndex, BTreeSet<Guid>>, server: Guid) -> bool {
        self.sites
            .iter()
            .filter_map(|site| standing.get(site))
            .any(|servers| servers.contains(&server))
    }

    /// The sites and subnets that play a part; indices of sites stay as they are in `after`.
    fn part(&self, world: &World, after: &World) -> World {
        let mut part = World {
            platform: world.platform,
            ..World::default()
        };
        for (index, later) in after.sites.iter().enumerate() {
            let site = world.sites.get(index);
            part.sites.push(WorldSite {
                name: later.name.clone(),
                guid: None,
                declared: None,
                manual: site
                    .filter(|_| self.sites.contains(&index))
                    .map(|site| site.manual.clone())
                    .unwrap_or_default(),
                // One that is yet to be created is empty.
                constrained: site.map_or(Some(false), |site| site.constrained),
            });
        }
        let (near, far): (Vec<_>, Vec<_>) = world
            .subnets
            .iter()
            .partition(|(subnet, _)| self.is_near(**subnet));
        // What is not near stays where it is: of addresses in the same sites, some stand for all. One subnet more
        // says that there are sites at all.
        let mut known: BTreeSet<&BTreeSet<SiteIndex>> = BTreeSet::new();
        let concerned = far
            .iter()
            .filter(|(_, sites)| sites.is_empty() || !sites.is_disjoint(&self.sites))
            .filter(|(_, sites)| known.insert(sites));
        let any = far.iter().find(|(_, sites)| !sites.is_empty());
        part.subnets = near
            .iter()
            .chain(concerned)
            .chain(any)
            .map(|(subnet, sites)| (**subnet, BTreeSet::clone(sites)))
            .collect();
        part
    }
}

/// Moves of a group whose dependencies within the group are done.
fn free(stage: &Stage, group: &Group, done: &BTreeSet<usize>) -> Vec<usize> {
    group
        .difference(done)
        .copied()
        .filter(|step| {
            stage.closure.get(step).is_some_and(|closure| {
                closure
                    .intersection(group)
                    .all(|on| on == step || done.contains(on))
            })
        })
        .collect()
}

fn served(world: &World, addresses: &BTreeSet<Ipv4Addr>) -> BTreeSet<(Ipv4Addr, Role)> {
    let selector = Selector::new(world);
    let mut all = BTreeSet::new();
    for address in addresses {
        let served = selector.at(*address);
        for role in KEPT {
            if served.of(role).is_some_and(|s| s.choice.is_served()) {
                all.insert((*address, role));
            }
        }
    }
    all
}
