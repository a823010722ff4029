//! A plan for some objects only: changes × the objects that are named → the changes that are kept, and a word on the rest.
//!
//! Pure. What is kept is closed under what it depends on, what is dropped under what depends on it, so that the steps of
//! what is kept are a plan of their own: order, impact and findings are made of them alone, not cut out of the whole.

use std::collections::{BTreeMap, BTreeSet};

use super::{Note, Severity, Standing, Tally, tally};
use crate::diff::{Blocked, Change, Found, Takeover};
use crate::model::{
    Action, ConsoleStep, Desired, Guid, Name, Object, Ownership, PackageSelector, PlugIn, Record,
    Role, SiteRef, Snapshot, Step, StepGroup, Subnet, is_unattended,
};

/// The id of the note that says that a plan is partial.
pub(super) const PARTIAL: &str = "partial-plan";

/// How the plan names what is global to an SMP.
const SETTINGS: &str = "DS and core settings";

/// Which objects a plan is for; all where nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// These and what they depend on; every object where there is none.
    pub targets: BTreeSet<Object>,
    /// Not these and not what depends on them.
    pub excludes: BTreeSet<Object>,
    /// Only what may be done with nobody at hand, these groups of steps and what needs no leave; anything where it is
    /// `None`. What depends on something else waits with it.
    pub unattended: Option<BTreeSet<StepGroup>>,
}

/// A name that no declaration, no plan and no server knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is called `{object}`: it is neither declared nor on the server")]
pub struct UnknownObject {
    /// What was named.
    pub object: Object,
    /// Names of that kind that are like it, best first; mostly few or none.
    pub near: Vec<String>,
}

impl Narrowing {
    /// Whether it leaves everything as it is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty() && self.unattended.is_none()
    }

    /// Makes sure that every object is one: a slip of the pen must not narrow a plan to nothing.
    ///
    /// `platform` is the name by which manifests speak of the SMP's settings.
    ///
    /// # Errors
    /// [`UnknownObject`], for the first name that is none.
    pub fn check(
        &self,
        desired: &Desired,
        snapshot: &Snapshot,
        ownership: &Ownership,
        platform: &Name,
    ) -> Result<(), UnknownObject> {
        if self.is_none() {
            return Ok(());
        }
        let known = known(desired, snapshot, ownership, platform);
        for object in self.targets.iter().chain(&self.excludes) {
            if let Object::Site(name) = object
                && let Some(declared) = desired.renamed(name)
            {
                let (object, near) = (object.clone(), vec![format!("Site/{declared}")]);
                return Err(UnknownObject { object, near });
            }
            let is_known = match object {
                Object::Settings(_) => known.contains(object),
                object => known.contains(object) || known.iter().any(|one| one.is(object)),
            };
            if !is_known {
                return Err(UnknownObject {
                    object: object.clone(),
                    near: near(object, &known),
                });
            }
        }
        Ok(())
    }

    fn excludes(&self, objects: &[Object]) -> bool {
        named(&self.excludes, objects)
    }

    fn targets(&self, objects: &[Object]) -> bool {
        named(&self.targets, objects)
    }
}

fn named(set: &BTreeSet<Object>, objects: &[Object]) -> bool {
    objects
        .iter()
        .any(|object| set.contains(object) || set.iter().any(|one| one.is(object)))
}

/// Every object that there is: declared, on the server, or remembered.
fn known(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    platform: &Name,
) -> BTreeSet<Object> {
    let sites = snapshot.sites.known().into_iter().flatten();
    let subnets = snapshot.subnets.known().into_iter().flatten();
    let packages = snapshot.packages.known().into_iter().flatten();
    let mut known: BTreeSet<Object> = sites
        .map(|site| Object::Site(site.name.clone()))
        .chain(subnets.filter_map(|of| of.subnet.clone().ok().map(Object::Subnet)))
        .chain(packages.map(|package| Object::Package(package.name.clone())))
        .collect();
    let computers = snapshot.computers.values();
    known.extend(computers.map(|computer| Object::Server(computer.name.clone())));
    for site in desired.sites.values() {
        known.insert(Object::Site(site.name.clone()));
        let subnets = site.subnets.iter().flat_map(BTreeMap::keys);
        known.extend(subnets.map(|subnet| Object::Subnet(*subnet)));
        let servers = site.servers.iter().flat_map(BTreeMap::keys);
        known.extend(servers.map(|server| Object::Server(server.clone())));
    }
    known.extend(desired.servers.keys().cloned().map(Object::Server));
    for selector in desired.packages.keys() {
        if let PackageSelector::Name(name) = selector {
            known.insert(Object::Package(name.clone()));
        }
    }
    let owned = ownership.sites.values();
    known.extend(owned.map(|of| Object::Site(of.name.clone())));
    let owned = ownership.subnets.values();
    known.extend(owned.filter_map(|of| of.name.as_str().parse().ok().map(Object::Subnet)));
    known.insert(Object::Settings(platform.clone()));
    known.insert(Object::Settings(Name::new(SETTINGS)));
    known
}

