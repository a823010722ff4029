//! An SMP in memory: what it holds, how one step looks at it, and what one write does to it.
//!
//! Pure. It takes the writes that `apply` sends, not steps, so that a run can break off between two of them. What the
//! planner thinks plays no part.

use std::collections::BTreeSet;

use crate::model::testing::{Seen as World, known};
use crate::model::*;
use crate::observe::{Bindings, Seen};
use crate::smp::Write;

/// The server with its world, and the writes that reached it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// What is there; what is remembered beside it is ours and not the server's.
    pub(super) world: World,
    /// Whether forming a subnet's association with a site ends the one it has.
    pub(super) replaces: bool,
    /// Everything that was written, in order.
    pub(super) log: Vec<Write>,
    born: u128,
}

impl Server {
    pub(super) fn new(world: World, replaces: bool) -> Self {
        Self {
            world,
            replaces,
            log: Vec::new(),
            born: 0x00ff_0000,
        }
    }

    fn sites(&mut self) -> &mut Vec<ObservedSite> {
        known(&mut self.world.snapshot.sites)
    }

    fn subnets(&mut self) -> &mut Vec<ObservedSubnet> {
        known(&mut self.world.snapshot.subnets)
    }

    fn birth(&mut self) -> Guid {
        self.born += 1;
        Guid::from_u128(self.born)
    }

    fn site(&mut self, guid: Guid) -> &mut ObservedSite {
        let site = self.sites().iter_mut().find(|site| site.guid == guid);
        site.expect("a write to a site that is there")
    }

    fn subnet(&mut self, guid: Guid) -> &mut ObservedSubnet {
        let found = self.subnets().iter_mut().find(|one| one.guid == guid);
        found.expect("a write to a subnet that is there")
    }

    /// Carries one write out; gives what came into being.
    pub(super) fn write(&mut self, write: &Write) -> Option<Guid> {
        self.log.push(write.clone());
        match write {
            Write::CreateSite { name, description } => {
                let guid = self.birth();
                self.sites().push(ObservedSite {
                    guid,
                    name: Name::new(name),
                    shown: None,
                    description: Observed::Known(description.clone().unwrap_or_default()),
                    servers: BTreeSet::new(),
                    constrained: Observed::Known(false),
                });
                return Some(guid);
            }
            Write::CreateSubnet { subnet } => {
                let guid = self.birth();
                self.subnets().push(ObservedSubnet {
                    guid,
                    subnet: Ok(*subnet),
                    sites: Vec::new(),
                });
                return Some(guid);
            }
            Write::RenameSite { site, name } => self.site(*site).name = Name::new(name),
            Write::Describe {
                resource,
                description,
            } => self.site(*resource).description = Observed::Known(description.clone()),
            Write::DeleteResource { resource } => {
                self.sites().retain(|site| site.guid != *resource);
                self.subnets().retain(|subnet| subnet.guid != *resource);
                for subnet in self.subnets() {
                    subnet.sites.retain(|site| site != resource);
                }
            }
            Write::JoinSubnet { subnet, site } => {
                let _ = self.site(*site);
                let replaces = self.replaces;
                let sites = &mut self.subnet(*subnet).sites;
                if replaces {
                    sites.clear();
                }
                sites.push(*site);
                sites.sort_unstable();
                sites.dedup();
            }
            Write::PartSubnet { subnet, site } => {
                self.subnet(*subnet).sites.retain(|of| of != site);
            }
            Write::JoinServer { server, site } => {
                self.site(*site).servers.insert(*server);
            }
            Write::PartServer { server, site } => {
                self.site(*site).servers.remove(server);
            }
            Write::SetPackageServers {
                package,
                assignment,
            } => {
                let assignments = &mut self.world.snapshot.assignments;
                assignments.insert(*package, Observed::Known(assignment.clone()));
            }
            Write::SetConstrain { site, on } => {
                self.site(*site).constrained = Observed::Known(*on);
            }
            Write::SetCaptureTarget { server } => {
                self.world.snapshot.capture_target = Observed::Known(Some(*server));
            }
            Write::UpdateDistributionPoints { package: _ } => {}
        }
        None
    }

    /// What one step looks at, as `observe::look` reads it from a server.
    pub(super) fn look(&self, action: &Action, bindings: &Bindings) -> Observed<Seen> {
        let snapshot = &self.world.snapshot;
        let sites = snapshot.sites.known().expect("known to the server");
        let subnets = snapshot.subnets.known().expect("known to the server");
        let site = |site: &SiteRef| {
            let guid = bindings.site(site);
            sites.iter().find(|one| Some(one.guid) == guid)
        };
        let one = |subnet: &ObservedSubnet| (subnet.guid, subnet.sites.iter().copied().collect());
        Observed::Known(match action {
            Action::CreateSite { name, .. } => Seen::Sites(
                sites
                    .iter()
                    .filter(|site| site.name == *name)
                    .map(|site| (site.guid, site.name.clone()))
                    .collect(),
            ),
            Action::RenameSite { site: of, before } => {
                let named = |name: &Name| sites.iter().find(|one| one.name == *name);
                Seen::Called {
                    before: named(before).map(|one| one.guid),
                    after: named(&of.name).map(|one| one.guid),
                }
            }
            Action::DescribeSite { site: of, .. } => match site(of) {
                Some(ObservedSite {
                    description: Observed::Known(text),
                    ..
                }) => Seen::Description(Some(text.clone())),
                _ => Seen::Description(None),
            },
            Action::DeleteSite { site: of } => Seen::Exists(site(of).is_some()),
            Action::CreateSubnet { subnet, .. } => Seen::Subnets(
                subnets
                    .iter()
                    .filter(|found| found.subnet == Ok(*subnet))
                    .map(one)
                    .collect(),
            ),
            Action::AssignSubnet { guid, .. }
            | Action::UnassignSubnet { guid, .. }
            | Action::DeleteSubnet { guid, .. } => Seen::Subnets(
                subnets
                    .iter()
                    .filter(|found| found.guid == *guid)
                    .map(one)
                    .collect(),
            ),
            Action::AssignServer { site: of, .. } | Action::UnassignServer { site: of, .. } => {
                Seen::ManualServers(
                    site(of)
                        .map(|site| site.servers.clone())
                        .unwrap_or_default(),
                )
            }
            Action::AssignPackage { package, .. } => {
                return snapshot.assignments[&package.guid]
                    .clone()
                    .map(Seen::Assignment);
            }
            Action::AwaitHolders { package, .. }
            | Action::Console(ConsoleStep::ConfirmHolder { package, .. }) => {
                return snapshot.holders[&package.guid].clone().map(Seen::Holders);
            }
            Action::Constrain { site: of, .. }
            | Action::Console(ConsoleStep::Constrain { site: of, .. }) => {
                return site(of).map_or_else(
                    || Observed::Unavailable("no such site".to_owned()),
                    |site| site.constrained.clone().map(Seen::Constrained),
                );
            }
            Action::SetCaptureTarget { .. }
            | Action::Console(ConsoleStep::CaptureTarget { .. }) => {
                return snapshot.capture_target.clone().map(Seen::CaptureTarget);
            }
            Action::Console(ConsoleStep::InstallRole { server, .. }) => {
                return snapshot.roles_of(server.guid).map(Seen::Roles);
            }
            Action::Console(
                ConsoleStep::InstallPlugIn { .. } | ConsoleStep::InvalidSubnets { .. },
            ) => {
                return Observed::Unavailable("no API says it".to_owned());
            }
            Action::UpdateDistributionPoints { .. } | Action::Record(_) => Seen::Nothing,
        })
    }
}
