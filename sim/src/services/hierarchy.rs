//! `HierarchyManagementService`: membership and replication.
//!
//! I/O only through [`World`].

use super::{guid, unknown};
use crate::wire::{Call, ExceptionType, Fault, Reply};
use crate::world::World;

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    Ok(match call.operation.base {
        "IsHierarchyMember" => Reply::Boolean(world.is_hierarchy_member()?),
        "IsHierarchyManaged" => Reply::Boolean(world.is_hierarchy_managed(guid(call, "itemGuid"))?),
        // Nothing is ever replicated from here, so no item is published to children.
        "IsHierarchyPublished" => {
            world.item(guid(call, "itemGuid"))?;
            Reply::Boolean(false)
        }
        "RunDifferentialReplication" | "RunCompleteReplication" => {
            if !world.is_hierarchy_member()? {
                return Err(Fault::new(
                    ExceptionType::Other,
                    "this server is not a member of a hierarchy",
                ));
            }
            return Err(Fault::missing(format!(
                "there is no hierarchy node {}",
                guid(call, "nodeGuid")
            )));
        }
        _ => return Err(unknown(call)),
    })
}
