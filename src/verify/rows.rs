//! The seven rows: registrations, packages, boundaries, load, images deployed, images captured, and who stays away.
//!
//! Pure. Sources: article 431459, "Verification" (rows 1 to 6) and step 4 of its implementation (row 7).

use std::collections::{BTreeMap, BTreeSet};

use super::{ATTESTED_ROW, Baseline, Differing, Report, Row, Verdict, listed, nameless};
use crate::model::{Client, Guid, Happenings, Name, Observed, Role, SiteKind, Snapshot, Subnet};
use crate::select::{Place, Selector, SiteIndex, World};
use crate::validate::View;

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
pub(super) struct Deployed<'a> {
    pub(super) client: &'a Client,
    pub(super) sites: BTreeSet<SiteIndex>,
}

/// What the rows share.
pub(super) struct Seen<'a> {
    pub(super) input: &'a Inputs<'a>,
    pub(super) world: &'a World,
    pub(super) selector: Selector<'a>,
    /// Clients in DeploymentSites, and the others.
    pub(super) inside: Observed<Vec<Deployed<'a>>>,
    pub(super) outside: Vec<&'a Client>,
    /// The servers of each DeploymentSite.
    pub(super) servers: BTreeMap<SiteIndex, BTreeSet<Guid>>,
    pub(super) names: BTreeMap<Guid, &'a Name>,
}

/// What stands in the rows for a row that is told by reading.
pub(super) struct Frame {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) evidence: &'static [&'static str],
    pub(super) look: &'static str,
}

impl Frame {
    pub(super) fn row(
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

    pub(super) fn name(&self, guid: Guid) -> Name {
        self.names
            .get(&guid)
            .map_or_else(|| nameless(guid), |name| (*name).clone())
    }

    pub(super) fn listed(&self, servers: &BTreeSet<Guid>) -> String {
        listed(&servers.iter().map(|server| self.name(*server)).collect())
    }

    /// The servers of some DeploymentSites that have a role.
    pub(super) fn expected(&self, sites: &BTreeSet<SiteIndex>, role: Role) -> BTreeSet<Guid> {
        sites
            .iter()
            .filter_map(|site| self.servers.get(site))
            .flatten()
            .copied()
            .filter(|server| self.world.has_role(*server, role))
            .collect()
    }

    /// All servers of DeploymentSites.
    pub(super) fn deployment_servers(&self) -> BTreeSet<Guid> {
        self.servers.values().flatten().copied().collect()
    }

    /// Clients in DeploymentSites, or the row that says why there are none to judge.
    pub(super) fn inside(&self, frame: &Frame, expected: &str) -> Result<&[Deployed<'a>], Row> {
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
    pub(super) fn why(&self, client: &Client, role: Role, server: Guid) -> String {
        let answer = self.selector.client(&client.addresses, Some(client.guid));
        let Some(service) = answer.of(role) else {
            return String::new();
        };
        if service.choice.servers().contains(&server) {
            return self.eligible(client, role, &BTreeSet::from([server]));
        }
        let name = self.name(server);
        if self.in_one_network(client, server) {
            // What a carve-out rests on may be false on this server: waiting would not mend that.
            return format!(
                "{name} is none of its servers by the most specific subnet: it has not asked anew since, which agents \
                 do within 30 minutes, or the SMP goes by the mask of the server's inventory, which holds both"
            );
        }
        format!(
            "{name} is none of its servers any more, and it has not asked anew since: agents do within 30 minutes"
        )
    }

    /// Whether a server stands around a client by the mask of its inventory.
    fn in_one_network(&self, client: &Client, server: Guid) -> bool {
        let own = self
            .world
            .servers
            .get(&server)
            .map(|server| &server.addresses);
        own.into_iter()
            .flatten()
            .flatten()
            .filter_map(|(address, prefix)| Subnet::containing(*address, *prefix))
            .any(|network| {
                client
                    .addresses
                    .iter()
                    .any(|(address, _)| network.contains(*address))
            })
    }

    /// Why a client may use these servers: the site that it is in, and how each came to serve it.
    pub(super) fn eligible(&self, client: &Client, role: Role, servers: &BTreeSet<Guid>) -> String {
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
}
