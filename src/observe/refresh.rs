//! The refresh: which reads are made, in which order, and what becomes of those that fail.
//!
//! I/O, through the reader. With installed reports the number of requests is constant plus one per declared package
//! (and one per 50 of them for the holders); without them it is linear in sites, site services, servers and declared
//! packages. Subnets are read by one call either way. What only checks look at is read where the scope asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Guid, Listed, Name, Observed, ObservedSite, ObservedSubnet, Platform, Snapshot, Subnet,
    Surroundings,
};
use crate::profile::{Ability, Profile, ReportKind, TypeRole};
use crate::smp::{AnswerError, ReadError, Reader};

use super::memberships::{self, Memberships};
use super::{Scope, packages, reason, servers, settings, surroundings, unlisted};

/// Why there is no snapshot at all. Codes `SW0401` to `SW0404`, and those of the transport.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The server cannot be reached, refuses the sign-in, or is no SMP.
    #[error("cannot read from `{url}`")]
    Read {
        /// Which server.
        url: String,
        /// Why.
        source: ReadError,
    },
    /// There is no computer with the name of the SMP.
    #[error("expected a computer `{name}` on the platform, found none")]
    UnknownServer {
        /// The name by workspace or profile.
        name: Name,
    },
    /// The URL leads to another SMP than the profile describes.
    #[error("expected the platform of `{name}` with GUID {expected}, found {found}")]
    WrongServer {
        /// The name by workspace or profile.
        name: Name,
        /// The GUID by profile.
        expected: Guid,
        /// The GUID of the computer with that name.
        found: Guid,
    },
}

impl RefreshError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { source, .. } => source.code(),
            Self::UnknownServer { .. } => "SW0401",
            Self::WrongServer { .. } => "SW0402",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } => source.hint(),
            Self::UnknownServer { .. } => Some(
                "`server` is the SMP's own computer as it stands in the console, and the account must be able to see it"
                    .into(),
            ),
            Self::WrongServer { .. } => Some(
                "the URL leads to another SMP, or the profile is that of another: check `url`, `server` and `profile` of the platform"
                    .into(),
            ),
        }
    }
}

/// Makes sure that the server is the one that the profile describes.
pub async fn identify(reader: &Reader, server: Option<&Name>) -> Result<Platform, RefreshError> {
    let profile = reader.profile();
    let name = server.unwrap_or(&profile.server.name);
    let found = reader
        .computer(name)
        .await
        .map_err(|source| RefreshError::Read {
            url: reader.transport().url().to_owned(),
            source,
        })?
        .ok_or_else(|| RefreshError::UnknownServer { name: name.clone() })?;
    if found == profile.server.guid {
        Ok(Platform {
            server: found,
            name: name.clone(),
        })
    } else {
        Err(RefreshError::WrongServer {
            name: name.clone(),
            expected: profile.server.guid,
            found,
        })
    }
}

/// A reader whose profile names no report that the server has lost; `None` where it has them all.
pub(super) async fn with_present_reports(reader: &Reader) -> Result<Option<Reader>, ReadError> {
    let mut profile = Profile::clone(reader.profile());
    let lost = lost_reports(reader, &mut profile).await?;
    if lost.is_empty() {
        return Ok(None);
    }
    tracing::warn!(
        reports = lost.join(", "),
        "the profile names reports that the server does not have; reading by calls, install them again"
    );
    Ok(Some(reader.with_profile(Arc::new(profile))))
}

/// Takes the reports out of a profile that the server does not have; gives their names.
pub(crate) async fn lost_reports(
    reader: &Reader,
    profile: &mut Profile,
) -> Result<Vec<&'static str>, ReadError> {
    let mut lost = Vec::new();
    for kind in ReportKind::ALL {
        let entry = profile.reports.entry(kind);
        if let Some(known) = entry
            && !reader.item_exists(known.guid).await?
        {
            *entry = None;
            lost.push(kind.as_str());
        }
    }
    Ok(lost)
}

/// A read that failed is a reason, unless every other read fails for the same.
pub(super) fn observed<T>(result: Result<T, ReadError>) -> Result<Observed<T>, ReadError> {
    match result {
        Ok(value) => Ok(Observed::Known(value)),
        Err(error) if error.fatal() => Err(error),
        Err(error) => Ok(Observed::Unavailable(reason(&error))),
    }
}

/// A site as a list gives it.
pub(super) struct ListedSite {
    pub(super) guid: Guid,
    name: Name,
    description: Option<String>,
}

