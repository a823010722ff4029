//! `SWDSolnPackageManagementService`: the same for classic software-delivery packages.
//!
//! I/O only through [`World`].

use super::software_package::server_list;
use super::{guid, unknown};
use crate::wire::shapes::{Cell, Record, StructureId};
use crate::wire::{Call, Fault, Reply};
use crate::world::{Assignment, World};

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    let package = guid(call, "sPackageGuid");
    Ok(match call.operation.base {
        "GetPackageExByGuid" => {
            let found = world
                .package(package)?
                .ok_or_else(|| Fault::missing(format!("there is no package {package}")))?;
            Reply::One(
                StructureId::PackageEx,
                Record(vec![
                    Cell::Text(found.guid.to_string()),
                    found.name.as_str().into(),
                    found.description.as_str().into(),
                    found.location.as_str().into(),
                    (found.assignment == Assignment::All).into(),
                    world.package_servers_text(&found.servers).into(),
                    found.server_location.as_str().into(),
                ]),
            )
        }
        "SetPackageExPackageServerOptions" => {
            let assignment = match call
                .text("bAllOrSpecificPackageServers")
                .trim()
                .to_ascii_lowercase()
                .as_str()
            {
                "true" | "1" => Assignment::All,
                "false" | "0" => Assignment::Individually,
                other => {
                    return Err(Fault::parameter(format!(
                        "bAllOrSpecificPackageServers: expected true (all) or false (specific), found `{other}`"
                    )));
                }
            };
            let servers = server_list(call.text("sPackageServerGuids"))?;
            world.set_package_servers(
                package,
                assignment,
                false,
                &servers,
                call.text("sLocationOnPackageServer"),
            )?;
            Reply::Boolean(true)
        }
        "UpdateDistributionPoints" => {
            world.update_distribution_points(package)?;
            Reply::Void
        }
        _ => return Err(unknown(call)),
    })
}
