//! Steps in words: one phrase a step, the same in a plan, while it is applied and in the summary.
//!
//! Pure. A phrase starts with the verb of the step's id, so that people find one by the other.

use std::collections::{BTreeMap, BTreeSet};

use super::console::{self, ConsolePath};
use super::layout::{count, some};
use crate::model::{
    Action, Assignment, ConsoleStep, FREEZE, Guid, Name, PackageRef, Record, ServerRef, SiteRef,
    Step, StepId, StepKind,
};
use crate::plan::{Names, Plan, assignment};

/// Finds the steps of a plan by id, and the names of what they are about.
#[derive(Debug)]
pub struct Lookup<'a> {
    steps: &'a [Step],
    positions: BTreeMap<&'a StepId, usize>,
    names: Names,
}

impl<'a> Lookup<'a> {
    /// Indexes a plan's steps.
    #[must_use]
    pub fn new(plan: &'a Plan) -> Self {
        let mut lookup = Self::of_steps(&plan.steps);
        lookup.names = plan.names.clone();
        for step in lookup.steps {
            learn(&step.action, &mut lookup.names);
        }
        lookup
    }

    /// Indexes steps of which no plan is left: names are those that they say themselves.
    pub(super) fn of_steps(steps: &'a [Step]) -> Self {
        let positions = steps
            .iter()
            .enumerate()
            .map(|(position, step)| (&step.id, position))
            .collect();
        let mut names = Names::default();
        for step in steps {
            learn(&step.action, &mut names);
        }
        Self {
            steps,
            positions,
            names,
        }
    }

    pub(super) fn steps(&self) -> &'a [Step] {
        self.steps
    }

    /// The position of a step, from 0.
    pub(super) fn position(&self, id: &StepId) -> Option<usize> {
        self.positions.get(id).copied()
    }

    pub(super) fn step(&self, id: &StepId) -> Option<&'a Step> {
        self.steps.get(self.position(id)?)
    }

    /// `[ 3/12]`, as wide for every step of the plan.
    pub(super) fn ordinal(&self, id: &StepId) -> String {
        let total = self.steps.len().to_string();
        let position = self
            .position(id)
            .map_or_else(|| "?".to_owned(), |position| (position + 1).to_string());
        format!("[{position:>width$}/{total}]", width = total.len())
    }

    /// The phrase of a step; its id where the plan has no such step.
    pub(super) fn phrase_of(&self, id: &StepId) -> String {
        self.step(id)
            .map_or_else(|| id.to_string(), |step| self.phrase(step))
    }

    /// Where a step is done, where it is a person who does it.
    pub(super) fn path(&self, step: &Step) -> Option<ConsolePath> {
        console::path(step, &self.names)
    }

    /// A step in words: `assign-server DEPLOY01.corp.example to Deployment_Site`.
    pub(super) fn phrase(&self, step: &Step) -> String {
        let Step {
            id,
            action,
            by: _,         // the word before the phrase says it
            reason: _,     // said of console steps only, by the plan
            depends_on: _, // said by the plan
        } = step;
        match action {
            Action::CreateSite {
                name,
                description: _, // in the list of objects
                protected: _,
            } => format!("create-site {name}"),
            Action::RenameSite { site, before } => format!("rename-site {before} to {}", site.name),
            Action::DescribeSite {
                site,
                before: _, // in the list of objects
                after: _,
            } => format!("describe-site {}", site.name),
            Action::DeleteSite { site } => format!("delete-site {}", site.name),
            Action::CreateSubnet { subnet, site } => {
                format!("create-subnet {subnet} in {}", site.name)
            }
            Action::AssignSubnet {
                subnet,
                guid: _, // the network names it
                before,
                site,
            } => {
                if before.is_empty() {
                    format!("assign-subnet {subnet} to {}", site.name)
                } else {
                    format!(
                        "move-subnet {subnet} from {} to {}",
                        sites(before),
                        site.name
                    )
                }
            }
            Action::UnassignSubnet {
                subnet,
                guid: _, // the network names it
                before,
            } => format!("unassign-subnet {subnet} from {}", sites(before)),
            Action::DeleteSubnet {
                subnet,
                guid: _, // the network names it
                before: _,
            } => format!("delete-subnet {subnet}"),
            Action::AssignServer { server, site } => {
                format!("assign-server {} to {}", server.name, site.name)
            }
            Action::UnassignServer { server, site } => {
                format!("unassign-server {} from {}", server.name, site.name)
            }
            Action::AssignPackage {
                package,
                before: _, // in the list of objects
                after,
                created_sites,
            } => {
                let verb = ["widen-package", "narrow-package"]
                    .into_iter()
                    .find(|verb| id.0.starts_with(verb))
                    .unwrap_or("assign-package");
                let to = self.assignment(after, created_sites);
                format!("{verb} {} to {to}", package.name)
            }
            Action::UpdateDistributionPoints { package } => {
                format!("update-distribution-points {}", package.name)
            }
            Action::AwaitHolders { package, servers } => {
                format!("await-package {} on {}", package.name, listed(servers))
            }
            Action::Constrain { site, on } => constrain(site, *on),
            Action::SetCaptureTarget {
                before: _, // in the list of objects
                server,
            } => format!("capture-target {}", server.name),
            Action::Console(asked) => asked_of_a_person(asked),
            Action::Record(record) => recorded(record),
        }
    }

    /// An assignment, by names where all are known and there are few of them.
    fn assignment(&self, to: &Assignment, created_sites: &[Name]) -> String {
        let (guids, created, noun) = match to {
            Assignment::All => return assignment(to, &[], &self.names),
            Assignment::Servers(servers) => (servers, 0, "server"),
            Assignment::Sites {
                sites,
                automatic: _,
            } => (sites, created_sites.len(), "site"),
        };
        let total = guids.len() + created;
        if total <= 3 && guids.iter().all(|guid| self.names.contains_key(guid)) {
            assignment(to, created_sites, &self.names)
        } else {
            count(total, noun)
        }
    }
}

