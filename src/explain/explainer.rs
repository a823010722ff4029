//! Explains who serves an address or a client: the prediction with every reason, in names.
//!
//! Pure. The index over the world is built once, so that a hundred thousand addresses are a matter of seconds.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::answer::{
    Alternative, Basis, Candidate, Eligibility, Explanation, Matching, OneOf, Outcome,
    PackageOutcome, Pick, Registered, Roles, Standing,
};
use super::asked::Subject;
use crate::model::{Guid, Name, Observed, Surroundings};
use crate::select::{
    self, Choice, Place, Reason, Selector, Served, Service, SiteIndex, Verdict, World,
};

/// Answers questions about one world.
#[derive(Debug)]
pub struct Explainer<'a> {
    world: &'a World,
    surroundings: &'a Surroundings,
    selector: Selector<'a>,
    basis: Basis,
    /// Packages that are asked about.
    packages: Vec<Guid>,
    /// Whether candidates are listed.
    candidates: bool,
}

impl<'a> Explainer<'a> {
    /// Builds the index over a world.
    #[must_use]
    pub fn new(world: &'a World, surroundings: &'a Surroundings, basis: Basis) -> Self {
        Self {
            world,
            surroundings,
            selector: Selector::new(world),
            basis,
            packages: Vec::new(),
            candidates: false,
        }
    }

    /// Also says who gives these packages.
    #[must_use]
    pub fn with_packages(mut self, packages: Vec<Guid>) -> Self {
        self.packages = packages;
        self
    }

    /// Also lists who comes into question, and what speaks against each.
    #[must_use]
    pub fn with_candidates(mut self, candidates: bool) -> Self {
        self.candidates = candidates;
        self
    }

    /// Explains an address; `asked` is what was written.
    #[must_use]
    pub fn address(&self, asked: &str, address: Ipv4Addr) -> Explanation {
        let Standing {
            address: _, // that is what was asked
            site,
            sites,
            subnet,
            matching,
        } = self.standing(address);
        let place = Place::address(address);
        Explanation {
            asked: asked.to_owned(),
            world: self.basis,
            client: None,
            address: Some(address),
            site,
            sites,
            subnet,
            matching,
            roles: self.roles(&self.selector.at(address)),
            candidates: self.listed(&place),
            packages: self.packages(&place),
            registered: None,
            registered_unknown: None,
            addresses: Vec::new(),
        }
    }

    /// Explains a computer; `asked` is what was written.
    #[must_use]
    pub fn computer(&self, asked: &str, subject: &Subject) -> Explanation {
        let Subject {
            guid,
            name,
            addresses,
        } = subject;
        let own = self.world.servers.contains_key(guid).then_some(*guid);
        let place = Place::client(addresses, own);
        let served = self.selector.serves(&place);
        let standings: Vec<Standing> = addresses
            .iter()
            .map(|(address, _)| self.standing(*address))
            .collect();
        let mut matching: Vec<Matching> = Vec::new();
        for found in standings.iter().flat_map(|standing| &standing.matching) {
            if !matching.contains(found) {
                matching.push(found.clone());
            }
        }
        // From the most specific, whichever address it holds.
        matching.sort_by_key(|found| (u8::MAX - found.subnet.prefix(), found.subnet));
        let (site, sites) = self.site_names(&served.sites);
        let (registered, registered_unknown) = self.registered(*guid, &served.task);
        let single = match standings.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        Explanation {
            asked: asked.to_owned(),
            world: self.basis,
            client: Some(name.clone()),
            address: single.map(|one| one.address),
            subnet: single.and_then(|one| one.subnet),
            site,
            sites,
            matching,
            roles: self.roles(&served),
            candidates: self.listed(&place),
            packages: self.packages(&place),
            registered,
            registered_unknown,
            addresses: standings
                .into_iter()
                .zip(addresses)
                .map(|(standing, address)| {
                    let alone = Place::client(std::slice::from_ref(address), own);
                    OneOf {
                        standing,
                        roles: self.roles(&self.selector.serves(&alone)),
                    }
                })
                .collect(),
        }
    }

    fn standing(&self, address: Ipv4Addr) -> Standing {
        let matching = self.selector.matching(address);
        let deciding = matching.iter().find(|(_, sites)| !sites.is_empty());
        let nowhere = BTreeSet::new();
        let (site, sites) = self.site_names(deciding.map_or(&nowhere, |(_, sites)| sites));
        Standing {
            address,
            site,
            sites,
            subnet: deciding.map(|(subnet, _)| *subnet),
            matching: matching
                .iter()
                .map(|(subnet, sites)| Matching {
                    subnet: *subnet,
                    sites: self.site_names(sites).1,
                })
                .collect(),
        }
    }

