//! The seven rows: registrations, packages, boundaries, load, images deployed, images captured, and who stays away.
//!
//! Pure. Sources: article 431459, "Verification" (rows 1 to 6) and step 4 of its implementation (row 7).

use std::collections::{BTreeMap, BTreeSet};

use super::{ATTESTED_ROW, Baseline, Differing, Report, Row, Verdict, count, listed, nameless};
use crate::model::{
    Client, Fetch, Guid, Happenings, Load, Name, Observed, Role, SiteKind, Snapshot,
};
use crate::plan::Severity;
use crate::select::{Place, Selector, SiteIndex, World};
use crate::validate::{View, findings};

/// The version of the report's format.
pub(super) const FORMAT_VERSION: u32 = 1;

/// Everything that a verification looks at.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The world that is there, its sites marked with what they are declared as.
    pub view: View<'a>,
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// What happened.
    pub happenings: &'a Happenings,
    /// An earlier reading.
    pub baseline: Option<&'a Baseline>,
    /// By how many percent the load of the SMP may differ from the baseline without having risen.
    pub tolerance: u32,
}

/// Verifies.
///
/// # Guarantees
/// Every row is there, in the order of the article; a row without evidence is never met.
pub fn verify(input: &Inputs<'_>) -> Report {
    let seen = Seen::of(input);
    let mut rows = vec![
        seen.registrations(),
        seen.packages(),
        seen.boundaries(),
        seen.load(),
        seen.images(),
        seen.captures(),
        seen.apart(),
    ];
    for row in &mut rows {
        let word = input
            .view
            .ownership
            .and_then(|ownership| ownership.attestations.get(&format!("verify:{}", row.id)));
        // A word stands in for what cannot be seen; it outweighs nothing that was.
        let word = word.filter(|word| word.value == ATTESTED_ROW);
        if matches!(row.verdict, Verdict::Unknown | Verdict::NotObserved) && word.is_some() {
            row.verdict = Verdict::Met;
            row.look = "";
            row.attested = word.cloned();
        }
    }
    Report {
        format_version: FORMAT_VERSION,
        rows,
    }
}

/// A client in a DeploymentSite.
struct Deployed<'a> {
    client: &'a Client,
    sites: BTreeSet<SiteIndex>,
}

/// What the rows share.
struct Seen<'a> {
    input: &'a Inputs<'a>,
    world: &'a World,
    selector: Selector<'a>,
    /// Clients in DeploymentSites, and the others.
    inside: Observed<Vec<Deployed<'a>>>,
    outside: Vec<&'a Client>,
    /// The servers of each DeploymentSite.
    servers: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    names: BTreeMap<Guid, &'a Name>,
}

/// What stands in the rows for a row that is told by reading.
struct Frame {
    id: &'static str,
    title: &'static str,
    evidence: &'static [&'static str],
    look: &'static str,
}

impl Frame {
    fn row(
        &self,
        verdict: Verdict,
        expected: impl Into<String>,
        found: impl Into<String>,
        mut differing: Vec<Differing>,
    ) -> Row {
        differing.sort();
        differing.dedup();
        Row {
            id: self.id,
            title: self.title,
            verdict,
            evidence: self.evidence.to_vec(),
            expected: expected.into(),
            found: found.into(),
            differing,
            look: if verdict == Verdict::Met {
                ""
            } else {
                self.look
            },
            attested: None,
        }
    }
}

