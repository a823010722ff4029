//! Proves by values what the service description says by names only.
//!
//! Reads a few lists, the judgements are pure. Three things are certain beforehand: the GUID of the computers' type,
//! and the SMP's own GUID and name. A field that must hold one of them and does not is not taken, whatever it is
//! called; one that alone does is taken, whatever it is called.

use std::collections::BTreeSet;

use super::choose::{Candidate, Finding, Told};
use super::shape::Notes;
use super::world::COMPUTER;
use crate::model::{Guid, Name};
use crate::profile::{Profile, TypeNames};
use crate::smp::wsdl::{Field, Wsdl};
use crate::smp::{MethodCall, ReadError, Reader, resource_model};

/// The name of the association between services and computers, which the vendor documents.
pub(super) const SERVICE_TO_COMPUTER: &str = "Site Service to Computer";

/// What a call answered, column by column.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// Reads the fields of an answer that hold text or GUIDs. An answer that cannot be read proves nothing.
    async fn read(
        reader: &Reader,
        call: &MethodCall,
        fields: &[Field],
        list: bool,
    ) -> Result<Self, ReadError> {
        let columns: Vec<String> = fields
            .iter()
            .filter(|field| ["string", "guid"].contains(&field.kind.to_lowercase().as_str()))
            .map(|field| field.name.clone())
            .collect();
        let rows = match reader.rows(call, &columns, list).await {
            Ok(rows) => rows,
            Err(error) if error.fatal() => return Err(error),
            Err(_) => Vec::new(),
        };
        Ok(Self { columns, rows })
    }

    fn values(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .map(move |row| row[column].as_deref().map_or("", str::trim))
    }

    fn guids(&self, column: usize) -> impl Iterator<Item = Option<Guid>> {
        self.values(column).map(|value| value.parse().ok())
    }

    /// Whether every row has a GUID of its own there.
    fn identifies(&self, column: usize) -> bool {
        let mut seen = BTreeSet::new();
        self.guids(column)
            .all(|guid| guid.is_some_and(|guid| !guid.is_nil() && seen.insert(guid)))
    }

    fn holds(&self, column: usize, guid: Guid) -> bool {
        self.guids(column).any(|found| found == Some(guid))
    }

    /// Whether every row has a text of its own there that is no GUID.
    fn names(&self, column: usize) -> bool {
        let mut seen = BTreeSet::new();
        self.values(column).all(|value| {
            !value.is_empty() && value.parse::<Guid>().is_err() && seen.insert(value.to_lowercase())
        })
    }

    /// Keeps `chosen` where it fits, else takes the only column that does, and says so.
    fn settle(
        &self,
        notes: &mut Notes,
        entry: &str,
        chosen: &mut Option<String>,
        evidence: &str,
        fits: impl Fn(&Self, usize) -> bool,
    ) {
        if self.rows.is_empty() {
            return;
        }
        let fitting: Vec<&String> = (0..self.columns.len())
            .filter(|column| fits(self, *column))
            .map(|column| &self.columns[column])
            .collect();
        if chosen.as_ref().is_some_and(|name| fitting.contains(&name)) {
            return;
        }
        let only = match fitting.as_slice() {
            [one] => Some((*one).clone()),
            _ => None,
        };
        if only.is_none() && chosen.is_none() && fitting.is_empty() {
            return;
        }
        let finding = match (&only, &*chosen) {
            (Some(name), _) => format!("element `{name}`: {evidence}"),
            (None, Some(name)) => format!("not in element `{name}`, as expected: {evidence}"),
            (None, None) => format!("in {} elements: {evidence}", fitting.len()),
        };
        notes.amend(Finding {
            entry: entry.to_owned(),
            told: if only.is_some() {
                Told::Found
            } else {
                Told::Unknown
            },
            evidence: finding,
            candidates: if only.is_some() {
                Vec::new()
            } else {
                let named = |name: &&String| Candidate::named((*name).clone(), None);
                fitting.iter().map(named).collect()
            },
        });
        *chosen = only;
    }
}

fn column(table: &Table, name: Option<&String>) -> Option<usize> {
    table.columns.iter().position(|column| Some(column) == name)
}

/// Whether a text is a computer's name, fully qualified or not.
fn is_called(name: &Name, text: &str) -> bool {
    let found = Name::new(text.trim());
    found == *name || found == Name::new(name.host())
}

/// Proves the names of all structures that the profile has from the description.
pub(super) async fn structures(
    start: &Reader,
    profile: &mut Profile,
    model: &Wsdl,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let reader = start.with_profile(profile.clone().into());
    resources(&reader, profile, model, notes).await?;
    types(&reader, profile, model, notes).await
}

