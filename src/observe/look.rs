//! Reads just what one step needs, before it and after it.
//!
//! I/O, through the reader: one to five requests, never a whole list of subnets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Action, Assignment, ConsoleStep, Guid, Name, Observed, Role, ServiceRole, SiteRef, Subnet,
};
use crate::profile::{Ability, TypeRole};
use crate::smp::{ReadError, Reader, RequestError};

use super::refresh::required;
use super::{facts, packages, reason, servers, settings};

/// GUIDs of objects that were born in this run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    /// Sites by name.
    pub sites: BTreeMap<Name, Guid>,
    /// Subnets by network.
    pub subnets: BTreeMap<Subnet, Guid>,
}

impl Bindings {
    /// The GUID of a site, known at plan time or born in this run.
    #[must_use]
    pub fn site(&self, site: &SiteRef) -> Option<Guid> {
        site.guid.or_else(|| self.sites.get(&site.name).copied())
    }
}

/// What was seen for one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Sites of the name that is to be created.
    Sites(Vec<(Guid, Name)>),
    /// The sites found by the name that a site has, and by the one that it is to get.
    Called {
        /// By the former name.
        before: Option<Guid>,
        /// By the declared name.
        after: Option<Guid>,
    },
    /// The description of a site; `None` where the site is gone.
    Description(Option<String>),
    /// Whether the site exists.
    Exists(bool),
    /// The subnets of a network, or the one with a GUID, each with the sites it is in; none where it is gone.
    Subnets(Vec<(Guid, BTreeSet<Guid>)>),
    /// Computers that are assigned to the site manually.
    ManualServers(BTreeSet<Guid>),
    /// The assignment of the package.
    Assignment(Assignment),
    /// Package servers that hold the package.
    Holders(BTreeSet<Guid>),
    /// Roles of the server.
    Roles(BTreeSet<Role>),
    /// Agent plug-ins of the server.
    PlugIns(Arc<BTreeSet<Name>>),
    /// Constrain to Site.
    Constrained(bool),
    /// The default target of captured images.
    CaptureTarget(Option<Guid>),
    /// There is nothing to look at.
    Nothing,
}

/// Looks at what a step is about.
///
/// What the profile does not know, or no API says, is `Unavailable`; a read that fails is an error.
pub async fn look(
    reader: &Reader,
    action: &Action,
    bindings: &Bindings,
) -> Result<Observed<Seen>, ReadError> {
    match see(reader, action, bindings).await {
        // The profile does not know enough: no failure of the server, and no use in trying again.
        Err(ReadError::Request(
            error @ (RequestError::Profile(_) | RequestError::Namespace(_)),
        )) => Ok(Observed::Unavailable(error.to_string())),
        other => other,
    }
}

async fn see(
    reader: &Reader,
    action: &Action,
    bindings: &Bindings,
) -> Result<Observed<Seen>, ReadError> {
    let bound = |site: &SiteRef| {
        bindings
            .site(site)
            .ok_or_else(|| ReadError::Unbound(format!("site {}", site.name)))
    };
    let seen = match action {
        Action::CreateSite { name, .. } => {
            let site = required(reader, Ability::ReadSites, TypeRole::Site)?;
            let found = reader.resource_named(name.as_str(), site).await?;
            Seen::Sites(found.map(|guid| (guid, name.clone())).into_iter().collect())
        }
        Action::RenameSite { site, before } => called(reader, before, &site.name).await?,
        Action::DescribeSite { site, .. } => {
            Seen::Description(settings::description(reader, bound(site)?).await?)
        }
        Action::DeleteSite { site } => Seen::Exists(reader.resource(bound(site)?).await?.is_some()),
        Action::CreateSubnet { subnet, site } => {
            let kind = required(reader, Ability::ReadSubnets, TypeRole::Subnet)?;
            match reader.resource_named(&subnet.to_string(), kind).await? {
                Some(guid) => {
                    let expected = bindings.site(site).into_iter().collect();
                    Seen::Subnets(vec![(guid, sites_of(reader, guid, &expected).await?)])
                }
                None => Seen::Subnets(Vec::new()),
            }
        }
        Action::AssignSubnet { guid, before, .. }
        | Action::UnassignSubnet { guid, before, .. }
        | Action::DeleteSubnet { guid, before, .. } => match reader.resource(*guid).await? {
            Some(_) => {
                let target = match action {
                    Action::AssignSubnet { site, .. } => bindings.site(site),
                    _ => None,
                };
                let left = before.iter().filter_map(|site| bindings.site(site));
                let expected = left.chain(target).collect();
                Seen::Subnets(vec![(*guid, sites_of(reader, *guid, &expected).await?)])
            }
            None => Seen::Subnets(Vec::new()),
        },
        Action::AssignServer { site, .. } | Action::UnassignServer { site, .. } => {
            Seen::ManualServers(manual_servers(reader, bound(site)?).await?)
        }
        Action::AssignPackage { package, .. } => {
            let assignment = packages::assignment(reader, package.guid).await?;
            return Ok(assignment.map(Seen::Assignment));
        }
        Action::AwaitHolders { package, .. }
        | Action::Console(ConsoleStep::ConfirmHolder { package, .. }) => {
            reader
                .profile()
                .can(Ability::ReadHolders)
                .map_err(RequestError::Profile)?;
            let rows = reader.holders(&[package.guid]).await?;
            Seen::Holders(
                rows.into_iter()
                    .filter(|(held, _)| *held == package.guid)
                    .map(|(_, server)| server)
                    .collect(),
            )
        }
        Action::Console(ConsoleStep::InstallRole { server, role }) => {
            reader
                .profile()
                .can(Ability::ReadRole(*role))
                .map_err(RequestError::Profile)?;
            Seen::Roles(roles(reader, server.guid).await?)
        }
        Action::Console(ConsoleStep::InstallPlugIn { server, .. }) => {
            let installed = facts::plug_ins(reader, server.guid).await?;
            return Ok(installed.map(Seen::PlugIns));
        }
        Action::Constrain { site, .. } | Action::Console(ConsoleStep::Constrain { site, .. }) => {
            let site = bound(site)?;
            let found = settings::constrained(reader, &[site]).await?;
            return Ok(match found.get(&site) {
                Some(Observed::Known(on)) => Observed::Known(Seen::Constrained(*on)),
                Some(Observed::Unavailable(reason)) => Observed::Unavailable(reason.clone()),
                None => Observed::Unavailable("it was not read".into()),
            });
        }
        Action::SetCaptureTarget { .. } | Action::Console(ConsoleStep::CaptureTarget { .. }) => {
            match settings::capture_target(reader).await {
                Ok(target) => Seen::CaptureTarget(target),
                // A layout that is not the one learned is nothing that another try would mend.
                Err(error @ ReadError::Answer(_)) if !error.transient() => {
                    return Ok(Observed::Unavailable(reason(&error)));
                }
                Err(error) => return Err(error),
            }
        }
        Action::Console(ConsoleStep::InvalidSubnets { .. }) => {
            return Ok(Observed::Unavailable(
                "the setting can be read on the SMP's own host only".into(),
            ));
        }
        Action::UpdateDistributionPoints { .. } | Action::Record(_) => Seen::Nothing,
    };
    Ok(Observed::Known(seen))
}