/// Objects of the same kind whose names are like the one that was written.
fn near(object: &Object, known: &BTreeSet<Object>) -> Vec<String> {
    const LISTED: usize = 3;
    let written = object.to_string().to_lowercase();
    let kind = std::mem::discriminant(object);
    let mut found: Vec<(usize, String)> = known
        .iter()
        .filter(|one| std::mem::discriminant(*one) == kind)
        .map(|one| {
            let text = one.to_string();
            let distance = strsim::damerau_levenshtein(&written, &text.to_lowercase());
            (distance, text)
        })
        .filter(|(distance, text)| *distance <= 1 + text.chars().count() / 4)
        .collect();
    found.sort();
    found
        .into_iter()
        .take(LISTED)
        .map(|(_, text)| text)
        .collect()
}

/// What a change and the steps that make it have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Create(Name),
    Rename(SiteRef),
    Describe(SiteRef),
    Constrain(SiteRef),
    Delete(SiteRef),
    Subnet(Subnet, Option<Guid>),
    Assignment(Guid, SiteRef),
    Role(Guid, Role),
    PlugIn(Guid, PlugIn),
    Package(Guid),
    CaptureTarget,
    InvalidSubnets,
    /// What we remember of a resource, and nothing on the server.
    Record(Guid),
    Protect(Guid),
}

/// What a change does, and the objects that it is about: its own, and those that lose or give something by it.
struct About {
    key: Key,
    own: Vec<Object>,
    others: Vec<Object>,
}

fn site(site: &SiteRef) -> Object {
    Object::Site(site.name.clone())
}

fn sites(list: &[SiteRef]) -> Vec<Object> {
    list.iter().map(site).collect()
}

/// A subnet by its name, which need not be a network.
fn subnet_named(name: &Name) -> Vec<Object> {
    let subnet = name.as_str().parse().ok();
    subnet.map(Object::Subnet).into_iter().collect()
}

fn about(change: &Change) -> About {
    let of = |key, own| About {
        key,
        own,
        others: Vec::new(),
    };
    let settings = || vec![Object::Settings(Name::new(SETTINGS))];
    match change {
        Change::CreateSite { name, .. } => {
            of(Key::Create(name.clone()), vec![Object::Site(name.clone())])
        }
        Change::RenameSite { site: on, .. } => of(Key::Rename(on.clone()), vec![site(on)]),
        Change::DescribeSite { site: on, .. } => of(Key::Describe(on.clone()), vec![site(on)]),
        Change::Constrain { site: on, .. } => of(Key::Constrain(on.clone()), vec![site(on)]),
        Change::DeleteSite { site: on } => of(Key::Delete(on.clone()), vec![site(on)]),
        Change::SubnetTo {
            subnet,
            guid,
            before,
            site: to,
        } => About {
            key: Key::Subnet(*subnet, *guid),
            own: vec![Object::Subnet(*subnet), site(to)],
            others: sites(before),
        },
        Change::SubnetOut {
            subnet,
            guid,
            before,
            ..
        } => {
            let mut own = sites(before);
            own.push(Object::Subnet(*subnet));
            of(Key::Subnet(*subnet, Some(*guid)), own)
        }
        Change::ServerTo { server, site: on } | Change::ServerOut { server, site: on } => About {
            key: Key::Assignment(server.guid, on.clone()),
            own: vec![site(on)],
            others: vec![Object::Server(server.name.clone())],
        },
        Change::Role { server, role, .. } => of(
            Key::Role(server.guid, *role),
            vec![Object::Server(server.name.clone())],
        ),
        Change::PlugIn { server, plug_in } => of(
            Key::PlugIn(server.guid, *plug_in),
            vec![Object::Server(server.name.clone())],
        ),
        Change::Package { package, sites, .. } => About {
            key: Key::Package(package.guid),
            own: vec![Object::Package(package.name.clone())],
            others: sites.iter().cloned().map(Object::Site).collect(),
        },
        Change::Distribute { package } => of(
            Key::Package(package.guid),
            vec![Object::Package(package.name.clone())],
        ),
        Change::CaptureTarget { after, .. } => About {
            key: Key::CaptureTarget,
            own: settings(),
            others: vec![Object::Server(after.name.clone())],
        },
        Change::InvalidSubnets { .. } => of(Key::InvalidSubnets, settings()),
        Change::AdoptSite { site, .. } | Change::ReleaseSite { site, .. } => of(
            Key::Record(site.guid),
            vec![Object::Site(site.name.clone())],
        ),
        Change::AdoptSubnet { subnet, guid } => {
            of(Key::Record(*guid), vec![Object::Subnet(*subnet)])
        }
        Change::ReleaseSubnet { name, guid, .. } => of(Key::Record(*guid), subnet_named(name)),
        Change::Protect { site, .. } => of(
            Key::Protect(site.guid),
            vec![Object::Site(site.name.clone())],
        ),
    }
}

