//! What a subnet that the console put into a site has and a scratch subnet lacks.
//!
//! I/O, through the reader. It settles nothing by itself: rows may come from inventory. It says where to look when an
//! association turns out not to be enough.

use std::collections::{BTreeMap, BTreeSet};

use super::bench::Bench;
use super::probe::TrialError;
use crate::model::Guid;
use crate::observe::data_classes_of;
use crate::profile::{Ability, TypeRole};
use crate::smp::ReadError;

/// Data classes of which a console-made subnet has rows and ours has none, in words; `None` where there is nothing to
/// say.
pub(super) async fn beside_console(
    bench: &Bench<'_>,
    ours: Guid,
) -> Result<Option<String>, TrialError> {
    match missing(bench, ours).await {
        Ok(None) => Ok(None),
        Ok(Some(classes)) if classes.is_empty() => Ok(Some(
            "a subnet that was in a site before has no rows that the scratch subnet lacks".into(),
        )),
        Ok(Some(classes)) => Ok(Some(format!(
            "a subnet that was in a site before has rows of {} that the scratch subnet lacks",
            classes
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ))),
        Err(error) if error.fatal() => Err(TrialError::Read(error)),
        // What cannot be compared is no fault of the trial.
        Err(error) => {
            tracing::info!(%error, "nothing to compare a scratch subnet with");
            Ok(None)
        }
    }
}

async fn missing(bench: &Bench<'_>, ours: Guid) -> Result<Option<BTreeSet<String>>, ReadError> {
    let profile = &bench.profile;
    let example = bench
        .snapshot
        .subnets
        .known()
        .into_iter()
        .flatten()
        .find(|subnet| !subnet.sites.is_empty() && subnet.guid != ours);
    let (Some(example), Some(model), Some(kind)) =
        (example, bench.model, profile.type_guid(TypeRole::Subnet))
    else {
        return Ok(None);
    };
    if profile.can(Ability::FetchDataClasses).is_err() {
        return Ok(None);
    }
    let classes = data_classes_of(bench.reader(), model, kind).await?;
    if classes.is_empty() {
        return Ok(None);
    }
    let guids: Vec<Guid> = classes.iter().map(|(guid, _)| *guid).collect();
    let rows = bench
        .reader()
        .data_rows(&[example.guid, ours], &guids)
        .await?;
    let has: BTreeMap<Guid, BTreeSet<Guid>> = rows
        .into_iter()
        .map(|fetched| {
            let classes = fetched.rows.iter().map(|(class, _)| *class).collect();
            (fetched.guid, classes)
        })
        .collect();
    let (Some(theirs), Some(mine)) = (has.get(&example.guid), has.get(&ours)) else {
        return Ok(None);
    };
    Ok(Some(
        classes
            .into_iter()
            .filter(|(class, _)| theirs.contains(class) && !mine.contains(class))
            .map(|(_, name)| name)
            .collect(),
    ))
}
