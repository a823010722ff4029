//! Digests: what a plan was made of and what it says, each as one SHA-256 in hexadecimal.
//!
//! Pure. [`declared`] is of what the manifests declare, wherever it stands in them; [`relied_on`] is of what the steps'
//! prechecks read, and of nothing else: a change anywhere else leaves it as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::model::{
    Action, Allowed, Assignment, ConsoleStep, Declared, Desired, DesiredAssignment, DesiredPackage,
    DesiredServer, DesiredSettings, DesiredSite, Guid, Lifecycle, Name, NameKey, ObservedSite,
    ObservedSubnet, ServerRef, SiteRef, Snapshot, Step, Subnet,
};

/// A digest that grows by values, each a line of JSON.
#[derive(Default)]
struct Growing(Sha256);

impl io::Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Growing {
    fn line(&mut self, value: &impl Serialize) {
        // Neither a map with keys that are no strings nor a failing writer is possible here.
        let _ = serde_json::to_writer(&mut *self, value);
        self.0.update(b"\n");
    }

    fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// The digest of one value, by its JSON without blanks and a line feed.
pub(super) fn of(value: &impl Serialize) -> String {
    let mut digest = Growing::default();
    digest.line(value);
    digest.finish()
}

/// The digest of what is declared, without the places where it is.
pub(super) fn declared(desired: &Desired) -> String {
    let Desired {
        sites,
        servers,
        packages,
        settings,
        allowed,
    } = desired;
    let mut digest = Growing::default();
    for site in sites.values() {
        digest_site(&mut digest, site);
    }
    for server in servers.values() {
        let DesiredServer {
            name,
            roles,
            origin: _, // a place
        } = server;
        digest.line(&("server", name, roles.keys().collect::<Vec<_>>()));
    }
    for package in packages.values() {
        let DesiredPackage {
            selector,
            assignment,
            sites,
            origin: _, // a place
        } = package;
        let assignment = match assignment {
            DesiredAssignment::All => ("all", None, None),
            DesiredAssignment::Servers(servers) => ("servers", Some(servers), None),
            DesiredAssignment::Sites { sites, automatic } => {
                ("sites", Some(sites), Some(automatic))
            }
        };
        digest.line(&("package", selector.to_string(), assignment, sites));
    }
    let DesiredSettings {
        capture_target,
        invalid_subnets,
        ports,
        parent,
    } = settings;
    digest.line(&(
        "settings",
        value(capture_target.as_ref()),
        value(invalid_subnets.as_ref()),
        ports,
        value(parent.as_ref()),
    ));
    let allowed: BTreeSet<(&str, &str)> = allowed
        .iter()
        .map(|allowed| {
            let Allowed {
                origin: _, // a place
                check,
                reason,
                lines: _, // a place
            } = allowed;
            (check.as_str(), reason.as_str())
        })
        .collect();
    digest.line(&("allowed", allowed));
    digest.finish()
}

fn digest_site(digest: &mut Growing, site: &DesiredSite) {
    let DesiredSite {
        name,
        kind,
        origin: _, // a place
        description,
        subnets,
        servers,
        constrain,
        deploy_tasks,
        formerly,
        lifecycle: Lifecycle {
            prevent_destroy,
            ignore_changes,
        },
    } = site;
    let tasks: BTreeSet<&Name> = deploy_tasks.iter().map(|task| &task.value).collect();
    digest.line(&(
        "site",
        name,
        kind,
        value(description.as_ref()),
        subnets.as_ref().map(|list| list.keys().collect::<Vec<_>>()),
        servers.as_ref().map(|list| list.keys().collect::<Vec<_>>()),
        value(constrain.as_ref()),
        tasks,
        value(prevent_destroy.as_ref()),
        ignore_changes,
    ));
    if !formerly.is_empty() {
        let names: BTreeSet<&Name> = formerly.iter().map(|former| &former.value).collect();
        digest.line(&("formerly", name, names));
    }
}

fn value<T>(declared: Option<&Declared<T>>) -> Option<&T> {
    declared.map(|declared| &declared.value)
}

/// What a precheck reads of a step's object, as the snapshot has it; `None` inside where it was not readable.
#[derive(Debug, Serialize)]
enum Relied<'a> {
    Sites(Option<&'a BTreeSet<Guid>>),
    Name(Option<&'a Name>),
    Description(Option<&'a String>),
    Exists(Option<bool>),
    Subnets(Option<BTreeMap<Guid, &'a [Guid]>>),
    Assigned(Option<bool>),
    Assignment(Option<&'a Assignment>),
    Holding(Option<BTreeSet<Guid>>),
    Constrained(Option<bool>),
    CaptureTarget(Option<&'a Option<Guid>>),
    Installed(Option<bool>),
}

/// A snapshot by what steps name.
struct Index<'a> {
    snapshot: &'a Snapshot,
    /// `None` where sites could not be read.
    sites: Option<BTreeMap<Guid, &'a ObservedSite>>,
    named: BTreeMap<&'a NameKey, BTreeSet<Guid>>,
    /// `None` where subnets could not be read.
    subnets: Option<BTreeMap<Guid, &'a ObservedSubnet>>,
    networks: BTreeMap<Subnet, Vec<&'a ObservedSubnet>>,
}

impl<'a> Index<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let sites = snapshot.sites.known();
        let subnets = snapshot.subnets.known();
        let mut named: BTreeMap<&NameKey, BTreeSet<Guid>> = BTreeMap::new();
        for site in sites.into_iter().flatten() {
            named.entry(site.name.key()).or_default().insert(site.guid);
        }
        let mut networks: BTreeMap<Subnet, Vec<&ObservedSubnet>> = BTreeMap::new();
        for of in subnets.into_iter().flatten() {
            if let Ok(network) = &of.subnet {
                networks.entry(*network).or_default().push(of);
            }
        }
        Self {
            snapshot,
            sites: sites.map(|list| list.iter().map(|site| (site.guid, site)).collect()),
            named,
            subnets: subnets.map(|list| list.iter().map(|of| (of.guid, of)).collect()),
            networks,
        }
    }

    fn site(&self, site: &SiteRef) -> Option<&'a ObservedSite> {
        self.sites.as_ref()?.get(&site.guid?).copied()
    }

    /// `None` where the precheck reads nothing.
    fn relied(&self, action: &Action) -> Option<Relied<'_>> {
        Some(match action {
            Action::CreateSite { name, .. } => Relied::Sites(self.named.get(name.key())),
            Action::RenameSite { site, .. } => Relied::Name(
                self.site(site)
                    .map(|site| site.shown.as_ref().unwrap_or(&site.name)),
            ),
            Action::DescribeSite { site, .. } => {
                Relied::Description(self.site(site).and_then(|site| site.description.known()))
            }
            Action::DeleteSite { site } => {
                let sites = self.sites.as_ref();
                Relied::Exists(sites.map(|_| self.site(site).is_some()))
            }
            Action::CreateSubnet { subnet, .. } => {
                let found = self.networks.get(subnet).into_iter().flatten().copied();
                Relied::Subnets(self.subnets.as_ref().map(|_| with_sites(found)))
            }
            Action::AssignSubnet { guid, .. }
            | Action::UnassignSubnet { guid, .. }
            | Action::DeleteSubnet { guid, .. } => {
                let subnets = self.subnets.as_ref();
                Relied::Subnets(subnets.map(|all| with_sites(all.get(guid).copied())))
            }
            Action::AssignServer { server, site } | Action::UnassignServer { server, site } => {
                Relied::Assigned(self.site(site).map(|of| of.servers.contains(&server.guid)))
            }
            Action::AssignPackage { package, .. } => {
                let assignment = self.snapshot.assignments.get(&package.guid);
                Relied::Assignment(assignment.and_then(|of| of.known()))
            }
            Action::AwaitHolders { package, servers } => self.holding(package.guid, servers),
            Action::Constrain { site, .. } => self.constrained(site),
            Action::SetCaptureTarget { .. } => self.capture_target(),
            Action::Console(step) => return self.relied_by_hand(step),
            Action::UpdateDistributionPoints { .. } | Action::Record(_) => return None,
        })
    }

    fn relied_by_hand(&self, step: &ConsoleStep) -> Option<Relied<'_>> {
        Some(match step {
            ConsoleStep::InstallRole { server, role } => {
                let roles = self.snapshot.roles_of(server.guid);
                Relied::Installed(roles.known().map(|roles| roles.contains(role)))
            }
            ConsoleStep::InstallPlugIn { server, plug_in } => {
                let facts = self.snapshot.surroundings.facts.get(&server.guid);
                let installed = facts.and_then(|facts| facts.plug_ins.known());
                Relied::Installed(installed.map(|installed| plug_in.is_among(installed)))
            }
            ConsoleStep::Constrain { site, on: _ } => self.constrained(site),
            ConsoleStep::CaptureTarget { server: _ } => self.capture_target(),
            ConsoleStep::ConfirmHolder { package, servers } => self.holding(package.guid, servers),
            ConsoleStep::InvalidSubnets { expression: _ } => return None,
        })
    }

