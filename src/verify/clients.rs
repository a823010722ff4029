//! The rows that clients decide: where they register, what they fetch and from whom, and who stays away.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Deployed, Frame, Seen};
use super::{Differing, Row, Verdict, count};
use crate::model::{Fetch, Guid, Name, Observed, PackageSelector, Role, SiteKind, glob};
use crate::select::SiteIndex;

impl<'a> Seen<'a> {
    pub(super) fn registrations(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "task-server",
            title: "Deployment clients are registered with the deployment task server",
            evidence: &["evidence.taskRegistrations"],
            look: "on a deployment client: Symantec Management Agent, Task Status tab",
        };
        let inside = match self.inside(&FRAME, "the task servers of their DeploymentSite") {
            Ok(inside) => inside,
            Err(row) => return *row,
        };
        let registrations = match &self.input.snapshot.surroundings.registrations {
            Observed::Known(registrations) => registrations,
            Observed::Unavailable(reason) => {
                return FRAME.row(
                    Verdict::Unknown,
                    "the task servers of their DeploymentSite",
                    format!("registrations cannot be read: {reason}"),
                    vec![],
                );
            }
        };
        let mut wanted = BTreeSet::new();
        let mut differing = Vec::new();
        let (mut right, mut silent) = (0, 0);
        for Deployed { client, sites } in inside {
            let expected = self.expected(sites, Role::Task);
            match registrations.get(&client.guid) {
                None => silent += 1,
                Some(server) if expected.contains(server) => right += 1,
                Some(server) => differing.push(Differing {
                    name: client.name.clone(),
                    found: format!("registered with {}", self.name(*server)),
                    why: self.why(client, Role::Task, *server),
                }),
            }
            wanted.extend(expected);
        }
        let mut found = format!("{} of {}", right, count(inside.len(), "client"));
        if silent > 0 {
            found = format!("{found}; {silent} registered with nobody");
        }
        let verdict = match (differing.is_empty(), right) {
            (false, _) => Verdict::NotMet,
            (true, 0) => Verdict::NotObserved,
            (true, _) => Verdict::Met,
        };
        FRAME.row(verdict, self.listed(&wanted), found, differing)
    }

    /// What clients fetched since the baseline; everything that is known where there is none.
    pub(super) fn fetches(&self) -> Observed<Vec<&'a Fetch>> {
        match &self.input.happenings.fetches {
            Observed::Unavailable(reason) => Observed::Unavailable(reason.clone()),
            Observed::Known(fetches) => Observed::Known(
                fetches
                    .iter()
                    .filter(|fetch| {
                        !self
                            .input
                            .baseline
                            .is_some_and(|baseline| baseline.has_fetch(fetch))
                    })
                    .collect(),
            ),
        }
    }

    /// Judges fetches by deployment clients; `expected` says where each may come from, `None` where that does not matter.
    fn fetched(
        &self,
        frame: &Frame,
        shown: &str,
        expected: impl Fn(&BTreeSet<SiteIndex>, Guid) -> Option<BTreeSet<Guid>>,
    ) -> Row {
        let inside = match self.inside(frame, shown) {
            Ok(inside) => inside,
            Err(row) => return *row,
        };
        let fetches = match self.fetches() {
            Observed::Known(fetches) => fetches,
            Observed::Unavailable(reason) => {
                return frame.row(
                    Verdict::Unknown,
                    shown,
                    format!("what clients fetched cannot be read: {reason}"),
                    vec![],
                );
            }
        };
        let by_client: BTreeMap<Guid, &Deployed<'_>> = inside
            .iter()
            .map(|deployed| (deployed.client.guid, deployed))
            .collect();
        let mut wanted = BTreeSet::new();
        let mut differing = Vec::new();
        let mut right = 0;
        for fetch in fetches {
            let Some(Deployed { client, sites }) = by_client.get(&fetch.client) else {
                continue;
            };
            let Some(expected) = expected(sites, fetch.package) else {
                continue;
            };
            if expected.contains(&fetch.server) {
                right += 1;
            } else {
                differing.push(Differing {
                    name: client.name.clone(),
                    found: format!(
                        "{} from {}",
                        self.name(fetch.package),
                        self.name(fetch.server)
                    ),
                    why: self.why(client, Role::Package, fetch.server),
                });
            }
            wanted.extend(expected);
        }
        let since = if self.input.baseline.is_some() {
            " since the baseline"
        } else {
            ""
        };
        let verdict = match (differing.is_empty(), right) {
            (false, _) => Verdict::NotMet,
            (true, 0) => Verdict::NotObserved,
            (true, _) => Verdict::Met,
        };
        let found = if right == 0 && differing.is_empty() {
            format!("deployment clients fetched nothing{since}")
        } else {
            format!(
                "{right} of {}{since}",
                count(right + differing.len(), "download")
            )
        };
        let expected = if wanted.is_empty() {
            shown.to_owned()
        } else {
            self.listed(&wanted)
        };
        frame.row(verdict, expected, found, differing)
    }

    pub(super) fn packages(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "package-server",
            title: "Deployment clients fetch packages from the deployment package server",
            evidence: &["evidence.packageSources"],
            look: "on a deployment client: Symantec Management Agent, Package Server tab",
        };
        self.fetched(
            &FRAME,
            "the package servers of their DeploymentSite",
            |sites, _| Some(self.expected(sites, Role::Package)),
        )
    }

    pub(super) fn images(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "deploy-image",
            title: "The packages of Deploy Image tasks come from the assigned servers",
            evidence: &["evidence.packageSources", "settings.taskPackages"],
            look: "Manage > Jobs and Tasks > the Deploy Image task > Packages tab, and the log of a \
                   deployment client",
        };
        let standing = self.world.automatic();
        let deployed = self.deployed_packages();
        if let Observed::Unavailable(reason) = &deployed {
            return FRAME.row(
                Verdict::Unknown,
                "the servers that each package is assigned to",
                format!("the packages of the tasks cannot be read: {reason}"),
                vec![],
            );
        }
        let deployed = deployed.known().cloned().unwrap_or_default();
        if deployed.is_empty() {
            return FRAME.row(
                Verdict::Unknown,
                "the servers that each package is assigned to",
                "no DeploymentSite declares `deployTasks` or `packages`",
                vec![],
            );
        }
        self.fetched(
            &FRAME,
            "the servers that each package is assigned to",
            |sites, package| {
                let assignment = self.world.packages.get(&package)?.assignment.as_ref()?;
                deployed.contains(&package).then(|| {
                    // An assignment narrows what the site allows; it does not reach beyond the site (article 431459).
                    &self.world.receivers(assignment, &standing)
                        & &self.expected(sites, Role::Package)
                })
            },
        )
    }

    /// Packages that deployment sites deploy: those of their tasks, and those that they declare.
    fn deployed_packages(&self) -> Observed<BTreeSet<Guid>> {
        let mut packages = BTreeSet::new();
        let Some(desired) = self.input.view.desired else {
            return Observed::Known(packages);
        };
        for site in desired.sites.values() {
            if site.kind != SiteKind::DeploymentSite {
                continue;
            }
            for task in &site.deploy_tasks {
                match self.input.snapshot.tasks.get(&task.value) {
                    Some(Observed::Known(found)) => packages.extend(found),
                    Some(Observed::Unavailable(reason)) => {
                        return Observed::Unavailable(reason.clone());
                    }
                    None => {}
                }
            }
        }
        let imaging = desired
            .packages
            .values()
            .filter(|package| !package.sites.is_empty());
        for declared in imaging {
            packages.extend(
                self.world
                    .packages
                    .iter()
                    .filter(|(guid, package)| match &declared.selector {
                        PackageSelector::Name(name) => package.name == *name,
                        PackageSelector::Guid(wanted) => wanted == *guid,
                        PackageSelector::Match(pattern) => {
                            glob(pattern.key().as_str(), package.name.key().as_str())
                        }
                        // Those of tasks are above.
                        PackageSelector::Task(_) => false,
                    })
                    .map(|(guid, _)| *guid),
            );
        }
        Observed::Known(packages)
    }

    pub(super) fn apart(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "clients-outside",
            title: "No client outside a DeploymentSite is served by its servers",
            evidence: &[
                "evidence.taskRegistrations",
                "evidence.packageSources",
                "associations.subnetToSite",
            ],
            look: "Site Server Settings > Site Servers > the server > its sites and its clients",
        };
        let own = self.deployment_servers();
        let served_by = if own.is_empty() {
            "the servers of a DeploymentSite".into()
        } else {
            self.listed(&own)
        };
        let expected = format!("none eligible for, registered with or served by {served_by}");
        if self.servers.is_empty() {
            return FRAME.row(
                Verdict::Unknown,
                expected,
                "no DeploymentSite is declared that exists on this server",
                vec![],
            );
        }
        if let Observed::Unavailable(reason) = &self.inside {
            let found = format!("clients cannot be read: {reason}");
            return FRAME.row(Verdict::Unknown, expected, found, vec![]);
        }
        let registrations = self.input.snapshot.surroundings.registrations.known();
        let fetches = self.fetches();
        let mut sources: BTreeMap<Guid, BTreeSet<Guid>> = BTreeMap::new();
        for fetch in fetches.known().into_iter().flatten() {
            sources
                .entry(fetch.client)
                .or_default()
                .insert(fetch.server);
        }
        let mut differing = Vec::new();
        for client in &self.outside {
            let served = self.selector.client(&client.addresses, Some(client.guid));
            for role in [Role::Package, Role::Task] {
                let Some(service) = served.of(role) else {
                    continue;
                };
                let eligible = &service.choice.servers() & &own;
                if !eligible.is_empty() {
                    differing.push(Differing {
                        name: client.name.clone(),
                        found: format!("eligible for {} as {role} server", self.listed(&eligible)),
                        why: self.eligible(client, role, &eligible),
                    });
                }
            }
            let registered = registrations.and_then(|all| all.get(&client.guid));
            if let Some(server) = registered.filter(|server| own.contains(server)) {
                differing.push(Differing {
                    name: client.name.clone(),
                    found: format!("registered with {}", self.name(*server)),
                    why: self.why(client, Role::Task, *server),
                });
            }
            for server in sources.get(&client.guid).into_iter().flatten() {
                if own.contains(server) {
                    differing.push(Differing {
                        name: client.name.clone(),
                        found: format!("fetched from {}", self.name(*server)),
                        why: self.why(client, Role::Package, *server),
                    });
                }
            }
        }
        let clients: BTreeSet<&Name> = differing.iter().map(|one| &one.name).collect();
        let looked = count(self.outside.len(), "client");
        if !differing.is_empty() {
            let found = format!("{} of {looked} outside", clients.len());
            return FRAME.row(Verdict::NotMet, expected, found, differing);
        }
        let unread: Vec<&str> = [
            ("registrations", registrations.is_none()),
            ("downloads", fetches.known().is_none()),
        ]
        .into_iter()
        .filter_map(|(part, missing)| missing.then_some(part))
        .collect();
        if unread.is_empty() {
            FRAME.row(
                Verdict::Met,
                expected,
                format!("none of {looked} outside"),
                vec![],
            )
        } else {
            let found = format!(
                "none of {looked} outside is eligible; {} cannot be read",
                unread.join(" and ")
            );
            FRAME.row(Verdict::Unknown, expected, found, vec![])
        }
    }
}