impl<'a> Seen<'a> {
    fn of(input: &'a Inputs<'a>) -> Self {
        let world = input.view.world;
        let selector = Selector::new(world);
        let standing = world.automatic();
        let mut servers = BTreeMap::new();
        for (index, site) in world.sites.iter().enumerate() {
            let deployment = site
                .declared
                .as_ref()
                .is_some_and(|(kind, _)| *kind == SiteKind::DeploymentSite);
            if deployment {
                let mut own = site.manual.clone();
                own.extend(standing.get(&index).into_iter().flatten());
                // The SMP is nobody's deployment server, even where it stands in the site by mistake.
                own.retain(|server| Some(*server) != world.platform);
                servers.insert(index, own);
            }
        }
        let mut outside = Vec::new();
        let inside = match &input.snapshot.surroundings.clients {
            Observed::Unavailable(reason) => Observed::Unavailable(reason.clone()),
            Observed::Known(clients) => {
                let mut inside = Vec::new();
                for client in clients {
                    let sites: BTreeSet<SiteIndex> = selector
                        .sites(&Place::client(&client.addresses, Some(client.guid)))
                        .into_iter()
                        .filter(|site| servers.contains_key(site))
                        .collect();
                    if sites.is_empty() {
                        outside.push(client);
                    } else {
                        inside.push(Deployed { client, sites });
                    }
                }
                Observed::Known(inside)
            }
        };
        let mut names: BTreeMap<Guid, &Name> = world
            .servers
            .iter()
            .map(|(guid, server)| (*guid, &server.name))
            .collect();
        names.extend(
            world
                .packages
                .iter()
                .map(|(guid, package)| (*guid, &package.name)),
        );
        Self {
            input,
            world,
            selector,
            inside,
            outside,
            servers,
            names,
        }
    }

    fn name(&self, guid: Guid) -> Name {
        self.names
            .get(&guid)
            .map_or_else(|| nameless(guid), |name| (*name).clone())
    }

    fn listed(&self, servers: &BTreeSet<Guid>) -> String {
        listed(&servers.iter().map(|server| self.name(*server)).collect())
    }

    /// The servers of some DeploymentSites that have a role.
    fn expected(&self, sites: &BTreeSet<SiteIndex>, role: Role) -> BTreeSet<Guid> {
        sites
            .iter()
            .filter_map(|site| self.servers.get(site))
            .flatten()
            .copied()
            .filter(|server| self.world.has_role(*server, role))
            .collect()
    }

    /// All servers of DeploymentSites.
    fn deployment_servers(&self) -> BTreeSet<Guid> {
        self.servers.values().flatten().copied().collect()
    }

    /// Clients in DeploymentSites, or the row that says why there are none to judge.
    fn inside(&self, frame: &Frame, expected: &str) -> Result<&[Deployed<'a>], Row> {
        if self.servers.is_empty() {
            return Err(frame.row(
                Verdict::Unknown,
                expected,
                "no DeploymentSite is declared that exists on this server",
                vec![],
            ));
        }
        match &self.inside {
            Observed::Unavailable(reason) => Err(frame.row(
                Verdict::Unknown,
                expected,
                format!("clients cannot be read: {reason}"),
                vec![],
            )),
            Observed::Known(inside) if inside.is_empty() => Err(frame.row(
                Verdict::NotObserved,
                expected,
                "no known client is in a DeploymentSite",
                vec![],
            )),
            Observed::Known(inside) => Ok(inside),
        }
    }

    /// Why a client uses a server that it should not, by the rules of selection.
    fn why(&self, client: &Client, role: Role, server: Guid) -> String {
        let served = self.selector.client(&client.addresses, Some(client.guid));
        let Some(service) = served.of(role) else {
            return String::new();
        };
        if service.choice.servers().contains(&server) {
            return self.eligible(client, role, &BTreeSet::from([server]));
        }
        format!(
            "{} is none of its servers any more, and it has not asked anew since: agents do within 30 minutes",
            self.name(server)
        )
    }

    /// Why a client may use these servers: the site that it is in, and how each came to serve it.
    fn eligible(&self, client: &Client, role: Role, servers: &BTreeSet<Guid>) -> String {
        let place = Place::client(&client.addresses, Some(client.guid));
        let sites: BTreeSet<Name> = self
            .selector
            .sites(&place)
            .into_iter()
            .map(|site| Name::new(self.world.site_name(site)))
            .collect();
        let served = self.selector.serves(&place);
        let reason = served.of(role).map(|service| service.reason);
        if sites.is_empty() {
            return reason.map_or_else(String::new, |reason| reason.to_string());
        }
        let ways: Vec<String> = self
            .selector
            .candidates(&place, role, None)
            .into_iter()
            .filter(|candidate| servers.contains(&candidate.server))
            .map(|candidate| {
                let name = self.name(candidate.server);
                match (candidate.automatic, candidate.manual) {
                    (true, true) => {
                        format!("{name} serves it by its own address and by manual assignment")
                    }
                    (true, false) => format!("{name} serves it automatically, by its own address"),
                    (false, true) => format!("{name} serves it by manual assignment"),
                    (false, false) => format!(
                        "{name} is none of its servers: {}",
                        reason.map_or_else(String::new, |reason| reason.to_string())
                    ),
                }
            })
            .collect();
        format!("it is in {}; {}", listed(&sites), ways.join("; "))
    }

