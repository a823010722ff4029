//! Carries steps out on what is seen and remembered, as an SMP, its console and our state would; knows nothing of the
//! planner.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::testing::{Seen, known};
use crate::model::*;
use crate::plan::console_value;
use crate::select::{World, WorldAssignment};

fn site_guid(seen: &Seen, site: &SiteRef) -> Guid {
    let guid = site
        .guid
        .unwrap_or_else(|| seen.site_guid(site.name.as_str()));
    assert!(
        seen.snapshot
            .sites
            .known()
            .unwrap()
            .iter()
            .any(|s| s.guid == guid),
        "no site {}",
        site.name
    );
    guid
}

fn site_mut<'a>(seen: &'a mut Seen, site: &SiteRef) -> &'a mut ObservedSite {
    let guid = site_guid(seen, site);
    known(&mut seen.snapshot.sites)
        .iter_mut()
        .find(|s| s.guid == guid)
        .unwrap()
}

fn own(name: &Name, how: Held, protected: bool) -> Owned {
    Owned {
        name: name.clone(),
        how,
        protected,
    }
}

fn attest(seen: &mut Seen, step: &Step, console: &ConsoleStep) {
    *seen = seen.clone().attested(&step.id.0, &console_value(console));
}

/// Carries a step out, as an SMP, its console and our state would.
pub(super) fn run(seen: &mut Seen, step: &Step) {
    let born = Guid::from_u128(
        0x9000
            + u128::try_from(step.id.0.len()).unwrap() * 0x10000
            + step.id.0.bytes().fold(7_u128, |hash, byte| {
                hash.wrapping_mul(131) ^ u128::from(byte)
            }) % (1 << 60)
                * 0x1_0000_0000,
    );
    match &step.action {
        Action::CreateSite {
            name,
            description,
            protected,
        } => {
            let sites = known(&mut seen.snapshot.sites);
            assert!(sites.iter().all(|s| s.name != *name), "{name} exists");
            sites.push(ObservedSite {
                guid: born,
                name: name.clone(),
                shown: None,
                description: Observed::Known(description.clone().unwrap_or_default()),
                servers: BTreeSet::new(),
                constrained: Observed::Known(false),
            });
            seen.ownership
                .sites
                .insert(born, own(name, Held::Created, *protected));
        }
        Action::RenameSite { site, before } => {
            let guid = site.guid.unwrap();
            let sites = known(&mut seen.snapshot.sites);
            assert!(
                sites.iter().all(|s| s.name != site.name),
                "{} exists",
                site.name
            );
            let renamed = sites.iter_mut().find(|s| s.guid == guid).unwrap();
            assert_eq!(renamed.name, *before);
            renamed.name = site.name.clone();
        }
        Action::DescribeSite { site, after, .. } => {
            site_mut(seen, site).description = Observed::Known(after.clone());
        }
        Action::DeleteSite { site } => {
            let guid = site_guid(seen, site);
            let subnets = seen.snapshot.subnets.known().unwrap();
            assert!(
                subnets.iter().all(|s| !s.sites.contains(&guid)),
                "{} has subnets",
                site.name
            );
            assert!(
                site_mut(seen, site).servers.is_empty(),
                "{} has servers",
                site.name
            );
            assert!(
                seen.ownership
                    .sites
                    .remove(&guid)
                    .is_some_and(|o| o.how == Held::Created)
            );
            known(&mut seen.snapshot.sites).retain(|s| s.guid != guid);
        }
        Action::CreateSubnet { subnet, site } => {
            let site = site_guid(seen, site);
            let subnets = known(&mut seen.snapshot.subnets);
            assert!(
                subnets.iter().all(|s| s.subnet != Ok(*subnet)),
                "{subnet} exists"
            );
            subnets.push(ObservedSubnet {
                guid: born,
                subnet: Ok(*subnet),
                sites: vec![site],
            });
            let name = Name::new(&subnet.to_string());
            seen.ownership
                .subnets
                .insert(born, own(&name, Held::Created, false));
        }
        Action::AssignSubnet {
            guid, site, before, ..
        } => {
            let site = site_guid(seen, site);
            let subnet = subnet_mut(seen, *guid);
            assert_eq!(
                subnet.sites,
                before.iter().map(|s| s.guid.unwrap()).collect::<Vec<_>>(),
                "{} is where it was",
                step.id
            );
            subnet.sites = vec![site];
        }
        Action::UnassignSubnet { guid, before, .. } => {
            let left: Vec<Guid> = before.iter().filter_map(|s| s.guid).collect();
            subnet_mut(seen, *guid)
                .sites
                .retain(|site| !left.contains(site));
        }
        Action::DeleteSubnet { guid, .. } => {
            assert!(
                seen.ownership
                    .subnets
                    .remove(guid)
                    .is_some_and(|o| o.how == Held::Created)
            );
            known(&mut seen.snapshot.subnets).retain(|s| s.guid != *guid);
        }
        Action::AssignServer { server, site } => {
            assert!(site_mut(seen, site).servers.insert(server.guid));
        }
        Action::UnassignServer { server, site } => {
            assert!(site_mut(seen, site).servers.remove(&server.guid));
        }
        Action::AssignPackage {
            package,
            after,
            created_sites,
            before,
        } => {
            let mut after = after.clone();
            if let Assignment::Sites { sites, .. } = &mut after {
                sites.extend(
                    created_sites
                        .iter()
                        .map(|name| seen.site_guid(name.as_str())),
                );
            }
            let old = seen
                .snapshot
                .assignments
                .insert(package.guid, Observed::Known(after));
            assert_eq!(old, Some(Observed::Known(before.clone())), "{}", step.id);
        }
        Action::Constrain { site, on } => {
            site_mut(seen, site).constrained = Observed::Known(*on);
        }
        Action::SetCaptureTarget { before, server } => {
            let found = seen.snapshot.capture_target.known().copied();
            assert_eq!(found, Some(*before), "{}", step.id);
            seen.snapshot.capture_target = Observed::Known(Some(server.guid));
        }
        Action::UpdateDistributionPoints { package } => {
            seen.ownership.undistributed.remove(&package.guid);
        }
        Action::AwaitHolders { package, servers } => {
            // The wait ends: every server is one that the assignment reaches.
            let assignment = seen
                .snapshot
                .assignments
                .get(&package.guid)
                .unwrap()
                .known()
                .unwrap()
                .clone();
            let world = World::observed(&seen.snapshot);
            let sites = world.sites.iter().enumerate();
            let by_guid = sites
                .map(|(index, site)| (site.guid.unwrap(), index))
                .collect();
            // Whether it has the role is another step's matter.
            let reached: BTreeSet<Guid> = match WorldAssignment::of(&assignment, &by_guid) {
                WorldAssignment::All => world.servers.keys().copied().collect(),
                WorldAssignment::Servers(servers) => servers,
                WorldAssignment::Sites { sites, .. } => sites
                    .iter()
                    .flat_map(|site| {
                        let standing = world.automatic().remove(site).unwrap_or_default();
                        &world.sites[*site].manual | &standing
                    })
                    .collect(),
            };
            for server in servers {
                assert!(
                    reached.contains(&server.guid),
                    "{} waits for {} for ever",
                    step.id,
                    server.name
                );
            }
            let held = seen.snapshot.holders.get_mut(&package.guid).unwrap();
            known(held).extend(servers.iter().map(|s| s.guid));
        }
        Action::Console(console) => match console {
            ConsoleStep::InstallRole { server, role } => {
                known(&mut seen.snapshot.services).push(Service {
                    guid: born,
                    computer: server.guid,
                    role: ServiceRole::Known(*role),
                });
            }
            ConsoleStep::InstallPlugIn { server, plug_in } => {
                let facts = seen.snapshot.surroundings.facts.get_mut(&server.guid);
                let installed = known(&mut facts.unwrap().plug_ins);
                assert!(Arc::make_mut(installed).insert(Name::new(plug_in.as_str())));
            }
            ConsoleStep::Constrain { site, on } => {
                let readable = site_mut(seen, site);
                if readable.constrained.known().is_some() {
                    readable.constrained = Observed::Known(*on);
                } else {
                    attest(seen, step, console);
                }
            }
            ConsoleStep::CaptureTarget { server } => {
                seen.snapshot.capture_target = Observed::Known(Some(server.guid));
            }
            ConsoleStep::InvalidSubnets { .. } | ConsoleStep::ConfirmHolder { .. } => {
                attest(seen, step, console);
            }
        },
        Action::Record(record) => match record {
            Record::AdoptSite { site, protected } => {
                let owned = own(&site.name, Held::Adopted, *protected);
                assert_eq!(seen.ownership.sites.insert(site.guid, owned), None);
            }
            Record::AdoptSubnet { subnet, guid } => {
                let owned = own(&Name::new(&subnet.to_string()), Held::Adopted, false);
                assert_eq!(seen.ownership.subnets.insert(*guid, owned), None);
            }
            Record::ReleaseSite { site, .. } => {
                assert!(seen.ownership.sites.remove(&site.guid).is_some());
            }
            Record::ReleaseSubnet { guid, .. } => {
                assert!(seen.ownership.subnets.remove(guid).is_some());
            }
            Record::Protect { site, on } => {
                seen.ownership.sites.get_mut(&site.guid).unwrap().protected = *on;
            }
            Record::AcceptFewer { of, after, .. } => {
                seen.ownership.counted.insert(*of, Count::of(*after));
            }
            Record::Override { .. } | Record::Thaw { .. } => {}
        },
    }
}

fn subnet_mut(seen: &mut Seen, guid: Guid) -> &mut ObservedSubnet {
    known(&mut seen.snapshot.subnets)
        .iter_mut()
        .find(|s| s.guid == guid)
        .unwrap()
}
