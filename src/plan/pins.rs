//! Packages: a pin widens, awaits the new holder, then narrows.
//!
//! Pure. No client loses an image on the way: what held the package before and what is to hold it are assigned
//! together until the new holders have it, and what goes is taken away after the subnets have moved.

use std::collections::{BTreeMap, BTreeSet};

use super::steps::{Builder, id, phase};
use crate::diff::{Change, Found};
use crate::model::{
    Action, Assignment, ConsoleStep, Guid, Name, PackageRef, Role, ServerRef, StepId,
};
use crate::select::{SiteIndex, World};

struct Pin<'a> {
    package: &'a PackageRef,
    before: &'a Assignment,
    after: &'a Assignment,
    created_sites: &'a [Name],
    sites: &'a [Name],
    holders: Option<&'a BTreeSet<Guid>>,
}

/// An assignment with the sites in it that the plan creates.
type Wide = (Assignment, Vec<Name>);

/// What is left to do for a package once it is widened.
pub(super) struct Narrow {
    pub(super) package: PackageRef,
    original: Assignment,
    wide: Wide,
    after: Wide,
    /// Sites whose imaging section asks for the package.
    imaging: Vec<SiteIndex>,
    /// Sites whose package servers are to hold it.
    holding: Vec<SiteIndex>,
    /// The step that waits for the holders.
    awaits: Option<usize>,
    /// Steps after which it may be narrowed.
    pub(super) done: Vec<usize>,
}

impl Narrow {
    /// Whether the package points at that site before and not after.
    pub(super) fn leaves(&self, site: Guid) -> bool {
        let points = |assignment: &Assignment| matches!(assignment, Assignment::Sites { sites, .. } if sites.contains(&site));
        points(&self.original) && !points(&self.after.0)
    }
}

