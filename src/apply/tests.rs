//! A step that was cut off after any of its calls goes on where it stopped.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Progress, judge};
use crate::model::{
    Action, Assignment, ConsoleStep, Guid, Name, PackageRef, PlugIn, Role, ServerRef, SiteRef,
    Subnet,
};
use crate::observe::{Bindings, Seen};
use crate::smp::Write;

/// As much of an SMP as the writes of steps touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct World {
    sites: BTreeMap<Guid, (Name, String)>,
    subnets: BTreeMap<Guid, (Subnet, BTreeSet<Guid>)>,
    servers: BTreeMap<Guid, BTreeSet<Guid>>,
    assignment: Option<Assignment>,
    distributed: bool,
    constrained: BTreeSet<Guid>,
    target: Option<Guid>,
    /// Whether forming a subnet's association ends the one it has.
    replaces: bool,
}

pub(super) fn guid(number: u128) -> Guid {
    Guid::from_u128(number)
}

pub(super) fn site(number: u128, name: &str) -> SiteRef {
    SiteRef {
        name: Name::new(name),
        guid: Some(guid(number)),
    }
}

fn server(number: u128) -> ServerRef {
    ServerRef {
        name: Name::new("DEPLOY01"),
        guid: guid(number),
    }
}

fn network() -> Subnet {
    "192.168.10.0/24".parse().unwrap()
}

/// Sites 1 and 2, subnet 11 in site 1, nobody assigned.
fn world(replaces: bool) -> World {
    World {
        sites: [
            (guid(1), (Name::new("A"), "old".to_owned())),
            (guid(2), (Name::new("B"), String::new())),
        ]
        .into(),
        subnets: [(guid(11), (network(), [guid(1)].into()))].into(),
        servers: [(guid(1), [guid(21)].into())].into(),
        assignment: Some(Assignment::All),
        distributed: false,
        constrained: BTreeSet::new(),
        target: None,
        replaces,
    }
}

impl World {
    fn see(&self, action: &Action) -> Seen {
        let manual = |site: &SiteRef| {
            self.servers
                .get(&site.guid.unwrap())
                .cloned()
                .unwrap_or_default()
        };
        match action {
            Action::CreateSite { name, .. } => Seen::Sites(
                self.sites
                    .iter()
                    .filter(|(_, (found, _))| found == name)
                    .map(|(guid, (found, _))| (*guid, found.clone()))
                    .collect(),
            ),
            Action::RenameSite { site, before } => {
                let named = |name: &Name| {
                    let mut sites = self.sites.iter();
                    sites
                        .find(|(_, (found, _))| found == name)
                        .map(|(guid, _)| *guid)
                };
                Seen::Called {
                    before: named(before),
                    after: named(&site.name),
                }
            }
            Action::DescribeSite { site, .. } => Seen::Description(
                self.sites
                    .get(&site.guid.unwrap())
                    .map(|(_, text)| text.clone()),
            ),
            Action::DeleteSite { site } => {
                Seen::Exists(self.sites.contains_key(&site.guid.unwrap()))
            }
            Action::CreateSubnet { subnet, .. }
            | Action::AssignSubnet { subnet, .. }
            | Action::UnassignSubnet { subnet, .. }
            | Action::DeleteSubnet { subnet, .. } => Seen::Subnets(
                self.subnets
                    .iter()
                    .filter(|(_, (found, _))| found == subnet)
                    .map(|(guid, (_, sites))| (*guid, sites.clone()))
                    .collect(),
            ),
            Action::AssignServer { site, .. } | Action::UnassignServer { site, .. } => {
                Seen::ManualServers(manual(site))
            }
            Action::AssignPackage { .. } => Seen::Assignment(self.assignment.clone().unwrap()),
            Action::Constrain { site, .. } => {
                Seen::Constrained(self.constrained.contains(&site.guid.unwrap()))
            }
            Action::SetCaptureTarget { .. } => Seen::CaptureTarget(self.target),
            _ => Seen::Nothing,
        }
    }

