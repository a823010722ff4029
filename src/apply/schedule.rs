//! Which step may begin next: what it depends on is over, and nobody is at work on what it writes to.
//!
//! Pure. Steps begin in the order of the plan. That order and the dependencies alone say what may be under way together
//! (*make before break* is theirs to keep); here steps are kept apart that would write over each other: a description
//! or a setting in item XML is written by reading the whole and saving the whole, and one item may hold the settings
//! of many sites.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Action, Guid, Name, SiteRef, Step, Subnet};
use crate::observe::Bindings;
use crate::profile::{Profile, Setting, SettingItem};

/// Something that a step is about. Sites, servers and packages are items, too, so one GUID names the resource and
/// its XML.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// A resource or an item.
    Item(Guid),
    /// A site that is to be created.
    Site(Name),
    /// A network, whether or not there is a subnet of it yet.
    Network(Subnet),
}

/// How a step wants a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Want {
    /// It may be there for others, too, as long as nobody changes it: a site that subnets are put into.
    Unchanged,
    /// It is changed.
    Alone,
}

/// What a step wants.
pub(super) type Wants = BTreeMap<Thing, Want>;

/// What a step that writes or waits is about.
pub(super) fn wants(action: &Action, bindings: &Bindings, profile: &Profile) -> Wants {
    let mut wants = Wants::new();
    let mut want = |thing: Thing, how: Want| {
        let known = wants.entry(thing).or_insert(how);
        *known = (*known).max(how);
    };
    let site = |of: &SiteRef| {
        let named = || Thing::Site(of.name.clone());
        bindings.site(of).map_or_else(named, Thing::Item)
    };
    let setting =
        |of: &Option<Setting>, site: Option<&SiteRef>| match of.as_ref().and_then(|of| of.item) {
            Some(SettingItem::Item(item)) => Some(Thing::Item(item)),
            Some(SettingItem::Site) => site.and_then(|of| bindings.site(of)).map(Thing::Item),
            Some(SettingItem::Task) | None => None,
        };
    match action {
        Action::CreateSite {
            name,
            description: _,
            protected: _,
        } => want(Thing::Site(name.clone()), Want::Alone),
        Action::RenameSite {
            site: of,
            before: _,
        }
        | Action::DescribeSite {
            site: of,
            before: _,
            after: _,
        }
        | Action::DeleteSite { site: of } => want(site(of), Want::Alone),
        Action::CreateSubnet { subnet, site: to } => {
            want(Thing::Network(*subnet), Want::Alone);
            want(site(to), Want::Unchanged);
        }
        Action::AssignSubnet {
            subnet,
            guid,
            before,
            site: to,
        } => {
            want(Thing::Network(*subnet), Want::Alone);
            want(Thing::Item(*guid), Want::Alone);
            for of in before.iter().chain([to]) {
                want(site(of), Want::Unchanged);
            }
        }
        Action::UnassignSubnet {
            subnet,
            guid,
            before,
        }
        | Action::DeleteSubnet {
            subnet,
            guid,
            before,
        } => {
            want(Thing::Network(*subnet), Want::Alone);
            want(Thing::Item(*guid), Want::Alone);
            for of in before {
                want(site(of), Want::Unchanged);
            }
        }
        Action::AssignServer { server, site: of } | Action::UnassignServer { server, site: of } => {
            want(Thing::Item(server.guid), Want::Alone);
            want(site(of), Want::Unchanged);
        }
        Action::AssignPackage {
            package,
            before: _,
            after: _,
            created_sites: _, // it waits for them
        }
        | Action::UpdateDistributionPoints { package } => {
            want(Thing::Item(package.guid), Want::Alone);
        }
        Action::AwaitHolders {
            package,
            servers: _,
        } => want(Thing::Item(package.guid), Want::Unchanged),
        Action::Constrain { site: of, on: _ } => {
            want(site(of), Want::Unchanged);
            if let Some(item) = setting(&profile.settings.constrain_to_site, Some(of)) {
                want(item, Want::Alone);
            }
        }
        Action::SetCaptureTarget {
            before: _,
            server: _, // only named in it
        } => {
            if let Some(item) = setting(&profile.settings.capture_target, None) {
                want(item, Want::Alone);
            }
        }
        Action::Console(_) | Action::Record(_) => {}
    }
    wants
}

