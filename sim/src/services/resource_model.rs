//! `ResourceModel`: resource types, resources, data classes, and the associations that sites are made of.
//!
//! I/O only through [`World`]. A resource that is saved must carry every element that it was read with: the serialiser
//! of the SMP would silently reset what a caller leaves out, here it is a refusal, so that such a caller is found out.

use super::{guid, guids, unknown};
use crate::wire::decode::{EMPTY_GUID, guid_text};
use crate::wire::shapes::{Cell, Record, Shapes, StructureId};
use crate::wire::{Call, Fault, Node, Reply};
use crate::world::{
    AsdkError, DataRow, Guid, Relationship, Resource, ResourceType, RowAction, Side, World,
};

use super::Manner;

pub(super) fn answer(world: &World, manner: &Manner, call: &Call) -> Result<Reply, Fault> {
    let of_type = || guid(call, "resourceTypeGUID");
    let resource = || guid(call, "resourceGUID");
    let shapes = manner.shapes();
    Ok(match call.operation.base {
        "GetLastStuctureChangeTimestamp" => Reply::DateTime(world.structure_changed()),
        "GetResourceStructureList" => Reply::Many(
            StructureId::ResourceStructureInfo,
            world.resource_types().iter().map(type_record).collect(),
        ),
        "GetResourceStructure" => Reply::One(
            StructureId::ResourceStructureInfo,
            type_record(&world.resource_type(of_type())?),
        ),
        "GetRelationshipsForResourceType" => Reply::Many(
            StructureId::ResourceRelationshipStructure,
            world
                .relationships(of_type(), call.boolean("asParent"))?
                .iter()
                .map(relationship_record)
                .collect(),
        ),
        "GetDataClassesForResourceType" => Reply::Many(
            StructureId::DataClassStructure,
            data_class_records(world, of_type())?,
        ),
        "GetResourcesOfType" => Reply::Many(
            StructureId::ResourceDataInfo,
            world
                .resources_of_type(of_type())?
                .into_iter()
                .map(info_record)
                .collect(),
        ),
        "GetResource" => {
            let found = world.resource(resource())?;
            Reply::One(
                StructureId::ResourceData,
                data_record(world, &found, &guids(call, "dataClassTypesToFetchGUID"))?,
            )
        }
        "GetResources" => {
            let found = existing(world, &guids(call, "resourceGUIDs"))?;
            resources(world, &found, &guids(call, "dataClassTypesToFetchGUIDs"))?
        }
        "GetAssociatedParentResources" | "GetAssociatedChildResources" => {
            let side = if call.operation.base == "GetAssociatedParentResources" {
                Side::Parents
            } else {
                Side::Children
            };
            let found =
                world.associated(of_type(), resource(), guid(call, "associationType"), side)?;
            resources(world, &found, &[])?
        }
        _ => return write(world, shapes, call),
    })
}