    fn carry_out(&mut self, write: &Write) {
        match write {
            Write::CreateSite { name, description } => {
                let text = description.clone().unwrap_or_default();
                self.sites.insert(guid(99), (Name::new(name), text));
            }
            Write::CreateSubnet { subnet } => {
                self.subnets.insert(guid(98), (*subnet, BTreeSet::new()));
            }
            Write::RenameSite { site, name } => {
                self.sites.get_mut(site).unwrap().0 = Name::new(name);
            }
            Write::Describe {
                resource,
                description,
            } => self
                .sites
                .get_mut(resource)
                .unwrap()
                .1
                .clone_from(description),
            Write::DeleteResource { resource } => {
                self.sites.remove(resource);
                self.subnets.remove(resource);
            }
            Write::JoinSubnet { subnet, site } => {
                let sites = &mut self.subnets.get_mut(subnet).unwrap().1;
                if self.replaces {
                    sites.clear();
                }
                sites.insert(*site);
            }
            Write::PartSubnet { subnet, site } => {
                self.subnets.get_mut(subnet).unwrap().1.remove(site);
            }
            Write::JoinServer { server, site } => {
                self.servers.entry(*site).or_default().insert(*server);
            }
            Write::PartServer { server, site } => {
                self.servers.entry(*site).or_default().remove(server);
            }
            Write::SetPackageServers { assignment, .. } => {
                self.assignment = Some(assignment.clone());
            }
            Write::UpdateDistributionPoints { .. } => self.distributed = true,
            Write::SetConstrain { site, on: true } => {
                self.constrained.insert(*site);
            }
            Write::SetConstrain { site, on: false } => {
                self.constrained.remove(site);
            }
            Write::SetCaptureTarget { server } => self.target = Some(*server),
        }
    }
}

fn actions() -> Vec<Action> {
    let subnet = network();
    let other: Subnet = "10.0.0.0/8".parse().unwrap();
    let in_a = vec![site(1, "A")];
    vec![
        Action::CreateSite {
            name: Name::new("C"),
            description: Some("new".into()),
            protected: false,
        },
        Action::DescribeSite {
            site: site(1, "A"),
            before: "old".into(),
            after: "new".into(),
        },
        Action::DeleteSite { site: site(2, "B") },
        Action::CreateSubnet {
            subnet: other,
            site: site(2, "B"),
        },
        Action::AssignSubnet {
            subnet,
            guid: guid(11),
            before: in_a.clone(),
            site: site(2, "B"),
        },
        Action::UnassignSubnet {
            subnet,
            guid: guid(11),
            before: in_a.clone(),
        },
        Action::DeleteSubnet {
            subnet,
            guid: guid(11),
            before: in_a,
        },
        Action::AssignServer {
            server: server(22),
            site: site(2, "B"),
        },
        Action::UnassignServer {
            server: server(21),
            site: site(1, "A"),
        },
        Action::AssignPackage {
            package: PackageRef {
                name: Name::new("golden"),
                guid: guid(31),
            },
            before: Assignment::All,
            after: Assignment::Servers([guid(22)].into()),
            created_sites: vec![],
        },
        Action::Constrain {
            site: site(1, "A"),
            on: true,
        },
        Action::SetCaptureTarget {
            before: None,
            server: server(22),
        },
        Action::RenameSite {
            site: site(1, "A renamed"),
            before: Name::new("A"),
        },
    ]
}

/// Runs a step from the look on, as often as it takes; gives the calls that were made.
fn run(action: &Action, world: &mut World, claimed: bool, cut_after: usize) -> usize {
    let bindings = Bindings::default();
    let mut calls = 0;
    for _ in 0..5 {
        match judge(action, &world.see(action), &bindings, claimed).unwrap() {
            Progress::AlreadyDone => return calls,
            Progress::Ready(writes) => {
                for write in writes {
                    if calls == cut_after {
                        return calls;
                    }
                    world.carry_out(&write);
                    calls += 1;
                }
            }
            Progress::NotYet(condition) => unreachable!("{action:?} waits for {condition}"),
        }
    }
    unreachable!("{action:?} never ends in {world:?}")
}

