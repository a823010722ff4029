//! Which build a server is, and whether it is still the one that a profile was verified on.
//!
//! I/O, through the reader. Comparing takes one call, since every session does it; the service descriptions, a request
//! each, are compared only where a profile is discovered or verified.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{RefreshError, reason};
use crate::profile::{Build, BuildChange, ServiceName};
use crate::smp::wsdl::{self, Wsdl};
use crate::smp::{ReadError, Reader};

/// The service descriptions of a server, or why one cannot be read.
pub(crate) type Descriptions = BTreeMap<ServiceName, Result<Wsdl, String>>;

/// Reads every service description.
pub(crate) async fn descriptions(reader: &Reader) -> Result<Descriptions, ReadError> {
    let mut found = BTreeMap::new();
    for service in ServiceName::ALL {
        let description = match reader.wsdl(service).await {
            Ok(wsdl) => Ok(wsdl),
            Err(error) if error.fatal() => return Err(error),
            Err(error) => Err(reason(&error)),
        };
        found.insert(service, description);
    }
    Ok(found)
}

/// The version that the operations of all services prove at least.
pub(crate) fn version(descriptions: &Descriptions) -> Option<&'static str> {
    let operations = descriptions
        .values()
        .flatten()
        .flat_map(|wsdl| wsdl.operations.iter().cloned())
        .collect();
    wsdl::version(&operations)
}

/// Tells a build by its service descriptions and by when its types last changed.
pub(crate) async fn build(
    reader: &Reader,
    descriptions: &Descriptions,
) -> Result<Build, ReadError> {
    let mut digest = Sha256::new();
    for (service, description) in descriptions {
        // A service that is not there is part of what a build is: Deployment Solution may be installed later.
        let text = description
            .as_ref()
            .map_or_else(|_| "absent".to_owned(), Wsdl::canonical);
        digest.update(format!("{service}\n{text}\n"));
    }
    let services = hex::encode(digest.finalize());
    let structures = match reader.structures_changed().await {
        Ok(found) => found,
        Err(error) if error.fatal() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "when types last changed cannot be read");
            None
        }
    };
    Ok(Build {
        version: version(descriptions).map(ToOwned::to_owned),
        structures,
        services: Some(services),
    })
}

/// The description of `ResourceModel`, as it was read.
#[derive(Debug, Clone)]
pub struct ModelDescription(pub(crate) Wsdl);

/// Tells which build a server is; gives the description of `ResourceModel`, too, where it could be read.
///
/// # Errors
/// Where nothing at all can be read.
pub async fn look_at_build(
    reader: &Reader,
) -> Result<(Build, Option<ModelDescription>), RefreshError> {
    let read = |source| RefreshError::Read {
        url: reader.transport().url().to_owned(),
        source,
    };
    let mut descriptions = descriptions(reader).await.map_err(read)?;
    let found = build(reader, &descriptions).await.map_err(read)?;
    let model = descriptions.remove(&ServiceName::ResourceModel);
    Ok((found, model.and_then(Result::ok).map(ModelDescription)))
}

/// Says whether the server is another build than the one that the profile's `verified` entries were proven on.
///
/// # Guarantees
/// One call, and none where nothing is `verified` or the profile names no build. A build that cannot be read counts as
/// another one: nothing is written on trust.
///
/// # Errors
/// Where nothing at all can be read.
pub async fn build_change(reader: &Reader) -> Result<Option<BuildChange>, RefreshError> {
    let profile = reader.profile();
    let Some(expected) = profile
        .server
        .build
        .as_ref()
        .filter(|build| build.structures.is_some())
    else {
        return Ok(None);
    };
    if !profile.rests_on_build() {
        return Ok(None);
    }
    match reader.structures_changed().await {
        Ok(structures @ Some(_)) => Ok(expected.compare(&Build {
            structures,
            ..Build::default()
        })),
        Ok(None) => Ok(Some(BuildChange::Unreadable {
            reason: "the server says nothing".into(),
        })),
        Err(source) if source.fatal() => Err(RefreshError::Read {
            url: reader.transport().url().to_owned(),
            source,
        }),
        Err(error) => Ok(Some(BuildChange::Unreadable {
            reason: reason(&error),
        })),
    }
}