/// The operations that change something, and the rows of data classes.
fn write(world: &World, shapes: &Shapes, call: &Call) -> Result<Reply, Fault> {
    let resource = || guid(call, "resourceGUID");
    Ok(match call.operation.base {
        "CreateNewResource" => {
            let info = call
                .one("info")
                .ok_or_else(|| Fault::parameter("info is missing"))?;
            let sent = Sent::read(shapes, StructureId::ResourceDataInfo, info)?;
            let made = world.create_resource(
                guid(call, "resourceTypeGUID"),
                sent.guid.unwrap_or_default(),
                &sent.name,
                sent.description.as_deref().unwrap_or_default(),
            )?;
            Reply::One(StructureId::ResourceData, data_record(world, &made, &[])?)
        }
        "SaveResource" | "SaveOrCreateResource" => {
            let node = call
                .one("resource")
                .ok_or_else(|| Fault::parameter("resource is missing"))?;
            save(
                world,
                shapes,
                node,
                call.operation.base == "SaveOrCreateResource",
            )?;
            Reply::Void
        }
        "DeleteResource" => {
            world.delete_resource(guid(call, "resourceGuid"))?;
            Reply::Void
        }
        "FormAssociation" | "BreakAssociation" => {
            let kind = guid(call, "relationshipTypeGUID");
            let parent = guid(call, "relationshipParentGUID");
            let children = guids(call, "relationshipChildGUIDs");
            if call.operation.base == "FormAssociation" {
                world.form(kind, parent, &children)?;
            } else {
                world.break_(kind, parent, &children)?;
            }
            Reply::Void
        }
        "GetDataClassRows" => {
            let rows = world.data_class_rows(guid(call, "dataClass"), resource())?;
            Reply::Many(
                StructureId::DataClassRowData,
                rows.into_iter().map(row_record).collect(),
            )
        }
        "SaveDataClass" => {
            let rows = data_classes(shapes, call.many("dataClasses"))?;
            for (class, rows) in rows {
                world.save_data_class_rows(class, resource(), rows, RowAction::Replace)?;
            }
            Reply::Void
        }
        "SaveDataClassRows" => {
            let rows = rows(shapes, call.many("dataRows"));
            let action = match call.text("action").trim().to_ascii_lowercase().as_str() {
                "" | "replace" | "update" => RowAction::Replace,
                "add" | "insert" => RowAction::Add,
                "delete" | "remove" => RowAction::Delete,
                other => {
                    return Err(Fault::parameter(format!(
                        "action: expected Add, Replace or Delete, found `{other}`"
                    )));
                }
            };
            let class = guid(call, "dataClassGuid");
            world.save_data_class_rows(class, resource(), rows, action)?;
            Reply::Void
        }
        _ => return Err(unknown(call)),
    })
}

fn type_record(kind: &ResourceType) -> Record {
    let ResourceType { guid, name, base } = kind;
    Record(vec![
        Cell::Text(guid.to_string()),
        name.as_str().into(),
        "".into(),
        Cell::Text(base.unwrap_or_default().to_string()),
    ])
}

fn relationship_record(relationship: &Relationship) -> Record {
    let Relationship {
        guid,
        name,
        parent_type,
        child_type,
    } = relationship;
    Record(vec![
        Cell::Text(guid.to_string()),
        name.as_str().into(),
        Cell::Text(parent_type.to_string()),
        Cell::Text(child_type.to_string()),
    ])
}

fn data_class_records(world: &World, kind: Guid) -> Result<Vec<Record>, Fault> {
    let classes = world.data_classes(kind)?;
    Ok(classes
        .into_iter()
        .map(|class| {
            let fields = class
                .fields
                .into_iter()
                .map(|field| Record(vec![field.into(), "nvarchar".into(), false.into()]))
                .collect();
            Record(vec![
                Cell::Text(class.guid.to_string()),
                class.name.into(),
                class.table.into(),
                Cell::Many(fields),
            ])
        })
        .collect())
}

fn info_record(resource: Resource) -> Record {
    Record(vec![
        Cell::Text(resource.guid.to_string()),
        resource.name.into(),
        Cell::Text(resource.type_guid.to_string()),
        resource.description.into(),
    ])
}