/// With what the profile claims about forming, and with what is true of it, in all four ways.
#[test]
fn a_step_that_was_cut_off_after_any_call_is_finished_by_running_again() {
    for (claimed, replaces) in [(false, false), (false, true), (true, false), (true, true)] {
        for action in actions() {
            let mut whole = world(replaces);
            let calls = run(&action, &mut whole, claimed, usize::MAX);
            assert!(calls > 0, "{action:?}");
            assert_ne!(whole, world(replaces), "{action:?}");
            for cut_after in 0..=calls {
                let mut cut = world(replaces);
                run(&action, &mut cut, claimed, cut_after);
                run(&action, &mut cut, claimed, usize::MAX);
                // What cannot be read back is for the journal to remember.
                cut.distributed = whole.distributed;
                assert_eq!(cut, whole, "{action:?} cut after {cut_after}");
            }
        }
    }
}

fn drifts(action: &Action, seen: &Seen) -> String {
    judge(action, seen, &Bindings::default(), true)
        .unwrap_err()
        .to_string()
}

#[test]
fn what_somebody_else_changed_stops_the_step() {
    let all = actions();
    let find = |index: usize| all.get(index).unwrap();
    assert_eq!(
        drifts(find(1), &Seen::Description(Some("theirs".into()))),
        "the description of site `A` has changed since the plan was made: expected `old`, found `theirs`"
    );
    assert!(drifts(find(1), &Seen::Description(None)).ends_with("found no such site"));
    let elsewhere = Seen::Subnets(vec![(guid(11), [guid(3)].into())]);
    for index in [3, 4, 6] {
        assert!(
            drifts(find(index), &elsewhere).contains("found it in"),
            "{index}"
        );
    }
    assert!(drifts(find(4), &Seen::Subnets(vec![])).ends_with("found no such subnet"));
    let theirs = Seen::Assignment(Assignment::Servers([guid(7)].into()));
    assert!(drifts(find(9), &theirs).starts_with("the assignment of package `golden`"));
    let theirs = Seen::CaptureTarget(Some(guid(7)));
    assert!(drifts(find(11), &theirs).starts_with("the default target of captured images"));
}

/// No write is ever aimed at the empty GUID.
#[test]
fn a_site_that_is_not_born_yet_is_written_to_by_nobody() {
    let unborn = SiteRef {
        name: Name::new("C"),
        guid: None,
    };
    let assign = Action::AssignServer {
        server: server(22),
        site: unborn.clone(),
    };
    assert!(drifts(&assign, &Seen::ManualServers(BTreeSet::new())).contains("site `C`"));
    assert!(drifts(&Action::DeleteSite { site: unborn }, &Seen::Exists(true)).contains("site `C`"));
}

#[test]
fn console_steps_are_seen_where_they_can_be_read() {
    let step = |step| Action::Console(step);
    let judged = |action: &Action, seen: Seen| {
        judge(action, &seen, &Bindings::default(), true).unwrap() == Progress::AlreadyDone
    };
    let role = step(ConsoleStep::InstallRole {
        server: server(22),
        role: Role::Task,
    });
    assert!(judged(
        &role,
        Seen::Roles([Role::Task, Role::Package].into())
    ));
    assert!(!judged(&role, Seen::Roles([Role::Package].into())));
    let handler = step(ConsoleStep::InstallPlugIn {
        server: server(22),
        plug_in: PlugIn::TaskHandler,
    });
    let plug_ins = |name: &str| Seen::PlugIns(Arc::new([Name::new(name)].into()));
    assert!(judged(&handler, plug_ins("Deployment Server Task Handler")));
    assert!(!judged(&handler, plug_ins("Deployment Package Server")));
    let off = step(ConsoleStep::Constrain {
        site: site(1, "A"),
        on: false,
    });
    assert!(judged(&off, Seen::Constrained(false)));
    assert!(!judged(&off, Seen::Constrained(true)));
    let target = step(ConsoleStep::CaptureTarget { server: server(22) });
    assert!(judged(&target, Seen::CaptureTarget(Some(guid(22)))));
    assert!(!judged(&target, Seen::CaptureTarget(None)));
    let held = step(ConsoleStep::ConfirmHolder {
        package: PackageRef {
            name: Name::new("golden"),
            guid: guid(31),
        },
        servers: vec![server(22)],
    });
    assert!(judged(&held, Seen::Holders([guid(22), guid(1)].into())));
    assert!(!judged(&held, Seen::Holders([guid(1)].into())));
}