/// The sites born in this run that a step names, and its own network: what it has to know of what others created.
pub(super) fn named(action: &Action, all: &Bindings) -> Bindings {
    let mut named = Bindings::default();
    let mut site = |name: &Name| {
        let born = all.sites.get(name);
        named.sites.extend(born.map(|guid| (name.clone(), *guid)));
    };
    let mut network = None;
    match action {
        Action::CreateSite {
            name,
            description: _,
            protected: _,
        } => site(name),
        Action::RenameSite {
            site: of,
            before: _,
        }
        | Action::DescribeSite {
            site: of,
            before: _,
            after: _,
        }
        | Action::DeleteSite { site: of }
        | Action::AssignServer {
            server: _,
            site: of,
        }
        | Action::UnassignServer {
            server: _,
            site: of,
        }
        | Action::Constrain { site: of, on: _ }
        | Action::Console(crate::model::ConsoleStep::Constrain { site: of, on: _ }) => {
            site(&of.name);
        }
        Action::CreateSubnet { subnet, site: to } => {
            network = Some(*subnet);
            site(&to.name);
        }
        Action::AssignSubnet {
            subnet: _,
            guid: _,
            before,
            site: to,
        } => {
            for of in before.iter().chain([to]) {
                site(&of.name);
            }
        }
        Action::UnassignSubnet {
            subnet: _,
            guid: _,
            before,
        }
        | Action::DeleteSubnet {
            subnet: _,
            guid: _,
            before,
        } => {
            for of in before {
                site(&of.name);
            }
        }
        Action::AssignPackage {
            package: _,
            before: _,
            after: _,
            created_sites,
        } => {
            for name in created_sites {
                site(name);
            }
        }
        Action::UpdateDistributionPoints { package: _ }
        | Action::AwaitHolders {
            package: _,
            servers: _,
        }
        | Action::SetCaptureTarget {
            before: _,
            server: _,
        }
        | Action::Console(_)
        | Action::Record(_) => {}
    }
    if let Some(network) = network {
        let born = all.subnets.get(&network);
        named.subnets.extend(born.map(|guid| (network, *guid)));
    }
    named
}

/// What steps under way are at work on.
#[derive(Debug, Default)]
struct Taken {
    /// How many want it unchanged; `None`: somebody has it alone.
    things: BTreeMap<Thing, Option<u32>>,
}

impl Taken {
    fn is_free(&self, wants: &Wants) -> bool {
        wants
            .iter()
            .all(|(thing, want)| match self.things.get(thing) {
                None => true,
                Some(Some(_)) => *want == Want::Unchanged,
                Some(None) => false,
            })
    }

    fn take(&mut self, wants: &Wants) {
        for (thing, want) in wants {
            let taken = self.things.entry(thing.clone()).or_insert(Some(0));
            *taken = match want {
                Want::Alone => None,
                Want::Unchanged => taken.map(|count| count + 1),
            };
        }
    }

