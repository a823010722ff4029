//! What an example in the console is looked at by: exports of items, associations between two objects.
//!
//! I/O, through the reader; nothing is written. Which items may hold a setting is not known beforehand, so all that
//! might are looked at, and the one that changed is it.

use std::collections::{BTreeMap, BTreeSet};

use crate::learn::{Joined, Look, LookedAt, Pair, Session, Subject};
use crate::model::Guid;
use crate::profile::{Ability, Association, RelationshipNames, Standing, TypeRole};
use crate::smp::{MethodCall, ReadError, Reader, resource_model};

use super::refresh::required;

/// Names of the items that hold such settings on an English server, by the console's own words. Looking at one of
/// another meaning does no harm: it does not change.
fn usual_names(subject: &Subject) -> &'static [&'static str] {
    match subject {
        Subject::ConstrainToSite { .. } => &[
            "Site Server Settings",
            "Site Management",
            "Targeted Site Settings",
        ],
        Subject::CaptureTarget { .. } => &["DS Global Settings"],
        Subject::PreventTargets { .. }
        | Subject::PreventFromServer { .. }
        | Subject::PreventFromOutside { .. } => &["Targeted Site Settings", "Site Server Settings"],
        Subject::TaskPackages { .. } | Subject::Association { .. } => &[],
    }
}

/// The items to look at: the object of the example itself, those that are named, those of the usual names.
///
/// # Errors
/// Where a read fails. An item that does not exist is left out.
pub async fn looked_at(
    reader: &Reader,
    subject: &Subject,
    items: &[Guid],
    names: &[String],
) -> Result<Vec<LookedAt>, ReadError> {
    let own = match subject {
        Subject::ConstrainToSite { site, .. } => Some(site),
        Subject::TaskPackages { task, .. } => Some(task),
        Subject::CaptureTarget { .. }
        | Subject::PreventTargets { .. }
        | Subject::PreventFromServer { .. }
        | Subject::PreventFromOutside { .. }
        | Subject::Association { .. } => None,
    };
    let mut found: Vec<LookedAt> = own
        .into_iter()
        .map(|own| LookedAt {
            guid: own.guid,
            name: own.name.to_string(),
        })
        .collect();
    for guid in items {
        found.extend(reader.item(*guid).await?.map(|item| LookedAt {
            guid: item.guid,
            name: item.name,
        }));
    }
    let usual = usual_names(subject).iter().map(|name| (*name).to_owned());
    for name in names.iter().cloned().chain(usual) {
        for item in reader.items_named(&name).await? {
            found.push(LookedAt {
                guid: item.guid,
                name: item.name,
            });
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|item| seen.insert(item.guid));
    Ok(found)
}

/// Looks once more at what a session is about.
///
/// # Errors
/// Where a read fails. An item that is no longer there, or that the account may not export, is left out.
pub async fn look_again(reader: &Reader, session: &Session, at: String) -> Result<Look, ReadError> {
    let mut look = Look {
        at,
        ..Look::default()
    };
    for item in &session.items {
        match reader.item_export(item.guid).await {
            Ok(Some(xml)) => {
                look.items.insert(item.guid, xml);
            }
            Ok(None) => {}
            Err(error) if error.fatal() || error.transient() => return Err(error),
            Err(error) => tracing::info!(item = %item.guid, %error, "cannot be exported"),
        }
    }
    if let Subject::Association { kind, member, site } = &session.subject {
        look.pairs = pairs(reader, *kind, member.guid, site.guid).await?;
    }
    Ok(look)
}

/// The associations, of any type that sites have, between a site and another object.
async fn pairs(
    reader: &Reader,
    kind: Joined,
    member: Guid,
    site: Guid,
) -> Result<BTreeSet<Pair>, ReadError> {
    let site_type = required(reader, Ability::ReadSites, TypeRole::Site)?;
    let mut found = BTreeSet::new();
    for (guid, name, site_is_parent) in relationships(reader, site_type).await? {
        let association = Association {
            guid: Some(guid),
            name: None,
            parent: if site_is_parent {
                TypeRole::Site
            } else {
                kind.member()
            },
            replaces: None,
            standing: Standing::Discovered,
        };
        let at_other_end = reader
            .associated(
                &association,
                (TypeRole::Site, site),
                kind.member(),
                None,
                Ability::ReadSites,
            )
            .await;
        match at_other_end {
            Ok(resources) => {
                if resources.iter().any(|resource| resource.guid == member) {
                    found.insert(Pair {
                        association: guid,
                        name,
                        site_is_parent,
                    });
                }
            }
            // An association with resources of another type: the server may well refuse to be asked.
            Err(error) if !error.fatal() && !error.transient() => {
                tracing::debug!(%guid, %error, "cannot be asked for");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The association types that a resource type has: GUID, name, and whether the type stands on the parent's side.
async fn relationships(
    reader: &Reader,
    resource_type: Guid,
) -> Result<Vec<(Guid, String, bool)>, ReadError> {
    let Some(RelationshipNames {
        guid: Some(guid),
        name,
        ..
    }) = reader.profile().structures.relationship.clone()
    else {
        return Err(ReadError::Unbound("structures.relationship.guid".into()));
    };
    let names = [guid, name.unwrap_or_else(|| "Name".into())];
    let mut found = BTreeMap::new();
    for as_parent in [true, false] {
        let call: MethodCall =
            resource_model::get_relationships_for_resource_type(resource_type, as_parent);
        for [guid, name] in reader.structures(&call, names.clone()).await? {
            if let Some(guid) = guid.and_then(|guid| guid.parse::<Guid>().ok()) {
                found.insert((guid, as_parent), name.unwrap_or_default());
            }
        }
    }
    Ok(found
        .into_iter()
        .map(|((guid, as_parent), name)| (guid, name, as_parent))
        .collect())
}

/// The packages of the server, where the profile knows how to list them; none where it does not.
///
/// # Errors
/// Where no read succeeds any more.
pub async fn packages_known(reader: &Reader) -> Result<BTreeSet<Guid>, ReadError> {
    let Ok(package) = required(reader, Ability::ReadPackages, TypeRole::Package) else {
        return Ok(BTreeSet::new());
    };
    match reader.resources_of_type(package, |guid, _| Ok(guid)).await {
        Ok(found) => Ok(found.into_iter().collect()),
        Err(error) if error.fatal() => Err(error),
        Err(_) => Ok(BTreeSet::new()),
    }
}