/// The sites by the name that one has and by the one that it is to get.
async fn called(reader: &Reader, before: &Name, after: &Name) -> Result<Seen, ReadError> {
    let kind = required(reader, Ability::ReadSites, TypeRole::Site)?;
    Ok(Seen::Called {
        before: reader.resource_named(before.as_str(), kind).await?,
        after: reader.resource_named(after.as_str(), kind).await?,
    })
}

/// The sites that a subnet is in.
///
/// A server may keep associations of a site that is deleted. No list shows such a site, so a plan knows nothing of it:
/// a site that is not `expected` counts only where there is a resource.
async fn sites_of(
    reader: &Reader,
    subnet: Guid,
    expected: &BTreeSet<Guid>,
) -> Result<BTreeSet<Guid>, ReadError> {
    let profile = reader.profile();
    profile
        .can(Ability::ReadSubnetSites)
        .map_err(RequestError::Profile)?;
    let Some(association) = &profile.associations.subnet_to_site else {
        return Ok(BTreeSet::new());
    };
    let found = reader
        .associated_guids(
            association,
            (TypeRole::Subnet, subnet),
            TypeRole::Site,
            Ability::ReadSubnetSites,
        )
        .await?;
    let mut sites = BTreeSet::new();
    for site in found {
        if expected.contains(&site) || reader.resource(site).await?.is_some() {
            sites.insert(site);
        }
    }
    Ok(sites)
}

/// The computers that are assigned to a site manually.
async fn manual_servers(reader: &Reader, site: Guid) -> Result<BTreeSet<Guid>, ReadError> {
    let profile = reader.profile();
    profile
        .can(Ability::ReadManualServers)
        .map_err(RequestError::Profile)?;
    let Some(association) = &profile.associations.server_to_site else {
        return Ok(BTreeSet::new());
    };
    reader
        .associated_guids(
            association,
            (TypeRole::Site, site),
            TypeRole::Computer,
            Ability::ReadManualServers,
        )
        .await
}

/// The roles of one computer: its services by the base type and by the type of each role.
async fn roles(reader: &Reader, computer: Guid) -> Result<BTreeSet<Role>, ReadError> {
    let profile = reader.profile();
    let Some(association) = &profile.associations.service_to_computer else {
        return Ok(BTreeSet::new());
    };
    let mut found: BTreeMap<Guid, (String, Vec<Guid>)> = BTreeMap::new();
    for listed_by in servers::service_types(profile) {
        let services = reader
            .associated(
                association,
                (TypeRole::Computer, computer),
                TypeRole::SiteService,
                Some(listed_by),
                Ability::ReadServices,
            )
            .await?;
        // Where calls take the type of what is given, every one of them returns the same, of any type.
        let certain = profile.returns_by_type();
        for service in services {
            let entry = found.entry(service.guid).or_default();
            if let Some(name) = service.name {
                entry.0 = name;
            }
            entry.1.extend(service.resource_type);
            if certain {
                entry.1.push(listed_by);
            }
        }
        if !certain {
            break;
        }
    }
    Ok(found
        .values()
        .filter_map(
            |(name, types)| match servers::role_of(profile, name, types) {
                ServiceRole::Known(role) => Some(role),
                ServiceRole::Other(_) => None,
            },
        )
        .collect())
}
