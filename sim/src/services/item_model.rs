//! `ItemModel`: items in short and the actions they offer.
//!
//! I/O only through [`World`]. No item of the simulator offers an action, so the list is empty and carrying one out is a
//! documented fault.

use super::{guid, unknown};
use crate::wire::shapes::{Cell, Record, StructureId};
use crate::wire::{Call, Fault, Reply};
use crate::world::World;

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    let item = world.item(guid(call, "itemGuid"))?;
    Ok(match call.operation.base {
        "GetItemInfo" => Reply::One(
            StructureId::ItemInfo,
            Record(vec![
                Cell::Text(item.guid.to_string()),
                item.name.as_str().into(),
                item.description.as_str().into(),
                item.type_name.as_str().into(),
            ]),
        ),
        "GetActionsForItem" => Reply::Many(StructureId::ItemAction, Vec::new()),
        _ => return Err(unknown(call)),
    })
}