    fn constrained(&self, site: &SiteRef) -> Relied<'a> {
        Relied::Constrained(
            self.site(site)
                .and_then(|of| of.constrained.known().copied()),
        )
    }

    fn capture_target(&self) -> Relied<'a> {
        Relied::CaptureTarget(self.snapshot.capture_target.known())
    }

    fn holding(&self, package: Guid, servers: &[ServerRef]) -> Relied<'a> {
        let holders = self.snapshot.holders.get(&package);
        Relied::Holding(holders.and_then(|of| of.known()).map(|holders| {
            let guids = servers.iter().map(|server| server.guid);
            guids.filter(|guid| holders.contains(guid)).collect()
        }))
    }
}

fn with_sites<'a>(
    subnets: impl IntoIterator<Item = &'a ObservedSubnet>,
) -> BTreeMap<Guid, &'a [Guid]> {
    let subnets = subnets.into_iter();
    subnets.map(|of| (of.guid, of.sites.as_slice())).collect()
}

/// The digest of what the prechecks of steps read, as a snapshot has it.
///
/// A reason why something could not be read is no part of it: it may name a time or a port.
pub(super) fn relied_on(steps: &[Step], snapshot: &Snapshot) -> String {
    let index = Index::of(snapshot);
    let mut digest = Growing::default();
    for step in steps {
        digest.line(&(&step.id, index.relied(&step.action)));
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::*;
    use crate::model::{By, Observed, StepId};

    fn step(action: Action) -> Step {
        Step {
            id: StepId("one".into()),
            action,
            by: By::Api,
            reason: String::new(),
            depends_on: vec![],
        }
    }

    fn office() -> Seen {
        world()
            .server("S1", &["10.0.0.1"], "package")
            .site("HQ")
            .site("Lab")
            .subnet("10.0.0.0/24", &["HQ"])
            .subnet("10.0.1.0/24", &[])
    }

    /// Steps on the subnet 10.0.1.0/24, which is in no site, and on the servers of HQ.
    fn steps(seen: &Seen) -> Vec<Step> {
        let site = SiteRef {
            name: Name::new("HQ"),
            guid: Some(seen.site_guid("HQ")),
        };
        let server = ServerRef {
            name: Name::new("S1"),
            guid: seen.server_guid("S1"),
        };
        vec![
            step(Action::AssignSubnet {
                subnet: net("10.0.1.0/24"),
                guid: Guid::from_u128(0x2001),
                before: vec![],
                site: site.clone(),
            }),
            step(Action::AssignServer { server, site }),
            step(Action::CreateSite {
                name: Name::new("New"),
                description: None,
                protected: false,
            }),
        ]
    }

    #[test]
    fn what_no_step_reads_changes_nothing() {
        let seen = office();
        let steps = steps(&seen);
        let before = relied_on(&steps, &seen.snapshot);
        assert_eq!(before, relied_on(&steps, &seen.snapshot.clone()));
        let elsewhere = seen
            .clone()
            .subnet("10.0.2.0/24", &["Lab"])
            .site("Warehouse")
            .but(|snapshot| snapshot.capture_target = Observed::Unavailable("denied".into()));
        assert_eq!(before, relied_on(&steps, &elsewhere.snapshot));
        for changed in [
            // The subnet has a site, the server is assigned, the site is there, sites cannot be read.
            seen.clone().but(|snapshot| {
                let moved = seen.site_guid("Lab");
                if let Some(subnet) = known(&mut snapshot.subnets).last_mut() {
                    subnet.sites = vec![moved];
                }
            }),
            seen.clone().assign("HQ", &["S1"]),
            seen.clone().site("new"),
            seen.clone()
                .but(|snapshot| snapshot.sites = Observed::Unavailable("denied".into())),
        ] {
            assert_ne!(before, relied_on(&steps, &changed.snapshot));
        }
    }

    #[test]
    fn where_it_is_declared_changes_nothing() {
        let one = desired().site("HQ").subnets("HQ", &["10.0.0.0/24"]);
        let mut moved = one.clone();
        for site in moved.sites.values_mut() {
            site.origin.line += 7;
        }
        assert_eq!(declared(&one), declared(&moved));
        let other = desired().site("HQ").subnets("HQ", &["10.0.1.0/24"]);
        assert_ne!(declared(&one), declared(&other));
        // A field that is not managed is another thing than an empty list.
        let unmanaged = desired().site("HQ");
        let none = desired().site("HQ").subnets("HQ", &[]);
        assert_ne!(declared(&unmanaged), declared(&none));
    }
}
