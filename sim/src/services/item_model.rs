//! `ItemModel`: items in short and the actions they offer.
//!
//! I/O only through [`World`]. What an item offers depends on the caller's rights, as a context menu does: an account that
//! may only read is offered to open the item and nothing else. Carrying an action out is a documented fault.

use super::{Manner, guid, unknown};
use crate::wire::shapes::{Cell, Record, StructureId};
use crate::wire::{Call, Fault, Reply};
use crate::world::World;

pub(super) fn answer(world: &World, manner: &Manner, call: &Call) -> Result<Reply, Fault> {
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
        "GetActionsForItem" => {
            let actions = world.item_actions(item.guid, !manner.read_only())?;
            let records = actions
                .into_iter()
                .map(|(guid, name)| Record(vec![Cell::Text(guid.to_string()), name.into()]))
                .collect();
            Reply::Many(StructureId::ItemAction, records)
        }
        _ => return Err(unknown(call)),
    })
}
