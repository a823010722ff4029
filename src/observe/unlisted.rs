//! What is ours and in no list: is it gone, or is it not shown to us?
//!
//! I/O, through the reader. Whoever may not see an object in a list may still be answered when asking for it by name or
//! GUID. One request asks for hundreds; a few of those that it does not know are asked for in other ways as well. A
//! server that is silent either way cannot be seen through here: the numbers of the lists tell then.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::memberships::AHEAD;
use super::refresh::observed;
use super::{Scope, reason};
use crate::model::{Guid, Name, Observed, ObservedSite, ObservedSubnet};
use crate::profile::TypeRole;
use crate::smp::{ReadError, Reader};

/// How many are asked for in other ways, where asking by GUID finds none.
const ASKED_AGAIN: usize = 20;

/// Says of everything that is ours and in no list whether the server has it all the same.
pub(super) async fn read(
    reader: &Reader,
    scope: &Scope,
    sites: &Observed<Vec<ObservedSite>>,
    subnets: &Observed<Vec<ObservedSubnet>>,
) -> Result<BTreeMap<Guid, Observed<bool>>, ReadError> {
    let mut missing: Vec<(Guid, &Name, TypeRole)> = Vec::new();
    if let Some(sites) = sites.known() {
        let listed: BTreeSet<Guid> = sites.iter().map(|site| site.guid).collect();
        missing.extend(absent(&scope.own_sites, &listed, TypeRole::Site));
    }
    if let Some(subnets) = subnets.known() {
        let listed: BTreeSet<Guid> = subnets.iter().map(|subnet| subnet.guid).collect();
        missing.extend(absent(&scope.own_subnets, &listed, TypeRole::Subnet));
    }
    if missing.is_empty() {
        return Ok(BTreeMap::new());
    }
    let guids: Vec<Guid> = missing.iter().map(|(guid, _, _)| *guid).collect();
    let mut there = by_guid(reader, &guids).await?;
    let unknown: Vec<(Guid, &Name, TypeRole)> = missing
        .into_iter()
        .filter(|(guid, _, _)| there.get(guid) == Some(&Observed::Known(false)))
        .take(ASKED_AGAIN)
        .collect();
    let again: Vec<(Guid, bool)> = stream::iter(unknown)
        .map(|(guid, name, role)| async move {
            otherwise(reader, guid, name, role)
                .await
                .map(|there| (guid, there))
        })
        .buffered(AHEAD)
        .try_collect()
        .await?;
    for (guid, _) in again.into_iter().filter(|(_, there)| *there) {
        there.insert(guid, Observed::Known(true));
    }
    Ok(there)
}

fn absent<'a>(
    own: &'a BTreeMap<Guid, Name>,
    listed: &BTreeSet<Guid>,
    role: TypeRole,
) -> Vec<(Guid, &'a Name, TypeRole)> {
    own.iter()
        .filter(|(guid, _)| !listed.contains(guid))
        .map(|(guid, name)| (*guid, name, role))
        .collect()
}

/// `GetResources`, which leaves out what it does not know; a server that refuses all for the sake of one is asked for
/// each.
async fn by_guid(
    reader: &Reader,
    guids: &[Guid],
) -> Result<BTreeMap<Guid, Observed<bool>>, ReadError> {
    match reader.names(guids).await {
        Ok(found) => Ok(guids
            .iter()
            .map(|guid| (*guid, Observed::Known(found.contains_key(guid))))
            .collect()),
        Err(error) if error.does_not_exist() => {
            stream::iter(guids.iter().copied())
                .map(|guid| async move {
                    let found = observed(reader.resource(guid).await)?;
                    Ok((guid, found.map(|resource| resource.is_some())))
                })
                .buffered(AHEAD)
                .try_collect()
                .await
        }
        Err(error) if error.fatal() => Err(error),
        Err(error) => Ok(guids
            .iter()
            .map(|guid| (*guid, Observed::Unavailable(reason(&error))))
            .collect()),
    }
}

/// `GetItemByGuid` and `GetResourceByName`. An error is no evidence: `GetResources` has answered already.
async fn otherwise(
    reader: &Reader,
    guid: Guid,
    name: &Name,
    role: TypeRole,
) -> Result<bool, ReadError> {
    if observed(reader.item_exists(guid).await)? == Observed::Known(true) {
        return Ok(true);
    }
    let Some(kind) = reader.profile().type_guid(role) else {
        return Ok(false);
    };
    let found = observed(reader.resource_named(name.as_str(), kind).await)?;
    Ok(found == Observed::Known(Some(guid)))
}
