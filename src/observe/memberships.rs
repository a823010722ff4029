//! Who belongs to whom: subnets and servers to sites, site services to computers.
//!
//! I/O, through the reader: by the installed report, else by one call per site and per service. A canary guards
//! against a wrong direction or a wrong kind of argument, which would read as "nobody belongs anywhere": the SMP's
//! own site services must be seen.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::model::{Guid, Observed, ObservedSubnet, Platform};
use crate::profile::{Ability, Association, ReportKind, TypeRole};
use crate::smp::{ReadError, Reader};

use super::refresh::observed;
use super::servers::ListedService;

/// How many requests are handed to the transport at once; it bounds them itself.
pub(super) const AHEAD: usize = 64;

/// For how many sites or services the other direction is tried where nothing is found.
const PROBES: usize = 20;

/// Pairs as read; each kind may be unavailable.
pub(super) struct Memberships {
    /// Subnet and site.
    pub(super) subnets: Observed<Vec<(Guid, Guid)>>,
    /// Computer and site, manual ones.
    pub(super) servers: Observed<Vec<(Guid, Guid)>>,
    /// Service and its computer.
    pub(super) services: Observed<BTreeMap<Guid, Guid>>,
    /// Names of computers that answers mentioned.
    pub(super) names: BTreeMap<Guid, String>,
    /// Pairs that fit nowhere.
    pub(super) unplaced: Vec<String>,
}

type Pairs = Vec<(Guid, Guid)>;

/// The pairs (member, whole) of a report's rows, and whether the direction can be right: `member` and `whole` are
/// what is known to exist.
fn turn(
    rows: Pairs,
    association: &Association,
    whole_role: TypeRole,
    members: Option<&HashSet<Guid>>,
    wholes: Option<&HashSet<Guid>>,
    path: &str,
) -> Observed<Pairs> {
    let turned: Pairs = if association.parent == whole_role {
        rows.into_iter()
            .map(|(parent, child)| (child, parent))
            .collect()
    } else {
        rows
    };
    if let Some((member, whole)) = turned.first().copied() {
        let backwards = wholes
            .is_some_and(|wholes| !turned.iter().any(|(_, whole)| wholes.contains(whole)))
            && (wholes.is_some_and(|wholes| wholes.contains(&member))
                || members.is_some_and(|members| members.contains(&whole)));
        if backwards {
            return Observed::Unavailable(format!(
                "`{path}.parent` in the server profile contradicts the server: parent and child are the other way round"
            ));
        }
    }
    Observed::Known(turned)
}

/// Reads all memberships.
pub(super) async fn read(
    reader: &Reader,
    sites: Option<&[Guid]>,
    subnets: Option<&[ObservedSubnet]>,
    services: Option<&[ListedService]>,
    platform: &Platform,
) -> Result<Memberships, ReadError> {
    let report = reader.profile().reports.known(ReportKind::Associations);
    let mut found = match report {
        Some(report) => by_report(reader, report, sites, subnets, services).await?,
        None => by_calls(reader, sites, services).await?,
    };
    let canary = canary(&found, services, platform);
    if let Some(reason) = canary {
        if report.is_none() {
            // The same kind of call reads all three: a wrong argument empties all of them alike.
            found.subnets = Observed::Unavailable(reason.clone());
            found.servers = Observed::Unavailable(reason.clone());
        } else if found.services.known().is_some_and(BTreeMap::is_empty) {
            // Nothing at all by a report that takes a parameter: the parameter may not have arrived.
            for pairs in [&mut found.subnets, &mut found.servers] {
                if pairs.known().is_some_and(Vec::is_empty) {
                    *pairs = Observed::Unavailable(reason.clone());
                }
            }
        }
        found.services = Observed::Unavailable(reason);
    } else if report.is_some()
        && let Some(reason) = blind_calls(reader, &found, platform).await?
    {
        // The report is right, and apply looks by calls: it could not tell what it finds from what it writes.
        found.subnets = Observed::Unavailable(reason.clone());
        found.servers = Observed::Unavailable(reason);
    }
    Ok(found)
}

/// Says what is wrong where a report shows a service on the SMP's own computer and the call by which apply looks does
/// not.
async fn blind_calls(
    reader: &Reader,
    found: &Memberships,
    platform: &Platform,
) -> Result<Option<String>, ReadError> {
    let profile = reader.profile();
    let own = found.services.known().and_then(|services| {
        let mut services = services.iter();
        services.find(|(_, computer)| **computer == platform.server)
    });
    let (Some(association), Some((service, _)), Some(_)) = (
        &profile.associations.service_to_computer,
        own,
        profile.calls.associated_type_argument, // without it, apply looks by the report
    ) else {
        return Ok(None);
    };
    let computers = reader
        .associated(
            association,
            (TypeRole::SiteService, *service),
            TypeRole::Computer,
            None,
            Ability::ReadServices,
        )
        .await;
    Ok(match observed(computers)? {
        Observed::Known(computers)
            if computers
                .iter()
                .any(|computer| computer.guid == platform.server) =>
        {
            None
        }
        Observed::Known(_) => Some(format!(
            "the report shows a site service on the SMP itself ({}), and the call that apply looks by does not: \
             `calls.associatedTypeArgument` in the server profile is wrong",
            platform.name
        )),
        Observed::Unavailable(reason) => Some(reason),
    })
}