pub(super) async fn list_sites(reader: &Reader) -> Result<Vec<ListedSite>, ReadError> {
    let site = required(reader, Ability::ReadSites, TypeRole::Site)?;
    reader
        .resources_of_type(site, |guid, passing| {
            Ok(ListedSite {
                guid,
                name: Name::new(passing.name().ok_or_else(|| nameless(guid))?),
                description: passing.description().map(ToOwned::to_owned),
            })
        })
        .await
}

pub(super) async fn list_subnets(reader: &Reader) -> Result<Vec<ObservedSubnet>, ReadError> {
    let subnet = required(reader, Ability::ReadSubnets, TypeRole::Subnet)?;
    let mut subnets = reader
        .resources_of_type(subnet, |guid, passing| {
            let name = passing.name().ok_or_else(|| nameless(guid))?;
            Ok(ObservedSubnet {
                guid,
                subnet: name.parse::<Subnet>().map_err(|_| name.trim().into()),
                sites: Vec::new(),
            })
        })
        .await?;
    subnets.sort_unstable_by_key(|subnet| subnet.guid);
    subnets.dedup_by_key(|subnet| subnet.guid);
    Ok(subnets)
}

fn nameless(guid: Guid) -> AnswerError {
    AnswerError::Shape {
        expected: "a name in every resource".into(),
        found: format!("none in {guid}"),
    }
}

/// The type to list, once the profile is seen to know what the ability needs.
pub(super) fn required(
    reader: &Reader,
    ability: Ability,
    role: TypeRole,
) -> Result<Guid, ReadError> {
    let profile = reader.profile();
    profile
        .can(ability)
        .map_err(crate::smp::RequestError::Profile)?;
    profile
        .type_guid(role)
        .ok_or_else(|| ReadError::Unbound(format!("types.{}", role.as_str())))
}

