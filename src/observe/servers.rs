//! Site services and the computers that matter: site servers, servers of sites, declared ones, the SMP itself.
//!
//! I/O, through the reader. Services are listed by the base type and by the type of each role, since nothing says
//! whether a list holds resources of derived types.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::model::{Computer, Guid, Name, Observed, Platform, Role, Service, ServiceRole};
use crate::profile::{Ability, Profile, ReportKind, TypeRole};
use crate::smp::resource_management::Inventory;
use crate::smp::{ReadError, Reader};

use super::memberships::{AHEAD, Memberships};
use super::refresh::{observed, required};
use super::{Scope, reason};

/// A site service as a list gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedService {
    pub(super) guid: Guid,
    pub(super) name: String,
    /// Its own type where the list says it, and the type that it was listed by.
    pub(super) types: Vec<Guid>,
}

/// The types by which services are listed.
pub(super) fn service_types(profile: &Profile) -> BTreeSet<Guid> {
    Role::ALL
        .into_iter()
        .filter_map(|role| profile.roles.of(role)?.resource_type)
        .chain(profile.type_guid(TypeRole::SiteService))
        .collect()
}

/// What a service does, by the rules of the profile.
pub(super) fn role_of(profile: &Profile, name: &str, types: &[Guid]) -> ServiceRole {
    let folded = name.trim().to_lowercase();
    for role in Role::ALL {
        let Some(rule) = profile.roles.of(role) else {
            continue;
        };
        let by_type = rule
            .resource_type
            .is_none_or(|wanted| types.contains(&wanted));
        let by_name = rule
            .name
            .as_deref()
            .is_none_or(|beginning| folded.starts_with(&beginning.trim().to_lowercase()));
        if by_type && by_name {
            return ServiceRole::Known(role);
        }
    }
    ServiceRole::Other(Arc::from(name.trim()))
}

/// Lists all site services.
pub(super) async fn list_services(reader: &Reader) -> Result<Vec<ListedService>, ReadError> {
    required(reader, Ability::ReadServices, TypeRole::SiteService)?;
    let types = service_types(reader.profile());
    let lists: Vec<Vec<ListedService>> = stream::iter(types)
        .map(|listed_by| {
            reader.resources_of_type(listed_by, move |guid, passing| {
                let mut types = vec![listed_by];
                types.extend(passing.resource_type());
                Ok(ListedService {
                    guid,
                    name: passing.name().unwrap_or_default().to_owned(),
                    types,
                })
            })
        })
        .buffered(AHEAD)
        .try_collect()
        .await?;
    let mut services: BTreeMap<Guid, ListedService> = BTreeMap::new();
    for service in lists.into_iter().flatten() {
        services
            .entry(service.guid)
            .and_modify(|known| known.types.extend(&service.types))
            .or_insert(service);
    }
    Ok(services.into_values().collect())
}

/// Ties services to their computers and roles.
pub(super) fn place(
    reader: &Reader,
    services: Observed<Vec<ListedService>>,
    memberships: &Memberships,
    unplaced: &mut Vec<String>,
) -> Observed<Vec<Service>> {
    let services = match services {
        Observed::Known(services) => services,
        Observed::Unavailable(reason) => return Observed::Unavailable(reason),
    };
    let computers = match &memberships.services {
        Observed::Known(computers) => computers,
        Observed::Unavailable(reason) => return Observed::Unavailable(reason.clone()),
    };
    let mut placed = Vec::new();
    for service in services {
        match computers.get(&service.guid) {
            Some(computer) => placed.push(Service {
                guid: service.guid,
                computer: *computer,
                role: role_of(reader.profile(), &service.name, &service.types),
            }),
            None => unplaced.push(format!(
                "site service {} (`{}`) belongs to no computer that can be seen",
                service.guid, service.name
            )),
        }
    }
    Observed::Known(placed)
}

/// Reads the computers that matter.
pub(super) async fn read(
    reader: &Reader,
    scope: &Scope,
    platform: &Platform,
    memberships: &Memberships,
) -> Result<BTreeMap<Guid, Computer>, ReadError> {
    let mut wanted: BTreeSet<Guid> = [platform.server].into();
    if let Observed::Known(services) = &memberships.services {
        wanted.extend(services.values());
    }
    if let Observed::Known(pairs) = &memberships.servers {
        wanted.extend(pairs.iter().map(|(computer, _)| computer));
    }
    let report = reader.profile().reports.known(ReportKind::Servers);
    let mut names = memberships.names.clone();
    let mut inventories: BTreeMap<Guid, Observed<Inventory>> = BTreeMap::new();
    if let Some(report) = report {
        match observed(reader.server_report(report).await)? {
            Observed::Known(found) => {
                inventories.extend(
                    found
                        .into_iter()
                        .map(|(computer, inventory)| (computer, Observed::Known(inventory))),
                );
                for computer in &wanted {
                    // The report holds every site server with inventory: one that is not in it has none.
                    inventories
                        .entry(*computer)
                        .or_insert_with(|| Observed::Known(Inventory::default()));
                }
            }
            Observed::Unavailable(reason) => {
                for computer in &wanted {
                    inventories.insert(*computer, Observed::Unavailable(reason.clone()));
                }
            }
        }
        wanted.extend(inventories.keys());
    } else {
        inventories.extend(inventory_of(reader, wanted.iter().copied()).await?);
    }
    name_the_nameless(reader, &wanted, &inventories, &mut names).await?;
    let mut computers: BTreeMap<Guid, Computer> = wanted
        .iter()
        .map(|guid| (*guid, computer(*guid, platform, &inventories, &names)))
        .collect();
    add_declared(reader, scope, platform, &mut computers).await?;
    Ok(computers)
}

