//! Rows of data classes of many resources: a hundred resources a request, or one where the profile lacks a name.
//!
//! I/O, through the reader. What one resource lacks does not take the others along.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};

use crate::model::{Guid, Observed};
use crate::profile::Ability;
use crate::smp::data_rows::DataRow;
use crate::smp::{ReadError, Reader};

use super::memberships::AHEAD;
use super::refresh::observed;

/// How many resources one request asks for.
const BATCH: usize = 100;

/// How many things are read one by one, or a batch at a time where a report would read them all.
pub(super) const LIMIT: usize = 5_000;

/// Data classes that are asked for, each with the fields that are looked at.
#[derive(Debug, Default)]
pub(super) struct Wanted(BTreeMap<Guid, BTreeSet<String>>);

impl Wanted {
    pub(super) fn add<'a>(&mut self, class: Guid, fields: impl IntoIterator<Item = &'a str>) {
        let known = self.0.entry(class).or_default();
        known.extend(fields.into_iter().map(ToOwned::to_owned));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What was read of one resource.
#[derive(Debug)]
pub(super) enum Got {
    /// Its name, where the answer tells it, and the rows of each data class or why they are not readable.
    Rows(Option<String>, BTreeMap<Guid, Observed<Vec<DataRow>>>),
    /// The server does not show it.
    Absent,
    /// It was not readable.
    Failed(String),
}

impl Got {
    /// The rows of one data class; none where it has none.
    pub(super) fn rows(&self, class: Guid) -> Result<&[DataRow], String> {
        match self {
            Self::Rows(_, classes) => match classes.get(&class) {
                Some(Observed::Known(rows)) => Ok(rows),
                Some(Observed::Unavailable(reason)) => Err(reason.clone()),
                None => Ok(&[]),
            },
            Self::Absent => Err("the server does not show the resource".into()),
            Self::Failed(reason) => Err(reason.clone()),
        }
    }

    /// The values of one field. Without a row nothing is known, and neither is it where the field is another's.
    pub(super) fn values(&self, class: Guid, field: &str) -> Observed<Vec<String>> {
        let rows = match self.rows(class) {
            Ok(rows) => rows,
            Err(reason) => return Observed::Unavailable(reason),
        };
        if !rows.is_empty() && !rows.iter().any(|row| row.has(field)) {
            return Observed::Unavailable(format!(
                "expected a field `{field}` in the rows of data class {class}, found none"
            ));
        }
        Observed::Known(
            rows.iter()
                .filter_map(|row| row.get(field))
                .map(ToOwned::to_owned)
                .collect(),
        )
    }
}

/// Reads the rows and hands over each resource, in the order given.
pub(super) async fn fetch(
    reader: &Reader,
    resources: &[Guid],
    wanted: &Wanted,
    mut each: impl FnMut(Guid, Got),
) -> Result<(), ReadError> {
    if wanted.is_empty() || resources.is_empty() {
        return Ok(());
    }
    let lacking = reader.profile().can(Ability::FetchDataClasses);
    if let Err(missing) = lacking {
        if resources.len().saturating_mul(wanted.0.len()) > LIMIT {
            let reason = format!("{missing}, and there are too many to read them one by one");
            for resource in resources {
                each(*resource, Got::Failed(reason.clone()));
            }
            return Ok(());
        }
        return one_by_one(reader, resources, wanted, each).await;
    }
    let classes: Vec<Guid> = wanted.0.keys().copied().collect();
    let mut answers = stream::iter(resources.chunks(BATCH))
        .map(|part| {
            let classes = &classes;
            async move { (part, reader.data_rows(part, classes).await) }
        })
        .buffered(AHEAD);
    while let Some((part, answer)) = answers.next().await {
        match observed(answer)? {
            Observed::Known(fetched) => {
                let mut found = BTreeMap::new();
                for resource in fetched {
                    let mut rows: BTreeMap<Guid, Observed<Vec<DataRow>>> = BTreeMap::new();
                    for (class, row) in resource.rows {
                        if let Observed::Known(rows) =
                            rows.entry(class).or_insert(Observed::Known(Vec::new()))
                        {
                            rows.push(row);
                        }
                    }
                    found.insert(resource.guid, Got::Rows(resource.name, rows));
                }
                for resource in part {
                    each(*resource, found.remove(resource).unwrap_or(Got::Absent));
                }
            }
            Observed::Unavailable(reason) => {
                for resource in part {
                    each(*resource, Got::Failed(reason.clone()));
                }
            }
        }
    }
    Ok(())
}

async fn one_by_one(
    reader: &Reader,
    resources: &[Guid],
    wanted: &Wanted,
    mut each: impl FnMut(Guid, Got),
) -> Result<(), ReadError> {
    let pairs = resources.iter().flat_map(|resource| {
        let classes = wanted.0.iter();
        classes.map(move |(class, fields)| (*resource, *class, fields))
    });
    let mut answers = stream::iter(pairs)
        .map(|(resource, class, fields)| async move {
            let fields = fields.iter().cloned().collect();
            let rows = reader.data_class_rows(resource, class, fields).await;
            (resource, class, rows)
        })
        .buffered(AHEAD);
    // The answers of one resource come together.
    let mut classes = BTreeMap::new();
    while let Some((resource, class, rows)) = answers.next().await {
        classes.insert(class, observed(rows)?);
        if classes.len() == wanted.0.len() {
            each(resource, Got::Rows(None, std::mem::take(&mut classes)));
        }
    }
    Ok(())
}