    fn registrations(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "task-server",
            title: "Deployment clients are registered with the deployment task server",
            evidence: &["evidence.taskRegistrations"],
            look: "on a deployment client: Symantec Management Agent, Task Status tab",
        };
        let inside = match self.inside(&FRAME, "the task servers of their DeploymentSite") {
            Ok(inside) => inside,
            Err(row) => return row,
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
    fn fetches(&self) -> Observed<Vec<&'a Fetch>> {
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
            Err(row) => return row,
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

    fn packages(&self) -> Row {
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

    fn images(&self) -> Row {
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

    /// Packages that DeploymentSites deploy: those of their tasks, and those that they declare.
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
                        crate::model::PackageSelector::Name(name) => package.name == *name,
                        crate::model::PackageSelector::Guid(wanted) => wanted == *guid,
                        // Patterns are expanded by the refresh; tasks are above.
                        crate::model::PackageSelector::Match(_)
                        | crate::model::PackageSelector::Task(_) => false,
                    })
                    .map(|(guid, _)| *guid),
            );
        }
        Observed::Known(packages)
    }

    fn boundaries(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "no-overlap",
            title: "No DeploymentSite has a subnet overlap with another site",
            evidence: &["associations.subnetToSite"],
            look: "Settings > Notification Server > Site Server Settings > Sites",
        };
        let expected = "exact boundaries, but for carve-outs";
        for (part, reason) in [
            ("sites", self.input.snapshot.sites.reason()),
            ("subnets", self.input.snapshot.subnets.reason()),
        ] {
            if let Some(reason) = reason {
                let found = format!("{part} cannot be read: {reason}");
                return FRAME.row(Verdict::Unknown, expected, found, vec![]);
            }
        }
        let differing: Vec<Differing> = findings(&self.input.view)
            .into_iter()
            .filter(|(check, finding)| {
                ["subnet-overlap", "subnet-in-two-sites"].contains(&check.id)
                    && finding.severity != Severity::Info
                    && self.concerns_deployment(&finding.objects)
            })
            .map(|(check, finding)| Differing {
                name: Name::new(check.id),
                found: finding.message,
                why: finding.remedy,
            })
            .collect();
        if differing.is_empty() {
            FRAME.row(Verdict::Met, expected, "no overlap", vec![])
        } else {
            let found = count(differing.len(), "overlap");
            FRAME.row(Verdict::NotMet, expected, found, differing)
        }
    }

    fn concerns_deployment(&self, objects: &BTreeSet<String>) -> bool {
        self.servers.keys().any(|site| {
            objects.contains(&format!(
                "site {}",
                self.world.site_name(*site).to_lowercase()
            ))
        })
    }

    fn load(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "smp-load",
            title: "A deployment job puts no package or task load on the SMP",
            evidence: &["evidence.serverLoad", "evidence.packageSources"],
            look: "the SMP's own performance counters before and during a deployment job",
        };
        let tolerance = self.input.tolerance;
        let expected = format!("not above the baseline by more than {tolerance} %");
        let unknown = |found: String| FRAME.row(Verdict::Unknown, expected.clone(), found, vec![]);
        let platform = self.input.snapshot.platform.server;
        let now = match &self.input.happenings.load {
            Observed::Known(load) => load.get(&platform),
            Observed::Unavailable(reason) => {
                return unknown(format!("load cannot be read: {reason}"));
            }
        };
        let Some(baseline) = self.input.baseline else {
            return unknown("there is no baseline: take one before the job".into());
        };
        let before = baseline.load.as_ref().and_then(|load| load.get(&platform));
        let (Some(now), Some(before)) = (now, before) else {
            return unknown("the server shows no load of the SMP".into());
        };
        let Load { package, task } = *now;
        let found = format!(
            "packages {} -> {package}, tasks {} -> {task} since {}",
            before.package, before.task, baseline.taken_at
        );
        if !self.deployed_since() {
            let found = format!("no deployment since the baseline ({found})");
            return FRAME.row(Verdict::NotObserved, expected, found, vec![]);
        }
        let risen = |before: u64, now: u64| {
            u128::from(now) * 100 > u128::from(before) * (100 + u128::from(tolerance))
        };
        let verdict = if risen(before.package, package) || risen(before.task, task) {
            Verdict::NotMet
        } else {
            Verdict::Met
        };
        FRAME.row(verdict, expected, found, vec![])
    }

    /// Whether a deployment client fetched a package that is deployed since the baseline.
    fn deployed_since(&self) -> bool {
        let clients: BTreeSet<Guid> = self
            .inside
            .known()
            .into_iter()
            .flatten()
            .map(|deployed| deployed.client.guid)
            .collect();
        self.fetches()
            .known()
            .into_iter()
            .flatten()
            .any(|fetch| clients.contains(&fetch.client))
    }

    fn captures(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "capture-image",
            title: "Captured images go to the declared target",
            evidence: &["evidence.images", "settings.captureTarget"],
            look: "Settings > Deployment > DS Global Settings > Default Target, and the location of \
                   the newest image",
        };
        let declared = self
            .input
            .view
            .desired
            .and_then(|desired| desired.settings.capture_target.as_ref())
            .map(|target| target.value.clone());
        let present = self
            .world
            .capture_target
            .flatten()
            .map(|guid| self.name(guid));
        let Some(target) = declared.or(present) else {
            return FRAME.row(
                Verdict::Unknown,
                "a capture target",
                "none is declared, and none can be read",
                vec![],
            );
        };
        let expected = format!("`{target}`");
        let images = match &self.input.happenings.images {
            Observed::Known(images) => images,
            Observed::Unavailable(reason) => {
                let found = format!("images cannot be read: {reason}");
                return FRAME.row(Verdict::Unknown, expected, found, vec![]);
            }
        };
        let Some(known) = self.input.baseline.and_then(|b| b.images.as_ref()) else {
            return FRAME.row(
                Verdict::Unknown,
                expected,
                "there is no baseline that says which images are new",
                vec![],
            );
        };
        let mut right = 0;
        let mut nowhere = 0;
        let mut differing = Vec::new();
        for image in images.iter().filter(|image| !known.contains(&image.guid)) {
            match &image.host {
                None => nowhere += 1,
                Some(host) if host.host().eq_ignore_ascii_case(target.host()) => right += 1,
                Some(host) => differing.push(Differing {
                    name: image.name.clone(),
                    found: format!("on {host}"),
                    why: "captures go to the Default Target that is set when the job runs".into(),
                }),
            }
        }
        let (verdict, found) = match (differing.len(), right, nowhere) {
            (0, 0, 0) => (
                Verdict::NotObserved,
                "no image was captured since the baseline".to_owned(),
            ),
            (0, 0, _) => (
                Verdict::Unknown,
                "the location of the new images names no server".to_owned(),
            ),
            (0, right, _) => (Verdict::Met, count(right, "new image")),
            (wrong, right, _) => (
                Verdict::NotMet,
                format!("{right} of {}", count(right + wrong, "new image")),
            ),
        };
        FRAME.row(verdict, expected, found, differing)
    }

    fn apart(&self) -> Row {
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
        let expected = format!(
            "none eligible for, registered with or served by {}",
            self.listed(&own)
        );
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
        let mut fetched: BTreeMap<Guid, BTreeSet<Guid>> = BTreeMap::new();
        for fetch in fetches.known().into_iter().flatten() {
            fetched
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
            for server in fetched.get(&client.guid).into_iter().flatten() {
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
