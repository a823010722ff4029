//! `ResourceManagementService`: resources by name and context, data classes as tables, associations (no break).
//!
//! I/O only through [`World`].

use super::{guid, guid_list, unknown};
use crate::wire::table::{Column, ColumnKind};
use crate::wire::{Call, Fault, Reply, Table};
use crate::world::{Guid, World};

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    Ok(match call.operation.base {
        "GetResourceByName" => {
            let kind = resource_type(world, call.text("resourceType"))?;
            Reply::Guid(world.find_resource(call.text("name"), kind)?.to_string())
        }
        "GetComputerByNameAndDomain" => Reply::Guid(
            world
                .computer(call.text("name"), call.text("domain"))?
                .to_string(),
        ),
        "GetResourceByContext" => by_context(world, call.text("parameters"))?,
        "GetDataClassData" => {
            let class = world
                .find_data_class(call.text("dataClass"))
                .ok_or_else(|| {
                    Fault::missing(format!(
                        "there is no data class `{}`",
                        call.text("dataClass")
                    ))
                })?;
            Reply::Table(data_class(world, class, guid(call, "resourceGuid"))?)
        }
        "CreateResourceAssociation" => {
            world.form(
                guid(call, "resourceAssociationTypeGuid"),
                guid(call, "parentResourceGuid"),
                &[guid(call, "childResourceGuid")],
            )?;
            Reply::Void
        }
        _ => return Err(unknown(call)),
    })
}

/// A resource type by its name or its GUID.
fn resource_type(world: &World, text: &str) -> Result<Guid, Fault> {
    world
        .find_type(text)
        .ok_or_else(|| Fault::missing(format!("there is no resource type `{text}`")))
}

/// The type of a context: by name or GUID as elsewhere, and `subnet` as documented, in whatever language types are named.
fn context_type(world: &World, text: &str) -> Result<Guid, Fault> {
    resource_type(world, text).or_else(|fault| {
        if text.eq_ignore_ascii_case("subnet") {
            Ok(world.names().subnet.guid)
        } else {
            Err(fault)
        }
    })
}

/// Reads such as `type:subnet, strict:true, 192.168.%`: the last part is a pattern, and its `%` is required.
fn by_context(world: &World, text: &str) -> Result<Reply, Fault> {
    let mut kind = world.names().resource.guid;
    let mut strict = false;
    let mut pattern = None;
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part
            .split_once(':')
            .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim()))
        {
            Some((key, value)) if key == "type" => kind = context_type(world, value)?,
            Some((key, value)) if key == "strict" => strict = value.eq_ignore_ascii_case("true"),
            _ => pattern = Some(part),
        }
    }
    let pattern = pattern
        .filter(|pattern| pattern.ends_with('%'))
        .ok_or_else(|| {
            Fault::parameter("parameters: expected a pattern that ends in % as the last part")
        })?;
    let found = world.resources_like(kind, pattern, strict)?;
    Ok(guid_list(
        found.into_iter().map(|resource| resource.guid).collect(),
    ))
}

/// The rows of a data class as a table; the schema lists the fields even where there are no rows.
fn data_class(world: &World, class: Guid, resource: Guid) -> Result<Table, Fault> {
    let fields = world.data_class(class)?.fields;
    let rows = world.data_class_rows(class, resource)?;
    let rows = rows
        .into_iter()
        .map(|row| {
            let cell = |field: &String| {
                row.iter()
                    .find(|(name, _)| name == field)
                    .and_then(|(_, value)| value.clone())
            };
            fields.iter().map(cell).collect()
        })
        .collect();
    Ok(Table {
        columns: fields
            .into_iter()
            .map(|name| Column {
                name,
                kind: ColumnKind::Text,
            })
            .collect(),
        rows,
    })
}
