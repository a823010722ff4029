//! Every server that has a role or belongs to the site, with what speaks against it: for people who ask why.
//!
//! Pure. Verdicts are read off the prediction itself, so that the two cannot disagree.

use std::collections::BTreeSet;
use std::fmt;

use super::Selector;
use super::selector::Place;
use super::served::{Choice, Reason, Service};
use crate::model::{Guid, Role};

/// A server that might serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub server: Guid,
    /// Whether it is a server of the site by its own address.
    pub automatic: bool,
    /// Whether it is assigned to the site.
    pub manual: bool,
    /// Whether it serves.
    pub verdict: Verdict,
    /// What speaks against it.
    pub obstacles: BTreeSet<Obstacle>,
}

/// Whether a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is among those that are chosen from.
    In,
    /// It is by some reading of the sources and not by others.
    Perhaps,
    /// It is not.
    Out,
}

/// What speaks against a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// It does not have the role.
    RoleMissing,
    /// Whether it has the role could not be read.
    RoleUnread,
    /// It does not answer.
    Down,
    /// It takes no more registrations.
    Full,
    /// It does not hold the package.
    NotHolding,
    /// Whether it holds the package could not be read.
    HoldingUnread,
    /// It is not a server of the site.
    NotInSite,
    /// Its own addresses could not be read.
    AddressUnread,
    /// It is a server of the site by manual assignment alone, which is no promise for tasks.
    ManualAlone,
    /// The site is constrained and lets nobody out.
    Constrained,
    /// It stands in another broadcast domain.
    OtherNetwork,
    /// The computer that asks is a package server itself.
    OwnComputerFirst,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RoleMissing => "role missing",
            Self::RoleUnread => "role not readable",
            Self::Down => "down",
            Self::Full => "full",
            Self::NotHolding => "does not hold the package",
            Self::HoldingUnread => "whether it holds the package is not readable",
            Self::NotInSite => "not in the site",
            Self::AddressUnread => "own address not readable",
            Self::ManualAlone => "by manual assignment alone, no promise for tasks",
            Self::Constrained => "denied by constraint",
            Self::OtherNetwork => "in another broadcast domain",
            Self::OwnComputerFirst => "the computer itself comes first",
        })
    }
}

impl Selector<'_> {
    /// Every server that has, or may have, the role or belongs to the sites of `place`, sorted by GUID; with a
    /// package also whether it holds that.
    #[must_use]
    pub fn candidates(&self, place: &Place, role: Role, package: Option<Guid>) -> Vec<Candidate> {
        let service = match package {
            Some(package) => Some(self.package(place, package)),
            None => self.serves(place).of(role).cloned(),
        };
        let Some(service) = service else {
            return Vec::new();
        };
        let sites = self.sites(place);
        let members = self.members(&sites);
        let holders = package.map(|package| self.holders(package));
        let (near, _) = self.near(place);
        let mut found = Vec::new();
        for (guid, server) in &self.world.servers {
            let automatic = members.automatic.contains(guid);
            let manual = members.manual.contains(guid);
            let has_role = server.roles.as_ref().map(|roles| roles.contains(&role));
            if has_role == Some(false) && !automatic && !manual {
                continue;
            }
            let mut obstacles = BTreeSet::new();
            let mut add = |obstacle: Obstacle, holds: bool| {
                if holds {
                    obstacles.insert(obstacle);
                }
            };
            add(Obstacle::RoleMissing, has_role == Some(false));
            add(Obstacle::RoleUnread, has_role.is_none());
            add(Obstacle::Down, server.answering == Some(false));
            add(
                Obstacle::Full,
                role == Role::Task && self.full.contains(guid),
            );
            if let Some(holders) = &holders {
                let may = holders.possible.contains(guid);
                add(Obstacle::NotHolding, !may);
                add(Obstacle::HoldingUnread, may && !holders.sure.contains(guid));
            }
            let located = server.addresses.is_some();
            if role == Role::NetworkBoot {
                add(Obstacle::OtherNetwork, located && !near.contains(guid));
                add(Obstacle::AddressUnread, !located);
            } else if !sites.is_empty() {
                add(Obstacle::NotInSite, located && !automatic && !manual);
                add(Obstacle::AddressUnread, !located && !manual);
                add(
                    Obstacle::ManualAlone,
                    role == Role::Task && manual && !automatic,
                );
                add(
                    Obstacle::Constrained,
                    service.reason == Reason::Waiting && !automatic && !manual,
                );
            }
            add(
                Obstacle::OwnComputerFirst,
                service.reason == Reason::OwnComputer && place.own() != Some(*guid),
            );
            found.push(Candidate {
                server: *guid,
                automatic,
                manual,
                verdict: verdict(&service, *guid),
                obstacles,
            });
        }
        found
    }
}

fn verdict(service: &Service, server: Guid) -> Verdict {
    match &service.choice {
        Choice::Indeterminate(readings) => {
            let by = readings
                .iter()
                .filter(|reading| reading.servers.contains(&server))
                .count();
            match by {
                0 => Verdict::Out,
                all if all == readings.len() => Verdict::In,
                _ => Verdict::Perhaps,
            }
        }
        choice @ (Choice::Only(_) | Choice::Random(_) | Choice::Agent(_) | Choice::None) => {
            if choice.servers().contains(&server) {
                Verdict::In
            } else {
                Verdict::Out
            }
        }
    }
}