    fn give_back(&mut self, wants: &Wants) {
        for thing in wants.keys() {
            match self.things.get_mut(thing) {
                Some(Some(count)) if *count > 1 => *count -= 1,
                _ => {
                    self.things.remove(thing);
                }
            }
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// This step cannot be tried: something that it depends on is over, and not done.
    HeldUp(usize),
    /// This step begins now.
    Begin(usize),
}

/// The steps of one pass, by their positions in the plan.
#[derive(Debug)]
pub(super) struct Schedule {
    /// For each step how many of those that it depends on are not over yet.
    before: Vec<usize>,
    behind: Vec<Vec<usize>>,
    /// Steps that depend on one which is over and not done.
    held_up: BTreeSet<usize>,
    /// Steps whose turn has come, without those that are held up.
    due: BTreeSet<usize>,
    /// Those among them that need no room.
    due_anyway: BTreeSet<usize>,
    /// Steps whose turn has come, and that are held up.
    due_held_up: BTreeSet<usize>,
    taken: Taken,
    under_way: BTreeMap<usize, Wants>,
    /// For each step whether it needs room.
    needs_room: Vec<bool>,
}

impl Schedule {
    /// A pass over steps; `over` says of those that it need not come to whether they are done, `needs_room` of each
    /// whether it counts among the steps that may be under way at once.
    pub(super) fn new(
        steps: &[Step],
        over: impl Fn(usize) -> Option<bool>,
        needs_room: impl Fn(&Step) -> bool,
    ) -> Self {
        let mut schedule = Self {
            needs_room: steps.iter().map(needs_room).collect(),
            before: vec![0; steps.len()],
            behind: vec![Vec::new(); steps.len()],
            held_up: BTreeSet::new(),
            due: BTreeSet::new(),
            due_anyway: BTreeSet::new(),
            due_held_up: BTreeSet::new(),
            taken: Taken::default(),
            under_way: BTreeMap::new(),
        };
        for (index, step) in steps.iter().enumerate() {
            if over(index).is_some() {
                continue;
            }
            let on: BTreeSet<usize> = step
                .depends_on
                .iter()
                .filter_map(|on| usize::try_from(*on).ok())
                .collect();
            for on in on {
                match over(on) {
                    Some(true) => {}
                    Some(false) => {
                        schedule.held_up.insert(index);
                    }
                    None => {
                        if let (Some(behind), Some(before)) =
                            (schedule.behind.get_mut(on), schedule.before.get_mut(index))
                        {
                            behind.push(index);
                            *before += 1;
                        }
                    }
                }
            }
            if schedule.before.get(index) == Some(&0) {
                schedule.turn(index);
            }
        }
        schedule
    }

    fn turn(&mut self, index: usize) {
        if self.held_up.contains(&index) {
            self.due_held_up.insert(index);
            return;
        }
        self.due.insert(index);
        if self.needs_room.get(index) == Some(&false) {
            self.due_anyway.insert(index);
        }
    }

    /// The next step that is over without being tried, or that begins; `None` until another one ends.
    ///
    /// `most` steps that need room may be under way; `wants` says what a step is about. A step that finds its thing
    /// taken keeps those behind it from taking it again.
    pub(super) fn next(&mut self, most: usize, wants: impl Fn(usize) -> Wants) -> Option<Next> {
        // One at a time is the order of the plan, in what is told, too.
        if most == 1 && !self.under_way.is_empty() {
            return None;
        }
        let held_up = self.due_held_up.first().copied();
        let room = self.under_way.keys();
        let room = room.filter(|index| self.needs_room.get(**index) == Some(&true));
        let due = if room.count() < most {
            &self.due
        } else {
            &self.due_anyway
        };
        let mut reserved = Taken::default();
        let mut begins = None;
        for index in due {
            if held_up.is_some_and(|held_up| held_up < *index) {
                break;
            }
            let wants = wants(*index);
            if self.taken.is_free(&wants) && reserved.is_free(&wants) {
                begins = Some((*index, wants));
                break;
            }
            reserved.take(&wants);
        }
        if let Some((index, wants)) = begins {
            self.leave(index);
            self.taken.take(&wants);
            self.under_way.insert(index, wants);
            return Some(Next::Begin(index));
        }
        let index = held_up?;
        self.leave(index);
        Some(Next::HeldUp(index))
    }

    fn leave(&mut self, index: usize) {
        self.due.remove(&index);
        self.due_anyway.remove(&index);
        self.due_held_up.remove(&index);
    }

    /// The next step of any whose turn has come: nothing begins any more.
    pub(super) fn drain(&mut self) -> Option<usize> {
        let index = self.due.union(&self.due_held_up).next().copied()?;
        self.leave(index);
        Some(index)
    }

    /// A step is over; `done` says whether those that depend on it may be tried.
    pub(super) fn end(&mut self, index: usize, done: bool) {
        if let Some(wants) = self.under_way.remove(&index) {
            self.taken.give_back(&wants);
        }
        let behind = self.behind.get_mut(index).map(std::mem::take);
        for next in behind.unwrap_or_default() {
            if !done {
                self.held_up.insert(next);
            }
            if let Some(before) = self.before.get_mut(next) {
                *before = before.saturating_sub(1);
                if *before == 0 {
                    self.turn(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{By, ServerRef, StepId};

    fn guid(number: u128) -> Guid {
        Guid::from_u128(number)
    }

    fn site(number: u128) -> SiteRef {
        SiteRef {
            name: Name::new(&format!("S{number}")),
            guid: Some(guid(number)),
        }
    }

    fn assign(server: u128, to: u128) -> Action {
        Action::AssignServer {
            server: ServerRef {
                name: Name::new("SRV"),
                guid: guid(server),
            },
            site: site(to),
        }
    }

    fn describe(of: u128) -> Action {
        Action::DescribeSite {
            site: site(of),
            before: String::new(),
            after: "x".into(),
        }
    }

    fn steps(list: Vec<(Action, &[u32])>) -> Vec<Step> {
        list.into_iter()
            .enumerate()
            .map(|(index, (action, on))| Step {
                id: StepId(index.to_string()),
                action,
                by: By::Api,
                reason: String::new(),
                depends_on: on.to_vec(),
            })
            .collect()
    }

    /// Everything that may happen now, at most `most` steps at once.
    fn go(schedule: &mut Schedule, steps: &[Step], most: usize) -> Vec<Next> {
        let profile = crate::smp::testing::profile();
        let wants = |index: usize| {
            let step = steps.get(index).unwrap();
            wants(&step.action, &Bindings::default(), &profile)
        };
        std::iter::from_fn(|| schedule.next(most, wants)).collect()
    }

    fn fresh(steps: &[Step]) -> Schedule {
        Schedule::new(steps, |_| None, |_| true)
    }

    #[test]
    fn one_at_a_time_is_the_order_of_the_plan() {
        let steps = steps(vec![
            (assign(1, 11), &[]),
            (assign(2, 11), &[0]),
            (assign(3, 11), &[]),
            (assign(4, 11), &[1]),
            (assign(5, 11), &[3, 0]),
        ]);
        let mut schedule = fresh(&steps);
        let mut told = Vec::new();
        while let [next] = go(&mut schedule, &steps, 1)[..] {
            let (Next::Begin(index) | Next::HeldUp(index)) = next;
            let went_well = matches!(next, Next::Begin(_)) && index != 1;
            schedule.end(index, went_well);
            told.push(next);
        }
        assert_eq!(
            told,
            [
                Next::Begin(0),
                Next::Begin(1),
                Next::Begin(2),
                Next::HeldUp(3),
                Next::HeldUp(4)
            ]
        );
    }

    #[test]
    fn a_step_begins_once_everything_before_it_is_done() {
        let steps = steps(vec![
            (assign(1, 11), &[]),
            (assign(2, 11), &[]),
            (assign(3, 11), &[0, 1]),
        ]);
        let mut schedule = fresh(&steps);
        assert_eq!(
            go(&mut schedule, &steps, 9),
            [Next::Begin(0), Next::Begin(1)]
        );
        schedule.end(1, true);
        assert_eq!(go(&mut schedule, &steps, 9), []);
        schedule.end(0, true);
        assert_eq!(go(&mut schedule, &steps, 9), [Next::Begin(2)]);
        // A later pass comes to what was left only.
        let mut later = Schedule::new(&steps, |index| (index < 2).then_some(true), |_| true);
        assert_eq!(go(&mut later, &steps, 9), [Next::Begin(2)]);
        let mut later = Schedule::new(&steps, |index| (index < 2).then_some(index == 0), |_| true);
        assert_eq!(go(&mut later, &steps, 9), [Next::HeldUp(2)]);
    }

    #[test]
    fn nobody_writes_to_what_another_is_at_work_on() {
        let steps = steps(vec![
            (assign(1, 11), &[]),
            (describe(11), &[]),
            (assign(2, 11), &[]),
            (assign(1, 12), &[]),
            (assign(3, 12), &[]),
        ]);
        let mut schedule = fresh(&steps);
        // Site 11 is kept for its description by then, and server 1 is taken.
        assert_eq!(
            go(&mut schedule, &steps, 9),
            [Next::Begin(0), Next::Begin(4)]
        );
        schedule.end(0, true);
        assert_eq!(
            go(&mut schedule, &steps, 9),
            [Next::Begin(1), Next::Begin(3)]
        );
        schedule.end(1, true);
        assert_eq!(go(&mut schedule, &steps, 9), [Next::Begin(2)]);
    }

    #[test]
    fn settings_of_many_sites_in_one_item_are_written_one_after_the_other() {
        let constrain = |of| Action::Constrain {
            site: site(of),
            on: true,
        };
        let mut profile = crate::smp::testing::profile();
        let setting = profile.settings.constrain_to_site.as_mut().unwrap();
        setting.item = Some(SettingItem::Item(guid(99)));
        let bindings = Bindings::default();
        let one = wants(&constrain(11), &bindings, &profile);
        let other = wants(&constrain(12), &bindings, &profile);
        let mut taken = Taken::default();
        taken.take(&one);
        assert!(!taken.is_free(&other));
        taken.give_back(&one);
        assert!(taken.is_free(&other));
        let setting = profile.settings.constrain_to_site.as_mut().unwrap();
        setting.item = Some(SettingItem::Site);
        taken.take(&wants(&constrain(11), &bindings, &profile));
        assert!(taken.is_free(&wants(&constrain(12), &bindings, &profile)));
        // The item of a site is the site: what is put into it meanwhile would be saved over.
        assert!(!taken.is_free(&wants(&assign(1, 11), &bindings, &profile)));
    }

    #[test]
    fn what_only_waits_needs_no_room() {
        let steps = steps(vec![
            (assign(1, 11), &[]),
            (assign(2, 11), &[]),
            (assign(3, 11), &[]),
            (assign(4, 11), &[]),
        ]);
        let mut schedule = Schedule::new(&steps, |_| None, |step| step.id.0 != "3");
        assert_eq!(
            go(&mut schedule, &steps, 2),
            [Next::Begin(0), Next::Begin(1), Next::Begin(3)]
        );
        schedule.end(3, true);
        assert_eq!(go(&mut schedule, &steps, 2), []);
        schedule.end(0, true);
        assert_eq!(go(&mut schedule, &steps, 2), [Next::Begin(2)]);
    }
}