/// Reads several resources; those that do not exist, or may not be seen, are silently absent.
fn existing(world: &World, wanted: &[Guid]) -> Result<Vec<Resource>, Fault> {
    let mut found = Vec::with_capacity(wanted.len());
    for guid in wanted {
        match world.resource(*guid) {
            Ok(resource) => found.push(resource),
            Err(AsdkError::DoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn resources(world: &World, found: &[Resource], classes: &[Guid]) -> Result<Reply, Fault> {
    let mut records = Vec::with_capacity(found.len());
    for resource in found {
        records.push(data_record(world, resource, classes)?);
    }
    Ok(Reply::Many(StructureId::ResourceData, records))
}

fn data_record(world: &World, resource: &Resource, classes: &[Guid]) -> Result<Record, Fault> {
    let mut data = Vec::with_capacity(classes.len());
    for class in classes {
        let rows = world.data_class_rows(*class, resource.guid)?;
        data.push(Record(vec![
            Cell::Text(class.to_string()),
            Cell::Many(rows.into_iter().map(row_record).collect()),
        ]));
    }
    Ok(Record(vec![
        Cell::Text(resource.guid.to_string()),
        resource.name.as_str().into(),
        Cell::Text(resource.type_guid.to_string()),
        resource.description.as_str().into(),
        attributes(resource.guid).into(),
        Cell::Many(data),
    ]))
}

/// An element that means nothing to the caller and must come back as it was sent.
fn attributes(guid: Guid) -> String {
    format!(
        "{:08x}",
        u32::try_from(guid.number() & 0xffff_ffff).unwrap_or_default()
    )
}

fn row_record(row: DataRow) -> Record {
    let fields = row
        .into_iter()
        .map(|(name, value)| Record(vec![name.into(), value.map_or(Cell::Null, Cell::Text)]))
        .collect();
    Record(vec![Cell::Many(fields)])
}

/// The fields of a resource that a caller sent.
struct Sent {
    guid: Option<Guid>,
    name: String,
    description: Option<String>,
}

impl Sent {
    fn read(shapes: &Shapes, id: StructureId, node: &Node) -> Result<Self, Fault> {
        let name = shapes
            .read(id, "name", node)
            .ok_or_else(|| Fault::parameter(format!("<{}> is missing", shapes.name(id, "name"))))?;
        let guid = match shapes.read(id, "guid", node).map(str::trim) {
            None | Some("" | EMPTY_GUID) => None,
            Some(text) => Some(
                guid_text(text)
                    .and_then(|guid| guid.parse().ok())
                    .ok_or_else(|| Fault::parameter(format!("`{text}` is no GUID")))?,
            ),
        };
        Ok(Self {
            guid: guid.filter(|guid: &Guid| !guid.is_empty()),
            name: name.to_owned(),
            description: shapes.read(id, "description", node).map(str::to_owned),
        })
    }
}

fn save(world: &World, shapes: &Shapes, node: &Node, create: bool) -> Result<(), Fault> {
    let id = StructureId::ResourceData;
    let sent = Sent::read(shapes, id, node)?;
    let classes = data_classes(
        shapes,
        shapes
            .read_many(id, "dataClasses", node)
            .unwrap_or_default(),
    )?;
    let known = match sent.guid {
        Some(guid) => existing(world, &[guid])?.first().map(|found| found.guid),
        None => None,
    };
    let guid = match (known, create) {
        (Some(guid), _) => {
            let expected = attributes(guid);
            if shapes.read(id, "attributes", node) != Some(expected.as_str()) {
                return Err(Fault::parameter(format!(
                    "<{}> must come back as it was read, `{expected}`",
                    shapes.name(id, "attributes")
                )));
            }
            world.save_resource(guid, Some(&sent.name), sent.description.as_deref())?;
            guid
        }
        (None, true) => {
            let kind = shapes
                .read(id, "resourceType", node)
                .and_then(guid_text)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Fault::parameter("the resource type is missing"))?;
            world
                .create_resource(
                    kind,
                    sent.guid.unwrap_or_default(),
                    &sent.name,
                    sent.description.as_deref().unwrap_or_default(),
                )?
                .guid
        }
        (None, false) => return Err(Fault::missing("there is no such resource")),
    };
    for (class, rows) in classes {
        world.save_data_class_rows(class, guid, rows, RowAction::Replace)?;
    }
    Ok(())
}

fn data_classes(shapes: &Shapes, nodes: &[Node]) -> Result<Vec<(Guid, Vec<DataRow>)>, Fault> {
    let id = StructureId::DataClassData;
    nodes
        .iter()
        .map(|node| {
            let class = shapes
                .read(id, "DataClassGUID", node)
                .and_then(guid_text)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Fault::parameter("<DataClassGUID> is missing or no GUID"))?;
            Ok((
                class,
                rows(
                    shapes,
                    shapes.read_many(id, "DataRows", node).unwrap_or_default(),
                ),
            ))
        })
        .collect()
}

fn rows(shapes: &Shapes, nodes: &[Node]) -> Vec<DataRow> {
    let field = StructureId::DataClassFieldData;
    nodes
        .iter()
        .map(|node| {
            shapes
                .read_many(StructureId::DataClassRowData, "DataElements", node)
                .unwrap_or_default()
                .iter()
                .map(|element| {
                    let name = shapes
                        .read(field, "FieldName", element)
                        .unwrap_or_default()
                        .to_owned();
                    (
                        name,
                        shapes.read(field, "Value", element).map(str::to_owned),
                    )
                })
                .collect()
        })
        .collect()
}