/// What carries a step out, in the word for people.
pub(super) fn kind(step: &Step) -> &'static str {
    match step.kind() {
        StepKind::Write => "write",
        StepKind::Manual => "console",
        StepKind::Await => "await",
        StepKind::Record => "record",
    }
}

fn sites(sites: &[SiteRef]) -> String {
    some(sites.iter().map(|site| site.name.to_string()).collect(), 3)
}

fn listed(servers: &[ServerRef]) -> String {
    some(
        servers
            .iter()
            .map(|server| server.name.to_string())
            .collect(),
        3,
    )
}

fn constrain(site: &SiteRef, on: bool) -> String {
    format!("constrain {}: {}", site.name, if on { "on" } else { "off" })
}

fn asked_of_a_person(step: &ConsoleStep) -> String {
    match step {
        ConsoleStep::InstallRole { server, role } => {
            format!("install-role {role} on {}", server.name)
        }
        ConsoleStep::InstallPlugIn { server, plug_in } => {
            format!("install-plug-in {plug_in} on {}", server.name)
        }
        ConsoleStep::Constrain { site, on } => constrain(site, *on),
        ConsoleStep::CaptureTarget { server } => format!("capture-target {}", server.name),
        ConsoleStep::InvalidSubnets { expression } => format!("invalid-subnets {expression}"),
        ConsoleStep::ConfirmHolder { package, servers } => {
            format!("await-package {} on {}", package.name, listed(servers))
        }
    }
}

fn recorded(record: &Record) -> String {
    match record {
        Record::AdoptSite { site, protected } => {
            let protected = if *protected { ", protected" } else { "" };
            format!("adopt-site {}{protected}", site.name)
        }
        Record::AdoptSubnet {
            subnet,
            guid: _, // the network names it
        } => format!("adopt-subnet {subnet}"),
        Record::ReleaseSite {
            site,
            how: _, // only for our state
        } => format!("release-site {}", site.name),
        Record::ReleaseSubnet {
            name,
            guid: _, // the name says it
            how: _,  // only for our state
        } => format!("release-subnet {name}"),
        Record::Protect { site, on } => {
            let verb = if *on { "protect" } else { "unprotect" };
            format!("{verb}-site {}", site.name)
        }
        Record::AcceptFewer {
            of,
            before,
            after,
            why: _, // in the notes
        } => format!("accept-fewer {of}: {after} in place of {before}"),
        Record::Override {
            limit,
            set,
            found: _, // in the notes
            to,
            why: _, // in the notes
            who: _, // in the notes
        } => format!("override {limit}: {to} in place of {set}"),
        Record::Thaw {
            from,
            to,
            zone,
            why: _, // in the notes
            who: _, // in the notes
        } => format!("override {FREEZE} from {from} to {to} ({zone})"),
    }
}

/// Notes the names that an action gives to GUIDs.
fn learn(action: &Action, names: &mut Names) {
    let mut seen: BTreeSet<(Guid, Name)> = BTreeSet::new();
    match action {
        Action::AssignServer { server: of, site } | Action::UnassignServer { server: of, site } => {
            learn_server(of, &mut seen);
            learn_site(site, &mut seen);
        }
        Action::AwaitHolders {
            package: _, // never in an assignment
            servers,
        }
        | Action::Console(ConsoleStep::ConfirmHolder {
            package: _,
            servers,
        }) => servers
            .iter()
            .for_each(|server| learn_server(server, &mut seen)),
        Action::Console(
            ConsoleStep::InstallRole { server, role: _ }
            | ConsoleStep::InstallPlugIn { server, plug_in: _ }
            | ConsoleStep::CaptureTarget { server },
        )
        | Action::SetCaptureTarget { before: _, server } => learn_server(server, &mut seen),
        Action::CreateSubnet { subnet: _, site }
        | Action::AssignSubnet {
            subnet: _,
            guid: _,
            before: _,
            site,
        }
        | Action::RenameSite { site, before: _ }
        | Action::DescribeSite {
            site,
            before: _,
            after: _,
        }
        | Action::DeleteSite { site }
        | Action::Constrain { site, on: _ }
        | Action::Console(ConsoleStep::Constrain { site, on: _ }) => learn_site(site, &mut seen),
        Action::CreateSite {
            name: _,
            description: _,
            protected: _,
        }
        | Action::UnassignSubnet {
            subnet: _,
            guid: _,
            before: _,
        }
        | Action::DeleteSubnet {
            subnet: _,
            guid: _,
            before: _,
        }
        | Action::AssignPackage {
            package: PackageRef { name: _, guid: _ },
            before: _,
            after: _,
            created_sites: _,
        }
        | Action::UpdateDistributionPoints { package: _ }
        | Action::Console(ConsoleStep::InvalidSubnets { expression: _ })
        | Action::Record(_) => {}
    }
    names.extend(seen);
}

fn learn_server(server: &ServerRef, seen: &mut BTreeSet<(Guid, Name)>) {
    let ServerRef { name, guid } = server;
    seen.insert((*guid, name.clone()));
}

fn learn_site(site: &SiteRef, seen: &mut BTreeSet<(Guid, Name)>) {
    let SiteRef { name, guid } = site;
    seen.extend(guid.map(|guid| (guid, name.clone())));
}