/// Says what is wrong where the SMP's own services are not seen.
fn canary(
    found: &Memberships,
    services: Option<&[ListedService]>,
    platform: &Platform,
) -> Option<String> {
    let known = found.services.known()?;
    if known.values().any(|computer| *computer == platform.server) {
        return None;
    }
    let listed = services.map_or(0, <[_]>::len);
    Some(format!(
        "no site service of the SMP itself ({}) was seen, {listed} site services are listed: \
         `types.siteService`, `associations.serviceToComputer` or `calls.associatedTypeArgument` in the server profile is wrong, \
         or the account may not see them",
        platform.name
    ))
}

async fn rows(
    reader: &Reader,
    report: Guid,
    association: Option<&Association>,
    ability: Ability,
) -> Result<Observed<Pairs>, ReadError> {
    let result = async {
        reader
            .profile()
            .can(ability)
            .map_err(crate::smp::RequestError::Profile)?;
        match association.and_then(|association| association.guid) {
            Some(guid) => reader.associations(report, guid).await,
            None => Ok(Vec::new()),
        }
    };
    observed(result.await)
}

async fn by_report(
    reader: &Reader,
    report: Guid,
    sites: Option<&[Guid]>,
    subnets: Option<&[ObservedSubnet]>,
    services: Option<&[ListedService]>,
) -> Result<Memberships, ReadError> {
    let associations = &reader.profile().associations;
    let (subnet, server, service) = (
        associations.subnet_to_site.as_ref(),
        associations.server_to_site.as_ref(),
        associations.service_to_computer.as_ref(),
    );
    let (subnet_rows, server_rows, service_rows) = futures::try_join!(
        rows(reader, report, subnet, Ability::ReadSubnetSites),
        rows(reader, report, server, Ability::ReadManualServers),
        rows(reader, report, service, Ability::ReadServices),
    )?;
    let set =
        |guids: Option<Vec<Guid>>| guids.map(|guids| guids.into_iter().collect::<HashSet<_>>());
    let sites = set(sites.map(<[_]>::to_vec));
    let subnets = set(subnets.map(|subnets| subnets.iter().map(|subnet| subnet.guid).collect()));
    let services =
        set(services.map(|services| services.iter().map(|service| service.guid).collect()));
    let turned = |rows, association: Option<&Association>, role, members, wholes, path| match (
        rows,
        association,
    ) {
        (Observed::Known(rows), Some(association)) => {
            turn(rows, association, role, members, wholes, path)
        }
        (Observed::Known(_), None) => Observed::Unavailable(format!("`{path}` is not known")),
        (Observed::Unavailable(reason), _) => Observed::Unavailable(reason),
    };
    let subnet_pairs = turned(
        subnet_rows,
        subnet,
        TypeRole::Site,
        subnets.as_ref(),
        sites.as_ref(),
        "associations.subnetToSite",
    );
    let server_pairs = turned(
        server_rows,
        server,
        TypeRole::Site,
        None,
        sites.as_ref(),
        "associations.serverToSite",
    );
    let service_pairs = turned(
        service_rows,
        service,
        TypeRole::Computer,
        services.as_ref(),
        None,
        "associations.serviceToComputer",
    );
    let mut unplaced = Vec::new();
    let service_pairs = match service_pairs {
        Observed::Known(pairs) => {
            let mut computers = BTreeMap::new();
            for (service, computer) in pairs {
                // The association may tie more than the services that are listed.
                if services
                    .as_ref()
                    .is_some_and(|services| services.contains(&service))
                {
                    computers.insert(service, computer);
                }
            }
            Observed::Known(computers)
        }
        Observed::Unavailable(reason) => Observed::Unavailable(reason),
    };
    let known_sites = |pairs, unplaced: &mut Vec<String>| match (pairs, &sites) {
        (Observed::Known(pairs), Some(sites)) => {
            let (inside, outside): (Pairs, Pairs) =
                Vec::into_iter(pairs).partition(|(_, site)| sites.contains(site));
            unplaced.extend(outside.into_iter().map(|(member, site)| {
                format!("{member} belongs to {site}, which is not among the sites")
            }));
            Observed::Known(inside)
        }
        (pairs, _) => pairs,
    };
    Ok(Memberships {
        subnets: known_sites(subnet_pairs, &mut unplaced),
        servers: known_sites(server_pairs, &mut unplaced),
        services: service_pairs,
        names: BTreeMap::new(),
        unplaced,
    })
}