/// Reads what the scope asks for.
///
/// # Guarantees
/// What is `Known` was read wholly. Lists are sorted by GUID.
///
/// # Errors
/// Only where nothing can be read: no way to the server, no sign-in, another server than the profile's.
pub async fn refresh(
    reader: &Reader,
    scope: &Scope,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Snapshot, RefreshError> {
    progress("finding the server");
    let platform = identify(reader, scope.server.as_ref()).await?;
    let found = match parts(reader, scope, platform.clone(), progress).await {
        // What could not be read may be so because the server has lost a report that the profile names.
        Ok(snapshot) if is_partial(&snapshot) => match with_present_reports(reader).await {
            Ok(Some(reader)) => parts(&reader, scope, platform, progress).await,
            Ok(None) | Err(_) => Ok(snapshot),
        },
        other => other,
    };
    let failed = |source| RefreshError::Read {
        url: reader.transport().url().to_owned(),
        source,
    };
    let mut snapshot = found.map_err(failed)?;
    snapshot.surroundings = if scope.surroundings {
        progress("reading facts and clients");
        surroundings::read(reader, scope, &snapshot)
            .await
            .map_err(failed)?
    } else {
        surroundings::of_profile(reader)
    };
    Ok(snapshot)
}

/// Whether something that reports tell could not be read.
fn is_partial(snapshot: &Snapshot) -> bool {
    snapshot.sites.known().is_none()
        || snapshot.subnets.known().is_none()
        || snapshot.services.known().is_none()
        || snapshot.holders.values().any(|held| held.known().is_none())
}

async fn parts(
    reader: &Reader,
    scope: &Scope,
    platform: Platform,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Snapshot, ReadError> {
    progress("reading sites, subnets, site services and packages");
    let (sites, subnets, services, packages) = futures::join!(
        list_sites(reader),
        list_subnets(reader),
        servers::list_services(reader),
        packages::list(reader),
    );
    let sites = observed(sites)?;
    let subnets = observed(subnets)?;
    let services = observed(services)?;
    let packages = observed(packages)?;

    progress("reading memberships");
    let site_guids: Option<Vec<Guid>> = sites
        .known()
        .map(|sites| sites.iter().map(|site| site.guid).collect());
    let memberships = memberships::read(
        reader,
        site_guids.as_deref(),
        subnets.known().map(Vec::as_slice),
        services.known().map(Vec::as_slice),
        &platform,
    )
    .await?;

    progress("reading servers");
    let computers = servers::read(reader, scope, &platform, &memberships).await?;

    progress("reading packages, tasks and settings");
    let tasks = packages::tasks(reader, scope).await?;
    let (assignments, holders) = match &packages {
        Observed::Known(listed) => packages::read(reader, scope, listed, &tasks).await?,
        Observed::Unavailable(_) => (BTreeMap::new(), BTreeMap::new()),
    };
    let sites = finish_sites(reader, scope, sites, &memberships).await?;
    let capture_target = if scope.capture_target || scope.everything {
        observed(settings::capture_target(reader).await)?
    } else {
        Observed::Unavailable("it was not asked for".into())
    };

    let mut unplaced = memberships.unplaced.clone();
    let subnets = place_subnets(subnets, &memberships, &mut unplaced);
    let services = servers::place(reader, services, &memberships, &mut unplaced);
    unplaced.sort();
    let unlisted = unlisted::read(reader, scope, &sites, &subnets).await?;
    Ok(Snapshot {
        platform,
        sites,
        subnets,
        services,
        computers,
        unasked: BTreeSet::new(),
        packages: sort_listed(packages),
        assignments,
        holders,
        tasks,
        capture_target,
        unlisted,
        surroundings: Surroundings::default(),
        unplaced,
    })
}

fn sort_listed(packages: Observed<Vec<Listed>>) -> Observed<Vec<Listed>> {
    match packages {
        Observed::Known(mut listed) => {
            listed.sort_unstable();
            listed.dedup();
            Observed::Known(listed)
        }
        unavailable @ Observed::Unavailable(_) => unavailable,
    }
}

/// Puts every subnet into its sites.
fn place_subnets(
    subnets: Observed<Vec<ObservedSubnet>>,
    memberships: &Memberships,
    unplaced: &mut Vec<String>,
) -> Observed<Vec<ObservedSubnet>> {
    let mut subnets = match subnets {
        Observed::Known(subnets) => subnets,
        unavailable @ Observed::Unavailable(_) => return unavailable,
    };
    let pairs = match &memberships.subnets {
        Observed::Known(pairs) => pairs,
        Observed::Unavailable(reason) => {
            return Observed::Unavailable(format!(
                "the sites of subnets are not readable: {reason}"
            ));
        }
    };
    for (subnet, site) in pairs {
        match subnets.binary_search_by_key(subnet, |known| known.guid) {
            Ok(index) => subnets[index].sites.push(*site),
            Err(_) => unplaced.push(format!(
                "site {site} holds {subnet}, which is not among the subnets"
            )),
        }
    }
    for subnet in &mut subnets {
        subnet.sites.sort_unstable();
        subnet.sites.dedup();
        if let Err(name) = &subnet.subnet {
            unplaced.push(format!(
                "subnet {} has the name `{name}`, which is no IPv4 network",
                subnet.guid
            ));
        }
    }
    Observed::Known(subnets)
}

fn not_asked<T>() -> Observed<T> {
    Observed::Unavailable("it was not asked for".into())
}

/// Adds to every site what is not in the list of sites.
async fn finish_sites(
    reader: &Reader,
    scope: &Scope,
    sites: Observed<Vec<ListedSite>>,
    memberships: &Memberships,
) -> Result<Observed<Vec<ObservedSite>>, ReadError> {
    let mut sites = match sites {
        Observed::Known(sites) => sites,
        Observed::Unavailable(reason) => return Ok(Observed::Unavailable(reason)),
    };
    let pairs = match &memberships.servers {
        Observed::Known(pairs) => pairs,
        Observed::Unavailable(reason) => {
            return Ok(Observed::Unavailable(format!(
                "the servers of sites are not readable: {reason}"
            )));
        }
    };
    sites.sort_unstable_by_key(|site| site.guid);
    sites.dedup_by_key(|site| site.guid);
    let wanted = |names: &BTreeSet<Name>, all: bool| -> Vec<Guid> {
        sites
            .iter()
            .filter(|site| scope.everything || all || names.contains(&site.name))
            .map(|site| site.guid)
            .collect()
    };
    let described = if reader.profile().lists_descriptions() {
        BTreeMap::new()
    } else {
        settings::descriptions(reader, &wanted(&scope.descriptions, false)).await?
    };
    let constrained =
        settings::constrained(reader, &wanted(&scope.constrain, scope.constraints)).await?;
    let mut servers: BTreeMap<Guid, BTreeSet<Guid>> = BTreeMap::new();
    for (server, site) in pairs {
        servers.entry(*site).or_default().insert(*server);
    }
    let lists = reader.profile().lists_descriptions();
    Ok(Observed::Known(
        sites
            .into_iter()
            .map(|site| ObservedSite {
                shown: None,
                description: if lists {
                    Observed::Known(site.description.unwrap_or_default())
                } else {
                    described.get(&site.guid).cloned().unwrap_or_else(not_asked)
                },
                servers: servers.remove(&site.guid).unwrap_or_default(),
                constrained: constrained
                    .get(&site.guid)
                    .cloned()
                    .unwrap_or_else(not_asked),
                guid: site.guid,
                name: site.name,
            })
            .collect(),
    ))
}