/// The key of the change that a step makes; `None` for what no change asks for.
fn key(action: &Action) -> Option<Key> {
    Some(match action {
        Action::CreateSite { name, .. } => Key::Create(name.clone()),
        Action::RenameSite { site, .. } => Key::Rename(site.clone()),
        Action::DescribeSite { site, .. } => Key::Describe(site.clone()),
        Action::DeleteSite { site } => Key::Delete(site.clone()),
        Action::CreateSubnet { subnet, .. } => Key::Subnet(*subnet, None),
        Action::AssignSubnet { subnet, guid, .. }
        | Action::UnassignSubnet { subnet, guid, .. }
        | Action::DeleteSubnet { subnet, guid, .. } => Key::Subnet(*subnet, Some(*guid)),
        Action::AssignServer { server, site } | Action::UnassignServer { server, site } => {
            Key::Assignment(server.guid, site.clone())
        }
        Action::AssignPackage { package, .. }
        | Action::UpdateDistributionPoints { package }
        | Action::AwaitHolders { package, .. }
        | Action::Console(ConsoleStep::ConfirmHolder { package, .. }) => Key::Package(package.guid),
        Action::Constrain { site, .. } | Action::Console(ConsoleStep::Constrain { site, .. }) => {
            Key::Constrain(site.clone())
        }
        Action::SetCaptureTarget { .. } | Action::Console(ConsoleStep::CaptureTarget { .. }) => {
            Key::CaptureTarget
        }
        Action::Console(ConsoleStep::InstallRole { server, role }) => Key::Role(server.guid, *role),
        Action::Console(ConsoleStep::InstallPlugIn { server, plug_in }) => {
            Key::PlugIn(server.guid, *plug_in)
        }
        Action::Console(ConsoleStep::InvalidSubnets { .. }) => Key::InvalidSubnets,
        Action::Record(record) => match record {
            Record::AdoptSite { site, .. } | Record::ReleaseSite { site, .. } => {
                Key::Record(site.guid)
            }
            Record::AdoptSubnet { guid, .. } | Record::ReleaseSubnet { guid, .. } => {
                Key::Record(*guid)
            }
            Record::Protect { site, .. } => Key::Protect(site.guid),
            Record::AcceptFewer { .. } | Record::Override { .. } | Record::Thaw { .. } => {
                return None;
            }
        },
    })
}

/// Keys, each with those that a step of it names in `depends_on`; or the other way round.
type Graph = BTreeMap<Key, BTreeSet<Key>>;

/// Which changes wait for which, by their steps.
fn graphs(steps: &[Step]) -> (Graph, Graph) {
    let keys: Vec<Option<Key>> = steps.iter().map(|step| key(&step.action)).collect();
    let (mut ahead, mut behind) = (Graph::new(), Graph::new());
    for (step, of) in steps.iter().zip(&keys) {
        let on = step.depends_on.iter();
        let on = on.filter_map(|on| keys.get(usize::try_from(*on).ok()?)?.as_ref());
        for on in on {
            if let Some(of) = of {
                ahead.entry(of.clone()).or_default().insert(on.clone());
                behind.entry(on.clone()).or_default().insert(of.clone());
            }
        }
    }
    (ahead, behind)
}