impl Builder<'_> {
    pub(super) fn packages(&mut self, changes: &[Found]) -> Vec<Narrow> {
        let mut narrows = Vec::new();
        for found in changes {
            match &found.change {
                Change::Package {
                    package,
                    before,
                    after,
                    created_sites,
                    sites,
                    holders,
                } => {
                    let pin = Pin {
                        package,
                        before,
                        after,
                        created_sites,
                        sites,
                        holders: holders.as_ref(),
                    };
                    narrows.push(self.pin(&pin));
                }
                Change::Distribute { package } => {
                    self.push(
                        id("update-distribution-points", &package.name),
                        Action::UpdateDistributionPoints {
                            package: package.clone(),
                        },
                        "an earlier run stopped before it",
                        phase::WIDEN,
                        Vec::new(),
                    );
                }
                _ => {}
            }
        }
        narrows
    }

    fn pin(&mut self, pin: &Pin<'_>) -> Narrow {
        let after = self.context.after;
        let wanted = holders_of(pin.after, pin.created_sites, after, &self.automatic_after);
        let mut last: Vec<usize> = wanted
            .iter()
            .filter_map(|server| self.roles.get(server))
            .flatten()
            .copied()
            .collect();
        let holding: Vec<SiteIndex> = match pin.after {
            Assignment::Sites { sites, .. } => sites
                .iter()
                .filter_map(|site| self.site_of_guid(*site))
                .chain(pin.created_sites.iter().filter_map(|s| self.site_named(s)))
                .collect(),
            Assignment::All | Assignment::Servers(_) => Vec::new(),
        };
        last.extend(holding.iter().filter_map(|site| self.creates.get(site)));
        let wide = self.widened(pin);
        let target = (pin.after.clone(), pin.created_sites.to_vec());
        let original = (pin.before.clone(), Vec::new());
        if wide != original {
            let kind = if wide == target {
                "assign-package"
            } else {
                "widen-package"
            };
            last = vec![self.assign(pin.package, kind, &original, &wide, phase::WIDEN, last)];
        }
        let missing: Vec<ServerRef> = wanted
            .iter()
            .filter(|server| pin.holders.is_none_or(|holders| !holders.contains(server)))
            .map(|guid| ServerRef {
                name: after.servers.get(guid).map_or_else(
                    || Name::new(&guid.to_string()),
                    |server| server.name.clone(),
                ),
                guid: *guid,
            })
            .collect();
        // With "all" no particular server is promised the package, so there is nothing to wait for.
        let mut awaits = None;
        if !missing.is_empty() && *pin.after != Assignment::All {
            let (action, reason) = if pin.holders.is_some() {
                (
                    Action::AwaitHolders {
                        package: pin.package.clone(),
                        servers: missing,
                    },
                    "clients need a package server that holds it",
                )
            } else {
                (
                    Action::Console(ConsoleStep::ConfirmHolder {
                        package: pin.package.clone(),
                        servers: missing,
                    }),
                    "which servers hold it cannot be read",
                )
            };
            // By a list of sites the servers get the package only once they are in the sites, which may take the very
            // subnets that an imaging site would hold back for the wait; so no site waits for it then.
            let step = self.push(
                StepId::await_package(&pin.package.name),
                action,
                reason,
                phase::AWAIT,
                last.clone(),
            );
            awaits = Some(step);
            if holding.is_empty() {
                last = vec![step];
            }
        }
        let imaging: Vec<SiteIndex> = pin
            .sites
            .iter()
            .filter_map(|s| self.site_named(s))
            .collect();
        for site in &imaging {
            self.equips.entry(*site).or_default().extend(&last);
        }
        Narrow {
            package: pin.package.clone(),
            original: pin.before.clone(),
            wide,
            after: target,
            imaging,
            holding,
            awaits,
            done: awaits.map_or(last, |step| vec![step]),
        }
    }

    fn assign(
        &mut self,
        package: &PackageRef,
        kind: &str,
        (before, _): &Wide,
        (after, created_sites): &Wide,
        phase: u8,
        depends_on: Vec<usize>,
    ) -> usize {
        self.push(
            id(kind, &package.name),
            Action::AssignPackage {
                package: package.clone(),
                before: before.clone(),
                after: after.clone(),
                created_sites: created_sites.clone(),
            },
            if kind == "narrow-package" {
                "pinned to what is declared"
            } else {
                "declared otherwise"
            },
            phase,
            depends_on,
        )
    }

    /// A wait for the servers of sites begins once the servers are in them.
    pub(super) fn await_sites(&mut self, pins: &[Narrow]) {
        for pin in pins {
            let ready = self.in_place(&pin.holding);
            if let Some(draft) = pin.awaits.and_then(|step| self.drafts.get_mut(step)) {
                draft.depends_on.extend(ready);
            }
        }
    }

    /// Steps after which the sites have their servers.
    fn in_place(&self, sites: &[SiteIndex]) -> Vec<usize> {
        let mut ready = Vec::new();
        for site in sites {
            ready.extend(self.equips.get(site).into_iter().flatten());
            ready.extend(self.moves.carriers_into(*site));
        }
        ready
    }

    /// What holds a package before and not after goes last: after the wait, and after the subnets of the sites that
    /// ask for the package. Returns the narrowing step of each package.
    pub(super) fn narrows(&mut self, pins: &[Narrow]) -> BTreeMap<Guid, usize> {
        let mut narrowed = BTreeMap::new();
        for pin in pins.iter().filter(|pin| pin.wide != pin.after) {
            let mut depends_on = pin.done.clone();
            depends_on.extend(self.in_place(&pin.holding));
            for site in &pin.imaging {
                depends_on.extend(self.moves.arrivals(*site));
            }
            let step = self.assign(
                &pin.package,
                "narrow-package",
                &pin.wide,
                &pin.after,
                phase::NARROW,
                depends_on,
            );
            narrowed.insert(pin.package.guid, step);
        }
        narrowed
    }

    /// An assignment that holds what was before and what is to be; equal to the target where that alone widens.
    fn widened(&self, pin: &Pin<'_>) -> Wide {
        let created = pin.created_sites.to_vec();
        match (pin.before, pin.after) {
            (Assignment::All, _) | (_, Assignment::All) => (Assignment::All, Vec::new()),
            (Assignment::Servers(before), Assignment::Servers(after)) => {
                (Assignment::Servers(before | after), Vec::new())
            }
            (
                Assignment::Sites {
                    sites: before,
                    automatic: was,
                },
                Assignment::Sites {
                    sites: after,
                    automatic,
                },
            ) if was == automatic && (created.is_empty() || before.is_subset(after)) => (
                Assignment::Sites {
                    sites: before | after,
                    automatic: *automatic,
                },
                created,
            ),
            // Servers and sites cannot be listed together, and a step cannot expect to find a site that is yet to be
            // created; so the servers of the sites stand in for a while.
            _ => (
                Assignment::Servers(
                    &holders_of(pin.before, &[], self.context.before, &self.automatic_before)
                        | &holders_of(
                            pin.after,
                            pin.created_sites,
                            self.context.after,
                            &self.automatic_after,
                        ),
                ),
                Vec::new(),
            ),
        }
    }
}

/// The package servers that an assignment means in a world. A server whose roles are not known counts: to leave it
/// out might take the package from it.
fn holders_of(
    assignment: &Assignment,
    created_sites: &[Name],
    world: &World,
    automatic: &BTreeMap<SiteIndex, BTreeSet<Guid>>,
) -> BTreeSet<Guid> {
    match assignment {
        Assignment::All => BTreeSet::new(),
        Assignment::Servers(servers) => servers.clone(),
        Assignment::Sites { sites, .. } => world
            .sites
            .iter()
            .enumerate()
            .filter(|(_, site)| {
                site.guid.is_some_and(|guid| sites.contains(&guid))
                    || (site.guid.is_none() && created_sites.contains(&site.name))
            })
            .flat_map(|(index, site)| {
                site.manual
                    .iter()
                    .chain(automatic.get(&index).into_iter().flatten())
                    .copied()
            })
            .filter(|guid| {
                world.servers.get(guid).is_none_or(|server| {
                    server
                        .roles
                        .as_ref()
                        .is_none_or(|roles| roles.contains(&Role::Package))
                })
            })
            .collect(),
    }
}
