//! What happened on an SMP, as far as it leaves evidence: fetched packages, load of servers, captured images.
//!
//! I/O, through the reader: rows of data classes, a hundred clients a request, and Deployment Solution's own list of
//! images. `verify` compares two of these readings.

use std::collections::BTreeMap;

use crate::model::{Fetch, Guid, Happenings, Image, Load, Name, Observed};
use crate::profile::Ability;
use crate::smp::{ReadError, Reader, RequestError, deployment};

use super::RefreshError;
use super::refresh::observed;
use super::rows::{self, Got, Wanted};

/// Reads what clients fetched, what servers were asked for, and which images there are.
///
/// # Guarantees
/// What is `Known` was read wholly of what was asked for; lists are sorted. A client or server without evidence is
/// not in them.
///
/// # Errors
/// Only where nothing can be read.
pub async fn happenings(
    reader: &Reader,
    clients: &[Guid],
    servers: &[Guid],
) -> Result<Happenings, RefreshError> {
    let parts = async {
        let (fetches, load, images) = futures::join!(
            fetches(reader, clients),
            load(reader, servers),
            images(reader)
        );
        Ok(Happenings {
            fetches: flat(fetches)?,
            load: flat(load)?,
            images: observed(images)?,
        })
    };
    parts.await.map_err(|source| RefreshError::Read {
        url: reader.transport().url().to_owned(),
        source,
    })
}

/// A part that is not readable by its rows is not readable, like one whose read failed.
fn flat<T>(found: Result<Result<T, String>, ReadError>) -> Result<Observed<T>, ReadError> {
    Ok(match observed(found)? {
        Observed::Known(Ok(found)) => Observed::Known(found),
        Observed::Known(Err(reason)) | Observed::Unavailable(reason) => {
            Observed::Unavailable(reason)
        }
    })
}

fn need(reader: &Reader, ability: Ability) -> Result<(), ReadError> {
    let known = reader.profile().can(ability);
    known.map_err(|missing| RequestError::Profile(missing).into())
}

async fn fetches(
    reader: &Reader,
    clients: &[Guid],
) -> Result<Result<Vec<Fetch>, String>, ReadError> {
    need(reader, Ability::ReadPackageSources)?;
    let Some(evidence) = &reader.profile().evidence.package_sources else {
        return Ok(Err("`evidence.packageSources` is not known".into()));
    };
    let mut wanted = Wanted::default();
    let fields = [&evidence.package, &evidence.server].map(String::as_str);
    wanted.add(evidence.data_class, fields);
    wanted.add(evidence.data_class, evidence.time.as_deref());
    let mut found = Vec::new();
    let mut failure = None;
    rows::fetch(reader, clients, &wanted, |client, got| {
        let rows = match (&got, got.rows(evidence.data_class)) {
            (Got::Absent, _) => return, // deleted meanwhile
            (_, Ok(rows)) => rows,
            (_, Err(reason)) => {
                failure = Some(reason);
                return;
            }
        };
        for row in rows {
            if let Some(missing) = fields.into_iter().find(|field| !row.has(field)) {
                failure = Some(lacking(evidence.data_class, missing));
                return;
            }
            let guid = |field: &str| row.get(field).map(str::parse::<Guid>);
            match (guid(&evidence.package), guid(&evidence.server)) {
                (Some(Ok(package)), Some(Ok(server))) if !package.is_nil() && !server.is_nil() => {
                    found.push(Fetch {
                        client,
                        package,
                        server,
                        time: evidence
                            .time
                            .as_deref()
                            .and_then(|field| row.get(field))
                            .map(ToOwned::to_owned),
                    });
                }
                (Some(Err(error)), _) | (_, Some(Err(error))) => {
                    failure = Some(format!("`evidence.packageSources`: {error}"));
                }
                _ => {} // nothing was fetched
            }
        }
    })
    .await?;
    if let Some(reason) = failure {
        return Ok(Err(reason));
    }
    found.sort_unstable();
    found.dedup();
    Ok(Ok(found))
}

fn lacking(class: Guid, field: &str) -> String {
    format!("expected a field `{field}` in the rows of data class {class}, found none")
}

async fn load(
    reader: &Reader,
    servers: &[Guid],
) -> Result<Result<BTreeMap<Guid, Load>, String>, ReadError> {
    need(reader, Ability::ReadServerLoad)?;
    let Some(evidence) = &reader.profile().evidence.server_load else {
        return Ok(Err("`evidence.serverLoad` is not known".into()));
    };
    let fields = [&evidence.package_requests, &evidence.task_requests].map(String::as_str);
    let mut wanted = Wanted::default();
    wanted.add(evidence.data_class, fields);
    let mut found = BTreeMap::new();
    let mut failure = None;
    rows::fetch(reader, servers, &wanted, |server, got| {
        if matches!(got, Got::Absent) {
            return; // deleted meanwhile
        }
        // A server may have several rows, one an interval: what it was asked of late is their sum.
        let numbers = fields.map(|field| match got.values(evidence.data_class, field) {
            Observed::Known(values) => values
                .iter()
                .map(|value| {
                    value.parse::<u64>().map_err(|_| {
                        format!("`{field}`: expected a number of requests, found `{value}`")
                    })
                })
                .sum::<Result<u64, String>>()
                .map(|sum| (!values.is_empty()).then_some(sum)),
            Observed::Unavailable(reason) => Err(reason),
        });
        match numbers {
            [Ok(Some(package)), Ok(Some(task))] => {
                found.insert(server, Load { package, task });
            }
            [Err(reason), _] | [_, Err(reason)] => failure = Some(reason),
            [Ok(_), Ok(_)] => {}
        }
    })
    .await?;
    Ok(match failure {
        Some(reason) => Err(reason),
        None => Ok(found),
    })
}

async fn images(reader: &Reader) -> Result<Vec<Image>, ReadError> {
    // One way to read locations is known: without the entry none is.
    let located = reader
        .profile()
        .evidence
        .images
        .as_ref()
        .is_some_and(|evidence| evidence.standing.reads());
    let mut images: Vec<Image> = reader
        .images()
        .await?
        .into_iter()
        .map(|image| Image {
            guid: image.guid,
            name: Name::new(&image.name),
            host: image
                .location
                .as_deref()
                .filter(|_| located)
                .and_then(deployment::unc_host)
                .map(Name::new),
        })
        .collect();
    images.sort_unstable();
    images.dedup();
    Ok(images)
}
