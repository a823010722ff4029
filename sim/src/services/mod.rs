//! What the calls of each service mean: glue from decoded calls to the CMDB, one file a service.
//!
//! I/O only through [`World`]. Answers are [`Reply`]s; refusals of the CMDB become faults of the documented types.

mod deployment;
mod hierarchy;
mod item_management;
mod item_model;
mod manner;
mod report_management;
mod resource_management;
mod resource_model;
mod software_package;
mod swd_package;
mod task_management;

pub use manner::Manner;

use crate::wire::operations::ServiceId;
use crate::wire::shapes::{Cell, Record};
use crate::wire::table::{Column, ColumnKind};
use crate::wire::{Call, ExceptionType, Fault, Reply, Table};
use crate::world::{self, AsdkError, Guid, World};

/// Carries out a call.
pub fn answer(world: &World, manner: &Manner, call: &Call) -> Result<Reply, Fault> {
    if manner.read_only() && writes(call) {
        return Err(Fault::new(
            ExceptionType::InsufficientPermission,
            format!("the account may not call {}", call.operation.name),
        ));
    }
    if let Some(message) = call.operation.fault {
        return Err(Fault::new(
            ExceptionType::Other,
            format!("{}: {message}", call.operation.name),
        ));
    }
    match call.service.id {
        ServiceId::ItemManagement => item_management::answer(world, call),
        ServiceId::ResourceManagement => resource_management::answer(world, call),
        ServiceId::ReportManagement => report_management::answer(world, call),
        ServiceId::HierarchyManagement => hierarchy::answer(world, call),
        ServiceId::SoftwarePackageManagement => software_package::answer(world, call),
        ServiceId::SwdPackageManagement => swd_package::answer(world, call),
        ServiceId::TaskManagement => task_management::answer(world, call),
        ServiceId::DsTaskManagement => deployment::answer(world, call),
        ServiceId::ResourceModel => resource_model::answer(world, manner, call),
        ServiceId::ItemModel => item_model::answer(world, manner, call),
    }
}

/// Says whether a call changes the server.
#[must_use]
pub fn writes(call: &Call) -> bool {
    match call.service.id {
        ServiceId::DsTaskManagement => deployment::writes(call),
        _ => call.operation.writes,
    }
}

impl From<AsdkError> for Fault {
    fn from(error: AsdkError) -> Self {
        let kind = match &error {
            AsdkError::NoProduct(_) => ExceptionType::NoProductExists,
            AsdkError::InvalidLicense(_) => ExceptionType::InvalidLicense,
            AsdkError::InsufficientPermission(_) => ExceptionType::InsufficientPermission,
            AsdkError::DoesNotExist(_) => ExceptionType::DoesNotExist,
            AsdkError::InvalidType(_) => ExceptionType::InvalidType,
            AsdkError::InvalidParameter(_) => ExceptionType::InvalidParameter,
            AsdkError::Internal(_) => ExceptionType::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

/// The table has an operation that its service file does not know: a mistake of ours.
fn unknown(call: &Call) -> Fault {
    Fault::new(
        ExceptionType::Internal,
        format!("{} is described and not carried out", call.operation.name),
    )
}

/// A GUID parameter; the empty GUID where nothing was sent.
fn guid(call: &Call, name: &str) -> Guid {
    // The decoder has checked the form already.
    call.text(name).parse().unwrap_or_default()
}

/// A list of GUIDs.
fn guids(call: &Call, name: &str) -> Vec<Guid> {
    call.guids(name)
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}

/// A list of GUIDs in the order given, for an answer.
fn guid_list(guids: Vec<Guid>) -> Reply {
    Reply::Guids(guids.into_iter().map(|guid| guid.to_string()).collect())
}

/// An `ItemDetails` record.
fn item_record(item: &world::ItemDetails) -> Record {
    let guid = |guid: Guid| Cell::Text(guid.to_string());
    Record(vec![
        Cell::Texts(Vec::new()),
        item.attributes.as_str().into(),
        item.enabled.into(),
        guid(item.guid),
        item.schedulable.into(),
        item.long_type_name.as_str().into(),
        item.name.as_str().into(),
        guid(item.folder),
        item.folder_name.as_str().into(),
        false.into(),
        "".into(),
        guid(Guid::EMPTY),
        guid(item.type_guid),
        item.type_name.as_str().into(),
    ])
}

/// A table of the CMDB as the wire writes it.
fn table(table: world::Table) -> Table {
    Table {
        columns: table
            .columns
            .into_iter()
            .map(|(name, kind)| Column {
                name,
                kind: match kind {
                    world::ColumnKind::Text => ColumnKind::Text,
                    world::ColumnKind::Integer => ColumnKind::Int,
                    world::ColumnKind::Real => ColumnKind::Real,
                    world::ColumnKind::Guid => ColumnKind::Guid,
                    world::ColumnKind::DateTime => ColumnKind::DateTime,
                },
            })
            .collect(),
        rows: table.rows,
    }
}