    /// The one site where there is one, and all of them.
    fn site_names(&self, sites: &BTreeSet<SiteIndex>) -> (Option<Name>, Vec<Name>) {
        let mut names: Vec<Name> = sites
            .iter()
            .filter_map(|site| self.world.sites.get(*site))
            .map(|site| site.name.clone())
            .collect();
        names.sort();
        let one = match names.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        (one, names)
    }

    fn roles(&self, served: &Served) -> Roles<Outcome> {
        let Served {
            sites: _, // said apart
            package,
            task,
            network_boot,
        } = served;
        Roles {
            package: outcome(self.world, package),
            task: outcome(self.world, task),
            network_boot: outcome(self.world, network_boot),
        }
    }

    fn listed(&self, place: &Place) -> Option<Roles<Vec<Candidate>>> {
        self.candidates.then(|| {
            Roles::each(|role| {
                let mut listed: Vec<Candidate> = self
                    .selector
                    .candidates(place, role, None)
                    .iter()
                    .map(|candidate| self.candidate(candidate))
                    .collect();
                listed.sort_by(|one, two| one.server.cmp(&two.server));
                listed
            })
        })
    }

    fn candidate(&self, candidate: &select::Candidate) -> Candidate {
        let select::Candidate {
            server,
            automatic,
            manual,
            verdict,
            obstacles,
        } = candidate;
        Candidate {
            server: server_name(self.world, *server),
            verdict: match verdict {
                Verdict::In => Eligibility::In,
                Verdict::Perhaps => Eligibility::Perhaps,
                Verdict::Out => Eligibility::Out,
            },
            automatic: *automatic,
            manual: *manual,
            obstacles: obstacles.iter().map(ToString::to_string).collect(),
        }
    }

    fn packages(&self, place: &Place) -> Vec<PackageOutcome> {
        self.packages
            .iter()
            .filter_map(|guid| {
                let package = self.world.packages.get(guid)?;
                Some(PackageOutcome {
                    name: package.name.clone(),
                    guid: *guid,
                    holders: package
                        .holders
                        .as_ref()
                        .map(|holders| server_names(self.world, holders)),
                    outcome: outcome(self.world, &self.selector.package(place, *guid)),
                })
            })
            .collect()
    }

    fn registered(&self, guid: Guid, task: &Service) -> (Option<Registered>, Option<String>) {
        match &self.surroundings.registrations {
            Observed::Unavailable(reason) => (None, Some(reason.clone())),
            Observed::Known(registrations) => {
                let server = registrations.get(&guid);
                let predicted = match server {
                    Some(server) => task.choice.servers().contains(server),
                    None => !task.choice.is_served(),
                };
                let registered = Registered {
                    server: server.map(|server| server_name(self.world, *server)),
                    predicted,
                };
                (Some(registered), None)
            }
        }
    }
}

/// The name of a server, its GUID where the world does not know it.
pub(super) fn server_name(world: &World, server: Guid) -> Name {
    world.servers.get(&server).map_or_else(
        || Name::new(&server.to_string()),
        |server| server.name.clone(),
    )
}

/// The names of servers, sorted.
pub(super) fn server_names(world: &World, servers: &BTreeSet<Guid>) -> Vec<Name> {
    let mut names: Vec<Name> = servers
        .iter()
        .map(|server| server_name(world, *server))
        .collect();
    names.sort();
    names
}

/// A service in names.
pub(super) fn outcome(world: &World, service: &Service) -> Outcome {
    let Service { choice, reason } = service;
    let readings = match choice {
        Choice::Indeterminate(readings) => readings
            .iter()
            .map(|reading| Alternative {
                source: reading.source.to_string(),
                servers: server_names(world, &reading.servers),
            })
            .collect(),
        Choice::Only(_) | Choice::Random(_) | Choice::Agent(_) | Choice::None => Vec::new(),
    };
    Outcome {
        servers: server_names(world, &choice.servers()),
        choice: match choice {
            Choice::Only(_) => Pick::Only,
            Choice::Random(_) => Pick::Random,
            Choice::Agent(_) => Pick::Agent,
            Choice::None => Pick::None,
            Choice::Indeterminate(_) => Pick::Indeterminate,
        },
        reason: match reason {
            Reason::Nobody => "no server that is up has the role, or holds the package".to_owned(),
            reason => reason.to_string(),
        },
        source: reason.source().to_owned(),
        readings,
    }
}