async fn inventory_of(
    reader: &Reader,
    computers: impl Iterator<Item = Guid>,
) -> Result<Vec<(Guid, Observed<Inventory>)>, ReadError> {
    stream::iter(computers)
        .map(|computer| async move {
            let inventory = observed(reader.inventory(computer).await)?;
            Ok((computer, inventory))
        })
        .buffered(AHEAD)
        .try_collect()
        .await
}

/// Asks for the names of computers that neither inventory nor any answer named.
async fn name_the_nameless(
    reader: &Reader,
    wanted: &BTreeSet<Guid>,
    inventories: &BTreeMap<Guid, Observed<Inventory>>,
    names: &mut BTreeMap<Guid, String>,
) -> Result<(), ReadError> {
    let nameless: Vec<Guid> = wanted
        .iter()
        .copied()
        .filter(|computer| {
            !names.contains_key(computer)
                && inventories
                    .get(computer)
                    .and_then(Observed::known)
                    .and_then(Inventory::name)
                    .is_none()
        })
        .collect();
    if nameless.is_empty() {
        return Ok(());
    }
    if let Observed::Known(found) = observed(reader.names(&nameless).await)? {
        names.extend(found);
    }
    Ok(())
}

fn computer(
    guid: Guid,
    platform: &Platform,
    inventories: &BTreeMap<Guid, Observed<Inventory>>,
    names: &BTreeMap<Guid, String>,
) -> Computer {
    let inventory = inventories.get(&guid);
    let name = if guid == platform.server && platform.name.domain().is_some() {
        platform.name.clone()
    } else {
        let name = inventory
            .and_then(Observed::known)
            .and_then(Inventory::name)
            .or_else(|| names.get(&guid).cloned())
            .filter(|name| !name.trim().is_empty());
        name.map_or_else(
            || Name::new(&guid.to_string()),
            |name| Name::new(name.trim()),
        )
    };
    let addresses = match inventory {
        Some(Observed::Known(inventory)) if inventory.addresses.is_empty() => {
            Observed::Unavailable("the inventory holds no address of this computer".into())
        }
        Some(Observed::Known(inventory)) => Observed::Known(inventory.addresses.clone()),
        Some(Observed::Unavailable(reason)) => Observed::Unavailable(reason.clone()),
        None => Observed::Unavailable("it was not asked for".into()),
    };
    Computer {
        guid,
        name,
        addresses,
    }
}

/// Names of computers, to be looked up as declarations name them: by host name alone where one side has no domain.
struct Known<'a> {
    names: HashSet<&'a Name>,
    hosts: HashSet<String>,
    hosts_without_domain: HashSet<String>,
}

impl<'a> Known<'a> {
    fn of(names: impl Iterator<Item = &'a Name>) -> Self {
        let mut known = Self {
            names: HashSet::new(),
            hosts: HashSet::new(),
            hosts_without_domain: HashSet::new(),
        };
        for name in names {
            let host = name.host().to_ascii_lowercase();
            if name.domain().is_none() {
                known.hosts_without_domain.insert(host.clone());
            }
            known.hosts.insert(host);
            known.names.insert(name);
        }
        known
    }

    fn holds(&self, declared: &Name) -> bool {
        let host = declared.host().to_ascii_lowercase();
        self.names.contains(declared)
            || (declared.domain().is_none() && self.hosts.contains(&host))
            || self.hosts_without_domain.contains(&host)
    }
}

/// Finds declared servers that are no site servers yet.
async fn add_declared(
    reader: &Reader,
    scope: &Scope,
    platform: &Platform,
    computers: &mut BTreeMap<Guid, Computer>,
) -> Result<(), ReadError> {
    let missing: Vec<&Name> = {
        let known = Known::of(computers.values().map(|computer| &computer.name));
        let declared = scope.servers.iter();
        declared.filter(|name| !known.holds(name)).collect()
    };
    let found: Vec<Option<(Guid, Name)>> = stream::iter(missing)
        .map(|name| async move {
            match reader.computer(name).await {
                Ok(guid) => Ok(guid.map(|guid| (guid, name.clone()))),
                Err(error) if error.fatal() => Err(error),
                Err(error) => {
                    tracing::warn!(server = %name, reason = %reason(&error), "cannot look for a declared server");
                    Ok(None)
                }
            }
        })
        .buffered(AHEAD)
        .try_collect()
        .await?;
    let new: BTreeMap<Guid, Name> = found
        .into_iter()
        .flatten()
        .filter(|(guid, _)| !computers.contains_key(guid))
        .collect();
    let inventories: BTreeMap<Guid, Observed<Inventory>> =
        inventory_of(reader, new.keys().copied())
            .await?
            .into_iter()
            .collect();
    let names = new
        .iter()
        .map(|(guid, name)| (*guid, name.to_string()))
        .collect();
    for guid in new.keys() {
        computers.insert(*guid, computer(*guid, platform, &inventories, &names));
    }
    Ok(())
}