/// Everything that is reached from some keys, they themselves included.
fn reached(from: BTreeSet<Key>, graph: &Graph) -> BTreeSet<Key> {
    let mut found = from.clone();
    let mut open: Vec<Key> = from.into_iter().collect();
    while let Some(key) = open.pop() {
        for next in graph.get(&key).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

/// Keeps the changes of what is named and of what that depends on; drops those of what is excluded and of what depends
/// on it. `steps` are those of all changes.
pub(super) fn narrow(changes: Vec<Found>, steps: &[Step], narrowing: &Narrowing) -> Vec<Found> {
    let abouts: Vec<About> = changes.iter().map(|found| about(&found.change)).collect();
    let (mut ahead, mut behind) = graphs(steps);
    for about in &abouts {
        // A subnet that is moved becomes ours, and one that stays where it is stays remembered as it was.
        if let Key::Subnet(_, Some(guid)) = &about.key {
            let record = Key::Record(*guid);
            for graph in [&mut ahead, &mut behind] {
                let next = graph.entry(about.key.clone()).or_default();
                next.insert(record.clone());
            }
        }
    }
    let keys_of = |is: &dyn Fn(&About) -> bool| -> BTreeSet<Key> {
        let chosen = abouts.iter().filter(|about| is(about));
        chosen.map(|about| about.key.clone()).collect()
    };
    let mut dropped =
        keys_of(&|about| narrowing.excludes(&about.own) || narrowing.excludes(&about.others));
    if let Some(groups) = &narrowing.unattended {
        // One step that somebody has to see to leaves all of its change to him.
        let attended = steps.iter().filter(|step| !is_unattended(step, groups));
        dropped.extend(attended.filter_map(|step| key(&step.action)));
    }
    let dropped = reached(dropped, &behind);
    let targets = if narrowing.targets.is_empty() {
        keys_of(&|_| true)
    } else {
        let mut wanted = keys_of(&|about| narrowing.targets(&about.own));
        // What is dropped needs nothing.
        wanted.retain(|key| !dropped.contains(key));
        reached(wanted, &ahead)
    };
    changes
        .into_iter()
        .zip(abouts)
        .filter(|(_, about)| targets.contains(&about.key) && !dropped.contains(&about.key))
        .map(|(found, _)| found)
        .collect()
}

/// The takeovers that are refused, of what is kept: nobody needs leave for what is not done.
pub(super) fn refused(
    refused: BTreeMap<Subnet, Takeover>,
    desired: &Desired,
    narrowing: &Narrowing,
) -> BTreeMap<Subnet, Takeover> {
    if let Some(groups) = &narrowing.unattended
        && !groups.contains(&StepGroup::Takeover)
    {
        // They wait for a person, and hold up nothing else.
        return BTreeMap::new();
    }
    let about = |subnet: &Subnet| -> Vec<Object> {
        let declaring = desired.sites.values().filter(|site| {
            let mut subnets = site.subnets.iter();
            subnets.any(|subnets| subnets.contains_key(subnet))
        });
        let mut objects: Vec<Object> = declaring
            .map(|site| Object::Site(site.name.clone()))
            .collect();
        objects.push(Object::Subnet(*subnet));
        objects
    };
    refused
        .into_iter()
        .filter(|(subnet, _)| {
            let objects = about(subnet);
            (narrowing.targets.is_empty() || narrowing.targets(&objects))
                && !narrowing.excludes(&objects)
        })
        .collect()
}

/// Whether what is blocked concerns what is kept: it is about an object that is named or changed, and about none that
/// is left out. What cannot be told of single objects, such as a list that could not be read, concerns everything.
pub(super) fn concerns(blocked: &Blocked, kept: &[Found], narrowing: &Narrowing) -> bool {
    let objects = &blocked.about;
    if objects.is_empty() {
        return true;
    }
    if narrowing.excludes(objects) {
        return false;
    }
    let is_kept = || {
        let kept = kept.iter().map(|found| about(&found.change));
        let changed: BTreeSet<Object> = kept
            .flat_map(|about| [about.own, about.others])
            .flatten()
            .collect();
        named(&changed, objects)
    };
    narrowing.targets.is_empty() || narrowing.targets(objects) || is_kept()
}

/// Says that a plan is not for everything, and what is left out of it.
pub(super) fn said(narrowing: &Narrowing, all: &[Step], kept: &[Step]) -> Note {
    let ids: BTreeSet<_> = kept.iter().map(|step| &step.id).collect();
    let left_out: Vec<Step> = all
        .iter()
        .filter(|step| !ids.contains(&step.id))
        .cloned()
        .collect();
    let Tally(counts) = tally(&left_out);
    let counts: Vec<String> = counts
        .iter()
        .map(|(amount, noun, verb)| {
            let plural = if *amount == 1 { "" } else { "s" };
            format!("{amount} {noun}{plural} {verb}")
        })
        .collect();
    let listed = |objects: &BTreeSet<Object>| -> String {
        let names: Vec<String> = objects.iter().map(|of| format!("`{of}`")).collect();
        names.join(", ")
    };
    let mut of = Vec::new();
    if !narrowing.targets.is_empty() {
        of.push(format!(
            "for {} and what that depends on",
            listed(&narrowing.targets)
        ));
    }
    if !narrowing.excludes.is_empty() {
        of.push(format!(
            "without {} and what depends on that",
            listed(&narrowing.excludes)
        ));
    }
    if let Some(groups) = &narrowing.unattended {
        let groups: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
        of.push(format!(
            "for what may be done unattended ({})",
            groups.join(", ")
        ));
    }
    let rest = match (left_out.len(), counts.is_empty()) {
        (0, _) => "nothing is left out by it".to_owned(),
        (steps, true) => format!("left out: {steps} of our own records"),
        (_, false) => format!("left out: {}", counts.join(", ")),
    };
    Note {
        severity: Severity::Warning,
        standing: Standing::Remains,
        id: PARTIAL.into(),
        message: format!("this plan is partial, {}; {rest}", of.join(", ")),
        remedy: "apply the rest soon: what is declared holds together as a whole, and the findings here are of a part"
            .into(),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{Inputs, Plan, make};
    use super::*;
    use crate::model::Safety;
    use crate::model::testing::{Seen, desired, world};

    fn narrowing(targets: &[&str], excludes: &[&str]) -> Narrowing {
        let objects = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Narrowing {
            targets: objects(targets),
            excludes: objects(excludes),
            unattended: None,
        }
    }

    fn made(desired: &Desired, seen: &Seen, narrowing: Option<&Narrowing>) -> Plan {
        make(&Inputs {
            desired,
            snapshot: &seen.snapshot,
            ownership: &seen.ownership,
            takeover: true,
            allow_stranded: u64::MAX,
            safety: &Safety::default(),
            acceptance: None,
            overrides: None,
            now: jiff::Timestamp::UNIX_EPOCH,
            stale_since: None,
            narrowing,
            lineage: "test",
            serial: 7,
            journal_sequence: 41,
            tool_version: "0.0.0",
        })
        .unwrap()
    }

    /// Two sites to be made, each with a subnet and a server; S2 lacks its role. A package goes to the servers of Lab.
    fn both() -> (Desired, Seen) {
        let seen = world()
            .server("S1", &["10.1.0.1"], "package task")
            .server("S2", &["10.2.0.1"], "package")
            .subnet("10.2.0.0/24", &[]);
        let desired = desired()
            .site("HQ")
            .subnets("HQ", &["10.1.0.0/24"])
            .servers("HQ", &["S1"])
            .site("Lab")
            .subnets("Lab", &["10.2.0.0/24"])
            .servers("Lab", &["S2"])
            .roles("S2", "task");
        (desired, seen)
    }

    #[track_caller]
    fn check(targets: &[&str], excludes: &[&str], expect: &[&str], said: &str) {
        let (desired, seen) = both();
        let narrowing = narrowing(targets, excludes);
        let plan = made(&desired, &seen, Some(&narrowing));
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.0.as_str()).collect();
        assert_eq!(ids, expect);
        for (position, step) in plan.steps.iter().enumerate() {
            let on = step.depends_on.iter();
            assert!(
                on.map(|on| usize::try_from(*on).unwrap())
                    .all(|on| on < position)
            );
        }
        let note = plan.notes.iter().find(|note| note.id == PARTIAL).unwrap();
        assert!(note.message.contains(said), "{}", note.message);
        assert_eq!(note.severity, Severity::Warning);
    }

    #[test]
    fn a_target_comes_with_what_it_depends_on() {
        check(
            &["Site/hq"],
            &[],
            &[
                "create-site:HQ",
                "assign-server:HQ/S1",
                "create-subnet:10.1.0.0/24",
            ],
            "for `Site/hq` and what that depends on; left out: 1 site to create, 1 subnet to assign, 1 server to \
             assign, 1 console step to do",
        );
        // The subnet needs the site that it goes to, with its server, and the server its role.
        check(
            &["Subnet/10.2.0.0/24"],
            &[],
            &[
                "adopt-subnet:10.2.0.0/24",
                "create-site:Lab",
                "install-role:S2/task",
                "assign-server:Lab/S2",
                "assign-subnet:10.2.0.0/24",
            ],
            "left out: 1 site to create, 1 subnet to create, 1 server to assign",
        );
        check(
            &["SiteServer/s2.corp.example"],
            &[],
            &["install-role:S2/task"],
            "left out: 2 sites",
        );
    }

    #[test]
    fn what_is_excluded_goes_with_what_depends_on_it() {
        check(
            &[],
            &["DeploymentSite/Lab"],
            &[
                "create-site:HQ",
                "install-role:S2/task",
                "assign-server:HQ/S1",
                "create-subnet:10.1.0.0/24",
            ],
            "without `Site/Lab` and what depends on that",
        );
        // Without its role the server is not assigned, and without it the site gets no subnet.
        let (desired, seen) = both();
        let without = narrowing(&[], &["SiteServer/S2"]);
        let plan = made(&desired, &seen, Some(&without));
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.0.as_str()).collect();
        assert!(
            !ids.iter()
                .any(|id| id.contains("S2") || *id == "assign-subnet:10.2.0.0/24"),
            "{ids:?}"
        );
        assert!(ids.contains(&"create-site:Lab"), "{ids:?}");
    }

    #[test]
    fn what_may_be_done_unattended_comes_without_what_waits_for_somebody() {
        let (desired, seen) = both();
        let steps = |groups: &[StepGroup]| -> Vec<String> {
            let narrowing = Narrowing {
                unattended: Some(groups.iter().copied().collect()),
                ..Narrowing::default()
            };
            let plan = made(&desired, &seen, Some(&narrowing));
            plan.steps.into_iter().map(|step| step.id.0).collect()
        };
        // What is only remembered needs no leave; everything else goes into sites that nobody may create.
        let adopted = vec!["adopt-subnet:10.2.0.0/24".to_owned()];
        let none = steps(&[]);
        assert!(none.is_empty() || none == adopted, "{none:?}");
        assert!(
            steps(&[StepGroup::Assign])
                .iter()
                .all(|id| id.starts_with("adopt"))
        );
        // The server of Lab lacks its role, which a person installs: what waits for that waits for him.
        let some = steps(&[StepGroup::Assign, StepGroup::Create]);
        for id in [
            "create-site:HQ",
            "assign-server:HQ/S1",
            "create-subnet:10.1.0.0/24",
            "create-site:Lab",
        ] {
            assert!(some.iter().any(|found| found == id), "{id} in {some:?}");
        }
        for id in [
            "install-role:S2/task",
            "assign-server:Lab/S2",
            "assign-subnet:10.2.0.0/24",
        ] {
            assert!(!some.iter().any(|found| found == id), "{id} in {some:?}");
        }
    }

    #[test]
    fn both_together() {
        check(
            &["Site/HQ", "Site/Lab"],
            &["Site/Lab"],
            &[
                "create-site:HQ",
                "assign-server:HQ/S1",
                "create-subnet:10.1.0.0/24",
            ],
            "for `Site/HQ`, `Site/Lab` and what that depends on, without `Site/Lab`",
        );
        check(
            &["PlatformSettings/hq"],
            &[],
            &[],
            "left out: 2 sites to create",
        );
    }

    #[test]
    fn everything_of_it_is_that_of_the_part() {
        let (desired, seen) = both();
        let whole = made(&desired, &seen, None);
        assert!(!whole.is_partial());
        let part = made(&desired, &seen, Some(&narrowing(&["Site/HQ"], &[])));
        assert!(part.is_partial());
        let names = |plan: &Plan| -> BTreeSet<String> {
            let changes = plan.changes.iter();
            changes
                .map(|one| format!("{}/{}", one.kind, one.name))
                .collect()
        };
        assert_eq!(
            names(&part),
            BTreeSet::from(["Site/HQ".into(), "Subnet/10.1.0.0/24".into()])
        );
        assert_ne!(part.impact, whole.impact);
        assert_ne!(part.snapshot_digest, whole.snapshot_digest);
        assert_eq!(part.desired_digest, whole.desired_digest);
        // The part alone is what somebody would have planned who declared no more than that.
        let alone = desired_of_hq();
        let alone = made(&alone, &seen, None);
        assert_eq!(part.steps, alone.steps);
        assert_eq!(part.impact, alone.impact);
        // Everything that there is leaves nothing out.
        let all = made(
            &desired,
            &seen,
            Some(&narrowing(
                &["Site/HQ", "Site/Lab", "Subnet/10.2.0.0/24"],
                &[],
            )),
        );
        assert_eq!(all.steps, whole.steps);
        assert_eq!(all.impact, whole.impact);
    }

    fn desired_of_hq() -> Desired {
        desired()
            .site("HQ")
            .subnets("HQ", &["10.1.0.0/24"])
            .servers("HQ", &["S1"])
    }

    #[test]
    fn names_that_are_none_are_refused_with_those_that_are_like_them() {
        let (desired, seen) = both();
        let platform = Name::new("hq");
        let check = |text: &str| {
            narrowing(&[text], &[]).check(&desired, &seen.snapshot, &seen.ownership, &platform)
        };
        for known in [
            "Site/lab",
            "Subnet/10.1.0.0/24",
            "siteserver/S1",
            "SiteServer/SMP01",
            "PlatformSettings/HQ",
            "PlatformSettings/DS and core settings",
        ] {
            assert_eq!(check(known), Ok(()), "{known}");
        }
        let near = |text: &str| check(text).unwrap_err().near;
        assert_eq!(near("Site/Labb"), ["Site/Lab"]);
        assert_eq!(
            near("Subnet/10.1.1.0/24"),
            ["Subnet/10.1.0.0/24", "Subnet/10.2.0.0/24"]
        );
        assert_eq!(near("Site/Lisbon"), Vec::<String>::new());
        assert_eq!(near("PlatformSettings/hp"), ["PlatformSettings/hq"]);
        let failed = |text: &str| text.parse::<Object>().unwrap_err().to_string();
        assert!(failed("Server/S1").starts_with("expected KIND/NAME with one of Site"));
        assert!(failed("HQ").contains("found `HQ`"));
        assert_eq!(
            failed("Site/"),
            "expected a name after `Site/`, found nothing"
        );
        assert!(failed("Subnet/10.0.0.1/24").contains("host bits"));
    }

    #[test]
    fn what_is_blocked_and_left_out_is_told_and_does_not_block() {
        let seen = world()
            .site("HQ")
            .server("S1", &["10.1.0.1"], "package task");
        let wanted = desired()
            .site("HQ")
            .subnets("HQ", &["10.1.0.0/24"])
            .site("Lab")
            .servers("Lab", &["NOBODY"]);
        let standing = |narrowing: Option<&Narrowing>| {
            let plan = made(&wanted, &seen, narrowing);
            let missing = plan.notes.iter().find(|note| note.id == "SW0506");
            missing.map(|note| note.standing)
        };
        assert_eq!(standing(None), Some(Standing::Blocks));
        let of =
            |targets: &[&str], excludes: &[&str]| standing(Some(&narrowing(targets, excludes)));
        assert_eq!(of(&["Site/HQ"], &[]), Some(Standing::Remains));
        assert_eq!(of(&[], &["Site/Lab"]), Some(Standing::Remains));
        assert_eq!(of(&["Site/Lab"], &[]), Some(Standing::Blocks));
        assert_eq!(of(&[], &["Site/HQ"]), Some(Standing::Blocks));
    }
}
