//! `ItemManagementService`: items by GUID, name and type, item XML, folders, policies.
//!
//! I/O only through [`World`].

use super::{guid, guid_list, item_record, unknown};
use crate::wire::shapes::StructureId;
use crate::wire::{Call, ExceptionType, Fault, Reply};
use crate::world::{ItemDetails, World};

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    let item = || guid(call, "itemGuid");
    Ok(match call.operation.base {
        "ItemExists" => Reply::Boolean(world.item_exists(item())?),
        "GetItemByGuid" => one(&world.item(item())?),
        "GetItemsByName" => many(&world.items_by_name(call.text("itemName"))?),
        "GetItemsByType" => many(&world.items_by_type(call.text("typeName"))?),
        "GetItemsByNameAndType" => {
            guid_list(world.items_by_name_and_type(call.text("name"), call.text("type"))?)
        }
        "ExportItemXmlString" => Reply::Text(Some(world.export_item_xml(item())?)),
        "ImportItemXmlString" => {
            world.import_item_xml(call.text("xml"))?;
            Reply::Void
        }
        "DeleteItem" => {
            world.delete_item(item())?;
            Reply::Void
        }
        "RenameItem" => {
            world.rename_item(item(), call.text("newName"))?;
            Reply::Void
        }
        "EnablePolicyItem" | "DisablePolicyItem" => {
            let on = call.operation.base == "EnablePolicyItem";
            world.enable_policy(guid(call, "policyItemGuid"), on)?;
            Reply::Void
        }
        "CreateFolder" => {
            one(&world.create_folder(call.text("folderName"), guid(call, "parentFolderGuid"))?)
        }
        "ExecuteSchedulableItem" => {
            let found = world.item(item())?;
            if !found.schedulable {
                return Err(Fault::new(
                    ExceptionType::InvalidType,
                    format!("`{}` has no schedule", found.name),
                ));
            }
            Reply::Void
        }
        _ => return Err(unknown(call)),
    })
}

fn one(item: &ItemDetails) -> Reply {
    Reply::One(StructureId::ItemDetails, item_record(item))
}

fn many(items: &[ItemDetails]) -> Reply {
    Reply::Many(
        StructureId::ItemDetails,
        items.iter().map(item_record).collect(),
    )
}