/// Proves names of resources, on the SMP's own computer.
async fn resources(
    reader: &Reader,
    profile: &mut Profile,
    model: &Wsdl,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let server = profile.server.clone();
    let (mine, own_name) = ("it holds the SMP's GUID", "it holds the SMP's name");
    let computer = "it holds the type of computers";
    if let (Some(info), Some((_, fields))) = (
        &mut profile.structures.resource_info,
        model.returned("GetResourcesOfType"),
    ) {
        let call = resource_model::get_resources_of_type(COMPUTER);
        let mut table = Table::read(reader, &call, fields, true).await?;
        // Without the SMP among them nothing can be told.
        if !(0..table.columns.len()).any(|column| table.holds(column, server.guid)) {
            table.rows.clear();
        }
        let path = |name: &str| format!("structures.resourceInfo.{name}");
        table.settle(notes, &path("guid"), &mut info.guid, mine, |table, at| {
            table.identifies(at) && table.holds(at, server.guid)
        });
        table.settle(
            notes,
            &path("resourceType"),
            &mut info.resource_type,
            computer,
            |table, at| table.holds(at, COMPUTER),
        );
        if let Some(key) = column(&table, info.guid.as_ref()) {
            table.rows.retain(|row| {
                let found = row[key].as_deref().and_then(|text| text.parse().ok());
                found == Some(server.guid)
            });
            table.settle(
                notes,
                &path("name"),
                &mut info.name,
                own_name,
                |table, at| table.values(at).all(|value| is_called(&server.name, value)),
            );
        }
    }
    if let (Some(names), Some((_, fields))) = (
        &mut profile.structures.resource,
        model.returned("GetResource"),
    ) {
        let call = resource_model::get_resource(server.guid);
        let table = Table::read(reader, &call, fields, false).await?;
        let path = |name: &str| format!("structures.resource.{name}");
        table.settle(notes, &path("guid"), &mut names.guid, mine, |table, at| {
            table.holds(at, server.guid)
        });
        table.settle(
            notes,
            &path("name"),
            &mut names.name,
            own_name,
            |table, at| table.values(at).any(|value| is_called(&server.name, value)),
        );
        // The SMP may be of a type derived from that of computers: what holds another type is not disproved.
        if (0..table.columns.len()).any(|at| table.holds(at, COMPUTER)) {
            table.settle(
                notes,
                &path("resourceType"),
                &mut names.resource_type,
                computer,
                |table, at| table.holds(at, COMPUTER),
            );
        }
    }
    Ok(())
}

/// Proves names of types and relationships, on the type of computers.
async fn types(
    reader: &Reader,
    profile: &mut Profile,
    model: &Wsdl,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let (Some(names), Some((_, fields))) = (
        &mut profile.structures.resource_structure,
        model.returned("GetResourceStructureList"),
    ) else {
        return Ok(());
    };
    let call = resource_model::get_resource_structure_list();
    let table = Table::read(reader, &call, fields, true).await?;
    let path = |name: &str| format!("structures.resourceStructure.{name}");
    table.settle(
        notes,
        &path("guid"),
        &mut names.guid,
        "every type has one of its own there, that of computers among them",
        |table, at| table.identifies(at) && table.holds(at, COMPUTER),
    );
    table.settle(
        notes,
        &path("name"),
        &mut names.name,
        "every type has a text of its own there",
        Table::names,
    );
    let known: BTreeSet<Guid> = column(&table, names.guid.as_ref())
        .map(|at| table.guids(at).flatten().collect())
        .unwrap_or_default();

    let (Some(names), Some((_, fields))) = (
        &mut profile.structures.relationship,
        model.returned("GetRelationshipsForResourceType"),
    ) else {
        return Ok(());
    };
    let path = |name: &str| format!("structures.relationship.{name}");
    let mut all = Vec::new();
    for as_parent in [true, false] {
        let call = resource_model::get_relationships_for_resource_type(COMPUTER, as_parent);
        let table = Table::read(reader, &call, fields, true).await?;
        let (entry, chosen) = if as_parent {
            ("parentType", &mut names.parent_type)
        } else {
            ("childType", &mut names.child_type)
        };
        let evidence = format!("it holds the type of computers where `asParent` is {as_parent}");
        table.settle(notes, &path(entry), chosen, &evidence, |table, at| {
            table.holds(at, COMPUTER)
        });
        // A relationship of computers with computers stands in both lists.
        for row in table.rows {
            if !all.contains(&row) {
                all.push(row);
            }
        }
        if !as_parent {
            let table = Table {
                columns: table.columns,
                rows: std::mem::take(&mut all),
            };
            table.settle(
                notes,
                &path("guid"),
                &mut names.guid,
                "every relationship has one of its own there, which is no type",
                |table, at| {
                    table.identifies(at)
                        && !table.guids(at).flatten().any(|guid| known.contains(&guid))
                },
            );
            table.settle(
                notes,
                &path("name"),
                &mut names.name,
                "every relationship has a text of its own there",
                Table::names,
            );
        }
    }
    if names.parent_type.is_some() && names.parent_type == names.child_type {
        // One element cannot be both.
        for (entry, chosen) in [
            ("parentType", &mut names.parent_type),
            ("childType", &mut names.child_type),
        ] {
            let name = chosen.take().unwrap_or_default();
            notes.amend(Finding {
                entry: path(entry),
                told: Told::Unknown,
                evidence: "one element fits both sides".into(),
                candidates: vec![Candidate::named(name, None)],
            });
        }
    }
    Ok(())
}

/// Proves names of data classes, on those of computers.
pub(super) async fn data_classes(
    reader: &Reader,
    fields: &[Field],
    names: &mut TypeNames,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let call = resource_model::get_data_classes_for_resource_type(COMPUTER);
    let table = Table::read(reader, &call, fields, true).await?;
    let own = "every data class has one of its own there";
    let path = |name: &str| format!("structures.dataClass.{name}");
    table.settle(
        notes,
        &path("guid"),
        &mut names.guid,
        own,
        Table::identifies,
    );
    table.settle(notes, &path("name"), &mut names.name, own, Table::names);
    Ok(())
}