/// Reads members of each of `wholes`, one call each.
async fn members(
    reader: &Reader,
    association: Option<&Association>,
    wholes: &[Guid],
    (whole_role, member_role): (TypeRole, TypeRole),
    ability: Ability,
    names: &mut BTreeMap<Guid, String>,
) -> Result<Observed<Pairs>, ReadError> {
    if let Err(missing) = reader.profile().can(ability) {
        return Ok(Observed::Unavailable(missing.to_string()));
    }
    let Some(association) = association else {
        return Ok(Observed::Unavailable("the association is not known".into()));
    };
    let answers: Result<Vec<_>, ReadError> = stream::iter(wholes.iter().copied())
        .map(|whole| async move {
            let members = reader
                .associated(association, (whole_role, whole), member_role, None, ability)
                .await?;
            Ok((whole, members))
        })
        .buffered(AHEAD)
        .try_collect()
        .await;
    let answers = match observed(answers)? {
        Observed::Known(answers) => answers,
        Observed::Unavailable(reason) => return Ok(Observed::Unavailable(reason)),
    };
    if answers.iter().all(|(_, members)| members.is_empty())
        && backwards(
            reader,
            association,
            wholes,
            (whole_role, member_role),
            ability,
        )
        .await
    {
        return Ok(Observed::Unavailable(
            "an association's `parent` in the server profile contradicts the server: parent and child are the other way round"
                .into(),
        ));
    }
    let mut pairs = Vec::new();
    for (whole, members) in answers {
        for member in members {
            pairs.push((member.guid, whole));
            if member_role == TypeRole::Computer
                && let Some(name) = member.name.filter(|name| !name.trim().is_empty())
            {
                names.insert(member.guid, name);
            }
        }
    }
    Ok(Observed::Known(pairs))
}

/// Whether an association that nobody seems to have is found on the other side, for a few of `wholes`.
async fn backwards(
    reader: &Reader,
    association: &Association,
    wholes: &[Guid],
    (whole_role, member_role): (TypeRole, TypeRole),
    ability: Ability,
) -> bool {
    let turned = Association {
        parent: if association.parent == member_role {
            whole_role
        } else {
            member_role
        },
        ..association.clone()
    };
    for whole in wholes.iter().take(PROBES) {
        let found = reader
            .associated(&turned, (whole_role, *whole), member_role, None, ability)
            .await;
        if found.is_ok_and(|found| !found.is_empty()) {
            return true;
        }
    }
    false
}

async fn by_calls(
    reader: &Reader,
    sites: Option<&[Guid]>,
    services: Option<&[ListedService]>,
) -> Result<Memberships, ReadError> {
    let associations = &reader.profile().associations;
    let unreadable = |what: &str| format!("{what} are not readable");
    let (mut server_names, mut service_names) = (BTreeMap::new(), BTreeMap::new());
    let subnets = async {
        match sites {
            Some(sites) => {
                members(
                    reader,
                    associations.subnet_to_site.as_ref(),
                    sites,
                    (TypeRole::Site, TypeRole::Subnet),
                    Ability::ReadSubnetSites,
                    &mut BTreeMap::new(),
                )
                .await
            }
            None => Ok(Observed::Unavailable(unreadable("sites"))),
        }
    };
    let servers = async {
        match sites {
            Some(sites) => {
                members(
                    reader,
                    associations.server_to_site.as_ref(),
                    sites,
                    (TypeRole::Site, TypeRole::Computer),
                    Ability::ReadManualServers,
                    &mut server_names,
                )
                .await
            }
            None => Ok(Observed::Unavailable(unreadable("sites"))),
        }
    };
    let services = async {
        match services {
            Some(services) => {
                let guids: BTreeSet<Guid> = services.iter().map(|service| service.guid).collect();
                members(
                    reader,
                    associations.service_to_computer.as_ref(),
                    &guids.into_iter().collect::<Vec<_>>(),
                    (TypeRole::SiteService, TypeRole::Computer),
                    Ability::ReadServices,
                    &mut service_names,
                )
                .await
            }
            None => Ok(Observed::Unavailable(unreadable("site services"))),
        }
    };
    let (subnets, servers, services) = futures::try_join!(subnets, servers, services)?;
    let services = match services {
        // Here the whole is the service and the member its computer.
        Observed::Known(pairs) => Observed::Known(
            pairs
                .into_iter()
                .map(|(computer, service)| (service, computer))
                .collect(),
        ),
        Observed::Unavailable(reason) => Observed::Unavailable(reason),
    };
    let mut names = server_names;
    names.extend(service_names);
    Ok(Memberships {
        subnets,
        servers,
        services,
        names,
        unplaced: Vec::new(),
    })
}
